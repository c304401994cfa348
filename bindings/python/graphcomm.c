/* MPI.Graphcomm and Distgraphcomm: what is known of their neighbours. */
#include "topology.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* --------------------------------------------------------------------------- Graphcomm */

static int dims_of(PyObject *self, int *nnodes, int *nedges)
{
    if (mpi_ready(state_of(self)) < 0)
        return -1;
    return mpi_failed(MPI_Graphdims_get(mpi_of(self), nnodes, nedges), "MPI_Graphdims_get");
}

PyDoc_STRVAR(get_dims_doc, "Get_dims($self, /)\n--\n\n(number of nodes, number of edges). "
                           "Not collective.");

static PyObject *graph_Get_dims(PyObject *self, PyObject *Py_UNUSED(none))
{
    int nnodes, nedges;

    return dims_of(self, &nnodes, &nedges) < 0 ? NULL : Py_BuildValue("(ii)", nnodes, nedges);
}

PyDoc_STRVAR(get_topo_doc, "Get_topo($self, /)\n--\n\n(index, edges) as given to Create_graph. "
                           "Not collective.");

static PyObject *graph_Get_topo(PyObject *self, PyObject *Py_UNUSED(none))
{
    int nnodes, nedges, *values;
    PyObject *result = NULL;

    if (dims_of(self, &nnodes, &nedges) < 0)
        return NULL;
    values = PyMem_Calloc((size_t)nnodes + (size_t)nedges + 1, sizeof *values);
    if (values == NULL)
        return PyErr_NoMemory();
    if (mpi_failed(MPI_Graph_get(mpi_of(self), nnodes, nedges, values, values + nnodes),
                   "MPI_Graph_get") == 0)
        result = Py_BuildValue("(NN)", ints_to_list(values, nnodes),
                               ints_to_list(values + nnodes, nedges));
    PyMem_Free(values);
    return result;
}

/* The number of a rank's neighbours, or -1. Open MPI does not look whether there is such a rank. */
static int count_of(PyObject *self, int rank)
{
    int n = -1, size = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_size(mpi_of(self), &size), "MPI_Comm_size") < 0 ||
        mpi_failed(rank < 0 || rank >= size ? MPI_ERR_RANK
                                            : MPI_Graph_neighbors_count(mpi_of(self), rank, &n),
                   "MPI_Graph_neighbors_count") < 0)
        return -1;
    return n;
}

static PyObject *neighbors_of(PyObject *self, int rank)
{
    int n = count_of(self, rank), *values;
    PyObject *result = NULL;

    if (n < 0)
        return NULL;
    values = PyMem_Calloc((size_t)n + 1, sizeof *values);
    if (values == NULL)
        return PyErr_NoMemory();
    if (mpi_failed(MPI_Graph_neighbors(mpi_of(self), rank, n, values), "MPI_Graph_neighbors") == 0)
        result = ints_to_list(values, n);
    PyMem_Free(values);
    return result;
}

PyDoc_STRVAR(count_doc, "Get_neighbors_count($self, /, rank)\n--\n\nNumber of a rank's "
                        "neighbours. Not collective.");

static PyObject *graph_Get_neighbors_count(PyObject *self, PyObject *arg)
{
    int rank, n;

    if (arg_int(arg, &rank) < 0)
        return NULL;
    n = count_of(self, rank);
    return n < 0 ? NULL : PyLong_FromLong(n);
}

PyDoc_STRVAR(neighbors_doc, "Get_neighbors($self, /, rank)\n--\n\nA rank's neighbours. "
                            "Not collective.");

static PyObject *graph_Get_neighbors(PyObject *self, PyObject *arg)
{
    int rank;

    return arg_int(arg, &rank) < 0 ? NULL : neighbors_of(self, rank);
}

/* One's own rank; -1. */
static int own_rank(PyObject *self)
{
    int rank = -1;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_rank(mpi_of(self), &rank), "MPI_Comm_rank") < 0)
        return -1;
    return rank;
}

static PyObject *get_nneighbors(PyObject *self, void *Py_UNUSED(none))
{
    int rank = own_rank(self), n = rank < 0 ? -1 : count_of(self, rank);

    return n < 0 ? NULL : PyLong_FromLong(n);
}

static PyObject *get_neighbors(PyObject *self, void *Py_UNUSED(none))
{
    int rank = own_rank(self);

    return rank < 0 ? NULL : neighbors_of(self, rank);
}

/* An item of what a method without arguments returns as a tuple. */
static PyObject *item_of(PyObject *tuple, void *which)
{
    PyObject *item = tuple != NULL ? Py_NewRef(PyTuple_GET_ITEM(tuple, (intptr_t)which)) : NULL;

    Py_XDECREF(tuple);
    return item;
}

static PyObject *get_dim(PyObject *self, void *which)
{
    return item_of(graph_Get_dims(self, NULL), which);
}

