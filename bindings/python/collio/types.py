"""Types by HDF5's names: what ``dataset.id.get_type()`` gives, and ``collio.h5t.py_create()`` makes.

Each stands for a dtype. None of it is collective, but for commit().
"""

import numpy as np

from . import _types, encoded
from .config import get_config
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


class TypeID:
    """A type of elements."""

    _class = -1

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
        self.__class__ = kind_of(self._dtype)

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


class TypeAtomicID(TypeID):
    """What has no parts."""

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

    def get_pad(self):
        """What bits before and after these are."""
        return PAD_ZERO, PAD_ZERO

    def set_order(self, order):
        """ORDER_LE or ORDER_BE."""
        if order not in (ORDER_LE, ORDER_BE):
            raise ValueError(f"there is no order {order}")
        self._change(self.dtype.newbyteorder("<" if order == ORDER_LE else ">"))

    def _keep(self, what, given, known):
        """Nothing but what is: NumPy has no others."""
        if given != known:
            raise NotImplementedError(f"{what} {given!r} of {self.dtype}: no dtype has it")

    def set_precision(self, precision):
        """Bits that count."""
        self._keep("precision", precision, self.get_precision())

    def set_offset(self, offset):
        """The first of these."""
        self._keep("offset", offset, 0)

    def set_pad(self, lsb, msb):
        """What bits before and after these are."""
        self._keep("padding", (lsb, msb), self.get_pad())


class TypeIntegerID(TypeAtomicID):
    """Integers."""

    _class = INTEGER

    def get_sign(self):
        """SGN_NONE or SGN_2."""
        return SGN_NONE if self.dtype.kind in "ub" else SGN_2

    def set_sign(self, sign):
        """SGN_NONE or SGN_2."""
        if sign not in (SGN_NONE, SGN_2):
            raise ValueError(f"there is no sign {sign}")
        self._change(f"{self.dtype.str[0]}{'u' if sign == SGN_NONE else 'i'}{self.dtype.itemsize}")


class TypeFloatID(TypeAtomicID):
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

    def get_norm(self):
        """NORM_IMPLIED, NORM_MSBSET or NORM_NONE."""
        return NORM_NONE if self.get_precision() == 80 else NORM_IMPLIED

    def get_inpad(self):
        """What bits that belong to no part are."""
        return PAD_ZERO

    def set_fields(self, spos, epos, esize, mpos, msize):
        """Where the parts are."""
        self._keep("parts", (spos, epos, esize, mpos, msize), self.get_fields())

    def set_ebias(self, ebias):
        """What is added to exponents."""
        self._keep("bias", ebias, self.get_ebias())

    def set_norm(self, norm):
        """Whether the first bit of the mantissa is kept."""
        self._keep("normalization", norm, self.get_norm())

    def set_inpad(self, pad):
        """What bits that belong to no part are."""
        self._keep("padding", pad, PAD_ZERO)


class TypeBitfieldID(TypeAtomicID):
    """Bits."""

    _class = BITFIELD


class TypeTimeID(TypeAtomicID):
    """Times, which HDF5 itself cannot convert."""

    _class = TIME


class TypeStringID(TypeAtomicID):
    """Strings."""

    _class = STRING

    def is_variable_str(self):
        return _types.check_string_dtype(self.dtype).length is None

    def get_cset(self):
        """CSET_ASCII or CSET_UTF8."""
        return int(_types.check_string_dtype(self.dtype).encoding == "utf-8")

    def set_cset(self, cset):
        """CSET_ASCII or CSET_UTF8."""
        if cset not in (CSET_ASCII, CSET_UTF8):
            raise ValueError(f"there is no character set {cset}")
        length = _types.check_string_dtype(self.dtype).length
        self._change(_types.string_dtype("utf-8" if cset else "ascii", length))

    def get_strpad(self):
        """STR_NULLTERM, STR_NULLPAD or STR_SPACEPAD."""
        ended = self.is_variable_str() or (self.dtype.metadata or {}).get("collio_ended")
        return STR_NULLTERM if ended else STR_NULLPAD

    def set_strpad(self, pad):
        """STR_NULLTERM, STR_NULLPAD or STR_SPACEPAD."""
        if self.is_variable_str() or pad == self.get_strpad():
            return
        if pad == STR_SPACEPAD:
            raise NotImplementedError("strings that end with spaces can be read, but not made")
        self._change(_types.ended_dtype(self.dtype.itemsize) if pad == STR_NULLTERM else
                     _types.string_dtype("ascii", self.dtype.itemsize))

    def get_size(self):
        return 8 if self.is_variable_str() else self.dtype.itemsize


