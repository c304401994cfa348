"""TAP for test programs in Python that run on several ranks.

A check holds only if it holds on every rank; rank 0 prints the line, and a
rank on which it failed says why on the standard error. Every rank must make
the same checks in the same order.

    # ranks: 1 2 3 4
    from tap import check, equal, raises, done
    check(MPI.COMM_WORLD.size > 0, "there is somebody")
    equal([1, 2], [1, 2], "lists are equal")
    raises(ValueError, "negative", lambda: call(-1), name="call() refuses -1")
    done()
"""

import os
import sys
import traceback

from collio import MPI

_count = 0
_failed = 0


def _agree(holds):
    return MPI.COMM_WORLD.allreduce(bool(holds), op=MPI.LAND)


def _say(text):
    sys.stderr.write(f"# rank {MPI.COMM_WORLD.rank}: {text}\n")
    sys.stderr.flush()


def check(holds, name, why=""):
    """One check; `why` is printed by the ranks on which it does not hold."""
    global _count, _failed
    _count += 1
    everywhere = _agree(holds)
    _failed += not everywhere
    if not holds:
        caller = sys._getframe(1)
        while caller.f_code.co_filename == __file__:
            caller = caller.f_back
        place = f"{os.path.basename(caller.f_code.co_filename)}:{caller.f_lineno}"
        _say(f"{name}: does not hold at {place} {why}")
    if MPI.COMM_WORLD.rank == 0:
        print(f"{'ok' if everywhere else 'not ok'} {_count} - {name}", flush=True)
    return everywhere


def equal(got, wanted, name):
    """The two are equal; arrays in shape, type and every element."""
    if hasattr(wanted, "dtype") or hasattr(got, "dtype"):
        import numpy as np

        a, b = np.asarray(got), np.asarray(wanted)
        same = a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b))
    else:
        same = type(got) is type(wanted) and got == wanted
    return check(same, name, f"got {got!r}, wanted {wanted!r}")


def raises(kind, text, call, *args, name=None, **keywords):
    """call(*args, **keywords) raises `kind` with `text` (or all of a tuple of texts) in its message.

    Returns the exception, None if there was none.
    """
    texts = (text,) if isinstance(text, str) else tuple(text or ())
    raised = None
    try:
        call(*args, **keywords)
        why = "nothing was raised"
    except Exception as exception:
        raised = exception
        why = "".join(traceback.format_exception(exception))
    holds = isinstance(raised, kind) and all(part in str(raised) for part in texts)
    kind_name = getattr(kind, "__name__", kind)
    check(holds, name or f"{kind_name} is raised", f"(wanted {kind_name} with {texts})\n{why}")
    return raised


def alike(value, name):
    """The value is the same on all ranks (compared as text)."""
    values = MPI.COMM_WORLD.allgather(repr(value))
    return check(len(set(values)) == 1, name, f"{values}")


def skip(name, why):
    """A check that cannot be made here."""
    global _count
    _count += 1
    if MPI.COMM_WORLD.rank == 0:
        print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def skip_all(why):
    """End a program none of whose checks can be made here."""
    skip(os.path.basename(sys.argv[0]), why)
    done()


def done():
    """The last call: print how many checks there were, and exit with 1 if some failed."""
    MPI.COMM_WORLD.Barrier()
    if MPI.COMM_WORLD.rank == 0:
        print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)
