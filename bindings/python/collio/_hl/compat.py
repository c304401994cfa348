"""Names of files."""

import os


def filename_encode(filename):
    """As HDF5 wants it: bytes."""
    return os.fsencode(os.fspath(filename))


def filename_decode(filename):
    """As Python has it: str."""
    return os.fsdecode(filename)
