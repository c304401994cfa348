/*
 * MPI handles as integers, as memory and as pickles. What differs between the
 * kinds of handles is in HANDLE_KINDS and in the few tables here.
 */
#include "bindings.h"

#include <string.h>

static const size_t sizes[KIND_COUNT] = {
#define X(field, class, prefix, null) [KIND_##field] = sizeof((any_handle *)NULL)->field,
    HANDLE_KINDS
#undef X
};

/* ------------------------------------------------------------------------- pickle */

/* (copyreg.__newobj__, (class, the predefined object)). New. */
static PyObject *reduce_copy(PyObject *self, PyObject *predefined)
{
    PyObject *copyreg = PyImport_ImportModule("copyreg"), *function = NULL, *result = NULL;

    if (copyreg != NULL)
        function = PyObject_GetAttrString(copyreg, "__newobj__");
    if (function != NULL)
        result = Py_BuildValue("(O(OO))", function, Py_TYPE(self), predefined);
    Py_XDECREF(copyreg);
    Py_XDECREF(function);
    return result;
}

/* A predefined handle is found by name, or copied from the one that is. New. */
static PyObject *reduce_predefined(PyObject *object)
{
    handle *self = (handle *)object;
    PyObject *predefined, *result;

    if (self->constant != NULL)
        return PyUnicode_FromString(self->constant);
    predefined = constant_object(state_of(object), self->kind, self->mpi);
    if (predefined == NULL)
        return NULL;
    result = reduce_copy(object, predefined);
    Py_DECREF(predefined);
    return result;
}

PyDoc_STRVAR(reduce_doc, "__reduce__($self, /)\n--\n\nPickle predefined handles by name, local "
                         "ones by what they were made of.");

static PyObject *handle_reduce(PyObject *object, PyObject *Py_UNUSED(none))
{
    PyObject *(*const own[KIND_COUNT])(PyObject *) = {
        [KIND_datatype] = datatype_reduce, [KIND_info] = info_reduce, [KIND_op] = op_reduce};
    handle *self = (handle *)object;

    if (constant_name(self->kind, self->mpi) != NULL)
        return reduce_predefined(object);
    if (own[self->kind] != NULL)
        return own[self->kind](object);
    return PyErr_Format(PyExc_ValueError, "cannot serialize '%s' instance",
                        Py_TYPE(object)->tp_name);
}

/* --------------------------------------------------------------------------- free */

PyDoc_STRVAR(free_doc, "free($self, /)\n--\n\nFree it (a file: close it) unless it is null or "
                       "predefined. As collective as freeing it is: communicators, files.");

static PyObject *handle_free(PyObject *object, PyObject *Py_UNUSED(none))
{
    static const struct {
        unsigned char kind;
        const char *method; /* NULL: nothing to do */
    } rows[] = {{KIND_file, "Close"}, {KIND_session, "Finalize"}, {KIND_message, NULL}};
    handle *self = (handle *)object;
    const char *method = "Free";

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == self->kind)
            method = rows[i].method;
    if (method == NULL || !life_usable() || constant_name(self->kind, self->mpi) != NULL)
        Py_RETURN_NONE;
    return PyObject_CallMethod(object, method, NULL);
}

/* -------------------------------------------------------------------- as an integer */

/* Where handles are ints, they are those of Fortran; else MPI is asked. */
static int conversion_refuse(state *st, int kind)
{
    return sizes[kind] == sizeof(int) ? 0 : mpi_ready(st);
}

PyDoc_STRVAR(py2f_doc, "py2f($self, /)\n--\n\nThe Fortran handle, an integer. Not collective.");

static PyObject *handle_py2f(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (conversion_refuse(state_of(object), self->kind) < 0)
        return NULL;
#define X(field, class, prefix, null) self->kind == KIND_##field ? prefix##_c2f(self->mpi.field):
    return PyLong_FromLong(HANDLE_KINDS 0);
#undef X
}

PyDoc_STRVAR(toint_doc, "toint($self, /)\n--\n\nThe handle as an integer for fromint(), the same "
                        "as in Fortran. Not collective.");

/* The class of ours nearest to a user's. */
static PyTypeObject *nearest_class(state *st, PyTypeObject *type)
{
    int slot = TYPE_COUNT - 1; /* derived classes follow their bases */

    while (slot > 0 && !PyType_IsSubtype(type, st->types[slot]))
        slot--;
    return st->types[slot];
}

/* Communicators come back as what they are, others as the class asked. */
static PyObject *from_handle(PyObject *cls, state *st, enum handle_kind kind, any_handle mpi)
{
    if (kind == KIND_comm && life_usable())
        return comm_object(st, mpi.comm);
    return handle_make(nearest_class(st, (PyTypeObject *)cls), kind, mpi);
}

PyDoc_STRVAR(f2py_doc, "f2py($type, /, arg)\n--\n\nThe object for a Fortran handle. "
                       "Not collective.");

static PyObject *handle_f2py(PyObject *cls, PyObject *arg)
{
    state *st = state_of_class(cls);
    int kind = handle_kind_of(st, (PyTypeObject *)cls), number;
    any_handle mpi = {.bits = 0};

    if (kind < 0 || arg_int(arg, &number) < 0 || conversion_refuse(st, kind) < 0)
        return NULL;
#define X(field, class, prefix, null)                                                              \
    kind == KIND_##field ? (any_handle){.field = prefix##_f2c(number)}:
    mpi = HANDLE_KINDS mpi;
#undef X
    return from_handle(cls, st, kind, mpi);
}

