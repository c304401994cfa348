"""Property lists by HDF5's names: what ``obj.id.get_create_plist()`` gives, and ``collio.h5p`` makes.

A list tells how a file or dataset was made, or holds what create_dataset(dcpl=...) is to do. None of it
is collective.
"""

import os

import numpy as np

from . import _storage, h5ac

COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = range(4)
FILL_TIMES = ("alloc", "never", "ifset")


def _number(value, least=0):
    value = int(value)
    if value < least:
        raise OverflowError(f"can't convert negative value {value} to an unsigned number")
    return value


def _bytes(text):
    if not isinstance(text, bytes):
        raise TypeError(f"expected bytes, {type(text).__name__} found")
    return text


def _order(flags):
    if flags not in (0, 1, 3):
        raise ValueError("Tracking creation order is required for index")
    return int(flags)


def _fraction(value):
    if not 0.0 <= float(value) <= 1.0:
        raise ValueError("Raw data cache w0 value must be between 0.0 and 1.0 inclusive")
    return float(value)


class PropID:
    """What classes of lists and lists have in common."""

    valid = 1

    def __bool__(self):
        return bool(self.valid)

    @property
    def id(self):
        """A number."""
        return id(self)

    def close(self):
        """It cannot be used any more."""
        self.valid = 0


class PropClassID(PropID):
    """A class of property lists: an argument of h5p.create()."""

    def __init__(self, name):
        self.name = name

    def equal(self, other):
        """Whether it is the same class."""
        return self is other

    def __repr__(self):
        return f"<collio.lists.PropClass {self.name}>"


PropClass = PropClassID
NO_CLASS = PropClass("none")


class PropInstanceID(PropID):
    """Properties by name."""

    kind = PropClass("base")
    defaults = {}

    def __init__(self, **known):
        self._known = {**self.defaults, **known}

    def copy(self):
        """Another one with the same properties."""
        return type(self)(**self._known)

    def equal(self, other):
        """Whether all properties are the same."""
        return type(self) is type(other) and self._known == other._known

    def get_class(self):
        """What kind of list it is."""
        return self.kind

    __eq__ = equal
    __hash__ = object.__hash__


PropList = PropInstanceID


class PropCreateID(PropInstanceID):
    """How something is made."""


class PropOCID(PropCreateID):
    """How an object is made, which has attributes."""

    kind = PropClass("object create")
    defaults = {"attribute_order": 0, "track_times": True, "attributes": (8, 6), "link_order": 0}

    def get_attr_creation_order(self):
        """Flags: 1 the order is kept, 2 it can be looked up."""
        return self._known["attribute_order"]

    def set_attr_creation_order(self, flags):
        """Keep the order in which attributes are made."""
        self._known["attribute_order"] = _order(flags)

    def get_attr_phase_change(self):
        """(most attributes in the object itself, fewest beside it)."""
        return self._known["attributes"]

    def set_attr_phase_change(self, max_compact=8, min_dense=6):
        """Most attributes in the object itself, fewest beside it: kept, but not heeded."""
        if min_dense > max_compact:
            raise ValueError("Unable to set attribute phase change (max_compact must be >= min_dense)")
        self._known["attributes"] = (_number(max_compact), _number(min_dense))

    def get_obj_track_times(self):
        """Whether times are kept."""
        return int(self._known["track_times"])

    def set_obj_track_times(self, track_times):
        """Keep the time of creation."""
        self._known["track_times"] = bool(track_times)


class PropGCID(PropOCID):
    """How a group is made."""

    kind = PropClass("group create")

    def get_link_creation_order(self):
        """Flags: 1 the order is kept, 2 it can be looked up."""
        return self._known["link_order"]

    def set_link_creation_order(self, flags):
        """Keep the order in which names are made."""
        self._known["link_order"] = _order(flags)


