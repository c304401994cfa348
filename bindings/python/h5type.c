/* Element types that are no plain numbers, between the library and collio._types, which knows
 * them as dtypes. */
#include "h5.h"

#include "collio/reference.h"

#include <string.h>

/* ------------------------------------------------------------------- making them */

/* A type that is to be made, in C; texts belong to the Python object it was read from. */
typedef struct description {
    const char *form, *text;
    Py_ssize_t size;
    int flag, ended;
    int base; /* a collio_type */
    Py_ssize_t count;
    const char **names; /* lists: PyMem_Free */
    int64_t *numbers;
    collio_type *types;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
} description;

static void forget(description *d)
{
    PyMem_Free(d->names);
    PyMem_Free(d->numbers);
    PyMem_Free(d->types);
}

/* Names and numbers of members, and their types unless that is NULL. */
static int read_members(PyObject *names, PyObject *numbers, PyObject *types, description *d)
{
    d->count = PyList_GET_SIZE(names);
    d->names = PyMem_Calloc((size_t)d->count + 1, sizeof *d->names);
    d->numbers = PyMem_Calloc((size_t)d->count + 1, sizeof *d->numbers);
    d->types = PyMem_Calloc((size_t)d->count + 1, sizeof *d->types);
    if (d->names == NULL || d->numbers == NULL || d->types == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < d->count; i++) {
        if (arg_text(PyList_GetItem(names, i), &d->names[i]) < 0)
            return -1;
        d->numbers[i] = (int64_t)PyLong_AsUnsignedLongLongMask(PyList_GetItem(numbers, i));
        if (types != NULL)
            d->types[i] = (collio_type)PyLong_AsLong(PyList_GetItem(types, i));
        if (PyErr_Occurred())
            return -1;
    }
    return 0;
}

/* 0 if the tuple did not have the items that its form asks for. */
static int read_tuple(PyObject *tuple, description *d)
{
    PyObject *names, *numbers, *types;

    if (strcmp(d->form, "number") == 0)
        return PyArg_ParseTuple(tuple, "ssnp", &d->form, &d->text, &d->size, &d->flag);
    if (strcmp(d->form, "string") == 0)
        return PyArg_ParseTuple(tuple, "snpp", &d->form, &d->size, &d->flag, &d->ended);
    if (strcmp(d->form, "opaque") == 0)
        return PyArg_ParseTuple(tuple, "sns", &d->form, &d->size, &d->text);
    if (strcmp(d->form, "reference") == 0)
        return PyArg_ParseTuple(tuple, "sp", &d->form, &d->flag);
    if (strcmp(d->form, "sequence") == 0)
        return PyArg_ParseTuple(tuple, "si", &d->form, &d->base);
    if (strcmp(d->form, "array") == 0) {
        if (!PyArg_ParseTuple(tuple, "siO", &d->form, &d->base, &names))
            return 0;
        d->ndim = memory_extents(names, "shape", d->shape);
        return d->ndim >= 0;
    }
    if (strcmp(d->form, "enum") == 0)
        return PyArg_ParseTuple(tuple, "siO!O!", &d->form, &d->base, &PyList_Type, &names,
                                &PyList_Type, &numbers) &&
               read_members(names, numbers, NULL, d) == 0;
    return PyArg_ParseTuple(tuple, "snO!O!O!", &d->form, &d->size, &PyList_Type, &names,
                            &PyList_Type, &numbers, &PyList_Type, &types) &&
           read_members(names, numbers, types, d) == 0;
}

static int read_description(PyObject *tuple, description *d)
{
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) < 2) {
        raise_type("a type", "a description", tuple);
        return -1;
    }
    if (arg_text(PyTuple_GET_ITEM(tuple, 0), &d->form) < 0)
        return -1;
    return read_tuple(tuple, d) ? 0 : -1;
}

