"""Receives that were asked for after an open irecv() leave its message to it: persistent ones, and those of many elements."""
# ranks: 1 2 3 4

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
left, right = (rank - 1) % size, (rank + 1) % size
status = MPI.Status()


def both(tag=2):
    """Send to the right: an object, and after it two numbers."""
    return comm.isend("object", right, 1), comm.Isend(np.array([rank, rank]), right, tag)


# --------------------------------------------------------------------- persistent receives
room = np.zeros(2, int)
receive = comm.Recv_init(room, MPI.ANY_SOURCE, MPI.ANY_TAG)
WAITS = {
    "Wait": lambda: receive.Wait(status),
    "wait": lambda: receive.wait(status) is None,
    "Waitall": lambda: MPI.Request.Waitall([receive], [status]),
    "waitall": lambda: MPI.Request.waitall([receive], [status]) == [None],
    "Waitany": lambda: MPI.Request.Waitany([receive], status) == 0,
    "Waitsome": lambda: MPI.Request.Waitsome([receive], [status]) == [0],
    "Test": lambda: any(receive.Test(status) for _ in iter(int, 1)),
    "Testall": lambda: any(MPI.Request.Testall([receive], [status]) for _ in iter(int, 1)),
    "Get_status": lambda: any(receive.Get_status(status) for _ in iter(int, 1)) and receive.Wait(),
}
for started in "Start", "Startall":
    for name, wait in WAITS.items():
        promised = comm.irecv(source=left)
        receive.Start() if started == "Start" else MPI.Prequest.Startall([receive])
        equal((bool(receive), receive.Test()), (True, False), f"{started}() behind an irecv(): nothing yet")
        sent = both()
        equal((wait(), status.source, status.tag, room.tolist()), (True, left, 2, [left, left]),
              f"{started}(), {name}(): it has the message sent to it")
        equal((promised.wait(), bool(receive)), ("object", True), f"{started}(), {name}(): and the irecv() its own")
        MPI.Request.waitall(sent)
        room[:] = 0

receive.Start()  # before an irecv() it comes first, as it always did
promised = comm.irecv(source=left)
sent = comm.Isend(np.array([rank, 5]), right, 2), comm.isend("late", right, 1)
equal((receive.Wait(), room.tolist(), promised.wait()), (True, [left, 5], "late"), "started before an irecv()")
MPI.Request.waitall(sent)

promised = comm.irecv(source=left, tag=1)
receive.Start()
promised.cancel()
sent = comm.Isend(np.array([rank, 6]), right, 1)
equal((receive.Wait(), room.tolist(), promised.wait()), (True, [left, 6], None), "behind an irecv() that is cancelled")
sent.Wait()

# An irecv() that does not accept a message does not keep it from a receive behind it.
promised = comm.irecv(source=left, tag=1)
receive.Start()
sent = [comm.Isend(np.array([rank, 7]), right, 2)]
equal((receive.Wait(), room.tolist()), (True, [left, 7]), "a message the irecv() does not accept")
sent.append(comm.isend("object", right, 1))
equal((promised.wait(), MPI.Request.waitall(sent)), ("object", [None, None]), "which waits for its own")

promised, others = comm.irecv(source=left, tag=1), comm.Recv_init(room, left, 3)
others.Start()
sent = comm.Isend(np.array([rank, 8]), right, 3), comm.isend(1, right, 1)
equal((others.Wait(), room.tolist(), promised.wait()), (True, [left, 8], 1), "another tag does not wait")
MPI.Request.waitall(sent)
others.Free()

# ------------------------------------------------------------ what else is done with them
own = MPI.COMM_SELF.Dup()
promised, small = own.irecv(tag=1), bytearray(1)
receive.Free()
receive = own.Recv_init(small)
receive.Start()
raises(MPI.Exception, "", receive.Start, name="a receive that waits its turn cannot be started again")
receive.Cancel()
check(receive.Wait(status) and status.Is_cancelled() and receive, "but cancelled")
receive.Start()
sent = own.Isend(b"123", 0, 2)
raises(MPI.Exception, "truncated", receive.Wait, name="an error of what stood for it")
sent.Wait()
receive.Start()
sent = own.Isend(b"4", 0, 2)
equal((receive.Wait(), bytes(small), sent.Wait()), (True, b"4", True), "leaves it as it was")
receive.Start()
copy = MPI.Prequest(receive)
sent = own.Isend(b"5", 0, 2)
equal((copy.Wait(), bytes(small), sent.Wait()), (True, b"5", True), "a second object for it waits, too")
copy.Start()
sent = own.Isend(b"6", 0, 2)
del copy
equal((receive.Wait(), bytes(small), sent.Wait()), (True, b"6", True), "and gives it back")
for drop in "Free", "del":
    receive.Start()
    if drop == "Free":
        receive.Free()
        check(not receive, "one that was freed is null")
    del receive
    sent = own.isend("first", 0, 1), own.Isend(b"7" if drop == "Free" else b"8", 0, 2)
    equal((promised.wait(), MPI.Request.Waitall(sent)), ("first", True), f"{drop} of one that waits its turn")
    equal(bytes(small), b"7" if drop == "Free" else b"8", f"{drop}: it receives all the same")
    promised, receive = own.irecv(tag=1), own.Recv_init(small)
sent = own.isend("first", 0, 1)
equal((promised.wait(), sent.wait()), ("first", None), "after all that")
receive.Free()

# ------------------------------------------------------------------------ many elements
LARGE = 2**31 + 5
nothing = MPI.BYTE.Create_contiguous(0).Commit()  # weighs nothing, so that there may be many
data = np.zeros(8, np.uint8)
out, into = [data, LARGE, nothing], [data.copy(), LARGE, nothing]


def later(request):
    check(request, "... gives a request")
    request.Wait(status)
    return request


CALLS = {
    "Recv": (True, lambda: comm.Recv(into, left, MPI.ANY_TAG, status)),
    "Irecv": (True, lambda: later(comm.Irecv(into, left))),
    "Recv_init": (True, lambda: (lambda request: (request.Start(), later(request).Free()))(comm.Recv_init(into, left))),
    "Mprobe": (True, lambda: comm.Mprobe(left, MPI.ANY_TAG, status).Recv(into)),
    "Sendrecv": (False, lambda: comm.Sendrecv(out, right, 2, into, left, MPI.ANY_TAG, status)),
    "Sendrecv_replace": (False, lambda: comm.Sendrecv_replace(out, right, 2, left, MPI.ANY_TAG, status)),
}
if MPI.Get_version() >= (4, 0):
    CALLS["Isendrecv"] = False, lambda: later(comm.Isendrecv(out, right, 2, into, left))
    CALLS["Isendrecv_replace"] = False, lambda: later(comm.Isendrecv_replace(out, right, 2, left))
for name, (sends, call) in CALLS.items():
    promised = comm.irecv(source=left)
    sent = [comm.isend(name, right, 1)] + ([comm.Isend(out, right, 2)] if sends else [])
    call()
    equal((status.source, status.tag), (left, 2), f"{name} of many elements has the message sent to it")
    equal((promised.wait(), MPI.Request.waitall(sent)[0]), (name, None), f"{name}: and the irecv() its own")

promised, forgotten = comm.irecv(source=left, tag=1), comm.Irecv(into, left, 1)
del forgotten
sent = comm.isend("object", right, 1), comm.Isend(out, right, 1)
equal((promised.wait(), MPI.Request.Waitall(sent)), ("object", True), "one of many elements may be dropped")
nothing.Free()
own.Free()
done()
