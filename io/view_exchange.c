/*
 * Write what all ranks bring together, where their parts interleave finely. The file is cut into
 * chunks dealt out to the ranks; round by round each rank sends every piece it has to the owner of
 * the chunk, and the owner writes what came, joined. What nobody brought is not touched. Waits are
 * guarded, and every round begins with an agreement, so a rank that fails stops all.
 */
#include "view.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Runs shorter than this are worth being exchanged: measured, one pwrite each costs more. */
#define EXCHANGE_RUN ((int64_t)3072)
/* What is exchanged must fill at least one byte in this many of the stretch it lies in. */
#define EXCHANGE_WASTE 8
/* Bytes of the file in one round, of all ranks together, and bounds for the chunk of one. */
#define ROUND_BYTES ((int64_t)1 << 24)
#define CHUNK_MOST  ((int64_t)1 << 22)
#define CHUNK_LEAST ((int64_t)1 << 16)
#define PAGE        ((int64_t)4096)

/* The agreement at the beginning of a round. */
static const char PACKED[] = "view_write, packed";

/* What one rank tells another before it sends. */
typedef struct load {
    int64_t pieces, bytes;
} load;

/* Pieces and data of one round, ordered by the rank they go to or come from. */
typedef struct cargo {
    load *loads; /* one per rank */
    collio_piece *pieces;
    char *data;
    int64_t piece_room, data_room;
    int *counts, *offsets; /* bytes per rank, for MPI */
} cargo;

/* In one allocation that outlives the call if a wait is given up: MPI may still use it. */
typedef struct exchange {
    collio_comm *comm;
    collio_job *job;
    int ranks, rank;
    int64_t first, end, chunk; /* of the file, bytes */
    collio_place file, memory;
    int64_t left; /* bytes of this rank to be sent */
    cargo out, in;
    char *window;  /* this rank's chunk */
    char *covered; /* a 1 for each unit of it that came */
    int64_t unit;  /* bytes */
} exchange;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------- whether */

void collio_job_vote(const collio_job *job, int ranks, collio_ticket *ticket)
{
    collio_place first, last;
    int64_t runs = 0, start, end;

    ticket->vote[0] = ticket->vote[2] = ticket->vote[3] = 0;
    ticket->vote[1] = UINT64_MAX;
    if (job->bytes == 0 || job->map == NULL || job->map->used == 0 || job->position < 0)
        return;
    for (int64_t i = 0; i < job->map->used; i++)
        runs += job->map->segments[i].piece.count;
    collio_place_at(&first, job->map, job->position);
    collio_place_at(&last, job->map, job->position + job->bytes - 1);
    start = collio_place_offset(&first);
    end = collio_place_offset(&last) + 1;
    ticket->vote[0] = job->map->size / runs < EXCHANGE_RUN && end - start > job->bytes &&
                      (end - start) / ranks / EXCHANGE_WASTE <= job->bytes;
    ticket->vote[1] = (uint64_t)start;
    ticket->vote[2] = (uint64_t)end;
    ticket->vote[3] = (uint64_t)job->bytes;
}

int collio_job_is_shared_out(const collio_ticket *ticket, int ranks)
{
    return ticket->max[0] != 0 &&
           (ticket->max[2] - ticket->min[1]) / (uint64_t)ranks / EXCHANGE_WASTE <= ticket->max[3];
}

/* --------------------------------------------------------------- memory */

static void free_cargo(cargo *c)
{
    free(c->loads);
    free(c->pieces);
    free(c->data);
    free(c->counts);
    free(c->offsets);
}

static void free_exchange(exchange *x)
{
    free_cargo(&x->out);
    free_cargo(&x->in);
    free(x->window);
    free(x->covered);
    free(x);
}

static int make_cargo(cargo *c, int ranks)
{
    c->loads = calloc((size_t)ranks, sizeof *c->loads);
    c->counts = calloc((size_t)ranks, sizeof *c->counts);
    c->offsets = calloc((size_t)ranks, sizeof *c->offsets);
    return c->loads != NULL && c->counts != NULL && c->offsets != NULL;
}

static exchange *new_exchange(collio_comm *comm, collio_job *job, const collio_ticket *ticket)
{
    exchange *x = calloc(1, sizeof *x);
    int64_t span;

    if (x == NULL)
        return NULL;
    x->comm = comm;
    x->job = job;
    x->ranks = collio_comm_size(comm);
    x->rank = collio_comm_rank(comm);
    x->first = (int64_t)ticket->min[1] / PAGE * PAGE;
    x->end = (int64_t)ticket->max[2];
    x->chunk = least(ROUND_BYTES / x->ranks / PAGE * PAGE, CHUNK_MOST);
    span = (x->end - x->first) / x->ranks / PAGE * PAGE + PAGE;
    x->chunk = least(x->chunk > CHUNK_LEAST ? x->chunk : CHUNK_LEAST, span);
    x->left = job->bytes;
    collio_place_at(&x->file, job->map, job->position);
    collio_place_at(&x->memory, &job->memory, 0);
    x->window = malloc((size_t)x->chunk);
    x->covered = malloc((size_t)x->chunk);
    if (!make_cargo(&x->out, x->ranks) || !make_cargo(&x->in, x->ranks) || x->window == NULL ||
        x->covered == NULL) {
        free_exchange(x);
        return NULL;
    }
    return x;
}

