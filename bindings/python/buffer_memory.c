/* What MPI has for memory: Alloc_mem, Free_mem, addresses. */
#include "buffer.h"

/* ------------------------------------------------------------------- MPI's memory */

typedef struct alloc_args {
    Py_ssize_t size;
    PyObject *info;
} alloc_args;

static PyObject *alloc_mem(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    static const param rows[] = {{"size", arg_size, offsetof(alloc_args, size)},
                                 {"|info", arg_object, offsetof(alloc_args, info)},
                                 {NULL, NULL, 0}};
    state *st = PyModule_GetState(module);
    alloc_args a = {0, NULL};
    void *address = NULL;
    PyObject *self;
    MPI_Info info;

    if (mpi_ready(st) < 0 || args_parse("Alloc_mem", rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &info) < 0 ||
        mpi_failed(MPI_Alloc_mem(a.size, info, &address), "MPI_Alloc_mem") < 0)
        return NULL;
    self = buffer_at(st, address, a.size, 0, NULL);
    if (self == NULL)
        MPI_Free_mem(address);
    else
        ((buffer *)self)->from_mpi = 1;
    return self;
}

static PyObject *free_mem(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *keywords)
{
    static const param rows[] = {{"mem", arg_object, 0}, {NULL, NULL, 0}};
    state *st = PyModule_GetState(module);
    PyObject *object;
    void *address;

    if (mpi_ready(st) < 0 || args_parse("Free_mem", rows, &object, args, nargs, keywords) < 0)
        return NULL;
    if (!is_a(st, object, TYPE_buffer))
        return raise_type("mem", "MPI.buffer", object);
    address = ((buffer *)object)->view.buf;
    if (address == NULL)
        Py_RETURN_NONE;
    if (!((buffer *)object)->from_mpi)
        return PyErr_Format(PyExc_ValueError, "mem was not allocated by Alloc_mem()");
    if (buffer_let_go((buffer *)object) < 0 ||
        mpi_failed(MPI_Free_mem(address), "MPI_Free_mem") < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------------- addresses */

static PyObject *get_mpi_address(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"location", arg_object, 0}, {NULL, NULL, 0}};
    state *st = PyModule_GetState(module);
    PyObject *location;
    Py_buffer view = {.buf = NULL, .obj = NULL};
    MPI_Aint address = 0;
    int failed;

    if (mpi_ready(st) < 0 || args_parse("Get_address", rows, &location, args, nargs, keywords) < 0)
        return NULL;
    if (location == st->bottom || location == st->in_place || location == st->automatic)
        return PyNumber_Long(location);
    if (location != Py_None && buffer_acquire(location, 0, &view) < 0)
        return NULL;
    failed = mpi_failed(MPI_Get_address(view.buf, &address), "MPI_Get_address");
    PyBuffer_Release(&view);
    return failed < 0 ? NULL : PyLong_FromSsize_t(address);
}

typedef struct address_args {
    Py_ssize_t first, second;
} address_args;

static PyObject *aint_add(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *keywords)
{
    static const param rows[] = {{"base", arg_size, offsetof(address_args, first)},
                                 {"disp", arg_size, offsetof(address_args, second)},
                                 {NULL, NULL, 0}};
    address_args a;

    if (mpi_ready(PyModule_GetState(module)) < 0 ||
        args_parse("Aint_add", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    return PyLong_FromSsize_t(MPI_Aint_add(a.first, a.second));
}

static PyObject *aint_diff(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    static const param rows[] = {{"addr1", arg_size, offsetof(address_args, first)},
                                 {"addr2", arg_size, offsetof(address_args, second)},
                                 {NULL, NULL, 0}};
    address_args a;

    if (mpi_ready(PyModule_GetState(module)) < 0 ||
        args_parse("Aint_diff", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    return PyLong_FromSsize_t(MPI_Aint_diff(a.first, a.second));
}

/* clang-format off */
static PyMethodDef buffer_functions[] = {
    {"Alloc_mem", FAST(alloc_mem), FASTCALL,
     "Alloc_mem($module, /, size, info=...)\n--\n\nMemory that MPI may move data from and to faster. Not collective."},
    {"Free_mem", FAST(free_mem), FASTCALL,
     "Free_mem($module, /, mem)\n--\n\nFree memory of Alloc_mem(). Not collective."},
    {"Get_address", FAST(get_mpi_address), FASTCALL,
     "Get_address($module, /, location)\n--\n\nThe address of a buffer, for displacements from BOTTOM. Not collective."},
    {"Aint_add", FAST(aint_add), FASTCALL,
     "Aint_add($module, /, base, disp)\n--\n\nAn address and a displacement. Not collective."},
    {"Aint_diff", FAST(aint_diff), FASTCALL,
     "Aint_diff($module, /, addr1, addr2)\n--\n\nThe displacement of one address from another. Not collective."},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

int buffer_setup(PyObject *module, state *st)
{
    if (PyModule_AddObjectRef(module, "memory", (PyObject *)st->types[TYPE_buffer]) < 0)
        return -1;
    return PyModule_AddFunctions(module, buffer_functions);
}
