/* File(...): what is to be opened, by which ranks, and the opening itself. */
#include "h5open.h"

static const param open_rows[] = {
    {"name", arg_object, offsetof(open_args, name)},
    {"|mode", arg_object, offsetof(open_args, mode)},
    {"|driver", arg_object, offsetof(open_args, driver)},
    {"|libver", arg_object, offsetof(open_args, libver)},
    {"|userblock_size", arg_object, offsetof(open_args, userblock_size)},
    {"|swmr", arg_object, offsetof(open_args, swmr)},
    {"|rdcc_nslots", arg_object, offsetof(open_args, rdcc_nslots)},
    {"|rdcc_nbytes", arg_object, offsetof(open_args, rdcc_nbytes)},
    {"|rdcc_w0", arg_object, offsetof(open_args, rdcc_w0)},
    {"|track_order", arg_object, offsetof(open_args, track_order)},
    {"|fs_strategy", arg_object, offsetof(open_args, fs_strategy)},
    {"|fs_persist", arg_object, offsetof(open_args, fs_persist)},
    {"|fs_threshold", arg_object, offsetof(open_args, fs_threshold)},
    {"|fs_page_size", arg_object, offsetof(open_args, fs_page_size)},
    {"|page_buf_size", arg_object, offsetof(open_args, page_buf_size)},
    {"|min_meta_keep", arg_object, offsetof(open_args, min_meta_keep)},
    {"|min_raw_keep", arg_object, offsetof(open_args, min_raw_keep)},
    {"|locking", arg_object, offsetof(open_args, locking)},
    {"|alignment_threshold", arg_object, offsetof(open_args, alignment_threshold)},
    {"|alignment_interval", arg_object, offsetof(open_args, alignment_interval)},
    {"|meta_block_size", arg_object, offsetof(open_args, meta_block_size)},
    {"$track_times", arg_object, offsetof(open_args, track_times)},
    {"$comm", arg_object, offsetof(open_args, comm)},
    {"$info", arg_object, offsetof(open_args, info)},
    {"$transfer", arg_object, offsetof(open_args, transfer)},
    {"$layout", arg_object, offsetof(open_args, layout)},
    {"$_attributes", arg_object, offsetof(open_args, attributes)},
    {NULL, NULL, 0},
};

/* ------------------------------------------------------------------ the driver */

static int is_own(PyObject *key)
{
    const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : NULL;

    PyErr_Clear();
    for (const param *row = open_rows; name != NULL && row->name != NULL; row++)
        if (strcmp(row->name + (row->name[0] == '|' || row->name[0] == '$'), name) == 0)
            return 1;
    return 0;
}

/* Keywords that are File's own, and those that its driver is to know. New, both. */
static int part_keywords(PyObject *keywords, PyObject **own, PyObject **others)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int failed;

    *own = PyDict_New();
    *others = PyDict_New();
    failed = *own == NULL || *others == NULL;
    while (!failed && keywords != NULL && PyDict_Next(keywords, &at, &key, &value))
        failed = PyDict_SetItem(is_own(key) ? *own : *others, key, value) < 0;
    return failed ? -1 : 0;
}

static int is_object(PyObject *name)
{
    return PyObject_HasAttrString(name, "read") && PyObject_HasAttrString(name, "seek");
}

/* What the driver has put into the list counts, as in h5py. */
static int take_list(open_args *a)
{
    a->kept = PyObject_CallMethod(a->access, "_settings", NULL);
    for (const param *row = open_rows; a->kept != NULL && row->name != NULL; row++) {
        PyObject *value = PyDict_GetItemString(a->kept, row->name + 1);
        PyObject **place = (PyObject **)((char *)a + row->offset);

        if (value != NULL)
            *place = value;
    }
    return a->kept == NULL ? -1 : 0;
}

/* The driver that the list is for. */
static int take_driver(h5file *self, const open_args *a)
{
    static const char *const known[] = {"mpio",    "sec2",   "stdio", "core",
                                        "fileobj", "family", "split", NULL};
    PyObject *chosen = PyObject_GetAttrString(a->access, "_driver");
    const char *name = NULL;
    int result = chosen != NULL && arg_text(chosen, &name) == 0 ? 0 : -1;

    for (int i = 0; result == 0 && known[i] != NULL; i++)
        if (strcmp(name, known[i]) == 0)
            self->driver = known[i];
    Py_XDECREF(chosen);
    return result;
}

/* sec2, stdio and core are one: the file of this process. What is to stay in memory, and what is in
 * several files, is in collio.memory's hands. */
