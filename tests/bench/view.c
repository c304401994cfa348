/*
 * Writes and reads of one array by patterns: collio_view beside plain C MPI-IO, collective and
 * independent calls each, on the same filetype; and positioned writes of each run.
 * Median of so many turns, the ways taking turns, seconds; in brackets how many times as fast as
 * MPI-IO's calls of the same kind (POSIX: as its independent ones), by medians and by the best.
 *   mpiexec -n 2 tests/bench/view [MiB] [path] [turns] [pattern]
 */
#include "collio/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLLIO, COLLIO_ALONE, COLLECTIVE, ALONE, POSIX, WAYS };
enum { PATTERNS = 6, MOST_TURNS = 101 };

static const char *const ways[WAYS] = {"collio coll", "collio indep", "MPI coll", "MPI indep",
                                       "POSIX"};
static const char *const patterns[PATTERNS] = {"contiguous", "rows",     "columns",
                                               "blocks",     "elements", "3-D blocks"};

static int rank, size, turns = 15, repeats = 1;
static const char *path;

/* The array of a pattern: n x n, or a cube of about as many elements. */
typedef struct field {
    int ndim;
    int64_t shape[3];
} field;

/* What this rank has of it. */
static void my_part(int pattern, const field *f, collio_selection *s)
{
    int64_t start[3] = {0, 0, 0}, count[3], n = f->shape[0];
    int dims[3] = {0, 0, 0}, d = pattern < 2 ? 0 : 1;
    collio_error err = COLLIO_ERROR_INIT;
    collio_box box;

    memcpy(count, f->shape, sizeof count);
    if (pattern == 3 || pattern == 5) {
        collio_part_dims(size, f->ndim, f->shape, dims, &err);
        /* The first dimension whole and the others cut: short runs. */
        if (pattern == 5) {
            int most = dims[0];
            dims[0] = dims[2];
            dims[2] = most;
        }
        collio_part_box(f->ndim, f->shape, dims, rank, 0, &box, NULL, &err);
        collio_selection_box(s, &box);
        return;
    }
    if (pattern == 0 || pattern == 2) {
        collio_part_range(n, size, rank, &start[d], &count[d], &err);
        collio_selection_block(s, f->ndim, start, count);
        return;
    }
    start[d] = rank;
    count[d] = (n - rank + size - 1) / size;
    collio_selection_block(s, f->ndim, start, count);
    s->stride[d] = size;
}

/* As a program in C would make it: a subarray, or vectors where there are strides. */
static MPI_Datatype filetype_of(const collio_selection *s, const field *f)
{
    MPI_Datatype inner = MPI_DOUBLE, next;
    MPI_Aint place = 0, step = 8;
    int one = 1, sizes[3], counts[3], starts[3], strided = 0;

    for (int d = 0; d < f->ndim; d++) {
        sizes[d] = (int)f->shape[d];
        counts[d] = (int)s->count[d];
        starts[d] = (int)s->start[d];
        strided |= s->stride[d] > 1;
    }
    if (!strided) {
        MPI_Type_create_subarray(f->ndim, sizes, counts, starts, MPI_ORDER_C, MPI_DOUBLE, &next);
        MPI_Type_commit(&next);
        return next;
    }
    for (int d = f->ndim - 1; d >= 0; d--) {
        MPI_Type_create_hvector(counts[d], 1, step * s->stride[d], inner, &next);
        place += step * starts[d];
        step *= f->shape[d];
        if (inner != MPI_DOUBLE)
            MPI_Type_free(&inner);
        inner = next;
    }
    MPI_Type_create_struct(1, &one, &place, &inner, &next);
    MPI_Type_commit(&next);
    MPI_Type_free(&inner);
    return next;
}

/* Byte offset of the first element of the i-th run. */
static int64_t run_at(const collio_selection *s, const field *f, int64_t i, int64_t run)
{
    int64_t at = 0, weight = 8, left = i * run;

    for (int d = f->ndim - 1; d >= 0; d--) {
        at += weight * (s->start[d] + left % s->count[d] * s->stride[d]);
        left /= s->count[d];
        weight *= f->shape[d];
    }
    return at;
}

static void by_posix(const collio_selection *s, const field *f, double *data, int writing)
{
    int fd = open(path, O_RDWR), last = f->ndim - 1;
    int64_t run = s->stride[last] == 1 ? s->count[last] : 1, all = collio_selection_size(s);

    for (int64_t i = 0; i < all / run; i++) {
        off_t at = (off_t)run_at(s, f, i, run);
        double *to = data + i * run;
        ssize_t done =
            writing ? pwrite(fd, to, (size_t)(8 * run), at) : pread(fd, to, (size_t)(8 * run), at);

        if (done != (ssize_t)(8 * run))
            perror("posix");
    }
    close(fd);
}

/* What one way needs for its accesses. */
typedef struct access_to {
    int way, writing;
    const collio_selection *selection;
    const field *of;
    double *data;
    collio_view *view;
    MPI_File file;
} access_to;

