"""Datatypes, by h5py's names. Nothing here is collective, but for TypeID.commit()."""

import numpy as _np

from . import _types
from . import type_atomic as _atomic
from . import type_base as _base
from . import type_composite as _composite
from ._lock import phil, with_phil
from ._named import text as _text
from ._types import (
    check_complex_dtype,
    check_dtype,
    check_enum_dtype,
    check_opaque_dtype,
    check_string_dtype,
    check_vlen_dtype,
    complex_compat_dtype,
    enum_dtype,
    opaque_dtype,
    special_dtype,
    string_dtype,
    string_info,
    vlen_dtype,
)
from .config import get_config
from .references import check_ref_dtype, ref_dtype, regionref_dtype
from .type_base import of as _of
from .types import create as py_create
from .types import decode
from .types import make as create
from .types import make_array as array_create
from .types import make_enum as enum_create
from .types import make_vlen as vlen_create

__all__ = [
    "array_create", "check_complex_dtype", "check_dtype", "check_enum_dtype", "check_opaque_dtype", "check_ref_dtype",
    "check_string_dtype", "check_vlen_dtype", "complex_compat_dtype", "convert", "create", "decode", "enum_create",
    "enum_dtype", "find", "get_config", "opaque_dtype", "open", "phil", "py_create", "ref_dtype", "regionref_dtype",
    "special_dtype", "string_dtype", "string_info", "typewrap", "vlen_create", "vlen_dtype", "with_phil",
]

globals().update({name: value for part in (_base, _atomic, _composite) for name, value in vars(part).items()
                  if name.isupper() and name[0] != "_" or name.startswith("Type")})


def _constant(dtype):
    made = _of(_np.dtype(dtype))
    made.lock()
    return made


_SIZES = (1, 2, 4, 8)
globals().update({
    **{f"NATIVE_{'U' if letter == 'u' else ''}INT{8 * n}": _constant(f"={letter}{n}") for letter in "iu"
       for n in _SIZES},
    **{f"STD_{letter.upper()}{8 * n}{end}": _constant(f"{sign}{letter}{n}") for letter in "iu" for n in _SIZES
       for end, sign in (("LE", "<"), ("BE", ">"))},
    **{f"IEEE_F{8 * n}{end}": _constant(f"{sign}f{n}") for n in (2, 4, 8) for end, sign in (("LE", "<"), ("BE", ">"))},
    **{f"STD_B{8 * n}{end}": _atomic.TypeBitfieldID(None, _np.dtype(f"{sign}u{n}")) for n in _SIZES
       for end, sign in (("LE", "<"), ("BE", ">"))},
    **{f"NATIVE_B{8 * n}": _atomic.TypeBitfieldID(None, _np.dtype(f"=u{n}")) for n in _SIZES},
    **{f"UNIX_D{8 * n}{end}": _atomic.TypeTimeID(None, _np.dtype(f"{sign}i{n}")) for n in (4, 8)
       for end, sign in (("LE", "<"), ("BE", ">"))},
})
NATIVE_FLOAT, NATIVE_DOUBLE, NATIVE_LDOUBLE = map(_constant, ("f4", "f8", "g"))
LDOUBLE_LE, LDOUBLE_BE = _constant(_np.dtype("g").newbyteorder("<")), _constant(_np.dtype("g").newbyteorder(">"))
C_S1 = FORTRAN_S1 = _atomic.TypeStringID(None, _types.ended_dtype(1))
STD_REF_OBJ, STD_REF_DSETREG = _constant(ref_dtype), _constant(regionref_dtype)
PYTHON_OBJECT = _atomic.TypeOpaqueID(None, _np.dtype("V8"))
NUMPY_RUNTIME_VERSION_TUPLE = tuple(int(part) for part in _np.__version__.split(".")[:3] if part.isdigit())


def open(group, name, tapl=None):
    """A named type of a file."""
    found = group._of[_text(name)]
    if hasattr(found, "create_group") or hasattr(found, "iter_chunks"):
        raise KeyError("Unable to open named datatype (not a named datatype)")
    return found.id


def typewrap(tid):
    """The type itself."""
    return tid


def find(src, dst):
    """(background that a conversion needs,), or None if there is no such conversion."""
    if src.get_class() != dst.get_class() and not {src.get_class(), dst.get_class()} <= {_base.INTEGER,
                                                                                         _base.FLOAT}:
        return None
    return (_base.BKG_YES if src.get_class() == _base.COMPOUND else _base.BKG_NO,)


def convert(src, dst, n, buf, bkg=None, dxpl=None):
    """Convert the first n elements of a buffer in their place."""
    raw = buf.view(_np.uint8).reshape(-1)
    made = _np.frombuffer(raw[: n * src.dtype.itemsize].tobytes(), src.dtype).astype(dst.dtype)
    raw[: made.nbytes] = made.view(_np.uint8).reshape(-1)
