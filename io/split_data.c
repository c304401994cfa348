/* The elements of split files: in this rank's own file, as it has written them. */
#include "split.h"
#include "type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- what goes */

static int64_t elements_of(const collio_creation *c)
{
    int64_t n = c->ndim == COLLIO_NO_EXTENTS ? 0 : 1;

    for (int d = 0; d < c->ndim; d++)
        n *= c->shape[d];
    return n;
}

/* Elements of variable length are structure anyway, and a virtual dataset has dimensions. */
int collio_split_takes(const collio_creation *c)
{
    return c->parent->file->split != NULL && !collio_type_variable(c->type) && c->ndim > 0 &&
           elements_of(c) > 0;
}

int collio_split_check(const collio_creation *c, collio_error *err)
{
    static const size_t most = 64000; /* HDF5's limit, with something to spare */
    const collio_dataset_options *o = &c->options;

    if (c->parent->file->split == NULL || err->code != COLLIO_OK)
        return err->code;
    if (o->is_virtual || o->external_count > 0)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "a file that each rank writes a part of (layout 'per-rank') has no "
                                "virtual or external datasets");
    if (c->ndim == 0 && collio_type_size(c->type) > most)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "one element of %zu bytes: in a file that each rank writes a part "
                                "of (layout 'per-rank') it has %zu at most; give it a dimension",
                                collio_type_size(c->type), most);
    return COLLIO_OK;
}

void collio_split_stand_in(const collio_creation *c, collio_stand_in *out)
{
    collio_dataset_options *o = &out->creation.options;
    collio_mapping *m = &out->mapping;

    out->creation = *c;
    if (c->parent->file->split == NULL)
        return;
    out->creation.compact = c->ndim == 0 && !collio_type_variable(c->type);
    if (!collio_split_takes(c))
        return;
    snprintf(out->name, sizeof out->name, "%d", c->parent->file->split->count);
    *m = (collio_mapping){.path = c->parent->file->split->index,
                          .name = out->name,
                          .ndim = c->ndim,
                          .shape = c->shape};
    collio_selection_all(&m->where, c->ndim, c->shape);
    m->from = m->where;
    if (!o->chunked)
        memcpy(out->creation.maximum, c->shape, (size_t)c->ndim * sizeof *c->shape);
    o->chunked = o->filter_count = 0;
    o->chunks = NULL;
    o->is_virtual = o->mapping_count = 1;
    o->mappings = m;
}

/* ---------------------------------------------------------------- datasets */

static hid_t create(collio_split *split, collio_shard *shard, const collio_creation *c,
                    collio_error *err)
{
    hid_t type = collio_hdf5_type(c->type, err), space = collio_creation_space(c, err);
    hid_t list = H5I_INVALID_HID, id = H5I_INVALID_HID;
    char name[24];

    snprintf(name, sizeof name, "%d", split->count);
    if (type >= 0 && space >= 0 && collio_creation_list(c, &list, err) == COLLIO_OK) {
        shard->list = H5Pcopy(list);
        /* What nobody writes is filled when the parts are put together. */
        if (collio_hdf5(shard->list < 0, "H5Pcopy", err) == COLLIO_OK && !c->options.chunked)
            collio_hdf5(H5Pset_fill_time(shard->list, H5D_FILL_TIME_NEVER) < 0, "H5Pset_fill_time",
                        err);
    }
    if (err->code == COLLIO_OK) {
        id = H5Dcreate2(collio_solo_id(split->store), name, type, space, H5P_DEFAULT, shard->list,
                        H5P_DEFAULT);
        collio_hdf5(id < 0, "H5Dcreate2", err);
    }
    collio_creation_unlist(c, list);
    if (space >= 0)
        H5Sclose(space);
    return id;
}

/* A dataset that is gone may have had the same place in the structure. */
static void forget_place(collio_split *split, uint64_t identity)
{
    for (int i = 0; i < split->count; i++)
        if (split->shards[i]->identity == identity)
            split->shards[i]->identity = UINT64_MAX;
}

int collio_split_add(collio_object *dataset, const collio_creation *c, collio_error *err)
{
    collio_split *split = dataset->file->split;
    collio_shard *shard = calloc(1, sizeof *shard);
    collio_shard **more = realloc(split->shards, ((size_t)split->count + 1) * sizeof *more);

    if (more != NULL)
        split->shards = more;
    if (shard == NULL || more == NULL) {
        free(shard);
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a dataset");
    }
    *shard = (collio_shard){.identity = dataset->identity,
                            .id = H5I_INVALID_HID,
                            .list = H5I_INVALID_HID,
                            .type = c->type,
                            .ndim = c->ndim};
    memcpy(shard->shape, c->shape, (size_t)c->ndim * sizeof *c->shape);
    shard->id = create(split, shard, c, err);
    shard->offset = -1;
    if (shard->id >= 0 && !c->options.chunked)
        shard->offset = (int64_t)H5Dget_offset(shard->id); /* HADDR_UNDEF is -1 */
    forget_place(split, shard->identity);
    split->shards[split->count++] = shard;
    dataset->shard = shard;
    return err->code;
}

collio_shard *collio_split_find(const collio_object *dataset)
{
    const collio_split *split = dataset->file->split;

    if (split == NULL || dataset->foreign || dataset->kind != COLLIO_KIND_DATASET ||
        dataset->layout.kind != COLLIO_STORED_VIRTUAL)
        return NULL;
    for (int i = 0; i < split->count; i++)
        if (split->shards[i]->identity == dataset->identity)
            return split->shards[i];
    return NULL;
}

