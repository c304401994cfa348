/* Shared by the files that open an HDF5 file: h5open.c, h5options.c. */
#ifndef COLLIO_H5OPEN_H
#define COLLIO_H5OPEN_H

#include "h5.h"

#include <string.h>

/* The arguments of File(...), all borrowed; NULL: not given. */
typedef struct open_args {
    PyObject *name, *mode, *driver, *libver, *userblock_size, *swmr;
    PyObject *track_order, *track_times;
    PyObject *fs_strategy, *locking;
    PyObject *alignment_threshold, *alignment_interval, *meta_block_size;
    PyObject *comm, *info, *transfer, *layout;
    /* Hints about caches and free space, which collio keeps in its own way. */
    PyObject *rdcc_nslots, *rdcc_nbytes, *rdcc_w0;
    PyObject *fs_persist, *fs_threshold, *fs_page_size;
    PyObject *page_buf_size, *min_meta_keep, *min_raw_keep;
    PyObject *attributes; /* of the root: (most in the object, fewest elsewhere) */
    PyObject *access; /* a property list that the driver's keywords have made, or NULL: a new one */
    PyObject *kept;   /* what holds some of the above: a new one */
} open_args;

static inline int is_given(PyObject *object)
{
    return object != NULL && object != Py_None;
}

static inline int is_one_of(const char *text, const char *const *known)
{
    while (*known != NULL && strcmp(text, *known) != 0)
        known++;
    return *known != NULL;
}

/* Options, and the mode; what HDF5 alone has a use for is kept with the file. -1 with an exception.
 */
int h5_open_options(h5file *self, const open_args *a, const char **mode, collio_file_options *out);

#endif
