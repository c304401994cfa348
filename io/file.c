/* Files: flush, close, let go. Opening them is in open.c. */
#include "async.h"
#include "split.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

/* ------------------------------------------------------ open for writing */

static collio_file *noted;

void collio_file_note(collio_file *file)
{
    file->next_open = noted;
    noted = file;
}

static void forget(const collio_file *file)
{
    collio_file **at = &noted;

    while (*at != NULL && *at != file)
        at = &(*at)->next_open;
    if (*at != NULL)
        *at = file->next_open;
}

collio_file *collio_file_noted(const char *path, const collio_comm *comm)
{
    struct stat there, here;
    int how = MPI_UNEQUAL;

    if (path == NULL || stat(path, &there) != 0)
        return NULL;
    for (collio_file *file = noted; file != NULL; file = file->next_open)
        if (file->id >= 0 && file->comm != NULL && file->disk.fd >= 0 &&
            fstat(file->disk.fd, &here) == 0 && here.st_dev == there.st_dev &&
            here.st_ino == there.st_ino &&
            MPI_Comm_compare(collio_comm_handle(file->comm), collio_comm_handle(comm), &how) ==
                MPI_SUCCESS &&
            how == MPI_CONGRUENT)
            return file;
    return NULL;
}

/* ------------------------------------------------------------- let go */

void collio_file_drop(collio_file *file)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    file->disk.dead = 1;
    collio_object_drop_all(file);
    /* If HDF5 cannot let go, it goes on using the disk struct: keep that. */
    if (file->id >= 0 && H5Fclose(file->id) < 0) {
        file->references++;
        collio_hdf5_left();
    }
    file->id = H5I_INVALID_HID;
    collio_split_drop(file->split);
    collio_hdf5_loud(&printing);
    collio_requests_join(file, &ignored);
    collio_disk_close(&file->disk, &ignored);
}

void collio_file_poison(collio_file *file, const collio_error *err)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    if (file->poison.code == COLLIO_OK) {
        file->poison = *err;
        file->poison.agreed = 1;
    }
    collio_file_drop(file);
    collio_comm_free(&file->comm, &ignored);
}

void collio_file_release(collio_file *file)
{
    if (--file->references > 0)
        return;
    forget(file);
    collio_split_free(file->split);
    collio_shared_free(&file->shared);
    free(file->path);
    free(file);
}

/* Give up the user's handle. */
static void release_handle(collio_file **handle)
{
    collio_file *file = *handle;

    *handle = NULL;
    if (file->shares > 0) {
        file->shares--;
        return;
    }
    collio_object_close(&file->root);
    collio_file_release(file);
}

static void leave(collio_file *file, const char *reason)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    if (file->comm != NULL) {
        collio_comm_leave(file->comm, reason != NULL ? reason : "file abandoned");
        collio_comm_free(&file->comm, &ignored); /* local: it is poisoned now */
    }
    collio_file_drop(file);
}

void collio_file_abandon(collio_file **handle, const char *reason)
{
    collio_file *file = *handle;

    if (file == NULL)
        return;
    if (file->shares == 0)
        leave(file, reason);
    release_handle(handle);
}

/* ------------------------------------------------------ flush and close */

int collio_file_keeps_structure(const collio_file *file)
{
    return file->rank == 0 || file->split != NULL;
}

/* How long a rank on which something has failed waits for the others to close. */
static const double farewell_seconds = 5.0;

int collio_file_commit(collio_file *file, collio_error *err)
{
    collio_disk_check(&file->disk, err);
    /* All overlays must be alike before rank 0's stands for all of them. */
    if (collio_finish(file, "structure", collio_overlay_digest(&file->disk.overlay), err))
        return err->code;
    if (collio_file_keeps_structure(file))
        collio_disk_commit(&file->disk, file->user_block, err);
    if (collio_finish(file, "structure on disk", 0, err))
        return err->code;
    collio_disk_settle(&file->disk);
    if (file->used < file->disk.eoa)
        file->used = file->disk.eoa;
    return COLLIO_OK;
}

int collio_file_flush_now(collio_file *file, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    collio_hdf5(H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0, "H5Fflush", err);
    collio_hdf5_loud(&printing);
    return collio_file_commit(file, err);
}

int collio_space_claim(collio_file *file, int64_t start, int64_t size, int *reused,
                       collio_error *err)
{
    /* Beyond what was written, HDF5 may have had elements of variable length in memory only. */
    *reused = start < file->used || collio_overlay_has(&file->disk.overlay, start, size);
    if (file->used < start + size)
        file->used = start + size;
    return *reused ? collio_file_flush_now(file, err) : COLLIO_OK;
}

void collio_file_unlock(collio_file *file)
{
    if (file->disk.fd >= 0)
        flock(file->disk.fd, LOCK_UN);
}

int collio_file_flush(collio_file *file, collio_error *err)
{
    static const collio_call call = {.operation = "flush"};

    if (collio_file_check(file, err) || collio_begin(file, &call, err) || !file->writable)
        return err->code;
    return collio_file_flush_now(file, err);
}

