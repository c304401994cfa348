/* The links and objects of one file made again in another, and compared. */
#include "split_tree.h"

#include <stdlib.h>
#include <string.h>

/* The type as it is; if it has a name, the one of that name. */
static hid_t same_type(const collio_tree *tree, hid_t of, collio_error *err)
{
    hid_t type = of, named;
    collio_object_facts facts;
    uint64_t at;

    if (H5Tcommitted(type) <= 0 || collio_tree_facts(type, &facts, &at, err))
        return type;
    for (int64_t i = 0; i < tree->count; i++) {
        const collio_node *n = &tree->node[i];
        if (!n->first || n->at != at || H5Lexists(tree->to, n->path, H5P_DEFAULT) <= 0)
            continue;
        named = H5Topen2(tree->to, n->path, H5P_DEFAULT);
        if (named >= 0) {
            H5Tclose(type);
            return named;
        }
    }
    named = H5Tcopy(type); /* without its name */
    collio_hdf5(named < 0, "H5Tcopy", err);
    H5Tclose(type);
    return named;
}

/* What the whole has and not the part: what is kept about attributes, and times. */
static void take_over(hid_t whole, hid_t list, collio_error *err)
{
    unsigned order = 0, most = 8, least = 6;
    hbool_t times = 0;

    collio_hdf5(H5Pget_attr_creation_order(whole, &order) < 0 ||
                    H5Pset_attr_creation_order(list, order) < 0 ||
                    H5Pget_attr_phase_change(whole, &most, &least) < 0 ||
                    H5Pset_attr_phase_change(list, most, least) < 0 ||
                    H5Pget_obj_track_times(whole, &times) < 0 ||
                    H5Pset_obj_track_times(list, times) < 0,
                "H5Pset_attr_creation_order", err);
}

static void make_dataset(const collio_tree *tree, const collio_node *n, hid_t links,
                         collio_error *err)
{
    hid_t id = H5Dopen2(tree->from, n->path, H5P_DEFAULT), list, type, space, made, part;
    char name[64] = "", *index = NULL;

    if (collio_hdf5(id < 0, "H5Dopen2", err))
        return;
    list = H5Dget_create_plist(id);
    type = same_type(tree, H5Dget_type(id), err);
    space = H5Dget_space(id);
    if (collio_split_in_parts(list, tree->path, &index, name, sizeof name)) {
        part = collio_tree_list_of_part(index, name, err);
        if (part >= 0) {
            take_over(list, part, err);
            H5Pclose(list);
            list = part;
        }
    }
    if (err->code == COLLIO_OK) {
        made = H5Dcreate2(tree->to, n->path, type, space, links, list, H5P_DEFAULT);
        if (collio_hdf5(made < 0, "H5Dcreate2", err) == COLLIO_OK)
            H5Dclose(made);
    }
    free(index);
    H5Sclose(space);
    H5Tclose(type);
    H5Pclose(list);
    H5Dclose(id);
}

static void make_group(const collio_tree *tree, const collio_node *n, hid_t links,
                       collio_error *err)
{
    hid_t id = H5Gopen2(tree->from, n->path, H5P_DEFAULT), list, made;

    if (collio_hdf5(id < 0, "H5Gopen2", err))
        return;
    list = H5Gget_create_plist(id);
    made = H5Gcreate2(tree->to, n->path, links, list, H5P_DEFAULT);
    if (collio_hdf5(made < 0, "H5Gcreate2", err) == COLLIO_OK)
        H5Gclose(made);
    H5Pclose(list);
    H5Gclose(id);
}

static void make_type(const collio_tree *tree, const collio_node *n, hid_t links, collio_error *err)
{
    hid_t id = H5Topen2(tree->from, n->path, H5P_DEFAULT), copy, list;

    if (collio_hdf5(id < 0, "H5Topen2", err))
        return;
    copy = H5Tcopy(id);
    list = H5Tget_create_plist(id);
    collio_hdf5(H5Tcommit2(tree->to, n->path, copy, links, list, H5P_DEFAULT) < 0, "H5Tcommit2",
                err);
    H5Pclose(list);
    H5Tclose(copy);
    H5Tclose(id);
}

