/* What `dataset[index]` selects. */
#include "h5.h"

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
    p->at++;
}

static int refuse(PyObject *item)
{
    PyErr_Format(PyExc_TypeError,
                 "cannot select with %R: allowed are integers, slices with positive steps, and one "
                 "Ellipsis (lists, masks and newaxis are not)",
                 item);
    return -1;
}

static int select_int(progress *p, PyObject *item)
{
    int64_t extent = p->extents[p->at], index;

    if (arg_int64(item, &index) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError))
            return -1;
        PyErr_Clear(); /* arrays have the method, too */
        return refuse(item);
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

static void keep_dimension(progress *p, int64_t start, int64_t count, int64_t step)
{
    p->out->shape[p->out->ndim++] = count;
    select_range(p, start, count, step);
}

static int select_slice(progress *p, PyObject *item)
{
    Py_ssize_t start, stop, step, count;
    PyObject *given = ((PySliceObject *)item)->step;

    if (PySlice_Unpack(item, &start, &stop, &step) < 0) {
        if (PyErr_ExceptionMatches(PyExc_ValueError)) { /* of 0 */
            PyErr_Clear();
            PyErr_Format(PyExc_ValueError, "Step must be >= 1 (got %R)", given);
        }
        return -1;
    }
    if (step < 1) {
        PyErr_Format(PyExc_ValueError, "Step must be >= 1 (got %zd)", step);
        return -1;
    }
    count = PySlice_AdjustIndices((Py_ssize_t)p->extents[p->at], &start, &stop, step);
    keep_dimension(p, count > 0 ? start : 0, count, step);
    return 0;
}

static int select_item(progress *p, PyObject *item)
{
    if (PySlice_Check(item))
        return select_slice(p, item);
    if (PyIndex_Check(item) && !PyBool_Check(item))
        return select_int(p, item);
    return refuse(item);
}

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

static int too_many(Py_ssize_t given, int ndim)
{
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
        return too_many(named, ndim);
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

    out->selection.ndim = ndim;
    out->ndim = 0;
    if (PyTuple_Check(index))
        return select_items(&p, &PyTuple_GET_ITEM(index, 0), PyTuple_GET_SIZE(index), ndim);
    return select_items(&p, &index, 1, ndim);
}
