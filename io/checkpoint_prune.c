/*
 * Pins, and pruning: which steps stay. By rank 0. Giving back the space of a large file takes as
 * long as a good part of a save; so a step that is pruned is renamed, which is quick, and a thread
 * removes it while the program goes on. What a job leaves of that, the next one removes.
 */
#include "rankset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------- pins */

int collio_pin_exists(const char *directory, int64_t step, int *pinned, collio_error *err)
{
    char *path = collio_name_pin(directory, step, err);

    int failed = path == NULL || collio_posix_exists(path, pinned, err);

    free(path);
    return failed;
}

static int place_pin(const char *path, collio_error *err)
{
    int fd = -1;

    if (collio_posix_open(path, O_WRONLY | O_CREAT, &fd, err) == COLLIO_OK)
        collio_posix_sync(fd, path, err);
    collio_posix_close(&fd, path, err);
    return err->code;
}

static int pull_pin(const char *path, collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT;

    if (collio_posix_remove(path, &why) != COLLIO_OK && why.sys_error != ENOENT)
        collio_error_set(err, why.code, "%s", why.text);
    return err->code;
}

static int pin(const collio_checkpoint *c, int64_t step, int pinned, collio_error *err)
{
    char *path = collio_name_step(c->directory, step, err);
    char *name = collio_name_pin(c->directory, step, err);
    int exists = 0;

    if (err->code == COLLIO_OK && collio_posix_exists(path, &exists, err) == COLLIO_OK && !exists)
        collio_error_set(err, COLLIO_ERR_NONE, "there is no '%s'", path);
    if (err->code == COLLIO_OK &&
        (pinned ? place_pin(name, err) : pull_pin(name, err)) == COLLIO_OK)
        collio_posix_sync_directory(c->directory, err);
    free(path);
    free(name);
    return err->code;
}

int collio_checkpoint_pin(collio_checkpoint *c, int64_t step, int pinned, collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_pin",
                            .digest = collio_hash_number((uint64_t)step, pinned != 0)};

    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (c->options.read_only)
        collio_error_set(err, COLLIO_ERR_STATE, "'%s' was opened read-only", c->directory);
    if (collio_agree(c->comm, &ticket, err))
        return err->code;
    if (collio_comm_rank(c->comm) == 0)
        pin(c, step, pinned, err);
    return collio_agree_step(c->comm, "checkpoint_pin: mark the step", err);
}

/* ------------------------------------------------------------- pruning */

/* 1 if a step has a whole seal: only such ones count for `keep`. */
static int is_sealed(const char *path)
{
    collio_error why = COLLIO_ERROR_INIT;
    collio_table table = {.count = 0};
    int fd = -1;

    if (collio_posix_open(path, O_RDONLY, &fd, &why) == COLLIO_OK)
        collio_seal_read(fd, path, &table, &why);
    collio_table_free(&table);
    collio_posix_close(&fd, path, &why);
    return why.code == COLLIO_OK;
}

/* Paths to be removed, one after the other, each with its end; and the thread that does it. Those
 * of directories come after their steps' own files. */
struct collio_removal {
    const char *directory; /* of the checkpoint, which outlives the thread */
    char *paths;
    size_t size;
    int directories; /* there are some */
    int running;
    pthread_t thread;
    collio_error err;
};

static int is_directory(const char *path)
{
    struct stat facts;

    return lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static void *remove_all(void *argument)
{
    collio_removal *r = argument;

    /* Were the new names lost with the power, but not the files of the ranks, then a step would
     * look whole that is not. */
    if (r->directories && collio_posix_sync_directory(r->directory, &r->err))
        return NULL;
    for (const char *path = r->paths; path < r->paths + r->size; path += strlen(path) + 1)
        if (!is_directory(path))
            collio_posix_remove(path, &r->err);
        else if (!collio_ranks_remove(path))
            collio_sys(1, "rmdir", path, &r->err);
    return NULL;
}

static void warn(const collio_checkpoint *c, const collio_error *warning)
{
    if (warning->code != COLLIO_OK)
        collio_log("checkpoint: older steps in '%s' could not be pruned: %s", c->directory,
                   warning->text);
}

void collio_prune_wait(collio_checkpoint *c)
{
    collio_removal *r = c->removal;

    c->removal = NULL;
    if (r == NULL)
        return;
    if (r->running)
        pthread_join(r->thread, NULL);
    warn(c, &r->err);
    free(r->paths);
    free(r);
}

static int add_path(collio_removal *r, const char *path, collio_error *err)
{
    size_t more = strlen(path) + 1;
    char *longer = realloc(r->paths, r->size + more);

    if (longer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    memcpy(longer + r->size, path, more);
    r->paths = longer;
    r->size += more;
    return COLLIO_OK;
}

/* The files of the ranks go after their step's own; of one that is damaged it is not known which
 * they are: the next opening finds out. */
static void give_up_ranks(const collio_checkpoint *c, int64_t step, const unsigned char *owner,
                          collio_error *warning)
{
    char *ranks = collio_name_apart(c->directory, owner, step, 0, warning);

    if (ranks != NULL && add_path(c->removal, ranks, warning) == COLLIO_OK)
        c->removal->directories = 1;
    free(ranks);
}

/* Let the step be gone at once, and its space later. */
static void give_up(const collio_checkpoint *c, int64_t step, const char *path,
                    collio_error *warning)
{
    unsigned char uuid[16], owner[16];
    int known = collio_ranks_owner(path, step, owner);
    char *old;

    collio_uuid_make(uuid);
    old = collio_name_old(c->directory, uuid, step, warning);
    if (old != NULL && collio_posix_rename(path, old, warning) == COLLIO_OK) {
        add_path(c->removal, old, warning);
        if (known)
            give_up_ranks(c, step, owner, warning);
    }
    free(old);
}

static void start_removal(collio_checkpoint *c)
{
    collio_removal *r = c->removal;

    if (r->size > 0)
        r->running = collio_thread_start(&r->thread, remove_all, r) == 0;
    if (!r->running)
        remove_all(r);
    if (r->size == 0)
        collio_prune_wait(c);
}

/* Deal with one step older than the newest; `kept` counts those that stay. Later steps, of a run
 * that was restarted before them, are not counted and not touched. */
static void prune_one(const collio_checkpoint *c, int64_t step, int *kept, collio_error *warning)
{
    char *path = collio_name_step(c->directory, step, warning);
    int pinned = 1; /* such a step stays, and does not count */

    if (path != NULL)
        collio_pin_exists(c->directory, step, &pinned, warning);
    if (!pinned && *kept >= c->options.keep)
        give_up(c, step, path, warning);
    else if (!pinned)
        *kept += is_sealed(path);
    free(path);
}

void collio_prune(collio_checkpoint *c, int64_t newest)
{
    collio_error warning = COLLIO_ERROR_INIT;
    int64_t *steps = NULL;
    int count = 0, kept = 1;

    if (c->options.keep == 0)
        return;
    collio_prune_wait(c);
    c->removal = calloc(1, sizeof *c->removal);
    if (c->removal == NULL)
        return; /* the next save prunes */
    c->removal->directory = c->directory;
    collio_names_list(c->directory, &steps, &count, &warning);
    for (int i = count - 1; i >= 0; i--)
        if (steps[i] < newest)
            prune_one(c, steps[i], &kept, &warning);
    free(steps);
    warn(c, &warning);
    start_removal(c);
}
