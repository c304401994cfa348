"""Messages between ranks: three experiments (Send/Recv to and fro, Sendrecv in a ring, Alltoall), as
buffers and as objects; beside plain C (after `make bench`) and mpi4py (where it is installed and
shares the MPI library), its util.pkl5 included.

    PYTHONPATH=bindings/python/lib mpiexec -n 2 python3 tests/bench/bench_messages.py \\
        [buffers|arrays|dicts|pickles|several|small ...] [seconds per round]

Microseconds for a message one way (Send/Recv) or a call; the median over the rounds, in which the
layers take turns in one process. In brackets, the median of the ratios within the rounds: the
layer's throughput as a part of C's (of small objects, which C has none of, of collio's). The floor
is C behind methods that do not look at their arguments (floor.c): a large message takes the memory
of the interpreter out of the caches, and nothing that is called from Python can be without that.
"""

import importlib
import os
import random
import statistics
import sys
import types

import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
from bench_calls import floor, layers, plain

ROUNDS = 25
SIZES = [8, 1 << 10, 1 << 13, 1 << 16, 1 << 18, 1 << 20, 1 << 22]
EXPERIMENTS = ["Send/Recv", "Sendrecv", "Alltoall"]

SMALL = {
    "int": 1,
    "dict": {"step": 3, "time": 0.5, "name": "heat"},
    "list of 20": list(range(20)),
}


# What carries the array a: by itself, in a plain dictionary, in what only pickle can take apart, in
# three pieces of that.
CARRIERS = {
    "arrays": lambda a: a,
    "dicts": lambda a: {"u": a, "step": 3},
    "pickles": lambda a: types.SimpleNamespace(u=a, step=3),
    "several": lambda a: types.SimpleNamespace(parts=np.array_split(a, 3), step=3),
}


class Place:
    """Who a rank talks to."""

    def __init__(self, comm):
        self.comm = comm
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.other = self.rank ^ 1
        self.right = (self.rank + 1) % self.size
        self.left = (self.rank - 1) % self.size


def turns(at, first, second):
    """To and fro: the lower rank of a pair sends first."""
    if at.other >= at.size:
        return lambda: None
    return first if at.rank < at.other else second


def buffer_call(at, comm, experiment, a, b):
    """One exchange of buffers, as a function in which little else is done."""
    other, right, left = at.other, at.right, at.left

    def first():
        comm.Send(a, other)
        comm.Recv(b, other)

    def second():
        comm.Recv(b, other)
        comm.Send(a, other)

    if experiment == "Send/Recv":
        return turns(at, first, second)
    if experiment == "Sendrecv":
        return lambda: comm.Sendrecv(a, right, 0, b, left, 0)
    return lambda: comm.Alltoall(a, b)


def object_call(at, experiment, value):
    comm, other, right, left = at.comm, at.other, at.right, at.left

    def first():
        comm.send(value, other)
        comm.recv(None, other)

    def second():
        comm.recv(None, other)
        comm.send(value, other)

    if experiment == "Send/Recv":
        return turns(at, first, second)
    if experiment == "Sendrecv":
        return lambda: comm.sendrecv(value, right, 0, None, left, 0)
    values = [value] * at.size
    return lambda: comm.alltoall(values)


def timed(comm, call, MPI):
    """Like plain_messages(): the seconds that a number of calls take."""

    def run(number):
        comm.Barrier()
        start = MPI.Wtime()
        for _ in range(number):
            call()
        return MPI.Wtime() - start

    return run


def comms(MPIs):
    """Layer -> communicator; pkl5 is one that has objects only."""
    found = {name: MPI.COMM_WORLD for name, MPI in MPIs.items()}
    if "mpi4py" in found:
        pkl5 = importlib.import_module("mpi4py.util.pkl5")
        found["pkl5"] = pkl5.Intracomm(found["mpi4py"])
    return found


