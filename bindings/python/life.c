/* The life of MPI in this process, and what can be asked of it: module functions. */
#include "bindings.h"

#include <stdlib.h>
#include <string.h>

/* Sessions that were begun here and have not ended. */
static int sessions;

static int world_lives(void)
{
    int started = 0, ended = 0;

    MPI_Initialized(&started);
    MPI_Finalized(&ended);
    return started && !ended;
}

int life_usable(void)
{
    return sessions > 0 || world_lives();
}

void life_session(state *st, int change)
{
    sessions += change;
    st->running = life_usable();
}

int life_without_launcher(void)
{
#ifdef MPICH_VERSION
    return getenv("PMI_FD") == NULL && getenv("PMI_PORT") == NULL && getenv("PMI_RANK") == NULL &&
           getenv("PMIX_RANK") == NULL;
#else
    return 0;
#endif
}

static int refuse(void)
{
    int ended = 0;

    MPI_Finalized(&ended);
    PyErr_SetString(PyExc_RuntimeError, ended ? "MPI has been finalized"
                                              : "MPI is not initialized: call MPI.Init(), or leave "
                                                "collio.rc.initialize on");
    return -1;
}

/* MPI may have been initialised by another module meanwhile (mpi4py). */
int life_refuse(state *st)
{
    st->running = life_usable();
    return st->running ? 0 : refuse();
}

int life_refuse_early(state *st)
{
    int version = 0, minor = 0;

    MPI_Get_version(&version, &minor);
    return version >= 4 ? 0 : life_refuse(st);
}

int life_refuse_ended(void)
{
    int ended = 0;

    MPI_Finalized(&ended);
    return ended ? refuse() : 0;
}

/* By default errors are to come back as codes, which become exceptions. */
static void install_errors(const state *st)
{
    MPI_Comm parent;

    errors_install(st, KIND_comm, (any_handle){.comm = MPI_COMM_WORLD});
    errors_install(st, KIND_comm, (any_handle){.comm = MPI_COMM_SELF});
    if (MPI_Comm_get_parent(&parent) == MPI_SUCCESS && parent != MPI_COMM_NULL)
        errors_install(st, KIND_comm, (any_handle){.comm = parent});
}

/* At the very end of the process, when no Python object is left. */
static void finalize_at_exit(void)
{
    if (!world_lives())
        return;
    windows_free();
    MPI_Finalize();
}

static int init(state *st, int required, int *provided)
{
    collio_error later = COLLIO_ERROR_INIT;
    PyThreadState *saved = gil_release();
    int result;

    last_words_prepare();
    result = MPI_Init_thread(NULL, NULL, required, provided);
    last_words_drop();
    /* All ranks are here now: from the first file on, those that do not come can be named. A
     * failure shows there, too. */
    if (result == MPI_SUCCESS)
        collio_comm_prepare(MPI_COMM_WORLD, &later);
    gil_acquire(saved);
    if (mpi_failed(result, "MPI_Init_thread") < 0)
        return -1;
    st->running = 1;
    install_errors(st);
    return 0;
}

/* ------------------------------------------------------ for MPI.py and rc only */

PyDoc_STRVAR(start_doc,
             "_start($module, /, level, finalize)\n--\n\nInitialize MPI unless it is already, "
             "and finalize it at exit: always, never, or (None) if done here.");

typedef struct start_args {
    int level;
    PyObject *finalize;
} start_args;

