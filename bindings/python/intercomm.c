/* MPI.Intercomm: a communicator between two groups; and communicators of groups alone. */
#include "bindings.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* -------------------------------------------------------------------------- the other group */

PyDoc_STRVAR(remote_size_doc, "Get_remote_size($self, /)\n--\n\nNumber of processes of the other "
                              "group. Not collective.");

static PyObject *inter_Get_remote_size(PyObject *self, PyObject *Py_UNUSED(none))
{
    int size = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_remote_size(mpi_of(self), &size), "MPI_Comm_remote_size") < 0)
        return NULL;
    return PyLong_FromLong(size);
}

PyDoc_STRVAR(remote_group_doc, "Get_remote_group($self, /)\n--\n\nThe other group. "
                               "Not collective.");

static PyObject *inter_Get_remote_group(PyObject *self, PyObject *Py_UNUSED(none))
{
    state *st = state_of(self);
    MPI_Group group;

    if (mpi_ready(st) < 0 ||
        mpi_failed(MPI_Comm_remote_group(mpi_of(self), &group), "MPI_Comm_remote_group") < 0)
        return NULL;
    return handle_own(st->types[TYPE_Group], KIND_group, (any_handle){.group = group});
}

/* ------------------------------------------------------------------------ made and merged */

typedef struct inter_args {
    int local_leader, remote_leader, tag, high;
    PyObject *peer, *local_group, *remote_group, *info, *errhandler;
    const char *stringtag;
} inter_args;

PyDoc_STRVAR(merge_doc, "Merge($self, /, high=False)\n--\n\nAn Intracomm of both groups, the one "
                        "that says `high` last. Collective.");

static PyObject *inter_Merge(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    static const param rows[] = {{"|high", arg_bool, 0}, {NULL, NULL, 0}};
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    int high = 0, code;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Merge", rows, &high, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Intercomm_merge(mpi_of(self), high, &comm);
    gil_acquire(saved);
    if (mpi_failed(code, "MPI_Intercomm_merge") < 0)
        return NULL;
    return comm_wrap_as(state_of(self), TYPE_Intracomm, comm);
}

PyDoc_STRVAR(create_doc,
             "Create_intercomm($self, /, local_leader, peer_comm, remote_leader, tag=0)\n--\n\nAn "
             "Intercomm of this group and another; peer_comm, which only the leaders use, has both "
             "leaders in it, and remote_leader is a rank of it. Collective over both groups.");

