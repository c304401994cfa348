/*
 * What is in an HDF5 file, for the commands that look into files. They read with HDF5 alone and do
 * not start MPI, so they run on login nodes too.
 */
#ifndef COLLIO_CLI_TREE_H
#define COLLIO_CLI_TREE_H

#include <hdf5.h>
#include <stddef.h>

typedef enum tree_kind {
    TREE_GROUP,
    TREE_DATASET,
    TREE_TYPE,
    TREE_SOFT,     /* a link by path */
    TREE_EXTERNAL, /* a link to another file */
    TREE_AGAIN,    /* one more name of an object */
    TREE_UNKNOWN
} tree_kind;

typedef struct tree_entry {
    char *path; /* absolute */
    tree_kind kind;
    char *target; /* of links; the other name of AGAIN */
    char *file;   /* of external links */
} tree_entry;

/* All names below and with a starting one, in alphabetical order, a group before what is in it. */
typedef struct tree {
    tree_entry *entry;
    size_t count, room;
} tree;

/* Open a file for reading; negative, and a message that begins with `who`, on failure. */
hid_t tree_open(const char *who, const char *path);

/* Collect everything from the group or dataset `start` on. -1 with a message on failure. */
int tree_read(hid_t file, const char *start, const char *who, tree *out);
void tree_free(tree *t);

const char *tree_kind_name(tree_kind kind);

/* Room for the description of a type or a shape. */
#define TREE_TEXT 1024

/* "f8", ">i4", "str", "{x: f8, n: i4}", ... */
void tree_type_text(hid_t type, char text[TREE_TEXT]);

/* "(10, 20)"; "null" without extents. `maximum`: the largest extents, None for unlimited ones. */
void tree_shape_text(hid_t space, int maximum, char text[TREE_TEXT]);

/* "(8, 8)" */
void tree_extents_text(int ndim, const hsize_t *extents, char text[TREE_TEXT]);

/*
 * A few elements as text, in brackets if there are several: of an attribute. "..." stands for
 * what has no room or cannot be shown.
 *   text, size  out
 */
void tree_value_text(hid_t attribute, char *text, size_t size);

#endif
