"""What HDF5 refuses leaves the file usable, with the same error on all ranks. ranks: 1 2 3"""

import numpy as np

import collio
from collio import MPI
from tap import alike, check, done, equal, raises

comm = MPI.COMM_WORLD
MANY = np.dtype([(f"field {i}", "i4") for i in range(5000)])

REFUSED = (
    ("the root deleted", lambda f: f.__delitem__("/")),
    ("other files that are too small", lambda f: f.create_dataset("e", (10,), external=[("refused.raw", 0, 20)])),
    ("an enumeration of nothing", lambda f: f.create_dataset("n", (2,), dtype=collio.enum_dtype({}, "u2"))),
    ("a type of too many fields", lambda f: f.create_dataset("m", (1,), dtype=MANY)),
    ("an attribute name that is too long", lambda f: f.attrs.create("y" * 70000, 1)),
    ("the root moved", lambda f: f.move("/", "b")),
)


def test_refused(f, name, call):
    error = raises(Exception, "", call, f, name=f"{name}: refused")
    alike(str(error), f"{name}: with the same words")
    f.attrs["after"] = name
    f[name] = np.arange(3)
    equal(f[name][1], np.int64(1), f"{name}: the file goes on")


with collio.File("refused.h5", "w", comm=comm) as file:
    for what, how in REFUSED:
        test_refused(file, what, how)
with collio.File("refused.h5", comm=comm) as file:
    equal(sorted(file), sorted(what for what, _ in REFUSED), "and has what was made, nothing else")
    check(file.attrs["after"] == REFUSED[-1][0], "with its attribute")
done()
