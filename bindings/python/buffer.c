/* MPI.buffer: a piece of memory, of another object, of MPI's or by address. */
#include "buffer.h"
#include "parcel.h"

static char nothing[1]; /* where empty memory lies */

static PyObject *buffer_make(PyTypeObject *type)
{
    buffer *self = (buffer *)type->tp_alloc(type, 0);

    if (self != NULL && PyBuffer_FillInfo(&self->view, NULL, NULL, 0, 0, PyBUF_SIMPLE) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

PyObject *buffer_at(state *st, void *address, Py_ssize_t nbytes, int readonly, PyObject *keep)
{
    PyObject *self = buffer_make(st->types[TYPE_buffer]);

    if (self != NULL && PyBuffer_FillInfo(&((buffer *)self)->view, keep, address, nbytes, readonly,
                                          PyBUF_SIMPLE) < 0)
        Py_CLEAR(self);
    return self;
}

int buffer_acquire(PyObject *object, int writable, Py_buffer *view)
{
    int flags = PyBUF_ANY_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0), result;
    PyObject *exported = PyObject_CheckBuffer(object) ? Py_NewRef(object) : array_exported(object);

    if (exported == Py_None)
        PyErr_Format(PyExc_TypeError, "a bytes-like object is required, not '%.200s'",
                     Py_TYPE(object)->tp_name);
    result =
        exported == NULL || exported == Py_None ? -1 : PyObject_GetBuffer(exported, view, flags);
    Py_XDECREF(exported);
    if (result < 0 && PyErr_ExceptionMatches(PyExc_ValueError)) /* NumPy's, for a buffer error */
        PyErr_SetString(PyExc_BufferError, "buffer is not contiguous");
    return result;
}

static PyObject *buffer_of(PyTypeObject *type, PyObject *object, int readonly)
{
    PyObject *self = buffer_make(type);
    Py_buffer *view = self == NULL ? NULL : &((buffer *)self)->view;

    if (view != NULL && buffer_acquire(object, 0, view) < 0) {
        view->obj = NULL;
        Py_CLEAR(self);
    } else if (view != NULL && readonly) {
        view->readonly = 1;
    }
    return self;
}

static PyObject *buffer_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) > 1 || (keywords != NULL && PyDict_GET_SIZE(keywords) > 0))
        return PyErr_Format(PyExc_TypeError, "buffer() takes at most 1 positional argument");
    if (PyTuple_GET_SIZE(args) == 0)
        return buffer_make(type);
    return buffer_of(type, PyTuple_GET_ITEM(args, 0), 0);
}

static void buffer_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyBuffer_Release(&((buffer *)self)->view);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --------------------------------------------------------------------- as a buffer */

static int buffer_export(PyObject *object, Py_buffer *view, int flags)
{
    buffer *self = (buffer *)object;
    void *data = self->view.buf != NULL ? self->view.buf : nothing;

    if (PyBuffer_FillInfo(view, object, data, self->view.len, self->view.readonly, flags) < 0)
        return -1;
    self->exports++;
    return 0;
}

static void buffer_unexport(PyObject *object, Py_buffer *Py_UNUSED(view))
{
    ((buffer *)object)->exports--;
}

/* ------------------------------------------------------------------- as a sequence */

static Py_ssize_t buffer_length(PyObject *self)
{
    return ((buffer *)self)->view.len;
}

/* Address of item `key`, or NULL with an exception. */
static unsigned char *item_at(buffer *self, PyObject *key)
{
    Py_ssize_t i = PyNumber_AsSsize_t(key, PyExc_IndexError);

    if (i == -1 && PyErr_Occurred())
        return NULL;
    i += i < 0 ? self->view.len : 0;
    if (i < 0 || i >= self->view.len) {
        PyErr_SetString(PyExc_IndexError, "index out of range");
        return NULL;
    }
    return (unsigned char *)self->view.buf + i;
}

static PyObject *buffer_at_index(PyObject *object, Py_ssize_t i)
{
    const Py_buffer *view = &((buffer *)object)->view;

    if (i >= 0 && i < view->len)
        return PyLong_FromLong(((unsigned char *)view->buf)[i]);
    PyErr_SetString(PyExc_IndexError, "index out of range");
    return NULL;
}

