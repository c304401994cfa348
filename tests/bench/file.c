/*
 * What calls on files cost, in microseconds a call, beside plain HDF5 (serial on one rank, the mpio
 * driver on several).
 *
 *   make bench && for n in 1 2; do mpiexec -n $n tests/bench/file; done
 *
 * Small things: create a dataset of 16 doubles, write an attribute, write and read 8 elements of an
 * open dataset. Rounds are interleaved; the median is printed. Large things: patterns.c.
 */
#include "collio/io.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 5, MANY = 2000 };

static int rank, size;
static collio_error err = COLLIO_ERROR_INIT;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *seconds)
{
    qsort(seconds, ROUNDS, sizeof *seconds, by_value);
    return seconds[ROUNDS / 2];
}

static double now(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    return MPI_Wtime();
}

/* ----------------------------------------------------------- small things */

enum { CREATE, ATTRIBUTE, WRITE, READ, CLOSE, SMALL };

static const char *const small_names[SMALL] = {"create a dataset", "write an attribute",
                                               "write 8 elements", "read 8 elements",
                                               "close (whole call)"};

static void ours_small(double *seconds)
{
    int64_t shape = 16, start = 8 * rank % 16, count = 8;
    double values[16] = {0}, t[SMALL + 1];
    collio_file *file = NULL;
    collio_object *dataset = NULL;
    collio_selection part;
    collio_array memory;
    char name[32];

    collio_file_open(MPI_COMM_WORLD, "bench.h5", "w", NULL, &file, &err);
    t[0] = now();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "d%d", i);
        collio_object_close(&dataset);
        collio_dataset_create(collio_file_root(file), name, COLLIO_FLOAT64, 1, &shape, NULL,
                              &dataset, &err);
    }
    t[1] = now();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "a%d", i % 50);
        collio_attribute_write(dataset, name, COLLIO_FLOAT64, 0, NULL, values, &err);
    }
    t[2] = now();
    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &count);
    for (int i = 0; i < MANY; i++)
        collio_dataset_write(dataset, &part, &memory, &err);
    t[3] = now();
    for (int i = 0; i < MANY; i++)
        collio_dataset_read(dataset, &part, &memory, &err);
    t[4] = now();
    collio_object_close(&dataset);
    collio_file_close(&file, &err);
    t[5] = now();
    for (int i = 0; i < SMALL; i++)
        seconds[i] = (t[i + 1] - t[i]) / (i == CLOSE ? 1 : MANY);
}

static hid_t plain_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

#ifdef H5_HAVE_PARALLEL
    if (size > 1)
        H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
#endif
    return access;
}

static hid_t plain_transfer(void)
{
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER);

#ifdef H5_HAVE_PARALLEL
    if (size > 1)
        H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
#endif
    return transfer;
}

static void plain_attribute(hid_t dataset, const char *name, hid_t scalar, const double *values)
{
    hid_t id;

    if (H5Aexists(dataset, name) > 0)
        H5Adelete(dataset, name);
    id = H5Acreate2(dataset, name, H5T_NATIVE_DOUBLE, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, H5T_NATIVE_DOUBLE, values);
    H5Aclose(id);
}

static void plain_small(double *seconds)
{
    hsize_t shape = 16, start = (hsize_t)(8 * rank % 16), count = 8;
    hid_t access = plain_access(), transfer = plain_transfer(), dataset = -1;
    hid_t file = H5Fcreate("bench_plain.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    hid_t space = H5Screate_simple(1, &shape, NULL), eight = H5Screate_simple(1, &count, NULL);
    hid_t scalar = H5Screate(H5S_SCALAR);
    double values[16] = {0}, t[SMALL + 1];
    char name[32];

    t[0] = now();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "d%d", i);
        if (dataset >= 0)
            H5Dclose(dataset);
        dataset =
            H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    }
    t[1] = now();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "a%d", i % 50);
        plain_attribute(dataset, name, scalar, values);
    }
    t[2] = now();
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    for (int i = 0; i < MANY; i++)
        H5Dwrite(dataset, H5T_NATIVE_DOUBLE, eight, space, transfer, values);
    t[3] = now();
    for (int i = 0; i < MANY; i++)
        H5Dread(dataset, H5T_NATIVE_DOUBLE, eight, space, transfer, values);
    t[4] = now();
    H5Dclose(dataset);
    H5Fclose(file);
    t[5] = now();
    for (int i = 0; i < SMALL; i++)
        seconds[i] = (t[i + 1] - t[i]) / (i == CLOSE ? 1 : MANY);
    H5Sclose(scalar);
    H5Sclose(eight);
    H5Sclose(space);
    H5Pclose(transfer);
    H5Pclose(access);
}

/* --------------------------------------------------------------- together */

static void report_small(void)
{
    double ours[SMALL][ROUNDS], plain[SMALL][ROUNDS], s[SMALL];

    for (int round = 0; round < ROUNDS; round++) {
        ours_small(s);
        for (int i = 0; i < SMALL; i++)
            ours[i][round] = s[i];
        plain_small(s);
        for (int i = 0; i < SMALL; i++)
            plain[i][round] = s[i];
    }
    for (int i = 0; i < SMALL && rank == 0; i++)
        printf("%-22s %9.2f us  HDF5 %9.2f us\n", small_names[i], 1e6 * median(ours[i]),
               1e6 * median(plain[i]));
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank == 0)
        printf("%d ranks on %ld cores\n", size, sysconf(_SC_NPROCESSORS_ONLN));
    report_small();
    if (err.code != COLLIO_OK && rank == 0)
        printf("error: %s\n", err.text);
    if (rank == 0) {
        unlink("bench.h5");
        unlink("bench_plain.h5");
    }
    MPI_Finalize();
    return err.code != COLLIO_OK;
}
