/*
 * From arguments to messages, for each shape of a collective call. The roles of
 * the ranks: on an intercommunicator the root's group names it ROOT and the
 * others of that group take no part (PROC_NULL); the other group contributes.
 */
#include "collect.h"

/* ------------------------------------------------------------------------ parameters */

#define SENDBUF                                                                                    \
    {                                                                                              \
        "sendbuf", arg_object, offsetof(collect_args, sendbuf)                                     \
    }
#define RECVBUF                                                                                    \
    {                                                                                              \
        "recvbuf", arg_object, offsetof(collect_args, recvbuf)                                     \
    }
#define OP                                                                                         \
    {                                                                                              \
        "|op", arg_object, offsetof(collect_args, op)                                              \
    }
#define ROOT                                                                                       \
    {                                                                                              \
        "|root", arg_int, offsetof(collect_args, root)                                             \
    }
#define COUNTS                                                                                     \
    {                                                                                              \
        "|recvcounts", arg_object, offsetof(collect_args, counts)                                  \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }

static const param none[] = {END};
static const param buf_root[] = {{"buf", arg_object, offsetof(collect_args, recvbuf)}, ROOT, END};
static const param two[] = {SENDBUF, RECVBUF, END};
static const param two_root[] = {SENDBUF, RECVBUF, ROOT, END};
static const param two_op[] = {SENDBUF, RECVBUF, OP, END};
static const param two_op_root[] = {SENDBUF, RECVBUF, OP, ROOT, END};
static const param two_counts_op[] = {SENDBUF, RECVBUF, COUNTS, OP, END};

/* ----------------------------------------------------------------------------- roles */

static int at_root(const collective *c)
{
    return c->inter ? c->root == MPI_ROOT : c->root == c->rank;
}

/* Whether this rank gives to (or, of Bcast and Scatter, gets from) the root. */
static int is_leaf(const collective *c)
{
    return !c->inter || (c->root != MPI_ROOT && c->root != MPI_PROC_NULL);
}

/* ------------------------------------------------------------------------- one buffer */

static int take(state *st, PyObject *buffer, int writable, int blocks, int vector, message *m)
{
    return vector ? message_vector(st, buffer, writable, blocks, m)
                  : message_from_large(st, buffer, writable, blocks, m);
}

/* The buffer is MPI.IN_PLACE or left out; what else a list says of it is not looked at. */
static int is_in_place(const state *st, const collective *c, PyObject *buffer)
{
    if ((PyList_Check(buffer) || PyTuple_Check(buffer)) && PySequence_Fast_GET_SIZE(buffer) > 1 &&
        PySequence_Fast_GET_ITEM(buffer, 0) == st->in_place)
        buffer = st->in_place;
    return !c->inter && (buffer == st->in_place || buffer == Py_None);
}

/* `side` takes part as MPI.IN_PLACE; the other side says what the data are. */
static void set_in_place(message *side, const message *other)
{
    side->data = MPI_IN_PLACE;
    side->count = other->count;
    side->type = other->type;
    side->counts = side->displs = NULL;
    side->types = NULL;
}

static int raise_mismatch(MPI_Count sent, MPI_Count received)
{
    PyErr_Format(PyExc_ValueError, "mismatch in send count %zd and receive count %zd",
                 (Py_ssize_t)sent, (Py_ssize_t)received);
    return -1;
}

/* Both sides of a reduction must be alike. */
static int check_alike(const collective *c)
{
    if (c->send.count != c->recv.count)
        return raise_mismatch(c->send.count, c->recv.count);
    if (c->send.type == c->recv.type)
        return 0;
    PyErr_SetString(PyExc_ValueError, "mismatch in send and receive MPI datatypes");
    return -1;
}

/* ---------------------------------------------------------------------- moving of data */

static int prepare_barrier(state *Py_UNUSED(st), const collect_args *Py_UNUSED(a),
                           collective *Py_UNUSED(c))
{
    return 0;
}

static int prepare_bcast(state *st, const collect_args *a, collective *c)
{
    if (!is_leaf(c) && !at_root(c))
        return 0;
    return message_from_large(st, a->recvbuf, !at_root(c), 1, &c->recv);
}

/* Gather, Gatherv: only the root's recvbuf counts. */
static int gather(state *st, const collect_args *a, int vector, collective *c)
{
    if (at_root(c) && take(st, a->recvbuf, 1, c->from, vector, &c->recv) < 0)
        return -1;
    if (!is_leaf(c))
        return 0;
    if (!at_root(c) || !is_in_place(st, c, a->sendbuf))
        return message_from_large(st, a->sendbuf, 0, 1, &c->send);
    set_in_place(&c->send, &c->recv);
    return 0;
}

