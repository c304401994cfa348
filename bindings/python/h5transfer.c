/* How the elements of a collio.Dataset are read and written. */
#include "h5.h"

#include <string.h>

/* Where the elements of one read or write are: in the file and in memory. */
typedef struct travel {
    h5index index;
    collio_type type; /* of the dataset */
    collio_array memory;
} travel;

/* A selection of nothing: for a rank that brings an error. */
static void nothing(travel *t)
{
    memset(t, 0, sizeof *t);
}

/* Where in the file; errors of this rank go to j. */
static void locate(h5object *self, PyObject *index, travel *t, joint *j)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int ndim = 0;

    nothing(t);
    if (collio_dataset_shape(self->object, &ndim, shape, &j->err) ||
        collio_dataset_type(self->object, &t->type, NULL, &j->err))
        return;
    if (h5_select(index, ndim, shape, &t->index) < 0)
        joint_fail(j);
}

/* ----------------------------------------------------------------------- read */

static void read_now(h5object *self, travel *t, joint *j)
{
    PyThreadState *saved = io_enter();

    if (self->alone)
        collio_dataset_read_independent(self->object, &t->index.selection, &t->memory, &j->err);
    else
        collio_dataset_read(self->object, &t->index.selection, &t->memory, &j->err);
    io_leave(saved);
}

static PyObject *read_index(h5object *self, PyObject *index, joint *j)
{
    PyObject *array = NULL;
    void *data = NULL;
    travel t;

    locate(self, index, &t, j);
    if (j->err.code == COLLIO_OK) {
        array = array_new(t.type, t.index.ndim, t.index.shape, &data);
        if (array == NULL)
            joint_fail(j);
        else
            collio_array_fill(&t.memory, data, t.type, t.index.ndim, t.index.shape);
    }
    read_now(self, &t, j);
    if (joint_end(j) < 0) {
        Py_XDECREF(array);
        return NULL;
    }
    return t.index.scalar ? array_scalar(array) : array;
}

PyObject *h5_read(PyObject *object, PyObject *index)
{
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    return read_index((h5object *)object, index, &j);
}

/* For iteration, which ends with an IndexError of all ranks. */
PyObject *h5_read_row(PyObject *object, Py_ssize_t row)
{
    PyObject *index = PyLong_FromSsize_t(row), *result;

    if (index == NULL)
        return NULL;
    result = h5_read(object, index);
    Py_DECREF(index);
    return result;
}

/* ---------------------------------------------------------------------- write */

/* What to write: numbers and lists become elements of the dataset's type at once. */
static int values_of(PyObject *values, travel *t, array_view *view)
{
    PyObject *dtype = array_dtype(t->type);
    int result = dtype == NULL ? -1 : memory_view(values, dtype, view);

    Py_XDECREF(dtype);
    if (result < 0)
        return -1;
    return memory_broadcast(view, t->index.ndim, t->index.shape, &t->memory);
}

static void write_now(h5object *self, const travel *t, joint *j)
{
    PyThreadState *saved = io_enter();

    collio_dataset_write(self->object, &t->index.selection, &t->memory, &j->err);
    io_leave(saved);
}

static int refuse_alone(const h5object *self)
{
    if (!self->alone)
        return 0;
    PyErr_SetString(PyExc_NotImplementedError,
                    "a rank cannot write alone: within `with d.independent:` only reads are "
                    "allowed; write with an empty selection on the other ranks instead");
    return -1;
}

int h5_write(PyObject *object, PyObject *index, PyObject *values)
{
    h5object *self = (h5object *)object;
    array_view view = {.keep = NULL};
    travel t;
    joint j;

    if (h5_ready(self) < 0 || refuse_alone(self) < 0)
        return -1;
    joint_begin(&j);
    if (values == NULL) {
        PyErr_SetString(PyExc_TypeError, "elements of a dataset cannot be deleted");
        joint_fail(&j);
    }
    locate(self, index, &t, &j);
    if (j.err.code == COLLIO_OK && values_of(values, &t, &view) < 0)
        joint_fail(&j);
    write_now(self, &t, &j);
    array_view_release(&view);
    return joint_end(&j);
}

/* ------------------------------------------------------- read_direct, write_direct */

typedef struct direct_args {
    PyObject *array;
    PyObject *source_sel;
    PyObject *dest_sel;
} direct_args;

