/* Plain objects in the format of pickle, protocol 5: see plain.h. */
#include "plain.h"

#include <string.h>

/* The opcodes of pickle that are used. */
enum opcode {
    PROTO = 0x80,
    STOP = '.',
    NONE = 'N',
    NEWTRUE = 0x88,
    NEWFALSE = 0x89,
    BININT = 'J',
    BININT1 = 'K',
    LONG1 = 0x8a,
    BINFLOAT = 'G',
    BINUNICODE = 'X',
    SHORT_BINUNICODE = 0x8c,
    BINBYTES = 'B',
    SHORT_BINBYTES = 'C',
    MARK = '(',
    TUPLE = 't',
    EMPTY_TUPLE = ')',
    TUPLE1 = 0x85,
    TUPLE2 = 0x86,
    TUPLE3 = 0x87,
    EMPTY_LIST = ']',
    APPENDS = 'e',
    EMPTY_DICT = '}',
    SETITEMS = 'u',
    GLOBAL = 'c',
    REDUCE = 'R',
    NEXT_ARRAY = 0xff /* not pickle's */
};

/* What follows GLOBAL: complex numbers are a call of that with two floats. */
static const char complex_name[] = "builtins\ncomplex\n";

enum { NAME_LENGTH = sizeof complex_name - 1 };

/* -------------------------------------------------------------------------- writing */

typedef struct writer {
    char *at, *end;
    PyObject *arrays; /* list, or NULL: none yet */
    int items;        /* that may still come */
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

/* An array that occurs twice is one array, which pickle takes care of. */
static int put_array(writer *w, PyObject *object)
{
    if (!array_is_plain(object))
        return 0;
    if (w->arrays == NULL)
        w->arrays = PyList_New(0);
    for (Py_ssize_t i = 0; w->arrays != NULL && i < PyList_GET_SIZE(w->arrays); i++)
        if (PyList_GET_ITEM(w->arrays, i) == object)
            return 0;
    return w->arrays != NULL && PyList_Append(w->arrays, object) == 0 && put_code(w, NEXT_ARRAY);
}

/*
 * What can be changed must not become two objects if it occurs twice: within another object, a
 * list or dictionary has one reference. What lies in a tuple that may occur twice is `shared`.
 */
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
    if (type == &PyList_Type || type == &PyDict_Type) {
        if (shared || Py_REFCNT(object) > 1)
            return 0;
        return type == &PyList_Type ? put_list(w, object) : put_dict(w, object);
    }
    return put_array(w, object);
}

/* The outermost object occurs once, however many references it has. */
static int put_first(writer *w, PyObject *object)
{
    w->items--;
    if (PyDict_CheckExact(object))
        return put_dict(w, object);
    if (PyList_CheckExact(object))
        return put_list(w, object);
    if (PyTuple_CheckExact(object))
        return put_tuple(w, object, 0);
    return put(w, object, 0);
}

Py_ssize_t plain_write(PyObject *object, PyObject **arrays, char *to)
{
    writer w = {to, to + PLAIN_BYTES, NULL, PLAIN_ITEMS};
    int done =
        put_code(&w, PROTO) && put_code(&w, 5) && put_first(&w, object) && put_code(&w, STOP);

    if (!done)
        Py_CLEAR(w.arrays);
    *arrays = w.arrays;
    if (PyErr_Occurred()) /* no memory for the list */
        return -1;
    return done ? w.at - to : 0;
}

/* -------------------------------------------------------------------------- reading */

typedef struct reader {
    const unsigned char *at, *end;
    PyObject *arrays;
    Py_ssize_t array; /* the next one */
    int n, marks;
    int mark[PLAIN_ITEMS];        /* marks: the number of objects below */
    PyObject *stack[PLAIN_ITEMS]; /* n objects that are ready */
} reader;

/* All of these return 1, or 0: it is not what plain_write() writes, or there was an exception. */

/* Steals. */
static int push(reader *r, PyObject *object)
{
    if (object == NULL)
        return 0;
    if (r->n == PLAIN_ITEMS) {
        Py_DECREF(object);
        return 0;
    }
    r->stack[r->n++] = object;
    return 1;
}

/* n bytes that are there; NULL. */
static const unsigned char *take(reader *r, size_t n)
{
    const unsigned char *bytes = r->at;

    if ((size_t)(r->end - r->at) < n)
        return NULL;
    r->at += n;
    return bytes;
}

static int take_number(reader *r, int n, uint64_t *value)
{
    const unsigned char *bytes = take(r, (size_t)n);

    *value = 0;
    for (int i = 0; bytes != NULL && i < n; i++)
        *value |= (uint64_t)bytes[i] << 8 * i;
    return bytes != NULL;
}

static int get_int(reader *r, enum opcode code)
{
    uint64_t value;

    if (code == BININT1)
        return take_number(r, 1, &value) && push(r, PyLong_FromLong((long)value));
    if (code == BININT)
        return take_number(r, 4, &value) && push(r, PyLong_FromLong((int32_t)value));
    return take_number(r, 1, &value) && value == 8 && take_number(r, 8, &value) &&
           push(r, PyLong_FromLongLong((int64_t)value));
}

static int take_float(reader *r, double *value)
{
    uint64_t bits;

    if (!take_number(r, 8, &bits))
        return 0;
    bits = __builtin_bswap64(bits);
    memcpy(value, &bits, sizeof *value);
    return 1;
}

