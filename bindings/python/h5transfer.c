/* How the elements of a collio.Dataset are read and written. */
#include "h5.h"

#include <string.h>

/* Where the elements of one read or write are: in the file and in memory. */
typedef struct travel {
    h5index index;
    collio_type stored; /* of the dataset */
    collio_array memory;
    int region; /* a reference stands for the index */
} travel;

/* A selection of nothing, for a rank that brings an error. */
static void nothing(travel *t)
{
    t->index.selection.ndim = 0;
    t->index.selection.flat = 0;
    t->index.ndim = 0;
    t->memory.data = NULL;
    t->memory.type = COLLIO_TYPE_COUNT;
    t->memory.ndim = 0;
}

static int select_in(h5object *self, PyObject *index, int ndim, const int64_t *shape, h5index *out)
{
    if (index != NULL && h5_is_region(index))
        return h5_select_region(self, index, out);
    return h5_select(index, ndim, shape, out);
}

/* Where in the file; errors of this rank go to j. */
static void locate(h5object *self, PyObject *index, travel *t, joint *j)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int ndim = 0;

    nothing(t);
    t->index.keep = NULL;
    t->region = index != NULL && h5_is_region(index);
    if (j->err.code == COLLIO_OK &&
        collio_dataset_shape(self->object, &ndim, shape, &j->err) == COLLIO_OK &&
        collio_dataset_stored_type(self->object, &t->stored, &j->err) == COLLIO_OK &&
        select_in(self, index, ndim, shape, &t->index) < 0) {
        nothing(t);
        joint_fail(j);
    }
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
    Py_CLEAR(t->index.keep);
}

/*
 * Read a selection.
 *   dtype    in  of the result; NULL: that of the dataset
 *   as_item  in  one element is to be a scalar, not an array
 */
static PyObject *read_index(h5object *self, PyObject *index, PyObject *dtype, int as_item, joint *j)
{
    h5room room = {.array = NULL};
    PyObject *array;
    travel t;

    locate(self, index, &t, j);
    if (j->err.code == COLLIO_OK &&
        h5_room(dtype, t.stored, t.index.ndim, t.index.shape, &room) < 0)
        joint_fail(j);
    if (room.array != NULL)
        t.memory = room.memory;
    read_now(self, &t, j);
    array = h5_room_take(&room, j->err.code == COLLIO_OK);
    if (joint_end(j) < 0) {
        Py_XDECREF(array);
        return NULL;
    }
    return array != NULL && as_item && t.index.scalar ? array_scalar(array) : array;
}

/* A dataset without elements is read as what it was made from: everyone knows it already. */
static PyObject *read_empty(h5object *self, PyObject *index, PyObject *dtype)
{
    int all = index == Py_Ellipsis ||
              (PyTuple_Check(index) &&
               (PyTuple_GET_SIZE(index) == 0 ||
                (PyTuple_GET_SIZE(index) == 1 && PyTuple_GET_ITEM(index, 0) == Py_Ellipsis)));
    PyObject *own, *empty;

    if (!all)
        return PyErr_Format(PyExc_ValueError, "Empty datasets cannot be sliced");
    own = dtype != NULL ? Py_NewRef(dtype) : PyObject_GetAttrString((PyObject *)self, "dtype");
    empty = own == NULL ? NULL : memory_call("collio._types", "Empty", "(O)", own);
    Py_XDECREF(own);
    return empty;
}

/* Read some fields of a struct: one is the array itself. */
static PyObject *read_fields(h5object *self, PyObject *index, PyObject *names, PyObject *dtype,
                             joint *j)
{
    PyObject *whole =
        dtype != NULL ? Py_NewRef(dtype) : PyObject_GetAttrString((PyObject *)self, "dtype");
    PyObject *fields =
        whole == NULL ? NULL : memory_call("collio._types", "fields_dtype", "(OO)", whole, names);
    PyObject *array;

    joint_fail(j); /* if an exception is pending */
    array = read_index(self, index, fields, 1, j);
    if (array != NULL && PyTuple_GET_SIZE(names) == 1)
        Py_SETREF(array, PyObject_GetItem(array, PyTuple_GET_ITEM(names, 0)));
    Py_XDECREF(fields);
    Py_XDECREF(whole);
    return array;
}

static PyObject *read_as(h5object *self, PyObject *index, PyObject *dtype)
{
    PyObject *names = NULL, *rest = NULL, *result;
    joint j;

    if (h5_ready(self) < 0)
        return NULL;
    if (h5_is_null(self))
        return read_empty(self, index, dtype);
    joint_begin(&j);
    if (h5_names_in(index, &names, &rest) < 0)
        joint_fail(&j);
    if (names != NULL)
        result = read_fields(self, rest, names, dtype, &j);
    else
        result = read_index(self, rest, dtype, 1, &j);
    Py_XDECREF(names);
    Py_XDECREF(rest);
    return result;
}

