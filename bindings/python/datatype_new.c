/*
 * The constructors of MPI.Datatype. Each is a row that names its parameters and
 * two functions of MPI: the plain one, and for MPI 4 the one for counts beyond
 * an int. The latter only where a count needs it: MPICH 4.0 cannot use the types
 * it makes in file views.
 */
#include "datatype.h"

#include <string.h>

#define MAX_PARAMS 7

/* Integers given for one parameter, as MPI's functions want them. */
typedef struct numbers {
    int n;
    int *small;
    MPI_Count *count;
    MPI_Aint *address;
} numbers;

/* What a call of a constructor was given, in the order of its parameters. */
typedef struct given {
    MPI_Datatype old;
    numbers v[MAX_PARAMS];
    MPI_Datatype *types; /* of Create_struct */
    int large;           /* a count does not fit in an int */
} given;

/*
 *   params  as for args_parse()
 *   kinds   of each parameter: i an int, n a count, a an address; capital: a list
 *           of them, all of one length; T a list of datatypes
 */
struct constructor {
    const char *params[MAX_PARAMS];
    const char *kinds;
    int (*plain)(const given *, MPI_Datatype *);
    int (*large)(const given *, MPI_Datatype *);
};

/* ------------------------------------------------------------------- MPI's functions */

static int small(const given *g, int i)
{
    return g->v[i].small[0];
}

static MPI_Aint address(const given *g, int i)
{
    return g->v[i].address[0];
}

static int contiguous(const given *g, MPI_Datatype *new)
{
    return MPI_Type_contiguous(small(g, 0), g->old, new);
}

static int vector(const given *g, MPI_Datatype *new)
{
    return MPI_Type_vector(small(g, 0), small(g, 1), small(g, 2), g->old, new);
}

static int hvector(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_hvector(small(g, 0), small(g, 1), address(g, 2), g->old, new);
}

static int indexed(const given *g, MPI_Datatype *new)
{
    return MPI_Type_indexed(g->v[0].n, g->v[0].small, g->v[1].small, g->old, new);
}

static int hindexed(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_hindexed(g->v[0].n, g->v[0].small, g->v[1].address, g->old, new);
}

static int indexed_block(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_indexed_block(g->v[1].n, small(g, 0), g->v[1].small, g->old, new);
}

static int hindexed_block(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_hindexed_block(g->v[1].n, small(g, 0), g->v[1].address, g->old, new);
}

static int structure(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_struct(g->v[0].n, g->v[0].small, g->v[1].address, g->types, new);
}

static int subarray(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_subarray(g->v[0].n, g->v[0].small, g->v[1].small, g->v[2].small,
                                    small(g, 3), g->old, new);
}

static int darray(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_darray(small(g, 0), small(g, 1), g->v[2].n, g->v[2].small, g->v[3].small,
                                  g->v[4].small, g->v[5].small, small(g, 6), g->old, new);
}

static int resized(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_resized(g->old, address(g, 0), address(g, 1), new);
}

static int f90_integer(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_f90_integer(small(g, 0), new);
}

static int f90_real(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_f90_real(small(g, 0), small(g, 1), new);
}

static int f90_complex(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_f90_complex(small(g, 0), small(g, 1), new);
}

static int match_size(const given *g, MPI_Datatype *new)
{
    return MPI_Type_match_size(small(g, 0), small(g, 1), new);
}

#ifdef HAVE_MPI_ALLREDUCE_C
static MPI_Count count(const given *g, int i)
{
    return g->v[i].count[0];
}

static int contiguous_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_contiguous_c(count(g, 0), g->old, new);
}

static int vector_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_vector_c(count(g, 0), count(g, 1), count(g, 2), g->old, new);
}

static int hvector_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_hvector_c(count(g, 0), count(g, 1), count(g, 2), g->old, new);
}

static int indexed_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_indexed_c(g->v[0].n, g->v[0].count, g->v[1].count, g->old, new);
}

static int hindexed_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_hindexed_c(g->v[0].n, g->v[0].count, g->v[1].count, g->old, new);
}

static int indexed_block_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_indexed_block_c(g->v[1].n, count(g, 0), g->v[1].count, g->old, new);
}

static int hindexed_block_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_hindexed_block_c(g->v[1].n, count(g, 0), g->v[1].count, g->old, new);
}

static int structure_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_struct_c(g->v[0].n, g->v[0].count, g->v[1].count, g->types, new);
}

