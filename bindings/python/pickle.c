/* MPI.Pickle: how objects become bytes and come back. */
#include "bindings.h"

typedef struct pickler {
    PyObject_HEAD
    PyObject *dumps;
    PyObject *loads;
    PyObject *protocol; /* an int or None */
    Py_ssize_t threshold;
    int chosen;   /* the threshold is the user's, not the default */
    int standard; /* dumps and loads are pickle's own: buffers may go out of band */
} pickler;

/* --------------------------------------------------------------- out-of-band buffers */

/* buffer_callback of pickle: large buffers are listed, others stay in the
 * pickle. `self` is a tuple (list, threshold). */
static PyObject *take_buffer(PyObject *self, PyObject *buffer)
{
    Py_ssize_t threshold = PyLong_AsSsize_t(PyTuple_GET_ITEM(self, 1));
    const Py_buffer *view = PyPickleBuffer_GetBuffer(buffer);

    if (view == NULL)
        return NULL;
    if (view->len < threshold || !PyBuffer_IsContiguous(view, 'A'))
        Py_RETURN_TRUE;
    if (PyList_Append(PyTuple_GET_ITEM(self, 0), buffer) < 0)
        return NULL;
    Py_RETURN_FALSE;
}

static PyMethodDef take_buffer_def = {"take_buffer", take_buffer, METH_O, NULL};

static PyObject *dump_standard(pickler *p, PyObject *object, PyObject *buffers,
                               Py_ssize_t threshold)
{
    static const char *const names[] = {"protocol", "buffer_callback"};
    PyObject *keywords = NULL, *pair = NULL, *callback = NULL, *result = NULL;
    PyObject *args[3];

    pair = Py_BuildValue("(On)", buffers, threshold);
    if (pair != NULL)
        callback = PyCFunction_New(&take_buffer_def, pair);
    keywords = Py_BuildValue("(ss)", names[0], names[1]);
    if (callback != NULL && keywords != NULL) {
        args[0] = object;
        args[1] = p->protocol;
        args[2] = callback;
        result = PyObject_Vectorcall(p->dumps, args, 1, keywords);
    }
    Py_XDECREF(pair);
    Py_XDECREF(callback);
    Py_XDECREF(keywords);
    return result;
}

int pickle_is_standard(PyObject *serializer)
{
    const pickler *p = (pickler *)serializer;

    int protocol = int_is_small(p->protocol) ? int_small(p->protocol) : 0;

    return p->standard && (protocol >= 5 || protocol < 0); /* negative: the highest */
}

/* The pickle, as bytes; buffers from the threshold on are appended to the list, if there is one. */
static PyObject *dump_by(pickler *p, PyObject *object, PyObject *buffers, Py_ssize_t threshold)
{
    PyObject *args[] = {object, p->protocol};

    if (buffers != NULL && pickle_is_standard((PyObject *)p))
        return dump_standard(p, object, buffers, threshold);
    return PyObject_Vectorcall(p->dumps, args, p->protocol == Py_None && !p->standard ? 1 : 2,
                               NULL);
}

static PyObject *load(pickler *p, PyObject *data, PyObject *buffers)
{
    PyObject *args[] = {data, buffers}, *names, *result;

    if (buffers == NULL)
        return PyObject_CallOneArg(p->loads, data);
    names = Py_BuildValue("(s)", "buffers");
    if (names == NULL)
        return NULL;
    result = PyObject_Vectorcall(p->loads, args, 1, names);
    Py_DECREF(names);
    return result;
}

PyObject *pickle_dump(PyObject *serializer, PyObject *object, PyObject *buffers)
{
    const Py_ssize_t threshold = pickle_threshold(serializer);
    pickler *p = (pickler *)serializer;
    PyObject *data = pickle_is_standard(serializer) && dump_is_free()
                         ? dump(object, p->protocol, buffers, threshold)
                         : dump_by(p, object, buffers, threshold);

    if (data != NULL && !PyBytes_Check(data)) {
        raise_type("what dumps() returns", "bytes", data);
        Py_CLEAR(data);
    }
    return data;
}

PyObject *pickle_load(PyObject *serializer, PyObject *data, PyObject *buffers)
{
    return load((pickler *)serializer, data, buffers);
}

/* In messages a copy is cheaper than a second piece only below this. */
enum { MESSAGE_THRESHOLD = 8192 };

