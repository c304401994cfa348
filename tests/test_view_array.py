"""collio.View: a raw file as one array, against NumPy's tofile and fromfile."""
# ranks: 1 2 3 4

import os

import collio
import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
PATH = "array.raw"
NX, NY = 11, 7
everything = np.arange(NX * NY, dtype="f4").reshape(NX, NY)


def part(n):
    return n * rank // size, n * (rank + 1) // size


def stored(dtype="f4", shape=(NX, NY)):
    comm.Barrier()
    found = np.fromfile(PATH, dtype).reshape(shape)
    comm.Barrier()
    return found


lo, hi = part(NX)
with collio.View(PATH, "w", comm, shape=(NX, NY), dtype="f4") as v:
    v[lo:hi, :] = everything[lo:hi]
    equal((v.shape, v.dtype, v.size, v.nbytes, v.ndim, v.offset, len(v), v.mode),
          ((NX, NY), np.dtype("f4"), NX * NY, NX * NY * 4, 2, 0, NX, "r+"), "what it is")
equal(stored(), everything, "rows")
check(v.closed, "closed by the block")
raises(ValueError, "closed", lambda: v[0, 0], name="and then refuses")

lo, hi = part(NY)
with collio.View(PATH, "w", comm, shape=(NX, NY), dtype="f4") as v:
    v[:, lo:hi] = everything[:, lo:hi]
equal(stored(), everything, "columns, from memory with gaps")

with collio.View(PATH, "w", comm, shape=(NX, NY), dtype="f4") as v:
    v[::, rank::size] = everything[:, rank::size].astype("f8")
    equal(v[...], everything, "columns dealt out, converted, read as a whole by all")
    v[rank, :] = rank
    equal(v[rank], np.full(NY, rank, "f4"), "a number for many")
    v[...] = everything[::-1, ::-1] if rank % 2 == 0 else everything[::-1, ::-1].copy()
    equal(v[...], everything[::-1, ::-1], "memory with negative strides")
    v[...] = everything
    equal(v[:, 0:0].shape, (NX, 0), "nothing at all")
    got = v[NX - 1, NY - 1]
    check(np.isscalar(got) and got == everything[-1, -1], "one element is a number")

if rank == 0:
    with open(PATH, "wb") as f:
        f.write(b"header..")
        np.arange(30, dtype="i8").tofile(f)
comm.Barrier()
with collio.View(PATH, "r", comm, dtype="i8", offset=8) as v:
    equal(v.shape, (30,), "a file of another program, its length found out")
    equal(v[3 * rank : 3 * rank + 5 : 2], np.arange(3 * rank, 3 * rank + 5, 2), "and read")
    raises(ValueError, "reading only", lambda: v.__setitem__(0, 1), name="but not written")
with collio.View(PATH, "r", comm, shape=(100,), dtype="i8") as v:
    raises(collio.DamageError, "ends", lambda: v[50:60], name="what is not there is not read")

# Random parts against a model.
random = np.random.default_rng(5)
shape = (6, 5, 8)
model = np.zeros(shape, "i2")
right = True
with collio.View(PATH, "w", comm, shape=shape, dtype="i2") as v:
    for turn in range(40):
        boxes = []
        for r in range(size):
            starts = [random.integers(0, n) for n in shape]
            boxes.append(tuple(slice(s, random.integers(s, n + 1), random.integers(1, 4))
                               for s, n in zip(starts, shape)))
        values = random.integers(0, 1000, shape).astype("i2")
        for box in boxes:
            model[box] = values[box]
        v[boxes[rank]] = values[boxes[rank]]
        other = boxes[(rank + 1) % size]
        right &= np.array_equal(v[other], model[other])
    check(right, "40 random parts of each rank")
    equal(v[:], model, "and the whole")
equal(stored("i2", shape), model, "in the file")

# One rank errs.
last = size - 1
raises(FileNotFoundError, "nowhere", lambda: collio.View("nowhere/a", "w", comm, shape=3), name="no directory")
raises(TypeError, "shape", lambda: collio.View(PATH, "w", comm), name="a new file needs a shape")
with collio.View(PATH, "w", comm, shape=(NX, NY), dtype="f8") as v:
    index = (slice(0, NX), slice(0, NY))
    raises(IndexError if rank == last else (IndexError, collio.CollectiveError), "",
           lambda: v[NX + 5 if rank == last else 0], name="a wrong index on one rank")
    raises((TypeError, ValueError, collio.CollectiveError), "",
           lambda: v.__setitem__(index, np.zeros(3) if rank == 0 else np.zeros((NX, NY))),
           name="wrong values on one rank")
    v[index] = 1.0
    equal(v[0, 0], np.float64(1.0), "the view goes on")
if size > 1:
    raises(collio.CollectiveError, "x.raw",
           lambda: collio.View("x.raw" if rank else "y.raw", "w", comm, shape=3), name="two names")
if size > 1:

    def leave():
        with collio.View(PATH, "w", comm, shape=(NX,), dtype="f8") as v:
            if rank == last:
                raise RuntimeError("no field here")
            v[:] = 1.0

    raises(RuntimeError if rank == last else collio.CollectiveError, "no field here", leave,
           name="a rank that leaves the block tells the others why")
comm.Barrier()
if rank == 0:
    os.remove(PATH)
done()
