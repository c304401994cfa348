/* Saves that must be refused, the same way on all ranks; lists, keep and delete. ranks: 1 2 3 4 */
#include "checkpoint_tools.h"

#include <unistd.h>

static collio_checkpoint *c;

/* The last call failed with this code and these words, on all ranks alike; forget it. */
static int refused(collio_error *err, int code, const char *words)
{
    int same = same_everywhere(err);
    int right = err->code == code && strstr(err->text, words) != NULL;

    if (!right)
        fprintf(stderr, "# rank %d: code %d: %s\n", tap_rank, err->code, err->text);
    collio_error_clear(err);
    return same && right;
}

/* -------------------------------------------------------------- cover */

/* Save blocks of an array of 10 x 6; rank r brings blocks[r], the others nothing. */
static int save_blocks(const int64_t blocks[][4], int count, collio_error *err)
{
    static double values[60];
    int64_t shape[2] = {10, 6}, start[2] = {0, 0}, extents[2] = {0, 0};
    collio_array part;
    collio_item item;

    if (tap_rank < count) {
        memcpy(start, blocks[tap_rank], sizeof start);
        memcpy(extents, blocks[tap_rank] + 2, sizeof extents);
    }
    collio_array_fill(&part, values, COLLIO_FLOAT64, 2, extents);
    item = collio_item_part("u", &part, shape, start);
    return collio_checkpoint_save(c, 500, 1, &item, COLLIO_AT(err));
}

static void test_cover(void)
{
    static const int64_t corner[][4] = {{0, 0, 10, 5}};
    static const int64_t middle[][4] = {{0, 0, 4, 6}, {5, 0, 5, 6}};
    static const int64_t twice[][4] = {{0, 0, 6, 6}, {5, 0, 5, 6}};
    static const int64_t hole[][4] = {{0, 0, 5, 3}, {0, 3, 5, 3}, {5, 0, 5, 2}, {5, 3, 5, 3}};
    static const int64_t wheel[][4] = {{0, 0, 4, 5}, {0, 5, 8, 1}, {8, 1, 2, 5}, {4, 0, 6, 1}};
    static const int64_t outside[][4] = {{0, 0, 11, 6}};
    collio_error err = COLLIO_ERROR_INIT;

    save_blocks(corner, 1, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "'u' (10 x 6): no rank's part holds [0:10, 5:6]"),
           "a gap at the edge");
    save_blocks(outside, 1, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "[0:11] in dimension 0 lies outside the array's 10"),
           "a part that leaves the array");
    save_blocks(corner, 0, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "holds [0:10, 0:6]"), "no parts at all");
    if (tap_size < 2)
        return;
    save_blocks(middle, 2, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "holds [4:5, 0:6]"), "a gap in the middle");
    save_blocks(twice, 2, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "rank 0 and rank 1 both hold [5:6, 0:6]"), "an overlap");
    if (tap_size < 4)
        return;
    save_blocks(hole, 4, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "holds [5:10, 2:3]"), "a hole between four parts");
    save_blocks(wheel, 4, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "holds [4:8, 1:5]"),
           "a hole that no plane reaches without cutting a part");
}

/* --------------------------------------------------------- divergence */

typedef struct change {
    const char *what, *words;
} change;

/* One rank, the last, saves something else. */
static void diverge(int k, int64_t *step, int *count, collio_item *items, double *t)
{
    switch (k) {
    case 0:
        *step += 1;
        break;
    case 1:
        items[0].name = "w";
        break;
    case 2:
        items[0].shape[1] += 1;
        break;
    case 3:
        items[2].array.type = COLLIO_INT64;
        break;
    case 4:
        *t += 1.0;
        break;
    case 5:
        *count -= 1;
        break;
    case 6:
        items[3].kind = COLLIO_ITEM_STATE;
        break;
    case 7:
        items[3].format = "json";
        break;
    }
}

