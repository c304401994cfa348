"""Parallel programs in Python: MPI messages, and collective HDF5 files with a guarantee.

``from collio import MPI`` is the messaging layer, with the names of mpi4py.
``collio.File`` and ``collio.Checkpoint`` store data; they come when first used.
Importing ``collio`` alone does not initialize MPI: only ``collio.MPI``, and
what needs it, do.
"""

import importlib

from .settings import Settings

__version__ = "0.1.0"

rc = Settings()

# Names that need MPI running, and those that only need the extension.
_RUNNING = ("File", "Group", "Dataset", "Datatype", "Attributes", "Checkpoint", "State", "SaveRequest", "Transfer",
            "View", "merge")
_LOADED = (
    "Part",
    "PerRank",
    "CollectiveError",
    "CollectiveTimeout",
    "DamageError",
    "NoCheckpointError",
)

# Names of modules of Python alone, and their other names here.
_PLAIN = {
    "Decomposition": "decomposition",
    "doctor": "diagnose",
    "HardLink": "links",
    "SoftLink": "links",
    "ExternalLink": "links",
    "get_config": "config",
    "is_hdf5": "config",
    "enable_ipython_completer": "interactive",
    "run_tests": "interactive",
    "MultiBlockSlice": "_select",
    "Empty": "_types",
    "string_dtype": "_types",
    "vlen_dtype": "_types",
    "enum_dtype": "_types",
    "opaque_dtype": "_types",
    "special_dtype": "_types",
    "check_string_dtype": "_types",
    "check_vlen_dtype": "_types",
    "check_enum_dtype": "_types",
    "check_opaque_dtype": "_types",
    "check_dtype": "_types",
    "registered_drivers": "drivers",
    "register_driver": "drivers",
    "unregister_driver": "drivers",
    "VirtualLayout": "virtual",
    "VirtualSource": "virtual",
    "Reference": "references",
    "RegionReference": "references",
    "check_ref_dtype": "references",
    "check_complex_dtype": "_types",
    "complex_compat_dtype": "_types",
}
# Values, not classes and functions.
_VALUES = {"ref_dtype": "references", "regionref_dtype": "references", "UNLIMITED": "_storage"}
# Modules under h5py's names.
_MODULES = ("MPI", "version", "h5", "h5a", "h5ac", "h5d", "h5ds", "h5f", "h5fd", "h5g", "h5i", "h5l", "h5o", "h5p",
            "h5pl", "h5py_warnings", "h5r", "h5s", "h5t", "h5z", "_hl")
_ALIASES = {"AttributeManager": "Attributes"}

__all__ = ["MPI", "rc", *_PLAIN, *_RUNNING, *_LOADED]


def __getattr__(name):
    name = _ALIASES.get(name, name)
    if name == "HLObject":
        return __getattr__("Dataset").__mro__[1]
    if name in _MODULES:
        return importlib.import_module("." + name, __name__)
    if name == "filters":
        return importlib.import_module("._hl.filters", __name__)
    home = _PLAIN.get(name) or _VALUES.get(name)
    if home:
        return getattr(importlib.import_module("." + home, __name__), name)
    if name in _RUNNING:
        importlib.import_module(".MPI", __name__)
    elif name not in _LOADED:
        raise AttributeError(f"module 'collio' has no attribute {name!r}")
    table = importlib.import_module("._collio", __name__)._io
    if name not in table:
        raise AttributeError(f"module 'collio' has no attribute {name!r}")
    return table[name]


def __dir__():
    return sorted({*globals(), *__all__})
