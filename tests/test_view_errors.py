"""MPI.File when one rank errs: the same class and reason on all ranks, no hang, and the file goes on."""
# ranks: 1 2 3
# limit: 120

import os
import resource
import signal
import subprocess

import collio
import numpy as np
from collio import MPI
from tap import alike, check, done, equal, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
last = size - 1
odd = rank == last  # the rank that errs
PATH = "errors.raw"
RDWR = MPI.MODE_CREATE | MPI.MODE_RDWR
collio.rc.timeout = 30


def raised(call, *args, **keywords):
    """The exception of a call, None if there is none."""
    try:
        call(*args, **keywords)
    except Exception as error:
        return error
    return None


def same_class(error, wanted, words, name):
    """All ranks have an MPI.Exception of that class; the words are in the text on all of them."""
    found = error.Get_error_class() if isinstance(error, MPI.Exception) else error
    check(found == wanted and words in str(error), name, f"got {found!r}: {error}")
    alike(str(error), f"{name}: the same words on all ranks")


def new_file(mode=RDWR):
    comm.Barrier()
    if rank == 0 and os.path.exists(PATH):
        os.remove(PATH)
    comm.Barrier()
    return MPI.File.Open(comm, PATH, mode)


# ---------------------------------------------------------------- opening

same_class(raised(MPI.File.Open, comm, "nowhere/" + PATH, RDWR), MPI.ERR_NO_SUCH_FILE, "nowhere",
           "a missing directory")
same_class(raised(MPI.File.Open, comm, PATH), MPI.ERR_NO_SUCH_FILE, PATH, "a missing file")
same_class(raised(MPI.File.Open, comm, ".", MPI.MODE_RDWR), MPI.ERR_BAD_FILE, "directory", "a directory")
for mode, name in (
    (MPI.MODE_RDONLY | MPI.MODE_RDWR, "two ways at once"),
    (MPI.MODE_CREATE, "no way at all"),
    (MPI.MODE_RDONLY | MPI.MODE_CREATE, "creating to read"),
    (MPI.MODE_RDWR | MPI.MODE_SEQUENTIAL, "sequential both ways"),
):
    same_class(raised(MPI.File.Open, comm, PATH, mode), MPI.ERR_AMODE, "amode", f"amode: {name}")
    if size > 1:
        same_class(raised(MPI.File.Open, comm, PATH, mode if odd else RDWR), MPI.ERR_AMODE, f"rank {last}",
                   f"amode: {name}, on one rank")
if size > 1:
    same_class(raised(MPI.File.Open, comm, PATH, RDWR if odd else RDWR | MPI.MODE_EXCL), MPI.ERR_NOT_SAME, "amode",
               "different modes")
    same_class(raised(MPI.File.Open, comm, "other.raw" if odd else PATH, RDWR), MPI.ERR_NOT_SAME, "other.raw",
               "different names")
    error = raised(MPI.File.Open, comm, 3.5 if odd else PATH, RDWR)
    check(isinstance(error, TypeError if odd else MPI.Exception) and (odd or f"rank {last}" in str(error)),
          "a name that is none, on one rank", repr(error))
check(not os.path.exists(PATH), "nothing of all that has left a file")
new_file().Close()
same_class(raised(MPI.File.Open, comm, PATH, RDWR | MPI.MODE_EXCL), MPI.ERR_FILE_EXISTS, PATH, "a file that is there")

# ------------------------------------------------- no permission, as another user


class Unprivileged:
    """Whoever runs this, for a while without the rights of root."""

    def __enter__(self):
        self.user = os.geteuid()
        if self.user == 0:
            os.seteuid(65534)

    def __exit__(self, *_):
        os.seteuid(self.user)


if rank == 0:
    os.makedirs("locked", exist_ok=True)
    open("locked/file", "w").close()
    os.chmod("locked/file", 0o400 if os.geteuid() else 0o600)
    os.chmod("locked", 0o500 if os.geteuid() else 0o755)
comm.Barrier()
for who, name in ((range(size), "all ranks"), ([last], "one rank")):
    with Unprivileged() if rank in who else open(os.devnull):
        error = raised(MPI.File.Open, comm, os.path.abspath("locked/file"), MPI.MODE_RDWR)
    if os.getcwd().startswith("/root") or (os.geteuid() and who == [last] and size > 1):
        skip(f"no permission, {name}", "needs root, in a directory that others may enter")
        continue
    # Who may not enter the directory of the test cannot look further either: the same error.
    same_class(error, MPI.ERR_ACCESS, "denied", f"no permission, {name}")
with Unprivileged():
    error = raised(collio.View, os.path.abspath("locked/file"), "r+", comm, shape=3)
check(isinstance(error, PermissionError), "collio.View has no permission either", repr(error))
with Unprivileged():
    error = raised(MPI.File.Open, comm, os.path.abspath("locked/new"), RDWR)