static int get_float(reader *r)
{
    double value;

    return take_float(r, &value) && push(r, PyFloat_FromDouble(value));
}

static int take_code(reader *r, enum opcode code)
{
    const unsigned char *byte = take(r, 1);

    return byte != NULL && *byte == code;
}

/* In one go: what put_complex() writes, after the first code. */
static int get_complex(reader *r)
{
    const unsigned char *name = take(r, NAME_LENGTH);
    Py_complex value;

    if (name == NULL || memcmp(name, complex_name, NAME_LENGTH) != 0)
        return 0;
    return take_code(r, BINFLOAT) && take_float(r, &value.real) && take_code(r, BINFLOAT) &&
           take_float(r, &value.imag) && take_code(r, TUPLE2) && take_code(r, REDUCE) &&
           push(r, PyComplex_FromCComplex(value));
}

/* The length takes that many bytes. */
static int get_text(reader *r, int width, int unicode)
{
    const unsigned char *bytes = NULL;
    uint64_t n;

    if (take_number(r, width, &n))
        bytes = take(r, (size_t)n);
    if (bytes == NULL)
        return 0;
    return push(r, unicode ? PyUnicode_DecodeUTF8((const char *)bytes, (Py_ssize_t)n, NULL)
                           : PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)n));
}

/* The last n objects become a tuple. */
static int get_tuple(reader *r, int n)
{
    PyObject *tuple = n <= r->n ? PyTuple_New(n) : NULL;

    if (tuple == NULL)
        return 0;
    r->n -= n;
    for (int i = 0; i < n; i++)
        PyTuple_SET_ITEM(tuple, i, r->stack[r->n + i]);
    return push(r, tuple);
}

/* The objects after the mark become those of a list, which is the one before it and empty. */
static int get_items(reader *r, int n)
{
    const int at = r->n - n;
    PyObject *list = at > 0 && PyList_CheckExact(r->stack[at - 1]) ? PyList_New(n) : NULL;

    if (list == NULL)
        return 0;
    for (int i = 0; i < n; i++)
        PyList_SET_ITEM(list, i, r->stack[at + i]);
    r->n = at;
    Py_SETREF(r->stack[at - 1], list);
    return 1;
}

static int get_pairs(reader *r, int n)
{
    const int at = r->n - n;

    if (at < 1 || n % 2 != 0 || !PyDict_CheckExact(r->stack[at - 1]))
        return 0;
    for (int i = at; i < r->n; i += 2)
        if (PyDict_SetItem(r->stack[at - 1], r->stack[i], r->stack[i + 1]) < 0)
            return 0;
    while (r->n > at)
        Py_DECREF(r->stack[--r->n]);
    return 1;
}

/* What is made of the objects after the last mark. */
static int get_marked(reader *r, enum opcode code)
{
    int n;

    if (r->marks == 0)
        return 0;
    n = r->n - r->mark[--r->marks];
    if (n < 0)
        return 0;
    return code == TUPLE ? get_tuple(r, n) : code == APPENDS ? get_items(r, n) : get_pairs(r, n);
}

static int set_mark(reader *r)
{
    if (r->marks == PLAIN_ITEMS)
        return 0;
    r->mark[r->marks++] = r->n;
    return 1;
}

static int get_array(reader *r)
{
    if (r->arrays == NULL || r->array == PyList_GET_SIZE(r->arrays))
        return 0;
    return push(r, Py_NewRef(PyList_GET_ITEM(r->arrays, r->array++)));
}

static int get(reader *r, enum opcode code)
{
    switch (code) {
    case NONE:
        return push(r, Py_NewRef(Py_None));
    case NEWTRUE:
    case NEWFALSE:
        return push(r, PyBool_FromLong(code == NEWTRUE));
    case BININT1:
    case BININT:
    case LONG1:
        return get_int(r, code);
    case BINFLOAT:
        return get_float(r);
    case GLOBAL:
        return get_complex(r);
    case SHORT_BINUNICODE:
    case BINUNICODE:
        return get_text(r, code == BINUNICODE ? 4 : 1, 1);
    case SHORT_BINBYTES:
    case BINBYTES:
        return get_text(r, code == BINBYTES ? 4 : 1, 0);
    case EMPTY_TUPLE:
        return get_tuple(r, 0);
    case TUPLE1:
    case TUPLE2:
    case TUPLE3:
        return get_tuple(r, (int)(code - TUPLE1) + 1);
    case EMPTY_LIST:
        return push(r, PyList_New(0));
    case EMPTY_DICT:
        return push(r, PyDict_New());
    case MARK:
        return set_mark(r);
    case TUPLE:
    case APPENDS:
    case SETITEMS:
        return get_marked(r, code);
    case NEXT_ARRAY:
        return get_array(r);
    default:
        return 0;
    }
}

PyObject *plain_read(const char *from, Py_ssize_t size, PyObject *arrays)
{
    const unsigned char *at = (const unsigned char *)from;
    reader r; /* its stacks are not initialised: that would cost more than the reading */
    int good = size > 3 && at[0] == PROTO && at[1] == 5 && at[size - 1] == STOP;

    r.at = at + 2;
    r.end = at + size - 1;
    r.arrays = arrays;
    r.array = 0;
    r.n = r.marks = 0;
    while (good && r.at < r.end)
        good = get(&r, (enum opcode) * r.at++);
    if (good && r.n == 1 && r.marks == 0)
        return r.stack[0];
    while (r.n > 0)
        Py_DECREF(r.stack[--r.n]);
    return NULL;
}
