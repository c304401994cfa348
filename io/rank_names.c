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

void collio_ranks_drop(const char *directory, int64_t wanted)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    unsigned char uuid[16];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int64_t step = parse_ranks(entry->d_name, uuid);
        if (is_wanted(step, wanted, uuid))
            drop(directory, step, entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
}
