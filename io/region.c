/* References to parts of datasets. HDF5 keeps the selection in a heap of the file, so making one
 * is a change of structure. */
#include "async.h"
#include "sound.h"
#include "type.h"

#include "collio/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- make */

static uint64_t digest(const collio_object *dataset, const collio_selection *s)
{
    uint64_t d = collio_hash_number(dataset->identity, s != NULL);

    for (int i = 0; s != NULL && i < s->ndim; i++) {
        int64_t numbers[] = {s->start[i], s->stride[i], s->count[i], s->block[i], s->flat};

        d = collio_hash(d, numbers, sizeof numbers);
        if (s->list[i] != NULL)
            d = collio_hash(d, s->list[i], (size_t)s->count[i] * sizeof *s->list[i]);
    }
    return d;
}

static void check(const collio_object *dataset, const collio_selection *selection,
                  collio_error *err)
{
    const collio_layout *l = &dataset->layout;

    if (dataset->kind != COLLIO_KIND_DATASET)
        collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a dataset", dataset->name);
    else if (l->ndim < 0)
        collio_error_set(err, COLLIO_ERR_TYPE, "'%s' has no elements (it is null)", dataset->name);
    else if (collio_object_check_writable(dataset, err) == COLLIO_OK && selection != NULL)
        collio_selection_check(selection, l->ndim, l->shape, err);
}

static void make(const collio_object *dataset, const collio_selection *selection,
                 hdset_reg_ref_t *out, collio_error *err)
{
    hid_t space = H5Dget_space(dataset->id);

    if (collio_hdf5(space < 0, "H5Dget_space", err))
        return;
    if (selection == NULL || collio_selection_apply(selection, space, err) == COLLIO_OK)
        collio_hdf5(H5Rcreate(out, dataset->id, ".", H5R_DATASET_REGION, space) < 0, "H5Rcreate",
                    err);
    H5Sclose(space);
}

