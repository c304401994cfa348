"""When ranks differ or one of them fails: an error on all of them, and a whole file.

ranks: 2 3 4   limit: 120
"""

import os
import subprocess
import warnings

import numpy as np
import collio
from collio import MPI
from tap import alike, check, done, equal

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
HERE = os.path.basename(__file__)
odd = size - 1  # the rank that differs
others = "rank 0" if size == 2 else f"ranks 0, 1" if size == 3 else "ranks 0-2"


def outcome(call):
    """The exception of a call, or None."""
    try:
        call()
    except Exception as exception:
        return exception


def diverges(call, mine, theirs, name):
    """All ranks raise the same CollectiveError with both calls, ranks and lines in it."""
    error = outcome(call)
    text = str(error)
    check(isinstance(error, collio.CollectiveError) and "ranks disagree" in text and f"rank {odd}: " in text
          and f"{others}: " in text and mine in text and theirs in text and text.count(f"{HERE}:") == 2,
          name, repr(error))
    alike(text, f"{name}: the same text on all ranks")


def one_errs(call, kind, text, name):
    """Rank `odd` raises its own exception, the others the same kind with its rank and line."""
    error = outcome(call)
    where = str(error) + "".join(getattr(error, "__notes__", []))
    check(isinstance(error, kind) and text in str(error) and f"rank {odd}: " in where and f"{HERE}:" in where,
          name, repr(error))


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def whole(path, names):
    """The file opens, here and with the tools of others, and holds these names."""
    with collio.File(path, comm=comm) as f:
        equal(sorted(f), sorted(names), f"{path} holds what it should")
    code = f"import h5py; f = h5py.File('{path}', 'r'); assert sorted(f) == {sorted(names)}, list(f)"
    wrong = ""
    if rank == 0:
        wrong = read_by(["h5dump", path]) + read_by(["/usr/bin/python3", "-c", code], needs="import h5py")
    check(not wrong, f"other programs read {path}", wrong)


