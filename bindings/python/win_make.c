/* How windows are made: Win.Create, Allocate, Allocate_shared and Create_dynamic. */
#include "win.h"

#include <string.h>

typedef struct make_args {
    PyObject *memory, *info, *comm;
    int64_t size;
    int unit;
} make_args;

/* All that the making of one window needs. */
typedef struct making {
    state *st;
    const char *name; /* of the method, for messages */
    int flavor;
    make_args a;
    MPI_Comm comm;
    MPI_Info info;
    void *base;
    MPI_Aint size;
    PyObject *memory; /* keeps base */
} making;

/* --------------------------------------------------------------- what one rank does */

/*
 * MPICH 4.0's atomic operations on memory of MPI_Win_allocate are wrong when a rank's own memory
 * and another's take part (a queue of waiting ranks falls apart). On memory of MPI_Win_create they
 * are right: there, memory is allocated first and exposed then.
 */
#if defined MPICH_NUMVERSION && MPICH_NUMVERSION < 40100000
#define EXPOSES_ALLOCATED 1
#else
#define EXPOSES_ALLOCATED 0
#endif

static void free_memory(PyObject *capsule)
{
    if (life_usable())
        MPI_Free_mem(PyCapsule_GetPointer(capsule, NULL));
}

/* Memory for EXPOSES_ALLOCATED. */
static int allocate(making *m)
{
    if (m->size == 0)
        return 0;
    if (mpi_failed(MPI_Alloc_mem(m->size, m->info, &m->base), "MPI_Alloc_mem") < 0)
        return -1;
    m->memory = PyCapsule_New(m->base, NULL, free_memory);
    if (m->memory == NULL)
        MPI_Free_mem(m->base);
    return m->memory != NULL ? 0 : -1;
}

/* The memory of Create(): None and BOTTOM are none. */
static int take_memory(making *m)
{
    Py_ssize_t nbytes = 0;
    message memory;
    int result;

    if (m->a.memory == Py_None || m->a.memory == m->st->bottom)
        return 0;
    message_init(&memory);
    result = message_memory(m->a.memory, 1, &memory, &nbytes);
    m->base = memory.data;
    m->size = (MPI_Aint)nbytes;
    m->memory = Py_XNewRef(memory.keep);
    message_release(&memory);
    return result;
}

/* This rank's share of the preparations; a failure is brought along. */
static int prepare(making *m)
{
    if (info_arg(m->st, m->a.info, &m->info) < 0)
        return -1;
    m->size = (MPI_Aint)m->a.size;
    if (m->a.size < 0)
        return mpi_failed(MPI_ERR_SIZE, m->name);
    if (m->a.unit <= 0)
        return mpi_failed(MPI_ERR_DISP, m->name);
    if (m->flavor == MPI_WIN_FLAVOR_CREATE)
        return take_memory(m);
    if (m->flavor == MPI_WIN_FLAVOR_DYNAMIC) {
        m->memory = PyDict_New();
        return m->memory != NULL ? 0 : -1;
    }
    return m->flavor == MPI_WIN_FLAVOR_ALLOCATE && EXPOSES_ALLOCATED ? allocate(m) : 0;
}

/* -------------------------------------------------------------- what all ranks do */

/* The words of the pending exception, which stays. */
static void describe(char *out, size_t room)
{
    PyObject *type, *value, *trace, *text;
    const char *words = NULL;

    PyErr_Fetch(&type, &value, &trace);
    text = value != NULL ? PyObject_Str(value) : NULL;
    if (text != NULL)
        words = PyUnicode_AsUTF8(text);
    snprintf(out, room, "%s: %s", ((PyTypeObject *)type)->tp_name, words != NULL ? words : "");
    Py_XDECREF(text);
    PyErr_Clear();
    PyErr_Restore(type, value, trace);
}

/* All ranks know that some have failed: they raise their own error, the others that of the first.
 */
static int refuse(const making *m, const window *w, int rank)
{
    char text[256] = "";
    PyThreadState *saved;
    int first = 0, code;

    while (!w->targets[first].failed)
        first++;
    if (rank == first)
        describe(text, sizeof text);
    saved = gil_release();
    code = MPI_Bcast(text, sizeof text, MPI_CHAR, first, m->comm);
    gil_acquire(saved);
    if (!w->targets[rank].failed && mpi_failed(code, "MPI_Bcast") == 0)
        PyErr_Format(m->st->exceptions[EXC_COLLECTIVE], "%s: rank %d: %s", m->name, first, text);
    return -1;
}

/* Collective: compare notes before the window is made, since a rank that fails then would leave
 * the others waiting. `failed`: this one has, with the exception pending. */
static int agree(const making *m, int failed, window *w, int rank)
{
    const struct window_target mine = {m->size, m->a.unit, failed};
    PyThreadState *saved = gil_release();
    int code = MPI_Allgather(&mine, 3, MPI_INT64_T, w->targets, 3, MPI_INT64_T, m->comm), any = 0;

    gil_acquire(saved);
    if (code != MPI_SUCCESS)
        return failed ? -1 : mpi_failed(code, "MPI_Allgather");
    for (int r = 0; r < w->nranks; r++)
        any |= w->targets[r].failed != 0;
    return any ? refuse(m, w, rank) : 0;
}

