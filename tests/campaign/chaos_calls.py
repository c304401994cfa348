"""How a rank makes the calls of a random program: what it evaluates, catches, logs, and tells the others."""

import json
import os

import collio
from chaos_model import words
from collio import MPI

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size


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


def all_ok(told):
    return all(kind == "ok" for kind, *_ in told)


def layout(paths, shape, kind, path):
    made = collio.VirtualLayout((len(paths) + 1, *shape), kind)
    for row, name in enumerate(paths):
        made[row] = collio.VirtualSource(path, name, shape, kind)
    return made


class Calls:
    """The calls of one program on this rank, the names they use, and what was wrong with them. Creation is
    collective."""

    def __init__(self, w):
        self.w, self.name = w, w.directory
        self.names = {**words(collio), "h": {}, "q": {}, "comm": comm, "layout": layout, "collio": collio, "MPI": MPI}
        self.problems, self.figures, self.lines, self.poor = [], {}, 0, False
        if rank == 0:
            os.makedirs(self.name, exist_ok=True)
        comm.Barrier()
        self.log = open(f"{self.name}/rank{rank}.log", "w")

    def problem(self, text):
        self.problems.append(f"line {self.lines}: {text}")
        self.note(f"# WRONG: {text}")

    def note(self, text):
        """Into the log at once: the next call may be the last. Not where the disk is made to fail."""
        self.log.write(text + "\n")
        if not self.poor:
            self.log.flush()

    def count(self, what):
        self.figures[what] = self.figures.get(what, 0) + 1

    def keep(self, problems, name):
        """Leave a file with the results."""
        with open(f"{self.name}/result-{name}.json", "w") as out:
            json.dump({"problems": problems, "figures": self.figures, "lines": self.lines}, out)

    def member(self, var):
        """This rank's number in the communicator of a file, or None."""
        ranks = self.w.trees[var].ranks
        return ranks.index(rank) if rank in ranks else None

    def share(self, var, outcome):
        """The outcomes of all ranks of a file. Collective over all ranks."""
        told = comm.allgather(outcome.plain() if outcome else None)
        return [told[r] for r in self.w.trees[var].ranks]

    def call(self, text):
        self.lines += 1
        self.note(text)
        try:
            return Outcome(value=self.evaluate("\n" * (self.lines - 1) + text))
        except Exception as error:
            error.__traceback__ = error.__context__ = error.__cause__ = None
            self.note(f"# {type(error).__name__}: {str(error)[:1500]!r} {getattr(error, '__notes__', '')}")
            return Outcome(error)

    def evaluate(self, code):
        """The value of an expression, or what statements leave in RESULT."""
        try:
            program = compile(code, self.name, "eval")
        except SyntaxError:
            self.names.pop("RESULT", None)
            exec(compile(code, self.name, "exec"), self.names)
            return self.names.get("RESULT")
        return eval(program, self.names)

    def leave_by(self, var, error):
        """Leave a `with` block of a file by an exception."""
        self.lines += 1
        self.note(f"{var}.__exit__(type(e), e, None)")
        try:
            self.names[var].__exit__(type(error), error, None)
            return Outcome()
        except Exception as raised:
            return Outcome(raised)

    def forget(self, var):
        """The handles of a file that is closed."""
        for key in [key for key, (at, _) in self.w.handles.items() if at == var]:
            del self.w.handles[key]
        for key in set(self.names["h"]) - set(self.w.handles):  # those too that only other ranks have dropped
            del self.names["h"][key]

    def forget_all(self, var):
        """All that belongs to a file that nobody uses any more."""
        self.w.apply_waiting(var)
        self.forget(var)
        self.names.pop(var, None)
        self.names.pop("RESULT", None)
        self.names["q"].clear()
