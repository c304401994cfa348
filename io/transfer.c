/* How elements travel between memory and a file.
 *
 * Directly, wherever they are contiguous in the file: each rank moves its runs
 * itself, at the dataset's offset, with positioned reads and writes. Nothing in
 * it waits for another rank, so an error is only an error. Chunks are written in
 * chunk_write.c and chunk_filter.c and read in chunk_read.c and filtered_read.c, and
 * everything else is read through HDF5, on each rank by itself. */
#include "chunk.h"
#include "sound.h"
#include "split.h"
#include "type.h"

#include <stdlib.h>
#include <string.h>

/* A direct transfer under way. */
typedef struct route {
    const collio_disk *disk;
    collio_sieve sieve;
    int64_t offset;                 /* of element 0 */
    int64_t file_size, memory_size; /* bytes of an element */
    hid_t file_type, memory_type;   /* where they differ */
    char *buffer, *background;      /* for conversion: `room` elements, and what they replace */
    int replaces;                   /* parts of elements: the others are to stay */
    char *old;                      /* they, where they are not contiguous in the file */
    int64_t room;
    collio_run_function *put; /* or get elements as they are in the file */
    void *put_context;
    int64_t runs; /* read so far: one alone is not worth a sieve */
} route;

/* ------------------------------------------------------------- whether */

static int is_direct(const collio_layout *l)
{
    return (l->offset >= 0 && !collio_type_variable(l->stored)) || l->ndim < 0;
}

static int64_t elements(const collio_layout *l)
{
    int64_t n = 1;

    for (int d = 0; d < l->ndim; d++)
        n *= l->shape[d];
    return n;
}

/* Whether HDF5 can turn one type into the other. */
static int check_conversion(const collio_object *dataset, const collio_array *memory,
                            collio_direction direction, collio_error *err)
{
    collio_printing printing;
    hid_t mine = collio_hdf5_type(memory->type, err);
    hid_t theirs = collio_hdf5_type(dataset->layout.stored, err);
    H5T_cdata_t *data = NULL;
    int possible;

    collio_hdf5_quiet(&printing);
    if (mine >= 0 && theirs >= 0) {
        possible = direction == COLLIO_WRITING ? H5Tfind(mine, theirs, &data) != NULL
                                               : H5Tfind(theirs, mine, &data) != NULL;
        if (!possible)
            collio_error_set(err, COLLIO_ERR_TYPE, "'%s': no conversion %s %s", dataset->name,
                             direction == COLLIO_WRITING ? "from" : "to",
                             collio_type_name(memory->type));
    }
    collio_hdf5_loud(&printing);
    return err->code;
}

/* Whether elements can be written at all. */
static int check_writable(const collio_object *dataset, collio_error *err)
{
    const collio_layout *l = &dataset->layout;
    const char *why = NULL;

    if (l->filtered && l->bare_edges)
        why = "pass filters only in chunks that are not at the border";
    if (why == NULL || elements(l) == 0)
        return err->code;
    return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                            "'%s' can be read, but not written: its elements %s", dataset->name,
                            why);
}

int collio_transfer_check(const collio_object *dataset, const collio_array *memory,
                          collio_direction direction, collio_error *err)
{
    if (direction == COLLIO_WRITING && check_writable(dataset, err))
        return err->code;
    if (dataset->layout.stored == memory->type)
        return err->code;
    return check_conversion(dataset, memory, direction, err);
}

/* -------------------------------------------------------------- directly */

static int write_same(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    const route *r = context;

    return collio_disk_write(r->disk, memory, count * r->file_size,
                             r->offset + first * r->file_size, err);
}

static int read_same(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    route *r = context;
    int64_t size = count * r->file_size, offset = r->offset + first * r->file_size;

    if (r->runs++ == 0)
        return collio_disk_read(r->disk, memory, size, offset, err);
    return collio_sieve_read(&r->sieve, memory, size, offset, err);
}

static int read_turns(void *context, int64_t first, int64_t count, int64_t step, int64_t times,
                      char *memory, collio_error *err)
{
    route *r = context;

    r->runs += times;
    return collio_sieve_turns(&r->sieve, memory, count * r->file_size, step * r->file_size, times,
                              r->offset + first * r->file_size, err);
}

