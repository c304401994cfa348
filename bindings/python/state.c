/* collio.State: one step of a checkpoint, open for reading; what there is in it. */
#include "ckpt.h"

int state_ready(state_object *self)
{
    if (self->handle != NULL)
        return 0;
    PyErr_SetString(PyExc_ValueError, "the state is closed");
    return -1;
}

void state_close(state_object *self)
{
    collio_checkpoint_state *taken = self->handle;
    state_object **link = &self->from->states;
    PyThreadState *saved;

    if (taken == NULL)
        return;
    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    self->handle = NULL; /* first, so that no other thread takes it up */
    saved = io_enter();
    collio_checkpoint_state_close(&taken);
    io_leave(saved);
}

/* ------------------------------------------------------------ what there is, local */

/* Describe an item by its name, or raise KeyError. */
static int describe(PyObject *object, PyObject *key, collio_item_info *info)
{
    state_object *self = (state_object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    const char *name;

    if (state_ready(self) < 0 || arg_text(key, &name) < 0)
        return -1;
    if (collio_checkpoint_state_find(self->handle, name, info, &err) == COLLIO_OK)
        return 0;
    raise_from(&err);
    return -1;
}

PyDoc_STRVAR(shape_doc, "shape($self, name, /)\n--\n\nExtents of a whole array. Not collective.");

static PyObject *state_shape(PyObject *self, PyObject *key)
{
    collio_item_info info;

    return describe(self, key, &info) < 0 ? NULL : memory_tuple(info.ndim, info.shape);
}

PyDoc_STRVAR(dtype_doc, "dtype($self, name, /)\n--\n\nType of an array. Not collective.");

static PyObject *state_dtype(PyObject *self, PyObject *key)
{
    collio_item_info info;

    return describe(self, key, &info) < 0 ? NULL : array_dtype(info.type);
}

static Py_ssize_t state_length(PyObject *object)
{
    state_object *self = (state_object *)object;

    return state_ready(self) < 0 ? -1 : collio_checkpoint_state_count(self->handle);
}

static int state_contains(PyObject *self, PyObject *key)
{
    collio_item_info info;

    if (describe(self, key, &info) == 0)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_KeyError))
        return -1;
    PyErr_Clear();
    return 0;
}

static PyObject *state_iter(PyObject *object)
{
    state_object *self = (state_object *)object;
    Py_ssize_t n = state_length(object);
    PyObject *list = n < 0 ? NULL : PyList_New(n), *iterator = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    collio_item_info info;

    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyObject *name;
        collio_checkpoint_state_item(self->handle, (int)i, &info, &err);
        name = PyUnicode_FromString(info.name);
        if (name == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, name);
    }
    if (list != NULL)
        iterator = PyObject_GetIter(list);
    Py_XDECREF(list);
    return iterator;
}

PyDoc_STRVAR(get_doc, "get($self, name, default=None, /)\n--\n\nThe value, or the default if the "
                      "name is not there; as collective as state[name].");

static PyObject *state_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    int found;

    if (nargs < 1 || nargs > 2)
        return PyErr_Format(PyExc_TypeError, "get() takes 1 or 2 arguments (%zd given)", nargs);
    found = state_contains(self, args[0]);
    if (found < 0)
        return NULL;
    if (!found)
        return Py_NewRef(nargs == 2 ? args[1] : Py_None);
    return state_get_item(self, args[0]);
}

/* ---------------------------------------------------------------- the class */

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nClose. Not collective.");

static PyObject *state_close_method(PyObject *self, PyObject *Py_UNUSED(none))
{
    state_close((state_object *)self);
    Py_RETURN_NONE;
}

static PyObject *state_enter(PyObject *self, PyObject *Py_UNUSED(none))
{
    return state_ready((state_object *)self) < 0 ? NULL : Py_NewRef(self);
}

static PyObject *state_exit(PyObject *self, PyObject *Py_UNUSED(args))
{
    return state_close_method(self, NULL);
}

static void state_dealloc(PyObject *object)
{
    state_object *self = (state_object *)object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->from != NULL)
        state_close(self);
    Py_CLEAR(self->small);
    Py_CLEAR(self->from);
    type->tp_free(object);
    Py_DECREF(type);
}

enum fact { FACT_STEP, FACT_WRITERS, FACT_TIME, FACT_PATH, FACT_REFUSED };

static PyObject *get_fact(PyObject *object, void *which)
{
    state_object *self = (state_object *)object;

    if (state_ready(self) < 0)
        return NULL;
    switch ((enum fact)(intptr_t)which) {
    case FACT_STEP:
        return PyLong_FromLongLong(collio_checkpoint_state_step(self->handle));
    case FACT_WRITERS:
        return PyLong_FromLong(collio_checkpoint_state_writers(self->handle));
    case FACT_TIME:
        return PyLong_FromLongLong(collio_checkpoint_state_time(self->handle));
    case FACT_PATH:
        return PyUnicode_DecodeFSDefault(collio_checkpoint_state_path(self->handle));
    default:
        return PyUnicode_DecodeFSDefault(collio_checkpoint_state_refused(self->handle));
    }
}

static PyObject *state_repr(PyObject *object)
{
    state_object *self = (state_object *)object;

    if (self->handle == NULL)
        return PyUnicode_FromString("<closed collio.State>");
    return PyUnicode_FromFormat("<collio.State of step %lld: %d items>",
                                (long long)collio_checkpoint_state_step(self->handle),
                                collio_checkpoint_state_count(self->handle));
}

static PyMethodDef state_methods[] = {
    {"shape", state_shape, METH_O, shape_doc},
    {"dtype", state_dtype, METH_O, dtype_doc},
    {"get", FAST(state_get), METH_FASTCALL, get_doc},
    {"close", state_close_method, METH_NOARGS, close_doc},
    {"__enter__", state_enter, METH_NOARGS, NULL},
    {"__exit__", state_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef state_getset[] = {
    {"step", get_fact, NULL, "the step that was saved", (void *)FACT_STEP},
    {"writers", get_fact, NULL, "number of ranks that saved it", (void *)FACT_WRITERS},
    {"time", get_fact, NULL, "when it was saved, seconds since 1970", (void *)FACT_TIME},
    {"path", get_fact, NULL, "its file", (void *)FACT_PATH},
    {"refused", get_fact, NULL, "newer steps that are damaged, a line each", (void *)FACT_REFUSED},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(state_doc,
             "A step of a checkpoint, open for reading: a mapping of names to what was saved.\n\n"
             "state[name] gives numbers and small arrays, or the object that was saved, without\n"
             "the other ranks. An array in parts it gives whole, and what was saved with PerRank\n"
             "as a list with one object for each rank that saved: these two are read when asked\n"
             "for, so all ranks must ask. read(), part() and read_rank() give each rank its own.");

static PyType_Slot state_slots[] = {
    {Py_tp_doc, (void *)state_doc},    {Py_tp_dealloc, state_dealloc},
    {Py_tp_repr, state_repr},          {Py_tp_iter, state_iter},
    {Py_mp_subscript, state_get_item}, {Py_mp_length, state_length},
    {Py_sq_contains, state_contains},  {Py_tp_methods, state_methods},
    {Py_tp_getset, state_getset},      {0, NULL},
};

PyType_Spec State_spec = {
    .name = "collio.State",
    .basicsize = sizeof(state_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = state_slots,
};
