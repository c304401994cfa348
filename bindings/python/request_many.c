/* Class methods of MPI.Request on lists of requests: all, any, some. */
#include "request.h"

/* The list that such a call is about. */
typedef struct batch {
    state *st;
    PyObject *list; /* owned: the requests */
    handle **items;
    Py_ssize_t n;
    PyObject *status;   /* borrowed: one Status, or None */
    PyObject *statuses; /* borrowed: a list or tuple of them, or None */
    char *done;
    int looking; /* nothing is completed */
} batch;

typedef struct many_args {
    PyObject *requests, *status;
} many_args;

static const param any_rows[] = {{"requests", arg_object, offsetof(many_args, requests)},
                                 {"|status", arg_object, offsetof(many_args, status)},
                                 {NULL, NULL, 0}};
static const param all_rows[] = {{"requests", arg_object, offsetof(many_args, requests)},
                                 {"|statuses", arg_object, offsetof(many_args, status)},
                                 {NULL, NULL, 0}};

static void batch_close(batch *b)
{
    Py_XDECREF(b->list);
    PyMem_Free(b->done);
}

static int check_items(batch *b)
{
    for (Py_ssize_t i = 0; i < b->n; i++) {
        if (!is_a(b->st, (PyObject *)b->items[i], TYPE_Request)) {
            raise_type("a request", "MPI.Request", (PyObject *)b->items[i]);
            return -1;
        }
    }
    return 0;
}

/* The user's list gets as many statuses as there are requests. */
static int fill_statuses(const batch *b)
{
    PyObject *fresh;

    while (PyList_GET_SIZE(b->statuses) < b->n) {
        fresh = PyObject_CallNoArgs((PyObject *)b->st->types[TYPE_Status]);
        if (fresh == NULL || PyList_Append(b->statuses, fresh) < 0) {
            Py_XDECREF(fresh);
            return -1;
        }
        Py_DECREF(fresh);
    }
    return 0;
}

static int check_status(const batch *b, PyObject *object)
{
    if (is_a(b->st, object, TYPE_Status))
        return 0;
    raise_type("status", "MPI.Status", object);
    return -1;
}

/* Before anything is completed: what a wrong status came with could not be had again. */
static int check_statuses(const batch *b)
{
    if (b->status != Py_None)
        return check_status(b, b->status);
    if (b->statuses == Py_None)
        return 0;
    if (!PyList_Check(b->statuses) && !PyTuple_Check(b->statuses)) {
        raise_type("statuses", "a list", b->statuses);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(b->statuses); i++)
        if (i < b->n && check_status(b, PySequence_Fast_GET_ITEM(b->statuses, i)) < 0)
            return -1;
    return PyList_Check(b->statuses) ? fill_statuses(b) : 0;
}

enum { TEST = 0, WAIT = 1, OBJECTS = 2, LOOK = 4 }; /* row->mode */

