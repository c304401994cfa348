"""Datatypes: every constructor, what it is decoded to, packing, codes, pickles."""
# ranks: 1 2

import pickle

import numpy as np

from collio import MPI
from tap import check, done, equal, raises, skip

comm, T = MPI.COMM_WORLD, MPI.Datatype


def picked(datatype, source, count=1):
    """The elements that the datatype picks out of an array, in order."""
    size = datatype.Get_size() * count // source.itemsize
    target = np.zeros(size, source.dtype)
    plain = T.fromcode(source.dtype.char)
    committed = datatype.Dup().Commit()
    MPI.COMM_SELF.Sendrecv([source, count, committed], 0, 0, [target, size, plain], 0, 0)
    committed.Free()
    return target.tolist()


# Each constructor: what it picks, and that decode() tells its arguments.
line = np.arange(40, dtype="i")
block = MPI.ORDER_FORTRAN
BLOCK, CYCLIC, DFLT = MPI.DISTRIBUTE_BLOCK, MPI.DISTRIBUTE_CYCLIC, MPI.DISTRIBUTE_DFLT_DARG
cases = {
    "DUP": ("Dup", {}, [0]),
    "CONTIGUOUS": ("Create_contiguous", {"count": 3}, [0, 1, 2]),
    "VECTOR": ("Create_vector", {"count": 2, "blocklength": 2, "stride": 5}, [0, 1, 5, 6]),
    "HVECTOR": ("Create_hvector", {"count": 2, "blocklength": 1, "stride": 12}, [0, 3]),
    "INDEXED": ("Create_indexed", {"blocklengths": [1, 2], "displacements": [7, 2]}, [7, 2, 3]),
    "HINDEXED": ("Create_hindexed", {"blocklengths": [1, 2], "displacements": [28, 8]}, [7, 2, 3]),
    "INDEXED_BLOCK": ("Create_indexed_block", {"blocklength": 2, "displacements": [4, 0]}, [4, 5, 0, 1]),
    "HINDEXED_BLOCK": ("Create_hindexed_block", {"blocklength": 2, "displacements": [16, 0]}, [4, 5, 0, 1]),
    "SUBARRAY": ("Create_subarray", {"sizes": [3, 4], "subsizes": [2, 2], "starts": [1, 1], "order": MPI.ORDER_C}, [5, 6, 9, 10]),
    "DARRAY": ("Create_darray", {"size": 4, "rank": 1, "gsizes": [4, 6], "distribs": [BLOCK, CYCLIC], "dargs": [DFLT, 1], "psizes": [2, 2], "order": MPI.ORDER_C}, [1, 3, 5, 7, 9, 11]),
    "RESIZED": ("Create_resized", {"lb": 0, "extent": 12}, [0]),
}
for name, (method, arguments, wanted) in cases.items():
    made = getattr(MPI.INT, method)(**arguments)
    equal(picked(made, line), wanted, f"{method} picks elements")
    base, combiner, params = made.decode()
    equal((base == MPI.INT, combiner, params), (True, name, arguments), f"{name} is decoded")
    equal(made.combiner, getattr(MPI, f"COMBINER_{name}"), f"{name} is the combiner")
    integers, addresses, counts, types = made.contents
    equal((len(integers), len(addresses), len(counts), len(types)), made.envelope[:4], f"{name}: as many as the envelope says")
    again = pickle.loads(pickle.dumps(made))
    equal((picked(again, line), again.decode()[1:]), (wanted, made.decode()[1:]), f"{name} is pickled")
    check(not made.is_named and not made.is_predefined, f"{name} is not MPI's own")
    made.Free()

