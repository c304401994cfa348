/* Collective calls on buffers: what comm_collect.c, collect_prepare.c and collect_call.c share. */
#ifndef COLLIO_COLLECT_H
#define COLLIO_COLLECT_H

#include "bindings.h"

/* The forms of a call: done on return, begun, prepared to be started many times. */
enum form { FORM_BLOCKING, FORM_NONBLOCKING, FORM_PERSISTENT };

/* The arguments of all calls together. */
typedef struct collect_args {
    PyObject *sendbuf, *recvbuf, *op, *counts, *info;
    int root;
} collect_args;

/* One call, ready for MPI: the union of the arguments of its functions. */
typedef struct collective {
    message send, recv; /* one of them holds the buffer of Bcast */
    MPI_Op op;
    int root;
    MPI_Comm comm;
    MPI_Info info;
    MPI_Request request; /* out */
    enum form form;
    int large;      /* counts do not fit in an int: the lists hold MPI_Count and MPI_Aint */
    int inter;      /* an intercommunicator */
    int rank, size; /* in the own group */
    int to, from;   /* number of blocks sent and received: other ranks, or neighbours */
} collective;

/* What calls with the same arguments have in common: collect_prepare.c. */
typedef struct shape {
    const param *params;
    int (*prepare)(state *st, const collect_args *a, collective *c); /* arguments -> messages */
} shape;

/* clang-format off */
extern const shape shape_barrier, shape_bcast, shape_gather, shape_gatherv, shape_scatter,
    shape_scatterv, shape_allgather, shape_allgatherv, shape_alltoall, shape_alltoallv,
    shape_alltoallw, shape_reduce, shape_allreduce, shape_reduce_scatter_block,
    shape_reduce_scatter, shape_neighbor_allgather, shape_neighbor_allgatherv,
    shape_neighbor_alltoall, shape_neighbor_alltoallv, shape_neighbor_alltoallw;
/* clang-format on */

/* A collective call, in all forms: collect_call.c. */
typedef struct operation {
    const shape *shape;
    int (*call)(collective *c); /* call MPI */
    int traits;
} operation;

/* ANY_SIZE, ANY_RANK: within one group, how many ranks there are does not matter, or which this is:
 * MPI is not asked. */
enum {
    NEIGHBOURS = 1,
    REDUCES = 2,
    AINT_DISPLS = 4,
    LISTS_SENT = 8,
    LISTS_RECEIVED = 16,
    ANY_SIZE = 32,
    ANY_RANK = 64
};

/*
 * Persistent gathers of MPICH 4.0 leave out the root's own part if it is not rank 0, its allgathers
 * are wrong from the second start on, and its scatters fail then. The forms with lists of counts
 * are right, so they are called with equal counts.
 */
#ifdef MPICH_VERSION
enum { PERSISTENT_BY_LISTS = 1 };
#else
enum { PERSISTENT_BY_LISTS = 0 };
#endif

/* X(name in MPI, its shape, traits) */
#define OPERATIONS                                                                                 \
    X(Barrier, barrier, ANY_SIZE | ANY_RANK)                                                       \
    X(Bcast, bcast, ANY_SIZE)                                                                      \
    X(Gather, gather, LISTS_RECEIVED)                                                              \
    X(Gatherv, gatherv, 0)                                                                         \
    X(Scatter, scatter, LISTS_SENT)                                                                \
    X(Scatterv, scatterv, 0)                                                                       \
    X(Allgather, allgather, LISTS_RECEIVED)                                                        \
    X(Allgatherv, allgatherv, 0)                                                                   \
    X(Alltoall, alltoall, ANY_RANK)                                                                \
    X(Alltoallv, alltoallv, 0)                                                                     \
    X(Alltoallw, alltoallw, 0)                                                                     \
    X(Reduce, reduce, REDUCES | ANY_SIZE)                                                          \
    X(Allreduce, allreduce, REDUCES | ANY_SIZE | ANY_RANK)                                         \
    X(Scan, allreduce, REDUCES | ANY_SIZE | ANY_RANK)                                              \
    X(Exscan, allreduce, REDUCES | ANY_SIZE | ANY_RANK)                                            \
    X(Reduce_scatter_block, reduce_scatter_block, REDUCES)                                         \
    X(Reduce_scatter, reduce_scatter, REDUCES)                                                     \
    X(Neighbor_allgather, neighbor_allgather, NEIGHBOURS)                                          \
    X(Neighbor_allgatherv, neighbor_allgatherv, NEIGHBOURS)                                        \
    X(Neighbor_alltoall, neighbor_alltoall, NEIGHBOURS)                                            \
    X(Neighbor_alltoallv, neighbor_alltoallv, NEIGHBOURS)                                          \
    X(Neighbor_alltoallw, neighbor_alltoallw, NEIGHBOURS | AINT_DISPLS)

#define X(name, shape, traits) extern const operation collect_##name;
OPERATIONS
#undef X

#endif