static collio_type make(const description *d, collio_error *err)
{
    const char *const *names = (const char *const *)d->names;
    collio_type base = (collio_type)d->base;

    switch (d->form[0]) {
    case 'n':
        return collio_type_number(d->text[0], (size_t)d->size, d->flag, err);
    case 'o':
        return collio_type_opaque((size_t)d->size, d->text, err);
    case 'r':
        return collio_type_reference(d->flag, err);
    case 'a':
        return collio_type_array(base, d->ndim, d->shape, err);
    case 'e':
        return collio_type_enum(base, (int)d->count, names, d->numbers, err);
    case 'c':
        return collio_type_compound((size_t)d->size, (int)d->count, names, d->numbers, d->types,
                                    err);
    default:
        if (d->form[1] != 't')
            return collio_type_sequence(base, err);
        return d->ended ? collio_type_text((size_t)d->size, d->flag, err)
                        : collio_type_string((size_t)d->size, d->flag, err);
    }
}

PyDoc_STRVAR(make_doc, "_type_make($module, description, /)\n--\n\nThe number of a type: (form, "
                       "details ...) as _types._describe() makes them.");

static PyObject *type_make(PyObject *Py_UNUSED(module), PyObject *tuple)
{
    collio_error err = COLLIO_ERROR_INIT;
    description d = {.form = ""};
    collio_type type = COLLIO_TYPE_COUNT;
    PyThreadState *saved;

    if (read_description(tuple, &d) == 0) {
        saved = io_enter();
        type = make(&d, &err);
        io_leave(saved);
        if (err.code != COLLIO_OK)
            raise_from(&err);
    }
    forget(&d);
    return PyErr_Occurred() ? NULL : PyLong_FromLong((long)type);
}

/* ------------------------------------------------------------- looking at them */

static PyObject *make_letter(char letter)
{
    return PyUnicode_FromStringAndSize(&letter, letter != 0);
}

/* All members: lists of their names, of their offsets or values, and of their types. */
static PyObject *members_of(collio_type type, const collio_type_facts *f)
{
    PyObject *names = PyList_New(0), *values = PyList_New(0), *types = PyList_New(0);
    collio_error err = COLLIO_ERROR_INIT;

    for (int i = 0; i < f->count && err.code == COLLIO_OK && !PyErr_Occurred(); i++) {
        collio_type member;
        int64_t value;
        char *name;
        PyThreadState *saved = io_enter();
        PyObject *text, *number, *kind;

        collio_type_member(type, i, &name, &value, &member, &err);
        io_leave(saved);
        if (err.code != COLLIO_OK)
            break;
        text = PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "surrogateescape");
        number = PyLong_FromLongLong(value);
        kind = PyLong_FromLong((long)member);
        collio_text_free(&name);
        if (text != NULL && number != NULL && kind != NULL && PyList_Append(names, text) == 0 &&
            PyList_Append(values, number) == 0)
            PyList_Append(types, kind);
        Py_XDECREF(text);
        Py_XDECREF(number);
        Py_XDECREF(kind);
    }
    if (err.code != COLLIO_OK)
        raise_from(&err);
    if (f->form == COLLIO_FORM_ENUM)
        return Py_BuildValue("sniNN", "enum", (Py_ssize_t)f->size, (int)f->base, names, values);
    return Py_BuildValue("snNNN", "compound", (Py_ssize_t)f->size, names, values, types);
}

static PyObject *describe(collio_type type, const collio_type_facts *f)
{
    Py_ssize_t size = (Py_ssize_t)f->size;
    int base = (int)f->base;

    switch (f->form) {
    case COLLIO_FORM_NUMBER:
        return Py_BuildValue("snNi", "number", size, make_letter(f->letter), f->swapped);
    case COLLIO_FORM_STRING:
        return Py_BuildValue("snii", "string", size, f->variable, f->utf8);
    case COLLIO_FORM_ENUM:
    case COLLIO_FORM_COMPOUND:
        return members_of(type, f);
    case COLLIO_FORM_ARRAY:
        return Py_BuildValue("sniN", "array", size, base, memory_tuple(f->ndim, f->shape));
    case COLLIO_FORM_OPAQUE:
        return Py_BuildValue("sns", "opaque", size, f->tag);
    case COLLIO_FORM_SEQUENCE:
        return Py_BuildValue("sni", "sequence", size, base);
    case COLLIO_FORM_REFERENCE:
        return Py_BuildValue("sn", "reference", size);
    default:
        return Py_BuildValue("snNi", "other", size, make_letter(f->letter), f->swapped);
    }
}

