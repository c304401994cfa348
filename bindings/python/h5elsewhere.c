/* Datasets whose elements are in other files or datasets: what create_dataset is told of them, and
 * what a Dataset says. collio.virtual knows what the tuples mean. */
#include "h5storage.h"

#include "collio/reference.h"

#include <string.h>

/* ------------------------------------------------------------------- selections */

/* One dimension of a selection: (start, stride, count, block, list or None). */
static PyObject *dimension_of(const collio_selection *s, int d)
{
    PyObject *list = Py_NewRef(Py_None);

    if (s->list[d] != NULL)
        Py_SETREF(list,
                  PyBytes_FromStringAndSize((const char *)s->list[d], (Py_ssize_t)s->count[d] * 8));
    return list == NULL ? NULL
                        : Py_BuildValue("(LLLLN)", (long long)s->start[d], (long long)s->stride[d],
                                        (long long)s->count[d], (long long)s->block[d], list);
}

/* (flat, dimensions). New. */
PyObject *h5_selection_tuple(const collio_selection *s)
{
    PyObject *dimensions = PyTuple_New(s->ndim);

    for (int d = 0; dimensions != NULL && d < s->ndim; d++) {
        PyObject *one = dimension_of(s, d);

        if (one == NULL)
            Py_CLEAR(dimensions);
        else
            PyTuple_SET_ITEM(dimensions, d, one);
    }
    return dimensions == NULL ? NULL : Py_BuildValue("(iN)", s->flat, dimensions);
}

PyDoc_STRVAR(select_doc, "_select(index, shape, /)\n--\n\nWhat an index selects: ((flat, "
                         "dimensions), shape of the result). Not collective.");

static PyObject *select_index(PyObject *Py_UNUSED(module), PyObject *args)
{
    h5index where = {.keep = NULL};
    int64_t extents[COLLIO_MAX_DIMS];
    PyObject *index, *shape, *result = NULL;
    int ndim;

    if (!PyArg_ParseTuple(args, "OO", &index, &shape))
        return NULL;
    ndim = memory_extents(shape, "shape", extents);
    if (ndim >= 0 && h5_select(index, ndim, extents, &where) == 0)
        result = Py_BuildValue("(NN)", h5_selection_tuple(&where.selection),
                               memory_tuple(where.ndim, where.shape));
    Py_XDECREF(where.keep);
    return result;
}

PyMethodDef h5elsewhere_functions[] = {
    {"_select", select_index, METH_VARARGS, select_doc},
    {NULL, NULL, 0, NULL},
};

/* The inverse of h5_selection_tuple(); lists stay in the tuple. */
static int selection_from(PyObject *tuple, collio_selection *out)
{
    PyObject *dimensions, *list;
    long long start, stride, count, block;

    collio_selection_none(out, 0);
    if (!PyArg_ParseTuple(tuple, "iO!", &out->flat, &PyTuple_Type, &dimensions))
        return -1;
    for (int d = 0; d < (int)PyTuple_GET_SIZE(dimensions) && d < COLLIO_MAX_DIMS; d++) {
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(dimensions, d), "LLLLO", &start, &stride, &count,
                              &block, &list))
            return -1;
        out->start[d] = start;
        out->stride[d] = stride;
        out->count[d] = count;
        out->block[d] = block;
        out->list[d] = list == Py_None ? NULL : (const int64_t *)PyBytes_AsString(list);
        out->ndim = d + 1;
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* -------------------------------------------------------------------- on creation */

static int one_external(PyObject *item, collio_external *out)
{
    long long offset, size;

    if (!PyArg_ParseTuple(item, "sLL", &out->path, &offset, &size))
        return -1;
    out->offset = offset;
    out->size = size;
    return 0;
}

/* One mapping, with its extents right behind the table of all. */
static int one_mapping(PyObject *item, collio_mapping *out, int64_t *shape)
{
    PyObject *where, *extents, *from;

    if (!PyArg_ParseTuple(item, "OssOO", &where, &out->path, &out->name, &extents, &from))
        return -1;
    out->shape = shape;
    out->ndim = memory_extents(extents, "shape", shape);
    if (out->ndim < 0 || selection_from(where, &out->where) < 0)
        return -1;
    return selection_from(from, &out->from);
}

static int read_external(PyObject *list, h5storage *out)
{
    Py_ssize_t n = PyList_GET_SIZE(list);
    collio_external *all = PyMem_Calloc((size_t)n + 1, sizeof *all);

    out->elsewhere = all;
    out->options.external = all;
    for (Py_ssize_t i = 0; all != NULL && i < n; i++, out->options.external_count++)
        if (one_external(PyList_GET_ITEM(list, i), &all[i]) < 0)
            return -1;
    return all == NULL ? (PyErr_NoMemory(), -1) : 0;
}

