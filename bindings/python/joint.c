/* How a Python method takes part in a collective call of the library. */
#include "joint.h"

#include <pthread.h>
#include <string.h>

/* One for all files: HDF5 has global state. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

PyThreadState *io_enter(void)
{
    PyThreadState *saved = gil_release();

    pthread_mutex_lock(&library);
    return saved;
}

void io_leave(PyThreadState *saved)
{
    pthread_mutex_unlock(&library);
    gil_acquire(saved);
}

void joint_begin(joint *j)
{
    j->own = NULL;
    collio_error_clear(&j->err);
    here(&j->err);
}

void joint_fail(joint *j)
{
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    if (type == NULL)
        return;
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace != NULL)
        PyException_SetTraceback(value, trace);
    if (j->own == NULL)
        j->own = Py_NewRef(value);
    PyErr_Restore(type, value, trace);
    collect_exception(&j->err);
}

/* Add to this rank's exception what all ranks were told, if that says more. */
static void add_note(PyObject *exception, const collio_error *err)
{
    PyObject *done;

    if (!err->agreed || err->rank < 0)
        return;
    done = PyObject_CallMethod(exception, "add_note", "s", err->text);
    Py_XDECREF(done);
    PyErr_Clear(); /* a note that cannot be added is no reason to hide the exception */
}

int joint_end(joint *j)
{
    PyObject *own = j->own;

    j->own = NULL;
    if (own != NULL) {
        add_note(own, &j->err);
        PyErr_Restore(Py_NewRef(Py_TYPE(own)), own, PyException_GetTraceback(own));
        return -1;
    }
    if (j->err.code == COLLIO_OK)
        return 0;
    raise_from(&j->err);
    return -1;
}

int joint_comm(PyObject *object, MPI_Comm *out)
{
    PyObject *mpi = PyImport_ImportModule("collio.MPI"); /* initialises MPI unless told not to */
    state *st = mpi != NULL ? state_find() : NULL;

    Py_XDECREF(mpi);
    if (st == NULL || mpi_ready(st) < 0)
        return -1;
    if (object == NULL || object == Py_None) {
        *out = MPI_COMM_SELF;
        return 0;
    }
    return comm_from_object(object, out);
}

/* " at sim.py:41", where an exception passed through the frame that runs now; or "". */
static PyObject *place_of(PyObject *value)
{
    PyObject *trace = value == NULL ? NULL : PyException_GetTraceback(value);
    PyObject *line = trace == NULL ? NULL : PyObject_GetAttrString(trace, "tb_lineno");
    PyObject *frame = line == NULL ? NULL : PyObject_GetAttrString(trace, "tb_frame");
    PyObject *code = frame == NULL ? NULL : PyObject_GetAttrString(frame, "f_code");
    PyObject *file = code == NULL ? NULL : PyObject_GetAttrString(code, "co_filename");
    PyObject *base = file == NULL ? NULL : memory_call("os.path", "basename", "(O)", file);
    PyObject *place = base == NULL ? NULL : PyUnicode_FromFormat(" at %U:%S", base, line);

    PyErr_Clear();
    Py_XDECREF(base);
    Py_XDECREF(file);
    Py_XDECREF(code);
    Py_XDECREF(frame);
    Py_XDECREF(line);
    Py_XDECREF(trace);
    return place != NULL ? place : PyUnicode_FromString("");
}

void joint_reason(char *text, size_t size)
{
    PyObject *type, *value, *trace, *words, *place;
    const char *utf8;

    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    place = place_of(value);
    words = value == NULL || place == NULL
                ? NULL
                : PyUnicode_FromFormat("%s: %S%U", Py_TYPE(value)->tp_name, value, place);
    utf8 = words == NULL ? NULL : PyUnicode_AsUTF8(words);
    PyErr_Clear();
    collio_copy_text(text, size, utf8 != NULL ? utf8 : "an exception");
    Py_XDECREF(words);
    Py_XDECREF(place);
    PyErr_Restore(type, value, trace);
}

int joint_ending(void)
{
    PyObject *type, *value, *trace, *answer;
    int ending;

    PyErr_Fetch(&type, &value, &trace);
    answer = memory_call("sys", "is_finalizing", "()");
    ending = answer != Py_False; /* also when nothing can be imported any more */
    PyErr_Clear();
    Py_XDECREF(answer);
    PyErr_Restore(type, value, trace);
    return ending;
}
