/* collio.File: a shared HDF5 file, and its root group. */
#include "h5.h"

#include <string.h>

/* -------------------------------------------------------------------- open */

typedef struct open_args {
    PyObject *name;
    PyObject *mode;
    PyObject *driver;
    PyObject *libver;
    PyObject *userblock_size;
    PyObject *swmr;
    PyObject *comm;
    PyObject *info;
    PyObject *alignment_threshold;
    PyObject *alignment_interval;
    PyObject *meta_block_size;
    PyObject *track_order;
    PyObject *ignored; /* hints about caches that are not there */
} open_args;

static int number_of(PyObject *object, int64_t *out)
{
    return object == NULL || object == Py_None ? 0 : arg_int64(object, out);
}

/* The oldest HDF5 that is to read the file: a name, or (oldest, newest). */
static int format_of(PyObject *libver, collio_format *out)
{
    const char *name;

    *out = COLLIO_FORMAT_EARLIEST;
    if (libver == NULL || libver == Py_None)
        return 0;
    if (PyTuple_Check(libver) && PyTuple_GET_SIZE(libver) > 0)
        libver = PyTuple_GET_ITEM(libver, 0);
    if (arg_text(libver, &name) < 0)
        return -1;
    if (strcmp(name, "earliest") == 0)
        return 0;
    *out = COLLIO_FORMAT_V18;
    if (strcmp(name, "latest") == 0 || (name[0] == 'v' && name[1] != '\0'))
        return 0;
    PyErr_Format(PyExc_ValueError, "libver must be 'earliest', 'v108' or 'latest', not '%s'", name);
    return -1;
}

static int options_of(const open_args *a, collio_file_options *out)
{
    if (a->swmr != NULL && PyObject_IsTrue(a->swmr)) {
        PyErr_SetString(PyExc_NotImplementedError, "swmr is not supported");
        return -1;
    }
    if (number_of(a->userblock_size, &out->user_block) < 0 ||
        number_of(a->alignment_threshold, &out->threshold) < 0 ||
        number_of(a->alignment_interval, &out->alignment) < 0 ||
        number_of(a->meta_block_size, &out->metadata_block) < 0)
        return -1;
    out->track_order = h5_wants_order(a->track_order);
    return out->track_order < 0 ? -1 : format_of(a->libver, &out->format);
}

/* Which ranks: comm; all of them with driver="mpio"; or this one alone. */
static int ranks_of(const open_args *a, MPI_Comm *comm, int *parallel)
{
    const char *driver = "";

    if (a->driver != NULL && a->driver != Py_None && arg_text(a->driver, &driver) < 0)
        return -1;
    if (strcmp(driver, "") != 0 && strcmp(driver, "mpio") != 0 && strcmp(driver, "sec2") != 0) {
        PyErr_Format(PyExc_ValueError, "Unknown driver type \"%s\": allowed are mpio and sec2",
                     driver);
        return -1;
    }
    *parallel = strcmp(driver, "mpio") == 0 || (a->comm != NULL && a->comm != Py_None);
    if (joint_comm(a->comm, comm) < 0)
        return -1;
    if (*parallel && *comm == MPI_COMM_SELF && (a->comm == NULL || a->comm == Py_None))
        *comm = MPI_COMM_WORLD;
    return 0;
}

/* A file that HDF5 cannot open is an OSError, as in h5py; which file, the text does not say. */
static void blame_file(joint *j, const char *path)
{
    char text[sizeof j->err.text];

    if (j->err.code != COLLIO_ERR_HDF5)
        return;
    j->err.code = COLLIO_ERR_OS;
    snprintf(text, sizeof text, "Unable to open file '%.500s' (%.1200s)", path, j->err.text);
    memcpy(j->err.text, text, sizeof text);
}

/* Once it has a communicator, this rank takes part whatever is wrong with the rest. */
static int open_file(h5file *self, MPI_Comm comm, const open_args *a)
{
    collio_file_options options = {0};
    PyObject *bytes = NULL;
    PyThreadState *saved;
    const char *mode = "r";
    joint j;

    joint_begin(&j);
    if (!PyUnicode_FSConverter(a->name, &bytes) || options_of(a, &options) < 0 ||
        (a->mode != NULL && a->mode != Py_None && arg_text(a->mode, &mode) < 0))
        joint_fail(&j);
    saved = io_enter();
    collio_file_open(comm, bytes != NULL ? PyBytes_AS_STRING(bytes) : "", mode, &options,
                     &self->handle, &j.err);
    self->base.object = collio_file_root(self->handle);
    io_leave(saved);
    if (self->handle != NULL) {
        self->base.identity = collio_object_id(self->base.object);
        Py_XSETREF(self->filename, PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(bytes)));
    } else if (bytes != NULL)
        blame_file(&j, PyBytes_AS_STRING(bytes));
    Py_XDECREF(bytes);
    return joint_end(&j);
}

