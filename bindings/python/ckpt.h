/* Shared by the files around checkpoints: part.c, items.c, checkpoint*.c, state*.c. */
#ifndef COLLIO_CKPT_H
#define COLLIO_CKPT_H

#include "joint.h"
#include "collio/checkpoint.h"

/* -------------------------------------------------------------------- part.c */

typedef struct part_object {
    PyObject_HEAD
    PyObject *array;
    PyObject *shape;  /* None: that of the array */
    PyObject *offset; /* None: zeros */
} part_object;

typedef struct per_rank_object {
    PyObject_HEAD
    PyObject *value;
} per_rank_object;

/* ------------------------------------------------------------------- items.c */

/* What a save is given, in terms of the library. */
typedef struct items {
    collio_item *item;
    int count;
    int reading;    /* the memory is to be written to: a target of restore() */
    PyObject *keep; /* list of the objects whose memory the items point into */
} items;

/*
 * Translate a mapping and keyword arguments; items_release() in any case.
 *   mapping   in  NULL or None: none
 *   names     in  tuple of str, or NULL
 *   values    in  one a name
 */
int items_from(state *st, PyObject *mapping, PyObject *names, PyObject *const *values, items *out);
/* The same for what restore() is to fill: a mapping to arrays and Parts of them. */
int items_into(state *st, PyObject *mapping, items *out);
void items_release(items *all);

/* -------------------------------------------------------------- checkpoint.c */

struct state_object;

typedef struct checkpoint_object {
    PyObject_HEAD
    collio_checkpoint *handle;    /* NULL: closed */
    struct state_object *states;  /* the first of those open */
    struct save_request *request; /* of the save in flight; NULL: none */
} checkpoint_object;

/* 0 while it is open, else ValueError. */
int checkpoint_ready(checkpoint_object *self);

/* -------------------------------------------------------- checkpoint_steps.c */

extern PyMethodDef checkpoint_steps_methods[];

/* --------------------------------------------------------- checkpoint_save.c */

/* collio.SaveRequest: a save in the background. */
typedef struct save_request {
    PyObject_HEAD
    checkpoint_object *from; /* NULL once it is over */
    long long step;
    items all;       /* keeps borrowed memory until it is over */
    PyObject *error; /* how it failed; NULL: it has not */
} save_request;

/* The save in flight is over, with that outcome; nothing if there was none. */
void request_settle(checkpoint_object *self, const collio_error *err);

extern PyMethodDef checkpoint_save_methods[];

/* ----------------------------------------------------------------- merge.c */

/* Make collio.merge. 0 or -1. */
int merge_setup(PyObject *module, state *st);

/* ----------------------------------------------------- state.c, state_read.c */

/* collio.State: one step opened for reading. */
typedef struct state_object {
    PyObject_HEAD
    collio_checkpoint_state *handle; /* NULL: closed */
    checkpoint_object *from;
    struct state_object *next; /* of those open */
    PyObject *small;           /* dict: name -> array, or bytes of a state */
    int pickles;               /* pickles may be read */
} state_object;

/*
 * A State around a handle, which it takes over (also when it fails). Reads what
 * is common to all ranks, and the arrays of `into`. Collective; j may bring an
 * error. New.
 */
PyObject *state_make(checkpoint_object *from, collio_checkpoint_state *opened, int pickles,
                     const items *into, joint *j);

/* 0 while it is open, else ValueError. */
int state_ready(state_object *self);

/* Let go of the handle, if it is open. */
void state_close(state_object *self);

/* state[name]. As collective as what stands under that name. New. */
PyObject *state_get_item(PyObject *object, PyObject *key);

extern PyMethodDef state_read_methods[];

#endif