pair = T.Create_struct([1, 2], [0, 8], [MPI.INT, MPI.DOUBLE])
base, combiner, params = pair.decode()
equal((bool(base), combiner, params["blocklengths"], params["displacements"]), (False, "STRUCT", [1, 2], [0, 8]), "STRUCT is decoded")
check(params["datatypes"] == [MPI.INT, MPI.DOUBLE], "into its types")
nested = T.Create_struct([1, 1], [0, 24], [pair, MPI.INT.Create_contiguous(2)])
equal(pickle.loads(pickle.dumps(nested)).Get_extent(), nested.Get_extent(), "types of types are pickled")
records = np.zeros(2, np.dtype([("n", "i4"), ("x", "f8", 2)], align=True))
records["n"], records["x"] = [1, 2], [[3, 4], [5, 6]]
copies = np.zeros_like(records)
pair.Commit()
MPI.COMM_SELF.Sendrecv([records, 2, pair], 0, 0, [copies, 2, pair], 0, 0)
equal(copies, records, "an array of records travels by its struct type")
pair.Free()
raises(ValueError, "expecting 1 items, got 2", T.Create_struct, [1], [0, 8], [MPI.INT], name="uneven lists")
raises(TypeError, "Datatype", T.Create_struct, [1], [0], ["i"], name="types must be types")
raises(TypeError, "", MPI.INT.Create_vector, 1, 2, name="arguments are required")
raises(MPI.Exception, "", MPI.INT.Create_contiguous, -1, name="MPI refuses a negative count")
raises(OverflowError, "int", MPI.INT.Create_subarray, [4], [2], [0], 2**40, name="an order beyond an int")

huge = 2**33
if MPI.VERSION >= 4:
    large = MPI.INT.Create_contiguous(huge)
    equal((large.size, large.decode()[2]), (4 * huge, {"count": huge}), "counts beyond 2**31")
    wide = MPI.BYTE.Create_subarray([huge, 2], [3, 1], [huge - 4, 1])
    equal(wide.decode()[2], {"sizes": [huge, 2], "subsizes": [3, 1], "starts": [huge - 4, 1], "order": MPI.ORDER_C}, "in lists, too")
else:
    raises(OverflowError, "int", MPI.INT.Create_contiguous, huge, name="counts beyond an int need MPI 4")
    skip("in lists, too", "needs MPI 4")
equal(MPI.INT.Create_hvector(2, 1, 2**40).extent, 2**40 + 4, "strides in bytes may be long")

f90 = T.Create_f90_integer(9)
equal((f90.decode()[1:], f90.is_named, f90.is_predefined), (("F90_INTEGER", {"r": 9}), False, True), "Fortran's kinds")
equal([T.Create_f90_real(12, 30).size, T.Create_f90_complex(6, 30).size], [8, 8], "of reals")
check(T.Match_size(MPI.TYPECLASS_REAL, 8).size == 8, "Match_size")
check(T.Get_value_index(MPI.DOUBLE, MPI.INT) == MPI.DOUBLE_INT, "the type of a value with its index")
check(not T.Get_value_index(MPI.BYTE, MPI.INT), "none for bytes")

# Bounds and names.
vector = MPI.INT.Create_vector(2, 1, 3)
equal((vector.size, vector.lb, vector.ub, vector.extent), (8, 0, 16, 16), "bounds")
shifted = vector.Create_resized(-4, 40)
equal((shifted.lb, shifted.ub, shifted.true_lb, shifted.true_ub, shifted.true_extent), (-4, 36, 0, 16, 16), "true bounds")
vector.name = "every third"
equal((vector.Get_name(), vector.name), ("every third", "every third"), "names")
check(vector.combiner == MPI.COMBINER_VECTOR and MPI.INT.is_named and MPI.INT.is_predefined, "is_named")
other = MPI.Datatype(vector)
check(other == vector and other is not vector, "a second object for one type")
other.Free()
del other, vector
check(not MPI.DATATYPE_NULL and MPI.DATATYPE_NULL.is_predefined, "the null type")
raises(MPI.Exception, "", MPI.DATATYPE_NULL.Get_size, name="has no size")


class Mine(MPI.Datatype):
    """A user's class."""


mine = Mine(MPI.INT)
check(type(mine.Create_contiguous(2)) is Mine and type(Mine.Create_struct([1], [0], [mine])) is Mine, "subclasses are kept")
check(pickle.loads(pickle.dumps(mine)) == MPI.INT, "and pickled")