def plain_call(module, at, experiment, a, b, nbytes):
    comm = at.comm.py2f()
    return lambda number: module.plain_messages(
        experiment.encode(), comm, a.ctypes.data_as(module.pointer), b.ctypes.data_as(module.pointer),
        nbytes, number)


def measured(MPI, runs, seconds, halves):
    """Layer -> microseconds in each round; all ranks run as often as rank 0 says."""
    world, times = MPI.COMM_WORLD, {name: [] for name in runs}
    numbers = {}
    for name, run in runs.items():
        run(2)
        numbers[name] = world.bcast(max(4, min(20_000, int(seconds * 4 / (run(4) + 1e-9)))))
    order, chance = list(runs), random.Random(0)  # the same on all ranks
    for _ in range(ROUNDS):
        chance.shuffle(order)
        for name in order:
            took = runs[name](numbers[name])
            times[name].append(took / numbers[name] / (2 if halves else 1) * 1e6)
    return times


def show(rank, title, found):
    if rank > 0:
        return
    cells = []
    first = next(iter(found))
    for name, values in found.items():
        ratio = statistics.median(a / b for a, b in zip(found[first], values))
        part = f"({ratio:4.2f})" if name != first else ""
        cells.append(f"{name} {statistics.median(values):9.2f} {part:6}")
    print(f"{title:24}", *cells, sep="  ", flush=True)


def pipe_of(least, at, a, b, nbytes):
    """An object whose methods call MPI with these arguments, whatever they are given."""
    return least.Pipe(at.comm.py2f(), a.ctypes.data, b.ctypes.data, nbytes, at.other, at.right,
                      at.left)


def bench_sizes(kind, MPIs, module, least, seconds):
    MPI = MPIs["collio"]
    at = Place(MPI.COMM_WORLD)
    places = {name: Place(comm) for name, comm in comms(MPIs).items()}
    for experiment in EXPERIMENTS:
        for nbytes in SIZES:
            parts = at.size if experiment == "Alltoall" and kind == "buffers" else 1
            n = nbytes // 8
            all_a, all_b = np.ones(n * at.size), np.zeros(n * at.size)
            a, b = all_a[: n * parts], all_b[: n * parts]
            runs = {}
            if module is not None:
                runs["C"] = plain_call(module, at, experiment, all_a, all_b, nbytes)
            if least is not None and kind == "buffers":
                pipe = pipe_of(least, at, all_a, all_b, nbytes)
                runs["floor"] = timed(pipe, buffer_call(at, pipe, experiment, a, b), MPI)
            for name, place in places.items():
                if kind == "buffers" and name != "pkl5":
                    call = buffer_call(at, place.comm, experiment, a, b)
                elif kind in CARRIERS:
                    call = object_call(place, experiment, CARRIERS[kind](a))
                else:
                    continue
                runs[name] = timed(place.comm, call, MPI)
            show(at.rank, f"{kind} {experiment} {nbytes}",
                 measured(MPI, runs, seconds, experiment == "Send/Recv"))


def bench_small(MPIs, seconds):
    MPI = MPIs["collio"]
    places = {name: Place(comm) for name, comm in comms(MPIs).items()}
    for experiment in EXPERIMENTS:
        for what, value in SMALL.items():
            runs = {name: timed(place.comm, object_call(place, experiment, value), MPI)
                    for name, place in places.items()}
            show(MPI.COMM_WORLD.Get_rank(), f"{what} {experiment}",
                 measured(MPI, runs, seconds, experiment == "Send/Recv"))


def main():
    import ctypes

    words = sys.argv[1:]
    seconds = float(words.pop()) if words and words[-1][0].isdigit() else 0.005
    MPIs, module, least = layers(), plain(), floor()
    if module is not None:
        module.pointer = ctypes.c_void_p
    for kind in words or ["buffers", "arrays", "dicts", "small"]:
        if kind == "small":
            bench_small(MPIs, seconds)
        else:
            bench_sizes(kind, MPIs, module, least, seconds)


if __name__ == "__main__":
    main()
