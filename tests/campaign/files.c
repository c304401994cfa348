/* Power loss while files of which each rank writes a part are made: under the name of one there is
 * nothing, or all of it. */
#include "campaign.h"

#include <collio/io.h>

#include <unistd.h>

enum { FILES = 5, LINES = 37, WIDTH = 60 };

static const int64_t extents[2] = {LINES, WIDTH};

static void name_file(char *path, size_t room, const char *directory, int64_t step)
{
    snprintf(path, room, "%s/step-%d.h5", directory, (int)step);
}

static double element(int64_t step, int64_t i)
{
    return (double)step * 1e5 + (double)i;
}

/* ------------------------------------------------------------------ made */

static void write_lines(collio_file *file, const char *name, int64_t step,
                        const collio_dataset_options *options, collio_error *err)
{
    static double values[LINES * WIDTH];
    int64_t start[2] = {0, 0}, count[2] = {0, WIDTH};
    collio_object *dataset = NULL;
    collio_selection where;
    collio_array memory;

    collio_part_range(LINES, tap_size, tap_rank, &start[0], &count[0], err);
    for (int64_t i = 0; i < count[0] * WIDTH; i++)
        values[i] = element(step, start[0] * WIDTH + i);
    collio_selection_block(&where, 2, start, count);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, count);
    if (err->code == COLLIO_OK &&
        collio_dataset_create(collio_file_root(file), name, COLLIO_FLOAT64, 2, extents, options,
                              &dataset, err) == COLLIO_OK)
        collio_dataset_write(dataset, &where, &memory, err);
    collio_object_close(&dataset);
}

static int make(int64_t step, collio_error *err)
{
    const collio_file_options options = {.layout = COLLIO_LAYOUT_PER_RANK};
    const int64_t chunks[2] = {8, 16};
    const collio_dataset_options chunked = {.chunked = 1, .chunks = chunks};
    collio_file *file = NULL;
    char path[64];

    name_file(path, sizeof path, campaign_directory, step);
    if (collio_file_open(MPI_COMM_WORLD, path, "w", &options, &file, err) == COLLIO_OK) {
        write_lines(file, "plain", step, NULL, err);
        write_lines(file, "chunked", step, &chunked, err);
        if (err->code == COLLIO_OK)
            collio_file_flush(file, err);
        if (err->code == COLLIO_OK)
            collio_file_close(&file, err);
    }
    return err->code;
}

/* ---------------------------------------------------------------- judged */

static int is_right(collio_file *file, const char *name, int64_t step, collio_error *err)
{
    static double values[LINES * WIDTH];
    collio_object *dataset = NULL;
    collio_array memory;
    int right = 0;

    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, extents);
    if (collio_object_open(collio_file_root(file), name, &dataset, err) == COLLIO_OK)
        right = collio_dataset_read(dataset, NULL, &memory, err) == COLLIO_OK;
    for (int64_t i = 0; i < LINES * WIDTH && right; i++)
        right = values[i] == element(step, i);
    collio_object_close(&dataset);
    return right;
}

static int is_whole(const char *path, int64_t step)
{
    collio_error err = COLLIO_ERROR_INIT, closing = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    int right;

    if (collio_file_open(MPI_COMM_SELF, path, "r", NULL, &file, &err) != COLLIO_OK) {
        fprintf(stderr, "# %s\n", err.text);
        return 0;
    }
    right = is_right(file, "plain", step, &err) && is_right(file, "chunked", step, &err);
    collio_file_close(&file, &closing);
    if (!right)
        fprintf(stderr, "# '%s' is not right: %s\n", path, err.text);
    return right;
}

static int are_kept(void *context, const char *directory, int64_t acknowledged)
{
    char path[64];

    (void)context;
    for (int64_t step = 1; step <= FILES; step++) {
        name_file(path, sizeof path, directory, step);
        if (access(path, F_OK) != 0 ? step <= acknowledged : !is_whole(path, step))
            return 0;
    }
    return 1;
}

long campaign_power_files(int states, uint64_t seed)
{
    collio_error err = COLLIO_ERROR_INIT;

    if (!campaign_replay_begin())
        return 1;
    if (tap_rank == 0)
        collio_posix_make_directory(campaign_directory, &err);
    MPI_Barrier(MPI_COMM_WORLD);
    trip_record(1);
    for (int64_t step = 1; step <= FILES; step++)
        if (make(step, &err) == COLLIO_OK)
            trip_acknowledge(step);
    trip_record(0);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# the files before the power was lost: %s\n", err.text);
    return (err.code != COLLIO_OK) + campaign_replay(states, seed, are_kept, NULL);
}
