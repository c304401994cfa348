/* How datasets are stored: what create_dataset asks for, what a collio.Dataset says of it, and
 * resize(). The keywords are understood in collio/_storage.py. */
#include "h5.h"
#include "h5storage.h"

#include <string.h>

/* ------------------------------------------------------------- as it is asked for */

static int read_filter(PyObject *tuple, collio_filter *out)
{
    PyObject *values = PyTuple_GetItem(tuple, 1);

    if (values == NULL || index_int(PyTuple_GET_ITEM(tuple, 0), &out->id) < 0)
        return -1;
    out->count = (int)PyTuple_GET_SIZE(values);
    if (out->count > COLLIO_MAX_FILTER_VALUES) {
        PyErr_Format(PyExc_ValueError, "compression_opts has %d values, at most %d are allowed",
                     out->count, COLLIO_MAX_FILTER_VALUES);
        return -1;
    }
    for (int i = 0; i < out->count; i++)
        out->value[i] = (unsigned)PyLong_AsUnsignedLongMask(PyTuple_GET_ITEM(values, i));
    return PyErr_Occurred() ? -1 : 0;
}

static int read_options(PyObject *tuple, h5storage *out)
{
    PyObject *chunks, *maximum, *filters;
    int when, times;

    if (!PyArg_ParseTuple(tuple, "OOOip", &chunks, &maximum, &filters, &when, &times))
        return -1;
    out->options.chunked = chunks == Py_True;
    if (PyTuple_Check(chunks)) {
        out->options.chunks = out->chunks;
        if (memory_extents(chunks, "chunks", out->chunks) < 0)
            return -1;
    }
    if (maximum != Py_None) {
        out->options.maximum = out->maximum;
        if (memory_extents(maximum, "maxshape", out->maximum) < 0)
            return -1;
    }
    out->options.filters = out->filters;
    out->options.filter_count = (int)PyTuple_GET_SIZE(filters);
    for (int i = 0; i < out->options.filter_count; i++)
        if (read_filter(PyTuple_GET_ITEM(filters, i), &out->filters[i]) < 0)
            return -1;
    out->options.fill_time = (collio_fill_time)when;
    out->options.track_times = times;
    return 0;
}

/* The letter of a dtype that says what it is a number of. New. */
static PyObject *kind_of(collio_type type)
{
    PyObject *dtype = h5_dtype(type), *kind = NULL;

    if (dtype != NULL)
        kind = PyObject_GetAttrString(dtype, "kind");
    Py_XDECREF(dtype);
    return kind;
}

static int read_keywords(const h5storage_args *a, collio_type type, int ndim, h5storage *out)
{
    PyObject *kind = kind_of(type), *available = NULL, *tuple = NULL;
    int result = -1;

    if (kind != NULL)
        available = PyCFunction_New(h5filter_functions, NULL);
    if (available != NULL)
        tuple =
            memory_call("collio._storage", "options", "(iOOOOOOOOOOOO)", ndim, kind, available,
                        a->chunks, a->maxshape, a->compression, a->compression_opts, a->shuffle,
                        a->fletcher32, a->scaleoffset, a->fill_time, a->track_times, a->unknown);
    if (tuple != NULL)
        result = read_options(tuple, out);
    Py_XDECREF(tuple);
    Py_XDECREF(available);
    Py_XDECREF(kind);
    return result;
}

/* One element of the dataset's type. */
static int read_fill(PyObject *value, collio_type type, h5storage *out)
{
    PyObject *array = NULL;
    Py_ssize_t size = 0;
    char *bytes = NULL;

    out->fill_keeps = memory_call("collio._values", "one", "(Oi)", value, (int)type);
    if (out->fill_keeps != NULL)
        array = Py_XNewRef(PyTuple_GetItem(out->fill_keeps, 0));
    if (array != NULL)
        out->fill = PyObject_CallMethod(array, "tobytes", NULL);
    if (out->fill != NULL && PyBytes_AsStringAndSize(out->fill, &bytes, &size) == 0 &&
        size == (Py_ssize_t)collio_type_size(type))
        out->options.fill = bytes;
    else if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "fillvalue=%R: one element is needed", value);
    Py_XDECREF(array);
    return PyErr_Occurred() ? -1 : 0;
}

