"""Windows: how they are made, what they tell, operations on them."""
# ranks: 1 2 3 4

import gc
import weakref

import collio
import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip, skip_all

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size
Win = MPI.Win
try:
    Win.Create(None, comm=comm).Free()
except MPI.Exception as error:
    skip_all(f"this MPI makes no windows here: {error}")

# ------------------------------------------------------------------------- what they tell
space = np.zeros(size + rank, "i4")
win = Win.Create(space, 4, comm=comm)
check(win and type(win) is Win and Win(win) == win and win != MPI.WIN_NULL, "a window is true and comparable")
equal(win.attrs, (space.ctypes.data, space.nbytes, 4), "attrs")
equal([win.Get_attr(key) for key in (MPI.WIN_BASE, MPI.WIN_SIZE, MPI.WIN_DISP_UNIT)], list(win.attrs), "... are attributes")
equal((win.flavor, win.Get_attr(MPI.WIN_CREATE_FLAVOR)), (MPI.WIN_FLAVOR_CREATE,) * 2, "flavor")
check(win.model in (MPI.WIN_UNIFIED, MPI.WIN_SEPARATE) and win.model == win.Get_attr(MPI.WIN_MODEL), "model")
equal((win.group_size, win.group_rank, win.group.size), (size, rank, size), "group")
win.name = "halo"
equal((win.name, win.Get_name()), ("halo", "halo"), "name")
check(isinstance(win.Get_info(), MPI.Info), "info")
win.info = MPI.Info.Create()
view = win.tomemory()
equal((type(view), view.nbytes, view.obj), (MPI.buffer, space.nbytes, win), "tomemory")
np.frombuffer(view, "i4")[0] = 7
equal(int(space[0]), 7, "... is the memory itself")
equal(win.Get_errhandler(), MPI.ERRORS_RETURN, "errors are returned")
raises(AttributeError, "deleted", delattr, win, "name", name="a name is not deleted")
keyval = Win.Create_keyval(delete_fn=lambda *args: seen.append(args))
seen = []
win.Set_attr(keyval, "mine")
equal(win.Get_attr(keyval), "mine", "attributes of the user's")
del view
win.Free()
check(not win and win == MPI.WIN_NULL, "a freed window is null")
equal([(args[1], args[2]) for args in seen], [(keyval, "mine")], "... and its attributes are deleted")
Win.Free_keyval(keyval)
raises(MPI.Exception, "", lambda: win.attrs, name="... and knows nothing")
raises(MPI.Exception, "", lambda: memoryview(win), name="... and has no memory")
raises(MPI.Exception, "", win.Free, name="... and is not freed again")
win.free()
equal(MPI.WIN_NULL.__reduce__(), "WIN_NULL", "WIN_NULL pickles")

for nothing in (None, MPI.BOTTOM):
    win = Win.Create(nothing, comm=comm)
    equal((win.attrs, len(memoryview(win))), ((0, 0, 1), 0), f"a window without memory: {nothing}")
    win.Free()

# The memory lives as long as the window, or a view.
space = bytearray(8 * size)
array = np.frombuffer(space, "u1").view()
watch = weakref.ref(array)
win = Win.Create(array, comm=comm)
del array
gc.collect()
check(watch() is not None, "a window keeps its memory")
other = win
del win
gc.collect()
check(watch() is not None, "... and a second name for it, too")
view = memoryview(other)
other.Free()
gc.collect()
check(watch() is not None and view[0] == 0, "... and a view of it, when the window is freed")
view.release()
gc.collect()
check(watch() is None, "... and nothing else")

# ------------------------------------------------------------------------------- flavors
win = Win.Allocate(8 * (rank + 1), 8, comm=comm)
equal(win.attrs[1:], (8 * (rank + 1), 8), "Allocate")
equal((win.flavor, win.Get_attr(MPI.WIN_CREATE_FLAVOR)), (MPI.WIN_FLAVOR_ALLOCATE,) * 2, "... has its flavor")
mine = np.frombuffer(win, "i8")
mine[:] = 0
comm.Barrier()
win.Fence()
win.Put(np.array([100 + rank]), right, 0)
win.Fence(MPI.MODE_NOSUCCEED)
equal(int(mine[0]), 100 + left, "... Put() reaches it")
del mine
win.Free()
win = Win.Allocate(0, comm=comm)
equal(win.attrs[1:], (0, 1), "Allocate of nothing")
win.Free()


