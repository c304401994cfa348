/*
 * What a save and a restore cost, next to the same bytes written by the same ranks with plain
 * pwrite and fsync into one file (each rank one run: no protocol, no digest, nothing verified), and
 * with one collective H5Dwrite, closed and synced.
 *   mpiexec -n 2 tests/bench/checkpoint [MiB, 256] [rows|columns|blocks, rows]
 * The best of five rounds, in the working directory. The digest runs on one core, cached. Of a save
 * in the background: how long the program is stopped, next to the time in which the same ranks at
 * once copy the same data into memory that has been used before, and how long finishing takes when
 * it has not computed meanwhile.
 */
#include <collio/checkpoint.h>

#include "io/internal.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 1024, ROUNDS = 5, STOPS = 15 };

static int rank, size;
static collio_comm *gate;

typedef struct part {
    int64_t shape[2], start[2], count[2], bytes;
    collio_array array;
} part;

static void make_part(part *p, int64_t mib, const char *how)
{
    int dims[2] = {0, 0}; /* blocks: as square as can be */
    collio_error err = COLLIO_ERROR_INIT;
    collio_box box;

    if (how[0] == 'r' || how[0] == 'c')
        dims[how[0] == 'r'] = 1; /* rows: the columns are not cut */
    p->shape[0] = mib * 1024 * 1024 / COLUMNS / (int64_t)sizeof(double);
    p->shape[1] = COLUMNS;
    collio_part_dims(size, 2, p->shape, dims, &err);
    collio_part_box(2, p->shape, dims, rank, 0, &box, NULL, &err);
    memcpy(p->start, box.start, sizeof p->start);
    memcpy(p->count, box.count, sizeof p->count);
    p->bytes = collio_box_size(&box) * (int64_t)sizeof(double);
    collio_array_fill(&p->array, malloc((size_t)p->bytes + 1), COLLIO_FLOAT64, 2, p->count);
    memset(p->array.data, rank + 1, (size_t)p->bytes);
}

/* Seconds from `start` until the last rank is here. */
static double since(double start)
{
    MPI_Barrier(MPI_COMM_WORLD);
    return MPI_Wtime() - start;
}

/* Seconds from when the first rank began until the last one was through, by the clock of one
 * machine. What each rank took by itself would not do: with more ranks than cores they leave the
 * barrier one after the other, so that a rank that works alone seems fast, and one that waits for a
 * late one slow. Nor would a barrier at the end, which the threads that write would delay. */
static double span(double start)
{
    double ends[2] = {-start, MPI_Wtime()};

    MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return ends[0] + ends[1];
}

/* The agreement of collio yields the core where a barrier of MPI spins on it. */
static double at_once(void)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    MPI_Barrier(MPI_COMM_WORLD);
    collio_agree_step(gate, "begin", &ignored);
    return MPI_Wtime();
}

static double now_together(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    return MPI_Wtime();
}

static void keep_least(double *least, double seconds)
{
    if (*least == 0.0 || seconds < *least)
        *least = seconds;
}

static void plain(const part *p, collio_error *err)
{
    int64_t offset = 0, bytes = p->bytes;
    int fd = -1;

    MPI_Exscan(&bytes, &offset, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    collio_posix_open("bench.plain", O_CREAT | O_WRONLY, &fd, err);
    collio_posix_write(fd, p->array.data, (size_t)p->bytes, rank > 0 ? offset : 0, "bench.plain",
                       err);
    collio_posix_sync(fd, "bench.plain", err);
    collio_posix_close(&fd, "bench.plain", err);
}

#ifdef H5_HAVE_PARALLEL
/* What a program does that calls HDF5 itself; fsync, because H5Fclose does not. */
static void collective(const part *p, collio_error *err)
{
    hsize_t shape[2], start[2], count[2];
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), how = H5Pcreate(H5P_DATASET_XFER), file, all, mine,
          memory, dataset;
    int fd = -1;

    for (int d = 0; d < 2; d++) {
        shape[d] = (hsize_t)p->shape[d];
        start[d] = (hsize_t)p->start[d];
        count[d] = (hsize_t)p->count[d];
    }
    H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
    H5Pset_dxpl_mpio(how, H5FD_MPIO_COLLECTIVE);
    file = H5Fcreate("bench.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    all = H5Screate_simple(2, shape, NULL);
    mine = H5Scopy(all);
    memory = H5Screate_simple(2, count, NULL);
    H5Sselect_hyperslab(mine, H5S_SELECT_SET, start, NULL, count, NULL);
    dataset = H5Dcreate2(file, "u", H5T_NATIVE_DOUBLE, all, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, mine, how, p->array.data);
    H5Dclose(dataset);
    H5Sclose(memory);
    H5Sclose(mine);
    H5Sclose(all);
    H5Fclose(file);
    H5Pclose(how);
    H5Pclose(access);
    collio_posix_open("bench.h5", O_WRONLY, &fd, err);
    collio_posix_sync(fd, "bench.h5", err);
    collio_posix_close(&fd, "bench.h5", err);
}
#else
static void collective(const part *p, collio_error *err)
{
    (void)p, (void)err;
}
#endif

/* Seconds to copy the part. */
static double copy(const part *p, char *to)
{
    double start = at_once();

    memcpy(to, p->array.data, (size_t)p->bytes);
    return span(start);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, STOPS, sizeof *values, by_size);
    return values[STOPS / 2];
}

