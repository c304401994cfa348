"""The files of a random program: opened, closed, and looked at afterwards."""

import os

import collio
from chaos_calls import all_ok, comm, rank, size
from chaos_model import Tree, keep, look

OPTIONS = ("", "", ", libver='latest'", ", libver='v108'", ", track_order=True", ", userblock_size=512",
           ", transfer='two-phase'", ", transfer='direct'", ", alignment_threshold=64, alignment_interval=512")


class Gone(Exception):
    """The program is at its end."""


class Files:
    """`sub` has the ranks of the communicator of that name, if there is one."""

    def __init__(self, w, calls, judge, sub):
        self.w, self.calls, self.judge, self.sub = w, calls, judge, sub
        self.faults = judge.kind == "fault"
        self.per_rank = None  # the name of the file with that layout

    def create(self, var):
        chance = self.w.chance
        options = chance.choice(OPTIONS)
        if var == "f0" and chance.random() < 0.05:
            options, self.per_rank = ", layout='per-rank'", var
        ranks = self.sub if self.sub and chance.random() < 0.5 else list(range(size))
        self.open(var, "w", f"{self.calls.name}/{var}.h5", ranks, options)

    def open(self, var, mode, path, ranks, options=""):
        where = "comm" if len(ranks) == size else "sub"
        text = f"{var} = h5.File({path!r}, {mode!r}, comm={where}{options})"
        outcome = self.calls.call(text) if rank in ranks else None
        if mode == "w":
            self.w.trees[var] = Tree(path, ranks)
        self.w.modes[var] = mode
        told = self.calls.share(var, outcome)
        if not all_ok(told):
            self.failed("File", var, told)

    def failed(self, what, var, told):
        """Opening or closing failed on some rank, which only faults excuse: the program is over."""
        if not self.faults:
            self.calls.problem(f"{what}() failed: {told}")
            raise Gone
        self.judge.alike(None, told)
        tree = self.w.trees.pop(var)
        if what == "close":
            self.afterwards(tree, "untouched")
        self.end_all("untouched")

    def close(self, var):
        tree = self.w.trees[var]
        text = self.w.chance.choice((f"{var}.close()", f"{var}.__exit__(None, None, None)"))
        outcome = self.calls.call(text) if self.calls.member(var) is not None else None
        self.w.apply_waiting(var)
        told = self.calls.share(var, outcome)
        if not all_ok(told):
            self.failed("close", var, told)
        if self.w.modes[var] != "r":
            tree.flush()
        self.calls.forget(var)

    def reopen(self, var):
        self.close(var)
        tree = self.w.trees[var]
        self.open(var, self.w.chance.choice(("r+", "a", "r")), tree.path, tree.ranks)

    def afterwards(self, tree, how):
        """Leave word of what a file that is closed should hold, and look."""
        expected = tree.expected(how)
        if rank == 0:
            keep(expected, tree.path + ".want")
        comm.Barrier()
        if self.faults:  # others look
            return
        if rank in tree.ranks and (os.path.exists(tree.path) or tree.flushed):
            self.look_into(tree, how, expected)
        comm.Barrier()

    def look_into(self, tree, how, expected):
        where = comm if len(tree.ranks) == size else self.calls.names["sub"]
        try:
            with collio.File(tree.path, "r", comm=where) as f:
                for text in look(f, expected):
                    self.calls.problem(f"{tree.path}, {how}: {text}")
        except Exception as error:
            if how == "now" or tree.flushed:
                self.calls.problem(f"{tree.path}, {how}: {type(error).__name__}: {error}")

    def end_without(self, var, how, touched=()):
        """The program ends; one of its files has been left before, in some way."""
        self.calls.forget_all(var)
        tree = self.w.trees.pop(var)
        tree.touch(*touched)
        self.afterwards(tree, how)
        self.end_all("now")

    def end_all(self, how, ended=None):
        """Close all files, as well as can be, and see what they hold."""
        for var in list(self.w.trees):
            self.end(var, how if ended is None or var == ended else "now")
        raise Gone

    def end(self, var, how):
        if how == "now":
            self.close(var)
        elif self.calls.member(var) is not None:
            self.calls.call(f"{var}.close()")
            self.calls.names.pop(var, None)
            self.calls.forget(var)
        self.afterwards(self.w.trees.pop(var), how)
