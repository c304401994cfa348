/*
 * Saving arrays into files of the ranks. Each rank makes a file of its parts alone: skeleton, data,
 * seal, durable. Then all agree, and learn the seals of all.
 */
#include "rankset.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* ----------------------------------------------------------------- boxes */

/* Arrays in parts, and states of ranks, lie apart; what is empty has no need to. */
static void set_apart(collio_table *table)
{
    for (int i = 0; i < table->count; i++) {
        collio_record *record = &table->record[i];
        record->apart = record->size > 0 && (record->kind == COLLIO_ITEM_PART ||
                                             record->kind == COLLIO_ITEM_RANK_STATE);
    }
}

static void fill_boxes(const collio_plan *plan)
{
    const collio_table *table = &plan->table;

    for (int i = 0; i < table->count; i++) {
        const collio_record *record = &table->record[i];
        const int64_t *words = collio_plan_blocks(plan, i);
        int64_t start = 0;
        for (int file = 0; record->apart && file < table->ranks->files; file++) {
            int64_t *box = collio_rankset_box(table, file, i);
            if (record->kind == COLLIO_ITEM_PART) {
                memcpy(box, words + (size_t)file * plan->stride,
                       2 * (size_t)record->ndim * sizeof *box);
            } else {
                box[0] = start;
                box[1] = record->part_size[file];
                start += box[1];
            }
            /* Where an empty part begins says nothing, and may lie anywhere. */
            if (collio_box_is_empty(record, box))
                memset(box, 0, 2 * (size_t)record->ndim * sizeof *box);
        }
    }
}

/* -------------------------------------------------------------- the file */

/* What a rank writes: its file's table, and which record of the step each of its own is. */
typedef struct own_file {
    collio_save *s;
    collio_table table;
    int *record;
    char *path;
    collio_writer writer;
    int at;         /* the record under way */
    char *block;    /* compressed: elements of one block, where they do not lie together */
    int64_t filled; /* of it */
} own_file;

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
            collio_staging_deflate(&f->s->c->staging, own, f->at, block,
                                   n < whole ? f->block : memory, err);
            f->filled = 0;
        }
        memory += n * element;
        first += n;
        count -= n;
    }
    return err->code;
}

/* The parts that are compressed, or those that are not, one after the other. */
static void each_part(own_file *f, int deflated, collio_run_function *take, collio_error *err)
{
    for (f->at = 0; f->at < f->table.count && err->code == COLLIO_OK; f->at++) {
        const collio_item *item = &f->s->plan.items[f->record[f->at]];
        const collio_record *own = &f->table.record[f->at];
        collio_array memory = item->array;
        collio_selection all;

        if ((own->deflate > 0) != deflated)
            continue;
        if (item->kind == COLLIO_ITEM_RANK_STATE)
            collio_array_fill(&memory, (void *)item->bytes, COLLIO_UINT8, 1, own->shape);
        collio_selection_all(&all, own->ndim, own->shape);
        collio_runs(own->shape, &all, &memory, COLLIO_WRITING, COLLIO_PACK_BYTES, take, f, err);
    }
}

/* How many bytes there are when compressed is known before the file is laid out. */
static int deflate_parts(own_file *f, collio_error *err)
{
    int64_t most = 0, room = 0;

    for (int i = 0; i < f->table.count; i++) {
        const collio_record *own = &f->table.record[i];
        int64_t block = own->deflate > 0 ? own->block * collio_record_element(own) : 0;
        most = block > most ? block : most;
        room += block * own->blocks;
    }
    /* Of what an earlier save has kept nothing is to be written again. */
    if (collio_staging_prepare(&f->s->c->staging, (size_t)room, err) || most == 0)
        return err->code;
    f->block = malloc((size_t)most);
    if (f->block == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to compress %lld bytes",
                                (long long)most);
    each_part(f, 1, deflate_run, err);
    return err->code;
}

