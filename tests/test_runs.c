/* Selections cut into runs, against the plain definition. ranks: 1 */
#include "io/internal.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define DIMS 4

/* What the runs put into an array of `size` elements. */
typedef struct image {
    int64_t size;
    int64_t values[4096];
    int calls, wrong;
} image;

static int collect(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    image *im = context;

    (void)err;
    im->calls++;
    for (int64_t i = 0; i < count; i++) {
        if (first + i < 0 || first + i >= im->size || im->values[first + i] != -1)
            im->wrong = 1;
        else
            memcpy(&im->values[first + i], memory + 8 * i, 8);
    }
    return COLLIO_OK;
}

static int hand_back(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    const image *im = context;

    (void)err;
    memcpy(memory, im->values + first, (size_t)count * 8);
    return COLLIO_OK;
}

static void random_selection(collio_selection *s, int64_t *shape)
{
    s->ndim = rand() % (DIMS + 1);
    for (int d = 0; d < s->ndim; d++) {
        shape[d] = 1 + rand() % 6;
        s->block[d] = 1 + rand() % shape[d];
        s->stride[d] = s->block[d] + rand() % 3;
        s->start[d] = rand() % (shape[d] - s->block[d] + 1);
        s->count[d] = rand() % ((shape[d] - s->block[d] - s->start[d]) / s->stride[d] + 2);
        if (rand() % 2) {
            s->start[d] = 0;
            s->block[d] = s->stride[d] = 1;
            s->count[d] = shape[d];
        }
    }
}

/* Memory with gaps and, at times, a dimension backwards. */
static char *random_memory(collio_array *a, const collio_selection *s)
{
    int64_t step = 8;
    char *bytes;

    a->type = COLLIO_INT64;
    a->ndim = s->ndim;
    for (int d = s->ndim - 1; d >= 0; d--) {
        a->shape[d] = s->count[d] * s->block[d];
        a->strides[d] = step;
        step *= a->shape[d] + (rand() % 3 == 0);
    }
    bytes = calloc(1, (size_t)step + 64);
    a->data = bytes;
    if (s->ndim > 0 && a->shape[0] > 0 && rand() % 3 == 0) {
        a->data = bytes + (a->shape[0] - 1) * a->strides[0];
        a->strides[0] = -a->strides[0];
    }
    return bytes;
}

/* Number the elements of memory from `base` on, or check that they are numbered so. */
static int number(const collio_array *a, int64_t base, int check)
{
    int64_t at[DIMS] = {0}, size = collio_array_size(a);

    for (int64_t i = 0; i < size; i++) {
        int64_t value = base + i;
        char *place = a->data;

        for (int d = 0; d < a->ndim; d++)
            place += at[d] * a->strides[d];
        if (check && memcmp(place, &value, 8) != 0)
            return 0;
        memcpy(place, &value, 8);
        for (int d = a->ndim - 1; d >= 0 && ++at[d] == a->shape[d]; d--)
            at[d] = 0;
    }
    return 1;
}

/* Is element i of the array selected? By the definition in io.h. */
static int selected(const collio_selection *s, const int64_t *shape, int64_t i)
{
    for (int d = s->ndim - 1; d >= 0; d--) {
        int64_t offset = i % shape[d] - s->start[d];

        i /= shape[d];
        if (offset < 0 || offset / s->stride[d] >= s->count[d] ||
            offset % s->stride[d] >= s->block[d])
            return 0;
    }
    return 1;
}

static int one_case(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape[DIMS], next = 0;
    image im = {.size = 1};
    collio_selection s;
    collio_array a;
    char *bytes;
    int right;

    random_selection(&s, shape);
    for (int d = 0; d < s.ndim; d++)
        im.size *= shape[d];
    memset(im.values, -1, sizeof im.values);
    bytes = random_memory(&a, &s);
    number(&a, 0, 0);
    right = collio_selection_check(&s, s.ndim, shape, &err) == COLLIO_OK &&
            collio_selection_match(&s, &a, &err) == COLLIO_OK;
    collio_runs(shape, &s, &a, COLLIO_WRITING, 24, collect, &im, &err);
    for (int64_t i = 0; i < im.size; i++)
        right = right && im.values[i] == (selected(&s, shape, i) ? next++ : -1);
    number(&a, 5000, 0);
    collio_runs(shape, &s, &a, COLLIO_READING, 24, hand_back, &im, &err);
    right = right && number(&a, 0, 1) && !im.wrong && err.code == COLLIO_OK;
    free(bytes);
    return right;
}

static void test_merging(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape[3] = {4, 5, 6}, start[3] = {1, 0, 0}, count[3] = {2, 5, 6};
    static int64_t values[4 * 5 * 6];
    image im = {.size = 120};
    collio_selection s;
    collio_array a;

    memset(im.values, -1, sizeof im.values);
    collio_selection_block(&s, 3, start, count);
    collio_array_fill(&a, values, COLLIO_INT64, 3, count);
    collio_runs(shape, &s, &a, COLLIO_WRITING, COLLIO_PACK_BYTES, collect, &im, &err);
    tap_ok(im.calls == 1, "whole inner dimensions are one run");
    count[1] = 3;
    im.calls = 0;
    memset(im.values, -1, sizeof im.values);
    collio_selection_block(&s, 3, start, count);
    collio_array_fill(&a, values, COLLIO_INT64, 3, count);
    collio_runs(shape, &s, &a, COLLIO_WRITING, COLLIO_PACK_BYTES, collect, &im, &err);
    tap_ok(im.calls == 2, "a part of the middle dimension is one run for each outer index");
}

static int check(int64_t start, int64_t count, int64_t stride, int64_t block)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t extent = 10;
    collio_selection s = {1, {start}, {stride}, {count}, {block}};

    return collio_selection_check(&s, 1, &extent, &err);
}

static void test_checks(void)
{
    tap_ok(check(0, 10, 1, 1) == COLLIO_OK && check(1, 3, 4, 1) == COLLIO_OK &&
               check(0, 5, 2, 2) == COLLIO_OK && check(77, 0, 1, 1) == COLLIO_OK,
           "selections inside, and empty ones anywhere");
    tap_ok(check(-1, 2, 1, 1) == COLLIO_ERR_INDEX && check(0, 11, 1, 1) == COLLIO_ERR_INDEX &&
               check(2, 3, 4, 1) == COLLIO_ERR_INDEX && check(9, 1, 2, 2) == COLLIO_ERR_INDEX,
           "selections that reach outside");
    tap_ok(check(1, INT64_MAX, INT64_MAX, 1) == COLLIO_ERR_INDEX &&
               check(INT64_MAX, 1, 1, 1) == COLLIO_ERR_INDEX &&
               check(0, 1, INT64_MAX, INT64_MAX) == COLLIO_ERR_INDEX,
           "numbers that would overflow");
    tap_ok(check(0, -1, 1, 1) == COLLIO_ERR_VALUE && check(0, 1, 1, 2) == COLLIO_ERR_VALUE &&
               check(0, 1, 0, 0) == COLLIO_ERR_VALUE,
           "counts, strides and blocks that make no sense");
}

int main(int argc, char **argv)
{
    int right = 1;

    MPI_Init(&argc, &argv);
    tap_begin();
    srand(1);
    for (int i = 0; i < 20000 && right; i++)
        right = one_case();
    tap_ok(right, "20000 random selections and memories, written and read");
    test_merging();
    test_checks();
    MPI_Finalize();
    return tap_end();
}
