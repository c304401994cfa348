/* collio.Checkpoint: a directory of steps that are whole or not there. */
#include "ckpt.h"

#include <string.h>

/* ------------------------------------------------------------ open and close */

typedef struct open_args {
    PyObject *directory;
    PyObject *comm;
    PyObject *keep;
    PyObject *verify;
    int read_only;
    PyObject *compression;
    PyObject *layout;
    PyObject *on_signal;
    PyObject *every_steps;
    PyObject *every_seconds;
    int *signals; /* PyMem_Malloc'ed */
} open_args;

/* The path as bytes of the file system, kept in *bytes. */
static const char *path_of(PyObject *object, PyObject **bytes)
{
    return PyUnicode_FSConverter(object, bytes) ? PyBytes_AS_STRING(*bytes) : "";
}

/* As h5py has it: None, "gzip", or the level of gzip. */
static int compression_of(PyObject *object, int *out)
{
    const char *name;

    if (object == NULL || object == Py_None)
        return 0;
    if (!PyUnicode_Check(object) && !PyBool_Check(object))
        return index_int(object, out);
    name = PyUnicode_Check(object) ? PyUnicode_AsUTF8(object) : "";
    *out = 4;
    if (name != NULL && strcmp(name, "gzip") == 0)
        return 0;
    if (name != NULL)
        PyErr_Format(PyExc_ValueError, "compression must be None, 'gzip' or 0 .. 9, not %R",
                     object);
    return -1;
}

/* Signals: None, one, or several. */
static int signals_of(open_args *a, collio_checkpoint_options *out)
{
    PyObject *list;

    if (a->on_signal == NULL || a->on_signal == Py_None)
        return 0;
    list = PyIndex_Check(a->on_signal) ? PyTuple_Pack(1, a->on_signal) : Py_NewRef(a->on_signal);
    out->nsignals = list == NULL ? -1 : ints_from(list, &a->signals);
    out->signals = a->signals;
    Py_XDECREF(list);
    return out->nsignals < 0 ? -1 : 0;
}

static int schedule_of(open_args *a, collio_checkpoint_options *out)
{
    if (a->every_steps != NULL && a->every_steps != Py_None &&
        index_int64(a->every_steps, &out->every_steps) < 0)
        return -1;
    if (a->every_seconds != NULL && a->every_seconds != Py_None &&
        arg_double(a->every_seconds, &out->every_seconds) < 0)
        return -1;
    return signals_of(a, out);
}

/* NULL, None: *out stays as it is. */
static int verify_of(PyObject *object, int *out)
{
    const char *name = NULL;

    if (object == NULL || object == Py_None)
        return 0;
    if (arg_text(object, &name) < 0)
        return -1;
    *out = strcmp(name, "read") == 0 ? COLLIO_VERIFY_READ : COLLIO_VERIFY_ALL;
    if (*out == COLLIO_VERIFY_READ || strcmp(name, "all") == 0)
        return 0;
    PyErr_Format(PyExc_ValueError, "verify must be 'all' or 'read', not %R", object);
    return -1;
}

static int options_of(open_args *a, collio_checkpoint_options *out)
{
    out->read_only = a->read_only;
    if (a->keep != NULL && a->keep != Py_None && index_int(a->keep, &out->keep) < 0)
        return -1;
    if (verify_of(a->verify, &out->verify) < 0 ||
        compression_of(a->compression, &out->deflate) < 0 || layout_of(a->layout, &out->layout) < 0)
        return -1;
    return schedule_of(a, out);
}

/* Once it has a communicator, this rank takes part whatever is wrong with the rest. */
static int open_directory(checkpoint_object *self, MPI_Comm comm, open_args *a)
{
    collio_checkpoint_options options = {0};
    PyObject *bytes = NULL;
    PyThreadState *saved;
    const char *path;
    joint j;

    joint_begin(&j);
    path = path_of(a->directory, &bytes);
    if (bytes == NULL || options_of(a, &options) < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_checkpoint_open(comm, path, &options, &self->handle, &j.err);
    io_leave(saved);
    Py_XDECREF(bytes);
    PyMem_Free(a->signals);
    return joint_end(&j);
}

static int checkpoint_init(PyObject *object, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"directory", arg_object, offsetof(open_args, directory)},
                                 {"|comm", arg_object, offsetof(open_args, comm)},
                                 {"|keep", arg_object, offsetof(open_args, keep)},
                                 {"$verify", arg_object, offsetof(open_args, verify)},
                                 {"$read_only", arg_bool, offsetof(open_args, read_only)},
                                 {"$compression", arg_object, offsetof(open_args, compression)},
                                 {"$layout", arg_object, offsetof(open_args, layout)},
                                 {"$on_signal", arg_object, offsetof(open_args, on_signal)},
                                 {"$every_steps", arg_object, offsetof(open_args, every_steps)},
                                 {"$every_seconds", arg_object, offsetof(open_args, every_seconds)},
                                 {NULL, NULL, 0}};
    checkpoint_object *self = (checkpoint_object *)object;
    open_args a = {0};
    MPI_Comm comm;

    if (self->handle != NULL) {
        PyErr_SetString(PyExc_ValueError, "the checkpoint is open already");
        return -1;
    }
    if (args_parse_tuple("Checkpoint", rows, &a, args, keywords) < 0 ||
        joint_comm(a.comm, &comm) < 0)
        return -1;
    return open_directory(self, comm, &a);
}

