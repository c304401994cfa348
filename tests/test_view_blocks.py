"""MPI.File: every data access on blocks of an N-d array, uneven and empty, against NumPy's tofile."""
# ranks: 1 2 3 4

import os

import numpy as np
from collio import MPI
from tap import check, done, equal, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
PATH = "blocks.raw"
SHAPE = (7, 5, 6)
whole = np.arange(np.prod(SHAPE), dtype="f8").reshape(SHAPE)


def part(n, parts, which):
    return slice(n * which // parts, n * (which + 1) // parts)


def blocks_of(kind):
    """What each rank has: slabs along a dimension, blocks of two, or all of it with the first two."""
    if kind == "empty":
        return [(part(7, 2 if size > 1 else 1, r), slice(None), slice(None)) if r < 2
                else (slice(0, 0), slice(None), slice(None)) for r in range(size)]
    if kind == "grid":
        grid = MPI.Compute_dims(size, 2)
        return [(slice(None), part(5, grid[0], r // grid[1]), part(6, grid[1], r % grid[1])) for r in range(size)]
    return [tuple(part(n, size, r) if d == kind else slice(None) for d, n in enumerate(SHAPE)) for r in range(size)]


def view_of(block):
    """The filetype of a block; one without data where it is empty."""
    part_of = whole[block]
    if part_of.size == 0:
        return MPI.DOUBLE.Create_contiguous(0).Create_resized(0, whole.nbytes)
    starts = [s.indices(n)[0] for s, n in zip(block, SHAPE)]
    return MPI.DOUBLE.Create_subarray(SHAPE, part_of.shape, starts)


def call(f, form, word, place, data):
    """One access to all that the view shows."""
    at = (0,) if "_at" in place else ()
    if form == "split":
        getattr(f, f"{word}{place}_begin")(*at, data)
        getattr(f, f"{word}{place}_end")(data)
    elif form == "started":
        getattr(f, f"I{word.lower()}{place}")(*at, data).Wait()
    else:
        getattr(f, word + place)(*at, data)


FORMS = [("plain", place) for place in ("_at", "_at_all", "", "_all")]
FORMS += [("started", place) for place in ("_at", "_at_all", "", "_all")]
FORMS += [("split", place) for place in ("_at_all", "_all")]
ORDERED = [("plain", "_ordered"), ("split", "_ordered")]

# Many ranks on few cores are slow: they share the cases out, over the kinds.
STEP = 1 if size < 3 else 3

for turn, kind in enumerate((0, 1, 2, "grid", "empty")):
    blocks = blocks_of(kind)
    mine = np.ascontiguousarray(whole[blocks[rank]])
    # In the order of the ranks slabs of the first dimension follow each other in the file.
    for form, place in (ORDERED if kind in (0, "empty") else []) + FORMS[turn % STEP :: STEP]:
        name = f"{form} {place or 'own'}, blocks of kind {kind}"
        comm.Barrier()
        if rank == 0:
            (whole * 0 - 1).tofile(PATH)
        comm.Barrier()
        f = MPI.File.Open(comm, PATH, MPI.MODE_RDWR)
        if place == "_ordered":
            f.Set_view(0, MPI.DOUBLE)
        else:
            f.Set_view(0, MPI.DOUBLE, view_of(blocks[rank]).Commit())
        call(f, form, "Write", place, mine)
        f.Close()
        equal(np.fromfile(PATH).reshape(SHAPE), whole, f"{name}: written")
        comm.Barrier()
        if rank == 0:
            (whole + 0.5).tofile(PATH)
        comm.Barrier()
        f = MPI.File.Open(comm, PATH, MPI.MODE_RDONLY)
        if place == "_ordered":
            f.Set_view(0, MPI.DOUBLE)
        else:
            f.Set_view(0, MPI.DOUBLE, view_of(blocks[rank]).Commit())
        back = np.zeros_like(mine)
        call(f, form, "Read", place, back)
        equal(back, mine + 0.5, f"{name}: read")
        f.Close()

# ----------------------------------------------------- more than 2 GiB in one call

LARGE = (1 << 31) + 4096


def has_room():
    """Memory for it, and a file system with sparse files: told by a small one."""
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if pages < 2 * LARGE or os.statvfs(".").f_bavail * os.statvfs(".").f_frsize < 2 * LARGE:
        return False
    with open("sparse", "wb") as file:
        file.truncate(LARGE)
    blocks = os.stat("sparse").st_blocks
    os.remove("sparse")
    return blocks * 512 < 1 << 20


room = comm.bcast(has_room() if rank == 0 else None)
if size != 2:
    pass
elif not room or os.environ.get("COLLIO_TEST_LARGE") == "0":
    skip("more than 2 GiB in one call", "no memory, space or sparse files for it")
else:
    # Rank 0 reads a file that is all holes but for its last bytes; the other one reads nothing.
    if rank == 0:
        with open(PATH, "wb") as file:
            file.truncate(LARGE - 8)
            file.seek(LARGE - 8)
            np.arange(8, dtype="u1").tofile(file)
    comm.Barrier()
    data = np.empty(LARGE if rank == 0 else 0, "u1")
    status = MPI.Status()
    f = MPI.File.Open(comm, PATH, MPI.MODE_RDWR)
    f.Read_at_all(0, data, status)
    equal(status.Get_elements(MPI.BYTE), len(data), "more than 2 GiB read in one call")
    check(rank != 0 or (data[-8:].tolist() == list(range(8)) and not data[:: 1 << 20].any()), "the right ones")
    f.Close()
    # It writes as much through a view with gaps; where it goes takes no time, and needs no room.
    f = MPI.File.Open(comm, "/dev/null", MPI.MODE_WRONLY)
    f.Set_view(0, MPI.BYTE, MPI.BYTE.Create_contiguous(1 << 30).Create_resized(0, (1 << 30) + 4096).Commit())
    f.Write_all(data, status)
    equal(status.Get_elements(MPI.BYTE), len(data), "and written")
    equal(f.Get_position(), len(data), "the pointer goes with it")
    f.Iwrite(data).Wait(status)
    equal(status.Get_elements(MPI.BYTE), len(data), "nonblocking, too")
    f.Close()
comm.Barrier()
if rank == 0:
    os.remove(PATH)
done()
