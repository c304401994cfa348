/*
 * How io calls HDF5: its results, its types. Never installed.
 */
#ifndef COLLIO_IO_HDF_H
#define COLLIO_IO_HDF_H

#include "internal.h"
#include "releases.h"

/*
 * The only judge of HDF5 results: pass every one through here, at once.
 *   failed  in  the condition under which the call failed
 *   call    in  its name
 * Returns COLLIO_OK, or stores the error with HDF5's own words (or the system
 * error that our file driver met).
 */
int collio_hdf5(int failed, const char *call, collio_error *err);

/* Whether the first failure since collio_hdf5_quiet() was HDF5's own decision: not the file
 * driver's, not one injected. */
int collio_hdf5_refused(void);

/* HDF5 prints its errors; not while one of our functions runs. Each one that
 * calls HDF5 and may see it fail begins with quiet and ends with loud. */
typedef struct collio_printing {
    H5E_auto2_t function;
    void *data;
} collio_printing;

void collio_hdf5_quiet(collio_printing *before);

/* HDF5 has failed to close a file: it is not to try again when the program ends, which crashes. */
void collio_hdf5_left(void);
void collio_hdf5_loud(const collio_printing *before);

/* The version of the HDF5 library as one number, for digests. */
uint64_t collio_hdf5_version(void);

/*
 * The HDF5 type of elements in memory, and in the files we make: bool as h5py's
 * enumeration FALSE, TRUE over int8, complex as a compound of r and i. It is
 * kept for the life of the process: do not close it. Negative on failure.
 */
hid_t collio_hdf5_type(collio_type type, collio_error *err);

/*
 * The element type that an HDF5 type stands for.
 *   swapped  out  1 if its bytes are in the other order
 * Errors: UNSUPPORTED.
 */
#define COLLIO_PAIR_NAME 64

/* Names in use: 0, 1 of the parts of complex numbers, 2, 3 of False and True. */
const char *collio_pair_name(int which);

int collio_hdf5_type_of(hid_t type, collio_type *out, int *swapped, collio_error *err);

/* A dataspace of these extents, *out negative on failure. Close it. */
int collio_hdf5_space(int ndim, const int64_t *shape, hid_t *out, collio_error *err);

/* -------------------------------------------------------------------- lzf.c */

/* Let HDF5 have h5py's filter "lzf", if it was built in; again is no harm. */
void collio_lzf_register(void);

/* Let HDF5 convert bit fields to unsigned integers and back. Not collective. */
void collio_bits_register(void);

/* ----------------------------------------------------------- selection_space.c */

/* Let a dataspace of a dataset's extents select what a checked selection does; elements come in
 * the same order. */
int collio_selection_apply(const collio_selection *selection, hid_t space, collio_error *err);

/* Take what a selection selects away from what a dataspace does; neither may be of single elements.
 */
int collio_selection_remove(const collio_selection *selection, hid_t space, collio_error *err);

/* ------------------------------------------------------------------ lists.c */

/*
 * Property lists, kept for the life of the process: do not close them. Negative
 * on failure. No times are kept in files: they would differ from rank to rank.
 *   links     make the groups on the way to a name
 *   groups    with or without the order in which their names and attributes came
 *   datasets  contiguous, given their space now, so that elements can be moved
 *             without HDF5
 */
hid_t collio_list_links(collio_error *err);
hid_t collio_list_groups(int track_order, collio_error *err);
hid_t collio_list_datasets(collio_error *err);

#endif
