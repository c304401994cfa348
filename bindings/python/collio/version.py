"""Versions, under the names of ``h5py.version``; ``version`` itself is collio's."""

import sys
from typing import NamedTuple

import numpy

from . import _collio
from . import __version__ as version


class _Version(NamedTuple):
    major: int
    minor: int
    bugfix: int
    pre: str | None = None
    post: int | None = None
    dev: int | None = None


version_tuple = _Version(*(int(part) for part in version.split(".")))
hdf5_version_tuple, hdf5_built_version_tuple = _collio._hdf5_versions()
hdf5_version = ".".join(map(str, hdf5_version_tuple))
api_version_tuple = (1, 8)
api_version = "1.8"

info = f"""\
collio  {version}
HDF5    {hdf5_version} (built against {".".join(map(str, hdf5_built_version_tuple))})
Python  {sys.version}
numpy   {numpy.__version__}
sys.platform    {sys.platform}
sys.maxsize     {sys.maxsize}
"""
