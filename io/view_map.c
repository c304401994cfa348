/* Where data lie, as tiles of strided pieces; and places in the data. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

void collio_map_free(collio_map *map)
{
    free(map->segments);
    *map = (collio_map){.segments = NULL};
}

/* --------------------------------------------------------------- build */

/* Join `next` to `last` if one piece can stand for both. */
static int join(collio_piece *last, const collio_piece *next)
{
    if (last->count == 1 && next->count == 1 && last->offset + last->length == next->offset) {
        last->length += next->length;
        last->stride = last->length;
        return 1;
    }
    if (last->length != next->length)
        return 0;
    int64_t stride = last->count > 1 ? last->stride : next->offset - last->offset;
    if ((next->count > 1 && next->stride != stride) ||
        next->offset != last->offset + last->count * stride)
        return 0;
    last->stride = stride;
    last->count += next->count;
    return 1;
}

int collio_map_add(collio_map *map, const collio_piece *piece, collio_error *err)
{
    collio_piece next = *piece;
    int64_t bytes = next.length * next.count;

    if (bytes == 0)
        return COLLIO_OK;
    if (next.count == 1 || next.stride == next.length)
        next = (collio_piece){next.offset, bytes, bytes, 1};
    if (map->used > 0 && join(&map->segments[map->used - 1].piece, &next)) {
        map->size += bytes;
        return COLLIO_OK;
    }
    if (map->used == map->room) {
        int64_t room = map->room > 0 ? 2 * map->room : 4;
        collio_segment *larger = realloc(map->segments, (size_t)room * sizeof *larger);

        if (larger == NULL)
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a view of %lld pieces",
                                    (long long)room);
        map->segments = larger;
        map->room = room;
    }
    map->segments[map->used++] = (collio_segment){next, map->size};
    map->size += bytes;
    return COLLIO_OK;
}

int collio_map_add_array(collio_map *map, int64_t offset, int64_t item, int ndim,
                         const int64_t *shape, const int64_t *strides, collio_error *err)
{
    collio_piece piece = {offset, item, item, 1};

    if (ndim > 1) {
        for (int64_t i = 0; i < shape[0]; i++)
            if (collio_map_add_array(map, offset + i * strides[0], item, ndim - 1, shape + 1,
                                     strides + 1, err))
                return err->code;
        return COLLIO_OK;
    }
    if (ndim == 1) {
        piece.stride = strides[0];
        piece.count = shape[0];
    }
    return collio_map_add(map, &piece, err);
}

/* The part of a selection in dimensions d and further in; `weights` are bytes per index. */
static int add_dimension(collio_map *map, const collio_selection *s, int d, int64_t offset,
                         const int64_t *weights, collio_error *err)
{
    int64_t first = offset + s->start[d] * weights[d];

    if (d == s->ndim - 1) {
        collio_piece piece = {first, s->block[d] * weights[d], s->stride[d] * weights[d],
                              s->count[d]};
        return collio_map_add(map, &piece, err);
    }
    for (int64_t i = 0; i < s->count[d]; i++)
        for (int64_t j = 0; j < s->block[d]; j++)
            if (add_dimension(map, s, d + 1, first + (i * s->stride[d] + j) * weights[d], weights,
                              err))
                return err->code;
    return COLLIO_OK;
}

int collio_map_add_selection(collio_map *map, int64_t item, const int64_t *shape,
                             const collio_selection *selection, collio_error *err)
{
    collio_selection s = *selection;
    int64_t weights[COLLIO_MAX_DIMS], weight = item;
    const collio_piece one = {0, item, item, 1};

    if (s.ndim == 0)
        return collio_map_add(map, &one, err);
    if (collio_selection_size(&s) == 0)
        return COLLIO_OK;
    for (int d = s.ndim - 1; d >= 0; d--) {
        weights[d] = weight;
        weight *= shape[d];
    }
    /* Inner dimensions taken whole are one run: fold them into the one before. */
    while (s.ndim > 1 && s.start[s.ndim - 1] == 0 &&
           s.count[s.ndim - 1] * s.block[s.ndim - 1] == shape[s.ndim - 1])
        s.ndim--;
    return add_dimension(map, &s, 0, 0, weights, err);
}

int collio_map_check_forward(const collio_map *map, collio_error *err)
{
    int64_t end = 0;

    for (int64_t i = 0; i < map->used; i++) {
        const collio_piece *p = &map->segments[i].piece;

        if (p->offset < end || (p->count > 1 && p->stride < p->length))
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "view: displacements go back or overlap at byte %lld of the "
                                    "pattern; in a file they must increase",
                                    (long long)p->offset);
        end = p->offset + (p->count - 1) * p->stride + p->length;
    }
    if (map->used > 0 && end > map->extent + map->segments[0].piece.offset)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "view: the pattern's extent of %lld bytes is shorter than its data",
                                (long long)map->extent);
    return COLLIO_OK;
}

