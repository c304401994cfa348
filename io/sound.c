/* What is looked at, and when: headers when they are read, and the nodes and heaps to which they
 * lead. */
#include "sound.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define UNDEFINED    (-1)
#define MOST_PIECES  (1 << 16)
#define NAMED_TYPE   3
#define CONTINUATION 16

/* -------------------------------------------------------------- cursors */

const unsigned char *collio_take_bytes(collio_cursor *c, int64_t count)
{
    const unsigned char *at = c->at;

    if (c->bad || count < 0 || count > c->left) {
        c->bad = 1;
        return NULL;
    }
    c->at += count;
    c->left -= count;
    return at;
}

int64_t collio_take(collio_cursor *c, int bytes)
{
    const unsigned char *at = collio_take_bytes(c, bytes);
    uint64_t value = 0;

    for (int i = at != NULL ? bytes : 0; i > 0; i--)
        value = value << 8 | at[i - 1];
    return (int64_t)value;
}

/* Numbers beyond the operating system's offsets are as bad as undefined ones. */
static int64_t take_number(collio_cursor *c, int bytes)
{
    int64_t value = collio_take(c, bytes);

    if (value < 0 || (bytes < 8 && value == ((int64_t)1 << 8 * bytes) - 1))
        return UNDEFINED;
    return value;
}

int64_t collio_take_address(collio_cursor *c, const collio_look *look)
{
    return take_number(c, look->disk->sound.address_bytes);
}

int64_t collio_take_length(collio_cursor *c, const collio_look *look)
{
    return take_number(c, look->disk->sound.length_bytes);
}

/* ---------------------------------------------------------------- looking */

int collio_look_damage(const collio_look *look, int64_t address, const char *what)
{
    if (look->err->code != COLLIO_OK)
        return look->err->code;
    if (address >= 0)
        return collio_error_set(look->err, COLLIO_ERR_HDF5, "'%s' is damaged: %s, at byte %" PRId64,
                                look->disk->path, what, look->disk->sound.base + address);
    return collio_error_set(look->err, COLLIO_ERR_HDF5, "'%s' is damaged: %s", look->disk->path,
                            what);
}

int collio_look_place(const collio_look *look, int64_t address, int64_t size)
{
    const collio_disk *disk = look->disk;
    int64_t end = disk->eof > disk->eoa ? disk->eof : disk->eoa;

    return size < 0 || address < 0 || size > end || address > end - disk->sound.base - size ? -1
                                                                                            : 0;
}

int collio_look_read(const collio_look *look, int64_t address, int64_t size, void *bytes)
{
    int64_t at = look->disk->sound.base + address;

    memset(bytes, 0, (size_t)size);
    if (collio_look_place(look, address, size))
        return collio_look_damage(look, address, "it refers to what is not in the file");
    if (collio_disk_read(look->disk, bytes, size, at, look->err) == COLLIO_OK)
        collio_overlay_read(&look->disk->overlay, at, size, bytes);
    return look->err->code;
}

