/* Chunked datasets, with and without filters: parts of ranks of every kind, borders, growth,
 * errors; plain HDF5 reads what was written. ranks: 1 2 3 4 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#define PATH "chunk.h5"

/* A dataset of int32, and what it is to hold. */
typedef struct model {
    const char *name;
    int ndim;
    int64_t shape[3];
    int32_t *values;
} model;

/* One way to store it. */
typedef struct storing {
    const char *name;
    int filter_count;
    collio_filter filters[3];
} storing;

static const storing storings[] = {
    {"plain", 0, {{0}}},
    {"gzip", 1, {{COLLIO_FILTER_GZIP, 1, {4}}}},
    {"all",
     3,
     {{COLLIO_FILTER_SHUFFLE, 0, {0}},
      {COLLIO_FILTER_GZIP, 1, {1}},
      {COLLIO_FILTER_FLETCHER32, 0, {0}}}},
    {"scaleoffset", 1, {{COLLIO_FILTER_SCALEOFFSET, 0, {0}}}},
};

static collio_file *file;
static collio_object *root;

static int64_t size_of(const model *m)
{
    int64_t size = 1;

    for (int d = 0; d < m->ndim; d++)
        size *= m->shape[d];
    return size;
}

static collio_object *create(model *m, const storing *s, const int64_t *chunks,
                             const int64_t *maximum, int32_t fill)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_dataset_options options = {.chunks = chunks,
                                      .maximum = maximum,
                                      .filters = s->filters,
                                      .filter_count = s->filter_count,
                                      .fill = &fill};
    collio_object *dataset = NULL;

    m->values = malloc((size_t)size_of(m) * sizeof *m->values);
    for (int64_t i = 0; i < size_of(m); i++)
        m->values[i] = fill;
    collio_dataset_create(root, m->name, COLLIO_INT32, m->ndim, m->shape, &options, &dataset, &err);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# create '%s': %s\n", m->name, err.text);
    return dataset;
}

/* The rank's part of a write, in elements of the whole. */
static int is_selected(const model *m, const collio_selection *s, int64_t index)
{
    for (int d = m->ndim - 1; d >= 0; d--) {
        int64_t at = index % m->shape[d] - s->start[d];

        index /= m->shape[d];
        if (at < 0 || at / s->stride[d] >= s->count[d] || at % s->stride[d] >= s->block[d])
            return 0;
    }
    return 1;
}

/* Rank r's selection number n, the same function on all ranks, so that each knows what all write.
 */
static void choose(const model *m, int n, int r, collio_selection *s)
{
    int64_t start = 0, count = 0;
    collio_error err = COLLIO_ERROR_INIT;
    int d = n % m->ndim;

    collio_selection_block(s, m->ndim, NULL, m->shape);
    if (n < 3) { /* blocks of one dimension */
        collio_part_range(m->shape[d], tap_size, r, &start, &count, &err);
        s->start[d] = start;
        s->count[d] = count;
    } else if (n < 6) { /* dealt out one by one */
        s->start[d] = r;
        s->stride[d] = tap_size;
        s->count[d] = m->shape[d] > r ? (m->shape[d] - r + tap_size - 1) / tap_size : 0;
        if (s->count[d] == 0)
            s->start[d] = 0;
    } else if (n == 6) { /* a few elements of the last rank */
        s->start[0] = m->shape[0] / 2;
        s->count[0] = r == tap_size - 1 ? 1 : 0;
    } else { /* blocks of two with gaps, of the first rank */
        s->start[d] = 1;
        s->stride[d] = 5;
        s->block[d] = 2;
        s->count[d] = r == 0 && m->shape[d] >= 3 ? (m->shape[d] - 3) / 5 + 1 : 0;
    }
}

static int32_t value_of(int n, int64_t index)
{
    return (int32_t)(n * 1000000 + index * 7 % 1000);
}

