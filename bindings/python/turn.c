/* Receives of buffers and probes while objects are to be received: who asked first is served first.
 */
#include "parcel.h"
#include "request.h"

#include <limits.h>

/*
 * MPI knows nothing of an object to be received before its message is there, and would give that
 * message to whoever asks for it then.
 */

/* One look: 1 if there is a message for us, 0 if not, -1. A message that is somebody else's goes to
 * them, and *again tells that there may be another. */
static int look(const turn *t, MPI_Message *taken, MPI_Status *status, int *again)
{
    int found = 0, given, code;

    *again = 0;
    if (request_match_all() < 0)
        return -1;
    code = taken != NULL ? MPI_Improbe(t->source, t->tag, t->comm, &found, taken, status)
                         : MPI_Iprobe(t->source, t->tag, t->comm, &found, status);
    if (mpi_failed(code, t->name) < 0)
        return -1;
    if (!found || status->MPI_SOURCE == MPI_PROC_NULL)
        return found;
    given = taken != NULL ? request_give(t->comm, taken, status) : request_claims(t->comm, status);
    *again = given > 0;
    return given < 0 ? -1 : !given;
}

int turn_find(const turn *t, int wait, MPI_Message *taken, MPI_Status *status)
{
    MPI_Status own;
    int again, found = look(t, taken, &own, &again);

    while (found == 0 && (wait || again)) {
        if (!again)
            request_yield();
        found = PyErr_CheckSignals() < 0 ? -1 : look(t, taken, &own, &again);
    }
    if (found > 0)
        status_copy(status, &own);
    return found;
}

int turn_recv(const state *st, const turn *t, const message *m, int large, MPI_Status *status)
{
    PyThreadState *saved;
    MPI_Message taken;
    int code;

    if (turn_find(t, 1, &taken, status) < 0)
        return -1;
    saved = gil_lend(st);
    code = SIZED(large, MPI_Mrecv, m->data, m->count, m->type, &taken, status);
    gil_acquire(saved);
    return mpi_failed(code, t->name);
}

/* What MPI counts packed bytes with. */
#ifdef HAVE_MPI_ALLREDUCE_C
#define PACK(function) function##_c
typedef MPI_Count pack_count;
#else
#define PACK(function) function
typedef int pack_count;
#endif

/* The message as MPI packs it. New bytes. */
static PyObject *pack(const message *m, MPI_Comm comm, pack_count *size)
{
    PyObject *bytes;
    pack_count at = 0;
    int code = PACK(MPI_Pack_size)((pack_count)m->count, m->type, comm, size);

    if (mpi_failed(code, "MPI_Pack_size") < 0)
        return NULL;
    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)*size);
    if (bytes == NULL)
        return NULL;
    code = PACK(MPI_Pack)(m->data, (pack_count)m->count, m->type, PyBytes_AS_STRING(bytes), *size,
                          &at, comm);
    if (mpi_failed(code, "MPI_Pack") < 0)
        Py_CLEAR(bytes);
    *size = at;
    return bytes;
}

int turn_send(const message *m, int dest, int tag, MPI_Comm comm)
{
    pack_count size = 0;
    int failed = -1;
    PyObject *bytes = pack(m, comm, &size);
    MPI_Request request;

    if (bytes == NULL)
        return -1;
    failed = mpi_failed(SIZED(size > INT_MAX, MPI_Isend, PyBytes_AS_STRING(bytes), size, MPI_PACKED,
                              dest, tag, comm, &request),
                        "MPI_Isend");
    if (!failed)
        request_leave(request, bytes);
    Py_DECREF(bytes);
    return failed;
}
