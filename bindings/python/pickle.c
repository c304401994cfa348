/*
 * Objects on the wire: MPI.Pickle, and parcels.
 *
 * A parcel is one message. A small object travels as its bare pickle. One with
 * large arrays in it (pickle protocol 5, out-of-band buffers) travels as
 *
 *   head: mark | number of buffers | length of pickle | length of each buffer
 *         | pickle | padding
 *   buffer | padding | buffer | padding ...
 *
 * with head and buffers starting at multiples of 16 bytes. The sender describes
 * these pieces of memory by a datatype, so the arrays are sent from where they
 * lie; the receiver's arrays are views into the one block received.
 */
#include "bindings.h"

#include <limits.h>
#include <string.h>

static const char mark[8] = "\xC5olliop1";

typedef struct pickler {
    PyObject_HEAD
    PyObject *dumps;
    PyObject *loads;
    PyObject *protocol; /* an int or None */
    Py_ssize_t threshold;
    int standard; /* dumps and loads are pickle's own: buffers may go out of band */
} pickler;

static pickler *pickler_of(state *st)
{
    return (pickler *)st->pickle;
}

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

static PyObject *dump_standard(pickler *p, PyObject *object, PyObject *buffers)
{
    static const char *const names[] = {"protocol", "buffer_callback"};
    PyObject *keywords = NULL, *pair = NULL, *callback = NULL, *result = NULL;
    PyObject *args[3];

    pair = Py_BuildValue("(On)", buffers, p->threshold);
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

/* Objects without memory to send apart need no callback, which costs. */
static int is_plain(PyObject *object)
{
    return object == Py_None || PyLong_CheckExact(object) || PyFloat_CheckExact(object) ||
           PyBool_Check(object) || PyUnicode_CheckExact(object) || PyComplex_CheckExact(object);
}

/* The pickle, as bytes; large buffers are appended to the list, if there is one. */
static PyObject *dump(pickler *p, PyObject *object, PyObject *buffers)
{
    PyObject *args[] = {object, p->protocol};

    if (p->standard && buffers != NULL && !is_plain(object))
        return dump_standard(p, object, buffers);
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

/* ---------------------------------------------------------------------- packing */

/* Bytes before the pickle. */
static int64_t table_size(int64_t buffers)
{
    return (int64_t)sizeof mark + 8 * (buffers + 2);
}

static void put_number(char *at, int64_t number)
{
    memcpy(at, &number, sizeof number);
}

static int64_t get_number(const char *at)
{
    int64_t number;

    memcpy(&number, at, sizeof number);
    return number;
}

/* The head: a bytes object of aligned length. */
static PyObject *make_head(PyObject *pickle, PyObject *buffers)
{
    Py_ssize_t n = PyList_GET_SIZE(buffers), length = PyBytes_GET_SIZE(pickle);
    int64_t used = table_size(n) + length, size = parcel_aligned(used);
    PyObject *head = PyBytes_FromStringAndSize(NULL, size);
    char *at;

    if (head == NULL)
        return NULL;
    at = PyBytes_AS_STRING(head);
    memcpy(at, mark, sizeof mark);
    put_number(at + 8, n);
    put_number(at + 16, length);
    for (Py_ssize_t i = 0; i < n; i++)
        put_number(at + 24 + 8 * i, PyPickleBuffer_GetBuffer(PyList_GET_ITEM(buffers, i))->len);
    memcpy(at + table_size(n), PyBytes_AS_STRING(pickle), (size_t)length);
    memset(at + used, 0, (size_t)(size - used));
    return head;
}

int64_t parcel_buffers(const void *head)
{
    return get_number((const char *)head + 8);
}

int64_t parcel_buffer_length(const void *head, int64_t i)
{
    return get_number((const char *)head + 24 + 8 * i);
}

/* The pieces of memory of a parcel: each followed by padding. */
typedef struct pieces {
    int n;
    int *lengths;
    MPI_Aint *places;
    int64_t size;
} pieces;

static int add_piece(pieces *list, const void *data, int64_t length)
{
    static const char zeros[16];
    int64_t padding = parcel_aligned(length) - length;

    if (length > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a buffer of the object exceeds 2147483647 bytes");
        return -1;
    }
    list->lengths[list->n] = (int)length;
    MPI_Get_address(data, &list->places[list->n++]);
    if (padding > 0) {
        list->lengths[list->n] = (int)padding;
        MPI_Get_address(zeros, &list->places[list->n++]);
    }
    list->size += length + padding;
    return 0;
}

static int add_pieces(pieces *list, PyObject *head, PyObject *buffers)
{
    Py_ssize_t n = PyList_GET_SIZE(buffers);

    if (add_piece(list, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head)) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        const Py_buffer *view = PyPickleBuffer_GetBuffer(PyList_GET_ITEM(buffers, i));
        if (add_piece(list, view->buf, view->len) < 0)
            return -1;
    }
    return 0;
}

static int make_type(const pieces *list, parcel *p)
{
    int failed = mpi_failed(
        MPI_Type_create_hindexed(list->n, list->lengths, list->places, MPI_BYTE, &p->type),
        "MPI_Type_create_hindexed");

    if (failed)
        return -1;
    p->own_type = 1;
    p->data = MPI_BOTTOM;
    p->count = 1;
    p->size = (Py_ssize_t)list->size;
    return mpi_failed(MPI_Type_commit(&p->type), "MPI_Type_commit");
}

static int pack_pieces(PyObject *pickle, PyObject *buffers, parcel *p)
{
    size_t room = 2 * ((size_t)PyList_GET_SIZE(buffers) + 1);
    pieces list = {0, PyMem_Malloc(room * sizeof(int)), PyMem_Malloc(room * sizeof(MPI_Aint)), 0};
    PyObject *head = make_head(pickle, buffers);
    int result = -1;

    if (head != NULL && (list.lengths == NULL || list.places == NULL))
        PyErr_NoMemory();
    else if (head != NULL && add_pieces(&list, head, buffers) == 0)
        result = make_type(&list, p);
    if (result == 0)
        p->keep = PyTuple_Pack(2, head, buffers);
    p->head = head;
    p->buffers = buffers;
    Py_XDECREF(head);
    PyMem_Free(list.lengths);
    PyMem_Free(list.places);
    return p->keep == NULL ? -1 : result;
}

static int pack_plain(PyObject *pickle, parcel *p)
{
    if (PyBytes_GET_SIZE(pickle) > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "the pickled object exceeds 2147483647 bytes");
        return -1;
    }
    p->keep = Py_NewRef(pickle);
    p->data = PyBytes_AS_STRING(pickle);
    p->size = PyBytes_GET_SIZE(pickle);
    p->count = (int)p->size;
    return 0;
}

