"""What classes have in common."""

import posixpath
from collections.abc import Mapping, MutableMapping

import numpy as np

from .. import Group, HLObject
from .._lock import phil, with_phil
from .._types import Empty
from .._values import as_array, item_type
from ..config import is_hdf5
from ..views import ItemsViewHDF5, KeysViewHDF5, ValuesViewHDF5
from .compat import filename_decode, filename_encode

__all__ = ["Empty", "Group", "HLObject", "ItemsViewHDF5", "KeysViewHDF5", "Mapping", "MappingHDF5", "MutableMapping",
           "MutableMappingHDF5", "ValuesViewHDF5", "array_for_new_object", "filename_decode", "filename_encode",
           "find_item_type", "guess_dtype", "is_empty_dataspace", "is_float16_dtype", "is_hdf5", "phil", "posixpath",
           "product", "with_phil"]

MappingHDF5 = MutableMappingHDF5 = Group


def find_item_type(data):
    """The type of the items of nested lists or of an array of objects, if they have one in common."""
    return item_type(data)


def guess_dtype(data):
    """The dtype of an object that NumPy has no own dtype for: strings and references; else None."""
    from .. import Reference, RegionReference, _types, regionref_dtype, ref_dtype

    for kind, dtype in ((RegionReference, regionref_dtype), (Reference, ref_dtype), (bytes, _types.string_dtype("ascii")),
                        (str, _types.string_dtype())):
        if type(data) is kind:
            return dtype
    return None


def array_for_new_object(data, specified_dtype=None):
    """The array that is stored where data are given."""
    if specified_dtype is not None:
        return as_array(data, np.dtype(specified_dtype))
    kind = item_type(data)
    dtype = guess_dtype(kind()) if kind in (str, bytes) else None
    return np.asarray(data) if dtype is None else np.asarray(data, dtype=object).view(dtype)


def is_empty_dataspace(obj):
    """Whether what an id stands for has no elements."""
    return obj.get_space().get_simple_extent_dims() is None


def is_float16_dtype(dt):
    """Whether it is that of float16."""
    return dt is not None and np.dtype(dt).kind == "f" and np.dtype(dt).itemsize == 2


def product(nums):
    """Of numbers."""
    result = 1
    for n in nums:
        result *= n
    return result
