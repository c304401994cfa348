/*
 * The file of one rank: its parts of a step. Made, then filled from the caller's memory or, in the
 * background, from copies; sealed, durable. Nothing in here waits for another rank.
 */
#include "rankset.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -------------------------------------------------------------- the file */

/* What a rank writes: its file's table, and which record of the step each of its own is. */
struct collio_rank_file {
    collio_save *s;
    collio_table table;
    int *record;
    char *ranks, *path;
    collio_writer writer;
    int at;         /* the record under way */
    char *block;    /* compressed: elements of one block, where they do not lie together */
    int64_t filled; /* of it */
};

typedef collio_rank_file own_file;

static int make_table(own_file *f, collio_error *err)
{
    const collio_table *step = &f->s->plan.table;
    int rank = collio_comm_rank(f->s->c->comm), count = 0;

    f->record = malloc(((size_t)step->count + 1) * sizeof *f->record);
    if (f->record == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the parts of this rank");
    for (int i = 0; i < step->count; i++)
        if (step->record[i].apart &&
            !collio_box_is_empty(&step->record[i], collio_rankset_box(step, rank, i)))
            f->record[count++] = i;
    if (collio_table_make(&f->table, count, err))
        return err->code;
    for (int k = 0; k < count && err->code == COLLIO_OK; k++) {
        const collio_record *r = &step->record[f->record[k]];
        const int64_t *box = collio_rankset_box(step, rank, f->record[k]);
        int deflate = r->kind == COLLIO_ITEM_PART ? f->s->c->options.deflate : 0;
        collio_record_fill(&f->table.record[k], r->name, "", COLLIO_ITEM_PART, r->type, r->ndim,
                           box + r->ndim, 1, deflate, err);
        f->table.record[k].kind = COLLIO_ITEM_COMMON;
    }
    memcpy(f->table.uuid, step->uuid, sizeof step->uuid);
    f->table.step = step->step;
    f->table.writers = step->writers;
    f->table.time = step->time;
    return err->code;
}

/* --------------------------------------------------------------- digests */

/* Add a run of the whole array to the digests of its blocks. */
static void digest_run(collio_record *whole, int64_t first, int64_t count, const char *memory)
{
    int64_t element = collio_record_element(whole);

    while (count > 0) {
        int64_t block = collio_block_of(whole, first);
        int64_t left = collio_block_first(whole, block + 1) - first;
        int64_t n = count < left ? count : left;
        whole->digest[block] += collio_digest((size_t)element, first, memory, n);
        memory += n * element;
        first += n;
        count -= n;
    }
}

/* Where an element of the box lies in the whole array. */
static int64_t index_of(const collio_record *whole, const int64_t *box, const int64_t *at)
{
    int64_t index = 0;

    for (int d = 0; d < whole->ndim; d++)
        index = index * whole->shape[d] + box[d] + at[d];
    return index;
}

/* Elements of the box that came together, under their places in the whole array: what the digests
 * of the step are of. */
static void digest_piece(own_file *f, int64_t first, int64_t count, const char *memory)
{
    collio_save *s = f->s;
    collio_record *whole = &s->plan.table.record[f->record[f->at]];
    const int64_t *box =
        collio_rankset_box(&s->plan.table, collio_comm_rank(s->c->comm), f->record[f->at]);
    const int64_t *shape = box + whole->ndim;
    int64_t at[COLLIO_MAX_DIMS], element = collio_record_element(whole), rest = first, run, left;
    int d = whole->ndim - 1;

    for (run = shape[d]; d > 0 && shape[d] == whole->shape[d]; run *= shape[d])
        d--;
    for (int k = whole->ndim - 1; k >= 0; rest /= shape[k--])
        at[k] = rest % shape[k];
    for (left = run - first % run; count > 0; left = run) {
        int64_t n = left < count ? left : count;
        digest_run(whole, index_of(whole, box, at), n, memory);
        memory += n * element;
        count -= n;
        memset(at + d, 0, (size_t)(whole->ndim - d) * sizeof *at);
        for (int k = d - 1; k >= 0 && ++at[k] == shape[k]; k--)
            at[k] = 0;
    }
}

/* ------------------------------------------------------------------ data */

/* By blocks: what both digests look at, and the kernel copies, is still in the cache. */
static int write_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    own_file *f = context;
    const collio_record *own = &f->table.record[f->at];
    int64_t element = collio_record_element(own);

    while (count > 0 && err->code == COLLIO_OK) {
        int64_t left = collio_block_first(own, collio_block_of(own, first) + 1) - first;
        collio_stretch stretch = {f->at, first, count < left ? count : left, memory, 0, 0, NULL};
        if (collio_writer_take(&f->writer, &stretch, err) == COLLIO_OK)
            digest_piece(f, first, stretch.count, memory);
        memory += stretch.count * element;
        first += stretch.count;
        count -= stretch.count;
    }
    return err->code;
}

/* The same to be compressed: blocks are put together first, unless they are. */
static int deflate_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    own_file *f = context;
    collio_record *own = &f->table.record[f->at];
    int64_t element = collio_record_element(own);

    while (count > 0 && err->code == COLLIO_OK) {
        int64_t block = collio_block_of(own, first), whole = collio_block_count(own, block);
        int64_t left = whole - f->filled, n = count < left ? count : left;
        if (n < whole)
            memcpy(f->block + f->filled * element, memory, (size_t)(n * element));
        digest_piece(f, first, n, memory);
        f->filled += n;
        if (f->filled == whole) {
            collio_staging_deflate(&f->s->c->apart, own, f->at, block,
                                   n < whole ? f->block : memory, err);
            f->filled = 0;
        }
        memory += n * element;
        first += n;
        count -= n;
    }
    return err->code;
}

