/* How the elements of a collio.Dataset are read and written. */
#include "h5.h"

#include <string.h>

/* A selection of nothing, for a rank that brings an error. */
static void nothing(h5travel *t)
{
    t->index.selection.ndim = 0;
    t->index.selection.flat = 0;
    t->index.ndim = 0;
    t->memory.data = NULL;
    t->memory.type = COLLIO_TYPE_COUNT;
    t->memory.ndim = 0;
}

static int select_in(h5object *self, PyObject *index, int ndim, const int64_t *shape, h5index *out)
{
    if (index != NULL && h5_is_region(index))
        return h5_select_region(self, index, out);
    return h5_select(index, ndim, shape, out);
}

void h5_locate(h5object *self, PyObject *index, h5travel *t, joint *j)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int ndim = 0;

    nothing(t);
    t->index.keep = NULL;
    t->region = index != NULL && h5_is_region(index);
    if (j->err.code == COLLIO_OK &&
        collio_dataset_shape(self->object, &ndim, shape, &j->err) == COLLIO_OK &&
        collio_dataset_stored_type(self->object, &t->stored, &j->err) == COLLIO_OK &&
        select_in(self, index, ndim, shape, &t->index) < 0) {
        nothing(t);
        joint_fail(j);
    }
}

/* What HDF5 refuses is an OSError in h5py. */
static void judge(joint *j)
{
    if (j->err.code == COLLIO_ERR_HDF5 ||
        (j->err.code == COLLIO_ERR_TYPE && strstr(j->err.text, "no conversion") != NULL))
        j->err.code = COLLIO_ERR_OS;
}

/* ----------------------------------------------------------------------- read */

void h5_read_now(h5object *self, h5travel *t, joint *j)
{
    PyThreadState *saved = io_enter();

    if (self->alone)
        collio_dataset_read_independent(self->object, &t->index.selection, &t->memory, &j->err);
    else
        collio_dataset_read(self->object, &t->index.selection, &t->memory, &j->err);
    io_leave(saved);
    Py_CLEAR(t->index.keep);
    judge(j);
}

/*
 * Read a selection.
 *   dtype    in  of the result; NULL: that of the dataset
 *   as_item  in  one element is to be a scalar, not an array
 */
static PyObject *read_index(h5object *self, PyObject *index, PyObject *dtype, int as_item, joint *j)
{
    h5room room = {.array = NULL};
    PyObject *array;
    h5travel t;

    h5_locate(self, index, &t, j);
    if (j->err.code == COLLIO_OK &&
        h5_room(dtype, t.stored, t.index.ndim, t.index.shape, &room) < 0)
        joint_fail(j);
    if (room.array != NULL)
        t.memory = room.memory;
    h5_read_now(self, &t, j);
    array = h5_room_take(&room, j->err.code == COLLIO_OK);
    if (joint_end(j) < 0) {
        Py_XDECREF(array);
        return NULL;
    }
    return array != NULL && as_item && t.index.scalar ? array_scalar(array) : array;
}

/* A dataset without elements is read as what it was made from: everyone knows it already. */
static PyObject *read_empty(h5object *self, PyObject *index, PyObject *dtype)
{
    int all = index == Py_Ellipsis ||
              (PyTuple_Check(index) &&
               (PyTuple_GET_SIZE(index) == 0 ||
                (PyTuple_GET_SIZE(index) == 1 && PyTuple_GET_ITEM(index, 0) == Py_Ellipsis)));
    PyObject *own, *empty;

    if (!all)
        return PyErr_Format(PyExc_ValueError, "Empty datasets cannot be sliced");
    own = dtype != NULL ? Py_NewRef(dtype) : PyObject_GetAttrString((PyObject *)self, "dtype");
    empty = own == NULL ? NULL : memory_call("collio._types", "Empty", "(O)", own);
    Py_XDECREF(own);
    return empty;
}

/* Read some fields of a struct: one is the array itself. */
static PyObject *read_fields(h5object *self, PyObject *index, PyObject *names, PyObject *dtype,
                             joint *j)
{
    PyObject *whole =
        dtype != NULL ? Py_NewRef(dtype) : PyObject_GetAttrString((PyObject *)self, "dtype");
    PyObject *fields =
        whole == NULL ? NULL : memory_call("collio._types", "fields_dtype", "(OO)", whole, names);
    PyObject *array;

    joint_fail(j); /* if an exception is pending */
    array = read_index(self, index, fields, 1, j);
    if (array != NULL && PyTuple_GET_SIZE(names) == 1)
        Py_SETREF(array, PyObject_GetItem(array, PyTuple_GET_ITEM(names, 0)));
    Py_XDECREF(fields);
    Py_XDECREF(whole);
    return array;
}

