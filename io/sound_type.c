/* Datatypes and dataspaces as they are in object headers. (HDF5 file format specification, IV.A.2.)
 */
#include "sound.h"

#include <string.h>

#define DEEPEST 16

/* Classes of types in the file. */
enum { FIXED, FLOATING, TIME, STRING, BITS, OPAQUE, COMPOUND, REFERENCE, ENUM, VARIABLE, ARRAY };

/* What this HDF5 reads. */
#if H5_VERSION_GE(2, 0, 0)
#define NEWEST 5
#elif H5_VERSION_GE(1, 12, 0)
#define NEWEST 4
#else
#define NEWEST 3
#endif

/* The start of every type. */
typedef struct head {
    int class, version;
    unsigned bits;
    int64_t size;
} head;

static int add_place(collio_shape_of_type *out, int64_t offset, int64_t item, collio_cursor base)
{
    if (out->places < COLLIO_PLACES)
        out->place[out->places] = (collio_place){offset, item, base};
    out->places += out->places < COLLIO_PLACES;
    return 1;
}

/* A name with its end; in older versions filled up to a multiple of eight bytes. */
static int take_name(collio_cursor *c, int version)
{
    const unsigned char *end = c->left > 0 ? memchr(c->at, '\0', (size_t)c->left) : NULL;
    int64_t length = end != NULL ? end - c->at + 1 : 0;

    if (end == NULL)
        return 0;
    return collio_take_bytes(c, version < 3 ? (length + 7) / 8 * 8 : length) != NULL;
}

static int fixed(collio_cursor *c, const head *h)
{
    int64_t first = collio_take(c, 2), width = collio_take(c, 2);

    return width > 0 && first + width <= 8 * h->size;
}

static int floating(collio_cursor *c, const head *h)
{
    int64_t first = collio_take(c, 2), width = collio_take(c, 2);
    int64_t exponent = collio_take(c, 1), exponent_width = collio_take(c, 1);
    int64_t mantissa = collio_take(c, 1), mantissa_width = collio_take(c, 1);

    collio_take(c, 4);
    return width > 0 && first + width <= 8 * h->size && exponent_width > 0 && mantissa_width > 0 &&
           exponent + exponent_width <= 8 * h->size && mantissa + mantissa_width <= 8 * h->size &&
           (h->bits >> 8 & 0xff) < 8 * h->size && (h->bits >> 4 & 3) != 3 &&
           !(h->version == 3 && (h->bits & 0x41) == 0x40);
}

/* Bytes that hold offsets in a compound of this size. */
static int offset_bytes(int64_t size)
{
    int bytes = 1;

    while (bytes < 8 && size >> 8 * bytes != 0)
        bytes++;
    return bytes;
}

/* The first version has arrays within the member. 0: bad. */
static int64_t old_dimensions(collio_cursor *c)
{
    int64_t rank = collio_take(c, 1), count = 1;

    collio_take_bytes(c, 3 + 4 + 4);
    for (int d = 0; d < 4; d++) {
        int64_t extent = collio_take(c, 4);
        if (d < rank)
            count = extent > 0 && count <= INT32_MAX ? count * extent : 0;
    }
    return rank <= 4 ? count : 0;
}

/* Parts of one item stand for those of all. */
static void repeat(collio_shape_of_type *out, int first, int64_t size, int64_t count)
{
    int last = out->places;

    if (first == last || count > COLLIO_PLACES)
        return;
    for (int64_t i = 1; i < count; i++)
        for (int p = first; p < last; p++)
            add_place(out, out->place[p].offset + i * size, out->place[p].item, out->place[p].base);
}

/* Bytes of members must not be shared. Very many are not all remembered. */
typedef struct member_list {
    int count;
    int64_t start[256], end[256];
} member_list;

static int add_member(member_list *m, int64_t start, int64_t end)
{
    for (int i = 0; i < m->count; i++)
        if (start < m->end[i] && m->start[i] < end)
            return 0;
    if (m->count < 256) {
        m->start[m->count] = start;
        m->end[m->count++] = end;
    }
    return 1;
}

static int compound(collio_cursor *c, const collio_look *look, const head *h, int64_t offset,
                    collio_shape_of_type *out, int depth)
{
    int count_of_all = (int)(h->bits & 0xffff);
    member_list known = {.count = 0};

    for (int m = 0; m < count_of_all; m++) {
        int64_t at, count = 1;
        int first = out->places;

        if (!take_name(c, h->version))
            return 0;
        at = collio_take(c, h->version == 3 ? offset_bytes(h->size) : 4);
        if (h->version == 1)
            count = old_dimensions(c);
        if (count <= 0 || !collio_sound_type(c, look, offset + at, out, depth + 1))
            return 0;
        if (out->unknown)
            return 1;
        if (at < 0 || at > h->size || out->size > (h->size - at) / count ||
            !add_member(&known, at, at + count * out->size))
            return 0;
        repeat(out, first, out->size, count);
    }
    return count_of_all > 0;
}