static int prepare_gather(state *st, const collect_args *a, collective *c)
{
    return gather(st, a, 0, c);
}

static int prepare_gatherv(state *st, const collect_args *a, collective *c)
{
    return gather(st, a, 1, c);
}

/* Scatter, Scatterv: only the root's sendbuf counts. */
static int scatter(state *st, const collect_args *a, int vector, collective *c)
{
    if (at_root(c) && take(st, a->sendbuf, 0, c->to, vector, &c->send) < 0)
        return -1;
    if (!is_leaf(c))
        return 0;
    if (!at_root(c) || !is_in_place(st, c, a->recvbuf))
        return message_from_large(st, a->recvbuf, 1, 1, &c->recv);
    set_in_place(&c->recv, &c->send);
    return 0;
}

static int prepare_scatter(state *st, const collect_args *a, collective *c)
{
    return scatter(st, a, 0, c);
}

static int prepare_scatterv(state *st, const collect_args *a, collective *c)
{
    return scatter(st, a, 1, c);
}

static int allgather(state *st, const collect_args *a, int vector, collective *c)
{
    if (take(st, a->recvbuf, 1, c->from, vector, &c->recv) < 0)
        return -1;
    if (!is_in_place(st, c, a->sendbuf))
        return message_from_large(st, a->sendbuf, 0, 1, &c->send);
    set_in_place(&c->send, &c->recv);
    return 0;
}

static int prepare_allgather(state *st, const collect_args *a, collective *c)
{
    return allgather(st, a, 0, c);
}

static int prepare_allgatherv(state *st, const collect_args *a, collective *c)
{
    return allgather(st, a, 1, c);
}

static int alltoall(state *st, const collect_args *a, int vector, collective *c)
{
    if (take(st, a->recvbuf, 1, c->from, vector, &c->recv) < 0)
        return -1;
    if (!is_in_place(st, c, a->sendbuf))
        return take(st, a->sendbuf, 0, c->to, vector, &c->send);
    set_in_place(&c->send, &c->recv);
    return 0;
}

static int prepare_alltoall(state *st, const collect_args *a, collective *c)
{
    return alltoall(st, a, 0, c);
}

static int prepare_alltoallv(state *st, const collect_args *a, collective *c)
{
    return alltoall(st, a, 1, c);
}

static int prepare_alltoallw(state *st, const collect_args *a, collective *c)
{
    if (message_types(st, a->recvbuf, 1, c->from, &c->recv) < 0)
        return -1;
    if (!is_in_place(st, c, a->sendbuf))
        return message_types(st, a->sendbuf, 0, c->to, &c->send);
    set_in_place(&c->send, &c->recv);
    return 0;
}

/* ------------------------------------------------------- neighbours: nothing in place */

static int prepare_neighbor_allgather(state *st, const collect_args *a, collective *c)
{
    return message_from_large(st, a->sendbuf, 0, 1, &c->send) < 0
               ? -1
               : message_from_large(st, a->recvbuf, 1, c->from, &c->recv);
}

static int prepare_neighbor_allgatherv(state *st, const collect_args *a, collective *c)
{
    return message_from_large(st, a->sendbuf, 0, 1, &c->send) < 0
               ? -1
               : message_vector(st, a->recvbuf, 1, c->from, &c->recv);
}

static int prepare_neighbor_alltoall(state *st, const collect_args *a, collective *c)
{
    return message_from_large(st, a->sendbuf, 0, c->to, &c->send) < 0
               ? -1
               : message_from_large(st, a->recvbuf, 1, c->from, &c->recv);
}

static int prepare_neighbor_alltoallv(state *st, const collect_args *a, collective *c)
{
    return message_vector(st, a->sendbuf, 0, c->to, &c->send) < 0
               ? -1
               : message_vector(st, a->recvbuf, 1, c->from, &c->recv);
}

static int prepare_neighbor_alltoallw(state *st, const collect_args *a, collective *c)
{
    return message_types(st, a->sendbuf, 0, c->to, &c->send) < 0
               ? -1
               : message_types(st, a->recvbuf, 1, c->from, &c->recv);
}

/* ------------------------------------------------------------------------- reductions */

/* Allreduce, Scan, Exscan: equal buffers on both sides. */
static int prepare_allreduce(state *st, const collect_args *a, collective *c)
{
    if (message_from_large(st, a->recvbuf, 1, 1, &c->recv) < 0)
        return -1;
    if (is_in_place(st, c, a->sendbuf)) {
        set_in_place(&c->send, &c->recv);
        return 0;
    }
    return message_from_large(st, a->sendbuf, 0, 1, &c->send) < 0 ? -1 : check_alike(c);
}

