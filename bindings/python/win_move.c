/* The operations of MPI.Win: they move data between a buffer here and the memory of a rank. */
#include "message.h"
#include "win.h"

#include <limits.h>

typedef struct move_args {
    PyObject *origin, *compare, *result, *target, *op;
    int rank;
    int64_t disp;
} move_args;

/* One operation; what it does not use is empty. */
typedef struct rma {
    message origin, compare, result;
    message target; /* count and type alone */
    MPI_Aint disp;
    int rank;
    int large; /* some count needs the function for large counts */
    MPI_Op op;
    MPI_Win win;
    MPI_Request request;
} rma;

/* ------------------------------------------------------------------- MPI's functions */

#define ORIGIN r->origin.data, r->origin.count, r->origin.type
#define RESULT r->result.data, r->result.count, r->result.type
#define TARGET r->rank, r->disp, r->target.count, r->target.type

static int put(rma *r)
{
    return SIZED(r->large, MPI_Put, ORIGIN, TARGET, r->win);
}

static int rput(rma *r)
{
    return SIZED(r->large, MPI_Rput, ORIGIN, TARGET, r->win, &r->request);
}

static int get(rma *r)
{
    return SIZED(r->large, MPI_Get, ORIGIN, TARGET, r->win);
}

static int rget(rma *r)
{
    return SIZED(r->large, MPI_Rget, ORIGIN, TARGET, r->win, &r->request);
}

static int accumulate(rma *r)
{
    return SIZED(r->large, MPI_Accumulate, ORIGIN, TARGET, r->op, r->win);
}

static int raccumulate(rma *r)
{
    return SIZED(r->large, MPI_Raccumulate, ORIGIN, TARGET, r->op, r->win, &r->request);
}

static int get_accumulate(rma *r)
{
    return SIZED(r->large, MPI_Get_accumulate, ORIGIN, RESULT, TARGET, r->op, r->win);
}

static int rget_accumulate(rma *r)
{
    return SIZED(r->large, MPI_Rget_accumulate, ORIGIN, RESULT, TARGET, r->op, r->win, &r->request);
}

static int fetch_and_op(rma *r)
{
    return MPI_Fetch_and_op(r->origin.data, r->result.data, r->origin.type, r->rank, r->disp, r->op,
                            r->win);
}

static int compare_and_swap(rma *r)
{
    return MPI_Compare_and_swap(r->origin.data, r->compare.data, r->result.data, r->origin.type,
                                r->rank, r->disp, r->win);
}

/* ----------------------------------------------------------------------- the target */

/* None: from the start, what the origin holds (or, if that is nothing, the result); displacement;
 * (), (displacement), (displacement, count), (displacement, count, datatype). */
static int target_from(state *st, PyObject *spec, rma *r)
{
    const message *like = r->origin.count == 0 && r->result.count > 0 ? &r->result : &r->origin;
    Py_ssize_t n = 0, numbers[2] = {0, (Py_ssize_t)like->count};

    r->target.count = like->count;
    r->target.type = like->type;
    if (spec == Py_None)
        return 0;
    if (PyList_Check(spec) || PyTuple_Check(spec))
        n = PySequence_Fast_GET_SIZE(spec);
    else if (is_integer(spec))
        return arg_size(spec, &r->disp);
    else
        n = -1;
    if (n < 0 || n > 3) {
        PyErr_Format(PyExc_ValueError, "target: expecting integral or list/tuple of up to 3 items");
        return -1;
    }
    for (Py_ssize_t i = 0; i < n && i < 2; i++)
        if (index_size(PySequence_Fast_GET_ITEM(spec, i), &numbers[i]) < 0)
            return -1;
    r->disp = numbers[0];
    r->target.count = numbers[1];
    return n < 3 ? 0 : message_type(st, PySequence_Fast_GET_ITEM(spec, 2), &r->target.type);
}

/* Where the memory of the other rank is known, the target must lie inside: MPI does not look, and
 * would write over whatever is there. */