int h5_storage(const h5storage_args *a, collio_type type, int ndim, h5storage *out)
{
    PyObject *const given[] = {a->chunks,           a->maxshape,  a->compression,
                               a->compression_opts, a->shuffle,   a->fletcher32,
                               a->scaleoffset,      a->fill_time, a->track_times};
    int any = 0;

    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        any |= given[i] != Py_None;
    out->options.unknown_filters = PyObject_IsTrue(a->unknown) > 0;
    if (any && read_keywords(a, type, ndim, out) < 0)
        return -1;
    return a->fillvalue == Py_None ? 0 : read_fill(a->fillvalue, type, out);
}

void h5_storage_forget(h5storage *storage)
{
    Py_CLEAR(storage->fill);
    Py_CLEAR(storage->fill_keeps);
    Py_CLEAR(storage->elsewhere_kept);
    PyMem_Free(storage->elsewhere);
    storage->elsewhere = NULL;
}

/* ----------------------------------------------------------------------- as it is */

static int storage_of(PyObject *object, collio_storage *out)
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;

    if (h5_ready(self) < 0)
        return -1;
    if (collio_dataset_storage(self->object, out, &err) == COLLIO_OK)
        return 0;
    raise_from(&err);
    return -1;
}

PyObject *h5_get_chunks(PyObject *self, void *Py_UNUSED(none))
{
    collio_storage s;

    if (storage_of(self, &s) < 0)
        return NULL;
    if (s.kind != COLLIO_STORED_CHUNKED)
        Py_RETURN_NONE;
    return memory_tuple(s.ndim, s.chunks);
}

PyObject *h5_get_maxshape(PyObject *self, void *Py_UNUSED(none))
{
    PyObject *tuple;
    collio_storage s;

    if (storage_of(self, &s) < 0)
        return NULL;
    if (h5_is_null((h5object *)self))
        Py_RETURN_NONE;
    tuple = memory_tuple(s.ndim, s.maximum);
    for (int d = 0; tuple != NULL && d < s.ndim; d++)
        if (s.maximum[d] == COLLIO_UNLIMITED) {
            Py_DECREF(PyTuple_GET_ITEM(tuple, d));
            PyTuple_SET_ITEM(tuple, d, Py_NewRef(Py_None));
        }
    return tuple;
}

/* {number: values}. New. */
static PyObject *filters_of(const collio_storage *s)
{
    PyObject *filters = PyDict_New();

    for (int i = 0; filters != NULL && i < s->filter_count; i++) {
        const collio_filter *f = &s->filters[i];
        int64_t values[COLLIO_MAX_FILTER_VALUES];
        PyObject *key = PyLong_FromLong(f->id), *tuple;

        for (int k = 0; k < f->count; k++)
            values[k] = f->value[k];
        tuple = memory_tuple(f->count, values);
        if (key == NULL || tuple == NULL || PyDict_SetItem(filters, key, tuple) < 0)
            Py_CLEAR(filters);
        Py_XDECREF(key);
        Py_XDECREF(tuple);
    }
    return filters;
}

/* compression, shuffle, ...: `name` is that of the function that knows. */
PyObject *h5_get_filter(PyObject *self, void *name)
{
    PyObject *filters, *result = NULL;
    collio_storage s;

    if (storage_of(self, &s) < 0)
        return NULL;
    filters = filters_of(&s);
    if (filters != NULL)
        result = memory_call("collio._storage", name, "(O)", filters);
    Py_XDECREF(filters);
    return result;
}

PyObject *h5_get_fillvalue(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    collio_type type = COLLIO_TYPE_COUNT;
    PyObject *array = NULL;
    h5room room;

    if (h5_ready(self) < 0)
        return NULL;
    if (collio_dataset_stored_type(self->object, &type, &err))
        return raise_from(&err);
    if (h5_room(NULL, type, 0, NULL, &room) < 0)
        return NULL;
    collio_dataset_fill(self->object, room.memory.type, room.memory.data, &err);
    array = h5_room_take(&room, err.code == COLLIO_OK);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    if (array != NULL)
        array = array_scalar(array);
    if (array != NULL && h5_is_objects(type))
        Py_SETREF(array, memory_call("collio._values", "fill_of_objects", "(O)", array));
    return array;
}

