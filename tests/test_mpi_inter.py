"""Communicators between two groups: every collective call, on buffers and objects."""
# ranks: 2 3 4

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip

world = MPI.COMM_WORLD
me, all_of_them = world.rank, world.size
color = me % 2
half = world.Split(color, me)
inter = half.Create_intercomm(0, world, 1 - color, 17)
local, remote = list(range(color, all_of_them, 2)), list(range(1 - color, all_of_them, 2))
n, rank = len(remote), half.rank

check(type(inter) is MPI.Intercomm and inter.is_inter and not inter.is_intra, "Create_intercomm")
equal((inter.size, inter.rank), (len(local), rank), "the own group")
equal((inter.Get_remote_size(), inter.remote_size), (n, n), "the size of the other")
equal(MPI.Group.Translate_ranks(inter.remote_group, list(range(n)), world.group), remote, "remote_group")
equal(inter.Get_remote_group().size, n, "Get_remote_group")
merged = inter.Merge(high=color == 1)
equal(merged.allgather(me), list(range(0, all_of_them, 2)) + list(range(1, all_of_them, 2)), "the high group is last")
check(type(merged) is MPI.Intracomm, "... of both")
merged.Free()
merged = inter.Merge(color == 0)
equal(merged.allgather(me), list(range(1, all_of_them, 2)) + list(range(0, all_of_them, 2)), "... whichever it is")
merged.Free()
with inter.Dup() as copy:
    check(type(copy) is MPI.Intercomm and MPI.Comm.Compare(copy, inter) == MPI.CONGRUENT, "Dup")
part = inter.Split(0, -rank)
equal((type(part), part.rank), (MPI.Intercomm, len(local) - 1 - rank), "Split")
part.Free()
leaders = inter.Create(inter.group.Incl([0]))
check(type(leaders) is MPI.Intercomm and bool(leaders) == (rank == 0), "Create")
if leaders:
    assert (leaders.size, leaders.remote_size) == (1, 1)
    leaders.Free()
check(type(MPI.Comm(inter)) is MPI.Comm and MPI.Comm(inter) == inter, "Comm() of it")
raises(TypeError, "intracommunicator", MPI.Intracomm, inter)
raises(TypeError, "intercommunicator", MPI.Intercomm, world)
check(type(MPI.Intercomm()) is MPI.Intercomm and not MPI.Intercomm(), "a null one")
raises(TypeError, "MPI.Comm", half.Create_intercomm, 0, None, 0)
check(not hasattr(inter, "Scan") and not hasattr(inter, "Create_cart"), "what is for one group only is missing")

# ------------------------------------------------------------------------- messages
status = MPI.Status()
if rank < min(len(local), n):  # ranks of both groups with the same number
    got = np.zeros(1, int)
    inter.Sendrecv(np.array([me]), rank, 3, got, rank, 3, status)
    assert int(got[0]) == remote[rank] and status.Get_source() == rank
    assert inter.sendrecv({"me": me}, rank, source=rank) == {"me": remote[rank]}
check(True, "messages go to the ranks of the other group")

# ------------------------------------------------------------------ rooted, both ways
sums = sum(remote)


def buffers(root):
    """Every rooted call on buffers; rank 0 of group `root` is the root."""
    giver = color != root
    role = 0 if giver else MPI.ROOT if rank == 0 else MPI.PROC_NULL
    at = role == MPI.ROOT
    name = f"root in group {root}: "
    # Open MPI 4 loses count of nonblocking calls in which PROC_NULL takes no part: they get a communicator each.
    later = inter.Dup()

    data = np.array([1, 2, 3]) if at else np.zeros(3, int)
    inter.Bcast(data if role != MPI.PROC_NULL else None, role)
    equal(data, np.array([1, 2, 3]) if at or giver else np.zeros(3, int), name + "Bcast")
    data = np.array([4.0]) if at else np.zeros(1)
    later.Ibcast(data if role != MPI.PROC_NULL else None, role).Wait()
    equal(data, np.array([4.0]) if at or giver else np.zeros(1), name + "Ibcast")

    got = np.zeros((n, 2), int) if at else None
    inter.Gather(np.array([me, -me]) if giver else None, got, role)
    equal(got, np.array([[r, -r] for r in remote]) if at else None, name + "Gather")
    counts = [i + 1 for i in range(n)]
    got = np.zeros(sum(counts), int) if at else None
    inter.Gatherv(np.full(rank + 1, me) if giver else None, [got, counts] if at else None, role)
    equal(got, np.repeat(remote, counts) if at else None, name + "Gatherv")
    got = np.zeros(1, int)
    inter.Scatter(np.array(remote) if at else None, got if giver else None, role)
    equal(int(got[0]), me if giver else 0, name + "Scatter")
    got = np.zeros(rank + 1, int)
    later.Iscatterv([np.repeat(remote, counts), counts] if at else None, got if giver else None, role).Wait()
    equal(got, np.full(rank + 1, me if giver else 0), name + "Iscatterv")
    got = np.zeros(1, int)
    inter.Reduce(np.array([me]) if giver else None, got if at else None, MPI.SUM, role)
    equal(int(got[0]), sums if at else 0, name + "Reduce")
    got = np.zeros(1, int)
    later.Ireduce(np.array([me]) if giver else None, got if at else None, MPI.MAX, role).Wait()
    equal(int(got[0]), max(remote) if at else 0, name + "Ireduce")
    later.Free()


