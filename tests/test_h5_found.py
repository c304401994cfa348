"""What tests/campaign/chaos.py has found.

ranks: 1 2 3 4   limit: 120
"""

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1


def if_odd(mine, theirs):
    return mine if rank == odd else theirs


def padded(values):
    """Long doubles whose padding is another on each rank."""
    made = np.full((len(values), 16), rank + 1, "u1").view(np.longdouble)[:, 0]
    made[...] = values
    return made


def test_padding(f):
    """What lies between numbers in memory is no difference."""
    if np.dtype(np.longdouble).itemsize == 16:
        values = padded([1, 2.5, 3])
        f.attrs["long"] = values
        equal(f.attrs["long"], values, "an attribute of long doubles")
        d = f.create_dataset("long", (3,), np.longdouble, fillvalue=values[1])
        equal(d[...], np.full(3, 2.5, np.longdouble), "a fill value")
        pair = np.dtype([("a", np.longdouble), ("b", "i1")], align=True)
        f.attrs["pairs"] = np.array([(1, 2), (3, 4)], pair)
        equal(f.attrs["pairs"]["a"], padded([1, 3]), "in a struct")
        if size > 1:
            raises(h5py.CollectiveError, "disagree", f.attrs.__setitem__, "long", padded([1, if_odd(2, 3), 3]),
                   name="but other numbers are")


def test_one_of_an_enumeration(f):
    colours = h5py.enum_dtype({"red": 0, "green": 1, "blue": 2}, "i2")
    d = f.create_dataset("colours", (4,), colours)
    d[3] = np.asarray(2).astype(colours)
    d[1] = np.array(1)
    equal(d[...].tolist(), [0, 1, 0, 2], "an array without dimensions into an enumeration")


def test_layouts(f):
    """One rank has none."""
    layout = h5py.VirtualLayout((4,), "i2")
    layout[:] = h5py.VirtualSource(f["colours"])
    error = raises((TypeError, h5py.CollectiveError), "VirtualLayout", f.create_virtual_dataset, "v",
                   if_odd("text", layout), name="a virtual dataset of something else")
    check(size == 1 or f"rank {odd}" in str(error) + "".join(getattr(error, "__notes__", [])), "the rank is named", repr(error))
    f.create_virtual_dataset("v", layout)
    equal(f["v"].shape, (4,), "and the file goes on")


def test_data_that_do_not_fit(f):
    error = raises(TypeError, "conversion", f.create_dataset, "none", data=np.ones(3, "c16"), dtype="S3",
                   name="a dataset of data that do not become its elements")
    check("none" not in f, "is not there afterwards", repr(error))
    f.create_dataset("none", data=[1, 2])
    equal(f["none"][...], np.array([1, 2]), "and can be made")
    del f["none"]


def test_small_chunks(f):
    """What one filter makes larger than a chunk the next one has to take."""
    if not h5py.h5z.filter_avail(h5py.h5z.FILTER_LZF):
        return skip("small chunks", "no lzf")
    values = np.arange(8) * 13 % 100
    d = f.create_dataset("small", data=values, chunks=(2,), compression="lzf", shuffle=True, scaleoffset=0)
    d[rank::size] = values[rank::size]
    equal(d[...], values, "chunks smaller than what their filters add")


def test_deleted_with_group():
    """Members of a deleted group that all have open, and the group, which one rank lets go of."""
    for members, later in ((True, False), (False, True), (True, True)):
        with h5py.File("members.h5", "w", comm=comm) as f:
            group = f.create_group("group")
            inner = group.create_dataset("inner", (10,))
            if members != later:
                del group
            if rank == odd and not members:
                del inner
            del f["group"]
            f["after"] = np.arange(5)
            if rank != odd:
                inner = None
            f["again"] = np.arange(5)
        with h5py.File("members.h5", comm=comm) as f:
            equal(sorted(f), ["after", "again"], f"a member of a deleted group, {members}, {later}")


