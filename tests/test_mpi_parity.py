"""Further things in which the classes answer as programs written for mpi4py expect."""
# ranks: 1 2 3 4

import numpy as np

from collio import MPI
from tap import check, done, equal, raises

comm, own = MPI.COMM_WORLD, MPI.COMM_SELF
rank, size = comm.rank, comm.size
left, right = (rank - 1) % size, (rank + 1) % size

# ------------------------------------------------------------- copies of requests
room = bytearray(1)
receive, send = comm.Irecv(room, left), None
check(MPI.Request(receive) == receive, "a copy of a request is equal to it")
send = comm.Isend(b"1", right)
check(MPI.Request(send) == send, "and may go at any time")
for _ in range(3):
    own.Iprobe()
equal((receive.Wait(), send.Wait(), bytes(room)), (True, True, b"1"), "the first one is still to be waited for")
receive = comm.Irecv(room, left)
copy = MPI.Request(receive)
send = comm.Isend(b"2", right)
equal((receive.Wait(), send.Wait(), bytes(room)), (True, True, b"2"), "also while there is a copy")
del copy
receive = comm.Irecv(room, left)
copy = MPI.Request(receive)
del receive
send = comm.Isend(b"3", right)
equal((copy.Wait(), send.Wait(), bytes(room)), (True, True, b"3"), "or the copy, after the first one has gone")
receive = comm.irecv(source=left)
check(MPI.Request(receive) == receive, "a copy of an irecv()")
send = comm.isend("object", right)
equal((receive.wait(), send.wait()), ("object", None), "leaves the object to it")


class Named(MPI.Prequest):
    """A user's class of requests."""


first = own.Send_init(b"4", 0)
repeated = Named(first), Named(own.Recv_init(room, 0))
del first
for _ in range(3):
    MPI.Prequest.Startall(repeated)
    MPI.Request.Waitall(repeated)
equal(bytes(room), b"4", "copies of persistent requests can be started")
for request in repeated:
    request.Free()
check(not any(repeated), "and freed")
send = own.Isend(b"5", 0)
for cls in MPI.Prequest, MPI.Grequest:
    raises(TypeError, cls.__name__, cls, send, name=f"no {cls.__name__} of another request")
    check(not cls(MPI.REQUEST_NULL), "but of none")
own.Recv(room)
send.Wait()
error = raises(MPI.Exception, "", MPI.Prequest.Startall, [MPI.REQUEST_NULL], name="nothing cannot be started")
equal(error.error_class, MPI.ERR_REQUEST, "is an error of the request")
raises(TypeError, "bytes-like", own.irecv, "text", name="a text is no room for an object")
raises(BufferError, "", own.irecv, b"text", name="nor are bytes, which cannot be written")

# -------------------------------------------------------------------------- bytes
for memory, other in (bytearray, bytes), (lambda n: np.zeros(n, "u1"), lambda b: np.frombuffer(b, "u1")):
    total = memory(2)
    comm.Allreduce(b"\1\2", total)
    equal(bytes(total), bytes([size, 2 * size]), "bytes are added as numbers")
    MPI.SUM.Reduce_local(other(b"\1\1"), total)
    equal(bytes(total), bytes([size + 1, 2 * size + 1]), "and here")
raises(BufferError, "int64", own.Bcast, np.zeros(2, "M8[s]"), name="no type for dates")

# ------------------------------------------------------------- lists of a message
total = np.ones(2, "i")
comm.Allreduce([MPI.IN_PLACE, 2, MPI.INT], total)
equal(total.tolist(), [size, size], "IN_PLACE in a list")
for spec in MPI.BOTTOM, [MPI.BOTTOM, 1], [None, 0], [None, None], [total, 1, 1], [total, 1, 1, 1]:
    raises(KeyError, "datatype", own.Bcast, spec, name=f"{spec!r}: no datatype")
raises(TypeError, "a list of", own.Alltoallw, total, total, name="Alltoallw() takes lists")

# -------------------------------------------------------------------------- texts
info = MPI.Info.Create()
info.Set(b"key", b"value")
equal((info.Get(b"key"), b"key" in info, info.Get("key")), ("value", True, "value"), "texts may be bytes")
raises(ValueError, "null", info.Set, "a\0b", "value", name="but have no zero in them")
info.Free()
error = raises(MPI.Exception, "", MPI.INFO_ENV.Free, name="what mpiexec said stays")
equal(error.error_class, MPI.ERR_INFO, "is an error of the hints")
for level in -1, 3:
    error = raises(MPI.Exception, "", MPI.Pcontrol, level, name=f"no profiler knows the level {level}")
    equal(error.error_class, MPI.ERR_ARG, "is an error of the argument")
equal(MPI.SUM(x=1, y=2), 3, "operands by name")
raises(TypeError, "", MPI.SUM, 1, name="one is not enough")
grid = own.Create_cart([1])
for dims in ["a"], [None], [1.5]:
    raises(TypeError, "truth", grid.Sub, dims, name=f"Sub({dims}): no truth values")
grid.Free()
done()
