"""A rank that runs out of memory in a collective call of objects does not leave the others waiting."""
# ranks: 1 2 3

import numpy as np

from collio import MPI
from tap import check, done, skip_all

try:
    from _testcapi import remove_mem_hooks, set_nomemory
except ImportError:
    skip_all("this Python cannot be told to run out of memory")

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
everyone, thing = list(range(size)), {"text": "x" * 50, "list": [1, 2]}
ring = comm.Create_cart([size], [True])
neighbours = [(rank - 1) % size, (rank + 1) % size]
mine = [rank]
large = np.arange(50000.0)  # too large to travel with its size
many, pair = [large] * size, [rank, rank]
POINTS = 60  # more allocations than a call makes; what is given exists before


def alike(got, wanted):
    """With arrays in them."""
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(alike, got, wanted))
    if isinstance(wanted, np.ndarray):
        return np.array_equal(got, wanted)
    return type(got) is type(wanted) and got == wanted


def last(value):
    return value if rank == size - 1 else None


CALLS = {
    "bcast": (lambda: comm.bcast(thing, size - 1), thing),
    "gather": (lambda: comm.gather(rank, size - 1), last(everyone)),
    "scatter": (lambda: comm.scatter(everyone, size - 1), rank),
    "allgather": (lambda: comm.allgather(rank), everyone),
    "alltoall": (lambda: comm.alltoall(everyone), [rank] * size),
    "reduce": (lambda: comm.reduce(mine, root=size - 1), last(everyone)),
    "allreduce": (lambda: comm.allreduce(mine), everyone),
    "scan": (lambda: comm.scan(mine), list(range(rank + 1))),
    "exscan": (lambda: comm.exscan(mine), list(range(rank)) if rank else None),
    "neighbor_allgather": (lambda: ring.neighbor_allgather(rank), neighbours),
    "neighbor_alltoall": (lambda: ring.neighbor_alltoall(pair), neighbours),
    "bcast of an array": (lambda: comm.bcast(large, size - 1), large),
    "gather of arrays": (lambda: comm.gather(large, size - 1), last([large] * size)),
    "scatter of arrays": (lambda: comm.scatter(many, size - 1), large),
    "allgather of arrays": (lambda: comm.allgather(large), [large] * size),
    "alltoall of arrays": (lambda: comm.alltoall(many), [large] * size),
}
if size > 1:
    half = comm.Split(rank % 2, rank)
    inter = half.Create_intercomm(0, comm, 1 - rank % 2, 5)
    there = list(range(1 - rank % 2, size, 2))
    role = MPI.ROOT if rank == 0 else 0 if rank % 2 else MPI.PROC_NULL
    CALLS.update({
        "bcast between groups": (lambda: inter.bcast(thing, role), thing if rank % 2 else None),
        "gather between groups": (lambda: inter.gather(rank, role), there if rank == 0 else None),
        "scatter between groups": (lambda: inter.scatter(there, role), rank if rank % 2 else None),
        "allgather between groups": (lambda: inter.allgather(rank), there),
        "alltoall between groups": (lambda: inter.alltoall(there), [rank] * len(there)),
        "reduce between groups": (lambda: inter.reduce(mine, root=role), there if rank == 0 else None),
        "allreduce between groups": (lambda: inter.allreduce(mine), there),
    })


def outcome(call, poor, point):
    """What the call returns, or the class of its exception, where a rank cannot have its n-th memory."""
    if poor:
        set_nomemory(point, point + 1)
    try:
        return call()
    except (MemoryError, RuntimeError) as error:
        return type(error)
    finally:
        if poor:
            remove_mem_hooks()


for name, (call, wanted) in CALLS.items():
    for poor in sorted({0, size - 1}):
        outcomes = []
        for point in range(POINTS):
            outcomes.append(outcome(call, rank == poor, point))
            comm.Barrier()
        right = [value in (MemoryError, RuntimeError) if isinstance(value, type) else alike(value, wanted)
                 for value in outcomes]
        check(all(right), f"{name}() without memory on rank {poor}: its result or an error", f"{outcomes}, wanted {wanted}")
        check(alike(outcomes[-1], wanted), f"{name}(): and with memory its result", f"{outcomes}")
done()
