"""What programs written for h5py do by habit: filters as objects, extents as 1e6, files opened twice, names completed.

ranks: 1 2 3 4   limit: 60
"""

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1
A = np.arange(24, dtype="i4").reshape(4, 6)
LZF = h5py.h5z.filter_avail(h5py.h5z.FILTER_LZF)


def test_twice():
    with h5py.File("twice.h5", "w", comm=comm) as f:
        f["g/d"] = A
        f["g/e"] = A
    for mode in ("r", "r+"):
        with h5py.File("twice.h5", mode, comm=comm) as f, h5py.File("twice.h5", mode, comm=comm) as g:
            check(f == g and f is not g and hash(f) == hash(g) and f.id == g.id, f"{mode}: a file opened twice is one")
            check({f: 1}[g] and f["g/d"] == g["g/d"] and f["g/d"] in {g["g/d"]}, f"{mode}: so is what is in it")
            check(f["g/d"] != g["g/e"] and f != g["g"] and not f != g, f"{mode}: but not the next dataset")
            kept, number = f["g/d"], hash(f["g/d"])
        equal(hash(kept), number, f"{mode}: the hash of one whose file is closed")
        check(kept != g and kept == kept, f"{mode}: which is equal to itself alone")
    with h5py.File("twice.h5", "r", comm=comm) as f, h5py.File("other.h5", "w", comm=comm) as g:
        f.copy("g", g)
        check(f != g and f["g"] != g["g"] and f["g/d"] != g["g/d"], "a copy is another one")


def test_filters():
    class Lzf(h5py.filters.FilterRefBase):
        filter_id = 32000

    class Unknown(h5py.filters.FilterRefBase):
        filter_id, filter_options = 32015, (3,)

    with h5py.File("filters.h5", "w", comm=comm) as f:
        d = f.create_dataset("gzip", data=A, compression=h5py.filters.Gzip(3))
        equal((d.compression, d.compression_opts), ("gzip", 3), "a filter as an object")
        if LZF:
            equal(f.create_dataset("lzf", (9,), "i4", compression=Lzf()).compression, "lzf", "one of a program's own")
        raises(ValueError, "32015", f.create_dataset, "u", (9,), "i4", compression=Unknown(), name="one not there")
        d = f.create_dataset("u", (9,), "i4", compression=Unknown(), allow_unknown_filter=True)
        equal(d.filter_ids, (32015,), "unless it need not be")
        raises((ValueError, h5py.CollectiveError), "GZIP" if size == 1 else "", f.create_dataset, "bad", (9,), "i4",
               compression=h5py.filters.Gzip(30 if rank == odd else 3), name="one rank has no such level")
        equal(sorted(f), ["gzip", "lzf", "u"] if LZF else ["gzip", "u"], "and nothing was made")
        z = f.create_dataset("z", (99,), "i4", compression="szip", shuffle=True)
        wanted = {"shuffle": (4,), "szip": ("nn", 8)}
        equal(h5py._hl.filters.get_filters(z.id.get_create_plist()), wanted, "get_filters()")
        equal([h5py._hl.filters.get_filter_name(n) for n in (1, 32000, 9999)], ["gzip", "lzf", "9999"], "their names")
        if LZF:
            read = h5py._hl.filters.get_filters(f["lzf"].id.get_create_plist())
            equal(read, {"lzf": None}, "of what has no settings")
        raises(ValueError, "scalar", h5py._hl.filters.guess_chunk, (), None, 4, name="guess_chunk() of no extents")


def test_numbers():
    with h5py.File("numbers.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", (4.0, np.float64(6)), "i4", maxshape=(8.0, None), chunks=(2, 3))
        equal((d.shape, d.maxshape), ((4, 6), (8, None)), "whole numbers as extents, whatever their type")
        d.resize((1e1 - 2, 6))
        d.resize(7.0, axis=1)
        equal(d.shape, (8, 7), "and to resize")
        raises(TypeError, "float", f.create_dataset, "x", (1.5,), "i4", name="but no half ones")
        raises(TypeError, "float", d.resize, (float("nan"), 1), name="nor none at all")
        for value, dtype, wanted in ((300, "u1", 255), (-1, "u1", 0), (1e9, "i1", 127), (np.nan, "i2", 0),
                                     (-np.inf, "i4", -(2**31)), (2**63, "i8", 2**63 - 1), (2.7, "i4", 2),
                                     (2**64 - 1, "u8", 2**64 - 1)):
            d = f.create_dataset(f"{dtype}{value}", (2,), dtype, fillvalue=value)
            equal((int(d.fillvalue), d[:].tolist()), (wanted, [wanted] * 2), f"fill value {value} of {dtype}")
        for name, dtype in (("vlen", h5py.vlen_dtype("i4")), ("ref", h5py.ref_dtype)):
            equal(f.create_dataset(name, (2,), dtype).fillvalue, None, f"none of {name}")
        equal(f.create_dataset("text", (2,), h5py.string_dtype()).fillvalue, b"", "of strings")


