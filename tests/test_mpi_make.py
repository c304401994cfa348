"""How communicators are made of others; their hints; what a program that survives failures asks."""
# ranks: 1 2 3

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size


class Mine(MPI.Intracomm):
    """A user's own class."""


def congruent(copy):
    return MPI.Comm.Compare(copy, comm) == MPI.CONGRUENT and copy.allreduce(1) == size


# ------------------------------------------------------------------- duplicates
hints = MPI.Info.Create()
hints.Set("collio_unknown_hint", "yes")
for name, make in [("Dup", comm.Dup), ("Dup with hints", lambda: comm.Dup(hints)), ("Clone", comm.Clone),
                   ("Dup_with_info", lambda: comm.Dup_with_info(hints)), ("Shrink", comm.Shrink)]:
    with make() as copy:
        check(type(copy) is MPI.Intracomm and congruent(copy), name)
for name in ("Idup", "Ishrink"):
    copy, request = getattr(comm, name)()
    request.Wait()
    check(type(copy) is MPI.Intracomm and congruent(copy), name)
    copy.Free()
try:
    copy, request = comm.Idup_with_info(hints)
    request.Wait()
    check(congruent(copy), "Idup_with_info")
    copy.Free()
except NotImplementedError as error:
    check("MPI_Comm_idup_with_info" in str(error), "the error names the function that MPI lacks")
copy, request = Mine(comm).Idup()
del request  # nobody waits for it, but it goes on
comm.Barrier()
check(type(copy) is Mine, "a duplicate is of the user's class")
raises(TypeError, "info", comm.Dup_with_info)
raises(TypeError, "MPI.Info", comm.Dup, {"a": "b"})

# ------------------------------------------------------------------------ parts
group = comm.group
with comm.Split(rank % 2, -rank) as part:
    equal((type(part), part.allgather(rank)), (MPI.Intracomm, list(range(size))[::-1][(size - 1 - rank) % 2::2]),
          "Split")
nobody = comm.Split(MPI.UNDEFINED)
check(type(nobody) is MPI.Intracomm and not nobody and nobody == MPI.COMM_NULL, "Split with UNDEFINED")
with comm.Split_type(MPI.COMM_TYPE_SHARED, rank, MPI.INFO_NULL) as part:
    check(type(part) is MPI.Intracomm and part.size <= size, "Split_type")
check(not comm.Split_type(MPI.UNDEFINED), "Split_type with UNDEFINED")
first = comm.Create(group.Incl([0]))
check(type(first) is MPI.Intracomm and bool(first) == (rank == 0), "Create")
if first:
    first.Free()
if rank == 0:  # the others need not know
    with comm.Create_group(group.Incl([0]), 3) as first:
        assert first.size == 1 and type(first) is MPI.Intracomm
check(True, "Create_group")
with comm.Create_group(group.Excl([]), tag=5) as everybody:
    check(congruent(everybody), "Create_group of all")
raises(TypeError, "MPI.Group", comm.Create_group, comm)
raises(TypeError, "group", comm.Create_group)

# ------------------------------------------------------------------------ hints
with comm.Dup() as copy:
    copy.Set_info(hints)
    check(isinstance(copy.Get_info(), MPI.Info), "Set_info and Get_info")
    copy.info = hints
    check(isinstance(copy.info, MPI.Info), "info")
    raises(TypeError, "MPI.Info", copy.Set_info, 3)
    raises(TypeError, "MPI.Info", setattr, copy, "info", 3)
    raises(AttributeError, "cannot be deleted", delattr, copy, "info")
hints.Free()
equal([MPI.COMM_NULL.name, comm.name, MPI.COMM_SELF.name], ["MPI_COMM_NULL", "MPI_COMM_WORLD", "MPI_COMM_SELF"], "names")

# --------------------------------------------------------------------- failures
raises(NotImplementedError, "MPI_Comm_revoke", comm.Revoke)
equal((comm.Is_revoked(), comm.Ack_failed(), comm.Ack_failed(1), comm.Get_failed().size), (False, 0, 0, 0),
      "nobody has failed")
equal(comm.Agree(7 if rank else 5), 5, "Agree")
flag = np.array([6 if rank else 3], "i")
comm.Iagree(flag).Wait()
equal(int(flag[0]), 2 if size > 1 else 3, "Iagree")
raises(ValueError, "format 'i'", comm.Iagree, bytearray(4))

# -------------------------------------------------------- both ways at once
left, right = (rank - 1) % size, (rank + 1) % size
got, mine = np.zeros(1, int), np.array([rank])
try:
    comm.Isendrecv(mine, right, 1, got, left, 1).Wait()
    equal(int(got[0]), left, "Isendrecv")
    got[0] = rank
    comm.Isendrecv_replace(got, right, source=left).Wait()
    equal(int(got[0]), left, "Isendrecv_replace")
    comm.Isendrecv(None, MPI.PROC_NULL, 0, None, MPI.PROC_NULL).Wait()
    comm.Isendrecv_replace(got, MPI.PROC_NULL, 0, MPI.PROC_NULL).Wait()
    up, down = (rank + 1 if rank + 1 < size else MPI.PROC_NULL), (rank - 1 if rank else MPI.PROC_NULL)
    got[0] = -1
    comm.Isendrecv(mine, up, 1, got, down, 1).Wait()
    equal(int(got[0]), rank - 1, "Isendrecv along a line")
    got[0] = rank
    comm.Isendrecv_replace(got, up, 2, down, 2).Wait()
    equal(int(got[0]), rank - 1 if rank else 0, "Isendrecv_replace along a line")
    raises(TypeError, "buffer", comm.Isendrecv, None, right, 0, got, left)
except NotImplementedError as error:
    check("MPI_Isendrecv" in str(error), "the error names the function that MPI lacks")
    skip("Isendrecv", "this MPI has none")
comm.Sendrecv(None, MPI.PROC_NULL, 0, None, MPI.PROC_NULL)
raises(TypeError, "buffer", comm.Send, None, right)
raises(TypeError, "buffer", comm.Recv, None, left)
raises(KeyError, "datatype", comm.Send, MPI.BOTTOM, right)
raises(ValueError, "outside the buffer", comm.Send, [mine, (None, 5), MPI.LONG], right)
raises(ValueError, "begin at byte -8", comm.Send, [mine, (1, -1), MPI.LONG], right)

# ------------------------------------------- looking at requests without completing them
receive = comm.Irecv(got, left, 9)
equal((MPI.Request.Get_status_any([MPI.REQUEST_NULL, receive]), MPI.Request.Get_status_all([receive]),
       MPI.Request.Get_status_some([receive])), ((MPI.UNDEFINED, False), False, []), "nothing is done yet")
send = comm.Isend(mine, right, 9)
status, statuses = MPI.Status(), []
while not MPI.Request.Get_status_any([MPI.REQUEST_NULL, receive], status)[1]:
    pass
equal((MPI.Request.Get_status_any([MPI.REQUEST_NULL, receive]), status.source), ((1, True), left), "Get_status_any")
while not MPI.Request.Get_status_all([receive, send], statuses):
    pass
equal((len(statuses), statuses[0].tag, bool(receive)), (2, 9, True), "Get_status_all")
equal(MPI.Request.get_status_some([receive, send]), [0, 1], "get_status_some")
MPI.Request.Waitall([receive, send])
equal((MPI.Request.get_status_any([receive]), MPI.Request.Get_status_some([])), ((MPI.UNDEFINED, True), None),
      "nothing is under way")
done()
