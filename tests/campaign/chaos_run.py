"""The ranks of chaos.py: they run random programs, and say what went wrong.

    mpiexec -n N python3 chaos_run.py DIRECTORY SEED FIRST COUNT [KIND]
"""

import os
import signal
import sys
import traceback

from chaos_calls import comm, rank
from chaos_leave import Left
from chaos_program import Program
from collio import MPI


def run(program):
    try:
        program.run()
    except MPI.Exception:
        if program.kind == "fault":  # one of this program's own messages
            comm.Abort(2)
        raise
    except Left:  # as it should
        raise
    except Exception:
        program.calls.problem(traceback.format_exc())
        program.calls.keep(program.calls.problems, rank)
        raise


def report(calls):
    """Leave word of what was wrong on any rank."""
    problems = comm.allgather(calls.problems)
    if rank == 0:
        calls.keep([f"rank {r}: {text}" for r, found in enumerate(problems) for text in found], "all")
    calls.log.close()


def main():
    directory, seed, first, count = sys.argv[1:5]
    kind = sys.argv[5] if len(sys.argv) > 5 else ""
    os.chdir(directory)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for number in range(int(first), int(first) + int(count)):
        program = Program(seed, number, kind)
        run(program)
        report(program.calls)
        del program
    comm.Barrier()


main()
