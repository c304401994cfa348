"""Error handlers of communicators and files, and representations of the user's."""
# ranks: 1 2 3


import contextlib

import collio
import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD.Dup()
rank, size = comm.rank, comm.size
BAD_RANK = size + 5


def wrong(on=comm):
    """A call that fails."""
    on.Send([None, 0, MPI.INT], BAD_RANK)


# Predefined ones.
equal(MPI.COMM_WORLD.Get_errhandler(), MPI.ERRORS_RETURN, "by default errors are returned")
equal(comm.Get_errhandler(), MPI.ERRORS_RETURN, "... on new communicators too")
check(not MPI.ERRHANDLER_NULL and MPI.ERRORS_RETURN and not MPI.Errhandler(), "truth values")
check(MPI.ERRORS_RETURN != MPI.ERRORS_ARE_FATAL, "they differ")
equal(MPI.Errhandler(MPI.ERRORS_RETURN), MPI.ERRORS_RETURN, "a copy is equal")
MPI.ERRORS_RETURN.Free()
check(MPI.ERRORS_RETURN, "Free() leaves MPI's own as they are")
got = comm.Get_errhandler()
got.Free()
check(not got, "Free() of what Get_errhandler() gave")
comm.Set_errhandler(MPI.ERRORS_ARE_FATAL)
equal(comm.Get_errhandler(), MPI.ERRORS_ARE_FATAL, "Set_errhandler")
comm.Set_errhandler(MPI.ERRORS_RETURN)
comm.Call_errhandler(MPI.ERR_OTHER)
check(True, "Call_errhandler of ERRORS_RETURN does nothing")
raises(MPI.Exception, "", MPI.ERRHANDLER_NULL.Free, name="the null handler cannot be freed")
raises(MPI.Exception, "", comm.Set_errhandler, MPI.ERRHANDLER_NULL, name="... or set")
raises(MPI.Exception, "", MPI.COMM_NULL.Call_errhandler, 3, name="the null communicator has none")
raises(TypeError, "callable", MPI.Comm.Create_errhandler, 3, name="a handler is callable")
raises(TypeError, "MPI.Errhandler", comm.Set_errhandler, None, name="an argument of another type")
raises(TypeError, "", MPI.Errhandler, 3, name="Errhandler() takes Errhandlers")
equal(MPI.ERRORS_RETURN.__reduce__(), "ERRORS_RETURN", "predefined handlers pickle")



def told(call, raised, name):
    """An error that a handler of the user's has seen; MPI 5 may take it for success then."""
    try:
        call()
    except MPI.Exception as error:
        raised.append(error)
        check(True, name)
    else:
        check(MPI.Get_version() >= (5, 0), name)


# The user's.
calls = []
handler = MPI.Comm.Create_errhandler(lambda on, code: calls.append((on, code)))
comm.Set_errhandler(handler)
check(comm.Get_errhandler() == handler, "Get_errhandler gives what was set")
comm.Call_errhandler(MPI.ERR_OTHER)
equal(calls.pop(), (comm, MPI.ERR_OTHER), "the handler is given the communicator and the code")
raised = []
told(wrong, raised, "an error is an exception all the same")
on, code = calls.pop()
check(type(on) is MPI.Intracomm and on == comm, "... and was told the handler")
equal(MPI.Get_error_class(code), MPI.ERR_RANK, "... with its class")
equal([error.Get_error_code() for error in raised], [code] * len(raised), "... and code")
handler.Free()
check(not handler, "a freed handler is null")
told(wrong, raised, "... but in force where it was set")
equal(len(calls), 1, "... and called")
comm.Set_errhandler(MPI.ERRORS_RETURN)
calls.clear()
raises(MPI.Exception, "", wrong, name="it can be replaced")
equal(calls, [], "... and then is not called")

# More of them than any table of slots would hold, each with its own function.
many = []
for i in range(100):
    one = MPI.COMM_SELF.Dup()
    one.Set_errhandler(MPI.Comm.Create_errhandler(lambda on, code, i=i: many.append(i)))
    one.Call_errhandler(MPI.ERR_OTHER)
    one.Free()
equal(many, list(range(100)), "any number of handlers, one after the other")
kept = [MPI.Comm.Create_errhandler(lambda on, code, i=i: many.append(i)) for i in range(40)]
many.clear()
for one in kept:
    comm.Set_errhandler(one)
    comm.Call_errhandler(MPI.ERR_OTHER)
equal(many, list(range(40)), "... and at the same time")
comm.Set_errhandler(MPI.ERRORS_RETURN)
del kept, one


# Exceptions in a handler.
def refuse(on, code):
    raise KeyError("refused")


comm.Set_errhandler(MPI.Comm.Create_errhandler(refuse))
raises(KeyError, "refused", comm.Call_errhandler, MPI.ERR_OTHER, name="an exception in a handler comes out of Call_errhandler")
error = raises((MPI.Exception, KeyError), "", wrong, name="... of a failing call comes MPI's, or the handler's")
check(isinstance(error, KeyError) or isinstance(error.__cause__, KeyError), "... caused by the handler's")
equal(comm.allreduce(1), size, "the communicator goes on working")
mine = MPI.Comm.Create_errhandler(lambda on: None)
comm.Set_errhandler(mine)
raises(TypeError, "argument", comm.Call_errhandler, MPI.ERR_OTHER, name="a handler with too few parameters")
comm.Set_errhandler(MPI.ERRORS_RETURN)

