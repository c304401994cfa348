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


def layout(count, start=0, name="/d"):
    made = h5py.VirtualLayout((count,), "f8")
    made[:] = h5py.VirtualSource("table.h5", name, (3, 4))[start, :count]
    return made


def more(f, g):
    """The same, of types with names, scales, references, virtual and required datasets."""
    d, x, y = f["d"], g["x"], g["y"]
    attrs, dims, make = g.attrs, g["xy"].dims, f.create_virtual_dataset
    shape, need = f.require_dataset, f.require_group
    two, three = d.regionref[0:2], d.regionref[0:3]
    named = {"A": 0}, {"A": 1}
    return [
        ("named types", lambda: f.__setitem__("t", np.dtype("f4")), lambda: f.__setitem__("t", np.dtype("f8"))),
        ("names of types", lambda: f.__setitem__("t", np.dtype("f4")), lambda: f.__setitem__("u", np.dtype("f4"))),
        ("values of enumerations", lambda: f.__setitem__("t", h5py.enum_dtype(named[0])),
         lambda: f.__setitem__("t", h5py.enum_dtype(named[1]))),
        ("members of structs", lambda: f.__setitem__("t", np.dtype([("a", "f4")])),
         lambda: f.__setitem__("t", np.dtype([("b", "f4")]))),
        ("a type and an array", lambda: f.__setitem__("t", np.dtype("f4")), lambda: f.__setitem__("t", [1.0])),
        ("a named type and its dtype", lambda: f.create_dataset("p", (2,), g["t"]),
         lambda: f.create_dataset("p", (2,), "i8")),
        ("which is made a scale", lambda: y.make_scale("n"), lambda: x.make_scale("n")),
        ("names of scales", lambda: x.make_scale("n"), lambda: x.make_scale("m")),
        ("a scale and an attribute", lambda: x.make_scale("n"), lambda: attrs.__setitem__("a", 1)),
        ("scales attached", lambda: dims[0].attach_scale(x), lambda: dims[0].attach_scale(y)),
        ("dimensions of scales", lambda: dims[0].attach_scale(x), lambda: dims[1].attach_scale(x)),
        ("attach and detach", lambda: dims[0].attach_scale(x), lambda: dims[1].detach_scale(y)),
        ("labels", lambda: setattr(dims[0], "label", "p"), lambda: setattr(dims[0], "label", "q")),
        ("dimensions of labels", lambda: setattr(dims[0], "label", "p"), lambda: setattr(dims[1], "label", "p")),
        ("references", lambda: attrs.__setitem__("r", d.ref), lambda: attrs.__setitem__("r", x.ref)),
        ("regions", lambda: attrs.__setitem__("r", two), lambda: attrs.__setitem__("r", three)),
        ("an object and a region", lambda: attrs.__setitem__("r", d.ref), lambda: attrs.__setitem__("r", two)),
        ("datasets of references", lambda: f.create_dataset("p", (2,), h5py.ref_dtype),
         lambda: f.create_dataset("p", (2,), h5py.regionref_dtype)),
        ("a region made and a group", lambda: d.regionref[0:2], lambda: f.create_group("p")),
        ("sources of virtual datasets", lambda: make("p", layout(2, name="/d")), lambda: make("p", layout(2, name="/e"))),
        ("parts of sources", lambda: make("p", layout(2)), lambda: make("p", layout(2, start=1))),
        ("shapes of virtual datasets", lambda: make("p", layout(2)), lambda: make("p", layout(3))),
        ("fill values of virtual datasets", lambda: make("p", layout(2), fillvalue=1),
         lambda: make("p", layout(2), fillvalue=2)),
        ("virtual or not", lambda: make("p", layout(2)), lambda: f.create_dataset("p", (2,), "f8")),
        ("elements of virtual datasets", lambda: g["v"].__setitem__(0, 1.0), lambda: g["x"].__setitem__(0, 1.0)),
        ("groups required", lambda: need("p"), lambda: need("q")),
        ("a group that is there", lambda: need("g"), lambda: need("p")),
        ("group or dataset required", lambda: need("p"), lambda: shape("p", (2,), "f8")),
        ("names required", lambda: shape("p", (2,), "f8"), lambda: shape("q", (2,), "f8")),
        ("shapes required", lambda: shape("p", (2,), "f8"), lambda: shape("p", (3,), "f8")),
        ("a dataset that is there", lambda: shape("d", (3, 4), "f8"), lambda: shape("p", (3, 4), "f8")),
        ("required and created", lambda: shape("p", (2,), "f8"), lambda: f.create_group("p")),
    ]


