/* Write to datasets as other programs make them: without space yet, compact, chunked early or with
 * filters that collio has not chosen, external, virtual. ranks: 1 2 3 4 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#define PATH "odd.h5"
#define SIZE 100

/* What a dataset is like; elements of even index are written, the others are as at first. */
typedef struct sort {
    const char *name;
    int32_t first;
} sort;

static const sort sorts[] = {
    {"late", 0}, {"late filled", 5}, {"compact", 0},  {"compact written", 7}, {"early chunks", 3},
    {"nbit", 0}, {"latest", 2},      {"external", 0}, {"virtual", 0},
};

#define SORTS ((int)(sizeof sorts / sizeof *sorts))

/* ------------------------------------------------------------ by plain HDF5 */

static void make(hid_t file, const char *name, hid_t list)
{
    static const hsize_t size = SIZE;
    hid_t space = H5Screate_simple(1, &size, NULL);
    hid_t id = H5Dcreate2(file, name, H5T_STD_I32BE, space, H5P_DEFAULT, list, H5P_DEFAULT);

    H5Dclose(id);
    H5Sclose(space);
}

static hid_t filled(int32_t value)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    H5Pset_fill_value(list, H5T_NATIVE_INT32, &value);
    return list;
}

static void make_virtual(hid_t file)
{
    static const hsize_t size = SIZE;
    hid_t space = H5Screate_simple(1, &size, NULL), list = filled(0);

    H5Pset_virtual(list, space, ".", "late", space);
    make(file, "virtual", list);
    H5Pclose(list);
    H5Sclose(space);
}

static void make_file(void)
{
    static const hsize_t chunk = 9;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), list = filled(0);
    hid_t file = H5Fcreate(PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), id;
    int32_t values[SIZE];

    make(file, "late", list);
    H5Pset_layout(list, H5D_COMPACT);
    make(file, "compact", list);
    make(file, "compact written", list);
    for (int i = 0; i < SIZE; i++)
        values[i] = 7;
    id = H5Dopen2(file, "compact written", H5P_DEFAULT);
    H5Dwrite(id, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(id);
    H5Pclose(list);
    list = filled(5);
    make(file, "late filled", list);
    H5Pclose(list);
    list = filled(3);
    H5Pset_chunk(list, 1, &chunk);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    make(file, "early chunks", list);
    H5Pclose(list);
    list = filled(0);
    H5Pset_chunk(list, 1, &chunk);
    H5Pset_nbit(list);
    make(file, "nbit", list);
    H5Pclose(list);
    list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(list, "odd.raw", 0, H5F_UNLIMITED);
    make(file, "external", list);
    H5Pclose(list);
    make_virtual(file);
    H5Fclose(file);
    /* Other kinds of indexes of chunks. */
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    file = H5Fopen(PATH, H5F_ACC_RDWR, access);
    list = filled(2);
    H5Pset_chunk(list, 1, &chunk);
    make(file, "latest", list);
    H5Pclose(list);
    H5Fclose(file);
    H5Pclose(access);
}

static int32_t wanted(const sort *s, int i)
{
    return i % 2 == 0 ? 1000 + i : s->first;
}

static int right_on_disk(const sort *s)
{
    hid_t file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t id = file < 0 ? -1 : H5Dopen2(file, s->name, H5P_DEFAULT);
    int32_t values[SIZE];
    int right =
        id >= 0 && H5Dread(id, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;

    for (int i = 0; i < SIZE && right; i++)
        right = values[i] == wanted(s, i);
    if (id >= 0)
        H5Dclose(id);
    if (file >= 0)
        H5Fclose(file);
    return right;
}

/* ---------------------------------------------------------------- by collio */

static void test_sort(collio_object *root, const sort *s)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL, *again = NULL;
    int64_t all = SIZE, size = SIZE / 2;
    collio_selection part = {.ndim = 1,
                             .start = {(int64_t)2 * tap_rank},
                             .stride = {(int64_t)2 * tap_size},
                             .count = {0},
                             .block = {1}};
    int32_t values[SIZE];
    collio_array memory;
    int right = 1;

    part.count[0] = (size - tap_rank + tap_size - 1) / tap_size;
    for (int64_t i = 0; i < part.count[0]; i++)
        values[i] = (int32_t)(1000 + part.start[0] + i * part.stride[0]);
    collio_object_open(root, s->name, &dataset, &err);
    collio_object_open(root, s->name, &again, &err);
    collio_array_fill(&memory, values, COLLIO_INT32, 1, part.count);
    collio_dataset_write(dataset, &part, &memory, &err);
    tap_ok(err.code == COLLIO_OK, "write to %s: %s", s->name, err.text);
    collio_error_clear(&err);
    collio_array_fill(&memory, values, COLLIO_INT32, 1, &all);
    collio_dataset_read(again, NULL, &memory, &err);
    for (int i = 0; i < SIZE; i++)
        right = right && values[i] == wanted(s, i);
    tap_ok(right && err.code == COLLIO_OK, "and read from %s %s", s->name, err.text);
    collio_object_close(&dataset);
    collio_object_close(&again);
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (tap_rank == 0)
        make_file();
    MPI_Barrier(MPI_COMM_WORLD);
    collio_file_open(MPI_COMM_WORLD, PATH, "r+", NULL, &file, &err);
    for (int i = 0; i < SORTS; i++)
        test_sort(collio_file_root(file), &sorts[i]);
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
    for (int i = 0; i < SORTS; i++)
        tap_ok(tap_rank != 0 || right_on_disk(&sorts[i]), "%s: plain HDF5 reads it", sorts[i].name);
    MPI_Finalize();
    return tap_end();
}
