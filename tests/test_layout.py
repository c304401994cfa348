"""collio.Checkpoint with layout='per-rank' and 'auto': arrays of any layout in memory, states, other
blocks than were saved, saves in the background, arguments. ranks: 1 2 3"""

import os

import numpy as np

import collio
from collio import MPI
from tap import check, done

comm = MPI.COMM_WORLD
shape = (7, 11, 5)
u = np.arange(np.prod(shape), dtype="f8").reshape(shape)
v = np.arange(40, dtype="c16") * 1j
lo, hi = 11 * comm.rank // comm.size, 11 * (comm.rank + 1) // comm.size
first, last = (0, 40) if comm.rank == comm.size - 1 else (40, 40)  # all on the last rank


def parts(step):
    return {
        "u": collio.Part(u[:, lo:hi] + step, shape=shape, offset=(0, lo, 0)),
        "group/v": collio.Part(v[first:last], shape=v.shape, offset=(first,)),
        "t": step / 3,
    }


with collio.Checkpoint("run", comm, keep=2, layout="per-rank") as c:
    for step in (1, 2):
        c.save(step, parts(step))
    request = c.save(3, parts(3), wait=False)
    request.wait()
    check(c.steps() == [2, 3], "steps are saved and pruned")
    check(bool(c.verify()), "the newest is whole")
    state = c.restore()
    check(np.array_equal(state.read("u"), u + 3), "a whole array")
    part = state.read("u", offset=(1, 2, 0), shape=(5, 8, 3))
    check(np.array_equal(part, u[1:6, 2:10, :3] + 3), "a block across the files")
    check(np.array_equal(state.read("group/v"), v), "an array that one rank had")
    check(state["t"] == 1.0, "what is common")
    files = sorted(name for name in os.listdir("run") if name[0] != ".")
    check(len(files) == 4 and files[1].startswith("step-000000000002.ranks-"), "files: %s" % files)

with collio.Checkpoint("run", comm, layout="auto") as c:
    c.save(4, parts(4))
    check(np.array_equal(c.restore(3).read("u"), u + 3), "the other layout reads it")
    check(np.array_equal(c.restore(4).read("u"), u + 4), "and saves beside it")
    c.delete(3)
    check(c.steps() == [2, 4], "a step of files of ranks is deleted")

for bad, kind in (("both", ValueError), (3, TypeError)):
    try:
        collio.Checkpoint("run", comm, layout=bad)
        check(False, "layout=%r" % (bad,))
    except kind as error:
        check("layout" in str(error) or kind is TypeError, "layout=%r: %s" % (bad, error))
try:
    collio.Checkpoint("run", comm, layout="per-rank", compression="gzip")
    check(False, "compression")
except ValueError as error:
    check("compression" in str(error), "compression: %s" % error)
done()
