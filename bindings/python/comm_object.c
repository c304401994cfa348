/* The lower-case calls: any object, as a parcel of bytes (pickle.c). */
#include "p2p.h"
#include "buffer.h"
#include "parcel.h"
#include "request.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

enum { LEAVE_MAX = 32768 }; /* bytes of an object whose send need not wait for the receiver */

/* ------------------------------------------------------------------- point to point */

static const param send_params[] = {{"obj", arg_object, offsetof(send_args, data)}, SEND_PARAMS};

/* `buf` was mpi4py's room for the message; here room is made when it comes. */
static const param recv_params[] = {{"|buf", arg_object, offsetof(recv_args, buf)},
                                    RECV_PARAMS,
                                    {"|status", arg_object, offsetof(recv_args, status)},
                                    {NULL, NULL, 0}};

static const param irecv_params[] = {
    {"|buf", arg_object, offsetof(recv_args, buf)}, RECV_PARAMS, {NULL, NULL, 0}};

static const param exchange_params[] = {{"sendobj", arg_object, offsetof(exchange_args, data)},
                                        EXCHANGE_PARAMS};

/* Send one piece of a parcel, by the function of the row. */
static int begin_piece(const row_method *row, const stretch *piece, int dest, int tag,
                       MPI_Comm comm, MPI_Request *request)
{
    message m;
    int large, code;

    message_init(&m);
    m.data = piece->data;
    m.count = piece->count;
    m.type = piece->type;
    large = message_large(&m);
    if (large < 0)
        return -1;
    code = large ? row->call.isend.large(m.data, m.count, m.type, dest, tag, comm, request)
                 : row->call.isend.plain(m.data, (int)m.count, m.type, dest, tag, comm, request);
    message_release(&m);
    return mpi_failed(code, row->mpi_name);
}

/* An object being sent: its parcel must live until all is done. */
typedef struct outgoing {
    parcel p;
    MPI_Request request; /* of the last message */
    int n;               /* buffers before that */
    MPI_Request others[PARCEL_EACH_MAX];
} outgoing;

/* The buffers that are messages of their own, but for the last. */
static int begin_others(const row_method *row, outgoing *out, int dest, int tag, MPI_Comm comm)
{
    int failed = 0;

    while (!failed && out->n < out->p.before) {
        stretch piece = parcel_stretch(&out->p, out->n);
        failed = begin_piece(row, &piece, dest, tag, comm, &out->others[out->n]);
        out->n += !failed;
    }
    return failed;
}

/* Nobody waits for what has begun. */
static void leave_others(outgoing *out)
{
    while (out->n > 0)
        request_leave(out->others[--out->n], out->p.keep);
}

static int begin_load(const row_method *row, outgoing *out, int dest, int tag, MPI_Comm comm)
{
    MPI_Request first;

    if (mpi_failed(MPI_Isend(out->p.data, out->p.count, out->p.type, dest, tag, comm, &first),
                   "MPI_Isend") < 0)
        return -1;
    request_leave(first, out->p.keep);
    if (begin_others(row, out, dest, tag, comm) == 0 &&
        begin_piece(row, &out->p.load, dest, tag, comm, &out->request) == 0)
        return 0;
    leave_others(out);
    return -1;
}

/*
 * Begin to send. An object is always sent without blocking, so that objects to be received are
 * looked after. The head of a load needs no request: nobody can receive the load before it.
 */
static int begin_send(state *st, PyObject *object, const row_method *row, int wait, int dest,
                      int tag, MPI_Comm comm, outgoing *out)
{
    int (*pack)(PyObject *, PyObject *, parcel *) = row->mode ? parcel_pack
                                                    : wait    ? parcel_pack_each
                                                              : parcel_pack_apart;
    parcel *p = &out->p;

    out->n = 0;
    if (pack(serializer_of(st, comm), dest == MPI_PROC_NULL ? Py_None : object, p) < 0)
        return -1;
    if (p->apart)
        return begin_load(row, out, dest, tag, comm);
    return begin_piece(row, &(stretch){p->data, p->count, p->type}, dest, tag, comm, &out->request);
}

/*
 * Whether a send may return before its message is taken. Its bytes are a copy, so it may; and then
 * ranks that send to each other before they receive, or wait in another call while an irecv() is
 * open, do not wait for each other. Large objects are not piled up.
 */
static int may_leave(const row_method *row, const parcel *p)
{
    return row->call.isend.plain == MPI_Isend && !p->apart && !p->own_type &&
           p->size <= LEAVE_MAX && request_may_leave();
}

