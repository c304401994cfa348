/* MPI.Grequest: operations of the user's own that are waited for as those of MPI are. */
#include "request.h"

/* What a generalized request stands for. The object of the request holds it, and MPI until it calls
 * on_free(). */
typedef struct content {
    PyObject_HEAD
    PyObject *query, *free, *cancel; /* callable or None */
    PyObject *args, *kwargs;
    PyObject *object; /* given to complete(), for wait() */
    MPI_Request mpi;  /* to be completed, even if the request was given up */
} content;

/* ------------------------------------------------------------------ when MPI calls back */

/* Call function(first, *args, **kwargs), without `first` if it is NULL. MPI's error code. */
static int call(content *c, PyObject *function, PyObject *first)
{
    PyObject *head = first != NULL ? PyTuple_Pack(1, first) : PyTuple_New(0), *all = NULL;
    PyObject *result = NULL;

    if (head != NULL)
        all = PySequence_Concat(head, c->args);
    if (all != NULL)
        result = PyObject_Call(function, all, c->kwargs);
    Py_XDECREF(head);
    Py_XDECREF(all);
    Py_XDECREF(result);
    return result != NULL ? MPI_SUCCESS : mpi_code_pending();
}

/* As a message of nothing from nobody. */
static void clear_status(MPI_Status *status)
{
    status->MPI_SOURCE = MPI_ANY_SOURCE;
    status->MPI_TAG = MPI_ANY_TAG;
    status->MPI_ERROR = MPI_SUCCESS;
    MPI_Status_set_elements(status, MPI_BYTE, 0);
    MPI_Status_set_cancelled(status, 0);
}

static int on_query(void *extra, MPI_Status *status)
{
    content *c = extra;
    PyObject *object = NULL;
    int code = MPI_ERR_OTHER;
    callback_frame frame;
    state *st;

    clear_status(status);
    if (c->query == Py_None || !callback_enter(&frame))
        return MPI_SUCCESS;
    st = state_find();
    if (st != NULL)
        object = PyObject_CallNoArgs((PyObject *)st->types[TYPE_Status]);
    if (object != NULL) {
        ((status_object *)object)->mpi = *status;
        code = call(c, c->query, object);
        *status = ((status_object *)object)->mpi;
    }
    Py_XDECREF(object);
    callback_leave(&frame);
    return code;
}

static int on_free(void *extra)
{
    content *c = extra;
    int code = MPI_SUCCESS;
    callback_frame frame;

    if (!callback_enter(&frame))
        return MPI_SUCCESS;
    if (c->free != Py_None)
        code = call(c, c->free, NULL);
    Py_DECREF(c);
    callback_leave(&frame);
    return code;
}

static int on_cancel(void *extra, int complete)
{
    content *c = extra;
    int code = MPI_SUCCESS;
    callback_frame frame;

    if (c->cancel == Py_None || !callback_enter(&frame))
        return MPI_SUCCESS;
    code = call(c, c->cancel, complete ? Py_True : Py_False);
    callback_leave(&frame);
    return code;
}

/* ------------------------------------------------------------------------ the content */

