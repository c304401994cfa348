/* Whether a checkpoint is due: by the number of the step, by the time, because of a signal. The
 * same answer on all ranks. */
#include "step.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int collio_schedule_check(const collio_checkpoint_options *options, collio_error *err)
{
    if (options->every_steps < 0 || !(options->every_seconds >= 0.0))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "every_steps and every_seconds must be >= 0, got %" PRId64
                                " and %g",
                                options->every_steps, options->every_seconds);
    if (options->nsignals < 0 || options->nsignals > COLLIO_MAX_SIGNALS)
        return collio_error_set(err, COLLIO_ERR_VALUE, "at most %d signals can be watched, not %d",
                                COLLIO_MAX_SIGNALS, options->nsignals);
    for (int i = 0; i < options->nsignals; i++)
        if (collio_signal_check(options->signals[i], err))
            return err->code;
    return COLLIO_OK;
}

uint64_t collio_schedule_digest(const collio_checkpoint_options *options)
{
    uint64_t digest =
        collio_hash_number((uint64_t)options->every_steps, (uint64_t)options->nsignals);

    digest = collio_hash(digest, &options->every_seconds, sizeof options->every_seconds);
    return collio_hash(digest, options->signals, (size_t)options->nsignals * sizeof(int));
}

int collio_schedule_begin(collio_checkpoint *c, collio_error *err)
{
    collio_schedule *s = &c->schedule;

    s->step = -1;
    s->time = collio_now();
    for (int i = 0; i < c->options.nsignals; i++) {
        s->signals[i] = c->options.signals[i];
        if (collio_signal_watch(s->signals[i], err))
            return err->code;
        s->noted[s->watched++] = collio_signal_seen(s->signals[i]);
    }
    c->options.signals = NULL; /* the caller's */
    return COLLIO_OK;
}

void collio_schedule_end(collio_checkpoint *c)
{
    while (c->schedule.watched > 0)
        collio_signal_unwatch(c->schedule.signals[--c->schedule.watched]);
}

void collio_schedule_note(collio_checkpoint *c, int64_t step, int saved)
{
    c->schedule.step = step;
    if (saved)
        c->schedule.time = collio_now();
}

/* The signal this rank got since it was last asked, or 0. */
static int look_for_signal(const collio_checkpoint *c, unsigned *seen)
{
    int found = 0;

    for (int i = 0; i < c->schedule.watched; i++) {
        seen[i] = collio_signal_seen(c->schedule.signals[i]);
        if (seen[i] != c->schedule.noted[i])
            found = c->schedule.signals[i];
    }
    return found;
}

static void describe(const void *context, char *text, size_t size)
{
    snprintf(text, size, "(step %" PRId64 ")", *(const int64_t *)context);
}

int collio_checkpoint_due(collio_checkpoint *c, int64_t step, int *why, int *signal,
                          collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_due",
                            .digest = collio_hash_number(0, (uint64_t)step),
                            .describe = describe,
                            .context = &step};
    unsigned seen[COLLIO_MAX_SIGNALS];
    const collio_checkpoint_options *o;

    *why = *signal = 0;
    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    o = &c->options;
    /* Rank 0's clock is that of all. */
    ticket.vote[0] = collio_comm_rank(c->comm) == 0 && o->every_seconds > 0.0 &&
                     collio_now() - c->schedule.time >= o->every_seconds;
    ticket.vote[1] = (uint64_t)look_for_signal(c, seen);
    if (collio_agree(c->comm, &ticket, err))
        return err->code;
    *signal = (int)ticket.max[1];
    if (o->every_steps > 0 && step > 0 && step % o->every_steps == 0)
        *why |= COLLIO_DUE_STEPS;
    if (ticket.max[0] != 0)
        *why |= COLLIO_DUE_SECONDS;
    if (*signal != 0) {
        *why |= COLLIO_DUE_SIGNAL;
        memcpy(c->schedule.noted, seen, (size_t)c->schedule.watched * sizeof *seen);
    }
    if (step == c->schedule.step) /* it is there already */
        *why &= COLLIO_DUE_SIGNAL;
    return COLLIO_OK;
}
