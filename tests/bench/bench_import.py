"""What the import of the messaging layer costs: seconds, and files opened or looked for, beside
mpi4py where it is installed.

    PYTHONPATH=bindings/python/lib python3 tests/bench/bench_import.py
"""

import subprocess
import sys
import time

ROUNDS = 11

PROGRAMS = {
    "python alone": "pass",
    "numpy": "import numpy",
    "collio": "import collio",
    "collio.MPI": "from collio import MPI",
    "mpi4py.MPI": "from mpi4py import MPI",
    "mpi4py.MPI and numpy": "import numpy; from mpi4py import MPI",
}

# Files that Python opens, as its own audit events tell; then the libraries that were mapped.
COUNT = """
import sys
opened = set()
sys.addaudithook(lambda event, args: opened.add(str(args[0])) if event == "open" else None)
{program}
maps = {{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}}
print(len(opened), len(maps), len(sys.modules))
"""


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def seconds(program):
    start = time.perf_counter()
    run(program)
    return time.perf_counter() - start


def main():
    found = {name: program for name, program in PROGRAMS.items() if run(program).returncode == 0}
    times = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, program in found.items():
            times[name].append(seconds(program))
    print(f"{'':22}{'ms, median':>12}{'files':>8}{'libraries':>11}{'modules':>9}")
    for name, program in found.items():
        files, libraries, modules = run(COUNT.format(program=program)).stdout.split()[:3]
        median = sorted(times[name])[ROUNDS // 2]
        print(f"{name:22}{median * 1e3:12.1f}{files:>8}{libraries:>11}{modules:>9}")


if __name__ == "__main__":
    main()
