/* Write to chunks that pass no filters: each rank its own elements, where they are in
 * the file. Chunks without space get it first, on all ranks in step, and then the fill
 * value from one of them. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* Chunks being put together by one rank at a time take no more memory than this. */
static const int64_t most_bytes = 64 << 20;

/* The vote of a write to chunks: how many have no space yet. */
enum { MISSING };

/* A chunk that this rank touches. */
typedef struct place {
    int64_t address; /* bytes; -1: no space yet */
    int64_t left;    /* elements to come; -1: it is not put together */
    char *buffer;
} place;

typedef struct collio_chunks {
    collio_object *dataset;
    collio_grid grid;
    collio_touched touched;
    place *places;  /* of the chunks touched */
    char *element;  /* the fill value */
    int fills;      /* it is wanted */
    int64_t size;   /* bytes of a chunk */
    int64_t opened; /* bytes of all buffers in use */
    collio_spare spare;
} writing;

/* ----------------------------------------------------------------- places */

/* Find the chunks that this rank touches. */
static int find_places(writing *w, int64_t *missing, collio_error *err)
{
    w->places = calloc((size_t)w->touched.count + 1, sizeof *w->places);
    w->element = malloc(w->grid.element);
    if (w->places == NULL || w->element == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld chunks",
                                (long long)w->touched.count);
    for (int64_t i = 0; i < w->touched.count && err->code == COLLIO_OK; i++) {
        const collio_touch *touch = &w->touched.list[i];
        int64_t size;

        collio_chunk_find(w->dataset, &w->grid, touch->chunk, &w->places[i].address, &size, err);
        if (size == 0)
            w->places[i].address = -1;
        w->places[i].left =
            touch->count == collio_grid_inside(&w->grid, touch->chunk) ? touch->count : -1;
        *missing += size == 0;
    }
    return err->code;
}

