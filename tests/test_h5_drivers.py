"""File drivers: files of one process in memory, behind objects and in several files. ranks: 1 2 3"""

import io
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
PYTHON = os.environ.get("COLLIO_H5PY", "/usr/bin/python3")  # one that has h5py
HOME = f"drivers-{comm.size}-{comm.rank}"
NUMBERS = np.arange(3000.0).reshape(30, 100)
SEVERAL = (("split.h5", {"driver": "split"}), ("family%d.h5", {"driver": "family", "memb_size": 3000}))


def fill(f):
    f["a"] = NUMBERS
    f.create_dataset("c", data=NUMBERS, chunks=(7, 30), compression="gzip", shuffle=True)
    f["s"] = np.array(["x" * i for i in range(20)], dtype=object)
    f["hard"] = f["a"]
    f.attrs.update(n=3, r=f["a"].ref)
    f.create_dataset("grow", (0,), maxshape=(None,), chunks=(10,), dtype="i4")


def change(f):
    f["grow"].resize((25,))
    f["grow"][...] = np.arange(25)
    f["s"][1] = "longer" * 50
    f["new/one"] = np.arange(500)
    del f["hard"]


def is_filled(f):
    return ((f["a"][...] == NUMBERS).all() and (f["c"][...] == NUMBERS).all() and f["s"][19] == b"x" * 19
            and f[f.attrs["r"]] == f["a"] and f.attrs["n"] == 3)


def is_changed(f):
    return ((f["grow"][...] == np.arange(25)).all() and f["s"][1] == b"longer" * 50 and "hard" not in f
            and (f["new/one"][...] == np.arange(500)).all())


def test_names():
    """What a driver says, and where its files are."""
    for driver, said in (("sec2", "sec2"), ("stdio", "stdio"), ("core", "core"), (None, "sec2")):
        with h5py.File("plain.h5", "w", driver=driver) as f:
            fill(f)
            equal((f.driver, f.filename), (said, "plain.h5"), f"driver {driver}")
        with h5py.File("plain.h5", driver=driver) as f:
            check(is_filled(f), f"driver {driver}: read")
    with h5py.File("core.h5", "w", driver="core", backing_store=False, block_size=2048) as f:
        equal(f.id.get_access_plist().get_fapl_core(), (2048, False), "block_size and backing_store are told")
    check(not os.path.exists("core.h5"), "nothing on disk without backing_store")


def test_several():
    """Files in several ones: made, changed, read."""
    for name, given in SEVERAL:
        driver = given["driver"]
        said = {"split": "unknown", "family": "family"}[driver]
        for more in ({}, {"userblock_size": 1024}, {"libver": "latest"}):
            with h5py.File(name, "w", **given, **more) as f:
                fill(f)
                equal((f.driver, f.filename), (said, name), f"{driver}: names")
                f.flush()
                with h5py.File(name.replace(".", "-2."), "w", **given) as g:
                    g["beside"] = 1
                change(f)
            with h5py.File(name, "r", **given) as f:
                check(is_filled(f) and is_changed(f), f"{driver} {more}: read")
                equal(f.userblock_size, more.get("userblock_size", 0), f"{driver} {more}: user block")
            with h5py.File(name, "r+", **given) as f:
                del f["c"], f["grow"]
                f["late"] = np.ones(1000)
            with h5py.File(name, "a", **given) as f:
                equal(f["late"][...], np.ones(1000), f"{driver} {more}: changed again")
    equal(sorted(n for n in os.listdir() if n.startswith("split.")), ["split.h5-m.h5", "split.h5-r.h5"], "two files")
    equal(os.path.getsize("family1.h5"), 3000, "members have the size asked for")
    check(not [n for n in os.listdir() if n.startswith(".collio")], "nothing else is left")


def test_shrinking():
    """Members that are not needed any more are gone."""
    with h5py.File("less%d.h5", "w", driver="family", memb_size=1024) as f:
        f["a"] = np.zeros(5000)
    many = len([n for n in os.listdir() if n.startswith("less")])
    with h5py.File("less%d.h5", "w", driver="family", memb_size=1024) as f:
        f["a"] = 1
    few = len([n for n in os.listdir() if n.startswith("less")])
    check(many > 30 and few < 6, "a smaller file has fewer members", f"{many} {few}")


