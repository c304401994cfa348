/*
 * What stands behind an MPI.File: a collio view of the same file, opened beside MPI's handle. All
 * that ranks do together goes through it, so that they agree before a call and on how it went; and
 * it moves the data, where they are in this machine's own representation: MPI-IO may hang, or
 * report success, when one rank's write fails (see io/view.h).
 *
 * MPI's handle knows nothing of the pointers and views of such a file. Files of other
 * representations, of MPI.MODE_SEQUENTIAL, and those whose handle came from elsewhere are moved by
 * MPI-IO, agreed before each collective call (the last not at all).
 */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* All open ones; walked with the GIL held. */
static file_guard *guards;

file_guard *guard_of(MPI_File file)
{
    file_guard *g = guards;

    while (g != NULL && g->file != file)
        g = g->next;
    return g;
}

/* ------------------------------------------------------------------ errors */

/* X(errno or code of an error, class of MPI's) */
#define SYSTEM_ERRORS                                                                              \
    X(ENOENT, MPI_ERR_NO_SUCH_FILE)                                                                \
    X(EEXIST, MPI_ERR_FILE_EXISTS)                                                                 \
    X(EACCES, MPI_ERR_ACCESS)                                                                      \
    X(EPERM, MPI_ERR_ACCESS)                                                                       \
    X(EROFS, MPI_ERR_READ_ONLY)                                                                    \
    X(EISDIR, MPI_ERR_BAD_FILE)                                                                    \
    X(ENOTDIR, MPI_ERR_BAD_FILE)                                                                   \
    X(ENAMETOOLONG, MPI_ERR_BAD_FILE)                                                              \
    X(ELOOP, MPI_ERR_BAD_FILE)                                                                     \
    X(ENOSPC, MPI_ERR_NO_SPACE)                                                                    \
    X(EDQUOT, MPI_ERR_QUOTA)                                                                       \
    X(ETXTBSY, MPI_ERR_FILE_IN_USE)
#define OTHER_ERRORS                                                                               \
    X(COLLIO_ERR_VALUE, MPI_ERR_ARG)                                                               \
    X(COLLIO_ERR_INDEX, MPI_ERR_ARG)                                                               \
    X(COLLIO_ERR_TYPE, MPI_ERR_TYPE)                                                               \
    X(COLLIO_ERR_STATE, MPI_ERR_FILE)                                                              \
    X(COLLIO_ERR_UNSUPPORTED, MPI_ERR_UNSUPPORTED_OPERATION)                                       \
    X(COLLIO_ERR_DIVERGED, MPI_ERR_NOT_SAME)

#define X(from, class)                                                                             \
    case from:                                                                                     \
        return class;

/* A class that was chosen where the error was made comes with it. */
int guard_class(const collio_error *err)
{
    if (err->code == COLLIO_ERR_MPI || (err->code == COLLIO_ERR_VALUE && err->mpi_error != 0))
        return err->mpi_error;
    if (err->code == COLLIO_ERR_OS) {
        switch (err->sys_error) {
            SYSTEM_ERRORS
        default:
            return MPI_ERR_IO;
        }
    }
    switch (err->code) {
        OTHER_ERRORS
    default:
        return MPI_SUCCESS;
    }
}
#undef X

int guard_error(collio_error *err, int class, const char *text)
{
    if (err->code == COLLIO_OK) {
        collio_error_set(err, COLLIO_ERR_VALUE, "%s", text);
        err->mpi_error = class;
    }
    return err->code;
}

/* Errors of MPI's own calls its error handler has heard of, others not. */
static void tell_handler(MPI_File file, collio_error *err)
{
    int class = guard_class(err);

    if (err->code == COLLIO_ERR_MPI || class == MPI_SUCCESS)
        return;
    err->code = COLLIO_ERR_MPI;
    err->mpi_error = class;
    MPI_File_call_errhandler(file, class);
}

int guard_failed(MPI_File file, joint *j)
{
    if (j->own == NULL && j->err.code != COLLIO_OK)
        tell_handler(file, &j->err);
    if (callbacks_pending)
        errors_handle();
    if (j->own == NULL && j->err.code == COLLIO_OK)
        return callbacks_pending ? callback_raise() : 0;
    return joint_end(j);
}

/* --------------------------------------------------------------------- open */

