/* Point-to-point calls on buffers. */
#include "p2p.h"

static const param send_params[] = {{"buf", arg_object, offsetof(send_args, data)}, SEND_PARAMS};

static const param recv_params[] = {{"buf", arg_object, offsetof(recv_args, buf)},
                                    RECV_PARAMS,
                                    {"|status", arg_object, offsetof(recv_args, status)},
                                    {NULL, NULL, 0}};

/* Irecv and Recv_init: the same without a status. */
static const param irecv_params[] = {
    {"buf", arg_object, offsetof(recv_args, buf)}, RECV_PARAMS, {NULL, NULL, 0}};

static const param probe_params[] = {
    RECV_PARAMS, {"|status", arg_object, offsetof(recv_args, status)}, {NULL, NULL, 0}};

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* ---------------------------------------------------------------------------- send */

/* row->mode: the class of the request that is returned, or that there is none. */
enum { BLOCKING = -1 };

static PyObject *result_of(state *st, const row_method *row, int code, MPI_Request request,
                           PyObject *keep)
{
    if (mpi_failed(code, row->mpi_name) < 0)
        return NULL;
    return row->mode == BLOCKING ? Py_NewRef(Py_None) : request_make(st, row->mode, request, keep);
}

static int call_send(const row_method *row, const message *m, int large, const send_args *a,
                     MPI_Comm comm, MPI_Request *request)
{
    if (row->mode != BLOCKING)
        return large ? row->call.isend.large(m->data, m->count, m->type, a->dest, a->tag, comm,
                                             request)
                     : row->call.isend.plain(m->data, (int)m->count, m->type, a->dest, a->tag, comm,
                                             request);
    return large ? row->call.send.large(m->data, m->count, m->type, a->dest, a->tag, comm)
                 : row->call.send.plain(m->data, (int)m->count, m->type, a->dest, a->tag, comm);
}

static PyObject *send_buffer(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    send_args a = {.tag = 0};
    MPI_Request request = MPI_REQUEST_NULL;
    PyObject *result = NULL;
    PyThreadState *saved;
    message m;
    int code, large;

    if (mpi_ready(st) < 0 || send_parse(row->name, send_params, &a, args, nargs, keywords) < 0)
        return NULL;
    message_init(&m);
    if (message_for(st, a.data, 0, a.dest, &m) == 0 && (large = message_large(&m)) >= 0) {
        saved = gil_lend(st);
        code = call_send(row, &m, large, &a, mpi_of(self), &request);
        gil_acquire(saved);
        result = result_of(st, row, code, request, m.keep);
    }
    message_release(&m);
    return result;
}

/* ------------------------------------------------------------------------- receive */

static int call_irecv(const row_method *row, const message *m, int large, const recv_args *a,
                      MPI_Comm comm, MPI_Request *request)
{
    return large
               ? row->call.recv.large(m->data, m->count, m->type, a->source, a->tag, comm, request)
               : row->call.recv.plain(m->data, (int)m->count, m->type, a->source, a->tag, comm,
                                      request);
}

/* While irecv() waits for objects: not a message that it asked for before. */
static PyObject *recv_in_turn(state *st, const row_method *row, const message *m, int large,
                              const recv_args *a, MPI_Comm comm, MPI_Status *status)
{
    const turn t = {row->mpi_name, comm, a->source, a->tag};

    if (row->mode != BLOCKING)
        return request_defer(st, m, comm, a->source, a->tag);
    return turn_recv(st, &t, m, large, status) < 0 ? NULL : Py_NewRef(Py_None);
}

/* Whether it has to be done so; what is prepared with Recv_init() has not begun. */
static int must_wait_its_turn(const row_method *row, const recv_args *a, MPI_Comm comm)
{
    if (row->mode == BLOCKING)
        return request_receiving();
    return row->mode == TYPE_Request && request_overlaps(comm, a->source, a->tag);
}

