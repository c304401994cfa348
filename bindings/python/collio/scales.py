"""Dimension scales: datasets that say what the indexes of others stand for, and labels.

They are attributes that other libraries know, too (HDF5's dimension scale specification): a scale
has a CLASS and may have a NAME; a dataset lists the scales of its dimensions in DIMENSION_LIST, and
each scale the datasets in REFERENCE_LIST.
"""

from contextlib import suppress

import numpy as np

from . import _types
from .references import ref_dtype

_LIST, _USERS, _LABELS = "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"
_USER = np.dtype({"names": ["dataset", "dimension"], "formats": [ref_dtype, "i4"], "offsets": [0, 8],
                  "itemsize": 16})


def together(dataset, operation, arguments, check):
    """What check() returns, once all ranks have come with the same arguments and none has failed.
    Collective."""
    result = error = None
    try:
        result = check()
    except Exception as raised:
        error = raised
    dataset._agree(operation, arguments, error)
    return result


def _in_turn(*steps):
    """Do several writes: pairs of functions, to do and to undo one. If one of them fails, which it does
    on all ranks, the earlier ones are undone. Collective."""
    done = []
    try:
        for do, undo in steps:
            do()
            done.append(undo)
    except Exception:
        for undo in reversed(done):
            with suppress(Exception):  # what failed first is told
                undo()
        raise


def _bytes(what, text):
    """Names and labels are given as str or as the bytes that the file is to have."""
    if isinstance(text, bytes):
        return text
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    raise TypeError(f"{what} is a str or bytes, not {type(text).__name__}")


def _writable(dataset):
    if dataset.file.mode == "r":
        raise RuntimeError(f"{dataset.file.filename!r} is open for reading only")


# ------------------------------------------------------------------------------ scales


def is_scale(dataset):
    return dataset.attrs.get("CLASS") == b"DIMENSION_SCALE"


def scale_name(dataset):
    name = dataset.attrs.get("NAME", b"")
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name)


def _write_text(attributes, name, text):
    attributes.create(name, np.bytes_(text), dtype=_types.ended_dtype(len(text) + 1))


def make_scale(dataset, name):
    def check():
        _writable(dataset)
        if _LIST in dataset.attrs:
            raise RuntimeError(f"{dataset.name!r} has scales itself, so it cannot be one")
        return _bytes("a name", name)

    text = together(dataset, "make_scale", f"{dataset.name}, {name!r}", check)
    _in_turn(_class_step(dataset), (lambda: _write_text(dataset.attrs, "NAME", text), None))


def _class_step(dataset):
    """Make a scale of a dataset, unless it is one, and undo that."""
    fresh = not is_scale(dataset)

    def do():
        if fresh:
            _write_text(dataset.attrs, "CLASS", b"DIMENSION_SCALE")

    def undo():
        if fresh:
            del dataset.attrs["CLASS"]

    return do, undo


# --------------------------------------------------------------------------------- lists


def _scales_of(dataset):
    """For each dimension the references to its scales."""
    listed = dataset.attrs.get(_LIST)
    return [[] for _ in dataset.shape] if listed is None else [list(refs) for refs in listed]


def _users_of(scale):
    """The references and dimensions of the datasets that have this scale."""
    return [(user[0], int(user[1])) for user in scale.attrs.get(_USERS, ())]


def _write_scales(dataset, lists):
    if not any(lists):
        if _LIST in dataset.attrs:
            del dataset.attrs[_LIST]
        return
    made = np.empty(len(lists), dtype=object)
    for i, refs in enumerate(lists):
        made[i] = np.array(refs + [None], dtype=object)[:-1]
    dataset.attrs.create(_LIST, made, dtype=_types.vlen_dtype(ref_dtype))


def _write_users(scale, users):
    if not users:
        if _USERS in scale.attrs:
            del scale.attrs[_USERS]
        return
    made = np.zeros(len(users), dtype=_USER)
    for i, user in enumerate(users):
        made[i] = user
    scale.attrs.create(_USERS, made)


