/* What File, Group and Dataset have in common: the hidden base class. */
#include "h5.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int h5_ready(const h5object *self)
{
    if (self->file != NULL && self->file->handle != NULL)
        return 0;
    PyErr_SetString(PyExc_ValueError, "the file is closed");
    return -1;
}

/* ------------------------------------------------------------ from handles to objects */

static enum type_slot slot_of(collio_kind kind)
{
    switch (kind) {
    case COLLIO_KIND_GROUP:
        return TYPE_H5Group;
    case COLLIO_KIND_DATASET:
        return TYPE_H5Dataset;
    case COLLIO_KIND_DATATYPE:
        return TYPE_H5Datatype;
    default:
        return TYPE_none;
    }
}

/* Of the file; there is one even if nothing tells it from others. */
static uint64_t number_of(const h5object *self)
{
    uint64_t number = self->file->handle == NULL ? 0 : collio_object_file_number(self->object);

    return number != 0 ? number : (uintptr_t)self->file;
}

PyObject *h5_wrap(h5file *file, collio_object *object)
{
    enum type_slot slot = slot_of(collio_object_kind(object));
    h5object *self = NULL;
    PyThreadState *saved;

    if (slot == TYPE_none) {
        PyErr_Format(PyExc_NotImplementedError, "'%s' is neither a group nor a dataset",
                     collio_object_name(object));
    } else {
        PyTypeObject *type = state_of((PyObject *)file)->types[slot];
        self = (h5object *)type->tp_alloc(type, 0);
    }
    if (self == NULL) {
        saved = io_enter();
        collio_object_close(&object);
        io_leave(saved);
        return NULL;
    }
    self->file = (h5file *)Py_NewRef(file);
    self->object = object;
    self->identity = collio_object_id(object);
    self->number = number_of(self);
    return (PyObject *)self;
}

PyObject *h5_open(h5object *group, const char *name)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *object = NULL;
    PyThreadState *saved;

    if (h5_ready(group) < 0)
        return NULL;
    saved = io_enter();
    collio_object_open(group->object, name, &object, &err);
    io_leave(saved);
    if (err.code == COLLIO_ERR_KEY && h5_link_loops(group, name))
        return NULL;
    if (err.code == COLLIO_ERR_KEY) /* in the words of h5py */
        return PyErr_Format(PyExc_KeyError, "Unable to open object (object '%s' doesn't exist)",
                            name);
    return object == NULL ? raise_from(&err) : h5_wrap(group->file, object);
}

collio_kind h5_find(h5object *group, const char *name)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_kind kind = COLLIO_KIND_NONE;
    PyThreadState *saved = io_enter();

    collio_group_find(group->object, name, &kind, &err);
    io_leave(saved);
    return kind;
}

/* ------------------------------------------------------------------- lists of names */

/* Names collected without the GIL. */
typedef struct names {
    char **name;
    size_t count, room;
} names;

static int collect(const char *name, void *context)
{
    names *all = context;
    char **more;

    if (all->count == all->room) {
        all->room = 2 * all->room + 16;
        more = realloc(all->name, all->room * sizeof *more);
        if (more == NULL)
            return 1;
        all->name = more;
    }
    all->name[all->count] = strdup(name);
    if (all->name[all->count] == NULL)
        return 1;
    all->count++;
    return 0;
}

static PyObject *to_list(const names *all)
{
    PyObject *list = PyList_New((Py_ssize_t)all->count), *name;

    for (size_t i = 0; list != NULL && i < all->count; i++) {
        name =
            PyUnicode_DecodeUTF8(all->name[i], (Py_ssize_t)strlen(all->name[i]), "surrogateescape");
        if (name == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, name);
    }
    return list;
}

PyObject *h5_names(h5object *self, h5_names_function *list_names)
{
    collio_error err = COLLIO_ERROR_INIT;
    names all = {NULL, 0, 0};
    PyObject *list = NULL;
    PyThreadState *saved;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    list_names(self->object, collect, &all, &err);
    io_leave(saved);
    if (err.code == COLLIO_OK)
        list = to_list(&all);
    else
        raise_from(&err);
    for (size_t i = 0; i < all.count; i++)
        free(all.name[i]);
    free(all.name);
    return list;
}

/* ------------------------------------------------------------------- the class */

