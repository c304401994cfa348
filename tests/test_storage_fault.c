/*
 * Disks that fail while datasets of all kinds are written: judged results all over a file's life,
 * and writes with each error of a disk, on the first rank and the last. All ranks get the same
 * error, none waits, and what was flushed last is readable with plain HDF5. ranks: 1 2 3
 */
#include "bad_disk.h"
#include "fault_tools.h"

#include <stdlib.h>

#define PATH "storage_fault.h5"
#define SIZE 600

/* -------------------------------------------------------------- one life */

static const char *const names[] = {"contiguous", "chunked", "packed"};

static collio_object *create(collio_file *file, int kind, collio_error *err)
{
    static const collio_filter filters[] = {{COLLIO_FILTER_SHUFFLE, 0, {0}},
                                            {COLLIO_FILTER_GZIP, 1, {1}}};
    static const int64_t shape = SIZE, chunk = 70, maximum = COLLIO_UNLIMITED;
    static const int32_t fill = -1;
    collio_dataset_options options = {.fill = &fill};
    collio_object *dataset = NULL;

    if (kind > 0) {
        options.chunks = &chunk;
        options.maximum = &maximum;
    }
    if (kind == 2) {
        options.filters = filters;
        options.filter_count = 2;
    }
    if (err->code == COLLIO_OK)
        collio_dataset_create(collio_file_root(file), names[kind], COLLIO_INT32, 1, &shape,
                              &options, &dataset, err);
    return dataset;
}

/* Element i of version v; every rank a part, of which all but the first version leaves gaps. */
static int32_t value_of(int v, int64_t i)
{
    return (int32_t)(v * 10000 + i * 37 % 1000);
}

static void write_part(collio_object *dataset, int v, collio_error *err)
{
    collio_selection part = {.ndim = 1,
                             .start = {tap_rank * (int64_t)v},
                             .stride = {tap_size * (int64_t)v},
                             .count = {SIZE / (tap_size * v)},
                             .block = {1}};
    int32_t values[SIZE];
    collio_array memory;

    if (dataset == NULL || err->code != COLLIO_OK)
        return;
    for (int64_t i = 0; i < part.count[0]; i++)
        values[i] = value_of(v, part.start[0] + i * part.stride[0]);
    collio_array_fill(&memory, values, COLLIO_INT32, 1, part.count);
    collio_dataset_write(dataset, &part, &memory, err);
}

static void work(collio_file *file, life *l, collio_error *err)
{
    static const int64_t smaller = SIZE - 50, shape = SIZE;
    collio_object *datasets[3];

    for (int kind = 0; kind < 3; kind++) {
        datasets[kind] = create(file, kind, err);
        write_part(datasets[kind], 1, err);
    }
    if (err->code == COLLIO_OK)
        collio_file_flush(file, err);
    l->flushed = err->code == COLLIO_OK;
    for (int kind = 2; kind >= 0; kind--)
        write_part(datasets[kind], 2, err);
    if (err->code == COLLIO_OK)
        collio_dataset_resize(datasets[2], &smaller, err);
    if (err->code == COLLIO_OK)
        collio_dataset_resize(datasets[2], &shape, err);
    write_part(datasets[2], 3, err);
    for (int kind = 0; kind < 3; kind++)
        collio_object_close(&datasets[kind]);
}

/* ------------------------------------------------------- what is on the disk */

/* Of one of the versions, or the fill value. */
static int is_known(int64_t i, int32_t value)
{
    for (int v = 1; v <= 3; v++)
        if (value == value_of(v, i))
            return 1;
    return value == -1;
}

static int dataset_is_right(hid_t file, int kind)
{
    int32_t values[SIZE];
    hid_t dataset = H5Dopen2(file, names[kind], H5P_DEFAULT);
    hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
    int64_t size = space < 0 ? 0 : (int64_t)H5Sget_simple_extent_npoints(space);
    int right = size > 0 && size <= SIZE &&
                H5Dread(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;

    for (int64_t i = 0; i < size && right; i++)
        right = is_known(i, values[i]);
    if (space >= 0)
        H5Sclose(space);
    if (dataset >= 0)
        H5Dclose(dataset);
    return right;
}

static int disk_is_right(const life *l)
{
    hid_t file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    int right = file >= 0;

    for (int kind = 0; kind < 3 && right && (l->flushed || l->closed); kind++)
        right = H5Lexists(file, names[kind], H5P_DEFAULT) > 0 && dataset_is_right(file, kind);
    if (file >= 0)
        H5Fclose(file);
    return right;
}

/* One life after which something may have failed; `bad` counts what is not right. */
static void judge(const life *l, const char *what, int rank, long nth, int *bad)
{
    uint64_t digest = collio_hash_text(0, l->text);
    int same =
        alike(l->code) && alike((int)(digest & 0xffffff)) && alike(l->flushed) && alike(l->closed);
    int right = 1;

    if (l->flushed)
        right = tap_rank != 0 || disk_is_right(l);
    MPI_Bcast(&right, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!same || !right) {
        fprintf(stderr, "# rank %d: %s %ld on rank %d: %s, %s; code %d flushed %d closed %d: %s\n",
                tap_rank, what, nth, rank, same ? "same everywhere" : "differs",
                right ? "readable" : "NOT READABLE", l->code, l->flushed, l->closed, l->text);
        (*bad)++;
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ------------------------------------------------------------------- tests */

static const life_story story = {PATH, NULL, 0, work, disk_is_right};

static void test_results(int rank)
{
    int bad = 0, reached = 1;
    long nth = first_fault();
    life l;

    for (; reached; nth += 1 + nth / 8) {
        reached = live(&story, rank, nth, &l);
        judge(&l, "result", rank, nth, &bad);
    }
    tap_ok(bad == 0, "results fail on rank %d, up to number %ld", rank, nth);
}

static void test_disk(int rank, int number)
{
    int bad = 0, reached = 1;
    long nth = 1;
    life l;

    for (; reached; nth += 1 + nth / (number == EIO ? 5 : 2)) {
        writes = 0;
        failure = number;
        failing = tap_rank == rank ? nth : 0;
        live(&story, 0, 0, &l);
        reached = tap_rank != rank || writes >= nth;
        failing = 0;
        MPI_Bcast(&reached, 1, MPI_INT, rank, MPI_COMM_WORLD);
        judge(&l, strerror(number), rank, nth, &bad);
        if (reached && (l.code != COLLIO_ERR_OS || l.sys_error != number))
            bad++;
    }
    tap_ok(bad == 0, "%s in writes on rank %d, up to number %ld", strerror(number), rank, nth);
}

static void test_short_writes(void)
{
    int bad = 0;
    life l;

    failure = 0;
    failing = 1;
    live(&story, 0, 0, &l);
    failing = 0;
    judge(&l, "short writes", 0, 0, &bad);
    tap_ok(bad == 0 && l.code == COLLIO_OK && l.closed, "writes cut short are continued %s",
           l.text);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_set_timeout(20);
    test_short_writes();
    for (int rank = 0; rank<tap_size; rank += tap_size> 1 ? tap_size - 1 : 1) {
        test_results(rank);
        test_disk(rank, EIO);
        test_disk(rank, ENOSPC);
        test_disk(rank, EDQUOT);
    }
    MPI_Finalize();
    return tap_end();
}