/* Whether an index is a selection made by collio._hl.selections. */
static int is_selection(PyObject *index)
{
    return !PyTuple_CheckExact(index) && !PyLong_CheckExact(index) && !PySlice_Check(index) &&
           index != Py_Ellipsis && !PyList_CheckExact(index) && !PyUnicode_CheckExact(index) &&
           PyObject_HasAttrString(index, "nselect");
}

PyObject *h5_read(PyObject *object, PyObject *index)
{
    if (is_selection(index))
        return memory_call("collio._hl.selections", "read", "(OO)", object, index);
    return read_as((h5object *)object, index, NULL);
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

PyDoc_STRVAR(read_as_doc, "_read_as($self, index, dtype, /)\n--\n\nd[index] as elements of another "
                          "type. Collective.");

static PyObject *dataset_read_as(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "_read_as() takes 2 arguments");
    return read_as((h5object *)self, args[0], args[1]);
}

/* ---------------------------------------------------------------------- write */

/* Whether values go as they are where elements are numbers of this machine: no field names, and
 * nothing that NumPy knows more about. */
static int is_simple(PyObject *values, PyObject *names, const travel *t)
{
    PyObject *dtype = array_dtype_of(values);
    int particular = t->stored == COLLIO_BOOL || t->stored == COLLIO_COMPLEX64 ||
                     t->stored == COLLIO_COMPLEX128; /* HDF5 converts no other numbers to these */

    if (t->stored >= COLLIO_TYPE_COUNT || names != NULL)
        return 0;
    return dtype == NULL || array_plain_type(dtype) == t->stored ||
           (!particular && array_plain_type(dtype) != COLLIO_TYPE_COUNT);
}

/* What to write: numbers and lists become elements of the dataset's type at once. */
static int view_values(PyObject *values, PyObject *names, const travel *t, h5values *out)
{
    PyObject *dtype;
    int result;

    if (!is_simple(values, names, t))
        return h5_values(values, t->stored, names, out);
    dtype = array_dtype(t->stored);
    result = dtype == NULL ? -1 : memory_view(values, dtype, &out->view);
    Py_XDECREF(dtype);
    return result;
}

/* As many elements as a region has, whatever the array's shape; NULL: another number. New. */
static PyObject *fit_region(PyObject *values, const travel *t)
{
    PyObject *shape = memory_tuple(t->index.ndim, t->index.shape);
    PyObject *fitted =
        shape == NULL ? NULL : memory_call("numpy", "reshape", "(OO)", values, shape);

    PyErr_Clear();
    Py_XDECREF(shape);
    return fitted;
}

static int values_of(PyObject *values, PyObject *names, travel *t, h5values *out)
{
    PyObject *flat = NULL;
    int result;

    /* Elements under a mask are taken in their order, whatever the array's shape. */
    if (t->index.selection.flat && array_dtype_of(values) != NULL && array_ndim(values) > 1) {
        flat = memory_call("numpy", "ravel", "(O)", values);
        if (flat == NULL)
            return -1;
    }
    if (t->region && array_dtype_of(values) != NULL)
        flat = fit_region(values, t);
    result = view_values(flat != NULL ? flat : values, names, t, out);
    Py_XDECREF(flat);
    if (result < 0)
        return -1;
    return memory_broadcast(&out->view, t->index.ndim, t->index.shape, &t->memory);
}

/* A dataset without elements has nothing for arrays. */
static int refuse_empty(h5object *self, const char *text)
{
    if (h5_ready(self) < 0)
        return -1;
    if (!h5_is_null(self))
        return 0;
    PyErr_SetString(PyExc_TypeError, text);
    return -1;
}

/* Write to a selection; `names` are fields, or NULL. An error of this rank is in j already, or
 * the values are there. */
static int write_index(h5object *self, PyObject *index, PyObject *names, PyObject *values, joint *j)
{
    h5values v = {.view = {.keep = NULL}, .keep = NULL};
    PyThreadState *saved;
    travel t;

    locate(self, index, &t, j);
    if (j->err.code == COLLIO_OK && values_of(values, names, &t, &v) < 0)
        joint_fail(j);
    saved = io_enter();
    if (self->alone)
        collio_dataset_write_independent(self->object, &t.index.selection, &t.memory, &j->err);
    else
        collio_dataset_write(self->object, &t.index.selection, &t.memory, &j->err);
    io_leave(saved);
    Py_CLEAR(t.index.keep);
    h5_values_release(&v);
    if (j->err.code == COLLIO_ERR_VALUE && self->file->handle != NULL &&
        !collio_file_is_writable(self->file->handle))
        j->err.code = COLLIO_ERR_OS; /* as h5py */
    return joint_end(j);
}

