/*
 * A raw file in C: the ranks write a field cut into blocks, each its own block, and read it back
 * in slabs of columns, however many ranks there are. numpy.fromfile(path, "f4") reads it too.
 *
 *   cc -o view view.c $(pkg-config --cflags --libs collio)
 *   mpiexec -n 4 ./view field.raw
 *
 * ranks: 1 2 3 4
 */
#include <collio.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t shape[2] = {60, 40};

/* The part of one rank: a block of rows and columns, or a slab of columns only. */
static void my_part(int size, int rank, int slabs, collio_selection *part, collio_error *err)
{
    int dims[2] = {slabs ? 1 : 0, 0};
    collio_box box = {.ndim = 2};

    if (collio_part_dims(size, 2, shape, dims, err) == COLLIO_OK)
        collio_part_box(2, shape, dims, rank, 0, &box, NULL, err);
    collio_selection_box(part, &box);
}

static float value(int64_t i, int64_t j)
{
    return (float)(1000 * i + j);
}

static void write_blocks(collio_view *v, const collio_selection *part, collio_error *err)
{
    float *mine = malloc((size_t)collio_selection_size(part) * sizeof *mine + 1);
    collio_array memory;

    for (int64_t i = 0; mine != NULL && i < part->count[0]; i++)
        for (int64_t j = 0; j < part->count[1]; j++)
            mine[i * part->count[1] + j] = value(part->start[0] + i, part->start[1] + j);
    collio_array_fill(&memory, mine, COLLIO_FLOAT32, 2, part->count);
    collio_view_write_part(v, part, &memory, COLLIO_AT(err));
    free(mine);
}

static int read_slabs(collio_view *v, const collio_selection *part, collio_error *err)
{
    float *mine = calloc((size_t)collio_selection_size(part) + 1, sizeof *mine);
    collio_array memory;
    int right = 1;

    collio_array_fill(&memory, mine, COLLIO_FLOAT32, 2, part->count);
    collio_view_read_part(v, part, &memory, COLLIO_AT(err));
    for (int64_t i = 0; mine != NULL && i < part->count[0]; i++)
        for (int64_t j = 0; j < part->count[1]; j++)
            right &= mine[i * part->count[1] + j] == value(i, part->start[1] + j);
    free(mine);
    return right;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "field.raw";
    collio_error err = COLLIO_ERROR_INIT;
    collio_selection block, slab;
    collio_view *v = NULL;
    int rank, size, right = 1;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    my_part(size, rank, 0, &block, &err);
    my_part(size, rank, 1, &slab, &err);

    collio_view_open(MPI_COMM_WORLD, path, "w", MPI_INFO_NULL, &v, COLLIO_AT(&err));
    collio_view_set_array(v, 0, COLLIO_FLOAT32, 2, shape, NULL, COLLIO_AT(&err));
    if (v != NULL) {
        write_blocks(v, &block, &err);
        right = read_slabs(v, &slab, &err);
    }
    collio_view_close(&v, COLLIO_AT(&err));

    if (err.code != COLLIO_OK)
        fprintf(stderr, "rank %d: %s: %s\n", rank, collio_error_name(err.code), err.text);
    else if (rank == 0)
        printf("%s: %d x %d numbers, written in blocks, read in slabs: %s\n", path, (int)shape[0],
               (int)shape[1], right ? "the same" : "DIFFERENT");
    MPI_Finalize();
    return err.code != COLLIO_OK || !right;
}
