/*
 * What the files of the extension share: here, and in the headers included below. Each file wraps
 * one class or does one job; a function here is defined in the file named above it.
 *
 * Failure is always -1 or NULL with a Python exception set, success 0 or an
 * object, unless said otherwise. "New" objects belong to the caller, "borrowed"
 * ones do not. Every function needs the GIL; none is collective unless said.
 */
#ifndef COLLIO_BINDINGS_H
#define COLLIO_BINDINGS_H

#include "config.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <limits.h>
#include <stdatomic.h>

#include "absent.h"
#include "collio/core.h"
#include "core/internal.h"

/* ------------------------------------------------------ module.c: the state */

enum type_slot {
    TYPE_none = -1,
#define X(slot, base, space) TYPE_##slot,
#include "types.h"
    TYPE_COUNT
};

#define X(slot, base, space) extern PyType_Spec slot##_spec;
#include "types.h"

/* Exceptions that are not Python's own, defined in error.c. */
enum exception_slot {
    EXC_MPI,        /* MPI.Exception */
    EXC_COLLECTIVE, /* collio.CollectiveError */
    EXC_TIMEOUT,    /* collio.CollectiveTimeout */
    EXC_DAMAGE,     /* collio.DamageError */
    EXC_NONE,       /* collio.NoCheckpointError */
    EXC_COUNT
};

typedef struct state {
    PyTypeObject *types[TYPE_COUNT];
    PyObject *exceptions[EXC_COUNT];
    PyObject *io;          /* dict: the names of the package collio */
    PyObject *in_place;    /* the object MPI.IN_PLACE */
    PyObject *bottom;      /* the object MPI.BOTTOM */
    PyObject *automatic;   /* the object MPI.BUFFER_AUTOMATIC */
    PyObject *sum;         /* the object MPI.SUM */
    PyObject *pickle;      /* the object MPI.pickle, serializer of the lower-case calls */
    int serializer_key;    /* names the attribute of communicators that have their own */
    PyObject *keyvals;     /* MPI._keyval_registry: class name -> dict of keyval -> Keyval */
    PyObject *errhandlers; /* dict: C handle of a user's error handler -> its function */
    int running;           /* MPI is initialised and not finalised */
    int finalize;          /* MPI was initialised here, so it is finalised here */
    int always_release;    /* rc.gil == "release" */
    enum { ERRORS_EXCEPTION, ERRORS_DEFAULT, ERRORS_ABORT, ERRORS_FATAL } errors; /* rc.errors */
} state;

extern struct PyModuleDef collio_module;

/* The state while there is one, as always but where somebody loads the module twice; else NULL. */
extern state *state_only;

/* The state by an object of one of our types or a subclass of a user's. */
static inline state *state_of(PyObject *self)
{
    if (state_only != NULL)
        return state_only;
    return PyModule_GetState(PyType_GetModuleByDef(Py_TYPE(self), &collio_module));
}

/* The state by a class (for class methods). */
static inline state *state_of_class(PyObject *cls)
{
    return PyModule_GetState(PyType_GetModuleByDef((PyTypeObject *)cls, &collio_module));
}

/* The state where no object is at hand. A look-up by name: not for fast paths. */
state *state_find(void);

static inline int is_a(state *st, PyObject *object, enum type_slot slot)
{
    return PyObject_TypeCheck(object, st->types[slot]);
}

/* ------------------------------------------------------------ life.c: MPI's */

extern PyMethodDef life_functions[];

/* 1 between MPI_Init and MPI_Finalize, and while a session lasts; needs neither the GIL nor a
 * state. */
int life_usable(void);

/* A session has begun (1) or ended (-1). */
void life_session(state *st, int change);

/* 1 if MPICH was started without a launcher. Some calls then start `mpiexec`, and wait for it for
 * ever if the one in PATH belongs to another MPI. */
int life_without_launcher(void);

/* Around MPI_Init: what is to be said if it ends the process: last_words.c. */
void last_words_prepare(void);
void last_words_drop(void);

/* 0 while MPI may be called; before Init and after Finalize RuntimeError. */
int life_refuse(state *st);

static inline int mpi_ready(state *st)
{
    return st->running ? 0 : life_refuse(st);
}

/* The same for what MPI 4 allows at all times: hints, texts of errors, the beginning of sessions.
 */
int life_refuse_early(state *st);

/* RuntimeError after Finalize: MPICH does not begin again. */
int life_refuse_ended(void);