/* MPI takes one count and type: those of the receiving side, which only the root has. */
static int reduce_to_other(state *st, const collect_args *a, collective *c)
{
    /* MPI ignores recvbuf here; a program may name the same in-place call on all ranks. */
    PyObject *buffer = is_in_place(st, c, a->sendbuf) ? a->recvbuf : a->sendbuf;

    if (message_from_large(st, buffer, 0, 1, &c->send) < 0)
        return -1;
    c->recv.count = c->send.count;
    c->recv.type = c->send.type;
    return 0;
}

static int prepare_reduce(state *st, const collect_args *a, collective *c)
{
    if (!at_root(c))
        return is_leaf(c) ? reduce_to_other(st, a, c) : 0;
    if (!c->inter)
        return prepare_allreduce(st, a, c);
    if (message_from_large(st, a->recvbuf, 1, 1, &c->recv) < 0)
        return -1;
    c->send.data = c; /* not looked at, but MPICH wants some address that is not recvbuf's */
    return 0;
}

static int prepare_reduce_scatter_block(state *st, const collect_args *a, collective *c)
{
    if (is_in_place(st, c, a->sendbuf)) {
        if (message_from_large(st, a->recvbuf, 1, c->size, &c->recv) < 0)
            return -1;
        set_in_place(&c->send, &c->recv);
        return 0;
    }
    if (message_from_large(st, a->recvbuf, 1, 1, &c->recv) < 0 ||
        message_from_large(st, a->sendbuf, 0, c->size, &c->send) < 0)
        return -1;
    return check_alike(c);
}

/* The counts of Reduce_scatter: as given, or every rank's own, which they tell each other. */
static int reduce_counts(state *st, const collect_args *a, collective *c)
{
    PyThreadState *saved;
    int code;

    if (a->counts != Py_None)
        return message_counts(st, a->counts, c->size, &c->recv);
    if (c->inter || c->send.data == MPI_IN_PLACE) {
        PyErr_SetString(PyExc_TypeError, "recvcounts must be given with IN_PLACE and on an "
                                         "intercommunicator: a sequence of integers");
        return -1;
    }
    if (message_counts(st, NULL, c->size, &c->recv) < 0)
        return -1;
    saved = gil_lend(st);
    code = MPI_Allgather(&c->recv.count, 1, MPI_COUNT, c->recv.counts, 1, MPI_COUNT, c->comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Allgather");
}

/* All parts together must be what is sent, and one's own what is received. */
static int check_counts(const collective *c)
{
    const MPI_Count *counts = c->recv.counts;
    MPI_Count total = 0;

    for (int i = 0; i < c->size; i++)
        total += counts[i];
    if (c->send.count != total) {
        PyErr_Format(PyExc_ValueError, "mismatch in send count %zd and sum(counts) %zd",
                     (Py_ssize_t)c->send.count, (Py_ssize_t)total);
        return -1;
    }
    if (c->send.data != MPI_IN_PLACE && c->recv.count < counts[c->rank])
        return raise_mismatch(counts[c->rank], c->recv.count);
    if (c->send.type == c->recv.type)
        return 0;
    PyErr_SetString(PyExc_ValueError, "mismatch in send and receive MPI datatypes");
    return -1;
}

static int prepare_reduce_scatter(state *st, const collect_args *a, collective *c)
{
    if (message_from_large(st, a->recvbuf, 1, 1, &c->recv) < 0)
        return -1;
    if (is_in_place(st, c, a->sendbuf))
        set_in_place(&c->send, &c->recv);
    else if (message_from_large(st, a->sendbuf, 0, 1, &c->send) < 0)
        return -1;
    return reduce_counts(st, a, c) < 0 ? -1 : check_counts(c);
}

/* ------------------------------------------------------------------------------ shapes */

/* X(shape, parameters) */
/* clang-format off */
#define SHAPES \
    X(barrier, none) X(bcast, buf_root) X(gather, two_root) X(gatherv, two_root) \
    X(scatter, two_root) X(scatterv, two_root) X(allgather, two) X(allgatherv, two) \
    X(alltoall, two) X(alltoallv, two) X(alltoallw, two) X(reduce, two_op_root) \
    X(allreduce, two_op) X(reduce_scatter_block, two_op) X(reduce_scatter, two_counts_op) \
    X(neighbor_allgather, two) X(neighbor_allgatherv, two) X(neighbor_alltoall, two) \
    X(neighbor_alltoallv, two) X(neighbor_alltoallw, two)
/* clang-format on */

#define X(name, parameters) const shape shape_##name = {parameters, prepare_##name};
SHAPES
#undef X
