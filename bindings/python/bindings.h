/*
 * What the files of the extension share. Each file but this one wraps one
 * class or does one job; a function here is defined in the file named above it.
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

/* 1 between MPI_Init and MPI_Finalize; needs neither the GIL nor a state. */
int life_usable(void);

/* 1 if MPICH was started without a launcher. Some calls then start `mpiexec`, and wait for it for
 * ever if the one in PATH belongs to another MPI. */
int life_without_launcher(void);

/* 0 while MPI may be called; before Init and after Finalize RuntimeError. */
int life_refuse(state *st);

static inline int mpi_ready(state *st)
{
    return st->running ? 0 : life_refuse(st);
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

/* ------------------------------------------------------ args.c: parse calls */

/*
 * One row a parameter; the list ends with an empty name.
 *   name     required; "|name" optional; "$name" optional and by keyword only
 *   convert  stores the argument; 0, or -1 with an exception
 *   offset   where: offsetof(the caller's struct, field)
 */
typedef struct param {
    const char *name;
    int (*convert)(PyObject *object, void *out);
    size_t offset;
} param;

/*
 * Parse a METH_FASTCALL | METH_KEYWORDS call.
 *   function  in   for messages
 *   rows      in
 *   out       out  struct with the defaults already in it
 */
int args_parse(const char *function, const param *rows, void *out, PyObject *const *args,
               Py_ssize_t nargs, PyObject *keywords);

/* The same for a tuple and a dictionary (tp_new, tp_init). */
int args_parse_tuple(const char *function, const param *rows, void *out, PyObject *args,
                     PyObject *keywords);

/* Converters; out is named in brackets. Objects are borrowed. */
int arg_object(PyObject *object, void *out); /* PyObject * */
int arg_int(PyObject *object, void *out);    /* int */
int arg_int64(PyObject *object, void *out);  /* int64_t */
int arg_size(PyObject *object, void *out);   /* Py_ssize_t */
int arg_bool(PyObject *object, void *out);   /* int */
int arg_double(PyObject *object, void *out); /* double */
int arg_text(PyObject *object, void *out);   /* const char *, UTF-8, lives with the object */
int layout_of(PyObject *object, int *out);   /* enum collio_layout; NULL: shared. h5open.c */
int arg_name(PyObject *object, void *out);   /* the same from a str or bytes */

/* A plain int of one of Python's digits (30 bits), as most are; and its value. */
static inline int int_is_small(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyLong_CheckExact(object) && PyUnstable_Long_IsCompact((PyLongObject *)object);
#else
    return PyLong_CheckExact(object) && Py_SIZE(object) >= -1 && Py_SIZE(object) <= 1;
#endif
}

static inline int int_small(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    return (int)PyUnstable_Long_CompactValue((PyLongObject *)object);
#else
    return (int)Py_SIZE(object) * (int)((PyLongObject *)object)->ob_digit[0];
#endif
}

/* A number rather than a list of them (an array claims to be both). */
int is_integer(PyObject *object);

/*
 * A sequence of integers as a C array. *out: PyMem_Malloc'ed (never NULL on
 * success), free with PyMem_Free. Returns its length or -1.
 */
int ints_from(PyObject *sequence, int **out);
PyObject *ints_to_list(const int *values, int n); /* new */

/* TypeError "<what> must be <wanted>, not <type of got>". Always NULL. */
PyObject *raise_type(const char *what, const char *wanted, PyObject *got);

/* ----------------------------------------------- method.c: methods from rows */

struct operation;   /* collect.h */
struct constructor; /* datatype_new.c */

struct rma;   /* win_move.c */
struct owner; /* attach.c */

/* An MPI function, by the shape of its arguments. */
typedef union mpi_call {
    const struct operation *collective;
    const struct constructor *constructor;
    struct {
        int (*plain)(const void *, int, MPI_Datatype, int, int, MPI_Comm);
        int (*large)(const void *, MPI_Count, MPI_Datatype, int, int, MPI_Comm);
    } send;
    struct {
        int (*plain)(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
        int (*large)(const void *, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
    } isend;
    struct {
        int (*plain)(void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
        int (*large)(void *, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
    } recv;
    int (*rma)(struct rma *);
    PyObject *(*of_owner)(const struct owner *);
    int (*win)(MPI_Win);
    int (*win_number)(int, MPI_Win);
    int (*win_group)(MPI_Group, int, MPI_Win);
    int (*group_pair)(MPI_Group, MPI_Group, MPI_Group *);
    PyObject *(*one)(PyObject *self, PyObject *argument);
    PyObject *(*none)(PyObject *self, PyObject *null);
} mpi_call;

/* Methods that share one body: each is a row that names what is its own. */
typedef struct row_method row_method;
typedef PyObject *row_function(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords);
struct row_method {
    const char *name;
    const char *doc; /* first line: the text signature, as in a PyMethodDef */
    row_function *body;
    const char *mpi_name; /* for error texts */
    mpi_call call;
    int mode;     /* what else distinguishes the row, if anything */
    int of_class; /* a class method: self is the class */
};

/* The body of methods with one argument: row->mpi_name is the parameter's name. */
row_function method_one;

/* The body of methods without arguments, of which programs call many on objects of a subclass: the
 * interpreter's own descriptors are slow there. */
row_function method_none;

/* The getter of an attribute that is a question asked without arguments: the
 * closure is the method that answers it. */
PyObject *ask(PyObject *self, void *method);

/* Add to a type the methods of a list that ends with a NULL name. */
int methods_add(PyTypeObject *type, PyMethodDef *methods);
int rows_add(state *st, PyTypeObject *type, const row_method *rows);

/* Then, when all methods are there, those of communicators that programs call most once more in
 * each class. */
int common_add(state *st);

/* ------------------------------------------------- handle.c: the MPI handles */

/* X(field, class, prefix of MPI's functions, null handle) */
#define HANDLE_KINDS                                                                               \
    X(comm, Comm, MPI_Comm, MPI_COMM_NULL)                                                         \
    X(group, Group, MPI_Group, MPI_GROUP_NULL)                                                     \
    X(info, Info, MPI_Info, MPI_INFO_NULL)                                                         \
    X(op, Op, MPI_Op, MPI_OP_NULL)                                                                 \
    X(datatype, Datatype, MPI_Type, MPI_DATATYPE_NULL)                                             \
    X(request, Request, MPI_Request, MPI_REQUEST_NULL)                                             \
    X(message, Message, MPI_Message, MPI_MESSAGE_NULL)                                             \
    X(file, File, MPI_File, MPI_FILE_NULL)                                                         \
    X(errhandler, Errhandler, MPI_Errhandler, MPI_ERRHANDLER_NULL)                                 \
    X(win, Win, MPI_Win, MPI_WIN_NULL)                                                             \
    X(session, Session, MPI_Session, MPI_SESSION_NULL)

enum handle_kind {
#define X(field, class, prefix, null) KIND_##field,
    HANDLE_KINDS
#undef X
        KIND_COUNT
};

typedef union any_handle {
    MPI_Comm comm;
    MPI_Group group;
    MPI_Info info;
    MPI_Op op;
    MPI_Datatype datatype;
    MPI_Request request;
    MPI_Message message;
    MPI_File file;
    MPI_Errhandler errhandler;
    MPI_Win win;
    MPI_Session session;
    intptr_t bits; /* all of it, for comparison; 0 before a smaller one is stored */
} any_handle;

/* The layout of all classes named above. */
typedef struct handle {
    PyObject_HEAD
    any_handle mpi;
    const char *constant;    /* name in MPI if predefined: shared, never freed */
    PyObject *keep;          /* what must live as long: a request's buffers, an op's function */
    struct receipt *receipt; /* of a request for an object: see request.c */
    PyObject *weakrefs;
    Py_ssize_t size;     /* of a message: its bytes; of a window: views of its memory */
    MPI_Comm comm;       /* of a message: where it came */
    unsigned char kind;  /* enum handle_kind */
    unsigned char owned; /* a local handle made here: freed with the object */
} handle;

/* An object of that type around a handle; on failure the handle is not freed. New. */
PyObject *handle_make(PyTypeObject *type, enum handle_kind kind, any_handle mpi);

/* tp_dealloc of the classes, for those whose objects come and go often: inherited it is slower. */
void handle_dealloc(PyObject *object);

/* With the bytes that a short handle leaves unused set to zero. */
any_handle handle_clean(enum handle_kind kind, any_handle mpi);

/* The kind of a class: that of the class of ours it derives from; -1 with TypeError. */
int handle_kind_of(state *st, PyTypeObject *type);

/* handle_convert.c */
extern PyMethodDef handle_methods[];
extern PyGetSetDef handle_getset[];

/* The null handle of a kind. */
any_handle handle_null(enum handle_kind kind);

/* ---- leaks.c: handles that all ranks free together, when rc.report_leaks asks for them */
int leaks_watch(int on);
PyObject *leaks_note(PyObject *object); /* one just made, or NULL; returns it */
void leaks_forget(enum handle_kind kind, any_handle mpi);
extern PyMethodDef leaks_functions[];

/* As handle_make, for a local handle that is to be freed with the object. New. */
PyObject *handle_own(PyTypeObject *type, enum handle_kind kind, any_handle mpi);

/* After a handle was freed through one of its objects: its owner is not to free
 * it again. */
void handle_freed(handle *self);

/* handle_convert.c: what has methods of its own for pickle. New. */
PyObject *datatype_reduce(PyObject *self);
PyObject *info_reduce(PyObject *self);
PyObject *op_reduce(PyObject *self);

/* Handles out of arguments: 0, or TypeError naming the argument. */
int comm_arg(state *st, PyObject *object, MPI_Comm *out);
int info_arg(state *st, PyObject *object, MPI_Info *out); /* None and NULL: MPI_INFO_NULL */
int op_arg(state *st, PyObject *object, MPI_Op *out);     /* NULL: MPI_SUM */
int type_arg(state *st, PyObject *object, MPI_Datatype *out);
int group_arg(state *st, PyObject *object, MPI_Group *out);
int errhandler_arg(state *st, PyObject *object, MPI_Errhandler *out);

/* ------------------------------------------------------------------- win.c: windows */

/* Free the windows that are left, before MPI ends. Needs no interpreter. Collective. */
void windows_free(void);

/* ---------------------------------------------------- errhandler.c: error handlers */

/* Give a new communicator, window, file or session the error handler that rc.errors asks for. */
void errors_install(const state *st, enum handle_kind kind, any_handle mpi);

/* ---------------------------------------- array.c: NumPy, and nothing outside */

/* An array as it lies in memory, for calls that take strided data. */
typedef struct array_view {
    PyObject *keep; /* owns the memory; array_view_release() */
    char *data;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];   /* elements */
    int64_t strides[COLLIO_MAX_DIMS]; /* bytes, may be negative */
    collio_type type;
    int writable;
    int contiguous; /* C order without gaps */
} array_view;

int array_setup(void);

/* An array for an object without the buffer protocol, by the other protocols that arrays have
 * (__dlpack__, __array_interface__); None if it has none. Memory of a device: BufferError. New. */
PyObject *array_exported(PyObject *object);

/* NumPy's binary interface, as built for and as loaded: its layout and its functions. */
void array_interface(unsigned built[2], unsigned now[2]);

/*
 * View an object as a strided array, without a copy if it is an array or has
 * the buffer protocol, else (a number, nested lists) through numpy.asarray.
 *   writable  in  refuse what cannot be written to, or would be a copy
 * Errors: TypeError, BufferError (byte order), ValueError.
 */
int array_view_from(PyObject *object, int writable, array_view *out);
void array_view_release(array_view *view);

/*
 * The same whatever the elements are: out->type is that of array_plain_type(). `object` must be
 * an array.
 */
int array_view_any(PyObject *object, int writable, array_view *out);

/* A new C-ordered array of any dtype, not initialised (objects: None). New. */
PyObject *array_new_any(PyObject *dtype, int ndim, const int64_t *shape, void **data);

/* Whether an object is a dtype. */

/* The dtype of an array; borrowed. NULL, without an exception, for other objects. */
PyObject *array_dtype_of(PyObject *object);
int array_ndim(PyObject *array);
int array_is_dtype(PyObject *object);

/* What numpy.dtype(object) makes of it. New. */
PyObject *array_dtype_like(PyObject *object);

/* A new C-ordered array, not initialised; *data is its memory. New. */
PyObject *array_new(collio_type type, int ndim, const int64_t *shape, void **data);

/* Whether an object is nothing but numbers in C order, as described here: a plain array. */
int array_is_plain(PyObject *object);

/* Type and shape of such an array, the number of words that takes; and an array made from them:
 * over memory of `owner` at *data, or (NULL) over its own, whose place is stored there. New. */
typedef int64_t array_words[1 + COLLIO_MAX_DIMS];
int array_describe(PyObject *object, array_words to);
int array_place(const char *description); /* of its data in their cache line: 0 to 63 */
PyObject *array_of(const char *description, int words, PyObject *owner, void **data);

/* A 0-d array's element as a NumPy scalar; other arrays as they are. Steals. */
PyObject *array_scalar(PyObject *array);

/* collio_type <-> anything numpy.dtype() takes. COLLIO_TYPE_COUNT: TypeError. */
PyObject *array_dtype(collio_type type); /* new */

/* The constant that is exactly this dtype (a dtype object) in memory: not another byte order, no
 * enumeration. COLLIO_TYPE_COUNT, without an exception, where there is none. */
collio_type array_plain_type(PyObject *dtype);
collio_type array_type_from(PyObject *dtype);

/* ------------------------------------------- message.c: buffer specifications */

/*
 * Data of one side of an MPI call. Lives on the C stack; message_init() first,
 * message_release() last. Vector forms have lists with one entry a block.
 */
typedef struct message {
    void *data;
    MPI_Count count;
    MPI_Datatype type;
    PyObject *keep;      /* owns the memory; locked against resizing */
    PyObject *lists;     /* owns the lists */
    void *counts;        /* MPI_Count[]; after message_narrow() int[] */
    void *displs;        /* MPI_Aint[], in elements (w form: bytes); narrow: int[]; or NULL */
    MPI_Datatype *types; /* w form */
    int own_type;        /* `type` was made here: see message_bundle() */
} message;

static inline void message_init(message *m)
{
    m->data = NULL;
    m->count = 0;
    m->type = MPI_BYTE;
    m->keep = NULL;
    m->lists = NULL;
    m->counts = m->displs = NULL;
    m->types = NULL;
    m->own_type = 0;
}

void message_release(message *m);

/*
 * A buffer: array; [data, count], [data, type], [data, count, type],
 * [data, (count, displ), type]; data None or MPI.BOTTOM; type by name.
 *   blocks    in  the data are that many equal parts, `count` is of one; 1: all
 *   writable  in  refuse read-only memory
 * A count beyond INT_MAX is an OverflowError; message_from_large() takes it.
 */
int message_from(state *st, PyObject *spec, int writable, int blocks, message *m);
int message_from_large(state *st, PyObject *spec, int writable, int blocks, message *m);

/* The buffer of a message to or from `rank`; None will do for PROC_NULL. */
int message_for(state *st, PyObject *spec, int writable, int rank, message *m);

/* The same for vector forms: [data, counts], [data, (counts, displs)],
 * [data, counts, displs, type] ... in `blocks` parts. */
int message_vector(state *st, PyObject *spec, int writable, int blocks, message *m);

/* The same with a type for each block: [data, types], [data, (counts, displs), types],
 * [data, counts, displs, types], displacements in bytes. */
int message_types(state *st, PyObject *spec, int writable, int blocks, message *m);

/* Counts alone, one for each block: of Reduce_scatter. NULL: room for them. */
int message_counts(state *st, PyObject *counts, int blocks, message *m);

/* Lists for a message of equal blocks. */
int message_spread(message *m, int blocks);

/* Whether some number does not fit in an int. */
int message_is_large(const message *m, int blocks);

/* Make the counts ints, in place; the displacements, too, if `displs`. */
void message_narrow(message *m, int blocks, int displs);

/* Replace a count beyond INT_MAX by one element of a type that has as many: where MPI has no
 * functions for large counts (they came with MPI 4). Lists cannot be: OverflowError. */
int message_bundle(message *m);

/* MPI's functions for large counts are named as the others, with _c. */
#ifdef HAVE_MPI_ALLREDUCE_C
#define LARGE(function)             function##_c
#define SIZED(large, function, ...) ((large) ? function##_c(__VA_ARGS__) : function(__VA_ARGS__))
#else
#define LARGE(function)             NULL
#define SIZED(large, function, ...) ((void)(large), function(__VA_ARGS__))
#endif

/* 1 if the count needs the function for large counts, else 0; -1. */
static inline int message_large(message *m)
{
    if (m->count <= INT_MAX)
        return 0;
#ifdef HAVE_MPI_ALLREDUCE_C
    return 1;
#else
    return message_bundle(m);
#endif
}

/* Memory and length in bytes of an array or buffer, whatever its elements. */
int message_memory(PyObject *object, int writable, message *m, Py_ssize_t *nbytes);

/* array.c: memory, length in elements and MPI type of an ndarray. 1 if it is
 * one, 0 if not, -1. */
int array_message(PyObject *object, int writable, message *m, Py_ssize_t *nitems);
/* array.c: the same, but 0 without an exception for an array that will not do. */
int array_numbers(PyObject *object, int writable, message *m, Py_ssize_t *nitems);
/* array.c: the same where the type is given otherwise: any dtype, length in bytes. */
int array_raw(PyObject *object, int writable, message *m, Py_ssize_t *nbytes);
/* Bytes of data in one element of an MPI type. */
Py_ssize_t mpi_type_size(MPI_Datatype type);
/* typecode.c: the MPI type of a code in _typedict, MPI_DATATYPE_NULL if there is none. */
MPI_Datatype typecode_find(const char *code);
int typecode_setup(PyObject *module, state *st);

/* array.c: the MPI type of such a code or a NumPy type name; MPI_DATATYPE_NULL
 * with KeyError. */
MPI_Datatype array_mpi_type(const char *name);

/* ------------------------------------------------- status.c, request.c, matched.c */

typedef struct status_object {
    PyObject_HEAD
    MPI_Status mpi;
    PyObject *weakrefs;
} status_object;

/* Where MPI is to store a status; NULL and None: nowhere. */
int status_arg(state *st, PyObject *object, MPI_Status **out);

/* A request that keeps its buffers alive until done. `keep` may be NULL. On
 * failure the request is cancelled or waited for. New. */
PyObject *request_make(state *st, enum type_slot slot, MPI_Request mpi, PyObject *keep);

/* What goes on with a request whose object dies: MPI still uses the buffers. */
void request_abandon(handle *self);

/* A copy of a request takes over its duties: buffers, the object to come, the care
 * for what is not done when it dies. */
void request_hand_over(handle *from, handle *to);

/* A request for an object that has not been matched yet. New. */
PyObject *request_receive(state *st, MPI_Comm comm, int source, int tag);

/* An operation that nobody waits for; `keep` (borrowed, not NULL) lives until it is done. Whether
 * there are few enough of them for one more that could be waited for. At the end, give those that
 * are left a few seconds: MPI must not end before them. */
void request_leave(MPI_Request mpi, PyObject *keep);
int request_may_leave(void);
void requests_settle(void);

/* Whether objects are to be received by requests that are not matched yet. */
int request_receiving(void);

/* turn.c: find a message while there are such, of which none asked for it before. `taken` (NULL:
 * it is left there) is where it goes. 1, 0 if there is none and nobody waits, -1. */
typedef struct turn {
    const char *name; /* of the MPI call, for errors */
    MPI_Comm comm;
    int source, tag;
} turn;
int turn_find(const turn *t, int wait, MPI_Message *taken, MPI_Status *status);

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
