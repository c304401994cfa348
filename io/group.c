/* Groups: create them, list and remove names. */
#include "file.h"

/* ---------------------------------------------------------------- create */

static hid_t create(collio_object *parent, const char *name, collio_error *err)
{
    hid_t links = collio_list_links(err), creation = collio_list_groups(err), id;

    if (links < 0 || creation < 0)
        return H5I_INVALID_HID;
    id = H5Gcreate2(parent->id, name, links, creation, H5P_DEFAULT);
    collio_hdf5(id < 0, "H5Gcreate2", err);
    return id;
}

int collio_group_create(collio_object *parent, const char *name, collio_object **out,
                        collio_error *err)
{
    collio_named named = {parent, name};
    collio_call call = {"create_group", 0, collio_named_describe, &named};
    collio_object *group = NULL;
    collio_printing printing;
    hid_t id;

    if (out != NULL)
        *out = NULL;
    if (collio_object_check(parent, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    collio_object_check_new(parent, name, err);
    call.digest = collio_named_digest(&named);
    if (collio_begin(parent->file, &call, err))
        goto done;
    id = create(parent, name, err);
    if (id >= 0)
        collio_object_wrap(parent->file, id, NULL, &group, err);
    collio_finish(parent->file, call.operation, group != NULL ? group->identity : 0, err);
    if (err->code != COLLIO_OK || out == NULL)
        collio_object_close(&group);
    else
        *out = group;
done:
    collio_hdf5_loud(&printing);
    return err->code;
}

/* ---------------------------------------------------------------- delete */

int collio_link_delete(collio_object *group, const char *name, collio_error *err)
{
    collio_named named = {group, name};
    collio_call call = {"delete", 0, collio_named_describe, &named};
    collio_printing printing;
    collio_kind kind = COLLIO_KIND_NONE;
    htri_t exists = 0;

    if (collio_object_check(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_file_check_writable(group->file, err) == COLLIO_OK &&
        collio_group_find(group, name, &kind, err) == COLLIO_OK && kind == COLLIO_KIND_NONE) {
        exists = H5Lexists(group->id, name, H5P_DEFAULT); /* a link that leads nowhere */
        if (exists <= 0)
            collio_error_set(err, COLLIO_ERR_KEY, "no name '%s' in '%s'", name, group->name);
    }
    call.digest = collio_named_digest(&named);
    if (collio_begin(group->file, &call, err))
        goto done;
    collio_hdf5(H5Ldelete(group->id, name, H5P_DEFAULT) < 0, "H5Ldelete", err);
    collio_finish(group->file, call.operation, 0, err);
done:
    collio_hdf5_loud(&printing);
    return err->code;
}

/* ------------------------------------------------------------------ look */

static int check_group(const collio_object *group, collio_error *err)
{
    if (err->code != COLLIO_OK || collio_object_check(group, err))
        return err->code;
    if (group->kind != COLLIO_KIND_GROUP)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a group", group->name);
    return COLLIO_OK;
}

int collio_group_count(collio_object *group, int64_t *out, collio_error *err)
{
    collio_printing printing;
    H5G_info_t info = {.nlinks = 0};

    *out = 0;
    if (check_group(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_hdf5(H5Gget_info(group->id, &info) < 0, "H5Gget_info", err) == COLLIO_OK)
        *out = (int64_t)info.nlinks;
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_group_find(collio_object *group, const char *name, collio_kind *out, collio_error *err)
{
    collio_object *object = NULL;
    collio_printing printing;
    int exists = 0;

    *out = COLLIO_KIND_NONE;
    if (check_group(group, err))
        return err->code;
    if (name == NULL || name[0] == '\0')
        return collio_error_set(err, COLLIO_ERR_VALUE, "no name given");
    collio_hdf5_quiet(&printing);
    if (collio_object_exists(group, name, &exists, err) == COLLIO_OK && exists &&
        collio_object_open(group, name, &object, err) == COLLIO_OK)
        *out = object->kind;
    collio_object_close(&object);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* -------------------------------------------------------------- iterate */

typedef struct iteration {
    collio_name_function *function;
    void *context;
} iteration;

#if H5_VERSION_GE(1, 12, 0)
typedef H5L_info2_t link_info;
#define ITERATE H5Literate2
#else
typedef H5L_info_t link_info;
#define ITERATE H5Literate
#endif

static herr_t one_name(hid_t group, const char *name, const link_info *info, void *context)
{
    const iteration *i = context;

    (void)group;
    (void)info;
    return i->function(name, i->context) != 0;
}

/* In order of creation where that is recorded. */
static H5_index_t index_of(hid_t group)
{
    hid_t list = H5Gget_create_plist(group);
    unsigned order = 0;

    if (list >= 0) {
        H5Pget_link_creation_order(list, &order);
        H5Pclose(list);
    }
    return order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

int collio_group_names(collio_object *group, collio_name_function *function, void *context,
                       collio_error *err)
{
    iteration i = {function, context};
    collio_printing printing;
    hsize_t at = 0;

    if (check_group(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    collio_hdf5(ITERATE(group->id, index_of(group->id), H5_ITER_INC, &at, one_name, &i) < 0,
                "H5Literate", err);
    collio_hdf5_loud(&printing);
    return err->code;
}