static int make_whole(collio_file *file, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    collio_split_finish(file, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* Close HDF5's side for good, which writes the last of the structure. */
static int close_now(collio_file *file, collio_error *err)
{
    collio_printing printing;
    int failed;

    collio_hdf5_quiet(&printing);
    collio_object_drop_all(file);
    failed = H5Fclose(file->id) < 0;
    if (failed) { /* see collio_file_drop() */
        file->references++;
        collio_hdf5_left();
    }
    file->id = H5I_INVALID_HID;
    collio_hdf5(failed, "H5Fclose", err);
    collio_hdf5_loud(&printing);
    if (file->writable && collio_file_commit(file, err))
        return err->code;
    collio_requests_join(file, err);
    if (file->split != NULL && make_whole(file, err))
        return err->code;
    /* Network file systems tell of failed writes only now. */
    collio_disk_close(&file->disk, err);
    return collio_finish(file, "close", 0, err);
}

static void describe_reason(const void *reason, char *text, size_t size)
{
    snprintf(text, size, " after %s", (const char *)reason);
}

/* What ranks have to tell each other when they close. */
typedef struct farewell {
    int some_failed; /* some ranks close because something has failed there, others do not know */
    int untold;      /* an independent write has failed somewhere */
} farewell;

/* Meet the others to close. `reason`: NULL unless something has failed on this rank. */
static int meet_to_close(collio_file *file, const char *reason, farewell *f, collio_error *err)
{
    collio_ticket ticket = {.operation = "close",
                            .vote = {reason != NULL, file->untold.code != COLLIO_OK}};

    if (reason != NULL) {
        ticket.describe = describe_reason;
        ticket.context = reason;
        collio_agree_within(file->comm, &ticket, farewell_seconds, reason, err);
    } else {
        collio_agree(file->comm, &ticket, err);
    }
    f->some_failed = ticket.max[0] != ticket.min[0];
    f->untold = ticket.max[1] != 0;
    return collio_file_outcome(file, err);
}

/* Some ranks close because something has failed there: now the others learn of it. */
static int share_reason(collio_file *file, const char *reason, collio_error *err)
{
    collio_error news = COLLIO_ERROR_INIT;

    collio_error_at(&news, err->file, err->line);
    if (reason != NULL)
        collio_error_set(&news, COLLIO_ERR_EXCEPTION, "%s", reason);
    collio_agree_step(file->comm, "close", &news);
    if (reason == NULL)
        *err = news;
    return err->code;
}

/* The last opportunity to hear of an independent write that failed. */
static int share_untold(collio_file *file, collio_error *err)
{
    collio_file_tell(file, err);
    return collio_agree_step(file->comm, "close", err);
}

static int say_farewell(collio_file *file, const char *reason, const farewell *f, collio_error *err)
{
    if (err->code == COLLIO_OK && f->some_failed)
        share_reason(file, reason, err);
    else if (err->code == COLLIO_OK && f->untold)
        share_untold(file, err);
    return err->code;
}

static int close_with(collio_file **handle, const char *reason, collio_error *err)
{
    collio_file *file = *handle;
    farewell f = {0, 0};

    if (file->id < 0) {
        collio_file_check(file, err);
        release_handle(handle);
        return err->code;
    }
    if (meet_to_close(file, reason, &f, err)) {
        if (file->id < 0)
            release_handle(handle);
        return err->code;
    }
    if (file->shares > 0) {
        if (file->writable)
            collio_file_flush_now(file, err);
        say_farewell(file, reason, &f, err);
    } else if (close_now(file, err) == COLLIO_OK) {
        say_farewell(file, reason, &f, err);
        collio_comm_free(&file->comm, err);
    }
    release_handle(handle);
    return err->code;
}

int collio_file_close(collio_file **handle, collio_error *err)
{
    return *handle == NULL ? err->code : close_with(handle, NULL, err);
}

int collio_file_close_after(collio_file **handle, const char *reason, collio_error *err)
{
    /* Once for the call in which the others were when this rank came, once for where its error
     * took them, and once more. */
    for (int tries = 0; tries < 3 && *handle != NULL; tries++) {
        collio_error_clear(err);
        close_with(handle, reason, err);
    }
    if (*handle != NULL)
        leave(*handle, reason);
    collio_file_abandon(handle, reason);
    return err->code;
}

/* ---------------------------------------------------------------- facts */

const char *collio_file_path(const collio_file *file)
{
    return file->path;
}

int collio_file_is_writable(const collio_file *file)
{
    return file->writable;
}

int collio_file_is_poisoned(const collio_file *file)
{
    return file->poison.code != COLLIO_OK;
}

int64_t collio_file_user_block(const collio_file *file)
{
    return file->user_block;
}

const collio_file_options *collio_file_given(const collio_file *file)
{
    return &file->options;
}

int collio_file_set_atomic(collio_file *file, int atomic, collio_error *err)
{
    collio_call call = {.operation = atomic ? "set_atomic" : "unset_atomic"};

    if (collio_file_check(file, err) || collio_begin(file, &call, err))
        return err->code;
    file->atomic = atomic != 0;
    return COLLIO_OK;
}

int collio_file_atomic(const collio_file *file)
{
    return file->atomic;
}

collio_comm *collio_file_comm(const collio_file *file)
{
    return file->comm;
}

collio_object *collio_file_root(collio_file *file)
{
    return file != NULL ? file->root : NULL;
}