static int file_init(PyObject *object, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {
        {"name", arg_object, offsetof(open_args, name)},
        {"|mode", arg_object, offsetof(open_args, mode)},
        {"|driver", arg_object, offsetof(open_args, driver)},
        {"|libver", arg_object, offsetof(open_args, libver)},
        {"|userblock_size", arg_object, offsetof(open_args, userblock_size)},
        {"|swmr", arg_object, offsetof(open_args, swmr)},
        {"$comm", arg_object, offsetof(open_args, comm)},
        {"$info", arg_object, offsetof(open_args, info)},
        {"$alignment_threshold", arg_object, offsetof(open_args, alignment_threshold)},
        {"$alignment_interval", arg_object, offsetof(open_args, alignment_interval)},
        {"$meta_block_size", arg_object, offsetof(open_args, meta_block_size)},
        {"$track_order", arg_object, offsetof(open_args, track_order)},
        {"$rdcc_nslots", arg_object, offsetof(open_args, ignored)},
        {"$rdcc_nbytes", arg_object, offsetof(open_args, ignored)},
        {"$rdcc_w0", arg_object, offsetof(open_args, ignored)},
        {NULL, NULL, 0}};
    h5file *self = (h5file *)object;
    open_args a = {0};
    MPI_Comm comm;

    if (self->handle != NULL) {
        PyErr_SetString(PyExc_ValueError, "the file is open already");
        return -1;
    }
    if (args_parse_tuple("File", rows, &a, args, keywords) < 0 ||
        ranks_of(&a, &comm, &self->parallel) < 0)
        return -1;
    self->base.file = self; /* not counted */
    return open_file(self, comm, &a);
}

/* ------------------------------------------------------------------- close */

/* The handle, taken away from other threads while the library closes it. */
static collio_file *take_handle(h5file *self)
{
    collio_file *taken = self->handle;

    self->handle = NULL;
    self->base.object = NULL;
    return taken;
}

/* What is left of it. */
static void put_back(h5file *self, collio_file *taken)
{
    self->handle = taken;
    self->base.object = collio_file_root(taken);
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\n"
                        "Write the structure and close. Collective. A closed file may be closed "
                        "again.\nIf the ranks disagree the file stays open.");

static PyObject *file_close(PyObject *object, PyObject *Py_UNUSED(none))
{
    h5file *self = (h5file *)object;
    collio_file *taken;
    PyThreadState *saved;
    joint j;

    if (self->handle == NULL)
        Py_RETURN_NONE;
    if (mpi_ready(state_of(object)) < 0)
        return NULL;
    joint_begin(&j);
    taken = take_handle(self);
    saved = io_enter();
    collio_file_close(&taken, &j.err);
    io_leave(saved);
    put_back(self, taken);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Close after something went wrong here. */
static void close_after(h5file *self, const char *reason)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *taken;
    PyThreadState *saved;

    if (self->handle == NULL || !life_usable())
        return;
    collio_error_at(&err, NULL, 0); /* the reason has the place */
    taken = take_handle(self);
    saved = io_enter();
    collio_file_close_after(&taken, reason, &err);
    io_leave(saved);
}

PyDoc_STRVAR(exit_doc,
             "__exit__($self, type, value, traceback, /)\n--\n\n"
             "Close. Collective. With an exception on its way this rank waits a few seconds for "
             "the others:\nif all come to close, nothing is lost, and those without an exception "
             "of their own get a\nCollectiveError that names this one. Else this rank leaves, the "
             "others learn why, and what was\ncreated since the last flush is lost.");

