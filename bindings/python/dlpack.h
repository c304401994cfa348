/* Arrays of other libraries by the protocols of DLPack and CUDA. */
#ifndef COLLIO_DLPACK_H
#define COLLIO_DLPACK_H

#include "bindings.h"

#define DLPACK_KEEP "collio.dlpack"
#define DLPACK_DIMS 32

typedef struct dlpack_view {
    PyObject *keep;   /* new: owns the memory */
    char typestr[16]; /* as NumPy writes it: "f8" */
    void *data;
    int ndim, readonly;
    int64_t shape[DLPACK_DIMS], strides[DLPACK_DIMS]; /* elements; bytes */
} dlpack_view;

/* The memory of an object that has __dlpack__. 0, or -1 with BufferError if it lies elsewhere
 * than in the host's memory. */
int dlpack_from(PyObject *object, dlpack_view *out);

/* 0 if memory can be read by this process, as that of a GPU cannot; else BufferError. */
int dlpack_refuse_device(const void *data, int64_t nbytes);

/* cuda.c: an object that tells NumPy what one with __cuda_array_interface__ tells of itself. New. */
PyObject *cuda_stand_in(PyObject *object);

#endif
