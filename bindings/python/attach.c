/* The memory of buffered sends: of the process, of a communicator, of a session. */
#include "bindings.h"

#include <limits.h>

#ifndef MPI_BUFFER_AUTOMATIC
#define MPI_BUFFER_AUTOMATIC NULL
#endif

/* Whose memory it is: KIND_comm, KIND_session or that of the process. */
#define PROCESS KIND_COUNT

typedef struct owner {
    state *st;
    int kind;
    any_handle mpi;
} owner;

/* What was attached: a dict, owner -> (the user's object, what holds its memory). */
static PyObject *attached;

/* ---------------------------------------------------------------- MPI's functions */

#ifdef HAVE_MPI_COMM_ATTACH_BUFFER
#define OF_OWNER(o, verb, ...)                                                                     \
    ((o)->kind == KIND_comm      ? MPI_Comm_##verb##_buffer((o)->mpi.comm, __VA_ARGS__)            \
     : (o)->kind == KIND_session ? MPI_Session_##verb##_buffer((o)->mpi.session, __VA_ARGS__)      \
                                 : MPI_Buffer_##verb(__VA_ARGS__))

static int mpi_attach(const owner *o, void *data, int size)
{
    return OF_OWNER(o, attach, data, size);
}

static int mpi_detach(const owner *o, void **data, int *size)
{
    return OF_OWNER(o, detach, data, size);
}

static int mpi_flush(const owner *o)
{
    return o->kind == KIND_comm      ? MPI_Comm_flush_buffer(o->mpi.comm)
           : o->kind == KIND_session ? MPI_Session_flush_buffer(o->mpi.session)
                                     : MPI_Buffer_flush();
}

static int mpi_iflush(const owner *o, MPI_Request *request)
{
    return OF_OWNER(o, iflush, request);
}
#else
static int mpi_attach(const owner *Py_UNUSED(o), void *data, int size)
{
    return MPI_Buffer_attach(data, size);
}

static int mpi_detach(const owner *Py_UNUSED(o), void **data, int *size)
{
    return MPI_Buffer_detach(data, size);
}

static int mpi_flush(const owner *Py_UNUSED(o))
{
    return MPI_ERR_UNSUPPORTED_OPERATION;
}

static int mpi_iflush(const owner *Py_UNUSED(o), MPI_Request *Py_UNUSED(request))
{
    return MPI_ERR_UNSUPPORTED_OPERATION;
}
#endif

/* All but attaching to the process, and detaching, came with MPI 4.1. */
static int owner_ready(const owner *o, int flushes)
{
    if (mpi_ready(o->st) < 0)
        return -1;
#ifndef HAVE_MPI_COMM_ATTACH_BUFFER
    if (o->kind != PROCESS || flushes) {
        raise_unavailable(flushes ? "MPI_Buffer_flush" : "MPI_Comm_attach_buffer");
        return -1;
    }
#endif
    (void)flushes;
    return 0;
}

/* ------------------------------------------------------------------- what is kept */

static PyObject *owner_key(const owner *o)
{
    return Py_BuildValue("(in)", o->kind, (Py_ssize_t)o->mpi.bits);
}

static int keep(const owner *o, PyObject *object, PyObject *memory)
{
    PyObject *key = owner_key(o), *value = Py_BuildValue("(OO)", object, memory);
    int result = -1;

    if (attached == NULL)
        attached = PyDict_New();
    if (key != NULL && value != NULL && attached != NULL)
        result = PyDict_SetItem(attached, key, value);
    Py_XDECREF(value);
    Py_XDECREF(key);
    return result;
}

/* The user's object for memory that MPI has let go of. New. */
static PyObject *give_back(const owner *o, void *data, int size)
{
    PyObject *key = owner_key(o), *value = NULL, *object;

    if (key != NULL && attached != NULL)
        value = Py_XNewRef(PyDict_GetItem(attached, key));
    if (value != NULL)
        PyDict_DelItem(attached, key);
    Py_XDECREF(key);
    if (value != NULL)
        object = Py_NewRef(PyTuple_GET_ITEM(value, 0));
    else if (data == (void *)MPI_BUFFER_AUTOMATIC)
        object = Py_NewRef(o->st->automatic);
    else
        object = buffer_at(o->st, data, size, 0, NULL);
    Py_XDECREF(value);
    return object;
}

/* ------------------------------------------------------------------------ the calls */

static PyObject *attach(const owner *o, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"buf", arg_object, 0}, {NULL, NULL, 0}};
    Py_ssize_t nbytes = 0;
    PyObject *buf;
    message m;
    int failed = 0;

    if (owner_ready(o, 0) < 0 || args_parse("Attach_buffer", rows, &buf, args, nargs, keywords) < 0)
        return NULL;
    message_init(&m);
    if (buf == Py_None || buf == o->st->automatic)
        m.data = (void *)MPI_BUFFER_AUTOMATIC;
    else
        failed = message_memory(buf, 1, &m, &nbytes);
    if (!failed && nbytes > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "the buffer exceeds 2147483647 bytes");
        failed = -1;
    }
    if (!failed)
        failed = mpi_failed(mpi_attach(o, m.data, (int)nbytes), "MPI_Buffer_attach");
    if (!failed && m.keep != NULL)
        failed = keep(o, buf, m.keep);
    message_release(&m);
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *detach(const owner *o)
{
    PyThreadState *saved;
    void *data = NULL;
    int size = 0, code;

    if (owner_ready(o, 0) < 0)
        return NULL;
    saved = gil_release();
    code = mpi_detach(o, &data, &size);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Buffer_detach") < 0 ? NULL : give_back(o, data, size);
}

