/*
 * Every data access: explicit offset, own and shared pointer; independent and collective; blocking,
 * and started now and waited for later. All are one job that is planned, begun, run and ended.
 */
#include "view.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Moving less than this takes less time than a thread to do it. */
#define THREAD_BYTES ((int64_t)1 << 18)

struct collio_view_request {
    collio_view *view;
    collio_access access;
    const char *operation;
    int blocking;
    collio_job job;
    collio_ticket ticket;
    collio_map part;           /* of an access to a part of the array; else empty */
    const collio_typed *typed; /* memory by datatypes; NULL: by an array */
    collio_error error;        /* of the moving */
    int threaded;
    pthread_t thread;
    atomic_int done;
};

/* What distinguishes the accesses. */
static const struct {
    const char *name;
    int collective;
    enum { GIVEN, OWN, SHARED } pointer;
} accesses[] = {
    [COLLIO_ACCESS_AT] = {"at", 0, GIVEN},
    [COLLIO_ACCESS_AT_ALL] = {"at_all", 1, GIVEN},
    [COLLIO_ACCESS_OWN] = {"own", 0, OWN},
    [COLLIO_ACCESS_OWN_ALL] = {"own_all", 1, OWN},
    [COLLIO_ACCESS_SHARED] = {"shared", 0, SHARED},
    [COLLIO_ACCESS_ORDERED] = {"ordered", 1, SHARED},
};

static int is_collective(const collio_view_request *r)
{
    return accesses[r->access].collective;
}

static void release(collio_view_request *r)
{
    collio_map_free(&r->job.memory);
    collio_map_free(&r->part);
}

/* A blocking collective read changes nothing that others see, and needs nothing of them: one
 * agreement, after it, says that all were asked the same and how it went. */
static int agrees_once(const collio_view_request *r)
{
    return r->blocking && is_collective(r) && r->job.direction == COLLIO_READING &&
           r->access != COLLIO_ACCESS_ORDERED;
}

/* ------------------------------------------------------------------- plan */

/* Check that the access lies in what the rank sees. */
static int check_position(const collio_view_request *r, collio_error *err)
{
    const collio_view_facts *f = &r->view->facts;
    int64_t first = r->job.position / f->unit, count = r->job.bytes / f->unit;

    if (r->job.position < 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "position %" PRId64 "; 0 is the least",
                                first);
    if (f->length >= 0 && r->job.map == &r->view->map &&
        (first > f->length || count > f->length - first))
        return collio_error_set(err, COLLIO_ERR_INDEX,
                                "%" PRId64 " elements at %" PRId64 " in a view of %" PRId64, count,
                                first, f->length);
    if (r->job.bytes > 0 && r->job.map->size == 0)
        return collio_error_set(err, COLLIO_ERR_INDEX, "'%s': this rank's view is empty",
                                r->view->path);
    return COLLIO_OK;
}

static int plan(collio_view_request *r, collio_direction direction, int64_t position,
                const collio_array *memory, collio_error *err)
{
    collio_view *view = r->view;

    r->job.fd = view->fd;
    r->job.path = view->path;
    r->job.direction = direction;
    r->job.atomic = view->atomic;
    r->job.sieving |= view->sieving;
    r->job.writer = &view->writer;
    if (r->job.map == NULL)
        r->job.map = &view->map;
    if ((int)r->access < 0 || r->access > COLLIO_ACCESS_ORDERED) {
        collio_error_set(err, COLLIO_ERR_VALUE, "unknown access %d", (int)r->access);
        r->access = COLLIO_ACCESS_AT_ALL; /* so that it is brought to all */
    }
    if (direction == COLLIO_WRITING)
        collio_view_check_writable(view, err);
    else
        collio_view_check_readable(view, err);
    if (position > INT64_MAX / view->facts.unit)
        collio_error_set(err, COLLIO_ERR_VALUE, "position %" PRId64 " is beyond any file",
                         position);
    if (err->code == COLLIO_OK)
        collio_view_plan_memory(view, r->typed, memory, &r->job, err);
    if (accesses[r->access].pointer == GIVEN)
        r->job.position = err->code == COLLIO_OK ? position * view->facts.unit : 0;
    if (accesses[r->access].pointer == OWN)
        r->job.position = view->position * view->facts.unit;
    if (err->code == COLLIO_OK && accesses[r->access].pointer != SHARED)
        check_position(r, err);
    return err->code;
}

