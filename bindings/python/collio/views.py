"""What ``keys()``, ``values()`` and ``items()`` of groups and attributes give."""

import contextlib
from collections.abc import ItemsView, KeysView, ValuesView

from . import virtual


class KeysViewHDF5(KeysView):
    """The names."""

    def __reversed__(self):
        return reversed(list(self._mapping))

    def __repr__(self):
        return f"<KeysViewHDF5 {list(self)}>"


class ValuesViewHDF5(ValuesView):
    """What the names lead to; None where they lead nowhere."""

    def __iter__(self):
        return (self._mapping.get(name) for name in self._mapping)

    def __reversed__(self):
        return (self._mapping.get(name) for name in reversed(list(self._mapping)))

    def __contains__(self, value):
        return any(value == mine for mine in self)


class ItemsViewHDF5(ItemsView):
    """Pairs of both."""

    def __iter__(self):
        return ((name, self._mapping.get(name)) for name in self._mapping)

    def __reversed__(self):
        return ((name, self._mapping.get(name)) for name in reversed(list(self._mapping)))

    def __contains__(self, item):
        name, value = item
        return name in self._mapping and value == self._mapping.get(name)


class Views:
    """The methods that the classes of the extension take over."""

    def keys(self):
        """The names, a view. Not collective."""
        return KeysViewHDF5(self)

    def values(self):
        """What is there, a view. Not collective."""
        return ValuesViewHDF5(self)

    def items(self):
        """Pairs of both, a view. Not collective."""
        return ItemsViewHDF5(self)

    def __reversed__(self):
        return reversed(list(self))

    def _ipython_key_completions_(self):
        return sorted(self)

    def __getstate__(self):
        raise TypeError("collio objects cannot be pickled")

    def __reduce_ex__(self, protocol):
        raise TypeError("collio objects cannot be pickled")


class Creating:
    """What groups can make from what is there."""

    def create_dataset_like(self, name, other, **kwupdate):
        """A dataset with the shape, type, chunks, filters and fill value of another one. Collective.

        Keywords of create_dataset() replace what the other one has; elements and attributes are not copied.
        """
        taken = ("shape", "dtype", "chunks", "compression", "compression_opts", "scaleoffset", "shuffle", "fletcher32")
        for keyword in (*taken, "fillvalue"):
            kwupdate.setdefault(keyword, getattr(other, keyword))
        if other.maxshape != other.shape:
            kwupdate.setdefault("maxshape", other.maxshape)
        return self.create_dataset(name, **kwupdate)

    def create_virtual_dataset(self, name, layout, fillvalue=None):
        """A dataset whose elements are those of others. Collective.

        layout -- a VirtualLayout to which sources were assigned
        fillvalue -- of elements that have no source, or one that is not there
        """
        return virtual.create(self, name, layout, fillvalue)

    @contextlib.contextmanager
    def build_virtual_dataset(self, name, shape, dtype, maxshape=None, fillvalue=None):
        """A VirtualLayout to assign to; the dataset is made when the block ends. Collective."""
        layout = virtual.VirtualLayout(shape, dtype, maxshape)
        yield layout
        virtual.create(self, name, layout, fillvalue)
