/* Receives of buffers and probes while objects are to be received: who asked first is served first.
 */
#include "parcel.h"
#include "request.h"

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
    if (found > 0 && status != MPI_STATUS_IGNORE)
        *status = own;
    return found;
}
