/* What `dataset[index]` selects. */
#include "h5.h"

#include <string.h>

/* How far the translation has come. */
typedef struct progress {
    h5index *out;
    const int64_t *extents;
    int at; /* dimension of the dataset */
} progress;

static void select_range(progress *p, int64_t start, int64_t count, int64_t step)
{
    collio_selection *s = &p->out->selection;

    s->start[p->at] = start;
    s->count[p->at] = count;
    s->stride[p->at] = step;
    s->block[p->at] = 1;
    s->list[p->at] = NULL;
    p->at++;
}

/* A dimension that the result has, too. */
static void keep_dimension(progress *p, int64_t start, int64_t count, int64_t step)
{
    p->out->shape[p->out->ndim++] = count;
    select_range(p, start, count, step);
}

static int select_int(progress *p, PyObject *item)
{
    int64_t extent = p->extents[p->at], index;

    if (index_int64(item, &index) < 0) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError))
            PyErr_Format(PyExc_IndexError, "Index (%R) out of range for (0-%lld)", item,
                         (long long)extent - 1);
        return -1;
    }
    if (index < -extent || index >= extent) {
        if (extent == 0)
            PyErr_Format(PyExc_IndexError, "Index (%lld) out of range for empty dimension",
                         (long long)index);
        else
            PyErr_Format(PyExc_IndexError, "Index (%lld) out of range for (0-%lld)",
                         (long long)index, (long long)extent - 1);
        return -1;
    }
    select_range(p, index < 0 ? index + extent : index, 1, 1);
    return 0;
}

static int select_slice(progress *p, PyObject *item)
{
    Py_ssize_t start, stop, step, count;

    if (PySlice_Unpack(item, &start, &stop, &step) < 0)
        return -1;
    if (step < 1) {
        PyErr_Format(PyExc_ValueError, "Step must be >= 1 (got %zd)", step);
        return -1;
    }
    count = PySlice_AdjustIndices((Py_ssize_t)p->extents[p->at], &start, &stop, step);
    keep_dimension(p, count > 0 ? start : 0, count, step);
    return 0;
}

/* ------------------------------------------------------------- lists, masks, blocks */

/* A list of indexes that collio._select made; `out` keeps it. */
static const int64_t *take_list(h5index *out, PyObject *array, int64_t *count)
{
    array_view view;

    if (array == NULL || array_view_any(array, 0, &view) < 0)
        return NULL;
    array_view_release(&view);
    Py_XSETREF(out->keep, Py_NewRef(array));
    *count = view.shape[0];
    return (const int64_t *)view.data;
}

static int select_list(progress *p, PyObject *item)
{
    PyObject *array = memory_call("collio._select", "indexes", "(OLi)", item,
                                  (long long)p->extents[p->at], p->out->keep != NULL);
    const int64_t *list;
    int64_t count;

    list = take_list(p->out, array, &count);
    Py_XDECREF(array);
    if (list == NULL)
        return -1;
    collio_selection_list(&p->out->selection, p->at++, count, list);
    p->out->shape[p->out->ndim++] = count;
    return 0;
}

/* An object that says itself which blocks it stands for: MultiBlockSlice. */
static int select_blocks(progress *p, PyObject *item)
{
    PyObject *blocks = PyObject_CallMethod(item, "indices", "L", (long long)p->extents[p->at]);
    collio_selection *s = &p->out->selection;
    long long start, stride, count, block;
    int d = p->at;

    if (blocks == NULL || !PyArg_ParseTuple(blocks, "LLLL", &start, &stride, &count, &block)) {
        Py_XDECREF(blocks);
        return -1;
    }
    Py_DECREF(blocks);
    keep_dimension(p, start, count, stride);
    s->block[d] = block;
    p->out->shape[p->out->ndim - 1] = count * block;
    return 0;
}

/* An array of no dimensions is a number, though it claims to be a sequence, too. */
static int select_scalar(progress *p, PyObject *item)
{
    PyObject *number = PyNumber_Index(item);
    int result = number == NULL ? -1 : select_int(p, number);

    Py_XDECREF(number);
    return result;
}

static int select_other(progress *p, PyObject *item)
{
    if (array_dtype_of(item) != NULL && array_ndim(item) == 0)
        return select_scalar(p, item);
    if (strcmp(Py_TYPE(item)->tp_name, "MultiBlockSlice") == 0)
        return select_blocks(p, item);
    if (item != Py_None)
        return select_list(p, item);
    PyErr_SetString(PyExc_TypeError, "Indexing with None (or np.newaxis) is not supported");
    return -1;
}

static int select_item(progress *p, PyObject *item)
{
    if (PyLong_Check(item))
        return select_int(p, item);
    if (PySlice_Check(item))
        return select_slice(p, item);
    if (is_integer(item))
        return select_int(p, item);
    return select_other(p, item);
}

