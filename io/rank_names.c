/* The names of the directories that hold the files of ranks, and removing them. */
#define _GNU_SOURCE
#include "rankset.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *collio_name_apart(const char *directory, const unsigned char *uuid, int64_t step, int part,
                        collio_error *err)
{
    char text[40], *path = NULL;
    int length;

    collio_uuid_text(uuid, text);
    if (part)
        length = asprintf(&path, "%s/.part-%s-step-%012" PRId64 ".ranks", directory, text, step);
    else
        length = asprintf(&path, "%s/step-%012" PRId64 ".ranks-%s", directory, step, text);
    if (length >= 0)
        return path;
    collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return NULL;
}

char *collio_name_apart_of(const char *path, const collio_table *table, collio_error *err)
{
    const char *slash = strrchr(path, '/');
    char *directory = strndup(path, slash != NULL ? (size_t)(slash - path) : 0), *ranks = NULL;

    if (directory == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    else
        ranks =
            collio_name_apart(slash != NULL ? directory : ".", table->uuid, table->step, 0, err);
    free(directory);
    return ranks;
}

char *collio_name_rank(const char *ranks, int file, collio_error *err)
{
    char *path = NULL;

    if (asprintf(&path, "%s/rank-%06d.h5", ranks, file) >= 0)
        return path;
    collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return NULL;
}

int collio_ranks_remove(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    return rmdir(path) == 0;
}

/* "step-<12 digits>.ranks-<uuid>": the step, and who made it; -1 for any other name. */
static int64_t parse_ranks(const char *name, unsigned char *uuid)
{
    int64_t step;
    int end = 0;

    if (sscanf(name, "step-%12" SCNd64 ".ranks-%n", &step, &end) < 1 || end != 24 ||
        strlen(name) != 24 + 36 || !collio_uuid_parse(name + 24, uuid))
        return -1;
    return step;
}

static int is_wanted(int64_t step, int64_t wanted, const unsigned char *uuid)
{
    if (wanted >= 0)
        return step == wanted;
    return step >= 0 && collio_process_is(uuid, 0) == COLLIO_PROCESS_GONE;
}

static void drop(const char *directory, int64_t step, const char *name)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    char *file = collio_name_step(directory, step, &ignored), *path = NULL;
    int exists = 1;

    if (file != NULL)
        collio_posix_exists(file, &exists, &ignored);
    if (ignored.code == COLLIO_OK && !exists && asprintf(&path, "%s/%s", directory, name) >= 0)
        collio_ranks_remove(path);
    free(path);
    free(file);
}

int collio_ranks_owner(const char *path, int64_t step, unsigned char *uuid)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_table table = {.count = 0};
    int fd = -1, found = 0;

    if (collio_step_open(path, step, &fd, &table, &ignored) == COLLIO_OK && table.ranks != NULL) {
        memcpy(uuid, table.uuid, sizeof table.uuid);
        found = 1;
    }
    collio_posix_close(&fd, path, &ignored);
    collio_table_free(&table);
    return found;
}

/* 1 if there is a "damaged-<uuid>-step-<12 digits>.h5": somebody may want to look at its files. */
static int is_set_aside(const char *directory, int64_t step)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    char ending[40];
    int found = 0;

    snprintf(ending, sizeof ending, "-step-%012" PRId64 ".h5", step);
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
        found = strncmp(entry->d_name, "damaged-", 8) == 0 && strlen(entry->d_name) > 8 + 36 &&
                strcmp(entry->d_name + 8 + 36, ending) == 0;
    if (dir != NULL)
        closedir(dir);
    return found;
}

void collio_ranks_drop(const char *directory, int64_t wanted, const unsigned char *uuid)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    unsigned char found[16];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int64_t step = parse_ranks(entry->d_name, found);
        if (is_wanted(step, wanted, found) &&
            (uuid != NULL ? memcmp(uuid, found, 16) == 0 : !is_set_aside(directory, step)))
            drop(directory, step, entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
}
