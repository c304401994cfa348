/* Blocks of elements, chunk by chunk. Row by row a block passes all the chunks beside each other
 * before it comes back to the first: more than the caches next to a core hold. */
#include "chunk.h"

/* A block, and memory of the same extents. */
typedef struct block {
    const collio_grid *grid;
    int64_t start[COLLIO_MAX_DIMS], count[COLLIO_MAX_DIMS];
    int64_t strides[COLLIO_MAX_DIMS]; /* of memory, bytes */
    const collio_array *memory;
} block;

/* The next dimension of memory that has more than one index. */
static int next_dimension(const collio_array *memory, int d)
{
    while (d < memory->ndim && memory->shape[d] == 1)
        d++;
    return d;
}

/* Whether a selection is one block, and memory has its extents where they are not 1. */
static int find_block(const collio_grid *grid, const collio_selection *s,
                      const collio_array *memory, block *out)
{
    int m = next_dimension(memory, 0);

    *out = (block){.grid = grid, .memory = memory};
    for (int d = 0; d < s->ndim; d++) {
        if (s->list[d] != NULL || (s->count[d] != 1 && s->stride[d] != s->block[d]))
            return 0;
        out->start[d] = s->start[d];
        out->count[d] = s->count[d] * s->block[d];
        if (out->count[d] == 1)
            continue;
        if (m == memory->ndim || memory->shape[m] != out->count[d])
            return 0;
        out->strides[d] = memory->strides[m];
        m = next_dimension(memory, m + 1);
    }
    return m == memory->ndim;
}

/* The part of a block in one chunk, and its memory. */
static void part_of(const block *b, int64_t chunk, collio_selection *part, collio_array *memory)
{
    const collio_grid *g = b->grid;
    int64_t start[COLLIO_MAX_DIMS], count[COLLIO_MAX_DIMS];

    *memory = *b->memory;
    memory->ndim = g->ndim;
    collio_grid_start(g, chunk, start);
    for (int d = 0; d < g->ndim; d++) {
        int64_t end = start[d] + g->chunks[d], last = b->start[d] + b->count[d];

        start[d] = start[d] > b->start[d] ? start[d] : b->start[d];
        count[d] = (end < last ? end : last) - start[d];
        memory->shape[d] = count[d];
        memory->strides[d] = b->strides[d];
        memory->data = (char *)memory->data + (start[d] - b->start[d]) * b->strides[d];
    }
    collio_selection_block(part, g->ndim, start, count);
}

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
    block b;

    if (dataset->layout.stored != memory->type || !find_block(grid, selection, memory, &b))
        return collio_transfer_walk(dataset, selection, memory, put, context, err);
    for (int64_t i = 0; i < touched->count && err->code == COLLIO_OK; i++) {
        rows r = {.count = 0, .number = i, .put = put_rows, .context = context};
        collio_selection part;
        collio_array its;

        part_of(&b, touched->list[i].chunk, &part, &its);
        if (!has_long_rows(grid, &part, &its))
            collio_transfer_walk(dataset, &part, &its, put, context, err);
        else if (list_rows(&r, &its, 0, its.data, err) == COLLIO_OK)
            hand_on(&r, err);
    }
    return err->code;
}
