"""Elements of variable length: Python objects on one side, what the library has in memory on the other."""

import numpy as np

from ._collio import _type_copies, _type_info
from ._types import check_vlen_dtype, dtype_of
from .references import Reference, check_ref_dtype


def load(raw, number, dt):
    """Python objects for elements as the library has them in memory.

    raw -- 1-D array of void, an element each
    dt -- the dtype to make, one that type_of() turns into `number`
    """
    form, size, *details = _type_info(number)
    if not dt.hasobject and dt.kind != "T":
        return _plain(raw, dt)
    if form == "string":
        return _objects(_type_copies(_slots(raw), 0), dt)
    if form == "reference":
        return _objects([check_ref_dtype(dt)(item.tobytes()) for item in np.ascontiguousarray(raw)], dt)
    if form == "sequence":
        base = dtype_of(details[0]) if not isinstance(check_vlen_dtype(dt), np.dtype) else None
        base = base if base is not None else check_vlen_dtype(dt)
        return _objects([_load_sequence(item, details[0], base) for item in
                         _type_copies(_slots(raw), _type_info(details[0])[1])], dt)
    if form == "array":
        return _load_array(raw, details[0], dt)
    return _load_fields(raw, *details, dt)


def _slots(raw):
    """Memory without gaps, for those who look for pointers in it."""
    return np.ascontiguousarray(raw).view("u8")


def _plain(raw, dt):
    base, shape = dt.subdtype or (dt, ())
    return np.ascontiguousarray(raw).view(base).reshape((len(raw), *shape))


def _objects(items, dt):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    if dt.kind == "T":
        return np.array([item.decode() for item in items], dtype=dt)
    return array.view(dt)


def _load_sequence(data, number, base):
    raw = np.frombuffer(data, dtype=f"V{_type_info(number)[1]}")
    return load(raw, number, base).copy()


def _load_array(raw, number, dt):
    base, shape = dt.subdtype
    each = np.ascontiguousarray(raw).view(f"V{_type_info(number)[1]}")
    return load(each, number, base).reshape((len(raw), *shape))


def _load_fields(raw, names, offsets, types, dt):
    form = {"names": names, "offsets": offsets, "itemsize": raw.dtype.itemsize,
            "formats": [f"V{_type_info(number)[1]}" for number in types]}
    parts = raw.view(np.dtype(form))
    array = np.zeros(len(raw), dtype=dt)
    for name, number in zip(names, types):
        array[name] = load(parts[name], number, dt.fields[name][0])
    return array


def store(array, number, keep):
    """The inverse of load(): elements as the library wants them in memory.

    array -- 1-D, with more dimensions where the type is an array
    keep -- a list that holds what they point to
    """
    form, size, *details = _type_info(number)
    if not array.dtype.hasobject:
        return _void(array, size)
    if form == "string":
        return _store_texts(array, size, details[1], keep)
    if form == "reference":
        return _store_references(array, size)
    if form == "sequence":
        return _store_sequences(array, details[0], keep)
    if form == "array":
        flat = array.reshape(-1)
        return store(flat, details[0], keep).view(f"V{size}")
    return _store_fields(array, size, *details, keep)


def _void(array, size):
    return np.ascontiguousarray(array).reshape(-1).view(f"V{size}")


def _bytes_of(item, utf8):
    if isinstance(item, str):
        item = item.encode("utf-8", "surrogateescape") if utf8 else item.encode("ascii")
    elif type(item) is int and item == 0:
        item = b""  # what NumPy puts where nothing was assigned
    elif not isinstance(item, bytes):
        raise TypeError("Can't implicitly convert non-string objects to strings")
    if b"\0" in item:
        raise ValueError("VLEN strings do not support embedded NULLs")
    return item


def _address(array):
    return array.__array_interface__["data"][0]


def _store_texts(array, size, utf8, keep):
    texts = [_bytes_of(item, utf8) + b"\0" for item in array]
    memory = np.frombuffer(b"".join(texts), dtype="u1")
    keep.append(memory)
    ends = np.cumsum([0] + [len(text) for text in texts])[:-1]
    return (ends.astype("u8") + np.uint64(_address(memory) if len(memory) else 0)).view(f"V{size}")


def _store_references(array, size):
    items = [bytes(size) if item is None else item for item in array]
    for i, item in enumerate(items):
        if isinstance(item, Reference) and item._size == size:
            items[i] = item._bytes
        elif not isinstance(item, bytes):
            kind = "object" if size == Reference._size else "region"
            raise TypeError(f"Can't convert incompatible object to HDF5 {kind} reference")
    return np.frombuffer(b"".join(items), dtype=f"V{size}")


def _store_sequences(array, number, keep):
    base = dtype_of(number)
    slots = np.zeros((len(array), 2), dtype="u8")
    for i, item in enumerate(array):
        items = np.ascontiguousarray([] if item is None else item, dtype=base).reshape(-1)
        memory = store(items, number, keep)
        keep.append(memory)
        slots[i] = len(memory), _address(memory)
    return slots.reshape(-1).view("V16")


def _store_fields(array, size, names, offsets, types, keep):
    form = {"names": names, "offsets": offsets, "itemsize": size,
            "formats": [f"V{_type_info(number)[1]}" for number in types]}
    raw = np.zeros(len(array), dtype=np.dtype(form))
    for name, number in zip(names, types):
        raw[name] = store(array[name], number, keep)
    return raw.view(f"V{size}")


def reshape(flat, shape):
    """Elements one after the other as an array; those that are arrays keep their own dimensions."""
    return flat.reshape((*shape, *flat.shape[1:]))
