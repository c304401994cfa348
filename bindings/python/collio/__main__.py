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

    from collio import MPI, hook, rc

    rc.abort_on_exception = True
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as leaving:
        if leaving.code not in (None, 0) and MPI.COMM_WORLD.size > 1:
            hook.leave(MPI, _status(leaving.code))
        raise
    return 0


def _status(code):
    """An exit status as Python makes it: a text is printed, and stands for 1."""
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