def test_modes():
    for name, given in (*SEVERAL, ("plain.h5", {"driver": "core"}), ("plain.h5", {"driver": "stdio"})):
        label = given["driver"]
        new = f"new-{label}-{name}"
        for mode in ("r", "r+"):
            raises(FileNotFoundError, "new-", h5py.File, new, mode, **given, name=f"{label}: {mode}, nothing there")
        with h5py.File(new, "a", **given) as f:
            f["kept"] = 1
        for mode in ("w-", "x"):
            raises(FileExistsError, "new-", h5py.File, new, mode, **given, name=f"{label}: {mode}, something there")
        with h5py.File(new, "a", **given) as f:
            equal((list(f), f.mode), (["kept"], "r+"), f"{label}: a, something there")
        with h5py.File(new, "r", **given) as f:
            raises(ValueError, "reading", f.create_group, "g", name=f"{label}: r is for reading")
        with h5py.File(new, "w", **given) as f:
            equal(list(f), [], f"{label}: w, something there")
    with h5py.File("plain.h5", "w", driver="core", backing_store=False) as f:
        f["other"] = 1
    check(os.path.exists("plain.h5"), "a file on disk stays what it is")
    with h5py.File("plain.h5", "r+", driver="core", backing_store=False) as f:
        check("other" not in f, "and is what is read")


def test_refused():
    raises(TypeError, "block_size", h5py.File, "x.h5", "w", block_size=3, name="a driver's keyword without it")
    raises(TypeError, "block_size", h5py.File, "x.h5", "w", driver="sec2", block_size=3, name="another driver's")
    raises(TypeError, "bytes", h5py.File, "x.h5", "w", driver="split", meta_ext="-m", name="an extension as str")
    raises(OverflowError, "-1", h5py.File, "x.h5", "w", driver="core", block_size=-1, name="a negative size")
    raises(OSError, "unique", h5py.File, "x.h5", "w", driver="family", name="a family without %d")
    raises(OSError, "unique", h5py.File, "x.h5", "w", driver="split", meta_ext=b"-a", raw_ext=b"-a",
           name="two members of one name")
    raises(ValueError, "nope", h5py.File, "x.h5", "w", driver="nope", name="an unknown driver")
    for name, given in SEVERAL:
        with h5py.File(name, "w", **given) as f:
            fill(f)
    raises(OSError, "size", h5py.File, "family%d.h5", driver="family", memb_size=2999, name="another size of members")
    kept = raises(OSError, "size", h5py.File, "family%d.h5", driver="family", name="the default size")
    with h5py.File("family%d.h5", "r+", driver="family", memb_size=3000):
        check(kept is not None, "an error that is kept locks nothing")
    raises(OSError, "", h5py.File, "family0.h5", name="a member alone")
    raises(OSError, "", h5py.File, "split.h5-m.h5", name="structure alone")
    raises(OSError, "", h5py.File, "plain%d.h5", driver="family", name="no family")
    shutil.copyfile("plain.h5", "plain.h5-m.h5")
    raises(FileNotFoundError, "plain.h5-r.h5", h5py.File, "plain.h5", driver="split", name="elements are missing")
    first = h5py.File("split.h5", "r+", driver="split")
    code = "import collio, sys; collio.File('split.h5', 'r+', driver='split')"
    alone = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "OMPI_", "PMIX_", "ORTE_", "HYDI_"))}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=alone)
    check("BlockingIOError" in result.stderr, "another process has it open", result.stderr)
    first.close()
    check(not [n for n in os.listdir() if n.startswith(".collio")], "nothing is left of what was refused")


def test_objects():
    behind = io.BytesIO()
    with h5py.File(behind, "w") as f:
        fill(f)
        f.flush()
        with h5py.File(io.BytesIO(behind.getvalue())) as g:
            check(is_filled(g), "BytesIO after flush()")
        change(f)
    with h5py.File(behind, driver="fileobj", fileobj=behind) as f:
        equal((f.driver, f.filename), ("fileobj", repr(behind)), "an object: names")
        check(is_filled(f) and is_changed(f), "BytesIO: read")
    with tempfile.TemporaryFile() as file:
        with h5py.File(file, "a") as f:
            fill(f)
        with h5py.File(file, "r+") as f:
            change(f)
        with h5py.File(file) as f:
            check(is_filled(f) and is_changed(f), "a temporary file")
    raises(ValueError, "fileobj", h5py.File, behind, fileobj=io.BytesIO(), name="two objects")
    raises(OSError, "", h5py.File, io.BytesIO(b"nothing"), name="an object that is no file of HDF5")
    with open("plain.h5", "rb") as file:
        raises(OSError, "writable", h5py.File, file, "r+", name="an object for reading only")

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "full")

    f = h5py.File(Full(), "w")
    f["a"] = 1
    raises(OSError, "full", f.close, name="an object that fails is told at close()")
    check(not f, "which is closed then")

    def leave():
        with h5py.File(behind, "w") as f:
            f["before"] = 1
            raise KeyError("within")

    raises(KeyError, "within", leave, name="an exception in the block")
    with h5py.File(behind) as f:
        equal(list(f), ["before"], "loses nothing")


