#!/usr/bin/env python3
"""Kill, or stop, a random rank at a random instant during saves; look what is there afterwards.

Each round starts tests/campaign/saver on 1 to 4 ranks, which restores the newest step, compares
it, and saves steps: plain, compressed, in the background, into files of the ranks. In the mode
"file" it is tests/campaign/filer, for files of which each rank writes a part. After a random time
one of its processes gets SIGKILL. The next round, on another number of ranks, must find a step that was
acknowledged last or the one after it (committed, but the word of it was lost), with every value
in it right. With --stops, a process gets SIGSTOP instead: the others must give up within their
deadline, and name it, all with the same error. Output is TAP; the figures come last.

    kill.py --saver PATH [--mpiexec CMD] [--kills N] [--stops N] [--seed S] [--modes M,M...]
"""

import argparse
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 60  # seconds until a run that should end counts as a hang
TIMEOUT = 2  # seconds that ranks wait for one that is stopped
MODES = ("plain", "compressed", "background", "per-rank", "per-rank-compressed", "file")


def missing(text):
    """The ranks that an error names as missing: of "ranks 0, 2-3 did not come" 0, 2 and 3."""
    found = re.search(r"ranks? ([0-9, -]+) did not come", text)
    ends = [[int(end) for end in part.split("-")] for part in found[1].split(", ")] if found else []
    return {rank for part in ends for rank in range(part[0], part[-1] + 1)}


