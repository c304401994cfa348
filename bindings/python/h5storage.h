/* How datasets are stored: between create_dataset and the library. */
#ifndef COLLIO_H5STORAGE_H
#define COLLIO_H5STORAGE_H

#include "h5.h"

/* Keywords of create_dataset; None where one is not given. */
typedef struct h5storage_args {
    PyObject *chunks, *maxshape, *compression, *compression_opts, *shuffle, *fletcher32;
    PyObject *scaleoffset, *fillvalue, *fill_time, *track_times;
    PyObject *unknown; /* allow_unknown_filter */
} h5storage_args;

#define H5_STORAGE_NOTHING                                                                         \
    {                                                                                              \
        Py_None, Py_None, Py_None, Py_None, Py_None, Py_None, Py_None, Py_None, Py_None, Py_None,  \
            Py_False                                                                               \
    }

/* The rows of the keywords, for a struct that has them as its member `storage`. */
#define H5_STORAGE_ROW(type, name)                                                                 \
    {                                                                                              \
        "$" #name, arg_object, offsetof(type, storage.name)                                        \
    }
#define H5_STORAGE_ROWS(type)                                                                      \
    H5_STORAGE_ROW(type, chunks), H5_STORAGE_ROW(type, maxshape),                                  \
        H5_STORAGE_ROW(type, compression), H5_STORAGE_ROW(type, compression_opts),                 \
        H5_STORAGE_ROW(type, shuffle), H5_STORAGE_ROW(type, fletcher32),                           \
        H5_STORAGE_ROW(type, scaleoffset), H5_STORAGE_ROW(type, fillvalue),                        \
        H5_STORAGE_ROW(type, fill_time), H5_STORAGE_ROW(type, track_times)

/* Options that point into this struct. */
typedef struct h5storage {
    collio_dataset_options options;
    int64_t chunks[COLLIO_MAX_DIMS], maximum[COLLIO_MAX_DIMS];
    collio_filter filters[COLLIO_MAX_FILTERS];
    PyObject *fill;       /* bytes; NULL: none */
    PyObject *fill_keeps; /* what they point to */
    void *elsewhere;      /* the table of external files or mappings; PyMem_Free */
    PyObject *elsewhere_kept;
} h5storage;

/* All zeros is what no keyword asks for. 0 or -1. */
int h5_storage(const h5storage_args *args, collio_type type, int ndim, h5storage *out);
void h5_storage_forget(h5storage *storage);

extern PyMethodDef h5filter_functions[];

/* h5elsewhere.c: external=... of create_dataset, and the mappings of a virtual dataset; None for
 * what is not given. 0 or -1. */
int h5_elsewhere(PyObject *external, PyObject *mappings, h5storage *out);
PyObject *h5_get_origins(PyObject *self, void *none);

/* Properties of a dataset. */
PyObject *h5_get_chunks(PyObject *self, void *none);
PyObject *h5_get_maxshape(PyObject *self, void *none);
PyObject *h5_get_filter(PyObject *self, void *name);
PyObject *h5_get_fillvalue(PyObject *self, void *none);
PyObject *h5_get_virtual(PyObject *self, void *none);
int h5_set_shape(PyObject *self, PyObject *shape, void *none);
extern PyMethodDef h5storage_methods[];

/* --------------------------------------------------------------- h5async.c */

extern PyMethodDef h5async_methods[];

#endif
