/* Comm.serializer: a communicator's own way to turn objects into bytes, kept as an attribute. */
#include "bindings.h"

PyObject *serializer_of(const state *st, MPI_Comm comm)
{
    PyObject *own = NULL;
    int found = 0;

    if (st->serializer_key == MPI_KEYVAL_INVALID) /* nobody has one */
        return st->pickle;
    if (MPI_Comm_get_attr(comm, st->serializer_key, &own, &found) != MPI_SUCCESS || !found)
        return st->pickle;
    return own;
}

PyObject *serializer_get(PyObject *self, void *Py_UNUSED(none))
{
    state *st = state_of(self);

    return mpi_ready(st) < 0 ? NULL : Py_NewRef(serializer_of(st, ((handle *)self)->mpi.comm));
}

/* A Pickle, made from what has dumps() and loads(). New. */
static PyObject *as_pickle(state *st, PyObject *value)
{
    PyObject *dumps, *loads, *result = NULL;

    if (is_a(st, value, TYPE_Pickle))
        return Py_NewRef(value);
    dumps = PyObject_GetAttrString(value, "dumps");
    loads = dumps != NULL ? PyObject_GetAttrString(value, "loads") : NULL;
    if (loads != NULL)
        result =
            PyObject_CallFunctionObjArgs((PyObject *)st->types[TYPE_Pickle], dumps, loads, NULL);
    else
        raise_type("serializer:", "a Pickle, an object with dumps and loads, or None", value);
    Py_XDECREF(dumps);
    Py_XDECREF(loads);
    return result;
}

/* The attribute's key, which copies the value to duplicates of the communicator. */
static int make_key(state *st, PyObject *self)
{
    PyObject *number;
    long key;

    if (st->serializer_key != MPI_KEYVAL_INVALID)
        return 0;
    number = PyObject_CallMethod(self, "Create_keyval", "O", Py_True);
    key = number != NULL ? PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    if (PyErr_Occurred())
        return -1;
    st->serializer_key = (int)key;
    return 0;
}

int serializer_set(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    state *st = state_of(self);
    PyObject *pickle, *result = NULL;

    if (mpi_ready(st) < 0)
        return -1;
    if (value == NULL || value == Py_None)
        pickle = Py_NewRef(st->pickle);
    else
        pickle = as_pickle(st, value);
    if (pickle != NULL && make_key(st, self) == 0)
        result = PyObject_CallMethod(self, "Set_attr", "iO", st->serializer_key, pickle);
    Py_XDECREF(pickle);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}
