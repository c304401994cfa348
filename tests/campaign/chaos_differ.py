"""Divergences in which all ranks make a call, but not the same one, or not in the same way.

Each takes the program, the step, the numbers of the odd ranks and the number of ranks of the file. It
returns whether the step was made by all after all, and ends the program where the model knows no more.
"""

import threading
import time

from chaos_calls import Outcome, all_ok
from chaos_steps import BAD, next_step, others_of


def both(p, step, odd, mine, theirs):
    """Run texts by rank, `mine` on the odd ranks; the outcomes."""
    me = p.calls.member(step.var)
    outcome = None
    if me is not None:
        outcome = p.calls.call((mine if me in odd else theirs)[me])
    return p.calls.share(step.var, outcome)


def both_async(*steps):
    """Whether two steps begin a transfer: so far they are alike, though one of them may wait for it."""
    return all("async" in step.form or "later" in step.form for step in steps)


def is_another(step, other):
    """Whether all ranks must notice that one step is not the other."""
    to_one = other.name == step.name == "write" and other.args[0]["target"] == step.args[0]["target"]
    return other.key(0) != step.key(0) and not to_one and not (other.name == step.name == "read") and \
        other.nodes != step.nodes


def another(p, step, wanted):
    """A step of another kind that would do as well, or None."""
    for _ in range(20):
        found = next_step(p.w, step.var)
        if not found.local and not found.wrong and wanted(step, found) and not both_async(step, found):
            return found
    return None


def other(p, step, odd, n):
    found = another(p, step, is_another)
    if found is not None:
        p.judge.split(step, both(p, step, odd, found.texts(), step.texts()), odd)
    return False


def close(p, step, odd, n):
    p.judge.split(step, both(p, step, odd, [f"{step.var}.close()"] * n, step.texts()), odd)
    return False


def order(p, step, odd, n):
    found = another(p, step, lambda one, two: two.name != one.name)
    if found is not None:
        first, second = step.texts(), found.texts()
        p.judge.split(step, both(p, step, odd, second, first), odd)
        p.judge.split(step, both(p, step, odd, first, second), odd)
    return False


def argument(p, step, odd, n):
    """Another value, that is good as well."""
    found = others_of(step)
    if not found:
        return bad(p, step, odd, n)
    key, text = p.chance.choice(found)
    told = both(p, step, odd, step.texts(**{key: text}), step.texts())
    if all_ok(told):
        p.calls.count("accepted")
        p.calls.note(f"# accepted: {step.name} {key}={text} beside {step.args[0][key]}")
        uncertain(p, step)
    if step.wrong or n == len(odd):
        p.judge.alike(step, told)
    else:
        p.judge.split(step, told, odd, natural=True)
    return False


def bad(p, step, odd, n):
    """A value that is no good; it may do no harm."""
    keys = [key for key in step.args[0] if key not in ("target", "line", "key")]
    if not keys:
        return other(p, step, odd, n) if n > 1 else False
    key, text = p.chance.choice(keys), p.chance.choice(BAD)
    told = both(p, step, odd, step.texts(**{key: text}), step.texts())
    if all_ok(told):
        harmless(p, step, key)
    else:
        p.judge.alike(step, told, odd)
    return False


def harmless(p, step, key):
    p.calls.count("harmless")
    if key in step.own and step.name in ("write", "write_async"):
        p.w.trees[step.var].touch(*step.nodes)
        for node in step.nodes:
            node.unknown = True
    elif step.name not in ("read", "flush"):
        uncertain(p, step)


def uncertain(p, step):
    """A step of which the model does not know what it did: look at the rest."""
    p.w.trees[step.var].touch(*step.nodes)
    p.files.end_all("untouched", step.var)


def thread(p, step, odd, n):
    """A thread of the odd ranks makes the call."""
    me = p.calls.member(step.var)
    outcome = None
    if me is not None:
        outcome = in_thread(p, step.text(me)) if me in odd else p.calls.call(step.text(me))
    p.calls.share(step.var, outcome)
    if outcome is not None and not step.wrong:
        p.judge.step(step, me, outcome)
    step.apply()
    return True


def in_thread(p, text):
    result = []
    worker = threading.Thread(target=lambda: result.append(p.calls.call(text)))
    worker.start()
    worker.join()
    return result[0] if result else Outcome(RuntimeError("the thread ended"))


def late(p, step, odd, n):
    """The odd ranks come later than the others."""
    me = p.calls.member(step.var)
    if me in odd:
        time.sleep(0.05)
    if me is not None:
        p.judge.step(step, me, p.calls.call(step.text(me)))
    step.apply()
    return True
