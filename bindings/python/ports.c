/* Ports and their names: module functions Open_port, Publish_name and so on. */
#include "dynamic.h"

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------- what MPI can do */

#ifdef MPICH_NUMVERSION
/* The device ch4 has ports and spawning from MPICH 4.3 on. */
int dynamic_refuse(const char *call)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING + 1] = "";
    int length = 0;

    MPI_Get_library_version(version, &length);
    if (MPICH_NUMVERSION >= 40300000 || strstr(version, "ch4") == NULL)
        return 0;
    PyErr_Format(PyExc_NotImplementedError,
                 "%s: MPICH %s with the device ch4 cannot connect processes that were not started "
                 "together; MPICH 4.3 and Open MPI can",
                 call, MPICH_VERSION);
    return -1;
}

/* A lone process would wait for the answer of a process manager that is not there. */
int names_refuse(const char *call)
{
    if (getenv("PMI_RANK") != NULL || getenv("PMI_FD") != NULL || getenv("PMI_PORT") != NULL ||
        getenv("PMIX_RANK") != NULL)
        return 0;
    PyErr_Format(PyExc_NotImplementedError,
                 "%s needs a process manager: start the program with mpiexec", call);
    return -1;
}
#else
int dynamic_refuse(const char *Py_UNUSED(call))
{
    return 0;
}

int names_refuse(const char *Py_UNUSED(call))
{
    return 0;
}
#endif

/* ---------------------------------------------------------------------------- ports */

typedef struct port_args {
    const char *service, *port;
    PyObject *info;
} port_args;

/* Parse, and find the hints. */
static int port_parse(PyObject *module, const char *name, const param *params, port_args *a,
                      MPI_Info *info, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    state *st = PyModule_GetState(module);

    *a = (port_args){"", "", NULL};
    if (mpi_ready(st) < 0 || args_parse(name, params, a, args, nargs, keywords) < 0)
        return -1;
    return info_arg(st, a->info, info);
}

PyDoc_STRVAR(open_doc, "Open_port($module, /, info=...)\n--\n\nA name under which Accept() can be "
                       "reached. Not collective.");

static PyObject *open_port(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    static const param rows[] = {{"|info", arg_object, offsetof(port_args, info)}, {NULL, NULL, 0}};
    char port[MPI_MAX_PORT_NAME + 1] = "";
    PyThreadState *saved;
    port_args a;
    MPI_Info info;
    int code;

    if (port_parse(module, "Open_port", rows, &a, &info, args, nargs, keywords) < 0 ||
        dynamic_refuse("MPI_Open_port") < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Open_port(info, port);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Open_port") < 0 ? NULL
                                                 : PyUnicode_DecodeLocale(port, "surrogateescape");
}

PyDoc_STRVAR(close_doc, "Close_port($module, /, port_name)\n--\n\nEnd a port of Open_port(). "
                        "Not collective.");

static PyObject *close_port(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"port_name", arg_string, offsetof(port_args, port)},
                                 {NULL, NULL, 0}};
    PyThreadState *saved;
    port_args a;
    MPI_Info info;
    int code;

    if (port_parse(module, "Close_port", rows, &a, &info, args, nargs, keywords) < 0 ||
        dynamic_refuse("MPI_Close_port") < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Close_port(a.port);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Close_port") < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---------------------------------------------------------------------------- names */

static const param named_port[] = {{"service_name", arg_string, offsetof(port_args, service)},
                                   {"port_name", arg_string, offsetof(port_args, port)},
                                   {"|info", arg_object, offsetof(port_args, info)},
                                   {NULL, NULL, 0}};
static const param named[] = {{"service_name", arg_string, offsetof(port_args, service)},
                              {"|info", arg_object, offsetof(port_args, info)},
                              {NULL, NULL, 0}};

PyDoc_STRVAR(publish_doc, "Publish_name($module, /, service_name, port_name, info=...)\n--\n\nMake "
                          "a port known under a name. Not collective.");

static PyObject *publish_name(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    PyThreadState *saved;
    port_args a;
    MPI_Info info;
    int code;

    if (port_parse(module, "Publish_name", named_port, &a, &info, args, nargs, keywords) < 0 ||
        names_refuse("MPI_Publish_name") < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Publish_name(a.service, info, a.port);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Publish_name") < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(unpublish_doc, "Unpublish_name($module, /, service_name, port_name, info=...)\n--\n\n"
                            "Forget what Publish_name() made known. Not collective.");

static PyObject *unpublish_name(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *keywords)
{
    PyThreadState *saved;
    port_args a;
    MPI_Info info;
    int code;

    if (port_parse(module, "Unpublish_name", named_port, &a, &info, args, nargs, keywords) < 0 ||
        names_refuse("MPI_Unpublish_name") < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Unpublish_name(a.service, info, a.port);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Unpublish_name") < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(lookup_doc, "Lookup_name($module, /, service_name, info=...)\n--\n\nThe port that is "
                         "known under a name. Not collective.");

static PyObject *lookup_name(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    char port[MPI_MAX_PORT_NAME + 1] = "";
    PyThreadState *saved;
    port_args a;
    MPI_Info info;
    int code;

    if (port_parse(module, "Lookup_name", named, &a, &info, args, nargs, keywords) < 0 ||
        names_refuse("MPI_Lookup_name") < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Lookup_name(a.service, info, port);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Lookup_name") < 0
               ? NULL
               : PyUnicode_DecodeLocale(port, "surrogateescape");
}

PyMethodDef port_functions[] = {
    {"Open_port", FAST(open_port), FASTCALL, open_doc},
    {"Close_port", FAST(close_port), FASTCALL, close_doc},
    {"Publish_name", FAST(publish_name), FASTCALL, publish_doc},
    {"Unpublish_name", FAST(unpublish_name), FASTCALL, unpublish_doc},
    {"Lookup_name", FAST(lookup_name), FASTCALL, lookup_doc},
    {NULL, NULL, 0, NULL},
};
