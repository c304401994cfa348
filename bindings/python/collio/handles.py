"""What ``obj.id`` gives: programs written for h5py compare and test it, and ask it for facts that have
no other name. Nothing here is collective, unless it reads, writes or changes a dataset."""

import os
from collections import namedtuple

import numpy as np

from . import made, types
from .links import ExternalLink, SoftLink
from .lists import CHUNKED, COMPACT, CONTIGUOUS, VIRTUAL
from .types import TypeID
from .virtual import Space

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


LinkInfo = namedtuple("LinkInfo", "type corder_valid corder cset u")


class LinkProxy:
    """The names in a group, by the words of HDF5. Those that change something are collective."""

    def __init__(self, group):
        self._group = group

    def _link(self, name):
        link = self._group.get(name, getlink=True)
        if link is None:
            raise KeyError(f"there is no name {name!r}")
        return link

    def exists(self, name):
        """Whether there is such a name."""
        return self._group.get(name, getlink=True) is not None

    def get_info(self, name, index=-1):
        """type: 0 hard, 1 soft, 64 external."""
        link = self._link(name)
        number = {"HardLink": 0, "SoftLink": 1, "ExternalLink": 64}[type(link).__name__]
        return LinkInfo(number, False, 0, 1, getattr(link, "path", None))

    def get_val(self, name):
        """The path of a soft link, or (file, path), as bytes."""
        link = self._link(name)
        if not hasattr(link, "path"):
            raise ValueError(f"{name!r} is no soft or external link")
        path = os.fsencode(link.path)
        return (os.fsencode(link.filename), path) if hasattr(link, "filename") else path

    def iterate(self, func):
        """Call func(name) for each until it returns something, which is returned."""
        return next((found for found in map(func, list(GroupID(self._group))) if found is not None), None)

    def visit(self, func):
        """The same with names below."""
        return self._group.visit_links(lambda name: func(os.fsencode(name)))

    def create_hard(self, new_name, cur_loc, cur_name):
        """Another name for an object. Collective."""
        self._group[new_name] = cur_loc._of[cur_name]

    def create_soft(self, new_name, target):
        """A soft link. Collective."""
        self._group[new_name] = SoftLink(target)

    def create_external(self, link_name, file_name, obj_name):
        """A link to another file. Collective."""
        self._group[link_name] = ExternalLink(file_name, obj_name)

    def move(self, src_name, dst_loc, dst_name):
        """Give an object another name. Collective."""
        self._group.move(src_name, dst_name)


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

    def unlink(self, name):
        """Take a name away. Collective."""
        del self._of[name]

    def move(self, current_name, new_name):
        """Give an object another name. Collective."""
        self._of.move(current_name, new_name)

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
        whole = [(0, 1, n, 1, None) for n in self._of.shape or ()]
        space = Space(self._of.shape, (0, whole))
        space.maximum = self._of.maxshape
        return space

    def get_type(self):
        """The type of its elements."""
        return types.of(self._of.dtype, self._of)

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
        return next((c for c in self._chunks() if c.chunk_offset == at), StoreInfo(at, 0, None, 0))

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


def of(obj):
    """The id of an object."""
    kind = type(obj)
    if hasattr(kind, "filename"):
        return FileID(obj)
    if hasattr(kind, "create_group"):
        return GroupID(obj)
    return DatasetID(obj) if hasattr(kind, "iter_chunks") else types.of(obj.dtype, obj)