static void open_file(access_to *a, collio_error *err)
{
    MPI_Datatype type;

    if (a->way <= COLLIO_ALONE) {
        collio_view_open(MPI_COMM_WORLD, path, "r+", MPI_INFO_NULL, &a->view, err);
        collio_view_set_array(a->view, 0, COLLIO_FLOAT64, a->of->ndim, a->of->shape, a->selection,
                              err);
    } else if (a->way != POSIX) {
        type = filetype_of(a->selection, a->of);
        MPI_File_open(MPI_COMM_WORLD, path, MPI_MODE_RDWR, MPI_INFO_NULL, &a->file);
        MPI_File_set_view(a->file, 0, MPI_DOUBLE, type, "native", MPI_INFO_NULL);
        MPI_Type_free(&type);
    }
}

static void close_file(access_to *a, collio_error *err)
{
    if (a->way <= COLLIO_ALONE)
        collio_view_close(&a->view, err);
    else if (a->way != POSIX)
        MPI_File_close(&a->file);
}

static void use_view(const access_to *a, collio_error *err)
{
    collio_access word = a->way == COLLIO ? COLLIO_ACCESS_AT_ALL : COLLIO_ACCESS_AT;
    collio_array memory;

    collio_array_fill(&memory, a->data, COLLIO_FLOAT64, a->of->ndim, a->selection->count);
    if (a->writing)
        collio_view_write(a->view, word, 0, &memory, NULL, err);
    else
        collio_view_read(a->view, word, 0, &memory, NULL, err);
}

static void use_mpi(const access_to *a)
{
    int count = (int)collio_selection_size(a->selection);

    if (a->way == COLLECTIVE && a->writing)
        MPI_File_write_at_all(a->file, 0, a->data, count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else if (a->way == COLLECTIVE)
        MPI_File_read_at_all(a->file, 0, a->data, count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else if (a->writing)
        MPI_File_write_at(a->file, 0, a->data, count, MPI_DOUBLE, MPI_STATUS_IGNORE);
    else
        MPI_File_read_at(a->file, 0, a->data, count, MPI_DOUBLE, MPI_STATUS_IGNORE);
}

/* Seconds of one access, opening aside; of small ones the mean of several in a row. */
static double measure(access_to *a)
{
    collio_error err = COLLIO_ERROR_INIT;
    double start, mine, all;

    open_file(a, &err);
    MPI_Barrier(MPI_COMM_WORLD);
    start = MPI_Wtime();
    for (int i = 0; i < repeats; i++)
        if (a->way <= COLLIO_ALONE)
            use_view(a, &err);
        else if (a->way == POSIX)
            by_posix(a->selection, a->of, a->data, a->writing);
        else
            use_mpi(a);
    mine = (MPI_Wtime() - start) / repeats;
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    close_file(a, &err);
    if (err.code != COLLIO_OK && rank == 0)
        printf("%s\n", err.text);
    return all;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Sorted: the best first, the median in the middle. */
static void print_row(int pattern, double times[WAYS][2][MOST_TURNS])
{
    static const int beside[WAYS] = {COLLECTIVE, ALONE, COLLECTIVE, ALONE, ALONE};

    for (int w = 0; w < WAYS; w++)
        for (int reading = 0; reading < 2; reading++)
            qsort(times[w][reading], (size_t)turns, sizeof(double), by_value);
    for (int w = 0; w < WAYS && rank == 0; w++) {
        printf("%-10s %-12s", patterns[pattern], ways[w]);
        for (int reading = 0; reading < 2; reading++) {
            const double *mine = times[w][reading], *other = times[beside[w]][reading];
            printf("  %s %.5f (%.2f, %.2f)", reading ? "read" : "write", mine[turns / 2],
                   other[turns / 2] / mine[turns / 2], other[0] / mine[0]);
        }
        printf("\n");
    }
    fflush(stdout);
}

/* The ways take turns, each of them first in its turn, so that what goes on beside, and what the
 * way before leaves in the caches, slows all of them alike. */
static void measure_pattern(int pattern, int64_t n)
{
    static double times[WAYS][2][MOST_TURNS];
    int64_t edge = 1;
    field f = {2, {n, n, 0}};
    collio_selection s;

    while (pattern == 5 && edge * edge * edge < n * n)
        edge++;
    if (pattern == 5)
        f = (field){3, {edge, edge, edge}};
    my_part(pattern, &f, &s);
    double *data = calloc((size_t)collio_selection_size(&s), sizeof *data);
    for (int turn = -1; turn < turns; turn++) /* the first one does not count */
        for (int i = 0; i < 2 * WAYS; i++) {
            int w = (i / 2 + turn + 1) % WAYS;
            access_to a = {w, i % 2 == 0, &s, &f, data, NULL, MPI_FILE_NULL};

            times[w][i % 2][turn < 0 ? 0 : turn] = measure(&a);
        }
    free(data);
    print_row(pattern, times);
}

int main(int argc, char **argv)
{
    int64_t n = 256;
    int mebibytes = argc > 1 ? atoi(argv[1]) : 32;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    path = argc > 2 ? argv[2] : "bench_view.raw";
    turns = argc > 3 ? atoi(argv[3]) : turns;
    turns = turns < 1 ? 1 : turns > MOST_TURNS ? MOST_TURNS : turns;
    repeats = mebibytes < 16 ? 16 / (mebibytes > 0 ? mebibytes : 1) : 1;
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
        if (argc < 5 || strcmp(argv[4], patterns[p]) == 0)
            measure_pattern(p, n);
    if (rank == 0)
        unlink(path);
    MPI_Finalize();
    return 0;
}
