/* Runs of medium length in a contiguous dataset, which the ranks of one machine put together:
 * columns, uneven and with gaps, by some ranks only, converted, with strides in memory, more runs
 * than a list holds, again and again; what is in between stays. Then a rank that errs, disks that
 * fail at each write, and judged results that fail. ranks: 1 2 3 4 */
#include "bad_disk.h"

#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 900, COLUMNS = 1200 }; /* of int32: 4 MB, several rounds */

static collio_file *file;
static collio_object *dataset;
static int32_t *model; /* what the dataset is to hold, the same on all ranks */

/* ------------------------------------------------------------- what is there */

static int count_wrong(const int32_t *values)
{
    int wrong = 0;

    for (int64_t i = 0; i < (int64_t)ROWS * COLUMNS; i++)
        wrong += values[i] != model[i];
    if (wrong > 0)
        fprintf(stderr, "# %d elements are wrong\n", wrong);
    return wrong;
}

static int holds(collio_error *err)
{
    int32_t *values = calloc((size_t)ROWS * COLUMNS, sizeof *values);
    int64_t shape[] = {ROWS, COLUMNS};
    collio_array memory;
    int wrong;

    collio_array_fill(&memory, values, COLLIO_INT32, 2, shape);
    collio_dataset_read(dataset, NULL, &memory, err);
    wrong = count_wrong(values);
    free(values);
    return wrong == 0 && err->code == COLLIO_OK;
}

/* The part of a rank in a write. */
static collio_selection part_of(int kind, int rank)
{
    int64_t width = COLUMNS / tap_size, left = rank * width;
    collio_selection s = {
        .ndim = 2, .stride = {1, 1}, .block = {1, 1}, .count = {ROWS, width}, .start = {0, left}};

    switch (kind) {
    case 1: /* uneven: the first one begins and ends later, the last one is empty, with gaps */
        s.start[0] = rank == 0 ? 7 : 0;
        s.count[0] = rank == 0 ? ROWS - 7 : ROWS - 3;
        s.count[1] = rank > 0 && rank == tap_size - 1 ? 0 : width - 5;
        break;
    case 2: /* every other row, dealt out in turn */
        s = (collio_selection){.ndim = 2,
                               .start = {2 * rank, 0},
                               .stride = {2 * (int64_t)tap_size, 1},
                               .count = {ROWS / 2 / tap_size, COLUMNS},
                               .block = {1, 1}};
        break;
    case 3: /* the last one alone: many runs, of which a list does not hold all */
        s = (collio_selection){.ndim = 2,
                               .start = {0, 1},
                               .stride = {1, 133},
                               .count = {rank == tap_size - 1 ? ROWS : 0, 9},
                               .block = {1, 130}};
        break;
    default:
        break;
    }
    return s;
}

static int32_t value_of(int round, int64_t row, int64_t column)
{
    return (int32_t)(round * 100000 + (row * 31 + column * 17) % 99991);
}

/* Row i and column j of a part. */
static int64_t index_of(const collio_selection *s, int d, int64_t i)
{
    return s->start[d] + i / s->block[d] * s->stride[d] + i % s->block[d];
}

static void expect(int kind, int round)
{
    for (int rank = 0; rank < tap_size; rank++) {
        collio_selection s = part_of(kind, rank);

        for (int64_t i = 0; i < s.count[0] * s.block[0]; i++)
            for (int64_t j = 0; j < s.count[1] * s.block[1]; j++) {
                int64_t row = index_of(&s, 0, i), column = index_of(&s, 1, j);

                model[row * COLUMNS + column] = value_of(round, row, column);
            }
    }
}

/* Write this rank's part, of int32 without gaps or of doubles with gaps. */
static int write_part(int kind, int round, int doubles, collio_error *err)
{
    collio_selection s = part_of(kind, tap_rank);
    int64_t rows = s.count[0] * s.block[0], columns = s.count[1] * s.block[1];
    static char bytes[(size_t)ROWS * COLUMNS * 16];
    collio_array memory = {bytes, COLLIO_FLOAT64, 2, {rows, columns}, {16 * columns, 16}};

    if (!doubles)
        collio_array_fill(&memory, bytes, COLLIO_INT32, 2, memory.shape);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            int32_t value = value_of(round, index_of(&s, 0, i), index_of(&s, 1, j));
            char *to = bytes + i * memory.strides[0] + j * memory.strides[1];

            if (doubles)
                *(double *)to = value;
            else
                *(int32_t *)to = value;
        }
    collio_dataset_write(dataset, &s, &memory, err);
    return err->code;
}

static void test_writes(void)
{
    static const char *const names[] = {"columns", "uneven columns with gaps", "every other row",
                                        "many runs of one rank"};
    collio_error err = COLLIO_ERROR_INIT;

    for (int round = 1; round < 9; round++) {
        int kind = (round - 1) % 4;

        write_part(kind, round, round > 4, &err);
        expect(kind, round);
        tap_ok(holds(&err), "%s%s %s", names[kind], round > 4 ? ", converted" : "", err.text);
    }
}

