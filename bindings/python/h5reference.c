/* References to objects and to parts of datasets, which programs have as objects of
 * collio.references; and agreement about what Python makes of several calls. */
#include "h5.h"

#include "collio/reference.h"

#include <string.h>

/* ----------------------------------------------------------------- what they are */

int h5_is_reference(PyObject *object)
{
    const char *name = Py_TYPE(object)->tp_name;

    return strcmp(name, "Reference") == 0 || strcmp(name, "RegionReference") == 0;
}

int h5_is_region(PyObject *object)
{
    return strcmp(Py_TYPE(object)->tp_name, "RegionReference") == 0;
}

/* The bytes of a reference, as many as its kind has; -1 with an exception. */
static int bytes_of(PyObject *reference, char *out)
{
    Py_ssize_t size = h5_is_region(reference) ? COLLIO_REGION_BYTES : COLLIO_REFERENCE_BYTES;
    PyObject *bytes = PyObject_GetAttrString(reference, "_bytes");
    int good = bytes != NULL && PyBytes_Check(bytes) && PyBytes_GET_SIZE(bytes) == size;

    if (good)
        memcpy(out, PyBytes_AS_STRING(bytes), (size_t)size);
    else if (bytes != NULL)
        raise_type("the reference", "one made by collio", reference);
    Py_XDECREF(bytes);
    return good ? 0 : -1;
}

PyObject *h5_get_reference(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    char bytes[COLLIO_REFERENCE_BYTES];
    PyThreadState *saved;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    collio_reference_make(self->object, bytes, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    return memory_call("collio.references", "Reference", "(y#)", bytes, (Py_ssize_t)sizeof bytes);
}

PyObject *h5_get_regions(PyObject *object, void *Py_UNUSED(none))
{
    return memory_call("collio.references", "RegionProxy", "(O)", object);
}

PyObject *h5_open_reference(h5object *in, PyObject *reference)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *object = NULL;
    char bytes[COLLIO_REGION_BYTES];
    int region = h5_is_region(reference);
    PyThreadState *saved;

    if (h5_ready(in) < 0 || bytes_of(reference, bytes) < 0)
        return NULL;
    saved = io_enter();
    collio_reference_open(in->object, bytes, region, &object, &err);
    io_leave(saved);
    return object == NULL ? raise_from(&err) : h5_wrap(in->file, object);
}

/* The object that an id stands for, if it fits the class. Borrowed. */
static h5object *object_of(state *st, PyTypeObject *type, PyObject *id, PyObject **kept)
{
    static const struct {
        enum type_slot slot;
        const char *id;
    } kinds[] = {
        {TYPE_H5Group, "GroupID"}, {TYPE_H5Datatype, "TypeID"}, {TYPE_H5Dataset, "DatasetID"}};
    int i = 0;

    while (i < 2 && !PyType_IsSubtype(type, st->types[kinds[i].slot]))
        i++;

    *kept = PyObject_HasAttrString(id, "_of") ? PyObject_GetAttrString(id, "_of") : NULL;
    if (*kept != NULL && is_a(st, *kept, kinds[i].slot))
        return (h5object *)*kept;
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "%R is not a %s", id, kinds[i].id);
    return NULL;
}

/* How it is open goes with it. */
static int keep_hints(h5object *from, h5object *to)
{
    PyObject *hints = from->own == NULL ? NULL : PyDict_GetItemString(from->own, "_hints");

    return hints == NULL ? 0 : PyObject_SetAttrString((PyObject *)to, "_hints", hints);
}