/* Where the superblock is, and how wide numbers are. Without one HDF5 does not open the file. */
static void prepare(collio_look *look)
{
    static const unsigned char magic[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    collio_sound *s = &look->disk->sound;
    unsigned char bytes[16] = {0};

    for (int64_t at = 0; at < look->disk->eof && !s->ready; at = at == 0 ? 512 : 2 * at) {
        int old;

        if (collio_disk_read(look->disk, bytes, sizeof bytes, at, look->err))
            return;
        collio_overlay_read(&look->disk->overlay, at, sizeof bytes, bytes);
        if (memcmp(bytes, magic, sizeof magic) != 0)
            continue;
        old = bytes[8] < 2;
        s->base = at;
        s->address_bytes = bytes[old ? 13 : 9];
        s->length_bytes = bytes[old ? 14 : 10];
        s->ready = 1;
    }
    if (s->address_bytes < 2 || s->address_bytes > 8 || s->length_bytes < 2 || s->length_bytes > 8)
        s->ready = 0;
}

/* ------------------------------------------------------ what is expected */

/* Where an address is in the table, or is to go. */
static collio_expected *slot(const collio_sound *s, int64_t address)
{
    size_t at = (size_t)((uint64_t)address * 0x9e3779b97f4a7c15u >> 20) & (s->room - 1);

    while (s->table[at].kind != 0 && s->table[at].address != address)
        at = (at + 1) & (s->room - 1);
    return &s->table[at];
}

static int grow(collio_sound *s)
{
    collio_sound larger = *s;

    larger.room = s->room > 0 ? 2 * s->room : 64;
    larger.table = calloc(larger.room, sizeof *larger.table);
    if (larger.table == NULL)
        return -1;
    for (size_t i = 0; i < s->room; i++)
        if (s->table[i].kind != 0)
            *slot(&larger, s->table[i].address) = s->table[i];
    free(s->table);
    *s = larger;
    return 0;
}

/* Without memory there is one check less. */
void collio_sound_expect(collio_sound *s, collio_expected expected)
{
    collio_expected *place;

    if (2 * s->count >= s->room && grow(s))
        return;
    place = slot(s, expected.address);
    s->count += place->kind == 0;
    *place = expected;
}

void collio_sound_drop(collio_sound *s)
{
    free(s->table);
    *s = (collio_sound){0};
}

/* ---------------------------------------------------------------- headers */

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

static void close_look(collio_look *look)
{
    for (int i = 0; i < look->pieces; i++)
        free(look->kept[i]);
    free(look->kept);
    free(look->heap);
}

/* ----------------------------------------------------------------- reads */

static int is_header(const unsigned char *bytes, int64_t size)
{
    return size >= 16 && (memcmp(bytes, "OHDR", 4) == 0 || (bytes[0] == 1 && bytes[1] == 0));
}

static int check_as(collio_look *look, H5FD_mem_t type, int64_t address, int64_t size,
                    const unsigned char *bytes)
{
    collio_sound *s = &look->disk->sound;
    collio_expected none = {0}, *found = s->room > 0 ? slot(s, address) : &none;
    collio_expected expected = found->kind != 0 ? *found : none;
    header h = {.address = address};

    if (type == H5FD_MEM_OHDR && expected.kind != COLLIO_EXPECT_REST && is_header(bytes, size))
        return check_header(look, &h, bytes, size);
    if (type == H5FD_MEM_BTREE &&
        (expected.kind == COLLIO_EXPECT_GROUP_TREE || expected.kind == COLLIO_EXPECT_CHUNK_TREE))
        return collio_sound_tree(look, address, &expected);
    if (type == H5FD_MEM_BTREE && expected.kind == COLLIO_EXPECT_NAMES)
        return collio_sound_names(look, address, &expected);
    return COLLIO_OK;
}

static int begins_heap(const unsigned char *bytes, int64_t size)
{
    return size >= 16 && memcmp(bytes, "GCOL\1\0\0", 8) == 0;
}

/* HDF5 reads global heaps as it reads elements. */
static int is_heap(collio_look *look, int64_t address, int64_t size, const unsigned char *bytes)
{
    collio_sound *s = &look->disk->sound;
    collio_expected rest = {address + size, COLLIO_EXPECT_REST, 0, 0};
    collio_cursor c = {bytes + 8, s->length_bytes, 0};

    if (s->room > 0 && slot(s, address)->kind == COLLIO_EXPECT_REST)
        return 1;
    if (!begins_heap(bytes, size))
        return 0;
    collio_sound_heap(look, address);
    if (collio_take_length(&c, look) > size)
        collio_sound_expect(s, rest);
    return 1;
}

static int check_elements(collio_look *look, int64_t address, int64_t size,
                          const unsigned char *bytes)
{
    collio_sound *s = &look->disk->sound;
    collio_shape_of_type type = {0};

    if (is_heap(look, address, size, bytes) || s->watched == 0 ||
        collio_look_named_type(look, s->watched - 1, &type) || type.unknown ||
        size % type.size != 0)
        return look->err->code;
    return collio_sound_elements(look, &type, bytes, size / type.size, 0);
}

int collio_sound_check(collio_disk *disk, H5FD_mem_t type, int64_t address, int64_t size,
                       const void *bytes, collio_error *err)
{
    collio_error found = COLLIO_ERROR_INIT;
    collio_look look = {.disk = disk, .err = &found};

    if (type == H5FD_MEM_DRAW && disk->sound.watched == 0 && !begins_heap(bytes, size))
        return COLLIO_OK;
    if (!disk->sound.ready)
        prepare(&look);
    if (disk->sound.ready && found.code == COLLIO_OK && type == H5FD_MEM_DRAW)
        check_elements(&look, address - disk->sound.base, size, bytes);
    else if (disk->sound.ready && found.code == COLLIO_OK)
        check_as(&look, type, address - disk->sound.base, size, bytes);
    close_look(&look);
    if (found.code != COLLIO_OK) {
        collio_error_clear(err);
        collio_error_set(err, found.code, "%s", found.text);
        err->sys_error = found.sys_error;
    }
    return found.code;
}

/* The type of a dataset's elements; one without a size if that cannot be told. */
static void look_at_type(collio_look *look, int64_t address, collio_shape_of_type *type)
{
    if (!look->disk->sound.ready)
        prepare(look);
    if (!look->disk->sound.ready || look->err->code != COLLIO_OK ||
        collio_look_named_type(look, address, type) != COLLIO_OK || type->unknown)
        type->size = 0;
}

int64_t collio_sound_element_size(collio_disk *disk, int64_t address)
{
    collio_error found = COLLIO_ERROR_INIT;
    collio_look look = {.disk = disk, .err = &found};
    collio_shape_of_type type = {0};

    look_at_type(&look, address, &type);
    close_look(&look);
    return type.size;
}

int collio_sound_decoded(collio_disk *disk, int64_t address, const void *elements, int64_t size,
                         collio_error *err)
{
    collio_error found = COLLIO_ERROR_INIT;
    collio_look look = {.disk = disk, .err = &found};
    collio_shape_of_type type = {0};

    if (err->code != COLLIO_OK)
        return err->code;
    look_at_type(&look, address, &type);
    if (type.size > 0)
        collio_sound_elements(&look, &type, elements, size / type.size, 0);
    close_look(&look);
    if (found.code != COLLIO_OK)
        collio_error_set(err, found.code, "%s", found.text);
    return err->code;
}

int collio_sound_region(collio_disk *disk, const void *reference, collio_error *err)
{
    collio_error found = COLLIO_ERROR_INIT;
    collio_look look = {.disk = disk, .err = &found};
    collio_cursor c = {reference, 12, 0};
    const unsigned char *bytes;
    int64_t address, size;

    if (!disk->sound.ready)
        prepare(&look);
    if (disk->sound.ready && found.code == COLLIO_OK) {
        address = collio_take_address(&c, &look);
        if (collio_sound_object(&look, address, collio_take(&c, 4), &bytes, &size) == COLLIO_OK)
            collio_sound_selection(&look, address, bytes, size);
    }
    close_look(&look);
    if (found.code != COLLIO_OK)
        collio_error_set(err, found.code, "%s", found.text);
    return err->code;
}

void collio_sound_watch(collio_disk *disk, int64_t address)
{
    disk->sound.watched = address + 1;
}
