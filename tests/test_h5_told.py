"""A write of one rank alone that fails: the others learn of it with their next call. ranks: 2 3"""

import errno
import resource

import numpy as np

import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
FAR = 1 << 20
WORDS = (f"rank {size - 1}", "independent write to '/a", "File too large")


def write_beyond(d):
    """The last rank writes where it may not: a limit of the system stands for a full disk."""
    if rank < size - 1:
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FAR // 2, limits[1]))
    try:
        with d.independent:
            d[-4:] = 1
    except OSError as error:
        heard.append(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_next_call(name, call):
    heard.clear()
    with collio.File("told.h5", "w", comm=comm) as f:
        d = f.create_dataset("a", (FAR,), "f8")
        d[rank] = rank
        write_beyond(d)
        check(len(heard) == (rank == size - 1), f"{name}: the writer hears of it at once", str(heard))
        error = raises(OSError, WORDS, call, f, d, name=f"{name}: the others with the next call")
        equal(getattr(error, "errno", None), errno.EFBIG, f"{name}: with the reason as a number")
        d[size + rank] = rank
        equal(d[: 2 * size], np.tile(np.arange(size), 2).astype("f8"), f"{name}: once, then all goes on")


def test_close():
    heard.clear()
    f = collio.File("told.h5", "w", comm=comm)
    d = f.create_dataset("a", (FAR,), "f8")
    d[rank] = rank
    write_beyond(d)
    raises(OSError, WORDS, f.close, name="close(): all are told")
    check(not f, "and the file is closed")
    with collio.File("told.h5", comm=comm) as f:
        equal(f["a"][:size], np.arange(size).astype("f8"), "with what was written")


heard = []
test_next_call("flush", lambda f, d: f.flush())
test_next_call("write", lambda f, d: d.__setitem__(rank, 5))
test_next_call("create", lambda f, d: f.create_group("g"))
test_next_call("read", lambda f, d: d[0])
test_next_call("attribute", lambda f, d: f.attrs.__setitem__("x", 1))
test_close()
done()
