/* MPI.Datatype: how data lie in memory. */
#include "bindings.h"

#include <string.h>

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

    if (mpi_ready(state_of(self)) < 0 || arg_text(arg, &name) < 0 ||
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
    if (self->constant != NULL)
        return PyErr_Format(PyExc_ValueError, "%s is predefined and cannot be freed",
                            self->constant);
    if (mpi_failed(MPI_Type_free(&self->mpi.datatype), "MPI_Type_free") < 0)
        return NULL;
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

/* ----------------------------------------------------------------- simple constructors */

typedef struct new_args {
    int count, blocklength, order;
    Py_ssize_t stride, lb, extent;
    PyObject *sizes, *subsizes, *starts;
} new_args;

PyDoc_STRVAR(contiguous_doc, "Create_contiguous($self, /, count)\n--\n\n`count` elements in a row. "
                             "Not collective.");

static PyObject *datatype_Create_contiguous(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                            PyObject *keywords)
{
    static const param rows[] = {{"count", arg_int, offsetof(new_args, count)}, {NULL, NULL, 0}};
    new_args a;
    MPI_Datatype type;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Create_contiguous", rows, &a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Type_contiguous(a.count, mpi_of(self), &type), "MPI_Type_contiguous") < 0)
        return NULL;
    return wrap((PyObject *)Py_TYPE(self), type);
}

static const param vector_rows[] = {{"count", arg_int, offsetof(new_args, count)},
                                    {"blocklength", arg_int, offsetof(new_args, blocklength)},
                                    {"stride", arg_size, offsetof(new_args, stride)},
                                    {NULL, NULL, 0}};

PyDoc_STRVAR(vector_doc, "Create_vector($self, /, count, blocklength, stride)\n--\n\nBlocks at a "
                         "stride counted in elements. Not collective.");

static PyObject *datatype_Create_vector(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                        PyObject *keywords)
{
    new_args a;
    MPI_Datatype type;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Create_vector", vector_rows, &a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Type_vector(a.count, a.blocklength, (int)a.stride, mpi_of(self), &type),
                   "MPI_Type_vector") < 0)
        return NULL;
    return wrap((PyObject *)Py_TYPE(self), type);
}

PyDoc_STRVAR(hvector_doc, "Create_hvector($self, /, count, blocklength, stride)\n--\n\nBlocks at a "
                          "stride counted in bytes. Not collective.");

static PyObject *datatype_Create_hvector(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                         PyObject *keywords)
{
    new_args a;
    MPI_Datatype type;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Create_hvector", vector_rows, &a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Type_create_hvector(a.count, a.blocklength, a.stride, mpi_of(self), &type),
                   "MPI_Type_create_hvector") < 0)
        return NULL;
    return wrap((PyObject *)Py_TYPE(self), type);
}

PyDoc_STRVAR(resized_doc, "Create_resized($self, /, lb, extent)\n--\n\nThe same data with another "
                          "lower bound and extent. Not collective.");

static PyObject *datatype_Create_resized(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                         PyObject *keywords)
{
    static const param rows[] = {{"lb", arg_size, offsetof(new_args, lb)},
                                 {"extent", arg_size, offsetof(new_args, extent)},
                                 {NULL, NULL, 0}};
    new_args a;
    MPI_Datatype type;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Create_resized", rows, &a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Type_create_resized(mpi_of(self), a.lb, a.extent, &type),
                   "MPI_Type_create_resized") < 0)
        return NULL;
    return wrap((PyObject *)Py_TYPE(self), type);
}

/* Three lists of one length: sizes, subsizes, starts. Their length or -1. */
static int three_lists(const new_args *a, int **sizes, int **subsizes, int **starts)
{
    int n = ints_from(a->sizes, sizes), m, k;

    if (n < 0)
        return -1;
    m = ints_from(a->subsizes, subsizes);
    k = m < 0 ? -1 : ints_from(a->starts, starts);
    if (k < 0)
        return -1;
    if (m == n && k == n)
        return n;
    PyErr_Format(PyExc_ValueError, "%d sizes, %d subsizes and %d starts: expecting as many of each",
                 n, m, k);
    return -1;
}

PyDoc_STRVAR(subarray_doc,
             "Create_subarray($self, /, sizes, subsizes, starts, order=...)\n--\n\nA block of an "
             "N-dimensional array (order C). Not collective.");

