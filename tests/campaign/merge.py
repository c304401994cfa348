#!/usr/bin/env python3
"""Kill a random rank of `collio merge` at a random instant; run again, it must end right.

tests/campaign/saver saves steps into files of ranks; one of them is merged without a disturbance.
Then each round starts the merge on 1 to 4 ranks and sends SIGKILL to one of its processes. Nothing
may have the name of the result unless it is equal, byte by byte; the next merge, on another number
of ranks, must make it, leave nothing else behind, and the source must be as it was. Output is TAP.

    merge.py --saver PATH --collio PATH [--mpiexec CMD] [--kills N] [--seed S]
"""

import argparse
import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 60


def start(options, ranks, *command):
    return subprocess.Popen([*options.mpiexec.split(), "-n", str(ranks), *map(str, command)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            start_new_session=True)


def run(options, ranks, *command):
    """The status, and what was said on standard error."""
    job = start(options, ranks, *command)
    try:
        said = job.communicate(timeout=PATIENCE)[1].decode()
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        return -1, "does not end"
    return job.returncode, said


def ranks_of(job, name):
    """The processes of a job that run a program of this name: launchers have sessions as they like."""
    parents, found = {job.pid}, []
    table = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (path / "stat").read_text()
            words = text[text.rfind(")") + 2 :].split()
            table.append((int(path.name), int(words[1]), text[text.find("(") + 1 : text.rfind(")")]))
    for pid, parent, title in sorted(table):
        if parent in parents:
            parents.add(pid)
            if title == name[:15]:
                found.append(pid)
    return found


def contents(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def one_round(options, chance, work, whole, seconds):
    result, ranks, merge = work / "one.h5", chance.choice((1, 2, 3, 4)), (options.collio, "merge", work / "run", "-o")
    job = start(options, ranks, *merge, result)
    name, until = pathlib.Path(options.collio).name, time.monotonic() + PATIENCE
    processes = []
    while len(processes) < ranks and job.poll() is None and time.monotonic() < until:
        processes = ranks_of(job, name)
    time.sleep(chance.uniform(0.0, seconds))
    victim = chance.choice(processes) if processes else 0
    hit = job.poll() is None and victim
    if hit:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    try:
        job.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        return hit, False, "hangs"
    there = result.exists()
    if there and result.read_bytes() != whole:
        return hit, False, "the result is there, and it is another"
    again = chance.choice((1, 2, 3))
    status, said = run(options, again, *merge, result)
    good = status == 0 and result.exists() and result.read_bytes() == whole
    left = [path.name for path in work.glob(".part-*")]
    result.unlink(missing_ok=True)
    return hit, good and not left, (f"{'killed' if hit else 'over before'} on {ranks}, result {'there' if there else 'not there'}, "
                                    f"then {status} on {again} {said.strip()} {left or ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--saver", default="tests/campaign/saver")
    parser.add_argument("--collio", default="bindings/cli/collio")
    parser.add_argument("--mpiexec", default=os.environ.get("MPIEXEC", "mpiexec"))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rows", type=int, default=3000)
    options = parser.parse_args()
    options.saver, options.collio = (str(pathlib.Path(path).resolve()) for path in (options.saver, options.collio))
    chance, kills, all_good = random.Random(options.seed), 0, True
    print(f"# seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="collio-merge-") as directory:
        work = pathlib.Path(directory)
        run(options, 3, options.saver, work / "run", work / "log", 1, options.rows, "per-rank")
        begun = time.monotonic()
        status, said = run(options, 2, options.collio, "merge", work / "run", "-o", work / "whole.h5")
        seconds = time.monotonic() - begun
        print(f"{'ok' if status == 0 else 'not ok'} 1 - merged in {seconds:.2f} s {said.strip()}")
        whole, source = (work / "whole.h5").read_bytes() if status == 0 else b"", contents(work / "run")
        for number in range(2, options.kills + 2):
            hit, good, text = one_round(options, chance, work, whole, seconds)
            kills += bool(hit)
            all_good &= good
            print(f"{'ok' if good else 'not ok'} {number} - {text}", flush=True)
        same = contents(work / "run") == source
        print(f"{'ok' if same else 'not ok'} {options.kills + 2} - {kills} kills; the source is as it was")
    print(f"1..{options.kills + 2}")
    return 0 if all_good and same and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
