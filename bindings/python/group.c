/* MPI.Group: ordered sets of processes. */
#include "bindings.h"

static MPI_Group mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.group;
}

static PyObject *wrap(PyObject *like, MPI_Group group)
{
    return handle_own((PyTypeObject *)like, KIND_group, (any_handle){.group = group});
}

PyDoc_STRVAR(get_size_doc, "Get_size($self, /)\n--\n\nNumber of processes. Not collective.");

static PyObject *group_Get_size(PyObject *self, PyObject *Py_UNUSED(none))
{
    int size = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Group_size(mpi_of(self), &size), "MPI_Group_size") < 0)
        return NULL;
    return PyLong_FromLong(size);
}

PyDoc_STRVAR(get_rank_doc, "Get_rank($self, /)\n--\n\nRank of this process, or UNDEFINED. "
                           "Not collective.");

static PyObject *group_Get_rank(PyObject *self, PyObject *Py_UNUSED(none))
{
    int rank = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Group_rank(mpi_of(self), &rank), "MPI_Group_rank") < 0)
        return NULL;
    return PyLong_FromLong(rank);
}

PyDoc_STRVAR(compare_doc, "Compare($self, /, group)\n--\n\nIDENT, SIMILAR or UNEQUAL. "
                          "Not collective.");

static PyObject *group_Compare(PyObject *self, PyObject *other)
{
    MPI_Group group;
    int result = MPI_UNEQUAL;

    if (mpi_ready(state_of(self)) < 0 || group_arg(state_of(self), other, &group) < 0 ||
        mpi_failed(MPI_Group_compare(mpi_of(self), group, &result), "MPI_Group_compare") < 0)
        return NULL;
    return PyLong_FromLong(result);
}

typedef struct translate_args {
    PyObject *ranks, *group;
} translate_args;

PyDoc_STRVAR(translate_doc, "Translate_ranks($self, /, ranks=None, group=None)\n--\n\nThe ranks "
                            "(all) of this group as ranks of another (the world). Not collective.");

/* The ranks asked about: given, or 0 .. size - 1. Their number or -1. */
static int asked_ranks(PyObject *self, PyObject *ranks, int **out)
{
    int n = 0;

    if (ranks != Py_None)
        return ints_from(ranks, out);
    if (mpi_failed(MPI_Group_size(mpi_of(self), &n), "MPI_Group_size") < 0)
        return -1;
    *out = PyMem_Malloc(((size_t)n + 1) * sizeof **out);
    for (int i = 0; *out != NULL && i < n; i++)
        (*out)[i] = i;
    return *out != NULL ? n : (PyErr_NoMemory(), -1);
}

static PyObject *translate(PyObject *self, const int *ranks, int n, MPI_Group to)
{
    int *result = PyMem_Malloc(((size_t)n + 1) * sizeof *result);
    PyObject *list = NULL;

    if (result == NULL)
        return PyErr_NoMemory();
    if (mpi_failed(MPI_Group_translate_ranks(mpi_of(self), n, ranks, to, result),
                   "MPI_Group_translate_ranks") == 0)
        list = ints_to_list(result, n);
    PyMem_Free(result);
    return list;
}

static PyObject *group_Translate_ranks(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                       PyObject *keywords)
{
    static const param rows[] = {{"|ranks", arg_object, offsetof(translate_args, ranks)},
                                 {"|group", arg_object, offsetof(translate_args, group)},
                                 {NULL, NULL, 0}};
    translate_args a = {Py_None, Py_None};
    MPI_Group world = MPI_GROUP_NULL, to;
    PyObject *list = NULL;
    int *ranks = NULL, n;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Translate_ranks", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (a.group != Py_None && group_arg(state_of(self), a.group, &to) < 0)
        return NULL;
    if (a.group == Py_None) {
        MPI_Comm_group(MPI_COMM_WORLD, &world);
        to = world;
    }
    n = asked_ranks(self, a.ranks, &ranks);
    if (n >= 0)
        list = translate(self, ranks, n, to);
    if (world != MPI_GROUP_NULL)
        MPI_Group_free(&world);
    PyMem_Free(ranks);
    return list;
}