static PyObject *flush(const owner *o)
{
    PyThreadState *saved;
    int code;

    if (owner_ready(o, 1) < 0)
        return NULL;
    saved = gil_release();
    code = mpi_flush(o);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Buffer_flush") < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *iflush(const owner *o)
{
    MPI_Request request = MPI_REQUEST_NULL;

    if (owner_ready(o, 1) < 0 || mpi_failed(mpi_iflush(o, &request), "MPI_Buffer_iflush") < 0)
        return NULL;
    return request_make(o->st, TYPE_Request, request, NULL);
}

/* --------------------------------------------------------------- as methods, as functions */

static owner owner_of(PyObject *self, const row_method *row)
{
    return (owner){state_of(self), row->mode, ((handle *)self)->mpi};
}

static owner process(PyObject *module)
{
    return (owner){PyModule_GetState(module), PROCESS, {.bits = 0}};
}

static PyObject *method_attach(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords)
{
    owner o = owner_of(self, row);

    return attach(&o, args, nargs, keywords);
}

/* The three without arguments. */
static PyObject *method_plain(PyObject *self, const row_method *row, PyObject *const *args,
                              Py_ssize_t nargs, PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};
    owner o = owner_of(self, row);

    if (args_parse(row->name, none, NULL, args, nargs, keywords) < 0)
        return NULL;
    return row->call.of_owner(&o);
}

static PyObject *module_attach(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    owner o = process(module);

    return attach(&o, args, nargs, keywords);
}

static PyObject *module_detach(PyObject *module, PyObject *Py_UNUSED(none))
{
    owner o = process(module);

    return detach(&o);
}

static PyObject *module_flush(PyObject *module, PyObject *Py_UNUSED(none))
{
    owner o = process(module);

    return flush(&o);
}

static PyObject *module_iflush(PyObject *module, PyObject *Py_UNUSED(none))
{
    owner o = process(module);

    return iflush(&o);
}

#define ATTACH                                                                                     \
    ", /, buf)\n--\n\nMemory for buffered sends, which need BSEND_OVERHEAD bytes more for each "   \
    "message; None: MPI provides it (MPI 4.1). Not collective."
#define DETACH ", /)\n--\n\nWait for buffered messages and take the memory back. Not collective."
#define FLUSH  ", /)\n--\n\nWait for buffered messages (MPI 4.1). Not collective."
#define IFLUSH ", /)\n--\n\nBegin to wait for buffered messages (MPI 4.1). Not collective."

/* clang-format off */
#define ROWS(field) { \
    {"Attach_buffer", "Attach_buffer($self" ATTACH, method_attach, "", {NULL}, KIND_##field, 0}, \
    {"Detach_buffer", "Detach_buffer($self" DETACH, method_plain, "", {.of_owner = detach}, KIND_##field, 0}, \
    {"Flush_buffer", "Flush_buffer($self" FLUSH, method_plain, "", {.of_owner = flush}, KIND_##field, 0}, \
    {"Iflush_buffer", "Iflush_buffer($self" IFLUSH, method_plain, "", {.of_owner = iflush}, KIND_##field, 0}, \
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0}, \
}
/* clang-format on */

const row_method comm_buffer_rows[] = ROWS(comm), session_buffer_rows[] = ROWS(session);

PyMethodDef attach_functions[] = {
    {"Attach_buffer", FAST(module_attach), FASTCALL, "Attach_buffer($module" ATTACH},
    {"Detach_buffer", module_detach, METH_NOARGS, "Detach_buffer($module" DETACH},
    {"Flush_buffer", module_flush, METH_NOARGS, "Flush_buffer($module" FLUSH},
    {"Iflush_buffer", module_iflush, METH_NOARGS, "Iflush_buffer($module" IFLUSH},
    {NULL, NULL, 0, NULL},
};
