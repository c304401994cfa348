/* Messages of object headers. (HDF5 file format specification, IV.A.2.) */
#include "sound.h"

#include <stdio.h>
#include <string.h>

/* HDF5's numbers of messages. */
enum {
    DATASPACE = 1,
    LINK_INFO,
    DATATYPE,
    OLD_FILL,
    FILL,
    LINK,
    EXTERNAL,
    LAYOUT,
    FILTERS = 11,
    ATTRIBUTE,
    COMMENT,
    CONTINUATION = 16,
    GROUP,
    DRIVER = 20
};

#define MOST_FILTERS 32

int collio_sound_shared(collio_cursor *c, collio_look *look, collio_shape_of_type *type)
{
    int64_t version = collio_take(c, 1), kind = collio_take(c, 1), address;

    if (version == 1)
        collio_take_bytes(c, 6);
    type->unknown = 1;
    if (version > 1 && kind == 1) /* in a heap with a checksum */
        return collio_take_bytes(c, 8) != NULL;
    address = collio_take_address(c, look);
    if (version < 1 || version > 3 || address < 0)
        return 0;
    type->unknown = 0;
    return collio_look_named_type(look, address, type) == COLLIO_OK;
}

static int take_type(collio_cursor *c, collio_look *look, int shared, collio_shape_of_type *type)
{
    type->unknown = type->places = 0;
    return shared ? collio_sound_shared(c, look, type) : collio_sound_type(c, look, 0, type, 0);
}

/* ------------------------------------------------------------ attributes */

/* A part of so many bytes, in the first version filled up to a multiple of eight. */
static collio_cursor part(collio_cursor *c, int64_t size, int64_t version)
{
    const unsigned char *at = collio_take_bytes(c, version == 1 ? (size + 7) / 8 * 8 : size);

    return (collio_cursor){at, at != NULL ? size : 0, at == NULL};
}

static int attribute(collio_look *look, collio_cursor c)
{
    int64_t version = collio_take(&c, 1), flags = collio_take(&c, 1), name_size, bytes;
    collio_shape_of_space space = {0, 0, 0};
    collio_shape_of_type type = {0};
    int64_t type_size, space_size;
    collio_cursor name, stored_type, extents;

    /* An attribute that HDF5 itself refuses makes its listing crash. */
    if (version < 1 || version > 3 || (version > 1 && flags > 3))
        return 0;
    name_size = collio_take(&c, 2);
    type_size = collio_take(&c, 2);
    space_size = collio_take(&c, 2);
    if (version == 3)
        collio_take(&c, 1);
    flags = version == 1 ? 0 : flags;
    name = part(&c, name_size, version);
    stored_type = part(&c, type_size, version);
    extents = part(&c, space_size, version);
    if (c.bad || name_size < 1 ||
        memchr(name.at, '\0', (size_t)name_size) != name.at + name_size - 1 ||
        !take_type(&stored_type, look, flags & 1, &type))
        return 0;
    if (flags & 2)
        return 1;
    if (!collio_sound_space(&extents, look, &space))
        return 0;
    if (type.unknown || space.unknown)
        return 1;
    bytes = space.points > c.left / type.size ? -1 : space.points * type.size;
    return bytes >= 0 && collio_sound_elements(look, &type, c.at, space.points, 0) == COLLIO_OK;
}

/* --------------------------------------------------------------- datasets */

static int old_fill(collio_cursor c, collio_header_facts *facts)
{
    facts->fill = collio_take(&c, 4);
    return collio_take_bytes(&c, facts->fill) != NULL;
}

static int fill(collio_cursor c, collio_header_facts *facts)
{
    int64_t version = collio_take(&c, 1), size;

    if (version == 3) {
        if (!(collio_take(&c, 1) & 0x20))
            return !c.bad;
    } else {
        collio_take(&c, 2);
        if (collio_take(&c, 1) == 0 && version == 2)
            return !c.bad;
    }
    if (version < 1 || version > 3)
        return 1;
    size = (int32_t)collio_take(&c, 4);
    facts->fill = size > 0 ? size : 0;
    return !c.bad && collio_take_bytes(&c, facts->fill) != NULL;
}

/* The rank counts the bytes of an element as the last dimension. */
static int chunk_extents(collio_cursor *c, int64_t rank, int width, collio_header_facts *facts)
{
    int64_t bytes = 1;

    if (rank < 2 || rank > 33 || width < 1 || width > 8)
        return 0;
    for (int64_t d = 0; d < rank; d++) {
        facts->chunk_element = collio_take(c, width);
        if (facts->chunk_element < 1 || facts->chunk_element > UINT32_MAX / bytes)
            return 0;
        bytes *= facts->chunk_element;
    }
    facts->chunk_rank = (int)rank - 1;
    return 1;
}

