"""Objects with arrays in them: how they travel must not show in what arrives."""
# ranks: 1 2 3 4

import threading

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size


def alike(a, b):
    return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)


class Named(np.ndarray):
    """A subclass has a state of its own, which only its pickle knows."""


def arrays(r):
    """Of every kind and size, among them those that take each way of travelling."""
    yield from (np.full(n, r, t) for n in (0, 1, 1000, 4095, 4096, 200_000) for t in ("i1", "f8", "c16"))
    yield from (np.array(r + 1, t) for t in "?bBhHiIlLqQefdgFDG")
    yield np.arange(24, dtype="i4").reshape(2, 3, 4) + r
    yield np.asfortranarray(np.arange(90_000.0).reshape(300, 300) + r)
    yield (np.arange(200_000.0) + r)[::2]
    yield np.arange(60_000, dtype=">i8") + r
    yield np.array([(r, 2.5)] * 9000, dtype=[("a", "i4"), ("b", "f8")])
    yield np.array(["2026-11-21"] * 9000, dtype="M8[D]")
    yield np.array(["text"] * r, dtype="U8")
    yield np.zeros((0, 5, r))
    yield np.arange(9000.0).view(Named)


for number, (mine, wanted) in enumerate(zip(arrays(rank), arrays(left))):
    status = MPI.Status()
    got = comm.sendrecv(mine, right, 5, source=left, recvtag=MPI.ANY_TAG, status=status)
    check(alike(got, wanted), f"sendrecv of array {number}", f"{got!r:.80} is not {wanted!r:.80}")
    check(got.flags.writeable and got.flags.fnc == wanted.flags.fnc,
          "... can be written to, in the same order")
    check(status.source == left and status.tag == 5, "... and its status")
    check(all(map(alike, comm.allgather(mine), (list(arrays(r))[number] for r in range(size)))), "... allgather")
    check(alike(comm.bcast(mine, size - 1), list(arrays(size - 1))[number]), "... bcast")
    check(all(map(alike, comm.alltoall([mine] * size), (list(arrays(r))[number] for r in range(size)))),
          "... alltoall")

# In collective calls a single large buffer travels without its head, among others that do not.
def mixed(r, n):
    """What rank r sends to rank n."""
    kind = (r + 2 * n) % 6
    a = np.arange(40_000.0 + 1000 * r) + n
    return [a, {"u": a, "step": n}, {"u": a, "text": "x" * 500}, [a, complex], "small", (a, a[:30_000] + r)][kind]


