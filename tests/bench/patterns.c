/*
 * How fast large parts of a dataset travel, beside plain HDF5 and plain MPI-IO, each in both of its
 * modes, and positioned reads and writes of each rank by itself.
 *
 *   make bench && for n in 1 2 4; do mpiexec -n $n tests/bench/patterns [MiB [PATTERN ...]]; done
 *
 * MB/s of all ranks together, the median of the rounds (five at least, more while there is time),
 * in each of which the columns take turns in another order, each with a file of its own: created
 * and written for the first time, when the system has to find memory for it (plain HDF5 does that
 * for chunks when they are created); written again; read. All move the same memory. `ratio` is
 * collio's part of the best of the four of HDF5 and MPI-IO, `POSIX` its part of that column,
 * `spread` how far the middle half of its rounds lies apart, in parts of the median. Where collio
 * does the very same system calls as a rival, what separates them is the spread, and the best of
 * four medians is above one of them. A column that takes more than two seconds has one round.
 * PATTERN: the beginning of a pattern's name.
 */
#include "collio/io.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST = 5, ROUNDS = 31, DIMS = 3 };

/* After this many seconds a pattern has no more rounds than it must. */
static const double enough = 6.0;

static int rank, size;
static collio_error err = COLLIO_ERROR_INIT;

/* --------------------------------------------------------------- patterns */

typedef struct pattern {
    const char *name;
    int ndim;
    int cut;     /* dimensions dealt out in blocks: a bit each */
    int in_turn; /* or one index after the other: a bit each */
    int chunked, gzip;
    int share; /* of the bytes wanted: 1/share */
} pattern;

static const pattern patterns[] = {
    {"row blocks", 2, 1, 0, 0, 0, 1},         {"column blocks", 2, 2, 0, 0, 0, 1},
    {"blocks, 2-D", 2, 3, 0, 0, 0, 1},        {"blocks, 3-D", 3, 7, 0, 0, 0, 1},
    {"rows in turn", 2, 0, 1, 0, 0, 1},       {"elements in turn", 2, 0, 2, 0, 0, 8},
    {"chunks, row blocks", 2, 1, 0, 1, 0, 1}, {"chunks, columns", 2, 2, 0, 1, 0, 1},
    {"chunks, blocks", 2, 3, 0, 1, 0, 1},     {"gzip, row blocks", 2, 1, 0, 1, 1, 4},
    {"gzip, columns", 2, 2, 0, 1, 1, 4},
};

enum { PATTERNS = sizeof patterns / sizeof *patterns };

/* A pattern, for this rank. */
typedef struct part {
    const pattern *p;
    int64_t shape[DIMS], chunks[DIMS], start[DIMS], stride[DIMS], count[DIMS];
    int64_t elements; /* of this rank */
    char *values;
} part;

static int64_t side_of(int64_t elements, int ndim)
{
    int64_t side = 16;

    for (;; side += 16) {
        int64_t n = 1;

        for (int d = 0; d < ndim; d++)
            n *= side;
        if (n >= elements)
            return side;
    }
}

/* How many parts the blocks have in each dimension that is cut, and which this rank has. */
static void place(const pattern *p, int *parts, int *at)
{
    int dims[DIMS] = {0}, cut = 0, left = rank, n = 0;

    for (int d = 0; d < p->ndim; d++)
        cut += p->cut >> d & 1;
    if (cut > 0)
        MPI_Dims_create(size, cut, dims);
    for (int d = 0; d < p->ndim; d++)
        parts[d] = p->cut >> d & 1 ? dims[n++] : 1;
    for (int d = p->ndim - 1; d >= 0; d--) {
        at[d] = left % parts[d];
        left /= parts[d];
    }
}

static void part_make(part *a, const pattern *p, int mebibytes)
{
    int64_t side = side_of(((int64_t)mebibytes << 17) / p->share, p->ndim);
    int parts[DIMS], at[DIMS];

    a->p = p;
    a->elements = 1;
    place(p, parts, at);
    for (int d = 0; d < p->ndim; d++) {
        a->shape[d] = side;
        a->chunks[d] = side / 8;
        collio_part_range(side, parts[d], at[d], &a->start[d], &a->count[d], &err);
        a->stride[d] = 1;
        if (p->in_turn >> d & 1) {
            a->start[d] = rank;
            a->stride[d] = size;
            a->count[d] = (side - rank + size - 1) / size;
        }
        a->elements *= a->count[d];
    }
    a->values = malloc((size_t)a->elements * 8);
    for (int64_t i = 0; i < a->elements; i++)
        ((double *)a->values)[i] = (double)(i % 1000);
}

