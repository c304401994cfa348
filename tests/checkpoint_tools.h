/*
 * What the tests of checkpoints share: a little state, saved and compared.
 */
#ifndef COLLIO_TESTS_CHECKPOINT_TOOLS_H
#define COLLIO_TESTS_CHECKPOINT_TOOLS_H

#include <collio/checkpoint.h>

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 13, COLUMNS = 700 };

/* The state of a program: an array in rows, one in columns, a time, bytes of each rank. Its values
 * follow from the step. */
typedef struct little {
    int64_t step;
    double u[ROWS * COLUMNS];
    int16_t v[ROWS * COLUMNS];
    double t;
    char mine[32];
    int64_t shape[2], u_start[2], u_count[2], v_start[2], v_count[2];
    collio_array u_part, v_part;
} little;

static inline double u_value(int64_t step, int64_t i)
{
    return (double)(step * 1000000 + i) / 3.0;
}

static inline int16_t v_value(int64_t step, int64_t i)
{
    return (int16_t)(step * 31 + i * 7);
}

static inline void little_shape(little *l, int64_t step)
{
    collio_error err = COLLIO_ERROR_INIT;

    memset(l, 0, sizeof *l);
    l->step = step;
    l->shape[0] = ROWS;
    l->shape[1] = COLUMNS;
    l->u_count[1] = COLUMNS;
    l->v_count[0] = ROWS;
    collio_part_range(ROWS, tap_size, tap_rank, &l->u_start[0], &l->u_count[0], &err);
    collio_part_range(COLUMNS, tap_size, tap_rank, &l->v_start[1], &l->v_count[1], &err);
    collio_array_fill(&l->u_part, l->u, COLLIO_FLOAT64, 2, l->u_count);
    collio_array_fill(&l->v_part, l->v, COLLIO_INT16, 2, l->v_count);
}

/* Fill, or compare if `compare`: then returns 1 if all is right. */
static inline int little_values(little *l, int compare)
{
    int right = 1;

    for (int64_t i = 0; i < l->u_count[0]; i++)
        for (int64_t j = 0; j < COLUMNS; j++) {
            double value = u_value(l->step, (l->u_start[0] + i) * COLUMNS + j);
            right &= l->u[i * COLUMNS + j] == value;
            if (!compare)
                l->u[i * COLUMNS + j] = value;
        }
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t j = 0; j < l->v_count[1]; j++) {
            int16_t value = v_value(l->step, i * COLUMNS + l->v_start[1] + j);
            right &= l->v[i * l->v_count[1] + j] == value;
            if (!compare)
                l->v[i * l->v_count[1] + j] = value;
        }
    right &= l->t == (double)l->step;
    if (!compare)
        l->t = (double)l->step;
    return right;
}

enum { ITEMS = 4 };

static inline void little_items(little *l, collio_item *items)
{
    snprintf(l->mine, sizeof l->mine, "rank %d at %d", tap_rank, (int)l->step);
    items[0] = collio_item_part("u", &l->u_part, l->shape, l->u_start);
    items[1] = collio_item_part("fields/v", &l->v_part, l->shape, l->v_start);
    items[2] = collio_item_scalar("t", COLLIO_FLOAT64, &l->t);
    items[3] = collio_item_rank_state("who", "text", l->mine, strlen(l->mine));
}

static inline int little_save(collio_checkpoint *c, int64_t step, collio_error *err)
{
    static little l;
    collio_item items[ITEMS];

    little_shape(&l, step);
    little_values(&l, 0);
    little_items(&l, items);
    return collio_checkpoint_save(c, step, ITEMS, items, err);
}

/* Read the arrays of an open state; 1 in *right if they are those of its step. */
static inline int little_read(collio_checkpoint_state *state, int *right, collio_error *err)
{
    static little l;
    collio_array t;

    little_shape(&l, collio_checkpoint_state_step(state));
    collio_array_fill(&t, &l.t, COLLIO_FLOAT64, 0, NULL);
    collio_checkpoint_read(state, "u", l.u_start, &l.u_part, err);
    collio_checkpoint_read(state, "fields/v", l.v_start, &l.v_part, err);
    collio_checkpoint_read(state, "t", NULL, &t, err);
    *right = err->code == COLLIO_OK && little_values(&l, 1);
    return err->code;
}

/* 1 if the newest step is this one, and whole. */
static inline int little_is_newest(collio_checkpoint *c, int64_t step)
{
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int right = 0;

    if (collio_checkpoint_restore(c, COLLIO_NEWEST, &state, &err) == COLLIO_OK) {
        little_read(state, &right, &err);
        right &= collio_checkpoint_state_step(state) == step;
    }
    if (!right)
        fprintf(stderr, "# newest is %lld, not %lld: %s\n",
                state != NULL ? (long long)collio_checkpoint_state_step(state) : -1LL,
                (long long)step, err.text);
    collio_checkpoint_state_close(&state);
    return right;
}

static inline collio_checkpoint *open_checkpoint(const char *directory, int keep, int verify)
{
    collio_checkpoint_options options = {.keep = keep, .verify = verify};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;

    collio_checkpoint_open(MPI_COMM_WORLD, directory, &options, &c, COLLIO_AT(&err));
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# rank %d: %s\n", tap_rank, err.text);
    return c;
}

/* 1 on every rank if all have the same error: code, words and rank. */
static inline int same_everywhere(const collio_error *err)
{
    collio_error first = *err;

    MPI_Bcast(&first, sizeof first, MPI_BYTE, 0, MPI_COMM_WORLD);
    if (first.code == err->code && strcmp(first.text, err->text) == 0)
        return 1;
    fprintf(stderr, "# rank 0 has %d '%s'\n# rank %d has %d '%s'\n", first.code, first.text,
            tap_rank, err->code, err->text);
    return 0;
}

#endif
