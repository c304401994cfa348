/* Comm.bcast: an object to all. See comm_gather.c for what happens if it cannot be sent. */
#include "objects.h"

#include <string.h>

static const param obj_root[] = {{"obj", arg_object, offsetof(object_args, object)},
                                 {"|root", arg_int, offsetof(object_args, root)},
                                 {NULL, NULL, 0}};

static int bcast_bytes(call *c, void *data, int count, MPI_Datatype type)
{
    PyThreadState *saved = gil_lend(c->st);
    int code = MPI_Bcast(data, count, type, c->a.root, c->comm);

    gil_acquire(saved);
    return mpi_failed(code, "MPI_Bcast");
}

/*
 * What the root announces, with the first bytes: a small object is all there. The pieces of a large
 * one are broadcast one by one from where they lie: described by a datatype, MPI would be free to
 * write to the root's buffer.
 */
typedef struct announcement {
    int64_t size;
    int64_t head;    /* bytes of the first piece; 0: there is but one */
    char bytes[240]; /* of the first piece, or all; unless they are more */
} announcement;

/* Whether the first piece is in the announcement. */
static int64_t told(const announcement *a)
{
    const int64_t size = a->head > 0 ? a->head : a->size;

    return size > 0 && size <= (int64_t)sizeof a->bytes ? size : 0;
}

/* As many at a time as an int can say. */
static int bcast_memory(call *c, const void *data, int64_t size)
{
    enum { STEP = 1 << 30 };
    int failed = 0;

    for (int64_t done = 0; !failed && (done < size || done == 0); done += STEP)
        failed = bcast_bytes(c, (char *)data + done, (int)(size - done < STEP ? size - done : STEP),
                             MPI_BYTE);
    return failed;
}

static int announce(call *c, announcement *a)
{
    return bcast_bytes(c, a, sizeof *a, MPI_BYTE);
}

/* Memory, but for what is announced. */
static int bcast_rest(call *c, const announcement *a, const void *data, int64_t size)
{
    return told(a) > 0 ? 0 : bcast_memory(c, data, size);
}

static int agree_with(call *c, const announcement *a)
{
    return c->inter ? 0 : object_agree_on_room(c, a->size, 1);
}

/* The others know from the head what room they need. */
static int bcast_pieces(call *c, const announcement *a, const parcel *p)
{
    int failed = bcast_rest(c, a, PyBytes_AS_STRING(p->head), a->head) < 0 || agree_with(c, a) < 0;

    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(p->buffers); i++) {
        const Py_buffer *view = PyPickleBuffer_GetBuffer(PyList_GET_ITEM(p->buffers, i));
        failed = bcast_memory(c, view->buf, view->len) < 0;
    }
    return failed ? -1 : 0;
}

static int bcast_whole(call *c, const announcement *a, const parcel *p)
{
    if (a->size == UNPICKLABLE)
        return 0;
    return agree_with(c, a) < 0 ? -1 : bcast_rest(c, a, PyBytes_AS_STRING(p->keep), a->size);
}

static void describe(int64_t size, const parcel *p, announcement *a)
{
    const PyObject *first = p->head != NULL ? p->head : p->keep;
    size_t n;

    a->size = size;
    a->head = p->head != NULL ? PyBytes_GET_SIZE(p->head) : 0;
    n = (size_t)told(a);
    if (n > 0)
        memcpy(a->bytes, PyBytes_AS_STRING(first), n);
    memset(a->bytes + n, 0, sizeof a->bytes - n);
}

static PyObject *bcast_from_root(call *c)
{
    parcel p;
    held h;
    PyObject *result = NULL;
    announcement a;
    int failed;

    describe(object_pack(c->serializer, c->a.object, &p), &p, &a);
    object_hold(&h);
    failed = announce(c, &a) < 0 ||
             (p.head != NULL ? bcast_pieces(c, &a, &p) : bcast_whole(c, &a, &p)) < 0;
    parcel_release(&p);
    if (!failed)
        result = Py_NewRef(c->inter ? Py_None : c->a.object);
    return object_release(&h, result);
}

/* What there is no memory for, since the others wait for this rank: into the sink. */
static int drop(call *c, int64_t size)
{
    enum { STEP = 1 << 30 };
    int failed = 0;

    for (int64_t done = 0; !failed && (done < size || done == 0); done += STEP) {
        int64_t part = size - done < STEP ? size - done : STEP;
        MPI_Datatype type;
        if (sink_type(part, &type) < 0)
            return -1;
        failed = bcast_bytes(c, MPI_BOTTOM, 1, type);
        MPI_Type_free(&type);
    }
    return failed;
}

