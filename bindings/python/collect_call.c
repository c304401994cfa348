/* MPI's collective functions: one C function for all forms of each. */
#include "collect.h"

/* Persistent collectives and functions for large counts came with MPI 4. */
#ifdef HAVE_MPI_BCAST_INIT
#define IF_PERSISTENT(call) (call)
#else
#define IF_PERSISTENT(call) MPI_ERR_UNSUPPORTED_OPERATION
#endif

#ifdef HAVE_MPI_ALLREDUCE_C
#define IF_LARGE(call) (call)
#else
#define IF_LARGE(call) MPI_ERR_COUNT
#endif

/* Call MPI_<name> in the form asked for; the arguments are those before the communicator. */
#define IN_FORM(name, iname, suffix, ...)                                                          \
    (c->form == FORM_BLOCKING ? MPI_##name##suffix(__VA_ARGS__, c->comm)                           \
     : c->form == FORM_NONBLOCKING                                                                 \
         ? MPI_##iname##suffix(__VA_ARGS__, c->comm, &c->request)                                  \
         : IF_PERSISTENT(MPI_##name##_init##suffix(__VA_ARGS__, c->comm, c->info, &c->request)))
#define CALL(name, iname, ...)                                                                     \
    (c->large ? IF_LARGE(IN_FORM(name, iname, _c, __VA_ARGS__))                                    \
              : IN_FORM(name, iname, , __VA_ARGS__))

/* One side's arguments: a count, counts and displacements, or types too. */
#define SIMPLE(m) (m).data, (m).count, (m).type
#define VECTOR(m) (m).data, (m).counts, (m).displs, (m).type
#define TYPES(m)  (m).data, (m).counts, (m).displs, (m).types

/* See PERSISTENT_BY_LISTS. */
static int by_lists(const collective *c)
{
    return PERSISTENT_BY_LISTS && c->form == FORM_PERSISTENT;
}

static int call_Barrier(collective *c)
{
    return c->form == FORM_BLOCKING ? MPI_Barrier(c->comm)
           : c->form == FORM_NONBLOCKING
               ? MPI_Ibarrier(c->comm, &c->request)
               : IF_PERSISTENT(MPI_Barrier_init(c->comm, c->info, &c->request));
}

static int call_Bcast(collective *c)
{
    return CALL(Bcast, Ibcast, SIMPLE(c->recv), c->root);
}

static int call_Gatherv(collective *c)
{
    return CALL(Gatherv, Igatherv, SIMPLE(c->send), VECTOR(c->recv), c->root);
}

static int call_Gather(collective *c)
{
    if (by_lists(c))
        return call_Gatherv(c);
    return CALL(Gather, Igather, SIMPLE(c->send), SIMPLE(c->recv), c->root);
}

static int call_Scatterv(collective *c)
{
    return CALL(Scatterv, Iscatterv, VECTOR(c->send), SIMPLE(c->recv), c->root);
}

static int call_Scatter(collective *c)
{
    if (by_lists(c))
        return call_Scatterv(c);
    return CALL(Scatter, Iscatter, SIMPLE(c->send), SIMPLE(c->recv), c->root);
}

static int call_Allgatherv(collective *c)
{
    if (c->large && c->size == 1 && !c->inter) /* MPICH 4.0 loses the data of a lone rank */
        return CALL(Gatherv, Igatherv, SIMPLE(c->send), VECTOR(c->recv), 0);
    return CALL(Allgatherv, Iallgatherv, SIMPLE(c->send), VECTOR(c->recv));
}

static int call_Allgather(collective *c)
{
    if (by_lists(c))
        return call_Allgatherv(c);
    return CALL(Allgather, Iallgather, SIMPLE(c->send), SIMPLE(c->recv));
}

static int call_Alltoall(collective *c)
{
    return CALL(Alltoall, Ialltoall, SIMPLE(c->send), SIMPLE(c->recv));
}

static int call_Alltoallv(collective *c)
{
    return CALL(Alltoallv, Ialltoallv, VECTOR(c->send), VECTOR(c->recv));
}

static int call_Alltoallw(collective *c)
{
    return CALL(Alltoallw, Ialltoallw, TYPES(c->send), TYPES(c->recv));
}

static int call_Reduce(collective *c)
{
    return CALL(Reduce, Ireduce, c->send.data, SIMPLE(c->recv), c->op, c->root);
}

static int call_Allreduce(collective *c)
{
    return CALL(Allreduce, Iallreduce, c->send.data, SIMPLE(c->recv), c->op);
}

static int call_Scan(collective *c)
{
    return CALL(Scan, Iscan, c->send.data, SIMPLE(c->recv), c->op);
}

static int call_Exscan(collective *c)
{
    return CALL(Exscan, Iexscan, c->send.data, SIMPLE(c->recv), c->op);
}

static int call_Reduce_scatter_block(collective *c)
{
    return CALL(Reduce_scatter_block, Ireduce_scatter_block, c->send.data, SIMPLE(c->recv), c->op);
}

static int call_Reduce_scatter(collective *c)
{
    return CALL(Reduce_scatter, Ireduce_scatter, c->send.data, c->recv.data, c->recv.counts,
                c->recv.type, c->op);
}

static int call_Neighbor_allgather(collective *c)
{
    return CALL(Neighbor_allgather, Ineighbor_allgather, SIMPLE(c->send), SIMPLE(c->recv));
}

static int call_Neighbor_allgatherv(collective *c)
{
    return CALL(Neighbor_allgatherv, Ineighbor_allgatherv, SIMPLE(c->send), VECTOR(c->recv));
}

static int call_Neighbor_alltoall(collective *c)
{
    return CALL(Neighbor_alltoall, Ineighbor_alltoall, SIMPLE(c->send), SIMPLE(c->recv));
}

static int call_Neighbor_alltoallv(collective *c)
{
    return CALL(Neighbor_alltoallv, Ineighbor_alltoallv, VECTOR(c->send), VECTOR(c->recv));
}

static int call_Neighbor_alltoallw(collective *c)
{
    return CALL(Neighbor_alltoallw, Ineighbor_alltoallw, TYPES(c->send), TYPES(c->recv));
}

#define X(name, shape, traits)                                                                     \
    const operation collect_##name = {&shape_##shape, call_##name, traits};
OPERATIONS
#undef X
