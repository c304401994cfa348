/* Which chunks a rank writes to, and which of them all ranks do. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------ of one rank */

/* A hash table from chunk to count; `list` has a power of 2 of places, a count of 0
 * is a free one. */
typedef struct table {
    const collio_grid *grid;
    collio_touched used;
    collio_touch *list;
    int64_t room;
} table;

static collio_touch *place_of(collio_touch *list, int64_t room, int64_t chunk)
{
    uint64_t at = (uint64_t)chunk * 0x9E3779B97F4A7C15u >> 20;

    for (at &= (uint64_t)room - 1; list[at].count != 0 && list[at].chunk != chunk;)
        at = (at + 1) & ((uint64_t)room - 1);
    return &list[at];
}

static int grow(table *t, collio_error *err)
{
    int64_t room = t->room > 0 ? 2 * t->room : 64;
    collio_touch *list = calloc((size_t)room, sizeof *list);

    if (list == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a list of %lld chunks",
                                (long long)room);
    for (int64_t i = 0; i < t->room; i++)
        if (t->list[i].count != 0)
            *place_of(list, room, t->list[i].chunk) = t->list[i];
    free(t->list);
    t->list = list;
    t->room = room;
    return COLLIO_OK;
}

static int add_segment(void *context, const collio_segment *s, collio_error *err)
{
    table *t = context;
    collio_touch *touch;

    if (2 * t->used.count >= t->room && grow(t, err))
        return err->code;
    touch = place_of(t->list, t->room, s->chunk);
    t->used.count += touch->count == 0;
    touch->chunk = s->chunk;
    touch->count += s->count;
    return COLLIO_OK;
}

static int add_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    table *t = context;

    return collio_grid_cut(t->grid, first, count, memory, add_segment, t, err);
}

