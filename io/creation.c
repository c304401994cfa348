/* The options of a new dataset: checked, completed, and as a property list. */
#include "creation.h"
#include "type.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------ chunk shape */

/* How many bytes a chunk is to have, for a dataset of so many. */
static int64_t chunk_bytes(int64_t total)
{
    int64_t wanted = (int64_t)16 << 10;

    /* Four times the data, twice the chunk: the number of chunks grows with its root. */
    for (int64_t size = (int64_t)1 << 20; size < total && wanted < (int64_t)1 << 20; size *= 4)
        wanted *= 2;
    return wanted;
}

void collio_chunks_guess(int ndim, const int64_t *shape, const int64_t *maximum, size_t element,
                         int ranks, int64_t *chunks)
{
    int64_t total = (int64_t)element, bytes = (int64_t)element, wanted;

    for (int d = 0; d < ndim; d++) {
        /* An extent of 0 is going to grow. */
        chunks[d] = shape[d] > 0                          ? shape[d]
                    : maximum[d] > 0 && maximum[d] < 1024 ? maximum[d]
                                                          : 1024;
        total = total < INT64_MAX / 4 / chunks[d] ? total * chunks[d] : INT64_MAX / 4;
    }
    wanted = chunk_bytes(total);
    if (total > wanted)
        chunks[0] = (chunks[0] + ranks - 1) / ranks;
    for (;;) {
        int longest = 0;

        bytes = (int64_t)element;
        for (int d = 0; d < ndim; d++) {
            bytes = bytes < INT64_MAX / 4 / chunks[d] ? bytes * chunks[d] : INT64_MAX / 4;
            if (chunks[d] > chunks[longest])
                longest = d;
        }
        if (bytes <= wanted || chunks[longest] == 1)
            return;
        chunks[longest] = (chunks[longest] + 1) / 2;
    }
}

/* ----------------------------------------------------------------- checks */

static int wants_chunks(const collio_dataset_options *o)
{
    return o->chunked || o->chunks != NULL || (o->maximum != NULL && !o->is_virtual) ||
           o->filter_count > 0;
}

static void print_extents(int ndim, const int64_t *extents, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "(");

    for (int d = 0; d < ndim && at < size; d++)
        at += (size_t)snprintf(text + at, size - at, "%s%" PRId64 "%s", d > 0 ? ", " : "",
                               extents[d], ndim == 1 ? "," : "");
    if (at < size)
        snprintf(text + at, size - at, ")");
}

static int check_maximum(collio_creation *c, collio_error *err)
{
    for (int d = 0; d < c->ndim; d++) {
        c->maximum[d] = c->options.maximum != NULL ? c->options.maximum[d] : c->shape[d];
        if (c->maximum[d] != COLLIO_UNLIMITED && c->maximum[d] < c->shape[d])
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "maxshape: %" PRId64
                                    " in dimension %d, whose extent is %" PRId64,
                                    c->maximum[d], d, c->shape[d]);
    }
    return COLLIO_OK;
}

static int check_chunks(collio_creation *c, collio_error *err)
{
    char chunks[256], shape[256];
    int64_t room = UINT32_MAX / (int64_t)collio_type_size(c->type);

    print_extents(c->ndim, c->chunks, chunks, sizeof chunks);
    print_extents(c->ndim, c->shape, shape, sizeof shape);
    for (int d = 0; d < c->ndim; d++) {
        if (c->chunks[d] < 1)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "chunks: %s (all extents must be positive)", chunks);
        /* Where there is nothing, chunks that we chose are as long as in h5py. */
        if (c->maximum[d] != COLLIO_UNLIMITED && c->chunks[d] > c->maximum[d] &&
            (c->options.chunks != NULL || c->shape[d] > 0))
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "Chunk shape must not be greater than data shape in any "
                                    "dimension. %s is not compatible with %s",
                                    chunks, shape);
        if (c->chunks[d] > room)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "chunks: %s (a chunk must have less than 4 GiB)", chunks);
        room /= c->chunks[d];
    }
    return COLLIO_OK;
}

