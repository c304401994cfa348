/* Shared by request.c and its neighbours. */
#ifndef COLLIO_REQUEST_H
#define COLLIO_REQUEST_H

#include "bindings.h"

/* One test; *done is 0 for an object that has not been matched yet. */
int request_test_one(handle *self, int *done, MPI_Status *status);
int request_wait_one(handle *self, MPI_Status *status);

/* Whether it is done, without completing it. */
int request_status_one(handle *self, int *done, MPI_Status *status);

/* A completed request lets go of its buffers, unless it can be started again. */
void request_finished(handle *self);

/* The object that a completed lower-case request stands for: None for sends. New. */
PyObject *request_take_object(handle *self);

/* grequest.c: what complete() was given; None for other requests. New. */
PyObject *grequest_object(handle *self);

/* orphan.c: let an operation that nobody holds go on. Whether it could be noted; `keep` is taken
 * over then. */
int request_adopt(MPI_Request mpi, PyObject *keep, int persistent);

/* Give the other threads and processes of this machine a turn. */
void request_yield(void);

/* Look for the messages of all objects to be received. 0, or -1. */
int request_match_all(void);

/* Whether an object to be received asked before for the message that was found: 1 or 0. And give
 * it the message, which has been taken out: 1, 0 if nobody did, -1. */
int request_claims(MPI_Comm comm, const MPI_Status *found);
int request_give(MPI_Comm comm, MPI_Message *taken, const MPI_Status *found);

/* watcher.c: a thread does so from begin to end, while the program waits for something else. Stop
 * is for the end of the process. */
void watcher_begin(void);
void watcher_end(void);
void watcher_stop(void);

/* Neither an operation nor an object stands behind it. */
int request_is_null(const handle *self);

#endif
