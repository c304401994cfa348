"""A tour of shared HDF5 files on one page: write by rank, attributes, links, read back on other ranks.

    mpiexec -n 4 python3 tour.py tour.h5 && collio inspect tour.h5
"""
# ranks: 1 2 3 4

import sys

import collio
import numpy as np
from collio import MPI

comm = MPI.COMM_WORLD
path = sys.argv[1] if len(sys.argv) > 1 else "tour.h5"
nx, ny = 60, 40

# The rows of this rank, and of the one after it.
lo, hi = nx * comm.rank // comm.size, nx * (comm.rank + 1) // comm.size
after = (comm.rank + 1) % comm.size
start, end = nx * after // comm.size, nx * (after + 1) // comm.size
x, y = np.mgrid[0:nx, 0:ny]
field = np.hypot(x, y)

with collio.File(path, "w", comm=comm) as f:  # every line in the block is for all ranks
    u = f.create_dataset("run/u", shape=(nx, ny), dtype="f8")
    u[lo:hi] = field[lo:hi]  # each rank its own part
    u.attrs["units"] = "m"
    u.attrs["spacing"] = [0.5, 0.5]
    packed = f.create_dataset("run/packed", (nx, ny), "i4", chunks=(16, 16), compression="gzip", shuffle=True)
    packed[lo:hi] = field[lo:hi].astype("i4")
    f["latest"] = collio.SoftLink("/run/u")
    f.attrs["title"] = "a tour"
    f.flush()  # from here on the file would survive the job

with collio.File(path, comm=comm) as f:
    theirs = f["latest"][start:end]  # what the next rank wrote
    column = f["run/packed"][:, comm.rank % ny]
    units = f["run/u"].attrs["units"]
    names: list[str] = []
    f.visit(names.append)

assert (theirs == field[start:end]).all() and units == "m"
assert (column == field[:, comm.rank % ny].astype("i4")).all()
assert names == ["run", "run/packed", "run/u"]
if comm.rank == 0:
    print(f"{path}: {', '.join(names)}; rank 0 read rows {start} to {end - 1}, the sum is {theirs.sum():.1f} {units}")
