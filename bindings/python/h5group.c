/* collio.Group: a mapping of names to groups and datasets. */
#include "h5.h"

/* ------------------------------------------------------------ creating and deleting */

typedef struct name_args {
    PyObject *name;
    PyObject *track_order;
    PyObject *track_times;
    PyObject *attributes;
} name_args;

/* -1 with an exception. */
int h5_wants_order(PyObject *track_order)
{
    static PyObject *config; /* there is one, for good */
    PyObject *wanted = NULL;
    int result;

    if (track_order != NULL && PyLong_CheckExact(track_order) && int_is_small(track_order) &&
        (int_small(track_order) == COLLIO_ORDER_NAMES ||
         int_small(track_order) == COLLIO_ORDER_ATTRIBUTES)) /* from a property list */
        return int_small(track_order);
    if (track_order != NULL && track_order != Py_None)
        return PyObject_IsTrue(track_order);
    if (config == NULL)
        config = memory_call("collio.config", "get_config", "()");
    if (config != NULL)
        wanted = PyObject_GetAttrString(config, "_track_order");
    result = wanted == NULL ? -1 : PyObject_IsTrue(wanted);
    Py_XDECREF(wanted);
    return result;
}

int h5_attribute_room(PyObject *given, collio_attribute_room *out)
{
    if (given == NULL || given == Py_None)
        return 0;
    out->given = 1;
    if (PyTuple_Check(given))
        return PyArg_ParseTuple(given, "II", &out->most, &out->fewest) ? 0 : -1;
    raise_type("_attributes", "a tuple", given);
    return -1;
}

int h5_refuse_times(PyObject *track_times)
{
    int wanted = track_times == NULL || track_times == Py_None ? 0 : PyObject_IsTrue(track_times);

    if (wanted > 0)
        PyErr_SetString(PyExc_NotImplementedError,
                        "track_times=True is not supported: times differ from rank to rank");
    return wanted == 0 ? 0 : -1;
}

static PyObject *create_group(h5object *self, const name_args *a, joint *j)
{
    collio_group_options options = {0};
    collio_object *group = NULL;
    const char *name = NULL;
    PyThreadState *saved;

    options.track_order = h5_wants_order(a->track_order);
    options.track_times = a->track_times == Py_None ? 0 : PyObject_IsTrue(a->track_times);
    if (options.track_order < 0 || options.track_times < 0 ||
        h5_attribute_room(a->attributes, &options.attributes) < 0 ||
        (a->name != Py_None && arg_name(a->name, &name) < 0))
        joint_fail(j);
    saved = io_enter();
    collio_group_create_with(self->object, name, &options, &group, &j->err);
    io_leave(saved);
    return joint_end(j) < 0 ? NULL : h5_wrap(self->file, group);
}

PyDoc_STRVAR(create_group_doc,
             "create_group($self, name, track_order=None, *, track_times=False)\n--\n\n"
             "Create a group, and those on the way to it that are missing. Collective.\n\n"
             "  name         None: none; assign the group to one, or it is gone with this object\n"
             "  track_order  keep names and attributes in the order in which they come; None: as\n"
             "               get_config().track_order says\n"
             "  track_times  keep the time of creation");