/* Those without space. */
static void missing_ones(const writing *w, collio_touched *out, collio_error *err)
{
    out->count = 0;
    out->list = malloc((size_t)w->touched.count * sizeof *out->list + 1);
    if (out->list == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for new chunks");
    for (int64_t i = 0; out->list != NULL && i < w->touched.count; i++)
        if (w->places[i].address < 0)
            out->list[out->count++] = w->touched.list[i];
}

/* ------------------------------------------------------------- new chunks */

static int is_zero(const writing *w)
{
    for (size_t i = 0; i < w->grid.element; i++)
        if (w->element[i] != 0)
            return 0;
    return 1;
}

/* Whether a new chunk needs the fill value. Space that was never used is zero. */
static int is_to_fill(const writing *w, const collio_share *share, int64_t used)
{
    return !share->whole && w->fills && (share->address < used || !is_zero(w));
}

/* Put the fill value into those of the new chunks that this rank owns. */
static int fill_mine(const writing *w, const collio_shares *shares, int64_t used, collio_error *err)
{
    collio_disk *disk = &w->dataset->file->disk;
    char *chunk = malloc((size_t)w->size);

    if (chunk == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk");
    collio_chunk_fill(&w->grid, w->element, chunk);
    for (int64_t i = 0; i < shares->count && err->code == COLLIO_OK; i++)
        if (shares->list[i].owner == w->dataset->file->rank &&
            is_to_fill(w, &shares->list[i], used))
            collio_posix_write(disk->fd, chunk, (size_t)w->size, shares->list[i].address,
                               disk->path, err);
    free(chunk);
    return err->code;
}

/* Give new chunks their space and what is in it at first. Collective. */
static int settle(writing *w, collio_shares *shares, collio_error *err)
{
    collio_file *file = w->dataset->file;
    int64_t used = file->used, low = INT64_MAX, high = 0, to_fill = 0;
    int reused;

    for (int64_t i = 0; i < shares->count; i++)
        shares->list[i].size = w->size;
    if (collio_chunks_allocate(w->dataset, &w->grid, shares->list, shares->count, err))
        return err->code;
    for (int64_t i = 0; i < shares->count; i++) {
        int64_t address = shares->list[i].address;

        low = address < low ? address : low;
        high = address + w->size > high ? address + w->size : high;
    }
    /* What is in memory only is about to come there. */
    if (shares->count > 0 && collio_overlay_has(&file->disk.overlay, low, high - low))
        used = high;
    for (int64_t i = 0; i < shares->count; i++)
        to_fill += is_to_fill(w, &shares->list[i], used);
    if (collio_space_claim(file, low, high - low, &reused, err) || to_fill == 0)
        return err->code;
    fill_mine(w, shares, used, err);
    return collio_finish_elements(file, "write, fill values", err);
}

static void take_addresses(writing *w, const collio_shares *shares)
{
    for (int64_t i = 0, j = 0; i < w->touched.count; i++) {
        if (w->places[i].address >= 0)
            continue;
        while (shares->list[j].chunk < w->touched.list[i].chunk)
            j++;
        w->places[i].address = shares->list[j].address;
    }
}

/* Collective. */
static int make_chunks(writing *w, collio_error *err)
{
    collio_shares shares = {NULL, 0};
    collio_touched missing;

    missing_ones(w, &missing, err);
    collio_shares_find(w->dataset->file->comm, &w->grid, &missing, &shares, err);
    if (collio_agree_step(w->dataset->file->comm, "write, new chunks", err) == COLLIO_OK &&
        settle(w, &shares, err) == COLLIO_OK)
        take_addresses(w, &shares);
    free(missing.list);
    free(shares.list);
    return err->code;
}

/* --------------------------------------------------------------- elements */

static int write_at(const writing *w, int64_t address, const char *bytes, int64_t size,
                    collio_error *err)
{
    const collio_disk *disk = &w->dataset->file->disk;

    return collio_disk_write(disk, bytes, size, address, err);
}

/* Begin to put a chunk together, if there is memory; it can be written in segments, too. */
static void open_chunk(writing *w, place *p, const collio_segment *s)
{
    if (w->opened + w->size <= most_bytes)
        p->buffer = collio_spare_take(&w->spare, (size_t)w->size);
    if (p->buffer == NULL) {
        p->left = -1;
        return;
    }
    w->opened += w->size;
    /* Beyond the border of the dataset a chunk has the fill value. */
    if (collio_grid_inside(&w->grid, s->chunk) < w->grid.chunk)
        collio_chunk_fill(&w->grid, w->element, p->buffer);
}

static int close_chunk(writing *w, place *p, collio_error *err)
{
    write_at(w, p->address, p->buffer, w->size, err);
    collio_spare_give(&w->spare, p->buffer);
    p->buffer = NULL;
    w->opened -= w->size;
    return err->code;
}

static int put_segment(void *context, const collio_segment *s, collio_error *err)
{
    writing *w = context;
    place *p = &w->places[collio_touched_at(&w->touched, s->chunk) - w->touched.list];
    int64_t element = (int64_t)w->grid.element;

    if (p->left > 0 && p->buffer == NULL && s->count < w->grid.chunk)
        open_chunk(w, p, s);
    if (p->buffer == NULL)
        return write_at(w, p->address + s->offset * element, s->memory, s->count * element, err);
    memcpy(p->buffer + s->offset * element, s->memory, (size_t)(s->count * element));
    p->left -= s->count;
    return p->left > 0 ? COLLIO_OK : close_chunk(w, p, err);
}

static int put_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    writing *w = context;

    return collio_grid_cut(&w->grid, first, count, memory, put_segment, w, err);
}

static int put_rows(void *context, int64_t number, int64_t offset, struct iovec *rows, int count,
                    collio_error *err)
{
    const writing *w = context;

    return collio_disk_gather(&w->dataset->file->disk, rows, count,
                              w->places[number].address + offset, err);
}

/* ---------------------------------------------------------------- together */

void collio_chunks_drop(writing *w)
{
    if (w == NULL)
        return;
    for (int64_t i = 0; w->places != NULL && i < w->touched.count; i++)
        free(w->places[i].buffer);
    collio_spare_free(&w->spare);
    free(w->places);
    free(w->touched.list);
    free(w->element);
    free(w);
}

writing *collio_chunks_prepare(collio_object *dataset, const collio_selection *selection,
                               const collio_array *memory, collio_ticket *ticket, collio_error *err)
{
    writing *w = calloc(1, sizeof *w);
    int64_t missing = 0;

    if (w == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to write chunks");
        return NULL;
    }
    w->dataset = dataset;
    collio_grid_make(&dataset->layout, &w->grid);
    w->size = w->grid.chunk * (int64_t)w->grid.element;
    if (collio_touched_find(&w->grid, selection, memory, &w->touched, err) == COLLIO_OK &&
        find_places(w, &missing, err) == COLLIO_OK)
        collio_fill_value(dataset, w->element, &w->fills, err);
    ticket->vote[MISSING] = (uint64_t)missing;
    return w;
}

int collio_chunks_write(writing *w, const collio_selection *selection, const collio_array *memory,
                        const collio_ticket *ticket, collio_error *err)
{
    collio_file *file = w->dataset->file;

    if (ticket->max[MISSING] > 0 && make_chunks(w, err))
        return collio_file_outcome(file, err);
    collio_chunks_walk(w->dataset, &w->grid, &w->touched, selection, memory, put_rows, put_run, w,
                       err);
    return collio_finish_elements(file, "written", err);
}
