"""Datasets on a really full disk: a small tmpfs, where root may mount one. ranks: 1 2 3"""

import errno
import os
import subprocess
import tempfile

import numpy as np
import collio
from collio import MPI
from tap import alike, check, done, equal, skip_all

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
ROWS, COLUMNS = 30 * size, 20000  # 4.8 MB a rank, on a disk of 3
rows = slice(30 * rank, 30 * rank + 30)


def mount():
    directory = tempfile.mkdtemp(prefix="collio-full-")
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", directory]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        os.rmdir(directory)
    return directory if mounted else None


def fill_up(path, **keywords):
    """Write more than there is room for; the error, and whether it was closed."""
    f = collio.File(path, "w", comm=comm)
    kept = f.create_dataset("kept", data=np.arange(1000), chunks=(100,))
    f.attrs["state"] = "flushed"
    f.flush()
    failed = None
    try:
        d = f.create_dataset("large", (ROWS, COLUMNS), "f8", **keywords)
        # Numbers that gzip cannot make smaller.
        d[rows] = np.random.default_rng(rank).random((30, COLUMNS))
    except OSError as error:
        failed = error
    try:
        f.close()
    except Exception:
        pass
    return failed


def test(directory, name, **keywords):
    path = os.path.join(directory, f"{name}.h5")
    failed = fill_up(path, **keywords)
    check(failed is not None and failed.errno == errno.ENOSPC, f"{name}: no space left, on all ranks", repr(failed))
    alike(str(failed), f"{name}: the same words")
    with collio.File(path, "r", comm=comm) as f:
        equal(f["kept"][...], np.arange(1000), f"{name}: what was flushed is readable")
        check(f.attrs["state"] == "flushed", f"{name}: its attributes, too")
    comm.Barrier()
    if rank == 0:
        os.unlink(path)
    comm.Barrier()


def test_per_rank(directory):
    """Each rank writes a file of its own: the disk is as full."""
    path = os.path.join(directory, "per-rank.h5")
    if rank == 0:
        subprocess.run(f"rm -rf {directory}/*", shell=True)
    comm.Barrier()
    f = collio.File(path, "w", comm=comm, layout="per-rank")
    for name, keywords in (("plain", {}), ("chunked", {"chunks": (7, 999)})):
        failed = None
        d = f.create_dataset(name, (ROWS, COLUMNS), "f8", **keywords)
        try:
            d[rows] = np.random.default_rng(rank).random((30, COLUMNS))
            f.flush()
            f.close()
        except OSError as error:
            failed = error
        check(failed is not None and failed.errno == errno.ENOSPC, f"{name}, per rank: no space left", repr(failed))
        alike(str(failed), f"{name}, per rank: the same words")
    try:
        f.close()
    except OSError:
        pass
    comm.Barrier()
    if rank == 0:
        subprocess.run(["rm", "-rf", path, path + ".ranks"])
    comm.Barrier()


def test_structure(directory):
    """Attributes until the disk is full: flush() tells, and the file has the last state."""
    path = os.path.join(directory, "structure.h5")
    f = collio.File(path, "w", comm=comm)
    f.create_dataset("kept", data=np.arange(1000))
    failed = None
    try:
        for i in range(200):
            f.create_group(f"g{i}").attrs["values"] = np.full(4000, float(i))
            f.flush()
    except OSError as error:
        failed = error
    try:
        f.close()
    except Exception:
        pass
    check(failed is not None and failed.errno == errno.ENOSPC, "structure: no space left, on all ranks", repr(failed))
    with collio.File(path, "r", comm=comm) as f:
        whole = all((f[name].attrs["values"] == float(name[1:])).all() for name in f if name != "kept")
        check(len(f) > 10 and whole, "structure: the last state is whole")


directory = comm.bcast(mount() if rank == 0 else None)
if directory is None:
    skip_all("no tmpfs can be mounted")
try:
    test(directory, "contiguous")
    test(directory, "filled", fillvalue=1.0)
    test(directory, "chunked", chunks=(10, 1000))
    test(directory, "gzip", chunks=(10, 1000), compression="gzip")
    test_structure(directory)
    test_per_rank(directory)
finally:
    comm.Barrier()
    if rank == 0:
        subprocess.run(["umount", directory])
        os.rmdir(directory)
done()
