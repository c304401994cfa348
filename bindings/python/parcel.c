/* Packing objects: see parcel.h for what travels. */
#include "parcel.h"
#include "plain.h"

#include <limits.h>
#include <string.h>

const char parcel_mark[8] = {'\xC5', 'o', 'l', 'l', 'i', 'o', 'p', '4'};

/* Below it a second message costs more than what it saves. */
enum { LOAD_MIN = 32768 };

int64_t parcel_buffers(const void *head)
{
    return ((const parcel_head *)head)->buffers;
}

int64_t parcel_buffer_length(const void *head, int64_t i)
{
    return ((const parcel_head *)head)->lengths[i] & (((int64_t)1 << PARCEL_PLACE_SHIFT) - 1);
}

int parcel_buffer_place(const void *head, int64_t i)
{
    return (int)(((const parcel_head *)head)->lengths[i] >> PARCEL_PLACE_SHIFT);
}

/* ------------------------------------------------------------------------- the head */

enum way { WHOLE, APART, EACH }; /* parcel_pack(), _apart(), _each() */

/* What an object is taken apart into. */
typedef struct content {
    enum parcel_kind kind;
    PyObject *body;    /* bytes */
    PyObject *buffers; /* list of PickleBuffer */
    int64_t load;      /* bytes of the buffers with their padding */
} content;

static const Py_buffer *apart_at(const content *c, Py_ssize_t i)
{
    return PyPickleBuffer_GetBuffer(PyList_GET_ITEM(c->buffers, i));
}

static int64_t head_size(const content *c)
{
    size_t lengths = (size_t)PyList_GET_SIZE(c->buffers) * sizeof(int64_t);

    return parcel_aligned((int64_t)(sizeof(parcel_head) + lengths) + PyBytes_GET_SIZE(c->body));
}

static int64_t length_and_place(const Py_buffer *view)
{
    return view->len | (int64_t)((uintptr_t)view->buf % 64) << PARCEL_PLACE_SHIFT;
}

/* The head, in bytes with room for `extra` more behind it. New. */
static PyObject *make_head(const content *c, int kind, int64_t extra)
{
    Py_ssize_t n = PyList_GET_SIZE(c->buffers), length = PyBytes_GET_SIZE(c->body);
    int64_t size = head_size(c);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(size + extra));
    parcel_head *head;

    if (bytes == NULL)
        return NULL;
    head = (parcel_head *)PyBytes_AS_STRING(bytes);
    memset((char *)head + size - 16, 0, 16); /* the padding is within */
    memcpy(head->mark, parcel_mark, sizeof parcel_mark);
    head->kind = kind;
    head->buffers = n;
    head->body = length;
    for (Py_ssize_t i = 0; i < n; i++)
        head->lengths[i] = length_and_place(apart_at(c, i));
    memcpy(head->lengths + n, PyBytes_AS_STRING(c->body), (size_t)length);
    return bytes;
}

/* --------------------------------------------------------------- pieces of memory */

/* The pieces of memory of a parcel: each followed by padding. */
typedef struct pieces {
    int n;
    int *lengths;
    MPI_Aint *places;
} pieces;

/* How many of them one piece is: an int says the length of each. */
enum { PIECE_MAX = 1 << 30 };

static size_t piece_count(int64_t length)
{
    return (size_t)(length / PIECE_MAX) + 2; /* a part of one, and padding */
}

static int pieces_init(pieces *list, size_t room)
{
    *list = (pieces){0, PyMem_Malloc(room * sizeof(int)), PyMem_Malloc(room * sizeof(MPI_Aint))};
    if (list->lengths != NULL && list->places != NULL)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static void pieces_free(pieces *list)
{
    PyMem_Free(list->lengths);
    PyMem_Free(list->places);
}

static void add_bytes(pieces *list, const char *data, int64_t length)
{
    for (int64_t done = 0; done < length; done += PIECE_MAX) {
        list->lengths[list->n] = (int)(length - done < PIECE_MAX ? length - done : PIECE_MAX);
        MPI_Get_address(data + done, &list->places[list->n++]);
    }
}

static void add_piece(pieces *list, const void *data, int64_t length)
{
    static const char zeros[16];

    add_bytes(list, data, length);
    add_bytes(list, zeros, parcel_aligned(length) - length);
}

static void add_pieces(pieces *list, PyObject *head, const content *c)
{
    if (head != NULL)
        add_piece(list, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(c->buffers); i++)
        add_piece(list, apart_at(c, i)->buf, apart_at(c, i)->len);
}

static int make_type(const pieces *list, MPI_Datatype *type)
{
    MPI_Datatype made;
    int result = MPI_Type_create_hindexed(list->n, list->lengths, list->places, MPI_BYTE, &made);

    if (mpi_failed(result, "MPI_Type_create_hindexed") < 0)
        return -1;
    *type = made;
    return mpi_failed(MPI_Type_commit(type), "MPI_Type_commit");
}

/* A datatype from MPI_BOTTOM of the head (if given) and all buffers. */
static int describe(PyObject *head, const content *c, parcel *p)
{
    size_t room = head != NULL ? piece_count(PyBytes_GET_SIZE(head)) : 0;
    pieces list;
    int result = -1;

    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(c->buffers); i++)
        room += piece_count(apart_at(c, i)->len);
    if (pieces_init(&list, room + 1) == 0) {
        add_pieces(&list, head, c);
        result = make_type(&list, &p->made);
        p->own_type = result == 0;
    }
    pieces_free(&list);
    return result;
}

