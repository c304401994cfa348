/* Elements in memory that hold others: structs, arrays, strings and sequences. */
#include "type.h"

#include <stdlib.h>
#include <string.h>

/* Pieces of a bundle begin at multiples of this, as the elements need it. */
#define ALIGNMENT 16

/* ------------------------------------------------------------------ walk */

/* Called for each part of an element that is not made of parts. */
typedef void part_function(void *context, hid_t type, char *part);

static void walk(hid_t type, char *element, part_function *function, void *context);

static void walk_array(hid_t type, char *element, part_function *function, void *context)
{
    hid_t base = H5Tget_super(type);
    size_t step = H5Tget_size(base), size = H5Tget_size(type);

    for (size_t at = 0; at < size; at += step)
        walk(base, element + at, function, context);
    H5Tclose(base);
}

static void walk_compound(hid_t type, char *element, part_function *function, void *context)
{
    for (int i = 0; i < H5Tget_nmembers(type); i++) {
        hid_t member = H5Tget_member_type(type, (unsigned)i);

        walk(member, element + H5Tget_member_offset(type, (unsigned)i), function, context);
        H5Tclose(member);
    }
}

static void walk(hid_t type, char *element, part_function *function, void *context)
{
    switch (H5Tget_class(type)) {
    case H5T_ARRAY:
        walk_array(type, element, function, context);
        break;
    case H5T_COMPOUND:
        walk_compound(type, element, function, context);
        break;
    default:
        function(context, type, element);
    }
}

static void walk_all(hid_t type, char *elements, int64_t count, part_function *function,
                     void *context)
{
    size_t size = H5Tget_size(type);

    for (int64_t i = 0; i < count; i++)
        walk(type, elements + (size_t)i * size, function, context);
}

/* ---------------------------------------------------------------- digest */

/* Of a number: not the bytes that pad it, as those of a long double, which hold anything. */
static void digest_number(uint64_t *digest, hid_t type, const char *part)
{
    size_t size = H5Tget_size(type), first = (size_t)H5Tget_offset(type) / 8;
    size_t end = ((size_t)H5Tget_offset(type) + H5Tget_precision(type) + 7) / 8;

    if (H5Tget_order(type) == H5T_ORDER_BE)
        part += size - end;
    else
        part += first;
    *digest = collio_hash(*digest, part, end - first);
}

static void digest_part(void *context, hid_t type, char *part)
{
    uint64_t *digest = context;
    hvl_t sequence;
    char *text;

    if (H5Tget_class(type) == H5T_VLEN) {
        hid_t base = H5Tget_super(type);

        memcpy(&sequence, part, sizeof sequence);
        *digest = collio_hash_number(*digest, sequence.len);
        walk_all(base, sequence.p, (int64_t)sequence.len, digest_part, digest);
        H5Tclose(base);
    } else if (H5Tis_variable_str(type) > 0) {
        memcpy(&text, part, sizeof text);
        *digest = collio_hash_text(*digest, text);
    } else if (H5Tget_class(type) == H5T_FLOAT) {
        digest_number(digest, type, part);
    } else {
        *digest = collio_hash(*digest, part, H5Tget_size(type));
    }
}

uint64_t collio_elements_digest(collio_type type, const void *elements, int64_t count)
{
    collio_error none = COLLIO_ERROR_INIT;
    uint64_t digest = 0;

    if (type < COLLIO_TYPE_COUNT)
        return collio_hash(0, elements, collio_type_size(type) * (size_t)count);
    walk_all(collio_hdf5_type(type, &none), (char *)elements, count, digest_part, &digest);
    return digest;
}

/* --------------------------------------------------------------- bundles */

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int collio_bundle_add(collio_bundle *b, const void *bytes, size_t size, collio_error *err)
{
    size_t wanted = b->size + padded(size);
    char *more;

    if (wanted > b->room) {
        more = realloc(b->bytes, 2 * wanted);
        if (more == NULL)
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %zu bytes", 2 * wanted);
        b->bytes = more;
        b->room = 2 * wanted;
    }
    memset(b->bytes + b->size, 0, wanted - b->size);
    if (size > 0)
        memcpy(b->bytes + b->size, bytes, size);
    b->size = wanted;
    return COLLIO_OK;
}

char *collio_bundle_take(char **at, size_t size)
{
    char *bytes = *at;

    *at += padded(size);
    return bytes;
}

typedef struct packing {
    collio_bundle *bundle;
    collio_error *err;
} packing;

static void pack_part(void *context, hid_t type, char *part);

/* How much there is of it, and then it. */
static int pack_piece(packing *p, size_t count, const void *bytes, size_t size)
{
    return collio_bundle_add(p->bundle, &count, sizeof count, p->err) ||
           collio_bundle_add(p->bundle, bytes, size, p->err);
}

static void pack_sequence(packing *p, hid_t type, const char *part)
{
    hid_t base = H5Tget_super(type);
    hvl_t sequence;

    memcpy(&sequence, part, sizeof sequence);
    if (pack_piece(p, sequence.len, sequence.p, sequence.len * H5Tget_size(base)) == COLLIO_OK)
        walk_all(base, sequence.p, (int64_t)sequence.len, pack_part, p);
    H5Tclose(base);
}

static void pack_part(void *context, hid_t type, char *part)
{
    packing *p = context;
    size_t size;
    char *text;

    if (p->err->code != COLLIO_OK)
        return;
    if (H5Tget_class(type) == H5T_VLEN) {
        pack_sequence(p, type, part);
    } else if (H5Tis_variable_str(type) > 0) {
        memcpy(&text, part, sizeof text);
        size = text != NULL ? strlen(text) + 1 : 0;
        pack_piece(p, size, text, size);
    }
}

int collio_bundle_pack(collio_bundle *bundle, collio_type type, const void *elements, int64_t count,
                       collio_error *err)
{
    packing p = {bundle, err};

    if (collio_bundle_add(bundle, elements, (size_t)count * collio_type_size(type), err) ==
            COLLIO_OK &&
        collio_type_variable(type))
        walk_all(collio_hdf5_type(type, err), (char *)elements, count, pack_part, &p);
    return err->code;
}

static void unpack_part(void *context, hid_t type, char *part)
{
    char **at = context, *text;
    int is_sequence = H5Tget_class(type) == H5T_VLEN;
    hvl_t sequence;

    if (!is_sequence && H5Tis_variable_str(type) <= 0)
        return;
    memcpy(&sequence.len, collio_bundle_take(at, sizeof sequence.len), sizeof sequence.len);
    if (is_sequence) {
        hid_t base = H5Tget_super(type);

        sequence.p = collio_bundle_take(at, sequence.len * H5Tget_size(base));
        memcpy(part, &sequence, sizeof sequence);
        walk_all(base, sequence.p, (int64_t)sequence.len, unpack_part, at);
        H5Tclose(base);
    } else {
        text = sequence.len > 0 ? collio_bundle_take(at, sequence.len) : NULL;
        memcpy(part, &text, sizeof text);
    }
}

void *collio_bundle_unpack(char **bytes, collio_type type, int64_t count)
{
    collio_error none = COLLIO_ERROR_INIT;
    char *elements = collio_bundle_take(bytes, (size_t)count * collio_type_size(type));

    if (collio_type_variable(type))
        walk_all(collio_hdf5_type(type, &none), elements, count, unpack_part, bytes);
    return elements;
}
