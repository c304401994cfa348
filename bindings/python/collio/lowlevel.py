"""The names of h5py's low-level modules that programs for arrays use: constants, and a few questions.

``collio.h5s.UNLIMITED``, ``collio.h5d.CHUNKED``, ``collio.h5z.filter_avail(1)`` and the like. What is
not here is done with files, groups and datasets themselves. None of it is collective.
"""

from types import SimpleNamespace

import numpy as np

from . import _storage, _types, config, handles, lists, references, scales, types, version
from ._attributes import AttributeID
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
def _text(name):
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def _made(loc, name, new):
    """What was made under a name, or without one."""
    return (loc._of[_text(name)] if new is None else new).id


def _file_create(name, flags=2, fcpl=None, fapl=None):
    """A new file. Not for several processes: those have collio.File."""
    from . import File

    given = {} if fcpl is None else {"userblock_size": fcpl.get_userblock() or None}
    return File(name, "x" if flags & 4 else "w", **given).id


def _file_open(name, flags=1, fapl=None):
    """A file that is there."""
    from . import File

    return File(name, "r+" if flags & 1 else "r").id


def _dataset_create(loc, name, tid, space, dcpl=None, lcpl=None, dapl=None):
    """A dataset. Collective."""
    extents = space.get_simple_extent_dims()
    if extents is None:
        raise ValueError("a dataset without extents is made with Empty")
    limits = space.get_simple_extent_dims(True)
    given = {} if tuple(limits) == tuple(extents) else {"maxshape": limits}
    return loc._of.create_dataset(None if name is None else _text(name), extents, tid.dtype, dcpl=dcpl, **given).id


def _group_create(loc, name, lcpl=None, gcpl=None):
    """A group. Collective."""
    ordered = gcpl is not None and bool(gcpl.get_link_creation_order())
    return loc._of.create_group(None if name is None else _text(name), track_order=ordered or None).id


def _object_info(loc, name=None):
    """(fileno, addr, type, rc, ...) of an object."""
    of = loc._of if name is None else loc._of[_text(name)]
    facts = of._facts()
    kind = {2: 0, 1: 0, 5: 1, 3: 2}[_kind(of.id)]
    return SimpleNamespace(type=kind, rc=facts["links"], atime=0, mtime=facts["modified"], ctime=facts["changed"],
                           btime=0, num_attrs=len(of.attrs), fileno=hash(of.file) & 0xFFFFFFFF, addr=hash(of))


def _object_copy(src_loc, src_name, dst_loc, dst_name, copypl=None, lcpl=None):
    """A copy. Collective."""
    dst_loc._of.copy(src_loc._of[_text(src_name)], dst_loc._of, name=_text(dst_name))


def _visit(loc, func, **_):
    return loc._of.visit(lambda name: func(name.encode("utf-8", "surrogateescape")))


def _attribute_create(loc, name, tid, space, **_):
    """An attribute without a value yet: zeros. Collective."""
    loc._of.attrs.create(_text(name), np.zeros(space.get_simple_extent_dims(), tid.dtype))
    return loc._of.attrs.get_id(_text(name))


def _attribute_open(loc, name=None, index=-1, **_):
    name = list(loc._of.attrs)[index] if name is None else _text(name)
    return loc._of.attrs.get_id(name)


def _attribute_rename(loc, name, new_name):
    """Collective."""
    value = loc._of.attrs[_text(name)]
    loc._of.attrs[_text(new_name)] = value
    del loc._of.attrs[_text(name)]


