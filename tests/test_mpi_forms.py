"""Every collective call on buffers, blocking, nonblocking and persistent: one table, results by NumPy."""
# ranks: 1 2 3 4

import gc

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
everyone = np.arange(size)
root = size - 1
LONG = MPI.LONG

# What rank r sends to rank s: r + 1 numbers 100 r + s, as parts of different sizes.
part = {(r, s): np.full(r + 1, 100 * r + s) for r in range(size) for s in range(size)}
counts = everyone + 1  # received, by sender
mine = np.array([rank, 10 * rank])
table = np.stack([everyone, 10 * everyone], axis=1)
total = int(counts.sum())
whole = np.concatenate([np.full(r + 1, r) for r in range(size)])
summed = np.array([everyone.sum(), 10 * everyone.sum()])
before = everyone[:rank].sum()


def at_root(value):
    return value if rank == root else None


def zeros(*shape):
    return np.zeros(shape, int)


# name, arguments (a fresh buffer for what is received is made by each call), what is received
CASES = [
    ("Bcast", lambda out: ([out, LONG], root), 2, table[root], lambda: table[rank].copy()),
    ("Gather", lambda out: (mine, at_root(out), root), (size, 2), at_root(table), None),
    ("Gatherv", lambda out: (np.full(rank + 1, rank), at_root([out, counts]), root), total, at_root(whole), None),
    ("Scatter", lambda out: (at_root(table), out, root), 2, mine, None),
    ("Scatterv", lambda out: (at_root([whole, counts]), out, root), rank + 1, np.full(rank + 1, rank), None),
    ("Allgather", lambda out: (mine, out), (size, 2), table, None),
    ("Allgatherv", lambda out: (np.full(rank + 1, rank), [out, counts]), total, whole, None),
    ("Alltoall", lambda out: (100 * rank + everyone, out), size, 100 * everyone + rank, None),
    ("Alltoallv",
     lambda out: ([np.concatenate([part[rank, s] for s in range(size)]), np.full(size, rank + 1)], [out, counts]),
     total, np.concatenate([part[r, rank] for r in range(size)]), None),
    ("Alltoallw",
     lambda out: ([np.concatenate([part[rank, s] for s in range(size)]), [rank + 1] * size,
                   8 * (rank + 1) * everyone, [LONG] * size],
                  [out, (counts, 8 * (np.cumsum(counts) - counts)), [LONG] * size]),
     total, np.concatenate([part[r, rank] for r in range(size)]), None),
    ("Reduce", lambda out: (mine, at_root(out), MPI.SUM, root), 2, at_root(summed), None),
    ("Allreduce", lambda out: (mine, out), 2, summed, None),
    ("Allreduce", lambda out: (MPI.IN_PLACE, out, MPI.MAX), 2, table[-1], lambda: mine.copy()),
    ("Scan", lambda out: (mine, out), 2, np.array([before + rank, 10 * (before + rank)]), None),
    ("Exscan", lambda out: (mine, out, MPI.SUM), 2, np.array([before, 10 * before]), None),
    ("Reduce_scatter_block", lambda out: (np.repeat(everyone, 3), out), 3, np.full(3, rank * size), None),
    ("Reduce_scatter", lambda out: (whole, out), rank + 1, np.full(rank + 1, rank * size), None),
    ("Reduce_scatter", lambda out: (whole, out, counts, MPI.MAX), rank + 1, np.full(rank + 1, rank), None),
]


def room(case):
    shape, start = case[2], case[4]
    return start() if start else np.zeros(shape, int)


def result(case, out):
    """What this rank should have got, and got."""
    wanted = case[3]
    return (None, None) if wanted is None else (out, wanted)


for case in CASES:
    name = case[0]
    out = room(case)
    equal(getattr(comm, name)(*case[1](out)), None, f"{name} returns nothing")
    equal(*result(case, out), f"{name}")

    # Arguments that nobody else holds must outlive the call.
    out = room(case)
    request = getattr(comm, "I" + name.lower())(*case[1](out))
    gc.collect()
    request.Wait()
    check(type(request) is MPI.Request and request == MPI.REQUEST_NULL, f"I{name.lower()} is done")
    equal(*result(case, out), f"I{name.lower()}")

comm.Ibarrier().Wait()
requests = [comm.Iallreduce(mine, zeros(2)) for _ in range(20)]
del requests[10:]
gc.collect()
MPI.Request.Waitall(requests)
check(True, "requests that nobody holds do no harm")

# In place.
for call in (comm.Allgather, comm.Iallgather):
    out = zeros(size, 2)
    out[rank] = mine
    request = call(MPI.IN_PLACE, out)
    request and request.Wait()
    equal(out, table, "Allgather in place")
out = zeros(size, 2)
out[rank] = mine
request = comm.Igather(MPI.IN_PLACE if rank == root else mine, at_root(out), root)
request.Wait()
equal(at_root(out), at_root(table), "Igather in place")
out = mine.copy() if rank != root else None
comm.Iscatter(at_root(table), out if rank != root else MPI.IN_PLACE, root).Wait()
equal(out, None if rank == root else mine, "Iscatter in place")
out = 100 * rank + everyone
comm.Ialltoallw(MPI.IN_PLACE, [out, ([1] * size, 8 * everyone), [LONG] * size]).Wait()
equal(out, 100 * everyone + rank, "Ialltoallw in place")
out = np.repeat(everyone, 2)
comm.Ireduce_scatter(MPI.IN_PLACE, out, [2] * size).Wait()
equal(out[:2], np.full(2, rank * size), "Ireduce_scatter in place")
raises(TypeError, "recvcounts", comm.Reduce_scatter, MPI.IN_PLACE, out)


