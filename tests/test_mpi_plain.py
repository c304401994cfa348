"""Plain objects travel without pickle: what arrives must be what pickle would have made."""
# ranks: 1 2 3

import pickle
import random

import numpy as np
from collio import MPI
from tap import check, done, equal

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size


def same(a, b):
    """Equal in value and in type, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.flags.fnc == b.flags.fnc and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a.items(), b.items()))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return repr(a) == repr(b)


class Text(str):
    pass


class Number(int):
    pass


LEAVES = [
    None, True, False, 0, 1, -1, 255, 256, -256, 65535, 1 << 30, -(1 << 30), 2**31 - 1, 2**31, -(2**31), -(2**31) - 1,
    2**63 - 1, -(2**63), 2**63, 2**64, 10**40, -(10**40), 0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"),
    1e308, 5e-324, "", "a", "ä€😀", "\0", "x" * 255, "x" * 256, "x" * 4090, "x" * 9000, "\udc80", b"", b"\xff\0",
    b"y" * 255, b"y" * 256, b"y" * 5000, 1j, Text("t"), Number(7), np.float64(2.5), np.int32(3), frozenset([1]),
    range(3), bytearray(b"z"),
]
CONTAINERS = [
    [], (), {}, [[]], [()], ({},), {"": {}}, (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [1], list(range(255)),
    list(range(300)), tuple(range(300)), {i: str(i) for i in range(100)}, {i: i for i in range(300)},
    {(1, "a"): [None], None: (), 2.5: {b"k": True}}, [[[[[[[[1]]]]]]]], {"a": [1, {"b": (2, [3])}]}, [LEAVES[:40]],
    {"step": 3, "time": 0.5, "name": "heat"},
]


def exchanged(value):
    return comm.sendrecv(value, right, source=left)


for value in LEAVES + CONTAINERS:
    what = f"{value!r:.40}"
    check(same(exchanged(value), value), f"sendrecv of {what}")
    check(same(comm.bcast(value, size - 1), value), f"bcast of {what}")
    check(same(comm.allgather(value), [value] * size), f"allgather of {what}")
    check(same(comm.alltoall([value] * size), [value] * size), f"alltoall of {what}")


# One object that occurs twice is one object when it arrives, and cycles stay cycles.
def twins(make):
    one = make()
    return [
        ([one, one], lambda x: x[0] is x[1]),
        ({"a": one, "b": {"c": one}}, lambda x: x["a"] is x["b"]["c"]),
        ((one, (one,)), lambda x: x[0] is x[1][0]),
    ]


for make in (list, dict, lambda: [1], lambda: np.arange(3.0), lambda: np.arange(20_000.0), lambda: ([],)):
    for value, holds in twins(make):
        check(holds(exchanged(value)), f"{value!r:.40}: the two are one")
inner = ([],)
value = [inner, inner]
check((lambda x: x[0][0] is x[1][0])(exchanged(value)), "a list in a tuple that occurs twice")
del inner
check((lambda x: x[0][0] is x[1][0])(exchanged(value)), "... that only the list refers to")
endless = [1]
endless.append(endless)
got = exchanged(endless)
check(got[1] is got and got[0] == 1, "a list within itself")
knot = ([],)
knot[0].append(knot)
got = exchanged(knot)
check(got[0][0] is got, "a tuple within itself")
key = {}
key["self"] = key
got = exchanged(key)
check(got["self"] is got, "a dictionary within itself")


# Arrays among plain objects, of all sizes: each arrives writable and as an array of its own.
def mixtures(r):
    for n in (0, 1, 100, 1023, 1024, 5000, 40_000, 300_000):
        yield {"u": np.arange(n) + r, "step": r}
        yield [np.full((2, n), r, "f4"), "between", (np.full(n, -r, "c16"), None)]
    yield {i: np.full(i, r, "i2") for i in range(120)}
    yield [np.array(r), np.zeros((0, 3)), np.ones((1, 1, 1, 1), "?")]
    yield [np.asfortranarray(np.ones((3, 4)) * r), np.arange(20.0)[::2], np.arange(5, dtype=">i4"), {}]
    yield {"names": np.array(["a", "bc"]), "when": np.array(["2026-11-21"], "M8[D]"), "any": np.array([None, r])}


for number, (mine, wanted) in enumerate(zip(mixtures(rank), mixtures(left))):
    got = exchanged(mine)
    check(same(got, wanted), f"arrays in plain objects, {number}")
    check(same(comm.bcast(mine, 0), list(mixtures(0))[number]), f"... {number}, bcast")
    check(same(comm.allgather(mine), [list(mixtures(r))[number] for r in range(size)]), f"... {number}, allgather")
    later = comm.irecv(None, left, 4)
    sent = comm.isend(mine, right, 4)
    check(same(later.wait(), wanted), f"... {number}, irecv")
    sent.wait()
got = exchanged({"u": np.arange(50_000.0), "v": np.arange(10.0)})
got["u"][:] = 1
got["v"][:] = 2
check(got["u"].sum() == 50_000 and got["v"].sum() == 20, "arrays that arrived can be written to")

# What is written is a pickle: it can be read as one, and pickles of others are read.
other = MPI.Pickle(pickle.dumps, pickle.loads)
for value in LEAVES + CONTAINERS:
    world = MPI.COMM_SELF
    request = world.isend(value, 0)
    message = bytearray(20_000)
    status = MPI.Status()
    world.Recv([message, MPI.BYTE], 0, status=status)
    request.wait()
    check(same(pickle.loads(message[: status.Get_count(MPI.BYTE)]), value), f"a pickle: {value!r:.40}")
    for protocol in (2, 4, 5):
        data = pickle.dumps(value, protocol)
        request = world.Isend([data, MPI.BYTE], 0)
        check(same(world.recv(None, 0), value), f"pickled by others, protocol {protocol}: {value!r:.40}")
        request.Wait()
for protocol in (2, 4, 5, -1):
    MPI.pickle.PROTOCOL = protocol
    value = {"u": np.arange(10_000.0), "step": 3}
    check(same(exchanged(value), value), f"PROTOCOL = {protocol}")
MPI.pickle.PROTOCOL = pickle.HIGHEST_PROTOCOL

# Objects made at random.
dice = random.Random(1)


def anything(depth):
    kind = dice.randrange(9) if depth else dice.randrange(5)
    if kind < 4:
        return dice.choice(LEAVES[:35])
    if kind == 4:
        return np.arange(dice.choice([0, 3, 2000]), dtype=dice.choice("bHif"))
    items = [anything(depth - 1) for _ in range(dice.randrange(6))]
    if kind == 5:
        return {i: item for i, item in enumerate(items)}
    return tuple(items) if kind == 6 else items


check(all(same(exchanged(value), value) for value in (anything(4) for _ in range(400))), "four hundred at random")

# What is no object is refused, not read.
for data in (b"\x80\x05(.", b"\x80\x05e.", b"\x80\x05\x85.", b"\x80\x05K", b"\x80\x05K.", b"\x80\x05u.",
             b"\x80\x05\xff.", b"\x80\x05\x8c\xf0a.", b"\x80\x05}(K\x01u.", b"\x80\x05N(e."):
    request = MPI.COMM_SELF.Isend([data, MPI.BYTE], 0)
    try:
        equal(MPI.COMM_SELF.recv(None, 0), None, f"{data} is refused")
    except Exception:
        check(True, f"{data} is refused")
    request.Wait()

done()
