/* Write to datasets that other programs made: those that have no space yet get it, and small
 * ones within the structure (compact) are written by all ranks alike. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------- space, at last */

/* HDF5 gives a dataset its space when something is written; the driver only notes what. */
static int allocate(collio_object *dataset, collio_error *err)
{
    collio_layout *l = &dataset->layout;
    hid_t type = collio_hdf5_type(l->stored, err), file = H5Dget_space(dataset->id);
    hid_t one = H5Screate(H5S_SCALAR);
    hsize_t first[COLLIO_MAX_DIMS] = {0};
    char *element = calloc(1, collio_type_size(l->stored));
    haddr_t address;

    if (element == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for an element");
    if (err->code == COLLIO_OK && l->ndim > 0)
        collio_hdf5(H5Sselect_elements(file, H5S_SELECT_SET, 1, first) < 0, "H5Sselect_elements",
                    err);
    dataset->file->disk.aside = 1;
    if (err->code == COLLIO_OK)
        collio_hdf5(H5Dwrite(dataset->id, type, one, file, H5P_DEFAULT, element) < 0, "H5Dwrite",
                    err);
    dataset->file->disk.aside = 0;
    address = H5Dget_offset(dataset->id);
    l->offset = address != HADDR_UNDEF ? collio_disk_offset(&dataset->file->disk, address) : -1;
    free(element);
    H5Sclose(one);
    H5Sclose(file);
    return err->code;
}

int collio_late_allocate(collio_object *dataset, collio_error *err)
{
    size_t size = collio_type_size(dataset->layout.stored);
    char *element = calloc(1, size);
    int wanted = 0;

    if (element == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for an element");
    else
        collio_fill_value(dataset, element, &wanted, err);
    if (err->code == COLLIO_OK)
        allocate(dataset, err);
    if (collio_finish(dataset->file, "write, space", (uint64_t)dataset->layout.offset, err) ==
        COLLIO_OK) {
        for (collio_object *o = dataset->file->objects; o != NULL; o = o->next)
            if (o->kind == COLLIO_KIND_DATASET && o->identity == dataset->identity)
                o->layout.offset = dataset->layout.offset;
        collio_first_elements(dataset, wanted ? element : NULL, err);
    }
    free(element);
    return err->code;
}

/* ------------------------------------------------------------------ compact */

/* All elements of a compact dataset, on each rank. */
typedef struct compact {
    char *elements;
    size_t element; /* bytes */
    collio_parcel parcel;
} compact;

static int add_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    compact *c = context;
    collio_segment s = {0, first, count, memory, 0, 1};

    return collio_parcel_add(&c->parcel, 0, &s, c->element, err);
}

static int put_segment(void *context, const collio_segment *s, collio_error *err)
{
    compact *c = context;

    (void)err;
    memcpy(c->elements + (size_t)s->offset * c->element, s->memory, (size_t)s->count * c->element);
    return COLLIO_OK;
}

/* Every rank's parcel on every rank, in the order of ranks. Collective. */
static int gather(collio_comm *comm, compact *c, collio_error *err)
{
    int64_t mine = c->parcel.size, *sizes = malloc((size_t)collio_comm_size(comm) * sizeof *sizes);

    if (sizes == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange elements");
    if (collio_agree_step(comm, "write, all elements", err))
        goto done;
    collio_allgather(comm, &mine, sizes, sizeof mine, "write, sizes", err);
    for (int rank = 0; rank < collio_comm_size(comm) && err->code == COLLIO_OK; rank++) {
        char *bytes = malloc((size_t)sizes[rank] + 1);

        if (bytes == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange elements");
        else if (rank == collio_comm_rank(comm) && sizes[rank] > 0)
            memcpy(bytes, c->parcel.bytes, (size_t)sizes[rank]);
        if (collio_agree_step(comm, "write, room for elements", err) == COLLIO_OK &&
            collio_bcast(comm, bytes, (size_t)sizes[rank], rank, "write, elements", err) ==
                COLLIO_OK)
            collio_parcel_open(bytes, sizes[rank], c->element, 0, put_segment, c, err);
        free(bytes);
    }
done:
    free(sizes);
    return err->code;
}

int collio_compact_write(collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_error *err)
{
    collio_file *file = dataset->file;
    hid_t type = collio_hdf5_type(dataset->layout.stored, err);
    compact c = {.elements = malloc((size_t)collio_layout_bytes(dataset) + 1),
                 .element = collio_type_size(dataset->layout.stored)};

    if (c.elements == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for elements");
    if (err->code == COLLIO_OK)
        collio_hdf5(H5Dread(dataset->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, c.elements) < 0,
                    "H5Dread", err);
    collio_transfer_walk(dataset, selection, memory, add_run, &c, err);
    if (gather(file->comm, &c, err) == COLLIO_OK) {
        collio_hdf5(H5Dwrite(dataset->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, c.elements) < 0,
                    "H5Dwrite", err);
        collio_finish(file, "written",
                      collio_hash(0, c.elements, (size_t)collio_layout_bytes(dataset)), err);
    }
    free(c.parcel.bytes);
    free(c.elements);
    return collio_file_outcome(file, err);
}
