"""A table of divergences: every kind gives the same error on all ranks, and nothing is done to the file.

ranks: 2 3 4   limit: 180
"""

import os
import subprocess

import numpy as np
import collio as h5py
from collio import MPI
from tap import alike, check, done, equal

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1
HERE = os.path.basename(__file__)


def data(f, value):
    return lambda: f["d"].__setitem__(slice(0, 1), value)


def table(f, g):
    """(name, what the last rank does, what the others do)"""
    make, group, attrs = f.create_dataset, f.create_group, f.attrs
    return [
        ("names of groups", lambda: group("p"), lambda: group("q")),
        ("a group here and below", lambda: group("p"), lambda: g.create_group("p")),
        ("orders of names", lambda: group("p", track_order=True), lambda: group("p")),
        ("with a name and without", lambda: group(None), lambda: group("p")),
        ("a group and a dataset", lambda: group("p"), lambda: make("p", (3,))),
        ("names of datasets", lambda: make("p", (3,)), lambda: make("q", (3,))),
        ("shapes", lambda: make("p", (3,)), lambda: make("p", (4,))),
        ("dimensions", lambda: make("p", (3,)), lambda: make("p", (3, 1))),
        ("types", lambda: make("p", (3,), "f4"), lambda: make("p", (3,), "f8")),
        ("signs", lambda: make("p", (3,), "i4"), lambda: make("p", (3,), "u4")),
        ("chunked or not", lambda: make("p", (8,), chunks=(4,)), lambda: make("p", (8,))),
        ("chunks", lambda: make("p", (8,), chunks=(4,)), lambda: make("p", (8,), chunks=(2,))),
        ("largest shapes", lambda: make("p", (8,), maxshape=(None,)), lambda: make("p", (8,), maxshape=(16,))),
        ("compression", lambda: make("p", (8,), compression="gzip"), lambda: make("p", (8,), chunks=True)),
        ("levels", lambda: make("p", (8,), compression=1), lambda: make("p", (8,), compression=9)),
        ("shuffle", lambda: make("p", (8,), chunks=(4,), shuffle=True), lambda: make("p", (8,), chunks=(4,))),
        ("checksums", lambda: make("p", (8,), chunks=(4,), fletcher32=True), lambda: make("p", (8,), chunks=(4,))),
        ("fill values", lambda: make("p", (8,), fillvalue=1.0), lambda: make("p", (8,), fillvalue=2.0)),
        ("a fill value or none", lambda: make("p", (8,), fillvalue=1.0), lambda: make("p", (8,))),
        ("names of attributes", lambda: attrs.__setitem__("a", 1), lambda: attrs.__setitem__("b", 1)),
        ("values", lambda: attrs.__setitem__("a", 1), lambda: attrs.__setitem__("a", 2)),
        ("types of attributes", lambda: attrs.__setitem__("a", 1), lambda: attrs.__setitem__("a", 1.0)),
        ("text and number", lambda: attrs.__setitem__("a", "1"), lambda: attrs.__setitem__("a", 1)),
        ("texts", lambda: attrs.__setitem__("a", "x"), lambda: attrs.__setitem__("a", "y")),
        ("shapes of attributes", lambda: attrs.__setitem__("a", [1]), lambda: attrs.__setitem__("a", 1)),
        ("empty or not", lambda: attrs.__setitem__("a", h5py.Empty("i8")), lambda: attrs.__setitem__("a", 1)),
        ("whose attributes", lambda: attrs.__setitem__("a", 1), lambda: g.attrs.__setitem__("a", 1)),
        ("set and delete", lambda: attrs.__delitem__("there"), lambda: attrs.__setitem__("there", 1)),
        ("changed values", lambda: attrs.modify("there", 1), lambda: attrs.modify("there", 2)),
        ("changed or new", lambda: attrs.modify("there", 1), lambda: attrs.__setitem__("there", 1)),
        ("paths of links", lambda: f.__setitem__("s", h5py.SoftLink("/a")),
         lambda: f.__setitem__("s", h5py.SoftLink("/b"))),
        ("kinds of links", lambda: f.__setitem__("s", h5py.SoftLink("/g")), lambda: f.__setitem__("s", g)),
        ("files of links", lambda: f.__setitem__("s", h5py.ExternalLink("x", "/")),
         lambda: f.__setitem__("s", h5py.ExternalLink("y", "/"))),
        ("targets of links", lambda: f.__setitem__("s", f["d"]), lambda: f.__setitem__("s", g)),
        ("a link and an array", lambda: f.__setitem__("s", g), lambda: f.__setitem__("s", [1, 2])),
        ("sources of moves", lambda: f.move("g", "m"), lambda: f.move("d", "m")),
        ("destinations of moves", lambda: f.move("g", "m"), lambda: f.move("g", "n")),
        ("move and copy", lambda: f.move("g", "m"), lambda: f.copy("g", "m")),
        ("sources of copies", lambda: f.copy("g", "m"), lambda: f.copy("d", "m")),
        ("depths of copies", lambda: f.copy("g", "m", shallow=True), lambda: f.copy("g", "m")),
        ("what is deleted", lambda: f.__delitem__("g"), lambda: f.__delitem__("d")),
        ("delete and create", lambda: f.__delitem__("g"), lambda: group("p")),
        ("read and write", lambda: f["d"][0], data(f, 1.0)),
        ("datasets written", lambda: g["e"].__setitem__(0, 1), data(f, 1.0)),
        ("write and create", data(f, 1.0), lambda: make("p", (3,))),
        ("write and attribute", data(f, 1.0), lambda: attrs.__setitem__("a", 1)),
        ("new extents", lambda: f["c"].resize((4,)), lambda: f["c"].resize((6,))),
        ("resize and write", lambda: f["c"].resize((4,)), data(f, 1.0)),
        ("flush and write", f.flush, data(f, 1.0)),
        ("flush and close", f.flush, f.close),
        ("close and create", f.close, lambda: group("p")),
        ("atomic", lambda: setattr(f, "atomic", True), lambda: setattr(f, "atomic", False)),
    ]


