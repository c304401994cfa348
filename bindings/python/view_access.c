/* The data accesses of MPI.File: one row each over one body. The view behind the file moves the
 * data, or MPI-IO (see view_guard.c). */
#include "view.h"

/* What MPI's function takes and gives: at an offset or at a pointer; blocking, with a request, or
 * the first and second half of a split collective. */
enum shape { AT, IAT, AT_BEGIN, OWN, IOWN, OWN_BEGIN, END };

typedef struct transfer {
    enum shape shape;
    int writing;
    collio_access word;
    union {
        int (*at_read)(MPI_File, MPI_Offset, void *, int, MPI_Datatype, MPI_Status *);
        int (*at_write)(MPI_File, MPI_Offset, const void *, int, MPI_Datatype, MPI_Status *);
        int (*iat_read)(MPI_File, MPI_Offset, void *, int, MPI_Datatype, MPI_Request *);
        int (*iat_write)(MPI_File, MPI_Offset, const void *, int, MPI_Datatype, MPI_Request *);
        int (*at_begin_read)(MPI_File, MPI_Offset, void *, int, MPI_Datatype);
        int (*at_begin_write)(MPI_File, MPI_Offset, const void *, int, MPI_Datatype);
        int (*own_read)(MPI_File, void *, int, MPI_Datatype, MPI_Status *);
        int (*own_write)(MPI_File, const void *, int, MPI_Datatype, MPI_Status *);
        int (*iown_read)(MPI_File, void *, int, MPI_Datatype, MPI_Request *);
        int (*iown_write)(MPI_File, const void *, int, MPI_Datatype, MPI_Request *);
        int (*own_begin_read)(MPI_File, void *, int, MPI_Datatype);
        int (*own_begin_write)(MPI_File, const void *, int, MPI_Datatype);
        int (*end_read)(MPI_File, void *, MPI_Status *);
        int (*end_write)(MPI_File, const void *, MPI_Status *);
    } call;
} transfer;

/* X(method, MPI's name, shape, reading or writing, where: a word of collio_access) */
#define ACCESSES                                                                                   \
    X(Read_at, read_at, at, read, AT)                                                              \
    X(Write_at, write_at, at, write, AT)                                                           \
    X(Read_at_all, read_at_all, at, read, AT_ALL)                                                  \
    X(Write_at_all, write_at_all, at, write, AT_ALL)                                               \
    X(Iread_at, iread_at, iat, read, AT)                                                           \
    X(Iwrite_at, iwrite_at, iat, write, AT)                                                        \
    X(Iread_at_all, iread_at_all, iat, read, AT_ALL)                                               \
    X(Iwrite_at_all, iwrite_at_all, iat, write, AT_ALL)                                            \
    X(Read_at_all_begin, read_at_all_begin, at_begin, read, AT_ALL)                                \
    X(Write_at_all_begin, write_at_all_begin, at_begin, write, AT_ALL)                             \
    X(Read_at_all_end, read_at_all_end, end, read, AT_ALL)                                         \
    X(Write_at_all_end, write_at_all_end, end, write, AT_ALL)                                      \
    X(Read, read, own, read, OWN)                                                                  \
    X(Write, write, own, write, OWN)                                                               \
    X(Read_all, read_all, own, read, OWN_ALL)                                                      \
    X(Write_all, write_all, own, write, OWN_ALL)                                                   \
    X(Iread, iread, iown, read, OWN)                                                               \
    X(Iwrite, iwrite, iown, write, OWN)                                                            \
    X(Iread_all, iread_all, iown, read, OWN_ALL)                                                   \
    X(Iwrite_all, iwrite_all, iown, write, OWN_ALL)                                                \
    X(Read_all_begin, read_all_begin, own_begin, read, OWN_ALL)                                    \
    X(Write_all_begin, write_all_begin, own_begin, write, OWN_ALL)                                 \
    X(Read_all_end, read_all_end, end, read, OWN_ALL)                                              \
    X(Write_all_end, write_all_end, end, write, OWN_ALL)                                           \
    X(Read_shared, read_shared, own, read, SHARED)                                                 \
    X(Write_shared, write_shared, own, write, SHARED)                                              \
    X(Iread_shared, iread_shared, iown, read, SHARED)                                              \
    X(Iwrite_shared, iwrite_shared, iown, write, SHARED)                                           \
    X(Read_ordered, read_ordered, own, read, ORDERED)                                              \
    X(Write_ordered, write_ordered, own, write, ORDERED)                                           \
    X(Read_ordered_begin, read_ordered_begin, own_begin, read, ORDERED)                            \
    X(Write_ordered_begin, write_ordered_begin, own_begin, write, ORDERED)                         \
    X(Read_ordered_end, read_ordered_end, end, read, ORDERED)                                      \
    X(Write_ordered_end, write_ordered_end, end, write, ORDERED)

