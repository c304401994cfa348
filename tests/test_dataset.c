/* Datasets: every type, every shape, parts of ranks, any memory, one rank erring. ranks: 1 2 3 4 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#define PATH "dataset.h5"

static collio_file *file;
static collio_object *root;

static collio_object *create(const char *name, collio_type type, int ndim, const int64_t *shape)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;

    collio_dataset_create(root, name, type, ndim, shape, NULL, &dataset, &err);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# create '%s': %s\n", name, err.text);
    return dataset;
}

/* -------------------------------------------------------------- types */

static void test_type(collio_type type)
{
    collio_error err = COLLIO_ERROR_INIT;
    unsigned char out[64 * 16], in[64 * 16];
    int64_t shape = 64, size = (int64_t)collio_type_size(type), start, count;
    collio_object *dataset = create(collio_type_name(type), type, 1, &shape);
    collio_type found = COLLIO_TYPE_COUNT;
    collio_selection part;
    collio_array memory;
    int swapped = 1;

    collio_part_range(shape, tap_size, tap_rank, &start, &count, &err);
    for (int i = 0; i < 64 * 16; i++)
        out[i] = type == COLLIO_BOOL ? i % 2 : (unsigned char)(i * 7 % 120);
    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, out + start * size, type, 1, &count);
    collio_dataset_write(dataset, &part, &memory, &err);
    memset(in, 0, sizeof in);
    collio_array_fill(&memory, in, type, 1, &shape);
    collio_dataset_read(dataset, NULL, &memory, &err);
    collio_dataset_type(dataset, &found, &swapped, &err);
    tap_ok(err.code == COLLIO_OK && found == type && !swapped &&
               memcmp(in, out, (size_t)(64 * size)) == 0,
           "%s: written in parts, read whole %s", collio_type_name(type), err.text);
    collio_object_close(&dataset);
    collio_object_open(root, collio_type_name(type), &dataset, &err);
    found = COLLIO_TYPE_COUNT;
    collio_dataset_type(dataset, &found, NULL, &err);
    tap_ok(found == type, "%s: found again", collio_type_name(type));
    collio_object_close(&dataset);
}

/* Whole numbers that every type but bool can hold; imaginary part 0. */
static void test_conversion(collio_type in_file, collio_type in_memory)
{
    collio_error err = COLLIO_ERROR_INIT;
    double doubles[100];
    int8_t bytes[100];
    int64_t shape = 100;
    char name[32];
    collio_object *dataset;
    collio_array a, b;
    int right = 1;

    snprintf(name, sizeof name, "%s as %s", collio_type_name(in_file), collio_type_name(in_memory));
    dataset = create(name, in_file, 1, &shape);
    for (int i = 0; i < 100; i++) {
        doubles[i] = i;
        bytes[i] = (int8_t)i;
    }
    collio_array_fill(&a, doubles, COLLIO_FLOAT64, 1, &shape);
    collio_array_fill(&b, bytes, COLLIO_INT8, 1, &shape);
    collio_dataset_write(dataset, NULL, in_memory == COLLIO_INT8 ? &b : &a, &err);
    memset(doubles, 0, sizeof doubles);
    memset(bytes, 0, sizeof bytes);
    collio_dataset_read(dataset, NULL, in_memory == COLLIO_INT8 ? &b : &a, &err);
    for (int i = 0; i < 100; i++)
        right = right && (in_memory == COLLIO_INT8 ? bytes[i] : doubles[i]) == i;
    tap_ok(right && err.code == COLLIO_OK, "%s: converted both ways %s", name, err.text);
    collio_object_close(&dataset);
}

static void test_complex_and_bool(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape = 3;
    float c8[6] = {1, 2, 3, 4, 5, 6};
    double c16[6] = {0}, real[3] = {1, 2, 3};
    collio_object *dataset = create("complex", COLLIO_COMPLEX128, 1, &shape);
    collio_array memory;

    collio_array_fill(&memory, c8, COLLIO_COMPLEX64, 1, &shape);
    collio_dataset_write(dataset, NULL, &memory, &err);
    collio_array_fill(&memory, c16, COLLIO_COMPLEX128, 1, &shape);
    collio_dataset_read(dataset, NULL, &memory, &err);
    tap_ok(err.code == COLLIO_OK && c16[0] == 1 && c16[5] == 6, "c8 into c16 %s", err.text);
    collio_array_fill(&memory, real, COLLIO_FLOAT64, 1, &shape);
    tap_ok(collio_dataset_write(dataset, NULL, &memory, &err) == COLLIO_ERR_TYPE && err.agreed,
           "f8 into c16: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_dataset_read(dataset, NULL, &memory, &err) == COLLIO_ERR_TYPE, "c16 into f8: %s",
           err.text);
    collio_object_close(&dataset);
}

