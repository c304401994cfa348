/*
 * For the tests with damaged files: read all that there is in a file, and damage bytes in a way
 * that a number determines.
 */
#ifndef COLLIO_TESTS_FUZZ_TOOLS_H
#define COLLIO_TESTS_FUZZ_TOOLS_H

#include "collio/io.h"
#include "collio/type.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_LARGEST ((int64_t)1 << 26) /* bytes of one value that are read */

/* A number that looks like chance, from the one before it. */
static inline uint64_t fuzz_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Damage a copy of a file: some bytes are set, a bit is flipped, or the end is cut off. */
static inline size_t fuzz_damage(unsigned char *bytes, size_t size, uint64_t seed)
{
    static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff, 0x40};
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    uint64_t kind = fuzz_next(&state) % 8;
    size_t count = kind == 0 ? 32 : kind < 4 ? 1 : 4;

    if (kind == 7)
        return fuzz_next(&state) % size;
    for (size_t i = 0; i < count; i++) {
        size_t at = fuzz_next(&state) % size;
        if (kind % 2 == 0)
            bytes[at] = values[fuzz_next(&state) % sizeof values];
        else
            bytes[at] ^= (unsigned char)(1u << fuzz_next(&state) % 8);
    }
    return size;
}

/* What a walk through a file finds. */
typedef struct fuzz_walk {
    collio_object *object; /* whose names are listed */
    int depth;
    long values; /* read without an error */
} fuzz_walk;

static inline int64_t fuzz_bytes(collio_type type, int ndim, const int64_t *shape)
{
    int64_t bytes = (int64_t)collio_type_size(type);

    for (int d = 0; d < ndim; d++) {
        if (shape[d] > 0 && bytes > FUZZ_LARGEST / shape[d])
            return -1;
        bytes *= shape[d];
    }
    return bytes;
}

static inline int fuzz_attribute(const char *name, void *context)
{
    fuzz_walk *w = context;
    collio_error err = COLLIO_ERROR_INIT;
    collio_attribute_facts facts;
    int64_t bytes, count;
    void *data;

    if (collio_attribute_info(w->object, name, &facts, &err) ||
        facts.kind == COLLIO_ATTRIBUTE_EMPTY || facts.stored == COLLIO_TYPE_COUNT)
        return 0;
    bytes = fuzz_bytes(facts.stored, facts.ndim, facts.shape);
    data = bytes > 0 ? calloc((size_t)bytes, 1) : NULL;
    if (data == NULL)
        return 0;
    if (collio_attribute_read(w->object, name, facts.stored, data, &err) == COLLIO_OK) {
        w->values++;
        count = bytes / (int64_t)collio_type_size(facts.stored);
        collio_type_reclaim(facts.stored, data, count, &err);
    }
    free(data);
    return 0;
}

static inline void fuzz_dataset(fuzz_walk *w)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape[COLLIO_MAX_DIMS], bytes;
    collio_array memory;
    collio_type type;
    void *data;
    int ndim;

    if (collio_dataset_type(w->object, &type, NULL, &err) ||
        collio_dataset_shape(w->object, &ndim, shape, &err))
        return;
    bytes = fuzz_bytes(type, ndim, shape);
    data = bytes > 0 ? calloc((size_t)bytes, 1) : NULL;
    if (data == NULL)
        return;
    collio_array_fill(&memory, data, type, ndim, shape);
    w->values += collio_dataset_read_independent(w->object, NULL, &memory, &err) == COLLIO_OK;
    free(data);
}

static inline void fuzz_object(collio_object *object, int depth, long *values);

static inline int fuzz_name(const char *name, void *context)
{
    fuzz_walk *w = context;
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *object = NULL;
    collio_link link;

    if (collio_link_info(w->object, name, &link, &err) == COLLIO_OK)
        collio_link_free(&link);
    collio_error_clear(&err);
    if (collio_object_open(w->object, name, &object, &err) == COLLIO_OK)
        fuzz_object(object, w->depth + 1, &w->values);
    collio_object_close(&object);
    return 0;
}

static inline void fuzz_object(collio_object *object, int depth, long *values)
{
    fuzz_walk w = {object, depth, 0};
    collio_error err = COLLIO_ERROR_INIT;

    collio_attribute_names(object, fuzz_attribute, &w, &err);
    collio_error_clear(&err);
    if (collio_object_kind(object) == COLLIO_KIND_DATASET)
        fuzz_dataset(&w);
    else if (collio_object_kind(object) == COLLIO_KIND_GROUP && depth < 6)
        collio_group_names(object, fuzz_name, &w, &err);
    *values += w.values;
}

/* Read all that can be read of a file. Returns the number of values, or -1 if it does not open. */
static inline long fuzz_read(const char *path)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    long values = 0;

    if (collio_file_open(MPI_COMM_SELF, path, "r", NULL, &file, &err))
        return -1;
    fuzz_object(collio_file_root(file), 0, &values);
    collio_file_close(&file, &err);
    return values;
}

#endif
