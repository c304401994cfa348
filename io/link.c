/* Links: the names in groups, whatever they lead to. */
#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ change */

/* A link to be made or moved. */
typedef struct linking {
    collio_object *group;
    const char *name;
    collio_object *target;   /* of a hard link */
    const char *file, *path; /* of other links; where to move */
    int removes;
} linking;

typedef herr_t link_function(const linking *l, hid_t creation);

static void describe(const void *context, char *text, size_t size)
{
    const linking *l = context;

    snprintf(text, size, "('%s' to %s%s'%s') in '%s'", l->name != NULL ? l->name : "",
             l->file != NULL ? l->file : "", l->file != NULL ? ": " : "",
             l->target != NULL ? l->target->name
             : l->path != NULL ? l->path
                               : "",
             l->group->name);
}

static uint64_t digest(const linking *l)
{
    uint64_t d = collio_hash_number(l->group->identity, l->target ? l->target->identity : 0);

    d = collio_hash_text(d, l->name != NULL ? l->name : "");
    d = collio_hash_text(d, l->file != NULL ? l->file : "");
    return collio_hash_text(d, l->path != NULL ? l->path : "");
}

/* Everything that makes, changes or removes a link goes this way. */
static int change(const linking *l, const char *operation, link_function *make, const char *called,
                  collio_error *err)
{
    collio_file *file = l->group->file;
    collio_call call = {operation, digest(l), describe, l, 0};
    collio_ticket ticket = {.operation = operation};
    collio_hold *hold = NULL;
    hid_t creation;

    collio_recent_drop(file);
    ticket.vote[0] = collio_hold_digest(file);
    if (collio_begin_voting(file, &call, &ticket, err))
        return err->code;
    creation = collio_list_links(err);
    if (l->removes && ticket.min[0] != ticket.max[0])
        hold = collio_hold_all(l->group, l->name, err);
    if (creation >= 0)
        collio_hdf5(make(l, creation) < 0, called, err);
    collio_object_rename_all(file, err);
    collio_hold_end(hold);
    return collio_finish_change(l->group->file, operation, 0, err);
}

static int check_given(const char *text, const char *what, collio_error *err)
{
    if (text == NULL || text[0] == '\0')
        collio_error_set(err, COLLIO_ERR_VALUE, "no %s given for a link", what);
    return err->code;
}

static herr_t make_hard(const linking *l, hid_t creation)
{
    return H5Olink(l->target->id, l->group->id, l->name, creation, H5P_DEFAULT);
}

int collio_link_hard(collio_object *group, const char *name, collio_object *target,
                     collio_error *err)
{
    linking l = {.group = group, .name = name, .target = target};
    collio_printing printing;

    if (collio_object_check(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (target == NULL || target->id < 0)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "unable to create link (no object, or a closed one)");
    else if (target->file != group->file || target->foreign)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "unable to create link ('%s' is in another file: a SoftLink does not "
                         "reach it, an ExternalLink does)",
                         target->name);
    collio_object_check_new(group, name, err);
    change(&l, "link", make_hard, "H5Olink", err);
    collio_hdf5_loud(&printing);
    return err->code;
}

static herr_t make_soft(const linking *l, hid_t creation)
{
    return H5Lcreate_soft(l->path, l->group->id, l->name, creation, H5P_DEFAULT);
}

