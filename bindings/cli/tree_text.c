/* Types, shapes and values of HDF5 as short texts. */
#include "tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text that grows up to its size; what has no room is left out. */
typedef struct line {
    char *text;
    size_t size, used;
} line;

static void put(line *l, const char *text)
{
    size_t room = l->size - l->used, length = strlen(text);

    if (length >= room)
        length = room > 0 ? room - 1 : 0;
    memcpy(l->text + l->used, text, length);
    l->used += length;
    l->text[l->used] = '\0';
}

static void put_number(line *l, long long number)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", number);
    put(l, text);
}

/* ------------------------------------------------------------------------ types */

static void put_type(line *l, hid_t type);

static void put_simple(line *l, hid_t type, char letter)
{
    size_t size = H5Tget_size(type);

    if (size > 1 && H5Tget_order(type) != H5Tget_order(H5T_NATIVE_INT))
        put(l, H5Tget_order(type) == H5T_ORDER_BE ? ">" : "<");
    put(l, (char[]){letter, '\0'});
    put_number(l, (long long)size);
}

static void put_super(line *l, hid_t type)
{
    hid_t base = H5Tget_super(type);

    put_type(l, base);
    if (base >= 0)
        H5Tclose(base);
}

static void put_member_name(line *l, hid_t type, int i)
{
    char *name = H5Tget_member_name(type, (unsigned)i);

    put(l, name != NULL ? name : "?");
    H5free_memory(name);
}

static int member_is(hid_t type, int i, const char *wanted)
{
    char *name = H5Tget_member_name(type, (unsigned)i);
    int same = name != NULL && strcmp(name, wanted) == 0;

    H5free_memory(name);
    return same;
}

static void put_compound(line *l, hid_t type)
{
    int count = H5Tget_nmembers(type);

    if (count == 2 && member_is(type, 0, "r") && member_is(type, 1, "i")) {
        put_simple(l, type, 'c');
        return;
    }
    put(l, "{");
    for (int i = 0; i < count; i++) {
        hid_t member = H5Tget_member_type(type, (unsigned)i);
        put(l, i > 0 ? ", " : "");
        put_member_name(l, type, i);
        put(l, ": ");
        put_type(l, member);
        if (member >= 0)
            H5Tclose(member);
    }
    put(l, "}");
}

static void put_enum(line *l, hid_t type)
{
    int count = H5Tget_nmembers(type);

    if (count == 2 && member_is(type, 0, "FALSE") && member_is(type, 1, "TRUE")) {
        put(l, "bool");
        return;
    }
    put(l, "enum ");
    put_super(l, type);
    put(l, " {");
    for (int i = 0; i < count; i++) {
        put(l, i > 0 ? ", " : "");
        put_member_name(l, type, i);
    }
    put(l, "}");
}

static void put_array(line *l, hid_t type)
{
    hsize_t extents[H5S_MAX_RANK];
    char text[TREE_TEXT];

    tree_extents_text(H5Tget_array_dims2(type, extents), extents, text);
    put(l, text);
    put(l, " ");
    put_super(l, type);
}

static void put_string(line *l, hid_t type)
{
    int variable = H5Tis_variable_str(type) > 0;

    put(l, variable ? "str" : "S");
    if (!variable)
        put_number(l, (long long)H5Tget_size(type));
    put(l, H5Tget_cset(type) == H5T_CSET_UTF8 ? " utf-8" : " ascii");
}

static void put_type(line *l, hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        put_simple(l, type, H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i');
        break;
    case H5T_FLOAT:
        put_simple(l, type, 'f');
        break;
    case H5T_BITFIELD:
        put_simple(l, type, 'b');
        break;
    case H5T_STRING:
        put_string(l, type);
        break;
    case H5T_COMPOUND:
        put_compound(l, type);
        break;
    case H5T_ENUM:
        put_enum(l, type);
        break;
    case H5T_ARRAY:
        put_array(l, type);
        break;
    case H5T_VLEN:
        put(l, "sequence of ");
        put_super(l, type);
        break;
    case H5T_OPAQUE:
        put_simple(l, type, 'V');
        break;
    case H5T_REFERENCE:
        put(l, "reference");
        break;
    default:
        put(l, "?");
    }
}

void tree_type_text(hid_t type, char text[TREE_TEXT])
{
    line l = {text, TREE_TEXT, 0};

    text[0] = '\0';
    put_type(&l, type);
}

/* ----------------------------------------------------------------------- shapes */

