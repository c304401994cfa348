"""One random program, as all its ranks run it: steps chosen by chance, and where they diverge."""

import gc
import random
import warnings

import chaos_differ
import chaos_leave
import chaos_limits
import collio
from chaos_calls import Calls, Outcome, all_ok, comm, rank, size
from chaos_files import Files, Gone
from chaos_judge import Judge
from chaos_model import words
from chaos_steps import PER_RANK, next_step
from chaos_world import World
from collio import MPI

DIVERGENCES = {"other": (chaos_differ.other, 6), "argument": (chaos_differ.argument, 6), "bad": (chaos_differ.bad, 8),
               "order": (chaos_differ.order, 2), "raise": (chaos_leave.by_exception, 2),
               "raise late": (chaos_leave.by_exception_late, 1), "drop": (chaos_leave.drop, 1),
               "miss": (chaos_leave.miss, 0.2), "thread": (chaos_differ.thread, 1), "disk": (chaos_limits.disk, 1.5),
               "close": (chaos_differ.close, 1), "late": (chaos_differ.late, 1)}
OF_JOBS = {"leave": chaos_leave.leave, "memory": chaos_limits.memory}  # the one divergence of a job
OF_ONE = ("bad", "raise", "disk", "memory", "argument")  # those that make sense on one rank


class Program:
    """Everything by chance depends on the seed, the number and the number of ranks, and is the same on all
    ranks. kind: "" (a divergence of any kind), one of OF_JOBS, or "fault" (none, but calls of collio's fail)."""

    def __init__(self, seed, number, kind):
        self.kind = kind
        self.chance = random.Random(f"{seed} {number}")
        self.w = World(self.chance, f"p{number}")
        self.w.words = {**words(collio), "layout": lambda *a: None}
        self.tight = self.chance.random() < 0.5  # whether ranks compare the outcomes of each step
        self.calls = Calls(self.w)
        self.judge = Judge(self.calls, kind)
        self.files = Files(self.w, self.calls, self.judge, self.divided())

    def divided(self):
        """The ranks of a communicator of some."""
        if size < 3 or self.chance.random() < 0.8:
            return None
        members = sorted(self.chance.sample(range(size), self.chance.randint(2, size - 1)))
        self.calls.names["sub"] = comm.Split(0 if rank in members else MPI.UNDEFINED)
        return members

    def run(self):
        try:
            self.body()
        except Gone:
            pass
        for var in list(self.w.trees):
            self.calls.names.pop(var, None)
        self.calls.names["h"].clear()
        self.calls.names["q"].clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.calls.names.clear()
            gc.collect()

    def body(self):
        length = self.chance.randint(4, 30)
        at = self.chance.randrange(length) if self.kind != "fault" and self.chance.random() < 0.8 else -1
        self.files.create("f0")
        for i in range(length):
            var, only = self.next_file()
            step = next_step(self.w, var, only)
            if i >= at >= 0 and not step.local and only is None:
                at = i + 1 if self.diverge(step) else -1
            else:
                self.step(step)
        self.files.end_all("now")

    def next_file(self):
        """The file of the next step, and the only steps it takes, if not all. Perhaps it is opened anew."""
        var = self.chance.choice(sorted(self.w.trees))
        only = PER_RANK if self.files.per_rank == var else None
        what = self.chance.random()
        if what < 0.03 and only is None:
            self.files.reopen(var)
        elif what < 0.05 and "f1" not in self.w.trees:
            self.files.create("f1")
        return var, only

    # ------------------------------------------------------------ a step that all make

    def step(self, step):
        me = self.calls.member(step.var)
        text = step.text(me) if me is not None else ""
        if self.kind == "fault":
            text = self.looked_up(step, me)
        outcome = self.calls.call(text) if me is not None else None
        if outcome is not None:
            self.judge.step(step, me, outcome)
        if step.name == "independent" or self.tight or step.wrong or self.kind == "fault":
            self.compare(step, outcome)
        step.apply()

    def compare(self, step, outcome):
        """Whether all ranks have the same outcome. Where a fault made the step fail, the program is over."""
        told = self.calls.share(step.var, outcome)
        if self.kind == "fault" and not all_ok(told) and not step.wrong:
            self.judge.alike(step, told)
            self.w.trees[step.var].touch(*step.nodes)
            self.files.end_all("untouched")
        if step.wrong or self.tight:
            self.judge.one(step, told)

    def looked_up(self, step, me):
        """The text of a step that needs no look-ups any more. If there is a fault in one, the program is over."""
        text = self.look_up(step, me) if me is not None else ""
        if any(comm.allgather(isinstance(text, Outcome))):
            self.files.end_all("untouched")
        return text

    def look_up(self, step, me):
        """The text of a step, with what it looks up in names of its own: that costs no communication, so a
        fault in it is this rank's alone. The outcome, if it is one."""
        changed = {}
        for key, text in step.args[me].items():
            if text.startswith((step.var + "[", "h[")) and key not in step.own:
                outcome = self.calls.call(f"{key}_ = {text}")
                changed[key] = f"{key}_"
                if outcome.error is not None:
                    return outcome
        return step.text(me, **changed)

    # ------------------------------------------------------------ a divergence

    def diverge(self, step):
        """Some ranks do something else in place of a step. Whether to diverge again at the next one."""
        n = self.w.size(step.var)
        kind = self.kind_of_divergence(n)
        odd = sorted(self.chance.sample(range(n), self.chance.randint(1, n - 1) if n > 1 else 1))
        self.calls.note(f"# divergence: {kind}, ranks {odd} of {n}")
        self.calls.count(kind)
        run = OF_JOBS[kind] if kind in OF_JOBS else DIVERGENCES[kind][0]
        return not run(self, step, odd, n) and self.chance.random() < 0.5 and self.kind not in OF_JOBS

    def kind_of_divergence(self, n):
        kind = self.kind
        if kind not in OF_JOBS:
            kind = self.chance.choices(list(DIVERGENCES), [weight for _, weight in DIVERGENCES.values()])[0]
        return "bad" if n == 1 and kind not in OF_ONE else kind
