/* The one place where an error becomes a Python exception, and back. */
#include "bindings.h"

#include <string.h>

/* ----------------------------------------------------- the MPI.Exception type */

/* The error code is the first element of `args`, as in every exception of
 * one argument, so that pickling and subclassing work by themselves. */
static int code_of(PyObject *self)
{
    PyObject *args = PyObject_GetAttrString(self, "args");
    int code = MPI_ERR_UNKNOWN;

    if (args != NULL && PyTuple_Check(args) && PyTuple_GET_SIZE(args) > 0)
        code = (int)PyLong_AsLong(PyTuple_GET_ITEM(args, 0));
    else if (args != NULL)
        code = MPI_SUCCESS;
    Py_XDECREF(args);
    PyErr_Clear();
    return code;
}

PyDoc_STRVAR(class_doc, "Get_error_class($self, /)\n--\n\nError class of the exception's code. "
                        "Not collective.");

static PyObject *exception_class(PyObject *self, PyObject *Py_UNUSED(none))
{
    int code = code_of(self), class = code;

    if (mpi_ready_early(state_of(self)) == 0)
        MPI_Error_class(code, &class);
    PyErr_Clear();
    return PyLong_FromLong(class);
}

PyDoc_STRVAR(code_doc, "Get_error_code($self, /)\n--\n\nMPI error code. Not collective.");

static PyObject *exception_code(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(code_of(self));
}

PyDoc_STRVAR(string_doc,
             "Get_error_string($self, /)\n--\n\nMPI's text for the code. Not collective.");

static PyObject *exception_string(PyObject *self, PyObject *Py_UNUSED(none))
{
    char text[MPI_MAX_ERROR_STRING] = "";

    if (mpi_ready_early(state_of(self)) < 0 || collio_mpi_text(code_of(self), text) != MPI_SUCCESS)
        snprintf(text, sizeof text, "error code %d", code_of(self));
    PyErr_Clear();
    return PyUnicode_DecodeLocale(text, "surrogateescape");
}

/* str(): the text given when the error arose, else MPI's for the code. */
static PyObject *exception_str(PyObject *self)
{
    PyObject *args = PyObject_GetAttrString(self, "args"), *text;

    if (args == NULL)
        return NULL;
    if (PyTuple_GET_SIZE(args) > 1)
        text = PyObject_Str(PyTuple_GET_ITEM(args, 1));
    else
        text = exception_string(self, NULL);
    Py_DECREF(args);
    return text;
}

static int exception_bool(PyObject *self)
{
    return code_of(self) != MPI_SUCCESS;
}

static Py_hash_t exception_hash(PyObject *self)
{
    return code_of(self) == -1 ? -2 : code_of(self);
}

/* Compares with codes and other exceptions as numbers do. */
static PyObject *exception_compare(PyObject *self, PyObject *other, int how)
{
    const int number = PyLong_Check(other) || PyFloat_Check(other);
    PyObject *mine, *result;

    if (!number && !PyObject_TypeCheck(other, (PyTypeObject *)Py_TYPE(self)))
        Py_RETURN_NOTIMPLEMENTED;
    mine = PyLong_FromLong(code_of(self));
    other = number ? Py_NewRef(other) : PyLong_FromLong(code_of(other));
    result = mine && other ? PyObject_RichCompare(mine, other, how) : NULL;
    Py_XDECREF(mine);
    Py_XDECREF(other);
    return result;
}

static PyObject *exception_int(PyObject *self)
{
    return exception_code(self, NULL);
}

static PyObject *exception_repr(PyObject *self)
{
    return PyUnicode_FromFormat("MPI.Exception(%d)", code_of(self));
}

typedef struct exception_args {
    int code;
    PyObject *text;
} exception_args;

/* The code, and (in pickles) the text that came with it. */
static int exception_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const param rows[] = {{"|ierr", arg_int, offsetof(exception_args, code)},
                                 {"|text", arg_object, offsetof(exception_args, text)},
                                 {NULL, NULL, 0}};
    exception_args a = {MPI_SUCCESS, Py_None};
    PyObject *kept;
    int result;

    if (args_parse_tuple("Exception", rows, &a, args, keywords) < 0)
        return -1;
    if (a.text != Py_None && !PyUnicode_Check(a.text)) {
        raise_type("text", "str", a.text);
        return -1;
    }
    if (a.code < MPI_SUCCESS)
        a.code = MPI_ERR_UNKNOWN;
    kept = a.text != Py_None ? Py_BuildValue("(iO)", a.code, a.text) : Py_BuildValue("(i)", a.code);
    result = kept == NULL ? -1 : PyObject_SetAttrString(self, "args", kept);
    Py_XDECREF(kept);
    return result;
}

