"""Datasets."""

from .. import Dataset, Datatype, Empty, HLObject, h5d, h5p, h5s, h5t
from .._lock import phil, with_phil
from ..dataset import AsStrView, AsTypeView, FieldsView, View as AbstractView
from ..dataset import ChunkSlices as ChunkIterator
from ..virtual import VDSmap
from . import filters, selections as sel
from .base import array_for_new_object, find_item_type, product

__all__ = ["AbstractView", "AsStrView", "AsTypeView", "ChunkIterator", "Dataset", "Datatype", "Empty", "FieldsView",
           "HLObject", "VDSmap", "array_for_new_object", "filters", "find_item_type", "h5d", "h5p", "h5s", "h5t",
           "phil", "product", "readtime_dtype", "sel", "with_phil"]


def readtime_dtype(basetype, names):
    """The dtype of some fields of structs, as they are read."""
    from .._types import fields_dtype

    return basetype if not names else fields_dtype(basetype, names)
