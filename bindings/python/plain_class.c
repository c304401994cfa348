/* Objects that are nothing but what is in their dictionary (plain.h): those of most classes of a
 * program, data classes among them. */
#include "plain.h"
#include "plain_codes.h"

/* ------------------------------------------------------------------------- which */

/* By what a class has a say in how its objects are taken apart. */
static const char *const hooks[] = {"__reduce_ex__",     "__reduce__",     "__getstate__",
                                    "__getnewargs_ex__", "__getnewargs__", "__setstate__"};

enum { HOOKS = sizeof hooks / sizeof *hooks };

static PyObject *hook_names[HOOKS], *module_name; /* interned; NULL: not made yet */
static PyObject *namespace_class, *namespace_module, *namespace_name;
static PyObject *dispatch_table; /* of copyreg: what the program has registered */

static PyObject *from_module(const char *module, const char *name)
{
    PyObject *found = PyImport_ImportModule(module);
    PyObject *object = found != NULL ? PyObject_GetAttrString(found, name) : NULL;

    Py_XDECREF(found);
    return object;
}

static int prepare(void)
{
    if (dispatch_table != NULL)
        return 1;
    for (int i = 0; i < HOOKS; i++)
        if (hook_names[i] == NULL)
            hook_names[i] = PyUnicode_InternFromString(hooks[i]);
    module_name = PyUnicode_InternFromString("__module__");
    namespace_module = PyUnicode_InternFromString("types");
    namespace_name = PyUnicode_InternFromString("SimpleNamespace");
    namespace_class = from_module("types", "SimpleNamespace");
    if (!PyErr_Occurred())
        dispatch_table = from_module("copyreg", "dispatch_table");
    PyErr_Clear();
    return dispatch_table != NULL;
}

static int has_hooks(PyTypeObject *type)
{
    int i = 0;

    while (i < HOOKS &&
           _PyType_Lookup(type, hook_names[i]) == _PyType_Lookup(&PyBaseObject_Type, hook_names[i]))
        i++;
    return i < HOOKS;
}

/* Whether its objects have room for a dictionary, for weak references, and nothing else. */
static int has_dictionary_only(const PyTypeObject *type)
{
    const unsigned long special = Py_TPFLAGS_LONG_SUBCLASS | Py_TPFLAGS_LIST_SUBCLASS |
                                  Py_TPFLAGS_TUPLE_SUBCLASS | Py_TPFLAGS_BYTES_SUBCLASS |
                                  Py_TPFLAGS_UNICODE_SUBCLASS | Py_TPFLAGS_DICT_SUBCLASS |
                                  Py_TPFLAGS_BASE_EXC_SUBCLASS | Py_TPFLAGS_TYPE_SUBCLASS;
    Py_ssize_t size = PyBaseObject_Type.tp_basicsize;

    if (type->tp_dictoffset == 0 || type->tp_itemsize != 0 || (type->tp_flags & special) != 0)
        return 0;
    if (type->tp_dictoffset > 0)
        size += (Py_ssize_t)sizeof(PyObject *);
    if (type->tp_weaklistoffset > 0)
        size += (Py_ssize_t)sizeof(PyObject *);
    return type->tp_basicsize <= size;
}

/* Whether pickle would find the class under that name. */
static int is_found(PyObject *module, PyObject *name, PyTypeObject *type)
{
    PyObject *found = PyUnicode_Check(module) ? PyImport_GetModule(module) : NULL;
    int same = found != NULL && PyModule_CheckExact(found) &&
               PyDict_GetItemWithError(PyModule_GetDict(found), name) == (PyObject *)type;

    Py_XDECREF(found);
    PyErr_Clear();
    return same;
}

/* The program has something of its own for the class, or for arrays, which may be within. */
static int is_registered(PyTypeObject *type)
{
    return PyDict_GetItemWithError(dispatch_table, (PyObject *)type) != NULL ||
           PyDict_GetItemWithError(dispatch_table, array_class()) != NULL;
}

int plain_class_of(PyObject *object, PyObject **module, PyObject **name)
{
    PyTypeObject *type = Py_TYPE(object);

    if (!prepare() || !Py_IS_TYPE((PyObject *)type, &PyType_Type) || is_registered(type))
        return 0;
    if ((PyObject *)type == namespace_class) {
        *module = namespace_module;
        *name = namespace_name;
        return 1;
    }
    if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ||
        type->tp_getattro != PyObject_GenericGetAttr || !has_dictionary_only(type) ||
        has_hooks(type))
        return 0;
    *module = _PyType_Lookup(type, module_name);
    *name = ((PyHeapTypeObject *)type)->ht_qualname;
    return *module != NULL && is_found(*module, *name, type);
}

/* -------------------------------------------------------------------------- again */

PyObject *plain_class_find(PyObject *module, PyObject *name)
{
    PyObject *found = PyImport_GetModule(module), *class;

    if (found == NULL && !PyErr_Occurred())
        found = PyImport_Import(module);
    class = found != NULL ? PyObject_GetAttr(found, name) : NULL;
    Py_XDECREF(found);
    return class;
}

PyObject *plain_object_new(PyObject *class)
{
    PyTypeObject *type = (PyTypeObject *)class;
    PyObject *nothing = PyTuple_New(0), *object = NULL;

    if (nothing != NULL && type->tp_new != NULL)
        object = type->tp_new(type, nothing, NULL);
    Py_XDECREF(nothing);
    return object;
}

/* Names of attributes are interned, as those of other objects are. */
static int update(PyObject *to, PyObject *content)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int failed = 0;

    while (!failed && PyDict_Next(content, &at, &key, &value)) {
        Py_INCREF(key);
        if (PyUnicode_CheckExact(key))
            PyUnicode_InternInPlace(&key);
        failed = PyObject_SetItem(to, key, value) < 0;
        Py_DECREF(key);
    }
    return failed ? -1 : 0;
}

int plain_object_fill(PyObject *object, PyObject *content)
{
    PyObject *to;
    int failed;

    if (!prepare())
        return -1;
    if (_PyType_Lookup(Py_TYPE(object), hook_names[HOOKS - 1]) != NULL) {
        to = PyObject_CallMethodOneArg(object, hook_names[HOOKS - 1], content);
        Py_XDECREF(to);
        return to != NULL ? 0 : -1;
    }
    to = PyObject_GetAttrString(object, "__dict__");
    failed = to == NULL || update(to, content) < 0;
    Py_XDECREF(to);
    return failed ? -1 : 0;
}
