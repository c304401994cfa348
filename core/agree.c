/*
 * The ticket: how all ranks learn, with one small all-reduce, that all are about to do the same
 * and that nobody brings an error.
 */
#include "comm.h"

#include <string.h>
#include <time.h>

void collio_describe_text(const void *context, char *text, size_t size)
{
    collio_copy_text(text, size, context);
}

/* When this rank arrived, on a clock that hosts share as well as they can, in microseconds. */
static uint64_t arrival(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* One all-reduce over the words and their complements. */
static int exchange(collio_comm *comm, const char *operation, collio_error *err)
{
    for (int i = 0; i < WORDS; i++)
        comm->words[WORDS + i] = ~comm->words[i];
    return collio_reduce_words(comm, operation, err);
}

static uint64_t largest(const collio_comm *comm, int word)
{
    return comm->words[word];
}

static uint64_t smallest(const collio_comm *comm, int word)
{
    return ~comm->words[WORDS + word];
}

static void fill_words(collio_comm *comm, const collio_ticket *ticket, uint64_t digest,
                       const collio_error *err)
{
    comm->words[WORD_TICKET] = digest;
    comm->words[WORD_ARRIVAL] = arrival();
    comm->words[WORD_ERROR] = err->code != COLLIO_OK;
    memcpy(&comm->words[WORD_VOTE], ticket->vote, sizeof ticket->vote);
}

/*
 * The last rank to arrive completes the all-reduce even when another has just given it up, and
 * would go on alone. Where arrivals lie so far apart that this may have happened, all ranks go a
 * second round, which those who gave up do not join.
 */
static int confirm_if_late(collio_comm *comm, const char *operation, collio_error *err)
{
    uint64_t apart = largest(comm, WORD_ARRIVAL) - smallest(comm, WORD_ARRIVAL);
    uint64_t got[2 * WORDS];
    collio_error local = COLLIO_ERROR_INIT;

    if (collio_get_timeout() <= 0.0 || (double)apart < 0.5e6 * collio_get_timeout())
        return COLLIO_OK;
    memcpy(got, comm->words, sizeof got);
    if (exchange(comm, operation, &local)) {
        *err = local;
        return err->code;
    }
    memcpy(comm->words, got, sizeof got);
    return COLLIO_OK;
}

/* Alone there is nobody to ask. */
static int agree_alone(collio_ticket *ticket, collio_error *err)
{
    memcpy(ticket->min, ticket->vote, sizeof ticket->min);
    memcpy(ticket->max, ticket->vote, sizeof ticket->max);
    if (err->code != COLLIO_OK)
        err->agreed = 1;
    return err->code;
}

int collio_agree(collio_comm *comm, collio_ticket *ticket, collio_error *err)
{
    uint64_t digest = collio_hash_text(ticket->digest, ticket->operation);
    collio_error waiting = COLLIO_ERROR_INIT;

    if (err->code != COLLIO_OK && err->agreed)
        return err->code;
    if (collio_comm_is_poisoned(comm)) {
        collio_error_at(&waiting, err->file, err->line);
        *err = comm->poison;
        collio_error_at(err, waiting.file, waiting.line);
        return err->code;
    }
    if (comm->size == 1)
        return agree_alone(ticket, err);
    fill_words(comm, ticket, digest, err);
    if (exchange(comm, ticket->operation, &waiting) ||
        confirm_if_late(comm, ticket->operation, &waiting)) {
        collio_error_at(&waiting, err->file, err->line);
        *err = waiting;
        return err->code;
    }
    if (largest(comm, WORD_TICKET) != smallest(comm, WORD_TICKET) || largest(comm, WORD_ERROR))
        return collio_diagnose(comm, ticket, digest, err);
    for (int i = 0; i < COLLIO_VOTES; i++) {
        ticket->min[i] = smallest(comm, WORD_VOTE + i);
        ticket->max[i] = largest(comm, WORD_VOTE + i);
    }
    return COLLIO_OK;
}

int collio_agree_within(collio_comm *comm, collio_ticket *ticket, double seconds,
                        const char *reason, collio_error *err)
{
    comm->limit = seconds;
    comm->reason = reason;
    collio_agree(comm, ticket, err);
    comm->limit = 0.0;
    return err->code;
}

int collio_agree_step(collio_comm *comm, const char *step, collio_error *err)
{
    collio_ticket ticket = {.operation = step};

    return collio_agree(comm, &ticket, err);
}
