/*
 * MPI datatypes as maps: take a type apart into its constructors and append what each of them
 * says. Doing this here, and not in the MPI library, is what makes every constructor usable: with
 * MPICH 4.0 types of large counts abort the job in a file view, and indexed types over subarrays
 * land at wrong offsets.
 */
#include "config.h"
#include "view.h"

#include <stdlib.h>

/* What a constructor was given. Integers, addresses and large counts follow each other as one list
 * of numbers, so that most constructors read alike whichever way they were called. */
typedef struct parts {
    int combiner;
    int is_large; /* made with large counts */
    int64_t *numbers;
    MPI_Datatype *types;
    int64_t type_count;
    void *raw;
} parts;

/* An element type of a constructor: where its data are, and how far apart it repeats. */
typedef struct element {
    collio_map map;
    int64_t extent;
} element;

/* ------------------------------------------------------------ take apart */

/* How many of what a type was made with, in the order of MPI's arguments: integers, addresses,
 * large counts, types. */
static int envelope(MPI_Datatype type, MPI_Count n[4], int *combiner, collio_error *err)
{
#ifdef HAVE_MPI_ALLREDUCE_C
    return collio_mpi(MPI_Type_get_envelope_c(type, &n[0], &n[1], &n[2], &n[3], combiner),
                      "MPI_Type_get_envelope_c", err);
#else
    int ints = 0, addresses = 0, types = 0;

    collio_mpi(MPI_Type_get_envelope(type, &ints, &addresses, &types, combiner),
               "MPI_Type_get_envelope", err);
    n[0] = ints;
    n[1] = addresses;
    n[2] = 0;
    n[3] = types;
    return err->code;
#endif
}

static int is_predefined(int combiner)
{
    return combiner == MPI_COMBINER_NAMED || combiner == MPI_COMBINER_F90_REAL ||
           combiner == MPI_COMBINER_F90_COMPLEX || combiner == MPI_COMBINER_F90_INTEGER;
}

static void release(parts *p)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    for (int64_t i = 0; i < p->type_count; i++) {
        MPI_Count n[4];
        int combiner = MPI_COMBINER_NAMED;

        /* Predefined types come as they are, all others as handles of their own. */
        envelope(p->types[i], n, &combiner, &ignored);
        if (!is_predefined(combiner))
            MPI_Type_free(&p->types[i]);
    }
    free(p->raw);
    free(p->numbers);
    free(p->types);
}

static int contents(MPI_Datatype type, const MPI_Count n[4], parts *p, collio_error *err)
{
    int *ints = p->raw;
    MPI_Aint *addresses = (MPI_Aint *)((int64_t *)p->raw + n[0]);
    MPI_Count *counts = (MPI_Count *)((int64_t *)p->raw + n[0] + n[1]);
    int64_t *to = p->numbers;

#ifdef HAVE_MPI_ALLREDUCE_C
    if (collio_mpi_made(MPI_Type_get_contents_c(type, n[0], n[1], n[2], n[3], ints, addresses,
                                                counts, p->types),
                        "MPI_Type_get_contents_c", err))
        return err->code;
#else
    if (collio_mpi_made(
            MPI_Type_get_contents(type, (int)n[0], (int)n[1], (int)n[3], ints, addresses, p->types),
            "MPI_Type_get_contents", err))
        return err->code;
#endif
    p->type_count = n[3];
    for (MPI_Count i = 0; i < n[0]; i++)
        *to++ = ints[i];
    for (MPI_Count i = 0; i < n[1]; i++)
        *to++ = addresses[i];
    for (MPI_Count i = 0; i < n[2]; i++)
        *to++ = counts[i];
    return COLLIO_OK;
}

