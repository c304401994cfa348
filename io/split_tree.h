/*
 * What a file is made of: its links, and the objects they lead to, so that another file can be made
 * that has the same ones, or compared with it. By one rank alone. Never installed.
 */
#ifndef COLLIO_IO_SPLIT_TREE_H
#define COLLIO_IO_SPLIT_TREE_H

#include "split.h"

#include "collio/checkpoint.h"

/* A link, and with the first hard one to it an object. */
typedef struct collio_node {
    char *path; /* absolute */
    H5L_type_t link;
    H5T_cset_t cset;
    void *value; /* of a soft or external link */
    size_t size; /* of the value */
    uint64_t at; /* of a hard link: which object of the source */
    int first;   /* it is the first one to its object; else the number of that one is `same` */
    int64_t same;
    H5O_type_t type;
    int moved; /* a dataset whose elements are to be moved by all ranks */
} collio_node;

typedef struct collio_tree {
    const char *path; /* of the source */
    hid_t from, to;
    collio_node *node;
    int64_t count, room;
    int comparing; /* `to` is not to be changed */
} collio_tree;

/* Find all there is in `from`, parents before children. Errors: HDF5, MEMORY; DAMAGED if a file of
 * a rank is missing. */
int collio_tree_find(collio_tree *tree, hid_t from, const char *path, collio_error *err);

void collio_tree_free(collio_tree *tree);

/* Which object of its file one is. */
int collio_tree_facts(hid_t object, collio_object_facts *facts, uint64_t *at, collio_error *err);

/* How a dataset is to be stored whose elements are there: as the ranks have stored them. */
hid_t collio_tree_list_of_part(const char *index, const char *name, collio_error *err);

/* ------------------------------------------------------------- split_copy.c */

/* Make the same in an empty file: all but the elements that are to be moved. */
int collio_tree_make(collio_tree *tree, hid_t to, collio_error *err);

/* Compare: DAMAGED says what differs. */
int collio_tree_compare(collio_tree *tree, hid_t to, collio_error *err);

/* ------------------------------------------------------------ split_value.c */

/* Let elements in memory refer to the same objects in the file `to`. */
void collio_tree_translate(const collio_tree *tree, hid_t type, char *elements, int64_t count,
                           collio_error *err);

/* 1 if elements are equal; references to parts of datasets are not looked at. */
int collio_tree_equal(hid_t type, const char *a, const char *b, int64_t count);

/* 1 if elements refer to others that are not in them. */
int collio_tree_refers(hid_t type);

/* ------------------------------------------------------------ split_merge.c */

/*
 * As collio_checkpoint_merge(), of a file of which each rank has written a part. Collective.
 *   user  in  the one that `comm` was made of: files are opened on it, because ranks that fail in
 *             that can already tell each other
 */
int collio_split_merge(collio_comm *comm, MPI_Comm user, const char *source,
                       const char *destination, collio_progress_function *progress, void *context,
                       collio_error *err);

#endif
