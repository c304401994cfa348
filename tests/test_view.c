/* Views: every data access against the bytes a plain C program sees. ranks: 1 2 3 4 */
#include "collio/view.h"
#include "core/internal.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH "field.raw"

/* The whole file, read by plain C. */
static long read_all(const char *path, void *to, size_t size)
{
    FILE *f = fopen(path, "rb");
    long n = f != NULL ? (long)fread(to, 1, size, f) : -1;

    if (f != NULL)
        fclose(f);
    return n;
}

static void write_plain(const char *path, const void *bytes, size_t size)
{
    if (tap_rank == 0) {
        FILE *f = fopen(path, "wb");
        fwrite(bytes, 1, size, f);
        fclose(f);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static collio_view *must_open(const char *mode, MPI_Info info, collio_error *err)
{
    collio_view *v = NULL;

    collio_view_open(MPI_COMM_WORLD, PATH, mode, info, &v, err);
    return v;
}

/* ----------------------------------------------------------------- modes */

static void test_modes(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = NULL;

    if (tap_rank == 0)
        unlink(PATH);
    MPI_Barrier(MPI_COMM_WORLD);
    v = must_open("r", MPI_INFO_NULL, &err);
    tap_ok(v == NULL && err.code == COLLIO_ERR_OS && err.sys_error == 2 && err.agreed,
           "a missing file is ENOENT on all ranks (%s)", err.text);
    collio_error_clear(&err);
    v = must_open("q", MPI_INFO_NULL, &err);
    tap_ok(v == NULL && err.code == COLLIO_ERR_VALUE, "unknown modes are refused");
    collio_error_clear(&err);
    collio_view_open(MPI_COMM_WORLD, "nowhere/file", "w", MPI_INFO_NULL, &v, &err);
    tap_ok(v == NULL && err.sys_error == 2, "so are missing directories");
    collio_error_clear(&err);
    collio_view_open(MPI_COMM_WORLD, ".", "r", MPI_INFO_NULL, &v, &err);
    tap_ok(v == NULL && err.code == COLLIO_ERR_OS && err.sys_error == 21, "and directories");
    collio_error_clear(&err);
    v = must_open("x", MPI_INFO_NULL, &err);
    tap_ok(v != NULL && collio_view_is_writable(v), "x creates");
    tap_ok(collio_view_close(&v, &err) == COLLIO_OK && v == NULL, "and is closed");
    v = must_open("x", MPI_INFO_NULL, &err);
    tap_ok(v == NULL && err.sys_error == 17, "and creates only once");
    collio_error_clear(&err);
    v = must_open("r", MPI_INFO_NULL, &err);
    int64_t shape[1] = {4};
    double data[4] = {0};
    collio_array memory;
    collio_array_fill(&memory, data, COLLIO_FLOAT64, 1, shape);
    tap_ok(collio_view_write(v, COLLIO_ACCESS_AT_ALL, 0, &memory, NULL, &err) == COLLIO_ERR_VALUE,
           "reading views are not written to");
    collio_error_clear(&err);
    tap_ok(collio_view_set_size(v, 10, &err) == COLLIO_ERR_VALUE, "nor resized");
    collio_error_clear(&err);
    collio_view_close(&v, &err);
    tap_ok(collio_view_delete(MPI_COMM_WORLD, PATH, &err) == COLLIO_OK && access(PATH, F_OK) != 0,
           "delete deletes");
    tap_ok(collio_view_delete(MPI_COMM_WORLD, PATH, &err) == COLLIO_ERR_OS && err.sys_error == 2,
           "once");
}

/* ------------------------------------------------------- every data access */

enum { EACH = 5, WORDS = 6 };

static const char *const words[WORDS] = {"at", "at_all", "own", "own_all", "shared", "ordered"};

/* Blocks of EACH numbers dealt out to the ranks; each rank writes or reads 2 x EACH, in two calls.
 */
static void set_dealt(collio_view *v, int shared, collio_error *err)
{
    MPI_Datatype block, dealt;

    if (shared) { /* all see all */
        collio_view_set(v, 16, MPI_INT32_T, MPI_INT32_T, err);
        return;
    }
    MPI_Type_contiguous(EACH, MPI_INT32_T, &block);
    MPI_Type_create_resized(block, 0, tap_size * EACH * 4, &dealt);
    collio_view_set(v, 16 + tap_rank * EACH * 4, MPI_INT32_T, dealt, err);
    MPI_Type_free(&block);
    MPI_Type_free(&dealt);
}

/* Move a block of EACH, by a blocking call or by start and wait. */
static int64_t move_block(collio_view *v, collio_access word, int writing, int waiting,
                          int64_t position, int32_t *data, collio_error *err)
{
    int64_t shape[1] = {EACH}, moved = -1;
    collio_array memory;
    collio_view_request *request = NULL;

    collio_array_fill(&memory, data, COLLIO_INT32, 1, shape);
    if (!waiting) {
        if (writing)
            collio_view_write(v, word, position, &memory, &moved, err);
        else
            collio_view_read(v, word, position, &memory, &moved, err);
        return moved;
    }
    if (writing)
        collio_view_start_write(v, word, position, &memory, &request, err);
    else
        collio_view_start_read(v, word, position, &memory, &request, err);
    collio_view_wait(&request, &moved, err);
    return moved;
}

static int check_dealt(const int32_t *file, collio_access word)
{
    int blocks = 2 * tap_size, seen[2 * 64] = {0};

    for (int b = 0; b < blocks; b++) {
        int owner = file[b * EACH] / 100, turn = file[b * EACH] % 100 / EACH;

        for (int i = 0; i < EACH; i++)
            if (file[b * EACH + i] != owner * 100 + turn * EACH + i)
                return 0;
        if (owner < 0 || owner >= tap_size || turn > 1 || seen[2 * owner + turn]++)
            return 0;
        if (word != COLLIO_ACCESS_SHARED && (owner != b % tap_size || turn != b / tap_size))
            return 0;
    }
    return 1;
}

static void test_write_words(int waiting)
{
    for (int w = 0; w < WORDS; w++) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_view *v = must_open("w", MPI_INFO_NULL, &err);
        int32_t mine[2 * EACH], file[4 + 2 * 64 * EACH];
        int whole = 1;

        for (int i = 0; i < 2 * EACH; i++)
            mine[i] = tap_rank * 100 + i;
        set_dealt(v, w >= COLLIO_ACCESS_SHARED, &err);
        for (int turn = 0; turn < 2; turn++)
            whole &= move_block(v, (collio_access)w, 1, waiting, turn * EACH, mine + turn * EACH,
                                &err) == EACH;
        int64_t at = -1;
        collio_view_position(v, &at, &err);
        tap_ok(whole && at == (w / 2 == 1 ? 2 * EACH : 0), "%s %s writes, pointer at %d",
               waiting ? "started" : "blocking", words[w], w / 2 == 1 ? 2 * EACH : 0);
        collio_view_close(&v, &err);
        MPI_Barrier(MPI_COMM_WORLD);
        long n = read_all(PATH, file, sizeof file);
        tap_ok(err.code == COLLIO_OK && n == 16 + tap_size * 2 * EACH * 4 &&
                   check_dealt(file + 4, (collio_access)w),
               "%s: the file has all blocks (%ld bytes; %s)", words[w], n, err.text);
        MPI_Barrier(MPI_COMM_WORLD);
    }
}

static void test_read_words(int waiting)
{
    int32_t file[4 + 2 * 64 * EACH] = {0};

    for (int i = 0; i < 2 * tap_size * EACH; i++)
        file[4 + i] = i / EACH % tap_size * 100 + i / EACH / tap_size * EACH + i % EACH;
    write_plain(PATH, file, (size_t)(16 + 2 * tap_size * EACH * 4));
    for (int w = 0; w < WORDS; w++) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_view *v = must_open("r", MPI_INFO_NULL, &err);
        int32_t mine[3 * EACH];
        int right = 1;

        memset(mine, -1, sizeof mine);
        set_dealt(v, w >= COLLIO_ACCESS_SHARED, &err);
        for (int turn = 0; turn < 2; turn++)
            right &= move_block(v, (collio_access)w, 0, waiting, turn * EACH, mine + turn * EACH,
                                &err) == EACH;
        for (int i = 0; i < 2 * EACH && w != COLLIO_ACCESS_SHARED; i++)
            right &= mine[i] == tap_rank * 100 + i;
        for (int i = 0; i < 2 * EACH; i += EACH)
            right &= mine[i] % EACH == 0 && mine[i + 1] == mine[i] + 1;
        /* All ranks have read before the shared pointer goes beyond the end. */
        MPI_Barrier(MPI_COMM_WORLD);
        right &= move_block(v, (collio_access)w, 0, waiting, 2 * EACH, mine + 2 * EACH, &err) == 0;
        tap_ok(right && err.code == COLLIO_OK, "%s %s reads, and nothing beyond the end (%s)",
               waiting ? "started" : "blocking", words[w], err.text);
        collio_view_close(&v, &err);
    }
    tap_ok(access("." PATH, F_OK) != 0, "no pointer file is left");
}

