"""Types that are made of others: structs, complex numbers, enumerations, sequences, arrays."""

import numpy as np

from . import _types
from .config import get_config
from .type_base import ARRAY, COMPOUND, ENUM, VLEN, TypeID, of


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
        names = [known.encode() for known in self._values()]
        if name not in names:
            raise RuntimeError(f"there is no member {name!r}")
        return names.index(name)

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
