"""HDF5's own names: types, property lists, links, attributes; drivers; what classes of Python allow.

ranks: 1 2 3   limit: 90
"""

import gc
import os
import subprocess
import sys
import weakref
import zlib

import numpy as np

import collio as h5py
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
ALONE = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "OMPI_", "PMIX_", "ORTE_", "HYDI_", "MPIR_"))}
STRUCT = np.dtype([("a", "i4"), ("b", "f8"), ("c", "(2,)i2"), ("s", "S3")])


def test_types():
    t = h5py.h5t.py_create
    known = (("i4", "INTEGER", 4), (">u2", "INTEGER", 2), ("f2", "FLOAT", 2), ("c16", "COMPOUND", 16), ("S5", "STRING", 5),
             ("V3", "OPAQUE", 3), (bool, "ENUM", 1), (STRUCT, "COMPOUND", 19), ("(2,3)f4", "ARRAY", 24),
             (h5py.string_dtype(), "STRING", 8), (h5py.vlen_dtype("i4"), "VLEN", 16), (h5py.ref_dtype, "REFERENCE", 8))
    for dt, kind, room in known:
        made = t(dt, logical=True)
        equal((made.get_class(), made.get_size()), (getattr(h5py.h5t, kind), room), f"{dt}: class and size")
        check(made.dtype == np.dtype(dt) and made == t(dt, logical=True), f"{dt}: its dtype")
    equal((t(">u2").get_order(), t("<u2").get_sign(), t("i2").get_sign()), (1, 0, 1), "order and sign")
    equal((t("f4").get_fields(), t("f8").get_ebias()), ((31, 23, 8, 0, 23), 1023), "parts of a number")
    s = t(STRUCT)
    equal([s.get_member_name(i) for i in range(s.get_nmembers())], [b"a", b"b", b"c", b"s"], "fields")
    equal((s.get_member_offset(1), s.get_member_class(2), s.get_member_index(b"s")), (4, h5py.h5t.ARRAY, 3), "of one")
    e = t(h5py.enum_dtype({"R": 0, "G": 5}, "u1"), logical=True)
    equal((e.enum_valueof(b"G"), e.enum_nameof(0), e.get_super().get_size()), (5, b"R", 1), "an enumeration")
    check(h5py.h5t.STD_I32BE == t(">i4") and s.detect_class(h5py.h5t.STRING), "constants, and parts")
    raises(TypeError, "", t, "U3", name="what HDF5 has not")


def test_lists():
    wanted = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    wanted.set_chunk((4, 5))
    wanted.set_deflate(3)
    wanted.set_shuffle()
    wanted.set_fill_value(np.array(7, "i4"))
    with h5py.File("lists.h5", "w", comm=comm, track_order=True, userblock_size=512, rdcc_nbytes=4096) as f:
        d = f.create_dataset("d", (8, 5), "i4", dcpl=wanted)
        equal((d.chunks, d.compression_opts, d.shuffle, d.fillvalue), ((4, 5), 3, True, np.int32(7)), "dcpl=")
        space = h5py.h5s.create_simple((3, 5), (h5py.h5s.UNLIMITED, 5))
        more = h5py.h5d.create(f.id, b"more", h5py.h5t.py_create("f4"), space, wanted.copy())
        equal((more.shape, f["more"].maxshape, f["more"].dtype), ((3, 5), (None, 5), np.dtype("f4")), "h5d.create()")
        there = d.id.get_create_plist()
        equal((there.get_nfilters(), there.get_filter_by_id(1), there.fill_value_defined()), (2, (1, (3,), b"deflate"), 2),
              "as it is")
        made, access = f.id.get_create_plist(), f.id.get_access_plist()
        equal((made.get_userblock(), made.get_link_creation_order()), (512, 3), "of a file")
        equal((made.get_sizes(), access.get_cache()[2], access.get_libver_bounds()[0]), ((8, 8), 4096, 0), "and more")
        check(f.id.get_freespace() >= 0 and f.id.get_file_image()[512:516] == b"\x89HDF", "free space, and its bytes")
        equal(f.create_group("g").id.get_create_plist().get_link_creation_order(), 0, "of a group")
        k = f.create_dataset("k", (4,), chunks=(2,), rdcc_nslots=11, rdcc_w0=0.5)
        equal(k.id.get_access_plist().get_chunk_cache(), (11, 4096, 0.5), "of an open dataset")
        raises(ValueError, "between 0 and 1", f.create_dataset, "x", (4,), rdcc_w0=2.0, name="a wrong hint")
        raises(TypeError, "property list", f.create_dataset, "x", (4,), dcpl=3, name="what is no list")
    for wrong, kind in (({"rdcc_w0": 1.5}, ValueError), ({"page_buf_size": 4096}, OSError), ({"alignment_interval": 0}, ValueError),
                        ({"page_buf_size": 8192, "min_meta_keep": 60, "min_raw_keep": 50, "fs_strategy": "page"}, ValueError)):
        raises(kind, "", h5py.File, "lists2.h5", "w", comm=comm, name=f"{wrong}", **wrong)


