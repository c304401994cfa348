"""MPI.File: every data access against bytes of NumPy, views, pointers, errors."""
# ranks: 1 2 3 4

import os

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
PATH = "file.raw"
EACH = 6


def write_plain(array):
    if rank == 0:
        array.tofile(PATH)
    comm.Barrier()


def whole(dtype):
    comm.Barrier()
    found = np.fromfile(PATH, dtype)
    comm.Barrier()
    return found


def move(f, kind, where, data):
    """One block by a method of that kind; `where` is its place in the view, in blocks."""
    offset = where * EACH
    if kind.endswith("_begin"):
        begin, end = getattr(f, kind), getattr(f, kind.replace("_begin", "_end"))
        begin(offset, data) if "_at" in kind else begin(data)
        end(data)
        return
    call = getattr(f, kind)
    request = call(offset, data) if "_at" in kind else call(data)
    if request is not None:
        request.Wait()


PLACES = ["_at", "_at_all", "", "_all", "_shared", "_ordered"]
KINDS = [(a, p) for p in PLACES for a in ("{}", "I{}")
         if not (a == "I{}" and p == "_ordered")]
KINDS += [("{}_begin", p) for p in ("_at_all", "_all", "_ordered")]


def name_of(form, word, place):
    if form == "I{}":
        return "I" + word.lower() + place
    return form.format(word + place)


def mine():
    return (100 * rank + np.arange(2 * EACH)).astype("i4")


def dealt():
    """The file when blocks are dealt out to the ranks in turn."""
    blocks = [100 * r + np.arange(EACH) + turn * EACH for turn in range(2) for r in range(size)]
    return np.concatenate(blocks).astype("i4")


def open_dealt(mode, shared):
    f = MPI.File.Open(comm, PATH, mode)
    if shared:
        f.Set_view(0, MPI.INT32_T)
    else:
        block = MPI.INT32_T.Create_contiguous(EACH)
        f.Set_view(rank * EACH * 4, MPI.INT32_T, block.Create_resized(0, size * EACH * 4).Commit())
    return f


for form, place in KINDS:
    shared = place in ("_shared", "_ordered")
    if rank == 0 and os.path.exists(PATH):
        os.remove(PATH)
    comm.Barrier()
    data, f = mine(), open_dealt(MPI.MODE_CREATE | MPI.MODE_RDWR, shared)
    for turn in range(2):
        move(f, name_of(form, "Write", place), turn, data[turn * EACH:][:EACH])
    f.Close()
    got, wanted = whole("i4"), dealt()
    if place == "_shared":
        got, wanted = np.sort(got), np.sort(wanted)
    equal(got, wanted, f"{name_of(form, 'Write', place)} writes")

    write_plain(dealt())
    f, data = open_dealt(MPI.MODE_RDONLY, shared), np.zeros(2 * EACH, "i4")
    for turn in range(2):
        move(f, name_of(form, "Read", place), turn, data[turn * EACH:][:EACH])
    if place == "_shared":
        found = np.sort(np.concatenate(comm.allgather(data)))
        equal(found, np.sort(dealt()), f"{name_of(form, 'Read', place)} reads")
    else:
        equal(data, mine(), f"{name_of(form, 'Read', place)} reads")
    f.Close()

# ---------------------------------------------------------------- the file

