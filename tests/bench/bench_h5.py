"""What datasets cost from Python: collio beside h5py (parallel, driver mpio), in turn in one process.

    PYTHONPATH=bindings/python/lib mpiexec -n 2 python3 tests/bench/bench_h5.py [MiB [PATTERN ...]]

Large patterns in MB/s: collio, h5py with its defaults, h5py within `collective`. Each round has a new
file: written for the first time, written again, read. Small things in microseconds a call. Medians of
five rounds; the last column is collio's speed over that of the best of h5py's. Without h5py, or with
one that is not parallel, collio is alone. PATTERN: the beginning of a name.
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

mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 32
wanted = tuple(sys.argv[2:]) or ("",)
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


def open_file(kind):
    if rank == 0 and os.path.exists(PATH):
        os.unlink(PATH)
    barrier()
    if kind == "collio":
        return collio.File(PATH, "w", driver="mpio", comm=comm)
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


if rank == 0:
    print(f"{size} ranks, {mebibytes} MiB\n{'':32}" + "".join(f"{k:>12}" for k in KINDS) + "   ratio")
if "small".startswith(wanted):
    all_small()
for name, *rest in patterns():
    if name.startswith(wanted):
        large(name, *rest)
if rank == 0:
    os.unlink(PATH)
