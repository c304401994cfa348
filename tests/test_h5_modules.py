"""h5py's low-level modules and those of its classes: spaces, types that change, lists, selections, names of types.

ranks: 1 2 3   limit: 90
"""

import importlib
import pickle

import numpy as np

import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
h5s, h5t, h5p = h5py.h5s, h5py.h5t, h5py.h5p
A = np.arange(24, dtype="i8").reshape(4, 6)


def test_modules():
    for name in ("h5 h5a h5ac h5d h5ds h5f h5fd h5g h5i h5l h5o h5p h5pl h5r h5s h5t h5z h5py_warnings version _hl.attrs "
                 "_hl.base _hl.compat _hl.dataset _hl.datatype _hl.dims _hl.files _hl.filters _hl.group "
                 "_hl.selections _hl.selections2 _hl.vds").split():
        module = importlib.import_module("collio." + name)
        missing = [n for n in getattr(module, "__all__", ()) if not hasattr(module, n)]
        check(not missing, f"collio.{name}", missing)
    check(h5py.h5s is importlib.import_module("collio.h5s"), "attributes of the package are modules")
    check(h5py.filters is importlib.import_module("collio._hl.filters"), "filters, too")
    with h5py.h5.phil:
        check(True, "a lock to take")


def test_spaces():
    s = h5s.create_simple((4, 6))
    equal((s.get_select_type(), s.get_select_npoints(), s.get_select_bounds()), (h5s.SEL_ALL, 24, ((0, 0), (3, 5))), "all")
    s.select_hyperslab((0, 0), (2, 2), (2, 3), (1, 2))
    equal(s.get_regular_hyperslab(), ((0, 0), (2, 3), (2, 2), (1, 2)), "a regular one")
    s.select_hyperslab((1, 1), (1, 1), op=h5s.SELECT_OR)
    equal((s.is_regular_hyperslab(), s.get_select_npoints()), (False, 9), "and one more element")
    equal(s.get_select_hyper_blocklist().tolist(), [[[0, 0], [0, 1]], [[0, 3], [0, 4]], [[1, 1], [1, 1]],
                                                    [[2, 0], [2, 1]], [[2, 3], [2, 4]]], "its blocks")
    for op, left in ((h5s.SELECT_AND, 1), (h5s.SELECT_XOR, 3), (h5s.SELECT_NOTB, 3), (h5s.SELECT_NOTA, 3)):
        s.select_hyperslab((0, 0), (2, 2))
        s.select_hyperslab((1, 1), (2, 2), op=op)
        wanted = left if op != h5s.SELECT_XOR else 6
        equal(s.get_select_npoints(), wanted, f"sets of elements, {op}")
    s.select_elements([(1, 2), (0, 0)])
    s.select_elements([(3, 5)], op=h5s.SELECT_PREPEND)
    equal(s.get_select_elem_pointlist().tolist(), [[3, 5], [1, 2], [0, 0]], "points")
    again = h5s.decode(s.encode())
    equal((again.shape, again.get_select_npoints()), ((4, 6), 3), "as bytes, and back")
    s.select_hyperslab((1, 2), (20, 3))
    check(not s.select_valid(), "what is outside is known")
    raises(ValueError, "stride", s.select_hyperslab, (0, 0), (2, 2), (0, 1), name="no stride")
    raises(RuntimeError, "overlap", s.select_hyperslab, (0, 0), (2, 2), (1, 1), (2, 2), name="blocks that overlap")
    raises(ValueError, "tuple", h5s.create_simple, 4, name="no tuple")
    raises(ValueError, "smaller", h5s.create_simple, (4,), (3,), name="maxdims")
    random = np.random.default_rng(5)
    for _ in range(40):  # against masks of NumPy
        s, mask = h5s.create_simple((7, 9)), np.zeros((7, 9), bool)
        for i in range(4):
            start, count = random.integers(0, 3, 2), random.integers(1, 3, 2)
            block = random.integers(1, 3, 2)
            stride = block + random.integers(0, 2, 2)
            box = np.zeros_like(mask)
            for at in np.ndindex(*count):
                box[tuple(slice(a + n * t, a + n * t + b) for a, n, t, b in zip(start, at, stride, block))] = True
            op = int(random.integers(1, 6)) if i else h5s.SELECT_SET
            s.select_hyperslab(*(tuple(map(int, v)) for v in (start, count, stride, block)), op=op)
            mask = box if i == 0 else {1: mask | box, 2: mask & box, 3: mask ^ box, 4: mask & ~box, 5: ~mask & box}[op]
        got = np.zeros_like(mask)
        if s.get_select_type() == h5s.SEL_HYPERSLABS:
            for first, last in s.get_select_hyper_blocklist().astype(int):
                got[first[0]:last[0] + 1, first[1]:last[1] + 1] = True
        if not (np.array_equal(got, mask) and s.get_select_npoints() == mask.sum()):
            check(False, "random sets of blocks")
            break
    else:
        check(True, "random sets of blocks")


