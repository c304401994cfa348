/* MPI.Datatype: how data lie in memory. */
#include "datatype.h"

static MPI_Datatype mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.datatype;
}

static PyObject *wrap(PyObject *cls, MPI_Datatype type)
{
    return handle_own((PyTypeObject *)cls, KIND_datatype, (any_handle){.datatype = type});
}

/* --------------------------------------------------------------------------- questions */

PyDoc_STRVAR(get_size_doc, "Get_size($self, /)\n--\n\nBytes of data in one element. "
                           "Not collective.");

static PyObject *datatype_Get_size(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Count size = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Type_size_x(mpi_of(self), &size), "MPI_Type_size_x") < 0)
        return NULL;
    return PyLong_FromLongLong(size);
}

PyDoc_STRVAR(get_extent_doc, "Get_extent($self, /)\n--\n\n(lower bound, extent) in bytes. "
                             "Not collective.");

static PyObject *datatype_Get_extent(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Aint lb = 0, extent = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Type_get_extent(mpi_of(self), &lb, &extent), "MPI_Type_get_extent") < 0)
        return NULL;
    return Py_BuildValue("(nn)", (Py_ssize_t)lb, (Py_ssize_t)extent);
}

PyDoc_STRVAR(get_true_extent_doc, "Get_true_extent($self, /)\n--\n\n(lower bound, extent) of the "
                                  "data themselves, in bytes. Not collective.");

static PyObject *datatype_Get_true_extent(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Aint lb = 0, extent = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Type_get_true_extent(mpi_of(self), &lb, &extent),
                   "MPI_Type_get_true_extent") < 0)
        return NULL;
    return Py_BuildValue("(nn)", (Py_ssize_t)lb, (Py_ssize_t)extent);
}

PyDoc_STRVAR(get_name_doc, "Get_name($self, /)\n--\n\nThe printable name. Not collective.");

static PyObject *datatype_Get_name(PyObject *self, PyObject *Py_UNUSED(none))
{
    char name[MPI_MAX_OBJECT_NAME + 1] = "";
    int length = 0;

    if (mpi_of(self) == MPI_DATATYPE_NULL) /* MPI before 4.1 refuses to tell */
        return PyUnicode_FromString("MPI_DATATYPE_NULL");
    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Type_get_name(mpi_of(self), name, &length), "MPI_Type_get_name") < 0)
        return NULL;
    return PyUnicode_DecodeLocale(name, "surrogateescape");
}

PyDoc_STRVAR(set_name_doc, "Set_name($self, /, name)\n--\n\nSet the printable name. "
                           "Not collective.");

static PyObject *datatype_Set_name(PyObject *self, PyObject *arg)
{
    const char *name;

    if (mpi_ready(state_of(self)) < 0 || arg_string(arg, &name) < 0 ||
        mpi_failed(MPI_Type_set_name(mpi_of(self), name), "MPI_Type_set_name") < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ------------------------------------------------------------------------ life */

PyDoc_STRVAR(commit_doc, "Commit($self, /)\n--\n\nMake it usable for communication; returns it. "
                         "Not collective.");

static PyObject *datatype_Commit(PyObject *self, PyObject *Py_UNUSED(none))
{
    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Type_commit(&((handle *)self)->mpi.datatype), "MPI_Type_commit") < 0)
        return NULL;
    return Py_NewRef(self);
}

PyDoc_STRVAR(free_doc, "Free($self, /)\n--\n\nFree it. Not collective.");

static PyObject *datatype_Free(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (mpi_ready(state_of(object)) < 0)
        return NULL;
    if (mpi_failed(MPI_Type_free(&self->mpi.datatype), "MPI_Type_free") < 0)
        return NULL;
    handle_freed(self);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(dup_doc, "Dup($self, /)\n--\n\nA copy. Not collective.");

static PyObject *datatype_Dup(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Datatype type;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Type_dup(mpi_of(self), &type), "MPI_Type_dup") < 0)
        return NULL;
    return wrap((PyObject *)Py_TYPE(self), type);
}

/* -------------------------------------------------------------------------- attributes */

/* Element `which` of the pair that a question gives. */
static PyObject *part_of(PyObject *pair, Py_ssize_t which)
{
    PyObject *part;

    if (pair == NULL)
        return NULL;
    part = Py_NewRef(PyTuple_GET_ITEM(pair, which));
    Py_DECREF(pair);
    return part;
}

static PyObject *get_bound(PyObject *self, void *which)
{
    return part_of(datatype_Get_extent(self, NULL), (Py_ssize_t)which);
}

static PyObject *get_true_bound(PyObject *self, void *which)
{
    return part_of(datatype_Get_true_extent(self, NULL), (Py_ssize_t)which);
}