PyDoc_STRVAR(info_doc, "_type_info($module, number, /)\n--\n\nWhat a type is: (form, size, details "
                       "...) as the functions in _types._readers take them.");

static PyObject *type_info(PyObject *Py_UNUSED(module), PyObject *number)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_type_facts facts;
    PyThreadState *saved;
    int type;

    if (index_int(number, &type) < 0)
        return NULL;
    saved = io_enter();
    collio_type_info((collio_type)type, &facts, &err);
    io_leave(saved);
    return err.code != COLLIO_OK ? raise_from(&err) : describe((collio_type)type, &facts);
}

/* ----------------------------------------------------------- what pointers point to */

/* Copy what one pointer points to: a text, or with a size a sequence of such elements. New. */
static PyObject *copy_of(const char *slot, Py_ssize_t size)
{
    collio_sequence sequence;
    const char *text;

    if (size == 0) {
        memcpy(&text, slot, sizeof text);
        return PyBytes_FromString(text != NULL ? text : "");
    }
    memcpy(&sequence, slot, sizeof sequence);
    return PyBytes_FromStringAndSize(sequence.elements, (Py_ssize_t)sequence.count * size);
}

PyDoc_STRVAR(copies_doc, "_type_copies($module, slots, size, /)\n--\n\nThe bytes that pointers in "
                         "a buffer point to, a list: texts (size 0), or sequences of elements of "
                         "`size` bytes.");

static PyObject *type_copies(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_ssize_t size, step, n;
    PyObject *list;
    Py_buffer slots;

    if (!PyArg_ParseTuple(args, "y*n", &slots, &size))
        return NULL;
    step = (Py_ssize_t)(size == 0 ? sizeof(char *) : sizeof(collio_sequence));
    n = slots.len / step;
    list = PyList_New(n);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyObject *item = copy_of((const char *)slots.buf + i * step, size);

        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    PyBuffer_Release(&slots);
    return list;
}

PyDoc_STRVAR(names_doc,
             "_type_names($module, real, imaginary, false, true, /)\n--\n\nNames in types "
             "of complex numbers and truth values. Not collective.");

static PyObject *type_names(PyObject *Py_UNUSED(module), PyObject *args)
{
    collio_error err = COLLIO_ERROR_INIT;
    const char *names[4];
    PyThreadState *saved;

    if (!PyArg_ParseTuple(args, "ssss", &names[0], &names[1], &names[2], &names[3]))
        return NULL;
    saved = io_enter();
    collio_type_name_pairs(names, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    Py_RETURN_NONE;
}

PyMethodDef h5type_functions[] = {
    {"_type_names", type_names, METH_VARARGS, names_doc},
    {"_type_make", type_make, METH_O, make_doc},
    {"_type_info", type_info, METH_O, info_doc},
    {"_type_copies", type_copies, METH_VARARGS, copies_doc},
    {NULL, NULL, 0, NULL},
};

/* ----------------------------------------------------------------- dtypes and types */

PyObject *h5_dtype(collio_type type)
{
    if (type < COLLIO_TYPE_COUNT)
        return array_dtype(type);
    return memory_call("collio._types", "dtype_of", "(i)", (int)type);
}

collio_type h5_type(PyObject *dtype)
{
    collio_type type = array_plain_type(dtype);
    PyObject *number;
    int value;

    if (type != COLLIO_TYPE_COUNT)
        return type;
    number = memory_call("collio._types", "type_of", "(O)", dtype);
    if (number != NULL && index_int(number, &value) == 0)
        type = (collio_type)value;
    Py_XDECREF(number);
    return type;
}
