/* The elements of a save on their way: each rank hands on its own runs, or, where runs are short,
 * the ranks exchange them first so that each hands on whole blocks. What takes them writes them to
 * the file, or keeps them in memory for later. */
#include "step.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------- to the file */

/* The disk is to work while this rank digests and copies; by pieces of a few MiB. */
static void hurry(collio_writer *w, int64_t offset, int64_t size)
{
    static const int64_t piece = 2 << 20;

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
int collio_writer_take(void *context, const collio_stretch *stretch, collio_error *err)
{
    collio_writer *w = context;
    collio_record *record = &w->table->record[stretch->item];
    int64_t element = collio_record_element(record), first = stretch->first, count = stretch->count;
    const char *memory = stretch->memory;

    if (w->fd < 0 && collio_posix_open(w->path, O_WRONLY, &w->fd, err))
        return err->code;
    if (stretch->stored > 0) {
        hurry(w, record->place[first], stretch->stored);
        return collio_posix_write(w->fd, memory, (size_t)stretch->stored, record->place[first],
                                  w->path, err);
    }
    while (count > 0) {
        int64_t block = collio_block_of(record, first);
        int64_t left = collio_block_first(record, block + 1) - first;
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

/* ------------------------------------------------------------ run by run */

/* What a walk over one item hands its runs to. */
typedef struct handing {
    collio_take_function *take;
    void *context;
    int item, lasting;
    const int64_t *box;
} handing;

static int hand_on(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    const handing *h = context;
    collio_stretch stretch = {h->item, first, count, memory, h->lasting, 0, h->box};

    return h->take(h->context, &stretch, err);
}

/* This rank's share of an item: where it lies in the array and in memory. */
static void share_of(const collio_plan *plan, collio_comm *comm, int i, collio_selection *where,
                     collio_array *memory)
{
    const collio_item *item = &plan->items[i];
    const collio_record *record = &plan->table.record[i];
    int64_t start = 0, size = (int64_t)item->size;

    *memory = item->array;
    switch (item->kind) {
    case COLLIO_ITEM_PART:
        collio_selection_block(where, record->ndim, item->start, item->array.shape);
        return;
    case COLLIO_ITEM_RANK_STATE:
        for (int rank = 0; rank < collio_comm_rank(comm); rank++)
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
    if (collio_comm_rank(comm) == 0)
        collio_selection_all(where, record->ndim, record->shape);
    else
        collio_selection_none(where, 1);
}

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

static int send_item(const collio_plan *plan, collio_comm *comm, int i, handing *h,
                     collio_error *err)
{
    collio_selection where;
    collio_array memory;

    share_of(plan, comm, i, &where, &memory);
    if (collio_selection_size(&where) == 0 || plan->table.record[i].apart)
        return COLLIO_OK;
    h->lasting = is_packed(&memory);
    if (plan->boxes && plan->items[i].kind == COLLIO_ITEM_PART) {
        /* One run where the memory has no gaps, which is copied as fast as memory goes. */
        h->box = collio_plan_blocks(plan, i) + (size_t)collio_comm_rank(comm) * plan->stride;
        collio_selection_all(&where, memory.ndim, memory.shape);
        return collio_runs(memory.shape, &where, &memory, COLLIO_WRITING, COLLIO_PACK_BYTES,
                           hand_on, h, err);
    }
    return collio_runs(plan->table.record[i].shape, &where, &memory, COLLIO_WRITING,
                       COLLIO_PACK_BYTES, hand_on, h, err);
}

/* ----------------------------------------------------------- exchanged */

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

static int is_exchanged(const collio_plan *plan, collio_comm *comm, int i)
{
    return plan->items[i].kind == COLLIO_ITEM_PART && !plan->table.record[i].apart &&
           collio_aggregate_wanted(&plan->table.record[i], collio_comm_size(comm),
                                   collio_plan_blocks(plan, i), plan->stride, plan->short_run);
}

/* Collective: every rank comes, with its error if it has one. */
static int exchange_item(const collio_plan *plan, collio_comm *comm, int i, handing *h,
                         collio_error *err)
{
    const collio_array *memory = &plan->items[i].array;
    char *packed = NULL;

    h->lasting = 0;
    if (err->code == COLLIO_OK && !is_packed(memory))
        packed = pack(memory, err);
    collio_aggregate(comm, plan->windows, &plan->table.record[i], collio_plan_blocks(plan, i),
                     plan->stride, packed != NULL ? packed : memory->data, hand_on, h, err);
    free(packed);
    return err->code;
}

/* ---------------------------------------------------------------- both */

int collio_plan_send(const collio_plan *plan, collio_comm *comm, collio_take_function *take,
                     void *context, collio_error *err)
{
    /* First what each rank does alone: it may end with an error at any point. */
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < plan->nitems && !err->agreed; i++) {
            handing h = {take, context, i, 0, NULL};
            int exchanged = is_exchanged(plan, comm, i);
            if (pass == 0 && !exchanged && err->code == COLLIO_OK)
                send_item(plan, comm, i, &h, err);
            if (pass == 1 && exchanged)
                exchange_item(plan, comm, i, &h, err);
        }
    return err->code;
}

size_t collio_plan_room(const collio_plan *plan, collio_comm *comm, int borrow)
{
    collio_selection where;
    collio_array memory;
    int64_t bytes = 0;

    for (int i = 0; i < plan->nitems; i++) {
        const collio_record *record = &plan->table.record[i];
        int64_t element = collio_record_element(record);
        if (is_exchanged(plan, comm, i)) {
            int64_t share =
                collio_aggregate_share(record, collio_comm_size(comm), collio_comm_rank(comm));
            /* At worst none gets smaller, and each takes as much as a full one. */
            bytes += element * (record->deflate > 0 ? share * record->block : share);
            continue;
        }
        share_of(plan, comm, i, &where, &memory);
        if (record->apart)
            continue;
        if (!borrow || !is_packed(&memory))
            bytes += element * collio_selection_size(&where);
    }
    return (size_t)bytes;
}
