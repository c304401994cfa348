"""MPI.buffer, memory of MPI's, addresses, and what else is taken for a buffer."""
# ranks: 1

import array
import ctypes
import mmap
import pickle

import numpy as np

from collio import MPI
from tap import check, done, equal, raises

B, comm = MPI.buffer, MPI.COMM_SELF
check(MPI.memory is B, "memory is another name of it")

# Made of objects, of nothing, by address.
text = bytearray(b"hello")
b = B(text)
equal((len(b), b.nbytes, b.readonly, b.format, b.itemsize, b.obj is text), (5, 5, False, "B", 1, True), "of a bytearray")
raises(BufferError, "", text.extend, b"x", name="which cannot be resized meanwhile")
empty = B()
equal((len(empty), empty.address, empty.obj, bytes(empty)), (0, 0, None, b""), "of nothing")
check(not empty and b and B(b"x").readonly, "truth and protection")
numbers = np.arange(6, dtype="i4")
b4 = B(numbers)
equal((b4.nbytes, b4.itemsize, b4.address == numbers.ctypes.data), (24, 4, True), "of an array")
equal(B(np.zeros((4, 3)).T).nbytes, 96, "in Fortran order, too")
raises(BufferError, "contiguous", B, numbers[::2], name="not of parts of it")
raises(TypeError, "bytes-like", B, 5, name="nor of a number")
new = B.allocate(8, clear=True)
equal((new.tobytes(), len(B.allocate(0))), (bytes(8), 0), "allocate")
raises(ValueError, "non-negative", B.allocate, -1, name="not less than nothing")
check(B.frombuffer(text, readonly=True).readonly, "frombuffer")
raises(BufferError, "not writable", B.frombuffer, b"abc", name="which must be writable")
same = B.fromaddress(numbers.ctypes.data, numbers.nbytes)
equal(np.frombuffer(same, "i4"), numbers, "fromaddress")
raises(ValueError, "non-NULL", B.fromaddress, 0, 5, name="somewhere")
raises(ValueError, "non-negative", B.fromaddress, 5, -1, name="of some length")

# Items and slices.
b[0], b[-1] = ord("H"), ord("O")
b[1:3] = b"EL"
equal((b[0], b[-1], b.tobytes(), text), (72, 79, b"HELlO", bytearray(b"HELlO")), "items and slices are stored")
part = b[1:4]
equal((part.tobytes(), part.obj is text), (b"ELl", True), "slices share memory")
part[:] = 120
equal(text, bytearray(b"HxxxO"), "one byte for all of a slice")
raises(IndexError, "out of range", lambda: b[5], name="no item")
raises(IndexError, "step", lambda: b[::2], name="no steps")
raises(TypeError, "index", lambda: b["a"], name="no names")
raises(OverflowError, "256", b.__setitem__, 0, 256, name="no byte")
raises(ValueError, "length", b.__setitem__, slice(0, 2), b"x", name="no shorter slice")
raises(TypeError, "read-only", B(b"abc").__setitem__, 0, 1, name="nor in read-only memory")

# As memoryviews.
equal((b4.cast("i").tolist(), b4.cast("i", [2, 3]).shape), (list(range(6)), (2, 3)), "cast")
check(b4.toreadonly().readonly and not b4.readonly, "toreadonly")
view = memoryview(b)
raises(BufferError, "exports", b.release, name="no release while views are in use")
view.release()
del part
b.release()
equal((len(b), b.obj, b.address), (0, None, 0), "release")
text.extend(b"!")

# MPI's memory and addresses.
mem = MPI.Alloc_mem(16)
mem[:] = bytes(range(16))
equal((len(mem), mem[15]), (16, 15), "Alloc_mem")
MPI.Free_mem(mem)
equal(len(mem), 0, "Free_mem takes the memory away")
MPI.Free_mem(mem)
raises(ValueError, "Alloc_mem", MPI.Free_mem, B.allocate(4), name="and only its own")
raises(TypeError, "buffer", MPI.Free_mem, bytearray(4), name="nor other objects")
equal(MPI.Get_address(numbers), numbers.ctypes.data, "Get_address")
equal((MPI.Get_address(MPI.BOTTOM), MPI.Aint_add(5, 3), MPI.Aint_diff(3, 5)), (0, 8, -2), "Aint_add and Aint_diff")
far = np.array([7.0])
MPI.COMM_SELF.Sendrecv([MPI.BOTTOM, 1, MPI.Datatype.Create_struct([1], [MPI.Get_address(far)], [MPI.DOUBLE]).Commit()], 0, 0, mine := np.zeros(1), 0, 0)
equal(mine, far, "BOTTOM and an absolute address")

# Objects that stand for addresses.
for name, value, true in ("IN_PLACE", None, True), ("BOTTOM", 0, False), ("BUFFER_AUTOMATIC", None, None):
    special = getattr(MPI, name)
    check(special == int(special) and special != None and hash(special) == hash(int(special)), f"{name} is the number it stands for")
    check(type(special)() is special and pickle.loads(pickle.dumps(special)) is special, f"there is one {name}")
    equal((repr(special), bytes(memoryview(special))), (name, b""), f"{name} is empty")
    check((value is None or int(special) == value) and (true is None or bool(special) is true), f"value of {name}")


# What has buffers of other kinds.
class Lent:
    """An array by DLPack alone."""

    def __init__(self, data, device=(1, 0)):
        self.data, self.device = data, device

    def __dlpack__(self, **_):
        return self.data.__dlpack__()

    def __dlpack_device__(self):
        return self.device


class Described:
    """An array by its description alone."""

    def __init__(self, data):
        self.data = data

    @property
    def __array_interface__(self):
        return self.data.__array_interface__


class OnDevice:
    """An array of a GPU."""

    __cuda_array_interface__ = {"data": (8, False), "shape": (2,), "typestr": "<f8", "version": 2}


def sent(source, target):
    """The target after source was sent into it."""
    comm.Sendrecv(source, 0, 0, target, 0, 0)
    return target


for dtype in "f8", "c16", "i2", "u1":
    data, back = np.arange(1, 4).astype(dtype), np.zeros(3, dtype)
    sent(Lent(data), Lent(back))
    equal(back, data, f"DLPack, {dtype}")
matrix = np.zeros((2, 3), order="F")
sent(Lent(np.ones((2, 3), order="F")), Lent(matrix))
equal(matrix.sum(), np.float64(6), "DLPack, Fortran order")
raises(BufferError, "contiguous", sent, Lent(np.arange(6.0)[::2]), np.zeros(3), name="DLPack with gaps")
equal(sent(Lent(np.ones(2), (2, 0)), np.zeros(2)), np.ones(2), "DLPack of a device whose memory can be reached")
raises(BufferError, "device", sent, OnDevice(), np.zeros(2), name="an array of a GPU")
described = np.zeros(3)
sent(np.ones(3), Described(described))
equal(described, np.ones(3), "__array_interface__")
equal(B(Lent(np.ones(2))).nbytes, 16, "a buffer of it")
equal(sent(array.array("h", [1, 2]), array.array("h", [0, 0])).tolist(), [1, 2], "array.array")
mapped = mmap.mmap(-1, 16)
mapped[:] = bytes(range(16))
equal(sent(mapped, bytearray(16)), bytearray(range(16)), "mmap")
equal(list(sent((ctypes.c_double * 2)(1, 2), (ctypes.c_double * 2)())), [1.0, 2.0], "ctypes")
equal(sent(memoryview(b"abc"), bytearray(3)), bytearray(b"abc"), "memoryview")
equal(sent(np.array([5], "M8[s]").view("i8"), np.zeros(1, "i8")), np.array([5]), "dates by their integers")
raises(KeyError, "cannot map", sent, np.zeros(2, "i4,f8"), np.zeros(2, "i4,f8"), name="records need a datatype")
raises(TypeError, "buffer", sent, 5, np.zeros(2), name="a number is no buffer")
raises(TypeError, "buffer", sent, "text", np.zeros(2), name="a str is none")

# A user's operation sees buffers, which end with the call.
seen = []


def subtract(a, b, datatype):
    seen.append((type(a), datatype == MPI.DOUBLE, len(a), b.readonly))
    seen.append(a)
    x, y = np.frombuffer(a, "d"), np.frombuffer(b, "d")
    y[:] = x - y


op = MPI.Op.Create(subtract)
result = np.array([1.0, 2.0])
op.Reduce_local(np.array([5.0, 5.0]), result)
equal(result, np.array([4.0, 3.0]), "a user's operation")
equal(seen[0], (B, True, 16, False), "is given buffers")
op.Free()
many = [MPI.Op.Create(subtract) for _ in range(64)]
raises(RuntimeError, "at most 64", MPI.Op.Create, subtract, name="64 at a time")
for one in many:
    one.Free()
raises(TypeError, "callable", MPI.Op.Create, 5, name="an operation is a function")
done()
