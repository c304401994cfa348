"""What packages that are built on h5py (h5netcdf, hickle, hdf5plugin) use of it beyond its documentation.

ranks: 1 2 3   limit: 90
"""

import ctypes

import numpy as np

import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size


def test_references(f):
    d = f.create_dataset("d", data=np.arange(6))
    equal((f.get(d.ref), f.get(d.regionref[:2])), (d, d), "get() of references")
    equal(f.get(f["/"].ref, 5), f["/"], "and with a default")
    raises(TypeError, "", f.get, 3, name="no name")


def test_scales(f):
    x, y = f.create_dataset("x", data=np.arange(3.0)), f.create_dataset("y", data=np.zeros((3, 2)))
    x.make_scale(b"bytes \xc3\xa4")
    y.dims[0].attach_scale(x)
    y.dims[1].label = b"label"
    equal((y.dims[0].keys(), y.dims[1].label), (["bytes ä"], "label"), "names of scales and labels given as bytes")
    raises(TypeError, "a name", x.make_scale, 3, name="a name that is none")


def test_private(f):
    d = f["d"]
    equal((d._id, f["/"]._id, f.attrs._id, d.attrs._id), (d.id, f["/"].id, f["/"].id, d.id), "_id")
    h5py.h5a.create(d.attrs._id, b"low", h5py.h5t.NATIVE_INT32, h5py.h5s.create(h5py.h5s.SCALAR))
    check("low" in d.attrs, "attributes made by low-level calls")
    z = f.create_dataset("z", (100,), "f8", chunks=(10,), compression="gzip", shuffle=True, fletcher32=True)
    equal(z._filters, {"shuffle": (8,), "gzip": 4, "fletcher32": None}, "_filters")


def test_fill(f):
    text, values = h5py.string_dtype(), ("b", b"b", ["b"], np.array("b", dtype=object), np.array([b"b"]))
    for i, value in enumerate(values):
        made = f.create_dataset(f"text{i}", (2,), dtype=text, fillvalue=value)
        equal((made[1], made.fillvalue), (b"b", b"b"), f"texts are filled with {value!r}")
    for value, error in (("3", TypeError), (np.str_("x"), TypeError), (b"x", ValueError)):
        for dtype in ("f8", bool):
            raises(error, "", f.create_dataset, "no", (2,), dtype, fillvalue=value,
                   name=f"{dtype} is not filled with {value!r}")
    raises(ValueError, "", f.create_dataset, "no", (2,), dtype=text, fillvalue=["a", "b"], name="nor with two values")


def test_names_taken(f):
    f["type"] = np.dtype("i4")
    for name in ("type", "d", "d/below", "."):
        raises(TypeError, "", f.__setitem__, name, np.dtype("i4"), name=f"no type can be named {name!r}")
    raises(ValueError, "", f.__setitem__, "", np.dtype("i4"), name="nor can it have no name")
    raises(ValueError, "", f.__setitem__, "", h5py.SoftLink("/d"), name="nor a link")
    raises(OSError, "already exists", f.__setitem__, "d", h5py.SoftLink("/d"), name="or a name that is taken")


def test_memory_type(f):
    """Characters one by one, written from a text as it lies in memory."""
    one = h5py.h5t.C_S1.copy()
    one.set_size(1)
    d = h5py.h5d.create(f.id, b"chars", one, h5py.h5s.create_simple((6,)))
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(b"abcdef"), mtype=d.get_type())
    equal(f["chars"][:].tobytes(), b"abcdef", "the memory of an array is taken as the type says")
    raises(TypeError, "fewer", d.write, h5py.h5s.ALL, h5py.h5s.ALL, np.array(b"abc"), d.get_type(), name="too little")
    read = np.zeros(3, "S2")
    d.read(h5py.h5s.ALL, h5py.h5s.ALL, read, mtype=d.get_type())
    equal(read.tolist(), [b"ab", b"cd", b"ef"], "also on reading")


class FilterClass(ctypes.Structure):
    """H5Z_class2_t."""

    FUNCTION = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_uint, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint),
                                ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_void_p))
    _fields_ = [("version", ctypes.c_int), ("id", ctypes.c_int), ("encoder", ctypes.c_uint), ("decoder", ctypes.c_uint),
                ("name", ctypes.c_char_p), ("can_apply", ctypes.c_void_p), ("set_local", ctypes.c_void_p),
                ("filter", FUNCTION)]


@FilterClass.FUNCTION
def _invert(flags, count, values, size, room, buffer):
    held = (ctypes.c_ubyte * size).from_address(buffer[0])
    for i in range(size):
        held[i] ^= values[0]
    return size


class Invert(h5py.filters.FilterRefBase):
    filter_id = 40002
    filter_options = (255,)


def test_filters(f):
    made = FilterClass(1, Invert.filter_id, 1, 1, b"invert", None, None, _invert)
    raises(ValueError, "40002", f.create_dataset, "no", (20,), "u1", chunks=(5,), compression=Invert(),
           name="not there yet")
    check(h5py.h5z.register_filter(ctypes.addressof(made)) and h5py.h5z.filter_avail(Invert.filter_id), "registered")
    d = f.create_dataset("inverted", (20,), "u1", chunks=(5,), compression=Invert())
    d[rank::size] = np.arange(20)[rank::size]
    equal(d[:].tolist(), list(range(20)), "data pass it")
    equal((d.compression, d._filters), ("unknown", {"40002": (255,)}), "what is told of it")
    comm.barrier()
    if d.id.get_chunk_info(0).size:
        equal(d.id.read_direct_chunk((5,))[1], bytes(255 - i for i in range(5, 10)), "as the file has them")
    del d
    raises((RuntimeError, OSError), "", h5py.h5z.unregister_filter, 1, name="HDF5's own stay")
    f.flush()
    return made


with h5py.File("packages.h5", "w", comm=comm) as f:
    test_references(f)
    test_scales(f)
    test_private(f)
    test_fill(f)
    test_names_taken(f)
    test_memory_type(f)
    kept = test_filters(f)
check(h5py.h5z.unregister_filter(Invert.filter_id) and not h5py.h5z.filter_avail(Invert.filter_id), "gone")
done()
