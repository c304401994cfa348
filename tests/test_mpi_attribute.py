"""Attributes of communicators, datatypes and windows."""
# ranks: 1 2 3

import gc
import sys
import weakref

from collio import MPI
from tap import check, done, equal, raises

world = MPI.COMM_WORLD
rank, size = world.rank, world.size


class Value:
    """An object whose life can be watched."""


# What MPI itself knows.
check(world.Get_attr(MPI.TAG_UB) >= 32767, "TAG_UB")
check(world.Get_attr(MPI.WTIME_IS_GLOBAL) in (0, 1, None), "WTIME_IS_GLOBAL")
check(isinstance(world.Get_attr(MPI.LASTUSEDCODE), int), "LASTUSEDCODE")
for name in ("IO", "UNIVERSE_SIZE", "APPNUM"):
    check(isinstance(world.Get_attr(getattr(MPI, name)), (int, type(None))), name)
raises(MPI.Exception, "", world.Get_attr, MPI.KEYVAL_INVALID, name="an invalid keyval")
raises(MPI.Exception, "", world.Set_attr, MPI.TAG_UB, 3, name="predefined attributes are not set")
raises(MPI.Exception, "", world.Delete_attr, MPI.TAG_UB, name="... or deleted")
raises(TypeError, "integer", world.Get_attr, "key", name="a keyval is an integer")
raises(TypeError, "copy_fn must be callable, bool or None", MPI.Comm.Create_keyval, 3, name="copy_fn is checked")
raises(TypeError, "delete_fn must be callable, bool or None", MPI.Comm.Create_keyval, None, 3, name="... and delete_fn")
raises(MPI.Exception, "", MPI.Comm.Free_keyval, MPI.KEYVAL_INVALID, name="... and what is freed")


def make_comm():
    return world.Dup()


def make_type():
    return MPI.INT.Dup()


MAKERS = [(MPI.Comm, make_comm), (MPI.Datatype, make_type)]