/* ------------------------------------------------------------------- set operations */

typedef int select_function(MPI_Group, int, const int[], MPI_Group *);

static PyObject *select_ranks(PyObject *self, PyObject *arg, select_function *function,
                              const char *name)
{
    PyObject *result = NULL;
    MPI_Group group;
    int *ranks = NULL, n;

    if (mpi_ready(state_of(self)) < 0)
        return NULL;
    n = ints_from(arg, &ranks);
    if (n >= 0 && mpi_failed(function(mpi_of(self), n, ranks, &group), name) == 0)
        result = wrap((PyObject *)Py_TYPE(self), group);
    PyMem_Free(ranks);
    return result;
}

PyDoc_STRVAR(incl_doc, "Incl($self, /, ranks)\n--\n\nThe group of these ranks, in this order. "
                       "Not collective.");

static PyObject *group_Incl(PyObject *self, PyObject *arg)
{
    return select_ranks(self, arg, MPI_Group_incl, "MPI_Group_incl");
}

PyDoc_STRVAR(excl_doc, "Excl($self, /, ranks)\n--\n\nThe group without these ranks. "
                       "Not collective.");

static PyObject *group_Excl(PyObject *self, PyObject *arg)
{
    return select_ranks(self, arg, MPI_Group_excl, "MPI_Group_excl");
}

typedef int range_function(MPI_Group, int, int[][3], MPI_Group *);

/* One (first, last, stride). */
static int take_range(PyObject *object, int range[3])
{
    int *values = NULL, n = ints_from(object, &values);

    for (int i = 0; i < 3 && n == 3; i++)
        range[i] = values[i];
    PyMem_Free(values);
    if (n >= 0 && n != 3)
        PyErr_Format(PyExc_ValueError, "a range is (first, last, stride), not %d numbers", n);
    return n == 3 ? 0 : -1;
}

static PyObject *select_ranges(PyObject *self, PyObject *arg, range_function *function,
                               const char *name)
{
    PyObject *fast = PySequence_Fast(arg, "ranks: expecting a sequence of (first, last, stride)");
    Py_ssize_t n = fast == NULL ? 0 : PySequence_Fast_GET_SIZE(fast), i = 0;
    int(*ranges)[3] = PyMem_Calloc((size_t)n + 1, sizeof *ranges);
    PyObject *result = NULL;
    MPI_Group group;

    if (ranges == NULL)
        PyErr_NoMemory();
    while (fast != NULL && ranges != NULL && i < n &&
           take_range(PySequence_Fast_GET_ITEM(fast, i), ranges[i]) == 0)
        i++;
    if (!PyErr_Occurred() && mpi_ready(state_of(self)) == 0 &&
        mpi_failed(function(mpi_of(self), (int)n, ranges, &group), name) == 0)
        result = wrap((PyObject *)Py_TYPE(self), group);
    PyMem_Free(ranges);
    Py_XDECREF(fast);
    return result;
}

PyDoc_STRVAR(range_incl_doc, "Range_incl($self, /, ranks)\n--\n\nThe group of the ranks in ranges "
                             "(first, last, stride). Not collective.");

static PyObject *group_Range_incl(PyObject *self, PyObject *arg)
{
    return select_ranges(self, arg, MPI_Group_range_incl, "MPI_Group_range_incl");
}

PyDoc_STRVAR(range_excl_doc, "Range_excl($self, /, ranks)\n--\n\nThe group without the ranks in "
                             "ranges (first, last, stride). Not collective.");

static PyObject *group_Range_excl(PyObject *self, PyObject *arg)
{
    return select_ranges(self, arg, MPI_Group_range_excl, "MPI_Group_range_excl");
}

typedef struct pair_args {
    PyObject *group1, *group2;
} pair_args;

static PyObject *combine(PyObject *cls, const row_method *row, PyObject *const *args,
                         Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"group1", arg_object, offsetof(pair_args, group1)},
                                   {"group2", arg_object, offsetof(pair_args, group2)},
                                   {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    MPI_Group first, second, group;
    pair_args a;

    if (mpi_ready(st) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0 ||
        group_arg(st, a.group1, &first) < 0 || group_arg(st, a.group2, &second) < 0 ||
        mpi_failed(row->call.group_pair(first, second, &group), row->mpi_name) < 0)
        return NULL;
    return wrap(cls, group);
}

