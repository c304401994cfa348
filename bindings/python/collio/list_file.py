"""Property lists of files: see ``lists``."""

import operator

from . import h5ac
from .list_base import PropClass, PropGCID, PropList, PropOCID, bytes_of, fraction_of, number_of


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
        size = number_of(size)
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
        self._known["sizes"] = (number_of(addr), number_of(size))

    def get_file_space_strategy(self):
        """(strategy, whether free space is kept, from how many bytes)."""
        strategy, persist, threshold = self._known["strategy"]
        return strategy, int(persist), threshold

    def set_file_space_strategy(self, strategy, persist, threshold):
        """How free space is dealt with."""
        self._known["strategy"] = (int(strategy), bool(persist), number_of(threshold))

    def get_file_space_page_size(self):
        """Bytes of a page."""
        return self._known["page_size"]

    def set_file_space_page_size(self, size):
        """Bytes of a page."""
        if number_of(size) < 512:
            raise ValueError("Cannot set file space page size to less than 512")
        self._known["page_size"] = int(size)


    def _keywords(self):
        """As those of File()."""
        strategy, persist, threshold = self._known["strategy"]
        given = {"userblock_size": self._known["user_block"] or None, "track_order": self._order(),
                 "_attributes": self._room()}
        if strategy != 0:
            given.update(fs_strategy=("fsm", "page", "aggregate", "none")[strategy], fs_persist=bool(persist), fs_threshold=threshold)
            if strategy == 1:
                given["fs_page_size"] = self._known["page_size"]
        return {name: value for name, value in given.items() if value is not None}


class PropTCID(PropOCID):
    """How a named type was made."""

    kind = PropClass("datatype create")


_NUMBERS = {"split": "MULTI"}  # HDF5 has no number of its own for it


class PropFAID(PropList):
    """How a file is opened."""

    kind = PropClass("file access")
    defaults = {"driver": "sec2", "cache": (0, 521, 1048576, 0.75), "alignment": (1, 1), "libver": (0, 2),
                "meta_block": 2048, "sieve": 65536, "page_buffer": (0, 0, 0), "locking": (True, True), "degree": 0,
                "core": (65536, True), "family": (2**31 - 1, None), "split": (b"-m.h5", b"-r.h5"), "file": None,
                "cache_config": None, "image": None}

    def get_driver(self):
        """Number of the driver, one of collio.h5fd."""
        from . import h5fd

        return getattr(h5fd, _NUMBERS.get(self._driver, self._driver.upper()))

    @property
    def _driver(self):
        """Its name."""
        return self._known["driver"]

    def _check_driver(self, name):
        if self._driver != name:
            raise ValueError(f"Incorrect vfl driver (incorrect VFL driver: '{self._driver}', not '{name}')")

    def set_driver(self, driver_id):
        """The driver, by its number."""
        from . import h5fd

        names = ("sec2", "core", "stdio", "mpio", "fileobj", "family", "split")
        number = {n: getattr(h5fd, _NUMBERS.get(n, n.upper())) for n in names}
        found = [n for n in names if number[n] == driver_id]
        if not found:
            raise TypeError("not a file driver (not a VFL ID)")
        self._known["driver"] = found[0]

    def set_fapl_family(self, memb_size=2147483647, memb_fapl=None):
        """A file in pieces."""
        self._known.update(driver="family", family=(number_of(memb_size), memb_fapl))

    def get_fapl_family(self):
        """(bytes of a piece, how it is opened)."""
        self._check_driver("family")
        return self._known["family"]

    def set_fapl_split(self, meta_ext=b"-m.h5", meta_plist_id=None, raw_ext=b"-r.h5", raw_plist_id=None):
        """A file for structure and one for elements."""
        self._known.update(driver="split", split=(bytes_of(meta_ext), bytes_of(raw_ext)))

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
        try:
            self._known["image"] = bytes(memoryview(image))
        except TypeError:
            raise TypeError("image must support the buffer protocol") from None

    def get_mdc_config(self):
        """How structure is kept in memory."""
        return self._known["cache_config"] or h5ac.CacheConfig()

    def set_mdc_config(self, config):
        """How structure is kept in memory: kept, but not heeded."""
        self._known["cache_config"] = config

    def _settings(self):
        """As keywords of File(), without those of the driver."""
        changed = {name for name, value in self._known.items() if value != self.defaults.get(name)}
        given = {}
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
        if "page_buffer" in changed:
            given["page_buf_size"], given["min_meta_keep"], given["min_raw_keep"] = self._known["page_buffer"]
        return given

    def _keywords(self):
        """As keywords of File()."""
        known, driver = self._known, self._driver
        given = self._settings()
        own = {"core": dict(zip(("block_size", "backing_store"), known["core"])),
               "family": dict(zip(("memb_size", "memb_fapl"), known["family"])),
               "split": dict(zip(("meta_ext", "raw_ext"), known["split"])),
               "fileobj": {"fileobj": known["file"]}}.get(driver, {})
        if driver == "core" and known["image"] is not None:
            own["_image"] = known["image"]
        if driver != "sec2":
            given["driver"] = driver
        if "mpio" in known:
            given["comm"], given["info"] = known["mpio"]
        return given | own

    def get_cache(self):
        """(0, slots, bytes, preemption) of the cache of chunks."""
        return self._known["cache"]

    def set_cache(self, mdc, rdcc, rdcc_nbytes, rdcc_w0):
        """The cache of chunks."""
        self._known["cache"] = (0, number_of(rdcc), number_of(rdcc_nbytes), fraction_of(rdcc_w0))

    def get_alignment(self):
        """(from how many bytes on, to what multiple)."""
        return self._known["alignment"]

    def set_alignment(self, threshold, alignment):
        """Where large things begin."""
        self._known["alignment"] = (number_of(threshold), number_of(alignment, 1))

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
        self._known["meta_block"] = number_of(size)

    def get_sieve_buf_size(self):
        """Bytes of HDF5's buffer for small pieces."""
        return self._known["sieve"]

    def set_sieve_buf_size(self, size):
        """Bytes of HDF5's buffer for small pieces."""
        self._known["sieve"] = number_of(size)

    def get_page_buffer_size(self):
        """(bytes, percent for structure, percent for elements)."""
        return self._known["page_buffer"]

    def set_page_buffer_size(self, buf_size, min_meta_per=0, min_raw_per=0):
        """Pages kept in memory."""
        if min_meta_per + min_raw_per > 100:
            raise ValueError("Sum of minimum metadata and raw data fractions can't be bigger than 100")
        self._known["page_buffer"] = (number_of(buf_size), int(min_meta_per), int(min_raw_per))

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
        self._check_driver("core")
        return self._known["core"]

    def set_fapl_core(self, block_size=65536, backing_store=1):
        """A file in memory."""
        self._known.update(driver="core", core=(number_of(operator.index(block_size)), bool(backing_store)))

    def set_fapl_sec2(self):
        """A file on disk."""
        self._known["driver"] = "sec2"

    def set_fapl_stdio(self):
        """A file on disk."""
        self._known["driver"] = "stdio"
