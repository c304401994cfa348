"""Print what configure must know of this Python, as shell assignments; fail with one line why not."""

import sys
import sysconfig
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(f"Python {sys.version.split()[0]} is older than 3.11")

include = sysconfig.get_path("include")
if not Path(include, "Python.h").exists():
    sys.exit(f"no Python.h in {include}")

try:
    import numpy
except ImportError:
    sys.exit("NumPy is not installed")
if tuple(map(int, numpy.__version__.split(".")[:2])) < (1, 24):
    sys.exit(f"NumPy {numpy.__version__} is older than 1.24")


def install_dir() -> str:
    """Where packages of this Python go, relative to a prefix.

    Debian's Python searches dist-packages, and below /usr/local for what the
    administrator installs; sysconfig knows.
    """
    base = sysconfig.get_config_var("base") or sys.prefix
    path = sysconfig.get_path("platlib")
    return path.replace(base, "", 1).replace("/local/", "/", 1).lstrip("/")


print(f'PYTHON_VERSION="{sys.version.split()[0]}"')
print(f'NUMPY_VERSION="{numpy.__version__}"')
# NumPy first: Debian has the headers of its own NumPy in Python's directory, too.
print(f'PYTHON_CFLAGS="-I{numpy.get_include()} -I{include}"')
print(f'PYTHON_SUFFIX="{sysconfig.get_config_var("EXT_SUFFIX")}"')
print(f"pyexecdir='${{prefix}}/{install_dir()}'")
