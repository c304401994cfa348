/*
 * Arrays whose parts lie in the file as very many short runs (columns, small inner blocks): instead
 * of writing each run, the ranks first exchange elements so that each holds whole blocks of the
 * array, and write those. The array is dealt out in slabs, one a rank, and the exchange goes in
 * rounds of one window of each slab, so that the memory needed stays small. Where all ranks are on
 * one machine, each puts its elements into the others' windows itself; else they are sent.
 *
 * The elements of a part, in row-major order, ascend in the array: those that fall into a window
 * are one piece of the packed part. So nothing is gathered on the way out, only scattered on
 * arrival.
 */
#include "../core/comm.h"
#include "step.h"

#include <stdlib.h>
#include <string.h>

/* With fewer runs than this on every rank the exchange is not worth its agreement. */
static const int64_t many_runs = 64;

/* What a rank receives in one round, and what it may send. */
static const int64_t window_bytes = 1 << 20, most_sent = 1 << 30;

/* What the windows of all ranks take in memory that they share. */
static const int64_t most_shared = 64 << 20;

typedef struct part {
    const int64_t *start, *count;
} part;

typedef struct exchange {
    collio_comm *comm;
    const collio_record *record;
    const int64_t *blocks; /* starts and counts of each rank */
    size_t stride;
    int ranks, rank;
    int64_t element;             /* bytes */
    int64_t window;              /* blocks of the array in one round, of each rank */
    int64_t room;                /* bytes that this rank sends in a round, at most */
    char *send, *receive, *rows; /* rows: the window in the order of the array */
    int *counts;                 /* four lists: to send, where, to receive, where */
    int shared;                  /* 1: the ranks share the windows */
    collio_shared *memory;       /* the windows of all ranks, twice */
} exchange;

static part part_of(const exchange *x, int rank)
{
    const int64_t *start = x->blocks + (size_t)rank * x->stride;

    return (part){start, start + x->record->ndim};
}

static int64_t product(const int64_t *extents, int from, int to)
{
    int64_t size = 1;

    for (int d = from; d < to; d++)
        size *= extents[d];
    return size;
}

/* Elements in each run of a part: whole inner dimensions, and a piece of the next. */
static int64_t run_of(const collio_record *record, part p)
{
    int64_t run = 1;

    for (int d = record->ndim - 1; d >= 0; d--) {
        run *= p.count[d];
        if (p.count[d] != record->shape[d])
            break;
    }
    return run;
}

int collio_aggregate_wanted(const collio_record *record, int ranks, const int64_t *blocks,
                            size_t stride, int64_t short_run)
{
    int64_t most = 0;

    if (record->deflate > 0)
        return 1; /* who compresses a block must have all of it */
    for (int rank = 0; rank < ranks && ranks > 1; rank++) {
        part p = {blocks + (size_t)rank * stride, blocks + (size_t)rank * stride + record->ndim};
        int64_t size = product(p.count, 0, record->ndim), run = run_of(record, p);
        if (size > 0 && run * collio_record_element(record) < short_run && size / run > most)
            most = size / run;
    }
    return most >= many_runs;
}

int64_t collio_aggregate_share(const collio_record *record, int ranks, int rank)
{
    collio_error never = COLLIO_ERROR_INIT;
    int64_t start = 0, count = 0;

    collio_part_range(record->blocks, ranks, rank, &start, &count, &never);
    return record->deflate > 0
               ? count
               : collio_block_first(record, start + count) - collio_block_first(record, start);
}

/* How many elements of a part come before element `index` of the array. */
static int64_t count_before(const exchange *x, part p, int64_t index)
{
    int ndim = x->record->ndim;
    int64_t inner = product(p.count, 0, ndim), row = product(x->record->shape, 0, ndim), before = 0;

    if (inner == 0 || index >= row)
        return inner;
    for (int d = 0; d < ndim; d++) {
        int64_t at;
        inner /= p.count[d];
        row /= x->record->shape[d];
        at = index / row - p.start[d];
        index %= row;
        if (at < 0)
            return before;
        if (at >= p.count[d])
            return before + p.count[d] * inner;
        before += at * inner;
    }
    return before;
}

/* Where the n-th element of a part lies in the array. */
static int64_t index_of(const exchange *x, part p, int64_t n)
{
    int64_t index = 0, inner = product(p.count, 0, x->record->ndim);

    for (int d = 0; d < x->record->ndim; d++) {
        inner /= p.count[d];
        index = index * x->record->shape[d] + p.start[d] + n / inner;
        n %= inner;
    }
    return index;
}