#define SHAPE_at        AT
#define SHAPE_iat       IAT
#define SHAPE_at_begin  AT_BEGIN
#define SHAPE_own       OWN
#define SHAPE_iown      IOWN
#define SHAPE_own_begin OWN_BEGIN
#define SHAPE_end       END
#define WRITING_read    0
#define WRITING_write   1

enum {
#define X(method, name, shape, direction, word) ACCESS_##name,
    ACCESSES
#undef X
};

static const transfer accesses[] = {
#define X(method, name, shape, direction, word)                                                    \
    {SHAPE_##shape,                                                                                \
     WRITING_##direction,                                                                          \
     COLLIO_ACCESS_##word,                                                                         \
     {.shape##_##direction = MPI_File_##name}},
    ACCESSES
#undef X
};

/* What the caller gives. */
typedef struct access_args {
    int64_t offset;
    PyObject *buf, *status;
} access_args;

#define OFFSET                                                                                     \
    {                                                                                              \
        "offset", arg_int64, offsetof(access_args, offset)                                         \
    }
#define BUF                                                                                        \
    {                                                                                              \
        "buf", arg_object, offsetof(access_args, buf)                                              \
    }
#define STATUS                                                                                     \
    {                                                                                              \
        "|status", arg_object, offsetof(access_args, status)                                       \
    }
#define LAST                                                                                       \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }

static const param params[][4] = {
    [AT] = {OFFSET, BUF, STATUS, LAST},
    [IAT] = {OFFSET, BUF, LAST},
    [AT_BEGIN] = {OFFSET, BUF, LAST},
    [OWN] = {BUF, STATUS, LAST},
    [IOWN] = {BUF, LAST},
    [OWN_BEGIN] = {BUF, LAST},
    [END] = {BUF, STATUS, LAST},
};

/* The call itself, without the GIL. */
static int move(const transfer *a, MPI_File f, int64_t at, const message *m, MPI_Status *status,
                MPI_Request *request)
{
    int w = a->writing;

    switch (a->shape) {
    case AT:
        return w ? a->call.at_write(f, at, m->data, (int)m->count, m->type, status)
                 : a->call.at_read(f, at, m->data, (int)m->count, m->type, status);
    case IAT:
        return w ? a->call.iat_write(f, at, m->data, (int)m->count, m->type, request)
                 : a->call.iat_read(f, at, m->data, (int)m->count, m->type, request);
    case AT_BEGIN:
        return w ? a->call.at_begin_write(f, at, m->data, (int)m->count, m->type)
                 : a->call.at_begin_read(f, at, m->data, (int)m->count, m->type);
    case OWN:
        return w ? a->call.own_write(f, m->data, (int)m->count, m->type, status)
                 : a->call.own_read(f, m->data, (int)m->count, m->type, status);
    case IOWN:
        return w ? a->call.iown_write(f, m->data, (int)m->count, m->type, request)
                 : a->call.iown_read(f, m->data, (int)m->count, m->type, request);
    case OWN_BEGIN:
        return w ? a->call.own_begin_write(f, m->data, (int)m->count, m->type)
                 : a->call.own_begin_read(f, m->data, (int)m->count, m->type);
    default:
        return w ? a->call.end_write(f, m->data, status) : a->call.end_read(f, m->data, status);
    }
}

/* ------------------------------------------------------------- by the view */

/* Nonblocking collective calls may not wait for other ranks, so that each moves its data by itself;
 * the result is the same. */
static collio_access word_of(const transfer *a)
{
    if (a->shape != IAT && a->shape != IOWN)
        return a->word;
    return a->word == COLLIO_ACCESS_AT_ALL    ? COLLIO_ACCESS_AT
           : a->word == COLLIO_ACCESS_OWN_ALL ? COLLIO_ACCESS_OWN
                                              : a->word;
}

static int is_collective(const transfer *a)
{
    collio_access word = word_of(a);

    return word == COLLIO_ACCESS_AT_ALL || word == COLLIO_ACCESS_OWN_ALL ||
           word == COLLIO_ACCESS_ORDERED;
}

static int is_first_half(const transfer *a)
{
    return a->shape == AT_BEGIN || a->shape == OWN_BEGIN;
}

/* Which split collective a half belongs to; never 0. */
static int split_of(const transfer *a)
{
    return 1 + 2 * (int)a->word + a->writing;
}

/* All of a split collective is done in its first half, as MPI allows. */
static void end_split(file_guard *g, const transfer *a, int64_t *moved, collio_error *err)
{
    if (err->code != COLLIO_OK)
        return;
    if (g->split != split_of(a))
        guard_error(err, MPI_ERR_IO, "there is no first half of this split collective");
    else
        g->split = 0;
    *moved = g->split_moved;
}

/* Without the GIL. */
static void move_by_view(file_guard *g, const transfer *a, int64_t offset, const message *m,
                         int64_t *moved, collio_error *err)
{
    const collio_typed memory = {m->data, m->count, m->type};

    if (a->shape == END) {
        end_split(g, a, moved, err);
        return;
    }
    if (a->writing && (g->amode & MPI_MODE_RDONLY))
        guard_error(err, MPI_ERR_READ_ONLY, "the file is open for reading only");
    if (!a->writing && (g->amode & MPI_MODE_WRONLY))
        guard_error(err, MPI_ERR_ACCESS, "the file is open for writing only");
    if (is_first_half(a) && g->split != 0)
        guard_error(err, MPI_ERR_IO, "a split collective is under way on this file");
    collio_view_transfer(g->view, a->writing ? COLLIO_WRITING : COLLIO_READING, word_of(a), offset,
                         &memory, moved, err);
    if (is_first_half(a) && err->code == COLLIO_OK) {
        g->split = split_of(a);
        g->split_moved = *moved;
    }
}

/* What a request for a transfer that is over will answer. */
typedef struct outcome {
    int64_t moved;
    int code;
} outcome;

static int answer(void *kept, MPI_Status *status)
{
    const outcome *o = kept;

    MPI_Status_set_elements_x(status, MPI_BYTE, o->moved);
    MPI_Status_set_cancelled(status, 0);
    status->MPI_SOURCE = status->MPI_TAG = MPI_UNDEFINED;
    return o->code;
}

static int forget(void *kept)
{
    free(kept);
    return MPI_SUCCESS;
}

static int ignore_cancel(void *Py_UNUSED(kept), int Py_UNUSED(complete))
{
    return MPI_SUCCESS;
}

/* A request that is done: bytes that could not be moved are an error when it is waited for. */
static int make_done(int64_t moved, MPI_Request *request, collio_error *err)
{
    outcome *o;

    if (err->code != COLLIO_OK && err->code != COLLIO_ERR_OS)
        return err->code;
    o = malloc(sizeof *o);
    if (o == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a request");
    *o = (outcome){moved, guard_class(err)};
    err->code = COLLIO_OK;
    if (collio_mpi(MPI_Grequest_start(answer, forget, ignore_cancel, o, request),
                   "MPI_Grequest_start", err)) {
        free(o);
        return err->code;
    }
    return collio_mpi(MPI_Grequest_complete(*request), "MPI_Grequest_complete", err);
}

static void set_status(MPI_Status *status, int64_t moved)
{
    if (status == MPI_STATUS_IGNORE)
        return;
    MPI_Status_set_elements_x(status, MPI_BYTE, moved);
    MPI_Status_set_cancelled(status, 0);
    status->MPI_SOURCE = status->MPI_TAG = MPI_UNDEFINED;
}

/* --------------------------------------------------------------- by MPI-IO */

/* Open MPI 4.1 reports success for independent writes that failed; only the status tells. */
static void judge(const transfer *a, const message *m, const MPI_Status *status, collio_error *err)
{
    MPI_Count size = 0, got = 0;

    if (err->code != COLLIO_OK || !a->writing || (a->shape != AT && a->shape != OWN) ||
        MPI_Type_size_x(m->type, &size) != MPI_SUCCESS ||
        MPI_Get_elements_x(status, MPI_BYTE, &got) != MPI_SUCCESS || got == MPI_UNDEFINED)
        return;
    if (got < size * m->count)
        guard_error(err, MPI_ERR_IO, "fewer bytes were written than given");
}

/* Without the GIL. Agreed before a collective call; how it went on other ranks MPI does not tell.
 */
static void move_by_mpi(file_guard *g, MPI_File file, const row_method *row, int64_t offset,
                        const message *m, MPI_Status *status, MPI_Request *request,
                        collio_error *err)
{
    const transfer *a = &accesses[row->mode];
    MPI_Status mine;

    if (status == MPI_STATUS_IGNORE)
        status = &mine;
    if (g != NULL && (g->amode & MPI_MODE_SEQUENTIAL) && a->word != COLLIO_ACCESS_SHARED &&
        a->word != COLLIO_ACCESS_ORDERED)
        guard_error(err, MPI_ERR_UNSUPPORTED_OPERATION,
                    "a file of MODE_SEQUENTIAL is read and written at the shared pointer alone");
    if (is_collective(a) && a->shape != END)
        guard_agree(g, row->name, "", err);
    if (err->code == COLLIO_OK &&
        collio_mpi(move(a, file, offset, m, status, request), row->mpi_name, err) == COLLIO_OK)
        judge(a, m, status, err);
}

/* ------------------------------------------------------------------- the body */

/* The buffer of a split collective stays alive until its second half. */
static void keep_buffer(PyObject *self, const transfer *a, PyObject *buffer)
{
    if (is_first_half(a))
        Py_XSETREF(((handle *)self)->keep, Py_XNewRef(buffer));
    else if (a->shape == END)
        Py_CLEAR(((handle *)self)->keep);
}

static int parse(PyObject *self, const row_method *row, PyObject *const *args, Py_ssize_t nargs,
                 PyObject *keywords, int64_t *offset, MPI_Status **status, message *m)
{
    const transfer *a = &accesses[row->mode];
    state *st = state_of(self);
    access_args given = {0, NULL, NULL};

    if (args_parse(row->name, params[a->shape], &given, args, nargs, keywords) < 0 ||
        status_arg(st, given.status, status) < 0 ||
        message_from_large(st, given.buf, !a->writing, 1, m) < 0)
        return -1;
    *offset = given.offset;
    return 0;
}

static PyObject *file_access(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    const transfer *a = &accesses[row->mode];
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status *status = MPI_STATUS_IGNORE;
    PyObject *result = NULL;
    PyThreadState *saved;
    int64_t offset = 0, moved = 0;
    int nonblocking = a->shape == IAT || a->shape == IOWN, by_view;
    file_guard *g;
    MPI_File file;
    message m;
    joint j;

    if (file_of(self, &file) < 0)
        return NULL;
    g = guard_of(file);
    is_collective(a) ? joint_begin(&j) : guard_begin(&j);
    message_init(&m);
    by_view = g != NULL && g->direct;
    if (parse(self, row, args, nargs, keywords, &offset, &status, &m) < 0 ||
        (!by_view && m.count > INT_MAX && message_bundle(&m) < 0))
        joint_fail(&j);
    saved = guard_enter(g);
    if (!by_view) {
        move_by_mpi(g, file, row, offset, &m, status, &request, &j.err);
    } else {
        move_by_view(g, a, offset, &m, &moved, &j.err);
        if (nonblocking)
            make_done(moved, &request, &j.err);
        else
            set_status(status, moved);
    }
    guard_leave(g, saved);
    if (guard_failed(file, &j) == 0) {
        keep_buffer(self, a, m.keep);
        result = nonblocking ? request_make(state_of(self), TYPE_Request, request, m.keep)
                             : Py_NewRef(Py_None);
    }
    message_release(&m);
    return result;
}

#define DOES_read     "Read "
#define DOES_write    "Write "
#define SIG_at        "($self, /, offset, buf, status=None)\n--\n\n"
#define SIG_iat       "($self, /, offset, buf)\n--\n\nStart: "
#define SIG_at_begin  "($self, /, offset, buf)\n--\n\nFirst half: "
#define SIG_own       "($self, /, buf, status=None)\n--\n\n"
#define SIG_iown      "($self, /, buf)\n--\n\nStart: "
#define SIG_own_begin "($self, /, buf)\n--\n\nFirst half: "
#define SIG_end       "($self, /, buf, status=None)\n--\n\nSecond half: "
#define PLACE_AT      "at an offset. Not collective."
#define PLACE_AT_ALL  "at an offset. Collective."
#define PLACE_OWN     "at this rank's pointer. Not collective."
#define PLACE_OWN_ALL "at this rank's pointer. Collective."
#define PLACE_SHARED  "at the shared pointer. Not collective."
#define PLACE_ORDERED "at the shared pointer, in the order of the ranks. Collective."

const row_method file_access_rows[] = {
#define X(method, name, shape, direction, word)                                                    \
    {#method,                                                                                      \
     #method SIG_##shape DOES_##direction PLACE_##word,                                            \
     file_access,                                                                                  \
     "MPI_File_" #name,                                                                            \
     {NULL},                                                                                       \
     ACCESS_##name,                                                                                \
     0},
    ACCESSES
#undef X
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
