/* MPI.Comm: how communicators are made of others, and their hints. */
#include "bindings.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* Of the class of `self`, a user's subclass included. New. */
static PyObject *wrap_like(PyObject *self, MPI_Comm comm)
{
    errors_install(state_of(self), KIND_comm, (any_handle){.comm = comm});
    return leaks_note(handle_make(Py_TYPE(self), KIND_comm, (any_handle){.comm = comm}));
}

/* A part of `self`: of its kind, but without its topology. New. */
static PyObject *wrap_part(PyObject *self, MPI_Comm comm)
{
    state *st = state_of(self);
    enum type_slot slot = is_a(st, self, TYPE_Intracomm)   ? TYPE_Intracomm
                          : is_a(st, self, TYPE_Intercomm) ? TYPE_Intercomm
                                                           : TYPE_Comm;

    return comm_wrap_as(st, slot, comm);
}

static int parse_info(const char *name, int required, PyObject *self, PyObject **object,
                      MPI_Info *info, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    const param rows[] = {{required ? "info" : "|info", arg_object, 0}, {NULL, NULL, 0}};

    *object = Py_None;
    if (mpi_ready(state_of(self)) < 0 || args_parse(name, rows, object, args, nargs, keywords) < 0)
        return -1;
    return info_arg(state_of(self), *object, info);
}

/* --------------------------------------------------------------------------- duplicates */

PyDoc_STRVAR(dup_doc, "Dup($self, /, info=None)\n--\n\nA duplicate, with other hints if `info` is "
                      "given. Collective.");

/* The lowest rank that failed, of both groups if there are two; INT_MAX: none. Collective. */
static int lowest_failed(MPI_Comm comm, int failed, int *lowest)
{
    PyThreadState *saved;
    int rank = 0, inter = 0, mine, theirs = INT_MAX, ours = INT_MAX, code;

    MPI_Comm_rank(comm, &rank);
    MPI_Comm_test_inter(comm, &inter);
    mine = failed ? rank : INT_MAX;
    saved = gil_release();
    code = MPI_Allreduce(&mine, &theirs, 1, MPI_INT, MPI_MIN, comm);
    if (inter && code == MPI_SUCCESS) /* what the other group heard of this one */
        code = MPI_Allreduce(&theirs, &ours, 1, MPI_INT, MPI_MIN, comm);
    gil_acquire(saved);
    *lowest = theirs < ours ? theirs : ours;
    return code;
}

/* Make an exception, which is taken over, the cause of the pending one. */
static void caused_by(PyObject *cause)
{
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyException_SetCause(value, cause);
    PyErr_Restore(type, value, trace);
}

/*
 * A function that copies an attribute may raise on one rank alone. MPI has made the duplicate then,
 * on all ranks; all of them give it back.
 */
