/* The grid of chunks of a dataset, and how runs of elements are cut by it. */
#include "chunk.h"

#include <string.h>

void collio_grid_make(const collio_layout *layout, collio_grid *g)
{
    memset(g, 0, sizeof *g);
    g->ndim = layout->ndim;
    g->chunk = g->width = 1;
    g->element = collio_type_size(layout->stored);
    for (int d = 0; d < g->ndim; d++) {
        g->shape[d] = layout->shape[d];
        g->chunks[d] = layout->chunks[d];
        g->counts[d] = (g->shape[d] + g->chunks[d] - 1) / g->chunks[d];
        g->chunk *= g->chunks[d];
    }
    /* Inner dimensions that chunks have whole are never cut. */
    g->inner = g->ndim - 1;
    while (g->inner > 0 && g->chunks[g->inner] == g->shape[g->inner])
        g->width *= g->shape[g->inner--];
}

void collio_grid_start(const collio_grid *g, int64_t chunk, int64_t *start)
{
    for (int d = g->ndim - 1; d >= 0; d--) {
        start[d] = chunk % g->counts[d] * g->chunks[d];
        chunk /= g->counts[d];
    }
}

int64_t collio_grid_inside(const collio_grid *g, int64_t chunk)
{
    int64_t inside = 1;

    for (int d = g->ndim - 1; d >= 0; d--) {
        int64_t left = g->shape[d] - chunk % g->counts[d] * g->chunks[d];

        inside *= left < g->chunks[d] ? left : g->chunks[d];
        chunk /= g->counts[d];
    }
    return inside;
}

/* Where an element is: the chunk and the place in it, but for the innermost dimension
 * that is cut, whose index (in elements) is returned. */
static int64_t locate(const collio_grid *g, int64_t element, collio_segment *s)
{
    int64_t row = g->shape[g->inner] * g->width, index = element % row;
    int64_t chunks = g->counts[g->inner], elements = g->chunks[g->inner] * g->width;

    element /= row;
    s->chunk = s->offset = 0;
    for (int d = g->inner - 1; d >= 0; d--) {
        int64_t at = element % g->shape[d];

        s->chunk += at / g->chunks[d] * chunks;
        s->offset += at % g->chunks[d] * elements;
        chunks *= g->counts[d];
        elements *= g->chunks[d];
        element /= g->shape[d];
    }
    return index;
}

/* Elements of one row: of all indices of the innermost dimension that is cut. */
static int cut_row(const collio_grid *g, const collio_segment *row, int64_t index, int64_t count,
                   char *memory, collio_segment_function *function, void *context,
                   collio_error *err)
{
    int64_t across = g->chunks[g->inner] * g->width;

    while (count > 0) {
        int64_t at = index % across, n = across - at < count ? across - at : count;
        collio_segment s = {row->chunk + index / across, row->offset + at, n, memory, 0, 1};

        if (function(context, &s, err))
            return err->code;
        index += n;
        count -= n;
        memory += n * (int64_t)g->element;
    }
    return COLLIO_OK;
}

int collio_grid_cut(const collio_grid *g, int64_t first, int64_t count, char *memory,
                    collio_segment_function *function, void *context, collio_error *err)
{
    int64_t row = g->shape[g->inner] * g->width;

    while (count > 0) {
        collio_segment s;
        int64_t index = locate(g, first, &s), n = row - index < count ? row - index : count;

        if (cut_row(g, &s, index, n, memory, function, context, err))
            return err->code;
        first += n;
        count -= n;
        memory += n * (int64_t)g->element;
    }
    return COLLIO_OK;
}
