/* Collective calls on buffers: the body of all of them, and their rows. */
#include "collect.h"
#include "topology.h"

/* ------------------------------------------------------------------------ arguments */

enum { MOST_PARAMS = 8 };

/* A persistent form has one parameter more, at the end. */
static int parse_persistent(const row_method *row, collect_args *a, PyObject *const *args,
                            Py_ssize_t nargs, PyObject *keywords)
{
    const param *params = row->call.collective->shape->params;
    param extended[MOST_PARAMS] = {{NULL, NULL, 0}};
    int n = 0;

    for (; params[n].name != NULL; n++)
        extended[n] = params[n];
    extended[n] = (param){"|info", arg_object, offsetof(collect_args, info)};
    return args_parse(row->name, extended, a, args, nargs, keywords);
}

/* What most calls give, by position alone: two buffers; or one, and perhaps a root that is a small
 * int. All else is left to args_parse(), which takes several times as long. */
static inline int parse_common(const param *params, collect_args *a, PyObject *const *args,
                               Py_ssize_t nargs)
{
    if (nargs < 1 || nargs > 2 || params[0].name == NULL)
        return 0;
    if (params[1].convert == arg_object && nargs == 2) {
        a->sendbuf = args[0];
        a->recvbuf = args[1];
        return 1;
    }
    if (params[1].convert != arg_int || (nargs == 2 && !int_is_small(args[1])))
        return 0;
    a->recvbuf = args[0];
    if (nargs == 2)
        a->root = int_small(args[1]);
    return 1;
}

static int parse(const row_method *row, collect_args *a, PyObject *const *args, Py_ssize_t nargs,
                 PyObject *keywords)
{
    if (keywords == NULL && parse_common(row->call.collective->shape->params, a, args, nargs))
        return 0;
    if (row->mode == FORM_PERSISTENT)
        return parse_persistent(row, a, args, nargs, keywords);
    return args_parse(row->name, row->call.collective->shape->params, a, args, nargs, keywords);
}

/* Ranks of the group, and the number of blocks each side has. */
static int take_part(state *st, PyObject *self, int traits, collective *c)
{
    int inter = 0;

    if (!is_a(st, self, TYPE_Intracomm) &&
        mpi_failed(MPI_Comm_test_inter(c->comm, &inter), "MPI_Comm_test_inter") < 0)
        return -1;
    c->inter = inter;
    c->size = 1;
    c->rank = 0;
    if (((inter || !(traits & ANY_SIZE)) &&
         mpi_failed(MPI_Comm_size(c->comm, &c->size), "MPI_Comm_size") < 0) ||
        ((inter || !(traits & ANY_RANK)) &&
         mpi_failed(MPI_Comm_rank(c->comm, &c->rank), "MPI_Comm_rank") < 0))
        return -1;
    if (traits & NEIGHBOURS)
        return topology_degrees(c->comm, &c->from, &c->to);
    c->from = c->size;
    if (inter && mpi_failed(MPI_Comm_remote_size(c->comm, &c->from), "MPI_Comm_remote_size") < 0)
        return -1;
    c->to = c->from;
    return 0;
}

/* -------------------------------------------------------------------- large counts */

#ifdef HAVE_MPI_ALLREDUCE_C
static int go_large(collective *c, int Py_UNUSED(traits))
{
    c->large = 1;
    return 0;
}
#else
static int go_large(collective *c, int traits)
{
    message *sides[] = {&c->send, &c->recv};

    for (int i = 0; i < 2; i++) {
        if (traits & REDUCES || sides[i]->lists != NULL) {
            PyErr_Format(PyExc_OverflowError,
                         "message: a count or displacement is beyond %d, which this MPI takes "
                         "from version 4 on: %s",
                         INT_MAX,
                         traits & REDUCES ? "reduce in parts"
                                          : "use a larger Datatype (Create_contiguous)");
            return -1;
        }
        if (sides[i]->count > INT_MAX && sides[i]->data != MPI_IN_PLACE &&
            message_bundle(sides[i]) < 0)
            return -1;
    }
    return 0;
}
#endif

