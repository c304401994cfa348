"""Cut an array into blocks, one for each rank: ``collio.Decomposition``."""

import itertools
import math

import numpy as np

from . import _collio


class Decomposition:
    """This rank's block of an array that is cut into dims[0] x dims[1] x ... blocks.

    comm   any communicator, or the number of ranks where `rank` is given
    shape  extents of the whole array
    dims   blocks in each dimension, 0 (or None for all): to be chosen, so that
           blocks come close to cubes
    halo   cells added on each side where the array goes on; none are added
           beyond its border
    rank   whose block; by default the one of this process

    Ranks are laid out in row-major order, as by ``comm.Create_cart(dims)``
    without reordering. Making one is not collective.

    shape, dims, coords, halo, rank
    start, count              the rank's own block in the whole array
    outer_start, outer_count  the same with its halo
    where                     slices of the own block in the whole array
    outer                     slices of the block with its halo
    interior                  slices of the own block in the local array
    neighbours()              whom to exchange halos with, and which slices
    """

    def __init__(self, comm, shape, dims=None, halo=0, rank=None):
        size = comm if isinstance(comm, int) else comm.Get_size()
        self.rank = comm.Get_rank() if rank is None else int(rank)
        self.shape = tuple(int(n) for n in np.atleast_1d(shape))
        self.halo = int(halo)
        self.dims = _collio._part_dims(size, self.shape, dims or (0,) * len(self.shape))
        if math.prod(self.dims) != size:
            raise ValueError(f"{self.dims} blocks for {size} ranks")
        box = _collio._part_box(self.shape, self.dims, self.rank, self.halo)
        self.start, self.count, self.outer_start, self.outer_count = box
        self.coords = tuple(int(at) for at in np.unravel_index(self.rank, self.dims))

    @property
    def where(self):
        return _slices(self.start, self.count)

    @property
    def outer(self):
        return _slices(self.outer_start, self.outer_count)

    @property
    def interior(self):
        before = [own - outer for own, outer in zip(self.start, self.outer_start)]
        return _slices(before, self.count)

    def neighbours(self):
        """Whom to exchange halos with: a list of (rank, send, receive), in the order of ranks.

        send     slices of the local array: own cells that lie in that rank's halo, or None
        receive  slices of the local array: halo cells that the rank owns, or None

        Diagonal neighbours are among them, and ranks further off where blocks are thinner than
        the halo. Both slices fit the array of empty():

            for other, send, receive in d.neighbours():
                ...  # send u[send] to other, receive u[receive] from it
        """
        found = []
        for coords in itertools.product(*(self._near(d) for d in range(len(self.shape)))):
            other = int(np.ravel_multi_index(coords, self.dims))
            if other == self.rank:
                continue
            box = _collio._part_box(self.shape, self.dims, other, self.halo)
            send = self._common((self.start, self.count), box[2:])
            receive = self._common((self.outer_start, self.outer_count), box[:2])
            if send or receive:
                found.append((other, send, receive))
        return found

    def _near(self, d):
        """Coordinates in dimension d whose blocks, with their halos, may touch this rank's."""
        each, larger = divmod(self.shape[d], self.dims[d])
        begin = [c * each + min(c, larger) for c in range(self.dims[d] + 1)]
        low = self.start[d] - self.halo
        high = self.start[d] + self.count[d] + self.halo
        return [c for c in range(self.dims[d]) if begin[c] < high and low < begin[c + 1]]

    def _common(self, one, two):
        """Slices of the local array for what two boxes have in common; None if that is nothing."""
        start = [max(pair) for pair in zip(one[0], two[0])]
        stop = [min(a + n, b + m) for a, n, b, m in zip(*one, *two)]
        if any(last <= first for first, last in zip(start, stop)):
            return None
        return tuple(
            slice(first - origin, last - origin)
            for first, last, origin in zip(start, stop, self.outer_start)
        )

    def empty(self, dtype="f8"):
        """A new array for the block with its halo, not initialised."""
        return np.empty(self.outer_count, dtype)

    def zeros(self, dtype="f8"):
        """A new array of zeros for the block with its halo."""
        return np.zeros(self.outer_count, dtype)

    def part(self, array):
        """The Part to save of a local array, with or without its halo."""
        if np.shape(array) == self.outer_count:
            array = np.asarray(array)[self.interior]
        return _collio._io["Part"](array, shape=self.shape, offset=self.start)

    def __repr__(self):
        return f"<collio.Decomposition of {self.shape} into {self.dims}: {self.count} at {self.start}>"


def _slices(start, count):
    return tuple(slice(first, first + n) for first, n in zip(start, count))
