"""Attributes from Python. ranks: 1 2 4"""

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
VALUES = {
    "int": 3,
    "float": 0.1,
    "bool": True,
    "complex": 1 + 2j,
    "text": "Größe",
    "none": "",
    "list": [1.5, 2.5],
    "nested": [[1, 2], [3, 4]],
    "turned": np.arange(6, dtype="i2").reshape(2, 3).T,
    "big": np.arange(3, dtype=">f4"),
    "small": np.uint8(7),
    "zero": np.zeros((0, 2), "i4"),
}


def wanted(value):
    if isinstance(value, str):
        return value
    return np.asarray(value)[()]


def test_on(thing):
    for name, value in VALUES.items():
        thing.attrs[name] = value
        equal(thing.attrs[name], wanted(value), f"{thing.name}: {name}")
    attrs = thing.attrs
    equal(sorted(attrs), sorted(VALUES), "iteration")
    equal(len(attrs), len(VALUES), "len()")
    check("int" in attrs and "other" not in attrs, "in")
    equal(dict(attrs.items())["text"], "Größe", "items()")
    equal(attrs.get("other", 5), 5, "get() with a default")
    attrs["int"] = "now a text"
    equal(attrs["int"], "now a text", "replaced by another kind")
    del attrs["int"]
    check("int" not in attrs and len(attrs) == len(VALUES) - 1, "del")
    attrs.create("made", [1, 2, 3, 4], shape=(2, 2), dtype="f4")
    equal(attrs["made"], np.array([[1, 2], [3, 4]], "f4"), "create()")
    attrs.modify("made", [[5, 6], [7, 8]])
    equal(attrs["made"], np.array([[5, 6], [7, 8]], "f4"), "modify() keeps the type")
    attrs.modify("fresh", 1)
    equal(attrs["fresh"], np.int64(1), "modify() of none creates")
    raises(KeyError, "can't locate attribute: 'other'", lambda: attrs["other"], name="no such attribute")
    raises(KeyError, "other", attrs.__delitem__, "other", name="del of none")
    raises(TypeError, "", attrs.__setitem__, "object", object(), name="an object is refused")
    raises(TypeError, "", attrs.__setitem__, 5, 1, name="a name that is none")
    raises(ValueError, "NUL", attrs.__setitem__, "nul", "a\0b", name="a text with NUL")
    raises(ValueError, "", attrs.create, "shape", [1, 2], shape=(3,), name="a shape that does not fit")
    check("object" not in attrs and "shape" not in attrs, "nothing of that is there")


with collio.File("attributes.h5", "w", comm=comm) as file:
    test_on(file)
    test_on(file.create_group("group"))
    test_on(file.create_dataset("dataset", (3,)))
    if size > 1:
        raises(collio.CollectiveError, ("ranks disagree", "test_h5_attribute.py:"),
               lambda: file.attrs.__setitem__("rank", rank), name="other values on the ranks")
        check("rank" not in file.attrs, "are not written")
with collio.File("attributes.h5", comm=comm) as file:
    equal(file["group"].attrs["text"], "Größe", "after reopening")
    equal(file["dataset"].attrs["turned"], VALUES["turned"], "array after reopening")
    raises(OSError, "read", file.attrs.__setitem__, "x", 1, name="writing to a file opened with r")
done()
