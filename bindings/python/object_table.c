/* Parcels of several ranks in one block of memory, for the lower-case collective calls. */
#include "objects.h"

#include <string.h>

int table_init(table *t, int n)
{
    size_t room = (size_t)n + 1;

    *t = (table){.n = n,
                 .sizes = PyMem_Malloc(room * sizeof(int64_t)),
                 .counts = PyMem_Calloc(room, sizeof(int)),
                 .displs = PyMem_Calloc(room, sizeof(int))};
    if (t->sizes == NULL || t->counts == NULL || t->displs == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < room; i++)
        t->sizes[i] = NOBODY;
    return 0;
}

void table_free(table *t)
{
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

static int pack_all(PyObject *serializer, PyObject *list, parcel *parcels, table *t)
{
    for (int i = 0; i < t->n; i++) {
        if (parcel_pack_plain(serializer, PySequence_Fast_GET_ITEM(list, i), &parcels[i]) < 0)
            return -1;
        t->sizes[i] = parcels[i].size;
    }
    if (table_lay_out(t, 1) < 0)
        return -1;
    for (int i = 0; i < t->n; i++)
        memcpy((char *)t->data + t->displs[i], parcels[i].data, (size_t)t->counts[i]);
    return 0;
}

static void mark_failed(table *t)
{
    for (int i = 0; i < t->n; i++) {
        t->sizes[i] = UNPICKLABLE;
        t->counts[i] = t->displs[i] = 0;
    }
}

int table_pack(PyObject *serializer, PyObject *objects, table *t)
{
    PyObject *list = sequence_of(objects, t->n);
    parcel *parcels = PyMem_Calloc((size_t)t->n + 1, sizeof *parcels);
    int result = -1;

    if (list != NULL && parcels == NULL)
        PyErr_NoMemory();
    else if (list != NULL)
        result = pack_all(serializer, list, parcels, t);
    for (int i = 0; parcels != NULL && i < t->n; i++)
        parcel_release(&parcels[i]);
    PyMem_Free(parcels);
    Py_XDECREF(list);
    if (result < 0)
        mark_failed(t);
    return result;
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