/* The elements from..to of the array that `rank` writes in a round. */
static void window_of(const exchange *x, int rank, int64_t round, int64_t *from, int64_t *to)
{
    collio_error never = COLLIO_ERROR_INIT;
    int64_t start = 0, count = 0, skip = round * x->window;

    collio_part_range(x->record->blocks, x->ranks, rank, &start, &count, &never);
    skip = skip < count ? skip : count;
    count = count - skip < x->window ? count - skip : x->window;
    *from = collio_block_first(x->record, start + skip);
    *to = collio_block_first(x->record, start + skip + count);
}

/* ------------------------------------------------------------ one round */

/* Copy what each other rank is to have, in bytes, and note how much. */
static void pack(exchange *x, int64_t round, const char *packed)
{
    int *count = x->counts, *place = count + x->ranks;
    int64_t used = 0, from, to;

    for (int rank = 0; rank < x->ranks; rank++) {
        part mine = part_of(x, x->rank);
        window_of(x, rank, round, &from, &to);
        from = count_before(x, mine, from);
        to = count_before(x, mine, to);
        place[rank] = (int)used;
        count[rank] = rank != x->rank ? (int)((to - from) * x->element) : 0;
        memcpy(x->send + used, packed + from * x->element, (size_t)count[rank]);
        used += count[rank];
    }
}

static void expect(exchange *x, int64_t from, int64_t to)
{
    int *count = x->counts + 2 * x->ranks, *place = count + x->ranks;
    int used = 0;

    for (int rank = 0; rank < x->ranks; rank++) {
        part p = part_of(x, rank);
        count[rank] = 0;
        if (rank != x->rank)
            count[rank] = (int)((count_before(x, p, to) - count_before(x, p, from)) * x->element);
        place[rank] = used;
        used += count[rank];
    }
}

/* Put elements of a part, from its n-th on, where they belong in a window that begins at element
 * `from` of the array. */
static void scatter(const exchange *x, part p, int64_t n, const char *at, const char *end,
                    char *window, int64_t from)
{
    int64_t run = run_of(x->record, p);

    while (at < end) {
        int64_t bytes = (run - n % run) * x->element;
        bytes = bytes < end - at ? bytes : end - at;
        memcpy(window + (index_of(x, p, n) - from) * x->element, at, (size_t)bytes);
        at += bytes;
        n += bytes / x->element;
    }
}

/* Put this rank's elements into the window from..to of a rank. */
static void scatter_own(const exchange *x, int64_t from, int64_t to, const char *packed,
                        char *window)
{
    part mine = part_of(x, x->rank);
    int64_t first = count_before(x, mine, from), end = count_before(x, mine, to);

    scatter(x, mine, first, packed + first * x->element, packed + end * x->element, window, from);
}

/* Put what came from the other ranks, and this rank's own, where it belongs in the window. */
static void unpack(exchange *x, int64_t from, int64_t to, const char *packed)
{
    const int *count = x->counts + 2 * x->ranks, *place = count + x->ranks;

    scatter_own(x, from, to, packed, x->rows);
    for (int rank = 0; rank < x->ranks; rank++) {
        part p = part_of(x, rank);
        const char *at = x->receive + place[rank];

        scatter(x, p, count_before(x, p, from), at, at + count[rank], x->rows, from);
    }
}

/* MPI works on buffers of ours; if it is given up they stay with it. */
static int send(exchange *x, collio_error *err)
{
    const int *count = x->counts;
    MPI_Request request = MPI_REQUEST_NULL;

    if (collio_fault_before("MPI_Ialltoallv", err) ||
        collio_mpi_made(MPI_Ialltoallv(x->send, count, count + x->ranks, MPI_BYTE, x->receive,
                                       count + 2 * x->ranks, count + 3 * x->ranks, MPI_BYTE,
                                       collio_comm_handle(x->comm), &request),
                        "MPI_Ialltoallv", err))
        return collio_comm_fail(x->comm, err);
    if (collio_wait(x->comm, &request, "checkpoint_save: exchange the data", err)) {
        x->send = x->receive = NULL;
        x->counts = NULL;
    }
    return err->code;
}

/* ------------------------------------------------------ a round by messages */

