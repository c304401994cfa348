#!/usr/bin/env python3
"""Kill a random rank at a random instant during saves, restart on other ranks, look what is there.

Each round starts tests/campaign/saver on --ranks ranks, waits until it saves, and after a random
time kills one of its processes with SIGKILL. The next round restores on 1, 2 or 3 ranks first: the
newest step must be one that was acknowledged last or the one after it (committed, but the word of
it was lost), and every value in it must be right. Output is TAP; the figures come last.

    kill.py --saver PATH [--mpiexec CMD] [--kills N] [--seed S] [--ranks R]
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 60  # seconds until a run that should end counts as a hang


class Campaign:
    def __init__(self, options, directory):
        self.options = options
        self.random = random.Random(options.seed)
        self.directory = directory
        self.checkpoints = directory / "ckpt"
        self.acknowledged = -1
        self.figures = {"kills": 0, "lost": 0, "wrong": 0, "hangs": 0, "ahead": 0, "in a save": 0,
                        "parts left": 0, "acknowledged": 0}

    def start(self, ranks, steps, name):
        log = self.directory / name
        out = open(self.directory / (name + ".out"), "w")
        command = self.options.mpiexec.split() + ["-n", str(ranks), self.options.saver,
                                                  str(self.checkpoints), str(log), str(steps),
                                                  str(self.options.rows)]
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        out.close()
        return process, log

    def lines(self, log):
        """Whole lines only: the last one may be under way."""
        text = log.read_text() if log.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()

    def wait(self, process, log, condition):
        """Until the condition holds or the process has ended; False: neither in time."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if process.poll() is not None or condition(self.lines(log)):
                return True
            time.sleep(0.002)
        return False

    def finish(self, process):
        """Let the job end; what is left of it is killed, by its own session."""
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.figures["hangs"] += 1
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def judge_restore(self, log):
        """What the job said it found, against what was acknowledged before."""
        lines = self.lines(log)
        wrong = [line for line in lines if line.startswith(("wrong", "failed"))]
        found = [int(line.split()[1]) for line in lines if line.startswith("restored")]
        self.figures["wrong"] += len(wrong)
        for line in wrong:
            print("#", line)
        if not found:
            return False
        if found[0] < self.acknowledged:
            self.figures["lost"] += 1
            print(f"# step {self.acknowledged} was acknowledged, {found[0]} was restored")
        self.figures["ahead"] += found[0] > self.acknowledged
        return not wrong and self.acknowledged <= found[0] <= self.acknowledged + 1

    def note_saved(self, log):
        saved = [int(line.split()[1]) for line in self.lines(log) if line.startswith("saved")]
        self.figures["acknowledged"] += len(saved)
        if saved:
            self.acknowledged = max(self.acknowledged, saved[-1])

    def parts(self):
        return sorted(self.checkpoints.glob(".part-*"))

    def one_kill(self, number):
        process, log = self.start(self.options.ranks, 1000000, f"kill-{number}")
        begun = self.wait(process, log, lambda lines: "ready" in lines)
        time.sleep(self.random.uniform(0.0, self.options.span))
        victim = self.random.randrange(self.options.ranks)
        alive = process.poll() is None
        if begun and alive:
            pid = int((self.directory / f"kill-{number}.pid-{victim}").read_text())
            os.kill(pid, signal.SIGKILL)
            self.figures["kills"] += 1
        self.finish(process)
        self.figures["in a save"] += bool(self.parts())
        good = begun and alive and self.judge_restore(log)
        self.note_saved(log)
        return good, victim

    def one_restart(self, number):
        ranks = self.random.choice((1, 2, 3))
        process, log = self.start(ranks, 1, f"restart-{number}")
        self.finish(process)
        good = self.judge_restore(log)
        ended = "end" in self.lines(log)
        self.note_saved(log)
        self.figures["parts left"] += len(self.parts())
        return good and ended, ranks

    def run(self):
        all_good = True
        for number in range(1, self.options.kills + 1):
            killed, victim = self.one_kill(number)
            newest = self.acknowledged
            restarted, ranks = self.one_restart(number)
            good = killed and restarted
            all_good &= good
            print(f"{'ok' if good else 'not ok'} {number} - rank {victim} of {self.options.ranks} "
                  f"killed after step {newest}, restarted on {ranks}", flush=True)
            if not good:
                for name in (f"kill-{number}", f"restart-{number}"):
                    for suffix in ("", ".out"):
                        path = self.directory / (name + suffix)
                        text = path.read_text() if path.exists() else "(nothing)"
                        print("\n".join(f"# {name}{suffix}: {line}" for line in
                                        text.splitlines()[-12:]))
            for path in self.directory.glob(f"*-{number}*"):
                path.unlink()
        print(f"1..{self.options.kills}")
        print("#", ", ".join(f"{value} {name}" for name, value in self.figures.items()))
        return all_good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--saver", default="tests/campaign/saver")
    parser.add_argument("--mpiexec", default=os.environ.get("MPIEXEC", "mpiexec"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--span", type=float, default=0.25,
                        help="seconds of saving within which the kill falls")
    options = parser.parse_args()
    options.saver = shutil.which(options.saver) or str(pathlib.Path(options.saver).resolve())
    print(f"# seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="collio-kill-") as directory:
        return 0 if Campaign(options, pathlib.Path(directory)).run() else 1


if __name__ == "__main__":
    sys.exit(main())
