/* Views: the file itself, its size, hints and places far apart. ranks: 1 2 3 4 */
#include "collio/view.h"
#include "tap.h"

#include <string.h>

#define PATH "field.raw"

static collio_view *must_open(const char *mode, MPI_Info info, collio_error *err)
{
    collio_view *v = NULL;

    collio_view_open(MPI_COMM_WORLD, PATH, mode, info, &v, err);
    return v;
}

static void test_file(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = must_open("w", MPI_INFO_NULL, &err);
    int64_t size = -1;
    int64_t shape[1] = {3};
    char text[3] = "abc";
    collio_array memory;
    MPI_Info info = MPI_INFO_NULL, back = MPI_INFO_NULL;
    char value[64] = "";
    int found = 0;

    collio_view_set_size(v, 1000, &err);
    collio_view_size(v, &size, &err);
    tap_ok(size == 1000 && err.code == 0, "set_size");
    collio_view_preallocate(v, 5000, &err);
    collio_view_preallocate(v, 100, &err);
    collio_view_size(v, &size, &err);
    tap_ok(size == 5000 && err.code == 0, "preallocate only grows");
    tap_ok(collio_view_set_size(v, tap_rank == 0 ? -1 : 10, &err) != COLLIO_OK && err.agreed,
           "a wrong size on one rank is an error on all");
    collio_error_clear(&err);
    tap_ok(collio_view_sync(v, &err) == COLLIO_OK, "sync");
    tap_ok(collio_view_set_atomic(v, 1, &err) == COLLIO_OK && collio_view_is_atomic(v), "atomic");
    collio_array_fill(&memory, text, COLLIO_UINT8, 1, shape);
    for (int i = 0; i < 50; i++)
        collio_view_write(v, COLLIO_ACCESS_AT, 0, &memory, NULL, &err);
    tap_ok(err.code == COLLIO_OK, "atomic writes of all ranks to one place (%s)", err.text);
    collio_view_request *request = NULL;
    collio_view_start_write(v, COLLIO_ACCESS_AT, 0, &memory, &request, &err);
    tap_ok(collio_view_close(&v, &err) == COLLIO_ERR_VALUE && v != NULL,
           "no closing with requests pending");
    collio_error_clear(&err);
    collio_view_wait(&request, NULL, &err);
    tap_ok(collio_view_test(request) && collio_view_close(&v, &err) == COLLIO_OK, "but after");

    MPI_Info_create(&info);
    MPI_Info_set(info, "striping_factor", "2");
    MPI_Info_set(info, "my_own", "kept");
    collio_view_delete(MPI_COMM_WORLD, PATH, &err);
    v = must_open("w", info, &err);
    collio_view_info(v, &back, &err);
    if (back != MPI_INFO_NULL) {
        MPI_Info_get(back, "my_own", 63, value, &found);
        MPI_Info_free(&back);
    }
    tap_ok(found && strcmp(value, "kept") == 0, "hints come back (%s)", err.text);
    collio_view_close(&v, &err);
    MPI_Info_set(info, "collio_exchange", "sometimes");
    v = must_open("w", info, &err);
    tap_ok(v == NULL && err.code == COLLIO_ERR_VALUE, "wrong ones are refused");
    MPI_Info_free(&info);
}

/* More than 2 GiB apart, in a sparse file. */
static void test_far(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = must_open("w", MPI_INFO_NULL, &err);
    int64_t shape[2] = {3, (int64_t)1 << 30}, one[1] = {1}, start[2] = {2, tap_rank}, n[2] = {1, 1};
    double value = 1.0 + tap_rank, back = 0.0;
    collio_selection part;
    collio_array memory;

    collio_view_set_array(v, 0, COLLIO_FLOAT64, 2, shape, NULL, &err);
    collio_selection_block(&part, 2, start, n);
    collio_array_fill(&memory, &value, COLLIO_FLOAT64, 1, one);
    collio_view_write_part(v, &part, &memory, &err);
    memory.data = &back;
    collio_view_read_part(v, &part, &memory, &err);
    int64_t size = 0;
    collio_view_size(v, &size, &err);
    tap_ok(err.code == COLLIO_OK && back == value && size > (int64_t)2 << 33,
           "elements beyond 16 GiB (%s)", err.text);
    collio_view_close(&v, &err);
    collio_view_delete(MPI_COMM_WORLD, PATH, &err);
}

/* Hints choose who writes what, so they are arguments like any other. */
static void test_other_hint(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    MPI_Info info;

    MPI_Info_create(&info);
    if (tap_rank == tap_size - 1)
        MPI_Info_set(info, "romio_ds_write", "enable");
    collio_view *v = must_open("w", info, &err);
    MPI_Info_free(&info);
    if (tap_size > 1)
        tap_ok(v == NULL && err.code == COLLIO_ERR_DIVERGED && err.agreed &&
                   strstr(err.text, "sieving writes always") != NULL,
               "another hint on one rank: %s", err.text);
    else
        tap_ok(v != NULL, "a hint that only this rank has");
    collio_error_clear(&err);
    collio_view_close(&v, &err);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_file();
    test_far();
    test_other_hint();
    int status = tap_end();
    MPI_Finalize();
    return status;
}