def equals(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and alike(a, b) and a.flags.writeable
    if isinstance(a, dict):
        return list(a) == list(b) and all(equals(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(equals, a, b))
    return a == b


for shift in range(6):
    to_all = [mixed(rank, r + shift) for r in range(size)]
    from_all = [mixed(r, shift) for r in range(size)]
    check(equals(comm.alltoall(to_all), [mixed(r, rank + shift) for r in range(size)]), f"alltoall, mixed {shift}")
    check(equals(comm.allgather(mixed(rank, shift)), from_all), "... allgather")
    for root in {0, size - 1}:
        got = comm.gather(mixed(rank, shift), root)
        check(equals(got, from_all if rank == root else None), f"... gather to {root}")
        got = comm.scatter(to_all if rank == root else None, root)
        check(equals(got, mixed(root, rank + shift)), f"... scatter from {root}")
# Only some ranks have a large one, and one of them cannot be pickled.
got = comm.allgather(np.arange(50_000.0) if rank == size - 1 else rank)
check(equals(got, [*range(size - 1), np.arange(50_000.0)]), "allgather, one large")
mine = (lambda: 0) if rank == 0 else np.arange(50_000.0)
for name, call in (("allgather", lambda: comm.allgather(mine)), ("gather", lambda: comm.gather(mine, size - 1)),
                   ("alltoall", lambda: comm.alltoall([mine] * size))):
    raises(Exception, None, call, name=f"{name}: rank 0 sends what cannot be pickled, the others large arrays")
mine = [np.arange(50_000.0)] * (size - 1) + [lambda: 0]
raises(Exception, None, lambda: comm.scatter(mine if rank == 0 else None), name="scatter: the last cannot be pickled")
equal(comm.allgather(rank), list(range(size)), "then all goes on")

big = {"one": np.arange(100_000.0) + rank, "two": [np.arange(70_000) * rank] * 2, "three": "x" * 10_000}
many = [np.full(2000, i + rank) for i in range(600)]
frozen = np.arange(50_000.0)
frozen.flags.writeable = False
for send in (comm.send, comm.ssend):
    request = comm.irecv(None, left, 7)
    if size > 1:
        send(big, right, 7) if rank % 2 == 0 or size % 2 else comm.isend(big, right, 7).wait()
    else:
        comm.isend(big, right, 7)
    got = request.wait()
    check(alike(got["one"], np.arange(100_000.0) + left) and alike(got["two"][1], np.arange(70_000) * left)
          and got["three"] == "x" * 10_000, f"{send.__name__} and irecv of several arrays")
got = comm.sendrecv(many, right, source=left)
check(all(map(alike, got, [np.full(2000, i + left) for i in range(600)])), "six hundred arrays in one list")
check(comm.sendrecv(frozen, right, source=left).flags.writeable, "a read-only array is sent, and arrives writable")

# Where the sender waits, several arrays are messages of their own, if they are not too many.
def several(r, n, other):
    """n arrays, the last of them empty; `other` decides whether pickle has to carry them."""
    return [np.arange(30_000.0 + i) + r for i in range(n - 1)] + [np.zeros((0, 3)), other]


for n in (2, 3, 8, 9):
    for other in (1, complex, Named):
        got = comm.sendrecv(several(rank, n, other), right, source=left)
        check(equals(got, several(left, n, other)), f"sendrecv of {n} arrays with {other}")
        requests = [comm.irecv(None, left, 9), comm.irecv(None, left, 9)]
        first = comm.isend("first", right, 9)
        if rank % 2 == 0 and size > 1:
            comm.send(several(rank, n, other), right, 9)
            got = MPI.Request.waitall(requests)
        else:
            second = comm.isend(several(rank, n, other), right, 9)
            got = MPI.Request.waitall(requests)
            second.wait()
        first.wait()
        check(equals(got, ["first", several(left, n, other)]), "... send, or isend, and irecv")
got = comm.sendrecv([bytes(50_000), bytearray(b"z" * 60_000), np.ones(9000), 1j], right, source=left)
check(got[0] == bytes(50_000) and got[1] == bytearray(b"z" * 60_000) and got[3] == 1j
      and alike(got[2], np.ones(9000)), "bytes and arrays in one list")

# Many on their way with the same tag come in the order they were sent in.
sizes = [10, 100_000, 3, 50_000, 0, 20_000, 5000, 80_000]
requests = [comm.isend(np.full(n, i), right, 1) for i, n in enumerate(sizes)]
later = [comm.irecv(None, left, 1) for _ in sizes[:4]]
status = MPI.Status()
got = MPI.Request.waitall(later) + [comm.recv(None, left, 1, status) for _ in sizes[4:]]
check(all(map(alike, got, (np.full(n, i) for i, n in enumerate(sizes)))), "in order: irecv, then recv")
equal(MPI.Request.waitall(requests), [None] * len(sizes), "all sent")

# Matched probes take an object and its arrays.
requests = [comm.isend(big, right, 3), comm.isend(7, right, 3), comm.isend(np.ones(90_000), right, 3)]
message = comm.mprobe(left, 3)
check(alike(message.recv()["one"], np.arange(100_000.0) + left), "Message.recv of a large object")
equal(comm.mprobe(left, 3).irecv().wait(), 7, "Message.irecv")
check(alike(comm.mprobe(left, 3).irecv().wait(), np.ones(90_000)), "Message.irecv of an array")
MPI.Request.waitall(requests)

# An open irecv makes nobody wait for each other: the bytes of an object are sent from a copy.
request = comm.irecv(None, left, 8)
comm.send(b"y" * 30_000, right, 8)
equal(comm.bcast(rank), 0, "a collective call while a message waits for its irecv")
equal(len(request.wait()), 30_000, "... which then takes it")

# A buffered send takes one message of the buffer.
thing = np.arange(30_000.0)
MPI.Attach_buffer(bytearray(thing.nbytes + 5000 + MPI.BSEND_OVERHEAD))
comm.bsend(thing, right, 4)
check(alike(comm.recv(None, left, 4), thing), "bsend of an array")
MPI.Detach_buffer()

# An abandoned request goes on: what it sends arrives.
comm.isend(np.arange(300_000.0), right, 6)
check(alike(comm.recv(None, left, 6), np.arange(300_000.0)), "an isend whose request was dropped arrives")
comm.sendrecv(None, MPI.PROC_NULL, source=MPI.PROC_NULL)
check(comm.sendrecv(big, MPI.PROC_NULL, source=MPI.PROC_NULL) is None, "nothing comes from PROC_NULL")

# A serializer of the user's sees every object, arrays too.
plain = MPI.Pickle(lambda thing: b"%d" % len(thing), lambda data: int(bytes(data)))
MPI.pickle.__init__(plain.dumps, plain.loads)
got = comm.sendrecv(np.ones(50_000), right, source=left)
MPI.pickle.__init__()
equal(got, 50_000, "dumps and loads of the user's")

# A communicator can have one of its own, which its duplicates have, too.
class Reverse:
    dumps = staticmethod(lambda thing: thing.encode()[::-1])
    loads = staticmethod(lambda data: bytes(data)[::-1].decode())


with comm.Dup() as own:
    check(own.serializer is MPI.pickle, "MPI.pickle is the serializer of all communicators")
    own.serializer = Reverse
    with own.Dup() as copy:
        equal(copy.sendrecv(f"rank {rank}", right, source=left), f"rank {left}", "a serializer of a duplicate")
        equal(copy.allgather("x" * rank), ["x" * r for r in range(size)], "... in collective calls")
        request = copy.irecv(None, left)
        copy.send("abc", right)
        equal(request.wait(), "abc", "... in irecv")
        equal(bytes(copy.serializer.dumps("abc")), b"cba", "... which can be asked for")
    equal(comm.sendrecv([rank], right, source=left), [left], "others keep theirs")
    own.serializer = MPI.Marshal()
    equal(own.sendrecv({"a": (1, 2.5, None)}, right, source=left), {"a": (1, 2.5, None)}, "Marshal")
    raises(ValueError, "unmarshallable", own.send, Reverse(), right)
    own.serializer = None
    equal(own.bcast(np.arange(3)).tolist(), [0, 1, 2], "None goes back to MPI.pickle")
    raises(TypeError, "serializer", setattr, own, "serializer", 7)

# With several threads each takes whole objects.
if MPI.Query_thread() == MPI.THREAD_MULTIPLE:
    results = {}

    def receive(number):
        results[number] = [comm.recv(None, left, 9) for _ in range(10)]

    threads = [threading.Thread(target=receive, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    requests = [comm.isend(np.full(40_000 if i % 2 else 10, i), right, 9) for i in range(30)]
    for thread in threads:
        thread.join()
    MPI.Request.waitall(requests)
    got = sorted((a for part in results.values() for a in part), key=lambda a: a[0])
    check(all(map(alike, got, (np.full(40_000 if i % 2 else 10, i) for i in range(30)))), "three threads receive")

done()
