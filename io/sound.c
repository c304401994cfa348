/* What is looked at, and when: headers when they are read, and the nodes and heaps to which they
 * lead; and how bytes of a file are read and taken. */
#include "sound.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define UNDEFINED (-1)

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
    const collio_sound *s = &look->disk->sound;
    int64_t value;
    haddr_t address;

    if (look->disk->members.kind != COLLIO_ARRANGED_SPLIT || s->address_bytes < 8)
        return take_number(c, s->address_bytes);
    value = collio_take(c, 8);
    address = (haddr_t)value + (haddr_t)s->base;
    if (value == UNDEFINED)
        return UNDEFINED;
    return collio_disk_offset(look->disk, address) - s->base;
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

    if (type == H5FD_MEM_OHDR && expected.kind != COLLIO_EXPECT_REST && is_header(bytes, size))
        return collio_sound_header(look, address, bytes, size);
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
