/* Receives whose message is yet to be found: of objects, and of what comes after them. */
#include "receipt.h"

receipt *receipts_unmatched;

/* The datatype is a duplicate of the user's. */
void buffer_release(message *m)
{
    if (m == NULL)
        return;
    MPI_Type_free(&m->type);
    Py_XDECREF(m->keep);
    PyMem_Free(m);
}

void receipt_forget(handle *self)
{
    receipt **at = &receipts_unmatched;

    while (*at != NULL && *at != self->receipt)
        at = &(*at)->next;
    if (*at != NULL)
        *at = self->receipt->next;
    if (receipts_unmatched == NULL)
        watcher_end();
    incoming_release(&self->receipt->in);
    buffer_release(self->receipt->buffer);
    PyMem_Free(self->receipt);
    self->receipt = NULL;
}

/* A request that nobody holds takes over; it goes when its message is there. */
static int hand_to_nobody(handle *self)
{
    PyObject *type, *value, *trace;
    handle *other;

    PyErr_Fetch(&type, &value, &trace);
    other =
        (handle *)request_make(state_of((PyObject *)self), TYPE_Request, MPI_REQUEST_NULL, NULL);
    PyErr_Restore(type, value, trace);
    if (other == NULL)
        return 0;
    other->receipt = self->receipt;
    other->receipt->request = other;
    other->receipt->left = 1;
    self->receipt = NULL;
    return 1;
}

void receipt_leave(handle *self)
{
    const receipt *r = self->receipt;
    const message *m = r->buffer;

    if (hand_to_nobody(self))
        return;
    buffer_irecv(m, r->source, r->tag, r->comm, &self->mpi.request);
    Py_XSETREF(self->keep, Py_XNewRef(m->keep));
}

/* ------------------------------------------------------------------- made */

static int add_receipt(handle *self, const receipt *content)
{
    receipt *r = PyMem_Malloc(sizeof *r);

    if (r == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *r = *content;
    r->request = self;
    self->receipt = r;
    return 0;
}

/* A request with a receipt, which may be matched already. */
static PyObject *with_receipt(state *st, MPI_Request mpi, const receipt *content)
{
    PyObject *self = request_make(st, TYPE_Request, mpi, NULL);

    if (self != NULL && add_receipt((handle *)self, content) < 0)
        Py_CLEAR(self);
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
    receipt **last = &receipts_unmatched;

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

message *buffer_keep(const message *m)
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

int receipt_defer(handle *self, message *buffer, MPI_Comm comm, int source, int tag)
{
    const receipt content = {.comm = comm, .source = source, .tag = tag, .buffer = buffer};

    if (add_receipt(self, &content) < 0)
        return -1;
    queue((PyObject *)self);
    return 0;
}

int request_overlaps(MPI_Comm comm, int source, int tag)
{
    const receipt *r = source == MPI_PROC_NULL ? NULL : receipts_unmatched;

    while (r != NULL &&
           !(r->comm == comm &&
             (r->source == source || r->source == MPI_ANY_SOURCE || source == MPI_ANY_SOURCE) &&
             (r->tag == tag || r->tag == MPI_ANY_TAG || tag == MPI_ANY_TAG)))
        r = r->next;
    return r != NULL;
}

/* ---------------------------------------------------------------- matched */

int request_receiving(void)
{
    return receipts_unmatched != NULL;
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
    const int left = r->left;
    int code = SIZED(m->count > INT_MAX, MPI_Imrecv, m->data, m->count, m->type, taken,
                     &self->mpi.request);

    Py_XSETREF(self->keep, Py_XNewRef(m->keep));
    receipt_forget(self);
    if (left)
        Py_DECREF(self);
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
    if (receipts_unmatched == NULL)
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
    receipt **at = &receipts_unmatched;

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
    receipt **at = &receipts_unmatched, **first;
    MPI_Status status;
    int found;

    while (*at != NULL) {
        receipt *r = *at;
        int code = MPI_Iprobe(r->source, r->tag, r->comm, &found, &status);
        if (mpi_failed(code, "MPI_Iprobe") < 0)
            return -1;
        for (first = &receipts_unmatched;
             found && first != at && !accepts(*first, r->comm, &status);)
            first = &(*first)->next;
        if (found && match(first, &status) < 0)
            return -1;
        if (!found)
            at = &r->next;
        else if (first != at)
            at = &receipts_unmatched;
    }
    return 0;
}

/* -------------------------------------------------------------- cancelled */

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
int receipt_cancel(handle *self)
{
    MPI_Request *request = &self->mpi.request;
    int code;

    receipt_forget(self);
    code = MPI_Grequest_start(query_cancelled, free_nothing, cancel_nothing, NULL, request);
    if (mpi_failed(code, "MPI_Grequest_start") < 0)
        return -1;
    return mpi_failed(MPI_Grequest_complete(*request), "MPI_Grequest_complete");
}
