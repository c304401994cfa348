"""Sessions, error classes of the user's, and the memory of buffered sends."""
# ranks: 1 2 3

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

world = MPI.COMM_WORLD
rank, size = world.rank, world.size

# -------------------------------------------------------------------------------- sessions
check(not MPI.SESSION_NULL and MPI.Session() == MPI.SESSION_NULL, "the null session")
equal(MPI.SESSION_NULL.__reduce__(), "SESSION_NULL", "... pickles")
try:
    session = MPI.Session.Init()
except NotImplementedError:
    session = None
if session is None:
    for name, args in [("Get_num_psets", ()), ("Get_nth_pset", (0,)), ("Get_info", ()), ("Create_group", ("x",)),
                       ("Finalize", ()), ("Get_errhandler", ()), ("Attach_buffer", (bytearray(8),)), ("Flush_buffer", ())]:
        raises(NotImplementedError, "MPI", getattr(MPI.SESSION_NULL, name), *args, name=f"no sessions: {name}")
    raises(NotImplementedError, "MPI", MPI.Session.Create_errhandler, print, name="no sessions: Create_errhandler")
    raises(NotImplementedError, "MPI", MPI.Group.Create_from_session_pset, MPI.SESSION_NULL, "x", name="no sessions: groups")
else:
    check(session and type(session) is MPI.Session and MPI.Session(session) == session, "Init")
    names = [session.Get_nth_pset(n) for n in range(session.Get_num_psets())]
    check({"mpi://WORLD", "mpi://SELF"} <= set(names), "sets of processes")
    equal(session.Get_pset_info("mpi://WORLD").get("mpi_size"), str(size), "Get_pset_info")
    check(isinstance(session.Get_info(), MPI.Info), "Get_info")
    group = session.Create_group("mpi://WORLD")
    equal((group.size, group.rank), (size, rank), "Create_group")
    equal(MPI.Group.Create_from_session_pset(session, pset_name="mpi://SELF").size, 1, "Group.Create_from_session_pset")
    equal(session.Get_errhandler(), MPI.ERRORS_RETURN, "errors are returned")
    raises(MPI.Exception, "", session.Create_group, "no such set", name="an unknown set")
    raises(MPI.Exception, "", session.Get_nth_pset, 99, name="a set beyond the last")
    raises(TypeError, "MPI.Session", MPI.Group.Create_from_session_pset, 3, "mpi://SELF", name="a session is one")
    calls = []
    session.Set_errhandler(MPI.Session.Create_errhandler(lambda on, code: calls.append((on, code))))
    session.Call_errhandler(MPI.ERR_OTHER)
    equal(calls, [(session, MPI.ERR_OTHER)], "an error handler of the user's")
    session.Set_errhandler(MPI.ERRORS_RETURN)
    comm = MPI.Intracomm.Create_from_group(group, "collio:test") if hasattr(MPI.Intracomm, "Create_from_group") else world.Dup()
    equal(comm.allreduce(1), size, "a communicator out of a session")
    comm.Free()
    group.Free()
    session.Finalize()
    check(not session, "Finalize")
    raises(MPI.Exception, "", session.Finalize, name="... once")
    session.free()

# ---------------------------------------------------------------------------- error codes
before = world.Get_attr(MPI.LASTUSEDCODE)
kind = MPI.Add_error_class()
code = MPI.Add_error_code(kind)
check(world.Get_attr(MPI.LASTUSEDCODE) > before or kind > before, "Add_error_class, Add_error_code")
equal(MPI.Get_error_class(code), kind, "the class of a code")
MPI.Add_error_string(kind, "the class")
MPI.Add_error_string(code, string="the code")
equal((MPI.Get_error_string(kind), MPI.Get_error_string(code)), ("the class", "the code"), "their texts")
error = MPI.Exception(code)
equal((error.Get_error_class(), str(error)), (kind, "the code"), "an exception of it")
raises(TypeError, "integer", MPI.Add_error_code, "x", name="a class is an integer")
raises(TypeError, "str", MPI.Add_error_string, code, 3, name="a text is a string")
try:
    MPI.Remove_error_string(code)
    MPI.Remove_error_code(code)
    MPI.Remove_error_string(kind)
    MPI.Remove_error_class(kind)
    check(True, "they are removed")
except NotImplementedError as error:
    check("Remove_error_string" in str(error), "MPI before 4.1 cannot forget them, and says so")
    raises(NotImplementedError, "", MPI.Remove_error_code, code, name="... codes")
    raises(NotImplementedError, "", MPI.Remove_error_class, kind, name="... classes")

# A handler that is given the user's code.
comm = world.Dup()
calls = []
comm.Set_errhandler(MPI.Comm.Create_errhandler(lambda on, code: calls.append(code)))
comm.Call_errhandler(code)
equal(calls, [code], "a handler is called with it")
comm.Free()

# -------------------------------------------------------------------- buffered sends
space = bytearray(4000 + MPI.BSEND_OVERHEAD)
MPI.Attach_buffer(space)
request = world.Irecv(room := np.zeros(10), (rank - 1) % size, 5)
world.Bsend(np.arange(10.0) + rank, (rank + 1) % size, 5)
request.Wait()
equal(room, np.arange(10.0) + (rank - 1) % size, "a buffered send")
raises(MPI.Exception, "", MPI.Attach_buffer, bytearray(100), name="one buffer a process")
check(MPI.Detach_buffer() is space, "Detach_buffer gives back the object")
array = np.zeros(1000)
MPI.Attach_buffer(array)
raises(MPI.Exception, "", world.Bsend, np.zeros(2000), rank, name="more than fits")
check(MPI.Detach_buffer() is array, "... an array, too")
raises(BufferError, "read-only", MPI.Attach_buffer, b"abc", name="memory that can be written is needed")
raises(TypeError, "buffer", MPI.Attach_buffer, 3, name="... and is memory")
try:
    MPI.Flush_buffer()
    MPI.Iflush_buffer().Wait()
    comm = world.Dup()
    comm.Attach_buffer(space)
    comm.Flush_buffer()
    check(comm.Detach_buffer() is space, "a buffer of a communicator")
    comm.Free()
except NotImplementedError:
    for call in (world.Attach_buffer, lambda buf: world.Detach_buffer(), lambda buf: world.Flush_buffer(),
                 lambda buf: world.Iflush_buffer(), lambda buf: MPI.Iflush_buffer()):
        raises(NotImplementedError, "MPI", call, space, name="MPI before 4.1 has no more")
done()