static PyObject *start(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                       PyObject *keywords)
{
    static const param rows[] = {{"level", arg_int, offsetof(start_args, level)},
                                 {"finalize", arg_object, offsetof(start_args, finalize)},
                                 {NULL, NULL, 0}};
    state *st = PyModule_GetState(module);
    start_args a;
    int ours = !world_lives(), provided, wanted;

    if (args_parse("_start", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (ours && init(st, a.level, &provided) < 0)
        return NULL;
    st->running = 1;
    install_errors(st);
    wanted = a.finalize == Py_None ? ours : PyObject_IsTrue(a.finalize);
    if (wanted < 0)
        return NULL;
    if (wanted && !st->finalize && Py_AtExit(finalize_at_exit) < 0)
        PyErr_WarnEx(PyExc_RuntimeWarning, "MPI will not be finalized at exit", 1);
    st->finalize = wanted;
    Py_RETURN_NONE;
}

/* Notices of the core are warnings of the logger "collio". They come from inside a wait, mostly
 * without the interpreter lock, and an exception may be on its way already. */
static void log_line(const char *text, void *Py_UNUSED(data))
{
    PyGILState_STATE held = PyGILState_Ensure();
    PyObject *type, *value, *trace, *logging, *logger = NULL, *done = NULL;

    PyErr_Fetch(&type, &value, &trace);
    logging = PyImport_ImportModule("logging");
    if (logging != NULL)
        logger = PyObject_CallMethod(logging, "getLogger", "s", "collio");
    if (logger != NULL)
        done = PyObject_CallMethod(logger, "warning", "ss", "%s", text);
    Py_XDECREF(done);
    Py_XDECREF(logger);
    Py_XDECREF(logging);
    PyErr_Restore(type, value, trace);
    PyGILState_Release(held);
}

/* rc.errors, one of the names of MPI.pyi's settings. */
static void set_errors(state *st, PyObject *name)
{
    static const char *const names[] = {[ERRORS_EXCEPTION] = "exception",
                                        [ERRORS_DEFAULT] = "default",
                                        [ERRORS_ABORT] = "abort",
                                        [ERRORS_FATAL] = "fatal"};

    for (int i = 0; i < 4; i++)
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0)
            st->errors = i;
}

PyDoc_STRVAR(option_doc, "_option($module, name, value, /)\n--\n\nTell a setting of collio.rc.");

static PyObject *option(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    state *st = PyModule_GetState(module);
    const char *name;
    double seconds = 0;

    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "_option() takes 2 arguments");
    if (arg_text(args[0], &name) < 0)
        return NULL;
    if (strcmp(name, "timeout") == 0 || strcmp(name, "patience") == 0) {
        if (args[1] == Py_None)
            Py_RETURN_NONE;
        if (arg_double(args[1], &seconds) < 0)
            return NULL;
        if (name[0] == 't')
            collio_set_timeout(seconds);
        else
            collio_set_patience(seconds);
    } else if (strcmp(name, "gil") == 0) {
        st->always_release = PyUnicode_CompareWithASCIIString(args[1], "release") == 0;
    } else if (strcmp(name, "errors") == 0) {
        set_errors(st, args[1]);
    } else if (strcmp(name, "report_leaks") == 0) {
        if (leaks_watch(PyObject_IsTrue(args[1]) == 1) < 0)
            return NULL;
    } else if (strcmp(name, "log") == 0) {
        collio_set_log(PyObject_IsTrue(args[1]) == 1 ? log_line : NULL, NULL);
    }
    Py_RETURN_NONE;
}

/* ----------------------------------------------------------------- MPI's own */

PyDoc_STRVAR(init_doc, "Init($module, /)\n--\n\nInitialize MPI. Collective over all processes.");

