"""What can be set for all files, and what the library can do, as ``h5py.get_config()`` gives it."""

import os


class Config:
    """``track_order`` may be set: whether new files and groups keep the order of their names; and
    ``complex_names``, ``bool_names``: as which complex numbers (compounds) and booleans (enumerations) are
    stored and known. ``mpi`` is True. The others say what there is not, and cannot be set.
    """

    __slots__ = ("_track_order", "_complex_names", "_bool_names")  # a misspelt setting is an error

    def __init__(self):
        self._track_order = False
        self._complex_names = ("r", "i")
        self._bool_names = ("FALSE", "TRUE")

    mpi = property(lambda self: True, doc="files can be shared by processes")
    ros3 = property(lambda self: False, doc="no files of object stores")
    direct_vfd = property(lambda self: False, doc="no driver for direct access")
    has_native_complex = property(lambda self: False, doc="complex numbers are compounds")
    read_byte_strings = property(lambda self: True, doc="strings are read as bytes")
    swmr_min_hdf5_version = property(lambda self: (1, 9, 178))
    vds_min_hdf5_version = property(lambda self: (1, 9, 233))

    @property
    def default_file_mode(self):
        """Files are opened for reading, if nothing is said."""
        return "r"

    @default_file_mode.setter
    def default_file_mode(self, value):
        if value != "r":
            raise ValueError(f"default_file_mode={value!r}: it is always 'r', so pass the mode to File()")

    @property
    def track_order(self):
        """Whether new files and groups keep names and attributes in the order in which they came."""
        return self._track_order

    @track_order.setter
    def track_order(self, value):
        self._track_order = bool(value)

    @property
    def complex_names(self):
        """Of the parts of complex numbers."""
        return self._complex_names

    @complex_names.setter
    def complex_names(self, value):
        self._complex_names = _pair(value, "complex_names must be a length-2 sequence of strings (real, img)")
        _tell(self)

    @property
    def bool_names(self):
        """Of False and True."""
        return tuple(name.encode() for name in self._bool_names)

    @bool_names.setter
    def bool_names(self, value):
        self._bool_names = _pair(value, "bool_names must be a length-2 sequence of of names (false, true)")
        _tell(self)


def _pair(value, message):
    try:
        pair = tuple(name.decode() if isinstance(name, bytes) else str(name) for name in value)
    except TypeError:
        pair = ()
    if len(pair) != 2 or pair[0] == pair[1]:
        raise TypeError(message)
    return pair


def _tell(config):
    """What was known of types may be wrong now."""
    from . import _types

    _types.name_pairs(config._complex_names, config._bool_names)


_config = Config()


def get_config():
    """The settings for all files; set them alike on all ranks. Not collective."""
    return _config


def is_hdf5(fname):
    """Whether there is a file of that name which begins as HDF5 files do, maybe after a user block. Not collective."""
    try:
        return begins_well(fname)
    except OSError:
        return False


def begins_well(fname):
    """The same; OSError if it cannot be read."""
    with open(os.fspath(fname), "rb") as file:
        size = file.seek(0, os.SEEK_END)
        at = 0
        while at + 8 <= size:
            file.seek(at)
            if file.read(8) == b"\x89HDF\r\n\x1a\n":
                return True
            at = 2 * at or 512
    return False


def check_superblock(path, at):
    """RuntimeError for a file of an old format, which cannot be read while it is written."""
    with open(path, "rb") as file:
        file.seek(at + 8)
        version = file.read(1)[0]
    if version < 3:
        raise RuntimeError("Unable to start swmr writing (file superblock version - should be at least 3)")
