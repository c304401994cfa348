/*
 * A shared HDF5 file in C: each rank writes its rows of a table and reads back the rows of the
 * next rank.
 *
 *   cc -o rows rows.c $(pkg-config --cflags --libs collio)
 *   mpiexec -n 4 ./rows table.h5 && h5dump table.h5
 *
 * ranks: 1 2 3 4
 */
#include <collio.h>
#include <stdio.h>

enum { ROWS = 10, COLUMNS = 4 };

/* The rows of one rank, as a block of the table. */
static void rows_of(int rank, int size, collio_selection *part, int64_t *shape, collio_error *err)
{
    int64_t start[2] = {0, 0}, count[2] = {0, COLUMNS};

    collio_part_range(ROWS, size, rank, &start[0], &count[0], err);
    collio_selection_block(part, 2, start, count);
    shape[0] = count[0];
    shape[1] = count[1];
}

static void write_table(const char *path, int rank, int size, collio_error *err)
{
    const int64_t whole[2] = {ROWS, COLUMNS};
    double values[ROWS][COLUMNS];
    collio_file *file = NULL;
    collio_object *table = NULL;
    collio_selection part;
    collio_array memory;
    int64_t shape[2];

    rows_of(rank, size, &part, shape, err);
    for (int64_t i = 0; i < shape[0]; i++)
        for (int64_t j = 0; j < COLUMNS; j++)
            values[i][j] = (double)(100 * (part.start[0] + i) + j);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, shape);

    /* Every rank makes the same calls. The error is looked at once, at the end: a rank that has
     * failed brings its error into the next call, and all ranks return it. */
    collio_file_open(MPI_COMM_WORLD, path, "w", NULL, &file, COLLIO_AT(err));
    collio_dataset_create(collio_file_root(file), "table", COLLIO_FLOAT64, 2, whole, NULL, &table,
                          COLLIO_AT(err));
    collio_attribute_write_text(table, "units", "m", COLLIO_AT(err));
    collio_dataset_write(table, &part, &memory, COLLIO_AT(err));
    collio_object_close(&table);
    collio_file_close(&file, COLLIO_AT(err));
}

static void read_table(const char *path, int rank, int size, collio_error *err)
{
    double values[ROWS][COLUMNS];
    collio_file *file = NULL;
    collio_object *table = NULL;
    collio_selection part;
    collio_array memory;
    int64_t shape[2];

    rows_of((rank + 1) % size, size, &part, shape, err);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, shape);
    collio_file_open(MPI_COMM_WORLD, path, "r", NULL, &file, COLLIO_AT(err));
    collio_object_open(collio_file_root(file), "table", &table, COLLIO_AT(err));
    collio_dataset_read(table, &part, &memory, COLLIO_AT(err));
    collio_object_close(&table);
    collio_file_close(&file, COLLIO_AT(err));
    for (int64_t i = 0; err->code == COLLIO_OK && i < shape[0]; i++)
        if (values[i][1] != (double)(100 * (part.start[0] + i) + 1))
            collio_error_set(err, COLLIO_ERR_VALUE, "row %d was read wrong",
                             (int)(part.start[0] + i));
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "table.h5";
    collio_error err = COLLIO_ERROR_INIT;
    int rank, size;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    write_table(path, rank, size, &err);
    read_table(path, rank, size, &err);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "rank %d: %s: %s\n", rank, collio_error_name(err.code), err.text);
    else if (rank == 0)
        printf("%d ranks wrote %s and read it back\n", size, path);
    MPI_Finalize();
    return err.code != COLLIO_OK;
}
