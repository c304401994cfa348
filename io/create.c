/* Create datasets. */
#include "split.h"
#include "type.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------- arguments */

static void describe(const void *context, char *text, size_t size)
{
    const collio_creation *c = context;
    size_t at = (size_t)snprintf(text, size, "('%s', (", c->name != NULL ? c->name : "");
    int printed = c->shape != NULL && c->ndim <= COLLIO_MAX_DIMS ? c->ndim : 0;

    for (int d = 0; d < printed && at < size; d++)
        at += (size_t)snprintf(text + at, size - at, "%s%" PRId64 "%s", d > 0 ? ", " : "",
                               c->shape[d], c->ndim == 1 ? "," : "");
    if (at < size)
        at += (size_t)snprintf(text + at, size - at, "), %s", collio_type_name(c->type));
    for (int d = 0; d < printed && c->options.chunked && at < size; d++)
        at += (size_t)snprintf(text + at, size - at, "%s%" PRId64, d > 0 ? " x " : ", chunks of ",
                               c->chunks[d]);
    for (int i = 0; i < c->options.filter_count && c->options.filters != NULL && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, ", filter %d", c->options.filters[i].id);
    if (at < size)
        snprintf(text + at, size - at, ") in '%s'", c->parent->name);
}

/* The extents, and that all elements together can be addressed. */
static int check_shape(int ndim, const int64_t *shape, size_t element, collio_error *err)
{
    int64_t room = INT64_MAX / 4 / (int64_t)element;

    if (ndim < COLLIO_NO_EXTENTS || ndim > COLLIO_MAX_DIMS || (ndim > 0 && shape == NULL))
        return collio_error_set(err, COLLIO_ERR_VALUE, "shape: %d dimensions, 0 to %d allowed",
                                ndim, COLLIO_MAX_DIMS);
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 0)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "shape: extent %" PRId64 " in dimension %d", shape[d], d);
        if (shape[d] > room)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "shape: too many elements to be addressed");
        room /= shape[d] > 0 ? shape[d] : 1;
    }
    return COLLIO_OK;
}

/* The named type has to be in the same file, and of the same kind. */
static int check_named(const collio_creation *c, collio_error *err)
{
    if (c->options.named_type == NULL)
        return COLLIO_OK;
    return collio_datatype_check(c->options.named_type, c->parent->file, c->type, err);
}

static int check(collio_creation *c, collio_error *err)
{
    size_t element = collio_type_size(c->type);

    if (element == 0)
        return collio_error_set(err, COLLIO_ERR_TYPE, "unknown element type %d", (int)c->type);
    if (check_named(c, err) || check_shape(c->ndim, c->shape, element, err) ||
        collio_creation_complete(c, err) || collio_split_check(c, err))
        return err->code;
    if (c->name == NULL)
        return collio_object_check_writable(c->parent, err);
    return collio_object_check_new(c->parent, c->name, err);
}

static uint64_t digest(const collio_creation *c)
{
    uint64_t d = collio_hash_number(collio_type_digest(c->type), (uint64_t)c->ndim);

    if (c->shape != NULL && c->ndim > 0 && c->ndim <= COLLIO_MAX_DIMS)
        d = collio_hash(d, c->shape, (size_t)c->ndim * sizeof *c->shape);
    d = collio_hash_number(collio_creation_digest(c, d), c->parent->identity);
    if (c->options.named_type != NULL)
        d = collio_hash_number(d, c->options.named_type->identity);
    return collio_hash_text(collio_hash_number(d, c->name == NULL), c->name != NULL ? c->name : "");
}

/* ----------------------------------------------------------------- in HDF5 */

hid_t collio_creation_space(const collio_creation *c, collio_error *err)
{
    hsize_t extents[COLLIO_MAX_DIMS], maximum[COLLIO_MAX_DIMS];
    hid_t space = H5I_INVALID_HID;

    if (c->ndim == COLLIO_NO_EXTENTS) {
        space = H5Screate(H5S_NULL);
        collio_hdf5(space < 0, "H5Screate", err);
        return space;
    }
    if (!c->options.chunked && (!c->options.is_virtual || c->ndim == 0)) {
        collio_hdf5_space(c->ndim, c->shape, &space, err);
        return space;
    }
    for (int d = 0; d < c->ndim; d++) {
        extents[d] = (hsize_t)c->shape[d];
        maximum[d] = c->maximum[d] == COLLIO_UNLIMITED ? H5S_UNLIMITED : (hsize_t)c->maximum[d];
    }
    space = H5Screate_simple(c->ndim, extents, maximum);
    collio_hdf5(space < 0, "H5Screate_simple", err);
    return space;
}

/* Names that HDF5 writes where elements are, as groups of many or long names have them in files of
 * version 1.8 and newer, are of more bytes than this. */
static const size_t longest_aside = 1024;

/* Give a new dataset its name; closed if that fails. */
static hid_t link_new(const collio_creation *c, hid_t id, hid_t links, collio_error *err)
{
    if (id < 0 || collio_hdf5(H5Olink(id, c->parent->id, c->name, links, H5P_DEFAULT) < 0,
                              "H5Olink", err) == COLLIO_OK)
        return id;
    H5Dclose(id);
    return H5I_INVALID_HID;
}

/* HDF5 may want to fill the space; the ranks do that together, in first.c, but for elements of
 * variable length: those are in heaps, which are part of the structure. */
