"""Elements of datasets from Python: types, selections, memory of all kinds. ranks: 1 2 3 4"""

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
rows = collio.Decomposition(comm, (9, 4), dims=(size, 1))
TYPES = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()


def sample(shape, dtype):
    numbers = np.arange(np.prod(shape), dtype="f8").reshape(shape)
    return (numbers % 2 == 0) if dtype == "b1" else numbers.astype(dtype)


def test_types(f):
    for dtype in TYPES:
        whole = sample((9, 4), dtype)
        d = f.create_dataset(f"types/{dtype}", (9, 4), dtype)
        equal(d.dtype, np.dtype(dtype), f"{dtype}: dtype")
        equal(d[...], np.zeros((9, 4), dtype), f"{dtype}: zero at first")
        d[rows.where] = whole[rows.where]
        equal(d[...], whole, f"{dtype}: comes back")
        d[rows.where] = whole[rows.where].astype(d.dtype.newbyteorder(">"))
        equal(d[rows.where], whole[rows.where], f"{dtype}: from the other byte order")
    d = f.create_dataset("types/cast", (3,), "f4")
    d[...] = np.arange(3)
    equal(d[...], np.arange(3, dtype="f4"), "int64 into float32")
    d[...] = [2**24, 1.5, -1]
    equal(d[...], np.array([2**24, 1.5, -1], "f4"), "a list")
    d[...] = np.float16(2.5)
    equal(d[...], np.full(3, 2.5, "f4"), "float16 into float32")
    raises((TypeError, ValueError), "", d.__setitem__, ..., "text", name="text is refused")
    raises(TypeError, "", f.create_dataset, "types/text", (3,), "U5", name="so is a dtype of text")
    equal(f.create_dataset("types/default", (3,)).dtype, np.dtype("f4"), "the default type")


INDICES = [
    (), (...,), (0,), (-1,), (slice(2, 5),), (slice(None, None, 3),), (slice(1, 100, 2), 1), (3, 2),
    (..., 1), (2, ...), (2, ..., 3), (slice(5, 2),), (slice(-3, -1), slice(-2, None)), (slice(9, 9),),
    (np.int32(4), slice(np.int64(1), 3)),
]


def test_selections(f):
    whole = sample((9, 4), "f8")
    d = f.create_dataset("selections", data=whole)
    for index in INDICES:
        wanted = whole[index]
        equal(d[index], np.float64(wanted) if wanted.ndim == 0 else wanted, f"d[{index}]")
    equal(d[rank : rank + 2], whole[rank : rank + 2], "another part on each rank, overlapping")
    equal(d[rank::size, ::2], whole[rank::size, ::2], "interleaved")
    equal(d[0:0] if rank else d[1], whole[0:0] if rank else whole[1], "nothing on some ranks")
    equal([row.sum() for row in d], [row.sum() for row in whole], "iteration")
    equal(np.asarray(d), whole, "numpy.asarray()")
    equal(np.asarray(d, dtype="f4"), whole.astype("f4"), "with a dtype")
    equal(len(d), 9, "len()")
    for index, kind, text in [
        (9, IndexError, "Index (9) out of range for (0-8)"), ((0, -5), IndexError, "out of range"),
        ((0, 0, 0), ValueError, "3 indexing arguments for 2 dimensions"),
        ((..., ...), ValueError, "Only one ellipsis"), (slice(None, None, -1), ValueError, "Step must be >= 1 (got -1)"),
        (slice(None, None, 0), ValueError, "step"), (None, TypeError, "None"),
        ([2, 0], TypeError, "increasing"), (1.5, TypeError, "1.5"), ([0, 9], IndexError, "out of range"),
        (whole[:5] > 3, TypeError, "incompatible shape"), ("name", ValueError, "compound"),
    ]:
        raises(kind, text, lambda index=index: d[index], name=f"d[{index!r:.20}] is refused")


