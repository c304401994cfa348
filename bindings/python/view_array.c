/* collio.View: a raw file as one array that all ranks read and write, with collio's guarantee. */
#include "view.h"

#include "h5.h"
#include "collio/view.h"

#include <string.h>

typedef struct view_object {
    PyObject_HEAD
    collio_view *view; /* NULL: closed */
    PyObject *name;
    collio_view_facts facts;
} view_object;

static int view_ready(const view_object *self)
{
    if (self->view != NULL)
        return 0;
    PyErr_SetString(PyExc_ValueError, "the view is closed");
    return -1;
}

/* -------------------------------------------------------------------- open */

typedef struct open_args {
    PyObject *name, *mode, *comm, *shape, *dtype, *info;
    int64_t offset;
} open_args;

/* What the arguments say, but for the ranks. */
typedef struct plan {
    const char *mode;
    PyObject *path; /* bytes, new */
    MPI_Info info;
    collio_type type;
    int ndim; /* -1: to be found out from the size of the file */
    int64_t shape[COLLIO_MAX_DIMS];
} plan;

static int is_given(PyObject *object)
{
    return object != NULL && object != Py_None;
}

static int plan_from(state *st, const open_args *a, plan *p)
{
    if (!PyUnicode_FSConverter(a->name, &p->path) || info_arg(st, a->info, &p->info) < 0 ||
        (is_given(a->mode) && arg_text(a->mode, &p->mode) < 0))
        return -1;
    if (is_given(a->dtype)) {
        p->type = array_type_from(a->dtype);
        if (p->type == COLLIO_TYPE_COUNT)
            return -1;
    }
    if (is_given(a->shape)) {
        p->ndim = memory_extents(a->shape, "shape", p->shape);
        return p->ndim < 0 ? -1 : 0;
    }
    if (p->mode[0] == 'w' || p->mode[0] == 'x') {
        PyErr_SetString(PyExc_TypeError, "a new file needs a shape");
        return -1;
    }
    return 0;
}

/* Without a shape: as many elements as there are. */
static void find_shape(collio_view *view, const open_args *a, plan *p, collio_error *err)
{
    int64_t bytes = 0;

    if (p->ndim >= 0 || collio_view_size(view, &bytes, err))
        return;
    p->ndim = 1;
    p->shape[0] = bytes > a->offset ? (bytes - a->offset) / (int64_t)collio_type_size(p->type) : 0;
}

/* A new file is as long as its array from the start, zeros until they are written. */
static void stretch(collio_view *view, const open_args *a, const plan *p, collio_error *err)
{
    int64_t bytes = (int64_t)collio_type_size(p->type);

    if (p->mode[0] != 'w' && p->mode[0] != 'x')
        return;
    for (int d = 0; d < p->ndim; d++)
        bytes *= p->shape[d];
    collio_view_set_size(view, a->offset + bytes, err);
}

/* Every step is collective, and comes on every rank whatever went wrong here. */
static void open_view(view_object *self, MPI_Comm comm, const open_args *a, plan *p, joint *j)
{
    PyThreadState *saved = io_enter();
    collio_error ignored = COLLIO_ERROR_INIT;
    const char *path = p->path != NULL ? PyBytes_AS_STRING(p->path) : "";
    collio_view *view = NULL;

    if (collio_view_open(comm, path, p->mode, p->info, &view, &j->err) == COLLIO_OK) {
        find_shape(view, a, p, &j->err);
        collio_view_set_array(view, a->offset, p->type, p->ndim, p->shape, NULL, &j->err);
        stretch(view, a, p, &j->err);
        collio_view_get(view, &self->facts, NULL, NULL, &j->err);
    }
    if (view != NULL && j->err.code != COLLIO_OK)
        collio_view_close(&view, &ignored);
    self->view = view;
    io_leave(saved);
}

static int view_init(PyObject *object, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"name", arg_object, offsetof(open_args, name)},
                                 {"|mode", arg_object, offsetof(open_args, mode)},
                                 {"|comm", arg_object, offsetof(open_args, comm)},
                                 {"$shape", arg_object, offsetof(open_args, shape)},
                                 {"$dtype", arg_object, offsetof(open_args, dtype)},
                                 {"$offset", index_int64, offsetof(open_args, offset)},
                                 {"$info", arg_object, offsetof(open_args, info)},
                                 {NULL, NULL, 0}};
    view_object *self = (view_object *)object;
    plan p = {.mode = "r", .info = MPI_INFO_NULL, .type = COLLIO_UINT8, .ndim = -1};
    open_args a = {0};
    MPI_Comm comm;
    joint j;

    if (self->view != NULL) {
        PyErr_SetString(PyExc_ValueError, "the view is open already");
        return -1;
    }
    if (args_parse_tuple("View", rows, &a, args, keywords) < 0 || joint_comm(a.comm, &comm) < 0)
        return -1;
    joint_begin(&j);
    if (plan_from(state_of(object), &a, &p) < 0)
        joint_fail(&j);
    open_view(self, comm, &a, &p, &j);
    Py_XDECREF(p.path);
    Py_XSETREF(self->name, Py_NewRef(a.name));
    return joint_end(&j);
}

