/* The names in a directory of checkpoints: steps, pins, parts of saves under way. */
#define _GNU_SOURCE
#include "rankset.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *print_path(const char *directory, const char *before, const unsigned char *uuid,
                        int64_t step, const char *ending, collio_error *err)
{
    char text[40] = "", *path = NULL;

    if (uuid != NULL) {
        collio_uuid_text(uuid, text);
        strcat(text, "-");
    }
    if (asprintf(&path, "%s/%s%sstep-%012" PRId64 "%s", directory, before, text, step, ending) >= 0)
        return path;
    collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return NULL;
}

char *collio_name_step(const char *directory, int64_t step, collio_error *err)
{
    return print_path(directory, "", NULL, step, ".h5", err);
}

char *collio_name_pin(const char *directory, int64_t step, collio_error *err)
{
    return print_path(directory, "", NULL, step, ".pin", err);
}

char *collio_name_part(const char *directory, const unsigned char *uuid, int64_t step,
                       collio_error *err)
{
    return print_path(directory, ".part-", uuid, step, ".h5", err);
}

char *collio_name_old(const char *directory, const unsigned char *uuid, int64_t step,
                      collio_error *err)
{
    return print_path(directory, ".old-", uuid, step, ".h5", err);
}

char *collio_name_damaged(const char *directory, const unsigned char *uuid, int64_t step,
                          collio_error *err)
{
    return print_path(directory, "damaged-", uuid, step, ".h5", err);
}

/* ------------------------------------------------------- remains of saves */

/* Where the uuid begins in the name of something that is not to stay; NULL in other names. */
static const char *find_uuid(const char *name)
{
    if (strlen(name) < 6 + 36)
        return NULL;
    if (strncmp(name, ".part-", 6) == 0)
        return name + 6;
    return strncmp(name, ".old-", 5) == 0 ? name + 5 : NULL;
}

/* The files of ranks, of a save that was not finished. */
static int remove_ranks(const char *directory, const char *name)
{
    char *path = NULL;
    int gone = asprintf(&path, "%s/%s", directory, name) >= 0 && collio_ranks_remove(path);

    free(path);
    return gone;
}

void collio_names_clean(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    unsigned char uuid[16];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *text = find_uuid(entry->d_name);
        if (text == NULL || !collio_uuid_parse(text, uuid) ||
            collio_process_is(uuid, 0) != COLLIO_PROCESS_GONE)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) == 0 || remove_ranks(directory, entry->d_name))
            collio_log("checkpoint: removed %s/%s, left by a job that is gone", directory,
                       entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
}

/* --------------------------------------------------------------- list */

/* The number in "step-<12 digits>.h5", or -1 for any other name. */
static int64_t parse_step(const char *name)
{
    int64_t step = 0;

    if (strlen(name) != 5 + 12 + 3 || strncmp(name, "step-", 5) != 0 ||
        strcmp(name + 17, ".h5") != 0 || strspn(name + 5, "0123456789") != 12)
        return -1;
    for (int i = 5; i < 17; i++)
        step = 10 * step + (name[i] - '0');
    return step;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int append(int64_t **steps, int *count, int64_t step, collio_error *err)
{
    int64_t *longer = *steps;

    if ((*count & (*count - 1)) == 0)
        longer = realloc(*steps, (*count > 0 ? 2 * (size_t)*count : 1) * sizeof **steps);
    if (longer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the list of steps");
    *steps = longer;
    longer[(*count)++] = step;
    return COLLIO_OK;
}

/* All entries of an open directory that are steps. */
static int read_steps(DIR *dir, const char *directory, int64_t **steps, int *count,
                      collio_error *err)
{
    struct dirent *entry;
    int64_t step;

    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL)
            return collio_sys(errno != 0, "readdir", directory, err);
        step = parse_step(entry->d_name);
        if (step >= 0 && append(steps, count, step, err))
            return err->code;
    }
}

int collio_names_list(const char *directory, int64_t **steps, int *count, collio_error *err)
{
    DIR *dir = opendir(directory);
    int failed;

    *steps = NULL;
    *count = 0;
    failed = collio_sys(dir == NULL, "opendir", directory, err);
    if (!failed)
        failed = read_steps(dir, directory, steps, count, err);
    if (dir != NULL)
        closedir(dir);
    if (failed) {
        free(*steps);
        *steps = NULL;
        *count = 0;
    } else if (*count > 1) {
        qsort(*steps, (size_t)*count, sizeof **steps, by_number);
    }
    return failed;
}
