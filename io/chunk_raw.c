/* Chunks as they are in the file, filtered by the caller. */
#include "chunk.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct raw_chunk {
    collio_object *dataset;
    const int64_t *offset;
    unsigned skipped;
    const void *bytes;
    size_t size;
} raw_chunk;

static void describe(const void *context, char *text, size_t size)
{
    const raw_chunk *c = context;

    snprintf(text, size, "('%s', %zu bytes)", c->dataset->name, c->size);
}

static int check(const raw_chunk *c, collio_error *err)
{
    const collio_layout *l = &c->dataset->layout;

    if (collio_object_check_writable(c->dataset, err))
        return err->code;
    if (l->kind != COLLIO_STORED_CHUNKED)
        return collio_error_set(err, COLLIO_ERR_VALUE, "'%s' is not chunked", c->dataset->name);
    if (collio_type_variable(l->stored))
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s' has elements of variable length: chunks of those cannot be "
                                "given as bytes",
                                c->dataset->name);
    if (c->offset == NULL || (c->bytes == NULL && c->size > 0))
        return collio_error_set(err, COLLIO_ERR_VALUE, "no place or no bytes given");
    for (int d = 0; d < l->ndim; d++)
        if (c->offset[d] < 0 || c->offset[d] >= l->shape[d] || c->offset[d] % l->chunks[d] != 0)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "no chunk of '%s' begins at %" PRId64 " in dimension %d",
                                    c->dataset->name, c->offset[d], d);
    return COLLIO_OK;
}

static uint64_t digest(const raw_chunk *c)
{
    uint64_t d = collio_hash_number(c->dataset->identity, c->skipped);

    if (c->offset != NULL && c->dataset->layout.ndim > 0)
        d = collio_hash(d, c->offset, (size_t)c->dataset->layout.ndim * sizeof *c->offset);
    return c->bytes != NULL ? collio_hash(d, c->bytes, c->size) : d;
}

/* All ranks hand the same bytes to HDF5: where they go is part of the structure. */
static int put(const raw_chunk *c, collio_error *err)
{
    hsize_t offset[COLLIO_MAX_DIMS];
    int stale = 0;

    for (int d = 0; d < c->dataset->layout.ndim; d++)
        offset[d] = (hsize_t)c->offset[d];
    collio_chunk_new_mask(c->dataset, offset, (int64_t)c->size, c->skipped, &stale, err);
    collio_hdf5(H5Dwrite_chunk(c->dataset->id, H5P_DEFAULT, c->skipped, offset, c->size, c->bytes) <
                    0,
                "H5Dwrite_chunk", err);
    if (stale)
        collio_object_renew(c->dataset, err);
    if (collio_finish_change(c->dataset->file, "write_chunk", 0, err))
        return err->code;
    return collio_file_flush_now(c->dataset->file, err);
}

int collio_dataset_write_chunk(collio_object *dataset, const int64_t *offset, unsigned skipped,
                               const void *bytes, size_t size, collio_error *err)
{
    raw_chunk c = {dataset, offset, skipped, bytes, size};
    collio_call call = {"write_chunk", 0, describe, &c, 0};
    collio_printing printing;

    if (collio_object_check(dataset, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (err->code == COLLIO_OK && check(&c, err) == COLLIO_OK)
        call.digest = digest(&c);
    if (collio_begin(dataset->file, &call, err) == COLLIO_OK)
        put(&c, err);
    collio_hdf5_loud(&printing);
    return err->code;
}
