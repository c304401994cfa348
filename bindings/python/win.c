/* MPI.Win: memory that other ranks read and write. What it is made of, and what can be asked. */
#include "win.h"

#include <string.h>

int win_of(PyObject *self, MPI_Win *out)
{
    *out = ((handle *)self)->mpi.win;
    return mpi_ready(state_of(self));
}

/* ---------------------------------------------------------- what is known of a window */

/* A private attribute leads from the window to it, whatever object it is reached by. */
static int window_key = MPI_KEYVAL_INVALID;

window *window_of(MPI_Win win)
{
    window *w = NULL;
    int found = 0;

    if (win == MPI_WIN_NULL || window_key == MPI_KEYVAL_INVALID ||
        MPI_Win_get_attr(win, window_key, &w, &found) != MPI_SUCCESS || !found)
        return NULL;
    return w;
}

/* Windows that are not freed. */
static window *known;

static void list_window(window *w)
{
    window **last = &known;

    while (*last != NULL)
        last = &(*last)->next;
    *last = w;
}

static void unlist_window(const window *w)
{
    window **at = &known;

    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at != NULL)
        *at = w->next;
}

/*
 * MPICH's transport ends the process by an assertion if MPI_Finalize finds a window. All processes
 * come to MPI_Finalize, and a window that one has is one that all its ranks have. They were made
 * one after the other, so freeing them in that order waits for nobody in a circle.
 */
void windows_free(void)
{
    while (known != NULL) {
        window *w = known;
        known = w->next;
        MPI_Win_free(&w->win);
    }
}

int window_know(MPI_Win win, window *w)
{
    if (window_key == MPI_KEYVAL_INVALID &&
        mpi_failed(
            MPI_Win_create_keyval(MPI_WIN_NULL_COPY_FN, MPI_WIN_NULL_DELETE_FN, &window_key, NULL),
            "MPI_Win_create_keyval") < 0)
        return -1;
    w->pending = PyDict_New();
    if (w->pending == NULL)
        return -1;
    if (mpi_failed(MPI_Win_set_attr(win, window_key, w), "MPI_Win_set_attr") < 0)
        return -1;
    w->win = win;
    list_window(w);
    return 0;
}

void window_forget(window *w)
{
    if (w == NULL)
        return;
    unlist_window(w);
    Py_XDECREF(w->memory);
    Py_XDECREF(w->pending);
    PyMem_Free(w);
}

/* The buffers kept for a rank, a list; made if there is none. Borrowed. */
static PyObject *kept_for(window *w, int rank)
{
    PyObject *key = PyLong_FromLong(rank), *fresh = NULL, *list = NULL;

    if (key != NULL)
        list = PyDict_GetItemWithError(w->pending, key);
    if (list == NULL && key != NULL && !PyErr_Occurred()) {
        fresh = PyList_New(0);
        if (fresh != NULL && PyDict_SetItem(w->pending, key, fresh) == 0)
            list = fresh; /* the dictionary has it */
        Py_XDECREF(fresh);
    }
    Py_XDECREF(key);
    return list;
}

int window_keep(window *w, int rank, PyObject *buffer)
{
    PyObject *list;
    Py_ssize_t n;

    if (w == NULL || buffer == NULL || rank == MPI_PROC_NULL)
        return 0;
    list = kept_for(w, rank);
    if (list == NULL)
        return -1;
    n = PyList_GET_SIZE(list); /* the same array in a loop is kept once */
    if (n > 0 && PyList_GET_ITEM(list, n - 1) == buffer)
        return 0;
    return PyList_Append(list, buffer);
}

void window_settle(window *w, int rank)
{
    PyObject *key;

    if (w == NULL)
        return;
    if (rank < 0) {
        PyDict_Clear(w->pending);
        return;
    }
    key = PyLong_FromLong(rank);
    if (key == NULL || PyDict_DelItem(w->pending, key) < 0)
        PyErr_Clear(); /* nothing was kept */
    Py_XDECREF(key);
}

/* --------------------------------------------------------------------- attributes */

/* A predefined attribute, 0 where the window has none. */
static int attribute(MPI_Win win, int key, void *out, size_t size)
{
    void *value = NULL;
    int found = 0;

    memset(out, 0, size);
    if (mpi_failed(MPI_Win_get_attr(win, key, &value, &found), "MPI_Win_get_attr") < 0)
        return -1;
    if (key == MPI_WIN_BASE && found)
        memcpy(out, &value, size);
    else if (found)
        memcpy(out, value, size);
    return 0;
}

static int memory_of(PyObject *self, void **base, MPI_Aint *size)
{
    MPI_Win win;

    if (win_of(self, &win) < 0 || attribute(win, MPI_WIN_BASE, base, sizeof *base) < 0 ||
        attribute(win, MPI_WIN_SIZE, size, sizeof *size) < 0)
        return -1;
    return 0;
}

static PyObject *get_attrs(PyObject *self, void *Py_UNUSED(none))
{
    void *base;
    MPI_Aint size;
    int unit;

    if (memory_of(self, &base, &size) < 0 ||
        attribute(((handle *)self)->mpi.win, MPI_WIN_DISP_UNIT, &unit, sizeof unit) < 0)
        return NULL;
    return Py_BuildValue("(Nni)", PyLong_FromVoidPtr(base), (Py_ssize_t)size, unit);
}

PyObject *win_flavor(MPI_Win win, int actual)
{
    window *w = window_of(win);

    return PyLong_FromLong(w != NULL ? w->flavor : actual);
}

/* The flavor or the model: an integer. */
static PyObject *get_number(PyObject *self, void *key)
{
    MPI_Win win;
    int value;

    if (win_of(self, &win) < 0 || attribute(win, (int)(intptr_t)key, &value, sizeof value) < 0)
        return NULL;
    return (int)(intptr_t)key == MPI_WIN_CREATE_FLAVOR ? win_flavor(win, value)
                                                       : PyLong_FromLong(value);
}

/* ------------------------------------------------------------------------- memory */

static char nothing[1]; /* where memory of no bytes lies */

/* memoryview(win): the memory of this rank. */
static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    void *base;
    MPI_Aint size;

    if (memory_of(self, &base, &size) < 0)
        return -1;
    if (PyBuffer_FillInfo(view, self, base != NULL ? base : nothing, (Py_ssize_t)size, 0, flags) <
        0)
        return -1;
    ((handle *)self)->size++;
    return 0;
}

/* The object keeps the memory as long as there is a view, even if the window is freed. */
static void release_buffer(PyObject *object, Py_buffer *Py_UNUSED(view))
{
    handle *self = (handle *)object;

    self->size--;
    if (self->size == 0 && self->mpi.win == MPI_WIN_NULL)
        Py_CLEAR(self->keep);
}

PyDoc_STRVAR(tomemory_doc, "tomemory($self, /)\n--\n\nThe memory of this rank. Not collective.");

static PyObject *win_tomemory(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_CallOneArg((PyObject *)state_of(self)->types[TYPE_buffer], self);
}

static PyObject *win_Shared_query(PyObject *self, PyObject *arg)
{
    MPI_Aint size = 0;
    MPI_Win win;
    PyObject *memory;
    void *base = NULL;
    int rank, unit = 1;

    if (win_of(self, &win) < 0 || arg_int(arg, &rank) < 0 ||
        mpi_failed(MPI_Win_shared_query(win, rank, &size, &unit, &base), "MPI_Win_shared_query") <
            0)
        return NULL;
    memory = buffer_at(state_of(self), base, (Py_ssize_t)size, 0, self);
    if (memory == NULL)
        return NULL;
    ((handle *)self)->size++; /* until release_buffer() */
    return Py_BuildValue("(Ni)", memory, unit);
}

/* Note in the window, or forget, what keeps the memory at an address. */
static int note_memory(MPI_Win win, const message *m, int attached)
{
    window *w = window_of(win);
    PyObject *address;
    int result;

    if (w == NULL || w->flavor != MPI_WIN_FLAVOR_DYNAMIC)
        return 0;
    address = PyLong_FromVoidPtr(m->data);
    if (address == NULL)
        return -1;
    result =
        attached ? PyDict_SetItem(w->memory, address, m->keep) : PyDict_DelItem(w->memory, address);
    Py_DECREF(address);
    if (result < 0 && PyErr_ExceptionMatches(PyExc_KeyError)) { /* detached twice */
        PyErr_Clear();
        result = 0;
    }
    return result;
}