def one_errs(f, g):
    """(name, what fails on the last rank, what the others do)"""

    class NoMemory:
        def __array__(self, *args, **keywords):
            raise MemoryError("injected")

    return [
        ("MemoryError in a write", data(f, NoMemory()), data(f, 1.0)),
        ("MemoryError in an attribute", lambda: f.attrs.__setitem__("a", NoMemory()),
         lambda: f.attrs.__setitem__("a", 1)),
        ("MemoryError in a creation", lambda: f.create_dataset("p", data=NoMemory()),
         lambda: f.create_dataset("p", data=[1.0])),
        ("a conversion", data(f, "text"), data(f, 1.0)),
        ("an index", lambda: f["d"].__setitem__(99, 1.0), data(f, 1.0)),
        ("a shape", lambda: f.create_dataset("p", (-1,)), lambda: f.create_dataset("p", (1,))),
        ("a type", lambda: f.create_dataset("p", (1,), object), lambda: f.create_dataset("p", (1,))),
        ("a name", lambda: f.create_group(3), lambda: f.create_group("p")),
        ("chunks", lambda: f.create_dataset("p", (8,), chunks=(0,)), lambda: f.create_dataset("p", (8,), chunks=(2,))),
        ("a filter", lambda: f.create_dataset("p", (8,), compression="no"), lambda: f.create_dataset("p", (8,))),
        ("what is deleted", lambda: f.__delitem__("never"), lambda: f.__delitem__("g")),
        ("what is moved", lambda: f.move("never", "m"), lambda: f.move("g", "m")),
        ("what is linked", lambda: f.__setitem__("s", h5py.SoftLink("")), lambda: f.__setitem__("s", h5py.SoftLink("/g"))),
    ]


def outcome(call):
    try:
        call()
    except Exception as exception:
        return exception


def others_read(path):
    """What h5dump, and h5py where there is one, say against the file."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "PYTHONPATH", "OMPI_", "PMIX_"))}
    code = f"import h5py; f = h5py.File('{path}', 'r'); f.visititems(lambda n, o: None); f['d'][()]"
    wrong = ""
    for command in (["h5dump", path], ["/usr/bin/python3", "-c", "import h5py"], ["/usr/bin/python3", "-c", code]):
        try:
            run = subprocess.run(command, capture_output=True, text=True, env=clean)
        except FileNotFoundError:
            continue
        if run.returncode != 0 and command[-1] == "import h5py":
            break
        wrong += run.stderr if run.returncode != 0 else ""
    return wrong


with h5py.File("table.h5", "w", comm=comm) as f:
    f["d"] = np.arange(12.0).reshape(3, 4)
    g = f.create_group("g")
    g["e"] = np.arange(3)
    f.create_dataset("c", (5,), maxshape=(None,), chunks=(2,))
    f.attrs["there"] = 5
    kinds = table(f, g)
    check(len(kinds) >= 40, f"{len(kinds)} kinds of divergence")
    for name, mine, theirs in kinds:
        error = outcome(mine if rank == odd else theirs)
        text = str(error)
        named = f"rank {odd}: " in text and f"{HERE}:" in text
        check(isinstance(error, h5py.CollectiveError) and "ranks disagree" in text and named, name, repr(error))
        alike(text, f"{name}: the same text on all ranks")
    for name, mine, theirs in one_errs(f, g):
        error = outcome(mine if rank == odd else theirs)
        where = str(error) + "".join(getattr(error, "__notes__", []))
        check(error is not None and f"rank {odd}: " in where, f"one rank fails: {name}", repr(error))
    equal((sorted(f), list(g), sorted(f.attrs)), (["c", "d", "g"], ["e"], ["there"]), "nothing was done")
    equal(f["c"].shape, (5,), "nor resized")
    f["d"][0, 0] = 1.0
with h5py.File("table.h5", comm=comm) as f:
    equal(int(f.attrs["there"]), 5, "the file is whole")
problem = others_read("table.h5") if rank == 0 else ""
check(not problem, "and others read it", problem)
done()