/* Start and length of a slice without gaps; -1 with an exception. */
static int slice_of(buffer *self, PyObject *key, Py_ssize_t *start, Py_ssize_t *length)
{
    Py_ssize_t stop, step;

    if (PySlice_Unpack(key, start, &stop, &step) < 0)
        return -1;
    *length = PySlice_AdjustIndices(self->view.len, start, &stop, step);
    if (step == 1)
        return 0;
    PyErr_SetString(PyExc_IndexError, "slice with step not supported");
    return -1;
}

static PyObject *raise_key(void)
{
    return PyErr_Format(PyExc_TypeError, "index must be integer or slice");
}

static PyObject *buffer_item(PyObject *object, PyObject *key)
{
    buffer *self = (buffer *)object;
    Py_ssize_t start, length;

    if (PyIndex_Check(key)) {
        unsigned char *item = item_at(self, key);
        return item == NULL ? NULL : PyLong_FromLong(*item);
    }
    if (!PySlice_Check(key))
        return raise_key();
    if (slice_of(self, key, &start, &length) < 0)
        return NULL;
    return buffer_at(state_of(object), (char *)self->view.buf + start, length, self->view.readonly,
                     object);
}

static int store_item(buffer *self, PyObject *key, PyObject *value)
{
    unsigned char *item = item_at(self, key);
    int64_t number;

    if (item == NULL || arg_int64(value, &number) < 0)
        return -1;
    if (number < 0 || number > UCHAR_MAX) {
        PyErr_Format(PyExc_OverflowError, "%lld is no byte: 0 to 255 are allowed",
                     (long long)number);
        return -1;
    }
    *item = (unsigned char)number;
    return 0;
}

/* One byte for all of the slice, or as many bytes as it has. */
static int store_slice(buffer *self, PyObject *key, PyObject *value)
{
    Py_ssize_t start, length;
    Py_buffer from;
    int64_t number;

    if (slice_of(self, key, &start, &length) < 0)
        return -1;
    if (PyLong_Check(value)) {
        if (arg_int64(value, &number) < 0)
            return -1;
        memset((char *)self->view.buf + start, (int)number, (size_t)length);
        return 0;
    }
    if (buffer_acquire(value, 0, &from) < 0)
        return -1;
    if (from.len == length)
        memmove((char *)self->view.buf + start, from.buf, (size_t)length);
    else
        PyErr_SetString(PyExc_ValueError, "slice length does not match buffer");
    PyBuffer_Release(&from);
    return PyErr_Occurred() ? -1 : 0;
}

static int buffer_store(PyObject *object, PyObject *key, PyObject *value)
{
    buffer *self = (buffer *)object;

    if (value == NULL)
        PyErr_SetString(PyExc_NotImplementedError, "items of a buffer cannot be deleted");
    else if (self->view.readonly)
        PyErr_SetString(PyExc_TypeError, "buffer is read-only");
    else if (PyIndex_Check(key))
        return store_item(self, key, value);
    else if (PySlice_Check(key))
        return store_slice(self, key, value);
    else
        raise_key();
    return -1;
}

/* ------------------------------------------------------------------------ methods */

typedef struct make_args {
    PyObject *object, *address;
    Py_ssize_t nbytes;
    int flag;
} make_args;

PyDoc_STRVAR(allocate_doc, "allocate(nbytes, clear=False)\n--\n\nNew memory.");

