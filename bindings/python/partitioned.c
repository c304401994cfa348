/* Partitioned messages: Comm.Psend_init, Precv_init, and the parts of them in MPI.Prequest. */
#include "bindings.h"

#ifdef HAVE_MPI_PSEND_INIT
#define HAVE_PARTITIONED 1
#else
#define HAVE_PARTITIONED      0
#define MPI_Psend_init(...)   MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Precv_init(...)   MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Pready(...)       MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Pready_range(...) MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Pready_list(...)  MPI_ERR_UNSUPPORTED_OPERATION
#define MPI_Parrived(...)     MPI_ERR_UNSUPPORTED_OPERATION
#endif

static int ready(state *st, const char *call)
{
    if (mpi_ready(st) < 0)
        return -1;
    if (!HAVE_PARTITIONED) {
        raise_unavailable(call);
        return -1;
    }
    return 0;
}

/* -------------------------------------------------------------------- of communicators */

typedef struct init_args {
    PyObject *buf, *info;
    int partitions, rank, tag;
} init_args;

#define ROW_BUF                                                                                    \
    {                                                                                              \
        "buf", arg_object, offsetof(init_args, buf)                                                \
    }
#define ROW_PARTITIONS                                                                             \
    {                                                                                              \
        "partitions", arg_int, offsetof(init_args, partitions)                                     \
    }
#define ROW_TAG                                                                                    \
    {                                                                                              \
        "|tag", arg_int, offsetof(init_args, tag)                                                  \
    }
#define ROW_INFO                                                                                   \
    {                                                                                              \
        "|info", arg_object, offsetof(init_args, info)                                             \
    }

static PyObject *init(PyObject *self, const row_method *row, PyObject *const *args,
                      Py_ssize_t nargs, PyObject *keywords)
{
    static const param sending[] = {
        ROW_BUF, ROW_PARTITIONS, {"dest", arg_int, offsetof(init_args, rank)},
        ROW_TAG, ROW_INFO,       {NULL, NULL, 0}};
    static const param receiving[] = {
        ROW_BUF, ROW_PARTITIONS, {"|source", arg_int, offsetof(init_args, rank)},
        ROW_TAG, ROW_INFO,       {NULL, NULL, 0}};
    const int receives = row->mode;
    init_args a = {.rank = MPI_ANY_SOURCE, .tag = receives ? MPI_ANY_TAG : 0};
    MPI_Request request = MPI_REQUEST_NULL;
    state *st = state_of(self);
    PyObject *result = NULL;
    MPI_Info info;
    message m;
    int code = MPI_SUCCESS;

    if (ready(st, row->mpi_name) < 0 ||
        args_parse(row->name, receives ? receiving : sending, &a, args, nargs, keywords) < 0 ||
        info_arg(st, a.info, &info) < 0)
        return NULL;
    message_init(&m);
    if (message_from_large(st, a.buf, receives, a.partitions > 0 ? a.partitions : 1, &m) == 0) {
        code = receives ? MPI_Precv_init(m.data, a.partitions, m.count, m.type, a.rank, a.tag,
                                         ((handle *)self)->mpi.comm, info, &request)
                        : MPI_Psend_init(m.data, a.partitions, m.count, m.type, a.rank, a.tag,
                                         ((handle *)self)->mpi.comm, info, &request);
        if (mpi_failed(code, row->mpi_name) == 0)
            result = request_make(st, TYPE_Prequest, request, m.keep);
    }
    message_release(&m);
    return result;
}

#define PARTS " in equal parts that become ready one by one; returns a Prequest. Not collective."

/* clang-format off */
const row_method comm_partitioned_rows[] = {
    {"Psend_init", "Psend_init($self, /, buf, partitions, dest, tag=0, info=...)\n--\n\nPrepare to send" PARTS, init, "MPI_Psend_init", {NULL}, 0, 0},
    {"Precv_init", "Precv_init($self, /, buf, partitions, source=..., tag=..., info=...)\n--\n\nPrepare to receive" PARTS, init, "MPI_Precv_init", {NULL}, 1, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

/* ------------------------------------------------------------------------- of requests */

static PyObject *prequest_Pready(PyObject *self, PyObject *arg)
{
    int part;

    if (ready(state_of(self), "MPI_Pready") < 0 || arg_int(arg, &part) < 0 ||
        mpi_failed(MPI_Pready(part, ((handle *)self)->mpi.request), "MPI_Pready") < 0)
        return NULL;
    Py_RETURN_NONE;
}

typedef struct range_args {
    int low, high;
} range_args;

static PyObject *prequest_Pready_range(PyObject *self, const row_method *row, PyObject *const *args,
                                       Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"partition_low", arg_int, offsetof(range_args, low)},
                                 {"partition_high", arg_int, offsetof(range_args, high)},
                                 {NULL, NULL, 0}};
    range_args a;

    if (ready(state_of(self), row->mpi_name) < 0 ||
        args_parse(row->name, rows, &a, args, nargs, keywords) < 0 ||
        mpi_failed(MPI_Pready_range(a.low, a.high, ((handle *)self)->mpi.request), row->mpi_name) <
            0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *prequest_Pready_list(PyObject *self, PyObject *arg)
{
    int *parts = NULL, n, failed;

    if (ready(state_of(self), "MPI_Pready_list") < 0)
        return NULL;
    n = ints_from(arg, &parts);
    if (n < 0)
        return NULL;
    failed =
        mpi_failed(MPI_Pready_list(n, parts, ((handle *)self)->mpi.request), "MPI_Pready_list");
    PyMem_Free(parts);
    return failed ? NULL : Py_NewRef(Py_None);
}

static PyObject *prequest_Parrived(PyObject *self, PyObject *arg)
{
    int part, flag = 0;

    if (ready(state_of(self), "MPI_Parrived") < 0 || arg_int(arg, &part) < 0 ||
        mpi_failed(MPI_Parrived(((handle *)self)->mpi.request, part, &flag), "MPI_Parrived") < 0)
        return NULL;
    return PyBool_FromLong(flag);
}

/* clang-format off */
const row_method prequest_partitioned_rows[] = {
    {"Pready", "Pready($self, /, partition)\n--\n\nA part is ready to be sent. Not collective.", method_one, "partition", {.one = prequest_Pready}, 0, 0},
    {"Pready_range", "Pready_range($self, /, partition_low, partition_high)\n--\n\nParts are ready, the last one included. Not collective.", prequest_Pready_range, "MPI_Pready_range", {NULL}, 0, 0},
    {"Pready_list", "Pready_list($self, /, partitions)\n--\n\nParts are ready. Not collective.", method_one, "partitions", {.one = prequest_Pready_list}, 0, 0},
    {"Parrived", "Parrived($self, /, partition)\n--\n\nWhether a part has been received. Not collective.", method_one, "partition", {.one = prequest_Parrived}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */
