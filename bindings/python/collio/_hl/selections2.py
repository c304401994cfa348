"""What is read of datasets of one element."""

import numpy as np

from .. import h5s

__all__ = ["ScalarReadSelection", "read_dtypes", "select_read"]


def read_dtypes(dataset_dtype, names):
    """(dtype to read, dtype of the result) for fields of structs."""
    if not names:
        return dataset_dtype, dataset_dtype
    if dataset_dtype.names is None:
        raise ValueError("Field names only allowed for compound types")
    if any(name not in dataset_dtype.names for name in names):
        raise ValueError("Field does not appear in this type.")
    read = np.dtype([(name, dataset_dtype.fields[name][0]) for name in names])
    return read, read[names[0]] if len(names) == 1 else read


class ScalarReadSelection:
    """Of () or Ellipsis the one element: iterates over (space in the file, in memory)."""

    def __init__(self, fspace, args):
        if args not in ((), (Ellipsis,)):
            raise ValueError("Illegal slicing argument for scalar dataspace")
        self.mshape = None if args == () else ()
        self.mspace = h5s.create(h5s.SCALAR)
        self.fspace = fspace

    def __iter__(self):
        self.mspace.select_all()
        yield self.fspace, self.mspace


def select_read(fspace, args):
    """The same for a space, which has to be that of one element."""
    if fspace.shape == ():
        return ScalarReadSelection(fspace, args)
    raise NotImplementedError()
