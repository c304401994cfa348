/*
 * Keyvals, and the functions that MPI calls for the attributes that they name.
 */
#ifndef COLLIO_PYTHON_KEYVAL_H
#define COLLIO_PYTHON_KEYVAL_H

#include "win.h"

/* X(field of any_handle, class, prefix of MPI's functions) */
#define OWNERS X(comm, Comm, MPI_Comm) X(datatype, Datatype, MPI_Type) X(win, Win, MPI_Win)

/*
 * What a keyval stands for. The registry holds it until Free_keyval(); each attribute holds it, and
 * the value, until MPI calls for its deletion: MPI keeps a freed keyval as long as it is in use.
 */
typedef struct keyval {
    PyObject_HEAD
    PyObject *copy, *delete; /* callable, bool or None */
    int nopython;            /* values are integers of a pointer's size, not objects */
} keyval;

/* An attribute's value for Python. New. */
PyObject *keyval_value(const keyval *key, void *value);

/* The inverse: what MPI is to keep; it holds a reference if it is an object. 0 or -1. */
int keyval_store(const keyval *key, PyObject *object, void **out);

/* MPI's functions, with the result of MPI's: a new keyval that calls the user's functions, and the
 * deletion of an attribute, which fails if the user's function raises (the exception stays
 * pending). */
int keyval_number(enum handle_kind kind, keyval *key, int *out);
int keyval_delete(enum handle_kind kind, any_handle of, int number);

#endif
