/* Shared by patterns.c, which measures, and rivals.c, which it measures collio against. */
#ifndef COLLIO_TESTS_BENCH_PATTERNS_H
#define COLLIO_TESTS_BENCH_PATTERNS_H

#include "collio/io.h"

enum { DIMS = 3 };
enum { FIRST, AGAIN, READ, STEPS };

extern int rank, size;

typedef struct pattern {
    const char *name;
    int ndim;
    int cut;     /* dimensions dealt out in blocks: a bit each */
    int in_turn; /* or one index after the other: a bit each */
    int chunked, gzip;
    int share; /* of the bytes wanted: 1/share */
} pattern;

/* A pattern, for this rank. */
typedef struct part {
    const pattern *p;
    int64_t shape[DIMS], chunks[DIMS], start[DIMS], stride[DIMS], count[DIMS];
    int64_t elements; /* of this rank */
    char *values;
} part;

/* The time, the same for all ranks. Collective. */
double now(void);

/* Time each step of moving a part. Collective.
 *   begun    in   when the first one began
 *   seconds  out  of each */
typedef void mover(void *context, int writes);
void clock_steps(mover *move, void *context, double begun, double *seconds);

/* Create the file, and time each step. Collective. `mode` is 1 for collective transfers. */
void run_plain(const part *a, const char *path, int mode, double *seconds);
void run_mpiio(const part *a, const char *path, int mode, double *seconds);
void run_posix(const part *a, const char *path, int mode, double *seconds);

#endif