static PyObject *datatype_Create_subarray(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                          PyObject *keywords)
{
    static const param rows[] = {{"sizes", arg_object, offsetof(new_args, sizes)},
                                 {"subsizes", arg_object, offsetof(new_args, subsizes)},
                                 {"starts", arg_object, offsetof(new_args, starts)},
                                 {"|order", arg_int, offsetof(new_args, order)},
                                 {NULL, NULL, 0}};
    new_args a = {.order = MPI_ORDER_C};
    int *sizes = NULL, *subsizes = NULL, *starts = NULL, n;
    PyObject *result = NULL;
    MPI_Datatype type;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Create_subarray", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    n = three_lists(&a, &sizes, &subsizes, &starts);
    if (n >= 0 && mpi_failed(MPI_Type_create_subarray(n, sizes, subsizes, starts, a.order,
                                                      mpi_of(self), &type),
                             "MPI_Type_create_subarray") == 0)
        result = wrap((PyObject *)Py_TYPE(self), type);
    PyMem_Free(sizes);
    PyMem_Free(subsizes);
    PyMem_Free(starts);
    return result;
}

/* --------------------------------------------------------------------------- NumPy's */

PyDoc_STRVAR(fromcode_doc, "fromcode($type, /, code)\n--\n\nThe datatype of a format code or NumPy "
                           "type name, such as 'd' or 'f8'. Not collective.");

static PyObject *datatype_fromcode(PyObject *cls, PyObject *arg)
{
    const char *code;
    MPI_Datatype type;

    if (arg_text(arg, &code) < 0)
        return NULL;
    type = array_mpi_type(code);
    if (type == MPI_DATATYPE_NULL)
        return NULL;
    return handle_make((PyTypeObject *)cls, KIND_datatype, (any_handle){.datatype = type});
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

static PyObject *get_is_predefined(PyObject *self, void *Py_UNUSED(none))
{
    int integers, addresses, types, combiner = MPI_COMBINER_NAMED;

    if (mpi_of(self) == MPI_DATATYPE_NULL)
        Py_RETURN_TRUE;
    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Type_get_envelope(mpi_of(self), &integers, &addresses, &types, &combiner),
                   "MPI_Type_get_envelope") < 0)
        return NULL;
    return PyBool_FromLong(combiner == MPI_COMBINER_NAMED);
}

PyDoc_STRVAR(create_dup_doc, "Create_dup($self, /)\n--\n\nAnother name of Dup().");
PyDoc_STRVAR(short_resized_doc, "Resized($self, /, lb, extent)\n--\n\nAnother name of "
                                "Create_resized().");

/* clang-format off */
const row_method datatype_rows[] = {
    {"Set_name", set_name_doc, method_one, "name", {.one = datatype_Set_name}, 0, 0},
    {"fromcode", fromcode_doc, method_one, "code", {.one = datatype_fromcode}, 0, 1},
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
    {"Create_contiguous", FAST(datatype_Create_contiguous), FASTCALL, contiguous_doc},
    {"Create_vector", FAST(datatype_Create_vector), FASTCALL, vector_doc},
    {"Create_hvector", FAST(datatype_Create_hvector), FASTCALL, hvector_doc},
    {"Create_resized", FAST(datatype_Create_resized), FASTCALL, resized_doc},
    {"Resized", FAST(datatype_Create_resized), FASTCALL, short_resized_doc},
    {"Create_subarray", FAST(datatype_Create_subarray), FASTCALL, subarray_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef datatype_getset[] = {
    {"size", ask, NULL, "bytes of data", (void *)datatype_Get_size},
    {"name", ask, NULL, "printable name", (void *)datatype_Get_name},
    {"lb", get_bound, NULL, "lower bound in bytes", (void *)0},
    {"extent", get_bound, NULL, "extent in bytes", (void *)1},
    {"true_lb", get_true_bound, NULL, "lower bound of the data", (void *)0},
    {"true_extent", get_true_bound, NULL, "extent of the data", (void *)1},
    {"is_predefined", get_is_predefined, NULL, "is one of MPI's own", NULL},
    {"is_named", get_is_predefined, NULL, "is one of MPI's own", NULL},
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
