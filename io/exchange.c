/* Elements on their way to the ranks that own their chunks. */
#include "../core/comm.h"
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* Before the elements of segments that are alike: `times` of them, each `step` after the last. */
typedef struct label {
    int64_t share, offset, count, step, times;
} label;

/* ---------------------------------------------------------------- packing */

static int make_room(collio_parcel *p, int64_t more, collio_error *err)
{
    int64_t room = p->room > 0 ? 2 * p->room : 1 << 16;
    char *bytes;

    if (p->size + more <= p->room)
        return COLLIO_OK;
    if (room < p->size + more)
        room = p->size + more;
    bytes = realloc(p->bytes, (size_t)room);
    if (bytes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld bytes to send",
                                (long long)room);
    p->bytes = bytes;
    p->room = room;
    return COLLIO_OK;
}

/* Whether a segment goes on with those of the last label; then it is counted there. */
static int joins(collio_parcel *p, int64_t share, const collio_segment *s)
{
    label l;

    if (p->size == 0)
        return 0;
    memcpy(&l, p->bytes + p->label, sizeof l);
    if (l.share != share || l.count != s->count)
        return 0;
    if (l.times == 1)
        l.step = s->offset - l.offset;
    if (s->offset != l.offset + l.times * l.step)
        return 0;
    l.times++;
    memcpy(p->bytes + p->label, &l, sizeof l);
    return 1;
}

int collio_parcel_add(collio_parcel *p, int64_t share, const collio_segment *s, size_t element,
                      collio_error *err)
{
    int64_t times = s->times > 1 ? s->times : 1;
    label l = {share, s->offset, s->count, s->step, times};
    int64_t size = times * s->count * (int64_t)element;

    if (make_room(p, (int64_t)sizeof l + size, err))
        return err->code;
    if (times > 1 || !joins(p, share, s)) {
        p->label = p->size;
        memcpy(p->bytes + p->size, &l, sizeof l);
        p->size += (int64_t)sizeof l;
    }
    memcpy(p->bytes + p->size, s->memory, (size_t)size);
    p->size += size;
    return COLLIO_OK;
}

/* -------------------------------------------------------------- unpacking */

int collio_parcel_open(char *bytes, int64_t size, size_t element, int alike,
                       collio_segment_function *arrived, void *context, collio_error *err)
{
    char *end = bytes + size;
    label l;

    while (bytes < end) {
        memcpy(&l, bytes, sizeof l);
        bytes += sizeof l;
        for (int64_t i = 0, n = alike ? l.times : 1; i < l.times; i += n) {
            collio_segment s = {l.share, l.offset + i * l.step, l.count, bytes, l.step, n};

            if (arrived(context, &s, err))
                return err->code;
            bytes += n * l.count * (int64_t)element;
        }
    }
    return COLLIO_OK;
}

/* --------------------------------------------------------------- on the way */

/* What MPI works on; if a transfer is given up it stays with MPI. */
typedef struct mail {
    char *out, *in;
    int *counts; /* four lists: to send, where, to receive, where */
    int64_t to_send, to_receive;
} mail;

static void mail_free(mail *m)
{
    free(m->out);
    free(m->in);
    free(m->counts);
}

/* Fill lists from the sizes that all ranks told, by sender and receiver. */
static void count(mail *m, const int64_t *sizes, int ranks, int rank)
{
    for (int i = 0; i < ranks; i++) {
        int64_t sent = sizes[rank * ranks + i], received = sizes[i * ranks + rank];

        m->counts[i] = (int)sent;
        m->counts[ranks + i] = (int)m->to_send;
        m->counts[2 * ranks + i] = (int)received;
        m->counts[3 * ranks + i] = (int)m->to_receive;
        m->to_send += sent;
        m->to_receive += received;
    }
}

static int prepare(mail *m, const collio_parcel *parcels, const int64_t *sizes, int ranks, int rank,
                   collio_error *err)
{
    m->counts = malloc(4 * (size_t)ranks * sizeof *m->counts);
    if (m->counts == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange elements");
    count(m, sizes, ranks, rank);
    if (m->to_send > INT32_MAX || m->to_receive > INT32_MAX)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "more than 2 GiB of elements to exchange at once: the chunks are "
                                "too large");
    m->out = malloc((size_t)m->to_send + 1);
    m->in = malloc((size_t)m->to_receive + 1);
    if (m->out == NULL || m->in == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange %lld bytes",
                                (long long)(m->to_send + m->to_receive));
    for (int i = 0; i < ranks; i++)
        if (parcels[i].size > 0)
            memcpy(m->out + m->counts[ranks + i], parcels[i].bytes, (size_t)parcels[i].size);
    return COLLIO_OK;
}

static int travel(collio_comm *comm, mail *m, collio_error *err)
{
    int ranks = collio_comm_size(comm);
    MPI_Request request = MPI_REQUEST_NULL;
    collio_error failure = COLLIO_ERROR_INIT;

    if (collio_fault_before("MPI_Ialltoallv", &failure) == COLLIO_OK)
        collio_mpi_made(MPI_Ialltoallv(m->out, m->counts, m->counts + ranks, MPI_BYTE, m->in,
                                       m->counts + 2 * ranks, m->counts + 3 * ranks, MPI_BYTE,
                                       collio_comm_handle(comm), &request),
                        "MPI_Ialltoallv", &failure);
    if (failure.code != COLLIO_OK) {
        *err = failure;
        return collio_comm_fail(comm, err);
    }
    if (collio_wait(comm, &request, "write, exchange of elements", err))
        *m = (mail){NULL, NULL, NULL, 0, 0};
    return err->code;
}

static void empty(collio_parcel *parcels, int ranks)
{
    for (int i = 0; i < ranks; i++) {
        free(parcels[i].bytes);
        parcels[i] = (collio_parcel){NULL, 0, 0, 0};
    }
}

int collio_parcels_exchange(collio_comm *comm, collio_parcel *parcels, size_t element, int alike,
                            collio_segment_function *arrived, void *context, collio_error *err)
{
    int ranks = collio_comm_size(comm), rank = collio_comm_rank(comm);
    int64_t *sizes = malloc((size_t)ranks * (size_t)(ranks + 1) * sizeof *sizes), *mine;
    mail m = {NULL, NULL, NULL, 0, 0};

    if (sizes == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange elements");
    if (collio_agree_step(comm, "write, elements to exchange", err))
        goto done;
    mine = sizes + ranks * ranks;
    for (int i = 0; i < ranks; i++)
        mine[i] = parcels[i].size;
    if (collio_allgather(comm, mine, sizes, (size_t)ranks * sizeof *sizes, "write, sizes", err))
        goto done;
    prepare(&m, parcels, sizes, ranks, rank, err);
    empty(parcels, ranks);
    if (collio_agree_step(comm, "write, room to exchange", err) || travel(comm, &m, err))
        goto done;
    collio_parcel_open(m.in, m.to_receive, element, alike, arrived, context, err);
done:
    empty(parcels, ranks);
    mail_free(&m);
    free(sizes);
    return err->code;
}
