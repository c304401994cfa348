/* MPI.Request and Prequest: operations under way, and the memory they use. */
#include "receipt.h"

#include <sched.h>

void request_yield(void)
{
    PyThreadState *saved = gil_release();

    sched_yield();
    gil_acquire(saved);
}

void request_abandon(handle *self)
{
    if (self->receipt != NULL && self->receipt->buffer != NULL && life_usable())
        receipt_leave(self);
    if (self->receipt != NULL) {
        if (self->keep == NULL)
            self->keep = incoming_memory(&self->receipt->in);
        receipt_forget(self);
    }
    prepared_forget(self);
    if (self->mpi.request == MPI_REQUEST_NULL || !self->owned || !life_usable())
        return;
    if (request_adopt(self->mpi.request, self->keep, self->owned == 2))
        self->mpi.request = MPI_REQUEST_NULL;
    self->keep = NULL;
}

PyObject *request_make(state *st, enum type_slot slot, MPI_Request mpi, PyObject *keep)
{
    PyObject *self = handle_make(st->types[slot], KIND_request, (any_handle){.request = mpi});

    if (self == NULL) {
        if (slot == TYPE_Request)
            MPI_Wait(&mpi, MPI_STATUS_IGNORE);
        return NULL;
    }
    ((handle *)self)->keep = Py_XNewRef(keep);
    ((handle *)self)->owned = slot == TYPE_Prequest ? 2 : 1;
    return self;
}

static void hand_over(handle *from, handle *to)
{
    to->mpi = from->mpi;
    to->owned = from->owned;
    Py_XSETREF(to->keep, Py_XNewRef(from->keep));
    to->prepared = from->prepared;
    to->receipt = from->receipt;
    if (to->receipt != NULL)
        to->receipt->request = to;
    from->owned = 0;
    from->receipt = NULL;
    from->prepared = NULL;
}

void request_hand_over(handle *from, handle *to)
{
    hand_over(from, to);
    to->origin = (handle *)Py_NewRef(from);
}

int request_class_refuse(state *st, PyTypeObject *wanted, const handle *given)
{
    static const enum type_slot special[] = {TYPE_Prequest, TYPE_Grequest};

    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (!PyType_IsSubtype(wanted, st->types[special[i]]) || request_is_null(given) ||
            PyObject_TypeCheck((PyObject *)(uintptr_t)given, st->types[special[i]]))
            continue;
        PyErr_Format(PyExc_TypeError, "cannot make %.200s of a %.200s", wanted->tp_name,
                     Py_TYPE(given)->tp_name);
        return -1;
    }
    return 0;
}

/* Both may be waited for: one that is done already must not be touched by way of the other. */
void request_hand_back(handle *self)
{
    handle *origin = self->origin;
    int same = self->mpi.request == origin->mpi.request || self->prepared != NULL;

    self->origin = NULL;
    if (origin->receipt == NULL &&
        (same || (self->receipt != NULL && origin->mpi.request == MPI_REQUEST_NULL)))
        hand_over(self, origin);
    else if (self->receipt == NULL)
        self->owned = 0;
    Py_DECREF(origin);
}

/* --------------------------------------------------------------- waiting and testing */

/* Both for a request that MPI knows of. */
static inline int test_known(handle *self, int *done, MPI_Status *status)
{
    int code = MPI_Test(&self->mpi.request, done, status);

    prepared_resume(self);
    return mpi_failed(code, "MPI_Test");
}

static inline int wait_known(handle *self, MPI_Status *status)
{
    int code = MPI_Wait(&self->mpi.request, status);

    prepared_resume(self);
    return mpi_failed(code, "MPI_Wait");
}

/* One test; *done is 0 for an object that has not been matched. */
int request_test_one(handle *self, int *done, MPI_Status *status)
{
    *done = 0;
    if (receipts_unmatched != NULL && request_match_all() < 0)
        return -1;
    if (receipt_is_unmatched(self))
        return 0;
    return test_known(self, done, status);
}

