"""collio.util: datatypes from NumPy's types and back, and the names of pkl5."""
# ranks: 1 2 3 4

import ast
import pathlib

import numpy as np
from collio import MPI
from collio.util import dtlib, pkl5
from tap import check, done, equal, raises

comm, rank, size = MPI.COMM_WORLD, MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size
right, left = (rank + 1) % size, (rank - 1) % size

# --------------------------------------------------------------- there and back again
POINT = np.dtype([("id", "i2"), ("place", "f8", (3,)), ("flags", "i1", (2, 2))])
for dtype in [*map(np.dtype, "?bBhHiIlLqQfdgFDG"), np.dtype(("f4", (5,))), np.dtype(("i4", (2, 3))), POINT,
              np.dtype("i4,f8", align=True), np.dtype([("inner", POINT, (2,)), ("last", "c16")])]:
    datatype = dtlib.from_numpy_dtype(dtype)
    equal((datatype.Get_size() <= dtype.itemsize, datatype.extent), (True, dtype.itemsize), f"the extent of {dtype}")
    found = dtlib.to_numpy_dtype(datatype)
    equal((found.itemsize, found.alignment if dtype.isalignedstruct else 0),
          (dtype.itemsize, dtype.alignment if dtype.isalignedstruct else 0), f"{dtype} comes back")
    if not dtype.fields:
        equal(found, dtype, "... as it was")
    check(not datatype.is_predefined, "what is made may be freed")
    datatype.Free()
scattered = np.dtype({"names": ["b", "a"], "formats": ["f8", "i4"], "offsets": [8, 0], "itemsize": 24})
found = dtlib.to_numpy_dtype(dtlib.from_numpy_dtype(scattered))
equal([(found.fields[n][0].char, found.fields[n][1]) for n in found.names], [("d", 8), ("i", 0)], "fields lie where they lay")
equal(found.itemsize, 24, "... with the gap behind them")
for wrong, text in ("O", "objects"), (">i4", "byte order"), ([("a", "O")], "objects"), ([("a", "i4"), ("b", ">f8")], "byte order"):
    raises(ValueError, text, dtlib.from_numpy_dtype, wrong, name=f"{wrong} cannot be sent")

# ------------------------------------------------------------ as data are really moved
points = np.zeros(4, POINT)
points["id"], points["place"], points["flags"] = rank, rank + 0.5, 1
other = np.zeros_like(points)
datatype = dtlib.from_numpy_dtype(POINT).Commit()
comm.Sendrecv([points, 4, datatype], right, 0, [other, 4, datatype], left, 0)
points["id"], points["place"] = left, left + 0.5
equal(other, points, "structures sent with their datatype arrive")
datatype.Free()

# ------------------------------------------------------------------ types with gaps
INT, F = MPI.INT, MPI.ORDER_FORTRAN


def layout(datatype):
    found = dtlib.to_numpy_dtype(datatype)
    return [(found.fields[n][0].shape, found.fields[n][1]) for n in found.names], found.itemsize, found.isalignedstruct


equal(layout(INT.Create_vector(2, 3, 4)), ([((3,), 0), ((3,), 16)], 28, True), "a vector")
crooked = INT.Create_hvector(2, 1, 7)
equal(layout(crooked), ([((1,), 0), ((1,), 7)], crooked.extent, False), "one whose bytes are not aligned")
equal(layout(INT.Create_indexed([1, 2], [0, 3])), ([((1,), 0), ((2,), 12)], 20, True), "an indexed type")
equal(layout(INT.Create_hindexed([1, 2], [0, 6])), ([((1,), 0), ((2,), 6)], 14, False), "one in bytes")
equal(layout(INT.Create_indexed_block(2, [0, 4])), ([((2,), 0), ((2,), 16)], 24, True), "one of equal blocks")
equal(layout(INT.Create_hindexed_block(2, [0, 8])), ([((2,), 0), ((2,), 8)], 16, True), "... in bytes")
plain = MPI.Datatype.Create_struct([1, 2], [0, 8], [INT, MPI.DOUBLE])
equal(layout(plain), ([((), 0), ((2,), 8)], 24, True), "a struct")
equal(layout(plain.Create_resized(0, 40)), ([((), 0), ((2,), 8)], 40, True), "... with a gap behind")
equal(dtlib.to_numpy_dtype(INT.Create_subarray([2, 3], [2, 3], [0, 0], F)), np.dtype(("i4", (3, 2))), "a whole array")
equal(dtlib.to_numpy_dtype(MPI.DOUBLE_INT), np.dtype("f8,i4", align=True), "a pair for MAXLOC")
equal(dtlib.to_numpy_dtype(INT.Dup()), np.dtype("i4"), "a duplicate")
for wrong in MPI.DATATYPE_NULL, INT.Create_subarray([3], [2], [0]), INT.Create_resized(0, 8):
    raises(ValueError, "type", dtlib.to_numpy_dtype, wrong, name="NumPy has nothing like it")

# ---------------------------------------------------------------------------- pkl5
check(issubclass(pkl5.Intracomm, (pkl5.Comm, MPI.Intracomm)) and issubclass(pkl5.Intercomm, MPI.Intercomm), "classes of pkl5")
world = pkl5.Intracomm(comm)
equal((world == comm, type(world), world.rank), (True, pkl5.Intracomm, rank), "a second object for the communicator")
thing = {"rank": rank, "array": np.full(100_000, rank)}
request = world.isend(thing, right)
got = world.recv(source=left)
request.wait()
equal((got["rank"], got["array"]. tolist() == [left] * 100_000), (left, True), "sends and receives objects")
check(isinstance(request, pkl5.Request), "with requests of its own")
equal([item["rank"] for item in world.allgather(thing)], list(range(size)), "... and collects them")
raises(TypeError, "", pkl5.Intercomm, comm, name="one of one group is none of two")

# --------------------------------------------------------------------------- stubs
for module in dtlib, pkl5:
    stub = ast.parse(pathlib.Path(module.__file__).with_suffix(".pyi").read_text())
    told = {node.name for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    told |= {name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names} - {None}
    equal(told, set(module.__all__), f"{module.__name__} and its stub have the same names")

# -------------------------------------------------------- objects are reduced in rank order
def bracket(a, b):
    return f"({a}{b})"


wanted = "0"
for i in range(1, size):
    wanted = bracket(wanted, i)
equal(comm.allreduce(str(rank), op=bracket), wanted, "allreduce() of objects combines from rank 0 on")
equal(comm.reduce(str(rank), op=bracket, root=size - 1), wanted if rank == size - 1 else None, "so does reduce()")
done()