static int64_t all_bytes(const part *a)
{
    int64_t bytes = 8;

    for (int d = 0; d < a->p->ndim; d++)
        bytes *= a->shape[d];
    return bytes;
}

/* ------------------------------------------------------------------ clock */

/* Ranks that share a core must not spin. */
static double now(void)
{
    MPI_Request request;
    int done = 0;

    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    while (!done) {
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        sched_yield();
    }
    return MPI_Wtime();
}

enum { FIRST, AGAIN, READ, STEPS };

static const char *const step_names[STEPS] = {"write", "rewrite", "read"};

typedef void mover(void *context, int writes);

static void clock_steps(mover *move, void *context, double begun, double *seconds)
{
    double t = begun, next;

    for (int step = 0; step < STEPS; step++) {
        move(context, step != READ);
        next = now();
        seconds[step] = next - t;
        t = next;
    }
}

/* ----------------------------------------------------------------- collio */

typedef struct ours {
    collio_object *dataset;
    collio_selection where;
    collio_array memory;
} ours;

static void ours_move(void *context, int writes)
{
    ours *o = context;

    if (writes)
        collio_dataset_write(o->dataset, &o->where, &o->memory, &err);
    else
        collio_dataset_read(o->dataset, &o->where, &o->memory, &err);
}

static void run_ours(const part *a, const char *path, int mode, double *seconds)
{
    collio_filter gzip = {.id = COLLIO_FILTER_GZIP, .count = 1, .value = {1}};
    collio_dataset_options options = {.chunks = a->p->chunked ? a->chunks : NULL};
    collio_file *file = NULL;
    ours o = {.dataset = NULL};
    double begun;

    (void)mode;
    if (a->p->gzip) {
        options.filters = &gzip;
        options.filter_count = 1;
    }
    collio_selection_block(&o.where, a->p->ndim, a->start, a->count);
    memcpy(o.where.stride, a->stride, sizeof a->stride);
    collio_array_fill(&o.memory, a->values, COLLIO_FLOAT64, a->p->ndim, a->count);
    collio_file_open(MPI_COMM_WORLD, path, "w", NULL, &file, &err);
    begun = now();
    collio_dataset_create(collio_file_root(file), "u", COLLIO_FLOAT64, a->p->ndim, a->shape,
                          &options, &o.dataset, &err);
    clock_steps(ours_move, &o, begun, seconds);
    collio_object_close(&o.dataset);
    collio_file_close(&file, &err);
}

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
static void run_plain(const part *a, const char *path, int collective, double *seconds)
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

static void run_mpiio(const part *a, const char *path, int collective, double *seconds)
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

static void run_posix(const part *a, const char *path, int mode, double *seconds)
{
    posix p = {a, open(path, O_CREAT | O_RDWR, 0666)};

    (void)mode;
    clock_steps(posix_move, &p, now(), seconds);
    close(p.fd);
}

/* --------------------------------------------------------------- together */

typedef struct column {
    const char *name;
    void (*run)(const part *a, const char *path, int mode, double *seconds);
    int mode;
    int chunks; /* has chunks */
    int rival;  /* counts for the last column */
} column;

