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
                 .places = PyMem_Calloc(room, sizeof(MPI_Aint)),
                 .types = PyMem_Malloc(room * sizeof(MPI_Datatype))};
    if (t->sizes == NULL || t->counts == NULL || t->displs == NULL || t->places == NULL ||
        t->types == NULL) {
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
    for (int i = 0; t->own_types && i < t->n; i++)
        MPI_Type_free(&t->types[i]);
    PyMem_Free(t->parcels);
    PyMem_Free(t->places);
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
        t->places[i] = (MPI_Aint)at;
        at += parcel_aligned(size);
    }
    if (room)
        t->room = parcel_room((Py_ssize_t)at, &t->data);
    t->from = t->data;
    return room && t->room == NULL ? -1 : 0;
}

static int64_t total_of(const table *t)
{
    int64_t total = 0;

    for (int i = 0; i < t->n; i++)
        total += t->sizes[i] < 0 ? 0 : parcel_aligned(t->sizes[i]);
    return total;
}

/* One element of a type that lies at its absolute address. */
static int place_typed(table *t, int i, char *data)
{
    int length = t->sizes[i] < 0 ? 0 : (int)t->sizes[i], result;
    MPI_Aint address;

    MPI_Get_address(data, &address);
    result = MPI_Type_create_hindexed(1, &length, &address, MPI_BYTE, &t->types[i]);
    if (result == MPI_SUCCESS)
        result = MPI_Type_commit(&t->types[i]);
    t->counts[i] = 1;
    return mpi_failed(result, "MPI_Type_create_hindexed");
}

int table_lay_out_typed(table *t)
{
    char *at;

    if (total_of(t) <= INT_MAX)
        return table_lay_out(t, 1);
    t->room = parcel_room((Py_ssize_t)total_of(t), &t->data);
    if (t->room == NULL)
        return -1;
    at = t->data;
    for (int i = 0; i < t->n; i++) {
        if (place_typed(t, i, at) < 0)
            return -1;
        t->places[i] = 0;
        at += t->sizes[i] < 0 ? 0 : parcel_aligned(t->sizes[i]);
    }
    t->own_types = 1;
    t->from = MPI_BOTTOM;
    return 0;
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
    t->from = MPI_BOTTOM;
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
        t->places[i] = 0;
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
    int64_t at = 0;

    for (int i = 0; list != NULL && i < t->n; i++) {
        object = t->sizes[i] == NOBODY
                     ? Py_NewRef(Py_None)
                     : parcel_open(serializer, t->room, (Py_ssize_t)at, (Py_ssize_t)t->sizes[i]);
        at += t->sizes[i] < 0 ? 0 : parcel_aligned(t->sizes[i]);
        if (object == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, object);
    }
    return list;
}
