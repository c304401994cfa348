"""Communicators whose ranks know their neighbours: grids, graphs, and calls among neighbours."""
# ranks: 1 2 3 4

import gc

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
left, right = (rank - 1) % size, (rank + 1) % size
LONG = MPI.LONG


def zeros(*shape):
    return np.zeros(shape, int)


# -------------------------------------------------------------------------- graphs
# Everybody has the ranks before and after as neighbours.
edges = [n for r in range(size) for n in ((r - 1) % size, (r + 1) % size)]
index = list(range(2, 2 * size + 1, 2))
graph = comm.Create_graph(index, edges)
check(type(graph) is MPI.Graphcomm and graph.topology == MPI.GRAPH and graph.is_topo, "Create_graph")
equal(graph.Get_dims(), (size, 2 * size), "Get_dims")
equal(graph.dims + (graph.nnodes, graph.nedges), (size, 2 * size, size, 2 * size), "dims, nnodes, nedges")
equal(graph.Get_topo(), (index, edges), "Get_topo")
equal([graph.topo[0], graph.index, graph.edges], [index, index, edges], "topo, index, edges")
equal((graph.nneighbors, graph.Get_neighbors_count(0)), (2, 2), "number of neighbours")
equal(graph.neighbors, [left, right], "neighbors")
equal(graph.Get_neighbors(size - 1), [(size - 2) % size, 0], "Get_neighbors")
equal(graph.degrees + (graph.indegree, graph.outdegree), (2, 2, 2, 2), "degrees")
equal((graph.inedges, graph.outedges), graph.inoutedges, "edges of both directions")
equal(graph.inedges, [left, right], "inedges")
with graph.Dup() as copy:
    check(type(copy) is MPI.Graphcomm, "a duplicate has the topology")
with graph.Split(0) as part:
    check(type(part) is MPI.Intracomm, "a part has none")
rows = comm.Create_graph([0] + index, edges)
equal(rows.index, index, "row pointers that start with 0 will do")
rows.Free()
small = comm.Create_graph([1], [0])
check(type(small) is MPI.Graphcomm and bool(small) == (rank == 0), "those left over get a null Graphcomm")
if small:
    small.Free()
check(comm.Graph_map(index, edges) in range(size), "Graph_map")
raises(ValueError, f"expecting {2 * size} items, got 1", comm.Create_graph, index, [0])
raises(MPI.Exception, "", graph.Get_neighbors, size)
raises(TypeError, "sequence of integers", comm.Create_graph, 3, edges)
raises(TypeError, "index", comm.Create_graph, edges=edges)
for cls in (MPI.Cartcomm, MPI.Distgraphcomm, MPI.Intercomm):
    raises(TypeError, "expecting a", cls, graph)
check(MPI.Graphcomm(graph) == graph and MPI.Topocomm(graph) == graph, "another object for it")
raises(TypeError, "expecting a topology", MPI.Topocomm, comm)

# ---------------------------------------------------------------------- distributed
ring = comm.Create_dist_graph_adjacent([left], [right])
check(type(ring) is MPI.Distgraphcomm and ring.topology == MPI.DIST_GRAPH, "Create_dist_graph_adjacent")
equal(ring.Get_dist_neighbors_count(), (1, 1, False), "Get_dist_neighbors_count")
equal(ring.Get_dist_neighbors(), ([left], [right], None), "Get_dist_neighbors")
equal((ring.inedges, ring.outedges, ring.degrees), ([left], [right], (1, 1)), "edges and degrees")
weighted = comm.Create_dist_graph_adjacent([left, rank], [right, rank], [10 + rank, 1], [10 + right, 1])
equal(weighted.Get_dist_neighbors(), ([left, rank], [right, rank], ([10 + rank, 1], [10 + right, 1])), "weights")
equal(weighted.Get_dist_neighbors_count(), (2, 2, True), "whether there are weights")
weighted.Free()
lonely = comm.Create_dist_graph_adjacent(None, [], MPI.WEIGHTS_EMPTY, [])
equal(lonely.Get_dist_neighbors(), ([], [], ([], [])), "WEIGHTS_EMPTY")
equal(lonely.neighbor_allgather(rank), [], "no neighbours, no objects")
lonely.Neighbor_alltoall(zeros(0), zeros(0))
lonely.Free()
plain = comm.Create_dist_graph_adjacent([], [], MPI.UNWEIGHTED, MPI.UNWEIGHTED, MPI.INFO_NULL, reorder=True)
equal(plain.Get_dist_neighbors(), ([], [], None), "UNWEIGHTED")
plain.Free()
# Rank 0 tells all edges; the others none.
tell = rank == 0
star = comm.Create_dist_graph(*([[0], [size], list(range(size))] if tell else [[], [], []]),
                              weights=list(range(size)) if tell else MPI.WEIGHTS_EMPTY)
sources, destinations, weights = star.Get_dist_neighbors()
equal((sources, weights[0]), ([0], [rank]), "Create_dist_graph: where from")
equal(sorted(destinations), list(range(size)) if tell else [], "Create_dist_graph: where to")
star.Free()
star = comm.Create_dist_graph([rank], [1], [right])
equal(star.Get_dist_neighbors(), ([left], [right], None), "Create_dist_graph without weights")
star.Free()
raises(ValueError, "expecting 2 items, got 1", comm.Create_dist_graph, [rank], [2], [right])
raises(ValueError, "expecting 1 items, got 2", comm.Create_dist_graph, [rank], [1, 1], [right])
raises(ValueError, "expecting 1 items, got 2", comm.Create_dist_graph_adjacent, [left], [right], [1, 2], [1])
raises(TypeError, "UNWEIGHTED", comm.Create_dist_graph, [rank], [1], [right], 7)
raises(ValueError, "this one has 1", comm.Create_dist_graph, [rank], [1], [right], MPI.WEIGHTS_EMPTY)
raises(TypeError, "MPI.Info", comm.Create_dist_graph, [rank], [1], [right], None, 3)