static int round_by_messages(exchange *x, int64_t round, const char *packed, collio_error *err)
{
    int64_t from, to;

    window_of(x, x->rank, round, &from, &to);
    pack(x, round, packed);
    expect(x, from, to);
    if (send(x, err) == COLLIO_OK)
        unpack(x, from, to, packed);
    return err->code;
}

static int make_room(exchange *x, collio_error *err)
{
    part mine = part_of(x, x->rank);
    int64_t whole = product(mine.count, 0, x->record->ndim) * x->element;
    int64_t block = x->record->block * x->element;

    x->room = x->window * block * x->ranks < whole ? x->window * block * x->ranks : whole;
    x->send = malloc((size_t)x->room + 1);
    x->receive = malloc((size_t)(x->window * block) + 1);
    x->rows = malloc((size_t)(x->window * block) + 1);
    x->counts = malloc(4 * (size_t)x->ranks * sizeof *x->counts);
    if (x->send == NULL || x->receive == NULL || x->rows == NULL || x->counts == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to exchange '%s'",
                                x->record->name);
    if (block > INT32_MAX || x->room > INT32_MAX)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s' is too large to be written in runs as short as these",
                                x->record->name);
    return COLLIO_OK;
}

/* ------------------------------------------------- a round in shared memory */

/* The windows are there twice: elements of a round go into one half while those of the round before
 * are written from the other. The agreement of a round says both that all elements are in, and that
 * the other half is free. */
static char *window_at(const exchange *x, int64_t round, int rank)
{
    return x->memory->bytes +
           ((round & 1) * x->ranks + rank) * x->window * x->record->block * x->element;
}

static int round_in_memory(exchange *x, int64_t round, const char *packed, collio_error *err)
{
    int64_t from, to;

    for (int i = 0; i < x->ranks; i++) {
        int rank = (x->rank + i) % x->ranks;

        window_of(x, rank, round, &from, &to);
        scatter_own(x, from, to, packed, window_at(x, round, rank));
    }
    x->rows = window_at(x, round, x->rank);
    return collio_agree_step(x->comm, "checkpoint_save: put the data together", err);
}

/* ---------------------------------------------------------- all rounds */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t slab_of(const exchange *x)
{
    return (x->record->blocks + x->ranks - 1) / x->ranks;
}

/* Room for the windows, in shared memory if possible. Collective. */
static int prepare(exchange *x, collio_error *err)
{
    int64_t block = x->record->block * x->element, shared = most_shared / 2 / x->ranks;
    int64_t limit = least(least(window_bytes, shared), most_sent / x->ranks);

    x->window = least(limit / block, slab_of(x));
    x->window = x->window > 1 ? x->window : 1;
    if (collio_agree_step(x->comm, "checkpoint_save: exchange", err))
        return err->code;
    x->shared =
        x->window * block <= shared &&
        collio_shared_have(x->comm, x->memory, 2 * (size_t)(x->ranks * x->window * block), err);
    if (x->shared)
        return COLLIO_OK;
    if (err->code == COLLIO_OK)
        make_room(x, err);
    return collio_agree_step(x->comm, "checkpoint_save: make room to exchange", err);
}

/* A rank that cannot write goes on exchanging: the others wait for its elements. */
static void all_rounds(exchange *x, const char *packed, collio_run_function *write, void *context,
                       collio_error *err)
{
    int64_t rounds = (slab_of(x) + x->window - 1) / x->window, from, to;
    collio_error moving = COLLIO_ERROR_INIT;

    for (int64_t round = 0; round < rounds; round++) {
        if ((x->shared ? round_in_memory(x, round, packed, &moving)
                       : round_by_messages(x, round, packed, &moving))) {
            *err = moving;
            return;
        }
        window_of(x, x->rank, round, &from, &to);
        if (to > from && err->code == COLLIO_OK)
            write(context, from, to - from, x->rows, err);
    }
}

int collio_aggregate(collio_comm *comm, collio_shared *windows, const collio_record *record,
                     const int64_t *blocks, size_t stride, const char *packed,
                     collio_run_function *write, void *context, collio_error *err)
{
    exchange x = {.comm = comm,
                  .record = record,
                  .blocks = blocks,
                  .stride = stride,
                  .ranks = collio_comm_size(comm),
                  .rank = collio_comm_rank(comm),
                  .element = collio_record_element(record),
                  .memory = windows};

    if (prepare(&x, err) == COLLIO_OK)
        all_rounds(&x, packed, write, context, err);
    if (!x.shared)
        free(x.rows);
    free(x.send);
    free(x.receive);
    free(x.counts);
    return err->code;
}
