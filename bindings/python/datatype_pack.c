/* MPI.Datatype: data packed into bytes and out of them. */
#include "datatype.h"

/* Counts and positions as this MPI takes them; external data have a type of their own. */
#if MPI_VERSION >= 4
typedef MPI_Count pack_count, external_count;
#define PACK_MAX   INT64_MAX
#define CALL(name) name##_c
#else
typedef int pack_count;
typedef MPI_Aint external_count;
#define PACK_MAX   INT_MAX
#define CALL(name) name
#endif

/* All that one of the six calls is given; not every call takes all. */
typedef struct pack_args {
    PyObject *in, *out, *comm;
    int64_t position, count;
    const char *datarep;
} pack_args;

/* The two sides of a transfer: packed bytes, and elements of the datatype. */
typedef struct sides {
    message elements, bytes;
    Py_ssize_t nelements, nbytes;
} sides;

static MPI_Datatype mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.datatype;
}

static int check_count(int64_t value)
{
    if (value <= (int64_t)PACK_MAX)
        return 0;
    PyErr_Format(PyExc_OverflowError, "%lld bytes or elements are more than this MPI can pack",
                 (long long)value);
    return -1;
}

/* Find both sides' memory; as many elements as fit into theirs. */
static int sides_from(MPI_Datatype type, PyObject *elements, PyObject *bytes, int unpacking,
                      sides *s)
{
    MPI_Aint lb = 0, extent = 0;
    Py_ssize_t length = 0;

    if (message_memory(elements, unpacking, &s->elements, &length) < 0 ||
        message_memory(bytes, !unpacking, &s->bytes, &s->nbytes) < 0 ||
        mpi_failed(MPI_Type_get_extent(type, &lb, &extent), "MPI_Type_get_extent") < 0)
        return -1;
    s->nelements = extent > 0 ? length / (Py_ssize_t)extent : 0;
    return check_count(s->nelements) < 0 ? -1 : check_count(s->nbytes);
}

/* The packed data must lie within the bytes: not every MPI looks. */
static int check_room(const sides *s, int64_t position, int64_t need)
{
    if (position >= 0 && position <= s->nbytes && need <= s->nbytes - position)
        return 0;
    PyErr_Format(PyExc_ValueError,
                 "%zd elements take %lld bytes packed, which do not fit at position %lld of %zd "
                 "bytes",
                 s->nelements, (long long)need, (long long)position, s->nbytes);
    return -1;
}

static int check_native(const sides *s, int64_t position, MPI_Datatype type)
{
    MPI_Count size = 0;

    if (mpi_failed(MPI_Type_size_x(type, &size), "MPI_Type_size_x") < 0)
        return -1;
    return check_room(s, position, (int64_t)size * s->nelements);
}

static int check_external(const sides *s, int64_t position, MPI_Datatype type, const char *datarep)
{
    external_count size = 0;

    if (mpi_failed(CALL(MPI_Pack_external_size)(datarep, (pack_count)s->nelements, type, &size),
                   "MPI_Pack_external_size") < 0)
        return -1;
    return check_room(s, position, size);
}

static PyObject *position_after(int failed, int64_t position)
{
    return failed < 0 ? NULL : PyLong_FromLongLong(position);
}

PyDoc_STRVAR(pack_doc, "Pack($self, /, inbuf, outbuf, position, comm)\n--\n\nPack the elements in "
                       "`inbuf` into `outbuf` from byte `position` on; the position after them. "
                       "Not collective.");

