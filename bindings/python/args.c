/* Parse the arguments of fast calls: one row a parameter. */
#include "bindings.h"

#include <string.h>

static const char *plain(const char *name)
{
    return name + (name[0] == '|' || name[0] == '$');
}

/* A keyword equals a parameter's name; ours are all ASCII. Most differ in the first letter. */
static inline int same_name(PyObject *keyword, const char *name)
{
    const char *text = PyUnicode_DATA(keyword);

    return text[0] == name[0] && PyUnicode_IS_ASCII(keyword) && strcmp(text, name) == 0;
}

static int raise_unknown(const char *function, const param *rows, PyObject *keywords)
{
    Py_ssize_t nkeywords = PyTuple_GET_SIZE(keywords);

    for (Py_ssize_t k = 0; k < nkeywords; k++) {
        PyObject *keyword = PyTuple_GET_ITEM(keywords, k);
        const param *row = rows;
        while (row->name != NULL && !same_name(keyword, plain(row->name)))
            row++;
        if (row->name == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function,
                         keyword);
            return -1;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s() got an argument by position and by keyword", function);
    return -1;
}

static int raise_missing(const char *function, const char *name)
{
    PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function, name);
    return -1;
}

static int raise_too_many(const char *function, const param *rows, Py_ssize_t given)
{
    Py_ssize_t allowed = 0;

    while (rows[allowed].name != NULL && rows[allowed].name[0] != '$')
        allowed++;
    PyErr_Format(PyExc_TypeError, "%s() takes at most %zd positional arguments (%zd given)",
                 function, allowed, given);
    return -1;
}

/* The value of keyword argument `name`, borrowed, or NULL. The search begins at *next, after the
 * one found last, since most calls name them in the order of the parameters. */
static PyObject *find_keyword(const char *name, PyObject *const *values, PyObject *keywords,
                              Py_ssize_t *next)
{
    Py_ssize_t n = PyTuple_GET_SIZE(keywords), at = *next;

    for (Py_ssize_t k = 0; k < n; k++, at++) {
        if (at >= n)
            at = 0;
        if (same_name(PyTuple_GET_ITEM(keywords, at), name)) {
            *next = at + 1;
            return values[at];
        }
    }
    return NULL;
}

/* Convert; for the commonest, objects as they are and small ints, without a call. */
static inline int convert(const param *row, PyObject *value, void *out)
{
    if (row->convert == arg_object) {
        *(PyObject **)out = value;
        return 0;
    }
    if (row->convert == arg_int && int_is_small(value)) {
        *(int *)out = int_small(value);
        return 0;
    }
    return row->convert(value, out);
}

int args_parse(const char *function, const param *rows, void *out, PyObject *const *args,
               Py_ssize_t nargs, PyObject *keywords)
{
    Py_ssize_t left = keywords != NULL ? PyTuple_GET_SIZE(keywords) : 0, next = 0, i;

    for (i = 0; i < nargs && rows[i].name != NULL && rows[i].name[0] != '$'; i++)
        if (convert(&rows[i], args[i], (char *)out + rows[i].offset) < 0)
            return -1;
    if (nargs > i)
        return raise_too_many(function, rows, nargs);
    for (; rows[i].name != NULL; i++) {
        const int optional = rows[i].name[0] == '|' || rows[i].name[0] == '$';
        PyObject *value = NULL;
        if (left > 0)
            value = find_keyword(plain(rows[i].name), args + nargs, keywords, &next);
        else if (optional) /* and so are all that follow */
            break;
        if (value == NULL && !optional)
            return raise_missing(function, rows[i].name);
        if (value != NULL && convert(&rows[i], value, (char *)out + rows[i].offset) < 0)
            return -1;
        left -= value != NULL;
    }
    return left == 0 ? 0 : raise_unknown(function, rows, keywords);
}

int args_parse_tuple(const char *function, const param *rows, void *out, PyObject *args,
                     PyObject *keywords)
{
    PyObject *values[32], *names = NULL, *key, *value;
    Py_ssize_t nargs = PyTuple_GET_SIZE(args), n = nargs, at = 0, k = 0;
    Py_ssize_t nkeywords = keywords == NULL ? 0 : PyDict_GET_SIZE(keywords);
    int result = -1;

    if (nargs + nkeywords > (Py_ssize_t)(sizeof values / sizeof *values))
        return raise_too_many(function, rows, nargs + nkeywords);
    memcpy(values, &PyTuple_GET_ITEM(args, 0), (size_t)nargs * sizeof *values);
    if (nkeywords > 0) {
        names = PyTuple_New(nkeywords);
        if (names == NULL)
            return -1;
        while (PyDict_Next(keywords, &at, &key, &value)) {
            PyTuple_SET_ITEM(names, k++, Py_NewRef(key));
            values[n++] = value;
        }
    }
    result = args_parse(function, rows, out, values, nargs, names);
    Py_XDECREF(names);
    return result;
}

/* -------------------------------------------------------------- converters */

PyObject *raise_type(const char *what, const char *wanted, PyObject *got)
{
    PyErr_Format(PyExc_TypeError, "%s must be %s, not %.200s", what, wanted, Py_TYPE(got)->tp_name);
    return NULL;
}

int arg_object(PyObject *object, void *out)
{
    *(PyObject **)out = object;
    return 0;
}

/* The value of an int, of which a reference is given away; -1 if there is none. */
static int take_int64(PyObject *number, void *out)
{
    long long value;

    if (number == NULL)
        return -1;
    value = PyLong_AsLongLong(number);
    Py_DECREF(number);
    if (value == -1 && PyErr_Occurred())
        return -1;
    *(int64_t *)out = value;
    return 0;
}