/* Counts as MPI's function will take them: ints unless one is too large for that. */
static int fit_counts(collective *c, int traits)
{
    const int from = traits & REDUCES ? c->size : c->from;

    if (c->send.lists == NULL && c->recv.lists == NULL && c->send.count <= INT_MAX &&
        c->recv.count <= INT_MAX)
        return 0;
    if (message_is_large(&c->send, c->to) || message_is_large(&c->recv, from))
        return go_large(c, traits);
    message_narrow(&c->send, c->to, !(traits & AINT_DISPLS));
    message_narrow(&c->recv, from, !(traits & AINT_DISPLS));
    return 0;
}

/* Equal counts as lists: see PERSISTENT_BY_LISTS. */
static int make_lists(collective *c, int traits)
{
    if (!PERSISTENT_BY_LISTS || c->form != FORM_PERSISTENT)
        return 0;
    if (traits & LISTS_SENT && message_spread(&c->send, c->to) < 0)
        return -1;
    return traits & LISTS_RECEIVED ? message_spread(&c->recv, c->from) : 0;
}

/* ------------------------------------------------------------------------- the body */

/* All that must live as long as a request: memory, lists, an operation of the user's. New. */
static PyObject *keep_all(const collective *c, PyObject *op)
{
    PyObject *const all[] = {c->send.keep, c->recv.keep, c->send.lists, c->recv.lists, op};
    PyObject *list = PyList_New(0);

    for (size_t i = 0; list != NULL && i < sizeof all / sizeof *all; i++)
        if (all[i] != NULL && PyList_Append(list, all[i]) < 0)
            Py_CLEAR(list);
    return list;
}

/* A failure to keep things is known before MPI is called. */
static PyObject *run(state *st, const row_method *row, collective *c, PyObject *op)
{
    PyObject *keep = NULL, *result = NULL;
    PyThreadState *saved;
    int code;

    if (row->mode != FORM_BLOCKING) {
        keep = keep_all(c, op);
        if (keep == NULL)
            return NULL;
    }
    saved = gil_lend(st);
    code = row->call.collective->call(c);
    gil_acquire(saved);
    if (mpi_failed(code, row->mpi_name) < 0)
        result = NULL;
    else if (row->mode == FORM_BLOCKING)
        result = Py_NewRef(Py_None);
    else
        result = request_make(st, row->mode == FORM_PERSISTENT ? TYPE_Prequest : TYPE_Request,
                              c->request, keep);
    Py_XDECREF(keep);
    return result;
}

static PyObject *collect(PyObject *self, const row_method *row, PyObject *const *args,
                         Py_ssize_t nargs, PyObject *keywords)
{
    const operation *what = row->call.collective;
    state *st = state_of(self);
    collect_args a = {NULL, NULL, NULL, Py_None, NULL, 0};
    collective c;
    PyObject *result = NULL;

    if (mpi_ready(st) < 0 || parse(row, &a, args, nargs, keywords) < 0 ||
        op_arg(st, a.op, &c.op) < 0 || info_arg(st, a.info, &c.info) < 0)
        return NULL;
#ifndef HAVE_MPI_BCAST_INIT
    if (row->mode == FORM_PERSISTENT)
        return raise_unavailable(row->mpi_name);
#endif
    c.comm = ((handle *)self)->mpi.comm;
    c.root = a.root;
    c.form = (enum form)row->mode;
    c.large = 0;
    if (take_part(st, self, what->traits, &c) < 0)
        return NULL;
    message_init(&c.send);
    message_init(&c.recv);
    if (what->shape->prepare(st, &a, &c) == 0 && make_lists(&c, what->traits) == 0 &&
        fit_counts(&c, what->traits) == 0)
        result = run(st, row, &c, a.op);
    message_release(&c.send);
    message_release(&c.recv);
    return result;
}

/* ----------------------------------------------------------------------------- rows */

