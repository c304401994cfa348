"""Element types: NumPy's dtypes, those that only HDF5 knows, and the numbers that collio gives both.

What NumPy cannot say of itself is noted in a dtype's metadata, with the names that h5py uses, so
that the dtypes of one can be used with the other.
"""

from collections import namedtuple

import numpy as np

from ._collio import _type_copies, _type_info, _type_make

string_info = namedtuple("string_info", ["encoding", "length"])


# ---------------------------------------------------------------- dtypes with a meaning of their own


def string_dtype(encoding="utf-8", length=None):
    """The dtype of strings: of `length` bytes each, or of any length (None). Not collective.

    encoding -- "utf-8" or "ascii"
    """
    codec = encoding.lower().replace("_", "-")
    if codec not in ("utf-8", "utf8", "ascii"):
        raise ValueError(f"Invalid encoding {encoding!r}; 'utf-8' or 'ascii' allowed")
    if isinstance(length, (int, np.integer)):
        kept = "ascii" if codec == "ascii" else "utf-8"
        return np.dtype(f"S{length}", metadata={"h5py_encoding": kept})
    if length is None:
        return np.dtype("O", metadata={"vlen": bytes if codec == "ascii" else str})
    raise TypeError(f"length must be an integer or None, not {length!r}")


def vlen_dtype(basetype):
    """The dtype of arrays of any length as elements, themselves of type `basetype`.

    Not collective.
    """
    return np.dtype("O", metadata={"vlen": basetype})


def enum_dtype(values_dict, basetype=np.uint8):
    """The dtype of an enumeration: names to values, kept as integers of type `basetype`.

    Not collective.
    """
    base = np.dtype(basetype)
    if base.kind not in "iu":
        raise TypeError("Only integer types can be used as enums")
    return np.dtype(base, metadata={"enum": values_dict})


def opaque_dtype(np_dtype):
    """The dtype of elements stored as bytes that only NumPy understands, such as datetime64.

    Not collective.
    """
    np_dtype = np.dtype(np_dtype)
    if np_dtype.kind == "O":
        raise TypeError("Cannot store numpy object arrays as opaque")
    return np.dtype(np_dtype, metadata={"h5py_opaque": True})


def _note(dt, key):
    return (getattr(dt, "metadata", None) or {}).get(key)


def check_vlen_dtype(dt):
    """What elements of any length are made of (str, bytes, a dtype); None for other dtypes.

    Not collective.
    """
    return _note(dt, "vlen")


def check_string_dtype(dt):
    """A string_info(encoding, length) of a dtype of strings; None for others.

    Not collective.
    """
    kind = check_vlen_dtype(dt)
    if kind is str or dt.kind == "T":
        return string_info("utf-8", None)
    if kind is bytes:
        return string_info("ascii", None)
    if dt.kind == "S":
        return string_info(_note(dt, "h5py_encoding") or "ascii", dt.itemsize)
    return None


def check_enum_dtype(dt):
    """Names to values of an enumeration; None for other dtypes.

    Not collective.
    """
    return _note(dt, "enum")


def check_opaque_dtype(dt):
    """Whether a dtype is one of opaque_dtype().

    Not collective.
    """
    return bool(_note(dt, "h5py_opaque"))


def special_dtype(**kwds):
    """As vlen_dtype (vlen=basetype) or enum_dtype (enum=(basetype, values)). Not collective."""
    if len(kwds) != 1:
        raise ValueError("Exactly one keyword may be provided")
    name, value = next(iter(kwds.items()))
    if name == "vlen":
        return np.dtype("O", metadata={"vlen": value})
    if name == "enum":
        try:
            base, values = value
        except (TypeError, ValueError):
            raise TypeError("Enums must be created from a 2-tuple (basetype, values_dict)") from None
        return enum_dtype(values, base)
    raise ValueError(f'Unknown special type "{name}"')


def check_dtype(**kwds):
    """As check_vlen_dtype (vlen=dt) or check_enum_dtype (enum=dt). Not collective."""
    if len(kwds) != 1:
        raise ValueError("Exactly one keyword may be provided")
    name, dt = next(iter(kwds.items()))
    if name not in ("vlen", "enum", "ref"):
        raise ValueError(f'Unknown special type "{name}"')
    return _note(dt, name)


