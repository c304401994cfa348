/* MPI.Graphcomm and Distgraphcomm: communicators whose ranks have given neighbours. */
#include "topology.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* ------------------------------------------------------------------ lists of integers */

/* A list of numbers out of an argument. */
typedef struct numbers {
    int n;
    int *values; /* NULL, or for PyMem_Free */
} numbers;

static int take_numbers(PyObject *object, numbers *out)
{
    out->n = object == NULL || object == Py_None ? 0 : ints_from(object, &out->values);
    return out->n < 0 ? -1 : 0;
}

static int check_length(const numbers *list, int64_t wanted)
{
    if (list->n == wanted)
        return 0;
    PyErr_Format(PyExc_ValueError, "expecting %lld items, got %d", (long long)wanted, list->n);
    return -1;
}

/* MPI libraries look for weights where there are edges. */
static int check_empty(const int *weights, int n)
{
    if (weights != MPI_WEIGHTS_EMPTY || n == 0)
        return 0;
    PyErr_Format(PyExc_ValueError, "WEIGHTS_EMPTY is for a rank without edges; this one has %d", n);
    return -1;
}

/* Weights: a list of n numbers; None and UNWEIGHTED; or WEIGHTS_EMPTY. */
static int take_weights(PyObject *object, int n, numbers *list, const int **out)
{
    int64_t address = 0;

    *out = MPI_UNWEIGHTED;
    if (object == NULL || object == Py_None)
        return 0;
    if (PyLong_Check(object)) {
        if (index_int64(object, &address) < 0)
            return -1;
        if (address == (int64_t)(intptr_t)MPI_WEIGHTS_EMPTY)
            *out = MPI_WEIGHTS_EMPTY;
        if (address == (int64_t)(intptr_t)*out)
            return check_empty(*out, n);
        raise_type("weights", "a sequence of integers, UNWEIGHTED or WEIGHTS_EMPTY", object);
        return -1;
    }
    if (take_numbers(object, list) < 0 || check_length(list, n) < 0)
        return -1;
    *out = n > 0 ? list->values : MPI_WEIGHTS_EMPTY;
    return 0;
}

/* ----------------------------------------------------------------------- Graphcomm made */

typedef struct graph_args {
    PyObject *index, *edges;
    int reorder;
} graph_args;

/* Row r's edges end at index[r]. Lists that start with 0, as of sparse matrices, are one longer.
 * Edges beyond the last row's are let be. */
static int take_graph(const graph_args *a, numbers *index, numbers *edges, const int **from)
{
    int skip, last;

    index->n = ints_from(a->index, &index->values);
    edges->n = index->n < 0 ? -1 : ints_from(a->edges, &edges->values);
    if (edges->n < 0)
        return -1;
    last = index->n > 0 ? index->values[index->n - 1] : 0;
    skip = index->n > 0 && index->values[0] == 0 && last == edges->n;
    *from = index->values + skip;
    index->n -= skip;
    return last <= edges->n ? 0 : check_length(edges, last);
}

PyDoc_STRVAR(
    create_graph_doc,
    "Create_graph($self, /, index, edges, reorder=False)\n--\n\nA communicator whose ranks "
    "have the neighbours given: those of rank r are edges[index[r-1]:index[r]]. All ranks "
    "give the same; COMM_NULL on those left over. Collective.");