def read_by(command, needs=None):
    """What went wrong when another program read a file; nothing if it is not there."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "PYTHONPATH", "OMPI_", "PMIX_"))}
    try:
        if needs and subprocess.run([command[0], "-c", needs], capture_output=True, env=environment).returncode:
            return ""
        run = subprocess.run(command, capture_output=True, text=True, env=environment)
    except FileNotFoundError:
        return ""
    return run.stderr if run.returncode != 0 else ""


def test_divergence():
    with collio.File("diverge.h5", "w", comm=comm) as f:
        f.create_dataset("d", (4, 4), "f8")
        diverges(lambda: f.create_dataset(if_odd("other", "name"), (3,), "f8"), "'other'", "'name'", "names")
        diverges(lambda: f.create_dataset("x", if_odd((4,), (3,)), "f8"), "4", "3", "shapes")
        diverges(lambda: f.create_dataset("x", (3,), if_odd("f4", "f8")), "f4", "f8", "types")
        diverges(lambda: f.create_group("x") if rank == odd else f.create_dataset("x", (3,)),
                 "create_group", "create_dataset", "calls")
        diverges(lambda: f.create_group(if_odd("p", "q")), "'p'", "'q'", "groups")
        diverges(lambda: f.attrs.__setitem__("a", if_odd(1, 2)), "'a'", "'a'", "attributes")
        diverges(lambda: f.attrs.__setitem__("a", if_odd("one", 2)), "'a'", "'a'", "kinds of attributes")
        diverges(lambda: f.flush() if rank == odd else f["d"].__setitem__(0, 1), "flush", "write", "flush and write")
        diverges(lambda: f["d"][0] if rank == odd else f["d"].__setitem__(0, 1), "read", "write", "read and write")
        diverges(lambda: f.__delitem__("d") if rank == odd else f.create_group("x"), "d", "x", "del and create")
        diverges(lambda: f.close() if rank == odd else f.create_group("x"), "close", "create_group", "close early")
        check(f and "d" in f and "x" not in f, "the file stays usable, and nothing was done")
        f.create_group("x")
        f["d"][rank] = rank
    whole("diverge.h5", ["d", "x"])


def test_one_errs():
    class Strange:
        def __array__(self, *args, **keywords):
            raise LookupError("no numbers here")

    with collio.File("errs.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", (4, 4), "f8")
        one_errs(lambda: d.__setitem__(if_odd(7, 0), 1), IndexError, "out of range", "a bad index to write to")
        one_errs(lambda: d[if_odd(7, 0)], IndexError, "out of range", "to read from")
        one_errs(lambda: d.__setitem__(0, if_odd(np.zeros(3), 1)), TypeError, "broadcast", "a bad shape")
        one_errs(lambda: d.__setitem__(0, if_odd("text", 1)), (ValueError, TypeError), "", "a bad value")
        one_errs(lambda: d[if_odd([2, 1], 0)], TypeError, "increasing", "a bad kind of index")
        one_errs(lambda: f.create_dataset("x", if_odd("shape", 3)), TypeError, "shape", "a bad shape to create")
        one_errs(lambda: f.create_dataset(if_odd(5, "x"), 3), TypeError, "str", "a bad name")
        one_errs(lambda: f.create_dataset("x", 3, **if_odd({"chunks": (0,)}, {})), ValueError, "hunk",
                 "a bad option")
        one_errs(lambda: f.attrs.__setitem__("a", if_odd(object(), 1)), TypeError, "", "a bad attribute")
        one_errs(lambda: f.require_group(if_odd("d", "x")), TypeError, "Incompatible", "require_group of a dataset")
        one_errs(lambda: d.read_direct(np.zeros(if_odd((2, 2), (4, 4)))), TypeError, "broadcast", "memory too small")
        kind = if_odd(LookupError, collio.CollectiveError)
        one_errs(lambda: d.__setitem__(0, if_odd(Strange(), 1)), kind, "no numbers here", "an exception of another kind")
        equal(list(f), ["d"], "nothing was done")
        d[rank] = 1
    one_errs(lambda: collio.File("errs.h5", if_odd("q", "r"), comm=comm), ValueError, "mode", "a bad mode")
    one_errs(lambda: collio.File("errs.h5", "w", userblock_size=if_odd("big", None), comm=comm), ValueError, "",
             "a bad option")
    whole("errs.h5", ["d"])


def test_skipped_create():
    """One rank skips a create and goes on to close: both calls fail, and the file is closed."""

    def run():
        with collio.File("skipped.h5", "w", comm=comm) as f:
            f.create_dataset("first", (3,))
            if rank != odd:
                f.create_dataset("second", (3,))

    diverges(run, "close", "create_dataset", "a skipped create")
    whole("skipped.h5", ["first"])


def test_all_raise():
    """The same exception on all ranks: the file is closed as usual."""

    def run():
        with collio.File("all.h5", "w", comm=comm) as f:
            f.create_dataset("first", (3,))
            raise LookupError("everywhere")

    error = outcome(run)
    check(isinstance(error, LookupError), "the exception goes on", repr(error))
    whole("all.h5", ["first"])


def test_one_raises():
    """An exception on one rank: it goes on there, the others learn of it, nothing is lost."""

    def run():
        with collio.File("one.h5", "w", comm=comm) as f:
            d = f.create_dataset("first", (4, 4))
            f.flush()
            f.create_dataset("second", (3,))
            if rank == odd:
                raise LookupError("only here")
            d[0] = 1

    error = outcome(run)
    wanted = LookupError if rank == odd else collio.CollectiveError
    check(isinstance(error, wanted) and "only here" in str(error), "an exception on one rank", repr(error))
    check(rank == odd or f"rank {odd}" in str(error), "the others learn whose", repr(error))
    whole("one.h5", ["first", "second"])


def test_one_alone():
    """A rank that writes while the others raise."""

    def run():
        with collio.File("lonely.h5", "w", comm=comm) as f:
            d = f.create_dataset("d", (4,))
            f.flush()
            if rank != odd:
                raise LookupError("not there")
            d[0] = 1

    error = outcome(run)
    check(isinstance(error, LookupError if rank != odd else collio.CollectiveError), "one rank alone", repr(error))
    check("not there" in str(error), "learns why", repr(error))
    whole("lonely.h5", ["d"])


def test_dropped():
    """A file that one rank lets go of without closing."""
    f = collio.File("dropped.h5", "w", comm=comm)
    f.create_group("kept")
    f.flush()
    f.create_group("lost")
    if rank == odd:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            f = None
        check(any(w.category is ResourceWarning and "dropped.h5" in str(w.message) for w in seen), "a warning")
    else:
        error = outcome_quiet(f)
        check(f"rank {odd}" in str(error) and "without a close" in str(error), "a warning", repr(error))
    whole("dropped.h5", ["kept"])


def test_missing():
    """A rank that does not come: the others name it after the timeout, and so does it when it comes."""
    f = collio.File("missing.h5", "w", comm=comm)
    d = f.create_dataset("d", (4, 4))
    f.flush()
    f.create_group("lost")
    comm.Barrier()
    if rank == odd:
        comm.Barrier()
    collio.rc.timeout = 1.5
    error = outcome(lambda: d.__setitem__(0, 1))
    collio.rc.timeout = 600
    if rank != odd:
        comm.Barrier()
    check(isinstance(error, collio.CollectiveTimeout), "a rank that does not come", repr(error))
    check(rank == odd or f"rank {odd}" in str(error), "is named", repr(error))
    check(isinstance(outcome(lambda: d[0]), collio.CollectiveTimeout), "the file is of no use any more")
    outcome(f.close)
    check(not f, "and closes at once")
    comm.Barrier()
    whole("missing.h5", ["d"])


def outcome_quiet(f):
    try:
        f.close()
    except Exception as exception:
        return exception


test_divergence()
test_one_errs()
test_skipped_create()
test_all_raise()
test_one_raises()
test_one_alone()
test_dropped()
test_missing()
done()
