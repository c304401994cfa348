/* Streams of zlib and shuffled bytes, by themselves and in chunks that plain HDF5 reads; bytes that
 * do not become fewer; streams that are cut or damaged. ranks: 1 2 */
#include "io/internal.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH "zstream.h5"

enum { SIZE = 4096, ROWS = 48, CHUNK_ROWS = 10, CHUNK_COLUMNS = 30, COLUMNS = 100 };

/* Bytes that repeat, or hardly do. */
static void fill(char *bytes, size_t size, int random)
{
    uint64_t state = 88172645463325252u;

    for (size_t i = 0; i < size; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (char)(random ? state >> 32 : i / 8 % 50);
    }
}

static void test_level(int level)
{
    char bytes[SIZE], stream[2 * SIZE], again[SIZE];
    collio_zstream z = {.level = level};
    size_t size;

    fill(bytes, SIZE, 0);
    for (int i = 0; i < 2; i++) {
        memset(again, 0, SIZE);
        size = collio_zstream_pack(&z, bytes, SIZE, stream, sizeof stream);
        tap_ok(size > 0 && (level == 0 || size < SIZE) &&
                   collio_zstream_unpack(stream, size, again, SIZE) &&
                   memcmp(again, bytes, SIZE) == 0,
               "level %d: there and back, time %d", level, i);
    }
    collio_zstream_close(&z);
}

static void test_refused(void)
{
    char bytes[SIZE], stream[2 * SIZE], again[2 * SIZE];
    collio_zstream z = {.level = 6};
    size_t size;

    fill(bytes, SIZE, 1);
    tap_ok(collio_zstream_pack(&z, bytes, SIZE, stream, SIZE - 1) == 0, "no room, no stream");
    size = collio_zstream_pack(&z, bytes, SIZE, stream, sizeof stream);
    tap_ok(!collio_zstream_unpack(stream, size, again, SIZE - 1), "more than was wanted");
    tap_ok(!collio_zstream_unpack(stream, size, again, SIZE + 1), "less than was wanted");
    tap_ok(!collio_zstream_unpack(stream, size - 1, again, SIZE), "a stream that is cut");
    tap_ok(!collio_zstream_unpack(stream, size + 1, again, SIZE), "something behind a stream");
    tap_ok(!collio_zstream_unpack(stream, 0, again, SIZE), "no stream");
    stream[size / 2] ^= 1;
    tap_ok(!collio_zstream_unpack(stream, size, again, SIZE), "a stream that is damaged");
    collio_zstream_close(&z);
}

static void test_shuffle(size_t element)
{
    char bytes[SIZE], shuffled[SIZE], again[SIZE] = {0};
    size_t count = SIZE / element, few = count / 3;
    int right = 1;

    fill(bytes, SIZE, 1);
    collio_shuffle(bytes, shuffled, count, element);
    for (size_t i = 0; i < count * element; i++)
        right = right && shuffled[i % element * count + i / element] == bytes[i];
    collio_unshuffle(shuffled, again, count, few, element);
    tap_ok(right && memcmp(again, bytes, few * element) == 0, "shuffle elements of %zu bytes",
           element);
}

/* ----------------------------------------------------------------- in chunks */

static const int64_t shape[] = {ROWS, COLUMNS}, chunks[] = {CHUNK_ROWS, CHUNK_COLUMNS};

static void write_all(int shuffled, int level, int summed, const double *values, collio_error *err)
{
    collio_filter filters[] = {{COLLIO_FILTER_SHUFFLE, 0, {0}},
                               {COLLIO_FILTER_GZIP, 1, {(unsigned)level}},
                               {COLLIO_FILTER_FLETCHER32, 0, {0}}};
    collio_dataset_options options = {
        .chunks = chunks, .filters = filters + !shuffled, .filter_count = 1 + shuffled + summed};
    collio_file *file = NULL;
    collio_object *dataset = NULL;
    collio_selection where;
    collio_array memory;
    int64_t start[] = {0, 0}, count[] = {0, COLUMNS};

    collio_part_range(ROWS, tap_size, tap_rank, &start[0], &count[0], err);
    collio_selection_block(&where, 2, start, count);
    collio_array_fill(&memory, (void *)(values + start[0] * COLUMNS), COLLIO_FLOAT64, 2, count);
    collio_file_open(MPI_COMM_WORLD, PATH, "w", NULL, &file, err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(collio_file_root(file), "u", COLLIO_FLOAT64, 2, shape, &options,
                              &dataset, err);
    if (err->code == COLLIO_OK)
        collio_dataset_write(dataset, &where, &memory, err);
    collio_object_close(&dataset);
    collio_file_close(&file, err);
}

/* Through plain HDF5: the elements, and whether their first chunk is not much larger than they. */
static int disk_holds(const double *values)
{
    double *read = calloc(ROWS * COLUMNS, sizeof *read);
    const hsize_t first[] = {0, 0};
    hsize_t stored = 0;
    hid_t file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = file < 0 ? -1 : H5Dopen2(file, "u", H5P_DEFAULT);
    int right = dataset >= 0 &&
                H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) >= 0 &&
                memcmp(read, values, ROWS * COLUMNS * sizeof *read) == 0 &&
                H5Dget_chunk_storage_size(dataset, first, &stored) >= 0 && stored > 0 &&
                stored <= CHUNK_ROWS * CHUNK_COLUMNS * sizeof *read + 100;

    if (dataset >= 0)
        H5Dclose(dataset);
    if (file >= 0)
        H5Fclose(file);
    free(read);
    return right;
}

static void test_chunks(int shuffled, int level, int random, int summed)
{
    collio_error err = COLLIO_ERROR_INIT;
    double *values = malloc(ROWS * COLUMNS * sizeof *values);

    fill((char *)values, ROWS * COLUMNS * sizeof *values, random);
    write_all(shuffled, level, summed, values, &err);
    tap_ok(err.code == COLLIO_OK && (tap_rank != 0 || disk_holds(values)),
           "chunks%s%s, level %d, %s: plain HDF5 reads them %s", shuffled ? ", shuffled" : "",
           summed ? ", summed" : "", level, random ? "random" : "repeated", err.text);
    MPI_Barrier(MPI_COMM_WORLD);
    free(values);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    if (collio_zstream_offered()) {
        for (int level = 0; level < 10; level++)
            test_level(level);
        test_refused();
    }
    for (size_t element = 1; element < 12; element++)
        test_shuffle(element);
    for (int level = 0; level < 10; level += 3)
        for (int way = 0; way < 8; way++)
            test_chunks(way & 1, level, way >> 1 & 1, way >> 2);
    MPI_Finalize();
    return tap_end();
}