def more_errors(f, g):
    """(name, what fails on the last rank, what the others do)"""
    dims, x, shape = g["xy"].dims, g["x"], f.require_dataset
    return [
        ("a named type", lambda: f.__setitem__("t", np.dtype("O")), lambda: f.__setitem__("t", np.dtype("f8"))),
        ("a name of a scale", lambda: x.make_scale(3), lambda: x.make_scale("n")),
        ("a scale", lambda: dims[0].attach_scale(3), lambda: dims[0].attach_scale(x)),
        ("a scale that is not there", lambda: dims[0].detach_scale(x), lambda: dims[1].detach_scale(g["y"])),
        ("a label", lambda: setattr(dims[0], "label", 5), lambda: setattr(dims[0], "label", "p")),
        ("a region", lambda: f["d"].regionref[9], lambda: f["d"].regionref[0:2]),
        ("a virtual dataset", lambda: f.create_virtual_dataset(5, layout(2)),
         lambda: f.create_virtual_dataset("p", layout(2))),
        ("a required shape", lambda: shape("d", (4, 4), "f8"), lambda: shape("d", (3, 4), "f8")),
        ("a required type", lambda: shape("d", (3, 4), "c16"), lambda: shape("d", (3, 4), "f8")),
        ("a required group", lambda: f.require_group("d"), lambda: f.require_group("g")),
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
    for name, shape in (("x", (2,)), ("y", (3,)), ("xy", (2, 3))):
        g.create_dataset(name, shape, "f8")
    g["xy"].dims[1].attach_scale(g["y"])
    g["t"] = np.dtype("f8")
    f.create_virtual_dataset("g/v", layout(2))
    f.attrs["there"] = 5
    kinds = table(f, g) + more(f, g)
    inside, marked = sorted(g), sorted(g["xy"].attrs) + sorted(g["x"].attrs)
    check(len(kinds) >= 40, f"{len(kinds)} kinds of divergence")
    for name, mine, theirs in kinds:
        error = outcome(mine if rank == odd else theirs)
        text = str(error)
        named = f"rank {odd}: " in text and f"{HERE}:" in text
        check(isinstance(error, h5py.CollectiveError) and "ranks disagree" in text and named, name, repr(error))
        alike(text, f"{name}: the same text on all ranks")
    for name, mine, theirs in one_errs(f, g) + more_errors(f, g):
        error = outcome(mine if rank == odd else theirs)
        where = str(error) + "".join(getattr(error, "__notes__", []))
        check(error is not None and f"rank {odd}: " in where, f"one rank fails: {name}", repr(error))
    equal((sorted(f), sorted(g), sorted(f.attrs)), (["c", "d", "g"], inside, ["there"]), "nothing was done")
    equal((sorted(g["xy"].attrs) + sorted(g["x"].attrs), list(g.attrs)), (marked, []), "nor a scale made")
    equal(f["c"].shape, (5,), "nor resized")
    f["d"][0, 0] = 1.0
with h5py.File("table.h5", comm=comm) as f:
    equal(int(f.attrs["there"]), 5, "the file is whole")
problem = others_read("table.h5") if rank == 0 else ""
check(not problem, "and others read it", problem)
done()