static PyObject *read_as(h5object *self, PyObject *index, PyObject *dtype)
{
    PyObject *names = NULL, *rest = NULL, *result;
    joint j;

    if (h5_ready(self) < 0)
        return NULL;
    if (h5_is_null(self))
        return read_empty(self, index, dtype);
    joint_begin(&j);
    if (h5_names_in(index, &names, &rest) < 0)
        joint_fail(&j);
    if (names != NULL)
        result = read_fields(self, rest, names, dtype, &j);
    else
        result = read_index(self, rest, dtype, 1, &j);
    Py_XDECREF(names);
    Py_XDECREF(rest);
    return result;
}

/* Whether an index is a selection made by collio._hl.selections. */
static int is_selection(PyObject *index)
{
    return !PyTuple_CheckExact(index) && !PyLong_CheckExact(index) && !PySlice_Check(index) &&
           index != Py_Ellipsis && !PyList_CheckExact(index) && !PyUnicode_CheckExact(index) &&
           PyObject_HasAttrString(index, "nselect");
}

PyObject *h5_read(PyObject *object, PyObject *index)
{
    if (is_selection(index))
        return memory_call("collio._hl.selections", "read", "(OO)", object, index);
    return read_as((h5object *)object, index, NULL);
}

/* For iteration, which ends with an IndexError of all ranks. */
PyObject *h5_read_row(PyObject *object, Py_ssize_t row)
{
    PyObject *index = PyLong_FromSsize_t(row), *result;

    if (index == NULL)
        return NULL;
    result = h5_read(object, index);
    Py_DECREF(index);
    return result;
}

PyDoc_STRVAR(read_as_doc, "_read_as($self, index, dtype, /)\n--\n\nd[index] as elements of another "
                          "type. Collective.");

static PyObject *dataset_read_as(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "_read_as() takes 2 arguments");
    return read_as((h5object *)self, args[0], args[1]);
}

/* ---------------------------------------------------------------------- write */

/* Whether values go as they are where elements are numbers of this machine: no field names, and
 * nothing that NumPy knows more about. */
static int is_simple(PyObject *values, PyObject *names, const h5travel *t)
{
    PyObject *dtype = array_dtype_of(values);
    int particular = t->stored == COLLIO_BOOL || t->stored == COLLIO_COMPLEX64 ||
                     t->stored == COLLIO_COMPLEX128; /* HDF5 converts no other numbers to these */

    if (t->stored >= COLLIO_TYPE_COUNT || names != NULL)
        return 0;
    return dtype == NULL || array_plain_type(dtype) == t->stored ||
           (!particular && array_plain_type(dtype) != COLLIO_TYPE_COUNT);
}

/* What to write: numbers and lists become elements of the dataset's type at once. */
static int view_values(PyObject *values, PyObject *names, const h5travel *t, h5values *out)
{
    PyObject *dtype;
    int result;

    if (!is_simple(values, names, t))
        return h5_values(values, t->stored, names, out);
    dtype = array_dtype(t->stored);
    result = dtype == NULL ? -1 : memory_view(values, dtype, &out->view);
    Py_XDECREF(dtype);
    return result;
}

/* As many elements as a region has, whatever the array's shape; NULL: another number. New. */
static PyObject *fit_region(PyObject *values, const h5travel *t)
{
    PyObject *shape = memory_tuple(t->index.ndim, t->index.shape);
    PyObject *fitted =
        shape == NULL ? NULL : memory_call("numpy", "reshape", "(OO)", values, shape);

    PyErr_Clear();
    Py_XDECREF(shape);
    return fitted;
}

