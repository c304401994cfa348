/*
 * Methods that are rows of a table. A C function cannot tell under which name
 * it was called, so dozens of methods with one body would need as many
 * wrappers; this descriptor carries the row along instead. It behaves and
 * costs as a built-in method does.
 */
#include "bindings.h"

#include <string.h>

typedef struct descriptor {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyTypeObject *owner;
    const row_method *row;
} descriptor;

static int fits(const descriptor *self, PyObject *object)
{
    if (self->row->of_class)
        return PyType_Check(object) && PyType_IsSubtype((PyTypeObject *)object, self->owner);
    if (Py_TYPE(object)->tp_base == self->owner) /* as most are: no walk along the bases */
        return 1;
    return PyObject_TypeCheck(object, self->owner);
}

static PyObject *descriptor_call(PyObject *callable, PyObject *const *args, size_t nargsf,
                                 PyObject *keywords)
{
    descriptor *self = (descriptor *)callable;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);

    if (nargs < 1 || !fits(self, args[0])) {
        PyErr_Format(PyExc_TypeError, "'%s' must be called on a '%.100s' object", self->row->name,
                     self->owner->tp_name);
        return NULL;
    }
    return self->row->body(args[0], self->row, args + 1, nargs - 1, keywords);
}

static PyObject *descriptor_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    return object == NULL ? Py_NewRef(self) : PyMethod_New(self, object);
}

static void descriptor_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    Py_XDECREF(((descriptor *)object)->owner);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ------------------------------------------------- what help() and inspect ask */

static const char *doc_body(const char *doc)
{
    const char *mark = strstr(doc, "\n--\n\n");
    return mark != NULL ? mark + 5 : doc;
}

static PyObject *get_doc(PyObject *self, void *Py_UNUSED(none))
{
    return PyUnicode_FromString(doc_body(((descriptor *)self)->row->doc));
}

static PyObject *get_signature(PyObject *self, void *Py_UNUSED(none))
{
    const char *doc = ((descriptor *)self)->row->doc;
    const char *open = strchr(doc, '('), *mark = strstr(doc, "\n--\n\n");

    if (open == NULL || mark == NULL)
        Py_RETURN_NONE;
    return PyUnicode_FromStringAndSize(open, mark - open);
}

static PyObject *get_name(PyObject *self, void *Py_UNUSED(none))
{
    return PyUnicode_FromString(((descriptor *)self)->row->name);
}

static PyObject *get_qualname(PyObject *object, void *Py_UNUSED(none))
{
    descriptor *self = (descriptor *)object;
    return PyUnicode_FromFormat("%s.%s", strrchr(self->owner->tp_name, '.') + 1, self->row->name);
}

static PyObject *get_owner(PyObject *self, void *Py_UNUSED(none))
{
    return Py_NewRef(((descriptor *)self)->owner);
}

static PyObject *descriptor_repr(PyObject *object)
{
    descriptor *self = (descriptor *)object;
    return PyUnicode_FromFormat("<method '%s' of '%s' objects>", self->row->name,
                                self->owner->tp_name);
}

