"""Types without parts: numbers, bits, times, strings, references, and what only NumPy understands."""

import numpy as np

from . import _types
from .references import check_ref_dtype
from .type_base import (
    BITFIELD,
    CSET_ASCII,
    CSET_UTF8,
    FLOAT,
    INTEGER,
    NORM_IMPLIED,
    NORM_NONE,
    OPAQUE,
    ORDER_BE,
    ORDER_LE,
    PAD_ZERO,
    REFERENCE,
    SGN_2,
    SGN_NONE,
    STR_NULLPAD,
    STR_NULLTERM,
    STR_SPACEPAD,
    STRING,
    TIME,
    TypeID,
)


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
