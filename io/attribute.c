/* Attributes: small values kept with a group or dataset, in its structure; so
 * writing one is a change of structure, with the same values on all ranks. */
#include "file.h"
#include "type.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What fits into an object header, less what HDF5 keeps with the value. */
#define HEADER_BYTES 64000

/* An attribute to be written. */
typedef struct value {
    collio_object *object;
    const char *name;
    const char *text;     /* NULL: elements */
    collio_object *named; /* the type in the file; NULL: one of its own */
    collio_type type;
    int ndim;
    const int64_t *shape;
    const void *data;
    int empty;     /* no elements at all */
    int keep_form; /* the attribute is there, and keeps its type and extents */
    int64_t bytes; /* of the elements */
} value;

/* ------------------------------------------------------------- arguments */

static int64_t elements(const value *v)
{
    return v->bytes > 0 ? v->bytes / (int64_t)collio_type_size(v->type) : 0;
}

static void describe(const void *context, char *text, size_t size)
{
    const value *v = context;
    size_t at = (size_t)snprintf(text, size, "('%s', ", v->name ? v->name : "");

    if (at < size && v->empty)
        snprintf(text + at, size - at, "empty %s) on '%s'", collio_type_name(v->type),
                 v->object->name);
    else if (at < size && v->text != NULL)
        snprintf(text + at, size - at, "\"%.60s\") on '%s'", v->text, v->object->name);
    else if (at < size)
        snprintf(text + at, size - at, "%s, %d dimensions, %" PRId64 " bytes, digest %08x) on '%s'",
                 collio_type_name(v->type), v->ndim, v->bytes,
                 (unsigned)collio_elements_digest(v->type, v->data, elements(v)), v->object->name);
}

static uint64_t digest(const value *v)
{
    uint64_t d = collio_hash_number(v->object->identity, collio_type_digest(v->type));

    d = collio_hash_text(d, v->name != NULL ? v->name : "");
    d = collio_hash_number(d, (uint64_t)(v->empty + 2 * v->keep_form));
    if (v->named != NULL)
        d = collio_hash_number(d, v->named->identity);
    if (v->text != NULL)
        return collio_hash_text(d, v->text);
    if (v->bytes > 0)
        d = collio_hash_number(d, collio_elements_digest(v->type, v->data, elements(v)));
    return collio_hash(d, v->shape, (size_t)v->ndim * sizeof *v->shape);
}

static int check_name(const collio_object *object, const char *name, collio_error *err)
{
    if (name != NULL && name[0] != '\0')
        return err->code;
    return collio_error_set(err, COLLIO_ERR_VALUE, "no name given for an attribute of '%s'",
                            object->name);
}

/* Check extents, and count the bytes. On failure there are none. */
static int check_shape(value *v, collio_error *err)
{
    int64_t bytes = (int64_t)collio_type_size(v->type);
    int good = v->ndim >= 0 && v->ndim <= COLLIO_MAX_DIMS && (v->ndim == 0 || v->shape != NULL);

    for (int d = 0; good && d < v->ndim; d++) {
        good = v->shape[d] >= 0 && v->shape[d] < INT32_MAX && bytes < INT32_MAX;
        bytes *= good ? v->shape[d] : 0;
    }
    if (!good || (bytes > 0 && v->data == NULL)) {
        v->ndim = 0;
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "attribute '%s': bad extents, or no values given", v->name);
    }
    v->bytes = bytes;
    return err->code;
}

/* Version of the object's header; the first one limits the size of attributes. */
static unsigned header_version(const collio_object *object)
{
#if H5_VERSION_GE(1, 12, 0)
    H5O_native_info_t info = {.hdr = {.version = 1}};
    H5Oget_native_info(object->id, &info, H5O_NATIVE_INFO_HDR);
#else
    H5O_info_t info = {.hdr = {.version = 1}};
    H5Oget_info2(object->id, &info, H5O_INFO_HDR);
#endif
    return info.hdr.version;
}

/* Whether the attribute is there, with as many elements. */
static int check_form(const value *v, collio_error *err)
{
    collio_attribute_facts facts;
    int64_t there = 1;

    if (collio_attribute_info(v->object, v->name, &facts, err))
        return err->code;
    for (int d = 0; d < facts.ndim; d++)
        there *= facts.shape[d];
    if (facts.kind == COLLIO_ATTRIBUTE_EMPTY || there != elements(v))
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "attribute '%s' has %" PRId64 " elements, and %" PRId64 " are given",
                         v->name, facts.kind == COLLIO_ATTRIBUTE_EMPTY ? 0 : there, elements(v));
    return err->code;
}

