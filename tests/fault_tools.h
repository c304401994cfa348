/* The life of a file in which the n-th judged result fails on one rank. */
#ifndef COLLIO_TESTS_FAULT_TOOLS_H
#define COLLIO_TESTS_FAULT_TOOLS_H

#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <string.h>
#include <unistd.h>

/* How far a life came. */
typedef struct life {
    int opened, flushed, closed;
    int code, sys_error; /* of the first error */
    char text[256];
} life;

/* What a file goes through, and what plain HDF5 must see of it afterwards. */
typedef struct life_story {
    const char *path;
    const collio_file_options *options;
    int anew; /* what the last life left is removed before the next */
    void (*work)(collio_file *file, life *l, collio_error *err);
    int (*disk_is_right)(const life *l);
} life_story;

static inline void note(life *l, const collio_error *err)
{
    if (l->code == COLLIO_OK && err->code != COLLIO_OK) {
        l->code = err->code;
        l->sys_error = err->sys_error;
        snprintf(l->text, sizeof l->text, "%.255s", err->text);
    }
}

/* 1 if all ranks have this number. */
static inline int alike(int number)
{
    int both[2] = {number, -number}, most[2];

    MPI_Allreduce(both, most, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return most[0] == -most[1];
}

/* A communicator of which the library knows already, as faults may leave one unusable. */
static inline MPI_Comm known_comm(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *first = NULL;
    MPI_Comm comm;

    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    collio_comm_create(comm, &first, &err);
    collio_comm_free(&first, &err);
    return comm;
}

static inline void live_in(MPI_Comm comm, const life_story *story, life *l)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;

    memset(l, 0, sizeof *l);
    collio_file_open(comm, story->path, "w", story->options, &file, &err);
    l->opened = err.code == COLLIO_OK;
    note(l, &err);
    if (file == NULL)
        return;
    story->work(file, l, &err);
    note(l, &err);
    collio_error_clear(&err);
    collio_file_close(&file, &err);
    l->closed = err.code == COLLIO_OK;
    note(l, &err);
    collio_file_abandon(&file, "test");
}

/* A life with the n-th result on one rank failing (0: none). Returns 1 if that was reached. */
static inline int live(const life_story *story, int rank, long nth, life *l)
{
    MPI_Comm comm = known_comm();
    int reached;

    collio_fault_set(tap_rank == rank ? nth : 0);
    live_in(comm, story, l);
    reached = collio_fault_count() >= nth;
    collio_fault_set(0);
    MPI_Bcast(&reached, 1, MPI_INT, rank, MPI_COMM_WORLD);
    MPI_Comm_free(&comm);
    return reached;
}

/* The same, and all must be right afterwards. */
static inline int try_fault(const life_story *story, int rank, long nth, int *bad)
{
    long objects = (long)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    int reached, right = 1;
    life l;

    if (story->anew && tap_rank == 0)
        unlink(story->path);
    reached = live(story, rank, nth, &l);
    objects = (long)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) - objects;
    if (tap_rank == 0)
        right = story->disk_is_right(&l);
    if (!alike(l.code) || !right || objects > 0) {
        fprintf(stderr, "# fault %ld@%d: rank %d: code %d, disk %d, objects %ld: %s\n", nth, rank,
                tap_rank, l.code, right, objects, l.text);
        *bad = 1;
    }
    return reached;
}

/* A rank that cannot even look at its communicator (two results) cannot say so: the
 * others wait for it until the deadline. Faults are made after that. */
static inline long first_fault(void)
{
    return tap_size > 1 ? 3 : 1;
}

/* Every `step`-th result of a life fails, on each rank in turn. */
static inline void test_lives(const life_story *story, int step)
{
    for (int rank = 0; rank < tap_size; rank++) {
        long nth = first_fault();
        int bad = 0;

        while (try_fault(story, rank, nth, &bad))
            nth += step;
        tap_ok(!bad, "faults up to the %ldth on rank %d", nth - 1, rank);
    }
}

#endif
