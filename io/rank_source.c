/* What is to be merged: which step of a directory, or a file that is no step at all. */
#define _GNU_SOURCE
#include "rankset.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The newest step of a directory that has a whole seal. */
static int64_t newest_of(const char *directory, collio_error *err)
{
    int64_t *steps = NULL, newest = -1;
    int count = 0;

    collio_names_list(directory, &steps, &count, err);
    for (int i = count - 1; i >= 0 && newest < 0 && err->code == COLLIO_OK; i--) {
        collio_error why = COLLIO_ERROR_INIT;
        collio_table table = {.count = 0};
        char *path = collio_name_step(directory, steps[i], err);
        int fd = -1;
        if (path != NULL && collio_step_open(path, steps[i], &fd, &table, &why) == COLLIO_OK)
            newest = steps[i];
        collio_posix_close(&fd, path, &why);
        collio_table_free(&table);
        free(path);
    }
    free(steps);
    if (newest < 0)
        collio_error_set(err, COLLIO_ERR_NONE, "there is no step in '%s' with a whole seal",
                         directory);
    return newest;
}

static int64_t check_step(const char *directory, int64_t step, collio_error *err)
{
    char *path = collio_name_step(directory, step, err);
    int exists = 0;

    if (path != NULL && collio_posix_exists(path, &exists, err) == COLLIO_OK && !exists)
        collio_error_set(err, COLLIO_ERR_NONE, "there is no '%s'", path);
    free(path);
    return step;
}

int64_t collio_merge_step(const char *source, int64_t step, collio_error *err)
{
    struct stat facts;

    if (stat(source, &facts) == 0 && S_ISDIR(facts.st_mode))
        return step == COLLIO_NEWEST ? newest_of(source, err) : check_step(source, step, err);
    if (step != COLLIO_NEWEST)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "'%s' is no directory, of which step %" PRId64 " could be taken", source,
                         step);
    return -1;
}

int collio_merge_is_split(const char *path, collio_error *err)
{
    char *index = NULL;
    int exists = 0;

    if (asprintf(&index, "%s.ranks/index.h5", path) < 0) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
        return 0;
    }
    collio_posix_exists(index, &exists, err);
    free(index);
    return exists;
}
