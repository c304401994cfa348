/* Elements of two files side by side. */
#include "compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)32 << 20) /* bytes of a file that are in memory at a time, if rows allow */

/* A dataset or an attribute in both files. */
typedef struct pair {
    const comparison *c;
    const char *path, *attribute; /* attribute: NULL for a dataset */
    hid_t id[2], type[2], space[2];
} pair;

/* How elements are compared. */
typedef enum how { AS_INT, AS_UINT, AS_REAL, AS_COMPLEX, AS_TEXT, AS_BYTES, NOT_AT_ALL } how;

/* What was found so far. */
typedef struct finding {
    long long count, first; /* of differing elements; row-major index of the first */
    double largest;
} finding;

static int report(const pair *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int report(const pair *p, const char *format, ...)
{
    va_list args;

    if (p->c->quiet)
        return 1;
    printf("%s%s%s: ", p->path, p->attribute != NULL ? "@" : "",
           p->attribute != NULL ? p->attribute : "");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    return 1;
}

/* ------------------------------------------------------------------- in memory */

static int is_complex(hid_t type)
{
    char text[TREE_TEXT];

    tree_type_text(type, text);
    return strspn(text, "<>c0123456789") == strlen(text) && strchr(text, 'c') != NULL;
}

static how how_of(hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return H5Tget_sign(type) == H5T_SGN_NONE ? AS_UINT : AS_INT;
    case H5T_ENUM:
        return AS_INT;
    case H5T_FLOAT:
        return AS_REAL;
    case H5T_STRING:
        return H5Tis_variable_str(type) > 0 ? AS_TEXT : AS_BYTES;
    case H5T_COMPOUND:
        if (is_complex(type))
            return AS_COMPLEX;
        break;
    default:
        break;
    }
    return H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tdetect_class(type, H5T_REFERENCE) > 0 ||
                   H5Tdetect_class(type, H5T_STRING) > 0
               ? NOT_AT_ALL
               : AS_BYTES;
}

/* The type in which elements of both files are read; close it. */
static hid_t memory_type(how h, hid_t type)
{
    hid_t made;

    switch (h) {
    case AS_INT:
        return H5Tget_class(type) == H5T_ENUM ? H5Tget_native_type(type, H5T_DIR_DEFAULT)
                                              : H5Tcopy(H5T_NATIVE_INT64);
    case AS_UINT:
        return H5Tcopy(H5T_NATIVE_UINT64);
    case AS_REAL:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case AS_COMPLEX:
        made = H5Tcreate(H5T_COMPOUND, 2 * sizeof(double));
        H5Tinsert(made, "r", 0, H5T_NATIVE_DOUBLE);
        H5Tinsert(made, "i", sizeof(double), H5T_NATIVE_DOUBLE);
        return made;
    default:
        return H5Tcopy(type);
    }
}

/* ------------------------------------------------------------------- comparing */

static int same_real(const comparison *c, double a, double b, double *distance)
{
    *distance = fabs(a - b);
    return a == b || (isnan(a) && isnan(b)) || *distance <= c->absolute + c->relative * fabs(b);
}

/* The distance is that of the integers, not of doubles near them. */
static int same_integer(const comparison *c, const char *a, const char *b, int is_unsigned,
                        double *distance)
{
    uint64_t x, y;
    int less;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    less = is_unsigned ? x < y : (int64_t)x < (int64_t)y;
    *distance = (double)(less ? y - x : x - y);
    return *distance <=
           c->absolute + c->relative * (is_unsigned ? (double)y : fabs((double)(int64_t)y));
}

static int same_text(const char *a, const char *b)
{
    const char *x, *y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return strcmp(x != NULL ? x : "", y != NULL ? y : "") == 0;
}