f = MPI.File.Open(comm, PATH, MPI.MODE_RDWR)
check(f and f != MPI.FILE_NULL, "an open file is true")
equal(f.Get_size(), 2 * size * EACH * 4, "its size")
f.Set_size(40)
equal(f.size, 40, "set")
f.Preallocate(400)
equal(f.size, 400, "reserved")
equal(f.amode, MPI.MODE_RDWR, "its mode")
equal((f.group_size, f.group_rank), (size, rank), "its group")
equal(f.Get_group().size, size, "as an object")
f.atomicity = True
check(f.Get_atomicity() is True, "atomic mode")
f.Sync()
info = f.info
check(isinstance(info, MPI.Info), "hints")
f.Set_view(8, MPI.DOUBLE)
disp, etype, filetype, datarep = f.Get_view()
equal((disp, etype, filetype, datarep), (8, MPI.DOUBLE, MPI.DOUBLE, "native"), "the view comes back")
f.Seek(5)
f.Seek(2, MPI.SEEK_CUR)
equal(f.Get_position(), 7, "seek")
equal(f.Get_byte_offset(2), 24, "byte offset")
f.Seek_shared(3)
equal(f.Get_position_shared(), 3, "shared seek")
equal(f.Get_type_extent(MPI.DOUBLE), 8, "type extent")
status, data = MPI.Status(), np.zeros(100)
f.Read_at(45, data, status)
equal(status.Get_count(MPI.DOUBLE), 4, "a short count at the end of the file")
f.Close()
check(not f and f == MPI.FILE_NULL, "a closed file is null")

# ------------------------------------------------- views that MPICH gets wrong

inner = MPI.INT32_T.Create_subarray([4, 5], [2, 3], [1, 1])
tile = inner.Create_hvector(2, 1, 2 * 80).Commit()
write_plain(np.arange(200, dtype="i4"))
f = MPI.File.Open(comm, PATH, MPI.MODE_RDONLY)
f.Set_view(0, MPI.INT32_T, tile)
data = np.zeros(12, "i4")
f.Read_at_all(0, data)
one = np.arange(20).reshape(4, 5)[1:3, 1:4].ravel()
equal(data, np.concatenate([one, one + 40]).astype("i4"), "a vector of subarrays")
f.Close()
if hasattr(MPI.Datatype, "Create_indexed"):
    tile = inner.Create_indexed([1, 1], [0, 2]).Commit()
    f = MPI.File.Open(comm, PATH, MPI.MODE_RDONLY)
    f.Set_view(0, MPI.INT32_T, tile)
    data = np.zeros(12, "i4")
    f.Read_at_all(0, data)
    equal(data, np.concatenate([one, one + 40]).astype("i4"), "an indexed type over subarrays")
    f.Close()

# ------------------------------------------------------- data representations

write_plain(np.zeros(0))
f = MPI.File.Open(comm, PATH, MPI.MODE_RDWR)
f.Set_view(0, MPI.DOUBLE, MPI.DOUBLE, "external32")
f.Write_at(3 * rank, np.arange(3.0) + 3 * rank)
data = np.zeros(3)
f.Read_at(3 * rank, data)
equal(data, np.arange(3.0) + 3 * rank, "external32 comes back")
equal(f.Get_view()[3], "external32", "by its name")
f.Close()
equal(whole(">f8").astype("f8"), np.arange(3.0 * size), "and is big-endian in the file")

# ------------------------------------------------------------------ errors


def error_class(call, *args):
    try:
        call(*args)
    except MPI.Exception as error:
        return error.Get_error_class()
    return MPI.SUCCESS


equal(error_class(MPI.File.Open, comm, "nowhere/" + PATH), MPI.ERR_NO_SUCH_FILE, "no such file")
equal(error_class(MPI.File.Open, comm, PATH, MPI.MODE_RDONLY | MPI.MODE_RDWR), MPI.ERR_AMODE, "wrong modes")
f = MPI.File.Open(comm, PATH)
check(error_class(f.Write_at, 0, np.zeros(3)) != MPI.SUCCESS, "a read-only file is not written to")
raises(TypeError, "buffer", lambda: f.Read_at(0, 3), name="a number is no buffer")
raises(BufferError, "", lambda: f.Read_at(0, b"abc"), name="bytes are not read into")
equal(error_class(f.Set_view, 0, MPI.BYTE, MPI.BYTE, "nonsense"), MPI.ERR_UNSUPPORTED_DATAREP,
      "an unknown representation")
f.Close()
comm.Barrier()
if rank == 0:
    MPI.File.Delete(PATH)
comm.Barrier()
check(not os.path.exists(PATH), "deleted")
done()
