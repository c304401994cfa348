/* Buffer specifications with a count, a place and maybe a type for each rank. */
#include "message.h"

#include <string.h>

/* ------------------------------------------------------------------- lists of numbers */

/* The lists lie in one Python object, so that a request can hold on to them. */
static int make_lists(message *m, int blocks, int types)
{
    const size_t n = (size_t)blocks;
    size_t size = n * (sizeof(MPI_Count) + sizeof(MPI_Aint) + (types ? sizeof(MPI_Datatype) : 0));
    char *at;

    m->lists = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (m->lists == NULL)
        return -1;
    at = PyBytes_AS_STRING(m->lists);
    m->counts = at;
    m->displs = at + n * sizeof(MPI_Count);
    m->types = types ? (MPI_Datatype *)(at + n * (sizeof(MPI_Count) + sizeof(MPI_Aint))) : NULL;
    return 0;
}

static int raise_length(int wanted, Py_ssize_t got)
{
    PyErr_Format(PyExc_ValueError, "expecting %d items, got %zd", wanted, got);
    return -1;
}

typedef int take_item(state *st, PyObject *item, void *list, int at);

/* Give each item of a sequence to `take`. */
static int each_item(state *st, PyObject *sequence, int blocks, take_item *take, void *list)
{
    PyObject *fast = PySequence_Fast(sequence, "message: expecting a sequence, an item a rank");
    int i = 0;

    if (fast == NULL)
        return -1;
    if (PySequence_Fast_GET_SIZE(fast) != blocks) {
        raise_length(blocks, PySequence_Fast_GET_SIZE(fast));
        i = -1;
    }
    while (i >= 0 && i < blocks && take(st, PySequence_Fast_GET_ITEM(fast, i), list, i) == 0)
        i++;
    Py_DECREF(fast);
    return i == blocks ? 0 : -1;
}

static int take_count(state *Py_UNUSED(st), PyObject *item, void *list, int at)
{
    int64_t value;

    if (index_int64(item, &value) < 0)
        return -1;
    if (value < 0) {
        PyErr_Format(PyExc_ValueError, "message: negative count %lld", (long long)value);
        return -1;
    }
    ((MPI_Count *)list)[at] = (MPI_Count)value;
    return 0;
}

static int take_displ(state *Py_UNUSED(st), PyObject *item, void *list, int at)
{
    int64_t value;

    if (index_int64(item, &value) < 0)
        return -1;
    ((MPI_Aint *)list)[at] = (MPI_Aint)value;
    return 0;
}

/* A number for each block, or one number for all of them. */
static int take_counts_given(state *st, PyObject *object, int blocks, MPI_Count *counts)
{
    if (!is_integer(object))
        return each_item(st, object, blocks, take_count, counts);
    for (int i = 0; i < blocks; i++)
        if (take_count(st, object, counts, i) < 0)
            return -1;
    return 0;
}

/* A displacement for each block, or how far it is from one to the next. */
static int take_displs_given(state *st, PyObject *object, int blocks, MPI_Aint *displs)
{
    MPI_Aint stride;

    if (!is_integer(object))
        return each_item(st, object, blocks, take_displ, displs);
    if (take_displ(st, object, &stride, 0) < 0)
        return -1;
    for (int i = 0; i < blocks; i++)
        displs[i] = i * stride;
    return 0;
}

/* Without counts: nearly equal parts, the first ones larger. */
static void even_counts(Py_ssize_t total, int blocks, MPI_Count *counts)
{
    for (int i = 0; i < blocks; i++)
        counts[i] = total / blocks + (i < total % blocks);
}

/* Without displacements: one block after the other. */
static void packed_displs(const MPI_Count *counts, int blocks, MPI_Aint *displs)
{
    MPI_Aint at = 0;

    for (int i = 0; i < blocks; i++) {
        displs[i] = at;
        at += (MPI_Aint)counts[i];
    }
}

/* ------------------------------------------------------------------------------ forms */

/* Blocks must lie inside the buffer; displacements in units of `unit` bytes. */
static int check_blocks(const message *m, int blocks, Py_ssize_t nbytes, MPI_Aint unit,
                        const layout *l)
{
    const MPI_Count *counts = m->counts;
    const MPI_Aint *displs = m->displs;

    for (int i = 0; i < blocks; i++)
        if (message_inside(nbytes, displs[i], unit, (double)counts[i], l) < 0)
            return -1;
    return 0;
}

static int take_counts(state *st, const parts *p, int blocks, Py_ssize_t nbytes, MPI_Aint extent,
                       message *m)
{
    Py_ssize_t total;

    if (p->count != NULL)
        return take_counts_given(st, p->count, blocks, m->counts);
    if (message_refuse_null(m->type) < 0)
        return -1;
    total = message_count_in(nbytes < 0 ? 0 : nbytes, extent);
    if (total < 0)
        return -1;
    even_counts(total, blocks, m->counts);
    return 0;
}

int message_vector(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    parts p = {spec, NULL, NULL, NULL};
    Py_ssize_t nbytes = 0;
    layout l;

    if ((PyList_Check(spec) || PyTuple_Check(spec)) && message_take_apart(st, spec, 1, &p) < 0)
        return -1;
    if (message_refuse_nothing(st, spec) < 0)
        return -1;
    if (message_take_memory(st, &p, writable, m, &nbytes) < 0 || message_layout(m->type, &l) < 0 ||
        make_lists(m, blocks, 0) < 0 || take_counts(st, &p, blocks, nbytes, l.extent, m) < 0)
        return -1;
    if (p.displ == NULL)
        packed_displs(m->counts, blocks, m->displs);
    else if (take_displs_given(st, p.displ, blocks, m->displs) < 0)
        return -1;
    return check_blocks(m, blocks, nbytes, l.extent, &l);
}

/* The types one by one: where MPI looks at no element, a null type may stand. */
static int check_types(const message *m, int blocks, Py_ssize_t nbytes)
{
    const MPI_Count *counts = m->counts;
    const MPI_Aint *displs = m->displs;
    layout l;

    for (int i = 0; i < blocks; i++) {
        if (counts[i] == 0)
            continue;
        if (message_layout(m->types[i], &l) < 0 ||
            message_inside(nbytes, displs[i], 1, (double)counts[i], &l) < 0)
            return -1;
    }
    return 0;
}

static int take_type(state *st, PyObject *item, void *list, int at)
{
    MPI_Datatype *type = &((MPI_Datatype *)list)[at];

    return PyUnicode_Check(item) ? message_type(st, item, type) : type_arg(st, item, type);
}

static int split_types(PyObject *spec, parts *p)
{
    const int is_list = PyList_Check(spec) || PyTuple_Check(spec);
    Py_ssize_t n = is_list ? PySequence_Fast_GET_SIZE(spec) : 0;
    PyObject **items = is_list ? PySequence_Fast_ITEMS(spec) : NULL;

    if (!is_list) {
        raise_type("message:", "a list of data, counts, displacements and types", spec);
        return -1;
    }
    if (n < 2 || n > 4) {
        PyErr_SetString(PyExc_ValueError,
                        "message: expecting 2 to 4 items: data, counts, displacements, types");
        return -1;
    }
    *p = (parts){items[0], n > 2 ? items[1] : NULL, n > 3 ? items[2] : NULL, items[n - 1]};
    if (n == 3 && message_split_counts(p, 0) < 0)
        return -1;
    if (p->count == Py_None)
        p->count = NULL;
    if (p->displ == Py_None)
        p->displ = NULL;
    return 0;
}

int message_types(state *st, PyObject *spec, int writable, int blocks, message *m)
{
    Py_ssize_t nbytes = -1;
    parts p;

    if (split_types(spec, &p) < 0 || message_refuse_in_place(st, p.data) < 0 ||
        make_lists(m, blocks, 1) < 0)
        return -1;
    if (p.data == st->bottom || p.data == Py_None)
        m->data = MPI_BOTTOM;
    else if (message_memory(p.data, writable, m, &nbytes) < 0)
        return -1;
    for (int i = 0; i < blocks; i++) {
        ((MPI_Count *)m->counts)[i] = 1;
        ((MPI_Aint *)m->displs)[i] = 0;
    }
    if (p.count != NULL && take_counts_given(st, p.count, blocks, m->counts) < 0)
        return -1;
    if (p.displ != NULL && take_displs_given(st, p.displ, blocks, m->displs) < 0)
        return -1;
    if (each_item(st, p.type, blocks, take_type, m->types) < 0)
        return -1;
    return check_types(m, blocks, nbytes);
}

int message_counts(state *st, PyObject *counts, int blocks, message *m)
{
    if (make_lists(m, blocks, 0) < 0)
        return -1;
    m->displs = NULL;
    return counts == NULL ? 0 : each_item(st, counts, blocks, take_count, m->counts);
}

int message_spread(message *m, int blocks)
{
    if (make_lists(m, blocks, 0) < 0)
        return -1;
    for (int i = 0; i < blocks; i++)
        ((MPI_Count *)m->counts)[i] = m->count;
    packed_displs(m->counts, blocks, m->displs);
    return 0;
}

/* ---------------------------------------------------------------------- large numbers */

int message_is_large(const message *m, int blocks)
{
    const MPI_Count *counts = m->counts;
    const MPI_Aint *displs = m->displs;
    int large = m->count > INT_MAX;

    if (m->lists == NULL)
        return large;
    for (int i = 0; i < blocks; i++)
        large |=
            counts[i] > INT_MAX || (displs != NULL && (displs[i] > INT_MAX || displs[i] < INT_MIN));
    return large;
}

/* An int never lies beyond the number it is made from. */
static void narrow(char *list, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t wide;
        int number;
        memcpy(&wide, list + (size_t)i * sizeof wide, sizeof wide);
        number = (int)wide;
        memcpy(list + (size_t)i * sizeof number, &number, sizeof number);
    }
}

void message_narrow(message *m, int blocks, int displs)
{
    if (m->lists == NULL)
        return;
    narrow(m->counts, blocks);
    if (displs && m->displs != NULL && sizeof(MPI_Aint) == sizeof(int64_t))
        narrow(m->displs, blocks);
}
