"""Dimension scales, by h5py's names. Those that change something are collective."""

from . import scales
from ._lock import phil, with_phil
from ._named import first, raw, text

__all__ = ["attach_scale", "detach_scale", "get_label", "get_num_scales", "get_scale_name", "is_attached", "is_scale",
           "iterate", "phil", "set_label", "set_scale", "with_phil"]


def set_scale(dset, dimname=b""):
    """Let a dataset be a scale. Collective."""
    scales.make_scale(dset._of, text(dimname))


def is_scale(dset):
    """Whether it is one."""
    return scales.is_scale(dset._of)


def get_scale_name(dscale):
    """Its name, as bytes."""
    return raw(scales.scale_name(dscale._of))


def attach_scale(dset, dscale, idx):
    """Give a dimension a scale. Collective."""
    dset._of.dims[idx].attach_scale(dscale._of)


def is_attached(dset, dscale, idx):
    """Whether a dimension has it."""
    return dscale._of in dset._of.dims[idx].values()


def detach_scale(dset, dscale, idx):
    """Take it away. Collective."""
    dset._of.dims[idx].detach_scale(dscale._of)


def get_num_scales(dset, dim):
    """How many a dimension has."""
    return len(dset._of.dims[dim])


def set_label(dset, idx, label):
    """Name a dimension. Collective."""
    dset._of.dims[idx].label = text(label)


def get_label(dset, idx):
    """That name, as bytes."""
    return raw(dset._of.dims[idx].label)


def iterate(dset, dim, func, startidx=0):
    """Call func(id of a scale) until it returns something, which is returned."""
    return first(func(scale.id) for scale in dset._of.dims[dim].values()[startidx:])
