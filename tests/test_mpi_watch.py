"""An open irecv() keeps nobody waiting, whatever its rank waits for meanwhile."""
# ranks: 2 3
# limit: 120

import numpy as np
from collio import MPI
from tap import check, done, equal, skip_all

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
if MPI.Query_thread() != MPI.THREAD_MULTIPLE:
    skip_all("MPI takes calls of one thread only")

large = np.arange(1 << 17)
numbers, one = np.zeros(4), np.ones(4)


def pair(first, second):
    """What ranks 0 and 1 do with each other."""
    return lambda: first() if rank == 0 else second() if rank == 1 else None


WAITS = {
    "Barrier": comm.Barrier,
    "barrier": comm.barrier,
    "Bcast": lambda: comm.Bcast(numbers, 1),
    "Allreduce": lambda: comm.Allreduce(one, numbers),
    "bcast": lambda: comm.bcast(large, 1),
    "allreduce": lambda: comm.allreduce(1),
    "gather": lambda: comm.gather(1, 0),
    "alltoall": lambda: comm.alltoall([1] * size),
    "Recv": pair(lambda: comm.Recv(numbers, 1, 9), lambda: comm.Send(one, 0, 9)),
    "Ssend": pair(lambda: comm.Ssend(one, 1, 9), lambda: comm.Recv(numbers, 0, 9)),
    "recv": pair(lambda: comm.recv(None, 1, 9), lambda: comm.send(1, 0, 9)),
    "Probe": pair(lambda: (comm.Probe(1, 9), comm.recv(None, 1, 9)), lambda: comm.send(1, 0, 9)),
    "Dup": lambda: comm.Dup().Free(),
}

# Rank 1 is done with its sends before it comes to what rank 0 waits in.
for name, wait in WAITS.items():
    for send, item in ("send", large), ("ssend", [1, 2]), ("isend", {"a": large}):
        if rank == 0:
            requests = [comm.irecv(None, 1, 5), comm.irecv(None, MPI.ANY_SOURCE, 6)]
        if rank == 1:
            for tag in 5, 6:
                request = getattr(comm, send)(item, 0, tag)
                if request is not None:
                    request.wait()
        wait()
        if rank == 0:
            got = [request.wait() for request in requests]
            check(all(type(g) is type(item) and len(g) == len(item) for g in got), f"{send} while {name} waits")
        else:
            check(True, f"{send} while {name} waits")

# What is open at the end keeps nobody from ending.
forgotten = comm.irecv(None, MPI.ANY_SOURCE, 77)
equal(bool(forgotten), True, "a receive that is never matched")
done()
