"""The first programs of a course on message passing, one after the other, on any number of ranks.

    mpiexec -n 4 python3 course.py
"""
# ranks: 1 2 3 4

import numpy as np
from collio import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
right, left = (rank + 1) % size, (rank - 1) % size


def say(text: str) -> None:
    """One line, from rank 0."""
    if rank == 0:
        print(text)


# Hello: who is there?
names = comm.gather(f"rank {rank} of {size}")
say("hello from " + ", ".join(names or []))

# Pi: each rank adds up every size-th strip, one reduction adds the sums.
strips = 100_000
x = (np.arange(rank, strips, size) + 0.5) / strips
mine, pi = np.array([np.sum(4 / (1 + x * x)) / strips]), np.zeros(1)
comm.Reduce(mine, pi, op=MPI.SUM, root=0)
say(f"pi is {pi[0]:.8f}")

# A list is dealt out, one item each; a dict goes to all.
item = comm.scatter([(i + 1) ** 2 for i in range(size)] if rank == 0 else None, root=0)
assert item == (rank + 1) ** 2
settings = comm.bcast({"steps": 10, "name": "heat"} if rank == 0 else None, root=0)
assert settings["steps"] == 10

# Alice and Bob write to each other. If both sent first, with large letters, each would wait for
# the other to listen: one of them begins by listening, or both use sendrecv.
if rank < 2 and size > 1:
    other, letter = 1 - rank, np.full(100_000, rank)
    answer = np.empty_like(letter)
    if rank == 0:
        comm.Send(letter, dest=other)
        comm.Recv(answer, source=other)
    else:
        comm.Recv(answer, source=other)
        comm.Send(letter, dest=other)
    assert (answer == other).all()
    assert comm.sendrecv("from " + "AB"[rank], dest=other, source=other) == "from " + "AB"[other]

# Send and go on working; wait when the result is needed.
request = comm.isend({"rank": rank, "data": list(range(rank))}, dest=right, tag=1)
got = comm.recv(source=left, tag=1)
request.wait()
assert got["rank"] == left and len(got["data"]) == left

# Ring: what each rank has goes round until it is back home.
value = np.array([rank])
for _ in range(size):
    comm.Sendrecv_replace(value, dest=right, source=left)
assert value[0] == rank

# A grid of ranks: each swaps the edges of its tile with its neighbours (the halo).
grid = comm.Create_cart(MPI.Compute_dims(size, 2), periods=[True, True])
tile = np.full((6, 6), float(grid.rank))
for axis in (0, 1):
    before, after = grid.Shift(axis, 1)
    view = np.moveaxis(tile, axis, 0)  # the axis to swap along comes first
    for inner, outer, to, source in ((-2, 0, after, before), (1, -1, before, after)):
        edge = np.ascontiguousarray(view[inner])
        halo = np.empty_like(edge)
        grid.Sendrecv(edge, dest=to, recvbuf=halo, source=source)
        view[outer] = halo
before, after = grid.Shift(0, 1)
assert (tile[0, 1:-1] == before).all() and (tile[-1, 1:-1] == after).all()
grid.Free()
say("all exchanges done")
