/* Do blocks cover an array exactly once? Against counting, and with many ranks. ranks: 1 */
#include "io/step.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 64, DIMS = 3, STRIDE = 2 * DIMS };

static uint64_t chance = 7;

static int64_t draw(int64_t below)
{
    chance = collio_hash_number(chance, 1);
    return (int64_t)(chance % (uint64_t)below);
}

/* Cut block `at` in two along a random plane; the new half is block `count`. */
static void cut(int64_t (*blocks)[STRIDE], int at, int count)
{
    int dim = (int)draw(DIMS);
    int64_t *a = blocks[at], *b = blocks[count], first;

    memcpy(b, a, sizeof *blocks);
    first = draw(a[DIMS + dim] + 1);
    a[DIMS + dim] = first;
    b[dim] += first;
    b[DIMS + dim] -= first;
}

static int check(const int64_t *shape, int64_t (*blocks)[STRIDE], int count, collio_error *err)
{
    return collio_cover_check("u", DIMS, shape, count, blocks[0], STRIDE, err);
}

/* Random guillotine cuts cover exactly; one block moved, grown or shrunk does not. */
static int try_cuts(int spoil)
{
    int64_t shape[DIMS] = {7, 9, 8}, blocks[MOST][STRIDE] = {{0, 0, 0, 7, 9, 8}};
    int count = 1 + (int)draw(MOST - 1), dim = (int)draw(DIMS), at;
    collio_error err = COLLIO_ERROR_INIT;

    for (int i = 1; i < count; i++)
        cut(blocks, (int)draw(i), i);
    if (!spoil)
        return check(shape, blocks, count, &err) == COLLIO_OK;
    do
        at = (int)draw(count);
    while (blocks[at][DIMS] * blocks[at][DIMS + 1] * blocks[at][DIMS + 2] == 0);
    if (blocks[at][dim] + blocks[at][DIMS + dim] < shape[dim] && draw(2))
        blocks[at][DIMS + dim]++; /* into its neighbours */
    else
        blocks[at][DIMS + dim]--; /* leaves a gap */
    return check(shape, blocks, count, &err) == COLLIO_ERR_VALUE;
}

/* Of two copies of a cover, or none, the error names the right place. */
static void test_places(void)
{
    int64_t shape[DIMS] = {4, 5, 6}, blocks[3][STRIDE] = {{0, 0, 0, 4, 5, 6}};
    collio_error err = COLLIO_ERROR_INIT;

    memcpy(blocks[2], (int64_t[STRIDE]){1, 2, 3, 1, 1, 2}, sizeof blocks[2]);
    check(shape, blocks, 3, &err);
    tap_ok(strstr(err.text, "rank 0 and rank 2 both hold [1:2, 2:3, 3:5]") != NULL, "overlap: %s",
           err.text);
    collio_error_clear(&err);
    blocks[0][DIMS + 2] = 5;
    memset(blocks[2], 0, sizeof blocks[2]);
    check(shape, blocks, 3, &err);
    tap_ok(strstr(err.text, "no rank's part holds [0:4, 0:5, 5:6]") != NULL, "gap: %s", err.text);
    collio_error_clear(&err);
    check(shape, blocks, 0, &err);
    tap_ok(strstr(err.text, "no rank's part holds [0:4, 0:5, 0:6]") != NULL, "nothing at all");
    collio_error_clear(&err);
    shape[1] = 0;
    tap_ok(check(shape, blocks, 0, &err) == COLLIO_OK, "an empty array needs no parts");
}

/* A grid of a million elements over 64 x 32 x 16 ranks is checked in a moment. */
static void test_many(void)
{
    enum { RANKS = 64 * 32 * 16 };
    int64_t shape[DIMS] = {1024, 1024, 1024};
    int64_t(*blocks)[STRIDE] = malloc(RANKS * sizeof *blocks);
    int dims[DIMS] = {64, 32, 16};
    collio_error err = COLLIO_ERROR_INIT;
    double start;

    for (int rank = 0; rank < RANKS; rank++) {
        collio_box box;
        collio_part_box(DIMS, shape, dims, rank, 0, &box, NULL, &err);
        memcpy(blocks[rank], box.start, DIMS * sizeof(int64_t));
        memcpy(blocks[rank] + DIMS, box.count, DIMS * sizeof(int64_t));
    }
    start = collio_now();
    tap_ok(check(shape, blocks, RANKS, &err) == COLLIO_OK, "%d ranks: %s", RANKS, err.text);
    printf("# %d ranks in %.3f s\n", RANKS, collio_now() - start);
    blocks[20000][2]++;
    tap_ok(check(shape, blocks, RANKS, &err) == COLLIO_ERR_VALUE &&
               strstr(err.text, "both hold") != NULL,
           "one of them moved");
    free(blocks);
}

int main(int argc, char **argv)
{
    int right = 0, caught = 0;

    MPI_Init(&argc, &argv);
    tap_begin();
    for (int i = 0; i < 2000; i++) {
        right += try_cuts(0);
        caught += try_cuts(1);
    }
    tap_ok(right == 2000, "random cuts cover exactly: %d of 2000", right);
    tap_ok(caught == 2000, "spoilt ones do not: %d of 2000", caught);
    test_places();
    test_many();
    MPI_Finalize();
    return tap_end();
}