static PyObject *recv_buffer(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    const int blocking = row->mode == BLOCKING;
    state *st = state_of(self);
    recv_args a = RECV_ARGS;
    MPI_Request request = MPI_REQUEST_NULL;
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_Status *status;
    message m;
    int code, large;

    if (mpi_ready(st) < 0 ||
        recv_parse(row->name, blocking ? recv_params : irecv_params, &a, args, nargs, keywords) <
            0 ||
        status_arg(st, a.status, &status) < 0)
        return NULL;
    message_init(&m);
    if (message_for(st, a.buf, 1, a.source, &m) == 0 && (large = message_large(&m)) >= 0) {
        if (must_wait_its_turn(row, &a, mpi_of(self))) {
            result = recv_in_turn(st, row, &m, large, &a, mpi_of(self), status);
        } else {
            saved = gil_lend(st);
            code = blocking ? SIZED(large, MPI_Recv, m.data, m.count, m.type, a.source, a.tag,
                                    mpi_of(self), status)
                            : call_irecv(row, &m, large, &a, mpi_of(self), &request);
            gil_acquire(saved);
            result = result_of(st, row, code, request, m.keep);
            if (row->mode == TYPE_Prequest && a.source != MPI_PROC_NULL)
                result = request_prepare(result, &m, mpi_of(self), a.source, a.tag);
        }
    }
    message_release(&m);
    return result;
}

/* ------------------------------------------------------------------------ exchange */

static const param exchange_params[] = {{"sendbuf", arg_object, offsetof(exchange_args, data)},
                                        EXCHANGE_PARAMS};

static const param replace_params[] = {{"buf", arg_object, offsetof(exchange_args, data)},
                                       {"dest", arg_int, offsetof(exchange_args, dest)},
                                       {"|sendtag", arg_int, offsetof(exchange_args, sendtag)},
                                       {"|source", arg_int, offsetof(exchange_args, source)},
                                       {"|recvtag", arg_int, offsetof(exchange_args, recvtag)},
                                       {"|status", arg_object, offsetof(exchange_args, status)},
                                       {NULL, NULL, 0}};

/* Isendrecv and Isendrecv_replace have no status. */
static const param iexchange_params[] = {{"sendbuf", arg_object, offsetof(exchange_args, data)},
                                         {"dest", arg_int, offsetof(exchange_args, dest)},
                                         {"|sendtag", arg_int, offsetof(exchange_args, sendtag)},
                                         {"|recvbuf", arg_object, offsetof(exchange_args, recvbuf)},
                                         {"|source", arg_int, offsetof(exchange_args, source)},
                                         {"|recvtag", arg_int, offsetof(exchange_args, recvtag)},
                                         {NULL, NULL, 0}};

static const param ireplace_params[] = {{"buf", arg_object, offsetof(exchange_args, data)},
                                        {"dest", arg_int, offsetof(exchange_args, dest)},
                                        {"|sendtag", arg_int, offsetof(exchange_args, sendtag)},
                                        {"|source", arg_int, offsetof(exchange_args, source)},
                                        {"|recvtag", arg_int, offsetof(exchange_args, recvtag)},
                                        {NULL, NULL, 0}};

/* MPI_Isendrecv came with MPI 4. */
#ifdef HAVE_MPI_ISENDRECV
#define IF_ISENDRECV(call) (call)
#else
#define IF_ISENDRECV(call) ((void)request, (void)large, MPI_ERR_UNSUPPORTED_OPERATION)
#endif

static int call_exchange(int mode, const message *out, const message *in, int large,
                         const exchange_args *a, MPI_Comm comm, MPI_Status *status,
                         MPI_Request *request)
{
    if (mode == BLOCKING)
        return SIZED(large, MPI_Sendrecv, out->data, out->count, out->type, a->dest, a->sendtag,
                     in->data, in->count, in->type, a->source, a->recvtag, comm, status);
    if (a->dest == MPI_PROC_NULL) /* with nobody at one end MPICH 4.0 crashes */
        return SIZED(large, MPI_Irecv, in->data, in->count, in->type, a->source, a->recvtag, comm,
                     request);
    if (a->source == MPI_PROC_NULL)
        return SIZED(large, MPI_Isend, out->data, out->count, out->type, a->dest, a->sendtag, comm,
                     request);
    return IF_ISENDRECV(SIZED(large, MPI_Isendrecv, out->data, out->count, out->type, a->dest,
                              a->sendtag, in->data, in->count, in->type, a->source, a->recvtag,
                              comm, request));
}

static int call_replace(int mode, const message *m, int large, const exchange_args *a,
                        MPI_Comm comm, MPI_Status *status, MPI_Request *request)
{
    if (mode == BLOCKING)
        return SIZED(large, MPI_Sendrecv_replace, m->data, m->count, m->type, a->dest, a->sendtag,
                     a->source, a->recvtag, comm, status);
    if (a->dest == MPI_PROC_NULL || a->source == MPI_PROC_NULL)
        return call_exchange(mode, m, m, large, a, comm, status, request);
    return IF_ISENDRECV(SIZED(large, MPI_Isendrecv_replace, m->data, m->count, m->type, a->dest,
                              a->sendtag, a->source, a->recvtag, comm, request));
}