def test_sequence():
    with h5py.File("sequence.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", data=A)
        equal([row.tolist() for row in reversed(d)], A[::-1].tolist(), "reversed()")
        locked = np.zeros(6, "i4")
        locked.flags.writeable = rank != odd
        raises((TypeError, h5py.CollectiveError), "read-only", d.read_direct, locked, np.s_[0], name="a locked array")
        s = f.create_dataset("s", data=np.array([b"ab", b"c"]))
        if hasattr(np, "dtypes") and hasattr(np.dtypes, "StringDType"):
            texts = s.astype("T")
            equal((texts[...].dtype.kind, texts[:].tolist(), texts[1]), ("T", ["ab", "c"], "c"), "fixed as StringDType")
        raises(OSError, "no conversion", lambda: d.astype("S3")[0], name="what cannot be read as strings")
        raises(OSError, "no conversion", d.__setitem__, 0, np.array(b"x", "S1"), name="nor written from them")
        f["d"].dims[0].label = b"rows"
        equal(d.dims[0].label, "rows", "a label of bytes")
        s.make_scale(b"names")
        equal((s.is_scale, s.attrs["NAME"]), (True, b"names"), "and such a name of a scale")


def test_conversions():
    """Scalars of NumPy are converted by NumPy, arrays by HDF5."""
    with h5py.File("conversions.h5", "w", comm=comm) as f:
        for dtype, value, wanted in (("?", np.int64(5), True), ("c8", np.float64(2), 2 + 0j), ("u1", np.int8(-1), 255),
                                     ("c16", np.uint8(2), 2 + 0j), ("i4", np.float64(2.9), 2),
                                     ("f4", np.bool_(True), 1.0), ("i2", np.array(70000), 32767),
                                     ("u1", np.array(-5.5), 0), (">i4", np.int8(3), 3)):
            d = f.require_dataset(f"in {dtype}", (3,), dtype)
            d[1] = value
            equal(d[1], np.dtype(dtype).type(wanted), f"{value!r} in {dtype}")
        raises((ValueError, h5py.CollectiveError), "xyz" if size == 1 else "", f["in i4"].__setitem__, 0,
               np.bytes_(b"xyz") if rank == odd else np.int64(1), name="one rank gives no number")
        truth = np.array([False, True, True])
        equal(f.create_dataset("b", data=np.array([0, 3, 1]), dtype=bool)[:], truth, "made of integers")
        equal(f.create_dataset("c", data=np.ones(2), dtype="c8")[:], np.ones(2, "c8"), "complex made of real numbers")
        for encoding in ("utf-8", "ascii"):
            d = f.create_dataset(None, data=np.array([b"a", b"bc"]), dtype=h5py.string_dtype(encoding))
            equal((h5py.check_string_dtype(d.dtype).length, d[:].tolist()), (None, [b"a", b"bc"]),
                  f"strings of any length made of fixed ones, {encoding}")
        colours = h5py.enum_dtype({"red": 0, "blue": 1}, "u1")
        d = f.create_dataset("colours", data=np.array([1, 0, 1]), dtype=colours)
        equal((h5py.check_enum_dtype(d.dtype), d[:].tolist()), ({"red": 0, "blue": 1}, [1, 0, 1]), "of an enumeration")
        d = f.create_dataset("f", (2,), h5py.string_dtype("utf-8", 4), fillvalue="\xfc")
        equal(d[:].tolist(), ["\xfc".encode()] * 2, "a fill value as text")
        d = f.create_dataset("t", data=np.array([(1, 2.5, b"x"), (2, 3.5, b"y")], "i4,f8,S3"))
        for value in ((7, 8.0), (7, 8.0, b"z"), np.array((7, 8.0, b"z"), d.dtype)[()]):
            d[...] = np.zeros((), d.dtype)
            d["f0", "f1"] = value
            equal(d[:].tolist(), [(7, 8.0, b"")] * 2, f"two fields of {value}")
        ints = f.create_dataset("i", data=np.array([0, 3, 1]))
        equal(np.asarray(ints, dtype=bool), truth, "an array of what is not zero")
        v = f.create_dataset("v", (3,), "V3")
        raises(OSError, "no conversion", v.write_direct, np.ones(3, "i4"), name="numbers are no opaque bytes")
        v[0] = np.void(b"abc")
        equal(v[0].tobytes(), b"abc", "but these are")


