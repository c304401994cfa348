/* Block partitions: nothing is lost, nothing is twice. ranks: 1 */
#include "collio/core.h"
#include "tap.h"

#include <string.h>

static void test_range(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t start, count;

    for (int64_t n = 0; n < 12; n++)
        for (int parts = 1; parts < 6; parts++) {
            int64_t next = 0, largest = 0, smallest = n;
            int in_order = 1;
            for (int part = 0; part < parts; part++) {
                collio_part_range(n, parts, part, &start, &count, &err);
                in_order &= start == next;
                next += count;
                largest = count > largest ? count : largest;
                smallest = count < smallest ? count : smallest;
            }
            tap_ok(in_order && next == n && largest - smallest <= 1, "%d items in %d parts", (int)n,
                   parts);
        }
    tap_ok(collio_part_range(-1, 1, 0, &start, &count, &err) == COLLIO_ERR_VALUE, "n below 0");
    collio_error_clear(&err);
    tap_ok(collio_part_range(4, 2, 2, &start, &count, &err) == COLLIO_ERR_VALUE, "part beyond parts");
}

static void check_dims(int parts, int ndim, const int64_t *shape, int a, int b, int wanted_a,
                       int wanted_b)
{
    collio_error err = COLLIO_ERROR_INIT;
    int dims[2] = {a, b};

    tap_ok(collio_part_dims(parts, ndim, shape, dims, &err) == COLLIO_OK && dims[0] == wanted_a &&
               (ndim < 2 || dims[1] == wanted_b),
           "%d parts with dims (%d, %d) give (%d, %d)", parts, a, b, wanted_a, wanted_b);
}

static void test_dims(void)
{
    const int64_t tall[] = {1000, 10}, wide[] = {10, 1000};
    collio_error err = COLLIO_ERROR_INIT;
    int dims[2] = {3, 0}, nine[2] = {3, 3};

    check_dims(4, 2, NULL, 0, 0, 2, 2);
    check_dims(4, 2, tall, 0, 0, 4, 1);
    check_dims(4, 2, wide, 0, 0, 1, 4);
    check_dims(6, 2, NULL, 0, 0, 3, 2);
    check_dims(6, 2, NULL, 0, 3, 2, 3);
    check_dims(7, 2, NULL, 0, 0, 7, 1);
    check_dims(1, 2, NULL, 0, 0, 1, 1);
    check_dims(5, 1, NULL, 0, 0, 5, 0);
    tap_ok(collio_part_dims(4, 2, NULL, dims, &err) == COLLIO_ERR_VALUE, "3 does not divide 4");
    collio_error_clear(&err);
    tap_ok(collio_part_dims(18, 2, NULL, nine, &err) == COLLIO_ERR_VALUE, "3 x 3 is not 18");
    collio_error_clear(&err);
    tap_ok(collio_part_dims(4, 33, NULL, dims, &err) == COLLIO_ERR_VALUE, "33 dimensions");
}

/* Every element of the array lies in the inner block of exactly one rank. */
static void check_cover(int rows, int columns, int a, int b)
{
    collio_error err = COLLIO_ERROR_INIT;
    const int64_t shape[] = {rows, columns};
    const int dims[] = {a, b};
    int covered[16][16];
    int once = 1, inside = 1;

    memset(covered, 0, sizeof covered);
    for (int rank = 0; rank < a * b; rank++) {
        collio_box inner, outer, both;
        collio_part_box(2, shape, dims, rank, 1, &inner, &outer, &err);
        for (int64_t i = 0; i < inner.count[0]; i++)
            for (int64_t j = 0; j < inner.count[1]; j++)
                covered[inner.start[0] + i][inner.start[1] + j]++;
        if (collio_box_size(&inner) > 0)
            inside &= collio_box_intersect(&inner, &outer, &both) &&
                      collio_box_size(&both) == collio_box_size(&inner);
        for (int d = 0; d < 2; d++)
            inside &= outer.start[d] >= 0 && outer.start[d] + outer.count[d] <= shape[d];
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            once &= covered[i][j] == 1;
    tap_ok(once, "%d x %d cut %d x %d: each element once", rows, columns, a, b);
    tap_ok(inside, "%d x %d cut %d x %d: halos inside", rows, columns, a, b);
}

static void test_boxes(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    const int64_t shape[] = {8, 8};
    const int dims[] = {2, 2};
    collio_box inner, outer, both;

    check_cover(7, 5, 2, 2);
    check_cover(3, 3, 4, 1);
    check_cover(16, 16, 3, 3);
    collio_part_box(2, shape, dims, 3, 2, &inner, &outer, &err);
    tap_ok(inner.start[0] == 4 && inner.start[1] == 4 && inner.count[0] == 4, "the last block");
    tap_ok(outer.start[0] == 2 && outer.count[0] == 6, "its halo ends at the border");
    tap_ok(collio_part_box(2, shape, dims, 4, 0, &inner, NULL, &err) == COLLIO_ERR_VALUE,
           "rank 4 of 4");
    collio_error_clear(&err);
    tap_ok(collio_part_box(2, shape, dims, 0, -1, &inner, NULL, &err) == COLLIO_ERR_VALUE,
           "a negative halo");
    inner = (collio_box){2, {0, 0}, {2, 2}};
    outer = (collio_box){2, {2, 0}, {2, 2}};
    tap_ok(!collio_box_intersect(&inner, &outer, &both) && collio_box_size(&both) == 0,
           "neighbours have nothing in common");
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_range();
    test_dims();
    test_boxes();
    int status = tap_end();
    MPI_Finalize();
    return status;
}
