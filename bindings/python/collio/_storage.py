"""How datasets are stored: the keywords of create_dataset as the library wants them, and back."""

import numbers
import operator
import os

_GZIP, _SHUFFLE, FLETCHER32, _SZIP, _SCALEOFFSET, _LZF = 1, 2, 3, 4, 6, 32000
FILTERS = (("gzip", _GZIP), ("szip", _SZIP), ("lzf", _LZF), ("shuffle", _SHUFFLE), ("fletcher32", FLETCHER32),
           ("scaleoffset", _SCALEOFFSET))
_NAMES = {"gzip": _GZIP, "szip": _SZIP, "lzf": _LZF}
_FILL_TIMES = ("ifset", "alloc", "never")
_SZIP_METHODS = {"ec": 4, "nn": 32}


def _gzip(level):
    if level is None:
        level = 4
    if not isinstance(level, numbers.Integral) or not 0 <= level <= 9:
        raise ValueError(f"GZIP setting must be an integer from 0-9, not {level!r}")
    return _GZIP, (int(level),)


def _szip(options):
    try:
        method, pixels = ("nn", 8) if options is None else options
        valid = method in _SZIP_METHODS and 0 < pixels <= 32 and pixels % 2 == 0
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError("SZIP options must be a 2-tuple ('ec'|'nn', even integer 0-32)")
    return _SZIP, (_SZIP_METHODS[method], int(pixels))


def _lzf(options):
    if options is not None:
        raise ValueError("LZF compression filter accepts no options")
    return _LZF, ()


def _compression(method, options, available):
    """The filter that compresses: number and values."""
    if hasattr(method, "filter_id"):  # as FilterRefBase, here or of h5py
        return _referred(method, available)
    if method is True:
        method = "gzip"
    if isinstance(method, str):
        if method not in _NAMES or not available(_NAMES[method]):
            raise ValueError(f'Compression filter "{method}" is unavailable')
        return {"gzip": _gzip, "szip": _szip, "lzf": _lzf}[method](options)
    if not isinstance(method, numbers.Integral):
        raise TypeError(f"compression={method!r}: allowed are 'gzip', 'lzf', 'szip', the number of a filter, "
                        "and a filter itself")
    if 0 <= method <= 9:
        if options is not None:
            raise TypeError("Conflict in compression options")
        return _gzip(method)
    return _numbered(method, options, available)


def _numbered(number, options, available):
    if not available(int(number)):
        raise ValueError(f"Unknown compression filter number: {number}")
    return int(number), tuple(options or ())


def _referred(filter, available):
    """The same of an object that says which filter it is."""
    if filter.filter_id == _GZIP:
        return _gzip(*filter.filter_options)
    return _numbered(filter.filter_id, filter.filter_options, available)


def _scaleoffset(digits, kind, fletcher32):
    if kind not in "iuf":
        raise TypeError("scale/offset filter only supported for integer and floating-point types")
    if digits is True:
        if kind == "f":
            raise ValueError("integer scaleoffset must be provided for floating point types")
        digits = 0
    if fletcher32:
        raise ValueError("fletcher32 cannot be used with potentially lossy scale/offset filter")
    if digits < 0:
        raise ValueError("scale factor must be >= 0")
    return _SCALEOFFSET, (int(digits),)


def _filters(kind, available, compression, compression_opts, shuffle, fletcher32, scaleoffset):
    """In the order in which they are applied."""
    filters = []
    if scaleoffset is not None:
        filters.append(_scaleoffset(scaleoffset, kind, fletcher32))
    if shuffle:
        filters.append((_SHUFFLE, ()))
    if compression is not None and compression is not False:
        filters.append(_compression(compression, compression_opts, available))
    elif compression_opts is not None:
        raise TypeError("Compression method must be specified")
    if fletcher32:
        filters.append((FLETCHER32, ()))
    return tuple(filters)


def _maximum(maxshape, ndim):
    """One number a dimension, -1 for no end; None: as the shape for ever."""
    if maxshape is None:
        return None
    if maxshape is True:
        maxshape = (None,) * ndim
    elif isinstance(maxshape, numbers.Integral):
        maxshape = (maxshape,)
    if ndim <= 0 and len(maxshape) > 0:
        raise TypeError(f"{'Scalar' if ndim == 0 else 'Empty'} datasets cannot be extended")
    if len(maxshape) != max(ndim, 0):
        raise ValueError(f"maxshape={maxshape!r}: as many extents as in the shape are needed, which has {ndim}")
    if any(n is not None and n < 0 for n in maxshape):
        raise OverflowError(f"maxshape={maxshape!r}: an extent is negative")
    return tuple(-1 if n is None or n == UNLIMITED else _extent(n) for n in maxshape) or None


NO_CHUNKS = ("none",)  # for virtual datasets, which may have a maxshape without chunks


