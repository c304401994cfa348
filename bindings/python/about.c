/* What MPI is here: whose, of which version, with which binary interface. */
#include "bindings.h"

#include <stdio.h>

/* Name and version of the implementation, as its header has them. */
static const struct {
    const char *name;
    int major, minor, micro;
} vendor =
#if defined OMPI_MAJOR_VERSION
    {"Open MPI", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION};
#elif defined MPICH_NUMVERSION
    {"MPICH", MPICH_NUMVERSION / 10000000, MPICH_NUMVERSION / 100000 % 100,
     MPICH_NUMVERSION / 1000 % 100};
#else
    {"unknown", 0, 0, 0};
#endif

static PyObject *get_vendor(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("(s(iii))", vendor.name, vendor.major, vendor.minor, vendor.micro);
}

static PyObject *pcontrol(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *keywords)
{
    static const param rows[] = {{"level", arg_int, 0}, {NULL, NULL, 0}};
    int level;

    if (mpi_ready(PyModule_GetState(module)) < 0 ||
        args_parse("Pcontrol", rows, &level, args, nargs, keywords) < 0 ||
        ((level < 0 || level > 2) && mpi_failed(MPI_ERR_ARG, "MPI_Pcontrol") < 0))
        return NULL;
    MPI_Pcontrol(level); /* what it returns is up to the profiler, and means nothing */
    Py_RETURN_NONE;
}

static PyObject *get_abi_version(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("(ii)", -1, -1); /* none of the standard's */
}

/* New hints with one number. Steals info; NULL passes on. */
static PyObject *with_number(PyObject *info, const char *key, size_t number)
{
    PyObject *done;
    char text[24];

    if (info == NULL)
        return NULL;
    snprintf(text, sizeof text, "%zu", number);
    done = PyObject_CallMethod(info, "Set", "ss", key, text);
    Py_XDECREF(done);
    if (done == NULL)
        Py_CLEAR(info);
    return info;
}

static PyObject *new_info(PyObject *module)
{
    state *st = PyModule_GetState(module);

    return PyObject_CallMethod((PyObject *)st->types[TYPE_Info], "Create", NULL);
}

static PyObject *get_abi_info(PyObject *module, PyObject *Py_UNUSED(none))
{
    PyObject *info = new_info(module);

    info = with_number(info, "mpi_aint_size", sizeof(MPI_Aint));
    info = with_number(info, "mpi_count_size", sizeof(MPI_Count));
    return with_number(info, "mpi_offset_size", sizeof(MPI_Offset));
}

static PyObject *get_abi_fortran_info(PyObject *module, PyObject *Py_UNUSED(none))
{
    return with_number(new_info(module), "mpi_integer_size", sizeof(MPI_Fint));
}

static PyObject *get_hw_resource_info(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyErr_Format(PyExc_NotImplementedError, "MPI_Get_hw_resource_info came with MPI 4.1");
}

/* clang-format off */
PyMethodDef about_functions[] = {
    {"get_vendor", get_vendor, METH_NOARGS,
     "get_vendor($module, /)\n--\n\nName and version of the MPI implementation. Not collective."},
    {"Pcontrol", FAST(pcontrol), FASTCALL,
     "Pcontrol($module, /, level)\n--\n\nTell a profiler to be silent (0), to work (1) or more. Not collective."},
    {"Get_abi_version", get_abi_version, METH_NOARGS,
     "Get_abi_version($module, /)\n--\n\nVersion of the standard's binary interface, (-1, -1): not used. Not collective."},
    {"Get_abi_info", get_abi_info, METH_NOARGS,
     "Get_abi_info($module, /)\n--\n\nSizes of MPI's integer types in C. Not collective."},
    {"Get_abi_fortran_info", get_abi_fortran_info, METH_NOARGS,
     "Get_abi_fortran_info($module, /)\n--\n\nSizes of MPI's types in Fortran. Not collective."},
    {"Get_hw_resource_info", get_hw_resource_info, METH_NOARGS,
     "Get_hw_resource_info($module, /)\n--\n\nHardware that MPI knows (MPI 4.1). Not collective."},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */
