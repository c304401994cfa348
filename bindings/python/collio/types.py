"""Types by HDF5's names: what ``dataset.id.get_type()`` gives, and ``collio.h5t.py_create()`` makes.

Each stands for a dtype. None of it is collective.
"""

import numpy as np

from . import _types
from .references import check_ref_dtype

INTEGER, FLOAT, TIME, STRING, BITFIELD, OPAQUE, COMPOUND, REFERENCE, ENUM, VLEN, ARRAY = range(11)
ORDER_LE, ORDER_BE = 0, 1
SGN_NONE, SGN_2 = 0, 1
CSET_ASCII, CSET_UTF8 = 0, 1
STR_NULLTERM, STR_NULLPAD, STR_SPACEPAD = range(3)
VARIABLE = 2**64 - 1


class TypeID:
    """A type of elements."""

    _class = -1

    def __init__(self, of, dtype=None):
        self._of = of
        self._dtype = dtype

    @property
    def dtype(self):
        return self._of.dtype if self._dtype is None else self._dtype

    def py_dtype(self):
        """The type as NumPy knows it."""
        return self.dtype

    @property
    def valid(self):
        """Whether it can be used."""
        return self._of is None or bool(self._of)

    def __bool__(self):
        return self.valid

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
        """Not supported: types travel with datasets."""
        raise NotImplementedError("types are not encoded by themselves")


class _Atomic(TypeID):
    def get_order(self):
        """ORDER_LE or ORDER_BE."""
        native = ORDER_LE if np.little_endian else ORDER_BE
        return native if self.dtype.base.isnative else ORDER_BE - native

    def get_precision(self):
        """Bits that count."""
        return 80 if self.dtype == np.longdouble and np.finfo("g").nmant == 63 else 8 * self.dtype.itemsize

    def get_offset(self):
        """The first of these."""
        return 0


class TypeIntegerID(_Atomic):
    """Integers."""

    _class = INTEGER

    def get_sign(self):
        """SGN_NONE or SGN_2."""
        return SGN_NONE if self.dtype.kind in "ub" else SGN_2


class TypeFloatID(_Atomic):
    """Floating-point numbers."""

    _class = FLOAT

    def get_fields(self):
        """(sign bit, first bit and bits of the exponent, first bit and bits of the mantissa)."""
        facts = np.finfo(self.dtype)
        whole = self.get_precision()
        mantissa = facts.nmant + (1 if whole == 80 else 0)
        return whole - 1, mantissa, whole - 1 - mantissa, 0, mantissa

    def get_ebias(self):
        """What is added to exponents."""
        return int(np.finfo(self.dtype).maxexp) - 1


class TypeBitfieldID(_Atomic):
    """Bits."""

    _class = BITFIELD


class TypeStringID(TypeID):
    """Strings."""

    _class = STRING

    def is_variable_str(self):
        return _types.check_string_dtype(self.dtype).length is None

    def get_cset(self):
        """CSET_ASCII or CSET_UTF8."""
        return int(_types.check_string_dtype(self.dtype).encoding == "utf-8")

    def get_strpad(self):
        """STR_NULLTERM, STR_NULLPAD or STR_SPACEPAD."""
        return STR_NULLTERM if self.is_variable_str() else STR_NULLPAD

    def get_size(self):
        return 8 if self.is_variable_str() else self.dtype.itemsize


class TypeOpaqueID(TypeID):
    """Bytes that only NumPy understands."""

    _class = OPAQUE

    def get_tag(self):
        """What they are."""
        return f"NUMPY:{self.dtype.str}".encode() if _types.check_opaque_dtype(self.dtype) else b""


class TypeReferenceID(TypeID):
    """References."""

    _class = REFERENCE

    def get_size(self):
        return check_ref_dtype(self.dtype)._size


