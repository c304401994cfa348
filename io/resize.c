/* Give datasets other extents. */
#include "file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct resizing {
    collio_object *dataset;
    const int64_t *shape;
} resizing;

static void describe(const void *context, char *text, size_t size)
{
    const resizing *r = context;
    int ndim = r->shape != NULL ? r->dataset->layout.ndim : 0;
    size_t at = (size_t)snprintf(text, size, "('%s', (", r->dataset->name);

    for (int d = 0; d < ndim && at < size; d++)
        at += (size_t)snprintf(text + at, size - at, "%s%" PRId64 "%s", d > 0 ? ", " : "",
                               r->shape[d], ndim == 1 ? "," : "");
    if (at < size)
        snprintf(text + at, size - at, "))");
}

static int check(const resizing *r, collio_error *err)
{
    collio_storage storage;

    if (collio_file_check_writable(r->dataset->file, err) ||
        collio_dataset_storage(r->dataset, &storage, err))
        return err->code;
    if (r->dataset->file->split != NULL && !collio_type_variable(r->dataset->layout.stored))
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s': in a file that each rank writes a part of (layout "
                                "'per-rank') datasets keep their shape",
                                r->dataset->name);
    if (storage.kind != COLLIO_STORED_CHUNKED)
        return collio_error_set(err, COLLIO_ERR_TYPE, "Only chunked datasets can be resized");
    if (r->shape == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "shape: none given");
    for (int d = 0; d < storage.ndim; d++)
        if (r->shape[d] < 0 ||
            (storage.maximum[d] != COLLIO_UNLIMITED && r->shape[d] > storage.maximum[d]))
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "shape: extent %" PRId64 " in dimension %d of '%s', whose "
                                    "largest is %" PRId64,
                                    r->shape[d], d, r->dataset->name, storage.maximum[d]);
    return COLLIO_OK;
}

/* The dataset may be open several times. */
static void update_layouts(const resizing *r)
{
    for (collio_object *o = r->dataset->file->objects; o != NULL; o = o->next)
        if (o->kind == COLLIO_KIND_DATASET && o->identity == r->dataset->identity)
            for (int d = 0; d < o->layout.ndim; d++)
                o->layout.shape[d] = r->shape[d];
}

/* Where a border moves through chunks HDF5 writes elements, the same on all ranks;
 * they are put on disk at once, before ranks write there by themselves. */
static int resize(const resizing *r, collio_error *err)
{
    collio_file *file = r->dataset->file;
    hsize_t extents[COLLIO_MAX_DIMS];

    for (int d = 0; d < r->dataset->layout.ndim; d++)
        extents[d] = (hsize_t)r->shape[d];
    collio_hdf5(H5Dset_extent(r->dataset->id, extents) < 0, "H5Dset_extent", err);
    if (collio_finish_change(file, "resize", 0, err))
        return err->code;
    update_layouts(r);
    return file->disk.overlay.count > 0 ? collio_file_flush_now(file, err) : COLLIO_OK;
}

int collio_dataset_resize(collio_object *dataset, const int64_t *shape, collio_error *err)
{
    resizing r = {dataset, shape};
    collio_call call = {"resize", 0, describe, &r, 0};
    collio_printing printing;

    if (collio_object_check(dataset, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    check(&r, err);
    call.digest = dataset->identity;
    if (shape != NULL && dataset->layout.ndim > 0)
        call.digest = collio_hash(call.digest, shape, (size_t)dataset->layout.ndim * sizeof *shape);
    if (collio_begin(dataset->file, &call, err) == COLLIO_OK)
        resize(&r, err);
    collio_hdf5_loud(&printing);
    return err->code;
}
