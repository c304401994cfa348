"""Extents and selections by HDF5's names: ``collio.h5s``, ``dataset.id.get_space()``.

A SpaceID is a record of this process alone; nothing here is collective.
"""

import itertools

import numpy as np

from . import encoded
from ._select import MultiBlockSlice

UNLIMITED = 2**64 - 1
NO_CLASS, SCALAR, SIMPLE, NULL = -1, 0, 1, 2
SEL_ERROR, SEL_NONE, SEL_POINTS, SEL_HYPERSLABS, SEL_ALL = range(-1, 4)
(SELECT_NOOP, SELECT_SET, SELECT_OR, SELECT_AND, SELECT_XOR, SELECT_NOTB, SELECT_NOTA, SELECT_APPEND, SELECT_PREPEND,
 SELECT_INVALID) = range(-1, 9)

_COMBINE = {SELECT_OR: np.logical_or, SELECT_AND: np.logical_and, SELECT_XOR: np.logical_xor,
            SELECT_NOTB: lambda a, b: a & ~b, SELECT_NOTA: lambda a, b: ~a & b}


def _sizes(values, what, rank=None):
    """A tuple of numbers that are not negative."""
    if not isinstance(values, tuple) or (rank is not None and len(values) != rank):
        raise ValueError(f"{what} must be a tuple" + (f" of size {rank}." if rank is not None else "."))
    for at, n in enumerate(values):
        if not isinstance(n, (int, np.integer)):
            raise TypeError(f"Can't convert element {at} ({n!r}) to hsize_t")
        if n < 0:
            raise OverflowError(f"{what}: {n} is negative")
    return tuple(map(int, values))


class Boxes:
    """Some elements, as the cells of a grid: edges in each dimension, and which cells are meant."""

    def __init__(self, edges, cells):
        self.edges, self.cells = edges, cells

    @classmethod
    def regular(cls, start, stride, count, block):
        """Those of a regular selection."""
        edges, inside = [], []
        for first, step, n, width in zip(start, stride, count, block):
            starts = first + step * np.arange(n, dtype=np.int64) if n > 1 else np.array([first][:n], np.int64)
            edges.append(np.unique(np.concatenate([starts, starts + width])))
            inside.append(np.isin(edges[-1][:-1], starts))
        cells = np.ones((), bool)
        for flags in inside:
            cells = cells[..., None] & flags
        return cls(edges, cells)

    def combined(self, other, how):
        """With other boxes."""
        edges = [np.union1d(a, b) for a, b in zip(self.edges, other.edges)]
        return Boxes(edges, how(self._on(edges), other._on(edges)))

    def _on(self, edges):
        """The cells of a finer grid."""
        cells = self.cells
        for d, (mine, finer) in enumerate(zip(self.edges, edges)):
            at = np.searchsorted(mine, finer[:-1], side="right") - 1
            known = (at >= 0) & (at < len(mine) - 1)
            cells = np.take(cells, np.where(known, at, 0), axis=d) if len(mine) > 1 else np.zeros(
                cells.shape[:d] + (len(at),) + cells.shape[d + 1 :], bool)
            cells = cells & known.reshape((-1,) + (1,) * (cells.ndim - d - 1))
        return cells

    def size(self):
        """How many elements."""
        total = self.cells.astype(object)
        for widths in reversed([np.diff(e) for e in self.edges]):
            total = (total * widths).sum(axis=-1) if len(widths) else 0
        return int(total)

    def blocks(self, edges=None, cells=None):
        """[(first, last)] of blocks in the order of their elements, as few as HDF5 has."""
        edges, cells = (self.edges, self.cells) if edges is None else (edges, cells)
        if cells.ndim == 0:
            return [((), ())] if cells else []
        found, at = [], 0
        while at < len(cells):
            end = at + 1
            while end < len(cells) and np.array_equal(cells[end], cells[at]):
                end += 1
            for first, last in self.blocks(edges[1:], cells[at]):
                found.append(((int(edges[0][at]), *first), (int(edges[0][end]) - 1, *last)))
            at = end
        return found


