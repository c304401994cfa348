"""Named types that datasets and attributes share. ranks: 1 2 3 4"""

import shutil
import subprocess

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
PATH = "shared-type.h5"
STRUCT = np.dtype([("a", "i4"), ("b", "f8", (2,))])


def is_shared(of):
    return of.get_type().committed()


def test_made():
    with h5py.File(PATH, "w", comm=comm) as f:
        f["t"], f["struct"], f["text"] = np.dtype("i4"), STRUCT, h5py.string_dtype()
        f["enum"] = h5py.enum_dtype({"A": 1, "B": 2})
        for name in ("t", "struct", "text", "enum"):
            d = f.create_dataset("d-" + name, (comm.size + 3,), dtype=f[name])
            check(is_shared(d.id) and d.id.get_type() == f[name].id, f"a dataset of a named type: {name}")
            equal(d.dtype, f[name].dtype, f"its dtype: {name}")
            equal(d.id.get_type().name, b"/" + name.encode(), f"its type has the name: {name}")
        f["d-t"][comm.rank] = comm.rank
        f["d-struct"][0] = np.array((1, (2, 3)), STRUCT)
        check(is_shared(f.create_dataset("filled", data=[1, 2, 3], dtype=f["t"]).id), "with data")
        chunked = f.create_dataset("chunked", (40,), dtype=f["t"], chunks=(7,), compression="gzip", fillvalue=5)
        check(is_shared(chunked.id), "in chunks")
        equal(chunked[...], np.full(40, 5, "i4"), "with a fill value")
        check(is_shared(f.require_dataset("needed", (2,), dtype=f["t"]).id), "require_dataset()")
        check(not is_shared(f.create_dataset("plain", (2,), dtype="i4").id), "a dtype is not shared")
        equal(h5py.h5o.get_info(f["t"].id).rc, 5, "the type knows how many share it")
        space = h5py.h5s.create_simple((3,))
        check(is_shared(h5py.h5d.create(f.id, b"low", f["struct"].id, space)), "h5d.create()")
        check(is_shared(h5py.h5a.create(f.id, b"low", f["t"].id, space)), "h5a.create()")


def test_attributes():
    with h5py.File(PATH, "r+", comm=comm) as f:
        f.attrs["a"] = np.int32(4)
        check(not is_shared(f.attrs.get_id("a")), "an attribute with a type of its own")
        f.attrs.create("a", 5, dtype=f["t"])
        check(is_shared(f.attrs.get_id("a")), "is made anew with a named type")
        f["d-t"].attrs.create("several", [1, 2], dtype=f["t"])
        f.attrs.create("struct", np.zeros((), STRUCT), dtype=f["struct"])
        f.attrs.modify("a", 6)
        check(is_shared(f.attrs.get_id("a")) and f.attrs["a"] == 6, "modify() keeps it")
        check(f.attrs["a"] == 6 and list(f["d-t"].attrs["several"]) == [1, 2], "values")


def test_reopened():
    with h5py.File(PATH, "r", comm=comm) as f:
        for name in ("t", "struct", "text", "enum"):
            check(is_shared(f["d-" + name].id) and f["d-" + name].dtype == f[name].dtype, f"opened again: {name}")
        check(is_shared(f.attrs.get_id("a")) and is_shared(f["d-t"].attrs.get_id("several")), "attributes")
        check(not is_shared(f["plain"].id), "a type of its own")
        equal(f["d-t"][: comm.size], np.arange(comm.size, dtype="i4"), "elements")
        equal(f["d-struct"][0], np.array((1, (2, 3)), STRUCT)[()], "a struct")
    if shutil.which("h5dump") is None:
        skip("h5dump", "there is none")
    else:
        result = subprocess.run(["h5dump", "-H", "-d", "/d-struct", PATH], capture_output=True, text=True)
        check('DATATYPE  "/struct"' in result.stdout, "h5dump sees the name", result.stdout + result.stderr)


def test_links():
    """What shares a type keeps it, copied or without a name."""
    with h5py.File(PATH, "r+", comm=comm) as f, h5py.File("shared-type-2.h5", "w", comm=comm) as g:
        del f["t"]
        check(is_shared(f["d-t"].id), "a type without a name")
        equal(f["d-t"].id.get_type().name, None, "has none")
        equal(f["d-t"][0], np.int32(0), "its elements")
        f.copy("d-struct", "copied")
        f.copy("d-struct", g)
        check(is_shared(f["copied"].id) and is_shared(g["d-struct"].id), "copies")
        other = g.create_dataset("other", (3,), dtype=f["struct"])
        check(not is_shared(other.id) and other.dtype == STRUCT, "a named type of another file is a dtype")
        g.attrs.create("other", np.zeros((), STRUCT), dtype=f["struct"])
        check(not is_shared(g.attrs.get_id("other")), "for attributes too")
        first = comm.rank == 0 and comm.size > 1
        if comm.size > 1:
            raises(h5py.CollectiveError, "create_dataset", f.create_dataset, "odd", (2,),
                   dtype=STRUCT if first else f["struct"], name="one rank with a type of its own")
            raises(h5py.CollectiveError, "write_attribute", f.attrs.create, "odd", np.zeros((), STRUCT),
                   dtype=STRUCT if first else f["struct"], name="the same for an attribute")
        check("odd" not in f and "odd" not in f.attrs, "nothing was made")


for test in (test_made, test_attributes, test_reopened, test_links):
    test()
done()
