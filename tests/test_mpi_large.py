"""Counts and displacements beyond 2**31: of elements that weigh nothing, and of real ones where memory allows."""
# ranks: 1 2

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
left, right = (rank - 1) % size, (rank + 1) % size
LARGE = 2**31 + 5
nothing = MPI.BYTE.Create_contiguous(0).Commit()
buf = np.zeros(8, np.uint8)
room = buf.copy()
message, into = [buf, LARGE, nothing], [room, LARGE, nothing]
lists, into_lists = [[b, [LARGE] * size, [0] * size, nothing] for b in (buf, room)]
types, into_types = [[b, [LARGE] * size, [0] * size, [nothing] * size] for b in (buf, room)]
status = MPI.Status()
large_lists = True  # whether MPI takes lists of large numbers
try:
    comm.Allgatherv(message, into_lists)
except OverflowError as error:
    large_lists = False
    check("version 4" in str(error) and "Create_contiguous" in str(error), "the error says why and what helps")

# ------------------------------------------------------------------ point to point
comm.Sendrecv(message, right, 1, into, left, 1, status)
check(status.Get_source() == left, "Sendrecv")
comm.Sendrecv_replace(message, right, 1, left, 1)
requests = [comm.Irecv(into, left, 2), comm.Isend(message, right, 2), comm.Issend(message, right, 3)]
comm.Recv(into, left, 3)
MPI.Request.Waitall(requests)
request = comm.Isend(message, right, 4)
comm.Mprobe(left, 4).Recv(into)
request.Wait()
send, receive = comm.Send_init(message, right, 5), comm.Recv_init(into, left, 5)
MPI.Prequest.Startall([receive, send])
MPI.Request.Waitall([receive, send])
send.Free()
receive.Free()
check(True, "messages of many elements")
raises(ValueError, "too short", comm.Send, [buf, LARGE, MPI.BYTE], right)
raises(ValueError, "too short", comm.Isend, [buf, (LARGE, LARGE), MPI.BYTE], right)
raises(ValueError, "too short", comm.Recv, [buf, 2**62, MPI.DOUBLE], left)
raises(ValueError, "too short", comm.Allgather, [buf, 2**62, MPI.BYTE], [buf, 2**62, MPI.BYTE])

# --------------------------------------------------------------------- collective
comm.Bcast(message, size - 1)
comm.Ibcast(message).Wait()
comm.Gather(message, into)
comm.Scatter(message, into)
comm.Allgather(message, into)
comm.Ialltoall(message, into).Wait()
check(True, "collective calls on many elements")
if large_lists:
    comm.Gatherv(message, into_lists)
    comm.Scatterv(lists, into)
    comm.Ialltoallv(lists, into_lists).Wait()
    comm.Alltoallw(types, into_types)
    check(True, "lists of large counts")
else:
    raises(OverflowError, "2147483647", comm.Ialltoallv, lists, into_lists)
    raises(OverflowError, "2147483647", comm.Alltoallw, types, into_types)

# A displacement into memory that is never touched.
far = np.empty(LARGE + 8, np.uint8)
alone = MPI.COMM_SELF
near = np.arange(8, dtype=np.uint8)
if large_lists:
    alone.Allgatherv(near, [far, [8], [LARGE], MPI.BYTE])
    equal(far[LARGE:], near, "a far displacement")
    far[LARGE:] = 0
    alone.Ialltoallw([near, [8], [0], [MPI.BYTE]], [far, [8], [LARGE], [MPI.BYTE]]).Wait()
    equal(far[LARGE:], near, "a far displacement in bytes")
else:
    raises(OverflowError, "displacement", alone.Allgatherv, near, [far, [8], [LARGE], MPI.BYTE])
alone.Sendrecv([near, MPI.BYTE], 0, 0, [far, (8, LARGE), MPI.BYTE], 0, 0)
equal(far[LARGE:], near, "a far displacement of a message")


def free_memory():
    try:
        with open("/proc/meminfo") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return 0


if size > 1 or free_memory() < 6 * LARGE:
    skip("2 GiB sent", "one rank with memory for it will do")
else:
    far[:8], far[-8:] = 1, 2
    into = np.empty(LARGE + 8, np.uint8)
    alone.Sendrecv(far, 0, 0, into, 0, 0, status)
    ends = np.concatenate([into[:8], into[-8:]])
    equal((status.Get_elements(MPI.BYTE), ends.tolist()), (LARGE + 8, [1] * 8 + [2] * 8), "2 GiB sent")
    into[:8] = into[-8:] = 0
    alone.Alltoall(far, into)
    check(into[0] == 1 and into[-1] == 2, "2 GiB exchanged")
    if large_lists:
        alone.Allreduce(MPI.IN_PLACE, into, MPI.SUM)
        check(into[0] == 1 and into[-1] == 2, "2 GiB reduced")
    else:
        raises(OverflowError, "reduce in parts", alone.Allreduce, MPI.IN_PLACE, into)
nothing.Free()
done()