static int same_element(const comparison *c, how h, const char *a, const char *b, size_t size,
                        double *distance)
{
    double x[2], y[2];

    *distance = 0;
    if (memcmp(a, b, size) == 0)
        return 1;
    switch (h) {
    case AS_INT:
    case AS_UINT:
        return size == sizeof(int64_t) && same_integer(c, a, b, h == AS_UINT, distance);
    case AS_REAL:
    case AS_COMPLEX:
        memcpy(x, a, size);
        memcpy(y, b, size);
        return same_real(c, x[0], y[0], distance) &&
               (h == AS_REAL || same_real(c, x[1], y[1], distance));
    case AS_TEXT:
        return same_text(a, b);
    default:
        return 0;
    }
}

static void compare_elements(const comparison *c, how h, char *const values[2], size_t size,
                             long long count, long long first, finding *f)
{
    for (long long i = 0; i < count; i++) {
        size_t at = (size_t)i * size;
        double distance;

        if (same_element(c, h, values[0] + at, values[1] + at, size, &distance))
            continue;
        if (f->count++ == 0)
            f->first = first + i;
        if (distance > f->largest)
            f->largest = distance;
    }
}

/* Read `count` elements from row-major index `first` on, whole rows of the first dimension. */
static int read_rows(const pair *p, int side, hid_t memory, hsize_t row, hsize_t rows, char *values)
{
    hsize_t extents[H5S_MAX_RANK], start[H5S_MAX_RANK] = {0};
    int ndim = H5Sget_simple_extent_dims(p->space[side], extents, NULL), failed;
    hid_t space;

    if (p->attribute != NULL)
        return H5Aread(p->id[side], memory, values) < 0 ? -1 : 0;
    if (ndim == 0)
        return H5Dread(p->id[side], memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ? -1 : 0;
    start[0] = row;
    extents[0] = rows;
    space = H5Screate_simple(ndim, extents, NULL);
    failed = H5Sselect_hyperslab(p->space[side], H5S_SELECT_SET, start, NULL, extents, NULL) < 0 ||
             H5Dread(p->id[side], memory, space, p->space[side], H5P_DEFAULT, values) < 0;
    H5Sclose(space);
    return failed ? -1 : 0;
}

/* One block of rows in both files. -1 if it cannot be read. */
static int compare_block(const pair *p, how h, hid_t memory, hsize_t row, hsize_t rows,
                         hsize_t row_size, finding *f)
{
    size_t size = H5Tget_size(memory), count = (size_t)(rows * row_size);
    char *values[2] = {calloc(count, size), calloc(count, size)};
    int result = values[0] == NULL || values[1] == NULL ? -1 : 0;

    for (int i = 0; i < 2 && result == 0; i++)
        result = read_rows(p, i, memory, row, rows, values[i]);
    if (result == 0)
        compare_elements(p->c, h, values, size, (long long)count, (long long)(row * row_size), f);
    free(values[0]);
    free(values[1]);
    return result;
}

static int compare_values(const pair *p, how h)
{
    hsize_t extents[H5S_MAX_RANK] = {1}, row_size = 1, rows, step;
    int ndim = H5Sget_simple_extent_dims(p->space[0], extents, NULL), result = 0;
    hid_t memory = memory_type(h, p->type[0]);
    finding f = {0, 0, 0};

    rows = ndim > 0 ? extents[0] : 1;
    for (int d = 1; d < ndim; d++)
        row_size *= extents[d];
    step = BLOCK / H5Tget_size(memory) / (row_size > 0 ? row_size : 1);
    step = step == 0 ? 1 : step;
    if (p->attribute != NULL)
        step = rows > 0 ? rows : 1;
    for (hsize_t row = 0; row < rows && row_size > 0 && result == 0; row += step)
        result =
            compare_block(p, h, memory, row, step < rows - row ? step : rows - row, row_size, &f);
    H5Tclose(memory);
    if (result < 0)
        return report(p, "cannot be read");
    if (f.count == 0)
        return 0;
    if (h <= AS_COMPLEX)
        return report(p, "%lld elements differ, the first at index %lld (row-major), by up to %.6g",
                      f.count, f.first, f.largest);
    return report(p, "%lld elements differ, the first at index %lld (row-major)", f.count, f.first);
}

/* ----------------------------------------------------------------------- pairs */

static int compare_pair(const pair *p)
{
    char text[2][TREE_TEXT];
    how h = how_of(p->type[0]);

    for (int i = 0; i < 2; i++)
        tree_shape_text(p->space[i], 0, text[i]);
    if (strcmp(text[0], text[1]) != 0)
        return report(p, "shapes %s and %s", text[0], text[1]);
    for (int i = 0; i < 2; i++)
        tree_type_text(p->type[i], text[i]);
    if (strcmp(text[0], text[1]) != 0)
        return report(p, "types %s and %s", text[0], text[1]);
    if (H5Sget_simple_extent_type(p->space[0]) == H5S_NULL)
        return 0;
    if (h == NOT_AT_ALL)
        return report(p, "elements of type %s cannot be compared", text[0]);
    return compare_values(p, h);
}

static void close_pair(pair *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->space[i] >= 0)
            H5Sclose(p->space[i]);
        if (p->type[i] >= 0)
            H5Tclose(p->type[i]);
    }
}

