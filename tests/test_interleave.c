/* Very many short runs in a contiguous dataset: dealt out element by element, in pairs with gaps,
 * by some ranks only, in other types; what is in between stays. ranks: 1 2 3 4 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <stdlib.h>

#define SIZE ((int64_t)2500000) /* of int32: several windows a rank, the last ones not full */

static collio_object *dataset;

/* What element i is to be after `round` writes. */
static int32_t model(int round, int64_t i)
{
    int32_t value = -5;

    if (round > 0 && i >= 10)
        value = (int32_t)i;
    if (round > 1 && i % 7 < 2 && i / 7 % tap_size < (tap_size + 1) / 2 && i < SIZE - 7)
        value = (int32_t)(i % 100);
    return value;
}

static int holds(int round, collio_error *err)
{
    int32_t *values = malloc(SIZE * sizeof *values);
    int64_t size = SIZE, wrong = 0;
    collio_array memory;

    collio_array_fill(&memory, values, COLLIO_INT32, 1, &size);
    collio_dataset_read(dataset, NULL, &memory, err);
    for (int64_t i = 0; i < SIZE; i++)
        wrong += values[i] != model(round, i);
    if (wrong > 0)
        fprintf(stderr, "# %lld elements are wrong\n", (long long)wrong);
    free(values);
    return wrong == 0 && err->code == COLLIO_OK;
}

/* One element of `tap_size` each, from element 10 on. */
static void test_elements(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t count = (SIZE - 10 - tap_rank + tap_size - 1) / tap_size;
    collio_selection part = {
        .ndim = 1, .start = {10 + tap_rank}, .stride = {tap_size}, .count = {count}, .block = {1}};
    int32_t *values = malloc((size_t)count * sizeof *values);
    collio_array memory;

    for (int64_t i = 0; i < count; i++)
        values[i] = (int32_t)(10 + tap_rank + i * tap_size);
    collio_array_fill(&memory, values, COLLIO_INT32, 1, &count);
    collio_dataset_write(dataset, &part, &memory, &err);
    tap_ok(holds(1, &err), "elements dealt out one by one %s", err.text);
    free(values);
}

/* Pairs out of each seven, by half of the ranks, from doubles with strides in memory. */
static void test_pairs(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t blocks =
        (SIZE - 7 - (int64_t)7 * tap_rank + 7 * tap_size - 1) / ((int64_t)7 * tap_size);
    int64_t count = tap_rank < (tap_size + 1) / 2 ? blocks : 0;
    collio_selection part = {.ndim = 1,
                             .start = {(int64_t)7 * tap_rank},
                             .stride = {(int64_t)7 * tap_size},
                             .count = {count},
                             .block = {2}};
    double *values = malloc((size_t)(4 * count + 1) * sizeof *values);
    collio_array memory = {values, COLLIO_FLOAT64, 1, {2 * count}, {16}};

    for (int64_t i = 0; i < 2 * count; i++)
        values[2 * i] = (double)((i / 2 * 7 * tap_size + 7 * tap_rank + i % 2) % 100);
    collio_dataset_write(dataset, &part, &memory, &err);
    tap_ok(holds(2, &err), "pairs with gaps, converted, by some ranks %s", err.text);
    free(values);
}

static void test_one_errs(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t count = 1000;
    collio_selection part = {.ndim = 1,
                             .start = {tap_rank == tap_size - 1 ? SIZE : 0},
                             .stride = {2},
                             .count = {count},
                             .block = {1}};
    int32_t values[1000] = {0};
    collio_array memory;

    collio_array_fill(&memory, values, COLLIO_INT32, 1, &count);
    tap_ok(collio_dataset_write(dataset, &part, &memory, &err) == COLLIO_ERR_INDEX && err.agreed,
           "one rank is outside: %s", err.text);
    collio_error_clear(&err);
    tap_ok(holds(2, &err), "and nothing was written %s", err.text);
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    int64_t size = SIZE;
    int32_t fill = -5;
    collio_dataset_options options = {.fill = &fill};

    MPI_Init(&argc, &argv);
    tap_begin();
    collio_file_open(MPI_COMM_WORLD, "interleave.h5", "w", NULL, &file, &err);
    collio_dataset_create(collio_file_root(file), "d", COLLIO_INT32, 1, &size, &options, &dataset,
                          &err);
    tap_ok(holds(0, &err), "the fill value at first %s", err.text);
    test_elements();
    test_pairs();
    test_one_errs();
    collio_object_close(&dataset);
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
    MPI_Finalize();
    return tap_end();
}
