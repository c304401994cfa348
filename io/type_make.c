/* Make element types. */
#include "type.h"

#include <stdlib.h>
#include <string.h>

/* A type under way: HDF5 is quiet, and an error that was there before is kept. */
typedef struct making {
    collio_printing printing;
    hid_t id;
} making;

static int start(making *m, collio_error *err)
{
    m->id = H5I_INVALID_HID;
    collio_hdf5_quiet(&m->printing);
    return err->code;
}

static collio_type finish(making *m, collio_error *err)
{
    collio_type type = COLLIO_TYPE_COUNT;

    if (err->code == COLLIO_OK)
        type = collio_type_take(m->id, err);
    else if (m->id >= 0)
        H5Tclose(m->id);
    collio_hdf5_loud(&m->printing);
    return type;
}

/* Start from a type that HDF5 has. */
static int copy(making *m, hid_t from, collio_error *err)
{
    m->id = H5Tcopy(from);
    return collio_hdf5(m->id < 0, "H5Tcopy", err);
}

/* The HDF5 type of an argument; an unknown one is an error. */
static hid_t part(collio_type type, collio_error *err)
{
    return err->code == COLLIO_OK ? collio_hdf5_type(type, err) : H5I_INVALID_HID;
}

/* ---------------------------------------------------------------- numbers */

/* A number that is no complex one, in the order of this machine. */
static int copy_real(making *m, char letter, size_t size, collio_error *err)
{
    char name[8] = {letter, (char)('0' + size), '\0'};
    collio_type type = size < 10 ? collio_type_from_name(name) : COLLIO_TYPE_COUNT;

    if (type != COLLIO_TYPE_COUNT && letter != 'c')
        return copy(m, collio_hdf5_type(type, err), err);
    if (letter == 'f' && size == sizeof(long double))
        return copy(m, H5T_NATIVE_LDOUBLE, err);
    return collio_error_set(err, COLLIO_ERR_VALUE, "there is no number '%c' of %zu bytes", letter,
                            size);
}

static int swap(hid_t type, collio_error *err)
{
    H5T_order_t order = H5Tget_order(H5T_NATIVE_INT) == H5T_ORDER_LE ? H5T_ORDER_BE : H5T_ORDER_LE;

    return collio_hdf5(H5Tset_order(type, order) < 0, "H5Tset_order", err);
}

/* Two equal parts, named as h5py names them. */
static int make_pair(making *m, size_t size, hid_t real, collio_error *err)
{
    m->id = H5Tcreate(H5T_COMPOUND, size);
    if (collio_hdf5(m->id < 0, "H5Tcreate", err) == COLLIO_OK &&
        collio_hdf5(H5Tinsert(m->id, collio_pair_name(0), 0, real) < 0, "H5Tinsert", err) ==
            COLLIO_OK)
        collio_hdf5(H5Tinsert(m->id, collio_pair_name(1), size / 2, real) < 0, "H5Tinsert", err);
    return err->code;
}

static int make_complex(making *m, size_t size, int swapped, collio_error *err)
{
    making real = {.id = H5I_INVALID_HID};

    if (copy_real(&real, 'f', size / 2, err) == COLLIO_OK &&
        (!swapped || swap(real.id, err) == COLLIO_OK))
        make_pair(m, size, real.id, err);
    if (real.id >= 0)
        H5Tclose(real.id);
    return err->code;
}

collio_type collio_type_number(char letter, size_t size, int swapped, collio_error *err)
{
    making m;

    if (start(&m, err) == COLLIO_OK) {
        if (letter == 'c')
            make_complex(&m, size, swapped, err);
        else if (copy_real(&m, letter, size, err) == COLLIO_OK && swapped && size > 1)
            swap(m.id, err);
    }
    return finish(&m, err);
}

/* ------------------------------------------------------- strings and bytes */

static collio_type make_string(size_t size, H5T_str_t padding, int utf8, collio_error *err)
{
    making m;

    if (start(&m, err) == COLLIO_OK && copy(&m, H5T_C_S1, err) == COLLIO_OK) {
        collio_hdf5(H5Tset_size(m.id, size == 0 ? H5T_VARIABLE : size) < 0, "H5Tset_size", err);
        collio_hdf5(H5Tset_strpad(m.id, padding) < 0, "H5Tset_strpad", err);
        if (utf8)
            collio_hdf5(H5Tset_cset(m.id, H5T_CSET_UTF8) < 0, "H5Tset_cset", err);
    }
    return finish(&m, err);
}