static int subarray_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_subarray_c(g->v[0].n, g->v[0].count, g->v[1].count, g->v[2].count,
                                      small(g, 3), g->old, new);
}

static int darray_c(const given *g, MPI_Datatype *new)
{
    return MPI_Type_create_darray_c(small(g, 0), small(g, 1), g->v[2].n, g->v[2].count,
                                    g->v[3].small, g->v[4].small, g->v[5].small, small(g, 6),
                                    g->old, new);
}
#define HAVE_LARGE 1
#else
#define HAVE_LARGE 0
#endif

/* ------------------------------------------------------------------------ arguments */

static void numbers_free(numbers *v)
{
    PyMem_Free(v->small);
    PyMem_Free(v->count);
    PyMem_Free(v->address);
}

static int numbers_alloc(numbers *v, Py_ssize_t n)
{
    if (n > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "sequence too long");
        return -1;
    }
    v->n = (int)n;
    v->small = PyMem_Calloc((size_t)n + 1, sizeof *v->small);
    v->count = PyMem_Calloc((size_t)n + 1, sizeof *v->count);
    v->address = PyMem_Calloc((size_t)n + 1, sizeof *v->address);
    if (v->small != NULL && v->count != NULL && v->address != NULL)
        return 0;
    PyErr_NoMemory();
    return -1;
}

/* One integer; *large is set if it is a count that no int holds. */
static int take_number(int64_t value, char kind, numbers *v, int i, int *large)
{
    v->count[i] = (MPI_Count)value;
    v->address[i] = (MPI_Aint)value;
    v->small[i] = (int)value;
    if (kind == 'a' || (value >= INT_MIN && value <= INT_MAX))
        return 0;
    *large = 1;
    if (kind == 'n' && HAVE_LARGE)
        return 0;
    PyErr_Format(PyExc_OverflowError, "integer %lld does not fit in 'int'", (long long)value);
    return -1;
}

static int take_list(PyObject *object, char kind, numbers *v, int *large)
{
    PyObject *fast = PySequence_Fast(object, "expecting a sequence of integers");
    int failed = fast == NULL || numbers_alloc(v, PySequence_Fast_GET_SIZE(fast)) < 0;
    int64_t value = 0;

    for (int i = 0; !failed && i < v->n; i++)
        failed = index_int64(PySequence_Fast_GET_ITEM(fast, i), &value) < 0 ||
                 take_number(value, kind, v, i, large) < 0;
    Py_XDECREF(fast);
    return failed ? -1 : 0;
}

/* The number of types or -1. */
static int take_types(state *st, PyObject *object, given *g)
{
    PyObject *fast = PySequence_Fast(object, "datatypes: expecting a sequence of MPI.Datatype");
    Py_ssize_t n = fast == NULL ? 0 : PySequence_Fast_GET_SIZE(fast), i = 0;

    g->types = PyMem_Calloc((size_t)n + 1, sizeof *g->types);
    if (g->types == NULL)
        PyErr_NoMemory();
    while (fast != NULL && g->types != NULL && i < n &&
           type_arg(st, PySequence_Fast_GET_ITEM(fast, i), &g->types[i]) == 0)
        i++;
    Py_XDECREF(fast);
    return PyErr_Occurred() ? -1 : (int)n;
}

static int check_length(int wanted, int got)
{
    if (got == wanted)
        return 0;
    PyErr_Format(PyExc_ValueError, "expecting %d items, got %d", wanted, got);
    return -1;
}

static int take(state *st, const struct constructor *c, PyObject *const *objects, given *g)
{
    int length = -1, n;
    int64_t value;

    for (int i = 0; c->kinds[i] != '\0'; i++) {
        char kind = c->kinds[i];
        if (objects[i] == NULL) { /* the order, the only one that may be left out */
            if (numbers_alloc(&g->v[i], 1) < 0)
                return -1;
            g->v[i].small[0] = MPI_ORDER_C;
        } else if (kind >= 'a') {
            if (numbers_alloc(&g->v[i], 1) < 0 || arg_int64(objects[i], &value) < 0 ||
                take_number(value, kind, &g->v[i], 0, &g->large) < 0)
                return -1;
        } else {
            n = kind == 'T' ? take_types(st, objects[i], g)
                            : take_list(objects[i], (char)(kind - 'A' + 'a'), &g->v[i], &g->large);
            n = kind == 'T' || n < 0 ? n : g->v[i].n;
            length = length < 0 ? n : length;
            if (n < 0 || check_length(length, n) < 0)
                return -1;
        }
    }
    return 0;
}

