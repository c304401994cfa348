/*
 * The save of a step: guard, layout, data, durable, seal, commit. Each function below is one of
 * these steps; it ends with an agreement, and no rank goes on to the next unless all do. What is
 * compressed is staged in memory before the layout, which depends on its size. What is written in
 * the background otherwise is staged after it, so that each rank is free when it has copied; nobody
 * waits for data and durable until the end.
 */
#include "rankset.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --------------------------------------------------------------- guard */

/* A step that is there and whole is refused, with the same error on all ranks. One that is damaged
 * makes way, because a run that restarted before it comes to this step again. */
static int make_way(collio_save *s, collio_error *err)
{
    collio_checkpoint_state *state = NULL;
    collio_error why = COLLIO_ERROR_INIT;
    char *aside = NULL;
    unsigned char uuid[16];

    if (collio_state_open(s->c, s->plan.step, COLLIO_VERIFY_ALL, &state, &why) == COLLIO_OK) {
        collio_checkpoint_state_close(&state);
        collio_error_set(err, COLLIO_ERR_VALUE, "step %" PRId64 " is in '%s' already", s->plan.step,
                         s->c->directory);
        err->agreed = 1;
        return err->code;
    }
    if (why.code != COLLIO_ERR_DAMAGED || collio_comm_is_poisoned(s->c->comm)) {
        *err = why;
        return err->code;
    }
    if (s->root) {
        collio_uuid_make(uuid);
        aside = collio_name_damaged(s->c->directory, uuid, s->plan.step, err);
        if (aside != NULL && collio_posix_rename(s->final, aside, err) == COLLIO_OK)
            collio_log("checkpoint: set aside as '%s': %s", aside, why.text);
        free(aside);
    }
    return collio_agree_step(s->c->comm, "checkpoint_save: set a damaged step aside", err);
}

static int guard(collio_save *s, int64_t step, int nitems, const collio_item *items,
                 collio_error *err)
{
    const collio_checkpoint_options *o = &s->c->options;
    /* The files of the ranks are compressed each by itself. */
    const char *operation = s->background ? "checkpoint_save_start" : "checkpoint_save";
    int exists = 0, deflate = o->layout == COLLIO_LAYOUT_PER_RANK ? 0 : o->deflate;

    if (o->read_only)
        collio_error_set(err, COLLIO_ERR_STATE, "'%s' was opened read-only", s->c->directory);
    else if (s->root && err->code == COLLIO_OK)
        collio_lease_check(s->c->lease, err);
    s->final = collio_name_step(s->c->directory, step, err);
    if (s->root && s->final != NULL && err->code == COLLIO_OK)
        collio_posix_exists(s->final, &exists, err);
    if (collio_plan_make(&s->plan, s->c->comm, operation, step, nitems, items, deflate, &exists,
                         err))
        return err->code;
    return exists ? make_way(s, err) : COLLIO_OK;
}

/* -------------------------------------------------------------- layout */

static int create_file(collio_save *s, collio_error *err)
{
    collio_table *table = &s->plan.table;

    if (table->ranks == NULL) {
        collio_uuid_make(table->uuid);
        table->time = (int64_t)time(NULL);
    }
    s->part = collio_name_part(s->c->directory, table->uuid, s->plan.step, err);
    if (s->part == NULL)
        return err->code;
    return collio_skeleton_create(s->part, table, !s->background, err);
}

/* Copy values to the words from `at` on, or take them from there. */
static size_t move_words(void *values, size_t count, int64_t *words, size_t at, int take)
{
    if (words != NULL && count > 0 && take)
        memcpy(values, words + at, count * sizeof *words);
    else if (words != NULL && count > 0)
        memcpy(words + at, values, count * sizeof *words);
    return count;
}

/* What rank 0 has made, as words: its name, its size, and where each array or block lies. Only to
 * count them where words is NULL. */
static size_t put_layout(collio_table *table, int64_t *words, int take)
{
    size_t n = move_words(table->uuid, 2, words, 0, take);

    n += move_words(&table->file_size, 1, words, n, take);
    n += move_words(&table->user_block, 1, words, n, take);
    for (int i = 0; i < table->count; i++) {
        collio_record *record = &table->record[i];
        size_t blocks = record->deflate > 0 ? (size_t)record->blocks : 0;
        n += move_words(&record->offset, 1, words, n, take);
        n += move_words(record->place, blocks, words, n, take);
    }
    return n;
}

static int share_layout(collio_save *s, int64_t *words, collio_error *err)
{
    size_t count = put_layout(&s->plan.table, NULL, 0);

    put_layout(&s->plan.table, words, 0);
    if (collio_bcast(s->c->comm, words, count * sizeof *words, 0, "checkpoint_save: share layout",
                     err))
        return err->code;
    put_layout(&s->plan.table, words, 1);
    return COLLIO_OK;
}

