/* Communicators of collio's own: duplicate, free, leave, adopt. */
#include "comm.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The hidden duplicate of a user's communicator hangs there as an attribute: on it the opening of
 * further duplicates is agreed, so that a rank which does not come can be named. */
static int root_key = MPI_KEYVAL_INVALID;
static int finalizing;
static collio_comm *left_behind;

/* Release what a communicator holds. Its MPI handle is freed by the caller. */
static void dispose(collio_comm *comm)
{
    collio_roll_free(comm->roll);
    collio_shared_free(&comm->board.memory);
    free(comm);
}

/* A poisoned communicator stays, reachable: operations given up may still write into it. */
static void leave_behind(collio_comm *comm)
{
    comm->next = left_behind;
    left_behind = comm;
}

static int delete_root(MPI_Comm user, int key, void *value, void *extra)
{
    collio_comm *root = value;

    (void)user, (void)key, (void)extra;
    if (root->poison.code != COLLIO_OK) {
        leave_behind(root);
        return MPI_SUCCESS;
    }
    /* MPI_Finalize frees what is left by itself; a call of ours would come too late. */
    if (!finalizing)
        MPI_Comm_free(&root->mpi);
    dispose(root);
    return MPI_SUCCESS;
}

/* MPI_Finalize deletes the attributes of MPI_COMM_SELF before all else (MPI 3.1, 8.7.1). */
static int note_finalize(MPI_Comm self, int key, void *value, void *extra)
{
    (void)self, (void)key, (void)value, (void)extra;
    finalizing = 1;
    return MPI_SUCCESS;
}

static int make_keys(collio_error *err)
{
    int self_key = MPI_KEYVAL_INVALID;

    if (root_key != MPI_KEYVAL_INVALID)
        return COLLIO_OK;
    if (collio_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, note_finalize, &self_key, NULL),
                   "MPI_Comm_create_keyval", err) ||
        collio_mpi(MPI_Comm_set_attr(MPI_COMM_SELF, self_key, NULL), "MPI_Comm_set_attr", err))
        return err->code;
    return collio_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, delete_root, &root_key, NULL),
                      "MPI_Comm_create_keyval", err);
}

/* What can be looked at without MPI's judgement. */
static int check_handle(MPI_Comm user, collio_error *err)
{
    int initialized = 0;

    MPI_Initialized(&initialized);
    if (!initialized)
        return collio_error_set(err, COLLIO_ERR_STATE, "MPI is not initialised");
    if (user == MPI_COMM_NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "the communicator is MPI_COMM_NULL");
    return COLLIO_OK;
}

static int check_kind(MPI_Comm user, collio_error *err)
{
    int inter = 0;

    if (collio_mpi(MPI_Comm_test_inter(user, &inter), "MPI_Comm_test_inter", err))
        return err->code;
    if (inter)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "an intercommunicator was given: an intracommunicator is needed");
    return COLLIO_OK;
}

static int start_duplicate(MPI_Comm from, collio_comm *comm, MPI_Request *request,
                           collio_error *err)
{
    MPI_Errhandler handler;
    int result;

    if (collio_fault_before("MPI_Comm_idup", err))
        return err->code;
    /* The user's communicator may be set to abort on errors; collio returns them. */
    MPI_Comm_get_errhandler(from, &handler);
    MPI_Comm_set_errhandler(from, MPI_ERRORS_RETURN);
    result = MPI_Comm_idup(from, &comm->mpi, request);
    MPI_Comm_set_errhandler(from, handler);
    if (handler != MPI_ERRHANDLER_NULL)
        MPI_Errhandler_free(&handler);
    return collio_mpi_made(result, "MPI_Comm_idup", err);
}

static int adorn(collio_comm *comm, collio_error *err)
{
    collio_error_clear(&comm->poison);
    comm->round.receiving = comm->round.sending = MPI_REQUEST_NULL;
    if (collio_mpi(MPI_Comm_set_errhandler(comm->mpi, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler",
                   err) ||
        collio_mpi(MPI_Comm_rank(comm->mpi, &comm->rank), "MPI_Comm_rank", err))
        return err->code;
    return collio_mpi(MPI_Comm_size(comm->mpi, &comm->size), "MPI_Comm_size", err);
}

/* Wait without a roll call, for the one operation that has no communicator for it yet. */
static int wait_alone(MPI_Request *request, collio_error *err)
{
    double start = collio_now();
    int done = 0, result;

    for (;;) {
        result = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (result != MPI_SUCCESS)
            return collio_mpi(result, "MPI_Test", err);
        if (done)
            return COLLIO_OK;
        if (collio_get_timeout() > 0.0 && collio_now() - start > collio_get_timeout())
            return collio_error_set(err, COLLIO_ERR_TIMEOUT,
                                    "a rank of the communicator did not come to open a collio "
                                    "object within %g s",
                                    collio_get_timeout());
        sched_yield();
    }
}

static int make_root(MPI_Comm user, collio_comm **out, collio_error *err)
{
    collio_comm *root = calloc(1, sizeof *root);
    MPI_Request request = MPI_REQUEST_NULL;

    if (root == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a communicator");
    if (start_duplicate(user, root, &request, err)) {
        free(root);
        return err->code;
    }
    if (wait_alone(&request, err)) {
        leave_behind(root);
        return err->code;
    }
    if (adorn(root, err) ||
        collio_mpi(MPI_Comm_set_attr(user, root_key, root), "MPI_Comm_set_attr", err)) {
        leave_behind(root);
        return err->code;
    }
    *out = root;
    return COLLIO_OK;
}

/* The hidden duplicate, made if need be. *out may be set although this rank has failed: then it
 * brings its error to the others. */
static int find_root(MPI_Comm user, collio_comm **out, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;
    int found = 0;

    if (check_handle(user, &local) == COLLIO_OK && make_keys(&local) == COLLIO_OK)
        collio_mpi(MPI_Comm_get_attr(user, root_key, out, &found), "MPI_Comm_get_attr", &local);
    if (!found && local.code == COLLIO_OK && check_kind(user, &local) == COLLIO_OK)
        make_root(user, out, &local);
    if (local.code != COLLIO_OK)
        collio_error_set(err, local.code, "%s", local.text);
    if (!found && local.code != COLLIO_OK)
        *out = NULL;
    return local.code;
}

int collio_comm_prepare(MPI_Comm user, collio_error *err)
{
    collio_comm *root = NULL;

    if (err->agreed || (find_root(user, &root, err) != COLLIO_OK && root == NULL))
        return err->code;
    return collio_agree_step(root, "preparing a communicator", err);
}

int collio_comm_create(MPI_Comm user, collio_comm **out, collio_error *err)
{
    collio_ticket ticket = {.operation = "opening a collio object"};
    collio_comm *root = NULL, *comm = NULL;
    MPI_Request request = MPI_REQUEST_NULL;

    *out = NULL;
    if (err->agreed || (find_root(user, &root, err) != COLLIO_OK && root == NULL))
        return err->code;
    comm = calloc(1, sizeof *comm);
    if (comm == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a communicator");
    if (collio_agree(root, &ticket, err))
        goto done;
    if (start_duplicate(root->mpi, comm, &request, err)) {
        collio_comm_fail(root, err);
        goto done;
    }
    if (collio_wait(root, &request, ticket.operation, err)) {
        leave_behind(comm);
        return err->code;
    }
    adorn(comm, err);
    if (collio_agree(root, &ticket, err) || collio_board_have(comm, err)) {
        leave_behind(comm);
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
        leave_behind(comm);
        if (err->code == COLLIO_OK)
            *err = local;
        return err->code;
    }
    dispose(comm);
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
