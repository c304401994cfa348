"""What a program writes, as memory for the library: arrays, lists, texts, fields of structs."""

import numpy as np

from ._elements import store
from .references import Reference, RegionReference, dtype_for
from ._types import (
    Empty,
    check_enum_dtype,
    check_opaque_dtype,
    check_string_dtype,
    check_vlen_dtype,
    dtype_of,
    plain_dtype,
    string_dtype,
    type_of,
)


def prepare(values, number, names=None):
    """(array, type number, ndim, keep): values as memory for elements of a type in a file.

    names -- fields to write; None: whole elements
    ndim -- dimensions of `array` that are no part of an element
    keep -- what the array points to
    """
    dt = dtype_of(number)
    if names:
        struct = _struct(values, dt, names)
        array = _packed(struct, [name for name in struct.dtype.names if name in names])
        mine, ndim = type_of(array.dtype), array.ndim
    else:
        array = as_array(values, dt)
        if dt.names and array.dtype.names and not set(dt.names) & set(array.dtype.names):
            raise ValueError(f"the fields {array.dtype.names} are none of the dataset, which has {dt.names}")
        mine, ndim = _element(array, dt)
    return _memory(array, mine, ndim)


def one(value, number):
    """(array, keep): one element of a type, as memory for the library."""
    dt, keep = dtype_of(number), []
    if not dt.hasobject:
        _check_no_text(value, dt)
        return _number(value, dt), keep
    if check_string_dtype(dt) is not None and isinstance(value, (list, tuple, np.ndarray)):
        value = np.asarray(value, dtype=object).item()
    holder = np.empty((), dtype=object)
    holder[()] = value
    if check_vlen_dtype(dt) is None and not isinstance(value, Reference):
        holder = np.asarray(value, dtype=dt)
    return store(holder.reshape(1).view(dt), number, keep), keep


def _check_no_text(value, dt):
    """NumPy makes numbers of texts, and True of any: of texts that HDF5 would not take for numbers, too."""
    kind = np.asarray(value).dtype.kind
    if kind == "U" and dt.kind in "biufcV":
        raise TypeError(f"No conversion path for text {value!r} to {dt}")
    if kind == "S" and dt.kind == "b":
        raise ValueError(f"{value!r} is no {dt}")


def fill_of_objects(value):
    """A fill value as h5py knows it: no sequence and no reference is None."""
    nothing = len(value) == 0 if isinstance(value, np.ndarray) else isinstance(value, Reference) and not value
    return None if nothing else value


def _number(value, dt):
    """One element of a dtype for numbers and what else has its own bytes; integers that are too large
    become the largest, as HDF5 does it."""
    array = np.asarray(value)
    if dt.kind in "iu" and array.dtype.kind in "iuf" and array.size == 1:
        limits, number = np.iinfo(dt), array.item()
        number = 0 if number != number else min(max(number, int(limits.min)), int(limits.max))
        return np.array(int(number), dtype=dt)
    if dt.kind == "S" and isinstance(value, str):
        value = value.encode(check_string_dtype(dt).encoding)
    return np.asarray(value, dtype=dt)


def for_new(data, dtype, shape):
    """(array, type number, ndim, keep, stored): data to create a dataset with, as prepare() gives it.

    array -- None for a dataset without extents and elements
    stored -- number of the type to store
    """
    wanted = None if dtype is None else plain_dtype(dtype)
    if data is None and wanted is None:
        raise TypeError("One of data, shape or dtype must be specified")
    if isinstance(data, Empty) and shape is not None:
        raise TypeError("Empty datasets have no shape")
    if data is None or isinstance(data, Empty):
        number = type_of(data.dtype if wanted is None else wanted)
        return None, number, -1, None, number
    array = _new_array(data, wanted)
    wanted = array.dtype if wanted is None else wanted
    if shape is not None:
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if array.size != np.prod(shape + wanted.shape, dtype=object):
            raise ValueError("Shape tuple is incompatible with data")
        array = array.reshape(shape + wanted.shape)
    stored = type_of(wanted)
    return *_memory(array, *_element(array, wanted)), stored


# Pairs of kinds, to and from, between which HDF5 has no conversion, or none of all numbers.
_CONVERTED = {("b", "i"), ("b", "u"), ("c", "b"), ("c", "i"), ("c", "u"), ("c", "f")}


def _new_array(data, wanted):
    """Data as an array; texts and bytes as strings of any length."""
    if isinstance(data, np.ndarray) and data.dtype.kind not in "OT":
        if wanted is None or wanted.subdtype is not None:
            return data
        strings = data.dtype.kind == "S" and wanted.kind in "OT"
        if strings or (check_enum_dtype(wanted) is not None and data.dtype.kind in "biu"):
            return as_array(data, wanted)
        own = wanted == np.float16 or (wanted.kind, data.dtype.kind) in _CONVERTED
        return data.astype(wanted) if own else data
    if wanted is not None:
        return as_array(data, wanted)
    if isinstance(data, np.ndarray) and data.dtype.metadata:
        return data
    item = item_type(data.astype(object) if getattr(data, "dtype", None) == "T" else data)
    if item in (Reference, RegionReference):
        return np.asarray(data, dtype=object).view(dtype_for(item))
    if item is not str and item is not bytes:
        return np.asarray(data)
    return np.asarray(data, dtype=object).view(string_dtype("utf-8" if item is str else "ascii"))


