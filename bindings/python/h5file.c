/* collio.File: a shared HDF5 file, and its root group. Opening it is in h5open.c. */
#include "h5.h"

static int is_linked(PyObject *object)
{
    return ((h5file *)object)->linked;
}

PyObject *h5_linked_file(h5file *from, collio_object *root, const char *path)
{
    PyTypeObject *type = state_of((PyObject *)from)->types[TYPE_H5File];
    h5file *self = (h5file *)type->tp_alloc(type, 0);
    PyThreadState *saved;

    if (self == NULL) {
        saved = io_enter();
        collio_object_close(&root);
        io_leave(saved);
        return NULL;
    }
    self->base.file = (h5file *)Py_NewRef(from);
    self->base.object = root;
    self->base.identity = collio_object_id(root);
    self->linked = 1;
    self->filename = PyUnicode_DecodeFSDefault(path);
    if (self->filename == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

/* ------------------------------------------------------------------- close */

/* What is open in the place of a file in memory is written back. */
static int save_stand_in(h5file *self)
{
    PyObject *done;

    if (self->stand_in == NULL)
        return 0;
    done = PyObject_CallMethod(self->stand_in, "save", NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

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
                        "again.\nIf the ranks disagree the file stays open. What an external link "
                        "led to is closed with\nthe file that has the link.");

static PyObject *file_close(PyObject *object, PyObject *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);
    collio_file *taken;
    PyThreadState *saved;
    joint j;

    if (self->handle == NULL || is_linked(object))
        Py_RETURN_NONE;
    if (mpi_ready(state_of(object)) < 0)
        return NULL;
    joint_begin(&j);
    taken = take_handle(self);
    saved = io_enter();
    collio_file_close(&taken, &j.err);
    io_leave(saved);
    put_back(self, taken);
    if (joint_end(&j) < 0 || save_stand_in(self) < 0)
        return NULL;
    Py_CLEAR(self->stand_in);
    Py_RETURN_NONE;
}

/* The same where an exception is on its way. */
static void try_save(h5file *self)
{
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    if (save_stand_in(self) < 0)
        PyErr_WriteUnraisable((PyObject *)Py_TYPE(self));
    Py_CLEAR(self->stand_in);
    PyErr_Restore(type, value, trace);
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
    if (err.code == COLLIO_OK)
        try_save(self);
}

PyDoc_STRVAR(exit_doc,
             "__exit__($self, type, value, traceback, /)\n--\n\n"
             "Close. Collective. With an exception on its way this rank waits a few seconds for "
             "the others:\nif all come to close, nothing is lost, and those without an exception "
             "of their own get a\nCollectiveError that names this one. Else this rank leaves, the "
             "others learn why, and what was\ncreated since the last flush is lost.");

static PyObject *file_exit(PyObject *object, PyObject *const *args, Py_ssize_t nargs)
{
    h5file *self = h5_real_file(object);
    char reason[256] = "closing failed";
    PyObject *closed = NULL, *type, *value, *trace;

    if (is_linked(object))
        Py_RETURN_NONE;
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
    return Py_NewRef(object);
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
    if (err.code == COLLIO_OK && self->stand_in != NULL)
        try_save(self);
}

static void file_dealloc(PyObject *object)
{
    h5file *self = (h5file *)object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->handle != NULL && life_usable())
        finalize(self);
    if (self->linked) {
        PyThreadState *saved = io_enter();

        collio_object_close(&self->base.object);
        io_leave(saved);
    }
    if (self->base.file != self)
        Py_CLEAR(self->base.file);
    Py_CLEAR(self->filename);
    Py_CLEAR(self->stand_in);
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
    h5file *self = h5_real_file(object);
    PyThreadState *saved;
    joint j;

    if (h5_ready(&self->base) < 0)
        return NULL;
    joint_begin(&j);
    saved = io_enter();
    collio_file_flush(self->handle, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0 || save_stand_in(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(in_memory_doc,
             "in_memory($type, /, file_image=None, **keywords)\n--\n\n"
             "A File of this process in memory, maybe from the bytes of one. Not collective.");

static PyObject *file_in_memory(PyObject *class, PyObject *args, PyObject *keywords)
{
    PyObject *module = PyImport_ImportModule("collio.memory"), *all = NULL, *made = NULL;
    PyObject *make = module == NULL ? NULL : PyObject_GetAttrString(module, "in_memory");
    PyObject *first = make == NULL ? NULL : PyTuple_Pack(1, class);

    if (first != NULL)
        all = PySequence_Concat(first, args);
    if (all != NULL)
        made = PyObject_Call(make, all, keywords);
    Py_XDECREF(all);
    Py_XDECREF(first);
    Py_XDECREF(make);
    Py_XDECREF(module);
    return made;
}

static PyObject *file_repr(PyObject *object)
{
    h5file *self = h5_real_file(object);
    PyObject *base, *text;

    if (self->handle == NULL)
        return PyUnicode_FromString("<Closed HDF5 file>");
    base = memory_call("os.path", "basename", "(O)", h5_file_name(object));
    if (base == NULL)
        return NULL;
    text = PyUnicode_FromFormat("<HDF5 file \"%U\" (mode %s)>", base,
                                h5_file_writable(object) ? "r+" : "r");
    Py_DECREF(base);
    return text;
}

static PyMethodDef file_methods[] = {
    {"close", file_close, METH_NOARGS, close_doc},
    {"flush", file_flush, METH_NOARGS, flush_doc},
    {"__enter__", file_enter, METH_NOARGS, NULL},
    {"__exit__", FAST(file_exit), METH_FASTCALL, exit_doc},
    {"in_memory", FAST(file_in_memory), METH_VARARGS | METH_KEYWORDS | METH_CLASS, in_memory_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(
    file_doc,
    "File(name, mode='r', driver=None, libver=None, userblock_size=None, swmr=False, "
    "rdcc_nslots=None, rdcc_nbytes=None, rdcc_w0=None, track_order=None, fs_strategy=None, "
    "fs_persist=False, fs_threshold=1, fs_page_size=None, page_buf_size=None, min_meta_keep=0, "
    "min_raw_keep=0, locking=None, alignment_threshold=1, alignment_interval=1, "
    "meta_block_size=None, *, track_times=False, comm=None, info=None, transfer=None, "
    "layout='shared', **keywords)\n--\n\n"
    "An HDF5 file, which is a Group too. Collective over comm, with the same arguments.\n\n"
    "  name    str, bytes or path-like; an object with read() and seek() that holds a file\n"
    "          (one process alone); or the id of what is in an open file: another File for\n"
    "          that, not collective, and closed with it. A file that this program has open for\n"
    "          writing, on the same ranks, may be opened again, but not made anew: both write to\n"
    "          one file, which is closed when both are\n"
    "  mode    r  read; r+  read and write; w  create, an existing one is lost;\n"
    "          w- or x  create, must not exist; a  read and write, created if need be\n"
    "  comm    a communicator of collio.MPI or mpi4py; None: this process alone\n"
    "          (MPI is initialised if it is not yet)\n"
    "  driver  'mpio' without comm: all ranks. Those for one process alone, which keywords are\n"
    "          for: 'sec2', 'stdio': a plain file; 'core' (block_size, backing_store=True): with\n"
    "          backing_store=False in memory; 'fileobj' (fileobj): name is what filename says;\n"
    "          'family' (memb_size, memb_fapl): name has a %d, and is that of files of so many\n"
    "          bytes each; 'split' (meta_ext, raw_ext): a file of structure and one of elements.\n"
    "          The last two are put together in one more file beside them, and written when\n"
    "          they are flushed and closed. collio.register_driver() adds others\n"
    "  libver  'earliest', or 'v108', 'v110', ... or 'latest' for a format that is faster with\n"
    "          very many attributes or names; or two names, oldest and newest\n"
    "  track_order\n"
    "          keep names and attributes in the order in which they come; None: as\n"
    "          get_config().track_order says\n"
    "  swmr    with mode 'r' and without comm: another process, whose File.swmr_mode is True,\n"
    "          writes the file; Dataset.refresh() sees what it has flushed\n"
    "  locking False: no lock; True: an error where the file system has none\n"
    "  userblock_size, alignment_threshold, alignment_interval, meta_block_size\n"
    "          bytes; see collio/io.h\n"
    "  transfer\n"
    "          how elements are written where they are contiguous in the file: 'direct',\n"
    "          by each rank itself; 'two-phase', put together by the ranks first, for file\n"
    "          systems where small pieces cost much; 'auto', as their sizes suggest\n"
    "  layout  of a new file. 'per-rank': each rank writes its elements to a file of its own in\n"
    "          the directory NAME.ranks; NAME, which shows whole arrays to every reader, is there\n"
    "          once all is closed. Until then a rank reads what it has written itself; datasets\n"
    "          keep their shape, nothing is copied, no dataset is virtual or external, and masks\n"
    "          and single fields cannot be written. The last call that has written an element\n"
    "          counts, and in one call the highest rank. collio.merge() makes one plain file of\n"
    "          it. 'auto': per-rank only where the ranks cannot share a file; the log says why\n"
    "  fs_strategy, fs_persist, fs_threshold, fs_page_size\n"
    "          how HDF5 gives out space in a new file: 'fsm', 'page' (in pages of fs_page_size\n"
    "          bytes), 'aggregate' or 'none'; whether the file remembers what is free, from\n"
    "          how many bytes on\n"
    "  info, rdcc_*, page_buf_size, min_*_keep\n"
    "          accepted for h5py's sake; without effect, as the system keeps pages and chunks\n\n"
    "Whatever changes the file is collective, and so are reads and writes of elements;\n"
    "looking at names, shapes and attributes is not. A file that is not closed is not\n"
    "written to the end: use `with`.");

static PyType_Slot file_slots[] = {
    {Py_tp_doc, (void *)file_doc}, {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, h5_file_init},    {Py_tp_dealloc, file_dealloc},
    {Py_tp_repr, file_repr},       {Py_tp_methods, file_methods},
    {Py_tp_getset, h5file_getset}, {0, NULL},
};

PyType_Spec H5File_spec = {
    .name = "collio.File",
    .basicsize = sizeof(h5file),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = file_slots,
};
