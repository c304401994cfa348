"""Groups as mappings: links of all kinds, views, moves, copies, orders of creation, and one rank erring.

ranks: 1 2 3 4   limit: 120
"""

import pickle

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def test_links():
    with h5py.File("links.h5", "w", comm=comm) as f:
        g = f.create_group("g/below")
        f["d"] = np.arange(6).reshape(2, 3)
        f["again"] = f["d"]
        f["soft"] = h5py.SoftLink("/g/below")
        f["away"] = h5py.ExternalLink("missing.h5", "/x")
        f["nowhere"] = h5py.SoftLink("none")
        equal(f["again"], f["d"], "a hard link leads to the same dataset")
        equal(f["soft"], g, "a soft link to the group")
        equal(f["soft"].name, "/soft", "under its own name")
        check("nowhere" in f and "away" in f and "never" not in f and b"d" in f and "" not in f, "in")
        equal(f.get("nowhere"), None, "get() of a link to nothing")
        equal(f.get("nowhere", 3), 3, "with a default")
        raises(KeyError, "nowhere", lambda: f["nowhere"], name="a link to nothing")
        raises(KeyError, "away", lambda: f["away"], name="a link to no file")
        raises(TypeError, "bytes or str", lambda: f[1], name="a name that is none")
        equal(f.get("soft", getlink=True).path, "/g/below", "getlink")
        link = f.get("away", getlink=True)
        equal((link.filename, link.path), ("missing.h5", "/x"), "of another file")
        equal(repr(link), '<ExternalLink to "/x" in file "missing.h5"', "repr of a link")
        check(isinstance(f.get("d", getlink=True), h5py.HardLink), "of an object")
        classes = [f.get(name, getclass=True, getlink=True) for name in ("d", "soft", "away", "never")]
        equal(classes, [h5py.HardLink, h5py.SoftLink, h5py.ExternalLink, None], "classes of links")
        equal([f.get(n, getclass=True) for n in ("d", "g")], [h5py.Dataset, h5py.Group], "classes of objects")
        raises(OSError, "exists", f.__setitem__, "d", h5py.SoftLink("/g"), name="a link where a name is")
        raises(OSError, "exists", f.__setitem__, "d", [1], name="an array where a name is")
        raises(KeyError, "never", f.__delitem__, "never", name="del of no name")
        del f["nowhere"], f["away"]
        equal(list(f), ["again", "d", "g", "soft"], "what is left")
    with h5py.File("links.h5", "r", comm=comm) as f:
        equal(f["again"][...], np.arange(6).reshape(2, 3), "read again through a hard link")
        raises(KeyError, "reading only", f.__delitem__, "d", name="del in a file for reading")
        raises(OSError, "reading only", f.__setitem__, "x", h5py.SoftLink("/"), name="a link in one")
        raises(ValueError, "reading only", f.__setitem__, "x", [1], name="an array in one")


def test_external():
    with h5py.File("target.h5", "w", comm=comm) as f:
        f["deep/data"] = np.arange(10.0)
    with h5py.File("source.h5", "w", comm=comm) as f:
        f["data"] = h5py.ExternalLink("target.h5", "/deep/data")
        f["deep"] = h5py.ExternalLink("target.h5", "/deep")
        equal(f["data"][rank : rank + 2], np.array([rank, rank + 1.0]), "data of another file")
        equal(list(f["deep"]), ["data"], "a group of another file")
        raises((OSError, ValueError), "another file", f["data"].__setitem__, 0, 1.0, name="which cannot be written")
        raises(ValueError, "another file", f.create_group, "deep/new", name="nor grow")
        f.copy("data", "mine", expand_external=True)
        equal(f["mine"][...], np.arange(10.0), "but be copied")


