/* Selections as HDF5 has them: dataspaces. */
#include "hdf.h"

#include <stdlib.h>

/* ---------------------------------------------------------- regular ones */

/* Everything but the lists, of which each dimension has one piece. */
typedef struct slab {
    hsize_t start[COLLIO_MAX_DIMS], stride[COLLIO_MAX_DIMS];
    hsize_t count[COLLIO_MAX_DIMS], block[COLLIO_MAX_DIMS];
} slab;

static void slab_from(const collio_selection *s, slab *out)
{
    for (int d = 0; d < s->ndim; d++) {
        out->start[d] = (hsize_t)s->start[d];
        out->stride[d] = (hsize_t)s->stride[d];
        out->count[d] = (hsize_t)s->count[d];
        out->block[d] = (hsize_t)s->block[d];
    }
}

static int select_slab(hid_t space, H5S_seloper_t how, const slab *b, collio_error *err)
{
    return collio_hdf5(H5Sselect_hyperslab(space, how, b->start, b->stride, b->count, b->block) < 0,
                       "H5Sselect_hyperslab", err);
}

/* ------------------------------------------------------------- with lists */

/* The indexes that follow each other from list[at] on, as one block. Returns where the
 * next ones begin. */
static int64_t take_piece(const collio_selection *s, int d, int64_t at, slab *b)
{
    const int64_t *list = s->list[d];
    int64_t end = at + 1;

    while (end < s->count[d] && list[end] == list[end - 1] + 1)
        end++;
    b->start[d] = (hsize_t)list[at];
    b->stride[d] = b->block[d] = (hsize_t)(end - at);
    b->count[d] = 1;
    return end;
}

/* Add, or take away, all pieces of the lists in dimension d and those after it. */
static int add_pieces(const collio_selection *s, int d, slab *b, hid_t space, H5S_seloper_t how,
                      collio_error *err)
{
    while (d < s->ndim && s->list[d] == NULL)
        d++;
    if (d == s->ndim)
        return select_slab(space, how, b, err);
    for (int64_t at = 0; at < s->count[d] && err->code == COLLIO_OK;) {
        at = take_piece(s, d, at, b);
        add_pieces(s, d + 1, b, space, how, err);
    }
    return err->code;
}

/* ------------------------------------------------------------ by numbers */

/* Turn the number of an element into its indexes. */
static void unravel(int64_t number, int ndim, const hsize_t *shape, hsize_t *out)
{
    for (int d = ndim - 1; d >= 0; d--) {
        out[d] = (hsize_t)number % shape[d];
        number /= (int64_t)shape[d];
    }
}

static int select_flat(const collio_selection *s, hid_t space, collio_error *err)
{
    int64_t n = collio_selection_size(s), block = s->block[0];
    hsize_t shape[COLLIO_MAX_DIMS], *points;
    int ndim = H5Sget_simple_extent_dims(space, shape, NULL);

    if (collio_hdf5(ndim < 1, "H5Sget_simple_extent_dims", err))
        return err->code;
    points = malloc((size_t)(n * ndim) * sizeof *points);
    if (points == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to select %lld elements",
                                (long long)n);
    for (int64_t i = 0; i < n; i++) {
        int64_t number =
            s->list[0] != NULL ? s->list[0][i] : s->start[0] + i / block * s->stride[0] + i % block;

        unravel(number, ndim, shape, points + i * ndim);
    }
    collio_hdf5(H5Sselect_elements(space, H5S_SELECT_SET, (size_t)n, points) < 0,
                "H5Sselect_elements", err);
    free(points);
    return err->code;
}

int collio_selection_apply(const collio_selection *selection, hid_t space, collio_error *err)
{
    int lists = 0;
    slab b;

    for (int d = 0; d < selection->ndim; d++)
        lists |= selection->list[d] != NULL;
    if (selection->ndim == 0)
        return err->code;
    if (collio_selection_size(selection) == 0)
        return collio_hdf5(H5Sselect_none(space) < 0, "H5Sselect_none", err);
    if (selection->flat)
        return select_flat(selection, space, err);
    slab_from(selection, &b);
    if (!lists)
        return select_slab(space, H5S_SELECT_SET, &b, err);
    if (collio_hdf5(H5Sselect_none(space) < 0, "H5Sselect_none", err) == COLLIO_OK)
        add_pieces(selection, 0, &b, space, H5S_SELECT_OR, err);
    return err->code;
}

int collio_selection_remove(const collio_selection *selection, hid_t space, collio_error *err)
{
    slab b;

    if (err->code != COLLIO_OK || collio_selection_size(selection) == 0 ||
        H5Sget_select_npoints(space) == 0)
        return err->code;
    slab_from(selection, &b);
    return add_pieces(selection, 0, &b, space, H5S_SELECT_NOTB, err);
}
