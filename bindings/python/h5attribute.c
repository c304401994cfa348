/* collio.Attributes: what obj.attrs gives, a mapping of names to small values. */
#include "h5.h"

#include <string.h>

typedef struct attributes {
    PyObject_HEAD
    h5object *of;
} attributes;

PyObject *h5_attributes(h5object *of)
{
    PyTypeObject *type;
    attributes *self;

    if (of == &of->file->base && h5_ready(of) < 0)
        return NULL; /* of others there is an object that says that they are closed, as in h5py */
    type = state_of((PyObject *)of)->types[TYPE_Attributes];
    self = (attributes *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->of = (h5object *)Py_NewRef(of);
    return (PyObject *)self;
}

/* ----------------------------------------------------------------------- read */

int h5_attribute_facts(h5object *of, const char *name, collio_attribute_facts *facts)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;

    if (h5_ready(of) < 0)
        return -1;
    saved = io_enter();
    collio_attribute_info(of->object, name, facts, &err);
    io_leave(saved);
    if (err.code == COLLIO_OK)
        return 0;
    if (err.code == COLLIO_ERR_KEY) /* in the words of h5py */
        PyErr_Format(PyExc_KeyError, "Can't open attribute (can't locate attribute: '%s')", name);
    else
        raise_from(&err);
    return -1;
}

/* Read elements as an array; texts as str, one element as what it is. New. */
static PyObject *read_elements(h5object *of, const char *name, const collio_attribute_facts *facts)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    PyObject *array;
    h5room room;

    if (h5_room(NULL, facts->stored, facts->ndim, facts->shape, &room) < 0)
        return NULL;
    saved = io_enter();
    collio_attribute_read(of->object, name, room.memory.type, room.memory.data, &err);
    io_leave(saved);
    array = h5_room_take(&room, err.code == COLLIO_OK);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    if (array == NULL || facts->kind == COLLIO_ATTRIBUTE_NUMBERS)
        return array == NULL ? NULL : array_scalar(array);
    Py_SETREF(array, memory_call("collio._attributes", "finish", "(O)", array));
    return array;
}

static PyObject *attributes_get_item(PyObject *object, PyObject *key)
{
    h5object *of = ((attributes *)object)->of;
    collio_attribute_facts facts;
    PyObject *dtype, *empty;
    const char *name;

    if (arg_name(key, &name) < 0 || h5_attribute_facts(of, name, &facts) < 0)
        return NULL;
    if (facts.kind != COLLIO_ATTRIBUTE_EMPTY)
        return read_elements(of, name, &facts);
    dtype = h5_dtype(facts.stored);
    empty = dtype == NULL ? NULL : memory_call("collio._types", "Empty", "(O)", dtype);
    Py_XDECREF(dtype);
    return empty;
}

PyDoc_STRVAR(get_id_doc, "get_id($self, name)\n--\n\nWhat the attribute is: an object with its "
                         "name, dtype and shape. Not collective.");

static PyObject *attributes_get_id(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"name", arg_object, 0}, {NULL, NULL, 0}};
    h5object *of = ((attributes *)object)->of;
    collio_attribute_facts facts;
    PyObject *key = NULL, *dtype, *shape, *id = NULL;
    const char *name;

    if (args_parse("get_id", rows, &key, args, nargs, keywords) < 0 || arg_name(key, &name) < 0 ||
        h5_attribute_facts(of, name, &facts) < 0)
        return NULL;
    dtype = h5_dtype(facts.stored);
    shape = facts.kind == COLLIO_ATTRIBUTE_EMPTY ? Py_NewRef(Py_None)
                                                 : memory_tuple(facts.ndim, facts.shape);
    if (dtype != NULL && shape != NULL)
        id = memory_call("collio._attributes", "AttrID", "(OOOO)", object, key, dtype, shape);
    Py_XDECREF(dtype);
    Py_XDECREF(shape);
    return id;
}

static PyObject *attributes_shared_type(PyObject *object, PyObject *key)
{
    const char *name;

    return arg_name(key, &name) < 0 ? NULL : h5_shared_type(((attributes *)object)->of, name);
}

/* ---------------------------------------------------------------------- write */

/* h5py raises OSError for what HDF5 refuses. */
static int end_change(h5object *of, joint *j)
{
    int readable_only = of->file->handle != NULL && !collio_file_is_writable(of->file->handle);
    int too_large = j->err.code == COLLIO_ERR_HDF5 && strstr(j->err.text, "is the limit") != NULL;

    if ((j->err.code == COLLIO_ERR_HDF5 && !too_large) ||
        (j->err.code == COLLIO_ERR_VALUE && readable_only))
        j->err.code = COLLIO_ERR_OS;
    return joint_end(j);
}

