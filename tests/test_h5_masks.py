"""Chunks that filters were left out of, as other programs store them: read, rewritten, and refused where they are
too short.

ranks: 1 2 3 4   limit: 120
"""

import numpy as np
import collio as h5py
from collio import MPI
from tap import done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
FILTERS = {"gzip": {"compression": "gzip"}, "shuffle": {"compression": "gzip", "shuffle": True},
           "sums": {"compression": "gzip", "fletcher32": True}, "lzf": {"compression": "lzf"}}
NOISE = np.random.default_rng(1).integers(0, 2**60, 10)


def known(filters):
    return filters.get("compression") != "lzf" or h5py.h5z.filter_avail(h5py.h5z.FILTER_LZF)


def mine(n):
    """This rank's part of n elements."""
    return slice(n * rank // size, n * (rank + 1) // size)


def test_rewritten():
    """Elements of such chunks, one by one and all, also those that no filter makes smaller."""
    for version in ("earliest", "latest"):
        for name, filters in FILTERS.items():
            if not known(filters):
                continue
            wanted, path = np.arange(40), f"masks-{version}-{name}.h5"
            with h5py.File(path, "w", comm=comm, libver=version) as f:
                d = f.create_dataset("d", (40,), "i8", chunks=(10,), **filters)
                d[mine(40)] = wanted[mine(40)]
                for at in (10, 20):
                    d.id.write_direct_chunk((at,), wanted[at : at + 10].tobytes(), 1 if len(filters) == 1 else 3)
                equal(d[:], wanted, f"{version}, {name}: at once")
            with h5py.File(path, "r+", comm=comm) as f:
                d = f["d"]
                equal(d[:], wanted, f"{version}, {name}: as stored")
                for part, value in ((slice(12, 13), 77), (slice(20, 30), 5), (slice(20, 30), NOISE),
                                    (slice(20, 30), 6), (slice(0, 20), np.tile(NOISE, 2)), (slice(0, 40), 7)):
                    d[part] = wanted[part] = value
                    equal(d[part], wanted[part], f"{version}, {name}: {part} read back")
                    equal(d[:], wanted, f"{version}, {name}: with the others")
            with h5py.File(path, comm=comm) as f:
                equal(f["d"][:], wanted, f"{version}, {name}: in the end")


def of_the_same_size():
    """100 bytes that gzip makes 100 of."""
    chance = np.random.default_rng(5)
    with h5py.File(f"size-{rank}.h5", "w") as f:
        d = f.create_dataset("d", (100,), "u1", chunks=(100,), compression="gzip")
        for attempt in range(2000):
            values = np.zeros(100, "u1")
            few = 80 + attempt % 20
            values[:few] = chance.integers(0, (256, 128, 64, 200)[attempt % 4], few)
            d[:] = values
            if d.id.get_chunk_info(0).size == 100:
                return values
    return None


def test_same_size():
    """The mask changes, the size does not."""
    values = of_the_same_size()
    if not comm.allreduce(values is not None, MPI.LAND):
        return skip("a mask changes, the size does not", "no such bytes")
    for version in ("earliest", "latest"):
        for chunks in (1, 3):
            with h5py.File("same.h5", "w", comm=comm, libver=version) as f:
                d = f.create_dataset("d", (chunks * 100,), "u1", chunks=(100,), compression="gzip")
                for at in range(0, chunks * 100, 100):
                    d.id.write_direct_chunk((at,), bytes(100), 1)
                other = f["d"]
                d[:100] = values
                equal(np.stack([d[:100], other[:100]]), np.stack([values, values]), f"{version}, of {chunks}: read back")
                d.id.write_direct_chunk((0,), values[::-1].tobytes(), 1)
                equal(other[:100], values[::-1], f"{version}, of {chunks}: left out again")
                d[:100] = values
            with h5py.File("same.h5", comm=comm) as f:
                equal(f["d"][:100], values, f"{version}, of {chunks}: in the end")
                equal(f["d"].id.get_chunk_info(0)[1::2], (0, 100), f"{version}, of {chunks}: mask and size")


def test_short():
    """Chunks of fewer bytes than their masks say are refused; those beside them are read."""
    with h5py.File("short.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", (20,), "i8", chunks=(10,), compression="gzip", fletcher32=True)
        d[mine(20)] = np.arange(20)[mine(20)]
        d.id.write_direct_chunk((10,), bytes(20), 3)
        raises(OSError, "damaged", lambda: d[:], name="too short")
        raises(OSError, "damaged", lambda: d[10 if rank == size - 1 else 0], name="of one rank")
        equal(d[:10], np.arange(10), "the other chunk")
        d[10:] = np.arange(10)
        equal(d[:], np.tile(np.arange(10), 2), "written anew")
        big = f.create_dataset("b", (10**6,), "u1", chunks=(10**6,), compression="gzip")
        big.id.write_direct_chunk((0,), b"x\x9c\x03\x00\x00\x00\x00\x01")
        raises(OSError, "damaged", lambda: big[0], name="too short for any stream")


def test_lists():
    """Elements by lists, masks and strides, of any type, in filtered chunks."""
    with h5py.File("lists.h5", "w", comm=comm) as f:
        a = np.arange(63).reshape(7, 9)
        d = f.create_dataset("d", data=a, chunks=(3, 4), compression="gzip")
        t = f.create_dataset("t", (7, 9), h5py.string_dtype(), chunks=(3, 4), compression="gzip")
        t[rank::size] = "x"
        for number, index in enumerate((np.s_[[1, 4, 6]], np.s_[:, [0, 3, 8]], np.s_[::3, ::4], np.s_[a % 5 == 0], np.s_[6:, 2:7])):
            equal(d[index], a[index], f"numbers, index {number}")
            equal(t[index].tolist(), np.full((7, 9), b"x", object)[index].tolist(), f"texts, index {number}")
            t[index] = "x"


test_lists()
test_rewritten()
test_same_size()
test_short()
done()