class PropFCID(PropGCID):
    """How a file is made."""

    kind = PropClass("file create")
    defaults = {**PropGCID.defaults, "user_block": 0, "sizes": (8, 8), "strategy": (0, False, 1), "page_size": 4096,
                "version": (0, 0, 0, 0)}

    def get_userblock(self):
        """Bytes at the start that are the user's."""
        return self._known["user_block"]

    def set_userblock(self, size):
        """Bytes at the start that are the user's."""
        size = _number(size)
        if size and (size < 512 or size & (size - 1)):
            raise ValueError("Userblock size is neither zero nor a power of two from 512 on")
        self._known["user_block"] = size

    def get_version(self):
        """Versions of four parts of the structure."""
        return self._known["version"]

    def get_sizes(self):
        """Bytes of (addresses, lengths)."""
        return self._known["sizes"]

    def set_sizes(self, addr, size):
        """Bytes of addresses and lengths."""
        if not {addr, size} <= {0, 2, 4, 8, 16}:
            raise ValueError("File haddr_t size is not valid")
        self._known["sizes"] = (_number(addr), _number(size))

    def get_file_space_strategy(self):
        """(strategy, whether free space is kept, from how many bytes)."""
        strategy, persist, threshold = self._known["strategy"]
        return strategy, int(persist), threshold

    def set_file_space_strategy(self, strategy, persist, threshold):
        """How free space is dealt with."""
        self._known["strategy"] = (int(strategy), bool(persist), _number(threshold))

    def get_file_space_page_size(self):
        """Bytes of a page."""
        return self._known["page_size"]

    def set_file_space_page_size(self, size):
        """Bytes of a page."""
        if _number(size) < 512:
            raise ValueError("Cannot set file space page size to less than 512")
        self._known["page_size"] = int(size)


    def _keywords(self):
        """As those of File()."""
        strategy, persist, threshold = self._known["strategy"]
        given = {"userblock_size": self._known["user_block"] or None, "track_order": bool(self._known["link_order"])}
        if strategy != 0:
            given.update(fs_strategy=("fsm", "page", "aggregate", "none")[strategy], fs_persist=bool(persist), fs_threshold=threshold)
            if strategy == 1:
                given["fs_page_size"] = self._known["page_size"]
        return {name: value for name, value in given.items() if value is not None}


class PropTCID(PropOCID):
    """How a named type was made."""

    kind = PropClass("datatype create")


