/* Arrays of other libraries by the protocol of CUDA, which is NumPy's but for the name. */
#include "dlpack.h"

/* An object that says of itself what NumPy understands; it keeps `object` alive. New. */
static PyObject *stand_in(PyObject *object, PyObject *interface)
{
    PyObject *types = PyImport_ImportModule("types"), *one = NULL;

    if (types != NULL)
        one = PyObject_CallMethod(types, "SimpleNamespace", NULL);
    Py_XDECREF(types);
    if (one != NULL && (PyObject_SetAttrString(one, "__array_interface__", interface) < 0 ||
                        PyObject_SetAttrString(one, "owner", object) < 0))
        Py_CLEAR(one);
    return one;
}

/* What NumPy would not refuse in the same words as others that know the protocol. New. */
static PyObject *checked(PyObject *interface)
{
    static const char *const keys[] = {"shape", "typestr", "data"};
    PyObject *copy, *pair, *mask;

    if (!PyDict_Check(interface)) {
        raise_type("__cuda_array_interface__", "a dict", interface);
        return NULL;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (PyDict_GetItemString(interface, keys[i]) == NULL)
            return PyErr_Format(PyExc_KeyError, "__cuda_array_interface__: '%s' is missing",
                                keys[i]);
    mask = PyDict_GetItemString(interface, "mask");
    if (mask != NULL && mask != Py_None)
        return PyErr_Format(PyExc_BufferError, "__cuda_array_interface__: masks are not supported");
    copy = PyDict_Copy(interface);
    pair = PyDict_GetItemString(interface, "data");
    if (copy != NULL && PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 &&
        PyTuple_GET_ITEM(pair, 0) == Py_None) { /* nothing, nowhere */
        pair = Py_BuildValue("(iO)", 0, PyTuple_GET_ITEM(pair, 1));
        if (pair == NULL || PyDict_SetItemString(copy, "data", pair) < 0)
            Py_CLEAR(copy);
        Py_XDECREF(pair);
    }
    return copy;
}

PyObject *cuda_stand_in(PyObject *object)
{
    PyObject *given = PyObject_GetAttrString(object, "__cuda_array_interface__");
    PyObject *interface = given != NULL ? checked(given) : NULL;
    PyObject *one = interface != NULL ? stand_in(object, interface) : NULL;

    Py_XDECREF(interface);
    Py_XDECREF(given);
    return one;
}
