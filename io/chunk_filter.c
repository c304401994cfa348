/* Write to chunks that pass filters: the ranks send what they have to the ranks that
 * own the chunks; these put whole chunks together and filter them; all ranks give them
 * space in step; the owners write them.
 *
 * A filtered chunk changes size and place with its contents, so one half written could
 * not be read at all. Therefore bytes that would overwrite what the file on disk refers
 * to are laid over it on all ranks, and go to disk with the structure. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* Chunks that one rank owns at a time take about this much memory. */
static const int64_t batch_bytes = 32 << 20;

/* What is laid over the file until the next flush; then it is flushed. */
static const int64_t most_overlaid = 64 << 20;

/* Chunks being written together: some that follow each other in the list of shares. */
typedef struct batch {
    collio_share *shares;
    int64_t first, count; /* first: number in the list */
    char **chunks;        /* of those that this rank owns: the elements, */
    char **filtered;      /* and what the filters made of them */
    int exchanged;        /* ranks need elements of each other */
} batch;

typedef struct writing {
    collio_object *dataset;
    collio_grid grid;
    const collio_selection *selection;
    const collio_array *memory;
    int ranks;
    collio_touched touched;
    collio_shares shares;
    collio_pipeline pipeline;
    char *element; /* the fill value */
    collio_parcel *parcels;
    batch batch;
} writing;

static int is_mine(const writing *w, const collio_share *share)
{
    return share->owner == w->dataset->file->rank;
}

static int64_t chunk_bytes(const writing *w)
{
    return w->grid.chunk * (int64_t)w->grid.element;
}

/* ------------------------------------------------------------ what was there */

/* Read what a chunk has now, within the dataset's extents. */
static int read_chunk(const writing *w, int64_t chunk, char *to, collio_error *err)
{
    collio_selection part, where;
    collio_array memory;
    int64_t start[COLLIO_MAX_DIMS], count[COLLIO_MAX_DIMS];
    const collio_grid *g = &w->grid;

    collio_grid_start(g, chunk, start);
    for (int d = 0; d < g->ndim; d++)
        count[d] = g->shape[d] - start[d] < g->chunks[d] ? g->shape[d] - start[d] : g->chunks[d];
    collio_selection_block(&part, g->ndim, start, count);
    collio_selection_all(&where, g->ndim, count);
    collio_array_fill(&memory, to, w->dataset->layout.stored, g->ndim, g->chunks);
    memcpy(memory.shape, count, (size_t)g->ndim * sizeof *count);
    return collio_transfer_read(w->dataset, &part, &memory, err);
}

/* Begin with what the owner does not get from ranks. */
static int begin_chunk(const writing *w, const collio_share *share, char *chunk, collio_error *err)
{
    int64_t address, size = 0;

    if (!share->whole &&
        collio_chunk_find(w->dataset, &w->grid, share->chunk, &address, &size, err))
        return err->code;
    if (!share->whole || collio_grid_inside(&w->grid, share->chunk) < w->grid.chunk)
        collio_chunk_fill(&w->grid, w->element, chunk);
    return size > 0 ? read_chunk(w, share->chunk, chunk, err) : COLLIO_OK;
}

static int begin_batch(writing *w, collio_error *err)
{
    batch *b = &w->batch;

    b->chunks = calloc((size_t)b->count, sizeof *b->chunks);
    b->filtered = calloc((size_t)b->count, sizeof *b->filtered);
    if (b->chunks == NULL || b->filtered == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for chunks");
    for (int64_t i = 0; i < b->count && err->code == COLLIO_OK; i++) {
        if (!is_mine(w, &b->shares[i]))
            continue;
        b->chunks[i] = malloc((size_t)chunk_bytes(w));
        if (b->chunks[i] == NULL)
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk of %lld bytes",
                                    (long long)chunk_bytes(w));
        begin_chunk(w, &b->shares[i], b->chunks[i], err);
    }
    return err->code;
}

static void end_batch(batch *b)
{
    for (int64_t i = 0; i < b->count; i++) {
        if (b->chunks != NULL)
            free(b->chunks[i]);
        if (b->filtered != NULL)
            free(b->filtered[i]);
    }
    free(b->chunks);
    free(b->filtered);
    b->chunks = b->filtered = NULL;
}

/* --------------------------------------------------- elements to their chunks */

