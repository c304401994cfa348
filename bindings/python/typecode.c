/*
 * Datatypes by code: the format characters of Python's struct and array modules,
 * NumPy's type strings, and codes of Fortran's kinds.
 */
#include "datatype.h"
#include "absent.h"

#include <string.h>

typedef struct code_row {
    const char *code;
    MPI_Datatype type;
} code_row;

/* What a code of C's and NumPy's stands for; the first rows are the table _typedict_c. */
static const code_row c_rows[] = {
    {"?", MPI_C_BOOL},
    {"b", MPI_SIGNED_CHAR},
    {"h", MPI_SHORT},
    {"i", MPI_INT},
    {"l", MPI_LONG},
    {"q", MPI_LONG_LONG},
    {"B", MPI_UNSIGNED_CHAR},
    {"H", MPI_UNSIGNED_SHORT},
    {"I", MPI_UNSIGNED},
    {"L", MPI_UNSIGNED_LONG},
    {"Q", MPI_UNSIGNED_LONG_LONG},
    {"f", MPI_FLOAT},
    {"d", MPI_DOUBLE},
    {"g", MPI_LONG_DOUBLE},
    {"F", MPI_C_FLOAT_COMPLEX},
    {"D", MPI_C_DOUBLE_COMPLEX},
    {"G", MPI_C_LONG_DOUBLE_COMPLEX},
    {"b1", MPI_C_BOOL},
    {"i1", MPI_INT8_T},
    {"i2", MPI_INT16_T},
    {"i4", MPI_INT32_T},
    {"i8", MPI_INT64_T},
    {"u1", MPI_UINT8_T},
    {"u2", MPI_UINT16_T},
    {"u4", MPI_UINT32_T},
    {"u8", MPI_UINT64_T},
    {"f2", MPI_FLOAT16_T},
    {"f4", MPI_FLOAT},
    {"f8", MPI_DOUBLE},
    {"f16", MPI_LONG_DOUBLE},
    {"c8", MPI_C_FLOAT_COMPLEX},
    {"c16", MPI_C_DOUBLE_COMPLEX},
    {"c32", MPI_C_LONG_DOUBLE_COMPLEX},
};

/* The rest of _typedict: other spellings, and what has no exact type in C. */
static const code_row other_rows[] = {
    {"e", MPI_FLOAT16_T},
    {"Zf", MPI_C_FLOAT_COMPLEX},
    {"Zd", MPI_C_DOUBLE_COMPLEX},
    {"n", MPI_COUNT},
    {"Zg", MPI_C_LONG_DOUBLE_COMPLEX},
    {"N", MPI_UNSIGNED_LONG},
    {"p", MPI_AINT},
    {"P", MPI_UNSIGNED_LONG},
    {"c", MPI_CHAR},
    {"a", MPI_CHAR},
    {"S", MPI_CHAR},
    {"S1", MPI_CHAR},
    {"s", MPI_CHAR},
    {"1s", MPI_CHAR},
    {"U", MPI_WCHAR},
    {"U1", MPI_WCHAR},
    {"u", MPI_UINT16_T},
    {"1u", MPI_UINT16_T},
    {"w", MPI_WCHAR},
    {"1w", MPI_WCHAR},
    {"M", MPI_INT64_T},
    {"M8", MPI_INT64_T},
    {"m", MPI_INT64_T},
    {"m8", MPI_INT64_T},
};

static const code_row fortran_rows[] = {
    {"l", MPI_LOGICAL},          {"l1", MPI_LOGICAL1},   {"l2", MPI_LOGICAL2},
    {"l4", MPI_LOGICAL4},        {"l8", MPI_LOGICAL8},   {"l16", MPI_LOGICAL16},
    {"i", MPI_INTEGER},          {"r", MPI_REAL},        {"s", MPI_REAL},
    {"d", MPI_DOUBLE_PRECISION}, {"c", MPI_COMPLEX},     {"z", MPI_DOUBLE_COMPLEX},
    {"i1", MPI_INTEGER1},        {"i2", MPI_INTEGER2},   {"i4", MPI_INTEGER4},
    {"i8", MPI_INTEGER8},        {"i16", MPI_INTEGER16}, {"r2", MPI_REAL2},
    {"r4", MPI_REAL4},           {"r8", MPI_REAL8},      {"r16", MPI_REAL16},
    {"c4", MPI_COMPLEX4},        {"c8", MPI_COMPLEX8},   {"c16", MPI_COMPLEX16},
    {"c32", MPI_COMPLEX32},
};

/* The code of a type: what distinguishes it best for Python. A letter alone stands for the type
 * of C, with a star the size in bytes follows. */