static void check_amode(int amode, collio_error *err)
{
    int ways =
        !!(amode & MPI_MODE_RDONLY) + !!(amode & MPI_MODE_WRONLY) + !!(amode & MPI_MODE_RDWR);

    if (ways != 1)
        guard_error(err, MPI_ERR_AMODE,
                    "amode: exactly one of MODE_RDONLY, MODE_WRONLY and MODE_RDWR must be given");
    else if ((amode & MPI_MODE_RDONLY) && (amode & (MPI_MODE_CREATE | MPI_MODE_EXCL)))
        guard_error(err, MPI_ERR_AMODE,
                    "amode: MODE_CREATE and MODE_EXCL do not go with MODE_RDONLY");
    else if ((amode & MPI_MODE_RDWR) && (amode & MPI_MODE_SEQUENTIAL))
        guard_error(err, MPI_ERR_AMODE, "amode: MODE_SEQUENTIAL does not go with MODE_RDWR");
}

static int flags_of(int amode)
{
    int flags = amode & MPI_MODE_RDWR ? O_RDWR : amode & MPI_MODE_WRONLY ? O_WRONLY : O_RDONLY;

    if (amode & MPI_MODE_CREATE)
        flags |= O_CREAT | (amode & MPI_MODE_EXCL ? O_EXCL : 0);
    return flags;
}

/* A name may begin with the kind of its file system, for MPI-IO. */
static const char *plain_path(const char *path)
{
    static const char *const kinds[] = {
        "ufs:", "nfs:", "xfs:", "pvfs2:", "gpfs:", "panfs:", "lustre:", "testfs:"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(path, kinds[i], strlen(kinds[i])) == 0)
            return path + strlen(kinds[i]);
    return path;
}

/* MPI's own handle, once all ranks have the file; then nothing is left that one rank might lack. */
static int open_handle(file_guard *g, MPI_Comm comm, const char *path, MPI_Info info,
                       collio_error *err)
{
    collio_mpi(MPI_File_open(comm, path, g->amode & ~MPI_MODE_EXCL, info, &g->file),
               "MPI_File_open", err);
    if (collio_view_agree_step(g->view, "Open", err) || !(g->amode & MPI_MODE_APPEND))
        return err->code;
    collio_view_seek(g->view, 0, MPI_SEEK_END, err);
    return collio_view_seek_shared(g->view, 0, MPI_SEEK_END, err);
}

static void discard(file_guard *g)
{
    if (g == NULL)
        return;
    collio_view_abandon(&g->view, "the file was not opened");
    pthread_mutex_destroy(&g->lock);
    free(g);
}

file_guard *guard_open(MPI_Comm comm, const char *path, int amode, MPI_Info info, collio_error *err)
{
    file_guard *g = calloc(1, sizeof *g), spare = {.amode = amode};
    collio_view *view = NULL;
    char name[32];

    if (g == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a file");
    check_amode(amode, err);
    snprintf(name, sizeof name, "amode %d", amode);
    collio_view_open_flags(comm, plain_path(path), name, flags_of(amode), info, &view, err);
    if (err->code != COLLIO_OK || g == NULL) {
        free(g);
        return NULL;
    }
    *g = spare;
    g->view = view;
    g->file = MPI_FILE_NULL;
    g->etype = g->filetype = MPI_DATATYPE_NULL;
    g->direct = !(amode & MPI_MODE_SEQUENTIAL);
    pthread_mutex_init(&g->lock, NULL);
    if (open_handle(g, comm, path, info, err)) {
        discard(g);
        return NULL;
    }
    return g;
}

void guard_add(file_guard *g)
{
    g->next = guards;
    guards = g;
}

/* -------------------------------------------------------------------- close */

void guard_remove(file_guard *g)
{
    file_guard **at = &guards;

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
}

int guard_close(file_guard **guard, collio_error *err)
{
    file_guard *g = *guard;
    int lost = collio_view_comm(g->view) == NULL;

    collio_view_close(&g->view, err);
    if (g->view != NULL)
        return err->code;
    *guard = NULL;
    /* MPI would wait for ranks that do not come. */
    if (!lost && err->code != COLLIO_ERR_TIMEOUT)
        collio_mpi(MPI_File_close(&g->file), "MPI_File_close", err);
    guard_forget(g);
    pthread_mutex_destroy(&g->lock);
    free(g);
    return err->code;
}

/* ------------------------------------------------------------------- taking part */

PyThreadState *guard_enter(file_guard *g)
{
    PyThreadState *saved = gil_release();

    if (g != NULL)
        pthread_mutex_lock(&g->lock);
    return saved;
}

void guard_leave(file_guard *g, PyThreadState *saved)
{
    if (g != NULL)
        pthread_mutex_unlock(&g->lock);
    gil_acquire(saved);
}

int guard_agree(file_guard *g, const char *call, const char *text, collio_error *err)
{
    collio_ticket ticket = {.operation = call,
                            .digest = collio_hash_text(0, text),
                            .describe = collio_describe_text,
                            .context = text};

    return g != NULL ? collio_view_agree(g->view, &ticket, err) : err->code;
}
