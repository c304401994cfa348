"""What ``obj.id`` gives: programs written for h5py compare and test it, and ask it for facts that have
no other name. Nothing here is collective, unless it reads, writes or changes a dataset."""

import os
import weakref
from collections import namedtuple

import numpy as np

from . import h5ac, made, types
from .links import ExternalLink, SoftLink
from ._named import raw, text
from ._storage import UNLIMITED
from .lists import CHUNKED, COMPACT, CONTIGUOUS, VIRTUAL
from .spaces import ALL, SEL_ALL, SEL_POINTS, SpaceID
from .types import TypeID

StoreInfo = namedtuple("StoreInfo", "chunk_offset filter_mask byte_offset size")

# Layouts, times and states, with HDF5's numbers.
__all__ = ["CHUNKED", "COMPACT", "CONTIGUOUS", "VIRTUAL", "TypeID"]
ALLOC_TIME_DEFAULT, ALLOC_TIME_EARLY, ALLOC_TIME_LATE, ALLOC_TIME_INCR = range(4)
FILL_TIME_ALLOC, FILL_TIME_NEVER, FILL_TIME_IFSET = range(3)
FILL_VALUE_UNDEFINED, FILL_VALUE_DEFAULT, FILL_VALUE_USER_DEFINED = range(3)
SPACE_STATUS_NOT_ALLOCATED, SPACE_STATUS_PART_ALLOCATED, SPACE_STATUS_ALLOCATED = range(3)


class ObjectID:
    """Stands for the object itself: equal for the same object, true while its file is open."""

    def __init__(self, of):
        self._of = of

    @property
    def valid(self):
        """1 while the file is open, else 0."""
        return int(bool(self._of))

    @property
    def id(self):
        """A number, the same for the same object of a file."""
        return hash(self._of) & 0x7FFFFFFFFFFFFFFF

    @property
    def name(self):
        """Of the object, as bytes; of a file that of the file."""
        name = self._of.filename if isinstance(self, FileID) else self._of.name
        return None if name is None else os.fsencode(name)

    def __bool__(self):
        return bool(self._of)

    def __eq__(self, other):
        return self._of == other._of if isinstance(other, ObjectID) else NotImplemented

    def __hash__(self):
        return hash(self._of)

    def __getattr__(self, name):
        raise AttributeError(f"the id of a {type(self._of).__name__} has no {name!r}: use the object itself")


LinkInfo = namedtuple("LinkInfo", "type corder_valid corder cset u")
_LINKS = {"HardLink": 0, "SoftLink": 1, "ExternalLink": 64}


class LinkProxy:
    """The names in a group, by the words of HDF5. Those that change something are collective."""

    def __init__(self, group):
        self._group = group

    def _link(self, name):
        link = self._group.get(text(name), getlink=True)
        if link is None:
            raise RuntimeError("Unable to get link info (name doesn't exist)")
        return link

    def exists(self, name, lapl=None):
        """Whether there is such a name."""
        return self._group.get(text(name), getlink=True) is not None

    def get_info(self, name, index=-1, *, lapl=None):
        """type: 0 hard, 1 soft, 64 external; u: of a hard one where the object is, else bytes of its value."""
        link = self._link(name)
        number = _LINKS[type(link).__name__]
        return LinkInfo(number, False, 0, int(not name.isascii()), self._value(number, link, name))

    def _value(self, number, link, name):
        if number == 0:
            return hash(self._group[text(name)])
        return len(raw(link.path)) + 1 + (len(os.fsencode(link.filename)) + 2 if number == 64 else 0)

    def get_val(self, name, *, lapl=None):
        """The path of a soft link, or (file, path), as bytes."""
        link = self._link(name)
        if not hasattr(link, "path"):
            raise TypeError("Link must be either a soft or external link")
        path = raw(link.path)
        return (os.fsencode(link.filename), path) if hasattr(link, "filename") else path

    def iterate(self, func, *, idx_type=0, order=0, obj_name=b".", lapl=None, info=False):
        """Call func(name), or func(name, info), for each until it returns something: (that, how many were seen)."""
        seen = 0
        for seen, name in enumerate(list(GroupID(self._group)), 1):
            found = func(name, self.get_info(name)) if info else func(name)
            if found is not None:
                return found, seen
        return None, seen

    def visit(self, func, *, idx_type=0, order=0, obj_name=b".", lapl=None, info=False):
        """The same with names below."""
        if info:
            return self._group.visit_links(lambda name: func(raw(name), self.get_info(raw(name))))
        return self._group.visit_links(lambda name: func(raw(name)))

    def create_hard(self, new_name, cur_loc, cur_name, lcpl=None, lapl=None):
        """Another name for an object. Collective."""
        self._group[text(new_name)] = cur_loc._of[text(cur_name)]

    def create_soft(self, new_name, target, lcpl=None, lapl=None):
        """A soft link. Collective."""
        self._group[text(new_name)] = SoftLink(text(target))

    def create_external(self, link_name, file_name, obj_name, lcpl=None, lapl=None):
        """A link to another file. Collective."""
        self._group[text(link_name)] = ExternalLink(file_name, text(obj_name))

    def move(self, src_name, dst_loc, dst_name, lcpl=None, lapl=None):
        """Give an object another name. Collective."""
        target = text(dst_name)
        if dst_loc._of != self._group and not target.startswith("/"):
            target = f"{dst_loc._of.name.rstrip('/')}/{target}"
        self._group.move(text(src_name), target)


