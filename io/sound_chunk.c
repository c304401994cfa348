/* Elements of variable length in filtered chunks: the file driver sees them filtered, so they are
 * looked at, as they are without their filters, before HDF5 reads them. */
#include "chunk.h"
#include "sound.h"

#include <stdlib.h>
#include <string.h>

#if H5_VERSION_GE(1, 10, 5)

/* One chunk in the file. */
typedef struct chunk_place {
    hsize_t start[COLLIO_MAX_DIMS], bytes;
    unsigned mask;
    haddr_t address;
} chunk_place;

typedef struct looking {
    const collio_object *dataset;
    hid_t whole, list;    /* its space, how it was created */
    collio_one_chunk one; /* with its filters; or, if they are known: */
    collio_unfilter filters;
    hsize_t first[COLLIO_MAX_DIMS], last[COLLIO_MAX_DIMS]; /* what is to be read lies between */
    size_t size;                                           /* of a chunk without filters */
} looking;

/* A place where no chunk can be is looked at, too: HDF5 may find it under another one. */
static int overlaps(const looking *l, const chunk_place *c)
{
    const collio_layout *layout = &l->dataset->layout;

    for (int d = 0; d < layout->ndim; d++)
        if (c->start[d] >= (hsize_t)layout->shape[d] ||
            c->start[d] % (hsize_t)layout->chunks[d] != 0)
            return 1;
    for (int d = 0; d < layout->ndim; d++)
        if (c->start[d] > l->last[d] || c->start[d] + (hsize_t)layout->chunks[d] <= l->first[d])
            return 0;
    return 1;
}

static herr_t read_raw(hid_t dataset, chunk_place *c, void *out)
{
#if H5_VERSION_GE(2, 0, 0)
    size_t size = (size_t)c->bytes;

    return H5Dread_chunk2(dataset, H5P_DEFAULT, c->start, &c->mask, out, &size);
#else
    return H5Dread_chunk(dataset, H5P_DEFAULT, c->start, &c->mask, out);
#endif
}

/* Let HDF5 undo the filters, in memory. */
static int decode(looking *l, const chunk_place *c, const char *raw, char *elements,
                  collio_error *err)
{
    static const hsize_t zero[COLLIO_MAX_DIMS];
    collio_one_chunk *one = &l->one;

    if (collio_mask_check(l->dataset, l->list, c->mask, (int64_t)l->size, (int64_t)c->bytes, err) ||
        collio_one_chunk_renew(one, err) ||
        collio_hdf5(
            H5Dwrite_chunk(one->dataset, H5P_DEFAULT, c->mask, zero, (size_t)c->bytes, raw) < 0,
            "H5Dwrite_chunk", err))
        return err->code;
    return collio_hdf5(H5Dread(one->dataset, one->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements) <
                           0,
                       "H5Dread", err);
}

static int look_at(looking *l, chunk_place *c, collio_error *err)
{
    char *raw = malloc((size_t)c->bytes + 1), *elements = malloc(l->size);
    const char *found = elements;

    if (raw == NULL || elements == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk");
    else if (collio_hdf5(read_raw(l->dataset->id, c, raw) < 0, "H5Dread_chunk", err) == COLLIO_OK &&
             (l->filters.known
                  ? collio_unfilter_undo(&l->filters, raw, (size_t)c->bytes, c->mask, &found, err)
                  : decode(l, c, raw, elements, err)) == COLLIO_OK)
        collio_sound_decoded(&l->dataset->file->disk, collio_object_header(l->dataset), found,
                             (int64_t)l->size, err);
    free(elements);
    free(raw);
    return err->code;
}

static int look_at_all(looking *l, collio_error *err)
{
    hsize_t count = 0;

    collio_hdf5(H5Dget_num_chunks(l->dataset->id, l->whole, &count) < 0, "H5Dget_num_chunks", err);
    for (hsize_t i = 0; i < count && err->code == COLLIO_OK; i++) {
        chunk_place c = {.mask = 0};

        if (collio_hdf5(H5Dget_chunk_info(l->dataset->id, l->whole, i, c.start, &c.mask, &c.address,
                                          &c.bytes) < 0,
                        "H5Dget_chunk_info", err) == COLLIO_OK &&
            overlaps(l, &c))
            look_at(l, &c, err);
    }
    return err->code;
}

/* Get ready to undo the filters of chunks. */
static int prepare(looking *l, size_t element, collio_error *err)
{
    const collio_layout *layout = &l->dataset->layout;
    hid_t bytes;

    l->size = element;
    for (int d = 0; d < layout->ndim; d++)
        l->size *= (size_t)layout->chunks[d];
    l->whole = H5Dget_space(l->dataset->id);
    l->list = H5Dget_create_plist(l->dataset->id);
    if (collio_hdf5(l->whole < 0, "H5Dget_space", err) ||
        collio_hdf5(l->list < 0, "H5Dget_create_plist", err) ||
        collio_unfilter_open(&l->filters, l->list, l->size, err) || l->filters.known)
        return err->code;
    bytes = H5Tcreate(H5T_OPAQUE, element);
    if (collio_hdf5(bytes < 0, "H5Tcreate", err))
        return err->code;
    collio_one_chunk_open(&l->one, l->list, layout, bytes, err);
    H5Tclose(bytes);
    return err->code;
}

int collio_filtered_check(const collio_object *dataset, hid_t space, collio_error *err)
{
    looking l = {.dataset = dataset, .whole = H5I_INVALID_HID, .list = H5I_INVALID_HID};
    size_t element;

    if (err->code != COLLIO_OK || H5Sget_select_npoints(space) == 0)
        return err->code;
    element =
        (size_t)collio_sound_element_size(&dataset->file->disk, collio_object_header(dataset));
    if (element == 0)
        return err->code;
    if (prepare(&l, element, err) == COLLIO_OK &&
        collio_hdf5(H5Sget_select_bounds(space, l.first, l.last) < 0, "H5Sget_select_bounds",
                    err) == COLLIO_OK)
        look_at_all(&l, err);
    collio_unfilter_close(&l.filters);
    collio_one_chunk_close(&l.one);
    if (l.list >= 0)
        H5Pclose(l.list);
    if (l.whole >= 0)
        H5Sclose(l.whole);
    return err->code;
}

#else

int collio_filtered_check(const collio_object *dataset, hid_t space, collio_error *err)
{
    (void)dataset, (void)space;
    return err->code;
}

#endif
