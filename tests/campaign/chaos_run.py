"""The ranks of chaos.py: they run random programs, and say what went wrong.

    mpiexec -n N python3 chaos_run.py DIRECTORY SEED FIRST COUNT [KIND]
"""

import contextlib
import gc
import json
import os
import random
import resource
import signal
import sys
import threading
import time
import traceback
import warnings

import numpy as np

import collio
from chaos_model import Tree, keep, look, same, words
from chaos_steps import (BAD, World, alone, assign, attribute, attribute_away, create_dataset, create_group, flush,
                         next_step, others_of, write)
from collio import MPI

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
DIVERGENCES = {"other": 6, "argument": 6, "bad": 8, "order": 2, "raise": 2, "raise late": 1, "drop": 1, "miss": 0.2,
               "thread": 1, "disk": 1.5, "close": 1, "late": 1}
OF_JOBS = ("leave", "memory")  # the one divergence of a job
PER_RANK = (create_group, create_dataset, assign, attribute, attribute_away, write)


def one_error(told):
    """Whether all ranks raise one error: who had it first raises it as it was, the others say whose it is."""
    texts = sorted({text.partition("\0")[0] for _, text, *_ in told}, key=len)
    if len(texts) == 1 or not any(text.startswith(("rank ", "ranks ")) for text in texts):
        return True  # or each rank has one of its own
    from_others = [text for text in texts if text.startswith(("rank ", "ranks "))]
    own = [text for text in texts if text not in from_others]
    return len(from_others) == 1 and any(text[:200] in from_others[0] for text in own)


def both_async(*steps):
    """Whether two steps begin a transfer: so far they are alike, though one of them may wait for it."""
    return all("async" in step.form or "later" in step.form for step in steps)


class Gone(Exception):
    """The program is at its end."""


def layout(paths, shape, kind, path):
    made = collio.VirtualLayout((len(paths) + 1, *shape), kind)
    for row, name in enumerate(paths):
        made[row] = collio.VirtualSource(path, name, shape, kind)
    return made


class Outcome:
    """What came of a call on one rank."""

    def __init__(self, error=None, value=None):
        self.error, self.value = error, value
        self.kind = type(error).__name__ if error is not None else "ok"
        self.text = str(error) if error is not None else ""
        self.where = self.text + " ".join(getattr(error, "__notes__", []))
        self.ours = isinstance(error, collio.CollectiveError)
        self.late = isinstance(error, collio.CollectiveTimeout)

    def plain(self):
        return self.kind, self.text, self.where, self.ours, self.late


