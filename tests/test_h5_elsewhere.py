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
        raises(NotImplementedError, "virtual", v.__setitem__, 0, 1, name="writing")
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
        raises(TypeError, "list of", f.create_dataset, "x", (3,), external=[("x.raw", 0)], name="no size")
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
        raises(TypeError, "Maxshapes", f.require_dataset, "m", (3,), "f4", maxshape=(9,), name="another maxshape")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.require_group, if_odd("g", "h"), name="two groups that are there")
            raises(h5py.CollectiveError, "disagree", f.require_group, if_odd("g", "new"), name="one of them is not")
            raises(h5py.CollectiveError, "disagree", f.require_dataset, if_odd("d", "m"), (3,), "f4", name="two datasets")
            raises((TypeError, h5py.CollectiveError), "Shapes", f.require_dataset, "d", if_odd((4,), (3,)), "f4",
                   name="another shape on one rank")
        equal(sorted(f), ["d", "g", "h", "m"], "nothing was made")


test_virtual()
test_external()
test_anonymous()
test_require()
done()