# -------------------------------------------------------- buffers to neighbours
mine = np.array([rank, 10 * rank])
from_left = np.array([left, 10 * left])
grid = comm.Create_cart([size], [size > 2])  # with an end where left and right are not two
shift = grid.Shift(0, 1)
equal((grid.inedges, grid.outedges, grid.degrees), (list(shift), list(shift), (2, 2)), "neighbours in a grid")
around = [-1 if n == MPI.PROC_NULL else n for n in shift]


def pieces(of, count):
    return np.concatenate([np.full(count, n) for n in of])


# name, communicator, arguments for what is received, its size, what it is
CASES = [
    ("Neighbor_allgather", ring, lambda out: (mine, out), 2, from_left),
    ("Neighbor_allgatherv", ring, lambda out: (mine[: 1 + rank % 2], [out, [1 + left % 2]]), 1 + left % 2,
     from_left[: 1 + left % 2]),
    ("Neighbor_alltoall", ring, lambda out: ([mine, 2, LONG], out), 2, from_left),
    ("Neighbor_alltoallv", ring, lambda out: ([mine, [2]], [out, [2], [1], LONG]), 3, np.append(-1, from_left)),
    ("Neighbor_alltoallw", ring, lambda out: ([mine, [1], [8], [LONG]], [out, [1], [16], [LONG]]), 3,
     np.array([-1, -1, 10 * left])),
    ("Neighbor_allgather", grid, lambda out: (np.full(2, rank), out), 4, pieces(around, 2)),
    ("Neighbor_alltoall", grid, lambda out: (np.array([10 * rank, 10 * rank + 1]), out), 2,
     np.array([-1 if n < 0 else 10 * n + (i == 0) for i, n in enumerate(around)])),
    ("Neighbor_alltoallw", grid, lambda out: ([np.full(2, rank), [1, 1], [0, 8], [LONG] * 2],
                                               [out, ([1, 1], [8, 0]), [LONG] * 2]), 2,
     np.array([-1 if n < 0 else n for n in reversed(around)])),
    ("Neighbor_allgather", graph, lambda out: (mine, out), 4,
     np.array([left, 10 * left, right, 10 * right])),
]

for name, topo, call, length, wanted in CASES:
    kind = type(topo).__name__
    out = np.full(length, -1)
    equal(getattr(topo, name)(*call(out)), None, f"{name} of a {kind} returns nothing")
    equal(out, wanted, f"{name} of a {kind}")
    out = np.full(length, -1)
    request = getattr(topo, "I" + name.lower())(*call(out))
    gc.collect()
    request.Wait()
    equal(out, wanted, f"I{name.lower()} of a {kind}")
    try:
        request = getattr(topo, name + "_init")(*call(out))
    except NotImplementedError:
        skip(f"{name}_init", "this MPI has none")
        continue
    for turn in range(2):
        out[:] = -1
        request.Start()
        request.Wait()
        equal(out, wanted, f"{name}_init of a {kind}")
    request.Free()

raises(ValueError, f"expecting 1 items, got 2", ring.Neighbor_alltoallv, [mine, [1, 1]], [mine, [2]])
raises(ValueError, "too short", ring.Neighbor_alltoallw, [mine, [3], [0], [LONG]], [mine, [1], [0], [LONG]])
raises(TypeError, "buffer", ring.Neighbor_allgather, None, mine)
raises(TypeError, "IN_PLACE", ring.Neighbor_allgather, MPI.IN_PLACE, mine)
raises(BufferError, "read-only", ring.Ineighbor_allgather, mine, b"12345678")

# ------------------------------------------------------------ objects to neighbours
equal(ring.neighbor_allgather({"from": rank}), [{"from": left}], "neighbor_allgather")
equal(ring.neighbor_alltoall([("to", right)]), [("to", rank)], "neighbor_alltoall")
nobody = [None if n == MPI.PROC_NULL else n for n in shift]
equal(grid.neighbor_allgather(rank), nobody, "neighbor_allgather: None from nobody")
equal(grid.neighbor_alltoall([f"left of {rank}", f"right of {rank}"]),
      [None if n is None else f"{('right', 'left')[i]} of {n}" for i, n in enumerate(nobody)], "neighbor_alltoall")
equal(graph.neighbor_alltoall(None), [None, None], "None for all")
raises(ValueError, "expecting 1 items, got 2", ring.neighbor_alltoall, [1, 2])

# One rank cannot send; its neighbour is told, and nobody waits.
bad = (lambda: 0) if rank == 0 else rank
try:
    equal(ring.neighbor_allgather(bad), [left], "neighbours of others do not notice")
except Exception as error:
    kind = (RuntimeError if rank == right % size and size > 1 and rank != 0 else Exception)
    check(isinstance(error, kind) and rank in (0, 1 % size), "neighbours of one that fails are told", repr(error))
try:
    ring.neighbor_alltoall([bad] if rank else [bad, bad])
    check(rank not in (0, 1 % size), "and so with parts")
except (ValueError, RuntimeError):
    check(rank in (0, 1 % size), "and so with parts")
equal(ring.neighbor_allgather(rank), [left], "the next call is right again")

for topo in (graph, ring, grid):
    topo.Free()
done()
