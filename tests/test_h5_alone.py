"""One process alone, and files of other programs. ranks: 1"""

import collections.abc
import gc
import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises, skip

ALONE = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "OMPI_", "PMIX_", "ORTE_", "HYDI_", "MPIR_"))}


JOB = ALONE | {k: v for k, v in os.environ.items() if k.startswith("OMPI_ALLOW") or "oversubscribe" in k}


def run(code, python=sys.executable, environment=ALONE):
    return subprocess.run([python, "-c", code], capture_output=True, text=True, env=environment)


def test_lazy():
    """Importing the package does not start MPI; making a file does."""
    code = """if True:
        import sys, collio
        assert "collio._collio" not in sys.modules and "numpy" not in sys.modules
        collio.Part, collio.PerRank, collio.Decomposition
        from collio import _collio
        assert not _collio.Is_initialized()
        File = collio.File
        with File("lazy.h5", "w") as f:
            f["a"] = 1
        assert _collio.Is_initialized()
        with collio.Checkpoint("lazy") as c:
            c.save(1, t=2.0)
            assert c.restore()["t"] == 2.0
        print("fine")
    """
    result = run(code)
    check(result.stdout == "fine\n", "import collio starts nothing", result.stderr)


def test_unclosed():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        collio.File("unclosed.h5", "w")["a"] = [1, 2]
        gc.collect()
    check([w.category for w in seen] == [ResourceWarning], "an unclosed file gives a warning", str(seen))
    with collio.File("unclosed.h5") as f:
        equal(f["a"][...], np.array([1, 2]), "and is closed, by a process alone")
    dataset = collio.File("unclosed.h5")["a"]
    equal(dataset[1], np.int64(2), "a dataset keeps its file open")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        del dataset
    code = "import collio; f = collio.File('exit.h5', 'w'); f['a'] = 1; print('end')"
    result = run(code)
    check(result.returncode == 0 and result.stdout == "end\n", "an open file at exit", result.stderr)


def test_end_of_program():
    """Ranks that end with things open: they close together if all end, and do not hang if not."""
    code = """if True:
        import sys, time, collio
        from collio import MPI
        comm = MPI.COMM_WORLD
        steps = collio.Checkpoint("end", comm=comm)
        f = collio.File("end.h5", "w", comm=comm)
        f.create_group("a")
        steps.save(comm.size, t=1)
        if comm.size == 3 and comm.rank == 1:
            time.sleep(1)
            try:
                steps.save(9, t=1)
            except Exception as error:
                print(type(error).__name__, "rank 0" in str(error) or "ranks 0" in str(error))
    """
    if "MPIEXEC" not in os.environ:
        skip("the end of a program", "no MPIEXEC")
        return
    for size, said in ((2, ""), (3, "CollectiveError True\n")):
        job = [os.environ["MPIEXEC"], "-n", str(size), sys.executable, "-c", code]
        result = subprocess.run(job, capture_output=True, text=True, env=JOB, timeout=40)
        check(result.returncode == 0 and result.stdout == said, f"{size} ranks end", f"{result}")
        with collio.File("end.h5") as f:
            equal(list(f), ["a"], "nothing is lost")


def test_exception():
    def fail():
        with collio.File("exception.h5", "w") as f:
            f["a"] = 1
            raise LookupError("in the block")

    raises(LookupError, "in the block", fail, name="an exception goes on")
    with collio.File("exception.h5") as f:
        equal(list(f), ["a"], "and the file is closed")


def test_mappings():
    with collio.File("mappings.h5", "w") as f:
        check(isinstance(f, collections.abc.MutableMapping), "a group is a MutableMapping")
        check(isinstance(f.attrs, collections.abc.MutableMapping), "so are attributes")
        f.update(a=[1, 2], b=3)
        f.attrs.update({"x": 1, "y": "z"})
        equal(f.attrs.pop("x"), np.int64(1), "pop()")
        equal(f.attrs.pop("x", None), None, "pop() with a default")
        equal(f.attrs.setdefault("y", 5), "z", "setdefault()")
        f.clear()
        equal((len(f), len(f.attrs)), (0, 1), "clear()")
        raises(TypeError, "pickle", __import__("pickle").dumps, f, name="a file cannot be pickled")
        raises(TypeError, "", collio.Dataset, name="a Dataset is made by a Group")
        raises(ValueError, "open already", f.__init__, "other.h5", name="__init__ again")
    check(not collio.File.__new__(collio.File), "a file without __init__ is closed")


