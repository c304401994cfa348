/* MPI.Datatype decoded: how a type was made in the words of its constructor, and
 * making it again from them, as pickle does. */
#include "datatype.h"
#include "absent.h"

#include <string.h>

static MPI_Datatype mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.datatype;
}

/* ------------------------------------------------------- as the constructor's arguments */

/*
 * The integers of each combiner in the order of its constructor's parameters:
 * n a number, L a list, # the length of the lists.
 */
typedef struct combiner_row {
    int combiner;
    const char *name, *method, *kinds;
    const char *params[7];
} combiner_row;

/* clang-format off */
static const combiner_row combiner_rows[] = {
    {MPI_COMBINER_NAMED, "NAMED", NULL, "", {NULL}},
    {MPI_COMBINER_DUP, "DUP", "Dup", "", {NULL}},
    {MPI_COMBINER_CONTIGUOUS, "CONTIGUOUS", "Create_contiguous", "n", {"count"}},
    {MPI_COMBINER_VECTOR, "VECTOR", "Create_vector", "nnn", {"count", "blocklength", "stride"}},
    {MPI_COMBINER_HVECTOR, "HVECTOR", "Create_hvector", "nnn", {"count", "blocklength", "stride"}},
    {MPI_COMBINER_INDEXED, "INDEXED", "Create_indexed", "#LL", {"blocklengths", "displacements"}},
    {MPI_COMBINER_HINDEXED, "HINDEXED", "Create_hindexed", "#LL", {"blocklengths", "displacements"}},
    {MPI_COMBINER_INDEXED_BLOCK, "INDEXED_BLOCK", "Create_indexed_block", "#nL", {"blocklength", "displacements"}},
    {MPI_COMBINER_HINDEXED_BLOCK, "HINDEXED_BLOCK", "Create_hindexed_block", "#nL", {"blocklength", "displacements"}},
    {MPI_COMBINER_STRUCT, "STRUCT", "Create_struct", "#LL", {"blocklengths", "displacements"}},
    {MPI_COMBINER_SUBARRAY, "SUBARRAY", "Create_subarray", "#LLLn", {"sizes", "subsizes", "starts", "order"}},
    {MPI_COMBINER_DARRAY, "DARRAY", "Create_darray", "nn#LLLLn", {"size", "rank", "gsizes", "distribs", "dargs", "psizes", "order"}},
    {MPI_COMBINER_RESIZED, "RESIZED", "Create_resized", "nn", {"lb", "extent"}},
    {MPI_COMBINER_F90_INTEGER, "F90_INTEGER", "Create_f90_integer", "n", {"r"}},
    {MPI_COMBINER_F90_REAL, "F90_REAL", "Create_f90_real", "nn", {"p", "r"}},
    {MPI_COMBINER_F90_COMPLEX, "F90_COMPLEX", "Create_f90_complex", "nn", {"p", "r"}},
    {MPI_COMBINER_VALUE_INDEX, "VALUE_INDEX", "Get_value_index", "", {NULL}},
};
/* clang-format on */

#define COMBINERS (sizeof combiner_rows / sizeof *combiner_rows)

static const combiner_row *row_of(int combiner)
{
    for (size_t i = 0; i < COMBINERS; i++)
        if (combiner_rows[i].combiner == combiner)
            return &combiner_rows[i];
    PyErr_Format(PyExc_ValueError, "cannot decode a datatype made by combiner %d", combiner);
    return NULL;
}

/* How many integers come before the counts, and how many after them: those of
 * large-count types whose other arguments are plain. */
static MPI_Count leading(const contents *c)
{
    if (c->e.counts == 0)
        return c->e.integers;
    return c->e.combiner == MPI_COMBINER_SUBARRAY ? 1
           : c->e.combiner == MPI_COMBINER_DARRAY ? 3
                                                  : 0;
}

/* All integers of the constructor in one row: those before, counts, the rest, addresses. New. */
static PyObject *in_a_row(const contents *c)
{
    MPI_Count head = leading(c);
    PyObject *list = ints_to_list(c->integers, (int)head), *part[3];
    int failed = list == NULL;

    part[0] = datatype_count_list(c->counts, c->e.counts);
    part[1] = ints_to_list(c->integers + head, (int)(c->e.integers - head));
    part[2] = datatype_address_list(c->addresses, c->e.addresses);
    for (int i = 0; i < 3; i++) {
        failed = failed || part[i] == NULL ||
                 PyList_SetSlice(list, PyList_GET_SIZE(list), PyList_GET_SIZE(list), part[i]) < 0;
        Py_XDECREF(part[i]);
    }
    if (failed)
        Py_CLEAR(list);
    return list;
}

static int set_steal(PyObject *dict, const char *name, PyObject *value)
{
    int result = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);

    Py_XDECREF(value);
    return result;
}

