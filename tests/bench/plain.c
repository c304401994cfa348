/*
 * The calls that bench_calls.py and bench_messages.py measure, in plain C: a module that they load
 * into the same process, so that C and the layers take turns on the same communicator and memory.
 *
 *   make bench
 */
#include <mpi.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* ---------------------------------------------------------- one call on COMM_SELF */

static double a[1], b[1];

static void get_rank(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_SELF, &rank);
}

static void iprobe(void)
{
    int flag;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_SELF, &flag, MPI_STATUS_IGNORE);
}

static void send_to_nobody(void)
{
    MPI_Send(a, 1, MPI_DOUBLE, MPI_PROC_NULL, 0, MPI_COMM_SELF);
}

static void exchange(void)
{
    MPI_Sendrecv(a, 1, MPI_DOUBLE, 0, 0, b, 1, MPI_DOUBLE, 0, 0, MPI_COMM_SELF, MPI_STATUS_IGNORE);
}

static void broadcast(void)
{
    MPI_Bcast(a, 1, MPI_DOUBLE, 0, MPI_COMM_SELF);
}

static void allreduce(void)
{
    MPI_Allreduce(a, b, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_SELF);
}

static void alltoall(void)
{
    MPI_Alltoall(a, 1, MPI_DOUBLE, b, 1, MPI_DOUBLE, MPI_COMM_SELF);
}

static void exchange_later(void)
{
    MPI_Request receive, send;

    MPI_Irecv(b, 1, MPI_DOUBLE, 0, 0, MPI_COMM_SELF, &receive);
    MPI_Isend(a, 1, MPI_DOUBLE, 0, 0, MPI_COMM_SELF, &send);
    MPI_Wait(&send, MPI_STATUS_IGNORE);
    MPI_Wait(&receive, MPI_STATUS_IGNORE);
}

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
    {"Get_rank", get_rank},       {"Iprobe", iprobe},
    {"Send", send_to_nobody},     {"Sendrecv", exchange},
    {"Bcast", broadcast},         {"Allreduce", allreduce},
    {"Alltoall", alltoall},       {"Irecv Isend Wait Wait", exchange_later},
};

/* Seconds that `number` calls take; -1: there is no such call. */
EXPORT double plain_calls(const char *name, int number)
{
    double start;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i].name, name) != 0)
            continue;
        start = MPI_Wtime();
        for (int n = 0; n < number; n++)
            calls[i].call();
        return MPI_Wtime() - start;
    }
    return -1;
}

/* ------------------------------------------------------- experiments among ranks */

typedef struct experiment {
    char *out, *in;
    int bytes;
    int rank, size;
    MPI_Comm comm;
} experiment;

/* Between each rank and its neighbour, one way and back. */
static void ping_pong(const experiment *e)
{
    const int other = e->rank ^ 1;

    if (other >= e->size)
        return;
    if (e->rank < other)
        MPI_Send(e->out, e->bytes, MPI_BYTE, other, 0, e->comm);
    MPI_Recv(e->in, e->bytes, MPI_BYTE, other, 0, e->comm, MPI_STATUS_IGNORE);
    if (e->rank > other)
        MPI_Send(e->out, e->bytes, MPI_BYTE, other, 0, e->comm);
}

static void ring(const experiment *e)
{
    MPI_Sendrecv(e->out, e->bytes, MPI_BYTE, (e->rank + 1) % e->size, 0, e->in, e->bytes, MPI_BYTE,
                 (e->rank + e->size - 1) % e->size, 0, e->comm, MPI_STATUS_IGNORE);
}

static void all_to_all(const experiment *e)
{
    MPI_Alltoall(e->out, e->bytes, MPI_BYTE, e->in, e->bytes, MPI_BYTE, e->comm);
}

/* Seconds that `number` exchanges of messages of `bytes` take. Collective. */
EXPORT double plain_messages(const char *name, int comm, void *out, void *in, int bytes, int number)
{
    void (*call)(const experiment *) = strcmp(name, "Send/Recv") == 0  ? ping_pong
                                       : strcmp(name, "Sendrecv") == 0 ? ring
                                                                       : all_to_all;
    experiment e = {.out = out, .in = in, .bytes = bytes, .comm = MPI_Comm_f2c(comm)};
    double start;

    MPI_Comm_rank(e.comm, &e.rank);
    MPI_Comm_size(e.comm, &e.size);
    MPI_Barrier(e.comm);
    start = MPI_Wtime();
    for (int n = 0; n < number; n++)
        call(&e);
    return MPI_Wtime() - start;
}
