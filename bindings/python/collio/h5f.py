"""Files, by h5py's names. Those that change something are collective where files are."""

from collections import namedtuple

from . import config
from ._lock import phil, with_phil
from ._named import path
from .handles import FileID
from .spaces import UNLIMITED

__all__ = ["FileID", "PageBufStats", "PageStats", "UNLIMITED", "create", "flush", "gc", "get_name", "get_obj_count",
           "get_obj_ids", "is_hdf5", "open", "open_file_image", "phil", "with_phil"]

ACC_RDONLY, ACC_RDWR, ACC_TRUNC, ACC_EXCL, ACC_SWMR_WRITE, ACC_SWMR_READ = 0, 1, 2, 4, 32, 64
SCOPE_LOCAL, SCOPE_GLOBAL = range(2)
CLOSE_DEFAULT, CLOSE_WEAK, CLOSE_SEMI, CLOSE_STRONG = range(4)
OBJ_FILE, OBJ_DATASET, OBJ_GROUP, OBJ_DATATYPE, OBJ_ATTR, OBJ_LOCAL = (1 << bit for bit in range(6))
OBJ_ALL = 31
LIBVER_EARLIEST, LIBVER_V18, LIBVER_V110, LIBVER_LATEST = 0, 1, 2, 2
FILE_IMAGE_OPEN_RW = 1
FSPACE_STRATEGY_FSM_AGGR, FSPACE_STRATEGY_PAGE, FSPACE_STRATEGY_AGGR, FSPACE_STRATEGY_NONE = range(4)

PageBufStats = namedtuple("PageBufferStats", "meta raw")  # h5py's name of it too
PageStats = namedtuple("PageStats", "accesses hits misses evictions bypasses")


def _file(name, mode, fapl, **given):
    from . import File

    if fapl is not None:
        given.update(fapl._keywords())
    return File(path(name), mode, **given).id


def create(name, flags=ACC_TRUNC, fcpl=None, fapl=None):
    """A new file of this process; for several there is collio.File. Not collective."""
    given = {} if fcpl is None else fcpl._keywords()
    return _file(name, "x" if flags & ACC_EXCL else "w", fapl, **given)


def open(name, flags=ACC_RDWR, fapl=None):
    """A file that is there. Not collective."""
    return _file(name, "r+" if flags & ACC_RDWR else "r", fapl, swmr=bool(flags & ACC_SWMR_READ))


def open_file_image(image, flags=0):
    """A file in memory, from its bytes; to be changed with FILE_IMAGE_OPEN_RW. Not collective."""
    from .memory import from_image

    try:
        return from_image(image, flags & FILE_IMAGE_OPEN_RW).id
    except OSError as error:
        raise RuntimeError(f"the image cannot be opened: {error}") from None


def flush(obj, scope=SCOPE_LOCAL):
    """Write what is not on disk yet. Collective."""
    obj._of.file.flush()


def is_hdf5(name):
    """Whether a file is one of HDF5."""
    return config.begins_well(name)


def get_name(obj):
    """The name of the file of an object, as bytes."""
    return obj._of.file.id.name


def gc():
    """Nothing needs to be done."""
    from gc import collect

    collect()


def _objects(where, types):
    kinds = {OBJ_FILE: "FileID", OBJ_DATASET: "DatasetID", OBJ_GROUP: "GroupID"}
    from .handles import alive

    wanted = [name for bit, name in kinds.items() if types & bit]
    return [one for one in alive(None if where is OBJ_ALL else where) if type(one).__name__ in wanted]


def get_obj_count(where=OBJ_ALL, types=OBJ_ALL):
    """How many ids of open objects there are, of a file or of all."""
    return len(_objects(where, types))


def get_obj_ids(where=OBJ_ALL, types=OBJ_ALL):
    """These ids."""
    return _objects(where, types)