h5a = SimpleNamespace(
    AttrID=AttributeID, create=_attribute_create, open=_attribute_open, rename=_attribute_rename,
    exists=lambda loc, name: _text(name) in loc._of.attrs, get_num_attrs=lambda loc: len(loc._of.attrs),
    delete=lambda loc, name=None, index=-1: loc._of.attrs.__delitem__(
        _text(name) if name is not None else list(loc._of.attrs)[index]),
    iterate=lambda loc, func, index=0: next(
        (found for found in (func(name.encode()) for name in list(loc._of.attrs)[index:]) if found is not None), None),
)
h5o = SimpleNamespace(
    TYPE_GROUP=0, TYPE_DATASET=1, TYPE_NAMED_DATATYPE=2, open=_open, get_info=_object_info, copy=_object_copy,
    visit=_visit, COPY_SHALLOW_HIERARCHY_FLAG=1, COPY_EXPAND_SOFT_LINK_FLAG=2, COPY_EXPAND_EXT_LINK_FLAG=4,
    COPY_EXPAND_REFERENCE_FLAG=8, COPY_WITHOUT_ATTR_FLAG=16, COPY_PRESERVE_NULL_FLAG=32,
    exists_by_name=lambda loc, name, **_: loc._of.get(_text(name)) is not None,
    link=lambda obj, loc, name, **_: loc._of.__setitem__(_text(name), obj._of),
)
h5l = SimpleNamespace(LinkProxy=handles.LinkProxy, TYPE_HARD=0, TYPE_SOFT=1, TYPE_EXTERNAL=64)
h5p = SimpleNamespace(
    create=lists.create, DEFAULT=None, CRT_ORDER_TRACKED=1, CRT_ORDER_INDEXED=2,
    **{kind.__name__: kind for kind in (lists.PropList, lists.PropClass, *lists.KINDS)},
    **{kind.kind.name.upper().replace(" ", "_").replace("TRANSFER", "XFER"): kind.kind for kind in lists.KINDS},
)
h5fd = SimpleNamespace(SEC2=1, CORE=2, STDIO=3, MPIO=4, FILEOBJ=5, FAMILY=6, MULTI=7, SPLIT=8, LOG=9)
h5s = SimpleNamespace(
    UNLIMITED=_storage.UNLIMITED, ALL=handles.ALL, create_simple=_create_simple, SpaceID=Space,
    **_numbered("", "SCALAR", "SIMPLE", "NULL"),
)
h5t = SimpleNamespace(
    py_create=types.create,
    **{name: value for name, value in vars(types).items() if name.isupper() or name.startswith("Type")},
    **{name: getattr(_types, name) for name in (
        "string_dtype", "vlen_dtype", "enum_dtype", "opaque_dtype", "special_dtype", "check_string_dtype",
        "check_vlen_dtype", "check_enum_dtype", "check_opaque_dtype", "check_dtype", "string_info")},
    check_ref_dtype=references.check_ref_dtype, ref_dtype=references.ref_dtype,
    regionref_dtype=references.regionref_dtype,
    **{f"NATIVE_{name}": types.of(np.dtype(code)) for name, code in (
        ("INT8", "i1"), ("INT16", "i2"), ("INT32", "i4"), ("INT64", "i8"), ("UINT8", "u1"), ("UINT16", "u2"),
        ("UINT32", "u4"), ("UINT64", "u8"), ("FLOAT", "f4"), ("DOUBLE", "f8"))},
    **{f"{kind}{size}{order}": types.of(np.dtype(f"{sign}{letter}{int(size) // 8}"))
       for kind, letter, sizes in (("STD_I", "i", "8 16 32 64"), ("STD_U", "u", "8 16 32 64"), ("IEEE_F", "f", "16 32 64"))
       for size in sizes.split() for order, sign in (("LE", "<"), ("BE", ">"))},
)
h5d = SimpleNamespace(open=_open, create=_dataset_create, DatasetID=handles.DatasetID, StoreInfo=handles.StoreInfo, **{
    name: getattr(handles, name) for name in vars(handles) if name.isupper() and name != "ALL"})
