/* Move the bytes of one access between memory and the file, on one rank. */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs that come at least every SIEVE_STRIDE bytes are read as one stretch, gaps and all: reading
 * that much takes as long as one more call. Writing has no such thing: what lies between belongs to
 * others. */
#define SIEVE_BYTES  ((int64_t)1 << 20)
#define SIEVE_STRIDE ((int64_t)1 << 12)

/* A job under way. */
typedef struct move {
    const collio_job *job;
    collio_place file;
    collio_place memory;
    int64_t left; /* bytes */
    int64_t done; /* bytes moved */
    char *packed; /* memory without its gaps, a part at a time; NULL if it has none */
    char *sieve;  /* allocated when first needed */
    int ended;    /* the file did */
} move;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Read up to `size` bytes; *got is less only where the file ends. */
static int read_some(const collio_job *job, char *to, int64_t size, int64_t offset, int64_t *got,
                     collio_error *err)
{
    ssize_t n;

    *got = 0;
    do {
        do
            n = pread(job->fd, to + *got, (size_t)least(size - *got, 1 << 30),
                      (off_t)(offset + *got));
        while (n < 0 && errno == EINTR);
        if (collio_sys(n < 0, "pread", job->path, err))
            return err->code;
        *got += n;
    } while (n > 0 && *got < size);
    return COLLIO_OK;
}

static int is_fine(const collio_piece *p)
{
    return p->count > 1 && p->stride > p->length && p->stride <= SIEVE_STRIDE;
}

/* Read a strided piece through stretches that hold many of its runs. */
static int read_sieved(move *m, const collio_piece *p, char *to, collio_error *err)
{
    int64_t each = (SIEVE_BYTES - p->length) / p->stride + 1, got = 0;

    if (m->sieve == NULL)
        m->sieve = malloc((size_t)SIEVE_BYTES);
    if (m->sieve == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to read a view through");
    for (int64_t i = 0; i < p->count && !m->ended; i += each) {
        int64_t n = least(each, p->count - i), whole;
        collio_piece part = {0, p->length, p->stride, n};

        if (read_some(m->job, m->sieve, (n - 1) * p->stride + p->length, p->offset + i * p->stride,
                      &got, err))
            return err->code;
        m->ended = got < (n - 1) * p->stride + p->length;
        whole = got < p->length ? 0 : (got - p->length) / p->stride + 1;
        part.count = whole;
        collio_piece_copy(&part, m->sieve, to + i * p->length, COLLIO_WRITING);
        m->done += whole * p->length;
        if (m->ended && got > whole * p->stride) {
            memcpy(to + (i + whole) * p->length, m->sieve + whole * p->stride,
                   (size_t)least(got - whole * p->stride, p->length));
            m->done += least(got - whole * p->stride, p->length);
        }
    }
    return COLLIO_OK;
}

/* Move one piece, run by run. */
static int move_runs(move *m, const collio_piece *p, char *data, collio_error *err)
{
    for (int64_t i = 0; i < p->count && !m->ended; i++) {
        int64_t got = p->length;

        if (m->job->direction == COLLIO_WRITING
                ? collio_posix_write(m->job->fd, data + i * p->length, (size_t)p->length,
                                     p->offset + i * p->stride, m->job->path, err)
                : read_some(m->job, data + i * p->length, p->length, p->offset + i * p->stride,
                            &got, err))
            return err->code;
        m->ended = got < p->length;
        m->done += got;
    }
    return COLLIO_OK;
}

/* Move `size` bytes between the file and data without gaps. */
static int move_dense(move *m, char *data, int64_t size, collio_error *err)
{
    while (size > 0 && !m->ended && err->code == COLLIO_OK) {
        collio_piece p;

        collio_place_take(&m->file, size, COLLIO_NO_LIMIT, &p);
        if (m->job->direction == COLLIO_READING && is_fine(&p))
            read_sieved(m, &p, data, err);
        else
            move_runs(m, &p, data, err);
        data += p.length * p.count;
        size -= p.length * p.count;
    }
    return err->code;
}

/* Copy the next `size` bytes of memory to or from the packed form. */
static void pack(move *m, int64_t size, collio_direction direction)
{
    for (int64_t at = 0; at < size;) {
        collio_piece p;

        collio_place_take(&m->memory, size - at, COLLIO_NO_LIMIT, &p);
        collio_piece_copy(&p, m->job->data, m->packed + at, direction);
        at += p.length * p.count;
    }
}

/* Through a buffer, where memory has gaps. */
static int move_packed(move *m, collio_error *err)
{
    int64_t room = least((int64_t)COLLIO_PACK_BYTES, m->left);

    m->packed = malloc((size_t)room);
    if (m->packed == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to pack %lld bytes",
                                (long long)room);
    while (m->left > 0 && !m->ended && err->code == COLLIO_OK) {
        int64_t n = least(room, m->left), before = m->done;

        if (m->job->direction == COLLIO_WRITING)
            pack(m, n, COLLIO_WRITING);
        move_dense(m, m->packed, n, err);
        if (m->job->direction == COLLIO_READING)
            pack(m, m->done - before, COLLIO_READING);
        m->left -= n;
    }
    return err->code;
}

static int is_dense(const collio_job *job)
{
    const collio_map *memory = &job->memory;

    return memory->used == 1 && memory->segments[0].piece.count == 1 &&
           (job->bytes <= memory->size || memory->size == memory->extent);
}

int collio_job_move(collio_job *job, collio_error *err)
{
    move m = {.job = job, .left = job->bytes};
    int64_t first, size;

    if (job->bytes == 0)
        return err->code;
    collio_place_at(&m.file, job->map, job->position + job->bytes - 1);
    size = collio_place_offset(&m.file) + 1;
    collio_place_at(&m.file, job->map, job->position);
    collio_place_at(&m.memory, &job->memory, 0);
    first = collio_place_offset(&m.file);
    if (job->atomic &&
        collio_view_lock(job->fd, job->direction == COLLIO_WRITING ? F_WRLCK : F_RDLCK, first,
                         size - first, job->path, err))
        return err->code;
    if (is_dense(job))
        move_dense(&m, job->data + job->memory.segments[0].piece.offset, job->bytes, err);
    else
        move_packed(&m, err);
    if (job->atomic)
        collio_view_lock(job->fd, F_UNLCK, first, size - first, job->path, err);
    free(m.packed);
    free(m.sieve);
    job->moved = m.done;
    return err->code;
}
