"""What datasets cost from Python: collio beside h5py (parallel, driver mpio), in turn in one process.

    PYTHONPATH=bindings/python/lib mpiexec -n 2 python3 tests/bench/bench_h5.py [MiB [PATTERN ...]]

Large patterns in MB/s: collio, h5py with its defaults, h5py within `collective`. Each round has a new
file: written for the first time, written again, read. Small things in microseconds a call. Medians of
five rounds; the last column is collio's speed over that of the best of h5py's. Without h5py, or with
one that is not parallel, collio is alone. PATTERN: the beginning of a name.

    ... tests/bench/bench_h5.py --defaults [MiB]

What each default of collio's buys: the same thing with it and with another choice, in turn. The last
column says how many times as fast the default is.
"""

import os
import statistics
import sys
from contextlib import nullcontext

import numpy as np

from collio import MPI
import collio

try:
    import mpi4py

    mpi4py.rc.initialize = mpi4py.rc.finalize = False
    from mpi4py import MPI as other_MPI
    import h5py

    if not h5py.get_config().mpi:
        h5py = None
except ImportError:
    h5py = None

defaults = "--defaults" in sys.argv
arguments = [a for a in sys.argv[1:] if a != "--defaults"]
mebibytes = int(arguments[0]) if arguments else 32
wanted = tuple(arguments[1:]) or ("",)
comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
ROUNDS = 5
PATH = "bench_h5.h5"
KINDS = ["collio"] + (["h5py", "h5py coll"] if h5py else [])


def side(elements, ndim):
    return int(round(elements ** (1 / ndim))) // 32 * 32


