/* Open and delete raw files; hints. */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct meaning {
    const char *name;
    int flags;
    int truncate;
} meaning;

static const meaning modes[] = {
    {"r", O_RDONLY, 0},
    {"r+", O_RDWR, 0},
    {"w", O_RDWR | O_CREAT, 1},
    {"w-", O_RDWR | O_CREAT | O_EXCL, 0},
    {"x", O_RDWR | O_CREAT | O_EXCL, 0},
    {"a", O_RDWR | O_CREAT, 0},
};

/* One opening under way. */
typedef struct opening {
    collio_view *view;
    const char *path, *mode;
    meaning meaning; /* of the mode; its name NULL: unknown */
    int created;     /* by this rank */
} opening;

/* ----------------------------------------------------------------- hints */

static int hint_is(MPI_Info info, const char *key, const char *wanted)
{
    char value[MPI_MAX_INFO_VAL + 1] = "";
    int found = 0;

    if (info != MPI_INFO_NULL)
        MPI_Info_get(info, key, MPI_MAX_INFO_VAL, value, &found);
    return found && (wanted == NULL || strcmp(value, wanted) == 0);
}

collio_exchange collio_view_read_exchange(MPI_Info info, collio_error *err)
{
    if (hint_is(info, "collio_exchange", NULL)) {
        if (hint_is(info, "collio_exchange", "always"))
            return COLLIO_EXCHANGE_ALWAYS;
        if (hint_is(info, "collio_exchange", "never"))
            return COLLIO_EXCHANGE_NEVER;
        if (!hint_is(info, "collio_exchange", "auto"))
            collio_error_set(err, COLLIO_ERR_VALUE,
                             "hint collio_exchange is \"auto\", \"always\" or \"never\"");
        return COLLIO_EXCHANGE_AUTO;
    }
    if (hint_is(info, "romio_cb_write", "enable"))
        return COLLIO_EXCHANGE_ALWAYS;
    return hint_is(info, "romio_cb_write", "disable") ? COLLIO_EXCHANGE_NEVER
                                                      : COLLIO_EXCHANGE_AUTO;
}

collio_sieving collio_view_read_sieving(MPI_Info info)
{
    if (hint_is(info, "romio_ds_write", "enable"))
        return COLLIO_SIEVING_ALWAYS;
    return hint_is(info, "romio_ds_write", "disable") ? COLLIO_SIEVING_NEVER : COLLIO_SIEVING_AUTO;
}

/* Of a collio_exchange and of a collio_sieving. */
static const char *const wish_names[] = {"auto", "always", "never"};

int collio_view_info(collio_view *view, MPI_Info *out, collio_error *err)
{
    *out = MPI_INFO_NULL;
    if (collio_view_check(view, err) ||
        collio_mpi(view->info != MPI_INFO_NULL ? MPI_Info_dup(view->info, out)
                                               : MPI_Info_create(out),
                   "MPI_Info_dup", err) ||
        collio_mpi(MPI_Info_set(*out, "collio_exchange", wish_names[view->exchange]),
                   "MPI_Info_set", err)) {
        if (*out != MPI_INFO_NULL)
            MPI_Info_free(out);
    }
    return err->code;
}

static int wants_striping(MPI_Info info)
{
    return hint_is(info, "striping_factor", NULL) || hint_is(info, "striping_unit", NULL) ||
           hint_is(info, "start_iodevice", NULL);
}

/* ------------------------------------------------------------- arguments */