int parcel_pack(state *st, PyObject *object, parcel *p)
{
    PyObject *buffers = PyList_New(0);
    PyObject *pickle = buffers != NULL ? dump(pickler_of(st), object, buffers) : NULL;
    int result = -1;

    *p = (parcel){.type = MPI_BYTE};
    if (pickle != NULL && !PyBytes_Check(pickle))
        raise_type("what dumps() returns", "bytes", pickle);
    else if (pickle != NULL && PyList_GET_SIZE(buffers) > 0)
        result = pack_pieces(pickle, buffers, p);
    else if (pickle != NULL)
        result = pack_plain(pickle, p);
    Py_XDECREF(pickle);
    Py_XDECREF(buffers);
    return result;
}

int parcel_pack_plain(state *st, PyObject *object, parcel *p)
{
    PyObject *pickle = dump(pickler_of(st), object, NULL);
    int result = -1;

    *p = (parcel){.type = MPI_BYTE};
    if (pickle != NULL && !PyBytes_Check(pickle))
        raise_type("what dumps() returns", "bytes", pickle);
    else if (pickle != NULL)
        result = pack_plain(pickle, p);
    Py_XDECREF(pickle);
    return result;
}

void parcel_release(parcel *p)
{
    if (p->own_type)
        MPI_Type_free(&p->type);
    p->own_type = 0;
    Py_CLEAR(p->keep);
}

/* -------------------------------------------------------------------- unpacking */

PyObject *parcel_room(Py_ssize_t size, void **data)
{
    PyObject *room;

    if (size > INT_MAX)
        return PyErr_Format(PyExc_OverflowError, "an object of %zd bytes exceeds 2147483647", size);
    room = PyByteArray_FromStringAndSize(NULL, size);
    if (room != NULL)
        *data = PyByteArray_AS_STRING(room);
    return room;
}

/* room[start:start+size] without a copy. New. */
static PyObject *slice(PyObject *view, Py_ssize_t start, Py_ssize_t size)
{
    PyObject *from = PyLong_FromSsize_t(start), *to = PyLong_FromSsize_t(start + size);
    PyObject *range = from && to ? PySlice_New(from, to, NULL) : NULL, *result = NULL;

    if (range != NULL)
        result = PyObject_GetItem(view, range);
    Py_XDECREF(from);
    Py_XDECREF(to);
    Py_XDECREF(range);
    return result;
}

