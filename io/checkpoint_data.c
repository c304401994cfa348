/* How the elements of a save reach the file: each rank writes its own runs, or the ranks exchange
 * them first where runs are short. Digests are taken on the way. */
#include "step.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* What this rank has to write, and where to. */
typedef struct job {
    collio_plan *plan;
    collio_comm *comm;
    const char *path;
    int *fd; /* -1 until there is something to write */
} job;

typedef struct writer {
    int fd;
    const char *path;
    collio_record *record;
    int64_t begun, end; /* bytes of the file written since the disk was last hurried */
} writer;

/* The disk is to work while this rank digests and copies; by pieces of a few MiB. */
static void hurry(writer *w, int64_t offset, int64_t size)
{
    static const int64_t piece = 8 << 20;

    if (offset != w->end)
        w->begun = offset;
    w->end = offset + size;
    if (w->end - w->begun < piece)
        return;
    collio_posix_hurry(w->fd, w->begun, w->end - w->begun);
    w->begun = w->end;
}

/* Digest and write a run, block by block: what was digested is still in the cache when the kernel
 * copies it. */
static int write_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    writer *w = context;
    collio_record *record = w->record;
    int64_t element = collio_record_element(record);

    while (count > 0) {
        int64_t block = first / record->block, left = (block + 1) * record->block - first;
        int64_t n = count < left ? count : left;
        record->digest[block] += collio_digest((size_t)element, first, memory, n);
        if (collio_posix_write(w->fd, memory, (size_t)(n * element),
                               record->offset + first * element, w->path, err))
            return err->code;
        hurry(w, record->offset + first * element, n * element);
        memory += n * element;
        first += n;
        count -= n;
    }
    return COLLIO_OK;
}

static int open_once(const job *j, collio_error *err)
{
    return *j->fd >= 0 ? COLLIO_OK : collio_posix_open(j->path, O_WRONLY, j->fd, err);
}

/* ------------------------------------------------------------ run by run */

/* This rank's share of an item: where it lies in the array and in memory. */
static void share_of(const job *j, int i, collio_selection *where, collio_array *memory)
{
    const collio_item *item = &j->plan->items[i];
    const collio_record *record = &j->plan->table.record[i];
    int64_t start = 0, size = (int64_t)item->size;

    *memory = item->array;
    switch (item->kind) {
    case COLLIO_ITEM_PART:
        collio_selection_block(where, record->ndim, item->start, item->array.shape);
        return;
    case COLLIO_ITEM_RANK_STATE:
        for (int rank = 0; rank < collio_comm_rank(j->comm); rank++)
            start += record->part_size[rank];
        collio_array_fill(memory, (void *)item->bytes, COLLIO_UINT8, 1, &size);
        collio_selection_block(where, 1, &start, &size);
        return;
    case COLLIO_ITEM_STATE:
        collio_array_fill(memory, (void *)item->bytes, COLLIO_UINT8, 1, &size);
        break;
    case COLLIO_ITEM_COMMON:
        break;
    }
    if (collio_comm_rank(j->comm) == 0)
        collio_selection_all(where, record->ndim, record->shape);
    else
        collio_selection_none(where, 1);
}

static int write_item(const job *j, int i, collio_error *err)
{
    collio_record *record = &j->plan->table.record[i];
    collio_selection where;
    collio_array memory;
    writer w = {-1, j->path, record, -1, -1};

    share_of(j, i, &where, &memory);
    if (collio_selection_size(&where) == 0)
        return COLLIO_OK;
    if (open_once(j, err))
        return err->code;
    w.fd = *j->fd;
    return collio_runs(record->shape, &where, &memory, COLLIO_WRITING, COLLIO_PACK_BYTES, write_run,
                       &w, err);
}

/* ----------------------------------------------------------- exchanged */

static int is_packed(const collio_array *a)
{
    int64_t step = (int64_t)collio_type_size(a->type);

    for (int d = a->ndim - 1; d >= 0; d--) {
        if (a->shape[d] > 1 && a->strides[d] != step)
            return 0;
        step *= a->shape[d];
    }
    return 1;
}

typedef struct packing {
    char *to;
    int64_t element;
} packing;

static int pack_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    const packing *p = context;

    (void)err;
    memcpy(p->to + first * p->element, memory, (size_t)(count * p->element));
    return COLLIO_OK;
}

/* A copy of an array without gaps, to be freed; NULL without memory. */
static char *pack(const collio_array *a, collio_error *err)
{
    packing p = {NULL, (int64_t)collio_type_size(a->type)};
    collio_selection all;

    p.to = malloc((size_t)(collio_array_size(a) * p.element) + 1);
    if (p.to == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to pack an array");
        return NULL;
    }
    collio_selection_all(&all, a->ndim, a->shape);
    collio_runs(a->shape, &all, a, COLLIO_WRITING, COLLIO_PACK_BYTES, pack_run, &p, err);
    return p.to;
}

/* Collective: every rank comes, with its error if it has one. */
static int exchange_item(const job *j, int i, const int64_t *blocks, collio_error *err)
{
    const collio_array *memory = &j->plan->items[i].array;
    collio_record *record = &j->plan->table.record[i];
    writer w = {-1, j->path, record, -1, -1};
    char *packed = NULL;

    if (err->code == COLLIO_OK && !is_packed(memory))
        packed = pack(memory, err);
    if (err->code == COLLIO_OK)
        open_once(j, err);
    w.fd = *j->fd;
    collio_aggregate(j->comm, record, blocks, j->plan->stride,
                     packed != NULL ? packed : memory->data, write_run, &w, err);
    free(packed);
    return err->code;
}

/* ---------------------------------------------------------------- both */

int collio_plan_write(collio_plan *plan, collio_comm *comm, const char *path, int *fd,
                      collio_error *err)
{
    job j = {plan, comm, path, fd};
    int ranks = collio_comm_size(comm);

    /* First what each rank does alone: it may end with an error at any point. */
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < plan->nitems && !err->agreed; i++) {
            const int64_t *blocks = collio_plan_blocks(plan, i);
            int exchanged =
                plan->items[i].kind == COLLIO_ITEM_PART &&
                collio_aggregate_wanted(&plan->table.record[i], ranks, blocks, plan->stride);
            if (pass == 0 && !exchanged && err->code == COLLIO_OK)
                write_item(&j, i, err);
            if (pass == 1 && exchanged)
                exchange_item(&j, i, blocks, err);
        }
    return err->code;
}
