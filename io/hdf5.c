/* The only judge of HDF5 results, and element types as HDF5 knows them. */
#include "type.h"
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- results */

/* What HDF5 says about a failure: the outermost line and the innermost. */
typedef struct words {
    char inner[256], outer[256];
} words;

static herr_t collect(unsigned n, const H5E_error2_t *line, void *context)
{
    words *w = context;

    snprintf(n == 0 ? w->inner : w->outer, sizeof w->inner, "%s", line->desc ? line->desc : "");
    return 0;
}

/* Whether the first failure of the call that goes on was HDF5's own decision. */
static int refused;

int collio_hdf5_refused(void)
{
    return refused;
}

int collio_hdf5(int failed, const char *call, collio_error *err)
{
    words w = {"", ""};
    int first = err->code == COLLIO_OK;

    if (collio_fault_due())
        return collio_error_set(err, COLLIO_ERR_HDF5, "%s: injected fault", call);
    if (!failed)
        return COLLIO_OK;
    if (collio_driver_error(err) == COLLIO_OK) {
        refused = refused || first;
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &w);
        if (w.outer[0] != '\0')
            collio_error_set(err, COLLIO_ERR_HDF5, "%s: %s (%s)", call, w.outer, w.inner);
        else
            collio_error_set(err, COLLIO_ERR_HDF5, "%s: %s", call, w.inner[0] ? w.inner : "failed");
    }
    return err->code;
}

/* Whether HDF5 has a file that it could not close. */
static int left;

void collio_hdf5_left(void)
{
    left = 1;
}

static void end(void)
{
    if (!left)
        H5close();
}

/* Instead of HDF5's own handler, which would close such a file again. */
__attribute__((constructor)) static void take_over_the_end(void)
{
    if (H5dont_atexit() >= 0)
        atexit(end);
}

void collio_hdf5_quiet(collio_printing *before)
{
    H5Eget_auto2(H5E_DEFAULT, &before->function, &before->data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_driver_forget();
    refused = 0;
}

void collio_hdf5_loud(const collio_printing *before)
{
    H5Eset_auto2(H5E_DEFAULT, before->function, before->data);
}

void collio_file_versions(unsigned used[3], unsigned built[3])
{
    H5get_libversion(&used[0], &used[1], &used[2]);
    built[0] = H5_VERS_MAJOR;
    built[1] = H5_VERS_MINOR;
    built[2] = H5_VERS_RELEASE;
}

uint64_t collio_hdf5_version(void)
{
    unsigned major = 0, minor = 0, release = 0;

    H5get_libversion(&major, &minor, &release);
    return ((uint64_t)major * 1000 + minor) * 1000 + release;
}

/* ----------------------------------------------------- element types, out */

/* Names of the parts of complex numbers, and of False and True. */
static char pair_names[4][COLLIO_PAIR_NAME] = {"r", "i", "FALSE", "TRUE"};
static int types_are_stale;

const char *collio_pair_name(int which)
{
    return pair_names[which];
}

int collio_type_name_pairs(const char *const names[4], collio_error *err)
{
    for (int i = 0; i < 4; i++)
        if (names[i] == NULL || names[i][0] == '\0' || strlen(names[i]) >= sizeof pair_names[i])
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "a name of 1 to %zu bytes is needed for parts of complex "
                                    "numbers and for truth values",
                                    sizeof pair_names[i] - 1);
    for (int i = 0; i < 4; i++)
        memcpy(pair_names[i], names[i], strlen(names[i]) + 1);
    types_are_stale = 1;
    return COLLIO_OK;
}

static hid_t make_bool(collio_error *err)
{
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    int8_t no = 0, yes = 1;

    if (collio_hdf5(type < 0, "H5Tenum_create", err) == COLLIO_OK &&
        collio_hdf5(H5Tenum_insert(type, pair_names[2], &no) < 0, "H5Tenum_insert", err) ==
            COLLIO_OK &&
        collio_hdf5(H5Tenum_insert(type, pair_names[3], &yes) < 0, "H5Tenum_insert", err) ==
            COLLIO_OK)
        return type;
    if (type >= 0)
        H5Tclose(type);
    return H5I_INVALID_HID;
}