static int by_chunk(const void *a, const void *b)
{
    const collio_touch *x = a, *y = b;

    return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

/* Whether a selection is one block; where it is, and the chunks that it touches in each dimension.
 */
static int find_block(const collio_grid *g, const collio_selection *s, int64_t *end, int64_t *first,
                      int64_t *chunks)
{
    for (int d = 0; d < g->ndim; d++) {
        if (s->list[d] != NULL || (s->count[d] != 1 && s->stride[d] != s->block[d]))
            return 0;
        end[d] = s->start[d] + s->count[d] * s->block[d];
        first[d] = s->start[d] / g->chunks[d];
        chunks[d] = end[d] > s->start[d] ? (end[d] - 1) / g->chunks[d] - first[d] + 1 : 0;
    }
    return 1;
}

/* The chunk at these indices of the grid, and how much of it is in a block. */
static collio_touch touch_at(const collio_grid *g, const int64_t *start, const int64_t *end,
                             const int64_t *at)
{
    collio_touch touch = {0, 1};

    for (int d = 0; d < g->ndim; d++) {
        int64_t from = at[d] * g->chunks[d], to = from + g->chunks[d];

        from = from > start[d] ? from : start[d];
        to = to < end[d] ? to : end[d];
        touch.chunk = touch.chunk * g->counts[d] + at[d];
        touch.count *= to - from;
    }
    return touch;
}

/* Those of a block, in ascending order. */
static int touch_block(const collio_grid *g, const int64_t *start, const int64_t *end,
                       const int64_t *first, const int64_t *chunks, collio_touched *out,
                       collio_error *err)
{
    int64_t at[COLLIO_MAX_DIMS], all = 1;

    for (int d = 0; d < g->ndim; d++) {
        at[d] = first[d];
        all *= chunks[d];
    }
    out->list = malloc((size_t)all * sizeof *out->list + 1);
    if (out->list == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a list of %lld chunks",
                                (long long)all);
    while (out->count < all) {
        out->list[out->count++] = touch_at(g, start, end, at);
        for (int d = g->ndim - 1; d >= 0 && ++at[d] == first[d] + chunks[d]; d--)
            at[d] = first[d];
    }
    return COLLIO_OK;
}

int collio_touched_find(const collio_grid *grid, const collio_selection *selection,
                        const collio_array *memory, collio_touched *out, collio_error *err)
{
    table t = {.grid = grid};
    collio_array packed;
    int64_t n = 0, end[COLLIO_MAX_DIMS], first[COLLIO_MAX_DIMS], chunks[COLLIO_MAX_DIMS];

    *out = (collio_touched){NULL, 0};
    if (find_block(grid, selection, end, first, chunks))
        return touch_block(grid, selection->start, end, first, chunks, out, err);
    /* Only places count: as if memory had no gaps, so that nothing is copied. */
    collio_array_fill(&packed, memory->data, memory->type, memory->ndim, memory->shape);
    if (collio_runs(grid->shape, selection, &packed, COLLIO_WRITING, COLLIO_PACK_BYTES, add_run, &t,
                    err)) {
        free(t.list);
        return err->code;
    }
    for (int64_t i = 0; i < t.room; i++)
        if (t.list[i].count != 0)
            t.list[n++] = t.list[i];
    if (n > 0)
        qsort(t.list, (size_t)n, sizeof *t.list, by_chunk);
    *out = (collio_touched){t.list, n};
    return COLLIO_OK;
}

collio_touch *collio_touched_at(const collio_touched *touched, int64_t chunk)
{
    int64_t low = 0, high = touched->count - 1;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (touched->list[middle].chunk < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return &touched->list[low];
}

/* ----------------------------------------------------------- of all ranks */

/* What ranks tell each other: chunks that follow each other. */
typedef struct range {
    int64_t first, count, whole;
} range;

static range *ranges_of(const collio_grid *grid, const collio_touched *touched, int64_t *count,
                        collio_error *err)
{
    range *list = malloc((size_t)(touched->count + 1) * sizeof *list);
    int64_t n = 0;

    *count = 0;
    if (list == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a list of chunks");
        return NULL;
    }
    for (int64_t i = 0; i < touched->count; i++) {
        const collio_touch *t = &touched->list[i];
        int whole = t->count == collio_grid_inside(grid, t->chunk);

        if (n > 0 && list[n - 1].first + list[n - 1].count == t->chunk &&
            list[n - 1].whole == whole)
            list[n - 1].count++;
        else
            list[n++] = (range){t->chunk, 1, whole};
    }
    *count = n;
    return list;
}

/* All ranks' ranges, `each` to a rank, those that are not used with a count of 0. */
static range *gather(collio_comm *comm, range *mine, int64_t count, int64_t *each,
                     collio_error *err)
{
    collio_ticket ticket = {.operation = "write, chunks", .vote = {(uint64_t)count}};
    range *padded = NULL, *all = NULL;
    size_t size;

    if (collio_agree(comm, &ticket, err))
        return NULL;
    *each = (int64_t)ticket.max[0];
    size = (size_t)*each * sizeof *all;
    padded = calloc(1, size + 1);
    all = malloc(size * (size_t)collio_comm_size(comm) + 1);
    if (padded == NULL || all == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for lists of chunks");
    else
        memcpy(padded, mine, (size_t)count * sizeof *mine);
    if (collio_agree_step(comm, "write, room for chunks", err) == COLLIO_OK && *each > 0)
        collio_allgather(comm, padded, all, size, "write, chunks", err);
    free(padded);
    if (err->code == COLLIO_OK)
        return all;
    free(all);
    return NULL;
}

/* One rank's claim to one chunk. */
typedef struct claim {
    int64_t chunk;
    int rank, whole;
} claim;

static int by_chunk_then_rank(const void *a, const void *b)
{
    const claim *x = a, *y = b;

    if (x->chunk != y->chunk)
        return x->chunk > y->chunk ? 1 : -1;
    if (x->whole != y->whole)
        return y->whole - x->whole;
    return x->rank - y->rank;
}

static claim *claims_of(const range *all, int64_t each, int ranks, int64_t *count,
                        collio_error *err)
{
    int64_t n = 0;
    claim *list;

    for (int64_t i = 0; i < each * ranks; i++)
        n += all[i].count;
    list = malloc((size_t)n * sizeof *list + 1);
    if (list == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld chunks", (long long)n);
    n = 0;
    for (int64_t i = 0; list != NULL && i < each * ranks; i++)
        for (int64_t j = 0; j < all[i].count; j++)
            list[n++] = (claim){all[i].first + j, (int)(i / each), (int)all[i].whole};
    if (n > 0)
        qsort(list, (size_t)n, sizeof *list, by_chunk_then_rank);
    *count = n;
    return list;
}

/* Of the claims to one chunk, the first ones of which may be whole. */
static collio_share share_of(const claim *list, int64_t count)
{
    collio_share share = {
        .chunk = list[0].chunk, .whole = list[0].whole, .alone = list[0].whole || count == 1};
    int64_t choice = 0;

    while (choice < count && list[choice].whole == list[0].whole)
        choice++;
    share.owner = list[list[0].chunk % choice].rank;
    return share;
}

static void merge(const claim *list, int64_t count, collio_shares *out, collio_error *err)
{
    out->list = malloc((size_t)count * sizeof *out->list + 1);
    if (out->list == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld chunks", (long long)count);
        return;
    }
    for (int64_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && list[to].chunk == list[from].chunk;)
            to++;
        out->list[out->count++] = share_of(list + from, to - from);
    }
}

int collio_shares_find(collio_comm *comm, const collio_grid *grid, const collio_touched *touched,
                       collio_shares *out, collio_error *err)
{
    int64_t count = 0, each = 0, claims = 0;
    range *mine = ranges_of(grid, touched, &count, err), *all;
    claim *list;

    *out = (collio_shares){NULL, 0};
    all = gather(comm, mine, count, &each, err);
    if (all != NULL) {
        list = claims_of(all, each, collio_comm_size(comm), &claims, err);
        if (list != NULL)
            merge(list, claims, out, err);
        free(list);
    }
    free(mine);
    free(all);
    return err->code;
}