static hid_t create(const collio_creation *c, hid_t access, collio_error *err)
{
    hid_t links = collio_list_links(err);
    hid_t type =
        c->options.named_type != NULL ? c->options.named_type->id : collio_hdf5_type(c->type, err);
    hid_t space = collio_creation_space(c, err), list = H5I_INVALID_HID, id = H5I_INVALID_HID;
    int late = c->name != NULL && strlen(c->name) > longest_aside;
    collio_disk *disk = &c->parent->file->disk;

    if (links >= 0 && type >= 0 && space >= 0 && collio_creation_list(c, &list, err) == COLLIO_OK) {
        disk->aside = !(c->options.fill != NULL && collio_type_variable(c->type));
        id = c->name == NULL || late
                 ? H5Dcreate_anon(c->parent->id, type, space, list, access)
                 : H5Dcreate2(c->parent->id, c->name, type, space, links, list, access);
        disk->aside = 0;
        collio_hdf5(id < 0, "H5Dcreate2", err);
        id = late ? link_new(c, id, links, err) : id;
    }
    collio_creation_unlist(c, list);
    if (space >= 0)
        H5Sclose(space);
    return id;
}

/* The number that elements of an added type are read as, if they are numbers. */
static void number_of_new(collio_type type, collio_layout *l)
{
    collio_error none = COLLIO_ERROR_INIT;

    if (collio_hdf5_type_of(collio_hdf5_type(type, &none), &l->type, &l->swapped, &none))
        l->type = type;
}

/* What collio_layout_read() would find out. */
static void layout_of_new(const collio_creation *c, hid_t dataset, collio_layout *l)
{
    haddr_t address = c->options.chunked ? HADDR_UNDEF : H5Dget_offset(dataset);

    memset(l, 0, sizeof *l);
    l->type = l->stored = c->type;
    if (c->type > COLLIO_TYPE_COUNT)
        number_of_new(c->type, l);
    l->ndim = c->ndim;
    for (int d = 0; d < c->ndim; d++)
        l->shape[d] = c->shape[d];
    l->offset = address != HADDR_UNDEF ? collio_disk_offset(&c->parent->file->disk, address) : -1;
    l->kind = c->compact                      ? COLLIO_STORED_COMPACT
              : c->options.chunked            ? COLLIO_STORED_CHUNKED
              : c->options.is_virtual         ? COLLIO_STORED_VIRTUAL
              : c->options.external_count > 0 ? COLLIO_STORED_EXTERNAL
                                              : COLLIO_STORED_CONTIGUOUS;
    l->filtered = c->options.filter_count > 0;
    memcpy(l->chunks, c->chunks, sizeof l->chunks);
}

/* --------------------------------------------------------------- together */

/* What the elements are at first; NULL: zero. */
static const char *fill_of(const collio_creation *c)
{
    if (c->options.fill_time == COLLIO_FILL_NEVER || collio_type_variable(c->type))
        return NULL;
    return c->options.fill;
}

/* Those of variable length HDF5 has filled itself, if there is something to fill with. */
static int first_elements(const collio_creation *c, const collio_object *dataset, collio_error *err)
{
    int reused = 0;

    if (c->options.fill == NULL || !collio_type_variable(c->type))
        return collio_first_elements(dataset, fill_of(c), err);
    if (dataset->layout.offset < 0)
        return err->code;
    return collio_space_claim(c->parent->file, dataset->layout.offset,
                              (int64_t)H5Dget_storage_size(dataset->id), &reused, err);
}

static collio_object *make(collio_creation *c, const char *operation, collio_error *err)
{
    collio_object *dataset = NULL;
    collio_stand_in in_file;
    collio_layout layout;
    hid_t id = H5I_INVALID_HID, access = H5P_DEFAULT;

    collio_split_stand_in(c, &in_file);
    if (collio_prefix_list(c->options.external_prefix, c->options.virtual_prefix, &access, err) ==
        COLLIO_OK)
        id = create(&in_file.creation, access, err);
    if (id >= 0) {
        if (c->options.named_type == NULL)
            layout_of_new(&in_file.creation, id, &layout);
        collio_object_wrap(c->parent->file, id, c->options.named_type == NULL ? &layout : NULL,
                           &dataset, err);
    }
    collio_prefix_note(dataset, access);
    collio_prefix_unlist(access);
    if (err->code == COLLIO_OK && collio_split_takes(c))
        collio_split_add(dataset, c, err);
    if (collio_finish_change(c->parent->file, operation,
                             dataset != NULL ? (uint64_t)dataset->layout.offset : 0,
                             err) == COLLIO_OK)
        first_elements(c, dataset, err);
    if (err->code != COLLIO_OK)
        collio_object_close(&dataset);
    return dataset;
}

int collio_dataset_create(collio_object *parent, const char *name, collio_type type, int ndim,
                          const int64_t *shape, const collio_dataset_options *options,
                          collio_object **out, collio_error *err)
{
    collio_creation c = {
        .parent = parent, .name = name, .type = type, .ndim = ndim, .shape = shape};
    collio_call call = {"create_dataset", 0, describe, &c, 0};
    collio_object *dataset = NULL;
    collio_printing printing;

    if (out != NULL)
        *out = NULL;
    if (collio_object_check(parent, err))
        return err->code;
    if (options != NULL)
        c.options = *options;
    collio_hdf5_quiet(&printing);
    check(&c, err);
    call.digest = digest(&c);
    if (collio_begin(parent->file, &call, err) == COLLIO_OK)
        dataset = make(&c, call.operation, err);
    if (out != NULL)
        *out = dataset;
    else
        collio_object_close(&dataset);
    collio_hdf5_loud(&printing);
    return err->code;
}
