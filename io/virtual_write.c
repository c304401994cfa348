/*
 * Elements written through a virtual dataset. HDF5 knows where they go, and may have to give out
 * space there, which is a change of structure: so all ranks write what each of them has, in step,
 * as elements of variable length are written (lockstep.c), and what HDF5 writes goes to disk with
 * the structure. The datasets behind it have to be in the same file: others are not open to all
 * ranks.
 */
#include "file.h"

#include <string.h>

#define LONGEST_NAME 4096

static int is_here(hid_t list, size_t index)
{
    char name[3] = "";

    return H5Pget_virtual_filename(list, index, name, sizeof name) == 1 && name[0] == '.';
}

static int leads_to(const collio_object *dataset, hid_t list, size_t index)
{
    char name[LONGEST_NAME] = "";
    htri_t exists = -1;

    if (H5Pget_virtual_dsetname(list, index, name, sizeof name) < (ssize_t)sizeof name)
        exists = H5Oexists_by_name(dataset->file->id, name, H5P_DEFAULT);
    return exists > 0;
}

/* A box around a selection; if it is a block or has strides alone, the selection itself; around
 * elements by their numbers, the whole dataset. */
typedef struct box {
    hsize_t start[COLLIO_MAX_DIMS], stride[COLLIO_MAX_DIMS], count[COLLIO_MAX_DIMS];
    hsize_t block[COLLIO_MAX_DIMS];
    hssize_t points;
} box;

static void enclose(const collio_selection *s, box *out)
{
    out->points = 1;
    for (int d = 0; d < s->ndim; d++) {
        const int64_t *list = s->list[d];
        int64_t first = s->start[d], last = first;

        for (int64_t i = 0; list != NULL && i < s->count[d]; i++) {
            first = i == 0 || list[i] < first ? list[i] : first;
            last = i == 0 || list[i] > last ? list[i] : last;
        }
        out->start[d] = (hsize_t)first;
        out->count[d] = list != NULL ? 1 : (hsize_t)s->count[d];
        out->block[d] = list != NULL ? (hsize_t)(last - first) + 1 : (hsize_t)s->block[d];
        out->stride[d] =
            list != NULL || s->stride[d] < s->block[d] ? out->block[d] : (hsize_t)s->stride[d];
        out->points *= (hssize_t)(out->count[d] * out->block[d]);
    }
}

/* How many elements of it a mapping has; -1 if HDF5 cannot tell. (Its H5Scombine_select() crashes
 * on parts that have nothing in common, in 1.10.8.) */
static hssize_t common(hid_t list, size_t index, const box *wanted)
{
    hid_t mapped = H5Pget_virtual_vspace(list, index);
    hssize_t points = -1;

    if (mapped >= 0 && H5Sselect_hyperslab(mapped, H5S_SELECT_AND, wanted->start, wanted->stride,
                                           wanted->count, wanted->block) >= 0)
        points = H5Sget_select_npoints(mapped);
    if (mapped >= 0)
        H5Sclose(mapped);
    return points;
}

static int check_mappings(const collio_object *dataset, hid_t list, const box *wanted,
                          collio_error *err)
{
    hssize_t found = 0;
    size_t count = 0;

    if (collio_hdf5(H5Pget_virtual_count(list, &count) < 0, "H5Pget_virtual_count", err))
        return err->code;
    for (size_t i = 0; i < count; i++) {
        hssize_t points = common(list, i, wanted);

        if (points == 0)
            continue;
        if (points < 0 || !is_here(list, i))
            return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                    "'%s' can be read, but not written: its elements are in other "
                                    "%s (it is virtual)",
                                    dataset->name, points < 0 ? "datasets" : "files");
        found += leads_to(dataset, list, i) ? points : 0;
    }
    if (found < wanted->points)
        collio_error_set(err, COLLIO_ERR_OS,
                         "'%s': %lld elements where it is to be written are in no dataset (it is "
                         "virtual)",
                         dataset->name, (long long)(wanted->points - found));
    return err->code;
}

int collio_virtual_check(const collio_object *dataset, const collio_selection *selection,
                         collio_type type, collio_error *err)
{
    collio_type stored = dataset->layout.stored;
    collio_selection whole;
    hid_t list;
    box wanted;

    if (collio_selection_size(selection) == 0)
        return err->code;
    if (collio_type_variable(stored) || (type != stored && type > COLLIO_TYPE_COUNT))
        return collio_error_set(
            err, COLLIO_ERR_UNSUPPORTED,
            "'%s' can be read, but not written: its elements are in other "
            "datasets (it is virtual), and %s",
            dataset->name, collio_type_variable(stored) ? "of variable length" : "of another type");
    if (selection->flat)
        collio_selection_all(&whole, dataset->layout.ndim, dataset->layout.shape);
    enclose(selection->flat ? &whole : selection, &wanted);
    list = H5Dget_create_plist(dataset->id);
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err) == COLLIO_OK)
        check_mappings(dataset, list, &wanted, err);
    if (list >= 0)
        H5Pclose(list);
    return err->code;
}
