/* Which steps are in a directory, and deleting one. Rank 0 looks, all ranks learn the same. */
#include "rankset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void look_at(const char *directory, int64_t step, collio_checkpoint_entry *entry)
{
    collio_error why = COLLIO_ERROR_INIT, ignored = COLLIO_ERROR_INIT;
    collio_table table = {.count = 0};
    char *path = collio_name_step(directory, step, &why);
    int fd = -1;

    memset(entry, 0, sizeof *entry);
    entry->step = step;
    if (path != NULL && collio_step_open(path, step, &fd, &table, &why) == COLLIO_OK) {
        entry->time = table.time;
        entry->writers = (int)table.writers;
    }
    if (fd >= 0)
        collio_posix_size(fd, &entry->size, path, &ignored);
    entry->size += collio_rankset_bytes(table.ranks);
    collio_pin_exists(directory, step, &entry->pinned, &ignored);
    entry->status = why.code;
    collio_copy_text(entry->text, sizeof entry->text, why.text);
    collio_posix_close(&fd, path, &ignored);
    collio_table_free(&table);
    free(path);
}

int collio_checkpoint_steps(collio_checkpoint *c, collio_checkpoint_entry **list, int *count,
                            collio_error *err)
{
    collio_checkpoint_entry *entries = NULL;
    int64_t *steps = NULL;
    int found = 0;

    *list = NULL;
    *count = 0;
    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (collio_share_steps(c, &steps, &found, err))
        return err->code;
    entries = calloc((size_t)found + 1, sizeof *entries);
    if (entries == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d steps", found);
    for (int i = 0; i < found && entries != NULL && collio_comm_rank(c->comm) == 0; i++)
        look_at(c->directory, steps[i], &entries[i]);
    if (collio_agree_step(c->comm, "checkpoint_steps", err) ||
        (found > 0 && collio_bcast(c->comm, entries, (size_t)found * sizeof *entries, 0,
                                   "checkpoint_steps", err)) ||
        /* The root of a broadcast is done before the others have got it. */
        collio_agree_step(c->comm, "checkpoint_steps: learn the list", err))
        goto done;
    *count = found;
    if (found > 0) {
        *list = entries;
        entries = NULL;
    }
done:
    free(entries);
    free(steps);
    return err->code;
}

void collio_checkpoint_steps_free(collio_checkpoint_entry *list)
{
    free(list);
}

/* All ranks have the same list, so they come to the same end without asking. */
int collio_checkpoint_latest(collio_checkpoint *c, int64_t *step, collio_error *err)
{
    collio_checkpoint_entry *list = NULL;
    char reasons[COLLIO_ERROR_TEXT / 2] = "";
    int count = 0, used = 0, i;

    *step = -1;
    if (collio_checkpoint_steps(c, &list, &count, err))
        return err->code;
    for (i = count - 1; i >= 0 && list[i].status != COLLIO_OK; i--)
        if (used < (int)sizeof reasons)
            used += snprintf(reasons + used, sizeof reasons - (size_t)used, "%s\n", list[i].text);
    if (i >= 0) {
        *step = list[i].step;
    } else {
        if (count == 0)
            collio_error_set(err, COLLIO_ERR_NONE, "there is no step in '%s'", c->directory);
        else
            collio_error_set(err, COLLIO_ERR_DAMAGED, "no step in '%s' has a whole seal:\n%s",
                             c->directory, reasons);
        err->agreed = 1;
    }
    collio_checkpoint_steps_free(list);
    return err->code;
}

static int remove_step(const collio_checkpoint *c, int64_t step, collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT;
    char *path = collio_name_step(c->directory, step, &why);
    unsigned char owner[16];
    int pinned = 0, known = path != NULL && collio_ranks_owner(path, step, owner);

    if (path != NULL && collio_pin_exists(c->directory, step, &pinned, &why) == COLLIO_OK && pinned)
        collio_error_set(&why, COLLIO_ERR_STATE, "'%s' is pinned", path);
    if (why.code == COLLIO_OK && collio_posix_remove(path, &why) == COLLIO_OK &&
        collio_posix_sync_directory(c->directory, &why) == COLLIO_OK)
        collio_ranks_drop(c->directory, step, known ? owner : NULL);
    if (why.sys_error == ENOENT)
        collio_error_set(err, COLLIO_ERR_NONE, "there is no '%s'", path);
    else if (why.code != COLLIO_OK && err->code == COLLIO_OK)
        *err = why;
    free(path);
    return err->code;
}

int collio_checkpoint_delete(collio_checkpoint *c, int64_t step, collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_delete",
                            .digest = collio_hash_number(0, (uint64_t)step)};

    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (c->options.read_only)
        collio_error_set(err, COLLIO_ERR_STATE, "'%s' was opened read-only", c->directory);
    if (collio_agree(c->comm, &ticket, err))
        return err->code;
    if (collio_comm_rank(c->comm) == 0)
        remove_step(c, step, err);
    return collio_agree_step(c->comm, "checkpoint_delete: remove the file", err);
}
