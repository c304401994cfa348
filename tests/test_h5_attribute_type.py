"""Attributes of every type, big and many, in order, and one rank erring.

ranks: 1 2 3   limit: 120
"""

import subprocess

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1
POINT = np.dtype([("x", "f8"), ("n", "i4"), ("name", "S5")])


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def same(got, wanted, name):
    """Equal in value, shape and dtype, whatever the elements are."""
    a, b = np.asarray(got), np.asarray(wanted)
    check(type(got) is type(wanted) and a.dtype == b.dtype and a.shape == b.shape and np.all(a == b), name,
          f"got {got!r}, wanted {wanted!r}")


def test_texts(attrs):
    attrs["text"] = "Größe"
    attrs["bytes"] = b"bytes"
    attrs["fixed"] = np.bytes_(b"fixed")
    attrs["list"] = ["a", "bcd", "ö"]
    attrs["fixed list"] = np.array([b"a", b"bcd"])
    attrs.create("utf8", "Größe", dtype=h5py.string_dtype("utf-8", 10))
    attrs.create("grid", [["a", "b"], ["c", "d"]], dtype=h5py.string_dtype())
    attrs.create("ascii", "plain", dtype=h5py.string_dtype("ascii"))
    equal(attrs["text"], "Größe", "a str")
    equal(attrs["bytes"], "bytes", "bytes become a text of any length")
    same(attrs["fixed"], np.bytes_(b"fixed"), "bytes of NumPy stay bytes of a fixed length")
    equal(list(attrs["list"]), ["a", "bcd", "ö"], "a list of texts")
    equal(attrs["list"].dtype, np.dtype("O"), "an array of objects")
    same(attrs["fixed list"], np.array([b"a", b"bcd"]), "texts of a fixed length")
    equal(attrs["utf8"].decode(), "Größe", "with an encoding")
    equal(attrs["grid"].tolist(), [["a", "b"], ["c", "d"]], "texts in two dimensions")
    equal(h5py.check_string_dtype(attrs.get_id("ascii").dtype).encoding, "ascii", "the encoding is kept")
    raises(ValueError, "NUL", attrs.__setitem__, "nul", "a\0b", name="a text with NUL")
    raises(TypeError, "", attrs.__setitem__, "unicode", np.array(["a", "b"]), name="NumPy's own unicode")


def test_kinds(attrs):
    points = np.array([(1.5, 2, b"ab"), (2.5, 3, b"cd")], dtype=POINT)
    attrs["points"] = points
    same(attrs["points"], points, "structs")
    attrs["point"] = points[0]
    same(attrs["point"], points[0], "one of them")
    attrs["bools"] = np.array([True, False])
    same(attrs["bools"], np.array([True, False]), "booleans")
    attrs["half"] = np.arange(3, dtype="f2")
    same(attrs["half"], np.arange(3, dtype="f2"), "half precision")
    attrs["swapped"] = np.arange(3, dtype=">i4")
    same(attrs["swapped"], np.arange(3, dtype=">i4"), "the other byte order")
    colours = h5py.enum_dtype({"RED": 0, "GREEN": 1}, basetype="u1")
    attrs.create("colour", 1, dtype=colours)
    equal(int(attrs["colour"]), 1, "an enumeration")
    equal(h5py.check_enum_dtype(attrs.get_id("colour").dtype), {"RED": 0, "GREEN": 1}, "with its names")
    attrs["void"] = np.void(b"\x01\x00\x02")
    equal(attrs["void"].tobytes(), b"\x01\x00\x02", "opaque bytes")
    attrs["empty"] = h5py.Empty("f4")
    equal(attrs["empty"], h5py.Empty("f4"), "Empty")
    equal(attrs.get_id("empty").shape, None, "has no shape")
    raises(OSError, "Empty", attrs.modify, "empty", 1.0, name="modify() of Empty")
    attrs.create("array", np.arange(6).reshape(2, 3), dtype=np.dtype("3i4"))
    equal((attrs.get_id("array").shape, attrs["array"].tolist()), ((2,), [[0, 1, 2], [3, 4, 5]]), "arrays as elements")
    ragged = np.empty(2, dtype=object)
    ragged[0], ragged[1] = np.arange(2), np.arange(3)
    attrs.create("ragged", ragged, dtype=h5py.vlen_dtype("i4"))
    equal([row.tolist() for row in attrs["ragged"]], [[0, 1], [0, 1, 2]], "rows of any length")
    attrs["zero"] = np.zeros((2, 0))
    same(attrs["zero"], np.zeros((2, 0)), "of zero size")
    when = np.array(["2020-02-02"], dtype="M8[D]")
    attrs["time"] = when.astype(h5py.opaque_dtype(when.dtype))
    same(attrs["time"], when, "dates")
    raises(TypeError, "", attrs.__setitem__, "object", object(), name="an object")
    raises(TypeError, "", attrs.__setitem__, "dict", {"a": 1}, name="a dict")
    raises(TypeError, "", attrs.__setitem__, "none", None, name="None")


