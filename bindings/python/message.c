/* Buffer specifications: what the upper-case calls take for data. */
#include "message.h"

#include <limits.h>
#include <string.h>

/* ------------------------------------------------------------ one piece of memory */

/* Through the buffer protocol: a memoryview, kept, locks the object's size. */
static int take_buffer(PyObject *object, int writable, message *m, Py_ssize_t *nbytes)
{
    PyObject *exported = PyObject_CheckBuffer(object) ? Py_NewRef(object) : array_exported(object);
    Py_buffer *view;

    if (exported == Py_None)
        raise_type("message:", "a buffer, or a list of buffer, count and datatype", object);
    else if (exported != NULL)
        m->keep = PyMemoryView_FromObject(exported);
    Py_XDECREF(exported);
    if (m->keep == NULL)
        return -1;
    view = PyMemoryView_GET_BUFFER(m->keep);
    if (writable && view->readonly) {
        PyErr_SetString(PyExc_BufferError,
                        "the object to receive into is read-only: pass a writable one");
        return -1;
    }
    if (!PyBuffer_IsContiguous(view, 'A')) {
        PyErr_SetString(PyExc_BufferError,
                        "the buffer is not contiguous: pass numpy.ascontiguousarray(buffer), or "
                        "its base with a vector Datatype");
        return -1;
    }
    m->data = view->buf;
    *nbytes = view->len;
    return 0;
}

int message_memory(PyObject *object, int writable, message *m, Py_ssize_t *nbytes)
{
    int done = array_raw(object, writable, m, nbytes);

    if (done == 0)
        return take_buffer(object, writable, m, nbytes);
    return done < 0 ? -1 : 0;
}

/* Signs of byte order before a format code: this machine's own, and the other. */
#if PY_LITTLE_ENDIAN
#define NATIVE  "<"
#define SWAPPED ">!"
#else
#define NATIVE  ">!"
#define SWAPPED "<"
#endif

/* MPI type of a buffer's items, by format code: bytes are numbers, so that they can be reduced. */
static int buffer_type(message *m)
{
    const char *format = PyMemoryView_GET_BUFFER(m->keep)->format;

    if (format != NULL && strchr(SWAPPED, format[0]) != NULL && format[0] != '\0') {
        PyErr_Format(PyExc_BufferError, "format string '%s' with non-native byte order", format);
        return -1;
    }
    if (format == NULL)
        m->type = MPI_BYTE;
    else
        m->type = array_mpi_type(format + (strchr("@=" NATIVE, format[0]) != NULL));
    return m->type == MPI_DATATYPE_NULL ? -1 : 0;
}

/* ------------------------------------------------------- the list form, taken apart */

static int is_type(state *st, PyObject *object)
{
    return PyUnicode_Check(object) || is_a(st, object, TYPE_Datatype);
}

/* A list holds counts where there are several, unless it is a pair of such lists. */
static int is_pair(PyObject *item, int vector)
{
    PyObject **items;

    if (PyTuple_Check(item))
        return 1;
    if (!PyList_Check(item) || !vector)
        return PyList_Check(item);
    items = PySequence_Fast_ITEMS(item);
    return PyList_GET_SIZE(item) == 2 && (!is_integer(items[0]) || !is_integer(items[1]));
}

int message_split_counts(parts *p, int vector)
{
    PyObject *pair = p->count;

    if (pair == NULL || p->displ != NULL || !is_pair(pair, vector))
        return 0;
    if (PySequence_Fast_GET_SIZE(pair) != 2) {
        PyErr_Format(PyExc_ValueError, "message: expecting (count, displacement), got %zd items",
                     PySequence_Fast_GET_SIZE(pair));
        return -1;
    }
    p->count = PySequence_Fast_GET_ITEM(pair, 0);
    p->displ = PySequence_Fast_GET_ITEM(pair, 1);
    return 0;
}

