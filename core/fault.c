/* Fault injection: make the n-th judged result fail on one rank, so that tests walk every error
 * path. COLLIO_FAULT=n@rank sets it from outside. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* Whether results are counted: not before the environment was read and asked for it, or a test did.
 * Every call pays for the count. */
int collio_fault_armed = -1; /* -1: the environment has not been read yet */

static long fail_at; /* 0: never */
static long judged;  /* atomic: threads of a save judge system calls, too */

static void read_environment(void)
{
    const char *text = getenv("COLLIO_FAULT");
    long nth = 0;
    int wanted = -1, rank = -1;

    collio_fault_armed = 0;
    if (text == NULL || sscanf(text, "%ld@%d", &nth, &wanted) != 2)
        return;
    collio_fault_armed = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == wanted)
        fail_at = nth;
}

int collio_fault_due(void)
{
    if (collio_fault_armed < 0)
        read_environment();
    return collio_fault_armed && __atomic_add_fetch(&judged, 1, __ATOMIC_RELAXED) == fail_at;
}

int collio_fault_before(const char *call, collio_error *err)
{
    if (!collio_fault_due())
        return COLLIO_OK;
    if (err->code == COLLIO_OK) {
        collio_error_set(err, COLLIO_ERR_MPI, "%s: injected fault", call);
        err->mpi_error = MPI_ERR_OTHER;
    }
    return err->code;
}

void collio_fault_set(long nth)
{
    collio_fault_armed = 1;
    fail_at = nth;
    judged = 0;
}

long collio_fault_count(void)
{
    return judged;
}
