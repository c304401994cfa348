/* Transfers that go on while the program does: several at once, errors that come with the wait,
 * files closed before it. ranks: 1 2 3 4 */
#define _GNU_SOURCE
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS ((int64_t)2000)

static int failing; /* writes of this rank fail */

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    typedef ssize_t write_function(int, const void *, size_t, off_t);
    static write_function *real;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    if (!failing)
        return real(fd, bytes, size, offset);
    errno = ENOSPC;
    return -1;
}

static collio_file *file;
static collio_object *datasets[3]; /* two contiguous ones, a chunked one */
static double *values;

static void part_of(collio_selection *part, collio_array *memory, int which)
{
    int64_t start[2] = {tap_rank * ROWS, 0}, count[2] = {ROWS, 100};

    collio_selection_block(part, 2, start, count);
    collio_array_fill(memory, values + which * ROWS * 100, COLLIO_FLOAT64, 2, count);
}

static void test_several(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_request *requests[3] = {NULL};
    collio_selection part;
    collio_array memory;
    int right = 1;

    for (int64_t i = 0; i < 3 * ROWS * 100; i++)
        values[i] = (double)(tap_rank * 1000000 + i);
    for (int i = 0; i < 3; i++) {
        part_of(&part, &memory, i);
        collio_dataset_write_async(datasets[i], &part, &memory, &requests[i], &err);
    }
    for (int i = 2; i >= 0; i--)
        collio_request_wait(&requests[i], &err);
    tap_ok(err.code == COLLIO_OK && requests[0] == NULL, "three writes %s", err.text);
    memset(values, 0, (size_t)(3 * ROWS * 100) * sizeof *values);
    for (int i = 0; i < 3; i++) {
        part_of(&part, &memory, i);
        collio_dataset_read_async(datasets[i], &part, &memory, &requests[i], &err);
    }
    while (!collio_request_test(requests[1]))
        sched_yield();
    for (int i = 0; i < 3; i++)
        collio_request_wait(&requests[i], &err);
    for (int64_t i = 0; i < 3 * ROWS * 100; i++)
        right = right && values[i] == (double)(tap_rank * 1000000 + i);
    tap_ok(right && err.code == COLLIO_OK, "three reads %s", err.text);
}

static void test_errors(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_request *request = NULL, *other = NULL;
    collio_selection part;
    collio_array memory;

    part_of(&part, &memory, 0);
    failing = tap_rank == tap_size - 1;
    collio_dataset_write_async(datasets[0], &part, &memory, &request, &err);
    tap_ok(err.code == COLLIO_OK, "a write begins %s", err.text);
    tap_ok(collio_request_wait(&request, &err) == COLLIO_ERR_OS && err.sys_error == ENOSPC &&
               err.agreed && request == NULL,
           "its error comes with the wait: %s", err.text);
    failing = 0;
    collio_error_clear(&err);
    part.start[0] = tap_rank == tap_size - 1 ? ROWS * tap_size : 0;
    tap_ok(collio_dataset_write_async(datasets[0], &part, &memory, &request, &err) ==
                   COLLIO_ERR_INDEX &&
               request == NULL,
           "one rank outside: %s", err.text);
    collio_error_clear(&err);
    if (tap_size > 1) {
        part_of(&part, &memory, 0);
        collio_dataset_read_async(datasets[0], &part, &memory, &request, &err);
        part_of(&part, &memory, 1);
        collio_dataset_read_async(datasets[1], &part, &memory, &other, &err);
        tap_ok(collio_request_wait(tap_rank == 0 ? &request : &other, &err) ==
                       COLLIO_ERR_DIVERGED &&
                   request != NULL && other != NULL,
               "ranks wait for different ones: %s", err.text);
        collio_error_clear(&err);
        collio_request_wait(&request, &err);
        tap_ok(collio_request_wait(&other, &err) == COLLIO_OK, "and then for the same %s",
               err.text);
    }
}

static void test_close(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_request *requests[2] = {NULL};
    collio_selection part;
    collio_array memory;

    for (int i = 0; i < 2; i++) {
        part_of(&part, &memory, i);
        collio_dataset_write_async(datasets[i], &part, &memory, &requests[i], &err);
    }
    collio_request_drop(&requests[1]);
    for (int i = 0; i < 3; i++)
        collio_object_close(&datasets[i]);
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "a file waits before it closes %s",
           err.text);
    tap_ok(collio_request_test(requests[0]), "then all is done");
    collio_request_wait(&requests[0], &err);
    tap_ok(requests[0] == NULL, "waiting after that: %s", err.text);
}

int main(int argc, char **argv)
{
    static const int64_t chunks[2] = {500, 100};
    collio_error err = COLLIO_ERROR_INIT;
    collio_dataset_options options = {.chunks = chunks};
    static const char *const names[] = {"a", "b", "c"};
    int64_t shape[2];

    MPI_Init(&argc, &argv);
    tap_begin();
    shape[0] = ROWS * tap_size;
    shape[1] = 100;
    values = malloc((size_t)(3 * ROWS * 100) * sizeof *values);
    collio_file_open(MPI_COMM_WORLD, "async.h5", "w", NULL, &file, &err);
    for (int i = 0; i < 3; i++)
        collio_dataset_create(collio_file_root(file), names[i], COLLIO_FLOAT64, 2, shape,
                              i == 2 ? &options : NULL, &datasets[i], &err);
    tap_ok(err.code == COLLIO_OK, "create %s", err.text);
    test_several();
    test_errors();
    test_close();
    free(values);
    MPI_Finalize();
    return tap_end();
}
