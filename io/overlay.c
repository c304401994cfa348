/* A sparse image in memory, laid over a file: sorted pieces, joined where they
 * touch. Exact to the byte, because the bytes between two pieces may be elements
 * that other ranks are writing. */
#include "overlay.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* The first piece that ends at or after `at`. */
static int64_t find(const collio_overlay *o, int64_t at)
{
    int64_t low = 0, high = o->count;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (o->pieces[middle].start + o->pieces[middle].size < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Make a gap for a new piece at index n. */
static int insert(collio_overlay *o, int64_t n)
{
    if (o->count == o->room) {
        int64_t room = o->room > 0 ? 2 * o->room : 16;
        collio_piece *pieces = realloc(o->pieces, (size_t)room * sizeof *pieces);

        if (pieces == NULL)
            return -1;
        o->pieces = pieces;
        o->room = room;
    }
    memmove(o->pieces + n + 1, o->pieces + n, (size_t)(o->count - n) * sizeof *o->pieces);
    o->pieces[n] = (collio_piece){0, 0, 0, NULL};
    o->count++;
    return 0;
}

/* Forget a piece whose bytes are freed or elsewhere. */
static void take_out(collio_overlay *o, int64_t n)
{
    o->count--;
    memmove(o->pieces + n, o->pieces + n + 1, (size_t)(o->count - n) * sizeof *o->pieces);
}

/* Let a piece cover [start, end), which contains what it covers now. */
static int extend(collio_piece *p, int64_t start, int64_t end)
{
    int64_t shift = p->size > 0 ? p->start - start : 0;

    if (end - start > p->room) {
        int64_t room = end - start > 2 * p->room ? end - start : 2 * p->room;
        char *bytes = realloc(p->bytes, (size_t)room);

        if (bytes == NULL)
            return -1;
        p->bytes = bytes;
        p->room = room;
    }
    if (shift > 0)
        memmove(p->bytes + shift, p->bytes, (size_t)p->size);
    p->start = start;
    p->size = end - start;
    return 0;
}

/* Move the pieces after n, up to index `end`, into n, which covers them. */
static void absorb(collio_overlay *o, int64_t n, int64_t end)
{
    collio_piece *p = &o->pieces[n];

    for (int64_t i = n + 1; i < end; i++) {
        memcpy(p->bytes + (o->pieces[i].start - p->start), o->pieces[i].bytes,
               (size_t)o->pieces[i].size);
        free(o->pieces[i].bytes);
    }
    memmove(o->pieces + n + 1, o->pieces + end, (size_t)(o->count - end) * sizeof *o->pieces);
    o->count -= end - n - 1;
}

int collio_overlay_write(collio_overlay *o, int64_t start, int64_t size, const void *bytes)
{
    int64_t n = find(o, start), end = n, low = start, high = start + size;

    if (size == 0)
        return 0;
    while (end < o->count && o->pieces[end].start <= high)
        end++;
    if (end == n) {
        if (insert(o, n))
            return -1;
        end = n + 1;
    } else {
        const collio_piece *last = &o->pieces[end - 1];

        if (o->pieces[n].start < low)
            low = o->pieces[n].start;
        if (last->start + last->size > high)
            high = last->start + last->size;
    }
    if (extend(&o->pieces[n], low, high)) {
        if (o->pieces[n].bytes == NULL)
            take_out(o, n);
        return -1;
    }
    absorb(o, n, end);
    memcpy(o->pieces[n].bytes + (start - low), bytes, (size_t)size);
    return 0;
}

void collio_overlay_read(const collio_overlay *o, int64_t start, int64_t size, void *bytes)
{
    for (int64_t i = find(o, start); i < o->count && o->pieces[i].start < start + size; i++) {
        const collio_piece *p = &o->pieces[i];
        int64_t from = p->start > start ? p->start : start;
        int64_t to = p->start + p->size < start + size ? p->start + p->size : start + size;

        if (from < to)
            memcpy((char *)bytes + (from - start), p->bytes + (from - p->start),
                   (size_t)(to - from));
    }
}

int collio_overlay_has(const collio_overlay *o, int64_t start, int64_t size)
{
    int64_t n = find(o, start + 1); /* pieces that end where the bytes start have none */

    return n < o->count && o->pieces[n].start < start + size;
}

int64_t collio_overlay_end(const collio_overlay *o)
{
    return o->count > 0 ? o->pieces[o->count - 1].start + o->pieces[o->count - 1].size : 0;
}

uint64_t collio_overlay_digest(const collio_overlay *o)
{
    uint64_t digest = 0;

    for (int64_t i = 0; i < o->count; i++) {
        digest = collio_hash_number(digest, (uint64_t)o->pieces[i].start);
        digest = collio_hash_number(digest, (uint64_t)o->pieces[i].size);
    }
    return digest;
}

void collio_overlay_drop(collio_overlay *o)
{
    for (int64_t i = 0; i < o->count; i++)
        free(o->pieces[i].bytes);
    free(o->pieces);
    *o = (collio_overlay){NULL, 0, 0};
}