/* {parameter: value} of the integers. New. */
static PyObject *named(const combiner_row *row, PyObject *integers)
{
    PyObject *dict = PyDict_New();
    Py_ssize_t at = 0, length = 0;
    int failed = dict == NULL, parameter = 0;

    for (const char *kind = row->kinds; !failed && *kind != '\0'; kind++) {
        Py_ssize_t width = *kind == 'L' ? length : 1;
        if (at + width > PyList_GET_SIZE(integers)) {
            PyErr_Format(PyExc_ValueError, "cannot decode %s", row->name);
            failed = 1;
        } else if (*kind == '#') {
            length = PyLong_AsSsize_t(PyList_GET_ITEM(integers, at));
        } else if (*kind == 'L') {
            failed = set_steal(dict, row->params[parameter++],
                               PyList_GetSlice(integers, at, at + length)) < 0;
        } else {
            failed = PyDict_SetItemString(dict, row->params[parameter++],
                                          PyList_GET_ITEM(integers, at)) < 0;
        }
        at += width;
    }
    if (failed)
        Py_CLEAR(dict);
    return dict;
}

/* Put the types among the parameters, or return the one that all is made of. New. */
static PyObject *base_of(state *st, int combiner, PyObject *types, PyObject *params)
{
    if (combiner == MPI_COMBINER_STRUCT && PyDict_SetItemString(params, "datatypes", types) < 0)
        return NULL;
    if (combiner == MPI_COMBINER_VALUE_INDEX &&
        (PyDict_SetItemString(params, "value", PyList_GET_ITEM(types, 0)) < 0 ||
         PyDict_SetItemString(params, "index", PyList_GET_ITEM(types, 1)) < 0))
        return NULL;
    if (combiner != MPI_COMBINER_STRUCT && combiner != MPI_COMBINER_VALUE_INDEX &&
        PyList_GET_SIZE(types) == 1)
        return Py_NewRef(PyList_GET_ITEM(types, 0));
    return constant_object(st, KIND_datatype, handle_null(KIND_datatype));
}

/* (base type, combiner's name, parameters). New. */
static PyObject *decode(PyObject *self)
{
    state *st = state_of(self);
    PyObject *integers = NULL, *types = NULL, *params = NULL, *base = NULL, *result = NULL;
    const combiner_row *row;
    contents c;

    if (datatype_contents(mpi_of(self), &c) == 0 && (row = row_of(c.e.combiner)) != NULL) {
        integers = in_a_row(&c);
        types = datatype_type_list(st, &c);
        params = integers != NULL ? named(row, integers) : NULL;
        if (params != NULL && types != NULL)
            base = base_of(st, c.e.combiner, types, params);
        if (base != NULL)
            result = Py_BuildValue("(OsO)", base, row->name, params);
    }
    datatype_contents_release(&c);
    Py_XDECREF(integers);
    Py_XDECREF(types);
    Py_XDECREF(params);
    Py_XDECREF(base);
    return result;
}

PyDoc_STRVAR(decode_doc, "decode($self, /)\n--\n\nHow it was made: (base type, name of the "
                         "combiner, arguments of the constructor). Not collective.");

static PyObject *datatype_decode(PyObject *self, PyObject *Py_UNUSED(none))
{
    envelope e;

    if (mpi_ready(state_of(self)) < 0 || datatype_envelope(mpi_of(self), &e) < 0)
        return NULL;
    if (e.combiner == MPI_COMBINER_NAMED)
        return Py_BuildValue("(Os{})", self, "NAMED");
    return decode(self);
}

/* ------------------------------------------------------------------- made once more */

/* Call free() on an object, if it is a Datatype, or on each of a list. */
static int free_types(PyObject *object)
{
    PyObject *result;

    if (object == NULL || !PyList_Check(object)) {
        result = object == NULL ? Py_NewRef(Py_None) : PyObject_CallMethod(object, "free", NULL);
        Py_XDECREF(result);
        return result == NULL ? -1 : 0;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(object); i++)
        if (free_types(PyList_GET_ITEM(object, i)) < 0)
            return -1;
    return 0;
}

/* The constructor called with its parameters, and the result committed. New. */
static PyObject *build(PyObject *base, const char *method, PyObject *params)
{
    PyObject *function = PyObject_GetAttrString(base, method), *none = PyTuple_New(0);
    PyObject *made = NULL, *type = NULL;

    if (function != NULL && none != NULL)
        made = PyObject_Call(function, none, params);
    if (made != NULL)
        type = PyObject_CallMethod(made, "Commit", NULL);
    Py_XDECREF(function);
    Py_XDECREF(none);
    Py_XDECREF(made);
    return type;
}

typedef struct create_args {
    PyObject *base, *params;
    const char *combiner;
    int free;
} create_args;

