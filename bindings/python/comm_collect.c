/* Collective calls on buffers. */
#include "bindings.h"

#include <string.h>

/* What the wrappers of MPI's functions take: the union of their arguments. */
typedef struct collective {
    message send, recv; /* one of them holds the buffer of Bcast */
    MPI_Op op;
    int root;
    MPI_Comm comm;
    int *counts; /* Reduce_scatter */
} collective;

typedef struct collect_args {
    PyObject *sendbuf, *recvbuf, *op, *counts;
    int root;
} collect_args;

#define COLLECT_ARGS                                                                               \
    {                                                                                              \
        NULL, NULL, NULL, Py_None, 0                                                               \
    }

/* Parameters by the shape of the call. */
static const param buf_root[] = {{"buf", arg_object, offsetof(collect_args, recvbuf)},
                                 {"|root", arg_int, offsetof(collect_args, root)},
                                 {NULL, NULL, 0}};
static const param two_root[] = {{"sendbuf", arg_object, offsetof(collect_args, sendbuf)},
                                 {"recvbuf", arg_object, offsetof(collect_args, recvbuf)},
                                 {"|root", arg_int, offsetof(collect_args, root)},
                                 {NULL, NULL, 0}};
static const param two[] = {{"sendbuf", arg_object, offsetof(collect_args, sendbuf)},
                            {"recvbuf", arg_object, offsetof(collect_args, recvbuf)},
                            {NULL, NULL, 0}};
static const param two_op[] = {{"sendbuf", arg_object, offsetof(collect_args, sendbuf)},
                               {"recvbuf", arg_object, offsetof(collect_args, recvbuf)},
                               {"|op", arg_object, offsetof(collect_args, op)},
                               {NULL, NULL, 0}};
static const param two_op_root[] = {{"sendbuf", arg_object, offsetof(collect_args, sendbuf)},
                                    {"recvbuf", arg_object, offsetof(collect_args, recvbuf)},
                                    {"|op", arg_object, offsetof(collect_args, op)},
                                    {"|root", arg_int, offsetof(collect_args, root)},
                                    {NULL, NULL, 0}};
static const param two_counts_op[] = {{"sendbuf", arg_object, offsetof(collect_args, sendbuf)},
                                      {"recvbuf", arg_object, offsetof(collect_args, recvbuf)},
                                      {"|recvcounts", arg_object, offsetof(collect_args, counts)},
                                      {"|op", arg_object, offsetof(collect_args, op)},
                                      {NULL, NULL, 0}};

/* ------------------------------------------------------------- MPI's functions called */

static int call_bcast(const collective *c)
{
    return MPI_Bcast(c->recv.data, c->recv.count, c->recv.type, c->root, c->comm);
}

static int call_gather(const collective *c)
{
    return MPI_Gather(c->send.data, c->send.count, c->send.type, c->recv.data, c->recv.count,
                      c->recv.type, c->root, c->comm);
}

static int call_scatter(const collective *c)
{
    return MPI_Scatter(c->send.data, c->send.count, c->send.type, c->recv.data, c->recv.count,
                       c->recv.type, c->root, c->comm);
}

static int call_allgather(const collective *c)
{
    return MPI_Allgather(c->send.data, c->send.count, c->send.type, c->recv.data, c->recv.count,
                         c->recv.type, c->comm);
}

static int call_alltoall(const collective *c)
{
    return MPI_Alltoall(c->send.data, c->send.count, c->send.type, c->recv.data, c->recv.count,
                        c->recv.type, c->comm);
}

static int call_gatherv(const collective *c)
{
    return MPI_Gatherv(c->send.data, c->send.count, c->send.type, c->recv.data, c->recv.counts,
                       c->recv.displs, c->recv.type, c->root, c->comm);
}

static int call_scatterv(const collective *c)
{
    return MPI_Scatterv(c->send.data, c->send.counts, c->send.displs, c->send.type, c->recv.data,
                        c->recv.count, c->recv.type, c->root, c->comm);
}

