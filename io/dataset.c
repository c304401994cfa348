/* Datasets: know them, move their elements. They are created in create.c. */
#include "async.h"
#include "split.h"
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

static collio_storage_kind kind_of(hid_t list)
{
    switch (H5Pget_layout(list)) {
    case H5D_CHUNKED:
        return COLLIO_STORED_CHUNKED;
    case H5D_COMPACT:
        return COLLIO_STORED_COMPACT;
    case H5D_VIRTUAL:
        return COLLIO_STORED_VIRTUAL;
    default:
        return H5Pget_external_count(list) > 0 ? COLLIO_STORED_EXTERNAL : COLLIO_STORED_CONTIGUOUS;
    }
}

static int read_chunks(hid_t list, collio_layout *l, collio_error *err)
{
    hsize_t chunks[COLLIO_MAX_DIMS] = {0};
    unsigned options = 0;
    int ndim = H5Pget_chunk(list, COLLIO_MAX_DIMS, chunks);

    if (collio_hdf5(ndim < 0, "H5Pget_chunk", err))
        return err->code;
    for (int d = 0; d < l->ndim; d++) {
        l->chunks[d] = (int64_t)chunks[d];
        if (ndim != l->ndim || l->chunks[d] < 1 || l->chunks[d] > UINT32_MAX)
            return collio_error_set(err, COLLIO_ERR_HDF5,
                                    "the file is damaged: chunks that have no "
                                    "extents, or those of another dataset");
    }
    l->filtered = H5Pget_nfilters(list) > 0;
    collio_hdf5(H5Pget_chunk_opts(list, &options) < 0, "H5Pget_chunk_opts", err);
    l->bare_edges = (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0;
    return err->code;
}

static void take_place(const collio_disk *disk, hid_t dataset, hid_t list, collio_layout *l,
                       collio_error *err)
{
    haddr_t address = HADDR_UNDEF;

    l->kind = kind_of(list);
    if (l->kind == COLLIO_STORED_CHUNKED)
        read_chunks(list, l, err);
    else if (l->kind == COLLIO_STORED_CONTIGUOUS)
        address = H5Dget_offset(dataset);
    if (address != HADDR_UNDEF)
        l->offset = collio_disk_offset(disk, address);
}

/* The layout, and the offset of elements that are contiguous in the file itself. */
static int read_place(const collio_disk *disk, hid_t dataset, collio_layout *l, collio_error *err)
{
    hid_t list = H5Dget_create_plist(dataset);

    l->offset = -1;
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) == COLLIO_OK)
        take_place(disk, dataset, list, l, err);
    /* A list of a virtual dataset that is left open lets HDF5 crash at the end of the program. */
    if (list >= 0)
        H5Pclose(list);
    return err->code;
}

int collio_layout_read(const collio_disk *disk, hid_t dataset, collio_layout *layout,
                       collio_error *err)
{
    layout->type = layout->stored = COLLIO_TYPE_COUNT;
    if (read_type(dataset, layout, err) == COLLIO_OK &&
        read_shape(dataset, layout, err) == COLLIO_OK)
        read_place(disk, dataset, layout, err);
    return err->code;
}

