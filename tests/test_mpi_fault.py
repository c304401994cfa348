"""Each MPI result fails once: the call that needed it raises MPI.Exception, and nothing breaks."""
# ranks: 1

import gc

import numpy as np
from collio import MPI, _collio
from tap import check, done, equal

a, b = np.arange(4.0), np.zeros(4)
kept = []


def later(comm):
    request = comm.Isend(a, 0, 1)
    kept.append(request)
    comm.Recv(b, 0, 1)
    request.Wait()


def objects(comm):
    request = comm.isend({"x": np.zeros(5000)}, 0, 2)
    kept.append(request)
    comm.recv(source=0, tag=2)
    request.wait()


def grid(comm):
    cart = comm.Create_cart([1])
    cart.Get_topo(), cart.Shift(0, 1), cart.Get_coords(0), cart.Get_cart_rank([0]), cart.Sub([True])


def types(_):
    kind = MPI.INT.Create_vector(2, 1, 2).Commit()
    kind.Get_extent(), kind.size, kind.name, kind.is_predefined
    kind.Free()


def groups(comm):
    group = comm.group
    group.size, group.rank, group.Incl([0]), MPI.Group.Union(group, group), group.Translate_ranks([0])
    comm.Create(group)


def hints(_):
    info = MPI.Info.Create({"a": "b"})
    info["c"] = "d"
    sorted(info.items()), info.get("x"), info.copy()


CALLS = [
    lambda comm: (comm.rank, comm.size, comm.name, comm.is_inter, comm.topology, comm.Compare(comm)),
    lambda comm: comm.Dup().Free(),
    lambda comm: comm.Split(0).Free(),
    lambda comm: (comm.Barrier(), comm.Bcast(a), comm.Allreduce(a, b), comm.Gather(a, b)),
    lambda comm: (comm.Allgatherv(a, [b, [4]]), comm.Reduce_scatter(a, b), comm.Alltoall(a, b)),
    lambda comm: comm.Sendrecv([a, 4, MPI.DOUBLE], 0, 0, [b, (4, 0), "d"], 0, 0),
    later,
    objects,
    lambda comm: (comm.bcast("x"), comm.allgather(1), comm.scatter([1]), comm.alltoall([2]), comm.allreduce(3)),
    grid,
    types,
    groups,
    hints,
    lambda comm: (MPI.Get_version(), MPI.Get_processor_name(), MPI.Query_thread(), MPI.Compute_dims(4, 2)),
]


def attempt(call, nth):
    """Let the nth result of a call fail; how it ended."""
    comm = MPI.COMM_SELF.Dup()  # so that what a failed call leaves behind disturbs no other
    _collio._fault(nth)
    try:
        call(comm)
    except MPI.Exception as error:
        return str(error)
    finally:
        judged = _collio._fault(0)
    return judged


for number, call in enumerate(CALLS):
    nth, ends, judged = 1, [], None
    while not isinstance(judged, int) and nth < 200:
        judged = attempt(call, nth)
        ends.append(judged)
        nth += 1
    gc.collect()
    words = [end for end in ends[:-1] if "injected fault" not in str(end)]
    equal(words, [], f"call {number}: every failure is reported")
    check(isinstance(judged, int) and judged < nth, f"... until it succeeds, after {nth - 1} runs")
check(MPI.COMM_SELF.allreduce(1) == 1, "all is well afterwards")
done()