/* Read elements as they are in the file. */
static int read_old(route *r, int64_t first, int64_t count, char *to, collio_error *err)
{
    if (r->old != NULL) {
        memcpy(to, r->old, (size_t)(count * r->file_size));
        r->old += count * r->file_size;
        return COLLIO_OK;
    }
    return collio_disk_read(r->disk, to, count * r->file_size, r->offset + first * r->file_size,
                            err);
}

static int write_converted(void *context, int64_t first, int64_t count, char *memory,
                           collio_error *err)
{
    route *r = context;

    for (int64_t done = 0, n; done < count && err->code == COLLIO_OK; done += n) {
        n = count - done < r->room ? count - done : r->room;
        if (r->replaces && read_old(r, first + done, n, r->background, err))
            return err->code;
        memcpy(r->buffer, memory + done * r->memory_size, (size_t)(n * r->memory_size));
        if (collio_hdf5(H5Tconvert(r->memory_type, r->file_type, (size_t)n, r->buffer,
                                   r->background, H5P_DEFAULT) < 0,
                        "H5Tconvert", err) == COLLIO_OK)
            r->put(r->put_context, first + done, n, r->buffer, err);
    }
    return err->code;
}

static int read_converted(void *context, int64_t first, int64_t count, char *memory,
                          collio_error *err)
{
    const route *r = context;

    for (int64_t done = 0, n; done < count && err->code == COLLIO_OK; done += n) {
        n = count - done < r->room ? count - done : r->room;
        if (r->replaces)
            memcpy(r->background, memory + done * r->memory_size, (size_t)(n * r->memory_size));
        if (r->put(r->put_context, first + done, n, r->buffer, err) ||
            collio_hdf5(H5Tconvert(r->file_type, r->memory_type, (size_t)n, r->buffer,
                                   r->background, H5P_DEFAULT) < 0,
                        "H5Tconvert", err))
            return err->code;
        memcpy(memory + done * r->memory_size, r->buffer, (size_t)(n * r->memory_size));
    }
    return err->code;
}

