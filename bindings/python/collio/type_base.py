"""What all types have in common, and HDF5's numbers for them: see types.py. Not collective, but for commit()."""

import numpy as np

from . import _types, encoded
from .references import check_ref_dtype

INTEGER, FLOAT, TIME, STRING, BITFIELD, OPAQUE, COMPOUND, REFERENCE, ENUM, VLEN, ARRAY = range(11)
NO_CLASS = -1
ORDER_LE, ORDER_BE, ORDER_VAX, ORDER_NONE = 0, 1, 2, 4
ORDER_NATIVE = ORDER_LE if np.little_endian else ORDER_BE
SGN_NONE, SGN_2 = 0, 1
CSET_ASCII, CSET_UTF8 = 0, 1
PAD_ZERO, PAD_ONE, PAD_BACKGROUND = range(3)
NORM_IMPLIED, NORM_MSBSET, NORM_NONE = range(3)
BKG_NO, BKG_TEMP, BKG_YES = range(3)
DIR_DEFAULT, DIR_ASCEND, DIR_DESCEND = range(3)
STR_NULLTERM, STR_NULLPAD, STR_SPACEPAD = range(3)
VARIABLE = 2**64 - 1

# Classes of the kinds of dtypes, and what stands for types of a class.
_NUMBERS = {"i": INTEGER, "u": INTEGER, "f": FLOAT, "c": COMPOUND, "b": ENUM, "S": STRING, "T": STRING, "V": OPAQUE}
_stand_ins = {}


class TypeID:
    """A type of elements."""

    _class = -1

    def __init_subclass__(cls):
        _stand_ins.setdefault(cls._class, cls)

    def __init__(self, of, dtype=None):
        self._of = of
        self._dtype = dtype
        self._locked = False

    def _stored(self):
        """What create_dataset() is to be told: the named type itself, or a dtype."""
        return self._of if self._named() else self.dtype

    def _change(self, dtype):
        """Stand for another dtype."""
        if self._locked or self._named():
            raise TypeError("the datatype is read-only")
        self._of, self._dtype = None, np.dtype(dtype)
        self.__class__ = _stand_ins[class_of(self._dtype)]

    def lock(self):
        """It cannot be changed any more."""
        self._locked = True

    @property
    def locked(self):
        """Whether it cannot be changed."""
        return self._locked

    def commit(self, loc, name, lcpl=None):
        """Give it a name in a file. Collective."""
        text = name.decode("utf-8", "surrogateescape")
        if self._named():
            raise TypeError("Unable to commit datatype (datatype is already committed)")
        loc._of[text] = self.dtype
        self._of, self._dtype = loc._of[text], None

    def get_create_plist(self):
        """How a named type was made."""
        from . import made

        if not self._named():
            raise RuntimeError("not a named type")
        return made.of_type(self._of)

    def set_size(self, size):
        """Bytes of an element."""
        self._change(_resized(self.dtype, int(size)))

    @property
    def dtype(self):
        return self._of.dtype if self._dtype is None else self._dtype

    def py_dtype(self):
        """The type as NumPy knows it."""
        return self.dtype

    @property
    def valid(self):
        """1 if it can be used, else 0."""
        return int(self._of is None or bool(self._of))

    def __bool__(self):
        return bool(self.valid)

    @property
    def id(self):
        """A number, the same for equal types."""
        return hash(self) & 0x7FFFFFFFFFFFFFFF

    @property
    def name(self):
        """Of a named type, as bytes."""
        name = self._of.name if self._named() else None
        return None if name is None else name.encode("utf-8", "surrogateescape")

    def _named(self):
        return self._of is not None and not hasattr(self._of, "shape")

    def committed(self):
        """Whether it is a named type of a file."""
        return self._named()

    def copy(self):
        """The same type, not a named one."""
        return of(self.dtype)

    __copy__ = copy

    def __reduce__(self):
        return of, (self.dtype,)

    def close(self):
        """Nothing needs to be done."""

    def get_class(self):
        """INTEGER, FLOAT, STRING, ..."""
        return self._class

    def get_size(self):
        """Bytes of an element in memory, as the library has them."""
        from ._collio import _type_info

        return _type_info(_types.type_of(self.dtype))[1]

    def equal(self, other):
        """Whether elements are the same."""
        return isinstance(other, TypeID) and _types.type_of(self.dtype) == _types.type_of(other.dtype)

    __eq__ = equal

    def __hash__(self):
        return hash((self._class, self.dtype.str if self.dtype.names is None else self.dtype.names))

    def detect_class(self, cls):
        """Whether elements are of a class, or have parts that are."""
        return self._class == cls or any(part.detect_class(cls) for part in self._parts())

    def _parts(self):
        return ()

    def get_super(self):
        """What elements are made of."""
        raise TypeError("not a datatype that is made of another one")

    def is_variable_str(self):
        """Whether elements are strings of any length."""
        return False

    def encode(self):
        """As bytes, for h5t.decode() of this library."""
        return encoded.dumps("datatype", self.dtype)


_stand_ins[NO_CLASS] = TypeID


def class_of(dt):
    """HDF5's number for what the elements of a dtype are; NO_CLASS if there is none."""
    if check_ref_dtype(dt) is not None:
        return REFERENCE
    if _types.check_opaque_dtype(dt):
        return OPAQUE
    if dt.subdtype is not None:
        return ARRAY
    if dt.names is not None:
        return COMPOUND
    if _types.check_enum_dtype(dt) is not None:
        return ENUM
    if dt.kind == "O":
        return STRING if _types.check_string_dtype(dt) is not None else VLEN
    return _NUMBERS.get(dt.kind, NO_CLASS)


def of(dt, whose=None):
    """What stands for a dtype; `whose`: the object whose type it is."""
    return _stand_ins[class_of(dt)](whose, dt)


def _resized(dt, size):
    """A dtype of the same kind with other bytes."""
    text = _types.check_string_dtype(dt)
    if text is not None:
        return _types.string_dtype(text.encoding, None if size == VARIABLE else size)
    if size <= 0:
        raise ValueError("Size must be positive")
    if dt.names is not None or (dt.kind == "V" and (dt.metadata or {}).get("collio_struct")):
        return blank_struct(size, dt)
    if dt.subdtype is not None or dt.hasobject or dt.kind == "b" or _types.check_enum_dtype(dt) is not None:
        raise ValueError("Operation not defined for this datatype")
    return np.dtype(f"{dt.str[0] if dt.kind in 'iuf' else ''}{dt.kind}{size}")


def blank_struct(size, dt=None):
    names = () if dt is None else dt.names or ()
    if any(dt.fields[name][1] + dt.fields[name][0].itemsize > size for name in names):
        raise ValueError("Unable to set size for datatype (size shrinking will cut off last member)")
    return np.dtype({"names": list(names), "formats": [dt.fields[name][0] for name in names],
                     "offsets": [dt.fields[name][1] for name in names], "itemsize": size})
