/*
 * collio groups: names, links, named types, copies; and what groups and datasets have in common.
 * Part of io.h, which has the manual.
 */
#ifndef COLLIO_GROUP_H
#define COLLIO_GROUP_H

#include <collio/file.h>
#include <collio/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------- objects */

typedef enum collio_kind {
    COLLIO_KIND_NONE, /* no such name, or a link that leads nowhere */
    COLLIO_KIND_GROUP,
    COLLIO_KIND_DATASET,
    COLLIO_KIND_DATATYPE
} collio_kind;

/*
 * Open a group or dataset by name. Not collective.
 *   parent  in   a group
 *   name    in   relative to it, or absolute from the root if it starts with '/'
 *   out     out  close with collio_object_close(); NULL on failure
 * Errors: KEY (no such name), STATE (file closed), HDF5.
 */
COLLIO_API int collio_object_open(collio_object *parent, const char *name, collio_object **out,
                                  collio_error *err);

/* Let go of an object and set *object to NULL; may point to NULL. Not collective. */
COLLIO_API void collio_object_close(collio_object **object);

COLLIO_API collio_kind collio_object_kind(const collio_object *object); /* Not collective. */

/* Its absolute name, "" if it has none any more; owned by the object and valid until a link is
 * made, moved or removed. Not collective. */
COLLIO_API const char *collio_object_name(const collio_object *object);

/*
 * The root of the file that an external link has led to, and the name of that file. Not collective.
 *   object  in
 *   root    out  to be closed; NULL: the object is in the file that was opened
 *   path    out  text of at most size - 1 bytes; untouched for root NULL
 * Errors: STATE (file closed), HDF5, MEMORY.
 */
COLLIO_API int collio_object_foreign_root(collio_object *object, collio_object **root, char *path,
                                          size_t size, collio_error *err);

/* 1 while the file it belongs to is open. Not collective. */
COLLIO_API int collio_object_is_open(const collio_object *object);

/* The file it belongs to, NULL once that is closed. Not collective. */
COLLIO_API collio_file *collio_object_file(const collio_object *object);

/* A number that is equal for two objects of one file if and only if they are
 * the same group or dataset, whatever names they were opened by. Not collective. */
COLLIO_API uint64_t collio_object_id(const collio_object *object);

/* A number of the file it belongs to, for this process alone: the same for all handles of a file
 * that is open more than once; 0 once it is closed or if it has no descriptor. Not collective. */
COLLIO_API uint64_t collio_object_file_number(const collio_object *object);

/* What HDF5 knows of an object; orders are H5P_CRT_ORDER_... flags, the last two are HDF5's
 * numbers. */
typedef struct collio_object_record {
    int64_t links, changed, modified; /* names that lead there; seconds since 1970, 0: not kept */
    int link_order, attribute_order, track_times;
    int attributes_compact, attributes_dense;
    int fill_defined, alloc_time; /* of a dataset */
} collio_object_record;

/* Look at an object in this way. Not collective.
 *   out  out  all 0 if it fails */
COLLIO_API int collio_object_look(collio_object *object, collio_object_record *out,
                                  collio_error *err);

/*
 * Agree with all ranks that they are about to do the same with an object, and that none brings an
 * error; nothing is done. Collective. For what is made of several calls, or of none.
 *   operation  in  its name, as errors are to give it
 *   arguments  in  a text that must be the same on all ranks
 * Errors: DIVERGED, and those of any rank.
 */
COLLIO_API int collio_object_agree(collio_object *object, const char *operation,
                                   const char *arguments, collio_error *err);

/* ---------------------------------------------------------------- groups */

/*
 * Create a group, and the groups on the way to it that are missing. Collective.
 *   parent  in
 *   name    in   as in collio_object_open()
 *   out     out  NULL: not wanted
 * Errors: VALUE (the name exists, is empty; file is read-only), DIVERGED, HDF5.
 */
COLLIO_API int collio_group_create(collio_object *parent, const char *name, collio_object **out,
                                   collio_error *err);

/* Zeros are the defaults. Must match on all ranks. */
typedef struct collio_group_options {
    int track_order; /* COLLIO_ORDER_...: what keeps the order in which it comes */
    int track_times; /* 1: keep the time of creation */
    collio_attribute_room attributes;
} collio_group_options;

/* The same with options; and without a name if that is NULL: give it one with collio_link_hard(),
 * or it is gone when it is closed. Collective. */
COLLIO_API int collio_group_create_with(collio_object *parent, const char *name,
                                        const collio_group_options *options, collio_object **out,
                                        collio_error *err);

/* Number of names in a group. Not collective.
 *   out  out */
COLLIO_API int collio_group_count(collio_object *group, int64_t *out, collio_error *err);

/* Called for one name; a result other than 0 ends the iteration. */
typedef int collio_name_function(const char *name, void *context);

/*
 * Call a function for each name of a group, in alphabetical order (in order of
 * creation where the group records it). Not collective. The function must not
 * change the group.
 * Returns an error code; ending early is none.
 */
COLLIO_API int collio_group_names(collio_object *group, collio_name_function *function,
                                  void *context, collio_error *err);

