/* Shared by buffer.c and buffer_memory.c. */
#ifndef COLLIO_BUFFER_H
#define COLLIO_BUFFER_H

#include "bindings.h"

typedef struct buffer {
    PyObject_HEAD
    Py_buffer view;
    Py_ssize_t exports; /* views of this one that are in use */
    int from_mpi;       /* Alloc_mem's, for Free_mem */
} buffer;

/* The memory of an object, C or Fortran ordered. 0, or -1. */
int buffer_acquire(PyObject *object, int writable, Py_buffer *view);

/* Let go of the memory. 0, or -1 with BufferError while it is in use. */
int buffer_let_go(buffer *self);

#endif
