"""Damage files at random and read them: nothing may crash or hang.

    python3 tests/campaign/fuzz.py READER SEED-FILE... [--rounds N] [--from SEED]

READER is tests/campaign/reader of a build, best of one with the sanitizers (make check-asan builds it
in asan/). Each round damages a copy of each file and has READER read it. Files that bring READER
down are kept as crash-*.h5; the exit status is their number, at most 100.
"""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

BATCH = 40


def damage(content, chance):
    """A copy with some bytes changed, or cut off."""
    kind = chance.randrange(8)
    if kind == 7:
        return content[: chance.randrange(len(content))]
    result = bytearray(content)
    # Structure is small, elements are many: half of the damage goes to the first bytes.
    reach = len(result) if kind % 2 else min(len(result), 4096)
    for _ in range(chance.choice((1, 1, 2, 8))):
        result[chance.randrange(reach)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(result)


def read(reader, files):
    """Those of the files that bring the reader down, with what it said."""
    bad, left = [], list(files)
    while left:
        try:
            run = subprocess.run([reader, *left], capture_output=True, text=True, timeout=60 + len(left))
        except subprocess.TimeoutExpired as late:
            run = subprocess.CompletedProcess([], -1, (late.stdout or b"").decode(), "does not end")
        done = run.stdout.count("\n")
        if run.returncode == 0:
            break
        bad.append((left[min(done, len(left) - 1)], run.stderr[-2000:]))
        left = left[done + 1 :]
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reader")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--from", dest="start", type=int, default=0)
    options = parser.parse_args()
    contents = {pathlib.Path(f).name: pathlib.Path(f).read_bytes() for f in options.files}
    crashes = 0
    with tempfile.TemporaryDirectory() as directory:
        batch = []
        for number in range(options.start, options.start + options.rounds):
            for name, content in contents.items():
                path = pathlib.Path(directory, f"{number}-{name}")
                path.write_bytes(damage(content, random.Random(f"{number} {name}")))
                batch.append(path)
            if len(batch) < BATCH and number + 1 < options.start + options.rounds:
                continue
            for path, words in read(options.reader, batch):
                crashes += 1
                pathlib.Path(f"crash-{path.name}").write_bytes(path.read_bytes())
                print(f"crash-{path.name}: {words}", flush=True)
            for path in batch:
                path.unlink()
            batch = []
    print(f"{options.rounds * len(contents)} damaged files, {crashes} crashes")
    return min(crashes, 100)


sys.exit(main())
