/* What all classes around an MPI handle have in common: the hidden base class. */
#include "bindings.h"

#include <string.h>

static const any_handle nulls[KIND_COUNT] = {
#define X(field, class, prefix, null) [KIND_##field] = {.field = null},
    HANDLE_KINDS
#undef X
};

static const size_t sizes[KIND_COUNT] = {
#define X(field, class, prefix, null) [KIND_##field] = sizeof nulls[0].field,
    HANDLE_KINDS
#undef X
};

/* With the bytes that a short handle leaves unused set to zero. */
static any_handle clean(enum handle_kind kind, any_handle mpi)
{
    any_handle result = {.bits = 0};

    memcpy(&result, &mpi, sizes[kind]);
    return result;
}

any_handle handle_null(enum handle_kind kind)
{
    return clean(kind, nulls[kind]);
}

PyObject *handle_make(PyTypeObject *type, enum handle_kind kind, any_handle mpi)
{
    handle *self = (handle *)type->tp_alloc(type, 0);

    if (self == NULL)
        return NULL;
    self->mpi = clean(kind, mpi);
    self->kind = (unsigned char)kind;
    return (PyObject *)self;
}

/* Free a local handle; collective ones (communicators) are the user's to free. */
static void free_local(handle *self)
{
    switch (self->kind) {
    case KIND_group:
        MPI_Group_free(&self->mpi.group);
        break;
    case KIND_info:
        MPI_Info_free(&self->mpi.info);
        break;
    case KIND_op:
        MPI_Op_free(&self->mpi.op);
        break;
    case KIND_datatype:
        MPI_Type_free(&self->mpi.datatype);
        break;
    case KIND_errhandler:
        MPI_Errhandler_free(&self->mpi.errhandler);
        break;
    default:
        break;
    }
}

PyObject *handle_own(PyTypeObject *type, enum handle_kind kind, any_handle mpi)
{
    PyObject *self = handle_make(type, kind, mpi);

    if (self != NULL)
        ((handle *)self)->owned = 1;
    return self;
}

/* The kind of a class: that of the class of ours it derives from. */
static int kind_of(state *st, PyTypeObject *type)
{
    const enum type_slot slots[] = {
#define X(field, class, prefix, null) [KIND_##field] = TYPE_##class,
        HANDLE_KINDS
#undef X
    };

    for (int kind = 0; kind < KIND_COUNT; kind++)
        if (PyType_IsSubtype(type, st->types[slots[kind]]))
            return kind;
    PyErr_SetString(PyExc_TypeError, "this class has no instances");
    return -1;
}

/* Class(other=None): a second object for the same handle, or for the null one. */
static PyObject *handle_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const char *const names[KIND_COUNT] = {
#define X(field, class, prefix, null) "|" #field,
        HANDLE_KINDS
#undef X
    };
    state *st = state_of_class((PyObject *)type);
    int kind = kind_of(st, type);
    const param rows[] = {{kind < 0 ? NULL : names[kind], arg_object, 0}, {NULL, NULL, 0}};
    PyObject *object = Py_None;
    handle *self, *other;

    if (kind < 0 || args_parse_tuple(type->tp_name, rows, &object, args, keywords) < 0)
        return NULL;
    if (object == Py_None)
        return handle_make(type, kind, handle_null(kind));
    other = (handle *)object;
    if (!is_a(st, object, TYPE_Handle) || other->kind != kind)
        return raise_type(names[kind] + 1, type->tp_name, object);
    self = (handle *)handle_make(type, kind, other->mpi);
    if (self != NULL && kind == KIND_request)
        request_hand_over(other, self);
    else if (self != NULL) /* an owner keeps the handle valid; so the copy keeps the owner */
        self->keep = Py_NewRef(object);
    return (PyObject *)self;
}

static void handle_dealloc(PyObject *object)
{
    handle *self = (handle *)object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->weakrefs != NULL)
        PyObject_ClearWeakRefs(object);
    if (self->kind == KIND_request)
        request_abandon(self);
    if (self->owned && self->mpi.bits != handle_null(self->kind).bits && life_usable())
        free_local(self);
    if (callbacks_pending)
        callback_report((PyObject *)type);
    Py_CLEAR(self->keep);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *handle_compare(PyObject *self, PyObject *other, int how)
{
    handle *a = (handle *)self, *b = (handle *)other;
    int same;

    if ((how != Py_EQ && how != Py_NE) || !is_a(state_of(self), other, TYPE_Handle))
        Py_RETURN_NOTIMPLEMENTED;
    same = a->kind == b->kind && a->mpi.bits == b->mpi.bits;
    return PyBool_FromLong(same == (how == Py_EQ));
}

static Py_hash_t handle_hash(PyObject *self)
{
    Py_hash_t hash = ((handle *)self)->mpi.bits ^ ((handle *)self)->kind;

    return hash == -1 ? -2 : hash;
}

static int handle_bool(PyObject *object)
{
    handle *self = (handle *)object;
    return self->mpi.bits != handle_null(self->kind).bits;
}

static PyObject *handle_repr(PyObject *object)
{
    handle *self = (handle *)object;

    if (self->constant != NULL)
        return PyUnicode_FromFormat("<%s %s>", Py_TYPE(object)->tp_name, self->constant);
    return PyUnicode_FromFormat("<%s object at %p>", Py_TYPE(object)->tp_name, object);
}

PyDoc_STRVAR(reduce_doc, "__reduce__($self, /)\n--\n\nPickle predefined handles by name.");

static PyObject *handle_reduce(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (self->constant == NULL)
        return PyErr_Format(PyExc_ValueError, "cannot pickle a %s that is not predefined",
                            Py_TYPE(object)->tp_name);
    return PyUnicode_FromString(self->constant);
}

