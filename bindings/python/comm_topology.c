/* MPI.Cartcomm: communicators whose ranks form a grid. */
#include "bindings.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* Truth values of a sequence as ints; n of them, all 0 for None. */
static int flags_from(PyObject *object, int n, const char *what, int for_all, int **out)
{
    PyObject *list = NULL;
    int i = 0;

    *out = PyMem_Calloc((size_t)n + 1, sizeof **out);
    if (*out == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (object == NULL || object == Py_None)
        return 0;
    if (PyBool_Check(object) && for_all) { /* as mpi4py */
        int value = PyObject_IsTrue(object);
        while (i < n)
            (*out)[i++] = value;
        return 0;
    }
    if (PyUnicode_Check(object)) {
        raise_type(what, "a sequence of truth values", object);
        return -1;
    }
    list = PySequence_Fast(object, "expecting a sequence of truth values");
    if (list != NULL && PySequence_Fast_GET_SIZE(list) != n)
        PyErr_Format(PyExc_ValueError, "%s: expecting %d items, got %zd", what, n,
                     PySequence_Fast_GET_SIZE(list));
    while (list != NULL && !PyErr_Occurred() && i < n) {
        PyObject *item = PySequence_Fast_GET_ITEM(list, i);
        if (!for_all && (item == Py_None || PyUnicode_Check(item) || PyFloat_Check(item)))
            raise_type(what, "a sequence of truth values", item);
        (*out)[i++] = PyObject_IsTrue(item) > 0;
    }
    Py_XDECREF(list);
    return PyErr_Occurred() ? -1 : 0;
}

/* ---------------------------------------------------------------------- Intracomm's */

typedef struct cart_args {
    PyObject *dims, *periods;
    int reorder;
} cart_args;

PyDoc_STRVAR(create_cart_doc,
             "Create_cart($self, /, dims, periods=None, reorder=False)\n--\n\nA communicator whose "
             "ranks form a grid; COMM_NULL on those left over. Collective.");

static PyObject *comm_Create_cart(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *keywords)
{
    static const param rows[] = {{"dims", arg_object, offsetof(cart_args, dims)},
                                 {"|periods", arg_object, offsetof(cart_args, periods)},
                                 {"|reorder", arg_bool, offsetof(cart_args, reorder)},
                                 {NULL, NULL, 0}};
    cart_args a = {NULL, NULL, 0};
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;
    int *dims = NULL, *periods = NULL, n, code;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Create_cart", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    n = ints_from(a.dims, &dims);
    if (n >= 0 && flags_from(a.periods, n, "periods", 1, &periods) == 0) {
        saved = gil_release();
        code = MPI_Cart_create(mpi_of(self), n, dims, periods, a.reorder, &comm);
        gil_acquire(saved);
        if (mpi_failed(code, "MPI_Cart_create") == 0)
            result = comm_wrap_as(state_of(self), TYPE_Cartcomm, comm);
    }
    PyMem_Free(dims);
    PyMem_Free(periods);
    return result;
}

PyDoc_STRVAR(cart_map_doc, "Cart_map($self, /, dims, periods=None)\n--\n\nThe best rank of this "
                           "process in a grid. Collective.");

static PyObject *comm_Cart_map(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    static const param rows[] = {{"dims", arg_object, offsetof(cart_args, dims)},
                                 {"|periods", arg_object, offsetof(cart_args, periods)},
                                 {NULL, NULL, 0}};
    cart_args a = {NULL, NULL, 0};
    PyObject *result = NULL;
    int *dims = NULL, *periods = NULL, n, rank = MPI_PROC_NULL;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Cart_map", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    n = ints_from(a.dims, &dims);
    if (n >= 0 && flags_from(a.periods, n, "periods", 1, &periods) == 0 &&
        mpi_failed(MPI_Cart_map(mpi_of(self), n, dims, periods, &rank), "MPI_Cart_map") == 0)
        result = PyLong_FromLong(rank);
    PyMem_Free(dims);
    PyMem_Free(periods);
    return result;
}

PyMethodDef intracomm_cart_methods[] = {
    {"Create_cart", FAST(comm_Create_cart), FASTCALL, create_cart_doc},
    {"Cart_map", FAST(comm_Cart_map), FASTCALL, cart_map_doc},
    {NULL, NULL, 0, NULL},
};

/* ----------------------------------------------------------------------- the grid */

static int ndim_of(PyObject *self)
{
    int n = -1;

    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Cartdim_get(mpi_of(self), &n), "MPI_Cartdim_get") < 0)
        return -1;
    return n;
}

/* Extents, periods and own coordinates, n of each; one block for PyMem_Free. */
static int *topo_of(PyObject *self, int *n)
{
    int *values;

    *n = ndim_of(self);
    if (*n < 0)
        return NULL;
    values = PyMem_Calloc(3 * (size_t)*n + 1, sizeof *values);
    if (values == NULL) {
        PyErr_NoMemory();
    } else if (mpi_failed(MPI_Cart_get(mpi_of(self), *n, values, values + *n, values + 2 * *n),
                          "MPI_Cart_get") < 0) {
        PyMem_Free(values);
        return NULL;
    }
    return values;
}

PyDoc_STRVAR(get_dim_doc, "Get_dim($self, /)\n--\n\nNumber of dimensions. Not collective.");

static PyObject *cart_Get_dim(PyObject *self, PyObject *Py_UNUSED(none))
{
    int n = ndim_of(self);

    return n < 0 ? NULL : PyLong_FromLong(n);
}

PyDoc_STRVAR(get_topo_doc, "Get_topo($self, /)\n--\n\n(extents, periods, own coordinates). "
                           "Not collective.");

