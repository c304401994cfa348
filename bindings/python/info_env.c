/* MPI.Info.Create_env: hints about how the job was started. */
#include "bindings.h"

/* A copy of INFO_ENV, which has what mpiexec was told. */
static int environment(MPI_Info *out)
{
    return mpi_failed(MPI_Info_dup(MPI_INFO_ENV, out), "MPI_Info_create_env");
}

/* With the program's arguments, where MPI takes them (from version 4 on). */
static int create(int n, char **argv, MPI_Info *out)
{
#if MPI_VERSION >= 4
    return mpi_failed(MPI_Info_create_env(n, argv, out), "MPI_Info_create_env");
#else
    (void)n;
    (void)argv;
    return environment(out);
#endif
}

/* The texts must outlive the call only. */
static int environment_of(PyObject *fast, MPI_Info *out)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
    char **argv = PyMem_Calloc((size_t)n + 1, sizeof *argv);
    int failed = argv == NULL;

    if (argv == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; !failed && i < n; i++)
        failed = arg_string(PySequence_Fast_GET_ITEM(fast, i), &argv[i]) < 0;
    if (!failed)
        failed = create((int)n, argv, out);
    PyMem_Free(argv);
    return failed ? -1 : 0;
}

PyDoc_STRVAR(create_env_doc, "Create_env($type, /, args=None)\n--\n\nHints about how the job was "
                             "started, with the program's arguments. Not collective.");

static PyObject *create_env(PyObject *cls, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"|args", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *arguments = Py_None, *fast = NULL;
    MPI_Info info;
    int failed;

    if (mpi_ready_early(state_of_class(cls)) < 0 ||
        args_parse("Create_env", rows, &arguments, args, nargs, keywords) < 0)
        return NULL;
    if (arguments != Py_None) {
        fast = PySequence_Fast(arguments, "args: expecting a sequence of str");
        if (fast == NULL)
            return NULL;
    }
    failed = fast != NULL ? environment_of(fast, &info) : environment(&info);
    Py_XDECREF(fast);
    if (failed < 0)
        return NULL;
    return handle_own((PyTypeObject *)cls, KIND_info, (any_handle){.info = info});
}

PyMethodDef info_env_methods[] = {
    {"Create_env", FAST(create_env), FASTCALL | METH_CLASS, create_env_doc},
    {NULL, NULL, 0, NULL},
};
