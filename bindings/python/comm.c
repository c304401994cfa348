/* MPI.Comm and Intracomm: what communicators are and how they are made. */
#include "bindings.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

static PyObject *none_or_null(int failed)
{
    return failed ? NULL : Py_NewRef(Py_None);
}

/* ------------------------------------------------------------------------- wrapping */

/* The class for a communicator; -1 if MPI cannot tell. */
static int class_of(MPI_Comm comm)
{
    int inter = 0, topology = MPI_UNDEFINED;

    if (comm == MPI_COMM_NULL)
        return TYPE_Comm;
    if (mpi_failed(MPI_Comm_test_inter(comm, &inter), "MPI_Comm_test_inter") < 0)
        return -1;
    if (inter)
        return TYPE_Intercomm;
    if (mpi_failed(MPI_Topo_test(comm, &topology), "MPI_Topo_test") < 0)
        return -1;
    return topology == MPI_CART         ? TYPE_Cartcomm
           : topology == MPI_GRAPH      ? TYPE_Graphcomm
           : topology == MPI_DIST_GRAPH ? TYPE_Distgraphcomm
                                        : TYPE_Intracomm;
}

PyObject *comm_object(state *st, MPI_Comm comm)
{
    int class = class_of(comm);

    return class < 0 ? NULL : handle_make(st->types[class], KIND_comm, (any_handle){.comm = comm});
}

PyObject *comm_wrap(state *st, MPI_Comm comm)
{
    errors_install(st, KIND_comm, (any_handle){.comm = comm});
    return comm_object(st, comm);
}

PyObject *comm_wrap_as(state *st, enum type_slot slot, MPI_Comm comm)
{
    if (comm != MPI_COMM_NULL)
        return leaks_note(comm_wrap(st, comm));
    return handle_make(st->types[slot], KIND_comm, handle_null(KIND_comm));
}

/* X(class, what its constructor expects) */
#define CLASSES                                                                                    \
    X(Intercomm, "an intercommunicator")                                                           \
    X(Intracomm, "an intracommunicator")                                                           \
    X(Topocomm, "a topology communicator")                                                         \
    X(Cartcomm, "a Cartesian communicator")                                                        \
    X(Graphcomm, "a general graph communicator")                                                   \
    X(Distgraphcomm, "a distributed graph communicator")

/* Classes by number; a class may be asked for objects of those derived from it. */
int comm_class_refuse(state *st, PyTypeObject *wanted, MPI_Comm comm)
{
    static const struct {
        enum type_slot slot;
        const char *expected;
    } classes[] = {
#define X(class, expected) {TYPE_##class, expected},
        CLASSES
#undef X
    };
    int class = class_of(comm);

    if (class < 0)
        return -1;
    for (size_t i = 0; comm != MPI_COMM_NULL && i < sizeof classes / sizeof *classes; i++) {
        PyTypeObject *type = st->types[classes[i].slot];
        if (PyType_IsSubtype(wanted, type) && !PyType_IsSubtype(st->types[class], type)) {
            PyErr_Format(PyExc_TypeError, "expecting %s", classes[i].expected);
            return -1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------------- questions */

PyDoc_STRVAR(get_rank_doc, "Get_rank($self, /)\n--\n\nRank of this process. Not collective.");

static PyObject *comm_Get_rank(PyObject *self, PyObject *Py_UNUSED(none))
{
    int rank = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_rank(mpi_of(self), &rank), "MPI_Comm_rank") < 0)
        return NULL;
    return PyLong_FromLong(rank);
}

PyDoc_STRVAR(get_size_doc, "Get_size($self, /)\n--\n\nNumber of processes. Not collective.");

static PyObject *comm_Get_size(PyObject *self, PyObject *Py_UNUSED(none))
{
    int size = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_size(mpi_of(self), &size), "MPI_Comm_size") < 0)
        return NULL;
    return PyLong_FromLong(size);
}

PyDoc_STRVAR(get_name_doc, "Get_name($self, /)\n--\n\nThe printable name. Not collective.");

static PyObject *comm_Get_name(PyObject *self, PyObject *Py_UNUSED(none))
{
    char name[MPI_MAX_OBJECT_NAME + 1] = "";
    int length = 0;

    if (mpi_of(self) == MPI_COMM_NULL) /* MPI before 4.1 refuses to tell */
        return PyUnicode_FromString("MPI_COMM_NULL");
    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_get_name(mpi_of(self), name, &length), "MPI_Comm_get_name") < 0)
        return NULL;
    return PyUnicode_DecodeLocale(name, "surrogateescape");
}

PyDoc_STRVAR(set_name_doc, "Set_name($self, /, name)\n--\n\nSet the printable name. "
                           "Not collective.");

