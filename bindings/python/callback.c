/* Functions of the user that MPI calls: how they get into the interpreter, and their exceptions
 * out of MPI. */
#include "bindings.h"

atomic_int callbacks_pending;

/* The first exception of this thread that no MPI call has raised yet. */
static _Thread_local PyObject *kept;

int callback_enter(PyGILState_STATE *held)
{
    if (!Py_IsInitialized())
        return 0;
    *held = PyGILState_Ensure();
    return 1;
}

/* The pending exception as one object, taken away. New, or NULL. */
static PyObject *take_pending(void)
{
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    if (type == NULL)
        return NULL;
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace != NULL)
        PyException_SetTraceback(value, trace);
    Py_DECREF(type);
    Py_XDECREF(trace);
    return value;
}

static void make_pending(PyObject *exception)
{
    PyErr_Restore(Py_NewRef(Py_TYPE(exception)), exception, PyException_GetTraceback(exception));
}

void callback_keep(void)
{
    PyObject *exception = take_pending();

    if (exception == NULL || kept != NULL) {
        Py_XDECREF(exception);
        return;
    }
    kept = exception;
    callbacks_pending++;
}

void callback_leave(PyGILState_STATE held)
{
    callback_keep();
    PyGILState_Release(held);
}

/* What this thread's callbacks raised. New, or NULL. */
static PyObject *take_kept(void)
{
    PyObject *exception = kept;

    if (exception != NULL)
        callbacks_pending--;
    kept = NULL;
    return exception;
}

int callback_raise(void)
{
    PyObject *exception = take_kept();

    if (exception == NULL)
        return 0;
    make_pending(exception);
    return -1;
}

void callback_explain(void)
{
    PyObject *cause = take_kept(), *exception;

    if (cause == NULL)
        return;
    exception = take_pending();
    if (exception == NULL) {
        make_pending(cause);
        return;
    }
    PyException_SetCause(exception, cause);
    make_pending(exception);
}