/* ------------------------------------------------------------- shapes */

/* Where element i of a block is in the whole array. */
static int64_t global_index(const collio_box *box, const int64_t *shape, int64_t i)
{
    int64_t at[COLLIO_MAX_DIMS], global = 0;

    for (int d = box->ndim - 1; d >= 0; d--) {
        at[d] = box->start[d] + i % box->count[d];
        i /= box->count[d];
    }
    for (int d = 0; d < box->ndim; d++)
        global = global * shape[d] + at[d];
    return global;
}

/* An N-d array cut into blocks over all ranks, written, and read with a halo. */
static void test_blocks(int ndim, const int64_t *shape)
{
    collio_error err = COLLIO_ERROR_INIT;
    int dims[COLLIO_MAX_DIMS] = {0};
    collio_box inner, outer;
    collio_selection part;
    collio_array memory;
    collio_object *dataset;
    int64_t size;
    int32_t *values;
    char name[32];
    int right = 1;

    snprintf(name, sizeof name, "blocks%d", ndim);
    dataset = create(name, COLLIO_INT32, ndim, shape);
    collio_part_dims(tap_size, ndim, shape, dims, &err);
    collio_part_box(ndim, shape, dims, tap_rank, 1, &inner, &outer, &err);
    for (int pass = 0; pass < 2; pass++) {
        const collio_box *box = pass == 0 ? &inner : &outer;

        size = collio_box_size(box);
        values = calloc((size_t)size + 1, sizeof *values);
        collio_selection_box(&part, box);
        collio_array_fill(&memory, values, COLLIO_INT32, ndim, box->count);
        if (pass == 1)
            collio_dataset_read(dataset, &part, &memory, &err);
        for (int64_t i = 0; i < size; i++) {
            int64_t global = global_index(box, shape, i);

            right = right && (pass == 0 || values[i] == (int32_t)global);
            values[i] = (int32_t)global;
        }
        if (pass == 0)
            collio_dataset_write(dataset, &part, &memory, &err);
        free(values);
    }
    tap_ok(right && err.code == COLLIO_OK, "%d dimensions in blocks %s", ndim, err.text);
    collio_object_close(&dataset);
}

static void test_small_shapes(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape[2] = {3, 0}, found[COLLIO_MAX_DIMS], offset = 0;
    double value = tap_rank == 0 ? 4.5 : 0.0;
    int ndim = -1;
    collio_object *dataset = create("scalar", COLLIO_FLOAT64, 0, NULL);
    collio_array memory;
    collio_selection none;

    collio_array_fill(&memory, &value, COLLIO_FLOAT64, 0, NULL);
    collio_selection_none(&none, 0);
    value = 4.5;
    collio_dataset_write(dataset, NULL, &memory, &err);
    value = 0.0;
    collio_dataset_read(dataset, NULL, &memory, &err);
    collio_dataset_shape(dataset, &ndim, NULL, &err);
    tap_ok(err.code == COLLIO_OK && value == 4.5 && ndim == 0, "0 dimensions %s", err.text);
    collio_object_close(&dataset);

    dataset = create("empty", COLLIO_FLOAT64, 2, shape);
    collio_array_fill(&memory, NULL, COLLIO_FLOAT64, 2, shape);
    collio_dataset_write(dataset, NULL, &memory, &err);
    collio_dataset_read(dataset, NULL, &memory, &err);
    collio_dataset_shape(dataset, &ndim, found, &err);
    collio_dataset_offset(dataset, &offset, &err);
    tap_ok(err.code == COLLIO_OK && ndim == 2 && found[0] == 3 && found[1] == 0 && offset == -1,
           "no elements %s", err.text);
    collio_object_close(&dataset);
}

