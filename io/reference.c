/* References to objects: their addresses. Regions are in region.c. */
#include "file.h"
#include "type.h"

#include "collio/reference.h"

#include <string.h>

collio_type collio_type_reference(int region, collio_error *err)
{
    collio_printing printing;
    collio_type type;

    if (err->code != COLLIO_OK)
        return COLLIO_TYPE_COUNT;
    collio_hdf5_quiet(&printing);
    type = collio_type_adopt(region ? H5T_STD_REF_DSETREG : H5T_STD_REF_OBJ, err);
    collio_hdf5_loud(&printing);
    return type;
}

int collio_reference_make(collio_object *object, void *out, collio_error *err)
{
    collio_printing printing;
    hobj_ref_t reference = 0;

    memset(out, 0, COLLIO_REFERENCE_BYTES);
    if (err->code != COLLIO_OK || collio_object_check(object, err))
        return err->code;
    if (object->foreign)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "'%s' is in another file: references stay within one",
                                object->name);
    collio_hdf5_quiet(&printing);
    if (collio_hdf5(H5Rcreate(&reference, object->id, ".", H5R_OBJECT, H5I_INVALID_HID) < 0,
                    "H5Rcreate", err) == COLLIO_OK)
        memcpy(out, &reference, COLLIO_REFERENCE_BYTES);
    collio_hdf5_loud(&printing);
    return err->code;
}

static int is_null(const char *reference, size_t size)
{
    while (size > 0 && reference[size - 1] == 0)
        size--;
    return size == 0;
}

/* HDF5's handle of what is referred to; negative on failure. */
static hid_t dereference(const collio_object *in, const void *reference, int region,
                         collio_error *err)
{
    size_t size = region ? COLLIO_REGION_BYTES : COLLIO_REFERENCE_BYTES;
    collio_error none = COLLIO_ERROR_INIT;
    hdset_reg_ref_t copy = {0};
    hid_t id;

    if (is_null(reference, size)) {
        collio_error_set(err, COLLIO_ERR_VALUE, "Invalid HDF5 object reference (it is null)");
        return H5I_INVALID_HID;
    }
    if (region && collio_region_check(in, reference, err))
        return H5I_INVALID_HID;
    memcpy(&copy, reference, size);
    id = H5Rdereference2(in->id, H5P_DEFAULT, region ? H5R_DATASET_REGION : H5R_OBJECT, &copy);
    if (collio_hdf5(id < 0, "H5Rdereference", &none))
        collio_error_set(err, COLLIO_ERR_KEY, "Unable to dereference object (%s)", none.text);
    return id;
}

int collio_reference_open(collio_object *in, const void *reference, int region, collio_object **out,
                          collio_error *err)
{
    collio_printing printing;
    hid_t id;

    *out = NULL;
    if (err->code != COLLIO_OK || collio_object_check(in, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    *out = region ? NULL : collio_prefix_referred(in, reference);
    id = *out != NULL ? H5I_INVALID_HID : dereference(in, reference, region, err);
    if (id >= 0)
        collio_object_wrap(in->file, id, NULL, out, err);
    collio_hdf5_loud(&printing);
    return err->code;
}
