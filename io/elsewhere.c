/* Datasets whose elements are in other files (external) or in other datasets (virtual): made,
 * looked at, and, where they are files of bytes, written. */
#include "creation.h"
#include "type.h"

#include "collio/reference.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ checks */

/* Whether a part goes on as its dataset grows. */
static int is_endless(const collio_selection *s)
{
    for (int d = 0; d < s->ndim; d++)
        if (s->list[d] == NULL &&
            (s->count[d] == COLLIO_UNLIMITED || s->block[d] == COLLIO_UNLIMITED))
            return 1;
    return 0;
}

/* Where it has no end, as if it had one element there. */
static int check_part(const collio_selection *s, int ndim, const int64_t *shape, collio_error *err)
{
    collio_selection limited = *s;
    int64_t room[COLLIO_MAX_DIMS];

    for (int d = 0; d < ndim && d < s->ndim; d++) {
        int endless = s->count[d] == COLLIO_UNLIMITED || s->block[d] == COLLIO_UNLIMITED;

        limited.count[d] = s->count[d] == COLLIO_UNLIMITED ? 1 : s->count[d];
        limited.block[d] = s->block[d] == COLLIO_UNLIMITED ? 1 : s->block[d];
        room[d] = endless && shape[d] <= s->start[d] ? s->start[d] + 1 : shape[d];
    }
    return collio_selection_check(&limited, ndim, ndim > 0 ? room : shape, err);
}

static int check_mapping(const collio_creation *c, const collio_mapping *m, collio_error *err)
{
    if (m->path == NULL || m->path[0] == '\0' || m->name == NULL || m->name[0] == '\0')
        return collio_error_set(err, COLLIO_ERR_VALUE, "no name given for the source of a mapping");
    if (check_part(&m->where, c->ndim, c->shape, err) ||
        check_part(&m->from, m->ndim, m->shape, err))
        return err->code;
    if (!is_endless(&m->where) && !is_endless(&m->from) &&
        collio_selection_size(&m->where) != collio_selection_size(&m->from))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "Invalid mapping selections (virtual and source space selections "
                                "have different numbers of elements)");
    if (m->where.flat || m->from.flat)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "a mapping of single elements: HDF5 maps blocks only");
    return COLLIO_OK;
}

static int check_external(const collio_external *e, collio_error *err)
{
    if (e->path == NULL || e->path[0] == '\0')
        return collio_error_set(err, COLLIO_ERR_VALUE, "external: no name of a file given");
    if (e->offset < 0 || (e->size < 1 && e->size != COLLIO_UNLIMITED))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "external '%s': offset %lld, size %lld bytes", e->path,
                                (long long)e->offset, (long long)e->size);
    return COLLIO_OK;
}

/* The files have to have room for all elements. */
static int check_room(const collio_creation *c, collio_error *err)
{
    int64_t left = (int64_t)collio_type_size(c->type);

    for (int d = 0; d < c->ndim; d++)
        left *= c->shape[d]; /* the shape has been checked */
    for (int i = 0; i < c->options.external_count && left > 0; i++) {
        int64_t size = c->options.external[i].size;

        left = size == COLLIO_UNLIMITED || size >= left ? 0 : left - size;
    }
    if (left > 0)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "Unable to create dataset (external storage is %lld bytes too small)",
                         (long long)left);
    return err->code;
}

int collio_elsewhere_check(collio_creation *c, collio_error *err)
{
    const collio_dataset_options *o = &c->options;
    int in_files = o->external_count > 0;

    if (!in_files && !o->is_virtual)
        return err->code;
    if (in_files + o->is_virtual > 1 || o->chunked || o->chunks != NULL || o->filter_count > 0 ||
        (in_files && o->maximum != NULL))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "Unable to create dataset (external and virtual storage are not "
                                "supported with chunked layout)");
    if (in_files && collio_type_variable(c->type))
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "elements of variable length are kept in the file itself");
    for (int i = 0; i < o->external_count && err->code == COLLIO_OK; i++)
        check_external(&o->external[i], err);
    if (in_files && err->code == COLLIO_OK)
        check_room(c, err);
    for (int i = 0; i < o->mapping_count && err->code == COLLIO_OK; i++)
        check_mapping(c, &o->mappings[i], err);
    return err->code;
}

