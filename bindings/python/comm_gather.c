/*
 * The lower-case collective calls, on communicators of all kinds. Sizes go first,
 * then bytes. A rank whose object cannot be pickled says so in place of the size
 * and sends no bytes: all calls take place, so nobody waits for what never comes,
 * and then those who should have received the object raise.
 */
#include "objects.h"
#include "topology.h"

#include <string.h>

static const param sendobj_root[] = {{"sendobj", arg_object, offsetof(object_args, object)},
                                     {"|root", arg_int, offsetof(object_args, root)},
                                     {NULL, NULL, 0}};
static const param sendobj[] = {{"sendobj", arg_object, offsetof(object_args, object)},
                                {NULL, NULL, 0}};
static const param sendobj_op[] = {{"sendobj", arg_object, offsetof(object_args, object)},
                                   {"|op", arg_object, offsetof(object_args, op)},
                                   {NULL, NULL, 0}};
static const param sendobj_op_root[] = {{"sendobj", arg_object, offsetof(object_args, object)},
                                        {"|op", arg_object, offsetof(object_args, op)},
                                        {"|root", arg_int, offsetof(object_args, root)},
                                        {NULL, NULL, 0}};

/* row->mode */
enum { EVERYBODY, AMONG_NEIGHBOURS, UP_TO_HERE, BEFORE_HERE };

/* ------------------------------------------------------------------------- who takes part */

static int find_others(call *c, PyObject *self)
{
    if (c->neighbours)
        return topology_degrees(c->comm, &c->from, &c->to);
    if (!is_a(c->st, self, TYPE_Intracomm) &&
        mpi_failed(MPI_Comm_test_inter(c->comm, &c->inter), "MPI_Comm_test_inter") < 0)
        return -1;
    if (mpi_failed(c->inter ? MPI_Comm_remote_size(c->comm, &c->from)
                            : MPI_Comm_size(c->comm, &c->from),
                   "MPI_Comm_size") < 0)
        return -1;
    c->to = c->from;
    return 0;
}

int object_call(call *c, PyObject *self, const row_method *row, const param *params,
                PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    c->st = state_of(self);
    c->comm = ((handle *)self)->mpi.comm;
    c->a = (object_args){NULL, 0, NULL};
    c->inter = 0;
    c->neighbours = row->mode == AMONG_NEIGHBOURS;
    if (mpi_ready(c->st) < 0 || args_parse(row->name, params, &c->a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Comm_rank(c->comm, &c->rank), "MPI_Comm_rank") < 0)
        return -1;
    c->serializer = serializer_of(c->st, c->comm);
    return find_others(c, self);
}

int object_agree_on_room(call *c, int64_t size, int have)
{
    int mine = have ? 0 : c->rank + 1, first = 0, code;
    PyThreadState *saved;

    if (size <= SINK_SIZE)
        return 0;
    saved = gil_lend(c->st);
    code = MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MAX, c->comm);
    gil_acquire(saved);
    if (mpi_failed(code, "MPI_Allreduce") < 0)
        return -1;
    if (first == 0)
        return 0;
    PyErr_Format(PyExc_MemoryError, "rank %d has no memory for %lld bytes of objects", first - 1,
                 (long long)size);
    return -1;
}

int64_t object_pack(PyObject *serializer, PyObject *object, parcel *p)
{
    if (parcel_pack(serializer, object, p) == 0)
        return (int64_t)p->size;
    parcel_release(p);
    *p = (parcel){.type = MPI_BYTE};
    return UNPICKLABLE;
}

int object_refuse(int64_t size, const char *who, int rank)
{
    if (size != UNPICKLABLE)
        return 0;
    PyErr_Format(PyExc_RuntimeError, "%s %d could not prepare its object (see its own exception)",
                 who, rank);
    return -1;
}

const char *object_word(const call *c)
{
    return c->neighbours ? "neighbour" : c->inter ? "remote rank" : "rank";
}

PyObject *object_release(held *h, PyObject *result)
{
    if (h->type == NULL)
        return result;
    PyErr_Clear();
    Py_XDECREF(result);
    PyErr_Restore(h->type, h->value, h->trace);
    return NULL;
}

/* ---------------------------------------------------------------- gather, allgather */

static PyObject *gather(PyObject *self, const row_method *row, PyObject *const *args,
                        Py_ssize_t nargs, PyObject *keywords)
{
    call c;

    if (object_call(&c, self, row, sendobj_root, args, nargs, keywords) < 0)
        return NULL;
    return object_gather(&c, 0);
}

static PyObject *allgather(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    call c;

    if (object_call(&c, self, row, sendobj, args, nargs, keywords) < 0)
        return NULL;
    return object_gather(&c, 1);
}

/* ----------------------------------------------------------------- scatter, alltoall */

