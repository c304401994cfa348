"""Property lists by HDF5's names: what ``obj.id.get_create_plist()`` gives, and ``collio.h5p`` makes.

A list tells how a file or dataset was made, or holds what create_dataset(dcpl=...) is to do. None of it
is collective.
"""

import os

import numpy as np

from . import _storage
from .list_base import (
    NO_CLASS, PropClass, PropClassID, PropCreateID, PropGCID, PropID, PropInstanceID, PropList, PropOCID,
    bytes_of, fraction_of, number_of,
)
from .list_file import PropFAID, PropFCID, PropTCID

COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = range(4)
FILL_TIMES = ("alloc", "never", "ifset")


class PropDCID(PropOCID):
    """How a dataset is stored."""

    kind = PropClass("dataset create")
    defaults = {**PropOCID.defaults, "layout": CONTIGUOUS, "chunk": None, "filters": (), "fill": None, "fill_time": 2,
                "alloc_time": 2, "defined": 1, "external": (), "mappings": ()}

    def get_layout(self):
        """COMPACT, CONTIGUOUS, CHUNKED or VIRTUAL."""
        return self._known["layout"]

    def set_layout(self, layout_code):
        """COMPACT, CONTIGUOUS, CHUNKED or VIRTUAL."""
        if layout_code not in (COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL):
            raise ValueError(f"no layout has the number {layout_code}")
        self._known["layout"] = layout_code

    def get_chunk(self):
        """Extents of a chunk."""
        if self._known["chunk"] is None:
            raise ValueError("the dataset is not chunked")
        return self._known["chunk"]

    def set_chunk(self, chunksize):
        """Extents of a chunk."""
        if not isinstance(chunksize, tuple):
            raise ValueError("chunksize must be a tuple.")
        chunk = tuple(number_of(n) for n in chunksize)
        if not chunk or 0 in chunk:
            raise ValueError("all chunk dimensions must be positive")
        self._known.update(layout=CHUNKED, chunk=chunk)

    def get_nfilters(self):
        """How many filters chunks pass."""
        return len(self._known["filters"])

    def get_filter(self, index):
        """(number, flags, values, name) of one."""
        if not 0 <= index < self.get_nfilters():
            raise ValueError("Filter index out of range")
        return self._known["filters"][index]

    def get_filter_by_id(self, filter_code):
        """(flags, values, name) of a filter, or None."""
        return next((tuple(rest) for number, *rest in self._known["filters"] if number == filter_code), None)

    def set_filter(self, filter_code, flags=0, values=()):
        """Add one; they are applied in the order in which they are added."""
        known = tuple(f for f in self._known["filters"] if f[0] != filter_code)
        self._known["filters"] = (*known, (int(filter_code), int(flags), tuple(map(int, values)),
                                           _storage.filter_name(filter_code).encode()))

    def remove_filter(self, filter_class):
        """Take one away."""
        if self.get_filter_by_id(filter_class) is None:
            raise RuntimeError("Can't delete filter (filter not in pipeline)")
        self._known["filters"] = tuple(f for f in self._known["filters"] if f[0] != filter_class)

    def all_filters_avail(self):
        """Whether HDF5 has all of them."""
        from ._collio import _filter_available

        return all(_filter_available(number) for number, *_ in self._known["filters"])

    def set_deflate(self, level=5):
        """gzip."""
        if not 0 <= level <= 9:
            raise ValueError("Invalid deflate level")
        self.set_filter(1, 1, (level,))

    def set_shuffle(self):
        """Sort bytes by their place in the element."""
        self.set_filter(2, 1)

    def set_fletcher32(self):
        """Keep checksums."""
        self.set_filter(3, 0)

    def set_szip(self, options, pixels_per_block):
        """szip."""
        self.set_filter(4, 1, (options, pixels_per_block))

    def set_scaleoffset(self, scale_type, scale_factor):
        """Keep as many bits or digits as are needed."""
        self.set_filter(6, 1, (scale_type, scale_factor))

    def get_fill_time(self):
        """FILL_TIME_IFSET, _ALLOC or _NEVER."""
        return self._known["fill_time"]

    def set_fill_time(self, fill_time):
        """FILL_TIME_IFSET, _ALLOC or _NEVER."""
        if fill_time not in (0, 1, 2):
            raise ValueError("Invalid fill time setting")
        self._known["fill_time"] = int(fill_time)

    def get_alloc_time(self):
        """When elements get their space."""
        return self._known["alloc_time"]

    def set_alloc_time(self, alloc_time):
        """When elements get their space."""
        self._known["alloc_time"] = int(alloc_time)

    def get_fill_value(self, value):
        """Put the fill value into an array."""
        value[...] = 0 if self._known["fill"] is None else self._known["fill"]

    def set_fill_value(self, value):
        """An array with one element."""
        if not isinstance(value, np.ndarray):
            raise TypeError("the fill value must be an array of NumPy")
        if value.shape != ():
            raise ValueError("the fill value must be an array without dimensions")
        self._known.update(fill=value[()], defined=2)

    def fill_value_defined(self):
        """FILL_VALUE_UNDEFINED, _DEFAULT or _USER_DEFINED."""
        return self._known["defined"]

    def get_external_count(self):
        """How many files its elements are in."""
        return len(self._known["external"])

    def get_external(self, index=0):
        """(name, offset, size) of one of these files."""
        if not 0 <= index < self.get_external_count():
            raise ValueError("External file index is out of range")
        name, *rest = self._known["external"][index]
        return (os.fsencode(name), *rest)

    def set_external(self, name, offset, size):
        """Add a file that holds elements."""
        self._known["external"] = (*self._known["external"], (os.fsdecode(name), int(offset), int(size)))

    def get_virtual_count(self):
        """How many mappings a virtual dataset has."""
        if self._known["layout"] != VIRTUAL:
            raise ValueError("Not a virtual storage layout")
        return len(self._known["mappings"])

    def get_virtual_filename(self, index=0):
        """The file of one of them."""
        return self._known["mappings"][index].file_name

    def get_virtual_dsetname(self, index=0):
        """The dataset of one of them."""
        return self._known["mappings"][index].dset_name

    def get_virtual_vspace(self, index=0):
        """Where it is in the virtual dataset."""
        return self._known["mappings"][index].vspace

    def get_virtual_srcspace(self, index=0):
        """Where it comes from."""
        return self._known["mappings"][index].src_space

    def set_virtual(self, vspace, src_file_name, src_dset_name, src_space):
        """Add a mapping of a virtual dataset."""
        from .virtual import VDSmap

        if vspace.get_select_npoints() != src_space.get_select_npoints():
            raise ValueError("Invalid mapping selections (virtual and source space selections have different "
                             "numbers of elements)")
        mapping = VDSmap(vspace.copy(), os.fsdecode(src_file_name), os.fsdecode(src_dset_name), src_space.copy())
        self._known.update(layout=VIRTUAL, mappings=(*self._known["mappings"], mapping))

    def _keywords(self):
        """As those of create_dataset()."""
        given = {"chunks": self._known["chunk"], "external": list(self._known["external"]) or None,
                 "fillvalue": self._known["fill"], "fill_time": FILL_TIMES[self._known["fill_time"]],
                 "track_times": False if not self._known["track_times"] else None,
                 "track_order": bool(self._known["attribute_order"]) or None, "_attributes": self._room(),
                 "_compact": self._known["layout"] == COMPACT or None}
        if self._known["layout"] == VIRTUAL:
            given.update(chunks=_storage.NO_CHUNKS, _mappings=[
                (_spaced(m.vspace), m.file_name, m.dset_name, m.src_space.shape, _spaced(m.src_space))
                for m in self._known["mappings"]])
        for number, _, values, _ in self._known["filters"]:
            given.update(_keyword(number, values))
        return {name: value for name, value in given.items() if value is not None}


