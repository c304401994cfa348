"""How datasets are stored, from Python: chunks, filters, fill values, resizing. ranks: 1 2 3 4"""

import os
import subprocess
import sys

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
PATH = "storage.h5"

# Keywords, and what the dataset says of itself: chunks, compression, its options, shuffle,
# fletcher32, scaleoffset, maxshape, fillvalue.
KEPT = [
    ("contiguous", {}, (None, None, None, False, False, None, (60, 41), 0)),
    ("chunks", {"chunks": (7, 10)}, ((7, 10), None, None, False, False, None, (60, 41), 0)),
    ("gzip", {"compression": "gzip", "chunks": (7, 10)}, ((7, 10), "gzip", 4, False, False, None, (60, 41), 0)),
    ("level", {"compression": 9, "chunks": (8, 41)}, ((8, 41), "gzip", 9, False, False, None, (60, 41), 0)),
    ("true", {"compression": True, "chunks": (8, 41)}, ((8, 41), "gzip", 4, False, False, None, (60, 41), 0)),
    ("all", {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True, "chunks": (60, 5)},
     ((60, 5), "gzip", 1, True, True, None, (60, 41), 0)),
    ("bits", {"scaleoffset": 0, "chunks": (9, 9)}, ((9, 9), None, None, False, False, 0, (60, 41), 0)),
    ("grows", {"maxshape": (None, 50), "chunks": (11, 41)},
     ((11, 41), None, None, False, False, None, (None, 50), 0)),
    ("fill", {"fillvalue": 7, "chunks": (16, 16), "fill_time": "alloc"},
     ((16, 16), None, None, False, False, None, (60, 41), 7)),
    ("filled", {"fillvalue": -1}, (None, None, None, False, False, None, (60, 41), -1)),
]

REFUSED = [
    ({"chunks": (61, 1)}, ValueError, "Chunk shape must not be greater than data shape"),
    ({"chunks": (0, 1)}, ValueError, "must be positive"),
    ({"chunks": (5,)}, ValueError, "same rank"),
    ({"chunks": False, "compression": "gzip"}, ValueError, "Chunked format required"),
    ({"chunks": False, "maxshape": (None, None)}, ValueError, "Chunked format required"),
    ({"maxshape": (50, 41)}, ValueError, "maxshape"),
    ({"maxshape": (None,)}, ValueError, "maxshape"),
    ({"compression": "gzip", "compression_opts": 10}, ValueError, "integer from 0-9"),
    ({"compression_opts": 4}, TypeError, "must be specified"),
    ({"compression": "none such"}, ValueError, "unavailable"),
    ({"compression": 31999}, ValueError, "31999"),
    ({"compression": 4, "compression_opts": (4,)}, TypeError, "Conflict"),
    ({"compression": "szip", "compression_opts": ("nn", 7)}, ValueError, ""),
    ({"scaleoffset": 0, "fletcher32": True}, ValueError, "lossy"),
    ({"scaleoffset": True, "dtype": "f8"}, ValueError, "integer scaleoffset"),
    ({"scaleoffset": 1, "dtype": "c8"}, TypeError, "scale/offset"),
    ({"fill_time": "late"}, ValueError, "'never'"),
    ({"track_times": "yes"}, TypeError, "True or False"),
    ({"shape": (), "chunks": True}, TypeError, "Scalar"),
    ({"shape": None, "data": collio.Empty("f4"), "chunks": True}, TypeError, "Empty"),
    ({"shape": None, "data": collio.Empty("f4"), "compression": "gzip"}, TypeError, "Empty"),
    ({"shape": None, "data": collio.Empty("f4"), "maxshape": (None,)}, TypeError, "Empty"),
    ({"data": collio.Empty("f4"), "shape": (3,)}, TypeError, "Empty"),
    ({"shape": (0, 5), "chunks": (1, 5)}, ValueError, "Chunk shape"),
    ({"shape": (), "compression": "gzip"}, TypeError, "Scalar"),
    ({"shape": (), "maxshape": (None,)}, TypeError, "Scalar"),
]


