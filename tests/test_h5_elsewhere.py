"""Datasets made of others (virtual), in files of bytes (external), without a name, and required ones.

ranks: 1 2 3 4   limit: 120
"""

import os
import subprocess

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1
PYTHON = os.environ.get("COLLIO_H5PY", "/usr/bin/python3")  # one that has h5py, to read what was written


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def others_read(code, name):
    wrong = None
    if rank == 0:
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "OMPI", "MPI", "PYTHON", "LD_"))}
        there = subprocess.run([PYTHON, "-c", "import h5py"], capture_output=True, env=plain).returncode
        if there == 0:
            run = subprocess.run([PYTHON, "-c", "import h5py, numpy as np\n" + code], capture_output=True,
                                 text=True, env=plain)
            wrong = run.stderr if run.returncode else ""
    wrong = comm.bcast(wrong)
    skip(name, "no h5py") if wrong is None else check(not wrong, name, wrong)


def test_virtual():
    for i in range(2):
        with h5py.File(f"part{i}.h5", "w", comm=comm) as f:
            f["d"] = np.arange(10) + 10 * i
    parts = [h5py.VirtualSource(f"part{i}.h5", "d", shape=(10,)) for i in range(2)]
    layout = h5py.VirtualLayout((2, 10), "i8")
    layout[0], layout[1, ::2] = parts[0], parts[1][5:]
    with h5py.File("virtual.h5", "w", comm=comm) as f:
        v = f.create_virtual_dataset("deep/v", layout, fillvalue=-1)
        whole = np.full((2, 10), -1)
        whole[0], whole[1, ::2] = np.arange(10), np.arange(15, 20)
        equal((v.is_virtual, v.shape, v.chunks, v.fillvalue), (True, (2, 10), None, np.int64(-1)), "what it is")
        equal(v[...], whole, "its elements")
        maps = v.virtual_sources()
        equal([(m.file_name, m.dset_name) for m in maps], [("part0.h5", "d"), ("part1.h5", "d")], "virtual_sources()")
        equal((maps[1].vspace.get_regular_hyperslab(), maps[1].src_space.get_select_bounds(), maps[1].src_space.shape),
              (((1, 0), (1, 2), (1, 5), (1, 1)), ((5,), (9,)), (10,)), "their selections")
        f["own"] = np.arange(5)
        with f.build_virtual_dataset("same", (3, 5), "f4", maxshape=(None, 5), fillvalue=3) as built:
            built[1] = h5py.VirtualSource(f["own"])
        equal(f["same"][:, 0], np.array([3, 0, 3], "f4"), "of the same file")
        equal((f["same"].maxshape, f["same"].virtual_sources()[0].file_name), ((None, 5), "."), "which is '.'")
        missing = h5py.VirtualLayout((4,), "i4")
        missing[:] = h5py.VirtualSource("none.h5", "d", (4,))
        equal(f.create_virtual_dataset("missing", missing, fillvalue=7)[...], np.full(4, 7, "i4"), "of no file")
        rows = h5py.VirtualLayout((3,), "i8")
        rows[...] = parts[0][[1, 3, 8]]
        equal(f.create_virtual_dataset("rows", rows)[...], np.array([1, 3, 8]), "some elements")
        raises(ValueError, "exists", f.create_virtual_dataset, "rows", rows, name="a name that exists")
        raises(ValueError, "different numbers", rows.__setitem__, slice(0, 2), parts[0], name="too many elements")
        raises(TypeError, "shape", h5py.VirtualSource, "x.h5", "d", name="no shape")
        raises(RuntimeError, "Not a virtual", f["own"].virtual_sources, name="of another dataset")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.create_virtual_dataset, "x", if_odd(rows, missing), name="two layouts")
            other = h5py.VirtualLayout((3,), "i8")
            other[...] = parts[if_odd(1, 0)][[1, 3, 8]]
            raises(h5py.CollectiveError, "disagree", f.create_virtual_dataset, "x", other, name="two sources")
        check("x" not in f, "nothing was made")
        raises(NotImplementedError, "other files", v.__setitem__, 0, 1, name="writing to other files")
    others_read("f = h5py.File('virtual.h5'); v = f['deep/v']\n"
                "assert v.is_virtual and v[1].tolist() == [15, -1, 16, -1, 17, -1, 18, -1, 19, -1], v[...]\n"
                "assert f['same'][1].tolist() == [0, 1, 2, 3, 4] and f['rows'][...].tolist() == [1, 3, 8]", "h5py reads them")