PyDoc_STRVAR(fromint_doc, "fromint($type, arg, /)\n--\n\nThe object for what toint() gave. "
                          "Not collective.");

/* As an unsigned integer of a pointer's size; handles that are ints keep their sign, so that
 * other bindings of MPI, which do the same, understand them. */
static PyObject *handle_number(const handle *self)
{
    int number;

    if (sizes[self->kind] != sizeof number)
        return PyLong_FromSize_t((size_t)self->mpi.bits);
    memcpy(&number, &self->mpi, sizeof number);
    return PyLong_FromSize_t((size_t)number);
}

PyDoc_STRVAR(fromhandle_doc, "fromhandle($type, /, handle)\n--\n\nThe object for a C handle as "
                             "the attribute `handle` gives it. Not collective.");

static PyObject *handle_fromhandle(PyObject *cls, PyObject *arg)
{
    state *st = state_of_class(cls);
    int kind = handle_kind_of(st, (PyTypeObject *)cls), number;
    PyObject *index = kind < 0 ? NULL : PyNumber_Index(arg);
    size_t bits = index == NULL ? 0 : PyLong_AsSize_t(index);
    any_handle mpi = {.bits = (intptr_t)bits};

    Py_XDECREF(index);
    if (PyErr_Occurred())
        return NULL;
    if (sizes[kind] == sizeof number) {
        number = (int)bits;
        memcpy(&mpi, &number, sizeof number);
    }
    return from_handle(cls, st, kind, mpi);
}

PyDoc_STRVAR(tohandle_doc, "tohandle($self, /)\n--\n\nThe C handle as an integer, as the "
                           "attribute `handle` has it. Not collective.");

static PyObject *handle_tohandle(PyObject *object, PyObject *Py_UNUSED(none))
{
    return handle_number((handle *)object);
}

/* clang-format off */
const row_method handle_rows[] = {
    {"f2py", f2py_doc, method_one, "arg", {.one = handle_f2py}, 0, 1},
    {"fromhandle", fromhandle_doc, method_one, "handle", {.one = handle_fromhandle}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

PyMethodDef handle_methods[] = {
    {"__reduce__", handle_reduce, METH_NOARGS, reduce_doc},
    {"free", handle_free, METH_NOARGS, free_doc},
    {"py2f", handle_py2f, METH_NOARGS, py2f_doc},
    {"toint", handle_py2f, METH_NOARGS, toint_doc},
    {"fromint", handle_f2py, METH_O | METH_CLASS, fromint_doc},
    {"tohandle", handle_tohandle, METH_NOARGS, tohandle_doc},
    {NULL, NULL, 0, NULL},
};

PyGetSetDef handle_getset[] = {
    {"handle", ask, NULL, "the C handle as an integer", (void *)handle_tohandle},
    {NULL, NULL, NULL, NULL, NULL},
};

/* ----------------------------------------------------------------------- as memory */

static PyObject *raise_not_mpi(const char *wanted)
{
    return PyErr_Format(PyExc_TypeError, "expecting an MPI %s", wanted);
}

static PyObject *module_sizeof(PyObject *module, PyObject *object)
{
    state *st = PyModule_GetState(module);
    PyTypeObject *type = PyType_Check(object) ? (PyTypeObject *)object : Py_TYPE(object);

    if (PyType_IsSubtype(type, st->types[TYPE_Status]))
        return PyLong_FromSize_t(sizeof(MPI_Status));
    if (!PyType_IsSubtype(type, st->types[TYPE_Handle]))
        return raise_not_mpi("type or instance");
    return PyLong_FromSize_t(sizes[handle_kind_of(st, type)]);
}

/* Where the handle lies, for C code that is to be given it. */
static void *address_of(state *st, PyObject *object)
{
    if (is_a(st, object, TYPE_Status))
        return &((status_object *)object)->mpi;
    if (is_a(st, object, TYPE_Handle))
        return &((handle *)object)->mpi;
    return raise_not_mpi("instance");
}

static PyObject *module_addressof(PyObject *module, PyObject *object)
{
    void *address = address_of(PyModule_GetState(module), object);

    return address == NULL ? NULL : PyLong_FromVoidPtr(address);
}

static PyObject *module_handleof(PyObject *module, PyObject *object)
{
    state *st = PyModule_GetState(module);

    if (is_a(st, object, TYPE_Handle))
        return handle_number((handle *)object);
    return module_addressof(module, object);
}

PyMethodDef handle_functions[] = {
    {"_sizeof", module_sizeof, METH_O,
     "_sizeof($module, arg, /)\n--\n\nSize in bytes of the MPI handle of an object or class."},
    {"_addressof", module_addressof, METH_O,
     "_addressof($module, arg, /)\n--\n\nAddress of the MPI handle in an object."},
    {"_handleof", module_handleof, METH_O,
     "_handleof($module, arg, /)\n--\n\nThe MPI handle in an object as an integer; the address of "
     "a Status."},
    {NULL, NULL, 0, NULL},
};
