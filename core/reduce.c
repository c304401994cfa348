/*
 * The all-reduce of an agreement, by small messages: in each round every rank sends what it knows
 * to the one `distance` ahead and hears from the one as far behind, and the distance doubles. The
 * largest is the largest however often it is counted, so this works for any number of ranks.
 * Measured on 2 ranks it takes half as long as MPI_Iallreduce; and what is given up can be taken
 * back, which a collective call cannot.
 */
#include "comm.h"

#include <string.h>

enum { WORDS_TAG = 32002 };

static int start_round(collio_comm *comm, collio_error *err)
{
    struct round *r = &comm->round;
    int to = (int)(((int64_t)comm->rank + r->distance) % comm->size);
    int from = (int)(((int64_t)comm->rank - r->distance + comm->size) % comm->size);

    memcpy(r->out, comm->words, sizeof r->out);
    if (collio_mpi_made(
            MPI_Irecv(r->in, 2 * WORDS, MPI_UINT64_T, from, WORDS_TAG, comm->mpi, &r->receiving),
            "MPI_Irecv", err))
        return err->code;
    return collio_mpi_made(
        MPI_Isend(r->out, 2 * WORDS, MPI_UINT64_T, to, WORDS_TAG, comm->mpi, &r->sending),
        "MPI_Isend", err);
}

static void take_largest(collio_comm *comm)
{
    for (int i = 0; i < 2 * WORDS; i++)
        if (comm->round.in[i] > comm->words[i])
            comm->words[i] = comm->round.in[i];
}

/* Whether the messages of this round are through. As with any wait only failures are judged. */
static int test_round(collio_comm *comm, int *done, collio_error *err)
{
    struct round *r = &comm->round;
    int result = MPI_Test(&r->receiving, done, MPI_STATUS_IGNORE);

    if (result == MPI_SUCCESS && *done)
        result = MPI_Test(&r->sending, done, MPI_STATUS_IGNORE);
    if (result == MPI_SUCCESS)
        return COLLIO_OK;
    collio_mpi(result, "MPI_Test", err);
    comm->waits--; /* not come to this wait */
    return collio_comm_fail(comm, err);
}

static int advance(collio_comm *comm, void *context, int *done, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;

    (void)context;
    for (;;) {
        if (test_round(comm, done, err) || !*done)
            return err->code;
        take_largest(comm);
        /* Not doubled beyond the number of ranks, which an int may not hold. */
        if (comm->round.distance > (comm->size - 1) / 2)
            return COLLIO_OK;
        comm->round.distance *= 2;
        if (start_round(comm, &local)) {
            *err = local;
            comm->waits--; /* nor here */
            return collio_comm_fail(comm, err);
        }
    }
}

/* A fault is injected before the first message only: then no rank gets through. Once messages are
 * under way some ranks may, as with any failure in the middle of an all-reduce. */
int collio_reduce_words(collio_comm *comm, const char *operation, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;

    if (comm->board.memory.bytes != NULL)
        return collio_board_reduce(comm, operation, err);
    comm->round.distance = 1;
    if (collio_fault_before("MPI_Isend", &local) || start_round(comm, &local)) {
        *err = local;
        return collio_comm_fail(comm, err);
    }
    return collio_wait_for(comm, advance, NULL, operation, err);
}

static void take_back(MPI_Request *request, int cancel)
{
    if (*request == MPI_REQUEST_NULL)
        return;
    if (cancel)
        MPI_Cancel(request);
    MPI_Request_free(request);
}

void collio_reduce_abandon(collio_comm *comm)
{
    take_back(&comm->round.receiving, 1);
    take_back(&comm->round.sending, 0);
}
