/* The data accesses of MPI.File: one row each over one body. */
#include "view.h"

/* What MPI's function takes and gives: at an offset or at a pointer; blocking, with a request, or
 * the first and second half of a split collective. */
enum shape { AT, IAT, AT_BEGIN, OWN, IOWN, OWN_BEGIN, END };

typedef struct transfer {
    enum shape shape;
    int writing;
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

/* X(method, MPI's name, shape, reading or writing, what it does) */
#define ACCESSES                                                                                   \
    X(Read_at, read_at, at, read, "at an offset. Not collective")                                  \
    X(Write_at, write_at, at, write, "at an offset. Not collective")                               \
    X(Read_at_all, read_at_all, at, read, "at an offset. Collective")                              \
    X(Write_at_all, write_at_all, at, write, "at an offset. Collective")                           \
    X(Iread_at, iread_at, iat, read, "at an offset. Not collective")                               \
    X(Iwrite_at, iwrite_at, iat, write, "at an offset. Not collective")                            \
    X(Iread_at_all, iread_at_all, iat, read, "at an offset. Collective")                           \
    X(Iwrite_at_all, iwrite_at_all, iat, write, "at an offset. Collective")                        \
    X(Read_at_all_begin, read_at_all_begin, at_begin, read, "at an offset. Collective")            \
    X(Write_at_all_begin, write_at_all_begin, at_begin, write, "at an offset. Collective")         \
    X(Read_at_all_end, read_at_all_end, end, read, "of Read_at_all_begin(). Collective")           \
    X(Write_at_all_end, write_at_all_end, end, write, "of Write_at_all_begin(). Collective")       \
    X(Read, read, own, read, "at this rank's pointer. Not collective")                             \
    X(Write, write, own, write, "at this rank's pointer. Not collective")                          \
    X(Read_all, read_all, own, read, "at this rank's pointer. Collective")                         \
    X(Write_all, write_all, own, write, "at this rank's pointer. Collective")                      \
    X(Iread, iread, iown, read, "at this rank's pointer. Not collective")                          \
    X(Iwrite, iwrite, iown, write, "at this rank's pointer. Not collective")                       \
    X(Iread_all, iread_all, iown, read, "at this rank's pointer. Collective")                      \
    X(Iwrite_all, iwrite_all, iown, write, "at this rank's pointer. Collective")                   \
    X(Read_all_begin, read_all_begin, own_begin, read, "at this rank's pointer. Collective")       \
    X(Write_all_begin, write_all_begin, own_begin, write, "at this rank's pointer. Collective")    \
    X(Read_all_end, read_all_end, end, read, "of Read_all_begin(). Collective")                    \
    X(Write_all_end, write_all_end, end, write, "of Write_all_begin(). Collective")                \
    X(Read_shared, read_shared, own, read, "at the shared pointer. Not collective")                \
    X(Write_shared, write_shared, own, write, "at the shared pointer. Not collective")             \
    X(Iread_shared, iread_shared, iown, read, "at the shared pointer. Not collective")             \
    X(Iwrite_shared, iwrite_shared, iown, write, "at the shared pointer. Not collective")          \
    X(Read_ordered, read_ordered, own, read, "in the order of the ranks. Collective")              \
    X(Write_ordered, write_ordered, own, write, "in the order of the ranks. Collective")           \
    X(Read_ordered_begin, read_ordered_begin, own_begin, read, "in rank order. Collective")        \
    X(Write_ordered_begin, write_ordered_begin, own_begin, write, "in rank order. Collective")     \
    X(Read_ordered_end, read_ordered_end, end, read, "of Read_ordered_begin(). Collective")        \
    X(Write_ordered_end, write_ordered_end, end, write, "of Write_ordered_begin(). Collective")

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
#define X(method, name, shape, direction, text) ACCESS_##name,
    ACCESSES
#undef X
};

