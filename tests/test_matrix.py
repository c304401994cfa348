"""N to M: what N ranks have saved, in any layout, M ranks restore in other blocks. ranks: 1 4"""

import numpy as np
import collio
from collio import MPI
from tap import check, done

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size

# Uneven ones, and such that some ranks have nothing.
SHAPES = [(37,), (2,), (70001,), (13, 11), (1, 5), (3, 700), (5, 7, 6), (2, 1, 3), (3, 4, 2, 5), (1, 1, 1, 9)]
TYPES = ["f8", "i2", "u1", "c16", "f4", "i8", "f4", "?", "f8", "i4"]
LAYOUTS = {
    "shared": {},
    "compressed": {"compression": 1},
    "per-rank": {"layout": "per-rank"},
    "per-rank, compressed": {"layout": "per-rank", "compression": 1},
}
wholes = {
    f"u{i}": (np.arange(np.prod(shape)) * (7 + i) % 113).astype(kind).reshape(shape)
    for i, (shape, kind) in enumerate(zip(SHAPES, TYPES))
}


def lower(n):
    """The first n ranks; None on the others."""
    part = comm.Split(0 if rank < n else MPI.UNDEFINED)
    return None if part == MPI.COMM_NULL else part


def cut(whole, n, me, turn):
    """Block `me` of n, in the dimension that comes with the turn; the last of three has nothing."""
    d = turn % whole.ndim
    ends = [whole.shape[d] * i // n for i in range(n + 1)]
    if n == 3:
        ends[2] = ends[3]
    return tuple(slice(ends[me], ends[me + 1]) if i == d else slice(0, extent) for i, extent in enumerate(whole.shape))


def save(directory, n, options):
    part = lower(n)
    if part is None:
        return
    items = {}
    for turn, (name, whole) in enumerate(wholes.items()):
        where = cut(whole, n, part.rank, turn)
        items[name] = collio.Part(np.array(whole[where], order="CF"[turn % 2]), whole.shape, [s.start for s in where])
    with collio.Checkpoint(directory, comm=part, **options) as ckpt:
        ckpt.save(n, items, mine=collio.PerRank({"rank": part.rank}), n=n)
    part.Free()


def restored(directory, n, m):
    """Whether m ranks get what n have saved: in blocks, into memory that is there, and whole."""
    part, right = lower(m), True
    if part is None:
        return right
    with collio.Checkpoint(directory, comm=part, read_only=True) as ckpt:
        right &= bool(ckpt.verify(n))
        state = ckpt.restore(n)
        for turn, (name, whole) in enumerate(wholes.items(), 1):
            where = cut(whole, m, part.rank, turn)
            start = [s.start for s in where]
            into = np.zeros([2 * (s.stop - s.start) for s in where], whole.dtype)[(slice(None, None, 2),) * whole.ndim]
            state.read(name, start, out=into)
            block = collio.Decomposition(part, whole.shape)
            right &= np.array_equal(into, whole[where])
            right &= np.array_equal(state.part(name, block), whole[block.where])
            right &= np.array_equal(state[name], whole)
        right &= state["mine"] == [{"rank": r} for r in range(n)] and state["n"] == n and state.writers == n
        state.close()
    part.Free()
    return right


for number, (layout, options) in enumerate(LAYOUTS.items()):
    for n in range(1, size + 1):
        comm.Barrier()
        save(f"ckpt-{number}", n, options)
        comm.Barrier()
        for m in range(1, size + 1):
            check(comm.allreduce(restored(f"ckpt-{number}", n, m), MPI.LAND), f"{layout}: saved by {n}, restored by {m}")
done()
