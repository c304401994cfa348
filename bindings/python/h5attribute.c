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

/* What an attribute is; -1 with an exception. */
static int facts_of(h5object *of, const char *name, collio_attribute_facts *facts)
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

    if (arg_name(key, &name) < 0 || facts_of(of, name, &facts) < 0)
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
        facts_of(of, name, &facts) < 0)
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

/* ---------------------------------------------------------------------- write */

/* Something to write: a text, or elements without gaps, or (`empty`) none of a type. */
typedef struct value {
    const char *text;
    int empty, keep_form;
    collio_type type;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    PyObject *keep; /* what the view and its pointers are in */
    array_view view;
} value;

static int text_of(PyObject *data, value *v)
{
    Py_ssize_t size;

    v->text = PyUnicode_AsUTF8AndSize(data, &size);
    if (v->text == NULL)
        return -1;
    if ((size_t)size == strlen(v->text))
        return 0;
    PyErr_SetString(PyExc_ValueError, "VLEN strings do not support embedded NULLs");
    return -1;
}

/* Whether NumPy makes plain numbers of it without a question. */
static int is_plain(PyObject *data)
{
    PyObject *dtype = array_dtype_of(data);

    if (dtype != NULL)
        return array_plain_type(dtype) != COLLIO_TYPE_COUNT;
    return PyFloat_CheckExact(data) || PyLong_CheckExact(data) || PyBool_Check(data) ||
           PyComplex_CheckExact(data);
}

static int plain_of(PyObject *data, value *v)
{
    int is_array = array_dtype_of(data) != NULL;

    if (is_array)
        v->keep = memory_call("numpy", "asarray", "(OOs)", data, Py_None, "C");
    if ((is_array && v->keep == NULL) || memory_view(is_array ? v->keep : data, NULL, &v->view) < 0)
        return -1;
    v->type = v->view.type;
    v->ndim = v->view.ndim;
    memcpy(v->shape, v->view.shape, sizeof v->shape);
    return 0;
}

/* Take over (memory, number of a type, extents, what it points to). Steals. */
static int take_prepared(PyObject *prepared, value *v)
{
    PyObject *array, *shape, *pointed;
    int type;

    v->keep = prepared;
    if (prepared == NULL || !PyArg_ParseTuple(prepared, "OiOO", &array, &type, &shape, &pointed))
        return -1;
    v->type = (collio_type)type;
    v->empty = array == Py_None;
    if (v->empty)
        return 0;
    v->ndim = memory_extents(shape, "shape", v->shape);
    return v->ndim < 0 ? -1 : array_view_any(array, 0, &v->view);
}

static int value_of(PyObject *data, PyObject *dtype, PyObject *shape, value *v)
{
    int as_is = dtype == Py_None && shape == Py_None;

    if (as_is && PyUnicode_CheckExact(data))
        return text_of(data, v);
    if (as_is && is_plain(data))
        return plain_of(data, v);
    return take_prepared(memory_call("collio._attributes", "prepare", "(OOO)", data, dtype, shape),
                         v);
}

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

static int write_value(h5object *of, const char *name, const value *v, joint *j)
{
    PyThreadState *saved = io_enter();

    if (v->text != NULL)
        collio_attribute_write_text(of->object, name, v->text, &j->err);
    else if (v->empty || v->view.keep == NULL)
        collio_attribute_write_empty(of->object, name, v->type, &j->err);
    else if (v->keep_form)
        collio_attribute_modify(of->object, name, v->type, v->ndim, v->shape, v->view.data,
                                &j->err);
    else
        collio_attribute_write(of->object, name, v->type, v->ndim, v->shape, v->view.data, &j->err);
    io_leave(saved);
    return end_change(of, j);
}

static void release(value *v)
{
    array_view_release(&v->view);
    Py_CLEAR(v->keep);
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
    value v = {.text = NULL};
    int result;

    if (j->err.code == COLLIO_OK && value_of(a->data, a->dtype, a->shape, &v) < 0)
        joint_fail(j);
    result = write_value(of, a->name, &v, j);
    release(&v);
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

/* The value for an attribute that is there, in its own form; any if it is not. */
static int value_like(h5object *of, const char *name, PyObject *data, value *v)
{
    collio_attribute_facts facts;
    PyObject *shape, *prepared = NULL;

    if (facts_of(of, name, &facts) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError))
            return -1;
        PyErr_Clear();
        return value_of(data, Py_None, Py_None, v);
    }
    if (facts.kind == COLLIO_ATTRIBUTE_EMPTY) {
        PyErr_SetString(PyExc_OSError, "Empty attributes can't be modified");
        return -1;
    }
    v->keep_form = 1;
    shape = memory_tuple(facts.ndim, facts.shape);
    if (shape != NULL)
        prepared = memory_call("collio._attributes", "prepare_like", "(OiO)", data,
                               (int)facts.stored, shape);
    Py_XDECREF(shape);
    return take_prepared(prepared, v);
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
    value v = {.text = NULL};
    int result;
    joint j;

    if (h5_ready(of) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("modify", rows, &a, args, nargs, keywords) < 0 ||
        value_like(of, a.name, a.data, &v) < 0)
        joint_fail(&j);
    result = write_value(of, a.name, &v, &j);
    release(&v);
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
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(attributes_doc,
             "The attributes of a file, group or dataset: a mapping of names to numbers, texts,\n"
             "arrays of any dtype, and Empty. Looking is not collective; setting and deleting is, "
             "with the same values\n"
             "on all ranks.");

static PyType_Slot attributes_slots[] = {
    {Py_tp_doc, (void *)attributes_doc},
    {Py_tp_dealloc, attributes_dealloc},
    {Py_tp_repr, attributes_repr},
    {Py_tp_iter, attributes_iter},
    {Py_mp_subscript, attributes_get_item},
    {Py_mp_ass_subscript, attributes_assign},
    {Py_mp_length, attributes_length},
    {Py_sq_contains, attributes_contains},
    {Py_tp_methods, attributes_methods},
    {Py_tp_richcompare, attributes_compare},
    {Py_tp_hash, PyObject_HashNotImplemented},
    {0, NULL},
};

PyType_Spec Attributes_spec = {
    .name = "collio.Attributes",
    .basicsize = sizeof(attributes),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = attributes_slots,
};
