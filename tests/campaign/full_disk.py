#!/usr/bin/env python3
"""A disk that is full, really: tmpfs of 90 sizes, on 2 ranks in steps of 4 KiB.

On each a first step is saved, which there is room for, then a larger one, for which there may be
not. Where it fails, it fails with ENOSPC and in the same words on all ranks, and the first step is
whole; where it does not, the second is. So for checkpoints of all kinds, and for files per rank.
Needs root, to mount. Output is TAP; the figures come last.

    mpiexec -n 2 full_disk.py [--sizes N] [--modes M,M...]
"""

import argparse
import contextlib
import errno
import os
import subprocess
import tempfile

import collio
import numpy as np
from collio import MPI

comm = MPI.COMM_WORLD
MODES = ("shared", "per-rank", "compressed", "background", "per-rank-background", "file")
ROWS, COLUMNS = 64, 257  # of the large step: 128 KiB a rank
LEAST = 80 << 10  # bytes a rank: room for the first step


@contextlib.contextmanager
def disk(directory, size):
    if comm.rank == 0:
        options = f"size={size}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", directory], check=True)
    comm.Barrier()
    yield
    comm.Barrier()
    if comm.rank == 0:
        subprocess.run(["umount", directory], check=True)
    comm.Barrier()


def block(rows, salt):
    """This rank's rows, of numbers that cannot be made smaller."""
    return np.random.default_rng([salt, comm.rank]).random((rows, COLUMNS))


def part(rows, salt):
    return collio.Part(block(rows, salt), shape=(rows * comm.size, COLUMNS), offset=(rows * comm.rank, 0))


def is_whole(state, rows, salt):
    got = state.read("u", offset=(rows * comm.rank, 0), shape=(rows, COLUMNS))
    return comm.allreduce(np.array_equal(got, block(rows, salt)), op=MPI.LAND)


def fails(call):
    """The words and the number of the error, None if there is none; and whether all ranks agree."""
    try:
        call()
        mine = None
    except OSError as error:
        mine = str(error), error.errno
    everyone = comm.allgather(mine)
    return mine, all(one == mine for one in everyone)


def try_checkpoint(directory, mode):
    options = {"layout": "per-rank" if "per-rank" in mode else "shared"}
    if mode == "compressed":
        options["compression"] = "gzip"

    def save():
        if "background" in mode:
            c.save(2, {"u": part(ROWS, 2)}, wait=False).wait()
        else:
            c.save(2, {"u": part(ROWS, 2)})

    with collio.Checkpoint(directory, comm, **options) as c:
        c.save(1, {"u": part(4, 1)})
        error, alike = fails(save)
        step, rows = (2, ROWS) if error is None else (1, 4)
        state = c.restore()
        whole = state.step == step and is_whole(state, rows, step)
        state.close()
    return error, alike and whole


def try_file(directory, _mode):
    path = os.path.join(directory, "u.h5")

    def write():
        with collio.File(path, "w", comm=comm, layout="per-rank") as f:
            u = f.create_dataset("u", (ROWS * comm.size, COLUMNS), "f8")
            u[ROWS * comm.rank : ROWS * (comm.rank + 1)] = block(ROWS, 3)

    error, alike = fails(write)
    whole = (not os.path.exists(path)) == (error is not None)
    if error is None:
        with collio.File(path, "r", comm=comm) as f:
            got = f["u"][ROWS * comm.rank : ROWS * (comm.rank + 1)]
        whole = comm.allreduce(np.array_equal(got, block(ROWS, 3)), op=MPI.LAND)
    return error, alike and comm.allreduce(whole, op=MPI.LAND)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, default=90)
    parser.add_argument("--modes", default=",".join(MODES))
    options = parser.parse_args()
    directory = comm.bcast(tempfile.mkdtemp(prefix="collio-disk-") if comm.rank == 0 else None)
    bad = 0
    modes = options.modes.split(",")
    for number, mode in enumerate(modes, 1):
        full = wrong = 0
        for n in range(options.sizes):
            size = (LEAST + n * 180 * 1024 // options.sizes // 2048 * 2048) * comm.size
            with disk(directory, size):
                error, right = (try_file if mode == "file" else try_checkpoint)(directory, mode)
            full += error is not None
            if not right or (error is not None and error[1] != errno.ENOSPC):
                wrong += 1
                print(f"# rank {comm.rank}: {mode} on {size} bytes: {error}", flush=True)
        if comm.rank == 0:
            figures = f"{options.sizes} sizes, {full} of them full, {wrong} wrong"
            print(f"{'not ok' if wrong else 'ok'} {number} - {mode}: {figures}", flush=True)
        bad += wrong
    if comm.rank == 0:
        os.rmdir(directory)
        print(f"1..{len(modes)}")
    return bad != 0


if __name__ == "__main__":
    raise SystemExit(main())
