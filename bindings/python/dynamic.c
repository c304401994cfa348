/* MPI.Comm: connections with processes that were not started together with these. */
#include "dynamic.h"

/* ------------------------------------------------------------------ what is to be started */

/* One command of a Spawn. */
typedef struct command {
    PyObject *path;  /* bytes */
    PyObject *words; /* list of bytes */
    char **argv;     /* ends with NULL */
    int maxprocs;
    MPI_Info info;
} command;

/* All of them, in the lists that MPI takes. */
typedef struct commands {
    int n;
    command *each;
    char **paths;
    char ***argvs;
    int *maxprocs;
    MPI_Info *infos;
    int *errcodes;
    int total; /* of maxprocs */
} commands;

static void commands_free(commands *all)
{
    for (int i = 0; all->each != NULL && i < all->n; i++) {
        Py_XDECREF(all->each[i].path);
        Py_XDECREF(all->each[i].words);
        PyMem_Free(all->each[i].argv);
    }
    PyMem_Free(all->each);
    PyMem_Free(all->paths);
    PyMem_Free(all->argvs);
    PyMem_Free(all->maxprocs);
    PyMem_Free(all->infos);
    PyMem_Free(all->errcodes);
}

static int commands_init(commands *all, int n)
{
    const size_t room = (size_t)n + 1;

    *all = (commands){.n = n,
                      .each = PyMem_Calloc(room, sizeof *all->each),
                      .paths = PyMem_Calloc(room, sizeof *all->paths),
                      .argvs = PyMem_Calloc(room, sizeof *all->argvs),
                      .maxprocs = PyMem_Calloc(room, sizeof *all->maxprocs),
                      .infos = PyMem_Calloc(room, sizeof *all->infos)};
    if (all->each && all->paths && all->argvs && all->maxprocs && all->infos)
        return 0;
    PyErr_NoMemory();
    return -1;
}

/* The words of a command as C strings; one text stands for one word. */
static int take_words(PyObject *args, command *c)
{
    const int one = PyUnicode_Check(args) || PyBytes_Check(args);
    PyObject *list =
        one ? PyTuple_Pack(1, args) : PySequence_Fast(args, "args must be a sequence of str");
    Py_ssize_t n = list != NULL ? PySequence_Fast_GET_SIZE(list) : 0, i = 0;

    c->words = list != NULL ? PyList_New(n) : NULL;
    c->argv = c->words != NULL ? PyMem_Calloc((size_t)n + 1, sizeof *c->argv) : NULL;
    if (c->words != NULL && c->argv == NULL)
        PyErr_NoMemory();
    for (; c->argv != NULL && i < n; i++) {
        PyObject *word = NULL;
        if (!PyUnicode_FSConverter(PySequence_Fast_GET_ITEM(list, i), &word))
            break;
        PyList_SET_ITEM(c->words, i, word);
        c->argv[i] = PyBytes_AS_STRING(word);
    }
    Py_XDECREF(list);
    return c->argv != NULL && i == n ? 0 : -1;
}

static int take_command(state *st, commands *all, int i, PyObject *path, PyObject *args,
                        PyObject *info)
{
    command *c = &all->each[i];

    if (!PyUnicode_FSConverter(path, &c->path) || (args != Py_None && take_words(args, c) < 0) ||
        info_arg(st, info, &all->infos[i]) < 0)
        return -1;
    all->paths[i] = PyBytes_AS_STRING(c->path);
    all->argvs[i] = c->argv;
    return 0;
}

