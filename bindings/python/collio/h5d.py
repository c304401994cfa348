"""Datasets, by h5py's names. Those that change something are collective."""

from . import handles
from ._lock import phil, with_phil
from ._named import text
from .handles import (
    ALLOC_TIME_DEFAULT,
    ALLOC_TIME_EARLY,
    ALLOC_TIME_INCR,
    ALLOC_TIME_LATE,
    CHUNKED,
    COMPACT,
    CONTIGUOUS,
    FILL_TIME_ALLOC,
    FILL_TIME_IFSET,
    FILL_TIME_NEVER,
    FILL_VALUE_DEFAULT,
    FILL_VALUE_UNDEFINED,
    FILL_VALUE_USER_DEFINED,
    SPACE_STATUS_ALLOCATED,
    SPACE_STATUS_NOT_ALLOCATED,
    SPACE_STATUS_PART_ALLOCATED,
    VIRTUAL,
    DatasetID,
    StoreInfo,
)

__all__ = [
    "ALLOC_TIME_DEFAULT", "ALLOC_TIME_EARLY", "ALLOC_TIME_INCR", "ALLOC_TIME_LATE", "CHUNKED", "COMPACT", "CONTIGUOUS",
    "FILL_TIME_ALLOC", "FILL_TIME_IFSET", "FILL_TIME_NEVER", "FILL_VALUE_DEFAULT", "FILL_VALUE_UNDEFINED",
    "FILL_VALUE_USER_DEFINED", "SPACE_STATUS_ALLOCATED", "SPACE_STATUS_NOT_ALLOCATED", "SPACE_STATUS_PART_ALLOCATED",
    "VDS_FIRST_MISSING", "VDS_LAST_AVAILABLE", "VIRTUAL", "DatasetID", "StoreInfo", "create", "open", "phil",
    "with_phil",
]

VDS_FIRST_MISSING, VDS_LAST_AVAILABLE = range(2)


def create(loc, name, tid, space, dcpl=None, lcpl=None, dapl=None, gcpl=None):
    """A dataset. Collective."""
    name, extents = text(name), space.get_simple_extent_dims()
    given = {"dcpl": dcpl, "dapl": dapl}
    if extents is None:
        from ._types import Empty

        return loc._of.create_dataset(name, data=Empty(tid.dtype), **given).id
    limits = space.get_simple_extent_dims(True)
    if tuple(limits) != tuple(extents):
        given["maxshape"] = limits
    return loc._of.create_dataset(name, extents, tid._stored(), **given).id


def open(loc, name, dapl=None):
    """One of a group."""
    hints = {} if dapl is None else dapl._hints()
    found = loc._of[text(name)]
    if not hasattr(found, "iter_chunks"):
        raise KeyError("Unable to open dataset (not a dataset)")
    if "efile_prefix" in hints or "virtual_prefix" in hints:
        del found  # HDF5 has one prefix at a time
        found = loc._of._open_in(text(name), hints.get("efile_prefix"), hints.get("virtual_prefix"))
    if hints:
        found._hints = hints
    return handles.of(found)