static int call_allgatherv(const collective *c)
{
    return MPI_Allgatherv(c->send.data, c->send.count, c->send.type, c->recv.data, c->recv.counts,
                          c->recv.displs, c->recv.type, c->comm);
}

static int call_alltoallv(const collective *c)
{
    return MPI_Alltoallv(c->send.data, c->send.counts, c->send.displs, c->send.type, c->recv.data,
                         c->recv.counts, c->recv.displs, c->recv.type, c->comm);
}

static int call_reduce(const collective *c)
{
    return MPI_Reduce(c->send.data, c->recv.data, c->send.count, c->send.type, c->op, c->root,
                      c->comm);
}

static int call_allreduce(const collective *c)
{
    return MPI_Allreduce(c->send.data, c->recv.data, c->recv.count, c->recv.type, c->op, c->comm);
}

static int call_scan(const collective *c)
{
    return MPI_Scan(c->send.data, c->recv.data, c->recv.count, c->recv.type, c->op, c->comm);
}

static int call_exscan(const collective *c)
{
    return MPI_Exscan(c->send.data, c->recv.data, c->recv.count, c->recv.type, c->op, c->comm);
}

static int call_reduce_scatter_block(const collective *c)
{
    return MPI_Reduce_scatter_block(c->send.data, c->recv.data, c->recv.count, c->recv.type, c->op,
                                    c->comm);
}

static int call_reduce_scatter(const collective *c)
{
    return MPI_Reduce_scatter(c->send.data, c->recv.data, c->counts, c->recv.type, c->op, c->comm);
}

/* ---------------------------------------------------------------------- preparation */

static int is_in_place(const state *st, PyObject *buffer)
{
    return buffer == st->in_place;
}

/* `side` takes part as MPI.IN_PLACE; the other side says what the data are. */
static void set_in_place(message *side, const message *other)
{
    side->data = MPI_IN_PLACE;
    side->count = other->count;
    side->type = other->type;
}

