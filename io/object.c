/* Groups and datasets of an open file: open, know, close. */
#include "chunk.h"
#include "split.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LONGEST_PATH 4096

/* -------------------------------------------------------------- the list */

static void link_object(collio_object *object)
{
    collio_file *file = object->file;

    object->next = file->objects;
    if (file->objects != NULL)
        file->objects->previous = object;
    file->objects = object;
    file->references++;
}

static void unlink_object(collio_object *object)
{
    if (object->next != NULL)
        object->next->previous = object->previous;
    if (object->previous != NULL)
        object->previous->next = object->next;
    else
        object->file->objects = object->next;
    collio_file_release(object->file);
}

void collio_object_drop_all(collio_file *file)
{
    collio_object *next;

    collio_recent_drop(file);
    for (collio_object *object = file->objects; object != NULL; object = next) {
        next = object->next;
        if (object->id >= 0)
            H5Oclose(object->id);
        object->id = H5I_INVALID_HID;
        if (object->left)
            collio_object_close(&object);
    }
}

/* ------------------------------------------------------------------- make */

static collio_kind kind_of(hid_t id)
{
    switch (H5Iget_type(id)) {
    case H5I_GROUP:
        return COLLIO_KIND_GROUP;
    case H5I_DATASET:
        return COLLIO_KIND_DATASET;
    case H5I_DATATYPE:
        return COLLIO_KIND_DATATYPE;
    default:
        return COLLIO_KIND_NONE;
    }
}

unsigned long collio_hdf5_file_number(hid_t id)
{
    collio_object_facts info;

    return COLLIO_OBJECT_FACTS(id, &info, H5O_INFO_BASIC) < 0 ? 0 : info.fileno;
}

int64_t collio_object_header(const collio_object *object)
{
    collio_object_facts info;
    int64_t address = -1;

    if (object->foreign || COLLIO_OBJECT_FACTS(object->id, &info, H5O_INFO_BASIC) < 0)
        return -1;
#if H5_VERSION_GE(1, 12, 0)
    address = 0;
    for (int i = 8; i > 0; i--) /* as HDF5's own files have it */
        address = address << 8 | info.token.__data[i - 1];
#else
    address = (int64_t)info.addr;
#endif
    return address;
}

/* What tells the object from all others of the file: not HDF5's number of the file, which is each
 * process's own. But the number shows whether an external link has led to another file, of which
 * the root was the first to be seen. */
uint64_t collio_object_identity(const collio_object_facts *info)
{
#if H5_VERSION_GE(1, 12, 0)
    return collio_hash(0, &info->token, sizeof info->token);
#else
    return info->addr;
#endif
}

static void identify(collio_object *object, collio_error *err)
{
    char path[LONGEST_PATH] = "";
    collio_object_facts info;

    if (collio_hdf5(COLLIO_OBJECT_FACTS(object->id, &info, H5O_INFO_BASIC) < 0, "H5Oget_info", err))
        return;
    object->identity = collio_object_identity(&info);
    if (object->file->root == NULL)
        object->file->number = info.fileno;
    object->foreign = object->file->number != info.fileno;
    if (object->foreign && H5Fget_name(object->id, path, sizeof path) >= 0)
        object->identity = ~collio_hash_text(object->identity, path);
}

static hid_t open_at(hid_t file, const collio_object_facts *info)
{
    return COLLIO_OBJECT_OPEN(file, COLLIO_OBJECT_TOKEN(*info));
}

static int is_same(const collio_object *a, const collio_object *b)
{
    return a->kind == b->kind && a->identity == b->identity && a->id >= 0;
}

int collio_object_renew(const collio_object *object, collio_error *err)
{
    collio_file *file = object->file;
    collio_object_facts info;

    if (err->code != COLLIO_OK || object->name[0] == '\0' ||
        collio_hdf5(COLLIO_OBJECT_FACTS(object->id, &info, H5O_INFO_BASIC) < 0, "H5Oget_info", err))
        return err->code;
    for (collio_object *o = file->objects; o != NULL; o = o->next)
        if (is_same(o, object))
            H5Oclose(o->id);
    for (collio_object *o = file->objects; o != NULL; o = o->next)
        if (is_same(o, object)) {
            o->id = open_at(file->id, &info);
            collio_hdf5(o->id < 0, "H5Oopen", err);
        }
    return err->code;
}

