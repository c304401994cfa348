/* What a program wants saved, as the items of the library's checkpoints. */
#include "ckpt.h"

#include <string.h>

/* Keep an object until the save is over; steals it. 0, or -1 also if it is NULL. */
static int keep(items *all, PyObject *object)
{
    int result = object == NULL ? -1 : PyList_Append(all->keep, object);

    Py_XDECREF(object);
    return result;
}

/* View an array that stays until the save is over. */
static int view_kept(items *all, PyObject *object, collio_array *out)
{
    array_view view;

    if (memory_view(object, NULL, &view) < 0)
        return -1;
    memory_describe(&view, out);
    return keep(all, view.keep);
}

static int part_extents(PyObject *given, const char *what, const collio_array *array, int64_t *out)
{
    int n = memory_extents(given, what, out);

    if (n >= 0 && n != array->ndim) {
        PyErr_Format(PyExc_ValueError, "%s has %d dimensions, the array of the part has %d", what,
                     n, array->ndim);
        return -1;
    }
    return n < 0 ? -1 : 0;
}

static int from_part(items *all, const char *name, const part_object *part, collio_item *out)
{
    int64_t shape[COLLIO_MAX_DIMS], start[COLLIO_MAX_DIMS] = {0};
    collio_array array;

    if (view_kept(all, part->array, &array) < 0)
        return -1;
    memcpy(shape, array.shape, sizeof shape);
    if (part->shape != Py_None && part_extents(part->shape, "shape", &array, shape) < 0)
        return -1;
    if (part->offset != Py_None && part_extents(part->offset, "offset", &array, start) < 0)
        return -1;
    *out = collio_item_part(name, &array, shape, start);
    return 0;
}

static int from_object(items *all, const char *name, PyObject *value, int own, collio_item *out)
{
    PyObject *pair = memory_call("collio._state", "encode", "(O)", value);
    const char *format;
    char *bytes;
    Py_ssize_t size;

    if (keep(all, pair) < 0)
        return -1;
    format = PyUnicode_AsUTF8(PyTuple_GET_ITEM(pair, 0));
    if (format == NULL || PyBytes_AsStringAndSize(PyTuple_GET_ITEM(pair, 1), &bytes, &size) < 0)
        return -1;
    *out = own ? collio_item_rank_state(name, format, bytes, (size_t)size)
               : collio_item_state(name, format, bytes, (size_t)size);
    return 0;
}

/* Memory to read into: an array as it is, never a copy. */
static int view_target(items *all, PyObject *object, collio_array *out)
{
    array_view view;

    if (array_view_from(object, 1, &view) < 0)
        return -1;
    memory_describe(&view, out);
    return keep(all, view.keep);
}

/* Where an item is to be read to: a Part, or an array for all of it. */
static int from_target(state *st, items *all, const char *name, PyObject *value, collio_item *out)
{
    int64_t shape[COLLIO_MAX_DIMS] = {-1}, start[COLLIO_MAX_DIMS] = {0};
    const part_object *part = is_a(st, value, TYPE_Part) ? (part_object *)value : NULL;
    collio_array array;

    if (view_target(all, part != NULL ? part->array : value, &array) < 0)
        return -1;
    if (part == NULL) {
        *out = collio_item_common(name, &array);
        return 0;
    }
    if (part->shape != Py_None && part_extents(part->shape, "shape", &array, shape) < 0)
        return -1;
    if (part->offset != Py_None && part_extents(part->offset, "offset", &array, start) < 0)
        return -1;
    *out = collio_item_part(name, &array, shape, start);
    return 0;
}

/* Numbers and arrays of them as such, all else as bytes. */
static int from_common(items *all, const char *name, PyObject *value, collio_item *out)
{
    PyObject *numbers = NULL;
    collio_array array;
    int result;

    if (PyUnicode_Check(value) || PyDict_Check(value))
        return from_object(all, name, value, 0, out);
    numbers = memory_call("collio._state", "as_numbers", "(O)", value);
    if (numbers == Py_None) {
        Py_DECREF(numbers);
        return from_object(all, name, value, 0, out);
    }
    result = numbers == NULL ? -1 : view_kept(all, numbers, &array);
    Py_XDECREF(numbers);
    if (result == 0)
        *out = collio_item_common(name, &array);
    return result;
}

/* Say of a pending exception which item it is about; of the two kinds whose
 * text is all there is to them. */
static void name_culprit(const char *name)
{
    PyObject *type, *value, *trace, *text;

    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    text = type == PyExc_TypeError || type == PyExc_ValueError
               ? PyUnicode_FromFormat("item '%s': %S", name, value)
               : NULL;
    if (text != NULL) {
        PyErr_SetObject(type, text);
        Py_DECREF(text);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
    } else {
        PyErr_Restore(type, value, trace);
    }
}

static int add(state *st, items *all, PyObject *name, PyObject *value)
{
    collio_item *out = &all->item[all->count];
    const char *text;
    int result;

    if (arg_text(name, &text) < 0 || keep(all, Py_NewRef(name)) < 0)
        return -1;
    if (all->reading)
        result = from_target(st, all, text, value, out);
    else if (is_a(st, value, TYPE_Part))
        result = from_part(all, text, (part_object *)value, out);
    else if (is_a(st, value, TYPE_PerRank))
        result = from_object(all, text, ((per_rank_object *)value)->value, 1, out);
    else
        result = from_common(all, text, value, out);
    if (result < 0)
        name_culprit(text);
    else
        all->count++;
    return result;
}

/* The pairs of a mapping. New. */
static PyObject *pairs_of(PyObject *mapping)
{
    if (mapping == NULL || mapping == Py_None)
        return PyList_New(0);
    if (!PyMapping_Check(mapping) || PySequence_Check(mapping)) {
        raise_type("items", "a mapping of names to what to save", mapping);
        return NULL;
    }
    return PyMapping_Items(mapping);
}

/* Keywords of save() that are no items. */
static int is_option(PyObject *name)
{
    return PyUnicode_CompareWithASCIIString(name, "wait") == 0 ||
           PyUnicode_CompareWithASCIIString(name, "borrow") == 0;
}

static int items_fill(state *st, PyObject *mapping, PyObject *names, PyObject *const *values,
                      items *out)
{
    PyObject *pairs = pairs_of(mapping);
    Py_ssize_t nmapped = pairs == NULL ? 0 : PyList_GET_SIZE(pairs);
    Py_ssize_t nnamed = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    int result = pairs == NULL ? -1 : 0;

    out->count = 0;
    out->keep = PyList_New(0);
    out->item = PyMem_Calloc((size_t)(nmapped + nnamed + 1), sizeof *out->item);
    if (out->item == NULL || out->keep == NULL) {
        PyErr_NoMemory();
        result = -1;
    }
    for (Py_ssize_t i = 0; i < nmapped && result == 0; i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        result = add(st, out, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    }
    for (Py_ssize_t i = 0; i < nnamed && result == 0; i++)
        if (!is_option(PyTuple_GET_ITEM(names, i)))
            result = add(st, out, PyTuple_GET_ITEM(names, i), values[i]);
    Py_XDECREF(pairs);
    return result;
}

int items_from(state *st, PyObject *mapping, PyObject *names, PyObject *const *values, items *out)
{
    out->reading = 0;
    return items_fill(st, mapping, names, values, out);
}

int items_into(state *st, PyObject *mapping, items *out)
{
    out->reading = 1;
    return items_fill(st, mapping, NULL, NULL, out);
}

void items_release(items *all)
{
    PyMem_Free(all->item);
    Py_CLEAR(all->keep);
    all->item = NULL;
    all->count = 0;
}