static void given_release(given *g)
{
    for (int i = 0; i < MAX_PARAMS; i++)
        numbers_free(&g->v[i]);
    PyMem_Free(g->types);
}

static int parse(const row_method *row, PyObject **objects, PyObject *const *args, Py_ssize_t nargs,
                 PyObject *keywords)
{
    const struct constructor *c = row->call.constructor;
    param rows[MAX_PARAMS + 1] = {{NULL, NULL, 0}};

    for (int i = 0; c->kinds[i] != '\0'; i++)
        rows[i] = (param){c->params[i], arg_object, (size_t)i * sizeof *objects};
    return args_parse(row->name, rows, objects, args, nargs, keywords);
}

/* The body of all constructors. */
static PyObject *construct(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    const struct constructor *c = row->call.constructor;
    PyTypeObject *class = row->of_class ? (PyTypeObject *)self : Py_TYPE(self);
    state *st = state_of_class((PyObject *)class);
    PyObject *objects[MAX_PARAMS] = {NULL}, *result = NULL;
    given g = {.old = row->of_class ? MPI_DATATYPE_NULL : ((handle *)self)->mpi.datatype};
    MPI_Datatype new = MPI_DATATYPE_NULL;

    if (mpi_ready(st) < 0 || parse(row, objects, args, nargs, keywords) < 0)
        return NULL;
    if (take(st, c, objects, &g) == 0 &&
        mpi_failed((g.large ? c->large : c->plain)(&g, &new), row->mpi_name) == 0)
        result = datatype_wrap(class, new);
    given_release(&g);
    return result;
}

PyDoc_STRVAR(contiguous_doc, "Create_contiguous($self, /, count)\n--\n\n`count` elements in a row. "
                             "Not collective.");
PyDoc_STRVAR(vector_doc, "Create_vector($self, /, count, blocklength, stride)\n--\n\nBlocks at a "
                         "stride counted in elements. Not collective.");
PyDoc_STRVAR(hvector_doc, "Create_hvector($self, /, count, blocklength, stride)\n--\n\nBlocks at a "
                          "stride counted in bytes. Not collective.");
PyDoc_STRVAR(indexed_doc, "Create_indexed($self, /, blocklengths, displacements)\n--\n\nBlocks of "
                          "several lengths at displacements in elements. Not collective.");
PyDoc_STRVAR(hindexed_doc, "Create_hindexed($self, /, blocklengths, displacements)\n--\n\nBlocks "
                           "of several lengths at displacements in bytes. Not collective.");
PyDoc_STRVAR(indexed_block_doc,
             "Create_indexed_block($self, /, blocklength, displacements)\n--\n\nBlocks of one "
             "length at displacements in elements. Not collective.");
PyDoc_STRVAR(hindexed_block_doc,
             "Create_hindexed_block($self, /, blocklength, displacements)\n--\n\nBlocks of one "
             "length at displacements in bytes. Not collective.");
PyDoc_STRVAR(struct_doc,
             "Create_struct($type, /, blocklengths, displacements, datatypes)\n--\n\nBlocks of "
             "several datatypes at displacements in bytes. Not collective.");
PyDoc_STRVAR(subarray_doc,
             "Create_subarray($self, /, sizes, subsizes, starts, order=...)\n--\n\nA block of an "
             "N-dimensional array (order C). Not collective.");
PyDoc_STRVAR(darray_doc,
             "Create_darray($self, /, size, rank, gsizes, distribs, dargs, psizes, order=...)\n--\n"
             "\nThe part of process `rank` of an N-dimensional array that is dealt out to `size` "
             "processes (order C). Not collective.");
PyDoc_STRVAR(resized_doc, "Create_resized($self, /, lb, extent)\n--\n\nThe same data with another "
                          "lower bound and extent. Not collective.");
PyDoc_STRVAR(short_resized_doc, "Resized($self, /, lb, extent)\n--\n\nAnother name of "
                                "Create_resized().");
PyDoc_STRVAR(f90_integer_doc, "Create_f90_integer($type, /, r)\n--\n\nFortran's "
                              "selected_int_kind(r). Not collective.");
PyDoc_STRVAR(f90_real_doc, "Create_f90_real($type, /, p, r)\n--\n\nFortran's "
                           "selected_real_kind(p, r). Not collective.");
