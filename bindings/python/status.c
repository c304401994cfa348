/* MPI.Status: what is known of a message received or found. */
#include "bindings.h"
#include "absent.h"

#include <string.h>

static MPI_Status *status_mpi(PyObject *self)
{
    return &((status_object *)self)->mpi;
}

static void set_empty(MPI_Status *status)
{
    status->MPI_SOURCE = MPI_ANY_SOURCE;
    status->MPI_TAG = MPI_ANY_TAG;
    status->MPI_ERROR = MPI_SUCCESS;
    if (life_usable()) {
        MPI_Status_set_elements(status, MPI_BYTE, 0);
        MPI_Status_set_cancelled(status, 0);
    }
}

int status_given(state *st, PyObject *object, MPI_Status **out)
{
    *out = MPI_STATUS_IGNORE;
    if (object == NULL || object == Py_None)
        return 0;
    if (!is_a(st, object, TYPE_Status)) {
        raise_type("status", "MPI.Status", object);
        return -1;
    }
    *out = status_mpi(object);
    return 0;
}

static PyObject *status_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"|status", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *other = Py_None, *self;
    MPI_Status *from;

    if (args_parse_tuple("Status", rows, &other, args, keywords) < 0)
        return NULL;
    if (status_arg(state_of_class((PyObject *)type), other, &from) < 0)
        return NULL;
    self = type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    if (from == MPI_STATUS_IGNORE)
        set_empty(status_mpi(self));
    else
        *status_mpi(self) = *from;
    return self;
}

