"""python -m collio [--version] script.py [argument ...]

Runs a script so that an unhandled exception, or a non-zero exit, on one rank
ends all ranks.
"""

import runpy
import sys


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    if sys.argv[1] == "--version":
        import collio

        print("collio", collio.__version__)
        return 0
    del sys.argv[0]

    from collio import MPI, rc

    rc.abort_on_exception = True
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as leaving:
        if leaving.code not in (None, 0) and MPI.COMM_WORLD.size > 1:
            _leave(leaving.code, MPI)
        raise
    return 0


def _leave(code, MPI):
    """A rank that exits with an error takes the others along: they would wait for it."""
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    MPI.COMM_WORLD.Abort(code)


if __name__ == "__main__":
    sys.exit(main())
