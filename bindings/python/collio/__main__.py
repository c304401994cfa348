"""python -m collio [option ...] script.py | directory | archive.zip | -m module | -c code | -  [argument ...]

Runs a script, or what comes by the standard input (-), so that an unhandled exception, or a non-zero exit, on one rank
ends all ranks.

  -rc key=value,...    set collio.rc.key before MPI is initialized; may be repeated
  --version            collio's version
  --config             versions of what collio is built with, and where it is
  --prefix             where collio is installed
  --mpi-library        the file of the MPI library in use
  --mpi-std-version    the version of the MPI standard
  --mpi-lib-version    what the MPI library says of itself
  -h, --help           this text
"""

import ast
import os
import runpy
import sys

_QUESTIONS = ("--version", "--config", "--prefix", "--mpi-library", "--mpi-std-version", "--mpi-lib-version")


def main():
    arguments = sys.argv[1:]
    settings = {}
    while arguments and arguments[0].startswith("-") and arguments[0] not in ("-m", "-c", "-"):
        option = arguments.pop(0)
        if option.lstrip("-") in ("h", "help"):
            print(__doc__)
            return 0
        if "-" + option.lstrip("-") in [question[1:] for question in _QUESTIONS]:
            _tell("--" + option.lstrip("-"))
            return 0
        if option.startswith("--rc="):
            option, _, given = option.partition("=")
            arguments.insert(0, given)
        if option.lstrip("-") != "rc":
            return _refuse(f"unknown option {option}")
        if not arguments or arguments[0].startswith("-"):
            return _refuse(f"{option} needs key=value,...")
        if not _read_settings(arguments.pop(0), settings):
            return _refuse(f"{option}: expecting key=value,...")
    if not arguments:
        return _refuse("nothing to run")
    if arguments[0] in ("-m", "-c") and len(arguments) < 2:
        return _refuse(f"{arguments[0]} needs an argument")
    return _run_guarded(arguments, settings)


def _refuse(why):
    print(f"python -m collio: {why}", __doc__.splitlines()[0], "Try python -m collio --help", sep="\n", file=sys.stderr)
    return 1


def _read_settings(text, settings):
    """key=value,... with values as Python writes them, or else as texts."""
    for entry in text.split(","):
        key, _, value = entry.partition("=")
        if not key or not value:
            return False
        try:
            settings[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            settings[key] = value
    return True


def _run_guarded(arguments, settings):
    from collio import rc

    rc(**settings)
    from collio import MPI, hook

    rc.abort_on_exception = settings.get("abort_on_exception", True)
    try:
        _run(arguments)
    except SystemExit as leaving:
        running = MPI.Is_initialized() and not MPI.Is_finalized()
        if leaving.code not in (None, 0) and running and MPI.COMM_WORLD.size > 1:
            hook.leave(MPI, _status(leaving.code))
        raise
    return 0


def _tell(what):
    import collio

    if what == "--version":
        print("collio", collio.__version__)
        return
    if what == "--prefix":
        print(collio.__path__[0])
        return
    from collio import rc

    rc.initialize = False  # asking is for login nodes, too
    from collio import MPI, version

    answers = {
        "--mpi-library": _library_file,
        "--mpi-std-version": lambda: "MPI " + ".".join(map(str, MPI.Get_version())),
        "--mpi-lib-version": MPI.Get_library_version,
    }
    if what in answers:
        print(answers[what]())
        return
    print(version.info.rstrip())
    print("MPI    ", MPI.Get_library_version().splitlines()[0].strip())
    print("collio is in", collio.__path__[0])


def _library_file():
    """The file that holds MPI_Init, as the extension found it."""
    import ctypes

    from collio import _collio

    class Place(ctypes.Structure):
        _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p), ("name", ctypes.c_char_p), ("at", ctypes.c_void_p)]

    place = Place()
    function = ctypes.CDLL(_collio.__file__).MPI_Init
    if not ctypes.CDLL(None).dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(place)):
        return "unknown"
    return os.fsdecode(place.file)


def _run(arguments):
    """A script, a module or code, each as Python itself would run it."""
    if arguments[0] == "-m":
        sys.argv[:] = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
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