def test_external():
    with h5py.File("external.h5", "w", comm=comm) as f:
        files = [("bytes.raw", 8, 16), ("more.raw", 0, h5py.UNLIMITED)]
        e = f.create_dataset("e", (12,), "i4", external=files)
        equal((e.external, e.offset, e.is_virtual), (files, None, False), "what it is")
        lo, hi = 12 * rank // size, 12 * (rank + 1) // size
        e[lo:hi] = np.arange(lo, hi)
        equal(e[...], np.arange(12, dtype="i4"), "each rank its part")
        e[::3] = 0
        e[1 + rank : 1 + rank] = []
        equal(e[:4], np.array([0, 1, 2, 0], "i4"), "any selection")
        f.create_dataset("whole", (3,), ">f8", external="whole.raw")[...] = [1, 2, 3]
        equal(f["whole"][...], np.array([1, 2, 3], ">f8"), "one name, other byte order")
        equal(f.create_dataset("plain", (3,)).external, None, "none")
        raises(ValueError, "chunk", f.create_dataset, "x", (3,), external="x.raw", chunks=True, name="in chunks")
        raises(ValueError, "3", f.create_dataset, "x", (3,), external=[("x.raw", 0)], name="no size")
        raises(TypeError, "", f.create_dataset, "x", (3,), external=[("x.raw", 0, "a")], name="a size that is none")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.create_dataset, "x", (3,), external=if_odd("a", "b"), name="two files")
            missing = if_odd("/none/there.raw", "/none/there.raw")
            bad = f.create_dataset("bad", (4,), external=missing)
            raises((OSError, RuntimeError), "", bad.__setitem__, slice(if_odd(0, 4), 4), 1.0, name="one rank cannot write")
    with h5py.File("external.h5", comm=comm) as f:
        equal(f["e"][2:6], np.array([2, 0, 4, 5], "i4"), "after reopening")
    comm.Barrier()
    equal(np.fromfile("bytes.raw", "i4", offset=8), np.array([0, 1, 2, 0], "i4"), "the first file")
    equal(np.fromfile("whole.raw", ">f8"), np.array([1, 2, 3], ">f8"), "bytes as they are")
    others_read("f = h5py.File('external.h5'); assert f['e'][4:8].tolist() == [4, 5, 0, 7] and len(f['e'].external) == 2",
                "h5py reads it")


def test_anonymous():
    with h5py.File("anonymous.h5", "w", comm=comm) as f:
        a = f.create_dataset(None, data=np.arange(4))
        equal((a.name, repr(a)), (None, '<HDF5 dataset (anonymous): shape (4,), type "<i8">'), "without a name")
        a[rank] = -1
        equal(a[rank], np.int64(-1), "written")
        f["named"] = a
        equal((a.name, f["named"]), ("/named", a), "gets one")
        lost = f.create_dataset(None, (1000,), chunks=(10,))
        lost[...] = 1
        if rank == odd:
            del lost  # frees its space in HDF5; not while other ranks hold theirs
        more = f.create_dataset("more", (1000,), chunks=(100,))
        more[...] = rank
        f["later"] = np.arange(3)
        gone = f["later"]
        del f["later"]
        if rank == 0:
            gone = None
        f["last"] = np.arange(5)
        equal(f["last"][...], np.arange(5), "what is let go of at different times does no harm")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.create_dataset, if_odd(None, "x"), (3,), name="a name on some ranks")
    with h5py.File("anonymous.h5", comm=comm) as f:
        equal(sorted(f), ["last", "more", "named"], "after reopening")


