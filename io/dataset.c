/* Datasets: create them, know them, move their elements. */
#include "file.h"
#include "type.h"

#include <inttypes.h>
#include <stdio.h>

/* --------------------------------------------------------------- layout */

static int read_type(hid_t dataset, collio_layout *l, collio_error *err)
{
    collio_error none = COLLIO_ERROR_INIT;
    hid_t type = H5Dget_type(dataset);

    if (collio_hdf5(type < 0, "H5Dget_type", err))
        goto done;
    l->stored = collio_type_adopt(type, err);
    if (collio_hdf5_type_of(type, &l->type, &l->swapped, &none))
        l->type = l->stored;
done:
    if (type >= 0)
        H5Tclose(type);
    return err->code;
}

static int read_shape(hid_t dataset, collio_layout *l, collio_error *err)
{
    hsize_t shape[COLLIO_MAX_DIMS];
    hid_t space = H5Dget_space(dataset);

    if (collio_hdf5(space < 0, "H5Dget_space", err))
        goto done;
    if (H5Sget_simple_extent_type(space) == H5S_NULL) {
        l->ndim = -1;
        goto done;
    }
    l->ndim = H5Sget_simple_extent_dims(space, shape, NULL);
    collio_hdf5(l->ndim < 0, "H5Sget_simple_extent_dims", err);
    for (int d = 0; d < l->ndim; d++)
        l->shape[d] = (int64_t)shape[d];
done:
    if (space >= 0)
        H5Sclose(space);
    return err->code;
}

/* The offset of elements that are contiguous in the file itself. */
static int read_offset(hid_t dataset, collio_layout *l, collio_error *err)
{
    hid_t list = H5Dget_create_plist(dataset);
    haddr_t address = HADDR_UNDEF;

    l->offset = -1;
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err))
        goto done;
    if (H5Pget_layout(list) == H5D_CONTIGUOUS && H5Pget_external_count(list) == 0)
        address = H5Dget_offset(dataset);
    if (address != HADDR_UNDEF)
        l->offset = (int64_t)address;
done:
    if (list >= 0)
        H5Pclose(list);
    return err->code;
}

int collio_layout_read(hid_t dataset, collio_layout *layout, collio_error *err)
{
    layout->type = layout->stored = COLLIO_TYPE_COUNT;
    if (read_type(dataset, layout, err) == COLLIO_OK &&
        read_shape(dataset, layout, err) == COLLIO_OK)
        read_offset(dataset, layout, err);
    return err->code;
}

/* --------------------------------------------------------------- create */

typedef struct creation {
    collio_object *parent;
    const char *name;
    collio_type type;
    int ndim;
    const int64_t *shape;
} creation;

static void describe_creation(const void *context, char *text, size_t size)
{
    const creation *c = context;
    size_t at = (size_t)snprintf(text, size, "('%s', (", c->name != NULL ? c->name : "");
    int printed = c->shape != NULL && c->ndim <= COLLIO_MAX_DIMS ? c->ndim : 0;

    for (int d = 0; d < printed && at < size; d++)
        at += (size_t)snprintf(text + at, size - at, "%s%" PRId64 "%s", d > 0 ? ", " : "",
                               c->shape[d], c->ndim == 1 ? "," : "");
    if (at < size)
        snprintf(text + at, size - at, "), %s) in '%s'", collio_type_name(c->type),
                 c->parent->name);
}