static int choose_driver(h5file *self, open_args *a, PyObject *others)
{
    self->driver = "sec2";
    if (!is_given(a->driver) && PyDict_GET_SIZE(others) == 0 && !is_object(a->name))
        return 0;
    a->access = memory_call("collio.drivers", "choose", "(OOO)", a->name,
                            a->driver != NULL ? a->driver : Py_None, others);
    if (a->access == NULL || take_driver(self, a) < 0)
        return -1;
    return take_list(a);
}

/* ------------------------------------------------------------------- the ranks */

static int check_ranks(h5file *self, const open_args *a)
{
    self->parallel = strcmp(self->driver, "mpio") == 0 || is_given(a->comm);
    if (!self->parallel || is_one_of(self->driver, (const char *const[]){"mpio", "sec2", NULL}))
        return 0;
    PyErr_Format(PyExc_ValueError, "driver '%s' is for one process: no comm", self->driver);
    return -1;
}

static int read_arguments(PyObject *args, PyObject *keywords, h5file *self, open_args *a)
{
    PyObject *own = NULL, *others = NULL;
    int result = -1;

    if (part_keywords(keywords, &own, &others) == 0 &&
        args_parse_tuple("File", open_rows, a, args, own) == 0 &&
        choose_driver(self, a, others) == 0)
        result = check_ranks(self, a);
    Py_XDECREF(own); /* the caller has what was in it */
    Py_XDECREF(others);
    return result;
}

/*
 * Which ranks: comm; all of them with driver="mpio"; or this one alone. What is wrong with the
 * arguments is set aside as soon as the communicator is known: the others are there already.
 */
static int find_ranks(PyObject *args, PyObject *keywords, h5file *self, open_args *a,
                      MPI_Comm *comm, joint *j)
{
    PyObject *given = keywords == NULL ? NULL : PyDict_GetItemString(keywords, "comm");
    int bad;

    self->driver = "sec2";
    bad = read_arguments(args, keywords, self, a) < 0;
    if (bad && !is_given(given))
        return -1;
    if (bad)
        joint_fail(j);
    PyErr_Clear();
    if (joint_comm(given, comm) < 0)
        return -1;
    if (strcmp(self->driver, "mpio") == 0 && !is_given(given))
        *comm = MPI_COMM_WORLD;
    if (strcmp(self->driver, "sec2") == 0 && self->parallel)
        self->driver = "mpio";
    return 0;
}

/* ------------------------------------------------------------- another file instead */

/* An attribute of the stand-in, which keeps it. */
static PyObject *of_stand_in(const h5file *self, const char *name)
{
    PyObject *value = PyObject_GetAttrString(self->stand_in, name);

    Py_XDECREF(value);
    return value;
}

/* How HDF5 is to know the file: (number, bytes of a member, names of members). */
static int arrange(const h5file *self, collio_file_options *out)
{
    PyObject *members = of_stand_in(self, "members");
    long long bytes = 0;

    if (members == NULL)
        return -1;
    if (!PyArg_ParseTuple(members, "iLzz", &out->arrangement, &bytes, &out->member_names[0],
                          &out->member_names[1]))
        return -1;
    out->member_bytes = bytes;
    return 0;
}

/* A file in memory, behind an object, or in several files: a temporary one is opened for it. */
static int stage(h5file *self, open_args *a, const char **mode, collio_file_options *out)
{
    PyObject *use, *made;

    if (a->access == NULL)
        return 0;
    made = memory_call("collio.memory", "stand_in", "(OOs)", a->access, a->name, *mode);
    if (made == NULL || made == Py_None) {
        Py_XDECREF(made);
        return made == NULL ? -1 : 0;
    }
    self->stand_in = made;
    a->name = of_stand_in(self, "path");
    use = of_stand_in(self, "mode");
    if (a->name == NULL || use == NULL || arg_text(use, mode) < 0)
        return -1;
    return arrange(self, out);
}

/* ------------------------------------------------------------------------ open */

/* A file that HDF5 cannot open is an OSError, as in h5py; which file, the text does not say. */
static void blame_file(const h5file *self, joint *j, const char *path)
{
    PyObject *name = self->stand_in != NULL ? of_stand_in(self, "name") : NULL;
    const char *shown = name != NULL ? PyUnicode_AsUTF8(name) : NULL;
    char text[sizeof j->err.text];

    PyErr_Clear();
    if (j->err.code != COLLIO_ERR_HDF5)
        return;
    j->err.code = COLLIO_ERR_OS;
    snprintf(text, sizeof text, "Unable to open file '%.500s' (%.1200s)",
             shown != NULL ? shown : path, j->err.text);
    memcpy(j->err.text, text, sizeof text);
}