/* A mask of the extents of the dataset: elements by their numbers. 1 if it is one. */
static int select_mask(PyObject *index, int ndim, const int64_t *shape, h5index *out)
{
    PyObject *extents, *array;
    const int64_t *list;
    int64_t count;

    if (array_dtype_of(index) == NULL)
        return 0;
    extents = memory_tuple(ndim, shape);
    array = extents == NULL ? NULL
                            : memory_call("collio._select", "under_mask", "(OO)", index, extents);
    Py_XDECREF(extents);
    if (array == NULL || array == Py_None) {
        Py_XDECREF(array);
        return array == NULL ? -1 : 0;
    }
    list = take_list(out, array, &count);
    Py_DECREF(array);
    if (list == NULL)
        return -1;
    collio_selection_flat(&out->selection, count, list);
    out->ndim = 1;
    out->shape[0] = count;
    return 1;
}

/* ------------------------------------------------------------------------ together */

/* Position of the Ellipsis among the items; n if there is none, -1 if several. */
static Py_ssize_t find_ellipsis(PyObject *const *items, Py_ssize_t n)
{
    Py_ssize_t found = n;

    for (Py_ssize_t i = 0; i < n; i++) {
        if (items[i] != Py_Ellipsis)
            continue;
        if (found < n) {
            PyErr_SetString(PyExc_ValueError, "Only one ellipsis may be used.");
            return -1;
        }
        found = i;
    }
    return found;
}

static int too_many(PyObject *const *items, Py_ssize_t given, int ndim)
{
    for (Py_ssize_t i = 0; i < given; i++)
        if (items[i] == Py_None) {
            PyErr_SetString(PyExc_TypeError, "Indexing with None (or np.newaxis) is not supported");
            return -1;
        }
    if (ndim == 0)
        PyErr_SetString(PyExc_ValueError, "Illegal slicing argument for scalar dataspace");
    else
        PyErr_Format(PyExc_ValueError, "%zd indexing arguments for %d dimensions", given, ndim);
    return -1;
}

static int select_items(progress *p, PyObject *const *items, Py_ssize_t n, int ndim)
{
    Py_ssize_t ellipsis = find_ellipsis(items, n), named;

    if (ellipsis < 0)
        return -1;
    named = ellipsis < n ? n - 1 : n;
    if (named > ndim)
        return too_many(items, named, ndim);
    for (Py_ssize_t i = 0; i < ellipsis; i++)
        if (select_item(p, items[i]) < 0)
            return -1;
    for (Py_ssize_t left = ndim - named; left > 0; left--)
        keep_dimension(p, 0, p->extents[p->at], 1);
    for (Py_ssize_t i = ellipsis + 1; i < n; i++)
        if (select_item(p, items[i]) < 0)
            return -1;
    /* As in h5py: one element, unless `...` asks a scalar dataset for an array. */
    p->out->scalar = p->out->ndim == 0 && (ndim > 0 || ellipsis == n);
    return 0;
}

int h5_select(PyObject *index, int ndim, const int64_t *shape, h5index *out)
{
    progress p = {out, shape, 0};
    int masked;

    out->selection.ndim = ndim;
    out->selection.flat = 0;
    out->ndim = 0;
    out->scalar = 0;
    out->keep = NULL;
    if (PyTuple_Check(index) && PyTuple_GET_SIZE(index) != 1)
        return select_items(&p, &PyTuple_GET_ITEM(index, 0), PyTuple_GET_SIZE(index), ndim);
    if (PyTuple_Check(index))
        index = PyTuple_GET_ITEM(index, 0);
    masked = select_mask(index, ndim, shape, out);
    if (masked != 0)
        return masked < 0 ? -1 : 0;
    return select_items(&p, &index, 1, ndim);
}

/* ---------------------------------------------------------------------- field names */

/* Whether an index names fields. */
static int has_names(PyObject *index)
{
    if (!PyTuple_Check(index))
        return PyUnicode_Check(index);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); i++)
        if (PyUnicode_Check(PyTuple_GET_ITEM(index, i)))
            return 1;
    return 0;
}

/* The items of an index that are names, or those that are not. New. */
static PyObject *items_of(PyObject *index, int names)
{
    PyObject *list = PyList_New(0), *tuple = NULL;

    for (Py_ssize_t i = 0; list != NULL && i < PyTuple_GET_SIZE(index); i++) {
        PyObject *item = PyTuple_GET_ITEM(index, i);

        if (PyUnicode_Check(item) == names && PyList_Append(list, item) < 0)
            Py_CLEAR(list);
    }
    if (list != NULL)
        tuple = PyList_AsTuple(list);
    Py_XDECREF(list);
    return tuple;
}

int h5_names_in(PyObject *index, PyObject **names, PyObject **rest)
{
    PyObject *tuple;

    *names = NULL;
    *rest = NULL;
    if (!has_names(index)) {
        *rest = Py_NewRef(index);
        return 0;
    }
    tuple = PyTuple_Check(index) ? Py_NewRef(index) : PyTuple_Pack(1, index);
    if (tuple != NULL) {
        *names = items_of(tuple, 1);
        *rest = items_of(tuple, 0);
    }
    Py_XDECREF(tuple);
    if (*names != NULL && *rest != NULL)
        return 0;
    Py_CLEAR(*names);
    Py_CLEAR(*rest);
    return -1;
}
