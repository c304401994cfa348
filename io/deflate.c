/*
 * Compressed blocks: one chunk of HDF5 each, passed through its filters "shuffle" (the first bytes
 * of all elements, then the second ones, ...) and "deflate", as any reader of HDF5 undoes them. A
 * chunk that would not become smaller is stored as it is. (HDF5 file format specification, filter
 * pipeline message; RFC 1950)
 */
#include "config.h"
#include "step.h"

#include <stdlib.h>
#include <string.h>
#ifdef HAVE_LIBZ
#include <zlib.h>

static void shuffle(const char *from, char *to, int64_t count, int64_t element)
{
    for (int64_t byte = 0; byte < element; byte++)
        for (int64_t i = 0; i < count; i++)
            *to++ = from[i * element + byte];
}

/* The first `count` elements of a shuffled chunk of `all`. */
static void unshuffle(const char *from, char *to, int64_t all, int64_t count, int64_t element)
{
    for (int64_t byte = 0; byte < element; byte++)
        for (int64_t i = 0; i < count; i++)
            to[i * element + byte] = from[byte * all + i];
}

int collio_deflate(const collio_record *record, int64_t block, const char *elements, char *out,
                   int64_t *size, collio_error *err)
{
    int64_t element = collio_record_element(record), bytes = record->block * element;
    int64_t given = collio_block_count(record, block) * element;
    uLongf room = (uLongf)bytes - 1;
    char *whole = calloc(2, (size_t)bytes), *shuffled = whole + bytes;

    if (whole == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to compress '%s'", record->name);
    memcpy(whole, elements, (size_t)given);
    shuffle(whole, shuffled, record->block, element);
    *size = bytes;
    if (compress2((Bytef *)out, &room, (const Bytef *)shuffled, (uLong)bytes, record->deflate) ==
        Z_OK)
        *size = (int64_t)room;
    else
        memcpy(out, whole, (size_t)bytes);
    free(whole);
    return COLLIO_OK;
}

int collio_inflate(const collio_record *record, int64_t block, const char *stored, char *elements,
                   int *whole, collio_error *err)
{
    int64_t element = collio_record_element(record), bytes = record->block * element;
    int64_t count = collio_block_count(record, block);
    uLongf got = (uLongf)bytes;
    uLong used = (uLong)record->stored[block];
    char *shuffled = malloc((size_t)bytes);

    if (shuffled == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to read '%s'", record->name);
    *whole = uncompress2((Bytef *)shuffled, &got, (const Bytef *)stored, &used) == Z_OK &&
             got == (uLongf)bytes && used == (uLong)record->stored[block];
    if (*whole)
        unshuffle(shuffled, elements, record->block, count, element);
    free(shuffled);
    return COLLIO_OK;
}

int collio_deflate_check(collio_error *err)
{
    (void)err;
    return COLLIO_OK;
}
#else
int collio_deflate(const collio_record *record, int64_t block, const char *elements, char *out,
                   int64_t *size, collio_error *err)
{
    (void)record, (void)block, (void)elements, (void)out, (void)size;
    return collio_deflate_check(err);
}

int collio_inflate(const collio_record *record, int64_t block, const char *stored, char *elements,
                   int *whole, collio_error *err)
{
    (void)record, (void)block, (void)stored, (void)elements, (void)whole;
    return collio_deflate_check(err);
}

int collio_deflate_check(collio_error *err)
{
    return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                            "this collio was built without zlib: it has no compression");
}
#endif
