"""Virtual datasets."""

from ..virtual import VDSmap, VirtualLayout, VirtualSource

__all__ = ["VDSmap", "VirtualLayout", "VirtualSource", "vds_support"]

vds_support = True
