/*
 * Filters that a program registers: their values are in the file as the filter has adapted them to
 * the dataset, also those of a filter that adapts them again whenever it is asked; chunks are
 * written and read through them on any number of ranks, and by plain HDF5. ranks: 1 2 3 4
 */
#include "tap.h"
#include "collio/collio.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#define PATH "own_filter.h5"

enum { OWN = 40001, KEY = 90, EXTENT = 101, CHUNK = 8 };

/* -------------------------------------------------------------- the filter */

/* Some filters know only some types, and are asked again when data are written. */
static htri_t takes(hid_t list, hid_t type, hid_t space)
{
    (void)list, (void)space;
    return H5Tget_class(type) == H5T_FLOAT ? 1 : -1;
}

/* Put the size of an element before the values. */
static herr_t adapt(hid_t list, hid_t type, hid_t space)
{
    unsigned flags, values[8] = {(unsigned)H5Tget_size(type)};
    size_t count = 7;

    (void)space;
    if (H5Pget_filter_by_id2(list, OWN, &flags, &count, values + 1, 0, NULL, NULL) < 0)
        return -1;
    return H5Pmodify_filter(list, OWN, flags, count + 1, values);
}

/* Change each byte by all values, and put a mark behind them: with other values than the dataset's
 * nothing is right. */
static size_t apply(unsigned flags, size_t count, const unsigned *values, size_t bytes,
                    size_t *room, void **buffer)
{
    int undo = (flags & H5Z_FLAG_REVERSE) != 0;
    unsigned char *made = malloc(bytes + 1), *given = *buffer;
    unsigned change = 0;

    if (made == NULL || (undo && given[bytes - 1] != KEY)) {
        free(made);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        change += values[i];
    for (size_t i = 0; i < bytes; i++)
        made[i] = (unsigned char)(given[i] ^ change);
    made[bytes] = KEY;
    free(*buffer);
    *buffer = made;
    *room = bytes + 1;
    return undo ? bytes - 1 : bytes + 1;
}

static const H5Z_class2_t own = {
    .version = H5Z_CLASS_T_VERS,
    .id = OWN,
    .encoder_present = 1,
    .decoder_present = 1,
    .name = "own",
    .can_apply = takes,
    .set_local = adapt,
    .filter = apply,
};

/* -------------------------------------------------------------------- data */

typedef struct order {
    const char *name;
    int count;
    collio_filter filters[3];
} order;

static const order orders[] = {
    {"own", 1, {{OWN, 1, {KEY}}}},
    {"shuffle own", 2, {{COLLIO_FILTER_SHUFFLE, 0, {0}}, {OWN, 1, {KEY}}}},
    {"own gzip sum",
     3,
     {{OWN, 1, {KEY}}, {COLLIO_FILTER_GZIP, 1, {6}}, {COLLIO_FILTER_FLETCHER32, 0, {0}}}},
    {"gzip own", 2, {{COLLIO_FILTER_GZIP, 1, {6}}, {OWN, 1, {KEY}}}}};
enum { ORDERS = sizeof orders / sizeof *orders };

static double value_at(int64_t i, int turn)
{
    return (double)(i * i % 37) + turn;
}

/* Each rank writes every size-th element from its own on: all ranks have parts of all chunks. */
static void write_mine(collio_object *dataset, int turn, collio_error *err)
{
    int64_t start = tap_rank;
    int64_t count = (EXTENT - tap_rank + tap_size - 1) / tap_size;
    double values[EXTENT];
    collio_selection mine;
    collio_array memory;

    for (int64_t i = 0; i < count; i++)
        values[i] = value_at(start + i * tap_size, turn);
    collio_selection_block(&mine, 1, &start, &count);
    mine.stride[0] = tap_size;
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &count);
    collio_dataset_write(dataset, &mine, &memory, err);
}

