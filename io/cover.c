/*
 * Do the blocks of all ranks cover an array exactly once? No two of them overlap and their sizes
 * add up to that of the array. Overlap is sought by divide and conquer: blocks that a plane
 * separates cannot overlap, so each group between such planes is looked at by itself, and in a
 * grid of blocks every group ends with a single one.
 */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct part {
    int rank;
    const int64_t *start, *count;
    int64_t key; /* sorted by this */
} part;

typedef struct cover {
    const char *name;
    int ndim;
    const int64_t *shape;
    int parts; /* that are not empty */
    part *part;
} cover;

static int by_key(const void *a, const void *b)
{
    const part *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

static void sort_along(part *parts, int count, int dim)
{
    for (int i = 0; i < count; i++)
        parts[i].key = parts[i].start[dim];
    qsort(parts, (size_t)count, sizeof *parts, by_key);
}

static int64_t end_of(const part *p, int dim)
{
    return p->start[dim] + p->count[dim];
}

/* Add "3:5" to a text, with what goes before it. */
static void add_range(char *text, size_t size, int *used, const char *before, int64_t from,
                      int64_t to)
{
    if (*used < (int)size)
        *used += snprintf(text + *used, size - (size_t)*used, "%s%" PRId64 ":%" PRId64, before,
                          from, to);
}

static void name_shape(const cover *c, char *text, size_t size)
{
    int used = 0;

    text[0] = '\0';
    for (int d = 0; d < c->ndim && used < (int)size; d++)
        used += snprintf(text + used, size - (size_t)used, "%s%" PRId64, d > 0 ? " x " : "",
                         c->shape[d]);
}

/* ------------------------------------------------------------ overlap */

/* An error if the two overlap, with the place. */
static int compare(const cover *c, const part *a, const part *b, collio_error *err)
{
    char place[512] = "", shape[256];
    int used = 0;

    for (int d = 0; d < c->ndim; d++) {
        int64_t from = a->start[d] > b->start[d] ? a->start[d] : b->start[d];
        int64_t to = end_of(a, d) < end_of(b, d) ? end_of(a, d) : end_of(b, d);
        if (from >= to)
            return COLLIO_OK;
        add_range(place, sizeof place, &used, d > 0 ? ", " : "", from, to);
    }
    name_shape(c, shape, sizeof shape);
    return collio_error_set(err, COLLIO_ERR_VALUE,
                            "'%s' (%s): the parts of rank %d and rank %d both hold [%s]", c->name,
                            shape, a->rank < b->rank ? a->rank : b->rank,
                            a->rank < b->rank ? b->rank : a->rank, place);
}

static int compare_each(const cover *c, part *parts, int count, collio_error *err)
{
    sort_along(parts, count, 0);
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count && parts[j].start[0] < end_of(&parts[i], 0); j++)
            if (compare(c, &parts[i], &parts[j], err))
                return err->code;
    return COLLIO_OK;
}

/* `fruitless`: how many dimensions in a row had no plane between these parts. */
static int find_overlap(const cover *c, part *parts, int count, int dim, int fruitless,
                        collio_error *err)
{
    int next = (dim + 1) % c->ndim, begin = 0;
    int64_t end;

    if (count < 2)
        return COLLIO_OK;
    if (fruitless == c->ndim)
        return compare_each(c, parts, count, err);
    sort_along(parts, count, dim);
    end = end_of(&parts[0], dim);
    for (int i = 1; i < count; i++) {
        if (parts[i].start[dim] >= end) {
            if (find_overlap(c, parts + begin, i - begin, next, 0, err))
                return err->code;
            begin = i;
        }
        if (end_of(&parts[i], dim) > end)
            end = end_of(&parts[i], dim);
    }
    return find_overlap(c, parts + begin, count - begin, next, begin > 0 ? 0 : fruitless + 1, err);
}

/* ---------------------------------------------------------------- gap */

/* Where a part begins or ends along one dimension, and how much of a plane it fills. */
typedef struct event {
    int64_t at, change;
} event;

static int by_place(const void *a, const void *b)
{
    const event *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

static int64_t product(const int64_t *extents, int from, int to)
{
    int64_t size = 1;

    for (int d = from; d < to; d++)
        size *= extents[d];
    return size;
}

/* The first planes along `dim` that `count` parts do not fill: from..to. */
static void find_unfilled(const cover *c, const part *parts, int count, int dim, event *events,
                          int64_t *from, int64_t *to)
{
    int64_t plane = product(c->shape, dim + 1, c->ndim), filled = 0;
    int i = 0;

    for (int k = 0; k < count; k++) {
        int64_t area = product(parts[k].count, dim + 1, c->ndim);
        events[2 * k] = (event){parts[k].start[dim], area};
        events[2 * k + 1] = (event){end_of(&parts[k], dim), -area};
    }
    qsort(events, 2 * (size_t)count, sizeof *events, by_place);
    *from = 0;
    *to = c->shape[dim];
    while (i < 2 * count) {
        if (events[i].at > *from && filled < plane) {
            *to = events[i].at;
            return;
        }
        *from = events[i].at;
        while (i < 2 * count && events[i].at == *from)
            filled += events[i++].change;
    }
}

/* Keep the parts that hold the planes from..to along `dim`. */
static int keep_spanning(part *parts, int count, int dim, int64_t from, int64_t to)
{
    int kept = 0;

    for (int i = 0; i < count; i++)
        if (parts[i].start[dim] <= from && end_of(&parts[i], dim) >= to)
            parts[kept++] = parts[i];
    return kept;
}

static int report_gap(cover *c, collio_error *err)
{
    event *events = malloc((2 * (size_t)c->parts + 1) * sizeof *events);
    char place[512] = "", shape[256];
    int used = 0, count = c->parts;

    if (events == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d parts", c->parts);
    for (int d = 0; d < c->ndim; d++) {
        int64_t from, to;
        find_unfilled(c, c->part, count, d, events, &from, &to);
        add_range(place, sizeof place, &used, d > 0 ? ", " : "", from, to);
        count = keep_spanning(c->part, count, d, from, to);
    }
    free(events);
    name_shape(c, shape, sizeof shape);
    return collio_error_set(err, COLLIO_ERR_VALUE, "'%s' (%s): no rank's part holds [%s]", c->name,
                            shape, place);
}

int collio_cover_check(const char *name, int ndim, const int64_t *shape, int ranks,
                       const int64_t *blocks, size_t stride, collio_error *err)
{
    cover c = {.name = name, .ndim = ndim, .shape = shape};
    int64_t filled = 0;

    c.part = malloc(((size_t)ranks + 1) * sizeof *c.part);
    if (c.part == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d parts", ranks);
    for (int rank = 0; rank < ranks; rank++) {
        const int64_t *start = blocks + (size_t)rank * stride;
        if (product(start + ndim, 0, ndim) > 0)
            c.part[c.parts++] = (part){rank, start, start + ndim, 0};
    }
    if (find_overlap(&c, c.part, c.parts, 0, 0, err) == COLLIO_OK) {
        for (int i = 0; i < c.parts; i++)
            filled += product(c.part[i].count, 0, ndim);
        if (filled < product(shape, 0, ndim))
            report_gap(&c, err);
    }
    free(c.part);
    return err->code;
}