def test_images():
    with h5py.File.in_memory(block_size=4096) as f:
        fill(f)
        f.flush()
        image = f.id.get_file_image()
        equal((f.driver, f.mode, f.id.get_access_plist().get_fapl_core()), ("core", "r+", (4096, False)), "in_memory()")
    for given in (image, memoryview(image), bytearray(image), np.frombuffer(image, "u1")):
        with h5py.File.in_memory(given) as f:
            check(is_filled(f), f"an image in {type(given).__name__}")
            change(f)
    raises(TypeError, "track_order", h5py.File.in_memory, image, track_order=True, name="how to make what is there")
    for name in ("name", "mode", "driver", "locking", "backing_store", "comm", "nope"):
        raises(TypeError, name, lambda: h5py.File.in_memory(**{name: None}), name=f"in_memory({name}=...)")
    raises(TypeError, "buffer", h5py.File.in_memory, "text", name="an image that is text")
    raises(OSError, "", h5py.File.in_memory, b"nothing", name="an image of nothing")
    with h5py.File(h5py.h5f.open_file_image(image)) as f:
        equal(f.mode, "r", "open_file_image()")
        check(is_filled(f), "open_file_image(): read")
        f.id.close()
    with h5py.File(h5py.h5f.open_file_image(image, h5py.h5f.FILE_IMAGE_OPEN_RW)) as f:
        equal(f.mode, "r+", "open_file_image(), to be changed")
        f.id.close()
    raises(RuntimeError, "image", h5py.h5f.open_file_image, b"nothing", name="open_file_image() of nothing")


def test_registered():
    check({"core", "family", "fileobj", "mpio", "sec2", "split", "stdio"} <= h5py.registered_drivers(), "drivers")
    seen = {}

    def mine(plist, **keywords):
        seen.update(keywords)
        plist.set_fapl_core(**keywords)
        plist.set_alignment(1024, 2048)

    h5py.register_driver("mine", mine)
    check("mine" in h5py.registered_drivers(), "register_driver()")
    with h5py.File("mine.h5", "w", driver="mine", backing_store=False, block_size=2048) as f:
        equal((f.driver, f.id.get_access_plist().get_alignment()), ("core", (1024, 2048)), "a driver of a program")
        check(f.create_dataset("d", (1024,), "f8").id.get_offset() % 2048 == 0, "its list is heeded")
    equal(seen, {"backing_store": False, "block_size": 2048}, "keywords get to it")
    check(not os.path.exists("mine.h5"), "and are heeded")
    h5py.register_driver("mine", lambda plist: 1 / 0)
    raises(ZeroDivisionError, "", h5py.File, "mine.h5", "w", driver="mine", name="one that fails")
    h5py.unregister_driver("mine")
    raises(KeyError, "mine", h5py.unregister_driver, "mine", name="unregister_driver()")
    raises(ValueError, "mine", h5py.File, "mine.h5", "w", driver="mine", name="it is gone")
    sec2 = h5py.drivers._drivers["sec2"]
    h5py.register_driver("sec2", lambda plist: plist.set_fapl_stdio())
    with h5py.File("mine.h5", "w", driver="sec2") as f:
        equal(f.driver, "stdio", "another meaning of a name")
    h5py.register_driver("sec2", sec2)


def test_lists():
    plist = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    raises(ValueError, "driver", plist.get_fapl_core, name="a list for another driver: core")
    raises(ValueError, "driver", plist.get_fapl_family, name="a list for another driver: family")
    plist.set_fapl_family(2000)
    equal((plist.get_driver(), plist.get_fapl_family()[0]), (h5py.h5fd.FAMILY, 2000), "set_fapl_family()")
    with h5py.File(h5py.h5f.create(b"list%d.h5", fapl=plist)) as f:
        fill(f)
        equal(f.id.get_access_plist().get_fapl_family()[0], 2000, "a family by h5f.create()")
        f.id.close()
    plist.set_fapl_split()
    equal(plist.get_driver(), h5py.h5fd.MULTI, "set_fapl_split()")
    h5py.h5f.create(b"list.h5", fapl=plist).close()
    check(os.path.exists("list.h5-m.h5"), "a split file by h5f.create()")


