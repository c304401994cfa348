"""Attributes, by h5py's names. Those that change something are collective."""

from collections import namedtuple

import numpy as np

from . import _types
from ._attributes import AttrID
from ._lock import phil, with_phil
from ._named import below, first, raw, text

__all__ = ["AttrID", "AttrInfo", "create", "delete", "exists", "get_info", "get_num_attrs", "iterate", "open", "phil",
           "rename", "with_phil"]

AttrInfo = namedtuple("AttrInfo", "corder_valid corder cset data_size")


def _blank(shape, dt):
    """What is there before anything is written."""
    texts = _types.check_string_dtype(dt)
    return np.full(shape, b"", dtype=dt) if texts and texts.length is None else np.zeros(shape, dt)


def create(loc, name, tid, space, *, obj_name=None, lapl=None):
    """An attribute without a value yet. Collective."""
    attrs, shape = below(loc, obj_name).attrs, space.get_simple_extent_dims()
    if text(name) in attrs:
        raise RuntimeError("Unable to create attribute (attribute already exists)")
    if shape is None:
        attrs.create(text(name), _types.Empty(tid.dtype))
    else:
        attrs.create(text(name), _blank(shape, tid.dtype), shape, tid._stored())
    return attrs.get_id(text(name))


def _name(attrs, name, index):
    if (name is None) == (index < 0):
        raise TypeError("Exactly one of name or index must be specified")
    if name is not None:
        return text(name)
    names = list(attrs)
    if index >= len(names):
        raise KeyError(f"there are {len(names)} attributes, none at {index}")
    return names[index]


def open(loc, name=None, index=-1, *, obj_name=None, index_type=0, order=0, lapl=None):
    """One of them by its name or its place."""
    attrs = below(loc, obj_name).attrs
    return attrs.get_id(_name(attrs, name, index))


def exists(loc, name, *, obj_name=b".", lapl=None):
    """Whether there is one of that name."""
    return text(name) in below(loc, obj_name).attrs


def rename(loc, name, new_name, *, obj_name=b".", lapl=None):
    """Give one another name. Collective."""
    attrs = below(loc, obj_name).attrs
    value, form = attrs[text(name)], attrs.get_id(text(name))
    attrs.create(text(new_name), value, form.shape, form.dtype)
    del attrs[text(name)]


def delete(loc, name=None, index=-1, *, obj_name=b".", index_type=0, order=0, lapl=None):
    """Take one away. Collective."""
    attrs = below(loc, obj_name).attrs
    del attrs[_name(attrs, name, index)]


def get_num_attrs(loc):
    """How many there are."""
    return len(loc._of.attrs)


def get_info(loc, name=None, index=-1, *, obj_name=b".", lapl=None, index_type=0, order=0):
    """Size of one, and others of HDF5's facts."""
    if isinstance(loc, AttrID):
        attribute = loc
    else:
        attrs = below(loc, obj_name).attrs
        attribute = attrs.get_id(_name(attrs, name, index))
    return AttrInfo(False, 0, int(not attribute.name.isascii()), attribute.get_storage_size())


def iterate(loc, func, index=0, *, index_type=0, order=0, info=False):
    """Call func(name), or func(name, info), until it returns something, which is returned."""
    names = list(loc._of.attrs)
    if not 0 <= index <= len(names):
        raise ValueError(f"Invalid index {index}")
    return first(func(raw(name), get_info(loc, raw(name))) if info else func(raw(name)) for name in names[index:])
