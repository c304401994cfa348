/* Move the bytes of one access between memory and the file, on one rank. */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A job under way. */
typedef struct move {
    const collio_job *job;
    collio_place file;
    collio_place memory;
    int64_t left; /* bytes */
    int64_t done; /* bytes moved */
    char *packed; /* memory without its gaps, a part at a time; NULL if it has none */
    collio_sieve_window *window; /* allocated when first needed */
    int ended;                   /* the file did */
} move;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Move one piece, run by run. */
static int move_each(move *m, const collio_piece *p, char *data, collio_error *err)
{
    const collio_job *job = m->job;

    for (int64_t i = 0; i < p->count && !m->ended; i++) {
        int64_t got = p->length, offset = p->offset + i * p->stride;
        char *run = data + i * p->length;

        if (job->direction == COLLIO_WRITING
                ? collio_posix_write(job->fd, run, (size_t)p->length, offset, job->path, err)
                : collio_posix_read_some(job->fd, run, p->length, offset, &got, job->path, err))
            return err->code;
        m->ended = got < p->length;
        m->done += got;
    }
    return COLLIO_OK;
}

static int move_runs(move *m, const collio_piece *p, char *data, collio_error *err)
{
    int64_t size = (p->count - 1) * p->stride + p->length;

    if (m->job->direction == COLLIO_READING)
        return move_each(m, p, data, err);
    if (collio_job_claim(m->job, F_RDLCK, p->offset, size, err) == COLLIO_OK) {
        move_each(m, p, data, err);
        collio_job_yield(m->job, p->offset, size, err);
    }
    return err->code;
}

/* Move what lies in the next window of the file: through it, or piece by piece where runs are too
 * far apart for that. */
static int move_window(move *m, char *data, int64_t size, collio_error *err)
{
    collio_sieve_window *w = m->window;
    int64_t got = 0;

    collio_sieve_fill(w, &m->file, size);
    if (collio_sieve_is_fine(w, m->job->direction)) {
        collio_sieve_move(w, m->job, data, &got, err);
        m->done += got;
        m->ended = got < w->bytes;
        return err->code;
    }
    for (int i = 0; i < w->used && !m->ended && err->code == COLLIO_OK; i++) {
        move_runs(m, &w->pieces[i], data, err);
        data += w->pieces[i].length * w->pieces[i].count;
    }
    return err->code;
}

/* Whether this piece may be one of many that are better moved together. */
static int is_short(const move *m, const collio_piece *p, int64_t size)
{
    return p->length < COLLIO_SIEVE_STRIDE && (p->count > 1 || p->length < size) &&
           (m->job->direction == COLLIO_READING || m->job->sieving);
}

/* Move `size` bytes between the file and data without gaps. */
static int move_dense(move *m, char *data, int64_t size, collio_error *err)
{
    while (size > 0 && !m->ended && err->code == COLLIO_OK) {
        collio_place here = m->file;
        collio_piece p;
        int64_t n;

        collio_place_take(&m->file, size, COLLIO_NO_LIMIT, &p);
        n = p.length * p.count;
        if (is_short(m, &p, size) &&
            (m->window != NULL || (m->window = malloc(sizeof *m->window)))) {
            m->file = here;
            move_window(m, data, size, err);
            n = m->window->bytes;
        } else {
            move_runs(m, &p, data, err);
        }
        data += n;
        size -= n;
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

static int move_all(move *m, collio_error *err)
{
    const collio_job *job = m->job;

    if (is_dense(job))
        return move_dense(m, job->data + job->memory.segments[0].piece.offset, job->bytes, err);
    return move_packed(m, err);
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
    size -= first;
    if (collio_job_claim_all(job, first, size, err) == COLLIO_OK) {
        move_all(&m, err);
        collio_job_yield_all(job, first, size, err);
    }
    free(m.packed);
    free(m.window);
    job->moved = m.done;
    return err->code;
}
