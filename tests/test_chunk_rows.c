/*
 * Whole chunks with long rows, written where they are in memory: memory of every kind, blocks that
 * begin and end within chunks, ranks with nothing, borders; disks that fail on the first rank and
 * the last. Plain HDF5 reads what was written. ranks: 1 2 3 4
 */
#include "bad_disk.h"
#include "fault_tools.h"

#include <stdlib.h>

#define PATH "chunk_rows.h5"

/* A chunk has more rows than go into one write, and more bytes; the last ones are cut. */
enum { ROWS = 660, COLUMNS = 1300, CHUNK_ROWS = 300, CHUNK_COLUMNS = 500 };

static const int64_t shape[] = {ROWS, COLUMNS}, chunks[] = {CHUNK_ROWS, CHUNK_COLUMNS};
static const char *const kinds[] = {"packed", "gaps", "columns first", "upside down", "more of 1"};

enum { KINDS = sizeof kinds / sizeof *kinds };

static double value_of(int version, int64_t row, int64_t column)
{
    return (double)(version * 10000000 + row * COLUMNS + column);
}

/* A block of this rank in memory of a kind. */
typedef struct part {
    int64_t start[2], count[2];
    double *values;
    collio_array memory;
} part;

/* Rank 0 of several has nothing of the second version. */
static void place(part *p, int version)
{
    collio_error err = COLLIO_ERROR_INIT;
    int cut = version % 2, ranks = tap_size, rank = tap_rank;

    if (version == 2 && tap_size > 1) {
        ranks--;
        rank--;
    }
    for (int d = 0; d < 2; d++) {
        p->start[d] = 0;
        p->count[d] = shape[d];
    }
    if (rank < 0)
        p->count[0] = p->count[1] = 0;
    else
        collio_part_range(shape[cut], ranks, rank, &p->start[cut], &p->count[cut], &err);
}

static void lay_out(part *p, int kind)
{
    int64_t rows = p->count[0], columns = p->count[1], extents[] = {1, rows, 1, columns};
    collio_array *m = &p->memory;

    p->values = calloc((size_t)(rows * (columns + 5) + 1), sizeof *p->values);
    collio_array_fill(m, p->values, COLLIO_FLOAT64, 2, p->count);
    if (kind == 1)
        m->strides[0] = (columns + 5) * 8;
    if (kind == 2) {
        m->strides[0] = 8;
        m->strides[1] = rows * 8;
    }
    if (kind == 3 && rows > 0) {
        m->data = p->values + (rows - 1) * columns;
        m->strides[0] = -columns * 8;
    }
    if (kind == 4)
        collio_array_fill(m, p->values, COLLIO_FLOAT64, 4, extents);
}

static char *at(const part *p, int64_t row, int64_t column)
{
    const int64_t *strides = p->memory.strides;
    int rows = p->memory.ndim == 4, columns = p->memory.ndim == 4 ? 3 : 1;

    return (char *)p->memory.data + row * strides[rows] + column * strides[columns];
}

static int write_version(collio_object *dataset, int version, int kind, collio_error *err)
{
    collio_selection where;
    part p;
    int result;

    place(&p, version);
    lay_out(&p, kind);
    for (int64_t i = 0; i < p.count[0]; i++)
        for (int64_t j = 0; j < p.count[1]; j++) {
            double value = value_of(version, p.start[0] + i, p.start[1] + j);

            memcpy(at(&p, i, j), &value, sizeof value);
        }
    collio_selection_block(&where, 2, p.start, p.count);
    result = collio_dataset_write(dataset, &where, &p.memory, err);
    free(p.values);
    return result;
}

static int is_version(const double *values, int version)
{
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        if (values[i] != value_of(version, i / COLUMNS, i % COLUMNS))
            return 0;
    return 1;
}

static int holds(collio_object *dataset, int version, collio_error *err)
{
    double *values = malloc(sizeof(double) * ROWS * COLUMNS);
    collio_array memory;
    int right;

    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, shape);
    collio_dataset_read(dataset, NULL, &memory, err);
    right = err->code == COLLIO_OK && is_version(values, version);
    free(values);
    return right;
}