static void write_file(collio_save *s, const char *ranks, int64_t *facts, collio_error *err)
{
    own_file f = {.s = s, .writer = {.fd = -1, .begun = -1, .end = -1}};

    f.path = collio_name_rank(ranks, collio_comm_rank(s->c->comm), err);
    f.writer.path = f.path;
    f.writer.table = &f.table;
    if (f.path != NULL && make_table(&f, err) == COLLIO_OK && deflate_parts(&f, err) == COLLIO_OK &&
        collio_skeleton_create(f.path, &f.table, err) == COLLIO_OK &&
        collio_posix_open(f.path, O_RDWR, &f.writer.fd, err) == COLLIO_OK &&
        collio_staging_write(&s->c->staging, &f.table, collio_writer_take, &f.writer, err) ==
            COLLIO_OK)
        each_part(&f, 0, write_run, err);
    /* One sync for data and seal: nothing refers to this file before it. */
    if (err->code == COLLIO_OK)
        collio_seal_write(f.writer.fd, &f.table, f.path, err);
    collio_posix_close(&f.writer.fd, f.path, err);
    if (err->code == COLLIO_OK)
        collio_posix_sync_directory(ranks, err);
    facts[0] = (int64_t)f.table.seal;
    facts[1] = f.table.file_size;
    collio_table_free(&f.table);
    free(f.block);
    free(f.record);
    free(f.path);
}

/* -------------------------------------------------------------- together */

/* Rank 0 makes the directory; all learn its name. */
static int make_directory(collio_save *s, collio_error *err)
{
    collio_table *table = &s->plan.table;
    struct {
        unsigned char uuid[16];
        int64_t time;
    } shared = {.time = (int64_t)time(NULL)};
    char *path;

    if (s->root && err->code == COLLIO_OK) {
        collio_uuid_make(shared.uuid);
        path = collio_name_apart(s->c->directory, shared.uuid, s->plan.step, 1, err);
        if (path != NULL)
            collio_sys(mkdir(path, 0777) != 0, "mkdir", path, err);
        free(path);
        memcpy(table->uuid, shared.uuid, sizeof shared.uuid);
    }
    if (collio_agree_step(s->c->comm, "checkpoint_save: make the directory of the files", err) ||
        collio_bcast(s->c->comm, &shared, sizeof shared, 0, "checkpoint_save: name the files", err))
        return err->code;
    memcpy(table->uuid, shared.uuid, sizeof shared.uuid);
    table->time = shared.time;
    return COLLIO_OK;
}

static int learn_files(collio_save *s, const int64_t *facts, int64_t *all, collio_error *err)
{
    collio_rankset *set = s->plan.table.ranks;

    if (collio_allgather(s->c->comm, facts, all, 2 * sizeof *facts,
                         "checkpoint_save: learn the seals", err))
        return err->code;
    for (int file = 0; file < set->files; file++) {
        set->seal[file] = (uint64_t)all[2 * file];
        set->size[file] = all[2 * file + 1];
    }
    return COLLIO_OK;
}

int collio_ranks_write(collio_save *s, collio_error *err)
{
    int size = collio_comm_size(s->c->comm);
    collio_table *table = &s->plan.table;
    int64_t facts[2] = {0, 0}, *all = malloc(2 * (size_t)size * sizeof *all);
    char *ranks = NULL;

    set_apart(table);
    table->ranks = collio_rankset_make(table, size, err);
    if (all == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the seals of %d ranks", size);
    if (make_directory(s, err))
        goto done;
    fill_boxes(&s->plan);
    ranks = collio_name_apart(s->c->directory, table->uuid, s->plan.step, 1, err);
    if (ranks != NULL)
        write_file(s, ranks, facts, err);
    if (collio_agree_step(s->c->comm, "checkpoint_save: write the files of the ranks", err) ==
        COLLIO_OK)
        learn_files(s, facts, all, err);
done:
    free(ranks);
    free(all);
    return err->code;
}

int collio_ranks_commit(const collio_save *s, collio_error *err)
{
    const collio_table *table = &s->plan.table;
    char *part = collio_name_apart(s->c->directory, table->uuid, s->plan.step, 1, err);
    char *final = collio_name_apart(s->c->directory, table->uuid, s->plan.step, 0, err);

    if (part != NULL && final != NULL && collio_posix_rename(part, final, err) == COLLIO_OK)
        collio_posix_sync_directory(s->c->directory, err);
    free(part);
    free(final);
    return err->code;
}

void collio_ranks_abandon(const collio_save *s)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    char *path = collio_name_apart(s->c->directory, s->plan.table.uuid, s->plan.step, 1, &ignored);

    if (path != NULL)
        collio_ranks_remove(path);
    free(path);
    collio_ranks_drop(s->c->directory, s->plan.step, s->plan.table.uuid);
}
