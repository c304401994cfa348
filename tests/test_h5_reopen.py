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


def test_file_again():
    f = collio.File("again.h5", "w", comm=comm)
    fill(f, "u", 1)
    for mode in ("r+", "a", "r"):
        with collio.File("again.h5", mode, comm=comm) as g:
            equal(sorted(g), ["u"], f"opened again with {mode}")
            equal((g.mode, g.filename), ("r+", "again.h5"), "as it is")
            check(g == f and g is not f and hash(g) == hash(f), "another handle of the same file")
            g["u"][4 * rank : 4 * rank + 4] = 2
            kept = g["u"]
        check(not g and not kept and f, "closed alone")
    equal(f["u"][...].tolist(), [2] * 4 * size, "what was written through it")
    raises(OSError, "is open", lambda: collio.File("again.h5", "w", comm=comm), name="it cannot be emptied")
    raises(FileExistsError, "again.h5", lambda: collio.File("again.h5", "x", comm=comm), name="it is there")
    g = collio.File("again.h5", "r+", comm=comm)
    f.close()
    check(not f, "the first may be closed first")
    fill(g, "v", 3)
    g.close()
    with collio.File("again.h5", "r") as f:
        equal([f["u"][0], f["v"][-1]], [2, 3], "all is in the file")


def test_file_again_apart():
    f = collio.File("apart.h5", "w", comm=comm)
    if size > 1:
        name = "apart.h5" if rank != size - 1 else "other.h5"
        raises(collio.CollectiveError, "other.h5", lambda: collio.File(name, "a", comm=comm),
               name="one rank opens another one")
        raises(OSError, "is open elsewhere", lambda: collio.File("apart.h5", "a"), name="each process alone")
    fill(f, "u", 4)
    g = collio.File("apart.h5", "a", comm=comm)

    def leave():
        with g:
            if rank == 0:
                raise ValueError("rank 0 has enough")

    raises((ValueError, collio.CollectiveError), "rank 0 has enough", leave, name="an exception through one handle")
    check(not g, "which is closed")
    f.close()
    with collio.File("apart.h5", "r") as f:
        equal(f["u"][...].tolist(), [4] * 4 * size, "the other one was not harmed")


def test_file_of_id():
    f = collio.File("id.h5", "w", comm=comm)
    d = fill(f, "g/u", 5)
    for thing in (f, f["g"], d):
        again = collio.File(thing.id)
        equal((again, hash(again), again.filename, again.mode), (f, hash(f), "id.h5", "r+"), "a file of an id")
        equal(again["g/u"], d, "what is in it")
    del thing
    equal(isinstance(collio.File(f.id), collio.File), True, "its class")
    raises(ValueError, "already", again.__init__, "id.h5", name="it is open")
    again.attrs["n"] = 1
    again.close()
    check(not f and not again and not d, "closed with it")
    again.close()
    raises(ValueError, "closed", lambda: collio.File(f.id), name="of a file that is closed")


test_names()
test_extents()
test_end()
test_one_looks()
test_file_again()
test_file_again_apart()
test_file_of_id()
done()
