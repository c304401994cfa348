/* What a rank sees of an MPI.File: Set_view and Get_view, past the types that MPI gets wrong. */
#include "view.h"

#include <string.h>

typedef struct view_args {
    int64_t disp;
    PyObject *etype, *filetype, *info;
    const char *datarep;
} view_args;

/* Types for MPI's own view, which moves data of other representations and answers Get_view(): those
 * given, or made anew where this MPI would get them wrong. */
typedef struct usable {
    MPI_Datatype etype, filetype;
    MPI_Datatype made[2]; /* to be freed; null: none */
} usable;

static void make_usable(usable *u, MPI_Datatype etype, MPI_Datatype filetype, collio_error *err)
{
    *u = (usable){etype, filetype, {MPI_DATATYPE_NULL, MPI_DATATYPE_NULL}};
    collio_type_mend(etype, MPI_BYTE, &u->made[0], err);
    if (u->made[0] != MPI_DATATYPE_NULL)
        u->etype = u->made[0];
    collio_type_mend(filetype, u->etype, &u->made[1], err);
    if (u->made[1] != MPI_DATATYPE_NULL)
        u->filetype = u->made[1];
}

static void free_made(usable *u)
{
    for (int i = 0; i < 2; i++)
        if (u->made[i] != MPI_DATATYPE_NULL)
            MPI_Type_free(&u->made[i]);
}

/* Agreed before MPI is called, so that it finds nothing wrong on one rank alone. */
static void set_view(file_guard *g, MPI_File file, const view_args *a, MPI_Datatype etype,
                     MPI_Datatype filetype, MPI_Info info, collio_error *err)
{
    int direct =
        g != NULL && !(g->amode & MPI_MODE_SEQUENTIAL) && strcmp(a->datarep, "native") == 0;
    usable u;

    make_usable(&u, etype, filetype, err);
    if (direct)
        collio_view_set(g->view, a->disp, etype, filetype, err);
    else
        guard_agree(g, "Set_view", a->datarep, err);
    if (err->code == COLLIO_OK &&
        collio_mpi(MPI_File_set_view(file, a->disp, u.etype, u.filetype, a->datarep, info),
                   "MPI_File_set_view", err) == COLLIO_OK &&
        g != NULL)
        g->direct = direct;
    free_made(&u);
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
    MPI_Info info = MPI_INFO_NULL;
    MPI_File file;
    PyThreadState *saved;
    file_guard *g;
    joint j;

    if (file_of(self, &file) < 0)
        return NULL;
    g = guard_of(file);
    joint_begin(&j);
    if (args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        (a.etype != NULL && a.etype != Py_None && type_arg(st, a.etype, &etype) < 0) ||
        info_arg(st, a.info, &info) < 0)
        joint_fail(&j);
    filetype = etype;
    if (j.own == NULL && a.filetype != NULL && a.filetype != Py_None &&
        type_arg(st, a.filetype, &filetype) < 0)
        joint_fail(&j);
    saved = guard_enter(g);
    set_view(g, file, &a, etype, filetype, info, &j.err);
    guard_leave(g, saved);
    if (guard_failed(file, &j) < 0)
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
