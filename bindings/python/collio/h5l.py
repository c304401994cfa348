"""Links, by h5py's names: the methods of ``group.id.links``."""

from ._lock import phil, with_phil
from .handles import LinkInfo, LinkProxy

__all__ = ["LinkInfo", "LinkProxy", "phil", "with_phil"]

TYPE_HARD, TYPE_SOFT, TYPE_EXTERNAL = 0, 1, 64
