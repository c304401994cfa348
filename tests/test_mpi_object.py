"""Lower-case calls: any object."""
# ranks: 1 2 3 4

import operator

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size


class Thing:
    def __init__(self, name, field):
        self.name, self.field = name, field

    def __eq__(self, other):
        return self.name == other.name and np.array_equal(self.field, other.field)


class Stubborn:
    def __reduce__(self):
        raise ValueError("I stay here")


def things(r):
    return [None, r, float(r), "text" * r, {"r": r, "list": [r] * 3}, (r, b"x" * r),
            Thing("small", np.arange(r)), Thing("large", np.arange(50_000.0) + r),
            [np.arange(3000) * r, np.full((100, 200), r, "f4"), {"in": np.ones(20_000)}]]


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


for number, (mine, wanted) in enumerate(zip(things(rank), things(left))):
    status = MPI.Status()
    got = comm.sendrecv(mine, right, 2, source=left, recvtag=2, status=status)
    check(same(got, wanted), f"sendrecv of object {number}", repr(got)[:200])
    check(status.source == left and status.tag == 2 and status.count > 0, "... and its status")
    root = number % size
    check(same(comm.bcast(things(root)[number] if rank == root else None, root), things(root)[number]),
          f"bcast of object {number}")

got = comm.sendrecv(np.arange(100_000.0), right, source=left)
got += 1
check(got.flags.writeable and got[1] == 2, "a received array can be written to")

requests = [comm.isend(thing, right, tag) for tag, thing in enumerate(things(rank))]
got = [comm.recv(source=left, tag=tag) for tag in range(len(requests))]
equal(MPI.Request.waitall(requests), [None] * len(requests), "waitall of sends gives None")
check(same(got, things(left)), "isend and recv, by tag")

# irecv of any size, tested and waited for in any order, its sender waiting first.
requests = [comm.irecv(source=left, tag=tag) for tag in range(9)]
sends = [comm.issend(thing, right, tag) for tag, thing in enumerate(things(rank))]
for request in sends:
    request.wait()
check(same(MPI.Request.waitall(requests), things(left)), "irecv of any size")
request = comm.irecv(source=left)
equal(bool(request), True, "an open irecv is true")
comm.ssend([rank] * 5, right) if size > 1 else comm.send([rank] * 5, right)
done_, got = request.test()
while not done_:
    done_, got = request.test()
equal(got, [left] * 5, "irecv and test")
equal(bool(request), False, "... after which the request is null")
equal(request.wait(), None, "... and gives None")
if size > 1:
    request = comm.irecv(source=left)
    if rank == 0:
        comm.ssend(np.arange(300_000), right)
        comm.Barrier()
    else:
        comm.Barrier()
        comm.ssend(np.arange(300_000), right)
    equal(request.wait().size, 300_000, "an open irecv is looked after in a Barrier")
requests = [comm.irecv(source=left, tag=1), comm.isend("a", right, 1), comm.isend("b", right, 2),
            comm.irecv(source=left, tag=2)]
found = {}
while len(found) < 4:
    index, message = MPI.Request.waitany(requests)
    found[index] = message
equal(found, {0: "a", 1: None, 2: None, 3: "b"}, "waitany")
equal(MPI.Request.waitany(requests), (MPI.UNDEFINED, None), "... of none left")

# Probe and matched probe.
pending = comm.isend({"k": rank}, right, 4)
while not comm.iprobe(left, 4):
    pass
found = comm.mprobe(left, 4)
equal(found.recv(), {"k": left}, "mprobe and recv")
pending.wait()
pending = comm.isend(np.arange(20_000) + rank, right, 5)
equal(comm.mprobe(left, 5).irecv().wait()[0], np.int64(left), "mprobe and irecv")
pending.wait()
equal(comm.recv(source=MPI.PROC_NULL), None, "recv from PROC_NULL")
comm.send(Stubborn(), MPI.PROC_NULL)

# Collective calls.
equal(comm.gather(rank * 2), [2 * r for r in range(size)] if rank == 0 else None, "gather")
equal(comm.allgather((rank,)), [(r,) for r in range(size)], "allgather")
check(same(comm.allgather(things(rank)), [things(r) for r in range(size)]), "allgather of much")
equal(comm.scatter([f"to {r}" for r in range(size)] if rank == size - 1 else None, root=size - 1),
      f"to {rank}", "scatter")
check(same(comm.scatter([things(r) for r in range(size)] if rank == 0 else None), things(rank)),
      "scatter of much")
equal(comm.alltoall([(rank, r) for r in range(size)]), [(r, rank) for r in range(size)], "alltoall")
total = size * (size - 1) // 2
equal(comm.reduce(rank), total if rank == 0 else None, "reduce")
equal(comm.allreduce(rank), total, "allreduce")
equal(comm.allreduce([rank], op=MPI.SUM), list(range(size)), "allreduce keeps the order of the ranks")
equal(comm.allreduce((rank % 2, rank), op=MPI.MAXLOC), (min(1, size - 1), min(1, size - 1)), "MAXLOC")
equal(comm.allreduce((rank % 2, rank), op=MPI.MINLOC), (0, 0), "MINLOC")
equal(comm.allreduce(rank + 1, op=operator.mul), int(np.prod(np.arange(size) + 1)), "any function")
equal(comm.allreduce(rank < 1, op=MPI.LOR), True, "a logical operation")
equal(comm.scan(1), rank + 1, "scan")
equal(comm.exscan(1), rank if rank else None, "exscan")
comm.barrier()

# An object that cannot be pickled: all that would wait for it raise.
mine = Stubborn() if rank == 0 else 1
texts = "I stay here" if rank == 0 else "rank 0 could not prepare"
kinds = ValueError if rank == 0 else RuntimeError
for name, call in [
    ("bcast", lambda: comm.bcast(mine)),
    ("gather", lambda: comm.gather(mine)),
    ("allgather", lambda: comm.allgather(mine)),
    ("scatter", lambda: comm.scatter([mine] * size if rank == 0 else None)),
    ("alltoall", lambda: comm.alltoall([mine] * size)),
    ("allreduce", lambda: comm.allreduce(mine)),
]:
    raises(kinds, texts, call, name=f"{name} of what cannot be pickled")
raises(ValueError if rank == 0 else RuntimeError,
       f"expecting {size} items, got {size + 1}" if rank == 0 else "rank 0 could not prepare",
       lambda: comm.scatter([1] * (size + 1) if rank == 0 else None), name="scatter of too many")
equal(comm.allgather(rank), list(range(size)), "... and nothing is out of step")

# The serializer.
data = MPI.pickle.dumps({"a": 1})
equal(MPI.pickle.loads(data), {"a": 1}, "MPI.pickle")
data, buffers = MPI.pickle.dumps_oob([np.arange(5), np.arange(50_000)])
equal(len(buffers), 1, "dumps_oob keeps large buffers apart")
equal(MPI.pickle.loads_oob(data, buffers)[1][-1], np.int64(49_999), "loads_oob")
import marshal  # noqa: E402

other = MPI.Pickle(marshal.dumps, marshal.loads)
equal(other.loads(other.dumps([1, 2])), [1, 2], "another serializer")
done()