static PyObject *comm_Set_name(PyObject *self, PyObject *arg)
{
    const char *name;

    if (mpi_ready(state_of(self)) < 0 || arg_string(arg, &name) < 0)
        return NULL;
    return none_or_null(mpi_failed(MPI_Comm_set_name(mpi_of(self), name), "MPI_Comm_set_name"));
}

PyDoc_STRVAR(is_inter_doc, "Is_inter($self, /)\n--\n\nWhether this is an intercommunicator. "
                           "Not collective.");

static PyObject *comm_Is_inter(PyObject *self, PyObject *Py_UNUSED(none))
{
    int flag = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_test_inter(mpi_of(self), &flag), "MPI_Comm_test_inter") < 0)
        return NULL;
    return PyBool_FromLong(flag);
}

PyDoc_STRVAR(is_intra_doc, "Is_intra($self, /)\n--\n\nWhether this is an intracommunicator. "
                           "Not collective.");

static PyObject *comm_Is_intra(PyObject *self, PyObject *Py_UNUSED(none))
{
    int flag = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Comm_test_inter(mpi_of(self), &flag), "MPI_Comm_test_inter") < 0)
        return NULL;
    return PyBool_FromLong(!flag);
}

PyDoc_STRVAR(get_topology_doc, "Get_topology($self, /)\n--\n\nCART, GRAPH, DIST_GRAPH or "
                               "UNDEFINED. Not collective.");

static PyObject *comm_Get_topology(PyObject *self, PyObject *Py_UNUSED(none))
{
    int topology = MPI_UNDEFINED;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Topo_test(mpi_of(self), &topology), "MPI_Topo_test") < 0)
        return NULL;
    return PyLong_FromLong(topology);
}

PyDoc_STRVAR(get_group_doc, "Get_group($self, /)\n--\n\nThe group of its processes. "
                            "Not collective.");

static PyObject *comm_Get_group(PyObject *self, PyObject *Py_UNUSED(none))
{
    state *st = state_of(self);
    MPI_Group group;

    if (mpi_ready(st) < 0 || mpi_failed(MPI_Comm_group(mpi_of(self), &group), "MPI_Comm_group") < 0)
        return NULL;
    return handle_own(st->types[TYPE_Group], KIND_group, (any_handle){.group = group});
}

PyDoc_STRVAR(compare_doc, "Compare($self, /, comm)\n--\n\nIDENT, CONGRUENT, SIMILAR or UNEQUAL. "
                          "Not collective.");

static PyObject *comm_Compare(PyObject *self, PyObject *other)
{
    state *st = state_of(self);
    MPI_Comm comm;
    int result = MPI_UNEQUAL;

    if (mpi_ready(st) < 0 || comm_arg(st, other, &comm) < 0 ||
        mpi_failed(MPI_Comm_compare(mpi_of(self), comm, &result), "MPI_Comm_compare") < 0)
        return NULL;
    return PyLong_FromLong(result);
}

/* -------------------------------------------------------------------------- freeing */

typedef int free_function(MPI_Comm *);

/* The object is set to the null handle first, so nothing is freed twice. */
static PyObject *release(PyObject *self, free_function *function, const char *name)
{
    MPI_Comm comm = mpi_of(self);
    PyThreadState *saved;
    int code;

    if (mpi_ready(state_of(self)) < 0)
        return NULL;
    leaks_forget(KIND_comm, ((handle *)self)->mpi);
    if (((handle *)self)->constant == NULL)
        ((handle *)self)->mpi = handle_null(KIND_comm);
    saved = gil_release();
    code = function(&comm);
    gil_acquire(saved);
    return none_or_null(mpi_failed(code, name));
}

PyDoc_STRVAR(free_doc, "Free($self, /)\n--\n\nFree the communicator. Collective.");

static PyObject *comm_Free(PyObject *self, PyObject *Py_UNUSED(none))
{
    return release(self, MPI_Comm_free, "MPI_Comm_free");
}

PyDoc_STRVAR(disconnect_doc, "Disconnect($self, /)\n--\n\nWait for pending communication and free. "
                             "Collective.");

static PyObject *comm_Disconnect(PyObject *self, PyObject *Py_UNUSED(none))
{
    return release(self, MPI_Comm_disconnect, "MPI_Comm_disconnect");
}

PyDoc_STRVAR(enter_doc, "__enter__($self, /)\n--\n\nThe communicator itself.");

static PyObject *comm_enter(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_NewRef(self);
}

PyDoc_STRVAR(exit_doc, "__exit__($self, /, *exc)\n--\n\nFree the communicator. Collective: not "
                       "done if an exception passes, which the others need not have.");

static PyObject *comm_exit(PyObject *self, PyObject *args)
{
    if (PyTuple_GET_SIZE(args) > 0 && PyTuple_GET_ITEM(args, 0) != Py_None)
        Py_RETURN_NONE;
    return mpi_of(self) == MPI_COMM_NULL ? Py_NewRef(Py_None) : comm_Free(self, NULL);
}

