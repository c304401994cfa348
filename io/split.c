/* Files of which each rank writes its elements to a file of its own: begun, and made whole. */
#define _GNU_SOURCE
#include "split.h"

#include "rankset.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ----------------------------------------------------------------- names */

static char *join(const char *directory, const char *name, collio_error *err)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", directory, name) >= 0)
        return path;
    collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return NULL;
}

static char *with_ending(const char *path, const char *ending, collio_error *err)
{
    char *out = NULL;

    if (asprintf(&out, "%s%s", path, ending) >= 0)
        return out;
    collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return NULL;
}

static char *structure_of(const char *ranks, int rank, collio_error *err)
{
    char name[40];

    snprintf(name, sizeof name, "structure-%06d.h5", rank);
    return join(ranks, name, err);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static char *directory_of(const char *path, collio_error *err)
{
    size_t length = (size_t)(last_part(path) - path);
    char *directory = length == 0 ? strdup(".") : strndup(path, length > 1 ? length - 1 : 1);

    if (directory == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return directory;
}

/* --------------------------------------------------------------- whether */

/* 1 on all ranks if there is a file of this name. */
static int is_there(collio_file *file, collio_error *err)
{
    collio_ticket ticket = {.operation = "open, look for the file"};
    int exists = 0;

    if (file->rank == 0)
        collio_posix_exists(file->path, &exists, err);
    ticket.vote[0] = (uint64_t)exists;
    collio_agree(file->comm, &ticket, err);
    return ticket.max[0] != 0;
}

static int probe(collio_file *file, collio_error *err)
{
    char *directory = directory_of(file->path, err);
    int shared = 1;

    if (collio_agree_step(file->comm, "open, probe the directory", err) == COLLIO_OK)
        collio_share_probe(file->comm, directory, file->path, &shared, err);
    free(directory);
    return !shared;
}

/* ------------------------------------------------------------- directory */

/* A job that is making the file holds the lock on its structure. */
static int check_unused(const char *ranks, const collio_file *file, collio_error *err)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_disk disk = {.fd = -1, .path = structure_of(ranks, 0, err)};

    if (disk.path != NULL && collio_posix_open(disk.path, O_RDWR, &disk.fd, &ignored) == COLLIO_OK)
        collio_disk_lock(&disk, 1, file->options.locking, err);
    collio_disk_close(&disk, &ignored);
    return err->code;
}

static int remove_old(const char *ranks, const collio_file *file, int truncate, collio_error *err)
{
    int whole = 0, parts = 0;

    if (collio_posix_exists(ranks, &parts, err) || (parts && check_unused(ranks, file, err)) ||
        collio_posix_exists(file->path, &whole, err))
        return err->code;
    if (whole && !truncate) {
        errno = EEXIST;
        return collio_sys(1, "open", file->path, err);
    }
    /* The whole first: it is nothing without its parts. */
    if (whole && collio_posix_remove(file->path, err))
        return err->code;
    if (parts && !collio_ranks_remove(ranks))
        collio_sys(1, "rmdir", ranks, err);
    return err->code;
}

void collio_split_forget(const collio_file *file)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    char *ranks = with_ending(file->path, ".ranks", &ignored);
    char *index = ranks != NULL ? join(ranks, "index.h5", &ignored) : NULL;
    char *structure = ranks != NULL ? structure_of(ranks, 0, &ignored) : NULL;
    int whole = 0, begun = 0;

    if (index != NULL && structure != NULL) {
        collio_posix_exists(index, &whole, &ignored);
        collio_posix_exists(structure, &begun, &ignored);
    }
    /* Something else may have such a name; and a job may be making the file. */
    if ((whole || begun) && ignored.code == COLLIO_OK &&
        check_unused(ranks, file, &ignored) == COLLIO_OK)
        collio_ranks_remove(ranks);
    free(structure);
    free(index);
    free(ranks);
}

/* By rank 0. */
static void make_directory(const collio_file *file, int truncate, collio_error *err)
{
    char *ranks = with_ending(file->path, ".ranks", err);

    if (ranks != NULL && remove_old(ranks, file, truncate, err) == COLLIO_OK)
        collio_sys(mkdir(ranks, 0777) != 0, "mkdir", ranks, err);
    free(ranks);
}