static PyObject *cart_Get_topo(PyObject *self, PyObject *Py_UNUSED(none))
{
    int n, *values = topo_of(self, &n);
    PyObject *result;

    if (values == NULL)
        return NULL;
    result = Py_BuildValue("(NNN)", ints_to_list(values, n), ints_to_list(values + n, n),
                           ints_to_list(values + 2 * n, n));
    PyMem_Free(values);
    return result;
}

PyDoc_STRVAR(get_cart_rank_doc, "Get_cart_rank($self, /, coords)\n--\n\nRank at coordinates. "
                                "Not collective.");

static PyObject *cart_Get_cart_rank(PyObject *self, PyObject *arg)
{
    int *coords = NULL, n = ndim_of(self), given, rank = MPI_PROC_NULL;
    PyObject *result = NULL;

    if (n < 0)
        return NULL;
    given = ints_from(arg, &coords);
    if (given >= 0 && given != n)
        PyErr_Format(PyExc_ValueError, "coords: expecting %d items, got %d", n, given);
    else if (given >= 0 &&
             mpi_failed(MPI_Cart_rank(mpi_of(self), coords, &rank), "MPI_Cart_rank") == 0)
        result = PyLong_FromLong(rank);
    PyMem_Free(coords);
    return result;
}

PyDoc_STRVAR(get_coords_doc, "Get_coords($self, /, rank)\n--\n\nCoordinates of a rank. "
                             "Not collective.");

static PyObject *cart_Get_coords(PyObject *self, PyObject *arg)
{
    int n = ndim_of(self), rank, *coords;
    PyObject *result = NULL;

    if (n < 0 || arg_int(arg, &rank) < 0)
        return NULL;
    coords = PyMem_Calloc((size_t)n + 1, sizeof *coords);
    if (coords == NULL)
        return PyErr_NoMemory();
    if (mpi_failed(MPI_Cart_coords(mpi_of(self), rank, n, coords), "MPI_Cart_coords") == 0)
        result = ints_to_list(coords, n);
    PyMem_Free(coords);
    return result;
}

typedef struct shift_args {
    int direction, disp;
} shift_args;

PyDoc_STRVAR(shift_doc, "Shift($self, /, direction, disp)\n--\n\n(source, destination) of a shift "
                        "along a dimension. Not collective.");

static PyObject *cart_Shift(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"direction", arg_int, offsetof(shift_args, direction)},
                                 {"disp", arg_int, offsetof(shift_args, disp)},
                                 {NULL, NULL, 0}};
    shift_args a;
    int source = MPI_PROC_NULL, dest = MPI_PROC_NULL;

    if (mpi_ready(state_of(self)) < 0 || args_parse("Shift", rows, &a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Cart_shift(mpi_of(self), a.direction, a.disp, &source, &dest),
                   "MPI_Cart_shift") < 0)
        return NULL;
    return Py_BuildValue("(ii)", source, dest);
}

PyDoc_STRVAR(sub_doc, "Sub($self, /, remain_dims)\n--\n\nGrids of fewer dimensions: those for "
                      "which remain_dims is true. Collective.");

static PyObject *cart_Sub(PyObject *self, PyObject *arg)
{
    int n = ndim_of(self), *remain = NULL, code;
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_Comm comm = MPI_COMM_NULL;

    if (n < 0)
        return NULL;
    if (flags_from(arg, n, "remain_dims", 0, &remain) == 0) {
        saved = gil_release();
        code = MPI_Cart_sub(mpi_of(self), remain, &comm);
        gil_acquire(saved);
        if (mpi_failed(code, "MPI_Cart_sub") == 0)
            result = comm_wrap_as(state_of(self), TYPE_Cartcomm, comm);
    }
    PyMem_Free(remain);
    return result;
}

/* One of the three lists of Get_topo(). */
static PyObject *get_part(PyObject *self, void *which)
{
    PyObject *topo = cart_Get_topo(self, NULL), *part;

    if (topo == NULL)
        return NULL;
    part = Py_NewRef(PyTuple_GET_ITEM(topo, (Py_ssize_t)which));
    Py_DECREF(topo);
    return part;
}

/* clang-format off */
const row_method cart_rows[] = {
    {"Get_cart_rank", get_cart_rank_doc, method_one, "coords", {.one = cart_Get_cart_rank}, 0, 0},
    {"Get_coords", get_coords_doc, method_one, "rank", {.one = cart_Get_coords}, 0, 0},
    {"Sub", sub_doc, method_one, "remain_dims", {.one = cart_Sub}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef cart_methods[] = {
    {"Get_dim", cart_Get_dim, METH_NOARGS, get_dim_doc},
    {"Get_topo", cart_Get_topo, METH_NOARGS, get_topo_doc},
    {"Shift", FAST(cart_Shift), FASTCALL, shift_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef cart_getset[] = {
    {"dim", ask, NULL, "number of dimensions", (void *)cart_Get_dim},
    {"ndim", ask, NULL, "number of dimensions", (void *)cart_Get_dim},
    {"topo", ask, NULL, "(extents, periods, own coordinates)", (void *)cart_Get_topo},
    {"dims", get_part, NULL, "extents", (void *)0},
    {"periods", get_part, NULL, "periodicity of each dimension", (void *)1},
    {"coords", get_part, NULL, "own coordinates", (void *)2},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(cart_doc, "Cartcomm(comm=None)\n--\n\nA communicator whose ranks form a grid.");

static PyType_Slot cart_slots[] = {
    {Py_tp_doc, (void *)cart_doc},
    {Py_tp_methods, cart_methods},
    {Py_tp_getset, cart_getset},
    {0, NULL},
};

PyType_Spec Cartcomm_spec = {
    .name = "collio.MPI.Cartcomm",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = cart_slots,
};
