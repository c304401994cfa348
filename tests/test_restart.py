"""Checkpoints from Python: what is saved comes back, on any number of ranks. ranks: 1 2 3 4"""

import os
import random
import re
import subprocess
import sys
import time

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises, alike

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
HERE = os.path.basename(__file__)


class Opaque:
    """Something that only a pickle can hold."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value


def everything():
    """One of each kind, in the order of saving."""
    rows = collio.Decomposition(comm, (7, 5), dims=(size, 1))
    u = np.arange(35.0).reshape(7, 5)
    generator = np.random.default_rng(7)
    generator.normal(size=11)
    twister = random.Random(3)
    twister.random()
    return {
        "u": rows.part(u[rows.where]),
        "columns": collio.Part(u[:, : 0 if rank else 5], shape=(7, 5)),
        "t": 0.1,
        "n": 12,
        "flag": True,
        "z": np.complex64(1 + 2j),
        "table": np.arange(6, dtype=">i4").reshape(2, 3),
        "name": "Höhe",
        "config": {"a": [1, 2.5, None], "b": (True, {"c": b"bytes"}), 3: "three"},
        "rng": generator,
        "random": twister,
        "half": np.float16(1.5),
        "mine": collio.PerRank({"rank": rank}),
    }


def test_all_kinds():
    saved = everything()
    with collio.Checkpoint("kinds", comm=comm) as ckpt:
        ckpt.save(3, saved, extra=5)
        equal(ckpt.steps(), [3], "the step is listed")
        equal(ckpt.latest(), 3, "and the latest")
        report = ckpt.verify()
        check(report and report.step == 3 and report.damaged == 0, "it verifies")
        state = ckpt.restore()
        equal(state.step, 3, "state.step")
        equal(state.writers, size, "state.writers")
        equal(list(state), [*saved, "extra"], "names in the order of saving")
        equal(len(state), len(saved) + 1, "len(state)")
        equal(state["u"], np.arange(35.0).reshape(7, 5), "array in parts, whole")
        equal(state["columns"], np.arange(35.0).reshape(7, 5), "array that one rank held")
        equal(state["t"], np.float64(0.1), "float")
        equal(state["n"], np.int64(12), "int")
        equal(state["flag"], np.True_, "bool")
        equal(state["z"], np.complex64(1 + 2j), "complex64")
        equal(state["table"], np.arange(6, dtype="i4").reshape(2, 3), "a common array, from big-endian")
        equal(state["name"], "Höhe", "str")
        equal(state["config"], saved["config"], "dictionary with tuple, bytes, int key")
        equal(state["rng"].normal(size=3), saved["rng"].normal(size=3), "NumPy's generator goes on")
        equal(state["random"].random(), saved["random"].random(), "Python's generator goes on")
        equal(state["half"], np.float16(1.5), "float16, as JSON")
        equal(state["mine"], [{"rank": r} for r in range(size)], "state of each rank")
        equal(state.read_rank("mine", size - 1 - rank), {"rank": size - 1 - rank}, "of one rank")
        equal(state.read_rank("mine", None), None, "of none")
        equal(state.get("nothing", 4), 4, "get() with a default")
        equal(state.get("extra"), np.int64(5), "get() of what is there")
        check("u" in state and "nothing" not in state, "in")
        equal(state.shape("u"), (7, 5), "shape()")
        equal(state.dtype("z"), np.dtype("c8"), "dtype()")
        raises(KeyError, "nothing", lambda: state["nothing"], name="unknown name")
        equal(dict(state.items())["n"], 12 * np.int64(1), "items()")
    raises(ValueError, "closed", lambda: state["t"], name="a state of a closed checkpoint")
    raises(ValueError, "closed", ckpt.steps, name="a closed checkpoint")
    check(not ckpt, "is false")


def test_other_decomposition():
    whole = np.arange(4 * 6 * 3, dtype="i2").reshape(4, 6, 3)
    blocks = collio.Decomposition(comm, whole.shape)
    slabs = collio.Decomposition(comm, whole.shape, dims=(1, 1, size), halo=1)
    with collio.Checkpoint("blocks", comm=comm, keep=2) as ckpt:
        for step in (1, 2, 3):
            local = blocks.empty("i2")
            local[...] = whole[blocks.where] + step
            ckpt.save(step, u=blocks.part(local))
        equal(ckpt.steps(), [2, 3], "keep=2 leaves two")
        state = ckpt.restore(2)
        equal(state.part("u", slabs), whole[slabs.outer] + np.int16(2), "a block with its halo")
        mine = slabs.zeros("i2")
        check(state.read("u", slabs.start, out=mine[slabs.interior]) is not None, "read(out=)")
        equal(mine[slabs.interior], whole[slabs.where] + np.int16(2), "into memory with strides")
        turned = np.zeros((3, 6, 4), "i2").T[::-1]
        state.read("u", out=turned)
        equal(turned, whole + np.int16(2), "into reversed, Fortran-ordered memory")
        equal(state.read("u", offset=(0, 0, 3)).shape, (4, 6, 0), "an empty block")
        ckpt.delete(3)
        equal(ckpt.latest(), 2, "after delete(3)")
    local = collio.Checkpoint("blocks", read_only=True)
    with local, local.restore() as state:
        equal(state["u"], whole + np.int16(2), "one process alone reads the whole")
        raises(ValueError, "read", local.save, 9, t=1, name="read_only")


def test_into():
    """restore(into=...) fills memory that is there: strides, halos, whole arrays."""
    whole = np.arange(4 * 6, dtype="f4").reshape(4, 6)
    d = collio.Decomposition(comm, whole.shape, halo=1)
    with collio.Checkpoint("into", comm=comm) as ckpt:
        ckpt.save(5, u=d.part(np.ascontiguousarray(whole[d.where])), table=np.arange(3))
        mine, everything, table = d.zeros("f4"), np.zeros((6, 4), "f4").T, np.zeros(3, "i8")
        state = ckpt.restore(into={"u": collio.Part(mine[d.interior], whole.shape, d.start), "table": table})
        equal(state.step, 5, "a State is returned too")
        equal(mine[d.interior], whole[d.where], "into a block with strides")
        equal(table, np.arange(3), "into a common array")
        ckpt.restore(5, into={"u": everything})
        equal(everything, whole, "into a whole array in Fortran order")
        ckpt.restore(into={"u": collio.Part(mine, offset=d.outer_start)})
        equal(mine, whole[d.outer], "into a block with its halo, the whole's shape not given")
        odd = rank == size - 1
        raises(TypeError, "", ckpt.restore, into={"u": np.zeros((4, 6), "f8" if odd else "f4")},
               name="one rank's memory has another type")
        raises(ValueError, "extents", ckpt.restore, into={"u": collio.Part(mine, (4, 7), d.outer_start)},
               name="a shape that was not saved")
        raises(ValueError, "extent", ckpt.restore, into={"u": np.zeros((3, 6), "f4")}, name="too small")
        raises(KeyError, "nothing", ckpt.restore, into={"nothing": mine}, name="an unknown name")
        frozen = np.zeros((4, 6), "f4")
        frozen.flags.writeable = False
        raises((BufferError, collio.CollectiveError), "read-only", ckpt.restore, into={"u": frozen if odd else everything},
               name="one rank's memory is read-only")
        raises(TypeError, "mapping", ckpt.restore, into=[1], name="into=[1]")
        if size > 1:
            raises(collio.CollectiveError, "ranks disagree", ckpt.restore,
                   into={"table": table} if odd else {"u": everything}, name="other names")
        equal(ckpt.restore().step, 5, "and all is well after that")


def test_pin():
    with collio.Checkpoint("pin", comm=comm, keep=1) as ckpt:
        ckpt.save(1, t=1.0)
        ckpt.pin(1)
        for step in (2, 3):
            ckpt.save(step, t=1.0)
        equal(ckpt.steps(), [1, 3], "a pinned step is not pruned, nor counted")
        equal([entry.pinned for entry in ckpt.entries()], [True, False], "entries() says so")
        raises(ValueError, "pinned", ckpt.delete, 1, name="nor deleted")
        raises(collio.NoCheckpointError, "", ckpt.pin, 2, name="pin(2), which is gone")
        ckpt.unpin(1)
        ckpt.unpin(1)
        ckpt.save(4, t=1.0)
        equal(ckpt.steps(), [4], "after unpin() it is")
        if size > 1:
            raises(collio.CollectiveError, "ranks disagree", ckpt.pin, 4 + (rank == 1), name="other steps")


def test_generators():
    """What a generator would give next, and what it would spawn, comes back."""
    seeded = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(2,)))
    seeded.spawn(1) if hasattr(seeded, "spawn") else seeded.bit_generator._seed_seq.spawn(1)
    old = np.random.RandomState(4)
    old.normal(size=3)
    philox = np.random.Generator(np.random.Philox(9))
    with collio.Checkpoint("generators", comm=comm) as ckpt:
        ckpt.save(0, seeded=seeded, old=old, philox=collio.PerRank(philox))
        state = ckpt.restore()
        equal(state["old"].normal(size=5), old.normal(size=5), "RandomState goes on")
        equal(state["philox"][size - 1].random(3), philox.random(3), "Philox goes on")
        again = state["seeded"]
        sequences = [getattr(g.bit_generator, "seed_seq", None) or g.bit_generator._seed_seq
                     for g in (seeded, again)]
        children = [sequence.spawn(1)[0].generate_state(4) for sequence in sequences]
        equal(children[1], children[0], "what it spawns next comes back too")


LEASE = """import sys, collio
from collio import MPI
collio.rc.abort_on_exception = False
try:
    collio.Checkpoint(sys.argv[1])
    print("opened")