/* Absolute, so that a program may change its working directory. */
static void name_all(collio_file *file, collio_error *err)
{
    collio_split *split = file->split;
    char *ranks = with_ending(file->path, ".ranks", err), *at = NULL;

    if (ranks != NULL) {
        split->ranks = realpath(ranks, NULL);
        collio_sys(split->ranks == NULL, "realpath", ranks, err);
    }
    free(ranks);
    if (err->code != COLLIO_OK)
        return;
    split->size = collio_comm_size(file->comm);
    split->final = strndup(split->ranks, strlen(split->ranks) - strlen(".ranks"));
    split->index = join(last_part(split->ranks), "index.h5", err);
    split->path = collio_name_rank(split->ranks, file->rank, err);
    at = structure_of(split->ranks, file->rank, err);
    if (split->final == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    if (at != NULL) {
        free(file->disk.path);
        file->disk.path = at;
    }
}

int collio_split_begin(collio_file *file, int must_exist, int exclusive, int truncate,
                       collio_error *err)
{
    int automatic = file->options.layout == COLLIO_LAYOUT_AUTO;
    int kept = !exclusive && !truncate && (must_exist || is_there(file, err));

    if (kept && !automatic)
        collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                         "'%s': with the layout 'per-rank' files are made, not changed: what is "
                         "there is opened as any other file",
                         file->path);
    if (collio_file_outcome(file, err) || kept || (automatic && !probe(file, err)))
        return err->code;
    if (file->rank == 0 && err->code == COLLIO_OK)
        make_directory(file, truncate, err);
    if (collio_agree_step(file->comm, "open, make the directory of the files", err))
        return err->code;
    file->split = calloc(1, sizeof *file->split);
    if (file->split == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a file of this rank");
    name_all(file, err);
    return err->code; /* of this rank alone: told by the next agreement */
}

/* ------------------------------------------------------------ the own file */

int collio_split_create(collio_file *file, collio_error *err)
{
    file->split->store = collio_solo_create(file->split->path, 1, err);
    return err->code;
}

static void forget_datasets(collio_split *split)
{
    for (int i = 0; i < split->count; i++)
        split->shards[i]->id = H5I_INVALID_HID;
}

/* ----------------------------------------------------------------- whole */

/* By rank 0, after the files of all are on disk. */
static void make_index(collio_file *file, collio_note *notes, int64_t count, collio_error *err)
{
    collio_split *split = file->split;
    char *path = join(split->ranks, "index.h5", err);

    if (path != NULL && collio_split_index(split, path, notes, count, err) == COLLIO_OK &&
        collio_posix_sync(file->disk.fd, file->disk.path, err) == COLLIO_OK)
        collio_posix_sync_directory(split->ranks, err);
    free(path);
}

static void name_whole(const collio_file *file, collio_error *err)
{
    char *directory = directory_of(file->split->final, err);

    if (directory != NULL &&
        collio_posix_rename(file->disk.path, file->split->final, err) == COLLIO_OK)
        collio_posix_sync_directory(directory, err);
    free(directory);
}

int collio_split_finish(collio_file *file, collio_error *err)
{
    collio_split *split = file->split;
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_note *notes = NULL;
    int64_t count = 0;

    forget_datasets(split);
    if (collio_solo_close(&split->store, err) == COLLIO_OK)
        collio_posix_sync_directory(split->ranks, err);
    if (collio_finish(file, "close, files of the ranks", 0, err))
        return err->code;
    if (collio_notes_gather(file, &notes, &count, err) == COLLIO_OK && file->rank == 0)
        make_index(file, notes, count, err);
    collio_notes_free(notes, count);
    if (collio_finish(file, "close, index", 0, err))
        return err->code;
    if (file->rank == 0)
        name_whole(file, err);
    else
        collio_posix_remove(file->disk.path, &ignored);
    return collio_finish(file, "close, name of the whole", 0, err);
}

void collio_split_undo(collio_file *file)
{
    if (file->split != NULL && file->rank == 0 && file->split->ranks != NULL)
        collio_ranks_remove(file->split->ranks);
}

void collio_split_drop(collio_split *split)
{
    if (split == NULL)
        return;
    forget_datasets(split);
    collio_solo_drop(&split->store);
}

void collio_split_free(collio_split *split)
{
    if (split == NULL)
        return;
    for (int i = 0; i < split->count; i++) {
        if (split->shards[i]->list >= 0)
            H5Pclose(split->shards[i]->list);
        free(split->shards[i]);
    }
    free(split->shards);
    collio_notes_free(split->notes, split->noted);
    free(split->ranks);
    free(split->final);
    free(split->index);
    free(split->path);
    free(split);
}
