"""The values of attributes: from Python objects to memory that the library writes, and back."""

import math

import numpy as np

from . import types
from ._elements import store
from .references import Reference, RegionReference, dtype_for
from ._types import Empty, check_string_dtype, check_vlen_dtype, dtype_of, plain_dtype, string_dtype, type_of
from ._values import as_array, item_type
from .spaces import SpaceID


def prepare(data, dtype, shape):
    """(memory, type number, extents, keep) of a value to be written; memory and extents are None for Empty.

    keep -- what the memory points to
    """
    wanted = plain_dtype(dtype) if dtype is not None else None
    if isinstance(data, Empty):
        return None, type_of(data.dtype if wanted is None else wanted), None, None
    array = _array(data, wanted)
    wanted = array.dtype if wanted is None else wanted
    shape = array.shape if shape is None else (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if wanted.subdtype is not None:
        return _pack(*_split(array, wanted, shape), wanted)
    if math.prod(shape) != array.size:
        raise ValueError("Shape of new attribute conflicts with shape of data")
    return _pack(array.reshape(shape), shape, wanted)


def prepare_like(data, number, shape):
    """The same for an attribute that is there, of a type and extents."""
    wanted = dtype_of(number)
    part = wanted.shape
    array = np.asarray(as_array(data, wanted), dtype=wanted.base)
    if array.shape != shape + part and not (array.size == math.prod(shape + part) == 1):
        raise TypeError("Shape of data is incompatible with existing attribute")
    return _pack(array.reshape(shape + part), shape, wanted)


def _array(data, wanted):
    """A value as an array; texts and bytes as strings of any length."""
    if isinstance(data, np.ndarray) and data.dtype.kind not in "OT":
        return data
    if wanted is not None:
        return as_array(data, wanted)
    if isinstance(data, np.ndarray) and data.dtype.kind == "T":
        return data.astype(object).view(string_dtype())
    item = item_type(data)
    if item in (Reference, RegionReference):
        return np.asarray(data, dtype=object).view(dtype_for(item))
    if item is not str and item is not bytes:
        return np.asarray(data)
    return np.asarray(data, dtype=object).view(string_dtype("utf-8" if item is str else "ascii"))


def _split(array, wanted, shape):
    """For elements that are arrays: the last extents of the data are theirs."""
    part = wanted.shape
    if shape[-len(part) :] != part:
        raise ValueError(f"Array dtype shape {part} is incompatible with data shape {shape}")
    return np.asarray(array, dtype=wanted.base).reshape(shape), shape[: -len(part)]


def _pack(array, extents, wanted):
    """Elements one after the other, as they lie in memory."""
    number = type_of(wanted)
    base = wanted.base
    array = as_array(array, base) if array.dtype.kind == "O" else np.ascontiguousarray(array, dtype=base)
    keep = []
    flat = array.reshape((-1, *wanted.shape)) if array.size else np.empty((0, *wanted.shape), base)
    return store(flat, number, keep), number, tuple(extents), keep


def finish(array):
    """What was read: strings of any length as str, one element as what it is."""
    info = check_string_dtype(array.dtype)
    if info is not None and info.length is None:
        texts = [text.decode("utf-8", "surrogateescape") for text in array.flat]
        array = np.array(texts, dtype=array.dtype).reshape(array.shape)
    return array[()] if array.ndim == 0 else array


class AttrID:
    """What ``attrs.get_id(name)`` gives: the form of an attribute."""

    def __init__(self, attributes, name, dtype, shape):
        self._attributes = attributes
        self._name = name
        self.dtype = dtype
        self.shape = shape

    @property
    def name(self):
        """As bytes."""
        return self._name if isinstance(self._name, bytes) else self._name.encode()

    def get_storage_size(self):
        """Bytes of the elements; 0 if it is empty. For each one of any length 16 bytes say where it is."""
        text = check_string_dtype(self.dtype)
        elsewhere = check_vlen_dtype(self.dtype) is not None if text is None else text.length is None
        size = 16 if elsewhere else self.dtype.itemsize
        return 0 if self.shape is None else math.prod(self.shape) * size

    def read(self, arr, mtype=None):
        """Read into an array."""
        arr[...] = self._attributes[self._name]

    def write(self, arr, mtype=None):
        """Write from an array. Collective."""
        self._attributes.modify(self._name, arr)

    def get_type(self):
        """The type of its elements."""
        return types.of(self.dtype, self._attributes._shared_type(self._name))

    def get_space(self):
        """Its extents."""
        return SpaceID(self.shape)

    def get_name(self):
        """As bytes."""
        return self.name

    def close(self):
        """Nothing needs to be done."""
