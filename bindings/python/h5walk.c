/* Group.visit and visititems: all objects below a group. Not collective. */
#include "h5.h"

/* Where a walk is. */
typedef struct walk {
    PyObject *function;
    int with_objects; /* visititems */
    PyObject *seen;   /* set of what has been visited: names may lead in circles */
} walk;

static PyObject *walk_group(walk *w, PyObject *group, PyObject *prefix);

/* 1 the first time an object is met. */
static int is_new(walk *w, PyObject *object)
{
    PyObject *number = PyLong_FromUnsignedLongLong(collio_object_id(((h5object *)object)->object));
    int known = number == NULL ? -1 : PySet_Contains(w->seen, number);

    if (known == 0 && PySet_Add(w->seen, number) < 0)
        known = -1;
    Py_XDECREF(number);
    return known < 0 ? -1 : !known;
}

/* Visit one object and what is below it; what the function returned. New. */
static PyObject *visit(walk *w, PyObject *object, PyObject *name)
{
    int fresh = is_new(w, object);
    PyObject *result, *prefix;

    if (fresh <= 0)
        return fresh < 0 ? NULL : Py_NewRef(Py_None);
    result = PyObject_CallFunctionObjArgs(w->function, name, w->with_objects ? object : NULL, NULL);
    if (result != Py_None || !is_a(state_of(object), object, TYPE_H5Group))
        return result;
    prefix = PyUnicode_FromFormat("%U/", name);
    if (prefix != NULL)
        Py_SETREF(result, walk_group(w, object, prefix));
    else
        Py_CLEAR(result);
    Py_XDECREF(prefix);
    return result;
}

/* Visit one name of a group; one that leads to nothing we know is passed over. New. */
static PyObject *walk_name(walk *w, PyObject *group, PyObject *prefix, PyObject *name)
{
    PyObject *full = PyUnicode_Concat(prefix, name), *object = NULL, *result = NULL;

    if (full != NULL)
        object = PyObject_GetItem(group, name);
    if (object != NULL) {
        result = visit(w, object, full);
    } else if (PyErr_ExceptionMatches(PyExc_KeyError) ||
               PyErr_ExceptionMatches(PyExc_NotImplementedError)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    Py_XDECREF(object);
    Py_XDECREF(full);
    return result;
}

static PyObject *walk_group(walk *w, PyObject *group, PyObject *prefix)
{
    PyObject *names = h5_names((h5object *)group, collio_group_names), *result = NULL;

    if (names == NULL)
        return NULL;
    result = Py_NewRef(Py_None);
    for (Py_ssize_t i = 0; result == Py_None && i < PyList_GET_SIZE(names); i++)
        Py_SETREF(result, walk_name(w, group, prefix, PyList_GET_ITEM(names, i)));
    Py_DECREF(names);
    return result;
}

static PyObject *start(PyObject *self, PyObject *function, int with_objects)
{
    walk w = {function, with_objects, PySet_New(NULL)};
    PyObject *prefix = PyUnicode_FromString(""), *result = NULL;

    if (w.seen != NULL && prefix != NULL && h5_ready((h5object *)self) == 0 &&
        is_new(&w, self) >= 0)
        result = walk_group(&w, self, prefix);
    Py_XDECREF(prefix);
    Py_XDECREF(w.seen);
    return result;
}

PyDoc_STRVAR(visit_doc,
             "visit($self, func, /)\n--\n\nCall func(name) for every object below the group, until "
             "it returns something\nother than None, which is returned. Not collective.");

static PyObject *group_visit(PyObject *self, PyObject *function)
{
    return start(self, function, 0);
}

PyDoc_STRVAR(visititems_doc, "visititems($self, func, /)\n--\n\nAs visit(), with "
                             "func(name, object). Not collective.");

static PyObject *group_visititems(PyObject *self, PyObject *function)
{
    return start(self, function, 1);
}

PyMethodDef h5walk_methods[] = {
    {"visit", group_visit, METH_O, visit_doc},
    {"visititems", group_visititems, METH_O, visititems_doc},
    {NULL, NULL, 0, NULL},
};
