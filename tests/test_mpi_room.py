"""The memory that arrays arrive in is used again when they are gone, and not before."""
# ranks: 1 2 3

import gc
import types

import numpy as np
from collio import MPI
from tap import check, done, equal

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
left, right = (rank - 1) % size, (rank + 1) % size
LENGTHS = [1 << 12, (1 << 12) + 1, 1 << 14, 40_000, 1 << 17, 150_000, 1 << 19, 3 << 18]  # 32 KiB to 6 MiB


def fetch(length, number, wrap=lambda array: array):
    """An array of the left neighbour's, all of whose elements are different."""
    array = np.arange(length) + (1000 * rank + number)
    return comm.sendrecv(wrap(array), right, 0, None, left, 0)


def right_one(array, length, number):
    return np.array_equal(array, np.arange(length) + (1000 * left + number))


kept = [(fetch(length, number), length, number) for number in range(3) for length in LENGTHS]
check(all(right_one(*item) for item in kept), "arrays that are all kept keep what they have")
check(all(item[0].flags.writeable and item[0].flags.c_contiguous and item[0].flags.aligned for item in kept),
      "they can be written to")
spans = sorted((item[0].ctypes.data, item[0].nbytes) for item in kept)
check(all(a + n <= b for (a, n), (b, _) in zip(spans, spans[1:])), "and do not overlap")
parts = [(item[0][10:20], item[1], item[2]) for item in kept]
del kept
gc.collect()
for number in range(4):
    for length in LENGTHS:
        if not right_one(fetch(length, number), length, number):
            parts = []
check(parts, "arrays that are dropped at once")
check(all(np.array_equal(part, np.arange(10, 20) + (1000 * left + number)) for part, _, number in parts),
      "a part of an array keeps its memory")
del parts
for name, wrap, unwrap in (("a dictionary", lambda a: {"a": a, "b": -a}, lambda got: (got["a"], -got["b"])),
                           ("a namespace", lambda a: types.SimpleNamespace(a=a), lambda got: (got.a, got.a))):
    good = True
    held = []
    for number in range(30):
        length = LENGTHS[number % len(LENGTHS)]
        held = held[-2:] + [(fetch(length, number, wrap), length, number)]
        good = good and all(right_one(array, n, k) for got, n, k in held for array in unwrap(got))
    check(good, f"arrays in {name}, three at a time")

# What is written to an array that came touches no other one.
first = fetch(LENGTHS[3], 1)
first[:] = -1
second = fetch(LENGTHS[3], 2)
del first
third = fetch(LENGTHS[3], 3)
third[:] = -2
check(right_one(second, LENGTHS[3], 2), "and are not those of others")
root = size - 1
values = [comm.bcast(np.full(20_000, number) if rank == root else None, root) for number in range(40)]
equal([int(v[0]) for v in values], list(range(40)), "more arrays than are kept ready")
del values
equal(comm.bcast(np.full(20_000, 7) if rank == root else None, root)[-1], np.int64(7), "after all are gone")
done()
