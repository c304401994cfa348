"""Settings of the package: ``collio.rc``."""

import atexit
import os
import sys

# Read when MPI is initialized; setting them later has no effect.
_AT_START = ("initialize", "threads", "thread_level", "finalize")


class Settings:
    """How collio behaves in this process; set it before ``from collio import MPI``.

    initialize          initialize MPI when ``collio.MPI`` is imported (True)
    threads             ask for support of threads (True)
    thread_level        which: "multiple", "serialized", "funneled" or "single"
    finalize            finalize MPI at exit; None: if it was initialized here
    errors              "exception": MPI errors become exceptions; "abort" or
                        "fatal": they end the processes of the communicator, or
                        all; "default": handlers are as MPI sets them
    gil                 "auto": keep the interpreter lock in messages and waits
                        while Python has no second thread; "release": never,
                        for threads of other languages that call Python
    abort_on_exception  an unhandled exception ends all ranks; None: when there
                        are several and the session is not interactive
    timeout             seconds until a collective call gives up; None: 600, or
                        the environment variable COLLIO_TIMEOUT
    patience            seconds until a notice says who is missing; None: 30, or
                        COLLIO_PATIENCE
    log                 print notices on the standard error (True)
    report_leaks        tell at exit, on the standard error, which communicators, windows,
                        files and sessions made from then on were never freed, and where
                        they were made (False)
    fast_reduce, recv_mprobe, irecv_bufsz
                        accepted for mpi4py's sake; what they choose between is alike here:
                        objects are always reduced in the order of the ranks, received by
                        matched probes, and of any size
    """

    def __init__(self):
        self.__dict__.update(
            initialize=True,
            threads=True,
            thread_level="multiple",
            finalize=None,
            errors="exception",
            gil="auto",
            abort_on_exception=None,
            timeout=None,
            patience=None,
            log=True,
            report_leaks=False,
            fast_reduce=True,
            recv_mprobe=True,
            irecv_bufsz=32768,
        )

    def __setattr__(self, name, value):
        if name not in self.__dict__:
            raise TypeError(f"collio.rc has no setting {name!r}")
        _check(name, value)
        self.__dict__[name] = value
        extension = sys.modules.get("collio._collio")
        if extension is not None and name not in _AT_START:
            extension._option(name, value)

    def __call__(self, **settings):
        for name, value in settings.items():
            setattr(self, name, value)

    def __repr__(self):
        inner = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"collio.rc({inner})"


_ALLOWED = {
    "thread_level": ("multiple", "serialized", "funneled", "single"),
    "errors": ("exception", "default", "abort", "fatal"),
    "gil": ("auto", "release"),
}


def _check(name, value):
    allowed = _ALLOWED.get(name)
    if allowed is not None and value not in allowed:
        raise ValueError(f"collio.rc.{name} is one of {', '.join(map(repr, allowed))}, not {value!r}")


def _report_leaks(rc, extension):
    """Only all ranks together could free these, so no destructor did."""
    left = extension._leaks() if rc.report_leaks else []
    if left:
        rank = extension.COMM_WORLD.rank if extension.Is_initialized() and not extension.Is_finalized() else "?"
        lines = [f"collio: rank {rank}: {name} made at {file}:{line} was never freed" for name, file, line in left]
        print(*lines, sep="\n", file=sys.stderr, flush=True)


def start(rc, extension):
    """Bring the settings into force, and MPI up if it is wanted."""
    for name, value in vars(rc).items():
        if name not in _AT_START:
            extension._option(name, value)
    atexit.register(extension._settle)
    atexit.register(_report_leaks, rc, extension)
    if rc.initialize:
        level = rc.thread_level if rc.threads else "single"
        extension._start(getattr(extension, "THREAD_" + level.upper()), rc.finalize)
        _warn_of_other_launcher(extension)


# What launchers put into the environment, by the MPI they belong to.
_LAUNCHERS = {
    "MPICH": ("PMI_SIZE",),
    "Open MPI": ("OMPI_COMM_WORLD_SIZE",),
}


def _warn_of_other_launcher(extension):
    """Every process of a job started by another MPI's launcher believes it is alone."""
    if extension.COMM_WORLD.size != 1:
        return
    library = extension.Get_library_version()
    for vendor, variables in _LAUNCHERS.items():
        ours = vendor.lower().replace(" ", "") in library.lower().replace(" ", "")
        sizes = [os.environ.get(name, "1") for name in variables]
        if not ours and any(size.isdigit() and int(size) > 1 for size in sizes):
            import warnings

            warnings.warn(
                f"started by the launcher of {vendor}, but collio was built with "
                f"{library.splitlines()[0]!r}: every process is alone; use the mpiexec of that MPI",
                RuntimeWarning,
                stacklevel=3,
            )
