/* Where names lead, and the objects that are opened by them. */
#include "chunk.h"
#include "split.h"

#include <stdlib.h>
#include <string.h>

/* Where a name leads. */
typedef struct way {
    enum { MISSING, WHOLE, DANGLING, NOT_A_GROUP } end;
    int last;    /* it ends at the last step */
    int foreign; /* a group on the way is in another file */
} way;

/* Whether a step on the way is a group. */
static int is_group(const collio_object *from, const char *name, int *foreign)
{
    hid_t id = H5Oopen(from->id, name, H5P_DEFAULT);
    int yes = id >= 0 && H5Iget_type(id) == H5I_GROUP;

    if (yes)
        *foreign = collio_hdf5_file_number(id) != from->file->number;
    if (id >= 0)
        H5Oclose(id);
    return yes;
}

static int is_hard(hid_t from, const char *name)
{
    collio_link_facts info;

    return COLLIO_LINK_FACTS(from, name, &info, H5P_DEFAULT) < 0 || info.type == H5L_TYPE_HARD;
}

/* One step of a name, `part` being the name up to it. Asked about a link of which the path fails
 * before its last step, HDF5 fails too. */
static void take_step(const collio_object *from, const char *part, way *w, collio_error *err)
{
    htri_t found = H5Lexists(from->id, part, H5P_DEFAULT);

    w->end = MISSING;
    if (collio_hdf5(found < 0, "H5Lexists", err) || found == 0)
        return;
    found = H5Oexists_by_name(from->id, part, H5P_DEFAULT);
    if (found < 0 && !is_hard(from->id, part))
        found = 0;
    w->end = DANGLING;
    if (collio_hdf5(found < 0, "H5Oexists_by_name", err) || found == 0)
        return;
    w->end = w->last || is_group(from, part, &w->foreign) ? WHOLE : NOT_A_GROUP;
}

/* Walk the steps of a name until one leads nowhere; HDF5 fails when asked about a name whose first
 * steps do not exist. */
static way walk(const collio_object *from, const char *name, collio_error *err)
{
    size_t length = strlen(name), at = 0, step;
    char *part = malloc(length + 1);
    way w = {WHOLE, 0, from->foreign};

    if (part == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a name");
    while (part != NULL && w.end == WHOLE) {
        at += strspn(name + at, "/");
        step = strcspn(name + at, "/");
        if (step == 0)
            break;
        memcpy(part, name, at + step);
        part[at + step] = '\0';
        w.last = name[at + step + strspn(name + at + step, "/")] == '\0';
        if (step != 1 || name[at] != '.')
            take_step(from, part, &w, err);
        at += step;
    }
    free(part);
    if (err->code != COLLIO_OK)
        w.end = MISSING;
    return w;
}

int collio_object_exists(collio_object *parent, const char *name, int *exists, collio_error *err)
{
    *exists = walk(parent, name, err).end == WHOLE;
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

static int refuse_foreign(const char *name, collio_error *err)
{
    return collio_error_set(err, COLLIO_ERR_VALUE,
                            "'%s' is in another file, which is open for reading only", name);
}

int collio_object_links(const collio_object *parent, const char *name, int *exists,
                        collio_error *err)
{
    way w;

    *exists = 0;
    if (check_parent(parent, name, err))
        return err->code;
    w = walk(parent, name, err);
    *exists = w.end == WHOLE || (w.end == DANGLING && w.last);
    return err->code;
}

int collio_object_check_link(const collio_object *parent, const char *name, collio_error *err)
{
    way w;

    if (collio_object_check_writable(parent, err) || check_parent(parent, name, err))
        return err->code;
    w = walk(parent, name, err);
    if (w.foreign)
        refuse_foreign(name, err);
    else if (w.end != WHOLE && (w.end != DANGLING || !w.last))
        collio_error_set(err, COLLIO_ERR_KEY, "no name '%s' in '%s'", name, parent->name);
    return err->code;
}

int collio_object_check_writable(const collio_object *object, collio_error *err)
{
    if (object->foreign)
        return refuse_foreign(object->name, err);
    return collio_file_check_writable(object->file, err);
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
    *out = collio_recent_find(parent, name);
    if (*out != NULL)
        return COLLIO_OK;
    collio_hdf5_quiet(&printing);
    *out = collio_prefix_find(parent, name);
    if (*out != NULL)
        goto done;
    if (collio_object_exists(parent, name, &exists, err) == COLLIO_OK && !exists)
        collio_error_set(err, COLLIO_ERR_KEY, "no object '%s' in '%s'", name, parent->name);
    if (err->code == COLLIO_OK) {
        id = H5Oopen(parent->id, name, H5P_DEFAULT);
        if (collio_hdf5(id < 0, "H5Oopen", err) == COLLIO_OK)
            collio_object_wrap(parent->file, id, NULL, out, err);
        else if (id >= 0)
            H5Oclose(id);
        if (*out != NULL)
            collio_recent_keep(parent, name, *out);
    }
done:
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_object_foreign_root(collio_object *object, collio_object **root, char *path, size_t size,
                               collio_error *err)
{
    collio_printing printing;
    hid_t id = H5I_INVALID_HID;

    *root = NULL;
    if (err->code != COLLIO_OK || collio_object_check(object, err) || !object->foreign)
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_hdf5(H5Fget_name(object->id, path, size) < 0, "H5Fget_name", err) == COLLIO_OK)
        id = H5Oopen(object->id, "/", H5P_DEFAULT);
    if (collio_hdf5(id < 0, "H5Oopen", err) == COLLIO_OK)
        collio_object_wrap(object->file, id, NULL, root, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_object_check_new(collio_object *parent, const char *name, collio_error *err)
{
    way w;

    if (collio_object_check_writable(parent, err) || check_parent(parent, name, err))
        return err->code;
    w = walk(parent, name, err);
    if (w.foreign)
        refuse_foreign(name, err);
    else if (w.end == NOT_A_GROUP)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "unable to create '%s' (a name on the way is not a group)", name);
    else if (w.end != MISSING)
        collio_error_set(err, COLLIO_ERR_VALUE, "unable to create '%s' (name already exists)",
                         name);
    return err->code;
}