static const column columns[] = {
    {"collio", run_ours, 0, 1, 0},       {"HDF5 ind", run_plain, 0, 1, 1},
    {"HDF5 coll", run_plain, 1, 1, 1},   {"MPI-IO ind", run_mpiio, 0, 0, 1},
    {"MPI-IO coll", run_mpiio, 1, 0, 1}, {"POSIX", run_posix, 0, 0, 0},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

typedef struct result {
    double seconds[COLUMNS][STEPS][ROUNDS];
    int rounds[COLUMNS];
} result;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double speed(result *r, int c, int step, int64_t bytes)
{
    int n = r->rounds[c];

    if (n == 0)
        return 0.0;
    qsort(r->seconds[c][step], (size_t)n, sizeof(double), by_value);
    return 1e-6 * (double)bytes / r->seconds[c][step][n / 2];
}

/* After speed(), which sorts. */
static double spread(const result *r, int c, int step)
{
    const double *s = r->seconds[c][step];
    int n = r->rounds[c];

    return (s[n - 1 - n / 4] - s[n / 4]) / s[n / 2];
}

static void report(result *r, const part *a)
{
    for (int step = 0; step < STEPS; step++) {
        double best = 0.0, mine = speed(r, 0, step, all_bytes(a));

        printf("%-19s %-8s", a->p->name, step_names[step]);
        for (int c = 0; c < COLUMNS; c++) {
            double s = speed(r, c, step, all_bytes(a));

            if (r->rounds[c] > 0)
                printf(" %11.0f", s);
            else
                printf(" %11s", "-");
            if (columns[c].rival && s > best)
                best = s;
        }
        printf("   %5.2f", mine / best);
        if (r->rounds[COLUMNS - 1] > 0)
            printf("   %5.2f", mine / speed(r, COLUMNS - 1, step, all_bytes(a)));
        else
            printf("   %5s", "-");
        printf("    %5.2f\n", spread(r, 0, step));
    }
    fflush(stdout);
}

/* One round of one column. Rank 0 tells how long it took. */
static double run(result *r, const part *a, int c)
{
    double seconds[STEPS], sum = 0.0;

    if (rank == 0)
        unlink("bench_patterns.h5");
    now();
    columns[c].run(a, "bench_patterns.h5", columns[c].mode, seconds);
    MPI_Bcast(seconds, STEPS, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    for (int step = 0; step < STEPS; step++) {
        r->seconds[c][step][r->rounds[c]] = seconds[step];
        sum += seconds[step];
    }
    r->rounds[c]++;
    return sum;
}

/* The columns in another order each round, the same on all ranks: each comes after each of the
 * others. */
static void shuffle(int *order, int round)
{
    uint64_t state = (uint64_t)round * 2 + 1;

    for (int i = 0; i < COLUMNS; i++)
        order[i] = i;
    for (int i = COLUMNS - 1; i > 0; i--) {
        int j, kept = order[i];

        state = state * 6364136223846793005u + 1442695040888963407u;
        j = (int)((state >> 33) % (uint64_t)(i + 1));
        order[i] = order[j];
        order[j] = kept;
    }
}

static int takes_part(const pattern *p, int c)
{
    if (p->chunked && !columns[c].chunks)
        return 0;
    /* HDF5 writes to filters collectively alone. */
    return !(p->gzip && size > 1 && columns[c].run == run_plain && !columns[c].mode);
}

static void measure(const pattern *p, int mebibytes)
{
    result r = {.rounds = {0}};
    int slow[COLUMNS] = {0}, order[COLUMNS];
    part a = {.p = NULL};
    double used = 0.0;

    part_make(&a, p, mebibytes);
    for (int round = 0; round < LEAST || (round < ROUNDS && used < enough); round++) {
        shuffle(order, round);
        for (int i = 0; i < COLUMNS; i++) {
            int c = order[i];

            if (!slow[c] && takes_part(p, c)) {
                double seconds = run(&r, &a, c);

                slow[c] = seconds > 2.0;
                used += seconds;
            }
        }
    }
    if (rank == 0)
        report(&r, &a);
    free(a.values);
}

static int is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return 1;
    return argc < 3;
}

int main(int argc, char **argv)
{
    int mebibytes = argc > 1 ? atoi(argv[1]) : 64;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank == 0) {
        printf("%d ranks on %ld cores, %d MiB, MB/s\n%-28s", size, sysconf(_SC_NPROCESSORS_ONLN),
               mebibytes, "");
        for (int c = 0; c < COLUMNS; c++)
            printf(" %11s", columns[c].name);
        printf("   ratio   POSIX   spread\n");
    }
    for (int i = 0; i < PATTERNS; i++)
        if (is_wanted(patterns[i].name, argc, argv))
            measure(&patterns[i], mebibytes);
    if (err.code != COLLIO_OK && rank == 0)
        printf("error: %s\n", err.text);
    if (rank == 0)
        unlink("bench_patterns.h5");
    MPI_Finalize();
    return err.code != COLLIO_OK;
}