# Packed data.
numbers, packed, back = np.arange(5, dtype="i4"), np.zeros(64, "u1"), np.zeros(5, "i4")
end = MPI.INT.Pack(numbers, packed, 4, MPI.COMM_SELF)
equal((end >= 24, MPI.INT.Unpack(packed, 4, back, MPI.COMM_SELF)), (True, end), "positions in packed data")
equal(back, numbers, "Pack and Unpack")
check(MPI.INT.Pack_size(5, MPI.COMM_SELF) >= 20, "Pack_size")
end = MPI.INT.Pack_external("external32", numbers, packed, 0)
equal((end, packed[4:8].tolist()), (20, [0, 0, 0, 1]), "external32 is big-endian")
back[:] = 0
equal(MPI.INT.Unpack_external("external32", packed, 0, back), 20, "and comes back")
equal(back, numbers, "as it was")
equal(MPI.DOUBLE.Pack_external_size("external32", 3), 24, "Pack_external_size")
raises(ValueError, "do not fit at position 60 of 64", MPI.INT.Pack, numbers, packed, 60, MPI.COMM_SELF, name="no room to pack")
raises(ValueError, "do not fit", MPI.INT.Unpack_external, "external32", packed, -1, back, name="nor before the start")
raises(ValueError, "do not fit", MPI.INT.Unpack, packed, 50, back, MPI.COMM_SELF, name="nor beyond the end")
raises(BufferError, "read-only", MPI.INT.Pack, numbers, b"1234", 0, MPI.COMM_SELF, name="nor in read-only memory")
raises(TypeError, "", MPI.INT.Pack, [numbers, 2], packed, 0, MPI.COMM_SELF, name="buffers are plain here")

# Codes.
check(T.fromcode("i") == MPI.INT and T.fromcode("f8") == MPI.DOUBLE and T.fromcode("S1") == MPI.CHAR, "fromcode")
equal([t.tocode() for t in (MPI.INT, MPI.INT32_T, MPI.C_BOOL, MPI.REAL8, MPI.COMPLEX, MPI.WCHAR, MPI.AINT)],
      ["i", "i4", "b1", "f8", "F", "U", "p"], "tocode")
equal([(t.typestr, t.typechar) for t in (MPI.INT, MPI.DOUBLE, MPI.CHAR, MPI.INT64_T, MPI.DATATYPE_NULL)],
      [("i4", "i"), ("f8", "d"), ("S1", "c"), ("i8", "l"), ("", "")], "typestr and typechar")
equal((MPI.DOUBLE_INT.typestr, MPI.DOUBLE_INT.typechar), (f"V{MPI.DOUBLE_INT.extent}", "V"), "of what has no code")
check(all(T.fromcode(code) == t and MPI._typecode(t) for code, t in MPI._typedict.items()), "_typedict")
equal([MPI._typealign(t) for t in (MPI.BYTE, MPI.INT, MPI.C_DOUBLE_COMPLEX, MPI.DOUBLE_INT, nested)], [1, 4, 8, 8, None], "_typealign")
equal(MPI._typecode(MPI.INT.Dup()), "i", "copies have the code of the original")
for code in (">i4", "V8", "int", "", None):
    raises(ValueError, "cannot map", T.fromcode, code, name=f"{code!r} is no code")
raises(ValueError, "cannot map", MPI.DOUBLE_INT.tocode, name="nor have pairs one")
made = MPI._datatype_create(MPI.INT, "VECTOR", {"count": 2, "blocklength": 1, "stride": 2})
equal(MPI._datatype_decode(made)[1], "VECTOR", "made of what decode() says")
raises(AttributeError, "", MPI._datatype_create, MPI.INT, "NAMED", {}, name="a named type is not made")

# All predefined types that are there can be asked and travel.
there = {n: t for n, t in vars(MPI).items() if isinstance(t, MPI.Datatype) and t}
wrong = [n for n, t in there.items() if t.extent < t.size and not n.endswith("_INT") or not t.is_named]
equal(wrong, [], "predefined types have sizes")
wrong = []
for name, t in there.items():
    if t in (MPI.PACKED,):
        continue
    data, copy = np.ones(t.extent, dtype="u1"), np.zeros(t.extent, "u1")
    comm.Sendrecv([data, 1, t], comm.rank, 0, [copy, 1, t], comm.rank, 0)
    if copy[0] != data[0]:
        wrong.append(name)
equal(wrong, [], "predefined types travel")
check(pickle.loads(pickle.dumps(MPI.DOUBLE)) is MPI.DOUBLE, "and are pickled by name")
done()
