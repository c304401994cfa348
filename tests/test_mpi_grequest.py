"""Generalized requests: operations of the program's own."""
# ranks: 1 2

import gc
import threading
import weakref

from collio import MPI
from tap import check, done, equal, raises

seen = []


def query(status, *args, **keywords):
    seen.append(("query", status.source, status.tag, status.count, args, keywords))
    status.source, status.tag = 3, 4
    status.Set_elements(MPI.BYTE, 5)


def free(*args, **keywords):
    seen.append(("free", args, keywords))


def cancel(completed, *args, **keywords):
    seen.append(("cancel", completed, args, keywords))


request = MPI.Grequest.Start(query, free, cancel, (1, 2), {"x": 3})
check(type(request) is MPI.Grequest and isinstance(request, MPI.Request) and request, "Start gives a Grequest")
equal((request.Test(), request.Get_status(), request.test()), (False, False, (False, None)), "... that is not done")
request.Cancel()
equal(seen.pop(), ("cancel", False, (1, 2), {"x": 3}), "cancel_fn is told that it is not complete")
request.Complete()
check(request, "Complete() leaves it to be waited for")
request.Cancel()
equal(seen.pop(), ("cancel", True, (1, 2), {"x": 3}), "cancel_fn is told that it is complete")
status = MPI.Status()
equal(request.Wait(status), True, "Wait")
equal((status.source, status.tag, status.count, status.Is_cancelled()), (3, 4, 5, False), "query_fn fills the Status")
equal(seen, [("query", MPI.ANY_SOURCE, MPI.ANY_TAG, 0, (1, 2), {"x": 3}), ("free", (1, 2), {"x": 3})], "all functions were called once")
check(not request, "a request that is done is null")
raises(MPI.Exception, "", request.Complete, name="it is completed once")
raises(MPI.Exception, "", MPI.Grequest().Complete, name="the null request is not completed")

request = MPI.Grequest.Start()
request.complete([1, 2])
equal(request.wait(), [1, 2], "wait() yields what complete() was given")
equal(request.wait(), None, "... once")
request = MPI.Grequest.Start()
request.complete()
equal(request.test(), (True, None), "test() yields None by default")
request = MPI.Grequest.Start(lambda status: status.Set_cancelled(True))
request.Complete()
request.Wait(status)
equal((status.Is_cancelled(), status.source, status.count), (True, MPI.ANY_SOURCE, 0), "a cancelled operation")
requests = [MPI.Grequest.Start() for i in range(3)]
for i, request in enumerate(requests):
    request.complete(i)
equal(MPI.Request.waitall(requests), [0, 1, 2], "waitall")

# Copies, and requests given up.
request = MPI.Grequest.Start()
other = MPI.Grequest(request)
equal(other, request, "a copy is the same request")
other.Complete()
equal(other.Wait(), True, "... and is waited for")
seen.clear()
request = MPI.Grequest.Start(None, free)
request.Free()
check(not request, "Free() gives it up")
request.Complete()
equal(seen, [("free", (), {})], "... and it is completed all the same")


class Value:
    pass


watch = weakref.ref(value := Value())
request = MPI.Grequest.Start(free_fn=lambda v: None, args=[value])
request.complete(value)
del value
gc.collect()
check(watch() is not None, "a request keeps its arguments")
request.Wait()
gc.collect()
check(watch() is None, "... until it is done")

# Another thread completes it.
if MPI.Query_thread() == MPI.THREAD_MULTIPLE:
    request = MPI.Grequest.Start()
    started = threading.Event()
    thread = threading.Thread(target=lambda: (started.wait(), request.complete("from a thread")))
    thread.start()
    started.set()
    equal(request.wait(), "from a thread", "another thread completes it")
    thread.join()


# Exceptions.
def fail(*args):
    raise KeyError("refused")


def truncated(*args):
    raise MPI.Exception(MPI.ERR_TRUNCATE)


request = MPI.Grequest.Start(fail)
request.Complete()
error = raises(MPI.Exception, "", request.Wait, name="an exception in query_fn comes out of Wait()")
check(isinstance(error.__cause__, KeyError), "... as the cause")
request = MPI.Grequest.Start(truncated)
request.Complete()
error = raises(MPI.Exception, "", request.Wait, name="... an MPI.Exception with its code")
equal(error.Get_error_class(), MPI.ERR_TRUNCATE, "... which is the code of Wait()'s")
request = MPI.Grequest.Start(None, fail)
request.Complete()
error = raises((MPI.Exception, KeyError), "", request.Wait, name="an exception in free_fn")
check(isinstance(error, KeyError) or isinstance(error.__cause__, KeyError), "... is told")
request = MPI.Grequest.Start(None, None, fail)
error = raises((MPI.Exception, KeyError), "", request.Cancel, name="an exception in cancel_fn")
check(isinstance(error, KeyError) or isinstance(error.__cause__, KeyError), "... is told")
request.Complete()
request.Wait()
raises(TypeError, "query_fn must be callable or None", MPI.Grequest.Start, 3, name="functions are checked")
raises(TypeError, "iterable", MPI.Grequest.Start, args=3, name="... and arguments")
done()
