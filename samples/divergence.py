"""What happens when ranks disagree: an error that says who and where, and a file that stays whole.

    mpiexec -n 4 python3 divergence.py
"""
# ranks: 2 3 4

import collio
from collio import MPI

comm = MPI.COMM_WORLD
name = "v" if comm.rank == 1 else "u"  # a slip of the pen, on one rank only

with collio.File("divergence.h5", "w", comm=comm) as f:
    try:
        f.create_dataset(name, (10,), "f8")
    except collio.CollectiveError as error:  # on every rank, with the same text
        if comm.rank == 0:
            print(f"CollectiveError: {error}")
    f.create_dataset("u", (10,), "f8")[comm.rank] = comm.rank  # nothing was done; the file goes on

with collio.File("divergence.h5", comm=comm) as f:
    assert list(f) == ["u"] and f["u"][comm.size - 1] == comm.size - 1
