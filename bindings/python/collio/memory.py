"""Files of one process that are not a file on disk: in memory, behind an object with read() and seek(), or in
several files. A temporary one is opened for them, and taken back when they are flushed and closed."""

import fcntl
import io
import itertools
import os
import shutil
import tempfile
import weakref

_numbers = itertools.count()
_CREATING = ("w", "w-", "x")
_FAMILY, _SPLIT = 1, 2  # enum collio_arrangement
_ELEMENTS_PLACE = 1 << 42
_PIECE = 1 << 24


def stand_in(plist, name, mode):
    """What is opened instead of what a name and a property list tell; None for a file on disk."""
    known, driver = plist._known, plist._driver
    if driver == "fileobj":
        return BehindObject(name, known["file"], mode)
    if driver == "core" and (known["image"] is not None or not known["core"][1]):
        return InMemory(name, known["image"], mode)
    if driver == "family":
        return Family(name, known["family"][0], mode)
    return Split(name, known["split"], mode) if driver == "split" else None


def _remove(path):
    if os.path.exists(path):
        os.remove(path)


class StandIn:
    """A temporary file that is opened instead of another thing.

    name     what is shown as the name
    path     of the temporary file, which is gone with this object
    mode     in which to open it
    members  how HDF5 is to know it: collio_file_options.arrangement, .member_bytes, .member_names
    """

    members = (0, 0, None, None)

    def __init__(self, name, mode, directory):
        self.name = name if isinstance(name, str) else os.fsdecode(name)
        self.mode = mode
        handle, self.path = tempfile.mkstemp(prefix=".collio-", dir=directory)
        os.close(handle)
        weakref.finalize(self, _remove, self.path)

    def save(self):
        """Take back what was written. Not collective."""


