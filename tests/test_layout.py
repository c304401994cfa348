"""collio.Checkpoint with layout='per-rank' and 'auto': arrays of any layout in memory, states, other
blocks than were saved, saves in the background, compressed, merged, arguments. ranks: 1 2 3"""

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
    copied = parts(3)
    copied["u"] = collio.Part(u[:, lo:hi] + 3, shape=shape, offset=(0, lo, 0))
    request = c.save(3, copied, wait=False)
    copied["u"].array[...] = -1  # it is a copy that is written
    request.wait()
    check(c.steps() == [2, 3], "steps are saved and pruned")
    check(bool(c.verify()), "the newest is whole")
    state = c.restore()
    check(np.array_equal(state.read("u"), u + 3), "a whole array")
    part = state.read("u", offset=(1, 2, 0), shape=(5, 8, 3))
    check(np.array_equal(part, u[1:6, 2:10, :3] + 3), "a block across the files")
    check(np.array_equal(state.read("group/v"), v), "an array that one rank had")
    check(state["t"] == 1.0, "what is common")

comm.Barrier()  # what is pruned is gone when the checkpoint is closed, on rank 0
files = sorted(name for name in os.listdir("run") if name[0] != ".")
check(len(files) == 4 and files[1].startswith("step-000000000002.ranks-"), "files: %s" % files)
comm.Barrier()

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

# Compressed: parts large enough, in memory of any order, and a block that lies in all of them.
wide = np.add.outer(np.arange(60.0), np.arange(400.0) // 7)
cut = 400 * comm.rank // comm.size, 400 * (comm.rank + 1) // comm.size
with collio.Checkpoint("packed", comm, layout="per-rank", compression="gzip") as c:
    c.save(1, wide=collio.Part(np.asfortranarray(wide[:, slice(*cut)]), shape=wide.shape, offset=(0, cut[0])))
    c.save(2, parts(2))
    check(bool(c.verify(1)), "compressed: whole")
    state = c.restore(1, verify="read")
    check(np.array_equal(state.read("wide"), wide), "compressed: the whole array")
    part = state.read("wide", offset=(7, 90), shape=(50, 250))
    check(np.array_equal(part, wide[7:57, 90:340]), "compressed: a block across the files")

# One file of them.
calls = []
collio.merge("packed", "whole.h5", comm, step=1, progress=lambda done, total: calls.append((done, total)))
check(comm.allreduce(sum(done == total for done, total in calls)) >= 1, "merge tells how far it is")
collio.merge("packed/step-000000000001.h5", "whole.h5", comm)
check(True, "a merge that is done is verified")
with collio.File("whole.h5", "r", comm=comm) as f:
    check(np.array_equal(f["wide"][...], wide), "the merged file has the array")
collio.merge("packed", "newest.h5", comm)
with collio.File("newest.h5", "r", comm=comm) as f:
    check(np.array_equal(f["u"][...], u + 2), "of a directory the newest is merged")


def refused(kind, words, call, what):
    """All ranks get this error, with these words in it."""
    try:
        call()
        check(False, what)
    except kind as error:
        check(words in str(error), "%s: %s" % (what, error))


last = comm.rank == comm.size - 1
c2 = collio.Checkpoint("packed", comm, read_only=True)
refused(ValueError, "verify", lambda: c2.restore(verify="some"), "restore(verify=) of another kind")
if comm.size > 1:
    refused(collio.CollectiveError, "checkpoint_restore", lambda: c2.restore(verify="read" if last else "all"),
            "verify= differs")
    refused(collio.CollectiveError, "merge", lambda: collio.merge("packed", "a.h5" if last else "b.h5", comm),
            "destinations differ")
    refused(Exception, "integer", lambda: collio.merge("packed", "a.h5", comm, step="one" if last else 1),
            "one rank gives no number")
c2.close()
refused(collio.NoCheckpointError, "step", lambda: collio.merge("packed", "a.h5", comm, step=77), "no such step")
refused(ValueError, "is no directory", lambda: collio.merge("whole.h5", "a.h5", comm, step=1), "a step of a file")
refused(Exception, "one file already", lambda: collio.merge("whole.h5", "a.h5", comm), "what is one file")
refused(TypeError, "callable", lambda: collio.merge("packed", "a.h5", comm, progress=3), "progress")
comm.Barrier()
check(not [name for name in os.listdir(".") if name in ("a.h5", "b.h5")], "nothing is made of them")
done()
