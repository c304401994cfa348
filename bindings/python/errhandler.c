/* MPI.Errhandler, and the error handlers of communicators, windows, files and sessions. */
#include "bindings.h"

#include <string.h>

#ifdef HAVE_MPI_SESSION_INIT
#define SESSION X(session, Session, MPI_Session)
#else
#define SESSION
#endif

/* X(field of any_handle, class, prefix of MPI's functions) */
#define OWNERS X(comm, Comm, MPI_Comm) X(file, File, MPI_File) X(win, Win, MPI_Win) SESSION

/* ------------------------------------------------------- one name for MPI's functions */

static int get_handler(enum handle_kind kind, any_handle of, MPI_Errhandler *out)
{
#define X(field, class, prefix) kind == KIND_##field ? prefix##_get_errhandler(of.field, out):
    return OWNERS MPI_ERR_ARG;
#undef X
}

static int set_handler(enum handle_kind kind, any_handle of, MPI_Errhandler handler)
{
#define X(field, class, prefix) kind == KIND_##field ? prefix##_set_errhandler(of.field, handler):
    return OWNERS MPI_ERR_ARG;
#undef X
}

static int call_handler(enum handle_kind kind, any_handle of, int code)
{
#define X(field, class, prefix) kind == KIND_##field ? prefix##_call_errhandler(of.field, code):
    return OWNERS MPI_ERR_ARG;
#undef X
}

/* MPICH 4.0 ends the job by an assertion when it is given its own MPI_ERRORS_ABORT. */
static MPI_Errhandler usable(MPI_Errhandler handler)
{
#if defined MPICH_NUMVERSION && MPICH_NUMVERSION < 40100000
    return handler == MPI_ERRORS_ABORT ? MPI_ERRORS_ARE_FATAL : handler;
#else
    return handler;
#endif
}

void errors_install(const state *st, enum handle_kind kind, any_handle mpi)
{
    const MPI_Errhandler wanted[] = {[ERRORS_EXCEPTION] = MPI_ERRORS_RETURN,
                                     [ERRORS_ABORT] = MPI_ERRORS_ABORT,
                                     [ERRORS_FATAL] = MPI_ERRORS_ARE_FATAL};

    if (st->errors != ERRORS_DEFAULT && mpi.bits != handle_null(kind).bits)
        set_handler(kind, mpi, usable(wanted[st->errors]));
}

/* --------------------------------------------------------- when an error has occurred */

/*
 * MPI tells a handler which object it was called for, not which handler it is. So the functions
 * are found by the C handle of the handler that the object has. MPI gives the C handle of a freed
 * handler to a new one only when no object has it any more; then the function is replaced.
 */
static PyObject *function_of(state *st, MPI_Errhandler handler)
{
    any_handle mpi = {.bits = 0};
    PyObject *key, *function;

    mpi.errhandler = handler;
    key = PyLong_FromSsize_t(mpi.bits);
    function = key != NULL ? PyDict_GetItemWithError(st->errhandlers, key) : NULL;
    Py_XDECREF(key);
    return Py_XNewRef(function);
}

static int keep_function(state *st, MPI_Errhandler handler, PyObject *function)
{
    any_handle mpi = {.bits = 0};
    PyObject *key;
    int result;

    mpi.errhandler = handler;
    key = PyLong_FromSsize_t(mpi.bits);
    result = key != NULL ? PyDict_SetItem(st->errhandlers, key, function) : -1;
    Py_XDECREF(key);
    return result;
}

/* The object that the function is given. New. */
static PyObject *wrap(state *st, enum handle_kind kind, any_handle mpi)
{
#define X(field, class, prefix) kind == KIND_##field ? TYPE_##class:
    const enum type_slot slot = OWNERS TYPE_Handle;
#undef X

    return kind == KIND_comm ? comm_object(st, mpi.comm) : handle_make(st->types[slot], kind, mpi);
}