def test_typed():
    with h5py.File("typed.h5", "w", comm=comm) as f:
        f["b"], f["a/x"] = A, A
        f.attrs["k"] = 1
        attrs = h5py.AttributeManager(f["b"])
        attrs["n"] = 3
        f.attrs["few"], f.attrs["texts"] = np.zeros(3, "i2"), ["a", "bcd"]
        equal([f.attrs.get_id(name).get_storage_size() for name in ("few", "texts")], [6, 32], "bytes of attributes")
        del f.attrs["few"], f.attrs["texts"]
        equal((f["b"].attrs["n"], type(attrs) is type(f.attrs)), (3, True), "AttributeManager(object)")
        raises(TypeError, "parent", h5py.AttributeManager, 3, name="of something else")
        raises(TypeError, "", h5py.AttributeManager, name="of nothing")
        equal((f._ipython_key_completions_(), f.attrs._ipython_key_completions_()), (["a", "b"], ["k"]), "completion")
    raises(RuntimeError, "session", h5py.enable_ipython_completer, name="which needs nothing, and here is no IPython")
    raises(NotImplementedError, "make check", h5py.run_tests, name="run_tests()")
    config = h5py.get_config()
    raises(AttributeError, "trak_order", setattr, config, "trak_order", True, name="a setting that there is not")
    config.default_file_mode = "r"
    raises(ValueError, "always", setattr, config, "default_file_mode", "a", name="the mode is always told")
    equal((config.default_file_mode, config.track_order), ("r", False), "settings")
    equal(h5py._hl.base.is_hdf5, h5py.is_hdf5, "modules of classes without an import")
    raises(AttributeError, "nothing", lambda: h5py._hl.nothing, name="and what is none")


def test_low():
    s, t = (h5py.h5s.create_simple((4, 4)) for _ in "st")
    s.select_hyperslab((0, 0), (2, 2))
    t.select_hyperslab((1, 1), (2, 2))
    both = s.combine_select(t)
    equal((both.get_select_npoints(), s.get_select_npoints()), (7, 4), "combine_select()")
    both.modify_select(t, h5py.h5s.SELECT_AND)
    equal(both.get_select_bounds(), ((1, 1), (2, 2)), "modify_select()")
    both.select_copy(s)
    equal(both.get_select_bounds(), ((0, 0), (1, 1)), "select_copy()")
    s.select_hyperslab((0, 0), (0, 3), block=(1, 2))
    equal(s.get_select_npoints(), 0, "blocks that would overlap if there were any")
    s.select_elements([(0, 0)])
    raises(ValueError, "", s.combine_select, t, name="of single elements")
    e = h5py.enum_dtype({"A": 1})
    equal([type(h5py.h5t.py_create(e, logical=how)).__name__ for how in (True, False)],
          ["TypeEnumID", "TypeIntegerID"], "an enumeration, and its numbers")
    with h5py.File("low.h5", "w", comm=comm) as f:
        f["a"], f["b"] = 1, 2
        links = f.id.links
        equal((links.iterate(lambda name: None), links.iterate(lambda name: name)), ((None, 2), (b"a", 1)), "iterate()")
        h5py.h5a.create(f.id, b"x", h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((2,)))
        raises(RuntimeError, "exists", h5py.h5a.create, f.id, b"x", h5py.h5t.NATIVE_INT32,
               h5py.h5s.create_simple((2,)), name="an attribute twice")
        kind = h5py.h5t.py_create("i4")
        kind.commit(f.id, b"t")
        raises(TypeError, "already", kind.commit, f.id, b"u", name="a named type twice")
        raises(OverflowError, "negative", f.create_dataset, "e", (4,), "i4", external=[("x.bin", 0, -1)],
               name="a negative size")


test_twice()
test_filters()
test_numbers()
test_sequence()
test_conversions()
test_typed()
test_low()
done()