static void make_external(const collio_tree *tree, const collio_node *n, hid_t links,
                          collio_error *err)
{
    const char *file = NULL, *object = NULL;

    if (collio_hdf5(H5Lunpack_elink_val(n->value, n->size, NULL, &file, &object) < 0,
                    "H5Lunpack_elink_val", err) == COLLIO_OK)
        collio_hdf5(H5Lcreate_external(file, object, tree->to, n->path, links, H5P_DEFAULT) < 0,
                    "H5Lcreate_external", err);
}

static void make_node(const collio_tree *tree, const collio_node *n, collio_error *err)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE);

    if (collio_hdf5(links < 0 || H5Pset_char_encoding(links, n->cset) < 0, "H5Pset_char_encoding",
                    err))
        return;
    if (n->link == H5L_TYPE_SOFT)
        collio_hdf5(H5Lcreate_soft(n->value, tree->to, n->path, links, H5P_DEFAULT) < 0,
                    "H5Lcreate_soft", err);
    else if (n->link == H5L_TYPE_EXTERNAL)
        make_external(tree, n, links, err);
    else if (n->link != H5L_TYPE_HARD)
        collio_error_set(err, COLLIO_ERR_UNSUPPORTED, "'%s': '%s' is a link of another program's",
                         tree->path, n->path);
    else if (!n->first)
        collio_hdf5(H5Lcreate_hard(tree->to, tree->node[n->same].path, tree->to, n->path, links,
                                   H5P_DEFAULT) < 0,
                    "H5Lcreate_hard", err);
    else if (n->type == H5O_TYPE_GROUP)
        make_group(tree, n, links, err);
    else if (n->type == H5O_TYPE_DATASET)
        make_dataset(tree, n, links, err);
    else
        make_type(tree, n, links, err);
    H5Pclose(links);
}

/* ------------------------------------------------ what is in them, compared */

/* Values of an attribute or a dataset of one file: as they are stored. */
typedef struct values {
    hid_t type, space;
    char *bytes;
    int64_t count;
} values;

static void values_open(values *v, hid_t id, int attribute, int read, collio_error *err)
{
    v->type = attribute ? H5Aget_type(id) : H5Dget_type(id);
    v->space = attribute ? H5Aget_space(id) : H5Dget_space(id);
    v->bytes = NULL;
    if (collio_hdf5(v->type < 0 || v->space < 0, "H5Dget_type", err))
        return;
    v->count = H5Sget_simple_extent_npoints(v->space);
    if (!read || v->count <= 0)
        return;
    v->bytes = calloc((size_t)v->count, H5Tget_size(v->type));
    if (v->bytes == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for elements");
    else
        collio_hdf5((attribute ? H5Aread(id, v->type, v->bytes)
                               : H5Dread(id, v->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, v->bytes)) < 0,
                    "H5Dread", err);
}

static void values_close(values *v)
{
    if (v->bytes != NULL && collio_tree_refers(v->type))
        H5Dvlen_reclaim(v->type, v->space, H5P_DEFAULT, v->bytes);
    free(v->bytes);
    if (v->space >= 0)
        H5Sclose(v->space);
    if (v->type >= 0)
        H5Tclose(v->type);
    *v = (values){H5I_INVALID_HID, H5I_INVALID_HID, NULL, 0};
}

/* Types with names are types of the same kind. */
static int same_kind(hid_t a, hid_t b)
{
    hid_t x = H5Tcopy(a), y = H5Tcopy(b);
    int same = x >= 0 && y >= 0 && H5Tequal(x, y) > 0;

    if (x >= 0)
        H5Tclose(x);
    if (y >= 0)
        H5Tclose(y);
    return same;
}

/* References of the one lead where those of the other do, by now. */
static void open_both(const collio_tree *tree, values *x, hid_t a, values *y, hid_t b,
                      int attribute, int read, collio_error *err)
{
    values_open(x, a, attribute, read, err);
    values_open(y, b, attribute, read, err);
    if (err->code == COLLIO_OK && x->bytes != NULL)
        collio_tree_translate(tree, x->type, x->bytes, x->count, err);
}

static int same_values(const values *x, const values *y)
{
    H5S_class_t class = H5Sget_simple_extent_type(x->space);

    return class == H5Sget_simple_extent_type(y->space) &&
           (class != H5S_SIMPLE || H5Sextent_equal(x->space, y->space) > 0) &&
           same_kind(x->type, y->type) &&
           (x->bytes == NULL ||
            (y->bytes != NULL && collio_tree_equal(x->type, x->bytes, y->bytes, x->count)));
}

static void compare_values(const collio_tree *tree, hid_t a, hid_t b, int attribute, int read,
                           const char *name, collio_error *err)
{
    values x = {H5I_INVALID_HID, H5I_INVALID_HID, NULL, 0}, y = x;

    open_both(tree, &x, a, &y, b, attribute, read, err);
    if (err->code == COLLIO_OK && !same_values(&x, &y))
        collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' of '%s' is another in the result", name,
                         tree->path);
    values_close(&x);
    values_close(&y);
}