static PyObject *buffer_allocate(PyObject *Py_UNUSED(class), PyObject *const *args,
                                 Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"nbytes", arg_size, offsetof(make_args, nbytes)},
                                 {"|clear", arg_bool, offsetof(make_args, flag)},
                                 {NULL, NULL, 0}};
    make_args a = {NULL, NULL, 0, 0};
    PyObject *memory, *result;
    void *data;

    if (args_parse("allocate", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (a.nbytes < 0)
        return PyErr_Format(PyExc_ValueError, "expecting non-negative size");
    memory = parcel_room(a.nbytes, &data);
    if (memory == NULL)
        return NULL;
    if (a.flag)
        memset(data, 0, (size_t)a.nbytes);
    result = buffer_of(state_find()->types[TYPE_buffer], memory, 0);
    Py_DECREF(memory);
    return result;
}

PyDoc_STRVAR(frombuffer_doc, "frombuffer(obj, readonly=False)\n--\n\nThe memory of an object, "
                             "which must be writable unless `readonly`.");

static PyObject *buffer_frombuffer(PyObject *Py_UNUSED(class), PyObject *const *args,
                                   Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"obj", arg_object, offsetof(make_args, object)},
                                 {"|readonly", arg_bool, offsetof(make_args, flag)},
                                 {NULL, NULL, 0}};
    make_args a = {NULL, NULL, 0, 0};
    PyObject *result;

    if (args_parse("frombuffer", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    result = buffer_of(state_find()->types[TYPE_buffer], a.object, a.flag);
    if (result != NULL && !a.flag && ((buffer *)result)->view.readonly) {
        PyErr_SetString(PyExc_BufferError, "Object is not writable.");
        Py_CLEAR(result);
    }
    return result;
}

PyDoc_STRVAR(fromaddress_doc, "fromaddress(address, nbytes, readonly=False)\n--\n\nMemory at an "
                              "address; the caller keeps it valid.");

static PyObject *buffer_fromaddress(PyObject *Py_UNUSED(class), PyObject *const *args,
                                    Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"address", arg_object, offsetof(make_args, address)},
                                 {"nbytes", arg_size, offsetof(make_args, nbytes)},
                                 {"|readonly", arg_bool, offsetof(make_args, flag)},
                                 {NULL, NULL, 0}};
    make_args a = {NULL, NULL, 0, 0};
    void *address;

    if (args_parse("fromaddress", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    address = PyLong_AsVoidPtr(a.address);
    if (address == NULL && PyErr_Occurred())
        return NULL;
    if (a.nbytes < 0)
        return PyErr_Format(PyExc_ValueError, "expecting non-negative buffer length");
    if (address == NULL && a.nbytes > 0)
        return PyErr_Format(PyExc_ValueError, "expecting non-NULL address");
    return buffer_at(state_find(), address, a.nbytes, a.flag, NULL);
}

PyDoc_STRVAR(cast_doc, "cast($self, /, format, shape=...)\n--\n\nA memoryview of another format "
                       "or shape.");

static PyObject *buffer_cast(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    static const param rows[] = {{"format", arg_object, offsetof(make_args, object)},
                                 {"|shape", arg_object, offsetof(make_args, address)},
                                 {NULL, NULL, 0}};
    make_args a = {NULL, NULL, 0, 0};
    PyObject *view, *result = NULL;

    if (args_parse("cast", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    view = PyMemoryView_FromObject(self);
    if (view != NULL)
        result = a.address == NULL ? PyObject_CallMethod(view, "cast", "O", a.object)
                                   : PyObject_CallMethod(view, "cast", "OO", a.object, a.address);
    Py_XDECREF(view);
    return result;
}

PyDoc_STRVAR(tobytes_doc, "tobytes($self, /, order=None)\n--\n\nA copy as bytes.");

static PyObject *buffer_tobytes(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *keywords)
{
    static const param rows[] = {{"|order", arg_object, offsetof(make_args, object)},
                                 {NULL, NULL, 0}};
    buffer *self = (buffer *)object;
    make_args a = {NULL, NULL, 0, 0};

    if (args_parse("tobytes", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    return PyBytes_FromStringAndSize(self->view.buf, self->view.len);
}

PyDoc_STRVAR(toreadonly_doc, "toreadonly($self, /)\n--\n\nThe same memory, read-only.");

static PyObject *buffer_toreadonly(PyObject *object, PyObject *Py_UNUSED(none))
{
    buffer *self = (buffer *)object;

    return buffer_at(state_of(object), self->view.buf, self->view.len, 1, object);
}

PyDoc_STRVAR(release_doc, "release($self, /)\n--\n\nLet go of the memory, unless views of it are "
                          "in use (BufferError).");

int buffer_let_go(buffer *self)
{
    if (self->exports > 0) {
        PyErr_Format(PyExc_BufferError, "the buffer has %zd exports in use", self->exports);
        return -1;
    }
    PyBuffer_Release(&self->view);
    self->from_mpi = 0;
    return PyBuffer_FillInfo(&self->view, NULL, NULL, 0, 0, PyBUF_SIMPLE);
}

void buffer_retire(PyObject *self)
{
    if (((buffer *)self)->exports == 0)
        buffer_let_go((buffer *)self);
}

static PyObject *buffer_release(PyObject *self, PyObject *Py_UNUSED(none))
{
    return buffer_let_go((buffer *)self) < 0 ? NULL : Py_NewRef(Py_None);
}

/* --------------------------------------------------------------------- attributes */

static PyObject *get_address(PyObject *self, void *Py_UNUSED(none))
{
    return PyLong_FromVoidPtr(((buffer *)self)->view.buf);
}

/* Whose memory it is; a part of a buffer has the whole one's. */
static PyObject *get_obj(PyObject *self, void *Py_UNUSED(none))
{
    PyObject *owner = ((buffer *)self)->view.obj;

    while (owner != NULL && Py_TYPE(owner) == Py_TYPE(self))
        owner = ((buffer *)owner)->view.obj;
    return Py_NewRef(owner != NULL ? owner : Py_None);
}

static PyObject *get_nbytes(PyObject *self, void *Py_UNUSED(none))
{
    return PyLong_FromSsize_t(((buffer *)self)->view.len);
}

static PyObject *get_readonly(PyObject *self, void *Py_UNUSED(none))
{
    return PyBool_FromLong(((buffer *)self)->view.readonly);
}

static PyObject *get_format(PyObject *self, void *Py_UNUSED(none))
{
    const char *format = ((buffer *)self)->view.format;

    return PyUnicode_FromString(format != NULL ? format : "B");
}

static PyObject *get_itemsize(PyObject *self, void *Py_UNUSED(none))
{
    return PyLong_FromSsize_t(((buffer *)self)->view.itemsize);
}

static PyMethodDef buffer_methods[] = {
    {"allocate", FAST(buffer_allocate), FASTCALL | METH_STATIC, allocate_doc},
    {"frombuffer", FAST(buffer_frombuffer), FASTCALL | METH_STATIC, frombuffer_doc},
    {"fromaddress", FAST(buffer_fromaddress), FASTCALL | METH_STATIC, fromaddress_doc},
    {"cast", FAST(buffer_cast), FASTCALL, cast_doc},
    {"tobytes", FAST(buffer_tobytes), FASTCALL, tobytes_doc},
    {"toreadonly", buffer_toreadonly, METH_NOARGS, toreadonly_doc},
    {"release", buffer_release, METH_NOARGS, release_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef buffer_getset[] = {
    {"address", get_address, NULL, "address of the memory", NULL},
    {"obj", get_obj, NULL, "the object whose memory it is, or None", NULL},
    {"nbytes", get_nbytes, NULL, "length in bytes", NULL},
    {"readonly", get_readonly, NULL, "whether it may not be written to", NULL},
    {"format", get_format, NULL, "format of an item", NULL},
    {"itemsize", get_itemsize, NULL, "size in bytes of an item of the object", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(buffer_doc, "buffer(buf=...)\n--\n\nA piece of memory, of another object if given.");

static PyType_Slot buffer_slots[] = {
    {Py_tp_doc, (void *)buffer_doc},
    {Py_tp_new, buffer_new},
    {Py_tp_dealloc, buffer_dealloc},
    {Py_bf_getbuffer, buffer_export},
    {Py_bf_releasebuffer, buffer_unexport},
    {Py_mp_length, buffer_length},
    {Py_sq_length, buffer_length},
    {Py_sq_item, buffer_at_index}, /* for iteration and `in` */
    {Py_mp_subscript, buffer_item},
    {Py_mp_ass_subscript, buffer_store},
    {Py_tp_methods, buffer_methods},
    {Py_tp_getset, buffer_getset},
    {0, NULL},
};

PyType_Spec buffer_spec = {
    .name = "collio.MPI.buffer",
    .basicsize = sizeof(buffer),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = buffer_slots,
};
