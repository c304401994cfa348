/* Shared by receipt.c and request.c: receives whose message is yet to be found. */
#ifndef COLLIO_RECEIPT_H
#define COLLIO_RECEIPT_H

#include "parcel.h"
#include "request.h"

#include <limits.h>

/*
 * An object to be received, of unknown size: nothing can be posted before the
 * message is there. Its request is tested for by a matched probe; then room is
 * made and a real request posted. All unmatched ones stand in a list, and
 * whoever waits for anything looks after them: the sender of a large object
 * may be waiting for that before it can send what is waited for here.
 */
typedef struct receipt {
    struct receipt *next;
    handle *request;
    MPI_Comm comm;
    int source;
    int tag;
    incoming in;     /* its room is NULL while it is not matched */
    message *buffer; /* where it goes, instead of an object: see request_defer() */
    int left;        /* nobody holds the request: see receipt_leave() */
} receipt;

/*
 * What Recv_init() was called with. MPI would start the receive before that of an object which was
 * asked for earlier; where it has to wait its turn, another request stands for it until it is done.
 */
typedef struct prepared {
    message *buffer;
    MPI_Comm comm;
    int source, tag;
    MPI_Request aside; /* the persistent request meanwhile, else MPI_REQUEST_NULL */
} prepared;

/* Start the receive of a Prequest in its turn. 0, or -1. */
int prepared_start(handle *self);

/* The persistent request is there again if what stood for it is done. */
static inline void prepared_resume(handle *self)
{
    prepared *p = self->prepared;

    if (p == NULL || p->aside == MPI_REQUEST_NULL || self->mpi.request != MPI_REQUEST_NULL ||
        self->receipt != NULL)
        return;
    self->mpi.request = p->aside;
    p->aside = MPI_REQUEST_NULL;
}

/* Forget what was prepared; what was begun goes on as any other receive. */
void prepared_forget(handle *self);

/* A buffer that outlives the call it was given to, with a datatype of its own. New; NULL with an
 * exception. */
message *buffer_keep(const message *m);
void buffer_release(message *m);

/* Receive into a buffer. */
static inline int buffer_irecv(const message *m, int source, int tag, MPI_Comm comm,
                               MPI_Request *request)
{
    return SIZED(m->count > INT_MAX, MPI_Irecv, m->data, m->count, m->type, source, tag, comm,
                 request);
}

/* Let a request that stands for nothing receive into a buffer (taken over), after those that asked
 * before. 0, or -1. */
int receipt_defer(handle *self, message *buffer, MPI_Comm comm, int source, int tag);

/* Those that are not matched, in the order of the calls. */
extern receipt *receipts_unmatched;

/* Whether a request waits for a message that is yet to be found. */
static inline int receipt_is_unmatched(const handle *self)
{
    return self->receipt != NULL && self->receipt->in.room == NULL;
}

/* A request is done with its receipt. */
void receipt_forget(handle *self);

/* Nobody waits for the message any more, but it is to come into the buffer all the same. */
void receipt_leave(handle *self);

/* Let go of a receive that is not matched; a request that was cancelled stands for it. 0, or -1. */
int receipt_cancel(handle *self);

#endif