except ValueError as error:
    print(error)
with collio.Checkpoint(sys.argv[1], read_only=True) as ckpt:
    print("reads", ckpt.latest())
"""


def other_job(directory):
    """What another process, not of this job, is told."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "OMPI", "PMIX", "HYD", "MPI"))}
    done = subprocess.run([sys.executable, "-c", LEASE, directory], env=environment, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_lease():
    """A second job is refused, a dead one's lease taken over, and readers never asked."""
    ckpt = collio.Checkpoint("lease", comm=comm)
    ckpt.save(1, t=1.0)
    told = comm.bcast(other_job(ckpt.directory) if rank == 0 else None)
    check(f"process {comm.bcast(os.getpid())}" in told and "another job" in told, "a second job is refused", told)
    check("reads 1" in told, "but may read", told)
    again = collio.Checkpoint("lease", comm=comm)
    again.close()
    path = os.path.join(ckpt.directory, ".lease")
    check(os.path.exists(path), "opened twice, closed once: held")
    lease = open(path).read() if rank == 0 else ""
    ckpt.close()
    comm.Barrier()
    check(not os.path.exists(path), "closed: given back")
    comm.Barrier()
    if rank == 0:  # as if a process of this host had died: the number is in use, but began later
        with open(path, "w") as file:
            file.write(re.sub("began [0-9]+", "began 1", lease))
    comm.Barrier()
    with collio.Checkpoint("lease", comm=comm) as ckpt:
        ckpt.save(2, t=1.0)
        check(True, "the lease of a dead process is taken over")
    elsewhere = re.sub("uuid ......", "uuid 000000", lease)
    for age, text in ((0, "refused while it is fresh"), (1000, "taken over when it is old")):
        if rank == 0:
            with open(path, "w") as file:
                file.write(elsewhere)
            os.utime(path, (time.time() - age,) * 2)
        comm.Barrier()
        if age == 0:
            raises(ValueError, ("another job", "host"), collio.Checkpoint, "lease", comm=comm, name=text)
        else:
            with collio.Checkpoint("lease", comm=comm) as ckpt:
                ckpt.save(3, t=1.0)
                comm.Barrier()
                if rank == 0:  # another host takes this one for dead
                    with open(path, "w") as file:
                        file.write(elsewhere)
                comm.Barrier()
                raises(ValueError, "another job", ckpt.save, 4, t=1.0, name="a lease that was lost is noticed")
                equal(ckpt.steps(), [1, 2, 3], text)
        comm.Barrier()


def test_pickle():
    with collio.Checkpoint("pickle", comm=comm) as ckpt:
        ckpt.save(0, thing=Opaque(5), t=1.0)
        state = ckpt.restore()
        equal(state["t"], np.float64(1), "the rest needs no pickle")
        raises(ValueError, ("thing", "pickles=True"), lambda: state["thing"], name="no pickle unasked")
        equal(ckpt.restore(pickles=True)["thing"].value, 5, "restore(pickles=True)")


def test_errors():
    ckpt = collio.Checkpoint("errors", comm=comm)
    raises(collio.NoCheckpointError, "errors", ckpt.restore, name="nothing to restore")
    raises(collio.NoCheckpointError, "errors", ckpt.latest, name="no latest")
    ckpt.save(1, t=1.0)
    raises(ValueError, "step 1", ckpt.save, 1, t=1.0, name="a step that is there")
    odd = size - 1
    bad = raises(TypeError, "item 't'" if rank == odd else f"rank {odd}" if size > 1 else "",
                 lambda: ckpt.save(2, t=collio.Part("text" if rank == odd else np.zeros(0), shape=(0,))),
                 name="one rank's part is no array")
    if size > 1:
        text = str(bad) + "".join(getattr(bad, "__notes__", []))
        check(f"{HERE}:" in text and f"rank {odd}" in text, "says where", text)
        raises(collio.CollectiveError, ("ranks disagree", f"rank {odd}:", f"{HERE}:"),
               lambda: ckpt.save(2, {f"name{rank == odd}": 1.0}), name="other names")
        raises((ValueError, collio.CollectiveError), "", ckpt.save, 2, t=float(rank), name="other values")
        raises(ValueError, "", ckpt.save, 2, u=collio.Part(np.zeros(3), shape=(3,)), name="overlapping parts")
    raises(ValueError, "", ckpt.save, 2, u=collio.Part(np.zeros(3), shape=(4,), offset=0 if rank else 1)
           if size == 1 else collio.Part(np.zeros(0), shape=(4,)), name="a gap")
    raises(ValueError, "dimensions", ckpt.save, 2, u=collio.Part(np.zeros(3), shape=(4, 4)), name="dimensions")
    raises(TypeError, "", ckpt.save, "two", t=1, name="a step that is no number")
    equal(ckpt.steps(), [1], "none of them is there")
    ckpt.save(2, t=2.0)
    equal(ckpt.restore()["t"], np.float64(2), "and the next save works")
    raises(ValueError, "verify", collio.Checkpoint, "errors", comm, verify="some", name="verify='some'")
    raises(TypeError, "comm", collio.Checkpoint, "errors", comm=5, name="comm=5")
    ckpt.close()


def test_damage():
    with collio.Checkpoint("damage", comm=comm) as ckpt:
        for step in (1, 2):
            part = collio.Decomposition(comm, (1000,))
            ckpt.save(step, u=part.part(np.arange(1000.0)[part.where] * step))
        path = os.path.join(ckpt.directory, "step-000000000002.h5")
        if rank == 0:
            with open(path, "r+b") as f:
                f.seek(-100, os.SEEK_END)
                byte = f.read(1)
                f.seek(-1, os.SEEK_CUR)
                f.write(bytes([byte[0] ^ 1]))
        comm.Barrier()
        report = ckpt.verify(2)
        check(not report and report.text, "verify() finds the damage", repr(report))
        alike(report, "and says the same on all ranks")
        state = ckpt.restore()
        equal(state.step, 1, "restore() takes the step before")
        check("2" in state.refused, "and says which one was refused", state.refused)
        raises(collio.DamageError, "", ckpt.restore, 2, name="restore(2)")


def test_one_leaves():
    """A rank that raises does not keep the others waiting."""
    if size == 1:
        return
    try:
        with collio.Checkpoint("leaves", comm=comm) as ckpt:
            if rank == 1:
                raise LookupError("it is gone")
            ckpt.save(1, t=1)
        outcome = None
    except Exception as exception:
        outcome = exception
    if rank == 1:
        check(isinstance(outcome, LookupError), "the exception goes on")
    else:
        check("rank 1" in str(outcome) and "it is gone" in str(outcome), "the others learn why",
              repr(outcome))


test_all_kinds()
test_other_decomposition()
test_into()
test_pin()
test_generators()
test_lease()
test_pickle()
test_errors()
test_damage()
test_one_leaves()
done()
