/* Shared by the lower-case collective calls: comm_bcast.c and comm_gather.c. */
#ifndef COLLIO_OBJECTS_H
#define COLLIO_OBJECTS_H

#include "bindings.h"

/* Announced in place of a size by a rank that has no object to send. */
#define UNPICKLABLE (-1)

typedef struct object_args {
    PyObject *object;
    int root;
    PyObject *op;
} object_args;

/* What every such call starts with. */
typedef struct call {
    state *st;
    MPI_Comm comm;
    int size, rank;
    object_args a;
} call;

/* Parse the arguments, find size and rank. */
int object_call(call *c, PyObject *self, const char *name, const param *params,
                PyObject *const *args, Py_ssize_t nargs, PyObject *keywords);

/* Pickle an object; the size to announce. A failure stays pending as the exception. */
int64_t object_pack(state *st, PyObject *object, parcel *p);

/* 0 for a size; -1 for UNPICKLABLE, with an exception that names the rank. */
int object_refuse(int64_t size, int rank);

#endif
