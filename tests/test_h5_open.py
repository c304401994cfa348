"""Opening files: modes, options and their effect, exceptions, files in memory, and one rank erring.

ranks: 1 2 3   limit: 120
"""

import io
import os
import pathlib

import numpy as np
import collio as h5py
from collio import MPI
from tap import alike, check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def on_root(action):
    if rank == 0:
        action()
    comm.Barrier()


def test_modes():
    def make_odd_ones():
        pathlib.Path("text.h5").write_text("no HDF5 " * 100)
        os.makedirs("a-directory", exist_ok=True)
        for name in ("new.h5", "other.h5"):
            if os.path.exists(name):
                os.unlink(name)

    on_root(make_odd_ones)
    raises(FileNotFoundError, "new.h5", h5py.File, "new.h5", comm=comm, name="r of nothing")
    raises(FileNotFoundError, "new.h5", h5py.File, "new.h5", "r+", comm=comm, name="r+ of nothing")
    raises(FileNotFoundError, "", h5py.File, "no-directory/new.h5", "w", comm=comm, name="w in no directory")
    raises(IsADirectoryError, "a-directory", h5py.File, "a-directory", comm=comm, name="r of a directory")
    raises(OSError, "text.h5", h5py.File, "text.h5", comm=comm, name="r of a text")
    raises(OSError, "text.h5", h5py.File, "text.h5", "a", comm=comm, name="a of a text")
    equal(pathlib.Path("text.h5").stat().st_size, 800, "which stays as it is")
    raises(ValueError, "mode", h5py.File, "new.h5", "rb", comm=comm, name="a mode that is none")
    for mode, again, name in (("a", "r+", b"new.h5"), ("x", "r+", pathlib.Path("other.h5"))):
        with h5py.File(name, mode, comm=comm) as f:
            f.attrs["mode"] = mode
            equal((f.mode, f.filename), (again, os.fsdecode(name)), f"{mode} creates")
    raises(FileExistsError, "new.h5", h5py.File, "new.h5", "x", comm=comm, name="x of a file that is there")
    raises(FileExistsError, "new.h5", h5py.File, "new.h5", "w-", comm=comm, name="w- as well")
    with h5py.File("new.h5", "a", comm=comm) as f:
        equal(f.attrs["mode"], "a", "a opens")
    with h5py.File("new.h5", comm=comm) as f:
        equal(f.mode, "r", "r is the default")
    check(h5py.is_hdf5("new.h5") and h5py.is_hdf5(pathlib.Path("new.h5")), "is_hdf5() of one")
    check(not h5py.is_hdf5("text.h5") and not h5py.is_hdf5("nothing.h5"), "and of others")


def test_options():
    with h5py.File("user.h5", "w", comm=comm, userblock_size=1024, meta_block_size=8192) as f:
        f["d"] = np.arange(3)
        equal((f.userblock_size, f.meta_block_size), (1024, 8192), "user block, metadata block")
        equal(f["d"].id.get_offset() >= 1024, True, "elements are behind it")
    on_root(lambda: pathlib.Path("user.h5").open("r+b").write(b"mine" * 256))
    with h5py.File("user.h5", "a", comm=comm, userblock_size=1024) as f:
        equal(f["d"][...], np.arange(3), "a user block is the user's")
    check(h5py.is_hdf5("user.h5"), "is_hdf5() behind a user block")
    raises(ValueError, "match", h5py.File, "user.h5", "a", comm=comm, userblock_size=512, name="another size")
    raises(ValueError, "creating", h5py.File, "user.h5", "r", comm=comm, userblock_size=1024, name="with r")
    raises(ValueError, "power of two", h5py.File, "x.h5", "w", comm=comm, userblock_size=513, name="an odd size")
    raises(ValueError, "integer", h5py.File, "x.h5", "w", comm=comm, userblock_size="big", name="no size")
    with h5py.File("align.h5", "w", comm=comm, alignment_threshold=1000, alignment_interval=4096) as f:
        f["small"] = np.zeros(10)
        f["big"] = np.zeros(1000)
        equal(f["big"].id.get_offset() % 4096, 0, "alignment")
    newest = h5py.File("new.h5", comm=comm).libver[1]
    for libver, wanted in (("earliest", ("earliest", newest)), ("v108", ("v108", newest)),
                           ("latest", (newest, newest)), (("v108", "v110"), ("v108", "v110"))):
        with h5py.File("libver.h5", "w", comm=comm, libver=libver) as f:
            equal(f.libver, wanted, f"libver {libver}")
            if wanted[0] != "earliest":
                f.attrs["big"] = np.arange(100000)
                equal(f.attrs["big"][-1], np.int64(99999), "an attribute of more than 64 KiB")
    raises(KeyError, "libver", h5py.File, "x.h5", "w", comm=comm, libver="v7", name="no libver")
    for names in (("v110", "v108"), ("latest", "earliest")):
        raises(ValueError, "first", h5py.File, "x.h5", "w", comm=comm, libver=names, name="in the wrong order")
    accepted = dict(rdcc_nslots=1, rdcc_nbytes=2, rdcc_w0=0.5, fs_strategy="page", fs_persist=True, fs_threshold=1,
                    fs_page_size=4096, page_buf_size=4096, locking="best-effort", info=MPI.INFO_NULL,
                    transfer="direct", track_times=False)
    with h5py.File("accepted.h5", "w", comm=comm, **accepted) as f:
        check(f.driver == "mpio" and not f.swmr_mode and not f.atomic, "h5py's options are accepted")
        f.atomic = True
        equal(f.atomic, True, "atomic")
    raises(ValueError, "strategy", h5py.File, "x.h5", "w", comm=comm, fs_strategy="x", name="a strategy that is none")
    raises(ValueError, "existing", h5py.File, "new.h5", "r", comm=comm, fs_strategy="page", name="for a file there is")
    raises(ValueError, "locking", h5py.File, "x.h5", "w", comm=comm, locking="x", name="locking that is none")
    raises(ValueError, "transfer", h5py.File, "x.h5", "w", comm=comm, transfer="x", name="transfer that is none")
    raises(TypeError, "nonsense", h5py.File, "x.h5", "w", comm=comm, nonsense=1, name="an unknown option")
    raises(ValueError, "nope", h5py.File, "x.h5", "w", comm=comm, driver="nope", name="an unknown driver")
    raises(ValueError, "family", h5py.File, "x.h5", "w", comm=comm, driver="family", name="one that is not there")
    raises(TypeError, "PathLike", h5py.File, 7, "w", comm=comm, name="a name that is none")
    check(not os.path.exists("x.h5"), "none of them left a file")


