/* Where chunks are in the file. HDF5 keeps the index of chunks, and is asked for places
 * by reading and writing whole chunks while the driver only notes what it would do. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

static void start_of(const collio_grid *grid, int64_t chunk, hsize_t *out)
{
    int64_t start[COLLIO_MAX_DIMS];

    collio_grid_start(grid, chunk, start);
    for (int d = 0; d < grid->ndim; d++)
        out[d] = (hsize_t)start[d];
}

int collio_chunk_find(const collio_object *dataset, const collio_grid *grid, int64_t chunk,
                      int64_t *address, int64_t *size, collio_error *err)
{
    hsize_t start[COLLIO_MAX_DIMS];
    uint32_t mask;

    *address = 0;
    start_of(grid, chunk, start);
    if (collio_chunk_look(dataset, start, size, &mask, err) || *size == 0)
        return err->code;
    *address = dataset->file->disk.noted;
    return collio_hdf5(*address < 0, "H5Dread_chunk", err);
}

static int allocate(const collio_object *dataset, const collio_grid *grid, collio_share *share,
                    int *stale, collio_error *err)
{
    hsize_t start[COLLIO_MAX_DIMS];

    start_of(grid, share->chunk, start);
    if (dataset->layout.filtered)
        collio_chunk_new_mask(dataset, start, share->size, share->mask, stale, err);
    if (err->code == COLLIO_OK)
        collio_chunk_place(dataset, start, share->size, share->mask, err);
    share->address = dataset->file->disk.noted;
    return err->code;
}

int collio_chunks_allocate(const collio_object *dataset, const collio_grid *grid,
                           collio_share *shares, int64_t count, collio_error *err)
{
    uint64_t addresses = 0;
    int stale = 0;

    for (int64_t i = 0; i < count && err->code == COLLIO_OK; i++) {
        allocate(dataset, grid, &shares[i], &stale, err);
        addresses = collio_hash_number(addresses, (uint64_t)shares[i].address);
    }
    if (stale)
        collio_object_renew(dataset, err);
    return collio_finish(dataset->file, "write, space for chunks", addresses, err);
}

void collio_chunk_fill(const collio_grid *grid, const char *element, char *chunk)
{
    size_t filled = grid->element, size = (size_t)grid->chunk * grid->element;

    memcpy(chunk, element, filled);
    for (size_t n; filled < size; filled += n) {
        n = filled < size - filled ? filled : size - filled;
        memcpy(chunk + filled, chunk, n);
    }
}

char *collio_spare_take(collio_spare *spare, size_t size)
{
    char *buffer = spare->first;

    if (buffer == NULL)
        return malloc(size > sizeof spare->first ? size : sizeof spare->first);
    memcpy(&spare->first, buffer, sizeof spare->first);
    return buffer;
}

void collio_spare_give(collio_spare *spare, char *buffer)
{
    memcpy(buffer, &spare->first, sizeof spare->first);
    spare->first = buffer;
}

void collio_spare_free(collio_spare *spare)
{
    while (spare->first != NULL)
        free(collio_spare_take(spare, 0));
}
