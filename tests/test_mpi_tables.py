"""A rank that runs out of memory in a collective call of objects does not leave the others waiting."""
# ranks: 1 2 3

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
POINTS = 25  # more allocations than a call makes; what is given exists before


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
    "neighbor_allgather": (lambda: ring.neighbor_allgather(rank), neighbours),
}


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
        right = [value == wanted or value in (MemoryError, RuntimeError) for value in outcomes]
        check(all(right), f"{name}() without memory on rank {poor}: its result or an error", f"{outcomes}, wanted {wanted}")
        check(outcomes[-1] == wanted, f"{name}(): and with memory its result", f"{outcomes}")
done()