static void content_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    content *c = (content *)object;

    Py_XDECREF(c->query);
    Py_XDECREF(c->free);
    Py_XDECREF(c->cancel);
    Py_XDECREF(c->args);
    Py_XDECREF(c->kwargs);
    Py_XDECREF(c->object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot content_slots[] = {
    {Py_tp_dealloc, content_dealloc},
    {0, NULL},
};

PyType_Spec GrequestContent_spec = {
    .name = "collio.MPI._GrequestContent",
    .basicsize = sizeof(content),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = content_slots,
};

/* The content of a request, NULL for other requests. Borrowed. */
static content *content_of(PyObject *self)
{
    PyObject *keep = ((handle *)self)->keep;

    return keep != NULL && is_a(state_of(self), keep, TYPE_GrequestContent) ? (content *)keep
                                                                            : NULL;
}

PyObject *grequest_object(handle *self)
{
    content *c = content_of((PyObject *)self);

    return Py_NewRef(c != NULL && c->object != NULL ? c->object : Py_None);
}

/* --------------------------------------------------------------------------- methods */

typedef struct start_args {
    PyObject *query, *free, *cancel, *args, *kwargs;
} start_args;

static int check_function(const char *what, PyObject *object)
{
    if (object == Py_None || PyCallable_Check(object))
        return 0;
    raise_type(what, "callable or None", object);
    return -1;
}

/* New. */
static content *content_make(state *st, const start_args *a)
{
    PyTypeObject *type = st->types[TYPE_GrequestContent];
    content *c = (content *)type->tp_alloc(type, 0);

    if (c == NULL)
        return NULL;
    c->query = Py_NewRef(a->query);
    c->free = Py_NewRef(a->free);
    c->cancel = Py_NewRef(a->cancel);
    c->mpi = MPI_REQUEST_NULL;
    c->args = a->args == Py_None ? PyTuple_New(0) : PySequence_Tuple(a->args);
    c->kwargs = PyDict_New();
    if (c->args == NULL || c->kwargs == NULL ||
        (a->kwargs != Py_None && PyDict_Update(c->kwargs, a->kwargs) < 0))
        Py_CLEAR(c);
    return c;
}

PyDoc_STRVAR(start_doc,
             "Start($type, /, query_fn=None, free_fn=None, cancel_fn=None, args=None, kwargs=None)"
             "\n--\n\nA request that is done when complete() is called. query_fn(status, ...) says "
             "what was done, free_fn(...) is called at the end, cancel_fn(completed, ...) by "
             "Cancel(); with args and kwargs. Not collective.");

static PyObject *grequest_Start(PyObject *cls, const row_method *row, PyObject *const *args,
                                Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"|query_fn", arg_object, offsetof(start_args, query)},
                                   {"|free_fn", arg_object, offsetof(start_args, free)},
                                   {"|cancel_fn", arg_object, offsetof(start_args, cancel)},
                                   {"|args", arg_object, offsetof(start_args, args)},
                                   {"|kwargs", arg_object, offsetof(start_args, kwargs)},
                                   {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    start_args a = {Py_None, Py_None, Py_None, Py_None, Py_None};
    PyObject *self = NULL;
    content *c;

    if (mpi_ready(st) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0 ||
        check_function("query_fn", a.query) < 0 || check_function("free_fn", a.free) < 0 ||
        check_function("cancel_fn", a.cancel) < 0)
        return NULL;
    c = content_make(st, &a);
    if (c == NULL)
        return NULL;
    if (mpi_failed(MPI_Grequest_start(on_query, on_free, on_cancel, c, &c->mpi), row->mpi_name) ==
        0) {
        Py_INCREF(c); /* MPI's */
        self = request_make(st, TYPE_Grequest, c->mpi, (PyObject *)c);
    }
    Py_DECREF(c);
    return self;
}

PyDoc_STRVAR(Complete_doc, "Complete($self, /)\n--\n\nThe operation is done. Not collective.");

static PyObject *grequest_Complete(PyObject *self, PyObject *Py_UNUSED(none))
{
    content *c = content_of(self);
    MPI_Request mpi = c != NULL ? c->mpi : ((handle *)self)->mpi.request;
    PyThreadState *saved;
    int code;

    if (mpi_ready(state_of(self)) < 0)
        return NULL;
    if (mpi == MPI_REQUEST_NULL) { /* not all MPI libraries look */
        mpi_failed(MPI_ERR_REQUEST, "MPI_Grequest_complete");
        return NULL;
    }
    if (c != NULL)
        c->mpi = MPI_REQUEST_NULL;
    saved = gil_lend(state_of(self));
    code = MPI_Grequest_complete(mpi);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Grequest_complete") < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(complete_doc, "complete($self, /, obj=None)\n--\n\nThe operation is done; wait() "
                           "yields the object. Not collective.");

static PyObject *grequest_complete(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param params[] = {{"|obj", arg_object, 0}, {NULL, NULL, 0}};
    content *c = content_of(self);
    PyObject *object = Py_None;

    if (args_parse("complete", params, &object, args, nargs, keywords) < 0)
        return NULL;
    if (c != NULL)
        Py_XSETREF(c->object, Py_NewRef(object));
    return grequest_Complete(self, NULL);
}

PyDoc_STRVAR(Free_doc, "Free($self, /)\n--\n\nGive the request up; it is to be completed all the "
                       "same. Not collective.");

static PyObject *grequest_Free(PyObject *self, PyObject *Py_UNUSED(none))
{
    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Request_free(&((handle *)self)->mpi.request), "MPI_Request_free") < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* clang-format off */
const row_method grequest_rows[] = {
    {"Start", start_doc, grequest_Start, "MPI_Grequest_start", {NULL}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef grequest_methods[] = {
    {"Complete", grequest_Complete, METH_NOARGS, Complete_doc},
    {"complete", FAST(grequest_complete), FASTCALL, complete_doc},
    {"Free", grequest_Free, METH_NOARGS, Free_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(grequest_doc, "Grequest(request=None)\n--\n\nAn operation of the program's own.");

static PyType_Slot grequest_slots[] = {
    {Py_tp_doc, (void *)grequest_doc},
    {Py_tp_methods, grequest_methods},
    {0, NULL},
};

PyType_Spec Grequest_spec = {
    .name = "collio.MPI.Grequest",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = grequest_slots,
};
