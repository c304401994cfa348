/* Read from chunks that pass no filters, each rank by itself, where they are in the file. HDF5
 * would read every row of a chunk by itself, because it must not keep chunks that other ranks
 * change. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* Chunks that are open at a time take no more memory than this. */
static const int64_t most_bytes = 64 << 20;

/* Larger segments are read to where they belong. */
static const int64_t large_segment = 32 << 10;

/* A chunk that is read. */
typedef struct place {
    int64_t address; /* bytes; -1: it has no space, all elements are the fill value */
    int64_t left;    /* elements to come */
    char *buffer;    /* the whole chunk */
} place;

typedef struct reading {
    const collio_object *dataset;
    collio_grid grid;
    collio_touched touched;
    place *places;
    char *element; /* the fill value */
    int64_t size;  /* bytes of a chunk */
    int64_t opened;
    collio_spare spare;
} reading;

static int find_places(reading *r, collio_error *err)
{
    int missing = 0, wanted;

    r->places = calloc((size_t)r->touched.count + 1, sizeof *r->places);
    r->element = malloc(r->grid.element);
    if (r->places == NULL || r->element == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld chunks",
                                (long long)r->touched.count);
    for (int64_t i = 0; i < r->touched.count && err->code == COLLIO_OK; i++) {
        int64_t size;

        collio_chunk_find(r->dataset, &r->grid, r->touched.list[i].chunk, &r->places[i].address,
                          &size, err);
        if (size == 0)
            r->places[i].address = -1;
        r->places[i].left = r->touched.list[i].count;
        missing |= size == 0;
    }
    return missing ? collio_fill_value(r->dataset, r->element, &wanted, err) : err->code;
}

static int read_at(const reading *r, int64_t address, char *to, int64_t size, collio_error *err)
{
    const collio_disk *disk = &r->dataset->file->disk;

    return collio_disk_read(disk, to, size, address, err);
}

static void put_fill(const reading *r, const collio_segment *s)
{
    for (int64_t i = 0; i < s->count; i++)
        memcpy(s->memory + i * (int64_t)r->grid.element, r->element, r->grid.element);
}

/* Have the whole chunk, where much of it is wanted in small segments. */
static int open_chunk(reading *r, place *p, const collio_segment *s, collio_error *err)
{
    if (p->buffer != NULL || s->count * (int64_t)r->grid.element >= large_segment ||
        p->left < r->grid.chunk / 16 || r->opened + r->size > most_bytes)
        return COLLIO_OK;
    p->buffer = collio_spare_take(&r->spare, (size_t)r->size);
    if (p->buffer == NULL)
        return COLLIO_OK; /* by segments, then */
    r->opened += r->size;
    return read_at(r, p->address, p->buffer, r->size, err);
}

static void close_chunk(reading *r, place *p)
{
    if (p->buffer == NULL)
        return;
    r->opened -= r->size;
    collio_spare_give(&r->spare, p->buffer);
    p->buffer = NULL;
}

static int get_segment(void *context, const collio_segment *s, collio_error *err)
{
    reading *r = context;
    place *p = &r->places[collio_touched_at(&r->touched, s->chunk) - r->touched.list];
    int64_t element = (int64_t)r->grid.element, size = s->count * element;

    if (p->address < 0) {
        put_fill(r, s);
        return COLLIO_OK;
    }
    if (open_chunk(r, p, s, err))
        return err->code;
    if (p->buffer != NULL)
        memcpy(s->memory, p->buffer + s->offset * element, (size_t)size);
    else if (read_at(r, p->address + s->offset * element, s->memory, size, err))
        return err->code;
    p->left -= s->count;
    if (p->left <= 0)
        close_chunk(r, p);
    return COLLIO_OK;
}

static int get_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    reading *r = context;

    return collio_grid_cut(&r->grid, first, count, memory, get_segment, r, err);
}

int collio_chunks_read(const collio_object *dataset, const collio_selection *selection,
                       const collio_array *memory, collio_error *err)
{
    reading r = {.dataset = dataset};

    collio_grid_make(&dataset->layout, &r.grid);
    r.size = r.grid.chunk * (int64_t)r.grid.element;
    if (collio_touched_find(&r.grid, selection, memory, &r.touched, err) == COLLIO_OK &&
        find_places(&r, err) == COLLIO_OK)
        collio_transfer_fill(dataset, selection, memory, get_run, &r, err);
    for (int64_t i = 0; r.places != NULL && i < r.touched.count; i++)
        free(r.places[i].buffer);
    collio_spare_free(&r.spare);
    free(r.places);
    free(r.touched.list);
    free(r.element);
    return err->code;
}
