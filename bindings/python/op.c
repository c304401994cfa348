/* MPI.Op: reductions, MPI's own and the user's. */
#include "bindings.h"

#include <string.h>

/*
 * MPI calls a user's function without saying for which operation it was made.
 * So there is one C function a slot, and a slot for each Op of the user's.
 */
#define USER_SLOTS 64

static PyObject *user_functions[USER_SLOTS];

/* ----------------------------------------------------------------- on Python objects */

static PyObject *larger(PyObject *x, PyObject *y)
{
    int less = PyObject_RichCompareBool(x, y, Py_LT);
    return less < 0 ? NULL : Py_NewRef(less ? y : x);
}

static PyObject *smaller(PyObject *x, PyObject *y)
{
    int less = PyObject_RichCompareBool(y, x, Py_LT);
    return less < 0 ? NULL : Py_NewRef(less ? y : x);
}

static PyObject *logical(PyObject *x, PyObject *y, int how)
{
    int a = PyObject_IsTrue(x), b = PyObject_IsTrue(y);

    if (a < 0 || b < 0)
        return NULL;
    return PyBool_FromLong(how == '&' ? a && b : how == '|' ? a || b : a != b);
}

static PyObject *logical_and(PyObject *x, PyObject *y)
{
    return logical(x, y, '&');
}

static PyObject *logical_or(PyObject *x, PyObject *y)
{
    return logical(x, y, '|');
}

static PyObject *logical_xor(PyObject *x, PyObject *y)
{
    return logical(x, y, '^');
}

/* A (value, index) pair out of any iterable of two; owned. */
static PyObject *take_pair(PyObject *object)
{
    PyObject *pair = PySequence_Tuple(object);

    if (pair != NULL && PyTuple_GET_SIZE(pair) != 2) {
        PyErr_Format(PyExc_ValueError, "expecting (value, index), got %zd items",
                     PyTuple_GET_SIZE(pair));
        Py_CLEAR(pair);
    }
    return pair;
}

/* (value, index) pairs: the better value, on a tie the smaller index. */
static PyObject *located(PyObject *x, PyObject *y, int wanted)
{
    PyObject *a = take_pair(x), *b = a == NULL ? NULL : take_pair(y), *result = NULL;
    int better = -1, equal = -1;

    if (b != NULL) {
        PyObject *u = PyTuple_GET_ITEM(a, 0), *v = PyTuple_GET_ITEM(b, 0);
        better = PyObject_RichCompareBool(u, v, wanted);
        equal = PyObject_RichCompareBool(u, v, Py_EQ);
    }
    if (equal > 0)
        better = PyObject_RichCompareBool(PyTuple_GET_ITEM(a, 1), PyTuple_GET_ITEM(b, 1), Py_LE);
    if (better >= 0 && equal >= 0)
        result = Py_NewRef(better ? a : b);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}

static PyObject *max_located(PyObject *x, PyObject *y)
{
    return located(x, y, Py_GT);
}

static PyObject *min_located(PyObject *x, PyObject *y)
{
    return located(x, y, Py_LT);
}

static PyObject *second(PyObject *Py_UNUSED(x), PyObject *y)
{
    return Py_NewRef(y);
}

static PyObject *first(PyObject *x, PyObject *Py_UNUSED(y))
{
    return Py_NewRef(x);
}

/* By the name of the constant. */
/* clang-format off */
static const struct {
    const char *name;
    PyObject *(*function)(PyObject *, PyObject *);
} python_rows[] = {
    {"MAX", larger},           {"MIN", smaller},          {"SUM", PyNumber_Add},
    {"PROD", PyNumber_Multiply}, {"LAND", logical_and},   {"BAND", PyNumber_And},
    {"LOR", logical_or},       {"BOR", PyNumber_Or},      {"LXOR", logical_xor},
    {"BXOR", PyNumber_Xor},    {"MAXLOC", max_located},   {"MINLOC", min_located},
    {"REPLACE", second},       {"NO_OP", first},
};
/* clang-format on */

static PyObject *combine_predefined(const char *name, PyObject *x, PyObject *y)
{
    for (size_t i = 0; name != NULL && i < sizeof python_rows / sizeof *python_rows; i++)
        if (strcmp(name, python_rows[i].name) == 0)
            return python_rows[i].function(x, y);
    return PyErr_Format(PyExc_ValueError, "this Op has no meaning for objects");
}

/* The function of an Op of the user's, also by a copy, which keeps the Op it was made of.
 * Borrowed; NULL without an exception if it is none, or freed. */