static void object_dealloc(PyObject *object)
{
    h5object *self = (h5object *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyThreadState *saved = io_enter();

    collio_object_close(&self->object);
    io_leave(saved);
    if (self->weak != NULL)
        PyObject_ClearWeakRefs(object);
    Py_CLEAR(self->own);
    Py_CLEAR(self->file);
    type->tp_free(object);
    Py_DECREF(type);
}

static int is_open(const h5object *self)
{
    return self->file != NULL && self->file->handle != NULL;
}

/* A file may be open more than once. */
static int is_same_file(const h5object *x, const h5object *y)
{
    uint64_t number = collio_object_file_number(x->object);

    return x->file == y->file || (number != 0 && number == collio_object_file_number(y->object));
}

static PyObject *object_compare(PyObject *a, PyObject *b, int how)
{
    h5object *x = (h5object *)a, *y = (h5object *)b;
    int same;

    if ((how != Py_EQ && how != Py_NE) || !is_a(state_of(a), b, TYPE_H5Object))
        Py_RETURN_NOTIMPLEMENTED;
    same = a == b || (is_open(x) && is_open(y) && is_same_file(x, y) && x->identity == y->identity);
    return PyBool_FromLong(same == (how == Py_EQ));
}

/* It stays the same when the file is closed. */
static Py_hash_t object_hash(PyObject *object)
{
    h5object *self = (h5object *)object;
    Py_hash_t hash;

    if (self->number == 0)
        self->number = number_of(self);
    hash = (Py_hash_t)((self->number ^ self->identity) * 0x9e3779b97f4a7c15u);
    return hash == -1 ? -2 : hash;
}

static int object_bool(PyObject *object)
{
    return is_open((h5object *)object);
}

static PyObject *get_name(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;

    const char *name =
        self->file == NULL || self->file->handle == NULL ? "" : collio_object_name(self->object);

    if (name[0] == '\0')
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "surrogateescape");
}

static PyObject *get_file(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;

    collio_error err = COLLIO_ERROR_INIT;
    collio_object *root = NULL;
    char path[4096] = "";
    PyThreadState *saved;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    collio_object_foreign_root(self->object, &root, path, sizeof path, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    return root != NULL ? h5_linked_file(self->file, root, path) : Py_NewRef(self->file);
}

/* The group that the name leads through, in the file of the object; the root's parent is the
 * root. */
static PyObject *open_parent(PyObject *object, char *path)
{
    PyObject *file = get_file(object, NULL), *parent;
    char *slash = strrchr(path, '/');

    if (file == NULL)
        return NULL;
    if (slash != NULL)
        *slash = '\0';
    parent = h5_open((h5object *)file, slash == NULL || slash == path ? "/" : path);
    Py_DECREF(file);
    return parent;
}

static PyObject *get_parent(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    PyObject *parent;
    char *path;

    if (h5_ready(self) < 0)
        return NULL;
    if (collio_object_name(self->object)[0] == '\0')
        return PyErr_Format(PyExc_ValueError, "Parent of an anonymous object is undefined");
    path = strdup(collio_object_name(self->object));
    if (path == NULL)
        return PyErr_NoMemory();
    parent = open_parent(object, path);
    free(path);
    return parent;
}

static PyObject *get_attrs(PyObject *object, void *Py_UNUSED(none))
{
    return h5_attributes((h5object *)object);
}

static PyObject *get_id(PyObject *object, void *Py_UNUSED(none))
{
    return memory_call("collio.handles", "of", "(O)", object);
}

static PyGetSetDef object_getset[] = {
    {"name", get_name, NULL, "absolute name in the file; None if it has none", NULL},
    {"file", get_file, NULL, "the File it belongs to", NULL},
    {"parent", get_parent, NULL, "the Group it is in", NULL},
    {"id", get_id, NULL, "stands for the object: equal for the same one, true while open", NULL},
    {"_id", get_id, NULL, "the same: programs for h5py hand this on to its low-level calls", NULL},
    {"ref", h5_get_reference, NULL, "a Reference to it", NULL},
    {"regionref", h5_get_regions, NULL, "makes references to parts: d.regionref[:10]", NULL},
    {"attrs", get_attrs, NULL, "its attributes, a mapping", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* As of classes written in Python. */
static PyMemberDef object_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(h5object, own), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(h5object, weak), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot object_slots[] = {
    {Py_tp_members, object_members}, {Py_tp_methods, h5facts_methods},
    {Py_tp_dealloc, object_dealloc}, {Py_tp_richcompare, object_compare},
    {Py_tp_hash, object_hash},       {Py_nb_bool, object_bool},
    {Py_tp_getset, object_getset},   {0, NULL},
};

PyType_Spec H5Object_spec = {
    .name = "collio._Object",
    .basicsize = sizeof(h5object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = object_slots,
};