READER = """if True:
    import h5py, numpy as np
    numbers = np.arange(3000.0).reshape(30, 100)
    for name, given in (("split.h5", dict(driver="split")), ("family%d.h5", dict(driver="family", memb_size=3000))):
        with h5py.File(name, "r+", **given) as f:
            assert (f["a"][...] == numbers).all() and (f["c"][...] == numbers).all()
            assert f["s"][19] == b"x" * 19 and f[f.attrs["r"]] == f["a"]
            f["theirs"] = numbers
            f["c"][0] = 5
        with h5py.File("their-" + name, "w", **given) as f:
            f["a"] = numbers
            f.create_dataset("c", data=numbers, chunks=(7, 30), compression="gzip", shuffle=True)
            f["s"] = np.array(["x" * i for i in range(20)], dtype=object)
            f["hard"] = f["a"]
            f.attrs["n"] = 3
            f.attrs["r"] = f["a"].ref
            f.create_dataset("grow", (0,), maxshape=(None,), chunks=(10,), dtype="i4")
    print("fine")
"""


def test_dump():
    """HDF5's tool reads what we wrote."""
    if shutil.which("h5dump") is None:
        skip("h5dump", "there is none")
        return
    for name, given in SEVERAL:
        with h5py.File(name, "w", **given) as f:
            fill(f)
        command = ["h5dump", "-f", given["driver"], "-d", "/c", name]
        result = subprocess.run(command, capture_output=True, text=True)
        check(result.returncode == 0 and "2999" in result.stdout, f"h5dump: {given['driver']}", f"{result}")


def test_others():
    """HDF5's own drivers read what we wrote, change it, and write what we read."""
    plain = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith(
        ("PMI_", "OMPI_", "PMIX_", "ORTE_", "HYDI_", "MPIR_"))}
    has = os.path.exists(PYTHON) and not subprocess.run([PYTHON, "-c", "import h5py"], capture_output=True, env=plain
                                                        ).returncode
    if not comm.allreduce(has, op=MPI.LAND):
        skip("HDF5's own drivers", "no h5py")
        return
    for name, given in SEVERAL:
        with h5py.File(name, "w", **given) as f:
            fill(f)
    result = subprocess.run([PYTHON, "-c", READER], capture_output=True, text=True, env=plain)
    check(result.stdout == "fine\n", "HDF5 reads and changes files in several ones", result.stderr)
    for name, given in SEVERAL:
        with h5py.File(name, **given) as f:
            equal(f["theirs"][...], NUMBERS, f"{given['driver']}: what they have added")
            equal(f["c"][0], np.full(100, 5.0), f"{given['driver']}: what they have changed")
        with h5py.File("their-" + name, "r+", **given) as f:
            check(is_filled(f), f"{given['driver']}: theirs")
            change(f)
        with h5py.File("their-" + name, "r", **given) as f:
            check(is_filled(f) and is_changed(f), f"{given['driver']}: theirs, changed")


def test_together():
    """Drivers of one process are refused with a communicator, on all ranks alike."""
    for given in ({"driver": "core", "backing_store": False}, {"driver": "stdio"}, {"driver": "split"},
                  {"driver": "family", "memb_size": 1000}):
        name = f"together-{given['driver']}%d.h5"
        raises(ValueError, "one process", h5py.File, name, "w", comm=comm, **given, name=f"{given['driver']} and comm")
    raises(ValueError, "one process", h5py.File, io.BytesIO(), "w", comm=comm, name="an object and comm")
    odd = {"driver": "nope"} if comm.rank == comm.size - 1 else {}
    raises(ValueError, "nope", h5py.File, "together.h5", "w", comm=comm, **odd, name="one rank errs")
    odd = {"nope": 1} if comm.rank == 0 else {}
    raises(TypeError, "nope", h5py.File, "together.h5", "w", comm=comm, **odd, name="one rank has a keyword of its own")
    check(not os.path.exists("together.h5"), "nothing was made")


os.makedirs(HOME, exist_ok=True)
os.chdir(HOME)
for test in (test_names, test_several, test_shrinking, test_modes, test_refused, test_objects, test_images,
             test_registered, test_lists, test_dump, test_others, test_together):
    test()
comm.Barrier()
os.chdir("..")
shutil.rmtree(HOME)
done()