def test_views():
    with h5py.File("views.h5", "w", comm=comm) as f:
        for name in "bca":
            f.create_group(name)
        f["nowhere"] = h5py.SoftLink("x")
        equal(list(f.keys()), ["a", "b", "c", "nowhere"], "keys()")
        equal(list(f.values())[:2], [f["a"], f["b"]], "values()")
        equal(list(f.values())[3], None, "None for a link to nothing")
        equal(list(f.items())[0], ("a", f["a"]), "items()")
        check(("a", f["a"]) in f.items() and ("a", f["b"]) not in f.items(), "in items()")
        check(f["b"] in f.values() and f not in f.values(), "in values()")
        equal((len(f.keys()), len(f.values()), len(f.items())), (4, 4, 4), "their lengths")
        equal(list(reversed(f)), ["nowhere", "c", "b", "a"], "reversed()")
        equal(list(reversed(f.keys())), ["nowhere", "c", "b", "a"], "reversed keys()")
        equal(repr(f.keys()), "<KeysViewHDF5 ['a', 'b', 'c', 'nowhere']>", "repr")
        equal(f.keys() & {"a", "z"}, {"a"}, "a view is a set")
        check(f == f["/"] and hash(f) == hash(f["/"]) and f["a"] != f["b"], "equality")
        check(f["a"].file == f and f["a"].parent == f, "file and parent")
        raises(TypeError, "pickled", pickle.dumps, f, name="pickling a file")
        raises(TypeError, "pickled", pickle.dumps, f["a"], name="pickling a group")


def test_order():
    with h5py.File("order.h5", "w", comm=comm, track_order=True) as f:
        for name in "cab":
            f.create_group(name)
            f.attrs[name] = 1
        equal(list(f), ["c", "a", "b"], "a file in order of creation")
        equal(list(f.attrs), ["c", "a", "b"], "its attributes too")
        g = f.create_group("g")
        o = f.create_group("o", track_order=True)
        for name in "zy":
            g.create_group(name)
            o.create_group(name)
        equal((list(g), list(o)), (["y", "z"], ["z", "y"]), "groups with and without")
        equal(list(reversed(o)), ["y", "z"], "reversed()")
        h5py.get_config().track_order = True
        t = f.create_group("t")
        h5py.get_config().track_order = False
        t.create_group("z"), t.create_group("y")
        equal(list(t), ["z", "y"], "as configured")
    with h5py.File("order.h5", comm=comm) as f:
        equal(list(f), ["c", "a", "b", "g", "o", "t"], "still so when read")
        seen = []
        f["o"].visit(seen.append)
        equal(seen, ["y", "z"], "visit() goes by names")


def test_visit():
    with h5py.File("visit.h5", "w", comm=comm) as f:
        f.create_group("a/b")
        f["a/hard"] = f["a/b"]
        f["a/loop"] = f["a"]
        f["soft"] = h5py.SoftLink("/a")
        seen, links = [], []
        f.visit(seen.append)
        equal(seen, ["a", "a/b"], "visit(): every object once, no links")
        f.visit_links(links.append)
        equal(links, ["a", "a/b", "a/hard", "a/loop", "soft"], "visit_links(): every name once")
        found = f.visititems_links(lambda name, link: link.path if isinstance(link, h5py.SoftLink) else None)
        equal(found, "/a", "visititems_links()")
        equal(f.visit_links(lambda name: name if "hard" in name else None), "a/hard", "that ends early")


def test_move_copy():
    with h5py.File("move.h5", "w", comm=comm) as f:
        g = f.create_group("g")
        g["d"] = np.arange(5)
        g["d"].attrs["unit"] = "m"
        f.move("g", "new/place")
        equal(g.name, "/new/place", "move(), seen by an open group")
        f.move("new", "new")
        raises(ValueError, "never", f.move, "never", "x", name="move() of nothing")
        f.copy("new/place", "copied")
        equal(f["copied/d"][...], np.arange(5), "copy() of a group")
        equal(f["copied/d"].attrs["unit"], "m", "with attributes")
        f.copy(g["d"], f["copied"], name="e", without_attrs=True)
        equal(len(f["copied/e"].attrs), 0, "a dataset into a group, without attributes")
        f.copy(g, f["copied"])
        equal(list(f["copied"]), ["d", "e", "place"], "under its own name")
        f.copy("new", "flat", shallow=True)
        equal(len(f["flat/place"]), 0, "shallow")
        f["copied/d"][0] = 77
        equal((f["copied/d"][0], g["d"][0]), (np.int64(77), np.int64(0)), "copies are their own")
        raises(RuntimeError, "exists", f.copy, "new", "copied", name="copy() onto something")
        raises(RuntimeError, "never", f.copy, "never", "x", name="copy() of nothing")
        raises(TypeError, "Destination", f.copy, g, g["d"], name="copy() to a dataset")
        with h5py.File("move2.h5", "w", comm=comm) as other:
            f.copy(g, other)
            other.copy(g["d"], "d")
            equal((list(other), other["place/d"][...].sum()), (["d", "place"], np.int64(10)), "to another file")
        del f["new"]
        check(g.name is None and g and repr(g) == "<HDF5 group (anonymous) (1 members)>", "a group without a name")
        f["back"] = g
        equal((g.name, list(f["back"])), ("/back", ["d"]), "comes back")
        a = f.create_group(None)
        equal(a.name, None, "a group made without one")
        raises(ValueError, "anonymous", lambda: a.parent, name="has no parent")
        f["a"] = a
        equal(f["a"], a, "gets a name")