static void test_divergence(void)
{
    static const change changes[] = {
        {"step", "step 601"},  {"name", "w f8"},      {"shape", "701"},      {"type", "t i8"},
        {"value", "values #"}, {"items", "step 600"}, {"kind", "who state"}, {"format", "(json)"},
    };
    collio_error err = COLLIO_ERROR_INIT;

    for (int k = 0; k < 8 && tap_size > 1; k++) {
        static little l;
        collio_item items[ITEMS];
        int64_t step = 600;
        int count = ITEMS;
        little_shape(&l, step);
        little_values(&l, 0);
        little_items(&l, items);
        if (tap_rank == tap_size - 1)
            diverge(k, &step, &count, items, &l.t);
        collio_checkpoint_save(c, step, count, items, COLLIO_AT(&err));
        tap_ok(refused(&err, COLLIO_ERR_DIVERGED, changes[k].words), "another %s on one rank",
               changes[k].what);
    }
    if (tap_rank == tap_size - 1)
        collio_error_set(&err, COLLIO_ERR_EXCEPTION, "my own trouble");
    little_save(c, 600, &err);
    tap_ok(refused(&err, COLLIO_ERR_EXCEPTION, "my own trouble"), "one rank brings an error");
    little_save(c, 600, &err);
    tap_ok(err.code == COLLIO_OK && little_is_newest(c, 600), "and then it is saved: %s", err.text);
    if (tap_size > 1) {
        if (tap_rank == 0)
            little_save(c, 700, &err);
        else
            collio_checkpoint_verify(c, 600, &(collio_checkpoint_report){0}, &err);
        tap_ok(refused(&err, COLLIO_ERR_DIVERGED, "checkpoint_verify"), "another call");
    }
}

/* --------------------------------------------------------- arguments */

static void test_arguments(void)
{
    static const char *const names[] = {"", "/u", "u/", "a//b", "."};
    collio_error err = COLLIO_ERROR_INIT;
    collio_item items[2];
    double t = 1.0;

    for (int i = 0; i < 5; i++) {
        items[0] = collio_item_scalar(names[i], COLLIO_FLOAT64, &t);
        collio_checkpoint_save(c, 700, 1, items, &err);
        tap_ok(refused(&err, COLLIO_ERR_VALUE, "name"), "the name '%s'", names[i]);
    }
    items[0] = collio_item_scalar("t", COLLIO_FLOAT64, &t);
    items[1] = items[0];
    collio_checkpoint_save(c, 700, 2, items, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "two items have the name 't'"), "a name twice");
    items[1].name = "t/x";
    collio_checkpoint_save(c, 700, 2, items, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "'t/x' cannot lie below 't'"), "a name below an array");
    items[0] = collio_item_rank_state("s", "raw", "x", 1);
    items[1].name = "s.sizes";
    collio_checkpoint_save(c, 700, 2, items, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "'s.sizes' is taken"), "the name of a state's sizes");
    items[0] = collio_item_scalar("t", COLLIO_FLOAT64, NULL);
    collio_checkpoint_save(c, 700, 1, items, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "no memory given"), "no memory");
    collio_checkpoint_save(c, -1, 0, NULL, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "step must be"), "a negative step");
    little_save(c, 600, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "step 600 is in"), "a step that is there");
    collio_checkpoint_save(c, 701, 0, NULL, &err);
    tap_ok(err.code == COLLIO_OK, "nothing to save is saved: %s", err.text);
    tap_ok(collio_checkpoint_delete(c, 701, &err) == COLLIO_OK, "and deleted");
}

/* ------------------------------------------------- lists, keep, delete */

static int listed(const int64_t *wanted, int count)
{
    collio_checkpoint_entry *list = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int found = 0, same;

    collio_checkpoint_steps(c, &list, &found, &err);
    same = err.code == COLLIO_OK && found == count;
    for (int i = 0; i < found && same; i++)
        same = list[i].step == wanted[i] && list[i].status == COLLIO_OK && list[i].size > 0 &&
               list[i].writers == tap_size && list[i].time > 0;
    collio_checkpoint_steps_free(list);
    return same;
}

