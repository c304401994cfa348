"""The main job, told step by step: samples/terrain.py runs, loses a rank while it saves, goes on.

Three jobs: one that is never interrupted; the same on 4 ranks, of which one is killed while a
checkpoint is being saved; and the killed one started again on 2 ranks. Their results must be
equal, bit for bit. Leaves a picture of the landscape before and after.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from landscape import DEM, hillshade, read_map, side_by_side, write_png
from numpy.typing import NDArray

import collio

HERE = Path(__file__).resolve().parent
METRES_PER_CELL = 90.0  # of the elevation model: three seconds of arc


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--directory", type=Path, default=Path("terrain"), help="for all it leaves; emptied first")
    parser.add_argument("--dem", default=DEM, help="elevation model")
    parser.add_argument("--refine", type=int, default=4, help="cells per cell of the model, each way")
    parser.add_argument("--steps", type=int, default=600, help="time steps")
    parser.add_argument("--every", type=int, default=50, help="steps between checkpoints")
    parser.add_argument("--seed", type=int, default=None, help="choose the rank to kill repeatably")
    return parser.parse_args()


class Progress:
    """One line that is written over on a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.open = False

    def show(self, done: int, total: int, words: str) -> None:
        if self.terminal:
            filled = 30 * done // total
            print(f"\r   [{'#' * filled}{'.' * (30 - filled)}] {words:<50}", end="", flush=True)
            self.open = True
        elif done == total or 4 * done // total != 4 * (done - 1) // total:
            print(f"   {words}", flush=True)

    def say(self, text: str) -> None:
        if self.open:
            print()
            self.open = False
        print(f"   {text}", flush=True)


class Job:
    """One run of terrain.py under mpiexec; its lines are read as they come."""

    def __init__(self, options: argparse.Namespace, ranks: int, name: str, progress: Progress) -> None:
        self.checkpoints = options.directory / f"checkpoints-{name}"
        self.result = options.directory / f"{name}.h5"
        self.progress = progress
        self.processes: list[int] = []
        command = [os.environ.get("MPIEXEC", "mpiexec"), "-n", str(ranks), sys.executable, str(HERE / "terrain.py")]
        for key in ("dem", "refine", "steps", "every"):
            command += [f"--{key}", str(getattr(options, key))]
        command += ["--checkpoints", str(self.checkpoints), "--result", str(self.result)]
        self.errors = open(options.directory / f"{name}.err", "a+")
        self.running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def wait(self) -> int:
        """Relay what the job says until it ends; its exit status."""
        for line in self.running.stdout or ():
            at = re.match(r"step (\d+) of (\d+)", line)
            started = re.search(r"; processes \[([\d, ]+)\]", line)
            if at:
                self.progress.show(int(at[1]), int(at[2]), line.strip())
            elif started:
                self.processes = [int(pid) for pid in started[1].split(",")]
                self.progress.say(line[: started.start()])
            elif line.startswith("starting"):
                self.progress.say(line.strip())
        return self.running.wait()

    def saved(self) -> list[int]:
        return sorted(int(path.stem[5:]) for path in self.checkpoints.glob("step-*.h5"))

    def unfinished(self) -> list[str]:
        return [path.name for path in self.checkpoints.glob(".part-*")]


def kill_while_saving(job: Job, after: int, chance: random.Random, told: list[int]) -> None:
    """Wait until a checkpoint later than `after` steps is being written, then kill one rank."""
    while job.running.poll() is None:
        if job.processes and job.saved() and job.saved()[-1] >= after and job.unfinished():
            rank = chance.randrange(len(job.processes))
            os.kill(job.processes[rank], signal.SIGKILL)
            told.append(rank)
            return
        time.sleep(0.0002)


def run_whole(options: argparse.Namespace, progress: Progress) -> Job:
    print("1. A job on 4 ranks that nothing interrupts", flush=True)
    job = Job(options, 4, "uninterrupted", progress)
    finish(job)
    return job


def finish(job: Job) -> None:
    status = job.wait()
    if status != 0:
        job.errors.seek(0)
        sys.exit(f"the job failed with status {status}:\n{job.errors.read()[-2000:]}")


def run_killed(options: argparse.Namespace, progress: Progress, chance: random.Random) -> Job:
    """Run, kill a rank in the middle of a save; again should the save have been faster."""
    print("2. The same job, but one rank is killed while it saves a checkpoint", flush=True)
    for _ in range(10):
        told: list[int] = []
        job = Job(options, 4, "killed", progress)
        after = options.every * chance.randrange(3, 7)
        killer = threading.Thread(target=kill_while_saving, args=(job, after, chance, told))
        killer.start()
        status = job.wait()
        killer.join()
        if told and job.unfinished():
            progress.say(f"rank {told[0]} (process {job.processes[told[0]]}) was killed by SIGKILL; the job ended with status {status}")
            progress.say(f"on disk: checkpoints {job.saved()}, and unfinished {job.unfinished()[0]}")
            return job
        if not told and status != 0:
            finish(job)
        progress.say("the save was over before the signal came: once more")
        shutil.rmtree(job.checkpoints)
    sys.exit("no rank could be killed in the middle of a save")


def run_again(options: argparse.Namespace, progress: Progress) -> Job:
    print("3. Started again on 2 ranks, from the newest checkpoint that is whole", flush=True)
    job = Job(options, 2, "killed", progress)
    finish(job)
    return job


def read_result(path: Path) -> NDArray[np.float64]:
    with collio.File(path, "r") as file:
        elevation: NDArray[np.float64] = file["elevation"][...]
        return elevation


def compare(whole: Job, again: Job) -> NDArray[np.float64]:
    a, b = read_result(whole.result), read_result(again.result)
    if a.tobytes() != b.tobytes():
        sys.exit(f"4. The results differ in {np.count_nonzero(a != b)} of {a.size} cells")
    print(f"4. Both results are equal, bit for bit: {a.shape[0]} x {a.shape[1]} cells, {a.nbytes} bytes", flush=True)
    return a


def draw(options: argparse.Namespace, after: NDArray[np.float64]) -> None:
    before = read_map(options.dem, options.refine)
    path = options.directory / "terrain.png"
    cell = METRES_PER_CELL / options.refine
    write_png(path, side_by_side(hillshade(before, cell), hillshade(after, cell)))
    print(f"5. The landscape before and after: {path.resolve()}", flush=True)


def main() -> None:
    options = arguments()
    if not Path(options.dem).exists():
        sys.exit(f"no elevation model {options.dem}: install python-matplotlib-data")
    shutil.rmtree(options.directory, ignore_errors=True)
    options.directory.mkdir(parents=True)
    progress, chance = Progress(), random.Random(options.seed)
    whole = run_whole(options, progress)
    run_killed(options, progress, chance)
    again = run_again(options, progress)
    draw(options, compare(whole, again))


if __name__ == "__main__":
    main()