static void status_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    if (((status_object *)self)->weakrefs != NULL)
        PyObject_ClearWeakRefs(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *status_compare(PyObject *self, PyObject *other, int how)
{
    MPI_Status *a = status_mpi(self), *b;
    int same;

    if ((how != Py_EQ && how != Py_NE) || !is_a(state_of(self), other, TYPE_Status))
        Py_RETURN_NOTIMPLEMENTED;
    b = status_mpi(other);
    same = memcmp(a, b, sizeof *a) == 0;
    return PyBool_FromLong(same == (how == Py_EQ));
}

/* ---------------------------------------------------------------- what was received */

PyDoc_STRVAR(get_source_doc, "Get_source($self, /)\n--\n\nRank of the sender.");
PyDoc_STRVAR(set_source_doc, "Set_source($self, /, source)\n--\n\nSet the rank of the sender.");
PyDoc_STRVAR(get_tag_doc, "Get_tag($self, /)\n--\n\nTag of the message.");
PyDoc_STRVAR(set_tag_doc, "Set_tag($self, /, tag)\n--\n\nSet the tag of the message.");
PyDoc_STRVAR(get_error_doc, "Get_error($self, /)\n--\n\nError code of the operation.");
PyDoc_STRVAR(set_error_doc, "Set_error($self, /, error)\n--\n\nSet the error code.");

static PyObject *none_or_null(int failed)
{
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *status_get_source(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(status_mpi(self)->MPI_SOURCE);
}

static PyObject *status_set_source(PyObject *self, PyObject *value)
{
    return none_or_null(arg_int(value, &status_mpi(self)->MPI_SOURCE));
}

static PyObject *status_get_tag(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(status_mpi(self)->MPI_TAG);
}

static PyObject *status_set_tag(PyObject *self, PyObject *value)
{
    return none_or_null(arg_int(value, &status_mpi(self)->MPI_TAG));
}

static PyObject *status_get_error(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(status_mpi(self)->MPI_ERROR);
}

static PyObject *status_set_error(PyObject *self, PyObject *value)
{
    return none_or_null(arg_int(value, &status_mpi(self)->MPI_ERROR));
}

/* -------------------------------------------------------------------------- counts */

typedef int count_function(const MPI_Status *, MPI_Datatype, MPI_Count *);

/* MPI_Get_count has an int only; elements of basic types divide into whole ones. */
static int whole_count(const MPI_Status *status, MPI_Datatype type, MPI_Count *count)
{
    int small = 0, result = MPI_Get_count(status, type, &small);

    *count = small;
    if (result == MPI_SUCCESS && small == MPI_UNDEFINED && type == MPI_BYTE)
        result = MPI_Get_elements_x(status, type, count);
    return result;
}

static PyObject *count_of(PyObject *self, PyObject *type, count_function *function,
                          const char *name)
{
    state *st = state_of(self);
    MPI_Datatype datatype = MPI_BYTE;
    MPI_Count count = 0;

    if (mpi_ready(st) < 0 || (type != NULL && type_arg(st, type, &datatype) < 0))
        return NULL;
    if (mpi_failed(function(status_mpi(self), datatype, &count), name) < 0)
        return NULL;
    return PyLong_FromLongLong(count);
}

PyDoc_STRVAR(get_count_doc, "Get_count($self, /, datatype=...)\n--\n\nNumber of entries received, "
                            "of `datatype` (BYTE); UNDEFINED if not a whole number.");

static PyObject *status_get_count(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *keywords)
{
    static const param rows[] = {{"|datatype", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *type = NULL;

    if (args_parse("Get_count", rows, &type, args, nargs, keywords) < 0)
        return NULL;
    return count_of(self, type, whole_count, "MPI_Get_count");
}

PyDoc_STRVAR(get_elements_doc, "Get_elements($self, /, datatype)\n--\n\nNumber of basic elements "
                               "received.");

static PyObject *status_get_elements(PyObject *self, PyObject *type)
{
    return count_of(self, type, MPI_Get_elements_x, "MPI_Get_elements_x");
}

PyDoc_STRVAR(set_elements_doc, "Set_elements($self, datatype, count)\n--\n\nSet the number of "
                               "elements.");

typedef struct elements_args {
    PyObject *type;
    int64_t count;
} elements_args;

static PyObject *status_set_elements(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *keywords)
{
    static const param rows[] = {{"datatype", arg_object, offsetof(elements_args, type)},
                                 {"count", arg_int64, offsetof(elements_args, count)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    elements_args a;
    MPI_Datatype type;

    if (mpi_ready(st) < 0 || args_parse("Set_elements", rows, &a, args, nargs, keywords) < 0 ||
        type_arg(st, a.type, &type) < 0)
        return NULL;
    return none_or_null(mpi_failed(MPI_Status_set_elements_x(status_mpi(self), type, a.count),
                                   "MPI_Status_set_elements_x"));
}

PyDoc_STRVAR(is_cancelled_doc, "Is_cancelled($self, /)\n--\n\nWhether the operation was "
                               "cancelled.");

static PyObject *status_is_cancelled(PyObject *self, PyObject *Py_UNUSED(none))
{
    int flag = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Test_cancelled(status_mpi(self), &flag), "MPI_Test_cancelled") < 0)
        return NULL;
    return PyBool_FromLong(flag);
}

PyDoc_STRVAR(set_cancelled_doc, "Set_cancelled($self, /, flag)\n--\n\nMark as cancelled or not.");

static PyObject *status_set_cancelled(PyObject *self, PyObject *value)
{
    int flag;

    if (mpi_ready(state_of(self)) < 0 || arg_bool(value, &flag) < 0)
        return NULL;
    return none_or_null(
        mpi_failed(MPI_Status_set_cancelled(status_mpi(self), flag), "MPI_Status_set_cancelled"));
}

/* ------------------------------------------------------------------ as integers, pickled */

PyDoc_STRVAR(tomemory_doc, "tomemory($self, /)\n--\n\nThe status as it lies in memory, a "
                           "memoryview of integers.");

static PyObject *status_tomemory(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyObject *bytes =
        (PyObject *)buffer_at(state_of(self), status_mpi(self), sizeof(MPI_Status), 0, self);
    PyObject *view = bytes == NULL ? NULL : PyObject_CallMethod(bytes, "cast", "s", "i");

    Py_XDECREF(bytes);
    return view;
}

PyDoc_STRVAR(py2f_doc, "py2f($self, /)\n--\n\nThe status of Fortran, a list of integers.");

static PyObject *status_py2f(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Fint fortran[MPI_F_STATUS_SIZE];

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Status_c2f(status_mpi(self), fortran), "MPI_Status_c2f") < 0)
        return NULL;
    return ints_to_list(fortran, MPI_F_STATUS_SIZE);
}

PyDoc_STRVAR(f2py_doc, "f2py($type, /, arg)\n--\n\nThe object for a status of Fortran.");

static PyObject *status_f2py(PyObject *cls, PyObject *arg)
{
    int *fortran = NULL, n;
    PyObject *self = NULL;

    if (mpi_ready(state_of_class(cls)) < 0)
        return NULL;
    n = ints_from(arg, &fortran);
    if (n >= 0 && n < MPI_F_STATUS_SIZE)
        PyErr_Format(PyExc_IndexError, "a status of Fortran has %d integers, not %d",
                     MPI_F_STATUS_SIZE, n);
    else if (n >= 0)
        self = PyObject_CallNoArgs(cls);
    if (self != NULL && mpi_failed(MPI_Status_f2c(fortran, status_mpi(self)), "MPI_Status_f2c") < 0)
        Py_CLEAR(self);
    PyMem_Free(fortran);
    return self;
}

PyDoc_STRVAR(getstate_doc, "__getstate__($self, /)\n--\n\nWhat is pickled: a dictionary.");

static PyObject *status_getstate(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Status *s = status_mpi(self);
    MPI_Count count = 0;
    int cancelled = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Get_elements_x(s, MPI_BYTE, &count), "MPI_Get_elements_x") < 0 ||
        mpi_failed(MPI_Test_cancelled(s, &cancelled), "MPI_Test_cancelled") < 0)
        return NULL;
    return Py_BuildValue("{sisisisLsO}", "source", s->MPI_SOURCE, "tag", s->MPI_TAG, "error",
                         s->MPI_ERROR, "count", (long long)count, "cancelled",
                         cancelled ? Py_True : Py_False);
}

PyDoc_STRVAR(setstate_doc, "__setstate__($self, contents, /)\n--\n\nSet what __getstate__() gave.");

