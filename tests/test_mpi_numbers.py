"""Ranks, tags, counts and the like may be numbers of any kind, as in mpi4py; in lists they are integers."""
# ranks: 1 2 3

from fractions import Fraction

import numpy as np

from collio import MPI
from tap import check, done, equal, raises

comm, own = MPI.COMM_WORLD, MPI.COMM_SELF
rank, size = comm.rank, comm.size
last = float(size - 1)


class Zero:
    """A number by its own method."""

    def __int__(self):
        return 0


equal([comm.bcast(rank, root=root) for root in (0.0, np.float64(0), np.array(0.0), Fraction(1, 2), Zero(), False)], [0] * 6,
      "roots of all kinds")
equal(comm.bcast(rank, last), size - 1, "the last one, too")
equal(comm.sendrecv(rank, (rank + 1) % size * 1.0, 5.9, None, np.float32((rank - 1) % size), 5.0), (rank - 1) % size,
      "ranks and tags")
room = np.zeros(1)
request = comm.Irecv(room, MPI.ANY_SOURCE * 1.0, 3.0)
comm.Send(np.full(1, 7.0), float(rank), 3.5)
request.Wait()
equal(room[0], 7.0, "of messages")
equal(MPI.Compute_dims(4.0, 2), [2, 2], "Compute_dims")
equal(MPI.INT.Create_vector(2.5, 1.0, 2.0).Get_size(), 8, "a type's counts")
equal(MPI.INT.Create_resized(0.0, 8.0).Get_extent(), (0, 8), "an extent")
equal(MPI.INT.Pack_size(2.0, own), MPI.INT.Pack_size(2, own), "a count of elements")
equal((MPI.Aint_add(1.5, 2), MPI.Aint_diff(5.5, 2)), (3, 3), "addresses")
equal(MPI.Get_error_class(MPI.ERR_RANK * 1.0), MPI.ERR_RANK, "an error code")
equal(comm.Get_attr(MPI.TAG_UB * 1.0) if MPI.TAG_UB >= 0 else comm.Get_attr(MPI.TAG_UB), comm.Get_attr(MPI.TAG_UB), "a keyval")
status = MPI.Status()
status.source, status.tag, status.count = 1.5, 2.5, 4.5
equal((status.source, status.tag, status.count), (1, 2, 4), "a status")
line = comm.Create_cart([size], [True])
equal((line.Get_coords(last), line.Shift(0.0, 1.0)), (line.Get_coords(size - 1), line.Shift(0, 1)), "a topology")
line.Free()
equal(comm.Split(0.5, -rank * 1.0).rank, size - 1 - rank, "color and key")
memory = MPI.Alloc_mem(8.5)
memory[0] = 3.7
equal((len(memory), memory[0]), (8, 3), "memory")
MPI.Free_mem(memory)

raises(TypeError, "", comm.bcast, 1, "0", name="a text is no number")
raises(TypeError, "", comm.bcast, 1, None, name="nor is None")
raises(TypeError, "", comm.bcast, 1, 0j, name="nor what is complex")
raises(ValueError, "NaN", comm.bcast, 1, float("nan"), name="nor NaN")
raises(OverflowError, "", comm.bcast, 1, 1e300, name="beyond a long")
raises(OverflowError, "", comm.bcast, 1, 2.0**31, name="beyond an int")
raises(TypeError, "integer", comm.Create_cart, [float(size)], name="extents are integers")
raises(TypeError, "integer", comm.group.Incl, [0.0], name="so are ranks in a list")
raises(TypeError, "integer", MPI.INT.Create_indexed, [1.0], [0], name="and lengths of blocks")
raises(TypeError, "integer", comm.Bcast, [room, 1.0, MPI.DOUBLE], name="and counts of a buffer")
raises(TypeError, "integer", MPI.memory(b"abc").__getitem__, 1.0, name="and places")

# ------------------------------------------------------------------------- what is no datatype
for other in np.dtype("d"), float, b"d", 3.5:
    raises(KeyError, "cannot map", comm.Bcast, [room, 1, other], name=f"{other!r} is no datatype")
raises(TypeError, "datatype", comm.Bcast, [room, 1, []], name="nor is a list")
raises(KeyError, "cannot map", comm.Allgatherv, room, [np.zeros(size), [1] * size, None, float], name="nor after displacements")

# ------------------------------------------------------- one element moved to or from nobody
window = MPI.Win.Create(np.zeros(4, "i"), 4, comm=comm)
window.Fence()
one = np.ones(1, "i")
for buffers in (one,) * 3, (None,) * 3, ([one, MPI.INT],) * 3:
    window.Fetch_and_op(*buffers[:2], MPI.PROC_NULL)
    window.Compare_and_swap(*buffers, MPI.PROC_NULL)
check((one == 1).all(), "Fetch_and_op and Compare_and_swap with PROC_NULL change nothing")
for what, target in (MPI.ERR_COUNT, (0, -1, MPI.INT)), (MPI.ERR_TYPE, (0, 1, MPI.DATATYPE_NULL)):
    error = raises(MPI.Exception, "", window.Put, one, rank, target, name=f"a target of {target[1:]}")
    equal(error and error.error_class, what, "is for MPI to refuse")
raises(KeyError, "cannot map", window.Put, one, rank, (0, 1, None), name="a target of no type")
window.Fence()
window.Free()

done()
