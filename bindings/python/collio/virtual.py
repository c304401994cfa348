"""Virtual datasets: their elements are those of other datasets, in other files or the same one."""

import os
from collections import namedtuple

import numpy as np

from ._collio import _select
from ._storage import NO_CHUNKS, UNLIMITED
from .spaces import SpaceID

VDSmap = namedtuple("VDSmap", ("vspace", "file_name", "dset_name", "src_space"))


def mapping(shape, where, path, name, source_shape, source):
    return VDSmap(SpaceID(shape, where), path, name, SpaceID(source_shape, source))


def _extents(shape):
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)


def _maximum(maxshape, shape):
    if maxshape is None:
        return shape
    maxshape = (maxshape,) if isinstance(maxshape, (int, np.integer)) else tuple(maxshape)
    return tuple(None if n is None or n == UNLIMITED else int(n) for n in maxshape)


def _is_endless(selection):
    return any(count == -1 for _, _, count, _, _ in selection[1])


def _select_part(index, shape):
    """As _select(); a slice that ends with UNLIMITED goes on as the dataset grows."""
    items = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(item, slice) and item.stop == UNLIMITED for item in items):
        return _select(index, shape)
    given = tuple(slice(item.start, None, item.step) if isinstance(item, slice) and item.stop == UNLIMITED else item
                  for item in items)
    (flat, dimensions), extents = _select(given, shape)
    dots = next((i for i, item in enumerate(items) if item is Ellipsis), len(items))
    places = {i if i < dots else len(shape) - len(items) + i: item for i, item in enumerate(items)
              if isinstance(item, slice) and item.stop == UNLIMITED}
    dimensions = tuple((places[d].start or 0, places[d].step or 1, -1, 1, None) if d in places else one
                       for d, one in enumerate(dimensions))
    return (flat, dimensions), extents


class VirtualSource:
    """A dataset, or with an index a part of it, that becomes part of a virtual one.

    VirtualSource(dataset), or VirtualSource(path, name, shape) for one that need not be there yet.
    """

    def __init__(self, path_or_dataset, name=None, shape=None, dtype=None, maxshape=None):
        given = {"name": name, "shape": shape, "dtype": dtype, "maxshape": maxshape}
        if hasattr(path_or_dataset, "virtual_sources"):
            given = {key: value for key, value in given.items() if value is not None}
            if given:
                raise TypeError("If a Dataset is passed as the first argument then no other arguments may be "
                                f"passed.  You passed {given}")
            dataset = path_or_dataset
            path_or_dataset, name, shape = dataset.file.filename, dataset.name, dataset.shape
            dtype, maxshape = dataset.dtype, dataset.maxshape
        elif shape is None:
            raise TypeError("The shape parameter is required when specifying a source by path")
        elif name is None:
            raise TypeError("The name parameter is required when specifying a source by path")
        self.path = os.fspath(path_or_dataset)
        self.name = name
        self.dtype = dtype
        self._extents = _extents(shape)
        self.maxshape = _maximum(maxshape, self._extents)
        self._selection, self._shape = _select((), self._extents)

    @property
    def shape(self):
        """Extents of the part."""
        return self._shape

    def __getitem__(self, index):
        part = VirtualSource.__new__(VirtualSource)
        part.__dict__.update(self.__dict__)
        if getattr(self, "_sliced", False):
            raise RuntimeError("VirtualSource objects can only be sliced once.")
        part._sliced = True
        part._selection, part._shape = _select_part(index, self._extents)
        return part


class VirtualLayout:
    """The shape and dtype of a virtual dataset to be made, and what is assigned to its parts:
    layout[index] = VirtualSource(...)."""

    def __init__(self, shape, dtype, maxshape=None, filename=None):
        self.shape = _extents(shape)
        self.dtype = dtype
        self.maxshape = None if maxshape is None else _maximum(maxshape, self.shape)
        self._filename = filename
        self._parts = []

    def __setitem__(self, index, source):
        if not isinstance(source, VirtualSource):
            raise TypeError(f"a VirtualSource can be assigned to a part of a layout, not {type(source).__name__}")
        where, _ = _select_part(index, self.shape)
        if not _is_endless(where) and not _is_endless(source._selection) and _count(where) != _count(source._selection):
            raise ValueError("Invalid mapping selections (virtual and source space selections have different "
                             "numbers of elements)")
        self._parts.append((where, source))

    def _mappings(self, filename):
        """As create_dataset() wants them; a source in the same file is in '.'."""
        return [(where, "." if _is_same(source.path, filename) else os.fsdecode(source.path),
                 source.name if isinstance(source.name, str) else os.fsdecode(source.name), source._extents,
                 source._selection) for where, source in self._parts]


def _count(selection):
    return int(np.prod([count * block for _, _, count, block, _ in selection[1]], dtype=object))


def _is_same(path, filename):
    return os.path.abspath(os.fsdecode(path)) == os.path.abspath(os.fsdecode(filename))


def create(group, name, layout, fillvalue):
    try:
        if not isinstance(layout, VirtualLayout):
            raise TypeError(f"a virtual dataset is made from a VirtualLayout, not from {type(layout).__name__}")
        mappings = layout._mappings(group.file.filename)
    except Exception as error:
        group._agree("create_virtual_dataset", str(name), error)
        raise
    return group.create_dataset(name, layout.shape, layout.dtype, maxshape=layout.maxshape, fillvalue=fillvalue,
                                chunks=NO_CHUNKS, _mappings=mappings)
