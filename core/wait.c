/*
 * The guarded wait: polite while the others are on their way, with a notice when patience ends,
 * a roll call at the deadline, and an end as soon as a rank is known not to come.
 */
#include "comm.h"

#include <sched.h>
#include <stdio.h>
#include <time.h>

/* Yielding lets the ranks that share a core go on. Naps come late: one costs more than most
 * agreements take, and with 4 ranks on 2 cores naps after 5 ms instead of 20 ms made an agreement
 * up to thirty times slower (measured), because a rank that naps delays the others in turn. */
static const int eager_tries = 200;
static const double nap_after = 20e-3;
static const double longest_nap = 1e-3;

/* How long those who wait give each other to answer a note. */
static double grace(void)
{
    double seconds = collio_get_timeout() / 10.0;

    return seconds < 0.2 ? 0.2 : seconds > 5.0 ? 5.0 : seconds;
}

static void pause_after(double waited)
{
    double nap = waited / 16.0 < longest_nap ? waited / 16.0 : longest_nap;
    struct timespec duration = {0, (long)(nap * 1e9)};

    if (waited < nap_after)
        sched_yield();
    else
        nanosleep(&duration, NULL);
}

static int is_missing(const void *context, int rank)
{
    return !collio_roll_present(context, rank);
}

static int is_waiting(const void *context, int rank)
{
    return collio_roll_present(context, rank);
}

/* The lowest of the ranks that wait speaks for all. */
static void give_notice(collio_comm *comm, const char *operation, double waited)
{
    char missing[256];

    for (int rank = 0; rank < comm->rank; rank++)
        if (collio_roll_present(comm, rank))
            return;
    collio_name_ranks(is_missing, comm, comm->size, missing, sizeof missing);
    collio_log("%s: after %.3g s still waiting for %s", operation, waited, missing);
}

/* Read notes for so long, or until it is said who was missing. */
static int hear_verdict(collio_comm *comm, double seconds, collio_error *err)
{
    double until = collio_now() + seconds;

    while (!collio_roll_verdict(comm, err) && collio_now() < until) {
        collio_roll_read(comm);
        pause_after(nap_after);
    }
    return err->code;
}

/* The lowest of those who gave up says who was missing; 1: that is this rank. */
static int is_speaker(const collio_comm *comm)
{
    int rank = 0;

    while (!collio_roll_present(comm, rank))
        rank++;
    return rank == comm->rank;
}

static void name_missing(const collio_comm *comm, const char *operation, collio_error *err)
{
    char missing[256], waiting[256];
    int all_here = 1;

    for (int rank = 0; rank < comm->size; rank++)
        all_here &= !is_missing(comm, rank);
    collio_name_ranks(is_missing, comm, comm->size, missing, sizeof missing);
    collio_name_ranks(is_waiting, comm, comm->size, waiting, sizeof waiting);
    if (all_here)
        collio_error_set(err, COLLIO_ERR_TIMEOUT,
                         "%s: all ranks have come, but did not get done within %g s", operation,
                         collio_get_timeout());
    else
        collio_error_set(err, COLLIO_ERR_TIMEOUT, "%s: %s did not come within %g s; waiting: %s",
                         operation, missing, collio_get_timeout(), waiting);
}

/* Say that this rank gives up, hear who else was there, name those who were not. One rank names
 * them for all who gave up, and for those who come later: a rank that is held up, as by a disk, may
 * come when the roll call is over, and is to raise the same error. */
static int give_up(collio_comm *comm, const char *operation, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;

    collio_roll_tell(comm, NOTE_GAVE_UP, NULL);
    hear_verdict(comm, grace(), &local);
    if (local.code == COLLIO_OK && !is_speaker(comm))
        hear_verdict(comm, grace(), &local);
    if (local.code == COLLIO_OK) {
        name_missing(comm, operation, &local);
        collio_roll_tell(comm, NOTE_VERDICT, &local);
    }
    *err = local;
    return collio_comm_poison(comm, err);
}

