"""An unhandled exception on one rank of several ends the job after its traceback.

Otherwise the others would wait for ever for a rank that is gone.
"""

import sys
import threading
import time


def _wanted(rc, extension):
    if rc.abort_on_exception is not None:
        return bool(rc.abort_on_exception)
    interactive = hasattr(sys, "ps1") or sys.flags.interactive
    return not interactive and extension.COMM_WORLD.size > 1


def _running(extension):
    return extension.Is_initialized() and not extension.Is_finalized()


def leave(extension, code):
    """End all ranks, once what was printed is out.

    Launchers drop what they have not read from the pipes when a job is aborted
    (a traceback in four with MPICH's), so they are given a moment.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    time.sleep(0.2)
    extension.COMM_WORLD.Abort(code)


def install(rc, extension):
    """Wrap the hooks that print unhandled exceptions of the main and other threads."""
    previous, previous_in_thread = sys.excepthook, threading.excepthook

    def end_job(print_traceback, exc_type):
        if not _running(extension) or not _wanted(rc, extension):
            print_traceback()
            return
        rank = extension.COMM_WORLD.rank
        print(f"collio: unhandled exception on rank {rank}, the job ends", file=sys.stderr)
        print_traceback()
        leave(extension, 130 if issubclass(exc_type, KeyboardInterrupt) else 1)

    def hook(exc_type, value, traceback):
        end_job(lambda: previous(exc_type, value, traceback), exc_type)

    def hook_in_thread(args):
        end_job(lambda: previous_in_thread(args), args.exc_type)

    sys.excepthook = hook
    threading.excepthook = hook_in_thread