/* Test first: most waits are for what is done, and then the GIL can be kept. */
static int wait_among_others(handle *self, MPI_Status *status)
{
    PyThreadState *saved;
    int done, code;

    if (request_test_one(self, &done, status) < 0)
        return -1;
    while (!done && receipts_unmatched != NULL) {
        request_yield();
        if (PyErr_CheckSignals() < 0 || request_test_one(self, &done, status) < 0)
            return -1;
    }
    if (done)
        return 0;
    saved = gil_release();
    code = MPI_Wait(&self->mpi.request, status);
    gil_acquire(saved);
    prepared_resume(self);
    return mpi_failed(code, "MPI_Wait");
}

/* Whether the GIL can be kept: nobody else is there, and it is MPI that completes the request. */
static int may_keep(const handle *self)
{
    const state *st = state_only;

    return st != NULL && receipts_unmatched == NULL && !st->always_release && gil_alone() &&
           (Py_TYPE(self) == st->types[TYPE_Request] || Py_TYPE(self) == st->types[TYPE_Prequest]);
}

int request_wait_one(handle *self, MPI_Status *status)
{
    if (may_keep(self))
        return wait_known(self, status);
    return wait_among_others(self, status);
}

int request_finish(MPI_Request *request, MPI_Status *status)
{
    handle self = {.mpi = {.request = *request}, .kind = KIND_request};
    int result = request_wait_one(&self, status);

    *request = self.mpi.request;
    return result;
}

/* A completed request lets go of its buffers, unless it can be started again. */
void request_finished(handle *self)
{
    if (self->owned != 2)
        Py_CLEAR(self->keep);
}

/* The object that a completed lower-case request stands for: None for sends. New. */
PyObject *request_take_object(handle *self)
{
    PyObject *object;

    if (self->receipt == NULL) {
        object = grequest_object(self);
        request_finished(self);
        return object;
    }
    object = incoming_open(&self->receipt->in);
    receipt_forget(self);
    return object;
}

PyObject *request_object(PyObject *request, MPI_Status *status)
{
    handle *self = (handle *)request;

    return request_wait_one(self, status) < 0 ? NULL : request_take_object(self);
}

/* ------------------------------------------------------------------ one request */

static const param status_params[] = {{"|status", arg_object, 0}, {NULL, NULL, 0}};

static int parse_given(const char *name, PyObject *self, MPI_Status **status, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    PyObject *object = Py_None;

    if (mpi_ready(st) < 0 || args_parse(name, status_params, &object, args, nargs, keywords) < 0)
        return -1;
    return status_arg(st, object, status);
}

/* Most calls have no arguments. */
static inline int parse_status(const char *name, PyObject *self, MPI_Status **status,
                               PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    if (nargs > 0 || keywords != NULL)
        return parse_given(name, self, status, args, nargs, keywords);
    *status = MPI_STATUS_IGNORE;
    return mpi_ready(state_of(self));
}

PyDoc_STRVAR(Wait_doc, "Wait($self, /, status=None)\n--\n\nWait until the operation is done. "
                       "Not collective.");

static PyObject *request_Wait(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    MPI_Status *status;

    if (parse_status("Wait", self, &status, args, nargs, keywords) < 0 ||
        request_wait_one((handle *)self, status) < 0)
        return NULL;
    request_finished((handle *)self);
    Py_RETURN_TRUE;
}

PyDoc_STRVAR(Test_doc, "Test($self, /, status=None)\n--\n\nWhether the operation is done. "
                       "Not collective.");

static PyObject *request_Test(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    MPI_Status *status;
    int done;

    if (parse_status("Test", self, &status, args, nargs, keywords) < 0 ||
        request_test_one((handle *)self, &done, status) < 0)
        return NULL;
    if (done)
        request_finished((handle *)self);
    return PyBool_FromLong(done);
}

PyDoc_STRVAR(wait_doc, "wait($self, /, status=None)\n--\n\nWait until the operation is done; "
                       "returns the object received, None for a send. Not collective.");

static PyObject *request_wait(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    MPI_Status *status;

    if (parse_status("wait", self, &status, args, nargs, keywords) < 0 ||
        request_wait_one((handle *)self, status) < 0)
        return NULL;
    return request_take_object((handle *)self);
}

