/* Groups: create them, list their names. Names themselves are in link.c. */
#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- create */

typedef struct creation {
    collio_object *parent;
    const char *name; /* NULL: none */
    collio_group_options options;
} creation;

static void describe(const void *context, char *text, size_t size)
{
    const creation *c = context;

    snprintf(text, size, "('%s'%s) on '%s'", c->name != NULL ? c->name : "",
             c->options.track_order ? ", in order of creation" : "", c->parent->name);
}

static uint64_t digest(const creation *c)
{
    collio_named named = {c->parent, c->name};
    const collio_group_options *o = &c->options;
    uint64_t d = collio_hash_number(collio_named_digest(&named), (uint64_t)o->track_order);

    d = collio_hash_number(d, collio_room_digest(&o->attributes));
    return collio_hash_number(d, (uint64_t)((c->name == NULL) + 2 * (o->track_times != 0)));
}

/* The usual list, or one of its own, to be closed. */
static hid_t list_of(const collio_group_options *o, int *own, collio_error *err)
{
    int usual = o->track_order == 0 || o->track_order == COLLIO_ORDER_BOTH;
    hid_t list = collio_list_groups(o->track_order != 0, err);

    *own = list >= 0 && (!usual || o->track_times || o->attributes.given);
    if (!*own)
        return list;
    list = H5Pcopy(list);
    *own = !collio_hdf5(list < 0, "H5Pcopy", err);
    if (!*own)
        return list;
    if (o->track_times)
        collio_hdf5(H5Pset_obj_track_times(list, 1) < 0, "H5Pset_obj_track_times", err);
    collio_hdf5(
        H5Pset_link_creation_order(list, collio_order_of(o->track_order, COLLIO_ORDER_NAMES)) < 0,
        "H5Pset_link_creation_order", err);
    collio_hdf5(H5Pset_attr_creation_order(
                    list, collio_order_of(o->track_order, COLLIO_ORDER_ATTRIBUTES)) < 0,
                "H5Pset_attr_creation_order", err);
    collio_room_set(&o->attributes, list, err);
    return list;
}

static hid_t create(const creation *c, collio_error *err)
{
    int own = 0;
    hid_t links = collio_list_links(err), list = list_of(&c->options, &own, err);
    hid_t id = H5I_INVALID_HID;

    if (links >= 0 && list >= 0 && err->code == COLLIO_OK) {
        id = c->name == NULL ? H5Gcreate_anon(c->parent->id, list, H5P_DEFAULT)
                             : H5Gcreate2(c->parent->id, c->name, links, list, H5P_DEFAULT);
        collio_hdf5(id < 0, "H5Gcreate2", err);
    }
    if (own)
        H5Pclose(list);
    return id;
}

int collio_group_create(collio_object *parent, const char *name, collio_object **out,
                        collio_error *err)
{
    if (name == NULL)
        collio_error_set(err, COLLIO_ERR_VALUE, "no name given");
    return collio_group_create_with(parent, name != NULL ? name : "", NULL, out, err);
}

int collio_group_create_with(collio_object *parent, const char *name,
                             const collio_group_options *options, collio_object **out,
                             collio_error *err)
{
    creation c = {.parent = parent, .name = name};
    collio_call call = {"create_group", 0, describe, &c, 0};
    collio_printing printing;

    if (out != NULL)
        *out = NULL;
    if (collio_object_check(parent, err))
        return err->code;
    if (options != NULL)
        c.options = *options;
    collio_hdf5_quiet(&printing);
    collio_room_check(&c.options.attributes, err);
    if (name != NULL)
        collio_object_check_new(parent, name, err);
    else
        collio_object_check_writable(parent, err);
    call.digest = digest(&c);
    if (collio_begin(parent->file, &call, err))
        goto done;
    collio_object_made(parent->file, call.operation, create(&c, err), out, err);
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

/* Names as HDF5 finds them. It could sort them too, but frees what it has not made when it meets
 * damage on the way. */
typedef struct found {
    char *name;
    int64_t order; /* of creation; 0 where that is not kept */
} found;

typedef struct listing {
    found *list;
    size_t count, room;
    int ordered, failed;
} listing;

static herr_t one_name(hid_t group, const char *name, const collio_link_facts *info, void *context)
{
    listing *l = context;

    (void)group;
    if (l->count == l->room) {
        size_t room = 2 * l->room + 16;
        found *more = realloc(l->list, room * sizeof *more);
        l->failed = more == NULL;
        if (l->failed)
            return -1;
        l->list = more;
        l->room = room;
    }
    l->list[l->count].name = strdup(name);
    l->list[l->count].order = l->ordered && info->corder_valid ? info->corder : 0;
    l->failed = l->list[l->count].name == NULL;
    l->count += !l->failed;
    return l->failed ? -1 : 0;
}

static int by_order(const void *a, const void *b)
{
    const found *x = a, *y = b;

    return x->order != y->order ? (x->order > y->order) - (x->order < y->order)
                                : strcmp(x->name, y->name);
}

int collio_group_is_ordered(collio_object *group, int *out, collio_error *err)
{
    hid_t list = H5I_INVALID_HID;
    unsigned order = 0;

    *out = 0;
    if (check_group(group, err))
        return err->code;
    list = H5Gget_create_plist(group->id);
    if (collio_hdf5(list < 0, "H5Gget_create_plist", err) == COLLIO_OK)
        collio_hdf5(H5Pget_link_creation_order(list, &order) < 0, "H5Pget_link_creation_order",
                    err);
    if (list >= 0)
        H5Pclose(list);
    *out = (order & H5P_CRT_ORDER_TRACKED) != 0;
    return err->code;
}

static int collect_names(collio_object *group, listing *l, collio_error *err)
{
    hsize_t at = 0;
    herr_t failed;

    if (collio_group_is_ordered(group, &l->ordered, err))
        return err->code;
    failed = COLLIO_LINK_ITERATE(group->id, l->ordered ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME,
                                 H5_ITER_NATIVE, &at, one_name, l);
    if (l->failed)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the names in a group");
    if (l->count > 1)
        qsort(l->list, l->count, sizeof *l->list, by_order);
    return collio_hdf5(failed < 0, "H5Literate", err);
}

int collio_group_names(collio_object *group, collio_name_function *function, void *context,
                       collio_error *err)
{
    listing l = {NULL, 0, 0, 0, 0};
    collio_printing printing;

    if (check_group(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collect_names(group, &l, err) == COLLIO_OK)
        for (size_t i = 0; i < l.count && function(l.list[i].name, context) == 0; i++)
            continue;
    for (size_t i = 0; i < l.count; i++)
        free(l.list[i].name);
    free(l.list);
    collio_hdf5_loud(&printing);
    return err->code;
}