void tree_extents_text(int ndim, const hsize_t *extents, char text[TREE_TEXT])
{
    line l = {text, TREE_TEXT, 0};

    put(&l, "(");
    for (int d = 0; d < ndim; d++) {
        put(&l, d > 0 ? ", " : "");
        if (extents[d] == H5S_UNLIMITED)
            put(&l, "None");
        else
            put_number(&l, (long long)extents[d]);
    }
    put(&l, ndim == 1 ? ",)" : ")");
}

void tree_shape_text(hid_t space, int maximum, char text[TREE_TEXT])
{
    hsize_t extents[H5S_MAX_RANK], largest[H5S_MAX_RANK];
    int ndim = H5Sget_simple_extent_dims(space, extents, largest);

    if (H5Sget_simple_extent_type(space) == H5S_NULL)
        snprintf(text, TREE_TEXT, "null");
    else
        tree_extents_text(ndim > 0 ? ndim : 0, maximum ? largest : extents, text);
}

/* ----------------------------------------------------------------------- values */

#define SHOWN 8 /* elements, and of texts characters times ten */

static void put_real(line *l, double value)
{
    char text[40];

    snprintf(text, sizeof text, "%.15g", value);
    put(l, text);
}

static void put_text(line *l, const char *text, size_t size)
{
    char copy[10 * SHOWN + 8];
    size_t length = text != NULL ? strnlen(text, size) : 0;
    int cut = length > 10 * SHOWN;

    snprintf(copy, sizeof copy, "\"%.*s\"%s", cut ? 10 * SHOWN : (int)length,
             text != NULL ? text : "", cut ? "..." : "");
    put(l, copy);
}

/* Read everything in a type of memory; NULL if that fails. free() it. */
static char *read_all(hid_t attribute, hid_t memory, hssize_t count)
{
    size_t size = H5Tget_size(memory);
    char *values = NULL;

    if (count > 0 && size > 0 && (size_t)count < ((size_t)1 << 30) / size)
        values = calloc((size_t)count, size);
    if (values != NULL && H5Aread(attribute, memory, values) < 0) {
        free(values);
        values = NULL;
    }
    return values;
}

/* Strings of a variable length: HDF5's memory is not freed, the program ends soon. */
static int put_strings(line *l, hid_t attribute, hid_t type, hssize_t count)
{
    char *values = read_all(attribute, type, count), *text;
    size_t size = H5Tget_size(type);
    int variable = H5Tis_variable_str(type) > 0;

    for (hssize_t i = 0; values != NULL && i < count && i < SHOWN; i++) {
        put(l, i > 0 ? ", " : "");
        text = values + (size_t)i * size;
        if (variable)
            memcpy(&text, values + (size_t)i * size, sizeof text);
        put_text(l, text, variable ? 4096 : size);
    }
    free(values);
    return values != NULL;
}

static int put_integers(line *l, hid_t attribute, int is_unsigned, hssize_t count)
{
    char *values = read_all(attribute, is_unsigned ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64, count);
    char text[32];
    int64_t value;

    for (hssize_t i = 0; values != NULL && i < count && i < SHOWN; i++) {
        put(l, i > 0 ? ", " : "");
        memcpy(&value, values + (size_t)i * sizeof value, sizeof value);
        snprintf(text, sizeof text, is_unsigned ? "%" PRIu64 : "%" PRId64, value);
        put(l, text);
    }
    free(values);
    return values != NULL;
}

static int put_reals(line *l, hid_t attribute, hssize_t count)
{
    double *values = (double *)(void *)read_all(attribute, H5T_NATIVE_DOUBLE, count);

    for (hssize_t i = 0; values != NULL && i < count && i < SHOWN; i++) {
        put(l, i > 0 ? ", " : "");
        put_real(l, values[i]);
    }
    free(values);
    return values != NULL;
}

void tree_value_text(hid_t attribute, char *text, size_t size)
{
    line l = {text, size, 0};
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
    H5T_class_t class = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
    int is_array = space >= 0 && H5Sget_simple_extent_ndims(space) > 0, shown = 0;

    text[0] = '\0';
    put(&l, is_array ? "[" : "");
    if (class == H5T_STRING)
        shown = put_strings(&l, attribute, type, count);
    else if (class == H5T_INTEGER)
        shown = put_integers(&l, attribute, H5Tget_sign(type) == H5T_SGN_NONE, count);
    else if (class == H5T_ENUM)
        shown = put_integers(&l, attribute, 0, count);
    else if (class == H5T_FLOAT)
        shown = put_reals(&l, attribute, count);
    if (count > 0 && (!shown || count > SHOWN))
        put(&l, shown ? ", ..." : "...");
    put(&l, is_array ? "]" : "");
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
}
