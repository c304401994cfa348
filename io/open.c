/* Open and create files. */
#include "split.h"
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a mode means. */
typedef struct meaning {
    const char *name;
    int writable, must_exist, exclusive, truncate;
} meaning;

static const meaning modes[] = {
    {"r", 0, 1, 0, 0},  {"r+", 1, 1, 0, 0}, {"w", 1, 0, 0, 1},
    {"w-", 1, 0, 1, 0}, {"x", 1, 0, 1, 0},  {"a", 1, 0, 0, 0},
};

/* One opening under way. */
typedef struct opening {
    collio_file *file;
    const char *path, *mode;
    const meaning *meaning;
    collio_file_options options;
    int created; /* agreed: the file is new or emptied */
    int fresh;   /* on rank 0: there was none */
} opening;

/* ------------------------------------------------------------ arguments */

static void check_arguments(opening *o, collio_error *err)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (o->mode != NULL && strcmp(o->mode, modes[i].name) == 0)
            o->meaning = &modes[i];
    if (o->meaning == NULL)
        collio_error_set(err, COLLIO_ERR_VALUE, "mode '%s' (r, r+, w, w-, x, a are known)",
                         o->mode != NULL ? o->mode : "(null)");
    if (o->path == NULL || o->path[0] == '\0')
        collio_error_set(err, COLLIO_ERR_VALUE, "no path given");
    if (o->meaning != NULL && o->meaning->must_exist && o->options.user_block != 0)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "User block may only be specified when creating a file (mode '%s')",
                         o->mode);
    collio_options_check(&o->options, err);
}

static uint64_t digest(const opening *o)
{
    uint64_t d = collio_hdf5_version();

    d = collio_hash_text(d, o->path != NULL ? o->path : "");
    d = collio_hash_text(d, o->mode != NULL ? o->mode : "");
    return collio_hash_number(d, collio_options_digest(&o->options));
}

static void describe(const void *context, char *text, size_t size)
{
    const opening *o = context;
    unsigned version = (unsigned)collio_hdf5_version();

    snprintf(text, size, "('%s', '%s'), HDF5 %u.%u.%u", o->path != NULL ? o->path : "",
             o->mode != NULL ? o->mode : "", version / 1000000, version / 1000 % 1000,
             version % 1000);
}

