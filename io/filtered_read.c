/* Read from chunks that pass filters known here, each rank by itself: from the file, through the
 * filters, to where the elements belong. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* Chunks that are open at a time take no more memory than this. */
static const int64_t most_bytes = 256 << 20;

/* A chunk that is read in several pieces. */
typedef struct place {
    int64_t left; /* elements to come */
    char *buffer; /* the whole chunk */
} place;

typedef struct reading {
    const collio_object *dataset;
    collio_grid grid;
    collio_touched touched;
    collio_unfilter filters;
    collio_chunk_bytes bytes; /* as they are in the file */
    char *fill;               /* a chunk that is not there, made when it is needed */
    const char *chunk;        /* the elements of the chunk at hand */
    place *places;
    collio_spare spare;
} reading;

/* ----------------------------------------------------------------- chunks */

static int make_fill(reading *r, collio_error *err)
{
    int wanted;

    if (r->fill != NULL)
        return COLLIO_OK;
    r->fill = malloc(r->filters.size);
    if (r->fill == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk of %zu bytes",
                                r->filters.size);
    if (collio_fill_value(r->dataset, r->fill, &wanted, err) == COLLIO_OK)
        collio_chunk_fill(&r->grid, r->fill, r->fill);
    return err->code;
}

/* Have the elements of a chunk. One that is not read whole may be asked for again. */
static int load(reading *r, const collio_touch *touch, collio_error *err)
{
    collio_kept *kept = r->dataset->kept;

    r->chunk = collio_kept_find(kept, touch->chunk);
    if (r->chunk != NULL)
        return COLLIO_OK;
    if (collio_chunk_unfilter(r->dataset, &r->grid, touch->chunk, &r->bytes, &r->filters, &r->chunk,
                              err))
        return err->code;
    if (r->chunk == NULL) {
        make_fill(r, err);
        r->chunk = r->fill;
    } else if (touch->count < collio_grid_inside(&r->grid, touch->chunk)) {
        collio_kept_add(kept, touch->chunk, r->chunk, r->filters.size);
    }
    return err->code;
}

/* ------------------------------------------------------------ chunk by chunk */

static int get_segment(void *context, const collio_segment *s, collio_error *err)
{
    const reading *r = context;
    size_t element = r->grid.element;

    (void)err;
    memcpy(s->memory, r->chunk + (size_t)s->offset * element, (size_t)s->count * element);
    return COLLIO_OK;
}

static int get_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    reading *r = context;

    return collio_grid_cut(&r->grid, first, count, memory, get_segment, r, err);
}

static int read_chunks(reading *r, const collio_cut *cut, collio_error *err)
{
    for (int64_t i = 0; i < r->touched.count && err->code == COLLIO_OK; i++) {
        collio_selection part;
        collio_array memory;

        collio_cut_part(cut, r->touched.list[i].chunk, &part, &memory);
        if (load(r, &r->touched.list[i], err) == COLLIO_OK)
            collio_transfer_fill(r->dataset, &part, &memory, get_run, r, err);
    }
    return err->code;
}

/* -------------------------------------------------------- in row-major order */

/* The bytes of all chunks that are touched of those that lie beside each other in all dimensions
 * but the first: no more are open at a time. */
static int64_t bytes_beside(const reading *r)
{
    int64_t beside = 1, most = 0, count = 0;

    for (int d = 1; d < r->grid.ndim; d++)
        beside *= r->grid.counts[d];
    for (int64_t i = 0; i < r->touched.count; i++) {
        int64_t chunk = r->touched.list[i].chunk;

        count = i > 0 && chunk / beside == r->touched.list[i - 1].chunk / beside ? count + 1 : 1;
        most = count > most ? count : most;
    }
    return most * (int64_t)r->filters.size;
}

static int open_chunk(reading *r, const collio_touch *touch, place *p, collio_error *err)
{
    if (load(r, touch, err))
        return err->code;
    p->left = touch->count;
    p->buffer = collio_spare_take(&r->spare, r->filters.size);
    if (p->buffer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk of %zu bytes",
                                r->filters.size);
    memcpy(p->buffer, r->chunk, r->filters.size);
    return COLLIO_OK;
}

static int get_any_segment(void *context, const collio_segment *s, collio_error *err)
{
    reading *r = context;
    const collio_touch *touch = collio_touched_at(&r->touched, s->chunk);
    place *p = &r->places[touch - r->touched.list];
    size_t element = r->grid.element;

    if (p->buffer == NULL && open_chunk(r, touch, p, err))
        return err->code;
    memcpy(s->memory, p->buffer + (size_t)s->offset * element, (size_t)s->count * element);
    p->left -= s->count;
    if (p->left > 0)
        return COLLIO_OK;
    collio_spare_give(&r->spare, p->buffer);
    p->buffer = NULL;
    return COLLIO_OK;
}

static int get_any_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    reading *r = context;

    return collio_grid_cut(&r->grid, first, count, memory, get_any_segment, r, err);
}

static int read_in_order(reading *r, const collio_selection *selection, const collio_array *memory,
                         collio_error *err)
{
    r->places = calloc((size_t)r->touched.count + 1, sizeof *r->places);
    if (r->places == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld chunks",
                                (long long)r->touched.count);
    return collio_transfer_fill(r->dataset, selection, memory, get_any_run, r, err);
}

/* ---------------------------------------------------------------- together */

static int find_filters(reading *r, collio_error *err)
{
    hid_t list = H5Dget_create_plist(r->dataset->id);
    size_t size = (size_t)r->grid.chunk * r->grid.element;

    if (collio_hdf5(list < 0, "H5Dget_create_plist", err))
        return err->code;
    collio_unfilter_open(&r->filters, list, size, err);
    H5Pclose(list);
    return err->code;
}

static int read_all(reading *r, const collio_selection *selection, const collio_array *memory,
                    int *taken, collio_error *err)
{
    collio_cut cut;

    if (collio_touched_find(&r->grid, selection, memory, &r->touched, err))
        return err->code;
    if (collio_cut_make(&r->grid, selection, memory, &cut))
        return read_chunks(r, &cut, err);
    *taken = bytes_beside(r) <= most_bytes;
    return *taken ? read_in_order(r, selection, memory, err) : COLLIO_OK;
}

int collio_filtered_read(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, int *taken, collio_error *err)
{
    const collio_layout *l = &dataset->layout;
    reading r = {.dataset = dataset};

    *taken = l->kind == COLLIO_STORED_CHUNKED && l->filtered && !collio_type_variable(l->stored);
    if (!*taken)
        return err->code;
    collio_grid_make(l, &r.grid);
    if (find_filters(&r, err) == COLLIO_OK && r.filters.known)
        read_all(&r, selection, memory, taken, err);
    else
        *taken = err->code != COLLIO_OK;
    for (int64_t i = 0; r.places != NULL && i < r.touched.count; i++)
        free(r.places[i].buffer);
    collio_unfilter_close(&r.filters);
    collio_chunk_bytes_free(&r.bytes);
    collio_spare_free(&r.spare);
    free(r.touched.list);
    free(r.places);
    free(r.fill);
    return err->code;
}