/* ------------------------------------------------------------- attributes */

static void make_attribute(const collio_tree *tree, hid_t from, hid_t to, const char *name,
                           collio_error *err)
{
    values v = {H5I_INVALID_HID, H5I_INVALID_HID, NULL, 0};
    hid_t list = H5Aget_create_plist(from), made, type = H5I_INVALID_HID;

    values_open(&v, from, 1, 1, err);
    if (err->code == COLLIO_OK && v.bytes != NULL)
        collio_tree_translate(tree, v.type, v.bytes, v.count, err);
    if (err->code == COLLIO_OK) {
        type = same_type(tree, H5Aget_type(from), err);
        made = H5Acreate2(to, name, type, v.space, list, H5P_DEFAULT);
        if (collio_hdf5(made < 0, "H5Acreate2", err) == COLLIO_OK) {
            if (v.bytes != NULL)
                collio_hdf5(H5Awrite(made, v.type, v.bytes) < 0, "H5Awrite", err);
            H5Aclose(made);
        }
    }
    if (type >= 0)
        H5Tclose(type);
    if (list >= 0)
        H5Pclose(list);
    values_close(&v);
}

static void compare_attribute(const collio_tree *tree, hid_t from, hid_t to, const char *name,
                              collio_error *err)
{
    hid_t other = H5Aexists(to, name) > 0 ? H5Aopen(to, name, H5P_DEFAULT) : H5I_INVALID_HID;

    if (other < 0) {
        collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' of '%s' is not in the result", name,
                         tree->path);
        return;
    }
    compare_values(tree, from, other, 1, 1, name, err);
    H5Aclose(other);
}

typedef struct visiting {
    const collio_tree *tree;
    hid_t to;
    int comparing;
    collio_error *err;
} visiting;

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *facts,
                              void *context)
{
    visiting *v = context;
    hid_t from = H5Aopen(object, name, H5P_DEFAULT);

    (void)facts;
    if (collio_hdf5(from < 0, "H5Aopen", v->err))
        return -1;
    if (v->comparing)
        compare_attribute(v->tree, from, v->to, name, v->err);
    else
        make_attribute(v->tree, from, v->to, name, v->err);
    H5Aclose(from);
    return v->err->code == COLLIO_OK ? 0 : -1;
}

/* In the order in which they were made, if that is kept. */
static void visit_attributes(const collio_tree *tree, hid_t from, hid_t to, int comparing,
                             collio_error *err)
{
    visiting v = {tree, to, comparing, err};
    herr_t status = H5Aiterate2(from, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, visit_attribute, &v);

    if (status < 0 && err->code == COLLIO_OK)
        status = H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &v);
    collio_hdf5(status < 0, "H5Aiterate2", err);
}

/* --------------------------------------------------------------- elements */

/* Elements that are somewhere else by the user's wish stay there. */
static int is_here(hid_t dataset, collio_error *err)
{
    hid_t list = H5Dget_create_plist(dataset);
    char name[64], *index = NULL;
    int here = list >= 0 &&
               (H5Pget_layout(list) != H5D_VIRTUAL ||
                collio_split_in_parts(list, "", &index, name, sizeof name)) &&
               H5Pget_external_count(list) <= 0;

    collio_hdf5(list < 0, "H5Dget_create_plist", err);
    free(index);
    if (list >= 0)
        H5Pclose(list);
    return here;
}

static void make_elements(const collio_tree *tree, hid_t from, hid_t to, collio_error *err)
{
    values v = {H5I_INVALID_HID, H5I_INVALID_HID, NULL, 0};

    values_open(&v, from, 0, 1, err);
    if (err->code == COLLIO_OK && v.bytes != NULL) {
        collio_tree_translate(tree, v.type, v.bytes, v.count, err);
        if (err->code == COLLIO_OK)
            collio_hdf5(H5Dwrite(to, v.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, v.bytes) < 0,
                        "H5Dwrite", err);
    }
    values_close(&v);
}