static uint64_t digest_selection(uint64_t d, const collio_selection *s)
{
    for (int i = 0; i < s->ndim; i++) {
        int64_t numbers[] = {s->start[i], s->stride[i], s->count[i], s->block[i]};

        d = collio_hash(d, numbers, sizeof numbers);
        if (s->list[i] != NULL && s->count[i] > 0)
            d = collio_hash(d, s->list[i], (size_t)s->count[i] * sizeof *s->list[i]);
    }
    return d;
}

uint64_t collio_elsewhere_digest(const collio_creation *c, uint64_t d)
{
    const collio_dataset_options *o = &c->options;

    d = collio_hash_number(d, (uint64_t)(2 * o->external_count + o->is_virtual));
    d = collio_hash_text(d, o->external_prefix != NULL ? o->external_prefix : "");
    d = collio_hash_text(d, o->virtual_prefix != NULL ? o->virtual_prefix : "");
    for (int i = 0; i < o->external_count; i++) {
        d = collio_hash_text(d, o->external[i].path);
        d = collio_hash_number(d, (uint64_t)o->external[i].offset);
        d = collio_hash_number(d, (uint64_t)o->external[i].size);
    }
    for (int i = 0; i < o->mapping_count; i++) {
        const collio_mapping *m = &o->mappings[i];

        d = collio_hash_text(collio_hash_text(d, m->path), m->name);
        d = collio_hash(d, m->shape, (size_t)m->ndim * sizeof *m->shape);
        d = digest_selection(digest_selection(d, &m->where), &m->from);
    }
    return d;
}

/* ---------------------------------------------------------- property list */

/* A dataspace with a part of it that has no end. */
static int endless_space(const collio_selection *s, const int64_t *shape, hid_t *out,
                         collio_error *err)
{
    hsize_t extents[COLLIO_MAX_DIMS], limits[COLLIO_MAX_DIMS], start[COLLIO_MAX_DIMS];
    hsize_t stride[COLLIO_MAX_DIMS], count[COLLIO_MAX_DIMS], block[COLLIO_MAX_DIMS];

    for (int d = 0; d < s->ndim; d++) {
        int endless = s->count[d] == COLLIO_UNLIMITED || s->block[d] == COLLIO_UNLIMITED;

        extents[d] = (hsize_t)shape[d];
        limits[d] = endless ? H5S_UNLIMITED : extents[d];
        start[d] = (hsize_t)s->start[d];
        stride[d] = (hsize_t)s->stride[d];
        count[d] = s->count[d] == COLLIO_UNLIMITED ? H5S_UNLIMITED : (hsize_t)s->count[d];
        block[d] = s->block[d] == COLLIO_UNLIMITED ? H5S_UNLIMITED : (hsize_t)s->block[d];
    }
    *out = H5Screate_simple(s->ndim, extents, limits);
    if (collio_hdf5(*out < 0, "H5Screate_simple", err) == COLLIO_OK)
        collio_hdf5(H5Sselect_hyperslab(*out, H5S_SELECT_SET, start, stride, count, block) < 0,
                    "H5Sselect_hyperslab", err);
    return err->code;
}

static int part_space(const collio_selection *s, int ndim, const int64_t *shape, hid_t *out,
                      collio_error *err)
{
    if (is_endless(s))
        return endless_space(s, shape, out, err);
    if (collio_hdf5_space(ndim, shape, out, err) == COLLIO_OK)
        collio_selection_apply(s, *out, err);
    return err->code;
}