/* `chunk` of the segment is the number in the batch. */
static int put_segment(void *context, const collio_segment *s, collio_error *err)
{
    writing *w = context;
    int64_t element = (int64_t)w->grid.element;

    (void)err;
    memcpy(w->batch.chunks[s->chunk] + s->offset * element, s->memory,
           (size_t)(s->count * element));
    return COLLIO_OK;
}

/* The number of a chunk in the batch, -1 if it is not in it. */
static int64_t find_in(const batch *b, int64_t chunk)
{
    int64_t low = 0, high = b->count;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (b->shares[middle].chunk < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->count && b->shares[low].chunk == chunk ? low : -1;
}

static int sort_segment(void *context, const collio_segment *s, collio_error *err)
{
    writing *w = context;
    collio_segment numbered = *s;
    const collio_share *share;

    numbered.chunk = find_in(&w->batch, s->chunk);
    if (numbered.chunk < 0)
        return COLLIO_OK;
    share = &w->batch.shares[numbered.chunk];
    if (is_mine(w, share))
        return put_segment(w, &numbered, err);
    if (share->whole)
        return COLLIO_OK; /* another rank writes the same elements */
    return collio_parcel_add(&w->parcels[share->owner], numbered.chunk, s, w->grid.element, err);
}

static int sort_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    writing *w = context;

    return collio_grid_cut(&w->grid, first, count, memory, sort_segment, w, err);
}

/* ------------------------------------------------------------------ filters */

static int filter_mine(writing *w, collio_error *err)
{
    batch *b = &w->batch;

    for (int64_t i = 0; i < b->count && err->code == COLLIO_OK; i++) {
        collio_share *share = &b->shares[i];

        share->size = 0;
        share->mask = 0;
        if (!is_mine(w, share))
            continue;
        collio_pipeline_pass(&w->pipeline, b->chunks[i], &b->filtered[i], &share->size,
                             &share->mask, err);
        free(b->chunks[i]);
        b->chunks[i] = NULL;
    }
    return err->code;
}

