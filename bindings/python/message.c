/* Buffer specifications: what the upper-case calls take for data. */
#include "bindings.h"

#include <limits.h>

void message_release(message *m)
{
    Py_CLEAR(m->keep);
    PyMem_Free(m->counts);
    PyMem_Free(m->displs);
    m->counts = m->displs = NULL;
}

/* ------------------------------------------------------------ one piece of memory */

/* Through the buffer protocol: a memoryview, kept, locks the object's size. */
static int take_buffer(PyObject *object, int writable, message *m, Py_ssize_t *nbytes)
{
    Py_buffer *view;

    if (!PyObject_CheckBuffer(object)) {
        raise_type("message:", "a buffer, or a list of buffer, count and datatype", object);
        return -1;
    }
    m->keep = PyMemoryView_FromObject(object);
    if (m->keep == NULL)
        return -1;
    view = PyMemoryView_GET_BUFFER(m->keep);
    if (writable && view->readonly) {
        PyErr_SetString(PyExc_BufferError, "the object to receive into is read-only");
        return -1;
    }
    if (!PyBuffer_IsContiguous(view, 'A')) {
        PyErr_SetString(PyExc_BufferError, "the buffer is not contiguous");
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

/* MPI type of a buffer's items: bytes are bytes, the rest by format code. */
static int buffer_type(message *m)
{
    const char *format = PyMemoryView_GET_BUFFER(m->keep)->format;

    if (format == NULL || (format[0] == 'B' && format[1] == '\0'))
        m->type = MPI_BYTE;
    else
        m->type = array_mpi_type(format + (format[0] == '@' || format[0] == '='));
    return m->type == MPI_DATATYPE_NULL ? -1 : 0;
}

/* ------------------------------------------------------- the list form, taken apart */

/* Borrowed parts of [data, count or (count, displ), displ, type]; NULL: not given. */
typedef struct parts {
    PyObject *data, *count, *displ, *type;
} parts;

static int is_type(state *st, PyObject *object)
{
    return PyUnicode_Check(object) || is_a(st, object, TYPE_Datatype);
}

/* (counts, displs) given as one tuple. A plain tuple of counts has other lengths or
 * holds integers only; then the vector form decides (split_pair is 0). */
static void split_counts(parts *p, int pair_is_counts)
{
    PyObject *pair = p->count;
    int nested;

    if (pair == NULL || !(PyTuple_Check(pair) || PyList_Check(pair)) || p->displ != NULL ||
        PySequence_Fast_GET_SIZE(pair) != 2)
        return;
    nested = !is_integer(PySequence_Fast_GET_ITEM(pair, 0)) ||
             !(is_integer(PySequence_Fast_GET_ITEM(pair, 1)));
    if (pair_is_counts && !nested)
        return;
    p->count = PySequence_Fast_GET_ITEM(pair, 0);
    p->displ = PySequence_Fast_GET_ITEM(pair, 1);
}

static int take_apart(state *st, PyObject *spec, int vector, parts *p)
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
    else if (n == 4 || (n == 3 && !vector)) {
        raise_type("message: the datatype", "MPI.Datatype or str", items[n - 1]);
        return -1;
    }
    if (n > 1)
        p->count = items[1];
    if (n > 2)
        p->displ = items[2];
    split_counts(p, vector);
    if (p->count == Py_None)
        p->count = NULL;
    if (p->displ == Py_None)
        p->displ = NULL;
    if (p->type == Py_None)
        p->type = NULL;
    return 0;
}

static int type_from(state *st, PyObject *object, MPI_Datatype *type)
{
    const char *name;

    if (!PyUnicode_Check(object))
        return type_arg(st, object, type);
    name = PyUnicode_AsUTF8(object);
    *type = name == NULL ? MPI_DATATYPE_NULL : array_mpi_type(name);
    return *type == MPI_DATATYPE_NULL ? -1 : 0;
}

static int is_bottom(state *st, PyObject *data)
{
    return data == Py_None || data == st->bottom;
}

/* Memory and type. *nbytes is -1 where the memory has no known end. */
static int take_memory(state *st, const parts *p, int writable, message *m, Py_ssize_t *nbytes)
{
    int done;

    if (is_bottom(st, p->data)) {
        *nbytes = p->data == st->bottom ? -1 : 0;
        m->data = MPI_BOTTOM;
        return p->type == NULL ? 0 : type_from(st, p->type, &m->type);
    }
    if (p->type != NULL) {
        if (type_from(st, p->type, &m->type) < 0)
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

static int extent_of(MPI_Datatype type, MPI_Aint *extent, MPI_Aint *span)
{
    MPI_Aint lb, true_lb, true_extent;

    if (mpi_failed(MPI_Type_get_extent(type, &lb, extent), "MPI_Type_get_extent") < 0 ||
        mpi_failed(MPI_Type_get_true_extent(type, &true_lb, &true_extent),
                   "MPI_Type_get_true_extent") < 0)
        return -1;
    *span = true_lb + true_extent;
    return 0;
}

static int set_count(message *m, Py_ssize_t count)
{
    if (count > INT_MAX) {
        PyErr_Format(PyExc_OverflowError,
                     "message: count %zd is beyond %d: use a larger Datatype (Create_contiguous)",
                     count, INT_MAX);
        return -1;
    }
    m->count = (int)count;
    return 0;
}

/* The number of elements in nbytes, which must be a multiple. */
static Py_ssize_t count_in(Py_ssize_t nbytes, MPI_Aint extent)
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
    if (nitems % blocks != 0) {
        PyErr_Format(PyExc_ValueError,
                     "message: cannot infer count, number of entries %zd is not a multiple of "
                     "required number of blocks %d",
                     nitems, blocks);
        return -1;
    }
    return set_count(m, nitems / blocks);
}

/* Elements displ .. displ + count of the type must lie inside the buffer. */
static int check_inside(Py_ssize_t nbytes, Py_ssize_t displ, Py_ssize_t count, MPI_Aint extent,
                        MPI_Aint span)
{
    Py_ssize_t end = (displ + count - 1) * (Py_ssize_t)extent + (Py_ssize_t)span;

    if (nbytes < 0 || count == 0 || end <= nbytes)
        return 0;
    PyErr_Format(PyExc_ValueError,
                 "message: buffer of %zd bytes is too short: %zd items of extent %zd at "
                 "displacement %zd end at byte %zd",
                 nbytes, count, (Py_ssize_t)extent, displ, end);
    return -1;
}

/* [data, count, type] with what is missing inferred. */
static int from_parts(const parts *p, Py_ssize_t nbytes, int blocks, message *m)
{
    MPI_Aint extent = 1, span = 1;
    Py_ssize_t count, displ = 0;

    if (m->type == MPI_DATATYPE_NULL && nbytes <= 0)
        return 0;
    if (extent_of(m->type, &extent, &span) < 0)
        return -1;
    if (p->displ != NULL && arg_size(p->displ, &displ) < 0)
        return -1;
    if (p->count != NULL) {
        if (arg_size(p->count, &count) < 0)
            return -1;
        if (count < 0) {
            PyErr_Format(PyExc_ValueError, "message: negative count %zd", count);
            return -1;
        }
        if (check_inside(nbytes, displ, count * blocks, extent, span) < 0 ||
            set_count(m, count) < 0)
            return -1;
    } else {
        if (nbytes < 0) {
            PyErr_SetString(PyExc_ValueError, "message: MPI.BOTTOM needs a count and a datatype");
            return -1;
        }
        count = count_in(nbytes - displ * extent, extent);
        if (count < 0 || divide(m, count, blocks) < 0)
            return -1;
    }
    m->data = (char *)m->data + displ * extent;
    return 0;
}

/* The commonest list, [array, count, type of its elements]: nothing to ask MPI.
 * 1 if that is it, 0 if not, -1. */
static int from_plain_parts(state *st, const parts *p, int writable, int blocks, message *m)
{
    Py_ssize_t n = 0, count;

    if (p->displ != NULL || p->type == NULL || !is_a(st, p->type, TYPE_Datatype) ||
        ((handle *)p->type)->mpi.datatype == MPI_DATATYPE_NULL ||
        ((handle *)p->type)->mpi.datatype != array_element_type(p->data))
        return 0;
    if (array_message(p->data, writable, m, &n) < 0)
        return -1;
    if (p->count == NULL)
        return divide(m, n, blocks) < 0 ? -1 : 1;
    if (arg_size(p->count, &count) < 0)
        return -1;
    if (count >= 0 && count * blocks <= n)
        return set_count(m, count) < 0 ? -1 : 1;
    Py_CLEAR(m->keep); /* the long way round finds the words for it */
    return 0;
}

/* [data, ...] or data that are no array of numbers. */
static int from_list(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    parts p = {spec, NULL, NULL, NULL};
    Py_ssize_t nbytes = 0;
    int done = 0;

    if (PyList_Check(spec) || PyTuple_Check(spec)) {
        if (take_apart(st, spec, 0, &p) < 0)
            return -1;
        done = from_plain_parts(st, &p, writable, blocks, m);
    }
    if (done != 0)
        return done < 0 ? -1 : 0;
    if (take_memory(st, &p, writable, m, &nbytes) < 0)
        return -1;
    return from_parts(&p, nbytes, blocks, m);
}

int message_from(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    Py_ssize_t n = 0;
    int done = array_message(spec, writable, m, &n);

    if (done > 0)
        return blocks == 1 ? set_count(m, n) : divide(m, n, blocks);
    if (done < 0)
        return -1;
    if (is_bottom(st, spec)) /* nothing: the other side's, or none */
        return 0;
    return from_list(st, spec, writable, blocks, m);
}

/* ------------------------------------------------------------------- vector forms */

static int raise_length(int wanted, int got)
{
    PyErr_Format(PyExc_ValueError, "message: expecting %d items, got %d", wanted, got);
    return -1;
}

/* A list with one number for each block, or one number for all of them. */
static int block_numbers(PyObject *object, int blocks, int **out)
{
    int n, value;

    if (!is_integer(object)) {
        n = ints_from(object, out);
        return n < 0 ? -1 : n != blocks ? raise_length(blocks, n) : 0;
    }
    if (arg_int(object, &value) < 0)
        return -1;
    *out = PyMem_Malloc((size_t)blocks * sizeof **out);
    if (*out == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < blocks; i++)
        (*out)[i] = value;
    return 0;
}

/* Without counts: nearly equal parts, the first ones larger. */
static int even_counts(Py_ssize_t total, int blocks, int **out)
{
    if (total / blocks >= INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "message: count beyond 2147483647");
        return -1;
    }
    *out = PyMem_Malloc((size_t)blocks * sizeof **out);
    if (*out == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < blocks; i++)
        (*out)[i] = (int)(total / blocks + (i < total % blocks));
    return 0;
}

/* Without displacements: one block after the other. */
static int packed_displs(const int *counts, int blocks, int **out)
{
    int64_t at = 0;

    *out = PyMem_Malloc((size_t)blocks * sizeof **out);
    if (*out == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < blocks; i++) {
        (*out)[i] = (int)at;
        at += counts[i];
        if (at > INT_MAX && i + 1 < blocks) {
            PyErr_SetString(PyExc_OverflowError, "message: displacement beyond 2147483647");
            return -1;
        }
    }
    return 0;
}

static int check_vector(const message *m, int blocks, Py_ssize_t nbytes, MPI_Aint extent,
                        MPI_Aint span)
{
    for (int i = 0; i < blocks; i++) {
        if (m->counts[i] < 0) {
            PyErr_Format(PyExc_ValueError, "message: negative count %d", m->counts[i]);
            return -1;
        }
        if (check_inside(nbytes, m->displs[i], m->counts[i], extent, span) < 0)
            return -1;
    }
    return 0;
}

int message_vector(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    parts p = {spec, NULL, NULL, NULL};
    MPI_Aint extent, span;
    Py_ssize_t nbytes = 0, total = 0;
    int failed;

    if ((PyList_Check(spec) || PyTuple_Check(spec)) && take_apart(st, spec, 1, &p) < 0)
        return -1;
    if (take_memory(st, &p, writable, m, &nbytes) < 0 || extent_of(m->type, &extent, &span) < 0)
        return -1;
    if (p.count == NULL)
        total = count_in(nbytes < 0 ? 0 : nbytes, extent);
    if (total < 0)
        return -1;
    failed = p.count != NULL ? block_numbers(p.count, blocks, &m->counts)
                             : even_counts(total, blocks, &m->counts);
    if (failed < 0)
        return -1;
    failed = p.displ != NULL ? block_numbers(p.displ, blocks, &m->displs)
                             : packed_displs(m->counts, blocks, &m->displs);
    return failed < 0 ? -1 : check_vector(m, blocks, nbytes, extent, span);
}