static int values_of(PyObject *values, PyObject *names, h5travel *t, h5values *out)
{
    PyObject *flat = NULL;
    int result;

    /* Elements under a mask are taken in their order, whatever the array's shape. */
    if (t->index.selection.flat && array_dtype_of(values) != NULL && array_ndim(values) > 1) {
        flat = memory_call("numpy", "ravel", "(O)", values);
        if (flat == NULL)
            return -1;
    }
    if (t->region && array_dtype_of(values) != NULL)
        flat = fit_region(values, t);
    result = view_values(flat != NULL ? flat : values, names, t, out);
    Py_XDECREF(flat);
    if (result < 0)
        return -1;
    return memory_broadcast(&out->view, t->index.ndim, t->index.shape, &t->memory);
}

int h5_refuse_empty(h5object *self, const char *text)
{
    if (h5_ready(self) < 0)
        return -1;
    if (!h5_is_null(self))
        return 0;
    PyErr_SetString(PyExc_TypeError, text);
    return -1;
}

int h5_write_index(h5object *self, PyObject *index, PyObject *names, PyObject *values, joint *j)
{
    h5values v = {.view = {.keep = NULL}, .keep = NULL};
    PyThreadState *saved;
    h5travel t;

    h5_locate(self, index, &t, j);
    if (j->err.code == COLLIO_OK && values_of(values, names, &t, &v) < 0)
        joint_fail(j);
    saved = io_enter();
    if (self->alone)
        collio_dataset_write_independent(self->object, &t.index.selection, &t.memory, &j->err);
    else
        collio_dataset_write(self->object, &t.index.selection, &t.memory, &j->err);
    io_leave(saved);
    Py_CLEAR(t.index.keep);
    h5_values_release(&v);
    if (j->err.code == COLLIO_ERR_VALUE && self->file->handle != NULL &&
        !collio_file_is_writable(self->file->handle))
        j->err.code = COLLIO_ERR_OS; /* as h5py */
    judge(j);
    return joint_end(j);
}

int h5_write(PyObject *object, PyObject *index, PyObject *values)
{
    h5object *self = (h5object *)object;
    PyObject *names = NULL, *rest = NULL;
    int result;
    joint j;

    if (h5_refuse_empty(self, "Empty datasets cannot be written to") < 0)
        return -1;
    if (values != NULL && is_selection(index)) {
        rest = memory_call("collio._hl.selections", "write", "(OOO)", object, index, values);
        result = rest == NULL ? -1 : 0;
        Py_XDECREF(rest);
        return result;
    }
    joint_begin(&j);
    if (values == NULL)
        PyErr_SetString(PyExc_TypeError, "elements of a dataset cannot be deleted");
    if (values == NULL || h5_names_in(index, &names, &rest) < 0)
        joint_fail(&j);
    result = h5_write_index(self, rest, names, values, &j);
    Py_XDECREF(names);
    Py_XDECREF(rest);
    return result;
}

/* ------------------------------------------------------------------ as an array */

typedef struct array_args {
    PyObject *dtype;
    PyObject *copy;
} array_args;

PyDoc_STRVAR(array_doc, "__array__($self, dtype=None, copy=None)\n--\n\nAll elements. Collective.");

static PyObject *dataset_array(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    static const param rows[] = {{"|dtype", arg_object, offsetof(array_args, dtype)},
                                 {"|copy", arg_object, offsetof(array_args, copy)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    array_args a = {Py_None, Py_None};
    PyObject *array, *dtype = NULL;
    int truth;
    joint j;

    if (h5_refuse_empty(self, "Empty datasets have no numpy representation") < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("__array__", rows, &a, args, nargs, keywords) == 0 && a.copy == Py_False)
        PyErr_SetString(PyExc_ValueError, "a dataset cannot become an array without a copy");
    else if (!PyErr_Occurred() && a.dtype != Py_None)
        dtype = memory_call("numpy", "dtype", "(O)", a.dtype);
    joint_fail(&j); /* if an exception is pending */
    truth = dtype != NULL && array_plain_type(dtype) == COLLIO_BOOL; /* which HDF5 cannot read */
    array = read_index(self, Py_Ellipsis, truth ? NULL : dtype, 0, &j);
    if (truth && array != NULL)
        Py_SETREF(array, memory_call("numpy", "asarray", "(OO)", array, dtype));
    Py_XDECREF(dtype);
    return array;
}

PyMethodDef h5transfer_methods[] = {
    {"__array__", FAST(dataset_array), FASTCALL, array_doc},
    {"_read_as", FAST(dataset_read_as), METH_FASTCALL, read_as_doc},
    {NULL, NULL, 0, NULL},
};
