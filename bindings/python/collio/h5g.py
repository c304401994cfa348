"""Groups, by h5py's names. Those that change something are collective."""

from collections import namedtuple

from . import handles
from ._lock import phil, with_phil
from ._named import below, first, raw, text
from .handles import GroupID

__all__ = ["GroupID", "GroupStat", "create", "get_objinfo", "iterate", "open", "phil", "with_phil"]

UNKNOWN, GROUP, DATASET, TYPE, LINK = range(-1, 4)
LINK_ERROR, LINK_HARD, LINK_SOFT = range(-1, 2)
CRT_ORDER_TRACKED = 1

GroupStat = namedtuple("GroupStat", "fileno objno nlink type mtime linklen")


def open(loc, name):
    """One of a group."""
    found = loc._of[text(name)]
    if not hasattr(found, "create_group"):
        raise KeyError("Unable to open group (not a group)")
    return handles.of(found)


def create(loc, name, lcpl=None, gcpl=None):
    """A group. Collective."""
    given = {} if gcpl is None else {"track_order": gcpl._order() or None, "_attributes": gcpl._room()}
    return loc._of.create_group(None if name is None else text(name), **given).id


def iterate(loc, func, startidx=0, *, obj_name=b"."):
    """Call func(name) until it returns something, which is returned."""
    return first(func(raw(name)) for name in list(below(loc, obj_name))[startidx:])


def get_objinfo(obj, name=b".", *, follow_link=True):
    """Numbers of HDF5's about an object."""
    if not follow_link and name != b".":
        link = obj._of.get(text(name), getlink=True)
        if hasattr(link, "path"):
            return GroupStat((0, 0), (0, 0), 0, LINK, 0, len(raw(link.path)) + 1)
    of = below(obj, name)
    facts = of._facts()
    return GroupStat((hash(of.file) & 0xFFFFFFFF, 0), (hash(of) & 0xFFFFFFFF, 0), facts["links"],
                     handles.number_of(of.id, (GROUP, DATASET, TYPE)), facts["changed"], 0)
