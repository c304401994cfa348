/* What of a selection is in a chunk. The indexes of each dimension increase, so those in a chunk
 * follow each other, and their memory is a part of it. */
#include "chunk.h"

/* ----------------------------------------------------------- one dimension */

static int is_range(const collio_selection *s, int d)
{
    return s->list[d] == NULL && (s->count[d] == 1 || s->stride[d] == s->block[d]);
}

int collio_selection_is_block(const collio_selection *s)
{
    for (int d = 0; d < s->ndim; d++)
        if (!is_range(s, d))
            return 0;
    return 1;
}

static int64_t index_at(const collio_selection *s, int d, int64_t step)
{
    return s->list[d] != NULL ? s->list[d][step] : s->start[d] + step * s->stride[d];
}

/* How many of the indexes of a dimension are less than `end`. */
static int64_t steps_below(const collio_selection *s, int d, int64_t end)
{
    int64_t low = 0, high = s->count[d];

    if (is_range(s, d)) {
        int64_t below = end - s->start[d], all = s->count[d] * s->block[d];

        return below < 0 ? 0 : below < all ? below : all;
    }
    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (index_at(s, d, middle) < end)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Let a part have the indexes from one step on. */
static void take_steps(const collio_selection *s, int d, int64_t first, int64_t count,
                       collio_selection *part)
{
    part->count[d] = count;
    part->block[d] = 1;
    part->list[d] = s->list[d] != NULL ? s->list[d] + first : NULL;
    part->stride[d] = is_range(s, d) || s->list[d] != NULL ? 1 : s->stride[d];
    part->start[d] = s->list[d] != NULL ? 0 : s->start[d] + first * part->stride[d];
}

/* --------------------------------------------------------------- together */

/* The next dimension of memory that has more than one index. */
static int next_dimension(const collio_array *memory, int d)
{
    while (d < memory->ndim && memory->shape[d] == 1)
        d++;
    return d;
}

int collio_cut_make(const collio_grid *grid, const collio_selection *s, const collio_array *memory,
                    collio_cut *out)
{
    int m = next_dimension(memory, 0);

    *out = (collio_cut){.grid = grid, .selection = s, .memory = memory};
    if (s->ndim != grid->ndim)
        return 0;
    for (int d = 0; d < s->ndim; d++) {
        int64_t count = s->count[d] * s->block[d];

        if (!is_range(s, d) && s->list[d] == NULL && s->block[d] != 1)
            return 0;
        if (count == 1)
            continue;
        if (m == memory->ndim || memory->shape[m] != count)
            return 0;
        out->strides[d] = memory->strides[m];
        m = next_dimension(memory, m + 1);
    }
    return m == memory->ndim;
}

void collio_cut_part(const collio_cut *cut, int64_t chunk, collio_selection *part,
                     collio_array *memory)
{
    const collio_grid *g = cut->grid;
    int64_t start[COLLIO_MAX_DIMS];

    *memory = *cut->memory;
    memory->ndim = part->ndim = g->ndim;
    part->flat = 0;
    collio_grid_start(g, chunk, start);
    for (int d = 0; d < g->ndim; d++) {
        int64_t first = steps_below(cut->selection, d, start[d]);
        int64_t last = steps_below(cut->selection, d, start[d] + g->chunks[d]);

        take_steps(cut->selection, d, first, last - first, part);
        memory->shape[d] = last - first;
        memory->strides[d] = cut->strides[d];
        memory->data = (char *)memory->data + first * cut->strides[d];
    }
}