def _spaced(space):
    """What a space selects, with blocks that do not overlap also where there is only one."""
    flat, dimensions = space._selection()
    return flat, tuple((start, max(stride, block) if count == 1 else stride, count, block, numbers)
                       for start, stride, count, block, numbers in dimensions)


def _keyword(number, values):
    """Of one filter."""
    if number == 1:
        return {"compression": "gzip", "compression_opts": values[0] if values else None}
    if number in (2, 3):
        return {"shuffle" if number == 2 else "fletcher32": True}
    if number == 6:
        return {"scaleoffset": values[-1]}
    return {"compression": number, "compression_opts": values or None}


class PropDAID(PropList):
    """How a dataset is opened."""

    kind = PropClass("dataset access")
    defaults = {"cache": (521, 1048576, 0.75), "external_prefix": b"", "virtual_prefix": b"",
                "view": 1, "gap": 0}

    def get_chunk_cache(self):
        """(slots, bytes, preemption) of the cache of chunks."""
        return self._known["cache"]

    def set_chunk_cache(self, rdcc_nslots, rdcc_nbytes, rdcc_w0):
        """The cache of chunks."""
        self._known["cache"] = (number_of(rdcc_nslots), number_of(rdcc_nbytes), fraction_of(rdcc_w0))

    def get_efile_prefix(self):
        """Where files of elements are."""
        return self._known["external_prefix"]

    def set_efile_prefix(self, prefix):
        """Where files of elements are."""
        self._known["external_prefix"] = bytes_of(prefix)

    def get_virtual_prefix(self):
        """Where sources of virtual datasets are."""
        return self._known["virtual_prefix"]

    def set_virtual_prefix(self, prefix):
        """Where sources of virtual datasets are."""
        self._known["virtual_prefix"] = bytes_of(prefix)

    def get_virtual_view(self):
        """VDS_FIRST_MISSING or VDS_LAST_AVAILABLE."""
        return self._known["view"]

    def set_virtual_view(self, view):
        """Whether a virtual dataset without end stops at the first source that is not there."""
        self._known["view"] = int(view)

    def get_virtual_printf_gap(self):
        """How many sources of numbered ones may be missing."""
        return self._known["gap"]

    def set_virtual_printf_gap(self, gap_size=0):
        """How many sources of numbered ones may be missing."""
        self._known["gap"] = number_of(gap_size)

    def _hints(self):
        """For the dataset that is opened so."""
        names = ("rdcc_nslots", "rdcc_nbytes", "rdcc_w0")
        given = dict(zip(names, self._known["cache"])) if self._known["cache"] != self.defaults["cache"] else {}
        prefixes = {"efile_prefix": self._known["external_prefix"], "virtual_prefix": self._known["virtual_prefix"]}
        return given | {name: prefix for name, prefix in prefixes.items() if prefix}