def facts(d):
    return (d.chunks, d.compression, d.compression_opts, d.shuffle, d.fletcher32, d.scaleoffset, d.maxshape,
            int(d.fillvalue))


def fill(d, whole):
    """Each rank its rows, dealt out one by one; then columns of the first rank once more."""
    d[rank::size] = whole[rank::size]
    equal(d[...], whole, f"{d.name}: rows dealt out")
    whole[:, 3:6] += 1
    d[:, 3 : 6 if rank == 0 else 3] = whole[:, 3 : 6 if rank == 0 else 3]
    equal(d[...], whole, f"{d.name}: some columns again")


def test_keywords(f):
    for name, keywords, wanted in KEPT:
        d = f.create_dataset(name, (60, 41), "i4", **keywords)
        check(facts(d) == wanted, f"{name}: facts", f"{facts(d)}")
        equal(d[5, 5], np.int32(wanted[-1]), f"{name}: the fill value")
        fill(d, np.arange(60 * 41, dtype="i4").reshape(60, 41))
    for keywords, kind, text in REFUSED:
        arguments = {"shape": (60, 41), "dtype": "i4", **keywords}
        raises(kind, text, f.create_dataset, "refused", **arguments, name=f"{keywords} is refused")
    check("refused" not in f, "nothing was made of it")
    d = f.require_dataset("required", (8,), "f4", chunks=(4,), fillvalue=2.5)
    check(d.chunks == (4,) and d[0] == 2.5, "require_dataset takes keywords")
    check(f.require_dataset("required", (8,), "f4", chunks=(2,)).chunks == (4,), "and returns what is there")
    d = f.create_dataset("data", data=np.arange(100.0), compression="gzip")
    equal(d[...], np.arange(100.0), "data= with compression")


def test_guess(f):
    for shape in [(10,), (10**6,), (3000, 2000), (200, 200, 200), (1, 10**7)]:
        d = f.create_dataset(f"guess/{shape}", shape, "f8", chunks=True)
        bytes = 8 * int(np.prod(d.chunks))
        check(bytes <= 1 << 20 and (bytes >= 5 << 10 or d.chunks == shape), f"{shape}: chunks {d.chunks}")
    d = f.create_dataset("guess/grows", (0, 7), "f4", maxshape=(None, 7))
    check(0 < 4 * np.prod(d.chunks) <= 1 << 20, f"shape (0, 7) has chunks {d.chunks}")
    d = f.create_dataset("guess/nothing", (0, 7), "f4", compression="gzip", maxshape=(5, 7))
    check(d[...].shape == (0, 7), f"nothing, compressed, has chunks {d.chunks}")
    d.resize((5, 7))
    d[rank::size] = rank + 1
    equal(d[:, 0], np.array([i % size + 1 for i in range(5)], "f4"), "and may grow")


def test_resize(f):
    for name, keywords in [("plain", {}), ("packed", {"compression": "gzip", "shuffle": True})]:
        d = f.create_dataset(f"resize/{name}", (10, 6), "i2", chunks=(4, 4), maxshape=(None, 20), fillvalue=9, **keywords)
        other = f[d.name]
        whole = np.arange(60, dtype="i2").reshape(10, 6)
        d[rank::size] = whole[rank::size]
        d.resize((7, 3))
        equal(d[...], whole[:7, :3], f"{name}: smaller")
        check(other.shape == (7, 3), f"{name}: the other object knows")
        d.resize(9, axis=1)
        d.shape = (13, 9)
        wanted = np.full((13, 9), 9, "i2")
        wanted[:7, :3] = whole[:7, :3]
        equal(d[...], wanted, f"{name}: larger again")
        wanted[11:, 8] = 1
        d[11:, 8] = 1
        equal(other[...], wanted, f"{name}: written where it is new")
        d.resize((0, 5))
        equal(d[...], wanted[:0, :5], f"{name}: nothing left")
        d.resize((3, 5))
        equal(d[...], np.full((3, 5), 9, "i2"), f"{name}: the fill value only")
        for arguments, kind, text in [
            (((3, 21),), RuntimeError, "20"), ((5, 2), ValueError, "Invalid axis"), (((5,),), TypeError, "New shape length"),
            ((-1, 0), (ValueError, OverflowError), ""), (("x",), (ValueError, TypeError), ""),
        ]:
            raises(kind, text, d.resize, *arguments, name=f"{name}: resize{arguments} is refused")
        check(d.shape == (3, 5), f"{name}: and changed nothing")
    d = f.create_dataset("resize/never", (5,), "i4")
    raises(TypeError, "Only chunked datasets can be resized", d.resize, (6,), name="contiguous ones stay")
    if size > 1:
        d = f["resize/plain"]
        raises(collio.CollectiveError, "resize", d.resize, (4, 5 + rank % 2), name="ranks that differ")
        check(d.shape == (3, 5), "and nothing was done")