static int map(hid_t list, const collio_creation *c, const collio_mapping *m, collio_error *err)
{
    hid_t where = H5I_INVALID_HID, from = H5I_INVALID_HID;

    if (part_space(&m->where, c->ndim, c->shape, &where, err) == COLLIO_OK &&
        part_space(&m->from, m->ndim, m->shape, &from, err) == COLLIO_OK)
        collio_hdf5(H5Pset_virtual(list, where, m->path, m->name, from) < 0, "H5Pset_virtual", err);
    if (from >= 0)
        H5Sclose(from);
    if (where >= 0)
        H5Sclose(where);
    return err->code;
}

int collio_elsewhere_list(const collio_creation *c, hid_t list, collio_error *err)
{
    const collio_dataset_options *o = &c->options;

    if (o->external_count == 0 && !o->is_virtual)
        return err->code;
    /* There is nothing to give space to. */
    collio_hdf5(H5Pset_alloc_time(list, o->is_virtual ? H5D_ALLOC_TIME_INCR : H5D_ALLOC_TIME_LATE) <
                    0,
                "H5Pset_alloc_time", err);
    for (int i = 0; i < o->external_count && err->code == COLLIO_OK; i++) {
        const collio_external *e = &o->external[i];
        hsize_t size = e->size == COLLIO_UNLIMITED ? H5F_UNLIMITED : (hsize_t)e->size;

        collio_hdf5(H5Pset_external(list, e->path, (off_t)e->offset, size) < 0, "H5Pset_external",
                    err);
    }
    if (o->is_virtual)
        collio_hdf5(H5Pset_layout(list, H5D_VIRTUAL) < 0, "H5Pset_layout", err);
    for (int i = 0; i < o->mapping_count && err->code == COLLIO_OK; i++)
        map(list, c, &o->mappings[i], err);
    return err->code;
}

/* ------------------------------------------------------------------- write */

/* HDF5 keeps none of these elements and writes exactly those selected. */
int collio_external_write(const collio_object *dataset, const collio_selection *selection,
                          const collio_array *memory, collio_error *err)
{
    int64_t count = collio_selection_size(selection);
    hid_t type = collio_hdf5_type(memory->type, err), file = H5I_INVALID_HID;
    hid_t packed = H5I_INVALID_HID;
    collio_printing printing;
    char *elements = NULL;
    const void *from = memory->data;

    if (count == 0 || err->code != COLLIO_OK)
        return err->code;
    collio_hdf5_quiet(&printing);
    if (!collio_is_packed(memory))
        from = elements = collio_without_gaps(memory, count, err);
    if (err->code == COLLIO_OK)
        file = H5Dget_space(dataset->id);
    if (file >= 0 && collio_selection_apply(selection, file, err) == COLLIO_OK &&
        collio_hdf5_space(1, &count, &packed, err) == COLLIO_OK)
        collio_hdf5(H5Dwrite(dataset->id, type, packed, file, H5P_DEFAULT, from) < 0, "H5Dwrite",
                    err);
    if (packed >= 0)
        H5Sclose(packed);
    if (file >= 0)
        H5Sclose(file);
    free(elements);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* -------------------------------------------------------- in the file itself */

/* What HDF5's addresses of chunks count from: behind the user block (seen with 1.10), or the
 * beginning of the file (seen with 1.14). */
static int64_t origin_of_chunks(const collio_object *dataset)
{
#if H5_VERSION_GE(1, 14, 0)
    (void)dataset;
    return 0;
#else
    return dataset->file->user_block;
#endif
}

static int read_chunks(const collio_object *dataset, hid_t space, collio_chunk_facts *chunks,
                       int64_t count, collio_error *err)
{
    hsize_t start[COLLIO_MAX_DIMS], size;
    haddr_t address;

    for (int64_t i = 0; i < count; i++) {
        if (collio_hdf5(H5Dget_chunk_info(dataset->id, space, (hsize_t)i, start,
                                          &chunks[i].filter_mask, &address, &size) < 0,
                        "H5Dget_chunk_info", err))
            return err->code;
        for (int d = 0; d < dataset->layout.ndim; d++)
            chunks[i].start[d] = (int64_t)start[d];
        chunks[i].offset =
            collio_disk_offset(&dataset->file->disk, address + (haddr_t)origin_of_chunks(dataset));
        chunks[i].size = (int64_t)size;
    }
    return COLLIO_OK;
}

static int list_chunks(const collio_object *dataset, collio_chunk_facts **chunks, int64_t *count,
                       collio_error *err)
{
    hid_t space = H5Dget_space(dataset->id);
    hsize_t n = 0;

    if (collio_hdf5(space < 0 || H5Dget_num_chunks(dataset->id, space, &n) < 0, "H5Dget_num_chunks",
                    err) == COLLIO_OK) {
        *chunks = calloc((size_t)n + 1, sizeof **chunks);
        if (*chunks == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a list of chunks");
        else if (read_chunks(dataset, space, *chunks, (int64_t)n, err) == COLLIO_OK)
            *count = (int64_t)n;
    }
    if (space >= 0)
        H5Sclose(space);
    return err->code;
}

int collio_dataset_stored(collio_object *dataset, int64_t *bytes, collio_chunk_facts **chunks,
                          int64_t *count, collio_error *err)
{
    collio_printing printing;

    *bytes = *count = 0;
    *chunks = NULL;
    if (err->code != COLLIO_OK || collio_object_check(dataset, err))
        return err->code;
    if (dataset->kind != COLLIO_KIND_DATASET)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a dataset", dataset->name);
    collio_hdf5_quiet(&printing);
    *bytes = (int64_t)H5Dget_storage_size(dataset->id);
    if (dataset->layout.kind == COLLIO_STORED_CHUNKED)
        list_chunks(dataset, chunks, count, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

void collio_chunk_facts_free(collio_chunk_facts **chunks)
{
    free(*chunks);
    *chunks = NULL;
}

/* -------------------------------------------------------------------- look */

static hid_t list_of(collio_object *dataset, collio_error *err)
{
    hid_t list = H5I_INVALID_HID;

    if (err->code != COLLIO_OK || collio_object_check(dataset, err))
        return list;
    if (dataset->kind != COLLIO_KIND_DATASET) {
        collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a dataset", dataset->name);
        return list;
    }
    list = H5Dget_create_plist(dataset->id);
    collio_hdf5(list < 0, "H5Dget_create_plist", err);
    return list;
}

int collio_dataset_origin_count(collio_object *dataset, int *out, collio_error *err)
{
    collio_printing printing;
    size_t count = 0;
    hid_t list;

    *out = 0;
    collio_hdf5_quiet(&printing);
    list = list_of(dataset, err);
    if (list >= 0 && dataset->layout.kind == COLLIO_STORED_VIRTUAL)
        collio_hdf5(H5Pget_virtual_count(list, &count) < 0, "H5Pget_virtual_count", err);
    else if (list >= 0 && dataset->layout.kind == COLLIO_STORED_EXTERNAL)
        count = (size_t)H5Pget_external_count(list);
    if (list >= 0)
        H5Pclose(list);
    *out = (int)count;
    collio_hdf5_loud(&printing);
    return err->code;
}

typedef ssize_t name_function(hid_t list, size_t index, char *name, size_t size);

static char *name_of(name_function *function, hid_t list, int index, collio_error *err)
{
    ssize_t length = function(list, (size_t)index, NULL, 0);
    char *name = NULL;

    if (collio_hdf5(length < 0, "H5Pget_virtual", err))
        return NULL;
    name = calloc((size_t)length + 1, 1);
    if (name == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a name");
    else
        function(list, (size_t)index, name, (size_t)length + 1);
    return name;
}

/* Append the lists of one selection to those of the place. */
static int keep_lists(collio_region *region, collio_origin *out, size_t *used, collio_error *err)
{
    collio_selection *s = &region->selection;
    size_t count = 0;
    int64_t *more;

    for (int d = 0; d < s->ndim; d++)
        count += s->list[d] != NULL ? (size_t)s->count[d] : 0;
    more = realloc(out->lists, (*used + count + 1) * sizeof *more);
    if (more == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a mapping");
    /* The lists of the first selection have moved with the memory. */
    for (int d = 0; d < out->where.ndim; d++)
        if (out->where.list[d] != NULL)
            out->where.list[d] = more + (out->where.list[d] - out->lists);
    out->lists = more;
    for (int d = 0; d < s->ndim; d++)
        if (s->list[d] != NULL) {
            memcpy(more + *used, s->list[d], (size_t)s->count[d] * sizeof *more);
            s->list[d] = more + *used;
            *used += (size_t)s->count[d];
        }
    return COLLIO_OK;
}

static int take_space(hid_t space, collio_origin *origin, collio_selection *out, size_t *used,
                      collio_error *err)
{
    collio_region region = {.lists = NULL};

    if (collio_hdf5(space < 0, "H5Pget_virtual", err) == COLLIO_OK &&
        collio_region_take(space, &region, err) == COLLIO_OK &&
        keep_lists(&region, origin, used, err) == COLLIO_OK)
        *out = region.selection;
    collio_region_free(&region);
    return err->code;
}

static int read_mapping(hid_t list, int index, collio_origin *out, collio_error *err)
{
    hid_t where = H5Pget_virtual_vspace(list, (size_t)index);
    hid_t from = H5Pget_virtual_srcspace(list, (size_t)index);
    hsize_t shape[COLLIO_MAX_DIMS];
    size_t used = 0;

    out->path = name_of(H5Pget_virtual_filename, list, index, err);
    out->name = name_of(H5Pget_virtual_dsetname, list, index, err);
    take_space(where, out, &out->where, &used, err);
    take_space(from, out, &out->from, &used, err);
    out->ndim = from >= 0 ? H5Sget_simple_extent_dims(from, shape, NULL) : 0;
    for (int d = 0; d < out->ndim; d++)
        out->shape[d] = (int64_t)shape[d];
    if (from >= 0)
        H5Sclose(from);
    if (where >= 0)
        H5Sclose(where);
    return err->code;
}

static int read_external(hid_t list, int index, collio_origin *out, collio_error *err)
{
    char name[4096] = "";
    hsize_t size = 0;
    off_t offset = 0;

    if (collio_hdf5(H5Pget_external(list, (unsigned)index, sizeof name - 1, name, &offset, &size) <
                        0,
                    "H5Pget_external", err))
        return err->code;
    out->path = strdup(name);
    if (out->path == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a name");
    out->offset = (int64_t)offset;
    out->size = size == H5F_UNLIMITED ? COLLIO_UNLIMITED : (int64_t)size;
    return COLLIO_OK;
}

int collio_dataset_origin(collio_object *dataset, int index, collio_origin *out, collio_error *err)
{
    collio_printing printing;
    hid_t list;

    memset(out, 0, sizeof *out);
    collio_hdf5_quiet(&printing);
    list = list_of(dataset, err);
    if (list >= 0 && dataset->layout.kind == COLLIO_STORED_VIRTUAL)
        read_mapping(list, index, out, err);
    else if (list >= 0 && dataset->layout.kind == COLLIO_STORED_EXTERNAL)
        read_external(list, index, out, err);
    else if (list >= 0)
        collio_error_set(err, COLLIO_ERR_VALUE, "the elements of '%s' are in the file itself",
                         dataset->name);
    if (list >= 0)
        H5Pclose(list);
    collio_hdf5_loud(&printing);
    return err->code;
}

void collio_origin_free(collio_origin *origin)
{
    free(origin->path);
    free(origin->name);
    free(origin->lists);
    memset(origin, 0, sizeof *origin);
}
