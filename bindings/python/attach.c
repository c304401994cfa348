/* The buffer of the buffered sends: MPI.Attach_buffer and Detach_buffer. */
#include "bindings.h"

#include <limits.h>

/* What holds the attached memory; MPI knows one buffer a process, so do we. */
static PyObject *attached;

PyObject *attach_buffer(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                        PyObject *keywords)
{
    static const param rows[] = {{"buf", arg_object, 0}, {NULL, NULL, 0}};
    state *st = PyModule_GetState(module);
    PyObject *buf, *result = NULL;
    Py_ssize_t nbytes = 0;
    message m;

    if (mpi_ready(st) < 0 || args_parse("Attach_buffer", rows, &buf, args, nargs, keywords) < 0)
        return NULL;
    message_init(&m);
    if (message_memory(buf, 1, &m, &nbytes) == 0) {
        if (nbytes > INT_MAX)
            PyErr_SetString(PyExc_OverflowError, "the buffer exceeds 2147483647 bytes");
        else if (mpi_failed(MPI_Buffer_attach(m.data, (int)nbytes), "MPI_Buffer_attach") == 0)
            result = Py_NewRef(Py_None);
        if (result != NULL)
            Py_XSETREF(attached, Py_NewRef(m.keep));
    }
    message_release(&m);
    return result;
}

PyObject *detach_buffer(PyObject *module, PyObject *Py_UNUSED(none))
{
    PyObject *result;
    PyThreadState *saved;
    void *data;
    int size, code;

    if (mpi_ready(PyModule_GetState(module)) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Buffer_detach(&data, &size);
    gil_acquire(saved);
    if (mpi_failed(code, "MPI_Buffer_detach") < 0)
        return NULL;
    result = attached != NULL ? attached : Py_NewRef(Py_None);
    attached = NULL;
    return result;
}