/* The out-of-band buffers of a parcel as views. *at: where they start. New list. */
static PyObject *slice_buffers(PyObject *view, const char *data, Py_ssize_t start, int64_t at)
{
    int64_t n = parcel_buffers(data), length;
    PyObject *list = PyList_New(n), *item;

    for (int64_t i = 0; list != NULL && i < n; i++) {
        length = parcel_buffer_length(data, i);
        item = slice(view, start + at, length);
        at += parcel_aligned(length);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *open_pieces(pickler *p, PyObject *view, const char *data, Py_ssize_t start)
{
    int64_t at = table_size(parcel_buffers(data)), length = get_number(data + 16);
    PyObject *pickle, *buffers, *object = NULL;

    pickle = slice(view, start + at, length);
    buffers = slice_buffers(view, data, start, parcel_aligned(at + length));
    if (pickle != NULL && buffers != NULL)
        object = load(p, pickle, buffers);
    Py_XDECREF(pickle);
    Py_XDECREF(buffers);
    return object;
}

PyObject *parcel_open(state *st, PyObject *room, Py_ssize_t start, Py_ssize_t size)
{
    pickler *p = pickler_of(st);
    const char *data = PyByteArray_AS_STRING(room) + start;
    PyObject *view, *part, *object;

    if (start == 0 && size == 0) /* from PROC_NULL */
        Py_RETURN_NONE;
    view = PyMemoryView_FromObject(room);
    if (view == NULL)
        return NULL;
    if (size > (Py_ssize_t)sizeof mark && memcmp(data, mark, sizeof mark) == 0) {
        object = open_pieces(p, view, data, start);
    } else {
        part = slice(view, start, size);
        object = part != NULL ? load(p, part, NULL) : NULL;
        Py_XDECREF(part);
    }
    Py_DECREF(view);
    return object;
}

/* ------------------------------------------------------------------ class MPI.Pickle */

PyDoc_STRVAR(dumps_doc, "dumps($self, /, obj)\n--\n\nThe object as bytes.");

static PyObject *pickle_dumps(PyObject *self, PyObject *object)
{
    return dump((pickler *)self, object, NULL);
}

PyDoc_STRVAR(loads_doc, "loads($self, /, data)\n--\n\nThe object in bytes.");

static PyObject *pickle_loads(PyObject *self, PyObject *data)
{
    return load((pickler *)self, data, NULL);
}

PyDoc_STRVAR(dumps_oob_doc,
             "dumps_oob($self, /, obj)\n--\n\n(bytes, list of the large buffers apart).");

static PyObject *pickle_dumps_oob(PyObject *self, PyObject *object)
{
    PyObject *buffers = PyList_New(0), *data, *view;

    data = buffers != NULL ? dump((pickler *)self, object, buffers) : NULL;
    for (Py_ssize_t i = 0; data != NULL && i < PyList_GET_SIZE(buffers); i++) {
        view = PyMemoryView_FromObject(PyList_GET_ITEM(buffers, i));
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
    if (a.threshold == Py_None)
        self->threshold = 8192; /* below it a copy is cheaper than a second piece */
    self->standard = a.dumps == Py_None && a.loads == Py_None;
    Py_XSETREF(self->dumps, a.dumps == Py_None ? standard("dumps") : Py_NewRef(a.dumps));
    Py_XSETREF(self->loads, a.loads == Py_None ? standard("loads") : Py_NewRef(a.loads));
    if (a.protocol == Py_None && a.dumps == Py_None)
        Py_XSETREF(self->protocol, standard("HIGHEST_PROTOCOL"));
    else
        Py_XSETREF(self->protocol, Py_NewRef(a.protocol));
    return self->dumps && self->loads && self->protocol ? 0 : -1;
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

static PyMemberDef pickle_members[] = {
    {"PROTOCOL", T_OBJECT, offsetof(pickler, protocol), 0, "pickle protocol, or None"},
    {"THRESHOLD", T_PYSSIZET, offsetof(pickler, threshold), 0,
     "bytes from which a buffer travels outside the pickle"},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(pickle_doc,
             "Pickle(dumps=None, loads=None, protocol=None, threshold=None)\n--\n\n"
             "How objects become bytes and come back; pickle's own functions by default.");

/* clang-format off */
static PyType_Slot pickle_slots[] = {
    {Py_tp_doc, (void *)pickle_doc},   {Py_tp_init, pickle_init},
    {Py_tp_traverse, pickle_traverse}, {Py_tp_clear, pickle_clear},
    {Py_tp_dealloc, pickle_dealloc},   {Py_tp_methods, pickle_methods},
    {Py_tp_members, pickle_members},   {0, NULL},
};
/* clang-format on */

PyType_Spec Pickle_spec = {
    .name = "collio.MPI.Pickle",
    .basicsize = sizeof(pickler),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = pickle_slots,
};
