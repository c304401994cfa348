#!/usr/bin/env python3
"""Random programs of collio.File, in which some ranks at some step do something else.

Each program makes files, groups, datasets of many types and layouts, attributes, links, virtual
datasets, scales, and reads and writes them in many ways, on 1 to 4 ranks. At a random step some ranks
diverge: another call, another argument, a bad one, another order, an exception, a file dropped or
closed early, a rank that does not come or leaves for good, no space, no memory. With --faults, some
of collio's own calls fail instead. Judged are: every call ends, and on all ranks alike, with an error
that names who differed; no rank crashes; every result is that of a model in NumPy; and afterwards the
file is whole, for collio, h5py and h5dump, with all that was acknowledged. Output is TAP; the figures
come last, and what failed stays in the directory --keep, with a log of each rank's calls.

    chaos.py [--seed S] [--programs N] [--ranks N,N...] [--faults N] [--leaves N] [--from NUMBER]
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 120  # seconds without a new program until a job counts as a hang
BATCH = 25  # programs of one job
LOOK = """if True:
    import pickle, sys, h5py
    sys.path.insert(0, {here!r})
    from chaos_model import look
    for path in sys.stdin.read().split("\\n"):
        try:
            with h5py.File(path, "r") as f:
                f.visititems(lambda name, thing: None)
                for text in look(f, pickle.load(open(path + ".want", "rb"))):
                    print(f"{{path}}: {{text}}")
        except Exception as error:
            print(f"{{path}}: {{type(error).__name__}}: {{error}}")