/* The others have given up this wait: fail as they did. */
static int come_too_late(collio_comm *comm, int gone, const char *operation, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;

    if (hear_verdict(comm, 3.0 * grace(), &local) == COLLIO_OK)
        collio_error_set(&local, COLLIO_ERR_TIMEOUT,
                         "%s: rank %d did not come within %g s: rank %d and others had given up "
                         "waiting",
                         operation, comm->rank, collio_get_timeout(), gone);
    *err = local;
    return collio_comm_poison(comm, err);
}

/* Whether this rank came to the wait that another has given up only after that. `first`: it has
 * just come to this one. One that gave up the wait before or after this one gives up the same
 * missing rank, if both have waited long for it. */
static int is_late(const collio_comm *comm, int gone, int first, double waited)
{
    if (collio_roll_waits(comm, gone) == comm->waits)
        return first;
    return waited < collio_get_timeout() / 2.0;
}

/* A rank has said that it will not come to this wait, or gives one up. */
static int meet_gone(collio_comm *comm, int gone, const char *operation, int late,
                     collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;

    if (collio_roll_kind(comm, gone) == NOTE_LEFT) {
        collio_roll_why(comm, gone, &local);
        *err = local;
        return collio_comm_poison(comm, err);
    }
    return late ? come_too_late(comm, gone, operation, err) : give_up(comm, operation, err);
}

/* How often MPI_Test is called depends on the clock: only its failures are judged, so that the
 * n-th judged result is the same in every run. */
static int test(collio_comm *comm, void *request, int *done, collio_error *err)
{
    int result = MPI_Test(request, done, MPI_STATUS_IGNORE);

    if (result == MPI_SUCCESS)
        return COLLIO_OK;
    collio_mpi(result, "MPI_Test", err);
    return collio_comm_fail(comm, err);
}

/* This rank has waited as long as it wanted to. Its part of this wait is under way and may still
 * complete on the others, but they are told that it does not count. */
static int take_leave(collio_comm *comm, collio_error *err)
{
    comm->waits--;
    collio_comm_leave(comm, comm->reason);
    *err = comm->poison;
    return err->code;
}

static int wait_long(collio_comm *comm, collio_advance *advance, void *context,
                     const char *operation, collio_error *err)
{
    double start = collio_now(), asked = 0.0, waited;
    double timeout = collio_get_timeout(), patience = collio_get_patience();
    int done = 0, gone, noticed = 0;

    for (int first = 1;; first = 0) {
        if (advance(comm, context, &done, err))
            return err->code;
        waited = collio_now() - start;
        if (done && waited < timeout / 2.0)
            return COLLIO_OK;
        collio_roll_read(comm);
        gone = collio_roll_gone(comm);
        if (gone >= 0)
            return meet_gone(comm, gone, operation, is_late(comm, gone, first, waited), err);
        if (done)
            return COLLIO_OK;
        if (comm->limit > 0.0 && waited > comm->limit)
            return take_leave(comm, err);
        if (timeout > 0.0 && waited > timeout)
            return give_up(comm, operation, err);
        if (collio_roll_asked(comm) || (asked == 0.0 && waited > patience)) {
            collio_roll_tell(comm, NOTE_WAITING, NULL);
            asked = waited;
        }
        if (!noticed && asked > 0.0 && waited > patience + grace()) {
            give_notice(comm, operation, waited);
            noticed = 1;
        }
        pause_after(waited);
    }
}

int collio_wait_for(collio_comm *comm, collio_advance *advance, void *context,
                    const char *operation, collio_error *err)
{
    int done = 0;

    if (collio_comm_is_poisoned(comm)) {
        *err = comm->poison;
        return err->code;
    }
    comm->waits++;
    for (int tries = 0; tries < eager_tries && !done; tries++) {
        if (tries > 4)
            sched_yield();
        if (advance(comm, context, &done, err))
            return err->code;
    }
    return done ? COLLIO_OK : wait_long(comm, advance, context, operation, err);
}

int collio_wait(collio_comm *comm, MPI_Request *request, const char *operation, collio_error *err)
{
    return collio_wait_for(comm, test, request, operation, err);
}
