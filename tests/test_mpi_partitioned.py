"""Messages in parts that become ready one by one."""
# ranks: 1 2 3

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size
data, room = np.arange(8.0) + rank, np.zeros(8)
try:
    send = comm.Psend_init(data, 4, right, 3)
except NotImplementedError:
    raises(NotImplementedError, "MPI_Precv_init", comm.Precv_init, room, 4, left, 3, name="MPI before 4 has none")
    for name, args in [("Pready", (0,)), ("Pready_range", (0, 1)), ("Pready_list", ([0],)), ("Parrived", (0,))]:
        raises(NotImplementedError, name, getattr(MPI.Prequest(), name), *args, name=f"... {name}")
    done()
receive = comm.Precv_init(room, partitions=4, source=left, tag=3)
check(type(send) is MPI.Prequest and type(receive) is MPI.Prequest, "they are Prequests")
for step in range(3):
    data[:] = np.arange(8.0) + rank + 10 * step
    receive.Start()
    send.Start()
    send.Pready(2)
    send.Pready_list([3])
    send.Pready_range(0, 1)
    send.Wait()
    while not all([receive.Parrived(part) for part in range(4)]):
        pass
    receive.Wait()
    equal(room, np.arange(8.0) + left + 10 * step, f"all parts arrive, time {step}")
send.Free()
receive.Free()
check(not send and not receive, "they are freed")
raises(ValueError, "not a multiple of required number of blocks 3", comm.Psend_init, data, 3, right, name="parts are equal")
raises(ValueError, "too short", comm.Psend_init, [data, 4, MPI.DOUBLE], 4, right, name="... and inside the buffer")
raises(BufferError, "read-only", comm.Precv_init, b"1234", 2, left, name="... which is written")
raises(MPI.Exception, "", comm.Psend_init, data, 0, right, name="no parts")
raises(TypeError, "partitions", comm.Psend_init, data, name="the number of parts is needed")
done()
