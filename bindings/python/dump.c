/*
 * Pickles of objects to be sent. NumPy takes an array apart with Python code, and names its type
 * and two functions; here an array is a description of two words or more and its memory. That is
 * done by a Pickler of the module _pickle with a dispatch table that has arrays in it, which is
 * kept for the next object.
 */
#include "parcel.h"

/* What the one Pickler is busy with. */
typedef struct session {
    PyObject *dump, *clear_memo; /* its methods; NULL: there is none */
    PyObject *table;             /* its dispatch table */
    PyObject *common, *reduce;   /* and what goes there: copyreg's, and reduce_array() */
    PyObject *protocol;
    int busy;
    PyObject *written; /* bytes; NULL: none yet */
    PyObject *buffers; /* borrowed: list of those that stay out of the pickle */
    Py_ssize_t threshold;
} session;

static session kept;

/* After that much the Pickler's own table of what it has met may be large. */
enum { KEEP_MAX = 1 << 16 };

/* ------------------------------------------------------------ what the Pickler calls */

static PyObject *write_piece(PyObject *Py_UNUSED(self), PyObject *piece)
{
    PyObject *bytes = PyBytes_FromObject(piece); /* it may be lent for the call alone */

    if (bytes == NULL)
        return NULL;
    if (kept.written == NULL)
        kept.written = bytes;
    else
        PyBytes_ConcatAndDel(&kept.written, bytes);
    return kept.written != NULL ? Py_NewRef(Py_None) : NULL;
}

static PyObject *take_buffer(PyObject *Py_UNUSED(self), PyObject *buffer)
{
    const Py_buffer *view = PyPickleBuffer_GetBuffer(buffer);

    if (view == NULL)
        return NULL;
    if (view->len < kept.threshold || !PyBuffer_IsContiguous(view, 'A'))
        Py_RETURN_TRUE;
    return PyList_Append(kept.buffers, buffer) < 0 ? NULL : Py_NewRef(Py_False);
}

/* `self` is the function _array(), by which it is made again. */
static PyObject *reduce_array(PyObject *self, PyObject *array)
{
    PyObject *plain = parcel_without_gaps(array), *buffer;
    array_words words;
    int n;

    if (plain == NULL)
        return PyObject_CallMethod(array, "__reduce_ex__", "O", kept.protocol);
    n = array_describe(plain, words);
    buffer = PyPickleBuffer_FromObject(plain);
    Py_DECREF(plain);
    if (buffer == NULL)
        return NULL;
    return Py_BuildValue("O(y#N)", self, (const char *)words, (Py_ssize_t)n * (Py_ssize_t)8,
                         buffer);
}

static PyMethodDef write_def = {"write", write_piece, METH_O, NULL};
static PyMethodDef take_def = {"take_buffer", take_buffer, METH_O, NULL};
static PyMethodDef reduce_def = {"reduce_array", reduce_array, METH_O, NULL};

/* ----------------------------------------------------------------------- the Pickler */

static PyObject *from_module(const char *module, const char *name)
{
    PyObject *found = PyImport_ImportModule(module), *object = NULL;

    if (found != NULL)
        object = PyObject_GetAttrString(found, name);
    Py_XDECREF(found);
    return object;
}

/* An object that has write(). New. */
static PyObject *make_file(void)
{
    PyObject *file = PyModule_New("file");
    PyObject *write = PyCFunction_New(&write_def, NULL);

    if (file != NULL && (write == NULL || PyObject_SetAttrString(file, "write", write) < 0))
        Py_CLEAR(file);
    Py_XDECREF(write);
    return file;
}

/* New. */
static PyObject *make_pickler(PyObject *protocol)
{
    PyObject *class = from_module("_pickle", "Pickler"), *file = make_file();
    PyObject *take = PyCFunction_New(&take_def, NULL), *pickler = NULL;

    if (class != NULL && file != NULL && take != NULL)
        pickler = PyObject_CallFunction(class, "OOOO", file, protocol, Py_True, take);
    Py_XDECREF(class);
    Py_XDECREF(file);
    Py_XDECREF(take);
    return pickler;
}

