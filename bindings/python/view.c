/* MPI.File: the file as a whole, with MPI's names. It is opened and closed in view_open.c; the data
 * accesses are in view_access.c, the views in view_pattern.c; what gives all of them collio's
 * guarantee in view_guard.c. */
#include "view.h"

int file_of(PyObject *self, MPI_File *out)
{
    *out = ((handle *)self)->mpi.file;
    return mpi_ready(state_of(self));
}

/* -------------------------------------------------- settings of one number */

/* Calls that set one number; row->mode says which. */
enum { SET_SIZE, PREALLOCATE, SET_ATOMICITY, SYNC };

static int set_by_mpi(MPI_File file, int what, int64_t value)
{
    switch (what) {
    case SET_SIZE:
        return MPI_File_set_size(file, value);
    case PREALLOCATE:
        return MPI_File_preallocate(file, value);
    case SET_ATOMICITY:
        return MPI_File_set_atomicity(file, value != 0);
    default:
        return MPI_File_sync(file);
    }
}

static int set_by_view(collio_view *view, int what, int64_t value, collio_error *err)
{
    switch (what) {
    case SET_SIZE:
        return collio_view_set_size(view, value, err);
    case PREALLOCATE:
        return collio_view_preallocate(view, value, err);
    case SET_ATOMICITY:
        return collio_view_set_atomic(view, value != 0, err);
    default:
        return collio_view_sync(view, err);
    }
}

/* MPI is told, too, of what concerns its own way of moving data, if it is used. */
static int set_number(MPI_File file, int what, const char *name, int64_t value, joint *j)
{
    file_guard *g = guard_of(file);
    PyThreadState *saved;

    if ((what == SET_SIZE || what == PREALLOCATE) && g != NULL && (g->amode & MPI_MODE_RDONLY))
        guard_error(&j->err, MPI_ERR_READ_ONLY, "the file is open for reading only");
    saved = guard_enter(g);
    if (g != NULL)
        set_by_view(g->view, what, value, &j->err);
    if (j->err.code == COLLIO_OK &&
        (g == NULL || (!g->direct && (what == SET_ATOMICITY || what == SYNC))))
        collio_mpi(set_by_mpi(file, what, value), name, &j->err);
    guard_leave(g, saved);
    return guard_failed(file, j);
}

