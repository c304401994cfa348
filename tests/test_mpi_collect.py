"""Collective calls on buffers."""
# ranks: 1 2 3 4

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
everyone = np.arange(size)

buf = np.full(3, rank)
comm.Bcast(buf, root=size - 1)
equal(buf, np.full(3, size - 1), "Bcast")

mine = np.array([rank, rank * 10])
table = np.stack([everyone, everyone * 10], axis=1)

for root in (0, size - 1):
    room = np.zeros((size, 2), int) if rank == root else None
    comm.Gather(mine, room, root)
    equal(room, table if rank == root else None, f"Gather to {root}")
    part = np.zeros(2, int)
    comm.Scatter(table if rank == root else None, part, root=root)
    equal(part, mine, f"Scatter from {root}")

room = np.zeros((size, 2), int)
comm.Allgather(mine, room)
equal(room, table, "Allgather")
room[:] = 0
room[rank] = mine
comm.Allgather(MPI.IN_PLACE, room)
equal(room, table, "Allgather in place")
room[:] = 0
comm.Allgather([mine, 1, MPI.LONG], [room, 1, MPI.LONG])
equal(room.ravel()[:size].copy(), everyone, "a count is that of one block")

sent = everyone * 100 + rank
got = np.zeros(size, int)
comm.Alltoall(sent, got)
equal(got, rank * 100 + everyone, "Alltoall")
comm.Alltoall(MPI.IN_PLACE, got)
equal(got, everyone * 100 + rank, "Alltoall in place")

# Parts of different sizes: rank r has r + 1 numbers.
counts = everyone + 1
total = int(counts.sum())
whole = np.concatenate([np.full(r + 1, r) for r in range(size)])
part = np.full(rank + 1, rank)
room = np.zeros(total, int)
comm.Allgatherv(part, [room, counts])
equal(room, whole, "Allgatherv")
room[:] = 0
comm.Allgatherv(part, [room, (counts, None), MPI.LONG])
equal(room, whole, "Allgatherv with a type")
displs = total - np.cumsum(counts)
backwards = np.concatenate([np.full(r + 1, r) for r in reversed(range(size))])
comm.Allgatherv(part, [room, (counts, displs)])
equal(room, backwards, "Allgatherv with displacements")
comm.Allgatherv(part, [room, counts, displs, MPI.LONG])
equal(room, backwards, "... in four items")
room[:] = -1
comm.Gatherv(part, [room, counts] if rank == 0 else None)
equal(room, whole if rank == 0 else np.full(total, -1), "Gatherv")
got = np.zeros(rank + 1, int)
comm.Scatterv([whole, counts] if rank == 0 else None, got)
equal(got, part, "Scatterv")
room = np.zeros(2 * size + 1, int)
comm.Allgatherv(np.full(2 + (rank == 0), rank), room)
equal(room, np.concatenate([[0], np.repeat(everyone, 2)]), "counts are inferred")

out = np.concatenate([np.full(r, 10 * rank + r) for r in range(size)]).astype(int)
into = np.zeros(rank * size, int)
comm.Alltoallv([out, np.arange(size)], [into, np.full(size, rank)])
equal(into, np.repeat(10 * everyone + rank, rank), "Alltoallv")

# Reductions.
x = np.array([rank + 1.0, -rank])
y = np.zeros(2)
for op, wanted in [
    (MPI.SUM, [(everyone + 1.0).sum(), -everyone.sum()]),
    (MPI.MAX, [size, 0]),
    (MPI.MIN, [1, 1 - size]),
    (MPI.PROD, [(everyone + 1.0).prod(), (-everyone).prod()]),
]:
    comm.Allreduce(x, y, op)
    equal(y, np.array(wanted, float), "Allreduce")
comm.Allreduce(x, y)
z = x.copy()
comm.Allreduce(MPI.IN_PLACE, z, op=MPI.SUM)
equal(z, y, "Allreduce in place")
room = np.zeros(2) if rank == 0 else None
comm.Reduce(x, room, op=MPI.SUM, root=0)
equal(room, y if rank == 0 else None, "Reduce")
z = x.copy()
comm.Reduce(MPI.IN_PLACE, z) if rank == 0 else comm.Reduce(z, None)
equal(z, y if rank == 0 else x, "Reduce in place")
comm.Scan(x, z)
equal(z, np.array([(everyone[: rank + 1] + 1.0).sum(), -everyone[: rank + 1].sum()]), "Scan")
z[:] = 7
comm.Exscan(x, z)
if rank > 0:
    wanted = np.array([(everyone[:rank] + 1.0).sum(), -everyone[:rank].sum()])
equal(z, wanted if rank > 0 else np.full(2, 7.0), "Exscan")
block = np.zeros(2)
comm.Reduce_scatter_block(np.repeat(everyone, 2).astype(float), block)
equal(block, np.full(2, float(rank * size)), "Reduce_scatter_block")
part = np.zeros(rank + 1, int)
comm.Reduce_scatter(whole, part)
equal(part, np.full(rank + 1, rank * size), "Reduce_scatter tells the counts itself")
comm.Reduce_scatter(whole, part, counts, MPI.MAX)
equal(part, np.full(rank + 1, rank), "Reduce_scatter")
flag = np.array([rank == 0])
comm.Allreduce(MPI.IN_PLACE, flag, MPI.LAND)
equal(bool(flag[0]), size == 1, "a logical reduction")


def longest(a, b, datatype):
    u, v = np.frombuffer(a, float), np.frombuffer(b, float)
    v[:] = np.where(np.abs(u) > np.abs(v), u, v)


op = MPI.Op.Create(longest, commute=True)
comm.Allreduce(np.array([-1.0 * rank, 1.0]), z, op)
equal(z, np.array([-float(size - 1), 1.0]), "an operation of the user's")
equal(op.Is_commutative(), True, "... is commutative as said")
op.Free()
check(not op, "... and null after Free")

# Wrong arguments are found before anything is sent.
for kind, text, call in [
    (ValueError, "mismatch in send count 2 and receive count 3",
     lambda: comm.Allreduce(np.zeros(2), np.zeros(3))),
    (ValueError, "mismatch in send and receive MPI datatypes",
     lambda: comm.Allreduce(np.zeros(2), np.zeros(2, "f4"))),
    (TypeError, "op must be MPI.Op", lambda: comm.Allreduce(x, y, op=3)),
    (TypeError, "missing required argument 'recvbuf'", lambda: comm.Allreduce(x)),
    (BufferError, "read-only", lambda: comm.Alltoall(b"", b"")),
    (ValueError, "mismatch in send count", lambda: comm.Reduce_scatter(np.zeros(99 + size), np.zeros(1))
     if size == 1 else comm.Reduce_scatter(np.zeros(99), np.zeros(1), [1] * size)),
    (ValueError, f"expecting {size} items, got {size + 1}",
     lambda: comm.Allgatherv(x, [np.zeros(9), [1] * (size + 1)])),
    (ValueError, "too short", lambda: comm.Allgatherv(x, [np.zeros(2), [3] * size])),
]:
    raises(kind, text, call, name=f"refused with {kind.__name__}: {text}")
if size > 1:
    raises(ValueError, "blocks", lambda: comm.Allgather(x, np.zeros(2 * size + 1)), name="uneven blocks")
done()