class Dimension:
    """One dimension of a dataset: its label, and its scales by number or name."""

    def __init__(self, dataset, number):
        self._dataset = dataset
        self._number = number

    @property
    def label(self):
        """A name for the dimension; setting it is collective."""
        labels = self._dataset.attrs.get(_LABELS)
        label = "" if labels is None else labels[self._number]
        return label.decode("utf-8", "surrogateescape") if isinstance(label, bytes) else label

    @label.setter
    def label(self, text):
        def check():
            _writable(self._dataset)
            label = _bytes("a label", text)
            labels = self._dataset.attrs.get(_LABELS)
            labels = [b""] * len(self._dataset.shape) if labels is None else [_bytes("a label", old) for old in labels]
            labels[self._number] = label
            return labels

        labels = self._together("label", repr(text), check)
        self._dataset.attrs.create(_LABELS, labels, dtype=_types.string_dtype("ascii"))

    def _together(self, operation, arguments, check):
        place = f"{self._dataset.name}, {self._number}, {arguments}"
        return together(self._dataset, operation, place, check)

    def _scales(self):
        return [self._dataset._opened(ref) for ref in _scales_of(self._dataset)[self._number]]

    def attach_scale(self, dset):
        """Let a dataset be a scale of this dimension; it is made one if it is none. Collective."""

        def check():
            _writable(self._dataset)
            if not hasattr(dset, "shape") or not hasattr(dset, "ref"):
                raise TypeError(f"dset must be a Dataset, not {type(dset).__name__}")
            if dset == self._dataset or is_scale(self._dataset):
                raise RuntimeError("a scale, or the dataset itself, cannot be attached there")
            if _LIST in dset.attrs:
                raise RuntimeError(f"{dset.name!r} has scales itself, so it cannot be one")
            lists, users = _scales_of(self._dataset), _users_of(dset)
            user = self._dataset.ref, self._number
            more = [[*refs, dset.ref] if n == self._number and dset.ref not in refs else refs
                    for n, refs in enumerate(lists)]
            return lists, more, users, users if user in users else [*users, user]

        old, new, users, more = self._together("attach_scale", getattr(dset, "name", dset), check)
        _in_turn(_class_step(dset), self._list_step(old, new),
                 (lambda: more == users or _write_users(dset, more), None))

    def _list_step(self, old, new):
        """Change the scales of all dimensions of the dataset, and undo that."""
        return (lambda: old == new or _write_scales(self._dataset, new),
                lambda: old == new or _write_scales(self._dataset, old))

    def detach_scale(self, dset):
        """Undo attach_scale(). Collective."""

        def check():
            _writable(self._dataset)
            lists, users = _scales_of(self._dataset), _users_of(dset)
            if dset.ref not in lists[self._number]:
                raise RuntimeError(f"{dset.name!r} is no scale of dimension {self._number}")
            user = self._dataset.ref, self._number
            left = [[ref for ref in refs if n != self._number or ref != dset.ref] for n, refs in enumerate(lists)]
            return lists, left, [other for other in users if other != user]

        old, new, users = self._together("detach_scale", getattr(dset, "name", dset), check)
        _in_turn(self._list_step(old, new), (lambda: _write_users(dset, users), None))

    def items(self):
        """Pairs of name and dataset, a list. Not collective."""
        return [(scale_name(scale), scale) for scale in self._scales()]

    def keys(self):
        """The names of the scales, a list. Not collective."""
        return [scale_name(scale) for scale in self._scales()]

    def values(self):
        """The scales, a list. Not collective."""
        return self._scales()

    def __getitem__(self, item):
        scales = self._scales()
        if isinstance(item, (int, np.integer)):
            return scales[item]
        for scale in scales:
            if scale_name(scale) == item:
                return scale
        raise KeyError(item)

    def __len__(self):
        return len(_scales_of(self._dataset)[self._number])

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, name):
        return name in self.keys()

    def __eq__(self, other):
        return isinstance(other, Dimension) and (self._dataset, self._number) == (other._dataset, other._number)

    def __hash__(self):
        return hash((self._dataset, self._number))

    def __repr__(self):
        if not self._dataset:
            return "<Dimension of closed HDF5 dataset>"
        return f'<"{self.label}" dimension {self._number} of HDF5 dataset at {id(self._dataset)}>'


class Dimensions:
    """What ``dataset.dims`` gives: its dimensions by number."""

    def __init__(self, dataset):
        self._dataset = dataset

    def __getitem__(self, number):
        if number < 0:
            raise OverflowError("dimensions are counted from 0")
        if number >= len(self):
            raise IndexError("Index out of range")
        return Dimension(self._dataset, int(number))

    def __len__(self):
        return len(self._dataset.shape or ())

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def create_scale(self, dset, name=""):
        """Make a dataset a scale, as dset.make_scale(name) does. Collective."""
        make_scale(dset, name)

    def __repr__(self):
        if not self._dataset:
            return "<Dimensions of closed HDF5 dataset>"
        return f"<Dimensions of HDF5 object at {id(self._dataset)}>"
