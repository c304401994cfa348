/* Chunks that filters were left out of, as their masks say: other programs write such, and
 * HDF5 1.10 does where a filter fails. */
#include "chunk.h"
#include "sound.h"

#include <inttypes.h>
#include <stdlib.h>

/* -------------------------------------------------------- what HDF5 knows */

static herr_t read_nothing(hid_t dataset, const hsize_t *start, uint32_t *mask)
{
    char nothing;

#if H5_VERSION_GE(2, 0, 0)
    size_t size = SIZE_MAX;

    return H5Dread_chunk2(dataset, H5P_DEFAULT, start, mask, &nothing, &size);
#else
    return H5Dread_chunk(dataset, H5P_DEFAULT, start, mask, &nothing);
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

int collio_chunk_look(const collio_object *dataset, const hsize_t *start, int64_t *size,
                      uint32_t *mask, collio_error *err)
{
    collio_disk *disk = &dataset->file->disk;
    herr_t result;

    *mask = 0;
    if (size_of(dataset->id, start, size, err) || *size == 0)
        return err->code;
    disk->aside = 1;
    disk->noted = -1;
    result = read_nothing(dataset->id, start, mask);
    disk->aside = 0;
    return collio_hdf5(result < 0, "H5Dread_chunk", err);
}

int collio_chunk_place(const collio_object *dataset, const hsize_t *start, int64_t size,
                       uint32_t mask, collio_error *err)
{
    collio_disk *disk = &dataset->file->disk;
    const char nothing = 0;
    herr_t result;

    disk->aside = 1;
    disk->noted = -1;
    result = H5Dwrite_chunk(dataset->id, H5P_DEFAULT, mask, start, (size_t)size, &nothing);
    disk->aside = 0;
    return collio_hdf5(result < 0 || disk->noted < 0, "H5Dwrite_chunk", err);
}

/* ------------------------------------------------------------ a new mask */

/* HDF5 1.10 takes note of a mask only where the size of the chunk changes, so it does on the way.
 */
int collio_chunk_new_mask(const collio_object *dataset, const hsize_t *start, int64_t size,
                          uint32_t mask, int *stale, collio_error *err)
{
    int64_t there = 0;
    uint32_t old;

    if (collio_chunk_look(dataset, start, &there, &old, err) || old == mask)
        return err->code;
    *stale = 1;
    return there == size ? collio_chunk_place(dataset, start, size + 1, mask, err) : err->code;
}

/* ------------------------------------------------------------------ reading */

/* Into how many bytes a filter can turn one at most; 0: that is not known. */
static int64_t most_of(H5Z_filter_t id)
{
    switch (id) {
    case H5Z_FILTER_SHUFFLE:
    case H5Z_FILTER_FLETCHER32:
        return 1;
    case H5Z_FILTER_DEFLATE:
        return 1032;
    case COLLIO_FILTER_LZF:
        return 264;
    default:
        return 0;
    }
}

/* The least bytes from which the filters that were not left out can have made a whole chunk. */
static int64_t least_of(hid_t list, uint32_t mask, int64_t whole, collio_error *err)
{
    int count = H5Pget_nfilters(list);

    collio_hdf5(count < 0, "H5Pget_nfilters", err);
    for (int i = 0; i < count && err->code == COLLIO_OK; i++) {
        unsigned flags, how;
        size_t values = 0;
        H5Z_filter_t id = H5Pget_filter2(list, (unsigned)i, &flags, &values, NULL, 0, NULL, &how);

        if (mask >> i & 1)
            continue;
        if (collio_hdf5(id < 0, "H5Pget_filter2", err) || most_of(id) == 0)
            return 0;
        whole = whole / most_of(id) + (id == H5Z_FILTER_FLETCHER32 ? 4 : 0);
    }
    return whole;
}

/* Bytes of a chunk without filters in the file, where pointers are places; 0: it cannot be told. */
static int64_t whole_size(const collio_object *dataset, const collio_grid *grid)
{
    int64_t element = (int64_t)grid->element;

    if (collio_type_variable(dataset->layout.stored))
        element =
            (int64_t)collio_sound_element_size(&dataset->file->disk, collio_object_header(dataset));
    return grid->chunk * element;
}

int collio_mask_check(const collio_object *dataset, hid_t list, uint32_t mask, int64_t whole,
                      int64_t size, collio_error *err)
{
    int64_t least = least_of(list, mask, whole, err);

    if (err->code == COLLIO_OK && size < least)
        collio_error_set(err, COLLIO_ERR_HDF5,
                         "'%s' is damaged: a chunk of '%s' has %" PRId64
                         " bytes, which cannot be less than %" PRId64,
                         dataset->file->path, dataset->name, size, least);
    return err->code;
}

static int check_chunk(const collio_object *dataset, const collio_grid *grid, int64_t chunk,
                       hid_t list, collio_error *err)
{
    int64_t first[COLLIO_MAX_DIMS], size;
    hsize_t start[COLLIO_MAX_DIMS];
    uint32_t mask;

    collio_grid_start(grid, chunk, first);
    for (int d = 0; d < grid->ndim; d++)
        start[d] = (hsize_t)first[d];
    if (collio_chunk_look(dataset, start, &size, &mask, err) || size == 0)
        return err->code;
    return collio_mask_check(dataset, list, mask, whole_size(dataset, grid), size, err);
}

/* HDF5 1.10 reads beyond the end of what is too short. */
int collio_masks_check(const collio_object *dataset, const collio_selection *selection,
                       collio_error *err)
{
    int64_t size = collio_selection_size(selection);
    collio_touched touched = {NULL, 0};
    collio_array memory;
    collio_grid grid;
    hid_t list;

    if (err->code != COLLIO_OK || dataset->layout.kind != COLLIO_STORED_CHUNKED ||
        !dataset->layout.filtered || dataset->foreign)
        return err->code;
    collio_grid_make(&dataset->layout, &grid);
    /* Memory in one piece, of which nothing but its length counts. */
    collio_array_fill(&memory, &grid, dataset->layout.stored, 1, &size);
    list = H5Dget_create_plist(dataset->id);
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) == COLLIO_OK)
        collio_touched_find(&grid, selection, &memory, &touched, err);
    for (int64_t i = 0; i < touched.count && err->code == COLLIO_OK; i++)
        check_chunk(dataset, &grid, touched.list[i].chunk, list, err);
    free(touched.list);
    if (list >= 0)
        H5Pclose(list);
    return err->code;
}