collio_type collio_type_string(size_t size, int utf8, collio_error *err)
{
    return make_string(size, size == 0 ? H5T_STR_NULLTERM : H5T_STR_NULLPAD, utf8, err);
}

collio_type collio_type_text(size_t size, int utf8, collio_error *err)
{
    return make_string(size, H5T_STR_NULLTERM, utf8, err);
}

collio_type collio_type_opaque(size_t size, const char *tag, collio_error *err)
{
    making m;

    if (start(&m, err) == COLLIO_OK) {
        if (size == 0 || tag == NULL || strlen(tag) > 255)
            collio_error_set(err, COLLIO_ERR_VALUE,
                             "an opaque type has at least 1 byte and a tag of at most 255");
        else
            m.id = H5Tcreate(H5T_OPAQUE, size);
        if (collio_hdf5(m.id < 0, "H5Tcreate", err) == COLLIO_OK)
            collio_hdf5(H5Tset_tag(m.id, tag) < 0, "H5Tset_tag", err);
    }
    return finish(&m, err);
}

/* ------------------------------------------------------ made of other types */

/* A value of an enumeration, in the size and order of its base. */
static int insert_value(hid_t type, hid_t base, const char *name, int64_t value, collio_error *err)
{
    hid_t from = H5Tget_sign(base) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
    char bytes[sizeof value];

    memcpy(bytes, &value, sizeof value);
    if (collio_hdf5(H5Tconvert(from, base, 1, bytes, NULL, H5P_DEFAULT) < 0, "H5Tconvert", err) ==
        COLLIO_OK)
        collio_hdf5(H5Tenum_insert(type, name, bytes) < 0, "H5Tenum_insert", err);
    return err->code;
}

collio_type collio_type_enum(collio_type base, int count, const char *const *names,
                             const int64_t *values, collio_error *err)
{
    hid_t from;
    making m;

    start(&m, err);
    from = part(base, err);
    if (err->code == COLLIO_OK && H5Tget_class(from) != H5T_INTEGER)
        collio_error_set(err, COLLIO_ERR_TYPE, "an enumeration is made of integers, not of %s",
                         collio_type_name(base));
    if (err->code == COLLIO_OK) {
        m.id = H5Tenum_create(from);
        collio_hdf5(m.id < 0, "H5Tenum_create", err);
    }
    for (int i = 0; i < count && err->code == COLLIO_OK; i++)
        insert_value(m.id, from, names[i], values[i], err);
    return finish(&m, err);
}

collio_type collio_type_compound(size_t size, int count, const char *const *names,
                                 const int64_t *offsets, const collio_type *types,
                                 collio_error *err)
{
    making m;

    if (start(&m, err) == COLLIO_OK) {
        if (size == 0 || count < 1)
            collio_error_set(err, COLLIO_ERR_VALUE, "a compound has at least one member");
        else
            m.id = H5Tcreate(H5T_COMPOUND, size);
        collio_hdf5(m.id < 0, "H5Tcreate", err);
    }
    for (int i = 0; i < count && err->code == COLLIO_OK; i++) {
        hid_t member = part(types[i], err);

        if (member >= 0)
            collio_hdf5(H5Tinsert(m.id, names[i], (size_t)offsets[i], member) < 0, "H5Tinsert",
                        err);
    }
    return finish(&m, err);
}

collio_type collio_type_array(collio_type base, int ndim, const int64_t *shape, collio_error *err)
{
    hsize_t extents[COLLIO_MAX_DIMS];
    int good = ndim >= 1 && ndim <= COLLIO_MAX_DIMS;
    hid_t from;
    making m;

    start(&m, err);
    from = part(base, err);
    for (int d = 0; good && d < ndim; d++) {
        good = shape[d] >= 1;
        extents[d] = (hsize_t)shape[d];
    }
    if (!good)
        collio_error_set(err, COLLIO_ERR_VALUE,
                         "an array as an element has 1 to %d dimensions of at least 1",
                         COLLIO_MAX_DIMS);
    if (err->code == COLLIO_OK) {
        m.id = H5Tarray_create2(from, (unsigned)ndim, extents);
        collio_hdf5(m.id < 0, "H5Tarray_create2", err);
    }
    return finish(&m, err);
}

collio_type collio_type_sequence(collio_type base, collio_error *err)
{
    hid_t from;
    making m;

    start(&m, err);
    from = part(base, err);
    if (err->code == COLLIO_OK) {
        m.id = H5Tvlen_create(from);
        collio_hdf5(m.id < 0, "H5Tvlen_create", err);
    }
    return finish(&m, err);
}