static const code_row type_rows[] = {
    {"B", MPI_PACKED},
    {"B", MPI_BYTE},
    {"c", MPI_CHAR},
    {"U", MPI_WCHAR},
    {"b", MPI_SIGNED_CHAR},
    {"h", MPI_SHORT},
    {"i", MPI_INT},
    {"l", MPI_LONG},
    {"q", MPI_LONG_LONG},
    {"B", MPI_UNSIGNED_CHAR},
    {"H", MPI_UNSIGNED_SHORT},
    {"I", MPI_UNSIGNED},
    {"L", MPI_UNSIGNED_LONG},
    {"Q", MPI_UNSIGNED_LONG_LONG},
    {"f", MPI_FLOAT},
    {"d", MPI_DOUBLE},
    {"g", MPI_LONG_DOUBLE},
    {"b*", MPI_C_BOOL},
    {"i*", MPI_INT8_T},
    {"i*", MPI_INT16_T},
    {"i*", MPI_INT32_T},
    {"i*", MPI_INT64_T},
    {"u*", MPI_UINT8_T},
    {"u*", MPI_UINT16_T},
    {"u*", MPI_UINT32_T},
    {"u*", MPI_UINT64_T},
    {"e", MPI_FLOAT16_T},
    {"F", MPI_C_FLOAT_COMPLEX},
    {"D", MPI_C_DOUBLE_COMPLEX},
    {"G", MPI_C_LONG_DOUBLE_COMPLEX},
    {"?", MPI_CXX_BOOL},
    {"F", MPI_CXX_FLOAT_COMPLEX},
    {"D", MPI_CXX_DOUBLE_COMPLEX},
    {"G", MPI_CXX_LONG_DOUBLE_COMPLEX},
    {"p", MPI_AINT},
    {"p", MPI_OFFSET},
    {"p", MPI_COUNT},
    {"c", MPI_CHARACTER},
    {"i", MPI_LOGICAL},
    {"i", MPI_INTEGER},
    {"f", MPI_REAL},
    {"d", MPI_DOUBLE_PRECISION},
    {"F", MPI_COMPLEX},
    {"D", MPI_DOUBLE_COMPLEX},
    {"i*", MPI_LOGICAL1},
    {"i*", MPI_LOGICAL2},
    {"i*", MPI_LOGICAL4},
    {"i*", MPI_LOGICAL8},
    {"i*", MPI_INTEGER1},
    {"i*", MPI_INTEGER2},
    {"i*", MPI_INTEGER4},
    {"i*", MPI_INTEGER8},
    {"i*", MPI_INTEGER16},
    {"f*", MPI_REAL2},
    {"f*", MPI_REAL4},
    {"f*", MPI_REAL8},
    {"f*", MPI_REAL16},
    {"c*", MPI_COMPLEX4},
    {"c*", MPI_COMPLEX8},
    {"c*", MPI_COMPLEX16},
    {"c*", MPI_COMPLEX32},
};

#define ROWS(table) (sizeof table / sizeof *table)

static MPI_Datatype find(const code_row *rows, size_t n, const char *code)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].code, code) == 0)
            return rows[i].type;
    return MPI_DATATYPE_NULL;
}

MPI_Datatype typecode_find(const char *code)
{
    MPI_Datatype type = find(c_rows, ROWS(c_rows), code);

    return type != MPI_DATATYPE_NULL ? type : find(other_rows, ROWS(other_rows), code);
}

/* ----------------------------------------------------------- from a type to its code */

/* Letter and size in bytes, as NumPy's type strings have them, of the types of C by their
 * format characters. */
typedef struct format_row {
    char code, letter;
    unsigned char size, align;
} format_row;

static const format_row format_rows[] = {
    {'?', 'b', 1, 1},
    {'b', 'i', 1, 1},
    {'h', 'i', sizeof(short), _Alignof(short)},
    {'i', 'i', sizeof(int), _Alignof(int)},
    {'l', 'i', sizeof(long), _Alignof(long)},
    {'q', 'i', sizeof(long long), _Alignof(long long)},
    {'p', 'i', sizeof(void *), _Alignof(void *)},
    {'B', 'u', 1, 1},
    {'H', 'u', sizeof(short), _Alignof(short)},
    {'I', 'u', sizeof(int), _Alignof(int)},
    {'L', 'u', sizeof(long), _Alignof(long)},
    {'Q', 'u', sizeof(long long), _Alignof(long long)},
    {'e', 'f', 2, 2},
    {'f', 'f', sizeof(float), _Alignof(float)},
    {'d', 'f', sizeof(double), _Alignof(double)},
    {'g', 'f', sizeof(long double), _Alignof(long double)},
    {'F', 'c', 2 * sizeof(float), _Alignof(float)},
    {'D', 'c', 2 * sizeof(double), _Alignof(double)},
    {'G', 'c', 2 * sizeof(long double), _Alignof(long double)},
    {'c', 'S', 1, 1},
    {'U', 'U', 1, _Alignof(wchar_t)},
};