/* New. */
static PyObject *make_reducer(void)
{
    PyObject *restore = from_module("collio._collio", "_array");
    PyObject *reduce = restore != NULL ? PyCFunction_New(&reduce_def, restore) : NULL;

    Py_XDECREF(restore);
    return reduce;
}

/* By what objects are reduced that the program has something for; arrays by reduce_array() unless
 * it has something for them. 0, -1. */
static int fill_table(void)
{
    PyDict_Clear(kept.table);
    if (PyDict_SetItem(kept.table, array_class(), kept.reduce) < 0)
        return -1;
    return PyDict_Update(kept.table, kept.common);
}

static void end_session(void)
{
    Py_CLEAR(kept.dump);
    Py_CLEAR(kept.clear_memo);
    Py_CLEAR(kept.table);
    Py_CLEAR(kept.common);
    Py_CLEAR(kept.reduce);
    Py_CLEAR(kept.protocol);
}

static int begin_session(PyObject *protocol)
{
    PyObject *pickler = make_pickler(protocol);

    kept.protocol = Py_NewRef(protocol);
    kept.table = pickler != NULL ? PyDict_New() : NULL;
    kept.common = from_module("copyreg", "dispatch_table");
    kept.reduce = make_reducer();
    if (kept.table != NULL && kept.common != NULL && kept.reduce != NULL &&
        PyObject_SetAttrString(pickler, "dispatch_table", kept.table) == 0) {
        kept.dump = PyObject_GetAttrString(pickler, "dump");
        kept.clear_memo = PyObject_GetAttrString(pickler, "clear_memo");
    }
    Py_XDECREF(pickler);
    if (kept.dump != NULL && kept.clear_memo != NULL)
        return 0;
    end_session();
    return -1;
}

/* Forget the object. What is large or failed is not worth keeping. */
static void finish(int failed)
{
    PyObject *type, *value, *trace, *none;

    PyErr_Fetch(&type, &value, &trace);
    if (failed || PyBytes_GET_SIZE(kept.written) > KEEP_MAX) {
        end_session();
    } else {
        none = PyObject_CallNoArgs(kept.clear_memo);
        if (none == NULL) {
            PyErr_Clear();
            end_session();
        }
        Py_XDECREF(none);
    }
    PyErr_Restore(type, value, trace);
}

int dump_is_free(void)
{
    return !kept.busy;
}

PyObject *dump(PyObject *object, PyObject *protocol, PyObject *buffers, Py_ssize_t threshold)
{
    PyObject *none = NULL, *written;

    if (kept.dump != NULL && kept.protocol != protocol)
        end_session();
    if (kept.dump == NULL && begin_session(protocol) < 0)
        return NULL;
    kept.busy = 1;
    kept.buffers = buffers;
    kept.threshold = threshold;
    if (fill_table() == 0)
        none = PyObject_CallOneArg(kept.dump, object);
    finish(none == NULL);
    Py_XDECREF(none);
    written = kept.written;
    kept.written = NULL;
    kept.buffers = NULL;
    kept.busy = 0;
    if (none == NULL)
        Py_CLEAR(written);
    return written;
}

/* --------------------------------------------------------------------------- restore */

PyDoc_STRVAR(array_doc, "_array($module, description, memory, /)\n--\n\n"
                        "The array in memory, as pickles of objects that are sent say it.");

static PyObject *restore(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *description;
    Py_ssize_t size;
    PyObject *memory, *view, *array;

    if (!PyArg_ParseTuple(args, "y#O:_array", &description, &size, &memory))
        return NULL;
    view = PyMemoryView_FromObject(memory);
    array = view != NULL ? array_restore(description, size, view) : NULL;
    Py_XDECREF(view);
    return array;
}

PyMethodDef dump_functions[] = {
    {"_array", restore, METH_VARARGS, array_doc},
    {NULL, NULL, 0, NULL},
};
