/* Checkpoint.save(), and collio.SaveRequest: a save that goes on in the background. */
#include "ckpt.h"

#include <string.h>

/* ------------------------------------------------------- the save in flight */

/* Keep what went wrong as the exception it is for Python. */
static void keep_error(save_request *request, const collio_error *err)
{
    PyObject *type, *value, *trace, *before[3];

    PyErr_Fetch(&before[0], &before[1], &before[2]);
    raise_from(err);
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    request->error = value;
    Py_XDECREF(type);
    Py_XDECREF(trace);
    PyErr_Restore(before[0], before[1], before[2]);
}

void request_settle(checkpoint_object *self, const collio_error *err)
{
    save_request *request = self->request;

    if (request == NULL)
        return;
    self->request = NULL;
    request->from = NULL;
    items_release(&request->all);
    if (err->code != COLLIO_OK)
        keep_error(request, err);
    Py_DECREF(request);
}

/* Ask after the save in flight; to `wait` also for disks. *done, 0 or -1. */
static int finish(checkpoint_object *self, int wait, int *done)
{
    PyThreadState *saved;
    joint j;

    joint_begin(&j);
    saved = io_enter();
    if (wait)
        *done = collio_checkpoint_wait(self->handle, &j.err) == COLLIO_OK;
    else
        collio_checkpoint_test(self->handle, done, &j.err);
    io_leave(saved);
    if (!collio_checkpoint_pending(self->handle, NULL))
        request_settle(self, &j.err);
    return joint_end(&j);
}

static PyObject *outcome(save_request *self)
{
    if (self->error == NULL)
        Py_RETURN_TRUE;
    PyErr_SetObject((PyObject *)Py_TYPE(self->error), self->error);
    return NULL;
}

PyDoc_STRVAR(wait_doc,
             "wait($self, /)\n--\n\nFinish the save: when this returns, the step survives "
             "the loss of every process.\nCollective, unless it is over already. Raises, "
             "on all ranks, what went wrong.");