static void check_arguments(opening *o, MPI_Info info, collio_error *err)
{
    if (o->path == NULL || o->path[0] == '\0')
        collio_error_set(err, COLLIO_ERR_VALUE, "no path given");
    if (o->view == NULL)
        return;
    o->view->exchange = collio_view_read_exchange(info, err);
    o->view->wish = collio_view_read_sieving(info);
    if (info != MPI_INFO_NULL)
        collio_mpi(MPI_Info_dup(info, &o->view->info), "MPI_Info_dup", err);
    o->view->path = strdup(o->path != NULL ? o->path : "");
    if (o->view->path == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
}

static void describe(const void *context, char *text, size_t size)
{
    const opening *o = context;
    const char *path = o->path != NULL ? o->path : "", *mode = o->mode != NULL ? o->mode : "";

    if (o->view == NULL)
        snprintf(text, size, "('%s', '%s')", path, mode);
    else
        snprintf(text, size, "('%s', '%s', exchange %s, sieving writes %s)", path, mode,
                 wish_names[o->view->exchange], wish_names[o->view->wish]);
}

static int agree_to_open(opening *o, collio_error *err)
{
    uint64_t digest = collio_hash_text(0, o->path != NULL ? o->path : "");
    collio_ticket ticket = {.operation = "view_open", .describe = describe, .context = o};

    digest = collio_hash_text(digest, o->mode != NULL ? o->mode : "");
    digest = collio_hash_number(digest, (uint64_t)o->view->exchange);
    ticket.digest = collio_hash_number(digest, (uint64_t)o->view->wish);
    return collio_agree(o->view->comm, &ticket, err);
}

static collio_view *new_view(collio_error *err)
{
    collio_view *view = calloc(1, sizeof *view);

    if (view == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a view");
        return NULL;
    }
    view->fd = view->shared_fd = -1;
    view->info = MPI_INFO_NULL;
    view->etype = view->filetype = MPI_DATATYPE_NULL;
    pthread_mutex_init(&view->writer, NULL);
    return view;
}

void collio_view_free(collio_view *view)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    collio_view_drop_shared(view, 0);
    collio_posix_close(&view->fd, view->path, &ignored);
    if (view->info != MPI_INFO_NULL)
        MPI_Info_free(&view->info);
    if (view->etype != MPI_DATATYPE_NULL)
        MPI_Type_free(&view->etype);
    if (view->filetype != MPI_DATATYPE_NULL)
        MPI_Type_free(&view->filetype);
    collio_map_free(&view->map);
    pthread_mutex_destroy(&view->writer);
    free(view->shared_path);
    free(view->path);
    free(view);
}

/* --------------------------------------------------------- on the disk */

/* Stripes are set when a file is created, and MPI-IO knows how on each file system. Where it fails,
 * opening in the ordinary way says why. Returns whether the file was created. */
static int create_striped(const opening *o)
{
    MPI_File file = MPI_FILE_NULL;
    int result =
        MPI_File_open(MPI_COMM_SELF, o->path, MPI_MODE_CREATE | MPI_MODE_EXCL | MPI_MODE_WRONLY,
                      o->view->info, &file);

    return result == MPI_SUCCESS && MPI_File_close(&file) == MPI_SUCCESS;
}

/* A file for writing is opened for reading too where that is allowed: short runs are written by
 * reading what lies between. */
static int open_file(const char *path, int flags, int *fd, collio_error *err)
{
    collio_error first = COLLIO_ERROR_INIT;
    int both = (flags & ~O_ACCMODE) | O_RDWR;

    if ((flags & O_ACCMODE) != O_WRONLY)
        return collio_posix_open(path, flags, fd, err);
    if (collio_posix_open(path, both, fd, &first) == COLLIO_OK)
        return COLLIO_OK;
    if (first.sys_error == EACCES || first.sys_error == EPERM)
        return collio_posix_open(path, flags, fd, err);
    collio_error_set(err, first.code, "%s", first.text);
    err->sys_error = first.sys_error;
    return err->code;
}

/* Rank 0 finds or makes the file. Emptying it waits until all ranks have opened it. */
static int claim(opening *o, collio_error *err)
{
    int flags = o->meaning.flags, exists = 0;
    collio_error first = COLLIO_ERROR_INIT;

    if (!(flags & O_CREAT))
        return open_file(o->path, flags, &o->view->fd, err);
    if (wants_striping(o->view->info) && collio_posix_exists(o->path, &exists, err) == COLLIO_OK &&
        !exists && create_striped(o)) {
        o->created = 1;
        return open_file(o->path, O_RDWR, &o->view->fd, err);
    }
    if (err->code == COLLIO_OK &&
        open_file(o->path, flags | O_EXCL, &o->view->fd, &first) == COLLIO_OK) {
        o->created = 1;
        return COLLIO_OK;
    }
    if ((flags & O_EXCL) || first.sys_error != EEXIST) {
        collio_error_set(err, first.code, "%s", first.text);
        err->sys_error = first.sys_error;
        return err->code;
    }
    return open_file(o->path, flags & ~O_CREAT, &o->view->fd, err);
}

static int check_kind(const opening *o, collio_error *err)
{
    struct stat status = {0};

    if (collio_sys(fstat(o->view->fd, &status) != 0, "fstat", o->path, err))
        return err->code;
    errno = EISDIR;
    return collio_sys(S_ISDIR(status.st_mode), "open", o->path, err);
}

