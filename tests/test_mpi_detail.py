"""Small things in which the classes answer as programs written for mpi4py expect."""
# ranks: 1 2 3 4

import array
import pickle
import weakref

from collio import MPI
from tap import check, done, equal, raises

comm, own = MPI.COMM_WORLD, MPI.COMM_SELF

# ----------------------------------------------- who asked first is served first
rank, size = comm.rank, comm.size
left, right = (rank - 1) % size, (rank + 1) % size
status, room = MPI.Status(), bytearray(4)
promised = comm.irecv()
sent = [comm.isend("object", right, 1), comm.Isend(b"data", right, 2)]
comm.Recv(room, status=status)
equal((bytes(room), status.source, status.tag), (b"data", left, 2), "Recv() leaves the message of an open irecv()")
equal((promised.wait(), MPI.Request.Waitall(sent)), ("object", True), "which gets it")

for name in "Iprobe", "iprobe", "Improbe", "improbe":
    promised, sent = own.irecv(), own.isend("first", 0, 1)
    check(not getattr(own, name)(), f"{name}() does not see it")
    more = own.isend("second", 0, 2)
    found = getattr(own, name)(status=status)
    equal((bool(found), status.tag), (True, 2), f"{name}() sees the next one")
    equal(found.recv() if name.lower().endswith("mprobe") else own.recv(), "second", f"{name}(): and it can be had")
    equal((promised.wait(), sent.wait(), more.wait()), ("first", None, None), f"{name}(): all are served")
for name in "Probe", "probe", "Mprobe", "mprobe":
    promised, others = own.irecv(tag=1), own.irecv(tag=3)
    sent = [own.isend(tag, 0, tag) for tag in (1, 2, 3)]
    found = getattr(own, name)(status=status)
    equal(status.tag, 2, f"{name}() waits for a message of nobody's")
    equal(found.recv() if name.lower().endswith("mprobe") else own.recv(tag=2), 2, f"{name}(): which can be had")
    equal((promised.wait(), others.wait(), MPI.Request.waitall(sent)), (1, 3, [None] * 3), f"{name}(): all are served")

for kind in "Irecv", "Sendrecv", "Sendrecv_replace", "Isendrecv", "Isendrecv_replace":
    if kind.startswith("Isend") and MPI.Get_version() < (4, 0):
        continue
    promised, own_room = comm.irecv(source=left), array.array("i", [rank, rank])
    sent = comm.isend("object", right, 1)
    if kind == "Irecv":
        sent = [sent, comm.Isend(array.array("i", [rank, rank]), right, 2)]
        request = comm.Irecv(own_room, MPI.ANY_SOURCE)
    else:
        arguments = (own_room, right, 2) if kind.endswith("replace") else (own_room[:], right, 2, own_room)
        request, sent = getattr(comm, kind)(*arguments, left, MPI.ANY_TAG), [sent]
    status = MPI.Status()
    if request is not None:
        check(request, f"{kind}() while an irecv() is open gives a request")
        equal((request.Wait(status), bool(request), status.tag), (True, False, 2), f"{kind}(): which can be waited for")
    equal((own_room.tolist(), promised.wait(), MPI.Request.waitall(sent)[0]), ([left, left], "object", None),
          f"{kind}() leaves the message of an open irecv() to it")
promised, second = own.irecv(tag=1), bytearray(1)
request = own.Irecv(second)
request.Cancel()
check(request and request.Test(status) and status.Is_cancelled(), "an Irecv() behind it can be cancelled")
del request
request = own.Irecv(second)
del request
sent = own.Isend(b"2", 0, 2), own.isend("first", 0, 1)
equal((promised.wait(), MPI.Request.Waitall(sent)), ("first", True), "or dropped")
equal(bytes(second), b"2", "then it receives all the same")
promised = own.irecv()
promised.cancel()
check(promised, "an irecv() that was cancelled is to be waited for")
equal((promised.wait(status), status.Is_cancelled(), bool(promised)), (None, True, False), "and was cancelled then")
status.error = 3
own.sendrecv(1, MPI.PROC_NULL, source=MPI.PROC_NULL, status=status)
equal((status.error, own.sendrecv(2, 0, source=0, status=status), status.error), (3, 2, 3),
      "the error in a status is left as it is, as MPI does")

promised, room = own.irecv(tag=5), bytearray(1)
own.Recv(room, MPI.PROC_NULL, status=status)
equal((status.source, own.Iprobe(MPI.PROC_NULL), own.Mprobe(MPI.PROC_NULL)),
      (MPI.PROC_NULL, True, MPI.MESSAGE_NO_PROC), "nobody's messages are nobody's")
for name, arguments in ("Recv", (room, 99)), ("Iprobe", (99,)), ("Mprobe", (99,)):
    error = raises(MPI.Exception, "", getattr(own, name), *arguments, name=f"{name}() from no rank")
    equal(error.error_class, MPI.ERR_RANK, "is an error of the rank")
sent = own.Isend(b"long", 0)
error = raises(MPI.Exception, "", own.Recv, room, name="a message too long for Recv()")
equal(error.error_class, MPI.ERR_TRUNCATE, "is told")
sent.Wait()
sent = own.isend("end", 0, 5)
equal((promised.wait(), sent.wait()), ("end", None), "and irecv() still gets its own")

