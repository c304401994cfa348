/* What the arguments of File(...) come to as options of the library. */
#include "h5open.h"

#include <string.h>

static int number_of(PyObject *object, int64_t *out)
{
    return is_given(object) ? index_int64(object, out) : 0;
}

static int user_block_of(PyObject *given, int64_t *out)
{
    PyObject *number = is_given(given) ? PyNumber_Long(given) : NULL;
    int result = 0;

    if (number != NULL)
        result = index_int64(number, out);
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

static int space_of(const open_args *a, const char *mode, collio_file_options *out)
{
    static const char *const known[] = {"fsm", "page", "aggregate", "none"};
    static const char *const creating[] = {"w", "w-", "x", NULL};
    const char *text;

    if (!is_given(a->fs_strategy) || PyObject_IsTrue(a->fs_strategy) == 0)
        return 0;
    if (arg_text(a->fs_strategy, &text) < 0)
        return -1;
    for (int i = 0; i < (int)(sizeof known / sizeof *known); i++)
        if (strcmp(text, known[i]) == 0)
            out->space = COLLIO_SPACE_FSM + i;
    if (out->space == COLLIO_SPACE_DEFAULT || !is_one_of(mode, creating)) {
        PyErr_SetString(PyExc_ValueError,
                        out->space != COLLIO_SPACE_DEFAULT
                            ? "Unable to set file space strategy of an existing file"
                            : "Invalid file space strategy type");
        return -1;
    }
    out->persist = a->fs_persist != NULL && PyObject_IsTrue(a->fs_persist) == 1;
    if (out->space == COLLIO_SPACE_PAGE && number_of(a->fs_page_size, &out->page_size) < 0)
        return -1;
    if (number_of(a->fs_threshold, &out->least_free) < 0)
        return -1;
    if (out->least_free >= 0)
        return 0;
    PyErr_SetString(PyExc_OverflowError, "fs_threshold: can't convert a negative value");
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

static int check_hints(const open_args *a)
{
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
        check_hints(a) < 0 || space_of(a, *mode, out) < 0 ||
        h5_attribute_room(a->attributes, &out->attributes) < 0 ||
        h5_refuse_times(a->track_times) < 0)
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

int h5_open_options(h5file *self, const open_args *a, const char **mode, collio_file_options *out)
{
    if (options_of(a, mode, out) < 0 || take_swmr(self, a, *mode) < 0)
        return -1;
    return keep_hints(self, a, *mode);
}
