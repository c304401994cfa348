/* Datasets whose elements are in other files, looked for in a directory that is given when they are
 * made or opened. HDF5 allows no other prefix while one is open: its other handles are the same. */
#include "file.h"

#include "collio/reference.h"

#include <string.h>

int collio_prefix_list(const char *external, const char *mapped, hid_t *list, collio_error *err)
{
    *list = H5P_DEFAULT;
    if (err->code != COLLIO_OK || (external == NULL && mapped == NULL))
        return err->code;
    *list = H5Pcreate(H5P_DATASET_ACCESS);
    if (collio_hdf5(*list < 0, "H5Pcreate", err))
        return err->code;
    if (external != NULL)
        collio_hdf5(H5Pset_efile_prefix(*list, external) < 0, "H5Pset_efile_prefix", err);
    if (mapped != NULL)
        collio_hdf5(H5Pset_virtual_prefix(*list, mapped) < 0, "H5Pset_virtual_prefix", err);
    return err->code;
}

void collio_prefix_unlist(hid_t list)
{
    if (list >= 0 && list != H5P_DEFAULT)
        H5Pclose(list);
}

void collio_prefix_note(collio_object *dataset, hid_t list)
{
    if (dataset != NULL && list != H5P_DEFAULT)
        dataset->prefixed = dataset->file->has_prefixed = 1;
}

collio_object *collio_prefix_find(const collio_object *parent, const char *name)
{
    collio_object *object = parent->file->objects;
    collio_object_facts info;
    uint64_t identity;

    if (!parent->file->has_prefixed || parent->foreign ||
        COLLIO_OBJECT_FACTS_OF(parent->id, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0 ||
        info.fileno != parent->file->number)
        return NULL;
    identity = collio_object_identity(&info);
    while (object != NULL && !(object->prefixed && object->id >= 0 && !object->foreign &&
                               object->identity == identity))
        object = object->next;
    if (object != NULL)
        object->handles++;
    return object;
}

collio_object *collio_prefix_referred(const collio_object *in, const void *reference)
{
    collio_object *object = in->file->has_prefixed && !in->foreign ? in->file->objects : NULL;
    collio_error none = COLLIO_ERROR_INIT;
    char its[COLLIO_REFERENCE_BYTES];

    for (; object != NULL; object = object->next)
        if (object->prefixed && object->id >= 0 && !object->foreign &&
            collio_reference_make(object, its, &none) == COLLIO_OK &&
            memcmp(its, reference, sizeof its) == 0) {
            object->handles++;
            return object;
        }
    return NULL;
}

static int open_dataset(collio_object *parent, const char *name, hid_t list, collio_object **out,
                        collio_error *err)
{
    hid_t id = H5Dopen2(parent->id, name, list);

    if (collio_hdf5(id < 0, "H5Dopen2", err) == COLLIO_OK)
        collio_object_wrap(parent->file, id, NULL, out, err);
    else if (id >= 0)
        H5Dclose(id);
    return err->code;
}

int collio_dataset_open_in(collio_object *parent, const char *name, const char *external,
                           const char *mapped, collio_object **out, collio_error *err)
{
    hid_t list = H5P_DEFAULT;
    collio_printing printing;
    int exists = 0;

    *out = NULL;
    if (err->code != COLLIO_OK || collio_object_check(parent, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_object_exists(parent, name, &exists, err) == COLLIO_OK && !exists)
        collio_error_set(err, COLLIO_ERR_KEY, "no object '%s' in '%s'", name, parent->name);
    collio_recent_drop(parent->file); /* that is open without the prefix */
    if (collio_prefix_list(external, mapped, &list, err) == COLLIO_OK &&
        open_dataset(parent, name, list, out, err) == COLLIO_OK)
        collio_prefix_note(*out, list);
    collio_prefix_unlist(list);
    collio_hdf5_loud(&printing);
    return err->code;
}
