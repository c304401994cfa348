/* Named types: an element type that is an object of a file, with a name and attributes. */
#include "file.h"
#include "type.h"

#include <stdio.h>

typedef struct commitment {
    collio_object *parent;
    const char *name;
    collio_type type;
} commitment;

static void describe(const void *context, char *text, size_t size)
{
    const commitment *c = context;

    snprintf(text, size, "('%s', %s) on '%s'", c->name != NULL ? c->name : "",
             collio_type_name(c->type), c->parent->name);
}

/* A copy of the type becomes the object. */
static hid_t commit(const commitment *c, collio_error *err)
{
    hid_t links = collio_list_links(err), type = collio_hdf5_type(c->type, err), copy;

    if (links < 0 || type < 0)
        return H5I_INVALID_HID;
    copy = H5Tcopy(type);
    if (collio_hdf5(copy < 0, "H5Tcopy", err))
        return H5I_INVALID_HID;
    if (collio_hdf5(H5Tcommit2(c->parent->id, c->name, copy, links, H5P_DEFAULT, H5P_DEFAULT) < 0,
                    "H5Tcommit2", err) == COLLIO_OK)
        return copy;
    H5Tclose(copy);
    return H5I_INVALID_HID;
}

int collio_datatype_create(collio_object *parent, const char *name, collio_type type,
                           collio_object **out, collio_error *err)
{
    commitment c = {parent, name, type};
    collio_call call = {"create_datatype", 0, describe, &c, 0};
    collio_named named = {parent, name};
    collio_printing printing;

    if (out != NULL)
        *out = NULL;
    if (collio_object_check(parent, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_type_size(type) == 0)
        collio_error_set(err, COLLIO_ERR_TYPE, "unknown element type %d", (int)type);
    else
        call.digest = collio_type_digest(type);
    collio_object_check_new(parent, name, err);
    call.digest = collio_hash_number(call.digest, collio_named_digest(&named));
    if (collio_begin(parent->file, &call, err))
        goto done;
    collio_object_made(parent->file, call.operation, commit(&c, err), out, err);
done:
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_datatype_type(collio_object *datatype, collio_type *out, collio_error *err)
{
    collio_printing printing;

    *out = COLLIO_TYPE_COUNT;
    if (err->code != COLLIO_OK || collio_object_check(datatype, err))
        return err->code;
    if (datatype->kind != COLLIO_KIND_DATATYPE)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a datatype", datatype->name);
    collio_hdf5_quiet(&printing);
    *out = collio_type_adopt(datatype->id, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_datatype_check(const collio_object *named, const collio_file *file, collio_type type,
                          collio_error *err)
{
    if (collio_object_check(named, err))
        return err->code;
    if (named->kind != COLLIO_KIND_DATATYPE || named->file != file || named->foreign)
        return collio_error_set(err, COLLIO_ERR_VALUE, "'%s' is no named type of this file",
                                named->name);
    if (H5Tget_class(named->id) != H5Tget_class(collio_hdf5_type(type, err)))
        collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is a type of another kind than %s",
                         named->name, collio_type_name(type));
    return err->code;
}

static hid_t type_of(const collio_object *object, const char *attribute, collio_error *err)
{
    hid_t id = H5I_INVALID_HID, type;

    if (attribute == NULL) {
        type = H5Dget_type(object->id);
        collio_hdf5(type < 0, "H5Dget_type", err);
        return type;
    }
    id = H5Aopen(object->id, attribute, H5P_DEFAULT);
    type = id < 0 ? H5I_INVALID_HID : H5Aget_type(id);
    collio_hdf5(type < 0, "H5Aget_type", err);
    if (id >= 0)
        H5Aclose(id);
    return type;
}

int collio_datatype_of(collio_object *object, const char *attribute, collio_object **out,
                       collio_error *err)
{
    collio_printing printing;
    htri_t named;
    hid_t type;

    *out = NULL;
    if (err->code != COLLIO_OK || collio_object_check(object, err))
        return err->code;
    if (attribute == NULL && object->kind != COLLIO_KIND_DATASET)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a dataset", object->name);
    collio_hdf5_quiet(&printing);
    type = type_of(object, attribute, err);
    named = type < 0 ? 0 : H5Tcommitted(type);
    if (named > 0)
        collio_object_wrap(object->file, type, NULL, out, err);
    else if (type >= 0)
        H5Tclose(type);
    collio_hdf5_loud(&printing);
    return err->code;
}
