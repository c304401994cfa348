/* Comm.bcast: an object to all. See comm_gather.c for what happens if it cannot be sent. */
#include "objects.h"

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
 * What the root announces. The pieces are broadcast one by one from where they
 * lie: described by a datatype, MPI would be free to write to the root's buffer.
 */
typedef struct announcement {
    int64_t size, head;
} announcement;

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
    return bcast_bytes(c, a, 2, MPI_INT64_T);
}

static int bcast_pieces(call *c, const parcel *p)
{
    int failed = bcast_memory(c, PyBytes_AS_STRING(p->head), PyBytes_GET_SIZE(p->head));

    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(p->buffers); i++) {
        const Py_buffer *view = PyPickleBuffer_GetBuffer(PyList_GET_ITEM(p->buffers, i));
        failed = bcast_memory(c, view->buf, view->len);
    }
    return failed;
}

static PyObject *bcast_from_root(call *c)
{
    parcel p;
    held h;
    PyObject *result = NULL;
    announcement a = {object_pack(c->serializer, c->a.object, &p), 0};
    int failed;

    object_hold(&h);
    if (p.head != NULL)
        a.head = PyBytes_GET_SIZE(p.head);
    failed = announce(c, &a) < 0;
    if (!failed && !c->inter)
        failed = object_agree_on_room(c, a.size, 1) < 0;
    if (!failed && p.head != NULL)
        failed = bcast_pieces(c, &p);
    else if (!failed && a.size != UNPICKLABLE)
        failed = bcast_memory(c, PyBytes_AS_STRING(p.keep), p.size);
    parcel_release(&p);
    if (!failed)
        result = Py_NewRef(c->inter ? Py_None : c->a.object);
    return object_release(&h, result);
}

/* The counterpart of bcast_pieces(). */
static int receive_pieces(call *c, char *data, int64_t head)
{
    int failed = bcast_memory(c, data, head);
    char *at = data + head;

    for (int64_t i = 0; !failed && i < parcel_buffers(data); i++) {
        int64_t length = parcel_buffer_length(data, i);
        failed = bcast_memory(c, at, length);
        at += parcel_aligned(length);
    }
    return failed;
}

/* The same without memory for it, since the others wait for this rank: into the sink. */
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

static int drop_pieces(call *c, int64_t head)
{
    void *data;
    PyObject *room = parcel_room((Py_ssize_t)head, &data);
    int failed = room == NULL ? -1 : bcast_memory(c, data, head);

    for (int64_t i = 0; !failed && i < parcel_buffers(data); i++)
        failed = drop(c, parcel_buffer_length(data, i));
    Py_XDECREF(room);
    return failed;
}

/* Between two groups there is nobody to agree with. */
static PyObject *receive_without_room(call *c, const announcement *a)
{
    PyErr_Clear();
    if (!c->inter && object_agree_on_room(c, a->size, 0) < 0)
        return NULL;
    if ((a->head > 0 ? drop_pieces(c, a->head) : drop(c, a->size)) == 0)
        PyErr_Format(PyExc_MemoryError, "no memory for the %lld bytes of rank %d's object",
                     (long long)a->size, c->a.root);
    return NULL;
}

static PyObject *bcast_to_others(call *c)
{
    announcement a = {0, 0};
    PyObject *room, *object = NULL;
    void *data;
    int failed;

    if (announce(c, &a) < 0 || object_refuse(a.size, "rank", c->a.root) < 0)
        return NULL;
    room = parcel_room((Py_ssize_t)a.size, &data);
    if (room == NULL)
        return receive_without_room(c, &a);
    failed = !c->inter && object_agree_on_room(c, a.size, 1) < 0;
    if (!failed)
        failed = a.head > 0 ? receive_pieces(c, data, a.head) : bcast_memory(c, data, a.size);
    if (!failed)
        object = parcel_open(c->serializer, room, 0, (Py_ssize_t)a.size);
    Py_DECREF(room);
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
