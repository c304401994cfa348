/* MPI.Register_datarep: data representations of the user's for views of files. */
#include "bindings.h"

/* The functions of one representation. MPI has no call to forget it: it stays to the end. */
typedef struct datarep {
    PyObject *read, *write, *extent;
} datarep;

/* Ask extent_fn(datatype) for the bytes of an element in the file. */
static int ask_extent(const datarep *rep, PyObject *datatype, MPI_Aint *out)
{
    PyObject *number = PyObject_CallOneArg(rep->extent, datatype);
    Py_ssize_t value = 0;
    int failed = number == NULL || arg_size(number, &value) < 0;

    Py_XDECREF(number);
    *out = (MPI_Aint)value;
    return failed ? -1 : 0;
}

/* The Python objects for a conversion of elements position .. position + count; NULL if one is
 * missing. New. */
static PyObject *arguments(const datarep *rep, int reading, void *user, MPI_Datatype type,
                           int count, void *file, MPI_Offset position)
{
    state *st = state_find();
    PyObject *datatype = NULL, *userbuf = NULL, *filebuf = NULL;
    MPI_Aint lb = 0, extent = 0, in_file = 0;

    MPI_Type_get_extent(type, &lb, &extent);
    if (st != NULL)
        datatype =
            handle_make(st->types[TYPE_Datatype], KIND_datatype, (any_handle){.datatype = type});
    if (datatype != NULL && ask_extent(rep, datatype, &in_file) == 0) {
        userbuf = PyMemoryView_FromMemory(user, (Py_ssize_t)((position + count) * extent),
                                          reading ? PyBUF_WRITE : PyBUF_READ);
        filebuf = PyMemoryView_FromMemory(file, (Py_ssize_t)(count * in_file),
                                          reading ? PyBUF_READ : PyBUF_WRITE);
    }
    if (userbuf == NULL || filebuf == NULL) {
        Py_XDECREF(datatype);
        Py_XDECREF(userbuf);
        Py_XDECREF(filebuf);
        return NULL;
    }
    return Py_BuildValue("(NNiNL)", userbuf, datatype, count, filebuf, (long long)position);
}

static int convert(const datarep *rep, int reading, void *user, MPI_Datatype type, int count,
                   void *file, MPI_Offset position)
{
    PyObject *args, *result = NULL;
    callback_frame c;
    int code;

    if (!callback_enter(&c))
        return MPI_ERR_CONVERSION;
    args = arguments(rep, reading, user, type, count, file, position);
    if (args != NULL)
        result = PyObject_CallObject(reading ? rep->read : rep->write, args);
    code = result != NULL ? MPI_SUCCESS : MPI_ERR_CONVERSION;
    Py_XDECREF(args);
    Py_XDECREF(result);
    callback_leave(&c);
    return code;
}

static int on_read(void *user, MPI_Datatype type, int count, void *file, MPI_Offset position,
                   void *rep)
{
    return convert(rep, 1, user, type, count, file, position);
}

static int on_write(void *user, MPI_Datatype type, int count, void *file, MPI_Offset position,
                    void *rep)
{
    return convert(rep, 0, user, type, count, file, position);
}

static int on_extent(MPI_Datatype type, MPI_Aint *extent, void *rep)
{
    callback_frame c;
    PyObject *datatype = NULL;
    state *st;
    int code;

    if (!callback_enter(&c))
        return MPI_ERR_CONVERSION;
    st = state_find();
    if (st != NULL)
        datatype =
            handle_make(st->types[TYPE_Datatype], KIND_datatype, (any_handle){.datatype = type});
    code = datatype != NULL && ask_extent(rep, datatype, extent) == 0 ? MPI_SUCCESS
                                                                      : MPI_ERR_CONVERSION;
    Py_XDECREF(datatype);
    callback_leave(&c);
    return code;
}

typedef struct register_args {
    const char *name;
    PyObject *read, *write, *extent;
} register_args;

/* None or a function; the extent is always needed. */
static int check_functions(const register_args *a)
{
    if (a->read != Py_None && !PyCallable_Check(a->read))
        raise_type("read_fn", "callable or None", a->read);
    else if (a->write != Py_None && !PyCallable_Check(a->write))
        raise_type("write_fn", "callable or None", a->write);
    else if (!PyCallable_Check(a->extent))
        raise_type("extent_fn", "callable", a->extent);
    return PyErr_Occurred() ? -1 : 0;
}

PyObject *register_datarep(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *keywords)
{
    static const param rows[] = {{"datarep", arg_string, offsetof(register_args, name)},
                                 {"read_fn", arg_object, offsetof(register_args, read)},
                                 {"write_fn", arg_object, offsetof(register_args, write)},
                                 {"extent_fn", arg_object, offsetof(register_args, extent)},
                                 {NULL, NULL, 0}};
    register_args a;
    datarep *rep;
    int code;

    if (mpi_ready(PyModule_GetState(module)) < 0 ||
        args_parse("Register_datarep", rows, &a, args, nargs, keywords) < 0 ||
        check_functions(&a) < 0)
        return NULL;
    rep = PyMem_Malloc(sizeof *rep);
    if (rep == NULL)
        return PyErr_NoMemory();
    *rep = (datarep){a.read, a.write, a.extent};
    code = MPI_Register_datarep(a.name, a.read == Py_None ? MPI_CONVERSION_FN_NULL : on_read,
                                a.write == Py_None ? MPI_CONVERSION_FN_NULL : on_write, on_extent,
                                rep);
    if (mpi_failed(code, "MPI_Register_datarep") < 0) {
        PyMem_Free(rep);
        return NULL;
    }
    Py_INCREF(rep->read);
    Py_INCREF(rep->write);
    Py_INCREF(rep->extent);
    Py_RETURN_NONE;
}
