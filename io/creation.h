/*
 * What a dataset is to be like, checked and complete. Never installed.
 */
#ifndef COLLIO_IO_CREATION_H
#define COLLIO_IO_CREATION_H

#include "file.h"

typedef struct collio_creation {
    collio_object *parent;
    const char *name;
    collio_type type;
    int ndim;
    const int64_t *shape;
    collio_dataset_options options; /* zeros: none; the pointers in it may be NULL */
    int64_t chunks[COLLIO_MAX_DIMS];
    int64_t maximum[COLLIO_MAX_DIMS];
    int compact; /* in the structure itself */
} collio_creation;

/* Check the options against type and shape, which are in order, and complete
 * them: choose chunks where that is left to us. Errors: VALUE, TYPE, UNSUPPORTED. */
int collio_creation_complete(collio_creation *c, collio_error *err);

/* Of the options. */
uint64_t collio_creation_digest(const collio_creation *c, uint64_t seed);

/* The part of these three that is about elements in other files and datasets: elsewhere.c. */
int collio_elsewhere_check(collio_creation *c, collio_error *err);
uint64_t collio_elsewhere_digest(const collio_creation *c, uint64_t seed);
int collio_elsewhere_list(const collio_creation *c, hid_t list, collio_error *err);

/* The dataspace, negative on failure; close it. In create.c. */
hid_t collio_creation_space(const collio_creation *c, collio_error *err);

/* A property list for HDF5, *out negative on failure. Close it with
 * collio_creation_unlist(). */
int collio_creation_list(const collio_creation *c, hid_t *out, collio_error *err);
void collio_creation_unlist(const collio_creation *c, hid_t list);

/* Chunks of 16 KiB to 1 MiB, the larger the dataset is; borders between the parts
 * of ranks in the first dimension are borders of chunks if they can be. */
void collio_chunks_guess(int ndim, const int64_t *shape, const int64_t *maximum, size_t element,
                         int ranks, int64_t *chunks);

#endif
