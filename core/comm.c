/* Communicators of collio's own: duplicate, free, leave, adopt. */
#include "comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static collio_comm *left_behind;

void collio_comm_dispose(collio_comm *comm)
{
    collio_roll_free(comm->roll);
    collio_shared_free(&comm->board.memory);
    free(comm);
}

/* Reachable, so that nobody takes it for lost. */
void collio_comm_keep(collio_comm *comm)
{
    comm->next = left_behind;
    left_behind = comm;
}

int collio_comm_duplicate(MPI_Comm from, collio_comm *comm, MPI_Request *request, collio_error *err)
{
    if (collio_fault_before("MPI_Comm_idup", err))
        return err->code;
    return collio_mpi_made(MPI_Comm_idup(from, &comm->mpi, request), "MPI_Comm_idup", err);
}

int collio_comm_adorn(collio_comm *comm, collio_error *err)
{
    collio_error_clear(&comm->poison);
    comm->round.receiving = comm->round.sending = MPI_REQUEST_NULL;
    if (collio_mpi(MPI_Comm_set_errhandler(comm->mpi, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler",
                   err) ||
        collio_mpi(MPI_Comm_rank(comm->mpi, &comm->rank), "MPI_Comm_rank", err))
        return err->code;
    return collio_mpi(MPI_Comm_size(comm->mpi, &comm->size), "MPI_Comm_size", err);
}

int collio_comm_prepare(MPI_Comm user, collio_error *err)
{
    collio_comm *root = NULL;

    if (err->agreed || (collio_root_find(user, &root, err) != COLLIO_OK && root == NULL))
        return err->code;
    return collio_agree_step(root, "preparing a communicator", err);
}

int collio_comm_create(MPI_Comm user, collio_comm **out, collio_error *err)
{
    collio_ticket ticket = {.operation = "opening a collio object"};
    collio_comm *root = NULL, *comm = NULL;
    MPI_Request request = MPI_REQUEST_NULL;

    *out = NULL;
    if (err->agreed || (collio_root_find(user, &root, err) != COLLIO_OK && root == NULL))
        return err->code;
    comm = calloc(1, sizeof *comm);
    if (comm == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a communicator");
    if (collio_agree(root, &ticket, err))
        goto done;
    if (collio_comm_duplicate(root->mpi, comm, &request, err)) {
        collio_comm_fail(root, err);
        goto done;
    }
    if (collio_wait(root, &request, ticket.operation, err)) {
        collio_comm_keep(comm);
        return err->code;
    }
    collio_comm_adorn(comm, err);
    if (collio_agree(root, &ticket, err) || collio_board_have(comm, err)) {
        collio_comm_keep(comm);
        return err->code;
    }
    *out = comm;
    comm = NULL;
done:
    free(comm);
    return err->code;
}

int collio_comm_free(collio_comm **handle, collio_error *err)
{
    collio_ticket ticket = {.operation = "closing a collio object"};
    collio_error local = COLLIO_ERROR_INIT;
    collio_comm *comm = *handle;

    *handle = NULL;
    if (comm == NULL)
        return err->code;
    if (collio_agree(comm, &ticket, &local) ||
        (comm->size > 1 && collio_roll_drain(comm, &local)) ||
        collio_mpi_made(MPI_Comm_free(&comm->mpi), "MPI_Comm_free", &local)) {
        collio_comm_keep(comm);
        if (err->code == COLLIO_OK)
            *err = local;
        return err->code;
    }
    collio_comm_dispose(comm);
    return err->code;
}

int collio_comm_rank(const collio_comm *comm)
{
    return comm->rank;
}

int collio_comm_size(const collio_comm *comm)
{
    return comm->size;
}

MPI_Comm collio_comm_handle(const collio_comm *comm)
{
    return comm->mpi;
}

int collio_comm_is_poisoned(const collio_comm *comm)
{
    return comm->poison.code != COLLIO_OK;
}

int collio_comm_poison(collio_comm *comm, collio_error *err)
{
    err->agreed = 1;
    if (comm->poison.code == COLLIO_OK)
        comm->poison = *err;
    collio_reduce_abandon(comm);
    return err->code;
}

int collio_comm_fail(collio_comm *comm, collio_error *err)
{
    collio_error told = *err;

    snprintf(err->text, sizeof err->text, "rank %d: %.2000s", comm->rank, told.text);
    err->rank = comm->rank;
    if (comm->size > 1)
        collio_roll_tell(comm, NOTE_LEFT, err);
    return collio_comm_poison(comm, err);
}

void collio_comm_leave(collio_comm *comm, const char *reason)
{
    collio_error why = COLLIO_ERROR_INIT;

    if (collio_comm_is_poisoned(comm))
        return;
    collio_error_set(&why, COLLIO_ERR_DIVERGED, "left: %s", reason);
    collio_comm_fail(comm, &why);
}

int collio_comm_adopt(const void *handle, size_t size, const char *library, MPI_Comm *out,
                      collio_error *err)
{
    char mine[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;

    MPI_Get_library_version(mine, &length);
    if (size != sizeof(MPI_Comm) || strcmp(mine, library) != 0)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "the communicator belongs to another MPI library: %.60s; collio "
                                "uses %.60s",
                                library, mine);
    memcpy(out, handle, sizeof *out);
    return COLLIO_OK;
}
