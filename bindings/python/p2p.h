/* Parameters that the upper- and lower-case point-to-point calls share. */
#ifndef COLLIO_P2P_H
#define COLLIO_P2P_H

#include "bindings.h"

typedef struct send_args {
    PyObject *data; /* buffer or object */
    int dest;
    int tag;
} send_args;

typedef struct recv_args {
    PyObject *buf;
    int source;
    int tag;
    PyObject *status;
} recv_args;

typedef struct exchange_args {
    PyObject *data;
    int dest;
    int sendtag;
    PyObject *recvbuf;
    int source;
    int recvtag;
    PyObject *status;
} exchange_args;

/* clang-format off */
#define RECV_ARGS     {Py_None, MPI_ANY_SOURCE, MPI_ANY_TAG, Py_None}
#define EXCHANGE_ARGS {NULL, 0, 0, Py_None, MPI_ANY_SOURCE, MPI_ANY_TAG, Py_None}

/* The rows after the first, which the calls name differently. */
#define SEND_PARAMS \
    {"dest", arg_int, offsetof(send_args, dest)}, \
    {"|tag", arg_int, offsetof(send_args, tag)}, \
    {NULL, NULL, 0}

#define RECV_PARAMS \
    {"|source", arg_int, offsetof(recv_args, source)}, \
    {"|tag", arg_int, offsetof(recv_args, tag)}

#define EXCHANGE_PARAMS \
    {"dest", arg_int, offsetof(exchange_args, dest)}, \
    {"|sendtag", arg_int, offsetof(exchange_args, sendtag)}, \
    {"|recvbuf", arg_object, offsetof(exchange_args, recvbuf)}, \
    {"|source", arg_int, offsetof(exchange_args, source)}, \
    {"|recvtag", arg_int, offsetof(exchange_args, recvtag)}, \
    {"|status", arg_object, offsetof(exchange_args, status)}, \
    {NULL, NULL, 0}
/* clang-format on */

#endif