/* In the way of a mapping of types: KeyError, but for what can be no key. */
static int refuse_type(PyObject *object)
{
    const Py_hash_t hash = PyObject_Hash(object);

    PyErr_Clear();
    if (hash != -1)
        PyErr_Format(PyExc_KeyError,
                     "message: cannot map %R to an MPI datatype: give MPI.Datatype or str", object);
    else
        raise_type("message: the datatype", "MPI.Datatype or str", object);
    return -1;
}

/* Whether the last of three items, the data and counts being before it, tells displacements. */
static int may_be_displs(PyObject *const *items)
{
    return !PyTuple_Check(items[1]) && (is_integer(items[2]) || PySequence_Check(items[2]));
}

int message_take_apart(state *st, PyObject *spec, int vector, parts *p)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(spec);
    PyObject **items = PySequence_Fast_ITEMS(spec);

    *p = (parts){NULL, NULL, NULL, NULL};
    if (n < 2 || n > 4) {
        PyErr_Format(PyExc_ValueError, "message: expecting 2 to 4 items, got %zd", n);
        return -1;
    }
    p->data = items[0];
    if (is_type(st, items[n - 1]) || (n >= 3 && items[n - 1] == Py_None))
        p->type = items[--n];
    else if (n == 4 || (n == 3 && !(vector && may_be_displs(items))))
        return refuse_type(items[n - 1]);
    if (n > 1)
        p->count = items[1];
    if (n > 2)
        p->displ = items[2];
    if (message_split_counts(p, vector) < 0)
        return -1;
    if (p->count == Py_None)
        p->count = NULL;
    if (p->displ == Py_None)
        p->displ = NULL;
    if (p->type == Py_None)
        p->type = NULL;
    return 0;
}

int message_type(state *st, PyObject *object, MPI_Datatype *type)
{
    const char *name;

    if (!PyUnicode_Check(object))
        return is_type(st, object) ? type_arg(st, object, type) : refuse_type(object);
    name = PyUnicode_AsUTF8(object);
    *type = name == NULL ? MPI_DATATYPE_NULL : array_mpi_type(name);
    return *type == MPI_DATATYPE_NULL ? -1 : 0;
}

static int is_bottom(state *st, PyObject *data)
{
    return data == Py_None || data == st->bottom;
}

int message_refuse_nothing(state *st, PyObject *spec)
{
    if (!is_bottom(st, spec))
        return 0;
    if (spec == st->bottom)
        return refuse_type(Py_None);
    raise_type("message:", "a buffer, or a list of buffer, count and datatype", spec);
    return -1;
}

int message_refuse_in_place(state *st, PyObject *data)
{
    if (data != st->in_place)
        return 0;
    PyErr_SetString(PyExc_TypeError, "message: MPI.IN_PLACE cannot stand here: give a buffer");
    return -1;
}

int message_take_memory(state *st, const parts *p, int writable, message *m, Py_ssize_t *nbytes)
{
    int done;

    if (message_refuse_in_place(st, p->data) < 0)
        return -1;
    if (is_bottom(st, p->data)) {
        *nbytes = p->data == st->bottom ? -1 : 0;
        m->data = MPI_BOTTOM;
        return p->type == NULL ? refuse_type(Py_None) : message_type(st, p->type, &m->type);
    }
    if (p->type != NULL) {
        if (message_type(st, p->type, &m->type) < 0)
            return -1;
        return message_memory(p->data, writable, m, nbytes);
    }
    done = array_message(p->data, writable, m, nbytes);
    if (done == 0)
        done = take_buffer(p->data, writable, m, nbytes) < 0 ? -1 : buffer_type(m);
    else if (done > 0)
        *nbytes *= (Py_ssize_t)mpi_type_size(m->type);
    return done < 0 ? -1 : 0;
}

Py_ssize_t mpi_type_size(MPI_Datatype type)
{
    int size = 0;

    MPI_Type_size(type, &size);
    return size;
}

/* ----------------------------------------------------------------------- counting */

