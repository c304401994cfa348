/* Transfers that go on while the program computes: a thread each, for elements that need nothing
 * but positioned reads and writes. Whatever else a transfer needs (HDF5, other ranks) is done
 * before the call returns. */
#include "async.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collio_request {
    collio_file *file; /* one reference */
    collio_request *next;
    collio_object dataset; /* as it was at the call; only its layout is used */
    collio_selection selection;
    collio_array memory;
    collio_direction direction;
    uint64_t number; /* the same on all ranks */
    int started;     /* the thread is there to be joined */
    pthread_t thread;
    atomic_int done;
    collio_error err;
};

/* ------------------------------------------------------------- the thread */

static void *run(void *context)
{
    collio_request *r = context;

    if (r->direction == COLLIO_WRITING)
        collio_transfer_write(&r->dataset, &r->selection, &r->memory, &r->err);
    else
        collio_transfer_read(&r->dataset, &r->selection, &r->memory, &r->err);
    atomic_store(&r->done, 1);
    return NULL;
}

/* Without a thread it is done at once. */
static void start(collio_request *r)
{
    r->started = pthread_create(&r->thread, NULL, run, r) == 0;
    if (!r->started)
        run(r);
}

static void join(collio_request *r)
{
    if (r->started)
        pthread_join(r->thread, NULL);
    r->started = 0;
}

/* ---------------------------------------------------------------- requests */

static collio_request *make(collio_file *file, collio_direction direction, collio_error *err)
{
    collio_request *r = calloc(1, sizeof *r);

    if (r == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a request");
        return NULL;
    }
    r->file = file;
    r->direction = direction;
    r->err = (collio_error)COLLIO_ERROR_INIT;
    r->next = file->requests;
    file->requests = r;
    file->references++;
    return r;
}

/* Remember where the elements are, and begin. */
static void begin(collio_request *r, const collio_object *dataset,
                  const collio_selection *selection, const collio_array *memory)
{
    r->dataset = *dataset;
    r->selection = *selection;
    r->memory = *memory;
    start(r);
}

void collio_request_drop(collio_request **handle)
{
    collio_request *r = *handle, **place;

    *handle = NULL;
    if (r == NULL)
        return;
    join(r);
    for (place = &r->file->requests; *place != r;)
        place = &(*place)->next;
    *place = r->next;
    collio_file_release(r->file);
    free(r);
}

void collio_requests_join(collio_file *file, collio_error *err)
{
    for (collio_request *r = file->requests; r != NULL; r = r->next) {
        join(r);
        if (r->err.code != COLLIO_OK && err->code == COLLIO_OK) {
            collio_error_set(err, r->err.code, "%s", r->err.text);
            err->sys_error = r->err.sys_error;
        }
    }
}

/* -------------------------------------------------------------------- calls */

/* Whether a thread can do it. */
static int is_simple(const collio_object *dataset, const collio_array *memory)
{
    const collio_layout *l = &dataset->layout;

    return l->kind == COLLIO_STORED_CONTIGUOUS && l->offset >= 0 && l->stored == memory->type;
}

int collio_dataset_write_async(collio_object *dataset, const collio_selection *selection,
                               const collio_array *memory, collio_request **out, collio_error *err)
{
    /* The other votes are those of a write; what a thread does is not gathered. */
    enum { COMPLICATED = COLLIO_VOTES - 1 };
    collio_writing w = {.dataset = dataset, .selection = selection, .memory = memory};
    collio_request *r;

    *out = NULL;
    if (collio_object_check(dataset, err))
        return err->code;
    collio_write_check(&w, err);
    r = make(dataset->file, COLLIO_WRITING, err);
    w.ticket.vote[COMPLICATED] = err->code == COLLIO_OK && !is_simple(dataset, memory);
    if (collio_write_begin(&w, "write_async", err) == COLLIO_OK) {
        r->number = ++dataset->file->requests_made; /* agreed upon: by all ranks */
        if (w.ticket.max[COMPLICATED] || collio_interleave_wanted(dataset->file, &w.ticket))
            collio_write_now(&w, err);
        else
            begin(r, dataset, w.selection, memory);
    }
    collio_write_end(&w);
    if (err->code != COLLIO_OK)
        collio_request_drop(&r);
    *out = r;
    return err->code;
}

int collio_dataset_read_async(collio_object *dataset, const collio_selection *selection,
                              const collio_array *memory, collio_request **out, collio_error *err)
{
    collio_named named = {dataset, NULL};
    collio_call call = {"read_async", 0, collio_named_describe, &named, 1};
    collio_selection whole;
    collio_request *r;

    *out = NULL;
    if (collio_object_check(dataset, err))
        return err->code;
    selection = collio_part_check(dataset, selection, &whole, memory, COLLIO_READING, err);
    r = make(dataset->file, COLLIO_READING, err);
    call.digest = dataset->identity;
    if (collio_begin(dataset->file, &call, err)) {
        collio_request_drop(&r);
        return err->code;
    }
    r->number = ++dataset->file->requests_made;
    if (is_simple(dataset, memory))
        begin(r, dataset, selection, memory);
    else
        collio_transfer_read(dataset, selection, memory, &r->err); /* told by the wait */
    *out = r;
    return COLLIO_OK;
}

int collio_request_test(const collio_request *request)
{
    return request == NULL || !request->started || atomic_load(&request->done);
}

static void describe(const void *context, char *text, size_t size)
{
    const collio_request *r = context;
    int written = r->direction == COLLIO_WRITING;

    snprintf(text, size, "() for transfer %llu of the file, a %s", (unsigned long long)r->number,
             written ? "write" : "read");
}

int collio_request_wait(collio_request **handle, collio_error *err)
{
    collio_request *r = *handle;
    collio_call call = {"wait", 0, describe, r, 1};

    if (r == NULL)
        return err->code;
    join(r);
    if (r->err.code != COLLIO_OK && err->code == COLLIO_OK) {
        collio_error_set(err, r->err.code, "%s", r->err.text);
        err->sys_error = r->err.sys_error;
    }
    call.digest = r->number;
    if (r->file->comm != NULL)
        collio_begin(r->file, &call, err);
    else if (r->file->poison.code != COLLIO_OK)
        collio_file_check(r->file, err); /* where a file was closed, the close has told */
    if (err->code != COLLIO_ERR_DIVERGED)
        collio_request_drop(handle);
    return err->code;
}
