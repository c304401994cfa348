"""h5py's lock around its calls, for programs that take it; collio has its own."""

import functools
import threading

phil = threading.RLock()


def with_phil(func):
    """Call a function with the lock held."""

    @functools.wraps(func)
    def wrapper(*args, **keywords):
        with phil:
            return func(*args, **keywords)

    return wrapper