# One rank errs; its handler tells the others by a message.
def tell(on, code):
    for other in range(size):
        if other != rank:
            MPI.COMM_WORLD.send((rank, MPI.Get_error_class(code)), other, 77)


comm.Set_errhandler(MPI.Comm.Create_errhandler(tell))
if rank == size - 1:
    with contextlib.suppress(MPI.Exception):
        wrong()
    said = (rank, MPI.ERR_RANK)
else:
    said = MPI.COMM_WORLD.recv(source=size - 1, tag=77)
equal(said, (size - 1, MPI.ERR_RANK), "the handler of one rank may communicate")
comm.Set_errhandler(MPI.ERRORS_RETURN)

handler_of_all = MPI.Comm.Create_errhandler(lambda on, code: None)

# A new communicator gets the handler of the settings, as with mpi4py.
comm.Set_errhandler(MPI.Comm.Create_errhandler(refuse))
dup = comm.Dup()
equal(dup.Get_errhandler(), MPI.ERRORS_RETURN, "Dup() gives a communicator that returns errors")
dup.Free()
comm.Set_errhandler(MPI.ERRORS_RETURN)

# ... whatever these are.
for setting, wanted in [("fatal", MPI.ERRORS_ARE_FATAL), ("default", handler_of_all), ("exception", MPI.ERRORS_RETURN)]:
    collio.rc.errors = setting
    comm.Set_errhandler(handler_of_all)
    dup = comm.Dup()
    check(dup.Get_errhandler() == wanted, f"rc.errors = {setting!r}: new communicators")
    dup.Free()
comm.Set_errhandler(MPI.ERRORS_RETURN)
raises(ValueError, "'exception', 'default', 'abort', 'fatal'", setattr, collio.rc, "errors", "none", name="no other setting")

# Files.
equal(MPI.FILE_NULL.Get_errhandler(), MPI.ERRORS_RETURN, "that of files to be opened")
name = MPI.COMM_WORLD.bcast(f"errhandler-{np.random.randint(1 << 30)}.bin")
file = MPI.File.Open(comm, name, MPI.MODE_CREATE | MPI.MODE_RDWR | MPI.MODE_DELETE_ON_CLOSE)
equal(file.Get_errhandler(), MPI.ERRORS_RETURN, "a file returns errors")
calls.clear()
handler = MPI.File.Create_errhandler(lambda on, code: calls.append((on, code)))
file.Set_errhandler(handler)
check(file.Get_errhandler() == handler, "a file's handler is set")
file.Call_errhandler(MPI.ERR_OTHER)
equal(calls.pop(), (file, MPI.ERR_OTHER), "... and called by Call_errhandler")
raises(MPI.Exception, "", file.Seek, -10, name="an error on a file")
check(len(calls) == 1 and type(calls[0][0]) is MPI.File and calls[0][0] == file, "... calls it")
file.Set_errhandler(MPI.File.Create_errhandler(refuse))
raises(KeyError, "refused", file.Call_errhandler, MPI.ERR_OTHER, name="exceptions come out")
error = raises(MPI.Exception, "", file.Seek, -10, name="... as the cause of MPI's")
check(isinstance(error.__cause__, KeyError), "... which is there")
file.Set_errhandler(MPI.ERRORS_RETURN)
file.Close()


# Representations: MPI may refuse conversions altogether.
def read(userbuf, datatype, count, filebuf, position):
    """Numbers are negated in the file."""
    there = np.frombuffer(filebuf, "i4", count)
    np.frombuffer(userbuf, "i4")[position:position + count] = -there


def write(userbuf, datatype, count, filebuf, position):
    np.frombuffer(filebuf, "i4")[:count] = -np.frombuffer(userbuf, "i4")[position:position + count]


def extent(datatype):
    return datatype.Get_size()


try:
    MPI.Register_datarep("collio-negated", read, write, extent)
    converts = True
except MPI.Exception as error:
    converts = False
    check(error.Get_error_class() != MPI.SUCCESS, "MPI says that it converts nothing")
if converts:
    file = MPI.File.Open(comm, name, MPI.MODE_CREATE | MPI.MODE_RDWR | MPI.MODE_DELETE_ON_CLOSE)
    file.Set_view(0, MPI.INT, MPI.INT, "collio-negated")
    data = np.arange(4, dtype="i4") + rank
    file.Write_at_all(rank * 4, data)
    room = np.zeros(4, "i4")
    file.Read_at_all(rank * 4, room)
    equal(room, data, "a representation of the user's converts both ways")
    file.Close()
raises(TypeError, "extent_fn must be callable", MPI.Register_datarep, "x", None, None, None, name="the extent is needed")
raises(TypeError, "read_fn must be callable or None", MPI.Register_datarep, "x", 3, None, extent, name="functions are callable")
raises(TypeError, "str", MPI.Register_datarep, 3, None, None, extent, name="the name is text")

comm.Free()
done()