def test_transfers():
    with h5py.File("modules.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", data=A)
        space = d.id.get_space()
        space.select_hyperslab((rank % 4, 1), (1, 3))
        mine = np.zeros((1, 3), "i8")
        d.id.read(h5s.create_simple((1, 3)), space, mine)
        equal(mine, A[rank % 4 : rank % 4 + 1, 1:4], "each rank its part")
        full = np.zeros((4, 6), "i8")
        d.id.read(space, space, full)
        equal(full[rank % 4, 1:4], A[rank % 4, 1:4], "at the same place in memory")
        space.select_elements([(3, 5), (0, 1), (3, 5)])
        out = np.zeros(3, "i8")
        d.id.read(h5s.create_simple((3,)), space, out)
        equal(out, np.array([23, 1, 23]), "points, in their order")
        space.select_elements([(3, 5), (0, 1)])
        d.id.write(h5s.create_simple((2,)), space, np.array([-1, -2]))
        equal((d[3, 5], d[0, 1]), (np.int64(-1), np.int64(-2)), "written")
        raises(OSError, "number of elements", d.id.read, h5s.create_simple((3,)), space, np.zeros(3, "i8"), name="too many")
        ref = h5py.h5r.create(f.id, b"d", h5py.h5r.DATASET_REGION, h5py.h5r.get_region(d.regionref[1:3, 2], f.id))
        equal((d[ref].tolist(), h5py.h5r.get_region(ref, f.id).get_select_bounds()), ([[8], [14]], ((1, 2), (2, 2))), "regions")


def test_types():
    c = h5t.create(h5t.COMPOUND, 12)
    c.insert(b"a", 0, h5t.NATIVE_INT32)
    c.insert(b"b", 4, h5t.NATIVE_DOUBLE)
    equal((c.dtype, c.get_member_offset(1)), (np.dtype([("a", "i4"), ("b", "f8")]), 4), "a struct, field by field")
    raises(ValueError, "unique", c.insert, b"a", 0, h5t.NATIVE_INT32, name="a field twice")
    e = h5t.enum_create(h5t.NATIVE_INT8)
    e.enum_insert(b"A", 1)
    e.enum_insert(b"B", 2)
    equal((h5py.check_enum_dtype(e.dtype), e.enum_nameof(2)), ({"A": 1, "B": 2}, b"B"), "an enumeration, name by name")
    raises(TypeError, "redefinition", e.enum_insert, b"A", 5, name="a name twice")
    t = h5t.py_create("i4")
    t.set_size(2)
    t.set_order(h5t.ORDER_BE)
    t.set_sign(h5t.SGN_NONE)
    equal(t.dtype, np.dtype(">u2"), "numbers that change")
    raises(TypeError, "read-only", h5t.NATIVE_INT32.set_size, 2, name="constants do not")
    s = h5t.C_S1.copy()
    s.set_size(h5t.VARIABLE)
    s.set_cset(h5t.CSET_UTF8)
    equal(tuple(h5py.check_string_dtype(s.dtype)), ("utf-8", None), "strings")
    equal((h5t.vlen_create(h5t.NATIVE_FLOAT).get_class(), h5t.array_create(h5t.NATIVE_FLOAT, (2, 3)).dtype.shape),
          (h5t.VLEN, (2, 3)), "sequences and arrays")
    with h5py.File("modtypes.h5", "w", comm=comm) as f:
        t.commit(f.id, b"named")
        equal((t.committed(), f["named"].dtype, h5t.open(f.id, b"named") == t), (True, np.dtype(">u2"), True), "commit()")
        h5py.h5d.create(f.id, b"none", t, h5s.create(h5s.NULL))
        h5py.h5d.create(f.id, b"one", t, h5s.create(h5s.SCALAR))
        equal((f["none"].shape, f["one"].shape), (None, ()), "datasets of such spaces")


