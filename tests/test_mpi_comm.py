"""Communicators, grids, groups, hints, statuses, requests, datatypes, operations."""
# ranks: 1 2 3 4

import copy
import pickle

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size

# ------------------------------------------------------------------ communicators
equal((comm.Get_rank(), comm.Get_size()), (rank, size), "Get_rank and Get_size")
equal(MPI.COMM_SELF.size, 1, "COMM_SELF is alone")
equal((comm.name, bool(comm), bool(MPI.COMM_NULL)), ("MPI_COMM_WORLD", True, False), "names, truth")
duplicate = comm.Dup()
check(duplicate != comm and type(duplicate) is MPI.Intracomm, "a duplicate is another")
equal((duplicate.Compare(comm), comm.Compare(comm)), (MPI.CONGRUENT, MPI.IDENT), "Compare")
duplicate.name = "twin"
equal(duplicate.Get_name(), "twin", "a name can be set")
again = MPI.Intracomm(duplicate)
check(again == duplicate and again is not duplicate, "a second object for one handle")
check(MPI.Comm.fromhandle(duplicate.handle) == duplicate, "handle and fromhandle")
check(MPI.Comm.f2py(duplicate.py2f()) == duplicate, "py2f and f2py")
duplicate.Free()
check(not duplicate and duplicate == MPI.COMM_NULL, "Free makes it null")
raises(MPI.Exception, "ommunicator", lambda: duplicate.size, name="use after Free")
raises(MPI.Exception, "ommunicator", lambda: duplicate.Barrier(), name="Barrier after Free")
raises(MPI.Exception, "ommunicator", lambda: duplicate.bcast(1), name="bcast after Free")
raises(MPI.Exception, "ommunicator", lambda: MPI.Intracomm().rank, name="a null one has no rank")

with comm.Clone() as clone:
    equal(clone.allreduce(1), size, "a communicator is a context manager")
check(not clone, "... that frees it")

half = comm.Split(rank % 2, key=-rank)
equal(half.size, len(range(rank % 2, size, 2)), "Split by color")
equal(half.allgather(rank), sorted(range(rank % 2, size, 2), reverse=True), "... and key")
half.Free()
some = comm.Split(MPI.UNDEFINED if rank else 0)
equal((bool(some), some == MPI.COMM_NULL), (not rank, bool(rank)), "Split without a color")
if some:
    some.Free()
shared = comm.Split_type(MPI.COMM_TYPE_SHARED)
# MPICH 5 may take the ranks in one container for those of several machines.
equal(1 <= shared.size <= size, True, "Split_type")
shared.Free()
equal((comm.is_intra, comm.is_inter, comm.is_topo, comm.topology),
      (True, False, False, MPI.UNDEFINED), "what it is")


class Mine(MPI.Intracomm):
    def hello(self):
        return f"hello {self.rank}"


mine = Mine(comm).Dup()
equal(mine.hello(), f"hello {rank}", "a user's subclass is kept by Dup")
mine.Free()
check(pickle.loads(pickle.dumps(comm)) is MPI.COMM_WORLD, "predefined handles pickle by name")
raises(ValueError, "cannot serialize", pickle.dumps, MPI.COMM_SELF.Get_group(), name="others do not")
raises(TypeError, "comm must be", MPI.Comm, 5, name="Comm(5)")
raises(TypeError, "must be called on", lambda: MPI.Comm.Send(5, None, 0), name="Comm.Send(5)")
request = comm.Ibarrier()
request.Wait()
check(not request, "Ibarrier")

