"""What datasets cost from Python, with collio or with h5py (parallel, driver mpio): the same program for both.

    PYTHONPATH=bindings/python/lib mpiexec -n 2 python3 tests/bench/bench_h5.py collio [MiB]
    mpiexec -n 2 PYTHON_WITH_H5PY tests/bench/bench_h5.py h5py [MiB]

Large patterns in MB/s: h5py independent (its default) and, in brackets, collective. Small things in
microseconds a call. The median of five rounds.
"""

import statistics
import sys
from contextlib import nullcontext

import numpy as np

kind = sys.argv[1] if len(sys.argv) > 1 else "collio"
mebibytes = int(sys.argv[2]) if len(sys.argv) > 2 else 64
if kind == "collio":
    from collio import MPI
    import collio as h5
else:
    from mpi4py import MPI
    import h5py as h5

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
ROUNDS = 5
SIDE = int((mebibytes << 17) ** 0.5) // 64 * 64
CHUNKS = (SIDE // 8, SIDE // 8)


def block(parts):
    """This rank's block of a square cut in parts[0] x parts[1]."""
    at = np.unravel_index(rank, parts)
    return tuple(slice(SIDE * i // n, SIDE * (i + 1) // n) for i, n in zip(at, parts))


PATTERNS = {
    "row blocks": (block((size, 1)), {}),
    "column blocks": (block((1, size)), {}),
    "blocks": (block(MPI.Compute_dims(size, 2)), {}),
    "rows in turn": (np.s_[rank::size], {}),
    "elements in turn": (np.s_[:, rank::size], {}),
    "chunked, row blocks": (block((size, 1)), {"chunks": CHUNKS}),
    "chunked, columns": (block((1, size)), {"chunks": CHUNKS}),
    "gzip, row blocks": (block((size, 1)), {"chunks": CHUNKS, "compression": "gzip", "compression_opts": 1}),
}


def timed(call):
    comm.Barrier()
    start = MPI.Wtime()
    call()
    comm.Barrier()
    return MPI.Wtime() - start


def open_file(path):
    return h5.File(path, "w", driver="mpio", comm=comm)


def large(f, name, collective):
    """Seconds to write and to read, the median."""
    where, keywords = PATTERNS[name]
    values = np.arange(SIDE * SIDE, dtype="f8").reshape(SIDE, SIDE)[where].copy()
    into = np.empty_like(values)
    d = f.create_dataset(f"{name} {collective}", (SIDE, SIDE), "f8", **keywords)
    mode = d.collective if collective else nullcontext()
    writes, reads = [], []
    with mode:
        for _ in range(ROUNDS):
            writes.append(timed(lambda: d.__setitem__(where, values)))
        for _ in range(ROUNDS):
            reads.append(timed(lambda: d.read_direct(into, where)))
    return statistics.median(writes), statistics.median(reads)


def small(f, round):
    """Microseconds a call of small things."""
    values = np.arange(128.0)
    g = f.create_group(f"small{round}")
    part = np.s_[8 * rank : 8 * rank + 8]
    many, attributes, calls = 2000, 2000, 2000
    d = g.create_dataset("d", (64,), "f8")
    path = d.name

    def times(n, call):
        return timed(lambda: [call(i) for i in range(n)]) / n * 1e6

    def by_name(i):
        f[path][part] = values[:8]

    def collectively(i):
        with d.collective:
            d[part] = values[:8]

    result = {
        "create a dataset of 1 KiB": times(many, lambda i: g.create_dataset(str(i), (128,), "f8")),
        "write an attribute": times(attributes, lambda i: d.attrs.__setitem__(str(i), i)),
        "write 8 elements": times(calls, lambda i: d.__setitem__(part, values[:8])),
        "the same with d.collective": times(calls, collectively),
        "the same by name, f[name][...]": times(calls, by_name),
        "read 8 elements": times(calls, lambda i: d[part]),
    }
    return result


def say(text):
    if rank == 0:
        print(text, flush=True)


say(f"{kind}, {size} ranks, {SIDE} x {SIDE} doubles")
with open_file("bench_h5.h5") as f:
    for name in PATTERNS:
        bytes, cells = SIDE * SIDE * 8 / 1e6, []
        for collective in (False, True) if kind == "h5py" else (True,):
            if kind == "h5py" and "gzip" in name and not collective:
                continue
            if kind == "h5py" and "elements" in name and not collective:
                continue
            write, read = large(f, name, collective)
            cells.append(f"write {bytes / write:7.0f} read {bytes / read:7.0f}")
        say(f"{name:22} " + "   ".join(cells))
with open_file("bench_h5.h5") as f:
    rounds = [small(f, i) for i in range(3)]
    for name in rounds[0]:
        say(f"{name:32} {statistics.median(r[name] for r in rounds):8.1f} us")
