"""Named types."""

from .. import Datatype, HLObject
from ..types import TypeID

__all__ = ["Datatype", "HLObject", "TypeID"]
