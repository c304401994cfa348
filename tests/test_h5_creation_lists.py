"""What property lists say of things to be made is heeded: attributes, order, layout, free space. ranks: 1 2 3"""

import os
import shutil
import subprocess

import numpy as np
import collio as h5py
from collio import MPI, h5d, h5f, h5g, h5p, h5s, h5t
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
last = comm.rank == comm.size - 1
BOTH = h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED


def made(kind, **calls):
    plist = h5p.create(kind)
    for name, given in calls.items():
        getattr(plist, name)(*given)
    return plist


def fill(obj, names="zyx"):
    for name in names:
        obj.attrs[name] = 1
    return list(obj.attrs)


def test_attributes():
    few = {"set_attr_phase_change": (3, 2), "set_attr_creation_order": (BOTH,)}
    for libver in ("earliest", "latest"):
        with h5py.File("lists.h5", "w", comm=comm, libver=libver) as f:
            space, dcpl = h5s.create_simple((4,)), made(h5p.DATASET_CREATE, **few)
            g = h5py.Group(h5g.create(f.id, b"g", gcpl=made(h5p.GROUP_CREATE, **few)))
            d = f.create_dataset("d", (4,), "i4", dcpl=dcpl)
            e = h5py.Dataset(h5d.create(f.id, b"e", h5t.STD_I32LE, space, dcpl=dcpl))
            for obj in (g, d, e):
                names = "z y x w v u".split()
                equal(fill(obj, names), names, f"{libver}: attributes keep their order")
                equal(obj.id.get_create_plist().get_attr_phase_change(), (3, 2), f"{libver}: where they are")
            for name in "zyxwv":
                del d.attrs[name]
            equal(list(d.attrs), ["u"], f"{libver}: fewer of them")
        with h5py.File("lists.h5", "r", comm=comm) as f:
            for name in "gde":
                equal(f[name].id.get_create_plist().get_attr_phase_change(), (3, 2), f"{libver}: {name} opened again")
            equal(list(f["g"].attrs), "z y x w v u".split(), f"{libver}: in their order")
    if shutil.which("h5stat") is None:
        skip("h5stat", "there is none")
    else:
        result = subprocess.run(["h5stat", "-A", "lists.h5"], capture_output=True, text=True)
        check(result.returncode == 0 and "6" in result.stdout, "h5stat goes through", result.stdout + result.stderr)
    plist = h5p.create(h5p.GROUP_CREATE)
    raises(ValueError, "", plist.set_attr_phase_change, 2, 3, name="fewer than there may be")
    raises(ValueError, "65535", plist.set_attr_phase_change, 65536, 3, name="too many")


def test_order():
    with h5py.File("order.h5", "w", comm=comm) as f:
        for names, attributes in ((0, 0), (BOTH, 0), (0, BOTH), (BOTH, BOTH)):
            gcpl = made(h5p.GROUP_CREATE, set_link_creation_order=(names,), set_attr_creation_order=(attributes,))
            g = h5py.Group(h5g.create(f.id, f"g{names}{attributes}".encode(), gcpl=gcpl))
            for name in "zyx":
                g.create_group(name)
            equal(list(g), list("zyx" if names else "xyz"), f"order of names: {names}")
            equal(fill(g), list("zyx" if attributes else "xyz"), f"order of attributes: {attributes}")
            told = g.id.get_create_plist()
            equal((told.get_link_creation_order(), told.get_attr_creation_order()), (names, attributes), "as it was told")
    fcpl = made(h5p.FILE_CREATE, set_link_creation_order=(BOTH,), set_attr_phase_change=(4, 2),
                set_file_space_strategy=(h5f.FSPACE_STRATEGY_PAGE, True, 5), set_file_space_page_size=(8192,))
    with h5py.File(h5f.create(f"order-{comm.rank}.h5".encode(), fcpl=fcpl)) as f:
        f["b"], f["a"] = 1, 2
        told = f.id.get_create_plist()
        equal((list(f), told.get_file_space_strategy(), told.get_file_space_page_size()),
              (["b", "a"], (h5f.FSPACE_STRATEGY_PAGE, 1, 5), 8192), "a list of a file")
        f.id.close()
    os.remove(f"order-{comm.rank}.h5")


def test_layout():
    with h5py.File("layout.h5", "w", comm=comm) as f:
        compact = made(h5p.DATASET_CREATE, set_layout=(h5d.COMPACT,))
        d = f.create_dataset("d", (comm.size + 2,), "i4", dcpl=compact)
        d[comm.rank] = comm.rank + 1
        equal(d[:], np.array([*range(1, comm.size + 1), 0, 0], "i4"), "elements in the structure")
        equal(d.id.get_create_plist().get_layout(), h5d.COMPACT, "are told to be there")
        raises(ValueError, "65500", f.create_dataset, "large", (70000,), "i1", dcpl=compact, name="at most 64 KiB")
        raises(ValueError, "chunks", f.create_dataset, "chunks", (8,), "i1", dcpl=compact, chunks=(4,), name="or chunks")
        equal(f.create_dataset("most", (65500,), "i1", dcpl=compact)[-1], np.int8(0), "as much as there can be")
        check("large" not in f and "chunks" not in f, "nothing was made")
        if comm.size > 1:
            odd = {"dcpl": compact} if last else {}
            raises(h5py.CollectiveError, "create_dataset", f.create_dataset, "odd", (4,), **odd, name="one rank alone")
            odd = made(h5p.GROUP_CREATE, **({"set_attr_phase_change": (3, 2)} if last else {}))
            raises(h5py.CollectiveError, "create_group", h5g.create, f.id, b"odd", gcpl=odd, name="one rank's group")
    with h5py.File("layout.h5", "r", comm=comm) as f:
        equal(f["d"][comm.rank], np.int32(comm.rank + 1), "read again")
    whole = h5s.create_simple((6,))
    with h5py.File("layout.h5", "w", comm=comm) as f:
        f["source"] = np.arange(6, dtype="i4")
        dcpl = made(h5p.DATASET_CREATE, set_virtual=(whole, b".", b"source", whole))
        equal(f.create_dataset("v", (6,), "i4", dcpl=dcpl)[...], np.arange(6, dtype="i4"), "a mapping of everything")