PyDoc_STRVAR(union_doc, "Union($type, /, group1, group2)\n--\n\nThe processes of either. "
                        "Not collective.");

PyDoc_STRVAR(intersection_doc, "Intersection($type, /, group1, group2)\n--\n\nThe processes of "
                               "both. Not collective.");

PyDoc_STRVAR(intersect_doc, "Intersect($type, /, group1, group2)\n--\n\nAnother name of "
                            "Intersection().");

PyDoc_STRVAR(difference_doc, "Difference($type, /, group1, group2)\n--\n\nThe processes of the "
                             "first only. Not collective.");

PyDoc_STRVAR(dup_doc, "Dup($self, /)\n--\n\nA copy. Not collective.");

static PyObject *group_Dup(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Group group;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Group_union(mpi_of(self), MPI_GROUP_EMPTY, &group), "MPI_Group_union") < 0)
        return NULL;
    return wrap((PyObject *)Py_TYPE(self), group);
}

PyDoc_STRVAR(free_doc, "Free($self, /)\n--\n\nFree the group. Not collective.");

/* The empty group is MPI's own: not every MPI survives its being freed. */
static PyObject *group_Free(PyObject *self, PyObject *Py_UNUSED(none))
{
    handle *group = (handle *)self;

    if (mpi_ready(state_of(self)) < 0)
        return NULL;
    if (group->mpi.group != MPI_GROUP_EMPTY) {
        if (mpi_failed(MPI_Group_free(&group->mpi.group), "MPI_Group_free") < 0)
            return NULL;
    } else if (group->constant == NULL) {
        group->mpi = handle_null(KIND_group);
    }
    handle_freed(group);
    Py_RETURN_NONE;
}

/* clang-format off */
const row_method group_rows[] = {
    {"Compare", compare_doc, method_one, "group", {.one = group_Compare}, 0, 0},
    {"Incl", incl_doc, method_one, "ranks", {.one = group_Incl}, 0, 0},
    {"Excl", excl_doc, method_one, "ranks", {.one = group_Excl}, 0, 0},
    {"Range_incl", range_incl_doc, method_one, "ranks", {.one = group_Range_incl}, 0, 0},
    {"Range_excl", range_excl_doc, method_one, "ranks", {.one = group_Range_excl}, 0, 0},
    {"Intersect", intersect_doc, combine, "MPI_Group_intersection", {.group_pair = MPI_Group_intersection}, 0, 1},
    {"Union", union_doc, combine, "MPI_Group_union", {.group_pair = MPI_Group_union}, 0, 1},
    {"Intersection", intersection_doc, combine, "MPI_Group_intersection", {.group_pair = MPI_Group_intersection}, 0, 1},
    {"Difference", difference_doc, combine, "MPI_Group_difference", {.group_pair = MPI_Group_difference}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef group_methods[] = {
    {"Get_size", group_Get_size, METH_NOARGS, get_size_doc},
    {"Get_rank", group_Get_rank, METH_NOARGS, get_rank_doc},
    {"Translate_ranks", FAST(group_Translate_ranks), FASTCALL, translate_doc},
    {"Dup", group_Dup, METH_NOARGS, dup_doc},
    {"Free", group_Free, METH_NOARGS, free_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef group_getset[] = {
    {"size", ask, NULL, "number of processes", (void *)group_Get_size},
    {"rank", ask, NULL, "rank of this process", (void *)group_Get_rank},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(group_doc, "Group(group=None)\n--\n\nAn ordered set of processes.");

static PyType_Slot group_slots[] = {
    {Py_tp_doc, (void *)group_doc},
    {Py_tp_methods, group_methods},
    {Py_tp_getset, group_getset},
    {0, NULL},
};

PyType_Spec Group_spec = {
    .name = "collio.MPI.Group",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = group_slots,
};
