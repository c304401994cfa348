/* Functions of the user that MPI calls: how they get into the interpreter, and their exceptions
 * out of MPI. */
#include "bindings.h"

atomic_int callbacks_pending;

/* The first exception of this thread that no MPI call has raised yet. */
static _Thread_local PyObject *kept;

int callback_enter(callback_frame *c)
{
    if (!Py_IsInitialized())
        return 0;
    c->held = PyGILState_Ensure();
    PyErr_Fetch(&c->type, &c->value, &c->trace);
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

int callback_raised(void)
{
    return kept != NULL;
}

void callback_leave(callback_frame *c)
{
    callback_keep();
    PyErr_Restore(c->type, c->value, c->trace);
    PyGILState_Release(c->held);
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

void callback_report(PyObject *object)
{
    if (callback_raise() < 0)
        PyErr_WriteUnraisable(object);
}