static int check_value(value *v, collio_error *err)
{
    if (collio_object_check_writable(v->object, err) || check_name(v->object, v->name, err))
        return err->code;
    if (v->text != NULL)
        return COLLIO_OK;
    if (collio_type_size(v->type) == 0)
        return collio_error_set(err, COLLIO_ERR_TYPE, "unknown element type %d", (int)v->type);
    if (v->named != NULL && collio_datatype_check(v->named, v->object->file, v->type, err))
        return err->code;
    if (v->empty || check_shape(v, err) || (v->keep_form && check_form(v, err)))
        return err->code;
    if (v->bytes > HEADER_BYTES && header_version(v->object) < 2)
        return collio_error_set(err, COLLIO_ERR_HDF5,
                                "unable to create attribute '%s' of %" PRId64
                                " bytes (%d is the limit in this file; format V18 has none)",
                                v->name, v->bytes, HEADER_BYTES);
    return COLLIO_OK;
}

/* ----------------------------------------------------------------- write */

static hid_t text_type(collio_error *err)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (collio_hdf5(type < 0, "H5Tcopy", err) == COLLIO_OK) {
        collio_hdf5(H5Tset_size(type, H5T_VARIABLE) < 0, "H5Tset_size", err);
        collio_hdf5(H5Tset_cset(type, H5T_CSET_UTF8) < 0, "H5Tset_cset", err);
    }
    return type;
}

/* Whether an attribute of this type and these extents can be overwritten. */
static int fits(hid_t attribute, hid_t type, hid_t space)
{
    hid_t old_type = H5Aget_type(attribute), old_space = H5Aget_space(attribute);
    int same = old_type >= 0 && old_space >= 0 && H5Tequal(old_type, type) > 0 &&
               H5Sextent_equal(old_space, space) > 0 && !collio_hdf5_varies(type);

    if (old_type >= 0)
        H5Tclose(old_type);
    if (old_space >= 0)
        H5Sclose(old_space);
    return same;
}

