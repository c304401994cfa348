"""Indexes of datasets that are more than integers and slices: lists, masks, blocks."""

import numpy as np


class MultiBlockSlice:
    """`count` blocks of `block` elements, the first at `start`, one every `stride` elements.

    Blocks that touch or overlap count as one: `stride` is at least `block`. Without a count, as
    many blocks as there is room for. Used in an index, in the place of a slice.
    """

    def __init__(self, start=0, stride=1, count=None, block=1):
        if start < 0:
            raise ValueError("Start can't be negative")
        if stride < 1 or (count is not None and count < 1) or block < 1:
            raise ValueError("Stride, count and block can't be 0 or negative")
        if block > stride:
            raise ValueError("Blocks will overlap if block > stride")
        self.start, self.stride, self.count, self.block = start, stride, count, block

    def indices(self, length):
        """(start, stride, count, block) in a dimension of that length. Not collective."""
        count = self.count
        if count is None:
            count = (length - self.start - self.block) // self.stride + 1
            if count < 1:
                raise ValueError(
                    f"No full blocks can be selected using {self!r} on dimension of length {length}"
                )
        end = self.start + (count - 1) * self.stride + self.block - 1
        if end > length - 1:
            raise ValueError(
                f"{self!r} range ({self.start} - {end}) extends beyond maximum index ({length - 1})"
            )
        return self.start, self.stride, count, self.block

    def __repr__(self):
        return (
            f"MultiBlockSlice(start={self.start}, stride={self.stride}, count={self.count}, "
            f"block={self.block})"
        )


def under_mask(index, shape):
    """The row-major numbers of the elements under a mask of all of them; None for other arrays."""
    if index.dtype.kind != "b" or index.ndim == 0:
        return None
    if index.shape == shape:
        return np.flatnonzero(index).astype(np.int64)
    if index.shape != shape[:1]:
        raise TypeError("Boolean indexing array has incompatible shape")
    return None


def indexes(item, extent, another):
    """The indexes that a list, a 1-D array or a mask of one dimension selects, in increasing order.

    another -- there has been such a list in the same index
    """
    array = _one_dimension(item)
    if array is None:
        raise TypeError(f"Selection can't process {item!r}")
    if another:
        raise TypeError("Only one indexing vector or array is currently allowed for fancy indexing")
    if array.dtype.kind == "b":
        if len(array) != extent:
            raise TypeError("boolean index did not match indexed array")
        return np.flatnonzero(array).astype(np.int64)
    if array.size == 0 and not isinstance(item, np.ndarray):
        return np.empty(0, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError("Indexing arrays must have integer dtypes")
    return _positions(array.astype(np.int64), extent)


def _one_dimension(item):
    if isinstance(item, (str, bytes)):
        return None
    try:
        array = np.asarray(item)
    except ValueError:  # nested lists of different lengths
        return None
    return array if array.ndim == 1 and array.dtype.kind != "O" else None


def _positions(array, extent):
    if ((array < -extent) | (array >= extent)).any():
        raise IndexError(f"Fancy indexing out of range for (0-{extent - 1})")
    array = np.where(array < 0, array + extent, array)
    if (np.diff(array) <= 0).any():
        raise TypeError("Indexing elements must be in increasing order")
    return array