class Empty:
    """What an attribute or dataset without elements (a null dataspace) is written from and read as.

    Has nothing to do with ranks that have nothing to write: they write to an empty selection.
    """

    def __init__(self, dtype):
        self._dtype = np.dtype(dtype)

    @property
    def shape(self):
        """None."""
        return None

    @property
    def size(self):
        """None."""
        return None

    @property
    def dtype(self):
        """Type of the elements that are not there."""
        return self._dtype

    def __eq__(self, other):
        return isinstance(other, Empty) and self.dtype == other.dtype

    __hash__ = None

    def __repr__(self):
        return f"Empty(dtype={self.dtype!r})"


# ------------------------------------------------------------------------- from dtypes to numbers


def type_of(dt):
    """The number of the type in which elements of a dtype are stored and lie in memory."""
    return _type_make(_describe(np.dtype(dt)))


def _describe(dt):
    if check_opaque_dtype(dt):
        return ("opaque", dt.itemsize, f"NUMPY:{dt.str}")
    if dt.subdtype is not None:
        base, shape = dt.subdtype
        return ("array", type_of(base), shape)
    if dt.names is not None:
        return _describe_fields(dt)
    if dt.kind in "biufc":
        number = ("number", dt.kind, dt.itemsize, not dt.isnative)
        values = check_enum_dtype(dt)
        if values is None:
            return number
        return ("enum", _type_make(number), list(values), [int(v) for v in values.values()])
    if dt.kind == "S" and dt.itemsize > 0:
        return ("string", dt.itemsize, check_string_dtype(dt).encoding == "utf-8")
    if dt.kind == "V" and dt.itemsize > 0:
        return ("opaque", dt.itemsize, "")
    if dt.kind in "OT":
        return _describe_objects(dt)
    raise TypeError(f"No conversion path for dtype: {dt!r}")


def _describe_objects(dt):
    text = check_string_dtype(dt)
    if text is not None:
        return ("string", 0, text.encoding == "utf-8")
    base = check_vlen_dtype(dt)
    if base is None:
        raise TypeError(f"Object dtype {dt!r} has no native HDF5 equivalent")
    return ("sequence", type_of(base))


def _describe_fields(dt):
    """Offsets are NumPy's, unless a member has another size in memory than in NumPy."""
    types = [type_of(dt.fields[name][0]) for name in dt.names]
    sizes = [_type_info(number)[1] for number in types]
    offsets = [dt.fields[name][1] for name in dt.names]
    size = dt.itemsize
    if sizes != [dt.fields[name][0].itemsize for name in dt.names]:
        offsets = [sum(sizes[:i]) for i in range(len(sizes))]
        size = sum(sizes)
    return ("compound", size, list(dt.names), offsets, types)


# ------------------------------------------------------------------------- from numbers to dtypes

_known = {}


def dtype_of(number):
    """The dtype as which elements of a type are read."""
    if number not in _known:
        form, size, *details = _type_info(number)
        _known[number] = _readers[form](size, *details)
    return _known[number]


def _read_number(size, letter, swapped):
    dt = np.dtype(f"{letter}{size}")
    return dt.newbyteorder("S") if swapped else dt


def _read_other(size, letter, swapped):
    """A number of an unusual format: what it is converted to."""
    if not letter:
        raise TypeError(f"No NumPy equivalent for an HDF5 type of {size} bytes")
    least = 4 if letter == "f" else 8 if letter == "c" else 1
    sizes = [n for n in (1, 2, 4, 8, 16, 32) if n >= max(size, least)]
    return _read_number(sizes[0], letter, swapped and sizes[0] == size)


def _read_string(size, variable, utf8):
    return string_dtype("utf-8" if utf8 else "ascii", None if variable else size)


def _read_enum(size, base, names, values):
    base = dtype_of(base)
    if base.kind == "u":
        values = [value % 2**64 for value in values]
    return enum_dtype(dict(zip(names, values)), base)


