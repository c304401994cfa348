/* When MPI copies and deletes attributes: the functions of the user's that it calls for that. */
#include "keyval.h"

/* The object that the user's functions are given. New. */
static PyObject *wrap(enum handle_kind kind, any_handle mpi)
{
#define X(field, class, prefix) kind == KIND_##field ? TYPE_##class:
    const enum type_slot slot = OWNERS TYPE_Handle;
#undef X
    state *st = state_find();

    if (st == NULL)
        return NULL;
    return kind == KIND_comm ? comm_object(st, mpi.comm) : handle_make(st->types[slot], kind, mpi);
}

PyObject *keyval_value(const keyval *key, void *value)
{
    return key->nopython ? PyLong_FromVoidPtr(value) : Py_NewRef((PyObject *)value);
}

int keyval_store(const keyval *key, PyObject *object, void **out)
{
    if (key == NULL || key->nopython) {
        PyObject *number = PyNumber_Index(object);
        *out = number == NULL ? NULL : PyLong_AsVoidPtr(number);
        Py_XDECREF(number);
        if (PyErr_Occurred())
            return -1;
    } else {
        *out = Py_NewRef(object);
    }
    return 0;
}

/* Call function(owner, number, value). New. */
static PyObject *call(PyObject *function, enum handle_kind kind, any_handle of, int number,
                      PyObject *value)
{
    PyObject *owner = wrap(kind, of), *result = NULL;

    if (owner != NULL)
        result = PyObject_CallFunction(function, "OiO", owner, number, value);
    Py_XDECREF(owner);
    return result;
}

/* The copy of a value; NotImplemented if there is to be none. New. */
static PyObject *copy_of(const keyval *key, enum handle_kind kind, any_handle of, int number,
                         PyObject *value)
{
    if (key->copy == Py_True)
        return Py_NewRef(value);
    return call(key->copy, kind, of, number, value);
}

static int on_copy(enum handle_kind kind, any_handle of, int number, keyval *key, void *in,
                   void **out, int *copied)
{
    PyObject *value, *copy = NULL;
    int failed = 1, code;
    callback_frame c;

    *copied = 0;
    if (key->copy == Py_None || key->copy == Py_False || !callback_enter(&c))
        return MPI_SUCCESS;
    value = keyval_value(key, in);
    if (value != NULL)
        copy = copy_of(key, kind, of, number, value);
    if (copy == Py_NotImplemented) {
        failed = 0;
    } else if (copy != NULL && keyval_store(key, copy, out) == 0) {
        Py_INCREF(key);
        *copied = 1;
        failed = 0;
    }
    Py_XDECREF(copy);
    Py_XDECREF(value);
    /* A communicator is made by all ranks together: an error here would leave the others waiting,
     * so the duplicate is made without the attribute, and comm_make.c gives it back. */
    code = failed && kind != KIND_comm ? mpi_code_pending() : MPI_SUCCESS;
    callback_leave(&c);
    return code;
}

/* While Delete_attr() runs: an error of the user's function is its own, as this code. Else the
 * attribute just goes, with a new value or its owner, and nobody is there to be told. */
static _Thread_local struct {
    int runs, code;
} deletion;

static void tell_deletion(PyObject *function)
{
    if (deletion.runs)
        deletion.code = mpi_code_pending();
    else
        PyErr_WriteUnraisable(function);
}

static int on_delete(enum handle_kind kind, any_handle of, int number, keyval *key, void *in)
{
    PyObject *value, *result = NULL;
    callback_frame c;

    if (!callback_enter(&c))
        return MPI_SUCCESS;
    if (key->delete != Py_None && !PyBool_Check(key->delete)) {
        value = keyval_value(key, in);
        if (value != NULL)
            result = call(key->delete, kind, of, number, value);
        if (result == NULL)
            tell_deletion(key->delete);
        Py_XDECREF(result);
        Py_XDECREF(value);
    }
    if (!key->nopython)
        Py_DECREF((PyObject *)in);
    Py_DECREF(key);
    callback_leave(&c);
    return MPI_SUCCESS;
}

static int on_comm_copy(MPI_Comm of, int number, void *key, void *in, void *out, int *copied)
{
    return on_copy(KIND_comm, (any_handle){.comm = of}, number, key, in, out, copied);
}

static int on_comm_delete(MPI_Comm of, int number, void *value, void *key)
{
    return on_delete(KIND_comm, (any_handle){.comm = of}, number, key, value);
}

static int on_datatype_copy(MPI_Datatype of, int number, void *key, void *in, void *out,
                            int *copied)
{
    return on_copy(KIND_datatype, (any_handle){.datatype = of}, number, key, in, out, copied);
}

static int on_datatype_delete(MPI_Datatype of, int number, void *value, void *key)
{
    return on_delete(KIND_datatype, (any_handle){.datatype = of}, number, key, value);
}

static int on_win_copy(MPI_Win of, int number, void *key, void *in, void *out, int *copied)
{
    return on_copy(KIND_win, (any_handle){.win = of}, number, key, in, out, copied);
}

static int on_win_delete(MPI_Win of, int number, void *value, void *key)
{
    return on_delete(KIND_win, (any_handle){.win = of}, number, key, value);
}

int keyval_number(enum handle_kind kind, keyval *key, int *out)
{
#define X(field, class, prefix)                                                                    \
    kind == KIND_##field ? prefix##_create_keyval(on_##field##_copy, on_##field##_delete, out, key):
    return OWNERS MPI_ERR_ARG;
#undef X
}

static int delete_value(enum handle_kind kind, any_handle of, int number)
{
#define X(field, class, prefix) kind == KIND_##field ? prefix##_delete_attr(of.field, number):
    return OWNERS MPI_ERR_ARG;
#undef X
}

int keyval_delete(enum handle_kind kind, any_handle of, int number)
{
    int code;

    deletion.runs = 1;
    deletion.code = MPI_SUCCESS;
    code = delete_value(kind, of, number);
    deletion.runs = 0;
    return code == MPI_SUCCESS ? deletion.code : code;
}
