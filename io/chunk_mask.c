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

/* Have the driver note where a chunk is; it fails where there is none. */
static int note_place(const collio_object *dataset, const hsize_t *start, uint32_t *mask)
{
    collio_disk *disk = &dataset->file->disk;
    herr_t result;

    disk->aside = 1;
    disk->noted = -1;
    result = read_nothing(dataset->id, start, mask);
    disk->aside = 0;
    return result >= 0 && disk->noted >= 0;
}

/* One call is enough for a chunk that is there, another one for a chunk that is not; so it is asked
 * first what the last one came to. */
int collio_chunk_look(const collio_object *dataset, const hsize_t *start, int64_t *size,
                      uint32_t *mask, collio_error *err)
{
    collio_disk *disk = &dataset->file->disk;
    int found;

    *mask = 0;
    if (!disk->sparse && note_place(dataset, start, mask)) {
        *size = disk->noted_size;
        return collio_hdf5(0, "H5Dread_chunk", err);
    }
    collio_driver_forget();
    if (size_of(dataset->id, start, size, err))
        return err->code;
    disk->sparse = *size == 0;
    if (*size == 0)
        return COLLIO_OK;
    found = note_place(dataset, start, mask);
    return collio_hdf5(!found, "H5Dread_chunk", err);
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

static int is_only(const collio_object *dataset)
{
    const collio_layout *l = &dataset->layout;

    for (int d = 0; d < l->ndim; d++)
        if (l->shape[d] != l->chunks[d])
            return 0;
    return 1;
}

/* HDF5 1.10 takes note of a mask only where the size of the chunk changes, so it does on the way.
 */
int collio_chunk_new_mask(const collio_object *dataset, const hsize_t *start, int64_t size,
                          uint32_t mask, int *stale, collio_error *err)
{
    int64_t there = 0;
    uint32_t old;

    if (collio_chunk_look(dataset, start, &there, &old, err))
        return err->code;
    /* Nor of that of the only chunk, in files of its newer format, where there was none before. */
    if (there == 0 && is_only(dataset))
        *stale = 1;
    if (old == mask)
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

    if (dataset->foreign && collio_type_variable(dataset->layout.stored))
        return 0;
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

/* ------------------------------------------------------------- whole chunks */

void collio_chunk_bytes_free(collio_chunk_bytes *b)
{
    free(b->bytes);
    *b = (collio_chunk_bytes){NULL, 0, 0, 0};
}

static int make_room(collio_chunk_bytes *b, collio_error *err)
{
    if (b->size <= b->room)
        return COLLIO_OK;
    free(b->bytes);
    b->bytes = malloc((size_t)b->size);
    b->room = b->bytes != NULL ? b->size : 0;
    if (b->bytes == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk of %" PRId64 " bytes",
                         b->size);
    return err->code;
}

static herr_t read_whole(hid_t dataset, const hsize_t *start, collio_chunk_bytes *b)
{
#if H5_VERSION_GE(2, 0, 0)
    size_t size = (size_t)b->size;

    return H5Dread_chunk2(dataset, H5P_DEFAULT, start, &b->mask, b->bytes, &size);
#else
    return H5Dread_chunk(dataset, H5P_DEFAULT, start, &b->mask, b->bytes);
#endif
}

int collio_chunk_read(const collio_object *dataset, const hsize_t *start, collio_chunk_bytes *b,
                      collio_error *err)
{
    const collio_disk *disk = &dataset->file->disk;
    int64_t address;

    if (dataset->foreign) {
        b->mask = 0;
        if (size_of(dataset->id, start, &b->size, err) || b->size == 0 || make_room(b, err))
            return err->code;
        return collio_hdf5(read_whole(dataset->id, start, b) < 0, "H5Dread_chunk", err);
    }
    if (collio_chunk_look(dataset, start, &b->size, &b->mask, err) || b->size == 0 ||
        make_room(b, err))
        return err->code;
    address = disk->noted;
    if (collio_disk_read(disk, b->bytes, b->size, address, err) == COLLIO_OK)
        collio_overlay_read(&disk->overlay, address, b->size, b->bytes);
    return err->code;
}

int collio_chunk_unfilter(const collio_object *dataset, const collio_grid *grid, int64_t chunk,
                          collio_chunk_bytes *b, collio_unfilter *filters, const char **out,
                          collio_error *err)
{
    int64_t first[COLLIO_MAX_DIMS];
    hsize_t start[COLLIO_MAX_DIMS];
    collio_error inner = COLLIO_ERROR_INIT;
    uint32_t mask;

    *out = NULL;
    collio_grid_start(grid, chunk, first);
    for (int d = 0; d < grid->ndim; d++)
        start[d] = (hsize_t)first[d];
    if (collio_chunk_read(dataset, start, b, err) || b->size == 0)
        return err->code;
    mask = b->mask;
    if (dataset->layout.bare_edges && collio_grid_inside(grid, chunk) < grid->chunk)
        mask = UINT32_MAX;
    if (collio_unfilter_undo(filters, b->bytes, (size_t)b->size, mask, out, &inner) == COLLIO_OK)
        return COLLIO_OK;
    if (inner.code != COLLIO_ERR_HDF5)
        return collio_error_set(err, inner.code, "%s", inner.text);
    return collio_error_set(err, COLLIO_ERR_HDF5, "'%s' is damaged: chunk %" PRId64 " of '%s': %s",
                            dataset->file->path, chunk, dataset->name, inner.text);
}

/* ----------------------------------------------------------- before reading */

/* No filters, or some that are not known here. */
static int check_size(const collio_object *dataset, const collio_grid *grid, int64_t chunk,
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

static int check_chunks(const collio_object *dataset, const collio_grid *grid,
                        const collio_touched *touched, hid_t list, collio_error *err)
{
    int64_t whole = whole_size(dataset, grid);
    collio_chunk_bytes bytes = {NULL, 0, 0, 0};
    collio_unfilter filters;
    const char *out;

    collio_unfilter_open(&filters, list, (size_t)whole, err);
    for (int64_t i = 0; i < touched->count && err->code == COLLIO_OK; i++) {
        int64_t chunk = touched->list[i].chunk;

        if (dataset->layout.filtered && filters.known && whole > 0)
            collio_chunk_unfilter(dataset, grid, chunk, &bytes, &filters, &out, err);
        else if (!dataset->foreign)
            check_size(dataset, grid, chunk, list, err);
    }
    collio_unfilter_close(&filters);
    collio_chunk_bytes_free(&bytes);
    return err->code;
}

/* HDF5 1.10 reads beyond the end of what is too short, also where there are no filters, or none any
 * more because their message is damaged. */
int collio_masks_check(const collio_object *dataset, const collio_selection *selection,
                       collio_error *err)
{
    int64_t size = collio_selection_size(selection);
    collio_touched touched = {NULL, 0};
    collio_array memory;
    collio_grid grid;
    hid_t list;

    if (err->code != COLLIO_OK || dataset->layout.kind != COLLIO_STORED_CHUNKED)
        return err->code;
    collio_grid_make(&dataset->layout, &grid);
    /* Memory in one piece, of which nothing but its length counts. */
    collio_array_fill(&memory, &grid, dataset->layout.stored, 1, &size);
    list = H5Dget_create_plist(dataset->id);
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) == COLLIO_OK &&
        collio_touched_find(&grid, selection, &memory, &touched, err) == COLLIO_OK)
        check_chunks(dataset, &grid, &touched, list, err);
    free(touched.list);
    if (list >= 0)
        H5Pclose(list);
    return err->code;
}
