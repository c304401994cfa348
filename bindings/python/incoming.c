/* Objects that arrive: their messages, and what is in them (parcel.h). */
#include "parcel.h"
#include "plain.h"

#include <sched.h>
#include <string.h>

/* Arrays at least that large lie in the memory received; a copy of smaller ones costs less. */
enum { COPY_MAX = 8192 };

/* ---------------------------------------------------------------------- reading a head */

static int has_head(const char *data, Py_ssize_t size)
{
    return size >= (Py_ssize_t)sizeof(parcel_head) &&
           memcmp(data, parcel_mark, sizeof parcel_mark) == 0;
}

static Py_ssize_t body_at(const parcel_head *head)
{
    return (Py_ssize_t)(sizeof *head + sizeof(int64_t) * (size_t)head->buffers);
}

static const char *body_of(const parcel_head *head)
{
    return (const char *)head + body_at(head);
}

static Py_ssize_t head_size(const parcel_head *head)
{
    return (Py_ssize_t)parcel_aligned(body_at(head) + head->body);
}

/* Of a plain object: the description at *at, which moves on to what follows it. */
static const char *next_description(const char **at, int *words)
{
    const char *description = *at + sizeof(int64_t);
    int64_t length;

    memcpy(&length, *at, sizeof length);
    *words = (int)length;
    *at = description + sizeof(int64_t) * (size_t)length;
    return description;
}

/* --------------------------------------------------------------------------- memory */

/* Room for all buffers together. New. */
static PyObject *room_of_load(const parcel_head *head, void **data, MPI_Count *size)
{
    int64_t all = 0;

    for (int64_t i = 0; i < head->buffers; i++)
        all += parcel_aligned(parcel_buffer_length(head, i));
    *size = (MPI_Count)all;
    return parcel_room((Py_ssize_t)all, data);
}

