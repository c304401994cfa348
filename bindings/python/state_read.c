/*
 * Reading a State. What is common to all ranks is read when the step is opened,
 * so that looking at it later takes no other rank; arrays in parts and states of
 * ranks are read when asked for, by all ranks together.
 */
#include "ckpt.h"

#include <string.h>

/* ------------------------------------------------------------ reading, collective */

/* The bytes of one part of a state; part < 0: none. New, NULL with the error in j. */
static PyObject *read_bytes(state_object *self, const char *name, int part, joint *j)
{
    PyThreadState *saved;
    PyObject *bytes = NULL;
    size_t size = 0;
    char *data = NULL;

    if (part >= 0)
        collio_checkpoint_state_size(self->handle, name, part, &size, &j->err);
    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (bytes == NULL)
        joint_fail(j);
    else
        data = PyBytes_AS_STRING(bytes);
    saved = io_enter();
    collio_checkpoint_read_state(self->handle, name, part, data, &j->err);
    io_leave(saved);
    if (j->err.code != COLLIO_OK)
        Py_CLEAR(bytes);
    return bytes;
}

/* A block into memory that is there. */
static void read_into(state_object *self, const char *name, const int64_t *start,
                      const collio_array *out, joint *j)
{
    PyThreadState *saved = io_enter();

    collio_checkpoint_read(self->handle, name, start, out, &j->err);
    io_leave(saved);
}

/* A block as a new array. New, NULL with the error in j. */
static PyObject *read_block(state_object *self, const char *name, const collio_item_info *info,
                            const int64_t *start, const int64_t *count, joint *j)
{
    PyObject *array = NULL;
    collio_array out = {0};
    void *data = NULL;

    if (j->err.code == COLLIO_OK) {
        array = array_new(info->type, info->ndim, count, &data);
        if (array == NULL)
            joint_fail(j);
        else
            collio_array_fill(&out, data, info->type, info->ndim, count);
    }
    read_into(self, name, start, &out, j);
    if (j->err.code != COLLIO_OK)
        Py_CLEAR(array);
    return array;
}

/* Read what is common to all ranks into self->small. All ranks go through the
 * same items; one that fails brings its error into the next. */
static void read_small(state_object *self, joint *j)
{
    int count = collio_checkpoint_state_count(self->handle);
    collio_item_info info;

    for (int i = 0; i < count; i++) {
        PyObject *value = NULL;
        if (collio_checkpoint_state_item(self->handle, i, &info, &j->err))
            return;
        if (info.kind == COLLIO_ITEM_COMMON)
            value = read_block(self, info.name, &info, NULL, info.shape, j);
        else if (info.kind == COLLIO_ITEM_STATE)
            value = read_bytes(self, info.name, 0, j);
        if (value != NULL && PyDict_SetItemString(self->small, info.name, value) < 0)
            joint_fail(j);
        Py_XDECREF(value);
    }
}

/* Read arrays into memory that is there. */
static void read_items(state_object *self, const items *into, joint *j)
{
    PyThreadState *saved = io_enter();

    collio_checkpoint_read_items(self->handle, into->count, into->item, &j->err);
    io_leave(saved);
}