static void test_refused(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_selection s = part_of(0, tap_rank);
    int32_t *values = calloc((size_t)(s.count[0] * s.count[1]), sizeof *values);
    collio_array memory;

    collio_array_fill(&memory, values, COLLIO_INT32, 2, s.count);
    s.start[1] += tap_rank == tap_size - 1 ? COLUMNS : 0;
    tap_ok(collio_dataset_write(dataset, &s, &memory, &err) == COLLIO_ERR_INDEX && err.agreed,
           "one rank is outside: %s", err.text);
    collio_error_clear(&err);
    tap_ok(holds(&err), "and nothing was written %s", err.text);
    free(values);
}

/* Every write of a rank fails once: all have its error, and can go on. */
static void test_disk(int rank)
{
    collio_error err = COLLIO_ERROR_INIT;
    int codes[2], good = 1, failed = 0, again = 1;

    failure = ENOSPC;
    for (long n = 1; again && n < 100; n++) {
        writes = 0;
        failing = tap_rank == rank ? n : 0;
        codes[0] = write_part(0, (int)n, 0, &err);
        codes[1] = -codes[0];
        MPI_Allreduce(MPI_IN_PLACE, codes, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        good &= codes[0] == -codes[1] && (codes[0] == COLLIO_OK || codes[0] == COLLIO_ERR_OS);
        good &= codes[0] == COLLIO_OK ||
                (err.sys_error == ENOSPC && (tap_size == 1 || err.rank == rank));
        again = codes[0] != COLLIO_OK;
        failed += again;
        collio_error_clear(&err);
    }
    failing = 0;
    tap_ok(good && failed > 0, "each write of rank %d failed once: %d", rank, failed);
    write_part(0, 50, 1, &err);
    expect(0, 50);
    tap_ok(holds(&err), "and then all went well %s", err.text);
}

/* ------------------------------------------------------------------ a life */

static int begin(const char *path, collio_error *err)
{
    int64_t shape[] = {ROWS, COLUMNS};
    int32_t fill = -5;
    collio_dataset_options options = {.fill = &fill};

    collio_file_open(MPI_COMM_WORLD, path, "w", NULL, &file, err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(collio_file_root(file), "d", COLLIO_INT32, 2, shape, &options,
                              &dataset, err);
    for (int64_t i = 0; i < (int64_t)ROWS * COLUMNS; i++)
        model[i] = fill;
    return err->code;
}

static int end(collio_error *err)
{
    collio_object_close(&dataset);
    return file != NULL ? collio_file_close(&file, err) : err->code;
}

static int read_plain(const char *path)
{
    int32_t *values = calloc((size_t)ROWS * COLUMNS, sizeof *values);
    hid_t plain = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t d = plain >= 0 ? H5Dopen2(plain, "d", H5P_DEFAULT) : -1;
    int good = d >= 0 && H5Dread(d, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
               count_wrong(values) == 0;

    if (d >= 0)
        H5Dclose(d);
    if (plain >= 0)
        H5Fclose(plain);
    free(values);
    return good;
}

/* Judged results that fail on one rank while the memory is made and used for the first time. */
static void test_faults(int rank)
{
    int good = 1, codes[2], again = 1, failed = 0;

    for (long n = 1; again && n < 200; n++) {
        collio_error err = COLLIO_ERROR_INIT, ignored = COLLIO_ERROR_INIT;

        if (begin("gather_fault.h5", &err) != COLLIO_OK)
            break;
        collio_fault_set(tap_rank == rank ? n : 0);
        codes[0] = write_part(0, 1, 0, &err);
        again = tap_rank == rank && collio_fault_count() >= n;
        collio_fault_set(0);
        codes[1] = -codes[0];
        MPI_Allreduce(MPI_IN_PLACE, codes, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        MPI_Bcast(&again, 1, MPI_INT, rank, MPI_COMM_WORLD);
        good &= codes[0] == -codes[1] && (codes[0] != COLLIO_OK) == again;
        failed += again;
        end(&ignored);
        collio_object_close(&dataset);
    }
    tap_ok(good && failed > 0 && !again, "faults on rank %d: %d", rank, failed);
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    model = calloc((size_t)ROWS * COLUMNS, sizeof *model);
    begin("gather.h5", &err);
    tap_ok(holds(&err), "the fill value at first %s", err.text);
    test_writes();
    test_refused();
    test_disk(0);
    if (tap_size > 1)
        test_disk(tap_size - 1);
    tap_ok(end(&err) == COLLIO_OK, "close %s", err.text);
    tap_ok(tap_rank > 0 || read_plain("gather.h5"), "plain HDF5 reads the same");
    test_faults(tap_size - 1);
    free(model);
    MPI_Finalize();
    return tap_end();
}
