/* Heaps, and the nodes of the trees by which groups find names and datasets find chunks. */
#include "sound.h"

#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- groups */

/* Free blocks of a local heap are a list within its bytes. */
static int check_free(const collio_look *look, int64_t heap, int64_t start, int64_t size,
                      int64_t first)
{
    int width = look->disk->sound.length_bytes;
    int64_t at = first;

    /* 1 is the end of the list. */
    for (int64_t n = 0; at != 1; n++) {
        unsigned char bytes[16];
        collio_cursor c = {bytes, 2 * width, 0};
        int64_t next, length;

        if (at < 0 || at > size - 2 * width || n > size / (2 * width))
            return collio_look_damage(look, heap, "a local heap with a bad list of free space");
        if (collio_look_read(look, start + at, 2 * width, bytes))
            return look->err->code;
        next = collio_take(&c, width);
        length = collio_take(&c, width);
        if (length < 2 * width || length > size - at)
            return collio_look_damage(look, heap, "a local heap with bad free space");
        at = next;
    }
    return COLLIO_OK;
}

/* Names end before the last zero byte of the heap, if they start before it. */
static int find_limit(const collio_look *look, int64_t start, int64_t size, int64_t *limit)
{
    unsigned char bytes[256];

    *limit = 0;
    for (int64_t end = size; end > 0 && *limit == 0;) {
        int64_t piece = end < (int64_t)sizeof bytes ? end : (int64_t)sizeof bytes;

        if (collio_look_read(look, start + end - piece, piece, bytes))
            return look->err->code;
        for (int64_t i = piece; i > 0 && *limit == 0; i--)
            *limit = bytes[i - 1] == 0 ? end - piece + i : 0;
        end -= piece;
    }
    return COLLIO_OK;
}

static int check_names_heap(const collio_look *look, int64_t heap, int64_t *limit)
{
    int width = look->disk->sound.length_bytes;
    unsigned char bytes[32];
    collio_cursor c = {bytes, 8 + 2 * width + look->disk->sound.address_bytes, 0};
    int64_t size, first, start;

    if (collio_look_read(look, heap, c.left, bytes))
        return look->err->code;
    if (memcmp(bytes, "HEAP", 4) != 0)
        return collio_look_damage(look, heap, "no local heap");
    collio_take_bytes(&c, 8);
    size = collio_take_length(&c, look);
    first = collio_take(&c, width);
    start = collio_take_address(&c, look);
    if (size < 0 || start < 0 || collio_look_place(look, start, size))
        return collio_look_damage(look, heap, "a local heap outside the file");
    if (check_free(look, heap, start, size, first))
        return look->err->code;
    return find_limit(look, start, size, limit);
}

int collio_sound_group(const collio_look *look, int64_t tree, int64_t heap)
{
    collio_expected nodes = {.kind = COLLIO_EXPECT_GROUP_TREE, .level = -1};

    if (tree < 0 || heap < 0)
        return collio_look_damage(look, heap, "a group without a table of names");
    if (check_names_heap(look, heap, &nodes.limit))
        return look->err->code;
    nodes.address = tree;
    collio_sound_expect(&look->disk->sound, nodes);
    return COLLIO_OK;
}

int collio_sound_names(const collio_look *look, int64_t address, const collio_expected *expected)
{
    const collio_sound *s = &look->disk->sound;
    int64_t entry = 8 + 16 + s->length_bytes + s->address_bytes, count;
    unsigned char bytes[8], *entries = NULL;
    collio_cursor c = {bytes, sizeof bytes, 0};

    if (collio_look_read(look, address, sizeof bytes, bytes))
        return look->err->code;
    if (memcmp(bytes, "SNOD", 4) != 0)
        return collio_look_damage(look, address, "no node of names");
    collio_take_bytes(&c, 6);
    count = collio_take(&c, 2);
    entries = malloc((size_t)(count * entry) + 1);
    if (entries == NULL)
        return collio_error_set(look->err, COLLIO_ERR_MEMORY, "no memory for names");
    if (collio_look_read(look, address + 8, count * entry, entries) == COLLIO_OK)
        for (int64_t i = 0; i < count && look->err->code == COLLIO_OK; i++) {
            collio_cursor e = {entries + i * entry, entry, 0};
            int64_t name = collio_take_length(&e, look), header = collio_take_address(&e, look);
            int64_t cached = collio_take(&e, 4), scratch;

            collio_take_bytes(&e, 4);
            scratch = collio_take(&e, 4);
            if (name < 0 || name >= expected->limit ||
                (cached == 2 && scratch >= expected->limit) || (cached != 2 && header < 0))
                collio_look_damage(look, address, "a name outside its heap");
        }
    free(entries);
    return look->err->code;
}

