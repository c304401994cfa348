/* How ranks agree, disagree, err, come late and do not come. ranks: 1 2 3 4 */
#include "comm.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_messages; /* not in memory that the ranks share */

static collio_comm *open_comm(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;

    tap_ok(collio_comm_create(MPI_COMM_WORLD, &comm, &err) == COLLIO_OK, "a duplicate is made");
    if (by_messages)
        collio_shared_free(&comm->board.memory);
    return comm;
}

static void close_comm(collio_comm *comm)
{
    collio_error err = COLLIO_ERROR_INIT;

    tap_ok(collio_comm_free(&comm, &err) == COLLIO_OK && comm == NULL, "it is freed");
}

/* Every rank holds the same text. Collective. */
static int same_text(const char *text)
{
    char first[COLLIO_ERROR_TEXT];

    snprintf(first, sizeof first, "%s", text);
    MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    if (strcmp(first, text) != 0)
        fprintf(stderr, "# rank %d has: %s\n", tap_rank, text);
    return strcmp(first, text) == 0;
}

static void test_equal(void)
{
    collio_comm *comm = open_comm();
    int same = 1;

    for (uint64_t i = 0; i < 50; i++) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_ticket ticket = {.operation = "step", .digest = i};
        ticket.vote[0] = (uint64_t)tap_rank + i;
        ticket.vote[3] = UINT64_MAX;
        same &= collio_agree(comm, &ticket, &err) == COLLIO_OK && ticket.min[0] == i &&
                ticket.max[0] == i + (uint64_t)tap_size - 1 && ticket.min[3] == UINT64_MAX &&
                ticket.max[1] == 0;
    }
    tap_ok(same, "equal tickets pass, votes come back as extremes");
    close_comm(comm);
}

static void test_different(void)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;
    int odd = tap_size > 1 && tap_rank == tap_size - 1;
    collio_ticket ticket = {.operation = "create_dataset",
                            .digest = collio_hash_text(0, odd ? "v" : "u"),
                            .describe = collio_describe_text,
                            .context = odd ? "('v')" : "('u')"};
    char wanted[200];

    collio_error_at(&err, "/home/user/sim.py", odd ? 43 : 41);
    collio_agree(comm, &ticket, &err);
    if (tap_size == 1) {
        tap_ok(err.code == COLLIO_OK, "one rank agrees with itself");
        close_comm(comm);
        return;
    }
    snprintf(wanted, sizeof wanted,
             "ranks disagree: rank%s: create_dataset('u') at sim.py:41; "
             "rank %d: create_dataset('v') at sim.py:43",
             tap_size == 2   ? " 0"
             : tap_size == 3 ? "s 0, 1"
                             : "s 0-2",
             tap_size - 1);
    tap_ok(err.code == COLLIO_ERR_DIVERGED && err.agreed, "another name: all ranks know");
    tap_ok(same_text(err.text) && strcmp(err.text, wanted) == 0, "who and where: %s", wanted);
    tap_ok(err.line == 41 || err.line == 43, "the place stays");
    tap_ok(collio_agree(comm, &ticket, &err) == COLLIO_ERR_DIVERGED,
           "an agreed error is not agreed again");
    collio_error_clear(&err);
    tap_ok(collio_agree_step(comm, "next", &err) == COLLIO_OK, "and the communicator goes on");
    close_comm(comm);
}

static void test_error(int erring)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;
    collio_ticket ticket = {.operation = "write"};

    if (tap_rank == erring) {
        collio_error_set(&err, COLLIO_ERR_OS, "pwrite 'a.h5': No space left on device");
        err.sys_error = 28;
    }
    collio_error_at(&err, "sim.c", 7);
    collio_agree(comm, &ticket, &err);
    tap_ok(err.code == COLLIO_ERR_OS && err.sys_error == 28 && err.agreed,
           "rank %d errs: all get its code and errno", erring);
    tap_ok(err.rank == (tap_size > 1 ? erring : -1), "and its rank");
    tap_ok(same_text(err.text) && strstr(err.text, "No space left") != NULL, "and its text: %s",
           tap_size > 1 ? "with the place" : "as it was");
    tap_ok(tap_size == 1 || strstr(err.text, "(in write at sim.c:7)") != NULL, "where it arose");
    close_comm(comm);
}