PyDoc_STRVAR(abort_doc, "Abort($self, /, errorcode=0)\n--\n\nEnd all processes at once. "
                        "Not collective.");

static PyObject *comm_Abort(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"|errorcode", arg_int, 0}, {NULL, NULL, 0}};
    int code = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Abort", rows, &code, args, nargs, keywords) < 0)
        return NULL;
    return none_or_null(mpi_failed(MPI_Abort(mpi_of(self), code), "MPI_Abort"));
}

PyDoc_STRVAR(barrier_doc, "Barrier($self, /)\n--\n\nWait for all. Collective.");

static PyObject *comm_Barrier(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyThreadState *saved;
    int code;

    if (mpi_ready(state_of(self)) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Barrier(mpi_of(self));
    gil_acquire(saved);
    return none_or_null(mpi_failed(code, "MPI_Barrier"));
}

/* --------------------------------------------------------------------------- tables */

PyDoc_STRVAR(lower_barrier_doc, "barrier($self, /)\n--\n\nWait for all. Collective.");

/* clang-format off */
const row_method comm_rows[] = {
    {"Set_name", set_name_doc, method_one, "name", {.one = comm_Set_name}, 0, 0},
    {"Compare", compare_doc, method_one, "comm", {.one = comm_Compare}, 0, 0},
    {"Get_rank", get_rank_doc, method_none, NULL, {.none = comm_Get_rank}, 0, 0},
    {"Get_size", get_size_doc, method_none, NULL, {.none = comm_Get_size}, 0, 0},
    {"Barrier", barrier_doc, method_none, NULL, {.none = comm_Barrier}, 0, 0},
    {"barrier", lower_barrier_doc, method_none, NULL, {.none = comm_Barrier}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

PyMethodDef comm_methods[] = {
    {"Get_name", comm_Get_name, METH_NOARGS, get_name_doc},
    {"Is_inter", comm_Is_inter, METH_NOARGS, is_inter_doc},
    {"Is_intra", comm_Is_intra, METH_NOARGS, is_intra_doc},
    {"Get_topology", comm_Get_topology, METH_NOARGS, get_topology_doc},
    {"Get_group", comm_Get_group, METH_NOARGS, get_group_doc},
    {"Free", comm_Free, METH_NOARGS, free_doc},
    {"Disconnect", comm_Disconnect, METH_NOARGS, disconnect_doc},
    {"Abort", FAST(comm_Abort), FASTCALL, abort_doc},
    {"__enter__", comm_enter, METH_NOARGS, enter_doc},
    {"__exit__", comm_exit, METH_VARARGS, exit_doc},
    {NULL, NULL, 0, NULL},
};

static int set_name(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    PyObject *done = value != NULL ? comm_Set_name(self, value) : NULL;

    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, "the name of a Comm cannot be deleted");
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static PyObject *get_is_topo(PyObject *self, void *Py_UNUSED(none))
{
    int topology = MPI_UNDEFINED;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Topo_test(mpi_of(self), &topology), "MPI_Topo_test") < 0)
        return NULL;
    return PyBool_FromLong(topology != MPI_UNDEFINED);
}

static PyGetSetDef comm_getset[] = {
    {"rank", ask, NULL, "rank of this process", (void *)comm_Get_rank},
    {"size", ask, NULL, "number of processes", (void *)comm_Get_size},
    {"name", ask, set_name, "printable name", (void *)comm_Get_name},
    {"group", ask, NULL, "group of its processes", (void *)comm_Get_group},
    {"info", ask, comm_set_info, "hints", (void *)comm_Get_info},
    {"is_inter", ask, NULL, "is an intercommunicator", (void *)comm_Is_inter},
    {"is_intra", ask, NULL, "is an intracommunicator", (void *)comm_Is_intra},
    {"topology", ask, NULL, "kind of topology", (void *)comm_Get_topology},
    {"is_topo", get_is_topo, NULL, "has a topology", NULL},
    {"serializer", serializer_get, serializer_set,
     "how objects become bytes in its lower-case calls: a Pickle, or anything with dumps and "
     "loads; "
     "None gives it up for MPI.pickle; a duplicate has the same",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(comm_doc, "Comm(comm=None)\n--\n\nA communicator.");
PyDoc_STRVAR(intracomm_doc, "Intracomm(comm=None)\n--\n\nA communicator within one group.");

static PyType_Slot comm_slots[] = {
    {Py_tp_doc, (void *)comm_doc},
    {Py_tp_getset, comm_getset},
    {0, NULL},
};

static PyType_Slot intracomm_slots[] = {
    {Py_tp_doc, (void *)intracomm_doc},
    {0, NULL},
};

PyType_Spec Comm_spec = {
    .name = "collio.MPI.Comm",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = comm_slots,
};

PyType_Spec Intracomm_spec = {
    .name = "collio.MPI.Intracomm",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = intracomm_slots,
};
