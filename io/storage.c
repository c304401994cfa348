/* How datasets are stored: what their property lists say. */
#include "split.h"

#include <string.h>

static int check(const collio_object *dataset, collio_error *err)
{
    if (collio_object_check(dataset, err))
        return err->code;
    if (dataset->kind != COLLIO_KIND_DATASET)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a dataset", dataset->name);
    return err->code;
}

static int read_filters(hid_t list, collio_storage *s, collio_error *err)
{
    s->filter_count = H5Pget_nfilters(list);
    if (collio_hdf5(s->filter_count < 0 || s->filter_count > COLLIO_MAX_FILTERS, "H5Pget_nfilters",
                    err))
        return err->code;
    for (int i = 0; i < s->filter_count; i++) {
        collio_filter *f = &s->filters[i];
        size_t count = COLLIO_MAX_FILTER_VALUES;
        unsigned flags, how;

        f->id = H5Pget_filter2(list, (unsigned)i, &flags, &count, f->value, 0, NULL, &how);
        if (collio_hdf5(f->id < 0, "H5Pget_filter2", err))
            return err->code;
        f->count = count < COLLIO_MAX_FILTER_VALUES ? (int)count : COLLIO_MAX_FILTER_VALUES;
    }
    return COLLIO_OK;
}

static int read_kind(hid_t list, collio_storage *s, collio_error *err)
{
    hsize_t chunks[COLLIO_MAX_DIMS];

    switch (H5Pget_layout(list)) {
    case H5D_CHUNKED:
        s->kind = COLLIO_STORED_CHUNKED;
        if (collio_hdf5(H5Pget_chunk(list, COLLIO_MAX_DIMS, chunks) < 0, "H5Pget_chunk", err))
            return err->code;
        for (int d = 0; d < s->ndim; d++)
            s->chunks[d] = (int64_t)chunks[d];
        return read_filters(list, s, err);
    case H5D_COMPACT:
        s->kind = COLLIO_STORED_COMPACT;
        return COLLIO_OK;
    case H5D_VIRTUAL:
        s->kind = COLLIO_STORED_VIRTUAL;
        return COLLIO_OK;
    default:
        s->kind =
            H5Pget_external_count(list) > 0 ? COLLIO_STORED_EXTERNAL : COLLIO_STORED_CONTIGUOUS;
        return COLLIO_OK;
    }
}

static int read_maximum(hid_t dataset, collio_storage *s, collio_error *err)
{
    hsize_t maximum[COLLIO_MAX_DIMS];
    hid_t space = H5Dget_space(dataset);

    if (collio_hdf5(space < 0, "H5Dget_space", err))
        return err->code;
    if (s->ndim > 0)
        collio_hdf5(H5Sget_simple_extent_dims(space, NULL, maximum) < 0,
                    "H5Sget_simple_extent_dims", err);
    for (int d = 0; d < s->ndim && err->code == COLLIO_OK; d++)
        s->maximum[d] = maximum[d] == H5S_UNLIMITED ? COLLIO_UNLIMITED : (int64_t)maximum[d];
    H5Sclose(space);
    return err->code;
}

static void read_fill_time(hid_t list, collio_storage *s, collio_error *err)
{
    H5D_fill_time_t time = H5D_FILL_TIME_IFSET;

    collio_hdf5(H5Pget_fill_time(list, &time) < 0, "H5Pget_fill_time", err);
    s->fill_time = time == H5D_FILL_TIME_ALLOC   ? COLLIO_FILL_ALLOC
                   : time == H5D_FILL_TIME_NEVER ? COLLIO_FILL_NEVER
                                                 : COLLIO_FILL_IFSET;
}

int collio_dataset_storage(collio_object *dataset, collio_storage *out, collio_error *err)
{
    collio_printing printing;
    hid_t list;

    memset(out, 0, sizeof *out);
    if (check(dataset, err))
        return err->code;
    out->ndim = dataset->layout.ndim > 0 ? dataset->layout.ndim : 0;
    collio_hdf5_quiet(&printing);
    list = H5Dget_create_plist(dataset->shard != NULL ? dataset->shard->id : dataset->id);
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) == COLLIO_OK &&
        read_kind(list, out, err) == COLLIO_OK && read_maximum(dataset->id, out, err) == COLLIO_OK)
        read_fill_time(list, out, err);
    if (list >= 0)
        H5Pclose(list);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_dataset_fill(collio_object *dataset, collio_type type, void *out, collio_error *err)
{
    collio_printing printing;
    hid_t list, element;

    if (check(dataset, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    list = H5Dget_create_plist(dataset->id);
    element = collio_hdf5_type(type, err);
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) == COLLIO_OK && element >= 0)
        collio_hdf5(H5Pget_fill_value(list, element, out) < 0, "H5Pget_fill_value", err);
    if (list >= 0)
        H5Pclose(list);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_fill_value(const collio_object *dataset, char *element, int *wanted, collio_error *err)
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

int collio_filter_available(int id)
{
    unsigned flags = 0,
             wanted = H5Z_FILTER_CONFIG_ENCODE_ENABLED | H5Z_FILTER_CONFIG_DECODE_ENABLED;
    collio_printing printing;
    int available;

    collio_hdf5_quiet(&printing);
    if (id == COLLIO_FILTER_LZF)
        collio_lzf_register();
    available = H5Zfilter_avail(id) > 0 && H5Zget_filter_info(id, &flags) >= 0 &&
                (flags & wanted) == wanted;
    collio_hdf5_loud(&printing);
    return available;
}
