"""What h5py has for people who type: nothing here is collective."""

import sys


def enable_ipython_completer():
    """IPython completes names in groups and attributes by itself: it asks them. Not collective."""
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        raise RuntimeError("Completer must be enabled in active ipython session")


def run_tests(tests="", verbosity=0):
    """Tests are no part of the package. Not collective."""
    raise NotImplementedError("collio's tests are not installed: run 'make check' where it was built")
