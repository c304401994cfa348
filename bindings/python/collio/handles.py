"""What ``obj.id`` gives: programs written for h5py compare and test it, and ask it a few things."""

import os


class ObjectID:
    """Stands for the object itself: equal for the same object, true while its file is open."""

    def __init__(self, of):
        self._of = of

    @property
    def valid(self):
        """Whether the file is open."""
        return bool(self._of)

    @property
    def name(self):
        """Of the object, as bytes; of a file that of the file."""
        name = self._of.filename if hasattr(self._of, "filename") else self._of.name
        return None if name is None else os.fsencode(name)

    def __bool__(self):
        return bool(self._of)

    def __eq__(self, other):
        return self._of == other._of if isinstance(other, ObjectID) else NotImplemented

    def __hash__(self):
        return hash(self._of)

    def __getattr__(self, name):
        if name == "get_offset" and hasattr(self._of, "offset"):
            return lambda: self._of.offset
        if name == "get_filesize" and hasattr(self._of, "filename"):
            return lambda: os.path.getsize(self._of.filename)
        if name == "close" and hasattr(self._of, "filename"):
            return self._of.close
        raise AttributeError(f"the id of a {type(self._of).__name__} has no {name!r}: use the object itself")