static int write_part(const model *m, collio_object *dataset, int n, collio_error *err)
{
    collio_selection mine, other;
    collio_array memory;
    int64_t extents[3], at = 0;
    int32_t *values;
    int result;

    choose(m, n, tap_rank, &mine);
    for (int d = 0; d < m->ndim; d++)
        extents[d] = mine.count[d] * mine.block[d];
    values = malloc((size_t)(collio_selection_size(&mine) + 1) * sizeof *values);
    for (int64_t i = 0; i < size_of(m); i++) {
        if (is_selected(m, &mine, i))
            values[at++] = value_of(n, i);
        for (int r = 0; r < tap_size; r++) {
            choose(m, n, r, &other);
            if (is_selected(m, &other, i))
                m->values[i] = value_of(n, i);
        }
    }
    collio_array_fill(&memory, values, COLLIO_INT32, m->ndim, extents);
    result = collio_dataset_write(dataset, &mine, &memory, err);
    free(values);
    return result;
}

static int holds(const model *m, collio_object *dataset, collio_error *err)
{
    int32_t *values = calloc((size_t)size_of(m) + 1, sizeof *values);
    collio_array memory;
    int64_t wrong = -1;

    collio_array_fill(&memory, values, COLLIO_INT32, m->ndim, m->shape);
    collio_dataset_read(dataset, NULL, &memory, err);
    for (int64_t i = 0; i < size_of(m) && wrong < 0; i++)
        if (values[i] != m->values[i])
            wrong = i;
    if (wrong >= 0)
        fprintf(stderr, "# %s: element %lld is %d, not %d\n", m->name, (long long)wrong,
                values[wrong], m->values[wrong]);
    free(values);
    return wrong < 0 && err->code == COLLIO_OK;
}

/* The same through plain HDF5, after the file was closed. */
static int holds_in_hdf5(const model *m)
{
    int32_t *values = calloc((size_t)size_of(m) + 1, sizeof *values);
    hid_t f = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t d = f < 0 ? -1 : H5Dopen2(f, m->name, H5P_DEFAULT);
    int same = d >= 0 && H5Dread(d, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
               memcmp(values, m->values, (size_t)size_of(m) * sizeof *values) == 0;

    if (d >= 0)
        H5Dclose(d);
    if (f >= 0)
        H5Fclose(f);
    free(values);
    return same;
}

static void reopen(const model *m)
{
    collio_error err = COLLIO_ERROR_INIT;

    collio_file_close(&file, &err);
    tap_ok(tap_rank != 0 || holds_in_hdf5(m), "%s: plain HDF5 reads the same", m->name);
    MPI_Barrier(MPI_COMM_WORLD);
    collio_file_open(MPI_COMM_WORLD, PATH, "r+", NULL, &file, &err);
    root = collio_file_root(file);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# reopen: %s\n", err.text);
}

/* All kinds of writes over each other, and the file closed in between. */
static void test_writes(const storing *s, const model *like, const int64_t *chunks, int32_t fill)
{
    collio_error err = COLLIO_ERROR_INIT;
    model m = *like;
    char name[64];
    collio_object *dataset;

    snprintf(name, sizeof name, "%s%d", s->name, m.ndim);
    m.name = name;
    dataset = create(&m, s, chunks, NULL, fill);
    tap_ok(holds(&m, dataset, &err), "%s: the fill value at first %s", name, err.text);
    for (int n = 0; n < 8; n++) {
        int order[] = {6, 3, 7, 0, 4, 1, 5, 2};

        write_part(&m, dataset, order[n], &err);
        tap_ok(holds(&m, dataset, &err), "%s: write %d %s", name, order[n], err.text);
        if (n == 1) {
            collio_file_flush(file, &err);
        } else if (n == 4) {
            collio_object_close(&dataset);
            reopen(&m);
            collio_object_open(root, name, &dataset, &err);
        }
    }
    collio_object_close(&dataset);
    reopen(&m);
    free(m.values);
}

int main(int argc, char **argv)
{
    static const model one = {NULL, 1, {1003}, NULL}, two = {NULL, 2, {37, 29}, NULL},
                       three = {NULL, 3, {9, 8, 7}, NULL};
    static const int64_t c1[] = {100}, c2[] = {8, 10}, c3[] = {2, 8, 7};
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_file_open(MPI_COMM_WORLD, PATH, "w", NULL, &file, &err);
    root = collio_file_root(file);
    for (size_t i = 0; i < sizeof storings / sizeof *storings; i++) {
        test_writes(&storings[i], &one, c1, 0);
        test_writes(&storings[i], &two, c2, -7);
        test_writes(&storings[i], &three, c3, 0);
    }
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
    MPI_Finalize();
    return tap_end();
}