int64_t collio_layout_bytes(const collio_object *dataset)
{
    const collio_layout *l = &dataset->layout;
    int64_t bytes = (int64_t)collio_type_size(l->stored);

    for (int d = 0; d < l->ndim; d++)
        bytes *= l->shape[d];
    return bytes;
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

int collio_dataset_refresh(collio_object *dataset, collio_error *err)
{
    collio_disk *disk = &dataset->file->disk;
    collio_printing printing;
    int64_t size = 0;

    if (err->code != COLLIO_OK || collio_object_check(dataset, err) || dataset->file->writable ||
        collio_posix_size(disk->fd, &size, disk->path, err))
        return err->code;
    disk->eof = size;
    if (disk->eoa < size)
        disk->eoa = size;
    collio_hdf5_quiet(&printing);
    if (collio_hdf5(H5Drefresh(dataset->id) < 0, "H5Drefresh", err) == COLLIO_OK)
        collio_layout_read(disk, dataset->id, &dataset->layout, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_dataset_is_null(const collio_object *dataset)
{
    return dataset != NULL && dataset->kind == COLLIO_KIND_DATASET && dataset->layout.ndim < 0;
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

const collio_selection *collio_part_check(const collio_object *dataset,
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

/* Elements that are not moved by each rank alone. Collective, the outcome is agreed. */
static int write_together(collio_writing *w, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    if (w->chunks != NULL)
        collio_chunks_write(w->chunks, w->selection, w->memory, &w->ticket, err);
    else if (w->dataset->layout.kind == COLLIO_STORED_COMPACT)
        collio_compact_write(w->dataset, w->selection, w->memory, err);
    else
        collio_chunks_write_filtered(w->dataset, w->selection, w->memory, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

static int allocate_late(collio_object *dataset, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    collio_late_allocate(dataset, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* Chunks without filters are found before the ranks agree, so that they agree on all at once. */
static void prepare_chunks(collio_writing *w, collio_error *err)
{
    const collio_layout *l = &w->dataset->layout;
    collio_printing printing;

    if (l->kind != COLLIO_STORED_CHUNKED || l->filtered || collio_lockstep_needed(w->dataset) ||
        collio_layout_bytes(w->dataset) == 0)
        return;
    collio_hdf5_quiet(&printing);
    w->chunks = collio_chunks_prepare(w->dataset, w->selection, w->memory, &w->ticket, err);
    collio_hdf5_loud(&printing);
}

void collio_write_end(collio_writing *w)
{
    collio_chunks_drop(w->chunks);
    w->chunks = NULL;
}

static int virtual_check(const collio_writing *w, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    collio_virtual_check(w->dataset, w->selection, w->memory->type, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

void collio_write_check(collio_writing *w, collio_error *err)
{
    w->ticket = (collio_ticket){.operation = "write"};
    collio_object_check_writable(w->dataset, err);
    w->selection =
        collio_part_check(w->dataset, w->selection, &w->whole, w->memory, COLLIO_WRITING, err);
    if (err->code != COLLIO_OK ||
        (w->dataset->shard != NULL &&
         collio_split_check_write(w->dataset, w->selection, w->memory, err)))
        return;
    if (w->dataset->layout.kind == COLLIO_STORED_VIRTUAL && w->dataset->shard == NULL &&
        virtual_check(w, err))
        return;
    collio_interleave_vote(w->dataset, w->selection, &w->ticket);
    prepare_chunks(w, err);
}

int collio_write_begin(collio_writing *w, const char *operation, collio_error *err)
{
    collio_named named = {w->dataset, NULL};
    collio_call call = {operation, w->dataset->identity, collio_named_describe, &named, 1};

    return collio_begin_voting(w->dataset->file, &call, &w->ticket, err);
}

int collio_write_now(collio_writing *w, collio_error *err)
{
    collio_object *dataset = w->dataset;

    if (collio_layout_bytes(dataset) == 0)
        return err->code;
    if (dataset->shard != NULL)
        return collio_split_write(dataset, w->selection, w->memory, err);
    if (collio_lockstep_needed(dataset))
        return collio_lockstep_write(dataset, w->selection, w->memory, err);
    if (dataset->layout.kind == COLLIO_STORED_EXTERNAL) {
        collio_external_write(dataset, w->selection, w->memory, err);
        return collio_finish_elements(dataset->file, "written", err);
    }
    if (dataset->layout.kind != COLLIO_STORED_CONTIGUOUS)
        return write_together(w, err);
    if (dataset->layout.offset < 0 && allocate_late(dataset, err))
        return err->code;
    if (collio_interleave_wanted(dataset->file, &w->ticket))
        return collio_interleave_write(dataset, w->selection, w->memory, &w->ticket, err);
    if (collio_gather_ready(dataset->file, dataset, &w->ticket, err))
        return collio_gather_write(dataset, w->selection, w->memory, &w->ticket, err);
    if (err->code != COLLIO_OK)
        return collio_file_outcome(dataset->file, err);
    collio_transfer_write(dataset, w->selection, w->memory, err);
    return collio_finish_elements(dataset->file, "written", err);
}

int collio_dataset_write(collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_error *err)
{
    collio_writing w = {.dataset = dataset, .selection = selection, .memory = memory};

    if (collio_object_check(dataset, err))
        return err->code;
    collio_write_check(&w, err);
    if (collio_write_begin(&w, "write", err) == COLLIO_OK)
        collio_write_now(&w, err);
    collio_write_end(&w);
    return err->code;
}

static int check_alone(const collio_object *dataset, collio_error *err)
{
    const collio_layout *l = &dataset->layout;

    if (!collio_type_variable(l->stored) &&
        (l->offset >= 0 || dataset->shard != NULL || l->kind == COLLIO_STORED_EXTERNAL ||
         collio_layout_bytes(dataset) == 0))
        return err->code;
    return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                            "'%s' cannot be written by one rank alone: only elements of fixed "
                            "length that are contiguous in the file can",
                            dataset->name);
}

/* The others learn of a failure with the next collective call on the file. */
static int keep_untold(collio_file *file, const char *name, const collio_error *err)
{
    if (err->code != COLLIO_OK && collio_comm_size(file->comm) > 1 &&
        file->untold.code == COLLIO_OK) {
        collio_error_set(&file->untold, err->code, "an earlier independent write to '%s': %s", name,
                         err->text);
        file->untold.sys_error = err->sys_error;
        file->untold.mpi_error = err->mpi_error;
    }
    return err->code;
}

static int write_alone(collio_object *dataset, const collio_selection *selection,
                       const collio_array *memory, collio_error *err)
{
    if (dataset->shard != NULL)
        return collio_split_write_alone(dataset, selection, memory, err);
    if (dataset->layout.kind == COLLIO_STORED_EXTERNAL)
        return collio_external_write(dataset, selection, memory, err);
    return collio_transfer_write(dataset, selection, memory, err);
}

int collio_dataset_write_independent(collio_object *dataset, const collio_selection *selection,
                                     const collio_array *memory, collio_error *err)
{
    collio_selection whole;

    if (err->code != COLLIO_OK || collio_object_check(dataset, err))
        return err->code;
    collio_object_check_writable(dataset, err);
    selection = collio_part_check(dataset, selection, &whole, memory, COLLIO_WRITING, err);
    if (err->code != COLLIO_OK || check_alone(dataset, err))
        return err->code;
    if (dataset->shard != NULL && collio_split_check_write(dataset, selection, memory, err))
        return err->code;
    write_alone(dataset, selection, memory, err);
    return keep_untold(dataset->file, dataset->name, err);
}

/* Reading changes nothing, so one agreement is enough: after it. */
int collio_dataset_read(collio_object *dataset, const collio_selection *selection,
                        const collio_array *memory, collio_error *err)
{
    collio_named named = {dataset, NULL};
    collio_call call = {"read", 0, collio_named_describe, &named, 1};
    collio_selection whole;

    if (collio_object_check(dataset, err))
        return err->code;
    selection = collio_part_check(dataset, selection, &whole, memory, COLLIO_READING, err);
    if (err->code == COLLIO_OK)
        collio_transfer_read(dataset, selection, memory, err);
    call.digest = dataset->identity;
    return collio_begin(dataset->file, &call, err);
}

int collio_dataset_read_independent(collio_object *dataset, const collio_selection *selection,
                                    const collio_array *memory, collio_error *err)
{
    collio_selection whole;

    if (err->code != COLLIO_OK || collio_object_check(dataset, err))
        return err->code;
    selection = collio_part_check(dataset, selection, &whole, memory, COLLIO_READING, err);
    if (err->code == COLLIO_OK)
        collio_transfer_read(dataset, selection, memory, err);
    return err->code;
}