def test_facts():
    f = h5py.File("facts.h5", "w", comm=comm)
    g = f.create_group("g")
    check(f.id and f.id == f["/"].id and f.id != g.id and hash(g.id) == hash(f["g"].id), "id")
    equal((f.id.name, g.id.name, g.id.valid), (b"facts.h5", b"/g", True), "its name")
    equal(repr(f), '<HDF5 file "facts.h5" (mode r+)>', "repr")
    before = hash(f), hash(g)
    f.close()
    check(not f and not g and not f.id and not g.id.valid, "false when closed")
    equal((hash(f), hash(g)), before, "hashes stay")
    equal((repr(f), repr(g)), ("<Closed HDF5 file>", "<Closed HDF5 group>"), "repr when closed")
    for call in (lambda: f["g"], lambda: f.mode, lambda: f.filename, lambda: len(f), lambda: f.create_group("x"),
                 lambda: f.attrs["x"], lambda: list(f), f.flush, lambda: g.parent, lambda: g.file):
        raises(ValueError, "closed", call, name="a closed file")
    f.close()
    equal("g" in f, False, "in a closed file")
    config = h5py.get_config()
    equal((config.mpi, config.track_order, config.complex_names), (True, False, ("r", "i")), "get_config()")
    raises(AttributeError, "", setattr, config, "mpi", False, name="which is as it is")
    equal(h5py.version.hdf5_version, "{}.{}.{}".format(*h5py.version.hdf5_version_tuple), "version")
    check(h5py.version.version == h5py.__version__ and "HDF5" in h5py.version.info, "of collio")
    check(h5py.AttributeManager is type(h5py.File("new.h5", comm=comm).attrs), "AttributeManager")
    alike(h5py.version.hdf5_version, "the same on all ranks")


def test_memory():
    """Files of one process that are nowhere."""
    with h5py.File.in_memory() as f:
        f["a"] = np.arange(4) + rank
        equal((f["a"][...], f.driver)[1], "core", "a file in memory")
        f.flush()
    image = io.BytesIO()
    with h5py.File(image, "w") as f:
        f["a"] = np.arange(4) + rank
        equal(f.driver, "fileobj", "a file behind an object")
    with h5py.File.in_memory(image.getvalue()) as f:
        equal(f["a"][...], np.arange(4) + rank, "in memory from bytes")
    with h5py.File(image, "r+") as f:
        f["b"] = 1
    with h5py.File(image) as f:
        equal((list(f), f.mode), (["a", "b"], "r"), "an object again")
    name = f"nowhere-{rank}.h5"
    with h5py.File(name, "w", driver="core", backing_store=False) as f:
        f["a"] = 1
        equal(f.filename, name, "driver core")
    check(not os.path.exists(name), "leaves no file")
    with h5py.File(name, "w", driver="core") as f:
        f["a"] = 1
    with h5py.File(name, "r+", driver="core", backing_store=False) as f:
        f["b"] = 1
    with h5py.File(name, driver="stdio") as f:
        equal((list(f), f.driver), (["a"], "stdio"), "or keeps the one that is there")


def test_one_errs():
    def opened(name="one.h5", mode="w", **options):
        return lambda: h5py.File(name, mode, comm=comm, **options).close()

    raises(TypeError, "", opened(**if_odd({"nonsense": 1}, {})), name="an unknown option on one rank")
    raises(TypeError, "", opened(if_odd(5, "one.h5")), name="a bad name")
    raises(ValueError, "", opened(driver=if_odd("nope", None)), name="a bad driver")
    raises(ValueError, "", opened(driver=if_odd("core", None)), name="a driver for one process")
    raises(ValueError, "", opened(mode=if_odd("q", "w")), name="a bad mode")
    raises(ValueError, "", opened(locking=if_odd("q", None)), name="bad locking")
    if size > 1:
        wrong = h5py.CollectiveError
        raises(wrong, "disagree", opened(libver=if_odd("latest", None)), name="two formats")
        raises(wrong, "disagree", opened(track_order=if_odd(True, None)), name="two orders")
        raises(wrong, "disagree", opened(userblock_size=if_odd(512, None)), name="two user blocks")
        raises(wrong, "disagree", opened(mode=if_odd("w", "x")), name="two modes")
        raises(wrong, "disagree", opened(if_odd("two.h5", "one.h5")), name="two names")
        raises(wrong, "disagree", opened(locking=if_odd(False, None)), name="with and without a lock")
    check(not os.path.exists("one.h5") and not os.path.exists("two.h5"), "no file is made")
    with h5py.File("one.h5", "w", comm=comm) as f:
        if size > 1:
            raises(h5py.CollectiveError, "disagree", setattr, f, "atomic", rank == odd, name="two kinds of atomic")
        equal(f.atomic, False, "atomic as before")
    on_root(lambda: os.unlink("one.h5"))


test_modes()
test_options()
test_facts()
test_memory()
test_one_errs()
done()
