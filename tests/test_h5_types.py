"""Element types that are no plain numbers, written by the ranks together and read back.

ranks: 1 2 3 4
"""

import subprocess
import sys

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
N = 10
first, last = N * rank // size, N * (rank + 1) // size
POINT = np.dtype([("x", "f8"), ("id", "i4"), ("name", "S6"), ("pair", "f4", (2,)), ("in", [("a", ">i2"), ("b", "u1")])])
COLOURS = {"RED": 0, "GREEN": 1, "BLUE": 7}


def sample(dtype, n=N):
    """Any bytes are fine, but for floating-point numbers, which should be equal to themselves."""
    dtype = np.dtype(dtype)
    numbers = np.arange(n * max(1, dtype.itemsize)) % 50 + 65
    if dtype.names:
        made = np.zeros(n, dtype)
        for name in dtype.names:
            made[name] = sample(dtype[name], n)
        return made
    if dtype.subdtype:
        base, shape = dtype.subdtype
        return sample(base, n * int(np.prod(shape))).reshape((n, *shape))
    if dtype.kind in "SV":
        return numbers.astype("u1").view(f"{dtype.kind}{dtype.itemsize}").copy()
    if dtype.kind == "M":
        return numbers[:n].astype("i8").view(dtype)
    return (numbers[:n] % 2 == 0) if dtype.kind == "b" else numbers[:n].astype(dtype)


TYPES = {
    "big": ">f8", "bigint": ">i4", "bigcomplex": ">c16", "longdouble": "g", "clongdouble": "G", "struct": POINT,
    "aligned": np.dtype([("a", "i1"), ("b", "f8"), ("c", "i2")], align=True),
    "gaps": np.dtype({"names": ["p", "q"], "formats": ["i4", "f8"], "offsets": [8, 16], "itemsize": 40}),
    "array": np.dtype(("i4", (3, 2))), "string": "S7", "opaque": "V5", "enum": collio.enum_dtype(COLOURS, "i2"),
    "unsigned": collio.enum_dtype({"ALL": 2**64 - 1, "NONE": 0}, "u8"), "time": collio.opaque_dtype("M8[us]"),
    "utf8": collio.string_dtype("utf-8", 9), "bools": np.dtype([("yes", "?"), ("z", "c8")]),
}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())


def test_fixed(f):
    for name, dtype in TYPES.items():
        dtype = np.dtype(dtype)
        values = sample(dtype)
        d = f.create_dataset(f"fixed/{name}", (N,), dtype)
        check(d.dtype == dtype and (d.dtype.metadata or {}).items() >= (dtype.metadata or {}).items(), f"{name}: dtype", repr(d.dtype))
        d[first:last] = values[first:last].view(dtype) if dtype.metadata else values[first:last]
        check(same(d[...], values), f"{name}: comes back", repr((d[...], values)))
        check(same(d[1::3], values[1::3]) and d[3].dtype == values[3].dtype, "a part of it, and one")
        check(same(np.asarray(d), values), "numpy.asarray()")
        equal(d.nbytes, N * dtype.itemsize, "nbytes")
        c = f.create_dataset(f"chunked/{name}", (N,), dtype, chunks=(4,))
        c[first:last] = d[first:last]
        check(same(c[...], values), "in chunks")


