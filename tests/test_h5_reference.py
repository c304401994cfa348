"""References to objects and regions, and dimension scales: made, stored, followed, read by others, and one rank erring.

ranks: 1 2 3 4   limit: 120
"""

import os
import subprocess
from contextlib import suppress

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1
PYTHON = os.environ.get("COLLIO_H5PY", "/usr/bin/python3")  # one that has h5py, to read what was written
A = np.arange(60, dtype="i4").reshape(3, 4, 5)


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def others_read(code, name):
    """Another library's program agrees with the file, if there is one to ask."""
    wrong = None
    if rank == 0:
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "OMPI", "MPI", "PYTHON", "LD_"))}
        python = PYTHON
        there = subprocess.run([python, "-c", "import h5py"], capture_output=True, env=plain).returncode == 0
        if there:
            run = subprocess.run([python, "-c", "import h5py, numpy as np\n" + code], capture_output=True, text=True,
                                 env=plain)
            wrong = run.stderr if run.returncode else ""
    wrong = comm.bcast(wrong)
    skip(name, "no h5py") if wrong is None else check(not wrong, name, wrong)


def test_objects():
    with h5py.File("ref.h5", "w", comm=comm) as f:
        g = f.create_group("g")
        d = f.create_dataset("g/d", data=A)
        check(d.ref and not h5py.Reference() and repr(d.ref) == "<HDF5 object reference>", "truth and repr")
        equal((f[d.ref], f[g.ref], f[f.ref], g[d.ref].name), (d, g, f["/"], "/g/d"), "followed")
        check(d.ref == d.ref and d.ref != g.ref and len({d.ref, f["g/d"].ref}) == 1, "compared")
        raises(ValueError, "Invalid", lambda: f[h5py.Reference()], name="one to nothing")
        refs = f.create_dataset("refs", (4,), h5py.ref_dtype)
        equal(h5py.check_ref_dtype(refs.dtype), h5py.Reference, "their dtype")
        equal([bool(ref) for ref in refs[:]], [False] * 4, "null at first")
        refs[rank : rank + 1] = [if_odd(d.ref, g.ref)]
        equal(f[refs[odd]], d, "each rank its own")
        chunked = f.create_dataset("chunked", (size, 3), h5py.ref_dtype, chunks=(1, 2))
        chunked[rank] = [d.ref, g.ref, if_odd(d.ref, f.ref)]
        equal([f[ref].name for ref in chunked[odd]], ["/g/d", "/g", "/g/d"], "in chunks")
        raises(TypeError, "incompatible", refs.__setitem__, 0, 5, name="what is no reference")
        if size > 1:
            raises((TypeError, h5py.CollectiveError), "incompatible", refs.__setitem__, 0, if_odd(5, d.ref),
                   name="on one rank")
        struct = f.create_dataset("struct", (2,), [("to", h5py.ref_dtype), ("n", "i4")])
        struct[0] = (d.ref, 7)
        equal((f[struct[0]["to"]], bool(struct["to"][1]), struct["n"][0]), (d, False, np.int32(7)), "in structs")
        lists = f.create_dataset("lists", (2,), h5py.vlen_dtype(h5py.ref_dtype))
        lists[1] = np.array([d.ref, g.ref], dtype=h5py.ref_dtype)
        equal(([f[ref].name for ref in lists[1]], len(lists[0])), (["/g/d", "/g"], 0), "in sequences")
        f.attrs["best"] = d.ref
        f.attrs["all"] = [d.ref, g.ref]
        equal((f[f.attrs["best"]], f[f.attrs["all"][1]]), (d, g), "in attributes")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.attrs.__setitem__, "x", if_odd(d.ref, g.ref), name="that differ")
        equal(f.create_dataset("made", data=[d.ref, g.ref]).shape, (2,), "create_dataset(data=)")
        gone = f.create_dataset("gone", (3,)).ref
        del f["gone"]
        raises(KeyError, "dereference", lambda: f[gone], name="to what is gone")
    with h5py.File("ref.h5", comm=comm) as f:
        equal([f[ref].name for ref in f["made"][:]], ["/g/d", "/g"], "after reopening")
    others_read("f = h5py.File('ref.h5'); assert f[f.attrs['best']].name == '/g/d'\n"
                "assert [f[r].name for r in f['lists'][1]] == ['/g/d', '/g']\n"
                f"assert [f[r].name for r in f['chunked'][{odd}]] == ['/g/d', '/g', '/g/d']", "h5py follows them")