# A user's operation lives as long as the request.
def add(a, b, datatype):
    b = np.frombuffer(b, int)
    b += np.frombuffer(a, int)


out = zeros(2)
request = comm.Iallreduce(mine, out, MPI.Op.Create(add, True))
gc.collect()
request.Wait()
equal(out, summed, "an operation of the user's that nobody holds")

# Types that differ from block to block.
vector = LONG.Create_vector(2, 1, 2).Commit()
out = np.full(4 * size, -1)
comm.Alltoallw([mine, [2] * size, [0] * size, [LONG] * size], [out, [1] * size, 32 * everyone, [vector] * size])
wanted = np.full((size, 4), -1)
wanted[:, 0], wanted[:, 2] = table[:, 0], table[:, 1]
equal(out, wanted.ravel(), "Alltoallw scatters into a vector type")
first = zeros(size)
comm.Alltoallw([np.full(size, rank), [LONG] * size], [first, ([1] * size, 8 * everyone), ["i8"] * size])
equal(first, everyone, "one element at the start is meant by default; types by name")
vector.Free()

# ------------------------------------------------------------------ persistent
try:
    persistent = comm.Barrier_init()
except NotImplementedError as error:
    check("MPI_Barrier_init" in str(error), "the error names the function that MPI lacks")
    raises(NotImplementedError, "MPI_Allreduce_init", comm.Allreduce_init, mine, zeros(2))
    skip("persistent collectives", "this MPI has none")
    persistent = None
if persistent is not None:
    persistent.Start()
    persistent.Wait()
    persistent.Free()
    for case in CASES:
        out = room(case)
        request = getattr(comm, case[0] + "_init")(*case[1](out), info=MPI.INFO_NULL)
        gc.collect()
        check(type(request) is MPI.Prequest, f"{case[0]}_init")
        for turn in range(2):
            out[...] = room(case)
            request.Start()
            request.Wait()
            equal(*result(case, out), f"{case[0]}_init, turn {turn}")
        request.Free()
        check(request == MPI.REQUEST_NULL, f"{case[0]}_init is freed")
    pair = [comm.Allreduce_init(mine, zeros(2)), comm.Ibarrier()]
    MPI.Prequest.Startall(pair[:1])
    MPI.Request.Waitall(pair)
    pair[0].Free()
    raises(TypeError, "info", comm.Barrier_init, 3)

# --------------------------------------------------------------------- refused
raises(TypeError, "info", lambda: comm.Allreduce(mine, zeros(2), info=MPI.INFO_NULL))
raises(ValueError, f"expecting {size} items, got {size + 1}", comm.Allgatherv, mine, [zeros(size), [1] * (size + 1)])
raises(ValueError, "negative count -1", comm.Allgatherv, mine, [zeros(size), [-1] * size])
raises(ValueError, "too short", comm.Allgatherv, mine, [zeros(size), [1] * size, [size] * size, LONG])
raises(ValueError, "begin at byte -8", comm.Allgatherv, mine, [zeros(size), [1] * size, [-1] * size, LONG])
raises(TypeError, "a list of data, counts, displacements and types", comm.Alltoallw, mine, mine)
raises(ValueError, "2 to 4 items", comm.Alltoallw, [mine], [mine])
raises(ValueError, f"expecting {size} items", comm.Alltoallw, [mine, [LONG] * (size + 1)], [mine, [LONG] * size])
raises(ValueError, "too short", comm.Alltoallw, [mine, [3] * size, [0] * size, [LONG] * size], [mine, [LONG] * size])
raises(ValueError, "too short", comm.Ialltoallw, [mine, [1] * size, [9] * size, [LONG] * size], [mine, [LONG] * size])
raises(TypeError, "Datatype", comm.Alltoallw, [mine, [3] * size], [mine, [LONG] * size])
raises(TypeError, "buffer", comm.Bcast, None)
raises(TypeError, "buffer", comm.Allgather, mine, None)
raises(TypeError, "MPI.Op", comm.Allreduce, mine, zeros(2), 3)
raises(ValueError, "mismatch in send count 2 and receive count 3", comm.Iallreduce, mine, zeros(3))
raises(ValueError, "mismatch in send and receive MPI datatypes", comm.Scan, mine, np.zeros(2))
raises(ValueError, "sum(counts)", comm.Reduce_scatter, mine, zeros(1), [5] * size)
read_only = zeros(2 * size)
read_only.flags.writeable = False
raises(BufferError, "read-only", comm.Iallgather, mine, read_only)
raises(BufferError, ("not contiguous", "ascontiguousarray"), comm.Allreduce, zeros(4)[::2], zeros(2))
raises(KeyError, "datatype", comm.Allgather, [mine, "nonsense"], zeros(2 * size))
huge = [zeros(2), 2**62, LONG]
raises(ValueError, "too short", comm.Bcast, huge)
raises(ValueError, "too short", comm.Iallgather, huge, zeros(2 * size))
raises(OverflowError, "", comm.Bcast, [zeros(2), 2**64, LONG])
done()