#define MOMENT 5.0 /* seconds that a rank which ends waits for the others to end */

/* Whether all ranks are at the end of the program; those that wait elsewhere learn
 * that this one is. */
static int all_end(collio_comm *comm, const char *reason)
{
    collio_ticket ticket = {.operation = "the end of the program"};
    collio_error err = COLLIO_ERROR_INIT;

    collio_error_at(&err, NULL, 0);
    return collio_agree_within(comm, &ticket, MOMENT, reason, &err) == COLLIO_OK;
}

/* Close, and the states first. With a reason to leave: without the others, who
 * learn that this rank will not come again. */
static void close_handle(checkpoint_object *self, const char *reason, collio_error *err)
{
    int ending = reason != NULL && joint_ending();
    collio_checkpoint *taken;
    PyThreadState *saved;

    if (self->handle == NULL || !life_usable())
        return;
    while (self->states != NULL)
        state_close(self->states);
    taken = self->handle;
    self->handle = NULL; /* first, so that no other thread takes it up */
    saved = io_enter();
    if (reason != NULL && collio_comm_size(collio_checkpoint_comm(taken)) > 1 &&
        !(ending && all_end(collio_checkpoint_comm(taken), reason)))
        collio_comm_leave(collio_checkpoint_comm(taken), reason);
    collio_checkpoint_close(&taken, err);
    io_leave(saved);
    request_settle(self, err);
}

/* The last State keeps its Checkpoint, so that none is open here. */
static void checkpoint_dealloc(PyObject *object)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyTypeObject *type = Py_TYPE(object);

    close_handle((checkpoint_object *)object, "its Checkpoint went without a close()", &err);
    if (err.code != COLLIO_OK) /* nobody is left to whom it could be raised */
        collio_log("checkpoint: %s", err.text);
    type->tp_free(object);
    Py_DECREF(type);
}

int checkpoint_ready(checkpoint_object *self)
{
    if (self->handle != NULL)
        return 0;
    PyErr_SetString(PyExc_ValueError, "the checkpoint is closed");
    return -1;
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nClose, and the states that restore() gave. "
                        "Collective. A save in\nthe background is finished first; an error of it "
                        "is raised here.");

