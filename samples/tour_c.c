/*
 * A tour of shared HDF5 files in C: groups, attributes, links, arrays written by all ranks, plain
 * and compressed, and read back on other ranks.
 *
 *   cc -o tour_c tour_c.c $(pkg-config --cflags --libs collio)
 *   mpiexec -n 4 ./tour_c tour.h5 && collio inspect tour.h5
 *
 * ranks: 1 2 3 4
 */
#include <collio.h>
#include <stdio.h>

enum { ROWS = 60, COLUMNS = 40 };

static const int64_t whole[2] = {ROWS, COLUMNS};

/* The rows of a rank: what to select, and memory for them. */
static void rows_of(int rank, int size, double *values, collio_selection *part,
                    collio_array *memory, collio_error *err)
{
    int64_t start[2] = {0, 0}, count[2] = {0, COLUMNS};

    collio_part_range(ROWS, size, rank, &start[0], &count[0], err);
    collio_selection_block(part, 2, start, count);
    collio_array_fill(memory, values, COLLIO_FLOAT64, 2, count);
}

static void create(collio_object *root, collio_object **plain, collio_object **packed,
                   collio_error *err)
{
    static const int64_t chunk[2] = {16, 16};
    static const collio_filter filters[] = {{COLLIO_FILTER_SHUFFLE, 0, {0}},
                                            {COLLIO_FILTER_GZIP, 1, {4}}};
    collio_dataset_options options = {
        .chunked = 1, .chunks = chunk, .filters = filters, .filter_count = 2};
    double spacing[2] = {0.5, 0.5};
    int64_t two = 2;

    collio_dataset_create(root, "run/u", COLLIO_FLOAT64, 2, whole, NULL, plain, COLLIO_AT(err));
    collio_dataset_create(root, "run/packed", COLLIO_INT32, 2, whole, &options, packed,
                          COLLIO_AT(err));
    collio_attribute_write_text(*plain, "units", "m", COLLIO_AT(err));
    collio_attribute_write(*plain, "spacing", COLLIO_FLOAT64, 1, &two, spacing, COLLIO_AT(err));
    collio_link_soft(root, "latest", "/run/u", COLLIO_AT(err));
}

/* Every rank makes the same calls. The error is looked at once, at the end. */
static void write_file(const char *path, int rank, int size, collio_error *err)
{
    double values[ROWS][COLUMNS];
    collio_file *file = NULL;
    collio_object *plain = NULL, *packed = NULL;
    collio_selection part;
    collio_array memory;

    rows_of(rank, size, values[0], &part, &memory, err);
    for (int64_t i = 0; i < memory.shape[0]; i++)
        for (int64_t j = 0; j < COLUMNS; j++)
            values[i][j] = (double)(100 * (part.start[0] + i) + j);
    collio_file_open(MPI_COMM_WORLD, path, "w", NULL, &file, COLLIO_AT(err));
    create(collio_file_root(file), &plain, &packed, err);
    collio_dataset_write(plain, &part, &memory, COLLIO_AT(err));
    collio_dataset_write(packed, &part, &memory, COLLIO_AT(err)); /* converted to int32 */
    collio_object_close(&plain);
    collio_object_close(&packed);
    collio_file_close(&file, COLLIO_AT(err));
}

/* Read the rows of the next rank from both. Returns whether they are what it wrote. */
static int read_file(const char *path, int rank, int size, collio_error *err)
{
    static const char *const names[] = {"latest", "run/packed"};
    double values[ROWS][COLUMNS];
    collio_file *file = NULL;
    collio_object *dataset = NULL;
    collio_selection part;
    collio_array memory;
    int good = 1;

    rows_of((rank + 1) % size, size, values[0], &part, &memory, err);
    collio_file_open(MPI_COMM_WORLD, path, "r", NULL, &file, COLLIO_AT(err));
    for (int n = 0; n < 2; n++) {
        collio_object_open(collio_file_root(file), names[n], &dataset, COLLIO_AT(err));
        collio_dataset_read(dataset, &part, &memory, COLLIO_AT(err));
        for (int64_t i = 0; i < memory.shape[0]; i++)
            for (int64_t j = 0; j < COLUMNS; j++)
                good = good && values[i][j] == (double)(100 * (part.start[0] + i) + j);
        collio_object_close(&dataset);
    }
    collio_file_close(&file, COLLIO_AT(err));
    return good;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "tour.h5";
    collio_error err = COLLIO_ERROR_INIT;
    int rank, size, good = 0;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    write_file(path, rank, size, &err);
    if (err.code == COLLIO_OK)
        good = read_file(path, rank, size, &err);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "tour_c: %s\n", err.text);
    else if (rank == 0)
        printf("%s: %d rows of %d numbers, twice; every rank read those of the next one\n", path,
               ROWS, COLUMNS);
    MPI_Finalize();
    return err.code != COLLIO_OK || !good;
}