def test_growth(f):
    """A time series: each step one row more, flushed now and then."""
    d = f.create_dataset("series", (0, 5 * size), "f8", maxshape=(None, 5 * size), chunks=(3, 5), compression="gzip")
    for step in range(10):
        d.resize(step + 1, axis=0)
        d[step, 5 * rank : 5 * rank + 5] = step + np.arange(5 * rank, 5 * rank + 5) / 100
        if step % 4 == 0:
            f.flush()
    equal(d[...], np.arange(10)[:, None] + np.arange(5 * size)[None] / 100, "a series")


def test_one_errs(f):
    d = f.create_dataset("errs", (10,), "i4", compression="gzip", chunks=(3,))
    values = np.zeros(4 if rank == size - 1 else 3)
    raises((TypeError, collio.CollectiveError), "", d.__setitem__, slice(0, 3), values, name="values that do not fit")
    d[rank : rank + 1] = rank
    equal(d[:size], np.arange(size, dtype="i4"), "the dataset is usable after that")
    if size > 1:
        raises(collio.CollectiveError, "chunks of", f.create_dataset, "other", (10,), "i4", chunks=(3 + rank % 2,),
               name="other chunks on other ranks")
        raises(collio.CollectiveError, "", f.create_dataset, "other", (10,), "i4", compression=1 + rank % 2, name="other levels")
        raises(collio.CollectiveError, "", f.create_dataset, "other", (10,), "i4", fillvalue=rank % 2, name="other fill values")


def peer():
    """A Python that has h5py (COLLIO_PEER_PYTHON names one), or None."""
    for python in (os.environ.get("COLLIO_PEER_PYTHON", ""), sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import h5py"], capture_output=True).returncode == 0:
            return python
    return None


READER = """
import h5py, numpy as np, sys
with h5py.File(sys.argv[1]) as f:
    whole = np.arange(60 * 41).reshape(60, 41)
    whole[:, 3:6] += 1
    for name in sys.argv[2].split():
        d = f[name]
        assert (d[...] == whole).all(), name
        print(name, d.chunks, d.compression, d.compression_opts, d.shuffle, d.fletcher32, d.scaleoffset, d.maxshape, d.fillvalue)
"""


def test_reader():
    names = " ".join(row[0] for row in KEPT)
    python = comm.bcast(peer() if rank == 0 else None)
    result = None
    if rank == 0 and python:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "MPI", "OMPI", "PYTHONPATH"))}
        result = subprocess.run([python, "-c", READER, PATH, names], capture_output=True, text=True, env=environment)
        lines = result.stdout.splitlines()
        wanted = [" ".join(map(str, (name, *facts))) for name, _, facts in KEPT]
        check_now = result.returncode == 0 and lines == wanted
    else:
        check_now = True
    check(check_now, "h5py reads the same" if python else "h5py reads the same # SKIP no h5py", f"{result}")


with collio.File(PATH, "w", comm=comm) as f:
    test_keywords(f)
    test_guess(f)
    test_resize(f)
    test_growth(f)
    test_one_errs(f)
with collio.File(PATH, "r", comm=comm) as f:
    for name, _, wanted in KEPT:
        check(facts(f[name]) == wanted, f"{name}: facts after reopening", f"{facts(f[name])}")
test_reader()
done()
