/* MPI.Info: hints, a mapping of texts to texts. */
#include "info.h"

/* ------------------------------------------------------------------------ MPI's names */

PyDoc_STRVAR(get_doc, "Get($self, /, key)\n--\n\nThe value, or None. Not collective.");

static PyObject *info_Get(PyObject *self, PyObject *arg)
{
    return info_lookup(self, arg, info_mpi_count);
}

/* As a mapping, no hints take none. */
static int store(PyObject *self, PyObject *key, PyObject *value)
{
    if (info_of(self) != MPI_INFO_NULL)
        return info_put(self, key, value);
    PyErr_SetObject(PyExc_KeyError, key);
    return -1;
}

PyDoc_STRVAR(set_doc, "Set($self, /, key, value)\n--\n\nStore a value. Not collective.");

typedef struct set_args {
    PyObject *key, *value;
} set_args;

static PyObject *info_Set(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *keywords)
{
    static const param rows[] = {{"key", arg_object, offsetof(set_args, key)},
                                 {"value", arg_object, offsetof(set_args, value)},
                                 {NULL, NULL, 0}};
    set_args a;

    if (args_parse("Set", rows, &a, args, nargs, keywords) < 0 ||
        info_put(self, a.key, a.value) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(delete_doc, "Delete($self, /, key)\n--\n\nRemove a key. Not collective.");

static PyObject *info_Delete(PyObject *self, PyObject *arg)
{
    PyObject *value = life_usable() ? NULL : info_lookup(self, arg, info_mpi_count);
    const int missing = value == Py_None;
    const char *key;

    Py_XDECREF(value);
    if (PyErr_Occurred() || info_take_key(self, arg, &key) < 0 ||
        info_refuse_early(missing, MPI_ERR_INFO_NOKEY, "MPI_Info_delete") < 0 ||
        info_refuse_fixed(self, "MPI_Info_delete") < 0 ||
        mpi_failed(MPI_Info_delete(info_of(self), key), "MPI_Info_delete") < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(get_nkeys_doc, "Get_nkeys($self, /)\n--\n\nNumber of keys. Not collective.");

static PyObject *info_Get_nkeys(PyObject *self, PyObject *Py_UNUSED(none))
{
    int n = info_mpi_count(self);

    return n < 0 ? NULL : PyLong_FromLong(n);
}

PyDoc_STRVAR(get_nthkey_doc, "Get_nthkey($self, /, n)\n--\n\nThe n-th key. Not collective.");

static PyObject *info_Get_nthkey(PyObject *self, PyObject *arg)
{
    int n;

    if (info_ready(self) < 0 || arg_int(arg, &n) < 0 ||
        info_refuse_early(n < 0 || n >= info_mpi_count(self), MPI_ERR_ARG, "MPI_Info_get_nthkey") <
            0)
        return NULL;
    return info_key_at(self, n);
}

PyDoc_STRVAR(dup_doc, "Dup($self, /)\n--\n\nA copy. Not collective.");

static PyObject *info_Dup(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Info info;

    if (info_ready(self) < 0 || mpi_failed(MPI_Info_dup(info_of(self), &info), "MPI_Info_dup") < 0)
        return NULL;
    return handle_own(Py_TYPE(self), KIND_info, (any_handle){.info = info});
}

PyDoc_STRVAR(free_doc, "Free($self, /)\n--\n\nFree the hints. Not collective.");

static PyObject *info_Free(PyObject *self, PyObject *Py_UNUSED(none))
{
    if (info_ready(self) < 0 ||
        (info_of(self) == MPI_INFO_ENV && mpi_failed(MPI_ERR_INFO, "MPI_Info_free") < 0) ||
        mpi_failed(MPI_Info_free(&((handle *)self)->mpi.info), "MPI_Info_free") < 0)
        return NULL;
    handle_freed((handle *)self);
    Py_RETURN_NONE;
}

/* --------------------------------------------------------------- as a mapping */

/* Store all pairs of a mapping or of a sequence of pairs. */
static int update(PyObject *self, PyObject *items)
{
    PyObject *pairs = PyDict_New(), *key, *value;
    Py_ssize_t at = 0;
    int failed = pairs == NULL;

    if (!failed && PyObject_HasAttrString(items, "keys"))
        failed = PyDict_Update(pairs, items) < 0;
    else if (!failed)
        failed = PyDict_MergeFromSeq2(pairs, items, 1) < 0;
    while (!failed && PyDict_Next(pairs, &at, &key, &value))
        failed = store(self, key, value) < 0;
    Py_XDECREF(pairs);
    return failed ? -1 : 0;
}

PyDoc_STRVAR(create_doc, "Create($type, /, items=None)\n--\n\nNew hints, from a mapping if given. "
                         "Not collective.");

static PyObject *info_Create(PyObject *cls, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    static const param rows[] = {{"|items", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *items = Py_None, *self;
    MPI_Info info;

    if (mpi_ready_early(state_of_class(cls)) < 0 ||
        args_parse("Create", rows, &items, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Info_create(&info), "MPI_Info_create") < 0)
        return NULL;
    self = handle_own((PyTypeObject *)cls, KIND_info, (any_handle){.info = info});
    if (self != NULL && items != Py_None && update(self, items) < 0)
        Py_CLEAR(self);
    return self;
}

enum { KEYS, VALUES, ITEMS };

static PyObject *entry(PyObject *self, int i, int what)
{
    PyObject *key = info_key_at(self, i), *value;

    if (key == NULL || what == KEYS)
        return key;
    value = info_lookup(self, key, info_count);
    if (what == ITEMS)
        return value != NULL ? Py_BuildValue("(NN)", key, value) : (Py_DECREF(key), NULL);
    Py_DECREF(key);
    return value;
}

static PyObject *entries(PyObject *self, int what)
{
    int n = info_count(self);
    PyObject *list = n < 0 ? NULL : PyList_New(n), *item;

    for (int i = 0; list != NULL && i < n; i++) {
        item = entry(self, i, what);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

PyDoc_STRVAR(keys_doc, "keys($self, /)\n--\n\nList of the keys.");

static PyObject *info_keys(PyObject *self, PyObject *Py_UNUSED(none))
{
    return entries(self, KEYS);
}

PyDoc_STRVAR(values_doc, "values($self, /)\n--\n\nList of the values.");

static PyObject *info_values(PyObject *self, PyObject *Py_UNUSED(none))
{
    return entries(self, VALUES);
}

PyDoc_STRVAR(items_doc, "items($self, /)\n--\n\nList of (key, value).");

static PyObject *info_items(PyObject *self, PyObject *Py_UNUSED(none))
{
    return entries(self, ITEMS);
}

PyDoc_STRVAR(lower_get_doc, "get($self, /, key, default=None)\n--\n\nThe value, or the default.");

static PyObject *info_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *keywords)
{
    static const param rows[] = {{"key", arg_object, offsetof(set_args, key)},
                                 {"|default", arg_object, offsetof(set_args, value)},
                                 {NULL, NULL, 0}};
    set_args a = {NULL, Py_None};
    PyObject *value;

    if (args_parse("get", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    value = info_lookup(self, a.key, info_count);
    if (value == Py_None)
        Py_SETREF(value, Py_NewRef(a.value));
    return value;
}

PyDoc_STRVAR(update_doc, "update($self, items=(), /, **kwds)\n--\n\nStore all pairs.");

static PyObject *info_update(PyObject *self, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) > 1)
        return PyErr_Format(PyExc_TypeError, "update() takes at most 1 argument");
    if (PyTuple_GET_SIZE(args) == 1 && update(self, PyTuple_GET_ITEM(args, 0)) < 0)
        return NULL;
    if (keywords != NULL && update(self, keywords) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static Py_ssize_t info_length(PyObject *self)
{
    return info_count(self);
}

static PyObject *info_item(PyObject *self, PyObject *arg)
{
    PyObject *value = info_lookup(self, arg, info_count);

    if (value != Py_None)
        return value;
    Py_DECREF(value);
    PyErr_SetObject(PyExc_KeyError, arg);
    return NULL;
}

static int info_store(PyObject *self, PyObject *key, PyObject *value)
{
    PyObject *old;

    if (value != NULL)
        return store(self, key, value);
    old = info_item(self, key);
    if (old == NULL)
        return -1;
    Py_DECREF(old);
    old = info_Delete(self, key);
    Py_XDECREF(old);
    return old == NULL ? -1 : 0;
}

static int info_contains(PyObject *self, PyObject *key)
{
    PyObject *value = info_lookup(self, key, info_count);
    int found = value != Py_None;

    Py_XDECREF(value);
    return value == NULL ? -1 : found;
}

static PyObject *info_iter(PyObject *self)
{
    PyObject *keys = entries(self, KEYS), *iterator = NULL;

    if (keys != NULL)
        iterator = PyObject_GetIter(keys);
    Py_XDECREF(keys);
    return iterator;
}

static int info_bool(PyObject *self)
{
    return info_of(self) != MPI_INFO_NULL;
}

PyDoc_STRVAR(copy_doc, "copy($self, /)\n--\n\nA copy. Not collective.");

/* A copy of no hints is hints, none of them. */
static PyObject *info_copy(PyObject *self, PyObject *none)
{
    if (info_of(self) != MPI_INFO_NULL)
        return info_Dup(self, none);
    return handle_make(Py_TYPE(self), KIND_info, handle_null(KIND_info));
}

PyDoc_STRVAR(pop_doc, "pop($self, key, /, *default)\n--\n\nRemove a key; its value, or the "
                      "default if it is not there.");

static PyObject *info_pop(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *value, *done;

    if (nargs < 1)
        return PyErr_Format(PyExc_TypeError, "pop() missing required argument 'key'");
    if (nargs > 2)
        return PyErr_Format(PyExc_ValueError, "pop() takes one default, %zd given", nargs - 1);
    value = info_lookup(self, args[0], info_count);
    if (value == Py_None && nargs == 2) {
        Py_SETREF(value, Py_NewRef(args[1]));
    } else if (value == Py_None) {
        Py_CLEAR(value);
        PyErr_SetObject(PyExc_KeyError, args[0]);
    } else if (value != NULL) {
        done = info_Delete(self, args[0]);
        if (done == NULL)
            Py_CLEAR(value);
        Py_XDECREF(done);
    }
    return value;
}

PyDoc_STRVAR(popitem_doc, "popitem($self, /)\n--\n\nRemove the last pair; KeyError if there is "
                          "none.");

static PyObject *info_popitem(PyObject *self, PyObject *Py_UNUSED(none))
{
    int n = info_count(self);
    PyObject *pair = n > 0 ? entry(self, n - 1, ITEMS) : NULL, *done;

    if (n == 0)
        return PyErr_Format(PyExc_KeyError, "popitem(): no hints");
    if (pair == NULL)
        return NULL;
    done = info_Delete(self, PyTuple_GET_ITEM(pair, 0));
    if (done == NULL)
        Py_CLEAR(pair);
    Py_XDECREF(done);
    return pair;
}

PyDoc_STRVAR(clear_doc, "clear($self, /)\n--\n\nRemove all keys.");

static PyObject *info_clear(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyObject *keys = entries(self, KEYS), *done = NULL;

    if (keys == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys); i++) {
        done = info_Delete(self, PyList_GET_ITEM(keys, i));
        Py_XDECREF(done);
        if (done == NULL)
            break;
    }
    Py_DECREF(keys);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *info_reduce(PyObject *self)
{
    PyObject *create = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "Create");
    PyObject *items = PyObject_CallMethod(self, "items", NULL), *result = NULL;

    if (create != NULL && items != NULL)
        result = Py_BuildValue("(O(O))", create, items);
    Py_XDECREF(create);
    Py_XDECREF(items);
    return result;
}

/* clang-format off */
const row_method info_rows[] = {
    {"Get", get_doc, method_one, "key", {.one = info_Get}, 0, 0},
    {"Delete", delete_doc, method_one, "key", {.one = info_Delete}, 0, 0},
    {"Get_nthkey", get_nthkey_doc, method_one, "n", {.one = info_Get_nthkey}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef info_methods[] = {
    {"Create", FAST(info_Create), FASTCALL | METH_CLASS, create_doc},
    {"Free", info_Free, METH_NOARGS, free_doc},
    {"Dup", info_Dup, METH_NOARGS, dup_doc},
    {"copy", info_copy, METH_NOARGS, copy_doc},
    {"pop", FAST(info_pop), METH_FASTCALL, pop_doc},
    {"popitem", info_popitem, METH_NOARGS, popitem_doc},
    {"clear", info_clear, METH_NOARGS, clear_doc},
    {"Set", FAST(info_Set), FASTCALL, set_doc},
    {"Get_nkeys", info_Get_nkeys, METH_NOARGS, get_nkeys_doc},
    {"get", FAST(info_get), FASTCALL, lower_get_doc},
    {"keys", info_keys, METH_NOARGS, keys_doc},
    {"values", info_values, METH_NOARGS, values_doc},
    {"items", info_items, METH_NOARGS, items_doc},
    {"update", FAST(info_update), METH_VARARGS | METH_KEYWORDS, update_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(info_doc, "Info(info=None)\n--\n\nHints for MPI, a mapping of str to str.");

/* clang-format off */
static PyType_Slot info_slots[] = {
    {Py_tp_doc, (void *)info_doc},       {Py_tp_methods, info_methods},
    {Py_tp_iter, info_iter},             {Py_mp_length, info_length},
    {Py_mp_subscript, info_item},        {Py_mp_ass_subscript, info_store},
    {Py_sq_contains, info_contains},     {Py_nb_bool, info_bool},
    {0, NULL},
};
/* clang-format on */

PyType_Spec Info_spec = {
    .name = "collio.MPI.Info",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = info_slots,
};
