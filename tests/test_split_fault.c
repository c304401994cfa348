/*
 * Every judged result in the life of a file per rank fails once, on each rank in turn: all ranks
 * get the same error, none waits, and under the name of the file there is nothing or all of it; the
 * next one is made in spite of what is left. The layout "auto" falls back where the probe fails,
 * with one notice. ranks: 1 2 3
 */
#include "fault_tools.h"

#include <stdlib.h>
#include <sys/stat.h>

#define PATH "split.h5"
#define ROWS 6

static void work(collio_file *file, life *l, collio_error *err)
{
    int64_t shape[2] = {(int64_t)tap_size * ROWS, 3}, count[2] = {ROWS, 3}, one = 0;
    int64_t start[2] = {(int64_t)tap_rank * ROWS, 0}, chunks[2] = {4, 2};
    collio_dataset_options options = {.chunked = 1, .chunks = chunks};
    collio_object *u = NULL, *packed = NULL, *scalar = NULL;
    double values[ROWS * 3], again[ROWS * 3];
    collio_selection part;
    collio_array memory;

    for (int i = 0; i < ROWS * 3; i++)
        values[i] = tap_rank * ROWS * 3 + i;
    collio_selection_block(&part, 2, start, count);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, count);
    collio_dataset_create(collio_file_root(file), "u", COLLIO_FLOAT64, 2, shape, NULL, &u, err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(collio_file_root(file), "packed", COLLIO_FLOAT64, 2, shape, &options,
                              &packed, err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(collio_file_root(file), "one", COLLIO_FLOAT64, 0, &one, NULL, &scalar,
                              err);
    if (err->code == COLLIO_OK)
        collio_dataset_write(u, &part, &memory, err);
    if (err->code == COLLIO_OK)
        collio_dataset_write(packed, &part, &memory, err);
    collio_array_fill(&memory, again, COLLIO_FLOAT64, 2, count);
    if (err->code == COLLIO_OK)
        collio_dataset_read(u, &part, &memory, err);
    if (err->code == COLLIO_OK)
        collio_attribute_write_text(u, "name", "split", err);
    if (err->code == COLLIO_OK)
        collio_file_flush(file, err);
    note(l, err);
    collio_object_close(&u);
    collio_object_close(&packed);
    collio_object_close(&scalar);
}

static int has_all(hid_t file, const char *name)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    int64_t count = (int64_t)tap_size * ROWS * 3;
    double *values = calloc((size_t)count, sizeof *values);
    int right = dataset >= 0 &&
                H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;

    for (int64_t i = 0; i < count && right; i++)
        right = values[i] == (double)i;
    if (dataset >= 0)
        H5Dclose(dataset);
    free(values);
    return right;
}

/* What plain HDF5 sees: nothing, or all. */
static int disk_is_right(const life *l)
{
    struct stat status;
    hid_t file;
    int right;

    if (stat(PATH, &status) != 0)
        return l->code != COLLIO_OK;
    file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        return 0;
    /* Where a dataset could not be made or written, but the file was closed after that. */
    right = l->code != COLLIO_OK && l->closed ? 1 : has_all(file, "u") && has_all(file, "packed");
    H5Fclose(file);
    return right;
}

/* ------------------------------------------------------------------ auto */

static int notices;

static void count_notice(const char *text, void *data)
{
    (void)data;
    notices += strstr(text, "cannot share a file") != NULL;
}

/* 1 if the file was split, 0 if shared, -1 if it could not be opened: the same on all ranks. */
static int open_auto(int rank, long nth, int *reached)
{
    collio_file_options options = {.layout = COLLIO_LAYOUT_AUTO};
    collio_error err = COLLIO_ERROR_INIT;
    MPI_Comm comm = known_comm();
    collio_file *file = NULL;
    struct stat status;
    int split;

    collio_fault_set(tap_rank == rank ? nth : 0);
    collio_file_open(comm, "auto.h5", "w", &options, &file, &err);
    *reached = collio_fault_count() >= nth;
    collio_fault_set(0);
    MPI_Bcast(reached, 1, MPI_INT, rank, MPI_COMM_WORLD);
    split = file == NULL ? -1 : stat("auto.h5.ranks", &status) == 0;
    collio_error_clear(&err);
    MPI_Barrier(MPI_COMM_WORLD);
    if (file != NULL)
        collio_file_close(&file, &err);
    MPI_Comm_free(&comm);
    split = err.code == COLLIO_OK ? split : -2;
    if (tap_rank == 0) {
        (void)!system("rm -rf auto.h5.ranks");
        unlink("auto.h5");
    }
    MPI_Barrier(MPI_COMM_WORLD);
    return split;
}

static void test_auto(void)
{
    int fallen = 0, sound = 1, reached = 1;

    collio_set_log(count_notice, NULL);
    for (long nth = first_fault(); reached; nth++) {
        int split = open_auto(tap_size - 1, nth, &reached);
        sound &= alike(split) && split > -2;
        fallen += split == 1;
    }
    collio_set_log(NULL, NULL);
    tap_ok(sound && fallen > 0, "auto: the same choice on all ranks (%d per rank)", fallen);
    tap_ok(tap_rank != 0 || notices >= fallen, "auto: falling back is told once (%d)", notices);
}

int main(int argc, char **argv)
{
    const collio_file_options options = {.layout = COLLIO_LAYOUT_PER_RANK};
    const life_story story = {PATH, &options, 0, work, disk_is_right};

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_set_timeout(10.0);
    /* Not each of them on each rank: it is the same walk. */
    test_lives(&story, tap_size);
    test_auto();
    MPI_Finalize();
    return tap_end();
}