static void call_function(state *st, enum handle_kind kind, any_handle mpi, int code)
{
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    PyObject *function, *object = NULL, *result = NULL;

    if (get_handler(kind, mpi, &handler) != MPI_SUCCESS)
        return;
    function = function_of(st, handler);
    MPI_Errhandler_free(&handler);
    if (function != NULL)
        object = wrap(st, kind, mpi);
    if (object != NULL)
        result = PyObject_CallFunction(function, "Oi", object, code);
    Py_XDECREF(result);
    Py_XDECREF(object);
    Py_XDECREF(function);
}

/*
 * Inside its handlers MPI cannot be called in general (MPICH still holds its lock), but a user's
 * function may want to. So a handler notes the error only; the function is called by mpi_failed(),
 * when the call of MPI has returned.
 */
#define MOST_DUE 8

static _Thread_local struct due {
    enum handle_kind kind;
    any_handle mpi;
    int code;
} due[MOST_DUE];
static _Thread_local int ndue;

void errors_handle(void)
{
    state *st = ndue > 0 ? state_find() : NULL;

    while (st != NULL && ndue > 0) {
        const struct due first = due[0];

        ndue--;
        callbacks_pending--;
        memmove(&due[0], &due[1], (size_t)ndue * sizeof *due);
        call_function(st, first.kind, first.mpi, first.code);
        callback_keep();
    }
}

static void on_error(enum handle_kind kind, any_handle mpi, int code)
{
    if (ndue == MOST_DUE)
        return;
    due[ndue++] = (struct due){kind, mpi, code};
    callbacks_pending++;
}

static void on_comm_error(MPI_Comm *comm, int *code, ...)
{
    on_error(KIND_comm, (any_handle){.comm = *comm}, *code);
}

static void on_file_error(MPI_File *file, int *code, ...)
{
    on_error(KIND_file, (any_handle){.file = *file}, *code);
}

static void on_win_error(MPI_Win *win, int *code, ...)
{
    on_error(KIND_win, (any_handle){.win = *win}, *code);
}

#ifdef HAVE_MPI_SESSION_INIT
static void on_session_error(MPI_Session *session, int *code, ...)
{
    on_error(KIND_session, (any_handle){.session = *session}, *code);
}
#endif

static int create_handler(enum handle_kind kind, MPI_Errhandler *out)
{
#define X(field, class, prefix)                                                                    \
    kind == KIND_##field ? prefix##_create_errhandler(on_##field##_error, out):
    return OWNERS MPI_ERR_ARG;
#undef X
}

/* ------------------------------------------------- the methods of those that have one */

static PyObject *make(state *st, MPI_Errhandler handler)
{
    return handle_own(st->types[TYPE_Errhandler], KIND_errhandler,
                      (any_handle){.errhandler = handler});
}

/* MPI is running, and has objects of that kind. */
static int ready(state *st, const row_method *row)
{
    if (mpi_ready(st) < 0)
        return -1;
#ifndef HAVE_MPI_SESSION_INIT
    if (row->mode == KIND_session) {
        raise_unavailable(row->mpi_name);
        return -1;
    }
#endif
    (void)row;
    return 0;
}

static PyObject *create(PyObject *cls, const row_method *row, PyObject *const *args,
                        Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"errhandler_fn", arg_object, 0}, {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    PyObject *function;
    MPI_Errhandler handler;

    if (ready(st, row) < 0 || args_parse(row->name, params, &function, args, nargs, keywords) < 0)
        return NULL;
    if (!PyCallable_Check(function))
        return raise_type("errhandler_fn", "callable", function);
    if (mpi_failed(create_handler(row->mode, &handler), row->mpi_name) < 0)
        return NULL;
    if (keep_function(st, handler, function) < 0) {
        MPI_Errhandler_free(&handler);
        return NULL;
    }
    return make(st, handler);
}

