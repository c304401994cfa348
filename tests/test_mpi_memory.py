"""What counts as memory and how its parts are named: arrays of other libraries, texts, lists of counts."""
# ranks: 1 2

import array
import ctypes

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm, alone = MPI.COMM_WORLD, MPI.COMM_SELF
rank, size = comm.rank, comm.size


def sent(data):
    """The bytes that arrive when `data` are sent."""
    room, status = bytearray(400), MPI.Status()
    request = alone.Irecv(room, 0)
    try:
        alone.Send(data, 0)
    except BaseException:
        request.Cancel()
        request.Wait()
        raise
    request.Wait(status)
    return bytes(room[: status.Get_count()])


# ------------------------------------------------- arrays that lie, or say so, on a GPU


class Cuda:
    """An array by the protocol of GPUs' libraries; its memory is this process's own."""

    def __init__(self, array, **other):
        interface = dict(array.__array_interface__, version=3, **other)
        self.__cuda_array_interface__ = {key: value for key, value in interface.items() if value is not ...}
        self.array = array


numbers = np.arange(6.0)
equal(sent(Cuda(numbers)), numbers.tobytes(), "memory that can be reached is sent, whoever made it")
equal(sent([Cuda(numbers), MPI.DOUBLE]), numbers.tobytes(), "also in a list")
alone.Sendrecv(numbers + 1, 0, 0, Cuda(numbers), 0, 0)
equal(numbers, np.arange(1.0, 7.0), "and received into")
raises(BufferError, "mask", sent, Cuda(numbers, mask=numbers), name="masked arrays are refused")
raises(BufferError, "contiguous", sent, Cuda(numbers[::2]), name="so are gaps")
for key in "shape", "typestr", "data":
    raises(KeyError, key, sent, Cuda(numbers, **{key: ...}), name=f"a description without {key}")
raises(BufferError, "device", sent, Cuda(numbers, data=(16, False)), name="memory that cannot be reached")


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p), ("offset", ctypes.c_uint64)]


DELETE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Managed(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("delete", DELETE)]


class Versioned(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32 * 2), ("context", ctypes.c_void_p), ("delete", DELETE),
                ("flags", ctypes.c_uint64), ("tensor", Tensor)]


new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class Lent:
    """An array by DLPack, with whatever is asked for in its description."""

    def __init__(self, array, versioned=False, device=1, code=2, bits=64, shape=None, flags=0, major=1, name=None, **other):
        self.shape = (ctypes.c_int64 * 4)(*(array.shape if shape is None else shape))
        self.array, self.deleted = array, 0
        self.delete = DELETE(self.forget)
        self.managed = Versioned() if versioned else Managed()
        self.managed.delete = self.delete
        self.managed.tensor = Tensor(data=array.ctypes.data, device=(device, 0), code=code, bits=bits, lanes=1,
                                     shape=ctypes.addressof(self.shape))
        self.managed.tensor.ndim = len(array.shape if shape is None else shape)
        for key, value in other.items():
            setattr(self.managed.tensor, key, value)
        if versioned:
            self.managed.version[0], self.managed.flags = major, flags
        self.name = name or (b"dltensor_versioned" if versioned else b"dltensor")

    def forget(self, _):
        self.deleted += 1

    def __dlpack_device__(self):
        return self.managed.tensor.device[0], 0

    def __dlpack__(self, **version):
        return new_capsule(ctypes.addressof(self.managed), self.name, None)


class Old(Lent):
    def __dlpack__(self):
        return super().__dlpack__()


for kind, keywords in (Lent, {}), (Lent, {"versioned": True}), (Old, {}), (Lent, {"device": 2}), (Lent, {"device": 13}):
    lent = kind(numbers, **keywords)
    equal(sent(lent), numbers.tobytes(), f"DLPack: {kind.__name__} {keywords}")
    equal(lent.deleted, 1, "and given back once")
