"""Cutting arrays into blocks. ranks: 1 3 4"""

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size


def test_cover(shape, parts, dims, halo):
    """The blocks cover an array exactly once, and halos reach one cell further."""
    seen = np.zeros(shape, int)
    for r in range(parts):
        d = collio.Decomposition(parts, shape, dims, halo=halo, rank=r)
        seen[d.where] += 1
        near = tuple(slice(max(0, s - halo), s + n + halo) for s, n in zip(d.start, d.count))
        whole = np.arange(seen.size).reshape(shape)
        if 0 not in d.count:
            if not np.array_equal(whole[d.outer], whole[near]):
                return False
            if not np.array_equal(whole[d.outer][d.interior], whole[d.where]):
                return False
    return bool((seen == 1).all())


def exchange(shape, parts, dims, halo):
    """One exchange with all neighbours fills every halo, with every rank played here."""
    whole = np.arange(np.prod(shape)).reshape(shape)
    ranks = [collio.Decomposition(parts, shape, dims, halo=halo, rank=r) for r in range(parts)]
    locals_ = [d.zeros(int) - 1 for d in ranks]
    for d, u in zip(ranks, locals_):
        u[d.interior] = whole[d.where]
    sent = {(r, other): locals_[r][send] for r, d in enumerate(ranks)
            for other, send, _ in d.neighbours() if send}
    for r, d in enumerate(ranks):
        for other, _, receive in d.neighbours():
            if receive:
                locals_[r][receive] = sent.pop((other, r))
    return not sent and all(np.array_equal(u, whole[d.outer]) for d, u in zip(ranks, locals_)
                            if 0 not in d.count)


for case in [((9,), 3, None, 1), ((7, 5), 4, None, 1), ((7, 5), 4, (4, 1), 2), ((6, 6, 6), 8, None, 1),
             ((5,), 4, None, 3), ((8, 3), 6, (6, 1), 2), ((4,), 1, None, 1)]:
    check(exchange(*case), f"halos of {case}")
for case in [((7,), 3, None, 0), ((7, 5), 4, None, 1), ((7, 5), 4, (4, 1), 2), ((4, 4, 4), 6, (0, 2, 0), 1),
             ((2,), 4, None, 0), ((5, 1), 1, None, 1)]:
    check(test_cover(*case), f"blocks of {case}")

d = collio.Decomposition(comm, (8, 3), dims=(size, 0), halo=1)
equal(d.dims, (size, 1), "dims with a 0")
equal((d.rank, d.coords), (rank, (rank, 0)), "rank and coords")
equal(d.zeros("i2").shape, d.outer_count, "zeros() has the halo")
local = d.empty()
local[...] = -1
local[d.interior] = rank
part = d.part(local)
equal((part.shape, part.offset), ((8, 3), d.start), "part(): where it is")
equal(part.array, np.full(d.count, float(rank)), "part(): without the halo")
equal(d.part(local[d.interior]).array, part.array, "part() of an array without halo")
check("Decomposition" in repr(d) and "Part" in repr(part), "repr")
raises(ValueError, "", collio.Decomposition, 4, (8, 3), dims=(3, 1), rank=0, name="dims that do not fit")
raises(ValueError, "", collio.Decomposition, 4, (8, 3), dims=(2,), rank=0, name="dims of another number")
raises(ValueError, "", collio.Decomposition, 4, (8, 3), halo=-1, rank=0, name="a negative halo")
done()
