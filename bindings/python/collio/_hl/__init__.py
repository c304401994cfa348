"""The modules of h5py's classes, for programs that import from them."""

from .. import _collio  # the extension comes before what it takes over