/* Have room for so many pieces and bytes. */
static int make_room(cargo *c, int64_t pieces, int64_t bytes, collio_error *err)
{
    if (pieces > c->piece_room) {
        int64_t room = pieces > 2 * c->piece_room ? pieces : 2 * c->piece_room;
        collio_piece *larger = realloc(c->pieces, (size_t)room * sizeof *larger);

        if (larger == NULL)
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange pieces");
        c->pieces = larger;
        c->piece_room = room;
    }
    if (bytes > c->data_room) {
        char *larger = realloc(c->data, (size_t)bytes);

        if (larger == NULL)
            return collio_error_set(err, COLLIO_ERR_MEMORY,
                                    "no memory to exchange %" PRId64 " bytes", bytes);
        c->data = larger;
        c->data_room = bytes;
    }
    return COLLIO_OK;
}

/* ----------------------------------------------------------------- sending */

static void pack(exchange *x, char *to, int64_t bytes)
{
    for (int64_t at = 0; at < bytes;) {
        collio_piece p;

        collio_place_take(&x->memory, bytes - at, COLLIO_NO_LIMIT, &p);
        collio_piece_copy(&p, x->job->data, to + at, COLLIO_WRITING);
        at += p.length * p.count;
    }
}

/* Take everything of this rank that lies in a round which begins at `begin`. */
static int load_round(exchange *x, int64_t begin, collio_error *err)
{
    int64_t pieces = 0, bytes = 0;
    collio_piece p;

    if (make_room(&x->out, 0, least(x->left, x->chunk * x->ranks), err))
        return err->code;
    memset(x->out.loads, 0, (size_t)x->ranks * sizeof *x->out.loads);
    for (int to = 0; to < x->ranks; to++) {
        int64_t limit = begin + (to + 1) * x->chunk;

        while (x->left > 0 && collio_place_offset(&x->file) < limit) {
            collio_place_take(&x->file, x->left, limit, &p);

            int64_t n = p.length * p.count;
            if (make_room(&x->out, pieces + 1, bytes + n, err))
                return err->code;
            pack(x, x->out.data + bytes, n);
            x->out.pieces[pieces++] = p;
            bytes += n;
            x->left -= n;
            x->out.loads[to].pieces++;
            x->out.loads[to].bytes += n;
        }
    }
    return COLLIO_OK;
}

/* Bytes per rank as MPI wants them; the sum. */
static int64_t lay_out(cargo *c, int ranks, int of_pieces)
{
    int64_t total = 0;

    for (int i = 0; i < ranks; i++) {
        int64_t n =
            of_pieces ? c->loads[i].pieces * (int64_t)sizeof(collio_piece) : c->loads[i].bytes;

        c->counts[i] = (int)n;
        c->offsets[i] = (int)total;
        total += n;
    }
    return total;
}

/* A call could not be made: the others are told, since they wait in theirs. */
static int wait_for(exchange *x, MPI_Request *request, const char *step, collio_error *err)
{
    if (err->code == COLLIO_OK)
        return collio_wait(x->comm, request, step, err);
    collio_comm_leave(x->comm, err->text);
    return err->code;
}

static int swap_loads(exchange *x, collio_error *err)
{
    MPI_Request request = MPI_REQUEST_NULL;

    if (collio_fault_before("MPI_Ialltoall", err) == COLLIO_OK)
        collio_mpi_made(MPI_Ialltoall(x->out.loads, 2, MPI_INT64_T, x->in.loads, 2, MPI_INT64_T,
                                      collio_comm_handle(x->comm), &request),
                        "MPI_Ialltoall", err);
    return wait_for(x, &request, "view_write, sizes", err);
}

static int swap_cargo(exchange *x, int of_pieces, collio_error *err)
{
    MPI_Request request = MPI_REQUEST_NULL;
    void *from = of_pieces ? (void *)x->out.pieces : x->out.data;
    void *to = of_pieces ? (void *)x->in.pieces : x->in.data;

    lay_out(&x->out, x->ranks, of_pieces);
    lay_out(&x->in, x->ranks, of_pieces);
    if (collio_fault_before("MPI_Ialltoallv", err) == COLLIO_OK)
        collio_mpi_made(MPI_Ialltoallv(from, x->out.counts, x->out.offsets, MPI_BYTE, to,
                                       x->in.counts, x->in.offsets, MPI_BYTE,
                                       collio_comm_handle(x->comm), &request),
                        "MPI_Ialltoallv", err);
    return wait_for(x, &request, of_pieces ? "view_write, pieces" : "view_write, data", err);
}

