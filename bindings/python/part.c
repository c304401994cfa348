/*
 * What a program hands to Checkpoint.save() to say how an object is meant:
 * Part (this rank's block of a global array) and PerRank (every rank its own).
 * They hold what they are given and judge nothing: a mistake in it is found
 * inside save(), where it becomes an error of all ranks.
 */
#include "ckpt.h"

/* --------------------------------------------------------------------- Part */

PyDoc_STRVAR(part_doc,
             "Part(array, shape=None, offset=None)\n--\n\n"
             "This rank's block of an array that all ranks hold together.\n\n"
             "  array   the block: an ndarray of any strides, or what numpy.asarray takes\n"
             "  shape   of the whole array; by default that of the block\n"
             "  offset  where the block begins in it; by default at the origin\n\n"
             "The blocks of all ranks must cover the whole array exactly once; a rank may hold\n"
             "an empty one. Making a Part never fails for what is in it: save() checks.");

static PyObject *part_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"array", arg_object, offsetof(part_object, array)},
                                 {"|shape", arg_object, offsetof(part_object, shape)},
                                 {"|offset", arg_object, offsetof(part_object, offset)},
                                 {NULL, NULL, 0}};
    part_object given = {.shape = Py_None, .offset = Py_None}, *self;

    if (args_parse_tuple("Part", rows, &given, args, keywords) < 0)
        return NULL;
    self = (part_object *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->array = Py_NewRef(given.array);
    self->shape = Py_NewRef(given.shape);
    self->offset = Py_NewRef(given.offset);
    return (PyObject *)self;
}

static int part_traverse(PyObject *object, visitproc visit, void *arg)
{
    part_object *self = (part_object *)object;

    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->array);
    Py_VISIT(self->shape);
    Py_VISIT(self->offset);
    return 0;
}

static int part_clear(PyObject *object)
{
    part_object *self = (part_object *)object;

    Py_CLEAR(self->array);
    Py_CLEAR(self->shape);
    Py_CLEAR(self->offset);
    return 0;
}

static void part_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    part_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *part_repr(PyObject *object)
{
    part_object *self = (part_object *)object;
    PyObject *own = PyObject_GetAttrString(self->array, "shape"), *text;

    PyErr_Clear();
    text = PyUnicode_FromFormat("<collio.Part %S of %S at %S>", own ? own : Py_None, self->shape,
                                self->offset);
    Py_XDECREF(own);
    return text;
}

static PyMemberDef part_members[] = {
    {"array", T_OBJECT, offsetof(part_object, array), READONLY, "this rank's block"},
    {"shape", T_OBJECT, offsetof(part_object, shape), READONLY, "extents of the whole array"},
    {"offset", T_OBJECT, offsetof(part_object, offset), READONLY, "where the block begins in it"},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot part_slots[] = {
    {Py_tp_doc, (void *)part_doc},   {Py_tp_new, part_new},
    {Py_tp_traverse, part_traverse}, {Py_tp_clear, part_clear},
    {Py_tp_dealloc, part_dealloc},   {Py_tp_repr, part_repr},
    {Py_tp_members, part_members},   {0, NULL},
};

PyType_Spec Part_spec = {
    .name = "collio.Part",
    .basicsize = sizeof(part_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = part_slots,
};

/* ------------------------------------------------------------------ PerRank */

PyDoc_STRVAR(per_rank_doc,
             "PerRank(value)\n--\n\n"
             "State that is this rank's own: a random generator, a counter. Restored as a list\n"
             "with the values of all ranks that saved.");

static PyObject *per_rank_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"value", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *value;
    per_rank_object *self;

    if (args_parse_tuple("PerRank", rows, &value, args, keywords) < 0)
        return NULL;
    self = (per_rank_object *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->value = Py_NewRef(value);
    return (PyObject *)self;
}

static int per_rank_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((per_rank_object *)object)->value);
    return 0;
}

static int per_rank_clear(PyObject *object)
{
    Py_CLEAR(((per_rank_object *)object)->value);
    return 0;
}

static void per_rank_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    per_rank_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMemberDef per_rank_members[] = {
    {"value", T_OBJECT, offsetof(per_rank_object, value), READONLY, "this rank's value"},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot per_rank_slots[] = {
    {Py_tp_doc, (void *)per_rank_doc},
    {Py_tp_new, per_rank_new},
    {Py_tp_traverse, per_rank_traverse},
    {Py_tp_clear, per_rank_clear},
    {Py_tp_dealloc, per_rank_dealloc},
    {Py_tp_members, per_rank_members},
    {0, NULL},
};

PyType_Spec PerRank_spec = {
    .name = "collio.PerRank",
    .basicsize = sizeof(per_rank_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = per_rank_slots,
};
