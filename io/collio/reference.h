/*
 * collio references: elements that stand for an object of the same file, or for a part of a
 * dataset of it. They are types like those of type.h: datasets, attributes, members of
 * compounds and sequences can hold them. Elements of zeros refer to nothing.
 *
 *   char to[COLLIO_REFERENCE_BYTES];
 *
 *   collio_reference_make(u, to, &err);
 *   collio_attribute_write(root, "best", collio_type_reference(0, &err), 0, NULL, to, &err);
 *   ...
 *   collio_reference_open(root, to, 0, &u, &err);
 */
#ifndef COLLIO_REFERENCE_H
#define COLLIO_REFERENCE_H

#include <collio/io.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COLLIO_REFERENCE_BYTES 8  /* of a reference to an object */
#define COLLIO_REGION_BYTES    12 /* of a reference to a part of a dataset */

/* The type of references to objects, or to regions. Not collective. */
COLLIO_API collio_type collio_type_reference(int region, collio_error *err);

/*
 * Refer to an object. Not collective; the same on all ranks.
 *   out  out  COLLIO_REFERENCE_BYTES
 * Errors: VALUE (it is in another file), HDF5.
 */
COLLIO_API int collio_reference_make(collio_object *object, void *out, collio_error *err);

/*
 * Open what a reference leads to; of a region the dataset. Not collective.
 *   in         in   any object of the file
 *   reference  in   as many bytes as its kind has
 *   region     in   1: it is one to a region
 *   out        out  close with collio_object_close(); NULL on failure
 * Errors: VALUE (it refers to nothing), KEY (the object is gone), HDF5.
 */
COLLIO_API int collio_reference_open(collio_object *in, const void *reference, int region,
                                     collio_object **out, collio_error *err);

/*
 * Refer to a part of a dataset. Collective, the selection included: it is noted in the file.
 *   selection  in   NULL: everything
 *   out        out  COLLIO_REGION_BYTES
 * Errors: INDEX, VALUE, TYPE (no dataset), DIVERGED, HDF5.
 */
COLLIO_API int collio_region_make(collio_object *dataset, const collio_selection *selection,
                                  void *out, collio_error *err);

/* The part that a reference leads to. */
typedef struct collio_region {
    collio_selection selection;
    int ndim; /* of an array of the elements */
    int64_t shape[COLLIO_MAX_DIMS];
    int64_t *lists; /* what the selection points to */
} collio_region;

/*
 * Find out which part. Not collective.
 *   in   in   any object of the file
 *   out  out  collio_region_free() in any case
 * Errors: VALUE (it refers to nothing), KEY, UNSUPPORTED (single elements that are not in
 * row-major order), MEMORY, HDF5.
 */
COLLIO_API int collio_region_read(collio_object *in, const void *reference, collio_region *out,
                                  collio_error *err);
COLLIO_API void collio_region_free(collio_region *region);

#ifdef __cplusplus
}
#endif
#endif