/* Three methods of each row: X(name, nonblocking name, parameters, what it does) */
#define COMM_ROWS                                                                                  \
    X(Bcast, Ibcast, "buf, root=0", "the root's buffer to all")                                    \
    X(Gather, Igather, "sendbuf, recvbuf, root=0", "everyone's buffer to the root")                \
    X(Gatherv, Igatherv, "sendbuf, recvbuf, root=0", "parts of different sizes to the root")       \
    X(Scatter, Iscatter, "sendbuf, recvbuf, root=0", "the root's parts, one to each")              \
    X(Scatterv, Iscatterv, "sendbuf, recvbuf, root=0", "the root's parts of different sizes")      \
    X(Allgather, Iallgather, "sendbuf, recvbuf", "everyone's buffer to all")                       \
    X(Allgatherv, Iallgatherv, "sendbuf, recvbuf", "buffers of different sizes to all")            \
    X(Alltoall, Ialltoall, "sendbuf, recvbuf", "a part from each to each")                         \
    X(Alltoallv, Ialltoallv, "sendbuf, recvbuf", "parts of different sizes from each to each")     \
    X(Alltoallw, Ialltoallw, "sendbuf, recvbuf",                                                   \
      "parts of different sizes and types from each to each, displacements in bytes")              \
    X(Reduce, Ireduce, "sendbuf, recvbuf, op=..., root=0",                                         \
      "everyone's data, combined, to the root")                                                    \
    X(Allreduce, Iallreduce, "sendbuf, recvbuf, op=...", "everyone's data, combined, to all")      \
    X(Reduce_scatter_block, Ireduce_scatter_block, "sendbuf, recvbuf, op=...",                     \
      "everyone's data, combined, an equal part to each")                                          \
    X(Reduce_scatter, Ireduce_scatter, "sendbuf, recvbuf, recvcounts=None, op=...",                \
      "everyone's data, combined, a part to each")

#define INTRACOMM_ROWS                                                                             \
    X(Scan, Iscan, "sendbuf, recvbuf, op=...", "the data of ranks 0 to this one, combined")        \
    X(Exscan, Iexscan, "sendbuf, recvbuf, op=...",                                                 \
      "the data of the ranks before this one, combined")

#define TOPOCOMM_ROWS                                                                              \
    X(Neighbor_allgather, Ineighbor_allgather, "sendbuf, recvbuf",                                 \
      "a buffer to all neighbours, and one from each")                                             \
    X(Neighbor_allgatherv, Ineighbor_allgatherv, "sendbuf, recvbuf",                               \
      "a buffer to all neighbours, and one of another size from each")                             \
    X(Neighbor_alltoall, Ineighbor_alltoall, "sendbuf, recvbuf",                                   \
      "a part to each neighbour, and one from each")                                               \
    X(Neighbor_alltoallv, Ineighbor_alltoallv, "sendbuf, recvbuf",                                 \
      "parts of different sizes to and from the neighbours")                                       \
    X(Neighbor_alltoallw, Ineighbor_alltoallw, "sendbuf, recvbuf",                                 \
      "parts of different sizes and types to and from the neighbours, displacements in bytes")

/* clang-format off */
#define X(name, iname, parameters, what) \
    {#name, #name "($self, /, " parameters ")\n--\n\nCommunicate " what ". Collective.", \
     collect, "MPI_" #name, {.collective = &collect_##name}, FORM_BLOCKING, 0}, \
    {#iname, #iname "($self, /, " parameters ")\n--\n\nBegin to communicate " what \
     "; returns a Request. Collective.", \
     collect, "MPI_" #iname, {.collective = &collect_##name}, FORM_NONBLOCKING, 0}, \
    {#name "_init", #name "_init($self, /, " parameters ", info=...)\n--\n\nPrepare to " \
     "communicate " what ", many times; returns a Prequest. MPI 4. Collective.", \
     collect, "MPI_" #name "_init", {.collective = &collect_##name}, FORM_PERSISTENT, 0},
#define END {NULL, NULL, NULL, NULL, {NULL}, 0, 0}

const row_method comm_collect_rows[] = {
    COMM_ROWS
    {"Ibarrier",
     "Ibarrier($self, /)\n--\n\nBegin to wait for all; returns a Request. Collective.", collect,
     "MPI_Ibarrier", {.collective = &collect_Barrier}, FORM_NONBLOCKING, 0},
    {"Barrier_init",
     "Barrier_init($self, /, info=...)\n--\n\nPrepare to wait for all, many times; returns a "
     "Prequest. MPI 4. Collective.", collect, "MPI_Barrier_init",
     {.collective = &collect_Barrier}, FORM_PERSISTENT, 0},
    END,
};

const row_method intracomm_collect_rows[] = {INTRACOMM_ROWS END};

const row_method topocomm_collect_rows[] = {TOPOCOMM_ROWS END};
#undef X
/* clang-format on */
