/* collio.Dataset.read_direct() and write_direct(): between a dataset and an array of the caller. */
#include "h5.h"

#include <string.h>

typedef struct direct_args {
    PyObject *array;
    PyObject *source_sel;
    PyObject *dest_sel;
} direct_args;

/* Whether the extents of a selection are those of an array, extents of 1 aside. */
static int same_extents(const h5index *index, const array_view *view)
{
    int d = 0, e = 0;

    for (;; d++, e++) {
        while (d < index->ndim && index->shape[d] == 1)
            d++;
        while (e < view->ndim && view->shape[e] == 1)
            e++;
        if (d == index->ndim || e == view->ndim)
            return d == index->ndim && e == view->ndim;
        if (index->shape[d] != view->shape[e])
            return 0;
    }
}

/* What is to be filled: the caller's memory, or a copy if NumPy has selected no view of it, its
 * dtype holds objects, or its extents are larger and elements are to be repeated. */
typedef struct target {
    PyObject *array, *selection;
    array_view view; /* keep == NULL: a copy */
    h5room room;
} target;

/* Whether elements can be read to where the part of an array is. */
static int is_view(const target *to, PyObject *part, const h5travel *t)
{
    PyObject *shared;
    int result;

    if (part != to->array) {
        shared = memory_call("numpy", "may_share_memory", "(OO)", part, to->array);
        result = shared == NULL ? -1 : PyObject_IsTrue(shared);
        Py_XDECREF(shared);
        if (result <= 0)
            return result;
    }
    return same_extents(&t->index, &to->view) && !h5_is_objects(to->view.type);
}

/* Whether numbers are read into bool, to which HDF5 has no conversion. */
static int is_truth(const target *to, const h5travel *t)
{
    return to->view.type == COLLIO_BOOL && t->stored != COLLIO_BOOL &&
           t->stored < COLLIO_TYPE_COUNT;
}

/* Memory for a copy; texts and sequences come as objects, which NumPy then converts. */
static int target_copy(target *to, PyObject *part, h5travel *t)
{
    int own = h5_is_objects(t->stored) || is_truth(to, t);
    PyObject *dtype = own ? NULL : array_dtype_of(part);

    array_view_release(&to->view);
    if (h5_room(dtype, t->stored, t->index.ndim, t->index.shape, &to->room) < 0)
        return -1;
    t->memory = to->room.memory;
    return 0;
}

/* As h5py says that an array cannot be filled. */
static int view_target(PyObject *part, array_view *view)
{
    int result = array_view_any(part, 1, view);

    if (result < 0 && PyErr_ExceptionMatches(PyExc_BufferError))
        PyErr_SetString(PyExc_TypeError, "the array to read into is read-only");
    return result;
}

/* Find memory for the elements that `t` selects. */
static int target_find(target *to, PyObject *part, h5travel *t)
{
    array_view source = {.ndim = t->index.ndim};
    int direct;

    memcpy(source.shape, t->index.shape, (size_t)source.ndim * sizeof *source.shape);
    if (array_dtype_of(part) == NULL) {
        raise_type("the memory to read into", "an array", part);
        return -1;
    }
    if (view_target(part, &to->view) < 0 ||
        memory_broadcast(&source, to->view.ndim, to->view.shape, &t->memory) < 0)
        return -1;
    if (h5_is_objects(t->stored))
        return target_copy(to, part, t);
    if (to->view.type == COLLIO_TYPE_COUNT)
        to->view.type = h5_type(array_dtype_of(part));
    if (to->view.type == COLLIO_TYPE_COUNT)
        return -1;
    direct = is_truth(to, t) ? 0 : is_view(to, part, t);
    if (direct == 0)
        return target_copy(to, part, t);
    memory_describe(&to->view, &t->memory);
    return direct < 0 ? -1 : 0;
}

/* Done: put a copy where it belongs. */
static int target_fill(target *to, int good)
{
    PyObject *copy = h5_room_take(&to->room, good);
    int result = good && PyErr_Occurred() ? -1 : 0;

    if (copy != NULL)
        result = PyObject_SetItem(to->array, to->selection, copy);
    Py_XDECREF(copy);
    array_view_release(&to->view);
    return result;
}

/* The part of an array that a selection leaves: the array, or what NumPy makes of it. New. */
static PyObject *part_of(PyObject *array, PyObject *selection)
{
    return selection == Py_None ? Py_NewRef(array) : PyObject_GetItem(array, selection);
}

static PyObject *or_all(PyObject *selection)
{
    return selection == Py_None ? Py_Ellipsis : selection;
}

PyDoc_STRVAR(read_direct_doc, "read_direct($self, dest, source_sel=None, dest_sel=None)\n--\n\n"
                              "Read into an array, converting to its type. Collective.\n\n"
                              "  dest        a writable array of any strides\n"
                              "  source_sel  what to read; by default all\n"
                              "  dest_sel    where in dest; by default everywhere");

static PyObject *read_direct(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    static const param rows[] = {{"dest", arg_object, offsetof(direct_args, array)},
                                 {"|source_sel", arg_object, offsetof(direct_args, source_sel)},
                                 {"|dest_sel", arg_object, offsetof(direct_args, dest_sel)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    direct_args a = {NULL, Py_None, Py_None};
    target to = {.array = NULL};
    PyObject *part = NULL;
    h5travel t;
    joint j;

    if (h5_refuse_empty(self, "Empty datasets have no numpy representation") < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("read_direct", rows, &a, args, nargs, keywords) == 0)
        part = part_of(a.array, a.dest_sel);
    joint_fail(&j); /* if an exception is pending */
    h5_locate(self, or_all(a.source_sel), &t, &j);
    to.array = a.array;
    to.selection = or_all(a.dest_sel);
    if (j.err.code == COLLIO_OK && target_find(&to, part, &t) < 0)
        joint_fail(&j);
    h5_read_now(self, &t, &j);
    Py_XDECREF(part);
    if (target_fill(&to, j.err.code == COLLIO_OK) < 0 || joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(write_direct_doc, "write_direct($self, source, source_sel=None, dest_sel=None)\n--\n\n"
                               "Write from an array, converting from its type. Collective.\n\n"
                               "  source      an array of any strides\n"
                               "  source_sel  what of it; by default all\n"
                               "  dest_sel    where to write; by default everywhere");

static PyObject *write_direct(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    static const param rows[] = {{"source", arg_object, offsetof(direct_args, array)},
                                 {"|source_sel", arg_object, offsetof(direct_args, source_sel)},
                                 {"|dest_sel", arg_object, offsetof(direct_args, dest_sel)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    direct_args a = {NULL, Py_None, Py_None};
    PyObject *part = NULL;
    int result;
    joint j;

    if (h5_refuse_empty(self, "Empty datasets cannot be written to") < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("write_direct", rows, &a, args, nargs, keywords) == 0)
        part = part_of(a.array, a.source_sel);
    joint_fail(&j); /* if an exception is pending */
    result = h5_write_index(self, or_all(a.dest_sel), NULL, part, &j);
    Py_XDECREF(part);
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef h5direct_methods[] = {
    {"read_direct", FAST(read_direct), FASTCALL, read_direct_doc},
    {"write_direct", FAST(write_direct), FASTCALL, write_direct_doc},
    {NULL, NULL, 0, NULL},
};