PyDoc_STRVAR(f90_complex_doc, "Create_f90_complex($type, /, p, r)\n--\n\nA complex number of "
                              "Fortran's selected_real_kind(p, r). Not collective.");
PyDoc_STRVAR(match_size_doc, "Match_size($type, /, typeclass, size)\n--\n\nThe predefined type of "
                             "a class (TYPECLASS_REAL ...) and size in bytes. Not collective.");

/* clang-format off */
static const struct constructor
    contiguous_row = {{"count"}, "n", contiguous, LARGE(contiguous)},
    vector_row = {{"count", "blocklength", "stride"}, "nnn", vector, LARGE(vector)},
    hvector_row = {{"count", "blocklength", "stride"}, "nna", hvector, LARGE(hvector)},
    indexed_row = {{"blocklengths", "displacements"}, "NN", indexed, LARGE(indexed)},
    hindexed_row = {{"blocklengths", "displacements"}, "NA", hindexed, LARGE(hindexed)},
    indexed_block_row = {{"blocklength", "displacements"}, "nN", indexed_block, LARGE(indexed_block)},
    hindexed_block_row = {{"blocklength", "displacements"}, "nA", hindexed_block, LARGE(hindexed_block)},
    struct_row = {{"blocklengths", "displacements", "datatypes"}, "NAT", structure, LARGE(structure)},
    subarray_row = {{"sizes", "subsizes", "starts", "|order"}, "NNNi", subarray, LARGE(subarray)},
    darray_row = {{"size", "rank", "gsizes", "distribs", "dargs", "psizes", "|order"}, "iiNIIIi", darray, LARGE(darray)},
    resized_row = {{"lb", "extent"}, "aa", resized, NULL},
    f90_integer_row = {{"r"}, "i", f90_integer, NULL},
    f90_real_row = {{"p", "r"}, "ii", f90_real, NULL},
    f90_complex_row = {{"p", "r"}, "ii", f90_complex, NULL},
    match_size_row = {{"typeclass", "size"}, "ii", match_size, NULL};

const row_method datatype_new_rows[] = {
    {"Create_contiguous", contiguous_doc, construct, "MPI_Type_contiguous", {.constructor = &contiguous_row}, 0, 0},
    {"Create_vector", vector_doc, construct, "MPI_Type_vector", {.constructor = &vector_row}, 0, 0},
    {"Create_hvector", hvector_doc, construct, "MPI_Type_create_hvector", {.constructor = &hvector_row}, 0, 0},
    {"Create_indexed", indexed_doc, construct, "MPI_Type_indexed", {.constructor = &indexed_row}, 0, 0},
    {"Create_hindexed", hindexed_doc, construct, "MPI_Type_create_hindexed", {.constructor = &hindexed_row}, 0, 0},
    {"Create_indexed_block", indexed_block_doc, construct, "MPI_Type_create_indexed_block", {.constructor = &indexed_block_row}, 0, 0},
    {"Create_hindexed_block", hindexed_block_doc, construct, "MPI_Type_create_hindexed_block", {.constructor = &hindexed_block_row}, 0, 0},
    {"Create_struct", struct_doc, construct, "MPI_Type_create_struct", {.constructor = &struct_row}, 0, 1},
    {"Create_subarray", subarray_doc, construct, "MPI_Type_create_subarray", {.constructor = &subarray_row}, 0, 0},
    {"Create_darray", darray_doc, construct, "MPI_Type_create_darray", {.constructor = &darray_row}, 0, 0},
    {"Create_resized", resized_doc, construct, "MPI_Type_create_resized", {.constructor = &resized_row}, 0, 0},
    {"Resized", short_resized_doc, construct, "MPI_Type_create_resized", {.constructor = &resized_row}, 0, 0},
    {"Create_f90_integer", f90_integer_doc, construct, "MPI_Type_create_f90_integer", {.constructor = &f90_integer_row}, 0, 1},
    {"Create_f90_real", f90_real_doc, construct, "MPI_Type_create_f90_real", {.constructor = &f90_real_row}, 0, 1},
    {"Create_f90_complex", f90_complex_doc, construct, "MPI_Type_create_f90_complex", {.constructor = &f90_complex_row}, 0, 1},
    {"Match_size", match_size_doc, construct, "MPI_Type_match_size", {.constructor = &match_size_row}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
