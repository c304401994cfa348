/* Each judged result of each checkpoint call fails once, on each rank in turn: the same error on
 * all ranks, no hang, old steps whole. ranks: 1 2 3 limit: 240 */
#include "checkpoint_tools.h"

#include "core/shared.h"
#include "io/step.h"

#include <dirent.h>
#include <unistd.h>

static const char directory[] = "fault";

enum { MOST_POINTS = 1000 };

static collio_checkpoint *c;
static MPI_Comm fresh = MPI_COMM_NULL; /* whose hidden duplicate no fault has met */
static int64_t step = 1;               /* the newest that was acknowledged */

static int count_parts(void)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int parts = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        parts += strncmp(entry->d_name, ".part-", 6) == 0;
    if (dir != NULL)
        closedir(dir);
    return parts;
}

/* A fault in a message between ranks poisons the object: open it anew, as a program would. */
static void reopen_if_poisoned(void)
{
    collio_error err = COLLIO_ERROR_INIT;

    if (!collio_comm_is_poisoned(collio_checkpoint_comm(c)))
        return;
    collio_checkpoint_close(&c, &err);
    MPI_Barrier(MPI_COMM_WORLD);
    c = open_checkpoint(directory, 3, COLLIO_VERIFY_ALL);
}

/* The calls under test; each returns err's code. */
static int do_save(collio_error *err)
{
    return little_save(c, step + 1, err);
}

/* Columns, which the ranks exchange before they write. Short messages: after a call of MPI's
 * that failed on one rank the others' messages stay with MPI for ever, and where those are long
 * UCX 1.18 ends the program within MPI_Finalize. */
static int do_save_columns(collio_error *err)
{
    static int16_t values[80 * 12];
    int64_t shape[2] = {80, 12}, start[2] = {0, 0}, count[2] = {80, 0};
    collio_error never = COLLIO_ERROR_INIT;
    collio_array part;
    collio_item item;

    /* Had anew each time, so that this may fail, too. */
    collio_shared_free(&c->windows);
    memset(&c->windows, 0, sizeof c->windows);
    collio_part_range(12, tap_size, tap_rank, &start[1], &count[1], &never);
    collio_array_fill(&part, values, COLLIO_INT16, 2, count);
    item = collio_item_part("columns", &part, shape, start);
    return collio_checkpoint_save(c, step + 1, 1, &item, err);
}

/* Columns again, compressed: another checkpoint in the same directory. */
static int do_save_deflated(collio_error *err)
{
    c->options.deflate = 1;
    do_save_columns(err);
    c->options.deflate = 0;
    return err->code;
}

/* In the background: an error may come at the start or at the end. */
static int do_save_start(collio_error *err)
{
    static little l;
    collio_item items[ITEMS];

    little_shape(&l, step + 1);
    little_values(&l, 0);
    little_items(&l, items);
    if (collio_checkpoint_save_start(c, step + 1, ITEMS, items, step % 2 == 0, err) == COLLIO_OK)
        collio_checkpoint_wait(c, err);
    return err->code;
}

static int do_restore(collio_error *err)
{
    collio_checkpoint_state *state = NULL;
    int right = 0;

    collio_checkpoint_restore(c, step, &state, err);
    if (state != NULL && little_read(state, &right, err) == COLLIO_OK && !right)
        collio_error_set(err, COLLIO_ERR_EXCEPTION, "wrong data");
    collio_checkpoint_state_close(&state);
    return err->code;
}

static int do_steps(collio_error *err)
{
    collio_checkpoint_entry *list = NULL;
    int count;

    collio_checkpoint_steps(c, &list, &count, err);
    collio_checkpoint_steps_free(list);
    return err->code;
}

static int do_verify(collio_error *err)
{
    collio_checkpoint_report report;

    collio_checkpoint_verify(c, step, &report, err);
    if (err->code == COLLIO_OK && !report.valid)
        collio_error_set(err, COLLIO_ERR_EXCEPTION, "a whole step called damaged");
    return err->code;
}

