/* MPI.File: open, close, views and the file as a whole, with MPI's names. The data accesses are in
 * view_access.c, the views in view_pattern.c; with collio's guarantee there is collio.View instead.
 */
#include "view.h"

int file_of(PyObject *self, MPI_File *out)
{
    *out = ((handle *)self)->mpi.file;
    return mpi_ready(state_of(self));
}

/* A path as bytes, from str, bytes or os.PathLike. New in *keep. */
static int path_arg(PyObject *object, PyObject **keep, const char **out)
{
    if (!PyUnicode_FSConverter(object, keep))
        return -1;
    *out = PyBytes_AS_STRING(*keep);
    return 0;
}

/* ---------------------------------------------------------- open and close */

typedef struct open_args {
    PyObject *comm, *filename, *info;
    int amode;
} open_args;

PyDoc_STRVAR(open_doc, "Open($type, /, comm, filename, amode=..., info=...)\n--\n\n"
                       "Open a file. Collective over comm.");

static PyObject *file_Open(PyObject *cls, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"comm", arg_object, offsetof(open_args, comm)},
                                 {"filename", arg_object, offsetof(open_args, filename)},
                                 {"|amode", arg_int, offsetof(open_args, amode)},
                                 {"|info", arg_object, offsetof(open_args, info)},
                                 {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    open_args a = {NULL, NULL, NULL, MPI_MODE_RDONLY};
    PyObject *keep = NULL;
    PyThreadState *saved;
    const char *path;
    MPI_File file = MPI_FILE_NULL;
    MPI_Comm comm;
    MPI_Info info;
    int code;

    if (mpi_ready(st) < 0 || args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        comm_arg(st, a.comm, &comm) < 0 || info_arg(st, a.info, &info) < 0 ||
        path_arg(a.filename, &keep, &path) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_File_open(comm, path, a.amode, info, &file);
    gil_acquire(saved);
    Py_DECREF(keep);
    if (mpi_failed(code, "MPI_File_open") < 0)
        return NULL;
    errors_install(st, KIND_file, (any_handle){.file = file});
    return handle_make((PyTypeObject *)cls, KIND_file, (any_handle){.file = file});
}

PyDoc_STRVAR(close_doc, "Close($self, /)\n--\n\nClose the file. Collective.");

static PyObject *file_Close(PyObject *self, const row_method *row, PyObject *const *args,
                            Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{NULL, NULL, 0}};
    MPI_File file;
    PyThreadState *saved;
    int code;

    if (file_of(self, &file) < 0 || args_parse(row->name, rows, NULL, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_File_close(&file);
    gil_acquire(saved);
    if (mpi_failed(code, "MPI_File_close") < 0)
        return NULL;
    ((handle *)self)->mpi = handle_null(KIND_file);
    Py_CLEAR(((handle *)self)->keep);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(delete_doc,
             "Delete($type, /, filename, info=...)\n--\n\nDelete a file. Not collective.");

static PyObject *file_Delete(PyObject *cls, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"filename", arg_object, offsetof(open_args, filename)},
                                 {"|info", arg_object, offsetof(open_args, info)},
                                 {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    open_args a = {NULL, NULL, NULL, 0};
    PyObject *keep = NULL;
    const char *path;
    MPI_Info info;
    int code;

    if (mpi_ready(st) < 0 || args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &info) < 0 || path_arg(a.filename, &keep, &path) < 0)
        return NULL;
    code = MPI_File_delete(path, info);
    Py_DECREF(keep);
    if (mpi_failed(code, "MPI_File_delete") < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* -------------------------------------------------- settings of one number */

/* Calls that set one number; row->mode says which. */
enum { SET_SIZE, PREALLOCATE, SET_ATOMICITY, SYNC };

static int set_number(MPI_File file, int what, int64_t value)
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
    PyThreadState *saved;
    int64_t value = 0;
    int code;

    if (file_of(self, &file) < 0 ||
        args_parse(row->name, params[row->mode], &value, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = set_number(file, row->mode, value);
    gil_acquire(saved);
    if (mpi_failed(code, row->mpi_name) < 0)
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

static int ask_number(MPI_File file, int what, int64_t *out)
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

static PyObject *get_number(PyObject *self, int what, const char *name)
{
    MPI_File file;
    int64_t value = 0;

    if (file_of(self, &file) < 0 || mpi_failed(ask_number(file, what, &value), name) < 0)
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

static PyObject *info_of(PyObject *self, void *Py_UNUSED(none))
{
    MPI_File file;
    MPI_Info info = MPI_INFO_NULL;

    if (file_of(self, &file) < 0 ||
        mpi_failed(MPI_File_get_info(file, &info), "MPI_File_get_info") < 0)
        return NULL;
    return handle_own(state_of(self)->types[TYPE_Info], KIND_info, (any_handle){.info = info});
}

static PyObject *file_Set_info(PyObject *self, PyObject *argument)
{
    MPI_File file;
    MPI_Info info;
    PyThreadState *saved;
    int code;

    if (file_of(self, &file) < 0 || info_arg(state_of(self), argument, &info) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_File_set_info(file, info);
    gil_acquire(saved);
    if (mpi_failed(code, "MPI_File_set_info") < 0)
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
    int flag = value == NULL ? -1 : PyObject_IsTrue(value);

    if (flag < 0 || file_of(self, &file) < 0)
        return -1;
    return mpi_failed(MPI_File_set_atomicity(file, flag), "MPI_File_set_atomicity");
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

static PyObject *file_seek(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"offset", arg_int64, offsetof(seek_args, offset)},
                                 {"|whence", arg_int, offsetof(seek_args, whence)},
                                 {NULL, NULL, 0}};
    seek_args a = {0, MPI_SEEK_SET};
    MPI_File file;
    PyThreadState *saved;
    int code;

    if (file_of(self, &file) < 0 || args_parse(row->name, rows, &a, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = row->mode ? MPI_File_seek_shared(file, a.offset, a.whence)
                     : MPI_File_seek(file, a.offset, a.whence);
    gil_acquire(saved);
    if (mpi_failed(code, row->mpi_name) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *file_Get_byte_offset(PyObject *self, PyObject *argument)
{
    MPI_Offset byte = 0;
    MPI_File file;
    int64_t offset;

    if (arg_int64(argument, &offset) < 0 || file_of(self, &file) < 0 ||
        mpi_failed(MPI_File_get_byte_offset(file, offset, &byte), "MPI_File_get_byte_offset") < 0)
        return NULL;
    return PyLong_FromLongLong(byte);
}

/* ---------------------------------------------------------------- the class */

#define SEEKS "($self, /, offset, whence=...)\n--\n\nMove "

/* clang-format off */
const row_method file_rows[] = {
    {"Open", open_doc, file_Open, "MPI_File_open", {NULL}, 0, 1},
    {"Delete", delete_doc, file_Delete, "MPI_File_delete", {NULL}, 0, 1},
    {"Close", close_doc, file_Close, "MPI_File_close", {NULL}, 0, 0},
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

PyDoc_STRVAR(file_doc, "File(file=None)\n--\n\nA file that several processes read and write.");

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
