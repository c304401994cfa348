/*
 * The hidden duplicate of a user's communicator. It hangs there as an attribute: on it the opening
 * of further duplicates is agreed, so that a rank which does not come can be named.
 *
 * Before it is begun all ranks meet on the user's communicator: an MPI_Comm_idup that not all join
 * keeps MPI from making other communicators, and what comes after it goes astray.
 */
#include "comm.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static int root_key = MPI_KEYVAL_INVALID;
static int finalizing;

static int delete_root(MPI_Comm user, int key, void *value, void *extra)
{
    collio_comm *root = value;

    (void)user, (void)key, (void)extra;
    if (root->poison.code != COLLIO_OK) {
        collio_comm_keep(root);
        return MPI_SUCCESS;
    }
    /* MPI_Finalize frees what is left by itself; a call of ours would come too late. */
    if (!finalizing)
        MPI_Comm_free(&root->mpi);
    collio_comm_dispose(root);
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

/* Wait without a roll call: there is no communicator for it yet. */
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

/* Tell all what the rank `erring` has met. `room` as below. */
static int share_error(MPI_Comm user, collio_comm *room, int erring, collio_error *err)
{
    collio_error *sent = &room->poison;
    MPI_Request request;

    *sent = *err;
    snprintf(sent->text, sizeof sent->text, "rank %d: %.2000s", erring, err->text);
    if (collio_mpi_made(MPI_Ibcast(sent, (int)sizeof *sent, MPI_BYTE, erring, user, &request),
                        "MPI_Ibcast", err) == COLLIO_OK)
        wait_alone(&request, err);
    sent->file = err->file; /* pointers do not travel */
    sent->line = err->line;
    sent->rank = erring;
    sent->agreed = 1;
    *err = *sent;
    return err->code;
}

/* All come, and learn whether one has failed: `err`, in or out. What is on its way is in `room`. */
static int meet(MPI_Comm user, collio_comm *room, collio_error *err)
{
    int rank = 0, size = 0;
    int *mine = (int *)room->words, *least = mine + 1;
    MPI_Request request;
    collio_error local = COLLIO_ERROR_INIT;

    MPI_Comm_rank(user, &rank);
    MPI_Comm_size(user, &size);
    *mine = err->code == COLLIO_OK ? size : rank;
    if (collio_fault_before("MPI_Iallreduce", &local) == COLLIO_OK &&
        collio_mpi_made(MPI_Iallreduce(mine, least, 1, MPI_INT, MPI_MIN, user, &request),
                        "MPI_Iallreduce", &local) == COLLIO_OK)
        wait_alone(&request, &local);
    if (local.code != COLLIO_OK) {
        *err = local;
        return err->code;
    }
    return *least < size ? share_error(user, room, *least, err) : COLLIO_OK;
}

/* After an error of this rank's it comes to the meeting all the same. */
static int make_root(MPI_Comm user, collio_comm **out, collio_error *err)
{
    static collio_comm poor; /* without memory */
    collio_comm *root = calloc(1, sizeof *root);
    MPI_Request request = MPI_REQUEST_NULL;

    if (root == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a communicator");
    if (meet(user, root != NULL ? root : &poor, err) ||
        collio_comm_duplicate(user, root, &request, err) || wait_alone(&request, err) ||
        collio_comm_adorn(root, err) ||
        collio_mpi(MPI_Comm_set_attr(user, root_key, root), "MPI_Comm_set_attr", err)) {
        if (root != NULL)
            collio_comm_keep(root);
        return err->code;
    }
    *out = root;
    return COLLIO_OK;
}

/* The user's communicator may be set to abort on errors; collio returns them. */
static int make_root_quietly(MPI_Comm user, collio_comm **out, collio_error *err)
{
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;

    MPI_Comm_get_errhandler(user, &handler);
    MPI_Comm_set_errhandler(user, MPI_ERRORS_RETURN);
    make_root(user, out, err);
    MPI_Comm_set_errhandler(user, handler);
    if (handler != MPI_ERRHANDLER_NULL)
        MPI_Errhandler_free(&handler);
    return err->code;
}

int collio_root_find(MPI_Comm user, collio_comm **out, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;
    int found = 0;

    if (check_handle(user, &local) == COLLIO_OK) {
        if (make_keys(&local) == COLLIO_OK)
            collio_mpi(MPI_Comm_get_attr(user, root_key, out, &found), "MPI_Comm_get_attr", &local);
        if (!found && check_kind(user, &local) != COLLIO_ERR_VALUE)
            make_root_quietly(user, out, &local);
    }
    if (!found && local.code != COLLIO_OK)
        *out = NULL;
    if (local.agreed || (local.code != COLLIO_OK && err->code == COLLIO_OK)) {
        collio_error_at(&local, err->file, err->line);
        *err = local;
    }
    return local.code;
}
