/*
 * What an agreement costs: collio_agree() beside MPI's own small all-reduce, blocking and polled.
 *
 *   make bench && for n in 1 2 4 8; do mpiexec -n $n tests/bench/agree; done
 *
 * The median over the rounds is printed. With more ranks than cores (the first line says so) a
 * blocking all-reduce spins while others wait for the core; so it comes last, because what it does
 * to the order of processes lasts longer than a round.
 */
#include "internal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 15, KINDS = 3 };

static collio_comm *comm;

static void agreement(int calls)
{
    for (int i = 0; i < calls; i++) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_ticket ticket = {.operation = "bench", .digest = (uint64_t)i};
        collio_agree(comm, &ticket, &err);
    }
}

static void blocking(int calls)
{
    uint64_t mine[14] = {0}, all[14];

    for (int i = 0; i < calls; i++)
        MPI_Allreduce(mine, all, 14, MPI_UINT64_T, MPI_MAX, collio_comm_handle(comm));
}

static void polled(int calls)
{
    uint64_t mine[14] = {0}, all[14];

    for (int i = 0; i < calls; i++) {
        MPI_Request request;
        int done = 0;
        MPI_Iallreduce(mine, all, 14, MPI_UINT64_T, MPI_MAX, collio_comm_handle(comm), &request);
        while (!done) {
            MPI_Test(&request, &done, MPI_STATUS_IGNORE);
            if (!done)
                sched_yield();
        }
    }
}

static const struct {
    const char *name;
    void (*run)(int calls);
} kinds[KINDS] = {
    {"collio_agree", agreement},
    {"MPI_Iallreduce, yielding", polled},
    {"MPI_Allreduce", blocking},
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Calls enough for a round of some milliseconds, the same number on all ranks. */
static int calls_of(int kind)
{
    double start = collio_now();
    int calls;

    kinds[kind].run(5);
    calls = (int)(5e-3 * 5.0 / (collio_now() - start)) + 2;
    MPI_Bcast(&calls, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return calls > 20000 ? 20000 : calls;
}

int main(int argc, char **argv)
{
    static double times[KINDS][ROUNDS];
    collio_error err = COLLIO_ERROR_INIT;
    int rank, size, calls[KINDS];

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    collio_comm_create(MPI_COMM_WORLD, &comm, &err);
    for (int kind = 0; kind < KINDS; kind++) {
        calls[kind] = calls_of(kind);
        for (int round = 0; round < ROUNDS; round++) {
            double start = collio_now();
            kinds[kind].run(calls[kind]);
            times[kind][round] = (collio_now() - start) / calls[kind];
        }
    }
    if (rank == 0)
        printf("%d ranks on %ld cores, median of %d rounds, us a call\n", size,
               sysconf(_SC_NPROCESSORS_ONLN), ROUNDS);
    for (int kind = 0; kind < KINDS && rank == 0; kind++) {
        qsort(times[kind], ROUNDS, sizeof(double), compare);
        printf("  %-26s %10.2f\n", kinds[kind].name, 1e6 * times[kind][ROUNDS / 2]);
    }
    collio_comm_free(&comm, &err);
    MPI_Finalize();
    return err.code;
}