same_class(error, MPI.ERR_ACCESS, "denied", "no permission to create")
check(raised(MPI.File.Delete, os.path.abspath("locked/none")).Get_error_class() == MPI.ERR_NO_SUCH_FILE,
      "deleting what is not there")

# ------------------------------------------------------- arguments of one rank

f = new_file()
good = np.arange(4.0)
f.Write_at_all(32 * rank, good)
COLLECTIVE = {
    "Write_at_all": lambda data: f.Write_at_all(32 * rank, data),
    "Read_at_all": lambda data: f.Read_at_all(32 * rank, data),
    "Write_all": lambda data: f.Write_all(data),
    "Read_all": lambda data: f.Read_all(data),
    "Write_ordered": lambda data: f.Write_ordered(data),
    "Read_ordered": lambda data: f.Read_ordered(data),
    "Write_at_all_begin": lambda data: f.Write_at_all_begin(32 * rank, data),
    "Read_all_begin": lambda data: f.Read_all_begin(data),
    "Write_ordered_begin": lambda data: f.Write_ordered_begin(data),
}
for name, call in COLLECTIVE.items():
    error = raised(call, 3 if odd else good.copy())
    check(isinstance(error, TypeError) if odd else isinstance(error, MPI.Exception) and f"rank {last}" in str(error),
          f"{name}: no buffer on one rank", repr(error))
same_class(raised(f.Write_at_all, -8 if odd else 0, good), MPI.ERR_ARG, "-8", "an offset below 0, on one rank")
same_class(raised(f.Read_at_all, -8, good), MPI.ERR_ARG, "-8", "on all ranks")
if size > 1:
    error = raised(f.Write_all if odd else f.Read_all, good.copy())
    same_class(error, MPI.ERR_NOT_SAME, "view_write", "writing on one rank, reading on others")
    same_class(raised(f.Set_size, 64 if odd else 128), MPI.ERR_NOT_SAME, "64", "different sizes")
    same_class(raised(f.Seek_shared, rank), MPI.ERR_NOT_SAME, "seek_shared", "different places of the shared pointer")
    same_class(raised(f.Set_view, 0, MPI.DOUBLE if odd else MPI.INT), MPI.ERR_NOT_SAME, "etype", "different etypes")
    same_class(raised(f.Set_view, 0, MPI.DOUBLE, None, "external32" if odd else "native"), MPI.ERR_NOT_SAME,
               "external32", "different representations")
same_class(raised(f.Set_view, 0, MPI.DOUBLE, MPI.INT if odd else MPI.DOUBLE), MPI.ERR_ARG, "etype",
           "a filetype that is not of etypes, on one rank")
same_class(raised(f.Set_view, -8 if odd else 0, MPI.DOUBLE), MPI.ERR_ARG, "-8", "a view from before the file")
same_class(raised(f.Set_size, -1 if odd else 128), MPI.ERR_ARG, "-1", "a size below 0")
error = raised(f.Set_atomicity, np.ones(3) if odd else True)
check(isinstance(error, (TypeError, ValueError) if odd else MPI.Exception), "a flag that is none, on one rank", repr(error))
check(not f.Get_atomicity(), "and atomic mode is still off")
equal(raised(f.Seek, -1).Get_error_class(), MPI.ERR_ARG, "a seek before the beginning")
equal(raised(f.Write_all_end, good).Get_error_class(), MPI.ERR_IO, "an end without a beginning")
f.Write_all_begin(good)
error = raised(f.Write_all_begin, good)
same_class(error, MPI.ERR_IO, "under way", "two split collectives at once")
f.Write_all_end(good)
f.Set_size(32 * size)
back = np.zeros(4)
f.Write_at_all(32 * rank, good + rank)
f.Read_at_all(32 * rank, back)
equal(back, good + rank, "after all that the file goes on")
f.Close()
equal(np.fromfile(PATH), (np.arange(4.0) + np.arange(size)[:, None]).ravel(), "and has what was written")

# ------------------------------------------------------------- one way only

f = MPI.File.Open(comm, PATH, MPI.MODE_RDONLY)
same_class(raised(f.Write_at_all, 0, good), MPI.ERR_READ_ONLY, "reading only", "writing to a file for reading")
same_class(raised(f.Set_size, 0), MPI.ERR_READ_ONLY, "reading only", "resizing it")
equal(raised(f.Write_shared, good).Get_error_class(), MPI.ERR_READ_ONLY, "at the shared pointer, too")
equal(raised(f.Iwrite_at, 0, good).Get_error_class(), MPI.ERR_READ_ONLY, "and nonblocking")
f.Close()
f = MPI.File.Open(comm, PATH, MPI.MODE_WRONLY)
same_class(raised(f.Read_at_all, 0, back), MPI.ERR_ACCESS, "writing only", "reading from a file for writing")
f.Write_at_all(32 * rank, good)
f.Close()