class SpaceID:
    """The extents of a dataset, and some of its elements."""

    def __init__(self, shape, selection=None, maximum=None):
        self._shape = shape
        self._maximum = shape if maximum is None else maximum
        self._kind, self._regular, self._boxes, self._points = SEL_ALL, None, None, None
        self._open = True
        self._offset = None
        if selection is not None:
            self._take(*selection)

    def _take(self, flat, dimensions):
        """A selection as the library has it."""
        if flat:
            numbers = np.frombuffer(dimensions[0][4], np.int64)
            self._kind, self._points = SEL_POINTS, np.stack(np.unravel_index(numbers, self._shape), -1)
            return
        starts = [(0, 1, n, 1, None) for n in self._shape or ()]
        if tuple(dimensions) == tuple(starts) or all(
                listed is None and start == 0 and block * count == n and (count == 1 or stride == block)
                for (start, stride, count, block, listed), n in zip(dimensions, self._shape or ())):
            return
        if any(listed is not None for *_, listed in dimensions):
            self._kind = SEL_HYPERSLABS
            parts = [Boxes.regular(*((numbers,) for numbers in given)) if listed is None else
                     _listed(np.frombuffer(listed, np.int64)) for *given, listed in dimensions]
            cells = np.ones((), bool)
            for part in parts:
                cells = cells[..., None] & part.cells
            self._boxes = Boxes([part.edges[0] for part in parts], cells)
            return
        self._select(*zip(*([UNLIMITED if n == -1 else n for n in numbers] for *numbers, _ in dimensions)))

    # ------------------------------------------------------------------ the record

    def __bool__(self):
        return self._open

    @property
    def valid(self):
        """1 until it is closed."""
        return int(self._open)

    @property
    def id(self):
        """A number."""
        return id(self) if self._open else 0

    def close(self):
        """It cannot be used any more."""
        self._open = False

    def copy(self):
        """Another one alike."""
        made = SpaceID(self._shape)
        made.__dict__.update(self.__dict__)
        return made

    def encode(self):
        """As bytes, for h5s.decode() of this library."""
        boxes = None if self._boxes is None else (self._boxes.edges, self._boxes.cells)
        return encoded.dumps("dataspace", (self._shape, self._maximum, self._kind, self._regular, self._points, boxes))

    # ------------------------------------------------------------------ extents

    @property
    def shape(self):
        """Extents; None without any elements."""
        return self._shape

    @property
    def rank(self):
        """Number of dimensions."""
        return len(self._shape or ())

    def is_simple(self):
        """Whether there are elements."""
        return self._shape is not None

    def get_simple_extent_type(self):
        """SCALAR, SIMPLE or NULL."""
        return NULL if self._shape is None else SIMPLE if self._shape else SCALAR

    def get_simple_extent_ndims(self):
        """Number of dimensions."""
        return self.rank

    def get_simple_extent_dims(self, maxdims=False):
        """Extents of the dataset, or those to which it can be resized."""
        return self._maximum if maxdims and self._shape is not None else self._shape

    def get_simple_extent_npoints(self):
        """Number of elements of the dataset."""
        return 0 if self._shape is None else int(np.prod(self._shape, dtype=object))

    def set_extent_none(self):
        """No elements."""
        self._shape = self._maximum = None
        self.select_all()

    def set_extent_simple(self, dims_tpl, max_dims_tpl=None):
        """Other extents."""
        made = create_simple(dims_tpl, max_dims_tpl)
        self._shape, self._maximum = made._shape, made._maximum
        self.select_all()

    def extent_copy(self, source):
        """Those of another one."""
        self._shape, self._maximum = source._shape, source._maximum
        self.select_all()

    def offset_simple(self, offset=None):
        """Shift the selection; None: back again."""
        if offset is not None and len(offset) != self.rank:
            raise ValueError(f"offset must be a tuple of size {self.rank}.")
        self._offset = None if offset is None else tuple(map(int, offset))

    # ------------------------------------------------------------------ selecting

    def select_all(self):
        """All elements."""
        self._kind, self._regular, self._boxes, self._points = SEL_ALL, None, None, None

    def select_none(self):
        """No element."""
        self.select_all()
        self._kind = SEL_NONE

    def _select(self, start, stride, count, block):
        """A regular selection."""
        self.select_all()
        if 0 in count or 0 in block:
            self._kind = SEL_NONE
            return
        self._kind, self._regular = SEL_HYPERSLABS, (tuple(start), tuple(stride), tuple(count), tuple(block))

    def _box(self):
        """Whatever is selected by blocks."""
        if self._boxes is not None:
            return self._boxes
        if self._kind == SEL_HYPERSLABS:
            start, stride, count, block = self._regular
            if UNLIMITED in count or UNLIMITED in block:
                raise ValueError("a selection without end")
            return Boxes.regular(*self._regular)
        width = self._shape if self._kind == SEL_ALL else (0,) * self.rank
        return Boxes.regular((0,) * self.rank, (1,) * self.rank, (1,) * self.rank, width)

    def select_hyperslab(self, start, count, stride=None, block=None, op=SELECT_SET):
        """Blocks of elements, or a set of them with what is selected."""
        given = [_sizes(start, "start", self.rank), _sizes(stride or (1,) * self.rank, "stride", self.rank),
                 _sizes(count, "count", self.rank), _sizes(block or (1,) * self.rank, "block", self.rank)]
        if 0 in given[1]:
            raise ValueError("Invalid stride==0 value")
        if 0 not in given[2] and any(n > 1 and width > step for _, step, n, width in zip(*given)):
            raise RuntimeError("Unable to set hyperslab selection (hyperslab blocks overlap)")
        if op == SELECT_SET:
            self._select(*given)
            return
        if op not in _COMBINE or self._kind == SEL_POINTS:
            raise ValueError("Unable to set hyperslab selection (invalid selection operation)")
        self._set_boxes(self._box().combined(Boxes.regular(*given), _COMBINE[op]))

    def select_copy(self, src_id):
        """Select what is selected in another one of these extents."""
        self._kind, self._regular, self._boxes, self._points = (
            src_id._kind, src_id._regular, src_id._boxes, src_id._points)

    def modify_select(self, space2, op=SELECT_OR):
        """Combine what is selected with the selection of another one."""
        if op not in _COMBINE or SEL_POINTS in (self._kind, space2._kind):
            raise ValueError("Unable to modify selection (invalid selection operation)")
        self._set_boxes(self._box().combined(space2._box(), _COMBINE[op]))

    def combine_select(self, space2, op=SELECT_OR):
        """A new one with both selections combined."""
        made = self.copy()
        made.modify_select(space2, op)
        return made

    def _set_boxes(self, boxes):
        self.select_none()
        if boxes.cells.any():
            self._kind, self._boxes = SEL_HYPERSLABS, boxes

    def select_elements(self, coords, op=SELECT_SET):
        """Elements by their indexes."""
        points = np.asarray(coords, dtype=np.uint64)
        if points.ndim != 2 or points.shape[1] != self.rank:
            raise ValueError(f"Coordinate array must have shape (<npoints>, {self.rank})")
        points = points.astype(np.int64)
        if op in (SELECT_APPEND, SELECT_PREPEND) and self._kind == SEL_POINTS:
            both = (self._points, points) if op == SELECT_APPEND else (points, self._points)
            points = np.concatenate(both)
        elif op not in (SELECT_SET, SELECT_APPEND, SELECT_PREPEND):
            raise ValueError("Unsupported operation for points")
        self.select_all()
        self._kind, self._points = SEL_POINTS, points

    # ------------------------------------------------------------------ what is selected

    def get_select_type(self):
        """SEL_NONE, SEL_POINTS, SEL_HYPERSLABS or SEL_ALL."""
        return self._kind

    def get_select_npoints(self):
        """How many elements there are."""
        if self._kind == SEL_ALL:
            return self.get_simple_extent_npoints()
        if self._kind == SEL_POINTS:
            return len(self._points)
        if self._regular is not None:
            total = int(np.prod([n * width for n, width in zip(*self._regular[2:])], dtype=object))
            return min(total, UNLIMITED)
        return self._box().size() if self._kind == SEL_HYPERSLABS else 0

    def get_select_bounds(self):
        """Indexes of the first and the last one; None if there is none."""
        if self._kind == SEL_NONE or self._shape is None:
            return None
        if self._kind == SEL_ALL:
            return (0,) * self.rank, tuple(n - 1 for n in self._shape)
        if self._kind == SEL_POINTS:
            return tuple(map(int, self._points.min(axis=0))), tuple(map(int, self._points.max(axis=0)))
        if self._regular is not None:
            start, stride, count, block = self._regular
            return start, tuple(UNLIMITED - 1 if UNLIMITED in (n, width) else first + (n - 1) * step + width - 1
                                for first, step, n, width in zip(*self._regular))
        blocks = np.array(self._box().blocks())
        return tuple(blocks[:, 0].min(axis=0).tolist()), tuple(blocks[:, 1].max(axis=0).tolist())

    def select_valid(self):
        """Whether all of it lies within the extents."""
        bounds = self.get_select_bounds()
        if bounds is None or self._kind == SEL_ALL:
            return True
        shift = self._offset or (0,) * self.rank
        return all(first + by >= 0 and last + by < n for first, last, by, n in zip(*bounds, shift, self._shape))

    def select_shape_same(self, space2):
        """Whether both selections have the same shape."""
        mine, other = (np.array(s._box().blocks() if s._kind != SEL_POINTS else s._points) for s in (self, space2))
        if mine.shape != other.shape:
            return False
        return mine.size == 0 or bool(np.array_equal(mine - mine.min(axis=0).min(axis=0), other -
                                                     other.min(axis=0).min(axis=0)))

    def _need(self, kind, words):
        if self._kind != kind:
            raise ValueError(f"Not {words} selection")

    def get_select_elem_npoints(self):
        """How many elements were selected by their indexes."""
        self._need(SEL_POINTS, "an element")
        return len(self._points)

    def get_select_elem_pointlist(self):
        """Their indexes."""
        self._need(SEL_POINTS, "an element")
        return self._points.astype(np.uint64)

    def is_regular_hyperslab(self):
        """Whether they are blocks at equal distances."""
        self._need(SEL_HYPERSLABS, "a hyperslab")
        return self._regular is not None

    def get_regular_hyperslab(self):
        """(start, stride, count, block), each for all dimensions."""
        self._need(SEL_HYPERSLABS, "a hyperslab")
        if self._regular is None:
            raise ValueError("Not a regular hyperslab selection")
        return self._regular

    def _blocks(self):
        """All blocks of a regular selection, or as few as there are of another one."""
        self._need(SEL_HYPERSLABS, "a hyperslab")
        if self._regular is None:
            return self._box().blocks()
        each = [[(first + i * step, first + i * step + width - 1) for i in range(n)]
                for first, step, n, width in zip(*self._regular)]
        return [tuple(zip(*one)) for one in itertools.product(*each)]

    def get_select_hyper_nblocks(self):
        """How many blocks there are."""
        return len(self._blocks())

    def get_select_hyper_blocklist(self):
        """Indexes of their first and last elements."""
        return np.array(self._blocks(), dtype=np.uint64).reshape(-1, 2, self.rank)

    # ------------------------------------------------------------------ for reading and writing

    def _selection(self):
        """As create_dataset() wants it for mappings: (flat, dimensions)."""
        if self._kind == SEL_POINTS:
            raise NotImplementedError("single elements cannot be mapped")
        if self._kind == SEL_NONE:
            return 0, tuple((0, 1, 0, 1, None) for _ in self._shape)
        if self._boxes is not None:
            raise NotImplementedError("a selection of several regular ones cannot be mapped")
        regular = self._index()
        return 0, tuple((first, step, -1 if n == UNLIMITED else n, -1 if width == UNLIMITED else width, None)
                        for first, step, n, width in regular)

    def _as_index(self):
        """An index of a dataset; of elements by their numbers, a mask."""
        index = self._index()
        if isinstance(index, list):
            return tuple(slice(first, first + width) if n == 1 else MultiBlockSlice(first, step, n, width)
                         for first, step, n, width in index)
        if self._kind != SEL_POINTS:
            return index
        mask = np.zeros(self._shape, bool)
        mask[tuple(index.T)] = True
        return mask

    def _index(self):
        """What is selected, as an index of a dataset: a tuple of (start, stride, count, block), or a
        mask of all elements, or (indexes, ...) in the order in which they were given."""
        if not self.select_valid():
            raise ValueError("Selection out of bounds")
        shift = self._offset or (0,) * self.rank
        if self._kind == SEL_POINTS:
            return self._points + np.array(shift, np.int64)
        if self._kind == SEL_ALL:
            return [(0, 1, 1, n) for n in self._shape]
        if self._regular is not None:
            return [(first + by, *rest) for (first, *rest), by in zip(zip(*self._regular), shift)]
        mask = np.zeros(self._shape, bool)
        for first, last in self._box().blocks() if self._kind == SEL_HYPERSLABS else ():
            mask[tuple(slice(a + by, b + by + 1) for a, b, by in zip(first, last, shift))] = True
        return mask