/* The name to be known by, and the list that the driver has made. */
static void keep_name(h5file *self, const open_args *a)
{
    PyObject *shown = NULL;

    if (self->stand_in != NULL)
        shown = Py_XNewRef(of_stand_in(self, "name"));
    else if (PyUnicode_FSDecoder(a->name, &shown) == 0)
        shown = NULL;
    Py_XSETREF(self->filename, shown != NULL ? shown : PyUnicode_FromString("?"));
    if (a->access != NULL)
        PyObject_SetAttrString((PyObject *)self, "_access", a->access);
    PyErr_Clear();
}

/* What can only be told of an open file. It is closed if that fails. */
static int check_open(h5file *self, const open_args *a)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    PyObject *checked;

    if (self->parallel || !is_given(a->page_buf_size))
        return 0;
    checked = memory_call("collio.made", "check_open", "(O)", self);
    Py_XDECREF(checked);
    if (checked != NULL)
        return 0;
    saved = io_enter();
    collio_file_close(&self->handle, &ignored);
    io_leave(saved);
    self->base.object = NULL;
    Py_CLEAR(self->stand_in);
    return -1;
}

/* Once it has a communicator, this rank takes part whatever is wrong with the rest. */
static int open_file(h5file *self, MPI_Comm comm, open_args *a, joint *j)
{
    collio_file_options options = {0};
    PyObject *bytes = NULL;
    PyThreadState *saved;
    const char *mode = "r";

    if (j->err.code == COLLIO_OK &&
        (h5_open_options(self, a, &mode, &options) < 0 || stage(self, a, &mode, &options) < 0 ||
         !PyUnicode_FSConverter(a->name, &bytes)))
        joint_fail(j);
    saved = io_enter();
    collio_file_open(comm, bytes != NULL ? PyBytes_AS_STRING(bytes) : "", mode, &options,
                     &self->handle, &j->err);
    self->base.object = collio_file_root(self->handle);
    io_leave(saved);
    if (self->handle != NULL) {
        self->base.identity = collio_object_id(self->base.object);
        keep_name(self, a);
    } else if (bytes != NULL) {
        blame_file(self, j, PyBytes_AS_STRING(bytes));
    }
    Py_XDECREF(bytes);
    if (self->handle == NULL)
        Py_CLEAR(self->stand_in);
    return joint_end(j) < 0 ? -1 : check_open(self, a);
}

/* File(id): another object for the file of what the id stands for. 0 if it is no id. */
static int adopt(h5file *self, PyObject *args, PyObject *keywords)
{
    PyObject *id = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0)
                   : keywords != NULL         ? PyDict_GetItemString(keywords, "name")
                                              : NULL;
    PyObject *of = id != NULL && !PyUnicode_Check(id) && PyObject_HasAttrString(id, "_of")
                       ? PyObject_GetAttrString(id, "_of")
                       : NULL;
    h5object *from = (h5object *)of;

    if (of == NULL)
        return 0;
    if (!is_a(state_of((PyObject *)self), of, TYPE_H5Object) || h5_ready(from) < 0) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_ValueError, "%R is not the id of a file", id);
        Py_DECREF(of);
        return -1;
    }
    self->base.file = (h5file *)Py_NewRef(from->file);
    self->base.object = from->file->base.object;
    self->base.identity = from->file->base.identity;
    Py_DECREF(of);
    return 1;
}

int h5_file_init(PyObject *object, PyObject *args, PyObject *keywords)
{
    h5file *self = (h5file *)object;
    open_args a = {.name = NULL};
    MPI_Comm comm;
    int adopted, result = -1;
    joint j;

    if (self->handle != NULL || (self->base.file != NULL && self->base.file != self)) {
        PyErr_SetString(PyExc_ValueError, "the file is open already");
        return -1;
    }
    adopted = adopt(self, args, keywords);
    if (adopted != 0)
        return adopted < 0 ? -1 : 0;
    joint_begin(&j);
    if (find_ranks(args, keywords, self, &a, &comm, &j) == 0) {
        self->base.file = self; /* not counted */
        result = open_file(self, comm, &a, &j);
    }
    Py_XDECREF(a.access);
    Py_XDECREF(a.kept);
    return result;
}