def shared():
    win = Win.Allocate_shared(16, 4, comm=comm)
    equal((win.flavor, win.attrs[1:]), (MPI.WIN_FLAVOR_SHARED, (16, 4)), "Allocate_shared")
    memory, unit = win.Shared_query(right)
    equal((type(memory), unit, memory.nbytes), (MPI.buffer, 4, 16), "Shared_query")
    np.frombuffer(win, "i4")[:] = rank
    win.Fence()
    equal(np.frombuffer(memory, "i4").tolist(), [right] * 4, "... addresses the other's memory")
    win.Fence(MPI.MODE_NOSUCCEED)
    equal(win.Shared_query(MPI.PROC_NULL)[1], 4, "... of PROC_NULL: of the first")
    del memory
    win.Free()


if comm.Split_type(MPI.COMM_TYPE_SHARED).size == size:
    shared()
else:
    skip("Allocate_shared", "MPI takes the ranks for ones without common memory")

win = Win.Create_dynamic(comm=comm)
equal((win.flavor, win.attrs), (MPI.WIN_FLAVOR_DYNAMIC, (0, 0, 1)), "Create_dynamic")
space = np.zeros(3)
watch = weakref.ref(space)
win.Attach(space)
addresses = comm.allgather(space.ctypes.data)
comm.Barrier()
win.Lock(right)
win.Put(np.arange(3.0) + rank, right, (addresses[right], 3, MPI.DOUBLE))
win.Unlock(right)
comm.Barrier()
equal(space, np.arange(3.0) + left, "a Put into attached memory")
comm.Barrier()
del space
gc.collect()
check(watch() is not None, "attached memory stays")
win.Detach(watch())
gc.collect()
check(watch() is None, "... until it is detached")
raises(TypeError, "buffer", win.Attach, None, name="only memory is attached")
raises(BufferError, "read-only", win.Attach, b"abc", name="... that can be written")
win.Free()

# --------------------------------------------------------------------- what is no window
raises(TypeError, "MPI.Intracomm", Win.Create, None, comm=MPI.COMM_NULL, name="a communicator is needed")
raises(TypeError, "MPI.Intracomm", Win.Allocate, 8, comm=3, name="... of a class")
raises(TypeError, "Info", Win.Create, None, 1, 3, name="hints are an Info")
raises(MPI.Exception, "", Win.Allocate, -1, name="a negative size")
raises(MPI.Exception, "", Win.Create, None, 0, name="a displacement unit of 0")

# One rank errs: all raise, none waits.
for bad, kind, text in [(b"abc", BufferError, "read-only"), (3, TypeError, "buffer"), (np.zeros((4, 4))[:, 1], BufferError, "contiguous")]:
    if rank == size - 1:
        error = raises(kind, text, Win.Create, bad, comm=comm, name=f"one rank's memory is wrong: {text}")
    else:
        error = raises(collio.CollectiveError, (f"MPI_Win_create: rank {size - 1}: {kind.__name__}", text),
                       Win.Create, bytearray(8), comm=comm, name=f"one rank's memory is wrong: {text}")
mistaken = rank == 0
error = raises(MPI.Exception if mistaken else collio.CollectiveError, "" if mistaken else "rank 0",
               Win.Allocate, -5 if mistaken else 8, comm=comm, name="one rank's size is wrong")
equal(comm.allreduce(1), size, "... and the communicator is as it was")

