/* Dataset.write_async() and read_async(), and collio.Transfer: what they return. */
#include "h5.h"

#include <string.h>

/* A transfer under way, and what must stay as long as it is. */
typedef struct transfer {
    PyObject_HEAD
    h5object *dataset;
    collio_request *handle; /* NULL: it was waited for */
    h5values values;        /* memory; and what its elements point to */
    PyObject *list;         /* indexes of the selection */
} transfer;

static void forget_memory(transfer *self)
{
    h5_values_release(&self->values);
    self->values.view.keep = self->values.keep = NULL;
    Py_CLEAR(self->list);
}

static transfer *new_transfer(h5object *dataset)
{
    PyTypeObject *type = state_of((PyObject *)dataset)->types[TYPE_Transfer];
    transfer *self = (transfer *)type->tp_alloc(type, 0);

    if (self != NULL)
        self->dataset = (h5object *)Py_NewRef((PyObject *)dataset);
    return self;
}

/* ------------------------------------------------------------------- beginning */

typedef struct async_args {
    PyObject *array;
    PyObject *selection;
} async_args;

/* Where in the file and in memory. */
typedef struct places {
    h5index index;
    collio_array memory;
} places;

static int find_places(transfer *self, const async_args *a, int writing, places *p)
{
    h5object *dataset = self->dataset;
    collio_error err = COLLIO_ERROR_INIT;
    collio_type stored = COLLIO_TYPE_COUNT;
    array_view *view = &self->values.view;
    int64_t shape[COLLIO_MAX_DIMS];
    int ndim = h5_shape(dataset, shape), result;

    if (ndim < 0 || h5_select(a->selection, ndim, shape, &p->index) < 0)
        return -1;
    self->list = p->index.keep;
    p->index.keep = NULL;
    if (collio_dataset_stored_type(dataset->object, &stored, &err)) {
        raise_from(&err);
        return -1;
    }
    if (writing) {
        result = h5_values(a->array, stored, NULL, &self->values);
        return result < 0 ? -1 : memory_broadcast(view, p->index.ndim, p->index.shape, &p->memory);
    }
    if (array_view_from(a->array, 1, view) < 0)
        return -1;
    memory_describe(view, &p->memory);
    return 0;
}

static PyObject *begin(h5object *dataset, const async_args *a, int writing, joint *j)
{
    transfer *self = new_transfer(dataset);
    collio_request *request = NULL;
    PyThreadState *saved;
    places p;

    memset(&p, 0, sizeof p);
    p.memory.type = COLLIO_TYPE_COUNT;
    if (self == NULL || PyErr_Occurred() || find_places(self, a, writing, &p) < 0)
        joint_fail(j);
    saved = io_enter();
    if (writing)
        collio_dataset_write_async(dataset->object, &p.index.selection, &p.memory, &request,
                                   &j->err);
    else
        collio_dataset_read_async(dataset->object, &p.index.selection, &p.memory, &request,
                                  &j->err);
    io_leave(saved);
    Py_XDECREF(p.index.keep);
    if (self != NULL)
        self->handle = request;
    if (joint_end(j) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

PyDoc_STRVAR(write_doc,
             "write_async($self, source, dest_sel=None)\n--\n\n"
             "Begin to write from an array, and return a Transfer at once. Collective.\n\n"
             "  source    must not be changed before the transfer was waited for\n"
             "  dest_sel  where to write; by default everywhere\n\n"
             "Elements that are contiguous in the file and need no conversion are written while\n"
             "the program goes on; others before the call returns.");

static PyObject *write_async(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    static const param rows[] = {{"source", arg_object, offsetof(async_args, array)},
                                 {"|dest_sel", arg_object, offsetof(async_args, selection)},
                                 {NULL, NULL, 0}};
    async_args a = {NULL, Py_Ellipsis};
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    args_parse("write_async", rows, &a, args, nargs, keywords);
    a.selection = a.selection == Py_None ? Py_Ellipsis : a.selection;
    return begin((h5object *)object, &a, 1, &j);
}

PyDoc_STRVAR(read_doc, "read_async($self, dest, source_sel=None)\n--\n\n"
                       "Begin to read into an array, and return a Transfer at once. Collective.\n\n"
                       "  dest        holds the elements once the transfer was waited for\n"
                       "  source_sel  what to read; by default all");

static PyObject *read_async(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"dest", arg_object, offsetof(async_args, array)},
                                 {"|source_sel", arg_object, offsetof(async_args, selection)},
                                 {NULL, NULL, 0}};
    async_args a = {NULL, Py_Ellipsis};
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    args_parse("read_async", rows, &a, args, nargs, keywords);
    a.selection = a.selection == Py_None ? Py_Ellipsis : a.selection;
    return begin((h5object *)object, &a, 0, &j);
}

PyMethodDef h5async_methods[] = {
    {"write_async", FAST(write_async), FASTCALL, write_doc},
    {"read_async", FAST(read_async), FASTCALL, read_doc},
    {NULL, NULL, 0, NULL},
};

/* ---------------------------------------------------------------------- ending */

PyDoc_STRVAR(wait_doc, "wait($self)\n--\n\n"
                       "Wait for the transfer of all ranks. Collective: an error of one rank is "
                       "raised on all.");

static PyObject *transfer_wait(PyObject *object, PyObject *Py_UNUSED(none))
{
    transfer *self = (transfer *)object;
    PyThreadState *saved;
    joint j;

    joint_begin(&j);
    saved = io_enter();
    collio_request_wait(&self->handle, &j.err);
    io_leave(saved);
    if (self->handle == NULL)
        forget_memory(self);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(test_doc, "test($self)\n--\n\n"
                       "Whether this rank's part is done; wait() tells of all. Not collective.");

static PyObject *transfer_test(PyObject *object, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(collio_request_test(((transfer *)object)->handle));
}

static void transfer_dealloc(PyObject *object)
{
    transfer *self = (transfer *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyThreadState *saved;

    if (self->handle != NULL) {
        saved = io_enter();
        collio_request_drop(&self->handle);
        io_leave(saved);
    }
    forget_memory(self);
    Py_XDECREF(self->dataset);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef transfer_methods[] = {
    {"wait", transfer_wait, METH_NOARGS, wait_doc},
    {"test", transfer_test, METH_NOARGS, test_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(transfer_doc, "A read or write that goes on while the program does: what "
                           "Dataset.write_async() and\nread_async() return.");

static PyType_Slot transfer_slots[] = {
    {Py_tp_doc, (void *)transfer_doc},
    {Py_tp_dealloc, transfer_dealloc},
    {Py_tp_methods, transfer_methods},
    {0, NULL},
};

PyType_Spec Transfer_spec = {
    .name = "collio.Transfer",
    .basicsize = sizeof(transfer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = transfer_slots,
};
