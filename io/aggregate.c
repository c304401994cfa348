/*
 * Arrays whose parts lie in the file as very many short runs (columns, small inner blocks): instead
 * of writing each run, the ranks first exchange elements so that each holds whole blocks of the
 * array, and write those. The array is dealt out in slabs, one a rank, and the exchange goes in
 * rounds of one window of each slab, so that the memory needed stays small.
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
static const int64_t window_bytes = 2 << 20, most_sent = 1 << 30;

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

/* Put what came from the other ranks, and this rank's own, where it belongs in the window. */
static void unpack(exchange *x, int64_t from, int64_t to, const char *packed)
{
    const int *count = x->counts + 2 * x->ranks, *place = count + x->ranks;

    for (int rank = 0; rank < x->ranks; rank++) {
        part p = part_of(x, rank);
        int64_t n = count_before(x, p, from), run = run_of(x->record, p);
        const char *at = x->receive + place[rank], *end = at + count[rank];
        if (rank == x->rank) {
            at = packed + n * x->element;
            end = packed + count_before(x, p, to) * x->element;
        }
        while (at < end) {
            int64_t bytes = (run - n % run) * x->element;
            bytes = bytes < end - at ? bytes : end - at;
            memcpy(x->rows + (index_of(x, p, n) - from) * x->element, at, (size_t)bytes);
            at += bytes;
            n += bytes / x->element;
        }
    }
}

/* MPI works on buffers of ours; if it is given up they stay with it. */
static int move(exchange *x, collio_error *err)
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

/* ---------------------------------------------------------- all rounds */

static int make_room(exchange *x, collio_error *err)
{
    part mine = part_of(x, x->rank);
    int64_t whole = product(mine.count, 0, x->record->ndim) * x->element;
    int64_t limit = most_sent / x->ranks < window_bytes ? most_sent / x->ranks : window_bytes;
    int64_t block = x->record->block * x->element;

    x->window = limit > block ? limit / block : 1;
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

/* A rank that cannot write goes on exchanging: the others wait for its elements. */
static void all_rounds(exchange *x, const char *packed, collio_run_function *write, void *context,
                       collio_error *err)
{
    int64_t rounds = (x->record->blocks + x->ranks - 1) / x->ranks, from, to;
    collio_error moving = COLLIO_ERROR_INIT;

    rounds = (rounds + x->window - 1) / x->window;
    for (int64_t round = 0; round < rounds; round++) {
        window_of(x, x->rank, round, &from, &to);
        pack(x, round, packed);
        expect(x, from, to);
        if (move(x, &moving)) {
            *err = moving;
            return;
        }
        unpack(x, from, to, packed);
        if (to > from && err->code == COLLIO_OK)
            write(context, from, to - from, x->rows, err);
    }
}

int collio_aggregate(collio_comm *comm, const collio_record *record, const int64_t *blocks,
                     size_t stride, const char *packed, collio_run_function *write, void *context,
                     collio_error *err)
{
    exchange x = {.comm = comm,
                  .record = record,
                  .blocks = blocks,
                  .stride = stride,
                  .ranks = collio_comm_size(comm),
                  .rank = collio_comm_rank(comm),
                  .element = collio_record_element(record)};

    if (err->code == COLLIO_OK)
        make_room(&x, err);
    if (collio_agree_step(comm, "checkpoint_save: make room to exchange", err) == COLLIO_OK)
        all_rounds(&x, packed, write, context, err);
    free(x.send);
    free(x.receive);
    free(x.rows);
    free(x.counts);
    return err->code;
}
