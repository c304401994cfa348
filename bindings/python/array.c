/* Arrays of NumPy as messages, and plain ones made from what arrived. Of all files only this one
 * and array_elements.c know NumPy's C API. */
#include "dlpack.h"
#define NUMPY_IMPORTED_HERE
#include "numpy_api.h"

#include <string.h>

int array_setup(void)
{
    return _import_array() < 0 ? -1 : 0;
}

void array_interface(unsigned built[2], unsigned now[2])
{
    built[0] = NPY_ABI_VERSION;
    built[1] = NPY_FEATURE_VERSION;
    now[0] = PyArray_GetNDArrayCVersion();
    now[1] = PyArray_GetNDArrayCFeatureVersion();
}

/* ----------------------------------------------------------------- type tables */

#ifdef MPIX_C_FLOAT16
#define FLOAT16_OR_NULL MPIX_C_FLOAT16
#else
#define FLOAT16_OR_NULL MPI_DATATYPE_NULL
#endif

/* NumPy type number -> MPI datatype. */
static const MPI_Datatype number_rows[] = {
    [NPY_BOOL] = MPI_C_BOOL,
    [NPY_BYTE] = MPI_SIGNED_CHAR,
    [NPY_UBYTE] = MPI_UNSIGNED_CHAR,
    [NPY_SHORT] = MPI_SHORT,
    [NPY_USHORT] = MPI_UNSIGNED_SHORT,
    [NPY_INT] = MPI_INT,
    [NPY_UINT] = MPI_UNSIGNED,
    [NPY_LONG] = MPI_LONG,
    [NPY_ULONG] = MPI_UNSIGNED_LONG,
    [NPY_LONGLONG] = MPI_LONG_LONG,
    [NPY_ULONGLONG] = MPI_UNSIGNED_LONG_LONG,
    [NPY_FLOAT] = MPI_FLOAT,
    [NPY_DOUBLE] = MPI_DOUBLE,
    [NPY_LONGDOUBLE] = MPI_LONG_DOUBLE,
    [NPY_CFLOAT] = MPI_C_FLOAT_COMPLEX,
    [NPY_CDOUBLE] = MPI_C_DOUBLE_COMPLEX,
    [NPY_CLONGDOUBLE] = MPI_C_LONG_DOUBLE_COMPLEX,
};

#define NUMBER_ROWS ((int)(sizeof number_rows / sizeof *number_rows))

static MPI_Datatype mpi_type_of(int number)
{
    if (number >= 0 && number < NUMBER_ROWS)
        return number_rows[number];
    return number == NPY_HALF ? FLOAT16_OR_NULL : MPI_DATATYPE_NULL;
}

/* ------------------------------------------------------------ arrays as messages */

/* The type of texts of one character. */
static MPI_Datatype character_of(PyArrayObject *array)
{
    const int number = PyArray_TYPE(array);

    if (number == NPY_STRING && PyArray_ITEMSIZE(array) == 1)
        return MPI_CHAR;
    if (number == NPY_UNICODE && PyArray_ITEMSIZE(array) == sizeof(wchar_t))
        return MPI_WCHAR;
    return MPI_DATATYPE_NULL;
}

static int refuse(PyArrayObject *array, int writable)
{
    PyArray_Descr *descr = PyArray_DESCR(array);

    if (writable && !PyArray_ISWRITEABLE(array))
        PyErr_SetString(PyExc_BufferError, "the array to receive into is read-only");
    else if (!PyArray_ISCONTIGUOUS(array) && !PyArray_IS_F_CONTIGUOUS(array))
        PyErr_SetString(PyExc_BufferError,
                        "the array is not contiguous: pass numpy.ascontiguousarray(array), or its "
                        "base with a vector Datatype");
    else if (!PyArray_ISNOTSWAPPED(array))
        PyErr_Format(
            PyExc_BufferError,
            "%R has non-native byte order: pass array.astype(array.dtype.newbyteorder('='))",
            descr);
    else if (PyTypeNum_ISDATETIME(descr->type_num))
        PyErr_Format(PyExc_BufferError, "no MPI datatype is like %R: pass array.view(numpy.int64)",
                     descr);
    else if (mpi_type_of(descr->type_num) == MPI_DATATYPE_NULL)
        PyErr_Format(PyExc_KeyError, "cannot map %R to an MPI datatype", descr);
    else
        PyErr_Format(PyExc_KeyError, "the array's data are not aligned for %R: pass array.copy()",
                     descr);
    return -1;
}

static inline Py_ssize_t size_of(PyArrayObject *array)
{
    return PyArray_NDIM(array) == 1 ? PyArray_DIM(array, 0) : PyArray_SIZE(array);
}