PyObject *h5_get_virtual(PyObject *self, void *Py_UNUSED(none))
{
    collio_storage s;

    return storage_of(self, &s) < 0 ? NULL : PyBool_FromLong(s.kind == COLLIO_STORED_VIRTUAL);
}

/* ------------------------------------------------------------------------- resize */

/* Extents from a tuple of them, or what resize(size, axis) asks for. */
static int wanted_shape(h5object *self, PyObject *size, PyObject *axis, int64_t *out)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int ndim = h5_is_null(self) ? -1 : h5_shape(self, shape), result = -1;
    PyObject *now = ndim < 0 ? NULL : memory_tuple(ndim, shape), *wanted = NULL;

    if (ndim < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "Empty datasets cannot be resized");
    if (now != NULL)
        wanted = memory_call("collio._storage", "new_shape", "(OOO)", now, size, axis);
    if (wanted != NULL)
        result = memory_extents(wanted, "size", out);
    Py_XDECREF(wanted);
    Py_XDECREF(now);
    return result;
}

static int resize_to(h5object *self, PyObject *size, PyObject *axis, joint *j)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int known = PyErr_Occurred() == NULL && wanted_shape(self, size, axis, shape) >= 0;
    PyThreadState *saved;

    joint_fail(j);
    saved = io_enter();
    collio_dataset_resize(self->object, known ? shape : NULL, &j->err);
    io_leave(saved);
    /* What HDF5 would refuse is a RuntimeError in h5py. */
    if (j->err.code == COLLIO_ERR_VALUE && (strstr(j->err.text, "whose largest is") != NULL ||
                                            strstr(j->err.text, "for reading only") != NULL))
        j->err.code = COLLIO_ERR_HDF5;
    return joint_end(j);
}

int h5_set_shape(PyObject *object, PyObject *shape, void *Py_UNUSED(none))
{
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return -1;
    joint_begin(&j);
    if (shape == NULL)
        PyErr_SetString(PyExc_TypeError, "the shape of a dataset cannot be deleted");
    return resize_to((h5object *)object, shape, Py_None, &j);
}

typedef struct resize_args {
    PyObject *size;
    PyObject *axis;
} resize_args;

PyDoc_STRVAR(resize_doc, "resize($self, size, axis=None)\n--\n\n"
                         "Give a chunked dataset other extents, at most maxshape. Collective.\n\n"
                         "  size  all extents; with axis that of one dimension\n\n"
                         "What is outside is lost, what is new is the fill value.");

static PyObject *dataset_resize(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *keywords)
{
    static const param rows[] = {{"size", arg_object, offsetof(resize_args, size)},
                                 {"|axis", arg_object, offsetof(resize_args, axis)},
                                 {NULL, NULL, 0}};
    resize_args a = {Py_None, Py_None};
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    args_parse("resize", rows, &a, args, nargs, keywords);
    if (resize_to((h5object *)object, a.size, a.axis, &j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(refresh_doc, "refresh($self, /)\n--\n\nSee what the process that writes the file has "
                          "flushed, if this one reads it with\nswmr=True; else there is nothing to "
                          "be done. Not collective.");

static PyObject *dataset_refresh(PyObject *object, PyObject *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;

    if (h5_ready(self) < 0)
        return NULL;
    if (self->file->swmr) {
        saved = io_enter();
        collio_dataset_refresh(self->object, &err);
        io_leave(saved);
    }
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    Py_RETURN_NONE;
}

PyMethodDef h5storage_methods[] = {
    {"refresh", dataset_refresh, METH_NOARGS, refresh_doc},
    {"resize", FAST(dataset_resize), FASTCALL, resize_doc},
    {NULL, NULL, 0, NULL},
};