/* Only the last rank has something to write. */
static void test_empty_parts(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape = 5, nothing = 0;
    int16_t values[5] = {1, 2, 3, 4, 5}, in[5] = {0};
    collio_object *dataset = create("parts", COLLIO_INT16, 1, &shape);
    collio_selection none;
    collio_array memory;

    collio_selection_none(&none, 1);
    collio_array_fill(&memory, values, COLLIO_INT16, 1,
                      tap_rank == tap_size - 1 ? &shape : &nothing);
    collio_dataset_write(dataset, tap_rank == tap_size - 1 ? NULL : &none, &memory, &err);
    collio_array_fill(&memory, in, COLLIO_INT16, 1, &shape);
    collio_dataset_read_independent(dataset, NULL, &memory, &err);
    tap_ok(err.code == COLLIO_OK && memcmp(values, in, sizeof in) == 0, "ranks with nothing %s",
           err.text);
    collio_object_close(&dataset);
    dataset = create("zeros", COLLIO_INT16, 1, &shape);
    collio_dataset_read(dataset, NULL, &memory, &err);
    tap_ok(in[0] == 0 && in[4] == 0, "what was never written is zero");
    collio_object_close(&dataset);
}

/* Every other column of memory, transposed, into every third of the file. */
static void test_strides(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape[2] = {(int64_t)4 * tap_size, 9};
    double values[6][4], in[4][3];
    collio_object *dataset = create("strided", COLLIO_FLOAT64, 2, shape);
    collio_selection part = {2, {(int64_t)4 * tap_rank, 1}, {1, 3}, {4, 3}, {1, 1}};
    collio_array memory = {values, COLLIO_FLOAT64, 2, {4, 3}, {8, 64}};
    int right = 1;

    for (int j = 0; j < 6; j++)
        for (int i = 0; i < 4; i++)
            values[j][i] = 100 * tap_rank + 10 * i + j;
    collio_dataset_write(dataset, &part, &memory, &err);
    collio_array_fill(&memory, in, COLLIO_FLOAT64, 2, part.count);
    collio_dataset_read(dataset, &part, &memory, &err);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++)
            right = right && in[i][j] == 100 * tap_rank + 10 * i + 2 * j;
    tap_ok(right && err.code == COLLIO_OK, "strides in memory and in the file %s", err.text);
    collio_object_close(&dataset);
}

/* ------------------------------------------------------------- errors */

static void test_one_errs(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int last = tap_rank == tap_size - 1;
    int64_t shape = 10, start = last ? 8 : 0, count = last ? 3 : 1, wrong = 2;
    double values[10] = {0};
    collio_object *dataset = create("errs", COLLIO_FLOAT64, 1, &shape);
    collio_selection part;
    collio_array memory;

    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &count);
    tap_ok(collio_dataset_write(dataset, &part, &memory, &err) == COLLIO_ERR_INDEX && err.agreed,
           "write: one rank outside: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_dataset_read(dataset, &part, &memory, &err) == COLLIO_ERR_INDEX,
           "read: the same");
    collio_error_clear(&err);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, last ? &wrong : &count);
    start = 0;
    collio_selection_block(&part, 1, &start, &count);
    tap_ok(collio_dataset_write(dataset, &part, &memory, &err) == COLLIO_ERR_VALUE,
           "memory of other extents: %s", err.text);
    collio_error_clear(&err);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &shape);
    if (last)
        collio_error_set(&err, COLLIO_ERR_EXCEPTION, "an exception");
    tap_ok(collio_dataset_write(dataset, NULL, &memory, &err) == COLLIO_ERR_EXCEPTION,
           "one rank brings an error");
    collio_error_clear(&err);
    tap_ok(collio_dataset_write(dataset, NULL, &memory, &err) == COLLIO_OK,
           "the dataset is usable after all that");
    collio_object_close(&dataset);
}

static void test_divergence(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int other = tap_rank == tap_size - 1;
    int64_t shape[2] = {4, 4}, shorter[2] = {4, 3};
    collio_object *dataset = NULL;

    if (tap_size == 1)
        return;
    tap_ok(collio_dataset_create(root, other ? "d1" : "d2", COLLIO_FLOAT64, 2, shape, NULL,
                                 &dataset, &err) == COLLIO_ERR_DIVERGED &&
               dataset == NULL && strstr(err.text, "test_dataset.c") != NULL,
           "other names: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_dataset_create(root, "d", COLLIO_FLOAT64, 2, other ? shape : shorter, NULL,
                                 &dataset, &err) == COLLIO_ERR_DIVERGED,
           "other shapes: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_dataset_create(root, "d", other ? COLLIO_FLOAT64 : COLLIO_FLOAT32, 2, shape, NULL,
                                 &dataset, &err) == COLLIO_ERR_DIVERGED,
           "other types: %s", err.text);
    collio_error_clear(&err);
    if (other)
        collio_group_create(root, "d", NULL, &err);
    else
        collio_dataset_create(root, "d", COLLIO_FLOAT32, 2, shape, NULL, NULL, &err);
    tap_ok(err.code == COLLIO_ERR_DIVERGED, "other calls: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_dataset_create(root, "d", COLLIO_FLOAT32, 2, shape, NULL, &dataset, &err) ==
               COLLIO_OK,
           "the file is usable after all that");
    collio_object_close(&dataset);
}

