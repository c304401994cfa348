/* What a rank sees of an MPI.File: Set_view and Get_view, past the types that MPI gets wrong. */
#include "view.h"

#include <string.h>

typedef struct view_args {
    int64_t disp;
    PyObject *etype, *filetype, *info;
    const char *datarep;
} view_args;

/* ------------------------------------------------------------- of this machine */

static int is_predefined(MPI_Datatype type)
{
    int ints, addresses, types, combiner = MPI_COMBINER_NAMED;

    MPI_Type_get_envelope(type, &ints, &addresses, &types, &combiner);
    return combiner == MPI_COMBINER_NAMED;
}

/* A handle that stays when the user frees his; predefined ones stay as they are. */
static int keep_type(MPI_Datatype type, MPI_Datatype *out, collio_error *err)
{
    *out = MPI_DATATYPE_NULL;
    if (type == MPI_DATATYPE_NULL || err->code != COLLIO_OK)
        return err->code;
    if (!is_predefined(type))
        return collio_mpi(MPI_Type_dup(type, out), "MPI_Type_dup", err);
    *out = type;
    return COLLIO_OK;
}

static void drop_type(MPI_Datatype *type)
{
    if (*type != MPI_DATATYPE_NULL && !is_predefined(*type))
        MPI_Type_free(type);
    *type = MPI_DATATYPE_NULL;
}

void guard_forget(file_guard *g)
{
    drop_type(&g->etype);
    drop_type(&g->filetype);
}

/* MPI is not told: it would judge types by its own lights, and fail on one rank alone, or abort. */
static void set_native(file_guard *g, int64_t disp, MPI_Datatype etype, MPI_Datatype filetype,
                       collio_error *err)
{
    MPI_Datatype kept[2] = {MPI_DATATYPE_NULL, MPI_DATATYPE_NULL};

    keep_type(etype, &kept[0], err);
    keep_type(filetype, &kept[1], err);
    if (collio_view_set(g->view, disp, etype, filetype, err) == COLLIO_OK) {
        guard_forget(g);
        g->disp = disp;
        g->etype = kept[0];
        g->filetype = kept[1];
        g->direct = 1;
        return;
    }
    drop_type(&kept[0]);
    drop_type(&kept[1]);
}

/* ---------------------------------------------------------------------- of MPI */

/* Agreed before MPI is called. Types that this MPI would get wrong are made anew. */
static void set_by_mpi(file_guard *g, MPI_File file, const view_args *a, MPI_Datatype etype,
                       MPI_Datatype filetype, MPI_Info info, collio_error *err)
{
    MPI_Datatype made[2] = {MPI_DATATYPE_NULL, MPI_DATATYPE_NULL};

    collio_type_mend(etype, MPI_BYTE, &made[0], err);
    if (made[0] != MPI_DATATYPE_NULL)
        etype = made[0];
    collio_type_mend(filetype, etype, &made[1], err);
    if (made[1] != MPI_DATATYPE_NULL)
        filetype = made[1];
    if (guard_agree(g, "Set_view", a->datarep, err) == COLLIO_OK &&
        collio_mpi(MPI_File_set_view(file, a->disp, etype, filetype, a->datarep, info),
                   "MPI_File_set_view", err) == COLLIO_OK &&
        g != NULL)
        g->direct = 0;
    drop_type(&made[0]);
    drop_type(&made[1]);
}

static int is_native(const file_guard *g, const char *datarep)
{
    return g != NULL && !(g->amode & MPI_MODE_SEQUENTIAL) && strcmp(datarep, "native") == 0;
}

PyDoc_STRVAR(set_view_doc, "Set_view($self, /, disp=0, etype=..., filetype=None, datarep='native', "
                           "info=...)\n--\n\nSee the file through a pattern. Collective.");

static PyObject *file_Set_view(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"|disp", arg_int64, offsetof(view_args, disp)},
                                 {"|etype", arg_object, offsetof(view_args, etype)},
                                 {"|filetype", arg_object, offsetof(view_args, filetype)},
                                 {"|datarep", arg_string, offsetof(view_args, datarep)},
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
    if (is_native(g, a.datarep))
        set_native(g, a.disp, etype, filetype, &j.err);
    else
        set_by_mpi(g, file, &a, etype, filetype, info, &j.err);
    guard_leave(g, saved);
    if (guard_failed(file, &j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* A datatype that MPI, or keep_type(), has given: predefined ones must not be freed. New. */
static PyObject *wrap_type(state *st, MPI_Datatype type)
{
    PyTypeObject *cls = st->types[TYPE_Datatype];

    if (is_predefined(type))
        return handle_make(cls, KIND_datatype, (any_handle){.datatype = type});
    return handle_own(cls, KIND_datatype, (any_handle){.datatype = type});
}

/* The same from either side. */
static int get_view(MPI_File file, MPI_Offset *disp, MPI_Datatype types[2], char *datarep,
                    collio_error *err)
{
    const file_guard *g = guard_of(file);

    if (g == NULL || !g->direct || g->etype == MPI_DATATYPE_NULL)
        return collio_mpi(MPI_File_get_view(file, disp, &types[0], &types[1], datarep),
                          "MPI_File_get_view", err);
    *disp = g->disp;
    strcpy(datarep, "native");
    keep_type(g->etype, &types[0], err);
    return keep_type(g->filetype, &types[1], err);
}

PyDoc_STRVAR(get_view_doc, "Get_view($self, /)\n--\n\n(disp, etype, filetype, datarep). "
                           "Not collective.");

static PyObject *file_Get_view(PyObject *self, const row_method *row, PyObject *const *args,
                               Py_ssize_t nargs, PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};
    state *st = state_of(self);
    MPI_Datatype types[2] = {MPI_DATATYPE_NULL, MPI_DATATYPE_NULL};
    MPI_Offset disp = 0;
    MPI_File file;
    char datarep[MPI_MAX_DATAREP_STRING + 1] = "";
    joint j;

    if (file_of(self, &file) < 0 || args_parse(row->name, none, NULL, args, nargs, keywords) < 0)
        return NULL;
    guard_begin(&j);
    get_view(file, &disp, types, datarep, &j.err);
    if (guard_failed(file, &j) < 0)
        return NULL;
    return Py_BuildValue("(LNNs)", (long long)disp, wrap_type(st, types[0]),
                         wrap_type(st, types[1]), datarep);
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
