/*
 * The lower-case collective calls. Sizes go first, then bytes. A rank whose
 * object cannot be pickled says so in place of the size, and then all ranks
 * that are to receive it raise, rather than wait for bytes that never come.
 */
#include "objects.h"

#include <limits.h>
#include <string.h>

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

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

int object_call(call *c, PyObject *self, const char *name, const param *params,
                PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    c->st = state_of(self);
    c->comm = mpi_of(self);
    c->a = (object_args){NULL, 0, NULL};
    if (mpi_ready(c->st) < 0 || args_parse(name, params, &c->a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Comm_size(c->comm, &c->size), "MPI_Comm_size") < 0)
        return -1;
    return mpi_failed(MPI_Comm_rank(c->comm, &c->rank), "MPI_Comm_rank");
}

int64_t object_pack(state *st, PyObject *object, parcel *p)
{
    return parcel_pack(st, object, p) < 0 ? UNPICKLABLE : (int64_t)p->size;
}

int object_refuse(int64_t size, int rank)
{
    if (size != UNPICKLABLE || PyErr_Occurred())
        return size == UNPICKLABLE ? -1 : 0;
    PyErr_Format(PyExc_RuntimeError, "rank %d could not prepare its object (see its own exception)",
                 rank);
    return -1;
}

/* --------------------------------------------------------------------------- tables */

/* Sizes and places of the ranks' parcels within one block of memory. */
typedef struct table {
    int n;
    int64_t *sizes;
    int *counts, *displs;
    PyObject *room;
    void *data;
} table;

static void table_free(table *t)
{
    PyMem_Free(t->sizes);
    PyMem_Free(t->counts);
    PyMem_Free(t->displs);
    Py_XDECREF(t->room);
}

static int table_init(table *t, int n)
{
    *t = (table){n,
                 PyMem_Calloc((size_t)n, sizeof(int64_t)),
                 PyMem_Calloc((size_t)n, sizeof(int)),
                 PyMem_Calloc((size_t)n, sizeof(int)),
                 NULL,
                 NULL};
    if (t->sizes != NULL && t->counts != NULL && t->displs != NULL)
        return 0;
    PyErr_NoMemory();
    return -1;
}

/* Counts and displacements from the sizes; each part starts aligned. */
static int table_lay_out(table *t)
{
    int64_t at = 0;

    for (int i = 0; i < t->n; i++) {
        if (object_refuse(t->sizes[i], i) < 0)
            return -1;
        if (at + t->sizes[i] > INT_MAX) {
            PyErr_SetString(PyExc_OverflowError, "the objects together exceed 2147483647 bytes");
            return -1;
        }
        t->counts[i] = (int)t->sizes[i];
        t->displs[i] = (int)at;
        at += (t->sizes[i] + 15) / 16 * 16;
    }
    t->room = parcel_room((Py_ssize_t)at, &t->data);
    return t->room == NULL ? -1 : 0;
}

static PyObject *table_open(state *st, const table *t)
{
    PyObject *list = PyList_New(t->n), *object;

    for (int i = 0; list != NULL && i < t->n; i++) {
        object = parcel_open(st, t->room, t->displs[i], t->counts[i]);
        if (object == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, object);
    }
    return list;
}

/* ---------------------------------------------------------------- gather, allgather */

/* Tell the sizes, of gather too: everybody must know whether one is missing.
 * An exception of pickling waits meanwhile. */
static int tell_sizes(call *c, int64_t size, table *t)
{
    PyObject *type, *value, *trace;
    PyThreadState *saved;
    int code;

    PyErr_Fetch(&type, &value, &trace);
    saved = gil_lend(c->st);
    code = MPI_Allgather(&size, 1, MPI_INT64_T, t->sizes, 1, MPI_INT64_T, c->comm);
    gil_acquire(saved);
    PyErr_Restore(type, value, trace);
    return type != NULL ? -1 : mpi_failed(code, "MPI_Allgather");
}

static int move_bytes(call *c, const parcel *p, const table *t, int to_all)
{
    PyThreadState *saved = gil_lend(c->st);
    int code = to_all ? MPI_Allgatherv(p->data, p->count, p->type, t->data, t->counts, t->displs,
                                       MPI_BYTE, c->comm)
                      : MPI_Gatherv(p->data, p->count, p->type, t->data, t->counts, t->displs,
                                    MPI_BYTE, c->a.root, c->comm);

    gil_acquire(saved);
    return mpi_failed(code, to_all ? "MPI_Allgatherv" : "MPI_Gatherv");
}