/* For a predefined type only the combiner is found out. */
static int take_apart(MPI_Datatype type, parts *p, collio_error *err)
{
    MPI_Count n[4] = {0, 0, 0, 0};
    size_t numbers;

    if (envelope(type, n, &p->combiner, err) || is_predefined(p->combiner))
        return err->code;
    numbers = (size_t)(n[0] + n[1] + n[2]);
    p->is_large = n[2] > 0;
    p->raw = malloc((numbers + 1) * sizeof(int64_t));
    p->numbers = malloc((numbers + 1) * sizeof(int64_t));
    p->types = malloc((size_t)(n[3] + 1) * sizeof(MPI_Datatype));
    if (p->raw == NULL || p->numbers == NULL || p->types == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to take a datatype apart");
    return contents(type, n, p, err);
}

/* ------------------------------------------------------------ put together */

static int element_of(MPI_Datatype type, element *e, collio_error *err)
{
    MPI_Count lb = 0, extent = 0;

    if (collio_map_add_type(&e->map, 0, type, err) ||
        collio_mpi(MPI_Type_get_extent_x(type, &lb, &extent), "MPI_Type_get_extent_x", err))
        return err->code;
    e->extent = extent;
    return COLLIO_OK;
}

/* `count` elements, one every `stride` bytes. */
static int add_repeated(collio_map *map, int64_t offset, const element *e, int64_t count,
                        int64_t stride, collio_error *err)
{
    const collio_segment *s = e->map.segments;

    if (e->map.used == 1 && s->piece.count == 1) {
        collio_piece all = {offset + s->piece.offset, s->piece.length, stride, count};
        return collio_map_add(map, &all, err);
    }
    for (int64_t i = 0; i < count && err->code == COLLIO_OK; i++)
        for (int64_t k = 0; k < e->map.used; k++) {
            collio_piece one = s[k].piece;

            one.offset += offset + i * stride;
            if (collio_map_add(map, &one, err))
                break;
        }
    return err->code;
}

/* Blocks of elements: `blocks` of them, of length lengths[i * step] (step 0: all alike), at
 * displacements[i] * unit bytes. */
static int add_blocks(collio_map *map, int64_t offset, const element *e, int64_t blocks,
                      const int64_t *lengths, int step, const int64_t *displacements, int64_t unit,
                      collio_error *err)
{
    for (int64_t i = 0; i < blocks; i++)
        if (add_repeated(map, offset + displacements[i] * unit, e, lengths[i * step], e->extent,
                         err))
            return err->code;
    return COLLIO_OK;
}

/* Blocks at equal distances. */
static int add_vector(collio_map *map, int64_t offset, const element *e, int64_t blocks,
                      int64_t length, int64_t stride, collio_error *err)
{
    element block = {{.segments = NULL}, stride};

    if (add_repeated(&block.map, 0, e, length, e->extent, err) == COLLIO_OK)
        add_repeated(map, offset, &block, blocks, stride, err);
    collio_map_free(&block.map);
    return err->code;
}

static int add_struct(collio_map *map, int64_t offset, const parts *p, collio_error *err)
{
    const int64_t *lengths = p->numbers + 1, *displacements = lengths + p->numbers[0];

    for (int64_t i = 0; i < p->numbers[0] && err->code == COLLIO_OK; i++) {
        element e = {{.segments = NULL}, 0};

        if (element_of(p->types[i], &e, err) == COLLIO_OK)
            add_repeated(map, offset + displacements[i], &e, lengths[i], e.extent, err);
        collio_map_free(&e.map);
    }
    return err->code;
}

/* One dimension of a grid of elements, as far as one process has it: blocks of `block` indices,
 * the first at `start`, one every `stride`, cut off at `end`. */
typedef struct axis {
    int64_t start, block, stride, end;
    int64_t weight; /* bytes per index */
} axis;

static int add_grid(collio_map *map, int64_t offset, const element *e, int ndim, const axis *a,
                    collio_error *err)
{
    for (int64_t first = a->start; first < a->end; first += a->stride) {
        int64_t n = a->end - first < a->block ? a->end - first : a->block;

        if (ndim == 1 && add_repeated(map, offset + first * a->weight, e, n, a->weight, err))
            return err->code;
        for (int64_t i = first; ndim > 1 && i < first + n; i++)
            if (add_grid(map, offset + i * a->weight, e, ndim - 1, a + 1, err))
                return err->code;
    }
    return COLLIO_OK;
}

/* Give the axes their weights, slowest first. */
static void weigh(axis *axes, int ndim, const int64_t *sizes, int64_t order, int64_t extent)
{
    for (int d = ndim - 1; d >= 0; d--) {
        int at = order == MPI_ORDER_C ? d : ndim - 1 - d;

        axes[at].weight = extent;
        extent *= sizes[at];
    }
    for (int d = 0; order != MPI_ORDER_C && d < ndim / 2; d++) {
        axis swapped = axes[d];

        axes[d] = axes[ndim - 1 - d];
        axes[ndim - 1 - d] = swapped;
    }
}

static int add_axes(collio_map *map, int64_t offset, const element *e, int ndim, axis *axes,
                    const int64_t *sizes, int64_t order, collio_error *err)
{
    weigh(axes, ndim, sizes, order, e->extent);
    return add_grid(map, offset, e, ndim, axes, err);
}

static int check_axes(int64_t ndim, collio_error *err)
{
    if (ndim >= 1 && ndim <= COLLIO_MAX_DIMS)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                            "view: a datatype of %lld dimensions, 1 to %d allowed", (long long)ndim,
                            COLLIO_MAX_DIMS);
}