Py_ssize_t pickle_threshold(PyObject *serializer)
{
    const pickler *p = (pickler *)serializer;

    return p->chosen ? p->threshold : MESSAGE_THRESHOLD;
}

/* ------------------------------------------------------------------ class MPI.Pickle */

/* Of dumps_oob(), as in mpi4py. */
enum { THRESHOLD = 1 << 18 };

PyDoc_STRVAR(dumps_doc, "dumps($self, /, obj)\n--\n\nThe object as bytes.");

static PyObject *pickle_dumps(PyObject *self, PyObject *object)
{
    return dump_by((pickler *)self, object, NULL, 0);
}

PyDoc_STRVAR(loads_doc, "loads($self, /, data)\n--\n\nThe object in bytes.");

static PyObject *pickle_loads(PyObject *self, PyObject *data)
{
    return load((pickler *)self, data, NULL);
}

PyDoc_STRVAR(dumps_oob_doc,
             "dumps_oob($self, /, obj)\n--\n\n(bytes, list of the large buffers apart).");

/* A piece of memory as an MPI.buffer. New. */
static PyObject *buffer_of(PyObject *self, PyObject *piece)
{
    const Py_buffer *view = PyPickleBuffer_GetBuffer(piece);

    return view == NULL ? NULL
                        : buffer_at(state_of(self), view->buf, view->len, view->readonly, piece);
}

static PyObject *pickle_dumps_oob(PyObject *self, PyObject *object)
{
    PyObject *buffers = PyList_New(0), *data, *view;

    data = buffers != NULL ? dump_by((pickler *)self, object, buffers, ((pickler *)self)->threshold)
                           : NULL;
    for (Py_ssize_t i = 0; data != NULL && i < PyList_GET_SIZE(buffers); i++) {
        view = buffer_of(self, PyList_GET_ITEM(buffers, i));
        if (view == NULL)
            Py_CLEAR(data);
        else
            PyList_SetItem(buffers, i, view);
    }
    return data != NULL ? Py_BuildValue("(NN)", data, buffers) : (Py_XDECREF(buffers), NULL);
}

PyDoc_STRVAR(loads_oob_doc, "loads_oob($self, /, data, buffers)\n--\n\nThe object of dumps_oob().");

typedef struct oob_args {
    PyObject *data, *buffers;
} oob_args;

static PyObject *pickle_loads_oob(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *keywords)
{
    static const param rows[] = {{"data", arg_object, offsetof(oob_args, data)},
                                 {"buffers", arg_object, offsetof(oob_args, buffers)},
                                 {NULL, NULL, 0}};
    oob_args a;

    if (args_parse("loads_oob", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    return load((pickler *)self, a.data, a.buffers);
}

static PyObject *standard(const char *name)
{
    PyObject *module = PyImport_ImportModule("pickle");
    PyObject *function = module != NULL ? PyObject_GetAttrString(module, name) : NULL;

    Py_XDECREF(module);
    return function;
}

/* Whether the function given, or left out, is pickle's own. */
static int is_own(const char *name, PyObject *given)
{
    PyObject *own = given == Py_None ? Py_NewRef(Py_None) : standard(name);

    if (own == NULL)
        PyErr_Clear();
    Py_XDECREF(own); /* the module keeps it */
    return own == given;
}

typedef struct pickle_args {
    PyObject *dumps, *loads, *protocol, *threshold;
} pickle_args;

static const param pickle_params[] = {{"|dumps", arg_object, offsetof(pickle_args, dumps)},
                                      {"|loads", arg_object, offsetof(pickle_args, loads)},
                                      {"|protocol", arg_object, offsetof(pickle_args, protocol)},
                                      {"|threshold", arg_object, offsetof(pickle_args, threshold)},
                                      {NULL, NULL, 0}};

static int pickle_init(PyObject *object, PyObject *args, PyObject *keywords)
{
    pickler *self = (pickler *)object;
    pickle_args a = {Py_None, Py_None, Py_None, Py_None};

    if (args_parse_tuple("Pickle", pickle_params, &a, args, keywords) < 0)
        return -1;
    if (a.threshold != Py_None && arg_size(a.threshold, &self->threshold) < 0)
        return -1;
    self->chosen = a.threshold != Py_None;
    if (!self->chosen)
        self->threshold = THRESHOLD;
    self->standard = is_own("dumps", a.dumps) && is_own("loads", a.loads);
    Py_XSETREF(self->dumps, a.dumps == Py_None ? standard("dumps") : Py_NewRef(a.dumps));
    Py_XSETREF(self->loads, a.loads == Py_None ? standard("loads") : Py_NewRef(a.loads));
    if (a.protocol == Py_None && is_own("dumps", a.dumps))
        Py_XSETREF(self->protocol, standard("HIGHEST_PROTOCOL"));
    else
        Py_XSETREF(self->protocol, Py_NewRef(a.protocol));
    return self->dumps && self->loads && self->protocol ? 0 : -1;
}

/* With the defaults; what is given is for __init__(), which may be the user's. */
static PyObject *pickle_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
                            PyObject *Py_UNUSED(keywords))
{
    PyObject *self = type->tp_alloc(type, 0), *nothing = PyTuple_New(0);

    if (self != NULL && (nothing == NULL || pickle_init(self, nothing, NULL) < 0))
        Py_CLEAR(self);
    Py_XDECREF(nothing);
    return self;
}

static int pickle_traverse(PyObject *object, visitproc visit, void *arg)
{
    pickler *self = (pickler *)object;

    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->dumps);
    Py_VISIT(self->loads);
    Py_VISIT(self->protocol);
    return 0;
}