def objects(root):
    giver = color != root
    role = 0 if giver else MPI.ROOT if rank == 0 else MPI.PROC_NULL
    at = role == MPI.ROOT
    name = f"root in group {root}: "
    large = np.arange(5000)

    equal(inter.bcast({"root": me} if at else "ignored", role), {"root": root} if giver else None, name + "bcast")
    got = inter.bcast(large if at else None, role)
    check(np.array_equal(got, large) if giver else got is None, name + "bcast of an array")
    equal(inter.gather(("from", me), role), [("from", r) for r in remote] if at else None, name + "gather")
    equal(inter.scatter([("for", r) for r in remote] if at else None, role), ("for", me) if giver else None,
          name + "scatter")
    equal(inter.reduce(me, MPI.SUM, role), sums if at else None, name + "reduce")
    equal(inter.reduce([me], root=role), remote if at else None, name + "reduce in the order of the ranks")

    # One rank errs; those who were to get its object are told, and nobody waits.
    bad = lambda: 0  # noqa: E731
    if role == MPI.PROC_NULL:
        check(inter.bcast(None, role) is None, name + "bcast of what cannot be sent")
    else:
        raises(Exception, "" if at else "could not prepare", inter.bcast, bad if at else None, role,
               name=name + "bcast of what cannot be sent")
    first = giver and rank == 0
    try:
        inter.gather(bad if first else me, role)
        check(not first and not at, name + "gather of what cannot be sent")
    except Exception as error:
        check(first or at and "remote rank 0" in str(error), name + "gather of what cannot be sent", repr(error))
    try:
        inter.scatter([1] * (n + 1) if at else None, role)
        check(not at and not giver, name + "scatter of too many")
    except (ValueError, RuntimeError):
        check(at or giver, name + "scatter of too many")


for root in (0, 1):
    buffers(root)
    objects(root)

# ---------------------------------------------------------------------- all to all
inter.Barrier()
inter.barrier()
inter.Ibarrier().Wait()
got = np.zeros((n, 2), int)
inter.Allgather(np.array([me, -me]), got)
equal(got, np.array([[r, -r] for r in remote]), "Allgather")
counts = [i + 1 for i in range(n)]
got = np.zeros(sum(counts), int)
inter.Allgatherv(np.full(rank + 1, me), [got, counts])
equal(got, np.repeat(remote, counts), "Allgatherv")
got = np.zeros(n, int)
inter.Alltoall(100 * me + np.array(remote), got)
equal(got, 100 * np.array(remote) + me, "Alltoall")
got[:] = 0
inter.Ialltoallv([100 * me + np.array(remote), [1] * n], [got, [1] * n]).Wait()
equal(got, 100 * np.array(remote) + me, "Ialltoallv")
got[:] = 0
types, places = [MPI.LONG] * n, [8 * i for i in range(n)]
inter.Alltoallw([100 * me + np.array(remote), [1] * n, places, types], [got, [1] * n, places, types])
equal(got, 100 * np.array(remote) + me, "Alltoallw")
got = np.zeros(1, int)
inter.Allreduce(np.array([me]), got, MPI.SUM)
equal(int(got[0]), sums, "Allreduce combines what the other group has")
got[:] = 0
inter.Iallreduce(np.array([me]), got, MPI.MAX).Wait()
equal(int(got[0]), max(remote), "Iallreduce")
total = len(local) * n  # the same number of elements from both sides
got = np.zeros(n, int)
inter.Reduce_scatter_block(np.full(total, me), got)
equal(got, np.full(n, sums), "Reduce_scatter_block")
got[:] = 0
inter.Reduce_scatter(np.full(total, me), got, [n] * len(local))
equal(got, np.full(n, sums), "Reduce_scatter")
raises(TypeError, "recvcounts", inter.Reduce_scatter, np.full(total, me), got)
raises(TypeError, "IN_PLACE", inter.Allgather, MPI.IN_PLACE, got)
raises(ValueError, f"expecting {n} items", inter.Allgatherv, got, [got, [1] * (n + 1)])

equal(inter.allgather(("from", me)), [("from", r) for r in remote], "allgather")
equal(inter.alltoall([(me, r) for r in remote]), [(r, me) for r in remote], "alltoall")
equal(inter.allreduce(me), sums, "allreduce")
equal(inter.allreduce(me, MPI.MAX), max(remote), "allreduce with an operation")
try:
    inter.allgather((lambda: 0) if me == 0 else me)
    check(color == 0 and me != 0, "allgather of what cannot be sent")
except Exception as error:
    check(me == 0 or "remote rank 0" in str(error), "allgather of what cannot be sent", repr(error))
try:
    inter.alltoall([1] * (n + 1) if me == 0 else [me] * n)
    check(color == 0 and me != 0, "alltoall of too many")
except (ValueError, RuntimeError):
    check(me == 0 or color == 1, "alltoall of too many")
equal(inter.allgather(me), remote, "the next call is right again")

# ------------------------------------------------------------ of groups alone
try:
    other = MPI.Intercomm.Create_from_groups(half.group, 0, inter.remote_group, 0, "a tag")
except NotImplementedError as error:
    check("MPI_Intercomm_create_from_groups" in str(error), "the error names the function that MPI lacks")
    raises(NotImplementedError, "MPI_Comm_create_from_group", MPI.Intracomm.Create_from_group, half.group)
    skip("communicators of groups alone", "this MPI has none")
else:
    equal((type(other), other.remote_size), (MPI.Intercomm, n), "Create_from_groups")
    equal(other.allgather(me), remote, "... communicates")
    other.Free()
    alone = MPI.Intracomm.Create_from_group(half.group)
    equal((type(alone), alone.allgather(me)), (MPI.Intracomm, local), "Create_from_group")
    alone.Free()
inter.Free()
half.Free()
check(inter == MPI.COMM_NULL, "Free")
done()