static int finish_send(outgoing *out)
{
    int failed = request_finish(&out->request, MPI_STATUS_IGNORE) < 0;

    while (!failed && out->n > 0)
        failed = request_finish(&out->others[--out->n], MPI_STATUS_IGNORE) < 0;
    if (failed)
        leave_others(out);
    return failed ? -1 : 0;
}

static void leave_send(outgoing *out)
{
    request_leave(out->request, out->p.keep);
    leave_others(out);
}

static int end_send(const row_method *row, outgoing *out)
{
    if (!may_leave(row, &out->p))
        return finish_send(out);
    leave_send(out);
    return 0;
}

/* Begin to send (row->mpi_name) an object, and wait for it or return its request. MPI keeps a
 * datatype in use by a pending operation; it may be freed here. */
static PyObject *send_with(PyObject *self, const row_method *row, int wait, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    send_args a = {NULL, 0, 0};
    PyObject *result = NULL;
    outgoing out;

    if (mpi_ready(st) < 0 || send_parse(row->name, send_params, &a, args, nargs, keywords) < 0)
        return NULL;
    if (begin_send(st, a.data, row, wait, a.dest, a.tag, mpi_of(self), &out) == 0) {
        if (!wait)
            result = request_make(st, TYPE_Request, out.request, out.p.keep);
        else if (end_send(row, &out) == 0)
            result = Py_NewRef(Py_None);
    }
    parcel_release(&out.p);
    return result;
}

static PyObject *send_object(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    return send_with(self, row, 1, args, nargs, keywords);
}

static PyObject *isend_object(PyObject *self, const row_method *row, PyObject *const *args,
                              Py_ssize_t nargs, PyObject *keywords)
{
    return send_with(self, row, 0, args, nargs, keywords);
}

/* Wait for a message, find out its size. Between this and the receipt of its load no other thread
 * may receive from the communicator: called where there is none. */
static int find(const state *st, MPI_Comm comm, int source, int tag, MPI_Message *found,
                MPI_Count *size)
{
    PyThreadState *saved;
    MPI_Status status;
    int is_there = 0, code = MPI_Improbe(source, tag, comm, &is_there, found, &status);

    if (code == MPI_SUCCESS && !is_there) {
        saved = gil_lend(st);
        code = MPI_Mprobe(source, tag, comm, found, &status);
        gil_acquire(saved);
    }
    if (mpi_failed(code, "MPI_Mprobe") < 0)
        return -1;
    return mpi_failed(MPI_Get_elements_x(&status, MPI_BYTE, size), "MPI_Get_elements_x");
}

/* Receive one object: wait for it, make room, fetch it. New. */
static PyObject *receive(state *st, MPI_Comm comm, int source, int tag, MPI_Status *status)
{
    incoming in = {.room = NULL};
    PyObject *object = NULL;
    MPI_Request request;
    MPI_Message found;
    MPI_Count size = 0;
    int failed;

    if (find(st, comm, source, tag, &found, &size) < 0)
        return NULL;
    failed = size <= PARCEL_HEAD_MAX
                 ? incoming_take(st, &in, &found, size, comm, status, &object, &request)
                 : incoming_post(st, &in, &found, size, comm, &request);
    if (!failed && object == NULL && request_finish(&request, status) == 0)
        object = incoming_open(&in);
    incoming_release(&in);
    return object;
}

/* While an irecv() is open, its message has to be looked after too; while there are other threads,
 * a message and its load must be taken in one go. */
static PyObject *receive_politely(state *st, MPI_Comm comm, int source, int tag, MPI_Status *status)
{
    PyObject *request, *object;

    if (!request_receiving() && gil_alone())
        return receive(st, comm, source, tag, status);
    request = request_receive(st, comm, source, tag);
    object = request != NULL ? request_object(request, status) : NULL;
    Py_XDECREF(request);
    return object;
}

static PyObject *recv_object(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    recv_args a = RECV_ARGS;
    MPI_Status *status;

    if (mpi_ready(st) < 0 || recv_parse(row->name, recv_params, &a, args, nargs, keywords) < 0 ||
        status_arg(st, a.status, &status) < 0)
        return NULL;
    return receive_politely(st, mpi_of(self), a.source, a.tag, status);
}

/* What mpi4py takes for the size of an object to come, or for room for it, is to be one. */
static int check_room(PyObject *buf)
{
    Py_buffer view;

    if (buf == Py_None || PyIndex_Check(buf))
        return 0;
    if (buffer_acquire(buf, 1, &view) < 0)
        return -1;
    PyBuffer_Release(&view);
    return 0;
}