static PyObject *comm_Create_intercomm(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                       PyObject *keywords)
{
    static const param rows[] = {{"local_leader", arg_int, offsetof(inter_args, local_leader)},
                                 {"peer_comm", arg_object, offsetof(inter_args, peer)},
                                 {"remote_leader", arg_int, offsetof(inter_args, remote_leader)},
                                 {"|tag", arg_int, offsetof(inter_args, tag)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    inter_args a = {.tag = 0};
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL, peer;
    int code;

    if (mpi_ready(st) < 0 || args_parse("Create_intercomm", rows, &a, args, nargs, keywords) < 0 ||
        comm_arg(st, a.peer, &peer) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Intercomm_create(mpi_of(self), a.local_leader, peer, a.remote_leader, a.tag, &comm);
    gil_acquire(saved);
    if (mpi_failed(code, "MPI_Intercomm_create") < 0)
        return NULL;
    return comm_wrap_as(st, TYPE_Intercomm, comm);
}

/* ------------------------------------------------------------------------- of groups alone */

/* None: errors come back as exceptions, as of all other communicators. */
static int take_errhandler(state *st, PyObject *object, MPI_Errhandler *out)
{
    *out = MPI_ERRORS_RETURN;
    return object == NULL || object == Py_None ? 0 : errhandler_arg(st, object, out);
}

#ifdef HAVE_MPI_SESSION_INIT
static int from_group(MPI_Group group, const inter_args *a, MPI_Info info, MPI_Errhandler handler,
                      MPI_Comm *comm)
{
    PyThreadState *saved = gil_release();
    int code = MPI_Comm_create_from_group(group, a->stringtag, info, handler, comm);

    gil_acquire(saved);
    return mpi_failed(code, "MPI_Comm_create_from_group");
}

static int from_groups(MPI_Group local, MPI_Group remote, const inter_args *a, MPI_Info info,
                       MPI_Errhandler handler, MPI_Comm *comm)
{
    PyThreadState *saved = gil_release();
    int code = MPI_Intercomm_create_from_groups(local, a->local_leader, remote, a->remote_leader,
                                                a->stringtag, info, handler, comm);

    gil_acquire(saved);
    return mpi_failed(code, "MPI_Intercomm_create_from_groups");
}
#else
static int from_group(MPI_Group Py_UNUSED(group), const inter_args *Py_UNUSED(a),
                      MPI_Info Py_UNUSED(info), MPI_Errhandler Py_UNUSED(handler),
                      MPI_Comm *Py_UNUSED(comm))
{
    raise_unavailable("MPI_Comm_create_from_group");
    return -1;
}

static int from_groups(MPI_Group Py_UNUSED(local), MPI_Group Py_UNUSED(remote),
                       const inter_args *Py_UNUSED(a), MPI_Info Py_UNUSED(info),
                       MPI_Errhandler Py_UNUSED(handler), MPI_Comm *Py_UNUSED(comm))
{
    raise_unavailable("MPI_Intercomm_create_from_groups");
    return -1;
}
#endif

/* The tag need only be the same on both sides; this is the ecosystem's. */
#define STRINGTAG "org.mpi4py"

PyDoc_STRVAR(from_group_doc,
             "Create_from_group($type, /, group, stringtag='" STRINGTAG "', info=..., "
             "errhandler=None)\n--\n\nA communicator for a group, without a parent. MPI 4. "
             "Collective over the group.");

static PyObject *intra_Create_from_group(PyObject *cls, PyObject *const *args, Py_ssize_t nargs,
                                         PyObject *keywords)
{
    static const param rows[] = {{"group", arg_object, offsetof(inter_args, local_group)},
                                 {"|stringtag", arg_string, offsetof(inter_args, stringtag)},
                                 {"|info", arg_object, offsetof(inter_args, info)},
                                 {"|errhandler", arg_object, offsetof(inter_args, errhandler)},
                                 {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    inter_args a = {.stringtag = STRINGTAG};
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Group group;
    MPI_Info info;
    MPI_Errhandler handler;

    if (mpi_ready(st) < 0 || args_parse("Create_from_group", rows, &a, args, nargs, keywords) < 0 ||
        group_arg(st, a.local_group, &group) < 0 || info_arg(st, a.info, &info) < 0 ||
        take_errhandler(st, a.errhandler, &handler) < 0 ||
        from_group(group, &a, info, handler, &comm) < 0)
        return NULL;
    return leaks_note(handle_make((PyTypeObject *)cls, KIND_comm, (any_handle){.comm = comm}));
}

PyDoc_STRVAR(from_groups_doc,
             "Create_from_groups($type, /, local_group, local_leader, remote_group, remote_leader, "
             "stringtag='" STRINGTAG "', info=..., errhandler=None)\n--\n\nAn Intercomm of two "
             "groups, without a parent. MPI 4. Collective over both groups.");

static PyObject *inter_Create_from_groups(PyObject *cls, PyObject *const *args, Py_ssize_t nargs,
                                          PyObject *keywords)
{
    static const param rows[] = {{"local_group", arg_object, offsetof(inter_args, local_group)},
                                 {"local_leader", arg_int, offsetof(inter_args, local_leader)},
                                 {"remote_group", arg_object, offsetof(inter_args, remote_group)},
                                 {"remote_leader", arg_int, offsetof(inter_args, remote_leader)},
                                 {"|stringtag", arg_string, offsetof(inter_args, stringtag)},
                                 {"|info", arg_object, offsetof(inter_args, info)},
                                 {"|errhandler", arg_object, offsetof(inter_args, errhandler)},
                                 {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    inter_args a = {.stringtag = STRINGTAG};
    MPI_Comm comm = MPI_COMM_NULL;
    MPI_Group local, remote;
    MPI_Info info;
    MPI_Errhandler handler;

    if (mpi_ready(st) < 0 ||
        args_parse("Create_from_groups", rows, &a, args, nargs, keywords) < 0 ||
        group_arg(st, a.local_group, &local) < 0 || group_arg(st, a.remote_group, &remote) < 0 ||
        info_arg(st, a.info, &info) < 0 || take_errhandler(st, a.errhandler, &handler) < 0 ||
        from_groups(local, remote, &a, info, handler, &comm) < 0)
        return NULL;
    return leaks_note(handle_make((PyTypeObject *)cls, KIND_comm, (any_handle){.comm = comm}));
}

PyMethodDef intracomm_inter_methods[] = {
    {"Create_intercomm", FAST(comm_Create_intercomm), FASTCALL, create_doc},
    {"Create_from_group", FAST(intra_Create_from_group), FASTCALL | METH_CLASS, from_group_doc},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef inter_methods[] = {
    {"Get_remote_size", inter_Get_remote_size, METH_NOARGS, remote_size_doc},
    {"Get_remote_group", inter_Get_remote_group, METH_NOARGS, remote_group_doc},
    {"Merge", FAST(inter_Merge), FASTCALL, merge_doc},
    {"Create_from_groups", FAST(inter_Create_from_groups), FASTCALL | METH_CLASS, from_groups_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef inter_getset[] = {
    {"remote_size", ask, NULL, "number of processes of the other group",
     (void *)inter_Get_remote_size},
    {"remote_group", ask, NULL, "the other group", (void *)inter_Get_remote_group},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(inter_doc, "Intercomm(comm=None)\n--\n\nA communicator between two groups: messages "
                        "go to the ranks of the other one.");

static PyType_Slot inter_slots[] = {
    {Py_tp_doc, (void *)inter_doc},
    {Py_tp_methods, inter_methods},
    {Py_tp_getset, inter_getset},
    {0, NULL},
};

PyType_Spec Intercomm_spec = {
    .name = "collio.MPI.Intercomm",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = inter_slots,
};
