"""Divergences in which some ranks leave a file, or for good: by an exception, without a close, or by not coming.

Each takes the program, the step, the numbers of the odd ranks and the number of ranks of the file, and
ends the program.
"""

import gc
import os
import warnings

import collio
from chaos_calls import Outcome, comm, rank
from chaos_differ import other
from chaos_model import keep

TIMEOUT = float(os.environ.get("COLLIO_TIMEOUT", "20"))


class Left(Exception):
    """A rank leaves for good by it."""


def by_exception(p, step, odd, n):
    """An exception in the `with` block of the odd ranks; the others get an error, and leave theirs by it."""
    me = p.calls.member(step.var)
    outcome = None
    if me is not None:
        first = Outcome(LookupError("only here")) if me in odd else p.calls.call(step.text(me))
        if me not in odd:
            p.judge.told_of_exception(step, first)
        outcome = p.calls.leave_by(step.var, first.error or LookupError("no error"))
    p.calls.share(step.var, outcome)
    p.files.end_without(step.var, "now")


def by_exception_late(p, step, odd, n):
    """The same, but the others catch the error and go on: they are told again, and close."""
    me, var = p.calls.member(step.var), step.var
    if me in odd:
        p.calls.leave_by(var, LookupError("only here"))
    elif me is not None:
        p.judge.told_of_exception(step, p.calls.call(step.text(me)))
        second = p.calls.call(f"{var}.close()")
        if second.late:
            p.calls.problem(f"close() after it waited: {second.plain()}")
    p.files.end_without(var, "now")


def drop(p, step, odd, n):
    """The odd ranks let go of the file without closing it."""
    me, var = p.calls.member(step.var), step.var
    if any(at == var for at, *_ in p.w.waiting.values()):
        return other(p, step, odd, n)
    if me in odd:
        p.calls.note(f"del {var}; h.clear(); gc.collect()")
        collect(lambda: p.calls.forget_all(var))
    elif me is not None:
        p.judge.told(p.calls.call(step.text(me)), "without a close", "the file dropped")
        p.calls.call(f"{var}.close()")
    return p.files.end_without(var, "flushed", step.nodes)


def collect(forget):
    """Let go of objects at once, without a word of files that were not closed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forget()
        gc.collect()


def miss(p, step, odd, n):
    """The odd ranks do not come in time."""
    me, var = p.calls.member(step.var), step.var
    outcome = miss_call(p, step, me, odd)
    if me is not None and not outcome.late:
        p.calls.problem(f"no timeout: {outcome.plain()}")
    how = "untouched" if any(node.busy for _, node in p.w.trees[var].walk()) else "flushed"
    if me is not None:
        p.calls.call(f"{var}.close()")
    p.files.end_without(var, how, step.nodes)


def miss_call(p, step, me, odd):
    """The odd ranks make the call when the others have given up."""
    outcome = None
    collio.rc.timeout = 2
    comm.Barrier()
    if me is not None and me not in odd:
        outcome = p.calls.call(step.text(me))
    comm.Barrier()
    if me in odd:
        outcome = p.calls.call(step.text(me))
    collio.rc.timeout = TIMEOUT
    return outcome


def leave(p, step, odd, n):
    """The odd ranks end; the others get an error, and end as well. The last of a job."""
    me = p.calls.member(step.var)
    how = p.chance.choice(("return", "exit", "exit 3", "raise"))
    for tree in p.w.trees.values():
        tree.touch(*step.nodes)
        if rank == 0:
            keep(tree.expected("untouched"), tree.path + ".want")
    comm.Barrier()
    if me in odd:
        go(p, how)
    if me is not None:
        p.judge.told(p.calls.call(step.text(me)), "", "the end")
    p.calls.keep(p.calls.problems, rank)
    raise SystemExit(0)


def go(p, how):
    p.calls.note(f"# this rank leaves: {how}")
    p.calls.log.flush()
    if how == "raise":
        raise Left
    raise SystemExit(3 if how == "exit 3" else 0)