def block(side, parts):
    """This rank's block of a cube cut in parts[0] x parts[1] x ..."""
    at = np.unravel_index(rank, parts)
    return tuple(slice(side * i // n, side * (i + 1) // n) for i, n in zip(at, parts))


def patterns():
    """Name, shape, this rank's part, keywords."""
    n = side(mebibytes << 17, 2)
    few = side((mebibytes << 17) // 8, 2)
    cube = side(mebibytes << 17, 3)
    chunked = {"chunks": (n // 8, n // 8)}
    packed = {"chunks": (few // 8, few // 8), "compression": "gzip", "compression_opts": 1}
    yield "row blocks", (n, n), block(n, (size, 1)), {}
    yield "column blocks", (n, n), block(n, (1, size)), {}
    yield "blocks, 2-D", (n, n), block(n, MPI.Compute_dims(size, 2)), {}
    yield "blocks, 3-D", (cube,) * 3, block(cube, MPI.Compute_dims(size, 3)), {}
    yield "rows in turn", (n, n), np.s_[rank::size], {}
    yield "elements in turn", (few, few), np.s_[:, rank::size], {}
    yield "chunks, row blocks", (n, n), block(n, (size, 1)), chunked
    yield "chunks, columns", (n, n), block(n, (1, size)), chunked
    yield "gzip, row blocks", (few, few), block(few, (size, 1)), packed
    yield "gzip, columns", (few, few), block(few, (1, size)), packed


def barrier():
    request = comm.Ibarrier()
    while not request.Test():
        os.sched_yield()


def timed(call):
    barrier()
    start = MPI.Wtime()
    call()
    barrier()
    return comm.bcast(MPI.Wtime() - start, 0)


def open_file(kind, **options):
    if rank == 0 and os.path.exists(PATH):
        os.unlink(PATH)
    barrier()
    if kind == "collio":
        return collio.File(PATH, "w", driver="mpio", comm=comm, **options)
    return h5py.File(PATH, "w", driver="mpio", comm=other_MPI.COMM_WORLD)


def mode_of(kind, d):
    return d.collective if kind == "h5py coll" else nullcontext()


def say(name, cells, better):
    text = "".join(f"{cells[k]:12.1f}" if k in cells else f"{'-':>12}" for k in KINDS)
    others = [better(cells["collio"], cells[k]) for k in cells if k != "collio"]
    if rank == 0:
        print(f"{name:32}{text}" + (f"{min(others):8.2f}" if others else ""), flush=True)


# ------------------------------------------------------------------------------ large parts


def move(kind, shape, where, keywords, values, into):
    """Seconds to write, write again, and read."""
    with open_file(kind) as f:
        d = f.create_dataset("u", shape, "f8", **keywords)
        with mode_of(kind, d):
            return [
                timed(lambda: d.__setitem__(where, values)),
                timed(lambda: d.__setitem__(where, values)),
                timed(lambda: d.read_direct(into, where)),
            ]


def large(name, shape, where, keywords):
    values = np.arange(np.prod(shape), dtype="f8").reshape(shape)[where].copy()
    into = np.empty_like(values)
    seconds = {k: [] for k in KINDS if k != "h5py" or "compression" not in keywords}
    for _ in range(ROUNDS):
        for kind, rounds in seconds.items():
            if not rounds or sum(rounds[0]) < 1:
                rounds.append(move(kind, shape, where, keywords, values, into))
    assert (into == values).all()
    for step, what in enumerate(("write", "rewrite", "read")):
        speeds = {
            k: np.prod(shape) * 8e-6 / statistics.median(r[step] for r in rounds) for k, rounds in seconds.items()
        }
        say(f"{name}, {what}", speeds, lambda ours, other: ours / other)


# ----------------------------------------------------------------------------- small things

MANY = {"datasets": 2000, "spread": 10000, "one": 1000, "calls": 1000}


def small_steps(kind, f):
    """Name, how many, and what is done so often."""
    values = np.arange(128.0)
    g, h = f.create_group("many"), f.create_group("attributes")
    d = g.create_dataset("d", (8 * size,), "f8")
    part = np.s_[8 * rank : 8 * rank + 8]

    def write(dataset):
        with mode_of(kind, dataset):
            dataset[part] = values[:8]

    def create_and_write(i):
        new = g.create_dataset(f"w{i}", (128 * size,), "f8")
        with mode_of(kind, new):
            new[128 * rank : 128 * rank + 128] = values

    yield "create a dataset of 1 KiB", MANY["datasets"], lambda i: g.create_dataset(str(i), (128,), "f8")
    yield "create it and write 1 KiB a rank", MANY["datasets"], create_and_write
    yield "an attribute, 10 on an object", MANY["spread"], lambda i: g[str(i // 10)].attrs.__setitem__(str(i), i)
    yield "an attribute, 1000 on an object", MANY["one"], lambda i: h.attrs.__setitem__(str(i), i)
    yield "write 8 elements", MANY["calls"], lambda i: write(d)
    yield "by name, f[name][...] = ...", MANY["calls"], lambda i: write(f["many/d"])
    yield "read 8 elements", MANY["calls"], lambda i: d[part]
    yield "by name, f[name][...]", MANY["calls"], lambda i: f["many/d"][part]


def often(call, count):
    for i in range(count):
        call(i)


def small(kind):
    """Microseconds a call of each thing."""
    result = {}
    with open_file(kind) as f:
        for name, count, call in small_steps(kind, f):
            result[name] = timed(lambda: often(call, count)) / count * 1e6
        result["flush all that"] = timed(f.flush) * 1e6
    return result


def all_small():
    rounds = {k: [] for k in KINDS}
    for _ in range(ROUNDS):
        for kind in KINDS:
            rounds[kind].append(small(kind))
    for name in rounds["collio"][0]:
        times = {k: statistics.median(r[name] for r in rounds[k]) for k in KINDS}
        say(f"{name}, us", times, lambda ours, other: other / ours)


# ------------------------------------------------------------------------------ the defaults


def writes(shape, where, options, keywords):
    """Seconds to create a dataset and write, and to write again."""
    values = np.arange(np.prod(shape), dtype="f8").reshape(shape)[where].copy()
    with open_file("collio", **options) as f:
        made = []

        def first():
            made.append(f.create_dataset("u", shape, "f8", **keywords))
            made[0][where] = values

        return [timed(first), timed(lambda: made[0].__setitem__(where, values))]


def small_things(options, independent=False):
    """Microseconds to create, to give an attribute, to flush that, to write 8 elements."""
    with open_file("collio", **options) as f:
        g, part = f.create_group("many"), np.s_[8 * rank : 8 * rank + 8]
        d, values = f.create_dataset("d", (8 * size,), "f8"), np.arange(8.0)
        times = [
            timed(lambda: often(lambda i: g.create_dataset(str(i), (128,), "f8"), 1000)) * 1e3,
            timed(lambda: often(lambda i: g.attrs.__setitem__(str(i), i), 500)) * 2e3,
            timed(f.flush) * 1e6,
        ]
        with d.independent if independent else nullcontext():
            times.append(timed(lambda: often(lambda i: d.__setitem__(part, values), 1000)) * 1e3)
        return times


def choices():
    """Pattern, what is chosen, the pattern's facts, options of the file and keywords of the other choice."""
    large_ones = {name: rest for name, *rest in patterns()}
    aligned = {"alignment_threshold": 1 << 16, "alignment_interval": 1 << 20}
    rows = [
        ("rows in turn", "transfer auto / direct", {"transfer": "direct"}, {}),
        ("rows in turn", "transfer auto / two-phase", {"transfer": "two-phase"}, {}),
        ("elements in turn", "transfer auto / direct", {"transfer": "direct"}, {}),
        ("elements in turn", "transfer auto / two-phase", {"transfer": "two-phase"}, {}),
        ("column blocks", "transfer auto / direct", {"transfer": "direct"}, {}),
        ("column blocks", "transfer auto / two-phase", {"transfer": "two-phase"}, {}),
        ("row blocks", "transfer auto / two-phase", {"transfer": "two-phase"}, {}),
        ("row blocks", "alignment none / 1 MiB", aligned, {}),
        ("column blocks", "alignment none / 1 MiB", aligned, {}),
        ("row blocks", "no fill / fill_time alloc", {}, {"fill_time": "alloc", "fillvalue": 1.0}),
        ("row blocks", "contiguous / chunks=True", {}, {"chunks": True}),
        ("column blocks", "contiguous / chunks=True", {}, {"chunks": True}),
    ]
    for pattern, name, options, keywords in rows:
        yield pattern, name, large_ones[pattern], options, keywords


def row_of(what, choice, ours, others):
    if rank == 0:
        print(f"{what:34}{choice:32}{ours:12.1f}{others:12.1f}{others / ours:8.2f}", flush=True)


def medians(rounds):
    return [statistics.median(column) for column in zip(*rounds)]


def compare(names, choice, ours, others):
    """Both in turn; the times of what `names` says."""
    mine, other = [], []
    for _ in range(ROUNDS):
        mine.append(ours())
        other.append(others())
    for name, a, b in zip(names, medians(mine), medians(other)):
        row_of(name, choice, a, b)


def all_defaults():
    if rank == 0:
        print(f"{size} ranks, {mebibytes} MiB\n{'':66}{'default':>12}{'other':>12}{'':>2}times")
    for pattern, choice, (shape, where, keywords), options, others in choices():
        compare(
            [f"{pattern}, write, ms", f"{pattern}, rewrite, ms"],
            choice,
            lambda: [1e3 * t for t in writes(shape, where, {}, keywords)],
            lambda: [1e3 * t for t in writes(shape, where, options, {**keywords, **others})],
        )
    names = ["create a dataset, us", "an attribute, us", "flush all that, us", "write 8 elements, us"]
    for choice, options in (
        ("libver earliest / latest", {"libver": "latest"}),
        ("meta_block_size 2 KiB / 1 MiB", {"meta_block_size": 1 << 20}),
    ):
        compare(names[:3], choice, lambda: small_things({}), lambda: small_things(options))
    compare(names[3:], "collective / independent", lambda: small_things({})[3:], lambda: small_things({}, True)[3:])


if defaults:
    all_defaults()
    if rank == 0:
        os.unlink(PATH)
    sys.exit()
if rank == 0:
    print(f"{size} ranks, {mebibytes} MiB\n{'':32}" + "".join(f"{k:>12}" for k in KINDS) + "   ratio")
if "small".startswith(wanted):
    all_small()
for name, *rest in patterns():
    if name.startswith(wanted):
        large(name, *rest)
if rank == 0:
    os.unlink(PATH)
