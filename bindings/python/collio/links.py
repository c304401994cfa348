"""What the names in a group are, when not an object itself is assigned or asked for."""

import os


class HardLink:
    """What ``group.get(name, getlink=True)`` gives for a name of the object itself."""


class SoftLink:
    """A name that stands for a path in the same file, which may lead nowhere: ``group[name] = SoftLink(path)``."""

    def __init__(self, path):
        self._path = str(path)

    @property
    def path(self):
        """Absolute, or relative to the group."""
        return self._path

    def __repr__(self):
        return f'<SoftLink to "{self._path}">'


class ExternalLink:
    """A name that stands for a path in another file: ``group[name] = ExternalLink(filename, path)``.

    What it leads to is open for reading only, on each rank by itself.
    """

    def __init__(self, filename, path):
        self._filename = os.fsdecode(filename)
        self._path = path

    @property
    def filename(self):
        """Of the other file; a relative one is also looked for beside this file."""
        return self._filename

    @property
    def path(self):
        """In the other file."""
        return self._path

    def __repr__(self):
        return f'<ExternalLink to "{self._path}" in file "{self._filename}"'