static int enumeration(collio_cursor *c, const collio_look *look, const head *h, int64_t offset,
                       collio_shape_of_type *out, int depth)
{
    int members = h->bits & 0xffff;

    if (!collio_sound_type(c, look, offset, out, depth + 1))
        return 0;
    if (out->unknown)
        return 1;
    for (int m = 0; m < members; m++)
        if (!take_name(c, h->version))
            return 0;
    return out->size == h->size && collio_take_bytes(c, members * h->size) != NULL;
}

static int variable(collio_cursor *c, const collio_look *look, const head *h, int64_t offset,
                    collio_shape_of_type *out, int depth)
{
    collio_shape_of_type item = {.places = COLLIO_PLACES}; /* whose places are another's */
    collio_cursor base = *c;

    if ((h->bits & 0xf) > 1 || h->size != 8 + look->disk->sound.address_bytes ||
        !collio_sound_type(c, look, 0, &item, depth + 1))
        return 0;
    out->unknown = out->unknown || item.unknown;
    if (item.unknown)
        return 1;
    return add_place(out, offset, item.size, base);
}

static int array(collio_cursor *c, const collio_look *look, const head *h, int64_t offset,
                 collio_shape_of_type *out, int depth)
{
    int64_t rank = collio_take(c, 1), count = 1;
    int first = out->places;

    if (rank < 1 || rank > 32)
        return 0;
    if (h->version < 3)
        collio_take_bytes(c, 3);
    for (int64_t d = 0; d < rank; d++) {
        int64_t extent = collio_take(c, 4);
        if (extent < 1 || count > INT32_MAX)
            return 0;
        count *= extent;
    }
    if (h->version < 3)
        collio_take_bytes(c, 4 * rank);
    if (!collio_sound_type(c, look, offset, out, depth + 1))
        return 0;
    if (out->unknown)
        return 1;
    repeat(out, first, out->size, count);
    return out->size > 0 && h->size % out->size == 0 && h->size / out->size == count;
}

/* References of later releases are not judged. */
static int reference(const collio_look *look, const head *h, int64_t offset,
                     collio_shape_of_type *out)
{
    int64_t address = look->disk->sound.address_bytes;
    collio_cursor none = {NULL, 0, 0};

    out->unknown = out->unknown || (h->bits & 0xf) > 1;
    if ((h->bits & 0xf) == 0)
        return h->size == address;
    return (h->bits & 0xf) != 1 || (h->size == address + 4 && add_place(out, offset, 0, none));
}

static int body(collio_cursor *c, const collio_look *look, const head *h, int64_t offset,
                collio_shape_of_type *out, int depth)
{
    switch (h->class) {
    case FIXED:
    case BITS:
        return fixed(c, h);
    case FLOATING:
        return floating(c, h);
    case TIME:
        return collio_take_bytes(c, 2) != NULL;
    case STRING:
        return 1;
    case OPAQUE:
        return collio_take_bytes(c, h->bits & 0xff) != NULL;
    case COMPOUND:
        return compound(c, look, h, offset, out, depth);
    case REFERENCE:
        return reference(look, h, offset, out);
    case ENUM:
        return enumeration(c, look, h, offset, out, depth);
    case VARIABLE:
        return variable(c, look, h, offset, out, depth);
    case ARRAY:
        return array(c, look, h, offset, out, depth);
    default:
        out->unknown = 1;
        return 1;
    }
}

int collio_sound_type(collio_cursor *cursor, const collio_look *look, int64_t offset,
                      collio_shape_of_type *out, int depth)
{
    int64_t word = collio_take(cursor, 4);
    head h = {(int)(word & 0xf), (int)(word >> 4 & 0xf), (unsigned)(word >> 8 & 0xffffff), 0};

    h.size = collio_take(cursor, 4);
    if (cursor->bad || depth > DEEPEST)
        return 0;
    if (h.version < 1 || h.version > NEWEST)
        return 0;
    if (h.version > 3) {
        out->unknown = 1;
        return 1;
    }
    if (h.size < 1 || !body(cursor, look, &h, offset, out, depth) || cursor->bad)
        return 0;
    out->size = h.size;
    return 1;
}

/* ------------------------------------------------------------ dataspaces */

int collio_sound_space(collio_cursor *c, const collio_look *look, collio_shape_of_space *out)
{
    int64_t version = collio_take(c, 1), rank = collio_take(c, 1), flags = collio_take(c, 1);
    int64_t kind = collio_take(c, 1);

    if (version < 1 || version > 2)
        return 0;
    if (version == 1)
        collio_take_bytes(c, 4);
    out->points = version == 2 && kind == 2 ? 0 : 1;
    out->rank = (int)rank;
    if (rank < 0 || rank > 32 || (version == 2 && (kind > 2 || (kind != 1 && rank > 0))))
        return 0;
    for (int64_t d = 0; d < rank; d++) {
        int64_t extent = collio_take_length(c, look);
        if (extent < 0 || (extent > 0 && out->points > INT64_MAX / extent))
            return 0;
        out->points *= extent;
    }
    for (int64_t d = 0; d < (flags & 1 ? rank : 0); d++)
        collio_take_length(c, look);
    return !c->bad;
}
