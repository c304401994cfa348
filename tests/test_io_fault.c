/*
 * Every judged result of a file's life fails once, on each rank in turn: all ranks
 * get the same error, none waits, and what is on disk opens with plain HDF5.
 * ranks: 1 2 3
 */
#include "fault_tools.h"

#include <sys/stat.h>

#define PATH "fault.h5"
#define ROWS 6

static void fill(collio_selection *part, collio_array *memory, double *values)
{
    int64_t start[2] = {(int64_t)tap_rank * ROWS, 0}, count[2] = {ROWS, 3};

    for (int i = 0; i < ROWS * 3; i++)
        values[i] = (double)tap_rank * ROWS * 3 + i;
    collio_selection_block(part, 2, start, count);
    collio_array_fill(memory, values, COLLIO_FLOAT64, 2, count);
}

static void work(collio_file *file, life *l, collio_error *err)
{
    int64_t shape[2] = {(int64_t)tap_size * ROWS, 3}, size = 4;
    double values[ROWS * 3], step[4] = {1, 2, 3, 4};
    float again[ROWS * 3];
    collio_object *group = NULL, *dataset = NULL;
    collio_selection part;
    collio_array memory;

    fill(&part, &memory, values);
    collio_group_create(collio_file_root(file), "a/b", &group, err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(group, "u", COLLIO_FLOAT64, 2, shape, NULL, &dataset, err);
    if (err->code == COLLIO_OK)
        collio_dataset_write(dataset, &part, &memory, err);
    if (err->code == COLLIO_OK)
        collio_file_flush(file, err);
    l->flushed = err->code == COLLIO_OK;
    if (err->code == COLLIO_OK)
        collio_attribute_write(dataset, "step", COLLIO_FLOAT64, 1, &size, step, err);
    if (err->code == COLLIO_OK)
        collio_attribute_write_text(group, "name", "fault", err);
    if (err->code == COLLIO_OK)
        collio_attribute_delete(dataset, "step", err);
    collio_array_fill(&memory, again, COLLIO_FLOAT32, 2, part.count);
    if (err->code == COLLIO_OK)
        collio_dataset_read(dataset, &part, &memory, err);
    collio_object_close(&dataset);
    if (err->code == COLLIO_OK)
        collio_link_delete(group, "u", err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(group, "u", COLLIO_FLOAT64, 2, shape, NULL, NULL, err);
    collio_object_close(&group);
}

/* What is on disk, seen by plain HDF5: absent or whole. */
static int disk_is_right(const life *l)
{
    hid_t file, dataset = -1;
    struct stat status;
    int right = 1;

    /* An open() that fails after all may leave an empty file: it does not look whole. */
    if (stat(PATH, &status) != 0 || status.st_size == 0)
        return !l->opened;
    file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        return 0;
    if (l->flushed && !l->closed)
        right = H5Lexists(file, "a", H5P_DEFAULT) > 0 && H5Lexists(file, "a/b", H5P_DEFAULT) > 0 &&
                H5Lexists(file, "a/b/u", H5P_DEFAULT) > 0;
    if (l->flushed && !l->closed) {
        dataset = H5Dopen2(file, "a/b/u", H5P_DEFAULT);
        right = right && dataset >= 0;
    }
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Fclose(file);
    return right;
}

int main(int argc, char **argv)
{
    const life_story story = {PATH, NULL, 1, work, disk_is_right};

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_set_timeout(10.0);
    test_lives(&story, 1);
    MPI_Finalize();
    return tap_end();
}
