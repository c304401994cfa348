"""Point-to-point calls on buffers."""
# ranks: 1 2 3 4

import array

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size

TYPES = "? b B h H i I l L q Q f d g F D G".split()


def exchange(data, room, **keywords):
    comm.Sendrecv(data, right, 3, room, left, 3, **keywords)
    return room


for code in TYPES:
    mine = np.arange(5).astype(code) + np.array(rank, code)
    wanted = np.arange(5).astype(code) + np.array(left, code)
    equal(exchange(mine, np.zeros(5, code)), wanted, f"Sendrecv of type {code}")

status = MPI.Status()
exchange(np.ones(3), np.zeros(10), status=status)
equal((status.source, status.tag, status.Get_count(MPI.DOUBLE), status.count), (left, 3, 3, 24),
      "a Status tells source, tag and counts")
equal(status.Get_elements(MPI.DOUBLE), 3, "... and elements")

# Every way to say what the data are.
x = np.arange(8.0) + rank
y = np.arange(8.0) + left
room = np.zeros(8)
for spec, wanted in [
    (x, y),
    ([x, MPI.DOUBLE], y),
    ([x, "d"], y),
    ([x, "f8"], y),
    ((x, 8), y),
    ([x, 8, MPI.DOUBLE], y),
    ([x, 3, "d"], y[:3]),
    ([x, (3, 2), MPI.DOUBLE], y[2:5]),
    ([x, 3, 2, MPI.DOUBLE], y[2:5]),
    (memoryview(x), y),
    (x.reshape(2, 4), y),
    (np.asfortranarray(x.reshape(2, 4)), np.asfortranarray(y.reshape(2, 4)).ravel("K")),
]:
    room[:] = -1
    exchange(spec, room)
    equal(room[: len(wanted)].copy(), wanted, f"a specification like {type(spec).__name__} {len(spec)}")
    check((room[len(wanted):] == -1).all(), "... and no more than that")

room = array.array("d", bytes(64))
exchange(array.array("d", x), room)
equal(list(room), y.tolist(), "array.array")
room = bytearray(5)
exchange(b"ab%03d" % rank, room)
equal(bytes(room), b"ab%03d" % left, "bytes and bytearray")
exchange([None, 0, MPI.INT], [None, 0, MPI.INT])
check(True, "None with count 0 is an empty message")
zero = np.zeros(())
exchange(np.array(float(rank)), zero)
equal(float(zero), float(left), "0-d arrays")
exchange(np.zeros((0, 3)), np.zeros((3, 0)))
check(True, "empty arrays")

column = np.zeros((4, 4))
vector = MPI.DOUBLE.Create_vector(4, 1, 4).Commit()
exchange([np.arange(16.0) + rank, 1, vector], [column, 1, vector])
equal(column[:, 0].copy(), np.arange(0, 16, 4) + float(left), "a strided Datatype")
vector.Free()

comm.Send(x, MPI.PROC_NULL)
comm.Recv(room, MPI.PROC_NULL, status=status)
equal(status.source, MPI.PROC_NULL, "PROC_NULL takes and gives nothing")
comm.Send(None, MPI.PROC_NULL)

# All modes, blocking and not.
for name in ("Isend", "Issend", "Irsend"):
    got = np.zeros(8)
    receive = comm.Irecv(got, left, 7)
    comm.Barrier()
    send = getattr(comm, name)(x, dest=right, tag=7)
    send.Wait()
    receive.Wait()
    equal(got, y, name)
for name in ("Send", "Ssend", "Rsend"):
    got = np.zeros(8)
    receive = comm.Irecv(got, source=left, tag=8)
    comm.Barrier()
    getattr(comm, name)(x, right, tag=8)
    check(receive.Wait(), f"{name}: the Request says True")
    equal(got, y, name)

start = comm.Send_init(x, right, 9)
get = comm.Recv_init(room := np.zeros(8), left, 9)
for step in range(3):
    x[0] = step
    MPI.Prequest.Startall([get, start])
    MPI.Request.Waitall([get, start])
    equal(room[0], np.float64(step), f"persistent requests, time {step}")
