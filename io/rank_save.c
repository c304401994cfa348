/*
 * Saving arrays into files of the ranks. Each rank makes a file of its parts alone: skeleton, data,
 * seal, durable. Then all agree, and learn the seals of all.
 */
#include "rankset.h"

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

static void take_facts(collio_rankset *set, const int64_t *all)
{
    for (int file = 0; file < set->files; file++) {
        set->seal[file] = (uint64_t)all[2 * file];
        set->size[file] = all[2 * file + 1];
    }
}

int collio_ranks_learn(collio_save *s, collio_error *err)
{
    int size = collio_comm_size(s->c->comm);
    int64_t facts[2] = {0, 0}, *all = malloc(2 * (size_t)size * sizeof *all);

    if (all == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the seals of %d ranks", size);
    collio_rank_file_facts(s, facts);
    if (collio_agree_step(s->c->comm, "checkpoint_save: write the files of the ranks", err) ==
            COLLIO_OK &&
        collio_allgather(s->c->comm, facts, all, sizeof facts, "checkpoint_save: learn the seals",
                         err) == COLLIO_OK) {
        take_facts(s->plan.table.ranks, all);
        s->learnt = 1;
    }
    free(all);
    return err->code;
}

int collio_ranks_begin(collio_save *s, collio_error *err)
{
    collio_table *table = &s->plan.table;

    set_apart(table);
    table->ranks = collio_rankset_make(table, collio_comm_size(s->c->comm), err);
    if (make_directory(s, err))
        return err->code;
    fill_boxes(&s->plan);
    collio_rank_file_create(s, err);
    return COLLIO_OK; /* an error of this rank's own comes with the next agreement */
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
