/* Views when one rank fails: the same error on all, no hang, and the view goes on. ranks: 1 2 3
 * limit: 200 */
#define _GNU_SOURCE
#include "collio/view.h"
#include "core/internal.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH "fault.raw"

enum { ROWS = 80, COLUMNS = 48 };

static int64_t rows = ROWS; /* of the field in use */

/* Whether all ranks hold the same error. */
static int same_error(const collio_error *err)
{
    char mine[COLLIO_ERROR_TEXT] = "", first[COLLIO_ERROR_TEXT] = "";
    int code = err->code, least = 0, most = 0, same;

    memcpy(mine, err->text, sizeof mine);
    memcpy(first, mine, sizeof first);
    MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    MPI_Allreduce(&code, &least, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(&code, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    same = least == most && strcmp(first, mine) == 0;
    if (!same)
        fprintf(stderr, "# rank %d: %d %s\n", tap_rank, err->code, err->text);
    return same;
}

/* Columns dealt out one by one: as finely interleaved as can be. */
static void my_columns(collio_selection *part, int64_t *n)
{
    int64_t start[2] = {0, tap_rank},
            count[2] = {rows, (COLUMNS - tap_rank + tap_size - 1) / tap_size};

    collio_selection_block(part, 2, start, count);
    part->stride[1] = tap_size;
    memcpy(n, count, sizeof count);
}

static collio_view *open_columns(MPI_Comm comm, const char *exchange, collio_error *err)
{
    collio_view *v = NULL;
    int64_t shape[2] = {rows, COLUMNS};
    MPI_Info info;

    MPI_Info_create(&info);
    MPI_Info_set(info, "collio_exchange", exchange);
    collio_view_open(comm, PATH, "w", info, &v, err);
    MPI_Info_free(&info);
    collio_view_set_array(v, 0, COLLIO_FLOAT64, 2, shape, NULL, err);
    return v;
}

static void write_columns(collio_view *v, double value, collio_error *err)
{
    double data[ROWS * COLUMNS];
    collio_selection part;
    collio_array memory;
    int64_t n[2];

    for (int i = 0; i < ROWS * COLUMNS; i++)
        data[i] = value;
    my_columns(&part, n);
    collio_array_fill(&memory, data, COLLIO_FLOAT64, 2, n);
    collio_view_write_part(v, &part, &memory, err);
}

/* ----------------------------------------------------- writes that fail */

/* A rank that may not write beyond a size: EFBIG there, as EIO or ENOSPC elsewhere. */
static void limit_size(long bytes)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < 0 ? limit.rlim_max : (rlim_t)bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_failing_rank(const char *exchange)
{
    for (int bad = 0; bad < tap_size; bad++) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_view *v = open_columns(MPI_COMM_WORLD, exchange, &err);

        if (tap_rank == bad)
            limit_size(100);
        write_columns(v, 1.0, &err);
        if (tap_rank == bad)
            limit_size(-1);
        tap_ok(err.code == COLLIO_ERR_OS && err.sys_error == EFBIG && err.agreed &&
                   (err.rank == bad || tap_size == 1) && same_error(&err),
               "a write that fails on rank %d, exchange %s (%s)", bad, exchange, err.text);
        collio_error_clear(&err);
        write_columns(v, 2.0, &err);
        tap_ok(err.code == COLLIO_OK, "and the next goes well (%s)", err.text);
        collio_view_close(&v, &err);
        MPI_Barrier(MPI_COMM_WORLD);
        FILE *f = fopen(PATH, "rb");
        double all[ROWS * COLUMNS] = {0};
        int right = fread(all, sizeof *all, ROWS * COLUMNS, f) == ROWS * COLUMNS;
        for (int i = 0; i < ROWS * COLUMNS; i++)
            right &= all[i] == 2.0;
        fclose(f);
        tap_ok(right && err.code == COLLIO_OK, "the file is whole");
    }
}

static void test_full_disk(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = NULL;
    double data[3] = {1, 2, 3};
    int64_t shape[1] = {3}, moved = -1;
    collio_array memory;
    collio_view_request *request = NULL;

    if (access("/dev/full", W_OK) != 0) {
        tap_skip("a full disk", "no /dev/full");
        return;
    }
    collio_view_open(MPI_COMM_WORLD, "/dev/full", "r+", MPI_INFO_NULL, &v, &err);
    collio_array_fill(&memory, data, COLLIO_FLOAT64, 1, shape);
    collio_view_write(v, COLLIO_ACCESS_AT_ALL, 0, &memory, &moved, &err);
    tap_ok(err.code == COLLIO_ERR_OS && err.sys_error == ENOSPC && moved == 0 && same_error(&err),
           "a full disk (%s)", err.text);
    collio_error_clear(&err);
    collio_view_start_write(v, COLLIO_ACCESS_OWN_ALL, 0, &memory, &request, &err);
    tap_ok(err.code == COLLIO_OK, "started, it is not known yet");
    collio_view_wait(&request, &moved, &err);
    tap_ok(err.sys_error == ENOSPC && same_error(&err), "but when waited for");
    collio_error_clear(&err);
    collio_view_write(v, COLLIO_ACCESS_AT, 0, &memory, &moved, &err);
    tap_ok(err.sys_error == ENOSPC && !err.agreed, "alone, it is this rank's error");
    collio_error_clear(&err);
    tap_ok(collio_view_close(&v, &err) == COLLIO_OK, "closed");
}

/* A file system of its own that is really full, where this process may mount one. */
static void test_small_disk(void)
{
    enum { MUCH = 1 << 20 };
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = NULL;
    int64_t n = MUCH, little = 1000, moved = 0;
    char *data = calloc(MUCH, 1);
    collio_array memory;
    int mounted = 0;

    if (tap_rank == 0)
        mounted = mkdir("small", 0700) == 0 && mount("none", "small", "tmpfs", 0, "size=256k") == 0;
    MPI_Bcast(&mounted, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!mounted) {
        tap_skip("a full file system", "nothing can be mounted here");
        free(data);
        return;
    }
    collio_view_open(MPI_COMM_WORLD, "small/file", "w", MPI_INFO_NULL, &v, &err);
    collio_array_fill(&memory, data, COLLIO_UINT8, 1, &n);
    collio_view_write(v, COLLIO_ACCESS_AT_ALL, tap_rank * n, &memory, &moved, &err);
    tap_ok(err.code == COLLIO_ERR_OS && err.sys_error == ENOSPC && same_error(&err),
           "a full file system (%s)", err.text);
    collio_error_clear(&err);
    tap_ok(collio_view_preallocate(v, n, &err) == COLLIO_ERR_OS && err.sys_error == ENOSPC &&
               same_error(&err),
           "which cannot reserve either");
    collio_error_clear(&err);
    collio_view_set_size(v, 0, &err);
    collio_array_fill(&memory, data, COLLIO_UINT8, 1, &little);
    collio_view_write(v, COLLIO_ACCESS_AT_ALL, tap_rank * little, &memory, &moved, &err);
    tap_ok(err.code == COLLIO_OK && moved == little, "with room again it goes on (%s)", err.text);
    collio_view_close(&v, &err);
    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank == 0 && umount("small") == 0)
        rmdir("small");
    free(data);
}

