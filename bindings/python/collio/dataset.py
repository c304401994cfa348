"""What datasets do that needs no more than reading and writing: the methods that the class of the
extension takes over."""

import numpy as np

from . import _storage, _types, scales, spaces, virtual


class View:
    """A dataset seen in another way; reads when it is indexed. Collective, as with the dataset."""

    def __init__(self, dataset):
        self._dataset = dataset

    @property
    def shape(self):
        return self._dataset.shape

    @property
    def ndim(self):
        return self._dataset.ndim

    @property
    def size(self):
        return self._dataset.size

    def __len__(self):
        return len(self._dataset)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("a dataset cannot become an array without a copy")
        return np.asarray(self[()], dtype=self.dtype if dtype is None else dtype)


class AsTypeView(View):
    """Elements converted to another type."""

    def __init__(self, dataset, dtype):
        super().__init__(dataset)
        self._dtype = dtype

    @property
    def dtype(self):
        return self._dtype

    def __getitem__(self, index):
        text = _types.check_string_dtype(self._dataset.dtype)
        if self._dtype.kind == "S" and text is not None and text.length is None:
            texts = np.asarray(self._dataset[index])  # HDF5 does not cut strings to a length
            return texts.astype(self._dtype)[()]
        if self._dtype.kind == "T" and text.length is not None:
            texts = AsStrView(self._dataset, text.encoding, "strict")[index]
            return np.asarray(texts, dtype=self._dtype)[()]
        if self._dtype.kind == "b" and self._dataset.dtype.kind in "iuf":
            return np.asarray(self._dataset[index]).astype(bool)[()]  # an enumeration, to HDF5
        return self._dataset._read_as(index, self._dtype)


class AsStrView(View):
    """Strings as str."""

    def __init__(self, dataset, encoding, errors):
        super().__init__(dataset)
        self.encoding = encoding
        self.errors = errors

    @property
    def dtype(self):
        return np.dtype(object)

    def __getitem__(self, index):
        texts = self._dataset[index]
        if not isinstance(texts, np.ndarray):
            return texts.decode(self.encoding, self.errors)
        array = np.empty(texts.shape, dtype=object)
        array.flat = [text.decode(self.encoding, self.errors) for text in texts.flat]
        return array


class FieldsView(View):
    """Some fields of structs: of one name the elements themselves."""

    def __init__(self, dataset, dtype, names):
        super().__init__(dataset)
        self._one = names if isinstance(names, str) else None
        self._read = _types.fields_dtype(dtype, [names] if isinstance(names, str) else list(names))

    @property
    def dtype(self):
        return self._read if self._one is None else self._read[self._one]

    def __getitem__(self, index):
        array = self._dataset._read_as(index, self._read)
        return array if self._one is None else array[self._one]


class ChunkSlices:
    """Iterates over the chunks of a dataset, as the slices of it that lie in each one."""

    def __init__(self, dataset, sel):
        if not dataset.chunks:
            raise TypeError("Chunked dataset required")
        if sel is None:
            sel = tuple(slice(0, extent) for extent in dataset.shape)
        elif isinstance(sel, (slice, int)):
            sel = (sel,)
        if len(sel) != dataset.ndim:
            raise ValueError("Invalid selection - selection region must have same rank as dataset")
        bounds = [self._bounds(item, extent) for item, extent in zip(sel, dataset.shape)]
        cuts = [self._cut(*bound, chunk) for bound, chunk in zip(bounds, dataset.chunks)]
        self._left = (tuple(cuts[d][i] for d, i in enumerate(at)) for at in
                      np.ndindex(*map(len, cuts)))

    @staticmethod
    def _bounds(item, extent):
        start, stop = (item.start, item.stop) if isinstance(item, slice) else (item, item + 1)
        start, stop = start or 0, stop or extent
        if start < 0 or stop > extent or stop <= start:
            raise ValueError("Invalid selection - selection region must be within dataset space")
        return start, stop

    @staticmethod
    def _cut(start, stop, chunk):
        edges = [start, *range((start // chunk + 1) * chunk, stop, chunk), stop]
        return [slice(first, last, 1) for first, last in zip(edges, edges[1:])]

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._left)


class Methods:
    """What collio.Dataset takes over."""

    def astype(self, dtype):
        """The dataset with its elements converted to a type when they are read:
        d.astype("f4")[:10]. Not collective, but reading is."""
        dtype = np.dtype(dtype)
        if dtype.kind == "T" and _types.check_string_dtype(self.dtype) is None:
            raise TypeError(f"dset.astype({dtype}) can only be used on datasets of strings")
        return self if dtype == self.dtype else AsTypeView(self, dtype)

    def asstr(self, encoding=None, errors="strict"):
        """The dataset with its strings as str when they are read: d.asstr()[:10]. Not collective,
        but reading is.

        encoding -- as bytes.decode() takes it; by default that of the type in the file
        errors -- the same
        """
        text = _types.check_string_dtype(self.dtype)
        if text is None:
            raise TypeError("dset.asstr() can only be used on datasets of strings")
        return AsStrView(self, text.encoding if encoding is None else encoding, errors)

    def fields(self, names):
        """The dataset with only some fields of its structs: d.fields(["x", "y"])[:10], or of one
        name (a str) the elements of that field. Not collective, but reading is."""
        return FieldsView(self, self.dtype, names)

    def _refer_to(self, space):
        """A reference to the part that a space selects. Collective."""
        return self.regionref[space._as_index()]

    def _region_space(self, reference):
        """The space that a reference leads to. Not collective."""
        return spaces.SpaceID(self.shape, self._region_selection(reference))

    def len(self):
        """Extent of the first dimension. Not collective."""
        return len(self)

    def flush(self):
        """Write the structure of the file to disk, that of the dataset with it. Collective."""
        self.file.flush()

    @property
    def dims(self):
        """Dimensions by number: their labels and scales."""
        return scales.Dimensions(self)

    @property
    def is_scale(self):
        """Whether it is a scale of dimensions."""
        return scales.is_scale(self)

    def make_scale(self, name=""):
        """Let it be a scale, which dimensions of others can be given. Collective."""
        scales.make_scale(self, name)

    @property
    def external(self):
        """Where the elements are, if in other files: a list of (name, offset, size); else None."""
        places = [] if self.is_virtual else self._origins
        return [(name, at, _storage.UNLIMITED if size < 0 else size) for name, at, size in places] or None

    def virtual_sources(self):
        """What a virtual dataset is made of: a list of VDSmap. Not collective."""
        if not self.is_virtual:
            raise RuntimeError("Not a virtual dataset")
        return [virtual.mapping(self.shape, *origin) for origin in self._origins]

    @property
    def filter_ids(self):
        """Numbers of the filters that chunks pass, in the order of writing."""
        return tuple(self._filter_values)

    @property
    def filter_names(self):
        """Names of these filters."""
        return tuple(_storage.filter_name(number) for number in self._filter_values)

    @property
    def _filters(self):
        """Names and values, as programs for h5py look at them."""
        return _storage.named(self._filter_values)

    def iter_chunks(self, sel=None):
        """Iterate over the chunks within a region: tuples of slices. Not collective.

        sel -- a slice for each dimension; by default everything
        """
        return ChunkSlices(self, sel)