static PyObject *get_part(PyObject *self, void *which)
{
    return item_of(graph_Get_topo(self, NULL), which);
}

/* clang-format off */
const row_method graph_rows[] = {
    {"Get_neighbors_count", count_doc, method_one, "rank", {.one = graph_Get_neighbors_count}, 0, 0},
    {"Get_neighbors", neighbors_doc, method_one, "rank", {.one = graph_Get_neighbors}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef graph_methods[] = {
    {"Get_dims", graph_Get_dims, METH_NOARGS, get_dims_doc},
    {"Get_topo", graph_Get_topo, METH_NOARGS, get_topo_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef graph_getset[] = {
    {"dims", ask, NULL, "(number of nodes, number of edges)", (void *)graph_Get_dims},
    {"nnodes", get_dim, NULL, "number of nodes", (void *)0},
    {"nedges", get_dim, NULL, "number of edges", (void *)1},
    {"topo", ask, NULL, "(index, edges)", (void *)graph_Get_topo},
    {"index", get_part, NULL, "where the edges of each rank end", (void *)0},
    {"edges", get_part, NULL, "ranks of all neighbours", (void *)1},
    {"nneighbors", get_nneighbors, NULL, "number of own neighbours", NULL},
    {"neighbors", get_neighbors, NULL, "own neighbours", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(graph_doc, "Graphcomm(comm=None)\n--\n\nA communicator whose ranks form a graph.");

static PyType_Slot graph_slots[] = {
    {Py_tp_doc, (void *)graph_doc},
    {Py_tp_methods, graph_methods},
    {Py_tp_getset, graph_getset},
    {0, NULL},
};

PyType_Spec Graphcomm_spec = {
    .name = "collio.MPI.Graphcomm",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = graph_slots,
};

/* ----------------------------------------------------------------------- Distgraphcomm */

static int dist_count(PyObject *self, int *n_in, int *n_out, int *weighted)
{
    if (mpi_ready(state_of(self)) < 0)
        return -1;
    return mpi_failed(MPI_Dist_graph_neighbors_count(mpi_of(self), n_in, n_out, weighted),
                      "MPI_Dist_graph_neighbors_count");
}

PyDoc_STRVAR(dist_count_doc, "Get_dist_neighbors_count($self, /)\n--\n\n(number of sources, number "
                             "of destinations, whether edges have weights). Not collective.");

static PyObject *dist_Get_dist_neighbors_count(PyObject *self, PyObject *Py_UNUSED(none))
{
    int n_in, n_out, weighted;

    if (dist_count(self, &n_in, &n_out, &weighted) < 0)
        return NULL;
    return Py_BuildValue("(iiN)", n_in, n_out, PyBool_FromLong(weighted));
}

PyDoc_STRVAR(dist_neighbors_doc,
             "Get_dist_neighbors($self, /)\n--\n\n(sources, destinations, (weights of the sources, "
             "weights of the destinations)), None for the weights if there are none. "
             "Not collective.");

static PyObject *dist_Get_dist_neighbors(PyObject *self, PyObject *Py_UNUSED(none))
{
    int n_in, n_out, weighted, *in, *out;
    PyObject *weights, *result = NULL;

    if (dist_count(self, &n_in, &n_out, &weighted) < 0)
        return NULL;
    in = PyMem_Calloc(2 * ((size_t)n_in + (size_t)n_out) + 1, sizeof *in);
    if (in == NULL)
        return PyErr_NoMemory();
    out = in + 2 * n_in; /* each list is followed by its weights */
    if (topology_neighbors(mpi_of(self), n_in, in, in + n_in, n_out, out, out + n_out) == 0) {
        weights = weighted ? Py_BuildValue("(NN)", ints_to_list(in + n_in, n_in),
                                           ints_to_list(out + n_out, n_out))
                           : Py_NewRef(Py_None);
        result = Py_BuildValue("(NNN)", ints_to_list(in, n_in), ints_to_list(out, n_out), weights);
    }
    PyMem_Free(in);
    return result;
}

static PyMethodDef dist_methods[] = {
    {"Get_dist_neighbors_count", dist_Get_dist_neighbors_count, METH_NOARGS, dist_count_doc},
    {"Get_dist_neighbors", dist_Get_dist_neighbors, METH_NOARGS, dist_neighbors_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(dist_doc, "Distgraphcomm(comm=None)\n--\n\nA communicator whose ranks form a graph "
                       "that each of them knows a part of.");

static PyType_Slot dist_slots[] = {
    {Py_tp_doc, (void *)dist_doc},
    {Py_tp_methods, dist_methods},
    {0, NULL},
};

PyType_Spec Distgraphcomm_spec = {
    .name = "collio.MPI.Distgraphcomm",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = dist_slots,
};