/* Have types and buffers for a conversion. */
static int prepare_conversion(route *r, const collio_object *dataset, const collio_array *memory,
                              int64_t elements, collio_error *err)
{
    int64_t larger;

    r->memory_type = collio_hdf5_type(memory->type, err);
    r->file_type = collio_hdf5_type(dataset->layout.stored, err);
    if (r->file_type < 0 || r->memory_type < 0)
        return err->code;
    r->file_size = (int64_t)H5Tget_size(r->file_type);
    larger = r->file_size > r->memory_size ? r->file_size : r->memory_size;
    r->room = (int64_t)COLLIO_PACK_BYTES / larger;
    if (r->room > elements)
        r->room = elements;
    if (r->room == 0)
        r->room = 1;
    r->replaces = H5Tdetect_class(r->file_type, H5T_COMPOUND) > 0;
    r->buffer = malloc((size_t)(2 * r->room * larger));
    if (r->buffer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to convert elements");
    r->background = r->buffer + r->room * larger;
    return COLLIO_OK;
}

static route route_of(const collio_object *dataset, const collio_array *memory)
{
    int64_t size = (int64_t)collio_type_size(memory->type);

    return (route){.disk = &dataset->file->disk,
                   .offset = dataset->layout.offset,
                   .file_size = size,
                   .memory_size = size};
}

static int read_directly(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_error *err)
{
    const collio_layout *l = &dataset->layout;
    int same = l->stored == memory->type;
    route r = route_of(dataset, memory);

    if (same || prepare_conversion(&r, dataset, memory, collio_selection_size(selection), err) ==
                    COLLIO_OK) {
        r.put = read_same;
        r.put_context = &r;
        r.sieve = (collio_sieve){.disk = r.disk, .end = r.offset + elements(l) * r.file_size};
        collio_runs_in_turn(l->shape, selection, memory, COLLIO_READING, COLLIO_PACK_BYTES,
                            same ? read_same : read_converted, same ? read_turns : NULL, &r, err);
    }
    free(r.sieve.bytes);
    free(r.buffer);
    return err->code;
}

/* ---------------------------------------------------------- through HDF5 */

/* Memory without gaps, of the selection's extents: HDF5 takes element after element where the
 * shapes on both sides are not the same. */
static int space_like(const collio_selection *s, hid_t *out, collio_error *err)
{
    int64_t extents[COLLIO_MAX_DIMS];

    for (int d = 0; d < s->ndim; d++)
        extents[d] = s->count[d] * s->block[d];
    return collio_hdf5_space(s->ndim, extents, out, err);
}

/* What has been written since a file was opened may be known to HDF5 alone: then HDF5 is right, and
 * the disk is not looked at. */
static int refers_to_disk(const collio_object *dataset)
{
    const collio_file *file = dataset->file;

    return collio_type_variable(dataset->layout.stored) && !(file->writable && file->changed) &&
           dataset->layout.kind <= COLLIO_STORED_CHUNKED && !dataset->foreign;
}

/* Read the selection into memory without gaps. */
static int read_packed(const collio_object *dataset, const collio_selection *selection,
                       collio_type type, void *memory, collio_error *err)
{
    hid_t element = collio_hdf5_type(type, err), file = H5Dget_space(dataset->id);
    hid_t packed = H5I_INVALID_HID;

    if (refers_to_disk(dataset) && !dataset->layout.filtered)
        collio_sound_watch(&dataset->file->disk, collio_object_header(dataset));
    if (element >= 0 && collio_hdf5(file < 0, "H5Dget_space", err) == COLLIO_OK &&
        collio_selection_apply(selection, file, err) == COLLIO_OK &&
        collio_masks_check(dataset, selection, err) == COLLIO_OK &&
        (!refers_to_disk(dataset) || !dataset->layout.filtered ||
         collio_filtered_check(dataset, file, err) == COLLIO_OK) &&
        space_like(selection, &packed, err) == COLLIO_OK)
        collio_hdf5(H5Dread(dataset->id, element, packed, file, H5P_DEFAULT, memory) < 0, "H5Dread",
                    err);
    collio_sound_watch(&dataset->file->disk, -1);
    if (packed >= 0)
        H5Sclose(packed);
    if (file >= 0)
        H5Sclose(file);
    return err->code;
}

/* Elements read without gaps, on their way to memory that has some. */
static int hand_out(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    const collio_array *packed = context;
    size_t size = collio_type_size(packed->type);

    (void)err;
    memcpy(memory, (const char *)packed->data + (size_t)first * size, (size_t)count * size);
    return COLLIO_OK;
}

static int read_through_hdf5(const collio_object *dataset, const collio_selection *selection,
                             const collio_array *memory, collio_error *err)
{
    int64_t size = collio_selection_size(selection);
    collio_selection all;
    collio_array packed;

    collio_array_fill(&packed, NULL, memory->type, 1, &size);
    collio_selection_all(&all, 1, &size);
    packed.data = malloc((size_t)size * collio_type_size(memory->type));
    if (packed.data == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld elements",
                                (long long)size);
    if (read_packed(dataset, selection, memory->type, packed.data, err) == COLLIO_OK)
        collio_runs(&size, &all, memory, COLLIO_READING, COLLIO_PACK_BYTES, hand_out, &packed, err);
    free(packed.data);
    return err->code;
}

int collio_is_packed(const collio_array *memory)
{
    int64_t step = (int64_t)collio_type_size(memory->type);

    for (int d = memory->ndim - 1; d >= 0; d--) {
        if (memory->shape[d] != 1 && memory->strides[d] != step)
            return 0;
        step *= memory->shape[d];
    }
    return 1;
}

/* ---------------------------------------------------------------- writing */

/* What elements of structs are now, as they are in the file and without gaps. */
static char *read_all_old(const collio_object *dataset, const collio_selection *selection,
                          collio_error *err)
{
    collio_type type = dataset->layout.stored;
    char *old = malloc((size_t)collio_selection_size(selection) * collio_type_size(type));

    if (old == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for elements");
    else
        read_packed(dataset, selection, type, old, err);
    return old;
}

int collio_transfer_walk(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_run_function *put, void *context,
                         collio_error *err)
{
    const collio_layout *l = &dataset->layout;
    route r = route_of(dataset, memory);
    char *old = NULL;

    if (collio_selection_size(selection) == 0 || err->code != COLLIO_OK)
        return err->code;
    if (l->stored == memory->type)
        return collio_runs(l->shape, selection, memory, COLLIO_WRITING, COLLIO_PACK_BYTES, put,
                           context, err);
    r.put = put;
    r.put_context = context;
    if (prepare_conversion(&r, dataset, memory, collio_selection_size(selection), err) ==
            COLLIO_OK &&
        r.replaces && l->offset < 0)
        r.old = old = read_all_old(dataset, selection, err);
    if (err->code == COLLIO_OK)
        collio_runs(l->shape, selection, memory, COLLIO_WRITING, COLLIO_PACK_BYTES, write_converted,
                    &r, err);
    free(old);
    free(r.buffer);
    return err->code;
}

int collio_transfer_write(const collio_object *dataset, const collio_selection *selection,
                          const collio_array *memory, collio_error *err)
{
    route r = route_of(dataset, memory);
    collio_printing printing;

    r.file_size = (int64_t)collio_type_size(dataset->layout.stored);
    if (dataset->layout.stored == memory->type)
        return collio_transfer_walk(dataset, selection, memory, write_same, &r, err);
    collio_hdf5_quiet(&printing);
    collio_transfer_walk(dataset, selection, memory, write_same, &r, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* ---------------------------------------------------------------- reading */

int collio_transfer_fill(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_run_function *get, void *context,
                         collio_error *err)
{
    const collio_layout *l = &dataset->layout;
    route r = route_of(dataset, memory);

    if (l->stored == memory->type)
        return collio_runs(l->shape, selection, memory, COLLIO_READING, COLLIO_PACK_BYTES, get,
                           context, err);
    r.put = get;
    r.put_context = context;
    if (prepare_conversion(&r, dataset, memory, collio_selection_size(selection), err) == COLLIO_OK)
        collio_runs(l->shape, selection, memory, COLLIO_READING, COLLIO_PACK_BYTES, read_converted,
                    &r, err);
    free(r.buffer);
    return err->code;
}

/* Chunks as they are, of this file. */
static int has_plain_chunks(const collio_object *dataset)
{
    const collio_layout *l = &dataset->layout;

    return l->kind == COLLIO_STORED_CHUNKED && !l->filtered && !dataset->foreign &&
           !collio_type_variable(l->stored);
}

static int read_otherwise(const collio_object *dataset, const collio_selection *selection,
                          const collio_array *memory, collio_error *err)
{
    /* Where parts are missing HDF5 would give the fill value. */
    if (dataset->layout.kind == COLLIO_STORED_VIRTUAL && collio_split_check_parts(dataset, err))
        return err->code;
    if (collio_is_packed(memory))
        return read_packed(dataset, selection, memory->type, memory->data, err);
    return read_through_hdf5(dataset, selection, memory, err);
}

int collio_transfer_read(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_error *err)
{
    collio_printing printing;
    int done;

    if (collio_selection_size(selection) == 0)
        return err->code;
    if (dataset->shard != NULL)
        return collio_split_read(dataset, selection, memory, err);
    if (is_direct(&dataset->layout) && dataset->layout.stored == memory->type)
        return read_directly(dataset, selection, memory, err);
    collio_hdf5_quiet(&printing);
    if (is_direct(&dataset->layout))
        read_directly(dataset, selection, memory, err);
    else if (has_plain_chunks(dataset))
        collio_chunks_read(dataset, selection, memory, err);
    else if (collio_filtered_read(dataset, selection, memory, &done, err) == COLLIO_OK && !done)
        read_otherwise(dataset, selection, memory, err);
    collio_hdf5_loud(&printing);
    return err->code;
}