def test_converted(f):
    d = f["fixed/big"]
    numbers = np.arange(N, dtype="i2")
    d[first:last] = numbers[first:last]
    equal(d[...], numbers.astype(">f8"), "int16 into big-endian float64")
    equal(d.astype("f4")[2:4], numbers[2:4].astype("f4"), "astype()")
    equal(np.asarray(d.astype("i8")), numbers.astype("i8"), "as an array")
    check(d.astype(">f8") is d and d.astype("f4").dtype == "f4" and len(d.astype("f4")) == N, "its facts")
    equal(d.astype("i4")[5], np.int32(5), "one element")
    f["fixed/enum"][...] = [0, 7] * (N // 2)
    equal(f["fixed/enum"].astype("i8")[:2], np.array([0, 7]), "an enumeration as numbers")
    f["fixed/string"][...] = ["ab", "c"] * (N // 2)
    equal(f["fixed/string"][1], np.bytes_(b"c"), "text into fixed strings")
    equal(f["fixed/string"].asstr()[:2], np.array(["ab", "c"], object), "asstr()")
    f["fixed/utf8"][...] = "äö"
    equal(f["fixed/utf8"].asstr()[0], "äö", "text that is not ASCII")
    raises((TypeError, UnicodeError), "", f["fixed/string"].__setitem__, 0, "ä", name="text that does not fit into ASCII")
    raises(OSError, "conversion", d.__setitem__, 0, np.array(b"x", "S1"), name="no conversion")
    raises(TypeError, "conversion", d.__setitem__, ..., np.array(["x"] * N), name="no type for it")
    raises(TypeError, "strings", d.asstr, name="asstr() of numbers")


def test_fields(f):
    d = f.create_dataset("points", (N,), POINT, chunks=None)
    values = sample(POINT)
    d[...] = values
    equal(d["x"], values["x"], "a field")
    equal(d["pair", 2:5], values["pair"][2:5], "a field that is an array")
    equal(d[3, "id"], values["id"][3], "of one element")
    equal(d["in"], values["in"], "a struct in a struct")
    check(same(d["id", "x"], np.asarray(values[["id", "x"]], [("id", "i4"), ("x", "f8")])), "two fields")
    equal(d.fields("id")[::2], values["id"][::2], "fields() of one name")
    check(d.fields(["x", "name"])[:].dtype.names == ("x", "name") and d.fields("x").dtype == "f8", "and of two")
    d["id", first:last] = -np.arange(first, last)
    values["id"] = -np.arange(N)
    check(same(d[...], values), "writing a field leaves the others", repr(d[...]))
    d["pair"] = np.float64([1, 2])
    values["pair"] = [1, 2]
    check(same(d[...], values), "a field that is an array, converted")
    other = np.zeros(N, [("name", "S3"), ("zz", "i1"), ("x", "f4")])
    other["name"], other["x"] = b"abc", 5
    d["x", "name", first:last] = other[first:last]
    values["x"], values["name"] = 5, b"abc"
    check(same(d[...], values), "two fields out of another struct", repr(d[...]))
    d[0] = (1, 2, b"three", (4, 5), (6, 7))
    one = d[0]
    check((one["x"], one["id"], one["name"], one["in"].item()) == (1, 2, b"three", (6, 7)) and one["pair"][1] == 5, "a tuple")
    raises(ValueError, "does not appear", lambda: d["nose"], name="no such field")
    raises(ValueError, "nose", d.__setitem__, "nose", 1, name="to write")
    raises(TypeError, "compound", f["fixed/big"].__setitem__, "x", 1, name="no struct")


def test_variable(f):
    texts = [f"text {i} " + "ä" * i for i in range(N)]
    encoded = np.array([text.encode() for text in texts], object)
    d = f.create_dataset("texts", (N,), collio.string_dtype())
    check(collio.check_string_dtype(d.dtype) == ("utf-8", None), "dtype of texts")
    d[first:last] = texts[first:last]
    equal(d[...], encoded, "texts of all ranks")
    equal(d.asstr()[...], np.array(texts, object), "as str")
    equal(d[4], encoded[4], "one is bytes")
    d[[0, 9]] = ["first", b"last"]
    d[1 : 1 if rank else 2] = "" if rank == 0 else []
    equal([d[0], d[1], d[9], d[2]], [b"first", b"", b"last", encoded[2]], "some of them")
    equal(d.astype("S5")[0], np.bytes_(b"first"), "cut to a length")
    into = np.empty(3, object)
    d.read_direct(into, np.s_[2:5])
    equal(into, encoded[2:5], "read_direct() into objects")
    lists = f.create_dataset("lists", (N,), collio.vlen_dtype("i4"))
    for i in range(N):
        lists[i] = np.arange(i)
    check(all(np.array_equal(row, np.arange(i)) and row.dtype == "i4" for i, row in enumerate(lists[...])), "arrays of any length")
    lists[first:last] = np.ones((last - first, 3))
    check(all(np.array_equal(row, [1, 1, 1]) for row in lists[...]), "of each rank")
    mixed = f.create_dataset("mixed", (N,), np.dtype([("n", "i8"), ("t", collio.string_dtype()), ("v", collio.vlen_dtype("f4"))]))
    values = np.zeros(N, mixed.dtype)
    values["n"], values["t"] = np.arange(N), texts
    for i in range(N):
        values["v"][i] = np.full(i, i, "f4")
    mixed[first:last] = values[first:last]
    got = mixed[...]
    check(got["n"].tolist() == list(range(N)) and got["t"].tolist() == encoded.tolist()
          and all(np.array_equal(a, b) for a, b in zip(got["v"], values["v"])), "structs with both")
    equal(mixed["t", 3:5], encoded[3:5], "a field of variable length")
    grid = f.create_dataset("grid", (4, 3), collio.string_dtype("ascii"), chunks=(2, 2), compression="gzip")
    grid[rank::size] = f"r{rank}"
    equal(grid[:, 1].tolist(), [f"r{i % size}".encode() for i in range(4)], "texts in filtered chunks")
    raises(ValueError, "NULL", d.__setitem__, 0, "a\0b", name="a text with NUL")
    if size > 1:
        raises(ValueError, "NULL", d.__setitem__, rank, "a\0b" if rank == 1 else "good", name="on one rank")
    raises(ValueError, "allowed", d.__setitem__, rank % N, "x" * 70_000_000, name="too much at once")


def test_after(f):
    """The same, from the file."""
    equal(f["texts"][2], ("text 2 " + "ä" * 2).encode(), "texts are in the file")
    check(all(np.array_equal(row, [1, 1, 1]) for row in f["lists"][...]), "arrays of any length, too")
    equal(f["mixed"][7]["t"], ("text 7 " + "ä" * 7).encode(), "and structs with them")
    check(same(f["fixed/struct"][...], sample(POINT)), "and structs")
    equal(collio.check_enum_dtype(f["fixed/enum"].dtype), COLOURS, "names of an enumeration")


def test_creation(f):
    """What create_dataset() makes of types and data."""
    for dtype in (np.float64, "f8", float, np.dtype("f8")):
        equal(f.create_dataset(f"made/{dtype!r}", (2,), dtype).dtype, np.dtype("f8"), f"dtype={dtype!r}")
    equal(f.create_dataset("made/texts", data=["a", "bc"])[...], np.array([b"a", b"bc"], object), "data of texts")
    equal(f.create_dataset("made/one", data="text").asstr()[()], "text", "a text")
    equal(f.create_dataset("made/fixed", data=np.array([b"ab"], "S2"))[0], np.bytes_(b"ab"), "data of fixed strings")
    equal(f.create_dataset("made/half", data=[1.5], dtype="f2")[...], np.array([1.5], "f2"), "a list with a dtype")
    big = f.create_dataset("made/big", data=np.arange(6), shape=(2, 3), dtype=">i2")
    equal(big[...], np.arange(6).reshape(2, 3).astype(">i2"), "data of another type and shape")
    empty = f.create_dataset("made/empty", data=collio.Empty("f4"))
    check(empty.shape is None and empty.size is None and empty[...] == collio.Empty("f4") and empty.nbytes == 0, "no extents")
    check(f.create_dataset("made/typed", dtype="i2")[()] == collio.Empty("i2"), "nothing but a dtype")
    raises(TypeError, "", len, empty, name="which have no length")
    raises(ValueError, "sliced", lambda: empty[0], name="and no index")
    raises(TypeError, "written", empty.__setitem__, ..., 1, name="and take no values")
    raises(TypeError, "conversion", f.create_dataset, "made/bad", (2,), "U3", name="a type that cannot be stored")
    raises(TypeError, "One of", f.create_dataset, "made/bad", name="nothing given")
    if size > 1:
        raises(TypeError, "", f.create_dataset, "made/bad", (2,), "U3" if rank == 1 else "S3", name="on one rank")
        raises(collio.CollectiveError, "disagree", f.create_dataset, "made/bad", (2,), "S4" if rank == 1 else "S3",
               name="types that differ")


def test_named(f):
    f["kinds/point"] = POINT
    f["kinds/colour"] = collio.enum_dtype(COLOURS, "i2")
    named = f["kinds/point"]
    check(isinstance(named, collio.Datatype) and named.dtype == POINT and named.name == "/kinds/point", "a named type")
    check(repr(named).startswith("<HDF5 named type "), "its repr", repr(named))
    equal(collio.check_enum_dtype(f["kinds/colour"].dtype), COLOURS, "an enumeration with a name")
    equal(f.create_dataset("kinds/d", (2,), named).dtype, POINT, "a dataset of it")
    named.attrs["unit"] = "m"
    equal(named.attrs["unit"], "m", "it has attributes")
    raises(TypeError, "", f.__setitem__, "kinds/point", np.dtype("f4"), name="a name that is taken")
    raises(TypeError, "conversion", f.__setitem__, "kinds/bad", np.dtype("U3"), name="a dtype that cannot be stored")
    if size > 1:
        raises(collio.CollectiveError, "disagree", f.__setitem__, "kinds/bad", np.dtype("f4" if rank else "f8"),
               name="dtypes that differ")
        raises(TypeError, "", f.__setitem__, "kinds/bad", np.dtype("U3" if rank == 1 else "f8"), name="a bad one on one rank")


def test_helpers():
    info = collio.check_string_dtype
    check(info(collio.string_dtype("ascii", 5)) == ("ascii", 5) and info(np.dtype("f8")) is None, "check_string_dtype()")
    check(info(collio.special_dtype(vlen=str)).encoding == "utf-8", "special_dtype(vlen=str)")
    check(collio.check_dtype(vlen=collio.vlen_dtype("f4")) == "f4", "check_dtype(vlen=)")
    check(collio.check_dtype(enum=collio.special_dtype(enum=("i1", COLOURS))) == COLOURS, "special_dtype(enum=)")
    check(collio.check_opaque_dtype(collio.opaque_dtype("M8[s]")) and not collio.check_opaque_dtype(np.dtype("M8[s]")), "opaque")
    raises(TypeError, "integer", collio.enum_dtype, COLOURS, "f4", name="an enumeration of floats")
    raises(ValueError, "ncoding", collio.string_dtype, "latin-1", name="an unknown encoding")
    raises(TypeError, "one keyword", collio.special_dtype, vlen=str, enum=1, name="two at once")
    check(collio.Empty("f4") == collio.Empty("f4") != collio.Empty("i4"), "Empty")


test_helpers()
with collio.File("types.h5", "w", comm=comm) as f:
    test_creation(f)
    test_named(f)
    test_fixed(f)
    test_converted(f)
    test_fields(f)
    test_variable(f)
    f["fixed/struct"][...] = sample(POINT)
with collio.File("types.h5", comm=comm) as f:
    test_after(f)
if rank == 0:
    dump = subprocess.run(["h5dump", "-d", "/texts", "-d", "/fixed/big", "-d", "/mixed", "types.h5"], capture_output=True, text=True)
    good = dump.returncode == 0 and '"first"' in dump.stdout and "H5T_IEEE_F64BE" in dump.stdout and "text 9" in dump.stdout
    sys.stderr.write("" if good else dump.stdout + dump.stderr)
check(rank > 0 or good, "h5dump reads it")
done()
