"""Where HDF5 looks for plugins, by h5py's names. Not collective: set it alike on all ranks, before files
with filters of plugins are opened."""

from ._collio import _plugins


def _bytes(path):
    if not isinstance(path, bytes):
        raise TypeError(f"expected bytes, {type(path).__name__} found")
    return path


def append(search_path):
    """Look there last."""
    _plugins("append", _bytes(search_path), 0)


def prepend(search_path):
    """Look there first."""
    _plugins("prepend", _bytes(search_path), 0)


def insert(search_path, index):
    """Look there at a place in the order."""
    _plugins("insert", _bytes(search_path), index)


def replace(search_path, index):
    """Look there instead of what is at a place in the order."""
    _plugins("replace", _bytes(search_path), index)


def remove(index):
    """Do not look any more at what is at a place in the order."""
    _plugins("remove", b"", index)


def get(index):
    """What is at a place in the order, as bytes."""
    return _plugins("get", b"", index)


def size():
    """How many places there are."""
    return _plugins("size", b"", 0)