STRATEGIES = ({}, {"fs_strategy": "page"}, {"fs_strategy": "page", "fs_page_size": 8192}, {"fs_strategy": "none"},
              {"fs_strategy": "fsm", "fs_persist": True, "fs_threshold": 20}, {"fs_strategy": "aggregate"},
              {"fs_strategy": "page", "fs_persist": True}, {"fs_strategy": "page", "libver": "latest"})


def use(f):
    """Make, free and make again."""
    for i in range(20):
        f[f"d{i}"] = np.full(100 * i + 1, i)
    c = f.create_dataset("c", (40, 10), "f8", chunks=(7, 10), compression="gzip")
    c[...] = np.arange(400).reshape(40, 10)
    for i in range(0, 20, 2):
        del f[f"d{i}"]
    f.flush()
    for i in range(10):
        f[f"e{i}"] = np.full(50 * i + 3, -i)
        f.attrs[f"a{i}"] = np.arange(i)


def is_used(f):
    return (all((f[f"d{i}"][...] == i).all() for i in range(1, 20, 2)) and all((f[f"e{i}"][...] == -i).all() for i in
            range(10)) and (f["c"][...] == np.arange(400).reshape(40, 10)).all() and len(f.attrs) == 10)


def test_space():
    numbers = {"fsm": 0, "page": 1, "aggregate": 2, "none": 3, None: 0}
    for given in STRATEGIES:
        wanted = (numbers[given.get("fs_strategy")], int(given.get("fs_persist", False)), given.get("fs_threshold", 1))
        with h5py.File("space.h5", "w", comm=comm, **given) as f:
            use(f)
            equal(f.id.get_create_plist().get_file_space_strategy(), wanted, f"{given}")
        with h5py.File("space.h5", "r+", comm=comm) as f:
            check(is_used(f), f"{given}: read again")
            told = f.id.get_create_plist()
            equal(told.get_file_space_strategy(), wanted, f"{given}: is in the file")
            equal(told.get_file_space_page_size(), given.get("fs_page_size", 4096), f"{given}: size of pages")
            if wanted[:2] == (0, 1):
                check(f.id.get_freespace() > 0, "what is free is remembered")
            del f["c"]
            f["late"] = np.arange(1000)
        with h5py.File("space.h5", "r", comm=comm) as f:
            equal(f["late"][...], np.arange(1000), f"{given}: changed")
        if wanted[0] == 1:
            equal(os.path.getsize("space.h5") % given.get("fs_page_size", 4096), 0, f"{given}: whole pages")
        if shutil.which("h5dump"):
            result = subprocess.run(["h5dump", "-d", "/e9", "space.h5"], capture_output=True, text=True)
            check(result.returncode == 0 and "-9, -9" in result.stdout, f"{given}: h5dump reads it", result.stderr)
        comm.Barrier()
    raises(ValueError, "strategy", h5py.File, "space.h5", "w", comm=comm, fs_strategy="nope", name="an unknown one")
    raises(ValueError, "existing", h5py.File, "space.h5", "r+", comm=comm, fs_strategy="page", name="of what is there")
    raises(ValueError, "512", h5py.File, "space.h5", "w", comm=comm, fs_strategy="page", fs_page_size=100,
           name="pages of 100 bytes")
    raises(OverflowError, "negative", h5py.File, "space.h5", "w", comm=comm, fs_strategy="fsm", fs_threshold=-1,
           name="a negative threshold")
    if comm.size > 1:
        raises(h5py.CollectiveError, "open", h5py.File, "space.h5", "w", comm=comm,
               **({"fs_strategy": "page"} if last else {}), name="one rank wants pages")


def test_buffer():
    equal((h5f.PageBufStats.__name__, h5f.PageBufStats._fields), ("PageBufferStats", ("meta", "raw")), "statistics")
    name = f"buffer-{comm.rank}.h5"
    with h5py.File(name, "w", fs_strategy="page", page_buf_size=16384) as f:
        f["a"] = 1
        equal(f.id.get_page_buffering_stats().meta._fields, ("accesses", "hits", "misses", "evictions", "bypasses"),
              "of a buffer of pages")
    with h5py.File(name, page_buf_size=16384, min_meta_keep=20, min_raw_keep=30) as f:
        equal(f.id.get_access_plist().get_page_buffer_size(), (16384, 20, 30), "is told")
        f.id.reset_page_buffering_stats()
    with h5py.File(name) as f:
        raises(ValueError, "not enabled", f.id.get_page_buffering_stats, name="no buffer")
    raises(ValueError, "100", h5py.File, name, page_buf_size=16384, min_meta_keep=80, min_raw_keep=30, name="110 percent")
    raises(OSError, "page", h5py.File, name, page_buf_size=1000, name="less than a page")
    with h5py.File(name, "w") as f:
        f["a"] = 1
    raises(OSError, "no pages", h5py.File, name, page_buf_size=16384, name="a file without pages")
    with h5py.File(name, "r+") as f:
        equal(list(f), ["a"], "which is closed then")
    os.remove(name)


for test in (test_attributes, test_order, test_layout, test_space, test_buffer):
    test()
done()
