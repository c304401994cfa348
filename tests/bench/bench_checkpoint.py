"""What saving an array costs from Python: collio.Checkpoint, or h5py (parallel, driver mpio), next to
plain pwrite of the same bytes by the same ranks into one file. All end with fsync.

    PYTHONPATH=bindings/python/lib mpiexec -n 2 python3 tests/bench/bench_checkpoint.py collio [MiB]
    mpiexec -n 2 PYTHON_WITH_H5PY tests/bench/bench_checkpoint.py h5py [MiB]

Seconds, the least of five rounds, and the speed of plain writing in brackets. Files go into the
working directory and are removed.
"""

import os
import sys

import numpy as np

kind = sys.argv[1] if len(sys.argv) > 1 else "collio"
mebibytes = int(sys.argv[2]) if len(sys.argv) > 2 else 256
if kind == "collio":
    from collio import MPI
    import collio
else:
    from mpi4py import MPI
    import h5py

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
ROUNDS = 5
SHAPE = (mebibytes << 17 >> 10, 1 << 10)


def share(parts):
    """Where this rank's block lies, of an array cut in parts[0] x parts[1]."""
    at = np.unravel_index(rank, parts)
    return tuple(slice(extent * i // n, extent * (i + 1) // n) for extent, i, n in zip(SHAPE, at, parts))


def timed(call, *arguments):
    comm.Barrier()
    start = MPI.Wtime()
    call(*arguments)
    comm.Barrier()
    return MPI.Wtime() - start


def plain(values):
    """Each rank one run: no format, no digest."""
    fd = os.open("bench.plain", os.O_CREAT | os.O_WRONLY)
    left, at = memoryview(values).cast("B"), values.nbytes * rank
    while left:
        done = os.pwrite(fd, left, at)
        left, at = left[done:], at + done
    os.fsync(fd)
    os.close(fd)


def with_h5py(where, values, collective):
    with h5py.File("bench.h5", "w", driver="mpio", comm=comm) as f:
        d = f.create_dataset("u", SHAPE, "f8")
        if collective:
            with d.collective:
                d[where] = values
        else:
            d[where] = values
    fd = os.open("bench.h5", os.O_WRONLY)
    os.fsync(fd)
    os.close(fd)


def remove(*names):
    comm.Barrier()
    for name in names if rank == 0 else ():
        if os.path.exists(name):
            os.unlink(name)
    comm.Barrier()


def measure(where, values):
    """Seconds of each way: a dictionary."""
    ways = {"plain": lambda step: plain(values)}
    if kind == "collio":
        checkpoints = collio.Checkpoint("bench.ckpt", comm)
        part = collio.Part(values, shape=SHAPE, offset=[s.start for s in where])
        ways["save"] = lambda step: checkpoints.save(step, u=part)
    else:
        ways["h5py"] = lambda step: with_h5py(where, values, False)
        ways["h5py collective"] = lambda step: with_h5py(where, values, True)
    best = dict.fromkeys(ways, float("inf"))
    for step in range(ROUNDS):
        for name, call in ways.items():
            best[name] = min(best[name], timed(call, step))
            remove("bench.plain", "bench.h5")
        if kind == "collio":
            checkpoints.delete(step)
    if kind == "collio":
        checkpoints.close()
    return best


for name, parts in ("rows", (size, 1)), ("columns", (1, size)), ("blocks", MPI.Compute_dims(size, 2)):
    where = share(parts)
    values = np.full([s.stop - s.start for s in where], rank + 1.0)
    best = measure(where, values)
    if rank == 0:
        print(f"{size} ranks, {name}:", ", ".join(f"{way} {t:.3f} ({best['plain'] / t:.2f})" for way, t in best.items()))
if rank == 0 and kind == "collio":
    os.rmdir("bench.ckpt")
