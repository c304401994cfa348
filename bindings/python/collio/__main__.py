"""python -m collio [--version | --config] script.py | directory | archive.zip | -m module | -c code | -  [argument ...]

Runs a script, or what comes by the standard input (-), so that an unhandled exception, or a non-zero exit, on one rank
ends all ranks.

  --version   collio's version
  --config    versions of what collio is built with, and where it is
"""

import os
import runpy
import sys


def main():
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if arguments else 2
    if arguments[0] in ("--version", "--config"):
        _tell(arguments[0])
        return 0

    from collio import MPI, hook, rc

    rc.abort_on_exception = True
    try:
        _run(arguments)
    except SystemExit as leaving:
        if leaving.code not in (None, 0) and MPI.COMM_WORLD.size > 1:
            hook.leave(MPI, _status(leaving.code))
        raise
    return 0


def _tell(what):
    import collio

    if what == "--version":
        print("collio", collio.__version__)
        return
    from collio import rc

    rc.initialize = False  # asking is for login nodes, too
    from collio import MPI, version

    print(version.info.rstrip())
    print("MPI    ", MPI.Get_library_version().splitlines()[0].strip())
    print("collio is in", collio.__path__[0])


def _run(arguments):
    """A script, a module or code, each as Python itself would run it."""
    if arguments[0] == "-m" and len(arguments) > 1:
        sys.argv[:] = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c" and len(arguments) > 1:
        sys.argv[:] = ["-c", *arguments[2:]]
        _search("")
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    elif arguments[0] == "-":
        sys.argv[:] = arguments
        _search("")
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv[:] = arguments
        if os.path.isfile(sys.argv[0]):  # modules that lie beside a script are found
            _search(os.path.dirname(os.path.realpath(sys.argv[0])))
        runpy.run_path(sys.argv[0], run_name="__main__")


def _search(place):
    """Look for modules there first, where Python put the place of this program."""
    if not sys.flags.safe_path:
        sys.path[0] = place


def _status(code):
    """An exit status as Python makes it: a text is printed, and stands for 1."""
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