PyObject *state_make(checkpoint_object *from, collio_checkpoint_state *opened, int pickles,
                     const items *into, joint *j)
{
    PyTypeObject *type = state_of((PyObject *)from)->types[TYPE_State];
    state_object *self = (state_object *)type->tp_alloc(type, 0);
    PyObject *small = PyDict_New();
    PyThreadState *saved;

    if (self == NULL || small == NULL) { /* the others learn of it with the next call */
        saved = io_enter();
        collio_checkpoint_state_close(&opened);
        collio_comm_leave(collio_checkpoint_comm(from->handle), "out of memory");
        io_leave(saved);
        Py_XDECREF(small);
        Py_XDECREF(self);
        return NULL;
    }
    self->handle = opened;
    self->from = (checkpoint_object *)Py_NewRef(from);
    self->next = from->states;
    from->states = self;
    self->small = small;
    self->pickles = pickles;
    read_small(self, j);
    if (into->count > 0)
        read_items(self, into, j);
    if (joint_end(j) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

/* ---------------------------------------------------------------- look-up by name */

/* An object out of the bytes of a state. New. */
static PyObject *decode(state_object *self, const collio_item_info *info, PyObject *bytes)
{
    return memory_call("collio._state", "decode", "ssOi", info->name, info->format, bytes,
                       self->pickles);
}

/* The values of all ranks that saved. Collective. */
static PyObject *read_ranks(state_object *self, const collio_item_info *info, joint *j)
{
    PyObject *list = PyList_New(0), *bytes, *value;

    if (list == NULL)
        joint_fail(j);
    for (int part = 0; part < info->parts; part++) {
        bytes = read_bytes(self, info->name, part, j);
        value = bytes == NULL ? NULL : decode(self, info, bytes);
        if (bytes != NULL && (value == NULL || PyList_Append(list, value) < 0))
            joint_fail(j);
        Py_XDECREF(value);
        Py_XDECREF(bytes);
    }
    if (joint_end(j) < 0)
        Py_CLEAR(list);
    return list;
}

static PyObject *look_up_small(state_object *self, const collio_item_info *info)
{
    PyObject *value = PyDict_GetItemString(self->small, info->name); /* borrowed */
    PyObject *copy;

    if (value == NULL)
        return PyErr_Format(PyExc_KeyError, "%s", info->name);
    if (info->kind == COLLIO_ITEM_STATE)
        return decode(self, info, value);
    copy = PyObject_CallMethod(value, "copy", NULL);
    return copy == NULL ? NULL : array_scalar(copy);
}

/* state[name]. A name that is not there joins the others, who may read one that is. */
PyObject *state_get_item(PyObject *object, PyObject *key)
{
    state_object *self = (state_object *)object;
    collio_item_info info = {0};
    const char *name = "";
    PyObject *array;
    joint j;

    if (state_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (arg_text(key, &name) < 0)
        joint_fail(&j);
    else
        collio_checkpoint_state_find(self->handle, name, &info, &j.err);
    if (j.err.code == COLLIO_OK && info.kind == COLLIO_ITEM_RANK_STATE)
        return read_ranks(self, &info, &j);
    if (j.err.code == COLLIO_OK && info.kind != COLLIO_ITEM_PART)
        return look_up_small(self, &info);
    array = read_block(self, name, &info, NULL, info.shape, &j);
    if (joint_end(&j) < 0)
        Py_CLEAR(array);
    return array;
}

/* ---------------------------------------------------------------- blocks of arrays */

/* Where a block begins and ends: by default at the origin and at the end. */
static int block_of(const collio_item_info *info, PyObject *offset, PyObject *shape, int64_t *start,
                    int64_t *count)
{
    int n = info->ndim;

    for (int d = 0; d < info->ndim; d++)
        start[d] = 0;
    if (offset != Py_None)
        n = memory_extents(offset, "offset", start);
    for (int d = 0; d < info->ndim; d++)
        count[d] = info->shape[d] - start[d];
    if (n == info->ndim && shape != Py_None)
        n = memory_extents(shape, "shape", count);
    if (n < 0)
        return -1;
    if (n != info->ndim) {
        PyErr_Format(PyExc_ValueError, "'%s' has %d dimensions, offset or shape has %d", info->name,
                     info->ndim, n);
        return -1;
    }
    for (int d = 0; d < info->ndim; d++)
        if (count[d] < 0 || start[d] < 0) {
            PyErr_Format(PyExc_IndexError, "offset and shape of '%s' must not be negative",
                         info->name);
            return -1;
        }
    return 0;
}

/* Memory of the caller's for a block. */
static int view_out(PyObject *object, array_view *view, collio_array *out, int64_t *count)
{
    if (array_view_from(object, 1, view) < 0)
        return -1;
    memory_describe(view, out);
    memcpy(count, view->shape, sizeof view->shape);
    return 0;
}

typedef struct read_args {
    const char *name;
    PyObject *offset;
    PyObject *shape;
    PyObject *out;
} read_args;

/* Read a block, this rank's own; takes part whatever is wrong with it. */
static PyObject *read_part(state_object *self, const read_args *a, joint *j)
{
    int64_t start[COLLIO_MAX_DIMS], count[COLLIO_MAX_DIMS];
    PyObject *result = NULL;
    collio_item_info info = {0};
    collio_array out = {0};
    array_view view = {0};

    if (j->err.code == COLLIO_OK)
        collio_checkpoint_state_find(self->handle, a->name, &info, &j->err);
    if (j->err.code == COLLIO_OK && a->out != Py_None && view_out(a->out, &view, &out, count) < 0)
        joint_fail(j);
    if (j->err.code == COLLIO_OK && block_of(&info, a->offset, a->shape, start, count) < 0)
        joint_fail(j);
    if (view.keep != NULL) {
        read_into(self, a->name, start, &out, j);
        result = Py_NewRef(a->out);
        array_view_release(&view);
    } else {
        result = read_block(self, a->name, &info, start, count, j);
    }
    if (joint_end(j) < 0)
        Py_CLEAR(result);
    return result;
}

PyDoc_STRVAR(read_doc,
             "read($self, name, offset=None, shape=None, out=None)\n--\n\n"
             "This rank's block of an array. Collective: every rank its own block; they may\n"
             "overlap, leave gaps, be empty.\n\n"
             "  offset  where the block begins; by default at the origin\n"
             "  shape   its extents; by default all that follows\n"
             "  out     an array of the right type and extents (any strides) to read into,\n"
             "          instead of `shape`; returned");

static PyObject *state_read(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, offsetof(read_args, name)},
                                 {"|offset", arg_object, offsetof(read_args, offset)},
                                 {"|shape", arg_object, offsetof(read_args, shape)},
                                 {"|out", arg_object, offsetof(read_args, out)},
                                 {NULL, NULL, 0}};
    read_args a = {"", Py_None, Py_None, Py_None};
    joint j;

    if (state_ready((state_object *)object) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("read", rows, &a, args, nargs, keywords) < 0)
        joint_fail(&j);
    return read_part((state_object *)object, &a, &j);
}

PyDoc_STRVAR(part_doc,
             "part($self, name, decomposition)\n--\n\nThis rank's block of an array, with its "
             "halo, in a Decomposition: an array like\nthose of its empty(). Collective.");

static PyObject *state_part(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, offsetof(read_args, name)},
                                 {"decomposition", arg_object, offsetof(read_args, out)},
                                 {NULL, NULL, 0}};
    read_args a = {"", NULL, NULL, Py_None};
    PyObject *result;
    joint j;

    if (state_ready((state_object *)object) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("part", rows, &a, args, nargs, keywords) == 0) {
        a.offset = PyObject_GetAttrString(a.out, "outer_start");
        a.shape = a.offset == NULL ? NULL : PyObject_GetAttrString(a.out, "outer_count");
    }
    joint_fail(&j); /* if an exception is pending */
    a.out = Py_None;
    result = read_part((state_object *)object, &a, &j);
    Py_XDECREF(a.offset);
    Py_XDECREF(a.shape);
    return result;
}