static void test_error_everywhere(void)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;

    collio_error_set(&err, COLLIO_ERR_VALUE, "mode must be r or w");
    collio_agree_step(comm, "open", &err);
    tap_ok(err.code == COLLIO_ERR_VALUE && err.rank == -1 &&
               strcmp(err.text, "mode must be r or w") == 0,
           "an error of all ranks stays as it is");
    close_comm(comm);
}

static void test_error_and_other_call(void)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;

    if (tap_rank == 0)
        collio_error_set(&err, COLLIO_ERR_EXCEPTION, "ZeroDivisionError: division by zero");
    collio_agree_step(comm, tap_rank == 0 ? "close" : "create_group", &err);
    tap_ok(err.code == COLLIO_ERR_EXCEPTION, "a rank that errs elsewhere: its error");
    if (tap_size > 1)
        tap_ok(same_text(err.text) && strstr(err.text, "rank 0: close") != NULL &&
                   strstr(err.text, "create_group") != NULL,
               "and what each rank called");
    close_comm(comm);
}

static char notice[256];

static void keep_notice(const char *text, void *data)
{
    snprintf(data, sizeof notice, "%s", text);
}

/* The last rank stays away until the others have raised, then comes. */
static void test_missing(void)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;
    char wanted[100];
    int away = tap_size - 1;

    notice[0] = '\0';
    collio_set_log(keep_notice, notice);
    collio_set_patience(0.2);
    collio_set_timeout(2.0);
    if (tap_rank != away)
        collio_agree_step(comm, "flush", &err);
    MPI_Barrier(MPI_COMM_WORLD);
    snprintf(wanted, sizeof wanted, "flush: rank %d did not come within 2 s", away);
    tap_ok(tap_rank == away || (err.code == COLLIO_ERR_TIMEOUT && strstr(err.text, wanted) &&
                                collio_comm_is_poisoned(comm)),
           "%s", wanted);
    snprintf(wanted, sizeof wanted, "still waiting for rank %d", away);
    tap_ok(tap_rank != 0 || strstr(notice, wanted) != NULL, "a notice says: %s", wanted);
    if (tap_rank == away)
        collio_agree_step(comm, "flush", &err);
    MPI_Barrier(MPI_COMM_WORLD);
    tap_ok(err.code == COLLIO_ERR_TIMEOUT && same_text(err.text),
           "who comes too late fails too, with the same text");
    collio_error_clear(&err);
    collio_set_timeout(600.0); /* to wait again would outlast the test */
    collio_agree_step(comm, "write", &err);
    tap_ok(err.code == COLLIO_ERR_TIMEOUT, "a poisoned communicator fails at once");
    collio_error_clear(&err);
    collio_comm_free(&comm, &err);
    tap_ok(err.code == COLLIO_ERR_TIMEOUT && comm == NULL, "closing included");
    collio_set_log(NULL, NULL);
    collio_set_patience(30.0);
}

/* Two ranks stay away, and one of them comes when the others have given up: all that raise say the
 * same, which names both. */
static void test_two_missing(void)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;
    int away = tap_size - 1, late = away - 1;

    collio_set_timeout(1.0);
    if (tap_rank < late)
        collio_agree_step(comm, "write", &err);
    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank == late)
        collio_agree_step(comm, "sync", &err);
    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank == away)
        collio_agree_step(comm, "close", &err);
    tap_ok(err.code == COLLIO_ERR_TIMEOUT && same_text(err.text) &&
               strstr(err.text,
                      tap_size == 3
                          ? "write: ranks 1, 2 did not come within 1 s; waiting: rank 0"
                          : "write: ranks 2, 3 did not come within 1 s; waiting: ranks 0, 1"),
           "of two that are late: %s", err.text);
    collio_comm_free(&comm, &err);
    collio_set_timeout(600.0);
}