def _listed(numbers):
    """Boxes of one dimension for a list of its indexes."""
    edges = np.unique(np.concatenate([numbers, numbers + 1]))
    return Boxes([edges], np.isin(edges[:-1], numbers))


def create(class_code):
    """A space of one element (SCALAR), none (NULL) or without dimensions yet (SIMPLE)."""
    if class_code not in (SCALAR, SIMPLE, NULL):
        raise ValueError("Invalid dataspace type")
    made = SpaceID(None if class_code == NULL else ())
    if class_code == SIMPLE:
        made.get_simple_extent_type = lambda: SIMPLE
    return made


def create_simple(dims_tpl, max_dims_tpl=None):
    """A space of some extents, and those to which it may be resized."""
    if not isinstance(dims_tpl, tuple):
        raise ValueError("dims_tpl must be a tuple.")
    if max_dims_tpl is not None and not (isinstance(max_dims_tpl, tuple) and len(max_dims_tpl) == len(dims_tpl)):
        raise ValueError(f"max_dims_tpl must be a tuple or None of size {len(dims_tpl)}.")
    shape = _sizes(dims_tpl, "dims_tpl")
    maximum = shape if max_dims_tpl is None else _sizes(max_dims_tpl, "max_dims_tpl")
    if any(most < n for most, n in zip(maximum, shape)):
        raise ValueError("Maxdims is smaller than dims")
    return SpaceID(shape, None, maximum)


def decode(buf):
    """What encode() made."""
    shape, maximum, kind, regular, points, boxes = encoded.loads("dataspace", buf)
    made = SpaceID(shape, None, maximum)
    made._kind, made._regular, made._points = kind, regular, points
    made._boxes = None if boxes is None else Boxes(*boxes)
    return made


ALL = SpaceID(())
