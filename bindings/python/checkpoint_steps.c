/* collio.Checkpoint: its steps are listed, verified, deleted and pinned, and said to be due. */
#include "ckpt.h"

static PyObject *entry_object(const collio_checkpoint_entry *e)
{
    return memory_call("collio._state", "Entry", "LLLiNsN", (long long)e->step, (long long)e->size,
                       (long long)e->time, e->writers, PyBool_FromLong(e->status == COLLIO_OK),
                       e->text, PyBool_FromLong(e->pinned));
}

static PyObject *step_object(const collio_checkpoint_entry *e)
{
    return PyLong_FromLongLong(e->step);
}

/* The steps as a list of what `make` makes of each; damaged ones only if wanted. */
static PyObject *list_steps(PyObject *object, PyObject *(*make)(const collio_checkpoint_entry *),
                            int damaged)
{
    checkpoint_object *self = (checkpoint_object *)object;
    collio_checkpoint_entry *list = NULL;
    PyObject *result = NULL, *item;
    PyThreadState *saved;
    int count = 0;
    joint j;

    if (checkpoint_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    saved = io_enter();
    collio_checkpoint_steps(self->handle, &list, &count, &j.err);
    io_leave(saved);
    if (joint_end(&j) == 0)
        result = PyList_New(0);
    for (int i = 0; result != NULL && i < count; i++) {
        if (!damaged && list[i].status != COLLIO_OK)
            continue;
        item = make(&list[i]);
        if (item == NULL || PyList_Append(result, item) < 0)
            Py_CLEAR(result);
        Py_XDECREF(item);
    }
    collio_checkpoint_steps_free(list);
    return result;
}

PyDoc_STRVAR(steps_doc, "steps($self, /)\n--\n\nThe steps with a whole seal, oldest first. "
                        "Collective.");

static PyObject *checkpoint_steps(PyObject *self, PyObject *Py_UNUSED(none))
{
    return list_steps(self, step_object, 0);
}

PyDoc_STRVAR(entries_doc,
             "entries($self, /)\n--\n\nAll steps, damaged ones included, oldest first, as tuples\n"
             "(step, size, time, writers, whole, text, pinned) with these names. Collective.");

static PyObject *checkpoint_entries(PyObject *self, PyObject *Py_UNUSED(none))
{
    return list_steps(self, entry_object, 1);
}

PyDoc_STRVAR(latest_doc, "latest($self, /)\n--\n\nThe newest step with a whole seal; "
                         "NoCheckpointError if there is none. Collective.");

static PyObject *checkpoint_latest(PyObject *object, PyObject *Py_UNUSED(none))
{
    checkpoint_object *self = (checkpoint_object *)object;
    PyThreadState *saved;
    int64_t step = 0;
    joint j;

    if (checkpoint_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    saved = io_enter();
    collio_checkpoint_latest(self->handle, &step, &j.err);
    io_leave(saved);
    return joint_end(&j) < 0 ? NULL : PyLong_FromLongLong(step);
}

PyDoc_STRVAR(verify_doc,
             "verify($self, step=None)\n--\n\nRead all of a step (the newest) and compare it with "
             "its seal; the ranks share\nthe work. Collective. Returns a tuple (step, valid, "
             "blocks, damaged, text) with these\nnames, true if valid; the text says what is "
             "damaged.");

static PyObject *checkpoint_verify(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"|step", arg_object, 0}, {NULL, NULL, 0}};
    checkpoint_object *self = (checkpoint_object *)object;
    collio_checkpoint_report r = {0};
    PyObject *which = Py_None;
    PyThreadState *saved;
    int64_t step = 0;
    int newest;
    joint j;

    if (checkpoint_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("verify", rows, &which, args, nargs, keywords) < 0 ||
        (which != Py_None && index_int64(which, &step) < 0))
        joint_fail(&j);
    newest = which == Py_None;
    saved = io_enter();
    if (newest)
        collio_checkpoint_latest(self->handle, &step, &j.err);
    collio_checkpoint_verify(self->handle, step, &r, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return NULL;
    return memory_call("collio._state", "Report", "LNLLs", (long long)r.step,
                       PyBool_FromLong(r.valid), (long long)r.blocks, (long long)r.damaged, r.text);
}

/* A collective call that is about one step. */
typedef int step_function(collio_checkpoint *c, int64_t step, collio_error *err);

static PyObject *about_step(PyObject *object, PyObject *which, step_function *function)
{
    checkpoint_object *self = (checkpoint_object *)object;
    PyThreadState *saved;
    int64_t step = 0;
    joint j;

    if (checkpoint_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (index_int64(which, &step) < 0)
        joint_fail(&j);
    saved = io_enter();
    function(self->handle, step, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(delete_doc, "delete($self, step, /)\n--\n\nDelete a step, whole or damaged, but not "
                         "a pinned one. Collective.");

static PyObject *checkpoint_delete(PyObject *self, PyObject *which)
{
    return about_step(self, which, collio_checkpoint_delete);
}

static int pin(collio_checkpoint *c, int64_t step, collio_error *err)
{
    return collio_checkpoint_pin(c, step, 1, err);
}

static int unpin(collio_checkpoint *c, int64_t step, collio_error *err)
{
    return collio_checkpoint_pin(c, step, 0, err);
}

PyDoc_STRVAR(pin_doc, "pin($self, step, /)\n--\n\nKeep a step until unpin(): it is not pruned and "
                      "not counted for `keep`, by later\njobs neither. Collective.");

static PyObject *checkpoint_pin(PyObject *self, PyObject *which)
{
    return about_step(self, which, pin);
}

PyDoc_STRVAR(unpin_doc, "unpin($self, step, /)\n--\n\nUndo pin(). Collective.");

static PyObject *checkpoint_unpin(PyObject *self, PyObject *which)
{
    return about_step(self, which, unpin);
}

/* ---------------------------------------------------------------- schedule */

PyDoc_STRVAR(due_doc,
             "due($self, step, /)\n--\n\n"
             "Whether a checkpoint is due at this step, the same answer on all ranks: '' or what\n"
             "asks for it, 'signal SIGTERM', 'steps' or 'seconds'. Collective.\n\n"
             "    if ckpt.due(step):\n        ckpt.save(step, ...)\n\n"
             "The step that was saved or restored last is due only because of a signal.");

static PyObject *describe_signal(int number)
{
    PyObject *name = memory_call("collio._state", "signal_name", "(i)", number), *text;

    text = name == NULL ? NULL : PyUnicode_FromFormat("signal %U", name);
    Py_XDECREF(name);
    return text;
}

static PyObject *checkpoint_due(PyObject *object, PyObject *which)
{
    checkpoint_object *self = (checkpoint_object *)object;
    int why = 0, number = 0;
    PyThreadState *saved;
    int64_t step = 0;
    joint j;

    if (checkpoint_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (index_int64(which, &step) < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_checkpoint_due(self->handle, step, &why, &number, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return NULL;
    if (why & COLLIO_DUE_SIGNAL)
        return describe_signal(number);
    return PyUnicode_FromString(why & COLLIO_DUE_STEPS     ? "steps"
                                : why & COLLIO_DUE_SECONDS ? "seconds"
                                                           : "");
}

PyMethodDef checkpoint_steps_methods[] = {
    {"steps", checkpoint_steps, METH_NOARGS, steps_doc},
    {"entries", checkpoint_entries, METH_NOARGS, entries_doc},
    {"latest", checkpoint_latest, METH_NOARGS, latest_doc},
    {"verify", FAST(checkpoint_verify), FASTCALL, verify_doc},
    {"delete", checkpoint_delete, METH_O, delete_doc},
    {"due", checkpoint_due, METH_O, due_doc},
    {"pin", checkpoint_pin, METH_O, pin_doc},
    {"unpin", checkpoint_unpin, METH_O, unpin_doc},
    {NULL, NULL, 0, NULL},
};
