/* Files of other programs: read by collio whatever their storage, and the other way round, by
 * plain HDF5 and h5dump. ranks: 1 2 3 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#define ROWS    12
#define COLUMNS 5

/* ------------------------------------------------- made by plain HDF5 */

static double value_at(int i)
{
    return i - 7;
}

/* A dataset of the numbers value_at(), stored as `type` with these properties. */
static void make(hid_t file, const char *name, hid_t type, hid_t list)
{
    hsize_t shape[2] = {ROWS, COLUMNS};
    hid_t space = H5Screate_simple(2, shape, NULL);
    hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    double values[ROWS * COLUMNS];

    for (int i = 0; i < ROWS * COLUMNS; i++)
        values[i] = value_at(i);
    H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(id);
    H5Sclose(space);
}

static void make_stored(hid_t file)
{
    hsize_t chunk[2] = {5, 2};
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    make(file, "contiguous", H5T_IEEE_F64LE, list);
    make(file, "big", H5T_IEEE_F64BE, list);
    make(file, "short", H5T_STD_I16BE, list);
    H5Pset_layout(list, H5D_COMPACT);
    make(file, "compact", H5T_IEEE_F32LE, list);
    H5Pset_chunk(list, 2, chunk);
    make(file, "chunked", H5T_STD_I32LE, list);
    H5Pset_shuffle(list);
    H5Pset_deflate(list, 6);
    make(file, "gzip", H5T_IEEE_F64BE, list);
    H5Pclose(list);
    list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(list, "foreign.raw", 0, H5F_UNLIMITED);
    make(file, "external", H5T_IEEE_F64LE, list);
    H5Pclose(list);
}