static inline int mpi_ready_early(state *st)
{
    return st->running ? 0 : life_refuse_early(st);
}

/*
 * The GIL around an MPI call. gil_release() always lets go: for calls that
 * are rare or long. gil_lend() keeps it while this is the only Python thread,
 * since nobody could use it and the release costs more than a small message.
 * Threads that do not belong to Python could, if they call it: who has some
 * sets rc.gil = "release".
 */
static inline PyThreadState *gil_release(void)
{
    return PyEval_SaveThread();
}

static inline int gil_alone(void)
{
    const PyThreadState *self = PyThreadState_Get();

    return self->next == NULL && self->prev == NULL;
}

static inline PyThreadState *gil_lend(const state *st)
{
    return !st->always_release && gil_alone() ? NULL : PyEval_SaveThread();
}

static inline void gil_acquire(PyThreadState *saved)
{
    if (saved != NULL)
        PyEval_RestoreThread(saved);
}

/* ---------------------------------------------------------- error.c: errors */

int error_setup(PyObject *module, state *st);

/* Callbacks of the user's that raised and are not heard yet: see callback.c below. */
extern atomic_int callbacks_pending;

/* MPI's code for the pending exception: that of an MPI.Exception, else MPI_ERR_OTHER. */
int mpi_code_pending(void);

/* Judge the result of MPI function `call`: 0, or -1 with MPI.Exception. */
int mpi_judge(int result, const char *call);

static inline int mpi_failed(int result, const char *call)
{
    if (result == MPI_SUCCESS && !collio_fault_armed && !callbacks_pending)
        return 0;
    return mpi_judge(result, call);
}

/* NotImplementedError: the MPI library has no such function. Always NULL. */
PyObject *raise_unavailable(const char *call);

/* Raise the Python exception that stands for *err (which must hold an error).
 * Always NULL, so that a failure is one line: return raise_from(&err); */
PyObject *raise_from(const collio_error *err);

/*
 * Take the pending exception away and store it in *err (the first error
 * wins), so that a rank whose arguments could not be converted still joins
 * the collective call and brings its error. Returns the code in *err.
 */
int collect_exception(collio_error *err);

/* Note in *err the file and line of the running Python code outside collio;
 * valid while that code runs. Returns err. */
collio_error *here(collio_error *err);

/* -------------------------------------- callback.c: functions of the user that MPI calls */

/*
 * An exception cannot pass through MPI. So a callback ends with callback_leave(): what it raised
 * is kept for the thread until the MPI call returns. There mpi_failed() raises it: by itself if the
 * call succeeded, else as the cause of the MPI.Exception.
 */

/* Not 0 if an exception may be kept, or an error handler be due, in some thread. */
/* Whether a callback of this thread raised what nobody has heard yet. */
int callback_raised(void);

/* What callback_enter() lays aside: the interpreter's state, and the exception that was pending. */
typedef struct callback_frame {
    PyGILState_STATE held;
    PyObject *type, *value, *trace;
} callback_frame;

/* Take the interpreter; 0 if it is gone (MPI_Finalize at the end of the process may call back). */
int callback_enter(callback_frame *c);

/* Keep the exception that is pending, if any, and let the interpreter go. */
void callback_leave(callback_frame *c);

/* Keep the exception that is pending, if any. */
void callback_keep(void);

/* -1 with the kept exception of this thread pending, or 0 if there is none. */
int callback_raise(void);

/* Make the kept exception of this thread the cause of the pending one. */
void callback_explain(void);

/* Print the kept exception of this thread, where none can be raised. */
void callback_report(PyObject *object);

/* errhandler.c: call the error handlers that are due in this thread. What they raise is kept. */
void errors_handle(void);

/* -------------------------------------------------------- keyval.c: attributes */

/* Make the registry of keyvals. */
int keyval_setup(PyObject *module, state *st);

#include "args.h"
#include "handle.h"
#include "array.h"
#include "spec.h"

/* ------------------------------------------------- status.c, request.c, matched.c */

typedef struct status_object {
    PyObject_HEAD
    MPI_Status mpi;
    PyObject *weakrefs;
} status_object;

/* Where MPI is to store a status; NULL and None: nowhere. */
int status_given(state *st, PyObject *object, MPI_Status **out);

static inline int status_arg(state *st, PyObject *object, MPI_Status **out)
{
    if (object != Py_None)
        return status_given(st, object, out);
    *out = MPI_STATUS_IGNORE;
    return 0;
}