lent = Lent(numbers, versioned=True, flags=1)
equal(sent(lent), numbers.tobytes(), "DLPack: read-only memory is sent")
raises(BufferError, "read-only", alone.Recv, lent, 0, name="and not received into")
for keywords in ({"code": 3}, {"bits": 7}, {"bits": 0}, {"lanes": 2}, {"shape": (-1,)}, {"ndim": -1}, {"data": None},
                 {"name": b"used_dltensor"}, {"versioned": True, "major": 2}, {"strides": 0, "bits": 24},
                 {"device": 2, "data": 16}):
    raises(BufferError, None, sent, Lent(numbers, **keywords), name=f"DLPack: {keywords} is refused")

# -------------------------------------------------------------------- elements that are no numbers

equal(sent(ctypes.create_string_buffer(b"hi")), b"hi\0", "characters of C")
equal(sent(np.array([b"a", b"b"])), b"ab", "texts of one byte")
equal(sent(np.array(["a"])), "a".encode("utf-32-le" if ctypes.c_int(1) and np.little_endian else "utf-32-be"),
      "texts of one character")
raises(KeyError, "cannot map", sent, np.array([b"abc"]), name="longer ones are no elements")
swapped = (ctypes.c_int.__ctype_be__ if np.little_endian else ctypes.c_int.__ctype_le__) * 2
raises(BufferError, "byte order", sent, swapped(), name="the other byte order is refused")

# ---------------------------------------------------------------- counts and displacements

room = np.zeros(5 * size)
give = np.full(2, rank + 1.0)
for form in [room, 3, 4, "d"], [room, (3, 4), MPI.DOUBLE], [room, (3, 4)], [room, np.array(3), 4, "d"]:
    room[:] = 0
    comm.Gatherv(give, form if rank == 0 else None)
    if rank == 0:
        equal(np.flatnonzero(room), np.sort(np.r_[4 * np.arange(size), 4 * np.arange(size) + 1]),
              "a single displacement is the distance between parts")
    else:
        check(True, "elsewhere nothing")
raises(ValueError, "(count, displacement)", comm.Allgatherv, give, [room, (1, 2, 3), "d"],
       name="a tuple is a pair of counts and displacements")
raises(ValueError, "(count, displacement)", comm.Allgather, give, [room, (1,), "d"], name="so it is of one part")
raises(ValueError, "null", sent, [numbers, MPI.DATATYPE_NULL], name="the null type has no size")
raises(TypeError, "buffer", alone.Gatherv, give, None, name="None is no room for what the root receives")

# ------------------------------------------------------------------- handles that are null, errors

equal(MPI.DATATYPE_NULL.Get_name(), "MPI_DATATYPE_NULL", "the null type has a name")
equal(MPI.WIN_NULL.name, "MPI_WIN_NULL", "the null window, too")
equal(len(MPI.INFO_NULL), 0, "no hints are an empty mapping")
raises(MPI.Exception, None, MPI.INFO_NULL.Get_nkeys, name="of which MPI is not asked")
equal(repr(MPI.Exception(3)), "MPI.Exception(3)", "repr of an error")
equal(MPI.Exception().args, (0,), "no code is success")
equal(int(MPI.Exception(ierr=-5)), MPI.ERR_UNKNOWN, "a negative code is no code")
raises(TypeError, None, MPI.Exception, "text", name="a code is a number")
check(type(MPI.Status.__hash__) is type(None), "a status can change, so it has no hash")
try:  # newer MPICH notices nothing here
    alone.Gatherv(np.arange(6.0), bytearray(4))
    story = ""
except MPI.Exception as error:
    story = str(error)
check(len(story) < MPI.MAX_ERROR_STRING, "an error with a long story is told as far as MPI has room for it")

pickle = MPI.Pickle()
standard = pickle.THRESHOLD, pickle.PROTOCOL
equal(pickle.THRESHOLD, 2**18, "the threshold of dumps_oob")
pickle.THRESHOLD, pickle.PROTOCOL = 0, 2
equal((pickle.THRESHOLD, pickle.PROTOCOL), (0, 2), "threshold and protocol can be set")
pickle.THRESHOLD = pickle.PROTOCOL = None
equal((pickle.THRESHOLD, pickle.PROTOCOL), standard, "and set back")
data, buffers = pickle.dumps_oob(np.arange(1 << 16))
check([type(part) for part in buffers] == [MPI.buffer], "large memory goes out of band as MPI.buffer")
equal(pickle.loads_oob(data, buffers), np.arange(1 << 16), "and comes back")
done()