static int check_filters(const collio_dataset_options *o, collio_error *err)
{
    if (o->filter_count < 0 || o->filter_count > COLLIO_MAX_FILTERS ||
        (o->filter_count > 0 && o->filters == NULL))
        return collio_error_set(err, COLLIO_ERR_VALUE, "filters: %d given, 0 to %d allowed",
                                o->filter_count, COLLIO_MAX_FILTERS);
    for (int i = 0; i < o->filter_count; i++) {
        const collio_filter *f = &o->filters[i];

        if (f->count < 0 || f->count > COLLIO_MAX_FILTER_VALUES)
            return collio_error_set(err, COLLIO_ERR_VALUE, "filter %d: %d values, 0 to %d allowed",
                                    f->id, f->count, COLLIO_MAX_FILTER_VALUES);
        if (f->id == COLLIO_FILTER_GZIP && f->count > 0 && f->value[0] > 9)
            return collio_error_set(err, COLLIO_ERR_VALUE, "gzip: level %u, 0 to 9 allowed",
                                    f->value[0]);
        if (!o->unknown_filters && !collio_filter_available(f->id))
            return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                    "HDF5 has no filter %d here, or cannot compress with it",
                                    f->id);
    }
    return COLLIO_OK;
}

/* HDF5 has one message of 64 KiB for them, and what it says of them. */
#define MOST_COMPACT 65500

static int check_compact(collio_creation *c, collio_error *err)
{
    const collio_dataset_options *o = &c->options;
    int64_t bytes = (int64_t)collio_type_size(c->type);

    c->compact = o->compact;
    for (int d = 0; d < c->ndim; d++)
        bytes *= c->shape[d]; /* the shape has been checked */
    if (o->compact && bytes > MOST_COMPACT)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "%lld bytes of elements in the structure itself (%d at most)",
                                (long long)bytes, MOST_COMPACT);
    if (o->compact && (wants_chunks(o) || o->is_virtual || o->external_count > 0))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "elements in the structure itself are neither in chunks nor "
                                "elsewhere");
    return collio_room_check(&o->attributes, err);
}

int collio_creation_complete(collio_creation *c, collio_error *err)
{
    collio_dataset_options *o = &c->options;

    if (o->fill_time < COLLIO_FILL_IFSET || o->fill_time > COLLIO_FILL_NEVER)
        return collio_error_set(err, COLLIO_ERR_VALUE, "fill time: %d", (int)o->fill_time);
    if (check_compact(c, err) || check_filters(o, err) || collio_elsewhere_check(c, err) ||
        (o->is_virtual && check_maximum(c, err)) || !wants_chunks(o))
        return err->code;
    o->chunked = 1;
    if (c->ndim <= 0)
        return collio_error_set(err, COLLIO_ERR_TYPE,
                                "Scalar and empty datasets don't support chunk/filter options");
    if (check_maximum(c, err))
        return err->code;
    if (o->chunks != NULL)
        memcpy(c->chunks, o->chunks, (size_t)c->ndim * sizeof *c->chunks);
    else
        collio_chunks_guess(c->ndim, c->shape, c->maximum, collio_type_size(c->type),
                            collio_comm_size(c->parent->file->comm), c->chunks);
    return check_chunks(c, err);
}

uint64_t collio_creation_digest(const collio_creation *c, uint64_t seed)
{
    const collio_dataset_options *o = &c->options;

    if (o->chunked) {
        seed = collio_hash(seed, c->chunks, sizeof c->chunks);
        seed = collio_hash(seed, c->maximum, sizeof c->maximum);
    }
    for (int i = 0; i < o->filter_count && o->filters != NULL; i++) {
        int count = o->filters[i].count;

        seed = collio_hash_number(seed, (uint64_t)o->filters[i].id);
        if (count > 0 && count <= COLLIO_MAX_FILTER_VALUES)
            seed = collio_hash(seed, o->filters[i].value, (size_t)count * sizeof(unsigned));
    }
    if (o->fill != NULL)
        seed = collio_hash_number(seed, collio_elements_digest(c->type, o->fill, 1));
    for (int i = 0; i < 4; i++)
        seed = collio_hash_text(seed, collio_pair_name(i));
    seed = collio_hash_number(collio_elsewhere_digest(c, seed), (uint64_t)o->fill_time);
    seed = collio_hash_number(seed, collio_room_digest(&o->attributes));
    return collio_hash_number(seed, (uint64_t)(4 * (o->compact != 0) + 2 * (o->track_order != 0) +
                                               (o->track_times != 0)));
}

/* ---------------------------------------------------------- property list */