static PyObject *change_memory(PyObject *self, PyObject *memory, int attach)
{
    Py_ssize_t nbytes = 0;
    message m;
    MPI_Win win;
    int failed;

    if (win_of(self, &win) < 0)
        return NULL;
    message_init(&m);
    failed = message_memory(memory, 1, &m, &nbytes);
    if (!failed && attach)
        failed = mpi_failed(MPI_Win_attach(win, m.data, (MPI_Aint)nbytes), "MPI_Win_attach");
    else if (!failed)
        failed = mpi_failed(MPI_Win_detach(win, m.data), "MPI_Win_detach");
    if (!failed)
        failed = note_memory(win, &m, attach);
    message_release(&m);
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *win_Attach(PyObject *self, PyObject *memory)
{
    return change_memory(self, memory, 1);
}

static PyObject *win_Detach(PyObject *self, PyObject *memory)
{
    return change_memory(self, memory, 0);
}

PyDoc_STRVAR(free_doc, "Free($self, /)\n--\n\nFree the window; operations on it must be complete. "
                       "Collective.");

static PyObject *win_Free(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyThreadState *saved;
    window *w;
    MPI_Win win;
    int code;

    if (win_of(self, &win) < 0)
        return NULL;
    w = window_of(win);
    leaks_forget(KIND_win, ((handle *)self)->mpi);
    if (((handle *)self)->constant == NULL)
        ((handle *)self)->mpi = handle_null(KIND_win); /* while others may run */
    saved = gil_release();
    code = MPI_Win_free(&win);
    gil_acquire(saved);
    ((handle *)self)->mpi.win = win;
    if (code == MPI_SUCCESS) {
        window_forget(w);
        if (((handle *)self)->size == 0)
            Py_CLEAR(((handle *)self)->keep);
    }
    return mpi_failed(code, "MPI_Win_free") < 0 ? NULL : Py_NewRef(Py_None);
}

/* ------------------------------------------------------------- group, hints, name */

PyDoc_STRVAR(get_group_doc,
             "Get_group($self, /)\n--\n\nThe processes of the window. Not collective.");

static PyObject *win_Get_group(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Group group;
    MPI_Win win;

    if (win_of(self, &win) < 0 ||
        mpi_failed(MPI_Win_get_group(win, &group), "MPI_Win_get_group") < 0)
        return NULL;
    return handle_own(state_of(self)->types[TYPE_Group], KIND_group, (any_handle){.group = group});
}

/* The size of the group, or this rank in it. */
static PyObject *get_of_group(PyObject *self, void *name)
{
    PyObject *group = win_Get_group(self, NULL), *number;

    number = group != NULL ? PyObject_GetAttrString(group, name) : NULL;
    Py_XDECREF(group);
    return number;
}

PyDoc_STRVAR(get_info_doc, "Get_info($self, /)\n--\n\nThe hints in use. Not collective.");

static PyObject *win_Get_info(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Info info;
    MPI_Win win;

    if (win_of(self, &win) < 0 || mpi_failed(MPI_Win_get_info(win, &info), "MPI_Win_get_info") < 0)
        return NULL;
    return handle_own(state_of(self)->types[TYPE_Info], KIND_info, (any_handle){.info = info});
}

static PyObject *win_Set_info(PyObject *self, PyObject *arg)
{
    PyThreadState *saved;
    MPI_Info info;
    MPI_Win win;
    int code;

    if (win_of(self, &win) < 0 || info_arg(state_of(self), arg, &info) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Win_set_info(win, info);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Win_set_info") < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(get_name_doc, "Get_name($self, /)\n--\n\nThe printable name. Not collective.");

static PyObject *win_Get_name(PyObject *self, PyObject *Py_UNUSED(none))
{
    char name[MPI_MAX_OBJECT_NAME + 1] = "";
    int length = 0;
    MPI_Win win;

    if (((handle *)self)->mpi.win == MPI_WIN_NULL) /* MPI before 4.1 refuses to tell */
        return PyUnicode_FromString("MPI_WIN_NULL");
    if (win_of(self, &win) < 0 ||
        mpi_failed(MPI_Win_get_name(win, name, &length), "MPI_Win_get_name") < 0)
        return NULL;
    return PyUnicode_DecodeLocale(name, "surrogateescape");
}

static PyObject *win_Set_name(PyObject *self, PyObject *arg)
{
    const char *name;
    MPI_Win win;

    if (win_of(self, &win) < 0 || arg_string(arg, &name) < 0 ||
        mpi_failed(MPI_Win_set_name(win, name), "MPI_Win_set_name") < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Setters: the closure is the method. */
static int set_by(PyObject *self, PyObject *value, PyObject *(*method)(PyObject *, PyObject *))
{
    PyObject *done = value != NULL ? method(self, value) : NULL;

    if (value == NULL)
        PyErr_SetString(PyExc_AttributeError, "attributes of a Win cannot be deleted");
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int set_info(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    return set_by(self, value, win_Set_info);
}

static int set_name(PyObject *self, PyObject *value, void *Py_UNUSED(none))
{
    return set_by(self, value, win_Set_name);
}

/* ----------------------------------------------------------------------- the class */

/* clang-format off */
const row_method win_rows[] = {
    {"Shared_query", "Shared_query($self, /, rank)\n--\n\n(memory, disp_unit) of a rank, addressable from here; PROC_NULL: of the lowest rank that has any. Not collective.", method_one, "rank", {.one = win_Shared_query}, 0, 0},
    {"Attach", "Attach($self, /, memory)\n--\n\nExpose memory in a dynamic window. Not collective.", method_one, "memory", {.one = win_Attach}, 0, 0},
    {"Detach", "Detach($self, /, memory)\n--\n\nExpose memory no longer. Not collective.", method_one, "memory", {.one = win_Detach}, 0, 0},
    {"Set_info", "Set_info($self, /, info)\n--\n\nGive hints. Collective.", method_one, "info", {.one = win_Set_info}, 0, 0},
    {"Set_name", "Set_name($self, /, name)\n--\n\nSet the printable name. Not collective.", method_one, "name", {.one = win_Set_name}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef win_methods[] = {
    {"Free", win_Free, METH_NOARGS, free_doc},
    {"tomemory", win_tomemory, METH_NOARGS, tomemory_doc},
    {"Get_group", win_Get_group, METH_NOARGS, get_group_doc},
    {"Get_info", win_Get_info, METH_NOARGS, get_info_doc},
    {"Get_name", win_Get_name, METH_NOARGS, get_name_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef win_getset[] = {
    {"attrs", get_attrs, NULL, "(address, bytes, disp_unit) of this rank's memory", NULL},
    {"flavor", get_number, NULL, "how it was made: WIN_FLAVOR_...",
     (void *)(intptr_t)MPI_WIN_CREATE_FLAVOR},
    {"model", get_number, NULL, "memory model: WIN_SEPARATE or WIN_UNIFIED",
     (void *)(intptr_t)MPI_WIN_MODEL},
    {"group", ask, NULL, "processes of the window", (void *)win_Get_group},
    {"group_size", get_of_group, NULL, "number of processes", "size"},
    {"group_rank", get_of_group, NULL, "rank of this process", "rank"},
    {"info", ask, set_info, "hints", (void *)win_Get_info},
    {"name", ask, set_name, "printable name", (void *)win_Get_name},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(win_doc, "Win(win=None)\n--\n\nMemory that other processes read and write.");

static PyType_Slot win_slots[] = {
    {Py_tp_doc, (void *)win_doc},
    {Py_bf_getbuffer, (void *)get_buffer},
    {Py_bf_releasebuffer, (void *)release_buffer},
    {Py_tp_methods, win_methods},
    {Py_tp_getset, win_getset},
    {0, NULL},
};

PyType_Spec Win_spec = {
    .name = "collio.MPI.Win",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = win_slots,
};