def test_create(attrs):
    attrs.create("c", [1, 2, 3, 4], shape=(2, 2), dtype="i2")
    same(attrs["c"], np.array([[1, 2], [3, 4]], "i2"), "create() with a shape and a type")
    raises(ValueError, "Shape", attrs.create, "c", [1, 2, 3], shape=(2, 2), name="that does not fit")
    attrs.modify("c", [[5, 6], [7, 8]])
    same(attrs["c"], np.array([[5, 6], [7, 8]], "i2"), "modify() keeps the type")
    attrs.modify("c", np.full((2, 2), 1.0))
    same(attrs["c"], np.ones((2, 2), "i2"), "of an array as well")
    raises(TypeError, "Shape", attrs.modify, "c", [1, 2], name="modify() to another shape")
    attrs.modify("new", [1.5])
    same(attrs["new"], np.array([1.5]), "modify() creates")
    attrs.create("fixed text", b"abcdef", dtype="S6")
    attrs.modify("fixed text", b"xyz")
    same(attrs["fixed text"], np.bytes_(b"xyz"), "modify() of a text of a fixed length")
    attrs.modify("text", "longer than before")
    equal(attrs["text"], "longer than before", "and of any length")
    info = attrs.get_id("c")
    equal((info.name, info.dtype, info.shape, info.get_storage_size()), (b"c", np.dtype("i2"), (2, 2), 8), "get_id()")
    raises(KeyError, "never", attrs.get_id, "never", name="of none")
    attrs["c"] = "replaced"
    equal(attrs["c"], "replaced", "replaced by another kind")
    check(b"c" in attrs and "never" not in attrs, "in")
    equal(attrs.pop("c"), "replaced", "pop()")
    raises(ValueError, "no name", attrs.__setitem__, "", 1, name="no name")


def test_big():
    big = np.arange(200000)
    with h5py.File("big.h5", "w", comm=comm) as f:
        raises(RuntimeError, "limit", f.attrs.__setitem__, "big", big, name="more than 64 KiB in the oldest format")
    with h5py.File("big.h5", "w", comm=comm, libver="latest") as f:
        f.attrs["big"] = big
        f.create_dataset("d", (3,)).attrs["big"] = big[::-1]
    with h5py.File("big.h5", comm=comm) as f:
        equal(f.attrs["big"], big, "in a newer one")
        equal(f["d"].attrs["big"], big[::-1], "of a dataset")


def test_many():
    count = 10000 if size == 2 else 1000
    with h5py.File("many.h5", "w", comm=comm, libver="v108", track_order=True) as f:
        for i in range(count):
            f.attrs[f"name {count - i}"] = i
        equal(len(f.attrs), count, f"{count} attributes")
    with h5py.File("many.h5", comm=comm) as f:
        names = list(f.attrs)
        equal(names, [f"name {count - i}" for i in range(count)], "in the order in which they came")
        equal([int(f.attrs[name]) for name in names[:: count // 10]], list(range(0, count, count // 10)), "with values")


def test_one_errs():
    with h5py.File("errs.h5", "w", comm=comm) as f:
        attrs = f.attrs
        attrs["there"] = [1, 2]
        raises(TypeError, "", attrs.__setitem__, if_odd(3, "x"), 1, name="a name that is none on one rank")
        raises((TypeError, ValueError), "", attrs.create, "x", if_odd(object(), 1), name="a value that is none")
        raises(TypeError, "Shape", attrs.modify, "there", if_odd([1], [1, 2]), name="another shape to modify")
        raises(ValueError, "Shape", attrs.create, "x", [1, 2], shape=if_odd((3,), (2,)), name="another shape to create")
        raises(KeyError, "never", attrs.__delitem__, if_odd("never", "there"), name="none to delete")
        if size > 1:
            wrong = h5py.CollectiveError
            for theirs, mine, name in (("a", "b", "texts"), (["a"], ["b"], "lists of texts"), (1, 1.0, "types"),
                                       (h5py.Empty("f4"), np.float32(0), "Empty"), ([1, 2], [[1, 2]], "shapes"),
                                       (np.zeros(1, POINT), np.ones(1, POINT), "structs")):
                raises(wrong, "disagree", attrs.__setitem__, "x", if_odd(mine, theirs), name=f"different {name}")
            raises(wrong, "disagree", attrs.modify, "there", if_odd([1, 3], [1, 2]), name="to modify")
        equal(list(attrs), ["there"], "nothing was done")


def read_by_others():
    """h5dump shows strings, structs and null dataspaces as such."""
    wrong = ""
    if rank == 0:
        try:
            run = subprocess.run(["h5dump", "-A", "types.h5"], capture_output=True, text=True)
            wanted = ('"RED"', "H5T_VARIABLE", "DATASPACE  NULL", "H5T_STD_I32BE", "H5T_VLEN", "H5T_OPAQUE")
            wrong = run.stderr or " ".join(w for w in wanted if w not in run.stdout)
        except FileNotFoundError:
            pass
    check(not wrong, "h5dump reads them", wrong)


with h5py.File("types.h5", "w", comm=comm) as file:
    for thing in (file, file.create_dataset("d", (2,)), file.create_group("g")):
        test_texts(thing.attrs)
        test_kinds(thing.attrs)
        test_create(thing.attrs)
read_by_others()
test_big()
test_many()
test_one_errs()
done()