# ------------------------------------------------------------------------ statuses
for name in ("Waitany", "Testany", "Waitall", "Testall", "Waitsome", "Testsome",
             "waitany", "testany", "waitall", "testall", "waitsome", "testsome"):
    call, objects = getattr(MPI.Request, name), name[0].islower()
    requests = [own.isend(7, 0), own.irecv()] if objects else [own.Isend(b"7", 0), own.Irecv(bytearray(1))]
    several = not name.endswith("any")
    for wrong in (7, "x", {}) + (([1], [MPI.Status(), None]) if several else ([], MPI.Status)):
        raises(TypeError, "status", call, requests, wrong, name=f"{name} refuses {wrong!r} for a status")
    check(all(requests), f"{name}: a refused call has completed nothing")
    MPI.Request.waitall(requests)
    if several:
        raises(TypeError, "status", call, [], 7, name=f"{name} refuses it without requests, too")
requests = [own.Isend(b"7", 0, 3), own.Irecv(bytearray(1), 0, 3)]
statuses = MPI.Status(), MPI.Status()
equal(MPI.Request.Waitall(requests, statuses), True, "a tuple of statuses")
equal((statuses[1].source, statuses[1].tag), (0, 3), "is written, too")
short = (MPI.Status(),)
requests = [own.Irecv(bytearray(1), 0, 3), own.Isend(b"7", 0, 3)]
equal((MPI.Request.Waitall(requests, short), short[0].tag), (True, 3), "and a short one as far as it goes")
status = MPI.Status()
check(weakref.ref(status)() is status, "a weak reference to a status")

# ----------------------------------------------------------------------- operations
equal((MPI.MAXLOC([3, 1], (2, 0)), MPI.MINLOC((3, 1), [2, 0])), ((3, 1), (2, 0)), "pairs of any kind, as tuples")
equal((MPI.MAXLOC((3, 2), (3, 1)), MPI.MINLOC((3, 0), (3, 1))), ((3, 1), (3, 0)), "a tie is won by the smaller index")
for op in (MPI.MAXLOC, MPI.MINLOC):
    raises(ValueError, "expecting (value, index), got 1 items", op, [1], [2], name="one item is no pair")
    raises(ValueError, "got 3 items", op, (1, 2), (1, 2, 3), name="nor are three")
    raises(TypeError, "", op, 1, 2, name="nor is a number")

# --------------------------------------------------------------------------- memory
memory = MPI.buffer(bytearray(b"abc"))
equal(list(memory), [97, 98, 99], "the bytes of a buffer one by one")
equal((98 in memory, 1 in memory, list(reversed(memory))), (True, False, [99, 98, 97]), "in and reversed()")
equal(list(MPI.buffer()), [], "an empty buffer has none")
equal(MPI.Get_address(None), 0, "the address of nothing")

# --------------------------------------------------------------------- serialization
highest = pickle.HIGHEST_PROTOCOL
equal([MPI.Pickle(pickle.dumps, pickle.loads).PROTOCOL, MPI.Pickle(pickle.dumps).PROTOCOL,
       MPI.Pickle(pickle.dumps, protocol=2).PROTOCOL, MPI.Pickle(lambda o: b"", bytes).PROTOCOL],
      [highest, highest, 2, None], "the protocol of pickle's own functions, given or not")
data, apart = MPI.Pickle(pickle.dumps, pickle.loads, threshold=0).dumps_oob(array.array("b", b"1"))
check(isinstance(data, bytes) and isinstance(apart, list), "dumps_oob() with them")


class Named(MPI.Pickle):
    def __new__(cls, name):
        return super().__new__(cls, name)

    def __init__(self, name):
        self.name = name


equal((Named("n").name, Named("n").loads(Named("n").dumps([1]))), ("n", [1]), "a class with arguments of its own")

# ----------------------------------------------------------------------- exceptions
raises(TypeError, "", MPI.Exception, 1, 2, name="an error is of one code")
raises(TypeError, "", MPI.Exception, 1, "text", 3, name="and of nothing more")
equal(pickle.loads(pickle.dumps(MPI.Exception(5))), MPI.Exception(5), "one comes back from its pickle")

# ------------------------------------------------------------------------ topologies
for index, edges, there in ([0], [0], ([0], [])), ([1], [0, 0, 0], ([1], [0])), ([0, 0], [], ([0], [])), \
        ([0, 1], [0], ([1], [0])):
    graph = own.Create_graph(index, edges)
    equal((graph.topo, own.Graph_map(index, edges)), (there, 0), f"Create_graph({index}, {edges})")
    graph.Free()
for index in [], [0]:
    check(not own.Create_graph(index, []), f"Create_graph({index}, []): a graph of nobody")
    equal(own.Graph_map(index, []), MPI.UNDEFINED, "in which nobody has a rank")
raises(ValueError, "expecting 2 items, got 1", own.Create_graph, [2], [0], name="too few edges")
raises(TypeError, "", own.Create_graph, [1], None, name="no edges")
raises(TypeError, "", own.Create_graph, None, [0], name="no index")
grid = own.Create_cart([1, 1], True)
equal(grid.periods, [1, 1], "one truth value for all periods")
raises(TypeError, "", own.Create_cart, [1, 1], 1, name="but no number")
raises(TypeError, "", own.Create_cart, [1], "x", name="nor a text")
raises(TypeError, "", grid.Sub, True, name="Sub() takes a sequence")
raises(TypeError, "remain_dims", grid.Sub, "ab", name="and no text")
grid.Free()
for name in ("degrees", "indegree", "outdegree", "inoutedges", "inedges", "outedges"):
    raises(TypeError, "expecting a topology communicator", lambda: getattr(MPI.Topocomm(), name), name=f"{name} of none")
done()
