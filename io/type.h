/*
 * Element types and their HDF5 types. Never installed.
 */
#ifndef COLLIO_IO_TYPE_H
#define COLLIO_IO_TYPE_H

#include "hdf.h"
#include "collio/type.h"

/* ------------------------------------------------------------------ type.c */

/* The type with that HDF5 type: exactly, with byte order, offsets and names.
 * COLLIO_TYPE_COUNT on failure. */
collio_type collio_type_adopt(hid_t type, collio_error *err);

/* The same, and the HDF5 type is closed or kept; it may be negative, after an error. */
collio_type collio_type_take(hid_t type, collio_error *err);

/* The HDF5 type of one that is not a constant; negative if there is none. */
hid_t collio_type_hdf5_added(collio_type type);

/* As collio_type_variable(). */
int collio_hdf5_varies(hid_t type);

/* ------------------------------------------------------------- elements.c */

/* What all ranks together may write in one call where they write in step: all of it is in
 * the memory of each rank until the file is flushed. */
#define COLLIO_LOCKSTEP_BYTES (64 << 20)

/* A digest of elements without gaps: of what they mean, not of pointers and padding. */
uint64_t collio_elements_digest(collio_type type, const void *elements, int64_t count);

/* Elements with all that they refer to, in one piece. All zeros is an empty one. */
typedef struct collio_bundle {
    char *bytes; /* free() it */
    size_t size, room;
} collio_bundle;

/* Append bytes as they are, and take them out. MEMORY. */
int collio_bundle_add(collio_bundle *bundle, const void *bytes, size_t size, collio_error *err);
char *collio_bundle_take(char **bytes, size_t size);

/* Append elements without gaps to a bundle. MEMORY. */
int collio_bundle_pack(collio_bundle *bundle, collio_type type, const void *elements, int64_t count,
                       collio_error *err);

/*
 * Take elements out again.
 *   bytes  in/out  where they begin in a bundle; on return where they end
 * Returns the elements, which point into the bundle.
 */
void *collio_bundle_unpack(char **bytes, collio_type type, int64_t count);

#endif
