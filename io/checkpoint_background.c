/*
 * Saves in the background. Starting one goes as far as all ranks know where their data go, and
 * copies the data; a thread, which makes no MPI calls, writes them and calls fsync; the next wait,
 * test, save or close joins it, and all ranks seal and commit together.
 */
#include "step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct collio_pending {
    collio_save save;
    collio_error written; /* how the thread fared; its, until it is joined */
    int done;             /* atomic: the thread is through */
    int running;          /* it has to be joined */
    pthread_t thread;
};

static void *work(void *argument)
{
    collio_pending *p = argument;

    collio_save_write(&p->save, &p->written);
    __atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void join(collio_pending *p)
{
    if (p->running)
        pthread_join(p->thread, NULL);
    p->running = 0;
}

static void dispose(collio_pending *p, int success)
{
    if (p == NULL)
        return;
    join(p);
    collio_save_end(&p->save, success);
    free(p);
}

/* Where no thread can be had, the work is done at once. */
static void start_work(collio_pending *p)
{
    p->running = collio_thread_start(&p->thread, work, p) == 0;
    if (!p->running)
        work(p);
}

int collio_checkpoint_save_start(collio_checkpoint *c, int64_t step, int nitems,
                                 const collio_item *items, int borrow, collio_error *err)
{
    collio_pending *p = NULL;
    collio_save nothing = {.background = 1, .staged = 1}; /* so that a rank without memory takes part */

    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (collio_pending_finish(c, err))
        return err->code;
    p = calloc(1, sizeof *p);
    if (p == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to save in the background");
    else
        p->save = (collio_save){.background = 1, .staged = 1, .borrow = borrow};
    if (collio_save_begin(p != NULL ? &p->save : &nothing, c, step, nitems, items, err) ||
        p == NULL) {
        collio_save_end(p != NULL ? &p->save : &nothing, 0);
        free(p);
        return err->code;
    }
    /* An error of this rank's own is told at the end, as one of its writes. */
    p->written = *err;
    collio_error_clear(err);
    start_work(p);
    collio_schedule_note(c, step, 1);
    c->pending = p;
    return COLLIO_OK;
}

/* The save that is reported here was begun in another call. The same words on all ranks. */
static void name_step(const collio_pending *p, collio_error *err)
{
    collio_error told = *err;

    snprintf(err->text, sizeof err->text, "step %" PRId64 ", saved in the background: %.1900s",
             p->save.plan.step, told.text);
}

int collio_pending_finish(collio_checkpoint *c, collio_error *err)
{
    collio_pending *p = c->pending;
    collio_error outcome;

    if (p == NULL)
        return COLLIO_OK;
    join(p);
    c->pending = NULL;
    outcome = p->written;
    collio_error_at(&outcome, err->file, err->line);
    if (collio_save_finish(&p->save, &outcome)) {
        name_step(p, &outcome);
        *err = outcome;
    }
    dispose(p, outcome.code == COLLIO_OK);
    return outcome.code;
}

int collio_checkpoint_wait(collio_checkpoint *c, collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_wait"};

    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (collio_agree(c->comm, &ticket, err))
        return err->code;
    return collio_pending_finish(c, err);
}

int collio_checkpoint_test(collio_checkpoint *c, int *done, collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_test", .vote = {1}};

    *done = 0;
    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (c->pending != NULL)
        ticket.vote[0] = (uint64_t)__atomic_load_n(&c->pending->done, __ATOMIC_ACQUIRE);
    if (collio_agree(c->comm, &ticket, err))
        return err->code;
    *done = ticket.min[0] != 0;
    return *done ? collio_pending_finish(c, err) : COLLIO_OK;
}

int collio_checkpoint_pending(const collio_checkpoint *c, int64_t *step)
{
    if (c->pending != NULL && step != NULL)
        *step = c->pending->save.plan.step;
    return c->pending != NULL;
}
