/* Writing plain objects, in the format of pickle, protocol 5: see plain.h. */
#include "parcel.h"
#include "plain.h"
#include "plain_codes.h"

#include <string.h>

/* -------------------------------------------------------------------------- writing */

typedef struct writer {
    char *at, *end;
    PyObject *arrays; /* list, or NULL: none yet */
    int items;        /* that may still come */
    int instances;    /* that we are within */
    int seen_n;
    PyObject *seen[PLAIN_ITEMS]; /* what can be changed and may come again */
} writer;

/* All of these return 1, or 0: it is not plain, or does not fit. */
static int put(writer *w, PyObject *object, int shared);

static int put_code(writer *w, enum opcode code)
{
    if (w->at >= w->end)
        return 0;
    *w->at++ = (char)code;
    return 1;
}

static int put_bytes(writer *w, const void *bytes, size_t n)
{
    if ((size_t)(w->end - w->at) < n)
        return 0;
    memcpy(w->at, bytes, n);
    w->at += n;
    return 1;
}

/* The lowest n bytes of a number, the last first. */
static int put_number(writer *w, uint64_t value, int n)
{
    if (w->end - w->at < n)
        return 0;
    for (int i = 0; i < n; i++)
        *w->at++ = (char)(value >> 8 * i);
    return 1;
}

static int put_int(writer *w, PyObject *object)
{
    int overflow = 0;
    long long value =
        int_is_small(object) ? int_small(object) : PyLong_AsLongLongAndOverflow(object, &overflow);

    if (overflow)
        return 0;
    if (value >= 0 && value < 256)
        return put_code(w, BININT1) && put_number(w, (uint64_t)value, 1);
    if (value >= INT32_MIN && value <= INT32_MAX)
        return put_code(w, BININT) && put_number(w, (uint64_t)value, 4);
    return put_code(w, LONG1) && put_number(w, 8, 1) && put_number(w, (uint64_t)value, 8);
}

static int put_float(writer *w, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return put_code(w, BINFLOAT) && put_number(w, __builtin_bswap64(bits), 8);
}

static int put_complex(writer *w, Py_complex value)
{
    return put_code(w, GLOBAL) && put_bytes(w, complex_name, NAME_LENGTH) &&
           put_float(w, value.real) && put_float(w, value.imag) && put_code(w, TUPLE2) &&
           put_code(w, REDUCE);
}

static int put_text(writer *w, const char *text, Py_ssize_t n, enum opcode brief, enum opcode full)
{
    if (n < 256)
        return put_code(w, brief) && put_number(w, (uint64_t)n, 1) && put_bytes(w, text, (size_t)n);
    return n < PLAIN_BYTES && put_code(w, full) && put_number(w, (uint64_t)n, 4) &&
           put_bytes(w, text, (size_t)n);
}

static int put_unicode(writer *w, PyObject *object)
{
    Py_ssize_t n;
    const char *text = PyUnicode_AsUTF8AndSize(object, &n);

    if (text == NULL) /* lone surrogates, which pickle knows how to write */
        PyErr_Clear();
    return text != NULL && put_text(w, text, n, SHORT_BINUNICODE, BINUNICODE);
}

static int put_tuple(writer *w, PyObject *object, int shared)
{
    static const enum opcode codes[] = {EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3};
    Py_ssize_t n = PyTuple_GET_SIZE(object);

    if (n > 3 && !put_code(w, MARK))
        return 0;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!put(w, PyTuple_GET_ITEM(object, i), shared))
            return 0;
    return put_code(w, n > 3 ? TUPLE : codes[n]);
}

static int put_list(writer *w, PyObject *object)
{
    Py_ssize_t n = PyList_GET_SIZE(object);

    if (!put_code(w, EMPTY_LIST) || (n > 0 && !put_code(w, MARK)))
        return 0;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!put(w, PyList_GET_ITEM(object, i), 0))
            return 0;
    return n == 0 || put_code(w, APPENDS);
}

static int put_dict(writer *w, PyObject *object)
{
    Py_ssize_t n = PyDict_GET_SIZE(object), at = 0;
    PyObject *key, *value;

    if (!put_code(w, EMPTY_DICT) || (n > 0 && !put_code(w, MARK)))
        return 0;
    while (PyDict_Next(object, &at, &key, &value))
        if (!put(w, key, 0) || !put(w, value, 0))
            return 0;
    return n == 0 || put_code(w, SETITEMS);
}

/* One whose elements lie apart is sent, and arrives, without the gaps. One that cannot be written
 * to stays so in an object of a class, as pickle has it. */
static int put_array(writer *w, PyObject *object)
{
    const int fixed = w->instances > 0 && array_is_fixed(object);
    PyObject *array = fixed ? NULL : parcel_without_gaps(object);
    int done = 0;

    if (array == NULL)
        return 0;
    if (w->arrays == NULL)
        w->arrays = PyList_New(0);
    done = w->arrays != NULL && PyList_Append(w->arrays, array) == 0 && put_code(w, NEXT_ARRAY);
    Py_DECREF(array);
    return done;
}

/* An object that is nothing but what is in its dictionary. */
static int put_instance(writer *w, PyObject *object)
{
    PyObject *module, *name, *content;
    int done;

    w->items -= 2; /* the texts, and then the dictionary */
    if (w->items < 0 || !plain_class_of(object, &module, &name))
        return 0;
    w->instances++;
    content = PyObject_GenericGetDict(object, NULL);
    if (content == NULL)
        PyErr_Clear();
    done = content != NULL && PyDict_CheckExact(content) && Py_REFCNT(content) <= 2 &&
           put_unicode(w, module) && put_unicode(w, name) && put_code(w, STACK_GLOBAL) &&
           put_code(w, EMPTY_TUPLE) && put_code(w, NEWOBJ) && put_dict(w, content) &&
           put_code(w, BUILD);
    Py_XDECREF(content);
    w->instances--;
    return done;
}

/*
 * What can be changed must not become two objects if it occurs twice: that is pickle's business.
 * What has one reference occurs once, unless it lies in a tuple that may occur twice (`shared`).
 */
static int is_first(writer *w, PyObject *object, int shared)
{
    if (!shared && Py_REFCNT(object) == 1)
        return 1;
    for (int i = 0; i < w->seen_n; i++)
        if (w->seen[i] == object)
            return 0;
    if (w->seen_n == PLAIN_ITEMS)
        return 0;
    w->seen[w->seen_n++] = object;
    return 1;
}

static int put_changeable(writer *w, PyObject *object)
{
    if (PyList_CheckExact(object))
        return put_list(w, object);
    if (PyDict_CheckExact(object))
        return put_dict(w, object);
    return PyObject_TypeCheck(object, (PyTypeObject *)array_class()) ? put_array(w, object)
                                                                     : put_instance(w, object);
}

static int put(writer *w, PyObject *object, int shared)
{
    PyTypeObject *type = Py_TYPE(object);

    if (--w->items < 0)
        return 0;
    if (type == &PyLong_Type)
        return put_int(w, object);
    if (type == &PyUnicode_Type)
        return put_unicode(w, object);
    if (type == &PyFloat_Type)
        return put_float(w, PyFloat_AS_DOUBLE(object));
    if (object == Py_None || type == &PyBool_Type)
        return put_code(w, object == Py_None ? NONE : object == Py_True ? NEWTRUE : NEWFALSE);
    if (type == &PyBytes_Type)
        return put_text(w, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), SHORT_BINBYTES,
                        BINBYTES);
    if (type == &PyComplex_Type)
        return put_complex(w, ((PyComplexObject *)object)->cval);
    if (type == &PyTuple_Type)
        return put_tuple(w, object, shared || Py_REFCNT(object) > 1);
    return is_first(w, object, shared) && put_changeable(w, object);
}

/* The outermost tuple occurs once, however many references it has. */
static int put_first(writer *w, PyObject *object)
{
    return PyTuple_CheckExact(object) ? put_tuple(w, object, 0) : put(w, object, 0);
}

Py_ssize_t plain_write(PyObject *object, PyObject **arrays, char *to)
{
    writer w; /* what it has seen is not initialised: that would cost more than the writing */
    int done;

    w.at = to;
    w.end = to + PLAIN_BYTES;
    w.arrays = NULL;
    w.items = PLAIN_ITEMS;
    w.instances = 0;
    w.seen_n = 0;
    done = put_code(&w, PROTO) && put_code(&w, 5) && put_first(&w, object) && put_code(&w, STOP);
    if (!done)
        Py_CLEAR(w.arrays);
    *arrays = w.arrays;
    if (PyErr_Occurred()) /* no memory for the list */
        return -1;
    return done ? w.at - to : 0;
}
