/*
 * Where the next access goes: this rank's own pointer, and the one all ranks share. The shared one
 * is a number in a small file, changed under a lock that the kernel takes back if its owner dies;
 * so no rank has to answer for another to go on.
 */
#include "config.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ locks */

/* Locks of the descriptor, not of the process, where there are such: two views of one file in one
 * process must not share theirs. */
#ifdef F_OFD_SETLK
#define SET_LOCK F_OFD_SETLK
#else
#define SET_LOCK F_SETLK
#endif

static void pause_after(double waited)
{
    struct timespec nap = {0, 200000};

    if (waited < 2e-3)
        sched_yield();
    else
        nanosleep(&nap, NULL);
}

/* Who is told that it failed does not have it. */
static int judge_lock(int fd, struct flock *lock, int failed, const char *path, collio_error *err)
{
    collio_error mine = COLLIO_ERROR_INIT;

    if (collio_sys(failed, "fcntl", path, &mine) == COLLIO_OK)
        return COLLIO_OK;
    if (!failed) {
        lock->l_type = F_UNLCK;
        fcntl(fd, SET_LOCK, lock);
    }
    collio_error_set(err, mine.code, "%s", mine.text);
    err->sys_error = mine.sys_error;
    return err->code;
}

/* A lock is asked for again and again rather than waited for, so that a rank that keeps one for
 * ever costs an error and no hang. */
int collio_view_lock(int fd, int type, int64_t start, int64_t size, const char *path,
                     collio_error *err)
{
    struct flock lock = {
        .l_type = (short)type, .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)size};
    double begun = collio_now(), timeout = collio_get_timeout(), waited = 0.0;
    int failed;

    for (;;) {
        failed = fcntl(fd, SET_LOCK, &lock) != 0;
        if (!failed || (errno != EAGAIN && errno != EACCES && errno != EINTR))
            return judge_lock(fd, &lock, failed, path, err);
        waited = collio_now() - begun;
        if (timeout > 0.0 && waited > timeout)
            return collio_error_set(err, COLLIO_ERR_TIMEOUT,
                                    "'%s': another process has kept bytes %" PRId64 " to %" PRId64
                                    " locked for %g s",
                                    path, start, start + size, waited);
        pause_after(waited);
    }
}

/* --------------------------------------------------------- shared pointer */

static int open_shared(collio_view *view, collio_error *err)
{
    if (view->shared_fd >= 0)
        return COLLIO_OK;
    return collio_posix_open(view->shared_path, O_RDWR | O_CREAT, &view->shared_fd, err);
}

void collio_view_drop_shared(collio_view *view, int remove)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    collio_posix_close(&view->shared_fd, view->shared_path, &ignored);
    if (remove && view->shared_path != NULL)
        unlink(view->shared_path);
}

/* A file that is still empty means 0. */
static int read_number(collio_view *view, int64_t *out, collio_error *err)
{
    int64_t number = 0;
    ssize_t n = pread(view->shared_fd, &number, sizeof number, 0);

    *out = n == (ssize_t)sizeof number ? number : 0;
    return collio_sys(n < 0, "pread", view->shared_path, err);
}

static int write_number(collio_view *view, int64_t number, collio_error *err)
{
    return collio_posix_write(view->shared_fd, &number, sizeof number, 0, view->shared_path, err);
}

int collio_view_fetch_shared(collio_view *view, int64_t add, int64_t *old, collio_error *err)
{
    *old = 0;
    if (open_shared(view, err) ||
        collio_view_lock(view->shared_fd, F_WRLCK, 0, sizeof *old, view->shared_path, err))
        return err->code;
    if (read_number(view, old, err) == COLLIO_OK && add != 0)
        write_number(view, *old + add, err);
    collio_view_lock(view->shared_fd, F_UNLCK, 0, sizeof *old, view->shared_path, err);
    return err->code;
}

int collio_view_store_shared(collio_view *view, int64_t value, collio_error *err)
{
    if (open_shared(view, err) ||
        collio_view_lock(view->shared_fd, F_WRLCK, 0, sizeof value, view->shared_path, err))
        return err->code;
    write_number(view, value, err);
    collio_view_lock(view->shared_fd, F_UNLCK, 0, sizeof value, view->shared_path, err);
    return err->code;
}

/* ------------------------------------------------------------------- seek */

/* The position that (position, whence) means; `now` is the pointer's. */
static int resolve(collio_view *view, int64_t position, int whence, int64_t now, int64_t *out,
                   collio_error *err)
{
    int64_t base = 0, bytes = 0;

    if (whence == MPI_SEEK_CUR) {
        base = now;
    } else if (whence == MPI_SEEK_END) {
        if (collio_posix_size(view->fd, &bytes, view->path, err))
            return err->code;
        base =
            view->facts.length >= 0
                ? view->facts.length
                : (collio_map_below(&view->map, bytes) + view->facts.unit - 1) / view->facts.unit;
    } else if (whence != MPI_SEEK_SET) {
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "seek: whence %d is not MPI_SEEK_SET, _CUR or _END", whence);
    }
    if (base + position < 0)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "seek: to %" PRId64 " from %" PRId64 " is before the beginning",
                                position, base);
    *out = base + position;
    return COLLIO_OK;
}

int collio_view_seek(collio_view *view, int64_t position, int whence, collio_error *err)
{
    if (collio_view_check(view, err))
        return err->code;
    return resolve(view, position, whence, view->position, &view->position, err);
}

int collio_view_position(collio_view *view, int64_t *out, collio_error *err)
{
    if (collio_view_check(view, err) == COLLIO_OK)
        *out = view->position;
    return err->code;
}

int collio_view_position_shared(collio_view *view, int64_t *out, collio_error *err)
{
    if (collio_view_check(view, err))
        return err->code;
    return collio_view_fetch_shared(view, 0, out, err);
}

/* What the ranks compare of a seek. */
typedef struct seek {
    int64_t position;
    int whence;
    const char *path;
} seek;

static void describe(const void *context, char *text, size_t size)
{
    const seek *s = context;

    snprintf(text, size, "(%" PRId64 ", whence %d) on '%s'", s->position, s->whence, s->path);
}

int collio_view_seek_shared(collio_view *view, int64_t position, int whence, collio_error *err)
{
    seek s = {position, whence, ""};
    collio_ticket ticket = {.operation = "view_seek_shared", .describe = describe, .context = &s};
    int64_t now = 0, target = 0;

    if (view == NULL || view->comm == NULL)
        return collio_view_check(view, err);
    s.path = view->path;
    ticket.digest = collio_hash_number(collio_hash_number(0, (uint64_t)position), (uint64_t)whence);
    if (collio_view_agree(view, &ticket, err))
        return err->code;
    if (view->rank == 0 && collio_view_fetch_shared(view, 0, &now, err) == COLLIO_OK &&
        resolve(view, position, whence, now, &target, err) == COLLIO_OK)
        collio_view_store_shared(view, target, err);
    return collio_view_agree_step(view, "view_seek_shared", err);
}

int collio_view_byte_offset(collio_view *view, int64_t position, int64_t *out, collio_error *err)
{
    collio_place place;

    if (collio_view_check(view, err))
        return err->code;
    if (position < 0 || (view->facts.length >= 0 && position >= view->facts.length))
        return collio_error_set(err, COLLIO_ERR_INDEX, "view: no element %" PRId64, position);
    collio_place_at(&place, &view->map, position * view->facts.unit);
    *out = collio_place_offset(&place);
    return COLLIO_OK;
}
