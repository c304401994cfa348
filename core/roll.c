/*
 * The roll call. Ranks that wait too long, or leave for good, say so with small messages, because
 * a collective operation cannot tell who is missing from it. Each note carries the number of
 * guarded waits its sender had begun: who has not begun this one and is gone will never come.
 */
#include "comm.h"

#include <stdlib.h>
#include <string.h>

enum { NOTE_TAG = 32001, NOTE_TEXT = 512 };

/* An operation may complete on some ranks, who go on to the next wait, and not on others, because a
 * rank stopped in the middle of it. So ranks that wait for the same one can be so many waits apart.
 */
enum { APART = 2 };

struct note {
    uint64_t waits;
    int32_t kind;
    int32_t code;
    int32_t mpi_error;
    int32_t sys_error;
    char text[NOTE_TEXT];
};

/* One note on its way to all other ranks. */
struct batch {
    struct batch *next;
    struct note note;
    MPI_Request requests[];
};

struct roll {
    struct batch *batches;
    long sent;           /* notes this rank has told to all others */
    long received;       /* notes that came */
    uint64_t told;       /* the last wait this rank told of */
    struct note verdict; /* the first that came; of kind NONE: none yet */
    struct note seats[]; /* the latest note of each rank */
};

static struct roll *roll_of(collio_comm *comm)
{
    if (comm->roll == NULL)
        comm->roll = calloc(1, sizeof *comm->roll + (size_t)comm->size * sizeof(struct note));
    return comm->roll;
}

static void fill(struct note *note, const collio_comm *comm, enum note_kind kind,
                 const collio_error *why)
{
    note->waits = comm->waits;
    note->kind = kind;
    if (why == NULL)
        return;
    note->code = why->code;
    note->mpi_error = why->mpi_error;
    note->sys_error = why->sys_error;
    collio_copy_text(note->text, sizeof note->text, why->text);
}

void collio_roll_tell(collio_comm *comm, enum note_kind kind, const collio_error *why)
{
    struct roll *roll = roll_of(comm);
    struct batch *batch;

    /* Without memory for a note the others wait out their deadline: nothing worse. */
    batch = calloc(1, sizeof *batch + (size_t)comm->size * sizeof(MPI_Request));
    if (roll == NULL || batch == NULL) {
        free(batch);
        return;
    }
    fill(&batch->note, comm, kind, why);
    for (int rank = 0; rank < comm->size; rank++) {
        batch->requests[rank] = MPI_REQUEST_NULL;
        if (rank != comm->rank)
            MPI_Isend(&batch->note, sizeof batch->note, MPI_BYTE, rank, NOTE_TAG, comm->mpi,
                      &batch->requests[rank]);
    }
    batch->next = roll->batches;
    roll->batches = batch;
    roll->sent++;
    roll->told = comm->waits;
}

void collio_roll_read(collio_comm *comm)
{
    MPI_Status status;
    struct note note;
    struct roll *roll;
    int there = 0;

    while (MPI_Iprobe(MPI_ANY_SOURCE, NOTE_TAG, comm->mpi, &there, &status) == MPI_SUCCESS &&
           there && (roll = roll_of(comm)) != NULL) {
        if (MPI_Recv(&note, sizeof note, MPI_BYTE, status.MPI_SOURCE, NOTE_TAG, comm->mpi,
                     MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return;
        roll->received++;
        if (note.kind == NOTE_VERDICT) {
            if (roll->verdict.kind == NOTE_NONE)
                roll->verdict = note;
            continue;
        }
        /* LEFT is the last word of a rank. */
        if (roll->seats[status.MPI_SOURCE].kind != NOTE_LEFT)
            roll->seats[status.MPI_SOURCE] = note;
    }
}

int collio_roll_gone(const collio_comm *comm)
{
    for (int rank = 0; comm->roll != NULL && rank < comm->size; rank++) {
        const struct note *seat = &comm->roll->seats[rank];
        if (seat->kind == NOTE_LEFT && seat->waits < comm->waits)
            return rank;
        if (seat->kind == NOTE_GAVE_UP)
            return rank;
    }
    return -1;
}

enum note_kind collio_roll_kind(const collio_comm *comm, int rank)
{
    return comm->roll != NULL ? (enum note_kind)comm->roll->seats[rank].kind : NOTE_NONE;
}

void collio_roll_why(const collio_comm *comm, int rank, collio_error *err)
{
    const struct note *seat = &comm->roll->seats[rank];

    if (err->code != COLLIO_OK)
        return;
    collio_error_set(err, seat->code, "%s", seat->text);
    err->rank = rank;
    err->mpi_error = seat->mpi_error;
    err->sys_error = seat->sys_error;
}

int collio_roll_verdict(const collio_comm *comm, collio_error *err)
{
    if (comm->roll == NULL || comm->roll->verdict.kind == NOTE_NONE)
        return 0;
    collio_error_set(err, comm->roll->verdict.code, "%s", comm->roll->verdict.text);
    return 1;
}

uint64_t collio_roll_waits(const collio_comm *comm, int rank)
{
    return comm->roll != NULL ? comm->roll->seats[rank].waits : 0;
}

int collio_roll_present(const collio_comm *comm, int rank)
{
    const struct note *seat = comm->roll != NULL ? &comm->roll->seats[rank] : NULL;

    if (rank == comm->rank)
        return 1;
    if (seat == NULL || seat->kind == NOTE_NONE)
        return 0;
    return seat->waits >= comm->waits ||
           (seat->kind == NOTE_GAVE_UP && seat->waits + APART >= comm->waits);
}

int collio_roll_asked(const collio_comm *comm)
{
    if (comm->roll == NULL || comm->roll->told == comm->waits)
        return 0;
    for (int rank = 0; rank < comm->size; rank++)
        if (comm->roll->seats[rank].kind == NOTE_WAITING &&
            comm->roll->seats[rank].waits == comm->waits)
            return 1;
    return 0;
}

int collio_roll_drain(collio_comm *comm, collio_error *err)
{
    /* Every note goes to all others, so each rank gets all but its own. */
    long mine = comm->roll != NULL ? comm->roll->sent : 0, all = 0;
    double until;

    if (collio_allreduce(comm, &mine, &all, 1, MPI_LONG, sizeof mine, MPI_SUM,
                         "closing a collio object", err))
        return err->code;
    if (all == 0)
        return COLLIO_OK;
    if (roll_of(comm) == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the notes of other ranks");
    until = collio_now() + collio_get_patience();
    while (comm->roll->received < all - mine) {
        if (collio_now() > until)
            return collio_error_set(err, COLLIO_ERR_MPI, "a note of another rank was lost");
        collio_roll_read(comm);
    }
    for (struct batch *batch = comm->roll->batches; batch != NULL; batch = batch->next)
        for (int rank = 0; rank < comm->size; rank++)
            MPI_Wait(&batch->requests[rank], MPI_STATUS_IGNORE);
    return COLLIO_OK;
}

void collio_roll_free(struct roll *roll)
{
    while (roll != NULL && roll->batches != NULL) {
        struct batch *batch = roll->batches;
        roll->batches = batch->next;
        free(batch);
    }
    free(roll);
}