def _chunks(chunks, ndim, needed):
    """A tuple, or None for contiguous, or True for chunks that the library chooses."""
    if chunks is NO_CHUNKS:
        return None
    if chunks is False and needed:
        raise ValueError("Chunked format required for given storage options")
    if chunks is None or chunks is True or chunks is False:
        return True if chunks or needed else None
    chunks = (chunks,) if isinstance(chunks, numbers.Integral) else tuple(map(int, chunks))
    if ndim > 0 and len(chunks) != ndim:
        raise ValueError("'chunks' must have same rank as dataset shape")
    if any(n < 0 for n in chunks):
        raise OverflowError("chunks: an extent is negative")
    if 0 in chunks:
        raise ValueError("All chunk dimensions must be positive")
    return chunks


def options(
    ndim, kind, available, chunks, maxshape, compression, compression_opts, shuffle, fletcher32,
    scaleoffset, fill_time, track_times, unknown=False,
):
    """Of create_dataset: (chunks, maximum, filters, fill time, track times)."""
    if ndim <= 0 and (chunks or compression or shuffle or fletcher32 or scaleoffset not in (None, False)):
        raise TypeError(f"{'Scalar' if ndim == 0 else 'Empty'} datasets don't support chunk/filter options")
    known = (lambda number: True) if unknown else available
    filters = _filters(kind, known, compression, compression_opts, shuffle, fletcher32, scaleoffset)
    maximum = _maximum(maxshape, ndim)
    if track_times not in (None, True, False):
        raise TypeError("track_times must be either True or False")
    if fill_time is not None and fill_time not in _FILL_TIMES:
        raise ValueError(
            f"fill_time must be one of the following choices: 'alloc', 'never' or 'ifset', but it is {fill_time}."
        )
    when = 0 if fill_time is None else _FILL_TIMES.index(fill_time)
    return _chunks(chunks, ndim, bool(filters) or maximum is not None), maximum, filters, when, bool(track_times)


def same_maximum(asked, there):
    """A maxshape that is asked for, in the form of the one that is there."""
    if asked is True:
        return (None,) * len(there)
    asked = (asked,) if isinstance(asked, numbers.Integral) else asked
    return tuple(None if n is None else int(n) for n in asked)


UNLIMITED = 2**64 - 1  # an extent or size without end, as HDF5 has it


def external(given):
    """A list of (name, offset, size) from what create_dataset() is given; -1 for a size without end."""
    if isinstance(given, (str, bytes, os.PathLike)):
        given = [(given, 0, UNLIMITED)]
    found = []
    for item in given:
        if isinstance(item, (str, bytes, os.PathLike)):
            raise TypeError("Each external entry must be a tuple of (name, offset, size)")
        name, offset, size = item
        if operator.index(size) < 0 or operator.index(offset) < 0:
            raise OverflowError(f"external={item!r}: offsets and sizes are not negative")
        size = -1 if size == UNLIMITED else operator.index(size)
        found.append((os.fsdecode(name), operator.index(offset), size))
    return found


def compression(filters):
    """'gzip', 'szip', 'lzf', 'unknown' or None."""
    known = next((name for name, number in _NAMES.items() if number in filters), None)
    return known or ("unknown" if set(filters) - {number for _, number in FILTERS} else None)


def compression_opts(filters):
    """Level of gzip, method and pixels of szip."""
    if _GZIP in filters:
        return filters[_GZIP][0]
    if _SZIP in filters:
        method, pixels = filters[_SZIP][:2]
        return "nn" if method & _SZIP_METHODS["nn"] else "ec", pixels
    return None


def named(filters):
    """Names of the filters, numbers for those that have none here, and their values as h5py tells them."""
    names = {number: name for name, number in FILTERS}
    return {names.get(number, str(number)): compression_opts({number: values}) if number in _NAMES.values()
            else values or None for number, values in filters.items()}


def filter_name(number):
    """As HDF5 has it in files."""
    return {_GZIP: "deflate", _SHUFFLE: "shuffle", FLETCHER32: "fletcher32"}.get(
        number, next((name for name, known in {**_NAMES, "scaleoffset": _SCALEOFFSET}.items() if known == number),
                     str(number)))


def every(filters):
    return filters


def shuffle(filters):
    return _SHUFFLE in filters


def fletcher32(filters):
    return FLETCHER32 in filters


def scaleoffset(filters):
    return filters[_SCALEOFFSET][1] if _SCALEOFFSET in filters else None


def _extent(n):
    """An extent as int; numbers such as 1e6 are taken, too."""
    return int(n) if isinstance(n, float) and n.is_integer() else operator.index(n)


def new_shape(shape, size, axis):
    """What resize(size, axis) asks for."""
    if axis is None:
        size = (size,) if isinstance(size, numbers.Integral) and len(shape) == 1 else tuple(size)
        if len(size) != len(shape):
            raise TypeError(f"New shape length ({len(size)}) must match dataset rank ({len(shape)})")
        size = tuple(map(_extent, size))
        if any(n < 0 for n in size):
            raise OverflowError("size: an extent is negative")
        return size
    if not 0 <= axis < len(shape):
        raise ValueError(f"Invalid axis (0 to {len(shape) - 1} allowed)")
    if size < 0:
        raise OverflowError(f"size: {size} is negative")
    return *shape[:axis], _extent(size), *shape[axis + 1 :]
