"""Directories of files that hold elements of external and virtual datasets. ranks: 1 2 3 4"""

import os

import numpy as np
import collio as h5py
from collio import MPI, h5d, h5p, h5s
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
last = comm.rank == comm.size - 1
SUB = os.path.abspath("prefix.d")
N = 2 * comm.size + 1


def forget():
    comm.Barrier()
    if comm.rank == 0:
        os.makedirs(SUB, exist_ok=True)
        for path in ("prefix.raw", os.path.join(SUB, "prefix.raw")):
            if os.path.exists(path):
                os.remove(path)
    comm.Barrier()


def places():
    comm.Barrier()
    found = os.path.exists("prefix.raw"), os.path.exists(os.path.join(SUB, "prefix.raw"))
    comm.Barrier()
    return found


def dapl_of(**calls):
    plist = h5p.create(h5p.DATASET_ACCESS)
    for name, prefix in calls.items():
        getattr(plist, name)(prefix)
    return plist


def test_external():
    for prefix, told, wanted in ((SUB, SUB.encode(), (False, True)), (SUB.encode(), SUB.encode(), (False, True)),
                                 (None, b"", (True, False)), ("prefix.d", b"prefix.d", (False, True)),
                                 ("${ORIGIN}", os.getcwd().encode() + b"/", (True, False)),
                                 ("${ORIGIN}/prefix.d", os.getcwd().encode() + b"//prefix.d", (False, True))):
        forget()
        with h5py.File("prefix.h5", "w", comm=comm) as f:
            d = f.create_dataset("d", (N,), "i4", external=[("prefix.raw", 0, 4 * N)], efile_prefix=prefix)
            d[2 * comm.rank : 2 * comm.rank + 2] = comm.rank
            d[-1] = 7
            equal(places(), wanted, f"{prefix}: where the elements are")
            numbers = np.array([i // 2 for i in range(N - 1)] + [7], "i4")
            equal(d[...], numbers, f"{prefix}: read")
            equal(d.id.get_access_plist().get_efile_prefix(), told, f"{prefix}: is told")
            equal(f["d"][...], numbers, f"{prefix}: another handle of it")
            equal(d.external, [("prefix.raw", 0, 4 * N)], f"{prefix}: is not in the file")
    with h5py.File("prefix.h5", "r", comm=comm) as f:
        raises((OSError, RuntimeError), "", lambda: f["d"][...], name="opened without it")
        dapl = dapl_of(set_efile_prefix=SUB.encode())
        found = h5py.Dataset(h5d.open(f.id, b"d", dapl))
        equal(found[...], numbers, "opened with it")
        equal(found.id.get_access_plist().get_efile_prefix(), SUB.encode(), "which it tells")
    with h5py.File("prefix.h5", "w", comm=comm) as f:
        lost = f.create_dataset("d", (N,), "i4", external=[("prefix.raw", 0, 4 * N)], efile_prefix="/nonexistent")
        raises(OSError, "", lost.__setitem__, slice(None), 1, name="a directory that is not there")
        raises(TypeError, "string or bytes", f.create_dataset, "x", (N,), "i4", efile_prefix=5, name="a number")
        odd = {"efile_prefix": 5 if last else None}
        raises(TypeError, "string or bytes", f.create_dataset, "x", (N,), "i4", **odd, name="a number on one rank")
        if comm.size > 1:
            odd = {"efile_prefix": SUB if last else None}
            raises(h5py.CollectiveError, "create_dataset", f.create_dataset, "x", (N,), "i4",
                   external=[("prefix.raw", 0, 4 * N)], **odd, name="another one on one rank")
        check("x" not in f, "nothing was made")


def test_virtual():
    forget()
    with h5py.File(os.path.join(SUB, "source.h5"), "w", comm=comm) as f:
        f["d"] = np.arange(N)
    with h5py.File("prefix.h5", "w", comm=comm) as f:
        layout = h5py.VirtualLayout((N,), "i8")
        layout[:] = h5py.VirtualSource("source.h5", "d", (N,))
        f.create_virtual_dataset("v", layout, fillvalue=-1)
    for prefix, wanted in ((SUB.encode(), np.arange(N)), (b"${ORIGIN}/prefix.d", np.arange(N)), (None, np.full(N, -1))):
        with h5py.File("prefix.h5", "r", comm=comm) as f:
            given = {} if prefix is None else {"set_virtual_prefix": prefix}
            equal(h5py.Dataset(h5d.open(f.id, b"v", dapl_of(**given)))[...], wanted, f"a virtual dataset: {prefix}")
    whole, dcpl = h5s.create_simple((N,)), h5p.create(h5p.DATASET_CREATE)
    dcpl.set_virtual(whole, b"source.h5", b"d", whole)
    with h5py.File("prefix.h5", "w", comm=comm) as f:
        v = f.create_dataset("v", (N,), "i8", dcpl=dcpl, virtual_prefix=SUB)
        equal(v[...], np.arange(N), "create_dataset(virtual_prefix=...)")
        equal(v.id.get_access_plist().get_virtual_prefix(), SUB.encode(), "is told")
        w = f.create_dataset("w", (N,), "i8", dcpl=dcpl, dapl=dapl_of(set_virtual_prefix=SUB.encode()))
        equal(w[...], np.arange(N), "create_dataset(dapl=...)")


for test in (test_external, test_virtual):
    test()
done()