class GroupID(ObjectID):
    """That of a group."""

    def get_num_objs(self):
        """How many names are in it."""
        return len(self._of)

    def get_objname_by_idx(self, idx):
        """One of the names, as bytes."""
        return os.fsencode(list(self._of)[idx])

    def get_create_plist(self):
        """How it was made."""
        return made.of_group(self._of)

    def get_objtype_by_idx(self, idx):
        """What one of them is: 0 a group, 1 a dataset, 2 a named type, 3 a soft link, 4 an external one."""
        name = list(self._of)[idx]
        link = _LINKS[type(self._of.get(name, getlink=True)).__name__]
        return number_of(self._of[name].id, range(3)) if link == 0 else 3 if link == 1 else 4

    def get_linkval(self, name):
        """The path of a soft link, as bytes."""
        return LinkProxy(self._of).get_val(name)

    def link(self, current_name, new_name, link_type=0, remote=None):
        """One more name: a hard link (0) or a soft one (1). Collective."""
        where = self if remote is None else remote
        if link_type == 1:
            where.links.create_soft(new_name, current_name)
        else:
            where.links.create_hard(new_name, self, current_name)

    def unlink(self, name):
        """Take a name away. Collective."""
        del self._of[text(name)]

    def move(self, current_name, new_name, remote=None):
        """Give an object another name. Collective."""
        self.links.move(current_name, self if remote is None else remote, new_name)

    def close(self):
        """Nothing needs to be done: a group is closed with its file."""

    @property
    def links(self):
        """Its names, and what they are."""
        return LinkProxy(self._of)

    def __len__(self):
        return len(self._of)

    def __iter__(self):
        return (os.fsencode(name) for name in self._of)

    def __contains__(self, name):
        return name in self._of


class FileID(GroupID):
    """That of a file."""

    def get_filesize(self):
        """Bytes of the file on disk."""
        return os.path.getsize(self._path())

    def get_intent(self):
        """1 if it may be changed, else 0."""
        return int(self._of.mode != "r")

    def get_create_plist(self):
        """How it was made."""
        return made.of_file(self._of.file)

    def get_access_plist(self):
        """How it is open."""
        return made.access_of_file(self._of)

    def get_freespace(self):
        """Bytes in the file that are free."""
        return self._of._file_facts()["unused"]

    def get_file_image(self):
        """The bytes of the file. Collective if it may be changed."""
        if self.get_intent():
            self._of.flush()
        with open(self._path(), "rb") as file:
            return file.read()

    def _path(self):
        return self._of._file_facts()["path"]

    def flush(self):
        """Write what is not on disk yet. Collective."""
        self._of.flush()

    def get_mdc_config(self):
        """How structure is kept in memory."""
        return h5ac.CacheConfig(evictions_enabled=self._of.mode == "r")

    def set_mdc_config(self, config):
        """How structure is kept in memory: not heeded, as all of it is kept."""

    def get_mdc_hit_rate(self):
        """What part of looks at structure found it in memory."""
        return self._of._file_facts()["hit_rate"]

    def reset_mdc_hit_rate_stats(self):
        """Nothing needs to be done: it is that of all looks."""

    def get_mdc_size(self):
        """(most bytes of structure in memory, those not needed, those there are, number of pieces)."""
        return self._of._file_facts()["cache"]

    def get_page_buffering_stats(self):
        """As h5f.PageBufStats; all are 0, since the operating system keeps the pages. ValueError without page_buf_size."""
        from .h5f import PageBufStats, PageStats

        if not made.buffers_pages(self._of):
            raise ValueError("Page buffering not enabled on file")
        return PageBufStats(PageStats(0, 0, 0, 0, 0), PageStats(0, 0, 0, 0, 0))

    def reset_page_buffering_stats(self):
        """Nothing needs to be done. ValueError without page_buf_size."""
        self.get_page_buffering_stats()

    def get_mpi_atomicity(self):
        """MPI's atomic mode."""
        return self._of.atomic

    def set_mpi_atomicity(self, atomicity):
        """MPI's atomic mode. Collective."""
        self._of.atomic = atomicity

    def start_swmr_write(self):
        """As file.swmr_mode = True. Collective."""
        self._of.swmr_mode = True

    def reopen(self):
        """The same file."""
        return FileID(self._of)

    def get_name(self):
        """Of the file, as bytes."""
        return self.name

    def close(self):
        """Close the file. Collective."""
        self._of.close()


