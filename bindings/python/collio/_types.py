"""Element types: NumPy's dtypes, those that only HDF5 knows, and the numbers that collio gives both.

What NumPy cannot say of itself is noted in a dtype's metadata, with the names that h5py uses, so
that the dtypes of one can be used with the other.
"""

from collections import namedtuple

import numpy as np

from ._collio import _type_info, _type_make, _type_names
from .references import Reference, RegionReference, check_ref_dtype, ref_dtype, regionref_dtype

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


def ended_dtype(size):
    """The dtype of strings of `size` bytes, of which the last one is NUL."""
    return np.dtype(f"S{size}", metadata={"h5py_encoding": "ascii", "collio_ended": True})


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
    """As vlen_dtype (vlen=basetype) or enum_dtype (enum=(basetype, values)); ref=Reference or
    ref=RegionReference. Not collective."""
    if len(kwds) != 1:
        raise TypeError("Exactly one keyword may be provided")
    name, value = next(iter(kwds.items()))
    if name == "ref":
        if value not in (Reference, RegionReference):
            raise ValueError("Ref class must be Reference or RegionReference")
        return ref_dtype if value is Reference else regionref_dtype
    if name == "vlen":
        return np.dtype("O", metadata={"vlen": value})
    if name == "enum":
        try:
            base, values = value
        except (TypeError, ValueError):
            raise TypeError("Enums must be created from a 2-tuple (basetype, values_dict)") from None
        return enum_dtype(values, base)
    raise TypeError(f'Unknown special type "{name}"')


def check_dtype(**kwds):
    """As check_vlen_dtype (vlen=dt), check_enum_dtype (enum=dt) or check_ref_dtype (ref=dt). Not
    collective."""
    if len(kwds) != 1:
        raise TypeError("Exactly one keyword may be provided")
    name, dt = next(iter(kwds.items()))
    if name not in ("vlen", "enum", "ref"):
        raise TypeError(f'Unknown special type "{name}"')
    return _note(dt, name)


def complex_compat_dtype(dt, names=("r", "i")):
    """The dtype of structs of two numbers that stand for complex ones in files. Not collective.

    dt -- a complex dtype
    """
    dt = np.dtype(dt)
    if dt.kind != "c":
        raise TypeError(f"{dt!r} is not a complex dtype")
    return np.dtype([(name, f"{dt.str[0]}f{dt.itemsize // 2}") for name in names])


def check_complex_dtype(dt, names=("r", "i")):
    """The complex dtype that a dtype stands for: it is one, or one of complex_compat_dtype(); else None.
    Not collective.

    names -- of the parts; None: any
    """
    if dt.kind == "c":
        return dt
    if dt.names is None or len(dt.names) != 2 or (names is not None and dt.names != tuple(names)):
        return None
    real, imaginary = (dt.fields[name][0] for name in dt.names)
    if real != imaginary or real.kind != "f" or 2 * real.itemsize != dt.itemsize:
        return None
    try:
        return np.dtype(f"{real.str[0]}c{dt.itemsize}")
    except TypeError:
        return None


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


_numbers = {}  # those of dtypes that say everything of themselves


def type_of(dt):
    """The number of the type in which elements of a dtype are stored and lie in memory."""
    dt = np.dtype(dt)
    if dt.kind not in "biufc" or dt.metadata or dt.subdtype:
        return _type_make(_describe(dt))
    if dt.str not in _numbers:
        _numbers[dt.str] = _type_make(_describe(dt))
    return _numbers[dt.str]


def _describe(dt):
    if check_ref_dtype(dt) is not None:
        return ("reference", check_ref_dtype(dt) is RegionReference)
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
        if not values:
            raise ValueError("an enumeration without names cannot be stored")
        return ("enum", _type_make(number), list(values), [int(v) for v in values.values()])
    if dt.kind == "S" and dt.itemsize > 0:
        return ("string", dt.itemsize, check_string_dtype(dt).encoding == "utf-8", bool(_note(dt, "collio_ended")))
    if dt.kind == "V" and dt.itemsize > 0:
        return ("opaque", dt.itemsize, "")
    if dt.kind in "OT":
        return _describe_objects(dt)
    if dt.kind in "SV":
        raise ValueError(f"Size must be positive, and that of {dt!r} is 0")
    raise TypeError(f"No conversion path for dtype: {dt!r}")


def _describe_objects(dt):
    text = check_string_dtype(dt)
    if text is not None:
        return ("string", 0, text.encoding == "utf-8", True)
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


def name_pairs(complex_names, bool_names):
    """Know complex numbers and booleans by these names from now on."""
    _type_names(*complex_names, *bool_names)
    _known.clear()
    _numbers.clear()



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
    kinds = {kind._size: dt for kind, dt in ((Reference, ref_dtype), (RegionReference, regionref_dtype))}
    if size not in kinds:
        raise NotImplementedError(f"references of {size} bytes are not supported")
    return kinds[size]


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


def plain_dtype(dtype):
    """A dtype, or that of a named type. (NumPy's classes have a `dtype` that is none.)"""
    own = getattr(dtype, "dtype", None)
    return np.dtype(own if isinstance(own, np.dtype) else dtype)


def fit_there(wanted, there, exact):
    """The dtype to ask for where elements of dtype `there` are: that one, for str and object."""
    own = np.dtype(getattr(wanted, "dtype", wanted)) if not isinstance(wanted, type) else np.dtype(wanted)
    known = own.kind in "OU" and not own.metadata and not exact
    return there if known and there.kind in "OS" and np.can_cast(own, there) else wanted


def fields_dtype(dt, names):
    """The dtype of some fields of a struct, as they are read."""
    if dt.names is None:
        raise ValueError("Field names only allowed for compound types")
    for name in names:
        if name not in dt.names:
            raise ValueError(f"Field {name} does not appear in this type.")
    return np.dtype([(name, dt.fields[name][0]) for name in names])