/* Collective. */
static int call_mpi(making *m, MPI_Win *win)
{
    PyThreadState *saved = gil_release();
    int code, unit = m->a.unit;

    if (m->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        code = MPI_Win_create_dynamic(m->info, m->comm, win);
    else if (m->flavor == MPI_WIN_FLAVOR_SHARED)
        code = MPI_Win_allocate_shared(m->size, unit, m->info, m->comm, &m->base, win);
    else if (m->flavor == MPI_WIN_FLAVOR_ALLOCATE && !EXPOSES_ALLOCATED)
        code = MPI_Win_allocate(m->size, unit, m->info, m->comm, &m->base, win);
    else
        code = MPI_Win_create(m->base, m->size, unit, m->info, m->comm, win);
    gil_acquire(saved);
    return mpi_failed(code, m->name);
}

/* ----------------------------------------------------------------- the methods */

static window *new_window(const making *m)
{
    int size = 0;
    window *w;

    if (mpi_failed(MPI_Comm_size(m->comm, &size), "MPI_Comm_size") < 0)
        return NULL;
    w = PyMem_Calloc(1, sizeof *w + (size_t)size * sizeof w->targets[0]);
    if (w == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    w->nranks = size;
    w->flavor = m->flavor;
    return w;
}

/* No rank knows what others have attached to a dynamic window. */
static void forget_targets(window *w)
{
    for (int r = 0; w->flavor == MPI_WIN_FLAVOR_DYNAMIC && r < w->nranks; r++)
        w->targets[r].unit = 0;
}

static PyObject *create(making *m, PyTypeObject *type)
{
    window *w = new_window(m);
    PyObject *self = NULL;
    MPI_Win win = MPI_WIN_NULL;
    int rank = 0;

    if (w == NULL)
        return NULL;
    MPI_Comm_rank(m->comm, &rank);
    if (agree(m, prepare(m) < 0, w, rank) < 0 || call_mpi(m, &win) < 0)
        goto done;
    errors_install(m->st, KIND_win, (any_handle){.win = win});
    forget_targets(w);
    w->memory = Py_XNewRef(m->memory);
    if (window_know(win, w) < 0)
        goto done;
    w = NULL;
    self = leaks_note(handle_make(type, KIND_win, (any_handle){.win = win}));
    if (self != NULL) /* views of the memory hold the object, and may outlive the window */
        ((handle *)self)->keep = Py_XNewRef(m->memory);
done:
    window_forget(w);
    Py_XDECREF(m->memory);
    return self;
}

static const param memory_row = {"memory", arg_object, offsetof(make_args, memory)};
static const param size_row = {"size", arg_int64, offsetof(make_args, size)};
static const param unit_row = {"|disp_unit", arg_int, offsetof(make_args, unit)};
static const param info_row = {"|info", arg_object, offsetof(make_args, info)};
static const param comm_row = {"|comm", arg_object, offsetof(make_args, comm)};

static PyObject *make(PyObject *cls, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                      PyObject *keywords)
{
    const param none = {NULL, NULL, 0};
    const int create_one = row->mode == MPI_WIN_FLAVOR_CREATE;
    const param sized[] = {create_one ? memory_row : size_row, unit_row, info_row, comm_row, none};
    const param dynamic[] = {info_row, comm_row, none};
    making m = {.st = state_of_class(cls),
                .name = row->mpi_name,
                .flavor = row->mode,
                .a = {.memory = Py_None, .unit = 1},
                .comm = MPI_COMM_SELF};

    if (mpi_ready(m.st) < 0 ||
        args_parse(row->name, row->mode == MPI_WIN_FLAVOR_DYNAMIC ? dynamic : sized, &m.a, args,
                   nargs, keywords) < 0)
        return NULL;
    if (m.a.comm != NULL && !is_a(m.st, m.a.comm, TYPE_Intracomm))
        return raise_type("comm", "MPI.Intracomm", m.a.comm);
    if (m.a.comm != NULL && comm_arg(m.st, m.a.comm, &m.comm) < 0)
        return NULL;
    return create(&m, (PyTypeObject *)cls);
}

#define ARGUMENTS "disp_unit=1, info=..., comm=...)\n--\n\n"
#define UNITS     " Targets count in disp_unit bytes. Collective over comm (COMM_SELF)."

/* clang-format off */
const row_method win_make_rows[] = {
    {"Create", "Create($type, /, memory, " ARGUMENTS "Expose memory that is there." UNITS, make, "MPI_Win_create", {NULL}, MPI_WIN_FLAVOR_CREATE, 1},
    {"Allocate", "Allocate($type, /, size, " ARGUMENTS "Allocate and expose memory." UNITS, make, "MPI_Win_allocate", {NULL}, MPI_WIN_FLAVOR_ALLOCATE, 1},
    {"Allocate_shared", "Allocate_shared($type, /, size, " ARGUMENTS "Allocate and expose memory that all can address, see Shared_query()." UNITS, make, "MPI_Win_allocate_shared", {NULL}, MPI_WIN_FLAVOR_SHARED, 1},
    {"Create_dynamic", "Create_dynamic($type, /, info=..., comm=...)\n--\n\nA window for memory that is exposed by Attach(); targets are addresses. Collective over comm (COMM_SELF).", make, "MPI_Win_create_dynamic", {NULL}, MPI_WIN_FLAVOR_DYNAMIC, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
