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
#include "patterns.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST = 5, ROUNDS = 31 };

/* After this many seconds a pattern has no more rounds than it must. */
static const double enough = 6.0;

int rank, size;
static collio_error err = COLLIO_ERROR_INIT;

/* --------------------------------------------------------------- patterns */

static const pattern patterns[] = {
    {"row blocks", 2, 1, 0, 0, 0, 1},         {"column blocks", 2, 2, 0, 0, 0, 1},
    {"blocks, 2-D", 2, 3, 0, 0, 0, 1},        {"blocks, 3-D", 3, 7, 0, 0, 0, 1},
    {"rows in turn", 2, 0, 1, 0, 0, 1},       {"elements in turn", 2, 0, 2, 0, 0, 8},
    {"chunks, row blocks", 2, 1, 0, 1, 0, 1}, {"chunks, columns", 2, 2, 0, 1, 0, 1},
    {"chunks, blocks", 2, 3, 0, 1, 0, 1},     {"gzip, row blocks", 2, 1, 0, 1, 1, 4},
    {"gzip, columns", 2, 2, 0, 1, 1, 4},
};

enum { PATTERNS = sizeof patterns / sizeof *patterns };

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
double now(void)
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

static const char *const step_names[STEPS] = {"write", "rewrite", "read"};

void clock_steps(mover *move, void *context, double begun, double *seconds)
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