def _memory(array, number, ndim):
    """The array as memory of a type: (memory, number, ndim, keep)."""
    keep = []
    if array.dtype.hasobject:
        shape = array.shape[:ndim]
        array = store(array.reshape((-1, *array.shape[ndim:])), number, keep).reshape(shape)
    return array, number, ndim, keep


def _packed(array, names):
    """A struct array of some fields, without gaps."""
    made = np.empty(array.shape, dtype=[(name, array.dtype[name]) for name in names])
    for name in names:
        made[name] = array[name]
    return made


def _element(array, dt):
    """Type and dimensions of an array whose last dimensions may belong to the elements."""
    if dt.subdtype is None:
        return type_of(array.dtype), array.ndim
    shape = dt.shape
    ndim = array.ndim - len(shape)
    if array.shape[max(ndim, 0):] != shape:
        raise TypeError(
            f"When writing to array types, last N dimensions have to match (got "
            f"{array.shape[max(ndim, 0):]}, but should be {shape})"
        )
    return type_of(np.dtype((array.dtype, shape))), ndim


def as_array(values, dt):
    """Values as an array that can be written where elements of dtype `dt` are."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "T":
        values = values.astype(object)
    base = check_vlen_dtype(dt)
    if base is not None and base not in (str, bytes):
        return _sequences(values, dt, np.dtype(base))
    if dt.kind in "OT":
        return np.asarray(values, dtype=object).view(dt)
    if dt.kind == "S" and _holds_text(values):
        return _encoded(values, dt)
    is_array = isinstance(values, np.ndarray) and (values.dtype.kind != "O" or dt.kind != "S")
    if check_opaque_dtype(dt):
        return np.ascontiguousarray(np.asarray(values, dtype=dt)).view(dt)
    if dt.kind == "V" and dt.subdtype is None and not (is_array and values.dtype.kind == "V"):
        if is_array and dt.names is None and values.dtype.kind not in "OS":
            raise OSError(f"no conversion from {values.dtype} to {dt}")
        return np.asarray(values, dtype=dt)
    if check_enum_dtype(dt) is not None and is_array and values.dtype.kind in "biu":
        return np.asarray(np.clip(values, np.iinfo(dt).min, np.iinfo(dt).max)).astype(dt)
    if is_array and (dt.kind, values.dtype.kind) in _CONVERTED:
        return values.astype(dt)
    if dt.subdtype is not None:
        return np.ascontiguousarray(values, dtype=None if is_array else dt.base)
    return np.asarray(values, dtype=None if is_array else dt)


def item_type(values):
    """The type of the items of nested lists or of an array of objects, if they have one in common."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind != "O" or values.dtype.metadata:
            return None
        types = {type(item) for item in values.flat}
    elif isinstance(values, (list, tuple)):
        types = {item_type(item) for item in values}
    else:
        return type(values)
    return types.pop() if len(types) == 1 else None


def _holds_text(values):
    return item_type(values) is str


def _encoded(values, dt):
    codec = check_string_dtype(dt).encoding
    array = np.asarray(values, dtype=object)
    texts = [text.encode(codec) for text in array.flat]
    return np.array(texts, dtype=dt).reshape(array.shape)


def _sequences(values, dt, base):
    """An array of arrays; one array alone is one element, and of more dimensions the last."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "O" and not _holds_items(values, base):
        return values.view(dt)
    try:
        whole = np.asarray(values, dtype=base)
    except (TypeError, ValueError):
        whole = None
    if whole is None or whole.ndim == 0:
        items, shape = [np.asarray(item, dtype=base) for item in values], (len(values),)
    else:
        shape = whole.shape[:-1]
        items = list(whole.reshape(int(np.prod(shape)), whole.shape[-1]))
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array.reshape(shape).view(dt)


def _holds_items(values, base):
    """Whether an array of objects holds the items of sequences, not the sequences."""
    return base.hasobject and values.size > 0 and isinstance(values.flat[0], (str, bytes, Reference))


def _rows(values, dt, names):
    """Tuples of some fields, or as h5py has them of all of which some are taken."""
    try:
        return np.asarray(values, dtype=[(name, dt[name]) for name in names])
    except (TypeError, ValueError):
        return np.asarray(values, dtype=dt)


def _struct(values, dt, names):
    """Values for some fields of a struct, as a struct array."""
    if dt.names is None:
        raise TypeError("Illegal slicing argument (not a compound dataset)")
    wrong = [name for name in names if name not in dt.names]
    if wrong:
        wrong = ", ".join(f'"{name}"' for name in wrong)
        raise ValueError(f"Illegal slicing argument (fields {wrong} not in dataset type)")
    if isinstance(values, (np.ndarray, np.void)) and values.dtype.names is not None:
        return np.asarray(values)
    if len(names) > 1:
        return _rows(values, dt, names)
    field = dt[names[0]]
    array = as_array(values, field)
    base = field.base if not isinstance(values, np.ndarray) else array.dtype
    made = np.empty(array.shape[: array.ndim - len(field.shape)],
                    dtype=[(names[0], base, field.shape) if field.shape else (names[0], base)])
    made[names[0]] = array
    return made
