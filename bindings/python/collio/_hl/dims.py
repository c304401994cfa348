"""Dimensions and their scales."""

from .. import Dataset, h5ds
from ..scales import Dimension as DimensionProxy
from ..scales import Dimensions as DimensionManager

__all__ = ["Dataset", "DimensionManager", "DimensionProxy", "h5ds"]