/* A request that keeps its buffers alive until done. `keep` may be NULL. On
 * failure the request is cancelled or waited for. New. */
PyObject *request_make(state *st, enum type_slot slot, MPI_Request mpi, PyObject *keep);

/* What goes on with a request whose object dies: MPI still uses the buffers. */
void request_abandon(handle *self);

/* A copy of a request takes over its duties: buffers, the object to come, the care
 * for what is not done when it dies. */
void request_hand_over(handle *from, handle *to);

/* And gives them back when it dies before the other one. */
void request_hand_back(handle *self);

/* TypeError, and -1, where a request of another class stands for one of class `wanted`. */
int request_class_refuse(state *st, PyTypeObject *wanted, const handle *given);

/* A request for an object that has not been matched yet. New. */
PyObject *request_receive(state *st, MPI_Comm comm, int source, int tag);

/* Let a persistent receive, which was just made (stolen; may be NULL), wait its turn where it must.
 * The request; NULL with an exception. */
PyObject *request_prepare(PyObject *request, const message *m, MPI_Comm comm, int source, int tag);

/* Whether an object is to be received that may take a message of that source and tag: MPI, which
 * knows nothing of it, must not be asked for the message then. And a request for a buffer that is
 * matched after those. New. */
int request_overlaps(MPI_Comm comm, int source, int tag);
PyObject *request_defer(state *st, const message *m, MPI_Comm comm, int source, int tag);

/* An operation that nobody waits for; `keep` (borrowed, not NULL) lives until it is done. Whether
 * there are few enough of them for one more that could be waited for. At the end, give those that
 * are left a few seconds: MPI must not end before them. */
void request_leave(MPI_Request mpi, PyObject *keep);
int request_may_leave(void);
void requests_settle(void);

/* Whether objects are to be received by requests that are not matched yet. */
int request_receiving(void);

/* spare.c: memory, set to zero, that is rather there than other memory: without it a rank could not
 * take part in a collective call. NULL if it is not, without an exception. */
void *spare_calloc(size_t n, size_t size);
void spare_free(void *place);

/* turn.c: find a message while there are such, of which none asked for it before. `taken` (NULL:
 * it is left there) is where it goes. 1, 0 if there is none and nobody waits, -1. */
typedef struct turn {
    const char *name; /* of the MPI call, for errors */
    MPI_Comm comm;
    int source, tag;
} turn;
int turn_find(const turn *t, int wait, MPI_Message *taken, MPI_Status *status);

/* Receive a buffer so. And send one, from a copy: nobody has to wait for it. 0, -1. */
int turn_recv(const state *st, const turn *t, const message *m, int large, MPI_Status *status);
int turn_send(const message *m, int dest, int tag, MPI_Comm comm);

/* Copy what MPI told of a message; it leaves the error as it is. */
static inline void status_copy(MPI_Status *to, MPI_Status *from)
{
    if (to == MPI_STATUS_IGNORE)
        return;
    from->MPI_ERROR = to->MPI_ERROR;
    *to = *from;
}

/* Wait for a request of request_receive(); its object. New. */
PyObject *request_object(PyObject *request, MPI_Status *status);

/* Wait for an MPI request that is not the user's, as Request.Wait does. */
int request_finish(MPI_Request *request, MPI_Status *status);

/* Take a message out, waiting for it or not; None if there is none. New. */
PyObject *matched_probe(state *st, PyTypeObject *type, MPI_Comm comm, int source, int tag, int wait,
                        MPI_Status *status);

/* ----------------------------------------------- pickle.c: objects (and parcel.h) */

/* By a Pickle: an object as bytes, large buffers appended to a list (NULL: all in the bytes); and
 * back. New. */
PyObject *pickle_dump(PyObject *serializer, PyObject *object, PyObject *buffers);
PyObject *pickle_load(PyObject *serializer, PyObject *data, PyObject *buffers);

/* Whether it takes objects apart with pickle's own functions (of protocol 5 or later, so that
 * plain.h may stand in for them), and from which size on buffers travel outside the pickle. */
int pickle_is_standard(PyObject *serializer);
Py_ssize_t pickle_threshold(PyObject *serializer);

/* dump.c: the same of an object to be sent, with arrays taken apart in a way of collio's; buffers
 * from the threshold on are appended to the list. Not while dump_is_free() says no: one object at a
 * time. New. */
PyObject *dump(PyObject *object, PyObject *protocol, PyObject *buffers, Py_ssize_t threshold);
int dump_is_free(void);
extern PyMethodDef dump_functions[];