static PyObject *checkpoint_close(PyObject *object, PyObject *Py_UNUSED(none))
{
    joint j;

    joint_begin(&j);
    close_handle((checkpoint_object *)object, NULL, &j.err);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *checkpoint_enter(PyObject *object, PyObject *Py_UNUSED(none))
{
    return checkpoint_ready((checkpoint_object *)object) < 0 ? NULL : Py_NewRef(object);
}

/* With an exception on its way this rank does not wait for the others. */
static PyObject *checkpoint_exit(PyObject *object, PyObject *const *args, Py_ssize_t nargs)
{
    collio_error err = COLLIO_ERROR_INIT;
    char reason[256];

    if (nargs < 2 || args[1] == Py_None)
        return checkpoint_close(object, NULL);
    PyErr_SetObject((PyObject *)Py_TYPE(args[1]), args[1]);
    joint_reason(reason, sizeof reason);
    PyErr_Clear();
    close_handle((checkpoint_object *)object, reason, &err);
    Py_RETURN_NONE;
}

/* ----------------------------------------------------------------- restore */

PyDoc_STRVAR(restore_doc,
             "restore($self, step=None, *, into=None, pickles=False, verify=None)\n--\n\n"
             "Open a step for reading, on any number of ranks: a State. Collective.\n\n"
             "  step     None: the newest one that is valid on all ranks\n"
             "  into     mapping of names to what is to be filled, without a copy in between:\n"
             "           arrays for all of an array, Part(array, offset=...) for this rank's\n"
             "           block (its shape, if given, must be that of the array that was saved);\n"
             "           the same names on all ranks; any strides, the type that was saved\n"
             "  pickles  whether state that was saved as a pickle may be read: only if you\n"
             "           trust whoever wrote the file\n"
             "  verify   'all' or 'read', for this call; None: as the Checkpoint has it\n\n"
             "NoCheckpointError if there is none, DamageError if none (or not this one) is valid.");

typedef struct restore_args {
    PyObject *step;
    PyObject *into;
    int pickles;
    PyObject *verify;
} restore_args;

static PyObject *checkpoint_restore(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                    PyObject *keywords)
{
    static const param rows[] = {{"|step", arg_object, offsetof(restore_args, step)},
                                 {"$into", arg_object, offsetof(restore_args, into)},
                                 {"$pickles", arg_bool, offsetof(restore_args, pickles)},
                                 {"$verify", arg_object, offsetof(restore_args, verify)},
                                 {NULL, NULL, 0}};
    checkpoint_object *self = (checkpoint_object *)object;
    collio_checkpoint_state *opened = NULL;
    restore_args a = {.step = Py_None, .into = Py_None};
    int verify = -1; /* as the checkpoint has it */
    int64_t step = COLLIO_NEWEST;
    PyObject *result = NULL;
    PyThreadState *saved;
    items into = {0};
    joint j;

    if (checkpoint_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("restore", rows, &a, args, nargs, keywords) < 0 ||
        (a.step != Py_None && index_int64(a.step, &step) < 0) || verify_of(a.verify, &verify) < 0 ||
        items_into(state_of(object), a.into, &into) < 0)
        joint_fail(&j);
    saved = io_enter();
    if (verify < 0)
        collio_checkpoint_restore(self->handle, step, &opened, &j.err);
    else
        collio_checkpoint_restore_verified(self->handle, step, verify, &opened, &j.err);
    io_leave(saved);
    if (opened != NULL)
        result = state_make(self, opened, a.pickles, &into, &j);
    else
        joint_end(&j);
    items_release(&into);
    return result;
}

/* ---------------------------------------------------------------- the class */

static PyObject *get_directory(PyObject *object, void *Py_UNUSED(none))
{
    checkpoint_object *self = (checkpoint_object *)object;

    if (checkpoint_ready(self) < 0)
        return NULL;
    return PyUnicode_DecodeFSDefault(collio_checkpoint_directory(self->handle));
}

static int checkpoint_bool(PyObject *object)
{
    return ((checkpoint_object *)object)->handle != NULL;
}

static PyObject *checkpoint_repr(PyObject *object)
{
    checkpoint_object *self = (checkpoint_object *)object;

    if (self->handle == NULL)
        return PyUnicode_FromString("<closed collio.Checkpoint>");
    return PyUnicode_FromFormat("<collio.Checkpoint '%s'>",
                                collio_checkpoint_directory(self->handle));
}

static PyMethodDef checkpoint_methods[] = {
    {"restore", FAST(checkpoint_restore), FASTCALL, restore_doc},
    {"close", checkpoint_close, METH_NOARGS, close_doc},
    {"__enter__", checkpoint_enter, METH_NOARGS, NULL},
    {"__exit__", FAST(checkpoint_exit), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef checkpoint_getset[] = {
    {"directory", get_directory, NULL, "absolute path of the directory", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(checkpoint_doc,
             "Checkpoint(directory, comm=None, keep=None, *, verify='all', read_only=False, "
             "compression=None, layout='shared', on_signal=None, every_steps=None, "
             "every_seconds=None)\n--\n\n"
             "A directory of checkpoints. Collective over comm.\n\n"
             "  directory  made if it is not there\n"
             "  comm       a communicator of collio.MPI or mpi4py; None: this process alone\n"
             "             (MPI is initialised if it is not yet)\n"
             "  keep       steps that stay: the one saved and the newest before it; None: all\n"
             "  verify     'all': restore() looks at every byte, so that it finds the newest\n"
             "             step that is whole; 'read': at what is read\n"
             "  read_only  change nothing in the directory\n"
             "  compression\n"
             "             'gzip' or its level, 1 .. 9: arrays in parts are compressed, by the\n"
             "             ranks, with HDF5's filters shuffle and gzip; None, 0: not\n"
             "  layout     'shared': a step is one file, which all ranks write; 'per-rank': each\n"
             "             rank writes its parts to a file of its own, for file systems on which\n"
             "             a shared one cannot be; 'auto': per-rank if a\n"
             "             probe finds that, and the log says why. Steps of both are read,\n"
             "             listed and deleted alike, on any number of ranks\n"
             "  on_signal, every_steps, every_seconds\n"
             "             when due() says that it is time: after a signal (one or several, such\n"
             "             as signal.SIGTERM; caught until close(), a handler that was there is\n"
             "             called too), at multiples of a step, after so much time\n\n"
             "One job writes to a directory at a time: a second one gets a ValueError that names\n"
             "the first, unless it says read_only. What a dead job has left is taken over.");

static PyType_Slot checkpoint_slots[] = {
    {Py_tp_doc, (void *)checkpoint_doc},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, checkpoint_init},
    {Py_tp_dealloc, checkpoint_dealloc},
    {Py_tp_repr, checkpoint_repr},
    {Py_nb_bool, checkpoint_bool},
    {Py_tp_methods, checkpoint_methods},
    {Py_tp_getset, checkpoint_getset},
    {0, NULL},
};

PyType_Spec Checkpoint_spec = {
    .name = "collio.Checkpoint",
    .basicsize = sizeof(checkpoint_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = checkpoint_slots,
};
