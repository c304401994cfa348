/* Views: how collective calls on them go, closing, and the file as a whole. */
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---------------------------------------------------------------- checks */

int collio_view_check(const collio_view *view, collio_error *err)
{
    if (view == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "no view given");
    if (view->poison.code != COLLIO_OK && err->code == COLLIO_OK) {
        const char *place = err->file;
        int line = err->line;

        *err = view->poison;
        return collio_error_at(err, place, line)->code;
    }
    return err->code;
}

int collio_view_check_writable(const collio_view *view, collio_error *err)
{
    if (view->writable)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_VALUE, "the view of '%s' is open for reading only",
                            view->path);
}

int collio_view_check_readable(const collio_view *view, collio_error *err)
{
    if (view->readable)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_VALUE, "the view of '%s' is open for writing only",
                            view->path);
}

int collio_view_check_idle(const collio_view *view, collio_error *err)
{
    if (view->pending == 0)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_VALUE,
                            "'%s': %d requests have not been waited for: collio_view_wait() first",
                            view->path, view->pending);
}

/* ------------------------------------------------------------- agreement */

int collio_view_agree(collio_view *view, collio_ticket *ticket, collio_error *err)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    if (view->comm == NULL)
        return collio_view_check(view, err);
    if (collio_agree(view->comm, ticket, err) && collio_comm_is_poisoned(view->comm)) {
        view->poison = *err;
        collio_comm_free(&view->comm, &ignored); /* local: it is poisoned */
    }
    return err->code;
}

int collio_view_agree_step(collio_view *view, const char *operation, collio_error *err)
{
    collio_ticket ticket = {.operation = operation};

    return collio_view_agree(view, &ticket, err);
}

/* What the ranks compare of a call with one argument. */
typedef struct call {
    int64_t argument;
    const char *path;
} call;

static void describe(const void *context, char *text, size_t size)
{
    const call *c = context;

    snprintf(text, size, "(%" PRId64 ") on '%s'", c->argument, c->path);
}

static int agree_on(collio_view *view, const char *operation, int64_t argument, collio_error *err)
{
    call c = {argument, view->path};
    collio_ticket ticket = {.operation = operation,
                            .digest = collio_hash_number(0, (uint64_t)argument),
                            .describe = describe,
                            .context = &c};

    return collio_view_agree(view, &ticket, err);
}

int collio_view_by_one(collio_view *view, const char *operation, int64_t argument,
                       collio_view_action *action, collio_error *err)
{
    if (agree_on(view, operation, argument, err))
        return err->code;
    if (view->rank == 0)
        action(view, argument, err);
    return collio_view_agree_step(view, operation, err);
}

/* ----------------------------------------------------------------- close */

/* Requests under way still use the descriptor and the map: those stay. */
static void let_go(collio_view *view)
{
    if (view->pending == 0)
        collio_view_free(view);
}

/* All ranks close it, agreed. */
static void close_now(collio_view *view, collio_error *err)
{
    collio_view_drop_shared(view, view->rank == 0);
    /* Network file systems tell of failed writes only now. */
    collio_posix_close(&view->fd, view->path, err);
    if (collio_view_agree_step(view, "view_close", err) == COLLIO_OK)
        collio_comm_free(&view->comm, err);
}

int collio_view_close(collio_view **handle, collio_error *err)
{
    collio_view *view = *handle;
    collio_error ignored = COLLIO_ERROR_INIT;

    if (view == NULL)
        return err->code;
    if (view->comm == NULL) {
        collio_view_check(view, err);
    } else {
        collio_view_check_idle(view, err);
        if (agree_on(view, "view_close", 0, err) == COLLIO_OK)
            close_now(view, err);
        else if (view->comm != NULL)
            return err->code;
    }
    *handle = NULL;
    collio_comm_free(&view->comm, &ignored);
    let_go(view);
    return err->code;
}

void collio_view_abandon(collio_view **handle, const char *reason)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_view *view = *handle;

    if (view == NULL)
        return;
    *handle = NULL;
    if (view->comm != NULL) {
        collio_comm_leave(view->comm, reason != NULL ? reason : "view abandoned");
        collio_comm_free(&view->comm, &ignored); /* local: it is poisoned now */
    }
    let_go(view);
}

/* ----------------------------------------------------- the file as a whole */

const char *collio_view_path(const collio_view *view)
{
    return view->path;
}

int collio_view_is_writable(const collio_view *view)
{
    return view->writable;
}

collio_comm *collio_view_comm(const collio_view *view)
{
    return view->comm;
}

int collio_view_size(collio_view *view, int64_t *bytes, collio_error *err)
{
    if (collio_view_check(view, err))
        return err->code;
    return collio_posix_size(view->fd, bytes, view->path, err);
}

static int cut(collio_view *view, int64_t bytes, collio_error *err)
{
    return collio_sys(ftruncate(view->fd, (off_t)bytes) != 0, "ftruncate", view->path, err);
}

/* Reserving makes the file as long, but not where the file system cannot reserve. */
static int reserve(collio_view *view, int64_t bytes, collio_error *err)
{
    int64_t size = 0;

    if (collio_posix_reserve(view->fd, bytes, view->path, err) ||
        collio_posix_size(view->fd, &size, view->path, err) || size >= bytes)
        return err->code;
    return cut(view, bytes, err);
}

static int change_size(collio_view *view, const char *operation, int64_t bytes,
                       collio_view_action *action, collio_error *err)
{
    if (view == NULL || view->comm == NULL)
        return collio_view_check(view, err);
    collio_view_check_writable(view, err);
    collio_view_check_idle(view, err);
    if (bytes < 0)
        collio_error_set(err, COLLIO_ERR_VALUE, "a size of %" PRId64 " bytes; 0 is the least",
                         bytes);
    return collio_view_by_one(view, operation, bytes, action, err);
}

int collio_view_set_size(collio_view *view, int64_t bytes, collio_error *err)
{
    return change_size(view, "view_set_size", bytes, cut, err);
}

int collio_view_preallocate(collio_view *view, int64_t bytes, collio_error *err)
{
    return change_size(view, "view_preallocate", bytes, reserve, err);
}

int collio_view_sync(collio_view *view, collio_error *err)
{
    if (view == NULL || view->comm == NULL)
        return collio_view_check(view, err);
    collio_view_check_idle(view, err);
    if (agree_on(view, "view_sync", 0, err))
        return err->code;
    /* Each rank by itself: on several machines each has its own cache. */
    if (view->writable)
        collio_posix_sync(view->fd, view->path, err);
    return collio_view_agree_step(view, "view_sync", err);
}

int collio_view_set_atomic(collio_view *view, int atomic, collio_error *err)
{
    if (view == NULL || view->comm == NULL)
        return collio_view_check(view, err);
    collio_view_check_idle(view, err);
    if (agree_on(view, "view_set_atomic", atomic != 0, err) == COLLIO_OK)
        view->atomic = atomic != 0;
    return err->code;
}

int collio_view_is_atomic(const collio_view *view)
{
    return view->atomic;
}
