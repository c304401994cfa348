"""References to objects of a file, and to parts of its datasets."""

import numpy as np


class Reference:
    """Stands for an object of the file that it was made in: file[reference] opens it.

    ``obj.ref`` makes one; it can be kept in datasets and attributes of dtype ``ref_dtype``, also as
    a field of structs. One of zeros refers to nothing, and is false.
    """

    __slots__ = ("_bytes",)
    _size = 8

    def __init__(self, bytes=None):
        self._bytes = b"\0" * self._size if bytes is None else bytes

    @property
    def typesize(self):
        """Bytes of one."""
        return self._size

    @property
    def typecode(self):
        """0 for objects, 1 for regions."""
        return int(self._size != Reference._size)

    def __bool__(self):
        return any(self._bytes)

    def __eq__(self, other):
        return type(self) is type(other) and self._bytes == other._bytes

    def __hash__(self):
        return hash(self._bytes)

    def __repr__(self):
        return "<HDF5 object reference>" if self else "<HDF5 object reference (null)>"


class RegionReference(Reference):
    """Stands for a part of a dataset: file[reference] opens the dataset, dataset[reference] reads
    the part. ``dataset.regionref[index]`` makes one."""

    __slots__ = ()
    _size = 12

    def __repr__(self):
        return "<HDF5 region reference>" if self else "<HDF5 region reference (null)>"


ref_dtype = np.dtype("O", metadata={"ref": Reference})
regionref_dtype = np.dtype("O", metadata={"ref": RegionReference})


def check_ref_dtype(dt):
    """Reference or RegionReference for a dtype of such elements; None for others.

    Not collective.
    """
    return (getattr(dt, "metadata", None) or {}).get("ref")


def dtype_for(kind):
    """The dtype of references of a class."""
    return regionref_dtype if kind is RegionReference else ref_dtype


class RegionProxy:
    """What ``dataset.regionref`` gives."""

    def __init__(self, of):
        self._of = of

    def __getitem__(self, index):
        """A reference to a part, the same on all ranks. Collective."""
        if not hasattr(self._of, "_region"):
            raise TypeError("Region references can only be made to datasets")
        return RegionReference(self._of._region(index))

    def shape(self, ref):
        """Extents of the dataset that a reference leads to. Not collective."""
        return self._of._opened(ref).shape

    def selection(self, ref):
        """Extents of the part. Not collective."""
        return self._of._region_shape(ref)
