/* Attributes of communicators, datatypes and windows, and the keyvals that name them. */
#include "keyval.h"

/* --------------------------------------------------------- one name for MPI's functions */

static int get_value(enum handle_kind kind, any_handle of, int number, void *out, int *found)
{
#define X(field, class, prefix)                                                                    \
    kind == KIND_##field ? prefix##_get_attr(of.field, number, out, found):
    return OWNERS MPI_ERR_ARG;
#undef X
}

static int set_value(enum handle_kind kind, any_handle of, int number, void *value)
{
#define X(field, class, prefix) kind == KIND_##field ? prefix##_set_attr(of.field, number, value):
    return OWNERS MPI_ERR_ARG;
#undef X
}

static int free_number(enum handle_kind kind, int *number)
{
#define X(field, class, prefix) kind == KIND_##field ? prefix##_free_keyval(number):
    return OWNERS MPI_ERR_ARG;
#undef X
}

/* --------------------------------------------------------------------- the registry */

/* The keyvals of a kind, a dictionary. Borrowed. */
static PyObject *registry(state *st, enum handle_kind kind)
{
#define X(field, class, prefix) kind == KIND_##field ? #class:
    return PyDict_GetItemString(st->keyvals, OWNERS NULL);
#undef X
}

/* The keyval of ours with that number, NULL without an exception for others. Borrowed. */
static keyval *find(state *st, enum handle_kind kind, int number)
{
    PyObject *name = PyLong_FromLong(number), *key;

    key = name != NULL ? PyDict_GetItem(registry(st, kind), name) : NULL;
    Py_XDECREF(name);
    return (keyval *)key;
}

/* Numbers of keys that were freed, as (kind, number). */
static PyObject *freed;

static int change_freed(int (*change)(PyObject *, PyObject *), enum handle_kind kind, int number)
{
    PyObject *pair = Py_BuildValue("(ii)", (int)kind, number);
    int result = -1;

    if (freed == NULL)
        freed = PySet_New(NULL);
    if (freed != NULL && pair != NULL)
        result = change(freed, pair);
    Py_XDECREF(pair);
    return result;
}

/* MPI may go on taking a number that was freed while some attribute has it, but nobody knows what
 * its values are. */
static int check_number(const row_method *row, int number)
{
    int gone = freed != NULL ? change_freed(PySet_Contains, row->mode, number) : 0;

    return gone > 0 ? mpi_failed(MPI_ERR_KEYVAL, row->mpi_name) : gone;
}

int keyval_setup(PyObject *module, state *st)
{
#define X(field, class, prefix) #class,
    static const char *const names[] = {OWNERS};
#undef X
    int failed;

    st->keyvals = PyDict_New();
    failed = st->keyvals == NULL;
    for (size_t i = 0; !failed && i < sizeof names / sizeof *names; i++) {
        PyObject *keyvals = PyDict_New();
        failed = keyvals == NULL || PyDict_SetItemString(st->keyvals, names[i], keyvals) < 0;
        Py_XDECREF(keyvals);
    }
    return failed ? -1 : PyModule_AddObjectRef(module, "_keyval_registry", st->keyvals);
}

static void keyval_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);

    Py_XDECREF(((keyval *)object)->copy);
    Py_XDECREF(((keyval *)object)->delete);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot keyval_slots[] = {
    {Py_tp_dealloc, keyval_dealloc},
    {0, NULL},
};

PyType_Spec Keyval_spec = {
    .name = "collio.MPI._Keyval",
    .basicsize = sizeof(keyval),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = keyval_slots,
};

/* ------------------------------------------------------------- creating and freeing */

typedef struct keyval_args {
    PyObject *copy, *delete, *value;
    int nopython, number;
} keyval_args;

static int check_function(const char *what, PyObject *object)
{
    if (object == Py_None || PyBool_Check(object) || PyCallable_Check(object))
        return 0;
    raise_type(what, "callable, bool or None", object);
    return -1;
}

static keyval *make(state *st, const keyval_args *a)
{
    PyTypeObject *type = st->types[TYPE_Keyval];
    keyval *key = (keyval *)type->tp_alloc(type, 0);

    if (key != NULL) {
        key->copy = Py_NewRef(a->copy);
        key->delete = Py_NewRef(a->delete);
        key->nopython = a->nopython;
    }
    return key;
}

static PyObject *create(PyObject *cls, const row_method *row, PyObject *const *args,
                        Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"|copy_fn", arg_object, offsetof(keyval_args, copy)},
                                   {"|delete_fn", arg_object, offsetof(keyval_args, delete)},
                                   {"|nopython", arg_bool, offsetof(keyval_args, nopython)},
                                   {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    keyval_args a = {Py_None, Py_None, NULL, 0, MPI_KEYVAL_INVALID};
    PyObject *number = NULL;
    keyval *key;
    int failed;

    if (mpi_ready(st) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0 ||
        check_function("copy_fn", a.copy) < 0 || check_function("delete_fn", a.delete) < 0)
        return NULL;
    key = make(st, &a);
    if (key == NULL)
        return NULL;
    failed = mpi_failed(keyval_number(row->mode, key, &a.number), row->mpi_name);
    if (!failed && change_freed(PySet_Discard, row->mode, a.number) >= 0)
        number = PyLong_FromLong(a.number);
    if (number != NULL && PyDict_SetItem(registry(st, row->mode), number, (PyObject *)key) < 0)
        Py_CLEAR(number);
    if (number == NULL && !failed)
        free_number(row->mode, &a.number);
    Py_DECREF(key);
    return number;
}

static PyObject *release(PyObject *cls, const row_method *row, PyObject *const *args,
                         Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"keyval", arg_object, 0}, {NULL, NULL, 0}};
    state *st = state_of_class(cls);
    PyObject *name;
    int number, given;

    if (mpi_ready(st) < 0 || args_parse(row->name, params, &name, args, nargs, keywords) < 0 ||
        arg_int(name, &number) < 0 || check_number(row, given = number) < 0 ||
        mpi_failed(free_number(row->mode, &number), row->mpi_name) < 0)
        return NULL;
    if (PyDict_DelItem(registry(st, row->mode), name) < 0)
        PyErr_Clear(); /* another library's */
    else if (change_freed(PySet_Add, row->mode, given) < 0)
        return NULL;
    return PyLong_FromLong(number);
}

/* -------------------------------------------------------------------- the attributes */

static const param number_params[] = {{"keyval", arg_int, offsetof(keyval_args, number)},
                                      {NULL, NULL, 0}};

/* What the value of a predefined keyval points to. */
enum content { NOTHING, INTEGER, ADDRESS_SIZED };