static PyObject *user_function(handle *self)
{
    while (self->keep != NULL && !PyLong_Check(self->keep))
        self = (handle *)self->keep;
    return self->keep == NULL ? NULL : user_functions[PyLong_AsLong(self->keep)];
}

typedef struct operands {
    PyObject *x, *y;
} operands;

static PyObject *op_call(PyObject *object, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"x", arg_object, offsetof(operands, x)},
                                 {"y", arg_object, offsetof(operands, y)},
                                 {NULL, NULL, 0}};
    handle *self = (handle *)object;
    PyObject *function = user_function(self);
    operands o;

    if (args_parse_tuple("Op", rows, &o, args, keywords) < 0)
        return NULL;
    if (function != NULL) /* objects have no datatype */
        return PyObject_CallFunctionObjArgs(function, o.x, o.y, Py_None, NULL);
    return combine_predefined(constant_name(KIND_op, self->mpi), o.x, o.y);
}

PyObject *op_reduce(PyObject *self)
{
    PyObject *function = user_function((handle *)self), *create, *result;
    int commute = 0;

    if (function == NULL)
        return PyErr_Format(PyExc_ValueError, "cannot pickle user-defined reduction operation");
    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Op_commutative(((handle *)self)->mpi.op, &commute), "MPI_Op_commutative") <
            0)
        return NULL;
    create = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "Create");
    result = create == NULL
                 ? NULL
                 : Py_BuildValue("(O(OO))", create, function, commute ? Py_True : Py_False);
    Py_XDECREF(create);
    return result;
}

/* -------------------------------------------------------------------- user functions */

/* The user's function called on the two buffers, which are retired after it. New. */
static PyObject *call_on(state *st, PyObject *function, PyObject *in, PyObject *inout,
                         MPI_Datatype mpi)
{
    PyObject *type =
        handle_make(st->types[TYPE_Datatype], KIND_datatype, (any_handle){.datatype = mpi});
    PyObject *result = NULL;

    if (in != NULL && inout != NULL && type != NULL)
        result = PyObject_CallFunctionObjArgs(function, in, inout, type, NULL);
    if (in != NULL)
        buffer_retire(in);
    if (inout != NULL)
        buffer_retire(inout);
    Py_XDECREF(type);
    return result;
}

/* An exception cannot pass through MPI: it is printed and the job ends, as in mpi4py. */
static void call_user(int slot, void *in, void *inout, int *count, MPI_Datatype *type)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    MPI_Aint lb = 0, extent = 0;
    PyObject *a = NULL, *b = NULL, *result = NULL;
    state *st = state_find();
    Py_ssize_t size;

    MPI_Type_get_extent(*type, &lb, &extent);
    size = (Py_ssize_t)extent * *count;
    if (st != NULL) {
        a = buffer_at(st, in, size, 0, NULL);
        b = buffer_at(st, inout, size, 0, NULL);
        result = call_on(st, user_functions[slot], a, b, *type);
    }
    Py_XDECREF(a);
    Py_XDECREF(b);
    if (result == NULL) {
        PyErr_Print();
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    Py_XDECREF(result);
    PyGILState_Release(gil);
}

/* X(slot) */
/* clang-format off */
#define SLOTS \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) \
    X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) \
    X(31) X(32) X(33) X(34) X(35) X(36) X(37) X(38) X(39) X(40) X(41) X(42) X(43) X(44) X(45) \
    X(46) X(47) X(48) X(49) X(50) X(51) X(52) X(53) X(54) X(55) X(56) X(57) X(58) X(59) X(60) \
    X(61) X(62) X(63)
/* clang-format on */

/* A C function carries no data: which slot it is must be its own name. */
#define X(slot)                                                                                    \
    static void user_##slot(void *in, void *inout, int *count, MPI_Datatype *type)                 \
    {                                                                                              \
        call_user(slot, in, inout, count, type);                                                   \
    }
SLOTS
#undef X

static MPI_User_function *const user_slots[USER_SLOTS] = {
#define X(slot) user_##slot,
    SLOTS
#undef X
};
#undef SLOTS

typedef struct create_args {
    PyObject *function;
    int commute;
} create_args;

PyDoc_STRVAR(create_doc,
             "Create($type, /, function, commute=False)\n--\n\nAn operation from "
             "function(in, inout, datatype), which combines two buffers. Not collective.");