/* MPI functions that are not there are refused. */
static int check_exchange(state *st, const row_method *row, const exchange_args *a,
                          MPI_Status **status)
{
#ifdef HAVE_MPI_ISENDRECV
    (void)row;
#else
    if (row->mode != BLOCKING) {
        raise_unavailable(row->mpi_name);
        return -1;
    }
#endif
    return status_arg(st, a->status, status);
}

/* While irecv() waits for an object that may be what comes in: what goes out is sent from a copy,
 * which may be overwritten. */
static PyObject *exchange_in_turn(state *st, const row_method *row, const message *out,
                                  const message *in, int large, const exchange_args *a,
                                  MPI_Comm comm, MPI_Status *status)
{
    const turn t = {row->mpi_name, comm, a->source, a->recvtag};

    if (turn_send(out, a->dest, a->sendtag, comm) < 0)
        return NULL;
    if (row->mode != BLOCKING)
        return request_defer(st, in, comm, a->source, a->recvtag);
    return turn_recv(st, &t, in, large, status) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *exchange(PyObject *self, const row_method *row, PyObject *const *args,
                          Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    exchange_args a = EXCHANGE_ARGS;
    MPI_Request request = MPI_REQUEST_NULL;
    PyObject *result = NULL, *keep = NULL;
    PyThreadState *saved;
    MPI_Status *status;
    message out, in;
    int code, large = -1;

    if (mpi_ready(st) < 0 ||
        exchange_parse(row->name, row->mode == BLOCKING ? exchange_params : iexchange_params, &a,
                       args, nargs, keywords) < 0 ||
        check_exchange(st, row, &a, &status) < 0)
        return NULL;
    message_init(&out);
    message_init(&in);
    if (message_for(st, a.data, 0, a.dest, &out) == 0 &&
        message_for(st, a.recvbuf, 1, a.source, &in) == 0)
        large = message_large(&out) | message_large(&in);
    if (large >= 0 && row->mode != BLOCKING) {
        keep = Py_BuildValue("(OO)", out.keep ? out.keep : Py_None, in.keep ? in.keep : Py_None);
        large = keep != NULL ? large : -1;
    }
    if (large >= 0 && request_overlaps(mpi_of(self), a.source, a.recvtag)) {
        result = exchange_in_turn(st, row, &out, &in, large, &a, mpi_of(self), status);
    } else if (large >= 0) {
        saved = gil_lend(st);
        code = call_exchange(row->mode, &out, &in, large, &a, mpi_of(self), status, &request);
        gil_acquire(saved);
        result = result_of(st, row, code, request, keep);
    }
    Py_XDECREF(keep);
    message_release(&out);
    message_release(&in);
    return result;
}

static PyObject *exchange_replace(PyObject *self, const row_method *row, PyObject *const *args,
                                  Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    exchange_args a = EXCHANGE_ARGS;
    MPI_Request request = MPI_REQUEST_NULL;
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_Status *status;
    message m;
    int code, large;

    if (mpi_ready(st) < 0 ||
        args_parse(row->name, row->mode == BLOCKING ? replace_params : ireplace_params, &a, args,
                   nargs, keywords) < 0 ||
        check_exchange(st, row, &a, &status) < 0)
        return NULL;
    message_init(&m);
    if (message_for(st, a.data, 1, a.dest == MPI_PROC_NULL ? a.source : a.dest, &m) == 0 &&
        (large = message_large(&m)) >= 0) {
        if (request_overlaps(mpi_of(self), a.source, a.recvtag)) {
            result = exchange_in_turn(st, row, &m, &m, large, &a, mpi_of(self), status);
        } else {
            saved = gil_lend(st);
            code = call_replace(row->mode, &m, large, &a, mpi_of(self), status, &request);
            gil_acquire(saved);
            result = result_of(st, row, code, request, m.keep);
        }
    }
    message_release(&m);
    return result;
}

/* --------------------------------------------------------------------------- probe */

/* Most calls have no arguments, or two small ints. */
static inline int probe_parse(const char *name, recv_args *a, PyObject *const *args,
                              Py_ssize_t nargs, PyObject *keywords)
{
    if (keywords != NULL || nargs > 2 || !are_small_ints(args, nargs))
        return args_parse(name, probe_params, a, args, nargs, keywords);
    if (nargs > 0)
        a->source = int_small(args[0]);
    if (nargs > 1)
        a->tag = int_small(args[1]);
    return 0;
}

/* Probe and Iprobe: row->mode is 1 if it waits. */
static PyObject *probe(PyObject *self, const row_method *row, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    recv_args a = RECV_ARGS;
    PyThreadState *saved;
    MPI_Status *status;
    int code, flag = 1;

    if (mpi_ready(st) < 0 || probe_parse(row->name, &a, args, nargs, keywords) < 0 ||
        status_arg(st, a.status, &status) < 0)
        return NULL;
    if (request_receiving()) {
        flag = turn_find(&(turn){row->mpi_name, mpi_of(self), a.source, a.tag}, row->mode, NULL,
                         status);
        return flag < 0 ? NULL : PyBool_FromLong(flag);
    }
    saved = row->mode ? gil_release() : gil_lend(st);
    code = row->mode ? MPI_Probe(a.source, a.tag, mpi_of(self), status)
                     : MPI_Iprobe(a.source, a.tag, mpi_of(self), &flag, status);
    gil_acquire(saved);
    return mpi_failed(code, row->mpi_name) < 0 ? NULL : PyBool_FromLong(flag);
}

/* Mprobe and Improbe: the message found, or None. */
static PyObject *probe_matched(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    recv_args a = RECV_ARGS;
    MPI_Status *status;

    if (mpi_ready(st) < 0 || probe_parse(row->name, &a, args, nargs, keywords) < 0 ||
        status_arg(st, a.status, &status) < 0)
        return NULL;
    return matched_probe(st, st->types[TYPE_Message], mpi_of(self), a.source, a.tag, row->mode,
                         status);
}

/* ----------------------------------------------------------------------------- rows */

#define SEND_SIGNATURE  "($self, /, buf, dest, tag=0)\n--\n\n"
#define RECV_SIGNATURE  "($self, /, buf, source=..., tag=..."
#define PROBE_SIGNATURE "($self, /, source=..., tag=..., status=None)\n--\n\n"
#define LOCAL           " Not collective."

/* clang-format off */
const row_method comm_send_rows[] = {
    {"Send", "Send" SEND_SIGNATURE "Send a buffer." LOCAL, send_buffer, "MPI_Send",
     {.send = {MPI_Send, LARGE(MPI_Send)}}, BLOCKING, 0},
    {"Bsend", "Bsend" SEND_SIGNATURE "Send from the attached buffer." LOCAL, send_buffer, "MPI_Bsend",
     {.send = {MPI_Bsend, LARGE(MPI_Bsend)}}, BLOCKING, 0},
    {"Ssend", "Ssend" SEND_SIGNATURE "Send; done when the receiver has begun to receive." LOCAL,
     send_buffer, "MPI_Ssend", {.send = {MPI_Ssend, LARGE(MPI_Ssend)}}, BLOCKING, 0},
    {"Rsend", "Rsend" SEND_SIGNATURE "Send to a receiver that waits already." LOCAL, send_buffer,
     "MPI_Rsend", {.send = {MPI_Rsend, LARGE(MPI_Rsend)}}, BLOCKING, 0},
    {"Isend", "Isend" SEND_SIGNATURE "Begin to send; returns a Request." LOCAL, send_buffer,
     "MPI_Isend", {.isend = {MPI_Isend, LARGE(MPI_Isend)}}, TYPE_Request, 0},
    {"Ibsend", "Ibsend" SEND_SIGNATURE "Begin to send from the attached buffer." LOCAL, send_buffer,
     "MPI_Ibsend", {.isend = {MPI_Ibsend, LARGE(MPI_Ibsend)}}, TYPE_Request, 0},
    {"Issend", "Issend" SEND_SIGNATURE "Begin to send, synchronously." LOCAL, send_buffer,
     "MPI_Issend", {.isend = {MPI_Issend, LARGE(MPI_Issend)}}, TYPE_Request, 0},
    {"Irsend", "Irsend" SEND_SIGNATURE "Begin to send to a receiver that waits." LOCAL, send_buffer,
     "MPI_Irsend", {.isend = {MPI_Irsend, LARGE(MPI_Irsend)}}, TYPE_Request, 0},
    {"Send_init", "Send_init" SEND_SIGNATURE "Prepare to send many times." LOCAL, send_buffer,
     "MPI_Send_init", {.isend = {MPI_Send_init, LARGE(MPI_Send_init)}}, TYPE_Prequest, 0},
    {"Bsend_init", "Bsend_init" SEND_SIGNATURE "Prepare to send from the attached buffer." LOCAL,
     send_buffer, "MPI_Bsend_init", {.isend = {MPI_Bsend_init, LARGE(MPI_Bsend_init)}}, TYPE_Prequest, 0},
    {"Ssend_init", "Ssend_init" SEND_SIGNATURE "Prepare to send synchronously." LOCAL, send_buffer,
     "MPI_Ssend_init", {.isend = {MPI_Ssend_init, LARGE(MPI_Ssend_init)}}, TYPE_Prequest, 0},
    {"Rsend_init", "Rsend_init" SEND_SIGNATURE "Prepare to send to a receiver that waits." LOCAL,
     send_buffer, "MPI_Rsend_init", {.isend = {MPI_Rsend_init, LARGE(MPI_Rsend_init)}}, TYPE_Prequest, 0},
    {"Recv", "Recv" RECV_SIGNATURE ", status=None)\n--\n\nReceive into a buffer." LOCAL, recv_buffer,
     "MPI_Recv", {NULL}, BLOCKING, 0},
    {"Irecv", "Irecv" RECV_SIGNATURE ")\n--\n\nBegin to receive; returns a Request." LOCAL,
     recv_buffer, "MPI_Irecv", {.recv = {MPI_Irecv, LARGE(MPI_Irecv)}}, TYPE_Request, 0},
    {"Recv_init", "Recv_init" RECV_SIGNATURE ")\n--\n\nPrepare to receive many times." LOCAL,
     recv_buffer, "MPI_Recv_init", {.recv = {MPI_Recv_init, LARGE(MPI_Recv_init)}}, TYPE_Prequest, 0},
    {"Sendrecv",
     "Sendrecv($self, /, sendbuf, dest, sendtag=0, recvbuf=None, source=..., recvtag=..., "
     "status=None)\n--\n\nSend one buffer and receive into another." LOCAL,
     exchange, "MPI_Sendrecv", {NULL}, BLOCKING, 0},
    {"Sendrecv_replace",
     "Sendrecv_replace($self, /, buf, dest, sendtag=0, source=..., recvtag=..., status=None)\n--\n\n"
     "Send a buffer and receive into the same." LOCAL,
     exchange_replace, "MPI_Sendrecv_replace", {NULL}, BLOCKING, 0},
    {"Isendrecv",
     "Isendrecv($self, /, sendbuf, dest, sendtag=0, recvbuf=None, source=..., recvtag=...)\n--\n\n"
     "Begin to send one buffer and receive into another; returns a Request. MPI 4." LOCAL,
     exchange, "MPI_Isendrecv", {NULL}, TYPE_Request, 0},
    {"Isendrecv_replace",
     "Isendrecv_replace($self, /, buf, dest, sendtag=0, source=..., recvtag=...)\n--\n\n"
     "Begin to send a buffer and receive into the same; returns a Request. MPI 4." LOCAL,
     exchange_replace, "MPI_Isendrecv_replace", {NULL}, TYPE_Request, 0},
    {"Probe", "Probe" PROBE_SIGNATURE "Wait for a message." LOCAL, probe, "MPI_Probe", {NULL}, 1, 0},
    {"Iprobe", "Iprobe" PROBE_SIGNATURE "Whether there is a message." LOCAL, probe, "MPI_Iprobe",
     {NULL}, 0, 0},
    {"Mprobe", "Mprobe" PROBE_SIGNATURE "Wait for a message and take it out." LOCAL, probe_matched,
     "MPI_Mprobe", {NULL}, 1, 0},
    {"Improbe", "Improbe" PROBE_SIGNATURE "Take a message out if there is one." LOCAL,
     probe_matched, "MPI_Improbe", {NULL}, 0, 0},
    {"probe", "probe" PROBE_SIGNATURE "Wait for an object." LOCAL, probe, "MPI_Probe", {NULL}, 1, 0},
    {"iprobe", "iprobe" PROBE_SIGNATURE "Whether there is an object." LOCAL, probe, "MPI_Iprobe",
     {NULL}, 0, 0},
    {"mprobe", "mprobe" PROBE_SIGNATURE "Wait for an object and take it out." LOCAL, probe_matched,
     "MPI_Mprobe", {NULL}, 1, 0},
    {"improbe", "improbe" PROBE_SIGNATURE "Take an object out if there is one." LOCAL,
     probe_matched, "MPI_Improbe", {NULL}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
