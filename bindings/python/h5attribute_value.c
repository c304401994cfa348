/* What a program gives an attribute: a text, or elements of a type, made ready to be written. */
#include "h5.h"

#include <string.h>

static int text_of(PyObject *data, h5value *v)
{
    Py_ssize_t size;

    v->text = PyUnicode_AsUTF8AndSize(data, &size);
    if (v->text == NULL)
        return -1;
    if ((size_t)size == strlen(v->text))
        return 0;
    PyErr_SetString(PyExc_ValueError, "VLEN strings do not support embedded NULLs");
    return -1;
}

/* Whether NumPy makes plain numbers of it without a question. */
static int is_plain(PyObject *data)
{
    PyObject *dtype = array_dtype_of(data);

    if (dtype != NULL)
        return array_plain_type(dtype) != COLLIO_TYPE_COUNT;
    return PyFloat_CheckExact(data) || PyLong_CheckExact(data) || PyBool_Check(data) ||
           PyComplex_CheckExact(data);
}

static int plain_of(PyObject *data, h5value *v)
{
    int is_array = array_dtype_of(data) != NULL;

    if (is_array)
        v->keep = memory_call("numpy", "asarray", "(OOs)", data, Py_None, "C");
    if ((is_array && v->keep == NULL) || memory_view(is_array ? v->keep : data, NULL, &v->view) < 0)
        return -1;
    v->type = v->view.type;
    v->ndim = v->view.ndim;
    memcpy(v->shape, v->view.shape, sizeof v->shape);
    return 0;
}

/* Take over (memory, number of a type, extents, what it points to). Steals. */
static int take_prepared(PyObject *prepared, h5value *v)
{
    PyObject *array, *shape, *pointed;
    int type;

    v->keep = prepared;
    if (prepared == NULL || !PyArg_ParseTuple(prepared, "OiOO", &array, &type, &shape, &pointed))
        return -1;
    v->type = (collio_type)type;
    v->empty = array == Py_None;
    if (v->empty)
        return 0;
    v->ndim = memory_extents(shape, "shape", v->shape);
    return v->ndim < 0 ? -1 : array_view_any(array, 0, &v->view);
}

int h5_value(PyObject *data, PyObject *dtype, PyObject *shape, h5value *v)
{
    int as_is = dtype == Py_None && shape == Py_None;

    if (as_is && PyUnicode_CheckExact(data))
        return text_of(data, v);
    if (as_is && is_plain(data))
        return plain_of(data, v);
    return take_prepared(memory_call("collio._attributes", "prepare", "(OOO)", data, dtype, shape),
                         v);
}

/* The value for an attribute that is there, in its own form; any if it is not. */
int h5_value_like(h5object *of, const char *name, PyObject *data, h5value *v)
{
    collio_attribute_facts facts;
    PyObject *shape, *prepared = NULL;

    if (h5_attribute_facts(of, name, &facts) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError))
            return -1;
        PyErr_Clear();
        return h5_value(data, Py_None, Py_None, v);
    }
    if (facts.kind == COLLIO_ATTRIBUTE_EMPTY) {
        PyErr_SetString(PyExc_OSError, "Empty attributes can't be modified");
        return -1;
    }
    v->keep_form = 1;
    shape = memory_tuple(facts.ndim, facts.shape);
    if (shape != NULL)
        prepared = memory_call("collio._attributes", "prepare_like", "(OiO)", data,
                               (int)facts.stored, shape);
    Py_XDECREF(shape);
    return take_prepared(prepared, v);
}

void h5_value_release(h5value *v)
{
    array_view_release(&v->view);
    Py_CLEAR(v->keep);
}