def test_space_of_texts():
    """What was in memory for a dataset that is gone does not come over the next one at that place."""
    lo, hi = 26 * rank // size, 26 * (rank + 1) // size
    for keywords in ({}, {"chunks": (5,)}, {"chunks": (26,), "compression": "gzip"}):
        with h5py.File("texts.h5", "w", comm=comm) as f:
            f.create_dataset("texts", data=["x" * (i % 7) for i in range(13)], chunks=(6,))
            del f["texts"]
            d, zero = f.create_dataset("d", (26,), "f8", **keywords), f.create_dataset("zero", (26,), "f8", **keywords)
            zero[0:1] = 0
            d[lo:hi] = np.arange(lo, hi)
            for when in ("at once", "after a flush"):
                equal(d[...], np.arange(26.0), f"{keywords}: elements, {when}")
                equal(zero[...], np.zeros(26), f"{keywords}: nothing, {when}")
                f.flush()


def test_numbers_of_transfers(f):
    """One that was not begun together does not count."""
    d = f.create_dataset("transfers", (4,), "f8")
    part = slice(rank, rank + 1)
    if size > 1:
        for call in (lambda: d.write_async(np.ones(1), part), lambda: d.read_async(np.zeros(1), part)):
            raises(h5py.CollectiveError, "disagree", if_odd(call, f.flush), name="a transfer on one rank")
    d.write_async(np.full(1, 5.0), part).wait()
    into = np.zeros(size)
    d.read_async(into, slice(0, size)).wait()
    equal(into, np.full(size, 5.0), "the next ones are waited for together")


def test_long_names():
    """Which HDF5 stores where elements are."""
    for libver in ("earliest", "v108", "latest"):
        with h5py.File("names.h5", "w", comm=comm, libver=libver) as f:
            for i in range(12):
                f.create_dataset(f"{i}" + "n" * 5000, (3,), "i4")[rank::size] = i
            f.create_dataset("n" * 70000, data=[1, 2])
            f.create_group("g" * 70000)["d"] = 5
        with h5py.File("names.h5", comm=comm) as f:
            equal(sorted(map(len, f)), [5001] * 10 + [5002] * 2 + [70000] * 2, f"{libver}: very long names")
            equal(f["7" + "n" * 5000][...], np.full(3, 7, "i4"), f"{libver}: lead to their datasets")


def test_only_chunk():
    """A dataset that is one chunk, written part by part."""
    for libver in ("earliest", "latest"):
        with h5py.File("chunk.h5", "w", comm=comm, libver=libver) as f:
            for name, filters in (("gzip", {"compression": "gzip"}), ("sum", {"fletcher32": True})):
                d = f.create_dataset(name, (12,), "i8", chunks=(12,), fillvalue=7, **filters)
                wanted = np.full(12, 7)
                for at in (0, 4, 8):
                    wanted[at : at + 4] = np.arange(4) + at
                    d[at + rank : at + 4 : size] = wanted[at + rank : at + 4 : size]
                    equal(d[...], wanted, f"{libver}, {name}: the only chunk written from {at} on")


def test_deleted(f):
    """What one rank has open, and the others have not."""
    before = f.create_group("deleted")
    for name in ("d", "g"):
        thing = before.create_dataset("d", (10,)) if name == "d" else before.create_group("g")
        inner = thing if name == "d" else thing.create_dataset("inner", (10,), chunks=(3,))
        inner[rank:10:size] = 1
        if rank != odd:
            del thing, inner
        del before[name]
        before["after"] = np.arange(5)
        if rank == odd:
            del thing, inner
        before["again"] = np.arange(5)
        equal(before["again"][...], np.arange(5), f"{name} open on one rank is deleted")
        del before["after"], before["again"]
    f.flush()


with h5py.File("found.h5", "w", comm=comm) as file:
    test_padding(file)
    test_one_of_an_enumeration(file)
    test_layouts(file)
    test_data_that_do_not_fit(file)
    test_small_chunks(file)
    test_deleted(file)
    test_numbers_of_transfers(file)
test_deleted_with_group()
test_space_of_texts()
test_long_names()
test_only_chunk()
done()