PyDoc_STRVAR(test_doc, "test($self, /, status=None)\n--\n\n(True, object received or None) if "
                       "the operation is done, else (False, None). Not collective.");

static PyObject *request_test(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    MPI_Status *status;
    PyObject *object;
    int done;

    if (parse_status("test", self, &status, args, nargs, keywords) < 0 ||
        request_test_one((handle *)self, &done, status) < 0)
        return NULL;
    object = done ? request_take_object((handle *)self) : Py_NewRef(Py_None);
    return object == NULL ? NULL : Py_BuildValue("(NN)", PyBool_FromLong(done), object);
}

int request_status_one(handle *self, int *done, MPI_Status *status)
{
    *done = 0;
    if (receipts_unmatched != NULL && request_match_all() < 0)
        return -1;
    if (receipt_is_unmatched(self))
        return 0;
    return mpi_failed(MPI_Request_get_status(self->mpi.request, done, status),
                      "MPI_Request_get_status");
}

PyDoc_STRVAR(Get_status_doc, "Get_status($self, /, status=None)\n--\n\nWhether the operation is "
                             "done, without completing it. Not collective.");

static PyObject *request_Get_status(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                    PyObject *keywords)
{
    MPI_Status *status;
    int done;

    if (parse_status("Get_status", self, &status, args, nargs, keywords) < 0 ||
        request_status_one((handle *)self, &done, status) < 0)
        return NULL;
    return PyBool_FromLong(done);
}

PyDoc_STRVAR(Cancel_doc, "Cancel($self, /)\n--\n\nAsk for the operation to be cancelled. "
                         "Not collective.");

static PyObject *request_Cancel(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (mpi_ready(state_of(object)) < 0)
        return NULL;
    if ((receipt_is_unmatched(self) ? receipt_cancel(self)
                                    : mpi_failed(MPI_Cancel(&self->mpi.request), "MPI_Cancel")) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(Free_doc, "Free($self, /)\n--\n\nGive the request up; the operation goes on and "
                       "keeps its buffers. Not collective.");

static PyObject *request_Free(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (mpi_ready(state_of(object)) < 0)
        return NULL;
    if (self->owned && !request_is_null(self)) {
        request_abandon(self);
        request_finished(self);
    } else if (mpi_failed(MPI_Request_free(&self->mpi.request), "MPI_Request_free") < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

int request_is_null(const handle *self)
{
    return self->mpi.request == MPI_REQUEST_NULL && self->receipt == NULL;
}

static int request_bool(PyObject *self)
{
    return !request_is_null((handle *)self);
}

PyDoc_STRVAR(get_status_doc, "get_status($self, /, status=None)\n--\n\nWhether the operation is "
                             "done, without completing it. Not collective.");
PyDoc_STRVAR(cancel_doc, "cancel($self, /)\n--\n\nAsk for the operation to be cancelled. "
                         "Not collective.");

static PyMethodDef request_methods[] = {
    {"Wait", FAST(request_Wait), FASTCALL, Wait_doc},
    {"Test", FAST(request_Test), FASTCALL, Test_doc},
    {"wait", FAST(request_wait), FASTCALL, wait_doc},
    {"test", FAST(request_test), FASTCALL, test_doc},
    {"Get_status", FAST(request_Get_status), FASTCALL, Get_status_doc},
    {"get_status", FAST(request_Get_status), FASTCALL, get_status_doc},
    {"Cancel", request_Cancel, METH_NOARGS, Cancel_doc},
    {"cancel", request_Cancel, METH_NOARGS, cancel_doc},
    {"Free", request_Free, METH_NOARGS, Free_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(request_doc, "Request(request=None)\n--\n\nAn operation under way.");

static PyType_Slot request_slots[] = {
    {Py_tp_doc, (void *)request_doc},
    {Py_tp_dealloc, handle_dealloc},
    {Py_nb_bool, request_bool},
    {Py_tp_methods, request_methods},
    {0, NULL},
};

PyType_Spec Request_spec = {
    .name = "collio.MPI.Request",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = request_slots,
};