def _memory():
    """Where files in memory are, where the system has a place for that."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class InMemory(StandIn):
    """Neither read from disk, once it is open, nor written."""

    def __init__(self, name, image, mode):
        super().__init__(name, mode, _memory())
        if image is not None:
            with open(self.path, "wb") as file:
                file.write(image)
        elif mode not in _CREATING and os.path.exists(self.name):
            shutil.copyfile(self.name, self.path)
        elif mode in ("r", "r+"):
            raise FileNotFoundError(2, "no such file", self.name)
        else:
            self.mode = "w"


class BehindObject(StandIn):
    """Behind an object with read() and seek()."""

    def __init__(self, name, source, mode):
        if not hasattr(source, "read") or not hasattr(source, "seek"):
            raise AttributeError(f"the driver 'fileobj' needs an object with read() and seek(), not {source!r}")
        if mode != "r" and hasattr(source, "writable") and not source.writable():
            raise io.UnsupportedOperation(f"{source!r} is not writable (mode {mode!r})")
        super().__init__(repr(source) if name is source else name, mode, _memory())
        self._source = source
        content = b""
        if mode not in _CREATING:
            source.seek(0)
            content = source.read()
        if mode in ("w-", "x") or (mode == "a" and not content):
            self.mode = "w"
        with open(self.path, "wb") as file:
            file.write(content)

    def save(self):
        """Write everything back to the object."""
        if self.mode == "r":
            return
        self._source.seek(0)
        with open(self.path, "rb") as file:
            shutil.copyfileobj(file, self._source)
        self._source.truncate()
        if hasattr(self._source, "flush"):
            self._source.flush()


def _copy(source, at, target, place, size):
    """Bytes of one open file to another one; fewer if there are no more."""
    source.seek(at)
    target.seek(place)
    while size > 0:
        piece = source.read(min(size, _PIECE))
        if not piece:
            break
        target.write(piece)
        size -= len(piece)


class Members(StandIn):
    """In several files, by HDF5's own format. The first one is locked while the file is open."""

    def __init__(self, name, mode):
        first = self._member(os.fsdecode(name), 0)
        there = os.path.exists(first)
        if not there and mode in ("r", "r+"):
            raise FileNotFoundError(2, "no such file", first)
        if there and mode in ("w-", "x"):
            raise FileExistsError(17, "file exists", first)
        super().__init__(name, mode, os.path.dirname(first) or ".")
        self._lock = None
        try:
            if there:
                self._take(first)
            self._fill(mode if there else "w")
        except BaseException:  # which may keep this object
            _remove(self.path)
            self._unlock()
            raise

    def _fill(self, mode):
        self.mode = "w" if mode in _CREATING else "r+" if mode == "a" else mode
        if self.mode != "w":
            self._gather()

    def _take(self, first):
        """Let no other process have it meanwhile."""
        self._lock = open(first, "rb")
        if os.environ.get("HDF5_USE_FILE_LOCKING") in ("FALSE", "0"):
            return
        try:
            fcntl.flock(self._lock, (fcntl.LOCK_SH if self.mode == "r" else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(error.errno, "it is open elsewhere (file is locked)", first) from None

    def _unlock(self):
        if self._lock is not None:
            self._lock.close()

    def _member(self, name, number):
        raise NotImplementedError

    def _gather(self):
        """Put the members together."""
        raise NotImplementedError

    def _parts(self):
        """(where it begins, bytes) of each member."""
        raise NotImplementedError

    def save(self):
        """Write the members. Without the first one, which goes first and comes last, the others are no file."""
        if self.mode == "r":
            return
        made = []
        try:
            with open(self.path, "rb") as whole:
                for number, (at, size) in enumerate(self._parts()):
                    path = self._member(self.name, number)
                    made.append((path + ".part", path))
                    with open(made[-1][0], "wb") as file:
                        _copy(whole, at, file, 0, size)
        except OSError:
            for part, _ in made:
                _remove(part)
            raise
        _remove(made[0][1])
        for part, path in reversed(made):
            os.replace(part, path)
        self._drop_others(len(made))
        self._take(made[0][1])

    def _drop_others(self, number):
        """Members from a number on are those of another file."""


class Family(Members):
    """Members of the same size, one behind the other; the last one may be shorter."""

    def __init__(self, name, size, mode):
        self._size = size
        super().__init__(name, mode)
        if size == 0:
            self._size = max(os.path.getsize(self._member(self.name, 0)), 1) if self.mode != "w" else 2**31 - 1
        self.members = (_FAMILY, self._size, None, None)

    def _member(self, name, number):
        try:
            path = name % number
        except (TypeError, ValueError):
            path = name
        if path == name:
            raise OSError(f"Unable to create file (file names not unique): no %d in {name!r}")
        return path

    def _found(self):
        for number in itertools.count():
            path = self._member(self.name, number)
            if not os.path.exists(path):
                return
            yield path

    def _gather(self):
        with open(self.path, "wb") as whole:
            at = 0
            for path in self._found():
                size = os.path.getsize(path)
                self._size = self._size or size
                if size > self._size:
                    raise OSError(f"Unable to open file ({path!r} has {size} bytes, the size of a member is {self._size})")
                with open(path, "rb") as file:
                    _copy(file, 0, whole, at, size)
                at += self._size

    def _parts(self):
        size = os.path.getsize(self.path)
        return [(at, self._size) for at in range(0, max(size, 1), self._size)]

    def _drop_others(self, number):
        while os.path.exists(self._member(self.name, number)):
            os.remove(self._member(self.name, number))
            number += 1


class Split(Members):
    """One member for structure, one for elements."""

    def __init__(self, name, extensions, mode):
        self._templates = [ext if "%s" in ext else "%s" + ext for ext in map(os.fsdecode, extensions)]
        if self._templates[0] == self._templates[1]:
            raise OSError("Unable to create file (file names not unique)")
        super().__init__(name, mode)
        self.members = (_SPLIT, 0, *self._templates)

    def _member(self, name, number):
        return self._templates[number].replace("%s", name)

    def _gather(self):
        with open(self.path, "wb") as whole:
            for number, place in enumerate((0, _ELEMENTS_PLACE)):
                path = self._member(self.name, number)
                with open(path, "rb") as file:
                    _copy(file, 0, whole, place, os.path.getsize(path))

    def _parts(self):
        size = os.path.getsize(self.path)
        if size <= _ELEMENTS_PLACE:
            return [(0, size), (size, 0)]
        return [(0, self._structure()), (_ELEMENTS_PLACE, size - _ELEMENTS_PLACE)]

    def _structure(self):
        """Bytes of structure, which the superblock has."""
        with open(self.path, "rb") as whole:
            at = 0
            while (head := os.pread(whole.fileno(), 96, at))[:8] != b"\x89HDF\r\n\x1a\n":
                at = 2 * at or 512
        version = head[8]
        width, start = (head[13], 24 + 4 * version) if version < 2 else (head[9], 12)
        base, end = (int.from_bytes(head[start + n * width : start + (n + 1) * width], "little") for n in (0, 2))
        if not 0 < base + end < _ELEMENTS_PLACE:
            raise OSError(f"{self.name!r}: structure of {base + end} bytes")
        return base + end


_FILE_KEYWORDS = ("userblock_size", "swmr", "name", "mode", "comm", "info", "transfer", "layout")
_CREATION = ("track_order", "track_times", "fs_strategy", "fs_persist", "fs_threshold", "fs_page_size")


def in_memory(cls, file_image=None, **keywords):
    """A File in memory, maybe from the bytes of one."""
    for name in ("driver", "locking", "backing_store", *_FILE_KEYWORDS):
        if name in keywords:
            raise TypeError(f"File.in_memory() got an unexpected keyword argument {name!r}")
    name = f"collio_in_memory_nonfile_{next(_numbers)}"
    if file_image is None or len(file_image) == 0:
        return cls(name, "w", driver="core", backing_store=False, **keywords)
    given = [keyword for keyword in _CREATION if keyword in keywords]
    if given:
        raise TypeError(f"{', '.join(given)} parameters cannot be used with file_image")
    return cls(name, "r+", driver="core", backing_store=False, _image=file_image, **keywords)


def from_image(image, writable):
    """The File of h5f.open_file_image()."""
    from . import File

    return File(f"file_image_{next(_numbers)}", "r+" if writable else "r", driver="core", backing_store=False,
                _image=image)