# Sequential files are MPI's: at the shared pointer alone.
f = MPI.File.Open(comm, PATH, MPI.MODE_WRONLY | MPI.MODE_SEQUENTIAL)
same_class(raised(f.Write_at_all, 0, good), MPI.ERR_UNSUPPORTED_OPERATION, "SEQUENTIAL",
           "no offsets in a sequential file")
check(isinstance(raised(f.Write_ordered, 3 if odd else good), TypeError if odd else MPI.Exception),
      "no buffer on one rank there is an error on all")
f.Write_ordered(good + rank)
f.Close()
equal(np.fromfile(PATH), (np.arange(4.0) + np.arange(size)[:, None]).ravel(), "but in the order of the ranks")

# ------------------------------------------------------------------- hints

info = MPI.Info.Create()
info.Set("collio_exchange", "never")
info.Set("my_own", "kept")
f = MPI.File.Open(comm, PATH, MPI.MODE_RDWR, info)
equal((f.info.Get("collio_exchange"), f.info.Get("my_own")), ("never", "kept"), "hints come back")
f.Close()
info.Set("collio_exchange", "sometimes")
same_class(raised(MPI.File.Open, comm, PATH, MPI.MODE_RDWR, info), MPI.ERR_ARG, "collio_exchange", "a wrong one")

# -------------------------------------------------------- writes that fail


def limited(on, call, *args):
    """The exception of a call while files of this process may not grow, if `on`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if on:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        return raised(call, *args)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
f = new_file()
data = np.ones(100)
f.Set_view(800 * rank, MPI.DOUBLE)
for name in "Write_at_all", "Write_all", "Write_ordered":
    call = getattr(f, name)
    error = limited(odd, call, *((0, data) if "_at" in name else (data,)))
    same_class(error, MPI.ERR_IO, "too large", f"{name} that fails on one rank")
for name in "Write_at_all_begin", "Write_all_begin", "Write_ordered_begin":
    call = getattr(f, name)
    error = limited(odd, call, *((0, data) if "_at" in name else (data,)))
    same_class(error, MPI.ERR_IO, "too large", f"{name} that fails on one rank")
for name in "Write_at", "Write", "Write_shared":
    error = limited(True, getattr(f, name), *((0, data) if "_at" in name else (data,)))
    check(isinstance(error, MPI.Exception) and error.Get_error_class() == MPI.ERR_IO, f"{name} that fails", repr(error))
for name in "Iwrite_at", "Iwrite", "Iwrite_shared", "Iwrite_at_all", "Iwrite_all":
    requests = []
    args = (0, data) if "_at" in name else (data,)
    check(limited(odd, lambda: requests.append(getattr(f, name)(*args))) is None, f"{name} that fails starts")
    error = raised(requests[0].Wait)
    found = error.Get_error_class() if isinstance(error, MPI.Exception) else error
    equal(found, MPI.ERR_IO if odd else None, "and tells when it is waited for")
same_class(limited(rank == 0, f.Set_size, 1 << 20), MPI.ERR_IO, "too large", "Set_size that fails")
f.Close()

# --------------------------------------------- a file system that is really full


def mount_small(place):
    """A file system of 256 KiB, where this process may mount one."""
    if rank == 0:
        os.makedirs(place, exist_ok=True)
        code = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", place], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    else:
        code = None
    return comm.bcast(code) == 0


if not mount_small("small"):
    skip("a full file system", "nothing can be mounted here")
else:
    f = MPI.File.Open(comm, "small/file", RDWR)
    data = np.ones(64 << 10, "u1")
    f.Write_at_all(rank << 16, data)
    large = np.ones(1 << 20, "u1")
    same_class(raised(f.Write_at_all, rank << 20, large if odd else large[:0]), MPI.ERR_NO_SPACE, "No space",
               "a full file system, one rank writing")
    same_class(raised(f.Write_ordered, large), MPI.ERR_NO_SPACE, "No space", "all ranks")
    same_class(raised(f.Preallocate, 1 << 20), MPI.ERR_NO_SPACE, "No space", "reserving")
    f.Set_size(0)
    f.Write_at_all(rank << 16, data)
    back = np.zeros_like(data)
    f.Read_at_all(rank << 16, back)
    equal(back, data, "with room again it goes on")
    f.Close()
    error = raised(collio.View, "small/view", "w", comm, shape=(size, 1 << 20), dtype="u1")
    view = collio.View("small/view", "w", comm, shape=(size, 1 << 20), dtype="u1") if error is None else None
    if view is not None:
        error = raised(view.__setitem__, rank, large)
        check(isinstance(error, OSError) and error.errno == 28, "collio.View on it", repr(error))
        view.close()
    comm.Barrier()
    if rank == 0:
        subprocess.run(["umount", "small"], check=False)
comm.Barrier()
done()