def test_chunks():
    with h5py.File("raw.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", (20,), "i4", chunks=(10,), compression="gzip")
        d[...] = 1
        d.id.write_direct_chunk((10,), zlib.compress(np.arange(10, dtype="i4").tobytes()))
        equal(d[8:12], np.array([1, 1, 0, 1], "i4"), "a chunk written as it is")
        e = f.create_dataset("e", (20,), "i4", chunks=(10,), compression="gzip")
        e.id.write_direct_chunk((10,), np.arange(10, dtype="i4").tobytes(), filter_mask=1)
        equal(e[8:12], np.array([0, 0, 0, 1], "i4"), "one that is not compressed")
        equal(e.id.read_direct_chunk((10,))[0], 1, "which is known")
        raises(ValueError, "begins", d.id.write_direct_chunk, (5,), b"", name="where no chunk begins")
        if size > 1:
            data = bytes(40 + (rank == size - 1))
            raises(h5py.CollectiveError, "write_chunk", d.id.write_direct_chunk, (0,), data, name="others' bytes differ")
        d[5] = 50
    with h5py.File("raw.h5", comm=comm) as f:
        equal(f["d"][4:6], np.array([1, 50], "i4"), "read again")
    with h5py.File("unknown.h5", "w", comm=comm) as f:
        raises(ValueError, "filter", f.create_dataset, "d", (4,), compression=32015, name="a filter that is not there")
        d = f.create_dataset("d", (4,), compression=32015, compression_opts=(1,), allow_unknown_filter=True)
        equal(d.filter_ids, (32015,), "allow_unknown_filter")


def test_links():
    with h5py.File("links.h5", "w", comm=comm) as f:
        f["a"] = 1
        f["soft"] = h5py.SoftLink("/a")
        f["out"] = h5py.ExternalLink("x.h5", "/y")
        f["bad"] = h5py.SoftLink("/nothing")
        links = f.id.links
        equal([links.get_info(n).type for n in (b"a", b"soft", b"out")], [0, 1, 64], "kinds of links")
        equal((links.get_val(b"soft"), links.get_val(b"out"), links.exists(b"z")), (b"/a", (b"x.h5", b"/y"), False), "values")
        equal((list(f.id), len(f.id), b"a" in f.id), ([b"a", b"bad", b"out", b"soft"], 4, True), "names as bytes")
        raises(RuntimeError, "class", f.get, "bad", getclass=True, name="the class of nothing")
        raises(TypeError, "", f.__setitem__, None, 1, name="no name")
        f.attrs["x"] = np.arange(3)
        raw = f.attrs.get_id("x")
        raw.write(np.arange(3) * 2)
        equal((f.attrs["x"][2], raw.get_type().get_size(), raw.get_space().rank), (np.int64(4), 8, 1), "an attribute's id")
        equal((h5py.h5a.exists(f.id, b"x"), h5py.h5a.get_num_attrs(f.id)), (True, 1), "h5a")
        h5py.h5o.link(f["a"].id, f.id, b"again")
        equal((h5py.h5o.get_info(f["a"].id).rc, h5py.h5o.get_info(f.id, b"a").type), (2, 1), "h5o")
        f.create_group(b"odd\xff")
        name = next(n for n in f if n.startswith("odd"))
        check(f[name].name == "/" + name and name.encode("utf-8", "surrogateescape") == b"odd\xff", "names that are no text")
        f.attrs[name] = 1
        check(dict(f.attrs)[name] == 1, "of attributes, too")
        del f.attrs[name], f.attrs["x"]
        check(f.attrs == {} and f["a"].attrs == f.attrs and f.attrs != {"a": 1}, "attributes are compared as mappings")
        raises(TypeError, "hash", hash, f.attrs, name="and have no hash")


def test_objects():
    with h5py.File("objects.h5", "w", comm=comm) as f:
        f["t"] = np.dtype("i4")
        check(h5py.Datatype(f["t"].id) == f["t"] and f["t"].id.committed(), "Datatype(id)")
        raises(ValueError, "TypeID", h5py.Datatype, f.id, name="of something else")
        g = f.create_group("g")
        g.note = "mine"
        equal(g.note, "mine", "attributes of Python")
        gone = weakref.ref(g)
        check(gone() is g, "weak references")
        del g
        gc.collect()
        check(gone() is None, "which end")
        d = f.create_dataset("d", data=np.array([0, 2, 0]))
        equal(d.astype(bool)[...], np.array([False, True, False]), "numbers as bool")
        s = f.create_dataset("s", (2,), STRUCT)
        raises(ValueError, "fields", s.__setitem__, ..., np.zeros(2, [("x", "i4")]), name="a struct of other fields")


def test_drivers():
    h5py.register_driver("mine", lambda plist, **_: plist.set_fapl_stdio())
    check("mine" in h5py.registered_drivers(), "register_driver()")
    if rank == 0:
        with h5py.File("mine.h5", "w", driver="mine") as f:
            equal_alone = f.driver == "stdio"
    check(rank > 0 or equal_alone, "which stands for one of ours")
    h5py.unregister_driver("mine")
    check("mine" not in h5py.registered_drivers(), "unregister_driver()")
    raises(KeyError, "", h5py.unregister_driver, "mine", name="there is none")


def test_first():
    """Whatever of collio a program uses first."""
    first = ("string_dtype()", "vlen_dtype('i4')", "ref_dtype", "h5t.C_S1 if 0 else 1", "Empty('i4')", "VirtualLayout",
             "h5p.create(collio.h5p.FILE_ACCESS)", "is_hdf5('x')", "MultiBlockSlice()", "SoftLink('a')", "get_config()")
    bad = []
    for use in first if rank == 0 else ():
        result = subprocess.run([sys.executable, "-c", f"import collio; collio.{use}"], capture_output=True, text=True, env=ALONE)
        bad += [] if result.returncode == 0 else [use, result.stderr[-200:]]
    equal(bad, [], "anything can come first")


test_types()
test_lists()
test_chunks()
test_links()
test_objects()
test_drivers()
test_first()
done()
