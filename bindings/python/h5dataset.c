/* collio.Dataset: an N-d array of numbers in a file. Its facts, and the class; data travel in
 * h5transfer.c. */
#include "h5storage.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- facts */

int h5_shape(h5object *self, int64_t *shape)
{
    collio_error err = COLLIO_ERROR_INIT;
    int ndim = -1;

    if (h5_ready(self) < 0)
        return -1;
    if (collio_dataset_shape(self->object, &ndim, shape, &err) == COLLIO_OK)
        return ndim;
    raise_from(&err);
    return -1;
}

int h5_is_null(h5object *self)
{
    return collio_dataset_is_null(self->object);
}

/* 1 for a null dataset, 0 for one with extents; -1 with an exception. */
static int is_empty(PyObject *self)
{
    return h5_ready((h5object *)self) < 0 ? -1 : h5_is_null((h5object *)self);
}

/* Type of the elements in the file. */
static collio_type type_of(h5object *self)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_type type;

    if (h5_ready(self) < 0)
        return COLLIO_TYPE_COUNT;
    if (collio_dataset_stored_type(self->object, &type, &err) == COLLIO_OK)
        return type;
    raise_from(&err);
    return COLLIO_TYPE_COUNT;
}

static int64_t product(int n, const int64_t *values)
{
    int64_t result = 1;

    for (int i = 0; i < n; i++)
        result *= values[i];
    return result;
}

static PyObject *get_shape(PyObject *self, void *Py_UNUSED(none))
{
    int64_t shape[COLLIO_MAX_DIMS];
    int empty = is_empty(self), ndim = empty ? -1 : h5_shape((h5object *)self, shape);

    if (empty == 1)
        Py_RETURN_NONE;
    return ndim < 0 ? NULL : memory_tuple(ndim, shape);
}

static PyObject *get_ndim(PyObject *self, void *Py_UNUSED(none))
{
    int64_t shape[COLLIO_MAX_DIMS];
    int empty = is_empty(self), ndim = empty ? empty - 1 : h5_shape((h5object *)self, shape);

    return ndim < 0 ? NULL : PyLong_FromLong(ndim);
}

static PyObject *get_size(PyObject *self, void *Py_UNUSED(none))
{
    int64_t shape[COLLIO_MAX_DIMS];
    int empty = is_empty(self), ndim = empty ? -1 : h5_shape((h5object *)self, shape);

    if (empty == 1)
        Py_RETURN_NONE;
    return ndim < 0 ? NULL : PyLong_FromLongLong(product(ndim, shape));
}

/* Of the elements as NumPy has them. */
static PyObject *get_nbytes(PyObject *self, void *Py_UNUSED(none))
{
    PyObject *size = get_size(self, NULL), *dtype, *each, *bytes = NULL;

    if (size == NULL || size == Py_None)
        return size == NULL ? NULL : PyLong_FromLong(0);
    dtype = PyObject_GetAttrString(self, "dtype");
    each = dtype == NULL ? NULL : PyObject_GetAttrString(dtype, "itemsize");
    if (each != NULL)
        bytes = PyNumber_Multiply(size, each);
    Py_XDECREF(each);
    Py_XDECREF(dtype);
    Py_DECREF(size);
    return bytes;
}

static PyObject *get_dtype(PyObject *self, void *Py_UNUSED(none))
{
    collio_type type = type_of((h5object *)self);

    return type == COLLIO_TYPE_COUNT ? NULL : h5_dtype(type);
}

/* Bytes from the start of the file, None if the elements are not contiguous. */
static PyObject *get_offset(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    int64_t offset = -1;

    if (h5_ready(self) < 0)
        return NULL;
    if (collio_dataset_offset(self->object, &offset, &err))
        return raise_from(&err);
    if (offset < 0)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(offset);
}

/* The extent of the first dimension; where there is none TypeError with `what`. */
static Py_ssize_t first_extent(PyObject *self, const char *what)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int empty = is_empty(self), ndim = empty ? 0 : h5_shape((h5object *)self, shape);

    if (ndim > 0)
        return (Py_ssize_t)shape[0];
    if (ndim == 0 && empty >= 0)
        PyErr_SetString(PyExc_TypeError, what);
    return -1;
}

static Py_ssize_t dataset_length(PyObject *self)
{
    return first_extent(self, "Attempt to take len() of scalar dataset");
}

/* Over the first dimension; each step reads. */
static PyObject *dataset_iter(PyObject *self)
{
    return first_extent(self, "Can't iterate over a scalar dataset") < 0 ? NULL
                                                                         : PySeqIter_New(self);
}

static PyObject *dataset_repr(PyObject *object)
{
    h5object *self = (h5object *)object;
    PyObject *shape, *dtype, *text = NULL;
    const char *name, *slash;

    if (self->file->handle == NULL)
        return PyUnicode_FromString("<Closed HDF5 dataset>");
    name = collio_object_name(self->object);
    slash = strrchr(name, '/');
    shape = get_shape(object, NULL);
    dtype = shape == NULL ? NULL : get_dtype(object, NULL);
    if (dtype != NULL)
        Py_SETREF(dtype, PyObject_GetAttrString(dtype, "str"));
    if (dtype != NULL && name[0] == '\0')
        text =
            PyUnicode_FromFormat("<HDF5 dataset (anonymous): shape %R, type \"%U\">", shape, dtype);
    else if (dtype != NULL)
        text = PyUnicode_FromFormat("<HDF5 dataset \"%s\": shape %R, type \"%U\">",
                                    slash != NULL ? slash + 1 : name, shape, dtype);
    Py_XDECREF(dtype);
    Py_XDECREF(shape);
    return text;
}

