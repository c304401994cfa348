"""Divergences in which some ranks have no space on the disk, or no memory.

Each takes the program, the step, the numbers of the odd ranks and the number of ranks of the file. It
returns True where the step was made by all after all, and ends the program otherwise.
"""

import contextlib
import resource

from chaos_calls import all_ok


def disk(p, step, odd, n):
    """The odd ranks may not write beyond some byte."""
    return under(p, step, odd, resource.RLIMIT_FSIZE, p.chance.choice((0, 100, 1000, 3000, 10000)))


def memory(p, step, odd, n):
    """The odd ranks get hardly more memory than they have."""
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize"))
    return under(p, step, odd, resource.RLIMIT_AS, used + p.chance.choice((0, 1 << 16, 1 << 20)))


@contextlib.contextmanager
def limited(calls, what, most):
    soft, hard = resource.getrlimit(what)
    calls.poor = True
    resource.setrlimit(what, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))
        calls.poor = False


def under(p, step, odd, what, most):
    finish = p.chance.choice(("flush", "close", None))
    told, then = outcomes(p, step, odd, limited(p.calls, what, most), finish)
    if all_ok(told) and not finish:
        p.judge.refused(step, True)
        step.apply()
        return True
    if not step.local and not step.wrong:
        p.judge.alike(step, told, odd)
        p.judge.alike(None, then, odd)
    p.w.trees[step.var].touch(*step.nodes)
    if all_ok(told) and all_ok(then) and what == resource.RLIMIT_FSIZE:
        step.apply()
    if p.calls.member(step.var) is not None and finish != "close":
        p.calls.call(f"{step.var}.close()")
    return p.files.end_without(step.var, "untouched")


def outcomes(p, step, odd, limit, finish):
    """Those of the step and of what follows it, if anything does; the odd ranks make both under a limit."""
    me = p.calls.member(step.var)
    outcome, second = None, None
    if me is not None:
        text = step.text(me)
        with limit if me in odd else contextlib.nullcontext():
            outcome = p.calls.call(text)
            if finish:
                second = p.calls.call(f"{step.var}.{finish}()")
    told, then = p.calls.share(step.var, outcome), p.calls.share(step.var, second)
    return told, then if finish else []