int collio_link_soft(collio_object *group, const char *name, const char *path, collio_error *err)
{
    linking l = {.group = group, .name = name, .path = path};
    collio_printing printing;

    if (collio_object_check(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    check_given(path, "path", err);
    collio_object_check_new(group, name, err);
    change(&l, "soft_link", make_soft, "H5Lcreate_soft", err);
    collio_hdf5_loud(&printing);
    return err->code;
}

static herr_t make_external(const linking *l, hid_t creation)
{
    return H5Lcreate_external(l->file, l->path, l->group->id, l->name, creation, H5P_DEFAULT);
}

int collio_link_external(collio_object *group, const char *name, const char *file, const char *path,
                         collio_error *err)
{
    linking l = {.group = group, .name = name, .file = file, .path = path};
    collio_printing printing;

    if (collio_object_check(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    check_given(file, "file", err);
    check_given(path, "path", err);
    collio_object_check_new(group, name, err);
    change(&l, "external_link", make_external, "H5Lcreate_external", err);
    collio_hdf5_loud(&printing);
    return err->code;
}

static herr_t make_moved(const linking *l, hid_t creation)
{
    if (strcmp(l->name, l->path) == 0)
        return 0;
    return H5Lmove(l->group->id, l->name, l->group->id, l->path, creation, H5P_DEFAULT);
}

int collio_link_move(collio_object *group, const char *name, const char *to, collio_error *err)
{
    linking l = {.group = group, .name = name, .path = to};
    collio_printing printing;

    if (collio_object_check(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_object_check_link(group, name, err) == COLLIO_OK &&
        (to == NULL || strcmp(name, to) != 0))
        collio_object_check_new(group, to, err);
    change(&l, "move", make_moved, "H5Lmove", err);
    collio_hdf5_loud(&printing);
    return err->code;
}

static herr_t make_deleted(const linking *l, hid_t creation)
{
    (void)creation;
    return H5Ldelete(l->group->id, l->name, H5P_DEFAULT);
}

int collio_link_delete(collio_object *group, const char *name, collio_error *err)
{
    linking l = {.group = group, .name = name, .removes = 1};
    collio_printing printing;

    if (collio_object_check(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    collio_object_check_link(group, name, err);
    change(&l, "delete", make_deleted, "H5Ldelete", err);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* -------------------------------------------------------------------- look */

static collio_link_kind kind_of(const collio_link_facts *info)
{
    switch (info->type) {
    case H5L_TYPE_HARD:
        return COLLIO_LINK_HARD;
    case H5L_TYPE_SOFT:
        return COLLIO_LINK_SOFT;
    case H5L_TYPE_EXTERNAL:
        return COLLIO_LINK_EXTERNAL;
    default:
        return COLLIO_LINK_OTHER;
    }
}

/* The texts that a link of `size` bytes holds. */
static void read_value(collio_object *group, const char *name, size_t size, collio_link *out,
                       collio_error *err)
{
    char *value = calloc(size + 1, 1);
    const char *file = NULL, *path = value;
    unsigned flags;

    if (value == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a link");
        return;
    }
    if (collio_hdf5(H5Lget_val(group->id, name, value, size, H5P_DEFAULT) < 0, "H5Lget_val", err))
        goto done;
    if (out->kind == COLLIO_LINK_EXTERNAL &&
        collio_hdf5(H5Lunpack_elink_val(value, size, &flags, &file, &path) < 0,
                    "H5Lunpack_elink_val", err))
        goto done;
    out->path = strdup(path);
    out->file = file != NULL ? strdup(file) : NULL;
    if (out->path == NULL || (file != NULL && out->file == NULL))
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a link");
done:
    free(value);
}

int collio_link_info(collio_object *group, const char *name, collio_link *out, collio_error *err)
{
    collio_printing printing;
    collio_link_facts info;
    int exists = 0;

    *out = (collio_link){COLLIO_LINK_NONE, NULL, NULL};
    if (err->code != COLLIO_OK || collio_object_check(group, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    if (collio_object_links(group, name, &exists, err) || !exists)
        goto done;
    if (collio_hdf5(COLLIO_LINK_FACTS(group->id, name, &info, H5P_DEFAULT) < 0, "H5Lget_info", err))
        goto done;
    out->kind = kind_of(&info);
    if (out->kind == COLLIO_LINK_SOFT || out->kind == COLLIO_LINK_EXTERNAL)
        read_value(group, name, info.u.val_size, out, err);
done:
    collio_hdf5_loud(&printing);
    if (err->code != COLLIO_OK)
        collio_link_free(out);
    return err->code;
}

void collio_link_free(collio_link *link)
{
    free(link->path);
    free(link->file);
    *link = (collio_link){COLLIO_LINK_NONE, NULL, NULL};
}