def test_require():
    with h5py.File("require.h5", "w", comm=comm) as f:
        g, d = f.require_group("g"), f.require_dataset("d", (3,), "f4")
        f.create_group("h")
        equal((f.require_group("g"), f.require_dataset("d", 3, "f2")), (g, d), "what is there")
        raises(TypeError, "cast", f.require_dataset, "d", (3,), "f8", name="another type")
        raises(TypeError, "Shapes", f.require_dataset, "d", (4,), "f4", name="another shape")
        raises(TypeError, "Incompatible", f.require_group, "d", name="a dataset as a group")
        m = f.require_dataset("m", (3,), "f4", maxshape=(None,))
        equal(f.require_dataset("m", (7,), "f4", maxshape=(None,)), m, "one that can be of that shape")
        raises(TypeError, "Maxshapes", f.require_dataset, "m", (8,), "f4", maxshape=(9,), name="another maxshape")
        equal(f.require_dataset("m", (3,), "f4", maxshape=(9,)), m, "which does not matter to the same shape")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.require_group, if_odd("g", "h"), name="two groups that are there")
            raises(h5py.CollectiveError, "disagree", f.require_group, if_odd("g", "new"), name="one of them is not")
            raises(h5py.CollectiveError, "disagree", f.require_dataset, if_odd("d", "m"), (3,), "f4", name="two datasets")
            raises((TypeError, h5py.CollectiveError), "Shapes", f.require_dataset, "d", if_odd((4,), (3,)), "f4",
                   name="another shape on one rank")
        equal(sorted(f), ["d", "g", "h", "m"], "nothing was made")


def test_alone():
    with h5py.File("alone.h5", "w", comm=comm) as f:
        d, e = f.create_dataset("d", (size, 5), "i4"), f.create_dataset("e", (size,), external="alone.raw")
        chunked, texts = f.create_dataset("c", (4,), chunks=(2,)), f.create_dataset("t", (4,), h5py.string_dtype())
        if rank == odd:
            with d.independent, e.independent, chunked.independent, texts.independent:
                d[rank, ::2] = [1.5, 2, 3]
                e[rank] = 7
                wrong = [raised(dset) for dset in (chunked, texts)]
                raised_index = raised(d, (size, 0))
        wrong, raised_index = comm.bcast((wrong, raised_index) if rank == odd else None, odd)
        equal(wrong, ["NotImplementedError"] * 2, "where that changes more than elements it is refused")
        equal(raised_index, "IndexError", "errors are this rank's own")
        equal(d[odd], np.array([1, 0, 2, 0, 3], "i4"), "written by one rank alone")
        equal(e[odd], np.float32(7), "in an external file")
    with h5py.File("alone.h5", comm=comm) as f:
        d = f["d"]
        with d.independent:
            name = raised(d, (0, 0)) if rank == 0 else "OSError"
        equal(name, "OSError", "in a file for reading")


def raised(dset, index=0):
    try:
        dset[index] = b"1" if dset.dtype.kind == "O" else 1
    except Exception as error:
        return type(error).__name__


def test_fill():
    with h5py.File("fill.h5", "w", comm=comm) as f:
        for name, keywords in (("whole", {}), ("chunks", {"chunks": (3,), "maxshape": (None,)})):
            s = f.create_dataset(name, (7,), h5py.string_dtype(), fillvalue="none", **keywords)
            v = f.create_dataset(name + "_list", (7,), h5py.vlen_dtype("i4"), fillvalue=[4, 5], **keywords)
            s[rank : rank + 1] = [f"rank {rank}"]
            equal(([t.decode() for t in s[:]], s.fillvalue),
                  ([f"rank {r}" for r in range(size)] + ["none"] * (7 - size), b"none"), f"texts, {name}")
            v[odd : odd + 1] = [if_odd([1], [1])]
            equal(([len(x) for x in v[:]], list(v.fillvalue)),
                  ([1 if r == odd else 2 for r in range(7)], [4, 5]), f"sequences, {name}")
            if keywords:
                s.resize((9,))
                equal(s[8], b"none", "grown")
        equal((f.create_dataset("t", (2,), h5py.string_dtype()).fillvalue,
               len(f.create_dataset("l", (2,), h5py.vlen_dtype("i4"))[0])), (b"", 0), "none given")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.create_dataset, "x", (2,), h5py.string_dtype(),
                   fillvalue=if_odd("a", "b"), name="two fill values")
            raises((TypeError, h5py.CollectiveError), "convert", f.create_dataset, "x", (2,), h5py.string_dtype(),
                   fillvalue=if_odd(5, "b"), name="a bad one on one rank")
    with h5py.File("fill.h5", comm=comm) as f:
        equal((f["whole"][6], f["chunks"][8], list(f["chunks_list"][6])), (b"none", b"none", [4, 5]), "after reopening")
    others_read("f = h5py.File('fill.h5'); assert f['whole'][6] == b'none' and f['chunks'][8] == b'none'\n"
                "assert f['chunks_list'][6].tolist() == [4, 5]", "h5py reads them")


