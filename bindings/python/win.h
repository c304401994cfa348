/* Shared by win.c (MPI.Win), win_make.c (how windows are made), win_move.c (the operations) and
 * win_epoch.c (their synchronization). */
#ifndef COLLIO_WIN_H
#define COLLIO_WIN_H

#include "bindings.h"

/*
 * What is known of a window that was made here. It belongs to the window, not to the Python object:
 * other ranks reach the memory as long as the window exists, whether this process holds an object
 * for it or not.
 */
typedef struct window {
    struct window *next; /* of those that are not freed, in the order in which they were made */
    MPI_Win win;
    PyObject *memory;  /* keeps the memory; of dynamic windows a dict: address -> what keeps it */
    PyObject *pending; /* dict: target rank -> list of buffers that operations may still use */
    int flavor;        /* as the user asked for it */
    int nranks;
    struct window_target {
        int64_t bytes, unit; /* unit 0: not known, no check */
        int64_t failed;      /* while it is made: this rank cannot */
    } targets[];
} window;

/* What is known of a window; NULL if it was made elsewhere. */
window *window_of(MPI_Win win);

/* Attach to a new window what is known of it: 0, or -1 with an exception. */
int window_know(MPI_Win win, window *w);

/* Let go of all of it, once the window is freed. NULL is allowed. */
void window_forget(window *w);

/* Keep a buffer until the operations on a rank are complete. NULL is allowed. */
int window_keep(window *w, int rank, PyObject *buffer);

/* The operations on a rank, or on all (-1), are complete: let their buffers go. */
void window_settle(window *w, int rank);

/* How a window was made, as the user asked for it; `actual` if it was made elsewhere. New. */
PyObject *win_flavor(MPI_Win win, int actual);

/* The window of an object: 0, or -1 if MPI is not running. */
int win_of(PyObject *self, MPI_Win *out);

extern const row_method win_rows[], win_make_rows[], win_move_rows[], win_epoch_rows[];

#endif