int array_numbers(PyObject *object, int writable, message *m, Py_ssize_t *nitems)
{
    const int wanted = NPY_ARRAY_ALIGNED | (writable ? NPY_ARRAY_WRITEABLE : 0);
    PyArrayObject *array = (PyArrayObject *)object;

    if (!PyArray_Check(object))
        return 0;
    m->type = mpi_type_of(PyArray_TYPE(array));
    if (m->type == MPI_DATATYPE_NULL)
        m->type = character_of(array);
    if (m->type == MPI_DATATYPE_NULL || !PyArray_CHKFLAGS(array, wanted) ||
        !PyArray_ISNOTSWAPPED(array) ||
        !(PyArray_FLAGS(array) & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS)))
        return 0;
    m->data = PyArray_DATA(array);
    m->keep = Py_NewRef(object); /* an array somebody holds cannot be resized */
    *nitems = size_of(array);
    return 1;
}

int array_message(PyObject *object, int writable, message *m, Py_ssize_t *nitems)
{
    if (array_numbers(object, writable, m, nitems))
        return 1;
    return PyArray_Check(object) ? refuse((PyArrayObject *)object, writable) : 0;
}

int array_raw(PyObject *object, int writable, message *m, Py_ssize_t *nbytes)
{
    PyArrayObject *array = (PyArrayObject *)object;

    if (!PyArray_Check(object))
        return 0;
    if ((writable && !PyArray_ISWRITEABLE(array)) ||
        !(PyArray_FLAGS(array) & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS)))
        return refuse(array, writable);
    m->data = PyArray_DATA(array);
    m->keep = Py_NewRef(object);
    *nbytes = PyArray_NBYTES(array);
    return 1;
}

MPI_Datatype array_mpi_type(const char *name)
{
    MPI_Datatype type = typecode_find(name);
    PyArray_Descr *descr = NULL;
    PyObject *text;

    if (type != MPI_DATATYPE_NULL)
        return type;
    text = PyUnicode_FromString(name);
    if (text != NULL && PyArray_DescrConverter(text, &descr) == NPY_SUCCEED) {
        if (PyArray_ISNBO(descr->byteorder))
            type = mpi_type_of(descr->type_num);
        Py_DECREF(descr);
    }
    Py_XDECREF(text);
    if (type == MPI_DATATYPE_NULL) {
        PyErr_Clear();
        PyErr_Format(PyExc_KeyError, "cannot map '%s' to an MPI datatype", name);
    }
    return type;
}

/* ------------------------------------------------------------------- plain arrays */

/* Whether it is nothing but numbers, in whatever order they lie. */
static inline int has_numbers(PyArrayObject *array)
{
    return PyArray_CheckExact((PyObject *)array) && PyArray_NDIM(array) <= COLLIO_MAX_DIMS &&
           (PyArray_TYPE(array) < NUMBER_ROWS || PyArray_TYPE(array) == NPY_HALF) &&
           PyArray_ISNOTSWAPPED(array);
}

int array_is_plain(PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;

    return has_numbers(array) && PyArray_CHKFLAGS(array, NPY_ARRAY_CARRAY_RO);
}

int array_is_fixed(PyObject *array)
{
    return !PyArray_ISWRITEABLE((PyArrayObject *)array);
}

int array_has_gaps(PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;

    return has_numbers(array) && !PyArray_IS_C_CONTIGUOUS(array) && !PyArray_IS_F_CONTIGUOUS(array);
}

int64_t array_bytes(PyObject *object)
{
    return (int64_t)PyArray_NBYTES((PyArrayObject *)object);
}

int array_copy(PyObject *to, PyObject *from)
{
    return PyArray_CopyInto((PyArrayObject *)to, (PyArrayObject *)from);
}

/* The type's code with the place of the data in their cache line, and the extents. */
int array_describe(PyObject *object, array_words d)
{
    PyArrayObject *array = (PyArrayObject *)object;
    int ndim = PyArray_NDIM(array);

    d[0] = PyArray_DESCR(array)->type | (int64_t)((uintptr_t)PyArray_DATA(array) % 64) << 8;
    for (int i = 0; i < ndim; i++)
        d[1 + i] = PyArray_DIM(array, i);
    return 1 + ndim;
}

int array_place(const char *description)
{
    int64_t word;

    memcpy(&word, description, sizeof word);
    return (int)(word >> 8);
}

