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

    if (h5_ready(of) < 0)
        return NULL;
    type = state_of((PyObject *)of)->types[TYPE_Attributes];
    self = (attributes *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->of = (h5object *)Py_NewRef(of);
    return (PyObject *)self;
}

/* ----------------------------------------------------------------------- read */

static PyObject *read_numbers(h5object *of, const char *name, const collio_attribute_facts *facts)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    void *data = NULL;
    PyObject *array = array_new(facts->type, facts->ndim, facts->shape, &data);

    if (array == NULL)
        return NULL;
    saved = io_enter();
    collio_attribute_read(of->object, name, facts->type, data, &err);
    io_leave(saved);
    if (err.code == COLLIO_OK)
        return array_scalar(array);
    Py_DECREF(array);
    return raise_from(&err);
}

static PyObject *read_text(h5object *of, const char *name)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyObject *result = NULL;
    PyThreadState *saved;
    char *text = NULL;

    saved = io_enter();
    collio_attribute_read_text(of->object, name, &text, &err);
    io_leave(saved);
    if (text != NULL)
        result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
    else
        raise_from(&err);
    collio_text_free(&text);
    return result;
}

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

static PyObject *attributes_get_item(PyObject *object, PyObject *key)
{
    h5object *of = ((attributes *)object)->of;
    collio_attribute_facts facts;
    const char *name;

    if (arg_text(key, &name) < 0 || facts_of(of, name, &facts) < 0)
        return NULL;
    if (facts.kind == COLLIO_ATTRIBUTE_NUMBERS)
        return read_numbers(of, name, &facts);
    if (facts.kind == COLLIO_ATTRIBUTE_TEXT)
        return read_text(of, name);
    return PyErr_Format(PyExc_NotImplementedError, "attribute '%s' is %s", name,
                        facts.kind == COLLIO_ATTRIBUTE_EMPTY ? "empty" : "of an unknown type");
}

/* ---------------------------------------------------------------------- write */

/* Something to write: a text, or numbers without gaps. */
typedef struct value {
    const char *text; /* NULL: numbers */
    PyObject *keep;
    array_view view;
} value;

/* The data as a C-ordered array of a type and shape (either may be None). New. */
static PyObject *as_array(PyObject *data, PyObject *dtype, PyObject *shape)
{
    PyObject *array = memory_call("numpy", "asarray", "(OOs)", data, dtype, "C");

    if (array != NULL && shape != Py_None)
        Py_SETREF(array, PyObject_CallMethod(array, "reshape", "(O)", shape));
    return array;
}

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

static int value_of(PyObject *data, PyObject *dtype, PyObject *shape, value *v)
{
    if (PyUnicode_Check(data) && dtype == Py_None && shape == Py_None)
        return text_of(data, v);
    v->keep = as_array(data, dtype, shape);
    if (v->keep == NULL)
        return -1;
    return memory_view(v->keep, NULL, &v->view);
}

static int write_value(h5object *of, const char *name, const value *v, joint *j)
{
    static char zero;
    PyThreadState *saved = io_enter();

    if (v->text != NULL)
        collio_attribute_write_text(of->object, name, v->text, &j->err);
    else if (v->view.keep != NULL)
        collio_attribute_write(of->object, name, v->view.type, v->view.ndim, v->view.shape,
                               v->view.data, &j->err);
    else
        collio_attribute_write(of->object, name, COLLIO_UINT8, 0, NULL, &zero, &j->err);
    io_leave(saved);
    return joint_end(j);
}