static int check_target(const window *w, const rma *r)
{
    const struct window_target *t;
    layout l;

    if (w == NULL || r->rank < 0 || r->rank >= w->nranks || r->disp < 0 || r->target.count <= 0)
        return 0;
    t = &w->targets[r->rank];
    if (t->unit == 0)
        return 0;
    if (message_layout(r->target.type, &l) < 0)
        return -1;
    if (message_inside((Py_ssize_t)t->bytes, r->disp, (MPI_Aint)t->unit, (double)r->target.count,
                       &l) == 0)
        return 0;
    PyErr_Format(
        PyExc_ValueError,
        "target: %zd items of extent %zd at displacement %zd (of %zd bytes) are not inside "
        "the window, which has %zd bytes on rank %d",
        (Py_ssize_t)r->target.count, (Py_ssize_t)l.extent, (Py_ssize_t)r->disp, (Py_ssize_t)t->unit,
        (Py_ssize_t)t->bytes, r->rank);
    return -1;
}

/* ----------------------------------------------------------------------- the buffers */

/* What an operation has: row->mode. */
enum { INTO_ORIGIN = 1, HAS_COMPARE = 2, HAS_RESULT = 4, HAS_OP = 8, ONE_ELEMENT = 16 };

static int take_buffers(state *st, const move_args *a, int has, rma *r)
{
    if (message_for(st, a->origin, has & INTO_ORIGIN, a->rank, &r->origin) < 0)
        return -1;
    if ((has & HAS_COMPARE) && message_for(st, a->compare, 0, a->rank, &r->compare) < 0)
        return -1;
    return has & HAS_RESULT ? message_for(st, a->result, 1, a->rank, &r->result) : 0;
}

/* Of operations on one element: exactly one, of the origin's type. */
static int check_one(const char *name, const message *m, MPI_Datatype type)
{
    if (m->count != 1)
        PyErr_Format(PyExc_ValueError, "%s: expecting a single element, got %zd", name,
                     (Py_ssize_t)m->count);
    else if (m->type != type)
        PyErr_Format(PyExc_ValueError, "mismatch in origin and %s MPI datatypes", name);
    return PyErr_Occurred() ? -1 : 0;
}

/* To and from nobody: MPI may look at the place of the element all the same. */
static void move_nothing(rma *r)
{
    static char nothing[16];

    r->origin.data = r->compare.data = r->result.data = nothing;
    r->origin.type = MPI_INT;
}

static int check_elements(const move_args *a, int has, rma *r)
{
    if (r->rank == MPI_PROC_NULL)
        move_nothing(r);
    else if (check_one("origin", &r->origin, r->origin.type) < 0 ||
             ((has & HAS_COMPARE) && check_one("compare", &r->compare, r->origin.type) < 0) ||
             check_one("result", &r->result, r->origin.type) < 0)
        return -1;
    r->target.count = 1;
    r->target.type = r->origin.type;
    r->disp = (MPI_Aint)a->disp;
    return 0;
}

/* Bytes of data in a message. */
static MPI_Count bytes_of(const message *m)
{
    MPI_Count size = 0;

    MPI_Type_size_x(m->type, &size);
    return size * m->count;
}

/* Nonsense is refused by MPI itself. */
static int is_nonsense(const message *m)
{
    return m->count < 0 || m->type == MPI_DATATYPE_NULL;
}

/* Data must fit where they go, and be as many as what they are combined with: MPI does not look
 * (or ends the job). */