/* A dataset that shows rows of another one, in this file and in another. */
static void make_virtual(hid_t file)
{
    hsize_t shape[2] = {ROWS, COLUMNS};
    hid_t space = H5Screate_simple(2, shape, NULL), list = H5Pcreate(H5P_DATASET_CREATE), id;
    hid_t other = H5Fcreate("foreign_source.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

    make(other, "source", H5T_IEEE_F64LE, H5P_DEFAULT);
    H5Fclose(other);
    H5Pset_virtual(list, space, "foreign_source.h5", "source", space);
    id = H5Dcreate2(file, "virtual", H5T_IEEE_F64LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    H5Dclose(id);
    H5Pclose(list);
    H5Sclose(space);
}

static void make_odd(hid_t file)
{
    hid_t null = H5Screate(H5S_NULL), scalar = H5Screate(H5S_SCALAR), text = H5Tcopy(H5T_C_S1), id;

    H5Tset_size(text, 8);
    H5Tset_strpad(text, H5T_STR_SPACEPAD);
    id = H5Dcreate2(file, "text", text, scalar, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(id);
    id = H5Dcreate2(file, "null", H5T_NATIVE_INT, null, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(id);
    id = H5Acreate2(file, "fixed", text, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, text, "fixed   ");
    H5Aclose(id);
    id = H5Acreate2(file, "null", H5T_NATIVE_INT, null, H5P_DEFAULT, H5P_DEFAULT);
    H5Aclose(id);
    H5Tclose(text);
    H5Sclose(scalar);
    H5Sclose(null);
}

static void make_file(void)
{
    if (tap_rank == 0) {
        hid_t file = H5Fcreate("foreign.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

        make_stored(file);
        make_virtual(file);
        make_odd(file);
        H5Fclose(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ---------------------------------------------------- read by collio */

/* Every rank reads its rows, every other column, into memory with gaps. */
static void test_read(collio_object *root, const char *name, int swapped)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    collio_type type = COLLIO_TYPE_COUNT;
    collio_selection part = {2, {0, 0}, {1, 2}, {0, 3}, {1, 1}};
    double values[ROWS][4] = {{0}};
    collio_array memory = {values, COLLIO_FLOAT64, 2, {0, 3}, {32, 8}};
    int is_swapped = -1, right = 1;

    collio_part_range(ROWS, tap_size, tap_rank, &part.start[0], &part.count[0], &err);
    memory.shape[0] = part.count[0];
    collio_object_open(root, name, &dataset, &err);
    collio_dataset_type(dataset, &type, &is_swapped, &err);
    collio_dataset_read(dataset, &part, &memory, &err);
    for (int64_t i = 0; i < part.count[0]; i++)
        for (int j = 0; j < 3; j++)
            right = right && values[i][j] == value_at((int)(part.start[0] + i) * COLUMNS + 2 * j);
    tap_ok(right && err.code == COLLIO_OK && is_swapped == swapped, "%s is read %s", name,
           err.text);
    collio_object_close(&dataset);
}

static void test_write(collio_object *root, const char *name, int code)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    double values[ROWS * COLUMNS];
    int64_t shape[2] = {ROWS, COLUMNS};
    collio_array memory;

    for (int i = 0; i < ROWS * COLUMNS; i++)
        values[i] = value_at(i);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, shape);
    collio_object_open(root, name, &dataset, &err);
    collio_dataset_write(dataset, NULL, &memory, &err);
    tap_ok(err.code == code && (code == COLLIO_OK || err.agreed), "write %s: %s", name, err.text);
    collio_object_close(&dataset);
}

static void test_odd(collio_object *root)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    collio_attribute_facts facts;
    collio_type_facts what;
    collio_type type;
    char *text = NULL;
    int ndim = 0;

    collio_object_open(root, "text", &dataset, &err);
    tap_ok(collio_dataset_type(dataset, &type, NULL, &err) == COLLIO_OK &&
               type > COLLIO_TYPE_COUNT && collio_type_info(type, &what, &err) == COLLIO_OK &&
               what.form == COLLIO_FORM_STRING,
           "a text dataset: %s", err.text);
    collio_object_close(&dataset);
    collio_object_open(root, "null", &dataset, &err);
    tap_ok(collio_dataset_shape(dataset, &ndim, NULL, &err) == COLLIO_ERR_UNSUPPORTED,
           "a null dataset: %s", err.text);
    collio_error_clear(&err);
    collio_object_close(&dataset);
    collio_attribute_read_text(root, "fixed", &text, &err);
    tap_ok(err.code == COLLIO_OK && strcmp(text, "fixed") == 0, "a text of fixed length");
    collio_text_free(&text);
    collio_attribute_info(root, "null", &facts, &err);
    tap_ok(err.code == COLLIO_OK && facts.kind == COLLIO_ATTRIBUTE_EMPTY, "a null attribute");
}

static void test_foreign(const char *mode)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *root;

    collio_file_open(MPI_COMM_WORLD, "foreign.h5", mode, NULL, &file, &err);
    tap_ok(file != NULL, "open with %s %s", mode, err.text);
    root = collio_file_root(file);
    test_read(root, "contiguous", 0);
    test_read(root, "big", 1);
    test_read(root, "short", 1);
    test_read(root, "compact", 0);
    test_read(root, "chunked", 0);
    test_read(root, "gzip", 1);
    test_read(root, "external", 0);
    test_read(root, "virtual", 0);
    test_odd(root);
    if (strcmp(mode, "r+") == 0) {
        test_write(root, "contiguous", COLLIO_OK);
        test_write(root, "big", COLLIO_OK);
        test_write(root, "short", COLLIO_OK);
        test_write(root, "gzip", COLLIO_OK);
        test_write(root, "external", COLLIO_OK);
        collio_group_create(root, "more", NULL, &err);
    }
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
}

/* The newest format marks files that are open for writing; none of that may stay
 * when we leave. */
static void test_latest(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), plain = H5I_INVALID_HID;

    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    if (tap_rank == 0) {
        plain = H5Fcreate("latest.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
        make(plain, "u", H5T_IEEE_F64LE, H5P_DEFAULT);
        H5Fclose(plain);
    }
    H5Pclose(access);
    MPI_Barrier(MPI_COMM_WORLD);
    collio_file_open(MPI_COMM_WORLD, "latest.h5", "r+", NULL, &file, &err);
    test_read(collio_file_root(file), "u", 0);
    collio_group_create(collio_file_root(file), "g", NULL, &err);
    collio_file_flush(file, &err);
    tap_ok(err.code == COLLIO_OK, "newest format: changed %s", err.text);
    collio_file_abandon(&file, "a test");
    MPI_Barrier(MPI_COMM_WORLD);
    plain = H5Fopen("latest.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    tap_ok(plain >= 0 && H5Lexists(plain, "g", H5P_DEFAULT) > 0,
           "newest format: flushed, left, and opened by plain HDF5");
    if (plain >= 0)
        H5Fclose(plain);
}

/* ------------------------------------------------ written by collio */

static void write_file(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *dataset = NULL;
    int64_t shape[2] = {ROWS, COLUMNS}, step = 42;
    double values[ROWS * COLUMNS];
    collio_array memory;

    for (int i = 0; i < ROWS * COLUMNS; i++)
        values[i] = value_at(i);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, shape);
    collio_file_open(MPI_COMM_WORLD, "ours.h5", "w", NULL, &file, &err);
    for (int t = 0; t < COLLIO_TYPE_COUNT; t++) {
        collio_dataset_create(collio_file_root(file), collio_type_name((collio_type)t),
                              (collio_type)t, 2, shape, NULL, &dataset, &err);
        if (t >= COLLIO_INT8 && t <= COLLIO_FLOAT64 && (t < COLLIO_UINT8 || t > COLLIO_UINT64))
            collio_dataset_write(dataset, NULL, &memory, &err);
        collio_attribute_write(dataset, "step", COLLIO_INT64, 0, NULL, &step, &err);
        collio_attribute_write_text(dataset, "unit", "m", &err);
        collio_object_close(&dataset);
    }
    collio_file_close(&file, &err);
    tap_ok(err.code == COLLIO_OK, "ours is written %s", err.text);
}

static int plain_reads(hid_t file, const char *name)
{
    hid_t id = H5Dopen2(file, name, H5P_DEFAULT), attribute = H5Aopen(id, "step", H5P_DEFAULT);
    double values[ROWS * COLUMNS];
    int64_t step = 0;
    int right = H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;

    for (int i = 0; i < ROWS * COLUMNS; i++)
        right = right && values[i] == value_at(i);
    H5Aread(attribute, H5T_NATIVE_INT64, &step);
    H5Aclose(attribute);
    H5Dclose(id);
    return right && step == 42;
}

static void test_ours(void)
{
    int right = 1, dumped = 1;

    write_file();
    if (tap_rank == 0) {
        hid_t file = H5Fopen("ours.h5", H5F_ACC_RDONLY, H5P_DEFAULT);

        right = file >= 0 && plain_reads(file, "f8") && plain_reads(file, "f4") &&
                plain_reads(file, "i8") && plain_reads(file, "i1");
        H5Fclose(file);
        if (system("command -v h5dump >/dev/null") == 0)
            dumped = system("h5dump ours.h5 >ours.txt && grep -q 'H5T_CSET_UTF8' ours.txt && "
                            "h5dump foreign.h5 >/dev/null") == 0;
    }
    tap_ok(right, "plain HDF5 reads it");
    tap_ok(dumped, "h5dump prints it, and the file of others that we changed");
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    make_file();
    test_foreign("r");
    test_foreign("r+");
    test_latest();
    test_ours();
    tap_ok(H5Fget_obj_count((hid_t)H5F_OBJ_ALL,
                            H5F_OBJ_FILE | H5F_OBJ_DATASET | H5F_OBJ_GROUP | H5F_OBJ_ATTR) == 0,
           "nothing is left open");
    MPI_Finalize();
    return tap_end();
}