int collio_sound_tree(const collio_look *look, int64_t address, const collio_expected *expected)
{
    const collio_sound *s = &look->disk->sound;
    int64_t chunks = expected->kind == COLLIO_EXPECT_CHUNK_TREE, kind, level, count, key;
    unsigned char head[32], *entries;
    collio_cursor c = {head, 8 + 2 * s->address_bytes, 0};

    if (collio_look_read(look, address, c.left, head))
        return look->err->code;
    if (memcmp(head, "TREE", 4) != 0)
        return collio_look_damage(look, address, "no node of a tree");
    collio_take_bytes(&c, 4);
    kind = collio_take(&c, 1);
    level = collio_take(&c, 1);
    count = collio_take(&c, 2);
    if (kind != chunks || (expected->level >= 0 && level != expected->level))
        return collio_look_damage(look, address, "a node of a tree at a wrong place");
    key = chunks ? 8 + 8 * expected->limit : s->length_bytes;
    entries = malloc((size_t)(count * (key + s->address_bytes) + key));
    if (entries == NULL)
        return collio_error_set(look->err, COLLIO_ERR_MEMORY, "no memory for a node");
    c = (collio_cursor){entries, count * (key + s->address_bytes) + key, 0};
    if (collio_look_read(look, address + 8 + 2 * s->address_bytes, c.left, entries))
        count = 0;
    for (int64_t i = 0; i < count && look->err->code == COLLIO_OK; i++) {
        collio_expected below = *expected;
        collio_cursor k = {collio_take_bytes(&c, key), key, 0};
        int64_t name = chunks ? 0 : collio_take_length(&k, look);

        below.address = collio_take_address(&c, look);
        below.level = (int8_t)(level - 1);
        if (level == 0 && !chunks)
            below.kind = COLLIO_EXPECT_NAMES;
        if (below.address < 0 || (!chunks && (name < 0 || name >= expected->limit)))
            collio_look_damage(look, address, "a node of a tree with bad entries");
        else if (level > 0 || !chunks)
            collio_sound_expect(&look->disk->sound, below);
    }
    free(entries);
    return look->err->code;
}

/* --------------------------------------------------------- global heaps */

/* Objects of a collection, to its end: 0 if they do not fit. */
static int fits(const collio_look *look)
{
    int64_t head = 8 + look->disk->sound.length_bytes, at = head;

    while (at + head <= look->heap_size) {
        collio_cursor c = {look->heap + at, head, 0};
        int64_t index = collio_take(&c, 2), size, need;

        collio_take_bytes(&c, 6);
        size = collio_take_length(&c, look);
        need = index > 0 ? head + (size + 7) / 8 * 8 : size;
        if (size < 0 || size > look->heap_size || need < head || need > look->heap_size - at)
            return 0;
        at += need;
    }
    return 1;
}

int collio_sound_heap(collio_look *look, int64_t address)
{
    unsigned char head[16];
    collio_cursor c = {head, 8 + look->disk->sound.length_bytes, 0};
    int64_t size;

    if (look->heap != NULL && look->heap_address == address)
        return COLLIO_OK;
    free(look->heap);
    look->heap = NULL;
    if (collio_look_read(look, address, c.left, head))
        return look->err->code;
    collio_take_bytes(&c, 8);
    size = collio_take_length(&c, look);
    if (memcmp(head, "GCOL", 4) != 0 || size < c.left || collio_look_place(look, address, size))
        return collio_look_damage(look, address, "no global heap");
    look->heap = malloc((size_t)size);
    if (look->heap == NULL)
        return collio_error_set(look->err, COLLIO_ERR_MEMORY, "no memory for a heap");
    look->heap_address = address;
    look->heap_size = size;
    if (collio_look_read(look, address, size, look->heap))
        return look->err->code;
    return fits(look) ? COLLIO_OK : collio_look_damage(look, address, "a bad global heap");
}

int collio_sound_object(collio_look *look, int64_t address, int64_t index,
                        const unsigned char **bytes, int64_t *size)
{
    int64_t head = 8 + look->disk->sound.length_bytes, at = head;

    if (address < 0 || collio_sound_heap(look, address))
        return collio_look_damage(look, address, "no global heap");
    while (at + head <= look->heap_size) {
        collio_cursor c = {look->heap + at, head, 0};
        int64_t found = collio_take(&c, 2);

        collio_take_bytes(&c, 6);
        *size = collio_take_length(&c, look);
        *bytes = look->heap + at + head;
        if (found == index && index > 0)
            return COLLIO_OK;
        at += found > 0 ? head + (*size + 7) / 8 * 8 : *size;
    }
    return collio_look_damage(look, address, "a global heap without an object referred to");
}

/* One reference of an element. */
static int check_place(collio_look *look, const collio_place *place, const unsigned char *element,
                       int depth)
{
    int64_t width = look->disk->sound.address_bytes, count = 0, address, index, size;
    collio_cursor c = {element + place->offset, width + (place->item > 0 ? 8 : 4), 0};
    collio_shape_of_type base = {0};
    const unsigned char *bytes;

    if (place->item > 0)
        count = collio_take(&c, 4);
    address = collio_take_address(&c, look);
    index = collio_take(&c, 4);
    if (address == 0 || (place->item == 0 && index == 0))
        return COLLIO_OK;
    if (collio_sound_object(look, address, index, &bytes, &size))
        return look->err->code;
    if (place->item == 0)
        return COLLIO_OK;
    if (count > size / place->item || count * place->item != size)
        return collio_look_damage(look, address, "elements of variable length of another length");
    c = place->base;
    if (!collio_sound_type(&c, look, 0, &base, depth) || base.places == 0)
        return COLLIO_OK;
    return collio_sound_elements(look, &base, bytes, count, depth + 1);
}

int collio_sound_elements(collio_look *look, const collio_shape_of_type *type,
                          const unsigned char *elements, int64_t count, int depth)
{
    unsigned char *copy = NULL;

    if (type->unknown || type->places == 0 || depth > 8)
        return COLLIO_OK;
    if (depth > 0) { /* they lie in the heap of the look, of which another may take the place */
        copy = malloc((size_t)(count * type->size) + 1);
        if (copy == NULL)
            return collio_error_set(look->err, COLLIO_ERR_MEMORY, "no memory for elements");
        elements = memcpy(copy, elements, (size_t)(count * type->size));
    }
    for (int64_t i = 0; i < count && look->err->code == COLLIO_OK; i++)
        for (int p = 0; p < type->places && look->err->code == COLLIO_OK; p++)
            check_place(look, &type->place[p], elements + i * type->size, depth);
    free(copy);
    return look->err->code;
}