def try_class(cls, make):
    """What holds for every class that has attributes and can be duplicated."""
    name = cls.__name__
    seen = []

    def copy(owner, keyval, value):
        seen.append(("copy", owner, keyval, value))
        return NotImplemented if value == "stay" else [value]

    def delete(owner, keyval, value):
        seen.append(("delete", owner, keyval, value))

    thing = make()
    for function, wanted in [(None, None), (False, None), (True, "value")]:
        keyval = cls.Create_keyval(function)
        equal(thing.Get_attr(keyval), None, f"{name}: no attribute yet")
        thing.Set_attr(keyval, "value")
        equal(thing.Get_attr(keyval), "value", f"{name}: Set_attr")
        other = thing.Dup()
        equal(other.Get_attr(keyval), wanted, f"{name}: copied or not by copy_fn={function}")
        other.Free()
        thing.Delete_attr(keyval)
        equal(thing.Get_attr(keyval), None, f"{name}: Delete_attr")
        equal(cls.Free_keyval(keyval), MPI.KEYVAL_INVALID, f"{name}: Free_keyval")

    keyval = cls.Create_keyval(copy, delete)
    thing.Set_attr(keyval, 1)
    thing.Set_attr(keyval, 2)
    equal(seen, [("delete", thing, keyval, 1)], f"{name}: a new value deletes the old one")
    seen.clear()
    other = thing.Dup()
    equal(seen, [("copy", thing, keyval, 2)], f"{name}: copy_fn is called")
    check(type(seen.pop()[1]) is type(thing), f"{name}: ... with an object of the class")
    equal(other.Get_attr(keyval), [2], f"{name}: ... and what it returns is set")
    other.Delete_attr(keyval)
    equal(seen.pop(), ("delete", other, keyval, [2]), f"{name}: delete_fn is called")
    other.Free()
    equal(seen, [], f"{name}: ... once")
    thing.Set_attr(keyval, "stay")
    seen.clear()
    other = thing.Dup()
    equal(other.Get_attr(keyval), None, f"{name}: NotImplemented is not copied")
    other.Free()
    cls.Free_keyval(keyval)
    seen.clear()
    thing.Free()
    equal([s[0] for s in seen], ["delete"], f"{name}: freeing deletes, even with a freed keyval")

    # Integers that C shares.
    thing = make()
    keyval = cls.Create_keyval(lambda owner, key, value: value + 1, delete, nopython=True)
    seen.clear()
    thing.Set_attr(keyval, -5)
    equal(thing.Get_attr(keyval), sys.maxsize * 2 + 2 - 5, f"{name}: nopython keeps an integer like an address")
    other = thing.Dup()
    equal(other.Get_attr(keyval), sys.maxsize * 2 + 2 - 4, f"{name}: ... and gives it to copy_fn")
    other.Free()
    equal(seen[-1][3], sys.maxsize * 2 + 2 - 4, f"{name}: ... and to delete_fn")
    raises(TypeError, "", thing.Set_attr, keyval, "text", name=f"{name}: ... and takes nothing else")
    cls.Free_keyval(keyval)
    thing.Free()

    # Lives: nothing is held that MPI does not hold.
    thing, value = make(), Value()
    watch = weakref.ref(value)
    keyval = cls.Create_keyval(watched := lambda owner, key, value: value)
    watch_function = weakref.ref(watched)
    thing.Set_attr(keyval, value)
    other = thing.Dup()
    del value, watched
    gc.collect()
    check(watch() is not None and other.Get_attr(keyval) is watch(), f"{name}: an attribute keeps its value")
    check(keyval in MPI._keyval_registry[name], f"{name}: the registry knows the keyval")
    cls.Free_keyval(keyval)
    check(keyval not in MPI._keyval_registry[name], f"{name}: ... until it is freed")
    thing.Free()
    gc.collect()
    check(watch() is not None and watch_function() is not None, f"{name}: ... as long as one is left")
    other.Free()
    gc.collect()
    check(watch() is None, f"{name}: then the value goes")
    check(watch_function() is None, f"{name}: ... and the keyval's functions")

    # Exceptions in the user's functions.
    def fail(owner, keyval, value):
        raise KeyError("refused")

    thing = make()
    keyval = cls.Create_keyval(fail)
    thing.Set_attr(keyval, 1)
    error = raises(Exception, "", thing.Dup, name=f"{name}: an exception in copy_fn")
    check(isinstance(error, MPI.Exception), f"{name}: ... is MPI's")
    check(isinstance(error.__cause__, KeyError), f"{name}: ... caused by the function's")
    thing.Delete_attr(keyval)
    cls.Free_keyval(keyval)
    keyval = cls.Create_keyval(lambda owner, key, value: "text", nopython=True)
    thing.Set_attr(keyval, 1)
    error = raises(MPI.Exception, "", thing.Dup, name=f"{name}: copy_fn must return an integer with nopython")
    check(isinstance(error.__cause__, TypeError), f"{name}: ... which is said")
    thing.Delete_attr(keyval)
    cls.Free_keyval(keyval)
    refuse = [True]
    keyval = cls.Create_keyval(None, lambda *args: refuse and fail(*args))
    thing.Set_attr(keyval, 1)
    error = raises(Exception, "", thing.Delete_attr, keyval, name=f"{name}: an exception in delete_fn")
    check(isinstance(error, MPI.Exception) and isinstance(error.__cause__, KeyError), f"{name}: ... is told")
    equal(error and error.error_class, MPI.ERR_OTHER, f"{name}: ... as an error of class OTHER")
    check(thing.Get_attr(keyval) is None, f"{name}: ... and the attribute is gone")
    heard, hook = [], sys.unraisablehook
    sys.unraisablehook = lambda told: heard.append(told.exc_type)
    thing.Set_attr(keyval, 2)
    thing.Set_attr(keyval, 3)
    equal((thing.Get_attr(keyval), heard), (3, [KeyError]), f"{name}: a new value comes all the same")
    other = make()
    other.Set_attr(keyval, 4)
    other.Free()
    sys.unraisablehook = hook
    check(not other and heard == [KeyError] * 2, f"{name}: and its owner can be freed")
    refuse.clear()
    cls.Free_keyval(keyval)
    thing.Free()


for cls, make in MAKERS:
    try_class(cls, make)

# One rank errs, in a call that is its own affair.
keyval = MPI.Datatype.Create_keyval(lambda owner, key, value: 1 / 0 if value == size - 1 else value)
kind = MPI.INT.Dup()
kind.Set_attr(keyval, rank)
try:
    kind.Dup().Free()
    failed = False
except MPI.Exception:
    failed = True
equal(world.allgather(failed), [False] * (size - 1) + [True], "copy_fn fails on one rank only")
kind.Free()
MPI.Datatype.Free_keyval(keyval)

# One rank errs, in a call of all: nobody has the duplicate, nobody waits.
keyval = MPI.Comm.Create_keyval(lambda owner, key, value: 1 / 0 if value == size - 1 else value)
for owner in world.Create(world.group), world.Split(0):
    owner.Set_attr(keyval, rank)
    for call in owner.Dup, owner.Clone, lambda: owner.Dup_with_info(MPI.INFO_NULL):
        error = raises(MPI.Exception, f"rank {size - 1}", call, name="copy_fn of a communicator fails on one rank")
        check(isinstance(error.__cause__, ZeroDivisionError) == (rank == size - 1), "... which has the cause")
    equal(owner.allreduce(1), size, "... and the communicator is as good as before")
    owner.Delete_attr(keyval)
    owner.Dup().Free()
    owner.Free()
MPI.Comm.Free_keyval(keyval)

# A datatype that dies with its attribute; nothing can be raised there.
keyval = MPI.Datatype.Create_keyval(None, lambda *args: gone.append(1))
gone = []
kind = MPI.INT.Dup()
kind.Set_attr(keyval, "value")
del kind
gc.collect()
equal(gone, [1], "a datatype that is garbage deletes its attributes")
MPI.Datatype.Free_keyval(keyval)
done()
