"""Files of one process that are not to be on disk: in memory, or behind an object with read() and seek()."""

import itertools
import os
import shutil
import tempfile

_numbers = itertools.count()
_CREATING = ("w", "w-", "x")


class StandIn:
    """A temporary file, in memory where the system has a place for that, that is opened instead."""

    def __init__(self, source, mode):
        self._source = source
        self._is_object = hasattr(source, "read")
        self.name = repr(source) if self._is_object else os.fsdecode(source)
        self._directory = tempfile.TemporaryDirectory(
            prefix="collio-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        )
        self.path = os.path.join(self._directory.name, "file.h5")
        self.mode = self._fill(mode)

    def _fill(self, mode):
        """Take over what there is; how to open the result."""
        if self._is_object:
            self._source.seek(0)
            content = self._source.read() if mode not in _CREATING else b""
            if mode in ("w-", "x") or (mode == "a" and not content):
                return "w"
            with open(self.path, "wb") as file:
                file.write(content)
        elif mode not in _CREATING and os.path.exists(self._source):
            shutil.copyfile(self._source, self.path)
        elif mode in ("w-", "x") and os.path.exists(self._source):
            raise FileExistsError(17, "file exists", self.name)
        elif mode in ("r", "r+"):
            raise FileNotFoundError(2, "no such file", self.name)
        return mode

    def save(self):
        """Write everything back to the object, if there is one and it takes it. Not collective."""
        if not self._is_object or self.mode == "r":
            return
        self._source.seek(0)
        with open(self.path, "rb") as file:
            shutil.copyfileobj(file, self._source)
        self._source.truncate()
        if hasattr(self._source, "flush"):
            self._source.flush()


def in_memory(cls, file_image=None, **keywords):
    """A File in memory, maybe from the bytes of one."""
    for name in ("name", "mode", "driver", "locking", "backing_store", "comm"):
        if name in keywords:
            raise TypeError(f"File.in_memory() got an unexpected keyword argument {name!r}")
    if file_image is None:
        return cls(f"collio_in_memory_nonfile_{next(_numbers)}", "w", driver="core", backing_store=False, **keywords)
    with tempfile.NamedTemporaryFile(suffix=".h5") as file:
        file.write(file_image)
        file.flush()
        return cls(file.name, "r+", driver="core", backing_store=False, **keywords)