PyDoc_STRVAR(read_rank_doc,
             "read_rank($self, name, rank)\n--\n\nThe state that one rank saved with PerRank. "
             "Collective: every rank may ask for another\none, or with None for nothing.");

typedef struct rank_args {
    const char *name;
    PyObject *rank;
} rank_args;

static PyObject *state_read_rank(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"name", arg_text, offsetof(rank_args, name)},
                                 {"rank", arg_object, offsetof(rank_args, rank)},
                                 {NULL, NULL, 0}};
    state_object *self = (state_object *)object;
    rank_args a = {"", Py_None};
    collio_item_info info = {0};
    PyObject *bytes, *value;
    int part = -1;
    joint j;

    if (state_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("read_rank", rows, &a, args, nargs, keywords) < 0 ||
        (a.rank != Py_None && index_int(a.rank, &part) < 0))
        joint_fail(&j);
    else
        collio_checkpoint_state_find(self->handle, a.name, &info, &j.err);
    if (part < -1) /* the library reads nothing for a negative part */
        collio_error_set(&j.err, COLLIO_ERR_INDEX, "rank %d of '%s'", part, a.name);
    bytes = read_bytes(self, a.name, part, &j);
    if (joint_end(&j) < 0) {
        Py_XDECREF(bytes);
        return NULL;
    }
    value = part < 0 ? Py_NewRef(Py_None) : decode(self, &info, bytes);
    Py_DECREF(bytes);
    return value;
}

PyMethodDef state_read_methods[] = {
    {"read", FAST(state_read), FASTCALL, read_doc},
    {"part", FAST(state_part), FASTCALL, part_doc},
    {"read_rank", FAST(state_read_rank), FASTCALL, read_rank_doc},
    {NULL, NULL, 0, NULL},
};