/* The format of a code such as "i" or "i4"; NULL if there is none. */
static const format_row *format_of(const char *code)
{
    for (size_t i = 0; i < ROWS(format_rows); i++) {
        const format_row *row = &format_rows[i];
        if (code[1] == '\0' ? row->code == code[0]
                            : row->letter == code[0] && row->size == atoi(code + 1))
            return row;
    }
    return NULL;
}

static int code_of_named(MPI_Datatype type, char code[8])
{
    for (size_t i = 0; i < ROWS(type_rows); i++)
        if (type_rows[i].type == type) {
            int letters = (int)strcspn(type_rows[i].code, "*");
            if (type_rows[i].code[letters] == '*')
                snprintf(code, 8, "%.*s%d", letters, type_rows[i].code, (int)mpi_type_size(type));
            else
                snprintf(code, 8, "%s", type_rows[i].code);
            return 1;
        }
    return 0;
}

/* The letter of the types made for Fortran's kinds. */
static char kind_letter(int combiner)
{
    return combiner == MPI_COMBINER_F90_INTEGER ? 'i'
           : combiner == MPI_COMBINER_F90_REAL  ? 'f'
                                                : 'c';
}

/* The code of a type; 1, 0 if it has none, -1 with an exception. */
static int code_of(MPI_Datatype type, char code[8])
{
    MPI_Datatype copied;
    envelope e;
    int found;

    if (type == MPI_DATATYPE_NULL)
        return 0;
    if (datatype_envelope(type, &e) < 0)
        return -1;
    if (e.combiner == MPI_COMBINER_NAMED)
        return code_of_named(type, code);
    if (combiner_is_predefined(e.combiner))
        return snprintf(code, 8, "%c%d", kind_letter(e.combiner), (int)mpi_type_size(type)) > 0;
    if (e.combiner != MPI_COMBINER_DUP)
        return 0;
    if (datatype_copied(type, &copied) < 0)
        return -1;
    found = code_of(copied, code);
    return datatype_drop(&copied) < 0 ? -1 : found;
}

/* ------------------------------------------------------------------- Python's names */

static MPI_Datatype mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.datatype;
}

PyDoc_STRVAR(tocode_doc, "tocode($self, /)\n--\n\nThe format character or type string of a "
                         "predefined datatype, such as 'd' or 'i4'. Not collective.");

static PyObject *datatype_tocode(PyObject *self, PyObject *Py_UNUSED(none))
{
    char code[8];
    int found = mpi_ready(state_of(self)) < 0 ? -1 : code_of(mpi_of(self), code);

    if (found == 0)
        PyErr_SetString(PyExc_ValueError, "cannot map to character code or type string");
    return found > 0 ? PyUnicode_FromString(code) : NULL;
}

PyDoc_STRVAR(fromcode_doc, "fromcode($type, /, code)\n--\n\nThe predefined datatype of a format "
                           "character or type string, such as 'd' or 'f8'. Not collective.");

static PyObject *datatype_fromcode(PyObject *cls, PyObject *arg)
{
    MPI_Datatype type = MPI_DATATYPE_NULL;

    if (PyUnicode_Check(arg) && PyUnicode_AsUTF8(arg) != NULL)
        type = typecode_find(PyUnicode_AsUTF8(arg));
    if (type == MPI_DATATYPE_NULL)
        return PyErr_Format(PyExc_ValueError, "cannot map code %R to MPI datatype", arg);
    return handle_make(state_of_class(cls)->types[TYPE_Datatype], KIND_datatype,
                       (any_handle){.datatype = type});
}

/* "i4" or, of what NumPy has no such thing for, "V" and the extent. */
PyObject *typecode_typestr(PyObject *self, void *Py_UNUSED(none))
{
    MPI_Aint lb = 0, extent = 0;
    char code[8] = "";
    const format_row *format;
    int found;

    if (mpi_of(self) == MPI_DATATYPE_NULL)
        return PyUnicode_FromString("");
    found = mpi_ready(state_of(self)) < 0 ? -1 : code_of(mpi_of(self), code);
    if (found < 0)
        return NULL;
    format = found ? format_of(code) : NULL;
    if (format != NULL)
        return PyUnicode_FromFormat("%c%d", format->letter, (int)format->size);
    if (mpi_failed(MPI_Type_get_extent(mpi_of(self), &lb, &extent), "MPI_Type_get_extent") < 0)
        return NULL;
    return PyUnicode_FromFormat("V%zd", (Py_ssize_t)extent);
}

