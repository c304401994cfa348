"""Types and spaces as bytes, for h5t.encode() and the like: pickles that can hold nothing else.

HDF5's own form is not used, as these are records of Python's. The bytes may come from anywhere, so what
they may refer to is listed.
"""

import io
import pickle

_KNOWN = {"builtins": ("str", "bytes"), "numpy": ("dtype", "ndarray"), "collio.references": ("Reference", "RegionReference"),
          "numpy._core.multiarray": ("_reconstruct",), "numpy.core.multiarray": ("_reconstruct",),
          "numpy._core.numeric": ("_frombuffer",), "numpy.core.numeric": ("_frombuffer",)}


class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if name not in _KNOWN.get(module, ()):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of it")
        return super().find_class(module, name)


def dumps(what, value):
    """The bytes of a value; `what` it is stands at their beginning."""
    return b"collio %s\0%s" % (what.encode(), pickle.dumps(value))


def loads(what, buf):
    """The value again. RuntimeError if the bytes are not those of one."""
    head, mark, rest = bytes(buf).partition(b"\0")
    if head + mark != b"collio %s\0" % what.encode():
        raise RuntimeError(f"Can't decode object (not an encoded {what})")
    try:
        return _Reader(io.BytesIO(rest)).load()
    except Exception as error:
        raise RuntimeError(f"Can't decode object ({error})") from None
