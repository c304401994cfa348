/* Element types beyond the numbers: which HDF5 type each one is. Two that are equal
 * have one number, so that comparing types is comparing numbers. */
#include "type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which collio_type_add() numbers them. */
typedef struct row {
    hid_t id;
    uint64_t digest;
    int variable;
    collio_type number;
} row;

static struct {
    row *rows;
    int count, room;
} table;

static const row *row_of(collio_type type)
{
    int at = (int)type - COLLIO_TYPE_COUNT - 1;

    return at >= 0 && at < table.count ? &table.rows[at] : NULL;
}

hid_t collio_type_hdf5_added(collio_type type)
{
    const row *r = row_of(type);

    return r != NULL ? r->id : H5I_INVALID_HID;
}

int collio_type_variable(collio_type type)
{
    const row *r = row_of(type);

    return r != NULL && r->variable;
}

/* ------------------------------------------------- what an HDF5 type holds */

static int member_varies(hid_t type)
{
    int varies = collio_hdf5_varies(type);

    H5Tclose(type);
    return varies;
}

int collio_hdf5_varies(hid_t type)
{
    int varies = 0;

    switch (H5Tget_class(type)) {
    case H5T_VLEN:
        return 1;
    case H5T_STRING:
        return H5Tis_variable_str(type) > 0;
    case H5T_ARRAY:
        return member_varies(H5Tget_super(type));
    case H5T_COMPOUND:
        for (int i = 0; i < H5Tget_nmembers(type) && !varies; i++)
            varies = member_varies(H5Tget_member_type(type, (unsigned)i));
        return varies;
    default:
        return 0;
    }
}

/* For messages: "string of 5 bytes". */
static void name_type(hid_t type, char *name, size_t size)
{
    static const char *const names[] = {
        [H5T_INTEGER] = "integer",   [H5T_FLOAT] = "float",         [H5T_TIME] = "time",
        [H5T_STRING] = "string",     [H5T_BITFIELD] = "bits",       [H5T_OPAQUE] = "opaque",
        [H5T_COMPOUND] = "compound", [H5T_REFERENCE] = "reference", [H5T_ENUM] = "enumeration",
        [H5T_VLEN] = "sequence",     [H5T_ARRAY] = "array",
    };
    H5T_class_t class = H5Tget_class(type);
    const char *what =
        class >= 0 && class < (int)(sizeof names / sizeof *names) ? names[class] : NULL;

    if (class == H5T_VLEN || H5Tis_variable_str(type) > 0)
        snprintf(name, size, "%s of variable length", what != NULL ? what : "type");
    else
        snprintf(name, size, "%s of %zu bytes", what != NULL ? what : "type", H5Tget_size(type));
}

/* -------------------------------------------------------------- numbering */

/* A digest of all that a type is. */
static int digest_type(hid_t type, uint64_t *out, collio_error *err)
{
    size_t size = 0;
    void *bytes;

    if (collio_hdf5(H5Tencode(type, NULL, &size) < 0, "H5Tencode", err))
        return err->code;
    bytes = calloc(1, size);
    if (bytes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for an element type");
    if (collio_hdf5(H5Tencode(type, bytes, &size) < 0, "H5Tencode", err) == COLLIO_OK)
        *out = collio_hash(0, bytes, size);
    free(bytes);
    return err->code;
}

static collio_type find(hid_t type, uint64_t digest)
{
    for (int i = 0; i < table.count; i++)
        if (table.rows[i].digest == digest && H5Tequal(table.rows[i].id, type) > 0)
            return table.rows[i].number;
    return COLLIO_TYPE_COUNT;
}

/* Add a type, which the table takes over. */
static collio_type add(hid_t type, uint64_t digest, collio_error *err)
{
    char name[48];
    row r = {type, digest, collio_hdf5_varies(type), COLLIO_TYPE_COUNT};

    if (table.count == table.room) {
        int room = 2 * table.room + 16;
        row *more = realloc(table.rows, (size_t)room * sizeof *more);

        if (more != NULL) {
            table.rows = more;
            table.room = room;
        }
    }
    name_type(type, name, sizeof name);
    if (table.count < table.room)
        r.number = collio_type_add(H5Tget_size(type), name, digest);
    if (r.number == COLLIO_TYPE_COUNT)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for an element type");
    else
        table.rows[table.count++] = r;
    return r.number;
}

/* The constant that is exactly this type. */
static collio_type constant_for(hid_t type)
{
    collio_error none = COLLIO_ERROR_INIT;
    collio_type number = COLLIO_TYPE_COUNT;
    int swapped = 0;

    if (collio_hdf5_type_of(type, &number, &swapped, &none) || swapped ||
        H5Tequal(collio_hdf5_type(number, &none), type) <= 0)
        return COLLIO_TYPE_COUNT;
    return number;
}

collio_type collio_type_take(hid_t type, collio_error *err)
{
    collio_type number = COLLIO_TYPE_COUNT;
    uint64_t digest = 0;

    if (type < 0)
        return number;
    if (err->code == COLLIO_OK)
        number = constant_for(type);
    if (number == COLLIO_TYPE_COUNT && digest_type(type, &digest, err) == COLLIO_OK) {
        number = find(type, digest);
        if (number == COLLIO_TYPE_COUNT) {
            number = add(type, digest, err);
            if (number != COLLIO_TYPE_COUNT)
                return number;
        }
    }
    H5Tclose(type);
    return number;
}

collio_type collio_type_adopt(hid_t type, collio_error *err)
{
    hid_t copy = H5Tcopy(type); /* of a named one: no longer bound to its file */

    collio_hdf5(copy < 0, "H5Tcopy", err);
    return collio_type_take(copy, err);
}
