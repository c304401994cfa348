/* IN_PLACE, BOTTOM and BUFFER_AUTOMATIC: addresses that stand for something else, one object
 * of a class each. */
#include "bindings.h"

#ifndef MPI_BUFFER_AUTOMATIC
#define MPI_BUFFER_AUTOMATIC NULL
#endif

typedef struct special_row {
    const char *name;
    enum type_slot slot;
    PyObject **there; /* the object in the state, once it exists */
    void *address;
} special_row;

/* What the class stands for. */
static special_row row_of(state *st, PyTypeObject *type)
{
    const special_row rows[] = {
        {"IN_PLACE", TYPE_InPlaceType, &st->in_place, MPI_IN_PLACE},
        {"BOTTOM", TYPE_BottomType, &st->bottom, MPI_BOTTOM},
        {"BUFFER_AUTOMATIC", TYPE_BufferAutomaticType, &st->automatic, MPI_BUFFER_AUTOMATIC},
    };
    int i = 0;

    while (i < 2 && st->types[rows[i].slot] != type)
        i++;
    return rows[i];
}

static special_row row_of_object(PyObject *self)
{
    return row_of(state_of(self), Py_TYPE(self));
}

static PyObject *special_repr(PyObject *self)
{
    return PyUnicode_FromString(row_of_object(self).name);
}

static PyObject *special_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *there = *row_of(state_of_class((PyObject *)type), type).there;

    if (PyTuple_GET_SIZE(args) > 0 || (keywords != NULL && PyDict_GET_SIZE(keywords) > 0))
        return PyErr_Format(PyExc_TypeError, "%s() takes no arguments", type->tp_name);
    return there != NULL ? Py_NewRef(there) : type->tp_alloc(type, 0);
}

PyDoc_STRVAR(reduce_doc, "__reduce__($self, /)\n--\n\nPickle by name.");

static PyObject *special_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    return special_repr(self);
}

static int special_bool(PyObject *self)
{
    return row_of_object(self).address != NULL;
}

/* As the pointer that stands for it in C. */
static PyObject *special_int(PyObject *self)
{
    return PyLong_FromSsize_t((Py_ssize_t)(intptr_t)row_of_object(self).address);
}

static Py_hash_t special_hash(PyObject *self)
{
    Py_hash_t hash = (Py_hash_t)(intptr_t)row_of_object(self).address;
    return hash == -1 ? -2 : hash;
}

/* Equal to itself and to the integer that it is. */
static PyObject *special_compare(PyObject *self, PyObject *other, int how)
{
    PyObject *number, *result;

    if (how != Py_EQ && how != Py_NE)
        Py_RETURN_NOTIMPLEMENTED;
    if (!PyLong_Check(other))
        return PyBool_FromLong((self == other) == (how == Py_EQ));
    number = special_int(self);
    result = number != NULL ? PyObject_RichCompare(number, other, how) : NULL;
    Py_XDECREF(number);
    return result;
}

/* Nothing can be read or written there. */
static int special_export(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, row_of_object(self).address, 0, 0, flags);
}

static PyMethodDef special_methods[] = {
    {"__reduce__", special_reduce, METH_NOARGS, reduce_doc},
    {NULL, NULL, 0, NULL},
};

/* X(class, documentation, Py_nb_index if it is an index, too, or 0) */
#define SPECIALS                                                                                   \
    X(InPlaceType, "Type of IN_PLACE.", 0)                                                         \
    X(BottomType, "Type of BOTTOM.", Py_nb_index)                                                  \
    X(BufferAutomaticType, "Type of BUFFER_AUTOMATIC.", 0)

/* clang-format off */
#define X(class, doc, index) \
    static PyType_Slot class##_slots[] = {                                                         \
        {Py_tp_doc, (void *)doc},           {Py_tp_new, special_new},                              \
        {Py_tp_repr, special_repr},         {Py_tp_hash, special_hash},                            \
        {Py_tp_richcompare, special_compare}, {Py_bf_getbuffer, special_export},                   \
        {Py_tp_methods, special_methods},   {Py_nb_bool, special_bool},                            \
        {Py_nb_int, special_int},           {index, special_int}, {0, NULL},                                  \
    };                                                                                             \
    PyType_Spec class##_spec = {                                                                   \
        .name = "collio.MPI." #class,                                                              \
        .basicsize = sizeof(PyObject),                                                             \
        .flags = Py_TPFLAGS_DEFAULT,                                                               \
        .slots = class##_slots,                                                                    \
    };
SPECIALS
#undef X
/* clang-format on */

int special_setup(PyObject *module, state *st)
{
    const enum type_slot slots[] = {TYPE_InPlaceType, TYPE_BottomType, TYPE_BufferAutomaticType};

    for (int i = 0; i < 3; i++) {
        special_row row = row_of(st, st->types[slots[i]]);
        *row.there = PyObject_CallNoArgs((PyObject *)st->types[slots[i]]);
        if (*row.there == NULL || PyModule_AddObjectRef(module, row.name, *row.there) < 0)
            return -1;
    }
    return 0;
}