/* ----------------------------------------------------------------- writing */

/* The largest power of two, up to a page, that all of what came is made of: what is covered is
 * noted in such units. */
static int64_t unit_of(const exchange *x, int64_t begin)
{
    const collio_piece *p = x->in.pieces;
    uint64_t bits = PAGE;

    for (int from = 0; from < x->ranks; from++)
        for (int64_t i = 0; i < x->in.loads[from].pieces; i++, p++)
            bits |= (uint64_t)(p->offset - begin) | (uint64_t)p->length |
                    (uint64_t)(p->count > 1 ? p->stride : 0);
    return (int64_t)(bits & -bits);
}

static void cover(exchange *x, const collio_piece *p)
{
    char *at = x->covered + p->offset / x->unit;
    int64_t length = p->length / x->unit, stride = p->stride / x->unit;

    if (length == 1)
        for (int64_t k = 0; k < p->count; k++)
            at[k * stride] = 1;
    else
        for (int64_t k = 0; k < p->count; k++)
            memset(at + k * stride, 1, (size_t)length);
}

/* Put what came into the window; higher ranks come last, and win. */
static void unload(exchange *x, int64_t begin)
{
    const collio_piece *p = x->in.pieces;
    char *data = x->in.data;

    x->unit = unit_of(x, begin);
    memset(x->covered, 0, (size_t)(x->chunk / x->unit));
    for (int from = 0; from < x->ranks; from++)
        for (int64_t i = 0; i < x->in.loads[from].pieces; i++, p++) {
            collio_piece there = *p;

            there.offset -= begin;
            collio_piece_copy(&there, x->window, data, COLLIO_READING);
            cover(x, &there);
            data += p->length * p->count;
        }
}

static int write_stretch(exchange *x, const char *from, int64_t size, int64_t offset,
                         collio_error *err)
{
    if (collio_job_claim(x->job, F_RDLCK, offset, size, err) == COLLIO_OK) {
        collio_posix_write(x->job->fd, from, (size_t)size, offset, x->job->path, err);
        collio_job_yield(x->job, offset, size, err);
    }
    return err->code;
}

/* Write the covered stretches of the window. */
static int write_window(exchange *x, int64_t begin, collio_error *err)
{
    char *at = x->covered, *end = at + x->chunk / x->unit;

    while ((at = memchr(at, 1, (size_t)(end - at))) != NULL) {
        char *gap = memchr(at, 0, (size_t)(end - at));
        int64_t before = (at - x->covered) * x->unit;

        gap = gap != NULL ? gap : end;
        if (write_stretch(x, x->window + before, (gap - at) * x->unit, begin + before, err))
            return err->code;
        at = gap;
    }
    return COLLIO_OK;
}

static int has_cargo(const exchange *x)
{
    for (int i = 0; i < x->ranks; i++)
        if (x->in.loads[i].bytes > 0)
            return 1;
    return 0;
}

static int do_round(exchange *x, int64_t begin, collio_error *err)
{
    int64_t mine = begin + x->rank * x->chunk;

    load_round(x, begin, err);
    if (collio_agree_step(x->comm, PACKED, err) || swap_loads(x, err))
        return err->code;
    make_room(&x->in, lay_out(&x->in, x->ranks, 1) / (int64_t)sizeof(collio_piece),
              lay_out(&x->in, x->ranks, 0), err);
    if (collio_agree_step(x->comm, "view_write, ready", err) || swap_cargo(x, 1, err) ||
        swap_cargo(x, 0, err))
        return err->code;
    if (has_cargo(x)) {
        unload(x, mine);
        write_window(x, mine, err);
    }
    return COLLIO_OK;
}

int collio_job_exchange(collio_comm *comm, collio_job *job, const collio_ticket *ticket,
                        collio_error *err)
{
    exchange *x = new_exchange(comm, job, ticket);

    if (x == NULL) {
        /* The others learn it where their first round begins. */
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange pieces");
        return collio_agree_step(comm, PACKED, err);
    }
    for (int64_t begin = x->first; begin < x->end; begin += x->chunk * x->ranks)
        if (do_round(x, begin, err) != COLLIO_OK)
            break;
    if (err->code == COLLIO_OK)
        job->moved = job->bytes;
    if (!collio_comm_is_poisoned(comm))
        free_exchange(x);
    return err->code;
}