start.Free()
get.Free()
check(not start and not get, "freed requests are false")
x[0] = rank

z = x.copy()
comm.Sendrecv_replace(z, right, 1, left, 1)
equal(z, y, "Sendrecv_replace")

# Buffered sends.
space = bytearray(2 * (x.nbytes + 500 + MPI.BSEND_OVERHEAD))
MPI.Attach_buffer(space)
comm.Bsend(x, right, 21)
comm.bsend({"rank": rank}, right, 22)
got = np.zeros(8)
comm.Recv(got, left, 21)
equal(got, y, "Bsend")
equal(comm.recv(source=left, tag=22), {"rank": left}, "bsend")
check(MPI.Detach_buffer() is space, "Detach_buffer")
comm.Barrier()

# Probes.
pending = comm.Isend(x, right, 11)
equal(comm.Probe(left, 11, status), True, "Probe")
equal(status.Get_count(MPI.DOUBLE), 8, "... knows the size")
while not comm.Iprobe(left, 11):
    pass
found = comm.Mprobe(left, 11, status)
check(bool(found), "Mprobe")
found.Recv(room := np.zeros(8))
equal(room, y, "... and Message.Recv")
check(not found, "... after which the Message is null")
pending.Wait()
pending = comm.Isend(x, right, 12)
found = None
while found is None:
    found = comm.Improbe(left, 12)
request = found.Irecv(room := np.zeros(8))
request.Wait()
equal(room, y, "Improbe and Message.Irecv")
pending.Wait()
equal(comm.Iprobe(), False, "nothing is left over")

# Refusals: an exception, and nothing was sent.
big = np.zeros((4, 4))
readonly = np.zeros(3)
readonly.flags.writeable = False
for kind, text, call in [
    (TypeError, "missing required argument 'dest'", lambda: comm.Send(x)),
    (TypeError, "unexpected keyword argument 'foo'", lambda: comm.Send(x, 0, foo=1)),
    (TypeError, "at most 3 positional", lambda: comm.Send(x, 0, 0, 0)),
    (TypeError, "by position and by keyword", lambda: comm.Send(x, 0, dest=0)),
    (TypeError, "integer", lambda: comm.Send(x, "a")),
    (OverflowError, "does not fit", lambda: comm.Send(x, 2**40)),
    (TypeError, "buffer", lambda: comm.Send(5, 0)),
    (TypeError, "buffer", lambda: comm.Send("text", 0)),
    (TypeError, "status must be MPI.Status", lambda: comm.Recv(x, 0, status=3)),
    (ValueError, "2 to 4 items", lambda: comm.Send([x, 1, 2, 3, 4], 0)),
    (ValueError, "negative count", lambda: comm.Send([x, -1, MPI.DOUBLE], 0)),
    (ValueError, "too short", lambda: comm.Send([x, 9, MPI.DOUBLE], 0)),
    (ValueError, "too short", lambda: comm.Send([x, (4, 5), MPI.DOUBLE], 0)),
    (ValueError, "not a multiple", lambda: comm.Send([np.zeros(3, "u1"), MPI.INT], 0)),
    (KeyError, "cannot map 'zz'", lambda: comm.Send([x, "zz"], 0)),
    (BufferError, "ascontiguousarray", lambda: comm.Send(big[:, 1], 0)),
    (BufferError, "byte order", lambda: comm.Send(np.zeros(2, ">f8"), 0)),
    (BufferError, "read-only", lambda: comm.Recv(readonly, 0)),
    (BufferError, "read-only", lambda: comm.Recv(b"abc", 0)),
    (KeyError, "cannot map", lambda: comm.Send(np.zeros(2, "S3"), 0)),
    (KeyError, "cannot map", lambda: comm.Send(np.zeros(2, object), 0)),
    (MPI.Exception, "rank", lambda: comm.Send(x, size)),
]:
    raises(kind, text, call, name=f"refused with {kind.__name__}: {text}")

error = raises(MPI.Exception, "", lambda: comm.Send(x, size), name="MPI's error")
equal(error.Get_error_class(), MPI.ERR_RANK, "... has its class")
check(error == error.Get_error_code() and int(error) == error.error_code, "... is its code")
done()
