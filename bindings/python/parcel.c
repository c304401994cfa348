/*
 * Objects on the wire. A parcel is one message. A small object travels as its bare pickle. One with
 * large arrays in it (pickle protocol 5, out-of-band buffers) travels as
 *
 *   head: mark | number of buffers | length of pickle | length of each buffer
 *         | pickle | padding
 *   buffer | padding | buffer | padding ...
 *
 * with head and buffers starting at multiples of 16 bytes. The sender describes
 * these pieces of memory by a datatype, so the arrays are sent from where they
 * lie; the receiver's arrays are views into the one block received.
 */
#include "bindings.h"

#include <limits.h>
#include <string.h>

static const char mark[8] = "\xC5olliop1";

/* ---------------------------------------------------------------------- packing */

/* Bytes before the pickle. */
static int64_t table_size(int64_t buffers)
{
    return (int64_t)sizeof mark + 8 * (buffers + 2);
}

static void put_number(char *at, int64_t number)
{
    memcpy(at, &number, sizeof number);
}

static int64_t get_number(const char *at)
{
    int64_t number;

    memcpy(&number, at, sizeof number);
    return number;
}

/* The head: a bytes object of aligned length. */
static PyObject *make_head(PyObject *pickle, PyObject *buffers)
{
    Py_ssize_t n = PyList_GET_SIZE(buffers), length = PyBytes_GET_SIZE(pickle);
    int64_t used = table_size(n) + length, size = parcel_aligned(used);
    PyObject *head = PyBytes_FromStringAndSize(NULL, size);
    char *at;

    if (head == NULL)
        return NULL;
    at = PyBytes_AS_STRING(head);
    memcpy(at, mark, sizeof mark);
    put_number(at + 8, n);
    put_number(at + 16, length);
    for (Py_ssize_t i = 0; i < n; i++)
        put_number(at + 24 + 8 * i, PyPickleBuffer_GetBuffer(PyList_GET_ITEM(buffers, i))->len);
    memcpy(at + table_size(n), PyBytes_AS_STRING(pickle), (size_t)length);
    memset(at + used, 0, (size_t)(size - used));
    return head;
}

int64_t parcel_buffers(const void *head)
{
    return get_number((const char *)head + 8);
}

int64_t parcel_buffer_length(const void *head, int64_t i)
{
    return get_number((const char *)head + 24 + 8 * i);
}

/* The pieces of memory of a parcel: each followed by padding. */
typedef struct pieces {
    int n;
    int *lengths;
    MPI_Aint *places;
    int64_t size;
} pieces;

static int add_piece(pieces *list, const void *data, int64_t length)
{
    static const char zeros[16];
    int64_t padding = parcel_aligned(length) - length;

    if (length > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a buffer of the object exceeds 2147483647 bytes");
        return -1;
    }
    list->lengths[list->n] = (int)length;
    MPI_Get_address(data, &list->places[list->n++]);
    if (padding > 0) {
        list->lengths[list->n] = (int)padding;
        MPI_Get_address(zeros, &list->places[list->n++]);
    }
    list->size += length + padding;
    return 0;
}

static int add_pieces(pieces *list, PyObject *head, PyObject *buffers)
{
    Py_ssize_t n = PyList_GET_SIZE(buffers);

    if (add_piece(list, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head)) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        const Py_buffer *view = PyPickleBuffer_GetBuffer(PyList_GET_ITEM(buffers, i));
        if (add_piece(list, view->buf, view->len) < 0)
            return -1;
    }
    return 0;
}

static int make_type(const pieces *list, parcel *p)
{
    int failed = mpi_failed(
        MPI_Type_create_hindexed(list->n, list->lengths, list->places, MPI_BYTE, &p->type),
        "MPI_Type_create_hindexed");

    if (failed)
        return -1;
    p->own_type = 1;
    p->data = MPI_BOTTOM;
    p->count = 1;
    p->size = (Py_ssize_t)list->size;
    return mpi_failed(MPI_Type_commit(&p->type), "MPI_Type_commit");
}

static int pack_pieces(PyObject *pickle, PyObject *buffers, parcel *p)
{
    size_t room = 2 * ((size_t)PyList_GET_SIZE(buffers) + 1);
    pieces list = {0, PyMem_Malloc(room * sizeof(int)), PyMem_Malloc(room * sizeof(MPI_Aint)), 0};
    PyObject *head = make_head(pickle, buffers);
    int result = -1;

    if (head != NULL && (list.lengths == NULL || list.places == NULL))
        PyErr_NoMemory();
    else if (head != NULL && add_pieces(&list, head, buffers) == 0)
        result = make_type(&list, p);
    if (result == 0)
        p->keep = PyTuple_Pack(2, head, buffers);
    p->head = head;
    p->buffers = buffers;
    Py_XDECREF(head);
    PyMem_Free(list.lengths);
    PyMem_Free(list.places);
    return p->keep == NULL ? -1 : result;
}