/*   named  in  a type to be shared, or NULL */
static int write_value(h5object *of, const char *name, const h5value *v, collio_object *named,
                       joint *j)
{
    PyThreadState *saved = io_enter();

    if (v->text != NULL)
        collio_attribute_write_text(of->object, name, v->text, &j->err);
    else if (v->empty || v->view.keep == NULL)
        collio_attribute_write_empty(of->object, name, v->type, &j->err);
    else if (v->keep_form)
        collio_attribute_modify(of->object, name, v->type, v->ndim, v->shape, v->view.data,
                                &j->err);
    else if (named != NULL)
        collio_attribute_write_named(of->object, name, named, v->type, v->ndim, v->shape,
                                     v->view.data, &j->err);
    else
        collio_attribute_write(of->object, name, v->type, v->ndim, v->shape, v->view.data, &j->err);
    io_leave(saved);
    return end_change(of, j);
}

static int delete_name(h5object *of, PyObject *key)
{
    const char *name = "";
    PyThreadState *saved;
    joint j;

    joint_begin(&j);
    if (arg_name(key, &name) < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_attribute_delete(of->object, name, &j.err);
    io_leave(saved);
    if (j.err.code == COLLIO_ERR_VALUE && strstr(j.err.text, "for reading only") != NULL)
        j.err.code = COLLIO_ERR_KEY; /* as in h5py */
    return end_change(of, &j);
}

typedef struct create_args {
    const char *name;
    PyObject *data;
    PyObject *shape;
    PyObject *dtype;
} create_args;

static int create(h5object *of, const create_args *a, joint *j)
{
    h5value v = {.text = NULL};
    int result;

    if (j->err.code == COLLIO_OK && h5_value(a->data, a->dtype, a->shape, &v) < 0)
        joint_fail(j);
    result = write_value(of, a->name, &v, h5_named_type(of, a->dtype), j);
    h5_value_release(&v);
    return result;
}

static int attributes_assign(PyObject *object, PyObject *key, PyObject *data)
{
    h5object *of = ((attributes *)object)->of;
    create_args a = {"", data, Py_None, Py_None};
    joint j;

    if (h5_ready(of) < 0)
        return -1;
    if (data == NULL)
        return delete_name(of, key);
    joint_begin(&j);
    if (arg_name(key, &a.name) < 0)
        joint_fail(&j);
    return create(of, &a, &j);
}

PyDoc_STRVAR(create_doc,
             "create($self, name, data, shape=None, dtype=None)\n--\n\nWrite an attribute, as "
             "attrs[name] = data does, with a shape and type. Collective.");

static PyObject *attributes_create(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"name", arg_name, offsetof(create_args, name)},
                                 {"data", arg_object, offsetof(create_args, data)},
                                 {"|shape", arg_object, offsetof(create_args, shape)},
                                 {"|dtype", arg_object, offsetof(create_args, dtype)},
                                 {NULL, NULL, 0}};
    h5object *of = ((attributes *)object)->of;
    create_args a = {"", NULL, Py_None, Py_None};
    joint j;

    if (h5_ready(of) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("create", rows, &a, args, nargs, keywords) < 0)
        joint_fail(&j);
    if (create(of, &a, &j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(modify_doc, "modify($self, name, value)\n--\n\nChange the value of an attribute, but "
                         "not its shape and type; one that is not\nthere is created. Collective.");

static PyObject *attributes_modify(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"name", arg_name, offsetof(create_args, name)},
                                 {"value", arg_object, offsetof(create_args, data)},
                                 {NULL, NULL, 0}};
    h5object *of = ((attributes *)object)->of;
    create_args a = {.name = ""};
    h5value v = {.text = NULL};
    int result;
    joint j;

    if (h5_ready(of) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("modify", rows, &a, args, nargs, keywords) < 0 ||
        h5_value_like(of, a.name, a.data, &v) < 0)
        joint_fail(&j);
    result = write_value(of, a.name, &v, NULL, &j);
    h5_value_release(&v);
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* --------------------------------------------------------------- what there is */

static Py_ssize_t attributes_length(PyObject *object)
{
    h5object *of = ((attributes *)object)->of;
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    int64_t count = 0;

    if (h5_ready(of) < 0)
        return -1;
    saved = io_enter();
    collio_attribute_count(of->object, &count, &err);
    io_leave(saved);
    if (err.code == COLLIO_OK)
        return (Py_ssize_t)count;
    raise_from(&err);
    return -1;
}

static int attributes_contains(PyObject *object, PyObject *key)
{
    h5object *of = ((attributes *)object)->of;
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    const char *name;
    int exists = 0;

    if (h5_ready(of) < 0 || arg_name(key, &name) < 0)
        return -1;
    saved = io_enter();
    collio_attribute_exists(of->object, name, &exists, &err);
    io_leave(saved);
    if (err.code == COLLIO_OK)
        return exists;
    raise_from(&err);
    return -1;
}

static PyObject *attributes_iter(PyObject *object)
{
    PyObject *list = h5_names(((attributes *)object)->of, collio_attribute_names), *iterator;

    if (list == NULL)
        return NULL;
    iterator = PyObject_GetIter(list);
    Py_DECREF(list);
    return iterator;
}

PyDoc_STRVAR(get_doc, "get($self, key, default=None)\n--\n\nThe value, or the default if there "
                      "is no such attribute. Not collective.");

static PyObject *attributes_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *keywords)
{
    static const param rows[] = {
        {"key", arg_object, 0}, {"|default", arg_object, sizeof(PyObject *)}, {NULL, NULL, 0}};
    PyObject *given[2] = {NULL, Py_None};
    int found;

    if (args_parse("get", rows, given, args, nargs, keywords) < 0)
        return NULL;
    found = attributes_contains(self, given[0]);
    if (found < 0)
        return NULL;
    return found ? attributes_get_item(self, given[0]) : Py_NewRef(given[1]);
}