static hid_t make(const value *v, hid_t type, hid_t space)
{
    return H5Acreate2(v->object->id, v->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
}

/* The attribute that is there, if it can be overwritten; else it is removed. */
static hid_t reuse(const value *v, hid_t type, hid_t space, collio_error *err)
{
    hid_t id = H5Aopen(v->object->id, v->name, H5P_DEFAULT);

    if (collio_hdf5(id < 0, "H5Aopen", err) || v->keep_form ||
        (v->named == NULL && fits(id, type, space)))
        return id;
    H5Aclose(id);
    collio_hdf5(H5Adelete(v->object->id, v->name) < 0, "H5Adelete", err);
    return H5I_INVALID_HID;
}

/* The attribute to write into: the old one if it fits, or a new one. HDF5 goes through all that the
 * object has to find a name, and does so again before it makes one: after a new attribute the next
 * is likely to be new too, and is made without asking. What HDF5 refuses then is judged below. */
static hid_t obtain(const value *v, hid_t type, hid_t space, collio_error *err)
{
    hid_t id = v->object->grows && !v->keep_form ? make(v, type, space) : H5I_INVALID_HID;
    htri_t exists;

    if (id >= 0 && collio_hdf5(0, "H5Acreate2", err) == COLLIO_OK)
        return id;
    exists = err->code == COLLIO_OK ? H5Aexists(v->object->id, v->name) : 0;
    if (collio_hdf5(exists < 0, "H5Aexists", err))
        return id;
    v->object->grows = !exists;
    if (exists)
        id = reuse(v, type, space, err);
    if (id >= 0 || err->code != COLLIO_OK)
        return id;
    id = make(v, type, space);
    collio_hdf5(id < 0, "H5Acreate2", err);
    return id;
}

static int make_space(const value *v, hid_t *space, collio_error *err)
{
    if (!v->empty)
        return collio_hdf5_space(v->ndim, v->shape, space, err);
    *space = H5Screate(H5S_NULL);
    return collio_hdf5(*space < 0, "H5Screate", err);
}

static void store(const value *v, collio_error *err)
{
    hid_t type = v->text != NULL ? text_type(err) : collio_hdf5_type(v->type, err);
    hid_t stored = v->named != NULL ? v->named->id : type;
    hid_t space = H5I_INVALID_HID, id = H5I_INVALID_HID;
    const void *data = v->text != NULL ? (const void *)&v->text : v->data;

    if (type >= 0 && make_space(v, &space, err) == COLLIO_OK)
        id = obtain(v, stored, space, err);
    if (id >= 0 && err->code == COLLIO_OK && (v->text != NULL || v->bytes > 0))
        collio_hdf5(H5Awrite(id, type, data) < 0, "H5Awrite", err);
    if (id >= 0)
        H5Aclose(id);
    if (space >= 0)
        H5Sclose(space);
    if (v->text != NULL && type >= 0)
        H5Tclose(type);
}

static int write_value(value *v, collio_error *err)
{
    collio_call call = {"write_attribute", 0, describe, v, 1};
    collio_printing printing;

    if (collio_object_check(v->object, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (check_value(v, err))
        v->ndim = 0; /* extents that are not fit to be read */
    call.digest = digest(v);
    if (collio_begin(v->object->file, &call, err) == COLLIO_OK) {
        store(v, err);
        collio_finish_change(v->object->file, call.operation, 0, err);
    }
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_attribute_write(collio_object *object, const char *name, collio_type type, int ndim,
                           const int64_t *shape, const void *data, collio_error *err)
{
    value v = {
        .object = object, .name = name, .type = type, .ndim = ndim, .shape = shape, .data = data};

    return write_value(&v, err);
}

int collio_attribute_write_named(collio_object *object, const char *name, collio_object *named,
                                 collio_type type, int ndim, const int64_t *shape, const void *data,
                                 collio_error *err)
{
    value v = {.object = object,
               .name = name,
               .named = named,
               .type = type,
               .ndim = ndim,
               .shape = shape,
               .data = data};

    return write_value(&v, err);
}

int collio_attribute_write_empty(collio_object *object, const char *name, collio_type type,
                                 collio_error *err)
{
    value v = {.object = object, .name = name, .type = type, .empty = 1};

    return write_value(&v, err);
}

int collio_attribute_modify(collio_object *object, const char *name, collio_type type, int ndim,
                            const int64_t *shape, const void *data, collio_error *err)
{
    value v = {.object = object,
               .name = name,
               .type = type,
               .ndim = ndim,
               .shape = shape,
               .data = data,
               .keep_form = 1};

    return write_value(&v, err);
}

int collio_attribute_write_text(collio_object *object, const char *name, const char *text,
                                collio_error *err)
{
    value v = {.object = object,
               .name = name,
               .text = text != NULL ? text : "",
               .type = COLLIO_TYPE_COUNT};

    if (text == NULL)
        collio_error_set(err, COLLIO_ERR_VALUE, "no text given for attribute '%s'", name);
    return write_value(&v, err);
}

int collio_attribute_delete(collio_object *object, const char *name, collio_error *err)
{
    collio_named named = {object, name};
    collio_call call = {"delete_attribute", 0, collio_named_describe, &named, 1};
    collio_printing printing;
    int exists = 0;

    if (collio_object_check(object, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_object_check_writable(object, err) == COLLIO_OK &&
        collio_attribute_exists(object, name, &exists, err) == COLLIO_OK && !exists)
        collio_error_set(err, COLLIO_ERR_KEY, "no attribute '%s' on '%s'", name, object->name);
    call.digest = collio_named_digest(&named);
    if (collio_begin(object->file, &call, err) == COLLIO_OK) {
        collio_hdf5(H5Adelete(object->id, name) < 0, "H5Adelete", err);
        collio_finish_change(object->file, call.operation, 0, err);
    }
    collio_hdf5_loud(&printing);
    return err->code;
}

/* ------------------------------------------------------------------ look */

int collio_attribute_exists(collio_object *object, const char *name, int *out, collio_error *err)
{
    collio_printing printing;
    htri_t exists;

    *out = 0;
    if (err->code != COLLIO_OK || collio_object_check(object, err) || check_name(object, name, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    exists = H5Aexists(object->id, name);
    if (collio_hdf5(exists < 0, "H5Aexists", err) == COLLIO_OK)
        *out = exists > 0;
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_attribute_count(collio_object *object, int64_t *out, collio_error *err)
{
    collio_printing printing;
    int failed;
    collio_object_facts info = {.num_attrs = 0};

    *out = 0;
    if (err->code != COLLIO_OK || collio_object_check(object, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    failed = COLLIO_OBJECT_FACTS(object->id, &info, H5O_INFO_NUM_ATTRS) < 0;
    if (collio_hdf5(failed, "H5Oget_info", err) == COLLIO_OK)
        *out = (int64_t)info.num_attrs;
    collio_hdf5_loud(&printing);
    return err->code;
}

typedef struct iteration {
    collio_name_function *function;
    void *context;
} iteration;

static herr_t one_name(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    const iteration *i = context;

    (void)object;
    (void)info;
    return i->function(name, i->context) != 0;
}

/* In order of creation where the object records that. */
static H5_index_t index_of(const collio_object *object)
{
    hid_t list = object->kind == COLLIO_KIND_GROUP     ? H5Gget_create_plist(object->id)
                 : object->kind == COLLIO_KIND_DATASET ? H5Dget_create_plist(object->id)
                                                       : H5I_INVALID_HID;
    unsigned order = 0;

    if (list >= 0) {
        H5Pget_attr_creation_order(list, &order);
        H5Pclose(list);
    }
    return order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

int collio_attribute_names(collio_object *object, collio_name_function *function, void *context,
                           collio_error *err)
{
    iteration i = {function, context};
    collio_printing printing;
    hsize_t at = 0;

    if (err->code != COLLIO_OK || collio_object_check(object, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    collio_hdf5(H5Aiterate2(object->id, index_of(object), H5_ITER_INC, &at, one_name, &i) < 0,
                "H5Aiterate2", err);
    collio_hdf5_loud(&printing);
    return err->code;
}