static void test_short_count(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int32_t file[7] = {1, 2, 3, 4, 5, 6, 7}, mine[10] = {0};
    int64_t shape[1] = {10}, moved = 0, size = 0;
    collio_array memory;
    collio_view *v;

    write_plain(PATH, file, sizeof file);
    v = must_open("r", MPI_INFO_NULL, &err);
    collio_view_set(v, 0, MPI_INT32_T, MPI_INT32_T, &err);
    collio_array_fill(&memory, mine, COLLIO_INT32, 1, shape);
    collio_view_read(v, COLLIO_ACCESS_OWN_ALL, 0, &memory, &moved, &err);
    tap_ok(moved == 7 && mine[6] == 7 && mine[7] == 0 && err.code == 0,
           "a short file, short count");
    collio_view_position(v, &moved, &err);
    tap_ok(moved == 7, "the pointer is at the end");
    collio_view_seek(v, -2, MPI_SEEK_END, &err);
    collio_view_position(v, &moved, &err);
    tap_ok(moved == 5, "seeking from the end");
    tap_ok(collio_view_seek(v, -9, MPI_SEEK_CUR, &err) == COLLIO_ERR_VALUE, "not before the start");
    collio_error_clear(&err);
    collio_view_size(v, &size, &err);
    tap_ok(size == 28, "the size is in bytes");
    collio_view_seek_shared(v, 3, MPI_SEEK_SET, &err);
    collio_view_seek_shared(v, 1, MPI_SEEK_CUR, &err);
    collio_view_position_shared(v, &moved, &err);
    tap_ok(moved == 4 && err.code == 0, "the shared pointer is moved once by all (%s)", err.text);
    collio_view_close(&v, &err);
}