static void attributes_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    Py_CLEAR(((attributes *)object)->of);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *attributes_repr(PyObject *object)
{
    h5object *of = ((attributes *)object)->of;

    if (!PyObject_IsTrue((PyObject *)of))
        return PyUnicode_FromString("<Attributes of closed HDF5 object>");
    return PyUnicode_FromFormat("<Attributes of HDF5 object at %p>", of);
}

/* Names and values, as of other mappings. New. */
static PyObject *as_dict(PyObject *mapping)
{
    PyObject *items = PyObject_CallMethod(mapping, "items", NULL), *dict = NULL;

    if (items != NULL)
        dict = PyObject_CallOneArg((PyObject *)&PyDict_Type, items);
    Py_XDECREF(items);
    return dict;
}

static PyObject *attributes_compare(PyObject *a, PyObject *b, int how)
{
    PyObject *x, *y, *result = NULL;

    if ((how != Py_EQ && how != Py_NE) || !PyMapping_Check(b) ||
        !PyObject_HasAttrString(b, "items"))
        Py_RETURN_NOTIMPLEMENTED;
    if (a == b)
        return PyBool_FromLong(how == Py_EQ);
    x = as_dict(a);
    y = x == NULL ? NULL : as_dict(b);
    if (y != NULL)
        result = PyObject_RichCompare(x, y, how);
    Py_XDECREF(x);
    Py_XDECREF(y);
    return result;
}

static PyMethodDef attributes_methods[] = {
    {"create", FAST(attributes_create), FASTCALL, create_doc},
    {"modify", FAST(attributes_modify), FASTCALL, modify_doc},
    {"get_id", FAST(attributes_get_id), FASTCALL, get_id_doc},
    {"get", FAST(attributes_get), FASTCALL, get_doc},
    {"_shared_type", attributes_shared_type, METH_O,
     "_shared_type($self, name, /)\n--\n\nThe named type of an attribute, or None. Not "
     "collective."},
    {NULL, NULL, 0, NULL},
};

static PyObject *attributes_id(PyObject *object, void *Py_UNUSED(none))
{
    return PyObject_GetAttrString((PyObject *)((attributes *)object)->of, "id");
}

/* Programs for h5py hand this on to its low-level calls. */
static PyGetSetDef attributes_getset[] = {
    {"_id", attributes_id, NULL, "the id of the object that has them", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(attributes_doc,
             "Attributes(parent)\n--\n\n"
             "The attributes of a file, group or dataset: a mapping of names to numbers, texts,\n"
             "arrays of any dtype, and Empty. Looking is not collective; setting and deleting is, "
             "with the same values\n"
             "on all ranks.");

/* Attributes(obj), as obj.attrs. */
static PyObject *attributes_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"parent", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *parent = NULL;

    if (args_parse_tuple(type->tp_name, rows, &parent, args, keywords) < 0)
        return NULL;
    if (!is_a(state_of_class((PyObject *)type), parent, TYPE_H5Object)) {
        raise_type("parent", "a File, Group, Dataset or Datatype", parent);
        return NULL;
    }
    return h5_attributes((h5object *)parent);
}

static PyType_Slot attributes_slots[] = {
    {Py_tp_new, attributes_new},
    {Py_tp_doc, (void *)attributes_doc},
    {Py_tp_dealloc, attributes_dealloc},
    {Py_tp_repr, attributes_repr},
    {Py_tp_iter, attributes_iter},
    {Py_mp_subscript, attributes_get_item},
    {Py_mp_ass_subscript, attributes_assign},
    {Py_mp_length, attributes_length},
    {Py_sq_contains, attributes_contains},
    {Py_tp_methods, attributes_methods},
    {Py_tp_getset, attributes_getset},
    {Py_tp_richcompare, attributes_compare},
    {Py_tp_hash, PyObject_HashNotImplemented},
    {0, NULL},
};

PyType_Spec Attributes_spec = {
    .name = "collio.Attributes",
    .basicsize = sizeof(attributes),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = attributes_slots,
};