/* What goes to the others: one piece, or a head and buffers. */
typedef struct arrival {
    announcement a;
    PyObject *room;    /* for the one piece */
    char *head;        /* NULL: there is no memory for it */
    PyObject *buffers; /* list of arrays for the pieces that follow it */
    void **places;     /* where these go */
    int lost;          /* there is no memory for all */
} arrival;

static void arrival_release(arrival *in)
{
    if (in->head != in->a.bytes)
        spare_free(in->head);
    PyMem_Free(in->places);
    Py_XDECREF(in->room);
    Py_XDECREF(in->buffers);
}

/* Between two groups there is nobody to agree with. */
static int agree_on_room(call *c, const arrival *in)
{
    PyErr_Clear();
    return c->inter ? 0 : object_agree_on_room(c, in->a.size, !in->lost);
}

static int receive_whole(call *c, arrival *in)
{
    void *data;

    in->room = parcel_room((Py_ssize_t)in->a.size, &data);
    in->lost = in->room == NULL;
    if (agree_on_room(c, in) < 0)
        return -1;
    if (told(&in->a) == 0)
        return in->lost ? drop(c, in->a.size) : bcast_memory(c, data, in->a.size);
    if (!in->lost)
        memcpy(data, in->a.bytes, (size_t)in->a.size);
    return 0;
}

static int receive_head(call *c, arrival *in)
{
    in->head = told(&in->a) > 0 ? in->a.bytes : spare_calloc(1, (size_t)in->a.head);
    if (in->head == NULL)
        return drop(c, in->a.head);
    return bcast_rest(c, &in->a, in->head, in->a.head);
}

/* Arrays for the buffers. Without memory for all there are none. */
static int make_buffers(arrival *in)
{
    const Py_ssize_t n = in->head != NULL ? (Py_ssize_t)parcel_buffers(in->head) : 0;
    const char *at = NULL;

    in->buffers = PyList_New(n);
    in->places = PyMem_Calloc((size_t)n + 1, sizeof *in->places);
    if (in->head == NULL || in->buffers == NULL || in->places == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *array = parcel_buffer_room(in->head, i, &at, &in->places[i]);
        if (array == NULL)
            return -1;
        PyList_SET_ITEM(in->buffers, i, array);
    }
    return 0;
}

static int receive_buffers(call *c, const arrival *in)
{
    int failed = 0;

    for (int64_t i = 0; !failed && i < parcel_buffers(in->head); i++) {
        const int64_t length = parcel_buffer_length(in->head, i);
        failed = in->lost ? drop(c, length) : bcast_memory(c, in->places[i], length);
    }
    return failed;
}

/* The counterpart of bcast_pieces(). */
static int receive_pieces(call *c, arrival *in)
{
    if (receive_head(c, in) < 0)
        return -1;
    in->lost = make_buffers(in) < 0;
    if (agree_on_room(c, in) < 0)
        return -1;
    if (in->head != NULL)
        return receive_buffers(c, in);
    PyErr_NoMemory();
    return -1;
}

static PyObject *open_arrival(const call *c, const arrival *in)
{
    if (in->lost)
        return PyErr_Format(PyExc_MemoryError, "no memory for the %lld bytes of rank %d's object",
                            (long long)in->a.size, c->a.root);
    return in->a.head > 0 ? parcel_open_each(c->serializer, in->head, in->buffers)
                          : parcel_open(c->serializer, in->room, 0, (Py_ssize_t)in->a.size);
}

static PyObject *bcast_to_others(call *c)
{
    arrival in = {.room = NULL};
    PyObject *object = NULL;

    if (announce(c, &in.a) < 0 || object_refuse(in.a.size, "rank", c->a.root) < 0)
        return NULL;
    if ((in.a.head > 0 ? receive_pieces(c, &in) : receive_whole(c, &in)) == 0)
        object = open_arrival(c, &in);
    arrival_release(&in);
    return object;
}

static PyObject *bcast(PyObject *self, const row_method *row, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    call c;

    if (object_call(&c, self, row, obj_root, args, nargs, keywords) < 0)
        return NULL;
    if (object_at_root(&c))
        return bcast_from_root(&c);
    return object_is_leaf(&c) ? bcast_to_others(&c) : Py_NewRef(Py_None);
}

/* clang-format off */
const row_method comm_bcast_rows[] = {
    {"bcast", "bcast($self, /, obj, root=0)\n--\n\nThe root's object to all. Collective.", bcast,
     "MPI_Bcast", {NULL}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
