/* Elements and memory of NumPy's arrays, as the library behind files knows them: element types and
 * strided views. */
#include "numpy_api.h"

/* Of four types, each twice as large as the one before, the one of that size. */
static collio_type sized(int size, int smallest, const collio_type *types)
{
    for (int i = 0; i < 4; i++, smallest *= 2)
        if (size == smallest)
            return types[i];
    return COLLIO_TYPE_COUNT;
}

/* dtype kind and size -> collio_type; COLLIO_TYPE_COUNT if there is none. */
static collio_type type_of_descr(PyArray_Descr *descr)
{
    static const collio_type integers[] = {COLLIO_INT8, COLLIO_INT16, COLLIO_INT32, COLLIO_INT64};
    static const collio_type naturals[] = {COLLIO_UINT8, COLLIO_UINT16, COLLIO_UINT32,
                                           COLLIO_UINT64};
    static const collio_type reals[] = {COLLIO_FLOAT16, COLLIO_FLOAT32, COLLIO_FLOAT64,
                                        COLLIO_TYPE_COUNT};
    static const collio_type pairs[] = {COLLIO_COMPLEX64, COLLIO_COMPLEX128, COLLIO_TYPE_COUNT,
                                        COLLIO_TYPE_COUNT};
    int size = element_size(descr);

    switch (descr->kind) {
    case 'b':
        return COLLIO_BOOL;
    case 'i':
        return sized(size, 1, integers);
    case 'u':
        return sized(size, 1, naturals);
    case 'f':
        return sized(size, 2, reals);
    case 'c':
        return sized(size, 8, pairs);
    default:
        return COLLIO_TYPE_COUNT;
    }
}

/* ------------------------------------------------------------------ collio types */

PyObject *array_dtype(collio_type type)
{
    static const int numbers[COLLIO_TYPE_COUNT] = {
        [COLLIO_BOOL] = NPY_BOOL,           [COLLIO_INT8] = NPY_INT8,
        [COLLIO_INT16] = NPY_INT16,         [COLLIO_INT32] = NPY_INT32,
        [COLLIO_INT64] = NPY_INT64,         [COLLIO_UINT8] = NPY_UINT8,
        [COLLIO_UINT16] = NPY_UINT16,       [COLLIO_UINT32] = NPY_UINT32,
        [COLLIO_UINT64] = NPY_UINT64,       [COLLIO_FLOAT16] = NPY_HALF,
        [COLLIO_FLOAT32] = NPY_FLOAT,       [COLLIO_FLOAT64] = NPY_DOUBLE,
        [COLLIO_COMPLEX64] = NPY_COMPLEX64, [COLLIO_COMPLEX128] = NPY_COMPLEX128,
    };

    return (PyObject *)PyArray_DescrFromType(numbers[type]);
}

static int has_notes(PyArray_Descr *descr)
{
#if NPY_ABI_VERSION >= 0x02000000
    return PyDataType_METADATA(descr) != NULL;
#else
    return descr->metadata != NULL;
#endif
}

collio_type array_plain_type(PyObject *dtype)
{
    PyArray_Descr *descr = (PyArray_Descr *)dtype;

    if (!PyArray_DescrCheck(dtype) || !PyArray_ISNBO(descr->byteorder) || has_notes(descr))
        return COLLIO_TYPE_COUNT;
    return type_of_descr(descr);
}

PyObject *array_dtype_of(PyObject *object)
{
    return PyArray_Check(object) ? (PyObject *)PyArray_DESCR((PyArrayObject *)object) : NULL;
}

int array_is_scalar(PyObject *object)
{
    return PyArray_IsScalar(object, Generic);
}

int array_is_dtype(PyObject *object)
{
    return PyArray_DescrCheck(object);
}

PyObject *array_dtype_like(PyObject *object)
{
    PyArray_Descr *descr = NULL;

    return PyArray_DescrConverter(object, &descr) == NPY_SUCCEED ? (PyObject *)descr : NULL;
}

int array_ndim(PyObject *array)
{
    return PyArray_NDIM((PyArrayObject *)array);
}