static int check_fit(const rma *r, int has)
{
    MPI_Count origin = bytes_of(&r->origin), target = bytes_of(&r->target);
    int empty = r->op == MPI_NO_OP && (has & HAS_RESULT), fits = origin <= target;

    if (is_nonsense(&r->target))
        return 0;
    if (has & INTO_ORIGIN)
        fits = target <= origin;
    else if (has & HAS_OP)
        fits = empty || origin == target;
    if (fits && (!(has & HAS_RESULT) || bytes_of(&r->result) == target))
        return 0;
    PyErr_Format(PyExc_ValueError, "message: the %s of %zd bytes does not match the target of %zd",
                 fits ? "result" : "origin", (Py_ssize_t)(fits ? bytes_of(&r->result) : origin),
                 (Py_ssize_t)target);
    return -1;
}

/* Which functions: where MPI has none for large counts, these become larger elements. */
static int choose_size(rma *r)
{
    int origin = message_large(&r->origin), result = message_large(&r->result);
    int target = message_large(&r->target);

    r->large = origin > 0 || result > 0 || target > 0;
    return origin < 0 || result < 0 || target < 0 ? -1 : 0;
}

static int prepare(state *st, const move_args *a, int has, rma *r)
{
    int failed;

    r->rank = a->rank;
    if (op_arg(st, a->op, &r->op) < 0 || take_buffers(st, a, has, r) < 0)
        return -1;
    failed = has & ONE_ELEMENT ? check_elements(a, has, r) : target_from(st, a->target, r);
    if (failed < 0 || (r->rank != MPI_PROC_NULL && check_fit(r, has) < 0) ||
        check_target(window_of(r->win), r) < 0)
        return -1;
    return choose_size(r);
}

/* Keep the buffers as long as MPI may use them: with the request, or in the window. */
static PyObject *keep(state *st, const rma *r)
{
    PyObject *buffers, *request;
    window *w;

    if (r->request == MPI_REQUEST_NULL) {
        w = window_of(r->win);
        if (window_keep(w, r->rank, r->origin.keep) < 0 ||
            window_keep(w, r->rank, r->compare.keep) < 0 ||
            window_keep(w, r->rank, r->result.keep) < 0)
            return NULL;
        Py_RETURN_NONE;
    }
    buffers = Py_BuildValue("(OO)", r->origin.keep != NULL ? r->origin.keep : Py_None,
                            r->result.keep != NULL ? r->result.keep : Py_None);
    request = buffers != NULL ? request_make(st, TYPE_Request, r->request, buffers) : NULL;
    Py_XDECREF(buffers);
    return request;
}

/* ------------------------------------------------------------------------ the methods */

static PyObject *move(PyObject *self, const row_method *row, const param *params,
                      PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    state *st = state_of(self);
    move_args a = {.target = Py_None};
    rma r = {.op = MPI_SUM, .request = MPI_REQUEST_NULL};
    PyObject *result = NULL;
    PyThreadState *saved;
    int code;

    if (win_of(self, &r.win) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0)
        return NULL;
    message_init(&r.origin);
    message_init(&r.compare);
    message_init(&r.result);
    message_init(&r.target);
    if (prepare(st, &a, row->mode, &r) == 0) {
        saved = gil_lend(st);
        code = row->call.rma(&r);
        gil_acquire(saved);
        if (mpi_failed(code, row->mpi_name) == 0)
            result = keep(st, &r);
    }
    message_release(&r.target);
    message_release(&r.result);
    message_release(&r.compare);
    message_release(&r.origin);
    return result;
}

/* clang-format off */
#define ROW(name, convert, field) {name, convert, offsetof(move_args, field)}
#define ROW_ORIGIN ROW("origin", arg_object, origin)
#define ROW_RESULT ROW("result", arg_object, result)
#define ROW_RANK   ROW("target_rank", arg_int, rank)
#define ROW_TARGET ROW("|target", arg_object, target)
#define ROW_DISP   ROW("|target_disp", arg_int64, disp)
#define ROW_OP     ROW("|op", arg_object, op)
#define ROW_END    {NULL, NULL, 0}
/* clang-format on */

