/* Files: flush, close, let go. Opening them is in open.c. */
#include "file.h"

#include <stdlib.h>

/* ------------------------------------------------------------- let go */

void collio_file_drop(collio_file *file)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    file->disk.dead = 1;
    collio_object_drop_all(file);
    /* If HDF5 cannot let go, it goes on using the disk struct: keep that. */
    if (file->id >= 0 && H5Fclose(file->id) < 0)
        file->references++;
    file->id = H5I_INVALID_HID;
    collio_hdf5_loud(&printing);
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
    free(file->path);
    free(file);
}

/* Give up the user's handle. */
static void release_handle(collio_file **handle)
{
    collio_file *file = *handle;

    *handle = NULL;
    collio_object_close(&file->root);
    collio_file_release(file);
}

void collio_file_abandon(collio_file **handle, const char *reason)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_file *file = *handle;

    if (file == NULL)
        return;
    if (file->comm != NULL) {
        collio_comm_leave(file->comm, reason != NULL ? reason : "file abandoned");
        collio_comm_free(&file->comm, &ignored); /* local: it is poisoned now */
    }
    collio_file_drop(file);
    release_handle(handle);
}

/* ------------------------------------------------------ flush and close */

int collio_file_commit(collio_file *file, collio_error *err)
{
    /* All overlays must be alike before rank 0's stands for all of them. */
    if (collio_finish(file, "structure", collio_overlay_digest(&file->disk.overlay), err))
        return err->code;
    if (file->rank == 0)
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

int collio_file_flush(collio_file *file, collio_error *err)
{
    static const collio_call call = {.operation = "flush"};

    if (collio_file_check(file, err) || collio_begin(file, &call, err) || !file->writable)
        return err->code;
    return collio_file_flush_now(file, err);
}

/* Close HDF5's side for good, which writes the last of the structure. */
static int close_now(collio_file *file, collio_error *err)
{
    collio_printing printing;
    int failed;

    collio_hdf5_quiet(&printing);
    collio_object_drop_all(file);
    failed = H5Fclose(file->id) < 0;
    if (failed)
        file->references++; /* see collio_file_drop() */
    file->id = H5I_INVALID_HID;
    collio_hdf5(failed, "H5Fclose", err);
    collio_hdf5_loud(&printing);
    if (file->writable && collio_file_commit(file, err))
        return err->code;
    /* Network file systems tell of failed writes only now. */
    collio_disk_close(&file->disk, err);
    return collio_finish(file, "close", 0, err);
}

int collio_file_close(collio_file **handle, collio_error *err)
{
    static const collio_call call = {.operation = "close"};
    collio_file *file = *handle;

    if (file == NULL)
        return err->code;
    if (file->id < 0) {
        collio_file_check(file, err);
        release_handle(handle);
        return err->code;
    }
    if (collio_begin(file, &call, err)) {
        if (file->id < 0)
            release_handle(handle);
        return err->code;
    }
    if (close_now(file, err) == COLLIO_OK)
        collio_comm_free(&file->comm, err);
    release_handle(handle);
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

collio_comm *collio_file_comm(const collio_file *file)
{
    return file->comm;
}

collio_object *collio_file_root(collio_file *file)
{
    return file != NULL ? file->root : NULL;
}