collio_type array_type_from(PyObject *dtype)
{
    PyArray_Descr *descr = NULL;
    collio_type type;

    if (PyArray_DescrConverter(dtype, &descr) != NPY_SUCCEED)
        return COLLIO_TYPE_COUNT;
    type = type_of_descr(descr);
    if (type == COLLIO_TYPE_COUNT)
        PyErr_Format(PyExc_TypeError,
                     "%R cannot be stored: allowed are bool, integers and floats of at most 64 "
                     "bits, complex64 and complex128",
                     descr);
    Py_DECREF(descr);
    return type;
}

PyObject *array_new_any(PyObject *dtype, int ndim, const int64_t *shape, void **data)
{
    npy_intp extents[COLLIO_MAX_DIMS];
    PyObject *array;

    for (int i = 0; i < ndim; i++)
        extents[i] = (npy_intp)shape[i];
    array = PyArray_NewFromDescr(&PyArray_Type, (PyArray_Descr *)Py_NewRef(dtype), ndim, extents,
                                 NULL, NULL, 0, NULL);
    if (array != NULL && data != NULL)
        *data = PyArray_DATA((PyArrayObject *)array);
    return array;
}

PyObject *array_new(collio_type type, int ndim, const int64_t *shape, void **data)
{
    PyObject *dtype = array_dtype(type);
    PyObject *array = dtype == NULL ? NULL : array_new_any(dtype, ndim, shape, data);

    Py_XDECREF(dtype);
    return array;
}

PyObject *array_scalar(PyObject *array)
{
    return PyArray_Return((PyArrayObject *)array);
}

/* ------------------------------------------------------------------ strided views */

/* The object as an array: itself, or what numpy.asarray makes of it. New. */
static PyArrayObject *as_array(PyObject *object, int writable)
{
    PyObject *array;

    if (PyArray_Check(object))
        return (PyArrayObject *)Py_NewRef(object);
    if (writable && !PyObject_CheckBuffer(object)) {
        raise_type("the memory to read into", "an array or writable buffer", object);
        return NULL;
    }
    array = PyArray_FromAny(object, NULL, 0, COLLIO_MAX_DIMS, 0, NULL);
    return (PyArrayObject *)array;
}

/* Where the elements are; false, with an exception, if that cannot be said. */
static int set_geometry(PyArrayObject *array, int writable, array_view *out)
{
    out->ndim = PyArray_NDIM(array);
    if (writable && !PyArray_ISWRITEABLE(array)) {
        PyErr_SetString(PyExc_BufferError, "the array to read into is read-only");
        return 0;
    }
    if (out->ndim > COLLIO_MAX_DIMS) {
        PyErr_Format(PyExc_ValueError, "%d dimensions, at most %d are allowed", out->ndim,
                     COLLIO_MAX_DIMS);
        return 0;
    }
    for (int i = 0; i < out->ndim; i++) {
        out->shape[i] = PyArray_DIM(array, i);
        out->strides[i] = PyArray_STRIDE(array, i);
    }
    out->data = PyArray_DATA(array);
    out->writable = PyArray_ISWRITEABLE(array) != 0;
    out->contiguous = PyArray_IS_C_CONTIGUOUS(array) != 0;
    return 1;
}

int array_view_any(PyObject *object, int writable, array_view *out)
{
    PyArrayObject *array = (PyArrayObject *)object;

    if (!PyArray_Check(object)) {
        out->keep = NULL;
        PyErr_Format(PyExc_TypeError, "an array is needed, not %R", object);
        return -1;
    }
    out->keep = Py_NewRef(object);
    out->type = array_plain_type((PyObject *)PyArray_DESCR(array));
    if (set_geometry(array, writable, out))
        return 0;
    array_view_release(out);
    return -1;
}

int array_view_from(PyObject *object, int writable, array_view *out)
{
    PyArrayObject *array = as_array(object, writable);

    out->keep = (PyObject *)array;
    if (array == NULL)
        return -1;
    out->type = type_of_descr(PyArray_DESCR(array));
    if (out->type == COLLIO_TYPE_COUNT) {
        array_type_from((PyObject *)PyArray_DESCR(array)); /* raises */
    } else if (!PyArray_ISNOTSWAPPED(array)) {
        PyErr_Format(
            PyExc_BufferError,
            "%R has non-native byte order: pass array.astype(array.dtype.newbyteorder('='))",
            PyArray_DESCR(array));
    } else if (set_geometry(array, writable, out)) {
        return 0;
    }
    array_view_release(out);
    return -1;
}

void array_view_release(array_view *view)
{
    Py_CLEAR(view->keep);
}
