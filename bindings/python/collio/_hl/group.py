"""Groups and links."""

from .. import ExternalLink, Group, HardLink, HLObject, SoftLink, h5g, h5l, h5o, h5p, h5r, h5t
from .._lock import phil, with_phil

__all__ = ["ExternalLink", "Group", "HLObject", "HardLink", "SoftLink", "h5g", "h5l", "h5o", "h5p", "h5r", "h5t",
           "phil", "with_phil"]