class PropFAID(PropList):
    """How a file is opened."""

    kind = PropClass("file access")
    defaults = {"driver": "sec2", "cache": (0, 521, 1048576, 0.75), "alignment": (1, 1), "libver": (0, 2),
                "meta_block": 2048, "sieve": 65536, "page_buffer": (0, 0, 0), "locking": (True, True), "degree": 0,
                "core": (65536, True), "family": (2**31, None), "split": (b"-m.h5", b"-r.h5"), "file": None,
                "cache_config": None, "image": None}

    def get_driver(self):
        """Number of the driver, one of collio.h5fd."""
        from . import h5fd

        return getattr(h5fd, self._known["driver"].upper())

    def set_driver(self, driver_id):
        """The driver, by its number."""
        from . import h5fd

        names = ("sec2", "core", "stdio", "mpio", "fileobj", "family", "split")
        self._known["driver"] = next((n for n in names if getattr(h5fd, n.upper()) == driver_id), "sec2")

    def set_fapl_family(self, memb_size=2147483647, memb_fapl=None):
        """A file in pieces."""
        self._known.update(driver="family", family=(_number(memb_size), memb_fapl))

    def get_fapl_family(self):
        """(bytes of a piece, how it is opened)."""
        return self._known["family"]

    def set_fapl_split(self, meta_ext=b"-m.h5", meta_plist_id=None, raw_ext=b"-r.h5", raw_plist_id=None):
        """A file for structure and one for elements."""
        self._known.update(driver="split", split=(meta_ext, raw_ext))

    def set_fapl_log(self, logfile, flags, buf_size):
        """A file on disk: nothing is logged."""
        self._known["driver"] = "sec2"

    def set_fapl_mpio(self, comm, info):
        """A file of all ranks of a communicator."""
        self._known.update(driver="mpio", mpio=(comm, info))

    def get_fapl_mpio(self):
        """(communicator, info)."""
        return self._known["mpio"]

    def set_fileobj_driver(self, driver_id, fileobj):
        """What is behind an object with read() and seek()."""
        self._known.update(driver="fileobj", file=fileobj)

    def set_file_image(self, image):
        """The bytes of a file in memory."""
        self._known["image"] = bytes(image)

    def get_mdc_config(self):
        """How structure is kept in memory."""
        return self._known["cache_config"] or h5ac.CacheConfig()

    def set_mdc_config(self, config):
        """How structure is kept in memory: kept, but not heeded."""
        self._known["cache_config"] = config

    def _keywords(self):
        """As those of File()."""
        changed = {name for name, value in self._known.items() if value != self.defaults.get(name)}
        given = {"driver": self._known["driver"]} if "driver" in changed else {}
        formats = ("earliest", "v108", "v110", "v112", "v114", "v200")
        if "libver" in changed:
            low, high = self._known["libver"]
            given["libver"] = formats[low], "latest" if high >= 2 else formats[high]
        if "alignment" in changed:
            given["alignment_threshold"], given["alignment_interval"] = self._known["alignment"]
        if "meta_block" in changed:
            given["meta_block_size"] = self._known["meta_block"]
        if "cache" in changed:
            _, given["rdcc_nslots"], given["rdcc_nbytes"], given["rdcc_w0"] = self._known["cache"]
        if "core" in changed and self._known["driver"] == "core":
            given["backing_store"] = self._known["core"][1]
        if "mpio" in self._known:
            given["comm"], given["info"] = self._known["mpio"]
        return given

    def get_cache(self):
        """(0, slots, bytes, preemption) of the cache of chunks."""
        return self._known["cache"]

    def set_cache(self, mdc, rdcc, rdcc_nbytes, rdcc_w0):
        """The cache of chunks."""
        self._known["cache"] = (0, _number(rdcc), _number(rdcc_nbytes), _fraction(rdcc_w0))

    def get_alignment(self):
        """(from how many bytes on, to what multiple)."""
        return self._known["alignment"]

    def set_alignment(self, threshold, alignment):
        """Where large things begin."""
        self._known["alignment"] = (_number(threshold), _number(alignment, 1))

    def get_libver_bounds(self):
        """Numbers of (oldest, newest) format."""
        return self._known["libver"]

    def set_libver_bounds(self, low, high):
        """Oldest and newest format."""
        if high < low or high == 0:
            raise ValueError("Invalid (low,high) combination of library version bound")
        self._known["libver"] = (int(low), int(high))

    def get_meta_block_size(self):
        """Bytes of a block of structure."""
        return self._known["meta_block"]

    def set_meta_block_size(self, size):
        """Bytes of a block of structure."""
        self._known["meta_block"] = _number(size)

    def get_sieve_buf_size(self):
        """Bytes of HDF5's buffer for small pieces."""
        return self._known["sieve"]

    def set_sieve_buf_size(self, size):
        """Bytes of HDF5's buffer for small pieces."""
        self._known["sieve"] = _number(size)

    def get_page_buffer_size(self):
        """(bytes, percent for structure, percent for elements)."""
        return self._known["page_buffer"]

    def set_page_buffer_size(self, buf_size, min_meta_per=0, min_raw_per=0):
        """Pages kept in memory."""
        if min_meta_per + min_raw_per > 100:
            raise ValueError("Sum of minimum metadata and raw data fractions can't be bigger than 100")
        self._known["page_buffer"] = (_number(buf_size), int(min_meta_per), int(min_raw_per))

    def get_file_locking(self):
        """(whether files are locked, whether file systems without locks are tolerated)."""
        return tuple(map(int, self._known["locking"]))

    def set_file_locking(self, use_file_locking, ignore_when_disabled):
        """Whether files are locked."""
        self._known["locking"] = (bool(use_file_locking), bool(ignore_when_disabled))

    def get_fclose_degree(self):
        """What closing does to open objects."""
        return self._known["degree"]

    def set_fclose_degree(self, close_degree):
        """What closing does to open objects."""
        self._known["degree"] = int(close_degree)

    def get_fapl_core(self):
        """(bytes by which a file in memory grows, whether it is written when closed)."""
        return self._known["core"]

    def set_fapl_core(self, block_size=65536, backing_store=1):
        """A file in memory."""
        self._known.update(driver="core", core=(int(block_size), bool(backing_store)))

    def set_fapl_sec2(self):
        """A file on disk."""
        self._known["driver"] = "sec2"

    def set_fapl_stdio(self):
        """A file on disk."""
        self._known["driver"] = "stdio"


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
        chunk = tuple(_number(n) for n in chunksize)
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
                 "track_order": bool(self._known["attribute_order"]) or None}
        if self._known["layout"] == VIRTUAL:
            given.update(chunks=_storage.NO_CHUNKS, _mappings=[
                (m.vspace._selection(), m.file_name, m.dset_name, m.src_space.shape, m.src_space._selection())
                for m in self._known["mappings"]])
        for number, _, values, _ in self._known["filters"]:
            given.update(_keyword(number, values))
        return {name: value for name, value in given.items() if value is not None}


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
        self._known["cache"] = (_number(rdcc_nslots), _number(rdcc_nbytes), _fraction(rdcc_w0))

    def get_efile_prefix(self):
        """Where files of elements are."""
        return self._known["external_prefix"]

    def set_efile_prefix(self, prefix):
        """Where files of elements are."""
        self._known["external_prefix"] = _bytes(prefix)

    def get_virtual_prefix(self):
        """Where sources of virtual datasets are."""
        return self._known["virtual_prefix"]

    def set_virtual_prefix(self, prefix):
        """Where sources of virtual datasets are."""
        self._known["virtual_prefix"] = _bytes(prefix)

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
        self._known["gap"] = _number(gap_size)

    def _hints(self):
        """For the dataset that is opened so."""
        names = ("rdcc_nslots", "rdcc_nbytes", "rdcc_w0")
        given = dict(zip(names, self._known["cache"])) if self._known["cache"] != self.defaults["cache"] else {}
        return given | {"efile_prefix": self._known["external_prefix"], "virtual_prefix": self._known["virtual_prefix"]}


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
        self._known["nlinks"] = _number(nlinks)


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