static PyObject *life_init(PyObject *module, PyObject *Py_UNUSED(none))
{
    int provided;

    if (init(PyModule_GetState(module), MPI_THREAD_SINGLE, &provided) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(init_thread_doc,
             "Init_thread($module, /, required=3)\n--\n\nInitialize MPI with a level of thread "
             "support; returns the level provided. Collective over all processes.");

static PyObject *life_init_thread(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *keywords)
{
    static const param rows[] = {{"|required", arg_int, 0}, {NULL, NULL, 0}};
    int required = MPI_THREAD_MULTIPLE, provided = 0;

    if (args_parse("Init_thread", rows, &required, args, nargs, keywords) < 0)
        return NULL;
    if (init(PyModule_GetState(module), required, &provided) < 0)
        return NULL;
    return PyLong_FromLong(provided);
}

PyDoc_STRVAR(finalize_doc, "Finalize($module, /)\n--\n\nEnd MPI. Collective over all processes.");

static PyObject *life_finalize(PyObject *module, PyObject *Py_UNUSED(none))
{
    state *st = PyModule_GetState(module);
    PyThreadState *saved;
    int result;

    if (!world_lives()) {
        refuse();
        return NULL;
    }
    requests_settle();
    st->running = 0;
    saved = gil_release();
    windows_free();
    result = MPI_Finalize();
    gil_acquire(saved);
    if (mpi_failed(result, "MPI_Finalize") < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(settle_doc, "_settle($module, /)\n--\n\nFinish, at exit, what nobody waits for.");

static PyObject *life_settle(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    if (life_usable())
        requests_settle();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(is_initialized_doc,
             "Is_initialized($module, /)\n--\n\nWhether MPI has been initialized. Not collective.");

static PyObject *life_is_initialized(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    int flag = 0;

    if (mpi_failed(MPI_Initialized(&flag), "MPI_Initialized") < 0)
        return NULL;
    return PyBool_FromLong(flag);
}

PyDoc_STRVAR(is_finalized_doc,
             "Is_finalized($module, /)\n--\n\nWhether MPI has been finalized. Not collective.");

static PyObject *life_is_finalized(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    int flag = 0;

    if (mpi_failed(MPI_Finalized(&flag), "MPI_Finalized") < 0)
        return NULL;
    return PyBool_FromLong(flag);
}

PyDoc_STRVAR(query_thread_doc,
             "Query_thread($module, /)\n--\n\nLevel of thread support in force. Not collective.");

static PyObject *life_query_thread(PyObject *module, PyObject *Py_UNUSED(none))
{
    int level = 0;

    if (mpi_ready(PyModule_GetState(module)) < 0)
        return NULL;
    if (mpi_failed(MPI_Query_thread(&level), "MPI_Query_thread") < 0)
        return NULL;
    return PyLong_FromLong(level);
}

PyDoc_STRVAR(is_thread_main_doc, "Is_thread_main($module, /)\n--\n\nWhether this thread "
                                 "initialized MPI. Not collective.");

static PyObject *life_is_thread_main(PyObject *module, PyObject *Py_UNUSED(none))
{
    int flag = 0;

    if (mpi_ready(PyModule_GetState(module)) < 0)
        return NULL;
    if (mpi_failed(MPI_Is_thread_main(&flag), "MPI_Is_thread_main") < 0)
        return NULL;
    return PyBool_FromLong(flag);
}

PyDoc_STRVAR(get_version_doc, "Get_version($module, /)\n--\n\n(version, subversion) of the MPI "
                              "standard. Not collective.");

static PyObject *life_get_version(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    int version = 0, subversion = 0;

    if (mpi_failed(MPI_Get_version(&version, &subversion), "MPI_Get_version") < 0)
        return NULL;
    return Py_BuildValue("(ii)", version, subversion);
}

PyDoc_STRVAR(get_library_version_doc, "Get_library_version($module, /)\n--\n\nThe MPI library's "
                                      "description of itself. Not collective.");

static PyObject *life_get_library_version(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING + 1] = "";
    int length = 0;

    if (mpi_failed(MPI_Get_library_version(text, &length), "MPI_Get_library_version") < 0)
        return NULL;
    return PyUnicode_DecodeLocale(text, "surrogateescape");
}

PyDoc_STRVAR(get_processor_name_doc, "Get_processor_name($module, /)\n--\n\nName of the machine. "
                                     "Not collective.");

static PyObject *life_get_processor_name(PyObject *module, PyObject *Py_UNUSED(none))
{
    char text[MPI_MAX_PROCESSOR_NAME + 1] = "";
    int length = 0;

    if (mpi_ready(PyModule_GetState(module)) < 0)
        return NULL;
    if (mpi_failed(MPI_Get_processor_name(text, &length), "MPI_Get_processor_name") < 0)
        return NULL;
    return PyUnicode_DecodeLocale(text, "surrogateescape");
}

PyDoc_STRVAR(wtime_doc, "Wtime($module, /)\n--\n\nSeconds since some past moment. "
                        "Not collective.");

static PyObject *life_wtime(PyObject *module, PyObject *Py_UNUSED(none))
{
    return mpi_ready(PyModule_GetState(module)) < 0 ? NULL : PyFloat_FromDouble(MPI_Wtime());
}

PyDoc_STRVAR(wtick_doc, "Wtick($module, /)\n--\n\nResolution of Wtime in seconds. "
                        "Not collective.");

static PyObject *life_wtick(PyObject *module, PyObject *Py_UNUSED(none))
{
    return mpi_ready(PyModule_GetState(module)) < 0 ? NULL : PyFloat_FromDouble(MPI_Wtick());
}

PyDoc_STRVAR(compute_dims_doc, "Compute_dims($module, nnodes, dims)\n--\n\nA balanced Cartesian "
                               "distribution: `dims` is the number of dimensions, or their extents "
                               "with 0 where one is wanted. Not collective.");

typedef struct dims_args {
    int nnodes;
    PyObject *dims;
} dims_args;

static PyObject *life_compute_dims(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    static const param rows[] = {{"nnodes", arg_int, offsetof(dims_args, nnodes)},
                                 {"dims", arg_object, offsetof(dims_args, dims)},
                                 {NULL, NULL, 0}};
    dims_args a;
    PyObject *result = NULL;
    int *dims = NULL, n = 0;

    if (mpi_ready(PyModule_GetState(module)) < 0)
        return NULL;
    if (args_parse("Compute_dims", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    if (!is_integer(a.dims)) {
        n = ints_from(a.dims, &dims);
    } else if (arg_int(a.dims, &n) == 0) {
        dims = n < 0 ? NULL : PyMem_Calloc((size_t)n + 1, sizeof *dims);
        if (dims == NULL)
            PyErr_SetString(PyExc_ValueError, "Compute_dims(): negative number of dimensions");
    }
    /* MPICH looks for the divisors of 0 for ever. */
    if (dims != NULL && mpi_failed(a.nnodes == 0 ? MPI_ERR_ARG : MPI_Dims_create(a.nnodes, n, dims),
                                   "MPI_Dims_create") == 0)
        result = ints_to_list(dims, n);
    PyMem_Free(dims);
    return result;
}

PyDoc_STRVAR(fault_doc,
             "_fault($module, nth, /)\n--\n\nLet the nth judged result fail (0: none), for tests; "
             "returns how many were judged since.");

static PyObject *fault(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long judged = collio_fault_count();
    int64_t nth;

    if (arg_int64(arg, &nth) < 0)
        return NULL;
    collio_fault_set((long)nth);
    return PyLong_FromLong(judged);
}

PyDoc_STRVAR(adopt_doc,
             "_adopt($module, comm, /)\n--\n\nThe MPI.Comm for a communicator of mpi4py or of "
             "collio's own. Not collective.");

PyDoc_STRVAR(datarep_doc,
             "Register_datarep($module, /, datarep, read_fn, write_fn, extent_fn)\n--\n\n"
             "A data representation for File.Set_view(): read_fn and write_fn(userbuf, datatype, "
             "count, filebuf, position) convert, extent_fn(datatype) says how many bytes an "
             "element takes in the file. Not collective.");

PyMethodDef life_functions[] = {
    {"_start", FAST(start), FASTCALL, start_doc},
    {"_option", FAST(option), METH_FASTCALL, option_doc},
    {"_fault", fault, METH_O, fault_doc},
    {"_adopt", foreign_adopt, METH_O, adopt_doc},
    {"Init", life_init, METH_NOARGS, init_doc},
    {"Init_thread", FAST(life_init_thread), FASTCALL, init_thread_doc},
    {"Finalize", life_finalize, METH_NOARGS, finalize_doc},
    {"_settle", life_settle, METH_NOARGS, settle_doc},
    {"Is_initialized", life_is_initialized, METH_NOARGS, is_initialized_doc},
    {"Is_finalized", life_is_finalized, METH_NOARGS, is_finalized_doc},
    {"Query_thread", life_query_thread, METH_NOARGS, query_thread_doc},
    {"Is_thread_main", life_is_thread_main, METH_NOARGS, is_thread_main_doc},
    {"Get_version", life_get_version, METH_NOARGS, get_version_doc},
    {"Get_library_version", life_get_library_version, METH_NOARGS, get_library_version_doc},
    {"Get_processor_name", life_get_processor_name, METH_NOARGS, get_processor_name_doc},
    {"Wtime", life_wtime, METH_NOARGS, wtime_doc},
    {"Wtick", life_wtick, METH_NOARGS, wtick_doc},
    {"Register_datarep", FAST(register_datarep), FASTCALL, datarep_doc},
    {"Compute_dims", FAST(life_compute_dims), FASTCALL, compute_dims_doc},
    {NULL, NULL, 0, NULL},
};
