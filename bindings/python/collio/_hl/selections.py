"""Selections of elements as objects: select(shape, index) makes one, dataset[selection] takes it.

What is read is what dataset[index] reads. Nothing here is collective.
"""

import numpy as np

from .. import h5s
from .._collio import _select
from .. import MultiBlockSlice
from ..references import RegionReference
from ..spaces import SpaceID

__all__ = ["FancySelection", "MultiBlockSlice", "PointSelection", "Selection", "SimpleSelection", "guess_shape",
           "select"]


def select(shape, args, dataset=None):
    """The selection that an index of a dataset of a shape makes."""
    if not isinstance(args, tuple):
        args = (args,)
    if len(args) == 1:
        only = args[0]
        if isinstance(only, Selection):
            if only.shape != shape:
                raise TypeError("Mismatched selection shape")
            return only
        if isinstance(only, RegionReference):
            return _of_region(shape, only, dataset)
        if isinstance(only, np.ndarray) and only.dtype.kind == "b" and only.shape == shape and only.ndim != 1:
            return PointSelection.from_mask(only)
    for item in args:
        if not isinstance(item, (int, np.integer, slice, type(Ellipsis), list, tuple, np.ndarray, MultiBlockSlice)):
            raise TypeError(f"Selection can't process {item!r}")
    selected, mshape = _select(args, tuple(shape))
    kind = FancySelection if any(isinstance(item, (list, tuple, np.ndarray)) for item in args) else SimpleSelection
    return kind(shape, SpaceID(tuple(shape), selected), array_shape=mshape)


def _of_region(shape, reference, dataset):
    if dataset is None:
        raise TypeError("Cannot apply a region reference without a dataset")
    space = dataset._opened(reference)._region_space(reference)
    if space.shape != shape:
        raise TypeError("Reference shape does not match dataset shape")
    return Selection(shape, space)


class Selection:
    """Some elements of a dataset."""

    def __init__(self, shape, spaceid=None):
        shape = tuple(shape)
        self._shape = shape
        self._id = SpaceID(shape) if spaceid is None else spaceid

    @property
    def id(self):
        """The space."""
        return self._id

    @property
    def shape(self):
        """Extents of the dataset."""
        return self._shape

    @property
    def nselect(self):
        """How many elements there are."""
        return self._id.get_select_npoints()

    @property
    def mshape(self):
        """Extents of the part, with all dimensions."""
        return guess_shape(self._id)

    @property
    def array_shape(self):
        """Extents of what is read."""
        return self.mshape

    def expand_shape(self, source_shape):
        """Extents of an array with those dimensions that are of one element put back."""
        return tuple(source_shape)

    def broadcast(self, source_shape):
        """Spaces, each for a copy of an array of those extents."""
        if source_shape == ():
            source_shape = self.array_shape
        if int(np.prod(source_shape)) != self.nselect:
            raise TypeError(f"Broadcasting is not supported for point-wise selections: {source_shape}")
        yield self._id

    def __getitem__(self, args):
        raise NotImplementedError("This class does not support indexing")


class PointSelection(Selection):
    """Elements by their indexes, in any order."""

    def __init__(self, shape, spaceid=None, points=None):
        super().__init__(shape, spaceid)
        if points is not None:
            self._id.select_elements(points)

    @classmethod
    def from_mask(cls, mask):
        """Those where an array of bool is True."""
        made = cls(mask.shape)
        made.set(np.transpose(mask.nonzero()))
        return made

    @property
    def mshape(self):
        """(how many there are,)."""
        return (self.nselect,)

    def _change(self, points, op):
        if len(points):
            self._id.select_elements(points, op)
        elif op == h5s.SELECT_SET:
            self._id.select_none()

    def append(self, points):
        """Add elements at the end."""
        self._change(points, h5s.SELECT_APPEND)

    def prepend(self, points):
        """Add elements at the beginning."""
        self._change(points, h5s.SELECT_PREPEND)

    def set(self, points):
        """Select these alone."""
        self._change(points, h5s.SELECT_SET)


