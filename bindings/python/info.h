/* Hints by their keys: info_key.c, for info.c. */
#ifndef COLLIO_BINDINGS_INFO_H
#define COLLIO_BINDINGS_INFO_H

#include "bindings.h"

static inline MPI_Info info_of(PyObject *self)
{
    return ((handle *)self)->mpi.info;
}

/* 0 if MPI may be asked about these hints, which it may be at most times. */
int info_ready(PyObject *self);

/* While MPI does not run, it has no error handlers, and what it refuses ends the process: so what
 * it would refuse (`wrong`) is refused here, with the code. */
int info_refuse_early(int wrong, int code, const char *name);

/* The same of a change of INFO_ENV, which some MPIs do not let be changed. */
int info_refuse_fixed(PyObject *self, const char *name);

/* A key from an argument; -1 if it is none. */
int info_take_key(PyObject *self, PyObject *object, const char **key);

/* How many hints; of MPI_INFO_NULL, which is empty as a mapping and refused by MPI. */
int info_count(PyObject *self);
int info_mpi_count(PyObject *self);

/* The i-th key; the value of a key, or None. New. */
PyObject *info_key_at(PyObject *self, int i);
PyObject *info_lookup(PyObject *self, PyObject *arg, int (*count)(PyObject *));
int info_put(PyObject *self, PyObject *key, PyObject *value);

#endif