static const transfer accesses[] = {
#define X(method, name, shape, direction, text)                                                    \
    {SHAPE_##shape, WRITING_##direction, {.shape##_##direction = MPI_File_##name}},
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
        return w ? a->call.at_write(f, at, m->data, m->count, m->type, status)
                 : a->call.at_read(f, at, m->data, m->count, m->type, status);
    case IAT:
        return w ? a->call.iat_write(f, at, m->data, m->count, m->type, request)
                 : a->call.iat_read(f, at, m->data, m->count, m->type, request);
    case AT_BEGIN:
        return w ? a->call.at_begin_write(f, at, m->data, m->count, m->type)
                 : a->call.at_begin_read(f, at, m->data, m->count, m->type);
    case OWN:
        return w ? a->call.own_write(f, m->data, m->count, m->type, status)
                 : a->call.own_read(f, m->data, m->count, m->type, status);
    case IOWN:
        return w ? a->call.iown_write(f, m->data, m->count, m->type, request)
                 : a->call.iown_read(f, m->data, m->count, m->type, request);
    case OWN_BEGIN:
        return w ? a->call.own_begin_write(f, m->data, m->count, m->type)
                 : a->call.own_begin_read(f, m->data, m->count, m->type);
    default:
        return w ? a->call.end_write(f, m->data, status) : a->call.end_read(f, m->data, status);
    }
}

/* Open MPI 4.1 reports success for independent writes that failed; only the status tells. */
static int judge(const transfer *a, const row_method *row, int code, const message *m,
                 const MPI_Status *status)
{
    MPI_Count size = 0, wanted, got = 0;

    if (mpi_failed(code, row->mpi_name) < 0)
        return -1;
    if (!a->writing || (a->shape != AT && a->shape != OWN) ||
        MPI_Type_size_x(m->type, &size) != MPI_SUCCESS ||
        MPI_Get_elements_x(status, MPI_BYTE, &got) != MPI_SUCCESS || got == MPI_UNDEFINED)
        return 0;
    wanted = size * m->count;
    return got < wanted ? mpi_failed(MPI_ERR_IO, row->mpi_name) : 0;
}

/* The buffer of a split collective stays alive until its second half. */
static void keep_buffer(PyObject *self, const transfer *a, PyObject *buffer)
{
    if (a->shape == AT_BEGIN || a->shape == OWN_BEGIN)
        Py_XSETREF(((handle *)self)->keep, Py_XNewRef(buffer));
    else if (a->shape == END)
        Py_CLEAR(((handle *)self)->keep);
}

static PyObject *file_access(PyObject *self, const row_method *row, PyObject *const *args,
                             Py_ssize_t nargs, PyObject *keywords)
{
    const transfer *a = &accesses[row->mode];
    state *st = state_of(self);
    access_args given = {0, NULL, NULL};
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status mine, *status;
    PyObject *result = NULL;
    PyThreadState *saved;
    MPI_File file;
    message m;
    int code;

    if (file_of(self, &file) < 0 ||
        args_parse(row->name, params[a->shape], &given, args, nargs, keywords) < 0 ||
        status_arg(st, given.status, &status) < 0)
        return NULL;
    if (status == MPI_STATUS_IGNORE)
        status = &mine;
    message_init(&m);
    if (message_from(st, given.buf, !a->writing, 1, &m) == 0) {
        saved = gil_release();
        code = move(a, file, given.offset, &m, status, &request);
        gil_acquire(saved);
        if (judge(a, row, code, &m, status) == 0) {
            keep_buffer(self, a, m.keep);
            result = a->shape == IAT || a->shape == IOWN
                         ? request_make(st, TYPE_Request, request, m.keep)
                         : Py_NewRef(Py_None);
        }
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

const row_method file_access_rows[] = {
#define X(method, name, shape, direction, text)                                                    \
    {#method,                                                                                      \
     #method SIG_##shape DOES_##direction text ".",                                                \
     file_access,                                                                                  \
     "MPI_File_" #name,                                                                            \
     {NULL},                                                                                       \
     ACCESS_##name,                                                                                \
     0},
    ACCESSES
#undef X
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
