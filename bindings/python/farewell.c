/*
 * Closing together after an exception. A rank on which one is on its way must
 * not wait long for the others: it tells them, and sees whether they come too.
 */
#include "joint.h"

#include <time.h>

#define MOMENT 2.0 /* seconds: long enough for ranks that got the same error */
#define TAG    1

static void nap(void)
{
    const struct timespec pause = {0, 200000};

    nanosleep(&pause, NULL);
}

/* One byte to each of the others; it stays valid, and nobody waits for it. */
static int tell_all(MPI_Comm comm, int rank, int size, collio_error *err)
{
    static const char note = 0;
    MPI_Request request;

    for (int other = 0; other < size; other++) {
        if (other == rank)
            continue;
        if (collio_mpi(MPI_Isend(&note, 1, MPI_CHAR, other, TAG, comm, &request), "MPI_Isend",
                       err) ||
            collio_mpi(MPI_Request_free(&request), "MPI_Request_free", err))
            return err->code;
    }
    return COLLIO_OK;
}

/* Receive the notes that are there. */
static int hear(MPI_Comm comm, int *heard, collio_error *err)
{
    MPI_Status status;
    int there = 0;
    char note;

    if (collio_mpi(MPI_Iprobe(MPI_ANY_SOURCE, TAG, comm, &there, &status), "MPI_Iprobe", err))
        return err->code;
    if (there &&
        collio_mpi(MPI_Recv(&note, 1, MPI_CHAR, status.MPI_SOURCE, TAG, comm, MPI_STATUS_IGNORE),
                   "MPI_Recv", err) == COLLIO_OK)
        ++*heard;
    return err->code;
}

int farewell_together(collio_comm *comm)
{
    collio_error err = COLLIO_ERROR_INIT;
    double until = collio_now() + MOMENT;
    int size, heard = 0;

    if (comm == NULL || collio_comm_is_poisoned(comm))
        return 1; /* closing is local now */
    size = collio_comm_size(comm);
    if (tell_all(collio_comm_handle(comm), collio_comm_rank(comm), size, &err))
        return 0;
    while (heard < size - 1 && collio_now() < until) {
        int before = heard;
        if (hear(collio_comm_handle(comm), &heard, &err))
            return 0;
        if (heard == before)
            nap();
    }
    return heard == size - 1;
}