def test_threads():
    """Threads take turns in the library."""
    errors = []

    def work(number):
        try:
            with collio.File(f"thread{number}.h5", "w") as f:
                for i in range(30):
                    d = f.create_dataset(f"d{i}", (10, 10), "i4")
                    d[...] = number
                    d.attrs["i"] = i
                    if not (d[...] == number).all():
                        raise ValueError("other data")
        except Exception as exception:
            errors.append(exception)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(errors, [], "four threads with a file each")


H5PY = """if True:
    import h5py, numpy as np
    with h5py.File("theirs.h5", "w") as f:
        f["plain"] = np.arange(12.0).reshape(3, 4)
        f["big"] = np.arange(5, dtype=">i4")
        f.create_dataset("packed", data=np.arange(1000, dtype="u2"), chunks=(100,), compression="gzip")
        f["flags"] = np.array([True, False])
        f["z"] = np.array([1 + 2j, 3], "c8")
        f["text"] = "words"
        f["deep/down"] = 5
        f["link"] = h5py.SoftLink("/nowhere")
        f.attrs.update(n=3, s="Wort", fixed=np.bytes_("abc"), v=np.arange(3.0), none=h5py.Empty("f4"), strings=["a", "b"])
    with h5py.File("ours.h5", "r") as f:
        assert (f["u"][...] == np.arange(6.0).reshape(2, 3)).all()
        assert f["flags"].dtype == bool and list(f["flags"]) == [True, False]
        assert f["z"].dtype == "c16" and f["z"][1] == 2j
        assert f["s"][()] == 5 and f["s"].shape == () and f["e"].shape == (0, 3)
        assert f.attrs["text"] == "Höhe" and f.attrs["n"] == 3 and f.attrs["flag"] == True
        assert (f.attrs["v"] == [1, 2]).all() and f["g/h"].attrs["x"] == 1j
    print("fine")
"""


def test_others():
    with collio.File("ours.h5", "w") as f:
        f.update(u=np.arange(6.0).reshape(2, 3), flags=[True, False], z=[1, 2j], s=5, e=np.zeros((0, 3)))
        f.attrs.update(text="Höhe", n=3, flag=True, v=[1, 2])
        f.create_group("g/h").attrs["x"] = 1j
    python, plain = "/usr/bin/python3", {k: v for k, v in ALONE.items() if k != "PYTHONPATH"}
    if not os.path.exists(python) or run("import h5py", python, plain).returncode != 0:
        skip("h5py reads our files, we read theirs", "no h5py")
        return
    result = run(H5PY, python, plain)
    check(result.stdout == "fine\n", "h5py reads what we wrote", result.stderr)
    with collio.File("theirs.h5", "r+") as f:
        equal(f["plain"][1:], np.arange(4, 12.0).reshape(2, 4), "plain")
        equal(f["big"].dtype, np.dtype(">i4"), "big-endian: dtype")
        equal(f["big"][...], np.arange(5, dtype="i4"), "big-endian: elements")
        f["big"][0] = 77
        equal(f["big"][:2], np.array([77, 1], "i4"), "big-endian: written")
        equal(f["packed"][5:500:7], np.arange(1000, dtype="u2")[5:500:7], "chunked and compressed: read")
        raises(NotImplementedError, "packed", f["packed"].__setitem__, 0, 1, name="chunked and compressed: not written")
        equal(f["flags"][...], np.array([True, False]), "bool")
        equal(f["z"][...], np.array([1 + 2j, 3], "c8"), "complex")
        raises(NotImplementedError, "text", lambda: f["text"][()], name="text: not yet")
        equal(f["deep/down"][()], np.int64(5), "in a group")
        check("link" not in f and "link" in list(f), "a link that leads nowhere")
        equal(sorted(f.attrs), ["fixed", "n", "none", "s", "strings", "v"], "attributes")
        equal((f.attrs["n"], f.attrs["s"], f.attrs["fixed"]), (3, "Wort", "abc"), "numbers and texts")
        raises(NotImplementedError, "empty", lambda: f.attrs["none"], name="an empty attribute: not yet")
        raises((NotImplementedError, TypeError), "strings", lambda: f.attrs["strings"], name="several texts: not yet")
        names = []
        f.visit(names.append)
        equal(names, ["big", "deep", "deep/down", "flags", "packed", "plain", "text", "z"], "visit()")


test_lazy()
test_unclosed()
test_end_of_program()
test_exception()
test_mappings()
test_threads()
test_others()
done()
