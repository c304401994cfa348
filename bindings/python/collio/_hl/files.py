"""Files."""

from .. import File, Group, h5f, h5fd, h5p, version
from .._lock import phil, with_phil
from ..drivers import register_driver, registered_drivers, unregister_driver
from .compat import filename_decode, filename_encode

__all__ = ["File", "Group", "direct_vfd", "filename_decode", "filename_encode", "h5f", "h5fd", "h5p", "hdf5_version",
           "libver_dict", "libver_dict_r", "mpi", "phil", "register_driver", "registered_drivers", "ros3",
           "unregister_driver", "version", "with_phil"]

hdf5_version = tuple(version.hdf5_version_tuple[:3])
mpi, ros3, direct_vfd = True, False, False
libver_dict = {"earliest": h5f.LIBVER_EARLIEST, "latest": h5f.LIBVER_LATEST, "v108": h5f.LIBVER_V18,
               "v110": h5f.LIBVER_V110}
libver_dict_r = {number: name for name, number in libver_dict.items()}