"""


def plain_environment():
    started = ("PMI", "OMPI", "MPI", "PYTHON", "LD_", "HYDI")
    return {k: v for k, v in os.environ.items() if not k.startswith(started)}


def is_hard_to_dump(path):
    """Whether a file has what h5dump does not read: a filter of h5py's; and virtual datasets, on whose
    sources it fails once they have become something else."""
    run = subprocess.run(["h5dump", "-p", "-H", path], capture_output=True, text=True, errors="replace",
                         env=plain_environment())
    return "FILTER_ID 32000" in run.stdout or "VIRTUAL {" in run.stdout


class Job:
    """Programs first, first + 1, ... on some ranks."""

    def __init__(self, campaign, ranks, first, count, kind="", fault=None):
        self.ranks, self.first, self.count, self.kind = ranks, first, count, kind
        self.directory = campaign.directory / f"{kind or 'plain'}-{ranks}-{first}"
        self.directory.mkdir()
        environment = {**os.environ, "COLLIO_TIMEOUT": "30"}
        if fault:
            environment["COLLIO_FAULT"] = fault
        options = campaign.options
        command = [*options.mpiexec.split(), "-n", str(ranks), options.python, str(HERE / "chaos_run.py"),
                   str(self.directory), str(options.seed), str(first), str(count), *([kind] if kind else [])]
        with open(self.directory / "out", "w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            env=environment, start_new_session=True)

    def finish(self):
        """Wait as long as it gets on; why it did not end well, if it did not."""
        count, since = -1, time.monotonic()
        while self.process.poll() is None:
            now = len(list(self.directory.glob("p*/result*")))
            if now != count:
                count, since = now, time.monotonic()
            if time.monotonic() - since > PATIENCE:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                return f"no end after {PATIENCE} s"
            time.sleep(0.02)
        fine = {"leave": (0, 1, 3), "fault": (0, 1, 2)}.get(self.kind, (0,))
        said = (self.directory / "out").read_text(errors="replace")
        if self.process.returncode not in fine:
            return f"status {self.process.returncode}: {said[-1500:]}"
        return next((line for line in said.splitlines() if "core dumped" in line or "Segmentation" in line), "")

    def results(self):
        """(problems, figures) of each program that ended."""
        for path in sorted(self.directory.glob("p*/result*")):
            found = json.loads(path.read_text())
            yield int(path.parent.name[1:]), found["problems"], found["figures"]


class Campaign:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.figures = collections.Counter()
        self.h5py = None
        for python in (os.environ.get("COLLIO_H5PY", "/usr/bin/python3"), sys.executable):
            run = subprocess.run([python, "-c", "import h5py"], capture_output=True, env=plain_environment())
            self.h5py = self.h5py or (python if run.returncode == 0 else None)

    def others_read(self, job):
        """What h5py and h5dump find wrong."""
        files = [str(path)[:-5] for path in job.directory.glob("p*/*.want") if path.with_suffix("").exists()]
        self.figures["files"] += len(files)
        wrong = []
        if files and self.h5py:
            run = subprocess.run([self.h5py, "-c", LOOK.format(here=str(HERE))], input="\n".join(files), text=True,
                                 capture_output=True, env=plain_environment())
            wrong += [f"h5py, {line}" for line in run.stdout.splitlines()]
            wrong += [f"h5py: {run.stderr[-1000:]}"] if run.returncode else []
        for path in files if shutil.which("h5dump") else ():
            run = subprocess.run(["h5dump", "--enable-error-stack", path], capture_output=True, text=True,
                                 errors="replace", env=plain_environment())
            foreign = run.returncode and is_hard_to_dump(path)
            wrong += [f"h5dump {path}: {run.stderr[-500:]}"] if run.returncode and not foreign else []
        for path in files if self.options.collio else ():
            run = subprocess.run([self.options.collio, "inspect", path], capture_output=True, text=True,
                                 errors="replace")
            wrong += [f"collio inspect {path}: {run.stderr[-500:]}"] if run.returncode else []
        return wrong

    def judge(self, job):
        """Print what is wrong with a job; whether something is."""
        why = job.finish()
        problems = [f"p{number}: {text}" for number, found, figures in job.results() for text in found]
        for number, found, figures in job.results():
            self.figures["programs"] += 1
            self.figures.update(figures)
        problems += [why] if why else []
        problems += self.others_read(job)
        for text in problems[:20]:
            print("#", text[:1500].replace("\n", "\n#   "))
        return problems

    def jobs(self):
        """(ranks, first, count, kind, fault) of all jobs."""
        options = self.options
        ranks = [int(n) for n in options.ranks.split(",")]
        first = options.start
        batch = max(1, min(BATCH, options.programs // len(ranks)))
        for i, begin in enumerate(range(0, options.programs, batch)):
            yield ranks[i % len(ranks)], first + begin, min(batch, options.programs - begin), "", None
        first += options.programs
        for i in range(options.leaves):
            yield ranks[i % len(ranks)], first + i, 1, "leave", None
        first += options.leaves
        for i in range(options.memories):
            yield ranks[i % len(ranks)], first + i, 1, "memory", None
        first += options.memories
        for i in range(options.faults):
            n = ranks[i % len(ranks)]
            at = (i * 7919 + options.seed * 31) % 3000 + 1
            yield n, first + i, 1, "fault", f"{at}@{i // len(ranks) % n}"

    def show(self, number, of):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} of {of} jobs, {self.figures['programs']} programs, "
                             f"{self.figures['jobs with problems']} jobs with problems ")

    def run(self):
        jobs = list(self.jobs())
        for number, (ranks, first, count, kind, fault) in enumerate(jobs, 1):
            job = Job(self, ranks, first, count, kind, fault)
            problems = self.judge(job)
            self.figures["jobs with problems"] += bool(problems)
            told = f"programs {first} to {first + count - 1} on {ranks} ranks {kind} {fault or ''}".rstrip()
            print(f"{'not ok' if problems else 'ok'} {number} - {told}", flush=True)
            if problems and self.options.keep:
                shutil.copytree(job.directory, pathlib.Path(self.options.keep) / job.directory.name, dirs_exist_ok=True)
            shutil.rmtree(job.directory)
            self.show(number, len(jobs))
        print(f"1..{len(jobs)}")
        print("#", ", ".join(f"{value} {name}" for name, value in sorted(self.figures.items())))
        return self.figures["jobs with problems"] == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mpiexec", default=os.environ.get("MPIEXEC", "mpiexec"))
    parser.add_argument("--python", default=os.environ.get("PYTHON") or sys.executable)
    parser.add_argument("--collio", help="the command, to inspect files with")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--programs", type=int, default=100)
    parser.add_argument("--leaves", type=int, default=0, help="programs in which ranks leave for good")
    parser.add_argument("--memories", type=int, default=0, help="programs in which memory runs out on some ranks")
    parser.add_argument("--faults", type=int, default=0, help="programs in which a call of collio's fails")
    parser.add_argument("--ranks", default="1,2,3,4")
    parser.add_argument("--from", dest="start", type=int, default=0, help="the number of the first program")
    parser.add_argument("--keep", help="where the files of jobs with problems go")
    options = parser.parse_args()
    print(f"# seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="collio-chaos-") as directory:
        return 0 if Campaign(options, pathlib.Path(directory)).run() else 1


if __name__ == "__main__":
    sys.exit(main())