static hid_t make_complex(hid_t part, size_t size, collio_error *err)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, 2 * size);

    if (collio_hdf5(type < 0, "H5Tcreate", err) == COLLIO_OK &&
        collio_hdf5(H5Tinsert(type, pair_names[0], 0, part) < 0, "H5Tinsert", err) == COLLIO_OK &&
        collio_hdf5(H5Tinsert(type, pair_names[1], size, part) < 0, "H5Tinsert", err) == COLLIO_OK)
        return type;
    if (type >= 0)
        H5Tclose(type);
    return H5I_INVALID_HID;
}

static hid_t native_type(collio_type type)
{
    switch (type) {
    case COLLIO_INT8:
        return H5T_NATIVE_INT8;
    case COLLIO_INT16:
        return H5T_NATIVE_INT16;
    case COLLIO_INT32:
        return H5T_NATIVE_INT32;
    case COLLIO_INT64:
        return H5T_NATIVE_INT64;
    case COLLIO_UINT8:
        return H5T_NATIVE_UINT8;
    case COLLIO_UINT16:
        return H5T_NATIVE_UINT16;
    case COLLIO_UINT32:
        return H5T_NATIVE_UINT32;
    case COLLIO_UINT64:
        return H5T_NATIVE_UINT64;
    case COLLIO_FLOAT32:
        return H5T_NATIVE_FLOAT;
    case COLLIO_FLOAT64:
        return H5T_NATIVE_DOUBLE;
    default:
        return H5I_INVALID_HID;
    }
}

/* IEEE 754 binary16, as h5py makes it; HDF5 has it since 2.0 only. */
static hid_t make_half(collio_error *err)
{
    hid_t type = H5Tcopy(H5T_NATIVE_FLOAT);

    if (collio_hdf5(type < 0, "H5Tcopy", err) == COLLIO_OK &&
        collio_hdf5(H5Tset_fields(type, 15, 10, 5, 0, 10) < 0, "H5Tset_fields", err) == COLLIO_OK &&
        collio_hdf5(H5Tset_size(type, 2) < 0, "H5Tset_size", err) == COLLIO_OK &&
        collio_hdf5(H5Tset_ebias(type, 15) < 0, "H5Tset_ebias", err) == COLLIO_OK)
        return type;
    if (type >= 0)
        H5Tclose(type);
    return H5I_INVALID_HID;
}

/* Types that HDF5 has no constant for; kept for the life of the process. */
static hid_t make_type(collio_type type, collio_error *err)
{
    switch (type) {
    case COLLIO_BOOL:
        return make_bool(err);
    case COLLIO_FLOAT16:
        return make_half(err);
    case COLLIO_COMPLEX64:
        return make_complex(H5T_NATIVE_FLOAT, sizeof(float), err);
    default:
        return make_complex(H5T_NATIVE_DOUBLE, sizeof(double), err);
    }
}

hid_t collio_hdf5_type(collio_type type, collio_error *err)
{
    static hid_t made[COLLIO_TYPE_COUNT]; /* 0 is never an id */

    if (collio_type_size(type) == 0) {
        collio_error_set(err, COLLIO_ERR_TYPE, "unknown element type %d", (int)type);
        return H5I_INVALID_HID;
    }
    if (type > COLLIO_TYPE_COUNT)
        return collio_type_hdf5_added(type);
    if (native_type(type) >= 0)
        return native_type(type);
    if (types_are_stale) { /* the old ones stay open: they may be in use */
        memset(made, 0, sizeof made);
        types_are_stale = 0;
    }
    if (made[type] <= 0 || H5Iis_valid(made[type]) <= 0)
        made[type] = make_type(type, err);
    return made[type];
}

/* ------------------------------------------------------ element types, in */

static int is_swapped(hid_t type)
{
    return H5Tget_size(type) > 1 && H5Tget_order(type) != H5Tget_order(H5T_NATIVE_INT);
}

/* COLLIO_TYPE_COUNT where there is none. */
static collio_type integer_of(size_t size, int is_signed)
{
    switch (size) {
    case 1:
        return is_signed ? COLLIO_INT8 : COLLIO_UINT8;
    case 2:
        return is_signed ? COLLIO_INT16 : COLLIO_UINT16;
    case 4:
        return is_signed ? COLLIO_INT32 : COLLIO_UINT32;
    case 8:
        return is_signed ? COLLIO_INT64 : COLLIO_UINT64;
    default:
        return COLLIO_TYPE_COUNT;
    }
}

