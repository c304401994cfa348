"""NumPy's types of elements as MPI datatypes, and back."""

import numpy as _np

from collio import MPI

__all__ = ["from_numpy_dtype", "to_numpy_dtype"]


def from_numpy_dtype(dtype):
    """A datatype for elements of that type; Free() it, or leave it to its object. Not collective.

    A structure becomes a struct with the offsets and the size of NumPy's; an element that is an
    array, a contiguous or a subarray type. ValueError for Python objects and foreign byte order,
    which MPI cannot send.
    """
    dtype = _np.dtype(dtype)
    if dtype.hasobject:
        raise ValueError(f"{dtype!r} has Python objects in it, which are sent with the lower-case methods only")
    if not dtype.isnative:
        raise ValueError(f"{dtype!r} is not in the byte order of this machine; convert it with newbyteorder('=')")
    if dtype.fields:
        return _from_structure(dtype)
    if dtype.subdtype is not None:
        return _from_array(*dtype.subdtype)
    return MPI.Datatype.fromcode(dtype.char).Dup()


def _from_structure(dtype):
    members = [dtype.fields[name] for name in dtype.names]
    types = [from_numpy_dtype(member[0]) for member in members]
    plain = MPI.Datatype.Create_struct([1] * len(types), [member[1] for member in members], types)
    return plain.Create_resized(0, dtype.itemsize)


def _from_array(base, shape):
    element = from_numpy_dtype(base)
    if len(shape) == 1:
        return element.Create_contiguous(shape[0])
    return element.Create_subarray(shape, shape, [0] * len(shape))


def to_numpy_dtype(datatype):
    """The type of elements that lies in memory as the datatype does. Not collective.

    Types with gaps become structures with the fields f0, f1, ...; the structure is aligned where all
    fields are. ValueError for the null type and for those that NumPy has no like of: parts of
    subarrays, distributed arrays.
    """
    if datatype == MPI.DATATYPE_NULL:
        raise ValueError("DATATYPE_NULL is no type of elements")
    convert = _CONVERSIONS.get(datatype.combiner)
    found = convert(datatype) if convert is not None else None
    if found is None:
        raise ValueError(f"NumPy has no type of elements like this datatype ({datatype.name or 'a derived one'})")
    return found


# What MAXLOC and MINLOC compare, beside the int that says where.
_PAIRS = {"SHORT_INT": "h", "INT_INT": "i", "LONG_INT": "l", "FLOAT_INT": "f", "DOUBLE_INT": "d", "LONG_DOUBLE_INT": "g"}


def _of_name(datatype):
    code = MPI._typecode(datatype)
    if code is not None:
        return _np.dtype(code)
    for name, value in _PAIRS.items():
        if datatype == getattr(MPI, name):
            return _np.dtype([("f0", value), ("f1", "i")], align=True)
    return None


def _of_duplicate(datatype):
    return to_numpy_dtype(datatype.decode()[0])


def _of_contiguous(datatype):
    base, _, given = datatype.decode()
    return _np.dtype((to_numpy_dtype(base), (given["count"],)))


def _of_subarray(datatype):
    base, _, given = datatype.decode()
    sizes = list(given["sizes"])
    if list(given["subsizes"]) != sizes or any(given["starts"]):
        return None
    if given["order"] == MPI.ORDER_FORTRAN:
        sizes.reverse()
    return _np.dtype((to_numpy_dtype(base), tuple(sizes)))


def _of_struct(datatype):
    given = datatype.decode()[2]
    return _structure(given["datatypes"], given["blocklengths"], given["displacements"], datatype.extent)


def _of_resized(datatype):
    base, _, given = datatype.decode()
    if base.combiner != MPI.COMBINER_STRUCT:
        return None
    inner = base.decode()[2]
    fits = _is_aligned(base, given["extent"])
    return _structure(inner["datatypes"], inner["blocklengths"], inner["displacements"], datatype.extent, fits)


def _of_vector(datatype):
    base, combiner, given = datatype.decode()
    count, stride = given["count"], given["stride"] * (base.extent if combiner == "VECTOR" else 1)
    return _blocks(base, [given["blocklength"]] * count, [i * stride for i in range(count)], datatype.extent)


def _of_indexed(datatype):
    base, combiner, given = datatype.decode()
    unit = 1 if combiner.startswith("H") else base.extent
    places = [unit * displacement for displacement in given["displacements"]]
    lengths = given["blocklengths"] if "blocklengths" in given else [given["blocklength"]] * len(places)
    return _blocks(base, lengths, places, None)


def _structure(types, lengths, places, size, aligned=True):
    """Members of different types; one alone is no array of one."""
    elements = [to_numpy_dtype(member) for member in types]
    formats = [element if n == 1 else (element, n) for element, n in zip(elements, lengths, strict=True)]
    return _with_gaps(formats, places, size, aligned and all(map(_is_aligned, types, places)))


def _blocks(base, lengths, places, size):
    """Arrays of one type."""
    element = to_numpy_dtype(base)
    return _with_gaps([(element, (n,)) for n in lengths], places, size, all(_is_aligned(base, at) for at in places))


def _with_gaps(formats, places, size, aligned):
    description = {"names": [f"f{i}" for i in range(len(formats))], "formats": formats, "offsets": places}
    if size is not None:
        description["itemsize"] = size
    return _np.dtype({**description, "aligned": aligned})


def _is_aligned(datatype, at=0):
    """Whether all that a datatype is made of lies as C would put it, if it begins there."""
    if datatype.is_predefined:
        return at % (MPI._typealign(datatype) or 1) == 0
    base, combiner, given = datatype.decode()
    if combiner == "STRUCT":
        return all(_is_aligned(inner, at + place) for inner, place in zip(given["datatypes"], given["displacements"]))
    if combiner == "RESIZED":
        return _is_aligned(base, at) and _is_aligned(base, at + given["extent"])
    if combiner == "HVECTOR":
        return _is_aligned(base, at) and (given["count"] < 2 or _is_aligned(base, at + given["stride"]))
    if combiner in ("HINDEXED", "HINDEXED_BLOCK"):
        return all(_is_aligned(base, at + place) for place in given["displacements"])
    return _is_aligned(base, at)


_CONVERSIONS = {
    MPI.COMBINER_NAMED: _of_name,
    MPI.COMBINER_F90_INTEGER: _of_name,
    MPI.COMBINER_F90_REAL: _of_name,
    MPI.COMBINER_F90_COMPLEX: _of_name,
    MPI.COMBINER_DUP: _of_duplicate,
    MPI.COMBINER_CONTIGUOUS: _of_contiguous,
    MPI.COMBINER_SUBARRAY: _of_subarray,
    MPI.COMBINER_STRUCT: _of_struct,
    MPI.COMBINER_RESIZED: _of_resized,
    MPI.COMBINER_VECTOR: _of_vector,
    MPI.COMBINER_HVECTOR: _of_vector,
    MPI.COMBINER_INDEXED: _of_indexed,
    MPI.COMBINER_HINDEXED: _of_indexed,
    MPI.COMBINER_INDEXED_BLOCK: _of_indexed,
    MPI.COMBINER_HINDEXED_BLOCK: _of_indexed,
}
