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

static herr_t read_nothing(hid_t dataset, const hsize_t *start)
{
    uint32_t mask;
    char nothing;

#if H5_VERSION_GE(2, 0, 0)
    size_t size = SIZE_MAX;

    return H5Dread_chunk2(dataset, H5P_DEFAULT, start, &mask, &nothing, &size);
#else
    return H5Dread_chunk(dataset, H5P_DEFAULT, start, &mask, &nothing);
#endif
}

/* How many bytes a chunk has in the file. Some versions of HDF5 fail where it has none; then
 * the driver has met no error. */
static int size_of(hid_t dataset, const hsize_t *start, int64_t *size, collio_error *err)
{
    hsize_t bytes = 0;
    int failed = H5Dget_chunk_storage_size(dataset, start, &bytes) < 0;

    *size = failed ? 0 : (int64_t)bytes;
    if (failed && collio_driver_error(err) != COLLIO_OK)
        return err->code;
    return collio_hdf5(0, "H5Dget_chunk_storage_size", err);
}

int collio_chunk_find(const collio_object *dataset, const collio_grid *grid, int64_t chunk,
                      int64_t *address, int64_t *size, collio_error *err)
{
    collio_disk *disk = &dataset->file->disk;
    hsize_t start[COLLIO_MAX_DIMS];
    herr_t result;

    *address = 0;
    start_of(grid, chunk, start);
    if (size_of(dataset->id, start, size, err) || *size == 0)
        return err->code;
    disk->aside = 1;
    disk->noted = -1;
    result = read_nothing(dataset->id, start);
    disk->aside = 0;
    *address = disk->noted;
    return collio_hdf5(result < 0 || disk->noted < 0, "H5Dread_chunk", err);
}

static int allocate(const collio_object *dataset, const collio_grid *grid, collio_share *share,
                    collio_error *err)
{
    collio_disk *disk = &dataset->file->disk;
    hsize_t start[COLLIO_MAX_DIMS];
    const char nothing = 0;
    herr_t result;

    start_of(grid, share->chunk, start);
    disk->aside = 1;
    disk->noted = -1;
    result =
        H5Dwrite_chunk(dataset->id, H5P_DEFAULT, share->mask, start, (size_t)share->size, &nothing);
    disk->aside = 0;
    share->address = disk->noted;
    return collio_hdf5(result < 0 || disk->noted < 0, "H5Dwrite_chunk", err);
}

int collio_chunks_allocate(const collio_object *dataset, const collio_grid *grid,
                           collio_share *shares, int64_t count, collio_error *err)
{
    uint64_t addresses = 0;

    for (int64_t i = 0; i < count && err->code == COLLIO_OK; i++) {
        allocate(dataset, grid, &shares[i], err);
        addresses = collio_hash_number(addresses, (uint64_t)shares[i].address);
    }
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