/* How large each compressed block is: who has compressed it says so. Collective. */
static int share_sizes(collio_save *s, collio_error *err)
{
    for (int i = 0; i < s->plan.table.count; i++) {
        collio_record *record = &s->plan.table.record[i];
        if (record->deflate > 0 &&
            collio_allreduce(s->c->comm, record->stored, record->stored, (int)record->blocks,
                             MPI_INT64_T, sizeof *record->stored, MPI_SUM,
                             "checkpoint_save: share the sizes", err))
            return err->code;
    }
    return COLLIO_OK;
}

/* All know the file; rank 0 will write to it, the others if they have something to write. An error
 * is this rank's own: it comes with the next agreement. */
static int open_part(collio_save *s, collio_error *err)
{
    if (s->part == NULL)
        s->part = collio_name_part(s->c->directory, s->plan.table.uuid, s->plan.step, err);
    s->writer.path = s->part;
    s->writer.table = &s->plan.table;
    if (s->root && s->part != NULL)
        collio_posix_open(s->part, O_RDWR, &s->writer.fd, err);
    return COLLIO_OK;
}

static int layout(collio_save *s, collio_error *err)
{
    collio_table *table = &s->plan.table;
    int64_t *words = malloc(put_layout(table, NULL, 0) * sizeof *words);

    for (int i = 0; i < table->count; i++)
        s->nsums += (size_t)table->record[i].blocks;
    s->sums = calloc(s->nsums + 1, sizeof *s->sums);
    if (words == NULL || s->sums == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the layout of the step");
    else if (s->root)
        create_file(s, err);
    if (collio_agree_step(s->c->comm, "checkpoint_save: create the file", err) == COLLIO_OK)
        share_layout(s, words, err);
    free(words);
    return err->code == COLLIO_OK ? open_part(s, err) : err->code;
}

/* ------------------------------------------------------- stage, data */

/* Whole blocks, each to be compressed by itself. */
static int keep_deflated(collio_save *s, collio_record *record, const collio_stretch *stretch,
                         collio_error *err)
{
    int64_t element = collio_record_element(record), end = stretch->first + stretch->count;
    int64_t block = collio_block_of(record, stretch->first), first = stretch->first;

    for (; first < end && err->code == COLLIO_OK; first = collio_block_first(record, ++block))
        collio_staging_deflate(&s->c->staging, record, stretch->item, block,
                               stretch->memory + (first - stretch->first) * element, err);
    return err->code;
}

static int keep(void *context, const collio_stretch *stretch, collio_error *err)
{
    collio_save *s = context;
    collio_record *record = &s->plan.table.record[stretch->item];

    if (record->deflate > 0)
        return keep_deflated(s, record, stretch, err);
    return collio_staging_add(&s->c->staging, stretch, collio_record_element(record), s->borrow,
                              err);
}

/* An error may be this rank's own. */
static void stage(collio_save *s, collio_error *err)
{
    s->plan.boxes = 1;
    collio_staging_prepare(&s->c->staging, collio_plan_room(&s->plan, s->c->comm, s->borrow), err);
    collio_plan_send(&s->plan, s->c->comm, keep, s, err);
}

static int stage_deflated(collio_save *s, collio_error *err)
{
    stage(s, err);
    return collio_agree_step(s->c->comm, "checkpoint_save: compress the data", err) ||
           share_sizes(s, err);
}

static int data(collio_save *s, collio_error *err)
{
    if (!s->staged)
        collio_plan_send(&s->plan, s->c->comm, collio_writer_take, &s->writer, err);
    else
        collio_save_write(s, err);
    return collio_agree_step(s->c->comm, "checkpoint_save: write the data", err);
}

/* ------------------------------------------------------- durable, seal */

static int make_durable(collio_save *s, collio_error *err)
{
    return s->writer.fd >= 0 ? collio_posix_sync(s->writer.fd, s->part, err) : COLLIO_OK;
}

static int durable(collio_save *s, collio_error *err)
{
    if (!s->staged)
        make_durable(s, err);
    return collio_agree_step(s->c->comm, "checkpoint_save: make the data durable", err);
}

/* Every rank has the digests of the elements it wrote: their sums are those of the arrays. */
static int add_digests(collio_save *s, collio_error *err)
{
    collio_table *table = &s->plan.table;
    uint64_t *at = s->sums;

    for (int i = 0; i < table->count; at += table->record[i++].blocks)
        memcpy(at, table->record[i].digest, (size_t)table->record[i].blocks * sizeof *at);
    if (s->nsums > 0 &&
        collio_allreduce(s->c->comm, s->sums, s->sums, (int)s->nsums, MPI_UINT64_T, sizeof *s->sums,
                         MPI_SUM, "checkpoint_save: add the digests", err))
        return err->code;
    at = s->sums;
    for (int i = 0; i < table->count; at += table->record[i++].blocks)
        memcpy(table->record[i].digest, at, (size_t)table->record[i].blocks * sizeof *at);
    return COLLIO_OK;
}

static int seal(collio_save *s, collio_error *err)
{
    if (add_digests(s, err))
        return err->code;
    if (s->root)
        collio_seal_write(s->writer.fd, &s->plan.table, s->part, err);
    /* Closed before the commit: some file systems report the last errors only here. */
    collio_posix_close(&s->writer.fd, s->part, err);
    return collio_agree_step(s->c->comm, "checkpoint_save: seal", err);
}

/* -------------------------------------------------------------- commit */

static int commit(collio_save *s, collio_error *err)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    if (s->root && collio_lease_check(s->c->lease, err) == COLLIO_OK &&
        (s->plan.table.ranks == NULL || collio_ranks_commit(s, err) == COLLIO_OK) &&
        collio_posix_rename(s->part, s->final, err) == COLLIO_OK &&
        collio_posix_sync_directory(s->c->directory, err) != COLLIO_OK)
        /* Nobody has been told, and with this error nobody will be: taken back. */
        collio_posix_remove(s->final, &ignored);
    return collio_agree_step(s->c->comm, "checkpoint_save: commit", err);
}