/* ------------------------------------------------------------------ begin */

static void describe(const void *context, char *text, size_t size)
{
    const collio_view_request *r = context;

    snprintf(text, size, "(%s) on '%s'", accesses[r->access].name, r->view->path);
}

/* The ranks' parts follow each other at the shared pointer, in the order of the ranks. */
static int take_order(collio_view_request *r, collio_error *err)
{
    collio_view *view = r->view;
    int64_t mine = r->job.bytes / view->facts.unit, before = 0, total = 0, old = 0;
    int64_t *all = malloc((size_t)view->size * sizeof *all);

    if (all == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d ranks' shares", view->size);
    if (collio_view_agree_step(view, "shares of an ordered access", err) ||
        collio_allgather(view->comm, &mine, all, sizeof mine, "shares of an ordered access", err))
        goto done;
    for (int i = 0; i < view->size; i++) {
        before += i < view->rank ? all[i] : 0;
        total += all[i];
    }
    if (view->rank == 0)
        collio_view_fetch_shared(view, total, &old, err);
    if (collio_view_agree_step(view, "place of an ordered access", err) ||
        collio_bcast(view->comm, &old, sizeof old, 0, "place of an ordered access", err))
        goto done;
    r->job.position = (old + before) * view->facts.unit;
    check_position(r, err);
done:
    free(all);
    return err->code;
}

static int begin_collective(collio_view_request *r, collio_error *err)
{
    collio_view *view = r->view;

    r->ticket = (collio_ticket){.operation = r->operation, .describe = describe, .context = r};
    r->ticket.digest = collio_hash_number(0, (uint64_t)r->access);
    if (agrees_once(r))
        return err->code;
    collio_job_vote(&r->job, view->size, &r->ticket);
    if (collio_view_agree(view, &r->ticket, err) || r->access != COLLIO_ACCESS_ORDERED)
        return err->code;
    take_order(r, err);
    collio_job_vote(&r->job, view->size, &r->ticket);
    return collio_view_agree(view, &r->ticket, err);
}

static int begin(collio_view_request *r, collio_error *err)
{
    collio_view *view = r->view;
    int64_t position = 0;

    if (is_collective(r))
        return begin_collective(r, err);
    if (err->code == COLLIO_OK && r->access == COLLIO_ACCESS_SHARED) {
        collio_view_fetch_shared(view, r->job.bytes / view->facts.unit, &position, err);
        r->job.position = position * view->facts.unit;
        check_position(r, err);
    }
    return err->code;
}

/* -------------------------------------------------------------------- run */

static int is_exchanged(const collio_view_request *r)
{
    const collio_view *view = r->view;

    if (!is_collective(r) || r->job.direction == COLLIO_READING || view->size == 1 ||
        view->exchange == COLLIO_EXCHANGE_NEVER)
        return 0;
    return view->exchange == COLLIO_EXCHANGE_ALWAYS ||
           collio_job_is_shared_out(&r->ticket, view->size);
}

static void run(collio_view_request *r)
{
    if (is_exchanged(r))
        collio_job_exchange(r->view->comm, &r->job, &r->ticket, &r->error);
    else
        collio_job_move(&r->job, &r->error);
}

static void *run_in_thread(void *request)
{
    collio_view_request *r = request;

    collio_job_move(&r->job, &r->error);
    atomic_store(&r->done, 1);
    return NULL;
}

/* -------------------------------------------------------------------- end */

/* Take over how it went, and let all know. `err` holds none of this rank's own, unless this is the
 * only agreement. */
static int end(collio_view_request *r, int64_t *moved, collio_error *err)
{
    if (err->code == COLLIO_OK && r->error.code != COLLIO_OK) {
        collio_error_at(&r->error, err->file, err->line);
        *err = r->error;
    }
    if (agrees_once(r))
        collio_view_agree(r->view, &r->ticket, err);
    else if (is_collective(r))
        collio_view_agree_step(r->view, r->operation, err);
    if (moved != NULL)
        *moved = r->job.moved / r->view->facts.unit;
    return err->code;
}

static int access_now(collio_view_request *r, collio_direction direction, int64_t position,
                      const collio_array *memory, int64_t *moved, collio_error *err)
{
    if (moved != NULL)
        *moved = 0;
    if (r->view == NULL || r->view->comm == NULL)
        return collio_view_check(r->view, err);
    r->blocking = 1;
    plan(r, direction, position, memory, err);
    if (begin(r, err) == COLLIO_OK)
        run(r);
    if (err->code == COLLIO_OK || agrees_once(r)) {
        end(r, moved, err);
        /* A read that was not agreed to moves nothing. */
        if (accesses[r->access].pointer == OWN && (err->code == COLLIO_OK || !agrees_once(r)))
            r->view->position += r->job.moved / r->view->facts.unit;
    }
    return err->code;
}

int collio_view_write(collio_view *view, collio_access access, int64_t position,
                      const collio_array *memory, int64_t *moved, collio_error *err)
{
    collio_view_request r = {
        .view = view, .access = access, .operation = "view_write", .error = COLLIO_ERROR_INIT};

    access_now(&r, COLLIO_WRITING, position, memory, moved, err);
    release(&r);
    return err->code;
}

int collio_view_read(collio_view *view, collio_access access, int64_t position,
                     const collio_array *memory, int64_t *moved, collio_error *err)
{
    collio_view_request r = {
        .view = view, .access = access, .operation = "view_read", .error = COLLIO_ERROR_INIT};

    access_now(&r, COLLIO_READING, position, memory, moved, err);
    release(&r);
    return err->code;
}

int collio_view_transfer(collio_view *view, collio_direction direction, collio_access access,
                         int64_t position, const collio_typed *memory, int64_t *moved,
                         collio_error *err)
{
    collio_view_request r = {.view = view,
                             .access = access,
                             .operation = direction == COLLIO_WRITING ? "view_write" : "view_read",
                             .typed = memory,
                             .error = COLLIO_ERROR_INIT};

    access_now(&r, direction, position, NULL, NULL, err);
    *moved = r.job.moved;
    release(&r);
    return err->code;
}

/* --------------------------------------------------- start now, wait later */

/* Small jobs, and those that talk to other ranks, are done at once. */
static void launch(collio_view_request *r)
{
    if (!is_exchanged(r) && r->job.bytes >= THREAD_BYTES)
        r->threaded = pthread_create(&r->thread, NULL, run_in_thread, r) == 0;
    if (!r->threaded) {
        run(r);
        atomic_store(&r->done, 1);
    }
}

static int start(collio_view *view, const char *operation, collio_direction direction,
                 collio_access access, int64_t position, const collio_array *memory,
                 collio_view_request **out, collio_error *err)
{
    const collio_view_request fresh = {
        .view = view, .access = access, .operation = operation, .error = COLLIO_ERROR_INIT};
    collio_view_request spare = fresh, *r;

    *out = NULL;
    if (view == NULL || view->comm == NULL)
        return collio_view_check(view, err);
    r = malloc(sizeof *r);
    if (r == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a request");
        r = &spare;
    }
    *r = fresh;
    plan(r, direction, position, memory, err);
    if (begin(r, err)) {
        release(r);
        if (r != &spare)
            free(r);
        return err->code;
    }
    if (accesses[r->access].pointer == OWN)
        view->position += r->job.bytes / view->facts.unit;
    view->pending++;
    launch(r);
    *out = r;
    return COLLIO_OK;
}

int collio_view_start_write(collio_view *view, collio_access access, int64_t position,
                            const collio_array *memory, collio_view_request **out,
                            collio_error *err)
{
    return start(view, "view_start_write", COLLIO_WRITING, access, position, memory, out, err);
}

int collio_view_start_read(collio_view *view, collio_access access, int64_t position,
                           const collio_array *memory, collio_view_request **out, collio_error *err)
{
    return start(view, "view_start_read", COLLIO_READING, access, position, memory, out, err);
}

int collio_view_wait(collio_view_request **request, int64_t *moved, collio_error *err)
{
    collio_view_request *r = *request;

    if (r == NULL)
        return err->code;
    *request = NULL;
    if (r->threaded)
        pthread_join(r->thread, NULL);
    r->view->pending--;
    end(r, moved, err);
    release(r);
    free(r);
    return err->code;
}

int collio_view_test(const collio_view_request *request)
{
    return request == NULL || atomic_load(&request->done);
}

/* ------------------------------------------------------------------ parts */

static int plan_part(collio_view_request *r, const collio_selection *selection,
                     const collio_array *memory, collio_error *err)
{
    const collio_view_facts *f = &r->view->facts;
    collio_selection all;

    if (f->type == COLLIO_TYPE_COUNT)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "the view of '%s' is not one of an array: "
                                "collio_view_set_array() first",
                                r->view->path);
    if (selection == NULL) {
        collio_selection_all(&all, f->ndim, f->shape);
        selection = &all;
    }
    if (collio_selection_check(selection, f->ndim, f->shape, err) ||
        (memory == NULL && collio_selection_size(selection) == 0))
        return err->code;
    if (memory == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "memory: none given for the selection");
    if (collio_selection_match(selection, memory, err))
        return err->code;
    r->part.start = f->offset;
    r->part.extent = INT64_MAX / 2;
    return collio_map_add_selection(&r->part, f->unit, f->shape, selection, err);
}

