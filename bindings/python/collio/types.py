"""Types by HDF5's names: what ``dataset.id.get_type()`` gives, and ``collio.h5t.py_create()`` makes.

Each stands for a dtype. None of it is collective, but for commit().
"""

import numpy as np

from . import _types, encoded
from .references import check_ref_dtype
from .type_atomic import TypeOpaqueID
from .type_base import COMPOUND, OPAQUE, TypeID, blank_struct, of
from .type_composite import TypeCompoundID, TypeEnumID

__all__ = ["TypeID", "create", "decode", "make", "make_array", "make_enum", "make_vlen", "of"]


def make(classtype, size):
    """A type of a class, to be filled: h5t.create()."""
    if size <= 0:
        raise ValueError("Size must be positive")
    if classtype == COMPOUND:
        return TypeCompoundID(None, blank_struct(size))
    if classtype == OPAQUE:
        return TypeOpaqueID(None, np.dtype(f"V{size}"))
    raise ValueError("Class must be COMPOUND or OPAQUE.")


def make_vlen(base):
    """Sequences of a type: h5t.vlen_create()."""
    return of(_types.vlen_dtype(base.dtype))


def make_enum(base):
    """An enumeration of integers, to be filled: h5t.enum_create()."""
    return TypeEnumID(None, _types.enum_dtype({}, base.dtype))


def make_array(base, dims):
    """Arrays of a type: h5t.array_create()."""
    if not tuple(dims):
        raise ValueError("Invalid dimensionality")
    return of(np.dtype((base.dtype, tuple(dims))))


def decode(buf):
    """What encode() made."""
    return of(np.dtype(encoded.loads("datatype", buf)))


def create(dtype, logical=False, aligned=False):
    """What stands for a dtype. TypeError if HDF5 has no such type. Not collective."""
    dtype = np.dtype(dtype)
    if dtype.kind == "O" and not logical and check_ref_dtype(dtype) is None and dtype.metadata is None:
        raise TypeError(f"Object dtype {dtype!r} has no native HDF5 equivalent")
    _types.type_of(dtype)
    if not logical and _types.check_enum_dtype(dtype) is not None:
        dtype = np.dtype(dtype.str)  # the numbers alone
    return of(dtype)