def _read_compound(size, names, offsets, types):
    formats = [dtype_of(number) for number in types]
    packed = np.dtype(list(zip(names, formats)))
    if [dt.itemsize for dt in formats] != [_type_info(number)[1] for number in types]:
        return packed
    if offsets == [packed.fields[name][1] for name in names] and size == packed.itemsize:
        return packed
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})


def _read_array(size, base, shape):
    return np.dtype((dtype_of(base), shape))


def _read_opaque(size, tag):
    if tag.startswith("NUMPY:"):
        return opaque_dtype(tag[6:])
    return np.dtype(f"V{size}")


def _read_sequence(size, base):
    return vlen_dtype(dtype_of(base))


def _read_reference(size):
    raise NotImplementedError("references to objects and regions are not supported yet")


_readers = {
    "number": _read_number,
    "string": _read_string,
    "enum": _read_enum,
    "compound": _read_compound,
    "array": _read_array,
    "opaque": _read_opaque,
    "sequence": _read_sequence,
    "reference": _read_reference,
    "other": _read_other,
}


# ------------------------------------------------------- elements of any length, in and out of memory


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
    elif item is None or (isinstance(item, int) and item == 0):
        item = b""  # what NumPy puts where nothing was assigned
    elif not isinstance(item, bytes):
        item = str(item).encode("utf-8", "surrogateescape")
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


# ------------------------------------------------------------------ what is to be written


def prepare(values, number, names=None):
    """(array, type number, ndim, keep): values as memory for elements of a type in a file.

    names -- fields to write; None: whole elements
    ndim -- dimensions of `array` that are no part of an element
    keep -- what the array points to
    """
    dt = dtype_of(number)
    if names:
        array = _struct(values, dt, names)
        chosen = [name for name in array.dtype.names if name in names]
        mine = type_of(array.dtype[chosen] if not array.dtype.hasobject else
                       [(name, array.dtype[name]) for name in chosen])
        array = array[chosen] if not array.dtype.hasobject else _packed(array, chosen)
        ndim = array.ndim
    else:
        array = as_array(values, dt)
        mine, ndim = _element(array, dt)
    keep = []
    if array.dtype.hasobject:
        shape = array.shape[:ndim]
        array = store(array.reshape((-1, *array.shape[ndim:])), mine, keep).reshape(shape)
    return array, mine, ndim, keep


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
        return np.asarray(values, dtype=dt)
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
    if isinstance(values, np.ndarray) and values.dtype.kind == "O":
        return values.view(dt)
    try:
        whole = np.asarray(values, dtype=base)
    except (TypeError, ValueError):
        whole = None
    if whole is None or whole.ndim == 0:
        items, shape = [np.asarray(item, dtype=base) for item in values], (len(values),)
    else:
        items, shape = list(whole.reshape(-1, whole.shape[-1])), whole.shape[:-1]
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array.reshape(shape).view(dt)


def _struct(values, dt, names):
    """Values for some fields of a struct, as a struct array."""
    if dt.names is None:
        raise TypeError("Illegal slicing argument (not a compound dataset)")
    wrong = [name for name in names if name not in dt.names]
    if wrong:
        wrong = ", ".join(f'"{name}"' for name in wrong)
        raise ValueError(f"Illegal slicing argument (fields {wrong} not in dataset type)")
    if isinstance(values, np.ndarray) and values.dtype.names is not None:
        return values
    if len(names) > 1:
        return np.asarray(values, dtype=[(name, dt[name]) for name in names])
    field = dt[names[0]]
    array = as_array(values, field)
    base = field.base if not isinstance(values, np.ndarray) else array.dtype
    made = np.empty(array.shape[: array.ndim - len(field.shape)],
                    dtype=[(names[0], base, field.shape) if field.shape else (names[0], base)])
    made[names[0]] = array
    return made


def fields_dtype(dt, names):
    """The dtype of some fields of a struct, as they are read."""
    if dt.names is None:
        raise ValueError("Field names only allowed for compound types")
    for name in names:
        if name not in dt.names:
            raise ValueError(f"Field {name} does not appear in this type.")
    return np.dtype([(name, dt.fields[name][0]) for name in names])