static PyObject *get(PyObject *self, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};
    state *st = state_of(self);
    MPI_Errhandler handler;

    if (ready(st, row) < 0 || args_parse(row->name, none, NULL, args, nargs, keywords) < 0 ||
        mpi_failed(get_handler(row->mode, ((handle *)self)->mpi, &handler), row->mpi_name) < 0)
        return NULL;
    return make(st, handler);
}

static PyObject *set(PyObject *self, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    static const param params[] = {{"errhandler", arg_object, 0}, {NULL, NULL, 0}};
    state *st = state_of(self);
    MPI_Errhandler handler;
    PyObject *object;

    if (ready(st, row) < 0 || args_parse(row->name, params, &object, args, nargs, keywords) < 0 ||
        errhandler_arg(st, object, &handler) < 0 ||
        mpi_failed(set_handler(row->mode, ((handle *)self)->mpi, usable(handler)), row->mpi_name) <
            0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *call(PyObject *self, const row_method *row, PyObject *const *args,
                      Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"errorcode", arg_int, 0}, {NULL, NULL, 0}};
    int code;

    if (ready(state_of(self), row) < 0 ||
        args_parse(row->name, params, &code, args, nargs, keywords) < 0 ||
        mpi_failed(call_handler(row->mode, ((handle *)self)->mpi, code), row->mpi_name) < 0)
        return NULL;
    Py_RETURN_NONE;
}

#define CREATE_DOC                                                                                 \
    "Create_errhandler($type, /, errhandler_fn)\n--\n\nAn error handler from "                     \
    "errhandler_fn(object, "                                                                       \
    "errorcode). What it raises is raised by the call that failed. Not collective."
#define GET_DOC "Get_errhandler($self, /)\n--\n\nThe error handler in force. Not collective."
#define SET_DOC "Set_errhandler($self, /, errhandler)\n--\n\nSet the error handler. Not collective."
#define CALL_DOC                                                                                   \
    "Call_errhandler($self, /, errorcode)\n--\n\nCall the error handler. Not collective."

/* clang-format off */
#define X(field, class, prefix) \
    const row_method field##_errhandler_rows[] = { \
        {"Create_errhandler", CREATE_DOC, create, #prefix "_create_errhandler", {NULL}, KIND_##field, 1}, \
        {"Get_errhandler", GET_DOC, get, #prefix "_get_errhandler", {NULL}, KIND_##field, 0}, \
        {"Set_errhandler", SET_DOC, set, #prefix "_set_errhandler", {NULL}, KIND_##field, 0}, \
        {"Call_errhandler", CALL_DOC, call, #prefix "_call_errhandler", {NULL}, KIND_##field, 0}, \
        {NULL, NULL, NULL, NULL, {NULL}, 0, 0}, \
    };
OWNERS
#ifndef HAVE_MPI_SESSION_INIT
X(session, Session, MPI_Session)
#endif
#undef X
/* clang-format on */

/* ---------------------------------------------------------------------- the class */

PyDoc_STRVAR(free_doc, "Free($self, /)\n--\n\nFree the error handler; where it is in force it "
                       "stays so. Not collective.");

static PyObject *errhandler_Free(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (mpi_ready(state_of(object)) < 0)
        return NULL;
    if (self->constant != NULL && handle_null(KIND_errhandler).bits != self->mpi.bits)
        Py_RETURN_NONE; /* MPI's own are never freed */
    if (mpi_failed(MPI_Errhandler_free(&self->mpi.errhandler), "MPI_Errhandler_free") < 0)
        return NULL;
    handle_freed(self);
    Py_RETURN_NONE;
}

static PyMethodDef errhandler_methods[] = {
    {"Free", errhandler_Free, METH_NOARGS, free_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(errhandler_doc,
             "Errhandler(errhandler=None)\n--\n\nWhat is done when an error occurs.");

static PyType_Slot errhandler_slots[] = {
    {Py_tp_doc, (void *)errhandler_doc},
    {Py_tp_methods, errhandler_methods},
    {0, NULL},
};

PyType_Spec Errhandler_spec = {
    .name = "collio.MPI.Errhandler",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = errhandler_slots,
};
