/* MPI.File: open, close and delete. */
#include "view.h"

/* A path as bytes, from str, bytes or os.PathLike. New in *keep. */
static int path_arg(PyObject *object, PyObject **keep, const char **out)
{
    if (!PyUnicode_FSConverter(object, keep))
        return -1;
    *out = PyBytes_AS_STRING(*keep);
    return 0;
}

/* A communicator that files can be opened on. */
static int intracomm_arg(state *st, PyObject *object, MPI_Comm *out)
{
    int inter = 0;

    if (comm_arg(st, object, out) < 0)
        return -1;
    if (*out != MPI_COMM_NULL)
        MPI_Comm_test_inter(*out, &inter);
    return mpi_failed(*out == MPI_COMM_NULL || inter ? MPI_ERR_COMM : MPI_SUCCESS, "MPI_File_open");
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
    const char *path = "";
    file_guard *g;
    MPI_Comm comm;
    MPI_Info info = MPI_INFO_NULL;
    joint j;

    /* Without a communicator there is nobody to agree with. */
    if (mpi_ready(st) < 0 || args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        intracomm_arg(st, a.comm, &comm) < 0)
        return NULL;
    joint_begin(&j);
    if (info_arg(st, a.info, &info) < 0 || path_arg(a.filename, &keep, &path) < 0)
        joint_fail(&j);
    saved = gil_release();
    g = guard_open(comm, path, a.amode, info, &j.err);
    gil_acquire(saved);
    Py_XDECREF(keep);
    if (guard_failed(MPI_FILE_NULL, &j) < 0)
        return NULL;
    guard_add(g);
    errors_install(st, KIND_file, (any_handle){.file = g->file});
    return leaks_note(handle_make((PyTypeObject *)cls, KIND_file, (any_handle){.file = g->file}));
}

/* Close the file, and set the handle to null unless it stays open. */
static int close_file(handle *self)
{
    MPI_File file = self->mpi.file;
    file_guard *g = guard_of(file);
    int guarded = g != NULL;
    PyThreadState *saved;
    joint j;

    joint_begin(&j);
    if (guarded)
        guard_remove(g);
    saved = gil_release();
    if (guarded)
        guard_close(&g, &j.err);
    else
        collio_mpi(MPI_File_close(&file), "MPI_File_close", &j.err);
    gil_acquire(saved);
    if (g != NULL)
        guard_add(g);
    else if (guarded || j.err.code == COLLIO_OK) {
        leaks_forget(KIND_file, self->mpi);
        self->mpi = handle_null(KIND_file);
    }
    return guard_failed(MPI_FILE_NULL, &j);
}

PyDoc_STRVAR(close_doc, "Close($self, /)\n--\n\nClose the file. Collective.");

static PyObject *file_Close(PyObject *self, const row_method *row, PyObject *const *args,
                            Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{NULL, NULL, 0}};
    MPI_File file;

    if (file_of(self, &file) < 0 || args_parse(row->name, rows, NULL, args, nargs, keywords) < 0 ||
        close_file((handle *)self) < 0)
        return NULL;
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

/* clang-format off */
const row_method file_open_rows[] = {
    {"Open", open_doc, file_Open, "MPI_File_open", {NULL}, 0, 1},
    {"Delete", delete_doc, file_Delete, "MPI_File_delete", {NULL}, 0, 1},
    {"Close", close_doc, file_Close, "MPI_File_close", {NULL}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
