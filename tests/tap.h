/*
 * TAP for collective C tests: a check holds only if it holds on every rank.
 * Call tap_begin() after MPI_Init and return tap_end() from main.
 */
#ifndef COLLIO_TESTS_TAP_H
#define COLLIO_TESTS_TAP_H

#include <mpi.h>
#include <stdarg.h>
#include <stdio.h>

/* Weak, so that all sources of a program have the same ones. */
__attribute__((weak)) int tap_rank, tap_size, tap_count, tap_failed;

static inline void tap_begin(void)
{
    MPI_Comm_rank(MPI_COMM_WORLD, &tap_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &tap_size);
}

/* Collective over MPI_COMM_WORLD; every rank the same name. Returns whether it holds everywhere. */
static inline int tap_ok(int holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline int tap_ok(int holds, const char *format, ...)
{
    int mine = holds != 0, all = 0;
    char name[512];
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (!mine)
        fprintf(stderr, "# rank %d of %d: not ok - %s\n", tap_rank, tap_size, name);
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    tap_count++;
    tap_failed += !all;
    if (tap_rank == 0) {
        printf("%sok %d - %s\n", all ? "" : "not ", tap_count, name);
        fflush(stdout);
    }
    return all;
}

static inline void tap_skip(const char *name, const char *why)
{
    tap_count++;
    if (tap_rank == 0) {
        printf("ok %d - %s # SKIP %s\n", tap_count, name, why);
        fflush(stdout);
    }
}

static inline int tap_end(void)
{
    if (tap_rank == 0) {
        printf("1..%d\n", tap_count);
        fflush(stdout);
    }
    return tap_failed != 0;
}

#endif