def test_reused():
    """Space that held something else before: texts are empty at first, whatever was there."""
    with h5py.File("reused.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", data=np.arange(60).reshape(3, 20), chunks=(3, 20), compression="gzip")
        d[1] = 2  # now it takes less space
        t = f.create_dataset("t", (), h5py.string_dtype())
        equal(t[()], b"", "one text")
        t[()] = "text"
        f["noise"] = np.random.default_rng(0).integers(1, 255, 4096, "u1")
        del f["noise"]
        many = f.create_dataset("many", (200,), h5py.vlen_dtype("i4"))
        equal([len(x) for x in many[:]], [0] * 200, "many sequences")
        many[rank : rank + 1] = [[rank, 1]]
        equal((t[()], len(many[odd])), (b"text", 2), "written")
        f["noise"] = np.random.default_rng(0).integers(1, 255, 4096, "u1")
        f.flush()
        del f["noise"]
        filled = f.create_dataset("filled", (200,), h5py.string_dtype(), fillvalue="none")
        equal(set(filled[:]), {b"none"}, "and filled ones")
    with h5py.File("reused.h5", comm=comm) as f:
        equal((set(f["filled"][:]), len(f["many"][199])), ({b"none"}, 0), "after reopening")


def test_numbers():
    with h5py.File("numbers.h5", "w", comm=comm) as f:
        b, c = f.create_dataset("b", (3,), bool), f.create_dataset("c", (3,), "c8")
        b[:] = np.array([0, 2, 1])
        c[:] = np.arange(3)
        equal((b[:].tolist(), c[:].tolist()), ([False, True, True], [0, 1, 2]), "bool and complex from integers")
        c[:] = np.arange(3.0) * 1j
        equal(c[2], np.complex64(2j), "complex from complex")
        times = f.create_group("times", track_times=True)
        equal(f["times"], times, "a group with its time")
        raises(TypeError, "not a group", f.create_dataset, "b/x", (3,), name="a dataset in a dataset")