/* Everyone's objects, on all ranks or (None elsewhere) on the root. New. */
static PyObject *gather_objects(call *c, int to_all)
{
    table t;
    parcel p = {.keep = NULL};
    PyObject *result = NULL;
    int failed = table_init(&t, c->size);

    failed = failed || tell_sizes(c, object_pack(c->st, c->a.object, &p), &t) < 0 ||
             table_lay_out(&t) < 0 || move_bytes(c, &p, &t, to_all) < 0;
    if (!failed)
        result = to_all || c->rank == c->a.root ? table_open(c->st, &t) : Py_NewRef(Py_None);
    parcel_release(&p);
    table_free(&t);
    return result;
}

static PyObject *gather(PyObject *self, const row_method *row, PyObject *const *args,
                        Py_ssize_t nargs, PyObject *keywords)
{
    call c;

    if (object_call(&c, self, row->name, sendobj_root, args, nargs, keywords) < 0)
        return NULL;
    return gather_objects(&c, 0);
}

static PyObject *allgather(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    call c;

    if (object_call(&c, self, row->name, sendobj, args, nargs, keywords) < 0)
        return NULL;
    return gather_objects(&c, 1);
}

/* ----------------------------------------------------------------- scatter, alltoall */

/* Pickle one object for each rank into a table laid out for sending. */
static int pack_each(call *c, table *t)
{
    PyObject *list = PySequence_Fast(c->a.object, "expecting a sequence with one object a rank");
    parcel *parcels = PyMem_Calloc((size_t)c->size, sizeof *parcels);
    int packed = 0;

    if (list != NULL && PySequence_Fast_GET_SIZE(list) != c->size)
        PyErr_Format(PyExc_ValueError, "expecting %d items, got %zd", c->size,
                     PySequence_Fast_GET_SIZE(list));
    else if (list != NULL && parcels == NULL)
        PyErr_NoMemory();
    while (!PyErr_Occurred() && packed < c->size) {
        if (parcel_pack_plain(c->st, PySequence_Fast_GET_ITEM(list, packed), &parcels[packed]) == 0)
            t->sizes[packed] = parcels[packed].size;
        packed++;
    }
    if (!PyErr_Occurred() && table_lay_out(t) == 0)
        for (int i = 0; i < c->size; i++)
            memcpy((char *)t->data + t->displs[i], parcels[i].data, (size_t)t->counts[i]);
    for (int i = 0; i < packed; i++)
        parcel_release(&parcels[i]);
    PyMem_Free(parcels);
    Py_XDECREF(list);
    return PyErr_Occurred() ? -1 : 0;
}

/* All sizes become the mark of failure; the others will raise. */
static void mark_failed(table *t)
{
    for (int i = 0; i < t->n; i++)
        t->sizes[i] = UNPICKLABLE;
}

static int scatter_sizes(call *c, table *t, int64_t *size)
{
    PyObject *type, *value, *trace;
    PyThreadState *saved;
    int code;

    PyErr_Fetch(&type, &value, &trace);
    saved = gil_lend(c->st);
    code = MPI_Scatter(t->sizes, 1, MPI_INT64_T, size, 1, MPI_INT64_T, c->a.root, c->comm);
    gil_acquire(saved);
    PyErr_Restore(type, value, trace);
    return type != NULL ? -1 : mpi_failed(code, "MPI_Scatter");
}

static PyObject *scatter_bytes(call *c, const table *t, int64_t size)
{
    void *data;
    PyObject *room = parcel_room((Py_ssize_t)size, &data), *object = NULL;
    PyThreadState *saved;
    int code;

    if (room == NULL)
        return NULL;
    saved = gil_lend(c->st);
    code = MPI_Scatterv(t->data, t->counts, t->displs, MPI_BYTE, data, (int)size, MPI_BYTE,
                        c->a.root, c->comm);
    gil_acquire(saved);
    if (mpi_failed(code, "MPI_Scatterv") == 0)
        object = parcel_open(c->st, room, 0, (Py_ssize_t)size);
    Py_DECREF(room);
    return object;
}

static PyObject *scatter(PyObject *self, const row_method *row, PyObject *const *args,
                         Py_ssize_t nargs, PyObject *keywords)
{
    call c;
    table t;
    PyObject *object = NULL;
    int64_t size = 0;

    if (object_call(&c, self, row->name, sendobj_root, args, nargs, keywords) < 0)
        return NULL;
    if (table_init(&t, c.size) == 0) {
        if (c.rank == c.a.root && pack_each(&c, &t) < 0)
            mark_failed(&t);
        if (scatter_sizes(&c, &t, &size) == 0 && object_refuse(size, c.a.root) == 0)
            object = scatter_bytes(&c, &t, size);
    }
    table_free(&t);
    return object;
}

static int exchange_sizes(call *c, const table *out, table *in)
{
    PyObject *type, *value, *trace;
    PyThreadState *saved;
    int code;

    PyErr_Fetch(&type, &value, &trace);
    saved = gil_lend(c->st);
    code = MPI_Alltoall(out->sizes, 1, MPI_INT64_T, in->sizes, 1, MPI_INT64_T, c->comm);
    gil_acquire(saved);
    PyErr_Restore(type, value, trace);
    return type != NULL ? -1 : mpi_failed(code, "MPI_Alltoall");
}

