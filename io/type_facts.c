/* What an element type is made of. */
#include "type.h"

#include <stdlib.h>
#include <string.h>

static collio_type base_of(hid_t type, collio_error *err)
{
    hid_t base = H5Tget_super(type);

    collio_hdf5(base < 0, "H5Tget_super", err);
    return collio_type_take(base, err);
}

/* --------------------------------------------------------------- numbers */

/* Whether HDF5's and our idea of a number agree bit for bit. */
static int is_plain(hid_t type, char letter, size_t size, int swapped)
{
    collio_error none = COLLIO_ERROR_INIT;
    collio_type same = collio_type_number(letter, size, swapped, &none);
    hid_t id = same != COLLIO_TYPE_COUNT ? collio_hdf5_type(same, &none) : H5I_INVALID_HID;

    return id >= 0 && H5Tequal(id, type) > 0;
}

static int order_differs(hid_t type)
{
    return H5Tget_size(type) > 1 && H5Tget_order(type) != H5Tget_order(H5T_NATIVE_INT);
}

/* A letter says that there is a number to convert to, also where it is not plain. */
static void number_facts(hid_t type, char letter, collio_type_facts *f)
{
    f->letter = letter;
    f->swapped = order_differs(type);
    f->form = is_plain(type, letter, f->size, f->swapped) ? COLLIO_FORM_NUMBER : COLLIO_FORM_OTHER;
}

static void integer_facts(hid_t type, collio_type_facts *f)
{
    number_facts(type, H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i', f);
}

/* ----------------------------------------------------------- made of others */

static void string_facts(hid_t type, collio_type_facts *f)
{
    f->form = COLLIO_FORM_STRING;
    f->utf8 = H5Tget_cset(type) == H5T_CSET_UTF8;
    f->padding = H5Tget_strpad(type) == H5T_STR_SPACEPAD ? ' ' : 0;
}

static void enum_facts(hid_t type, collio_type_facts *f, collio_error *err)
{
    collio_type_facts base;

    if (is_plain(type, 'b', 1, 0)) {
        f->form = COLLIO_FORM_NUMBER;
        f->letter = 'b';
        return;
    }
    f->form = COLLIO_FORM_ENUM;
    f->base = base_of(type, err);
    f->count = H5Tget_nmembers(type);
    if (err->code == COLLIO_OK && collio_type_info(f->base, &base, err) == COLLIO_OK)
        f->swapped = base.swapped;
}

/* A compound that stands for a complex number is a number. */
static void compound_facts(hid_t type, collio_type_facts *f)
{
    f->form = COLLIO_FORM_COMPOUND;
    f->count = H5Tget_nmembers(type);
    for (int swapped = 0; f->count == 2 && swapped < 2; swapped++) {
        if (!is_plain(type, 'c', f->size, swapped))
            continue;
        f->form = COLLIO_FORM_NUMBER;
        f->letter = 'c';
        f->swapped = swapped;
        f->count = 0;
    }
}

static void array_facts(hid_t type, collio_type_facts *f, collio_error *err)
{
    hsize_t shape[COLLIO_MAX_DIMS];

    f->form = COLLIO_FORM_ARRAY;
    f->base = base_of(type, err);
    f->ndim = H5Tget_array_dims2(type, shape);
    collio_hdf5(f->ndim < 0, "H5Tget_array_dims2", err);
    for (int d = 0; d < f->ndim; d++)
        f->shape[d] = (int64_t)shape[d];
}

static void opaque_facts(hid_t type, collio_type_facts *f)
{
    char *tag = H5Tget_tag(type);

    f->form = COLLIO_FORM_OPAQUE;
    if (tag != NULL)
        collio_copy_text(f->tag, sizeof f->tag, tag);
    H5free_memory(tag);
}

static void facts_of(hid_t type, collio_type_facts *f, collio_error *err)
{
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        integer_facts(type, f);
        break;
    case H5T_FLOAT:
        number_facts(type, 'f', f);
        break;
    case H5T_BITFIELD: /* PyTables' booleans; see collio_bits_register() */
        f->form = COLLIO_FORM_OTHER;
        f->letter = 'u';
        f->swapped = order_differs(type);
        break;
    case H5T_STRING:
        string_facts(type, f);
        break;
    case H5T_ENUM:
        enum_facts(type, f, err);
        break;
    case H5T_COMPOUND:
        compound_facts(type, f);
        break;
    case H5T_ARRAY:
        array_facts(type, f, err);
        break;
    case H5T_OPAQUE:
        opaque_facts(type, f);
        break;
#if H5_VERSION_GE(2, 0, 0)
    case H5T_COMPLEX:
        number_facts(type, 'c', f);
        break;
#endif
    case H5T_VLEN:
        f->form = COLLIO_FORM_SEQUENCE;
        f->base = base_of(type, err);
        break;
    case H5T_REFERENCE:
        f->form = COLLIO_FORM_REFERENCE;
        break;
    default:
        f->form = COLLIO_FORM_OTHER;
    }
}