static int refuse_wide(int64_t value)
{
    PyErr_Format(PyExc_OverflowError, "integer %lld does not fit in 'int'", (long long)value);
    return -1;
}

int arg_int64(PyObject *object, void *out)
{
    const PyNumberMethods *number = Py_TYPE(object)->tp_as_number;

    if (int_is_small(object)) {
        *(int64_t *)out = int_small(object);
        return 0;
    }
    if (PyLong_Check(object) || number == NULL || number->nb_int == NULL)
        return take_int64(PyNumber_Index(object), out);
    return take_int64(PyNumber_Long(object), out);
}

int arg_int(PyObject *object, void *out)
{
    int64_t value;

    if (arg_int64(object, &value) < 0)
        return -1;
    if (value < INT_MIN || value > INT_MAX)
        return refuse_wide(value);
    *(int *)out = (int)value;
    return 0;
}

int arg_size(PyObject *object, void *out)
{
    int64_t value;

    if (arg_int64(object, &value) < 0)
        return -1;
    *(Py_ssize_t *)out = (Py_ssize_t)value;
    return 0;
}

int index_int64(PyObject *object, void *out)
{
    if (int_is_small(object)) {
        *(int64_t *)out = int_small(object);
        return 0;
    }
    return take_int64(PyNumber_Index(object), out);
}

int index_int(PyObject *object, void *out)
{
    int64_t value;

    if (index_int64(object, &value) < 0)
        return -1;
    if (value < INT_MIN || value > INT_MAX)
        return refuse_wide(value);
    *(int *)out = (int)value;
    return 0;
}

int index_size(PyObject *object, void *out)
{
    int64_t value;

    if (index_int64(object, &value) < 0)
        return -1;
    *(Py_ssize_t *)out = (Py_ssize_t)value;
    return 0;
}

int arg_bool(PyObject *object, void *out)
{
    int value = PyObject_IsTrue(object);

    *(int *)out = value;
    return value < 0 ? -1 : 0;
}

int arg_double(PyObject *object, void *out)
{
    double value = PyFloat_AsDouble(object);

    if (value == -1.0 && PyErr_Occurred())
        return -1;
    *(double *)out = value;
    return 0;
}

int arg_text(PyObject *object, void *out)
{
    const char *text;

    if (!PyUnicode_Check(object)) {
        raise_type("the argument", "str", object);
        return -1;
    }
    text = PyUnicode_AsUTF8(object);
    *(const char **)out = text;
    return text == NULL ? -1 : 0;
}

int arg_string(PyObject *object, void *out)
{
    PyObject *bytes = PyBytes_Check(object) ? object : NULL;
    const char *text;
    Py_ssize_t length;

    if (bytes == NULL && !PyUnicode_Check(object)) {
        raise_type("the argument", "str or bytes", object);
        return -1;
    }
    if (bytes != NULL) {
        text = PyBytes_AS_STRING(bytes);
        length = PyBytes_GET_SIZE(bytes);
    } else {
        text = PyUnicode_AsUTF8AndSize(object, &length);
    }
    *(const char **)out = text;
    if (text != NULL && (size_t)length != strlen(text)) {
        PyErr_SetString(PyExc_ValueError, "embedded null byte: MPI's texts end there");
        return -1;
    }
    return text == NULL ? -1 : 0;
}

/* Bytes that were no text, as lists of names give them: kept for good, they are rare. */
static int odd_name(PyObject *object, const char **out)
{
    static PyObject *kept;
    PyObject *bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape"), *same = NULL;

    if (kept == NULL)
        kept = PyDict_New();
    if (bytes != NULL && kept != NULL)
        same = PyDict_SetDefault(kept, object, bytes);
    Py_XDECREF(bytes);
    *out = same == NULL ? NULL : PyBytes_AS_STRING(same);
    return same == NULL ? -1 : 0;
}

int arg_name(PyObject *object, void *out)
{
    if (PyUnicode_Check(object)) {
        if (arg_text(object, out) == 0 || !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return PyErr_Occurred() ? -1 : 0;
        PyErr_Clear();
        return odd_name(object, out);
    }
    if (PyBytes_Check(object)) {
        *(const char **)out = PyBytes_AS_STRING(object);
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "A name should be string or bytes, not %R", Py_TYPE(object));
    return -1;
}

/* --------------------------------------------------------- lists of integers */

int is_integer(PyObject *object)
{
    if (PyLong_Check(object))
        return 1;
    if (!PyIndex_Check(object))
        return 0;
    if (array_dtype_of(object) != NULL)
        return array_ndim(object) == 0;
    return !PySequence_Check(object);
}

int ints_from(PyObject *sequence, int **out)
{
    PyObject *fast = PySequence_Fast(sequence, "expecting a sequence of integers");
    Py_ssize_t n, i = 0;
    int *values = NULL;

    if (fast == NULL)
        return -1;
    n = PySequence_Fast_GET_SIZE(fast);
    if (n > INT_MAX)
        PyErr_SetString(PyExc_OverflowError, "sequence too long");
    else
        values = PyMem_Malloc((size_t)(n + 1) * sizeof *values);
    while (values != NULL && i < n && index_int(PySequence_Fast_GET_ITEM(fast, i), &values[i]) == 0)
        i++;
    Py_DECREF(fast);
    if (values == NULL || i < n) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        PyMem_Free(values);
        return -1;
    }
    *out = values;
    return (int)n;
}

PyObject *ints_to_list(const int *values, int n)
{
    PyObject *list = PyList_New(n);

    for (int i = 0; list != NULL && i < n; i++) {
        PyObject *item = PyLong_FromLong(values[i]);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}