static int read_all(collio_object *dataset, int turn, collio_error *err)
{
    int64_t count = EXTENT;
    double values[EXTENT];
    collio_array memory;
    int right = 1;

    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &count);
    collio_dataset_read(dataset, NULL, &memory, err);
    for (int64_t i = 0; i < EXTENT; i++)
        right = right && values[i] == value_at(i, turn);
    return err->code == COLLIO_OK && right;
}

static void test_written(collio_object *root, const order *o)
{
    collio_dataset_options options = {.filters = o->filters, .filter_count = o->count};
    const int64_t extent = EXTENT, chunk = CHUNK;
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;

    options.chunks = &chunk;
    collio_dataset_create(root, o->name, COLLIO_FLOAT64, 1, &extent, &options, &dataset, &err);
    write_mine(dataset, 1, &err);
    tap_ok(read_all(dataset, 1, &err), "'%s': written and read %s", o->name, err.text);
    write_mine(dataset, 5, &err); /* now parts of chunks that are there are read before */
    tap_ok(read_all(dataset, 5, &err), "'%s': and again %s", o->name, err.text);
    collio_object_close(&dataset);
}

/* ------------------------------------------------------------ by plain HDF5 */

static int plain_reads(hid_t file, const order *o)
{
    hid_t dataset = H5Dopen2(file, o->name, H5P_DEFAULT);
    double values[EXTENT];
    int right;

    right = H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    for (int64_t i = 0; i < EXTENT; i++)
        right = right && values[i] == value_at(i, 5);
    H5Dclose(dataset);
    return right;
}

static int adapted_once(hid_t file, const order *o)
{
    hid_t dataset = H5Dopen2(file, o->name, H5P_DEFAULT), list = H5Dget_create_plist(dataset);
    unsigned flags, values[8] = {0};
    size_t count = 8;
    int right = H5Pget_filter_by_id2(list, OWN, &flags, &count, values, 0, NULL, NULL) >= 0 &&
                count == 2 && values[0] == sizeof(double) && values[1] == KEY;

    H5Pclose(list);
    H5Dclose(dataset);
    return right;
}

static void test_plain(void)
{
    int right[2 * ORDERS] = {0};

    if (tap_rank == 0) {
        hid_t file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);

        for (int i = 0; i < ORDERS; i++) {
            right[2 * i] = plain_reads(file, &orders[i]);
            right[2 * i + 1] = adapted_once(file, &orders[i]);
        }
        H5Fclose(file);
    }
    MPI_Bcast(right, 2 * ORDERS, MPI_INT, 0, MPI_COMM_WORLD);
    for (int i = 0; i < ORDERS; i++) {
        tap_ok(right[2 * i], "'%s': plain HDF5 reads it", orders[i].name);
        tap_ok(right[2 * i + 1], "'%s': the values were adapted once", orders[i].name);
    }
}

static void test_registered(void)
{
    collio_error err = COLLIO_ERROR_INIT;

    tap_ok(!collio_filter_available(OWN), "the filter is not there");
    tap_ok(collio_filter_unregister(OWN, &err) == COLLIO_ERR_HDF5, "nor can it go: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_filter_register(NULL, &err) == COLLIO_ERR_VALUE, "no filter: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_filter_register(&own, &err) == COLLIO_OK && collio_filter_available(OWN),
           "registered %s", err.text);
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;

    MPI_Init(&argc, &argv);
    tap_begin();
    test_registered();
    collio_file_open(MPI_COMM_WORLD, PATH, "w", NULL, &file, &err);
    for (int i = 0; i < ORDERS; i++)
        test_written(collio_file_root(file), &orders[i]);
    collio_file_close(&file, &err);
    tap_ok(err.code == COLLIO_OK, "closed %s", err.text);
    test_plain();
    tap_ok(collio_filter_unregister(OWN, &err) == COLLIO_OK && !collio_filter_available(OWN),
           "gone %s", err.text);
    MPI_Finalize();
    return tap_end();
}
