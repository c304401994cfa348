"""Filters, by h5py's names. Nothing here is collective."""

from . import _collio
from ._lock import phil, with_phil

__all__ = ["filter_avail", "get_filter_info", "phil", "register_filter", "unregister_filter", "with_phil"]

(FILTER_ERROR, FILTER_NONE, FILTER_DEFLATE, FILTER_SHUFFLE, FILTER_FLETCHER32, FILTER_SZIP, FILTER_NBIT,
 FILTER_SCALEOFFSET) = range(-1, 7)
FILTER_ALL, FILTER_RESERVED, FILTER_MAX, FILTER_LZF = 0, 256, 65535, 32000
FLAG_MANDATORY, FLAG_OPTIONAL, FLAG_DEFMASK, FLAG_INVMASK, FLAG_REVERSE, FLAG_SKIP_EDC = 0, 1, 255, 65280, 256, 512
(SZIP_ALLOW_K13_OPTION_MASK, SZIP_CHIP_OPTION_MASK, SZIP_EC_OPTION_MASK, SZIP_NN_OPTION_MASK,
 SZIP_MAX_PIXELS_PER_BLOCK) = 1, 2, 4, 32, 32
SO_FLOAT_DSCALE, SO_FLOAT_ESCALE, SO_INT = range(3)
SO_INT_MINBITS_DEFAULT = 0
FILTER_CONFIG_ENCODE_ENABLED, FILTER_CONFIG_DECODE_ENABLED = 1, 2
ERROR_EDC, DISABLE_EDC, ENABLE_EDC, NO_EDC = range(-1, 3)
CLASS_T_VERS = 1

# Plugins look for HDF5 in the library of this name.
__file__ = _collio.__file__


def filter_avail(filter_code):
    """Whether HDF5 has a filter."""
    return _collio._filter_available(int(filter_code))


def get_filter_info(filter_code):
    """Flags: FILTER_CONFIG_ENCODE_ENABLED, FILTER_CONFIG_DECODE_ENABLED."""
    if not filter_avail(filter_code):
        raise RuntimeError(f"Filter info not retrieved (required filter {filter_code} is not registered)")
    return FILTER_CONFIG_ENCODE_ENABLED | FILTER_CONFIG_DECODE_ENABLED


def register_filter(cls_pointer_address):
    """Let HDF5 have a filter: the address of its H5Z_class2_t, as ctypes gives it. All ranks should do so."""
    _collio._filter_register(cls_pointer_address)
    return True


def unregister_filter(filter_code):
    """Take it away, if no dataset that is open uses it."""
    _collio._filter_unregister(int(filter_code))
    return True
