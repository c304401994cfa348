/*
 * Many short runs at once (data sieving, as in ROMIO): the stretch of file around them is read
 * whole, and they are picked out of it; or they are put into it and it is written back. What lies
 * between belongs to other ranks, so whoever writes that way claims the stretch for itself, and in
 * a view where somebody may, every write claims its bytes.
 */
#include "config.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Measured: for runs further apart a pwrite each takes less than to read and write all between. */
#define WRITE_STRIDE ((int64_t)1 << 10)

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---------------------------------------------------------------- windows */

void collio_sieve_fill(collio_sieve_window *w, collio_place *file, int64_t most)
{
    int64_t limit;

    w->begin = w->end = collio_place_offset(file);
    limit = w->begin + COLLIO_SIEVE_BYTES;
    w->bytes = w->runs = 0;
    for (w->used = 0; w->used < COLLIO_SIEVE_PIECES && w->bytes < most; w->used++) {
        collio_piece *p = &w->pieces[w->used];

        collio_place_take(file, most - w->bytes, limit, p);
        if (p->length == 0)
            return;
        w->bytes += p->length * p->count;
        w->runs += p->count;
        w->end = p->offset + (p->count - 1) * p->stride + p->length;
    }
}

int collio_sieve_is_fine(const collio_sieve_window *w, collio_direction direction)
{
    int64_t stride = direction == COLLIO_READING ? COLLIO_SIEVE_STRIDE : WRITE_STRIDE;

    return w->runs > 1 && (w->end - w->begin) / w->runs <= stride;
}

/* Pick out what was read; the file has `size` bytes of the stretch. */
static int64_t pick(collio_sieve_window *w, char *data, int64_t size)
{
    int64_t done = 0;

    for (int i = 0; i < w->used; i++) {
        collio_piece p = w->pieces[i];
        int64_t room, whole;

        p.offset -= w->begin;
        room = size - p.offset;
        whole = room < p.length ? 0 : p.count == 1 ? 1 : (room - p.length) / p.stride + 1;
        whole = least(whole, p.count);
        if (whole < p.count)
            room -= whole * p.stride;
        p.count = whole;
        collio_piece_copy(&p, w->stretch, data + done, COLLIO_WRITING);
        done += whole * p.length;
        if (whole == w->pieces[i].count)
            continue;
        if (room > 0) {
            memcpy(data + done, w->stretch + p.offset + whole * p.stride, (size_t)room);
            done += room;
        }
        return done;
    }
    return done;
}

static int read_through(collio_sieve_window *w, const collio_job *job, char *data, int64_t *got,
                        collio_error *err)
{
    int64_t size = 0;

    if (collio_posix_read_some(job->fd, w->stretch, w->end - w->begin, w->begin, &size, job->path,
                               err) == COLLIO_OK)
        *got = pick(w, data, size);
    return err->code;
}

static void put(collio_sieve_window *w, char *data)
{
    for (int i = 0; i < w->used; i++) {
        collio_piece p = w->pieces[i];

        p.offset -= w->begin;
        collio_piece_copy(&p, w->stretch, data, COLLIO_READING);
        data += p.length * p.count;
    }
}

/* Bytes between the pieces that the file does not have yet are zeros. */
static int fill_gaps(collio_sieve_window *w, const collio_job *job, collio_error *err)
{
    int64_t size = w->end - w->begin, got = 0;

    if (collio_posix_read_some(job->fd, w->stretch, size, w->begin, &got, job->path, err) ==
        COLLIO_OK)
        memset(w->stretch + got, 0, (size_t)(size - got));
    return err->code;
}

static int write_through(collio_sieve_window *w, const collio_job *job, char *data, int64_t *got,
                         collio_error *err)
{
    int64_t size = w->end - w->begin;
    int gaps = w->bytes < size;

    if (collio_job_claim(job, gaps ? F_WRLCK : F_RDLCK, w->begin, size, err))
        return err->code;
    if (!gaps || fill_gaps(w, job, err) == COLLIO_OK) {
        put(w, data);
        if (collio_posix_write(job->fd, w->stretch, (size_t)size, w->begin, job->path, err) ==
            COLLIO_OK)
            *got = w->bytes;
    }
    collio_job_yield(job, w->begin, size, err);
    return err->code;
}

