/*
 * Every judged result of a file's life fails once, on each rank in turn: all ranks
 * get the same error, none waits, and what is on disk opens with plain HDF5.
 * ranks: 1 2 3
 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH "fault.h5"
#define ROWS 6

/* How far a life came. */
typedef struct life {
    int opened, flushed, closed;
    int code; /* of the first error */
    char text[256];
} life;

static void note(life *l, collio_error *err)
{
    if (l->code == COLLIO_OK && err->code != COLLIO_OK) {
        l->code = err->code;
        snprintf(l->text, sizeof l->text, "%.255s", err->text);
    }
}

static void fill(collio_selection *part, collio_array *memory, double *values)
{
    int64_t start[2] = {(int64_t)tap_rank * ROWS, 0}, count[2] = {ROWS, 3};

    for (int i = 0; i < ROWS * 3; i++)
        values[i] = (double)tap_rank * ROWS * 3 + i;
    collio_selection_block(part, 2, start, count);
    collio_array_fill(memory, values, COLLIO_FLOAT64, 2, count);
}

static void work(collio_file *file, life *l, collio_error *err)
{
    int64_t shape[2] = {(int64_t)tap_size * ROWS, 3}, size = 4;
    double values[ROWS * 3], step[4] = {1, 2, 3, 4};
    float again[ROWS * 3];
    collio_object *group = NULL, *dataset = NULL;
    collio_selection part;
    collio_array memory;

    fill(&part, &memory, values);
    collio_group_create(collio_file_root(file), "a/b", &group, err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(group, "u", COLLIO_FLOAT64, 2, shape, NULL, &dataset, err);
    if (err->code == COLLIO_OK)
        collio_dataset_write(dataset, &part, &memory, err);
    if (err->code == COLLIO_OK)
        collio_file_flush(file, err);
    l->flushed = err->code == COLLIO_OK;
    if (err->code == COLLIO_OK)
        collio_attribute_write(dataset, "step", COLLIO_FLOAT64, 1, &size, step, err);
    if (err->code == COLLIO_OK)
        collio_attribute_write_text(group, "name", "fault", err);
    if (err->code == COLLIO_OK)
        collio_attribute_delete(dataset, "step", err);
    collio_array_fill(&memory, again, COLLIO_FLOAT32, 2, part.count);
    if (err->code == COLLIO_OK)
        collio_dataset_read(dataset, &part, &memory, err);
    collio_object_close(&dataset);
    if (err->code == COLLIO_OK)
        collio_link_delete(group, "u", err);
    if (err->code == COLLIO_OK)
        collio_dataset_create(group, "u", COLLIO_FLOAT64, 2, shape, NULL, NULL, err);
    note(l, err);
    collio_object_close(&group);
}

static void live(MPI_Comm comm, life *l)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;

    memset(l, 0, sizeof *l);
    collio_file_open(comm, PATH, "w", NULL, &file, &err);
    l->opened = err.code == COLLIO_OK;
    note(l, &err);
    if (file == NULL)
        return;
    work(file, l, &err);
    collio_error_clear(&err);
    collio_file_close(&file, &err);
    l->closed = err.code == COLLIO_OK;
    note(l, &err);
    collio_file_abandon(&file, "test");
}

/* 1 if all ranks have this number. */
static int alike(int number)
{
    int both[2] = {number, -number}, most[2];

    MPI_Allreduce(both, most, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return most[0] == -most[1];
}

/* What is on disk, seen by plain HDF5: absent or whole. */
static int disk_is_right(const life *l)
{
    hid_t file, dataset = -1;
    struct stat status;
    int right = 1;

    /* An open() that fails after all may leave an empty file: it does not look whole. */
    if (stat(PATH, &status) != 0 || status.st_size == 0)
        return !l->opened;
    file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        return 0;
    if (l->flushed && !l->closed)
        right = H5Lexists(file, "a", H5P_DEFAULT) > 0 && H5Lexists(file, "a/b", H5P_DEFAULT) > 0 &&
                H5Lexists(file, "a/b/u", H5P_DEFAULT) > 0;
    if (l->flushed && !l->closed) {
        dataset = H5Dopen2(file, "a/b/u", H5P_DEFAULT);
        right = right && dataset >= 0;
    }
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Fclose(file);
    return right;
}

/* A rank that cannot even look at its communicator (two results) cannot say so: the
 * others wait for it until the deadline. Faults are made after that. */
#define FIRST 3

/* One life with the n-th result on one rank failing. Returns 1 if that result was
 * reached. */
static int try(int rank, long nth, int *bad)
{
    MPI_Comm comm;
    collio_comm *first = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    life l;
    int reached, right = 1, open_objects = (int)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);

    if (tap_rank == 0)
        unlink(PATH);
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    collio_comm_create(comm, &first, &err);
    collio_comm_free(&first, &err);
    collio_fault_set(tap_rank == rank ? nth : 0);
    live(comm, &l);
    reached = collio_fault_count() >= nth;
    collio_fault_set(0);
    MPI_Bcast(&reached, 1, MPI_INT, rank, MPI_COMM_WORLD);
    open_objects = (int)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) - open_objects;
    if (tap_rank == 0)
        right = disk_is_right(&l);
    if (!alike(l.code) || !right || open_objects > 0) {
        fprintf(stderr, "# fault %ld@%d: rank %d: code %d, disk %d, objects %d: %s\n", nth, rank,
                tap_rank, l.code, right, open_objects, l.text);
        *bad = 1;
    }
    MPI_Comm_free(&comm);
    return reached;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_set_timeout(10.0);
    for (int rank = 0; rank < tap_size; rank++) {
        long nth = tap_size > 1 ? FIRST : 1;
        int bad = 0;

        while (try(rank, nth, &bad))
            nth++;
        tap_ok(!bad, "%ld faults on rank %d", nth - 1, rank);
    }
    MPI_Finalize();
    return tap_end();
}