static PyObject *request_wait(PyObject *object, PyObject *Py_UNUSED(none))
{
    save_request *self = (save_request *)object;
    PyObject *result;
    int done;

    if (self->from != NULL && finish(self->from, 1, &done) < 0)
        return NULL;
    result = outcome(self);
    Py_XDECREF(result);
    return result == NULL ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(test_doc, "test($self, /)\n--\n\nFinish the save if no rank has to wait for a disk; "
                       "whether it is over. Collective,\nunless it is over already. Raises, on all "
                       "ranks, what went wrong.");

static PyObject *request_test(PyObject *object, PyObject *Py_UNUSED(none))
{
    save_request *self = (save_request *)object;
    int done = 0;

    if (self->from == NULL)
        return outcome(self);
    return finish(self->from, 0, &done) < 0 ? NULL : PyBool_FromLong(done);
}

static PyObject *get_done(PyObject *object, void *Py_UNUSED(none))
{
    return PyBool_FromLong(((save_request *)object)->from == NULL);
}

static void request_dealloc(PyObject *object)
{
    save_request *self = (save_request *)object;
    PyTypeObject *type = Py_TYPE(object);

    items_release(&self->all);
    Py_CLEAR(self->error);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *request_repr(PyObject *object)
{
    save_request *self = (save_request *)object;

    return PyUnicode_FromFormat("<collio.SaveRequest of step %lld: %s>", self->step,
                                self->from != NULL    ? "in flight"
                                : self->error != NULL ? "failed"
                                                      : "saved");
}

static PyMethodDef request_methods[] = {
    {"wait", request_wait, METH_NOARGS, wait_doc},
    {"test", request_test, METH_NOARGS, test_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef request_members[] = {
    {"step", T_LONGLONG, offsetof(save_request, step), READONLY, "the step that is saved"},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef request_getset[] = {
    {"done", get_done, NULL, "whether it is over; not collective", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    request_doc,
    "A save in the background: what Checkpoint.save(..., wait=False) returns. The step is\n"
    "there only when wait(), test(), the next save or close() has finished it.");

static PyType_Slot request_slots[] = {
    {Py_tp_doc, (void *)request_doc},
    {Py_tp_dealloc, request_dealloc},
    {Py_tp_repr, request_repr},
    {Py_tp_methods, request_methods},
    {Py_tp_members, request_members},
    {Py_tp_getset, request_getset},
    {0, NULL},
};

PyType_Spec SaveRequest_spec = {
    .name = "collio.SaveRequest",
    .basicsize = sizeof(save_request),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = request_slots,
};

/* ---------------------------------------------------------------------- save */

PyDoc_STRVAR(
    save_doc,
    "save($self, step, items=None, /, *, wait=True, borrow=False, **named)\n--\n\n"
    "Save a step; when this returns it survives the loss of every process. Collective.\n\n"
    "  step    0 .. 999999999999; must not be there yet, unless damaged\n"
    "  items   mapping of names to what to save, besides the keyword arguments\n"
    "  wait    False: return a SaveRequest as soon as the data are copied; a thread writes\n"
    "          them, and the step is there when the request, the next save or close() has\n"
    "          finished it; at most one save is in flight\n"
    "  borrow  with wait=False: arrays without gaps are not copied; they must not change\n"
    "          until the save is finished\n\n"
    "What to save, under the same names in the same order on all ranks:\n"
    "  Part(array, shape, offset)  this rank's block of an array\n"
    "  numbers, ndarrays           the same on all ranks (checked)\n"
    "  PerRank(object)             this rank's own object\n"
    "  any other object            that of rank 0; as JSON if possible (random generators,\n"
    "                              tuples and arrays included), else as a pickle\n"
    "If any rank fails, none succeeds and all raise the same error.");

typedef struct save_args {
    int64_t step;
    int wait, borrow;
    items all;
} save_args;

/* The two keywords that are no items. */
static int parse_options(PyObject *names, PyObject *const *values, save_args *a)
{
    Py_ssize_t n = names == NULL ? 0 : PyTuple_GET_SIZE(names);

    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if ((PyUnicode_CompareWithASCIIString(name, "wait") == 0 &&
             arg_bool(values[i], &a->wait) < 0) ||
            (PyUnicode_CompareWithASCIIString(name, "borrow") == 0 &&
             arg_bool(values[i], &a->borrow) < 0))
            return -1;
    }
    return 0;
}

static int parse_save(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords,
                      save_args *a)
{
    if (nargs < 1 || nargs > 2) {
        PyErr_Format(PyExc_TypeError, "save() takes a step and at most one mapping (%zd given)",
                     nargs);
        return -1;
    }
    if (parse_options(keywords, args + nargs, a) < 0 || index_int64(args[0], &a->step) < 0)
        return -1;
    return items_from(state_of(self), nargs > 1 ? args[1] : NULL, keywords, args + nargs, &a->all);
}

/* A rank that fails may not know how the others call: whether in the background
 * or not, the first part is the same. */
static PyObject *save_now(checkpoint_object *self, save_args *a, joint *j)
{
    PyThreadState *saved = io_enter();

    collio_checkpoint_save(self->handle, a->step, a->all.count, a->all.item, &j->err);
    io_leave(saved);
    items_release(&a->all);
    return joint_end(j) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *save_later(checkpoint_object *self, save_args *a, joint *j)
{
    PyTypeObject *type = state_of((PyObject *)self)->types[TYPE_SaveRequest];
    save_request *request = (save_request *)type->tp_alloc(type, 0);
    PyThreadState *saved;

    if (request == NULL)
        joint_fail(j);
    saved = io_enter();
    collio_checkpoint_save_start(self->handle, a->step, a->all.count, a->all.item, a->borrow,
                                 &j->err);
    io_leave(saved);
    if (joint_end(j) < 0) {
        items_release(&a->all);
        Py_XDECREF(request);
        return NULL;
    }
    request->step = a->step;
    request->from = self;
    request->all = a->all;
    self->request = (save_request *)Py_NewRef(request);
    return (PyObject *)request;
}

static PyObject *checkpoint_save(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    checkpoint_object *self = (checkpoint_object *)object;
    save_args a = {.wait = 1};
    int done;
    joint j;

    if (checkpoint_ready(self) < 0 || (self->request != NULL && finish(self, 1, &done) < 0))
        return NULL;
    joint_begin(&j);
    if (parse_save(object, args, nargs, keywords, &a) < 0)
        joint_fail(&j);
    return a.wait ? save_now(self, &a, &j) : save_later(self, &a, &j);
}

PyMethodDef checkpoint_save_methods[] = {
    {"save", FAST(checkpoint_save), FASTCALL, save_doc},
    {NULL, NULL, 0, NULL},
};
