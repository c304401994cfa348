/*
 * What the classes around files and checkpoints share: how a Python method
 * takes part in a collective call even when its arguments are no good, and the
 * one lock around the library.
 */
#ifndef COLLIO_JOINT_H
#define COLLIO_JOINT_H

#include "bindings.h"
#include "collio/io.h"

/* -------------------------------------------------------- joint.c: taking part */

/*
 * One collective call from Python. Once it is begun this rank does not return
 * before the call is made: an exception is set aside with joint_fail() and
 * brought into the call as this rank's error.
 *
 *   joint j;
 *   joint_begin(&j);
 *   if (prepare() < 0)
 *       joint_fail(&j);
 *   saved = io_enter();
 *   collio_something(..., &j.err);
 *   io_leave(saved);
 *   if (joint_end(&j) < 0)
 *       return NULL;
 */
typedef struct joint {
    collio_error err;
    PyObject *own; /* this rank's exception; NULL: none */
} joint;

/* Start with no error, and note where the caller is. */
void joint_begin(joint *j);

/* Set the pending exception aside and store it in j->err; the first one wins. */
void joint_fail(joint *j);

/* After the call: 0, or -1 with this rank's own exception, or the one that all
 * ranks agreed on. */
int joint_end(joint *j);

/*
 * Release the GIL and take the lock around the library (HDF5 is not made for
 * threads); and back. Handles that another thread may close are read in
 * between. No Python in between. A thread that waits for other ranks keeps this
 * rank's other threads out, so these must come in the same order on all ranks.
 */
PyThreadState *io_enter(void);
void io_leave(PyThreadState *saved);

/*
 * The communicator of a `comm` argument (None: this process alone),
 * initialising MPI on the way. 0 or -1.
 */
int joint_comm(PyObject *object, MPI_Comm *out);

/* What a rank tells the others when it leaves because of the pending exception,
 * which stays pending: "ValueError: ...". */
void joint_reason(char *text, size_t size);

/* 1 while the interpreter ends: what goes now goes on all ranks, or soon will. */
int joint_ending(void);

/* ------------------------------------------------------- memory.c: arrays */

/*
 * View an object as array_view_from() does, in the byte order of this machine:
 * where that takes a copy, of the copy.
 *   dtype  in  for objects that are no arrays, and for floating-point numbers of
 *              a size that the library does not know; NULL: as NumPy sees fit
 */
int memory_view(PyObject *object, PyObject *dtype, array_view *out);

/* The view as the library wants it. */
void memory_describe(const array_view *view, collio_array *out);

/*
 * The view as the library wants it, broadcast to an extent as NumPy does:
 * with strides of 0, not copies. TypeError if it does not fit.
 */
int memory_broadcast(const array_view *view, int ndim, const int64_t *shape, collio_array *out);

/* A tuple of int; and a C array of at most COLLIO_MAX_DIMS from an int or a
 * sequence of them: the number of dimensions, or -1. */
PyObject *memory_tuple(int n, const int64_t *values); /* new */
int memory_extents(PyObject *object, const char *what, int64_t *out);

/* OverflowError if an extent is negative, as in h5py. 0 or -1. */
int memory_no_negative(int ndim, const int64_t *extents, const char *what);

/* Call function `name` of a Python module with arguments as Py_BuildValue takes. New. */
PyObject *memory_call(const char *module, const char *name, const char *format, ...);

/* ------------------------------------------- mapping.c: mappings as Python knows them */

/* Give the classes that are mappings the methods of collections.abc. */
int mapping_setup(state *st);

/* ----------------------------- partition.c: what collio.Decomposition stands on */

extern PyMethodDef partition_functions[];

#endif
