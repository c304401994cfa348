"""Ids, by h5py's names. Nothing here is collective."""

from ._attributes import AttrID
from ._lock import phil, with_phil
from .handles import DatasetID, FileID, GroupID
from .lists import PropClass, PropList
from .spaces import SpaceID
from .types import TypeID

__all__ = ["dec_ref", "get_file_id", "get_name", "get_ref", "get_type", "inc_ref", "phil", "with_phil"]

BADID = INVALID_HID = -1
FILE, GROUP, DATATYPE, DATASPACE, DATASET, ATTR, REFERENCE = range(1, 8)
GENPROP_CLS, GENPROP_LST = 9, 10

_TYPES = ((FileID, FILE), (GroupID, GROUP), (DatasetID, DATASET), (TypeID, DATATYPE), (SpaceID, DATASPACE),
          (AttrID, ATTR), (PropClass, GENPROP_CLS), (PropList, GENPROP_LST))


def get_type(obj):
    """What an id stands for."""
    return next((number for kind, number in _TYPES if isinstance(obj, kind)), BADID)


def get_name(obj):
    """The path of an object, as bytes; None if it has none."""
    if isinstance(obj, FileID):
        return b"/"
    return getattr(obj, "name", None) if hasattr(obj, "_of") and obj._of is not None else None


def get_file_id(obj):
    """That of its file."""
    return obj._of.file.id


def inc_ref(obj):
    """Nothing needs to be done: objects are kept while they are used."""


def dec_ref(obj):
    """The same."""


def get_ref(obj):
    """1 for what is open."""
    return int(bool(obj))
