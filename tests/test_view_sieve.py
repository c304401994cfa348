"""Short runs written by each rank alone, while others write what lies between: nobody's bytes are lost."""
# ranks: 1 2 3 4
# limit: 120

import fcntl

import collio
import numpy as np
from collio import MPI
from tap import check, done

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
PATH = "sieve.raw"
CELLS = 60000  # of each rank: several windows
STEP = size + 2  # one cell of each rank, one of the single writes, one of nobody
OLD = -1.0


def fresh():
    """A file in which every cell is OLD, but shorter than what is written."""
    if rank == 0:
        np.full((CELLS // 2, STEP), OLD).tofile(PATH)
    comm.Barrier()


def opened(mode=MPI.MODE_RDWR, hint=None):
    info = MPI.Info.Create({"romio_ds_write": hint} if hint else {})
    f = MPI.File.Open(comm, PATH, mode, info)
    info.Free()
    return f


def mine(turn):
    return rank + 10.0 * turn + np.arange(CELLS) / CELLS


def check_file(turn, singles, what):
    comm.Barrier()
    cells = np.fromfile(PATH, "f8").copy()
    table = np.zeros(CELLS * STEP)
    table[: len(cells)] = cells
    table = table.reshape(CELLS, STEP)
    good = all(np.array_equal(table[:, r], r + 10.0 * turn + np.arange(CELLS) / CELLS) for r in range(size))
    check(good, f"{what}: every rank's cells are there")
    check(np.array_equal(table[singles, size], singles + 0.5), f"{what}: so are those written one by one")
    untouched = np.delete(table[: CELLS // 2, size], singles[singles < CELLS // 2])
    check((untouched == OLD).all() and (table[: CELLS // 2, size + 1] == OLD).all(), f"{what}: the rest is as it was")
    check((table[CELLS // 2 : -1, size + 1] == 0).all(), f"{what}: what the file did not have reads as zeros")
    comm.Barrier()


def every(kind):
    """The filetype of this rank's cells."""
    if kind == "tile":
        return MPI.DOUBLE.Create_resized(0, 8 * STEP).Commit()
    if kind == "vector":
        return MPI.DOUBLE.Create_vector(CELLS, 1, STEP).Commit()
    return MPI.DOUBLE.Create_indexed_block(1, (np.arange(CELLS) * STEP).tolist()).Commit()


def write_singles(f, singles):
    """Single cells at their places, by a rank that sees the file as plain numbers."""
    for i in singles.tolist():
        f.Write_at(i * STEP + size, np.array([i + 0.5]))


def try_beside(kind, later):
    """All ranks but the last write their cells; the last one writes its own and the single ones, one by one."""
    singles = np.arange(rank + 7, CELLS, 97)
    singles = comm.bcast(singles, size - 1)
    what = f"{kind}, {'nonblocking' if later else 'blocking'}"
    fresh()
    f = opened()
    filetype = every(kind)
    plain = rank == size - 1 and size > 1
    if plain:
        f.Set_view(0, MPI.DOUBLE, MPI.DOUBLE)
    else:
        f.Set_view(8 * rank, MPI.DOUBLE, filetype)
    for turn in range(3):
        data = mine(turn)
        if plain:
            write_singles(f, singles)
            for i in range(CELLS):
                f.Write_at(i * STEP + rank, data[i : i + 1])
        elif later:
            half = CELLS // 2
            requests = [f.Iwrite_at(0, data[:half]), f.Iwrite_at(half, data[half:])]
            MPI.Request.Waitall(requests)
        else:
            f.Write_at(0, data)
        comm.Barrier()
    if size == 1:
        f.Set_view(0, MPI.DOUBLE, MPI.DOUBLE)
        write_singles(f, singles)
    f.Close()
    filetype.Free()
    check_file(2, singles, what)


for kind in "tile", "vector", "indexed":
    try_beside(kind, False)
try_beside("vector", True)

# Writers who must not read, and those who must not sieve.
for hint, mode, what in (
    ("disable", MPI.MODE_RDWR, "without a sieve"),
    ("enable", MPI.MODE_WRONLY, "written only"),
    (None, MPI.MODE_WRONLY, "written only, as it comes"),
):
    fresh()
    f = opened(mode, hint)
    filetype = every("vector")
    f.Set_view(8 * rank, MPI.DOUBLE, filetype)
    f.Write_at(0, mine(0))
    try:
        f.Read_at(0, np.zeros(1))
        refused = mode == MPI.MODE_RDWR
    except MPI.Exception as e:
        refused = mode == MPI.MODE_WRONLY and e.Get_error_class() == MPI.ERR_ACCESS
    check(refused, f"{what}: reading is allowed as the mode says")
    f.Close()
    filetype.Free()
    check_file(0, np.arange(0), what)

# Atomic mode: each write is whole.
fresh()
f = opened()
filetype = every("vector")
f.Set_view(0, MPI.DOUBLE, filetype)
f.Set_atomicity(True)
f.Write_at(0, np.full(CELLS, float(rank)))
comm.Barrier()
got = np.zeros(CELLS)
f.Read_at(0, got)
check((got == got[0]).all() and got[0] in range(size), "in atomic mode one rank's write is all there")
f.Close()
filetype.Free()

# Somebody keeps bytes of the file locked and goes no further: the writers hear of it in their time.
fresh()
f = opened()
filetype = every("vector")
f.Set_view(8 * rank, MPI.DOUBLE, filetype)
stopped = rank == size - 1
keeper = open(PATH, "r+b")
if stopped:
    fcntl.lockf(keeper, fcntl.LOCK_EX, 8 * STEP)
comm.Barrier()
collio.rc.timeout = 0.5
try:
    f.Write_at(0, mine(0))
    error = ""
except collio.CollectiveTimeout as e:
    error = str(e)
collio.rc.timeout = 600
check(PATH in error and "another process has kept bytes" in error and "locked for" in error,
      "bytes that stay locked are named", error)
comm.Barrier()
keeper.close()
comm.Barrier()
f.Write_at(0, mine(1))
f.Close()
filetype.Free()
check_file(1, np.arange(0), "once they are free")

done()