/* A part as it is in the caller's memory. */
static collio_array memory_of(const own_file *f, int k)
{
    const collio_item *item = &f->s->plan.items[f->record[k]];
    collio_array memory = item->array;

    if (item->kind == COLLIO_ITEM_RANK_STATE)
        collio_array_fill(&memory, (void *)item->bytes, COLLIO_UINT8, 1, f->table.record[k].shape);
    return memory;
}

/* The parts that are compressed, or those that are not, one after the other. */
static void each_part(own_file *f, int deflated, collio_run_function *take, collio_error *err)
{
    for (f->at = 0; f->at < f->table.count && err->code == COLLIO_OK; f->at++) {
        const collio_record *own = &f->table.record[f->at];
        collio_array memory = memory_of(f, f->at);
        collio_selection all;

        if ((own->deflate > 0) != deflated)
            continue;
        collio_selection_all(&all, own->ndim, own->shape);
        collio_runs(own->shape, &all, &memory, COLLIO_WRITING, COLLIO_PACK_BYTES, take, f, err);
    }
}

/* ----------------------------------------------------------------- copies */

static int is_borrowed(const own_file *f, int k)
{
    collio_array memory = memory_of(f, k);

    return f->s->borrow && f->s->plan.items[f->record[k]].kind != COLLIO_ITEM_RANK_STATE &&
           collio_is_packed(&memory);
}

static int keep_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    own_file *f = context;
    int borrowed = is_borrowed(f, f->at);
    collio_stretch stretch = {f->at, first, count, memory, borrowed, 0, NULL};

    return collio_staging_add(&f->s->c->apart, &stretch,
                              collio_record_element(&f->table.record[f->at]), borrowed, err);
}

/* What is compressed, and what is kept, before the file is filled. Of what an earlier save has kept
 * nothing is to be written again. */
static int prepare(own_file *f, collio_error *err)
{
    int64_t most = 0, room = 0;

    for (int k = 0; k < f->table.count; k++) {
        const collio_record *own = &f->table.record[k];
        int64_t element = collio_record_element(own);
        int64_t block = own->deflate > 0 ? own->block * element : 0;
        most = block > most ? block : most;
        room += block * own->blocks;
        if (f->s->background && block == 0 && !is_borrowed(f, k))
            room += own->size * element;
    }
    if (collio_staging_prepare(&f->s->c->apart, (size_t)room, err))
        return err->code;
    if (most > 0) {
        f->block = malloc((size_t)most);
        if (f->block == NULL)
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to compress %lld bytes",
                                    (long long)most);
        each_part(f, 1, deflate_run, err);
    }
    if (f->s->background)
        each_part(f, 0, keep_run, err);
    return err->code;
}

/* -------------------------------------------------------------------- file */

int collio_rank_file_create(collio_save *s, collio_error *err)
{
    own_file *f = calloc(1, sizeof *f);

    if (f == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the file of this rank");
    s->own = f;
    f->s = s;
    f->writer = (collio_writer){.fd = -1, .begun = -1, .end = -1};
    f->ranks = collio_name_apart(s->c->directory, s->plan.table.uuid, s->plan.step, 1, err);
    if (f->ranks != NULL)
        f->path = collio_name_rank(f->ranks, collio_comm_rank(s->c->comm), err);
    f->writer.path = f->path;
    f->writer.table = &f->table;
    /* How many bytes there are when compressed is known before the file is laid out. */
    if (f->path != NULL && make_table(f, err) == COLLIO_OK && prepare(f, err) == COLLIO_OK &&
        collio_skeleton_create(f->path, &f->table, !s->background, err) == COLLIO_OK)
        collio_posix_open(f->path, O_RDWR, &f->writer.fd, err);
    return err->code;
}

static int put_kept(void *context, const collio_stretch *stretch, collio_error *err)
{
    own_file *f = context;

    if (stretch->stored > 0)
        return collio_writer_take(&f->writer, stretch, err);
    f->at = stretch->item;
    return write_run(f, stretch->first, stretch->count, (char *)stretch->memory, err);
}

int collio_rank_file_fill(collio_save *s, collio_error *err)
{
    own_file *f = s->own;

    if (f == NULL || err->code != COLLIO_OK)
        return err->code;
    if (!s->background || collio_posix_reserve(f->writer.fd, f->table.file_size, f->path, err) == 0)
        collio_staging_write(&s->c->apart, &f->table, put_kept, f, err);
    if (!s->background)
        each_part(f, 0, write_run, err);
    /* One sync for data and seal: nothing refers to this file before it. */
    if (err->code == COLLIO_OK)
        collio_seal_write(f->writer.fd, &f->table, f->path, err);
    collio_posix_close(&f->writer.fd, f->path, err);
    if (err->code == COLLIO_OK)
        collio_posix_sync_directory(f->ranks, err);
    return err->code;
}

void collio_rank_file_facts(const collio_save *s, int64_t *facts)
{
    facts[0] = s->own != NULL ? (int64_t)s->own->table.seal : 0;
    facts[1] = s->own != NULL ? s->own->table.file_size : 0;
}

/* A rank may be late, so that its file comes when rank 0 has removed those of the others. */
static void withdraw(const own_file *f)
{
    if (f->path != NULL && unlink(f->path) == 0)
        rmdir(f->ranks);
}

void collio_rank_file_free(collio_save *s, int success)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    own_file *f = s->own;

    s->own = NULL;
    if (f == NULL)
        return;
    collio_posix_close(&f->writer.fd, f->path, &ignored);
    if (!success && !s->learnt)
        withdraw(f);
    collio_table_free(&f->table);
    free(f->block);
    free(f->record);
    free(f->ranks);
    free(f->path);
    free(f);
}