/* serializer.c: the Pickle of a communicator, its own or MPI.pickle. Borrowed. */
PyObject *serializer_of(const state *st, MPI_Comm comm);
PyObject *serializer_get(PyObject *self, void *none);
int serializer_set(PyObject *self, PyObject *value, void *none);

/* ------------------------------------------------------ comm.c and neighbours */

extern PyMethodDef comm_methods[], comm_make_methods[], comm_fault_methods[],
    intracomm_cart_methods[], intracomm_graph_methods[], intracomm_make_methods[],
    intracomm_inter_methods[];
extern const row_method handle_rows[], status_rows[], datatype_rows[], group_rows[], info_rows[],
    prequest_rows[], pickle_rows[], request_many_rows[], matched_rows[], comm_rows[],
    comm_send_rows[], comm_object_rows[], comm_collect_rows[], intracomm_collect_rows[],
    comm_bcast_rows[], comm_gather_rows[], intracomm_gather_rows[], cart_rows[],
    topocomm_collect_rows[], topocomm_gather_rows[], graph_rows[], comm_make_rows[],
    comm_fault_rows[];
extern const row_method comm_errhandler_rows[], file_errhandler_rows[], win_errhandler_rows[];
extern const row_method session_errhandler_rows[], session_rows[], session_buffer_rows[],
    group_session_rows[], comm_buffer_rows[], comm_partitioned_rows[], prequest_partitioned_rows[],
    grequest_rows[];
extern PyMethodDef attach_functions[], errcode_functions[];
extern const row_method comm_keyval_rows[], datatype_keyval_rows[], win_keyval_rows[];
extern PyMethodDef datatype_decode_methods[], datatype_pack_methods[], typecode_methods[],
    datatype_functions[], handle_functions[], info_env_methods[], about_functions[];
extern const row_method datatype_new_rows[], datatype_decode_rows[], typecode_rows[];

/* Wrap a communicator by its kind (Intracomm, Cartcomm ...): a new one, which gets the error
 * handler of rc.errors; or one that exists, which keeps its own. New. */
PyObject *comm_wrap(state *st, MPI_Comm comm);
PyObject *comm_object(state *st, MPI_Comm comm);

/* The same; COMM_NULL becomes an object of that class. New. */
PyObject *comm_wrap_as(state *st, enum type_slot slot, MPI_Comm comm);

/* 0 if objects of class `wanted` may stand for this communicator, else TypeError. */
int comm_class_refuse(state *st, PyTypeObject *wanted, MPI_Comm comm);

/* dynamic.c, ports.c */
extern PyMethodDef comm_dynamic_methods[], intracomm_dynamic_methods[], port_functions[];
extern const row_method comm_dynamic_rows[], intracomm_dynamic_rows[];

/* comm_make.c: for properties. */
PyObject *comm_Get_info(PyObject *self, PyObject *none);
int comm_set_info(PyObject *self, PyObject *value, void *none);

/* foreign.c: a communicator of collio or of mpi4py (by its address, checked to
 * be of the same MPI library); None: MPI_COMM_WORLD. Errors: TypeError, ValueError. */
int comm_from_object(PyObject *object, MPI_Comm *out);

/* The same as a module function: an object for what comm_from_object() takes. New. */
PyObject *foreign_adopt(PyObject *module, PyObject *object);

/* doctor.c */
extern PyMethodDef doctor_functions[];

/* datarep.c: a module function */
PyObject *register_datarep(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords);

/* special.c, buffer.c */
int special_setup(PyObject *module, state *st);
int buffer_setup(PyObject *module, state *st);

/* An MPI.buffer of memory that belongs to `keep` (NULL: nobody looks after it). New. */
PyObject *buffer_at(state *st, void *address, Py_ssize_t nbytes, int readonly, PyObject *keep);

/* Let a buffer go of its memory, which is about to vanish, unless it is in use. */
void buffer_retire(PyObject *self);

/* constants.c */
int constants_setup(PyObject *module, state *st);

/* Name of a predefined handle in MPI, NULL if it is none. */
const char *constant_name(enum handle_kind kind, any_handle mpi);

/* The predefined object of that handle, NULL with an exception. New. */
PyObject *constant_object(state *st, enum handle_kind kind, any_handle mpi);

/* For PyMethodDef rows of METH_FASTCALL functions. */
#define FAST(function) ((PyCFunction)(void (*)(void))(function))
#define FASTCALL       (METH_FASTCALL | METH_KEYWORDS)

#endif