/*
 * What a name leads to. Not collective.
 *   out  out  COLLIO_KIND_NONE if there is nothing
 */
COLLIO_API int collio_group_find(collio_object *group, const char *name, collio_kind *out,
                                 collio_error *err);

/* 1 in *out if the group records the order in which its names came. Not collective. */
COLLIO_API int collio_group_is_ordered(collio_object *group, int *out, collio_error *err);

/* ----------------------------------------------------------------- links */

typedef enum collio_link_kind {
    COLLIO_LINK_NONE,     /* no such name */
    COLLIO_LINK_HARD,     /* a name of the object itself */
    COLLIO_LINK_SOFT,     /* a path in this file, which may lead nowhere */
    COLLIO_LINK_EXTERNAL, /* a path in another file */
    COLLIO_LINK_OTHER     /* of another program's making */
} collio_link_kind;

typedef struct collio_link {
    collio_link_kind kind;
    char *path; /* where a soft or external link leads; else NULL */
    char *file; /* of an external link, else NULL */
} collio_link;

/*
 * What a name is, not what it leads to. Not collective.
 *   out  out  release with collio_link_free()
 * Errors: VALUE, TYPE (no group), MEMORY, HDF5.
 */
COLLIO_API int collio_link_info(collio_object *group, const char *name, collio_link *out,
                                collio_error *err);
COLLIO_API void collio_link_free(collio_link *link);

/*
 * Give an object one more name, and make the groups on the way to it that are missing. Collective.
 *   target  in  an object of the same file
 * Errors: VALUE (the name exists; another file; file is read-only), DIVERGED, HDF5.
 */
COLLIO_API int collio_link_hard(collio_object *group, const char *name, collio_object *target,
                                collio_error *err);

/* Make a name that stands for a path, absolute or relative to its group. Collective.
 * Errors: as above. */
COLLIO_API int collio_link_soft(collio_object *group, const char *name, const char *path,
                                collio_error *err);

/* Make a name that stands for a path in another file. Collective. What such a name leads to is
 * open for reading only, on each rank by itself. Errors: as above. */
COLLIO_API int collio_link_external(collio_object *group, const char *name, const char *file,
                                    const char *path, collio_error *err);

/* Give what `name` is, not what it leads to, another name. Collective.
 * Errors: KEY, VALUE, DIVERGED, HDF5. */
COLLIO_API int collio_link_move(collio_object *group, const char *name, const char *to,
                                collio_error *err);

/*
 * Remove a name; what it was the last name of is lost. Collective. Objects open
 * by that name stay usable until they are closed.
 * Errors: KEY, VALUE (file is read-only), DIVERGED, HDF5.
 */
COLLIO_API int collio_link_delete(collio_object *group, const char *name, collio_error *err);

/* ----------------------------------------------------------- named types */

/*
 * Make an element type an object of the file, and the groups on the way to it that are missing.
 * Collective.
 *   type  in   a constant or one of type.h
 *   out   out  NULL: not wanted
 * Errors: VALUE (the name exists; file is read-only), TYPE, DIVERGED, HDF5.
 */
COLLIO_API int collio_datatype_create(collio_object *parent, const char *name, collio_type type,
                                      collio_object **out, collio_error *err);

/* The type that an object of the kind DATATYPE is. Not collective. Errors: TYPE, UNSUPPORTED. */
COLLIO_API int collio_datatype_type(collio_object *datatype, collio_type *out, collio_error *err);

/*
 * The named type that a dataset shares. Not collective.
 *   attribute  in   of the object; NULL: the object is a dataset
 *   out        out  close with collio_object_close(); NULL: it has a type of its own
 * Errors: TYPE, KEY, HDF5.
 */
COLLIO_API int collio_datatype_of(collio_object *object, const char *attribute, collio_object **out,
                                  collio_error *err);

/* ---------------------------------------------------------------- copies */

#define COLLIO_COPY_SHALLOW            1u /* of a group the objects in it, but not those below */
#define COLLIO_COPY_EXPAND_SOFT        2u /* what soft links lead to, not the links */
#define COLLIO_COPY_EXPAND_EXTERNAL    4u /* the same for external links */
#define COLLIO_COPY_EXPAND_REFERENCES  8u /* what references in datasets lead to */
#define COLLIO_COPY_WITHOUT_ATTRIBUTES 16u

/*
 * Copy an object and what is in it, elements of datasets too, within a file or from another one;
 * then flush. Collective over the ranks of `dest`; every rank reads all elements.
 *   source  in  may be in another file that is open on all ranks
 *   from    in  name in it, or NULL: itself
 *   dest    in  a group
 *   to      in  name to create in it
 *   flags   in  some of COLLIO_COPY_*, or 0
 * Errors: KEY, VALUE (the name exists; file is read-only), TYPE, DIVERGED, OS, HDF5.
 */
COLLIO_API int collio_object_copy(collio_object *source, const char *from, collio_object *dest,
                                  const char *to, unsigned flags, collio_error *err);

#ifdef __cplusplus
}
#endif
#endif
