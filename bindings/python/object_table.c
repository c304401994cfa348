/* Parcels of several ranks in one block of memory, for the lower-case collective calls. */
#include "objects.h"

#include <string.h>

int table_init(table *t, int n)
{
    size_t room = (size_t)n + 1;

    *t = (table){.n = n,
                 .sizes = spare_calloc(room, sizeof(int64_t)),
                 .counts = spare_calloc(room, sizeof(int)),
                 .displs = spare_calloc(room, sizeof(int)),
                 .places = spare_calloc(room, sizeof(MPI_Aint)),
                 .types = spare_calloc(room, sizeof(MPI_Datatype))};
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
        if (t->types[i] != MPI_BYTE)
            MPI_Type_free(&t->types[i]);
    PyMem_Free(t->parcels);
    spare_free(t->notices);
    spare_free(t->places);
    spare_free(t->types);
    spare_free(t->sizes);
    spare_free(t->counts);
    spare_free(t->displs);
    Py_XDECREF(t->room);
}

int64_t table_total(const table *t)
{
    int64_t total = 0;

    for (int i = 0; i < t->n; i++)
        total += t->sizes[i] < 0 ? 0 : parcel_aligned(t->sizes[i]);
    return total;
}

/* Room for all, or 0: then it is to be received all the same, since others wait for that. */
static int make_room(table *t)
{
    const int64_t total = table_total(t);

    t->room = parcel_room((Py_ssize_t)total, &t->data);
    if (t->room != NULL)
        return 1;
    PyErr_Clear();
    t->lost = total;
    if (total <= SINK_SIZE)
        t->data = sink_memory;
    return 0;
}

/* Bytes at the start of a part that a notice has told. */
static int64_t told(const table *t, int i)
{
    return t->notices != NULL ? t->notices[i].head : 0;
}

/* Bytes of a part that are still to come. */
static int64_t to_come(const table *t, int i)
{
    if (told(t, i) > 0 && told(t, i) == t->sizes[i])
        return 0;
    if (told(t, i) > 0)
        return parcel_buffer_length(t->notices[i].bytes, 0);
    return t->sizes[i] < 0 ? 0 : t->sizes[i];
}

/* Each part starts aligned. */
int table_lay_out(table *t, int room)
{
    int64_t at = 0;

    for (int i = 0; i < t->n; i++) {
        t->counts[i] = (int)to_come(t, i);
        t->displs[i] = (int)(at + told(t, i));
        t->places[i] = (MPI_Aint)t->displs[i];
        at += t->sizes[i] < 0 ? 0 : parcel_aligned(t->sizes[i]);
    }
    if (room)
        make_room(t);
    t->from = t->data;
    return 0;
}

/* One element of a type that lies at its absolute address, or in the sink. */
static int place_typed(table *t, int i, char *data)
{
    const int64_t length = to_come(t, i);

    t->counts[i] = 1;
    t->displs[i] = 0;
    t->places[i] = 0;
    return data != NULL ? parcel_place(data + told(t, i), length, &t->types[i])
                        : sink_type(length, &t->types[i]);
}

int table_lay_out_typed(table *t)
{
    int64_t at = 0;

    if (table_total(t) > INT_MAX)
        make_room(t);
    else
        table_lay_out(t, 1);
    table_put_heads(t);
    if (t->from != NULL)
        return 0;
    t->own_types = 1;
    t->from = MPI_BOTTOM;
    for (int i = 0; i < t->n; i++) {
        if (place_typed(t, i, t->data != NULL ? (char *)t->data + at : NULL) < 0)
            return -1;
        at += t->sizes[i] < 0 ? 0 : parcel_aligned(t->sizes[i]);
    }
    return 0;
}

int table_refuse(const table *t, const char *who)
{
    for (int i = 0; i < t->n; i++)
        if (object_refuse(t->sizes[i], who, i) < 0)
            return -1;
    if (t->lost == 0)
        return 0;
    PyErr_Format(PyExc_MemoryError, "no memory for %lld bytes of objects, which are lost",
                 (long long)t->lost);
    return -1;
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

static int pack_each(PyObject *serializer, PyObject *list, table *t)
{
    t->parcels = PyMem_Calloc((size_t)t->n + 1, sizeof *t->parcels);
    if (t->parcels == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < t->n; i++) {
        if (parcel_pack(serializer, PySequence_Fast_GET_ITEM(list, i), &t->parcels[i]) < 0)
            return -1;
        t->sizes[i] = t->parcels[i].size;
    }
    return 0;
}

/* Small parcels, into the notices. Whether nothing is left to be sent. */
static int tell_small(table *t)
{
    int left = 0;

    for (int i = 0; i < t->n; i++) {
        const parcel *p = &t->parcels[i];
        notice *n = &t->notices[i];
        if (t->sizes[i] > (int64_t)sizeof n->bytes) {
            left = 1;
        } else if (t->sizes[i] > 0) {
            n->head = t->sizes[i];
            memcpy(n->bytes, p->data, (size_t)n->head);
        }
    }
    return !left;
}

/* All in one block, but for what the notices tell. */
static int join(table *t)
{
    if (t->notices != NULL && tell_small(t))
        return table_lay_out(t, 0);
    table_lay_out(t, 1);
    if (t->lost > 0) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < t->n; i++)
        if (t->counts[i] > 0)
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
    t->in_place = 1;
    return 0;
}

/* Whether some lie apart, or all together are more than an int can say. */
static int has_large(const table *t)
{
    int large = table_total(t) > INT_MAX;

    for (int i = 0; i < t->n; i++)
        large |= t->parcels[i].own_type;
    return large;
}

void table_fail(table *t)
{
    t->in_place = 0;
    t->from = t->data;
    for (int i = 0; i < t->n; i++) {
        t->sizes[i] = UNPICKLABLE;
        if (t->notices != NULL)
            t->notices[i].head = 0;
        t->counts[i] = t->displs[i] = 0;
        t->places[i] = 0;
        t->types[i] = MPI_BYTE;
    }
}

int table_pack(PyObject *serializer, PyObject *objects, table *t)
{
    PyObject *list = sequence_of(objects, t->n);
    int result = -1;

    if (list != NULL && pack_each(serializer, list, t) == 0)
        result = has_large(t) ? pin(t) : join(t);
    Py_XDECREF(list);
    if (result < 0)
        table_fail(t);
    return result;
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