PyDoc_STRVAR(py2f_doc, "py2f($self, /)\n--\n\nThe Fortran handle, an integer. Not collective.");

static PyObject *handle_py2f(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (mpi_ready(state_of(object)) < 0)
        return NULL;
#define X(field, class, prefix, null) self->kind == KIND_##field ? prefix##_c2f(self->mpi.field):
    return PyLong_FromLong(HANDLE_KINDS 0);
#undef X
}

/* Communicators come back as their own class, others as the one asked. */
static PyObject *from_handle(PyObject *cls, state *st, enum handle_kind kind, any_handle mpi)
{
    if (kind == KIND_comm)
        return comm_wrap(st, mpi.comm);
    return handle_make((PyTypeObject *)cls, kind, mpi);
}

PyDoc_STRVAR(f2py_doc, "f2py($type, /, arg)\n--\n\nThe object for a Fortran handle. "
                       "Not collective.");

static PyObject *handle_f2py(PyObject *cls, PyObject *arg)
{
    state *st = state_of_class(cls);
    int kind = kind_of(st, (PyTypeObject *)cls), number;
    any_handle mpi = {.bits = 0};

    if (kind < 0 || arg_int(arg, &number) < 0 || mpi_ready(st) < 0)
        return NULL;
#define X(field, class, prefix, null)                                                              \
    kind == KIND_##field ? (any_handle){.field = prefix##_f2c(number)}:
    mpi = HANDLE_KINDS mpi;
#undef X
    return from_handle(cls, st, kind, mpi);
}

PyDoc_STRVAR(fromhandle_doc, "fromhandle($type, /, handle)\n--\n\nThe object for a C handle as "
                             "the attribute `handle` gives it. Not collective.");

static PyObject *handle_fromhandle(PyObject *cls, PyObject *arg)
{
    state *st = state_of_class(cls);
    int kind = kind_of(st, (PyTypeObject *)cls);
    int64_t bits;
    any_handle mpi;

    if (kind < 0 || arg_int64(arg, &bits) < 0 || mpi_ready(st) < 0)
        return NULL;
    mpi.bits = (intptr_t)bits; /* as get_handle() gave them */
    return from_handle(cls, st, kind, mpi);
}

static PyObject *get_handle(PyObject *object, void *Py_UNUSED(none))
{
    return PyLong_FromSsize_t(((handle *)object)->mpi.bits);
}

/* clang-format off */
const row_method handle_rows[] = {
    {"f2py", f2py_doc, method_one, "arg", {.one = handle_f2py}, 0, 1},
    {"fromhandle", fromhandle_doc, method_one, "handle", {.one = handle_fromhandle}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef handle_methods[] = {
    {"__reduce__", handle_reduce, METH_NOARGS, reduce_doc},
    {"py2f", handle_py2f, METH_NOARGS, py2f_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef handle_getset[] = {
    {"handle", get_handle, NULL, "the C handle as an integer", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef handle_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(handle, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot handle_slots[] = {
    {Py_tp_new, handle_new},
    {Py_tp_dealloc, handle_dealloc},
    {Py_tp_richcompare, handle_compare},
    {Py_tp_hash, handle_hash},
    {Py_tp_repr, handle_repr},
    {Py_nb_bool, handle_bool},
    {Py_tp_methods, handle_methods},
    {Py_tp_getset, handle_getset},
    {Py_tp_members, handle_members},
    {0, NULL},
};

PyType_Spec Handle_spec = {
    .name = "collio.MPI._Handle",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = handle_slots,
};

/* --------------------------------------------------------- handles as arguments */

int comm_arg(state *st, PyObject *object, MPI_Comm *out)
{
    if (object == NULL || !is_a(st, object, TYPE_Comm)) {
        raise_type("comm", "MPI.Comm", object ? object : Py_None);
        return -1;
    }
    *out = ((handle *)object)->mpi.comm;
    return 0;
}

int info_arg(state *st, PyObject *object, MPI_Info *out)
{
    *out = MPI_INFO_NULL;
    if (object == NULL || object == Py_None)
        return 0;
    if (!is_a(st, object, TYPE_Info)) {
        raise_type("info", "MPI.Info", object);
        return -1;
    }
    *out = ((handle *)object)->mpi.info;
    return 0;
}

int op_arg(state *st, PyObject *object, MPI_Op *out)
{
    *out = MPI_SUM;
    if (object == NULL)
        return 0;
    if (!is_a(st, object, TYPE_Op)) {
        raise_type("op", "MPI.Op", object);
        return -1;
    }
    *out = ((handle *)object)->mpi.op;
    return 0;
}

int type_arg(state *st, PyObject *object, MPI_Datatype *out)
{
    if (object == NULL || !is_a(st, object, TYPE_Datatype)) {
        raise_type("datatype", "MPI.Datatype", object ? object : Py_None);
        return -1;
    }
    *out = ((handle *)object)->mpi.datatype;
    return 0;
}

int errhandler_arg(state *st, PyObject *object, MPI_Errhandler *out)
{
    if (object == NULL || !is_a(st, object, TYPE_Errhandler)) {
        raise_type("errhandler", "MPI.Errhandler", object ? object : Py_None);
        return -1;
    }
    *out = ((handle *)object)->mpi.errhandler;
    return 0;
}

int group_arg(state *st, PyObject *object, MPI_Group *out)
{
    if (object == NULL || !is_a(st, object, TYPE_Group)) {
        raise_type("group", "MPI.Group", object ? object : Py_None);
        return -1;
    }
    *out = ((handle *)object)->mpi.group;
    return 0;
}
