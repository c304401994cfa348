"""What all handles have in common, and groups, hints, statuses and operations in full."""
# ranks: 1 2 3

import pickle

import numpy as np

from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size

# Handles as integers and as memory.
op = MPI.Op.Create(lambda a, b, datatype: None)
info = MPI.Info.Create({"a": "1", "b": "2"})
group = comm.Get_group()
samples = [MPI.COMM_WORLD, MPI.INT, MPI.INT.Dup(), group, info, op, MPI.SUM, MPI.REQUEST_NULL, MPI.MESSAGE_NO_PROC,
           MPI.FILE_NULL, MPI.ERRORS_RETURN, MPI.DATATYPE_NULL]
for one in samples:
    name, cls = repr(one).split(" at ")[0], type(one)
    check(cls.fromhandle(one.handle) == one and cls.fromhandle(one.tohandle()) == one, f"fromhandle: {name}")
    check(cls.fromint(one.toint()) == one and cls.f2py(one.py2f()) == one, f"fromint: {name}")
    check(type(cls.fromhandle(one.handle)) is cls, f"class: {name}")
    equal(MPI._handleof(one), one.handle, f"_handleof: {name}")
    check(MPI._sizeof(one) == MPI._sizeof(cls) in (4, 8) and MPI._addressof(one) > 0, f"_sizeof, _addressof: {name}")
    raw = MPI.buffer.fromaddress(MPI._addressof(one), MPI._sizeof(one)).tobytes()
    equal(int.from_bytes(raw, "little"), one.handle % 256 ** len(raw), f"memory: {name}")
    check(one == cls(one) and one != 5 and cls(one) is not one, f"comparison: {name}")
    raises(TypeError, "unhashable", hash, one, name=f"hash: {name}")
    raises(TypeError, "", lambda: one < one, name=f"order: {name}")
    check(bool(one) == (one != cls()), f"truth: {name}")
raises(TypeError, "", MPI.Datatype, MPI.SUM, name="a handle of another kind")
raises(OverflowError, "", MPI.Datatype.fromhandle, -1, name="handles are not negative")
raises(TypeError, "MPI type", MPI._sizeof, 5, name="numbers are no handles")
raises(TypeError, "MPI instance", MPI._addressof, MPI.Comm, name="classes have no address")

# free() does nothing where Free() would fail.
for one in (MPI.INT, MPI.COMM_WORLD, MPI.SUM, MPI.GROUP_EMPTY, MPI.INFO_NULL, MPI.FILE_NULL, MPI.Request(), MPI.Message(), MPI.Datatype()):
    one.free()
check(MPI.INT and MPI.COMM_WORLD and MPI.SUM and MPI.GROUP_EMPTY, "predefined handles are not freed")
duplicate = MPI.INT.Dup()
other = MPI.Datatype(duplicate)
other.free()
check(not other, "free() frees")
del duplicate, other  # the owner does not free once more what may be another type's by now
MPI.GROUP_EMPTY.Free()
equal(MPI.GROUP_EMPTY.size, 0, "the empty group stays")

# Pickles.
for one in (MPI.COMM_WORLD, MPI.INT, MPI.SUM, MPI.GROUP_EMPTY, MPI.INFO_NULL, MPI.REQUEST_NULL, MPI.FILE_NULL):
    check(pickle.loads(pickle.dumps(one)) is one, f"pickled by name: {one!r}")
check(pickle.loads(pickle.dumps(MPI.Datatype(MPI.INT))) == MPI.INT, "a copy of a predefined handle is pickled")
equal(pickle.loads(pickle.dumps(info)).items(), info.items(), "hints are pickled")
raises(ValueError, "cannot serialize", pickle.dumps, group, name="groups are not")
raises(ValueError, "cannot serialize", pickle.dumps, comm.Isend(b"", MPI.PROC_NULL), name="nor requests")


def first(a, b, datatype):
    """The first of two objects."""
    return a


combined = MPI.Op.Create(first, True)
again = pickle.loads(pickle.dumps(combined))
equal((again(1, 2), again.is_commutative, again.is_predefined), (1, True, False), "operations are pickled with their function")
for one in (combined, again, op):
    one.Free()
raises(ValueError, "", combined, 1, 2, name="a freed operation")

