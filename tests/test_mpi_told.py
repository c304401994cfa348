"""Small objects travel with their sizes, and arrays in objects that only pickle can take apart have
a description of collio's: at the borders of that, and in every mixture, what arrives is what was
sent."""
# ranks: 1 2 3 4

import copyreg
import threading
import types

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size

# Objects whose parcels are of all lengths around those of which all is told (104 and 240 bytes).
for n in [*range(80, 110), *range(225, 260), 1000, 70_000]:
    value = bytes([n % 256]) * n
    for root in {0, size - 1}:
        equal(comm.bcast(value if rank == root else None, root), value, f"bcast of {n} bytes")
        mine = value * (rank + 1)
        everyone = [value * (r + 1) for r in range(size)]
        equal(comm.gather(mine, root), everyone if rank == root else None, f"gather of {n} bytes")
        equal(comm.scatter(everyone if rank == root else None, root), mine, f"scatter of {n} bytes")
    equal(comm.allgather(mine), everyone, f"allgather of {n} bytes")
    equal(comm.alltoall([value * (r + 1) for r in range(size)]), [mine] * size, f"alltoall of {n} bytes")

# Some of the ranks have small objects, others a load, or a head longer than what is told.
MIXTURE = [
    1,
    np.arange(40_000.0),
    "x" * 300,
    {"u": np.arange(9_000), "text": "t" * 400},
    [np.arange(20_000.0), np.arange(30_000, dtype="i2"), None],
    b"",
    np.arange(5),
    [np.zeros(0), 1 + 2j],
]


def same(a, b):
    if isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(b, types.SimpleNamespace):
        return same(vars(a), vars(b))
    if isinstance(b, dict):
        return isinstance(a, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in b)
    if isinstance(b, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def of(r, step):
    return MIXTURE[(r * 3 + step) % len(MIXTURE)]


for step in range(len(MIXTURE)):
    everyone = [of(r, step) for r in range(size)]
    check(same(comm.allgather(of(rank, step)), everyone), f"allgather of mixture {step}")
    got = comm.gather(of(rank, step), step % size)
    check(same(got, everyone) if rank == step % size else got is None, f"gather of mixture {step}")
    got = comm.scatter(everyone if rank == step % size else None, step % size)
    check(same(got, of(rank, step)), f"scatter of mixture {step}")
    got = comm.alltoall([of(rank + r, step) for r in range(size)])
    check(same(got, [of(rank + r, step) for r in range(size)]), f"alltoall of mixture {step}")
    check(same(comm.bcast(of(rank, step), step % size), of(step % size, step)), f"bcast of mixture {step}")


class Refusing:
    def __reduce__(self):
        raise ValueError("not to be sent")


# One rank cannot prepare its object, the others' are small: all know, and go on.
for call, args in ((comm.allgather, ()), (comm.gather, (0,)), (comm.alltoall, ())):
    one = Refusing() if rank == size - 1 else rank
    given = [one] * size if call == comm.alltoall else one
    raises((ValueError, RuntimeError), "", lambda: call(given, *args), name=f"{call.__name__} with one that refuses")
for call in (comm.bcast, comm.scatter):
    given = [Refusing()] * size if call == comm.scatter else Refusing()
    raises((ValueError, RuntimeError), "", lambda: call(given if rank == 0 else None, 0), name=f"{call.__name__}: the root's refuses")
equal(comm.allgather(rank), list(range(size)), "and then all is well")

# Complex numbers are plain.
for z in (1j, complex(-0.0, float("inf")), complex(float("nan"), -0.0), 1e308 - 5e-324j):
    for value in (z, [z, z], {"z": (z, None)}, [z, np.arange(3.0)]):
        equal(repr(comm.sendrecv(value, right, source=left)), repr(value), f"{value!r:.40} arrives")


# -------------------------------------------------------------- arrays in pickles
def holder(**fields):
    return types.SimpleNamespace(**fields)


def moved(value):
    return comm.sendrecv(value, right, source=left)


FIXED = np.arange(6.0)
FIXED.flags.writeable = False
ARRAYS = [
    np.arange(10.0), np.arange(9_000.0), np.arange(100_000.0), np.zeros(0), np.array(3.5), np.ones((2, 3, 4), "i2"),
    np.asfortranarray(np.arange(12.0).reshape(3, 4)), np.arange(20.0)[::2], np.arange(5, dtype=">i4"), FIXED,
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), np.array([None, "x"], dtype=object), np.array(["ab", "c"]),
    np.arange(4).astype("M8[s]"), np.ones(3, "f2"), np.ones(3, "g"), np.array([True, False]), np.zeros((0, 5)),
    np.arange(4.0).view(np.recarray),
]
for a in ARRAYS:
    b = moved(holder(a=a)).a
    what = f"{type(a).__name__} of {a.dtype} {a.shape}"
    check(type(b) is type(a) and b.dtype == a.dtype and b.shape == a.shape, f"{what}: its kind")
    check(np.array_equal(a, b), f"{what}: its elements")
    equal((b.flags.c_contiguous, b.flags.f_contiguous), (a.copy("K").flags.c_contiguous, a.copy("K").flags.f_contiguous),
          f"{what}: its order")
    equal(b.flags.writeable, a.flags.writeable, f"{what}: whether it can be written to")