int message_layout(MPI_Datatype type, layout *out)
{
    MPI_Aint lb, size;

    if (mpi_failed(MPI_Type_get_extent(type, &lb, &out->extent), "MPI_Type_get_extent") < 0 ||
        mpi_failed(MPI_Type_get_true_extent(type, &out->start, &size), "MPI_Type_get_true_extent") <
            0)
        return -1;
    out->end = out->start + size;
    return 0;
}

int message_refuse_null(MPI_Datatype type)
{
    if (type != MPI_DATATYPE_NULL)
        return 0;
    PyErr_SetString(PyExc_ValueError, "message: cannot infer count, datatype is null");
    return -1;
}

Py_ssize_t message_count_in(Py_ssize_t nbytes, MPI_Aint extent)
{
    if (extent <= 0) {
        PyErr_Format(PyExc_ValueError,
                     "message: cannot infer the count of a datatype of extent %zd",
                     (Py_ssize_t)extent);
        return -1;
    }
    if (nbytes % extent != 0) {
        PyErr_Format(PyExc_ValueError,
                     "message: cannot infer count, buffer length %zd is not a multiple of datatype "
                     "extent %zd",
                     nbytes, (Py_ssize_t)extent);
        return -1;
    }
    return nbytes / extent;
}

static int divide(message *m, Py_ssize_t nitems, int blocks)
{
    if (blocks == 0) {
        m->count = 0;
        return 0;
    }
    if (nitems % blocks != 0) {
        PyErr_Format(PyExc_ValueError,
                     "message: cannot infer count, number of entries %zd is not a multiple of "
                     "required number of blocks %d",
                     nitems, blocks);
        return -1;
    }
    m->count = nitems / blocks;
    return 0;
}

/* For messages. */
static Py_ssize_t bounded(double value)
{
    const double most = 9e18;

    return (Py_ssize_t)(value < -most ? -most : value > most ? most : value);
}

static int raise_outside(Py_ssize_t nbytes, double start, double end, double count, MPI_Aint extent,
                         MPI_Count displ)
{
    Py_ssize_t at = bounded(start < 0 ? start : end);

    PyErr_Format(PyExc_ValueError,
                 start < 0 ? "message: buffer of %zd bytes begins too late: %zd items of extent "
                             "%zd at displacement %zd begin at byte %zd"
                           : "message: buffer of %zd bytes is too short: %zd items of extent %zd "
                             "at displacement %zd end at byte %zd",
                 nbytes, bounded(count), (Py_ssize_t)extent, (Py_ssize_t)displ, at);
    return -1;
}

/* Computed in floating point: exact for all memory there is, and without overflow. */
int message_inside(Py_ssize_t nbytes, MPI_Count displ, MPI_Aint unit, double count, const layout *l)
{
    double first = (double)displ * (double)unit, last, low, high;

    if (nbytes < 0 || count == 0 || l->start == l->end)
        return 0;
    last = first + (count - 1) * (double)l->extent;
    low = (first < last ? first : last) + (double)l->start;
    high = (first < last ? last : first) + (double)l->end;
    if (low >= 0 && high <= (double)nbytes)
        return 0;
    return raise_outside(nbytes, low, high, count, l->extent, displ);
}

static int take_count(PyObject *object, MPI_Count *count)
{
    int64_t value;

    if (index_int64(object, &value) < 0)
        return -1;
    if (value < 0) {
        PyErr_Format(PyExc_ValueError, "message: negative count %lld", (long long)value);
        return -1;
    }
    *count = value;
    return 0;
}

/* The count of a block, from what lies after the displacement. */
static int infer_count(Py_ssize_t nbytes, int64_t displ, int blocks, const layout *l, message *m)
{
    Py_ssize_t room, nitems;

    if (nbytes < 0) {
        PyErr_SetString(PyExc_ValueError, "message: MPI.BOTTOM needs a count and a datatype");
        return -1;
    }
    room = nbytes - (Py_ssize_t)(displ * l->extent);
    if (displ < 0 || room < 0) {
        PyErr_Format(PyExc_ValueError,
                     "message: displacement %lld is outside the buffer of %zd bytes",
                     (long long)displ, nbytes);
        return -1;
    }
    nitems = message_count_in(room, l->extent);
    return nitems < 0 ? -1 : divide(m, nitems, blocks);
}