/* The extents, and that all elements together can be addressed. */
static int check_shape(int ndim, const int64_t *shape, size_t element, collio_error *err)
{
    int64_t room = INT64_MAX / 4 / (int64_t)element;

    if (ndim < 0 || ndim > COLLIO_MAX_DIMS || (ndim > 0 && shape == NULL))
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

static int check_creation(const creation *c, collio_error *err)
{
    size_t element = collio_type_size(c->type);

    if (element == 0)
        return collio_error_set(err, COLLIO_ERR_TYPE, "unknown element type %d", (int)c->type);
    if (check_shape(c->ndim, c->shape, element, err))
        return err->code;
    return collio_object_check_new(c->parent, c->name, err);
}

static uint64_t digest_creation(const creation *c)
{
    uint64_t d = collio_hash_number(collio_type_digest(c->type), (uint64_t)c->ndim);

    if (c->shape != NULL && c->ndim > 0 && c->ndim <= COLLIO_MAX_DIMS)
        d = collio_hash(d, c->shape, (size_t)c->ndim * sizeof *c->shape);
    d = collio_hash_number(d, c->parent->identity);
    return collio_hash_text(d, c->name != NULL ? c->name : "");
}

static hid_t create(const creation *c, collio_error *err)
{
    hid_t list = collio_list_datasets(err), links = collio_list_links(err);
    hid_t type = collio_hdf5_type(c->type, err), space = H5I_INVALID_HID, id = H5I_INVALID_HID;

    if (list >= 0 && links >= 0 && type >= 0 &&
        collio_hdf5_space(c->ndim, c->shape, &space, err) == COLLIO_OK) {
        id = H5Dcreate2(c->parent->id, c->name, type, space, links, list, H5P_DEFAULT);
        collio_hdf5(id < 0, "H5Dcreate2", err);
    }
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
static void layout_of_new(const creation *c, hid_t dataset, collio_layout *l)
{
    haddr_t address = H5Dget_offset(dataset);

    l->type = l->stored = c->type;
    l->swapped = 0;
    if (c->type > COLLIO_TYPE_COUNT)
        number_of_new(c->type, l);
    l->ndim = c->ndim;
    for (int d = 0; d < c->ndim; d++)
        l->shape[d] = c->shape[d];
    l->offset = address != HADDR_UNDEF ? (int64_t)address : -1;
}

static int64_t bytes_of(const collio_object *dataset)
{
    const collio_layout *l = &dataset->layout;
    int64_t bytes = (int64_t)collio_type_size(l->stored);

    for (int d = 0; d < l->ndim; d++)
        bytes *= l->shape[d];
    return bytes;
}

/*
 * HDF5 may have given the dataset space that was freed. What is on disk may still
 * refer to it, so the new structure must be there before elements are; and the
 * old bytes would show as elements, so they are cleared. Collective.
 */
static int settle_space(collio_object *dataset, collio_error *err)
{
    collio_file *file = dataset->file;
    int64_t start = dataset->layout.offset, size = bytes_of(dataset);
    int reused = start >= 0 && start < file->used;

    if (start >= 0 && file->used < start + size)
        file->used = start + size;
    if (!reused)
        return COLLIO_OK;
    if (collio_file_flush_now(file, err))
        return err->code;
    if (file->rank == 0)
        collio_disk_clear(&file->disk, start, size, err);
    return collio_finish(file, "create_dataset", 0, err);
}

int collio_dataset_create(collio_object *parent, const char *name, collio_type type, int ndim,
                          const int64_t *shape, const collio_dataset_options *options,
                          collio_object **out, collio_error *err)
{
    creation c = {parent, name, type, ndim, shape};
    collio_call call = {"create_dataset", 0, describe_creation, &c};
    collio_object *dataset = NULL;
    collio_printing printing;
    collio_layout layout;
    hid_t id;

    (void)options;
    if (out != NULL)
        *out = NULL;
    if (collio_object_check(parent, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    check_creation(&c, err);
    call.digest = digest_creation(&c);
    if (collio_begin(parent->file, &call, err))
        goto done;
    id = create(&c, err);
    if (id >= 0) {
        layout_of_new(&c, id, &layout);
        collio_object_wrap(parent->file, id, &layout, &dataset, err);
    }
    if (collio_finish(parent->file, call.operation,
                      dataset != NULL ? (uint64_t)dataset->layout.offset : 0, err) == COLLIO_OK)
        settle_space(dataset, err);
    if (err->code != COLLIO_OK || out == NULL)
        collio_object_close(&dataset);
    else
        *out = dataset;
done:
    collio_hdf5_loud(&printing);
    return err->code;
}

/* ---------------------------------------------------------------- facts */

static int check_dataset(const collio_object *dataset, collio_error *err)
{
    if (collio_object_check(dataset, err))
        return err->code;
    if (dataset->kind != COLLIO_KIND_DATASET)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a dataset", dataset->name);
    return COLLIO_OK;
}

int collio_dataset_type(collio_object *dataset, collio_type *type, int *swapped, collio_error *err)
{
    *type = COLLIO_TYPE_COUNT;
    if (check_dataset(dataset, err))
        return err->code;
    if (dataset->layout.type == COLLIO_TYPE_COUNT)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s': the type of the elements is unknown", dataset->name);
    *type = dataset->layout.type;
    if (swapped != NULL)
        *swapped = dataset->layout.swapped;
    return COLLIO_OK;
}

int collio_dataset_stored_type(collio_object *dataset, collio_type *type, collio_error *err)
{
    *type = COLLIO_TYPE_COUNT;
    if (check_dataset(dataset, err) == COLLIO_OK)
        *type = dataset->layout.stored;
    return err->code;
}

int collio_dataset_shape(collio_object *dataset, int *ndim, int64_t *shape, collio_error *err)
{
    *ndim = 0;
    if (check_dataset(dataset, err))
        return err->code;
    if (dataset->layout.ndim < 0)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED, "'%s' has no extents (it is null)",
                                dataset->name);
    *ndim = dataset->layout.ndim;
    for (int d = 0; shape != NULL && d < *ndim; d++)
        shape[d] = dataset->layout.shape[d];
    return COLLIO_OK;
}

int collio_dataset_offset(collio_object *dataset, int64_t *out, collio_error *err)
{
    *out = -1;
    if (check_dataset(dataset, err))
        return err->code;
    *out = dataset->layout.offset;
    return COLLIO_OK;
}

/* ------------------------------------------------------------- elements */

/* Check one rank's part of a transfer; `whole` is where everything is put if the
 * selection is NULL. Returns the selection. */
static const collio_selection *check_part(const collio_object *dataset,
                                          const collio_selection *selection,
                                          collio_selection *whole, const collio_array *memory,
                                          collio_direction direction, collio_error *err)
{
    const collio_layout *l = &dataset->layout;

    if (check_dataset(dataset, err))
        return NULL;
    if (l->ndim < 0) {
        collio_error_set(err, COLLIO_ERR_UNSUPPORTED, "'%s' has no elements (it is null)",
                         dataset->name);
        return NULL;
    }
    if (selection == NULL) {
        collio_selection_all(whole, l->ndim, l->shape);
        selection = whole;
    }
    if (memory == NULL)
        collio_error_set(err, COLLIO_ERR_VALUE, "no memory given");
    else if (collio_selection_check(selection, l->ndim, l->shape, err) == COLLIO_OK &&
             collio_selection_match(selection, memory, err) == COLLIO_OK)
        collio_transfer_check(dataset, memory, direction, err);
    return selection;
}

int collio_dataset_write(collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_error *err)
{
    collio_named named = {dataset, NULL};
    collio_call call = {"write", 0, collio_named_describe, &named};
    collio_selection whole;

    if (collio_object_check(dataset, err))
        return err->code;
    collio_file_check_writable(dataset->file, err);
    selection = check_part(dataset, selection, &whole, memory, COLLIO_WRITING, err);
    call.digest = dataset->identity;
    if (collio_begin(dataset->file, &call, err))
        return err->code;
    collio_transfer(dataset, selection, memory, COLLIO_WRITING, err);
    return collio_finish_elements(dataset->file, "written", err);
}

/* Reading changes nothing, so one agreement is enough: after it. */
int collio_dataset_read(collio_object *dataset, const collio_selection *selection,
                        const collio_array *memory, collio_error *err)
{
    collio_named named = {dataset, NULL};
    collio_call call = {"read", 0, collio_named_describe, &named};
    collio_selection whole;

    if (collio_object_check(dataset, err))
        return err->code;
    selection = check_part(dataset, selection, &whole, memory, COLLIO_READING, err);
    if (err->code == COLLIO_OK)
        collio_transfer(dataset, selection, memory, COLLIO_READING, err);
    call.digest = dataset->identity;
    return collio_begin(dataset->file, &call, err);
}

int collio_dataset_read_independent(collio_object *dataset, const collio_selection *selection,
                                    const collio_array *memory, collio_error *err)
{
    collio_selection whole;

    if (err->code != COLLIO_OK || collio_object_check(dataset, err))
        return err->code;
    selection = check_part(dataset, selection, &whole, memory, COLLIO_READING, err);
    if (err->code == COLLIO_OK)
        collio_transfer(dataset, selection, memory, COLLIO_READING, err);
    return err->code;
}
