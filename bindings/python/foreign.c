/*
 * Communicators of other bindings. Nothing of mpi4py is known when collio is
 * compiled: its module says where the handle lies and how long it is.
 */
#include "bindings.h"

#include <string.h>

/* Call module.name(comm) for an integer; -1 with an exception. */
static int64_t ask_number(PyObject *module, const char *name, PyObject *comm)
{
    PyObject *number = PyObject_CallMethod(module, name, "O", comm);
    int64_t value = -1;

    if (number != NULL)
        arg_int64(number, &value);
    Py_XDECREF(number);
    return PyErr_Occurred() ? -1 : value;
}

/* The module of mpi4py that the object's class comes from. New. */
static PyObject *module_of(PyObject *object)
{
    PyObject *module = PyImport_ImportModule("mpi4py.MPI");
    PyObject *class = module != NULL ? PyObject_GetAttrString(module, "Comm") : NULL;
    int match = class != NULL ? PyObject_IsInstance(object, class) : 0;

    Py_XDECREF(class);
    if (match == 1)
        return module;
    PyErr_Clear();
    Py_XDECREF(module);
    raise_type("comm", "a communicator of collio.MPI or mpi4py.MPI", object);
    return NULL;
}

static int adopt(PyObject *object, PyObject *module, MPI_Comm *out)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyObject *version = PyObject_CallMethod(module, "Get_library_version", NULL);
    const char *library = version != NULL ? PyUnicode_AsUTF8(version) : NULL;
    int64_t address = library != NULL ? ask_number(module, "_addressof", object) : -1;
    int64_t size = PyErr_Occurred() ? -1 : ask_number(module, "_sizeof", object);
    int failed = PyErr_Occurred() != NULL;

    if (!failed && collio_comm_adopt((const void *)(intptr_t)address, (size_t)size, library, out,
                                     &err) != COLLIO_OK) {
        raise_from(&err);
        failed = 1;
    }
    Py_XDECREF(version);
    return failed ? -1 : 0;
}

/* A class of another binding names its module; only then is mpi4py imported. */
static int is_foreign(PyObject *object)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__mro__"), *text;
    int found = 0;

    text = name != NULL ? PyObject_Str(name) : NULL;
    if (text != NULL && PyUnicode_AsUTF8(text) != NULL)
        found = strstr(PyUnicode_AsUTF8(text), "'mpi4py.MPI.Comm'") != NULL;
    Py_XDECREF(name);
    Py_XDECREF(text);
    PyErr_Clear();
    return found;
}

int comm_from_object(PyObject *object, MPI_Comm *out)
{
    state *st = state_find();
    PyObject *module;
    int result;

    if (st == NULL || mpi_ready(st) < 0)
        return -1;
    *out = MPI_COMM_WORLD;
    if (object == NULL || object == Py_None)
        return 0;
    if (is_a(st, object, TYPE_Comm))
        return comm_arg(st, object, out);
    if (!is_foreign(object)) {
        raise_type("comm", "a communicator of collio.MPI or mpi4py.MPI", object);
        return -1;
    }
    module = module_of(object);
    if (module == NULL)
        return -1;
    result = adopt(object, module, out);
    Py_DECREF(module);
    return result;
}

PyObject *foreign_adopt(PyObject *module, PyObject *object)
{
    MPI_Comm comm;

    if (comm_from_object(object, &comm) < 0)
        return NULL;
    return comm_wrap(PyModule_GetState(module), comm);
}
