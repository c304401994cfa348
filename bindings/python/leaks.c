/*
 * Handles that only all ranks together can free, and so no destructor frees: communicators,
 * windows, files, sessions. With rc.report_leaks it is noted where they are made, and what is left
 * at exit is told.
 */
#include "bindings.h"

#include <string.h>

static PyObject *made; /* (kind, handle) -> place in the program, and class; NULL: not asked for */

static PyObject *key_of(enum handle_kind kind, any_handle mpi)
{
    return Py_BuildValue("(iK)", (int)kind, (unsigned long long)handle_clean(kind, mpi).bits);
}

int leaks_watch(int on)
{
    if (!on)
        Py_CLEAR(made);
    else if (made == NULL)
        made = PyDict_New();
    return on && made == NULL ? -1 : 0;
}

/* Classes of the user's have no module before their name. */
static const char *class_of(PyObject *object)
{
    const char *name = Py_TYPE(object)->tp_name, *dot = strrchr(name, '.');

    return dot != NULL ? dot + 1 : name;
}

PyObject *leaks_note(PyObject *object)
{
    collio_error place = COLLIO_ERROR_INIT;
    handle *self = (handle *)object;
    PyObject *key, *value;

    if (made == NULL || object == NULL ||
        handle_clean(self->kind, self->mpi).bits == handle_null(self->kind).bits)
        return object;
    here(&place);
    key = key_of(self->kind, self->mpi);
    value =
        Py_BuildValue("(ssi)", class_of(object), place.file != NULL ? place.file : "?", place.line);
    if (key == NULL || value == NULL || PyDict_SetItem(made, key, value) < 0)
        PyErr_Clear(); /* a report that misses one is no reason to fail */
    Py_XDECREF(key);
    Py_XDECREF(value);
    return object;
}

void leaks_forget(enum handle_kind kind, any_handle mpi)
{
    PyObject *key;

    if (made == NULL)
        return;
    key = key_of(kind, mpi);
    if (key == NULL || PyDict_DelItem(made, key) < 0)
        PyErr_Clear();
    Py_XDECREF(key);
}

PyDoc_STRVAR(leaks_doc, "_leaks($module)\n--\n\nWhat was made under rc.report_leaks and is not "
                        "freed: tuples of class, file and line, in the order they were made.");

static PyObject *leaks(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return made != NULL ? PyDict_Values(made) : PyList_New(0);
}

PyMethodDef leaks_functions[] = {{"_leaks", leaks, METH_NOARGS, leaks_doc}, {NULL, NULL, 0, NULL}};
