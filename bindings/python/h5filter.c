/* Filters of HDF5, and where it looks for those that are plugins. */
#include "h5.h"
#include "h5storage.h"

#include <string.h>

static PyObject *filter_available(PyObject *Py_UNUSED(module), PyObject *id)
{
    PyThreadState *saved;
    int number;

    if (index_int(id, &number) < 0)
        return NULL;
    saved = io_enter();
    number = collio_filter_available(number);
    io_leave(saved);
    return PyBool_FromLong(number);
}

PyDoc_STRVAR(register_doc, "_filter_register(address, /)\n--\n\nRegister a filter by the address "
                           "of its H5Z_class2_t. Not collective.");

static PyObject *filter_register(PyObject *Py_UNUSED(module), PyObject *address)
{
    collio_error err = COLLIO_ERROR_INIT;
    void *filter = PyLong_AsVoidPtr(address);
    PyThreadState *saved;

    if (PyErr_Occurred())
        return NULL;
    saved = io_enter();
    collio_filter_register(filter, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    Py_RETURN_NONE;
}

static PyObject *filter_unregister(PyObject *Py_UNUSED(module), PyObject *id)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    int number;

    if (index_int(id, &number) < 0)
        return NULL;
    saved = io_enter();
    collio_filter_unregister(number, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(plugins_doc, "_plugins(what, path, index, /)\n--\n\nChange or look at the directories "
                          "of HDF5's plugins. Not collective.");

static PyObject *plugins(PyObject *Py_UNUSED(module), PyObject *args)
{
    static const char *const changes[] = {"append", "prepend", "insert", "replace", "remove"};
    collio_error err = COLLIO_ERROR_INIT;
    const char *what, *path;
    char found[4096] = "";
    unsigned at, count = 0;
    PyThreadState *saved;
    int change = -1;

    if (!PyArg_ParseTuple(args, "syI", &what, &path, &at))
        return NULL;
    for (int i = 0; i < (int)(sizeof changes / sizeof *changes); i++)
        if (strcmp(what, changes[i]) == 0)
            change = i;
    saved = io_enter();
    if (change >= 0)
        collio_plugin_path((collio_plugin_change)change, path, at, &err);
    else
        collio_plugin_get(at, what[0] == 'g' ? found : NULL, sizeof found, &count, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    if (change >= 0)
        Py_RETURN_NONE;
    return what[0] == 'g' ? PyBytes_FromString(found) : PyLong_FromLong((long)count);
}

PyMethodDef h5filter_functions[] = {
    {"_filter_available", filter_available, METH_O, "Whether HDF5 has a filter. Not collective."},
    {"_filter_register", filter_register, METH_O, register_doc},
    {"_filter_unregister", filter_unregister, METH_O, "Undo that. Not collective."},
    {"_plugins", plugins, METH_VARARGS, plugins_doc},
    {NULL, NULL, 0, NULL},
};
