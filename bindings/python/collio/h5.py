"""Settings and versions, by h5py's names. Nothing here is collective."""

from . import version
from ._lock import phil, with_phil
from .config import Config as H5PYConfig
from .config import get_config
from .h5py_warnings import H5pyDeprecationWarning

__all__ = ["H5PYConfig", "H5pyDeprecationWarning", "HDF5_VERSION_COMPILED_AGAINST", "get_config", "get_libversion",
           "phil", "with_phil"]

INDEX_NAME, INDEX_CRT_ORDER = range(2)
ITER_INC, ITER_DEC, ITER_NATIVE = range(3)
HDF5_VERSION_COMPILED_AGAINST = tuple(version.hdf5_built_version_tuple)


def get_libversion():
    """Of the HDF5 in use: (major, minor, release)."""
    return tuple(version.hdf5_version_tuple)