static int batch_open(batch *b, const row_method *row, PyObject *cls, int any,
                      PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    many_args a = {NULL, Py_None};

    *b = (batch){state_of_class(cls), NULL, NULL, 0, Py_None, Py_None, NULL, row->mode & LOOK};
    if (mpi_ready(b->st) < 0 ||
        args_parse(row->name, any ? any_rows : all_rows, &a, args, nargs, keywords) < 0)
        return -1;
    *(any ? &b->status : &b->statuses) = a.status;
    b->list = PySequence_Tuple(a.requests); /* ours: no other thread can change it */
    if (b->list == NULL)
        return -1;
    b->n = PyTuple_GET_SIZE(b->list);
    b->items = (handle **)&PyTuple_GET_ITEM(b->list, 0);
    b->done = PyMem_Calloc((size_t)b->n + 1, 1);
    if (b->done == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return check_items(b) < 0 ? -1 : check_statuses(b);
}

/* Where the status of request i goes; `slot` counts the completed ones. */
static int status_for(const batch *b, Py_ssize_t slot, MPI_Status **status)
{
    PyObject *object = b->status;

    if (b->statuses != Py_None && slot < PySequence_Fast_GET_SIZE(b->statuses))
        object = PySequence_Fast_GET_ITEM(b->statuses, slot);
    return status_arg(b->st, object, status);
}

/* ---------------------------------------------------------------------- testing */

static int test_item(batch *b, Py_ssize_t i, Py_ssize_t slot)
{
    MPI_Status *status;
    int done = 0;

    if (b->done[i])
        return 1;
    if (status_for(b, slot, &status) < 0 ||
        (b->looking ? request_status_one(b->items[i], &done, status)
                    : request_test_one(b->items[i], &done, status)) < 0)
        return -1;
    b->done[i] = (char)done;
    return done;
}

/* 1 if all are done, 0, -1. */
static int test_all(batch *b)
{
    int all = 1;

    for (Py_ssize_t i = 0; i < b->n; i++) {
        int done = test_item(b, i, i);
        if (done < 0)
            return -1;
        all = all && done;
    }
    return all;
}

static int wait_all(batch *b)
{
    MPI_Status *status;

    for (Py_ssize_t i = 0; i < b->n; i++) {
        if (status_for(b, i, &status) < 0 || request_wait_one(b->items[i], status) < 0)
            return -1;
        b->done[i] = 1;
    }
    return 0;
}

/* Index of one that is done; -2 if none is yet, MPI_UNDEFINED if none is active. */
static Py_ssize_t test_any(batch *b)
{
    int active = 0;

    for (Py_ssize_t i = 0; i < b->n; i++) {
        int done;
        if (request_is_null(b->items[i]))
            continue;
        active = 1;
        done = test_item(b, i, 0);
        if (done != 0)
            return done < 0 ? -1 : i;
    }
    return active ? -2 : MPI_UNDEFINED;
}

/* Number of those done now; -1, or MPI_UNDEFINED if none is active. */
static int test_some(batch *b)
{
    int active = 0, count = 0;

    for (Py_ssize_t i = 0; i < b->n; i++) {
        int done;
        if (request_is_null(b->items[i]))
            continue;
        active = 1;
        done = test_item(b, i, count);
        if (done < 0)
            return -1;
        count += done;
    }
    return active ? count : MPI_UNDEFINED;
}

static int pause_waiting(void)
{
    request_yield();
    return PyErr_CheckSignals();
}

/* ---------------------------------------------------------------------- results */

/* The objects of the completed requests, in order; buffers are let go. New. */
static PyObject *collect(batch *b)
{
    PyObject *list = PyList_New(0), *object;

    for (Py_ssize_t i = 0; list != NULL && i < b->n; i++) {
        if (!b->done[i])
            continue;
        object = request_take_object(b->items[i]);
        if (object == NULL || PyList_Append(list, object) < 0)
            Py_CLEAR(list);
        Py_XDECREF(object);
    }
    return list;
}

static void let_go(batch *b)
{
    for (Py_ssize_t i = 0; i < b->n && !b->looking; i++)
        if (b->done[i])
            request_finished(b->items[i]);
}

static PyObject *indices(const batch *b)
{
    PyObject *list = PyList_New(0);

    for (Py_ssize_t i = 0; list != NULL && i < b->n; i++) {
        PyObject *number = b->done[i] ? PyLong_FromSsize_t(i) : NULL;
        if (b->done[i] && (number == NULL || PyList_Append(list, number) < 0))
            Py_CLEAR(list);
        Py_XDECREF(number);
    }
    return list;
}

/* -------------------------------------------------------------------------- all */

static PyObject *all(PyObject *cls, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    int how = row->mode & ~LOOK;
    batch b;
    PyObject *result = NULL, *objects;
    int done = -1;

    if (batch_open(&b, row, cls, 0, args, nargs, keywords) == 0)
        done = !(how & WAIT) ? test_all(&b) : wait_all(&b) < 0 ? -1 : 1;
    if (done >= 0 && !(how & OBJECTS)) {
        if (done)
            let_go(&b);
        result = PyBool_FromLong(done);
    } else if (done >= 0) {
        objects = done ? collect(&b) : Py_NewRef(Py_None);
        result = how & WAIT || objects == NULL
                     ? objects
                     : Py_BuildValue("(NN)", PyBool_FromLong(done), objects);
    }
    batch_close(&b);
    return result;
}

/* -------------------------------------------------------------------------- any */

static PyObject *any_result(batch *b, int how, Py_ssize_t index)
{
    int flag = index != -2;
    PyObject *object = NULL;

    if (how & OBJECTS) {
        object = index >= 0 ? request_take_object(b->items[index]) : Py_NewRef(Py_None);
        if (object == NULL)
            return NULL;
    } else if (index >= 0 && !b->looking) {
        request_finished(b->items[index]);
    }
    if (index < 0)
        index = MPI_UNDEFINED;
    if (how == WAIT)
        return PyLong_FromSsize_t(index);
    if (how == TEST)
        return Py_BuildValue("(nN)", index, PyBool_FromLong(flag));
    if (how & WAIT)
        return Py_BuildValue("(nN)", index, object);
    return Py_BuildValue("(nNN)", index, PyBool_FromLong(flag), object);
}

static PyObject *any(PyObject *cls, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    int how = row->mode & ~LOOK;
    batch b;
    PyObject *result = NULL;
    Py_ssize_t index = -1;

    if (batch_open(&b, row, cls, 1, args, nargs, keywords) == 0) {
        index = test_any(&b);
        while (how & WAIT && index == -2)
            index = pause_waiting() < 0 ? -1 : test_any(&b);
        if (index != -1)
            result = any_result(&b, how, index);
    }
    batch_close(&b);
    return result;
}

/* ------------------------------------------------------------------------- some */

static PyObject *some_result(batch *b, int how, int count)
{
    PyObject *list, *objects = NULL;

    if (count == MPI_UNDEFINED) {
        list = Py_NewRef(Py_None);
        objects = how & OBJECTS ? Py_NewRef(Py_None) : NULL;
    } else {
        list = indices(b);
        objects = how & OBJECTS ? collect(b) : NULL;
        let_go(b);
    }
    return how & OBJECTS ? Py_BuildValue("(NN)", list, objects) : list;
}

static PyObject *some(PyObject *cls, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                      PyObject *keywords)
{
    int how = row->mode & ~LOOK;
    batch b;
    PyObject *result = NULL;
    int count = -1;

    if (batch_open(&b, row, cls, 0, args, nargs, keywords) == 0) {
        count = test_some(&b);
        while (how & WAIT && count == 0)
            count = pause_waiting() < 0 ? -1 : test_some(&b);
        if (count >= 0 || count == MPI_UNDEFINED)
            result = some_result(&b, how, count);
    }
    batch_close(&b);
    return result;
}

/* --------------------------------------------------------------------- the methods */

PyDoc_STRVAR(Waitall_doc, "Waitall($type, /, requests, statuses=None)\n--\n\nWait for all. "
                          "Not collective.");
PyDoc_STRVAR(Testall_doc, "Testall($type, /, requests, statuses=None)\n--\n\nWhether all are done. "
                          "Not collective.");
PyDoc_STRVAR(waitall_doc, "waitall($type, /, requests, statuses=None)\n--\n\nWait for all; "
                          "returns their objects. Not collective.");
PyDoc_STRVAR(testall_doc, "testall($type, /, requests, statuses=None)\n--\n\n(True, objects) if "
                          "all are done, else (False, None). Not collective.");
PyDoc_STRVAR(Waitany_doc, "Waitany($type, /, requests, status=None)\n--\n\nWait for one; returns "
                          "its index. Not collective.");
PyDoc_STRVAR(Testany_doc, "Testany($type, /, requests, status=None)\n--\n\n(index, whether one is "
                          "done). Not collective.");
PyDoc_STRVAR(waitany_doc, "waitany($type, /, requests, status=None)\n--\n\nWait for one; returns "
                          "(index, object). Not collective.");
PyDoc_STRVAR(testany_doc, "testany($type, /, requests, status=None)\n--\n\n(index, whether one is "
                          "done, object). Not collective.");
PyDoc_STRVAR(Waitsome_doc, "Waitsome($type, /, requests, statuses=None)\n--\n\nWait for at least "
                           "one; returns the indices of those done. Not collective.");
PyDoc_STRVAR(Testsome_doc, "Testsome($type, /, requests, statuses=None)\n--\n\nThe indices of "
                           "those done. Not collective.");
PyDoc_STRVAR(waitsome_doc, "waitsome($type, /, requests, statuses=None)\n--\n\nWait for at least "
                           "one; returns (indices, objects). Not collective.");
PyDoc_STRVAR(testsome_doc, "testsome($type, /, requests, statuses=None)\n--\n\n(indices, objects) "
                           "of those done. Not collective.");

PyDoc_STRVAR(status_all_doc, "Get_status_all($type, /, requests, statuses=None)\n--\n\nWhether all "
                             "are done, without completing them. Not collective.");
PyDoc_STRVAR(status_any_doc,
             "Get_status_any($type, /, requests, status=None)\n--\n\n(index, whether "
             "one is done), without completing it. Not collective.");
PyDoc_STRVAR(status_some_doc,
             "Get_status_some($type, /, requests, statuses=None)\n--\n\nThe indices "
             "of those done, without completing them. Not collective.");

/* clang-format off */
const row_method request_many_rows[] = {
    {"Waitall", Waitall_doc, all, NULL, {NULL}, WAIT, 1},
    {"Testall", Testall_doc, all, NULL, {NULL}, TEST, 1},
    {"waitall", waitall_doc, all, NULL, {NULL}, WAIT | OBJECTS, 1},
    {"testall", testall_doc, all, NULL, {NULL}, TEST | OBJECTS, 1},
    {"Waitany", Waitany_doc, any, NULL, {NULL}, WAIT, 1},
    {"Testany", Testany_doc, any, NULL, {NULL}, TEST, 1},
    {"waitany", waitany_doc, any, NULL, {NULL}, WAIT | OBJECTS, 1},
    {"testany", testany_doc, any, NULL, {NULL}, TEST | OBJECTS, 1},
    {"Waitsome", Waitsome_doc, some, NULL, {NULL}, WAIT, 1},
    {"Testsome", Testsome_doc, some, NULL, {NULL}, TEST, 1},
    {"waitsome", waitsome_doc, some, NULL, {NULL}, WAIT | OBJECTS, 1},
    {"testsome", testsome_doc, some, NULL, {NULL}, TEST | OBJECTS, 1},
    {"Get_status_all", status_all_doc, all, NULL, {NULL}, TEST | LOOK, 1},
    {"get_status_all", status_all_doc, all, NULL, {NULL}, TEST | LOOK, 1},
    {"Get_status_any", status_any_doc, any, NULL, {NULL}, TEST | LOOK, 1},
    {"get_status_any", status_any_doc, any, NULL, {NULL}, TEST | LOOK, 1},
    {"Get_status_some", status_some_doc, some, NULL, {NULL}, TEST | LOOK, 1},
    {"get_status_some", status_some_doc, some, NULL, {NULL}, TEST | LOOK, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