/* -------------------------------------------------------- no permission */

/* One rank, then all, without the rights of root. */
static void test_permission(void)
{
    char path[4096] = "";

    if (getcwd(path, sizeof path - 10) == NULL || geteuid() != 0) {
        tap_skip("no permission", "not root, who could become somebody else");
        return;
    }
    strcat(path, "/private");
    if (tap_rank == 0)
        close(open(path, O_RDWR | O_CREAT, 0600));
    MPI_Barrier(MPI_COMM_WORLD);
    for (int all = 0; all < 2; all++) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_view *v = NULL;
        int lowered = (all || tap_rank == tap_size - 1) && seteuid(65534) == 0;

        collio_view_open(MPI_COMM_WORLD, path, "r+", MPI_INFO_NULL, &v, &err);
        if (lowered && seteuid(0) != 0)
            abort();
        tap_ok(v == NULL && err.code == COLLIO_ERR_OS && err.sys_error == EACCES &&
                   same_error(&err),
               "no permission on %s (%s)", all ? "any rank" : "one rank", err.text);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank == 0)
        unlink(path);
}

/* ------------------------------------------------------ the n-th call fails */

/* A life of a view, with every kind of step, on a communicator of its own: the n-th judged call
 * fails. Returns how many were judged. What comes before the first agreement is core's
 * (test_agree), so those calls are not counted. */
