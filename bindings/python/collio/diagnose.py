"""Does the environment hold together? ``collio.doctor()``, and a glance when MPI is started."""

import os
import sys
from collections import namedtuple

_SIGNS = {"failure": "FAILURE", "warning": "warning", "note": "note", "fine": "ok", "skipped": "-"}
_spoken = False


class Finding(namedtuple("Finding", "id level rank subject why what mend evidence")):
    """What one check of the doctor found.

    level  "fine", "note", "warning", "failure", or "skipped"
    rank   the rank this was found on; -1: all of them, or stage one
    """

    __slots__ = ()

    def __str__(self):
        text = f"{_SIGNS[self.level]} {self.id}  {self.subject}\n"
        parts = ("what", self.what), ("why it matters", self.why), ("mend", self.mend), ("evidence", self.evidence)
        for heading, lines in parts:
            for line in lines.splitlines():
                text += f"  {heading:14}: {line}\n"
                heading = ""
        return text


def _mpi4py():
    module = sys.modules.get("mpi4py.MPI")
    if module is None:
        return {}
    return {
        "mpi4py.comm_size": str(module._sizeof(module.Comm)),
        "mpi4py.library": module.Get_library_version(),
    }


def _facts(extension, rc):
    """What only Python knows; the names are those of io/doctor_python.c."""
    python, numpy, _, *interface = extension._built()
    facts = {
        "python.executable": sys.executable,
        "python.version": ".".join(map(str, sys.version_info[:3])),
        "python.built": python,
        "python.prefix": sys.prefix,
        "python.base_prefix": sys.base_prefix,
        "python.user_site": getattr(sys.modules.get("site"), "USER_SITE", None),
        "numpy.built": numpy,
        "numpy.version": getattr(sys.modules.get("numpy"), "__version__", None),
        **dict(zip(("numpy.abi_built", "numpy.api_built", "numpy.abi", "numpy.api"), map(hex, interface))),
        "mpi.thread_level": rc.thread_level if rc.threads else "single",
        **_mpi4py(),
    }
    for name in ("collio", "mpi4py", "h5py", "numpy"):
        facts[f"{name}.file"] = getattr(sys.modules.get(name), "__file__", None)
    return {name: value for name, value in facts.items() if value}


def doctor(directory=".", *, comm=None, offline=False):
    """Examine what MPI, HDF5, Python and the file system are, and how they fit together.

    Returns a list of findings, one for each check: ``id``, ``level`` ("fine",
    "note", "warning", "failure", "skipped"), ``what``, ``why``, ``mend``,
    ``evidence``; ``print(finding)`` shows all of it. MPI is not started.

    directory  where files are to be written; small ones are, and removed
    comm       a communicator: its ranks are compared, and the findings are the
               same on all of them. Collective over it if given
    offline    start no other programs (h5pcc, mpiexec, python3)
    """
    from . import _collio, rc

    found = _collio._doctor(os.fspath(directory), _facts(_collio, rc), bool(offline), comm)
    return [Finding(*finding) for finding in found]


def glance(extension):
    """Say on the standard error what is broken, if something is; once, and one process speaks.

    Before MPI is started, because what is broken may not survive that; and after
    it, because only then the size of the world shows.
    Raises ImportError where MPI cannot be called at all: collio was built for
    another one than is loaded.
    """
    global _spoken
    found = None if _spoken else extension._glance()
    if found is None:
        return
    _spoken = True
    if found[0] == "E04":
        raise ImportError(f"collio cannot be used here\n{Finding(*found)}")
    if extension._built()[2] <= 0:
        sys.stderr.write(f"collio: {Finding(*found)}  (collio doctor tells more; COLLIO_DOCTOR=0 silences this)\n")


def explain(error):
    """Add to an ImportError of the extension what may help."""
    path = os.environ.get("LD_LIBRARY_PATH", "not set")
    if "cannot open shared object file" in str(error):
        error.add_note(
            "E01: a library that collio was built with is not found. Load the modules of its MPI and HDF5 "
            f"(module load ...), or add their directories to LD_LIBRARY_PATH (now: {path})."
        )
    elif "numpy" in str(error).lower():
        version = getattr(sys.modules.get("numpy"), "__version__", "not installed")
        error.add_note(
            f"E31: collio was built for another NumPy than this one ({version}, {sys.executable}). "
            "Rebuild collio with it, or install the one that collio was built with."
        )
