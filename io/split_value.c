/* Elements that refer to objects, when these are in another file; and elements compared. */
#include "split_tree.h"
#include "type.h"

#include <stdlib.h>
#include <string.h>

static const collio_node *node_at(const collio_tree *tree, uint64_t at)
{
    for (int64_t i = 0; i < tree->count; i++)
        if (tree->node[i].first && tree->node[i].at == at)
            return &tree->node[i];
    return NULL;
}

/* What a reference leads to, in the source. */
static const collio_node *referred(const collio_tree *tree, H5R_type_t kind, const void *reference,
                                   collio_error *err)
{
    hid_t id = H5Rdereference2(tree->from, H5P_DEFAULT, kind, reference);
    const collio_node *node = NULL;
    collio_object_facts facts;
    uint64_t at;

    if (collio_hdf5(id < 0, "H5Rdereference", err))
        return NULL;
    if (collio_tree_facts(id, &facts, &at, err) == COLLIO_OK)
        node = node_at(tree, at);
    H5Oclose(id);
    if (node == NULL)
        collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                         "'%s': a reference leads to an object without a name", tree->path);
    return node;
}

static int is_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

static void translate_object(const collio_tree *tree, char *reference, collio_error *err)
{
    const collio_node *node = referred(tree, H5R_OBJECT, reference, err);

    if (node != NULL)
        collio_hdf5(H5Rcreate(reference, tree->to, node->path, H5R_OBJECT, -1) < 0, "H5Rcreate",
                    err);
}

static void translate_region(const collio_tree *tree, char *reference, collio_error *err)
{
    const collio_node *node = referred(tree, H5R_DATASET_REGION, reference, err);
    hid_t space = H5I_INVALID_HID;

    if (node == NULL)
        return;
    space = H5Rget_region(tree->from, H5R_DATASET_REGION, reference);
    if (collio_hdf5(space < 0, "H5Rget_region", err) == COLLIO_OK)
        collio_hdf5(H5Rcreate(reference, tree->to, node->path, H5R_DATASET_REGION, space) < 0,
                    "H5Rcreate", err);
    if (space >= 0)
        H5Sclose(space);
}

static void translate_reference(const collio_tree *tree, hid_t type, char *element,
                                collio_error *err)
{
    size_t size = H5Tget_size(type);

    if (is_zero(element, size))
        return;
    if (H5Tequal(type, H5T_STD_REF_OBJ) > 0)
        translate_object(tree, element, err);
    else if (H5Tequal(type, H5T_STD_REF_DSETREG) <= 0)
        collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                         "'%s': references of a kind that cannot be moved to another file",
                         tree->path);
    else if (!tree->comparing) /* it would be written to the file */
        translate_region(tree, element, err);
}

static int64_t elements_of(hid_t array)
{
    hsize_t extents[H5S_MAX_RANK];
    int64_t n = 1;

    for (int d = H5Tget_array_dims2(array, extents) - 1; d >= 0; d--)
        n *= (int64_t)extents[d];
    return n;
}

/* What compound, array and sequence have in common: parts of other types. */
typedef struct part {
    hid_t type;
    size_t offset;
    int64_t count;
} part;

static int parts_of(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);

    return class == H5T_COMPOUND ? H5Tget_nmembers(type) : class == H5T_ARRAY ? 1 : 0;
}

/* Close its type. */
static part part_of(hid_t type, int i)
{
    if (H5Tget_class(type) == H5T_ARRAY)
        return (part){H5Tget_super(type), 0, elements_of(type)};
    return (part){H5Tget_member_type(type, (unsigned)i), H5Tget_member_offset(type, (unsigned)i),
                  1};
}

static void translate_one(const collio_tree *tree, hid_t type, char *element, collio_error *err)
{
    hid_t base;

    if (H5Tget_class(type) == H5T_REFERENCE)
        translate_reference(tree, type, element, err);
    if (H5Tget_class(type) == H5T_VLEN) {
        hvl_t *sequence = (hvl_t *)element;
        base = H5Tget_super(type);
        collio_tree_translate(tree, base, sequence->p, (int64_t)sequence->len, err);
        H5Tclose(base);
    }
    for (int i = 0; i < parts_of(type); i++) {
        part p = part_of(type, i);
        collio_tree_translate(tree, p.type, element + p.offset, p.count, err);
        H5Tclose(p.type);
    }
}

void collio_tree_translate(const collio_tree *tree, hid_t type, char *elements, int64_t count,
                           collio_error *err)
{
    size_t size = H5Tget_size(type);

    if (H5Tdetect_class(type, H5T_REFERENCE) <= 0)
        return;
    for (int64_t i = 0; i < count && err->code == COLLIO_OK; i++)
        translate_one(tree, type, elements + (size_t)i * size, err);
}

int collio_tree_refers(hid_t type)
{
    return H5Tdetect_class(type, H5T_REFERENCE) != 0 || H5Tdetect_class(type, H5T_VLEN) != 0 ||
           H5Tis_variable_str(type) != 0 || collio_hdf5_varies(type);
}

/* ------------------------------------------------------------------ equal */

static int same_text(const char *const *a, const char *const *b)
{
    return (*a == NULL || *b == NULL) ? *a == *b : strcmp(*a, *b) == 0;
}

static int same_sequence(hid_t type, const hvl_t *a, const hvl_t *b)
{
    hid_t base = H5Tget_super(type);
    int same = a->len == b->len && collio_tree_equal(base, a->p, b->p, (int64_t)a->len);

    H5Tclose(base);
    return same;
}

static int same_one(hid_t type, const char *a, const char *b)
{
    H5T_class_t class = H5Tget_class(type);
    int same = 1;

    if (class == H5T_STRING && H5Tis_variable_str(type) > 0)
        return same_text((const char *const *)a, (const char *const *)b);
    if (class == H5T_VLEN)
        return same_sequence(type, (const hvl_t *)a, (const hvl_t *)b);
    if (class == H5T_REFERENCE && H5Tequal(type, H5T_STD_REF_OBJ) <= 0)
        return is_zero(a, H5Tget_size(type)) == is_zero(b, H5Tget_size(type));
    if (parts_of(type) == 0)
        return memcmp(a, b, H5Tget_size(type)) == 0;
    for (int i = 0; i < parts_of(type) && same; i++) {
        part p = part_of(type, i);
        same = collio_tree_equal(p.type, a + p.offset, b + p.offset, p.count);
        H5Tclose(p.type);
    }
    return same;
}

int collio_tree_equal(hid_t type, const char *a, const char *b, int64_t count)
{
    size_t size = H5Tget_size(type);

    for (int64_t i = 0; i < count; i++)
        if (!same_one(type, a + (size_t)i * size, b + (size_t)i * size))
            return 0;
    return 1;
}
