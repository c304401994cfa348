/* Filters without a file. The commonest are done here; for others chunks are written to a file in
 * memory, and read back as they are in it. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------- known filters */

/* The only value of a filter, -1 if it is another filter or has others. */
static int value_of(hid_t list, unsigned number, H5Z_filter_t wanted, collio_error *err)
{
    unsigned values[1] = {0}, flags, how;
    size_t count = 1;
    H5Z_filter_t id = H5Pget_filter2(list, number, &flags, &count, values, 0, NULL, &how);

    if (collio_hdf5(id < 0, "H5Pget_filter2", err) || id != wanted || count != 1)
        return -1;
    return (int)values[0];
}

static H5Z_filter_t id_of(hid_t list, unsigned number, collio_error *err)
{
    unsigned flags, how;
    size_t count = 0;
    H5Z_filter_t id = H5Pget_filter2(list, number, &flags, &count, NULL, 0, NULL, &how);

    collio_hdf5(id < 0, "H5Pget_filter2", err);
    return id;
}

static size_t bytes_of(const collio_layout *layout)
{
    size_t bytes = collio_type_size(layout->stored);

    for (int d = 0; d < layout->ndim; d++)
        bytes *= (size_t)layout->chunks[d];
    return bytes;
}

/* Find out whether the filters are known: "deflate", perhaps "shuffle" before it, a checksum after.
 */
static int find_known(collio_pipeline *p, const collio_layout *layout, hid_t list,
                      collio_error *err)
{
    int filters = H5Pget_nfilters(list), element = 1, summed;
    unsigned at = 0;

    if (collio_hdf5(filters < 0, "H5Pget_nfilters", err) || filters < 1 || filters > 3 ||
        !collio_zstream_offered())
        return err->code;
    summed = id_of(list, (unsigned)filters - 1, err) == H5Z_FILTER_FLETCHER32;
    if (filters - summed == 2)
        element = value_of(list, at++, H5Z_FILTER_SHUFFLE, err);
    if (element <= 0 || (int)at + 1 + summed != filters)
        return err->code;
    p->stream.level = value_of(list, at, H5Z_FILTER_DEFLATE, err);
    p->size = bytes_of(layout);
    p->shuffled = (size_t)element;
    p->summed = summed;
    p->known = p->stream.level >= 0 && p->stream.level <= 9 && p->size % p->shuffled == 0;
    return err->code;
}

/* A stream may be a little larger than the chunk, as in HDF5: to leave the filter out instead, and
 * say so in the mask, is what HDF5 1.10 forgets until the file is opened again. */
static size_t most_room(const collio_pipeline *p)
{
    return p->size + p->size / 100 + 100;
}

static int pass_known(collio_pipeline *p, const char *chunk, char **out, int64_t *size,
                      unsigned *mask, collio_error *err)
{
    const char *bytes = chunk;
    char *smaller;

    *mask = 0;
    *out = malloc(most_room(p) + COLLIO_SUM_BYTES);
    if (p->shuffled > 1 && p->buffer == NULL)
        p->buffer = malloc(p->size);
    if (*out == NULL || (p->shuffled > 1 && p->buffer == NULL))
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk");
    if (p->shuffled > 1) {
        collio_shuffle(chunk, p->buffer, p->size / p->shuffled, p->shuffled);
        bytes = p->buffer;
    }
    *size = (int64_t)collio_zstream_pack(&p->stream, bytes, p->size, *out, most_room(p));
    if (*size == 0)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to compress a chunk");
    if (p->summed) {
        collio_sum_put(*out, (size_t)*size);
        *size += COLLIO_SUM_BYTES;
    }
    smaller = realloc(*out, (size_t)*size);
    if (smaller != NULL)
        *out = smaller;
    return COLLIO_OK;
}

/* ------------------------------------------------------------ other filters */

int collio_pipeline_open(collio_pipeline *p, const collio_object *dataset, collio_error *err)
{
    hid_t list = H5Dget_create_plist(dataset->id), type = H5Dget_type(dataset->id);

    memset(p, 0, sizeof *p);
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) == COLLIO_OK &&
        collio_hdf5(type < 0, "H5Dget_type", err) == COLLIO_OK &&
        find_known(p, &dataset->layout, list, err) == COLLIO_OK && !p->known)
        collio_one_chunk_open(&p->one, list, &dataset->layout, type, err);
    if (type >= 0)
        H5Tclose(type);
    if (list >= 0)
        H5Pclose(list);
    return err->code;
}

void collio_pipeline_close(collio_pipeline *p)
{
    collio_one_chunk_close(&p->one);
    collio_zstream_close(&p->stream);
    free(p->buffer);
    memset(p, 0, sizeof *p);
}

static herr_t read_raw(hid_t dataset, const hsize_t *start, unsigned *mask, char *out, size_t size)
{
#if H5_VERSION_GE(2, 0, 0)
    return H5Dread_chunk2(dataset, H5P_DEFAULT, start, mask, out, &size);
#else
    (void)size;
    return H5Dread_chunk(dataset, H5P_DEFAULT, start, mask, out);
#endif
}

int collio_pipeline_pass(collio_pipeline *p, const char *chunk, char **out, int64_t *size,
                         unsigned *mask, collio_error *err)
{
    static const hsize_t start[COLLIO_MAX_DIMS];
    hsize_t bytes = 0;

    if (p->known)
        return pass_known(p, chunk, out, size, mask, err);
    *out = NULL;
    if (collio_one_chunk_renew(&p->one, err) ||
        collio_hdf5(H5Dwrite(p->one.dataset, p->one.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, chunk) < 0,
                    "H5Dwrite", err) ||
        collio_hdf5(H5Dget_chunk_storage_size(p->one.dataset, start, &bytes) < 0,
                    "H5Dget_chunk_storage_size", err))
        return err->code;
    *size = (int64_t)bytes;
    *out = malloc((size_t)bytes + 1);
    if (*out == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk");
    return collio_hdf5(read_raw(p->one.dataset, start, mask, *out, (size_t)bytes) < 0,
                       "H5Dread_chunk", err);
}
