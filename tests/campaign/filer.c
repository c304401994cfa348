/*
 * The program that tests/campaign/kill.py kills in the mode "file": what saver.c is for
 * checkpoints, for files of which each rank writes a part. filer DIRECTORY LOG STEPS ROWS file Step
 * N is DIRECTORY/state-<N modulo 3>.h5, made anew each time. First all of these that are there must
 * be whole; after "ready" the newest is merged and the result compared, and then files are made.
 * LOG gets the same lines: "restored N", "wrong ...", "ready", "saved N" when the file has been
 * closed, "failed ...", "end"; LOG.pid-<rank> and LOG.err-<rank> are as there.
 */
#include <collio/checkpoint.h>
#include <collio/io.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 257, FILES = 3 };

static int rank, size;
static FILE *log_file;
static const char *directory, *log_name;
static int64_t shape[2];

static void say(const char *format, ...)
{
    va_list args;

    if (rank != 0)
        return;
    va_start(args, format);
    vfprintf(log_file, format, args);
    va_end(args);
    fflush(log_file);
}

static void write_line(const char *kind, const char *text)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s.%s-%d", log_name, kind, rank);
    file = fopen(path, "w");
    if (file != NULL) {
        fprintf(file, "%s\n", text);
        fclose(file);
    }
}

static double value(int64_t step, int64_t i)
{
    return (double)step * 1e7 + (double)i;
}

/* A block of this rank: rows, or columns. */
typedef struct block {
    collio_selection where;
    collio_array memory;
    int64_t start[2], count[2];
} block;

static void make_block(block *b, int along)
{
    collio_error err = COLLIO_ERROR_INIT;

    b->start[0] = b->start[1] = 0;
    b->count[0] = shape[0];
    b->count[1] = shape[1];
    collio_part_range(shape[along], size, rank, &b->start[along], &b->count[along], &err);
    collio_selection_block(&b->where, 2, b->start, b->count);
    collio_array_fill(&b->memory, malloc((size_t)(b->count[0] * b->count[1]) * sizeof(double) + 1),
                      COLLIO_FLOAT64, 2, b->count);
}

/* Fill it with the values of a step; or count those that differ from them. */
static int64_t each(const block *b, int64_t step, int fill)
{
    double *values = b->memory.data;
    int64_t wrong = 0;

    for (int64_t i = 0; i < b->count[0]; i++)
        for (int64_t j = 0; j < b->count[1]; j++, values++) {
            double wanted = value(step, (b->start[0] + i) * COLUMNS + b->start[1] + j);
            if (fill)
                *values = wanted;
            wrong += *values != wanted;
        }
    return wrong;
}

/* ------------------------------------------------------------------- read */

static int64_t read_block(collio_file *file, const char *name, int along, int64_t step,
                          collio_error *err)
{
    collio_object *dataset = NULL;
    int64_t wrong = 0;
    block b;

    make_block(&b, along);
    memset(b.memory.data, 0, (size_t)(b.count[0] * b.count[1]) * sizeof(double));
    if (collio_object_open(collio_file_root(file), name, &dataset, err) == COLLIO_OK &&
        collio_dataset_read(dataset, &b.where, &b.memory, err) == COLLIO_OK)
        wrong = each(&b, step, 0);
    collio_object_close(&dataset);
    free(b.memory.data);
    return wrong;
}

/* The step of a file that is whole and right; anything else is said. -1: it is not there. By other
 * blocks than it was written. */
static int64_t check(const char *path)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    int64_t step = -1, wrong;
    int there = access(path, F_OK) == 0;

    MPI_Bcast(&there, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!there)
        return -1;
    if (collio_file_open(MPI_COMM_WORLD, path, "r", NULL, &file, &err) == COLLIO_OK)
        collio_attribute_read(collio_file_root(file), "step", COLLIO_INT64, &step, &err);
    wrong = err.code == COLLIO_OK ? read_block(file, "u", 1, step, &err) : 0;
    wrong += err.code == COLLIO_OK ? read_block(file, "v", 0, step, &err) : 0;
    if (file != NULL)
        collio_file_close(&file, &err);
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    if (err.code != COLLIO_OK)
        say("wrong error: %s\n", err.text);
    else if (wrong > 0)
        say("wrong values: %" PRId64 " in step %" PRId64 "\n", wrong, step);
    return step;
}

