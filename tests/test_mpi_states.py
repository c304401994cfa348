"""Whatever is asked of MPI before it begins or after it has ended: an answer or an exception, never a crash."""
# ranks: 1

import os
import subprocess
import sys

from tap import check, done

PROGRAM = r"""
import sys
import collio
collio.rc.initialize = False
import numpy as np
from collio import MPI

base = MPI.Comm.__bases__[0]
classes = [c for c in vars(MPI).values() if isinstance(c, type) and issubclass(c, base)]
things = [v for v in vars(MPI).values() if type(v) in classes] + [c() for c in classes]
things += [MPI.Status(), MPI.Exception(5), MPI.pickle]
if sys.argv[1] == "after":
    MPI.Init_thread()
    own = MPI.COMM_SELF
    things += [MPI.COMM_WORLD.Dup(), MPI.COMM_WORLD.Get_group(), MPI.INT.Create_contiguous(3).Commit(),
               MPI.Info.Create({"a": "b"}), MPI.Op.Create(lambda a, b, t: None), MPI.Comm.Create_errhandler(lambda c, e: None),
               own.Create_cart([1]), own.Create_graph([0], []), own.Create_dist_graph_adjacent([], []),
               own.Send_init(np.zeros(1), 0), MPI.Grequest.Start(None, None, None), own.irecv(), own.Irecv(np.zeros(1)),
               MPI.Win.Allocate(8, comm=own)]
    MPI.Finalize()
ways = [(), (0,), (1,), ("a",), (np.zeros(1),), (np.zeros(1), 0), (0, 0), ([],), (MPI.INT,), (MPI.COMM_WORLD,), (MPI.INFO_NULL,),
        (MPI.COMM_WORLD, 0), (np.zeros(1), np.zeros(1)), (np.zeros(1), np.zeros(1), 0), (MPI.GROUP_EMPTY,), (MPI.Status(),),
        (MPI.ERRORS_RETURN,), (None,), (lambda *a: None,), ([MPI.REQUEST_NULL],), ("a", "b"), ("a" * 1000, "b"), (-1,)]
asked = refused = 0


def ask(call, *arguments):
    global asked, refused
    asked += 1
    try:
        call(*arguments)
    except Exception:
        refused += 1


left_out = {"Init", "Init_thread", "Abort", "Finalize", "Join"}  # they begin, or end the process
specials = {"__bool__", "__repr__", "__hash__", "__reduce__", "__len__", "__iter__", "__enter__"}
for thing in things:
    ask(type(thing), thing)
    for other in things[::9]:
        ask(thing.__eq__, other)
    for name in dir(thing):
        if name in left_out or name.startswith("__") and name not in specials:
            continue
        if callable(getattr(type(thing), name)):
            for way in ways:
                ask(lambda *a: getattr(thing, name)(*a), *way)
        else:
            ask(getattr, thing, name)
for name, call in list(vars(MPI).items()):
    if callable(call) and not isinstance(call, type) and type(call) not in classes and name not in left_out:
        for way in ways:
            ask(call, *way)
print("asked" if asked > 10000 and refused > asked / 2 else (asked, refused))
"""

RESULTS = r"""
import pickle
import collio
collio.rc.initialize = False
from collio import MPI
def same():
    return all(pickle.loads(pickle.dumps(h)) == h and type(h).fromhandle(h.handle) == h and type(h)(h) == h and h
               for h in (MPI.COMM_WORLD, MPI.INT, MPI.SUM, MPI.GROUP_EMPTY, MPI.ERRORS_RETURN))
def hints():
    info = MPI.Info.Create({"a": "b"})
    return info.items(), info.get("c"), "a" in info, list(MPI.INFO_NULL), MPI.Get_error_class(MPI.ERR_RANK) == MPI.ERR_RANK
early = MPI.VERSION >= 4
print(same(), list(MPI.INFO_NULL), MPI.INFO_NULL.get("a"), MPI.Exception(MPI.ERR_RANK).error_class == MPI.ERR_RANK)
print(not early or hints() == ([("a", "b")], None, True, [], True))
MPI.Init()
kind, comm = MPI.INT.Create_contiguous(2), MPI.COMM_WORLD.Dup()
MPI.Finalize()
kind.free(), comm.free()
print(same(), list(MPI.INFO_NULL), MPI.INFO_NULL.get("a"))
print(not early or hints() == ([("a", "b")], None, True, [], True))
"""


def run(program, *arguments):
    start = [sys.executable, "-c", program, *arguments]
    alone = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "HYDI", "MPI_LOCAL", "OMPI_", "PMIX"))}
    return subprocess.run(start, env=alone, capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)


for when in "before", "after":
    end = run(PROGRAM, when)
    check(end.returncode == 0 and end.stdout.strip() == "asked", f"all methods of all handles, {when}",
          f"status {end.returncode}\n{end.stdout}\n{end.stderr}")
end = run(RESULTS)
check(end.stdout.split("\n")[:4] == ["True [] None True", "True", "True [] None", "True"], "what can be known at all times",
      f"status {end.returncode}\n{end.stdout}\n{end.stderr}")

done()