static collio_object *create(collio_file *file, collio_error *err)
{
    collio_dataset_options options = {.chunks = chunks};
    collio_object *dataset = NULL;

    if (err->code == COLLIO_OK)
        collio_dataset_create(collio_file_root(file), "u", COLLIO_FLOAT64, 2, shape, &options,
                              &dataset, err);
    return dataset;
}

/* Through plain HDF5. */
static int disk_holds(int version)
{
    double *values = malloc(sizeof(double) * ROWS * COLUMNS);
    hid_t file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = file < 0 ? -1 : H5Dopen2(file, "u", H5P_DEFAULT);
    int right = dataset >= 0 &&
                H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
                is_version(values, version);

    if (dataset >= 0)
        H5Dclose(dataset);
    if (file >= 0)
        H5Fclose(file);
    free(values);
    return right;
}

/* ------------------------------------------------------------------- tests */

static void test_kind(int kind)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *dataset;

    collio_file_open(MPI_COMM_WORLD, PATH, "w", NULL, &file, &err);
    dataset = create(file, &err);
    for (int version = 1; version <= 3; version++) {
        write_version(dataset, version, kind, &err);
        tap_ok(holds(dataset, version, &err), "%s: version %d %s", kinds[kind], version, err.text);
    }
    collio_object_close(&dataset);
    collio_file_close(&file, &err);
    tap_ok(tap_rank != 0 || disk_holds(3), "%s: plain HDF5 reads the same", kinds[kind]);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void work(collio_file *file, life *l, collio_error *err)
{
    collio_object *dataset = create(file, err);

    for (int version = 1; version <= 2 && err->code == COLLIO_OK; version++)
        write_version(dataset, version, 0, err);
    l->flushed = err->code == COLLIO_OK && holds(dataset, 2, err);
    collio_object_close(&dataset);
}

static const life_story story = {PATH, NULL, 0, work, NULL};

/* Each write of a rank fails once: all ranks say so, and what closed without an error is whole. */
static void test_disk(int rank, int number)
{
    int bad = 0, reached = 1;
    long nth = 1;
    life l;

    for (; reached; nth += 1 + nth / 3) {
        writes = 0;
        failure = number;
        failing = tap_rank == rank ? nth : 0;
        live(&story, 0, 0, &l);
        reached = tap_rank != rank || writes >= nth;
        failing = 0;
        MPI_Bcast(&reached, 1, MPI_INT, rank, MPI_COMM_WORLD);
        bad += !alike(l.code) || !alike(l.flushed);
        bad += reached ? l.code != COLLIO_ERR_OS || l.sys_error != number
                       : l.code != COLLIO_OK || !l.flushed;
    }
    tap_ok(bad == 0, "%s in writes on rank %d, up to number %ld", strerror(number), rank, nth);
}

static void test_short_writes(void)
{
    life l;

    failure = 0;
    failing = 1;
    live(&story, 0, 0, &l);
    failing = 0;
    tap_ok(l.code == COLLIO_OK && l.closed && l.flushed, "writes cut short are continued %s",
           l.text);
    tap_ok(tap_rank != 0 || disk_holds(2), "and leave nothing out");
    MPI_Barrier(MPI_COMM_WORLD);
}

/* A judged result fails, on each rank in turn. */
static void test_results(int rank)
{
    int bad = 0, reached = 1;
    long nth = first_fault();
    life l;

    for (; reached; nth += 1 + nth / 4) {
        reached = live(&story, rank, nth, &l);
        bad += !alike(l.code);
    }
    tap_ok(bad == 0, "results fail on rank %d, up to number %ld", rank, nth);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_set_timeout(20);
    for (int kind = 0; kind < KINDS; kind++)
        test_kind(kind);
    test_short_writes();
    for (int rank = 0; rank<tap_size; rank += tap_size> 1 ? tap_size - 1 : 1) {
        test_disk(rank, EIO);
        test_disk(rank, ENOSPC);
        test_results(rank);
    }
    MPI_Finalize();
    return tap_end();
}