static collio_file *new_file(const opening *o, collio_error *err)
{
    collio_file *file = calloc(1, sizeof *file);

    if (file == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a file");
        return NULL;
    }
    file->id = H5I_INVALID_HID;
    file->disk.fd = -1;
    file->references = 1;
    file->user_block = o->options.user_block;
    file->options = o->options;
    collio_members_begin(&file->disk.members, &o->options);
    file->options.member_names[0] = file->options.member_names[1] = NULL; /* the caller's */
    file->path = strdup(o->path != NULL ? o->path : "");
    file->disk.path = strdup(o->path != NULL ? o->path : "");
    if (file->path == NULL || file->disk.path == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return file;
}

/* -------------------------------------------------------- on the disk */

/* Open what is there. Where the mode allows it, nothing may be there. */
static int find(opening *o, int flags, collio_error *err)
{
    const meaning *m = o->meaning;
    collio_error first = COLLIO_ERROR_INIT;

    if (m->exclusive || o->file->split != NULL ||
        collio_posix_open(o->path, flags, &o->file->disk.fd, &first) == COLLIO_OK ||
        (!m->must_exist && first.sys_error == ENOENT))
        return COLLIO_OK;
    collio_error_set(err, first.code, "%s", first.text);
    err->sys_error = first.sys_error;
    return err->code;
}

/* Rank 0 (of split files: each) finds or makes the file, and locks it before it may empty it. */
static int claim(opening *o, collio_error *err)
{
    collio_disk *disk = &o->file->disk;
    int flags = o->meaning->writable ? O_RDWR : O_RDONLY;

    if (find(o, flags, err))
        return err->code;
    if (disk->fd < 0) {
        if (collio_posix_open(disk->path, flags | O_CREAT | O_EXCL, &disk->fd, err))
            return err->code;
        o->fresh = 1;
    }
    if (collio_disk_lock(disk, o->meaning->writable, o->options.locking, err))
        return err->code;
    if (o->meaning->truncate && collio_sys(ftruncate(disk->fd, 0) != 0, "ftruncate", o->path, err))
        return err->code;
    o->created = o->fresh || o->meaning->truncate;
    if (o->created && o->file->split == NULL)
        collio_split_forget(o->file);
    if (!o->created && collio_posix_size(disk->fd, &disk->eof, o->path, err) == COLLIO_OK)
        collio_journal_recover(disk, o->meaning->writable, err);
    return err->code;
}

/* All ranks open the file that rank 0 has claimed. */
static int open_disk(opening *o, collio_error *err)
{
    collio_file *file = o->file;
    collio_ticket ticket = {.operation = "open, on disk"};
    int64_t size = 0;

    if (collio_file_keeps_structure(file) && err->code == COLLIO_OK)
        claim(o, err);
    ticket.vote[0] = (uint64_t)o->created;
    if (collio_agree(file->comm, &ticket, err))
        return err->code;
    o->created = (int)ticket.max[0];
    if (!collio_file_keeps_structure(file))
        collio_posix_open(o->path, file->writable ? O_RDWR : O_RDONLY, &file->disk.fd, err);
    if (file->disk.fd >= 0)
        collio_posix_size(file->disk.fd, &size, o->path, err);
    file->disk.eof = size;
    ticket = (collio_ticket){.operation = "open, on all ranks", .vote = {(uint64_t)size}};
    if (collio_agree(file->comm, &ticket, err))
        return err->code;
    if (ticket.min[0] != ticket.max[0]) {
        collio_error_set(err, COLLIO_ERR_OS,
                         "'%s' is not the same file on all ranks: its size is %lld to %lld bytes; "
                         "is it on a file system that all of them share?",
                         o->path, (long long)ticket.min[0], (long long)ticket.max[0]);
        err->agreed = 1;
    }
    return err->code;
}

/* ------------------------------------------------------------ in HDF5 */

/* A file that ranks change together keeps all its structure in HDF5's cache: what
 * one rank looks up alone must not change the order of evictions, hence of
 * writes and of space given out. */
static void keep_structure_in_memory(hid_t access, collio_error *err)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};

    if (collio_hdf5(H5Pget_mdc_config(access, &config) < 0, "H5Pget_mdc_config", err))
        return;
    config.evictions_enabled = 0;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    collio_hdf5(H5Pset_mdc_config(access, &config) < 0, "H5Pset_mdc_config", err);
    /* No chunks, though: ranks change them on disk, without HDF5. */
    collio_hdf5(H5Pset_cache(access, 0, 0, 0, 0.0) < 0, "H5Pset_cache", err);
}

static hid_t access_list(const opening *o, collio_error *err)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    if (collio_hdf5(access < 0, "H5Pcreate", err))
        return access;
    collio_driver_use(access, &o->file->disk, err);
    collio_hdf5(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0, "H5Pset_fclose_degree", err);
    collio_options_access(&o->options, access, err);
    if (o->meaning->writable)
        keep_structure_in_memory(access, err);
    return access;
}

static hid_t creation_list(const opening *o, collio_error *err)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);

    if (collio_hdf5(creation < 0, "H5Pcreate", err) == COLLIO_OK)
        collio_options_creation(&o->options, creation, err);
    return creation;
}

/* One that was asked for must be there. */
static void find_user_block(const opening *o, collio_error *err)
{
    collio_file *file = o->file;
    hid_t creation = H5Fget_create_plist(file->id);
    hsize_t block = 0;

    if (collio_hdf5(creation < 0, "H5Fget_create_plist", err))
        return;
    if (collio_hdf5(H5Pget_userblock(creation, &block) < 0, "H5Pget_userblock", err) == COLLIO_OK)
        file->user_block = (int64_t)block;
    if (o->options.user_block != 0 && file->user_block != o->options.user_block)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "Requested userblock size (%lld) does not match that of existing file "
                         "(%lld)",
                         (long long)o->options.user_block, (long long)file->user_block);
    H5Pclose(creation);
}

