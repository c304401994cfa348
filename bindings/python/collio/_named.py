"""What the modules of h5py's low-level names have in common."""

import os


def text(name):
    """A name, which those functions take as bytes."""
    if name is None:
        return None
    if not isinstance(name, bytes):
        raise TypeError(f"expected bytes, {type(name).__name__} found")
    return name.decode("utf-8", "surrogateescape")


def path(name):
    """The name of a file."""
    return os.fsdecode(name)


def raw(name):
    """The inverse of text()."""
    return name.encode("utf-8", "surrogateescape")


def below(loc, name=None):
    """The object itself, or one of its group."""
    return loc._of if name is None or name == b"." else loc._of[text(name)]


def first(results):
    """The first one that is not None."""
    return next((found for found in results if found is not None), None)