static int do_open(collio_error *err)
{
    collio_checkpoint *other = NULL;
    collio_error closing = COLLIO_ERROR_INIT;

    collio_checkpoint_open(fresh, directory, NULL, &other, err);
    collio_checkpoint_close(&other, &closing);
    return err->code;
}

typedef int tested(collio_error *err);

static void renew_comm(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *first = NULL;

    if (fresh != MPI_COMM_NULL)
        MPI_Comm_free(&fresh);
    MPI_Comm_dup(MPI_COMM_WORLD, &fresh);
    collio_comm_create(fresh, &first, &err);
    collio_comm_free(&first, &err);
}

/* The next save after a failed one: the step may be there, whole, if the failure came last. */
static void settle(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t latest = 0;

    reopen_if_poisoned();
    renew_comm();
    if (collio_checkpoint_latest(c, &latest, &err) == COLLIO_OK && latest > step)
        step = latest;
}

/* Let the n-th result fail on one rank; returns 1 once the call has fewer results than that. */
static int try_point(tested *call, int victim, int n, int *sound)
{
    collio_error err = COLLIO_ERROR_INIT;
    long judged;

    collio_fault_set(tap_rank == victim ? n : 0);
    call(&err);
    judged = collio_fault_count();
    collio_fault_set(0);
    MPI_Bcast(&judged, 1, MPI_LONG, victim, MPI_COMM_WORLD);
    if (judged < n) {
        *sound &= err.code == COLLIO_OK;
        if (err.code != COLLIO_OK)
            fprintf(stderr, "# without a fault: %s\n", err.text);
        return 1;
    }
    if (err.code == COLLIO_ERR_EXCEPTION || err.code == COLLIO_ERR_TIMEOUT)
        fprintf(stderr, "# rank %d: %s\n", tap_rank, err.text);
    *sound &=
        same_everywhere(&err) && err.code != COLLIO_ERR_EXCEPTION && err.code != COLLIO_ERR_TIMEOUT;
    settle();
    return 0;
}

static void sweep(const char *name, tested *call, int from)
{
    int saves = call == do_save || call == do_save_start;

    for (int victim = 0; victim < tap_size; victim++) {
        int sound = 1, n = from;
        while (n < MOST_POINTS && !try_point(call, victim, n, &sound)) {
            sound &= count_parts() == 0;
            if (saves)
                sound &= little_is_newest(c, step);
            MPI_Barrier(MPI_COMM_WORLD);
            if (!sound)
                fprintf(stderr, "# %s: point %d on rank %d\n", name, n, victim);
            n++;
        }
        if (saves)
            step += sound;
        tap_ok(sound && n > from && n < MOST_POINTS, "%s: %d points on rank %d", name, n - from,
               victim);
        settle();
        if (saves)
            tap_ok(little_is_newest(c, step), "%s: the newest is whole", name);
    }
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    collio_set_timeout(20.0);
    c = open_checkpoint(directory, 3, COLLIO_VERIFY_ALL);
    tap_ok(little_save(c, step, &err) == COLLIO_OK, "a first step");
    sweep("save", do_save, 1);
    sweep("save in the background", do_save_start, 1);
    sweep("restore", do_restore, 1);
    sweep("verify", do_verify, 1);
    sweep("steps", do_steps, 1);
    sweep("open", do_open, 1);
    tap_ok(little_is_newest(c, step), "the newest step is whole");
    sweep("save columns", do_save_columns, 1);
    if (collio_checkpoint_latest(c, &step, &err) == COLLIO_OK)
        sweep("save compressed columns", do_save_deflated, 1);
    collio_shared_allow(0);
    if (collio_checkpoint_latest(c, &step, &err) == COLLIO_OK)
        sweep("save columns by messages", do_save_columns, 1);
    collio_shared_allow(1);
    collio_checkpoint_close(&c, &err);
    MPI_Finalize();
    return tap_end();
}
