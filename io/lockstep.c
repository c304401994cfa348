/* Elements that only HDF5 can write: those of variable length, whose text goes into
 * heaps that are part of the structure of the file, and those of virtual datasets. Structure is
 * changed by all ranks in step, so every rank gets what all ranks write and writes it for each of
 * them in turn. */
#include "chunk.h"
#include "type.h"

#include "file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a rank writes, as others get it. */
typedef struct part {
    collio_selection selection;
    hid_t type;
    int64_t count;
    void *elements;
} part;

/* ------------------------------------------------------------------- pack */

typedef struct collecting {
    char *elements;
    size_t size;
} collecting;

static int collect(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    const collecting *c = context;

    (void)err;
    memcpy(c->elements + (size_t)first * c->size, memory, (size_t)count * c->size);
    return COLLIO_OK;
}

char *collio_without_gaps(const collio_array *memory, int64_t count, collio_error *err)
{
    collecting c = {NULL, collio_type_size(memory->type)};
    collio_selection all;

    c.elements = malloc((size_t)count * c.size);
    if (c.elements == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %" PRId64 " elements", count);
        return NULL;
    }
    collio_selection_all(&all, 1, &count);
    collio_runs(&count, &all, memory, COLLIO_WRITING, COLLIO_PACK_BYTES, collect, &c, err);
    return c.elements;
}

static int pack_selection(collio_bundle *b, const collio_selection *s, collio_error *err)
{
    collio_bundle_add(b, s, sizeof *s, err);
    for (int d = 0; d < s->ndim; d++)
        if (s->list[d] != NULL)
            collio_bundle_add(b, s->list[d], (size_t)s->count[d] * sizeof *s->list[d], err);
    return err->code;
}

