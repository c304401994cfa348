"""File(layout='per-rank'): each rank writes a file of its own, and one more shows the whole to every
reader. Uneven and empty parts, what is written again and by several ranks, what is refused, an
erring rank, a job that dies before the end. ranks: 1 2 3 4"""

import os
import shutil
import subprocess
import sys

import numpy as np

import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
last = rank == size - 1


def mine(n):
    """An uneven part: rank 0 has nothing where there are others."""
    cut = [n * r * r // (size - 1) ** 2 for r in range(size)] if size > 1 else [n]
    cut = [0] + cut
    return cut[rank], cut[rank + 1]


def alone():
    """The environment without what a launcher has put there."""
    launched = ("PMI", "HYDRA", "MPI", "OMPI", "PRTE")
    return {k: v for k, v in os.environ.items() if not k.startswith(launched)}


def dump(path, name):
    """The elements as h5dump prints them, on rank 0; None if there is no h5dump."""
    if rank != 0 or shutil.which("h5dump") is None:
        return None
    command = ["h5dump", "-y", "-w", "1", "-m", "%.17g", "-d", name, path]
    text = subprocess.run(command, capture_output=True, text=True, env=alone(), timeout=60).stdout
    body = text.split("DATA {", 1)[-1].split("}", 1)[0]
    return np.array([float(x) for x in body.replace(",", " ").split()])


shape = (23, 5, 4)
u = np.arange(np.prod(shape), dtype="f8").reshape(shape) + 0.5
rows = np.arange(40 * 6, dtype="i4").reshape(40, 6)
names = ["a", "bc", "déf"]
lo, hi = mine(23)

with collio.File("whole.h5", "w", comm=comm, layout="per-rank") as f:
    d = f.create_dataset("group/u", shape, "f8")
    d[lo:hi] = u[lo:hi]
    equal(d[lo:hi], u[lo:hi], "a rank reads what it has written")
    equal(d[lo:hi, 1:3, ::2], u[lo:hi, 1:3, ::2], "and a part of it")
    d.attrs["unit"] = "m"
    d.dims[0].label = "x"
    f["x"] = np.arange(23.0)
    f["x"].make_scale("x of u")
    d.dims[0].attach_scale(f["x"])
    f.attrs["steps"] = np.arange(3)
    big = f.create_dataset("rows", rows.shape, ">i4")
    big[rank::size] = rows[rank::size]
    packed = f.create_dataset("packed", rows.shape, "i4", chunks=(7, 4), compression="gzip", shuffle=True)
    packed[9 * rank : 9 * rank + 9] = rows[9 * rank : 9 * rank + 9]
    equal((packed.chunks, packed.compression), ((7, 4), "gzip"), "how it is stored can be asked for")
    filled = f.create_dataset("filled", (10, 3), "f4", fillvalue=7)
    filled[2 * rank : 2 * rank + 1] = float(rank)
    f.create_dataset("untouched", (4,), "i2", fillvalue=-3)
    f.create_dataset("nothing", (0, 3), "i2")
    f.create_dataset("scalar", (), "f8")[()] = 2.5
    f.create_dataset("text", (3,), collio.string_dtype())[...] = names
    f.create_dataset("complex", (6,), "c16")[...] = np.arange(6) * (1 + 2j)
    lists = f.create_dataset("lists", (9, 9), "u1")
    lists[[rank, rank + 5], :] = np.full((2, 9), rank + 1, "u1")
    f["hard"] = d
    f["soft"] = collio.SoftLink("/group/u")
    f.flush()
    comm.Barrier()
    check(not os.path.exists("whole.h5"), "the name is not there before the end")
    steps = f.create_dataset("steps", (50, 8 * size), "i8")
    for n in range(50):
        steps[n, 8 * rank : 8 * rank + 8] = np.arange(8) + 100 * n + 8 * rank
    shared = f.create_dataset("shared", (30,), "i4")
    shared[...] = np.full(30, 1)
    shared[10:20] = np.full(10, 2 + rank)
    some = slice(15, 30) if rank == 0 else slice(0, 0)
    shared[some] = np.full(some.stop - some.start, -1)
    shared[3 + rank] = 50 + rank
    moved = f.create_dataset("before", (4,), "i4")
    moved[...] = np.arange(4)
    f.move("before", "after")
    del f["x"].attrs["NAME"]
    later = f["after"]
    later[1:2] = np.array([10], "i4")
    later.write_async(np.array([11], "i4"), np.s_[2:3]).wait()
files = ["index.h5"] + ["rank-%06d.h5" % r for r in range(size)]
comm.Barrier()
equal(sorted(os.listdir("whole.h5.ranks")), files, "what is in the directory")

wanted_filled = np.full((10, 3), 7, "f4")
wanted_lists = np.zeros((9, 9), "u1")
wanted_shared = np.ones(30, "i4")
wanted_shared[10:20] = 1 + size
wanted_shared[15:30] = -1
wanted_packed = np.zeros_like(rows)
wanted_packed[: 9 * size] = rows[: 9 * size]
for r in range(size):
    wanted_filled[2 * r] = r
    wanted_lists[[r, r + 5]] = r + 1
    wanted_shared[3 + r] = 50 + r
wanted_steps = np.arange(8 * size) + 100 * np.arange(50)[:, None]

# ------------------------------------------------------------------ read again, from elsewhere
comm.Barrier()
if rank == 0:
    os.makedirs("moved", exist_ok=True)
    for name in ("whole.h5", "whole.h5.ranks"):
        shutil.move(name, "moved/" + name)
comm.Barrier()
whole = "moved/whole.h5"
with collio.File(whole, "r", comm=comm) as f:
    equal(f["group/u"][...], u, "blocks")
    equal(f["group/u"][3:20, 1:4, 2], u[3:20, 1:4, 2], "a block across the files")
    equal(f["hard"][...], u, "by another name")
    equal(f["soft"][5], u[5], "by a soft link")
    equal(f["group/u"].attrs["unit"], "m", "an attribute")
    equal(f["group/u"].dims[0][0][...], np.arange(23.0), "a dimension scale")
    check(np.array_equal(f["rows"][...], rows) and f["rows"].dtype == ">i4", "rows in turn, other byte order")
    equal(f["packed"][...], wanted_packed, "compressed")
    equal(f["filled"][...], wanted_filled, "the fill value where nobody has written")
    equal(f["untouched"][...], np.full(4, -3, "i2"), "written by nobody")
    equal(f["nothing"].shape, (0, 3), "empty")
    equal(float(f["scalar"][()]), 2.5, "one element")
    equal([x.decode() for x in f["text"][...]], names, "text")
    equal(f["complex"][...], np.arange(6) * (1 + 2j), "complex numbers")
    equal(f["lists"][...], wanted_lists, "lists of rows")
    equal(f["steps"][...], wanted_steps, "step by step")
    equal(f["shared"][...], wanted_shared, "of several ranks the last call, of one call the highest rank")
    equal(f["after"][...], np.array([0, 10, 11, 3], "i4"), "under another name")
for name, wanted in (("/group/u", u), ("/packed", wanted_packed), ("/shared", wanted_shared), ("/filled", wanted_filled)):
    got = dump(whole, name)
    check(got is None or np.array_equal(got, wanted.ravel()), "h5dump shows " + name, got)
with collio.File("moved/whole.h5.ranks/index.h5", "r") as f:
    counts = [len(f[name].virtual_sources()) for name in f if f[name].is_virtual and f[name].shape == (50, 8 * size)]
equal(counts, [size], "parts that follow each other are one")

# ------------------------------------------------------------------ again, and what is refused

def same_attributes(a, b):
    """But references: those lead to objects of different files."""
    plain = [name for name in a if name not in ("DIMENSION_LIST", "REFERENCE_LIST")]
    return sorted(a) == sorted(b) and all(np.array_equal(a[name], b[name]) for name in plain)


told = []
collio.merge(whole, "merged.h5", comm, progress=lambda done, total: told.append((done, total)))
told_of = comm.allgather(told[-1] if told else (0, 0))
check(all(done == total for done, total in told_of) and sum(total for _, total in told_of) > 2 * u.nbytes, "progress", told_of)
collio.merge(whole, "merged.h5", comm)
check(True, "merged again: what is there is compared")
with collio.File(whole, "r", comm=comm) as a, collio.File("merged.h5", "r", comm=comm) as b:
    names = []
    a.visit(names.append)
    again = []
    b.visit(again.append)
    equal(again, names, "merged: the same objects")
    for name in names:
        check(same_attributes(a[name].attrs, b[name].attrs), "merged: attributes of " + name)
        if isinstance(a[name], collio.Group):
            continue
        x, y = a[name], b[name]
        check(x.dtype == y.dtype and x.maxshape == y.maxshape and np.array_equal(x[...], y[...]) and not y.is_virtual, "merged: " + name)
    same = [b["hard"] == b["group/u"], b.get("soft", getlink=True).path, b["group/u"].dims[0][0].name, b["group/u"].dims[0].label]
    equal(same, [True, "/group/u", "/x", "x"], "merged: links and scales")
    equal((b["packed"].chunks, b["packed"].compression, b["packed"].shuffle), ((7, 4), "gzip", True), "merged: compressed")
    equal(float(b["filled"].fillvalue), 7.0, "merged: the fill value")
got = dump("merged.h5", "/packed")
check(got is None or np.array_equal(got, wanted_packed.ravel()), "h5dump shows the merged file", got)
with collio.File("merged.h5", "r+", comm=comm) as f:
    f["steps"][3, 5] = -7
raises(collio.DamageError, "steps", lambda: collio.merge(whole, "merged.h5", comm), name="merge: another file is there, with another element")
with collio.File("merged.h5", "r+", comm=comm) as f:
    f["steps"][3, 5] = wanted_steps[3, 5]
    f["group/u"].attrs["unit"] = "km"
raises(collio.DamageError, "unit", lambda: collio.merge(whole, "merged.h5", comm), name="merge: or with another attribute")
with collio.File("merged.h5", "r+", comm=comm) as f:
    f["group/u"].attrs["unit"] = "m"
    f["more"] = 1
raises(collio.DamageError, "names", lambda: collio.merge(whole, "merged.h5", comm), name="merge: or with more in it")
comm.Barrier()
lost = "moved/whole.h5.ranks/rank-%06d.h5" % (size - 1)
if rank == 0:
    shutil.move(lost, "lost.h5")
comm.Barrier()
raises(collio.DamageError, "is missing", lambda: collio.merge(whole, "other.h5", comm), name="merge: a file of a rank is missing")
with collio.File(whole, "r", comm=comm) as f:
    raises(collio.DamageError, "is missing", lambda: f["group/u"][...], name="and that of no rank is taken for unwritten")
    equal(float(f["scalar"][()]), 2.5, "the structure can be read")
if rank == 0:
    with open("lost.h5", "rb") as source, open(lost, "wb") as out:
        out.write(source.read()[:-1])
comm.Barrier()
with collio.File(whole, "r", comm=comm) as f:
    raises(collio.DamageError, "should have", lambda: f["shared"][3], name="a file of a rank is cut off")
comm.Barrier()
if rank == 0:
    shutil.move("lost.h5", lost)
check(rank != 0 or not [n for n in os.listdir(".") if n.startswith((".part-", "other"))], "nothing is left of it")
comm.Barrier()
raises(FileExistsError, "whole.h5", lambda: collio.File(whole, "x", comm=comm, layout="per-rank"), name="mode x")
for mode in ("r+", "a"):
    raises(NotImplementedError, "are made, not changed",
           lambda: collio.File(whole, mode, comm=comm, layout="per-rank"), name="mode " + mode)
raises(ValueError, "layout", lambda: collio.File("other.h5", "w", comm=comm, layout="both"), name="layout='both'")
if size > 1:
    other = "per-rank" if last else "shared"
    raises(collio.CollectiveError, "open", lambda: collio.File("other.h5", "w", comm=comm, layout=other), name="layouts differ")
with collio.File(whole, "r+", comm=comm) as f:
    f.attrs["changed"] = 1
with collio.File(whole, "r", comm=comm, layout="per-rank") as f:
    equal(int(f.attrs["changed"]), 1, "the structure can be changed later")
with collio.File(whole, "w", comm=comm, layout="per-rank") as f:
    d = f.create_dataset("d", (4 * size, 3), "f8", maxshape=(None, 3))
    d[4 * rank : 4 * rank + 2] = float(rank)
    raises(NotImplementedError, "were not written", lambda: d[...], name="elements that others have")
    raises(NotImplementedError, "keep their shape", lambda: d.resize((50, 3)), name="resize")
    raises(NotImplementedError, "copied", lambda: f.copy("d", "e"), name="copy")
    raises(NotImplementedError, "external", lambda: f.create_dataset("x", (3,), "u1", external="x.raw"), name="external")
    pair = f.create_dataset("pair", (4,), [("a", "i4"), ("b", "f8")])
    raises(NotImplementedError, "single fields", lambda: pair.__setitem__("a", np.arange(4, dtype="i4")), name="one field")

    def one_bad():
        part = np.zeros((3 if last else 2, 3))
        d[4 * rank : 4 * rank + 2] = part

    raises(TypeError, "broadcast", one_bad, name="one rank gives a wrong shape")
    if size > 1:
        name = "one" if last else "other"
        raises(collio.CollectiveError, "create_dataset", lambda: f.create_dataset(name, (3,)), name="names differ")
    d[4 * rank + 2 : 4 * rank + 4] = -1.0
wanted = np.full((4 * size, 3), -1.0)
for r in range(size):
    wanted[4 * r : 4 * r + 2] = r
with collio.File(whole, "r", comm=comm) as f:
    equal(f["d"][...], wanted, "written again, after errors")
    equal(sorted(f), ["d", "pair"], "what was there is gone")
with collio.File(whole, "w", comm=comm) as f:
    f["x"] = np.arange(5)
check(not os.path.exists(whole + ".ranks"), "made anew, shared: the files of the ranks are gone")
with collio.File("auto.h5", "w", comm=comm, layout="auto") as f:
    f["x"] = np.arange(5)
check(not os.path.exists("auto.h5.ranks"), "auto: shared where that works")
with collio.File("auto.h5", "a", comm=comm, layout="auto") as f:
    f["x"][...] = np.arange(5) + 1
with collio.File("auto.h5", "r", comm=comm) as f:
    equal(f["x"][...], np.arange(5) + 1, "auto: what is there stays as it is")

# ------------------------------------------------------------------ masks
cube = np.arange(5 * 7 * 11.0).reshape(5, 7, 11)
chosen = np.random.default_rng(3).integers(0, size, cube.shape)  # who writes which element
line = np.arange(4000) * 7 % 5 == 0
with collio.File("masks.h5", "w", comm=comm, layout="per-rank") as f:
    d, chunked = f.create_dataset("d", cube.shape), f.create_dataset("chunked", cube.shape, chunks=(2, 3, 4))
    flat, over = f.create_dataset("flat", line.shape, "i4"), f.create_dataset("over", (size, 6), "i4")
    d[chosen == rank] = cube[chosen == rank]
    chunked[chosen == rank] = cube[chosen == rank]
    if size > 1:
        raises(NotImplementedError, "were not written", lambda: d[chosen == (rank + 1) % size], name="a mask of what others have")
    equal(d[chosen == rank], cube[chosen == rank].astype("f4"), "under a mask: what this rank has written")
    flat[line & (np.arange(4000) % size == rank)] = rank + 1
    flat[np.zeros(4000, bool)] = 9
    scattered = np.arange(4000) % (2 if last else 500) == 0
    raises(NotImplementedError, "2000 pieces", lambda: flat.__setitem__(scattered, 9), name="a mask of too many pieces on one rank")
    if rank == 0:
        over[...] = 1
    else:
        over[np.zeros((size, 6), bool)] = 1
    over[(np.arange(size * 6).reshape(size, 6) % 3 == 1) & (np.arange(size)[:, None] == rank)] = 2
over_wanted = np.where(np.arange(size * 6).reshape(size, 6) % 3 == 1, 2, 1).astype("i4")
with collio.File("masks.h5", "r", comm=comm) as f:
    equal(f["d"][...], cube.astype("f4"), "elements under masks of all ranks")
    equal(f["chunked"][...], cube.astype("f4"), "the same in chunks")
    equal(f["flat"][...], np.where(line, np.arange(4000) % size + 1, 0).astype("i4"), "a mask over a line, and an empty one")
    equal(f["over"][...], over_wanted, "over what another rank has written before")

# ------------------------------------------------------------------ a job that dies, and the next
dying = """
import os, signal, collio, numpy
from collio import MPI
f = collio.File("died.h5", "w", comm=MPI.COMM_SELF, layout="per-rank")
f["x"] = numpy.arange(5)
f.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
if rank == 0:
    status = subprocess.run([sys.executable, "-c", dying], env=alone(), timeout=60).returncode
    left = os.path.exists("died.h5"), os.path.exists("died.h5.ranks/rank-000000.h5")
    died = (status, left) == (-9, (False, True))
check(rank != 0 or died, "a job that dies leaves nothing of the name")
comm.Barrier()
unclosed = collio.File("died.h5", "w", comm=comm, layout="per-rank")
unclosed["x"] = np.arange(5)
raises(OSError, "open elsewhere", lambda: collio.File("died.h5", "w", comm=comm, layout="per-rank"), name="two at once")
unclosed.close()
with collio.File("died.h5", "r", comm=comm) as f:
    equal(f["x"][...], np.arange(5), "what a job has left is in nobody's way")
done()
