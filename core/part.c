/* Block partitions of n items and of N-d arrays over ranks. */
#include "internal.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int collio_part_range(int64_t n, int parts, int part, int64_t *start, int64_t *count,
                      collio_error *err)
{
    int64_t each, extra;

    if (n < 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "n must be >= 0, got %lld", (long long)n);
    if (parts < 1 || part < 0 || part >= parts)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "part must be in 0 .. parts-1, got part %d of %d", part, parts);
    each = n / parts;
    extra = n % parts;
    *start = part * each + least(part, extra);
    *count = each + (part < extra);
    return COLLIO_OK;
}

static int check_shape(int ndim, const int64_t *shape, collio_error *err)
{
    if (ndim < 1 || ndim > COLLIO_MAX_DIMS)
        return collio_error_set(err, COLLIO_ERR_VALUE, "ndim must be in 1 .. %d, got %d",
                                COLLIO_MAX_DIMS, ndim);
    for (int i = 0; shape != NULL && i < ndim; i++)
        if (shape[i] < 0)
            return collio_error_set(err, COLLIO_ERR_VALUE, "shape[%d] must be >= 0, got %lld", i,
                                    (long long)shape[i]);
    return COLLIO_OK;
}

static int largest_prime_factor(int n)
{
    int largest = 1;

    for (int p = 2; p <= n / p; p++)
        for (; n % p == 0; n /= p)
            largest = p;
    return n > 1 ? n : largest;
}

/* The free dimension whose parts are longest; without a shape, the one cut least so far. */
static int longest_free(int ndim, const int64_t *shape, const int *fixed, const int *dims)
{
    int best = -1;

    for (int i = 0; i < ndim; i++) {
        if (fixed[i])
            continue;
        if (best < 0) {
            best = i;
            continue;
        }
        double here = shape != NULL ? (double)shape[i] : 1.0;
        double there = shape != NULL ? (double)shape[best] : 1.0;
        if (here / dims[i] > there / dims[best])
            best = i;
    }
    return best;
}

int collio_part_dims(int parts, int ndim, const int64_t *shape, int *dims, collio_error *err)
{
    int fixed[COLLIO_MAX_DIMS], left = parts, any_free = 0;

    if (check_shape(ndim, shape, err) != COLLIO_OK)
        return err->code;
    if (parts < 1)
        return collio_error_set(err, COLLIO_ERR_VALUE, "parts must be >= 1, got %d", parts);
    for (int i = 0; i < ndim; i++) {
        fixed[i] = dims[i] != 0;
        any_free |= !fixed[i];
        if (dims[i] < 0 || (fixed[i] && left % dims[i] != 0))
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "dims[%d] = %d does not divide the %d parts", i, dims[i],
                                    parts);
        left /= fixed[i] ? dims[i] : 1;
    }
    if (!any_free && left != 1)
        return collio_error_set(err, COLLIO_ERR_VALUE, "dims do not multiply to %d parts", parts);
    for (int i = 0; i < ndim; i++)
        dims[i] = fixed[i] ? dims[i] : 1;
    while (left > 1) {
        int factor = largest_prime_factor(left);
        dims[longest_free(ndim, shape, fixed, dims)] *= factor;
        left /= factor;
    }
    return COLLIO_OK;
}

int collio_part_box(int ndim, const int64_t *shape, const int *dims, int rank, int64_t halo,
                    collio_box *inner, collio_box *outer, collio_error *err)
{
    int given = rank;

    if (check_shape(ndim, shape, err) != COLLIO_OK)
        return err->code;
    if (halo < 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "halo must be >= 0, got %lld",
                                (long long)halo);
    inner->ndim = ndim;
    for (int i = ndim - 1; i >= 0; i--) {
        if (dims[i] < 1)
            return collio_error_set(err, COLLIO_ERR_VALUE, "dims[%d] must be >= 1, got %d", i,
                                    dims[i]);
        int part = rank >= 0 ? rank % dims[i] : -1;
        if (collio_part_range(shape[i], dims[i], part, &inner->start[i], &inner->count[i], err))
            return err->code;
        rank /= dims[i];
    }
    if (rank != 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "rank %d lies beyond the parts of dims",
                                given);
    if (outer == NULL)
        return COLLIO_OK;
    outer->ndim = ndim;
    for (int i = 0; i < ndim; i++) {
        int64_t end = least(inner->start[i] + inner->count[i] + halo, shape[i]);
        int64_t begin = most(inner->start[i] - halo, 0);
        int empty = inner->count[i] == 0;
        outer->start[i] = empty ? inner->start[i] : begin;
        outer->count[i] = empty ? 0 : end - begin;
    }
    return COLLIO_OK;
}

int64_t collio_box_size(const collio_box *box)
{
    int64_t size = 1;

    for (int i = 0; i < box->ndim; i++)
        size *= box->count[i];
    return size;
}

int collio_box_intersect(const collio_box *a, const collio_box *b, collio_box *out)
{
    int any = 1;

    out->ndim = a->ndim;
    for (int i = 0; i < a->ndim; i++) {
        int64_t begin = most(a->start[i], b->start[i]);
        int64_t end = least(a->start[i] + a->count[i], b->start[i] + b->count[i]);
        out->start[i] = begin;
        out->count[i] = most(end - begin, 0);
        any &= end > begin;
    }
    return any;
}
