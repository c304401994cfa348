/* Group.require_dataset. */
#include "h5create.h"

#include <string.h>

/* None where there are no extents. New. */
static PyObject *extents_of(int ndim, const int64_t *shape)
{
    return ndim < 0 ? Py_NewRef(Py_None) : memory_tuple(ndim, shape);
}

static int same_shape(h5object *dataset, const h5plan *p)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int none = h5_is_null(dataset), ndim = none ? -1 : h5_shape(dataset, shape);
    PyObject *there, *wanted;

    if (ndim < 0 && !none)
        return -1;
    if (ndim == p->ndim && (none || memcmp(shape, p->shape, (size_t)ndim * sizeof *shape) == 0))
        return 0;
    there = extents_of(ndim, shape);
    wanted = extents_of(p->ndim, p->shape);
    if (there != NULL && wanted != NULL)
        PyErr_Format(PyExc_TypeError, "Shapes do not match (existing %R vs new %R)", there, wanted);
    Py_XDECREF(there);
    Py_XDECREF(wanted);
    return -1;
}

/* 1 if the maxshape asked for is that of the dataset; -1 with an exception. */
static int same_maximum(PyObject *dataset, const h5create_args *a)
{
    PyObject *there, *wanted;
    int same = 0;

    there = PyObject_GetAttrString(dataset, "maxshape");
    wanted = there == NULL ? NULL
                           : memory_call("collio._storage", "same_maximum", "(OO)",
                                         a->storage.maxshape, there);
    if (wanted != NULL)
        same = PyObject_RichCompareBool(there, wanted, Py_EQ);
    if (wanted != NULL && same == 0) {
        PyErr_Format(PyExc_TypeError, "Maxshapes do not match (existing %R vs new %R)", there,
                     wanted);
        same = -1;
    }
    Py_XDECREF(wanted);
    Py_XDECREF(there);
    return PyErr_Occurred() ? -1 : same;
}

static int same_type(PyObject *dataset, const h5plan *p, int exact)
{
    PyObject *there = PyObject_GetAttrString(dataset, "dtype"), *wanted = h5_dtype(p->type);
    PyObject *castable = NULL;
    int fits = -1;

    if (there != NULL && wanted != NULL && exact)
        fits = PyObject_RichCompareBool(there, wanted, Py_EQ);
    else if (there != NULL && wanted != NULL)
        castable = memory_call("numpy", "can_cast", "(OO)", wanted, there);
    if (castable != NULL)
        fits = PyObject_IsTrue(castable);
    if (fits == 0)
        PyErr_Format(PyExc_TypeError, "Datatypes %s (existing %S vs new %S)",
                     exact ? "do not exactly match" : "cannot be safely cast", there, wanted);
    Py_XDECREF(castable);
    Py_XDECREF(there);
    Py_XDECREF(wanted);
    return fits == 1 ? 0 : -1;
}

/* Its shape is that asked for, or may become it. */
static int fits_shape(PyObject *dataset, const h5plan *p, const h5create_args *a)
{
    if (same_shape((h5object *)dataset, p) == 0)
        return 1;
    if (a->storage.maxshape == Py_None || !PyErr_ExceptionMatches(PyExc_TypeError))
        return 0;
    PyErr_Clear();
    return same_maximum(dataset, a) > 0;
}

/* The dataset that is there, if it is what is asked for. */
static PyObject *existing(h5object *self, const h5plan *p, const h5create_args *a)
{
    PyObject *object = h5_open(self, p->name);
    int exact = PyObject_IsTrue(a->exact);

    if (object == NULL)
        return NULL;
    if (!is_a(state_of(object), object, TYPE_H5Dataset))
        PyErr_SetString(PyExc_TypeError, "Incompatible object (Group) already exists");
    else if (fits_shape(object, p, a) && same_type(object, p, exact) == 0)
        return object;
    Py_DECREF(object);
    return NULL;
}

/* NumPy's dtypes of str and objects, which cannot be stored, stand for that of the strings that
 * are there, which they can be cast to. */
static int fit_type(h5object *group, h5create_args *a, PyObject **fitting)
{
    PyObject *there = NULL, *dtype = NULL;
    const char *name;

    if (a->dtype == Py_None || arg_name(a->name, &name) < 0 || name[0] == '\0' ||
        h5_find(group, name) != COLLIO_KIND_DATASET) {
        PyErr_Clear(); /* it comes again */
        return 0;
    }
    there = h5_open(group, name);
    if (there != NULL)
        dtype = PyObject_GetAttrString(there, "dtype");
    if (dtype != NULL)
        *fitting = memory_call("collio._types", "fit_there", "(OOO)", a->dtype, dtype, a->exact);
    if (*fitting != NULL)
        a->dtype = *fitting;
    Py_XDECREF(dtype);
    Py_XDECREF(there);
    return *fitting == NULL ? -1 : 0;
}

PyDoc_STRVAR(require_doc,
             "require_dataset($self, name, shape, dtype, exact=False, data=None, *, chunks=None, "
             "maxshape=None, compression=None, compression_opts=None, shuffle=None, "
             "fletcher32=None, scaleoffset=None, fillvalue=None, fill_time=None, "
             "track_times=None, track_order=None, external=None, allow_unknown_filter=False, "
             "rdcc_nslots=None, rdcc_nbytes=None, rdcc_w0=None, efile_prefix=None, "
             "virtual_prefix=None, dcpl=None, dapl=None)\n--\n\n"
             "The dataset of that name, created if it is not there. TypeError if one with another "
             "shape,\nor with a type that cannot hold this one (exact: any other type), is. "
             "Collective.");

static PyObject *require_dataset(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"name", arg_object, offsetof(h5create_args, name)},
                                 {"shape", arg_object, offsetof(h5create_args, shape)},
                                 {"dtype", arg_object, offsetof(h5create_args, dtype)},
                                 {"|exact", arg_object, offsetof(h5create_args, exact)},
                                 {"|data", arg_object, offsetof(h5create_args, data)},
                                 H5_STORAGE_ROWS(h5create_args),
                                 {"$track_order", arg_object, offsetof(h5create_args, track_order)},
                                 {"$external", arg_object, offsetof(h5create_args, external)},
                                 H5_ACCESS_ROWS,
                                 {NULL, NULL, 0}};
    h5create_args a = H5_CREATE_NOTHING;
    h5plan p = {.name = "", .data = {.view = {.keep = NULL}, .keep = NULL}};
    PyObject *there, *fitting = NULL;
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("require_dataset", rows, &a, args, nargs, keywords) < 0 ||
        fit_type((h5object *)object, &a, &fitting) < 0 || h5_plan((h5object *)object, &a, &p) < 0)
        joint_fail(&j);
    else if (h5_find((h5object *)object, p.name) != COLLIO_KIND_NONE) {
        h5_values_release(&p.data);
        h5_storage_forget(&p.storage);
        there = existing((h5object *)object, &p, &a);
        joint_fail(&j); /* if an exception is pending */
        Py_XDECREF(p.access);
        Py_XDECREF(fitting);
        return h5_agree_existing((h5object *)object, "require_dataset", p.name, there, &j);
    }
    there = h5_with_access(h5_create((h5object *)object, &p, &j), &p);
    Py_XDECREF(p.access);
    Py_XDECREF(fitting);
    return there;
}

PyMethodDef h5require_methods[] = {
    {"require_dataset", FAST(require_dataset), FASTCALL, require_doc},
    {NULL, NULL, 0, NULL},
};
