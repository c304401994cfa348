/*
 * What the files of the extension share: arguments of calls (args.c), and methods made from rows
 * of a table (method.c). Included by bindings.h.
 */
#ifndef COLLIO_BINDINGS_ARGS_H
#define COLLIO_BINDINGS_ARGS_H

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

/* Converters; out is named in brackets. Objects are borrowed. Numbers may be of any kind that
 * int() takes, as in mpi4py: what is behind the point is cut off. */
int arg_object(PyObject *object, void *out); /* PyObject * */
int arg_int(PyObject *object, void *out);    /* int */
int arg_int64(PyObject *object, void *out);  /* int64_t */
int arg_size(PyObject *object, void *out);   /* Py_ssize_t */

/* The same for integers alone: in lists, and for files. */
int index_int(PyObject *object, void *out);
int index_int64(PyObject *object, void *out);
int index_size(PyObject *object, void *out);

int arg_bool(PyObject *object, void *out);   /* int */
int arg_double(PyObject *object, void *out); /* double */
int arg_text(PyObject *object, void *out);   /* const char *, UTF-8, lives with the object */
int arg_string(PyObject *object, void *out); /* so, of str or bytes, for MPI: no zeros in it */
int layout_of(PyObject *object, int *out);   /* enum collio_layout; NULL: shared. h5options.c */
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

#endif
