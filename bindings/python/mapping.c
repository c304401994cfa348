/*
 * Group, Attributes and State are mappings. What collections.abc derives from
 * looking up, iterating and assigning is taken from there, and the views of the
 * first two from collio.views.
 */
#include "joint.h"

static const char *const reading[] = {"keys", "values", "items", NULL};
/* The last one is what pop() knows a missing default by. */
static const char *const writing[] = {
    "pop", "popitem", "clear", "update", "setdefault", "_MutableMapping__marker", NULL};

static const char *const views[] = {"keys",         "values",        "items", "__reversed__",
                                    "__getstate__", "__reduce_ex__", NULL};

static int take(PyTypeObject *type, PyObject *from, const char *const *names)
{
    for (; *names != NULL; names++) {
        PyObject *method = PyObject_GetAttrString(from, *names);
        int result = method == NULL ? -1 : PyObject_SetAttrString((PyObject *)type, *names, method);
        Py_XDECREF(method);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* Make a class one of the mappings, as far as isinstance() asks, and in its methods. */
static int adopt(PyTypeObject *type, const char *name, const char *const *more)
{
    PyObject *module = PyImport_ImportModule("collections.abc");
    PyObject *class = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    PyObject *done = NULL;
    int result = -1;

    if (class != NULL && take(type, class, reading) == 0 &&
        (more == NULL || take(type, class, more) == 0))
        done = PyObject_CallMethod(class, "register", "O", type);
    if (done != NULL)
        result = 0;
    Py_XDECREF(done);
    Py_XDECREF(class);
    Py_XDECREF(module);
    return result;
}

/* Give a class the methods of collio.views. */
static int give_views(PyTypeObject *type)
{
    PyObject *module = PyImport_ImportModule("collio.views");
    PyObject *class = module == NULL ? NULL : PyObject_GetAttrString(module, "Views");
    int result = class == NULL ? -1 : take(type, class, views);

    Py_XDECREF(class);
    Py_XDECREF(module);
    return result;
}

int mapping_setup(state *st)
{
    if (adopt(st->types[TYPE_H5Group], "MutableMapping", writing) < 0 ||
        adopt(st->types[TYPE_Attributes], "MutableMapping", writing) < 0 ||
        give_views(st->types[TYPE_H5Group]) < 0 || give_views(st->types[TYPE_Attributes]) < 0)
        return -1;
    return adopt(st->types[TYPE_State], "Mapping", NULL);
}
