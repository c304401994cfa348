"""Objects opened by name again and again: the one that is meant, whatever has become of the name.

ranks: 1 2 3 4   limit: 60
"""

import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size


def fill(f, name, value):
    f.create_dataset(name, (4 * size,), "i4")
    f[name][4 * rank : 4 * rank + 4] = value
    return f[name]


def test_names():
    with collio.File("reopen.h5", "w", comm=comm) as f:
        old = fill(f, "g/u", 1)
        equal(f["g/u"], old, "the same object")
        equal(f["g"]["u"], old, "by another way")
        del f["g/u"]
        raises(KeyError, "g/u", lambda: f["g/u"], name="a name that is gone")
        new = fill(f, "g/u", 2)
        equal(f["g/u"][...].tolist(), [2] * 4 * size, "what has its name now")
        equal(old[...].tolist(), [1] * 4 * size, "what had it is there as long as it is open")
        f.move("g/u", "g/v")
        raises(KeyError, "g/u", lambda: f["g/u"], name="a name that was moved")
        equal(f["g/v"], new, "under its new name")
        equal(f["g/v"].name, "/g/v", "which it says")
        f["g/u"] = collio.SoftLink("/g/v")
        equal(int(f["g/u"][0]), 2, "a name that has become a link")
        other = fill(f, "w", 3)
        del f["g/u"]
        f["g/u"] = collio.SoftLink("/w")
        equal(f["g/u"], other, "a link that leads elsewhere")
        f["w"].attrs["a"] = 1
        equal(int(f["w"].attrs["a"]), 1, "an attribute of an object opened again")


def test_extents():
    with collio.File("reopen.h5", "a", comm=comm) as f:
        d = f.create_dataset("r", (4,), "i4", maxshape=(None,))
        first = f["r"]
        f["r"].resize((4 * size,))
        equal([d.shape, first.shape, f["r"].shape], [(4 * size,)] * 3, "extents of all that are open")
        f["r"][4 * rank : 4 * rank + 4] = rank
        equal(d[...].tolist(), [i // 4 for i in range(4 * size)], "elements through another one")


def test_end():
    f = collio.File("reopen.h5", "a", comm=comm)
    kept = f["w"]
    equal(int(f["w"][0]), 3, "opened a second time")
    f.close()
    check(not kept, "closed with the file")
    with collio.File("reopen.h5", "r", comm=comm) as f:
        equal([int(f["w"][0]) for _ in range(3)], [3] * 3, "in a file for reading")
    with collio.File("reopen.h5", "r") as f:
        equal([int(f["w"][0]), int(f["g/v"][0])], [3, 2], "by each process alone")


def test_one_looks():
    with collio.File("reopen.h5", "r+", comm=comm) as f:
        check(rank < size - 1 or f["w"].shape == (4 * size,), "one rank looks")
        del f["w"]
        f.flush()
        raises(KeyError, "w", lambda: f["w"], name="all delete")
        fill(f, "w", 5)
        equal(f["w"][...].tolist(), [5] * 4 * size, "and make anew")


test_names()
test_extents()
test_end()
test_one_looks()
done()