/* --------------------------------------------------- d.collective and d.independent */

/* What these two give: a context manager around a dataset. */
typedef struct transfer_mode {
    PyObject_HEAD
    h5object *dataset;
    int alone;
} transfer_mode;

static PyObject *mode_make(PyObject *object, int alone)
{
    PyTypeObject *type;
    transfer_mode *mode;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    type = state_of(object)->types[TYPE_H5Mode];
    mode = (transfer_mode *)type->tp_alloc(type, 0);
    if (mode == NULL)
        return NULL;
    mode->dataset = (h5object *)Py_NewRef(object);
    mode->alone = alone;
    return (PyObject *)mode;
}

static PyObject *get_collective(PyObject *self, void *Py_UNUSED(none))
{
    return mode_make(self, 0);
}

static PyObject *get_independent(PyObject *self, void *Py_UNUSED(none))
{
    return mode_make(self, 1);
}

static PyObject *mode_enter(PyObject *object, PyObject *Py_UNUSED(none))
{
    transfer_mode *self = (transfer_mode *)object;

    self->dataset->alone += self->alone;
    return Py_NewRef(object);
}

static PyObject *mode_exit(PyObject *object, PyObject *Py_UNUSED(args))
{
    transfer_mode *self = (transfer_mode *)object;

    self->dataset->alone -= self->alone;
    Py_RETURN_NONE;
}

static void mode_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    Py_CLEAR(((transfer_mode *)object)->dataset);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef mode_methods[] = {
    {"__enter__", mode_enter, METH_NOARGS, NULL},
    {"__exit__", mode_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot mode_slots[] = {
    {Py_tp_dealloc, mode_dealloc},
    {Py_tp_methods, mode_methods},
    {0, NULL},
};

PyType_Spec H5Mode_spec = {
    .name = "collio._Mode",
    .basicsize = sizeof(transfer_mode),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = mode_slots,
};

/* ---------------------------------------------------------------- the class */

static PyGetSetDef dataset_getset[] = {
    {"shape", get_shape, h5_set_shape, "extents; setting them resizes, collectively", NULL},
    {"dtype", get_dtype, NULL, "type of the elements in the file", NULL},
    {"ndim", get_ndim, NULL, "number of dimensions", NULL},
    {"size", get_size, NULL, "number of elements", NULL},
    {"nbytes", get_nbytes, NULL, "bytes of all elements", NULL},
    {"maxshape", h5_get_maxshape, NULL, "extents to which it can be resized, None for no end",
     NULL},
    {"offset", get_offset, NULL,
     "where the elements begin in the file, in bytes; None if they "
     "are not contiguous",
     NULL},
    {"chunks", h5_get_chunks, NULL, "extents of a chunk; None if it is not chunked", NULL},
    {"compression", h5_get_filter, NULL, "'gzip', 'szip', 'lzf', 'unknown' or None", "compression"},
    {"compression_opts", h5_get_filter, NULL, "what compression was told", "compression_opts"},
    {"shuffle", h5_get_filter, NULL, "whether bytes are sorted before compression", "shuffle"},
    {"fletcher32", h5_get_filter, NULL, "whether there are checksums", "fletcher32"},
    {"scaleoffset", h5_get_filter, NULL, "bits or digits that are kept; None: all", "scaleoffset"},
    {"_origins", h5_get_origins, NULL, "where the elements are, if not in the file", NULL},
    {"_filter_values", h5_get_filter, NULL, "numbers and values of all", "every"},
    {"fillvalue", h5_get_fillvalue, NULL, "of elements that were not written", NULL},
    {"is_virtual", h5_get_virtual, NULL, "whether the elements are in other datasets", NULL},
    {"collective", get_collective, NULL, "with d.collective: as without it", NULL},
    {"independent", get_independent, NULL,
     "with d.independent: this rank reads and writes without the others", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    dataset_doc,
    "An N-d array of numbers in an HDF5 file.\n\n"
    "d[index] reads, d[index] = values writes. Both are collective: every rank its own part,\n"
    "and one with nothing to read or write takes part with an empty selection, such as d[0:0].\n"
    "Within `with d.independent:` a rank reads and, where elements are contiguous in the file,\n"
    "writes alone. An index is made of integers, slices with\n"
    "positive steps, MultiBlockSlice, one list or 1-D array of increasing indexes or mask of a\n"
    "dimension, and one Ellipsis; or it is a mask of all elements; names of fields may stand\n"
    "beside it. Values are broadcast as NumPy does. Shape and type may be looked at by any rank\n"
    "alone. Elements of variable length are read by HDF5, on each rank by itself.");

static PyType_Slot dataset_slots[] = {
    {Py_tp_new, h5_new_from},       {Py_tp_doc, (void *)dataset_doc},
    {Py_tp_repr, dataset_repr},     {Py_tp_iter, dataset_iter},
    {Py_mp_subscript, h5_read},     {Py_mp_ass_subscript, h5_write},
    {Py_mp_length, dataset_length}, {Py_sq_length, dataset_length},
    {Py_sq_item, h5_read_row},      {Py_tp_methods, h5transfer_methods},
    {Py_tp_getset, dataset_getset}, {0, NULL},
};

PyType_Spec H5Dataset_spec = {
    .name = "collio.Dataset",
    .basicsize = sizeof(h5object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = dataset_slots,
};