static void expect_chunks(const collio_look *look, int64_t tree, int64_t rank)
{
    collio_expected e = {tree, COLLIO_EXPECT_CHUNK_TREE, -1, rank};

    if (tree >= 0)
        collio_sound_expect(&look->disk->sound, e);
}

static int old_layout(const collio_look *look, collio_cursor c, collio_header_facts *facts)
{
    int64_t rank = collio_take(&c, 1), kind = collio_take(&c, 1), address = -1;

    collio_take_bytes(&c, 5);
    if (rank < 1 || rank > 33)
        return 0;
    if (kind != 0)
        address = collio_take_address(&c, look);
    if (kind == 2) {
        expect_chunks(look, address, rank);
        return chunk_extents(&c, rank, 4, facts);
    }
    collio_take_bytes(&c, 4 * rank);
    if (kind != 0)
        return kind == 1 && !c.bad;
    facts->compact = collio_take(&c, 4);
    facts->compact_at = collio_take_bytes(&c, facts->compact);
    return facts->compact_at != NULL;
}

static uint32_t turn(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static void add_words(uint32_t words[3], const unsigned char *bytes, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        words[i / 4] += (uint32_t)bytes[i] << 8 * (i % 4);
}

/* HDF5's checksum of structure: the hash lookup3 of Bob Jenkins, which is in the public domain. */
static uint32_t checksum(const unsigned char *bytes, int64_t size)
{
    static const int mix[6] = {4, 6, 8, 16, 19, 4}, end[7] = {14, 11, 25, 16, 4, 14, 24};
    uint32_t start = 0xdeadbeefu + (uint32_t)size, w[3] = {start, start, start};

    for (; size > 12; size -= 12, bytes += 12) {
        add_words(w, bytes, 12);
        for (int i = 0; i < 6; i++) { /* a, b, c take turns */
            uint32_t *x = &w[i % 3], *y = &w[(i + 2) % 3], *z = &w[(i + 1) % 3];
            *x -= *y;
            *x ^= turn(*y, mix[i]);
            *y += *z;
        }
    }
    if (size == 0)
        return w[2];
    add_words(w, bytes, size);
    for (int i = 0; i < 7; i++) {
        uint32_t *x = &w[(i + 2) % 3], y = w[(i + 1) % 3];
        *x = (*x ^ y) - turn(y, end[i]);
    }
    return w[2];
}

/* The table of a virtual dataset is in a global heap; HDF5 looks at its checksum when it has read
 * it, which is late. */
static int is_whole(const unsigned char *bytes, int64_t size)
{
    collio_cursor sum = {bytes + size - 4, 4, 0};

    return size > 4 && collio_take(&sum, 4) == (int64_t)checksum(bytes, size - 4);
}

static int virtual_layout(collio_look *look, collio_cursor *c)
{
    int64_t heap = collio_take_address(c, look), index = collio_take(c, 4), size;
    const unsigned char *bytes;

    return !c->bad &&
           (heap < 0 || (collio_sound_object(look, heap, index, &bytes, &size) == COLLIO_OK &&
                         is_whole(bytes, size)));
}

static int layout(collio_look *look, collio_cursor c, collio_header_facts *facts)
{
    int64_t version = collio_take(&c, 1), kind, rank, address;

    if (version == 1 || version == 2)
        return old_layout(look, c, facts);
    kind = collio_take(&c, 1);
    if (version == 0 || kind > 3)
        return 0;
    if (version > 4)
        return 1;
    if (kind == 0) {
        facts->compact = collio_take(&c, 2);
        facts->compact_at = collio_take_bytes(&c, facts->compact);
        return facts->compact_at != NULL;
    }
    if (kind == 1)
        return collio_take_address(&c, look) >= -1 && collio_take_length(&c, look) >= -1 && !c.bad;
    if (kind == 3)
        return version == 4 && virtual_layout(look, &c);
    if (version == 4)
        collio_take(&c, 1);
    rank = collio_take(&c, 1);
    if (version == 4)
        return chunk_extents(&c, rank, (int)collio_take(&c, 1), facts);
    address = collio_take_address(&c, look);
    expect_chunks(look, address, rank);
    return chunk_extents(&c, rank, 4, facts);
}

static int filters(collio_cursor c)
{
    int64_t version = collio_take(&c, 1), count = collio_take(&c, 1);

    if (version < 1 || version > 2)
        return 1;
    if (version == 1)
        collio_take_bytes(&c, 6);
    for (int64_t i = 0; i < count; i++) {
        int64_t id = collio_take(&c, 2), name = version == 1 || id > 255 ? collio_take(&c, 2) : 0;
        const unsigned char *text;
        int64_t values;

        collio_take(&c, 2);
        values = collio_take(&c, 2);
        text = collio_take_bytes(&c, name);
        if (name > 0 && (text == NULL || memchr(text, '\0', (size_t)name) == NULL))
            return 0;
        collio_take_bytes(&c, 4 * values + (version == 1 && values % 2 ? 4 : 0));
    }
    return count <= MOST_FILTERS && !c.bad;
}

/* Names of external files are in a local heap. */
static int external(const collio_look *look, collio_cursor c)
{
    collio_cursor slots;
    int64_t room, used, heap;
    unsigned char magic[4];

    collio_take_bytes(&c, 4);
    room = collio_take(&c, 2);
    used = collio_take(&c, 2);
    heap = collio_take_address(&c, look);
    slots = c;
    if (c.bad || used > room || heap < 0 || collio_look_read(look, heap, 4, magic) ||
        memcmp(magic, "HEAP", 4) != 0)
        return 0;
    return collio_take_bytes(&slots, used * 3 * look->disk->sound.length_bytes) != NULL;
}

/* ------------------------------------------------------------------ links */

static int link(const collio_look *look, collio_cursor c)
{
    int64_t version = collio_take(&c, 1), flags = collio_take(&c, 1);
    int64_t kind = flags & 8 ? collio_take(&c, 1) : 0, length;

    if (version != 1)
        return 1;
    collio_take_bytes(&c, (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
    length = collio_take(&c, 1 << (flags & 3));
    if (length < 1 || collio_take_bytes(&c, length) == NULL)
        return 0;
    if (kind == 0)
        return collio_take_address(&c, look) >= 0;
    length = collio_take(&c, 2);
    return length > 0 && collio_take_bytes(&c, length) != NULL;
}

static int group(const collio_look *look, collio_cursor c)
{
    int64_t tree = collio_take_address(&c, look), heap = collio_take_address(&c, look);

    return !c.bad && collio_sound_group(look, tree, heap) == COLLIO_OK;
}

/* What the driver of a file in several members keeps: version, name, size, so many bytes. */
static int driver(collio_cursor c)
{
    const unsigned char *name;
    int64_t length;

    collio_take(&c, 1);
    name = collio_take_bytes(&c, 8);
    length = collio_take(&c, 2);
    return name != NULL && collio_take_bytes(&c, length) != NULL &&
           length >= (int64_t)collio_members_least((const char *)name);
}

/* ------------------------------------------------------------------- all */

static int is_sound(collio_look *look, int kind, int shared, collio_cursor c,
                    collio_header_facts *facts)
{
    switch (kind) {
    case DATATYPE:
        facts->has_type = 1;
        return take_type(&c, look, shared, &facts->type);
    case DATASPACE:
        facts->has_space = !shared;
        return shared || collio_sound_space(&c, look, &facts->space);
    case OLD_FILL:
        return shared || old_fill(c, facts);
    case FILL:
        return shared || fill(c, facts);
    case LINK:
        return shared || link(look, c);
    case EXTERNAL:
        return external(look, c);
    case LAYOUT:
        return layout(look, c, facts);
    case FILTERS:
        return shared || filters(c);
    case ATTRIBUTE:
        return shared || attribute(look, c);
    case COMMENT:
        return memchr(c.at, '\0', (size_t)c.left) != NULL;
    case GROUP:
        return group(look, c);
    case DRIVER:
        return driver(c);
    default:
        return 1;
    }
}

int collio_sound_message(collio_look *look, int kind, int shared, const unsigned char *bytes,
                         int64_t size, collio_header_facts *facts)
{
    collio_cursor c = {bytes, size, 0};
    char text[80];

    if (is_sound(look, kind, shared, c, facts))
        return COLLIO_OK;
    snprintf(text, sizeof text, "a message (type %d) that makes no sense in an object header",
             kind);
    return collio_look_damage(look, -1, text);
}

int collio_sound_together(collio_look *look, int64_t address, const collio_header_facts *facts)
{
    int64_t element = facts->type.size;
    int typed = facts->has_type && !facts->type.unknown;
    int sized = typed && facts->has_space && !facts->space.unknown;

    if (typed && facts->fill > 0 && facts->fill != element)
        return collio_look_damage(look, address, "a fill value that is no element");
    if (sized && facts->space.points > INT64_MAX / element)
        return collio_look_damage(look, address, "more elements than can be");
    if (sized && facts->compact >= 0 && facts->compact < facts->space.points * element)
        return collio_look_damage(look, address, "fewer elements than its extents say");
    if (facts->has_space && facts->chunk_rank > 0 && facts->chunk_rank != facts->space.rank)
        return collio_look_damage(look, address, "chunks of another rank");
    if (typed && facts->chunk_rank > 0 && facts->chunk_element != element)
        return collio_look_damage(look, address, "chunks of another type");
    if (sized && facts->compact >= 0)
        return collio_sound_elements(look, &facts->type, facts->compact_at, facts->space.points, 0);
    return COLLIO_OK;
}
