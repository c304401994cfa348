"""Heaps that are damaged: what refers to them gives an error on all ranks, and HDF5 does not get to see them.

ranks: 1 2 3   limit: 60
"""

import numpy as np
import collio
from collio import MPI
from tap import done, equal, raises

comm = MPI.COMM_WORLD
HEAD = 16  # bytes before the first object of a heap, and before the bytes of each


def make(name):
    """A file; `name` with each kind of thing that is kept in a heap."""
    with collio.File(name, "w", comm=comm) as f:
        f.create_dataset("text", data=["a" * n for n in range(20)], chunks=(5,), compression="gzip")
        d = f.create_dataset("d", data=np.arange(100.0).reshape(10, 10))
        regions = np.array([d.regionref[1:3, 2:4], d.regionref[[1, 4, 7], :]], dtype=collio.regionref_dtype)
        f.create_dataset("regions", data=regions)


def damage(name, change):
    """Rank 0 changes the bytes of each heap in the file: change(bytes, where the heap is)."""
    if comm.rank == 0:
        with open(name, "rb") as f:
            data = bytearray(f.read())
        at = data.find(b"GCOL")
        while at >= 0:
            change(data, at)
            at = data.find(b"GCOL", at + 4)
        with open(name, "wb") as f:
            f.write(data)
    comm.Barrier()


def long_object(data, at):
    data[at + HEAD + 8 : at + HEAD + 16] = (1 << 30).to_bytes(8, "little")


def many_blocks(data, at):
    """Numbers of points and blocks, which follow a dataset's address and six words."""
    while data[at + HEAD : at + HEAD + 2] != b"\0\0":
        size = int.from_bytes(data[at + HEAD + 8 : at + HEAD + 16], "little")
        if size >= 40:
            count = at + 2 * HEAD + 8 + 20
            data[count : count + 4] = b"\xff\xff\xff\x0f"
        at += HEAD + (size + 7) // 8 * 8


def test_whole():
    make("whole.h5")
    with collio.File("whole.h5", "r", comm=comm) as f:
        equal(f["text"].asstr()[7], "a" * 7, "text as it was written")
        equal(f["d"][f["regions"][0]].shape, (2, 2), "a region as it was written")


def test_long_object():
    for mode in "r", "r+":
        make("long.h5")
        damage("long.h5", long_object)
        with collio.File("long.h5", mode, comm=comm) as f:
            raises((OSError, RuntimeError), "heap", f["text"].__getitem__, (), name=f"{mode}: text in a damaged heap")
            regions = f["regions"][()]
            raises((OSError, RuntimeError), "heap", f["d"].__getitem__, regions[0], name=f"{mode}: a region there")
            equal(f["d"][3, 3], 33.0, f"{mode}: the rest is read")


def test_selection():
    make("blocks.h5")
    damage("blocks.h5", many_blocks)
    with collio.File("blocks.h5", "r", comm=comm) as f:
        regions = f["regions"][()]
        raises((OSError, RuntimeError), "selection", f["d"].__getitem__, regions[1], name="more blocks than there are")
        equal(f["text"].asstr()[19], "a" * 19, "other objects of the heap are read")


test_whole()
test_long_object()
test_selection()
done()