def test_writes(f):
    d = f.create_dataset("writes", (9, 4), "i4")
    for index in INDICES:
        wanted = np.zeros((9, 4), "i4")
        wanted[index] = 5
        d[...] = 0
        d[index] = 5
        equal(d[...], wanted, f"d[{index}] = 5")
    for values in (np.arange(4), np.arange(9)[:, None], np.arange(36).reshape(9, 4), np.full((1, 1, 4), 2), 7, True):
        wanted = np.broadcast_to(values if np.ndim(values) < 3 else values[0], (9, 4)).astype("i4")
        d[...] = values
        equal(d[...], wanted, f"values of shape {np.shape(values)}")
    for values in (np.zeros(3), np.zeros((2, 9, 4)), np.zeros((9, 1, 4))):
        raises(TypeError, "Can't broadcast", d.__setitem__, ..., values, name=f"not of shape {values.shape}")
    memory = np.arange(3 * 80, dtype="f8").reshape(12, 20)
    for layout in (memory[::-1, ::2], memory.T, np.asfortranarray(memory), memory[3:, ::-5], memory[:0]):
        d2 = f.create_dataset(f"layout{len(f)}", layout.shape, "f8")
        readonly = layout[:]
        readonly.flags.writeable = False
        d2[...] = readonly
        equal(d2[...], np.ascontiguousarray(layout), f"memory with strides {layout.strides}")
    d[rank::size] = rank if rank % 2 else np.full((len(range(rank, 9, size)), 4), rank)
    equal(d[...], np.repeat(np.arange(9, dtype="i4") % size, 4).reshape(9, 4), "ranks interleaved")
    d[0:0] = 3
    d[2:2, :] = np.zeros((0, 4))
    equal(d[0, 0], np.int32(0), "nothing written by nothing")


def test_scalars_and_nothing(f):
    s = f.create_dataset("scalar", (), "f8")
    equal((s.shape, s.ndim, s.size, s.nbytes), ((), 0, 1, 8), "shape of a scalar")
    s[()] = 2.5
    equal(s[()], np.float64(2.5), "s[()]")
    equal(s[...], np.array(2.5), "s[...] is an array")
    raises(TypeError, "len", len, s, name="len() of a scalar")
    raises(ValueError, "scalar", lambda: s[0], name="s[0]")
    e = f.create_dataset("empty", (0, 3), "i2")
    equal(e[...], np.zeros((0, 3), "i2"), "a dataset of nothing")
    e[...] = 4
    raises(IndexError, "empty dimension", lambda: e[0], name="has no row")
    b = f.create_dataset("byshape", shape=[2, 3], data=range(6), dtype="i8")
    equal(b[...], np.arange(6).reshape(2, 3), "shape and data")
    raises(ValueError, "incompatible", f.create_dataset, "bad", (5,), data=range(6), name="that do not fit")
    raises(TypeError, "shape", f.create_dataset, "bad", name="neither shape nor data")
    raises(OverflowError, "negative", f.create_dataset, "bad", (-1,), name="a negative extent")
    check("bad" not in f, "none of them is there")
    equal(f.create_dataset("fine", (5,), chunks=None, compression=None).chunks, None, "chunks=None")
    check(b.maxshape == b.shape and b.compression is None and b.offset > 0, "other facts")
    f["short"] = [1, 2, 3]
    equal(f["short"][...], np.array([1, 2, 3]), "f[name] = list")


def test_direct(f):
    whole = sample((9, 4), "f8")
    d = f.create_dataset("direct", (9, 4), "f4")
    d.write_direct(whole, source_sel=rows.where, dest_sel=rows.where)
    equal(d[...], whole.astype("f4"), "write_direct()")
    into = np.zeros((4, 9), "i8").T
    d.read_direct(into, source_sel=np.s_[3:5], dest_sel=np.s_[0:2])
    equal(into[:3], np.vstack([whole[3:5], np.zeros((1, 4))]).astype("i8"), "read_direct() converts")
    raises(TypeError, "broadcast", d.read_direct, np.zeros((3, 3)), name="memory that does not fit")
    frozen = np.zeros((9, 4))
    frozen.flags.writeable = False
    raises((TypeError, collio.CollectiveError), "read-only", d.read_direct, frozen, name="read-only memory")
    with d.collective:
        equal(d[2], whole[2].astype("f4"), "with d.collective")
    if rank == size - 1:
        with d.independent:
            alone = d[rank]
        with d.independent:
            d[0] = whole[0] + 1
    check(rank < size - 1 or np.array_equal(alone, whole[rank]), "one rank reads alone, and writes")
    comm.Barrier()
    equal(d[0], whole[0].astype("f4") + 1, "and then all together")
    d[0] = whole[0]


with collio.File("data.h5", "w", comm=comm) as file:
    test_types(file)
    test_selections(file)
    test_writes(file)
    test_scalars_and_nothing(file)
    test_direct(file)
with collio.File("data.h5", comm=comm) as file:
    for dtype in TYPES:
        equal(file[f"types/{dtype}"][rows.where], sample((9, 4), dtype)[rows.where], f"{dtype}: after reopening")
    equal(file["selections"].dtype, np.dtype("f8"), "dtype after reopening")
done()
