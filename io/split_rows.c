/* Elements that are selected by their numbers, as a mask does: row by row, as selections of which
 * each can be noted, put into an index and taken away from another. */
#include "split.h"

#include <stdlib.h>

static int64_t number_of(const collio_selection *flat, int64_t i)
{
    int64_t block = flat->block[0];

    return flat->list[0] != NULL ? flat->list[0][i]
                                 : flat->start[0] + i / block * flat->stride[0] + i % block;
}

/* Some of the columns of one row, with the row's number. */
static void row_of(int ndim, const int64_t *shape, int64_t row, int64_t count,
                   const int64_t *columns, collio_selection *out)
{
    int64_t start[COLLIO_MAX_DIMS], ones[COLLIO_MAX_DIMS];

    start[ndim - 1] = columns[0];
    for (int d = ndim - 2; d >= 0; row /= shape[d--])
        start[d] = row % shape[d];
    for (int d = 0; d < ndim; d++)
        ones[d] = 1;
    if (columns[count - 1] - columns[0] + 1 == count)
        ones[ndim - 1] = count;
    collio_selection_block(out, ndim, start, ones);
    if (ones[ndim - 1] < count)
        collio_selection_list(out, ndim - 1, count, columns);
}

int64_t collio_split_pieces(const collio_selection *selection)
{
    int64_t size = selection->flat ? collio_selection_size(selection) : 0, pieces = size > 0;

    for (int64_t i = 1; i < size; i++)
        pieces += number_of(selection, i) != number_of(selection, i - 1) + 1;
    return pieces;
}

int collio_split_rows(const collio_selection *selection, int ndim, const int64_t *shape,
                      collio_row_function *take, void *context, collio_error *err)
{
    int64_t size = collio_selection_size(selection), width, *columns;
    collio_selection row;

    if (!selection->flat || size == 0)
        return size > 0 ? take(context, selection, err) : err->code;
    width = shape[ndim - 1]; /* elements by their numbers have a dimension at least */
    columns = malloc((size_t)(size < width ? size : width) * sizeof *columns);
    if (columns == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the elements of a row");
    for (int64_t i = 0; i < size && err->code == COLLIO_OK;) {
        int64_t at = number_of(selection, i) / width, count = 0;
        while (i < size && number_of(selection, i) / width == at)
            columns[count++] = number_of(selection, i++) % width;
        row_of(ndim, shape, at, count, columns, &row);
        take(context, &row, err);
    }
    free(columns);
    return err->code;
}
