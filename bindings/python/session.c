/* MPI.Session: a way into MPI of its own, with its sets of processes (MPI 4). */
#include "bindings.h"

#ifdef HAVE_MPI_SESSION_INIT
#define HAVE_SESSIONS 1
#else
#define HAVE_SESSIONS                  0
#define MPI_Session_init(...)          MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Session_finalize(...)      MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Session_get_num_psets(...) MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Session_get_nth_pset(session, info, n, length, name)                                   \
    ((void)(length), MPI_ERR_UNSUPPORTED_OPERATION)
#define MPI_Session_get_info(...)        MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Session_get_pset_info(...)   MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Group_from_session_pset(...) MPI_ERR_UNSUPPORTED_OPERATION
#endif

static int ready(state *st)
{
    if (mpi_ready_early(st) < 0)
        return -1;
    if (!HAVE_SESSIONS) {
        raise_unavailable("MPI_Session_init");
        return -1;
    }
    return 0;
}

static int session_of(PyObject *self, MPI_Session *out)
{
    state *st = state_of(self);

    *out = ((handle *)self)->mpi.session;
    return *out == MPI_SESSION_NULL && HAVE_SESSIONS ? mpi_ready(st) : ready(st);
}

static PyObject *wrap_info(state *st, MPI_Info info)
{
    return handle_own(st->types[TYPE_Info], KIND_info, (any_handle){.info = info});
}

typedef struct session_args {
    PyObject *info, *handler;
    int n;
} session_args;

/* --------------------------------------------------------------------- begin and end */

PyDoc_STRVAR(init_doc, "Init($type, /, info=..., errhandler=None)\n--\n\nA new session. "
                       "Not collective.");

static PyObject *session_Init(PyObject *cls, const row_method *row, PyObject *const *args,
                              Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"|info", arg_object, offsetof(session_args, info)},
                                 {"|errhandler", arg_object, offsetof(session_args, handler)},
                                 {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    session_args a = {NULL, Py_None, 0};
    MPI_Errhandler handler = MPI_ERRORS_RETURN;
    MPI_Session session = MPI_SESSION_NULL;
    PyThreadState *saved;
    MPI_Info info;
    int code;

    if (ready(st) < 0 || life_refuse_ended() < 0 ||
        args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &info) < 0 ||
        (a.handler != Py_None && errhandler_arg(st, a.handler, &handler) < 0))
        return NULL;
    saved = gil_release();
    code = MPI_Session_init(info, handler, &session);
    gil_acquire(saved);
    if (mpi_failed(code, row->mpi_name) < 0)
        return NULL;
    life_session(st, 1);
    errors_install(st, KIND_session, (any_handle){.session = session});
    return leaks_note(
        handle_make((PyTypeObject *)cls, KIND_session, (any_handle){.session = session}));
}

PyDoc_STRVAR(finalize_doc, "Finalize($self, /)\n--\n\nEnd the session. Collective over the "
                           "processes it is connected to.");

static PyObject *session_Finalize(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyThreadState *saved;
    MPI_Session session;
    int code;

    if (session_of(self, &session) < 0)
        return NULL;
    leaks_forget(KIND_session, ((handle *)self)->mpi);
    saved = gil_release();
    code = MPI_Session_finalize(&session);
    gil_acquire(saved);
    ((handle *)self)->mpi.session = session;
    if (mpi_failed(code, "MPI_Session_finalize") < 0)
        return NULL;
    life_session(state_of(self), -1);
    Py_RETURN_NONE;
}

/* -------------------------------------------------------------------- sets of processes */

PyDoc_STRVAR(num_psets_doc, "Get_num_psets($self, /, info=...)\n--\n\nNumber of sets of processes. "
                            "Not collective.");

static PyObject *session_Get_num_psets(PyObject *self, const row_method *row, PyObject *const *args,
                                       Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"|info", arg_object, offsetof(session_args, info)},
                                 {NULL, NULL, 0}};
    session_args a = {NULL, NULL, 0};
    MPI_Session session;
    MPI_Info info;
    int n = 0;

    if (session_of(self, &session) < 0 ||
        args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        info_arg(state_of(self), a.info, &info) < 0 ||
        mpi_failed(MPI_Session_get_num_psets(session, info, &n), row->mpi_name) < 0)
        return NULL;
    return PyLong_FromLong(n);
}

PyDoc_STRVAR(nth_pset_doc, "Get_nth_pset($self, /, n, info=...)\n--\n\nName of a set of processes. "
                           "Not collective.");