class SimpleSelection(Selection):
    """Blocks at equal distances."""

    def __init__(self, shape, spaceid=None, array_shape=None):
        super().__init__(shape, spaceid)
        self._array_shape = tuple(shape) if array_shape is None else tuple(array_shape)

    @property
    def mshape(self):
        """Extents of the part, with all dimensions."""
        if self._id.get_select_type() == h5s.SEL_ALL or self._id.shape == ():
            return self._shape
        if self._id.get_select_type() == h5s.SEL_NONE:
            return self._array_shape
        return tuple(n * width for _, _, n, width in self._id._index())

    @property
    def array_shape(self):
        """Extents of what is read."""
        return self._array_shape

    def expand_shape(self, source_shape):
        """Extents of an array with those dimensions that are of one element put back."""
        mshape, left, found = self.mshape, list(source_shape), []
        scalar = len(mshape) - len(self._array_shape)
        for n in reversed(mshape):
            if n == 1 and scalar > 0 and not (left and left[-1] == 1 and len(left) > len(self._array_shape)):
                found.append(1)
                scalar -= 1
            elif left and left[-1] in (n, 1):
                found.append(left.pop())
            elif not left:
                found.append(1)
            else:
                raise TypeError(f"Can't broadcast {tuple(source_shape)} -> {self._array_shape}")
        if any(n > 1 for n in left):
            raise TypeError(f"Can't broadcast {tuple(source_shape)} -> {self._array_shape}")
        return tuple(reversed(found))

    def broadcast(self, source_shape):
        """Spaces, each for a copy of an array of those extents."""
        if self._shape == () or self._id.get_select_type() == h5s.SEL_NONE:
            yield self._id
            return
        wanted = self.mshape
        given = self.expand_shape(source_shape or (1,) * len(self._array_shape)) if source_shape else wanted
        if given == wanted:
            yield self._id
            return
        starts, steps = zip(*((first, step if n > 1 else 1) for first, step, n, _ in self._id._index()))
        for at in np.ndindex(*(n // m for n, m in zip(wanted, given))):
            space = self._id.copy()
            space.select_hyperslab(tuple(first + i * m * step for first, i, m, step in zip(starts, at, given, steps)),
                                   tuple(given), tuple(steps))
            yield space


class FancySelection(SimpleSelection):
    """Lists and masks of dimensions."""

    @property
    def mshape(self):
        """Extents of the part."""
        return tuple(len(np.unique(part)) for part in np.nonzero(self._mask())) if self.nselect else self._array_shape

    def _mask(self):
        mask = np.zeros(self._shape, bool)
        mask[self._id._as_index()] = True
        return mask

    def expand_shape(self, source_shape):
        """The extents themselves, if they fit."""
        if source_shape not in (self._array_shape, self.mshape, ()):
            raise TypeError("Broadcasting is not supported for complex selections")
        return self.mshape

    def broadcast(self, source_shape):
        """The one space there is."""
        if source_shape not in (self._array_shape, ()):
            raise TypeError("Broadcasting is not supported for complex selections")
        yield self._id


def read(dataset, selection):
    """dataset[selection]. Collective."""
    made = np.empty(selection.array_shape, dataset.dtype)
    dataset.id.read(SpaceID(made.shape), selection.id, made)
    return made


def write(dataset, selection, values):
    """dataset[selection] = values. Collective."""
    given = np.asarray(values, dtype=dataset.dtype)
    made = np.ascontiguousarray(np.broadcast_to(given, selection.array_shape))
    dataset.id.write(SpaceID(made.shape), selection.id, made)


def guess_shape(sid):
    """Extents of the array that holds what a space selects; (number,) if there is none."""
    kind = sid.get_select_type()
    if sid.shape is None:
        return None
    if kind == h5s.SEL_ALL:
        return sid.shape
    if kind == h5s.SEL_NONE:
        return (0,) * sid.rank
    if kind == h5s.SEL_POINTS:
        return (sid.get_select_npoints(),)
    boxes = sid._box()
    used = [np.nonzero(boxes.cells.any(axis=tuple(d for d in range(sid.rank) if d != axis)))[0]
            for axis in range(sid.rank)]
    extents = tuple(int(np.diff(edges)[flags].sum()) for edges, flags in zip(boxes.edges, used))
    return extents if int(np.prod(extents, dtype=object)) == sid.get_select_npoints() else (sid.get_select_npoints(),)
