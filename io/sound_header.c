/* Object headers: all their pieces, and the messages in them. */
#include "sound.h"

#include <stdlib.h>
#include <string.h>

#define MOST_PIECES  (1 << 16)
#define NAMED_TYPE   3
#define CONTINUATION 16

/* A header under way: its pieces, and what its messages say. */
typedef struct header {
    int64_t address;
    int version, creation_order;
    int named_type; /* look for the datatype alone */
    int pieces, found;
    int64_t *next, *sizes; /* of pieces to come, after the first */
    int count;
    collio_header_facts facts;
} header;

static int add_piece(collio_look *look, header *h, collio_cursor c)
{
    int64_t address = collio_take_address(&c, look), size = collio_take_length(&c, look);
    collio_expected rest = {address, COLLIO_EXPECT_REST, 0, 0};
    int64_t *more;

    if (c.bad || collio_look_place(look, address, size) || h->count >= MOST_PIECES)
        return collio_look_damage(look, h->address, "an object header that goes on nowhere");
    for (int i = 0; i < h->count; i++)
        if (h->next[2 * i] == address)
            return collio_look_damage(look, h->address, "an object header that goes in circles");
    more = realloc(h->next, 2 * ((size_t)h->count + 1) * sizeof *more);
    if (more == NULL)
        return collio_error_set(look->err, COLLIO_ERR_MEMORY, "no memory for a header");
    h->next = more;
    h->next[2 * h->count] = address;
    h->next[2 * h->count + 1] = size;
    h->count++;
    collio_sound_expect(&look->disk->sound, rest);
    return COLLIO_OK;
}

/* The head of a message: type, size, flags. */
static int64_t message_head(collio_cursor *c, const header *h, int *kind, int *flags)
{
    int64_t size;

    *kind = (int)collio_take(c, h->version == 1 ? 2 : 1);
    size = collio_take(c, 2);
    *flags = (int)collio_take(c, 1);
    collio_take_bytes(c, h->version == 1 ? 3 : h->creation_order ? 2 : 0);
    return size;
}

static int check_message(collio_look *look, header *h, int kind, int flags,
                         const unsigned char *bytes, int64_t size)
{
    collio_cursor c = {bytes, size, 0};

    if (kind == CONTINUATION)
        return add_piece(look, h, c);
    if (!h->named_type)
        return collio_sound_message(look, kind, flags & 2, bytes, size, &h->facts);
    if (kind != NAMED_TYPE || h->found)
        return COLLIO_OK;
    h->found = 1;
    if (flags & 2 ? !collio_sound_shared(&c, look, &h->facts.type)
                  : !collio_sound_type(&c, look, 0, &h->facts.type, 0))
        return collio_look_damage(look, h->address, "a bad datatype");
    return COLLIO_OK;
}

static int check_piece(collio_look *look, header *h, const unsigned char *bytes, int64_t size)
{
    int64_t least = h->version == 1 ? 8 : h->creation_order ? 6 : 4;
    collio_cursor c = {bytes, size, 0};

    while (c.left >= least && look->err->code == COLLIO_OK) {
        int kind, flags;
        int64_t length = message_head(&c, h, &kind, &flags);
        const unsigned char *at = collio_take_bytes(&c, length);

        if (at == NULL || (h->version == 1 && length % 8 != 0))
            return collio_look_damage(look, h->address, "a bad object header");
        check_message(look, h, kind, flags, at, length);
    }
    return look->err->code;
}

/* Pieces are kept while the look lasts: types and elements in them are referred to. */
static unsigned char *keep(collio_look *look, int64_t size)
{
    unsigned char *bytes = malloc((size_t)size + 1);
    unsigned char **more = realloc(look->kept, ((size_t)look->pieces + 1) * sizeof *more);

    if (more != NULL)
        look->kept = more;
    if (bytes != NULL && more != NULL) {
        look->kept[look->pieces++] = bytes;
        return bytes;
    }
    free(bytes);
    collio_error_set(look->err, COLLIO_ERR_MEMORY, "no memory for a header");
    return NULL;
}

static int read_piece(collio_look *look, header *h, int64_t address, int64_t size)
{
    unsigned char *bytes = keep(look, size);
    /* Later versions have a signature and a checksum around it. */
    int64_t around = h->version == 1 ? 0 : 4;

    if (bytes != NULL && collio_look_read(look, address, size, bytes) == COLLIO_OK &&
        size >= 2 * around)
        check_piece(look, h, bytes + around, size - 2 * around);
    return look->err->code;
}

/* The first piece of a header of the first version: *size bytes at *start. */
static int first_version(header *h, collio_cursor c, int64_t *start, int64_t *size)
{
    collio_take_bytes(&c, 8);
    *size = collio_take(&c, 4);
    *start = h->address + 16;
    h->version = 1;
    return !c.bad;
}

static int second_version(header *h, collio_cursor c, int64_t *start, int64_t *size)
{
    int64_t flags;
    int head;

    collio_take_bytes(&c, 4);
    h->version = (int)collio_take(&c, 1);
    flags = collio_take(&c, 1);
    h->creation_order = (flags & 4) != 0;
    head = 6 + (flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0);
    collio_take_bytes(&c, head - 6);
    *size = collio_take(&c, 1 << (flags & 3));
    /* As other pieces are: with four bytes before it and a checksum after it. */
    *start = h->address + head + (1 << (flags & 3)) - 4;
    *size = *size >= 0 && *size <= UINT32_MAX ? *size + 8 : -1;
    return !c.bad && h->version == 2;
}

/* All pieces of the header at an address; `bytes` are its first ones. */
static int check_header(collio_look *look, header *h, const unsigned char *bytes, int64_t size)
{
    collio_cursor c = {bytes, size, 0};
    int64_t start, length;
    int known = memcmp(bytes, "OHDR", 4) == 0 ? second_version(h, c, &start, &length)
                                              : first_version(h, c, &start, &length);

    if (!known)
        return COLLIO_OK; /* HDF5 will refuse it */
    if (collio_look_place(look, start, length))
        return collio_look_damage(look, h->address, "an object header beyond the end");
    if (start + length > h->address + size) {
        collio_expected rest = {h->address + size, COLLIO_EXPECT_REST, 0, 0};
        collio_sound_expect(&look->disk->sound, rest);
    }
    h->facts.compact = -1;
    read_piece(look, h, start, length);
    for (int i = 0; i < h->count && look->err->code == COLLIO_OK; i++)
        read_piece(look, h, h->next[2 * i], h->next[2 * i + 1]);
    free(h->next);
    h->next = NULL;
    if (look->err->code != COLLIO_OK || h->named_type)
        return look->err->code;
    return collio_sound_together(look, h->address, &h->facts);
}

int collio_sound_header(collio_look *look, int64_t address, const unsigned char *bytes,
                        int64_t size)
{
    header h = {.address = address};

    return check_header(look, &h, bytes, size);
}

int collio_look_named_type(collio_look *look, int64_t address, collio_shape_of_type *out)
{
    unsigned char bytes[64] = {0};
    header h = {.address = address, .named_type = 1};
    int64_t size = collio_look_place(look, address, sizeof bytes) == 0 ? (int64_t)sizeof bytes : 16;

    if (look->depth > 2)
        return collio_look_damage(look, address, "a datatype that is another's");
    look->depth++;
    if (collio_look_read(look, address, size, bytes) == COLLIO_OK &&
        check_header(look, &h, bytes, sizeof bytes) == COLLIO_OK) {
        *out = h.facts.type;
        out->unknown = out->unknown || !h.found;
    }
    look->depth--;
    return look->err->code;
}
