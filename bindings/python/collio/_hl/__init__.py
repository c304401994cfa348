"""The modules of h5py's classes, for programs that import from them."""

import importlib

from .. import _collio  # the extension comes before what it takes over

_MODULES = ("attrs", "base", "compat", "dataset", "datatype", "dims", "files", "filters", "group", "selections",
            "selections2", "vds")


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("." + name, __name__)