int compare_datasets(const comparison *c, const hid_t file[2], const char *path)
{
    pair p = {c, path, NULL, {-1, -1}, {-1, -1}, {-1, -1}};
    int good = 1, differences;

    for (int i = 0; i < 2; i++) {
        p.id[i] = H5Dopen2(file[i], path, H5P_DEFAULT);
        p.type[i] = p.id[i] < 0 ? -1 : H5Dget_type(p.id[i]);
        p.space[i] = p.id[i] < 0 ? -1 : H5Dget_space(p.id[i]);
        good = good && p.type[i] >= 0 && p.space[i] >= 0;
    }
    differences = good ? compare_pair(&p) : report(&p, "cannot be opened");
    close_pair(&p);
    for (int i = 0; i < 2; i++)
        if (p.id[i] >= 0)
            H5Dclose(p.id[i]);
    return differences;
}

/* The two objects of one name, whose attributes are compared. */
typedef struct objects {
    const comparison *c;
    const char *path;
    hid_t id[2];
    int side; /* whose attributes are listed */
    int differences;
} objects;

static int compare_attribute(objects *o, const char *name)
{
    pair p = {o->c, o->path, name, {-1, -1}, {-1, -1}, {-1, -1}};
    int good = 1, differences;

    for (int i = 0; i < 2; i++) {
        p.id[i] = H5Aopen(o->id[i], name, H5P_DEFAULT);
        p.type[i] = p.id[i] < 0 ? -1 : H5Aget_type(p.id[i]);
        p.space[i] = p.id[i] < 0 ? -1 : H5Aget_space(p.id[i]);
        good = good && p.type[i] >= 0 && p.space[i] >= 0;
    }
    differences = good ? compare_pair(&p) : report(&p, "cannot be opened");
    close_pair(&p);
    for (int i = 0; i < 2; i++)
        if (p.id[i] >= 0)
            H5Aclose(p.id[i]);
    return differences;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    objects *o = context;
    pair p = {.c = o->c, .path = o->path, .attribute = name};

    (void)object;
    (void)info;
    if (H5Aexists(o->id[!o->side], name) <= 0)
        o->differences += report(&p, "only in the %s file", o->side == 0 ? "first" : "second");
    else if (o->side == 0)
        o->differences += compare_attribute(o, name);
    return 0;
}

int compare_attributes(const comparison *c, const hid_t file[2], const char *path)
{
    objects o = {
        c, path, {H5Oopen(file[0], path, H5P_DEFAULT), H5Oopen(file[1], path, H5P_DEFAULT)}, 0, 0};

    for (o.side = 0; o.side < 2 && o.id[0] >= 0 && o.id[1] >= 0; o.side++) {
        hsize_t at = 0;
        H5Aiterate2(o.id[o.side], H5_INDEX_NAME, H5_ITER_INC, &at, visit_attribute, &o);
    }
    for (int i = 0; i < 2; i++)
        if (o.id[i] >= 0)
            H5Oclose(o.id[i]);
    return o.differences;
}