static PyObject *session_Get_nth_pset(PyObject *self, const row_method *row, PyObject *const *args,
                                      Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"n", arg_int, offsetof(session_args, n)},
                                 {"|info", arg_object, offsetof(session_args, info)},
                                 {NULL, NULL, 0}};
    char name[MPI_MAX_PSET_NAME_LEN + 1] = "";
    session_args a = {NULL, NULL, 0};
    MPI_Session session;
    MPI_Info info;
    int length = sizeof name;

    if (session_of(self, &session) < 0 ||
        args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        info_arg(state_of(self), a.info, &info) < 0 ||
        mpi_failed(MPI_Session_get_nth_pset(session, info, a.n, &length, name), row->mpi_name) < 0)
        return NULL;
    return PyUnicode_DecodeLocale(name, "surrogateescape");
}

PyDoc_STRVAR(get_info_doc, "Get_info($self, /)\n--\n\nThe hints in use. Not collective.");

static PyObject *session_Get_info(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Info info = MPI_INFO_NULL;
    MPI_Session session;

    if (session_of(self, &session) < 0 ||
        mpi_failed(MPI_Session_get_info(session, &info), "MPI_Session_get_info") < 0)
        return NULL;
    return wrap_info(state_of(self), info);
}

static PyObject *session_Get_pset_info(PyObject *self, PyObject *arg)
{
    MPI_Info info = MPI_INFO_NULL;
    MPI_Session session;
    const char *name;

    if (session_of(self, &session) < 0 || arg_string(arg, &name) < 0 ||
        mpi_failed(MPI_Session_get_pset_info(session, name, &info), "MPI_Session_get_pset_info") <
            0)
        return NULL;
    return wrap_info(state_of(self), info);
}

/* The group of a set, as an object of a class. New. */
static PyObject *make_group(PyTypeObject *type, MPI_Session session, const char *name)
{
    MPI_Group group = MPI_GROUP_NULL;

    (void)session, (void)name;
    if (mpi_failed(MPI_Group_from_session_pset(session, name, &group),
                   "MPI_Group_from_session_pset") < 0)
        return NULL;
    return handle_own(type, KIND_group, (any_handle){.group = group});
}

static PyObject *session_Create_group(PyObject *self, PyObject *arg)
{
    MPI_Session session;
    const char *name;

    if (session_of(self, &session) < 0 || arg_string(arg, &name) < 0)
        return NULL;
    return make_group(state_of(self)->types[TYPE_Group], session, name);
}

typedef struct pset_args {
    PyObject *session;
    const char *name;
} pset_args;

static PyObject *group_Create_from_session_pset(PyObject *cls, const row_method *row,
                                                PyObject *const *args, Py_ssize_t nargs,
                                                PyObject *keywords)
{
    static const param rows[] = {{"session", arg_object, offsetof(pset_args, session)},
                                 {"pset_name", arg_string, offsetof(pset_args, name)},
                                 {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    pset_args a;

    if (ready(st) < 0 || args_parse(row->name, rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (!is_a(st, a.session, TYPE_Session))
        return raise_type("session", "MPI.Session", a.session);
    return make_group((PyTypeObject *)cls, ((handle *)a.session)->mpi.session, a.name);
}

/* ---------------------------------------------------------------------------- the class */

/* clang-format off */
const row_method session_rows[] = {
    {"Init", init_doc, session_Init, "MPI_Session_init", {NULL}, 0, 1},
    {"Get_num_psets", num_psets_doc, session_Get_num_psets, "MPI_Session_get_num_psets", {NULL}, 0, 0},
    {"Get_nth_pset", nth_pset_doc, session_Get_nth_pset, "MPI_Session_get_nth_pset", {NULL}, 0, 0},
    {"Get_pset_info", "Get_pset_info($self, /, pset_name)\n--\n\nHints of a set of processes. Not collective.", method_one, "pset_name", {.one = session_Get_pset_info}, 0, 0},
    {"Create_group", "Create_group($self, /, pset_name)\n--\n\nThe group of a set of processes. Not collective.", method_one, "pset_name", {.one = session_Create_group}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};

const row_method group_session_rows[] = {
    {"Create_from_session_pset", "Create_from_session_pset($type, /, session, pset_name)\n--\n\nThe group of a set of processes that a Session knows. Not collective.", group_Create_from_session_pset, "MPI_Group_from_session_pset", {NULL}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef session_methods[] = {
    {"Finalize", session_Finalize, METH_NOARGS, finalize_doc},
    {"Get_info", session_Get_info, METH_NOARGS, get_info_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(session_doc, "Session(session=None)\n--\n\nA way into MPI of its own.");

static PyType_Slot session_slots[] = {
    {Py_tp_doc, (void *)session_doc},
    {Py_tp_methods, session_methods},
    {0, NULL},
};

PyType_Spec Session_spec = {
    .name = "collio.MPI.Session",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = session_slots,
};