int parcel_place(void *data, int64_t size, MPI_Datatype *type)
{
    pieces list;
    int result = -1;

    if (pieces_init(&list, piece_count(size)) == 0) {
        add_bytes(&list, data, size);
        result = make_type(&list, type);
    }
    pieces_free(&list);
    return result;
}

/* One element of a datatype from MPI_BOTTOM, in place of bytes. */
static int place(parcel *p, void *data)
{
    if (parcel_place(data, p->size, &p->made) < 0)
        return -1;
    p->own_type = 1;
    p->data = MPI_BOTTOM;
    p->count = 1;
    p->type = p->made;
    return 0;
}

/* -------------------------------------------------------------------- ways to pack */

static int pack_bytes(PyObject *bytes, parcel *p)
{
    p->keep = Py_NewRef(bytes);
    p->data = PyBytes_AS_STRING(bytes);
    p->size = PyBytes_GET_SIZE(bytes);
    if (p->size > INT_MAX)
        return place(p, p->data);
    p->count = (int)p->size;
    return 0;
}

/* All in one block of bytes. */
static int pack_copy(const content *c, parcel *p)
{
    PyObject *bytes = make_head(c, c->kind, c->load);
    char *at;
    int result;

    if (bytes == NULL)
        return -1;
    at = PyBytes_AS_STRING(bytes) + head_size(c);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(c->buffers); i++) {
        const Py_buffer *view = apart_at(c, i);
        int64_t padded = parcel_aligned(view->len);
        if (padded > 0)
            memset(at + padded - 16, 0, 16);
        memcpy(at, view->buf, (size_t)view->len);
        at += padded;
    }
    result = pack_bytes(bytes, p);
    Py_DECREF(bytes);
    return result;
}

/* What keeps the memory of head and buffers. */
static int keep_both(const content *c, PyObject *head, parcel *p)
{
    p->keep = PyTuple_Pack(2, head, c->buffers);
    p->head = head;
    p->buffers = c->buffers;
    return p->keep != NULL ? 0 : -1;
}

/* One message from where the pieces lie. */
static int pack_pieces(const content *c, parcel *p)
{
    PyObject *head = make_head(c, c->kind, 0);
    int result = -1;

    if (head != NULL && describe(head, c, p) == 0)
        result = keep_both(c, head, p);
    p->data = MPI_BOTTOM;
    p->count = 1;
    p->type = p->made;
    p->size = (Py_ssize_t)(head_size(c) + c->load);
    Py_XDECREF(head);
    return result;
}

stretch parcel_stretch(const parcel *p, Py_ssize_t i)
{
    const Py_buffer *view = PyPickleBuffer_GetBuffer(PyList_GET_ITEM(p->buffers, i));

    return (stretch){view->buf, view->len, MPI_BYTE};
}

/* The head is one message; a datatype of several buffers would cost a copy within MPI. */
static int pack_apart(const content *c, enum way way, parcel *p)
{
    const Py_ssize_t n = PyList_GET_SIZE(c->buffers);
    const int each = n == 1 || (way == EACH && n <= PARCEL_EACH_MAX);
    PyObject *head = make_head(c, c->kind | PARCEL_APART | (each ? PARCEL_EACH : 0), 0);
    int result = -1;

    if (head != NULL && (each || describe(NULL, c, p) == 0) && pack_bytes(head, p) == 0) {
        Py_CLEAR(p->keep);
        result = keep_both(c, head, p);
        p->apart = 1;
        p->before = each ? (int)n - 1 : 0;
        p->load = each ? parcel_stretch(p, n - 1) : (stretch){MPI_BOTTOM, 1, p->made};
    }
    Py_XDECREF(head);
    return result;
}

