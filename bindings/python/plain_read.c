/* Reading plain objects: see plain.h. */
#include "plain.h"
#include "plain_codes.h"

#include <string.h>

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

/* The class named by the last two texts. */
static int get_class(reader *r)
{
    PyObject **top = r->stack + r->n, *class;

    if (r->n < 2 || !PyUnicode_Check(top[-1]) || !PyUnicode_Check(top[-2]))
        return 0;
    class = plain_class_find(top[-2], top[-1]);
    if (class == NULL)
        return 0;
    Py_DECREF(top[-1]);
    r->n--;
    Py_SETREF(top[-2], class);
    return 1;
}

/* An object of the class below an empty tuple. */
static int get_object(reader *r)
{
    PyObject **top = r->stack + r->n, *object;

    if (r->n < 2 || !PyTuple_CheckExact(top[-1]) || PyTuple_GET_SIZE(top[-1]) > 0 ||
        !PyType_Check(top[-2]))
        return 0;
    object = plain_object_new(top[-2]);
    if (object == NULL)
        return 0;
    Py_DECREF(top[-1]);
    r->n--;
    Py_SETREF(top[-2], object);
    return 1;
}

/* The last dictionary is the state of the object below it. */
static int get_state(reader *r)
{
    PyObject **top = r->stack + r->n;

    if (r->n < 2 || !PyDict_CheckExact(top[-1]) || plain_object_fill(top[-2], top[-1]) < 0)
        return 0;
    Py_DECREF(top[-1]);
    r->n--;
    return 1;
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
    case STACK_GLOBAL:
        return get_class(r);
    case NEWOBJ:
        return get_object(r);
    case BUILD:
        return get_state(r);
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