/* Each to each, from and to where the tables say. */
static int exchange_bytes(call *c, table *out, table *in)
{
    const Py_buffer *own = c->inter || c->neighbours ? NULL : table_take_own(out, in, c->rank);
    PyThreadState *saved = gil_lend(c->st);
    int code;

    if (own != NULL)
        memcpy((char *)in->data + in->displs[c->rank], own->buf, (size_t)own->len);
    code = c->neighbours
               ? MPI_Neighbor_alltoallw(out->from, out->counts, out->places, out->types, in->from,
                                        in->counts, in->places, in->types, c->comm)
               : MPI_Alltoallw(out->from, out->counts, out->displs, out->types, in->from,
                               in->counts, in->displs, in->types, c->comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Alltoallw");
}

/* What the root tells each. */
typedef struct portion {
    int64_t in_place; /* MPI_Alltoallw carries it */
    notice told;
} portion;

static int scatter_notices(call *c, const table *t, portion *mine)
{
    enum { SIZE = sizeof(portion) };
    portion *all = spare_calloc((size_t)t->n + 1, sizeof *all);
    PyThreadState *saved;
    int code;

    if (all == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < t->n; i++)
        all[i] = (portion){t->in_place, t->notices[i]};
    saved = gil_lend(c->st);
    code = MPI_Scatter(all, SIZE, MPI_BYTE, mine, SIZE, MPI_BYTE, c->a.root, c->comm);
    gil_acquire(saved);
    spare_free(all);
    return mpi_failed(code, "MPI_Scatter");
}

static int scatter_joined(call *c, const table *t, table *in)
{
    int count = c->a.root < in->n ? in->counts[c->a.root] : 0;
    MPI_Datatype type = c->a.root < in->n ? in->types[c->a.root] : MPI_BYTE;
    PyThreadState *saved = gil_lend(c->st);
    int code = MPI_Scatterv(t->data, t->counts, t->displs, MPI_BYTE, in->from, count, type,
                            c->a.root, c->comm);

    gil_acquire(saved);
    return mpi_failed(code, "MPI_Scatterv");
}

/* Receive one's own part; None where nothing is to be received. Between two groups not all know
 * what the root told, so that there is one way alone. New. */
static PyObject *scatter_bytes(call *c, table *t, const portion *mine)
{
    const int typed = c->inter || mine->in_place;
    const int64_t size = mine->told.size;
    PyObject *object = NULL;
    table in;

    if (table_init(&in, c->from) == 0 && table_make_notices(&in) == 0) {
        if (size != NOBODY)
            in.notices[c->a.root] = mine->told;
        table_heed(&in);
        if (table_lay_out_typed(&in) == 0 &&
            (typed ? exchange_bytes(c, t, &in) : scatter_joined(c, t, &in)) == 0 &&
            table_refuse(&in, "rank") == 0)
            object = size == NOBODY ? Py_NewRef(Py_None)
                                    : parcel_open(c->serializer, in.room, 0, (Py_ssize_t)size);
    }
    table_free(&in);
    return object;
}

static PyObject *scatter(PyObject *self, const row_method *row, PyObject *const *args,
                         Py_ssize_t nargs, PyObject *keywords)
{
    portion mine = {0, {.size = NOBODY}};
    call c;
    table t;
    held h;
    PyObject *object = NULL;

    if (object_call(&c, self, row, sendobj_root, args, nargs, keywords) < 0)
        return NULL;
    if (table_init(&t, c.to) == 0 && table_make_notices(&t) == 0) {
        if (object_at_root(&c))
            table_pack(c.serializer, c.a.object, &t);
        table_notify(&t);
        object_hold(&h);
        if (scatter_notices(&c, &t, &mine) == 0)
            object = scatter_bytes(&c, &t, &mine);
        object = object_release(&h, object);
    }
    table_free(&t);
    return object;
}

static int exchange_notices(call *c, const table *out, table *in)
{
    enum { SIZE = sizeof(notice) };
    PyThreadState *saved = gil_lend(c->st);
    int code = c->neighbours ? MPI_Neighbor_alltoall(out->notices, SIZE, MPI_BYTE, in->notices,
                                                     SIZE, MPI_BYTE, c->comm)
                             : MPI_Alltoall(out->notices, SIZE, MPI_BYTE, in->notices, SIZE,
                                            MPI_BYTE, c->comm);

    gil_acquire(saved);
    table_heed(in);
    return mpi_failed(code, "MPI_Alltoall");
}

static PyObject *alltoall(PyObject *self, const row_method *row, PyObject *const *args,
                          Py_ssize_t nargs, PyObject *keywords)
{
    call c;
    table out, in;
    held h;
    PyObject *list = NULL;

    if (object_call(&c, self, row, sendobj, args, nargs, keywords) < 0)
        return NULL;
    if ((table_init(&out, c.to) | table_init(&in, c.from)) == 0 && table_make_notices(&out) == 0 &&
        table_make_notices(&in) == 0) {
        table_pack(c.serializer, c.a.object, &out);
        table_notify(&out);
        object_hold(&h);
        if (exchange_notices(&c, &out, &in) == 0 && table_lay_out_typed(&in) == 0 &&
            exchange_bytes(&c, &out, &in) == 0 && table_refuse(&in, object_word(&c)) == 0)
            list = table_open(c.serializer, &in);
        list = object_release(&h, list);
    }
    table_free(&out);
    table_free(&in);
    return list;
}

/* ------------------------------------------------------------------------ reductions */

/* op(op(list[0], list[1]), ...) of the first n. New. */
static PyObject *fold(const call *c, PyObject *list, Py_ssize_t n)
{
    PyObject *op = c->a.op != NULL ? c->a.op : c->st->sum;
    PyObject *result = Py_NewRef(n > 0 ? PyList_GET_ITEM(list, 0) : Py_None);

    for (Py_ssize_t i = 1; result != NULL && i < n; i++) {
        PyObject *next = PyObject_CallFunctionObjArgs(op, result, PyList_GET_ITEM(list, i), NULL);
        Py_SETREF(result, next);
    }
    return result;
}

/* In the order of the ranks, so that the result is the same on all and every time. */
static PyObject *reduce(PyObject *self, const row_method *row, PyObject *const *args,
                        Py_ssize_t nargs, PyObject *keywords)
{
    call c;
    PyObject *list, *result;

    if (object_call(&c, self, row, sendobj_op_root, args, nargs, keywords) < 0)
        return NULL;
    list = object_gather(&c, 0);
    if (list == NULL || list == Py_None)
        return list;
    result = fold(&c, list, PyList_GET_SIZE(list));
    Py_DECREF(list);
    return result;
}

/* row->mode says up to which rank the objects are combined. */
static PyObject *allreduce(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    call c;
    PyObject *list, *result;

    if (object_call(&c, self, row, sendobj_op, args, nargs, keywords) < 0)
        return NULL;
    list = object_gather(&c, 1);
    if (list == NULL)
        return NULL;
    result = fold(&c, list,
                  row->mode == UP_TO_HERE    ? c.rank + 1
                  : row->mode == BEFORE_HERE ? c.rank
                                             : PyList_GET_SIZE(list));
    Py_DECREF(list);
    return result;
}

/* ----------------------------------------------------------------------------- rows */

/* clang-format off */
const row_method comm_gather_rows[] = {
    {"gather",
     "gather($self, /, sendobj, root=0)\n--\n\nA list of everyone's objects on the root, None "
     "elsewhere. Collective.", gather, "MPI_Gatherv", {NULL}, EVERYBODY, 0},
    {"allgather",
     "allgather($self, /, sendobj)\n--\n\nA list of everyone's objects on all. Collective.",
     allgather, "MPI_Allgatherv", {NULL}, EVERYBODY, 0},
    {"scatter",
     "scatter($self, /, sendobj, root=0)\n--\n\nOne object of the root's sequence to each. "
     "Collective.", scatter, "MPI_Scatterv", {NULL}, EVERYBODY, 0},
    {"alltoall",
     "alltoall($self, /, sendobj)\n--\n\nAn object from each to each. Collective.", alltoall,
     "MPI_Alltoallw", {NULL}, EVERYBODY, 0},
    {"reduce",
     "reduce($self, /, sendobj, op=..., root=0)\n--\n\nCombine everyone's objects on the root, "
     "None elsewhere. Collective.", reduce, "MPI_Gatherv", {NULL}, EVERYBODY, 0},
    {"allreduce",
     "allreduce($self, /, sendobj, op=...)\n--\n\nCombine everyone's objects, on all. "
     "Collective.", allreduce, "MPI_Allgatherv", {NULL}, EVERYBODY, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
const row_method intracomm_gather_rows[] = {
    {"scan",
     "scan($self, /, sendobj, op=...)\n--\n\nCombine the objects of ranks 0 to this one. "
     "Collective.", allreduce, "MPI_Allgatherv", {NULL}, UP_TO_HERE, 0},
    {"exscan",
     "exscan($self, /, sendobj, op=...)\n--\n\nCombine the objects of the ranks before; None on "
     "rank 0. Collective.", allreduce, "MPI_Allgatherv", {NULL}, BEFORE_HERE, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
const row_method topocomm_gather_rows[] = {
    {"neighbor_allgather",
     "neighbor_allgather($self, /, sendobj)\n--\n\nAn object to all neighbours; returns a list "
     "with one from each, None from nobody. Collective.", allgather, "MPI_Neighbor_allgatherv",
     {NULL}, AMONG_NEIGHBOURS, 0},
    {"neighbor_alltoall",
     "neighbor_alltoall($self, /, sendobj)\n--\n\nAn object to each neighbour; returns a list with "
     "one from each, None from nobody. Collective.", alltoall, "MPI_Neighbor_alltoallv", {NULL},
     AMONG_NEIGHBOURS, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