/* -------------------------------------------------------------- places */

/* Data bytes of one piece below an offset. */
static int64_t piece_below(const collio_piece *p, int64_t offset)
{
    int64_t past = offset - p->offset, runs, rest;

    if (past <= 0)
        return 0;
    runs = p->count > 1 ? past / p->stride : 0;
    if (runs >= p->count)
        return p->count * p->length;
    rest = past - runs * p->stride;
    return runs * p->length + (rest < p->length ? rest : p->length);
}

int64_t collio_map_below(const collio_map *map, int64_t offset)
{
    int64_t past = offset - map->start, tiles, below = 0;

    if (map->used == 0)
        return 0;
    past -= map->segments[0].piece.offset;
    if (past <= 0)
        return 0;
    tiles = past / map->extent;
    past += map->segments[0].piece.offset - tiles * map->extent;
    for (int64_t i = 0; i < map->used; i++)
        below += piece_below(&map->segments[i].piece, past);
    return tiles * map->size + below;
}

void collio_place_at(collio_place *place, const collio_map *map, int64_t position)
{
    int64_t low = 0, high = map->used - 1, rest;

    *place = (collio_place){.map = map};
    if (map->used == 0)
        return;
    place->tile = position / map->size;
    rest = position % map->size;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;

        if (map->segments[middle].before <= rest)
            low = middle;
        else
            high = middle - 1;
    }
    rest -= map->segments[low].before;
    place->segment = low;
    place->run = rest / map->segments[low].piece.length;
    place->inside = rest % map->segments[low].piece.length;
}

int64_t collio_place_offset(const collio_place *place)
{
    const collio_map *map = place->map;
    const collio_piece *p;

    if (map->used == 0)
        return map->start;
    p = &map->segments[place->segment].piece;
    return map->start + place->tile * map->extent + p->offset + place->run * p->stride +
           place->inside;
}

/* Go on by whole or partial runs of the segment the place is in. */
static void go_on(collio_place *place, int64_t bytes)
{
    const collio_piece *p = &place->map->segments[place->segment].piece;
    int64_t within = place->inside + bytes;

    place->run += within / p->length;
    place->inside = within % p->length;
    if (place->run < p->count)
        return;
    place->run = 0;
    if (++place->segment == place->map->used) {
        place->segment = 0;
        place->tile++;
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void collio_place_take(collio_place *place, int64_t most, int64_t limit, collio_piece *out)
{
    const collio_map *map = place->map;
    const collio_piece *p = &map->segments[place->segment].piece;
    int64_t offset = collio_place_offset(place), below = limit - offset, n;

    *out = (collio_piece){offset, 0, 0, 1};
    if (below <= 0 || most <= 0)
        return;
    if (map->used == 1 && p->count == 1 && p->length == map->extent) {
        /* No gaps, so tiles need not be told apart. */
        out->length = out->stride = n = least(most, below);
        collio_place_at(place, map, place->tile * map->size + place->inside + n);
        return;
    }
    n = place->inside > 0 ? 0 : least(most / p->length, p->count - place->run);
    if (n > 1 && p->stride > 0) /* in memory strides of 0 and less occur, but no limit */
        n = least(n, below < p->length ? 0 : (below - p->length) / p->stride + 1);
    if (n > 1) {
        *out = (collio_piece){offset, p->length, p->stride, n};
    } else {
        out->length = out->stride = least(least(p->length - place->inside, most), below);
    }
    go_on(place, out->length * out->count);
}

/* -------------------------------------------------------------- copies */

static inline void copy_each(const collio_piece *p, char *memory, char *buffer, size_t size,
                             int writing)
{
    for (int64_t i = 0; i < p->count; i++) {
        char *from = writing ? memory + i * p->stride : buffer + i * (int64_t)size;
        char *to = writing ? buffer + i * (int64_t)size : memory + i * p->stride;
        memcpy(to, from, size);
    }
}

/* Common sizes are spelled out, so that the compiler makes moves of them. */
void collio_piece_copy(const collio_piece *piece, char *memory, char *buffer,
                       collio_direction direction)
{
    int writing = direction == COLLIO_WRITING;
    char *first = memory + piece->offset;

    if (piece->length == 8)
        copy_each(piece, first, buffer, 8, writing);
    else if (piece->length == 4)
        copy_each(piece, first, buffer, 4, writing);
    else
        copy_each(piece, first, buffer, (size_t)piece->length, writing);
}