/* ------------------------------------------------------------- in arrays */

enum { NX = 7, NY = 5, NZ = 6 };

/* The block of this rank in an uneven decomposition, empty on some ranks if there are many. */
static void my_block(int dim, collio_selection *part, int64_t *count)
{
    int64_t start[3] = {0, 0, 0}, n[3] = {NX, NY, NZ};
    collio_error err = COLLIO_ERROR_INIT;

    if (dim < 3)
        collio_part_range(n[dim], tap_size, tap_rank, &start[dim], &n[dim], &err);
    else if (tap_rank > 1)
        n[1] = 0;
    else
        collio_part_range(NY, tap_size > 1 ? 2 : 1, tap_rank, &start[1], &n[1], &err);
    collio_selection_block(part, 3, start, n);
    memcpy(count, n, sizeof n);
}

/* Values of the block, with room around them so that memory has gaps. */
static double *fill_block(const collio_selection *part, const int64_t *n, collio_array *memory)
{
    double *data = malloc((size_t)((n[0] + 1) * (n[1] + 2) * (n[2] + 3)) * sizeof *data);
    int64_t room[3] = {n[0] + 1, n[1] + 2, n[2] + 3};

    collio_array_fill(memory, data, COLLIO_FLOAT64, 3, room);
    for (int d = 0; d < 3; d++)
        memory->shape[d] = n[d];
    for (int64_t i = 0; i < n[0]; i++)
        for (int64_t j = 0; j < n[1]; j++)
            for (int64_t k = 0; k < n[2]; k++)
                data[(i * room[1] + j) * room[2] + k] =
                    (double)(((part->start[0] + i) * NY + part->start[1] + j) * NZ +
                             part->start[2] + k);
    return data;
}

static int is_counted(const double *values)
{
    for (int i = 0; i < NX * NY * NZ; i++)
        if (values[i] != i)
            return 0;
    return 1;
}