static PyGetSetDef descriptor_getset[] = {
    {"__doc__", get_doc, NULL, NULL, NULL},
    {"__text_signature__", get_signature, NULL, NULL, NULL},
    {"__name__", get_name, NULL, NULL, NULL},
    {"__qualname__", get_qualname, NULL, NULL, NULL},
    {"__objclass__", get_owner, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef descriptor_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(descriptor, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot descriptor_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, descriptor_get},
    {Py_tp_dealloc, descriptor_dealloc},
    {Py_tp_repr, descriptor_repr},
    {Py_tp_getset, descriptor_getset},
    {Py_tp_members, descriptor_members},
    {0, NULL},
};

PyType_Spec RowMethod_spec = {
    .name = "collio.MPI._RowMethod",
    .basicsize = sizeof(descriptor),
    /* immutable, or the interpreter would look each method up anew */
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = descriptor_slots,
};

PyObject *method_one(PyObject *self, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    const param params[] = {{row->mpi_name, arg_object, 0}, {NULL, NULL, 0}};
    PyObject *argument;

    if (args_parse(row->name, params, &argument, args, nargs, keywords) < 0)
        return NULL;
    return row->call.one(self, argument);
}

PyObject *method_none(PyObject *self, const row_method *row, PyObject *const *Py_UNUSED(args),
                      Py_ssize_t nargs, PyObject *keywords)
{
    if (nargs > 0 || (keywords != NULL && PyTuple_GET_SIZE(keywords) > 0))
        return PyErr_Format(PyExc_TypeError, "%s() takes no arguments (%zd given)", row->name,
                            nargs + (keywords != NULL ? PyTuple_GET_SIZE(keywords) : 0));
    return row->call.none(self, NULL);
}

PyObject *ask(PyObject *self, void *method)
{
    return ((PyCFunction)method)(self, NULL);
}

/* ------------------------------------------------------------ adding methods */

static int add(PyTypeObject *type, const char *name, PyObject *method)
{
    int result = method == NULL ? -1 : PyObject_SetAttrString((PyObject *)type, name, method);

    Py_XDECREF(method);
    return result;
}

int methods_add(PyTypeObject *type, PyMethodDef *methods)
{
    for (; methods->ml_name != NULL; methods++) {
        PyObject *method = methods->ml_flags & METH_CLASS ? PyDescr_NewClassMethod(type, methods)
                                                          : PyDescr_NewMethod(type, methods);
        if (add(type, methods->ml_name, method) < 0)
            return -1;
    }
    return 0;
}

/* Steals the method. */
static PyObject *wrap(PyObject *method, int of_class)
{
    PyObject *wrapped;

    if (!of_class)
        return method;
    wrapped = PyClassMethod_New(method);
    Py_DECREF(method);
    return wrapped;
}

int rows_add(state *st, PyTypeObject *type, const row_method *rows)
{
    for (; rows->name != NULL; rows++) {
        descriptor *d = PyObject_New(descriptor, st->types[TYPE_RowMethod]);
        if (d == NULL)
            return -1;
        d->vectorcall = descriptor_call;
        d->owner = (PyTypeObject *)Py_NewRef(type);
        d->row = rows;
        if (add(type, rows->name, wrap((PyObject *)d, rows->of_class)) < 0)
            return -1;
    }
    return 0;
}

/* ------------------------------------------------------------ the commonest methods */

/*
 * The interpreter calls a method of its own kind, and of the object's very class, in half the time
 * of any other: 10 ns less of the 50 to 100 that a small message takes. So what programs call most
 * is in each class of communicators once more. There is a C function for each, since those
 * descriptors carry no row along.
 */
/* clang-format off */
#define CALLS \
    X(Send) X(Recv) X(Sendrecv) X(Isend) X(Irecv) X(Probe) X(Iprobe) X(Bcast) X(Gather) \
    X(Gatherv) X(Scatter) X(Scatterv) X(Allgather) X(Allgatherv) X(Alltoall) X(Alltoallv) \
    X(Reduce) X(Allreduce) X(send) X(recv) X(sendrecv) X(isend) X(irecv) X(probe) X(iprobe) \
    X(bcast) X(gather) X(scatter) X(allgather) X(alltoall) X(reduce) X(allreduce)
#define QUESTIONS X(Get_rank) X(Get_size) X(Barrier) X(barrier)
/* clang-format on */

/* Where the rows are. */
enum {
#define X(name) AT_##name,
    CALLS QUESTIONS
#undef X
        COMMON
};

static const row_method *common_rows[COMMON];

#define X(name)                                                                                    \
    static PyObject *call_##name(PyObject *self, PyObject *const *args, Py_ssize_t nargs,          \
                                 PyObject *keywords)                                               \
    {                                                                                              \
        return common_rows[AT_##name]->body(self, common_rows[AT_##name], args, nargs, keywords);  \
    }
CALLS
#undef X

#define X(name)                                                                                    \
    static PyObject *call_##name(PyObject *self, PyObject *Py_UNUSED(none))                        \
    {                                                                                              \
        return common_rows[AT_##name]->call.none(self, NULL);                                      \
    }
QUESTIONS
#undef X

static PyMethodDef common[] = {
#define X(name) {#name, FAST(call_##name), FASTCALL, NULL},
    CALLS
#undef X
#define X(name) {#name, call_##name, METH_NOARGS, NULL},
        QUESTIONS
#undef X
};

/* The row of a method that the class has or inherits; NULL if there is none. */
static const row_method *row_of(state *st, PyTypeObject *type, const char *name)
{
    PyObject *found = PyObject_GetAttrString((PyObject *)type, name);
    const row_method *row = NULL;

    if (found != NULL && Py_TYPE(found) == st->types[TYPE_RowMethod])
        row = ((descriptor *)found)->row;
    Py_XDECREF(found);
    return row;
}

static int add_common(state *st, PyTypeObject *type, int i)
{
    if (row_of(st, type, common[i].ml_name) == common_rows[i])
        return add(type, common[i].ml_name, PyDescr_NewMethod(type, &common[i]));
    PyErr_Format(PyExc_SystemError, "%s.%s is not Comm's", type->tp_name, common[i].ml_name);
    return -1;
}

int common_add(state *st)
{
    static const enum type_slot classes[] = {TYPE_Intracomm, TYPE_Intercomm, TYPE_Cartcomm,
                                             TYPE_Graphcomm, TYPE_Distgraphcomm};

    for (int i = 0; i < COMMON; i++) {
        common_rows[i] = row_of(st, st->types[TYPE_Comm], common[i].ml_name);
        if (common_rows[i] == NULL)
            return -1;
        common[i].ml_doc = common_rows[i]->doc;
    }
    for (size_t k = sizeof classes / sizeof *classes; k-- > 0;) /* derived classes first */
        for (int i = 0; i < COMMON; i++)
            if (add_common(st, st->types[classes[k]], i) < 0)
                return -1;
    return 0;
}