static int agree_on(MPI_Comm *comm, int failed)
{
    PyObject *type, *cause, *trace;
    collio_error err = COLLIO_ERROR_INIT;
    int lowest, code;

    PyErr_Fetch(&type, &cause, &trace);
    PyErr_NormalizeException(&type, &cause, &trace);
    if (cause != NULL && trace != NULL)
        PyException_SetTraceback(cause, trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    code = lowest_failed(*comm, failed, &lowest);
    if (collio_mpi_made(code, "MPI_Allreduce", &err) == COLLIO_OK && lowest == INT_MAX)
        return 0;
    MPI_Comm_free(comm);
    collio_error_set(&err, COLLIO_ERR_MPI, "rank %d could not make its part of the duplicate",
                     lowest);
    if (err.mpi_error == MPI_SUCCESS)
        err.mpi_error = MPI_ERR_OTHER;
    if (cause != NULL && PyErr_GivenExceptionMatches(cause, state_find()->exceptions[EXC_MPI])) {
        PyErr_SetObject((PyObject *)Py_TYPE(cause), cause);
        Py_DECREF(cause);
        return -1;
    }
    raise_from(&err);
    if (cause != NULL)
        caused_by(cause);
    return -1;
}

static PyObject *duplicate(PyObject *self, int with_info, MPI_Info info)
{
    PyThreadState *saved = gil_release();
    MPI_Comm comm = MPI_COMM_NULL;
    int code = with_info ? MPI_Comm_dup_with_info(mpi_of(self), info, &comm)
                         : MPI_Comm_dup(mpi_of(self), &comm);
    int failed;

    gil_acquire(saved);
    failed = mpi_failed(code, "MPI_Comm_dup") < 0;
    if (code != MPI_SUCCESS || agree_on(&comm, failed) < 0)
        return NULL;
    return wrap_like(self, comm);
}

static PyObject *comm_Dup(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *keywords)
{
    PyObject *object;
    MPI_Info info;

    if (parse_info("Dup", 0, self, &object, &info, args, nargs, keywords) < 0)
        return NULL;
    return duplicate(self, object != Py_None, info);
}

PyDoc_STRVAR(clone_doc, "Clone($self, /)\n--\n\nA duplicate. Collective.");

static PyObject *comm_Clone(PyObject *self, PyObject *Py_UNUSED(none))
{
    return comm_Dup(self, NULL, 0, NULL);
}

PyDoc_STRVAR(dup_with_info_doc, "Dup_with_info($self, /, info)\n--\n\nA duplicate with hints. "
                                "Collective.");

static PyObject *comm_Dup_with_info(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                    PyObject *keywords)
{
    PyObject *object;
    MPI_Info info;

    if (parse_info("Dup_with_info", 1, self, &object, &info, args, nargs, keywords) < 0)
        return NULL;
    return duplicate(self, 1, info);
}

#ifdef HAVE_MPI_COMM_IDUP_WITH_INFO
#define HAVE_IDUP_WITH_INFO 1
#else
#define HAVE_IDUP_WITH_INFO 0
#define MPI_Comm_idup_with_info(comm, info, new, request)                                          \
    ((void)(info), MPI_Comm_idup(comm, new, request))
#endif

/* Whether MPI has begun (*request is there), and that without an error: a function that copies an
 * attribute may have raised one. */
static int begin_dup(PyObject *self, int with_info, MPI_Info info, MPI_Comm *comm,
                     MPI_Request *request)
{
    int code = with_info ? MPI_Comm_idup_with_info(mpi_of(self), info, comm, request)
                         : MPI_Comm_idup(mpi_of(self), comm, request);

    if (code == MPI_SUCCESS && callback_raised())
        code = MPI_ERR_OTHER;
    return mpi_failed(code, with_info ? "MPI_Comm_idup_with_info" : "MPI_Comm_idup");
}

/* MPI may write the handle at the end only: the request keeps the object that holds it. */
static PyObject *duplicate_later(PyObject *self, int with_info, MPI_Info info)
{
    PyObject *object, *request = NULL, *type, *value, *trace;
    MPI_Request mpi = MPI_REQUEST_NULL;
    int failed;

    if (with_info && !HAVE_IDUP_WITH_INFO)
        return raise_unavailable("MPI_Comm_idup_with_info");
    object = handle_make(Py_TYPE(self), KIND_comm, handle_null(KIND_comm));
    if (object == NULL)
        return NULL;
    failed = begin_dup(self, with_info, info, &((handle *)object)->mpi.comm, &mpi) < 0;
    PyErr_Fetch(&type, &value, &trace);
    if (mpi != MPI_REQUEST_NULL)
        request = request_make(state_of(self), TYPE_Request, mpi, object);
    if (!failed && request != NULL)
        return Py_BuildValue("(NN)", object, request);
    Py_XDECREF(request);
    Py_DECREF(object);
    if (failed)
        PyErr_Restore(type, value, trace);
    return NULL;
}

PyDoc_STRVAR(idup_doc, "Idup($self, /, info=None)\n--\n\nBegin to duplicate; returns (duplicate, "
                       "Request), of which the first is usable when the second is done. "
                       "Collective.");

static PyObject *comm_Idup(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    PyObject *object;
    MPI_Info info;

    if (parse_info("Idup", 0, self, &object, &info, args, nargs, keywords) < 0)
        return NULL;
    return duplicate_later(self, object != Py_None, info);
}

PyDoc_STRVAR(idup_with_info_doc, "Idup_with_info($self, /, info)\n--\n\nBegin to duplicate, with "
                                 "hints; returns (duplicate, Request). MPI 4. Collective.");

static PyObject *comm_Idup_with_info(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *keywords)
{
    PyObject *object;
    MPI_Info info;

    if (parse_info("Idup_with_info", 1, self, &object, &info, args, nargs, keywords) < 0)
        return NULL;
    return duplicate_later(self, 1, info);
}

/* -------------------------------------------------------------------------------- parts */

typedef struct part_args {
    int color, key, kind, tag;
    PyObject *info, *group;
} part_args;

PyDoc_STRVAR(split_doc, "Split($self, /, color=0, key=0)\n--\n\nOne communicator for each color, "
                        "ranks in the order of the keys; color UNDEFINED: none. Collective.");

static PyObject *comm_Split(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"|color", arg_int, offsetof(part_args, color)},
                                 {"|key", arg_int, offsetof(part_args, key)},
                                 {NULL, NULL, 0}};
    part_args a = {.color = 0};
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    int code;

    if (mpi_ready(state_of(self)) < 0 || args_parse("Split", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Comm_split(mpi_of(self), a.color, a.key, &comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Comm_split") < 0 ? NULL : wrap_part(self, comm);
}

PyDoc_STRVAR(split_type_doc,
             "Split_type($self, /, split_type, key=0, info=...)\n--\n\nOne communicator for the "
             "processes that share something, such as memory. Collective.");

static PyObject *comm_Split_type(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"split_type", arg_int, offsetof(part_args, kind)},
                                 {"|key", arg_int, offsetof(part_args, key)},
                                 {"|info", arg_object, offsetof(part_args, info)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    part_args a = {.color = 0};
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Info info;
    int code;

    if (mpi_ready(st) < 0 || args_parse("Split_type", rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &info) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Comm_split_type(mpi_of(self), a.kind, a.key, info, &comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Comm_split_type") < 0 ? NULL : wrap_part(self, comm);
}

PyDoc_STRVAR(create_doc, "Create($self, /, group)\n--\n\nA communicator for a group; COMM_NULL "
                         "outside it. Collective.");

static PyObject *comm_Create(PyObject *self, PyObject *arg)
{
    state *st = state_of(self);
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Group group;
    int code;

    if (mpi_ready(st) < 0 || group_arg(st, arg, &group) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Comm_create(mpi_of(self), group, &comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Comm_create") < 0 ? NULL : wrap_part(self, comm);
}

PyDoc_STRVAR(create_group_doc, "Create_group($self, /, group, tag=0)\n--\n\nA communicator for a "
                               "group. Collective over the group only.");

static PyObject *comm_Create_group(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"group", arg_object, offsetof(part_args, group)},
                                 {"|tag", arg_int, offsetof(part_args, tag)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    part_args a = {.tag = 0};
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Group group;
    int code;

    if (mpi_ready(st) < 0 || args_parse("Create_group", rows, &a, args, nargs, keywords) < 0 ||
        group_arg(st, a.group, &group) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Comm_create_group(mpi_of(self), group, a.tag, &comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Comm_create_group") < 0 ? NULL : wrap_part(self, comm);
}

/* -------------------------------------------------------------------------------- hints */

PyDoc_STRVAR(set_info_doc, "Set_info($self, /, info)\n--\n\nSet hints. Collective.");

static PyObject *comm_Set_info(PyObject *self, PyObject *arg)
{
    state *st = state_of(self);
    MPI_Info info;

    if (mpi_ready(st) < 0 || info_arg(st, arg, &info) < 0 ||
        mpi_failed(MPI_Comm_set_info(mpi_of(self), info), "MPI_Comm_set_info") < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(get_info_doc, "Get_info($self, /)\n--\n\nA copy of the hints in use. "
                           "Not collective.");

PyObject *comm_Get_info(PyObject *self, PyObject *Py_UNUSED(none))
{
    state *st = state_of(self);
    MPI_Info info;

    if (mpi_ready(st) < 0 ||
        mpi_failed(MPI_Comm_get_info(mpi_of(self), &info), "MPI_Comm_get_info") < 0)
        return NULL;
    return handle_own(st->types[TYPE_Info], KIND_info, (any_handle){.info = info});
}

int comm_set_info(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    PyObject *done = value != NULL ? comm_Set_info(self, value) : NULL;

    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, "the hints of a Comm cannot be deleted");
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* clang-format off */
const row_method comm_make_rows[] = {
    {"Create", create_doc, method_one, "group", {.one = comm_Create}, 0, 0},
    {"Set_info", set_info_doc, method_one, "info", {.one = comm_Set_info}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

PyMethodDef comm_make_methods[] = {
    {"Dup", FAST(comm_Dup), FASTCALL, dup_doc},
    {"Clone", comm_Clone, METH_NOARGS, clone_doc},
    {"Dup_with_info", FAST(comm_Dup_with_info), FASTCALL, dup_with_info_doc},
    {"Idup", FAST(comm_Idup), FASTCALL, idup_doc},
    {"Idup_with_info", FAST(comm_Idup_with_info), FASTCALL, idup_with_info_doc},
    {"Split", FAST(comm_Split), FASTCALL, split_doc},
    {"Split_type", FAST(comm_Split_type), FASTCALL, split_type_doc},
    {"Get_info", comm_Get_info, METH_NOARGS, get_info_doc},
    {NULL, NULL, 0, NULL},
};

PyMethodDef intracomm_make_methods[] = {
    {"Create_group", FAST(comm_Create_group), FASTCALL, create_group_doc},
    {NULL, NULL, 0, NULL},
};
