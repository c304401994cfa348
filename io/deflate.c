/*
 * Compressed blocks: one chunk of HDF5 each, passed through its filters "shuffle" (the first bytes
 * of all elements, then the second ones, ...) and "deflate", as any reader of HDF5 undoes them. A
 * chunk that would not become smaller is stored as it is. (HDF5 file format specification, filter
 * pipeline message; RFC 1950)
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

int collio_deflate_check(collio_error *err)
{
    if (collio_zstream_offered())
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                            "this collio was built without zlib: it has no compression");
}

int collio_deflate(const collio_record *record, int64_t block, const char *elements, char *out,
                   int64_t *size, collio_error *err)
{
    int64_t element = collio_record_element(record), bytes = record->block * element;
    int64_t given = collio_block_count(record, block) * element;
    collio_zstream z = {.level = record->deflate};
    char *whole, *shuffled;

    if (collio_deflate_check(err))
        return err->code;
    whole = calloc(2, (size_t)bytes);
    if (whole == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to compress '%s'", record->name);
    shuffled = whole + bytes;
    memcpy(whole, elements, (size_t)given);
    collio_shuffle(whole, shuffled, (size_t)record->block, (size_t)element);
    *size = (int64_t)collio_zstream_pack(&z, shuffled, (size_t)bytes, out, (size_t)bytes - 1);
    if (*size == 0) {
        *size = bytes;
        memcpy(out, whole, (size_t)bytes);
    }
    collio_zstream_close(&z);
    free(whole);
    return COLLIO_OK;
}

int collio_inflate(const collio_record *record, int64_t block, const char *stored, char *elements,
                   int *whole, collio_error *err)
{
    int64_t element = collio_record_element(record), bytes = record->block * element;
    int64_t count = collio_block_count(record, block);
    char *shuffled;

    if (collio_deflate_check(err))
        return err->code;
    shuffled = malloc((size_t)bytes);
    if (shuffled == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to read '%s'", record->name);
    *whole = collio_zstream_unpack(stored, (size_t)record->stored[block], shuffled, (size_t)bytes);
    if (*whole)
        collio_unshuffle(shuffled, elements, (size_t)record->block, (size_t)count, (size_t)element);
    free(shuffled);
    return COLLIO_OK;
}