class TypeCompoundID(TypeID):
    """Structs, and complex numbers."""

    _class = COMPOUND

    def _members(self):
        dt = self.dtype
        if dt.kind == "c":
            part = np.dtype(f"{dt.str[0]}f{dt.itemsize // 2}")
            return [("r", part, 0), ("i", part, part.itemsize)]
        return [(name, dt.fields[name][0], dt.fields[name][1]) for name in dt.names]

    def _parts(self):
        return [of(part) for _, part, _ in self._members()]

    def get_nmembers(self):
        """How many fields there are."""
        return len(self._members())

    def _member(self, number):
        if not 0 <= number < self.get_nmembers():
            raise ValueError(f"there is no member {number}")
        return self._members()[number]

    def get_member_name(self, member):
        """The name of a field, as bytes."""
        return self._member(member)[0].encode()

    def get_member_index(self, name):
        """Where a field is."""
        names = [known.encode() for known, *_ in self._members()]
        wanted = name.encode() if isinstance(name, str) else name
        if wanted not in names:
            raise ValueError(f"there is no member {name!r}")
        return names.index(wanted)

    def get_member_type(self, member):
        """The type of a field."""
        return of(self._member(member)[1])

    def get_member_class(self, member):
        """The class of that."""
        return self.get_member_type(member).get_class()

    def get_member_offset(self, member):
        """The first byte of a field."""
        return self._member(member)[2]


class TypeEnumID(TypeID):
    """Enumerations, and bool."""

    _class = ENUM

    def _values(self):
        return {"FALSE": 0, "TRUE": 1} if self.dtype.kind == "b" else _types.check_enum_dtype(self.dtype)

    def get_super(self):
        return of(np.dtype("i1") if self.dtype.kind == "b" else np.dtype(self.dtype.str))

    def _parts(self):
        return [self.get_super()]

    def get_order(self):
        """ORDER_LE or ORDER_BE."""
        return self.get_super().get_order()

    def get_nmembers(self):
        """How many names there are."""
        return len(self._values())

    def get_member_name(self, index):
        """One of them, as bytes."""
        if not 0 <= index < self.get_nmembers():
            raise ValueError(f"there is no member {index}")
        return list(self._values())[index].encode()

    def get_member_value(self, index):
        """What it stands for."""
        return int(self._values()[self.get_member_name(index).decode()])

    def get_member_index(self, name):
        """Where a name is."""
        return [known.encode() for known in self._values()].index(name)

    def enum_valueof(self, name):
        """What a name stands for."""
        if name.decode() not in self._values():
            raise ValueError(f"there is no member {name!r}")
        return int(self._values()[name.decode()])

    def enum_nameof(self, value):
        """The name of a value."""
        for name, known in self._values().items():
            if known == value:
                return name.encode()
        raise ValueError(f"there is no member of the value {value}")


class TypeVlenID(TypeID):
    """Sequences of any length."""

    _class = VLEN

    def get_super(self):
        return of(np.dtype(_types.check_vlen_dtype(self.dtype)))

    def _parts(self):
        return [self.get_super()]

    def get_size(self):
        return 16


class TypeArrayID(TypeID):
    """Arrays as elements."""

    _class = ARRAY

    def get_super(self):
        return of(self.dtype.base)

    def _parts(self):
        return [self.get_super()]

    def get_array_ndims(self):
        """Number of dimensions."""
        return len(self.dtype.shape)

    def get_array_dims(self):
        """Extents."""
        return self.dtype.shape


_KINDS = {"i": TypeIntegerID, "u": TypeIntegerID, "f": TypeFloatID, "c": TypeCompoundID, "b": TypeEnumID,
          "S": TypeStringID, "T": TypeStringID, "V": TypeOpaqueID}


def kind_of(dt):
    """The class that stands for a dtype."""
    if check_ref_dtype(dt) is not None:
        return TypeReferenceID
    if _types.check_opaque_dtype(dt):
        return TypeOpaqueID
    if dt.subdtype is not None:
        return TypeArrayID
    if dt.names is not None:
        return TypeCompoundID
    if _types.check_enum_dtype(dt) is not None:
        return TypeEnumID
    if dt.kind == "O":
        return TypeStringID if _types.check_string_dtype(dt) is not None else TypeVlenID
    return _KINDS.get(dt.kind, TypeID)


def of(dt, whose=None):
    """What stands for a dtype; `whose`: the object whose type it is."""
    return kind_of(dt)(whose, dt)


def create(dtype, logical=False, aligned=False):
    """What stands for a dtype. TypeError if HDF5 has no such type. Not collective."""
    dtype = np.dtype(dtype)
    if dtype.kind == "O" and not logical and check_ref_dtype(dtype) is None and dtype.metadata is None:
        raise TypeError(f"Object dtype {dtype!r} has no native HDF5 equivalent")
    _types.type_of(dtype)
    return of(dtype)