int collio_sieve_move(collio_sieve_window *w, const collio_job *job, char *data, int64_t *got,
                      collio_error *err)
{
    *got = 0;
    return job->direction == COLLIO_WRITING ? write_through(w, job, data, got, err)
                                            : read_through(w, job, data, got, err);
}

/* ----------------------------------------------------------------- claims */

/* Locks belong to the descriptor, so threads of one process need the mutex to keep apart. */
static int claim(const collio_job *job, int type, int64_t start, int64_t size, collio_error *err)
{
    pthread_mutex_lock(job->writer);
    if (collio_view_lock(job->fd, type, start, size, job->path, err))
        pthread_mutex_unlock(job->writer);
    return err->code;
}

static void yield(const collio_job *job, int64_t start, int64_t size, collio_error *err)
{
    collio_view_lock(job->fd, F_UNLCK, start, size, job->path, err);
    pthread_mutex_unlock(job->writer);
}

static int is_claiming(const collio_job *job)
{
    return !job->held && (job->sieving || job->atomic);
}

int collio_job_claim(const collio_job *job, int type, int64_t start, int64_t size,
                     collio_error *err)
{
    if (job->atomic && job->direction == COLLIO_WRITING)
        type = F_WRLCK;
    return is_claiming(job) ? claim(job, type, start, size, err) : err->code;
}

void collio_job_yield(const collio_job *job, int64_t start, int64_t size, collio_error *err)
{
    if (is_claiming(job))
        yield(job, start, size, err);
}

int collio_job_claim_all(collio_job *job, int64_t start, int64_t size, collio_error *err)
{
    if (job->atomic && collio_job_claim(job, F_RDLCK, start, size, err) == COLLIO_OK)
        job->held = 1;
    return err->code;
}

void collio_job_yield_all(collio_job *job, int64_t start, int64_t size, collio_error *err)
{
    if (!job->held)
        return;
    job->held = 0;
    collio_job_yield(job, start, size, err);
}

/* ---------------------------------------------------------------- whether */

/* A view of a single rank, in a program of several, says nothing of who else writes to the file. */
static int is_lonely(const collio_view *view)
{
    int ranks = 1;

    return view->size == 1 && MPI_Comm_size(MPI_COMM_WORLD, &ranks) == MPI_SUCCESS && ranks > 1;
}

int collio_view_would_sieve(const collio_view *view, const collio_map *map)
{
    int64_t runs = 0;

    if (!view->writable || view->wish == COLLIO_SIEVING_NEVER ||
        (view->wish == COLLIO_SIEVING_AUTO && is_lonely(view)) ||
        (fcntl(view->fd, F_GETFL) & O_ACCMODE) != O_RDWR || map->size >= map->extent)
        return 0;
    for (int64_t i = 0; i < map->used; i++)
        runs += map->segments[i].piece.count;
    return runs > 0 && map->extent / runs <= WRITE_STRIDE;
}

/* Errors of file systems without locks, and of files that may not be read. */
static int is_without_locks(int error)
{
    return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL ||
           error == EBADF;
}

int collio_view_can_claim(const collio_view *view, collio_error *err)
{
    collio_error mine = COLLIO_ERROR_INIT;

    if (!view->writable)
        return 1;
    if (collio_view_lock(view->fd, F_RDLCK, 0, 1, view->path, &mine) == COLLIO_OK)
        collio_view_lock(view->fd, F_UNLCK, 0, 1, view->path, &mine);
    if (mine.code != COLLIO_OK && !is_without_locks(mine.sys_error)) {
        collio_error_set(err, mine.code, "%s", mine.text);
        err->sys_error = mine.sys_error;
    }
    return mine.code == COLLIO_OK;
}
