/* Where chunks are in the file. HDF5 keeps the index of chunks, and is asked for places
 * by reading and writing whole chunks while the driver only notes what it would do. */
#include "chunk.h"

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

int collio_chunk_fill_value(const collio_object *dataset, char *element, int *wanted,
                            collio_error *err)
{
    hid_t list = H5Dget_create_plist(dataset->id);
    hid_t type = collio_hdf5_type(dataset->layout.stored, err);
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    H5D_fill_time_t time = H5D_FILL_TIME_IFSET;

    memset(element, 0, collio_type_size(dataset->layout.stored));
    *wanted = 1;
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) || type < 0)
        return err->code;
    collio_hdf5(H5Pget_fill_time(list, &time) < 0, "H5Pget_fill_time", err);
    *wanted = time != H5D_FILL_TIME_NEVER;
    if (collio_hdf5(H5Pfill_value_defined(list, &defined) < 0, "H5Pfill_value_defined", err) ==
            COLLIO_OK &&
        defined == H5D_FILL_VALUE_USER_DEFINED)
        collio_hdf5(H5Pget_fill_value(list, type, element) < 0, "H5Pget_fill_value", err);
    H5Pclose(list);
    return err->code;
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