def test_regions():
    with h5py.File("region.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", data=A)
        block, picked = d.regionref[0:2, 1], d.regionref[A > 55]
        lines, nothing, whole = d.regionref[[0, 2], 1:3], d.regionref[0:0], d.regionref[...]
        steps = d.regionref[::2, :, 1::2]
        equal((f[block], type(block)), (d, h5py.RegionReference), "leads to the dataset")
        equal(d[block], A[0:2, 1:2], "a block")
        equal(d[picked], A[A > 55], "elements")
        equal(d[lines], A[[0, 2], 1:3], "rows")
        equal(d[nothing].shape, (0, 0, 0), "nothing")
        equal(d[whole], A, "everything")
        equal(d[steps], A[::2, :, 1::2], "with steps")
        equal((d.regionref.shape(block), d.regionref.selection(block), d.regionref.selection(picked)),
              ((3, 4, 5), (2, 1, 5), (4,)), "their shapes")
        regions = f.create_dataset("regions", (size,), h5py.regionref_dtype)
        regions[rank : rank + 1] = [if_odd(block, lines)]
        equal(d[regions[odd]], A[0:2, 1:2], "kept in a dataset")
        f.attrs["region"] = steps
        equal(d[f.attrs["region"]], A[::2, :, 1::2], "and in an attribute")
        d[block] = 99
        equal(d[0:2, 1], np.full((2, 5), 99, "i4"), "written through")
        d[block] = np.arange(10)
        equal(d[0:2, 1].ravel(), np.arange(10, dtype="i4"), "elements in their order")
        raises(TypeError, "datasets", lambda: f.regionref[0], name="of a group")
        raises(ValueError, "Step", lambda: d.regionref[:: if_odd(-1, -1)], name="a bad index")
        if size > 1:
            raises((ValueError, h5py.CollectiveError), "Step", lambda: d.regionref[:: if_odd(-1, 1)], name="on one rank")
            raises(h5py.CollectiveError, "disagree", lambda: d.regionref[if_odd(0, 1)], name="two regions")
        equal(d[d.regionref[2]], A[2:3], "and on it goes")
    others_read("f = h5py.File('region.h5'); d = f['d']; A = np.arange(60).reshape(3, 4, 5)\n"
                "assert (d[f.attrs['region']] == A[::2, :, 1::2])[:, 2:].all()\n"
                f"assert d[f['regions'][{odd}]].shape == (2, 1, 5)", "h5py follows them")


def test_undone():
    """What fails halfway leaves nothing behind."""
    with h5py.File("undone.h5", "w", comm=comm) as f:
        d, x = f.create_dataset("d", (3, 3), "f4"), f.create_dataset("x", (3,), "f4")
        raises((OSError, RuntimeError), "", x.make_scale, "n" * 70000, name="too long a name of a scale")
        equal((x.is_scale, list(x.attrs)), (False, []), "it was made none")
        kind = np.dtype({"names": ["dataset", "dimension"], "formats": [h5py.ref_dtype, "i4"], "offsets": [0, 8],
                         "itemsize": 16})
        count, users = 4100, np.zeros(4100, kind)
        users["dataset"] = d.ref
        while "REFERENCE_LIST" not in x.attrs:
            count -= 1
            with suppress(OSError, RuntimeError):
                x.attrs.create("REFERENCE_LIST", users[:count])
        raises((OSError, RuntimeError), "", d.dims[1].attach_scale, x, name="one user too many")
        equal((x.is_scale, list(d.attrs), len(d.dims[1])), (False, [], 0), "nothing was attached")
        del x.attrs["REFERENCE_LIST"]
        d.dims[1].attach_scale(x)
        equal((x.is_scale, d.dims[1].values()), (True, [x]), "then it is")
        d.dims[1].detach_scale(x)
        equal((len(d.dims[1]), list(d.attrs), "REFERENCE_LIST" in x.attrs), (0, [], False), "and is no more")
    others_read("f = h5py.File('undone.h5'); assert f['x'].is_scale and not f['d'].attrs", "others see it")


