/* MPI.Message: a message found by a matched probe and taken out of the queue. */
#include "parcel.h"

/* 1, 0 if there is no message, -1. */
static int find(const state *st, const turn *t, int wait, MPI_Message *found, MPI_Status *status)
{
    PyThreadState *saved = wait ? gil_release() : gil_lend(st);
    int flag = 1;
    int code = wait ? MPI_Mprobe(t->source, t->tag, t->comm, found, status)
                    : MPI_Improbe(t->source, t->tag, t->comm, &flag, found, status);

    gil_acquire(saved);
    return mpi_failed(code, t->name) < 0 ? -1 : flag;
}

PyObject *matched_probe(state *st, PyTypeObject *type, MPI_Comm comm, int source, int tag, int wait,
                        MPI_Status *status)
{
    const turn t = {wait ? "MPI_Mprobe" : "MPI_Improbe", comm, source, tag};
    MPI_Status own, *use = status == MPI_STATUS_IGNORE ? &own : status;
    MPI_Message found;
    MPI_Count size = 0;
    PyObject *self;
    int flag =
        request_receiving() ? turn_find(&t, wait, &found, use) : find(st, &t, wait, &found, use);

    if (flag < 0)
        return NULL;
    if (!flag)
        Py_RETURN_NONE;
    MPI_Get_elements_x(use, MPI_BYTE, &size);
    self = handle_make(type, KIND_message, (any_handle){.message = found});
    if (self != NULL) {
        ((handle *)self)->size = (Py_ssize_t)size;
        ((handle *)self)->comm = comm;
    }
    return self;
}

typedef struct probe_args {
    PyObject *comm;
    int source;
    int tag;
    PyObject *status;
} probe_args;

static const param probe_params[] = {{"comm", arg_object, offsetof(probe_args, comm)},
                                     {"|source", arg_int, offsetof(probe_args, source)},
                                     {"|tag", arg_int, offsetof(probe_args, tag)},
                                     {"|status", arg_object, offsetof(probe_args, status)},
                                     {NULL, NULL, 0}};

static const param recv_params[] = {{"buf", arg_object, offsetof(probe_args, comm)},
                                    {"|status", arg_object, offsetof(probe_args, status)},
                                    {NULL, NULL, 0}};

/* Probe (row->mode 1: waits) and Iprobe. */
static PyObject *probe(PyObject *cls, const row_method *row, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of_class(cls);
    probe_args a = {NULL, MPI_ANY_SOURCE, MPI_ANY_TAG, Py_None};
    MPI_Status *status;
    MPI_Comm comm;

    if (mpi_ready(st) < 0 || args_parse(row->name, probe_params, &a, args, nargs, keywords) < 0 ||
        status_arg(st, a.status, &status) < 0 || comm_arg(st, a.comm, &comm) < 0)
        return NULL;
    return matched_probe(st, (PyTypeObject *)cls, comm, a.source, a.tag, row->mode, status);
}

/* Nobody's message needs no buffer. */
static int source_of(PyObject *self)
{
    return ((handle *)self)->mpi.message == MPI_MESSAGE_NO_PROC ? MPI_PROC_NULL : MPI_ANY_SOURCE;
}

/* MPI sets the handle to null; a constant stays what it is. */
static void taken(PyObject *object, MPI_Message found)
{
    handle *self = (handle *)object;

    if (self->constant == NULL)
        self->mpi.message = found;
}

static PyObject *receive(PyObject *self, const row_method *row, PyObject *const *args,
                         Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    probe_args a = {NULL, 0, 0, Py_None};
    PyObject *result = NULL;
    MPI_Message found = ((handle *)self)->mpi.message;
    PyThreadState *saved;
    MPI_Status *status;
    message m;
    int code, large;

    if (mpi_ready(st) < 0 || args_parse(row->name, recv_params, &a, args, nargs, keywords) < 0 ||
        status_arg(st, a.status, &status) < 0)
        return NULL;
    message_init(&m);
    if (message_for(st, a.comm, 1, source_of(self), &m) == 0 && (large = message_large(&m)) >= 0) {
        saved = gil_lend(st);
        code = SIZED(large, MPI_Mrecv, m.data, m.count, m.type, &found, status);
        gil_acquire(saved);
        taken(self, found);
        if (mpi_failed(code, row->mpi_name) == 0)
            result = Py_NewRef(Py_None);
    }
    message_release(&m);
    return result;
}