static int access_part(collio_view_request *r, collio_direction direction,
                       const collio_selection *selection, const collio_array *memory,
                       collio_error *err)
{
    if (r->view == NULL || r->view->comm == NULL)
        return collio_view_check(r->view, err);
    plan_part(r, selection, memory, err);
    r->job.map = &r->part;
    if (r->view->size == 1)
        r->job.sieving = collio_view_would_sieve(r->view, &r->part);
    r->blocking = 1;
    plan(r, direction, 0, memory, err);
    if (begin(r, err) == COLLIO_OK) {
        run(r);
        if (r->error.code == COLLIO_OK && r->job.moved < r->job.bytes)
            collio_error_set(&r->error, COLLIO_ERR_DAMAGED,
                             "'%s' ends %" PRId64 " bytes before what was to be read", r->job.path,
                             r->job.bytes - r->job.moved);
    }
    if (err->code == COLLIO_OK || agrees_once(r))
        end(r, NULL, err);
    release(r);
    return err->code;
}

int collio_view_write_part(collio_view *view, const collio_selection *selection,
                           const collio_array *memory, collio_error *err)
{
    collio_view_request r = {.view = view,
                             .access = COLLIO_ACCESS_AT_ALL,
                             .operation = "view_write_part",
                             .error = COLLIO_ERROR_INIT};

    return access_part(&r, COLLIO_WRITING, selection, memory, err);
}

int collio_view_read_part(collio_view *view, const collio_selection *selection,
                          const collio_array *memory, collio_error *err)
{
    collio_view_request r = {.view = view,
                             .access = COLLIO_ACCESS_AT_ALL,
                             .operation = "view_read_part",
                             .error = COLLIO_ERROR_INIT};

    return access_part(&r, COLLIO_READING, selection, memory, err);
}
