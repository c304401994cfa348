/* Arrays of a Python program as memory that the library reads and writes. */
#include "joint.h"

#include <stdarg.h>

/* A module: to import one again takes as long as creating an attribute. New. */
static PyObject *module_of(const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *module = text == NULL ? NULL : PyImport_GetModule(text);

    Py_XDECREF(text);
    return module != NULL || PyErr_Occurred() ? module : PyImport_ImportModule(name);
}

PyObject *memory_call(const char *module, const char *name, const char *format, ...)
{
    PyObject *from = module_of(module), *function = NULL, *args = NULL, *result = NULL;
    va_list list;

    if (from != NULL)
        function = PyObject_GetAttrString(from, name);
    if (function != NULL) {
        va_start(list, format);
        args = Py_VaBuildValue(format, list);
        va_end(list);
    }
    if (args != NULL)
        result = PyObject_CallObject(function, args);
    Py_XDECREF(args);
    Py_XDECREF(function);
    Py_XDECREF(from);
    return result;
}

/* A copy of an array of another type; NULL: of its own in the byte order of this
 * machine. New. */
static PyObject *cast(PyObject *object, PyObject *to)
{
    PyObject *array = memory_call("numpy", "asarray", "(O)", object), *copy = NULL;
    PyObject *dtype = to != NULL ? Py_NewRef(to) : NULL;

    if (array != NULL && dtype == NULL) {
        dtype = PyObject_GetAttrString(array, "dtype");
        if (dtype != NULL)
            Py_SETREF(dtype, PyObject_CallMethod(dtype, "newbyteorder", "s", "="));
    }
    if (array != NULL && dtype != NULL)
        copy = PyObject_CallMethod(array, "astype", "O", dtype);
    Py_XDECREF(dtype);
    Py_XDECREF(array);
    return copy;
}

/* Whether it holds floating-point numbers, of whatever size. */
static int is_floating(PyObject *array)
{
    PyObject *dtype = PyObject_GetAttrString(array, "dtype"), *kind = NULL;
    int result = 0;

    if (dtype != NULL)
        kind = PyObject_GetAttrString(dtype, "kind");
    if (kind != NULL && PyUnicode_Check(kind))
        result = PyUnicode_CompareWithASCIIString(kind, "f") == 0 ||
                 PyUnicode_CompareWithASCIIString(kind, "c") == 0;
    PyErr_Clear();
    Py_XDECREF(kind);
    Py_XDECREF(dtype);
    return result;
}

/* View an array whose type is none of the library's, or not in its byte order,
 * through a copy. An exception is pending and stays if that is not possible. */
static int view_copy(PyObject *array, PyObject *dtype, array_view *out)
{
    PyObject *type, *value, *trace, *copy;
    int swapped = PyErr_ExceptionMatches(PyExc_BufferError), result;

    PyErr_Fetch(&type, &value, &trace);
    if (!swapped && (dtype == NULL || !is_floating(array))) {
        PyErr_Restore(type, value, trace);
        return -1;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    copy = cast(array, swapped ? NULL : dtype);
    result = copy == NULL ? -1 : array_view_from(copy, 0, out);
    Py_XDECREF(copy);
    return result;
}

/* Whether NumPy converts an object, as it does in h5py: lists and scalars, but no arrays. */
static int is_for_numpy(PyObject *object)
{
    return array_is_scalar(object) ||
           (array_dtype_of(object) == NULL && !PyObject_HasAttrString(object, "dtype"));
}

int memory_view(PyObject *object, PyObject *dtype, array_view *out)
{
    PyObject *array;
    int result;

    out->keep = NULL;
    if (dtype != NULL && is_for_numpy(object))
        array = memory_call("numpy", "asarray", "(OO)", object, dtype);
    else
        array = Py_NewRef(object);
    if (array == NULL)
        return -1;
    result = array_view_from(array, 0, out);
    if (result < 0)
        result = view_copy(array, dtype, out);
    Py_DECREF(array);
    return result;
}

void memory_describe(const array_view *view, collio_array *out)
{
    out->data = view->data;
    out->type = view->type;
    out->ndim = view->ndim;
    for (int d = 0; d < view->ndim; d++) {
        out->shape[d] = view->shape[d];
        out->strides[d] = view->strides[d];
    }
}

/* TypeError as NumPy words it: "Can't broadcast (3,) -> (4, 5)". */
static int raise_broadcast(const array_view *view, int ndim, const int64_t *shape)
{
    PyObject *from = memory_tuple(view->ndim, view->shape), *to = memory_tuple(ndim, shape);

    if (from != NULL && to != NULL)
        PyErr_Format(PyExc_TypeError, "Can't broadcast %R -> %R", from, to);
    Py_XDECREF(from);
    Py_XDECREF(to);
    return -1;
}

int memory_broadcast(const array_view *view, int ndim, const int64_t *shape, collio_array *out)
{
    int extra = view->ndim - ndim; /* dimensions the source has more */

    out->data = view->data;
    out->type = view->type;
    out->ndim = ndim;
    for (int d = 0; d < extra; d++)
        if (view->shape[d] != 1)
            return raise_broadcast(view, ndim, shape);
    for (int d = 0; d < ndim; d++) {
        int64_t extent = d + extra < 0 ? 1 : view->shape[d + extra];
        if (extent != shape[d] && extent != 1)
            return raise_broadcast(view, ndim, shape);
        out->shape[d] = shape[d];
        out->strides[d] = extent == shape[d] && d + extra >= 0 ? view->strides[d + extra] : 0;
    }
    return 0;
}

PyObject *memory_tuple(int n, const int64_t *values)
{
    PyObject *tuple = PyTuple_New(n);

    for (int i = 0; tuple != NULL && i < n; i++) {
        PyObject *number = PyLong_FromLongLong(values[i]);
        if (number == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, number);
    }
    return tuple;
}

/* A number such as 1e6 is an extent, too. */
static int one_extent(PyObject *object, int64_t *out)
{
    double value = PyFloat_Check(object) ? PyFloat_AS_DOUBLE(object) : 0.5;

    if (!(value > -1e18 && value < 1e18) || value != (double)(int64_t)value)
        return index_int64(object, out);
    *out = (int64_t)value;
    return 0;
}

int memory_extents(PyObject *object, const char *what, int64_t *out)
{
    PyObject *fast;
    Py_ssize_t n, i = 0;

    if (is_integer(object))
        return index_int64(object, &out[0]) < 0 ? -1 : 1;
    if (!PySequence_Check(object) || PyUnicode_Check(object)) {
        raise_type(what, "int or a sequence of int", object);
        return -1;
    }
    fast = PySequence_Fast(object, what);
    if (fast == NULL)
        return -1;
    n = PySequence_Fast_GET_SIZE(fast);
    if (n > COLLIO_MAX_DIMS)
        PyErr_Format(PyExc_ValueError, "%s has %zd dimensions, at most %d are allowed", what, n,
                     COLLIO_MAX_DIMS);
    else
        while (i < n && one_extent(PySequence_Fast_GET_ITEM(fast, i), &out[i]) == 0)
            i++;
    Py_DECREF(fast);
    return i < n ? -1 : (int)n;
}

int memory_no_negative(int ndim, const int64_t *extents, const char *what)
{
    for (int d = 0; d < ndim; d++)
        if (extents[d] < 0) {
            PyErr_Format(PyExc_OverflowError, "%s: extent %lld in dimension %d is negative", what,
                         (long long)extents[d], d);
            return -1;
        }
    return 0;
}