static int add_subarray(collio_map *map, int64_t offset, const parts *p, const element *e,
                        collio_error *err)
{
    int64_t ndim = p->numbers[0];
    const int64_t *sizes = p->numbers + (p->is_large ? 2 : 1);
    const int64_t *parts_of = sizes + ndim, *starts = parts_of + ndim;
    int64_t order = p->is_large ? p->numbers[1] : starts[ndim];
    axis axes[COLLIO_MAX_DIMS];

    if (check_axes(ndim, err))
        return err->code;
    for (int64_t d = 0; d < ndim; d++)
        axes[d] = (axis){starts[d], parts_of[d], sizes[d] + 1, starts[d] + parts_of[d], 0};
    return add_axes(map, offset, e, (int)ndim, axes, sizes, order, err);
}

/* What the process at `place` of `places` has of a dimension. */
static axis distribute(int64_t size, int64_t how, int64_t argument, int64_t places, int64_t place)
{
    int is_default = argument == MPI_DISTRIBUTE_DFLT_DARG;
    int64_t block;

    if (how == MPI_DISTRIBUTE_CYCLIC) {
        block = is_default ? 1 : argument;
        return (axis){place * block, block, block * places, size, 0};
    }
    if (how == MPI_DISTRIBUTE_NONE)
        return (axis){0, size, size + 1, size, 0};
    block = is_default ? (size + places - 1) / places : argument;
    return (axis){place * block, block, size + 1,
                  place * block + block < size ? place * block + block : size, 0};
}

static int add_darray(collio_map *map, int64_t offset, const parts *p, const element *e,
                      collio_error *err)
{
    int64_t ndim = p->numbers[2], rank = p->numbers[1];
    const int64_t *small = p->numbers + 3, *sizes = small;
    const int64_t *hows = small + (p->is_large ? 0 : ndim), *arguments = hows + ndim;
    const int64_t *places = arguments + ndim;
    axis axes[COLLIO_MAX_DIMS];

    if (check_axes(ndim, err))
        return err->code;
    if (p->is_large)
        sizes = places + ndim + 1;
    for (int64_t d = ndim - 1; d >= 0; d--) {
        axes[d] = distribute(sizes[d], hows[d], arguments[d], places[d], rank % places[d]);
        rank /= places[d];
    }
    return add_axes(map, offset, e, (int)ndim, axes, sizes, places[ndim], err);
}

/* The constructors of one element type. */
static int add_derived(collio_map *map, int64_t offset, const parts *p, const element *e,
                       collio_error *err)
{
    const int64_t *n = p->numbers;
    int64_t unit = e->extent;

    switch (p->combiner) {
    case MPI_COMBINER_DUP:
    case MPI_COMBINER_RESIZED:
        return add_repeated(map, offset, e, 1, 0, err);
    case MPI_COMBINER_CONTIGUOUS:
        return add_repeated(map, offset, e, n[0], unit, err);
    case MPI_COMBINER_VECTOR:
        return add_vector(map, offset, e, n[0], n[1], n[2] * unit, err);
    case MPI_COMBINER_HVECTOR:
        return add_vector(map, offset, e, n[0], n[1], n[2], err);
    case MPI_COMBINER_INDEXED:
        return add_blocks(map, offset, e, n[0], n + 1, 1, n + 1 + n[0], unit, err);
    case MPI_COMBINER_HINDEXED:
        return add_blocks(map, offset, e, n[0], n + 1, 1, n + 1 + n[0], 1, err);
    case MPI_COMBINER_INDEXED_BLOCK:
        return add_blocks(map, offset, e, n[0], n + 1, 0, n + 2, unit, err);
    case MPI_COMBINER_HINDEXED_BLOCK:
        return add_blocks(map, offset, e, n[0], n + 1, 0, n + 2, 1, err);
    case MPI_COMBINER_SUBARRAY:
        return add_subarray(map, offset, p, e, err);
    case MPI_COMBINER_DARRAY:
        return add_darray(map, offset, p, e, err);
    default:
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "view: a datatype made by an unknown constructor (%d)",
                                p->combiner);
    }
}

/* Pairs such as MPI_DOUBLE_INT have a gap, which is behind the data for all but one. */
static int add_predefined(collio_map *map, int64_t offset, MPI_Datatype type, collio_error *err)
{
    MPI_Count size = 0;
    collio_piece piece = {offset, 0, 0, 1};

    if (collio_mpi(MPI_Type_size_x(type, &size), "MPI_Type_size_x", err))
        return err->code;
    if (type == MPI_SHORT_INT) {
        const collio_piece number = {offset + (int64_t)sizeof(int), sizeof(int), sizeof(int), 1};

        piece.length = piece.stride = sizeof(short);
        return collio_map_add(map, &piece, err) ? err->code : collio_map_add(map, &number, err);
    }
    piece.length = piece.stride = size;
    return collio_map_add(map, &piece, err);
}