static int refused(const char *name, collio_type type, int ndim, const int64_t *shape, int code)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;

    return collio_dataset_create(root, name, type, ndim, shape, NULL, &dataset, &err) == code &&
           dataset == NULL && !collio_file_is_poisoned(file);
}

static void test_bad_arguments(void)
{
    int64_t shape[2] = {1, 1}, negative = -1, huge[2] = {(int64_t)1 << 40, (int64_t)1 << 40};
    collio_object *dataset = create("here", COLLIO_INT8, 1, shape);

    collio_object_close(&dataset);
    tap_ok(refused("here", COLLIO_INT8, 1, shape, COLLIO_ERR_VALUE), "the name exists");
    tap_ok(refused("here/below", COLLIO_INT8, 1, shape, COLLIO_ERR_VALUE),
           "the parent is a dataset");
    tap_ok(refused("", COLLIO_INT8, 1, shape, COLLIO_ERR_VALUE), "no name");
    tap_ok(refused("new", COLLIO_INT8, 1, &negative, COLLIO_ERR_VALUE), "a negative extent");
    tap_ok(refused("new", COLLIO_INT8, 2, huge, COLLIO_ERR_VALUE), "too many elements");
    tap_ok(refused("new", COLLIO_INT8, 33, shape, COLLIO_ERR_VALUE), "too many dimensions");
    tap_ok(refused("new", COLLIO_INT8, 1, NULL, COLLIO_ERR_VALUE), "no shape");
    tap_ok(refused("new", COLLIO_TYPE_COUNT, 1, shape, COLLIO_ERR_TYPE), "no type");
}

/* Space of a deleted dataset is given out again, and must come back as zeros. */
static void test_reuse(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape = 3000, before = 0, after = 0;
    double values[3000];
    collio_object *dataset = create("old", COLLIO_FLOAT64, 1, &shape);
    collio_array memory;
    int zero = 1;

    for (int i = 0; i < 3000; i++)
        values[i] = 1.0;
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &shape);
    collio_dataset_write(dataset, NULL, &memory, &err);
    collio_dataset_offset(dataset, &before, &err);
    collio_object_close(&dataset);
    collio_link_delete(root, "old", &err);
    dataset = create("new", COLLIO_FLOAT64, 1, &shape);
    collio_dataset_offset(dataset, &after, &err);
    collio_dataset_read(dataset, NULL, &memory, &err);
    for (int i = 0; i < 3000; i++)
        zero = zero && values[i] == 0.0;
    tap_ok(zero && err.code == COLLIO_OK, "%s space is zero %s", before == after ? "reused" : "new",
           err.text);
    collio_object_close(&dataset);
}

int main(int argc, char **argv)
{
    static const int64_t shape[5] = {7, 5, 4, 3, 2};
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_file_open(MPI_COMM_WORLD, PATH, "w", NULL, &file, &err);
    root = collio_file_root(file);
    for (int type = 0; type < COLLIO_TYPE_COUNT; type++)
        test_type((collio_type)type);
    for (int type = COLLIO_INT8; type <= COLLIO_FLOAT64; type++) {
        test_conversion((collio_type)type, COLLIO_FLOAT64);
        test_conversion((collio_type)type, COLLIO_INT8);
    }
    test_complex_and_bool();
    for (int ndim = 1; ndim <= 5; ndim++)
        test_blocks(ndim, shape);
    test_small_shapes();
    test_empty_parts();
    test_strides();
    test_one_errs();
    test_divergence();
    test_bad_arguments();
    test_reuse();
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
    /* The library keeps four types of its own, that belong to no file. */
    tap_ok(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 4, "nothing is left open");
    MPI_Finalize();
    return tap_end();
}