int collio_type_info(collio_type type, collio_type_facts *out, collio_error *err)
{
    collio_printing printing;
    hid_t id;

    memset(out, 0, sizeof *out);
    out->base = COLLIO_TYPE_COUNT;
    if (err->code != COLLIO_OK)
        return err->code;
    collio_hdf5_quiet(&printing);
    id = collio_hdf5_type(type, err);
    if (id >= 0) {
        out->size = H5Tget_size(id);
        out->variable = collio_type_variable(type);
        facts_of(id, out, err);
    }
    collio_hdf5_loud(&printing);
    return err->code;
}

/* --------------------------------------------------------------- members */

/* The value as a number of this machine; of unsigned types: its bits. */
static int64_t enum_value(hid_t type, int index, collio_error *err)
{
    char bytes[sizeof(int64_t)] = {0};
    hid_t base = H5Tget_super(type), to;
    int64_t value = 0;

    if (collio_hdf5(base < 0, "H5Tget_super", err) == COLLIO_OK) {
        to = H5Tget_sign(base) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
        collio_hdf5(H5Tget_size(base) > sizeof bytes ||
                        H5Tget_member_value(type, (unsigned)index, bytes) < 0 ||
                        H5Tconvert(base, to, 1, bytes, NULL, H5P_DEFAULT) < 0,
                    "H5Tget_member_value", err);
        memcpy(&value, bytes, sizeof value);
    }
    if (base >= 0)
        H5Tclose(base);
    return value;
}

static int read_member(hid_t type, int index, char **name, int64_t *value, collio_type *member,
                       collio_error *err)
{
    char *given = H5Tget_member_name(type, (unsigned)index);

    if (collio_hdf5(given == NULL, "H5Tget_member_name", err))
        return err->code;
    *name = strdup(given);
    H5free_memory(given);
    if (*name == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a text");
    if (H5Tget_class(type) == H5T_ENUM) {
        *value = enum_value(type, index, err);
    } else {
        *value = (int64_t)H5Tget_member_offset(type, (unsigned)index);
        if (member != NULL)
            *member = collio_type_take(H5Tget_member_type(type, (unsigned)index), err);
    }
    if (err->code != COLLIO_OK)
        collio_text_free(name);
    return err->code;
}

int collio_type_member(collio_type type, int index, char **name, int64_t *value,
                       collio_type *member, collio_error *err)
{
    collio_printing printing;
    H5T_class_t class;
    hid_t id;

    *name = NULL;
    *value = 0;
    if (member != NULL)
        *member = COLLIO_TYPE_COUNT;
    if (err->code != COLLIO_OK)
        return err->code;
    collio_hdf5_quiet(&printing);
    id = collio_hdf5_type(type, err);
    class = id >= 0 ? H5Tget_class(id) : H5T_NO_CLASS;
    if (id >= 0 &&
        ((class != H5T_ENUM && class != H5T_COMPOUND) || index < 0 || index >= H5Tget_nmembers(id)))
        collio_error_set(err, COLLIO_ERR_VALUE, "%s has no member %d", collio_type_name(type),
                         index);
    if (err->code == COLLIO_OK)
        read_member(id, index, name, value, member, err);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_type_reclaim(collio_type type, void *elements, int64_t count, collio_error *err)
{
    hid_t id, space = H5I_INVALID_HID;
    collio_printing printing;

    if (count == 0 || !collio_type_variable(type))
        return err->code;
    collio_hdf5_quiet(&printing);
    id = collio_hdf5_type(type, err);
    if (id >= 0 && collio_hdf5_space(1, &count, &space, err) == COLLIO_OK) {
        collio_hdf5(H5Dvlen_reclaim(id, space, H5P_DEFAULT, elements) < 0, "H5Dvlen_reclaim", err);
        H5Sclose(space);
    }
    collio_hdf5_loud(&printing);
    return err->code;
}