static PyObject *get_upper_bound(PyObject *self, void *question)
{
    PyObject *pair = ask(self, question), *sum;

    if (pair == NULL)
        return NULL;
    sum = PyNumber_Add(PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return sum;
}

static PyObject *get_is_predefined(PyObject *self, void *Py_UNUSED(none))
{
    envelope e;

    if (mpi_of(self) == MPI_DATATYPE_NULL)
        Py_RETURN_TRUE;
    if (mpi_ready(state_of(self)) < 0 || datatype_envelope(mpi_of(self), &e) < 0)
        return NULL;
    return PyBool_FromLong(combiner_is_predefined(e.combiner));
}

static PyObject *get_is_named(PyObject *self, void *Py_UNUSED(none))
{
    envelope e;

    if (mpi_ready(state_of(self)) < 0 || datatype_envelope(mpi_of(self), &e) < 0)
        return NULL;
    return PyBool_FromLong(e.combiner == MPI_COMBINER_NAMED);
}

static int set_name(PyObject *self, PyObject *name, void *Py_UNUSED(none))
{
    PyObject *done =
        name == NULL ? raise_type("name", "str", Py_None) : datatype_Set_name(self, name);

    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

PyDoc_STRVAR(create_dup_doc, "Create_dup($self, /)\n--\n\nAnother name of Dup().");
PyDoc_STRVAR(get_envelope_doc, "Get_envelope($self, /)\n--\n\nHow it was made: numbers of "
                               "integers, addresses, counts and datatypes, and the combiner. "
                               "Not collective.");
PyDoc_STRVAR(get_contents_doc, "Get_contents($self, /)\n--\n\nWhat it was made of: lists of "
                               "integers, addresses, counts and datatypes. Not collective.");

/* clang-format off */
const row_method datatype_rows[] = {
    {"Set_name", set_name_doc, method_one, "name", {.one = datatype_Set_name}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef datatype_methods[] = {
    {"Get_size", datatype_Get_size, METH_NOARGS, get_size_doc},
    {"Get_extent", datatype_Get_extent, METH_NOARGS, get_extent_doc},
    {"Get_true_extent", datatype_Get_true_extent, METH_NOARGS, get_true_extent_doc},
    {"Get_name", datatype_Get_name, METH_NOARGS, get_name_doc},
    {"Commit", datatype_Commit, METH_NOARGS, commit_doc},
    {"Free", datatype_Free, METH_NOARGS, free_doc},
    {"Dup", datatype_Dup, METH_NOARGS, dup_doc},
    {"Create_dup", datatype_Dup, METH_NOARGS, create_dup_doc},
    {"Get_envelope", datatype_Get_envelope, METH_NOARGS, get_envelope_doc},
    {"Get_contents", datatype_Get_contents, METH_NOARGS, get_contents_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef datatype_getset[] = {
    {"size", ask, NULL, "bytes of data", (void *)datatype_Get_size},
    {"name", ask, set_name, "printable name", (void *)datatype_Get_name},
    {"lb", get_bound, NULL, "lower bound in bytes", (void *)0},
    {"extent", get_bound, NULL, "extent in bytes", (void *)1},
    {"true_lb", get_true_bound, NULL, "lower bound of the data", (void *)0},
    {"true_extent", get_true_bound, NULL, "extent of the data", (void *)1},
    {"ub", get_upper_bound, NULL, "upper bound in bytes", (void *)datatype_Get_extent},
    {"true_ub", get_upper_bound, NULL, "upper bound of the data", (void *)datatype_Get_true_extent},
    {"is_predefined", get_is_predefined, NULL, "is one of MPI's own", NULL},
    {"is_named", get_is_named, NULL, "is one of MPI's own that have a name", NULL},
    {"envelope", ask, NULL, "Get_envelope()", (void *)datatype_Get_envelope},
    {"contents", ask, NULL, "Get_contents()", (void *)datatype_Get_contents},
    {"combiner", datatype_get_combiner, NULL, "how it was made: COMBINER_...", NULL},
    {"typestr", typecode_typestr, NULL, "NumPy's type string", NULL},
    {"typechar", typecode_typechar, NULL, "format character, 'V' if there is none", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(datatype_doc, "Datatype(datatype=None)\n--\n\nHow data lie in memory.");

static PyType_Slot datatype_slots[] = {
    {Py_tp_doc, (void *)datatype_doc},
    {Py_tp_methods, datatype_methods},
    {Py_tp_getset, datatype_getset},
    {0, NULL},
};

PyType_Spec Datatype_spec = {
    .name = "collio.MPI.Datatype",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = datatype_slots,
};