static PyObject *group_create_group(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                    PyObject *keywords)
{
    static const param rows[] = {{"name", arg_object, offsetof(name_args, name)},
                                 {"|track_order", arg_object, offsetof(name_args, track_order)},
                                 {"$track_times", arg_object, offsetof(name_args, track_times)},
                                 {"$_attributes", arg_object, offsetof(name_args, attributes)},
                                 {NULL, NULL, 0}};
    name_args a = {Py_None, Py_None, Py_None, Py_None};
    joint j;

    if (h5_ready((h5object *)self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("create_group", rows, &a, args, nargs, keywords) < 0)
        joint_fail(&j);
    return create_group((h5object *)self, &a, &j);
}

/* Whether a name is a link that leads to no object. */
static int leads_nowhere(h5object *group, const char *name)
{
    PyObject *link = name[0] == '\0' ? NULL : h5_link(group, name, Py_None, 0);
    int result = link != NULL && link != Py_None;

    PyErr_Clear();
    Py_XDECREF(link);
    return result;
}

PyDoc_STRVAR(require_group_doc,
             "require_group($self, name)\n--\n\nThe group of that name, created if it is not "
             "there. Collective.");

static PyObject *group_require_group(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *keywords)
{
    static const param rows[] = {{"name", arg_object, 0}, {NULL, NULL, 0}};
    h5object *group = (h5object *)self;
    name_args a = {Py_None, Py_None, Py_None, Py_None};
    const char *name = "";
    collio_kind kind;
    joint j;

    if (h5_ready(group) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("require_group", rows, &a.name, args, nargs, keywords) < 0 ||
        arg_name(a.name, &name) < 0) {
        joint_fail(&j);
        a.name = Py_None;
    }
    kind = h5_find(group, name);
    if (j.err.code == COLLIO_OK && kind == COLLIO_KIND_NONE && leads_nowhere(group, name)) {
        PyErr_Format(PyExc_KeyError, "Unable to open object (the link '%s' leads nowhere)", name);
        joint_fail(&j);
    }
    if (j.err.code == COLLIO_OK && kind == COLLIO_KIND_GROUP)
        return h5_agree_existing(group, "require_group", name, h5_open(group, name), &j);
    if (j.err.code == COLLIO_OK && kind != COLLIO_KIND_NONE)
        collio_error_set(&j.err, COLLIO_ERR_TYPE, "Incompatible object (%s) already exists",
                         kind == COLLIO_KIND_DATASET ? "Dataset" : "Datatype");
    return create_group(group, &a, &j);
}

/* ------------------------------------------------------------------ looking up */

static PyObject *group_get_item(PyObject *self, PyObject *key)
{
    const char *name;

    if (h5_is_reference(key))
        return h5_open_reference((h5object *)self, key);
    if (!PyUnicode_Check(key) && !PyBytes_Check(key))
        return PyErr_Format(PyExc_TypeError, "Accessing a group is done with bytes or str, not %R",
                            Py_TYPE(key));
    return arg_name(key, &name) < 0 ? NULL : h5_open((h5object *)self, name);
}

/* A name counts as there also when it is a link that leads nowhere. */
static int group_contains(PyObject *self, PyObject *key)
{
    h5object *group = (h5object *)self;
    PyObject *link;
    const char *name;
    int found;

    if (arg_name(key, &name) < 0)
        return -1;
    if (!PyObject_IsTrue(self) || name[0] == '\0')
        return 0;
    if (h5_find(group, name) != COLLIO_KIND_NONE)
        return 1;
    link = h5_link(group, name, Py_None, 0);
    found = link == NULL ? -1 : link != Py_None;
    Py_XDECREF(link);
    return found;
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

/* ---------------------------------------------------------------- the class */

static PyObject *group_repr(PyObject *object)
{
    h5object *self = (h5object *)object;

    if (self->file->handle == NULL)
        return PyUnicode_FromString("<Closed HDF5 group>");
    if (collio_object_name(self->object)[0] == '\0')
        return PyUnicode_FromFormat("<HDF5 group (anonymous) (%zd members)>", group_length(object));
    return PyUnicode_FromFormat("<HDF5 group \"%s\" (%zd members)>",
                                collio_object_name(self->object), group_length(object));
}

static PyMethodDef group_methods[] = {
    {"create_group", FAST(group_create_group), FASTCALL, create_group_doc},
    {"require_group", FAST(group_require_group), FASTCALL, require_group_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(group_doc,
             "A group of an HDF5 file: a mapping of names to groups and datasets.\n\n"
             "Names are relative to the group, or absolute if they begin with '/'. Looking up is\n"
             "not collective; creating and deleting is, with the same arguments on all ranks.");

static PyType_Slot group_slots[] = {
    {Py_tp_doc, (void *)group_doc},    {Py_tp_new, h5_new_from},
    {Py_tp_repr, group_repr},          {Py_tp_iter, group_iter},
    {Py_mp_subscript, group_get_item}, {Py_mp_ass_subscript, h5_assign},
    {Py_mp_length, group_length},      {Py_sq_contains, group_contains},
    {Py_tp_methods, group_methods},    {0, NULL},
};

PyType_Spec H5Group_spec = {
    .name = "collio.Group",
    .basicsize = sizeof(h5object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = group_slots,
};