static PyObject *create(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                        PyObject *keywords)
{
    static const param rows[] = {{"datatype", arg_object, offsetof(create_args, base)},
                                 {"combiner", arg_text, offsetof(create_args, combiner)},
                                 {"params", arg_object, offsetof(create_args, params)},
                                 {"|free", arg_bool, offsetof(create_args, free)},
                                 {NULL, NULL, 0}};
    create_args a = {NULL, NULL, NULL, 0};
    MPI_Datatype type;
    PyObject *made;
    size_t i = 0;

    if (args_parse("_datatype_create", rows, &a, args, nargs, keywords) < 0 ||
        type_arg(PyModule_GetState(module), a.base, &type) < 0)
        return NULL;
    if (!PyDict_Check(a.params))
        return raise_type("params", "dict", a.params);
    while (i < COMBINERS && strcmp(combiner_rows[i].name, a.combiner) != 0)
        i++;
    if (i == COMBINERS || combiner_rows[i].method == NULL)
        return PyErr_Format(PyExc_AttributeError, "no datatype is made by combiner '%s'",
                            a.combiner);
    made = build(a.base, combiner_rows[i].method, a.params);
    if (made != NULL && a.free &&
        (free_types(a.base) < 0 || free_types(PyDict_GetItemString(a.params, "datatypes")) < 0))
        Py_CLEAR(made);
    return made;
}

typedef struct decode_args {
    PyObject *type;
    int mark;
} decode_args;

static PyObject *module_decode(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    static const param rows[] = {{"datatype", arg_object, offsetof(decode_args, type)},
                                 {"|mark", arg_bool, offsetof(decode_args, mark)},
                                 {NULL, NULL, 0}};
    decode_args a = {NULL, 0};
    MPI_Datatype type;

    if (args_parse("_datatype_decode", rows, &a, args, nargs, keywords) < 0 ||
        type_arg(PyModule_GetState(module), a.type, &type) < 0)
        return NULL;
    return datatype_decode(a.type, NULL);
}

/* clang-format off */
PyMethodDef datatype_functions[] = {
    {"_datatype_create", FAST(create), FASTCALL,
     "_datatype_create($module, /, datatype, combiner, params, free=False)\n--\n\nThe datatype of "
     "what Datatype.decode() says, committed; `free` the ones that it is made of."},
    {"_datatype_decode", FAST(module_decode), FASTCALL,
     "_datatype_decode($module, /, datatype, mark=False)\n--\n\nDatatype.decode()."},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

PyObject *datatype_reduce(PyObject *self)
{
    state *st = state_of(self);
    PyObject *module = PyType_GetModule(st->types[TYPE_Datatype]), *function, *parts, *result;

    parts = mpi_ready(st) < 0 ? NULL : decode(self);
    if (parts == NULL)
        return NULL;
    function = PyObject_GetAttrString(module, "_datatype_create");
    result = function == NULL
                 ? NULL
                 : Py_BuildValue("(O(OOOO))", function, PyTuple_GET_ITEM(parts, 0),
                                 PyTuple_GET_ITEM(parts, 1), PyTuple_GET_ITEM(parts, 2), Py_True);
    Py_XDECREF(function);
    Py_DECREF(parts);
    return result;
}

/* ---------------------------------------------------------------------- pairs of MPI 4.1 */

typedef struct index_args {
    PyObject *value, *index;
} index_args;

PyDoc_STRVAR(value_index_doc, "Get_value_index($type, /, value, index)\n--\n\nThe type of pairs "
                              "(value, index) for MAXLOC and MINLOC, DATATYPE_NULL if there is "
                              "none. Not collective.");

static int value_index(MPI_Datatype value, MPI_Datatype index, MPI_Datatype *pair)
{
#if MPI_VERSION > 4 || (MPI_VERSION == 4 && MPI_SUBVERSION >= 1)
    return mpi_failed(MPI_Type_get_value_index(value, index, pair), "MPI_Type_get_value_index");
#else
    const MPI_Datatype rows[][2] = {
        {MPI_FLOAT, MPI_FLOAT_INT}, {MPI_DOUBLE, MPI_DOUBLE_INT},
        {MPI_LONG, MPI_LONG_INT},   {MPI_INT, MPI_2INT},
        {MPI_SHORT, MPI_SHORT_INT}, {MPI_LONG_DOUBLE, MPI_LONG_DOUBLE_INT}};

    *pair = MPI_DATATYPE_NULL;
    for (size_t i = 0; index == MPI_INT && i < sizeof rows / sizeof *rows; i++)
        if (rows[i][0] == value)
            *pair = rows[i][1];
    return 0;
#endif
}

static PyObject *get_value_index(PyObject *cls, const row_method *row, PyObject *const *args,
                                 Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"value", arg_object, offsetof(index_args, value)},
                                   {"index", arg_object, offsetof(index_args, index)},
                                   {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    MPI_Datatype value, index, pair = MPI_DATATYPE_NULL;
    index_args a;

    if (mpi_ready(st) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0 ||
        type_arg(st, a.value, &value) < 0 || type_arg(st, a.index, &index) < 0 ||
        value_index(value, index, &pair) < 0)
        return NULL;
    return handle_make((PyTypeObject *)cls, KIND_datatype, (any_handle){.datatype = pair});
}

PyMethodDef datatype_decode_methods[] = {
    {"decode", datatype_decode, METH_NOARGS, decode_doc},
    {NULL, NULL, 0, NULL},
};

const row_method datatype_decode_rows[] = {
    {"Get_value_index", value_index_doc, get_value_index, NULL, {NULL}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
