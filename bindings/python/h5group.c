/* collio.Group: a mapping of names to groups and datasets. */
#include "h5.h"

/* ------------------------------------------------------------ creating and deleting */

typedef struct name_args {
    const char *name;
    PyObject *track_order;
} name_args;

PyDoc_STRVAR(create_group_doc,
             "create_group($self, name, track_order=None)\n--\n\nCreate a group, and those on the "
             "way to it that are missing. Collective.");

static PyObject *create_group(h5object *self, const name_args *a, joint *j)
{
    collio_object *group = NULL;
    PyThreadState *saved;

    if (a->track_order != Py_None && PyObject_IsTrue(a->track_order)) {
        PyErr_SetString(PyExc_NotImplementedError, "track_order is not supported yet");
        joint_fail(j);
    }
    saved = io_enter();
    collio_group_create(self->object, a->name, &group, &j->err);
    io_leave(saved);
    return joint_end(j) < 0 ? NULL : h5_wrap(self->file, group);
}

static PyObject *group_create_group(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                    PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, offsetof(name_args, name)},
                                 {"|track_order", arg_object, offsetof(name_args, track_order)},
                                 {NULL, NULL, 0}};
    name_args a = {"", Py_None};
    joint j;

    if (h5_ready((h5object *)self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("create_group", rows, &a, args, nargs, keywords) < 0)
        joint_fail(&j);
    return create_group((h5object *)self, &a, &j);
}

PyDoc_STRVAR(require_group_doc,
             "require_group($self, name)\n--\n\nThe group of that name, created if it is not "
             "there. Collective.");

static PyObject *group_require_group(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, 0}, {NULL, NULL, 0}};
    h5object *group = (h5object *)self;
    name_args a = {"", Py_None};
    joint j;

    if (h5_ready(group) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("require_group", rows, &a.name, args, nargs, keywords) < 0)
        joint_fail(&j);
    else if (h5_find(group, a.name) == COLLIO_KIND_GROUP)
        return h5_open(group, a.name);
    else if (h5_find(group, a.name) != COLLIO_KIND_NONE)
        collio_error_set(&j.err, COLLIO_ERR_TYPE, "Incompatible object (Dataset) already exists");
    return create_group(group, &a, &j);
}

static int delete_name(h5object *self, PyObject *key)
{
    const char *name = "";
    PyThreadState *saved;
    joint j;

    if (h5_ready(self) < 0)
        return -1;
    joint_begin(&j);
    if (arg_text(key, &name) < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_link_delete(self->object, name, &j.err);
    io_leave(saved);
    return joint_end(&j);
}

/* group[name] = data creates a dataset; del group[name]. */
static int group_assign(PyObject *self, PyObject *key, PyObject *value)
{
    PyObject *none = Py_None, *dataset;
    PyObject *args[] = {key, none, none, value};

    if (value == NULL)
        return delete_name((h5object *)self, key);
    dataset = h5_create_dataset(self, args, 4, NULL);
    Py_XDECREF(dataset);
    return dataset == NULL ? -1 : 0;
}

/* ------------------------------------------------------------------ looking up */

static PyObject *group_get_item(PyObject *self, PyObject *key)
{
    const char *name;

    if (arg_text(key, &name) < 0)
        return NULL;
    return h5_open((h5object *)self, name);
}

static int group_contains(PyObject *self, PyObject *key)
{
    const char *name;

    if (h5_ready((h5object *)self) < 0 || arg_text(key, &name) < 0)
        return -1;
    return h5_find((h5object *)self, name) != COLLIO_KIND_NONE;
}

static Py_ssize_t group_length(PyObject *object)
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    int64_t count = 0;

    if (h5_ready(self) < 0)
        return -1;
    saved = io_enter();
    collio_group_count(self->object, &count, &err);
    io_leave(saved);
    if (err.code == COLLIO_OK)
        return (Py_ssize_t)count;
    raise_from(&err);
    return -1;
}

static PyObject *group_iter(PyObject *self)
{
    PyObject *list = h5_names((h5object *)self, collio_group_names), *iterator;

    if (list == NULL)
        return NULL;
    iterator = PyObject_GetIter(list);
    Py_DECREF(list);
    return iterator;
}

typedef struct get_args {
    const char *name;
    PyObject *fallback;
    int getclass;
    int getlink;
} get_args;

PyDoc_STRVAR(get_doc,
             "get($self, name, default=None, getclass=False, getlink=False)\n--\n\nThe object, or "
             "the default if the name is not there; with getclass its class. Not collective.");

static PyObject *group_get(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, offsetof(get_args, name)},
                                 {"|default", arg_object, offsetof(get_args, fallback)},
                                 {"|getclass", arg_bool, offsetof(get_args, getclass)},
                                 {"|getlink", arg_bool, offsetof(get_args, getlink)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    get_args a = {"", Py_None, 0, 0};
    PyObject *found;

    if (h5_ready(self) < 0 || args_parse("get", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (a.getlink)
        return PyErr_Format(PyExc_NotImplementedError, "getlink is not supported yet");
    if (h5_find(self, a.name) == COLLIO_KIND_NONE)
        return Py_NewRef(a.fallback);
    found = h5_open(self, a.name);
    if (found != NULL && a.getclass)
        Py_SETREF(found, Py_NewRef(Py_TYPE(found)));
    return found;
}

/* ---------------------------------------------------------------- the class */

static PyObject *group_repr(PyObject *object)
{
    h5object *self = (h5object *)object;

    if (self->file->handle == NULL)
        return PyUnicode_FromString("<Closed HDF5 group>");
    return PyUnicode_FromFormat("<HDF5 group \"%s\" (%zd members)>",
                                collio_object_name(self->object), group_length(object));
}

static PyMethodDef group_methods[] = {
    {"create_group", FAST(group_create_group), FASTCALL, create_group_doc},
    {"require_group", FAST(group_require_group), FASTCALL, require_group_doc},
    {"get", FAST(group_get), FASTCALL, get_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(group_doc,
             "A group of an HDF5 file: a mapping of names to groups and datasets.\n\n"
             "Names are relative to the group, or absolute if they begin with '/'. Looking up is\n"
             "not collective; creating and deleting is, with the same arguments on all ranks.");

static PyType_Slot group_slots[] = {
    {Py_tp_doc, (void *)group_doc},
    {Py_tp_repr, group_repr},
    {Py_tp_iter, group_iter},
    {Py_mp_subscript, group_get_item},
    {Py_mp_ass_subscript, group_assign},
    {Py_mp_length, group_length},
    {Py_sq_contains, group_contains},
    {Py_tp_methods, group_methods},
    {0, NULL},
};

PyType_Spec H5Group_spec = {
    .name = "collio.Group",
    .basicsize = sizeof(h5object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = group_slots,
};