def test_types():
    struct = np.dtype([("x", "f8"), ("n", "i4")])
    with h5py.File("types.h5", "w", comm=comm) as f:
        f["g/real"] = np.dtype("f4")
        f["struct"] = struct
        f["struct"].attrs["note"] = "a named type"
        check(isinstance(f["g/real"], h5py.Datatype) and f.get("struct", getclass=True) is h5py.Datatype, "named types")
        equal((f["g/real"].dtype, f["struct"].dtype), (np.dtype("f4"), struct), "their dtypes")
        equal(f["g/real"].name, "/g/real", "their names")
        raises(TypeError, "exists", f.__setitem__, "struct", np.dtype("f4"), name="where a name is")
        raises(TypeError, "", f.__setitem__, "x", if_odd(np.dtype("U3"), np.dtype("f4")), name="a type HDF5 has not")
        if size > 1:
            kind = np.dtype(if_odd("f4", "f8"))
            raises(h5py.CollectiveError, "disagree", f.__setitem__, "x", kind, name="two types")
        equal(sorted(f), ["g", "struct"], "nothing was done")
        made = f.create_dataset("chunked", (10, 4), "i2", chunks=(5, 2), maxshape=(None, 4), compression="gzip",
                                fillvalue=7)
        like = f.create_dataset_like("like", made, shape=(3, 4))
        equal((like.shape, like.dtype, like.chunks, like.maxshape, like.compression),
              ((3, 4), np.dtype("i2"), (5, 2), (None, 4), "gzip"), "create_dataset_like()")
        equal(like[0, 0], np.int16(7), "with the fill value")
        plain = f.create_dataset_like("plain", f.create_dataset("p", (3,), "f8"))
        equal((plain.chunks, plain.dtype), (None, np.dtype("f8")), "of a plain one")
    with h5py.File("types.h5", comm=comm) as f:
        equal((f["struct"].dtype, f["struct"].attrs["note"]), (struct, "a named type"), "after reopening")


def test_one_errs():
    with h5py.File("errs.h5", "w", comm=comm) as f:
        f.create_group("g")
        raises(TypeError, "name", f.__setitem__, if_odd(5, "x"), h5py.SoftLink("/g"), name="a bad name")
        raises(TypeError, "name", f.move, if_odd(5, "g"), "h", name="to move")
        raises(TypeError, "", f.copy, if_odd(object(), "g"), "h", name="to copy")
        raises(TypeError, "", f.__delitem__, if_odd(None, "g"), name="to delete")
        raises(TypeError, "", f.create_group, if_odd(3, "x"), name="to create")
        if size > 1:
            wrong = h5py.CollectiveError
            raises(wrong, "disagree", f.__setitem__, "x", if_odd(h5py.SoftLink("/g"), f["g"]), name="two kinds of links")
            raises(wrong, "disagree", f.__setitem__, "x", h5py.SoftLink(if_odd("/g", "/h")), name="two paths")
            raises(wrong, "disagree", f.move, "g", if_odd("g", "h"), name="two destinations")
            raises(wrong, "disagree", f.copy, "g", "h", shallow=rank == odd, name="two depths")
            raises(wrong, "disagree", f.create_group, "x", track_order=rank == odd, name="two orders")
            raises(wrong, "disagree", f.create_group, if_odd(None, "x"), name="with a name and without")
        equal(list(f), ["g"], "nothing was done")


test_links()
test_external()
test_views()
test_order()
test_visit()
test_move_copy()
test_types()
test_one_errs()
done()
