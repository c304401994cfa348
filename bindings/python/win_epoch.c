/* When operations on an MPI.Win begin and when they are complete. */
#include "win.h"

/* Which operations are complete after a call: row->mode. */
enum completes { NONE, THIS_RANK, ALL };

static PyObject *finish(MPI_Win win, const row_method *row, int rank, int code)
{
    if (mpi_failed(code, row->mpi_name) < 0)
        return NULL;
    if (row->mode != NONE)
        window_settle(window_of(win), row->mode == THIS_RANK ? rank : -1);
    Py_RETURN_NONE;
}

static PyObject *plain(PyObject *self, const row_method *row, PyObject *const *args,
                       Py_ssize_t nargs, PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};
    PyThreadState *saved;
    MPI_Win win;
    int code;

    if (win_of(self, &win) < 0 || args_parse(row->name, none, NULL, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = row->call.win(win);
    gil_acquire(saved);
    return finish(win, row, -1, code);
}

/* With a rank, or an assertion that is 0 if it is not given. */
static PyObject *with_number(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords, const char *name)
{
    const param params[] = {{name, arg_int, 0}, {NULL, NULL, 0}};
    PyThreadState *saved;
    MPI_Win win;
    int number = 0, code;

    if (win_of(self, &win) < 0 || args_parse(row->name, params, &number, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = row->call.win_number(number, win);
    gil_acquire(saved);
    return finish(win, row, number, code);
}

static PyObject *with_rank(PyObject *self, const row_method *row, PyObject *const *args,
                           Py_ssize_t nargs, PyObject *keywords)
{
    return with_number(self, row, args, nargs, keywords, "rank");
}

static PyObject *with_assertion(PyObject *self, const row_method *row, PyObject *const *args,
                                Py_ssize_t nargs, PyObject *keywords)
{
    return with_number(self, row, args, nargs, keywords, "|assertion");
}

typedef struct epoch_args {
    PyObject *group;
    int rank, kind, assertion;
} epoch_args;

static PyObject *with_group(PyObject *self, const row_method *row, PyObject *const *args,
                            Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"group", arg_object, offsetof(epoch_args, group)},
                                   {"|assertion", arg_int, offsetof(epoch_args, assertion)},
                                   {NULL, NULL, 0}};
    epoch_args a = {.assertion = 0};
    PyThreadState *saved;
    MPI_Group group;
    MPI_Win win;
    int code;

    if (win_of(self, &win) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0 ||
        group_arg(state_of(self), a.group, &group) < 0)
        return NULL;
    saved = gil_release();
    code = row->call.win_group(group, a.assertion, win);
    gil_acquire(saved);
    return finish(win, row, -1, code);
}

static PyObject *lock(PyObject *self, const row_method *row, PyObject *const *args,
                      Py_ssize_t nargs, PyObject *keywords)
{
    static const param params[] = {{"rank", arg_int, offsetof(epoch_args, rank)},
                                   {"|lock_type", arg_int, offsetof(epoch_args, kind)},
                                   {"|assertion", arg_int, offsetof(epoch_args, assertion)},
                                   {NULL, NULL, 0}};
    epoch_args a = {.kind = MPI_LOCK_EXCLUSIVE, .assertion = 0};
    PyThreadState *saved;
    MPI_Win win;
    int code;

    if (win_of(self, &win) < 0 || args_parse(row->name, params, &a, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Win_lock(a.kind, a.rank, a.assertion, win);
    gil_acquire(saved);
    return finish(win, row, a.rank, code);
}

static PyObject *wait_for_access(PyObject *self, const row_method *row, PyObject *const *args,
                                 Py_ssize_t nargs, PyObject *keywords)
{
    PyObject *done = plain(self, row, args, nargs, keywords);

    Py_XDECREF(done);
    return done == NULL ? NULL : Py_NewRef(Py_True);
}

static PyObject *test(PyObject *self, const row_method *row, PyObject *const *args,
                      Py_ssize_t nargs, PyObject *keywords)
{
    static const param none[] = {{NULL, NULL, 0}};
    PyThreadState *saved;
    MPI_Win win;
    int flag = 0, code;

    if (win_of(self, &win) < 0 || args_parse(row->name, none, NULL, args, nargs, keywords) < 0)
        return NULL;
    saved = gil_lend(state_of(self));
    code = MPI_Win_test(win, &flag);
    gil_acquire(saved);
    return mpi_failed(code, row->mpi_name) < 0 ? NULL : PyBool_FromLong(flag);
}

#define LOCAL " Not collective."

/* clang-format off */
const row_method win_epoch_rows[] = {
    {"Fence", "Fence($self, /, assertion=0)\n--\n\nComplete what was begun since the last Fence(). Collective.", with_assertion, "MPI_Win_fence", {.win_number = MPI_Win_fence}, ALL, 0},
    {"Start", "Start($self, /, group, assertion=0)\n--\n\nBegin to access the memory of a group." LOCAL, with_group, "MPI_Win_start", {.win_group = MPI_Win_start}, NONE, 0},
    {"Complete", "Complete($self, /)\n--\n\nComplete what was begun since Start()." LOCAL, plain, "MPI_Win_complete", {.win = MPI_Win_complete}, ALL, 0},
    {"Post", "Post($self, /, group, assertion=0)\n--\n\nLet a group access this rank's memory." LOCAL, with_group, "MPI_Win_post", {.win_group = MPI_Win_post}, NONE, 0},
    {"Wait", "Wait($self, /)\n--\n\nWait until the group of Post() has completed." LOCAL, wait_for_access, "MPI_Win_wait", {.win = MPI_Win_wait}, NONE, 0},
    {"Test", "Test($self, /)\n--\n\nWhether the group of Post() has completed." LOCAL, test, "MPI_Win_test", {NULL}, NONE, 0},
    {"Lock", "Lock($self, /, rank, lock_type=..., assertion=0)\n--\n\nBegin to access the memory of a rank: LOCK_EXCLUSIVE or LOCK_SHARED." LOCAL, lock, "MPI_Win_lock", {NULL}, NONE, 0},
    {"Unlock", "Unlock($self, /, rank)\n--\n\nComplete what was begun on a rank since Lock()." LOCAL, with_rank, "MPI_Win_unlock", {.win_number = MPI_Win_unlock}, THIS_RANK, 0},
    {"Lock_all", "Lock_all($self, /, assertion=0)\n--\n\nBegin to access the memory of all ranks, shared." LOCAL, with_assertion, "MPI_Win_lock_all", {.win_number = MPI_Win_lock_all}, NONE, 0},
    {"Unlock_all", "Unlock_all($self, /)\n--\n\nComplete what was begun since Lock_all()." LOCAL, plain, "MPI_Win_unlock_all", {.win = MPI_Win_unlock_all}, ALL, 0},
    {"Flush", "Flush($self, /, rank)\n--\n\nComplete what was begun on a rank, there and here." LOCAL, with_rank, "MPI_Win_flush", {.win_number = MPI_Win_flush}, THIS_RANK, 0},
    {"Flush_all", "Flush_all($self, /)\n--\n\nComplete what was begun, there and here." LOCAL, plain, "MPI_Win_flush_all", {.win = MPI_Win_flush_all}, ALL, 0},
    {"Flush_local", "Flush_local($self, /, rank)\n--\n\nComplete what was begun on a rank as far as buffers here go." LOCAL, with_rank, "MPI_Win_flush_local", {.win_number = MPI_Win_flush_local}, THIS_RANK, 0},
    {"Flush_local_all", "Flush_local_all($self, /)\n--\n\nComplete what was begun as far as buffers here go." LOCAL, plain, "MPI_Win_flush_local_all", {.win = MPI_Win_flush_local_all}, ALL, 0},
    {"Sync", "Sync($self, /)\n--\n\nMake the window and the memory of this rank agree." LOCAL, plain, "MPI_Win_sync", {.win = MPI_Win_sync}, NONE, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