static long whole_life(const char *exchange, long nth, collio_error *err)
{
    double data[COLUMNS] = {0};
    int64_t shape[1] = {4};
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_array memory;
    collio_view_request *request = NULL;
    collio_comm *first = NULL;
    collio_view *v;
    MPI_Datatype type;
    MPI_Comm comm;
    long before, judged;

    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    collio_comm_create(comm, &first, &ignored);
    collio_comm_free(&first, &ignored);
    collio_fault_set(0);
    collio_comm_create(comm, &first, &ignored);
    before = collio_fault_count();
    collio_comm_free(&first, &ignored);
    collio_fault_set(nth > 0 ? before + nth : 0);

    rows = 1; /* else most of what can fail would be one and the same write */
    v = open_columns(comm, exchange, err);
    collio_array_fill(&memory, data, COLLIO_FLOAT64, 1, shape);
    write_columns(v, 1.0, err);
    MPI_Type_vector(4, 1, tap_size, MPI_DOUBLE, &type);
    collio_view_set(v, 8 * tap_rank, MPI_DOUBLE, type, err);
    MPI_Type_free(&type);
    collio_view_write(v, COLLIO_ACCESS_ORDERED, 0, &memory, NULL, err);
    collio_view_seek_shared(v, 0, MPI_SEEK_SET, err);
    collio_view_start_read(v, COLLIO_ACCESS_AT_ALL, 0, &memory, &request, err);
    collio_view_wait(&request, NULL, err);
    collio_view_preallocate(v, 4000, err);
    collio_view_set_atomic(v, 1, err);
    collio_view_write(v, COLLIO_ACCESS_OWN_ALL, 0, &memory, NULL, err);
    collio_view_set_size(v, 100, err);
    collio_view_sync(v, err);
    collio_view_close(&v, err);
    judged = collio_fault_count() - before;
    collio_fault_set(0);
    rows = ROWS;
    if (v != NULL)
        collio_view_abandon(&v, "the test is over");
    MPI_Comm_free(&comm);
    return judged;
}

static void test_every_fault(const char *exchange)
{
    int walked = 0, agreed = 0, failed = 0;
    collio_error none = COLLIO_ERROR_INIT;
    long calls = whole_life(exchange, 0, &none);

    MPI_Bcast(&calls, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    tap_ok(none.code == COLLIO_OK, "without a fault all goes well, exchange %s (%s)", exchange,
           none.text);
    for (int bad = 0; bad<tap_size; bad += tap_size> 1 ? tap_size - 1 : 1)
        for (long n = 1; n <= calls; n++) {
            collio_error err = COLLIO_ERROR_INIT;

            whole_life(exchange, tap_rank == bad ? n : 0, &err);
            walked++;
            agreed += same_error(&err);
            failed += err.code != COLLIO_OK;
        }
    tap_ok(agreed == walked && failed > walked / 2,
           "%d of %d faults end in one error on all ranks (%d do)", agreed, walked, failed);
}

/* ----------------------------------------------------------- lost ranks */

static void test_lost_rank(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = open_columns(MPI_COMM_WORLD, "auto", &err);

    if (tap_rank == tap_size - 1)
        collio_view_abandon(&v, "no field any more");
    else
        write_columns(v, 1.0, &err);
    tap_ok(tap_rank == tap_size - 1 ||
               (err.code == COLLIO_ERR_DIVERGED && strstr(err.text, "no field any more") != NULL),
           "a rank that leaves is an error, not a wait (%s)", tap_rank == 0 ? err.text : "");
    collio_view_close(&v, &err);
    tap_ok(v == NULL, "and the poisoned view is let go");
}

static void test_different_calls(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = open_columns(MPI_COMM_WORLD, "auto", &err);

    if (tap_rank == 0)
        collio_view_sync(v, &err);
    else
        write_columns(v, 1.0, &err);
    tap_ok(err.code == COLLIO_ERR_DIVERGED && strstr(err.text, "view_sync") != NULL &&
               strstr(err.text, "view_write_part") != NULL && same_error(&err),
           "different calls are named (%s)", err.text);
    collio_error_clear(&err);
    tap_ok(collio_view_close(&v, &err) == COLLIO_OK, "the view stays usable");
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    collio_set_timeout(20.0);
    test_failing_rank("never");
    test_failing_rank("always");
    test_full_disk();
    test_small_disk();
    test_permission();
    test_every_fault("never");
    test_every_fault("always");
    if (tap_size > 1) {
        test_different_calls();
        test_lost_rank();
    }
    int status = tap_end();
    MPI_Finalize();
    return status;
}