static int read_mappings(PyObject *list, h5storage *out)
{
    Py_ssize_t n = PyList_GET_SIZE(list);
    size_t each = sizeof(collio_mapping) + COLLIO_MAX_DIMS * sizeof(int64_t);
    collio_mapping *all = PyMem_Calloc((size_t)n + 1, each);
    int64_t *shapes = (int64_t *)(void *)(all + n);

    out->elsewhere = all;
    out->options.mappings = all;
    out->options.is_virtual = 1;
    for (Py_ssize_t i = 0; all != NULL && i < n; i++, out->options.mapping_count++)
        if (one_mapping(PyList_GET_ITEM(list, i), &all[i], shapes + i * COLLIO_MAX_DIMS) < 0)
            return -1;
    return all == NULL ? (PyErr_NoMemory(), -1) : 0;
}

int h5_elsewhere(PyObject *external, PyObject *mappings, h5storage *out)
{
    int result = -1;

    if (external != Py_None) {
        out->elsewhere_kept = memory_call("collio._storage", "external", "(O)", external);
        if (out->elsewhere_kept != NULL)
            result = read_external(out->elsewhere_kept, out);
        return result;
    }
    if (mappings == Py_None)
        return 0;
    out->elsewhere_kept = Py_NewRef(mappings);
    if (PyList_Check(mappings))
        return read_mappings(mappings, out);
    raise_type("_mappings", "a list", mappings);
    return -1;
}

/* ------------------------------------------------------------------------ as it is */

static PyObject *origin_of(const collio_origin *o)
{
    if (o->name == NULL)
        return Py_BuildValue("(sLL)", o->path, (long long)o->offset, (long long)o->size);
    return Py_BuildValue("(NssNN)", h5_selection_tuple(&o->where), o->path, o->name,
                         memory_tuple(o->ndim, o->shape), h5_selection_tuple(&o->from));
}

PyObject *h5_get_origins(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    collio_origin origin;
    PyObject *list;
    int count;

    if (h5_ready(self) < 0)
        return NULL;
    collio_dataset_origin_count(self->object, &count, &err);
    list = PyList_New(0);
    for (int i = 0; list != NULL && i < count && err.code == COLLIO_OK; i++) {
        PyObject *one = NULL;

        if (collio_dataset_origin(self->object, i, &origin, &err) == COLLIO_OK)
            one = origin_of(&origin);
        if (one == NULL || PyList_Append(list, one) < 0)
            Py_CLEAR(list);
        Py_XDECREF(one);
        collio_origin_free(&origin);
    }
    if (err.code != COLLIO_OK) {
        Py_XDECREF(list);
        return PyErr_Occurred() ? NULL : raise_from(&err);
    }
    return list;
}

/* ---------------------------------------------------------------- in the file itself */

static PyObject *chunk_of(const collio_chunk_facts *c, int ndim)
{
    return Py_BuildValue("(NILL)", memory_tuple(ndim, c->start), c->filter_mask,
                         (long long)c->offset, (long long)c->size);
}

PyDoc_STRVAR(stored_doc, "_stored($self, /)\n--\n\n(bytes in the file, [(start, filter mask, "
                         "offset, bytes) of each chunk]). Not collective.");

static PyObject *stored(PyObject *object, PyObject *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    collio_chunk_facts *chunks = NULL;
    PyObject *list = PyList_New(0);
    int64_t bytes = 0, count = 0;
    int ndim = h5_is_null(self) ? 0 : h5_shape(self, (int64_t[COLLIO_MAX_DIMS]){0});

    if (ndim < 0 || list == NULL || h5_ready(self) < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    collio_dataset_stored(self->object, &bytes, &chunks, &count, &err);
    for (int64_t i = 0; i < count && list != NULL; i++) {
        PyObject *chunk = chunk_of(&chunks[i], ndim);

        if (chunk == NULL || PyList_Append(list, chunk) < 0)
            Py_CLEAR(list);
        Py_XDECREF(chunk);
    }
    collio_chunk_facts_free(&chunks);
    if (err.code == COLLIO_OK)
        return list == NULL ? NULL : Py_BuildValue("(LN)", (long long)bytes, list);
    Py_XDECREF(list);
    return raise_from(&err);
}

PyDoc_STRVAR(layout_doc, "_layout($self, /)\n--\n\n(HDF5's number of the layout, fill time). Not "
                         "collective.");

static PyObject *layout(PyObject *object, PyObject *Py_UNUSED(none))
{
    static const int numbers[] = {1, 2, 0, 1, 3};
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    collio_storage s;

    if (h5_ready(self) < 0)
        return NULL;
    if (collio_dataset_storage(self->object, &s, &err))
        return raise_from(&err);
    return Py_BuildValue("(ii)", numbers[s.kind], (int)s.fill_time);
}

PyMethodDef h5stored_methods[] = {
    {"_stored", stored, METH_NOARGS, stored_doc},
    {"_layout", layout, METH_NOARGS, layout_doc},
    {NULL, NULL, 0, NULL},
};