# ------------------------------------------------------------------------- target specs
space = np.zeros(8, "i4")
win = Win.Create(space, 4, comm=comm)
data = np.arange(1, 3, dtype="i4") + 10 * rank
wanted = np.arange(1, 3, dtype="i4") + 10 * left
for spec, place in [(None, slice(0, 2)), ((), slice(0, 2)), (3, slice(3, 5)), ((2,), slice(2, 4)), ([4, 2], slice(4, 6)),
                    ((6, 2, MPI.INT), slice(6, 8)), ((1, 2, "i"), slice(1, 3)), ((0, 8, MPI.BYTE), slice(0, 2))]:
    space[:] = 0
    win.Fence()
    win.Put(data, right, spec)
    win.Fence()
    equal(space[place].copy(), wanted, f"a target like {spec}")
    check(np.count_nonzero(space) == 2, "... and nothing else is written")
    back = np.zeros(2, "i4")
    win.Fence()
    win.Get(back, right, spec)
    win.Fence()
    equal(back, data, "... and read")
win.Fence()
vector = MPI.INT.Create_vector(2, 1, 4).Commit()
space[:] = 0
win.Fence()
win.Put(data, right, (1, 1, vector))
win.Fence()
equal(space.tolist(), [0, wanted[0], 0, 0, 0, wanted[1], 0, 0], "a target of a derived datatype")
win.Put(data, MPI.PROC_NULL)
win.Put(None, MPI.PROC_NULL, (100,))
win.Get(None, MPI.PROC_NULL)
win.Fence()
kept = space.copy()
for kind, text, call in [
    (ValueError, "target: expecting", lambda: win.Put(data, right, "x")),
    (ValueError, "target: expecting", lambda: win.Put(data, right, (1, 2, MPI.INT, 4))),
    (TypeError, "integer", lambda: win.Put(data, right, (0, None))),
    (ValueError, ("target: 2 items", "32 bytes on rank"), lambda: win.Put(data, right, 7)),
    (ValueError, "not inside", lambda: win.Put(np.zeros(9, "i4"), right)),
    (ValueError, "not inside", lambda: win.Get(data, right, (5, 1, vector))),
    (ValueError, "not inside", lambda: win.Accumulate(data, right, (1 << 60,))),
    (ValueError, "not inside", lambda: win.Rput(data, right, 7)),
    (ValueError, "origin of 8 bytes does not match the target of 4", lambda: win.Put(data, right, (0, 1, MPI.INT))),
    (ValueError, "does not match", lambda: win.Get(data, right, (0, 3, MPI.INT))),
    (ValueError, "does not match", lambda: win.Accumulate(data, right, (0, 3, MPI.INT))),
    (ValueError, "result of 12 bytes does not match", lambda: win.Get_accumulate(data, np.zeros(3, "i4"), right)),
    (TypeError, "buffer", lambda: win.Put(None, right)),
    (TypeError, "buffer", lambda: win.Get(None, right, (0, 2, MPI.INT))),
    (BufferError, "read-only", lambda: win.Get(b"abcd", right)),
    (TypeError, "Op", lambda: win.Accumulate(data, right, op=3)),
    (TypeError, "target_rank", lambda: win.Put(data)),
    (ValueError, "origin: expecting a single element, got 2", lambda: win.Fetch_and_op(data, data.copy(), right)),
    (ValueError, "result: expecting a single element, got 2", lambda: win.Fetch_and_op(data[:1], data.copy(), right)),
    (ValueError, "mismatch in origin and result", lambda: win.Fetch_and_op(data[:1], np.zeros(1), right)),
    (ValueError, "mismatch in origin and compare", lambda: win.Compare_and_swap(data[:1], np.zeros(1), data[:1].copy(), right)),
    (ValueError, "not inside", lambda: win.Fetch_and_op(data[:1], data[:1].copy(), right, 8)),
    (MPI.Exception, "", lambda: win.Put(data, size)),
]:
    raises(kind, text, call, name=f"refused: {kind.__name__} {text}")
win.Fence(MPI.MODE_NOSUCCEED)
equal(space, kept, "... and nothing was done")
win.Free()

# --------------------------------------------------------------------- all operations
space = np.zeros(4)
win = Win.Create(space, 8, comm=comm)
one, room = np.ones(2), np.zeros(2)
win.Fence()
win.Accumulate(one, 0)
win.Accumulate(one[:1], 0, (2, 1, "d"), op=MPI.MAX) if rank == 0 else None
win.Fence()
equal(space.tolist(), [float(size), float(size), 1.0, 0.0] if rank == 0 else [0.0] * 4, "Accumulate combines what all ranks give")
win.Free()