static PyObject *datatype_Pack(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords)
{
    static const param rows[] = {{"inbuf", arg_object, offsetof(pack_args, in)},
                                 {"outbuf", arg_object, offsetof(pack_args, out)},
                                 {"position", arg_int64, offsetof(pack_args, position)},
                                 {"comm", arg_object, offsetof(pack_args, comm)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    MPI_Comm comm;
    pack_args a;
    pack_count at;
    sides s;
    int failed = -1;

    if (mpi_ready(st) < 0 || args_parse("Pack", rows, &a, args, nargs, keywords) < 0 ||
        comm_arg(st, a.comm, &comm) < 0)
        return NULL;
    message_init(&s.elements);
    message_init(&s.bytes);
    at = (pack_count)a.position;
    if (sides_from(mpi_of(self), a.in, a.out, 0, &s) == 0 &&
        check_native(&s, a.position, mpi_of(self)) == 0)
        failed = mpi_failed(CALL(MPI_Pack)(s.elements.data, (pack_count)s.nelements, mpi_of(self),
                                           s.bytes.data, (pack_count)s.nbytes, &at, comm),
                            "MPI_Pack");
    message_release(&s.elements);
    message_release(&s.bytes);
    return position_after(failed, at);
}

PyDoc_STRVAR(unpack_doc, "Unpack($self, /, inbuf, position, outbuf, comm)\n--\n\nUnpack from byte "
                         "`position` of `inbuf` on as many elements as `outbuf` holds; the "
                         "position after them. Not collective.");

static PyObject *datatype_Unpack(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"inbuf", arg_object, offsetof(pack_args, in)},
                                 {"position", arg_int64, offsetof(pack_args, position)},
                                 {"outbuf", arg_object, offsetof(pack_args, out)},
                                 {"comm", arg_object, offsetof(pack_args, comm)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    MPI_Comm comm;
    pack_args a;
    pack_count at;
    sides s;
    int failed = -1;

    if (mpi_ready(st) < 0 || args_parse("Unpack", rows, &a, args, nargs, keywords) < 0 ||
        comm_arg(st, a.comm, &comm) < 0)
        return NULL;
    message_init(&s.elements);
    message_init(&s.bytes);
    at = (pack_count)a.position;
    if (sides_from(mpi_of(self), a.out, a.in, 1, &s) == 0 &&
        check_native(&s, a.position, mpi_of(self)) == 0)
        failed =
            mpi_failed(CALL(MPI_Unpack)(s.bytes.data, (pack_count)s.nbytes, &at, s.elements.data,
                                        (pack_count)s.nelements, mpi_of(self), comm),
                       "MPI_Unpack");
    message_release(&s.elements);
    message_release(&s.bytes);
    return position_after(failed, at);
}

PyDoc_STRVAR(pack_size_doc, "Pack_size($self, /, count, comm)\n--\n\nThe most bytes that `count` "
                            "elements take when packed. Not collective.");

static PyObject *datatype_Pack_size(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                    PyObject *keywords)
{
    static const param rows[] = {{"count", arg_int64, offsetof(pack_args, count)},
                                 {"comm", arg_object, offsetof(pack_args, comm)},
                                 {NULL, NULL, 0}};
    state *st = state_of(self);
    MPI_Comm comm;
    pack_args a;
    pack_count size = 0;

    if (mpi_ready(st) < 0 || args_parse("Pack_size", rows, &a, args, nargs, keywords) < 0 ||
        comm_arg(st, a.comm, &comm) < 0 || check_count(a.count) < 0 ||
        mpi_failed(CALL(MPI_Pack_size)((pack_count)a.count, mpi_of(self), comm, &size),
                   "MPI_Pack_size") < 0)
        return NULL;
    return PyLong_FromLongLong(size);
}

PyDoc_STRVAR(pack_external_doc,
             "Pack_external($self, /, datarep, inbuf, outbuf, position)\n--\n\nPack() in a "
             "representation that all machines share: 'external32'. Not collective.");

static PyObject *datatype_Pack_external(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                        PyObject *keywords)
{
    static const param rows[] = {{"datarep", arg_string, offsetof(pack_args, datarep)},
                                 {"inbuf", arg_object, offsetof(pack_args, in)},
                                 {"outbuf", arg_object, offsetof(pack_args, out)},
                                 {"position", arg_int64, offsetof(pack_args, position)},
                                 {NULL, NULL, 0}};
    pack_args a;
    external_count at;
    sides s;
    int failed = -1;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Pack_external", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    message_init(&s.elements);
    message_init(&s.bytes);
    at = (external_count)a.position;
    if (sides_from(mpi_of(self), a.in, a.out, 0, &s) == 0 &&
        check_external(&s, a.position, mpi_of(self), a.datarep) == 0)
        failed = mpi_failed(CALL(MPI_Pack_external)(a.datarep, s.elements.data,
                                                    (pack_count)s.nelements, mpi_of(self),
                                                    s.bytes.data, (external_count)s.nbytes, &at),
                            "MPI_Pack_external");
    message_release(&s.elements);
    message_release(&s.bytes);
    return position_after(failed, at);
}

PyDoc_STRVAR(unpack_external_doc,
             "Unpack_external($self, /, datarep, inbuf, position, outbuf)\n--\n\nUnpack() what "
             "Pack_external() made. Not collective.");

static PyObject *datatype_Unpack_external(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                          PyObject *keywords)
{
    static const param rows[] = {{"datarep", arg_string, offsetof(pack_args, datarep)},
                                 {"inbuf", arg_object, offsetof(pack_args, in)},
                                 {"position", arg_int64, offsetof(pack_args, position)},
                                 {"outbuf", arg_object, offsetof(pack_args, out)},
                                 {NULL, NULL, 0}};
    pack_args a;
    external_count at;
    sides s;
    int failed = -1;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Unpack_external", rows, &a, args, nargs, keywords) < 0)
        return NULL;
    message_init(&s.elements);
    message_init(&s.bytes);
    at = (external_count)a.position;
    if (sides_from(mpi_of(self), a.out, a.in, 1, &s) == 0 &&
        check_external(&s, a.position, mpi_of(self), a.datarep) == 0)
        failed = mpi_failed(
            CALL(MPI_Unpack_external)(a.datarep, s.bytes.data, (external_count)s.nbytes, &at,
                                      s.elements.data, (pack_count)s.nelements, mpi_of(self)),
            "MPI_Unpack_external");
    message_release(&s.elements);
    message_release(&s.bytes);
    return position_after(failed, at);
}

PyDoc_STRVAR(pack_external_size_doc,
             "Pack_external_size($self, /, datarep, count)\n--\n\nThe bytes that `count` elements "
             "take when packed by Pack_external(). Not collective.");

static PyObject *datatype_Pack_external_size(PyObject *self, PyObject *const *args,
                                             Py_ssize_t nargs, PyObject *keywords)
{
    static const param rows[] = {{"datarep", arg_string, offsetof(pack_args, datarep)},
                                 {"count", arg_int64, offsetof(pack_args, count)},
                                 {NULL, NULL, 0}};
    pack_args a;
    external_count size = 0;

    if (mpi_ready(state_of(self)) < 0 ||
        args_parse("Pack_external_size", rows, &a, args, nargs, keywords) < 0 ||
        check_count(a.count) < 0 ||
        mpi_failed(
            CALL(MPI_Pack_external_size)(a.datarep, (pack_count)a.count, mpi_of(self), &size),
            "MPI_Pack_external_size") < 0)
        return NULL;
    return PyLong_FromLongLong(size);
}

PyMethodDef datatype_pack_methods[] = {
    {"Pack", FAST(datatype_Pack), FASTCALL, pack_doc},
    {"Unpack", FAST(datatype_Unpack), FASTCALL, unpack_doc},
    {"Pack_size", FAST(datatype_Pack_size), FASTCALL, pack_size_doc},
    {"Pack_external", FAST(datatype_Pack_external), FASTCALL, pack_external_doc},
    {"Unpack_external", FAST(datatype_Unpack_external), FASTCALL, unpack_external_doc},
    {"Pack_external_size", FAST(datatype_Pack_external_size), FASTCALL, pack_external_size_doc},
    {NULL, NULL, 0, NULL},
};