static PyMethodDef exception_methods[] = {
    {"Get_error_code", exception_code, METH_NOARGS, code_doc},
    {"Get_error_class", exception_class, METH_NOARGS, class_doc},
    {"Get_error_string", exception_string, METH_NOARGS, string_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef exception_getset[] = {
    {"error_code", ask, NULL, "error code", (void *)exception_code},
    {"error_class", ask, NULL, "error class", (void *)exception_class},
    {"error_string", ask, NULL, "error string", (void *)exception_string},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(exception_doc, "Exception(ierr=0)\n--\n\nAn MPI call failed.");

static PyType_Slot exception_slots[] = {
    {Py_tp_doc, (void *)exception_doc},
    {Py_tp_init, exception_init},
    {Py_tp_repr, exception_repr},
    {Py_tp_str, exception_str},
    {Py_tp_hash, exception_hash},
    {Py_tp_richcompare, exception_compare},
    {Py_nb_bool, exception_bool},
    {Py_nb_int, exception_int},
    {Py_tp_methods, exception_methods},
    {Py_tp_getset, exception_getset},
    {0, NULL},
};

static PyType_Spec exception_spec = {
    .name = "collio.MPI.Exception",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = exception_slots,
};

/* ------------------------------------------------------- collio's exceptions */

static PyObject *new_exception(state *st, const char *name, const char *doc, PyObject *base)
{
    char full[64];
    PyObject *type;

    snprintf(full, sizeof full, "collio.%s", name);
    type = PyErr_NewExceptionWithDoc(full, doc, base, NULL);
    if (type != NULL && PyDict_SetItemString(st->io, name, type) < 0)
        Py_CLEAR(type);
    return type;
}

/* The exceptions of the package; each is stored at once, so that the module
 * frees what there is if a later one fails. */
static int setup_package(state *st)
{
    PyObject **e = st->exceptions, *bases;

    e[EXC_COLLECTIVE] = new_exception(st, "CollectiveError",
                                      "The ranks of a collective call differed, or one of them "
                                      "failed; raised alike on every rank.",
                                      PyExc_RuntimeError);
    if (e[EXC_COLLECTIVE] == NULL)
        return -1;
    bases = PyTuple_Pack(2, e[EXC_COLLECTIVE], PyExc_TimeoutError);
    if (bases == NULL)
        return -1;
    e[EXC_TIMEOUT] = new_exception(st, "CollectiveTimeout",
                                   "A rank did not come to a collective call in time.", bases);
    Py_DECREF(bases);
    if (e[EXC_TIMEOUT] == NULL)
        return -1;
    e[EXC_DAMAGE] =
        new_exception(st, "DamageError", "Data do not match their seal.", PyExc_RuntimeError);
    e[EXC_NONE] = new_exception(st, "NoCheckpointError", "There is no checkpoint to restore.",
                                PyExc_LookupError);
    return e[EXC_DAMAGE] == NULL || e[EXC_NONE] == NULL ? -1 : 0;
}

int error_setup(PyObject *module, state *st)
{
    st->exceptions[EXC_MPI] = PyType_FromModuleAndSpec(module, &exception_spec, PyExc_RuntimeError);
    if (st->exceptions[EXC_MPI] == NULL)
        return -1;
    if (PyModule_AddObjectRef(module, "Exception", st->exceptions[EXC_MPI]) < 0)
        return -1;
    return setup_package(st);
}

/* ------------------------------------------------------ errors to exceptions */

static void raise_mpi(int code, const char *text)
{
    state *st = state_find();
    PyObject *args;

    if (st == NULL)
        return;
    args = text != NULL ? Py_BuildValue("(is)", code, text) : Py_BuildValue("(i)", code);
    if (args == NULL)
        return;
    PyErr_SetObject(st->exceptions[EXC_MPI], args);
    Py_DECREF(args);
    callback_explain();
}

int mpi_code_pending(void)
{
    PyObject *type, *value, *trace;
    state *st;
    int code = MPI_ERR_OTHER;

    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    st = state_find();
    if (st != NULL && value != NULL && PyObject_IsInstance(value, st->exceptions[EXC_MPI]) == 1)
        code = code_of(value);
    PyErr_Restore(type, value, trace);
    return code == MPI_SUCCESS ? MPI_ERR_OTHER : code;
}

int mpi_judge(int result, const char *call)
{
    collio_error err; /* its 2 KiB are not initialised: that would cost more than the judgement */

    err.code = COLLIO_OK;
    if (callbacks_pending)
        errors_handle();
    if (collio_mpi(result, call, &err) == COLLIO_OK)
        return callbacks_pending ? callback_raise() : 0;
    if (result != MPI_SUCCESS)
        raise_mpi(result, NULL);
    else /* an injected fault, which MPI has no words for */
        raise_mpi(err.mpi_error, err.text);
    return -1;
}

PyObject *raise_unavailable(const char *call)
{
    return PyErr_Format(PyExc_NotImplementedError,
                        "%s is not in the MPI library that collio was built with (MPI %d.%d)", call,
                        MPI_VERSION, MPI_SUBVERSION);
}

static PyObject *exception_for(const state *st, int code)
{
    switch (code) {
    case COLLIO_ERR_VALUE:
        return PyExc_ValueError;
    case COLLIO_ERR_TYPE:
        return PyExc_TypeError;
    case COLLIO_ERR_KEY:
        return PyExc_KeyError;
    case COLLIO_ERR_INDEX:
        return PyExc_IndexError;
    case COLLIO_ERR_MEMORY:
        return PyExc_MemoryError;
    case COLLIO_ERR_STATE:
        return PyExc_ValueError; /* as Python's own "I/O operation on closed file" */
    case COLLIO_ERR_TIMEOUT:
        return st->exceptions[EXC_TIMEOUT];
    case COLLIO_ERR_DAMAGED:
        return st->exceptions[EXC_DAMAGE];
    case COLLIO_ERR_NONE:
        return st->exceptions[EXC_NONE];
    case COLLIO_ERR_UNSUPPORTED:
        return PyExc_NotImplementedError;
    case COLLIO_ERR_HDF5:
        return PyExc_RuntimeError;
    default:
        return st->exceptions[EXC_COLLECTIVE];
    }
}

PyObject *raise_from(const collio_error *err)
{
    state *st = state_find();
    PyObject *text, *args = NULL;

    if (st == NULL)
        return NULL;
    if (err->code == COLLIO_ERR_MPI) {
        raise_mpi(err->mpi_error, err->text);
        return NULL;
    }
    text = PyUnicode_DecodeUTF8(err->text, (Py_ssize_t)strlen(err->text), "replace");
    if (text == NULL)
        return NULL;
    if (err->code == COLLIO_ERR_OS && err->sys_error != 0) {
        args = Py_BuildValue("(iO)", err->sys_error, text);
        if (args != NULL) /* OSError picks its subclass by errno: FileNotFoundError ... */
            PyErr_SetObject(PyExc_OSError, args);
        Py_XDECREF(args);
    } else {
        PyErr_SetObject(err->code == COLLIO_ERR_OS ? PyExc_OSError : exception_for(st, err->code),
                        text);
    }
    Py_DECREF(text);
    callback_explain();
    return NULL;
}

/* ------------------------------------------------------ exceptions to errors */

/* More special classes first. */
static int code_for(PyObject *type)
{
    const struct {
        PyObject *type;
        int code;
    } rows[] = {
        {PyExc_NotImplementedError, COLLIO_ERR_UNSUPPORTED},
        {PyExc_KeyError, COLLIO_ERR_KEY},
        {PyExc_IndexError, COLLIO_ERR_INDEX},
        {PyExc_ValueError, COLLIO_ERR_VALUE},
        {PyExc_TypeError, COLLIO_ERR_TYPE},
        {PyExc_MemoryError, COLLIO_ERR_MEMORY},
        {PyExc_OSError, COLLIO_ERR_OS},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (PyErr_GivenExceptionMatches(type, rows[i].type))
            return rows[i].code;
    return COLLIO_ERR_EXCEPTION;
}

/* What OSError says without the number, which the error keeps. */
static PyObject *system_text(PyObject *value)
{
    PyObject *words = PyObject_GetAttrString(value, "strerror");
    PyObject *path = PyObject_GetAttrString(value, "filename"), *text;

    if (words == NULL || words == Py_None)
        text = PyObject_Str(value);
    else if (path == NULL || path == Py_None)
        text = PyObject_Str(words);
    else
        text = PyUnicode_FromFormat("%S: %R", words, path);
    Py_XDECREF(words);
    Py_XDECREF(path);
    return text;
}

/* The text without its class, which the code keeps; KeyError's without repr's
 * quotes; an exception of another class with its name. */
static PyObject *text_for(PyObject *value, int code)
{
    PyObject *args = NULL, *text = NULL;

    if (code == COLLIO_ERR_OS)
        return system_text(value);
    if (code == COLLIO_ERR_EXCEPTION)
        return PyUnicode_FromFormat("%s: %S", Py_TYPE(value)->tp_name, value);
    if (code == COLLIO_ERR_KEY)
        args = PyObject_GetAttrString(value, "args");
    if (args != NULL && PyTuple_Check(args) && PyTuple_GET_SIZE(args) == 1)
        text = PyObject_Str(PyTuple_GET_ITEM(args, 0));
    else
        text = PyObject_Str(value);
    Py_XDECREF(args);
    return text;
}

static int errno_of(PyObject *value)
{
    PyObject *number = PyObject_GetAttrString(value, "errno");
    long result = number != NULL && PyLong_Check(number) ? PyLong_AsLong(number) : 0;

    Py_XDECREF(number);
    PyErr_Clear();
    return (int)result;
}

int collect_exception(collio_error *err)
{
    PyObject *type, *value, *trace, *text;
    const char *words = NULL;
    int code;

    PyErr_Fetch(&type, &value, &trace);
    if (type == NULL)
        return err->code;
    PyErr_NormalizeException(&type, &value, &trace);
    code = code_for(type);
    text = text_for(value, code);
    if (text != NULL)
        words = PyUnicode_AsUTF8(text);
    if (err->code == COLLIO_OK) {
        collio_error_set(err, code, "%s", words ? words : Py_TYPE(value)->tp_name);
        if (code == COLLIO_ERR_OS)
            err->sys_error = errno_of(value);
    }
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return err->code;
}

/* ----------------------------------------------------- where the caller stands */

/* Ours are the package, and the methods that our mappings take from Python. */
static int is_ours(PyFrameObject *frame)
{
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *name = PyDict_GetItemString(globals, "__name__"); /* borrowed */
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    int ours = text != NULL && (strcmp(text, "collio") == 0 || strncmp(text, "collio.", 7) == 0 ||
                                strcmp(text, "collections.abc") == 0);

    Py_DECREF(globals);
    PyErr_Clear();
    return ours;
}

/* A place in a program, found out before: counting lines takes longer than a small call. */
typedef struct place {
    PyCodeObject *code; /* kept, so that no other gets its address */
    int instruction, line, ours;
} place;

static const place *place_of(PyFrameObject *frame)
{
    static place known[16];
    PyCodeObject *code = PyFrame_GetCode(frame);
    int instruction = PyFrame_GetLasti(frame);
    place *p = &known[((uintptr_t)code / 64 + (uintptr_t)instruction / 2) % 16];

    if (p->code == code && p->instruction == instruction) {
        Py_DECREF(code);
        return p;
    }
    p->ours = is_ours(frame);
    p->line = p->ours ? 0 : PyFrame_GetLineNumber(frame);
    p->instruction = instruction;
    Py_XSETREF(p->code, code);
    return p;
}

collio_error *here(collio_error *err)
{
    PyFrameObject *frame = PyEval_GetFrame(), *back;
    const place *p = NULL;

    Py_XINCREF(frame);
    while (frame != NULL && (p = place_of(frame))->ours) {
        back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    if (frame == NULL)
        return collio_error_at(err, NULL, 0);
    collio_error_at(err, PyUnicode_AsUTF8(p->code->co_filename), p->line);
    PyErr_Clear();
    Py_DECREF(frame);
    return err;
}