int collio_map_add_type(collio_map *map, int64_t offset, MPI_Datatype type, collio_error *err)
{
    parts p = {.combiner = MPI_COMBINER_NAMED};
    element e = {{.segments = NULL}, 0};

    if (take_apart(type, &p, err))
        goto done;
    if (is_predefined(p.combiner))
        add_predefined(map, offset, type, err);
    else if (p.combiner == MPI_COMBINER_STRUCT)
        add_struct(map, offset, &p, err);
    else if (element_of(p.types[0], &e, err) == COLLIO_OK)
        add_derived(map, offset, &p, &e, err);
done:
    collio_map_free(&e.map);
    release(&p);
    return err->code;
}

/* ------------------------------------------------------------------- mending */

/* Whether MPICH's file views get a type wrong: made with large counts, or placing blocks of types
 * that are not predefined. */
static int is_trap(MPI_Datatype type, collio_error *err)
{
    parts p = {.combiner = MPI_COMBINER_NAMED};
    int trap = 0;

    if (take_apart(type, &p, err) == COLLIO_OK && !is_predefined(p.combiner)) {
        int indexed = p.combiner == MPI_COMBINER_INDEXED || p.combiner == MPI_COMBINER_HINDEXED ||
                      p.combiner == MPI_COMBINER_INDEXED_BLOCK ||
                      p.combiner == MPI_COMBINER_HINDEXED_BLOCK;

        trap = p.is_large;
        for (int64_t i = 0; i < p.type_count && !trap; i++) {
            parts inner = {.combiner = MPI_COMBINER_NAMED};

            trap = is_trap(p.types[i], err) ||
                   (indexed && take_apart(p.types[i], &inner, err) == COLLIO_OK &&
                    !is_predefined(inner.combiner));
            release(&inner);
        }
    }
    release(&p);
    return trap;
}

/* The pieces of a map as a struct of strided blocks of `unit`. */
static int type_from_map(const collio_map *map, MPI_Datatype unit, int64_t size, int64_t extent,
                         MPI_Datatype *out, collio_error *err)
{
    size_t n = (size_t)map->used, made = 0;
    MPI_Datatype *types = malloc((n + 1) * sizeof *types), all = MPI_DATATYPE_NULL;
    MPI_Aint *places = malloc((n + 1) * sizeof *places);
    int *ones = malloc((n + 1) * sizeof *ones);

    if (types == NULL || places == NULL || ones == NULL || n > INT32_MAX)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to mend a datatype");
    for (; made < n && err->code == COLLIO_OK; made++) {
        const collio_piece *p = &map->segments[made].piece;

        ones[made] = 1;
        places[made] = (MPI_Aint)p->offset;
        if (p->length % size != 0 || p->length / size > INT32_MAX || p->count > INT32_MAX)
            collio_error_set(err, COLLIO_ERR_UNSUPPORTED, "view: a datatype this MPI gets wrong");
        else
            collio_mpi(MPI_Type_create_hvector((int)p->count, (int)(p->length / size),
                                               (MPI_Aint)p->stride, unit, &types[made]),
                       "MPI_Type_create_hvector", err);
        if (err->code != COLLIO_OK)
            break;
    }
    if (err->code == COLLIO_OK &&
        collio_mpi(MPI_Type_create_struct((int)n, ones, places, types, &all),
                   "MPI_Type_create_struct", err) == COLLIO_OK &&
        collio_mpi(MPI_Type_create_resized(all, 0, (MPI_Aint)extent, out),
                   "MPI_Type_create_resized", err) == COLLIO_OK)
        collio_mpi(MPI_Type_commit(out), "MPI_Type_commit", err);
    while (made > 0)
        MPI_Type_free(&types[--made]);
    if (all != MPI_DATATYPE_NULL)
        MPI_Type_free(&all);
    free(types);
    free(places);
    free(ones);
    return err->code;
}

int collio_type_mend(MPI_Datatype type, MPI_Datatype unit, MPI_Datatype *out, collio_error *err)
{
    MPI_Count size = 0, lb = 0, extent = 0;
    collio_map map = {.segments = NULL};

    *out = MPI_DATATYPE_NULL;
#ifndef OPEN_MPI
    if (type != MPI_DATATYPE_NULL && unit != MPI_DATATYPE_NULL && is_trap(type, err) &&
        collio_mpi(MPI_Type_size_x(unit, &size), "MPI_Type_size_x", err) == COLLIO_OK &&
        collio_mpi(MPI_Type_get_extent_x(type, &lb, &extent), "MPI_Type_get_extent_x", err) ==
            COLLIO_OK &&
        collio_map_add_type(&map, 0, type, err) == COLLIO_OK && size > 0)
        type_from_map(&map, unit, size, extent, out, err);
#else
    (void)type, (void)unit, (void)size, (void)lb, (void)extent, (void)type_from_map, (void)is_trap;
#endif
    collio_map_free(&map);
    return err->code;
}