def test_names_of_types():
    config = h5py.get_config()
    for wrong in (3, ("a",), ("a", "a")):
        raises(TypeError, "length-2", setattr, config, "complex_names", wrong, name=f"complex_names = {wrong}")
    raises(AttributeError, "", setattr, config, "ros3", True, name="what cannot be set")
    config.complex_names, config.bool_names = ("re", "im"), ("NO", "YES")
    with h5py.File("modnames.h5", "w", comm=comm) as f:
        c = f.create_dataset("c", data=np.array([1 + 2j]))
        b = f.create_dataset("b", data=np.array([True, False]))
        s = f.create_dataset("s", data=np.array([1 + 2j], ">c16"))
        equal(c[...], np.array([1 + 2j]), "complex numbers of other names")
        equal(b[...], np.array([True, False]), "booleans of other names")
        equal(s[...].astype("c16"), np.array([1 + 2j]), "those of the other byte order")
    config.complex_names, config.bool_names = ("r", "i"), ("FALSE", "TRUE")
    with h5py.File("modnames.h5", "r", comm=comm) as f:
        equal(f["c"].dtype.names, ("re", "im"), "structs, when the names are others again")
        equal(h5py.check_enum_dtype(f["b"].dtype), {"NO": 0, "YES": 1}, "and enumerations")
        with h5py.File("modnames2.h5", "w", comm=comm) as g:
            equal(g.create_dataset("c", data=np.array([1j])).dtype, np.dtype("c16"), "as usual again")
    if size > 1:
        config.complex_names = ("r", "i") if rank else ("x", "y")
        with h5py.File("modnames3.h5", "w", comm=comm) as f:
            raises(h5py.CollectiveError, "create_dataset", f.create_dataset, "c", (3,), "c16", name="ranks that differ")
        config.complex_names = ("r", "i")


def test_selections():
    sel = importlib.import_module("collio._hl.selections")
    s = sel.select((4, 6), (slice(1, 3), 2), None)
    equal((s.mshape, s.array_shape, s.nselect), ((2, 1), (2,), 2), "a simple one")
    equal(sel.select((4, 6), (slice(None), [1, 3, 4]), None).array_shape, (4, 3), "a list")
    points = sel.select((4, 6), np.eye(4, 6, dtype=bool), None)
    equal((type(points).__name__, points.nselect), ("PointSelection", 4), "a mask")
    equal(len(list(sel.select((4, 6), (slice(0, 2),), None).broadcast((6,)))), 2, "broadcasting")
    raises(TypeError, "broadcast", lambda: list(sel.select((4, 6), (slice(0, 2),), None).broadcast((5,))), name="no fit")
    with h5py.File("modsel.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", data=A)
        points.set([(2, 1), (0, 3)])
        equal(d[points], np.array([13, 3]), "read, in the order of the points")
        d[points] = [-1, -2]
        equal((d[2, 1], d[0, 3]), (np.int64(-1), np.int64(-2)), "written")
        equal(d[sel.select((4, 6), (1,), None)], A[1], "a row")
        raises(TypeError, "Mismatched", sel.select, (4, 7), s, name="one of another shape")


def test_exceptions():
    with h5py.File("modexc.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", (4,), maxshape=(10,))
        raises(RuntimeError, "largest", d.resize, (20,), name="beyond maxshape")
        raises(RuntimeError, "limit", f.attrs.create, "a", np.zeros(10000), name="an attribute that is too large")
        raises(ValueError, "empty", f.get, "", name="get('')")
        f["a"], f["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        raises(RuntimeError, "too many links", f.__getitem__, "a", name="links that never end")
        raises(RuntimeError, "too many links", f.get, "a", name="get() of one")
        check("a" in f and f.get("a", getlink=True).path == "/b", "which are there")
        f.attrs["x"] = 1
    with h5py.File("modexc.h5", "r", comm=comm) as f:
        raises(KeyError, "reading only", f.attrs.__delitem__, "x", name="deleting an attribute")
        raises(RuntimeError, "reading only", f["d"].resize, (2,), name="resizing")
        raises(TypeError, "reading only", f.__setitem__, "t", np.dtype("i4"), name="naming a type")


class Stranger:
    def __reduce__(self):
        return print, ("code that came with a type",)


def test_types_as_bytes():
    struct = np.dtype([("a", "f4"), ("b", h5py.string_dtype())])
    for dt in (np.dtype(">f8"), struct, h5py.vlen_dtype("i4"), h5py.enum_dtype({"A": 1}), h5py.ref_dtype):
        again = h5t.decode(h5t.py_create(dt, logical=True).encode()).dtype
        equal((again, again.metadata), (dt, dt.metadata), f"{dt} as bytes, and back")
    head = h5t.py_create(struct, logical=True).encode().partition(b"\0")[0] + b"\0"
    for odd in (b"", b"nothing", head, head + pickle.dumps(Stranger()), head + pickle.dumps(np.random.default_rng)):
        raises(RuntimeError, "Can't decode", h5t.decode, odd, name="no type")
        raises(RuntimeError, "Can't decode", h5s.decode, odd.replace(b"datatype", b"dataspace"), name="no space")


test_modules()
test_spaces()
test_transfers()
test_types()
test_types_as_bytes()
test_names_of_types()
test_selections()
test_exceptions()
done()
