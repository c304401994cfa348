/* Group.visit and its likes: all objects, or all names, below a group. Not collective. */
#include "h5.h"

/* Where a walk is. */
typedef struct walk {
    PyObject *function;
    int links;        /* every name, not every object */
    int with_objects; /* the function gets them, or the links, too */
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

/* 1 if a name is a name of the object itself. */
static int is_hard(PyObject *group, PyObject *name)
{
    PyObject *hard = h5_link_class("HardLink"), *class = NULL;
    const char *text;
    int result = -1;

    if (hard != NULL && arg_name(name, &text) == 0)
        class = h5_link((h5object *)group, text, Py_None, 1);
    if (class != NULL)
        result = class == hard;
    Py_XDECREF(class);
    Py_XDECREF(hard);
    return result;
}

/* Visit one name of a group; one that is a link to elsewhere is passed over. New. */
static PyObject *walk_name(walk *w, PyObject *group, PyObject *prefix, PyObject *name)
{
    PyObject *full = PyUnicode_Concat(prefix, name), *object = NULL, *result = NULL;
    int hard = full == NULL ? -1 : is_hard(group, name);

    if (hard == 0)
        result = Py_NewRef(Py_None);
    if (hard == 1)
        object = PyObject_GetItem(group, name);
    if (object != NULL)
        result = visit(w, object, full);
    Py_XDECREF(object);
    Py_XDECREF(full);
    return result;
}

/* Visit a name itself, and what is below it if it is a group that has not been met. New. */
static PyObject *walk_link(walk *w, PyObject *group, PyObject *prefix, PyObject *name)
{
    PyObject *full = PyUnicode_Concat(prefix, name), *link = NULL, *result = NULL, *below;
    int hard = full == NULL ? -1 : is_hard(group, name);
    const char *text;

    if (hard >= 0 && arg_name(name, &text) == 0)
        link = h5_link((h5object *)group, text, Py_None, 0);
    if (link != NULL)
        result =
            PyObject_CallFunctionObjArgs(w->function, full, w->with_objects ? link : NULL, NULL);
    if (result == Py_None && hard == 1) {
        PyObject *object = PyObject_GetItem(group, name);
        below = PyUnicode_FromFormat("%U/", full);
        if (object == NULL || below == NULL)
            Py_CLEAR(result);
        else if (is_a(state_of(object), object, TYPE_H5Group) && is_new(w, object) == 1)
            Py_SETREF(result, walk_group(w, object, below));
        Py_XDECREF(below);
        Py_XDECREF(object);
    }
    Py_XDECREF(link);
    Py_XDECREF(full);
    return result;
}

static PyObject *walk_group(walk *w, PyObject *group, PyObject *prefix)
{
    PyObject *names = h5_names((h5object *)group, collio_group_names), *result = NULL;

    /* As in h5py: by name, also where the order of creation is kept. */
    if (names == NULL || PyList_Sort(names) < 0) {
        Py_XDECREF(names);
        return NULL;
    }
    result = Py_NewRef(Py_None);
    for (Py_ssize_t i = 0; result == Py_None && i < PyList_GET_SIZE(names); i++)
        Py_SETREF(result,
                  (w->links ? walk_link : walk_name)(w, group, prefix, PyList_GET_ITEM(names, i)));
    Py_DECREF(names);
    return result;
}

static PyObject *start(const char *name, PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                       PyObject *keywords, walk w)
{
    static const param rows[] = {{"func", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *prefix, *result = NULL;

    if (args_parse(name, rows, &w.function, args, nargs, keywords) < 0)
        return NULL;
    w.seen = PySet_New(NULL);
    prefix = PyUnicode_FromString("");
    if (w.seen != NULL && prefix != NULL && h5_ready((h5object *)self) == 0 &&
        is_new(&w, self) >= 0)
        result = walk_group(&w, self, prefix);
    Py_XDECREF(prefix);
    Py_XDECREF(w.seen);
    return result;
}

PyDoc_STRVAR(visit_doc,
             "visit($self, func)\n--\n\nCall func(name) for every object below the group, until "
             "it returns something\nother than None, which is returned; soft and external links "
             "are not followed. Not collective.");

static PyObject *group_visit(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    return start("visit", self, args, nargs, keywords, (walk){.links = 0, .with_objects = 0});
}

PyDoc_STRVAR(visititems_doc, "visititems($self, func)\n--\n\nAs visit(), with "
                             "func(name, object). Not collective.");

static PyObject *group_visititems(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *keywords)
{
    return start("visititems", self, args, nargs, keywords, (walk){.links = 0, .with_objects = 1});
}

PyDoc_STRVAR(visit_links_doc, "visit_links($self, func)\n--\n\nAs visit(), for every name: links "
                              "and further names of an object too. Not collective.");

static PyObject *group_visit_links(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    return start("visit_links", self, args, nargs, keywords, (walk){.links = 1, .with_objects = 0});
}

PyDoc_STRVAR(visititems_links_doc, "visititems_links($self, func)\n--\n\nAs visit_links(), with "
                                   "func(name, link). Not collective.");

static PyObject *group_visititems_links(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                        PyObject *keywords)
{
    return start("visititems_links", self, args, nargs, keywords,
                 (walk){.links = 1, .with_objects = 1});
}

PyMethodDef h5walk_methods[] = {
    {"visit", FAST(group_visit), FASTCALL, visit_doc},
    {"visititems", FAST(group_visititems), FASTCALL, visititems_doc},
    {"visit_links", FAST(group_visit_links), FASTCALL, visit_links_doc},
    {"visititems_links", FAST(group_visititems_links), FASTCALL, visititems_links_doc},
    {NULL, NULL, 0, NULL},
};