int h5_write(PyObject *object, PyObject *index, PyObject *values)
{
    h5object *self = (h5object *)object;
    PyObject *names = NULL, *rest = NULL;
    int result;
    joint j;

    if (refuse_empty(self, "Empty datasets cannot be written to") < 0)
        return -1;
    if (values != NULL && is_selection(index)) {
        rest = memory_call("collio._hl.selections", "write", "(OOO)", object, index, values);
        result = rest == NULL ? -1 : 0;
        Py_XDECREF(rest);
        return result;
    }
    joint_begin(&j);
    if (values == NULL)
        PyErr_SetString(PyExc_TypeError, "elements of a dataset cannot be deleted");
    if (values == NULL || h5_names_in(index, &names, &rest) < 0)
        joint_fail(&j);
    result = write_index(self, rest, names, values, &j);
    Py_XDECREF(names);
    Py_XDECREF(rest);
    return result;
}

/* ------------------------------------------------------- read_direct, write_direct */

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
static int is_view(const target *to, PyObject *part, const travel *t)
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
static int is_truth(const target *to, const travel *t)
{
    return to->view.type == COLLIO_BOOL && t->stored != COLLIO_BOOL &&
           t->stored < COLLIO_TYPE_COUNT;
}

/* Memory for a copy; texts and sequences come as objects, which NumPy then converts. */
static int target_copy(target *to, PyObject *part, travel *t)
{
    int own = h5_is_objects(t->stored) || is_truth(to, t);
    PyObject *dtype = own ? NULL : array_dtype_of(part);

    array_view_release(&to->view);
    if (h5_room(dtype, t->stored, t->index.ndim, t->index.shape, &to->room) < 0)
        return -1;
    t->memory = to->room.memory;
    return 0;
}

/* Find memory for the elements that `t` selects. */
static int target_find(target *to, PyObject *part, travel *t)
{
    array_view source = {.ndim = t->index.ndim};
    int direct;

    memcpy(source.shape, t->index.shape, (size_t)source.ndim * sizeof *source.shape);
    if (array_dtype_of(part) == NULL) {
        raise_type("the memory to read into", "an array", part);
        return -1;
    }
    if (array_view_any(part, 1, &to->view) < 0 ||
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
    travel t;
    joint j;

    if (refuse_empty(self, "Empty datasets have no numpy representation") < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("read_direct", rows, &a, args, nargs, keywords) == 0)
        part = part_of(a.array, a.dest_sel);
    joint_fail(&j); /* if an exception is pending */
    locate(self, or_all(a.source_sel), &t, &j);
    to.array = a.array;
    to.selection = or_all(a.dest_sel);
    if (j.err.code == COLLIO_OK && target_find(&to, part, &t) < 0)
        joint_fail(&j);
    read_now(self, &t, &j);
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

    if (refuse_empty(self, "Empty datasets cannot be written to") < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("write_direct", rows, &a, args, nargs, keywords) == 0)
        part = part_of(a.array, a.source_sel);
    joint_fail(&j); /* if an exception is pending */
    result = write_index(self, or_all(a.dest_sel), NULL, part, &j);
    Py_XDECREF(part);
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ------------------------------------------------------------------ as an array */

typedef struct array_args {
    PyObject *dtype;
    PyObject *copy;
} array_args;

PyDoc_STRVAR(array_doc, "__array__($self, dtype=None, copy=None)\n--\n\nAll elements. Collective.");

static PyObject *dataset_array(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    static const param rows[] = {{"|dtype", arg_object, offsetof(array_args, dtype)},
                                 {"|copy", arg_object, offsetof(array_args, copy)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    array_args a = {Py_None, Py_None};
    PyObject *array, *dtype = NULL;
    joint j;

    if (refuse_empty(self, "Empty datasets have no numpy representation") < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("__array__", rows, &a, args, nargs, keywords) == 0 && a.copy == Py_False)
        PyErr_SetString(PyExc_ValueError, "a dataset cannot become an array without a copy");
    else if (!PyErr_Occurred() && a.dtype != Py_None)
        dtype = memory_call("numpy", "dtype", "(O)", a.dtype);
    joint_fail(&j); /* if an exception is pending */
    array = read_index(self, Py_Ellipsis, dtype, 0, &j);
    Py_XDECREF(dtype);
    return array;
}

PyMethodDef h5transfer_methods[] = {
    {"read_direct", FAST(read_direct), FASTCALL, read_direct_doc},
    {"write_direct", FAST(write_direct), FASTCALL, write_direct_doc},
    {"__array__", FAST(dataset_array), FASTCALL, array_doc},
    {"_read_as", FAST(dataset_read_as), METH_FASTCALL, read_as_doc},
    {NULL, NULL, 0, NULL},
};