class PropLCID(PropList):
    """How a link is made."""

    kind = PropClass("link create")
    defaults = {"encoding": 0, "groups": False}

    def get_char_encoding(self):
        """0 ASCII, 1 UTF-8."""
        return self._known["encoding"]

    def set_char_encoding(self, encoding):
        """0 ASCII, 1 UTF-8."""
        if encoding not in (0, 1):
            raise ValueError("Unknown character encoding")
        self._known["encoding"] = encoding

    def get_create_intermediate_group(self):
        """Whether groups on the way are made."""
        return self._known["groups"]

    def set_create_intermediate_group(self, create):
        """Whether groups on the way are made."""
        self._known["groups"] = bool(create)


class PropLAID(PropList):
    """How a link is followed."""

    kind = PropClass("link access")
    defaults = {"nlinks": 16, "prefix": b"", "flags": 65535, "opened": None}

    def get_elink_prefix(self):
        """Where files of external links are."""
        return self._known["prefix"]

    def set_elink_prefix(self, prefix):
        """Where files of external links are: kept, but not heeded."""
        self._known["prefix"] = os.fsencode(prefix)

    def get_elink_fapl(self):
        """How files of external links are opened."""
        return self._known["opened"] or PropFAID()

    def set_elink_fapl(self, fapl):
        """How files of external links are opened: kept, but not heeded."""
        self._known["opened"] = fapl

    def get_elink_acc_flags(self):
        """0, read only."""
        return self._known["flags"]

    def set_elink_acc_flags(self, flags):
        """How files of external links are opened: kept, but not heeded."""
        self._known["flags"] = int(flags)

    def get_nlinks(self):
        """How many links are followed at most."""
        return self._known["nlinks"]

    def set_nlinks(self, nlinks):
        """How many links are followed at most."""
        self._known["nlinks"] = number_of(nlinks)


class PropCopyID(PropList):
    """How objects are copied."""

    kind = PropClass("object copy")
    defaults = {"flags": 0}

    def get_copy_object(self):
        """The flags."""
        return self._known["flags"]

    def set_copy_object(self, flags):
        """The flags."""
        self._known["flags"] = int(flags)


class PropDXID(PropList):
    """How elements are moved."""

    kind = PropClass("dataset transfer")
    defaults = {"collective": 0}

    def get_dxpl_mpio(self):
        """h5fd.MPIO_INDEPENDENT or h5fd.MPIO_COLLECTIVE."""
        return self._known["collective"]

    def set_dxpl_mpio(self, xfer_mode):
        """h5fd.MPIO_INDEPENDENT or h5fd.MPIO_COLLECTIVE: kept, but not heeded."""
        self._known["collective"] = int(xfer_mode)


KINDS = (PropOCID, PropTCID, PropFCID, PropFAID, PropDCID, PropDAID, PropGCID, PropLCID, PropLAID, PropCopyID, PropDXID)


def create(cls):
    """A list of a class. Not collective."""
    for made in KINDS:
        if made.kind is cls:
            return made()
    raise TypeError(f"{cls!r} is no class of property lists")
