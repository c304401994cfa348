/* Saves that go on while the program computes. ranks: 1 2 3 4 */
#include "checkpoint_tools.h"

#include "core/internal.h"

#include <stdio.h>
#include <unistd.h>

static const struct way {
    const char *directory;
    int layout, deflate;
} ways[] = {
    {"background", COLLIO_LAYOUT_SHARED, 0},
    {"per-rank", COLLIO_LAYOUT_PER_RANK, 0},
    {"compressed", COLLIO_LAYOUT_PER_RANK, 4},
};

static const struct way *way;

static collio_checkpoint *open_here(void)
{
    collio_checkpoint_options options = {.layout = way->layout, .deflate = way->deflate};
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c = NULL;

    collio_checkpoint_open(MPI_COMM_WORLD, way->directory, &options, &c, &err);
    return c;
}

static int start(collio_checkpoint *c, little *l, int64_t step, int borrow, collio_error *err)
{
    collio_item items[ITEMS];

    little_shape(l, step);
    little_values(l, 0);
    little_items(l, items);
    return collio_checkpoint_save_start(c, step, ITEMS, items, borrow, err);
}

static int file_exists(int64_t step)
{
    char path[64];

    snprintf(path, sizeof path, "%s/step-%012d.h5", way->directory, (int)step);
    return access(path, F_OK) == 0;
}

/* Copied: the program may change its arrays at once. Nothing is there before it is finished. */
static void test_wait(collio_checkpoint *c)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t step = 0;
    little l;

    tap_ok(start(c, &l, 1, 0, &err) == COLLIO_OK, "start");
    memset(&l, 0x5a, sizeof l);
    tap_ok(collio_checkpoint_pending(c, &step) && step == 1 && !file_exists(1), "in flight");
    tap_ok(collio_checkpoint_wait(c, COLLIO_AT(&err)) == COLLIO_OK &&
               !collio_checkpoint_pending(c, NULL),
           "wait: %s", err.text);
    tap_ok(little_is_newest(c, 1), "what was there at the start is saved");
    tap_ok(collio_checkpoint_wait(c, &err) == COLLIO_OK, "wait with nothing in flight");
}

static void test_test(collio_checkpoint *c)
{
    collio_error err = COLLIO_ERROR_INIT;
    int done = 0, asked = 0;
    little l;

    start(c, &l, 2, 1, &err);
    while (!done && err.code == COLLIO_OK && asked++ < 10000000)
        collio_checkpoint_test(c, &done, COLLIO_AT(&err));
    tap_ok(done && err.code == COLLIO_OK && little_is_newest(c, 2), "borrowed, tested until done");
    collio_checkpoint_test(c, &done, &err);
    tap_ok(done && err.code == COLLIO_OK, "test with nothing in flight");
}

/* At most one is in flight: the next save of either kind finishes it, and so does closing. */
static void test_next(collio_checkpoint **c)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t step = 0;
    little l, m;

    start(*c, &l, 3, 0, &err);
    tap_ok(start(*c, &m, 4, 0, &err) == COLLIO_OK && file_exists(3),
           "a start finishes the one before");
    tap_ok(collio_checkpoint_pending(*c, &step) && step == 4, "and is in flight itself");
    tap_ok(little_save(*c, 5, &err) == COLLIO_OK && file_exists(4) && file_exists(5),
           "a save finishes it, too: %s", err.text);
    start(*c, &l, 6, 0, &err);
    tap_ok(collio_checkpoint_close(c, &err) == COLLIO_OK, "close");
    MPI_Barrier(MPI_COMM_WORLD);
    tap_ok(file_exists(6), "and so does close");
    *c = open_here();
    tap_ok(little_is_newest(*c, 6), "what was in flight is whole");
}

/* One rank cannot write: the error comes with the wait, on all ranks, and the step is not there. */
static void test_failure(collio_checkpoint *c)
{
    static little huge;
    collio_error err = COLLIO_ERROR_INIT;
    long judged;

    for (int victim = 0; victim < tap_size; victim++) {
        collio_error_clear(&err);
        start(c, &huge, 7, 0, &err);
        collio_checkpoint_wait(c, &err); /* to learn how much is judged on the way */
        collio_checkpoint_delete(c, 7, &err);
        collio_fault_set(0);
        start(c, &huge, 7, 0, &err);
        judged = collio_fault_count();
        collio_checkpoint_wait(c, &err);
        judged = collio_fault_count() - judged;
        collio_checkpoint_delete(c, 7, &err);
        start(c, &huge, 7, 0, &err);
        /* Half-way through what comes at the end, if that is not the thread's already. */
        collio_fault_set(tap_rank == victim ? judged / 2 : 0);
        collio_checkpoint_wait(c, COLLIO_AT(&err));
        collio_fault_set(0);
        tap_ok(same_everywhere(&err), "rank %d fails at the end: the same outcome on all", victim);
        if (collio_comm_is_poisoned(collio_checkpoint_comm(c)))
            return;
        if (err.code == COLLIO_OK)
            collio_checkpoint_delete(c, 7, &err);
        else
            tap_ok(!file_exists(7) && strstr(err.text, "step 7, saved in the background") != NULL,
                   "the step is not there: %s", err.text);
    }
}

/* A rank that waits where others test, or save otherwise: an error on all, and all goes on. */
static void test_disagreement(collio_checkpoint *c)
{
    collio_error err = COLLIO_ERROR_INIT;
    int done;
    little l;

    /* The fault of the test before may have hit an agreement: then nothing goes on. */
    if (tap_size == 1 || collio_comm_is_poisoned(collio_checkpoint_comm(c)))
        return;
    start(c, &l, 8, 0, &err);
    if (tap_rank == tap_size - 1)
        collio_checkpoint_wait(c, COLLIO_AT(&err));
    else
        collio_checkpoint_test(c, &done, COLLIO_AT(&err));
    tap_ok(err.code == COLLIO_ERR_DIVERGED && same_everywhere(&err), "wait and test: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_checkpoint_wait(c, &err) == COLLIO_OK && little_is_newest(c, 8),
           "it is finished after that");
    if (tap_rank == 0)
        start(c, &l, 9, 0, COLLIO_AT(&err));
    else
        little_save(c, 9, COLLIO_AT(&err));
    tap_ok(err.code == COLLIO_ERR_DIVERGED && same_everywhere(&err), "start and save");
    tap_ok(!collio_checkpoint_pending(c, NULL) && little_is_newest(c, 8), "nothing has changed");
    collio_error_clear(&err);
    collio_error_set(&err, COLLIO_ERR_VALUE, "a mistake");
    if (tap_rank > 0)
        collio_error_clear(&err);
    start(c, &l, 9, 0, &err);
    tap_ok(err.code == COLLIO_ERR_VALUE && same_everywhere(&err), "one rank brings an error");
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c;

    MPI_Init(&argc, &argv);
    tap_begin();
    for (way = ways; way < ways + sizeof ways / sizeof *ways; way++) {
        c = open_here();
        if (!tap_ok(c != NULL, "open '%s'", way->directory))
            break;
        test_wait(c);
        test_test(c);
        test_next(&c);
        test_failure(c);
        test_disagreement(c);
        collio_error_clear(&err);
        collio_checkpoint_close(&c, &err);
    }
    MPI_Finalize();
    return tap_end();
}
