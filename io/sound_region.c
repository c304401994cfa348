/* What region references refer to: a selection, which HDF5 reads by the numbers that it finds. */
#include "sound.h"

#define MOST_DIMS 32 /* of HDF5's dataspaces */

enum { NOTHING = 0, POINTS = 1, BLOCKS = 2, ALL = 3 };

/* Lists of points, or of corners of blocks,. */
static int list_fits(collio_cursor *c, int corners)
{
    int64_t rank, count;

    collio_take_bytes(c, 4 + 4); /* reserved, and the length of what follows */
    rank = collio_take(c, 4);
    count = collio_take(c, 4);
    return !c->bad && rank >= 1 && rank <= MOST_DIMS && count <= c->left / (4 * corners * rank);
}

/* Start, stride, count and block in each dimension. */
static int pattern_fits(collio_cursor *c)
{
    int64_t flags = collio_take(c, 1), rank;

    collio_take_bytes(c, 4);
    rank = collio_take(c, 4);
    return !c->bad && rank >= 1 && rank <= MOST_DIMS &&
           ((flags & 1) == 0 || c->left >= rank * 4 * 8);
}

static int selection_fits(collio_cursor *c)
{
    int64_t kind = collio_take(c, 4), version = collio_take(c, 4);

    if (c->bad)
        return 0;
    if (kind == POINTS && version == 1)
        return list_fits(c, 1);
    if (kind == BLOCKS && version == 1)
        return list_fits(c, 2);
    if (kind == BLOCKS && version == 2)
        return pattern_fits(c);
    if (kind == NOTHING || kind == ALL)
        return c->left >= 8;
    return kind == POINTS || kind == BLOCKS; /* of a later version, or none that HDF5 takes */
}

int collio_sound_selection(const collio_look *look, int64_t heap, const unsigned char *bytes,
                           int64_t size)
{
    collio_cursor c = {bytes, size, 0};

    if (collio_take_address(&c, look) < 0 || !selection_fits(&c))
        return collio_look_damage(look, heap, "a global heap with a bad selection");
    return look->err->code;
}
