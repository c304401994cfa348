/* File(...): what the arguments come to, and the opening itself. */
#include "h5.h"

#include <string.h>

typedef struct open_args {
    PyObject *name, *mode, *driver, *libver, *userblock_size, *swmr;
    PyObject *track_order, *track_times;
    PyObject *fs_strategy, *locking;
    PyObject *alignment_threshold, *alignment_interval, *meta_block_size;
    PyObject *comm, *info, *transfer, *layout;
    PyObject *backing_store, *block_size;
    /* Hints about caches and free space, which collio keeps in its own way. */
    PyObject *rdcc_nslots, *rdcc_nbytes, *rdcc_w0;
    PyObject *fs_persist, *fs_threshold, *fs_page_size;
    PyObject *page_buf_size, *min_meta_keep, *min_raw_keep;
    PyObject *fileobj, *shown;
} open_args;

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
    {"$backing_store", arg_object, offsetof(open_args, backing_store)},
    {"$block_size", arg_object, offsetof(open_args, block_size)},
    {"$fileobj", arg_object, offsetof(open_args, fileobj)},
    {NULL, NULL, 0},
};

static int is_given(PyObject *object)
{
    return object != NULL && object != Py_None;
}

/* ------------------------------------------------------------------- the ranks */

static int is_one_of(const char *text, const char *const *known)
{
    while (*known != NULL && strcmp(text, *known) != 0)
        known++;
    return *known != NULL;
}

/* What a driver stands for that a program has registered. */
static int take_registered(PyObject *registered, const char **driver)
{
    static const char *const names[] = {"sec2", "stdio", "core", NULL};
    const char *name = NULL;

    if (registered != NULL && arg_text(PyTuple_GET_ITEM(registered, 0), &name) == 0)
        for (int i = 0; names[i] != NULL; i++)
            if (strcmp(name, names[i]) == 0)
                *driver = names[i];
    Py_XDECREF(registered);
    return PyErr_Occurred() ? -1 : 0;
}

/* sec2, stdio and core are one: the file of this process. What is to stay in memory is in
 * collio.memory's hands. */
static int check_driver(const open_args *a, const char **driver)
{
    static const char *const known[] = {"mpio", "sec2", "stdio", "core", "fileobj", NULL};
    static const char *const others[] = {"family", "split", "ros3", "direct", "windows", NULL};
    PyObject *registered;

    if (!is_given(a->driver))
        return 0;
    if (arg_text(a->driver, driver) < 0)
        return -1;
    if (is_one_of(*driver, known))
        return 0;
    registered = memory_call("collio.drivers", "resolve_driver", "(s)", *driver);
    if (registered == NULL || registered != Py_None)
        return take_registered(registered, driver);
    Py_DECREF(registered);
    if (is_one_of(*driver, others))
        PyErr_Format(PyExc_ValueError,
                     "driver '%s' is not supported (mpio, sec2, stdio, core, fileobj are)",
                     *driver);
    else
        PyErr_Format(PyExc_ValueError, "Unknown driver type '%s'", *driver);
    return -1;
}