/* Tell all ranks what the owners know. Collective. */
static int share_sizes(const writing *w, collio_error *err)
{
    const batch *b = &w->batch;
    collio_comm *comm = w->dataset->file->comm;
    int64_t *mine = calloc(4 * (size_t)b->count, sizeof *mine), *all = NULL;

    if (mine == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for sizes of chunks");
    if (collio_agree_step(comm, "write, filtered", err))
        goto done;
    all = mine + 2 * b->count;
    for (int64_t i = 0; i < b->count; i++) {
        mine[2 * i] = b->shares[i].size;
        mine[2 * i + 1] = (int64_t)b->shares[i].mask;
    }
    if (collio_allreduce(comm, mine, all, (int)(2 * b->count), MPI_INT64_T, sizeof *mine, MPI_MAX,
                         "write, sizes of chunks", err))
        goto done;
    for (int64_t i = 0; i < b->count; i++) {
        b->shares[i].size = all[2 * i];
        b->shares[i].mask = (unsigned)all[2 * i + 1];
    }
done:
    free(mine);
    return err->code;
}

/* ------------------------------------------------------------------ to disk */

/* The owner's bytes to all ranks, and over the file. Collective. */
static int overlay(writing *w, int64_t i, collio_error *err)
{
    collio_file *file = w->dataset->file;
    const collio_share *share = &w->batch.shares[i];
    char **bytes = &w->batch.filtered[i];

    if (*bytes == NULL)
        *bytes = malloc((size_t)share->size);
    if (*bytes == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk");
    if (collio_agree_step(file->comm, "write, chunk", err) ||
        collio_bcast(file->comm, *bytes, (size_t)share->size, share->owner, "write, chunk", err))
        return err->code;
    if (collio_overlay_write(&file->disk.overlay, share->address, share->size, *bytes))
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk");
    return err->code;
}

/* Whether the bytes of a chunk must wait: for the file on disk, or because space that was overlaid
 * before is given out again. The same on all ranks. */
static int is_overlaid(const collio_disk *disk, const collio_share *share)
{
    return share->address < disk->committed ||
           collio_overlay_has(&disk->overlay, share->address, share->size);
}

static int store(writing *w, collio_error *err)
{
    const collio_disk *disk = &w->dataset->file->disk;
    collio_file *file = w->dataset->file;

    for (int64_t i = 0; i < w->batch.count; i++) {
        const collio_share *share = &w->batch.shares[i];
        int64_t end = share->address + share->size;

        if (is_overlaid(disk, share)) {
            if (overlay(w, i, err) && err->agreed)
                return err->code;
        } else if (is_mine(w, share) && err->code == COLLIO_OK) {
            collio_posix_write(disk->fd, w->batch.filtered[i], (size_t)share->size, share->address,
                               disk->path, err);
        }
        file->used = end > file->used ? end : file->used;
    }
    return err->code;
}

static int64_t overlaid(const collio_overlay *o)
{
    int64_t bytes = 0;

    for (int64_t i = 0; i < o->count; i++)
        bytes += o->pieces[i].size;
    return bytes;
}

/* ----------------------------------------------------------------- together */

/* As many chunks from `first` on as no owner has too much of. The same on all ranks. */
static int choose_batch(writing *w, int64_t first, int64_t *room)
{
    batch *b = &w->batch;

    memset(room, 0, (size_t)w->ranks * sizeof *room);
    *b = (batch){.shares = w->shares.list + first, .first = first};
    while (first + b->count < w->shares.count) {
        const collio_share *share = &b->shares[b->count];

        if (room[share->owner] > 0 && room[share->owner] + chunk_bytes(w) > batch_bytes)
            break;
        room[share->owner] += chunk_bytes(w);
        b->exchanged |= !share->alone;
        b->count++;
    }
    return b->count > 0;
}

/* Collective. */
static int write_batch(writing *w, collio_error *err)
{
    collio_file *file = w->dataset->file;
    batch *b = &w->batch;

    if (begin_batch(w, err) == COLLIO_OK)
        collio_transfer_walk(w->dataset, w->selection, w->memory, sort_run, w, err);
    if (b->exchanged &&
        collio_parcels_exchange(file->comm, w->parcels, w->grid.element, 0, put_segment, w, err) &&
        err->agreed)
        return err->code;
    if (err->code == COLLIO_OK)
        filter_mine(w, err);
    if (share_sizes(w, err) ||
        collio_chunks_allocate(w->dataset, &w->grid, b->shares, b->count, err))
        return err->code;
    store(w, err);
    /* The structure has the chunks: whoever cannot write them has broken it. */
    if (collio_finish(file, "written", 0, err))
        return err->code;
    return overlaid(&file->disk.overlay) > most_overlaid ? collio_file_flush_now(file, err)
                                                         : COLLIO_OK;
}

static int prepare(writing *w, collio_error *err)
{
    int wanted;

    w->parcels = calloc((size_t)w->ranks, sizeof *w->parcels);
    w->element = malloc(w->grid.element);
    if (w->parcels == NULL || w->element == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to write chunks");
    if (collio_touched_find(&w->grid, w->selection, w->memory, &w->touched, err) == COLLIO_OK &&
        collio_fill_value(w->dataset, w->element, &wanted, err) == COLLIO_OK)
        collio_pipeline_open(&w->pipeline, w->dataset, err);
    return err->code;
}

static void discard(writing *w)
{
    for (int i = 0; w->parcels != NULL && i < w->ranks; i++)
        free(w->parcels[i].bytes);
    collio_pipeline_close(&w->pipeline);
    free(w->parcels);
    free(w->element);
    free(w->touched.list);
    free(w->shares.list);
}

int collio_chunks_write_filtered(collio_object *dataset, const collio_selection *selection,
                                 const collio_array *memory, collio_error *err)
{
    collio_comm *comm = dataset->file->comm;
    writing w = {.dataset = dataset,
                 .selection = selection,
                 .memory = memory,
                 .ranks = collio_comm_size(comm)};
    int64_t *room = malloc((size_t)w.ranks * sizeof *room);

    collio_grid_make(&dataset->layout, &w.grid);
    if (room == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to write chunks");
    prepare(&w, err);
    collio_shares_find(comm, &w.grid, &w.touched, &w.shares, err);
    if (collio_agree_step(comm, "write, chunks found", err))
        goto done;
    for (int64_t next = 0; choose_batch(&w, next, room); next += w.batch.count) {
        write_batch(&w, err);
        end_batch(&w.batch);
        if (err->code != COLLIO_OK)
            break;
    }
done:
    discard(&w);
    free(room);
    return collio_file_outcome(dataset->file, err);
}
