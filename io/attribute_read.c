/* Attributes: what they are, and their values. Not collective. */
#include "file.h"
#include "type.h"

#include <stdlib.h>
#include <string.h>

/* An attribute that is open to be read. */
typedef struct reading {
    hid_t id, type, space;
} reading;

static void close_reading(reading *r)
{
    if (r->space >= 0)
        H5Sclose(r->space);
    if (r->type >= 0)
        H5Tclose(r->type);
    if (r->id >= 0)
        H5Aclose(r->id);
}

/* Open the attribute `name`; close_reading() is due in any case. */
static int open_reading(reading *r, collio_object *object, const char *name, collio_error *err)
{
    int exists = 0;

    *r = (reading){H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID};
    if (collio_attribute_exists(object, name, &exists, err))
        return err->code;
    if (!exists)
        return collio_error_set(err, COLLIO_ERR_KEY, "no attribute '%s' on '%s'", name,
                                object->name);
    r->id = H5Aopen(object->id, name, H5P_DEFAULT);
    if (collio_hdf5(r->id < 0, "H5Aopen", err))
        return err->code;
    r->type = H5Aget_type(r->id);
    if (collio_hdf5(r->type < 0, "H5Aget_type", err))
        return err->code;
    r->space = H5Aget_space(r->id);
    return collio_hdf5(r->space < 0, "H5Aget_space", err);
}

/* ------------------------------------------------------------------ facts */

static int read_shape(const reading *r, collio_attribute_facts *out, collio_error *err)
{
    hsize_t shape[COLLIO_MAX_DIMS];

    if (H5Sget_simple_extent_type(r->space) == H5S_NULL) {
        out->kind = COLLIO_ATTRIBUTE_EMPTY;
        return COLLIO_OK;
    }
    out->ndim = H5Sget_simple_extent_dims(r->space, shape, NULL);
    if (collio_hdf5(out->ndim < 0, "H5Sget_simple_extent_dims", err))
        return err->code;
    for (int d = 0; d < out->ndim; d++)
        out->shape[d] = (int64_t)shape[d];
    return COLLIO_OK;
}

int collio_attribute_info(collio_object *object, const char *name, collio_attribute_facts *out,
                          collio_error *err)
{
    collio_error none = COLLIO_ERROR_INIT;
    collio_printing printing;
    reading r;

    memset(out, 0, sizeof *out);
    out->kind = COLLIO_ATTRIBUTE_OTHER;
    out->type = out->stored = COLLIO_TYPE_COUNT;
    collio_hdf5_quiet(&printing);
    if (open_reading(&r, object, name, err) == COLLIO_OK && read_shape(&r, out, err) == COLLIO_OK) {
        int numbers = collio_hdf5_type_of(r.type, &out->type, &out->swapped, &none) == COLLIO_OK;

        if (out->kind != COLLIO_ATTRIBUTE_EMPTY && H5Tget_class(r.type) == H5T_STRING)
            out->kind = COLLIO_ATTRIBUTE_TEXT;
        else if (out->kind != COLLIO_ATTRIBUTE_EMPTY && numbers)
            out->kind = COLLIO_ATTRIBUTE_NUMBERS;
        out->stored = collio_type_adopt(r.type, err);
    }
    close_reading(&r);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* ----------------------------------------------------------------- values */

int collio_attribute_read(collio_object *object, const char *name, collio_type type, void *data,
                          collio_error *err)
{
    H5T_cdata_t *conversion = NULL;
    collio_printing printing;
    reading r;
    hid_t memory;

    collio_hdf5_quiet(&printing);
    if (open_reading(&r, object, name, err))
        goto done;
    memory = collio_hdf5_type(type, err);
    if (memory >= 0 && H5Tfind(r.type, memory, &conversion) == NULL)
        collio_error_set(err, COLLIO_ERR_TYPE, "attribute '%s' of '%s': no conversion to %s", name,
                         object->name, collio_type_name(type));
    if (err->code == COLLIO_OK && H5Sget_simple_extent_npoints(r.space) > 0)
        collio_hdf5(H5Aread(r.id, memory, data) < 0, "H5Aread", err);
done:
    close_reading(&r);
    collio_hdf5_loud(&printing);
    return err->code;
}

/* HDF5 allocates the string; hand out a copy that free() can free. */
static char *read_variable(const reading *r, collio_error *err)
{
    char *theirs = NULL, *copy = NULL;

    if (collio_hdf5(H5Aread(r->id, r->type, &theirs) < 0, "H5Aread", err) == COLLIO_OK) {
        copy = strdup(theirs != NULL ? theirs : "");
        if (copy == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a text");
    }
    if (theirs != NULL)
        H5free_memory(theirs);
    return copy;
}

static char *read_fixed(const reading *r, collio_error *err)
{
    size_t size = H5Tget_size(r->type);
    char *text = calloc(size + 1, 1);

    if (text == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a text");
        return NULL;
    }
    if (collio_hdf5(H5Aread(r->id, r->type, text) < 0, "H5Aread", err)) {
        free(text);
        return NULL;
    }
    if (H5Tget_strpad(r->type) == H5T_STR_SPACEPAD)
        while (size > 0 && text[size - 1] == ' ')
            text[--size] = '\0';
    return text;
}

int collio_attribute_read_text(collio_object *object, const char *name, char **out,
                               collio_error *err)
{
    collio_printing printing;
    reading r;

    *out = NULL;
    collio_hdf5_quiet(&printing);
    if (open_reading(&r, object, name, err))
        goto done;
    if (H5Tget_class(r.type) != H5T_STRING || H5Sget_simple_extent_npoints(r.space) != 1)
        collio_error_set(err, COLLIO_ERR_TYPE, "attribute '%s' of '%s' is not one string", name,
                         object->name);
    else
        *out = H5Tis_variable_str(r.type) > 0 ? read_variable(&r, err) : read_fixed(&r, err);
done:
    close_reading(&r);
    collio_hdf5_loud(&printing);
    return err->code;
}

void collio_text_free(char **text)
{
    free(*text);
    *text = NULL;
}
