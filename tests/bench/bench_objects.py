"""Objects that hold large arrays, in every call that takes objects, beside the same call on buffers.

    PYTHONPATH=bindings/python/lib mpiexec -n 2 python3 tests/bench/bench_objects.py \\
        [arrays|dicts|pickles|several ...] [MiB ...] [call ...]

Microseconds a call, the median over the rounds, in which the layers take turns in one process; in
brackets the median of the ratios within the rounds: the throughput as a part of that of collio's
upper-case call. With mpi4py's util.pkl5, where it is installed and shares the MPI library.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
from bench_calls import layers
from bench_messages import CARRIERS, Place, comms, measured, show, timed, turns

CALLS = ["send", "sendrecv", "bcast", "scatter", "gather", "allgather", "alltoall"]


def upper(at, call, a, b):
    """The call on buffers; `a` and `b` have room for one array from each rank."""
    comm, part = at.comm, len(a) // at.size
    mine, got = a[:part], b[:part]
    root = at.rank == 0
    if call == "send":
        return turns(at, lambda: (comm.Send(mine, at.other), comm.Recv(got, at.other)),
                     lambda: (comm.Recv(got, at.other), comm.Send(mine, at.other)))
    return {
        "sendrecv": lambda: comm.Sendrecv(mine, at.right, 0, got, at.left, 0),
        "bcast": lambda: comm.Bcast(mine if root else got, 0),
        "scatter": lambda: comm.Scatter(a if root else None, got, 0),
        "gather": lambda: comm.Gather(mine, b if root else None, 0),
        "allgather": lambda: comm.Allgather(mine, b),
        "alltoall": lambda: comm.Alltoall(a, b),
    }[call]


def lower(at, call, value):
    comm, values = at.comm, [value] * at.size
    root = at.rank == 0
    if call == "send":
        return turns(at, lambda: (comm.send(value, at.other), comm.recv(None, at.other)),
                     lambda: (comm.recv(None, at.other), comm.send(value, at.other)))
    return {
        "sendrecv": lambda: comm.sendrecv(value, at.right, 0, None, at.left, 0),
        "bcast": lambda: comm.bcast(value if root else None, 0),
        "scatter": lambda: comm.scatter(values if root else None, 0),
        "gather": lambda: comm.gather(value, 0),
        "allgather": lambda: comm.allgather(value),
        "alltoall": lambda: comm.alltoall(values),
    }[call]


def bench(kind, MPIs, call, mib):
    MPI = MPIs["collio"]
    places = {name: Place(comm) for name, comm in comms(MPIs).items() if name != "mpi4py"}
    at = places["collio"]
    a, b = np.ones(at.size * mib << 17), np.zeros(at.size * mib << 17)
    value = CARRIERS[kind](a[: mib << 17].copy())
    runs = {"buffers": timed(at.comm, upper(at, call, a, b), MPI)}
    for name, place in places.items():
        runs[name] = timed(place.comm, lower(place, call, value), MPI)
    show(at.rank, f"{kind} {call} {mib} MiB", measured(MPI, runs, 0.004, False))


def main():
    words = sys.argv[1:]
    sizes = [int(word) for word in words if word.isdigit()] or [1, 4]
    MPIs = layers()
    for kind in [word for word in words if word in CARRIERS] or ["arrays", "pickles"]:
        for call in [word for word in words if word in CALLS] or CALLS:
            for mib in sizes:
                bench(kind, MPIs, call, mib)


if __name__ == "__main__":
    main()
