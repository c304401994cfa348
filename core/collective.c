/*
 * Small collective operations on a communicator of collio's own, guarded like agreements. MPI
 * works on a copy: an operation given up stays pending, and its buffers must outlive the call.
 */
#include "comm.h"

#include <stdlib.h>
#include <string.h>

/* The copy, of `mine` bytes to send and `all` bytes to receive. */
static char *stage(collio_comm *comm, const void *send, size_t mine, size_t all, collio_error *err)
{
    char *copy = malloc(mine + all + 1);

    if (copy == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %zu bytes to exchange", mine + all);
        collio_comm_fail(comm, err);
        return NULL;
    }
    if (send != NULL)
        memcpy(copy, send, mine);
    return copy;
}

/* Wait for what was started on `copy`; then take the bytes received and release the copy. */
static int finish(collio_comm *comm, MPI_Request *request, const char *what, char *copy,
                  const char *received, void *into, size_t size, collio_error *err)
{
    if (err->code != COLLIO_OK) {
        free(copy);
        return collio_comm_fail(comm, err);
    }
    if (collio_wait(comm, request, what, err))
        return err->code;
    memcpy(into, received, size);
    free(copy);
    return COLLIO_OK;
}

int collio_allreduce(collio_comm *comm, const void *mine, void *all, int count, MPI_Datatype type,
                     size_t type_size, MPI_Op op, const char *what, collio_error *err)
{
    size_t size = (size_t)count * type_size;
    MPI_Request request = MPI_REQUEST_NULL;
    char *copy = stage(comm, mine, size, size, err);

    if (copy == NULL)
        return err->code;
    if (collio_fault_before("MPI_Iallreduce", err) == COLLIO_OK)
        collio_mpi_made(MPI_Iallreduce(copy, copy + size, count, type, op, comm->mpi, &request),
                        "MPI_Iallreduce", err);
    return finish(comm, &request, what, copy, copy + size, all, size, err);
}

int collio_allgather(collio_comm *comm, const void *mine, void *all, size_t size, const char *what,
                     collio_error *err)
{
    MPI_Request request = MPI_REQUEST_NULL;
    size_t total = size * (size_t)comm->size;
    char *copy = stage(comm, mine, size, total, err);

    if (copy == NULL)
        return err->code;
    if (collio_fault_before("MPI_Iallgather", err) == COLLIO_OK)
        collio_mpi_made(MPI_Iallgather(copy, (int)size, MPI_BYTE, copy + size, (int)size, MPI_BYTE,
                                       comm->mpi, &request),
                        "MPI_Iallgather", err);
    return finish(comm, &request, what, copy, copy + size, all, total, err);
}

int collio_bcast(collio_comm *comm, void *bytes, size_t size, int root, const char *what,
                 collio_error *err)
{
    MPI_Request request = MPI_REQUEST_NULL;
    char *copy = stage(comm, bytes, size, 0, err);

    if (copy == NULL)
        return err->code;
    if (collio_fault_before("MPI_Ibcast", err) == COLLIO_OK)
        collio_mpi_made(MPI_Ibcast(copy, (int)size, MPI_BYTE, root, comm->mpi, &request),
                        "MPI_Ibcast", err);
    return finish(comm, &request, what, copy, copy, bytes, size, err);
}