/* --------------------------------------------------------- all of them */

/* Below this many bytes a run costs more to write by itself than to send; measured. In the
 * background it is the program's time that counts, which an exchange takes. */
static const int64_t short_run = 8192, short_in_background = 512;

/* Files of the ranks: all of them, or in the background what is no work for the thread. */
static int own_files(collio_save *s, collio_error *err)
{
    if (collio_ranks_begin(s, err) || s->background)
        return err->agreed ? err->code : COLLIO_OK;
    collio_rank_file_fill(s, err);
    return collio_ranks_learn(s, err);
}

int collio_save_begin(collio_save *s, collio_checkpoint *c, int64_t step, int nitems,
                      const collio_item *items, collio_error *err)
{
    s->c = c;
    s->root = collio_comm_rank(c->comm) == 0;
    s->writer = (collio_writer){.fd = -1, .begun = -1, .end = -1};
    if (guard(s, step, nitems, items, err))
        return err->code;
    s->plan.windows = &c->windows;
    s->plan.short_run = s->staged ? short_in_background : short_run;
    s->staged |= s->plan.deflate > 0;
    if ((c->options.layout == COLLIO_LAYOUT_PER_RANK && own_files(s, err)) ||
        (s->plan.deflate > 0 && stage_deflated(s, err)) || layout(s, err))
        return err->code;
    if (s->staged && s->plan.deflate == 0)
        stage(s, err);
    return err->agreed ? err->code : COLLIO_OK; /* its own: told with the writes */
}

int collio_save_write(collio_save *s, collio_error *err)
{
    if (s->background)
        collio_rank_file_fill(s, err);
    if (s->background && s->root && err->code == COLLIO_OK)
        collio_posix_reserve(s->writer.fd, s->plan.table.file_size, s->part, err);
    if (err->code == COLLIO_OK &&
        collio_staging_write(&s->c->staging, &s->plan.table, collio_writer_take, &s->writer, err) ==
            COLLIO_OK)
        make_durable(s, err);
    return err->code;
}

int collio_save_finish(collio_save *s, collio_error *err)
{
    if ((s->background && s->plan.table.ranks != NULL && collio_ranks_learn(s, err)) ||
        durable(s, err) || seal(s, err) || commit(s, err))
        return err->code;
    collio_schedule_note(s->c, s->plan.step, 1);
    if (s->root)
        collio_prune(s->c, s->plan.step);
    return COLLIO_OK;
}

void collio_save_end(collio_save *s, int success)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    collio_posix_close(&s->writer.fd, s->part, &ignored);
    collio_rank_file_free(s, success);
    if (s->root && s->part != NULL && !success)
        collio_posix_remove(s->part, &ignored);
    if (s->root && s->plan.table.ranks != NULL && !success)
        collio_ranks_abandon(s);
    free(s->sums);
    free(s->part);
    free(s->final);
    collio_plan_free(&s->plan);
}

int collio_checkpoint_save(collio_checkpoint *c, int64_t step, int nitems, const collio_item *items,
                           collio_error *err)
{
    collio_save s = {.staged = 0};

    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (collio_pending_finish(c, err))
        return err->code;
    if (collio_save_begin(&s, c, step, nitems, items, err) == COLLIO_OK &&
        data(&s, err) == COLLIO_OK)
        collio_save_finish(&s, err);
    collio_save_end(&s, err->code == COLLIO_OK);
    return err->code;
}
