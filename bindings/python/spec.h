/*
 * Messages out of buffer specifications such as [data, count, type] (message.c and its
 * neighbours, which share message.h). Included by bindings.h.
 */
#ifndef COLLIO_BINDINGS_SPEC_H
#define COLLIO_BINDINGS_SPEC_H

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

static inline void message_release(message *m)
{
    Py_CLEAR(m->keep);
    Py_CLEAR(m->lists);
    if (m->own_type)
        MPI_Type_free(&m->type);
    m->own_type = 0;
}

/*
 * A buffer: array; [data, count], [data, type], [data, count, type],
 * [data, (count, displ), type]; data None or MPI.BOTTOM; type by name.
 *   blocks    in  the data are that many equal parts, `count` is of one; 1: all
 *   writable  in  refuse read-only memory
 * A count beyond INT_MAX is an OverflowError; message_from_large() takes it.
 */
int message_from(state *st, PyObject *spec, int writable, int blocks, message *m);
int message_from_large(state *st, PyObject *spec, int writable, int blocks, message *m);

/* The buffer of a message to or from `rank`; anything will do for PROC_NULL, as in mpi4py. */
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

#endif