static enum content predefined(enum handle_kind kind, int number)
{
    static const struct {
        enum handle_kind kind;
        int number;
        enum content content;
    } rows[] = {
        {KIND_comm, MPI_TAG_UB, INTEGER},       {KIND_comm, MPI_WTIME_IS_GLOBAL, INTEGER},
        {KIND_comm, MPI_IO, INTEGER},           {KIND_comm, MPI_UNIVERSE_SIZE, INTEGER},
        {KIND_comm, MPI_APPNUM, INTEGER},       {KIND_comm, MPI_LASTUSEDCODE, INTEGER},
        {KIND_win, MPI_WIN_DISP_UNIT, INTEGER}, {KIND_win, MPI_WIN_CREATE_FLAVOR, INTEGER},
        {KIND_win, MPI_WIN_MODEL, INTEGER},     {KIND_win, MPI_WIN_SIZE, ADDRESS_SIZED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (kind == rows[i].kind && number == rows[i].number)
            return rows[i].content;
    return NOTHING;
}

static PyObject *get(PyObject *self, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    state *st = state_of(self);
    keyval_args a;
    keyval *key;
    enum content content;
    void *value = NULL;
    int found = 0;

    if (mpi_ready(st) < 0 || args_parse(row->name, number_params, &a, args, nargs, keywords) < 0 ||
        check_number(row, a.number) < 0)
        return NULL;
    if (a.number == MPI_UNIVERSE_SIZE && life_without_launcher())
        Py_RETURN_NONE;
    if (mpi_failed(get_value(row->mode, ((handle *)self)->mpi, a.number, &value, &found),
                   row->mpi_name) < 0)
        return NULL;
    if (!found)
        Py_RETURN_NONE;
    key = find(st, row->mode, a.number);
    if (key != NULL)
        return keyval_value(key, value);
    if (row->mode == KIND_win && a.number == MPI_WIN_CREATE_FLAVOR)
        return win_flavor(((handle *)self)->mpi.win, *(int *)value);
    content = predefined(row->mode, a.number);
    if (content == INTEGER)
        return PyLong_FromLong(*(int *)value);
    if (content == ADDRESS_SIZED)
        return PyLong_FromSsize_t((Py_ssize_t) * (MPI_Aint *)value);
    return PyLong_FromSsize_t((Py_ssize_t)(intptr_t)value);
}

static PyObject *set(PyObject *self, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords)
{
    static const param params[] = {{"keyval", arg_int, offsetof(keyval_args, number)},
                                   {"attrval", arg_object, offsetof(keyval_args, value)},
                                   {NULL, NULL, 0}};
    state *st = state_of(self);
    keyval_args a;
    keyval *key;
    void *value;
    int code;

    if (mpi_ready(st) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0 ||
        check_number(row, a.number) < 0)
        return NULL;
    key = find(st, row->mode, a.number);
    if (keyval_store(key, a.value, &value) < 0)
        return NULL;
    Py_XINCREF(key);
    code = set_value(row->mode, ((handle *)self)->mpi, a.number, value);
    if (code != MPI_SUCCESS && key != NULL) {
        if (!key->nopython)
            Py_DECREF((PyObject *)value);
        Py_DECREF(key);
    }
    return mpi_failed(code, row->mpi_name) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *erase(PyObject *self, const row_method *row, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    keyval_args a;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse(row->name, number_params, &a, args, nargs, keywords) < 0 ||
        check_number(row, a.number) < 0)
        return NULL;
    if (mpi_failed(keyval_delete(row->mode, ((handle *)self)->mpi, a.number), row->mpi_name) < 0)
        return NULL;
    Py_RETURN_NONE;
}

#define CREATE_DOC                                                                                 \
    "Create_keyval($type, /, copy_fn=None, delete_fn=None, nopython=False)\n--\n\nA key for "      \
    "attributes. A duplicate gets copy_fn(object, keyval, value), or nothing if that is "          \
    "NotImplemented (copy_fn True: the value, False or None: nothing); delete_fn(object, keyval, " \
    "value) is called when an attribute goes. With nopython values are integers of a pointer's "   \
    "size that C code may use, too. Not collective."
#define FREE_DOC                                                                                   \
    "Free_keyval($type, /, keyval)\n--\n\nFree a key; attributes that are set stay. Returns "      \
    "KEYVAL_INVALID. Not collective."
#define GET_DOC    "Get_attr($self, /, keyval)\n--\n\nAn attribute, or None. Not collective."
#define SET_DOC    "Set_attr($self, /, keyval, attrval)\n--\n\nSet an attribute. Not collective."
#define DELETE_DOC "Delete_attr($self, /, keyval)\n--\n\nDelete an attribute. Not collective."

/* clang-format off */
#define X(field, class, prefix) \
    const row_method field##_keyval_rows[] = { \
        {"Create_keyval", CREATE_DOC, create, #prefix "_create_keyval", {NULL}, KIND_##field, 1}, \
        {"Free_keyval", FREE_DOC, release, #prefix "_free_keyval", {NULL}, KIND_##field, 1}, \
        {"Get_attr", GET_DOC, get, #prefix "_get_attr", {NULL}, KIND_##field, 0}, \
        {"Set_attr", SET_DOC, set, #prefix "_set_attr", {NULL}, KIND_##field, 0}, \
        {"Delete_attr", DELETE_DOC, erase, #prefix "_delete_attr", {NULL}, KIND_##field, 0}, \
        {NULL, NULL, NULL, NULL, {NULL}, 0, 0}, \
    };
OWNERS
#undef X
/* clang-format on */