static PyObject *file_set(PyObject *self, const row_method *row, PyObject *const *args,
                          Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[][2] = {
        [SET_SIZE] = {{"size", arg_int64, 0}, {NULL, NULL, 0}},
        [PREALLOCATE] = {{"size", arg_int64, 0}, {NULL, NULL, 0}},
        [SET_ATOMICITY] = {{"flag", arg_int64, 0}, {NULL, NULL, 0}},
        [SYNC] = {{NULL, NULL, 0}},
    };
    MPI_File file;
    int64_t value = 0;
    joint j;

    if (file_of(self, &file) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse(row->name, params[row->mode], &value, args, nargs, keywords) < 0)
        joint_fail(&j);
    if (set_number(file, row->mode, row->mpi_name, value, &j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Calls that ask for one number. */
enum { SIZE, AMODE, ATOMICITY, POSITION, POSITION_SHARED, GROUP_SIZE, GROUP_RANK };

/* About the processes that opened the file. */
static int ask_group(MPI_File file, int what, int *out)
{
    MPI_Group group = MPI_GROUP_NULL;
    int code = MPI_File_get_group(file, &group);

    if (code != MPI_SUCCESS)
        return code;
    code = what == GROUP_SIZE ? MPI_Group_size(group, out) : MPI_Group_rank(group, out);
    MPI_Group_free(&group);
    return code;
}

static int ask_by_mpi(MPI_File file, int what, int64_t *out)
{
    MPI_Offset offset = 0;
    int number = 0, code;

    switch (what) {
    case SIZE:
        code = MPI_File_get_size(file, &offset);
        break;
    case POSITION:
        code = MPI_File_get_position(file, &offset);
        break;
    case POSITION_SHARED:
        code = MPI_File_get_position_shared(file, &offset);
        break;
    case AMODE:
        code = MPI_File_get_amode(file, &number);
        break;
    case ATOMICITY:
        code = MPI_File_get_atomicity(file, &number);
        break;
    default:
        code = ask_group(file, what, &number);
    }
    *out = offset + number;
    return code;
}

/* What the guard knows better; 0 if it does not. */
static int ask_guard(file_guard *g, int what, int64_t *out, collio_error *err)
{
    if (g == NULL || (!g->direct && what != AMODE))
        return 0;
    switch (what) {
    case AMODE:
        *out = g->amode;
        return 1;
    case ATOMICITY:
        *out = collio_view_is_atomic(g->view);
        return 1;
    case POSITION:
        collio_view_position(g->view, out, err);
        return 1;
    case POSITION_SHARED:
        collio_view_position_shared(g->view, out, err);
        return 1;
    default:
        return 0;
    }
}

static int ask_number(MPI_File file, int what, const char *name, int64_t *out)
{
    file_guard *g = guard_of(file);
    PyThreadState *saved;
    int known;
    joint j;

    guard_begin(&j);
    saved = guard_enter(g);
    known = ask_guard(g, what, out, &j.err);
    guard_leave(g, saved);
    return known ? guard_failed(file, &j) : mpi_failed(ask_by_mpi(file, what, out), name);
}

static PyObject *get_number(PyObject *self, int what, const char *name)
{
    MPI_File file;
    int64_t value = 0;

    if (file_of(self, &file) < 0 || ask_number(file, what, name, &value) < 0)
        return NULL;
    return what == ATOMICITY ? PyBool_FromLong(value != 0) : PyLong_FromLongLong(value);
}

static PyObject *file_get(PyObject *self, const row_method *row, PyObject *const *args,
                          Py_ssize_t nargs, PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};

    if (args_parse(row->name, none, NULL, args, nargs, keywords) < 0)
        return NULL;
    return get_number(self, row->mode, row->mpi_name);
}

/* ------------------------------------------------------------ group and hints */

static PyObject *group_of(PyObject *self, void *Py_UNUSED(none))
{
    MPI_File file;
    MPI_Group group = MPI_GROUP_NULL;

    if (file_of(self, &file) < 0 ||
        mpi_failed(MPI_File_get_group(file, &group), "MPI_File_get_group") < 0)
        return NULL;
    return handle_own(state_of(self)->types[TYPE_Group], KIND_group, (any_handle){.group = group});
}

/* Add to MPI's hints those that MPI did not take, and that the view knows. */
static int add_hints(file_guard *g, MPI_Info info, collio_error *err)
{
    char name[MPI_MAX_INFO_KEY + 1], value[MPI_MAX_INFO_VAL + 1];
    MPI_Info known = MPI_INFO_NULL;
    int n = 0, found = 0;

    if (collio_view_info(g->view, &known, err) == COLLIO_OK)
        collio_mpi(MPI_Info_get_nkeys(known, &n), "MPI_Info_get_nkeys", err);
    for (int i = 0; i < n && err->code == COLLIO_OK; i++) {
        MPI_Info_get_nthkey(known, i, name);
        MPI_Info_get(info, name, 0, value, &found);
        if (found)
            continue;
        MPI_Info_get(known, name, MPI_MAX_INFO_VAL, value, &found);
        collio_mpi(MPI_Info_set(info, name, value), "MPI_Info_set", err);
    }
    if (known != MPI_INFO_NULL)
        MPI_Info_free(&known);
    return err->code;
}

static PyObject *info_of(PyObject *self, void *Py_UNUSED(none))
{
    MPI_File file;
    MPI_Info info = MPI_INFO_NULL;
    file_guard *g;
    joint j;

    if (file_of(self, &file) < 0)
        return NULL;
    g = guard_of(file);
    guard_begin(&j);
    if (collio_mpi(MPI_File_get_info(file, &info), "MPI_File_get_info", &j.err) == COLLIO_OK &&
        g != NULL)
        add_hints(g, info, &j.err);
    if (guard_failed(file, &j) == 0)
        return handle_own(state_of(self)->types[TYPE_Info], KIND_info, (any_handle){.info = info});
    if (info != MPI_INFO_NULL)
        MPI_Info_free(&info);
    return NULL;
}

static PyObject *file_Set_info(PyObject *self, PyObject *argument)
{
    MPI_File file;
    MPI_Info info = MPI_INFO_NULL;
    PyThreadState *saved;
    file_guard *g;
    joint j;

    if (file_of(self, &file) < 0)
        return NULL;
    g = guard_of(file);
    joint_begin(&j);
    if (info_arg(state_of(self), argument, &info) < 0)
        joint_fail(&j);
    saved = guard_enter(g);
    if (guard_agree(g, "Set_info", "", &j.err) == COLLIO_OK)
        collio_mpi(MPI_File_set_info(file, info), "MPI_File_set_info", &j.err);
    guard_leave(g, saved);
    if (guard_failed(file, &j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static int set_info(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    PyObject *done = file_Set_info(self, value);

    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int set_atomicity(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    MPI_File file;
    int flag = 0;
    joint j;

    if (file_of(self, &file) < 0)
        return -1;
    joint_begin(&j);
    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, "the atomic mode cannot be deleted");
    if (value == NULL || arg_bool(value, &flag) < 0)
        joint_fail(&j);
    return set_number(file, SET_ATOMICITY, "MPI_File_set_atomicity", flag, &j);
}

/* One body for Get_group() and Get_info(). */
static PyObject *file_ask(PyObject *self, const row_method *row, PyObject *const *args,
                          Py_ssize_t nargs, PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};

    if (args_parse(row->name, none, NULL, args, nargs, keywords) < 0)
        return NULL;
    return row->mode ? info_of(self, NULL) : group_of(self, NULL);
}

/* ------------------------------------------------------------------ pointers */

typedef struct seek_args {
    int64_t offset;
    int whence;
} seek_args;

static int seek(MPI_File file, int shared, const char *name, const seek_args *a, joint *j)
{
    file_guard *g = guard_of(file);
    PyThreadState *saved = guard_enter(g);

    if (g != NULL && g->direct)
        shared ? collio_view_seek_shared(g->view, a->offset, a->whence, &j->err)
               : collio_view_seek(g->view, a->offset, a->whence, &j->err);
    else if (!shared || guard_agree(g, "Seek_shared", "", &j->err) == COLLIO_OK)
        collio_mpi(shared ? MPI_File_seek_shared(file, a->offset, a->whence)
                          : MPI_File_seek(file, a->offset, a->whence),
                   name, &j->err);
    guard_leave(g, saved);
    return guard_failed(file, j);
}

static PyObject *file_seek(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"offset", arg_int64, offsetof(seek_args, offset)},
                                 {"|whence", arg_int, offsetof(seek_args, whence)},
                                 {NULL, NULL, 0}};
    seek_args a = {0, MPI_SEEK_SET};
    MPI_File file;
    joint j;

    if (file_of(self, &file) < 0)
        return NULL;
    row->mode ? joint_begin(&j) : guard_begin(&j);
    if (args_parse(row->name, rows, &a, args, nargs, keywords) < 0)
        joint_fail(&j);
    if (!row->mode && j.own != NULL)
        joint_end(&j);
    else if (seek(file, row->mode, row->mpi_name, &a, &j) == 0)
        Py_RETURN_NONE;
    return NULL;
}

static PyObject *file_Get_byte_offset(PyObject *self, PyObject *argument)
{
    MPI_Offset byte = 0;
    MPI_File file;
    file_guard *g;
    int64_t offset, out = 0;
    joint j;

    if (arg_int64(argument, &offset) < 0 || file_of(self, &file) < 0)
        return NULL;
    guard_begin(&j);
    g = guard_of(file);
    if (g != NULL && g->direct)
        collio_view_byte_offset(g->view, offset, &out, &j.err);
    else if (collio_mpi(MPI_File_get_byte_offset(file, offset, &byte), "MPI_File_get_byte_offset",
                        &j.err) == COLLIO_OK)
        out = byte;
    return guard_failed(file, &j) < 0 ? NULL : PyLong_FromLongLong(out);
}

/* ---------------------------------------------------------------- the class */

#define SEEKS "($self, /, offset, whence=...)\n--\n\nMove "

/* clang-format off */
const row_method file_rows[] = {
    {"Set_size", "Set_size($self, /, size)\n--\n\nCut the file off or let it grow, in bytes. Collective.", file_set, "MPI_File_set_size", {NULL}, SET_SIZE, 0},
    {"Preallocate", "Preallocate($self, /, size)\n--\n\nReserve space for that many bytes. Collective.", file_set, "MPI_File_preallocate", {NULL}, PREALLOCATE, 0},
    {"Set_atomicity", "Set_atomicity($self, /, flag)\n--\n\nWhether overlapping accesses come out one after the other. Collective.", file_set, "MPI_File_set_atomicity", {NULL}, SET_ATOMICITY, 0},
    {"Sync", "Sync($self, /)\n--\n\nForce what was written to the disk. Collective.", file_set, "MPI_File_sync", {NULL}, SYNC, 0},
    {"Get_size", "Get_size($self, /)\n--\n\nSize in bytes. Not collective.", file_get, "MPI_File_get_size", {NULL}, SIZE, 0},
    {"Get_amode", "Get_amode($self, /)\n--\n\nThe mode it was opened in. Not collective.", file_get, "MPI_File_get_amode", {NULL}, AMODE, 0},
    {"Get_atomicity", "Get_atomicity($self, /)\n--\n\nSee Set_atomicity(). Not collective.", file_get, "MPI_File_get_atomicity", {NULL}, ATOMICITY, 0},
    {"Get_position", "Get_position($self, /)\n--\n\nThis rank's pointer, in etypes. Not collective.", file_get, "MPI_File_get_position", {NULL}, POSITION, 0},
    {"Get_position_shared", "Get_position_shared($self, /)\n--\n\nThe shared pointer, in etypes. Not collective.", file_get, "MPI_File_get_position_shared", {NULL}, POSITION_SHARED, 0},
    {"Get_group", "Get_group($self, /)\n--\n\nThe processes that opened it. Not collective.", file_ask, "MPI_File_get_group", {NULL}, 0, 0},
    {"Get_info", "Get_info($self, /)\n--\n\nThe hints in use. Not collective.", file_ask, "MPI_File_get_info", {NULL}, 1, 0},
    {"Set_info", "Set_info($self, /, info)\n--\n\nGive hints. Collective.", method_one, "info", {.one = file_Set_info}, 0, 0},
    {"Seek", "Seek" SEEKS "this rank's pointer. Not collective.", file_seek, "MPI_File_seek", {NULL}, 0, 0},
    {"Seek_shared", "Seek_shared" SEEKS "the shared pointer. Collective.", file_seek, "MPI_File_seek_shared", {NULL}, 1, 0},
    {"Get_byte_offset", "Get_byte_offset($self, /, offset)\n--\n\nBytes from the start of the file to an etype. Not collective.", method_one, "offset", {.one = file_Get_byte_offset}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

/* Properties that are one number; the closure is its place here. */
static const struct {
    int what;
    const char *name;
} numbers[] = {{SIZE, "MPI_File_get_size"},
               {AMODE, "MPI_File_get_amode"},
               {GROUP_SIZE, "MPI_File_get_group"},
               {GROUP_RANK, "MPI_File_get_group"},
               {ATOMICITY, "MPI_File_get_atomicity"}};

static PyObject *get_property(PyObject *self, void *closure)
{
    intptr_t i = (intptr_t)closure;

    return get_number(self, numbers[i].what, numbers[i].name);
}

static PyGetSetDef file_getset[] = {
    {"size", get_property, NULL, "size in bytes", (void *)0},
    {"amode", get_property, NULL, "mode it was opened in", (void *)1},
    {"group_size", get_property, NULL, "number of processes that opened it", (void *)2},
    {"group_rank", get_property, NULL, "rank of this process among them", (void *)3},
    {"atomicity", get_property, set_atomicity, "atomic mode", (void *)4},
    {"group", group_of, NULL, "processes that opened it", NULL},
    {"info", info_of, set_info, "hints", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    file_doc,
    "File(file=None)\n--\n\nA file that several processes read and write.\n\n"
    "Collective calls keep collio's promise: if the ranks differ, or one of them fails, all\n"
    "have the same MPI.Exception, with the class that fits and a text that names rank and\n"
    "reason. An argument of the wrong kind is a TypeError on its rank. Three things have less:\n"
    "nonblocking calls move their data at once or when they are waited for, without waiting\n"
    "for other ranks, so that a failed write is known to its rank alone; data in\n"
    "representations other than 'native', and files of MODE_SEQUENTIAL, are moved by MPI-IO,\n"
    "agreed before each call, not after; a file whose handle was made elsewhere is MPI's\n"
    "alone.");

static PyType_Slot file_slots[] = {
    {Py_tp_doc, (void *)file_doc},
    {Py_tp_getset, file_getset},
    {0, NULL},
};

PyType_Spec File_spec = {
    .name = "collio.MPI.File",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = file_slots,
};