class TypeOpaqueID(TypeID):
    """Bytes that only NumPy understands."""

    _class = OPAQUE

    def get_tag(self):
        """What they are."""
        return f"NUMPY:{self.dtype.str}".encode() if _types.check_opaque_dtype(self.dtype) else b""

    def set_tag(self, tag):
        """What they are: one of collio's, or nothing."""
        text = tag.decode()
        self._change(_types.opaque_dtype(text[6:]) if text.startswith("NUMPY:") else f"V{self.dtype.itemsize}")


class TypeReferenceID(TypeAtomicID):
    """References."""

    _class = REFERENCE

    def get_size(self):
        return check_ref_dtype(self.dtype)._size


class TypeCompositeID(TypeID):
    """What has members."""


class TypeCompoundID(TypeCompositeID):
    """Structs, and complex numbers."""

    _class = COMPOUND

    def _members(self):
        dt = self.dtype
        if dt.kind == "c":
            part = np.dtype(f"{dt.str[0]}f{dt.itemsize // 2}")
            real, imaginary = get_config().complex_names
            return [(real, part, 0), (imaginary, part, part.itemsize)]
        return [(name, dt.fields[name][0], dt.fields[name][1]) for name in dt.names or ()]

    def _parts(self):
        return [of(part) for _, part, _ in self._members()]

    def insert(self, name, offset, field):
        """Add a field."""
        members = [*self._members(), (name.decode("utf-8", "surrogateescape"), field.dtype, int(offset))]
        names, formats, offsets = zip(*members)
        if len(set(names)) < len(names):
            raise ValueError("Unable to insert member (member name is not unique)")
        if offset + field.get_size() > self.dtype.itemsize:
            raise ValueError("Unable to insert member (member extends past end of compound type)")
        self._change({"names": names, "formats": formats, "offsets": offsets, "itemsize": self.dtype.itemsize})

    def pack(self):
        """Leave no gaps."""
        self._change([(name, part) for name, part, _ in self._members()])

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
            raise RuntimeError(f"there is no member {name!r}")
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


class TypeEnumID(TypeCompositeID):
    """Enumerations, and bool."""

    _class = ENUM

    def _values(self):
        if self.dtype.kind == "b":
            return dict(zip(get_config()._bool_names, (0, 1)))
        return _types.check_enum_dtype(self.dtype)

    def enum_insert(self, name, value):
        """Add a name."""
        text = name.decode("utf-8", "surrogateescape")
        if text in self._values() or value in self._values().values():
            raise TypeError("Unable to insert new enumeration member (name or value redefinition)")
        self._change(_types.enum_dtype({**self._values(), text: int(value)}, np.dtype(self.dtype.str)))

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
            raise TypeError(f"there is no member {name!r}")
        return int(self._values()[name.decode()])

    def enum_nameof(self, value):
        """The name of a value."""
        for name, known in self._values().items():
            if known == value:
                return name.encode()
        raise TypeError(f"there is no member of the value {value}")


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


def _resized(dt, size):
    """A dtype of the same kind with other bytes."""
    text = _types.check_string_dtype(dt)
    if text is not None:
        return _types.string_dtype(text.encoding, None if size == VARIABLE else size)
    if size <= 0:
        raise ValueError("Size must be positive")
    if dt.names is not None or (dt.kind == "V" and (dt.metadata or {}).get("collio_struct")):
        return _blank_struct(size, dt)
    if dt.subdtype is not None or dt.hasobject or dt.kind == "b" or _types.check_enum_dtype(dt) is not None:
        raise ValueError("Operation not defined for this datatype")
    return np.dtype(f"{dt.str[0] if dt.kind in 'iuf' else ''}{dt.kind}{size}")


def _blank_struct(size, dt=None):
    names = () if dt is None else dt.names or ()
    if any(dt.fields[name][1] + dt.fields[name][0].itemsize > size for name in names):
        raise ValueError("Unable to set size for datatype (size shrinking will cut off last member)")
    return np.dtype({"names": list(names), "formats": [dt.fields[name][0] for name in names],
                     "offsets": [dt.fields[name][1] for name in names], "itemsize": size})


def make(classtype, size):
    """A type of a class, to be filled: h5t.create()."""
    if size <= 0:
        raise ValueError("Size must be positive")
    if classtype == COMPOUND:
        return TypeCompoundID(None, _blank_struct(size))
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
    return of(dtype)