space = np.zeros(4)
win = Win.Create(space, 8, comm=comm)
comm.Barrier()
win.Lock(right)
win.Get_accumulate(one, room, right)
win.Unlock(right)
equal(room, np.zeros(2), "Get_accumulate reads what was there")
win.Lock(right)
win.Get_accumulate([one, 0, MPI.DOUBLE], room, right, op=MPI.NO_OP)
win.Unlock(right)
equal(room, np.ones(2), "... with NO_OP nothing else")
comm.Barrier()
win.Lock(right)
win.Fetch_and_op(np.array([5.0]), room[:1], right, 1, MPI.REPLACE)
win.Unlock(right)
equal(room.tolist(), [1.0, 1.0], "Fetch_and_op")
comm.Barrier()
win.Free()

space = np.zeros(1, "i8")
win = Win.Create(space, 8, comm=comm)
comm.Barrier()
result, tries = np.zeros(1, "i8"), 0
value = 0
while True:
    win.Lock(0, MPI.LOCK_SHARED)
    win.Compare_and_swap(np.array([value + 1]), np.array([value]), result, 0)
    win.Unlock(0)
    if result[0] == value:
        break
    value = int(result[0])
comm.Barrier()
win.Lock(0, MPI.LOCK_SHARED)
win.Get(result, 0)
win.Unlock(0)
equal(int(result[0]), size, "Compare_and_swap counts all ranks")
win.Free()

space = np.zeros(4)
win = Win.Create(space, 8, comm=comm)
comm.Barrier()
win.Lock_all()
request = win.Rput(np.arange(4.0) + rank, right)
check(type(request) is MPI.Request, "Rput gives a Request")
request.Wait()
win.Flush(right)
room = np.zeros(4)
win.Rget(room, right).Wait()
equal(room, np.arange(4.0) + rank, "Rput and Rget")
win.Raccumulate(np.ones(4), right).Wait()
win.Flush(right)
win.Rget_accumulate(np.ones(4), room, right).Wait()
equal(room, np.arange(4.0) + rank + 1, "Raccumulate and Rget_accumulate")
# A buffer that nobody else holds lives until the operation is complete.
watch = weakref.ref(buffer := np.full(4, float(rank)))
win.Put(buffer, right)
del buffer
gc.collect()
check(watch() is not None, "a buffer is kept while an operation may use it")
win.Flush(right)
gc.collect()
check(watch() is None, "... and let go by Flush()")
win.Unlock_all()
comm.Barrier()
equal(space, np.full(4, float(left)), "... which arrived")
win.Free()

# A window that is not freed is freed at the end; a process that is ended by MPI would fail the test.
left_over = [Win.Create(bytearray(8), comm=comm), Win.Allocate(8, comm=MPI.COMM_SELF)]
left_over[0].Set_attr(Win.Create_keyval(None, lambda *args: None), "value")
# ------------------------------------------- atomic operations of all ranks on all memory
# (MPICH 4.0 loses some on its own allocated memory.)
ROUNDS = 100
for kind in "Allocate", "Create":
    win = Win.Allocate(8, 8, comm=comm) if kind == "Allocate" else Win.Create(np.zeros(1, "i8"), 8, comm=comm)
    np.frombuffer(win.tomemory(), "i8")[:] = 0
    comm.Barrier()
    one, ticket, drawn = np.ones(1, "i8"), np.zeros(1, "i8"), [[] for host in range(size)]
    win.Lock_all()
    for host in list(range(size)) * ROUNDS:
        win.Fetch_and_op(one, ticket, host)
        win.Flush(host)
        drawn[host].append(int(ticket[0]))
    win.Unlock_all()
    everyone = comm.allgather(drawn)
    equal([sorted(sum((some[host] for some in everyone), [])) for host in range(size)],
          [list(range(ROUNDS * size))] * size, f"{kind}: each ticket is drawn once")
    win.Free()
done()
