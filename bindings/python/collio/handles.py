"""What ``obj.id`` gives: programs written for h5py compare and test it, and ask it for facts that have
no other name. Nothing here is collective, unless it reads, writes or changes a dataset."""

import os
from collections import namedtuple

import numpy as np

from . import _storage
from ._types import type_of
from .virtual import Space

StoreInfo = namedtuple("StoreInfo", "chunk_offset filter_mask byte_offset size")

# Layouts, times and states, with HDF5's numbers.
COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = range(4)
ALLOC_TIME_DEFAULT, ALLOC_TIME_EARLY, ALLOC_TIME_LATE, ALLOC_TIME_INCR = range(4)
FILL_TIME_ALLOC, FILL_TIME_NEVER, FILL_TIME_IFSET = range(3)
SPACE_STATUS_NOT_ALLOCATED, SPACE_STATUS_PART_ALLOCATED, SPACE_STATUS_ALLOCATED = range(3)


class ObjectID:
    """Stands for the object itself: equal for the same object, true while its file is open."""

    def __init__(self, of):
        self._of = of

    @property
    def valid(self):
        """Whether the file is open."""
        return bool(self._of)

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


class GroupID(ObjectID):
    """That of a group."""

    def get_num_objs(self):
        """How many names are in it."""
        return len(self._of)


class FileID(GroupID):
    """That of a file."""

    def get_filesize(self):
        """Bytes of the file on disk."""
        return os.path.getsize(self._of.filename)

    def get_intent(self):
        """1 if it may be changed, else 0."""
        return int(self._of.mode != "r")

    def get_create_plist(self):
        """What it was made with."""
        return FileList(self._of)

    def close(self):
        """Close the file. Collective."""
        self._of.close()


class TypeID(ObjectID):
    """That of a named type, or what get_type() gives."""

    def __init__(self, of, dtype=None):
        super().__init__(of)
        self._dtype = dtype

    @property
    def dtype(self):
        return self._of.dtype if self._dtype is None else self._dtype

    def get_size(self):
        """Bytes of an element in memory, as the library has them."""
        from ._collio import _type_info

        return _type_info(type_of(self.dtype))[1]


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
        whole = [(0, 1, n, 1, None) for n in self._of.shape or ()]
        space = Space(self._of.shape, (0, whole))
        space.maximum = self._of.maxshape
        return space

    def get_type(self):
        """The type of its elements."""
        return TypeID(self._of, self._of.dtype)

    def get_create_plist(self):
        """How it is stored."""
        return DatasetList(self._of)

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
        return self._chunks()[index]

    def get_chunk_info_by_coord(self, chunk_offset):
        """The same by the indexes of its first element."""
        at = tuple(chunk_offset)
        return next((c for c in self._chunks() if c.chunk_offset == at), StoreInfo(at, 0, None, 0))

    def chunk_iter(self, func):
        """Call func(info) for each chunk until it returns something, which is returned."""
        return next((found for found in map(func, self._chunks()) if found is not None), None)

    def read_direct_chunk(self, offsets, out=None):
        """(filter mask, bytes) of a chunk as it is in the file."""
        info = self.get_chunk_info_by_coord(offsets)
        if info.byte_offset is None:
            raise OSError(f"there is no chunk at {info.chunk_offset}")
        with open(self._of.file.filename, "rb") as file:
            file.seek(info.byte_offset)
            raw = file.read(info.size)
        if out is None:
            return info.filter_mask, raw
        view = memoryview(out).cast("B")
        view[: len(raw)] = raw
        return info.filter_mask, view[: len(raw)]

    def read(self, mspace, fspace, arr, mtype=None, dxpl=None):
        """Read all elements into an array. Collective."""
        self._whole(mspace, fspace)
        self._of.read_direct(arr)

    def write(self, mspace, fspace, arr, mtype=None, dxpl=None):
        """Write all elements from an array. Collective."""
        self._whole(mspace, fspace)
        self._of.write_direct(arr)

    @staticmethod
    def _whole(*spaces):
        if any(space is not ALL and space is not None for space in spaces):
            raise NotImplementedError("only h5s.ALL: use indexes of the dataset for parts")

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


ALL = Space((), (0, []))


class FileList:
    """What a file was made with."""

    def __init__(self, of):
        self._of = of

    def get_userblock(self):
        """Bytes at the start that are the user's."""
        return self._of.userblock_size


class DatasetList:
    """How a dataset is stored, by the names of HDF5's property lists."""

    def __init__(self, of):
        self._of = of

    def get_layout(self):
        """COMPACT, CONTIGUOUS, CHUNKED or VIRTUAL."""
        return self._of._layout()[0]

    def get_chunk(self):
        """Extents of a chunk."""
        if self._of.chunks is None:
            raise ValueError("the dataset is not chunked")
        return self._of.chunks

    def get_nfilters(self):
        """How many filters chunks pass."""
        return len(self._of.filter_ids)

    def get_filter(self, index):
        """(number, flags, values, name) of one."""
        number = self._of.filter_ids[index]
        return number, 0, self._of._filters[number], _storage.filter_name(number).encode()

    def get_filter_by_id(self, number):
        """(flags, values, name) of a filter, or None."""
        values = self._of._filters.get(number)
        return None if values is None else (0, values, _storage.filter_name(number).encode())

    def get_fill_time(self):
        """FILL_TIME_IFSET, _ALLOC or _NEVER."""
        return (FILL_TIME_IFSET, FILL_TIME_ALLOC, FILL_TIME_NEVER)[self._of._layout()[1]]

    def get_alloc_time(self):
        """When elements get their space."""
        return ALLOC_TIME_INCR if self.get_layout() in (CHUNKED, VIRTUAL) else ALLOC_TIME_EARLY

    def get_fill_value(self, value):
        """Put the fill value into an array."""
        value[...] = self._of.fillvalue

    def get_external_count(self):
        """How many files its elements are in."""
        return len(self._of.external or ())

    def get_external(self, index=0):
        """(name, offset, size) of one of these files."""
        name, *rest = (self._of.external or [])[index]
        return (os.fsencode(name), *rest)

    def get_virtual_count(self):
        """How many mappings a virtual dataset has."""
        return len(self._of._origins) if self._of.is_virtual else 0

    def get_virtual_filename(self, index=0):
        """The file of one of them."""
        return self._of.virtual_sources()[index].file_name

    def get_virtual_dsetname(self, index=0):
        """The dataset of one of them."""
        return self._of.virtual_sources()[index].dset_name

    def get_virtual_vspace(self, index=0):
        """Where it is in the virtual dataset."""
        return self._of.virtual_sources()[index].vspace

    def get_virtual_srcspace(self, index=0):
        """Where it comes from."""
        return self._of.virtual_sources()[index].src_space


def of(obj):
    """The id of an object."""
    kind = type(obj)
    if hasattr(kind, "filename"):
        return FileID(obj)
    if hasattr(kind, "create_group"):
        return GroupID(obj)
    return DatasetID(obj) if hasattr(kind, "iter_chunks") else TypeID(obj)