static void test_lists(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint_state *state = NULL;
    int64_t step = 0;

    c = open_checkpoint("listed", 3, COLLIO_VERIFY_ALL);
    tap_ok(listed(NULL, 0), "an empty directory");
    collio_checkpoint_latest(c, &step, &err);
    tap_ok(step == -1 && refused(&err, COLLIO_ERR_NONE, "there is no step"), "no latest");
    collio_checkpoint_restore(c, COLLIO_NEWEST, &state, &err);
    tap_ok(state == NULL && refused(&err, COLLIO_ERR_NONE, "there is no step"), "none to restore");
    for (int64_t k = 1; k <= 5; k++)
        little_save(c, 10 * k, &err);
    tap_ok(listed((int64_t[]){30, 40, 50}, 3), "the newest three stay");
    tap_ok(collio_checkpoint_delete(c, 40, &err) == COLLIO_OK, "delete");
    tap_ok(listed((int64_t[]){30, 50}, 2), "deleted");
    collio_checkpoint_delete(c, 40, &err);
    tap_ok(refused(&err, COLLIO_ERR_NONE, "step-000000000040.h5"), "delete what is not there");
    little_save(c, 35, &err);
    tap_ok(listed((int64_t[]){30, 35, 50}, 3), "a later step is not pruned for an earlier one");
    tap_ok(collio_checkpoint_latest(c, &step, &err) == COLLIO_OK && step == 50, "the latest");
    collio_checkpoint_restore(c, 40, &state, &err);
    tap_ok(refused(&err, COLLIO_ERR_NONE, "step-000000000040.h5"), "restore what is not there");
    collio_checkpoint_restore(c, 35, &state, &err);
    tap_ok(state != NULL && collio_checkpoint_state_step(state) == 35, "restore an older one");
    collio_checkpoint_state_close(&state);
    collio_checkpoint_close(&c, &err);
    tap_ok(err.code == COLLIO_OK, "close");
}

static void test_reads(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint_state *state = NULL;
    int64_t start[2] = {12, 0}, extents[2] = {2, 1};
    double values[2];
    float single[2];
    collio_array out;
    size_t size;

    collio_checkpoint_restore(c, 600, &state, &err);
    collio_array_fill(&out, values, COLLIO_FLOAT64, 2, extents);
    collio_checkpoint_read(state, "x", NULL, &out, &err);
    tap_ok(refused(&err, COLLIO_ERR_KEY, "it has 'u', 'fields/v', 't', 'who'"), "an unknown name");
    collio_checkpoint_read(state, "u", start, &out, &err);
    tap_ok(refused(&err, COLLIO_ERR_INDEX, "outside"), "a block outside");
    collio_array_fill(&out, single, COLLIO_FLOAT32, 2, extents);
    collio_checkpoint_read(state, "u", NULL, &out, &err);
    tap_ok(refused(&err, COLLIO_ERR_TYPE, "f8"), "another type");
    collio_checkpoint_state_size(state, "who", tap_size, &size, &err);
    tap_ok(err.code == COLLIO_ERR_INDEX, "a part that is not there");
    collio_error_clear(&err);
    collio_checkpoint_read_state(state, "u", 0, values, &err);
    tap_ok(refused(&err, COLLIO_ERR_TYPE, "an array"), "an array is no state");
    collio_checkpoint_read(state, tap_rank == 0 ? "u" : "fields/v", NULL, &out, &err);
    tap_ok(err.code != COLLIO_OK && same_everywhere(&err), "another array on each rank");
    collio_error_clear(&err);
    collio_checkpoint_state_close(&state);
}

static void test_read_only(void)
{
    collio_checkpoint_options options = {.read_only = 1};
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *reader = NULL;

    collio_checkpoint_open(MPI_COMM_WORLD, "nowhere", &options, &reader, &err);
    tap_ok(reader == NULL && refused(&err, COLLIO_ERR_OS, "nowhere"), "no directory to read");
    collio_checkpoint_open(MPI_COMM_WORLD, "guard", &options, &reader, &err);
    tap_ok(reader != NULL && little_is_newest(reader, 600), "read a directory only");
    little_save(reader, 800, &err);
    tap_ok(refused(&err, COLLIO_ERR_STATE, "read-only"), "no save there");
    collio_checkpoint_close(&reader, &err);
    options.keep = -1;
    collio_checkpoint_open(MPI_COMM_WORLD, "guard", &options, &reader, &err);
    tap_ok(refused(&err, COLLIO_ERR_VALUE, "keep"), "bad options");
    collio_checkpoint_open(MPI_COMM_WORLD, tap_rank == 0 ? "guard" : "listed", NULL, &reader, &err);
    if (tap_size > 1)
        tap_ok(refused(&err, COLLIO_ERR_DIVERGED, "listed"), "another directory on each rank");
    collio_checkpoint_close(&reader, &err);
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    c = open_checkpoint("guard", 0, COLLIO_VERIFY_ALL);
    test_cover();
    test_divergence();
    test_arguments();
    test_reads();
    collio_checkpoint_close(&c, &err);
    test_read_only();
    test_lists();
    MPI_Finalize();
    return tap_end();
}
