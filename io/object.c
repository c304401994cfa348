/* Groups and datasets of an open file: open, know, close. */
#include "file.h"

#include <stdlib.h>
#include <string.h>

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
    for (collio_object *object = file->objects; object != NULL; object = object->next) {
        if (object->id >= 0)
            H5Oclose(object->id);
        object->id = H5I_INVALID_HID;
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

/* What tells the object from all others of the file. */
static uint64_t identity_of(hid_t id, collio_error *err)
{
#if H5_VERSION_GE(1, 12, 0)
    H5O_info2_t info;

    if (collio_hdf5(H5Oget_info3(id, &info, H5O_INFO_BASIC) < 0, "H5Oget_info3", err))
        return 0;
    return collio_hash(0, &info.token, sizeof info.token); /* fileno is each process's own */
#else
    H5O_info_t info;

    if (collio_hdf5(H5Oget_info2(id, &info, H5O_INFO_BASIC) < 0, "H5Oget_info2", err))
        return 0;
    return info.addr;
#endif
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
    object->id = id;
    object->kind = kind_of(id);
    link_object(object);
    object->name = name_of(id, &local);
    object->identity = identity_of(id, &local);
    if (layout != NULL)
        object->layout = *layout;
    else if (object->kind == COLLIO_KIND_DATASET)
        collio_layout_read(id, &object->layout, &local);
    if (local.code != COLLIO_OK) {
        collio_object_close(&object);
        collio_error_set(err, local.code, "%s", local.text);
        err->sys_error = local.sys_error;
        return err->code;
    }
    *out = object;
    return COLLIO_OK;
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
    if (object->id >= 0) {
        collio_hdf5_quiet(&printing);
        H5Oclose(object->id);
        collio_hdf5_loud(&printing);
    }
    unlink_object(object);
    free(object->name);
    free(object);
}

/* ------------------------------------------------------------------- open */

typedef enum finding { MISSING, WHOLE, DANGLING, NOT_A_GROUP } finding;

static int is_group(hid_t from, const char *name)
{
    hid_t id = H5Oopen(from, name, H5P_DEFAULT);
    int yes = id >= 0 && H5Iget_type(id) == H5I_GROUP;

    if (id >= 0)
        H5Oclose(id);
    return yes;
}

/* One step of a name, `part` being the name up to it. */
static finding look_at(hid_t from, const char *part, int last, collio_error *err)
{
    htri_t found = H5Lexists(from, part, H5P_DEFAULT);

    if (collio_hdf5(found < 0, "H5Lexists", err) || found == 0)
        return MISSING;
    found = H5Oexists_by_name(from, part, H5P_DEFAULT);
    if (collio_hdf5(found < 0, "H5Oexists_by_name", err) || found == 0)
        return DANGLING;
    return last || is_group(from, part) ? WHOLE : NOT_A_GROUP;
}

/* Walk the steps of a name until one leads nowhere; HDF5 fails when asked about
 * a name whose first steps do not exist. */
static finding walk(hid_t from, const char *name, collio_error *err)
{
    size_t length = strlen(name), at = 0, step;
    char *part = malloc(length + 1);
    finding found = WHOLE;

    if (part == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a name");
    while (part != NULL && found == WHOLE) {
        at += strspn(name + at, "/");
        step = strcspn(name + at, "/");
        if (step == 0)
            break;
        memcpy(part, name, at + step);
        part[at + step] = '\0';
        if (step != 1 || name[at] != '.')
            found = look_at(from, part, name[at + step] == '\0', err);
        at += step;
    }
    free(part);
    return err->code == COLLIO_OK ? found : MISSING;
}

int collio_object_exists(collio_object *parent, const char *name, int *exists, collio_error *err)
{
    *exists = walk(parent->id, name, err) == WHOLE;
    return err->code;
}

/* Check what a name is to be looked up in. */
static int check_parent(const collio_object *parent, const char *name, collio_error *err)
{
    if (name == NULL || name[0] == '\0')
        return collio_error_set(err, COLLIO_ERR_VALUE, "no name given");
    if (parent->kind != COLLIO_KIND_GROUP)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a group", parent->name);
    return err->code;
}

int collio_object_open(collio_object *parent, const char *name, collio_object **out,
                       collio_error *err)
{
    collio_printing printing;
    int exists = 0;
    hid_t id;

    *out = NULL;
    if (err->code != COLLIO_OK || collio_object_check(parent, err) ||
        check_parent(parent, name, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_object_exists(parent, name, &exists, err) == COLLIO_OK && !exists)
        collio_error_set(err, COLLIO_ERR_KEY, "no object '%s' in '%s'", name, parent->name);
    if (err->code == COLLIO_OK) {
        id = H5Oopen(parent->id, name, H5P_DEFAULT);
        if (collio_hdf5(id < 0, "H5Oopen", err) == COLLIO_OK)
            collio_object_wrap(parent->file, id, NULL, out, err);
        else if (id >= 0)
            H5Oclose(id);
    }
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_object_check_new(collio_object *parent, const char *name, collio_error *err)
{
    finding found;

    if (collio_file_check_writable(parent->file, err) || check_parent(parent, name, err))
        return err->code;
    found = walk(parent->id, name, err);
    if (found == NOT_A_GROUP)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "unable to create '%s' (a name on the way is not a group)", name);
    else if (found != MISSING)
        collio_error_set(err, COLLIO_ERR_VALUE, "unable to create '%s' (name already exists)",
                         name);
    return err->code;
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