static PyObject *irecv_object(PyObject *self, const row_method *row, PyObject *const *args,
                              Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    recv_args a = RECV_ARGS;
    PyObject *request;
    int found;

    if (mpi_ready(st) < 0 || recv_parse(row->name, irecv_params, &a, args, nargs, keywords) < 0 ||
        check_room(a.buf) < 0 ||
        (mpi_of(self) == MPI_COMM_NULL && mpi_failed(MPI_ERR_COMM, "MPI_Irecv") < 0) ||
        mpi_failed(MPI_Iprobe(a.source, a.tag, mpi_of(self), &found, MPI_STATUS_IGNORE), /* valid */
                   "MPI_Irecv") < 0)
        return NULL;
    request = request_receive(st, mpi_of(self), a.source, a.tag);
    if (request != NULL)
        watcher_begin();
    return request;
}

static PyObject *sendrecv_object(PyObject *self, const row_method *row, PyObject *const *args,
                                 Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    exchange_args a = EXCHANGE_ARGS;
    PyObject *object = NULL;
    MPI_Status *status;
    outgoing out;

    if (mpi_ready(st) < 0 ||
        exchange_parse(row->name, exchange_params, &a, args, nargs, keywords) < 0 ||
        status_arg(st, a.status, &status) < 0)
        return NULL;
    if (begin_send(st, a.data, row, 1, a.dest, a.sendtag, mpi_of(self), &out) == 0) {
        object = receive_politely(st, mpi_of(self), a.source, a.recvtag, status);
        if (object == NULL) /* whether anybody takes the message, who knows */
            leave_send(&out);
        else if (finish_send(&out) < 0)
            Py_CLEAR(object);
    }
    parcel_release(&out.p);
    return object;
}

/* ----------------------------------------------------------------------------- rows */

#define SEND_SIGNATURE "($self, /, obj, dest, tag=0)\n--\n\n"

/* clang-format off */
const row_method comm_object_rows[] = {
    {"send", "send" SEND_SIGNATURE "Send an object. Not collective.", send_object, "MPI_Isend",
     {.isend = {MPI_Isend, LARGE(MPI_Isend)}}, 0, 0},
    {"ssend", "ssend" SEND_SIGNATURE "Send an object; done when the receiver has begun to "
     "receive. Not collective.", send_object, "MPI_Issend", {.isend = {MPI_Issend, LARGE(MPI_Issend)}}, 0, 0},
    {"bsend", "bsend" SEND_SIGNATURE "Send an object from the attached buffer. Not collective.",
     send_object, "MPI_Ibsend", {.isend = {MPI_Ibsend, LARGE(MPI_Ibsend)}}, 1, 0},
    {"isend", "isend" SEND_SIGNATURE "Begin to send an object; returns a Request. Not collective.",
     isend_object, "MPI_Isend", {.isend = {MPI_Isend, LARGE(MPI_Isend)}}, 0, 0},
    {"issend", "issend" SEND_SIGNATURE "Begin to send an object, synchronously. Not collective.",
     isend_object, "MPI_Issend", {.isend = {MPI_Issend, LARGE(MPI_Issend)}}, 0, 0},
    {"ibsend", "ibsend" SEND_SIGNATURE "Begin to send an object from the attached buffer. "
     "Not collective.", isend_object, "MPI_Ibsend", {.isend = {MPI_Ibsend, LARGE(MPI_Ibsend)}}, 1, 0},
    {"recv",
     "recv($self, /, buf=None, source=..., tag=..., status=None)\n--\n\nReceive an object. `buf` "
     "is not used. Not collective.", recv_object, "MPI_Mrecv", {NULL}, 0, 0},
    {"irecv",
     "irecv($self, /, buf=None, source=..., tag=...)\n--\n\nBegin to receive an object of any "
     "size; Request.wait() returns it. Waits and tests look after it, and while the program waits in "
     "another call a thread does (with MPI.THREAD_MULTIPLE). `buf` is not used. Not collective.", irecv_object,
     "MPI_Imrecv", {NULL}, 0, 0},
    {"sendrecv",
     "sendrecv($self, /, sendobj, dest, sendtag=0, recvbuf=None, source=..., recvtag=..., "
     "status=None)\n--\n\nSend an object and receive one. `recvbuf` is not used. Not collective.",
     sendrecv_object, "MPI_Isend", {.isend = {MPI_Isend, LARGE(MPI_Isend)}}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