/* Of the formats of 16 bits only binary16: not bfloat16, whose exponent is longer. */
static int is_half(hid_t type)
{
    size_t sign, exponent, exponent_size, mantissa, mantissa_size;

    return H5Tget_size(type) == 2 &&
           H5Tget_fields(type, &sign, &exponent, &exponent_size, &mantissa, &mantissa_size) >= 0 &&
           exponent_size == 5 && mantissa_size == 10;
}

static collio_type number_of(hid_t type, int *swapped)
{
    size_t size = H5Tget_size(type);
    H5T_class_t class = H5Tget_class(type);

    *swapped = is_swapped(type);
    if (class == H5T_INTEGER)
        return integer_of(size, H5Tget_sign(type) == H5T_SGN_2);
    if (class == H5T_FLOAT && is_half(type))
        return COLLIO_FLOAT16;
    if (class == H5T_FLOAT && size == sizeof(float))
        return COLLIO_FLOAT32;
    if (class == H5T_FLOAT && size == sizeof(double))
        return COLLIO_FLOAT64;
    return COLLIO_TYPE_COUNT;
}

/* Whether a member of an enumeration or compound has this name. */
static int member_is(hid_t type, unsigned n, const char *name)
{
    char *given = H5Tget_member_name(type, n);
    int same = given != NULL && strcmp(given, name) == 0;

    H5free_memory(given);
    return same;
}

/* Bool, or the integer that an enumeration is made of. */
static collio_type enumeration_of(hid_t type, int *swapped)
{
    hid_t base = H5Tget_super(type);
    collio_type out = base >= 0 ? number_of(base, swapped) : COLLIO_TYPE_COUNT;

    if (out == COLLIO_INT8 && H5Tget_nmembers(type) == 2 && member_is(type, 0, pair_names[2]) &&
        member_is(type, 1, pair_names[3]))
        out = COLLIO_BOOL;
    if (base >= 0)
        H5Tclose(base);
    return out;
}

static collio_type compound_of(hid_t type, int *swapped)
{
    collio_type part = COLLIO_TYPE_COUNT, other = COLLIO_TYPE_COUNT;
    hid_t r, i;

    if (H5Tget_nmembers(type) != 2 || !member_is(type, 0, pair_names[0]) ||
        !member_is(type, 1, pair_names[1]))
        return COLLIO_TYPE_COUNT;
    r = H5Tget_member_type(type, 0);
    i = H5Tget_member_type(type, 1);
    if (r >= 0 && i >= 0) {
        other = number_of(i, swapped);
        part = number_of(r, swapped);
    }
    if (r >= 0)
        H5Tclose(r);
    if (i >= 0)
        H5Tclose(i);
    if (part == COLLIO_FLOAT32 && other == part)
        return COLLIO_COMPLEX64;
    return part == COLLIO_FLOAT64 && other == part ? COLLIO_COMPLEX128 : COLLIO_TYPE_COUNT;
}

int collio_hdf5_type_of(hid_t type, collio_type *out, int *swapped, collio_error *err)
{
    *swapped = 0;
    switch (H5Tget_class(type)) {
    case H5T_ENUM:
        *out = enumeration_of(type, swapped);
        break;
    case H5T_COMPOUND:
        *out = compound_of(type, swapped);
        break;
#if H5_VERSION_GE(2, 0, 0)
    case H5T_COMPLEX:
        *swapped = is_swapped(type);
        *out = H5Tget_size(type) == 2 * sizeof(float)    ? COLLIO_COMPLEX64
               : H5Tget_size(type) == 2 * sizeof(double) ? COLLIO_COMPLEX128
                                                         : COLLIO_TYPE_COUNT;
        break;
#endif
    default:
        *out = number_of(type, swapped);
    }
    if (*out == COLLIO_TYPE_COUNT)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "the elements are none of the numeric types that collio reads");
    return COLLIO_OK;
}

/* ------------------------------------------------------------ dataspaces */

int collio_hdf5_space(int ndim, const int64_t *shape, hid_t *out, collio_error *err)
{
    hsize_t extents[COLLIO_MAX_DIMS];

    for (int d = 0; d < ndim; d++)
        extents[d] = (hsize_t)shape[d];
    *out = ndim == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(ndim, extents, NULL);
    return collio_hdf5(*out < 0, "H5Screate", err);
}