static int64_t number_of(const collio_object *dataset)
{
    const collio_split *split = dataset->file->split;
    int64_t n = 0;

    while (split->shards[n] != dataset->shard)
        n++;
    return n;
}

/* ------------------------------------------------------------------ write */

/* Some fields of structs: the others may have been written by another rank. */
static int is_partial(const collio_object *dataset, const collio_array *memory, collio_error *err)
{
    hid_t mine = collio_hdf5_type(memory->type, err);
    hid_t theirs = collio_hdf5_type(dataset->layout.stored, err);

    return mine >= 0 && theirs >= 0 && H5Tget_class(theirs) == H5T_COMPOUND &&
           (H5Tget_class(mine) != H5T_COMPOUND || H5Tget_nmembers(mine) < H5Tget_nmembers(theirs));
}

int collio_split_check_write(const collio_object *dataset, const collio_selection *selection,
                             const collio_array *memory, collio_error *err)
{
    /* HDF5 takes a time that grows with the square of it, to write the index and to read it: for
     * five times as many several seconds. */
    static const int64_t most = 1000;

    if (err->code == COLLIO_OK && collio_split_pieces(selection) > most)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s': elements by their numbers (as a mask selects them) in %lld "
                                "pieces: in a file that each rank writes a part of (layout "
                                "'per-rank') they can be in %lld at most in one call",
                                dataset->name, (long long)collio_split_pieces(selection),
                                (long long)most);
    if (err->code != COLLIO_OK || collio_selection_size(selection) == 0 ||
        !is_partial(dataset, memory, err) || err->code != COLLIO_OK)
        return err->code;
    return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                            "'%s': in a file that each rank writes a part of (layout 'per-rank') "
                            "single fields cannot be written",
                            dataset->name);
}

/* The dataset in this rank's file in place of the one in the structure. */
typedef struct own_dataset {
    collio_object object;
    collio_file file;
} own_dataset;

static void own_of(const collio_object *dataset, own_dataset *own)
{
    own->object = *dataset;
    own->object.file = &own->file;
    own->object.id = dataset->shard->id;
    own->object.shard = NULL;
    own->object.layout.offset = dataset->shard->offset;
    own->file = *dataset->file;
    own->file.disk = *collio_solo_disk(dataset->file->split->store);
}

static int put(const collio_object *dataset, const collio_selection *selection,
               const collio_array *memory, collio_error *err)
{
    own_dataset own;

    own_of(dataset, &own);
    if (own.object.layout.offset >= 0)
        return collio_transfer_write(&own.object, selection, memory, err);
    return collio_external_write(&own.object, selection, memory, err);
}

static int note(void *context, const collio_selection *row, collio_error *err)
{
    const collio_object *dataset = context;

    return collio_note_add(dataset->file->split, number_of(dataset), dataset->file->rank, row, err);
}

int collio_split_write_alone(const collio_object *dataset, const collio_selection *selection,
                             const collio_array *memory, collio_error *err)
{
    if (collio_selection_size(selection) == 0 || err->code != COLLIO_OK)
        return err->code;
    if (put(dataset, selection, memory, err) == COLLIO_OK)
        collio_split_rows(selection, dataset->shard->ndim, dataset->shard->shape, note,
                          (void *)dataset, err);
    return err->code;
}

int collio_split_write(collio_object *dataset, const collio_selection *selection,
                       const collio_array *memory, collio_error *err)
{
    dataset->file->split->calls++;
    collio_split_write_alone(dataset, selection, memory, err);
    return collio_finish_elements(dataset->file, "written", err);
}

/* ------------------------------------------------------------------- read */

/* Elements that are to be read, and how many of them this rank has not written. */
typedef struct looking {
    const collio_object *dataset;
    int64_t missing;
} looking;

static int count_missing(void *context, const collio_selection *selection, collio_error *err)
{
    looking *l = context;
    const collio_split *split = l->dataset->file->split;
    const collio_shard *shard = l->dataset->shard;
    int64_t number = number_of(l->dataset);
    hid_t space = H5I_INVALID_HID;
    collio_selection written;

    if (collio_hdf5_space(shard->ndim, shard->shape, &space, err) == COLLIO_OK &&
        collio_selection_apply(selection, space, err) == COLLIO_OK) {
        for (int64_t i = split->noted - 1; i >= 0 && err->code == COLLIO_OK; i--) {
            if (split->notes[i].shard != number)
                continue;
            collio_note_selection(&split->notes[i], shard->ndim, &written);
            collio_selection_remove(&written, space, err);
        }
        l->missing += (int64_t)H5Sget_select_npoints(space);
    }
    if (space >= 0)
        H5Sclose(space);
    return err->code;
}

int collio_split_read(const collio_object *dataset, const collio_selection *selection,
                      const collio_array *memory, collio_error *err)
{
    collio_printing printing;
    own_dataset own;
    looking l = {dataset, 0};

    collio_hdf5_quiet(&printing);
    collio_split_rows(selection, dataset->shard->ndim, dataset->shard->shape, count_missing, &l,
                      err);
    collio_hdf5_loud(&printing);
    if (err->code == COLLIO_OK && l.missing > 0)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s': %lld of the elements were not written by this rank: until "
                                "the file is closed each rank reads what it has written itself "
                                "(layout 'per-rank')",
                                dataset->name, (long long)l.missing);
    own_of(dataset, &own);
    return collio_transfer_read(&own.object, selection, memory, err);
}
