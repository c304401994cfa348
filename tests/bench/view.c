/*
 * Collective writes and reads of one array by patterns: collio_view beside plain C MPI-IO
 * (collective and independent calls, on the same filetype) and positioned writes of each run.
 * Best of seven, seconds; in brackets how many times as fast as MPI-IO's collective calls.
 *   mpiexec -n 2 tests/bench/view [MiB] [path]
 */
#include "collio/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAYS = 4, PATTERNS = 5, TURNS = 7 };

static const char *const ways[WAYS] = {"collio", "MPI coll", "MPI indep", "POSIX"};
static const char *const patterns[PATTERNS] = {"contiguous", "rows", "columns", "blocks",
                                               "elements"};

static int rank, size;
static const char *path;

/* What this rank has of an n x n array. */
static void my_part(int pattern, int64_t n, collio_selection *s)
{
    int64_t start[2] = {0, 0}, count[2] = {n, n};
    int dims[2] = {0, 0};
    collio_error err = COLLIO_ERROR_INIT;
    collio_box box;

    if (pattern == 3) {
        int64_t shape[2] = {n, n};

        collio_part_dims(size, 2, shape, dims, &err);
        collio_part_box(2, shape, dims, rank, 0, &box, NULL, &err);
        collio_selection_box(s, &box);
        return;
    }
    int d = pattern == 0 || pattern == 1 ? 0 : 1;
    if (pattern == 0 || pattern == 2) {
        collio_part_range(n, size, rank, &start[d], &count[d], &err);
        collio_selection_block(s, 2, start, count);
        return;
    }
    start[d] = rank;
    count[d] = (n - rank + size - 1) / size;
    collio_selection_block(s, 2, start, count);
    s->stride[d] = size;
}

static MPI_Datatype filetype_of(const collio_selection *s, int64_t n)
{
    MPI_Datatype row, all, type;
    MPI_Aint step = 8 * s->stride[1], place;
    int one = 1;

    MPI_Type_create_hvector((int)s->count[1], 1, step, MPI_DOUBLE, &row);
    if (s->stride[1] == 1) {
        MPI_Type_free(&row);
        MPI_Type_contiguous((int)s->count[1], MPI_DOUBLE, &row);
    }
    MPI_Type_create_hvector((int)s->count[0], 1, (MPI_Aint)(8 * n * s->stride[0]), row, &all);
    place = (MPI_Aint)(8 * (s->start[0] * n + s->start[1]));
    MPI_Type_create_struct(1, &one, &place, &all, &type);
    MPI_Type_commit(&type);
    MPI_Type_free(&row);
    MPI_Type_free(&all);
    return type;
}

static void by_posix(const collio_selection *s, int64_t n, double *data, int writing)
{
    int fd = open(path, O_RDWR);
    int64_t run = s->stride[1] == 1 ? s->count[1] : 1, each = s->count[1] / run;

    for (int64_t i = 0; i < s->count[0]; i++)
        for (int64_t j = 0; j < each; j++) {
            off_t at = (off_t)(8 * ((s->start[0] + i * s->stride[0]) * n + s->start[1] +
                                    j * s->stride[1]));
            double *to = data + (i * each + j) * run;
            ssize_t done = writing ? pwrite(fd, to, (size_t)(8 * run), at)
                                   : pread(fd, to, (size_t)(8 * run), at);

            if (done != (ssize_t)(8 * run))
                perror("posix");
        }
    close(fd);
}

/* Seconds of one access, opening aside. */
static double measure(int way, const collio_selection *s, int64_t n, double *data, int writing)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = NULL;
    int64_t shape[2] = {n, n}, count = collio_selection_size(s);
    collio_array memory;
    MPI_Datatype type = filetype_of(s, n);
    MPI_File f;
    double start, mine, all;

    collio_array_fill(&memory, data, COLLIO_FLOAT64, 2, s->count);
    if (way == 0) {
        collio_view_open(MPI_COMM_WORLD, path, "r+", MPI_INFO_NULL, &v, &err);
        collio_view_set_array(v, 0, COLLIO_FLOAT64, 2, shape, s, &err);
    } else if (way < 3) {
        MPI_File_open(MPI_COMM_WORLD, path, MPI_MODE_RDWR, MPI_INFO_NULL, &f);
        MPI_File_set_view(f, 0, MPI_DOUBLE, type, "native", MPI_INFO_NULL);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    start = MPI_Wtime();
    if (way == 0 && writing)
        collio_view_write(v, COLLIO_ACCESS_AT_ALL, 0, &memory, NULL, &err);
    else if (way == 0)
        collio_view_read(v, COLLIO_ACCESS_AT_ALL, 0, &memory, NULL, &err);
    else if (way == 1 && writing)
        MPI_File_write_at_all(f, 0, data, (int)count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else if (way == 1)
        MPI_File_read_at_all(f, 0, data, (int)count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else if (way == 2 && writing)
        MPI_File_write_at(f, 0, data, (int)count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else if (way == 2)
        MPI_File_read_at(f, 0, data, (int)count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else
        by_posix(s, n, data, writing);
    mine = MPI_Wtime() - start;
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    if (way == 0)
        collio_view_close(&v, &err);
    else if (way < 3)
        MPI_File_close(&f);
    if (err.code != COLLIO_OK && rank == 0)
        printf("%s\n", err.text);
    MPI_Type_free(&type);
    return all;
}

/* The ways take turns, so that what goes on beside slows all of them alike. */
static void measure_pattern(int pattern, int64_t n)
{
    double best[WAYS][2];
    collio_selection s;

    my_part(pattern, n, &s);
    double *data = calloc((size_t)collio_selection_size(&s), sizeof *data);
    for (int turn = 0; turn < TURNS; turn++)
        for (int w = 0; w < WAYS; w++)
            for (int reading = 0; reading < 2; reading++) {
                double t = measure(w, &s, n, data, !reading);

                if (turn == 0 || t < best[w][reading])
                    best[w][reading] = t;
            }
    free(data);
    for (int w = 0; w < WAYS && rank == 0; w++)
        printf("%-10s %-9s write %.4f (%.2f) read %.4f (%.2f)\n", patterns[pattern], ways[w],
               best[w][0], best[1][0] / best[w][0], best[w][1], best[1][1] / best[w][1]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int64_t n = 256;
    int mebibytes = argc > 1 ? atoi(argv[1]) : 32;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    path = argc > 2 ? argv[2] : "bench_view.raw";
    while (n * n * 8 < (int64_t)mebibytes << 20)
        n += 64;
    if (rank == 0) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
        char *zeros = calloc((size_t)n, 8);

        for (int64_t i = 0; i < n; i++)
            if (write(fd, zeros, (size_t)n * 8) < 0)
                perror("write");
        free(zeros);
        close(fd);
        printf("%d ranks, %lld x %lld doubles\n", size, (long long)n, (long long)n);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    for (int p = 0; p < PATTERNS; p++)
        measure_pattern(p, n);
    if (rank == 0)
        unlink(path);
    MPI_Finalize();
    return 0;
}