static int pickle_clear(PyObject *object)
{
    pickler *self = (pickler *)object;

    Py_CLEAR(self->dumps);
    Py_CLEAR(self->loads);
    Py_CLEAR(self->protocol);
    return 0;
}

static void pickle_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    pickle_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

/* clang-format off */
const row_method pickle_rows[] = {
    {"dumps", dumps_doc, method_one, "obj", {.one = pickle_dumps}, 0, 0},
    {"loads", loads_doc, method_one, "data", {.one = pickle_loads}, 0, 0},
    {"dumps_oob", dumps_oob_doc, method_one, "obj", {.one = pickle_dumps_oob}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef pickle_methods[] = {
    {"loads_oob", FAST(pickle_loads_oob), FASTCALL, loads_oob_doc},
    {NULL, NULL, 0, NULL},
};

static PyObject *get_threshold(PyObject *self, void *Py_UNUSED(none))
{
    return PyLong_FromSsize_t(((pickler *)self)->threshold);
}

static int set_threshold(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    pickler *p = (pickler *)self;

    p->chosen = value != NULL && value != Py_None;
    if (p->chosen)
        return arg_size(value, &p->threshold);
    p->threshold = THRESHOLD;
    return 0;
}

static PyObject *get_protocol(PyObject *self, void *Py_UNUSED(none))
{
    return Py_NewRef(((pickler *)self)->protocol);
}

static int set_protocol(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    pickler *p = (pickler *)self;
    int highest = (value == NULL || value == Py_None) && p->standard;
    PyObject *wanted = highest         ? standard("HIGHEST_PROTOCOL")
                       : value == NULL ? Py_NewRef(Py_None)
                                       : Py_NewRef(value);

    if (wanted == NULL)
        return -1;
    Py_XSETREF(p->protocol, wanted);
    return 0;
}

static PyGetSetDef pickle_getset[] = {
    {"PROTOCOL", get_protocol, set_protocol,
     "pickle protocol; None: the highest, or no word of it to functions of the user's", NULL},
    {"THRESHOLD", get_threshold, set_threshold,
     "bytes from which a buffer travels outside the pickle; None: the default", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(pickle_doc,
             "Pickle(dumps=None, loads=None, protocol=None, threshold=None)\n--\n\n"
             "How objects become bytes and come back; pickle's own functions by default.");

/* clang-format off */
static PyType_Slot pickle_slots[] = {
    {Py_tp_doc, (void *)pickle_doc},   {Py_tp_init, pickle_init},
    {Py_tp_traverse, pickle_traverse}, {Py_tp_clear, pickle_clear},
    {Py_tp_dealloc, pickle_dealloc},   {Py_tp_methods, pickle_methods},
    {Py_tp_getset, pickle_getset},     {Py_tp_new, pickle_new},
    {0, NULL},
};
/* clang-format on */

PyType_Spec Pickle_spec = {
    .name = "collio.MPI.Pickle",
    .basicsize = sizeof(pickler),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = pickle_slots,
};