static PyObject *file_exit(PyObject *object, PyObject *const *args, Py_ssize_t nargs)
{
    h5file *self = (h5file *)object;
    char reason[256] = "closing failed";
    PyObject *closed = NULL, *type, *value, *trace;

    if (nargs < 2 || args[1] == Py_None) {
        closed = file_close(object, NULL);
        if (closed != NULL)
            return closed;
    } else {
        PyErr_SetObject((PyObject *)Py_TYPE(args[1]), args[1]);
    }
    joint_reason(reason, sizeof reason);
    PyErr_Fetch(&type, &value, &trace);
    close_after(self, reason);
    if (nargs < 2 || args[1] == Py_None) { /* the failure to close is the news */
        PyErr_Restore(type, value, trace);
        return NULL;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    Py_RETURN_NONE;
}

static PyObject *file_enter(PyObject *object, PyObject *Py_UNUSED(none))
{
    return h5_ready((h5object *)object) < 0 ? NULL : Py_NewRef(object);
}

/* Alone it is closed. With others it is abandoned, since they may keep theirs; but
 * at the end of the program all may come, and a moment is given to them. */
static void finalize(h5file *self)
{
    const char *reason = "its File went without a close()";
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = collio_file_comm(self->handle);
    PyThreadState *saved;
    PyObject *type, *value, *trace;
    int ending = joint_ending();

    PyErr_Fetch(&type, &value, &trace);
    if (PyErr_WarnFormat(PyExc_ResourceWarning, 1, "file %R was not closed", self->filename) < 0)
        PyErr_WriteUnraisable(NULL);
    PyErr_Restore(type, value, trace);
    saved = io_enter();
    if (comm == NULL || collio_comm_size(comm) == 1)
        collio_file_close(&self->handle, &err);
    else if (ending)
        collio_file_close_after(&self->handle, reason, &err);
    collio_file_abandon(&self->handle, reason);
    io_leave(saved);
    self->base.object = NULL;
}

static void file_dealloc(PyObject *object)
{
    h5file *self = (h5file *)object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->handle != NULL && life_usable())
        finalize(self);
    Py_CLEAR(self->filename);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---------------------------------------------------------------- the module */

static PyObject *hdf5_versions(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    unsigned used[3], built[3];

    collio_file_versions(used, built);
    return Py_BuildValue("((III)(III))", used[0], used[1], used[2], built[0], built[1], built[2]);
}

PyMethodDef h5file_functions[] = {
    {"_hdf5_versions", hdf5_versions, METH_NOARGS, "of the library in use, and at build time"},
    {NULL, NULL, 0, NULL},
};

/* ---------------------------------------------------------------- the rest */

PyDoc_STRVAR(flush_doc, "flush($self, /)\n--\n\nWrite the structure to disk, so that it is there "
                        "if the job dies. Collective.");

static PyObject *file_flush(PyObject *object, PyObject *Py_UNUSED(none))
{
    h5file *self = (h5file *)object;
    PyThreadState *saved;
    joint j;

    if (h5_ready(&self->base) < 0)
        return NULL;
    joint_begin(&j);
    saved = io_enter();
    collio_file_flush(self->handle, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *get_filename(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = (h5file *)object;

    return h5_ready(&self->base) < 0 ? NULL : Py_XNewRef(self->filename);
}

static PyObject *get_mode(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = (h5file *)object;

    if (h5_ready(&self->base) < 0)
        return NULL;
    return PyUnicode_FromString(collio_file_is_writable(self->handle) ? "r+" : "r");
}

static PyObject *get_driver(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = (h5file *)object;

    if (h5_ready(&self->base) < 0)
        return NULL;
    return PyUnicode_FromString(self->parallel ? "mpio" : "sec2");
}

static PyObject *get_userblock_size(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = (h5file *)object;

    if (h5_ready(&self->base) < 0)
        return NULL;
    return PyLong_FromLongLong(collio_file_user_block(self->handle));
}

static PyObject *file_repr(PyObject *object)
{
    h5file *self = (h5file *)object;

    if (self->handle == NULL)
        return PyUnicode_FromString("<Closed HDF5 file>");
    return PyUnicode_FromFormat("<HDF5 file \"%U\" (mode %s)>", self->filename,
                                collio_file_is_writable(self->handle) ? "r+" : "r");
}

static PyMethodDef file_methods[] = {
    {"close", file_close, METH_NOARGS, close_doc},
    {"flush", file_flush, METH_NOARGS, flush_doc},
    {"__enter__", file_enter, METH_NOARGS, NULL},
    {"__exit__", FAST(file_exit), METH_FASTCALL, exit_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef file_getset[] = {
    {"filename", get_filename, NULL, "the name it was opened by", NULL},
    {"mode", get_mode, NULL, "'r' or 'r+'", NULL},
    {"driver", get_driver, NULL, "'mpio' with a communicator, else 'sec2'", NULL},
    {"userblock_size", get_userblock_size, NULL, "bytes left free at the start", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    file_doc,
    "File(name, mode='r', driver=None, libver=None, userblock_size=None, swmr=False, *, "
    "comm=None, info=None, alignment_threshold=None, alignment_interval=None, "
    "meta_block_size=None, track_order=None, rdcc_nslots=None, rdcc_nbytes=None, rdcc_w0=None)\n--\n\n"
    "An HDF5 file, which is a Group too. Collective over comm, with the same arguments.\n\n"
    "  mode    r  read; r+  read and write; w  create, an existing one is lost;\n"
    "          w- or x  create, must not exist; a  read and write, created if need be\n"
    "  comm    a communicator of collio.MPI or mpi4py; None: this process alone\n"
    "          (MPI is initialised if it is not yet)\n"
    "  driver  'mpio' without comm: all ranks\n"
    "  libver  'earliest', or 'v108' or later for a format that is faster with very\n"
    "          many attributes or names\n"
    "  userblock_size, alignment_threshold, alignment_interval, meta_block_size\n"
    "          bytes; see collio/io.h\n"
    "  info, rdcc_nslots, rdcc_nbytes, rdcc_w0\n"
    "          accepted for h5py's sake; without effect\n\n"
    "Whatever changes the file is collective, and so are reads and writes of elements;\n"
    "looking at names, shapes and attributes is not. A file that is not closed is not\n"
    "written to the end: use `with`.");

static PyType_Slot file_slots[] = {
    {Py_tp_doc, (void *)file_doc}, {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, file_init},       {Py_tp_dealloc, file_dealloc},
    {Py_tp_repr, file_repr},       {Py_tp_methods, file_methods},
    {Py_tp_getset, file_getset},   {0, NULL},
};

PyType_Spec H5File_spec = {
    .name = "collio.File",
    .basicsize = sizeof(h5file),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = file_slots,
};
