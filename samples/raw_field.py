"""A raw file that other programs read: blocks written by all ranks, read back by columns.

    mpiexec -n 4 python3 raw_field.py field.raw
"""
# ranks: 1 2 3 4

import sys

import collio
import numpy as np
from collio import MPI

comm = MPI.COMM_WORLD
path = sys.argv[1] if len(sys.argv) > 1 else "field.raw"
shape = (60, 40)

# Each rank has its rows of the field.
lo, hi = shape[0] * comm.rank // comm.size, shape[0] * (comm.rank + 1) // comm.size
rows, columns = np.mgrid[lo:hi, 0 : shape[1]]
mine = (1000 * rows + columns).astype("f4")

with collio.View(path, "w", comm, shape=shape, dtype="f4") as v:  # every line is for all ranks
    v[lo:hi, :] = mine
    turn = v[:, comm.rank :: comm.size]  # columns dealt out one by one, of all rows

assert (turn == 1000 * np.arange(shape[0])[:, None] + np.arange(comm.rank, shape[1], comm.size)).all()
comm.Barrier()
if comm.rank == 0:
    whole = np.fromfile(path, "f4").reshape(shape)  # as any program would
    print(f"{path}: {whole.shape[0]} x {whole.shape[1]} numbers, the last one {whole[-1, -1]:g}")