static int make_errcodes(commands *all, PyObject *errcodes)
{
    for (int i = 0; i < all->n; i++)
        all->total += all->maxprocs[i];
    if (errcodes == Py_None)
        return 0;
    if (!PyList_Check(errcodes)) {
        raise_type("errcodes", "a list, which is filled", errcodes);
        return -1;
    }
    all->errcodes = PyMem_Calloc((size_t)all->total + 1, sizeof *all->errcodes);
    if (all->errcodes != NULL)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static int fill(PyObject *list, PyObject *values)
{
    int result = values == NULL ? -1 : PyList_SetSlice(list, 0, PyList_GET_SIZE(list), values);

    Py_XDECREF(values);
    return result;
}

/* -------------------------------------------------------------------------------- spawning */

typedef struct spawn_args {
    PyObject *command, *args, *maxprocs, *info, *errcodes;
    int root;
} spawn_args;

/* clang-format off */
static const param spawn_params[] = {
    {"command", arg_object, offsetof(spawn_args, command)},
    {"|args", arg_object, offsetof(spawn_args, args)},
    {"|maxprocs", arg_object, offsetof(spawn_args, maxprocs)},
    {"|info", arg_object, offsetof(spawn_args, info)},
    {"|root", arg_int, offsetof(spawn_args, root)},
    {"|errcodes", arg_object, offsetof(spawn_args, errcodes)},
    {NULL, NULL, 0}};
/* clang-format on */

static int spawn_parse(PyObject *self, const row_method *row, spawn_args *a, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    *a = (spawn_args){NULL, Py_None, Py_None, Py_None, Py_None, 0};
    if (mpi_ready(state_of(self)) < 0 ||
        args_parse(row->name, spawn_params, a, args, nargs, keywords) < 0)
        return -1;
    return dynamic_refuse(row->mpi_name);
}

/* Start what is listed. New. */
static PyObject *start(PyObject *self, const row_method *row, const spawn_args *a, commands *all)
{
    int *errcodes = all->errcodes != NULL ? all->errcodes : MPI_ERRCODES_IGNORE, code;
    MPI_Comm comm = ((handle *)self)->mpi.comm, inter = MPI_COMM_NULL;
    PyThreadState *saved = gil_release();

    if (row->mode) /* several */
        code = MPI_Comm_spawn_multiple(all->n, all->paths, all->argvs, all->maxprocs, all->infos,
                                       a->root, comm, &inter, errcodes);
    else
        code = MPI_Comm_spawn(all->paths[0], all->argvs[0], all->maxprocs[0], all->infos[0],
                              a->root, comm, &inter, errcodes);
    gil_acquire(saved);
    if (mpi_failed(code, row->mpi_name) < 0)
        return NULL;
    return comm_wrap_as(state_of(self), TYPE_Intercomm, inter);
}

/* A null pointer in place of words means none at all in MPI. */
static PyObject *spawn(PyObject *self, const row_method *row, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    spawn_args a;
    commands all = {.n = 0};
    PyObject *inter = NULL;

    if (spawn_parse(self, row, &a, args, nargs, keywords) < 0)
        return NULL;
    if (commands_init(&all, 1) == 0 &&
        take_command(state_of(self), &all, 0, a.command, a.args, a.info) == 0) {
        all.maxprocs[0] = 1;
        if ((a.maxprocs == Py_None || arg_int(a.maxprocs, &all.maxprocs[0]) == 0) &&
            make_errcodes(&all, a.errcodes) == 0)
            inter = start(self, row, &a, &all);
    }
    if (inter != NULL && all.errcodes != NULL &&
        fill(a.errcodes, ints_to_list(all.errcodes, all.total)) < 0)
        Py_CLEAR(inter);
    commands_free(&all);
    return inter;
}

/* Item i of a list, or what stands for all. Borrowed until the list changes. */
static PyObject *item_for(PyObject *list, int i)
{
    return list == Py_None ? Py_None : PySequence_Fast_GET_ITEM(list, i);
}

/* One entry a command, or None. New. */
static PyObject *list_for(PyObject *object, const char *what, int n)
{
    PyObject *list;

    if (object == Py_None)
        return Py_NewRef(Py_None);
    list = PySequence_Fast(object, what);
    if (list != NULL && PySequence_Fast_GET_SIZE(list) != n) {
        PyErr_Format(PyExc_ValueError, "%s: expecting %d items, got %zd", what, n,
                     PySequence_Fast_GET_SIZE(list));
        Py_CLEAR(list);
    }
    return list;
}

static int take_all(state *st, const spawn_args *a, commands *all)
{
    const int one_info = a->info == Py_None || is_a(st, a->info, TYPE_Info);
    PyObject *paths = PySequence_Fast(a->command, "command must be a sequence of commands");
    int n = paths != NULL ? (int)PySequence_Fast_GET_SIZE(paths) : 0, i = 0;
    PyObject *args = list_for(a->args, "args", n);
    PyObject *numbers = list_for(a->maxprocs, "maxprocs", n);
    PyObject *infos = one_info ? Py_NewRef(Py_None) : list_for(a->info, "info", n);

    if (paths && args && numbers && infos && commands_init(all, n) == 0)
        for (; i < n; i++) {
            all->maxprocs[i] = 1;
            if (take_command(st, all, i, item_for(paths, i), item_for(args, i),
                             one_info ? a->info : item_for(infos, i)) < 0 ||
                (numbers != Py_None && index_int(item_for(numbers, i), &all->maxprocs[i]) < 0))
                break;
        }
    Py_XDECREF(paths);
    Py_XDECREF(args);
    Py_XDECREF(numbers);
    Py_XDECREF(infos);
    return PyErr_Occurred() ? -1 : 0;
}

/* A list for each command. New. */
static PyObject *lists_of_codes(const commands *all)
{
    PyObject *lists = PyList_New(all->n), *list;
    const int *at = all->errcodes;

    for (int i = 0; lists != NULL && i < all->n; i++) {
        list = ints_to_list(at, all->maxprocs[i]);
        at += all->maxprocs[i];
        if (list == NULL)
            Py_CLEAR(lists);
        else
            PyList_SET_ITEM(lists, i, list);
    }
    return lists;
}

/* Only the root's commands count; the others may leave them out. */
static PyObject *spawn_multiple(PyObject *self, const row_method *row, PyObject *const *args,
                                Py_ssize_t nargs, PyObject *keywords)
{
    spawn_args a;
    commands all = {.n = 0};
    PyObject *inter = NULL;
    int failed;

    if (spawn_parse(self, row, &a, args, nargs, keywords) < 0)
        return NULL;
    if (a.command == Py_None)
        failed = commands_init(&all, 0);
    else
        failed = PyUnicode_Check(a.command) || PyBytes_Check(a.command)
                     ? (raise_type("command", "a sequence of commands", a.command), -1)
                     : take_all(state_of(self), &a, &all);
    if (failed == 0 && make_errcodes(&all, a.errcodes) == 0)
        inter = start(self, row, &a, &all);
    if (inter != NULL && all.errcodes != NULL && fill(a.errcodes, lists_of_codes(&all)) < 0)
        Py_CLEAR(inter);
    commands_free(&all);
    return inter;
}

/* ------------------------------------------------------------------------------ connecting */

typedef struct connect_args {
    const char *port;
    PyObject *info;
    int root;
} connect_args;

typedef int connect_function(const char *, MPI_Info, int, MPI_Comm, MPI_Comm *);

static PyObject *connect_with(PyObject *self, connect_function *function, const char *name,
                              const char *mpi_name, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    static const param rows[] = {{"port_name", arg_string, offsetof(connect_args, port)},
                                 {"|info", arg_object, offsetof(connect_args, info)},
                                 {"|root", arg_int, offsetof(connect_args, root)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    connect_args a = {NULL, NULL, 0};
    MPI_Comm inter = MPI_COMM_NULL;
    PyThreadState *saved;
    MPI_Info info;
    int code;

    if (mpi_ready(st) < 0 || args_parse(name, rows, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &info) < 0 || dynamic_refuse(mpi_name) < 0)
        return NULL;
    saved = gil_release();
    code = function(a.port, info, a.root, ((handle *)self)->mpi.comm, &inter);
    gil_acquire(saved);
    return mpi_failed(code, mpi_name) < 0 ? NULL : comm_wrap_as(st, TYPE_Intercomm, inter);
}

PyDoc_STRVAR(accept_doc, "Accept($self, /, port_name, info=..., root=0)\n--\n\nWait until others "
                         "Connect() to the root's port; returns an Intercomm. Collective.");

static PyObject *comm_Accept(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *keywords)
{
    return connect_with(self, MPI_Comm_accept, "Accept", "MPI_Comm_accept", args, nargs, keywords);
}

PyDoc_STRVAR(connect_doc, "Connect($self, /, port_name, info=..., root=0)\n--\n\nConnect to those "
                          "who Accept() at the root's port; returns an Intercomm. Collective.");

static PyObject *comm_Connect(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *keywords)
{
    return connect_with(self, MPI_Comm_connect, "Connect", "MPI_Comm_connect", args, nargs,
                        keywords);
}

PyDoc_STRVAR(join_doc,
             "Join($type, /, fd)\n--\n\nAn Intercomm with the process at the other end of "
             "a socket, given by its file descriptor. Collective over both.");

static PyObject *comm_Join(PyObject *cls, PyObject *arg)
{
    state *st = state_of_class(cls);
    MPI_Comm inter = MPI_COMM_NULL;
    PyThreadState *saved;
    int fd, code;

    if (mpi_ready(st) < 0 || arg_int(arg, &fd) < 0 || dynamic_refuse("MPI_Comm_join") < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Comm_join(fd, &inter);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Comm_join") < 0 ? NULL : comm_wrap_as(st, TYPE_Intercomm, inter);
}

PyDoc_STRVAR(parent_doc, "Get_parent($type, /)\n--\n\nThe Intercomm with those who spawned this "
                         "process; COMM_NULL if nobody did. Not collective.");

static PyObject *comm_Get_parent(PyObject *cls, PyObject *Py_UNUSED(none))
{
    state *st = state_of_class(cls);
    MPI_Comm parent = MPI_COMM_NULL;

    if (mpi_ready(st) < 0 || mpi_failed(MPI_Comm_get_parent(&parent), "MPI_Comm_get_parent") < 0)
        return NULL;
    return handle_make(st->types[TYPE_Intercomm], KIND_comm, (any_handle){.comm = parent});
}

/* ----------------------------------------------------------------------------------- rows */

/* clang-format off */
const row_method comm_dynamic_rows[] = {
    {"Join", join_doc, method_one, "fd", {.one = comm_Join}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};

const row_method intracomm_dynamic_rows[] = {
    {"Spawn",
     "Spawn($self, /, command, args=None, maxprocs=1, info=..., root=0, errcodes=None)\n--\n\nStart "
     "`maxprocs` processes of a program; returns the Intercomm with them. A list given as "
     "`errcodes` is filled, with one a process. Collective; only what the root gives counts.",
     spawn, "MPI_Comm_spawn", {NULL}, 0, 0},
    {"Spawn_multiple",
     "Spawn_multiple($self, /, command, args=None, maxprocs=None, info=..., root=0, "
     "errcodes=None)\n--\n\nStart processes of several programs, each argument a list with an "
     "entry a program; returns the Intercomm with all of them. Collective; only what the root "
     "gives counts.", spawn_multiple, "MPI_Comm_spawn_multiple", {NULL}, 1, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

PyMethodDef comm_dynamic_methods[] = {
    {"Get_parent", comm_Get_parent, METH_NOARGS | METH_CLASS, parent_doc},
    {NULL, NULL, 0, NULL},
};

PyMethodDef intracomm_dynamic_methods[] = {
    {"Accept", FAST(comm_Accept), FASTCALL, accept_doc},
    {"Connect", FAST(comm_Connect), FASTCALL, connect_doc},
    {NULL, NULL, 0, NULL},
};
