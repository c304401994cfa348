"""The warnings of h5py, for programs that filter them."""


class H5pyWarning(UserWarning):
    """Any of them."""


class H5pyDeprecationWarning(H5pyWarning):
    """Something will not be there for ever."""