static PyObject *exchange_bytes(call *c, const table *out, const table *in)
{
    PyThreadState *saved = gil_lend(c->st);
    int code = MPI_Alltoallv(out->data, out->counts, out->displs, MPI_BYTE, in->data, in->counts,
                             in->displs, MPI_BYTE, c->comm);

    gil_acquire(saved);
    return mpi_failed(code, "MPI_Alltoallv") < 0 ? NULL : table_open(c->st, in);
}

static PyObject *alltoall(PyObject *self, const row_method *row, PyObject *const *args,
                          Py_ssize_t nargs, PyObject *keywords)
{
    call c;
    table out, in;
    PyObject *list = NULL;

    if (object_call(&c, self, row->name, sendobj, args, nargs, keywords) < 0)
        return NULL;
    if ((table_init(&out, c.size) | table_init(&in, c.size)) == 0) {
        if (pack_each(&c, &out) < 0)
            mark_failed(&out);
        if (exchange_sizes(&c, &out, &in) == 0 && table_lay_out(&in) == 0)
            list = exchange_bytes(&c, &out, &in);
    }
    table_free(&out);
    table_free(&in);
    return list;
}

/* ------------------------------------------------------------------------ reductions */

/* op(op(list[0], list[1]), ...) up to list[last]. New. */
static PyObject *fold(const call *c, PyObject *list, int last)
{
    PyObject *op = c->a.op != NULL ? c->a.op : c->st->sum;
    PyObject *result = Py_NewRef(PyList_GET_ITEM(list, 0));

    for (int i = 1; result != NULL && i <= last; i++) {
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

    if (object_call(&c, self, row->name, sendobj_op_root, args, nargs, keywords) < 0)
        return NULL;
    list = gather_objects(&c, 0);
    if (list == NULL || list == Py_None)
        return list;
    result = fold(&c, list, c.size - 1);
    Py_DECREF(list);
    return result;
}

enum { ALLREDUCE, SCAN, EXSCAN };

/* row->mode says up to which rank the objects are combined. */
static PyObject *allreduce(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    call c;
    PyObject *list, *result;
    int last;

    if (object_call(&c, self, row->name, sendobj_op, args, nargs, keywords) < 0)
        return NULL;
    list = gather_objects(&c, 1);
    if (list == NULL)
        return NULL;
    last = row->mode == ALLREDUCE ? c.size - 1 : row->mode == SCAN ? c.rank : c.rank - 1;
    result = last >= 0 ? fold(&c, list, last) : Py_NewRef(Py_None);
    Py_DECREF(list);
    return result;
}

/* ----------------------------------------------------------------------------- rows */

/* clang-format off */
const row_method comm_gather_rows[] = {
    {"gather",
     "gather($self, /, sendobj, root=0)\n--\n\nA list of everyone's objects on the root, None "
     "elsewhere. Collective.", gather, "MPI_Gatherv", {NULL}, 0, 0},
    {"allgather",
     "allgather($self, /, sendobj)\n--\n\nA list of everyone's objects on all. Collective.",
     allgather, "MPI_Allgatherv", {NULL}, 0, 0},
    {"scatter",
     "scatter($self, /, sendobj, root=0)\n--\n\nOne object of the root's sequence to each. "
     "Collective.", scatter, "MPI_Scatterv", {NULL}, 0, 0},
    {"alltoall",
     "alltoall($self, /, sendobj)\n--\n\nAn object from each to each. Collective.", alltoall,
     "MPI_Alltoallv", {NULL}, 0, 0},
    {"reduce",
     "reduce($self, /, sendobj, op=..., root=0)\n--\n\nCombine everyone's objects on the root, "
     "None elsewhere. Collective.", reduce, "MPI_Gatherv", {NULL}, 0, 0},
    {"allreduce",
     "allreduce($self, /, sendobj, op=...)\n--\n\nCombine everyone's objects, on all. "
     "Collective.", allreduce, "MPI_Allgatherv", {NULL}, ALLREDUCE, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

/* clang-format off */
const row_method intracomm_gather_rows[] = {
    {"scan",
     "scan($self, /, sendobj, op=...)\n--\n\nCombine the objects of ranks 0 to this one. "
     "Collective.", allreduce, "MPI_Allgatherv", {NULL}, SCAN, 0},
    {"exscan",
     "exscan($self, /, sendobj, op=...)\n--\n\nCombine the objects of the ranks before; None on "
     "rank 0. Collective.", allreduce, "MPI_Allgatherv", {NULL}, EXSCAN, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