class DatasetID(ObjectID):
    """That of a dataset."""

    @property
    def shape(self):
        return self._of.shape

    @property
    def rank(self):
        return self._of.ndim

    @property
    def dtype(self):
        return self._of.dtype

    def get_space(self):
        """Its extents."""
        limits = self._of.maxshape
        return SpaceID(self._of.shape, None, limits and tuple(UNLIMITED if n is None else n for n in limits))

    def get_type(self):
        """The type of its elements."""
        return types.of(self._of.dtype, self._of._shared_type())

    def get_create_plist(self):
        """How it is stored."""
        return made.of_dataset(self._of)

    def get_access_plist(self):
        """How it is open."""
        return made.access_of_dataset(self._of)

    def get_offset(self):
        """Where its elements begin in the file; None if they are not contiguous."""
        return self._of.offset

    def get_storage_size(self):
        """Bytes that its elements have in the file."""
        return self._of._stored()[0]

    def get_space_status(self):
        """Whether its elements have their space in the file."""
        stored, chunks = self._of._stored()
        if self._of.chunks is None:
            return SPACE_STATUS_ALLOCATED if stored else SPACE_STATUS_NOT_ALLOCATED
        wanted = np.prod([-(-n // c) for n, c in zip(self._of.shape, self._of.chunks)], dtype=object)
        states = {0: SPACE_STATUS_NOT_ALLOCATED, wanted: SPACE_STATUS_ALLOCATED}
        return states.get(len(chunks), SPACE_STATUS_PART_ALLOCATED)

    def get_num_chunks(self):
        """How many chunks have been written."""
        return len(self._chunks())

    def _chunks(self):
        if self._of.chunks is None:
            raise ValueError("the dataset is not chunked")
        return [StoreInfo(*chunk) for chunk in self._of._stored()[1]]

    def get_chunk_info(self, index):
        """Where a chunk is: (chunk_offset, filter_mask, byte_offset, size)."""
        chunks = self._chunks()
        return chunks[index] if 0 <= index < len(chunks) else StoreInfo(None, 0, None, 0)

    def get_chunk_info_by_coord(self, chunk_offset):
        """The same by the indexes of its first element."""
        at = tuple(chunk_offset)
        return next((c for c in self._chunks() if c.chunk_offset == at), StoreInfo(None, 0, None, 0))

    def chunk_iter(self, func):
        """Call func(info) for each chunk until it returns something, which is returned."""
        return next((found for found in map(func, self._chunks()) if found is not None), None)

    def read_direct_chunk(self, offsets, out=None):
        """(filter mask, bytes) of a chunk as it is in the file."""
        info = self.get_chunk_info_by_coord(offsets)
        if info.byte_offset is None:
            raise RuntimeError(f"there is no chunk at {info.chunk_offset}")
        with open(self._of._file_facts()["path"], "rb") as file:
            file.seek(info.byte_offset)
            raw = file.read(info.size)
        if out is None:
            return info.filter_mask, raw
        view = memoryview(out).cast("B")
        view[: len(raw)] = raw
        return info.filter_mask, view[: len(raw)]

    def write_direct_chunk(self, offsets, data, filter_mask=0, dxpl=None):
        """Write a chunk as it is to be in the file, filtered already. Collective, the same on all ranks."""
        self._of._write_chunk(tuple(offsets), filter_mask, data)

    def read(self, mspace, fspace, arr, mtype=None, dxpl=None):
        """Read what is selected in the file into what is selected in memory. Collective."""
        arr = _taken_as(arr, mtype)
        fspace, mspace = self._spaces(mspace, fspace, arr)
        if fspace is None:
            self._of.read_direct(arr)
            return
        index = fspace._as_index()
        elements = np.asarray(self._of[index] if mtype is None else self._of.astype(mtype.dtype)[index])
        if fspace.get_select_type() == SEL_POINTS:
            elements = elements.reshape(-1)[_ranks(fspace._index(), fspace.shape)]
        _selected(arr, mspace, elements.reshape(-1))

    def write(self, mspace, fspace, arr, mtype=None, dxpl=None):
        """Write what is selected in memory to what is selected in the file. Collective."""
        arr = _taken_as(arr, mtype)
        fspace, mspace = self._spaces(mspace, fspace, arr)
        if fspace is None:
            self._of.write_direct(arr)
            return
        index, elements = fspace._as_index(), _selected(arr, mspace)
        if fspace.get_select_type() == SEL_POINTS:
            elements = _in_order(fspace._index(), fspace.shape, elements)
        elif isinstance(index, tuple):
            elements = elements.reshape([n * width for _, _, n, width in fspace._index()])
        self._of[index] = elements

    def _spaces(self, mspace, fspace, arr):
        """Both, or None for everything; checked."""
        whole = SpaceID(self._of.shape)
        fspace = whole if fspace is ALL or fspace is None else fspace
        mspace = fspace if mspace is ALL or mspace is None else mspace
        if fspace.shape != self._of.shape:
            raise ValueError("the selection in the file is not one of this dataset")
        if fspace.get_select_npoints() != mspace.get_select_npoints():
            raise OSError("Can't read or write data (src and dest dataspaces have different number of elements "
                          "selected)")
        if mspace.get_simple_extent_npoints() > arr.size:
            raise TypeError("Array has fewer elements than the dataspace of memory")
        plain = (fspace.get_select_type(), mspace.get_select_type(), arr.shape) == (SEL_ALL, SEL_ALL, self._of.shape)
        return (None, None) if plain else (fspace, mspace)

    def set_extent(self, shape):
        """Resize. Collective."""
        self._of.resize(shape)

    def extend(self, shape):
        """Resize to at least these extents. Collective."""
        self._of.resize(tuple(max(pair) for pair in zip(self._of.shape, shape)))

    def flush(self):
        """Flush the file. Collective."""
        self._of.flush()

    def refresh(self):
        """Nothing needs to be done."""
        self._of.refresh()


def _taken_as(arr, mtype):
    """The memory of an array as elements of a type in memory, as HDF5 takes it."""
    if mtype is None or mtype.dtype == arr.dtype or mtype.dtype.hasobject or arr.dtype.hasobject:
        return arr
    if not arr.flags.c_contiguous or arr.nbytes % mtype.dtype.itemsize:
        raise TypeError(f"an array of {arr.dtype} that cannot be taken as elements of {mtype.dtype}")
    return np.frombuffer(arr, dtype=mtype.dtype)


def _ranks(points, shape):
    """Where each point is among all of them in order."""
    numbers = np.ravel_multi_index(tuple(points.T), shape)
    return np.searchsorted(np.unique(numbers), numbers)


def _in_order(points, shape, elements):
    """Elements in the order of their points in the dataset; of one that is given twice the last."""
    where = _ranks(points, shape)
    made = np.empty(where.max(initial=-1) + 1, elements.dtype)
    made[where] = elements
    return made


def _selected(arr, space, values=None):
    """The elements of memory that a space selects, in order; or put values there."""
    flat = arr.reshape(-1)[: space.get_simple_extent_npoints()].reshape(space.shape)
    index = space._index()
    if space.get_select_type() == SEL_POINTS:
        index = tuple(index.T)
    elif isinstance(index, list):
        index = np.ix_(*[np.concatenate([np.arange(first + i * step, first + i * step + width) for i in range(n)])
                         for first, step, n, width in index]) if index else ()
    if values is None:
        return flat[index].reshape(-1)
    if not np.shares_memory(flat, arr):
        raise TypeError("the array of memory has to be contiguous")
    flat[index] = values.reshape(flat[index].shape)
    return None


def number_of(of, numbers):
    """Which of the numbers for a group, a dataset and a named type is that of an id."""
    kinds = (GroupID, DatasetID, TypeID)
    return next(number for number, kind in zip(numbers, kinds) if isinstance(of, kind))


_made = weakref.WeakSet()


def alive(of=None):
    """The ids of open objects that are in use, of a file or of all."""
    file = None if of is None else of._of.file
    return [one for one in list(_made) if one and (file is None or one._of.file == file)]


def of(obj):
    """The id of an object."""
    kind = type(obj)
    if not hasattr(kind, "create_group") and not hasattr(kind, "iter_chunks"):
        return types.of(obj.dtype, obj)
    made = (FileID if hasattr(kind, "filename") else GroupID if hasattr(kind, "create_group") else DatasetID)(obj)
    _made.add(made)
    return made