static PyObject *with_origin(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    static const param plain[] = {ROW_ORIGIN, ROW_RANK, ROW_TARGET, ROW_END};
    static const param reducing[] = {ROW_ORIGIN, ROW_RANK, ROW_TARGET, ROW_OP, ROW_END};

    return move(self, row, row->mode & HAS_OP ? reducing : plain, args, nargs, keywords);
}

static PyObject *with_result(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    static const param many[] = {ROW_ORIGIN, ROW_RESULT, ROW_RANK, ROW_TARGET, ROW_OP, ROW_END};
    static const param one[] = {ROW_ORIGIN, ROW_RESULT, ROW_RANK, ROW_DISP, ROW_OP, ROW_END};

    return move(self, row, row->mode & ONE_ELEMENT ? one : many, args, nargs, keywords);
}

static PyObject *with_compare(PyObject *self, const row_method *row, PyObject *const *args,
                              Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {
        ROW_ORIGIN, ROW("compare", arg_object, compare), ROW_RESULT, ROW_RANK, ROW_DISP, ROW_END};

    return move(self, row, params, args, nargs, keywords);
}

#define SIGNATURE "($self, /, origin, target_rank, target=None"
#define RESULTING "($self, /, origin, result, target_rank, target=None, op=...)\n--\n\n"
#define SINGLE    "($self, /, origin, result, target_rank, target_disp=0, op=...)\n--\n\n"
#define SWAPPING  "($self, /, origin, compare, result, target_rank, target_disp=0)\n--\n\n"
#define LOCAL     " Not collective."
#define REQUEST   " Returns a Request." LOCAL

/* clang-format off */
const row_method win_move_rows[] = {
    {"Put", "Put" SIGNATURE ")\n--\n\nWrite to the memory of a rank; target is displacement, or (displacement, count, datatype)." LOCAL, with_origin, "MPI_Put", {.rma = put}, 0, 0},
    {"Get", "Get" SIGNATURE ")\n--\n\nRead from the memory of a rank, see Put()." LOCAL, with_origin, "MPI_Get", {.rma = get}, INTO_ORIGIN, 0},
    {"Accumulate", "Accumulate" SIGNATURE ", op=...)\n--\n\nCombine with the memory of a rank by op (SUM)." LOCAL, with_origin, "MPI_Accumulate", {.rma = accumulate}, HAS_OP, 0},
    {"Get_accumulate", "Get_accumulate" RESULTING "Read from the memory of a rank, then combine with it by op (SUM); NO_OP reads alone." LOCAL, with_result, "MPI_Get_accumulate", {.rma = get_accumulate}, HAS_RESULT | HAS_OP, 0},
    {"Fetch_and_op", "Fetch_and_op" SINGLE "Get_accumulate() of one element." LOCAL, with_result, "MPI_Fetch_and_op", {.rma = fetch_and_op}, HAS_RESULT | HAS_OP | ONE_ELEMENT, 0},
    {"Compare_and_swap", "Compare_and_swap" SWAPPING "Read one element, and replace it by the origin if it equals compare." LOCAL, with_compare, "MPI_Compare_and_swap", {.rma = compare_and_swap}, HAS_RESULT | HAS_COMPARE | ONE_ELEMENT, 0},
    {"Rput", "Rput" SIGNATURE ")\n--\n\nBegin a Put()." REQUEST, with_origin, "MPI_Rput", {.rma = rput}, 0, 0},
    {"Rget", "Rget" SIGNATURE ")\n--\n\nBegin a Get()." REQUEST, with_origin, "MPI_Rget", {.rma = rget}, INTO_ORIGIN, 0},
    {"Raccumulate", "Raccumulate" SIGNATURE ", op=...)\n--\n\nBegin an Accumulate()." REQUEST, with_origin, "MPI_Raccumulate", {.rma = raccumulate}, HAS_OP, 0},
    {"Rget_accumulate", "Rget_accumulate" RESULTING "Begin a Get_accumulate()." REQUEST, with_result, "MPI_Rget_accumulate", {.rma = rget_accumulate}, HAS_RESULT | HAS_OP, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