static int delete_name(h5object *of, PyObject *key)
{
    const char *name = "";
    PyThreadState *saved;
    joint j;

    joint_begin(&j);
    if (arg_text(key, &name) < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_attribute_delete(of->object, name, &j.err);
    io_leave(saved);
    return joint_end(&j);
}

typedef struct create_args {
    const char *name;
    PyObject *data;
    PyObject *shape;
    PyObject *dtype;
} create_args;

static int create(h5object *of, const create_args *a, joint *j)
{
    value v = {.text = NULL, .keep = NULL, .view = {.keep = NULL}};
    int result;

    if (j->err.code == COLLIO_OK && value_of(a->data, a->dtype, a->shape, &v) < 0)
        joint_fail(j);
    result = write_value(of, a->name, &v, j);
    array_view_release(&v.view);
    Py_XDECREF(v.keep);
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
    if (arg_text(key, &a.name) < 0)
        joint_fail(&j);
    return create(of, &a, &j);
}

PyDoc_STRVAR(create_doc,
             "create($self, name, data, shape=None, dtype=None)\n--\n\nWrite an attribute, as "
             "attrs[name] = data does, with a shape and type. Collective.");

static PyObject *attributes_create(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, offsetof(create_args, name)},
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

/* Shape and type of the attribute that is there, if it holds numbers. */
static int keep_form(h5object *of, create_args *a)
{
    collio_attribute_facts facts;

    if (h5_ready(of) < 0 || facts_of(of, a->name, &facts) < 0)
        return PyErr_ExceptionMatches(PyExc_KeyError) ? (PyErr_Clear(), 0) : -1;
    if (facts.kind != COLLIO_ATTRIBUTE_NUMBERS)
        return 0;
    a->shape = memory_tuple(facts.ndim, facts.shape);
    a->dtype = array_dtype(facts.type);
    return a->shape == NULL || a->dtype == NULL ? -1 : 0;
}

PyDoc_STRVAR(modify_doc, "modify($self, name, value)\n--\n\nChange the value of an attribute, but "
                         "not its shape and type; one that is not\nthere is created. Collective.");

static PyObject *attributes_modify(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, offsetof(create_args, name)},
                                 {"value", arg_object, offsetof(create_args, data)},
                                 {NULL, NULL, 0}};
    h5object *of = ((attributes *)object)->of;
    create_args a = {"", NULL, NULL, NULL};
    int result;
    joint j;

    if (h5_ready(of) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("modify", rows, &a, args, nargs, keywords) < 0 || keep_form(of, &a) < 0)
        joint_fail(&j);
    a.shape = a.shape != NULL ? a.shape : Py_NewRef(Py_None);
    a.dtype = a.dtype != NULL ? a.dtype : Py_NewRef(Py_None);
    result = create(of, &a, &j);
    Py_DECREF(a.shape);
    Py_DECREF(a.dtype);
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

    if (h5_ready(of) < 0 || arg_text(key, &name) < 0)
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

PyDoc_STRVAR(get_doc, "get($self, name, default=None, /)\n--\n\nThe value, or the default if there "
                      "is no such attribute. Not collective.");

static PyObject *attributes_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    int found;

    if (nargs < 1 || nargs > 2)
        return PyErr_Format(PyExc_TypeError, "get() takes 1 or 2 arguments (%zd given)", nargs);
    found = attributes_contains(self, args[0]);
    if (found < 0)
        return NULL;
    if (!found)
        return Py_NewRef(nargs == 2 ? args[1] : Py_None);
    return attributes_get_item(self, args[0]);
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
    return PyUnicode_FromFormat("<Attributes of HDF5 object at %p>", ((attributes *)object)->of);
}

static PyMethodDef attributes_methods[] = {
    {"create", FAST(attributes_create), FASTCALL, create_doc},
    {"modify", FAST(attributes_modify), FASTCALL, modify_doc},
    {"get", FAST(attributes_get), METH_FASTCALL, get_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(attributes_doc,
             "The attributes of a file, group or dataset: a mapping of names to numbers, arrays\n"
             "and texts. Looking is not collective; setting and deleting is, with the same values\n"
             "on all ranks.");

static PyType_Slot attributes_slots[] = {
    {Py_tp_doc, (void *)attributes_doc},    {Py_tp_dealloc, attributes_dealloc},
    {Py_tp_repr, attributes_repr},          {Py_tp_iter, attributes_iter},
    {Py_mp_subscript, attributes_get_item}, {Py_mp_ass_subscript, attributes_assign},
    {Py_mp_length, attributes_length},      {Py_sq_contains, attributes_contains},
    {Py_tp_methods, attributes_methods},    {0, NULL},
};

PyType_Spec Attributes_spec = {
    .name = "collio.Attributes",
    .basicsize = sizeof(attributes),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = attributes_slots,
};