h5f = SimpleNamespace(
    UNLIMITED=_storage.UNLIMITED, FileID=handles.FileID, ACC_RDONLY=0, ACC_RDWR=1, ACC_TRUNC=2, ACC_EXCL=4,
    SCOPE_LOCAL=0, SCOPE_GLOBAL=1, LIBVER_EARLIEST=0, LIBVER_V18=1, LIBVER_V110=2, LIBVER_LATEST=2, CLOSE_WEAK=1,
    CLOSE_SEMI=2, CLOSE_STRONG=3, CLOSE_DEFAULT=0, OBJ_FILE=1, OBJ_DATASET=2, OBJ_GROUP=4, OBJ_DATATYPE=8, OBJ_ATTR=16,
    OBJ_ALL=31, OBJ_LOCAL=32, FSPACE_STRATEGY_FSM_AGGR=0, FSPACE_STRATEGY_PAGE=1, FSPACE_STRATEGY_AGGR=2,
    FSPACE_STRATEGY_NONE=3, create=_file_create, open=_file_open, is_hdf5=config.is_hdf5,
    flush=lambda of, scope=0: of._of.file.flush(), get_name=lambda of: of._of.file.id.name,
)
h5g = SimpleNamespace(GroupID=handles.GroupID, open=_open, create=_group_create, LINK_HARD=0, LINK_SOFT=1)
h5i = SimpleNamespace(get_name=lambda of: of.name, get_type=_kind, get_file_id=lambda of: of._of.file.id, FILE=1,
                      GROUP=2, DATATYPE=3, DATASPACE=4, DATASET=5, ATTR=6)
h5r = SimpleNamespace(Reference=references.Reference, RegionReference=references.RegionReference, get_name=_name_of,
                      dereference=lambda ref, of: of._of._opened(ref).id, OBJECT=0, DATASET_REGION=1)
h5z = SimpleNamespace(
    FLAG_MANDATORY=0, FLAG_OPTIONAL=1, SZIP_EC_OPTION_MASK=4, SZIP_NN_OPTION_MASK=32, SO_FLOAT_DSCALE=0,
    SO_FLOAT_ESCALE=1, SO_INT=2, SO_INT_MINBITS_DEFAULT=0, ENABLE_EDC=1, DISABLE_EDC=0,
    filter_avail=_available, FILTER_NONE=0, FILTER_DEFLATE=1, FILTER_SHUFFLE=2, FILTER_FLETCHER32=3, FILTER_SZIP=4,
    FILTER_NBIT=5, FILTER_SCALEOFFSET=6, FILTER_LZF=32000,
)
h5ds = SimpleNamespace(
    is_scale=lambda of: scales.is_scale(of._of), get_scale_name=lambda of: scales.scale_name(of._of).encode(),
    set_scale=lambda of, name=b"": scales.make_scale(of._of, name.decode()),
    get_num_scales=lambda of, number: len(of._of.dims[number]),
    get_label=lambda of, number: of._of.dims[number].label.encode(),
    attach_scale=lambda of, scale, number: of._of.dims[number].attach_scale(scale._of),
    detach_scale=lambda of, scale, number: of._of.dims[number].detach_scale(scale._of),
    set_label=lambda of, number, label: setattr(of._of.dims[number], "label", _text(label)),
    is_attached=lambda of, scale, number: scale._of in of._of.dims[number].values(),
)
filters = SimpleNamespace(
    decode=tuple(name for name, number in _storage.FILTERS if _available(number)),
    encode=tuple(name for name, number in _storage.FILTERS if _available(number)),
)


_DRIVERS = {"core", "fileobj", "mpio", "sec2", "stdio"}
_registered = {}


def registered_drivers():
    """The drivers that File knows. Not collective."""
    return frozenset(_DRIVERS | set(_registered))


def register_driver(name, set_fapl):
    """Let File know a driver by another name. Not collective.

    set_fapl -- a function that gets a property list of h5p.FILE_ACCESS and the keywords given to File, and
                calls set_fapl_core(), set_fapl_sec2() or set_fapl_stdio() of the list
    """
    _registered[name] = set_fapl


def unregister_driver(name):
    """Undo register_driver(). KeyError if there is none of that name. Not collective."""
    del _registered[name]


def resolve_driver(name):
    """The driver that a registered one stands for: (name, whether it is on disk); None if it is not registered."""
    if name not in _registered:
        return None
    plist = lists.PropFAID()
    _registered[name](plist)
    return plist._known["driver"], plist.get_fapl_core()[1]
