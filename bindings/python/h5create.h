/*
 * What create_dataset() and require_dataset() have in common: their arguments, and the dataset that
 * they ask for.
 */
#ifndef COLLIO_PYTHON_H5CREATE_H
#define COLLIO_PYTHON_H5CREATE_H

#include "h5storage.h"

typedef struct h5create_args {
    PyObject *name;
    PyObject *shape;
    PyObject *dtype;
    PyObject *data;
    PyObject *exact;
    h5storage_args storage;
    PyObject *track_order;
    PyObject *external, *mappings, *attributes, *compact;
    PyObject *dcpl, *dapl;
    /* Of a cache of chunks that collio does not have, kept to be told; and directories of files
     * with elements. */
    PyObject *hints[5];
} h5create_args;

#define H5_CREATE_NOTHING                                                                          \
    {                                                                                              \
        NULL, Py_None, Py_None, Py_None, Py_False, H5_STORAGE_NOTHING, Py_None, Py_None, Py_None,  \
            Py_None, Py_False, Py_None, Py_None,                                                   \
        {                                                                                          \
            Py_None, Py_None, Py_None, Py_None, Py_None                                            \
        }                                                                                          \
    }

/* A param: a property list, which stands for the keywords that are not given. */
int h5_arg_list(PyObject *object, void *out);

#define H5_ACCESS_ROWS                                                                             \
    {"$allow_unknown_filter", arg_object, offsetof(h5create_args, storage.unknown)},               \
        {"$rdcc_nslots", arg_object, offsetof(h5create_args, hints[0])},                           \
        {"$rdcc_nbytes", arg_object, offsetof(h5create_args, hints[1])},                           \
        {"$rdcc_w0", arg_object, offsetof(h5create_args, hints[2])},                               \
        {"$efile_prefix", arg_object, offsetof(h5create_args, hints[3])},                          \
        {"$virtual_prefix", arg_object, offsetof(h5create_args, hints[4])},                        \
        {"$dcpl", h5_arg_list, offsetof(h5create_args, dcpl)},                                     \
    {                                                                                              \
        "$dapl", h5_arg_list, offsetof(h5create_args, dapl)                                        \
    }

/* The dataset to make, and what to write into it. */
typedef struct h5plan {
    const char *name;
    collio_type type;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    h5values data; /* view.keep == NULL: none */
    h5storage storage;
    PyObject *access; /* how it is to be open: a dict, or None */
} h5plan;

/* What is asked for; 0, or -1 with an exception. h5_create() releases the data and storage, also
 * then; `access` is the caller's. */
int h5_plan(const h5object *self, const h5create_args *a, h5plan *p);

/* The dataset, or NULL with an exception on all ranks. Collective. New. */
PyObject *h5_create(h5object *self, h5plan *p, joint *j);

/* The same dataset, open as is asked for, or NULL. */
PyObject *h5_with_access(PyObject *dataset, const h5plan *p);

#endif