static int raise_mismatch(int sent, int received)
{
    PyErr_Format(PyExc_ValueError, "mismatch in send count %d and receive count %d", sent,
                 received);
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

typedef int prepare_function(state *st, const collect_args *a, int size, int rank, collective *c);

static int prepare_bcast(state *st, const collect_args *a, int Py_UNUSED(size), int rank,
                         collective *c)
{
    return message_from(st, a->recvbuf, rank != a->root, 1, &c->recv);
}

/* Gather, Gatherv: only the root's recvbuf counts. */
static int gather(state *st, const collect_args *a, int size, int at_root, int vector,
                  collective *c)
{
    int failed = 0;

    if (at_root)
        failed = vector ? message_vector(st, a->recvbuf, 1, size, &c->recv)
                        : message_from(st, a->recvbuf, 1, size, &c->recv);
    if (failed == 0 && at_root && (is_in_place(st, a->sendbuf) || a->sendbuf == Py_None))
        set_in_place(&c->send, &c->recv);
    else if (failed == 0)
        failed = message_from(st, a->sendbuf, 0, 1, &c->send);
    return failed;
}

static int prepare_gather(state *st, const collect_args *a, int size, int rank, collective *c)
{
    return gather(st, a, size, rank == a->root, 0, c);
}

static int prepare_gatherv(state *st, const collect_args *a, int size, int rank, collective *c)
{
    return gather(st, a, size, rank == a->root, 1, c);
}

static int scatter(state *st, const collect_args *a, int size, int at_root, int vector,
                   collective *c)
{
    int failed = 0;

    if (at_root)
        failed = vector ? message_vector(st, a->sendbuf, 0, size, &c->send)
                        : message_from(st, a->sendbuf, 0, size, &c->send);
    if (failed == 0 && at_root && (is_in_place(st, a->recvbuf) || a->recvbuf == Py_None))
        set_in_place(&c->recv, &c->send);
    else if (failed == 0)
        failed = message_from(st, a->recvbuf, 1, 1, &c->recv);
    return failed;
}

static int prepare_scatter(state *st, const collect_args *a, int size, int rank, collective *c)
{
    return scatter(st, a, size, rank == a->root, 0, c);
}

static int prepare_scatterv(state *st, const collect_args *a, int size, int rank, collective *c)
{
    return scatter(st, a, size, rank == a->root, 1, c);
}

static int prepare_allgather(state *st, const collect_args *a, int size, int Py_UNUSED(rank),
                             collective *c)
{
    return gather(st, a, size, 1, 0, c);
}

static int prepare_allgatherv(state *st, const collect_args *a, int size, int Py_UNUSED(rank),
                              collective *c)
{
    return gather(st, a, size, 1, 1, c);
}

static int prepare_alltoall(state *st, const collect_args *a, int size, int Py_UNUSED(rank),
                            collective *c)
{
    if (message_from(st, a->recvbuf, 1, size, &c->recv) < 0)
        return -1;
    if (!is_in_place(st, a->sendbuf) && a->sendbuf != Py_None)
        return message_from(st, a->sendbuf, 0, size, &c->send);
    set_in_place(&c->send, &c->recv);
    return 0;
}

static int prepare_alltoallv(state *st, const collect_args *a, int size, int Py_UNUSED(rank),
                             collective *c)
{
    if (message_vector(st, a->recvbuf, 1, size, &c->recv) < 0)
        return -1;
    if (!is_in_place(st, a->sendbuf) && a->sendbuf != Py_None)
        return message_vector(st, a->sendbuf, 0, size, &c->send);
    set_in_place(&c->send, &c->recv);
    return 0;
}

/* Allreduce, Scan, Exscan: equal buffers on both sides. */
static int prepare_allreduce(state *st, const collect_args *a, int Py_UNUSED(size),
                             int Py_UNUSED(rank), collective *c)
{
    if (message_from(st, a->recvbuf, 1, 1, &c->recv) < 0)
        return -1;
    if (is_in_place(st, a->sendbuf) || a->sendbuf == Py_None) {
        set_in_place(&c->send, &c->recv);
        return 0;
    }
    return message_from(st, a->sendbuf, 0, 1, &c->send) < 0 ? -1 : check_alike(c);
}

static int prepare_reduce(state *st, const collect_args *a, int size, int rank, collective *c)
{
    if (rank == a->root)
        return prepare_allreduce(st, a, size, rank, c);
    /* MPI ignores recvbuf here; a program may name the same in-place call on all ranks. */
    if (is_in_place(st, a->sendbuf) || a->sendbuf == Py_None)
        return message_from(st, a->recvbuf, 0, 1, &c->send);
    return message_from(st, a->sendbuf, 0, 1, &c->send);
}

static int prepare_reduce_scatter_block(state *st, const collect_args *a, int size,
                                        int Py_UNUSED(rank), collective *c)
{
    if (is_in_place(st, a->sendbuf) || a->sendbuf == Py_None) {
        if (message_from(st, a->recvbuf, 1, size, &c->recv) < 0)
            return -1;
        set_in_place(&c->send, &c->recv);
        return 0;
    }
    if (message_from(st, a->recvbuf, 1, 1, &c->recv) < 0 ||
        message_from(st, a->sendbuf, 0, size, &c->send) < 0)
        return -1;
    return check_alike(c);
}

static int sum(const int *counts, int n)
{
    int total = 0;

    for (int i = 0; i < n; i++)
        total += counts[i];
    return total;
}

/* The counts of Reduce_scatter: as given, or every rank's own, which they tell each other. */
static int reduce_counts(const collect_args *a, int size, collective *c)
{
    int n = size;

    if (a->counts != Py_None && a->counts != NULL) {
        n = ints_from(a->counts, &c->counts);
    } else {
        c->counts = PyMem_Malloc((size_t)size * sizeof *c->counts);
        if (c->counts == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (mpi_failed(MPI_Allgather(&c->recv.count, 1, MPI_INT, c->counts, 1, MPI_INT, c->comm),
                       "MPI_Allgather") < 0)
            return -1;
    }
    if (n >= 0 && n != size)
        PyErr_Format(PyExc_ValueError, "expecting %d items, got %d", size, n);
    return n == size ? 0 : -1;
}

static int prepare_reduce_scatter(state *st, const collect_args *a, int size, int rank,
                                  collective *c)
{
    int total;

    if (message_from(st, a->recvbuf, 1, 1, &c->recv) < 0)
        return -1;
    if (is_in_place(st, a->sendbuf) || a->sendbuf == Py_None)
        set_in_place(&c->send, &c->recv);
    else if (message_from(st, a->sendbuf, 0, 1, &c->send) < 0)
        return -1;
    if (reduce_counts(a, size, c) < 0)
        return -1;
    total = sum(c->counts, size);
    if (c->send.count != total) {
        PyErr_Format(PyExc_ValueError, "mismatch in send count %d and sum(counts) %d",
                     c->send.count, total);
        return -1;
    }
    return c->send.data == MPI_IN_PLACE || c->recv.count >= c->counts[rank]
               ? 0
               : raise_mismatch(c->counts[rank], c->recv.count);
}

/* ---------------------------------------------------------------------- the one body */

/* clang-format off */
static const struct {
    const param *params;
    prepare_function *prepare;
} shapes[] = {
    {buf_root, prepare_bcast},        {two_root, prepare_gather},
    {two_root, prepare_scatter},      {two, prepare_allgather},
    {two, prepare_alltoall},          {two_root, prepare_gatherv},
    {two_root, prepare_scatterv},     {two, prepare_allgatherv},
    {two, prepare_alltoallv},         {two_op_root, prepare_reduce},
    {two_op, prepare_allreduce},      {two_op, prepare_reduce_scatter_block},
    {two_counts_op, prepare_reduce_scatter},
};
/* clang-format on */

/* clang-format off */
enum shape {
    BCAST, GATHER, SCATTER, ALLGATHER, ALLTOALL, GATHERV, SCATTERV, ALLGATHERV, ALLTOALLV,
    REDUCE, ALLREDUCE, REDUCE_SCATTER_BLOCK, REDUCE_SCATTER
};
/* clang-format on */

static void collective_release(collective *c)
{
    message_release(&c->send);
    message_release(&c->recv);
    PyMem_Free(c->counts);
}

static PyObject *collect(PyObject *self, const row_method *row, PyObject *const *args,
                         Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    collect_args a = COLLECT_ARGS;
    collective c;
    PyObject *result = NULL;
    PyThreadState *saved;
    int size, rank, code;

    if (mpi_ready(st) < 0 ||
        args_parse(row->name, shapes[row->mode].params, &a, args, nargs, keywords) < 0 ||
        op_arg(st, a.op, &c.op) < 0)
        return NULL;
    c.comm = ((handle *)self)->mpi.comm;
    c.root = a.root;
    c.counts = NULL;
    if (mpi_failed(MPI_Comm_size(c.comm, &size), "MPI_Comm_size") < 0 ||
        mpi_failed(MPI_Comm_rank(c.comm, &rank), "MPI_Comm_rank") < 0)
        return NULL;
    message_init(&c.send);
    message_init(&c.recv);
    if (shapes[row->mode].prepare(st, &a, size, rank, &c) == 0) {
        saved = gil_lend(st);
        code = row->call.collective(&c);
        gil_acquire(saved);
        if (mpi_failed(code, row->mpi_name) == 0)
            result = Py_NewRef(Py_None);
    }
    collective_release(&c);
    return result;
}

/* ----------------------------------------------------------------------------- rows */

#define ROOT_SIGNATURE    "($self, /, sendbuf, recvbuf, root=0)\n--\n\n"
#define TWO_SIGNATURE     "($self, /, sendbuf, recvbuf)\n--\n\n"
#define OP_SIGNATURE      "($self, /, sendbuf, recvbuf, op=...)\n--\n\n"
#define OP_ROOT_SIGNATURE "($self, /, sendbuf, recvbuf, op=..., root=0)\n--\n\n"
#define COUNTS_SIGNATURE  "($self, /, sendbuf, recvbuf, recvcounts=None, op=...)\n--\n\n"

/* clang-format off */
const row_method comm_collect_rows[] = {
    {"Bcast", "Bcast($self, /, buf, root=0)\n--\n\nThe root's buffer to all. Collective.", collect,
     "MPI_Bcast", {.collective = call_bcast}, BCAST, 0},
    {"Gather", "Gather" ROOT_SIGNATURE "Everyone's buffer to the root. Collective.", collect,
     "MPI_Gather", {.collective = call_gather}, GATHER, 0},
    {"Scatter", "Scatter" ROOT_SIGNATURE "The root's parts, one to each. Collective.", collect,
     "MPI_Scatter", {.collective = call_scatter}, SCATTER, 0},
    {"Allgather", "Allgather" TWO_SIGNATURE "Everyone's buffer to all. Collective.", collect,
     "MPI_Allgather", {.collective = call_allgather}, ALLGATHER, 0},
    {"Alltoall", "Alltoall" TWO_SIGNATURE "A part from each to each. Collective.", collect,
     "MPI_Alltoall", {.collective = call_alltoall}, ALLTOALL, 0},
    {"Gatherv", "Gatherv" ROOT_SIGNATURE "Gather parts of different sizes. Collective.", collect,
     "MPI_Gatherv", {.collective = call_gatherv}, GATHERV, 0},
    {"Scatterv", "Scatterv" ROOT_SIGNATURE "Scatter parts of different sizes. Collective.",
     collect, "MPI_Scatterv", {.collective = call_scatterv}, SCATTERV, 0},
    {"Allgatherv", "Allgatherv" TWO_SIGNATURE "Allgather of different sizes. Collective.", collect,
     "MPI_Allgatherv", {.collective = call_allgatherv}, ALLGATHERV, 0},
    {"Alltoallv", "Alltoallv" TWO_SIGNATURE "Alltoall of different sizes. Collective.", collect,
     "MPI_Alltoallv", {.collective = call_alltoallv}, ALLTOALLV, 0},
    {"Reduce", "Reduce" OP_ROOT_SIGNATURE "Combine everyone's data at the root. Collective.",
     collect, "MPI_Reduce", {.collective = call_reduce}, REDUCE, 0},
    {"Allreduce", "Allreduce" OP_SIGNATURE "Combine everyone's data, to all. Collective.", collect,
     "MPI_Allreduce", {.collective = call_allreduce}, ALLREDUCE, 0},
    {"Reduce_scatter_block",
     "Reduce_scatter_block" OP_SIGNATURE "Combine, then scatter equal parts. Collective.", collect,
     "MPI_Reduce_scatter_block", {.collective = call_reduce_scatter_block}, REDUCE_SCATTER_BLOCK,
     0},
    {"Reduce_scatter",
     "Reduce_scatter" COUNTS_SIGNATURE "Combine, then scatter parts. Collective.", collect,
     "MPI_Reduce_scatter", {.collective = call_reduce_scatter}, REDUCE_SCATTER, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

/* clang-format off */
const row_method intracomm_collect_rows[] = {
    {"Scan", "Scan" OP_SIGNATURE "Combine the data of ranks 0 to this one. Collective.", collect,
     "MPI_Scan", {.collective = call_scan}, ALLREDUCE, 0},
    {"Exscan", "Exscan" OP_SIGNATURE "Combine the data of the ranks before. Collective.", collect,
     "MPI_Exscan", {.collective = call_exscan}, ALLREDUCE, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
