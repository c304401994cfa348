/* The names in a group: looked up, assigned, deleted, moved, copied. */
#include "h5.h"

#include <string.h>

/* ------------------------------------------------------------------ looking up */

/* A new object of a class of collio.links, or, for a NULL format, the class itself. New. */
static PyObject *link_object(const char *class, int getclass, const char *format, ...)
{
    PyObject *type = h5_link_class(class), *args, *link = NULL;
    va_list list;

    if (type == NULL || getclass)
        return type;
    va_start(list, format);
    args = Py_VaBuildValue(format, list);
    va_end(list);
    if (args != NULL)
        link = PyObject_CallObject(type, args);
    Py_XDECREF(args);
    Py_DECREF(type);
    return link;
}

PyObject *h5_link_class(const char *name)
{
    PyObject *module = PyImport_ImportModule("collio.links");
    PyObject *class = module == NULL ? NULL : PyObject_GetAttrString(module, name);

    Py_XDECREF(module);
    return class;
}

static PyObject *link_from(const collio_link *link, PyObject *missing, int getclass)
{
    switch (link->kind) {
    case COLLIO_LINK_NONE:
        return Py_NewRef(missing);
    case COLLIO_LINK_HARD:
        return link_object("HardLink", getclass, "()");
    case COLLIO_LINK_SOFT:
        return link_object("SoftLink", getclass, "(s)", link->path);
    case COLLIO_LINK_EXTERNAL:
        return link_object("ExternalLink", getclass, "(ss)", link->file, link->path);
    default:
        return PyErr_Format(PyExc_TypeError, "Unknown link type");
    }
}

PyObject *h5_link(h5object *self, const char *name, PyObject *missing, int getclass)
{
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    PyObject *result;
    collio_link link;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    collio_link_info(self->object, name, &link, &err);
    io_leave(saved);
    result = err.code != COLLIO_OK ? raise_from(&err) : link_from(&link, missing, getclass);
    collio_link_free(&link);
    return result;
}

/* As HDF5 has it. */
#define MOST_LINKS 16

int h5_link_loops(h5object *group, const char *name)
{
    PyObject *text = PyUnicode_FromString(name), *link = NULL;
    const char *path = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    int followed = 0;

    while (path != NULL && followed <= MOST_LINKS) {
        Py_XSETREF(link, h5_link(group, path, Py_None, 0));
        if (link == NULL || link == Py_None || PyObject_HasAttrString(link, "filename") ||
            !PyObject_HasAttrString(link, "path"))
            break;
        Py_SETREF(text, PyObject_GetAttrString(link, "path"));
        path = text == NULL ? NULL : PyUnicode_AsUTF8(text);
        followed++;
    }
    PyErr_Clear();
    Py_XDECREF(link);
    Py_XDECREF(text);
    if (followed <= MOST_LINKS)
        return 0;
    PyErr_Format(PyExc_RuntimeError,
                 "Unable to open object '%s': special link traversal failed (too many links)",
                 name);
    return 1;
}

typedef struct get_args {
    const char *name;
    PyObject *fallback;
    int getclass;
    int getlink;
    PyObject *mode, *ignored;
} get_args;

static int check_mode(PyObject *mode)
{
    if (mode == Py_None ||
        (PyUnicode_Check(mode) && (PyUnicode_CompareWithASCIIString(mode, "r") == 0 ||
                                   PyUnicode_CompareWithASCIIString(mode, "r+") == 0)))
        return 0;
    PyErr_Format(PyExc_ValueError, "elink_mode must be 'r', 'r+' or None, not %R", mode);
    return -1;
}

PyDoc_STRVAR(get_doc,
             "get($self, name, default=None, getclass=False, getlink=False, elink_mode=None, "
             "elink_locking=None, elink_swmr=None)\n--\n\n"
             "The object, or the default if the name leads to none. Not collective.\n\n"
             "  getclass  its class: Group, Dataset or Datatype\n"
             "  getlink   what the name is: a HardLink, SoftLink or ExternalLink (with getclass\n"
             "            the class of that)\n"
             "  elink_*   how h5py opens the files that external links lead to: here always for\n"
             "            reading");

