/* The links and objects of a file, found, made again in another, and compared. */
#define _GNU_SOURCE
#include "split_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ found */

static collio_node *append(collio_tree *tree, collio_error *err)
{
    collio_node *more = tree->node;

    if (tree->count == tree->room) {
        tree->room = 2 * tree->room + 64;
        more = realloc(tree->node, (size_t)tree->room * sizeof *more);
        if (more == NULL) {
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the objects of a file");
            return NULL;
        }
        tree->node = more;
    }
    memset(&tree->node[tree->count], 0, sizeof *more);
    return &tree->node[tree->count++];
}

static void read_value(collio_tree *tree, collio_node *n, collio_error *err)
{
    n->value = malloc(n->size + 1);
    if (n->value == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a link");
    else
        collio_hdf5(H5Lget_val(tree->from, n->path, n->value, n->size, H5P_DEFAULT) < 0,
                    "H5Lget_val", err);
}

int collio_tree_facts(hid_t object, collio_object_facts *facts, uint64_t *at, collio_error *err)
{
    *at = 0;
    if (collio_hdf5(object < 0 ||
                        COLLIO_OBJECT_FACTS(object, facts, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS) < 0,
                    "H5Oget_info", err))
        return err->code;
    memcpy(at, &COLLIO_OBJECT_TOKEN(*facts), sizeof *at);
    return COLLIO_OK;
}

static void find_object(collio_tree *tree, collio_node *n, collio_error *err)
{
    collio_object_facts facts;
    hid_t id = H5Oopen(tree->from, n->path, H5P_DEFAULT);

    collio_tree_facts(id, &facts, &n->at, err);
    if (id >= 0)
        H5Oclose(id);
    if (err->code != COLLIO_OK)
        return;
    n->type = facts.type;
    n->first = 1;
    for (int64_t i = 0; i < tree->count - 1 && n->first; i++)
        if (tree->node[i].link == H5L_TYPE_HARD && tree->node[i].at == n->at) {
            n->first = 0;
            n->same = i;
        }
}

/* The links of one group, in the order in which they were made if that is kept. */
typedef struct finding {
    collio_tree *tree;
    const char *group;
    collio_error *err;
} finding;

static herr_t find_link(hid_t group, const char *name, const collio_link_facts *facts,
                        void *context)
{
    finding *f = context;
    collio_node *n = append(f->tree, f->err);

    (void)group;
    if (n == NULL)
        return -1;
    if (asprintf(&n->path, "%s/%s", strcmp(f->group, "/") == 0 ? "" : f->group, name) < 0) {
        n->path = NULL;
        return -collio_error_set(f->err, COLLIO_ERR_MEMORY, "no memory for a path");
    }
    n->link = facts->type;
    n->cset = facts->cset;
    if (facts->type == H5L_TYPE_HARD) {
        find_object(f->tree, n, f->err);
    } else {
        n->size = facts->u.val_size;
        read_value(f->tree, n, f->err);
    }
    return f->err->code == COLLIO_OK ? 0 : -1;
}

static void find_links(collio_tree *tree, const char *group, collio_error *err)
{
    hid_t id = H5Gopen2(tree->from, group, H5P_DEFAULT), list;
    finding f = {tree, group, err};
    unsigned order = 0;
    herr_t status;

    if (collio_hdf5(id < 0, "H5Gopen2", err))
        return;
    list = H5Gget_create_plist(id);
    if (list >= 0) {
        H5Pget_link_creation_order(list, &order);
        H5Pclose(list);
    }
    status =
        COLLIO_LINK_ITERATE(id, order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME,
                            H5_ITER_INC, NULL, find_link, &f);
    collio_hdf5(status < 0, "H5Literate", err);
    H5Gclose(id);
}

/* ------------------------------------------------------- parts of the ranks */

/* How a dataset is to be stored whose elements are in parts: as the ranks have stored them. */
hid_t collio_tree_list_of_part(const char *index, const char *name, collio_error *err)
{
    const char *slash = strrchr(index, '/');
    hid_t dataset = H5I_INVALID_HID, list = H5I_INVALID_HID;
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    char *path = NULL;

    if (asprintf(&path, "%.*s/rank-000000.h5", (int)(slash - index), index) < 0) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
        return list;
    }
    if (collio_lone_open(path, &file, err) == COLLIO_OK)
        dataset = H5Dopen2(file->id, name, H5P_DEFAULT);
    if (dataset >= 0)
        list = H5Dget_create_plist(dataset);
    if (list < 0)
        collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' is missing or damaged", path);
    if (dataset >= 0)
        H5Dclose(dataset);
    if (file != NULL)
        collio_file_close(&file, &ignored);
    free(path);
    return list;
}

/* ------------------------------------------------------------------ found */

/* All ranks move what is large, unless it refers to something. */
static void look_at_dataset(collio_tree *tree, collio_node *n, collio_error *err)
{
    static const hssize_t few = 1 << 16; /* bytes */
    hid_t id = H5Dopen2(tree->from, n->path, H5P_DEFAULT), list, type, space;
    char name[64] = "", *index = NULL;
    hssize_t size;

    if (collio_hdf5(id < 0, "H5Dopen2", err))
        return;
    list = H5Dget_create_plist(id);
    type = H5Dget_type(id);
    space = H5Dget_space(id);
    size = H5Sget_simple_extent_npoints(space) * (hssize_t)H5Tget_size(type);
    if (collio_split_in_parts(list, tree->path, &index, name, sizeof name)) {
        collio_split_check_files(index, err);
        n->moved = !collio_tree_refers(type);
    } else {
        n->moved = H5Pget_layout(list) != H5D_VIRTUAL && H5Pget_external_count(list) <= 0 &&
                   size > few && !collio_tree_refers(type);
    }
    free(index);
    H5Sclose(space);
    H5Tclose(type);
    H5Pclose(list);
    H5Dclose(id);
}

int collio_tree_find(collio_tree *tree, hid_t from, const char *path, collio_error *err)
{
    collio_node *root = append(tree, err);

    tree->from = from;
    tree->path = path;
    if (root == NULL)
        return err->code;
    root->path = strdup("/");
    if (root->path == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    root->link = H5L_TYPE_HARD;
    find_object(tree, root, err);
    for (int64_t i = 0; i < tree->count && err->code == COLLIO_OK; i++) {
        collio_node *n = &tree->node[i]; /* moves when more are found */
        if (n->link != H5L_TYPE_HARD || !n->first)
            continue;
        if (n->type == H5O_TYPE_GROUP)
            find_links(tree, n->path, err);
        else if (n->type == H5O_TYPE_DATASET)
            look_at_dataset(tree, n, err);
    }
    return err->code;
}

void collio_tree_free(collio_tree *tree)
{
    for (int64_t i = 0; i < tree->count; i++) {
        free(tree->node[i].path);
        free(tree->node[i].value);
    }
    free(tree->node);
    *tree = (collio_tree){.count = 0};
}