class Program:
    def __init__(self, seed, number, kind, directory):
        self.number, self.kind = number, kind
        self.name = f"p{number}"
        self.chance = random.Random(f"{seed} {number}")
        self.w = World(self.chance, self.name, range(size))
        self.names = {**words(collio), "h": {}, "q": {}, "comm": comm, "layout": layout, "collio": collio, "MPI": MPI}
        self.w.words = {**words(collio), "layout": lambda *a: None}
        self.problems, self.lines, self.figures, self.paths, self.poor = [], 0, {}, {}, False
        self.tight = self.chance.random() < 0.5
        if rank == 0:
            os.makedirs(self.name, exist_ok=True)
        comm.Barrier()
        self.log = open(f"{self.name}/rank{rank}.log", "w")
        self.sub = self.divided()

    def divided(self):
        """A communicator of some ranks, and whether this is one of them."""
        if size < 3 or self.chance.random() < 0.8:
            return None
        members = sorted(self.chance.sample(range(size), self.chance.randint(2, size - 1)))
        made = comm.Split(0 if rank in members else MPI.UNDEFINED)
        self.names["sub"] = made
        return members

    def problem(self, text):
        self.problems.append(f"line {self.lines}: {text}")
        self.note(f"# WRONG: {text}")

    def note(self, text):
        """Into the log at once: the next call may be the last. Not where the disk is made to fail."""
        self.log.write(text + "\n")
        if not self.poor:
            self.log.flush()

    # ------------------------------------------------------------ one call

    def call(self, text):
        self.lines += 1
        self.note(text)
        code = "\n" * (self.lines - 1) + text
        try:
            try:
                program = compile(code, self.name, "eval")
            except SyntaxError:
                self.names.pop("RESULT", None)
                exec(compile(code, self.name, "exec"), self.names)
                return Outcome(value=self.names.get("RESULT"))
            return Outcome(value=eval(program, self.names))
        except Exception as error:
            error.__traceback__ = error.__context__ = error.__cause__ = None
            self.note(f"# {type(error).__name__}: {str(error)[:1500]!r} {getattr(error, '__notes__', '')}")
            return Outcome(error)

    def member(self, var):
        """This rank's number in the communicator of a file, or None."""
        ranks = self.w.trees[var].ranks
        return ranks.index(rank) if rank in ranks else None

    def share(self, var, outcome):
        """The outcomes of all ranks of a file."""
        told = comm.allgather(outcome.plain() if outcome else None)
        return [told[r] for r in self.w.trees[var].ranks]

    # ------------------------------------------------------------ a step that all make

    def with_looked_up(self, step, me):
        """The text of a step, with what it looks up in names of its own: that costs no communication, so a
        fault in it is this rank's alone."""
        changed = {}
        for key, text in step.args[me].items():
            if text.startswith((step.var + "[", "h[")) and key not in step.own:
                outcome = self.call(f"{key}_ = {text}")
                changed[key] = f"{key}_"
                if outcome.error is not None:
                    return outcome
        return step.text(me, **changed)

    def fault_in_look_up(self, step, me):
        """Whether one came there; then the program is over."""
        text = self.with_looked_up(step, me) if me is not None else ""
        failed = comm.allgather(isinstance(text, Outcome))
        if any(failed):
            self.end_all("untouched")
        return text

    def step(self, step):
        me = self.member(step.var)
        text = step.text(me) if me is not None else ""
        if self.kind == "fault":
            text = self.fault_in_look_up(step, me)
        outcome = self.call(text) if me is not None else None
        if outcome is not None:
            self.judge_step(step, me, outcome)
        if step.name == "independent" or self.tight or step.wrong or self.kind == "fault":
            told = self.share(step.var, outcome)
            if self.kind == "fault" and any(kind != "ok" for kind, *_ in told) and not step.wrong:
                self.judge_alike(step, told)
                self.w.trees[step.var].touch(*step.nodes)
                self.end_all("untouched")
            if step.wrong or self.tight:
                if not one_error(told) and not step.local:
                    self.problem(f"{step.name}: ranks raise different errors: {[text for _, text, *_ in told]}")
        if step.effect and not step.wrong:
            step.effect()

    def judge_step(self, step, me, outcome):
        if self.kind == "fault":
            return
        if step.wrong:
            if outcome.kind == "ok":
                self.problem(f"{step.name} should be refused, and was not")
        elif outcome.kind != "ok":
            self.problem(f"{step.name} failed: {outcome.kind}: {outcome.text[:600]}")
        elif step.expect is not None and not same(outcome.value, step.expect[me]):
            self.problem(f"{step.name}: got {outcome.value!r:.400}, wanted {step.expect[me]!r:.400}")

    # ------------------------------------------------------------ files

    def open(self, var, mode, path, ranks, options=""):
        where = "comm" if len(ranks) == size else "sub"
        text = f"{var} = h5.File({path!r}, {mode!r}, comm={where}{options})"
        outcome = self.call(text) if rank in ranks else None
        if mode == "w":
            self.w.trees[var] = Tree(path, ranks)
        self.w.modes[var] = mode
        told = self.share(var, outcome)
        if any(kind != "ok" for kind, *_ in told):
            if self.kind == "fault":
                self.judge_alike(None, told)
                self.w.trees.pop(var)
                self.end_all("untouched")
            self.problem(f"File() failed: {told}")
            raise Gone

    def create(self, var):
        chance = self.chance.random
        options = self.chance.choice(("", "", ", libver='latest'", ", libver='v108'", ", track_order=True",
                                      ", userblock_size=512", ", transfer='two-phase'", ", transfer='direct'",
                                      ", alignment_threshold=64, alignment_interval=512"))
        self.per_rank = var == "f0" and chance() < 0.05
        if self.per_rank:
            options = ", layout='per-rank'"
        ranks = self.sub if self.sub and chance() < 0.5 else list(range(size))
        self.open(var, "w", f"{self.name}/{var}.h5", ranks, options)
        if self.per_rank:
            self.paths["per-rank"] = var

    def apply_waiting(self, var):
        for key, (at, node, change) in list(self.w.waiting.items()):
            if at == var:
                node.busy -= 1
                change()
                del self.w.waiting[key]

    def forget(self, var):
        """The handles of a file that is closed."""
        for key in [key for key, (at, _) in self.w.handles.items() if at == var]:
            del self.w.handles[key]
        for key in set(self.names["h"]) - set(self.w.handles):  # those too that only other ranks have dropped
            del self.names["h"][key]

    def close(self, var, how=None):
        tree = self.w.trees[var]
        text = self.chance.choice((f"{var}.close()", f"{var}.__exit__(None, None, None)"))
        outcome = self.call(text) if self.member(var) is not None else None
        self.apply_waiting(var)
        told = self.share(var, outcome)
        if any(kind != "ok" for kind, *_ in told):
            if self.kind == "fault":
                self.judge_alike(None, told)
                self.w.trees.pop(var)
                self.afterwards(var, tree, "untouched")
                self.end_all("untouched")
            self.problem(f"close() failed: {told}")
            raise Gone
        if self.w.modes[var] != "r":
            tree.flush()
        self.forget(var)

    def reopen(self, var):
        self.close(var)
        tree = self.w.trees[var]
        self.open(var, self.chance.choice(("r+", "a", "r")), tree.path, tree.ranks)

    def afterwards(self, var, tree, how):
        """Open the file again, and look; leave word for those who look at it later."""
        expected = tree.expected(how)
        if rank == 0:
            keep(expected, tree.path + ".want")
        comm.Barrier()
        if self.kind == "fault":  # others look
            return
        if rank in tree.ranks and (os.path.exists(tree.path) or tree.flushed):
            where = comm if len(tree.ranks) == size else self.names["sub"]
            try:
                with collio.File(tree.path, "r", comm=where) as f:
                    for text in look(f, expected):
                        self.problem(f"{tree.path}, {how}: {text}")
            except Exception as error:
                if how == "now" or tree.flushed:
                    self.problem(f"{tree.path}, {how}: {type(error).__name__}: {error}")
        comm.Barrier()

    def end_all(self, how, ended=None):
        """Close all files, as well as can be, and see what they hold."""
        for var, tree in list(self.w.trees.items()):
            kind = how if ended is None or var == ended else "now"
            if kind == "now":
                self.close(var)
            elif self.member(var) is not None:
                self.call(f"{var}.close()")
                self.names.pop(var, None)
                self.forget(var)
            self.w.trees.pop(var)
            self.afterwards(var, tree, kind)
        raise Gone

    # ------------------------------------------------------------ divergences

    def count(self, what):
        self.figures[what] = self.figures.get(what, 0) + 1

    def diverge(self, step, kind):
        """Some ranks do something else in place of a step. Whether the step was made by all after all."""
        ranks = self.w.trees[step.var].ranks
        n = len(ranks)
        if n == 1 and kind not in ("bad", "raise", "disk", "memory", "argument"):
            kind = "bad"
        odd = sorted(self.chance.sample(range(n), self.chance.randint(1, n - 1) if n > 1 else 1))
        self.odd, self.n = odd, n
        self.note(f"# divergence: {kind}, ranks {odd} of {n}")
        self.count(kind)
        return getattr(self, "d_" + kind.replace(" ", "_"))(step, odd, n)

    def both(self, step, odd, mine, theirs):
        """Run texts, `mine` on the odd ranks (a list by rank, or one for all); the outcomes."""
        me = self.member(step.var)
        outcome = None
        if me is not None:
            text = (mine if me in odd else theirs)
            outcome = self.call(text if isinstance(text, str) else text[me])
        return self.share(step.var, outcome)

    def d_other(self, step, odd, n):
        for _ in range(20):
            other = next_step(self.w, step.var)
            if not other.local and not other.wrong and other.key(0) != step.key(0) and \
                    not (other.name == step.name == "write" and other.args[0]["target"] == step.args[0]["target"]) and \
                    not (other.name == step.name == "read") and other.nodes != step.nodes and not both_async(step, other):
                break
        else:
            return False
        told = self.both(step, odd, [other.text(i) for i in range(n)], [step.text(i) for i in range(n)])
        self.judge_split(step, told, odd)
        return False

    def d_close(self, step, odd, n):
        told = self.both(step, odd, f"{step.var}.close()", [step.text(i) for i in range(n)])
        self.judge_split(step, told, odd)
        return False

    def d_order(self, step, odd, n):
        for _ in range(20):
            other = next_step(self.w, step.var)
            if not other.local and not other.wrong and other.name != step.name and not both_async(step, other):
                break
        else:
            return False
        first, second = [step.text(i) for i in range(n)], [other.text(i) for i in range(n)]
        self.judge_split(step, self.both(step, odd, second, first), odd)
        self.judge_split(step, self.both(step, odd, first, second), odd)
        return False

    def d_argument(self, step, odd, n):
        found = others_of(self.w, step)
        if not found:
            return self.d_bad(step, odd, n)
        key, text = self.chance.choice(found)
        told = self.both(step, odd, [step.text(i, **{key: text}) for i in range(n)], [step.text(i) for i in range(n)])
        if all(kind == "ok" for kind, *_ in told):
            self.count("accepted")
            self.note(f"# accepted: {step.name} {key}={text} beside {step.args[0][key]}")
            self.uncertain(step)
        if step.wrong or n == len(odd):
            self.judge_alike(step, told)
        else:
            self.judge_split(step, told, odd, natural=True)
        return False

    def d_bad(self, step, odd, n):
        keys = [key for key in step.args[0] if key not in ("target", "line", "key")]
        if not keys:
            return self.d_other(step, odd, n) if n > 1 else False
        key, text = self.chance.choice(keys), self.chance.choice(BAD)
        told = self.both(step, odd, [step.text(i, **{key: text}) for i in range(n)], [step.text(i) for i in range(n)])
        if all(kind == "ok" for kind, *_ in told):
            self.count("harmless")
            if key in step.own and "{line}" not in step.form and step.name in ("write", "write_async"):
                for node in step.nodes:
                    self.w.trees[step.var].touch(node)
                    node.unknown = True
            elif step.name not in ("read", "flush"):
                self.uncertain(step)
            return False
        self.judge_alike(step, told, odd)
        return False

    def uncertain(self, step):
        """A step of which the model does not know what it did: look at the rest."""
        self.w.trees[step.var].touch(*step.nodes)
        self.end_all("untouched", step.var)

    def d_thread(self, step, odd, n):
        """A thread of the odd ranks makes the call."""
        me = self.member(step.var)
        outcome = None
        if me in odd:
            result = []
            thread = threading.Thread(target=lambda: result.append(self.call(step.text(me))))
            thread.start()
            thread.join()
            outcome = result[0] if result else Outcome(RuntimeError("the thread ended"))
        elif me is not None:
            outcome = self.call(step.text(me))
        told = self.share(step.var, outcome)
        if outcome is not None and not step.wrong:
            self.judge_step(step, me, outcome)
        if step.effect and not step.wrong:
            step.effect()
        return True

    def d_late(self, step, odd, n):
        """The odd ranks come later than the others."""
        me = self.member(step.var)
        if me in odd:
            time.sleep(0.05)
        outcome = self.call(step.text(me)) if me is not None else None
        if outcome is not None:
            self.judge_step(step, me, outcome)
        if step.effect and not step.wrong:
            step.effect()
        return True

    def d_raise(self, step, odd, n):
        """An exception in the `with` block of the odd ranks; the others get an error, and leave theirs by it."""
        me, var = self.member(step.var), step.var
        outcome = None
        if me is not None:
            alone = len(odd) == n
            first = Outcome(LookupError("only here")) if me in odd else self.call(step.text(me))
            if me not in odd and not ((first.ours or step.wrong) and "only here" in first.where):
                self.problem(f"others were not told of the exception: {first.plain()}")
            outcome = self.leave_by(var, first.error or LookupError("no error"))
            told_all = comm.allgather(outcome.plain())
        else:
            comm.allgather(None)
        self.forget_all(var)
        tree = self.w.trees.pop(var)
        self.afterwards(var, tree, "now")
        self.end_all("now")

    def leave_by(self, var, error):
        self.lines += 1
        self.note(f"{var}.__exit__(type(e), e, None)")
        try:
            self.names[var].__exit__(type(error), error, None)
            return Outcome()
        except Exception as raised:
            return Outcome(raised)

    def forget_all(self, var):
        for key, (at, node, change) in list(self.w.waiting.items()):
            if at == var:
                node.busy -= 1
                change()
                del self.w.waiting[key]
        self.forget(var)
        self.names.pop(var, None)
        self.names.pop("RESULT", None)
        self.names["q"].clear()

    def d_raise_late(self, step, odd, n):
        """The same, but the others catch the error and go on: they are told again, and close."""
        me, var = self.member(step.var), step.var
        if me in odd:
            self.leave_by(var, LookupError("only here"))
        elif me is not None:
            first = self.call(step.text(me))
            if not ((first.ours or step.wrong) and "only here" in first.where):
                self.problem(f"others were not told of the exception: {first.plain()}")
            second = self.call(f"{var}.close()")
            if second.late:
                self.problem(f"close() after it waited: {second.plain()}")
        self.forget_all(var)
        tree = self.w.trees.pop(var)
        self.afterwards(var, tree, "now")
        self.end_all("now")

    def d_drop(self, step, odd, n):
        """The odd ranks let go of the file without closing it."""
        me, var = self.member(step.var), step.var
        if any(at == var for at, *_ in self.w.waiting.values()):
            return self.d_other(step, odd, n)
        outcome = None
        if me in odd:
            self.note(f"del {var}; h.clear(); gc.collect()")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.forget_all(var)
                gc.collect()
        elif me is not None:
            outcome = self.call(step.text(me))
            if not (outcome.ours and not outcome.late and "without a close" in outcome.text):
                self.problem(f"others were not told of the file dropped: {outcome.plain()}")
            again = self.call(f"{var}.close()")
        tree = self.w.trees.pop(var)
        tree.touch(*step.nodes)
        self.forget_all(var)
        self.afterwards(var, tree, "flushed")
        self.end_all("now")

    def d_miss(self, step, odd, n):
        """The odd ranks do not come in time."""
        me, var = self.member(step.var), step.var
        outcome = None
        collio.rc.timeout = 2
        comm.Barrier()
        if me is not None and me not in odd:
            outcome = self.call(step.text(me))
        comm.Barrier()
        if me in odd:
            outcome = self.call(step.text(me))
        collio.rc.timeout = TIMEOUT
        if me is not None and not outcome.late:
            self.problem(f"no timeout: {outcome.plain()}")
        tree = self.w.trees.pop(var)
        if me is not None:
            self.call(f"{var}.close()")
        tree.touch(*step.nodes)
        self.forget_all(var)
        self.afterwards(var, tree, "flushed" if not self.busy(tree) else "untouched")
        self.end_all("now")

    def busy(self, tree):
        return any(node.busy for _, node in tree.walk())

    @contextlib.contextmanager
    def limited(self, what, most):
        soft, hard = resource.getrlimit(what)
        self.poor = True
        resource.setrlimit(what, (most, hard))
        try:
            yield
        finally:
            resource.setrlimit(what, (soft, hard))
            self.poor = False

    def d_disk(self, step, odd, n):
        """The odd ranks may not write beyond some byte."""
        return self.under(step, odd, resource.RLIMIT_FSIZE, self.chance.choice((0, 100, 1000, 3000, 10000)))

    def d_memory(self, step, odd, n):
        with open("/proc/self/status") as status:
            used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize"))
        return self.under(step, odd, resource.RLIMIT_AS, used + self.chance.choice((0, 1 << 16, 1 << 20)))

    def under(self, step, odd, what, most):
        me = self.member(step.var)
        finish = self.chance.choice(("flush", "close", None))
        outcome, second = None, None
        if me is not None:
            text = step.text(me)
            with self.limited(what, most) if me in odd else contextlib.nullcontext():
                outcome = self.call(text)
                if finish:
                    second = self.call(f"{step.var}.{finish}()")
        told = self.share(step.var, outcome)
        then = self.share(step.var, second)
        if all(kind == "ok" for kind, *_ in told) and not finish:
            if step.wrong:
                self.problem(f"{step.name} should be refused, and was not")
            if step.effect:
                step.effect()
            return True
        if not step.local and not step.wrong:
            self.judge_alike(step, told, odd)
            if finish:
                self.judge_alike(None, then, odd)
        tree = self.w.trees[step.var]
        tree.touch(*step.nodes)
        fine = all(kind == "ok" for kind, *_ in told) and (finish is None or all(kind == "ok" for kind, *_ in then if _))
        if fine and not step.wrong and step.effect and what == resource.RLIMIT_FSIZE:
            step.effect()
        if me is not None and finish != "close":
            self.call(f"{step.var}.close()")
        self.forget_all(step.var)
        self.w.trees.pop(step.var)
        self.afterwards(step.var, tree, "untouched")
        self.end_all("now")

    def d_leave(self, step, odd, n):
        """The odd ranks end; the others get an error, and end as well. The last of a job."""
        me, var = self.member(step.var), step.var
        how = self.chance.choice(("return", "exit", "exit 3", "raise"))
        for tree in self.w.trees.values():
            tree.touch(*step.nodes)
            if rank == 0:
                keep(tree.expected("untouched"), tree.path + ".want")
        comm.Barrier()
        if me in odd:
            self.note(f"# this rank leaves: {how}")
            self.log.flush()
            if how == "raise":
                raise LookupError("left for good")
            raise SystemExit(3 if how == "exit 3" else 0)
        if me is not None:
            outcome = self.call(step.text(me))
            if not outcome.ours or outcome.late:
                self.problem(f"others were not told of the end: {outcome.plain()}")
        write_result(self, self.problems, rank)
        raise SystemExit(0)

    # ------------------------------------------------------------ judging

    def judge_alike(self, step, told, odd=()):
        """All fail, or none; with words that name one who failed."""
        fails = [kind != "ok" for kind, *_ in told]
        if not any(fails):
            return
        shown = [(kind, text[:500]) for kind, text, *_ in told]
        if not all(fails):
            self.problem(f"some ranks fail, some do not: {shown}")
        elif any(late and "to open a collio object" not in text for _, text, _, _, late in told):
            self.problem(f"ranks waited until the deadline: {shown}")
        elif not (step and step.wrong) and not one_error(told):
            self.problem(f"different texts: {shown}")
        elif len(told) > 1 and odd and len(odd) < len(told) and not (step and step.wrong):
            wheres = [where for i, (_, _, where, *_) in enumerate(told) if i not in odd]
            if not all(any(f"rank {r}" in where or "ranks " in where for r in odd) for where in wheres):
                self.problem(f"no rank is named: {shown} {wheres}")

    def judge_split(self, step, told, odd, natural=False):
        """All get the same CollectiveError, which has the odd ranks apart."""
        shown = [(kind, text[:700]) for kind, text, *_ in told]
        if step.wrong or (natural and not all(ours for *_, ours, _ in told)):
            return self.judge_alike(step, told, odd)
        if not all(ours and not late for *_, ours, late in told) or len({text for _, text, *_ in told}) > 1:
            return self.problem(f"not the same CollectiveError on all: {shown}")
        return None

    # ------------------------------------------------------------ the whole

    def run(self):
        try:
            self.body()
        except Gone:
            pass
        for var in list(self.w.trees):
            self.names.pop(var, None)
        self.names["h"].clear()
        self.names["q"].clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.names.clear()
            gc.collect()

    def body(self):
        length = self.chance.randint(4, 30)
        at = self.chance.randrange(length) if self.kind != "fault" and self.chance.random() < 0.8 else -1
        self.create("f0")
        for i in range(length):
            var = self.chance.choice(sorted(self.w.trees))
            only = PER_RANK if self.paths.get("per-rank") == var else None
            what = self.chance.random()
            if what < 0.03 and only is None:
                self.reopen(var)
            elif what < 0.05 and "f1" not in self.w.trees:
                self.create("f1")
            step = next_step(self.w, var, only)
            if i >= at >= 0 and not step.local and (only is None):
                at = -1
                kind = self.kind if self.kind in OF_JOBS else self.chance.choices(
                    list(DIVERGENCES), list(DIVERGENCES.values()))[0]
                if self.diverge(step, kind):
                    continue
                if self.chance.random() < 0.5:
                    at = i + 1 if i + 1 < length else -1
                    if self.kind in OF_JOBS:
                        at = -1
                continue
            self.step(step)
        self.end_all("now")


def write_result(program, problems, name):
    with open(f"{program.name}/result-{name}.json", "w") as out:
        json.dump({"problems": problems, "figures": program.figures, "lines": program.lines}, out)


def main():
    directory, seed, first, count = sys.argv[1:5]
    kind = sys.argv[5] if len(sys.argv) > 5 else ""
    os.chdir(directory)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for number in range(int(first), int(first) + int(count)):
        program = Program(seed, number, kind, directory)
        try:
            program.run()
        except MPI.Exception:
            if kind == "fault":  # one of this program's own messages
                comm.Abort(2)
            raise
        except Exception:
            program.problem(traceback.format_exc())
            write_result(program, program.problems, rank)
            raise
        problems = comm.allgather(program.problems)
        if rank == 0:
            write_result(program, [f"rank {r}: {p}" for r, ps in enumerate(problems) for p in ps], "all")
        program.log.close()
        del program
    comm.Barrier()


TIMEOUT = float(os.environ.get("COLLIO_TIMEOUT", "20"))
main()