static int check_ranks(h5file *self, const open_args *a)
{
    self->parallel = strcmp(self->driver, "mpio") == 0 || is_given(a->comm);
    if (!self->parallel || is_one_of(self->driver, (const char *const[]){"mpio", "sec2", NULL}))
        return 0;
    PyErr_Format(PyExc_ValueError, "driver '%s' is for one process: no comm", self->driver);
    return -1;
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
    bad = args_parse_tuple("File", open_rows, a, args, keywords) < 0 ||
          check_driver(a, &self->driver) < 0 || check_ranks(self, a) < 0;
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

/* ----------------------------------------------------------------- the options */

static int number_of(PyObject *object, int64_t *out)
{
    return is_given(object) ? arg_int64(object, out) : 0;
}

static int user_block_of(PyObject *given, int64_t *out)
{
    PyObject *number = is_given(given) ? PyNumber_Long(given) : NULL;
    int result = 0;

    if (number != NULL)
        result = arg_int64(number, out);
    else if (is_given(given)) {
        PyErr_SetString(PyExc_ValueError, "User block size must be an integer");
        result = -1;
    }
    Py_XDECREF(number);
    return result;
}

/* One name of a format. */
static int named_format(PyObject *object, collio_format *out)
{
    const char *name, *known;

    if (arg_text(object, &name) < 0)
        return -1;
    *out = COLLIO_FORMAT_LATEST;
    if (strcmp(name, "latest") == 0)
        return 0;
    for (int i = COLLIO_FORMAT_EARLIEST; i < COLLIO_FORMAT_LATEST; i++) {
        known = collio_format_name((collio_format)i);
        *out = (collio_format)i;
        if (known != NULL && strcmp(name, known) == 0)
            return 0;
    }
    PyErr_Format(PyExc_KeyError,
                 "libver must be 'earliest', 'v108', ..., '%s' or 'latest', not '%s'",
                 collio_format_name(COLLIO_FORMAT_LATEST), name);
    return -1;
}

/* The oldest HDF5 that is to read the file: a name, or (oldest, newest). */
static int formats_of(PyObject *libver, collio_file_options *out)
{
    PyObject *low, *high;
    int result = -1;

    if (!is_given(libver))
        return 0;
    if (!PyTuple_Check(libver) && !PyList_Check(libver))
        return named_format(libver, &out->format);
    if (PySequence_Size(libver) != 2) {
        PyErr_SetString(PyExc_ValueError, "libver must be a name, or two: oldest and newest");
        return -1;
    }
    low = PySequence_GetItem(libver, 0);
    high = PySequence_GetItem(libver, 1);
    if (low != NULL && high != NULL && named_format(low, &out->format) == 0)
        result = named_format(high, &out->newest);
    /* As the newest one it would stand for none. */
    if (result == 0 && out->newest == COLLIO_FORMAT_EARLIEST && out->format > out->newest) {
        PyErr_Format(PyExc_ValueError, "libver=(%R, %R): the first is the newer one", low, high);
        result = -1;
    }
    Py_XDECREF(low);
    Py_XDECREF(high);
    return result;
}

static int locking_of(PyObject *given, collio_locking *out)
{
    const char *text = "best-effort";

    if (PyBool_Check(given) || (PyLong_Check(given) && !PyUnicode_Check(given)))
        text = PyObject_IsTrue(given) ? "true" : "false";
    else if (arg_text(given, &text) < 0)
        return -1;
    *out = COLLIO_LOCKING_DEFAULT;
    if (strcmp(text, "best-effort") == 0)
        return 0;
    *out = strcmp(text, "true") == 0 ? COLLIO_LOCKING_ALWAYS : COLLIO_LOCKING_NEVER;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return 0;
    PyErr_Format(PyExc_ValueError, "Unsupported locking value: %s", text);
    return -1;
}

static int check_strategy(PyObject *strategy, const char *mode)
{
    static const char *const known[] = {"fsm", "page", "aggregate", "none", NULL};
    static const char *const creating[] = {"w", "w-", "x", NULL};
    const char *text;

    if (!is_given(strategy) || PyObject_IsTrue(strategy) == 0)
        return 0;
    if (arg_text(strategy, &text) < 0)
        return -1;
    if (is_one_of(text, known) && is_one_of(mode, creating))
        return 0;
    PyErr_SetString(PyExc_ValueError, is_one_of(text, known)
                                          ? "Unable to set file space strategy of an existing file"
                                          : "Invalid file space strategy type");
    return -1;
}

static int transfer_of(PyObject *given, collio_transfer *out)
{
    static const char *const known[] = {"auto", "direct", "two-phase", NULL};
    const char *text;

    if (!is_given(given))
        return 0;
    if (arg_text(given, &text) < 0)
        return -1;
    for (int i = 0; known[i] != NULL; i++)
        if (strcmp(text, known[i]) == 0) {
            *out = (collio_transfer)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError, "transfer must be 'auto', 'direct' or 'two-phase', not '%s'",
                 text);
    return -1;
}

int layout_of(PyObject *object, int *out)
{
    static const char *const names[] = {[COLLIO_LAYOUT_SHARED] = "shared",
                                        [COLLIO_LAYOUT_PER_RANK] = "per-rank",
                                        [COLLIO_LAYOUT_AUTO] = "auto"};
    const char *name = "shared";

    if (object != NULL && arg_text(object, &name) < 0)
        return -1;
    for (*out = COLLIO_LAYOUT_SHARED; *out <= COLLIO_LAYOUT_AUTO; ++*out)
        if (strcmp(name, names[*out]) == 0)
            return 0;
    PyErr_Format(PyExc_ValueError, "layout must be 'shared', 'per-rank' or 'auto', not %R", object);
    return -1;
}

/* Hints of HDF5's own names are checked and kept, to be told to those who ask (file.id). */
static int keep_hints(h5file *self, const open_args *a, const char *mode)
{
    PyObject *const given[] = {a->rdcc_nslots,       a->rdcc_nbytes,   a->rdcc_w0,
                               a->fs_strategy,       a->fs_persist,    a->fs_threshold,
                               a->fs_page_size,      a->page_buf_size, a->min_meta_keep,
                               a->min_raw_keep,      a->locking,       a->alignment_threshold,
                               a->alignment_interval};
    PyObject *hints, *all = PyTuple_New(sizeof given / sizeof *given);
    int any = 0, result = -1;

    for (size_t i = 0; all != NULL && i < sizeof given / sizeof *given; i++) {
        any |= is_given(given[i]);
        PyTuple_SET_ITEM(all, (Py_ssize_t)i, Py_NewRef(given[i] != NULL ? given[i] : Py_None));
    }
    if (all == NULL || !any) {
        Py_XDECREF(all);
        return all == NULL ? -1 : 0;
    }
    hints = memory_call("collio.made", "hints", "(Os)", all, mode);
    if (hints != NULL)
        result = PyObject_SetAttrString((PyObject *)self, "_hints", hints);
    Py_XDECREF(hints);
    Py_DECREF(all);
    return result;
}

static int check_hints(const open_args *a, const char *mode)
{
    if (check_strategy(a->fs_strategy, mode) < 0)
        return -1;
    if (is_given(a->info) && !is_a(state_find(), a->info, TYPE_Info) &&
        !PyObject_HasAttrString(a->info, "Get_nkeys")) {
        raise_type("info", "an MPI.Info", a->info);
        return -1;
    }
    return 0;
}

/* To read a file that another process writes: with mode "r"; else it says nothing, as in h5py. */
static int take_swmr(h5file *self, const open_args *a, const char *mode)
{
    if (a->swmr == NULL || PyObject_IsTrue(a->swmr) == 0)
        return 0;
    if (self->parallel) {
        PyErr_SetString(PyExc_NotImplementedError,
                        "swmr is for a file of one process: ranks of a communicator read together");
        return -1;
    }
    self->swmr = strcmp(mode, "r") == 0;
    return 0;
}

static int options_of(const open_args *a, const char **mode, collio_file_options *out)
{
    if (a->mode == Py_None)
        PyErr_SetString(PyExc_ValueError, "Invalid mode; must be one of r, r+, w, w-, x, a");
    if (a->mode == Py_None || (is_given(a->mode) && arg_text(a->mode, mode) < 0) ||
        check_hints(a, *mode) < 0 || h5_refuse_times(a->track_times) < 0)
        return -1;
    if (is_given(a->userblock_size) && (strcmp(*mode, "r") == 0 || strcmp(*mode, "r+") == 0)) {
        PyErr_SetString(PyExc_ValueError, "User block may only be specified when creating a file");
        return -1;
    }
    if (user_block_of(a->userblock_size, &out->user_block) < 0 ||
        number_of(a->alignment_threshold, &out->threshold) < 0 ||
        number_of(a->alignment_interval, &out->alignment) < 0 ||
        number_of(a->meta_block_size, &out->metadata_block) < 0 || formats_of(a->libver, out) < 0 ||
        (is_given(a->locking) && locking_of(a->locking, &out->locking) < 0) ||
        transfer_of(a->transfer, &out->transfer) < 0 || layout_of(a->layout, &out->layout) < 0)
        return -1;
    out->track_order = h5_wants_order(a->track_order);
    return out->track_order < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------- in memory */

/*
 * A file that is not to be on disk is a temporary one without a name: of the driver 'core' without
 * backing_store, or an object with read() and seek().
 */
static int is_unreal(const h5file *self, const open_args *a)
{
    if (strcmp(self->driver, "core") == 0)
        return a->backing_store != NULL && PyObject_IsTrue(a->backing_store) == 0;
    return PyObject_HasAttrString(a->name, "read") && PyObject_HasAttrString(a->name, "seek");
}

/* An object with read() and seek() is the name, or the keyword fileobj with another name. */
static int take_object(const h5file *self, open_args *a)
{
    int is_object =
        PyObject_HasAttrString(a->name, "read") && PyObject_HasAttrString(a->name, "seek");

    if (is_given(a->fileobj) && strcmp(self->driver, "fileobj") == 0) {
        a->shown = a->name;
        a->name = a->fileobj;
    } else if (is_given(a->fileobj)) {
        PyErr_SetString(PyExc_TypeError, "fileobj is for the driver 'fileobj'");
    } else if (strcmp(self->driver, "fileobj") == 0 && !is_object) {
        PyErr_SetString(PyExc_AttributeError,
                        "the driver 'fileobj' needs an object with read() and "
                        "seek()");
    } else if (is_object && is_given(a->driver) && strcmp(self->driver, "fileobj") != 0) {
        PyErr_SetString(PyExc_ValueError,
                        "Driver must be 'fileobj' for file-like object if specified.");
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int stage(h5file *self, open_args *a, const char **mode)
{
    PyObject *name, *use;

    if (take_object(self, a) < 0)
        return -1;
    if (!is_unreal(self, a))
        return 0;
    if (self->parallel)
        return PyErr_SetString(PyExc_ValueError, "a file in memory is for one process: no comm"),
               -1;
    if (strcmp(self->driver, "core") != 0)
        self->driver = "fileobj";
    self->stand_in = memory_call("collio.memory", "StandIn", "(Os)", a->name, *mode);
    name = self->stand_in == NULL ? NULL : PyObject_GetAttrString(self->stand_in, "path");
    use = name == NULL ? NULL : PyObject_GetAttrString(self->stand_in, "mode");
    if (use != NULL && arg_text(use, mode) == 0)
        a->name = name; /* both are kept by the stand-in */
    Py_XDECREF(name);
    Py_XDECREF(use);
    return use == NULL ? -1 : 0;
}

/* ------------------------------------------------------------------------ open */

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

/* The name to be known by. */
static void keep_name(h5file *self, PyObject *name, PyObject *shown_name)
{
    PyObject *shown = NULL;

    if (self->stand_in != NULL)
        shown = shown_name != NULL ? Py_NewRef(shown_name)
                                   : PyObject_GetAttrString(self->stand_in, "name");
    else if (PyUnicode_FSDecoder(name, &shown) == 0)
        shown = NULL;
    Py_XSETREF(self->filename, shown != NULL ? shown : PyUnicode_FromString("?"));
    PyErr_Clear();
}

/* Once it has a communicator, this rank takes part whatever is wrong with the rest. */
static int open_file(h5file *self, MPI_Comm comm, open_args *a, joint *j)
{
    collio_file_options options = {0};
    PyObject *bytes = NULL;
    PyThreadState *saved;
    const char *mode = "r";

    if (j->err.code == COLLIO_OK &&
        (options_of(a, &mode, &options) < 0 || take_swmr(self, a, mode) < 0 ||
         keep_hints(self, a, mode) < 0 || stage(self, a, &mode) < 0 ||
         !PyUnicode_FSConverter(a->name, &bytes)))
        joint_fail(j);
    saved = io_enter();
    collio_file_open(comm, bytes != NULL ? PyBytes_AS_STRING(bytes) : "", mode, &options,
                     &self->handle, &j->err);
    self->base.object = collio_file_root(self->handle);
    io_leave(saved);
    if (self->handle != NULL) {
        self->base.identity = collio_object_id(self->base.object);
        keep_name(self, a->name, a->shown);
    } else if (bytes != NULL) {
        blame_file(j, PyBytes_AS_STRING(bytes));
    }
    Py_XDECREF(bytes);
    return joint_end(j);
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
    int adopted;
    joint j;

    if (self->handle != NULL || (self->base.file != NULL && self->base.file != self)) {
        PyErr_SetString(PyExc_ValueError, "the file is open already");
        return -1;
    }
    adopted = adopt(self, args, keywords);
    if (adopted != 0)
        return adopted < 0 ? -1 : 0;
    joint_begin(&j);
    if (find_ranks(args, keywords, self, &a, &comm, &j) < 0)
        return -1;
    self->base.file = self; /* not counted */
    return open_file(self, comm, &a, &j);
}