static PyObject *receive_later(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    probe_args a = {NULL, 0, 0, Py_None};
    MPI_Message found = ((handle *)self)->mpi.message;
    PyObject *result = NULL;
    MPI_Request request;
    message m;
    int code, large;

    if (mpi_ready(st) < 0 || args_parse(row->name, recv_params, &a, args, nargs, keywords) < 0)
        return NULL;
    message_init(&m);
    if (message_for(st, a.comm, 1, source_of(self), &m) == 0 && (large = message_large(&m)) >= 0) {
        code = SIZED(large, MPI_Imrecv, m.data, m.count, m.type, &found, &request);
        taken(self, found);
        if (mpi_failed(code, row->mpi_name) == 0)
            result = request_make(st, TYPE_Request, request, m.keep);
    }
    message_release(&m);
    return result;
}

/* ------------------------------------------------------------------------- objects */

static int post_object(PyObject *object, incoming *in, MPI_Request *request)
{
    handle *self = (handle *)object;
    MPI_Message found = self->mpi.message;
    int failed;

    if (found == MPI_MESSAGE_NULL) /* Open MPI would end the job */
        return mpi_failed(MPI_ERR_REQUEST, "MPI_Imrecv");
    failed = incoming_post(state_of(object), in, &found, self->size, self->comm, request);
    taken(object, found);
    if (failed)
        incoming_release(in);
    return failed;
}

static PyObject *receive_object(PyObject *self, const row_method *row, PyObject *const *args,
                                Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"|status", arg_object, 0}, {NULL, NULL, 0}};
    state *st = state_of(self);
    PyObject *object = Py_None, *result = NULL;
    incoming in = {.room = NULL};
    MPI_Request request;
    MPI_Status *status;

    if (mpi_ready(st) < 0 || args_parse(row->name, rows, &object, args, nargs, keywords) < 0 ||
        status_arg(st, object, &status) < 0)
        return NULL;
    if (((handle *)self)->mpi.message == MPI_MESSAGE_NO_PROC)
        Py_RETURN_NONE;
    if (post_object(self, &in, &request) < 0)
        return NULL;
    if (request_finish(&request, status) == 0)
        result = incoming_open(&in);
    incoming_release(&in);
    return result;
}

static PyObject *receive_object_later(PyObject *self, const row_method *row,
                                      PyObject *const *Py_UNUSED(args), Py_ssize_t nargs,
                                      PyObject *keywords)
{
    state *st = state_of(self);
    incoming in = {.room = NULL};
    MPI_Request request;

    if (nargs > 0 || keywords != NULL)
        return PyErr_Format(PyExc_TypeError, "%s() takes no arguments", row->name);
    if (mpi_ready(st) < 0)
        return NULL;
    return post_object(self, &in, &request) == 0 ? request_for_object(st, request, &in) : NULL;
}

/* ---------------------------------------------------------------------------- rows */

#define PROBE_SIGNATURE "($type, /, comm, source=..., tag=..., status=None)\n--\n\n"

/* clang-format off */
const row_method matched_rows[] = {
    {"Probe", "Probe" PROBE_SIGNATURE "Wait for a message and take it out. Not collective.", probe,
     "MPI_Mprobe", {NULL}, 1, 1},
    {"Iprobe", "Iprobe" PROBE_SIGNATURE "Take a message out if there is one. Not collective.",
     probe, "MPI_Improbe", {NULL}, 0, 1},
    {"probe", "probe" PROBE_SIGNATURE "Wait for an object and take it out. Not collective.", probe,
     "MPI_Mprobe", {NULL}, 1, 1},
    {"iprobe", "iprobe" PROBE_SIGNATURE "Take an object out if there is one. Not collective.",
     probe, "MPI_Improbe", {NULL}, 0, 1},
    {"Recv", "Recv($self, /, buf, status=None)\n--\n\nReceive the message. Not collective.",
     receive, "MPI_Mrecv", {NULL}, 0, 0},
    {"Irecv", "Irecv($self, /, buf)\n--\n\nBegin to receive the message. Not collective.",
     receive_later, "MPI_Imrecv", {NULL}, 0, 0},
    {"recv", "recv($self, /, status=None)\n--\n\nReceive the object. Not collective.",
     receive_object, "MPI_Imrecv", {NULL}, 0, 0},
    {"irecv", "irecv($self, /)\n--\n\nBegin to receive the object. Not collective.",
     receive_object_later, "MPI_Imrecv", {NULL}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

PyDoc_STRVAR(message_doc, "Message(message=None)\n--\n\nA message taken out of the queue.");

static PyType_Slot message_slots[] = {
    {Py_tp_doc, (void *)message_doc},
    {0, NULL},
};

PyType_Spec Message_spec = {
    .name = "collio.MPI.Message",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = message_slots,
};
