"""What a call costs: COMM_SELF, 8 bytes, nanoseconds; beside mpi4py where it shares the MPI library.

    PYTHONPATH=bindings/python/lib python3 tests/bench/bench_calls.py [seconds per measurement]

The figure is the smallest of several rounds, the layers taking turns.
"""

import importlib
import os
import sys
import tempfile
import timeit

import numpy as np


def cases(MPI):
    """Name -> a function to be timed."""
    comm = MPI.COMM_SELF
    a, b = np.ones(1), np.zeros(1)
    table = np.ones(1)
    array = np.arange(1.0)
    large = np.zeros(1 << 19)

    def exchange_later():
        receive = comm.Irecv(b, 0, 0)
        comm.Isend(a, 0, 0).Wait()
        receive.Wait()

    return {
        "Get_rank": comm.Get_rank,
        "Iprobe": comm.Iprobe,
        "Send to nobody": lambda: comm.Send(a, MPI.PROC_NULL),
        "Sendrecv": lambda: comm.Sendrecv(a, 0, 0, b, 0, 0),
        "Sendrecv, list": lambda: comm.Sendrecv([a, 1, MPI.DOUBLE], 0, 0, [b, 1, MPI.DOUBLE], 0, 0),
        "Bcast": lambda: comm.Bcast(a, 0),
        "Allreduce": lambda: comm.Allreduce(a, b),
        "Alltoall": lambda: comm.Alltoall(a, table),
        "Isend Irecv Wait": exchange_later,
        "sendrecv(int)": lambda: comm.sendrecv(1, 0, 0, None, 0, 0),
        "sendrecv(array of 8 B)": lambda: comm.sendrecv(array, 0, 0, None, 0, 0),
        "sendrecv(array of 4 MiB)": lambda: comm.sendrecv(large, 0, 0, None, 0, 0),
        "bcast(int)": lambda: comm.bcast(1),
        "allreduce(int)": lambda: comm.allreduce(1),
    }


def file_cases(MPI):
    """The same for MPI.File, on a file that has no name any more."""
    a = np.ones(1)
    path = tempfile.mktemp()
    f = MPI.File.Open(MPI.COMM_SELF, path, MPI.MODE_CREATE | MPI.MODE_RDWR)
    os.remove(path)
    f.Set_view(0, MPI.DOUBLE)
    f.Write_at(0, np.ones(100))

    def split():
        f.Read_at_all_begin(0, a)
        f.Read_at_all_end(a)

    return {
        "File.Write_at": lambda: f.Write_at(0, a),
        "File.Read_at": lambda: f.Read_at(0, a),
        "File.Write_at_all": lambda: f.Write_at_all(0, a),
        "File.Read_at_all": lambda: f.Read_at_all(0, a),
        "File.Iwrite_at Wait": lambda: f.Iwrite_at(0, a).Wait(),
        "File.Read_at_all_begin end": split,
        "File.Seek": lambda: f.Seek(3),
    }


def layers():
    from collio import MPI

    found = {"collio": MPI}
    try:
        other = importlib.import_module("mpi4py.MPI")
    except ImportError:
        return found
    if other.Get_library_version().rstrip("\0") == MPI.Get_library_version():
        found["mpi4py"] = other
    return found


def measure(function, seconds):
    timer = timeit.Timer(function)
    number = max(1, int(seconds / max(timer.timeit(1), timer.timeit(1))))
    return min(number, 200_000), timer


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.02
    tables = {name: {**cases(MPI), **file_cases(MPI)} for name, MPI in layers().items()}
    print(f"{'ns a call':26}", *(f"{name:>12}" for name in tables))
    for case in tables["collio"]:
        timers = {name: measure(table[case], seconds) for name, table in tables.items()}
        best = {name: float("inf") for name in timers}
        for _ in range(7):
            for name, (number, timer) in timers.items():
                best[name] = min(best[name], timer.timeit(number) / number)
        print(f"{case:26}", *(f"{value * 1e9:12.0f}" for value in best.values()))


if __name__ == "__main__":
    main()