PyObject *typecode_typechar(PyObject *self, void *Py_UNUSED(none))
{
    char code[8] = "";
    const format_row *format;
    int found;

    if (mpi_of(self) == MPI_DATATYPE_NULL)
        return PyUnicode_FromString("");
    found = mpi_ready(state_of(self)) < 0 ? -1 : code_of(mpi_of(self), code);
    format = found > 0 ? format_of(code) : NULL;
    return found < 0 ? NULL : PyUnicode_FromFormat("%c", format != NULL ? format->code : 'V');
}

static PyObject *module_typecode(PyObject *module, PyObject *object)
{
    MPI_Datatype type;
    char code[8];
    int found;

    if (type_arg(PyModule_GetState(module), object, &type) < 0 ||
        mpi_ready(PyModule_GetState(module)) < 0)
        return NULL;
    found = code_of(type, code);
    if (found == 0)
        Py_RETURN_NONE;
    return found < 0 ? NULL : PyUnicode_FromString(code);
}

/* Alignment of the structs {value; int} behind MPI's pairs. */
static int pair_align(MPI_Datatype type)
{
    const struct {
        MPI_Datatype type;
        size_t align;
    } rows[] = {
        {MPI_SHORT_INT, _Alignof(int)},     {MPI_2INT, _Alignof(int)},
        {MPI_LONG_INT, _Alignof(long)},     {MPI_FLOAT_INT, _Alignof(float)},
        {MPI_DOUBLE_INT, _Alignof(double)}, {MPI_LONG_DOUBLE_INT, _Alignof(long double)},
    };

    for (size_t i = 0; i < ROWS(rows); i++)
        if (rows[i].type == type)
            return (int)rows[i].align;
    return 0;
}

static PyObject *module_typealign(PyObject *module, PyObject *object)
{
    MPI_Datatype type;
    const format_row *format;
    char code[8];
    int found, align;

    if (type_arg(PyModule_GetState(module), object, &type) < 0 ||
        mpi_ready(PyModule_GetState(module)) < 0)
        return NULL;
    found = code_of(type, code);
    if (found < 0)
        return NULL;
    format = found ? format_of(code) : NULL;
    align = format != NULL ? format->align : pair_align(type);
    if (align == 0)
        Py_RETURN_NONE;
    return PyLong_FromLong(align);
}

static PyMethodDef typecode_functions[] = {
    {"_typecode", module_typecode, METH_O,
     "_typecode($module, datatype, /)\n--\n\nDatatype.tocode(), or None."},
    {"_typealign", module_typealign, METH_O,
     "_typealign($module, datatype, /)\n--\n\nAlignment in memory of a predefined type, or None."},
    {NULL, NULL, 0, NULL},
};

static int add_types(PyTypeObject *class, PyObject *dict, const code_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        PyObject *type;
        int failed;
        if (rows[i].type == MPI_DATATYPE_NULL)
            continue;
        type = handle_make(class, KIND_datatype, (any_handle){.datatype = rows[i].type});
        failed = type == NULL || PyDict_SetItemString(dict, rows[i].code, type) < 0;
        Py_XDECREF(type);
        if (failed)
            return -1;
    }
    return 0;
}

int typecode_setup(PyObject *module, state *st)
{
    PyTypeObject *class = st->types[TYPE_Datatype];
    PyObject *all = PyDict_New(), *c = PyDict_New(), *fortran = PyDict_New();
    int failed = all == NULL || c == NULL || fortran == NULL ||
                 add_types(class, c, c_rows, ROWS(c_rows)) < 0 || PyDict_Update(all, c) < 0 ||
                 add_types(class, all, other_rows, ROWS(other_rows)) < 0 ||
                 add_types(class, fortran, fortran_rows, ROWS(fortran_rows)) < 0 ||
                 PyModule_AddObjectRef(module, "_typedict", all) < 0 ||
                 PyModule_AddObjectRef(module, "_typedict_c", c) < 0 ||
                 PyModule_AddObjectRef(module, "_typedict_f", fortran) < 0 ||
                 PyModule_AddFunctions(module, typecode_functions) < 0;

    Py_XDECREF(all);
    Py_XDECREF(c);
    Py_XDECREF(fortran);
    return failed ? -1 : 0;
}

/* clang-format off */
const row_method typecode_rows[] = {
    {"fromcode", fromcode_doc, method_one, "code", {.one = datatype_fromcode}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

PyMethodDef typecode_methods[] = {
    {"tocode", datatype_tocode, METH_NOARGS, tocode_doc},
    {NULL, NULL, 0, NULL},
};
