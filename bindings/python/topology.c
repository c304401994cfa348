/* MPI.Topocomm: communicators whose ranks know their neighbours, whatever the kind. */
#include "topology.h"

/* ---------------------------------------------------------------------- how many */

static int cart_degrees(MPI_Comm comm, int *in, int *out)
{
    int ndim = 0;

    if (mpi_failed(MPI_Cartdim_get(comm, &ndim), "MPI_Cartdim_get") < 0)
        return -1;
    *in = *out = 2 * ndim;
    return 0;
}

static int graph_degrees(MPI_Comm comm, int *in, int *out)
{
    int rank = 0;

    if (mpi_failed(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank") < 0 ||
        mpi_failed(MPI_Graph_neighbors_count(comm, rank, in), "MPI_Graph_neighbors_count") < 0)
        return -1;
    *out = *in;
    return 0;
}

int topology_degrees(MPI_Comm comm, int *in, int *out)
{
    int kind = MPI_UNDEFINED, weighted;

    *in = *out = 0;
    if (comm == MPI_COMM_NULL) {
        PyErr_SetString(PyExc_TypeError, "expecting a topology communicator");
        return -1;
    }
    if (mpi_failed(MPI_Topo_test(comm, &kind), "MPI_Topo_test") < 0)
        return -1;
    if (kind == MPI_CART)
        return cart_degrees(comm, in, out);
    if (kind == MPI_GRAPH)
        return graph_degrees(comm, in, out);
    if (kind == MPI_DIST_GRAPH)
        return mpi_failed(MPI_Dist_graph_neighbors_count(comm, in, out, &weighted),
                          "MPI_Dist_graph_neighbors_count");
    PyErr_SetString(PyExc_ValueError, "the communicator has no topology, so no neighbours");
    return -1;
}

/* ------------------------------------------------------------------------ who they are */

static int cart_edges(MPI_Comm comm, int n, int *in, int *out)
{
    for (int d = 0; d < n / 2; d++) {
        if (mpi_failed(MPI_Cart_shift(comm, d, 1, &in[2 * d], &in[2 * d + 1]), "MPI_Cart_shift") <
            0)
            return -1;
        out[2 * d] = in[2 * d];
        out[2 * d + 1] = in[2 * d + 1];
    }
    return 0;
}

static int graph_edges(MPI_Comm comm, int n, int *in, int *out)
{
    int rank = 0;

    if (mpi_failed(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank") < 0 ||
        mpi_failed(MPI_Graph_neighbors(comm, rank, n, in), "MPI_Graph_neighbors") < 0)
        return -1;
    return mpi_failed(MPI_Graph_neighbors(comm, rank, n, out), "MPI_Graph_neighbors");
}

static int edges_of(MPI_Comm comm, int n_in, int *in, int n_out, int *out)
{
    int kind = MPI_UNDEFINED;

    if (mpi_failed(MPI_Topo_test(comm, &kind), "MPI_Topo_test") < 0)
        return -1;
    if (kind == MPI_CART)
        return cart_edges(comm, n_in, in, out);
    if (kind == MPI_GRAPH)
        return graph_edges(comm, n_in, in, out);
    return topology_neighbors(comm, n_in, in, NULL, n_out, out, NULL);
}

/* MPI wants room for weights even where there are none. */
int topology_neighbors(MPI_Comm comm, int n_in, int *in, int *in_weights, int n_out, int *out,
                       int *out_weights)
{
    int *room = PyMem_Calloc((size_t)n_in + (size_t)n_out + 1, sizeof *room), code;

    if (room == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    code = MPI_Dist_graph_neighbors(comm, n_in, in, in_weights ? in_weights : room, n_out, out,
                                    out_weights ? out_weights : room + n_in);
    PyMem_Free(room);
    return mpi_failed(code, "MPI_Dist_graph_neighbors");
}

/* --------------------------------------------------------------------------- attributes */

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* Which of the two directions, or both in a tuple. */
enum { IN, OUT, BOTH };

static PyObject *get_degrees(PyObject *self, void *which)
{
    int in, out;

    if (mpi_ready(state_of(self)) < 0 || topology_degrees(mpi_of(self), &in, &out) < 0)
        return NULL;
    if ((intptr_t)which == BOTH)
        return Py_BuildValue("(ii)", in, out);
    return PyLong_FromLong((intptr_t)which == IN ? in : out);
}

static PyObject *get_edges(PyObject *self, void *which)
{
    PyObject *sources, *targets, *result = NULL;
    int n_in, n_out, *ranks;

    if (mpi_ready(state_of(self)) < 0 || topology_degrees(mpi_of(self), &n_in, &n_out) < 0)
        return NULL;
    ranks = PyMem_Calloc((size_t)n_in + (size_t)n_out + 1, sizeof *ranks);
    if (ranks == NULL)
        return PyErr_NoMemory();
    if (edges_of(mpi_of(self), n_in, ranks, n_out, ranks + n_in) == 0) {
        sources = ints_to_list(ranks, n_in);
        targets = ints_to_list(ranks + n_in, n_out);
        if ((intptr_t)which == BOTH)
            result = sources && targets ? PyTuple_Pack(2, sources, targets) : NULL;
        else
            result = Py_XNewRef((intptr_t)which == IN ? sources : targets);
        Py_XDECREF(sources);
        Py_XDECREF(targets);
    }
    PyMem_Free(ranks);
    return result;
}

static PyGetSetDef topo_getset[] = {
    {"degrees", get_degrees, NULL, "(number of sources, number of destinations)", (void *)BOTH},
    {"indegree", get_degrees, NULL, "number of neighbours that send here", (void *)IN},
    {"outdegree", get_degrees, NULL, "number of neighbours sent to", (void *)OUT},
    {"inoutedges", get_edges, NULL, "(sources, destinations)", (void *)BOTH},
    {"inedges", get_edges, NULL, "ranks of the neighbours that send here", (void *)IN},
    {"outedges", get_edges, NULL, "ranks of the neighbours sent to", (void *)OUT},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(topo_doc, "Topocomm(comm=None)\n--\n\nA communicator with a topology.");

static PyType_Slot topo_slots[] = {
    {Py_tp_doc, (void *)topo_doc},
    {Py_tp_getset, topo_getset},
    {0, NULL},
};

PyType_Spec Topocomm_spec = {
    .name = "collio.MPI.Topocomm",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = topo_slots,
};
