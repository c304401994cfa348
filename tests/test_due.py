"""When a checkpoint is due: the same answer on all ranks. ranks: 1 2 3"""

import os
import signal

import numpy as np
import collio
from collio import MPI
from tap import alike, check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
last = size - 1


def test_steps():
    with collio.Checkpoint("steps", comm=comm, every_steps=4) as ckpt:
        due = []
        for step in range(0, 10):
            if ckpt.due(step):
                due.append(step)
                ckpt.save(step, t=1.0)
        equal(due, [4, 8], "every 4 steps")
        equal(ckpt.due(8), "", "a step that is saved is not due again")
        state = ckpt.restore(4)
        equal((ckpt.due(4), ckpt.due(8)), ("", "steps"), "nor one that was restored")
        raises(TypeError, "", ckpt.due, "x" if rank == last else 1, name="one rank's step is a text")
        if size > 1:
            raises(collio.CollectiveError, "ranks disagree", ckpt.due, rank, name="other steps")
    with collio.Checkpoint("steps", comm=comm) as ckpt:
        equal(ckpt.due(4), "", "by default, nothing is ever due")


def test_seconds():
    """Seconds that pass at once, and such that never do; rank 0's clock counts."""
    with collio.Checkpoint("seconds", comm=comm, every_seconds=1e-9) as ckpt:
        equal(ckpt.due(1), "seconds", "at once")
        ckpt.save(1, t=1.0)
        equal(ckpt.due(1), "", "not for the step that was just saved")
        equal(ckpt.due(2), "seconds", "and again")
    with collio.Checkpoint("seconds", comm=comm, every_seconds=1e9) as ckpt:
        equal(ckpt.due(3), "", "never")
        ckpt.save(3, t=1.0, wait=False).wait()
        equal(ckpt.due(4), "", "never")


def test_signals():
    called = []
    signal.signal(signal.SIGUSR2, lambda number, frame: called.append(number))
    with collio.Checkpoint("signals", comm=comm, on_signal=(signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2),
                           every_steps=5) as ckpt:
        equal(ckpt.due(1), "", "no signal yet")
        if rank == last:
            os.kill(os.getpid(), signal.SIGTERM)
        equal(ckpt.due(2), "signal SIGTERM", "a signal to one rank is known to all")
        equal(ckpt.due(3), "", "once")
        if rank == 0:
            os.kill(os.getpid(), signal.SIGUSR2)
        equal(ckpt.due(5), "signal SIGUSR2", "a signal goes before steps")
        equal(called, [signal.SIGUSR2] if rank == 0 else [], "a handler that was there is called")
        with collio.Checkpoint("signals-2", comm=comm, on_signal=signal.SIGUSR1) as other:
            os.kill(os.getpid(), signal.SIGUSR1)
            equal(other.due(1), "signal SIGUSR1", "one signal, to all ranks; two watch it")
            equal(ckpt.due(6), "signal SIGUSR1", "each learns of it")
        comm.Barrier()
    os.kill(os.getpid(), signal.SIGUSR2)
    equal(len(called), 2 if rank == 0 else 1, "after close() the handler is as before")
    equal(signal.getsignal(signal.SIGTERM), signal.SIG_DFL, "and what there was none for, has none")


def test_errors():
    def open_with(**options):
        return lambda: collio.Checkpoint("errors", comm=comm, **options)

    raises(ValueError, "signal", open_with(on_signal=signal.SIGKILL), name="SIGKILL")
    raises(ValueError, "signal", open_with(on_signal=0), name="signal 0")
    raises(ValueError, "every", open_with(every_steps=-1), name="every_steps=-1")
    raises(ValueError, "every", open_with(every_seconds=-0.5), name="every_seconds=-0.5")
    raises(ValueError, "every", open_with(every_seconds=float("nan")), name="every_seconds=nan")
    raises(TypeError, "", open_with(every_steps="often"), name="every_steps='often'")
    raises(TypeError, "", open_with(on_signal="TERM" if rank == last else None), name="one rank's signals are a text")
    if size > 1:
        raises(collio.CollectiveError, "ranks disagree", open_with(every_steps=1 + (rank == last)),
               name="one rank has another schedule")


test_steps()
test_seconds()
test_signals()
test_errors()
done()
