"""Handles, requests and keys that are used after their end, and calls that fail at once."""
# ranks: 1 2 3

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
alone = MPI.COMM_SELF


def error_class(call, *args):
    try:
        call(*args)
    except MPI.Exception as exception:
        return exception.Get_error_class()
    return MPI.SUCCESS


# A key that was freed, while an attribute of another communicator still has it.
key = MPI.Comm.Create_keyval(lambda of, number, value: value)
alone.Set_attr(key, [1])
with alone.Dup() as copy:
    equal(copy.Get_attr(key), [1], "an attribute is copied")
    stale = key
    MPI.Comm.Free_keyval(key)
    for name, call in (("Set_attr", lambda: alone.Set_attr(stale, 5)), ("Get_attr", lambda: alone.Get_attr(stale)),
                       ("Delete_attr", lambda: alone.Delete_attr(stale)),
                       ("Free_keyval", lambda: MPI.Comm.Free_keyval(stale))):
        equal(error_class(call), MPI.ERR_KEYVAL, f"{name} with a freed key")
    with alone.Dup() as second:
        check(bool(second), "Dup goes on")

# Requests.
into = np.zeros(1)
request = alone.Irecv(into, 0, 3)
request.Free()
alone.Send(np.ones(1), 0, 3)
equal(error_class(request.Free), MPI.ERR_REQUEST, "a second Free")

# What cannot be received fails when it is asked for, not later.
equal(error_class(MPI.COMM_NULL.irecv), MPI.ERR_COMM, "irecv on no communicator")
equal(error_class(comm.irecv, None, size), MPI.ERR_RANK, "irecv from nobody")
equal(error_class(comm.irecv, None, 0, -7), MPI.ERR_TAG, "irecv with a wrong tag")
equal(error_class(comm.sendrecv, rank, rank, 5, None, size), MPI.ERR_RANK, "sendrecv from nobody does not wait")
equal(comm.recv(None, rank, 5), rank, "... but has sent")
for call in ("Is_revoked", "Get_failed", "Ack_failed"):
    equal(error_class(getattr(MPI.COMM_NULL, call)), MPI.ERR_COMM, f"{call} on no communicator")

# Constants stay what they are.
for receive in (lambda m: m.Recv([None, MPI.BYTE]), lambda m: m.recv(), lambda m: m.irecv().wait(),
                lambda m: m.Irecv([None, MPI.BYTE]).Wait()):
    receive(MPI.MESSAGE_NO_PROC)
    check(comm.mprobe(MPI.PROC_NULL) == MPI.MESSAGE_NO_PROC, "MESSAGE_NO_PROC is what a probe of nobody finds")
raises(MPI.Exception, None, MPI.MESSAGE_NULL.recv, name="no message cannot be received")
check(MPI.MESSAGE_NULL != MPI.MESSAGE_NO_PROC, "... and is another")
equal(comm.allgather(rank), list(range(size)), "all go on")
done()