static int set_filter(hid_t list, const collio_filter *f, int is_float, collio_error *err)
{
    H5Z_SO_scale_type_t scale = is_float ? H5Z_SO_FLOAT_DSCALE : H5Z_SO_INT;
    herr_t result;

    switch (f->id) {
    case COLLIO_FILTER_GZIP:
        result = H5Pset_deflate(list, f->count > 0 ? f->value[0] : 4);
        break;
    case COLLIO_FILTER_SZIP:
        result = H5Pset_szip(list, f->count > 0 ? f->value[0] : 32, f->count > 1 ? f->value[1] : 8);
        break;
    case COLLIO_FILTER_SCALEOFFSET:
        result = H5Pset_scaleoffset(list, scale, f->count > 0 ? (int)f->value[0] : 0);
        break;
    case COLLIO_FILTER_SHUFFLE:
        result = H5Pset_shuffle(list);
        break;
    case COLLIO_FILTER_FLETCHER32:
        result = H5Pset_fletcher32(list);
        break;
    default:
        result = H5Pset_filter(list, f->id, H5Z_FLAG_OPTIONAL, (size_t)f->count, f->value);
    }
    return collio_hdf5(result < 0, "H5Pset_filter", err);
}

static int set_chunks(hid_t list, const collio_creation *c, collio_error *err)
{
    int is_float =
        c->type == COLLIO_FLOAT16 || c->type == COLLIO_FLOAT32 || c->type == COLLIO_FLOAT64;
    H5D_alloc_time_t when = H5D_ALLOC_TIME_INCR;
    hsize_t chunks[COLLIO_MAX_DIMS];

    for (int d = 0; d < c->ndim; d++)
        chunks[d] = (hsize_t)c->chunks[d];
    collio_hdf5(H5Pset_chunk(list, c->ndim, chunks) < 0, "H5Pset_chunk", err);
    /* Space is given to a chunk when it is first written; but in files open for reading HDF5 cannot
     * read chunks that are not there and that a fill value of variable length stands for. */
    if (c->options.fill != NULL && collio_type_variable(c->type))
        when = H5D_ALLOC_TIME_EARLY;
    collio_hdf5(H5Pset_alloc_time(list, when) < 0, "H5Pset_alloc_time", err);
    for (int i = 0; i < c->options.filter_count && err->code == COLLIO_OK; i++)
        set_filter(list, &c->options.filters[i], is_float, err);
    return err->code;
}

static int set_fill(hid_t list, const collio_creation *c, collio_error *err)
{
    static const H5D_fill_time_t times[] = {H5D_FILL_TIME_IFSET, H5D_FILL_TIME_ALLOC,
                                            H5D_FILL_TIME_NEVER};
    hid_t type = collio_hdf5_type(c->type, err);

    collio_hdf5(H5Pset_fill_time(list, times[c->options.fill_time]) < 0, "H5Pset_fill_time", err);
    if (c->options.fill != NULL && type >= 0)
        collio_hdf5(H5Pset_fill_value(list, type, c->options.fill) < 0, "H5Pset_fill_value", err);
    return err->code;
}

static int is_plain(const collio_creation *c)
{
    const collio_dataset_options *o = &c->options;

    return !o->chunked && o->fill == NULL && o->fill_time == COLLIO_FILL_IFSET && !o->track_times &&
           !o->track_order && o->external_count == 0 && !o->is_virtual && !c->compact &&
           !o->attributes.given;
}

int collio_creation_list(const collio_creation *c, hid_t *out, collio_error *err)
{
    hid_t usual = collio_list_datasets(err);

    *out = usual;
    if (usual < 0 || is_plain(c))
        return err->code;
    *out = H5Pcopy(usual);
    if (collio_hdf5(*out < 0, "H5Pcopy", err))
        return err->code;
    if (c->options.track_times)
        collio_hdf5(H5Pset_obj_track_times(*out, 1) < 0, "H5Pset_obj_track_times", err);
    if (c->options.track_order)
        collio_hdf5(
            H5Pset_attr_creation_order(*out, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) < 0,
            "H5Pset_attr_creation_order", err);
    collio_room_set(&c->options.attributes, *out, err);
    set_fill(*out, c, err);
    if (c->options.chunked)
        set_chunks(*out, c, err);
    if (c->compact)
        collio_hdf5(H5Pset_layout(*out, H5D_COMPACT) < 0, "H5Pset_layout", err);
    return collio_elsewhere_list(c, *out, err);
}

void collio_creation_unlist(const collio_creation *c, hid_t list)
{
    if (list >= 0 && !is_plain(c))
        H5Pclose(list);
}
