/* Parcels of several ranks in one block of memory, for the lower-case collective calls. */
#include "objects.h"

#include <string.h>

int table_init(table *t, int n)
{
    size_t room = (size_t)n + 1;

    *t = (table){.n = n,
                 .sizes = PyMem_Malloc(room * sizeof(int64_t)),
                 .counts = PyMem_Calloc(room, sizeof(int)),
                 .displs = PyMem_Calloc(room, sizeof(int)),
                 .types = PyMem_Malloc(room * sizeof(MPI_Datatype))};
    if (t->sizes == NULL || t->counts == NULL || t->displs == NULL || t->types == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < room; i++) {
        t->sizes[i] = NOBODY;
        t->types[i] = MPI_BYTE;
    }
    return 0;
}

void table_free(table *t)
{
    for (int i = 0; t->parcels != NULL && i < t->n; i++)
        parcel_release(&t->parcels[i]);
    PyMem_Free(t->parcels);
    PyMem_Free(t->types);
    PyMem_Free(t->sizes);
    PyMem_Free(t->counts);
    PyMem_Free(t->displs);
    Py_XDECREF(t->room);
}

/* Each part starts aligned. */
int table_lay_out(table *t, int room)
{
    int64_t at = 0;

    for (int i = 0; i < t->n; i++) {
        int64_t size = t->sizes[i] < 0 ? 0 : t->sizes[i];
        if (at + size > INT_MAX) {
            PyErr_SetString(PyExc_OverflowError, "the objects together exceed 2147483647 bytes: "
                                                 "send them one by one, or as arrays");
            return -1;
        }
        t->counts[i] = (int)size;
        t->displs[i] = (int)at;
        at += parcel_aligned(size);
    }
    if (room)
        t->room = parcel_room((Py_ssize_t)at, &t->data);
    return room && t->room == NULL ? -1 : 0;
}

int table_refuse(const table *t, const char *who)
{
    for (int i = 0; i < t->n; i++)
        if (object_refuse(t->sizes[i], who, i) < 0)
            return -1;
    return 0;
}

/* ----------------------------------------------------------------------------- packing */

/* The objects as a sequence of n. New. */
static PyObject *sequence_of(PyObject *objects, int n)
{
    PyObject *list;

    if (objects == Py_None) {
        list = PyTuple_New(n);
        for (int i = 0; list != NULL && i < n; i++)
            PyTuple_SET_ITEM(list, i, Py_NewRef(Py_None));
        return list;
    }
    list = PySequence_Fast(objects, "expecting a sequence with one object a rank");
    if (list != NULL && PySequence_Fast_GET_SIZE(list) != n) {
        PyErr_Format(PyExc_ValueError, "expecting %d items, got %zd", n,
                     PySequence_Fast_GET_SIZE(list));
        Py_CLEAR(list);
    }
    return list;
}

typedef int packer(PyObject *serializer, PyObject *object, parcel *p);

static int pack_each(PyObject *serializer, PyObject *list, packer *pack, table *t)
{
    t->parcels = PyMem_Calloc((size_t)t->n + 1, sizeof *t->parcels);
    if (t->parcels == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < t->n; i++) {
        if (pack(serializer, PySequence_Fast_GET_ITEM(list, i), &t->parcels[i]) < 0)
            return -1;
        t->sizes[i] = t->parcels[i].size;
    }
    return 0;
}

/* All in one block. */
static int join(table *t)
{
    if (table_lay_out(t, 1) < 0)
        return -1;
    for (int i = 0; i < t->n; i++)
        memcpy((char *)t->data + t->displs[i], t->parcels[i].data, (size_t)t->counts[i]);
    return 0;
}

/* All where they lie. */
static int pin(table *t)
{
    for (int i = 0; i < t->n; i++) {
        if (parcel_pin(&t->parcels[i]) < 0)
            return -1;
        t->counts[i] = t->parcels[i].count;
        t->displs[i] = 0;
        t->types[i] = t->parcels[i].type;
    }
    t->data = MPI_BOTTOM;
    return 0;
}

static int has_large(const table *t)
{
    int large = 0;

    for (int i = 0; i < t->n; i++)
        large |= t->parcels[i].own_type;
    return large;
}

static void mark_failed(table *t)
{
    for (int i = 0; i < t->n; i++) {
        t->sizes[i] = UNPICKLABLE;
        t->counts[i] = t->displs[i] = 0;
        t->types[i] = MPI_BYTE;
    }
}

static int pack_table(PyObject *serializer, PyObject *objects, packer *pack, table *t)
{
    PyObject *list = sequence_of(objects, t->n);
    int result = -1;

    if (list != NULL && pack_each(serializer, list, pack, t) == 0)
        result = has_large(t) ? pin(t) : join(t);
    Py_XDECREF(list);
    if (result < 0)
        mark_failed(t);
    return result;
}

int table_pack(PyObject *serializer, PyObject *objects, table *t)
{
    return pack_table(serializer, objects, parcel_pack_plain, t);
}

int table_pack_apart(PyObject *serializer, PyObject *objects, table *t)
{
    return pack_table(serializer, objects, parcel_pack, t);
}

PyObject *table_open(PyObject *serializer, const table *t)
{
    PyObject *list = PyList_New(t->n), *object;

    for (int i = 0; list != NULL && i < t->n; i++) {
        object = t->sizes[i] == NOBODY
                     ? Py_NewRef(Py_None)
                     : parcel_open(serializer, t->room, t->displs[i], t->counts[i]);
        if (object == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, object);
    }
    return list;
}