# ------------------------------------------------------------------------- grids
dims = MPI.Compute_dims(size, 2)
equal(int(np.prod(dims)), size, "Compute_dims")
equal(MPI.Compute_dims(12, [0, 3]), [4, 3], "... with one given")
raises(MPI.Exception, "", MPI.Compute_dims, 0, 2, name="... of no nodes")
grid = comm.Create_cart(dims, periods=[True, False], reorder=False)
equal(type(grid), MPI.Cartcomm, "Create_cart")
coords = [rank // dims[1], rank % dims[1]]
equal((grid.dim, grid.ndim, grid.dims, grid.periods, grid.coords), (2, 2, dims, [1, 0], coords),
      "what a grid knows")
equal(grid.Get_topo(), (dims, [1, 0], coords), "Get_topo")
equal((grid.Get_coords(rank), grid.Get_cart_rank(coords)), (coords, rank), "Get_coords, Get_cart_rank")
up, down = grid.Shift(0, 1)
equal((up, down), (grid.Get_cart_rank([coords[0] - 1, coords[1]]),
                   grid.Get_cart_rank([coords[0] + 1, coords[1]])), "Shift along a ring")
before, after = grid.Shift(direction=1, disp=1)
equal((before, after),
      (rank - 1 if coords[1] else MPI.PROC_NULL,
       rank + 1 if coords[1] + 1 < dims[1] else MPI.PROC_NULL), "Shift at a border")
row = grid.Sub([False, True])
equal((row.size, type(row)), (dims[1], MPI.Cartcomm), "Sub")
row.Free()
grid2 = grid.Dup()
equal(type(grid2), MPI.Cartcomm, "a duplicate of a grid is a grid")
grid2.Free()
raises(ValueError, "expecting 2 items", grid.Get_cart_rank, [0], name="too few coordinates")
raises(ValueError, "expecting 2 items, got 3", lambda: comm.Create_cart([1, size], [0, 0, 0]),
       name="too many periods")
raises(MPI.Exception, "", lambda: comm.Create_cart([size + 1]), name="a grid too large")
grid.Free()
if size > 1:
    small = comm.Create_cart([size - 1])
    equal(small == MPI.COMM_NULL, rank == size - 1, "left-over ranks get COMM_NULL")
    if small:
        small.Free()

# ------------------------------------------------------------------------- groups
group = comm.group
equal((group.size, group.rank), (size, rank), "a group")
last = group.Incl([size - 1])
equal((last.size, last.rank), (1, 0 if rank == size - 1 else MPI.UNDEFINED), "Incl")
equal(last.Translate_ranks([0], group), [size - 1], "Translate_ranks")
equal(MPI.Group.Translate_ranks(group), list(range(size)), "... of all, to the world")
rest = group.Excl([size - 1])
equal(MPI.Group.Union(rest, last).Compare(group), MPI.IDENT, "Excl and Union")
equal(MPI.Group.Intersection(rest, last).size, 0, "Intersection")
equal(MPI.Group.Difference(group, last).size, size - 1, "Difference")
part = comm.Create(last)
equal(bool(part), rank == size - 1, "Create from a group")
if part:
    part.Free()
twin = group.Dup()
group.Free()
check(not group and twin.size == size, "a copy outlives Free")

# ------------------------------------------------------------------------- hints
info = MPI.Info.Create({"a": "1"})
info["b"] = "2"
info.Set("c", "3")
equal((len(info), sorted(info), info["a"], info.get("x"), info.Get("c")),
      (3, ["a", "b", "c"], "1", None, "3"), "Info is a mapping")
del info["a"]
equal((sorted(info.items()), "a" in info, "b" in info), ([("b", "2"), ("c", "3")], False, True), "del, in")
raises(KeyError, "a", lambda: info["a"], name="a missing key")
twin = info.copy()
info.Free()
equal((bool(info), twin["b"]), (False, "2"), "a copy")
twin.update([("d", "4")], e="5")
equal(sorted(twin.keys()), ["b", "c", "d", "e"], "update")
hinted = comm.Dup(twin)
hinted.Free()
raises(TypeError, "info must be", comm.Dup, {"a": "1"}, name="a dict is no Info")

# -------------------------------------------------------------------- status, request
status = MPI.Status()
equal((status.source, status.tag, status.count), (MPI.ANY_SOURCE, MPI.ANY_TAG, 0), "an empty Status")
status.source, status.tag = 3, 4
status.Set_elements(MPI.INT, 5)
twin = MPI.Status(status)
equal((twin.Get_source(), twin.Get_tag(), twin.Get_count(MPI.INT)), (3, 4, 5), "a copy of a Status")
status.Set_cancelled(True)
equal((status.cancelled, status.Is_cancelled()), (True, True), "cancelled")
raises(TypeError, "integer", setattr, status, "source", "x", name="a source is an integer")

equal((MPI.REQUEST_NULL.Wait(), MPI.REQUEST_NULL.Test()), (True, True), "REQUEST_NULL is done")
rooms = [np.zeros(3) for _ in range(4)]
receives = [comm.Irecv(room, MPI.ANY_SOURCE, tag) for tag, room in enumerate(rooms)]
equal(MPI.Request.Testall(receives), False, "Testall of open requests")
equal(MPI.Request.Testany(receives), (MPI.UNDEFINED, False), "Testany of open requests")
equal(MPI.Request.Testsome(receives), [], "Testsome of open requests")
for tag in range(4):
    comm.Isend(np.full(3, float(tag)), (rank + 1) % size, tag).Free()
left = set(range(4))
index = MPI.Request.Waitany(receives, status)
equal(status.tag, index, "Waitany and its Status")
left.discard(index)
while left:
    left -= set(MPI.Request.Waitsome(receives))
equal(MPI.Request.Waitsome(receives), None, "Waitsome of none")
equal(MPI.Request.Waitany(receives), MPI.UNDEFINED, "Waitany of none")
equal([room[0] for room in rooms] == [0, 1, 2, 3], True, "all came")
statuses = []
requests = [comm.Irecv(rooms[0], tag=7), comm.Isend(np.arange(3.0), (rank + 1) % size, 7)]
MPI.Request.Waitall(requests, statuses)
equal((len(statuses), statuses[0].tag), (2, 7), "Waitall fills a list of Status")
request = comm.Irecv(rooms[0], tag=99)
equal(request.Get_status(), False, "Get_status")
request.Cancel()
request.Wait(status)
equal(status.Is_cancelled(), True, "Cancel")
raises(TypeError, "MPI.Request", MPI.Request.Waitall, [5], name="a list of requests")

first = comm.irecv(source=(rank - 1) % size, tag=31)
second = MPI.Request(first)
comm.isend("over", (rank + 1) % size, 31).Free()
equal(second.wait(), "over", "a copy of a request takes over")
del first, second
room = np.zeros(3)
first = comm.Irecv(room, (rank - 1) % size, 32)
second = MPI.Request(first)
check(second == first, "... and is equal")
comm.Isend(np.ones(3), (rank + 1) % size, 32).Wait()
second.Wait()
del first, second

# A request that nobody holds keeps its buffer until it is done.
room = np.zeros(100_000)
receive = comm.Irecv(room, tag=5)
comm.Isend(np.full(100_000, float(rank)), (rank + 1) % size, 5)
junk = [np.full(100_000, -1.0) for _ in range(3)]
receive.Wait()
equal(room[[0, -1]], np.full(2, float((rank - 1) % size)), "a lost request keeps its buffer alive")

# --------------------------------------------------------------- datatypes, operations
equal((MPI.DOUBLE.size, MPI.DOUBLE.extent, MPI.DOUBLE.lb, MPI.DOUBLE.name),
      (8, 8, 0, "MPI_DOUBLE"), "a Datatype")
equal((MPI.INT.Get_size(), MPI.INT.Get_extent()), (4, (0, 4)), "Get_size, Get_extent")
check(MPI.Datatype.fromcode("f8") == MPI.DOUBLE and MPI.Datatype.fromcode("i") == MPI.INT, "fromcode")
vector = MPI.DOUBLE.Create_vector(3, 1, 2)
equal((vector.size, vector.extent), (24, 40), "Create_vector")
wide = vector.Create_resized(0, 48)
equal((wide.extent, wide.true_extent, wide.is_predefined), (48, 40, False), "Create_resized")
block = MPI.INT.Create_subarray([4, 4], [2, 2], [1, 1]).Commit()
source, target = np.arange(16, dtype="i").reshape(4, 4), np.zeros(4, "i")
MPI.COMM_SELF.Sendrecv([source, 1, block], 0, 0, target, 0, 0)
equal(target, np.array([5, 6, 9, 10], "i"), "Create_subarray")
equal(MPI.INT.Create_contiguous(3).size, 12, "Create_contiguous")
block.Free()
check(not block, "Free")
raises(MPI.Exception, "", MPI.INT.Free, name="predefined types stay")
raises(ValueError, "expecting 2 items, got 1", MPI.INT.Create_subarray, [4, 4], [2], [1, 1], name="uneven lists")
equal((MPI.SUM(2, 3), MPI.MAX("a", "b"), MPI.LXOR(1, 0), MPI.Op(MPI.PROD)(2, 3)), (5, "b", True, 6),
      "operations on objects")
user = MPI.Op.Create(lambda a, b, t=None: a + b)
equal((MPI.Op(MPI.Op(MPI.SUM))(2, 3), MPI.Op(user)(2, 3)), (5, 5), "copies of operations")
user.Free()
total = np.array([1, 2])
MPI.SUM.Reduce_local(np.array([10, 20]), total)
equal(total, np.array([11, 22]), "Reduce_local")
check(copy.copy(MPI.SUM) is MPI.SUM and MPI.SUM.is_predefined, "predefined operations")
equal((repr(MPI.IN_PLACE), repr(MPI.BOTTOM), bool(MPI.BOTTOM)), ("IN_PLACE", "BOTTOM", False), "IN_PLACE, BOTTOM")

# ------------------------------------------------------------------------ the library
check(MPI.Get_version() == (MPI.VERSION, MPI.SUBVERSION), "Get_version")
check(len(MPI.Get_library_version()) > 3 and len(MPI.Get_processor_name()) > 0, "names")
check(MPI.Wtime() >= 0 and MPI.Wtick() > 0, "time")
check(MPI.Is_initialized() and not MPI.Is_finalized() and MPI.Is_thread_main(), "life")
check(MPI.Query_thread() in range(4), "thread level")
check("ank" in MPI.Get_error_string(MPI.ERR_RANK), "Get_error_string")
equal(MPI.Get_error_class(MPI.ERR_RANK), MPI.ERR_RANK, "Get_error_class")
done()
