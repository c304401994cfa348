/* For readers that know HDF5 only: an array in files of the ranks as one virtual dataset. */
#include "rankset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the names of the sources '%' begins a pattern, and "%%" stands for itself. */
static char *escape(const char *name, collio_error *err)
{
    char *out = malloc(2 * strlen(name) + 1), *to = out;

    if (out == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a name");
        return NULL;
    }
    for (; *name != '\0'; *to++ = *name++)
        if (*name == '%')
            *to++ = '%';
    *to = '\0';
    return out;
}

/* One box: all of a dataset in the file of a rank. Its path is relative to the step's own file, so
 * that a directory of checkpoints can be moved. */
static void map_box(hid_t list, hid_t whole, const collio_record *record, const int64_t *box,
                    const char *file, const char *name, collio_error *err)
{
    collio_selection block;
    hid_t source = -1;

    collio_selection_block(&block, record->ndim, box, box + record->ndim);
    if (collio_selection_apply(&block, whole, err) == COLLIO_OK &&
        collio_hdf5_space(record->ndim, box + record->ndim, &source, err) == COLLIO_OK)
        collio_hdf5(H5Pset_virtual(list, whole, file, name, source) < 0, "H5Pset_virtual", err);
    if (source >= 0)
        collio_hdf5(H5Sclose(source) < 0, "H5Sclose", err);
}

static void map_file(hid_t list, hid_t whole, const collio_table *table, int i, int file,
                     const char *name, collio_error *err)
{
    const int64_t *box = collio_rankset_box(table, file, i);
    char *ranks, *path = NULL;

    if (collio_box_is_empty(&table->record[i], box))
        return;
    ranks = collio_name_apart(".", table->uuid, table->step, 0, err);
    if (ranks != NULL)
        path = collio_name_rank(ranks + 2, file, err);
    if (path != NULL)
        map_box(list, whole, &table->record[i], box, path, name, err);
    free(ranks);
    free(path);
}

hid_t collio_ranks_index(const collio_table *table, int i, collio_error *err)
{
    const collio_record *record = &table->record[i];
    char *name = escape(record->name, err);
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), whole = -1;

    if (collio_hdf5(list < 0, "H5Pcreate", err) == COLLIO_OK && name != NULL &&
        collio_hdf5(H5Pset_obj_track_times(list, 0) < 0, "H5Pset_obj_track_times", err) ==
            COLLIO_OK &&
        collio_hdf5_space(record->ndim, record->shape, &whole, err) == COLLIO_OK)
        for (int file = 0; file < table->ranks->files && err->code == COLLIO_OK; file++)
            map_file(list, whole, table, i, file, name, err);
    if (whole >= 0)
        collio_hdf5(H5Sclose(whole) < 0, "H5Sclose", err);
    free(name);
    return list;
}
