"""What a call costs: COMM_SELF, 8 bytes, nanoseconds; beside plain C (after `make bench`) and mpi4py
(where it is installed and shares the MPI library).

    PYTHONPATH=bindings/python/lib python3 tests/bench/bench_calls.py [seconds per round]

The figure is the smallest of several rounds, the layers taking turns in one process; Python's own
loop is subtracted. The floor is the same statement with methods that do nothing (floor.c), found in
the object's own class, as the interpreter likes them best: no layer can add less to C than that. The
last columns are what collio adds to C, as a part of what mpi4py adds; and the floor's part.
"""

import ctypes
import importlib
import importlib.util
import os
import sys
import tempfile
import timeit

import numpy as np

ROUNDS = 15

# Name -> statement, and the call of C that it stands for.
CALLS = {
    "Get_rank": ("comm.Get_rank()", "Get_rank"),
    "Iprobe": ("comm.Iprobe()", "Iprobe"),
    "Send to nobody": ("comm.Send(a, nobody)", "Send"),
    "Sendrecv": ("comm.Sendrecv(a, 0, 0, b, 0, 0)", "Sendrecv"),
    "Sendrecv, keywords": ("comm.Sendrecv(a, dest=0, recvbuf=b, source=0)", "Sendrecv"),
    "Sendrecv, list": ("comm.Sendrecv([a, 1, MPI.DOUBLE], 0, 0, [b, 1, MPI.DOUBLE], 0, 0)", "Sendrecv"),
    "Sendrecv, list kept": ("comm.Sendrecv(a_list, 0, 0, b_list, 0, 0)", "Sendrecv"),
    "Bcast": ("comm.Bcast(a, 0)", "Bcast"),
    "Bcast, list kept": ("comm.Bcast(a_list, 0)", "Bcast"),
    "Allreduce": ("comm.Allreduce(a, b)", "Allreduce"),
    "Allreduce, list kept": ("comm.Allreduce(a_list, b_list)", "Allreduce"),
    "Alltoall": ("comm.Alltoall(a, b)", "Alltoall"),
    "Alltoall, list kept": ("comm.Alltoall(a_list, b_list)", "Alltoall"),
    "Irecv Isend Wait Wait": (
        "r = comm.Irecv(b, 0, 0); comm.Isend(a, 0, 0).Wait(); r.Wait()",
        "Irecv Isend Wait Wait",
    ),
    "the same, list kept": (
        "r = comm.Irecv(b_list, 0, 0); comm.Isend(a_list, 0, 0).Wait(); r.Wait()",
        "Irecv Isend Wait Wait",
    ),
    "sendrecv(int)": ("comm.sendrecv(1, 0, 0, None, 0, 0)", None),
    "sendrecv(dict)": ("comm.sendrecv(small, 0, 0, None, 0, 0)", None),
    "sendrecv(array of 8 B)": ("comm.sendrecv(a, 0, 0, None, 0, 0)", None),
    "sendrecv(array of 4 MiB)": ("comm.sendrecv(large, 0, 0, None, 0, 0)", None),
    "isend recv wait (int)": ("r = comm.isend(1, 0); comm.recv(None, 0); r.wait()", None),
    "bcast(int)": ("comm.bcast(1)", None),
    "allreduce(int)": ("comm.allreduce(1)", None),
    "gather(int)": ("comm.gather(1)", None),
    "File.Write_at": ("file.Write_at(0, a)", None),
    "File.Read_at": ("file.Read_at(0, a)", None),
    "File.Write_at_all": ("file.Write_at_all(0, a)", None),
    "File.Read_at_all": ("file.Read_at_all(0, a)", None),
    "File.Iwrite_at Wait": ("file.Iwrite_at(0, a).Wait()", None),
    "File.Read_at_all_begin end": ("file.Read_at_all_begin(0, a); file.Read_at_all_end(a)", None),
    "File.Seek": ("file.Seek(3)", None),
}


def names(MPI):
    """What the statements use."""
    a, b = np.ones(1), np.zeros(1)
    path = tempfile.mktemp()
    file = MPI.File.Open(MPI.COMM_SELF, path, MPI.MODE_CREATE | MPI.MODE_RDWR)
    os.remove(path)
    file.Set_view(0, MPI.DOUBLE)
    file.Write_at(0, np.ones(100))
    return {
        "MPI": MPI,
        "comm": MPI.COMM_SELF,
        "nobody": MPI.PROC_NULL,
        "a": a,
        "b": b,
        "a_list": [a, 1, MPI.DOUBLE],
        "b_list": [b, 1, MPI.DOUBLE],
        "small": {"step": 3, "time": 0.5, "name": "heat"},
        "large": np.zeros(1 << 19),
        "file": file,
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


def built(name):
    """The path of what `make bench` makes, or None."""
    import collio

    build = collio.__file__
    for _ in range(5):
        build = os.path.dirname(build)
    path = os.path.join(build, "tests", "bench", ".libs", name + ".so")
    return path if os.path.exists(path) else None


def plain():
    """The module plain.c, or None if it was not built."""
    path = built("plain")
    if path is None:
        return None
    module = ctypes.CDLL(path)
    module.plain_calls.restype = module.plain_messages.restype = ctypes.c_double
    return module


def floor():
    """The module floor.c, or None."""
    path = built("floor")
    if path is None:
        return None
    spec = importlib.util.spec_from_file_location("floor", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python_round(statement, namespace):
    return timeit.Timer(statement, globals=namespace).timeit


def rounds_of(case, tables, module, nothing):
    """Layer -> a function of a number of calls, which returns the seconds they take."""
    statement, c_name = CALLS[case]
    found = {name: python_round(statement, table) for name, table in tables.items()}
    if module is not None and c_name is not None:
        found = {"C": lambda number: module.plain_calls(c_name.encode(), number), **found}
    if nothing is not None and c_name is not None:
        found["floor"] = python_round(statement, {**tables["collio"], "comm": nothing})
    return found


def smallest(rounds, seconds):
    """Layer -> nanoseconds a call, the layers taking turns."""
    numbers, best = {}, {}
    for name, run in rounds.items():
        run(3)
        numbers[name] = max(2, min(200_000, int(seconds * 10 / (run(10) + 1e-9))))
        best[name] = float("inf")
    for _ in range(ROUNDS):
        for name, run in rounds.items():
            best[name] = min(best[name], run(numbers[name]) / numbers[name])
    return {name: value * 1e9 for name, value in best.items()}


def share(best, name):
    """What is added to C, as a part of what mpi4py adds; the floor comes on top of C."""
    if "mpi4py" not in best or name not in best:
        return f"{'':8}"
    base = best.get("C", 0)
    added = best[name] - base * (name != "floor")
    return f"{added / (best['mpi4py'] - base):8.2f}"


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.005
    tables = {name: names(MPI) for name, MPI in layers().items()}
    module = plain()
    nothing = floor() and floor().Comm()
    columns = ["C", "floor", *tables]
    print(f"{'ns a call':26}", *(f"{name:>10}" for name in columns), *(f"{name:>8}" for name in
          ("share", "floor's")))
    for case in CALLS:
        rounds = rounds_of(case, tables, module, nothing)
        best = smallest({"loop": python_round("pass", {}), **rounds}, seconds)
        loop = best.pop("loop")
        best = {name: value - loop * (name != "C") for name, value in best.items()}
        figures = (f"{best[name]:10.0f}" if name in best else f"{'':10}" for name in columns)
        print(f"{case:26}", *figures, share(best, "collio"), share(best, "floor"), flush=True)


if __name__ == "__main__":
    main()