/* The type in HDF5's own words: its number means nothing to other ranks. */
static int pack_type(collio_bundle *b, hid_t type, collio_error *err)
{
    char *words = NULL;
    size_t size = 0;

    if (collio_hdf5(H5Tencode(type, NULL, &size) < 0, "H5Tencode", err))
        return err->code;
    words = malloc(size);
    if (words == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for an element type");
    if (collio_hdf5(H5Tencode(type, words, &size) < 0, "H5Tencode", err) == COLLIO_OK &&
        collio_bundle_add(b, &size, sizeof size, err) == COLLIO_OK)
        collio_bundle_add(b, words, size, err);
    free(words);
    return err->code;
}

static int pack_part(collio_bundle *b, const collio_selection *selection,
                     const collio_array *memory, collio_error *err)
{
    int64_t count = collio_selection_size(selection);
    char *elements;

    if (count == 0)
        return COLLIO_OK;
    elements = collio_without_gaps(memory, count, err);
    if (elements != NULL && err->code == COLLIO_OK &&
        pack_selection(b, selection, err) == COLLIO_OK &&
        pack_type(b, collio_hdf5_type(memory->type, err), err) == COLLIO_OK)
        collio_bundle_pack(b, memory->type, elements, count, err);
    free(elements);
    return err->code;
}

/* ----------------------------------------------------------------- unpack */

static int unpack_part(char *bytes, part *p, collio_type *type, collio_error *err)
{
    collio_selection *s = &p->selection;
    size_t size;

    memcpy(s, collio_bundle_take(&bytes, sizeof *s), sizeof *s);
    for (int d = 0; d < s->ndim; d++)
        if (s->list[d] != NULL)
            s->list[d] =
                (int64_t *)collio_bundle_take(&bytes, (size_t)s->count[d] * sizeof *s->list[d]);
    memcpy(&size, collio_bundle_take(&bytes, sizeof size), sizeof size);
    p->type = COLLIO_TYPE_DECODE(collio_bundle_take(&bytes, size), size);
    collio_hdf5(p->type < 0, "H5Tdecode", err);
    *type = collio_type_take(p->type, err);
    if (err->code != COLLIO_OK)
        return err->code;
    p->type = collio_hdf5_type(*type, err);
    p->count = collio_selection_size(s);
    p->elements = collio_bundle_unpack(&bytes, *type, p->count);
    return err->code;
}

/* As the dataset has its elements: for a virtual one HDF5 1.10 takes whatever it is given for
 * those. The new elements are to be freed. */
static void *convert(const collio_object *dataset, part *p, collio_error *err)
{
    hid_t stored = collio_hdf5_type(dataset->layout.stored, err);
    size_t from = H5Tget_size(p->type), to = H5Tget_size(stored), size = from > to ? from : to;
    void *elements = calloc((size_t)p->count, size), *before = calloc((size_t)p->count, size);

    if (elements == NULL || before == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %" PRId64 " elements", p->count);
    } else {
        memcpy(elements, p->elements, (size_t)p->count * from);
        collio_hdf5(H5Tconvert(p->type, stored, (size_t)p->count, elements, before, H5P_DEFAULT) <
                        0,
                    "H5Tconvert", err);
        p->type = stored;
        p->elements = elements;
    }
    free(before);
    return elements;
}

/* Write what one rank has sent. */
static int write_part(const collio_object *dataset, char *bytes, collio_error *err)
{
    hid_t file = H5I_INVALID_HID, memory = H5I_INVALID_HID;
    void *converted = NULL;
    collio_type type;
    part p;

    if (unpack_part(bytes, &p, &type, err))
        return err->code;
    if (dataset->layout.kind == COLLIO_STORED_VIRTUAL)
        converted = convert(dataset, &p, err);
    file = H5Dget_space(dataset->id);
    if (err->code == COLLIO_OK && collio_hdf5(file < 0, "H5Dget_space", err) == COLLIO_OK &&
        collio_selection_apply(&p.selection, file, err) == COLLIO_OK &&
        collio_masks_check(dataset, &p.selection, err) == COLLIO_OK &&
        collio_hdf5_space(1, &p.count, &memory, err) == COLLIO_OK)
        collio_hdf5(H5Dwrite(dataset->id, p.type, memory, file, H5P_DEFAULT, p.elements) < 0,
                    "H5Dwrite", err);
    if (memory >= 0)
        H5Sclose(memory);
    if (file >= 0)
        H5Sclose(file);
    free(converted);
    return err->code;
}

/* -------------------------------------------------------------- together */

/* The bundles of all ranks. */
typedef struct gathered {
    int64_t *sizes;
    char *bytes; /* `room` for each */
    int64_t room;
} gathered;

static int gather_sizes(collio_comm *comm, const collio_bundle *mine, gathered *all,
                        collio_error *err)
{
    int64_t size = (int64_t)mine->size, total = 0;
    int ranks = collio_comm_size(comm);

    if (collio_allgather(comm, &size, all->sizes, sizeof size, "sizes of elements", err))
        return err->code;
    for (int r = 0; r < ranks; r++) {
        total += all->sizes[r];
        all->room = all->sizes[r] > all->room ? all->sizes[r] : all->room;
    }
    if (total <= COLLIO_LOCKSTEP_BYTES)
        return COLLIO_OK;
    collio_error_set(err, COLLIO_ERR_VALUE,
                     "elements of variable length, or of a virtual dataset, of %" PRId64
                     " bytes in one call of all ranks, %d are allowed: write in pieces",
                     total, COLLIO_LOCKSTEP_BYTES);
    err->agreed = 1; /* all ranks have counted the same */
    return err->code;
}

/* Every rank gets the bundles of all. Collective. */
static int gather(collio_file *file, collio_bundle *mine, gathered *all, collio_error *err)
{
    int ranks = collio_comm_size(file->comm);
    char *more;

    all->sizes = calloc((size_t)ranks, sizeof *all->sizes);
    if (all->sizes == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d ranks", ranks);
    if (collio_finish_elements(file, "packed", err) || gather_sizes(file->comm, mine, all, err))
        return collio_file_outcome(file, err);
    all->bytes = malloc((size_t)(all->room * ranks) + 1);
    more = realloc(mine->bytes, (size_t)all->room + 1);
    if (more != NULL)
        mine->bytes = more;
    if (all->bytes == NULL || more == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the elements of %d ranks", ranks);
    if (collio_finish_elements(file, "made room", err))
        return err->code;
    collio_allgather(file->comm, mine->bytes, all->bytes, (size_t)all->room, "elements", err);
    return collio_file_outcome(file, err);
}

static int write_all(const collio_object *dataset, const gathered *all, collio_error *err)
{
    int ranks = collio_comm_size(dataset->file->comm);

    for (int r = 0; r < ranks && err->code == COLLIO_OK; r++)
        if (all->sizes[r] > 0)
            write_part(dataset, all->bytes + r * all->room, err);
    /* Chunks that HDF5 keeps would get their space whenever a rank happens to read others. */
    if (dataset->layout.kind != COLLIO_STORED_CONTIGUOUS &&
        dataset->layout.kind != COLLIO_STORED_COMPACT && err->code == COLLIO_OK)
        collio_hdf5(H5Dflush(dataset->id) < 0, "H5Dflush", err);
    if (collio_finish(dataset->file, "write", 0, err) ||
        dataset->layout.kind != COLLIO_STORED_VIRTUAL)
        return err->code;
    /* Other datasets' elements are read from the disk. */
    return collio_file_flush_now(dataset->file, err);
}

int collio_lockstep_needed(const collio_object *dataset)
{
    return dataset->layout.kind == COLLIO_STORED_VIRTUAL ||
           (collio_type_variable(dataset->layout.stored) &&
            dataset->layout.kind <= COLLIO_STORED_COMPACT);
}

int collio_lockstep_write(const collio_object *dataset, const collio_selection *selection,
                          const collio_array *memory, collio_error *err)
{
    gathered all = {NULL, NULL, 0};
    collio_bundle mine = {NULL, 0, 0};
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    pack_part(&mine, selection, memory, err);
    if (gather(dataset->file, &mine, &all, err) == COLLIO_OK && all.room > 0)
        write_all(dataset, &all, err);
    free(mine.bytes);
    free(all.bytes);
    free(all.sizes);
    collio_hdf5_loud(&printing);
    return err->code;
}
