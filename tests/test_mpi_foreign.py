"""Communicators of mpi4py where collio takes one, and the other way round."""
# ranks: 1 2

import importlib

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip_all

try:
    theirs = importlib.import_module("mpi4py.MPI")
except ImportError as why:
    skip_all(f"mpi4py cannot be imported here: {why}")

from collio import _collio  # noqa: E402

comm = MPI.COMM_WORLD
equal(_collio._adopt(comm), comm, "a communicator of collio's own")
equal(_collio._adopt(None), comm, "None is the world")
raises(TypeError, "collio.MPI or mpi4py.MPI", _collio._adopt, 5, name="a number is none")

if theirs.Get_library_version().rstrip("\0") != MPI.Get_library_version():
    raises(ValueError, "MPI", _collio._adopt, theirs.COMM_WORLD, name="one of another MPI is refused")
    done()

adopted = _collio._adopt(theirs.COMM_WORLD)
equal((adopted.rank, adopted.size), (comm.rank, comm.size), "mpi4py's world is the world")
split = theirs.COMM_WORLD.Split(0, -comm.rank)
adopted = _collio._adopt(split)
equal(adopted.allgather(comm.rank), list(reversed(range(comm.size))), "a communicator made by mpi4py")
split.Free()
mine = comm.Dup()
back = theirs.Comm.f2py(mine.py2f())
equal(back.Get_size(), comm.size, "mpi4py takes one of ours by its Fortran handle")
data = np.array([float(comm.rank)])
back.Bcast(data)
check(data[0] == 0, "... and uses it")
mine.Free()
done()