static void open_hdf5(const opening *o, collio_error *err)
{
    collio_file *file = o->file;
    hid_t access = access_list(o, err), creation = creation_list(o, err), root;

    if (err->code != COLLIO_OK)
        goto done;
    if (o->created)
        file->id = H5Fcreate(file->disk.path, H5F_ACC_TRUNC, creation, access);
    else
        file->id = H5Fopen(file->disk.path, file->writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
    if (collio_hdf5(file->id < 0, o->created ? "H5Fcreate" : "H5Fopen", err))
        goto done;
    find_user_block(o, err);
    root = H5Oopen(file->id, "/", H5P_DEFAULT);
    if (collio_hdf5(root < 0, "H5Oopen", err) == COLLIO_OK)
        collio_object_wrap(file, root, NULL, &file->root, err);
    else if (root >= 0)
        H5Oclose(root);
done:
    if (creation >= 0)
        H5Pclose(creation);
    if (access >= 0)
        H5Pclose(access);
}

/* ----------------------------------------------------------- together */

/* Everything after the ranks know that they want the same. */
static int open_together(opening *o, collio_error *err)
{
    collio_file *file = o->file;
    collio_printing printing;
    const meaning *m = o->meaning;
    int64_t size;

    if (m->writable && file->options.layout != COLLIO_LAYOUT_SHARED) {
        collio_split_begin(file, m->must_exist, m->exclusive, m->truncate, err);
        if (err->agreed)
            return err->code;
    }
    if (open_disk(o, err))
        return err->code;
    size = file->disk.eof;
    collio_hdf5_quiet(&printing);
    open_hdf5(o, err);
    if (file->split != NULL && err->code == COLLIO_OK)
        collio_split_create(file, err);
    collio_hdf5_loud(&printing);
    file->disk.committed = o->created ? 0 : file->disk.eoa;
    /* A job that died may have left elements behind the end. */
    file->used = file->disk.committed > size ? file->disk.committed : size;
    if (collio_finish(file, "open", 0, err))
        return err->code;
    file->changed = 0;
    /* From the first moment on there is a whole file on disk. */
    return o->created ? collio_file_flush_now(file, err) : COLLIO_OK;
}

/*
 * A file that this process has open for writing already, on the same ranks: there is one file then,
 * with two handles, as in HDF5.
 *   found  out  NULL: it is to be opened
 */
static int open_again(const opening *o, collio_file **found, collio_error *err)
{
    collio_ticket ticket = {.operation = "open, again"};

    *found = o->meaning->exclusive ? NULL : collio_file_noted(o->path, o->file->comm);
    ticket.vote[0] = *found != NULL;
    if (collio_agree(o->file->comm, &ticket, err))
        return err->code;
    if (ticket.min[0] == 0)
        *found = NULL;
    if (*found == NULL)
        return COLLIO_OK;
    if (o->meaning->truncate) {
        collio_error_set(err, COLLIO_ERR_OS, "'%s' is open: it cannot be made anew", o->path);
        err->sys_error = EAGAIN;
        err->agreed = 1; /* the modes are the same, and so is what was found */
        return err->code;
    }
    if (collio_file_flush_now(*found, err) == COLLIO_OK)
        (*found)->shares++;
    return err->code;
}

static void undo(opening *o)
{
    collio_file *file = o->file;
    collio_error ignored = COLLIO_ERROR_INIT;

    if (file == NULL)
        return;
    if ((o->created || o->fresh) && file->rank == 0 && file->split == NULL)
        unlink(file->path);
    collio_split_undo(file);
    collio_file_drop(file);
    collio_comm_free(&file->comm, &ignored);
    collio_object_close(&file->root);
    collio_file_release(file);
}

int collio_file_open(MPI_Comm comm, const char *path, const char *mode,
                     const collio_file_options *options, collio_file **out, collio_error *err)
{
    opening o = {.path = path, .mode = mode};
    collio_call call = {"open", 0, describe, &o, 0};
    collio_comm *own = NULL;
    collio_file *again = NULL;

    *out = NULL;
    if (options != NULL)
        o.options = *options;
    check_arguments(&o, err);
    if (o.meaning != NULL && o.meaning->writable)
        collio_alone_claim(path, err);
    o.file = new_file(&o, err);
    if (collio_comm_create(comm, &own, err)) {
        undo(&o);
        return err->code;
    }
    o.file->comm = own;
    if (o.options.arrangement != COLLIO_ARRANGED_PLAIN && collio_comm_size(own) > 1)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "a file of several members is one process's: no communicator of %d ranks",
                         collio_comm_size(own));
    o.file->rank = collio_comm_rank(own);
    o.file->disk.busy = collio_comm_size(own) > 1;
    o.file->writable = o.meaning->writable;
    call.digest = digest(&o);
    if (collio_begin(o.file, &call, err) || open_again(&o, &again, err) ||
        (again == NULL && open_together(&o, err))) {
        undo(&o);
        return err->code;
    }
    if (again != NULL)
        undo(&o);
    else if (o.file->writable)
        collio_file_note(o.file);
    *out = again != NULL ? again : o.file;
    return COLLIO_OK;
}