PyObject *h5_new_from(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {
        {"bind", arg_object, 0}, {"$readonly", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *id = NULL, *kept = NULL, *again = NULL;
    h5object *self, *from;

    if (PyTuple_GET_SIZE(args) == 1)
        id = PyTuple_GET_ITEM(args, 0);
    else if (args_parse_tuple(type->tp_name, rows, &id, args, keywords) < 0)
        return NULL;
    from = object_of(state_of_class((PyObject *)type), type, id, &kept);
    if (from != NULL && h5_ready(from) == 0)
        again = h5_get_reference((PyObject *)from, NULL);
    if (again != NULL)
        Py_SETREF(again, h5_open_reference(from, again));
    self = again == NULL ? NULL : (h5object *)type->tp_alloc(type, 0);
    if (self != NULL) { /* the object changes its class */
        self->file = (struct h5file *)Py_NewRef(from->file);
        self->object = ((h5object *)again)->object;
        self->identity = from->identity;
        self->number = from->number;
        ((h5object *)again)->object = NULL;
    }
    if (self != NULL && keep_hints(from, self) < 0)
        Py_CLEAR(self);
    Py_XDECREF(again);
    Py_XDECREF(kept);
    return (PyObject *)self;
}

/* ------------------------------------------------------------------------ regions */

static void free_lists(PyObject *capsule)
{
    collio_region region = {.lists = PyCapsule_GetPointer(capsule, NULL)};

    collio_region_free(&region);
}

int h5_select_region(h5object *self, PyObject *reference, h5index *out)
{
    collio_error err = COLLIO_ERROR_INIT;
    char bytes[COLLIO_REGION_BYTES];
    collio_region region;
    PyThreadState *saved;

    out->keep = NULL;
    if (bytes_of(reference, bytes) < 0)
        return -1;
    saved = io_enter();
    collio_region_read(self->object, bytes, &region, &err);
    io_leave(saved);
    if (region.lists != NULL)
        out->keep = PyCapsule_New(region.lists, NULL, free_lists);
    out->selection = region.selection;
    out->ndim = region.ndim;
    memcpy(out->shape, region.shape, sizeof out->shape);
    out->scalar = 0;
    if (err.code != COLLIO_OK)
        raise_from(&err);
    return PyErr_Occurred() ? -1 : 0;
}

PyDoc_STRVAR(region_doc,
             "_region($self, index, /)\n--\n\nThe bytes of a reference to a part. Collective.");

static PyObject *make_region(PyObject *object, PyObject *index)
{
    h5object *self = (h5object *)object;
    char bytes[COLLIO_REGION_BYTES];
    int64_t shape[COLLIO_MAX_DIMS];
    h5index where = {.keep = NULL};
    PyThreadState *saved;
    joint j;
    int ndim;

    if (h5_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    ndim = h5_shape(self, shape);
    if (ndim < 0 || h5_select(index, ndim, shape, &where) < 0) {
        joint_fail(&j);
        collio_selection_none(&where.selection, 0);
    }
    saved = io_enter();
    collio_region_make(self->object, &where.selection, bytes, &j.err);
    io_leave(saved);
    Py_XDECREF(where.keep);
    return joint_end(&j) < 0 ? NULL : PyBytes_FromStringAndSize(bytes, sizeof bytes);
}

PyDoc_STRVAR(region_shape_doc, "_region_shape($self, reference, /)\n--\n\nExtents of the part that "
                               "a reference leads to. Not collective.");

static PyObject *region_shape(PyObject *object, PyObject *reference)
{
    h5index where = {.keep = NULL};
    PyObject *shape = NULL;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    if (!h5_is_region(reference))
        return raise_type("the argument", "a RegionReference", reference), NULL;
    if (h5_select_region((h5object *)object, reference, &where) == 0)
        shape = memory_tuple(where.ndim, where.shape);
    Py_XDECREF(where.keep);
    return shape;
}

PyDoc_STRVAR(region_selection_doc,
             "_region_selection($self, reference, /)\n--\n\nWhat a reference to a part selects: "
             "(flat, dimensions). Not collective.");

static PyObject *region_selection(PyObject *object, PyObject *reference)
{
    h5index where = {.keep = NULL};
    PyObject *selection = NULL;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    if (!h5_is_region(reference))
        return raise_type("the argument", "a RegionReference", reference), NULL;
    if (h5_select_region((h5object *)object, reference, &where) == 0)
        selection = h5_selection_tuple(&where.selection);
    Py_XDECREF(where.keep);
    return selection;
}

PyDoc_STRVAR(opened_doc, "_opened($self, reference, /)\n--\n\nWhat a reference leads to. Not "
                         "collective.");

static PyObject *opened(PyObject *object, PyObject *reference)
{
    if (!h5_is_reference(reference))
        return raise_type("the argument", "a Reference", reference), NULL;
    return h5_open_reference((h5object *)object, reference);
}

/* ---------------------------------------------------------------------- agreement */

PyObject *h5_agree_existing(h5object *group, const char *operation, const char *name,
                            PyObject *there, joint *j)
{
    PyThreadState *saved;

    if (there == NULL)
        joint_fail(j);
    saved = io_enter();
    collio_object_agree(group->object, operation, name, &j->err);
    io_leave(saved);
    if (joint_end(j) < 0)
        Py_CLEAR(there);
    return there;
}

PyDoc_STRVAR(agree_doc, "_agree($self, operation, arguments, error=None, /)\n--\n\nTake part in a "
                        "step of all ranks that needs nothing else: `error` is what is wrong on "
                        "this rank. Collective.");

static PyObject *agree(PyObject *object, PyObject *args)
{
    h5object *self = (h5object *)object;
    const char *operation = "", *arguments = "";
    PyObject *error = Py_None;
    PyThreadState *saved;
    joint j;

    if (h5_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (!PyArg_ParseTuple(args, "ss|O", &operation, &arguments, &error))
        joint_fail(&j);
    else if (error != Py_None)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    joint_fail(&j); /* if an exception is pending */
    saved = io_enter();
    collio_object_agree(self->object, operation, arguments, &j.err);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef h5reference_methods[] = {
    {"_region_selection", region_selection, METH_O, region_selection_doc},
    {"_region_shape", region_shape, METH_O, region_shape_doc},
    {"_opened", opened, METH_O, opened_doc},
    {"_agree", agree, METH_VARARGS, agree_doc},
    {NULL, NULL, 0, NULL},
};

PyMethodDef h5region_methods[] = {
    {"_region", make_region, METH_O, region_doc},
    {NULL, NULL, 0, NULL},
};