/* --------------------------------------------------------- taking objects apart */

static void measure(content *c)
{
    for (Py_ssize_t i = 0; c->buffers != NULL && i < PyList_GET_SIZE(c->buffers); i++)
        c->load += parcel_aligned(apart_at(c, i)->len);
}

/* The body of a plain object: descriptions of its arrays, and the `size` bytes written. New. */
static PyObject *plain_body(PyObject *arrays, const char *written, Py_ssize_t size)
{
    Py_ssize_t n = PyList_GET_SIZE(arrays), words = 0;
    PyObject *body = PyBytes_FromStringAndSize(NULL, n * (Py_ssize_t)sizeof(array_words) + size);
    char *at = body != NULL ? PyBytes_AS_STRING(body) : NULL;

    for (Py_ssize_t i = 0; at != NULL && i < n; i++) {
        array_words d;
        int64_t length = array_describe(PyList_GET_ITEM(arrays, i), d);
        memcpy(at + words * 8, &length, 8);
        memcpy(at + (words + 1) * 8, d, (size_t)length * 8);
        words += length + 1;
    }
    if (at != NULL)
        memcpy(at + words * 8, written, (size_t)size);
    if (at != NULL)
        _PyBytes_Resize(&body, words * 8 + size);
    return body;
}

/* The arrays in a list as buffers. */
static int make_buffers(PyObject *arrays)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arrays); i++) {
        PyObject *buffer = PyPickleBuffer_FromObject(PyList_GET_ITEM(arrays, i));
        if (buffer == NULL)
            return -1;
        PyList_SetItem(arrays, i, buffer);
    }
    return 0;
}

/* 1 if the object is plain, 0 if not, -1. */
static int take_apart_plain(PyObject *object, content *c)
{
    char written[PLAIN_BYTES];
    Py_ssize_t size = plain_write(object, &c->buffers, written);

    if (size <= 0)
        return (int)size;
    if (c->buffers == NULL) {
        c->body = PyBytes_FromStringAndSize(written, size);
        return c->body != NULL ? 1 : -1;
    }
    c->kind = PARCEL_PLAIN;
    c->body = plain_body(c->buffers, written, size);
    return c->body != NULL && make_buffers(c->buffers) == 0 ? 1 : -1;
}

static int take_apart(PyObject *serializer, PyObject *object, content *c)
{
    int done = pickle_is_standard(serializer) ? take_apart_plain(object, c) : 0;

    if (done != 0)
        return done < 0 ? -1 : 0;
    c->buffers = PyList_New(0);
    if (c->buffers != NULL)
        c->body = pickle_dump(serializer, object, c->buffers);
    return c->body != NULL ? 0 : -1;
}

/* In which way is chosen by what there is to carry. */
static int pack(const content *c, Py_ssize_t threshold, enum way way, parcel *p)
{
    if (c->buffers == NULL || PyList_GET_SIZE(c->buffers) == 0)
        return pack_bytes(c->body, p);
    if (c->load < threshold)
        return pack_copy(c, p);
    if (way != WHOLE && c->load >= LOAD_MIN && head_size(c) <= PARCEL_HEAD_MAX)
        return pack_apart(c, way, p);
    return pack_pieces(c, p);
}

static int pack_object(PyObject *serializer, PyObject *object, enum way way, parcel *p)
{
    content c = {PARCEL_PICKLE, NULL, NULL, 0};
    int result = -1;

    *p = (parcel){.type = MPI_BYTE};
    if (take_apart(serializer, object, &c) == 0) {
        measure(&c);
        result = pack(&c, pickle_threshold(serializer), way, p);
    }
    Py_XDECREF(c.body);
    Py_XDECREF(c.buffers);
    return result;
}

int parcel_pack(PyObject *serializer, PyObject *object, parcel *p)
{
    return pack_object(serializer, object, WHOLE, p);
}

int parcel_pack_apart(PyObject *serializer, PyObject *object, parcel *p)
{
    return pack_object(serializer, object, APART, p);
}

int parcel_pack_each(PyObject *serializer, PyObject *object, parcel *p)
{
    return pack_object(serializer, object, EACH, p);
}

int parcel_pin(parcel *p)
{
    return p->own_type ? 0 : place(p, p->data);
}

void parcel_release(parcel *p)
{
    if (p->own_type)
        MPI_Type_free(&p->made);
    p->own_type = 0;
    Py_CLEAR(p->keep);
}
