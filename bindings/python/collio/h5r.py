"""References, by h5py's names. create() is collective."""

from . import handles
from ._lock import phil, with_phil
from ._named import below, raw
from .references import Reference, RegionReference

__all__ = ["DATASET_REGION", "OBJECT", "Reference", "RegionReference", "create", "dereference", "get_name",
           "get_obj_type", "get_region", "phil", "with_phil"]

OBJECT, DATASET_REGION = range(2)


def create(loc, name, ref_type, space=None):
    """A reference to an object, or to a part of a dataset. Collective."""
    of = below(loc, name)
    if ref_type == OBJECT:
        return of.ref
    if ref_type != DATASET_REGION:
        raise ValueError("Unknown reference typecode")
    if space is None:
        raise ValueError("Dataspace required for region reference")
    return of._refer_to(space)


def dereference(ref, id):
    """The id of what it refers to; None for one to nothing."""
    return id._of._opened(ref).id if ref else None


def get_region(ref, id):
    """The part that it refers to."""
    return id._of._opened(ref)._region_space(ref) if ref else None


def get_obj_type(ref, id):
    """0 a group, 1 a dataset, 2 a named type."""
    return handles.number_of(id._of._opened(ref).id, range(3)) if ref else None


def get_name(ref, loc):
    """The path of what it refers to, as bytes; None if it has none."""
    name = loc._of._opened(ref).name
    return None if name is None else raw(name)
