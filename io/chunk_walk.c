/* Blocks of elements, chunk by chunk. Row by row a block passes all the chunks beside each other
 * before it comes back to the first: more than the caches next to a core hold. */
#include "chunk.h"

/* ------------------------------------------------------------- whole chunks */

/* Shorter rows are copied together rather than listed. Bytes. */
static const int64_t least_row = 1 << 10;

/* The rows of a chunk that were listed and not yet handed on. */
typedef struct rows {
    struct iovec list[COLLIO_MOST_ROWS];
    int count;
    int64_t bytes, done; /* of these; of those before them */
    int64_t number;      /* of the chunk */
    collio_rows_function *put;
    void *context;
} rows;

/* Whether all of a chunk is in the part, in rows that are long enough. */
static int has_long_rows(const collio_grid *g, const collio_selection *part,
                         const collio_array *memory)
{
    int last = g->ndim - 1;
    int64_t element = (int64_t)g->element;

    for (int d = 0; d < g->ndim; d++)
        if (part->count[d] < g->chunks[d])
            return 0;
    return g->chunks[last] * element >= least_row && memory->strides[last] == element;
}

static int hand_on(rows *r, collio_error *err)
{
    if (r->count > 0)
        r->put(r->context, r->number, r->done, r->list, r->count, err);
    r->done += r->bytes;
    r->bytes = r->count = 0;
    return err->code;
}

static int list_row(rows *r, char *row, int64_t size, collio_error *err)
{
    struct iovec *last = r->count > 0 ? &r->list[r->count - 1] : NULL;

    if (last != NULL && (char *)last->iov_base + last->iov_len == row) {
        last->iov_len += (size_t)size;
    } else {
        if (r->count == COLLIO_MOST_ROWS && hand_on(r, err))
            return err->code;
        r->list[r->count++] = (struct iovec){row, (size_t)size};
    }
    r->bytes += size;
    return r->bytes < COLLIO_ROWS_BYTES ? COLLIO_OK : hand_on(r, err);
}

/* All rows of dimension d and those within it. */
static int list_rows(rows *r, const collio_array *memory, int d, char *at, collio_error *err)
{
    if (d == memory->ndim - 1)
        return list_row(r, at, memory->shape[d] * memory->strides[d], err);
    for (int64_t i = 0; i < memory->shape[d] && err->code == COLLIO_OK; i++)
        list_rows(r, memory, d + 1, at + i * memory->strides[d], err);
    return err->code;
}

int collio_chunks_walk(const collio_object *dataset, const collio_grid *grid,
                       const collio_touched *touched, const collio_selection *selection,
                       const collio_array *memory, collio_rows_function *put_rows,
                       collio_run_function *put, void *context, collio_error *err)
{
    collio_cut cut;

    if (dataset->layout.stored != memory->type || !collio_selection_is_block(selection) ||
        !collio_cut_make(grid, selection, memory, &cut))
        return collio_transfer_walk(dataset, selection, memory, put, context, err);
    for (int64_t i = 0; i < touched->count && err->code == COLLIO_OK; i++) {
        rows r = {.count = 0, .number = i, .put = put_rows, .context = context};
        collio_selection part;
        collio_array its;

        collio_cut_part(&cut, touched->list[i].chunk, &part, &its);
        if (!has_long_rows(grid, &part, &its))
            collio_transfer_walk(dataset, &part, &its, put, context, err);
        else if (list_rows(&r, &its, 0, its.data, err) == COLLIO_OK)
            hand_on(&r, err);
    }
    return err->code;
}
