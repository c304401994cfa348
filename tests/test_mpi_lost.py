"""A rank that has no memory for an object: an error there or on all, and nobody waits."""
# ranks: 1 2 3

import resource

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip_all

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
BIG = 40 << 20  # malloc() takes it from the system, always
SPARE = 20 << 20


def used():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmSize"))


def without_memory(call):
    """The call's result, or its exception, in a process that has no room for BIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used() + SPARE, hard))
    try:
        return call()
    except Exception as exception:
        return exception
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


try:
    limited = isinstance(without_memory(lambda: np.empty(BIG, np.uint8)), MemoryError)
except OSError:
    limited = False
if not comm.allreduce(limited, MPI.LAND):
    skip_all("memory cannot be limited here")

objects = {"array": np.ones(BIG // 8), "dict": {"a": np.ones(BIG // 8), "b": 1}, "bytes": b"x" * BIG}


def attempt(poor, call):
    """Every rank's result of a call for which rank `poor` has no memory, as names of types."""
    comm.Barrier()
    if rank == poor:
        result = without_memory(call)
    else:
        try:
            result = call()
        except Exception as exception:
            result = exception
    text = f"{type(result).__name__} {result}" if isinstance(result, Exception) else type(result).__name__
    comm.Barrier()
    return comm.allgather(text)


def everywhere(texts, poor):
    return all(text.startswith(f"MemoryError rank {poor} has no memory for ") for text in texts)


def only_there(texts, poor, other):
    return all(text.startswith("MemoryError no memory for ") if r == poor else text in other
               for r, text in enumerate(texts))


def between(name, thing, poor):
    """From one rank to the poor one, in every way."""
    giver = (poor + 1) % size

    def matched():
        return comm.mprobe(giver, 5).recv()

    for how, receive in (("recv", lambda: comm.recv(None, giver, 5)), ("Message.recv", matched),
                         ("irecv", lambda: comm.irecv(None, giver, 5).wait())):
        def call():
            if rank == poor:
                return receive()
            return comm.ssend(thing, poor, 5) if rank == giver else None

        texts = attempt(poor, call)
        check(only_there(texts, poor, ["NoneType"]), f"{how} of {name} without memory on rank {poor}", texts)


cart = comm.Create_cart([size], periods=[True])
for poor in range(size):
    root = (poor + 1) % size
    for name, thing in objects.items():
        mine = [thing] * size
        where = f"{name} without memory on rank {poor}"
        if size > 1:
            texts = attempt(poor, lambda: comm.bcast(thing if rank == root else None, root))
            check(everywhere(texts, poor), f"bcast of {where}", texts)
            between(name, thing, poor)
        if name != "bytes":  # whose pickle would need memory as well
            texts = attempt(poor, lambda: comm.gather(thing, poor))
            check(everywhere(texts, poor), f"gather of {where}", texts)
        if name == "dict":
            texts = attempt(poor, lambda: comm.allgather(thing))
            check(everywhere(texts, poor), f"allgather of {where}", texts)
            texts = attempt(poor, lambda: cart.neighbor_allgather(thing))
            check(only_there(texts, poor, ["list"]), f"neighbor_allgather of {where}", texts)
            texts = attempt(poor, lambda: comm.alltoall(mine))
            check(only_there(texts, poor, ["list"]), f"alltoall of {where}", texts)
        if name == "array":
            texts = attempt(poor, lambda: comm.scatter(mine if rank == root else None, root))
            check(only_there(texts, poor, ["ndarray"]), f"scatter of {where}", texts)
cart.Free()

if size > 1:
    # Two groups: the last rank and the others.
    high = int(rank == size - 1)
    with comm.Split(high) as group, group.Create_intercomm(0, comm, 0 if high else size - 1) as inter:
        thing = objects["dict"]
        texts = attempt(size - 1, lambda: inter.gather(thing, MPI.ROOT if high else 0))
        check(only_there(texts, size - 1, ["NoneType"]), "gather between groups without memory", texts)
        texts = attempt(size - 1, lambda: inter.allgather(thing if not high else None))
        check(only_there(texts, size - 1, ["list"]), "allgather between groups without memory", texts)
        role = 0 if high else MPI.ROOT if rank == 0 else MPI.PROC_NULL
        texts = attempt(size - 1, lambda: inter.scatter([thing] if rank == 0 else None, role))
        check(only_there(texts, size - 1, ["NoneType"]), "scatter between groups without memory", texts)
        equal(inter.allgather(rank), list(range(size - 1)) if high else [size - 1], "the communicator is as it was")

equal(comm.allgather(rank), list(range(size)), "all go on")
equal(comm.sendrecv(rank, (rank + 1) % size, source=(rank - 1) % size), (rank - 1) % size, "messages, too")

# A rank with another serializer reads what it can, or raises; nobody waits.
with comm.Dup() as other:
    if rank == 0:
        other.serializer = MPI.Marshal()
    thing = {"a": np.ones(100_000), "b": print}
    for name, call in (("bcast", lambda: other.bcast(thing, size - 1)), ("allgather", lambda: other.allgather(thing)),
                       ("gather", lambda: other.gather(thing)), ("alltoall", lambda: other.alltoall([thing] * size)),
                       ("scatter", lambda: other.scatter([thing] * size, size - 1)),
                       ("allreduce", lambda: other.allreduce(1)),
                       ("sendrecv", lambda: other.sendrecv("text", rank, source=rank))):
        try:
            call()
            came = True
        except Exception as exception:
            came = f"{type(exception).__name__} {exception}"
        check(True, f"{name} with another serializer on a rank ends ({came})")
done()