static void test_blocks(const char *exchange)
{
    MPI_Info info;
    int64_t shape[3] = {NX, NY, NZ};
    double file[1 + NX * NY * NZ];

    MPI_Info_create(&info);
    MPI_Info_set(info, "collio_exchange", exchange);
    for (int dim = 0; dim < 4; dim++)
        for (int by_part = 0; by_part < 2; by_part++) {
            collio_error err = COLLIO_ERROR_INIT;
            collio_view *v = must_open("w", info, &err);
            collio_selection part;
            collio_array memory;
            int64_t n[3], moved = 0;

            my_block(dim, &part, n);
            double *data = fill_block(&part, n, &memory);
            collio_view_set_array(v, 8, COLLIO_FLOAT64, 3, shape, by_part ? NULL : &part, &err);
            if (by_part)
                collio_view_write_part(v, &part, &memory, &err);
            else
                collio_view_write(v, COLLIO_ACCESS_OWN_ALL, 0, &memory, &moved, &err);
            MPI_Barrier(MPI_COMM_WORLD);
            tap_ok(err.code == COLLIO_OK && read_all(PATH, file, sizeof file) == sizeof file &&
                       is_counted(file + 1),
                   "blocks along %d, %s, exchange %s (%s)", dim, by_part ? "by part" : "by view",
                   exchange, err.text);
            memset(data, 0, (size_t)((n[0] + 1) * (n[1] + 2) * (n[2] + 3)) * sizeof *data);
            if (by_part)
                collio_view_read_part(v, &part, &memory, &err);
            else
                collio_view_read(v, COLLIO_ACCESS_AT_ALL, 0, &memory, &moved, &err);
            double *wanted = fill_block(&part, n, &memory);
            int same = 1;
            for (int64_t i = 0; i < n[0] * n[1] * n[2]; i++) {
                int64_t at =
                    (i / n[2] / n[1] * (n[1] + 2) + i / n[2] % n[1]) * (n[2] + 3) + i % n[2];
                same &= data[at] == wanted[at];
            }
            tap_ok(same && err.code == COLLIO_OK, "and are read back (%s)", err.text);
            free(data);
            free(wanted);
            collio_view_close(&v, &err);
        }
    MPI_Info_free(&info);
}

static void test_array_limits(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = must_open("w", MPI_INFO_NULL, &err);
    int64_t shape[2] = {4, 6}, other[2] = {4, 6 + (tap_rank == tap_size - 1)}, out = 0;
    float data[24] = {0};
    collio_array memory;
    collio_selection part;
    collio_view_facts facts;

    if (tap_size > 1) {
        tap_ok(collio_view_set_array(v, 0, COLLIO_FLOAT32, 2, other, NULL, &err) ==
                       COLLIO_ERR_DIVERGED &&
                   err.agreed,
               "different shapes are noticed");
        collio_error_clear(&err);
    }
    collio_view_set_array(v, 0, COLLIO_FLOAT32, 2, shape, NULL, &err);
    collio_view_get(v, &facts, NULL, NULL, &err);
    tap_ok(facts.length == 24 && facts.type == COLLIO_FLOAT32 && facts.shape[1] == 6, "facts");
    collio_array_fill(&memory, data, COLLIO_FLOAT64, 1, shape);
    tap_ok(collio_view_write(v, COLLIO_ACCESS_AT, 0, &memory, NULL, &err) == COLLIO_ERR_TYPE,
           "another type is refused");
    collio_error_clear(&err);
    collio_array_fill(&memory, data, COLLIO_FLOAT32, 2, shape);
    tap_ok(collio_view_write(v, COLLIO_ACCESS_AT, 1, &memory, NULL, &err) == COLLIO_ERR_INDEX,
           "more than the array too");
    collio_error_clear(&err);
    memory.shape[0] = tap_rank == 0 ? 3 : 4;
    collio_selection_block(&part, 2, NULL, shape);
    tap_ok(collio_view_write_part(v, &part, &memory, &err) == COLLIO_ERR_VALUE && err.agreed,
           "one rank's wrong extents are an error on all (%s)", err.text);
    collio_error_clear(&err);
    tap_ok(collio_view_byte_offset(v, 7, &out, &err) == COLLIO_OK && out == 28, "byte offset");
    memory.shape[0] = 4;
    tap_ok(collio_view_read_part(v, &part, &memory, &err) == COLLIO_ERR_DAMAGED,
           "an array that is not all there is an error");
    collio_error_clear(&err);
    collio_view_write_part(v, tap_rank == 0 ? &part : NULL, tap_rank == 0 ? &memory : NULL, &err);
    tap_ok((err.code == COLLIO_OK) == (tap_size == 1), "NULL means the whole array");
    collio_error_clear(&err);
    collio_view_close(&v, &err);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_modes();
    for (int waiting = 0; waiting < 2; waiting++) {
        test_write_words(waiting);
        test_read_words(waiting);
    }
    test_short_count();
    test_blocks("never");
    test_blocks("always");
    test_blocks("auto");
    test_array_limits();
    int status = tap_end();
    MPI_Finalize();
    return status;
}