PyObject *parcel_buffer_room(const void *bytes, int64_t i, const char **at, void **data)
{
    const parcel_head *head = bytes;
    int64_t size = parcel_buffer_length(head, i);
    array_words raw = {'B' | (int64_t)parcel_buffer_place(head, i) << 8, size};
    const char *description = (const char *)raw;
    int words = 2;

    if (*at == NULL)
        *at = body_of(head);
    if (head->kind & PARCEL_PLAIN)
        description = next_description(at, &words);
    return parcel_array(description, words, size, data);
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

/* ------------------------------------------------------------------------- opening */

/* The buffers as parts of a memoryview, from `at` on. New list. */
static PyObject *slice_buffers(PyObject *view, const parcel_head *head, Py_ssize_t at)
{
    PyObject *list = PyList_New((Py_ssize_t)head->buffers), *item;

    for (Py_ssize_t i = 0; list != NULL && i < head->buffers; i++) {
        int64_t length = parcel_buffer_length(head, i);
        item = slice(view, at, (Py_ssize_t)length);
        at += (Py_ssize_t)parcel_aligned(length);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

/* The buffers that lie in `memory` from `at` on. New list. */
static PyObject *buffers_at(const parcel_head *head, PyObject *memory, Py_ssize_t at)
{
    PyObject *view = PyMemoryView_FromObject(memory);
    PyObject *list = view != NULL ? slice_buffers(view, head, at) : NULL;

    Py_XDECREF(view);
    return list;
}

/* Buffers that are arrays of bytes, as memoryviews. New list. */
static PyObject *buffers_in(PyObject *arrays)
{
    Py_ssize_t n = PyList_GET_SIZE(arrays);
    PyObject *list = PyList_New(n);

    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyObject *view = PyMemoryView_FromObject(PyList_GET_ITEM(arrays, i));
        if (view == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, view);
    }
    return list;
}

/* The pickle in a head with these buffers, which are released. New. */
static PyObject *open_pickle(PyObject *serializer, const parcel_head *head, PyObject *buffers)
{
    PyObject *pickle = NULL, *object = NULL;

    if (buffers != NULL)
        pickle = PyMemoryView_FromMemory((char *)body_of(head), (Py_ssize_t)head->body, PyBUF_READ);
    if (pickle != NULL)
        object = pickle_load(serializer, pickle, buffers);
    Py_XDECREF(pickle);
    Py_XDECREF(buffers);
    return object;
}

/* An array of `length` bytes at `content`, which belong to `owner`. New. */
static PyObject *array_at(const char *description, int words, char *content, int64_t length,
                          PyObject *owner)
{
    int small = length < COPY_MAX;
    void *data = content;
    PyObject *array = array_of(description, words, small ? NULL : owner, &data);

    if (array != NULL && small)
        memcpy(data, content, (size_t)length);
    return array;
}

/* The arrays of a plain object, whose contents begin at `content`. New list. */
static PyObject *arrays_at(const parcel_head *head, char *content, PyObject *owner)
{
    PyObject *list = PyList_New((Py_ssize_t)head->buffers), *array;
    const char *at = body_of(head);
    int words;

    for (Py_ssize_t i = 0; list != NULL && i < head->buffers; i++) {
        const char *description = next_description(&at, &words);
        int64_t length = parcel_buffer_length(head, i);
        array = array_at(description, words, content, length, owner);
        content += parcel_aligned(length);
        if (array == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, array);
    }
    return list;
}

/* The plain object in a head with these arrays, which are released. New. */
static PyObject *open_plain(const parcel_head *head, PyObject *arrays)
{
    const char *at = body_of(head);
    PyObject *object;
    int words;

    if (arrays == NULL)
        return NULL;
    for (int64_t i = 0; i < head->buffers; i++)
        next_description(&at, &words);
    object = plain_read(at, body_of(head) + head->body - at, arrays);
    if (object == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "the message is not an object sent by this library");
    Py_DECREF(arrays);
    return object;
}

/* The object in a bare pickle. New. */
static PyObject *open_bare(PyObject *serializer, PyObject *room, Py_ssize_t start, Py_ssize_t size)
{
    PyObject *view, *part, *object = NULL;

    if (pickle_is_standard(serializer))
        object = plain_read(PyByteArray_AS_STRING(room) + start, size, NULL);
    if (object != NULL || PyErr_Occurred())
        return object;
    if (start == 0 && size == PyByteArray_GET_SIZE(room))
        return pickle_load(serializer, room, NULL);
    view = PyMemoryView_FromObject(room);
    part = view != NULL ? slice(view, start, size) : NULL;
    object = part != NULL ? pickle_load(serializer, part, NULL) : NULL;
    Py_XDECREF(part);
    Py_XDECREF(view);
    return object;
}

PyObject *parcel_open(PyObject *serializer, PyObject *room, Py_ssize_t start, Py_ssize_t size)
{
    char *data = PyByteArray_AS_STRING(room) + start;
    const parcel_head *head = (const parcel_head *)data;

    if (!has_head(data, size))
        return open_bare(serializer, room, start, size);
    if (head->kind & PARCEL_PLAIN)
        return open_plain(head, arrays_at(head, data + head_size(head), room));
    return open_pickle(serializer, head, buffers_at(head, room, start + head_size(head)));
}

PyObject *parcel_open_each(PyObject *serializer, const void *bytes, PyObject *arrays)
{
    const parcel_head *head = bytes;

    return head->kind & PARCEL_PLAIN ? open_plain(head, Py_NewRef(arrays))
                                     : open_pickle(serializer, head, buffers_in(arrays));
}

/* The first message: what there was no room for lies in the sink. */
static const char *first_of(const incoming *in)
{
    return in->room == Py_None ? sink_memory : PyByteArray_AS_STRING(in->room);
}

/* The rest of a load whose last message has come: that may overtake. */
static int finish_others(incoming *in)
{
    while (in->others_n > 0)
        if (request_finish(&in->others[--in->others_n], MPI_STATUS_IGNORE) < 0)
            return -1;
    return 0;
}

PyObject *incoming_open(incoming *in)
{
    const parcel_head *head = (const parcel_head *)first_of(in);

    if (in->nobody)
        Py_RETURN_NONE;
    if (finish_others(in) < 0)
        return NULL;
    if (in->error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(in->error), in->error);
        return NULL;
    }
    if (in->load == NULL)
        return parcel_open(in->serializer, in->room, 0, in->size);
    if (head->kind & PARCEL_EACH)
        return parcel_open_each(in->serializer, head, in->load);
    if (head->kind & PARCEL_PLAIN)
        return open_plain(head, arrays_at(head, PyByteArray_AS_STRING(in->load), in->load));
    return open_pickle(in->serializer, head, buffers_at(head, in->load, 0));
}

PyObject *incoming_memory(const incoming *in)
{
    return Py_XNewRef(in->load != NULL ? in->load : in->room);
}

/* What is still under way keeps the memory it goes to. */
static void leave_others(incoming *in)
{
    while (in->others_n > 0)
        request_leave(in->others[--in->others_n], in->load != NULL ? in->load : Py_None);
}

void incoming_release(incoming *in)
{
    leave_others(in);
    Py_CLEAR(in->room);
    Py_CLEAR(in->load);
    Py_CLEAR(in->serializer);
    Py_CLEAR(in->error);
}

/* ----------------------------------------------------------------------- receiving */

/* There is no room for so many bytes: the exception is kept until the object is opened. */
static void note_loss(incoming *in, MPI_Count size)
{
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    if (type != NULL && PyErr_GivenExceptionMatches(type, PyExc_MemoryError)) {
        Py_SETREF(type, Py_NewRef(PyExc_MemoryError));
        Py_XSETREF(value, PyUnicode_FromFormat("no memory for an object with %lld bytes, which was "
                                               "taken from its queue and is lost",
                                               (long long)size));
    }
    PyErr_NormalizeException(&type, &value, &trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    Py_XSETREF(in->error, value);
}

/* And the sink takes it. */
static int lose(incoming *in, message *m)
{
    if (PyErr_Occurred())
        note_loss(in, m->count);
    if (m->count <= SINK_SIZE) {
        m->data = sink_memory;
        return 0;
    }
    if (sink_type(m->count, &m->type) < 0)
        return -1;
    m->data = MPI_BOTTOM;
    m->count = 1;
    return 0;
}

/* Post the receive of a message, of bytes: one that was found, or the load after its head. */
static int post(message *m, MPI_Message *found, const MPI_Status *after, MPI_Comm comm,
                MPI_Request *request)
{
    int large = message_large(m), code;

    if (large < 0)
        return -1;
    if (found != NULL)
        code = SIZED(large, MPI_Imrecv, m->data, m->count, m->type, found, request);
    else
        code = SIZED(large, MPI_Irecv, m->data, m->count, m->type, after->MPI_SOURCE,
                     after->MPI_TAG, comm, request);
    message_release(m);
    if (m->data == MPI_BOTTOM) /* of lose() */
        MPI_Type_free(&m->type);
    return mpi_failed(code, found != NULL ? "MPI_Imrecv" : "MPI_Irecv");
}

/* Wait for a short message without completing its request. */
static int arrive(MPI_Request request)
{
    MPI_Status status;
    int done = 0, code = MPI_Request_get_status(request, &done, &status);

    while (code == MPI_SUCCESS && !done) {
        sched_yield();
        code = MPI_Request_get_status(request, &done, &status);
    }
    return mpi_failed(code, "MPI_Request_get_status");
}

static int announces_load(const incoming *in)
{
    const char *data = first_of(in);

    return has_head(data, in->size) && (((const parcel_head *)data)->kind & PARCEL_APART);
}

/* Post the receive of buffer i, which is a message of its own. */
static int post_buffer(incoming *in, const parcel_head *head, int64_t i, const char **at,
                       const MPI_Status *status, MPI_Comm comm, MPI_Request *request)
{
    PyObject *array;
    message m;

    message_init(&m);
    m.count = (MPI_Count)parcel_buffer_length(head, i);
    array = in->load == NULL ? NULL : parcel_buffer_room(head, i, at, &m.data);
    if (array != NULL)
        PyList_SET_ITEM(in->load, (Py_ssize_t)i, array);
    else if (lose(in, &m) < 0)
        return -1;
    return post(&m, NULL, status, comm, request);
}

static int post_each(incoming *in, const parcel_head *head, const MPI_Status *status, MPI_Comm comm,
                     MPI_Request *request)
{
    const char *at = NULL;
    const int64_t last = head->buffers - 1;

    in->load = PyList_New((Py_ssize_t)head->buffers);
    for (int i = 0; i < last; in->others_n = ++i)
        if (post_buffer(in, head, i, &at, status, comm, &in->others[i]) < 0)
            return -1;
    return post_buffer(in, head, last, &at, status, comm, request);
}

/* The head has come, with that status; its load is to follow in the same order of messages. Without
 * memory the head lies in the sink, which is to take the load, too. */
static int post_load(incoming *in, const MPI_Status *status, MPI_Comm comm, MPI_Request *request)
{
    _Alignas(parcel_head) char copy[PARCEL_HEAD_MAX];
    const parcel_head *head = (const parcel_head *)copy;
    message m;

    memcpy(copy, first_of(in), (size_t)in->size);
    if (head->kind & PARCEL_EACH)
        return post_each(in, head, status, comm, request);
    message_init(&m);
    in->load = room_of_load(head, &m.data, &m.count);
    if (in->load == NULL && lose(in, &m) < 0)
        return -1;
    return post(&m, NULL, status, comm, request);
}

int incoming_post(state *st, incoming *in, MPI_Message *found, MPI_Count size, MPI_Comm comm,
                  MPI_Request *request)
{
    MPI_Status status;
    message m;

    message_init(&m);
    m.count = size;
    in->serializer = Py_NewRef(serializer_of(st, comm));
    in->nobody = *found == MPI_MESSAGE_NO_PROC;
    in->size = (Py_ssize_t)size;
    in->room = parcel_room(in->size, &m.data);
    if (in->room == NULL) {
        in->room = Py_NewRef(Py_None);
        if (lose(in, &m) < 0)
            return -1;
    }
    if (post(&m, found, NULL, comm, request) < 0)
        return -1;
    if (size > PARCEL_HEAD_MAX)
        return 0;
    if (arrive(*request) < 0)
        return -1;
    if (!announces_load(in))
        return 0;
    if (mpi_failed(MPI_Wait(request, &status), "MPI_Wait") < 0)
        return -1;
    return post_load(in, &status, comm, request);
}

int incoming_take(state *st, incoming *in, MPI_Message *found, MPI_Count size, MPI_Comm comm,
                  MPI_Status *status, PyObject **object, MPI_Request *request)
{
    PyObject *serializer = serializer_of(st, comm);
    char data[PARCEL_HEAD_MAX];
    void *room;
    MPI_Status own;

    *object = NULL;
    in->nobody = *found == MPI_MESSAGE_NO_PROC;
    if (mpi_failed(MPI_Mrecv(data, (int)size, MPI_BYTE, found, &own), "MPI_Mrecv") < 0)
        return -1;
    status_copy(status, &own);
    if (in->nobody)
        *object = Py_NewRef(Py_None);
    else if (pickle_is_standard(serializer))
        *object = plain_read(data, (Py_ssize_t)size, NULL);
    if (*object != NULL)
        return 0;
    if (PyErr_Occurred())
        return -1;
    in->serializer = Py_NewRef(serializer);
    in->size = (Py_ssize_t)size;
    in->room = parcel_room(in->size, &room);
    if (in->room == NULL) {
        in->room = Py_NewRef(Py_None);
        lose(in, &(message){.count = size});
        room = sink_memory;
    }
    memcpy(room, data, (size_t)size);
    if (announces_load(in))
        return post_load(in, &own, comm, request);
    *object = incoming_open(in);
    return *object != NULL ? 0 : -1;
}
