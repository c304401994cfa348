/* What a rank sees of an MPI.File: Set_view and Get_view, past the types that MPI gets wrong. */
#include "view.h"

#include "io/view.h"

typedef struct view_args {
    int64_t disp;
    PyObject *etype, *filetype, *info;
    const char *datarep;
} view_args;

/* The type to give to MPI for a filetype: itself, or one made anew where this MPI would get it
 * wrong. *made is to be freed. */
static int usable_type(MPI_Datatype given, MPI_Datatype etype, MPI_Datatype *out,
                       MPI_Datatype *made)
{
    collio_error err = COLLIO_ERROR_INIT;

    *made = MPI_DATATYPE_NULL;
    *out = given;
    if (collio_type_mend(given, etype, made, &err)) {
        if (err.mpi_error != MPI_SUCCESS)
            return mpi_failed(err.mpi_error, "MPI_File_set_view");
        raise_from(&err);
        return -1;
    }
    if (*made != MPI_DATATYPE_NULL)
        *out = *made;
    return 0;
}

static int set_view(MPI_File file, int64_t disp, MPI_Datatype etype, MPI_Datatype filetype,
                    const char *datarep, MPI_Info info)
{
    MPI_Datatype unit, pattern, made_unit = MPI_DATATYPE_NULL, made_pattern = MPI_DATATYPE_NULL;
    int code = MPI_SUCCESS, failed = -1;
    PyThreadState *saved;

    if (usable_type(etype, MPI_BYTE, &unit, &made_unit) == 0 &&
        usable_type(filetype, unit, &pattern, &made_pattern) == 0) {
        saved = gil_release();
        code = MPI_File_set_view(file, disp, unit, pattern, datarep, info);
        gil_acquire(saved);
        failed = mpi_failed(code, "MPI_File_set_view");
    }
    if (made_unit != MPI_DATATYPE_NULL)
        MPI_Type_free(&made_unit);
    if (made_pattern != MPI_DATATYPE_NULL)
        MPI_Type_free(&made_pattern);
    return failed;
}

PyDoc_STRVAR(set_view_doc, "Set_view($self, /, disp=0, etype=..., filetype=None, datarep='native', "
                           "info=...)\n--\n\nSee the file through a pattern. Collective.");

static PyObject *file_Set_view(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"|disp", arg_int64, offsetof(view_args, disp)},
                                 {"|etype", arg_object, offsetof(view_args, etype)},
                                 {"|filetype", arg_object, offsetof(view_args, filetype)},
                                 {"|datarep", arg_text, offsetof(view_args, datarep)},
                                 {"|info", arg_object, offsetof(view_args, info)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    view_args a = {0, NULL, NULL, NULL, "native"};
    MPI_Datatype etype = MPI_BYTE, filetype;
    MPI_Info info;
    MPI_File file;

    if (file_of(self, &file) < 0 || args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &info) < 0 ||
        (a.etype != NULL && a.etype != Py_None && type_arg(st, a.etype, &etype) < 0))
        return NULL;
    filetype = etype;
    if (a.filetype != NULL && a.filetype != Py_None && type_arg(st, a.filetype, &filetype) < 0)
        return NULL;
    if (set_view(file, a.disp, etype, filetype, a.datarep, info) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* A datatype MPI has given back: predefined ones must not be freed. New. */
static PyObject *wrap_type(state *st, MPI_Datatype type)
{
    PyTypeObject *cls = st->types[TYPE_Datatype];
    int ints, addresses, types, combiner = MPI_COMBINER_NAMED;

    MPI_Type_get_envelope(type, &ints, &addresses, &types, &combiner);
    if (combiner == MPI_COMBINER_NAMED)
        return handle_make(cls, KIND_datatype, (any_handle){.datatype = type});
    return handle_own(cls, KIND_datatype, (any_handle){.datatype = type});
}

PyDoc_STRVAR(get_view_doc, "Get_view($self, /)\n--\n\n(disp, etype, filetype, datarep). "
                           "Not collective.");

static PyObject *file_Get_view(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};
    state *st = state_of(self);
    MPI_Datatype etype, filetype;
    MPI_Offset disp = 0;
    MPI_File file;
    char datarep[MPI_MAX_DATAREP_STRING + 1] = "";

    if (file_of(self, &file) < 0 || args_parse(row->name, none, NULL, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_File_get_view(file, &disp, &etype, &filetype, datarep),
                   "MPI_File_get_view") < 0)
        return NULL;
    return Py_BuildValue("(LNNs)", (long long)disp, wrap_type(st, etype), wrap_type(st, filetype),
                         datarep);
}

PyDoc_STRVAR(type_extent_doc, "Get_type_extent($self, /, datatype)\n--\n\nBytes of an element in "
                              "the file. Not collective.");

static PyObject *file_Get_type_extent(PyObject *self, PyObject *argument)
{
    MPI_Datatype type;
    MPI_Aint extent = 0;
    MPI_File file;

    if (file_of(self, &file) < 0 || type_arg(state_of(self), argument, &type) < 0 ||
        mpi_failed(MPI_File_get_type_extent(file, type, &extent), "MPI_File_get_type_extent") < 0)
        return NULL;
    return PyLong_FromSsize_t((Py_ssize_t)extent);
}

/* clang-format off */
const row_method file_view_rows[] = {
    {"Set_view", set_view_doc, file_Set_view, "MPI_File_set_view", {NULL}, 0, 0},
    {"Get_view", get_view_doc, file_Get_view, "MPI_File_get_view", {NULL}, 0, 0},
    {"Get_type_extent", type_extent_doc, method_one, "datatype", {.one = file_Get_type_extent}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