PyObject *array_of(const char *description, int words, PyObject *owner, void **data)
{
    npy_intp extents[COLLIO_MAX_DIMS];
    PyObject *array;
    array_words d;

    memcpy(d, description, (size_t)words * sizeof *d);
    for (int i = 0; i < words - 1; i++)
        extents[i] = (npy_intp)d[1 + i];
    array =
        PyArray_New(&PyArray_Type, words - 1, extents, (int)(d[0] & 255), NULL,
                    owner != NULL ? *data : NULL, 0, owner != NULL ? NPY_ARRAY_CARRAY : 0, NULL);
    if (array == NULL)
        return NULL;
    if (owner != NULL && PyArray_SetBaseObject((PyArrayObject *)array, Py_NewRef(owner)) < 0)
        Py_CLEAR(array);
    else if (owner == NULL)
        *data = PyArray_DATA((PyArrayObject *)array);
    return array;
}

PyObject *array_class(void)
{
    return (PyObject *)&PyArray_Type;
}

/* Bytes in a plain array of that description; -1: it is none. */
static int64_t described_size(const array_words d, int ndim)
{
    PyArray_Descr *descr = PyArray_DescrFromType((int)(d[0] & 255));
    int64_t size = -1;

    if (descr != NULL && (descr->type_num < NUMBER_ROWS || descr->type_num == NPY_HALF))
        size = element_size(descr);
    for (int i = 1; i <= ndim && size >= 0; i++)
        if (d[i] < 0 || __builtin_mul_overflow(size, d[i], &size))
            size = -1;
    Py_XDECREF(descr);
    PyErr_Clear();
    return size;
}

PyObject *array_restore(const char *description, Py_ssize_t size, PyObject *view)
{
    const Py_buffer *buffer = PyMemoryView_GET_BUFFER(view);
    const int words = (int)(size / (Py_ssize_t)sizeof(int64_t));
    void *data = buffer->buf;
    PyObject *array;
    array_words d = {0};

    if (size >= (Py_ssize_t)sizeof *d && size <= (Py_ssize_t)sizeof d && size % 8 == 0)
        memcpy(d, description, (size_t)size);
    if (d[0] == 0 || described_size(d, words - 1) != buffer->len) {
        PyErr_SetString(PyExc_ValueError, "the description of an array does not fit its memory");
        return NULL;
    }
    array = array_of(description, words, view, &data);
    if (array != NULL && buffer->readonly)
        PyArray_CLEARFLAGS((PyArrayObject *)array, NPY_ARRAY_WRITEABLE);
    return array;
}

/* ------------------------------------------------------- arrays of other libraries */

/* An array around what another library lent; takes over view->keep. */
static PyObject *from_dlpack(const dlpack_view *view)
{
    npy_intp shape[DLPACK_DIMS], strides[DLPACK_DIMS];
    PyObject *name = PyUnicode_FromString(view->typestr), *array = NULL;
    PyArray_Descr *descr = NULL;

    for (int i = 0; i < view->ndim; i++) {
        shape[i] = (npy_intp)view->shape[i];
        strides[i] = (npy_intp)view->strides[i];
    }
    if (name != NULL && PyArray_DescrConverter(name, &descr) != NPY_SUCCEED)
        PyErr_Format(PyExc_BufferError, "a DLPack array of elements '%s' is of no use here",
                     view->typestr);
    else if (name != NULL)
        array = PyArray_NewFromDescr(&PyArray_Type, descr, view->ndim, shape, strides, view->data,
                                     view->readonly ? 0 : NPY_ARRAY_WRITEABLE, NULL);
    Py_XDECREF(name);
    if (array == NULL)
        Py_DECREF(view->keep);
    else if (PyArray_SetBaseObject((PyArrayObject *)array, view->keep) < 0)
        Py_CLEAR(array);
    return array;
}

/* An array of a GPU's library, if its memory can be reached from here: managed memory, or that of
 * the host. The protocol is NumPy's but for the name. */
static PyObject *from_cuda(PyObject *object)
{
    PyObject *one = cuda_stand_in(object);
    PyObject *array = one != NULL ? PyArray_FromAny(one, NULL, 0, 0, 0, NULL) : NULL;

    Py_XDECREF(one);
    if (array != NULL && dlpack_refuse_device(PyArray_DATA((PyArrayObject *)array),
                                              PyArray_NBYTES((PyArrayObject *)array)) < 0)
        Py_CLEAR(array);
    return array;
}

PyObject *array_exported(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    dlpack_view view;

    if (PyObject_HasAttrString((PyObject *)type, "__dlpack__"))
        return dlpack_from(object, &view) < 0 ? NULL : from_dlpack(&view);
    if (PyObject_HasAttrString(object, "__cuda_array_interface__"))
        return from_cuda(object);
    if (PyObject_HasAttrString(object, "__array_interface__") ||
        PyObject_HasAttrString(object, "__array_struct__"))
        return PyArray_FromAny(object, NULL, 0, 0, 0, NULL);
    Py_RETURN_NONE;
}
