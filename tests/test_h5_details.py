"""What programs written for h5py see besides: files behind external links, required datasets, errors of one kind
or another.

ranks: 1 2 3 4   limit: 90
"""

import os

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def test_linked_file():
    """The file of what an external link leads to."""
    for name in ("one.h5", "two.h5"):
        with h5py.File(name, "w", comm=comm) as f:
            f["g/x"] = np.arange(3)
    with h5py.File("links.h5", "w", comm=comm) as f:
        f["one"], f["two"] = h5py.ExternalLink("one.h5", "/g/x"), h5py.ExternalLink("two.h5", "/")
        x, there = f["one"], f["one"].file
        equal((os.path.basename(there.filename), there.mode, there.name), ("one.h5", "r", "/"), "name and mode")
        check(isinstance(there, h5py.File) and "one.h5" in repr(there) and bool(there), "a File", repr(there))
        check(there != f and there == x.file == x.parent.file and there != f["two"].file, "equal to itself alone")
        equal((x.parent.name, list(x.parent), list(x.parent.parent), list(there)), ("/g", ["x"], ["g"], ["g"]), "parents")
        equal(list(f["two"]["g/x"][:]), [0, 1, 2], "elements")
        raises(ValueError, "reading only", there.create_group, "y", name="written to")
        there.close()
        with there:
            pass
        check(bool(there) and bool(f), "closing it is left to the other")
        f["mine"] = 1
    check(not there and not x, "closed with the file that has the link")
    raises(ValueError, "closed", lambda: there.filename, name="closed")


def test_required():
    with h5py.File("required.h5", "w", comm=comm) as f:
        f["e"], f["t"], f["s"] = h5py.Empty("f4"), ["a", "bb"], np.array([b"abc"])
        check(f.require_dataset("e", None, "f4") == f["e"], "Empty is there")
        equal(f.require_dataset("new", None, "f4").shape, None, "Empty is made")
        raises(TypeError, "existing None", f.require_dataset, "e", (), "f4", name="has extents")
        raises(TypeError, "vs new None", f.require_dataset, "t", None, "O", name="has none")
        check(f.require_dataset("t", (2,), str) == f.require_dataset("t", (2,), object) == f["t"], "texts")
        raises(TypeError, "", f.require_dataset, "s", (1,), "f4", name="of another type")
        f["nowhere"] = h5py.SoftLink("/never")
        raises(KeyError, "nowhere", f.require_group, "nowhere", name="a link that leads nowhere")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.require_dataset, if_odd("e", "new"), None, "f4", name="which")
        equal(sorted(f), ["e", "new", "nowhere", "s", "t"], "nothing else")


def test_errors():
    with h5py.File("errors.h5", "w", comm=comm) as f:
        d, e = f.create_dataset("d", (4, 6), "i4"), f.create_dataset("e", data=h5py.Empty("f4"))
        for kind, text, arguments in (
                (ValueError, "Size", {"shape": (2,), "dtype": "S"}),
                (ValueError, "Size", {"shape": (2,), "dtype": "V0"}),
                (ValueError, "without names", {"shape": (2,), "dtype": h5py.enum_dtype({})}),
                (TypeError, "Scalar", {"shape": (), "scaleoffset": True}),
                (OverflowError, "negative", {"shape": (2,), "maxshape": (-1,)}),
                (ValueError, "too small", {"shape": (3,), "dtype": "i4", "external": [("x.raw", 0, 4), ("y.raw", 0, 4)]}),
                (TypeError, "tuple", {"shape": (3,), "external": ["x.raw"]})):
            raises(kind, text, f.create_dataset, "x", name=f"create_dataset(**{arguments})", **arguments)
        raises(IndexError, "out of range", lambda: d[2**64], name="an index beyond all")
        raises(TypeError, "Empty", e.resize, (1,), name="Empty resized")
        raises(ValueError, "", f.__delitem__, "", name="no name deleted")
        raises(KeyError, "", f.__delitem__, "/", name="the root deleted")
        raises(TypeError, "str", setattr, d.dims[0], "label", 3, name="a label")
        raises(ValueError, "elink_mode", f.get, "d", elink_mode="w", name="a mode for links")
        equal((f.get("d", elink_mode="r", elink_locking=False).name, len(e.dims)), ("/d", 0), "fine")
        check(e[(...,)] == h5py.Empty("f4"), "Empty in a tuple")
        f.attrs["a"] = 1
        equal((f.attrs.get("b", default=2), f.attrs.get(key="a"), f.attrs.get_id(name="a").name), (2, 1, b"a"), "keywords")
        check(f.visititems(func=lambda name, obj: obj if name == "e" else None) == e, "func=")
        with np.errstate(all="ignore"):
            unknown = f.create_dataset("u", (3,), compression=999, allow_unknown_filter=True)
        equal((unknown.compression, unknown.compression_opts), ("unknown", None), "a filter that nobody knows")
        kind = h5py.enum_dtype({"A": 0, "B": 1}, "i1")
        n = f.create_dataset("n", (3,), kind)
        n[:] = np.array([0, 1, 300])
        equal(list(n[:]), [0, 1, 127], "integers where an enumeration is")
        s = f.create_dataset("s", data=np.ones(50, [("a", "i4"), ("b", "f8")]))
        equal(s.astype([("x", "f8"), ("a", "i8")])[:3].tolist(), [(0, 1)] * 3, "fields that are not there are 0")


def test_bits():
    """Bit fields, as PyTables stores booleans, alone and in structs: unsigned integers."""
    with h5py.File("bits.h5", "w", comm=comm) as f:
        f["d"], f["s"] = np.array([1, 0, 1], "u1"), np.array([(1, 2.5), (0, 3.5)], [("b", "u1"), ("x", "f8")])
    if rank == 0:  # the class of a type is in the low half of the first byte of its message: 0 integers, 4 bits
        with open("bits.h5", "r+b") as file:
            content = file.read()
            number = bytes((0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0))
            file.seek(0)
            file.write(content.replace(number, bytes((0x14,)) + number[1:]))
            check(content.count(number) == 2, "the types are found", content.count(number))
    else:
        check(True, "the types are found")
    comm.barrier()
    with h5py.File("bits.h5", "r+", comm=comm) as f:
        d, s = f["d"], f["s"]
        equal((d.dtype, d[:].tolist(), d[1:].tolist()), (np.dtype("u1"), [1, 0, 1], [0, 1]), "read")
        equal((s[:].tolist(), s["b"].tolist()), ([(1, 2.5), (0, 3.5)], [1, 0]), "in structs")
        d[1] = 1
        equal(d[:].tolist(), [1, 1, 1], "written")


def test_order():
    with h5py.File("order.h5", "w", comm=comm, track_order=True) as f:
        for name in "zay":
            f.create_group(name)
        names = []
        f.visit(names.append)
        equal((names, list(f)), (["a", "y", "z"], ["z", "a", "y"]), "visit() goes by names, iteration by creation")


test_bits()
test_order()
test_linked_file()
test_required()
test_errors()
done()
