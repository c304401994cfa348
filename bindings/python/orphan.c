/* Operations that are under way when nobody holds their request any more. */
#include "request.h"

/* An operation whose Request died early: its buffer lives until it is done. */
typedef struct orphan {
    struct orphan *next;
    MPI_Request mpi;
    PyObject *keep;
    int persistent;
} orphan;

static orphan *orphans;
static int orphan_count;

enum { ORPHANS_MAX = 100 }; /* that sends may leave behind */

static void sweep_orphans(void)
{
    orphan **at = &orphans;

    while (*at != NULL) {
        orphan *o = *at;
        int done = 0;
        if (MPI_Test(&o->mpi, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done) {
            at = &o->next;
            continue;
        }
        if (o->persistent && o->mpi != MPI_REQUEST_NULL)
            MPI_Request_free(&o->mpi);
        *at = o->next;
        orphan_count--;
        Py_XDECREF(o->keep);
        PyMem_Free(o);
    }
}

int request_adopt(MPI_Request mpi, PyObject *keep, int persistent)
{
    orphan *o = PyMem_Malloc(sizeof *o);

    if (o == NULL)
        return 0;
    *o = (orphan){orphans, mpi, keep, persistent};
    orphans = o;
    orphan_count++;
    sweep_orphans();
    return 1;
}

int request_may_leave(void)
{
    return orphan_count < ORPHANS_MAX;
}

void requests_settle(void)
{
    const double end = collio_now() + 5;

    watcher_stop();
    sweep_orphans();
    while (orphans != NULL && collio_now() < end) {
        request_yield();
        sweep_orphans();
    }
}

void request_leave(MPI_Request mpi, PyObject *keep)
{
    int done = 0;

    if (MPI_Test(&mpi, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done)
        return;
    Py_INCREF(keep); /* for good if it cannot be noted: better lost than freed under MPI's hands */
    request_adopt(mpi, keep, 0);
}