/* A part of the caller's array: the array itself, or what NumPy selects of it. New. */
static PyObject *part_of(PyObject *array, PyObject *selection)
{
    return selection == Py_None ? Py_NewRef(array) : PyObject_GetItem(array, selection);
}

/* Where in the file: an index, or all of it. */
static void locate_or_all(h5object *self, PyObject *index, travel *t, joint *j)
{
    locate(self, index == Py_None ? Py_Ellipsis : index, t, j);
}

static int into_array(PyObject *array, travel *t, array_view *view)
{
    if (array_view_from(array, 1, view) < 0)
        return -1;
    memory_describe(view, &t->memory);
    return 0;
}

PyDoc_STRVAR(read_direct_doc, "read_direct($self, dest, source_sel=None, dest_sel=None)\n--\n\n"
                              "Read into an array, converting to its type. Collective.\n\n"
                              "  dest        a writable array of any strides\n"
                              "  source_sel  what to read; by default all\n"
                              "  dest_sel    where in dest, as slices; by default everywhere");

static PyObject *read_direct(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    static const param rows[] = {{"dest", arg_object, offsetof(direct_args, array)},
                                 {"|source_sel", arg_object, offsetof(direct_args, source_sel)},
                                 {"|dest_sel", arg_object, offsetof(direct_args, dest_sel)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    direct_args a = {NULL, Py_None, Py_None};
    array_view view = {.keep = NULL};
    PyObject *part = NULL;
    travel t;
    joint j;

    if (h5_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("read_direct", rows, &a, args, nargs, keywords) == 0)
        part = part_of(a.array, a.dest_sel);
    joint_fail(&j); /* if an exception is pending */
    locate_or_all(self, a.source_sel, &t, &j);
    if (j.err.code == COLLIO_OK && into_array(part, &t, &view) < 0)
        joint_fail(&j);
    read_now(self, &t, &j);
    array_view_release(&view);
    Py_XDECREF(part);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(write_direct_doc, "write_direct($self, source, source_sel=None, dest_sel=None)\n--\n\n"
                               "Write from an array, converting from its type. Collective.\n\n"
                               "  source      an array of any strides\n"
                               "  source_sel  what of it, as slices; by default all\n"
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
    array_view view = {.keep = NULL};
    PyObject *part = NULL;
    travel t;
    joint j;

    if (h5_ready(self) < 0 || refuse_alone(self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("write_direct", rows, &a, args, nargs, keywords) == 0)
        part = part_of(a.array, a.source_sel);
    joint_fail(&j); /* if an exception is pending */
    locate_or_all(self, a.dest_sel, &t, &j);
    if (j.err.code == COLLIO_OK && values_of(part, &t, &view) < 0)
        joint_fail(&j);
    write_now(self, &t, &j);
    array_view_release(&view);
    Py_XDECREF(part);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ------------------------------------------------------------------ as an array */

typedef struct array_args {
    PyObject *dtype;
    PyObject *copy;
} array_args;

PyDoc_STRVAR(array_doc, "__array__($self, dtype=None, copy=None)\n--\n\nAll elements. Collective.");

static PyObject *dataset_array(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    static const param rows[] = {{"|dtype", arg_object, offsetof(array_args, dtype)},
                                 {"|copy", arg_object, offsetof(array_args, copy)},
                                 {NULL, NULL, 0}};
    array_args a = {Py_None, Py_None};
    PyObject *array;
    joint j;

    if (h5_ready((h5object *)self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("__array__", rows, &a, args, nargs, keywords) < 0) {
        joint_fail(&j);
    } else if (a.copy == Py_False) {
        PyErr_SetString(PyExc_ValueError, "a dataset cannot become an array without a copy");
        joint_fail(&j);
    }
    array = read_index((h5object *)self, Py_Ellipsis, &j);
    if (array != NULL && a.dtype != Py_None)
        Py_SETREF(array, PyObject_CallMethod(array, "astype", "O", a.dtype));
    return array;
}

PyMethodDef h5transfer_methods[] = {
    {"read_direct", FAST(read_direct), FASTCALL, read_direct_doc},
    {"write_direct", FAST(write_direct), FASTCALL, write_direct_doc},
    {"__array__", FAST(dataset_array), FASTCALL, array_doc},
    {NULL, NULL, 0, NULL},
};
