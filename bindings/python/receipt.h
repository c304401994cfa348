/* Shared by receipt.c and request.c: receives whose message is yet to be found. */
#ifndef COLLIO_RECEIPT_H
#define COLLIO_RECEIPT_H

#include "parcel.h"
#include "request.h"

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
} receipt;

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
