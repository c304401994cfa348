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

/*
 * Most calls give their arguments by position, and ranks and tags are small ints: for these the
 * functions below take a quarter of the time of args_parse(), to which they leave all others.
 */
static inline int are_small_ints(PyObject *const *args, Py_ssize_t n)
{
    Py_ssize_t i = 0;

    while (i < n && int_is_small(args[i]))
        i++;
    return i >= n;
}

static inline int send_parse(const char *name, const param *rows, send_args *a,
                             PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    if (keywords != NULL || nargs < 2 || nargs > 3 || !are_small_ints(args + 1, nargs - 1))
        return args_parse(name, rows, a, args, nargs, keywords);
    a->data = args[0];
    a->dest = int_small(args[1]);
    if (nargs > 2)
        a->tag = int_small(args[2]);
    return 0;
}

static inline int recv_parse(const char *name, const param *rows, recv_args *a,
                             PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    if (keywords != NULL || nargs < 1 || nargs > 3 || !are_small_ints(args + 1, nargs - 1))
        return args_parse(name, rows, a, args, nargs, keywords);
    a->buf = args[0];
    if (nargs > 1)
        a->source = int_small(args[1]);
    if (nargs > 2)
        a->tag = int_small(args[2]);
    return 0;
}

/* (sendbuf, dest, sendtag, recvbuf, source[, recvtag]) */
static inline int exchange_parse(const char *name, const param *rows, exchange_args *a,
                                 PyObject *const *args, Py_ssize_t nargs, PyObject *keywords)
{
    if (keywords != NULL || nargs < 5 || nargs > 6 || !are_small_ints(args + 1, 2) ||
        !are_small_ints(args + 4, nargs - 4))
        return args_parse(name, rows, a, args, nargs, keywords);
    a->data = args[0];
    a->dest = int_small(args[1]);
    a->sendtag = int_small(args[2]);
    a->recvbuf = args[3];
    a->source = int_small(args[4]);
    if (nargs > 5)
        a->recvtag = int_small(args[5]);
    return 0;
}

#endif