# Groups.
reversed_ = group.Incl(range(size - 1, -1, -1))
equal(group.Translate_ranks(group=reversed_), list(range(size - 1, -1, -1)), "Translate_ranks")
equal(MPI.Group.Translate_ranks(group, [0, MPI.PROC_NULL], reversed_), [size - 1, MPI.PROC_NULL], "of some")
equal(group.Range_incl([(size - 1, 0, -1)]).Compare(reversed_), MPI.IDENT, "Range_incl")
equal(group.Range_excl([(0, size - 1, 1)]).size, 0, "Range_excl")
check(MPI.Group.Intersect(group, reversed_).Compare(group) in (MPI.IDENT, MPI.SIMILAR), "Intersect")
equal(MPI.Group.Difference(group, group).size, 0, "Difference")
raises(MPI.Exception, "", group.Range_incl, [(0, size, 1)], name="ranks beyond the group")
raises(ValueError, "(first, last, stride)", group.Range_incl, [(0, 1)], name="ranges of two numbers")

# Hints as a mapping.
equal((len(info), list(info), info["a"], "a" in info, "z" in info), (2, ["a", "b"], "1", True, False), "a mapping")
equal((info.pop("a"), info.pop("a", "none"), info.popitem(), len(info)), ("1", "none", ("b", "2"), 0), "pop and popitem")
for call in (info.popitem, lambda: info.pop("a"), lambda: info["a"], lambda: info.__delitem__("a"), lambda: MPI.Info().update(a="1")):
    raises(KeyError, "", call, name="what is not there")
info.update([("x", "1")], y="2")
copy = info.copy()
info.clear()
equal((info.items(), copy.items(), MPI.Info().copy().items()), ([], [("x", "1"), ("y", "2")], []), "update, copy and clear")
equal((len(MPI.Info()), MPI.Info().get("a", "d"), MPI.Info().keys()), (0, "d", []), "no hints")
check(isinstance(MPI.Info.Create_env(["program", "argument"]), MPI.Info), "Create_env")
raises(TypeError, "", MPI.Info.Create_env, [5], name="of texts")

# Statuses.
status = MPI.Status()
status.source, status.tag, status.error, status.count, status.cancelled = 1, 2, MPI.ERR_TAG, 12, True
again = pickle.loads(pickle.dumps(status))
equal((again.source, again.tag, again.error, again.count, again.cancelled), (1, 2, MPI.ERR_TAG, 12, True), "a status is pickled")
equal((status.Get_count(MPI.INT), status.Get_elements(MPI.INT), status.Get_count(MPI.DOUBLE)), (3, 3, MPI.UNDEFINED), "counts")
check(MPI.Status.f2py(status.py2f()) == status == MPI.Status(status), "a status of Fortran")
memory = status.tomemory()
equal((memory.nbytes, memory.format, memory.readonly), (MPI._sizeof(status), "i", False), "a status in memory")
raises(IndexError, "integers", MPI.Status.f2py, [1], name="a status of Fortran that is too short")
raises(AttributeError, "deleted", lambda: delattr(status, "count"), name="attributes stay")

# Operations on objects.
wanted = {"MAX": 3, "MIN": 2, "SUM": 5, "PROD": 6, "LAND": True, "BAND": 2, "LOR": True, "BOR": 3, "LXOR": False, "BXOR": 1, "REPLACE": 3, "NO_OP": 2}
equal({name: getattr(MPI, name)(2, 3) for name in wanted}, wanted, "operations combine objects")
equal((MPI.MAXLOC((1, 2), (1, 1)), MPI.MINLOC((1, 2), (3, 1))), ((1, 1), (1, 2)), "with their places")
equal(MPI.Op.fromhandle(MPI.SUM.handle)([1], [2]), [1, 2], "also by another object")
raises(ValueError, "", MPI.OP_NULL, 1, 2, name="the null operation does not")
local = np.array([1.0, 2.0])
MPI.PROD.Reduce_local(np.array([3.0, 4.0]), local)
equal(local, np.array([3.0, 8.0]), "Reduce_local")
check(MPI.SUM.is_commutative and MPI.SUM.is_predefined, "properties")

# About the library.
vendor, version = MPI.get_vendor()
check(vendor in MPI.Get_library_version() and len(version) == 3, "get_vendor")
MPI.Pcontrol(1)
equal((MPI.Get_abi_info()["mpi_aint_size"], len(MPI.Get_abi_version())), ("8", 2), "sizes of MPI's integers")
done()