int collio_region_make(collio_object *dataset, const collio_selection *selection, void *out,
                       collio_error *err)
{
    collio_named named = {dataset, NULL};
    collio_call call = {"region_reference", 0, collio_named_describe, &named, 0};
    hdset_reg_ref_t reference = {0};
    collio_printing printing;

    memset(out, 0, COLLIO_REGION_BYTES);
    if (collio_object_check(dataset, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    check(dataset, selection, err);
    if (err->code == COLLIO_OK)
        call.digest = digest(dataset, selection);
    if (collio_begin(dataset->file, &call, err) == COLLIO_OK) {
        make(dataset, selection, &reference, err);
        collio_finish_change(dataset->file, call.operation,
                             collio_hash(0, &reference, COLLIO_REGION_BYTES), err);
    }
    if (err->code == COLLIO_OK)
        memcpy(out, &reference, COLLIO_REGION_BYTES);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* ------------------------------------------------------------------- read */

/* The elements of a selection: indexes one after the other, `ndim` for each. */
typedef struct elements {
    int ndim;
    int64_t count;
    hsize_t shape[COLLIO_MAX_DIMS];
    hsize_t *index;
} elements;

/* Add all elements of a block, given by its first and last one. */
static void add_block(elements *e, const hsize_t *first, const hsize_t *last)
{
    hsize_t at[COLLIO_MAX_DIMS];
    int d = 0;

    memcpy(at, first, (size_t)e->ndim * sizeof *at);
    while (d >= 0) {
        memcpy(e->index + e->count++ * e->ndim, at, (size_t)e->ndim * sizeof *at);
        for (d = e->ndim - 1; d >= 0 && at[d]++ == last[d]; d--)
            at[d] = first[d];
    }
}

/* The blocks that a selection is made of, or its single elements. */
static int read_blocks(hid_t space, elements *e, collio_error *err)
{
    int points = H5Sget_select_type(space) == H5S_SEL_POINTS;
    hssize_t n = points ? H5Sget_select_elem_npoints(space) : H5Sget_select_hyper_nblocks(space);
    size_t each = (size_t)e->ndim * (points ? 1 : 2);
    hsize_t *corners;
    herr_t result;

    if (collio_hdf5(n < 0, "H5Sget_select", err))
        return err->code;
    corners = malloc(((size_t)n * each + 1) * sizeof *corners);
    if (corners == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a region");
    result = points ? H5Sget_select_elem_pointlist(space, 0, (hsize_t)n, corners)
                    : H5Sget_select_hyper_blocklist(space, 0, (hsize_t)n, corners);
    if (collio_hdf5(result < 0, "H5Sget_select", err) == COLLIO_OK)
        for (hssize_t i = 0; i < n; i++)
            add_block(e, corners + (size_t)i * each,
                      corners + (size_t)i * each + (points ? 0 : e->ndim));
    free(corners);
    return err->code;
}

static int64_t number_of(const elements *e, int64_t i)
{
    int64_t number = 0;

    for (int d = 0; d < e->ndim; d++)
        number = number * (int64_t)e->shape[d] + (int64_t)e->index[i * e->ndim + d];
    return number;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The different indexes in dimension d, in increasing order. Returns how many. */
static int64_t different(const elements *e, int d, int64_t *out)
{
    int64_t n = 0;

    for (int64_t i = 0; i < e->count; i++)
        out[i] = (int64_t)e->index[i * e->ndim + d];
    qsort(out, (size_t)e->count, sizeof *out, compare);
    for (int64_t i = 0; i < e->count; i++)
        if (n == 0 || out[i] != out[n - 1])
            out[n++] = out[i];
    return n;
}

/* Elements whose index is one of some in each dimension; 0 if they are not all of these. */
static int take_product(const elements *e, collio_region *out)
{
    int64_t *list = out->lists, product = 1;

    out->selection.ndim = out->ndim = e->ndim;
    out->selection.flat = 0;
    for (int d = 0; d < e->ndim; d++) {
        out->shape[d] = different(e, d, list);
        collio_selection_list(&out->selection, d, out->shape[d], list);
        product *= out->shape[d];
        list += out->shape[d];
        if (product > e->count)
            return 0;
    }
    return product == e->count;
}

static int take_elements(const elements *e, int in_order, collio_region *out, collio_error *err)
{
    for (int64_t i = 0; i < e->count; i++)
        out->lists[i] = number_of(e, i);
    if (!in_order)
        qsort(out->lists, (size_t)e->count, sizeof *out->lists, compare);
    for (int64_t i = 1; i < e->count; i++)
        if (out->lists[i] <= out->lists[i - 1])
            return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                    "a region of elements that are not in row-major order");
    collio_selection_flat(&out->selection, e->count, out->lists);
    out->ndim = 1;
    out->shape[0] = e->count;
    return COLLIO_OK;
}

/* Single elements stay in one row; blocks become an array if they can. */
static int take_irregular(hid_t space, int points, elements *e, collio_region *out,
                          collio_error *err)
{
    int64_t count = H5Sget_select_npoints(space);

    e->index = malloc(((size_t)count * (size_t)e->ndim + 1) * sizeof *e->index);
    out->lists = malloc(((size_t)count * (size_t)(e->ndim + 1) + 1) * sizeof *out->lists);
    if (e->index == NULL || out->lists == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a region");
    else if (read_blocks(space, e, err) == COLLIO_OK && (points || !take_product(e, out)))
        take_elements(e, points, out, err);
    free(e->index);
    return err->code;
}

static int take_regular(hid_t space, int ndim, collio_region *out, collio_error *err)
{
    hsize_t start[COLLIO_MAX_DIMS], stride[COLLIO_MAX_DIMS];
    hsize_t count[COLLIO_MAX_DIMS], block[COLLIO_MAX_DIMS];

    collio_selection_none(&out->selection, ndim);
    out->ndim = ndim;
    if (collio_hdf5(H5Sget_regular_hyperslab(space, start, stride, count, block) < 0,
                    "H5Sget_regular_hyperslab", err))
        return err->code;
    for (int d = 0; d < ndim; d++) {
        out->selection.start[d] = (int64_t)start[d];
        out->selection.stride[d] = (int64_t)(stride[d] < block[d] ? block[d] : stride[d]);
        out->selection.count[d] = (int64_t)count[d];
        out->selection.block[d] = (int64_t)block[d];
        out->shape[d] = (int64_t)(count[d] * block[d]);
    }
    return COLLIO_OK;
}

static int take_whole(const elements *e, int everything, collio_region *out)
{
    out->ndim = e->ndim;
    for (int d = 0; d < e->ndim; d++)
        out->shape[d] = everything ? (int64_t)e->shape[d] : 0;
    collio_selection_block(&out->selection, e->ndim, NULL, out->shape);
    return COLLIO_OK;
}

int collio_region_take(hid_t space, collio_region *out, collio_error *err)
{
    elements e = {.ndim = H5Sget_simple_extent_ndims(space)};
    H5S_sel_type type = H5Sget_select_type(space);

    if (collio_hdf5(e.ndim < 0 || H5Sget_simple_extent_dims(space, e.shape, NULL) < 0,
                    "H5Sget_simple_extent_dims", err))
        return err->code;
    if (type == H5S_SEL_ALL || type == H5S_SEL_NONE || e.ndim == 0)
        return take_whole(&e, type == H5S_SEL_ALL, out);
    if (type == H5S_SEL_HYPERSLABS && H5Sis_regular_hyperslab(space) > 0)
        return take_regular(space, e.ndim, out, err);
    return take_irregular(space, type == H5S_SEL_POINTS, &e, out, err);
}

int collio_region_check(const collio_object *in, const void *reference, collio_error *err)
{
    /* What was written lately may be in HDF5's hands alone. */
    if (in->foreign || (in->file->writable && in->file->changed))
        return err->code;
    return collio_sound_region(&in->file->disk, reference, err);
}

int collio_region_read(collio_object *in, const void *reference, collio_region *out,
                       collio_error *err)
{
    static const char nothing[COLLIO_REGION_BYTES];
    hdset_reg_ref_t copy = {0};
    collio_printing printing;
    hid_t space;

    memset(out, 0, sizeof *out);
    if (err->code != COLLIO_OK || collio_object_check(in, err))
        return err->code;
    if (memcmp(reference, nothing, sizeof nothing) == 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "Invalid region reference (it is null)");
    memcpy(&copy, reference, COLLIO_REGION_BYTES);
    collio_hdf5_quiet(&printing);
    if (collio_region_check(in, reference, err) == COLLIO_OK) {
        space = H5Rget_region(in->id, H5R_DATASET_REGION, &copy);
        if (collio_hdf5(space < 0, "H5Rget_region", err) == COLLIO_OK &&
            H5Sselect_valid(space) <= 0)
            collio_error_set(err, COLLIO_ERR_VALUE, "the region reaches beyond its dataset");
        else if (err->code == COLLIO_OK)
            collio_region_take(space, out, err);
        if (space >= 0)
            H5Sclose(space);
    }
    collio_hdf5_loud(&printing);
    return err->code;
}

void collio_region_free(collio_region *region)
{
    free(region->lists);
    region->lists = NULL;
}