/* A rank that is late, but comes before the deadline, holds nobody up for good. */
static void test_late(void)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;

    collio_set_patience(0.05);
    collio_set_timeout(20.0);
    if (tap_rank == tap_size - 1)
        for (double start = collio_now(); collio_now() - start < 0.3;)
            MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_SELF, &(int){0}, MPI_STATUS_IGNORE);
    tap_ok(collio_agree_step(comm, "flush", &err) == COLLIO_OK, "a late rank is waited for");
    tap_ok(collio_agree_step(comm, "flush", &err) == COLLIO_OK, "and all go on");
    collio_set_patience(30.0);
    collio_set_timeout(600.0);
    close_comm(comm);
}

static void test_left(void)
{
    collio_comm *comm = open_comm();
    collio_error err = COLLIO_ERROR_INIT;
    int leaver = tap_size - 1;
    char wanted[100];

    if (tap_rank == leaver)
        collio_comm_leave(comm, "ValueError at sim.py:12");
    else
        collio_agree_step(comm, "write", &err);
    snprintf(wanted, sizeof wanted, "rank %d: left: ValueError at sim.py:12", leaver);
    tap_ok(tap_rank == leaver || (err.code == COLLIO_ERR_DIVERGED && strcmp(err.text, wanted) == 0),
           "%s", wanted);
    collio_error_clear(&err);
    tap_ok(collio_agree_step(comm, "write", &err) == COLLIO_ERR_DIVERGED, "nor later");
    collio_comm_free(&comm, &err);
}

/* What the agreement itself needs fails on one rank, at every point in turn. */
static void test_faults(int erring)
{
    int point = 0, clean = 0;

    while (!clean && point < 40) {
        collio_error err = COLLIO_ERROR_INIT, ignored = COLLIO_ERROR_INIT;
        collio_comm *comm = open_comm();
        collio_ticket ticket = {.operation = "create"};
        point++;
        collio_fault_set(tap_rank == erring ? point : 0);
        ticket.digest = (uint64_t)(tap_rank == 0); /* into the diagnosis, too */
        collio_agree(comm, &ticket, &err);
        clean = tap_rank == erring && collio_fault_count() < point;
        collio_fault_set(0);
        MPI_Bcast(&clean, 1, MPI_INT, erring, MPI_COMM_WORLD);
        if (clean) {
            tap_ok(err.code == (tap_size > 1 ? COLLIO_ERR_DIVERGED : COLLIO_OK), "no fault left");
        } else {
            int same = same_text(err.text);
            tap_ok(same &&
                       (err.code == COLLIO_ERR_MEMORY ||
                        (err.code == COLLIO_ERR_MPI && strstr(err.text, "injected fault") != NULL)),
                   "fault %d on rank %d: the same error on all ranks: %s", point, erring, err.text);
        }
        collio_comm_free(&comm, &ignored);
    }
}

/* A rank that cannot have the memory: all send messages. */
static void test_one_without_memory(int poor)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_ticket ticket = {.operation = "step"};
    collio_comm *comm;

    collio_shared_allow(tap_rank != poor);
    comm = open_comm();
    collio_shared_allow(1);
    ticket.vote[0] = (uint64_t)tap_rank;
    tap_ok(comm->board.memory.bytes == NULL && collio_agree(comm, &ticket, &err) == COLLIO_OK &&
               ticket.max[0] == (uint64_t)tap_size - 1,
           "rank %d has no memory to share: agreed by messages", poor);
    collio_comm_free(&comm, &err);
}

static void test_all(void)
{
    test_equal();
    test_different();
    for (int rank = 0; rank < tap_size; rank++)
        test_error(rank);
    test_error_everywhere();
    test_error_and_other_call();
    test_late();
    for (int rank = 0; rank < tap_size && tap_size > 1; rank++)
        test_faults(rank);
    if (tap_size > 1) {
        test_missing();
        if (tap_size == 3 || tap_size == 4)
            test_two_missing();
        test_left();
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_all();
    for (int rank = 0; rank < tap_size; rank++)
        test_one_without_memory(rank);
    by_messages = 1;
    test_all();
    int status = tap_end();
    MPI_Finalize();
    return status;
}