static PyObject *op_Create(PyObject *cls, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    static const param rows[] = {{"function", arg_object, offsetof(create_args, function)},
                                 {"|commute", arg_bool, offsetof(create_args, commute)},
                                 {NULL, NULL, 0}};
    create_args a = {NULL, 0};
    MPI_Op op;
    PyObject *self;
    int slot = 0;

    if (mpi_ready(state_of_class(cls)) < 0 ||
        args_parse("Create", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (!PyCallable_Check(a.function))
        return raise_type("function", "callable", a.function);
    while (slot < USER_SLOTS && user_functions[slot] != NULL)
        slot++;
    if (slot == USER_SLOTS)
        return PyErr_Format(PyExc_RuntimeError, "at most %d operations of the user's at a time",
                            USER_SLOTS);
    if (mpi_failed(MPI_Op_create(user_slots[slot], a.commute, &op), "MPI_Op_create") < 0)
        return NULL;
    self = handle_make((PyTypeObject *)cls, KIND_op, (any_handle){.op = op});
    if (self == NULL)
        return NULL;
    user_functions[slot] = Py_NewRef(a.function);
    ((handle *)self)->keep = PyLong_FromLong(slot);
    return self;
}

PyDoc_STRVAR(free_doc, "Free($self, /)\n--\n\nFree the operation. Not collective.");

static PyObject *op_Free(PyObject *object, PyObject *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    if (mpi_ready(state_of(object)) < 0 ||
        mpi_failed(MPI_Op_free(&self->mpi.op), "MPI_Op_free") < 0)
        return NULL;
    handle_freed(self);
    if (self->keep != NULL && PyLong_Check(self->keep))
        Py_CLEAR(user_functions[PyLong_AsLong(self->keep)]);
    Py_CLEAR(self->keep);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(is_commutative_doc, "Is_commutative($self, /)\n--\n\nWhether the order of the "
                                 "operands does not matter. Not collective.");

static PyObject *op_Is_commutative(PyObject *object, PyObject *Py_UNUSED(none))
{
    int flag = 0;

    if (mpi_ready(state_of(object)) < 0 ||
        mpi_failed(MPI_Op_commutative(((handle *)object)->mpi.op, &flag), "MPI_Op_commutative") < 0)
        return NULL;
    return PyBool_FromLong(flag);
}

typedef struct local_args {
    PyObject *in, *inout;
} local_args;

PyDoc_STRVAR(reduce_local_doc, "Reduce_local($self, /, inbuf, inoutbuf)\n--\n\nCombine two buffers "
                               "of this process. Not collective.");

static PyObject *op_Reduce_local(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"inbuf", arg_object, offsetof(local_args, in)},
                                 {"inoutbuf", arg_object, offsetof(local_args, inout)},
                                 {NULL, NULL, 0}};
    state *st = state_of(object);
    PyObject *result = NULL;
    message in, out;
    local_args a;

    if (mpi_ready(st) < 0 || args_parse("Reduce_local", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    message_init(&in);
    message_init(&out);
    if (message_from(st, a.in, 0, 1, &in) == 0 && message_from(st, a.inout, 1, 1, &out) == 0) {
        if (in.count != out.count || in.type != out.type)
            PyErr_Format(PyExc_ValueError, "mismatch in counts %d and %d, or in datatypes",
                         (int)in.count, (int)out.count);
        else if (mpi_failed(MPI_Reduce_local(in.data, out.data, in.count, in.type,
                                             ((handle *)object)->mpi.op),
                            "MPI_Reduce_local") == 0)
            result = Py_NewRef(Py_None);
    }
    message_release(&in);
    message_release(&out);
    return result;
}

static PyObject *get_is_predefined(PyObject *object, void *Py_UNUSED(none))
{
    handle *self = (handle *)object;

    return PyBool_FromLong(constant_name(KIND_op, self->mpi) != NULL);
}

static PyMethodDef op_methods[] = {
    {"Create", FAST(op_Create), FASTCALL | METH_CLASS, create_doc},
    {"Free", op_Free, METH_NOARGS, free_doc},
    {"Is_commutative", op_Is_commutative, METH_NOARGS, is_commutative_doc},
    {"Reduce_local", FAST(op_Reduce_local), FASTCALL, reduce_local_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef op_getset[] = {
    {"is_commutative", ask, NULL, "order does not matter", (void *)op_Is_commutative},
    {"is_predefined", get_is_predefined, NULL, "is one of MPI's own", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(op_doc, "Op(op=None)\n--\n\nA reduction; called with two objects it combines them.");

static PyType_Slot op_slots[] = {
    {Py_tp_doc, (void *)op_doc},
    {Py_tp_call, op_call},
    {Py_tp_methods, op_methods},
    {Py_tp_getset, op_getset},
    {0, NULL},
};

PyType_Spec Op_spec = {
    .name = "collio.MPI.Op",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = op_slots,
};