class Job:
    """One run of the saver."""

    def __init__(self, campaign, name, ranks, mode, steps):
        self.ranks, self.mode = ranks, mode
        self.log = campaign.directory / name
        options = campaign.options
        program = str(pathlib.Path(options.saver).with_name("filer")) if mode == "file" else options.saver
        environment = {**os.environ, "COLLIO_TIMEOUT": str(TIMEOUT if options.stops else PATIENCE)}
        command = options.mpiexec.split() + ["-n", str(ranks), program, str(campaign.place(mode)),
                                             str(self.log), str(steps), str(options.rows), mode]
        with open(f"{self.log}.out", "w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            env=environment, start_new_session=True)

    def lines(self, suffix=""):
        """Whole lines only: the last one may be under way."""
        path = pathlib.Path(f"{self.log}{suffix}")
        text = path.read_text() if path.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()

    def wait(self, condition):
        """Until the condition holds or the job has ended; False: neither in time."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if condition() or self.process.poll() is not None:
                return True
            time.sleep(0.002)
        return False

    def signal(self, rank, number):
        os.kill(int(pathlib.Path(f"{self.log}.pid-{rank}").read_text()), number)

    def finish(self):
        """Let the job end; what is left of it is killed, by its own session. 0 if that was needed."""
        try:
            self.process.wait(PATIENCE)
            return 1
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return 0

    def show(self):
        for suffix in ("", ".out"):
            for line in self.lines(suffix)[-12:]:
                print(f"# {self.log.name}{suffix}: {line}")


class Campaign:
    def __init__(self, options, directory):
        self.options = options
        self.random = random.Random(options.seed)
        self.modes = options.modes.split(",")
        self.directory = directory
        self.acknowledged = {"ckpt": -1, "file": -1}
        for name in self.acknowledged:
            (directory / name).mkdir()
        self.figures = {"kills": 0, "stops": 0, "told alike": 0, "named alone": 0, "lost": 0, "wrong": 0, "hangs": 0, "ahead": 0,
                        "in a save": 0, "acknowledged": 0, **{mode: 0 for mode in self.modes}}

    def place(self, mode):
        """The directory of a mode: files are no steps."""
        return self.directory / ("file" if mode == "file" else "ckpt")

    def span(self, mode):
        """A file is merged first, and then several are made."""
        return self.options.span * (4 if mode == "file" else 1)

    def judge_restore(self, job):
        """What the job said it found, against what was acknowledged before."""
        acknowledged, place = self.acknowledged, self.place(job.mode).name
        lines = job.lines()
        wrong = [line for line in lines if line.startswith(("wrong", "failed"))]
        found = [int(line.split()[1]) for line in lines if line.startswith("restored")]
        self.figures["wrong"] += len(wrong)
        for line in wrong:
            print("#", line)
        if not found:
            return False
        if found[0] < acknowledged[place]:
            self.figures["lost"] += 1
            print(f"# step {acknowledged[place]} was acknowledged, {found[0]} was restored")
        self.figures["ahead"] += found[0] > acknowledged[place]
        good = not wrong and acknowledged[place] <= found[0] <= acknowledged[place] + 1
        acknowledged[place] = max(acknowledged[place], found[0])
        return good

    def note_saved(self, job):
        saved = [int(line.split()[1]) for line in job.lines() if line.startswith("saved")]
        self.figures["acknowledged"] += len(saved)
        place = self.place(job.mode).name
        self.acknowledged[place] = max([self.acknowledged[place], *saved])

    def one_kill(self, number):
        ranks, mode = self.random.choice((1, 2, 3, 4)), self.random.choice(self.modes)
        job = Job(self, f"kill-{number}", ranks, mode, 1000000)
        begun = job.wait(lambda: "ready" in job.lines())
        time.sleep(self.random.uniform(0.0, self.span(mode)))
        victim = self.random.randrange(ranks)
        alive = job.process.poll() is None
        if begun and alive:
            job.signal(victim, signal.SIGKILL)
            self.figures["kills"] += 1
            self.figures[mode] += 1
        self.figures["hangs"] += not job.finish()
        place = self.place(mode)
        self.figures["in a save"] += any(place.glob(".part-*")) or any(place.glob("*.ranks/structure-*"))
        good = begun and alive and self.judge_restore(job)
        self.note_saved(job)
        return job, good, f"rank {victim} of {ranks} killed, {mode}"

    def one_stop(self, number):
        """The others end with an error that names the rank; then the job is removed."""
        ranks, mode = self.random.choice((2, 3, 4)), self.random.choice([m for m in self.modes if m != "file"])
        job = Job(self, f"stop-{number}", ranks, mode, 1000000)
        victim = self.random.randrange(ranks)
        others = [rank for rank in range(ranks) if rank != victim]
        good = job.wait(lambda: "ready" in job.lines()) and self.judge_restore(job)
        time.sleep(self.random.uniform(0.0, self.span(mode)))
        job.signal(victim, signal.SIGSTOP)
        stopped = time.monotonic()
        good &= job.wait(lambda: all(job.lines(f".err-{rank}") for rank in others))
        self.figures["stops"] += 1
        self.figures[mode] += 1
        took = time.monotonic() - stopped
        told = [" ".join(job.lines(f".err-{rank}")) for rank in others]
        named = [missing(text) for text in told]
        good &= all(victim in ranks for ranks in named)
        self.figures["told alike"] += all(text == told[0] for text in told)
        self.figures["named alone"] += named[0] == {victim}
        if not good:
            print("#", told)
        for rank in range(ranks):
            with contextlib.suppress(ProcessLookupError):  # the launcher may have been faster
                job.signal(rank, signal.SIGKILL)
        self.figures["hangs"] += not job.finish()
        self.note_saved(job)
        return job, good, f"rank {victim} of {ranks} stopped, {mode}: the others gave up after {took:.1f} s"

    def run(self):
        all_good = True
        rounds = ["kill"] * self.options.kills + ["stop"] * self.options.stops
        for number, what in enumerate(rounds, 1):
            job, good, text = self.one_kill(number) if what == "kill" else self.one_stop(number)
            all_good &= good
            print(f"{'ok' if good else 'not ok'} {number} - {text}, step {self.acknowledged[self.place(job.mode).name]}", flush=True)
            if not good:
                job.show()
            for path in self.directory.glob(f"{what}-{number}*"):
                path.unlink()
        good = True
        for mode in ("plain", "file"):
            last = Job(self, "last-" + mode, 2, mode, 1)
            self.figures["hangs"] += not last.finish()
            good &= self.judge_restore(last) and "end" in last.lines()
        print(f"{'ok' if good else 'not ok'} {len(rounds) + 1} - and restored on 2 ranks")
        print(f"1..{len(rounds) + 1}")
        print("#", ", ".join(f"{value} {name}" for name, value in self.figures.items()))
        return all_good and good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--saver", default="tests/campaign/saver")
    parser.add_argument("--mpiexec", default=os.environ.get("MPIEXEC", "mpiexec"))
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--stops", type=int, default=0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--modes", default=",".join(MODES), help="those to take, by commas")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--span", type=float, default=0.25,
                        help="seconds of saving within which the signal falls")
    options = parser.parse_args()
    if options.kills and options.stops:
        parser.error("kills and stops have different deadlines: one of them at a time")
    options.saver = shutil.which(options.saver) or str(pathlib.Path(options.saver).resolve())
    print(f"# seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="collio-kill-") as directory:
        return 0 if Campaign(options, pathlib.Path(directory)).run() else 1


if __name__ == "__main__":
    sys.exit(main())
