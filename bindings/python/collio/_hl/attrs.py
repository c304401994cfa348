"""Attributes."""

from .. import AttributeManager, Datatype, Empty, h5a, h5p, h5s, h5t
from .._lock import phil, with_phil

__all__ = ["AttributeManager", "Datatype", "Empty", "h5a", "h5p", "h5s", "h5t", "phil", "with_phil"]