def test_two_phase():
    whole = np.arange(600).reshape(60, 10)
    for mode in ("two-phase", "direct", "auto"):
        with h5py.File("phase.h5", "w", comm=comm, transfer=mode) as f:
            for name, part in (("rows", np.s_[rank::size]), ("blocks", np.s_[60 * rank // size : 60 * (rank + 1) // size])):
                d = f.create_dataset(name, (60, 10), ">f4")
                d[part] = whole[part]
                equal(d[...], whole.astype(">f4"), f"{name}, {mode}")
            d[if_odd(slice(0, 0), slice(0, 0))] = 5
            d[if_odd(slice(0, 1), slice(0, 0))] = 5
            equal(d[0], np.full(10, 5, ">f4"), f"one rank, {mode}")
            if size > 1:
                raises((IndexError, h5py.CollectiveError), "range", d.__setitem__, if_odd(60, 1), 0, name=f"an error, {mode}")
    raises(ValueError, "two-phase", h5py.File, "x.h5", "w", comm=comm, transfer="three", name="no such mode")
    if size > 1:
        raises(h5py.CollectiveError, "disagree", h5py.File, "x.h5", "w", comm=comm, transfer=if_odd("auto", "direct"),
               name="two modes")


def test_large_copy():
    with h5py.File("copy.h5", "w", comm=comm) as f:
        d = f.create_dataset("g/d", (1 << 18,), "f8")
        c = f.create_dataset("g/c", (1 << 16,), "i4", chunks=(1 << 12,), compression="gzip")
        t = f.create_dataset("g/t", data=["a", "bc"])
        lo, hi = (1 << 18) * rank // size, (1 << 18) * (rank + 1) // size
        d[lo:hi] = np.arange(lo, hi)
        c[...] = np.arange(1 << 16)
        f["freed"] = np.ones(1 << 17)
        del f["freed"]
        f.copy("g", "h")
        with h5py.File("copied.h5", "w", comm=comm) as other:
            f.copy("g", other)
            other["after"] = np.zeros(1 << 17)
            check(not other["after"][...].any(), "what comes after is not what was copied")
        equal((f["h/d"][lo:hi].sum(), f["h/c"][...].sum(), f["h/t"][1]), (d[lo:hi].sum(), c[...].sum(), b"bc"), "copied")
    with h5py.File("copied.h5", comm=comm) as f:
        check(np.array_equal(f["g/d"][...], np.arange(1 << 18)), "to another file")
        equal((f["g/c"][777], f["g/t"][0]), (np.int32(777), b"a"), "chunks and texts")


def test_virtual_write():
    with h5py.File("through.h5", "w", comm=comm) as f:
        parts = [f.create_dataset("contiguous", (10,), "i8"), f.create_dataset("chunked", (10,), "i4", chunks=(3,)),
                 f.create_dataset("packed", (10,), "f8", chunks=(4,), compression="gzip"), f["chunked"]]
        layout = h5py.VirtualLayout((4, 10), "i8")
        for i, part in enumerate(parts[:3]):
            layout[i] = h5py.VirtualSource(part)
        gone = h5py.VirtualSource("through.h5", "gone", (10,), "i8")
        layout[3, :5] = gone[:5]
        v = f.create_virtual_dataset("v", layout, fillvalue=-1)
        lo, hi = 10 * rank // size, 10 * (rank + 1) // size
        v[0:3, lo:hi] = np.arange(lo, hi) + np.array([[0], [100], [200]])
        for i, part in enumerate(parts[:3]):
            equal(part[...].astype("i8"), np.arange(10) + 100 * i, f"{part.name} has what was written")
        equal(v[0:3], np.arange(10) + np.array([[0], [100], [200]]), "and so has the virtual one")
        v[0, rank : rank + 1 if rank < 2 else rank] = -5
        equal(int((parts[0][...] == -5).sum()), min(size, 2), "some ranks write an element, others nothing")
        v[2] = np.arange(10) / 2
        equal(parts[2][...], np.arange(10) // 2 * 1.0, "all write the same, converted")
        part = slice(lo, hi) if rank else slice(0, 0)
        v[1, part] = 7
        equal(parts[1][...], np.where(np.arange(10) < 10 // size, np.arange(10) + 100, 7).astype("i4"), "one has nothing")
        v[[0, 2], lo:hi] = np.arange(lo, hi)
        equal([p[...].astype("i8").tolist() for p in parts[:3:2]], [list(range(10))] * 2, "rows of a list")
        same = h5py.VirtualLayout((10,), "i8")
        same[...] = h5py.VirtualSource(parts[0])
        m = f.create_virtual_dataset("m", same)
        mine = np.zeros(10, bool)
        mine[lo:hi:2] = True
        m[mine] = -2
        equal(int((parts[0][...] == -2).sum()), int(sum(comm.allgather(mine.sum()))), "elements of a mask")
        raises(OSError, "in no dataset", v.__setitem__, (3, slice(0, 2)), 1, name="a dataset that is not there")
        raises(OSError, "in no dataset", v.__setitem__, (3, slice(5, 9)), 1, name="where there is none")
        raises((OSError, h5py.CollectiveError), "in no dataset", v.__setitem__,
               (3 if rank == size - 1 else 0, 7), 1, name="one rank writes there")
        other = h5py.VirtualLayout((2, 10), "i8")
        other[0], other[1] = h5py.VirtualSource("part0.h5", "d", (10,), "i8"), h5py.VirtualSource(f["contiguous"])
        w = f.create_virtual_dataset("w", other)
        raises(NotImplementedError, "virtual", w.__setitem__, 0, 1, name="in another file")
        w[1] = 9
        equal(parts[0][...].tolist(), [9] * 10, "but where it is here")
        with v.independent:
            raises(NotImplementedError, "alone", v.__setitem__, 0, 1, name="by one rank")
        parts[1][...] = 3
        equal(v[1].tolist(), [3] * 10, "written directly, read through it")
    others_read("f = h5py.File('through.h5'); v = f['v']\n"
                "assert f['contiguous'][...].tolist() == [9] * 10 and v[0].tolist() == [9] * 10\n"
                "assert v[1].tolist() == [3] * 10 and f['packed'][3] == 3.0", "h5py reads them")


test_virtual()
test_virtual_write()
test_alone()
test_fill()
test_reused()
test_numbers()
test_two_phase()
test_large_copy()
test_external()
test_anonymous()
test_require()
done()