static PyObject *comm_Create_graph(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"index", arg_object, offsetof(graph_args, index)},
                                 {"edges", arg_object, offsetof(graph_args, edges)},
                                 {"|reorder", arg_bool, offsetof(graph_args, reorder)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    graph_args a = {NULL, NULL, 0};
    numbers index = {0, NULL}, edges = {0, NULL};
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    const int *from;
    int code;

    if (mpi_ready(st) < 0 || args_parse("Create_graph", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (take_graph(&a, &index, &edges, &from) == 0) {
        saved = gil_release();
        code = MPI_Graph_create(mpi_of(self), index.n, from, edges.values, a.reorder, &comm);
        gil_acquire(saved);
        if (mpi_failed(code, "MPI_Graph_create") == 0)
            result = comm_wrap_as(st, TYPE_Graphcomm, comm);
    }
    PyMem_Free(index.values);
    PyMem_Free(edges.values);
    return result;
}

/* Open MPI refuses a graph of nobody. */
static int map_graph(MPI_Comm comm, int n, const int *index, const int *edges, int *rank)
{
    if (n > 0 || comm == MPI_COMM_NULL)
        return MPI_Graph_map(comm, n, index, edges, rank);
    *rank = MPI_UNDEFINED;
    return MPI_SUCCESS;
}

PyDoc_STRVAR(graph_map_doc, "Graph_map($self, /, index, edges)\n--\n\nThe best rank of this "
                            "process in a graph. Collective.");

static PyObject *comm_Graph_map(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *keywords)
{
    static const param rows[] = {{"index", arg_object, offsetof(graph_args, index)},
                                 {"edges", arg_object, offsetof(graph_args, edges)},
                                 {NULL, NULL, 0}};
    graph_args a = {NULL, NULL, 0};
    numbers index = {0, NULL}, edges = {0, NULL};
    PyObject *result = NULL;
    const int *from;
    int rank = MPI_PROC_NULL;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Graph_map", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (take_graph(&a, &index, &edges, &from) == 0 &&
        mpi_failed(map_graph(mpi_of(self), index.n, from, edges.values, &rank), "MPI_Graph_map") ==
            0)
        result = PyLong_FromLong(rank);
    PyMem_Free(index.values);
    PyMem_Free(edges.values);
    return result;
}

/* ------------------------------------------------------------------- Distgraphcomm made */

typedef struct dist_args {
    PyObject *sources, *degrees, *destinations;
    PyObject *sourceweights, *destweights; /* the latter: of all, where there is one list */
    PyObject *info;
    int reorder;
} dist_args;

/* What the two constructors share: lists and weights taken, made, wrapped. */
typedef struct dist {
    numbers sources, degrees, destinations, in_weights, out_weights;
    const int *in, *out; /* weights for MPI */
    MPI_Info info;
} dist;

static void dist_release(dist *d)
{
    PyMem_Free(d->sources.values);
    PyMem_Free(d->degrees.values);
    PyMem_Free(d->destinations.values);
    PyMem_Free(d->in_weights.values);
    PyMem_Free(d->out_weights.values);
}

static PyObject *dist_wrap(state *st, int code, const char *name, MPI_Comm comm)
{
    return mpi_failed(code, name) < 0 ? NULL : comm_wrap_as(st, TYPE_Distgraphcomm, comm);
}

PyDoc_STRVAR(
    adjacent_doc,
    "Create_dist_graph_adjacent($self, /, sources, destinations, sourceweights=None, "
    "destweights=None, info=..., reorder=False)\n--\n\nA communicator to which each rank gives the "
    "ranks it receives from and sends to; weights as lists, UNWEIGHTED (or None) or WEIGHTS_EMPTY. "
    "Collective.");

static PyObject *comm_Create_dist_graph_adjacent(PyObject *self, PyObject *const *args,
                                                 Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"sources", arg_object, offsetof(dist_args, sources)},
                                 {"destinations", arg_object, offsetof(dist_args, destinations)},
                                 {"|sourceweights", arg_object, offsetof(dist_args, sourceweights)},
                                 {"|destweights", arg_object, offsetof(dist_args, destweights)},
                                 {"|info", arg_object, offsetof(dist_args, info)},
                                 {"|reorder", arg_bool, offsetof(dist_args, reorder)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    dist_args a = {.reorder = 0};
    dist d = {.in = MPI_UNWEIGHTED};
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    int code;

    if (mpi_ready(st) < 0 ||
        args_parse("Create_dist_graph_adjacent", rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &d.info) < 0)
        return NULL;
    if (take_numbers(a.sources, &d.sources) == 0 &&
        take_numbers(a.destinations, &d.destinations) == 0 &&
        take_weights(a.sourceweights, d.sources.n, &d.in_weights, &d.in) == 0 &&
        take_weights(a.destweights, d.destinations.n, &d.out_weights, &d.out) == 0) {
        saved = gil_release();
        code = MPI_Dist_graph_create_adjacent(mpi_of(self), d.sources.n, d.sources.values, d.in,
                                              d.destinations.n, d.destinations.values, d.out,
                                              d.info, a.reorder, &comm);
        gil_acquire(saved);
        result = dist_wrap(st, code, "MPI_Dist_graph_create_adjacent", comm);
    }
    dist_release(&d);
    return result;
}

/* As many degrees as sources, and as many destinations as the degrees say. */
static int take_edges(const dist_args *a, dist *d)
{
    int64_t total = 0;

    if (take_numbers(a->sources, &d->sources) < 0 || take_numbers(a->degrees, &d->degrees) < 0 ||
        take_numbers(a->destinations, &d->destinations) < 0 ||
        check_length(&d->degrees, d->sources.n) < 0)
        return -1;
    for (int i = 0; i < d->degrees.n; i++)
        total += d->degrees.values[i];
    if (check_length(&d->destinations, total) < 0)
        return -1;
    return take_weights(a->destweights, d->destinations.n, &d->out_weights, &d->out);
}

PyDoc_STRVAR(dist_graph_doc,
             "Create_dist_graph($self, /, sources, degrees, destinations, weights=None, info=..., "
             "reorder=False)\n--\n\nA communicator to which each rank gives some of the edges, of "
             "any ranks: degrees[i] destinations for sources[i]; weights as a list, UNWEIGHTED (or "
             "None) or WEIGHTS_EMPTY. Collective.");

static PyObject *comm_Create_dist_graph(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                        PyObject *keywords)
{
    static const param rows[] = {{"sources", arg_object, offsetof(dist_args, sources)},
                                 {"degrees", arg_object, offsetof(dist_args, degrees)},
                                 {"destinations", arg_object, offsetof(dist_args, destinations)},
                                 {"|weights", arg_object, offsetof(dist_args, destweights)},
                                 {"|info", arg_object, offsetof(dist_args, info)},
                                 {"|reorder", arg_bool, offsetof(dist_args, reorder)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    dist_args a = {.reorder = 0};
    dist d = {.in = MPI_UNWEIGHTED};
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    int code;

    if (mpi_ready(st) < 0 || args_parse("Create_dist_graph", rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &d.info) < 0)
        return NULL;
    if (take_edges(&a, &d) == 0) {
        saved = gil_release();
        code = MPI_Dist_graph_create(mpi_of(self), d.sources.n, d.sources.values, d.degrees.values,
                                     d.destinations.values, d.out, d.info, a.reorder, &comm);
        gil_acquire(saved);
        result = dist_wrap(st, code, "MPI_Dist_graph_create", comm);
    }
    dist_release(&d);
    return result;
}

PyMethodDef intracomm_graph_methods[] = {
    {"Create_graph", FAST(comm_Create_graph), FASTCALL, create_graph_doc},
    {"Graph_map", FAST(comm_Graph_map), FASTCALL, graph_map_doc},
    {"Create_dist_graph_adjacent", FAST(comm_Create_dist_graph_adjacent), FASTCALL, adjacent_doc},
    {"Create_dist_graph", FAST(comm_Create_dist_graph), FASTCALL, dist_graph_doc},
    {NULL, NULL, 0, NULL},
};
