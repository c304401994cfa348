"""Read a real netCDF-4 file in parallel: the shorelines of the world, as Debian's gmt-gshhg-low has them.

    mpiexec -n 4 python3 netcdf.py [FILE.nc]

Each rank reads its part of every variable; together they count the points and find how far they reach.
"""
# ranks: 1 2 3

import glob
import sys

import collio
import numpy as np
from collio import MPI

comm = MPI.COMM_WORLD
paths = sys.argv[1:] or sorted(glob.glob("/usr/share/gmt-gshhg/binned_GSHHS_c.nc"))
if not paths:
    if comm.rank == 0:
        print("no netCDF-4 file: name one, or install Debian's package gmt-gshhg-low")
    sys.exit(0)

with collio.File(paths[0], comm=comm) as f:
    if comm.rank == 0:
        print(f"{paths[0]}: {f.attrs.get('title', b'')!s}, {len(f)} variables")
    for name, variable in f.items():
        if not isinstance(variable, collio.Dataset) or variable.ndim == 0 or variable.dtype.kind not in "iuf":
            continue
        n = len(variable)
        mine = variable[n * comm.rank // comm.size : n * (comm.rank + 1) // comm.size]  # collective
        count = comm.allreduce(mine.size)
        low = comm.allreduce(float(mine.min()) if mine.size else np.inf, op=MPI.MIN)
        high = comm.allreduce(float(mine.max()) if mine.size else -np.inf, op=MPI.MAX)
        assert count == variable.size
        if comm.rank == 0:
            units = variable.attrs.get("units", b"")
            print(f"  {name:32} {count:8} values from {low:g} to {high:g} {units.decode()}")