static void name_step(char *path, size_t room, int64_t step)
{
    snprintf(path, room, "%s/state-%d.h5", directory, (int)(step % FILES));
}

static int64_t restore(void)
{
    int64_t newest = -1;
    char path[4096];

    for (int i = 0; i < FILES; i++) {
        int64_t step;
        name_step(path, sizeof path, i);
        step = check(path);
        newest = step > newest ? step : newest;
    }
    return newest;
}

static void merge(int64_t step)
{
    collio_error err = COLLIO_ERROR_INIT;
    char path[4096], one[4096];

    if (step < 0)
        return;
    name_step(path, sizeof path, step);
    snprintf(one, sizeof one, "%s/one-%" PRId64 ".h5", directory, step);
    collio_checkpoint_merge(MPI_COMM_WORLD, path, COLLIO_NEWEST, one, NULL, NULL, &err);
    if (err.code != COLLIO_OK)
        say("wrong merge: %s\n", err.text);
    else if (check(one) != step)
        say("wrong step in the merged file\n");
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink(one);
}

/* ------------------------------------------------------------------ write */

static void write_block(collio_file *file, const char *name, int along, int64_t step,
                        const collio_dataset_options *options, collio_error *err)
{
    collio_object *dataset = NULL;
    block b;

    make_block(&b, along);
    each(&b, step, 1);
    if (err->code == COLLIO_OK &&
        collio_dataset_create(collio_file_root(file), name, COLLIO_FLOAT64, 2, shape, options,
                              &dataset, err) == COLLIO_OK)
        collio_dataset_write(dataset, &b.where, &b.memory, err);
    collio_object_close(&dataset);
    free(b.memory.data);
}

static int save(int64_t step)
{
    const collio_file_options options = {.layout = COLLIO_LAYOUT_PER_RANK};
    const int64_t chunks[2] = {16, 32};
    const collio_filter gzip = {.id = COLLIO_FILTER_GZIP, .count = 1, .value = {1}};
    const collio_dataset_options packed = {
        .chunked = 1, .chunks = chunks, .filters = &gzip, .filter_count = 1};
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    char path[4096];

    name_step(path, sizeof path, step);
    if (collio_file_open(MPI_COMM_WORLD, path, "w", &options, &file, &err) == COLLIO_OK) {
        collio_attribute_write(collio_file_root(file), "step", COLLIO_INT64, 0, NULL, &step, &err);
        write_block(file, "u", 0, step, NULL, &err);
        write_block(file, "v", 1, step, &packed, &err);
        if (err.code == COLLIO_OK)
            collio_file_close(&file, &err);
    }
    if (err.code == COLLIO_OK) {
        say("saved %" PRId64 "\n", step);
    } else {
        say("failed %" PRId64 ": %s\n", step, err.text);
        write_line("err", err.text);
    }
    return err.code;
}

int main(int argc, char **argv)
{
    char text[32];
    int64_t step;

    if (argc < 5)
        return 2;
    directory = argv[1];
    log_name = argv[2];
    shape[0] = atoll(argv[4]);
    shape[1] = COLUMNS;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    log_file = rank == 0 ? fopen(log_name, "a") : NULL;
    if (rank == 0 && log_file == NULL)
        MPI_Abort(MPI_COMM_WORLD, 2);
    snprintf(text, sizeof text, "%ld", (long)getpid());
    write_line("pid", text);
    step = restore();
    say("restored %" PRId64 "\n", step);
    MPI_Barrier(MPI_COMM_WORLD);
    say("ready\n");
    merge(step);
    for (long n = atol(argv[3]); n > 0; n--)
        if (save(++step) != COLLIO_OK)
            break;
    say("end\n");
    MPI_Finalize();
    return 0;
}
