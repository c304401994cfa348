"""Saves in the background from Python. ranks: 1 2 3"""

import gc
import os
import subprocess
import sys

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
d = collio.Decomposition(comm, (60, 50))


def values(step):
    return np.arange(3000.0).reshape(60, 50)[d.where] + step


def test_request():
    with collio.Checkpoint("request", comm=comm) as ckpt:
        mine = np.ascontiguousarray(values(1))
        request = ckpt.save(1, u=d.part(mine), note="one", wait=False)
        mine[...] = -1
        equal((request.step, request.done), (1, False), "in flight")
        equal(request.wait(), None, "wait()")
        check(request.done and request.test() and request.wait() is None, "and again")
        equal(ckpt.restore().part("u", d), values(1), "what was there at the start is saved")
        request = ckpt.save(2, u=d.part(values(2)), wait=False, borrow=True)
        while not request.test():
            pass
        equal(ckpt.latest(), 2, "test() until it is over")
        for width in (300, 3):  # runs that are written as they are, and such that are exchanged
            wide = np.arange(200.0 * width * size).reshape(200, -1)
            columns = collio.Decomposition(comm, wide.shape, dims=(1, size))
            ckpt.save(20 + width, c=columns.part(np.ascontiguousarray(wide[columns.where])), wait=False).wait()
            equal(ckpt.restore(20 + width)["c"], wide, f"columns {width} wide")
            ckpt.delete(20 + width)
        first = ckpt.save(3, u=d.part(values(3)), wait=False)
        second = ckpt.save(4, u=d.part(values(4)), wait=False)
        check(first.done and not second.done, "the next save finishes the one before")
        ckpt.save(5, u=d.part(values(5)))
        check(second.done, "of either kind")
        last = ckpt.save(6, {"wait": 1.5}, wait=False)
    check(last.done, "so does close()")
    with collio.Checkpoint("request", comm=comm) as ckpt:
        equal(ckpt.steps(), [1, 2, 3, 4, 5, 6], "all are there")
        equal(ckpt.restore()["wait"], np.float64(1.5), "'wait' as an item, in the mapping")


def test_errors():
    with collio.Checkpoint("errors", comm=comm) as ckpt:
        odd = rank == size - 1
        raises(ValueError, "overlap" if size == 1 else "both hold", ckpt.save, 1, wait=False,
               u=collio.Part(np.zeros(3), shape=(3,))) if size > 1 else None
        raises(TypeError, "", ckpt.save, "one" if odd else 1, t=1.0, wait=False, name="one rank's step is a text")
        if size > 1:
            raises(collio.CollectiveError, "ranks disagree", lambda: ckpt.save(1, t=1.0, wait=odd),
                   name="one rank waits, the others do not")
        request = ckpt.save(1, t=1.0, wait=False)
        request.wait()
        raises(ValueError, "step 1", ckpt.save, 1, t=1.0, wait=False, name="a step that is there")
    if rank == 0:
        os.mkdir("gone")
    comm.Barrier()
    ckpt = collio.Checkpoint("gone", comm=comm)
    request = ckpt.save(1, u=d.part(values(1)), wait=False)
    comm.Barrier()
    if rank == 0:
        for name in os.listdir("gone"):
            if name.startswith(".part"):
                os.unlink(os.path.join("gone", name))
    comm.Barrier()
    error = raises((OSError, collio.CollectiveError), "step 1, saved in the background", ckpt.save, 2, t=1.0,
                   name="the next save raises what went wrong")
    raises(type(error), "in the background", request.wait, name="and the request says it again")
    ckpt.save(2, t=1.0)
    equal(ckpt.steps(), [2], "then all goes on")
    ckpt.close()


def test_compression():
    """What is compressed comes back, is smaller, and is plain HDF5; noise is stored as it is."""
    shape = (400, 300)
    blocks = collio.Decomposition(comm, shape)
    smooth = np.add.outer(np.arange(400.0), np.arange(300.0))
    noise = np.random.default_rng(1).integers(0, 2**63, shape)
    saved = {"smooth": blocks.part(np.ascontiguousarray(smooth[blocks.where])),
             "noise": blocks.part(noise[blocks.where]), "tiny": collio.Part(np.arange(3) if rank == 0 else
                                                                            np.arange(0), shape=(3,))}
    sizes = {}
    for level in (None, "gzip", 1):
        with collio.Checkpoint(f"compression-{level}", comm=comm, compression=level) as ckpt:
            ckpt.save(1, saved)
            ckpt.save(2, saved, wait=False).wait()
            state = ckpt.restore()
            check(ckpt.verify(2) and ckpt.verify(1), f"{level}: verified")
            equal(state.part("smooth", blocks), smooth[blocks.where], f"{level}: smooth")
            equal(state["noise"], noise, f"{level}: noise")
            equal(state["tiny"], np.arange(3), f"{level}: what is too small for it")
            sizes[level] = os.path.getsize(state.path)
            path = state.path
    check(sizes["gzip"] < sizes[None] * 0.6 and sizes["gzip"] <= sizes[1] < sizes[None], "it is smaller", f"{sizes}")
    try:
        import h5py
    except ImportError:
        h5py = None
    if h5py is not None and rank == 0:
        with h5py.File(path) as file:
            assert (file["smooth"][...] == smooth).all() and (file["noise"][...] == noise).all()
            assert file["smooth"].compression == "gzip" and file["smooth"].shuffle
    with collio.File(path, comm=comm) as file:
        equal(file["smooth"][...], smooth, "collio.File reads it")
    for wrong in ("lzf", 10, -1, True):
        raises(ValueError, "compression", collio.Checkpoint, "x", comm, compression=wrong, name=f"{wrong!r}")
    if size > 1:
        raises(collio.CollectiveError, "ranks disagree",
               lambda: collio.Checkpoint("x", comm=comm, compression=1 + (rank == 0)), name="different levels")


EXIT = """import sys, numpy, collio
ckpt = collio.Checkpoint(sys.argv[1])
ckpt.save(7, u=numpy.arange(1e6), wait=False)
"""


def test_exit():
    """A program that just ends, or forgets its Checkpoint, loses nothing."""
    if rank == 0:
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("PMI", "OMPI", "PMIX", "HYD", "MPI"))}
        subprocess.run([sys.executable, "-c", EXIT, "exit"], env=environment, timeout=60,
                       stdin=subprocess.DEVNULL)
    comm.Barrier()
    with collio.Checkpoint("exit", comm=comm, read_only=True) as ckpt:
        equal(ckpt.latest(), 7, "the end of the program waits")
    alone = collio.Checkpoint(f"forgotten-{rank}")
    request = alone.save(1, t=1.0, wait=False)
    del alone
    gc.collect()
    check(request.done and request.wait() is None, "a Checkpoint that goes finishes its save")


test_request()
test_errors()
test_compression()
test_exit()
done()