/* ------------------------------------------------------------------- close */

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nClose. Collective. A closed view may be closed "
                        "again.");

static PyObject *view_close(PyObject *object, PyObject *Py_UNUSED(none))
{
    view_object *self = (view_object *)object;
    PyThreadState *saved;
    joint j;

    if (self->view == NULL)
        Py_RETURN_NONE;
    joint_begin(&j);
    saved = io_enter();
    collio_view_close(&self->view, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static void abandon(view_object *self, const char *reason)
{
    PyThreadState *saved = io_enter();

    collio_view_abandon(&self->view, reason);
    io_leave(saved);
}

PyDoc_STRVAR(exit_doc, "__exit__($self, type, value, traceback, /)\n--\n\n"
                       "Close. Collective. With an exception on its way this rank leaves without "
                       "the others,\nwho get a CollectiveError in their next call on the view.");

static PyObject *view_exit(PyObject *object, PyObject *const *args, Py_ssize_t nargs)
{
    view_object *self = (view_object *)object;
    PyObject *type, *value, *trace;
    char reason[256];

    if (nargs < 2 || args[1] == Py_None)
        return view_close(object, NULL);
    PyErr_SetObject((PyObject *)Py_TYPE(args[1]), args[1]);
    joint_reason(reason, sizeof reason);
    PyErr_Fetch(&type, &value, &trace);
    if (self->view != NULL)
        abandon(self, reason);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    Py_RETURN_NONE;
}

static PyObject *view_enter(PyObject *object, PyObject *Py_UNUSED(none))
{
    return view_ready((view_object *)object) < 0 ? NULL : Py_NewRef(object);
}

static void view_dealloc(PyObject *object)
{
    view_object *self = (view_object *)object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->view != NULL && life_usable())
        abandon(self, "its View went without a close()");
    Py_CLEAR(self->name);
    type->tp_free(object);
    Py_DECREF(type);
}

/* --------------------------------------------------------------- elements */

static PyObject *view_read(PyObject *object, PyObject *index)
{
    view_object *self = (view_object *)object;
    PyObject *array = NULL;
    PyThreadState *saved;
    collio_array memory = {.data = NULL};
    h5index where = {.ndim = 0};
    void *data = NULL;
    joint j;

    if (view_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (h5_select(index, self->facts.ndim, self->facts.shape, &where) == 0)
        array = array_new(self->facts.type, where.ndim, where.shape, &data);
    if (array == NULL)
        joint_fail(&j);
    else
        collio_array_fill(&memory, data, self->facts.type, where.ndim, where.shape);
    saved = io_enter();
    collio_view_read_part(self->view, &where.selection, &memory, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0) {
        Py_XDECREF(array);
        return NULL;
    }
    return where.scalar ? array_scalar(array) : array;
}

/* The values as elements of the view's type, in the extents of the selection. */
static int values_of(view_object *self, PyObject *values, const h5index *where, array_view *view,
                     collio_array *out)
{
    PyObject *dtype = array_dtype(self->facts.type), *array = NULL;
    int result = -1;

    if (values == NULL)
        PyErr_SetString(PyExc_TypeError, "elements of a view cannot be deleted");
    else if (dtype != NULL)
        array = memory_call("numpy", "asarray", "(OO)", values, dtype);
    if (array != NULL && memory_view(array, dtype, view) == 0)
        result = memory_broadcast(view, where->ndim, where->shape, out);
    Py_XDECREF(array);
    Py_XDECREF(dtype);
    return result;
}

static int view_write(PyObject *object, PyObject *index, PyObject *values)
{
    view_object *self = (view_object *)object;
    collio_array memory = {.data = NULL};
    array_view view = {.keep = NULL};
    h5index where = {.ndim = 0};
    PyThreadState *saved;
    joint j;

    if (view_ready(self) < 0)
        return -1;
    joint_begin(&j);
    if (h5_select(index, self->facts.ndim, self->facts.shape, &where) < 0 ||
        values_of(self, values, &where, &view, &memory) < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_view_write_part(self->view, &where.selection, &memory, &j.err);
    io_leave(saved);
    array_view_release(&view);
    return joint_end(&j);
}

PyDoc_STRVAR(sync_doc, "sync($self, /)\n--\n\nForce what was written to the disk. Collective.");

static PyObject *view_sync(PyObject *object, PyObject *Py_UNUSED(none))
{
    view_object *self = (view_object *)object;
    PyThreadState *saved;
    joint j;

    if (view_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    saved = io_enter();
    collio_view_sync(self->view, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ------------------------------------------------------------------- facts */

static Py_ssize_t view_length(PyObject *object)
{
    const collio_view_facts *f = &((view_object *)object)->facts;

    if (f->ndim > 0)
        return (Py_ssize_t)f->shape[0];
    PyErr_SetString(PyExc_TypeError, "a view of one element has no len()");
    return -1;
}

static PyObject *get_shape(PyObject *object, void *Py_UNUSED(none))
{
    const collio_view_facts *f = &((view_object *)object)->facts;

    return memory_tuple(f->ndim, f->shape);
}

static PyObject *get_dtype(PyObject *object, void *Py_UNUSED(none))
{
    return array_dtype(((view_object *)object)->facts.type);
}

/* Numbers of the facts; the closure says which. */
enum { NDIM, SIZE, NBYTES, OFFSET };

static PyObject *get_number(PyObject *object, void *closure)
{
    const collio_view_facts *f = &((view_object *)object)->facts;

    switch ((intptr_t)closure) {
    case NDIM:
        return PyLong_FromLong(f->ndim);
    case SIZE:
        return PyLong_FromLongLong(f->length);
    case NBYTES:
        return PyLong_FromLongLong(f->length * f->unit);
    default:
        return PyLong_FromLongLong(f->offset);
    }
}

static PyObject *get_name(PyObject *object, void *Py_UNUSED(none))
{
    PyObject *name = ((view_object *)object)->name;

    return Py_NewRef(name != NULL ? name : Py_None);
}

static PyObject *get_closed(PyObject *object, void *Py_UNUSED(none))
{
    return PyBool_FromLong(((view_object *)object)->view == NULL);
}

static PyObject *get_mode(PyObject *object, void *Py_UNUSED(none))
{
    const view_object *self = (view_object *)object;

    if (view_ready(self) < 0)
        return NULL;
    return PyUnicode_FromString(collio_view_is_writable(self->view) ? "r+" : "r");
}

static PyObject *view_repr(PyObject *object)
{
    const view_object *self = (view_object *)object;

    if (self->view == NULL)
        return PyUnicode_FromString("<closed collio.View>");
    return PyUnicode_FromFormat("<collio.View of %R, %s>", self->name,
                                collio_type_name(self->facts.type));
}

/* ---------------------------------------------------------------- the class */

static PyMethodDef view_methods[] = {
    {"close", view_close, METH_NOARGS, close_doc},
    {"sync", view_sync, METH_NOARGS, sync_doc},
    {"__enter__", view_enter, METH_NOARGS, "__enter__($self, /)\n--\n\nThe view itself."},
    {"__exit__", FAST(view_exit), METH_FASTCALL, exit_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef view_getset[] = {
    {"shape", get_shape, NULL, "extents of the array", NULL},
    {"dtype", get_dtype, NULL, "type of the elements", NULL},
    {"ndim", get_number, NULL, "number of dimensions", (void *)NDIM},
    {"size", get_number, NULL, "number of elements", (void *)SIZE},
    {"nbytes", get_number, NULL, "bytes of the array", (void *)NBYTES},
    {"offset", get_number, NULL, "where the array starts in the file, in bytes", (void *)OFFSET},
    {"name", get_name, NULL, "the file's name", NULL},
    {"mode", get_mode, NULL, "'r' or 'r+'", NULL},
    {"closed", get_closed, NULL, "whether it is closed", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    view_doc,
    "View(name, mode='r', comm=None, *, shape=None, dtype='u1', offset=0, info=None)\n--\n\n"
    "A raw file as one array: its bytes, row by row, as ndarray.tofile() writes them.\n\n"
    "Collective over comm (None: this process alone), as is everything but the "
    "properties;\nv[index] and v[index] = values take each rank's own index and values, "
    "and an empty index\ntakes part with nothing. Modes are those of collio.File. Without "
    "a shape the array has one\ndimension and all elements from offset (bytes) on. What "
    "goes wrong on one rank is an\nexception on every rank.");

static PyType_Slot view_slots[] = {
    {Py_tp_doc, (void *)view_doc}, {Py_tp_init, view_init},
    {Py_tp_dealloc, view_dealloc}, {Py_tp_repr, view_repr},
    {Py_tp_methods, view_methods}, {Py_tp_getset, view_getset},
    {Py_mp_subscript, view_read},  {Py_mp_ass_subscript, view_write},
    {Py_mp_length, view_length},   {0, NULL},
};

PyType_Spec View_spec = {
    .name = "collio.View",
    .basicsize = sizeof(view_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = view_slots,
};