def test_scales():
    with h5py.File("scale.h5", "w", comm=comm) as f:
        d, x, y = f.create_dataset("d", data=A), f.create_dataset("x", (3,)), f.create_dataset("y", (4,))
        equal((len(d.dims), [k.label for k in d.dims], len(d.dims[0])), (3, ["", "", ""], 0), "none at first")
        d.dims[0].label = "time"
        d.dims[1].label = "größe"
        equal([k.label for k in d.dims], ["time", "größe", ""], "labels")
        x.make_scale("seconds")
        check(x.is_scale and not y.is_scale and not d.is_scale, "is_scale")
        d.dims[0].attach_scale(x)
        d.dims[0].attach_scale(x)
        d.dims[1].attach_scale(y)
        d.dims[1].attach_scale(x)
        check(y.is_scale, "attaching makes a scale")
        equal((d.dims[0][0], d.dims[0]["seconds"], d.dims[0].keys()), (x, x, ["seconds"]), "by number and name")
        equal([(name, scale.name) for name, scale in d.dims[1].items()], [("", "/y"), ("seconds", "/x")], "items()")
        d.dims[1].detach_scale(x)
        equal((len(d.dims[1]), len(x.attrs["REFERENCE_LIST"])), (1, 1), "detached")
        raises(RuntimeError, "no scale", d.dims[1].detach_scale, x, name="detached twice")
        raises(RuntimeError, "itself", d.dims[2].attach_scale, d, name="of itself")
        raises(RuntimeError, "itself", d.make_scale, name="a dataset with scales becomes none")
        raises(IndexError, "range", lambda: d.dims[3], name="no such dimension")
        raises(KeyError, "none", lambda: d.dims[0]["none"], name="no such name")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", d.dims[2].attach_scale, if_odd(x, y), name="two scales")
            raises((TypeError, h5py.CollectiveError), "Dataset", d.dims[2].attach_scale, if_odd(5, y), name="no dataset")
            raises(h5py.CollectiveError, "disagree", setattr, d.dims[if_odd(0, 1)], "label", "a", name="two dimensions")
        equal(len(d.dims[2]), 0, "nothing was done")
    with h5py.File("scale.h5", comm=comm) as f:
        equal((f["d"].dims[0].label, f["d"].dims[1][0].name), ("time", "/y"), "after reopening")
        raises(RuntimeError, "reading", setattr, f["d"].dims[0], "label", "x", name="in a file for reading")
    others_read("f = h5py.File('scale.h5'); d = f['d']\n"
                "assert [k.label for k in d.dims] == ['time', 'größe', ''], [k.label for k in d.dims]\n"
                "assert d.dims[0]['seconds'] == f['x'] and d.dims[1][0] == f['y'] and f['y'].is_scale\n"
                "h5py.h5ds.iterate(d.id, 0, lambda scale: None)\n"
                "assert h5py.h5ds.is_attached(d.id, f['x'].id, 0) and not h5py.h5ds.is_attached(d.id, f['x'].id, 1)",
                "h5py sees the scales")
    if rank == 0:
        wild = ("f = h5py.File('other.h5', 'w'); d = f.create_dataset('d', data=np.zeros((2, 3)))\n"
                "s = f.create_dataset('s', data=np.arange(3.)); s.make_scale('n'); d.dims[1].attach_scale(s)\n"
                "d.dims[1].label = 'l'; f.attrs['r'] = d.regionref[1, :2]; f.attrs['o'] = s.ref")
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "OMPI", "MPI", "PYTHON", "LD_"))}
        subprocess.run([PYTHON, "-c", "import h5py, numpy as np\n" + wild], capture_output=True, env=plain)
    if comm.bcast(os.path.exists("other.h5")):
        with h5py.File("other.h5", "r+", comm=comm) as f:
            d = f["d"]
            equal((d.dims[1].label, d.dims[1]["n"], f[f.attrs["o"]]), ("l", f["s"], f["s"]), "those of h5py")
            equal(d[f.attrs["r"]].shape, (1, 2), "its regions")
            d.dims[1].detach_scale(f["s"])
            equal(len(d.dims[1]), 0, "detached")


test_objects()
test_regions()
test_scales()
test_undone()
done()
