/* Error classes, codes and texts, MPI's and the user's: module functions. */
#include "bindings.h"

/* The functions that forget them came with MPI 4.1. */
#ifdef HAVE_MPI_REMOVE_ERROR_CLASS
#define HAVE_REMOVE 1
#else
#define HAVE_REMOVE                   0
#define MPI_Remove_error_class(code)  MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Remove_error_code(code)   MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Remove_error_string(code) MPI_ERR_UNSUPPORTED_OPERATION
#endif

typedef struct code_args {
    int code;
    const char *text;
} code_args;

static PyObject *add_class(PyObject *module, PyObject *Py_UNUSED(none))
{
    int class = 0;

    if (mpi_ready(PyModule_GetState(module)) < 0 ||
        mpi_failed(MPI_Add_error_class(&class), "MPI_Add_error_class") < 0)
        return NULL;
    return PyLong_FromLong(class);
}

static PyObject *add_code(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *keywords)
{
    static const param rows[] = {{"errorclass", arg_int, 0}, {NULL, NULL, 0}};
    int class, code = 0;

    if (mpi_ready(PyModule_GetState(module)) < 0 ||
        args_parse("Add_error_code", rows, &class, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Add_error_code(class, &code), "MPI_Add_error_code") < 0)
        return NULL;
    return PyLong_FromLong(code);
}

static PyObject *add_string(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    static const param rows[] = {{"errorcode", arg_int, offsetof(code_args, code)},
                                 {"string", arg_string, offsetof(code_args, text)},
                                 {NULL, NULL, 0}};
    code_args a;

    if (mpi_ready(PyModule_GetState(module)) < 0 ||
        args_parse("Add_error_string", rows, &a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Add_error_string(a.code, a.text), "MPI_Add_error_string") < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* The number to forget. */
static int number_to_remove(PyObject *module, const char *name, const char *parameter, int *code,
                            PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    const param rows[] = {{parameter, arg_int, 0}, {NULL, NULL, 0}};

    if (args_parse(name, rows, code, args, nargs, keywords) < 0)
        return -1;
    if (!HAVE_REMOVE) {
        raise_unavailable(name);
        return -1;
    }
    return mpi_ready(PyModule_GetState(module));
}

static PyObject *remove_class(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    int code;

    if (number_to_remove(module, "Remove_error_class", "errorclass", &code, args, nargs, keywords) <
            0 ||
        mpi_failed(MPI_Remove_error_class(code), "MPI_Remove_error_class") < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *remove_code(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    int code;

    if (number_to_remove(module, "Remove_error_code", "errorcode", &code, args, nargs, keywords) <
            0 ||
        mpi_failed(MPI_Remove_error_code(code), "MPI_Remove_error_code") < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *remove_string(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    int code;

    if (number_to_remove(module, "Remove_error_string", "errorcode", &code, args, nargs, keywords) <
            0 ||
        mpi_failed(MPI_Remove_error_string(code), "MPI_Remove_error_string") < 0)
        return NULL;
    Py_RETURN_NONE;
}

static const param error_params[] = {{"errorcode", arg_int, 0}, {NULL, NULL, 0}};

PyDoc_STRVAR(get_error_class_doc, "Get_error_class($module, /, errorcode)\n--\n\nError class of "
                                  "an error code. Not collective.");

static PyObject *get_class(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    int code, class = 0;

    if (mpi_ready_early(PyModule_GetState(module)) < 0 ||
        args_parse("Get_error_class", error_params, &code, args, nargs, keywords) < 0)
        return NULL;
    if (mpi_failed(MPI_Error_class(code, &class), "MPI_Error_class") < 0)
        return NULL;
    return PyLong_FromLong(class);
}

PyDoc_STRVAR(get_error_string_doc, "Get_error_string($module, /, errorcode)\n--\n\nMPI's text "
                                   "for an error code. Not collective.");

static PyObject *get_string(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int code;

    if (mpi_ready_early(PyModule_GetState(module)) < 0 ||
        args_parse("Get_error_string", error_params, &code, args, nargs, keywords) < 0)
        return NULL;
    if (mpi_failed(collio_mpi_text(code, text), "MPI_Error_string") < 0)
        return NULL;
    return PyUnicode_DecodeLocale(text, "surrogateescape");
}

/* clang-format off */
PyMethodDef errcode_functions[] = {
    {"Get_error_class", FAST(get_class), FASTCALL, get_error_class_doc},
    {"Get_error_string", FAST(get_string), FASTCALL, get_error_string_doc},
    {"Add_error_class", add_class, METH_NOARGS, "Add_error_class($module, /)\n--\n\nA new error class. Not collective."},
    {"Add_error_code", FAST(add_code), FASTCALL, "Add_error_code($module, /, errorclass)\n--\n\nA new error code of a class. Not collective."},
    {"Add_error_string", FAST(add_string), FASTCALL, "Add_error_string($module, /, errorcode, string)\n--\n\nThe text of an error code or class of the user's. Not collective."},
    {"Remove_error_class", FAST(remove_class), FASTCALL, "Remove_error_class($module, /, errorclass)\n--\n\nForget an error class of the user's (MPI 4.1). Not collective."},
    {"Remove_error_code", FAST(remove_code), FASTCALL, "Remove_error_code($module, /, errorcode)\n--\n\nForget an error code of the user's (MPI 4.1). Not collective."},
    {"Remove_error_string", FAST(remove_string), FASTCALL, "Remove_error_string($module, /, errorcode)\n--\n\nForget the text of an error code of the user's (MPI 4.1). Not collective."},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */
