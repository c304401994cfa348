"""What can be set for all files, and what the library can do, as ``h5py.get_config()`` gives it."""

import os


class _Config:
    """``track_order`` may be set: whether new files and groups keep the order of their names.

    ``mpi`` is True. Complex numbers are stored as compounds of ``complex_names``, booleans as
    enumerations of ``bool_names``; neither can be changed. The others say what there is not.
    """

    mpi = True
    default_file_mode = "r"
    ros3 = False
    direct_vfd = False
    complex_names = ("r", "i")
    bool_names = (b"FALSE", b"TRUE")
    swmr_min_hdf5_version = (1, 9, 178)
    vds_min_hdf5_version = (1, 9, 233)

    def __init__(self):
        self._track_order = False

    @property
    def track_order(self):
        """Whether new files and groups keep names and attributes in the order in which they came."""
        return self._track_order

    @track_order.setter
    def track_order(self, value):
        self._track_order = bool(value)

    def __setattr__(self, name, value):
        if name in ("track_order", "_track_order"):
            object.__setattr__(self, name, value)
        elif getattr(self, name) != value:
            raise ValueError(f"{name} is always {getattr(self, name)!r}")


_config = _Config()


def get_config():
    """The settings for all files; set them alike on all ranks. Not collective."""
    return _config


def is_hdf5(fname):
    """Whether there is a file of that name which begins as HDF5 files do, maybe after a user block. Not collective."""
    try:
        with open(os.fspath(fname), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            at = 0
            while at + 8 <= size:
                file.seek(at)
                if file.read(8) == b"\x89HDF\r\n\x1a\n":
                    return True
                at = 2 * at or 512
    except OSError:
        pass
    return False
