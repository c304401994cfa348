/* What all classes around an MPI handle have in common: the hidden base class. */
#include "bindings.h"

#include <string.h>

static const any_handle nulls[KIND_COUNT] = {
#define X(field, class, prefix, null) [KIND_##field] = {.field = null},
    HANDLE_KINDS
#undef X
};

#define X(field, class, prefix, null)                                                              \
    _Static_assert(sizeof nulls[0].field == sizeof(int) ||                                         \
                       sizeof nulls[0].field == sizeof(any_handle),                                \
                   #class " has a size that handle_clean() does not know");
HANDLE_KINDS
#undef X

static const size_t sizes[KIND_COUNT] = {
#define X(field, class, prefix, null) [KIND_##field] = sizeof nulls[0].field,
    HANDLE_KINDS
#undef X
};

/* With the bytes that a short handle leaves unused set to zero. */
any_handle handle_clean(enum handle_kind kind, any_handle mpi)
{
    any_handle result = {.bits = 0};

    if (sizes[kind] == sizeof mpi)
        return mpi;
    memcpy(&result, &mpi, sizeof(int)); /* there are only these two kinds of handles */
    return result;
}

any_handle handle_null(enum handle_kind kind)
{
    return handle_clean(kind, nulls[kind]);
}

/* Requests come and go with every message: the memory of a few objects is kept for the next. */
enum { SPARES_MAX = 16 };

static handle *spares[SPARES_MAX];
static int spare_count;

/* Not for classes of the user's that have more in their objects. */
static int may_spare(const PyTypeObject *type)
{
    return type->tp_basicsize == sizeof(handle) && !(type->tp_flags & Py_TPFLAGS_HAVE_GC);
}

static handle *take_memory(PyTypeObject *type)
{
    handle *self;

    if (spare_count == 0 || !may_spare(type))
        return (handle *)type->tp_alloc(type, 0);
    self = spares[--spare_count];
    memset(self, 0, sizeof *self);
    return (handle *)PyObject_Init((PyObject *)self, type);
}

static void give_memory(PyTypeObject *type, handle *self)
{
    if (spare_count < SPARES_MAX && may_spare(type))
        spares[spare_count++] = self;
    else
        type->tp_free(self);
}

PyObject *handle_make(PyTypeObject *type, enum handle_kind kind, any_handle mpi)
{
    handle *self = take_memory(type);

    if (self == NULL)
        return NULL;
    self->mpi = handle_clean(kind, mpi);
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

int handle_kind_of(state *st, PyTypeObject *type)
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
    int kind = handle_kind_of(st, type);
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
    if (kind == KIND_comm && life_usable() && comm_class_refuse(st, type, other->mpi.comm) < 0)
        return NULL;
    if (kind == KIND_request && request_class_refuse(st, type, other) < 0)
        return NULL;
    self = (handle *)handle_make(type, kind, other->mpi);
    if (self != NULL && kind == KIND_request)
        request_hand_over(other, self);
    else if (self != NULL) /* an owner keeps the handle valid; so the copy keeps the owner */
        self->keep = Py_NewRef(object);
    return (PyObject *)self;
}

void handle_freed(handle *self)
{
    state *st = state_of((PyObject *)self);

    self->owned = 0;
    if (self->keep != NULL && is_a(st, self->keep, TYPE_Handle))
        handle_freed((handle *)self->keep);
}

void handle_dealloc(PyObject *object)
{
    handle *self = (handle *)object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->weakrefs != NULL)
        PyObject_ClearWeakRefs(object);
    if (self->kind == KIND_request) {
        if (self->origin != NULL)
            request_hand_back(self);
        if (self->mpi.request != MPI_REQUEST_NULL || self->receipt || self->prepared)
            request_abandon(self);
    } else if (self->owned && self->mpi.bits != handle_null(self->kind).bits && life_usable())
        free_local(self);
    if (callbacks_pending)
        callback_report((PyObject *)type);
    Py_CLEAR(self->keep);
    give_memory(type, self);
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

static PyMemberDef handle_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(handle, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot handle_slots[] = {
    {Py_tp_new, handle_new},
    {Py_tp_dealloc, handle_dealloc},
    {Py_tp_richcompare, handle_compare},
    {Py_tp_hash, PyObject_HashNotImplemented},
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
