/* Arrays in memory and selections of N-d arrays: make them, check them. */
#include "internal.h"

#include <inttypes.h>

void collio_array_fill(collio_array *out, void *data, collio_type type, int ndim,
                       const int64_t *shape)
{
    int64_t step = (int64_t)collio_type_size(type);

    out->data = data;
    out->type = type;
    out->ndim = ndim;
    for (int d = ndim - 1; d >= 0; d--) {
        out->shape[d] = shape[d];
        out->strides[d] = step;
        step *= shape[d];
    }
}

int64_t collio_array_size(const collio_array *array)
{
    int64_t size = 1;

    for (int d = 0; d < array->ndim; d++)
        size *= array->shape[d];
    return size;
}

void collio_selection_block(collio_selection *out, int ndim, const int64_t *start,
                            const int64_t *count)
{
    out->ndim = ndim;
    out->flat = 0;
    for (int d = 0; d < ndim; d++) {
        out->start[d] = start != NULL ? start[d] : 0;
        out->stride[d] = 1;
        out->count[d] = count[d];
        out->block[d] = 1;
        out->list[d] = NULL;
    }
}

void collio_selection_list(collio_selection *selection, int dimension, int64_t count,
                           const int64_t *list)
{
    selection->start[dimension] = 0;
    selection->stride[dimension] = 1;
    selection->count[dimension] = count;
    selection->block[dimension] = 1;
    selection->list[dimension] = list;
}

void collio_selection_flat(collio_selection *out, int64_t count, const int64_t *list)
{
    collio_selection_block(out, 1, NULL, &count);
    collio_selection_list(out, 0, count, list);
    out->flat = 1;
}

void collio_selection_box(collio_selection *out, const collio_box *box)
{
    collio_selection_block(out, box->ndim, box->start, box->count);
}

void collio_selection_all(collio_selection *out, int ndim, const int64_t *shape)
{
    collio_selection_block(out, ndim, NULL, shape);
}

void collio_selection_none(collio_selection *out, int ndim)
{
    static const int64_t zeros[COLLIO_MAX_DIMS];

    collio_selection_block(out, ndim, zeros, zeros);
}

int64_t collio_selection_size(const collio_selection *selection)
{
    int64_t size = 1;

    for (int d = 0; d < selection->ndim; d++)
        size *= selection->count[d] * selection->block[d];
    return size;
}

static int check_list(const int64_t *list, int64_t count, int d, int64_t extent, collio_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        if (list[i] < 0 || list[i] >= extent)
            return collio_error_set(err, COLLIO_ERR_INDEX,
                                    "selection: index %" PRId64
                                    " is outside dimension %d of extent %" PRId64,
                                    list[i], d, extent);
        if (i > 0 && list[i] <= list[i - 1])
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "selection: indexes must increase, in dimension %d %" PRId64
                                    " follows %" PRId64,
                                    d, list[i], list[i - 1]);
    }
    return COLLIO_OK;
}

/* Whether one dimension of a selection lies in `extent`; careful not to
 * overflow with numbers that do not. */
static int check_dimension(const collio_selection *s, int d, int64_t extent, collio_error *err)
{
    int64_t start = s->start[d], count = s->count[d], block = s->block[d], stride = s->stride[d];

    if (count < 0 || block < 1 || stride < block)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "selection: count %" PRId64 ", block %" PRId64 ", stride %" PRId64
                                " in dimension %d (count >= 0, stride >= block >= 1)",
                                count, block, stride, d);
    if (count == 0)
        return COLLIO_OK;
    if (s->list[d] != NULL)
        return check_list(s->list[d], count, d, extent, err);
    if (start < 0 || block > extent || start > extent - block ||
        count - 1 > (extent - block - start) / stride)
        return collio_error_set(err, COLLIO_ERR_INDEX,
                                "selection: start %" PRId64 ", count %" PRId64 ", stride %" PRId64
                                ", block %" PRId64 " is outside dimension %d of extent %" PRId64,
                                start, count, stride, block, d, extent);
    return COLLIO_OK;
}

int collio_selection_check(const collio_selection *selection, int ndim, const int64_t *shape,
                           collio_error *err)
{
    int64_t all = 1;

    if (selection->flat && selection->ndim == 1) {
        for (int d = 0; d < ndim; d++)
            all *= shape[d];
        return check_dimension(selection, 0, all, err);
    }
    if (selection->ndim != ndim)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "selection: %d dimensions given, the dataset has %d",
                                selection->ndim, ndim);
    for (int d = 0; d < ndim; d++)
        if (check_dimension(selection, d, shape[d], err))
            return err->code;
    return COLLIO_OK;
}

/* The next extent other than 1 from dimension *d on; 1 if none is left. */
static int64_t next_extent(const int64_t *extents, int ndim, int *d)
{
    while (*d < ndim && extents[*d] == 1)
        ++*d;
    return *d < ndim ? extents[(*d)++] : 1;
}

int collio_selection_match(const collio_selection *selection, const collio_array *memory,
                           collio_error *err)
{
    int64_t extents[COLLIO_MAX_DIMS];
    int in_file = 0, in_memory = 0;

    if (memory->ndim < 0 || memory->ndim > COLLIO_MAX_DIMS)
        return collio_error_set(err, COLLIO_ERR_VALUE, "memory: %d dimensions, 0 to %d allowed",
                                memory->ndim, COLLIO_MAX_DIMS);
    if (collio_type_size(memory->type) == 0)
        return collio_error_set(err, COLLIO_ERR_TYPE, "memory: unknown type %d", (int)memory->type);
    for (int d = 0; d < selection->ndim; d++)
        extents[d] = selection->count[d] * selection->block[d];
    if (collio_selection_size(selection) == 0 && collio_array_size(memory) == 0)
        return COLLIO_OK;
    while (in_file < selection->ndim || in_memory < memory->ndim) {
        int64_t wanted = next_extent(extents, selection->ndim, &in_file);
        int64_t given = next_extent(memory->shape, memory->ndim, &in_memory);

        if (wanted != given)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "memory: extent %" PRId64 " where the selection has %" PRId64,
                                    given, wanted);
    }
    if (memory->data == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "memory: no address given");
    return COLLIO_OK;
}