static char *name_of(hid_t id, collio_error *err)
{
    ssize_t length = H5Iget_name(id, NULL, 0);
    char *name = NULL;

    if (collio_hdf5(length < 0, "H5Iget_name", err))
        return NULL;
    name = calloc((size_t)length + 1, 1);
    if (name == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a name");
    else
        H5Iget_name(id, name, (size_t)length + 1);
    return name;
}

int collio_object_wrap(collio_file *file, hid_t id, const collio_layout *layout,
                       collio_object **out, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;
    collio_object *object = calloc(1, sizeof *object);

    *out = NULL;
    if (object == NULL) {
        H5Oclose(id);
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for an object");
    }
    object->file = file;
    object->handles = 1;
    object->id = id;
    object->kind = kind_of(id);
    link_object(object);
    object->name = name_of(id, &local);
    identify(object, &local);
    if (layout != NULL)
        object->layout = *layout;
    else if (object->kind == COLLIO_KIND_DATASET)
        collio_layout_read(&file->disk, id, &object->layout, &local);
    if (object->foreign)
        object->layout.offset = -1; /* not in the file that we would read from */
    object->shard = collio_split_find(object);
    if (object->layout.filtered) {
        object->kept = collio_kept_make();
        if (object->kept == NULL)
            collio_error_set(&local, COLLIO_ERR_MEMORY, "no memory for an object");
    }
    if (local.code != COLLIO_OK) {
        collio_object_close(&object);
        collio_error_set(err, local.code, "%s", local.text);
        err->sys_error = local.sys_error;
        return err->code;
    }
    *out = object;
    return COLLIO_OK;
}

int collio_object_made(collio_file *file, const char *operation, hid_t id, collio_object **out,
                       collio_error *err)
{
    collio_object *made = NULL;

    if (id >= 0)
        collio_object_wrap(file, id, NULL, &made, err);
    collio_finish_change(file, operation, made != NULL ? made->identity : 0, err);
    if (err->code != COLLIO_OK || out == NULL)
        collio_object_close(&made);
    else
        *out = made;
    return err->code;
}

/* Whether no link leads to it any more; HDF5 goes on to name what was in a deleted group. */
static int is_lost(const collio_object *object)
{
    collio_object_facts info;

    return COLLIO_OBJECT_FACTS(object->id, &info, H5O_INFO_BASIC) >= 0 && info.rc == 0;
}

void collio_object_rename_all(collio_file *file, collio_error *err)
{
    for (collio_object *object = file->objects; object != NULL; object = object->next) {
        char *name = object->id >= 0 ? name_of(object->id, err) : NULL;

        if (name == NULL)
            continue;
        if (!object->foreign && is_lost(object))
            name[0] = '\0';
        free(object->name);
        object->name = name;
    }
}

void collio_object_close(collio_object **handle)
{
    collio_object *object = *handle;
    collio_printing printing;

    if (object == NULL)
        return;
    /* The root belongs to the file; its own pointer to it is the exception. */
    if (object == object->file->root && handle != &object->file->root) {
        *handle = NULL;
        return;
    }
    *handle = NULL;
    if (--object->handles > 0)
        return;
    if (object->id >= 0 && object->name != NULL && object->name[0] == '\0' && !object->foreign) {
        object->left = 1;
        return;
    }
    if (object->id >= 0) {
        collio_hdf5_quiet(&printing);
        H5Oclose(object->id);
        collio_hdf5_loud(&printing);
    }
    unlink_object(object);
    collio_kept_free(object->kept);
    free(object->name);
    free(object);
}

/* ------------------------------------------------------------------ facts */

collio_kind collio_object_kind(const collio_object *object)
{
    return object->kind;
}

const char *collio_object_name(const collio_object *object)
{
    return object->name;
}

int collio_object_is_open(const collio_object *object)
{
    return object->id >= 0;
}

collio_file *collio_object_file(const collio_object *object)
{
    return object->id >= 0 ? object->file : NULL;
}

uint64_t collio_object_id(const collio_object *object)
{
    return object->identity;
}

uint64_t collio_object_file_number(const collio_object *object)
{
    collio_file *file = object->file;
    struct stat at;

    if (file != NULL && file->place == 0 && fstat(file->disk.fd, &at) == 0)
        file->place = collio_hash_number(collio_hash_number(0, at.st_dev), at.st_ino) | 1;
    return file == NULL ? 0 : file->place;
}