static void visit_object(const collio_tree *tree, const collio_node *n, int comparing,
                         collio_error *err)
{
    hid_t from = H5Oopen(tree->from, n->path, H5P_DEFAULT);
    hid_t to = from < 0 ? from : H5Oopen(tree->to, n->path, H5P_DEFAULT);
    collio_object_facts a, b;
    uint64_t at;

    collio_hdf5(from < 0 || to < 0, "H5Oopen", err);
    if (err->code == COLLIO_OK && collio_tree_facts(from, &a, &at, err) == COLLIO_OK &&
        collio_tree_facts(to, &b, &at, err) == COLLIO_OK && comparing &&
        (a.type != b.type || a.num_attrs != b.num_attrs))
        collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' of '%s' is another in the result", n->path,
                         tree->path);
    if (err->code == COLLIO_OK)
        visit_attributes(tree, from, to, comparing, err);
    if (err->code == COLLIO_OK && n->type == H5O_TYPE_DATASET) {
        int read = !n->moved && is_here(from, err);
        if (comparing)
            compare_values(tree, from, to, 0, read, n->path, err);
        else if (read)
            make_elements(tree, from, to, err);
    }
    if (to >= 0)
        H5Oclose(to);
    if (from >= 0)
        H5Oclose(from);
}

/* ------------------------------------------------------------ all of them */

int collio_tree_make(collio_tree *tree, hid_t to, collio_error *err)
{
    tree->to = to;
    tree->comparing = 0;
    for (int64_t i = 1; i < tree->count && err->code == COLLIO_OK; i++)
        make_node(tree, &tree->node[i], err);
    /* All that could be referred to is there. */
    for (int64_t i = 0; i < tree->count && err->code == COLLIO_OK; i++)
        if (tree->node[i].first)
            visit_object(tree, &tree->node[i], 0, err);
    return err->code;
}

static uint64_t object_at(const collio_tree *tree, const char *path)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    hid_t id = H5Oopen(tree->to, path, H5P_DEFAULT);
    collio_object_facts facts;
    uint64_t at = 0;

    collio_tree_facts(id, &facts, &at, &ignored);
    if (id >= 0)
        H5Oclose(id);
    return at;
}

static int same_link(const collio_tree *tree, const collio_node *n)
{
    collio_link_facts facts;
    int same =
        COLLIO_LINK_FACTS(tree->to, n->path, &facts, H5P_DEFAULT) >= 0 && facts.type == n->link;

    if (same && n->link == H5L_TYPE_HARD)
        return n->first || object_at(tree, n->path) == object_at(tree, tree->node[n->same].path);
    if (same && facts.u.val_size == n->size) {
        char *value = malloc(n->size + 1);
        same = value != NULL && H5Lget_val(tree->to, n->path, value, n->size, H5P_DEFAULT) >= 0 &&
               memcmp(value, n->value, n->size) == 0;
        free(value);
        return same;
    }
    return 0;
}

static herr_t count_link(hid_t group, const char *name, const collio_link_facts *facts,
                         void *context)
{
    (void)group, (void)name, (void)facts;
    ++*(int64_t *)context;
    return 0;
}

int collio_tree_compare(collio_tree *tree, hid_t to, collio_error *err)
{
    int64_t links = 1;

    tree->to = to;
    tree->comparing = 1;
    for (int64_t i = 1; i < tree->count && err->code == COLLIO_OK; i++)
        if (!same_link(tree, &tree->node[i]))
            collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' of '%s' is not so in the result",
                             tree->node[i].path, tree->path);
    for (int64_t i = 0; i < tree->count && err->code == COLLIO_OK; i++)
        if (tree->node[i].first)
            visit_object(tree, &tree->node[i], 1, err);
    if (err->code == COLLIO_OK)
        collio_hdf5(COLLIO_LINK_VISIT(to, H5_INDEX_NAME, H5_ITER_INC, count_link, &links) < 0,
                    "H5Lvisit", err);
    if (err->code == COLLIO_OK && links != tree->count)
        collio_error_set(err, COLLIO_ERR_DAMAGED, "the result has %lld names, '%s' %lld",
                         (long long)links, tree->path, (long long)tree->count);
    return err->code;
}
