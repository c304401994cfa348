"""Property lists, by h5py's names. Nothing here is collective."""

from ._lock import phil, with_phil
from .lists import (
    KINDS,
    NO_CLASS,
    PropClass,
    PropClassID,
    PropCopyID,
    PropCreateID,
    PropDAID,
    PropDCID,
    PropDXID,
    PropFAID,
    PropFCID,
    PropGCID,
    PropID,
    PropInstanceID,
    PropLAID,
    PropLCID,
    PropList,
    PropOCID,
    PropTCID,
    create,
)

__all__ = ["KINDS", "NO_CLASS", "PropClass", "PropClassID", "PropCopyID", "PropCreateID", "PropDAID", "PropDCID",
           "PropDXID", "PropFAID", "PropFCID", "PropGCID", "PropID", "PropInstanceID", "PropLAID", "PropLCID",
           "PropList", "PropOCID", "PropTCID", "create", "phil", "with_phil"]

DEFAULT = None
CRT_ORDER_TRACKED, CRT_ORDER_INDEXED = 1, 2
OBJECT_CREATE = PropOCID.kind
FILE_CREATE, FILE_ACCESS = PropFCID.kind, PropFAID.kind
DATASET_CREATE, DATASET_ACCESS, DATASET_XFER = PropDCID.kind, PropDAID.kind, PropDXID.kind
GROUP_CREATE, LINK_CREATE, LINK_ACCESS = PropGCID.kind, PropLCID.kind, PropLAID.kind
OBJECT_COPY = PropCopyID.kind