static PyObject *status_setstate(PyObject *self, PyObject *contents)
{
    const char *const names[] = {"source", "tag", "error", "count", "cancelled"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        PyObject *value = PyMapping_GetItemString(contents, names[i]);
        int failed = value == NULL || PyObject_SetAttrString(self, names[i], value) < 0;
        Py_XDECREF(value);
        if (failed)
            return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reduce_doc, "__reduce__($self, /)\n--\n\nPickle the contents.");

static PyObject *status_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyObject *copyreg = PyImport_ImportModule("copyreg"), *function = NULL, *contents,
             *result = NULL;

    if (copyreg != NULL)
        function = PyObject_GetAttrString(copyreg, "__newobj__");
    contents = function == NULL ? NULL : status_getstate(self, NULL);
    if (contents != NULL)
        result = Py_BuildValue("(O(O)O)", function, Py_TYPE(self), contents);
    Py_XDECREF(copyreg);
    Py_XDECREF(function);
    Py_XDECREF(contents);
    return result;
}

/* ------------------------------------------------------------------------ attributes */

static int refuse_deletion(PyObject *value)
{
    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, "attributes of a Status cannot be deleted");
    return value == NULL ? -1 : 0;
}

static PyObject *get_int(PyObject *self, void *offset)
{
    return PyLong_FromLong(*(int *)((char *)status_mpi(self) + (size_t)offset));
}

static int set_int(PyObject *self, PyObject *value, void *offset)
{
    return refuse_deletion(value) < 0 ? -1
                                      : arg_int(value, (char *)status_mpi(self) + (size_t)offset);
}

static PyObject *get_count(PyObject *self, void *Py_UNUSED(none))
{
    return count_of(self, NULL, whole_count, "MPI_Get_count");
}

/* So many bytes. */
static int set_count(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    int64_t count;

    if (refuse_deletion(value) < 0 || mpi_ready(state_of(self)) < 0 || arg_int64(value, &count) < 0)
        return -1;
    return mpi_failed(MPI_Status_set_elements_x(status_mpi(self), MPI_BYTE, count),
                      "MPI_Status_set_elements_x");
}

static int set_cancelled(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    PyObject *done = refuse_deletion(value) < 0 ? NULL : status_set_cancelled(self, value);

    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* clang-format off */
const row_method status_rows[] = {
    {"f2py", f2py_doc, method_one, "arg", {.one = status_f2py}, 0, 1},
    {"Set_source", set_source_doc, method_one, "source", {.one = status_set_source}, 0, 0},
    {"Set_tag", set_tag_doc, method_one, "tag", {.one = status_set_tag}, 0, 0},
    {"Set_error", set_error_doc, method_one, "error", {.one = status_set_error}, 0, 0},
    {"Get_elements", get_elements_doc, method_one, "datatype", {.one = status_get_elements}, 0, 0},
    {"Set_cancelled", set_cancelled_doc, method_one, "flag", {.one = status_set_cancelled}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef status_methods[] = {
    {"Get_source", status_get_source, METH_NOARGS, get_source_doc},
    {"Get_tag", status_get_tag, METH_NOARGS, get_tag_doc},
    {"Get_error", status_get_error, METH_NOARGS, get_error_doc},
    {"Get_count", FAST(status_get_count), FASTCALL, get_count_doc},
    {"Set_elements", FAST(status_set_elements), FASTCALL, set_elements_doc},
    {"tomemory", status_tomemory, METH_NOARGS, tomemory_doc},
    {"py2f", status_py2f, METH_NOARGS, py2f_doc},
    {"__reduce__", status_reduce, METH_NOARGS, reduce_doc},
    {"__getstate__", status_getstate, METH_NOARGS, getstate_doc},
    {"__setstate__", status_setstate, METH_O, setstate_doc},
    {"Is_cancelled", status_is_cancelled, METH_NOARGS, is_cancelled_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef status_getset[] = {
    {"source", get_int, set_int, "rank of the sender", (void *)offsetof(MPI_Status, MPI_SOURCE)},
    {"tag", get_int, set_int, "tag of the message", (void *)offsetof(MPI_Status, MPI_TAG)},
    {"error", get_int, set_int, "error code", (void *)offsetof(MPI_Status, MPI_ERROR)},
    {"count", get_count, set_count, "bytes received", NULL},
    {"cancelled", ask, set_cancelled, "whether the operation was cancelled",
     (void *)status_is_cancelled},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef status_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(status_object, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(status_doc, "Status(status=None)\n--\n\nWhat is known of a message.");

static PyType_Slot status_slots[] = {
    {Py_tp_doc, (void *)status_doc},
    {Py_tp_new, status_new},
    {Py_tp_dealloc, status_dealloc},
    {Py_tp_richcompare, status_compare},
    {Py_tp_hash, PyObject_HashNotImplemented},
    {Py_tp_methods, status_methods},
    {Py_tp_getset, status_getset},
    {Py_tp_members, status_members},
    {0, NULL},
};

PyType_Spec Status_spec = {
    .name = "collio.MPI.Status",
    .basicsize = sizeof(status_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = status_slots,
};
