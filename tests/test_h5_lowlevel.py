"""What programs ask of ids: spaces, types, chunks, property lists; objects made again from ids; h5py's constants.

ranks: 1 2 3   limit: 60
"""

import zlib

import numpy as np
import collio as h5py
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
odd = size - 1
A = np.arange(24, dtype="i4").reshape(4, 6)


def test_datasets():
    for block in (0, 512):
        with h5py.File("low.h5", "w", comm=comm, userblock_size=block) as f:
            d = f.create_dataset("d", data=A, chunks=(2, 3), maxshape=(None, 6))
            z = f.create_dataset("z", data=A, chunks=(4, 3), compression="gzip")
            e = f.create_dataset("e", data=A, fill_time="never")
            equal((d.id.shape, d.id.rank, d.id.dtype, d.id.get_type().get_size()), ((4, 6), 2, A.dtype, 4), "facts")
            equal((d.id.get_storage_size(), e.id.get_storage_size()), (96, 96), "bytes in the file")
            check(0 < z.id.get_storage_size() < 96, "compressed ones")
            equal((d.id.get_num_chunks(), d.id.get_chunk_info(1).chunk_offset), (4, (0, 3)), "chunks")
            equal(d.id.get_chunk_info_by_coord((2, 3)).size, 24, "of a place")
            equal(d.id.read_direct_chunk((2, 3)), (0, A[2:, 3:].tobytes()), f"as it is in the file, user block {block}")
            raw = zlib.decompress(z.id.read_direct_chunk((0, 3))[1])
            equal(raw, A[:, 3:].tobytes(), "a compressed one")
            seen = []
            d.id.chunk_iter(lambda info: seen.append(info.chunk_offset))
            equal(sorted(seen), [(0, 0), (0, 3), (2, 0), (2, 3)], "chunk_iter()")
            space = d.id.get_space()
            equal((space.shape, space.get_simple_extent_dims(True), space.get_simple_extent_npoints()),
                  ((4, 6), (h5py.h5s.UNLIMITED, 6), 24), "get_space()")
            lists = [x.id.get_create_plist() for x in (d, z, e)]
            equal([p.get_layout() for p in lists], [h5py.h5d.CHUNKED, h5py.h5d.CHUNKED, h5py.h5d.CONTIGUOUS], "layouts")
            equal((lists[0].get_chunk(), lists[1].get_nfilters(), lists[1].get_filter(0)[0::3]),
                  ((2, 3), 1, (h5py.h5z.FILTER_DEFLATE, b"deflate")), "property lists")
            equal([p.get_fill_time() for p in lists], [h5py.h5d.FILL_TIME_IFSET] * 2 + [h5py.h5d.FILL_TIME_NEVER], "fill")
            into = np.zeros((4, 6), "i4")
            d.id.read(h5py.h5s.ALL, h5py.h5s.ALL, into)
            e.id.write(h5py.h5s.ALL, h5py.h5s.ALL, into + 1)
            equal(np.stack([into, e[...]]), np.stack([A, A + 1]), "read() and write()")
            d.id.set_extent((5, 6))
            equal((d.shape, d.id.get_space_status()), ((5, 6), h5py.h5d.SPACE_STATUS_PART_ALLOCATED), "set_extent()")
            raises(ValueError, "chunked", e.id.get_num_chunks, name="chunks of a contiguous one")
            raises(AttributeError, "use the object", lambda: d.id.nothing, name="what there is not")
    equal((h5py.h5s.UNLIMITED, h5py.UNLIMITED), (2**64 - 1,) * 2, "UNLIMITED")


def test_again():
    class Mine(h5py.Dataset):
        def double(self):
            return self[...] * 2

    with h5py.File("again.h5", "w", comm=comm) as f:
        g = f.create_group("g")
        d = g.create_dataset("d", data=A)
        again, group = h5py.Dataset(d.id), h5py.Group(g.id)
        equal((again, group, h5py.Group(f.id)), (d, g, f["/"]), "the same objects")
        equal((again.name, list(group)), ("/g/d", ["d"]), "under their names")
        equal(Mine(d.id).double(), A * 2, "of a class of the program's")
        again[rank : rank + 1] = 7
        equal(d[odd], np.full(6, 7, "i4"), "written")
        equal(h5py.Dataset(h5py.h5d.open(f.id, b"g/d")), d, "opened by id")
        raises(ValueError, "not a DatasetID", h5py.Dataset, g.id, name="another kind")
        raises(ValueError, "not a GroupID", h5py.Group, 3, name="no id")
        raises(TypeError, "", h5py.Dataset, name="nothing")
        check(issubclass(h5py.File, h5py.HLObject) and isinstance(d, h5py.HLObject), "HLObject")
        equal(h5py.h5i.get_name(d.id), b"/g/d", "h5i.get_name()")
        check(d.id == f["g/d"].id and d.id != g.id and d.id.valid and d.id.id == again.id.id, "ids")
        i = d.id
    check(not i and not i.valid, "of a closed file")
    raises(ValueError, "closed", h5py.Dataset, i, name="and no way back")


def test_lzf():
    if "lzf" not in h5py.filters.encode:
        return skip("lzf", "built without liblzf")
    whole = np.arange(10000).reshape(100, 100) // 7
    noise = np.random.default_rng(1).random((20, 20))
    with h5py.File("lzf.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", (100, 100), "i4", chunks=(30, 40), compression="lzf", shuffle=True)
        lo, hi = 100 * rank // size, 100 * (rank + 1) // size
        d[lo:hi] = whole[lo:hi]
        f.create_dataset("noise", data=noise, compression="lzf")
        equal((d.compression, d.filter_names, d._filter_values[32000]), ("lzf", ("shuffle", "lzf"), (4, 0x105, 4800)), "lzf")
        check(d.id.get_storage_size() < 10000, "makes it smaller")
        raises(ValueError, "no options", f.create_dataset, "x", (3,), compression="lzf", compression_opts=3, name="options")
    with h5py.File("lzf.h5", comm=comm) as f:
        equal(f["d"][...], whole.astype("i4"), "read again")
        equal(f["noise"][...], noise, "what does not become smaller")
        return None


def test_wrong():
    with h5py.File("wrong.h5", "w", comm=comm) as f:
        d = f.create_dataset("d", (4,), "i4")
        raises(TypeError, "deleted", d.__delitem__, 0, name="del d[0]")
        raises((TypeError, ValueError), "", d.__getitem__, (None, "a"), name="odd indexes")
        raises(TypeError, "", d.__setitem__, None, 1, name="None")
        equal(d[...], np.zeros(4, "i4"), "nothing was done")


test_datasets()
test_again()
test_lzf()
test_wrong()
done()
