/* MPI.Request and Prequest: operations under way, and the memory they use. */
#include "parcel.h"
#include "request.h"

#include <sched.h>

/*
 * An object to be received, of unknown size: nothing can be posted before the
 * message is there. Its request is tested for by a matched probe; then room is
 * made and a real request posted. All unmatched ones stand in a list, and
 * whoever waits for anything looks after them: the sender of a large object
 * may be waiting for that before it can send what is waited for here.
 */
typedef struct receipt {
    struct receipt *next;
    handle *request;
    MPI_Comm comm;
    int source;
    int tag;
    incoming in;     /* its room is NULL while it is not matched */
    message *buffer; /* where it goes, instead of an object: see request_defer() */
} receipt;

/* An operation whose Request died early: its buffer lives until it is done. */
typedef struct orphan {
    struct orphan *next;
    MPI_Request mpi;
    PyObject *keep;
    int persistent;
} orphan;

static receipt *unmatched;
static orphan *orphans;
static int orphan_count;

enum { ORPHANS_MAX = 100 }; /* that sends may leave behind */

void request_yield(void)
{
    PyThreadState *saved = gil_release();

    sched_yield();
    gil_acquire(saved);
}

/* ---------------------------------------------------------- requests nobody holds */

static void sweep_orphans(void)
{
    orphan **at = &orphans;

    while (*at != NULL) {
        orphan *o = *at;
        int done = 0;
        if (MPI_Test(&o->mpi, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done) {
            at = &o->next;
            continue;
        }
        if (o->persistent && o->mpi != MPI_REQUEST_NULL)
            MPI_Request_free(&o->mpi);
        *at = o->next;
        orphan_count--;
        Py_XDECREF(o->keep);
        PyMem_Free(o);
    }
}

/* The datatype is a duplicate of the user's. */
static void buffer_release(message *m)
{
    if (m == NULL)
        return;
    MPI_Type_free(&m->type);
    Py_XDECREF(m->keep);
    PyMem_Free(m);
}

static void forget_receipt(handle *self)
{
    receipt **at = &unmatched;

    while (*at != NULL && *at != self->receipt)
        at = &(*at)->next;
    if (*at != NULL)
        *at = self->receipt->next;
    if (unmatched == NULL)
        watcher_end();
    incoming_release(&self->receipt->in);
    buffer_release(self->receipt->buffer);
    PyMem_Free(self->receipt);
    self->receipt = NULL;
}

/* Whether it could be noted; `keep` is taken over then. */
static int adopt_orphan(MPI_Request mpi, PyObject *keep, int persistent)
{
    orphan *o = PyMem_Malloc(sizeof *o);

    if (o == NULL)
        return 0;
    *o = (orphan){orphans, mpi, keep, persistent};
    orphans = o;
    orphan_count++;
    sweep_orphans();
    return 1;
}

int request_may_leave(void)
{
    return orphan_count < ORPHANS_MAX;
}

void requests_settle(void)
{
    const double end = collio_now() + 5;

    watcher_stop();
    sweep_orphans();
    while (orphans != NULL && collio_now() < end) {
        request_yield();
        sweep_orphans();
    }
}

void request_leave(MPI_Request mpi, PyObject *keep)
{
    int done = 0;

    if (MPI_Test(&mpi, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done)
        return;
    Py_INCREF(keep); /* for good if it cannot be noted: better lost than freed under MPI's hands */
    adopt_orphan(mpi, keep, 0);
}

/* Nobody waits for the message any more, but it is to come into the buffer all the same. */
static void receive_alone(handle *self)
{
    const receipt *r = self->receipt;
    const message *m = r->buffer;

    MPI_Irecv(m->data, (int)m->count, m->type, r->source, r->tag, r->comm, &self->mpi.request);
    self->keep = Py_XNewRef(m->keep);
}

void request_abandon(handle *self)
{
    if (self->receipt != NULL && self->receipt->buffer != NULL && life_usable())
        receive_alone(self);
    if (self->receipt != NULL) {
        if (self->keep == NULL)
            self->keep = incoming_memory(&self->receipt->in);
        forget_receipt(self);
    }
    if (self->mpi.request == MPI_REQUEST_NULL || !self->owned || !life_usable())
        return;
    if (adopt_orphan(self->mpi.request, self->keep, self->owned == 2))
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

void request_hand_over(handle *from, handle *to)
{
    to->owned = from->owned;
    to->keep = Py_XNewRef(from->keep);
    to->receipt = from->receipt;
    if (to->receipt != NULL)
        to->receipt->request = to;
    from->owned = 0;
    from->receipt = NULL;
}

/* --------------------------------------------------------------- objects to come */

/* A request with a receipt, which may be matched already. */
static PyObject *with_receipt(state *st, MPI_Request mpi, const receipt *content)
{
    PyObject *self = request_make(st, TYPE_Request, mpi, NULL);
    receipt *r = self != NULL ? PyMem_Malloc(sizeof *r) : NULL;

    if (r == NULL) {
        Py_XDECREF(self);
        return self != NULL ? PyErr_NoMemory() : NULL;
    }
    *r = *content;
    r->request = (handle *)self;
    ((handle *)self)->receipt = r;
    return self;
}

PyObject *request_for_object(state *st, MPI_Request mpi, incoming *in)
{
    PyObject *self = with_receipt(st, mpi, &(receipt){.comm = MPI_COMM_NULL, .in = *in});

    if (self == NULL)
        incoming_release(in);
    return self;
}

/* Let it be matched, after those that asked before. */
static PyObject *queue(PyObject *self)
{
    receipt **last = &unmatched;

    if (self == NULL)
        return NULL;
    while (*last != NULL) /* in the order of the calls, as MPI matches */
        last = &(*last)->next;
    *last = ((handle *)self)->receipt;
    return self;
}

PyObject *request_receive(state *st, MPI_Comm comm, int source, int tag)
{
    const receipt content = {.comm = comm, .source = source, .tag = tag};

    return queue(with_receipt(st, MPI_REQUEST_NULL, &content));
}

/* New; NULL with an exception. */
static message *buffer_keep(const message *m)
{
    message *kept = PyMem_Malloc(sizeof *kept);

    if (kept == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *kept = *m;
    if (mpi_failed(MPI_Type_dup(m->type, &kept->type), "MPI_Type_dup") < 0) {
        PyMem_Free(kept);
        return NULL;
    }
    Py_XINCREF(kept->keep);
    return kept;
}

PyObject *request_defer(state *st, const message *m, MPI_Comm comm, int source, int tag)
{
    const receipt content = {.comm = comm, .source = source, .tag = tag, .buffer = buffer_keep(m)};
    PyObject *self = content.buffer != NULL ? with_receipt(st, MPI_REQUEST_NULL, &content) : NULL;

    if (self == NULL)
        buffer_release(content.buffer);
    return queue(self);
}

int request_overlaps(MPI_Comm comm, int source, int tag)
{
    const receipt *r = source == MPI_PROC_NULL ? NULL : unmatched;

    while (r != NULL &&
           !(r->comm == comm &&
             (r->source == source || r->source == MPI_ANY_SOURCE || source == MPI_ANY_SOURCE) &&
             (r->tag == tag || r->tag == MPI_ANY_TAG || tag == MPI_ANY_TAG)))
        r = r->next;
    return r != NULL;
}

int request_receiving(void)
{
    return unmatched != NULL;
}

static int accepts(const receipt *r, MPI_Comm comm, const MPI_Status *found)
{
    return r->comm == comm && (r->source == MPI_ANY_SOURCE || r->source == found->MPI_SOURCE) &&
           (r->tag == MPI_ANY_TAG || r->tag == found->MPI_TAG);
}

/* Into a buffer: from now on the request is like any other. */
static int post_buffer(receipt *r, MPI_Message *taken)
{
    handle *self = r->request;
    const message *m = r->buffer;
    int code = MPI_Imrecv(m->data, (int)m->count, m->type, taken, &self->mpi.request);

    self->keep = Py_XNewRef(m->keep);
    forget_receipt(self);
    return mpi_failed(code, "MPI_Imrecv");
}

/* Post the receive of a message that was taken out for the receipt at *at. */
static int post(receipt **at, MPI_Message *taken, const MPI_Status *status)
{
    receipt *r = *at;
    MPI_Count size = 0;

    if (mpi_failed(MPI_Get_elements_x(status, MPI_BYTE, &size), "MPI_Get_elements_x") < 0)
        return -1;
    *at = r->next;
    if (unmatched == NULL)
        watcher_end();
    if (r->buffer != NULL)
        return post_buffer(r, taken);
    return incoming_post(state_of((PyObject *)r->request), &r->in, taken, size, r->comm,
                         &r->request->mpi.request);
}

/* Take out the message that was found, for the receipt at *at. */
static int match(receipt **at, const MPI_Status *found)
{
    MPI_Message taken;
    MPI_Status status;
    int result = MPI_Mprobe(found->MPI_SOURCE, found->MPI_TAG, (*at)->comm, &taken, &status);

    return mpi_failed(result, "MPI_Mprobe") < 0 ? -1 : post(at, &taken, &status);
}

static receipt **first_to_accept(MPI_Comm comm, const MPI_Status *found)
{
    receipt **at = &unmatched;

    while (*at != NULL && !accepts(*at, comm, found))
        at = &(*at)->next;
    return at;
}

int request_claims(MPI_Comm comm, const MPI_Status *found)
{
    return *first_to_accept(comm, found) != NULL;
}

int request_give(MPI_Comm comm, MPI_Message *taken, const MPI_Status *found)
{
    receipt **at = first_to_accept(comm, found);

    if (*at == NULL)
        return 0;
    return post(at, taken, found) < 0 ? -1 : 1;
}

/* Look for messages. One may arrive between the looks for two receipts that both accept it; it
 * belongs to the first. */
int request_match_all(void)
{
    receipt **at = &unmatched, **first;
    MPI_Status status;
    int found;

    while (*at != NULL) {
        receipt *r = *at;
        int code = MPI_Iprobe(r->source, r->tag, r->comm, &found, &status);
        if (mpi_failed(code, "MPI_Iprobe") < 0)
            return -1;
        for (first = &unmatched; found && first != at && !accepts(*first, r->comm, &status);)
            first = &(*first)->next;
        if (found && match(first, &status) < 0)
            return -1;
        if (!found)
            at = &r->next;
        else if (first != at)
            at = &unmatched;
    }
    return 0;
}

static int is_unmatched(const handle *self)
{
    return self->receipt != NULL && self->receipt->in.room == NULL;
}

/* --------------------------------------------------------------- waiting and testing */

/* One test; *done is 0 for an object that has not been matched. */
int request_test_one(handle *self, int *done, MPI_Status *status)
{
    *done = 0;
    if (unmatched != NULL && request_match_all() < 0)
        return -1;
    if (is_unmatched(self))
        return 0;
    return mpi_failed(MPI_Test(&self->mpi.request, done, status), "MPI_Test");
}

/* Test first: most waits are for what is done, and then the GIL can be kept. */
static int wait_among_others(handle *self, MPI_Status *status)
{
    PyThreadState *saved;
    int done, result;

    if (request_test_one(self, &done, status) < 0)
        return -1;
    while (!done && unmatched != NULL) {
        request_yield();
        if (PyErr_CheckSignals() < 0 || request_test_one(self, &done, status) < 0)
            return -1;
    }
    if (done)
        return 0;
    saved = gil_release();
    result = MPI_Wait(&self->mpi.request, status);
    gil_acquire(saved);
    return mpi_failed(result, "MPI_Wait");
}

/* Whether the GIL can be kept: nobody else is there, and it is MPI that completes the request. */
static int may_keep(const handle *self)
{
    const state *st = state_only;

    return st != NULL && unmatched == NULL && !st->always_release && gil_alone() &&
           (Py_TYPE(self) == st->types[TYPE_Request] || Py_TYPE(self) == st->types[TYPE_Prequest]);
}

int request_wait_one(handle *self, MPI_Status *status)
{
    if (may_keep(self))
        return mpi_failed(MPI_Wait(&self->mpi.request, status), "MPI_Wait");
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
    forget_receipt(self);
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
    if (unmatched != NULL && request_match_all() < 0)
        return -1;
    if (is_unmatched(self))
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

/* What MPI tells of a receive that was cancelled. */
static int query_cancelled(void *Py_UNUSED(extra), MPI_Status *status)
{
    status->MPI_SOURCE = MPI_ANY_SOURCE;
    status->MPI_TAG = MPI_ANY_TAG;
    MPI_Status_set_elements(status, MPI_BYTE, 0);
    return MPI_Status_set_cancelled(status, 1);
}

static int free_nothing(void *Py_UNUSED(extra))
{
    return MPI_SUCCESS;
}

static int cancel_nothing(void *Py_UNUSED(extra), int Py_UNUSED(done))
{
    return MPI_SUCCESS;
}

/* MPI knows nothing of a receive that is not matched yet: let a request stand for it that is
 * complete, and whose status says that it was cancelled. */
static int cancel_unmatched(handle *self)
{
    MPI_Request *request = &self->mpi.request;
    int code;

    forget_receipt(self);
    code = MPI_Grequest_start(query_cancelled, free_nothing, cancel_nothing, NULL, request);
    if (mpi_failed(code, "MPI_Grequest_start") < 0)
        return -1;
    return mpi_failed(MPI_Grequest_complete(*request), "MPI_Grequest_complete");
}

PyDoc_STRVAR(Cancel_doc, "Cancel($self, /)\n--\n\nAsk for the operation to be cancelled. "
                         "Not collective.");

static PyObject *request_Cancel(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (mpi_ready(state_of(object)) < 0)
        return NULL;
    if ((is_unmatched(self) ? cancel_unmatched(self)
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
