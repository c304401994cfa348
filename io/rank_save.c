/*
 * Saving arrays into files of the ranks. Each rank makes a file of its parts alone, with the steps
 * of any save: skeleton, data, durable, seal. Then all agree, and learn the seals of all.
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
    int at; /* the record under way */
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
        collio_record_fill(&f->table.record[k], r->name, "", COLLIO_ITEM_COMMON, r->type, r->ndim,
                           box + r->ndim, 1, 0, err);
    }
    memcpy(f->table.uuid, step->uuid, sizeof step->uuid);
    f->table.step = step->step;
    f->table.writers = step->writers;
    f->table.time = step->time;
    return err->code;
}

static int write_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    own_file *f = context;
    collio_stretch stretch = {f->at, first, count, memory, 0, 0};

    return collio_writer_take(&f->writer, &stretch, err);
}

/* The same elements under their places in the whole array: what the digests of the step are of. */
static int digest_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    own_file *f = context;
    collio_record *record = &f->s->plan.table.record[f->record[f->at]];
    int64_t element = collio_record_element(record);

    (void)err;
    while (count > 0) {
        int64_t block = collio_block_of(record, first);
        int64_t left = collio_block_first(record, block + 1) - first;
        int64_t n = count < left ? count : left;
        record->digest[block] += collio_digest((size_t)element, first, memory, n);
        memory += n * element;
        first += n;
        count -= n;
    }
    return COLLIO_OK;
}

static void write_parts(own_file *f, collio_error *err)
{
    const collio_table *step = &f->s->plan.table;
    int rank = collio_comm_rank(f->s->c->comm);

    for (f->at = 0; f->at < f->table.count && err->code == COLLIO_OK; f->at++) {
        int i = f->record[f->at];
        const collio_item *item = &f->s->plan.items[i];
        const collio_record *whole = &step->record[i], *own = &f->table.record[f->at];
        const int64_t *box = collio_rankset_box(step, rank, i);
        collio_array memory = item->array;
        collio_selection all, part;

        if (item->kind == COLLIO_ITEM_RANK_STATE)
            collio_array_fill(&memory, (void *)item->bytes, COLLIO_UINT8, 1, own->shape);
        collio_selection_all(&all, own->ndim, own->shape);
        collio_selection_block(&part, whole->ndim, box, box + whole->ndim);
        if (collio_runs(own->shape, &all, &memory, COLLIO_WRITING, COLLIO_PACK_BYTES, write_run, f,
                        err) == COLLIO_OK)
            collio_runs(whole->shape, &part, &memory, COLLIO_WRITING, COLLIO_PACK_BYTES, digest_run,
                        f, err);
    }
}

static void write_file(collio_save *s, const char *ranks, int64_t *facts, collio_error *err)
{
    own_file f = {.s = s, .writer = {.fd = -1, .begun = -1, .end = -1}};

    f.path = collio_name_rank(ranks, collio_comm_rank(s->c->comm), err);
    f.writer.path = f.path;
    f.writer.table = &f.table;
    if (f.path != NULL && make_table(&f, err) == COLLIO_OK &&
        collio_skeleton_create(f.path, &f.table, err) == COLLIO_OK &&
        collio_posix_open(f.path, O_RDWR, &f.writer.fd, err) == COLLIO_OK)
        write_parts(&f, err);
    if (err->code == COLLIO_OK)
        collio_posix_sync(f.writer.fd, f.path, err);
    if (err->code == COLLIO_OK)
        collio_seal_write(f.writer.fd, &f.table, f.path, err);
    collio_posix_close(&f.writer.fd, f.path, err);
    if (err->code == COLLIO_OK)
        collio_posix_sync_directory(ranks, err);
    facts[0] = (int64_t)f.table.seal;
    facts[1] = f.table.file_size;
    collio_table_free(&f.table);
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
    collio_ranks_drop(s->c->directory, s->plan.step);
}
