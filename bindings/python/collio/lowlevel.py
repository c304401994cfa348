"""The names of h5py's low-level modules that programs for arrays use: constants, and a few questions.

``collio.h5s.UNLIMITED``, ``collio.h5d.CHUNKED``, ``collio.h5z.filter_avail(1)`` and the like. What is
not here is done with files, groups and datasets themselves. None of it is collective.
"""

from types import SimpleNamespace

import numpy as np

from . import _storage, _types, config, handles, references, scales, version
from .virtual import Space


def _numbered(prefix, *names):
    return {prefix + name: number for number, name in enumerate(names)}


def _extents(shape):
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)


def _create_simple(dims_tpl, max_dims_tpl=None):
    shape = _extents(dims_tpl)
    space = Space(shape, (0, [(0, 1, n, 1, None) for n in shape]))
    space.maximum = shape if max_dims_tpl is None else tuple(max_dims_tpl)
    return space


def _py_create(dtype, logical=False, aligned=False):
    dtype = np.dtype(dtype)
    _types.type_of(dtype)
    return handles.TypeID(None, dtype)


def _available(number):
    from ._collio import _filter_available

    return _filter_available(int(number))


def _open(parent, name):
    return parent._of[name.decode() if isinstance(name, bytes) else name].id


def _name_of(reference, parent):
    name = parent._of._opened(reference).name
    return None if name is None else name.encode()


def _kind(of):
    return next(number for number, kind in ((1, handles.FileID), (2, handles.GroupID), (5, handles.DatasetID),
                                            (3, handles.TypeID)) if isinstance(of, kind))


h5 = SimpleNamespace(get_config=config.get_config, get_libversion=lambda: version.hdf5_version_tuple)
h5s = SimpleNamespace(
    UNLIMITED=_storage.UNLIMITED, ALL=handles.ALL, create_simple=_create_simple, SpaceID=Space,
    **_numbered("", "SCALAR", "SIMPLE", "NULL"),
)
h5t = SimpleNamespace(
    py_create=_py_create, TypeID=handles.TypeID,
    **{name: getattr(_types, name) for name in (
        "string_dtype", "vlen_dtype", "enum_dtype", "opaque_dtype", "special_dtype", "check_string_dtype",
        "check_vlen_dtype", "check_enum_dtype", "check_opaque_dtype", "check_dtype", "string_info")},
    check_ref_dtype=references.check_ref_dtype, ref_dtype=references.ref_dtype,
    regionref_dtype=references.regionref_dtype,
    **{f"NATIVE_{name}": handles.TypeID(None, np.dtype(code)) for name, code in (
        ("INT8", "i1"), ("INT16", "i2"), ("INT32", "i4"), ("INT64", "i8"), ("UINT8", "u1"), ("UINT16", "u2"),
        ("UINT32", "u4"), ("UINT64", "u8"), ("FLOAT", "f4"), ("DOUBLE", "f8"))},
    **{f"{kind}{size}{order}": handles.TypeID(None, np.dtype(f"{sign}{letter}{int(size) // 8}"))
       for kind, letter, sizes in (("STD_I", "i", "8 16 32 64"), ("STD_U", "u", "8 16 32 64"), ("IEEE_F", "f", "16 32 64"))
       for size in sizes.split() for order, sign in (("LE", "<"), ("BE", ">"))},
)
h5d = SimpleNamespace(open=_open, DatasetID=handles.DatasetID, StoreInfo=handles.StoreInfo, **{
    name: getattr(handles, name) for name in vars(handles) if name.isupper() and name != "ALL"})
h5f = SimpleNamespace(
    UNLIMITED=_storage.UNLIMITED, FileID=handles.FileID, ACC_RDONLY=0, ACC_RDWR=1, ACC_TRUNC=2, ACC_EXCL=4,
    SCOPE_LOCAL=0, SCOPE_GLOBAL=1, LIBVER_EARLIEST=0, LIBVER_V18=1, LIBVER_V110=2,
)
h5g = SimpleNamespace(GroupID=handles.GroupID, open=_open)
h5i = SimpleNamespace(get_name=lambda of: of.name, get_type=_kind, get_file_id=lambda of: of._of.file.id, FILE=1,
                      GROUP=2, DATATYPE=3, DATASPACE=4, DATASET=5, ATTR=6)
h5r = SimpleNamespace(Reference=references.Reference, RegionReference=references.RegionReference, get_name=_name_of,
                      dereference=lambda ref, of: of._of._opened(ref).id, OBJECT=0, DATASET_REGION=1)
h5z = SimpleNamespace(
    filter_avail=_available, FILTER_NONE=0, FILTER_DEFLATE=1, FILTER_SHUFFLE=2, FILTER_FLETCHER32=3, FILTER_SZIP=4,
    FILTER_NBIT=5, FILTER_SCALEOFFSET=6, FILTER_LZF=32000,
)
h5ds = SimpleNamespace(
    is_scale=lambda of: scales.is_scale(of._of), get_scale_name=lambda of: scales.scale_name(of._of).encode(),
    set_scale=lambda of, name=b"": scales.make_scale(of._of, name.decode()),
    get_num_scales=lambda of, number: len(of._of.dims[number]),
    get_label=lambda of, number: of._of.dims[number].label.encode(),
    is_attached=lambda of, scale, number: scale._of in of._of.dims[number].values(),
)
filters = SimpleNamespace(
    decode=tuple(name for name, number in _storage.FILTERS if _available(number)),
    encode=tuple(name for name, number in _storage.FILTERS if _available(number)),
)


def registered_drivers():
    """The drivers that File knows. Not collective."""
    return frozenset({"core", "fileobj", "mpio", "sec2", "stdio"})