/* The class of what is not there: a link that leads nowhere is a RuntimeError, as in h5py. New. */
static PyObject *class_of_nothing(h5object *self, const get_args *a)
{
    PyObject *link = h5_link(self, a->name, Py_None, 0);
    int dangles = link != NULL && link != Py_None;

    Py_XDECREF(link);
    if (dangles)
        return PyErr_Format(PyExc_RuntimeError,
                            "Unable to get the class of '%s' (its link leads to no object)",
                            a->name);
    return link == NULL ? NULL : Py_NewRef(a->fallback);
}

/* What a reference leads to, or the default if it leads nowhere. New. */
static PyObject *get_referenced(h5object *self, PyObject *reference, PyObject *fallback)
{
    PyObject *found = h5_open_reference(self, reference);

    if (found != NULL || !PyErr_ExceptionMatches(PyExc_KeyError))
        return found;
    PyErr_Clear();
    return Py_NewRef(fallback);
}

static PyObject *group_get(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    static const param rows[] = {{"name", arg_name, offsetof(get_args, name)},
                                 {"|default", arg_object, offsetof(get_args, fallback)},
                                 {"|getclass", arg_bool, offsetof(get_args, getclass)},
                                 {"|getlink", arg_bool, offsetof(get_args, getlink)},
                                 {"|elink_mode", arg_object, offsetof(get_args, mode)},
                                 {"|elink_locking", arg_object, offsetof(get_args, ignored)},
                                 {"|elink_swmr", arg_object, offsetof(get_args, ignored)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    get_args a = {"", Py_None, 0, 0, Py_None, Py_None};
    PyObject *found;

    if (h5_ready(self) < 0)
        return NULL;
    if (nargs > 0 && h5_is_reference(args[0]) > 0)
        return get_referenced(self, args[0], nargs > 1 ? args[1] : Py_None);
    if (args_parse("get", rows, &a, args, nargs, keywords) < 0 ||
        check_mode(a.mode) < 0)
        return NULL;
    if (a.name[0] == '\0')
        return PyErr_Format(PyExc_ValueError, "Name parameter cannot be an empty string");
    if (a.getlink)
        return h5_link(self, a.name, a.fallback, a.getclass);
    if (h5_find(self, a.name) == COLLIO_KIND_NONE && h5_link_loops(self, a.name))
        return NULL;
    if (h5_find(self, a.name) == COLLIO_KIND_NONE)
        return a.getclass ? class_of_nothing(self, &a) : Py_NewRef(a.fallback);
    found = h5_open(self, a.name);
    if (found != NULL && a.getclass)
        Py_SETREF(found, Py_NewRef(Py_TYPE(found)));
    return found;
}

/* ------------------------------------------------------------------ assigning */

/* h5py raises OSError where a link cannot be made. */
static int link_end(joint *j, const char *name)
{
    if (j->err.code == COLLIO_ERR_VALUE && name[0] != '\0')
        j->err.code = COLLIO_ERR_OS;
    return joint_end(j);
}

static int assign_object(h5object *self, const char *name, PyObject *value, joint *j)
{
    PyThreadState *saved = io_enter();

    collio_link_hard(self->object, name, ((h5object *)value)->object, &j->err);
    io_leave(saved);
    return link_end(j, name);
}

/* A text attribute of a link object, as bytes. New. */
static PyObject *text_of(PyObject *link, const char *attribute)
{
    PyObject *text = PyObject_GetAttrString(link, attribute), *bytes = NULL;

    if (text != NULL)
        PyUnicode_FSConverter(text, &bytes);
    Py_XDECREF(text);
    return bytes;
}

/* A SoftLink, or an ExternalLink if `external`. */
static int assign_link(h5object *self, const char *name, PyObject *value, int external, joint *j)
{
    PyObject *path = text_of(value, "path");
    PyObject *file = path == NULL || !external ? NULL : text_of(value, "filename");
    const char *to = path == NULL ? "" : PyBytes_AS_STRING(path);
    PyThreadState *saved;

    if (path == NULL || (external && file == NULL))
        joint_fail(j);
    saved = io_enter();
    if (external)
        collio_link_external(self->object, name, file == NULL ? "" : PyBytes_AS_STRING(file), to,
                             &j->err);
    else
        collio_link_soft(self->object, name, to, &j->err);
    io_leave(saved);
    Py_XDECREF(path);
    Py_XDECREF(file);
    return link_end(j, name);
}

/* 1 if the value is of this class of collio.links, -1 with an exception. */
static int is_link(PyObject *value, const char *class)
{
    PyObject *type = h5_link_class(class);
    int result = type == NULL ? -1 : PyObject_IsInstance(value, type);

    Py_XDECREF(type);
    return result;
}

static int delete_name(h5object *self, const char *name, joint *j)
{
    PyThreadState *saved = io_enter();

    collio_link_delete(self->object, name, &j->err);
    io_leave(saved);
    if ((j->err.code == COLLIO_ERR_VALUE && name[0] != '\0') ||
        (j->err.code == COLLIO_ERR_HDF5 && strcmp(name, "/") == 0))
        j->err.code = COLLIO_ERR_KEY;
    return joint_end(j);
}

/* Where the name is taken, h5py raises the OSError of a link, else the ValueError of a dataset. */
static void blame_link(PyObject *self, const char *name)
{
    PyObject *type, *error, *trace;

    PyErr_Fetch(&type, &error, &trace);
    if (type == PyExc_ValueError && h5_find((h5object *)self, name) != COLLIO_KIND_NONE &&
        collio_file_is_writable(((h5object *)self)->file->handle))
        PyErr_Format(PyExc_OSError, "%S", error);
    else {
        PyErr_Restore(type, error, trace);
        return;
    }
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
}

static int assign_data(PyObject *self, PyObject *key, const char *name, PyObject *value)
{
    /* None, which names nothing elsewhere, is to be refused as other keys are. */
    PyObject *args[] = {key != Py_None ? key : Py_Ellipsis, Py_None, Py_None, value};
    PyObject *dataset = h5_create_dataset(self, args, 4, NULL);

    if (dataset == NULL)
        blame_link(self, name);
    Py_XDECREF(dataset);
    return dataset == NULL ? -1 : 0;
}

int h5_assign(PyObject *object, PyObject *key, PyObject *value)
{
    h5object *self = (h5object *)object;
    const char *name = "";
    int soft, external;
    joint j;

    if (h5_ready(self) < 0)
        return -1;
    joint_begin(&j);
    soft = value == NULL ? 0 : is_link(value, "SoftLink");
    external = value == NULL ? 0 : is_link(value, "ExternalLink");
    if (arg_name(key, &name) < 0 || soft < 0 || external < 0)
        joint_fail(&j);
    if (value == NULL)
        return delete_name(self, name, &j);
    if (is_a(state_of(object), value, TYPE_H5Object))
        return assign_object(self, name, value, &j);
    if (array_is_dtype(value))
        return h5_commit(self, name, value, &j);
    if (soft > 0 || external > 0)
        return assign_link(self, name, value, external > 0, &j);
    return assign_data(object, key, name, value);
}

/* --------------------------------------------------------------- moving, copying */

typedef struct move_args {
    const char *source, *dest;
} move_args;

PyDoc_STRVAR(move_doc,
             "move($self, source, dest)\n--\n\nGive a name of the group another name, and "
             "make the groups on the way to it that are\nmissing. A link is moved as it "
             "is. Collective.");

static PyObject *group_move(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"source", arg_name, offsetof(move_args, source)},
                                 {"dest", arg_name, offsetof(move_args, dest)},
                                 {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    move_args a = {"", ""};
    PyThreadState *saved;
    joint j;

    if (h5_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("move", rows, &a, args, nargs, keywords) < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_link_move(self->object, a.source, a.dest, &j.err);
    io_leave(saved);
    if (j.err.code == COLLIO_ERR_KEY)
        j.err.code = COLLIO_ERR_VALUE;
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

typedef struct copy_args {
    PyObject *source, *dest, *name;
    int shallow, expand_soft, expand_external, expand_refs, without_attrs;
} copy_args;

/* What to copy, and where. */
typedef struct copy_plan {
    h5object *source, *dest;
    const char *from, *to; /* from == NULL: the source itself */
    unsigned flags;
} copy_plan;

static unsigned flags_of(const copy_args *a)
{
    return (a->shallow ? COLLIO_COPY_SHALLOW : 0) | (a->expand_soft ? COLLIO_COPY_EXPAND_SOFT : 0) |
           (a->expand_external ? COLLIO_COPY_EXPAND_EXTERNAL : 0) |
           (a->expand_refs ? COLLIO_COPY_EXPAND_REFERENCES : 0) |
           (a->without_attrs ? COLLIO_COPY_WITHOUT_ATTRIBUTES : 0);
}

/* The last step of a name. */
static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash != NULL ? slash + 1 : name;
}

/* The name in a group that is the destination. */
static int name_in_group(const copy_args *a, copy_plan *p)
{
    if (a->name != Py_None)
        return arg_name(a->name, &p->to);
    p->to = base_of(p->from != NULL ? p->from : collio_object_name(p->source->object));
    return 0;
}

static int plan_copy(h5object *self, const copy_args *a, copy_plan *p)
{
    state *st = state_of((PyObject *)self);

    p->flags = flags_of(a);
    if (is_a(st, a->source, TYPE_H5Object))
        p->source = (h5object *)a->source;
    else if (arg_name(a->source, &p->from) < 0)
        return -1;
    if (h5_ready(p->source) < 0)
        return -1;
    if (is_a(st, a->dest, TYPE_H5Group)) {
        p->dest = (h5object *)a->dest;
        return h5_ready(p->dest) < 0 ? -1 : name_in_group(a, p);
    }
    if (!is_a(st, a->dest, TYPE_H5Object))
        return arg_name(a->dest, &p->to);
    PyErr_SetString(PyExc_TypeError, "Destination must be path or Group object");
    return -1;
}

/* As from HDF5 itself, so RuntimeError. */
static PyObject *copy_now(const copy_plan *p, joint *j)
{
    PyThreadState *saved = io_enter();

    collio_object_copy(p->source->object, p->from, p->dest->object, p->to, p->flags, &j->err);
    io_leave(saved);
    if (j->err.code == COLLIO_ERR_KEY || j->err.code == COLLIO_ERR_VALUE)
        j->err.code = COLLIO_ERR_HDF5;
    if (joint_end(j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(
    copy_doc,
    "copy($self, source, dest, name=None, shallow=False, expand_soft=False, "
    "expand_external=False, expand_refs=False, without_attrs=False)\n--\n\n"
    "Copy an object with what is in it, and flush. Collective over the ranks of dest.\n\n"
    "  source  a name, or an object, of another file too\n"
    "  dest    a name, or a Group, of another file too; in it the copy gets the name of the\n"
    "          source, or `name`\n"
    "  shallow, expand_soft, expand_external, expand_refs, without_attrs\n"
    "          leave out what is deeper than the group itself; copy what links and\n"
    "          references lead to; leave out attributes");

static PyObject *group_copy(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {
        {"source", arg_object, offsetof(copy_args, source)},
        {"dest", arg_object, offsetof(copy_args, dest)},
        {"|name", arg_object, offsetof(copy_args, name)},
        {"|shallow", arg_bool, offsetof(copy_args, shallow)},
        {"|expand_soft", arg_bool, offsetof(copy_args, expand_soft)},
        {"|expand_external", arg_bool, offsetof(copy_args, expand_external)},
        {"|expand_refs", arg_bool, offsetof(copy_args, expand_refs)},
        {"|without_attrs", arg_bool, offsetof(copy_args, without_attrs)},
        {NULL, NULL, 0}};
    h5object *self = (h5object *)object;
    copy_args a = {.name = Py_None};
    copy_plan p = {self, self, NULL, "", 0};
    joint j;

    if (h5_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("copy", rows, &a, args, nargs, keywords) < 0 || plan_copy(self, &a, &p) < 0)
        joint_fail(&j);
    return copy_now(&p, &j);
}

PyMethodDef h5link_methods[] = {
    {"get", FAST(group_get), FASTCALL, get_doc},
    {"move", FAST(group_move), FASTCALL, move_doc},
    {"copy", FAST(group_copy), FASTCALL, copy_doc},
    {NULL, NULL, 0, NULL},
};
