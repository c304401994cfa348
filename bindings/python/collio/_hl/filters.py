"""Filters of chunks."""

from collections.abc import Mapping

from .. import h5z
from .._storage import FILTERS, named
from .compat import filename_encode

__all__ = ["CHUNK_BASE", "CHUNK_MAX", "CHUNK_MIN", "DEFAULT_GZIP", "DEFAULT_SZIP", "FilterRefBase", "Gzip", "decode",
           "encode", "filename_encode", "get_filter_name", "get_filters", "guess_chunk", "h5z"]

DEFAULT_GZIP, DEFAULT_SZIP = 4, ("nn", 8)
CHUNK_BASE, CHUNK_MIN, CHUNK_MAX = 16 * 1024, 8 * 1024, 1024 * 1024
decode = encode = tuple(name for name, number in FILTERS if h5z.filter_avail(number))


class FilterRefBase(Mapping):
    """A filter with its values, as an argument `compression`: subclasses set filter_id and filter_options."""

    filter_id = None
    filter_options = ()

    @property
    def _kwargs(self):
        return {"compression": self.filter_id, "compression_opts": self.filter_options}

    def __hash__(self):
        return hash((self.filter_id, self.filter_options))

    def __eq__(self, other):
        return isinstance(other, FilterRefBase) and (self.filter_id, self.filter_options) == (
            other.filter_id, other.filter_options)

    def __len__(self):
        return len(self._kwargs)

    def __iter__(self):
        return iter(self._kwargs)

    def __getitem__(self, item):
        return self._kwargs[item]


class Gzip(FilterRefBase):
    """gzip of a level."""

    filter_id = h5z.FILTER_DEFLATE

    def __init__(self, level=DEFAULT_GZIP):
        self.filter_options = (level,)


def get_filters(plist):
    """Of a property list: names to values."""
    told = (plist.get_filter(i) for i in range(plist.get_nfilters()))
    return named({number: values for number, _, values, _ in told})


def get_filter_name(code):
    """As create_dataset() takes it; the number for one that it does not know."""
    return next((name for name, number in FILTERS if number == code), str(code))


def guess_chunk(shape, maxshape, typesize):
    """Extents of chunks for a dataset, each about as many bytes as its size asks for."""
    if not shape:
        raise ValueError("Chunks not allowed for scalar datasets.")
    shape = tuple(n if n != 0 else 1024 for n in shape)
    chunks, dims = [float(n) for n in shape], len(shape)
    whole = typesize
    for n in chunks:
        whole *= n
    if whole <= 0:
        raise ValueError("Chunk shape must not be empty")
    import math

    target = min(max(CHUNK_BASE * 2 ** math.log10(whole / (1024.0 * 1024)), CHUNK_MIN), CHUNK_MAX)
    at = 0
    while True:
        size = typesize
        for n in chunks:
            size *= n
        if (size < target or abs(size - target) / target < 0.5) and size < CHUNK_MAX:
            break
        if size <= typesize:
            break
        chunks[at % dims] = math.ceil(chunks[at % dims] / 2.0)
        at += 1
    return tuple(int(n) for n in chunks)
