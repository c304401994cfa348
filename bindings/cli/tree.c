/* The names in an HDF5 file. */
#define _GNU_SOURCE
#include "tree.h"

#include "io/releases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One object that has been met, to know it again under another name. */
typedef struct met {
    collio_object_token id;
    char *path; /* the entry's */
} met;

typedef struct walk {
    tree *tree;
    hid_t file;
    met *met;
    size_t met_count;
    int failed;
} walk;

/* ---------------------------------------------------------------- the entries */

static void *grow(walk *w, void *list, size_t count, size_t size)
{
    void *more = list;

    if ((count & (count - 1)) == 0)
        more = realloc(list, (count > 0 ? 2 * count : 1) * size);
    if (more == NULL)
        w->failed = 1;
    return more != NULL ? more : list;
}

/* Takes `path` over. The new entry, or NULL. */
static tree_entry *add(walk *w, char *path, tree_kind kind)
{
    tree *t = w->tree;

    if (path != NULL)
        t->entry = grow(w, t->entry, t->count, sizeof *t->entry);
    if (path == NULL || w->failed) {
        w->failed = 1;
        free(path);
        return NULL;
    }
    t->entry[t->count] = (tree_entry){path, kind, NULL, NULL};
    return &t->entry[t->count++];
}

/* The path under which an object was met before; else it is noted, and NULL is returned. */
static const char *meet(walk *w, const collio_object_facts *info, char *path)
{
    for (size_t i = 0; i < w->met_count && info->rc > 1; i++)
        if (memcmp(&w->met[i].id, &COLLIO_OBJECT_TOKEN(*info), sizeof w->met[i].id) == 0)
            return w->met[i].path;
    if (info->rc > 1) {
        w->met = grow(w, w->met, w->met_count, sizeof *w->met);
        if (!w->failed)
            w->met[w->met_count++] = (met){COLLIO_OBJECT_TOKEN(*info), path};
    }
    return NULL;
}

/* --------------------------------------------------------------------- walking */

static void visit_object(walk *w, char *path);

/* What the walk through a group's names knows. */
typedef struct place {
    walk *walk;
    const char *path; /* of the group; "" of the root */
} place;

static void read_link(walk *w, const char *path, size_t size, tree_entry *entry)
{
    char *value = calloc(size + 1, 1);
    const char *file = NULL, *target = value;
    unsigned flags;

    if (value != NULL && H5Lget_val(w->file, path, value, size, H5P_DEFAULT) >= 0) {
        if (entry->kind == TREE_EXTERNAL &&
            H5Lunpack_elink_val(value, size, &flags, &file, &target) < 0)
            target = "?";
        entry->target = strdup(target);
        entry->file = file != NULL ? strdup(file) : NULL;
    }
    free(value);
}

static herr_t visit_name(hid_t group, const char *name, const collio_link_facts *info,
                         void *context)
{
    const place *p = context;
    walk *w = p->walk;
    tree_entry *entry;
    char *path;

    (void)group;
    if (asprintf(&path, "%s/%s", p->path, name) < 0)
        path = NULL;
    if (info->type == H5L_TYPE_HARD && path != NULL) {
        visit_object(w, path);
        return w->failed;
    }
    entry = add(w, path,
                info->type == H5L_TYPE_SOFT       ? TREE_SOFT
                : info->type == H5L_TYPE_EXTERNAL ? TREE_EXTERNAL
                                                  : TREE_UNKNOWN);
    if (entry != NULL && entry->kind != TREE_UNKNOWN)
        read_link(w, entry->path, info->u.val_size, entry);
    return w->failed;
}

static tree_kind kind_of(H5O_type_t type)
{
    return type == H5O_TYPE_GROUP            ? TREE_GROUP
           : type == H5O_TYPE_DATASET        ? TREE_DATASET
           : type == H5O_TYPE_NAMED_DATATYPE ? TREE_TYPE
                                             : TREE_UNKNOWN;
}

/* Takes `path` over. An object that cannot be opened is unknown. */
static void visit_object(walk *w, char *path)
{
    hid_t id = H5Oopen(w->file, path, H5P_DEFAULT);
    collio_object_facts info;
    tree_entry *entry;
    const char *before = NULL;
    hsize_t at = 0;

    if (id < 0 || COLLIO_OBJECT_FACTS(id, &info, H5O_INFO_BASIC) < 0) {
        add(w, path, TREE_UNKNOWN);
    } else {
        before = meet(w, &info, path);
        entry = add(w, path, before != NULL ? TREE_AGAIN : kind_of(info.type));
        if (entry != NULL && before != NULL)
            entry->target = strdup(before);
        if (entry != NULL && entry->kind == TREE_GROUP) {
            place p = {w, strcmp(path, "/") == 0 ? "" : path};
            COLLIO_LINK_ITERATE(id, H5_INDEX_NAME, H5_ITER_INC, &at, visit_name, &p);
        }
    }
    if (id >= 0)
        H5Oclose(id);
}

int tree_read(hid_t file, const char *start, const char *who, tree *out)
{
    walk w = {out, file, NULL, 0, 0};
    int is_root = strcmp(start, "/") == 0;
    char *path = strdup(start);

    *out = (tree){NULL, 0, 0};
    if (!is_root && H5Lexists(file, start, H5P_DEFAULT) <= 0) {
        fprintf(stderr, "%s: no object '%s'\n", who, start);
        free(path);
        return -1;
    }
    visit_object(&w, path);
    free(w.met);
    if (w.failed)
        fprintf(stderr, "%s: out of memory\n", who);
    return w.failed ? -1 : 0;
}

void tree_free(tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->entry[i].path);
        free(t->entry[i].target);
        free(t->entry[i].file);
    }
    free(t->entry);
    *t = (tree){NULL, 0, 0};
}

/* ------------------------------------------------------------------------ files */

/* HDF5's own words for what failed last: the innermost. */
static herr_t innermost(unsigned n, const H5E_error2_t *line, void *text)
{
    if (n == 0)
        snprintf(text, TREE_TEXT, "%s", line->desc != NULL ? line->desc : "");
    return 0;
}

hid_t tree_open(const char *who, const char *path)
{
    char why[TREE_TEXT] = "";
    hid_t file;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) {
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, why);
        fprintf(stderr, "%s: cannot open '%s': %s\n", who, path, why);
    }
    return file;
}

const char *tree_kind_name(tree_kind kind)
{
    static const char *const names[] = {"group",         "dataset",       "datatype",
                                        "soft link",     "external link", "one more name",
                                        "unknown object"};

    return names[kind];
}