/* The hidden file's name has a number of this opening in it, from rank 0. */
static int name_shared(opening *o, collio_error *err)
{
    collio_view *view = o->view;
    const char *slash = strrchr(view->path, '/');
    int directory = slash != NULL ? (int)(slash + 1 - view->path) : 0;
    size_t size = strlen(view->path) + 40;
    struct timespec now = {0, 0};
    uint64_t number;

    clock_gettime(CLOCK_REALTIME, &now);
    number = collio_hash_number(collio_hash_number((uint64_t)getpid(), (uint64_t)now.tv_sec),
                                (uint64_t)now.tv_nsec);
    if (collio_bcast(view->comm, &number, sizeof number, 0, "view_open", err))
        return err->code;
    view->shared_path = malloc(size);
    if (view->shared_path == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    snprintf(view->shared_path, size, "%.*s.%s.pointer-%016llx", directory, view->path,
             view->path + directory, (unsigned long long)number);
    return COLLIO_OK;
}

/* Every step ends with an agreement, whatever happened before it. */
static int open_on_disk(opening *o, collio_error *err)
{
    collio_view *view = o->view;

    if (view->rank == 0 && claim(o, err) == COLLIO_OK)
        check_kind(o, err);
    if (collio_agree_step(view->comm, "view_open", err))
        return err->code;
    name_shared(o, err);
    if (view->rank != 0)
        open_file(o->path, o->meaning.flags & O_ACCMODE, &view->fd, err);
    collio_view_set_bytes(view, err);
    if (collio_agree_step(view->comm, "view_open", err) || !o->meaning.truncate)
        return err->code;
    if (view->rank == 0)
        collio_sys(ftruncate(view->fd, 0) != 0, "ftruncate", o->path, err);
    return collio_agree_step(view->comm, "view_open", err);
}

static int open_view(opening *o, MPI_Comm comm, MPI_Info info, collio_view **out, collio_error *err)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_comm *mine = NULL;

    *out = NULL;
    o->view = new_view(err);
    check_arguments(o, info, err);
    if (o->meaning.name != NULL && o->meaning.flags != O_RDONLY)
        collio_alone_claim(o->path, err);
    if (collio_comm_create(comm, &mine, err))
        goto done;
    o->view->comm = mine;
    o->view->rank = collio_comm_rank(mine);
    o->view->size = collio_comm_size(mine);
    o->view->readable = (o->meaning.flags & O_ACCMODE) != O_WRONLY;
    o->view->writable = (o->meaning.flags & O_ACCMODE) != O_RDONLY;
    if (agree_to_open(o, err) || open_on_disk(o, err))
        goto done;
    *out = o->view;
    o->view = NULL;
    mine = NULL;
done:
    if (o->created && err->code != COLLIO_OK)
        unlink(o->path);
    collio_comm_free(&mine, &ignored);
    if (o->view != NULL)
        collio_view_free(o->view);
    return err->code;
}

int collio_view_open(MPI_Comm comm, const char *path, const char *mode, MPI_Info info,
                     collio_view **out, collio_error *err)
{
    opening o = {.path = path, .mode = mode};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (mode != NULL && strcmp(mode, modes[i].name) == 0)
            o.meaning = modes[i];
    if (o.meaning.name == NULL)
        collio_error_set(err, COLLIO_ERR_VALUE, "mode '%s' (r, r+, w, w-, x, a are known)",
                         mode != NULL ? mode : "(null)");
    return open_view(&o, comm, info, out, err);
}

int collio_view_open_flags(MPI_Comm comm, const char *path, const char *name, int flags,
                           MPI_Info info, collio_view **out, collio_error *err)
{
    opening o = {.path = path, .mode = name, .meaning = {name, flags, 0}};

    return open_view(&o, comm, info, out, err);
}

int collio_view_delete(MPI_Comm comm, const char *path, collio_error *err)
{
    collio_comm *mine = NULL;
    collio_error ignored = COLLIO_ERROR_INIT;
    const char *name = path != NULL ? path : "";
    collio_ticket ticket = {.operation = "view_delete",
                            .digest = collio_hash_text(0, name),
                            .describe = collio_describe_text,
                            .context = name};

    if (collio_comm_create(comm, &mine, err))
        return err->code;
    if (collio_agree(mine, &ticket, err) == COLLIO_OK) {
        if (collio_comm_rank(mine) == 0)
            collio_posix_remove(name, err);
        collio_agree_step(mine, "view_delete", err);
    }
    collio_comm_free(&mine, &ignored);
    return err->code;
}
