"""Selections of datasets: lists, masks, blocks, fields, the same as NumPy's on any ranks.

ranks: 1 2 3 4
"""

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
Blocks = collio.MultiBlockSlice
WHOLE = np.arange(7 * 6 * 5, dtype="f8").reshape(7, 6, 5)
MASK = WHOLE % 7 > 3
INDICES = [
    [0, 2, 5], [-1], [-3, -1], [], np.array([1, 2, 3], "u1"), np.array([], int), range(2, 5), np.array(3),
    (slice(None), [0, 5]), (..., [0, 1, 4]), (0, [1, 2, 3], 1), ([0, 6], slice(1, 3), slice(None, None, 2)),
    [True, False, True, True, False, False, True], np.arange(7) > 4, (slice(1, 3), np.arange(6) % 2 == 0),
    MASK, WHOLE < 0, WHOLE >= 0, (slice(0, 0), [2]), np.int8(-2), np.uint64(1),
]
FORMS = {"contiguous": {}, "chunked": {"chunks": (2, 3, 5)}, "filtered": {"chunks": (3, 2, 4), "compression": "gzip"}}


def label(index):
    return repr(index).replace("\n", "")[:60]


def test_read(d, form):
    for index in INDICES:
        wanted = WHOLE[index]
        equal(d[index], wanted, f"{form}: d[{label(index)}]")
    equal(d[[rank % 7, 6] if rank % 7 < 6 else [6]], WHOLE[[rank % 7, 6] if rank % 7 < 6 else [6]], "a list for each rank")
    equal(d[MASK if rank == 0 else np.zeros_like(MASK)], WHOLE[MASK] if rank == 0 else np.empty(0), "a mask on rank 0 alone")
    equal(d[Blocks(1, 3, 2, 2)], WHOLE[[1, 2, 4, 5]], "blocks")
    equal(d[0, Blocks(0, count=3, stride=2), 1], WHOLE[0, ::2, 1], "blocks of one")
    equal(d[:, Blocks(2, stride=2, block=2)], WHOLE[:, 2:6], "blocks to the end")


def test_write(d, form):
    copy = WHOLE.copy()
    d[...] = WHOLE
    mine = list(range(rank, 7, size))
    d[mine] = -WHOLE[mine]
    copy = -WHOLE
    equal(d[...], copy, f"{form}: write to a list on each rank")
    d[1 : 1 if rank else 3, [0, 3]] = np.ones((0 if rank else 2, 2, 5))
    copy[1:3, [0, 3]] = 1
    equal(d[...], copy, "on rank 0 alone")
    share = MASK & (np.arange(WHOLE.size).reshape(WHOLE.shape) % size == rank)
    d[share] = WHOLE[share]
    copy[MASK] = WHOLE[MASK]
    equal(d[...], copy, "under masks")
    d[MASK if rank == 0 else MASK & False] = 7
    copy[MASK] = 7
    equal(d[...], copy, "one value under a mask")
    d[:, [1, 5]] = np.arange(5)
    copy[:, [1, 5]] = np.arange(5)
    equal(d[...], copy, "broadcast along a list")
    d[Blocks(0, 4, 2, 2)] = np.zeros((4, 6, 1))
    copy[[0, 1, 4, 5]] = 0
    equal(d[...], copy, "blocks")
    d[WHOLE >= 0 if rank == 0 else WHOLE < 0] = WHOLE if rank == 0 else []
    equal(d[...], WHOLE, "a mask takes elements in their order")


def test_memory(d):
    """Every memory layout, into a selection with gaps and back."""
    index = np.s_[rank % 2 :: 2, [1, 2, 4]]
    wanted = WHOLE[index]
    wide = np.zeros((*wanted.shape[:2], 2 * wanted.shape[2]))
    layouts = {
        "Fortran order": np.asfortranarray(wanted),
        "every other element": wide[..., ::2],
        "backwards": np.ascontiguousarray(wanted[::-1, :, ::-1])[::-1, :, ::-1],
        "transposed": np.ascontiguousarray(wanted.T).T,
    }
    for name, memory in layouts.items():
        memory[...] = wanted
        memory.flags.writeable = False
        d[index] = memory
        equal(d[...], WHOLE, f"{name}: written")
        into = np.zeros_like(wide)[..., ::2] if name.startswith("every") else np.empty_like(memory)
        d.read_direct(into, source_sel=index)
        equal(into, wanted, f"{name}: read")


