"""MPI.File through random views, compared with a model of NumPy's; the seed is printed.

COLLIO_SEED names another one, COLLIO_TURNS says how many views are tried.
"""
# ranks: 1 2 3 4
# limit: 200

import os

import numpy as np
from collio import MPI
from tap import check, done

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
PATH = "random.raw"
SEED = int(os.environ.get("COLLIO_SEED", 20260721)) + size
TURNS = int(os.environ.get("COLLIO_TURNS", 60 if size < 3 else 12))
random = np.random.default_rng(SEED)  # the same numbers on all ranks
if rank == 0:
    print(f"# seed {SEED - size}")


def pick(low, high):
    return int(random.integers(low, high + 1))


class Pattern:
    """A datatype, and where its elements are by this model: counted in elements of the base type."""

    def __init__(self, make, places, low=None, high=None):
        self.make = make  # the datatype, for those who need it
        self.places = np.asarray(places, "i8")
        self.low = int(self.places.min(initial=0)) if low is None else low
        self.high = int(self.places.max(initial=-1)) + 1 if high is None else high

    @property
    def extent(self):
        return self.high - self.low

    def tiled(self, n):
        """The first n elements of the pattern repeated."""
        tiles = -(-n // len(self.places)) if len(self.places) else 0
        return (self.places + self.extent * np.arange(tiles)[:, None]).ravel()[:n]


def blocks(inner, lengths, displacements, make):
    """Blocks of an inner pattern at displacements in elements of the base type."""
    places, low, high = [], [], []
    for length, at in zip(lengths, displacements):
        if length > 0:
            places += [inner.places + at + k * inner.extent for k in range(length)]
            low.append(at + inner.low)
            high.append(at + (length - 1) * inner.extent + inner.high)
    return Pattern(make, np.concatenate(places), min(low), max(high))


def increasing(inner, lengths):
    """Displacements, in extents, at which blocks of these lengths do not overlap."""
    at, out = pick(0, 3), []
    for length in lengths:
        out.append(at)
        at += length + pick(0, 3)
    return out


def contiguous(inner, base):
    n = pick(1, 4)
    return blocks(inner, [n], [0], lambda: inner.make().Create_contiguous(n))


def vector(inner, base):
    n, length = pick(1, 4), pick(1, 3)
    stride = length + pick(0, 3)
    at = [k * stride * inner.extent for k in range(n)]
    if pick(0, 1):
        return blocks(inner, [length] * n, at, lambda: inner.make().Create_vector(n, length, stride))
    step = stride * inner.extent * base.size
    return blocks(inner, [length] * n, at, lambda: inner.make().Create_hvector(n, length, step))


def indexed(inner, base):
    kind = pick(0, 4)
    lengths = [pick(1, 3)] * pick(1, 4) if kind in (1, 3) else [pick(0, 3) for _ in range(pick(1, 4))] + [1]
    at = increasing(inner, lengths)
    in_elements = [k * inner.extent for k in at]
    in_bytes = [k * base.size for k in in_elements]
    make = (
        lambda: inner.make().Create_indexed(lengths, at),
        lambda: inner.make().Create_indexed_block(lengths[0], at),
        lambda: inner.make().Create_hindexed(lengths, in_bytes),
        lambda: inner.make().Create_hindexed_block(lengths[0], in_bytes),
        lambda: MPI.Datatype.Create_struct(lengths, in_bytes, [inner.make() for _ in lengths]),
    )[kind]
    return blocks(inner, lengths, in_elements, make)


def subarray(inner, base):
    ndim = pick(1, 3)
    sizes = [pick(1, 5) for _ in range(ndim)]
    parts = [pick(1, n) for n in sizes]
    starts = [pick(0, n - p) for n, p in zip(sizes, parts)]
    order = (MPI.ORDER_C, MPI.ORDER_FORTRAN)[pick(0, 1)]
    grid = np.arange(np.prod(sizes)).reshape(sizes, order="C" if order == MPI.ORDER_C else "F")
    taken = np.sort(grid[tuple(slice(s, s + p) for s, p in zip(starts, parts))].ravel())
    places = (inner.places + inner.extent * taken[:, None]).ravel()
    make = lambda: inner.make().Create_subarray(sizes, parts, starts, order)
    return Pattern(make, places, inner.low, inner.low + grid.size * inner.extent)


def owners(n, kind, argument, places):
    """Which place of a dimension has each index."""
    index = np.arange(n)
    if kind == MPI.DISTRIBUTE_NONE:
        return index * 0
    if kind == MPI.DISTRIBUTE_BLOCK:
        block = -(-n // places) if argument == MPI.DISTRIBUTE_DFLT_DARG else argument
        return index // block
    block = 1 if argument == MPI.DISTRIBUTE_DFLT_DARG else argument
    return index // block % places


def darray(inner, base):
    ndim = pick(1, 3)
    sizes = [pick(2, 6) for _ in range(ndim)]
    kinds = [(MPI.DISTRIBUTE_BLOCK, MPI.DISTRIBUTE_CYCLIC, MPI.DISTRIBUTE_NONE)[pick(0, 2)] for _ in sizes]
    places = [1 if kind == MPI.DISTRIBUTE_NONE else pick(1, 3) for kind in kinds]
    arguments = [
        MPI.DISTRIBUTE_DFLT_DARG if pick(0, 1) or kind == MPI.DISTRIBUTE_NONE
        else pick(-(-n // p) if kind == MPI.DISTRIBUTE_BLOCK else 1, n)
        for n, p, kind in zip(sizes, places, kinds)
    ]
    count = int(np.prod(places))
    who = pick(0, count - 1)
    mine = np.unravel_index(who, places)
    hit = [np.flatnonzero(owners(n, k, a, p) == m) for n, k, a, p, m in zip(sizes, kinds, arguments, places, mine)]
    order = (MPI.ORDER_C, MPI.ORDER_FORTRAN)[pick(0, 1)]
    grid = np.arange(np.prod(sizes)).reshape(sizes, order="C" if order == MPI.ORDER_C else "F")
    taken = np.sort(grid[np.ix_(*hit)].ravel())
    if len(taken) == 0:
        return subarray(inner, base)
    places_of = (inner.places + inner.extent * taken[:, None]).ravel()
    make = lambda: inner.make().Create_darray(count, who, sizes, kinds, arguments, places, order)
    return Pattern(make, places_of, inner.low, inner.low + grid.size * inner.extent)


def resized(inner, base):
    low, high = inner.low, inner.high + pick(0, 4)
    make = lambda: inner.make().Create_resized(low * base.size, (high - low) * base.size)
    return Pattern(make, inner.places, low, high)


def pattern(base, depth):
    found = Pattern(lambda: base, [0], 0, 1)
    for _ in range(depth):
        if len(found.places) < 200:
            found = (contiguous, vector, indexed, subarray, darray, resized)[pick(0, 5)](found, base)
    return found


BASES = [MPI.INT8_T, MPI.INT16_T, MPI.INT32_T, MPI.DOUBLE, MPI.C_DOUBLE_COMPLEX, MPI.INT32_T.Create_contiguous(3).Commit()]
DIRECTIONS = {
    "at_all": lambda f, word, at, data: getattr(f, f"{word}_at_all")(at, data),
    "at": lambda f, word, at, data: getattr(f, f"{word}_at")(at, data),
    "own_all": lambda f, word, at, data: (f.Seek(at), getattr(f, f"{word}_all")(data)),
    "own": lambda f, word, at, data: (f.Seek(at), getattr(f, word)(data)),
    "nonblocking": lambda f, word, at, data: getattr(f, f"I{word.lower()}_at")(at, data).Wait(),
    "nonblocking all": lambda f, word, at, data: getattr(f, f"I{word.lower()}_at_all")(at, data).Wait(),
    "split": lambda f, word, at, data: (getattr(f, f"{word}_at_all_begin")(at, data), getattr(f, f"{word}_at_all_end")(data)),
}
HINTS = [MPI.INFO_NULL, MPI.Info.Create(), MPI.Info.Create()]
HINTS[1].Set("collio_exchange", "always")
HINTS[2].Set("collio_exchange", "never")


def trial():
    """One view of each rank, written and read; what went wrong, or ""."""
    base = BASES[pick(0, len(BASES) - 1)]
    views = [pattern(base, pick(0, 3)) for _ in range(size)]
    memory = pattern(base, pick(0, 2))
    tiles, interleaved = pick(1, 3), pick(0, 1)
    ways = list(DIRECTIONS)
    write, read = ways[pick(0, len(ways) - 1)], ways[pick(0, len(ways) - 1)]
    hint = HINTS[pick(0, 2)]
    # Each rank in a stretch of its own: of the whole file, or of each tile.
    stretch = max(v.high for v in views)
    header = pick(0, 3)
    length = header + size * stretch * (tiles + 1) + 8
    for r, v in enumerate(views):
        if interleaved:
            v.low, v.high = 0, size * stretch
        v.begin = header + r * stretch * (1 if interleaved else tiles + 1)
        v.first = pick(0, len(v.places))
        v.count = pick(0, max(tiles * len(v.places) - v.first, 0))
        v.values = random.integers(0, 256, (v.count, base.size), dtype="u1")
    model = random.integers(0, 256, (length, base.size), dtype="u1")
    if rank == 0:
        model.tofile(PATH)
    comm.Barrier()
    for v in views:
        v.hits = v.begin + v.tiled(v.first + v.count)[v.first:]
        model[v.hits] = v.values
    mine = views[rank]
    filetype = mine.make()
    if interleaved:
        filetype = filetype.Create_resized(0, size * stretch * base.size)
    # Memory with gaps: as many whole patterns as fit, or plain.
    plain = mine.count % len(memory.places) != 0
    memtype = base if plain else memory.make()
    n = mine.count if plain else mine.count // len(memory.places)
    spots = np.arange(mine.count) if plain else memory.tiled(mine.count)
    room = np.zeros((int(spots.max(initial=0)) + 1 + memory.extent, base.size), "u1")
    room[spots] = mine.values
    memtype, filetype = memtype.Dup().Commit(), filetype.Dup().Commit()

    f = MPI.File.Open(comm, PATH, MPI.MODE_RDWR, hint)
    f.Set_view(mine.begin * base.size, base, filetype)
    DIRECTIONS[write](f, "Write", mine.first, [room, n, memtype])
    f.Sync()
    comm.Barrier()
    f.Sync()
    found = np.fromfile(PATH, "u1").reshape(-1, base.size)
    if not np.array_equal(found, model):
        wrong = np.flatnonzero((found != model).any(1))
        return f"{write}: {len(wrong)} elements of the file, the first {wrong[0]} of {length}"
    back = np.zeros_like(room)
    DIRECTIONS[read](f, "Read", mine.first, [back, n, memtype])
    wanted = np.zeros_like(room)
    wanted[spots] = mine.values
    f.Close()
    return "" if np.array_equal(back, wanted) else f"{read}: what was read"


for turn in range(TURNS):
    wrong = trial()
    comm.Barrier()
    if comm.allreduce(bool(wrong), op=MPI.LOR):
        check(False, f"turn {turn} of seed {SEED - size}", wrong)
        break
check(turn == TURNS - 1, f"{TURNS} random views of each rank")
done()