/* [data, count, type] with what is missing inferred. */
static int from_parts(const parts *p, Py_ssize_t nbytes, int blocks, message *m)
{
    int64_t displ = 0;
    layout l;
    int failed;

    if (m->type == MPI_DATATYPE_NULL && nbytes <= 0)
        return 0;
    if (p->count == NULL && message_refuse_null(m->type) < 0)
        return -1;
    if (message_layout(m->type, &l) < 0 || (p->displ != NULL && index_int64(p->displ, &displ) < 0))
        return -1;
    failed = p->count != NULL ? take_count(p->count, &m->count)
                              : infer_count(nbytes, displ, blocks, &l, m);
    if (failed < 0 || message_inside(nbytes, displ, l.extent, (double)m->count * blocks, &l) < 0)
        return -1;
    m->data = (char *)m->data + displ * l.extent;
    return 0;
}

/* How many elements are in each of the blocks; -1 if they are not equal. */
static inline Py_ssize_t in_each(Py_ssize_t room, int blocks)
{
    if (blocks <= 1)
        return blocks == 0 ? 0 : room;
    return room % blocks == 0 ? room / blocks : -1;
}

/*
 * The commonest lists, [array, count, type of its elements] and [array, type]: nothing to ask MPI.
 * Whether that is it; what is not, or is wrong in it, the long way round finds the words for.
 */
static int from_plain_list(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    PyObject *const *items = PySequence_Fast_ITEMS(spec);
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(spec);
    Py_ssize_t room;

    if ((n != 3 && n != 2) || !is_a(st, items[n - 1], TYPE_Datatype) ||
        (n == 3 && !int_is_small(items[1])) || !array_numbers(items[0], writable, m, &room))
        return 0;
    room = in_each(room, blocks);
    m->count = n == 3 ? int_small(items[1]) : room;
    if (((handle *)items[n - 1])->mpi.datatype == m->type && m->count >= 0 && m->count <= room)
        return 1;
    Py_CLEAR(m->keep);
    m->type = MPI_BYTE;
    m->count = 0;
    return 0;
}

/* [data, ...] or data that are no array of numbers. */
static int from_list(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    parts p = {spec, NULL, NULL, NULL};
    Py_ssize_t nbytes = 0;

    if ((PyList_Check(spec) || PyTuple_Check(spec)) && message_take_apart(st, spec, 0, &p) < 0)
        return -1;
    if (message_take_memory(st, &p, writable, m, &nbytes) < 0)
        return -1;
    return from_parts(&p, nbytes, blocks, m);
}

int message_from_large(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    Py_ssize_t n = 0;

    if (PyList_CheckExact(spec) || PyTuple_CheckExact(spec)) {
        if (from_plain_list(st, spec, writable, blocks, m))
            return 0;
    } else if (array_numbers(spec, writable, m, &n)) {
        m->count = n;
        return blocks == 1 ? 0 : divide(m, n, blocks);
    }
    if (message_refuse_nothing(st, spec) < 0)
        return -1;
    return from_list(st, spec, writable, blocks, m);
}

int message_for(state *st, PyObject *spec, int writable, int rank, message *m)
{
    if (rank == MPI_PROC_NULL)
        return 0;
    return message_from_large(st, spec, writable, 1, m);
}

int message_from(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    if (message_from_large(st, spec, writable, blocks, m) < 0)
        return -1;
    if (m->count <= INT_MAX)
        return 0;
    PyErr_Format(PyExc_OverflowError,
                 "message: count %zd is beyond %d: use a larger Datatype (Create_contiguous)",
                 (Py_ssize_t)m->count, INT_MAX);
    return -1;
}