def test_direct(d):
    into = np.zeros((8, 9))
    d.read_direct(into, np.s_[2, 1:4, 0], np.s_[[1, 3, 6], 2])
    wanted = np.zeros((8, 9))
    wanted[[1, 3, 6], 2] = WHOLE[2, 1:4, 0]
    equal(into, wanted, "read_direct() to where NumPy has no view")
    d.read_direct(into, np.s_[0, 0, 0], np.s_[...])
    equal(into, np.full((8, 9), WHOLE[0, 0, 0]), "read_direct() repeats elements")
    into = np.zeros((6, 5), "i2")
    d.read_direct(into, np.s_[3])
    equal(into, WHOLE[3].astype("i2"), "read_direct() converts")
    d.write_direct(-WHOLE, np.s_[[0, 2]], np.s_[[4, 6]])
    equal(d[4:7:2], -WHOLE[[0, 2]], "write_direct() of a list to a list")
    d[...] = WHOLE


def test_errors(d):
    for index, kind, text in [
        ([2, 0], TypeError, "increasing order"), ([1, 1], TypeError, "increasing order"), ([0, 7], IndexError, "(0-6)"),
        ([-8], IndexError, "(0-6)"), (([0], [1]), TypeError, "Only one"), ([0.5], TypeError, "integer dtypes"),
        ([[0, 1]], TypeError, "can't process"), ({}, TypeError, "can't process"), (b"x", TypeError, "can't process"),
        ((slice(None), [True, False]), TypeError, "did not match"), (MASK[0], TypeError, "incompatible shape"),
        (None, TypeError, "newaxis"), ((0, 0, 0, None), TypeError, "newaxis"), ("x", ValueError, "Field names"),
        (Blocks(3, count=2, stride=4), ValueError, "extends beyond"),
    ]:
        raises(kind, text, lambda index=index: d[index], name=f"d[{label(index)}] is refused")
    raises(ValueError, "negative", Blocks, -1, name="blocks before the start")
    raises(ValueError, "overlap", Blocks, 0, 2, 3, 4, name="blocks that overlap")
    raises(TypeError, "broadcast", d.__setitem__, [0, 1], np.zeros(3), name="values that do not fit")
    if size > 1:
        raises(TypeError, "increasing", lambda: d[[1, 0] if rank == 1 else 0], name="a bad list on one rank")
        raises(TypeError, "", d.__setitem__, MASK[0] if rank == 1 else MASK, 0, name="a bad mask on one rank")
    equal(d[...], WHOLE, "nothing was changed")


def test_scalar(f):
    s = f.create_dataset("scalar", (), "f4")
    s[...] = 2.5
    check(isinstance(s[()], np.float32) and isinstance(s[...], np.ndarray) and s[...].shape == (), "one element, both ways")
    raises(ValueError, "scalar", lambda: s[0], name="a scalar has no index")
    raises(TypeError, "scalar", len, s, name="and no length")
    raises(TypeError, "scalar", iter, s, name="and no rows")
    z = f.create_dataset("zero", (0, 3), "f4")
    equal(z[...], np.zeros((0, 3), "f4"), "no rows")
    equal(z[:, 1], np.zeros(0, "f4"), "no elements of a column")
    raises(IndexError, "empty dimension", lambda: z[0], name="no row at all")
    z[...] = 1


with collio.File("select.h5", "w", comm=comm) as f:
    for form, options in FORMS.items():
        d = f.create_dataset(form, WHOLE.shape, "f8", **options)
        d[...] = WHOLE
        test_read(d, form)
        test_write(d, form)
    test_memory(f["contiguous"])
    test_direct(f["contiguous"])
    test_errors(f["contiguous"])
    test_scalar(f)
    equal([s for s in f["chunked"].iter_chunks(np.s_[1:3, 0:6, 2:5])],
          [np.s_[1:2:1, 0:3:1, 2:5:1], np.s_[1:2:1, 3:6:1, 2:5:1], np.s_[2:3:1, 0:3:1, 2:5:1], np.s_[2:3:1, 3:6:1, 2:5:1]],
          "chunks in a region")
    raises(TypeError, "Chunked", f["contiguous"].iter_chunks, name="without chunks there are none")
    f["contiguous"].flush()
    f["contiguous"].refresh()
    check(f["contiguous"].len() == 7 and f["contiguous"] == f["contiguous"] and hash(f["contiguous"]) == hash(f["contiguous"]),
          "flush(), refresh(), len(), equality")
done()
