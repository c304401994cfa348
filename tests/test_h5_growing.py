"""Files that are read while they are written, virtual datasets that grow, and other things asked of one process.

ranks: 1 2 3   limit: 90
"""

import io
import os
import subprocess
import sys

import numpy as np

import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
ALONE = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "OMPI_", "PMIX_", "ORTE_", "HYDI_", "MPIR_"))}
UNLIMITED = h5py.h5s.UNLIMITED

READER = """
import sys
import collio
with collio.File(sys.argv[1], "r", swmr=True) as f:
    d = f["d"]
    print(d.shape, int(d[:].sum()), f.swmr_mode, flush=True)
    for line in sys.stdin:
        d.refresh()
        print(d.shape, int(d[:].sum()), flush=True)
"""


def test_swmr():
    name = f"swmr-{rank}.h5"
    with h5py.File(name, "w", libver="latest") as f:
        d = f.create_dataset("d", (4,), "i4", maxshape=(None,), chunks=(2,))
        raises(ValueError, "off", setattr, f, "swmr_mode", False, name="it cannot be switched off")
        f.swmr_mode = True
        d[:] = 3
        d.flush()
        with h5py.File(name, "r", swmr=True) as r:
            check(r["d"].shape == (4,) and f.swmr_mode, "read in the same process")
        reader = subprocess.Popen([sys.executable, "-c", READER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, env=ALONE)
        said = [reader.stdout.readline()]
        for extent in (7, 300):
            old = d.shape[0]
            d.resize((extent,))
            d[old:] = 1
            d.flush()
            reader.stdin.write("\n")
            reader.stdin.flush()
            said.append(reader.stdout.readline())
        reader.stdin.close()
        check(reader.wait() == 0, "the reader ends well")
        equal([line.strip() for line in said], ["(4,) 12 True", "(7,) 15", "(300,) 308"], "read by another process, as it grows")
    with h5py.File(name, "w") as f:
        raises(RuntimeError, "superblock", setattr, f, "swmr_mode", True, name="not in an old format")
    with h5py.File(name, "r") as f:
        raises(RuntimeError, "intent", setattr, f, "swmr_mode", True, name="not in a file that is read")
    with h5py.File("swmr-all.h5", "w", comm=comm, libver="latest") as f:
        raises(NotImplementedError, "one process", setattr, f, "swmr_mode", True, name="not in a file of a communicator")
    raises(NotImplementedError, "one process", h5py.File, "swmr-all.h5", "r", comm=comm, swmr=True, name="nor for reading one")


def test_virtual():
    with h5py.File("grow-source.h5", "w", comm=comm) as f:
        f.create_dataset("d", data=np.arange(4), maxshape=(None,), chunks=(2,))
    layout = h5py.VirtualLayout((4,), "i8", maxshape=(None,))
    source = h5py.VirtualSource("grow-source.h5", "d", (4,), maxshape=(None,))
    layout[:UNLIMITED] = source[:UNLIMITED]
    with h5py.File("grow.h5", "w", comm=comm, libver="latest") as f:
        f.create_virtual_dataset("v", layout, fillvalue=-1)
    with h5py.File("grow-source.h5", "r+", comm=comm) as f:
        f["d"].resize((7,))
        f["d"][4:] = 99
    with h5py.File("grow.h5", "r", comm=comm) as f:
        equal((f["v"].shape, f["v"].maxshape), ((7,), (None,)), "a virtual dataset has grown")
        equal(f["v"][:], np.array([0, 1, 2, 3, 99, 99, 99]), "its elements")
        where = f["v"].virtual_sources()[0]
        equal(where.src_space.get_regular_hyperslab(), ((0,), (1,), (UNLIMITED,), (1,)), "its source has no end")
    layout = h5py.VirtualLayout((1, 4), "i8", maxshape=(None, 4))
    layout[0:UNLIMITED, :] = h5py.VirtualSource("grow-%b.h5", "d", (4,))
    for i in range(3):
        with h5py.File(f"grow-{i}.h5", "w", comm=comm) as f:
            f.create_dataset("d", data=np.arange(4) + i)
    with h5py.File("grow-numbered.h5", "w", comm=comm, libver="latest") as f:
        f.create_virtual_dataset("v", layout, fillvalue=-1)
    with h5py.File("grow-numbered.h5", "r", comm=comm) as f:
        equal(f["v"][:], np.arange(4) + np.arange(3)[:, None], "numbered sources")
    with h5py.File("grow-texts.h5", "w", comm=comm) as f:
        f.create_dataset("texts", data=["a", "bb", ""])
        layout = h5py.VirtualLayout((3,), h5py.string_dtype())
        layout[:] = h5py.VirtualSource(f["texts"])
        v = f.create_virtual_dataset("v", layout)
        equal(list(v.asstr()[:]), ["a", "bb", ""], "elements of variable length")
        raises(NotImplementedError, "variable length", v.__setitem__, 0, "x", name="which are not written so")
    raises(RuntimeError, "once", lambda: source[1:][1:], name="a part of a part")
    check(h5py.VirtualLayout((3,), "i4").maxshape is None, "no maxshape")


def test_others():
    with h5py.File("others.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", data=[0, 1, 2, 0])
        truth = np.zeros(6, bool)
        d.read_direct(truth, np.s_[1:4], np.s_[2:5])
        equal(truth, np.array([False, False, True, True, False, False]), "numbers read into bool")
    raises(ValueError, "mode", h5py.File, "others.h5", None, comm=comm, name="no mode")
    behind = io.BytesIO()
    with h5py.File("shown", "w", driver="fileobj", fileobj=behind) as f:
        f["a"] = 1
        equal((f.filename, f.driver), ("shown", "fileobj"), "an object behind a name")
    check(len(behind.getvalue()) > 100, "which holds the file")
    raises(ValueError, "fileobj", h5py.File, behind, "r", driver="sec2", name="an object, and another driver")
    raises(AttributeError, "read", h5py.File, "x.h5", "w", driver="fileobj", name="no object")
    raises(TypeError, "fileobj", h5py.File, "x.h5", "w", fileobj=behind, name="and no driver")


test_swmr()
test_virtual()
test_others()
done()
