/* The rivals of patterns.c: plain HDF5 and MPI-IO in both modes, and positioned reads and writes.
 */
#include "patterns.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <unistd.h>

/* ------------------------------------------------------------- plain HDF5 */

typedef struct plain {
    hid_t dataset, memory, where, transfer;
    void *values;
} plain;

static void plain_move(void *context, int writes)
{
    plain *p = context;

    if (writes)
        H5Dwrite(p->dataset, H5T_NATIVE_DOUBLE, p->memory, p->where, p->transfer, p->values);
    else
        H5Dread(p->dataset, H5T_NATIVE_DOUBLE, p->memory, p->where, p->transfer, p->values);
}

static void to_hdf5(const int64_t *from, hsize_t *to)
{
    for (int d = 0; d < DIMS; d++)
        to[d] = (hsize_t)from[d];
}

static hid_t plain_dataset(const part *a, hid_t file, hid_t space)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), id;
    hsize_t chunks[DIMS];

    to_hdf5(a->chunks, chunks);
    if (a->p->chunked)
        H5Pset_chunk(list, a->p->ndim, chunks);
    if (a->p->gzip)
        H5Pset_deflate(list, 1);
    id = H5Dcreate2(file, "u", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    H5Pclose(list);
    return id;
}

/* On one rank the independent mode is that of HDF5 without MPI. */
void run_plain(const part *a, const char *path, int collective, double *seconds)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file;
    double begun;
    hsize_t shape[DIMS], start[DIMS], stride[DIMS], count[DIMS];
    plain p = {.transfer = H5Pcreate(H5P_DATASET_XFER), .values = a->values};

#ifdef H5_HAVE_PARALLEL
    if (size > 1 || collective)
        H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
    if (collective)
        H5Pset_dxpl_mpio(p.transfer, H5FD_MPIO_COLLECTIVE);
#endif
    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    to_hdf5(a->shape, shape);
    to_hdf5(a->start, start);
    to_hdf5(a->stride, stride);
    to_hdf5(a->count, count);
    p.where = H5Screate_simple(a->p->ndim, shape, NULL);
    begun = now();
    p.dataset = plain_dataset(a, file, p.where);
    H5Sselect_hyperslab(p.where, H5S_SELECT_SET, start, stride, count, NULL);
    p.memory = H5Screate_simple(a->p->ndim, count, NULL);
    clock_steps(plain_move, &p, begun, seconds);
    H5Sclose(p.memory);
    H5Sclose(p.where);
    H5Pclose(p.transfer);
    H5Dclose(p.dataset);
    H5Fclose(file);
    H5Pclose(access);
}

/* ----------------------------------------------------------------- MPI-IO */

typedef struct mpiio {
    MPI_File file;
    int collective, count;
    void *values;
} mpiio;

static void mpiio_move(void *context, int writes)
{
    mpiio *m = context;

    if (writes && m->collective)
        MPI_File_write_at_all(m->file, 0, m->values, m->count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else if (writes)
        MPI_File_write_at(m->file, 0, m->values, m->count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else if (m->collective)
        MPI_File_read_at_all(m->file, 0, m->values, m->count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else
        MPI_File_read_at(m->file, 0, m->values, m->count, MPI_DOUBLE, MPI_STATUS_IGNORE);
}

/* The part as a type: strided vectors of vectors, moved to where they begin. */
static MPI_Datatype part_type(const part *a)
{
    MPI_Datatype type = MPI_DOUBLE, more;
    MPI_Aint step = 8, first = 0;

    for (int d = a->p->ndim - 1; d >= 0; d--) {
        first += (MPI_Aint)a->start[d] * step;
        MPI_Type_create_hvector((int)a->count[d], 1, (MPI_Aint)a->stride[d] * step, type, &more);
        if (type != MPI_DOUBLE)
            MPI_Type_free(&type);
        type = more;
        step *= (MPI_Aint)a->shape[d];
    }
    MPI_Type_create_hindexed(1, (int[]){1}, &first, type, &more);
    MPI_Type_free(&type);
    MPI_Type_commit(&more);
    return more;
}

void run_mpiio(const part *a, const char *path, int collective, double *seconds)
{
    mpiio m = {.collective = collective, .count = (int)a->elements, .values = a->values};
    MPI_Datatype type = part_type(a);

    MPI_File_open(MPI_COMM_WORLD, path, MPI_MODE_CREATE | MPI_MODE_RDWR, MPI_INFO_NULL, &m.file);
    MPI_File_set_view(m.file, 0, MPI_DOUBLE, type, "native", MPI_INFO_NULL);
    clock_steps(mpiio_move, &m, now(), seconds);
    MPI_File_close(&m.file);
    MPI_Type_free(&type);
}

/* ------------------------------------------------------------------ POSIX */

typedef struct posix {
    const part *part;
    int fd;
} posix;

/* Move the runs of dimension d and those within it. */
static char *posix_runs(const posix *p, int writes, int d, int64_t offset, char *values)
{
    const part *a = p->part;
    int last = a->p->ndim - 1;
    int whole = d == last && a->stride[d] == 1;
    int64_t steps = whole ? 1 : a->count[d], step = 8;

    for (int e = last; e > d; e--)
        step *= a->shape[e];
    offset += a->start[d] * step;
    for (int64_t i = 0; i < steps; i++, offset += a->stride[d] * step) {
        size_t bytes = 8 * (size_t)(whole ? a->count[d] : 1);

        if (d < last) {
            values = posix_runs(p, writes, d + 1, offset, values);
            continue;
        }
        if (writes ? pwrite(p->fd, values, bytes, offset) < 0
                   : pread(p->fd, values, bytes, offset) < 0)
            perror("POSIX");
        values += bytes;
    }
    return values;
}

/* Rows that follow each other are one run. */
static void posix_move(void *context, int writes)
{
    const posix *p = context;
    const part *a = p->part;
    size_t bytes = (size_t)a->elements * 8;
    int64_t row = a->shape[1] * 8;

    if (a->p->ndim != 2 || a->count[1] != a->shape[1] || a->stride[0] != 1)
        posix_runs(p, writes, 0, 0, a->values);
    else if (writes ? pwrite(p->fd, a->values, bytes, a->start[0] * row) < 0
                    : pread(p->fd, a->values, bytes, a->start[0] * row) < 0)
        perror("POSIX");
}

void run_posix(const part *a, const char *path, int mode, double *seconds)
{
    posix p = {a, open(path, O_CREAT | O_RDWR, 0666)};

    (void)mode;
    clock_steps(posix_move, &p, now(), seconds);
    close(p.fd);
}
