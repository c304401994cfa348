"""Files and groups from Python: opening, structure, closing. ranks: 1 2 3 4"""

import os
import subprocess

import numpy as np
import collio
from collio import MPI
from tap import alike, check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size


def on_root(action):
    """What action() gives on rank 0, for all ranks."""
    return comm.bcast(action() if rank == 0 else None)


def dump(path):
    """What h5dump says of a file; None where there is no h5dump."""
    try:
        run = subprocess.run(["h5dump", "-H", path], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return run.stdout if run.returncode == 0 else f"h5dump failed: {run.stderr}"


def is_whole(path, *words):
    text = on_root(lambda: dump(path))
    if text is None:
        skip(f"h5dump reads {path}", "no h5dump")
    else:
        check(all(word in text for word in words) and "failed" not in text, f"h5dump reads {path}", text)


def test_modes():
    raises(FileNotFoundError, "none.h5", collio.File, "none.h5", comm=comm, name="r of nothing")
    raises(FileNotFoundError, "none.h5", collio.File, "none.h5", "r+", comm=comm, name="r+ of nothing")
    raises(ValueError, "mode", collio.File, "modes.h5", "q", comm=comm, name="mode q")
    with collio.File("modes.h5", "w-", comm=comm) as f:
        f.create_group("first")
        equal(f.mode, "r+", "mode while writing")
    raises(FileExistsError, "modes.h5", collio.File, "modes.h5", "x", comm=comm, name="x of what is there")
    with collio.File("modes.h5", "a", comm=comm) as f:
        equal(list(f), ["first"], "a keeps what is there")
    with collio.File("modes.h5", comm=comm) as f:
        equal(f.mode, "r", "the default mode")
        raises(ValueError, "read", f.create_group, "second", name="writing to it")
        equal(list(f), ["first"], "reading it")
    with collio.File("modes.h5", "w", comm=comm) as f:
        equal(len(f), 0, "w empties it")
    if rank == 0:
        with open("text.h5", "w") as text:
            text.write("not HDF5, and long enough to be looked at" * 40)
    comm.Barrier()
    raises((OSError, RuntimeError), "text.h5", collio.File, "text.h5", comm=comm, name="no HDF5 file")


def test_facts():
    f = collio.File(os.fsencode("facts.h5"), "w", driver="mpio", userblock_size=512, libver="latest")
    equal(f.filename, "facts.h5", "filename")
    equal(f.driver, "mpio", "driver")
    equal(f.userblock_size, 512, "userblock_size")
    equal(f.name, "/", "name")
    check(f.file is f and f.parent == f == f["/"], "file and parent")
    check(f and f != 5 and hash(f) == hash(f["/"]), "truth, comparison, hash")
    equal(repr(f), '<HDF5 file "facts.h5" (mode r+)>', "repr")
    f.flush()
    f.close()
    f.close()
    check(not f, "a closed file is false")
    equal(repr(f), "<Closed HDF5 file>", "repr of a closed file")
    for action in (lambda: f.filename, lambda: f["x"], f.flush, lambda: f.attrs, lambda: len(f),
                   lambda: f.create_group("g"), lambda: f.mode):
        raises(ValueError, "closed", action, name="use after close")
    raises(ValueError, "driver", collio.File, "facts.h5", driver="direct", name="another driver")
    raises(TypeError, "comm", collio.File, "facts.h5", comm="world", name="comm is no communicator")
    raises(TypeError, "", collio.File, 5, comm=comm, name="name is no path")
    raises(NotImplementedError, "swmr", collio.File, "facts.h5", swmr=True, comm=comm, name="swmr")
    check(on_root(lambda: os.path.getsize("facts.h5")) > 512, "it is there")


class Counted(collio.File):
    """Programs derive from File."""

    def __init__(self, path):
        super().__init__(path, "w", comm=comm)
        self.count = 0


def test_groups():
    with Counted("groups.h5") as f:
        a = f.create_group("a")
        b = f.create_group("/a/b/c").parent
        equal([a.name, b.name, b.parent.name], ["/a", "/a/b", "/a"], "names")
        check(isinstance(a, collio.Group) and not isinstance(a, collio.File), "a group")
        check(a == f["a"] and a != b and len({a, f["/a"], b}) == 2, "equality and hash")
        raises(ValueError, "a", f.create_group, "a", name="a name that is there")
        raises(KeyError, "Unable to open object (object 'x' doesn't exist)", lambda: f["x"], name="no name")
        raises(KeyError, "x", a.__delitem__, "x", name="del of no name")
        check("a" in f and "a/b" in f and "/a/b/c" in a and "x" not in f, "in")
        f.create_dataset("d", (3, size), "i4")
        f["number"] = 7
        equal(sorted(f.keys()), ["a", "d", "number"], "keys()")
        equal([type(o).__name__ for o in f.values()], ["Group", "Dataset", "Dataset"], "values()")
        equal(dict(f.items())["d"], f["d"], "items()")
        equal(f.get("x", 3), 3, "get() with a default")
        check(f.get("d", getclass=True) is collio.Dataset, "get(getclass=True)")
        check(f.require_group("a") == a, "require_group() of what is there")
        equal(f.require_group("new").name, "/new", "require_group() of a new one")
        raises(TypeError, "Incompatible", f.require_group, "d", name="require_group() of a dataset")
        d = f.require_dataset("d", (3, size), "i2")
        check(d == f["d"], "require_dataset() of what is there")
        raises(TypeError, "Shapes do not match", f.require_dataset, "d", (4,), "i4", name="another shape")
        raises(TypeError, "safely", f.require_dataset, "d", (3, size), "f8", name="another type")
        raises(TypeError, "exactly", f.require_dataset, "d", (3, size), "i2", exact=True, name="exact")
        equal(f.require_dataset("d2", 5, "u1").shape, (5,), "require_dataset() of a new one")
        seen = []
        equal(f.visit(seen.append), None, "visit()")
        equal(seen, ["a", "a/b", "a/b/c", "d", "d2", "new", "number"], "in order")
        equal(f.visititems(lambda name, thing: thing.shape if name == "d" else None), (3, size),
              "visititems() ends early")
        del f["new"], f["a/b"]
        equal(list(f), ["a", "d", "d2", "number"], "after del")
        equal(len(a), 0, "in a group too")
        equal(repr(f["d"]), f'<HDF5 dataset "d": shape (3, {size}), type "<i4">', "repr of a dataset")
        alike(repr(f["a"]), "repr of a group")
    is_whole("groups.h5", 'DATASET "d2"', 'GROUP "a"')
    equal(a.name, None, "a group of a closed file has no name")
    check(not a and repr(a) == "<Closed HDF5 group>", "is false")


def test_comms():
    """A part of the ranks, and each alone."""
    half = comm.Split(rank % 2, rank)
    with collio.File(f"half{rank % 2}.h5", "w", comm=half) as f:
        f.create_dataset("r", data=np.arange(half.size))
    with collio.File(f"alone{rank}.h5", "w") as f:
        equal(f.driver, "sec2", "driver of a process alone")
        f["r"] = rank
    comm.Barrier()
    with collio.File(f"alone{size - 1}.h5", comm=comm) as f:
        equal(f["r"][()], np.int64(size - 1), "all ranks read what one wrote")
    half.Free()


test_modes()
test_facts()
test_groups()
test_comms()
done()
