/*
 * Group, Attributes and State are mappings. What collections.abc derives from
 * looking up, iterating and assigning is taken from there, and the views of the
 * first two from collio.views. Dataset has methods from collio.dataset.
 */
#include "joint.h"

static const char *const reading[] = {"keys", "values", "items", NULL};
/* The last one is what pop() knows a missing default by. */
static const char *const writing[] = {
    "pop", "popitem", "clear", "update", "setdefault", "_MutableMapping__marker", NULL};

static const char *const views[] = {"keys",
                                    "values",
                                    "items",
                                    "__reversed__",
                                    "__getstate__",
                                    "__reduce_ex__",
                                    "_ipython_key_completions_",
                                    NULL};

static const char *const creating[] = {"create_dataset_like", "create_virtual_dataset",
                                       "build_virtual_dataset", NULL};

static const char *const dataset_methods[] = {
    "astype",      "asstr",           "fields",       "len",
    "iter_chunks", "flush",           "dims",         "is_scale",
    "make_scale",  "filter_ids",      "filter_names", "_filters",
    "external",    "virtual_sources", "_refer_to",    "_region_space",
    NULL};

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

/* Give a class methods of one that is written in Python. */
static int give(PyTypeObject *type, const char *from, const char *name, const char *const *methods)
{
    PyObject *module = PyImport_ImportModule(from);
    PyObject *class = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    int result = class == NULL ? -1 : take(type, class, methods);

    Py_XDECREF(class);
    Py_XDECREF(module);
    return result;
}

int mapping_setup(state *st)
{
    if (adopt(st->types[TYPE_H5Group], "MutableMapping", writing) < 0 ||
        adopt(st->types[TYPE_Attributes], "MutableMapping", writing) < 0 ||
        give(st->types[TYPE_H5Group], "collio.views", "Views", views) < 0 ||
        give(st->types[TYPE_H5Group], "collio.views", "Creating", creating) < 0 ||
        give(st->types[TYPE_Attributes], "collio.views", "Views", views) < 0 ||
        give(st->types[TYPE_H5Dataset], "collio.dataset", "Methods", dataset_methods) < 0)
        return -1;
    return adopt(st->types[TYPE_State], "Mapping", NULL);
}