static void tell_stops(double *copied, double *stopped, double *finish)
{
    double ratio[STOPS], middle[4];

    for (int i = 0; i < STOPS; i++)
        ratio[i] = stopped[i] / copied[i];
    middle[0] = median(stopped);
    middle[1] = median(copied);
    middle[2] = median(ratio);
    middle[3] = median(finish);
    if (rank == 0)
        printf("in the background, medians of %d: stopped %.3f s, copy %.3f s, ratio %.2f (%.2f to "
               "%.2f), of the least %.2f; then %.3f s to finish\n",
               STOPS, middle[0], middle[1], middle[2], ratio[0], ratio[STOPS - 1],
               stopped[0] / copied[0], middle[3]);
}

/* The copy and the save in turn; the first of each is not counted, in which memory is new. */
static void background(collio_checkpoint *c, const part *p, const collio_item *item,
                       collio_error *err)
{
    double copied[STOPS], stopped[STOPS], finish[STOPS], start;
    char *memory = malloc((size_t)p->bytes + 1);

    for (int i = -1; i < STOPS && err->code == COLLIO_OK; i++) {
        int at = i < 0 ? 0 : i;
        copied[at] = copy(p, memory);
        start = at_once();
        collio_checkpoint_save_start(c, ROUNDS + i + 1, 1, item, 0, err);
        stopped[at] = span(start);
        start = now_together();
        collio_checkpoint_wait(c, err);
        finish[at] = since(start);
        collio_checkpoint_delete(c, ROUNDS + i + 1, err);
    }
    free(memory);
    if (err->code == COLLIO_OK)
        tell_stops(copied, stopped, finish);
}

static void restore(collio_checkpoint *c, const part *p, collio_error *err)
{
    collio_checkpoint_state *state = NULL;

    collio_checkpoint_restore(c, COLLIO_NEWEST, &state, err);
    collio_checkpoint_read(state, "u", p->start, &p->array, err);
    collio_checkpoint_state_close(&state);
}

static double digest_rate(void)
{
    static double values[32768];
    uint64_t sum = 0;
    double start = MPI_Wtime();

    for (int i = 0; i < 2000; i++)
        sum += collio_digest(sizeof *values, i, values, 32768);
    return sum != 0 ? 2000.0 * sizeof values / (MPI_Wtime() - start) * 1e-9 : 0.0;
}

int main(int argc, char **argv)
{
    const char *how = argc > 2 ? argv[2] : "rows";
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c = NULL;
    double best[4] = {0.0}, start;
    collio_item item;
    part p;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    make_part(&p, argc > 1 ? atoll(argv[1]) : 256, how);
    item = collio_item_part("u", &p.array, p.shape, p.start);
    collio_comm_create(MPI_COMM_WORLD, &gate, &err);
    collio_checkpoint_open(MPI_COMM_WORLD, "bench.ckpt", NULL, &c, &err);
    for (int64_t round = 0; round < ROUNDS && err.code == COLLIO_OK; round++) {
        start = now_together();
        plain(&p, &err);
        keep_least(&best[0], since(start));
        start = now_together();
        collective(&p, &err);
        keep_least(&best[3], since(start));
        if (rank == 0) {
            unlink("bench.plain");
            unlink("bench.h5");
        }
        start = now_together();
        collio_checkpoint_save(c, round, 1, &item, &err);
        keep_least(&best[1], since(start));
        start = now_together();
        restore(c, &p, &err);
        keep_least(&best[2], since(start));
        collio_checkpoint_delete(c, round, &err);
    }
    if (rank == 0 && err.code != COLLIO_OK)
        printf("%s\n", err.text);
    else if (rank == 0)
        printf("%d ranks, %s: plain %.3f s, collective HDF5 %.3f s, save %.3f s (%.2f of plain's "
               "speed), restore %.3f s; digest %.1f GB/s\n",
               size, how, best[0], best[3], best[1], best[0] / best[1], best[2], digest_rate());
    background(c, &p, &item, &err);
    if (rank == 0 && err.code != COLLIO_OK)
        printf("%s\n", err.text);
    collio_checkpoint_close(&c, &err);
    collio_comm_free(&gate, &err);
    if (rank == 0)
        rmdir("bench.ckpt");
    free(p.array.data);
    MPI_Finalize();
    return err.code != COLLIO_OK;
}