both = moved(holder(a=ARRAYS[1], b=[ARRAYS[1], ARRAYS[0]], c=ARRAYS[0]))
check(both.a is both.b[0] and both.c is both.b[1], "an array that occurs twice is one")
equal(moved(holder(text="t" * 200_000, blob=b"b" * 5_000_000)).blob, b"b" * 5_000_000, "a long pickle")
equal(len(moved(holder(rows=list(range(100_000)))).rows), 100_000, "and one of many objects")


class Nested:
    """Sends an object while it is taken apart itself."""

    def __init__(self, inner):
        self.inner = inner

    def __reduce__(self):
        return Nested, (MPI.COMM_SELF.sendrecv(holder(a=self.inner), 0, source=0).a,)


check(same(moved([Nested(ARRAYS[1]), range(2)])[0].inner, ARRAYS[1]), "one that sends another on its way")
raises(ValueError, "not to be sent", lambda: MPI.COMM_SELF.sendrecv(holder(a=np.ones(3), r=Refusing()), 0, source=0),
       name="one that refuses")
check(same(moved(holder(a=ARRAYS[2])).a, ARRAYS[2]), "and one after it")


# What the program itself has for arrays is heeded, and forgotten with it.
def doubled(array):
    return np.array, ((array * 2).tolist(),)


copyreg.pickle(np.ndarray, doubled)
equal(moved(holder(a=np.arange(3.0))).a.tolist(), [0, 2, 4], "copyreg has another way for arrays")
del copyreg.dispatch_table[np.ndarray]
equal(moved(holder(a=np.arange(3.0))).a.tolist(), [0, 1, 2], "and no more")

# Threads take their objects apart at the same time.
if MPI.Query_thread() == MPI.THREAD_MULTIPLE:
    wrong = []

    def work(number):
        for i in range(50):
            value = holder(a=np.full(3000, number * 1000 + i), n=[Nested(np.arange(2.0))], i=i)
            got = MPI.COMM_SELF.sendrecv(value, 0, number, None, 0, number)
            if not (got.i == i and (got.a == number * 1000 + i).all()):
                wrong.append((number, i))

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(wrong, [], "objects of several threads do not mix")

# A description that is not true is refused.
from collio import _collio

words = np.array([ord("d"), 4], "i8").tobytes()
equal(_collio._array(words, bytearray(32)).tolist(), [0.0] * 4, "a description and memory for it")
for name, description, memory in (("short memory", words, bytearray(31)), ("no words", b"", bytearray(8)),
                                  ("objects", np.array([ord("O"), 1], "i8").tobytes(), bytearray(8)),
                                  ("a negative extent", np.array([ord("d"), -1], "i8").tobytes(), bytearray(8)),
                                  ("an unknown type", np.array([1, 4], "i8").tobytes(), bytearray(32)),
                                  ("half a word", words[:12], bytearray(8))):
    raises(ValueError, "", lambda: _collio._array(description, memory), name=f"a description with {name}")

done()