static int pack_plain(PyObject *pickle, parcel *p)
{
    if (PyBytes_GET_SIZE(pickle) > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "the pickled object exceeds 2147483647 bytes");
        return -1;
    }
    p->keep = Py_NewRef(pickle);
    p->data = PyBytes_AS_STRING(pickle);
    p->size = PyBytes_GET_SIZE(pickle);
    p->count = (int)p->size;
    return 0;
}

int parcel_pack(state *st, PyObject *object, parcel *p)
{
    PyObject *buffers = PyList_New(0);
    PyObject *pickle = buffers != NULL ? pickle_dump(st, object, buffers) : NULL;
    int result = -1;

    *p = (parcel){.type = MPI_BYTE};
    if (pickle != NULL && PyList_GET_SIZE(buffers) > 0)
        result = pack_pieces(pickle, buffers, p);
    else if (pickle != NULL)
        result = pack_plain(pickle, p);
    Py_XDECREF(pickle);
    Py_XDECREF(buffers);
    return result;
}

int parcel_pack_plain(state *st, PyObject *object, parcel *p)
{
    PyObject *pickle = pickle_dump(st, object, NULL);
    int result = -1;

    *p = (parcel){.type = MPI_BYTE};
    if (pickle != NULL)
        result = pack_plain(pickle, p);
    Py_XDECREF(pickle);
    return result;
}

void parcel_release(parcel *p)
{
    if (p->own_type)
        MPI_Type_free(&p->type);
    p->own_type = 0;
    Py_CLEAR(p->keep);
}

/* -------------------------------------------------------------------- unpacking */

PyObject *parcel_room(Py_ssize_t size, void **data)
{
    PyObject *room;

    if (size > INT_MAX)
        return PyErr_Format(PyExc_OverflowError, "an object of %zd bytes exceeds 2147483647", size);
    room = PyByteArray_FromStringAndSize(NULL, size);
    if (room != NULL)
        *data = PyByteArray_AS_STRING(room);
    return room;
}

/* room[start:start+size] without a copy. New. */
static PyObject *slice(PyObject *view, Py_ssize_t start, Py_ssize_t size)
{
    PyObject *from = PyLong_FromSsize_t(start), *to = PyLong_FromSsize_t(start + size);
    PyObject *range = from && to ? PySlice_New(from, to, NULL) : NULL, *result = NULL;

    if (range != NULL)
        result = PyObject_GetItem(view, range);
    Py_XDECREF(from);
    Py_XDECREF(to);
    Py_XDECREF(range);
    return result;
}

/* The out-of-band buffers of a parcel as views. *at: where they start. New list. */
static PyObject *slice_buffers(PyObject *view, const char *data, Py_ssize_t start, int64_t at)
{
    int64_t n = parcel_buffers(data), length;
    PyObject *list = PyList_New(n), *item;

    for (int64_t i = 0; list != NULL && i < n; i++) {
        length = parcel_buffer_length(data, i);
        item = slice(view, start + at, length);
        at += parcel_aligned(length);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *open_pieces(state *st, PyObject *view, const char *data, Py_ssize_t start)
{
    int64_t at = table_size(parcel_buffers(data)), length = get_number(data + 16);
    PyObject *pickle, *buffers, *object = NULL;

    pickle = slice(view, start + at, length);
    buffers = slice_buffers(view, data, start, parcel_aligned(at + length));
    if (pickle != NULL && buffers != NULL)
        object = pickle_load(st, pickle, buffers);
    Py_XDECREF(pickle);
    Py_XDECREF(buffers);
    return object;
}

PyObject *parcel_open(state *st, PyObject *room, Py_ssize_t start, Py_ssize_t size)
{
    const char *data = PyByteArray_AS_STRING(room) + start;
    PyObject *view, *part, *object;

    if (start == 0 && size == 0) /* from PROC_NULL */
        Py_RETURN_NONE;
    view = PyMemoryView_FromObject(room);
    if (view == NULL)
        return NULL;
    if (size > (Py_ssize_t)sizeof mark && memcmp(data, mark, sizeof mark) == 0) {
        object = open_pieces(st, view, data, start);
    } else {
        part = slice(view, start, size);
        object = part != NULL ? pickle_load(st, part, NULL) : NULL;
        Py_XDECREF(part);
    }
    Py_DECREF(view);
    return object;
}
